/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One step up a stack. Who says how, in this order: ORC, which is made from the final
 * machine code and knows assembly and stack switches; DWARF CFI, where there is no ORC
 * (inline assembly that switches stacks, call_on_irqstack of 5.12 to 6.3, has wrong CFI);
 * frame pointers; and last a scan for return addresses. What the last two find is a guess,
 * but for the frame records of aarch64, which the ABI has in every function that calls another,
 * and for those of kernels that were built to be unwound so (unwind_fp.c).
 */
#include <inttypes.h>
#include "stacks.h"

static bool reg_get(const struct ka_regs *r, unsigned n, uint64_t *ret)
{
	if (n >= KA_REGS_MAX || !(r->known >> n & 1))
		return false;
	*ret = r->value[n];
	return true;
}

static void reg_set(struct ka_regs *r, unsigned n, uint64_t value)
{
	r->value[n] = value;
	r->known |= 1ull << n;
}

void ka_cursor_set(struct ka_kernel *k, struct ka_cursor *c, const char *name, uint64_t value)
{
	for (unsigned i = 0; i < k->arch->reg_count; i++)
		if (!strcmp(k->arch->reg_names[i], name))
			reg_set(&c->regs, i, value);
}

void ka_cursor_from_regs(struct ka_kernel *k, const struct ka_regs *regs, struct ka_cursor *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->regs = *regs;
	reg_get(regs, k->arch->ip_reg, &ret->ip);
	reg_get(regs, k->arch->sp_reg, &ret->sp);
	ret->by = KA_BY_START;
}

void ka_cursor_set_ip(struct ka_kernel *k, struct ka_cursor *c, ka_addr ip)
{
	c->ip = ip;
	c->is_call = false;
	reg_set(&c->regs, k->arch->ip_reg, ip);
}

bool ka_cursor_from_slot(struct ka_kernel *k, ka_addr slot, struct ka_cursor *ret)
{
	uint64_t ip, fp;

	if (ka_error_drop(ka_read_ulong(k, slot, &ip)))
		return false;
	memset(ret, 0, sizeof(*ret));
	if (k->arch->strip_ip)
		ip = k->arch->strip_ip(&k->layout, ip);
	ret->ip = ip;
	ret->sp = slot + ka_long_size(k);
	ret->ret_at = slot;
	ret->is_call = true;
	ret->by = KA_BY_START;
	reg_set(&ret->regs, k->arch->ip_reg, ip);
	/* a frame record: what lies above belongs to the callee still */
	if (!k->arch->has_frame_records)
		reg_set(&ret->regs, k->arch->sp_reg, ret->sp);
	else if (!ka_error_drop(ka_read_ulong(k, slot - ka_long_size(k), &fp)))
		reg_set(&ret->regs, k->arch->fp_reg, fp);
	return true;
}

static bool orc_rules(struct ka_kernel *k, uint64_t ip, bool is_kernel, struct ka_frame_rules *ret)
{
	struct ka_orc *orc = is_kernel ? ka_kernel_orc(k) : k->hooks.module_orc ? k->hooks.module_orc(k, ip) : NULL;

	if (!orc)
		return false;
	if (is_kernel && !k->is_orc_runtime)
		ip -= k->layout.kaslr_offset;
	return !ka_error_drop(ka_orc_rules(orc, ip, ret));
}

static bool cfi_rules(struct ka_kernel *k, uint64_t ip, bool is_kernel, struct ka_frame_rules *ret)
{
	struct ka_object *o = k->object;
	uint32_t section = 0;
	uint64_t at = ip - k->layout.kaslr_offset;

	if (!is_kernel && (!k->hooks.module_object || !k->hooks.module_object(k, ip, &o, &at, &section)))
		return false;
	return o && !ka_error_drop(ka_object_cfi(o, at, ret));
}

/*
 * rbp points at the saved rbp, the return address lies above it; so do aarch64's frame records. Entry code of x86 kernels
 * with frame pointers marks a struct pt_regs by an odd rbp (946c191161ce, v4.10).
 */
static void fp_or_saved_rules(struct ka_kernel *k, const struct ka_regs *regs, struct ka_frame_rules *ret)
{
	uint64_t fp;

	ka_fp_rules(k, ret);
	if (reg_get(regs, k->arch->fp_reg, &fp) && (fp & 1)) {
		ret->cfa_offset = -1;
		ret->is_pt_regs = true;
	}
}

