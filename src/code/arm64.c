/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* aarch64: capstone's instructions with the text of GNU's disassembler; adrp and what adds to it made one address. */
#include <inttypes.h>
#include <stdio.h>
#include "code.h"

static int general(arm64_reg r)
{
	if (r == ARM64_REG_X29)
		return 29;
	if (r == ARM64_REG_X30)
		return 30;
	if (r == ARM64_REG_SP || r == ARM64_REG_WSP)
		return 31;
	if (r >= ARM64_REG_X0 && r <= ARM64_REG_X28)
		return (int)(r - ARM64_REG_X0);
	if (r >= ARM64_REG_W0 && r <= ARM64_REG_W30)
		return (int)(r - ARM64_REG_W0);
	return KA_NO_REG;
}

static bool is_wide(arm64_reg r)
{
	return r == ARM64_REG_X29 || r == ARM64_REG_X30 || r == ARM64_REG_SP || r == ARM64_REG_XZR || (r >= ARM64_REG_X0 && r <= ARM64_REG_X28);
}

static unsigned reg_size(arm64_reg r)
{
	if (is_wide(r) || (r >= ARM64_REG_D0 && r <= ARM64_REG_D31))
		return 8;
	if (r >= ARM64_REG_Q0 && r <= ARM64_REG_Q31)
		return 16;
	if (r >= ARM64_REG_H0 && r <= ARM64_REG_H31)
		return 2;
	if (r >= ARM64_REG_B0 && r <= ARM64_REG_B31)
		return 1;
	return 4;
}

/* Bytes that a load or store moves, from its name and its first register; 0: it is neither. */
static unsigned access_size(const char *name, const cs_arm64 *x, bool *is_load, bool *is_store)
{
	bool is_pair = strstr(name, "ldp") == name || !strncmp(name, "stp", 3) || !strncmp(name, "ldnp", 4) || !strncmp(name, "stnp", 4) ||
		       !strncmp(name, "ldxp", 4) || !strncmp(name, "ldaxp", 5);
	size_t n = strlen(name);
	unsigned size = 0, first = 0;

	*is_load = !strncmp(name, "ld", 2);
	*is_store = !strncmp(name, "st", 2);
	if (!strncmp(name, "cas", 3) || !strncmp(name, "swp", 3) || !strncmp(name, "ldadd", 5) || !strncmp(name, "ldclr", 5) ||
	    !strncmp(name, "ldset", 5) || !strncmp(name, "ldeor", 5) || !strncmp(name, "ldsmax", 6) || !strncmp(name, "ldsmin", 6) ||
	    !strncmp(name, "ldumax", 6) || !strncmp(name, "ldumin", 6))
		*is_load = *is_store = true;
	if (!*is_load && !*is_store)
		return 0;
	/* stxr's first register is its status */
	if ((!strncmp(name, "stxr", 4) || !strncmp(name, "stlxr", 5) || !strncmp(name, "stxp", 4) || !strncmp(name, "stlxp", 5)))
		first = 1;
	if (strstr(name, "sw") && *is_load && !*is_store)
		size = 4;
	else if (name[n - 1] == 'b' && n > 3)
		size = 1;
	else if (name[n - 1] == 'h' && n > 3)
		size = 2;
	else if (x->op_count > first && x->operands[first].type == ARM64_OP_REG)
		size = reg_size(x->operands[first].reg);
	return is_pair || (first && name[n - 1] == 'p') ? 2 * size : size;
}

static void memory(const char *name, const cs_arm64 *x, const cs_arm64_op *op, struct ka_insn *ret)
{
	struct ka_insn_memory *m;
	bool is_load, is_store;

	if (ret->memory_count == KA_INSN_MEMORIES)
		return;
	m = &ret->memory[ret->memory_count++];
	m->size = access_size(name, x, &is_load, &is_store);
	m->is_read = is_load;
	m->is_write = is_store;
	m->base = (int8_t)general(op->mem.base);
	m->index = (int8_t)general(op->mem.index);
	m->disp = op->mem.disp;
	m->scale = op->shift.type == ARM64_SFT_LSL || op->ext ? (uint8_t)(1u << (op->shift.value & 7)) : 1;
	m->is_index_32 = op->ext == ARM64_EXT_UXTW || op->ext == ARM64_EXT_SXTW;
	m->is_index_signed = op->ext == ARM64_EXT_SXTW;
	if (m->base >= 0)
		ret->reads |= 1ull << m->base;
	if (m->index >= 0)
		ret->reads |= 1ull << m->index;
	if (x->writeback && m->base >= 0)
		ret->writes |= 1ull << m->base;
}

