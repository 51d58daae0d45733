/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How code that an x86_64 kernel made while it ran keeps its frame: BPF programs and trampolines, copies of ftrace_caller, probes. */
#include "stacks.h"

#define RBX 3
#define CODE_MAX 160		/* of what a piece of BPF code begins with: a tail call's counter is the longest */

/* What BPF code does before its first own instruction. */
struct prologue {
	unsigned push_at;	/* of push %rbp; what comes before does not touch the stack */
	unsigned frame_at;	/* behind mov %rsp,%rbp */
	unsigned end;		/* behind the last that is saved */
	unsigned bias_at;	/* behind what takes bias from rbp */
	int64_t bias;
	struct { uint8_t reg, from; int16_t unused; int64_t at; } saved[6];	/* at: from the saved rbp's place; from: code offset behind which it is there */
	unsigned saved_count;
};

static void save(struct prologue *p, unsigned reg, int64_t at, unsigned from)
{
	if (p->saved_count < KA_COUNT(p->saved))
		p->saved[p->saved_count++] = (typeof(p->saved[0])){ .reg = (uint8_t)reg, .from = (uint8_t)from, .at = at };
}

static bool is_at(const uint8_t *code, size_t n, size_t at, const void *bytes, size_t size)
{
	return at + size <= n && !memcmp(code + at, bytes, size);
}
#define IS_AT(...) is_at(code, n, i, (const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ }))

