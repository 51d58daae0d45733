/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How a value came into a register: the moves of the function backwards, to its arguments, to the callers that passed them, to
 * variables and to results of calls. Types follow the moves forwards again, and make C of them.
 */
#include <inttypes.h>
#include <kanalyze/variable.h>
#include "fault.h"

#define WORK_MAX 200
#define DEPTH_MAX 24
#define CALLERS_MAX 4

static const struct ka_origin *origin(struct ka_fault_trace *t, const struct ka_fault_code *code, size_t at, int reg, size_t frame, unsigned depth);

static const uint8_t x86_arguments[] = { 5, 4, 1, 2, 8, 9 };

static bool argument_of(bool is_aarch64, int reg, unsigned *ret)
{
	if (is_aarch64) {
		*ret = (unsigned)reg;
		return reg >= 0 && reg < 8;
	}
	for (*ret = 0; *ret < KA_COUNT(x86_arguments); ++*ret)
		if (x86_arguments[*ret] == reg)
			return true;
	return false;
}

/* ---- types ---- */

static bool function_type(struct ka_fault_trace *t, const struct ka_symbol *s, struct ka_type *ret)
{
	struct ka_variable v;

	/* ".isra.0", ".constprop.0", ".part.0": the compiler changed the arguments */
	if (strchr(s->name, '.') || !ka_variable_of(t->k, s, t->a, &v, NULL) || !v.is_function)
		return false;
	*ret = v.type;
	return true;
}

static void type_argument(struct ka_fault_trace *t, const struct ka_symbol *s, struct ka_origin *o)
{
	struct ka_type_field *params;
	struct ka_type_info info;
	struct ka_type fn;
	size_t n;

	if (!function_type(t, s, &fn))
		return;
	n = ka_type_params(t->k, &fn, t->a, &params);
	if (o->number >= n)
		return;
	/* what takes two registers, or none of these, moves the ones behind it */
	for (uint64_t i = 0; i <= o->number; i++) {
		ka_type_strip(t->k, &params[i].type, &info);
		if (info.size > 8 || info.kind == KA_TYPE_FLOAT)
			return;
	}
	if (params[o->number].name && strcmp(params[o->number].name, "...")) {
		o->name = params[o->number].name;
		o->expression = o->name;
		o->type = params[o->number].type;
		o->has_type = true;
	}
}

static bool is_pointer(struct ka_fault_trace *t, const struct ka_origin *o, struct ka_type *ret_to, struct ka_type_info *ret_info)
{
	struct ka_type_info info;

	if (!o->has_type)
		return false;
	ka_type_strip(t->k, &o->type, &info);
	if (info.kind != KA_TYPE_POINTER && info.kind != KA_TYPE_ARRAY)
		return false;
	*ret_to = info.target;
	ka_type_strip(t->k, ret_to, ret_info);
	return true;
}

/* "&a.b", "&a->b": a pointer to a member is written as the member when a member of it follows. */
static const char *join(struct ka_arena *a, const char *pointer, const char *path)
{
	if (path[0] == '[')
		return ka_printf(a, pointer[0] == '&' || pointer[0] == '*' ? "(%s)%s" : "%s%s", pointer, path);
	if (pointer[0] == '&')
		return ka_printf(a, "%s%s%s", pointer + 1, path[0] ? "." : "", path);
	return path[0] ? ka_printf(a, pointer[0] == '*' ? "(%s)->%s" : "%s->%s", pointer, path) : ka_printf(a, "*%s", pointer);
}

bool ka_fault_target(struct ka_fault_trace *t, const struct ka_origin *o, int64_t disp, uint64_t size, struct ka_fault_target *ret)
{
	struct ka_type_info info;
	struct ka_type to;
	struct ka_fault_member m;

	*ret = (struct ka_fault_target){0};
	/* addresses computed from a pointer count from that pointer */
	while (o->kind == KA_ORIGIN_ADDRESS && o->base && !o->has_type && !o->is_indexed) {
		disp += o->disp;
		o = o->base;
	}
	if (disp < 0 || !is_pointer(t, o, &to, &info) || info.kind == KA_TYPE_VOID || info.kind == KA_TYPE_FUNC)
		return false;
	if (info.kind == KA_TYPE_STRUCT || info.kind == KA_TYPE_UNION) {
		if (!info.size || !ka_fault_member(t->k, t->a, &to, (uint64_t)disp, size, &m))
			return false;
	} else {
		/* an array of these: which one is not of interest when it is the first */
		if (!info.size || (uint64_t)disp % info.size)
			return false;
		m = (struct ka_fault_member){ .path = disp ? ka_printf(t->a, "[%" PRIu64 "]", (uint64_t)disp / info.size) : "", .type = to };
	}
	ret->type = ka_fault_type_text(t->k, t->a, &to);
	ret->member = m.rest ? ka_printf(t->a, "%s + 0x%" PRIx64, m.path, m.rest) : m.path;
	ret->offset = (uint64_t)disp;
	ret->member_type = m.type;
	if (o->expression && !m.rest)
		ret->expression = join(t->a, o->expression, m.path);
	return true;
}