static void operands(struct ka_code *c, const cs_insn *i, struct ka_insn *ret)
{
	const cs_arm64 *x = &i->detail->arm64;

	(void)c;
	for (unsigned n = 0; n < x->op_count; n++) {
		const cs_arm64_op *op = &x->operands[n];
		struct ka_insn_operand *o = ret->operand_count < KA_INSN_OPERANDS ? &ret->operands[ret->operand_count++] : NULL;
		int reg = op->type == ARM64_OP_REG ? general(op->reg) : KA_NO_REG;
		/* capstone 4 tells no access: a first operand is written, but by stores, compares, branches and the like */
		bool is_dest = !n && strncmp(i->mnemonic, "st", 2) && strncmp(i->mnemonic, "cmp", 3) && strncmp(i->mnemonic, "cmn", 3) &&
			       strncmp(i->mnemonic, "tst", 3) && strncmp(i->mnemonic, "ccm", 3) && strncmp(i->mnemonic, "cb", 2) &&
			       strncmp(i->mnemonic, "tb", 2) && i->mnemonic[0] != 'b' && strncmp(i->mnemonic, "ret", 3) &&
			       strncmp(i->mnemonic, "msr", 3) && strncmp(i->mnemonic, "prf", 3);

		if (i->mnemonic[0] == 'b' && (!strncmp(i->mnemonic, "bf", 2) || !strncmp(i->mnemonic, "bic", 3)))
			is_dest = !n;
		if (n == 1 && (!strncmp(i->mnemonic, "ldp", 3) || !strncmp(i->mnemonic, "ldnp", 4) || !strncmp(i->mnemonic, "ldxp", 4) ||
			       !strncmp(i->mnemonic, "ldaxp", 5)))
			is_dest = true;
		if (!n && (!strncmp(i->mnemonic, "stxr", 4) || !strncmp(i->mnemonic, "stlxr", 5) || !strncmp(i->mnemonic, "stxp", 4)))
			is_dest = true;
		if (o)
			*o = (struct ka_insn_operand){ .kind = KA_OPERAND_OTHER, .reg = KA_NO_REG };
		if (op->type == ARM64_OP_REG) {
			bool is_kept = is_dest && (!strncmp(i->mnemonic, "movk", 4) || !strncmp(i->mnemonic, "bf", 2));

			if (reg >= 0) {
				ret->reads |= is_dest && !is_kept ? 0 : 1ull << reg;
				ret->writes |= is_dest ? 1ull << reg : 0;
			}
			if (o)
				*o = (struct ka_insn_operand){ .kind = KA_OPERAND_REG, .size = (uint8_t)reg_size(op->reg), .reg = (int8_t)reg,
							       .is_read = !is_dest || is_kept, .is_write = is_dest };
		} else if (op->type == ARM64_OP_MEM) {
			memory(i->mnemonic, x, op, ret);
			if (o && ret->memory_count)
				*o = (struct ka_insn_operand){ .kind = KA_OPERAND_MEMORY, .reg = KA_NO_REG, .memory = ret->memory_count - 1,
							       .size = (uint8_t)ret->memory[ret->memory_count - 1].size,
							       .is_read = ret->memory[ret->memory_count - 1].is_read,
							       .is_write = ret->memory[ret->memory_count - 1].is_write };
		} else if (op->type == ARM64_OP_IMM && o) {
			o->kind = KA_OPERAND_NUMBER;
			o->number = op->imm;
		}
	}
}

