/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The instruction that faulted: which of its operands it was, where that lies, and what it is in C. */
#include <inttypes.h>
#include <kanalyze/local.h>
#include <kanalyze/task.h>
#include <kanalyze/text.h>
#include "fault.h"

static bool reg_value(const struct ka_regs *regs, int reg, uint64_t *ret)
{
	if (!regs || reg < 0 || reg >= KA_REGS_MAX || !(regs->known >> reg & 1))
		return false;
	*ret = regs->value[reg];
	return true;
}

/* Where an operand lies; false when a register of it is not known. */
static bool effective(struct ka_fault_trace *t, const struct ka_fault *f, const struct ka_insn_memory *m, const struct ka_regs *regs, ka_addr *ret)
{
	uint64_t base = 0, index = 0, segment = 0;

	if (m->base != KA_NO_REG && !reg_value(regs, m->base, &base))
		return false;
	if (m->index != KA_NO_REG && !reg_value(regs, m->index, &index))
		return false;
	if (m->segment && (m->segment != KA_SEGMENT_GS || f->cpu < 0 || ka_error_drop(ka_percpu_offset(t->k, (unsigned)f->cpu, &segment))))
		return false;
	if (m->is_index_32)
		index = m->is_index_signed ? (uint64_t)(int64_t)(int32_t)index : (uint32_t)index;
	/* the stack pointer before a push or call: what is written lies below */
	*ret = segment + (m->has_addr ? m->addr : base + index * m->scale + (uint64_t)m->disp);
	return true;
}

/* The operand that holds the address that the processor named; without one the only one, or the one that is no address. */
static const struct ka_insn_memory *pick(struct ka_fault_trace *t, const struct ka_fault *f, const struct ka_regs *regs, ka_addr *ret)
{
	const struct ka_insn_memory *only = NULL;
	unsigned count = 0;
	ka_addr at;

	for (unsigned i = 0; i < f->insn.memory_count; i++) {
		const struct ka_insn_memory *m = &f->insn.memory[i];
		uint64_t size = m->size ? m->size : 8;

		if (!m->is_read && !m->is_write)
			continue;
		count++;
		if (!only)
			only = m;
		if (!effective(t, f, m, regs, &at))
			continue;
		/* an access may begin on the page before; string instructions go on from what their registers say */
		if (f->has_addr && f->addr - at < KA_MAX(size, 8u)) {
			*ret = at;
			return m;
		}
		if (!f->has_addr && !ka_is_kernel_addr(t->k, at)) {
			*ret = at;
			return m;
		}
	}
	if (!only || count != 1 || !effective(t, f, only, regs, &at))
		return regs || count != 1 ? NULL : only;
	*ret = at;
	return only;
}

static void name_target(struct ka_fault_trace *t, struct ka_fault *f, const struct ka_origin *o, const struct ka_insn_memory *m)
{
	struct ka_fault_target target;

	f->base = o->expression;
	/* with an index, the displacement is that of an array's first element */
	if (!ka_fault_target(t, o, m->disp, f->size, &target))
		return;
	f->type = target.type;
	f->member = target.member && target.member[0] ? target.member : NULL;
	f->member_offset = target.offset;
	/* a string instruction's register has moved on from where the pointer began */
	bool is_moving = m->index != KA_NO_REG || (!t->is_aarch64 && !strncmp(f->insn.text, "rep", 3));

	f->expression = !is_moving ? target.expression : !target.expression ? NULL : target.expression[0] == '*' ? ka_printf(t->a, "%s[...]", target.expression + 1) :
			ka_printf(t->a, "%s[...]", target.expression);
	if (is_moving && m->index == KA_NO_REG && f->expression)
		f->base = ka_printf(t->a, "&%s", f->expression);
}

static bool is_kept(const struct ka_fault_trace *t, const struct ka_fault_code *code, size_t from, size_t to, int reg)
{
	struct ka_fault_defs before, now;

	ka_fault_reg_defs(code, t->is_aarch64, from, reg, &before);
	ka_fault_reg_defs(code, t->is_aarch64, to, reg, &now);
	return !now.is_unknown && before.is_entry == now.is_entry && before.count == now.count && now.count + now.is_entry == 1 &&
	       (!now.count || before.at[0] == now.at[0]);
}

/* Where a load of this function read from, by registers that are still as they were, and memory that is taken to be. */
static bool load_address(const struct ka_fault_trace *t, const struct ka_fault_code *code, size_t n, const struct ka_origin *o, const struct ka_regs *regs,
			 ka_addr *ret)
{
	ka_addr at = 0;
	uint64_t base;

	size_t from = o->insn ? (size_t)(o->insn - code->insns) : code->count;

	if (o->choices > 1 || o->function_at != code->symbol.addr || from >= code->count)
		return false;
	if (o->kind == KA_ORIGIN_SYMBOL && o->is_loaded) {
		*ret = o->number;
		return true;
	}
	if (o->kind != KA_ORIGIN_LOAD || o->is_stack)
		return false;
	/* else one load further back, whose content leads here; origins are at most some 20 deep */
	if (!is_kept(t, code, from, n, o->base_reg) || !reg_value(regs, o->base_reg, &base))
		if (!o->base || !load_address(t, code, n, o->base, regs, &at) || ka_error_drop(ka_read_u64(t->k, at, &base)))
			return false;
	*ret = base + (uint64_t)o->disp;
	return true;
}

