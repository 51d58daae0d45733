/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Intel syntax as gdb prints it (set disassembly-flavor intel). */
#include <inttypes.h>
#include "code.h"

static const char *size_word(unsigned size)
{
	switch (size) {
	case 1:
		return "BYTE PTR ";
	case 2:
		return "WORD PTR ";
	case 4:
		return "DWORD PTR ";
	case 6:
		return "FWORD PTR ";
	case 8:
		return "QWORD PTR ";
	case 10:
		return "TBYTE PTR ";
	case 16:
		return "XMMWORD PTR ";
	case 32:
		return "YMMWORD PTR ";
	case 64:
		return "ZMMWORD PTR ";
	default:
		return "";
	}
}

static void displacement(struct ka_str *to, int64_t v)
{
	if (v < 0)
		ka_str_printf(to, "-0x%" PRIx64, -(uint64_t)v);
	else
		ka_str_printf(to, "+0x%" PRIx64, v);
}

void ka_x86_intel_memory(const struct ka_x86_parts *p, unsigned size, uint64_t next, struct ka_str *to)
{
	unsigned mod = p->modrm >> 6, rm = p->modrm & 7, asize = p->has_67 ? 4 : 8;
	bool has_base, has_disp = mod != 0;
	uint64_t addr;

	ka_str_add(to, size_word(size));
	if (p->segment == 0x64 || p->segment == 0x65)
		ka_str_add(to, p->segment == 0x64 ? "fs:" : "gs:");
	if (ka_x86_address(p, next, &addr)) {
		if (p->has_modrm && rm == 5) {
			ka_str_add(to, p->has_67 ? "[eip" : "[rip");
			displacement(to, p->disp);
			ka_str_addc(to, ']');
		} else {
			ka_str_printf(to, "%s0x%" PRIx64, p->segment == 0x64 || p->segment == 0x65 ? "" : "ds:", addr);
		}
		return;
	}
	ka_str_addc(to, '[');
	if (!p->has_sib) {
		ka_str_add(to, ka_x86_reg(rm | (p->rex & 1 ? 8 : 0), asize, true));
	} else {
		unsigned base = p->sib & 7, index = (p->sib >> 3 & 7) | (p->rex & 2 ? 8 : 0);

		has_base = mod || base != 5;
		has_disp |= !has_base;
		if (has_base)
			ka_str_add(to, ka_x86_reg(base | (p->rex & 1 ? 8 : 0), asize, true));
		if (index != 4 || (base != 4 && has_base))
			ka_str_printf(to, "%s%s*%u", has_base ? "+" : "", index != 4 ? ka_x86_reg(index, asize, true) : asize == 4 ? "eiz" : "riz",
				      1u << (p->sib >> 6));
	}
	if (has_disp)
		displacement(to, p->disp);
	ka_str_addc(to, ']');
}

static void operand(struct ka_code *c, const struct ka_x86_parts *p, const struct ka_insn *ret, const cs_x86_op *op, bool has_size,
		    struct ka_str *to)
{
	if (op->type == X86_OP_REG) {
		const char *name = cs_reg_name(c->handle, op->reg);

		ka_str_add(to, name ? name : "?");
	} else if (op->type == X86_OP_IMM) {
		uint64_t v = (uint64_t)op->imm;

		if (op->size && op->size < 8)
			v &= (1ull << (8 * op->size)) - 1;
		ka_str_printf(to, "0x%" PRIx64, v);
	} else if (op->type == X86_OP_MEM) {
		ka_x86_intel_memory(p, has_size ? op->size : 0, ret->addr + ret->size, to);
	}
}

static bool is_string(const struct ka_x86_parts *p)
{
	return !p->map && !p->vex && ((p->opcode >= 0xa4 && p->opcode <= 0xa7) || (p->opcode >= 0xaa && p->opcode <= 0xaf) ||
				      (p->opcode >= 0x6c && p->opcode <= 0x6f));
}