static int64_t bits_signed(uint32_t w, unsigned at, unsigned count)
{
	return (int64_t)((uint64_t)w << (64 - at - count)) >> (64 - count);
}

/* Branches and PC-relative addresses, from the bits: these encodings are for ever. */
static void flow(uint32_t w, struct ka_insn *ret)
{
	uint64_t at = ret->addr;

	if ((w & 0x7c000000) == 0x14000000) {
		ret->kind = w & 0x80000000 ? KA_INSN_CALL : KA_INSN_JUMP;
		ret->target = at + 4 * (uint64_t)bits_signed(w, 0, 26);
		ret->has_target = true;
	} else if ((w & 0xff000000) == 0x54000000 || (w & 0x7e000000) == 0x34000000) {	/* b.cond (bc.cond), cbz, cbnz */
		ret->kind = KA_INSN_BRANCH;
		ret->target = at + 4 * (uint64_t)bits_signed(w, 5, 19);
		ret->has_target = true;
	} else if ((w & 0x7e000000) == 0x36000000) {		/* tbz, tbnz */
		ret->kind = KA_INSN_BRANCH;
		ret->target = at + 4 * (uint64_t)bits_signed(w, 5, 14);
		ret->has_target = true;
	} else if ((w & 0xfe000000) == 0xd6000000) {		/* br, blr, ret, eret and with authentication */
		unsigned op = w >> 21 & 15;

		ret->kind = (op & 7) == 1 ? KA_INSN_CALL : (op & 7) == 0 ? KA_INSN_JUMP : KA_INSN_RETURN;
		ret->is_indirect = ret->kind != KA_INSN_RETURN;
		if (ret->kind != KA_INSN_RETURN || op == 2)
			ret->reads |= 1ull << (w >> 5 & 31);
	} else if ((w & 0xff000000) == 0xd4000000) {
		ret->kind = (w & 0xe0001f) == 1 ? KA_INSN_SYSCALL : KA_INSN_TRAP;
	} else if ((w & 0x1f000000) == 0x10000000) {		/* adr, adrp */
		uint64_t offset = (uint64_t)bits_signed(w, 5, 19) << 2 | (w >> 29 & 3);

		ret->has_address = ret->is_address_shown = true;
		ret->address = w & 0x80000000 ? (at & ~0xfffull) + (offset << 12) : at + offset;
	} else if ((w & 0x3b000000) == 0x18000000) {		/* ldr of a literal, prfm */
		ret->has_address = ret->is_address_shown = true;
		ret->address = at + 4 * (uint64_t)bits_signed(w, 5, 19);
	} else if (w == 0xd503201f) {
		ret->kind = KA_INSN_NOP;
	}
	if (ret->kind == KA_INSN_CALL)
		ret->writes |= 1ull << 30;
	ret->is_address_shown |= ret->has_target;
}

/* adrp x0, PAGE; add x0, x0, #OFFSET or ldr x1, [x0, #OFFSET] */
static void follow_pages(struct ka_code *c, uint32_t w, struct ka_insn *ret)
{
	unsigned rd = w & 31, rn = w >> 5 & 31;

	if (ret->addr != c->pages_at)
		c->pages_known = 0;
	c->pages_at = ret->addr + 4;
	if ((w & 0x9f000000) == 0x90000000) {
		if (rd < 31) {
			c->pages[rd] = ret->address;
			c->pages_known |= 1u << rd;
		}
		return;
	}
	if (rn < 31 && c->pages_known & (1u << rn)) {
		if ((w & 0xff800000) == 0x91000000) {	/* add of 64 bits, immediate */
			ret->address = c->pages[rn] + ((w >> 10 & 0xfff) << (w & 0x400000 ? 12 : 0));
			ret->has_address = true;
		} else if (ret->memory_count == 1 && ret->memory[0].base == (int)rn && ret->memory[0].index == KA_NO_REG &&
			   !(ret->writes & (1ull << rn) && ret->memory[0].is_write)) {
			ret->address = c->pages[rn] + (uint64_t)ret->memory[0].disp;
			ret->has_address = true;
			ret->memory[0].has_addr = true;
			ret->memory[0].addr = ret->address;
		}
	}
	c->pages_known &= ~(uint32_t)ret->writes;
	/* behind a call the registers are another's; behind a jump the next instruction comes from elsewhere */
	if (ret->kind == KA_INSN_CALL)
		c->pages_known &= 0x7ff80000;
	else if (ret->kind == KA_INSN_JUMP || ret->kind == KA_INSN_RETURN)
		c->pages_known = 0;
}