void ka_fault_holder(struct ka_fault_trace *t, struct ka_fault *f, const struct ka_fault_code *code, size_t n, const struct ka_origin *o,
		     const struct ka_regs *regs)
{
	uint64_t value;
	ka_addr at;

	if (regs && load_address(t, code, n, o, regs, &at) && !ka_error_drop(ka_read_u64(t->k, at, &value)) && value == f->reg_value)
		f->holder = at;
}

static void name_place(struct ka_fault_trace *t, struct ka_fault *f)
{
	struct ka_source chain[32];
	struct ka_symbol s;
	size_t n = ka_source_chain(t->k, f->ip, chain, KA_COUNT(chain));

	if (ka_symbol_at(t->k, f->ip, &s, &f->offset)) {
		f->function = s.name;
		f->module = s.module;
	}
	if (n) {
		f->file = chain[0].name ? chain[0].name : chain[0].file;
		f->line = chain[0].line;
		f->inlined = chain[0].is_inlined ? chain[0].function : NULL;
	} else if (ka_source_at(t->k, f->ip, &chain[0])) {
		f->file = chain[0].name ? chain[0].name : chain[0].file;
		f->line = chain[0].line;
	}
}

/* What a division divided by: its only operand, or the last one. */
static bool divisor(struct ka_fault_trace *t, struct ka_fault *f, const struct ka_fault_code *code, size_t n, const struct ka_regs *regs, size_t frame)
{
	const struct ka_insn_operand *op = f->insn.operand_count ? &f->insn.operands[f->insn.operand_count - 1] : NULL;
	const struct ka_origin *o;

	if (!strstr(f->insn.name, "div") || !op || op->kind != KA_OPERAND_REG || op->reg == KA_NO_REG || !reg_value(regs, op->reg, &f->reg_value))
		return false;
	f->reg = op->reg;
	f->reg_name = ka_fault_reg_name(t->is_aarch64, f->reg);
	o = ka_fault_origin(t, code, n, f->reg, frame);
	f->base = o->expression;
	f->chain = ka_fault_chain(t, f->reg, o);
	return true;
}

/* The variable that DWARF says is in the register there: names what the moves do not. */
static void name_variable(struct ka_fault_trace *t, struct ka_fault *f, const struct ka_insn_memory *m)
{
	const struct ka_local *l;
	struct ka_origin *o;
	struct ka_locals locals;
	struct ka_str type = { 0 };

	if (ka_error_drop(ka_locals_at(t->k, f->ip, t->a, &locals)) || !(l = ka_local_in_register(&locals, (unsigned)f->reg)))
		return;
	ka_type_text(t->k, &l->type, l->name, &type);
	f->variable = type.len ? ka_printf(t->a, "%s%s%s", type.p, l->function ? ", of " : "", l->function ? l->function : "") : l->name;
	ka_str_free(&type);
	if (f->base || f->expression)
		return;
	o = ka_alloc(t->a, sizeof(*o));
	*o = (struct ka_origin){ .kind = KA_ORIGIN_UNKNOWN, .reg = KA_NO_REG, .base_reg = KA_NO_REG, .choices = 1, .expression = l->name, .type = l->type,
				 .has_type = true };
	name_target(t, f, o, m);
}

void ka_fault_decode(struct ka_fault_trace *t, struct ka_fault *f, const struct ka_regs *regs, size_t frame)
{
	struct ka_fault_code *code = ka_alloc(t->a, sizeof(*code));
	const struct ka_insn_memory *m;
	const struct ka_origin *o;
	ka_addr at = 0;
	size_t n;

	f->reg = KA_NO_REG;
	name_place(t, f);
	if (!ka_fault_code_read(t->k, t->a, f->ip, code, &n))
		return;
	f->insn = code->insns[n];
	f->has_insn = f->insn.kind != KA_INSN_BAD;
	if (!f->has_insn)
		return;
	if (f->kind == KA_FAULT_DIVIDE && divisor(t, f, code, n, regs, frame))
		return;
	m = pick(t, f, regs, &at);
	if (!m)
		return;
	f->has_operand = true;
	f->size = m->size;
	f->disp = m->disp;
	if (f->access == KA_ACCESS_UNKNOWN)
		f->access = m->is_read ? KA_ACCESS_READ : KA_ACCESS_WRITE;
	if (regs) {
		f->computed = at;
		if (!f->has_addr) {
			f->has_addr = true;
			f->addr = at;
			f->addr_by = "operands";
		}
	}
	f->reg = m->base != KA_NO_REG ? m->base : m->index;
	f->reg_name = ka_fault_reg_name(t->is_aarch64, f->reg);
	if (f->reg == KA_NO_REG || !f->reg_name)
		return;
	reg_value(regs, f->reg, &f->reg_value);
	if (m->is_implicit)
		return;
	/* base[index]: where neither is a pointer by its value, the base is */
	o = ka_fault_origin(t, code, n, f->reg, frame);
	name_target(t, f, o, m);
	f->chain = ka_fault_chain(t, f->reg, o);
	name_variable(t, f, m);
	ka_fault_holder(t, f, code, n, o, regs);
}