static void string_text(const struct ka_x86_parts *p, struct ka_str *name, struct ka_str *to)
{
	static const struct { uint8_t opcode; const char *name; } names[] = {
		{ 0xa4, "movs" }, { 0xa6, "cmps" }, { 0xaa, "stos" }, { 0xac, "lods" }, { 0xae, "scas" }, { 0x6c, "ins" }, { 0x6e, "outs" },
	};
	unsigned size = p->opcode & 1 ? p->rex & 8 ? 8 : p->has_66 ? 2 : 4 : 1;
	const char *word = size_word(size), *acc = ka_x86_reg(0, size, true), *r = p->has_67 ? "e" : "r";
	const char *seg = p->segment == 0x64 ? "fs" : p->segment == 0x65 ? "gs" : "ds";

	for (size_t i = 0; i < KA_COUNT(names); i++)
		if (names[i].opcode == (p->opcode & 0xfe))
			ka_str_add(name, names[i].name);
	switch (p->opcode & 0xfe) {
	case 0xa4:
		ka_str_printf(to, "%ses:[%sdi],%s%s:[%ssi]", word, r, word, seg, r);
		break;
	case 0xa6:
		ka_str_printf(to, "%s%s:[%ssi],%ses:[%sdi]", word, seg, r, word, r);
		break;
	case 0xaa:
		ka_str_printf(to, "%ses:[%sdi],%s", word, r, acc);
		break;
	case 0xac:
		ka_str_printf(to, "%s,%s%s:[%ssi]", acc, word, seg, r);
		break;
	case 0xae:
		ka_str_printf(to, "%s,%ses:[%sdi]", acc, word, r);
		break;
	case 0x6c:
		ka_str_printf(to, "%ses:[%sdi],dx", word, r);
		break;
	default:
		ka_str_printf(to, "dx,%s%s:[%ssi]", word, seg, r);
		break;
	}
}

void ka_x86_intel(struct ka_code *c, const struct ka_x86_parts *p, const cs_insn *i, struct ka_insn *ret)
{
	struct ka_str name = {0}, text = {0}, all = {0};
	const cs_x86 *x = &i->detail->x86;
	const char *blank = strrchr(i->mnemonic, ' '), *plain = blank ? blank + 1 : i->mnemonic;

	if (is_string(p)) {
		string_text(p, &name, &text);
	} else if (i->id == X86_INS_NOP && p->opcode == 0x90) {
		ka_str_add(&name, p->has_66 ? "xchg" : "nop");
		ka_str_add(&text, p->has_66 ? "ax,ax" : "");
	} else if (ret->has_target) {
		ka_str_add(&name, plain);
		ka_str_printf(&text, "0x%" PRIx64, ret->target);
	} else if (i->id == X86_INS_NOP) {
		unsigned size = p->rex & 8 ? 8 : p->has_66 ? 2 : 4;

		ka_str_add(&name, "nop");
		if (p->modrm >> 6 == 3)
			ka_str_add(&text, ka_x86_reg((p->modrm & 7) | (p->rex & 1 ? 8 : 0), size, true));
		else
			ka_x86_intel_memory(p, size, ret->addr + ret->size, &text);
	} else {
		ka_str_add(&name, plain);
		for (unsigned n = 0; n < x->op_count; n++) {
			if (n)
				ka_str_addc(&text, ',');
			operand(c, p, ret, &x->operands[n], i->id != X86_INS_LEA, &text);
			if (!n && p->vex == 0x62) {
				if (p->evex_z_aaa_b & 7)
					ka_str_printf(&text, "{k%u}", p->evex_z_aaa_b & 7);
				if (p->evex_z_aaa_b & 0x80)
					ka_str_add(&text, "{z}");
			}
		}
	}
	ka_x86_prefixes(p, ret, name.p, &all);
	ka_str_add(&all, name.p);
	ka_insn_text_set(ret, all.p, text.p);
	ka_str_free(&name);
	ka_str_free(&text);
	ka_str_free(&all);
}