/* ldtr and its kin, by which the kernel reads user memory (get_user): capstone 4 knows sttr alone. */
static bool load_user(uint32_t w, struct ka_insn *ret)
{
	static const char *const names[4][4] = {	/* by size and opc; 1: unsigned, 2: to 64 bits, 3: to 32 bits */
		{ NULL, "ldtrb", "ldtrsb", "ldtrsb" }, { NULL, "ldtrh", "ldtrsh", "ldtrsh" }, { NULL, "ldtr", "ldtrsw", NULL }, { NULL, "ldtr", NULL, NULL },
	};
	unsigned size = w >> 30, opc = w >> 22 & 3, rt = w & 31, rn = w >> 5 & 31;
	int64_t disp = bits_signed(w, 12, 9);
	char kind = opc == 2 || size == 3 ? 'x' : 'w', t[8], base[8], operands[40];

	if ((w & 0x3f200c00) != 0x38000800 || !names[size][opc])
		return false;
	snprintf(t, sizeof(t), rt == 31 ? "%czr" : "%c%u", kind, rt);
	snprintf(base, sizeof(base), rn == 31 ? "sp" : "x%u", rn);
	if (disp)
		snprintf(operands, sizeof(operands), "%s, [%s, #%" PRId64 "]", t, base, disp);
	else
		snprintf(operands, sizeof(operands), "%s, [%s]", t, base);
	ka_insn_text_set(ret, names[size][opc], operands);
	ret->memory[0] = (struct ka_insn_memory){ .base = (int8_t)rn, .index = KA_NO_REG, .scale = 1, .disp = disp, .size = 1u << size, .is_read = true };
	ret->memory_count = 1;
	ret->operands[0] = (struct ka_insn_operand){ .kind = KA_OPERAND_REG, .size = kind == 'x' ? 8 : 4, .reg = rt < 31 ? (int8_t)rt : KA_NO_REG,
						     .is_write = true };
	ret->operands[1] = (struct ka_insn_operand){ .kind = KA_OPERAND_MEMORY, .reg = KA_NO_REG, .memory = 0, .size = (uint8_t)(1u << size),
						     .is_read = true };
	ret->operand_count = 2;
	ret->reads |= 1ull << rn;
	ret->writes |= rt < 31 ? 1ull << rt : 0;
	return true;
}