static void type_load(struct ka_fault_trace *t, struct ka_origin *o, uint64_t size)
{
	struct ka_fault_target target;

	if (!o->base || !ka_fault_target(t, o->base, o->disp, size, &target))
		return;
	o->type = target.member_type;
	o->has_type = true;
	o->expression = target.expression;
}

static void type_address(struct ka_fault_trace *t, struct ka_origin *o)
{
	struct ka_fault_target target;
	struct ka_type_info info;

	if (!o->base || !ka_fault_target(t, o->base, o->disp, 0, &target))
		return;
	ka_type_strip(t->k, &target.member_type, &info);
	/* an offset that leads into a number is more likely one of a list head of something else */
	if (info.kind != KA_TYPE_STRUCT && info.kind != KA_TYPE_UNION)
		return;
	o->type = target.member_type;
	o->type.stars++;
	o->has_type = o->type.stars != 0;
	o->expression = target.expression ? ka_printf(t->a, "&%s", target.expression) : NULL;
}

/* A variable, or a member of one. */
static void type_symbol(struct ka_fault_trace *t, struct ka_origin *o, bool is_percpu, uint64_t size)
{
	struct ka_fault_member m;
	struct ka_variable v;
	struct ka_symbol s;
	uint64_t offset;
	size_t i;

	if (is_percpu) {
		if (!ka_symbol_index(t->k, NULL, o->number, &i) || !ka_symbol_nth(t->k, NULL, i, &s) || !s.is_percpu)
			return;
		offset = o->number - s.addr;
	} else if (!ka_symbol_at(t->k, o->number, &s, &offset)) {
		return;
	}
	if (offset >= KA_MAX(s.size, 1u))
		return;
	o->name = offset ? ka_printf(t->a, "%s+%" PRIu64, s.name, offset) : s.name;
	if (!ka_variable_of(t->k, &s, t->a, &v, NULL) || v.is_function)
		return;
	if (!ka_fault_member(t->k, t->a, &v.type, offset, o->is_loaded ? size : 0, &m) || m.rest)
		return;
	o->type = m.type;
	o->has_type = true;
	o->expression = m.path[0] ? ka_printf(t->a, m.path[0] == '[' ? "%s%s" : "%s.%s", s.name, m.path) : s.name;
	if (is_percpu && o->is_loaded) {
		/* current_task, or pcpu_hot.current_task since e57ef2ed97c1 (v6.2) */
		bool is_current = strstr(o->expression, "current_task") != NULL;

		o->expression = is_current ? "current" : ka_printf(t->a, "this_cpu(%s)", o->expression);
	}
	if (!o->is_loaded) {
		struct ka_type_info info;

		ka_type_strip(t->k, &m.type, &info);
		if (info.kind == KA_TYPE_ARRAY)
			return;
		o->type.stars++;
		o->has_type = o->type.stars != 0;
		o->expression = ka_printf(t->a, "&%s", o->expression);
	}
}

static void type_result(struct ka_fault_trace *t, struct ka_origin *o, ka_addr target)
{
	struct ka_type_info info;
	struct ka_symbol s;
	struct ka_type fn;
	uint64_t offset;

	if (!ka_symbol_at(t->k, target, &s, &offset) || offset)
		return;
	o->name = s.name;
	if (!function_type(t, &s, &fn))
		return;
	ka_type_info(t->k, &fn, &info);
	if (info.kind != KA_TYPE_FUNC)
		return;
	o->type = info.target;
	o->has_type = true;
	o->expression = ka_printf(t->a, "%s()", s.name);
}

/* ---- moves ---- */

static struct ka_origin *origin_new(struct ka_fault_trace *t, enum ka_origin_kind kind, const struct ka_fault_code *code, const struct ka_insn *insn)
{
	struct ka_origin *o = ka_alloc(t->a, sizeof(*o));