void ka_fp_rules(struct ka_kernel *k, struct ka_frame_rules *ret)
{
	int64_t word = k->long_size;

	memset(ret, 0, sizeof(*ret));
	ret->cfa_reg = (uint16_t)k->arch->fp_reg;
	ret->cfa_offset = 2 * word;
	ret->ra_reg = (uint16_t)k->arch->ra_reg;
	ret->reg[k->arch->ra_reg] = (struct ka_rule){ .kind = KA_RULE_CFA_OFFSET, .n = -word };
	ret->reg[k->arch->fp_reg] = (struct ka_rule){ .kind = KA_RULE_CFA_OFFSET, .n = -2 * word };
}

/* A function that has done nothing yet, or a call to where there is no code: only the call itself has left something. */
void ka_entered_rules(struct ka_kernel *k, struct ka_frame_rules *ret)
{
	bool is_pushed = k->arch->ra_reg == k->arch->ip_reg;

	ka_fp_rules(k, ret);
	ret->cfa_reg = (uint16_t)k->arch->sp_reg;
	ret->cfa_offset = is_pushed ? k->long_size : 0;
	if (!is_pushed)
		ret->reg[k->arch->ra_reg] = (struct ka_rule){ .kind = KA_RULE_SAME };
	ret->reg[k->arch->fp_reg] = (struct ka_rule){ .kind = KA_RULE_SAME };
}

static struct ka_error *cfa_of(struct ka_kernel *k, const struct ka_frame_rules *r, const struct ka_cursor *c, uint64_t *ret)
{
	const struct ka_rule *fp_rule = &r->reg[k->arch->fp_reg];
	uint64_t base, fp;

	/* after a frame record the stack pointer is not known; but the record lies where this function keeps the old one */
	if (k->arch->has_frame_records && r->cfa_reg == k->arch->sp_reg && !(c->regs.known >> r->cfa_reg & 1) &&
	    fp_rule->kind == KA_RULE_CFA_OFFSET && c->is_call && reg_get(&c->regs, k->arch->fp_reg, &fp)) {
		*ret = fp - (uint64_t)fp_rule->n;
		return NULL;
	}
	if (!reg_get(&c->regs, r->cfa_reg, &base))
		return ka_error_new(KA_MISSING, "the frame of 0x%" PRIx64 " is found through register %s, which is not known",
				    c->ip, r->cfa_reg < k->arch->reg_count ? k->arch->reg_names[r->cfa_reg] : "?");
	*ret = base + (uint64_t)r->cfa_offset;
	if (r->is_cfa_deref) {	/* a stack that keeps where the other one is at its top: call_on_stack, IRQ entry */
		struct ka_error *err = ka_read_ulong(k, *ret, ret);

		if (err)
			return err;
		*ret += (uint64_t)r->cfa_deref_offset;
	}
	return NULL;
}

/* At the CFA lies what an interrupt or exception saved. */
static struct ka_error *step_pt_regs(struct ka_kernel *k, const struct ka_frame_rules *r, uint64_t cfa, struct ka_cursor *c,
				     struct ka_arena *a)
{
	uint8_t bytes[512] = { 0 };
	struct ka_regs regs;
	struct ka_pt_regs *pt = ka_alloc(a, sizeof(*pt));
	size_t from = r->is_partial ? k->arch->pt_regs_ip_at : 0;
	uint64_t at = cfa - from;
	struct ka_error *err;

	err = ka_read(k, at + from, bytes + from, k->arch->pt_regs_size - from);
	if (err)
		return ka_error_wrap(err, "cannot read the exception frame at 0x%" PRIx64, at);
	k->arch->pt_regs(bytes, r->is_partial, &regs, pt);
	if (k->arch->pt_ra_at && k->arch->strip_ip && !pt->is_user)
		pt->value[k->arch->pt_ra_at] = k->arch->strip_ip(&k->layout, pt->value[k->arch->pt_ra_at]);
	pt->at = at;
	/* what the processor did not push is still in the registers */
	for (unsigned i = 0; r->is_partial && i < k->arch->reg_count; i++)
		if (!(regs.known >> i & 1) && c->regs.known >> i & 1)
			reg_set(&regs, i, c->regs.value[i]);
	c->regs = regs;
	c->ip = pt->ip;
	c->sp = pt->sp;
	c->ret_at = 0;
	c->is_call = false;
	c->pt = pt;
	if (pt->is_user)
		c->is_end = true;
	return NULL;
}

