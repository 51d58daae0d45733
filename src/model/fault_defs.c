/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which instructions of a function gave a register, or a place on the stack, the value that it has at another one. */
#include "fault.h"

enum { X86_RSP = 7, A64_SP = 31, A64_LR = 30 };
/* rax rdx rcx rsi rdi r8-r11; x0-x18 and lr: a call may change them */
#define X86_CLOBBERED 0x0f37u
#define A64_CLOBBERED 0x4007ffffu

struct search {
	const struct ka_fault_code *code;
	bool is_aarch64;
	int reg;			/* KA_NO_REG: a place on the stack */
	int base;
	struct ka_fault_defs *ret;
	struct { size_t at; int64_t disp; } *todo;
	size_t todo_count;
	uint8_t *seen;
};

static void add_def(struct ka_fault_defs *d, size_t at)
{
	for (size_t i = 0; i < d->count; i++)
		if (d->at[i] == at)
			return;
	if (d->count == KA_COUNT(d->at))
		d->is_unknown = true;
	else
		d->at[d->count++] = at;
}

/* The call of function tracing, which keeps all registers: the first instruction, but for what an indirect branch needs. */
static bool is_tracer(const struct search *s, const struct ka_insn *i)
{
	size_t at = (size_t)(i - s->code->insns);

	if (i->kind != KA_INSN_CALL || at > 3)
		return false;
	if (s->is_aarch64)
		return at && strstr(i[-1].text, "x9, x30");
	return !at || (at == 1 && !strncmp(i[-1].name, "endbr", 5));
}

static bool writes_reg(const struct search *s, const struct ka_insn *i, int reg)
{
	uint64_t clobbered = s->is_aarch64 ? A64_CLOBBERED : X86_CLOBBERED;

	if (is_tracer(s, i))
		return false;
	return i->writes >> reg & 1 || (i->kind == KA_INSN_CALL && clobbered >> reg & 1);
}

/* False: what is before the instruction cannot be told. *disp follows the stack pointer. */
static bool across(const struct search *s, const struct ka_insn *i, int64_t *disp, bool *ret_is_def)
{
	const struct ka_insn_operand *last = i->operand_count ? &i->operands[i->operand_count - 1] : NULL;
	int64_t word = 8;

	*ret_is_def = false;
	if (s->reg != KA_NO_REG) {
		*ret_is_def = writes_reg(s, i, s->reg);
		return true;
	}
	for (unsigned m = 0; m < i->memory_count; m++)
		if (i->memory[m].is_write && !i->memory[m].is_implicit && i->memory[m].base == s->base && i->memory[m].index == KA_NO_REG &&
		    *disp >= i->memory[m].disp && *disp < i->memory[m].disp + (int64_t)i->memory[m].size && !(i->writes >> s->base & 1)) {
			*ret_is_def = true;
			return true;
		}
	if (i->kind == KA_INSN_CALL)
		return s->base == (s->is_aarch64 ? A64_SP : X86_RSP) || !(writes_reg(s, i, s->base));
	if (!(i->writes >> s->base & 1))
		return true;
	if (!s->is_aarch64 && s->base == X86_RSP && !strncmp(i->name, "push", 4)) {
		*disp -= word;
		*ret_is_def = *disp < 0;
		return true;
	}
	if (!s->is_aarch64 && s->base == X86_RSP && !strncmp(i->name, "pop", 3)) {
		*disp += word;
		return true;
	}
	if (last && last->kind == KA_OPERAND_NUMBER && (!strncmp(i->name, "sub", 3) || !strncmp(i->name, "add", 3)) &&
	    (!s->is_aarch64 || (i->operand_count == 3 && i->operands[1].reg == s->base))) {
		*disp += i->name[0] == 's' ? -last->number : last->number;
		return *disp >= 0;
	}
	return false;
}

static void visit(struct search *s, size_t at, int64_t disp)
{
	if (s->seen[at])
		return;
	s->seen[at] = 1;
	s->todo[s->todo_count].at = at;
	s->todo[s->todo_count++].disp = disp;
}

/* One instruction that may have been executed just before. */
static void step_to(struct search *s, size_t from, int64_t disp)
{
	bool is_def;

	if (!across(s, &s->code->insns[from], &disp, &is_def))
		s->ret->is_unknown = true;
	else if (is_def)
		add_def(s->ret, from);
	else
		visit(s, from, disp);
}

static bool falls_through(const struct ka_insn *i)
{
	return i->kind != KA_INSN_JUMP && i->kind != KA_INSN_RETURN && i->kind != KA_INSN_TRAP && i->kind != KA_INSN_BAD;
}

static void run(struct search *s, size_t at, int64_t disp)
{
	const struct ka_fault_code *c = s->code;

	s->seen = ka_xalloc(c->count + 1);
	s->todo = ka_xalloc((c->count + 1) * sizeof(*s->todo));
	visit(s, at, disp);
	while (s->todo_count) {
		size_t now = s->todo[--s->todo_count].at;
		bool has_before = false;

		disp = s->todo[s->todo_count].disp;
		if (!now) {
			s->ret->is_entry = true;
			has_before = true;
		}
		if (now && falls_through(&c->insns[now - 1])) {
			step_to(s, now - 1, disp);
			has_before = true;
		}
		for (uint32_t e = c->jumps[now]; e != UINT32_MAX; e = c->edges[e].next) {
			step_to(s, c->edges[e].from, disp);
			has_before = true;
		}
		/* reached through a table, from another part of the function (.cold), or by an exception */
		if (!has_before)
			s->ret->is_unknown = true;
	}
	free(s->todo);
	free(s->seen);
}

void ka_fault_reg_defs(const struct ka_fault_code *c, bool is_aarch64, size_t at, int reg, struct ka_fault_defs *ret)
{
	struct search s = { .code = c, .is_aarch64 = is_aarch64, .reg = reg, .ret = ret };

	*ret = (struct ka_fault_defs){0};
	if (reg < 0 || reg > 63 || at >= c->count)
		ret->is_unknown = true;
	else
		run(&s, at, 0);
}

void ka_fault_slot_defs(const struct ka_fault_code *c, bool is_aarch64, size_t at, int base, int64_t disp, struct ka_fault_defs *ret)
{
	struct search s = { .code = c, .is_aarch64 = is_aarch64, .reg = KA_NO_REG, .base = base, .ret = ret };

	*ret = (struct ka_fault_defs){0};
	if (base < 0 || base > 63 || at >= c->count)
		ret->is_unknown = true;
	else
		run(&s, at, disp);
}