	*o = (struct ka_origin){ .kind = kind, .reg = KA_NO_REG, .base_reg = KA_NO_REG, .insn = insn, .function = code->symbol.name, .function_at = code->symbol.addr, .choices = 1 };
	return o;
}

/* Does the code at an address only jump to the other: memcpy() to the version of it that this processor likes best? */
static bool leads_to(struct ka_fault_trace *t, ka_addr from, ka_addr to)
{
	struct ka_fault_code *code = ka_alloc(t->a, sizeof(*code));
	size_t at;

	if (!ka_fault_code_read(t->k, t->a, from, code, &at) || at)
		return false;
	/* landing pads may come before it */
	while (at < code->count && at < 4 && (code->insns[at].kind == KA_INSN_NOP || !strncmp(code->insns[at].name, "endbr", 5) || !strcmp(code->insns[at].name, "bti")))
		at++;
	return at < code->count && code->insns[at].kind == KA_INSN_JUMP && code->insns[at].has_target && code->insns[at].target == to;
}

/* What the caller had put there. */
static const struct ka_origin *passed(struct ka_fault_trace *t, const struct ka_fault_code *code, int reg, size_t frame, unsigned depth)
{
	struct ka_fault_code *caller = ka_alloc(t->a, sizeof(*caller));
	const struct ka_frame *f;
	const struct ka_insn *call;
	size_t at;

	if (!t->stack || frame + 1 >= t->stack->count || depth > DEPTH_MAX)
		return NULL;
	f = &t->stack->frames[frame + 1];
	if (!f->is_call || f->is_guess || f->stack || f->regs)
		return NULL;
	/* a call of what does not return may be the last instruction */
	if (!ka_fault_code_read(t->k, t->a, f->ip - 1, caller, &at) && !caller->count)
		return NULL;
	for (at = caller->count; at && caller->insns[at - 1].addr + caller->insns[at - 1].size > f->ip; at--)
		;
	call = at ? &caller->insns[at - 1] : NULL;
	if (!call || call->kind != KA_INSN_CALL || (call->has_target && call->target != code->symbol.addr && !leads_to(t, call->target, code->symbol.addr)))
		return NULL;
	return origin(t, caller, at - 1, reg, frame + 1, depth + 1);
}

static const struct ka_origin *at_entry(struct ka_fault_trace *t, const struct ka_fault_code *code, int reg, size_t frame, unsigned depth)
{
	struct ka_origin *o;
	unsigned n;

	if (!argument_of(t->is_aarch64, reg, &n)) {
		/* kept from the caller */
		return origin_new(t, KA_ORIGIN_UNKNOWN, code, NULL);
	}
	o = origin_new(t, KA_ORIGIN_ARGUMENT, code, NULL);
	o->number = n;
	o->base_reg = reg;
	type_argument(t, &code->symbol, o);
	o->base = passed(t, code, reg, frame, depth);
	/* without a name of its own it is what the caller calls it */
	if (!o->has_type && o->base && o->base->has_type) {
		o->type = o->base->type;
		o->has_type = true;
		o->expression = o->base->expression;
	}
	return o;
}

static const struct ka_insn_memory *memory_of(const struct ka_insn *i, const struct ka_insn_operand *op)
{
	return op && op->kind == KA_OPERAND_MEMORY && op->memory < i->memory_count ? &i->memory[op->memory] : NULL;
}

static const struct ka_origin *of_defs(struct ka_fault_trace *t, const struct ka_fault_code *code, const struct ka_fault_defs *d, int reg,
				       bool is_slot, size_t frame, unsigned depth);

/* A place on the stack. */
static const struct ka_origin *spilled(struct ka_fault_trace *t, const struct ka_fault_code *code, size_t at, int base, int64_t disp, size_t frame,
				       unsigned depth)
{
	struct ka_fault_defs d;

	ka_fault_slot_defs(code, t->is_aarch64, at, base, disp, &d);
	d.is_unknown |= d.is_entry;
	return of_defs(t, code, &d, KA_NO_REG, true, frame, depth);
}

