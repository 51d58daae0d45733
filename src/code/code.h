/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Private to src/code. */
#ifndef KA_CODE_PRIV_H
#define KA_CODE_PRIV_H

#include <capstone/capstone.h>
#include <kanalyze/code.h>

struct ka_code {
	csh handle;
	cs_insn *insn;		/* room for one */
	enum ka_insn_syntax syntax;
	void (*decode)(struct ka_code *c, const uint8_t *bytes, size_t size, struct ka_insn *ret);
	/* aarch64: what adrp put into each register, while nothing else was */
	uint64_t pages[32];
	uint32_t pages_known;
	uint64_t pages_at;	/* address that the next instruction must have */
};

void ka_x86_decode(struct ka_code *c, const uint8_t *bytes, size_t size, struct ka_insn *ret);
void ka_arm64_decode(struct ka_code *c, const uint8_t *bytes, size_t size, struct ka_insn *ret);

/* What the bytes of an x86_64 instruction are, whatever it does. */
struct ka_x86_parts {
	uint8_t length;			/* 0: no instruction */
	uint8_t opcode_at;		/* behind prefixes and REX, VEX or EVEX */
	uint8_t map;			/* 0: one byte; 1: 0f; 2: 0f38; 3: 0f3a; more of EVEX */
	uint8_t opcode;
	uint8_t rex;			/* 0: none; of VEX and EVEX: as if */
	uint8_t vex;			/* 0xc4, 0xc5, 0x62, or 0 */
	uint8_t pp, vvvv, vl;		/* of VEX and EVEX: prefix 0, 66, f3, f2 as 0-3; second source; 0: 128 bits */
	uint8_t evex_z_aaa_b;		/* zaaa and b: z<<7, b<<4, aaa */
	bool has_modrm, has_sib;
	uint8_t modrm, sib;
	uint8_t disp_at, disp_size, imm_at, imm_size;
	uint8_t prefixes[14], prefix_count;	/* as they come */
	uint8_t segment;		/* the last segment prefix, 0 none */
	bool has_66, has_67, has_lock;
	uint8_t rep;			/* the last of f2 and f3, or 0 */
	int64_t disp, imm;		/* sign-extended */
};
void ka_x86_parse(const uint8_t *bytes, size_t size, struct ka_x86_parts *ret);

/* Text of an operand in memory, AT&T: "%gs:0x8(%rax,%rcx,4)". */
void ka_x86_att(struct ka_code *c, const struct ka_x86_parts *p, const cs_insn *i, struct ka_insn *ret);
void ka_x86_intel(struct ka_code *c, const struct ka_x86_parts *p, const cs_insn *i, struct ka_insn *ret);
/* AT&T memory operand from the bytes alone. */
void ka_x86_att_memory(const struct ka_x86_parts *p, uint64_t next, struct ka_str *to);
void ka_x86_intel_memory(const struct ka_x86_parts *p, unsigned size, uint64_t next, struct ka_str *to);
/* Name of general register n of so many bytes; has_rex: spl and not ah. */
const char *ka_x86_reg(unsigned n, unsigned size, bool has_rex);
/* Where the memory operand's address is known without registers. */
bool ka_x86_address(const struct ka_x86_parts *p, uint64_t next, uint64_t *ret);
/* Prefixes that mean nothing to the instruction, and lock, rep, as gdb puts them before it. */
void ka_x86_prefixes(const struct ka_x86_parts *p, const struct ka_insn *ret, const char *name, struct ka_str *to);
/* x86_more.c: instructions that capstone 4 does not know. False: nor do we. */
bool ka_x86_more(const struct ka_x86_parts *p, enum ka_insn_syntax syntax, struct ka_insn *ret);
void ka_insn_text_set(struct ka_insn *ret, const char *name, const char *operands);

#endif