/*
 * Kernel threads of before 3.x began with a return address of 0, pushed below the registers at the top of their stack. Kernels
 * with ORC mark the end: there it is damage.
 */
static bool is_bottom(struct ka_kernel *k, const struct ka_stacks *s, ka_addr ret_at, uint64_t ret)
{
	const struct ka_stack_area *area = ret_at && !ret && !ka_kernel_orc(k) ? ka_stacks_at(s, ret_at) : NULL;

	return area && area->end - ret_at <= k->arch->pt_regs_size + 8 * (uint64_t)k->long_size;
}

ka_addr ka_entry_regs(struct ka_kernel *k, ka_addr at)
{
	struct ka_pt_regs pt;
	bool is_likely;

	if (ka_pt_regs_at(k, at, &pt, &is_likely) && is_likely)
		return at;
	return ka_pt_regs_at(k, at + k->long_size, &pt, &is_likely) && is_likely ? at + k->long_size : at;
}

static struct ka_error *apply(struct ka_kernel *k, const struct ka_stacks *s, const struct ka_frame_rules *r, struct ka_cursor *c,
			      struct ka_arena *a)
{
	struct ka_regs up = { 0 };
	uint64_t cfa, v;
	struct ka_error *err = cfa_of(k, r, c, &cfa);

	if (err)
		return err;
	if (r->is_pt_regs)
		return step_pt_regs(k, r, cfa, c, a);
	const struct ka_rule *ra = &r->reg[r->ra_reg];
	for (unsigned i = 0; i < k->arch->reg_count; i++) {
		const struct ka_rule *rule = &r->reg[i];

		switch ((enum ka_rule_kind)rule->kind) {
		case KA_RULE_CFA_OFFSET:
			err = ka_read_ulong(k, cfa + (uint64_t)rule->n, &v);
			/* only the return address is worth ending for */
			if (err && i == r->ra_reg)
				return ka_error_wrap(err, "cannot read the return address of 0x%" PRIx64, c->ip);
			if (!ka_error_drop(err))
				reg_set(&up, i, v);
			break;
		case KA_RULE_REG_OFFSET:	/* functions that align their stack save rbp and rbx so */
			if (reg_get(&c->regs, rule->reg, &v) && !ka_error_drop(ka_read_ulong(k, v + (uint64_t)rule->n, &v)))
				reg_set(&up, i, v);
			break;
		case KA_RULE_VALUE:
			reg_set(&up, i, cfa + (uint64_t)rule->n);
			break;
		case KA_RULE_REG:
			if (reg_get(&c->regs, rule->reg, &v))
				reg_set(&up, i, v);
			break;
		case KA_RULE_SAME:
			if (reg_get(&c->regs, i, &v))
				reg_set(&up, i, v);
			break;
		default:
			break;
		}
	}
	if (!reg_get(&up, r->ra_reg, &v))
		return ka_error_new(KA_MISSING, "the return address of 0x%" PRIx64 " is not known", c->ip);
	if (k->arch->strip_ip)
		v = k->arch->strip_ip(&k->layout, v);
	c->ret_at = ra->kind == KA_RULE_CFA_OFFSET ? cfa + (uint64_t)ra->n : 0;
	if (ka_is_hidden(s->hidden ? s->hidden : ka_hidden_names(k), v)) {
		struct ka_hidden_place place = { .slot = c->ret_at, .sp = cfa };

		if (k->arch->has_frame_records)
			reg_get(&up, k->arch->fp_reg, &place.fp);
		ka_unhide(k, s->task, &place, &c->hidden, v, &v);
	}
	if (r->ra_reg != k->arch->ip_reg)	/* the call that it returned from overwrote it */
		up.known &= ~(1ull << r->ra_reg);
	reg_set(&up, k->arch->ip_reg, v);
	reg_set(&up, k->arch->sp_reg, cfa);
	c->regs = up;
	c->ip = v;
	c->sp = cfa;
	c->is_call = true;
	c->pt = NULL;
	if (is_bottom(k, s, c->ret_at, v)) {
		c->is_end = true;
		return NULL;
	}
	/* entry code with CFI (before 131484c8da97, v4.3) marks itself: the address it "returns" to is pt_regs.ip */
	if (r->is_signal && c->ret_at)
		return step_pt_regs(k, &(struct ka_frame_rules){ .is_pt_regs = true },
				    ka_entry_regs(k, c->ret_at - k->arch->pt_regs_ip_at), c, a);
	return NULL;
}