static struct ka_origin *of_memory(struct ka_fault_trace *t, const struct ka_fault_code *code, size_t at, const struct ka_insn_memory *m, int64_t extra,
				   unsigned size, bool is_loaded, size_t frame, unsigned depth)
{
	const struct ka_insn *insn = &code->insns[at];
	int sp = t->is_aarch64 ? 31 : 7;
	struct ka_origin *o;

	if (m->index != KA_NO_REG) {
		/* lea (%rdi,%rdx,8): an element of an array, by the size of its elements */
		const struct ka_origin *base = is_loaded || m->base == KA_NO_REG || m->segment ? NULL : origin(t, code, at, m->base, frame, depth + 1);
		struct ka_type_info to_info;
		struct ka_type to;

		o = origin_new(t, base ? KA_ORIGIN_ADDRESS : KA_ORIGIN_UNKNOWN, code, insn);
		if (!base)
			return o;
		o->base = base;
		o->base_reg = m->base;
		o->disp = m->disp + extra;
		o->is_indexed = true;
		if (is_pointer(t, base, &to, &to_info) && to_info.size == m->scale && !(o->disp % (int64_t)to_info.size) && base->expression) {
			o->type = base->type;
			o->has_type = true;
			o->expression = ka_printf(t->a, base->expression[0] == '&' ? "(%s)[...]" : "%s[...]", base->expression);
			/* the address of it: its value is what it points to */
			o->expression = ka_printf(t->a, "&%s", o->expression);
		}
		return o;
	}
	if (m->segment == KA_SEGMENT_GS && (m->has_addr || m->base == KA_NO_REG)) {
		o = origin_new(t, KA_ORIGIN_PERCPU, code, insn);
		o->number = m->has_addr ? m->addr : (uint64_t)m->disp;
		o->is_loaded = is_loaded;
		type_symbol(t, o, true, size);
		return o;
	}
	if (m->has_addr || (insn->has_address && !m->segment)) {
		o = origin_new(t, KA_ORIGIN_SYMBOL, code, insn);
		o->number = (m->has_addr ? m->addr : insn->address) + (uint64_t)extra;
		o->is_loaded = is_loaded;
		type_symbol(t, o, false, size);
		return o;
	}
	if (m->base == KA_NO_REG || m->segment)
		return origin_new(t, KA_ORIGIN_UNKNOWN, code, insn);
	o = origin_new(t, is_loaded ? KA_ORIGIN_LOAD : KA_ORIGIN_ADDRESS, code, insn);
	o->base_reg = m->base;
	o->disp = m->disp + extra;
	if (m->base == sp) {
		o->is_stack = true;
		if (is_loaded)
			o->base = spilled(t, code, at, m->base, o->disp, frame, depth + 1);
		if (o->base) {
			o->expression = o->base->expression;
			o->type = o->base->type;
			o->has_type = o->base->has_type;
		}
		return o;
	}
	o->base = origin(t, code, at, m->base, frame, depth + 1);
	if (is_loaded)
		type_load(t, o, size);
	else
		type_address(t, o);
	return o;
}

static struct ka_origin *constant(struct ka_fault_trace *t, const struct ka_fault_code *code, const struct ka_insn *insn, uint64_t number)
{
	bool is_symbol = ka_is_kernel_addr(t->k, number) && number < (uint64_t)-4095;
	struct ka_origin *o = origin_new(t, is_symbol ? KA_ORIGIN_SYMBOL : KA_ORIGIN_CONSTANT, code, insn);

	o->number = number;
	if (is_symbol)
		type_symbol(t, o, false, 0);
	return o;
}

/* reg + disp as it was before the instruction. */
static const struct ka_origin *added(struct ka_fault_trace *t, const struct ka_fault_code *code, size_t at, int reg, int64_t disp, size_t frame, unsigned depth)
{
	struct ka_origin *o = origin_new(t, KA_ORIGIN_ADDRESS, code, &code->insns[at]);

	o->base_reg = reg;
	o->disp = disp;
	o->base = origin(t, code, at, reg, frame, depth + 1);
	type_address(t, o);
	return o;
}

static const struct ka_origin *moved(struct ka_fault_trace *t, const struct ka_fault_code *code, size_t at, const struct ka_insn_operand *from, size_t frame,
				     unsigned depth)
{
	const struct ka_insn *insn = &code->insns[at];
	const struct ka_insn_memory *m = memory_of(insn, from);

	if (from->kind == KA_OPERAND_REG && from->reg == (t->is_aarch64 ? 31 : 7))
		return added(t, code, at, from->reg, 0, frame, depth);
	if (from->kind == KA_OPERAND_REG && from->reg != KA_NO_REG)
		return origin(t, code, at, from->reg, frame, depth + 1);
	if (from->kind == KA_OPERAND_NUMBER)
		return constant(t, code, insn, (uint64_t)from->number);
	if (m)
		return of_memory(t, code, at, m, 0, from->size ? from->size : m->size, true, frame, depth);
	return origin_new(t, KA_ORIGIN_UNKNOWN, code, insn);
}

