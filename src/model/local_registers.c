/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Registers of all frames of a stack. The unwinder goes by ORC where it can, which follows three registers; what the
 * others held is told by DWARF's CFI, and taken from it where both find the same frame.
 */
#include "local.h"
#include "module.h"
#include "stacks.h"

bool ka_local_rules(struct ka_kernel *k, ka_addr pc, struct ka_frame_rules *ret)
{
	struct ka_object *o = k->object;
	uint64_t at = pc - k->layout.kaslr_offset;
	uint32_t section = 0;

	if ((pc < k->layout.text_base || pc >= k->layout.text_end) &&
	    (!k->hooks.module_object || !k->hooks.module_object(k, pc, &o, &at, &section)))
		return false;
	return o && !ka_error_drop(ka_object_cfi(o, at + (section ? ka_object_base(o, section) : 0), ret));
}

static bool is_known(const struct ka_regs *r, unsigned n)
{
	return n < KA_REGS_MAX && r->known >> n & 1;
}

static bool cfa_of(struct ka_kernel *k, const struct ka_frame *f, const struct ka_frame_rules *r, uint64_t *ret)
{
	const struct ka_rule *fp = &r->reg[k->arch->fp_reg];

	/* behind a frame record the stack pointer is not known, but where this function keeps the record is */
	if (k->arch->has_frame_records && r->cfa_reg == k->arch->sp_reg && !is_known(&f->state, r->cfa_reg) &&
	    fp->kind == KA_RULE_CFA_OFFSET && f->is_call && is_known(&f->state, k->arch->fp_reg)) {
		*ret = f->state.value[k->arch->fp_reg] - (uint64_t)fp->n;
		return true;
	}
	if (!is_known(&f->state, r->cfa_reg))
		return false;
	*ret = f->state.value[r->cfa_reg] + (uint64_t)r->cfa_offset;
	if (r->is_cfa_deref) {
		if (ka_error_drop(ka_read_ulong(k, *ret, ret)))
			return false;
		*ret += (uint64_t)r->cfa_deref_offset;
	}
	return true;
}

bool ka_local_cfa(struct ka_kernel *k, const struct ka_stack *st, size_t i, uint64_t *ret)
{
	const struct ka_frame *f = &st->frames[i], *up = i + 1 < st->count ? f + 1 : NULL;
	struct ka_frame_rules r;

	if (ka_local_rules(k, f->ip - f->is_call, &r) && cfa_of(k, f, &r, ret))
		return true;
	/* the stack pointer of the caller behind the call is what the CFA is by definition */
	if (!up || !up->is_call || up->stack || (up->is_guess && up->by == KA_BY_SCAN))
		return false;
	*ret = up->sp;
	return true;
}

static void inherit(struct ka_kernel *k, const struct ka_frame *f, const struct ka_frame_rules *r, uint64_t cfa, struct ka_frame *up)
{
	for (unsigned i = 0; i < k->arch->reg_count && i < KA_REGS_MAX; i++) {
		const struct ka_rule *rule = &r->reg[i];
		uint64_t v;
		bool ok = false;

		if (is_known(&up->state, i) || i == k->arch->ip_reg || i == k->arch->sp_reg || i == r->ra_reg)
			continue;
		switch ((enum ka_rule_kind)rule->kind) {
		case KA_RULE_SAME:
			ok = is_known(&f->state, i);
			v = f->state.value[i];
			break;
		case KA_RULE_CFA_OFFSET:
			ok = !ka_error_drop(ka_read_ulong(k, cfa + (uint64_t)rule->n, &v));
			break;
		case KA_RULE_VALUE:
			ok = true;
			v = cfa + (uint64_t)rule->n;
			break;
		case KA_RULE_REG:
			ok = is_known(&f->state, rule->reg);
			v = ok ? f->state.value[rule->reg] : 0;
			break;
		case KA_RULE_REG_OFFSET:
			ok = is_known(&f->state, rule->reg) &&
			     !ka_error_drop(ka_read_ulong(k, f->state.value[rule->reg] + (uint64_t)rule->n, &v));
			break;
		default:
			break;
		}
		if (ok) {
			up->state.value[i] = v;
			up->state.known |= 1ull << i;
		}
	}
}

/* Does the CFI lead to the same caller? By its return address, where a frame record does not tell of the stack pointer. */
static bool is_same_caller(struct ka_kernel *k, const struct ka_frame *f, const struct ka_frame_rules *r, uint64_t cfa, const struct ka_frame *up)
{
	const struct ka_rule *ra = &r->reg[r->ra_reg < KA_COUNT(r->reg) ? r->ra_reg : 0];
	uint64_t v;

	if (cfa == up->sp && up->by != KA_BY_SCAN)
		return true;
	/* what a scan found, or a link register alone, must be where the CFI says */
	if (!k->arch->has_frame_records ? cfa != up->sp : up->by != KA_BY_FP && up->by != KA_BY_SCAN)
		return false;
	if (ra->kind == KA_RULE_CFA_OFFSET) {
		if (ka_error_drop(ka_read_ulong(k, cfa + (uint64_t)ra->n, &v)))
			return false;
	} else {
		/* still in the register, of a function that has called nothing yet */
		if (f->is_call || !is_known(&f->state, r->ra_reg))
			return false;
		v = f->state.value[r->ra_reg];
	}
	return (k->arch->strip_ip ? k->arch->strip_ip(&k->layout, v) : v) == up->ip;
}

/* How a frame is left: by CFI, or as the kernel's own code generators do it. */
static bool rules_of(struct ka_kernel *k, const struct ka_frame *f, struct ka_frame_rules *ret)
{
	const struct ka_stack_ops *ops = ka_stack_ops(k);
	const struct ka_made_text *made;
	struct ka_cursor c = { .ip = f->ip, .is_call = f->is_call, .regs = f->state };
	ka_addr alias = 0;

	if (ka_local_rules(k, f->ip - f->is_call, ret))
		return true;
	made = ops && ops->made_rules ? ka_made_text_at(k, f->ip - f->is_call) : NULL;
	memset(ret, 0, sizeof(*ret));
	return made && ops->made_rules(k, &c, made, &alias, ret) && !alias && !ret->is_pt_regs;
}

void ka_stack_debuginfo(struct ka_kernel *k, const struct ka_stack *st)
{
	size_t module;

	for (size_t i = 0; i < st->count && !ka_interrupted(); i++)
		if (ka_module_index(k, st->frames[i].ip - st->frames[i].is_call, &module))
			ka_module_types_hook(k, module, true);
}

void ka_stack_registers(struct ka_kernel *k, struct ka_stack *st)
{
	unsigned loads = ka_module_loads(k) + 1;

	if (st->registers == loads)
		return;
	st->registers = loads;
	for (size_t i = 0; i + 1 < st->count && !ka_interrupted(); i++) {
		const struct ka_frame *f = &st->frames[i];
		struct ka_frame *up = &st->frames[i + 1];
		struct ka_frame_rules r;
		uint64_t cfa;

		/* what an exception interrupted has all of its registers saved */
		if (!up->is_call)
			continue;
		if (!rules_of(k, f, &r) || !cfa_of(k, f, &r, &cfa) || !is_same_caller(k, f, &r, cfa, up))
			continue;
		inherit(k, f, &r, cfa, up);
		if (cfa != up->sp) {
			up->state.value[k->arch->sp_reg] = cfa;
			up->state.known |= 1ull << k->arch->sp_reg;
		}
	}
}