/* Hints and pointer authentication, which capstone 4 shows as numbers or not at all. */
static bool more(uint32_t w, struct ka_insn *ret)
{
	static const char *const hints[0x30] = {
		[0] = "nop", [1] = "yield", [2] = "wfe", [3] = "wfi", [4] = "sev", [5] = "sevl", [6] = "dgh", [7] = "xpaclri", [8] = "pacia1716",
		[0xa] = "pacib1716", [0xc] = "autia1716", [0xe] = "autib1716", [0x10] = "esb", [0x11] = "psb csync", [0x12] = "tsb csync",
		[0x14] = "csdb", [0x16] = "clearbhb", [0x18] = "paciaz", [0x19] = "paciasp", [0x1a] = "pacibz", [0x1b] = "pacibsp", [0x1c] = "autiaz",
		[0x1d] = "autiasp", [0x1e] = "autibz", [0x1f] = "autibsp", [0x20] = "bti", [0x22] = "bti c", [0x24] = "bti j", [0x26] = "bti jc",
	};
	static const char *const pac[16] = { "pacia", "pacib", "pacda", "pacdb", "autia", "autib", "autda", "autdb",
					     "paciza", "pacizb", "pacdza", "pacdzb", "autiza", "autizb", "autdza", "autdzb" };
	unsigned rd = w & 31, rn = w >> 5 & 31;
	char a[32];

	if ((w & 0xfffff01f) == 0xd503201f) {
		unsigned n = w >> 5 & 0x7f;

		if (n < KA_COUNT(hints) && hints[n])
			ka_insn_text_set(ret, hints[n], NULL);
		else {
			snprintf(a, sizeof(a), "#0x%x", n);
			ka_insn_text_set(ret, "hint", a);
		}
		if (!n || (n & 0x38) == 0x20)
			ret->kind = KA_INSN_NOP;
		return true;
	}
	if ((w & 0xfffff0ff) == 0xd503409f) {	/* tag checks off and on, around unaligned words (8.5) */
		snprintf(a, sizeof(a), "tco, #0x%x", w >> 8 & 15);
		ka_insn_text_set(ret, "msr", a);
		return true;
	}
	if ((w & 0xffffc000) == 0xdac10000) {
		unsigned op = w >> 10 & 15;

		if (op >= 8)
			snprintf(a, sizeof(a), "x%u", rd);
		else if (rn == 31)
			snprintf(a, sizeof(a), "x%u, sp", rd);
		else
			snprintf(a, sizeof(a), "x%u, x%u", rd, rn);
		ret->reads |= 1ull << rd | (op < 8 ? 1ull << rn : 0);
		ret->writes |= 1ull << rd;
		ka_insn_text_set(ret, pac[op], a);
		return true;
	}
	if ((w & 0xfffffbe0) == 0xdac143e0) {
		snprintf(a, sizeof(a), "x%u", rd);
		ret->reads |= 1ull << rd;
		ret->writes |= 1ull << rd;
		ka_insn_text_set(ret, w & 0x400 ? "xpacd" : "xpaci", a);
		return true;
	}
	if ((w & 0xfffffbff) == 0xd65f0bff || (w & 0xfffffbff) == 0xd69f0bff) {
		ka_insn_text_set(ret, w & 0x800000 ? w & 0x400 ? "eretab" : "eretaa" : w & 0x400 ? "retab" : "retaa", NULL);
		return true;
	}
	if ((w & 0xfedff800) == 0xd61f0800) {	/* braa, blraa and the like; z: with a zero modifier */
		bool is_zero = !(w & 0x1000000);

		if (is_zero && rd != 31)
			return false;
		snprintf(a, sizeof(a), is_zero ? "x%u" : rd == 31 ? "x%u, sp" : "x%u, x%u", rn, rd);
		ka_insn_text_set(ret, w & 0x200000 ? is_zero ? w & 0x400 ? "blrabz" : "blraaz" : w & 0x400 ? "blrab" : "blraa" :
				      is_zero ? w & 0x400 ? "brabz" : "braaz" : w & 0x400 ? "brab" : "braa", a);
		return true;
	}
	if ((w & 0x3f20fc00) == 0x38208000 || (w & 0x3f208c00) == 0x38200000 || (w & 0x3fa07c00) == 0x08a07c00) {
		/* atomics of 8.1: cas; ldadd, ldclr, ldeor, ldset, ldsmax ..., swp */
		static const char *const ops[8] = { "add", "clr", "eor", "set", "smax", "smin", "umax", "umin" };
		static const char *const sizes[4] = { "b", "h", "", "" };
		unsigned size = w >> 30, rs = w >> 16 & 31, opc = w >> 12 & 7;
		bool is_cas = (w & 0x3fa07c00) == 0x08a07c00, is_swp = !is_cas && w & 0x8000;
		bool is_acquire = w & (is_cas ? 0x400000 : 0x800000), is_release = w & (is_cas ? 0x8000 : 0x400000);
		char kind = size == 3 ? 'x' : 'w', name[24], s[8], t[8], base[8];
		bool is_store = !is_cas && !is_swp && rd == 31 && !is_acquire;

		if (is_swp && opc)
			return false;
		snprintf(name, sizeof(name), "%s%s%s%s", is_cas ? "cas" : is_swp ? "swp" : is_store ? "st" : "ld",
			 is_cas || is_swp ? "" : ops[opc], is_acquire ? is_release ? "al" : "a" : is_release ? "l" : "", sizes[size]);
		snprintf(s, sizeof(s), rs == 31 ? "%czr" : "%c%u", kind, rs);
		snprintf(t, sizeof(t), rd == 31 ? "%czr" : "%c%u", kind, rd);
		snprintf(base, sizeof(base), rn == 31 ? "sp" : "x%u", rn);
		if (is_store)
			snprintf(a, sizeof(a), "%s, [%s]", s, base);
		else
			snprintf(a, sizeof(a), "%s, %s, [%s]", s, t, base);
		ka_insn_text_set(ret, name, a);
		ret->memory[0] = (struct ka_insn_memory){ .base = (int8_t)rn, .index = KA_NO_REG, .scale = 1, .size = 1u << size, .is_read = true,
							  .is_write = true };
		ret->memory_count = 1;
		ret->reads |= 1ull << rn | (rs < 31 ? 1ull << rs : 0) | (is_cas && rd < 31 ? 1ull << rd : 0);
		ret->writes |= is_cas ? rs < 31 ? 1ull << rs : 0 : rd < 31 ? 1ull << rd : 0;
		return true;
	}
	return load_user(w, ret);
}

