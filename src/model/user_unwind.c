/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The user-space stack of a task: from the registers at its entry into the kernel, by call frame information, by the kernel's own
 * frames of signals, and last by frame pointers, which are marked as guesses. Where none of them says more, it ends, and says why.
 */
#include <inttypes.h>
#include <kanalyze/task.h>
#include <kanalyze/user_stack.h>
#include <kanalyze/view.h>
#include "stacks.h"
#include "user_object.h"

#define FRAMES_MAX 1024

/* How a machine keeps stacks in user space; registers in DWARF numbers. */
struct machine {
	uint16_t e_machine;
	uint8_t word, ip, sp, fp, ra;
	int8_t prev_at, ret_at;		/* where a frame pointer's caller and return address lie, from where it points to */
	bool has_pushed_ra;		/* a call leaves the return address on the stack */
};

static const struct machine machines[] = {
	{ EM_X86_64, 8, 16, 7, 6, 16, 0, 8, true },
	{ EM_386, 4, 8, 4, 5, 8, 0, 4, true },
	{ EM_AARCH64, 8, 32, 31, 29, 30, 0, 8, false },
	{ EM_ARM, 4, 15, 13, 11, 14, -4, 0, false },	/* of code that gcc made with -mapcs-frame or -fno-omit-frame-pointer */
};

struct cursor {
	const struct machine *m;
	struct ka_regs regs;
	uint64_t ip, sp;
	bool is_call, is_end;
	bool is_interrupted;	/* its registers are those of the moment: entered, or a signal came */
};

static bool get(const struct ka_regs *r, unsigned n, uint64_t *ret)
{
	if (n >= KA_REGS_MAX || !(r->known >> n & 1))
		return false;
	*ret = r->value[n];
	return true;
}

static void set(struct ka_regs *r, unsigned n, uint64_t value)
{
	r->value[n] = value;
	r->known |= 1ull << n;
}

static bool read_word(struct ka_user_space *s, const struct machine *m, uint64_t at, uint64_t *ret)
{
	uint8_t b[8];

	if (!ka_user_read(s, at, b, m->word))
		return false;
	*ret = ka_uint_from(s->k, b, m->word);
	return true;
}

/* Return addresses may be signed (aarch64): an address of user space has neither tag nor signature. */
static uint64_t strip(const struct ka_user_space *s, const struct machine *m, uint64_t v)
{
	unsigned bits = s->k->layout.va_bits;

	return m->e_machine == EM_AARCH64 && bits >= 32 && bits < 56 ? v & ((1ull << bits) - 1) : v;
}

/* ---- where it begins ---- */

/*
 * What calls of functions keep was not saved by the fast path of system calls until 1e423bff959e (v4.14): the registers themselves have it then,
 * and the innermost frames of the kernel put it elsewhere; unwinding through them got it back.
 */
static void fix_old_entry(struct ka_kernel *k, const struct ka_stack *st, struct ka_regs *regs)
{
	static const char *const paths[] = { "entry_SYSCALL_64_fastpath", "system_call_fastpath" };
	static const unsigned kept[] = { 3, 6, 12, 13, 14, 15 };	/* rbx rbp r12-r15 */
	const struct ka_regs *last = st->count ? &st->frames[st->count - 1].state : NULL;
	struct ka_symbol sym;
	uint64_t v;

	if (k->arch->e_machine != EM_X86_64 || (!ka_symbol_lookup(k, paths[0], &sym) && !ka_symbol_lookup(k, paths[1], &sym)))
		return;
	for (unsigned i = 0; i < KA_COUNT(kept); i++) {
		regs->known &= ~(1ull << kept[i]);
		if (last && get(last, kept[i], &v))
			set(regs, kept[i], v);
	}
}

static bool has_fast_path(const struct ka_pt_regs *pt)
{
	/* a system call: its number is there. Interrupts and exceptions save everything */
	for (unsigned i = 0; i < pt->count; i++)
		if (!strcmp(pt->names[i], "ORIG_RAX"))
			return (int64_t)pt->value[i] >= 0;
	return false;
}