/* Within a stack the pointer must rise; to another stack it may go anywhere in it. */
static struct ka_error *check_move(struct ka_kernel *k, const struct ka_stacks *s, const struct ka_cursor *from, struct ka_cursor *to)
{
	const struct ka_stack_area *old = ka_stacks_at(s, from->sp), *new;

	uint64_t fp;

	to->left = NULL;
	if (to->is_end)
		return NULL;
	/* a function that switches stacks has its record on the one that it left (call_on_irq_stack, 17d8f0ce3a8e, v5.11) */
	if (k->arch->has_frame_records && !ka_stacks_at(s, to->sp) && reg_get(&to->regs, k->arch->fp_reg, &fp) && ka_stacks_at(s, fp))
		to->sp = fp;
	/* the frame at the very top of a stack has its CFA at the end of the area */
	new = ka_stacks_at(s, to->sp);
	if (!new)
		new = ka_stacks_at(s, to->sp - 1);
	/* what an exception saved is what was: a stack pointer that had run out of its stack caused it */
	if (!new && !to->pt)
		return ka_error_at(KA_CORRUPT, KA_SPACE_VIRT, to->sp,
				   "the caller of 0x%" PRIx64 " would have its stack at 0x%" PRIx64 ", which is no stack of this task or CPU",
				   from->ip, to->sp);
	/* a function that keeps its return address in a register may have nothing on the stack */
	bool may_stay = to->pt || (!from->is_call && k->arch->ra_reg != k->arch->ip_reg);
	if (old == new && (to->sp < from->sp || (to->sp == from->sp && !may_stay)))
		return ka_error_at(KA_CORRUPT, KA_SPACE_VIRT, to->sp, "the stack pointer does not rise: 0x%" PRIx64 " after 0x%" PRIx64,
				   to->sp, from->sp);
	if (old && old != new)
		to->left = old->name;
	return NULL;
}

static bool is_after_call(struct ka_kernel *k, ka_addr ip)
{
	uint8_t before[KA_CALL_BYTES];

	return !k->arch->is_after_call ||
	       (!ka_error_drop(ka_read(k, ip - sizeof(before), before, sizeof(before))) && k->arch->is_after_call(before));
}

bool ka_unwind_is_return(struct ka_kernel *k, uint64_t v)
{
	if (k->arch->strip_ip)
		v = k->arch->strip_ip(&k->layout, v);
	return ka_is_text(k, v) && is_after_call(k, v);
}

static struct ka_error *try_rules(struct ka_kernel *k, const struct ka_stacks *s, const struct ka_frame_rules *r,
				  struct ka_cursor *c, struct ka_arena *a)
{
	struct ka_cursor next = *c;
	struct ka_error *err = NULL;

	if (r->is_end) {
		c->is_end = true;
		c->pt = NULL;
		c->left = NULL;
		return NULL;
	}
	next.pt = NULL;
	err = apply(k, s, r, &next, a);
	if (!err)
		err = check_move(k, s, c, &next);
	if (!err)
		*c = next;
	return err;
}

/*
 * Entry code without unwind data calls with nothing on the task's stack but the struct pt_regs at its top: that of user mode,
 * or, of kernel threads, zeros. And a chain of frame pointers ends with 0.
 */
static bool is_top(struct ka_kernel *k, const struct ka_stacks *s, struct ka_cursor *c, struct ka_arena *a)
{
	const struct ka_stack_area *area = ka_stacks_at(s, c->sp);
	struct ka_cursor user = *c;
	uint64_t fp;

	if (area && area == &s->area[0] && area->end - c->sp == k->arch->pt_regs_size &&
	    !ka_error_drop(step_pt_regs(k, &(struct ka_frame_rules){ .is_pt_regs = true }, c->sp, &user, a)) && user.pt &&
	    (user.pt->is_user || !user.pt->ip)) {
		*c = user;
		if (!c->pt->is_user)
			c->pt = NULL;
		c->is_end = true;
		c->left = NULL;
		return true;
	}
	if (!reg_get(&c->regs, k->arch->fp_reg, &fp) || fp || (c->by != KA_BY_FP && !k->arch->has_frame_records))
		return false;
	c->is_end = true;
	c->pt = NULL;
	c->left = NULL;
	return true;
}