/* Immediates of these are decimal in GNU's text, of all others hexadecimal. */
static bool is_decimal_name(const char *name)
{
	static const char *const names[] = {
		"tbz", "tbnz", "lsl", "lsr", "asr", "ror", "ubfx", "sbfx", "bfi", "bfxil", "ubfiz", "sbfiz", "extr", "bfc", "ubfm", "sbfm", "bfm",
	};

	for (size_t i = 0; i < KA_COUNT(names); i++)
		if (!strcmp(name, names[i]))
			return true;
	return false;
}

static const struct { const char *name, *gnu, *branch, *other; } conditions[] = {
	{ "eq", "eq", "b.none", "none" }, { "ne", "ne", "b.any", "any" }, { "hs", "cs", "b.hs, b.nlast", "hs, nlast" },
	{ "lo", "cc", "b.lo, b.ul, b.last", "lo, ul, last" }, { "mi", "mi", "b.first", "first" }, { "pl", "pl", "b.nfrst", "nfrst" },
	{ "hi", "hi", "b.pmore", "pmore" }, { "ls", "ls", "b.plast", "plast" }, { "ge", "ge", "b.tcont", "tcont" }, { "lt", "lt", "b.tstop", "tstop" },
};

/* movz and movn are mov to GNU, but for the ways to write 0 that nobody needs. */
static bool wide_move(uint32_t w, struct ka_insn *ret)
{
	bool is_movz = (w & 0x7f800000) == 0x52800000, is_64 = w & 0x80000000;
	uint64_t imm = w >> 5 & 0xffff, value;
	unsigned shift = w >> 17 & 0x30;
	char operands[48];

	if ((!is_movz && (w & 0x7f800000) != 0x12800000) || (!imm && shift) || (!is_movz && !is_64 && imm == 0xffff))
		return false;
	value = is_movz ? imm << shift : ~(imm << shift);
	if (!is_64)
		value &= 0xffffffff;
	if ((w & 31) == 31)
		snprintf(operands, sizeof(operands), "%czr, #0x%" PRIx64, is_64 ? 'x' : 'w', value);
	else
		snprintf(operands, sizeof(operands), "%c%u, #0x%" PRIx64, is_64 ? 'x' : 'w', w & 31, value);
	ka_insn_text_set(ret, "mov", operands);
	snprintf(ret->remark, sizeof(ret->remark), "// #%" PRId64, is_64 ? (int64_t)value : (int64_t)(int32_t)value);
	return true;
}