static bool regs_from(struct ka_kernel *k, ka_addr at, struct ka_regs *ret, struct ka_pt_regs *pt)
{
	uint8_t bytes[512];

	if (!k->arch->pt_regs || k->arch->pt_regs_size > sizeof(bytes) || ka_error_drop(ka_read(k, at, bytes, k->arch->pt_regs_size)))
		return false;
	k->arch->pt_regs(bytes, false, ret, pt);
	pt->at = at;
	return pt->is_user;
}

static bool start_regs(struct ka_kernel *k, const struct ka_task *t, struct ka_arena *a, struct ka_regs *ret, struct ka_pt_regs *pt)
{
	const struct ka_stack_ops *ops = ka_stack_ops(k);
	uint64_t size = ka_thread_size(k);
	struct ka_stack st = { 0 };
	unsigned cpu;
	bool is_found = false;

	ka_error_drop(ka_unwind_task(k, t->addr, a, &st));
	ka_error_free(st.err);
	if (st.user_regs && st.user_regs->at) {
		is_found = regs_from(k, st.user_regs->at, ret, pt);
		if (is_found && has_fast_path(pt))
			fix_old_entry(k, &st, ret);
	} else if (st.user_regs && ka_task_is_active(k, t->addr, &cpu)) {
		is_found = ka_cpu_regs(k, cpu, ret, pt) && pt->is_user;
	}
	/* a stack that is broken below: at its top they lie all the same; 16 bytes lower where the processor has FRED (v6.9) */
	for (unsigned padding = 0; !is_found && padding <= 16 && t->stack; padding += 16)
		is_found = regs_from(k, t->stack + size - padding - k->arch->pt_regs_size, ret, pt) && ops && ops->is_saved && ops->is_saved(k, pt);
	return is_found;
}

/* Registers of a 32-bit task have numbers of their own. */
static void compat_regs(struct cursor *c, const struct ka_regs *regs)
{
	static const uint8_t from_x86[] = { 0, 2, 1, 3, 7, 6, 4, 5, 16 };	/* eax ecx edx ebx esp ebp esi edi eip */
	unsigned n = c->m->e_machine == EM_386 ? KA_COUNT(from_x86) : 15;
	uint64_t v;

	memset(&c->regs, 0, sizeof(c->regs));
	for (unsigned i = 0; i < n; i++)
		if (get(regs, c->m->e_machine == EM_386 ? from_x86[i] : i, &v))
			set(&c->regs, i, (uint32_t)v);
}

static void cursor_start(struct ka_kernel *k, const struct ka_regs *regs, const struct ka_pt_regs *pt, struct cursor *c)
{
	uint64_t mode = 0;
	uint16_t e_machine = k->arch->e_machine;

	memset(c, 0, sizeof(*c));
	for (unsigned i = 0; i < pt->count; i++)
		if (!strcmp(pt->names[i], "CS") || !strcmp(pt->names[i], "PSTATE"))
			mode = pt->value[i];
	if (e_machine == EM_X86_64 && mode == 0x23)		/* __USER32_CS */
		e_machine = EM_386;
	else if (e_machine == EM_AARCH64 && mode & 0x10)	/* PSR_MODE32_BIT */
		e_machine = EM_ARM;
	for (size_t i = 0; i < KA_COUNT(machines); i++)
		if (machines[i].e_machine == e_machine)
			c->m = &machines[i];
	if (!c->m)
		return;
	if (c->m->word == 4)
		compat_regs(c, regs);
	else
		c->regs = *regs;
	c->ip = pt->ip;
	c->sp = pt->sp;
	set(&c->regs, c->m->ip, c->ip);
	set(&c->regs, c->m->sp, c->sp);
	c->is_interrupted = true;
}

/* ---- one step up ---- */