/*
 * ret_from_fork of kernels with annotations in assembly (until v4.1) calls a kernel thread's function with only zeroed registers above,
 * which its CFI takes for a frame.
 */
static bool is_thread_top(struct ka_kernel *k, const struct ka_stacks *s, struct ka_cursor *c, struct ka_arena *a)
{
	const struct ka_stack_area *area = ka_stacks_at(s, c->sp);
	struct ka_cursor regs = *c;

	if (k->arch->has_frame_records || !c->is_call || !area || area != &s->area[0] || area->end - c->sp != k->arch->pt_regs_size ||
	    ka_error_drop(step_pt_regs(k, &(struct ka_frame_rules){ .is_pt_regs = true }, c->sp, &regs, a)) || !regs.pt || regs.pt->ip)
		return false;
	c->is_end = true;
	c->pt = NULL;
	c->left = NULL;
	return true;
}

/* The boot code pushes a return address of 0 before it calls C: at the very top of the first task's stack, else 0 is no end but damage. */
static bool is_faked_end(const struct ka_stacks *s, const struct ka_cursor *c)
{
	const struct ka_stack_area *area = ka_stacks_at(s, c->ret_at);

	return !c->ip && !c->pt && area && area == &s->area[0] && area->end - c->ret_at <= 32;
}

/* Is the newest frame record that of the function itself? It holds what the link register held when it was entered. */
static bool is_own_record(struct ka_kernel *k, const struct ka_cursor *c)
{
	uint64_t fp, lr, saved;

	return reg_get(&c->regs, k->arch->fp_reg, &fp) && reg_get(&c->regs, k->arch->ra_reg, &lr) && fp >= c->sp &&
	       !ka_error_drop(ka_read_ulong(k, fp + ka_long_size(k), &saved)) && saved == lr;
}

/* A function that was interrupted before it made its frame record, or that makes none, has its caller in the link register. */
static bool is_proved_caller(struct ka_kernel *k, const struct ka_cursor *c, ka_addr ret)
{
	const struct ka_stack_ops *ops = ka_stack_ops(k);
	struct ka_symbol callee, caller;
	uint64_t offset;

	/* a return address within itself is that of a call it made */
	return ops && ops->is_caller && ka_symbol_at(k, c->ip, &callee, &offset) && ka_symbol_at(k, ret - 1, &caller, &offset) &&
	       caller.addr != callee.addr && ops->is_caller(k, c->ip, callee.addr, ret);
}

/* Nothing says how: the frame pointer, and last what looks like a return address. */
static struct ka_error *guess(struct ka_kernel *k, const struct ka_stacks *s, struct ka_cursor *c, struct ka_arena *a)
{
	struct ka_cursor next = *c;
	struct ka_frame_rules r;

	if (c->is_trial)
		return ka_error_new(KA_NOT_FOUND, "nothing tells how to unwind 0x%" PRIx64, c->ip);
	/* interrupted where nothing tells how: assembly, most of which makes no frame and leaves the return address where it was */
	if (k->arch->has_frame_records && !c->is_call && !is_own_record(k, c)) {
		ka_entered_rules(k, &r);
		if (!ka_error_drop(try_rules(k, s, &r, &next, a)) && ka_is_text(k, next.ip) && is_after_call(k, next.ip)) {
			next.by = is_proved_caller(k, c, next.ip) ? KA_BY_CALL : KA_BY_SCAN;
			*c = next;
			return NULL;
		}
		next = *c;
	}
	/* with ORC, functions keep no frame pointer: what is in rbp may be that of a caller farther up, or no pointer at all */
	if (!k->arch->has_frame_records && ka_kernel_orc(k) && ka_cursor_scan_proved(k, s, c, a))
		return NULL;
	fp_or_saved_rules(k, &c->regs, &r);
	if (!ka_error_drop(try_rules(k, s, &r, &next, a)) && (next.is_end || ka_is_text(k, next.ip) || ka_cursor_is_chained(k, s, &next))) {
		if (k->arch->has_frame_records)		/* the record lies anywhere in the frame */
			next.regs.known &= ~(1ull << k->arch->sp_reg);
		bool is_called = c->is_call;
		ka_addr from = c->ip;
		const struct ka_stack_ops *ops = ka_stack_ops(k);

		*c = next;
		c->by = KA_BY_FP;
		/* from where a function was interrupted it may be its caller's still */
		c->is_framed = ka_has_frame_pointers(k) && (is_called || ka_is_framed_at(k, from)) &&
			       (!c->pt ? c->is_end || is_after_call(k, c->ip) : !ops || !ops->is_saved || ops->is_saved(k, c->pt));
		return NULL;
	}
	return ka_cursor_scan(k, s, c);
}