static int32_t imm32(const uint8_t *p)
{
	int32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/*
 * "push %rbp; mov %rsp,%rbp; sub $depth,%rsp", then pushes of what calls keep and the program uses (ebf7d1f508a7, v5.9; before, of rbx,
 * r13, r14 and r15), or moves of them to below rbp (trampolines; programs until fe8d9571dc50, v5.3). From 177366bf7ceb (v4.13) until then programs
 * took 40 from rbp, and kept them there.
 */
static bool prologue_read(const uint8_t *code, size_t n, struct prologue *p)
{
	int64_t depth = 0;
	size_t i = 0;

	memset(p, 0, sizeof(*p));
	while (i < n && i < 32 && !IS_AT(0x55, 0x48, 0x89, 0xe5))
		i++;
	if (!IS_AT(0x55, 0x48, 0x89, 0xe5))
		return false;
	p->push_at = (unsigned)i;
	p->frame_at = (unsigned)(i += 4);
	for (;;) {
		p->end = (unsigned)i;
		if (IS_AT(0xf3, 0x0f, 0x1e, 0xfa)) {			/* endbr64: where tail calls come to */
			i += 4;
		} else if (IS_AT(0x48, 0x81, 0xec) && i + 7 <= n) {	/* sub $imm32,%rsp */
			depth += imm32(code + i + 3);
			i += 7;
		} else if (IS_AT(0x48, 0x83, 0xec) && i + 4 <= n) {
			depth += (int8_t)code[i + 3];
			i += 4;
		} else if (IS_AT(0x48, 0x83, 0xed) && i + 4 <= n && !p->bias) {	/* sub $40,%rbp */
			p->bias = (int8_t)code[i + 3];
			p->bias_at = (unsigned)(i += 4);
		} else if (IS_AT(0x31, 0xc0)) {				/* xor %eax,%eax: the counter of tail calls */
			i += 2;
		} else if (IS_AT(0x48, 0x83, 0xf8, 0x21, 0x77, 0x06, 0x50, 0x48, 0x89, 0xe0, 0xeb, 0x02, 0x50, 0x50)) {
			depth += 16;		/* the counter and where it lies: 116e04ba1459, v6.12 */
			i += 14;
		} else if (IS_AT(0x50) || IS_AT(0x6a, 0x00)) {		/* the counter */
			depth += 8;
			i += 1 + (code[i] == 0x6a);
		} else if (IS_AT(0x53) || (i + 2 <= n && code[i] == 0x41 && code[i + 1] >= 0x54 && code[i + 1] <= 0x57)) {
			unsigned reg = code[i] == 0x53 ? RBX : code[i + 1] - 0x54u + 12;

			depth += 8;
			i += 1 + (code[i] == 0x41);
			save(p, reg, -depth, (unsigned)i);
		} else if (i + 4 <= n && (code[i] == 0x48 || code[i] == 0x4c) && code[i + 1] == 0x89 && (code[i + 2] & 0xc7) == 0x45) {
			unsigned reg = (code[i + 2] >> 3 & 7u) + (code[i] == 0x4c ? 8 : 0);	/* mov %reg,disp8(%rbp) */

			/* machine numbers: 3 is rbx, 12 to 15 are the same in DWARF; arguments of the traced function lie there, too */
			if (reg == RBX || reg >= 12)
				save(p, reg, (int8_t)code[i + 3] - p->bias, (unsigned)i + 4);
			i += 4;
		} else if (i + 7 <= n && (code[i] == 0x48 || code[i] == 0x4c) && code[i + 1] == 0x89 && (code[i + 2] & 0xc7) == 0x85) {
			unsigned reg = (code[i + 2] >> 3 & 7u) + (code[i] == 0x4c ? 8 : 0);

			if (reg == RBX || reg >= 12)
				save(p, reg, imm32(code + i + 3) - p->bias, (unsigned)i + 7);
			i += 7;
		} else {
			return true;
		}
	}
}

/* At the end: pops, leave, ret. Which of what was saved is back already? All whose pops do not follow any more. */
static bool is_back(struct ka_kernel *k, ka_addr ip, unsigned reg, bool *ret_is_end)
{
	uint8_t code[24];
	size_t n = ka_read_some(k, ip, code, sizeof(code), NULL), i = 0;
	bool is_to_come = false;

	while (i + 2 <= n) {
		if (code[i] == 0x5b) {
			is_to_come |= reg == RBX;
			i++;
		} else if (code[i] == 0x41 && code[i + 1] >= 0x5c && code[i + 1] <= 0x5f) {
			is_to_come |= reg == code[i + 1] - 0x5cu + 12;
			i += 2;
		} else {
			break;
		}
	}
	*ret_is_end = i + 2 <= n && code[i] == 0xc9 && (code[i + 1] == 0xc3 || code[i + 1] == 0xe9);
	return *ret_is_end && !is_to_come;
}

static void same(struct ka_frame_rules *r, unsigned reg)
{
	r->reg[reg] = (struct ka_rule){ .kind = KA_RULE_SAME };
}

static void bpf_rules(struct ka_kernel *k, const struct ka_cursor *c, const struct ka_made_text *t, struct ka_frame_rules *ret)
{
	static const uint8_t kept[] = { RBX, 12, 13, 14, 15 };
	uint8_t code[CODE_MAX] = { 0 }, last[2];
	uint64_t at = c->ip - t->start;
	size_t n = ka_read_some(k, t->start, code, KA_MIN(sizeof(code), (size_t)(t->end - t->start)), NULL);
	struct prologue p;
	bool is_end;

	ka_fp_rules(k, ret);
	if (!prologue_read(code, n, &p))
		return;
	for (size_t i = 0; i < KA_COUNT(kept); i++)
		same(ret, kept[i]);
	if (!c->is_call && at <= p.push_at) {
		ka_entered_rules(k, ret);
	} else if (!c->is_call && at < p.frame_at) {		/* rbp is pushed, and still the caller's */
		ret->cfa_reg = (uint16_t)k->arch->sp_reg;
	} else if (!c->is_call && !ka_error_drop(ka_read(k, c->ip - 1, last, sizeof(last))) && last[0] == 0xc9 && (last[1] == 0xc3 || last[1] == 0xe9)) {
		ka_entered_rules(k, ret);
	} else {
		if (at >= p.bias_at)
			ret->cfa_offset += p.bias;
		for (unsigned i = 0; i < p.saved_count; i++) {
			if (!c->is_call && (at < p.saved[i].from || is_back(k, c->ip, p.saved[i].reg, &is_end)))
				continue;
			/* the CFA is two words above the place of rbp */
			ret->reg[p.saved[i].reg] = (struct ka_rule){ .kind = KA_RULE_CFA_OFFSET, .n = p.saved[i].at - 2 * (int64_t)k->long_size };
		}
		return;
	}
	for (size_t i = 0; i < KA_COUNT(kept); i++)	/* nothing but rbp has moved */
		same(ret, kept[i]);
}

/* A copy of ftrace_caller or ftrace_regs_caller: whose first instructions it has. */
static bool ftrace_alias(struct ka_kernel *k, const struct ka_cursor *c, const struct ka_made_text *t, ka_addr *ret)
{
	static const struct { const char *start, *call; } copied[] = { { "ftrace_regs_caller", "ftrace_regs_call" }, { "ftrace_caller", "ftrace_call" } };
	uint8_t is[8], was[8];

	if (ka_error_drop(ka_read(k, t->start, is, sizeof(is))))
		return false;
	for (size_t i = 0; i < KA_COUNT(copied); i++) {
		struct ka_symbol start, call;
		ka_addr at;

		if (!ka_symbol_lookup(k, copied[i].start, &start) || !ka_symbol_lookup(k, copied[i].call, &call) ||
		    ka_error_drop(ka_read(k, start.addr, was, sizeof(was))) || memcmp(is, was, sizeof(is)))
			continue;
		at = start.addr + (c->ip - c->is_call - t->start);
		/* behind what was copied: as at the call, as the kernel does (fc0ea795f53c, v5.5) */
		*ret = at < call.addr + 5 ? at : call.addr;
		return true;
	}
	return false;
}

bool ka_made_rules_x86_64(struct ka_kernel *k, const struct ka_cursor *c, const struct ka_made_text *t, ka_addr *ret_alias,
			  struct ka_frame_rules *ret)
{
	switch (t->kind) {
	case KA_MADE_BPF:
		bpf_rules(k, c, t, ret);
		return true;
	case KA_MADE_FTRACE:
		return ftrace_alias(k, c, t, ret_alias);
	case KA_MADE_OPTPROBE:		/* what it calls got the registers that it saved, at the stack pointer */
		ret->cfa_reg = (uint16_t)k->arch->sp_reg;
		ret->is_pt_regs = true;
		return c->is_call;
	default:
		return false;
	}
}