/* What the kernel left when it delivered a signal: handlers return to a system call that takes it back. */
static bool step_sigreturn(struct ka_user_space *s, struct cursor *c)
{
	static const uint8_t x86_64[] = { 0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0, 0x0f, 0x05 };	/* mov $15,%rax; syscall */
	static const uint8_t aarch64[] = { 0x68, 0x11, 0x80, 0xd2, 0x01, 0, 0, 0xd4 };		/* mov x8,#139; svc #0 */
	/* gregs of struct sigcontext: r8-r15 rdi rsi rbp rbx rdx rax rcx rsp rip, behind ucontext's flags, link and stack */
	static const uint8_t order[] = { 8, 9, 10, 11, 12, 13, 14, 15, 5, 4, 6, 3, 1, 0, 2, 7, 16 };
	struct ka_regs up = { 0 };
	uint8_t code[sizeof(x86_64)];
	uint64_t v;

	if (c->m->e_machine == EM_X86_64) {
		if (!ka_user_read(s, c->ip, code, sizeof(x86_64)) || memcmp(code, x86_64, sizeof(x86_64)))
			return false;
		for (unsigned i = 0; i < KA_COUNT(order); i++) {
			if (!read_word(s, c->m, c->sp + 40 + 8 * i, &v))
				return false;
			set(&up, order[i], v);
		}
	} else if (c->m->e_machine == EM_AARCH64) {
		/* siginfo of 128 bytes, ucontext of 176 with 1024 signals, fault_address, x0-x30 sp pc */
		if (!ka_user_read(s, c->ip, code, sizeof(aarch64)) || memcmp(code, aarch64, sizeof(aarch64)))
			return false;
		for (unsigned i = 0; i < 33; i++) {
			if (!read_word(s, c->m, c->sp + 128 + 176 + 8 + 8 * i, &v))
				return false;
			set(&up, i, v);
		}
	} else {
		return false;
	}
	c->regs = up;
	c->ip = up.value[c->m->ip];
	c->sp = up.value[c->m->sp];
	c->is_call = false;
	c->is_interrupted = true;
	return true;
}

static struct ka_error *apply(struct ka_user_space *s, const struct ka_frame_rules *r, struct cursor *c)
{
	struct ka_regs up = { 0 };
	uint64_t cfa, v, ip;

	if (r->is_end) {
		c->is_end = true;
		return NULL;
	}
	if (!get(&c->regs, r->cfa_reg, &cfa))
		return ka_error_new(KA_MISSING, "register %u, by which its frame is found, is not known", r->cfa_reg);
	cfa += (uint64_t)r->cfa_offset;
	if (r->is_cfa_deref) {
		if (!read_word(s, c->m, cfa, &cfa))
			return ka_error_at(KA_MISSING, KA_SPACE_USER, cfa, "its stack at 0x%" PRIx64 " is not in the dump", cfa);
		cfa += (uint64_t)r->cfa_deref_offset;
	}
	for (unsigned i = 0; i < KA_COUNT(r->reg) && i < KA_REGS_MAX; i++) {
		const struct ka_rule *rule = &r->reg[i];

		switch ((enum ka_rule_kind)rule->kind) {
		case KA_RULE_CFA_OFFSET:
			v = cfa + (uint64_t)rule->n;
			if (read_word(s, c->m, v, &v))
				set(&up, i, v);
			else if (i == r->ra_reg)
				return ka_error_at(KA_MISSING, KA_SPACE_USER, cfa + (uint64_t)rule->n, "its stack at 0x%" PRIx64 " is not in the dump",
						   cfa + (uint64_t)rule->n);
			break;
		case KA_RULE_REG_OFFSET:
			if (get(&c->regs, rule->reg, &v) && read_word(s, c->m, v + (uint64_t)rule->n, &v))
				set(&up, i, v);
			break;
		case KA_RULE_VALUE:
			set(&up, i, cfa + (uint64_t)rule->n);
			break;
		case KA_RULE_REG:
			if (get(&c->regs, rule->reg, &v))
				set(&up, i, v);
			break;
		case KA_RULE_SAME:
			if (get(&c->regs, i, &v))
				set(&up, i, v);
			break;
		default:
			break;
		}
	}
	/* a leaf keeps it where the call left it */
	if (r->reg[r->ra_reg].kind == KA_RULE_UNKNOWN && r->ra_reg != c->m->ip && c->is_interrupted && get(&c->regs, r->ra_reg, &v))
		set(&up, r->ra_reg, v);
	if (!get(&up, r->ra_reg, &ip))
		return ka_error_new(KA_MISSING, "its return address is not known");
	ip = strip(s, c->m, ip);
	if (c->m->word == 4) {
		ip = (uint32_t)ip;
		cfa = (uint32_t)cfa;
	}
	if (!get(&up, c->m->sp, &v))
		v = cfa;
	if (!r->is_signal && r->ra_reg != c->m->ip)
		up.known &= ~(1ull << r->ra_reg);
	set(&up, c->m->ip, ip);
	set(&up, c->m->sp, v);
	c->regs = up;
	c->ip = ip;
	c->sp = v;
	c->is_call = !r->is_signal;
	c->is_interrupted = r->is_signal;
	return NULL;
}