static const struct ka_origin *of_x86(struct ka_fault_trace *t, const struct ka_fault_code *code, size_t at, int reg, size_t frame, unsigned depth)
{
	const struct ka_insn *i = &code->insns[at];
	const struct ka_insn_operand *op = i->operands;
	const struct ka_insn_memory *m = i->operand_count > 1 ? memory_of(i, &op[1]) : NULL;

	if (!strncmp(i->name, "pop", 3) && op[0].reg == reg)
		return spilled(t, code, at, 7, 0, frame, depth + 1);
	if (!strncmp(i->name, "xchg", 4) && i->operand_count == 2) {
		m = memory_of(i, &op[0]) ? memory_of(i, &op[0]) : m;
		return m ? of_memory(t, code, at, m, 0, m->size, true, frame, depth) : origin_new(t, KA_ORIGIN_UNKNOWN, code, i);
	}
	if (i->operand_count < 2 || op[0].kind != KA_OPERAND_REG || op[0].reg != reg)
		return origin_new(t, KA_ORIGIN_UNKNOWN, code, i);
	if (!strncmp(i->name, "mov", 3))
		return moved(t, code, at, &op[1], frame, depth);
	if (!strncmp(i->name, "lea", 3) && m)
		return of_memory(t, code, at, m, 0, 0, false, frame, depth);
	if ((!strncmp(i->name, "xor", 3) || !strncmp(i->name, "sub", 3)) && op[1].kind == KA_OPERAND_REG && op[1].reg == reg)
		return constant(t, code, i, 0);
	if (op[1].kind == KA_OPERAND_NUMBER && op[0].size == 8 && (!strncmp(i->name, "add", 3) || !strncmp(i->name, "sub", 3)))
		return added(t, code, at, reg, i->name[0] == 's' ? -op[1].number : op[1].number, frame, depth);
	return origin_new(t, KA_ORIGIN_UNKNOWN, code, i);
}

static const struct ka_origin *of_aarch64(struct ka_fault_trace *t, const struct ka_fault_code *code, size_t at, int reg, size_t frame, unsigned depth)
{
	const struct ka_insn *i = &code->insns[at];
	const struct ka_insn_operand *op = i->operands;
	struct ka_origin *o;

	if (!strncmp(i->name, "mrs", 3) && strstr(i->text, "sp_el0")) {
		o = origin_new(t, KA_ORIGIN_PERCPU, code, i);
		o->is_loaded = true;
		o->expression = o->name = "current";
		o->has_type = !ka_error_drop(ka_type_find(t->k, "struct task_struct", &o->type));
		o->type.stars++;
		return o;
	}
	if (i->operand_count < 2)
		return origin_new(t, KA_ORIGIN_UNKNOWN, code, i);
	if (!strncmp(i->name, "ld", 2)) {
		const struct ka_insn_memory *m = NULL;
		unsigned which = 0;

		for (unsigned n = 0; n < i->operand_count && !m; n++)
			m = memory_of(i, &op[n]);
		while (which < i->operand_count && !(op[which].kind == KA_OPERAND_REG && op[which].reg == reg))
			which++;
		/* what moves its base on (pre- and post-index) does not load into it: "ldr x0, [x0, #8]" only loads */
		bool is_loaded = false;

		for (unsigned n = 0; m && n < i->operand_count && op[n].kind == KA_OPERAND_REG; n++)
			is_loaded |= op[n].reg == m->base;
		if (!m || which > 1 || which == i->operand_count || (!is_loaded && i->writes >> (m->base & 63) & 1))
			return origin_new(t, KA_ORIGIN_UNKNOWN, code, i);
		return of_memory(t, code, at, m, which ? op[0].size : 0, op[which].size, true, frame, depth);
	}
	if (op[0].kind != KA_OPERAND_REG || op[0].reg != reg)
		return origin_new(t, KA_ORIGIN_UNKNOWN, code, i);
	if (i->has_address)
		return constant(t, code, i, i->address);
	if (!strcmp(i->name, "mov"))
		return moved(t, code, at, &op[1], frame, depth);
	if (i->operand_count == 3 && op[2].kind == KA_OPERAND_NUMBER && op[1].reg != KA_NO_REG && (!strcmp(i->name, "add") || !strcmp(i->name, "sub")))
		return added(t, code, at, op[1].reg, i->name[0] == 's' ? -op[2].number : op[2].number, frame, depth);
	return origin_new(t, KA_ORIGIN_UNKNOWN, code, i);
}