static void text(uint32_t w, const cs_insn *i, struct ka_insn *ret)
{
	struct ka_str out = {0};
	char name[32];
	const char *p = i->op_str;
	bool is_in_memory = false, is_shift = false, is_decimal;

	snprintf(name, sizeof(name), "%s", i->mnemonic);
	is_decimal = is_decimal_name(name);
	for (size_t n = 0; n < KA_COUNT(conditions); n++) {
		if (!strncmp(name, "b.", 2) && !strcmp(name + 2, conditions[n].name)) {
			memcpy(name + 2, conditions[n].gnu, 2);
			snprintf(ret->remark, sizeof(ret->remark), "// %s", conditions[n].branch);
		}
	}
	while (*p) {
		if (*p == '#') {
			bool is_minus = p[1] == '-';
			char *end;
			uint64_t v = strtoull(p + 1 + is_minus, &end, 0);

			if (*end == '.' || *end == 'e') {	/* a float */
				ka_str_addc(&out, *p++);
				continue;
			}
			if (!*end && (ret->has_target || (ret->has_address && ret->is_address_shown)))
				ka_str_printf(&out, "0x%" PRIx64, ret->has_target ? ret->target : ret->address);
			else if (is_in_memory || is_shift || is_decimal)
				ka_str_printf(&out, "#%" PRId64, (int64_t)(is_minus ? -v : v));
			else {
				uint64_t shown = is_minus ? -v : v;

				if (is_minus && !(w & 0x80000000))
					shown &= 0xffffffff;
				ka_str_printf(&out, "#0x%" PRIx64, shown);
				if (!strcmp(name, "mov"))
					snprintf(ret->remark, sizeof(ret->remark), "// #%" PRId64, w & 0x80000000 ? (int64_t)shown :
						 (int64_t)(int32_t)shown);
			}
			p = end;
			is_shift = false;
			continue;
		}
		if (*p == '[')
			is_in_memory = true;
		if (p == i->op_str || p[-1] == ' ') {
			is_shift |= !strncmp(p, "lsl #", 5) || !strncmp(p, "lsr #", 5) || !strncmp(p, "asr #", 5) || !strncmp(p, "ror #", 5) ||
				    !strncmp(p, "sxt", 3) || !strncmp(p, "uxt", 3);
			for (size_t n = 0; n < KA_COUNT(conditions); n++) {
				if (strncmp(p, conditions[n].name, 3))
					continue;
				ka_str_add(&out, conditions[n].gnu);
				snprintf(ret->remark, sizeof(ret->remark), "// %s = %s", conditions[n].gnu, conditions[n].other);
				p += 2;
				break;
			}
			if (!*p)
				break;
		}
		ka_str_addc(&out, *p++);
	}
	ka_insn_text_set(ret, name, out.p);
	ka_str_free(&out);
}

void ka_arm64_decode(struct ka_code *c, const uint8_t *bytes, size_t size, struct ka_insn *ret)
{
	const uint8_t *at = bytes;
	uint64_t addr = ret->addr;
	size_t left = 4;
	uint32_t w;
	char number[32];

	if (size < 4) {
		ret->size = (uint8_t)size;
		ret->kind = KA_INSN_BAD;
		ka_insn_text_set(ret, "(bad)", NULL);
		return;
	}
	ret->size = 4;
	w = bytes[0] | bytes[1] << 8 | bytes[2] << 16 | (uint32_t)bytes[3] << 24;
	flow(w, ret);
	if (!more(w, ret)) {
		if (cs_disasm_iter(c->handle, &at, &left, &addr, c->insn)) {
			operands(c, c->insn, ret);
			if (!wide_move(w, ret))
				text(w, c->insn, ret);
		} else {
			/* all words are four bytes, known or not */
			snprintf(number, sizeof(number), "0x%08x", w);
			ka_insn_text_set(ret, w >> 16 ? ".inst" : "udf", w >> 16 ? number : "#0");
			if (w >> 16)
				snprintf(ret->remark, sizeof(ret->remark), "; undefined");
			else
				snprintf(number, sizeof(number), "#%u", w);
			if (!(w >> 16))
				ka_insn_text_set(ret, "udf", number);
			ret->kind = KA_INSN_BAD;
		}
	}
	follow_pages(c, w, ret);
}