/* The frame pointer's chain. False: it is none. */
static bool step_fp(struct ka_user_space *s, struct cursor *c)
{
	const struct machine *m = c->m;
	const struct ka_user_area *stack = ka_user_area_at(s, c->sp);
	uint64_t fp, prev, ip;
	struct ka_regs up = { 0 };

	if (!get(&c->regs, m->fp, &fp) || !stack || fp < c->sp || fp >= stack->end || fp & (m->word - 1u) || fp < stack->start + 4)
		return false;
	if (!read_word(s, m, fp + (uint64_t)(int64_t)m->prev_at, &prev) || !read_word(s, m, fp + (uint64_t)m->ret_at, &ip))
		return false;
	ip = strip(s, m, ip);
	if (!ip) {		/* _start and threads begin so */
		c->is_end = true;
		return true;
	}
	if (!ka_user_is_code(s, ip - 1))
		return false;
	set(&up, m->fp, prev);
	set(&up, m->ip, ip);
	set(&up, m->sp, fp + (uint64_t)m->ret_at + m->word);
	c->regs = up;
	c->ip = ip;
	c->sp = up.value[m->sp];
	c->is_call = true;
	c->is_interrupted = false;
	return true;
}

/* A call to where there is no code, and the page of old system calls, which is none of the file's: only the call has left something. */
static bool step_entered(struct ka_user_space *s, struct cursor *c)
{
	uint64_t ip;

	if (c->m->has_pushed_ra ? !read_word(s, c->m, c->sp, &ip) : !get(&c->regs, c->m->ra, &ip))
		return false;
	ip = strip(s, c->m, ip);
	if (!ka_user_is_code(s, ip - 1))
		return false;
	if (c->m->has_pushed_ra)
		c->sp += c->m->word;
	else
		c->regs.known &= ~(1ull << c->m->ra);
	set(&c->regs, c->m->sp, c->sp);
	set(&c->regs, c->m->ip, ip);
	c->ip = ip;
	c->is_call = true;
	c->is_interrupted = false;
	return true;
}

/* Into the arena; frees err. */
static const char *message_of(struct ka_user_space *s, struct ka_error *err)
{
	const char *text = ka_strdup(s->arena, err->message);

	ka_error_free(err);
	return text;
}

/* To the caller; *ret_by: how. Error: why there is no more. */
static struct ka_error *step(struct ka_user_space *s, struct cursor *c, enum ka_frame_by *ret_by)
{
	uint64_t at = c->is_call ? c->ip - 1 : c->ip;
	const struct ka_user_area *area = ka_user_area_at(s, at);
	struct ka_frame_rules r;
	struct cursor next = *c;
	struct ka_error *err;

	*ret_by = KA_BY_CALL;
	if (c->is_interrupted && (!ka_user_is_code(s, at) || !strcmp(area->name, "[vsyscall]"))) {
		if (step_entered(s, c))
			return NULL;
		return ka_error_at(KA_CORRUPT, KA_SPACE_USER, at, "0x%" PRIx64 " is no code, and no caller is known", at);
	}
	if (!area)
		return ka_error_at(KA_CORRUPT, KA_SPACE_USER, at, "0x%" PRIx64 " is in no memory area", at);
	*ret_by = KA_BY_PT_REGS;
	if (step_sigreturn(s, &next)) {
		*c = next;
		return NULL;
	}
	err = ka_user_rules(s, at, &r);
	if (!err) {
		err = apply(s, &r, &next);
		if (!err) {
			*c = next;
			*ret_by = r.is_signal ? KA_BY_PT_REGS : KA_BY_CFI;
			return NULL;
		}
		return err;	/* who knew the frame says that it cannot be told */
	}
	next = *c;
	if (c->is_call && get(&c->regs, c->m->fp, &at) && !at) {	/* as _start has it */
		ka_error_free(err);
		c->is_end = true;
		return NULL;
	}
	if (step_fp(s, &next)) {
		ka_error_free(err);
		*c = next;
		*ret_by = KA_BY_FP;
		return NULL;
	}
	return ka_error_at(KA_MISSING, KA_SPACE_USER, c->ip, "%s; its frame pointer leads to no caller", message_of(s, err));
}