/* A value that was stored on the stack. */
static const struct ka_origin *of_store(struct ka_fault_trace *t, const struct ka_fault_code *code, size_t at, size_t frame, unsigned depth)
{
	const struct ka_insn *i = &code->insns[at];

	if (!t->is_aarch64 && i->operand_count == 1 && !strncmp(i->name, "push", 4))
		return moved(t, code, at, &i->operands[0], frame, depth);
	if (!t->is_aarch64 && i->operand_count == 2 && !strncmp(i->name, "mov", 3) && memory_of(i, &i->operands[0]))
		return moved(t, code, at, &i->operands[1], frame, depth);
	if (t->is_aarch64 && i->operand_count == 2 && (!strcmp(i->name, "str") || !strcmp(i->name, "stur")))
		return moved(t, code, at, &i->operands[0], frame, depth);
	return origin_new(t, KA_ORIGIN_UNKNOWN, code, i);
}

static const struct ka_origin *of_insn(struct ka_fault_trace *t, const struct ka_fault_code *code, size_t at, int reg, bool is_slot, size_t frame, unsigned depth)
{
	const struct ka_insn *i = &code->insns[at];
	struct ka_origin *o;

	if (is_slot)
		return of_store(t, code, at, frame, depth);
	if (i->kind == KA_INSN_CALL) {
		o = origin_new(t, reg == 0 ? KA_ORIGIN_RESULT : KA_ORIGIN_UNKNOWN, code, i);
		if (reg == 0 && i->has_target)
			type_result(t, o, i->target);
	} else {
		o = (struct ka_origin *)(t->is_aarch64 ? of_aarch64(t, code, at, reg, frame, depth) : of_x86(t, code, at, reg, frame, depth));
	}
	if (o->insn == i)
		o->reg = reg;
	return o;
}

/* One of several is told when types agree; what it is called then depends on the path. */
static const struct ka_origin *of_defs(struct ka_fault_trace *t, const struct ka_fault_code *code, const struct ka_fault_defs *d, int reg,
				       bool is_slot, size_t frame, unsigned depth)
{
	const struct ka_origin *best = NULL;
	struct ka_origin *ret;
	unsigned choices = (unsigned)d->count + d->is_entry + d->is_unknown;
	bool is_same = true;

	if (depth > DEPTH_MAX || t->work >= WORK_MAX)
		return origin_new(t, KA_ORIGIN_UNKNOWN, code, NULL);
	if (d->is_entry && !is_slot)
		best = at_entry(t, code, reg, frame, depth);
	for (size_t i = 0; i < d->count; i++) {
		const struct ka_origin *o;

		t->work++;
		o = of_insn(t, code, d->at[i], reg, is_slot, frame, depth + (choices > 1 ? DEPTH_MAX / 4 : 0));
		if (best && (!best->expression || !o->expression || strcmp(best->expression, o->expression)))
			is_same = false;
		if (!best || (!best->has_type && o->has_type))
			best = o;
	}
	if (!best)
		return origin_new(t, KA_ORIGIN_UNKNOWN, code, NULL);
	if (choices < 2)
		return best;
	ret = ka_alloc(t->a, sizeof(*ret));
	*ret = *best;
	ret->choices = choices;
	if (!is_same || d->is_unknown)
		ret->expression = NULL;
	return ret;
}

static const struct ka_origin *origin(struct ka_fault_trace *t, const struct ka_fault_code *code, size_t at, int reg, size_t frame, unsigned depth)
{
	struct ka_fault_defs d;

	/* the stack pointer is where it is */
	if (depth > DEPTH_MAX || t->work++ >= WORK_MAX || reg == (t->is_aarch64 ? 31 : 7))
		return origin_new(t, KA_ORIGIN_UNKNOWN, code, NULL);
	ka_fault_reg_defs(code, t->is_aarch64, at, reg, &d);
	return of_defs(t, code, &d, reg, false, frame, depth);
}

const struct ka_origin *ka_fault_origin(struct ka_fault_trace *t, const struct ka_fault_code *code, size_t at, int reg, size_t frame)
{
	return origin(t, code, at, reg, frame, 0);
}
