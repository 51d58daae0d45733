/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The moves of a value as lines to read, the last one first. */
#include <inttypes.h>
#include "fault.h"

#define LINES_MAX 16

const char *ka_fault_reg_name(bool is_aarch64, int reg)
{
	static const char *const x86[] = { "RAX", "RDX", "RCX", "RBX", "RSI", "RDI", "RBP", "RSP", "R8", "R9", "R10", "R11", "R12", "R13", "R14", "R15", "RIP" };
	static const char *const aarch64[] = { "X0", "X1", "X2", "X3", "X4", "X5", "X6", "X7", "X8", "X9", "X10", "X11", "X12", "X13", "X14", "X15", "X16",
					       "X17", "X18", "X19", "X20", "X21", "X22", "X23", "X24", "X25", "X26", "X27", "X28", "X29", "LR", "SP", "PC" };
	size_t count = is_aarch64 ? KA_COUNT(aarch64) : KA_COUNT(x86);

	if (reg < 0 || (size_t)reg >= count)
		return NULL;
	return is_aarch64 ? aarch64[reg] : x86[reg];
}

/* "scst_finish_cmd+424: mov    0x18(%rbx),%rdi" */
static const char *where(struct ka_arena *a, const struct ka_origin *o)
{
	struct ka_str s = { 0 };
	const char *text;
	bool is_space = false;

	ka_str_printf(&s, "%s+%" PRIu64 ": ", o->function, o->insn->addr - o->function_at);
	for (const char *p = o->insn->text; *p; p++) {
		if ((*p == ' ' || *p == '\t') && is_space)
			continue;
		is_space = *p == ' ' || *p == '\t';
		ka_str_addc(&s, is_space ? ' ' : *p);
	}
	text = ka_strdup(a, s.p);
	ka_str_free(&s);
	return text;
}

static const char *with_disp(struct ka_arena *a, const char *reg, int64_t disp)
{
	if (!disp)
		return reg;
	return ka_printf(a, "%s %c 0x%" PRIx64, reg, disp < 0 ? '-' : '+', disp < 0 ? -(uint64_t)disp : (uint64_t)disp);
}

static const char *line_of(struct ka_fault_trace *t, const char *reg, const struct ka_origin *o)
{
	struct ka_arena *a = t->a;
	const char *base = ka_fault_reg_name(t->is_aarch64, o->base_reg);

	switch (o->kind) {
	case KA_ORIGIN_ARGUMENT:
		return ka_printf(a, "%s is argument %" PRIu64 " of %s%s%s", reg, o->number + 1, o->function, o->name ? ": " : "", o->name ? o->name : "");
	case KA_ORIGIN_LOAD:
		return ka_printf(a, "%s was loaded from %s[%s] at %s", reg, o->is_stack ? "the stack, " : "", base ? with_disp(a, base, o->disp) : "?", where(a, o));
	case KA_ORIGIN_ADDRESS:
		return ka_printf(a, "%s is %s%s, by %s", reg, base ? with_disp(a, base, o->disp) : "?", o->is_indexed ? " + an index" : "", where(a, o));
	case KA_ORIGIN_CONSTANT:
		return ka_printf(a, "%s was set to %s%" PRIx64 " at %s", reg, o->number ? "0x" : "", o->number, where(a, o));
	case KA_ORIGIN_RESULT:
		return ka_printf(a, "%s is what %s returned to %s+%" PRIu64, reg, o->name ? o->name : "a function", o->function,
				 o->insn->addr + o->insn->size - o->function_at);
	case KA_ORIGIN_SYMBOL:
	case KA_ORIGIN_PERCPU: {
		const char *name = o->name ? o->name : ka_printf(a, "0x%" PRIx64, o->number);

		return ka_printf(a, "%s %s %s%s, by %s", reg, o->is_loaded ? "is what was in" : "is the address of", o->kind == KA_ORIGIN_PERCPU ? "this CPU's " : "",
				 name, where(a, o));
	}
	default:
		return o->insn ? ka_printf(a, "%s was last written at %s", reg, where(a, o)) : NULL;
	}
}

const char *const *ka_fault_chain(struct ka_fault_trace *t, int reg, const struct ka_origin *o)
{
	const char **lines = ka_alloc(t->a, (LINES_MAX + 1) * sizeof(*lines));
	const char *name = ka_fault_reg_name(t->is_aarch64, reg);
	size_t n = 0;

	while (o && name && n < LINES_MAX) {
		const char *from = ka_fault_reg_name(t->is_aarch64, o->reg), *line;

		/* moved from one register to another between */
		line = line_of(t, from && strcmp(from, name) ? ka_printf(t->a, "%s, moved from %s,", name, from) : name, o);

		if (!line)
			break;
		if (o->expression && o->kind != KA_ORIGIN_ARGUMENT && strcmp(o->expression, o->name ? o->name : ""))
			line = ka_printf(t->a, "%s  [%s]", line, o->expression);
		if (o->choices > 1)
			line = ka_printf(t->a, "%s (or otherwise: %u ways lead here)", line, o->choices);
		lines[n++] = line;
		/* from here on other ways would have other moves */
		if (o->is_stack)
			name = "it";
		else if (ka_fault_reg_name(t->is_aarch64, o->base_reg))
			name = ka_fault_reg_name(t->is_aarch64, o->base_reg);
		o = o->base;
	}
	return n ? lines : NULL;
}