/* ---- frames ---- */

static const char *area_name(const struct ka_user_area *a)
{
	return a ? a->name : NULL;
}

static void add_frame(struct ka_user_space *s, const struct cursor *c, enum ka_frame_by by, struct ka_user_stack *st, size_t *cap)
{
	const struct ka_user_area *area = ka_user_area_at(s, c->ip - c->is_call);
	struct ka_user_frame *f;

	if (st->count == *cap) {
		*cap = *cap ? *cap * 2 : 16;
		f = ka_alloc(s->arena, *cap * sizeof(*f));
		if (st->count)
			memcpy(f, st->frames, st->count * sizeof(*f));
		st->frames = f;
	}
	f = &st->frames[st->count];
	*f = (struct ka_user_frame){ .level = (unsigned)st->count, .ip = c->ip, .sp = c->sp, .by = by, .is_call = c->is_call,
				     .is_guess = by == KA_BY_FP || by == KA_BY_CALL, .is_signal = by == KA_BY_PT_REGS, .file = area_name(area) };
	if (area)
		f->file_offset = c->ip - area->start + area->offset;
	/*
	 * Of an address right behind a function the one before: a call that does not return. Where signal handlers return to is nobody's
	 * call, though, and nothing is before it.
	 */
	if (ka_user_symbol(s, c->ip - c->is_call, &f->function, &f->offset))
		f->offset += c->is_call;
	else if (c->is_call)
		ka_user_symbol(s, c->ip, &f->function, &f->offset);
	ka_user_source(s, c->ip - c->is_call, &f->source);
	st->count++;
}

struct ka_error *ka_unwind_user(struct ka_kernel *k, ka_addr task, const char *sysroot, struct ka_arena *a, struct ka_user_stack *ret)
{
	enum ka_frame_by by = KA_BY_START;
	struct ka_user_space space;
	struct cursor c, before;
	const char **remarks;
	struct ka_regs regs;
	struct ka_error *err;
	struct ka_task t;
	size_t cap = 0;

	memset(ret, 0, sizeof(*ret));
	err = ka_task_read(k, task, &t);
	if (err)
		return err;
	if (!t.mm) {
		ret->end = ka_task_is_kthread(k, &t) ? "(kernel thread: no user memory)" : "(it has exited: no user memory)";
		return NULL;
	}
	ret->regs = ka_alloc(a, sizeof(*ret->regs));
	if (!start_regs(k, &t, a, &regs, ret->regs)) {
		ret->regs = NULL;
		ret->end = "(its registers of user mode are not in the dump)";
		return NULL;
	}
	cursor_start(k, &regs, ret->regs, &c);
	if (!c.m)
		return ka_error_new(KA_UNSUPPORTED, "nothing is known of user-space stacks of %s", k->arch->name);
	ret->word = c.m->word;
	err = ka_user_space_open(k, t.mm, sysroot, a, &space);
	if (err)
		return err;
	for (;;) {
		add_frame(&space, &c, by, ret, &cap);
		if (ret->count == FRAMES_MAX) {
			ret->end = ka_printf(a, "(more than %u frames: given up)", FRAMES_MAX);
			break;
		}
		if (ka_interrupted()) {
			ret->end = "(interrupted)";
			break;
		}
		before = c;
		err = step(&space, &c, &by);
		if (err) {
			ret->end = ka_printf(a, "(%s)", err->message);
			ka_error_free(err);
			break;
		}
		if (c.is_end || !c.ip) {
			ret->end = "(end)";
			break;
		}
		/* signals may have stacks of their own; what was called lies below its caller */
		if (!c.is_interrupted && (c.sp < before.sp || (c.sp == before.sp && c.ip == before.ip))) {
			ret->end = ka_printf(a, "(the stack pointer does not rise: 0x%" PRIx64 " after 0x%" PRIx64 ")", c.sp, before.sp);
			break;
		}
	}
	remarks = ka_alloc(a, (space.remarks.n + 1) * sizeof(*remarks));
	for (size_t i = 0; i < space.remarks.n; i++)
		remarks[i] = space.remarks.at[i];
	ret->remarks = remarks;
	ka_user_space_close(&space);
	return NULL;
}