/* The instruction pointer is no code: a call through a bad pointer, or a return to an address that was overwritten. */
static struct ka_error *step_bad_call(struct ka_kernel *k, const struct ka_stacks *s, struct ka_cursor *c, struct ka_arena *a)
{
	struct ka_cursor next = *c;
	struct ka_frame_rules r;
	struct ka_error *err;

	ka_entered_rules(k, &r);
	err = try_rules(k, s, &r, &next, a);
	if (err)
		return ka_error_wrap(err, "0x%" PRIx64 " is no code", c->ip);
	/* it was no call, then: what lies above is all there is */
	if (!k->arch->has_frame_records && !(ka_is_text(k, next.ip) && is_after_call(k, next.ip)) && !ka_error_drop(ka_cursor_scan(k, s, c)))
		return NULL;
	*c = next;
	c->by = KA_BY_CALL;
	return NULL;
}

static struct ka_error *step(struct ka_kernel *k, const struct ka_stacks *s, struct ka_cursor *c, struct ka_arena *a)
{
	/* a return address may be the first byte behind a function that does not return */
	ka_addr ip = c->is_call ? c->ip - 1 : c->ip;
	bool is_kernel = ip >= k->layout.text_base && ip < k->layout.text_end;
	const struct ka_stack_ops *ops = ka_stack_ops(k);
	const struct ka_made_text *made;
	struct ka_frame_rules r;
	struct ka_error *err = NULL, *again;
	ka_addr alias = 0;

	memset(&r, 0, sizeof(r));
	if (ops && ops->entry_rules && ops->entry_rules(k, s, c, &r))
		return try_rules(k, s, &r, c, a);
	if (!c->is_call && !ka_is_text(k, ip))
		return step_bad_call(k, s, c, a);
	memset(&r, 0, sizeof(r));
	made = is_kernel ? NULL : ka_made_text_at(k, ip);
	if (made && ops && ops->made_rules && ops->made_rules(k, c, made, &alias, &r)) {
		if (!alias && !ka_error_drop(try_rules(k, s, &r, c, a))) {
			c->by = KA_BY_MADE;
			return NULL;
		}
		memset(&r, 0, sizeof(r));
	}
	if (orc_rules(k, alias ? alias : ip, is_kernel || alias, &r)) {
		err = try_rules(k, s, &r, c, a);
		if (!err) {
			c->by = KA_BY_ORC;
			return NULL;
		}
	}
	if (is_thread_top(k, s, c, a)) {
		ka_error_free(err);
		return NULL;
	}
	memset(&r, 0, sizeof(r));
	if (cfi_rules(k, ip, is_kernel, &r)) {
		again = try_rules(k, s, &r, c, a);
		if (!again) {
			ka_error_free(err);
			c->by = KA_BY_CFI;
			if (is_faked_end(s, c)) {
				c->is_end = true;
				c->left = NULL;
			}
			return NULL;
		}
		if (err)
			ka_error_free(again);
		else
			err = again;
	}
	/* who knew the frame says that the stack is broken: guessing on would show stale frames */
	if (err && !(k->arch->has_frame_records && c->is_call))
		return err;
	ka_error_free(err);
	return is_top(k, s, c, a) ? NULL : guess(k, s, c, a);
}

struct ka_error *ka_cursor_step(struct ka_kernel *k, const struct ka_stacks *s, struct ka_cursor *c, struct ka_arena *a)
{
	struct ka_cursor next = *c, scanned = *c;
	struct ka_error *err;

	next.is_framed = false;
	err = step(k, s, &next, a);

	next.is_doubted = !err && ka_cursor_is_doubted(k, s, &next);
	/* a wrong return address has a frame of its own, which is not the one that lies there */
	if (c->is_doubted && (err || next.is_doubted) && !ka_error_drop(ka_cursor_scan(k, s, &scanned))) {
		ka_error_free(err);
		err = NULL;
		next = scanned;
		next.is_doubted = false;
	}
	if (!err)
		*c = next;
	return err;
}
