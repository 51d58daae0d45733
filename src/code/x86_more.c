/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* x86_64 instructions that capstone 4 does not know, or takes for others: what kernels of these years have. */
#include <inttypes.h>
#include <stdio.h>
#include "code.h"

enum { ANY = 0xff };

/* Behind 0f 01, the whole of ModRM. prefix: 0 none, 0x66, 0xf2, 0xf3. */
static const struct {
	uint8_t prefix, modrm;
	const char *name;
	uint8_t kind;
} system_ops[] = {
	{ 0, 0xc0, "enclv" }, { 0, 0xc5, "pconfig" }, { 0, 0xc6, "wrmsrns" }, { 0xf2, 0xc6, "rdmsrlist" }, { 0xf3, 0xc6, "wrmsrlist" },
	{ 0xf2, 0xca, "erets", KA_INSN_RETURN }, { 0xf3, 0xca, "eretu", KA_INSN_RETURN }, { 0x66, 0xcc, "tdcall" }, { 0x66, 0xcd, "seamret" },
	{ 0x66, 0xce, "seamops" }, { 0x66, 0xcf, "seamcall" }, { 0, 0xcf, "encls" }, { 0, 0xd7, "enclu" }, { 0xf2, 0xd9, "vmgexit" },
	{ 0xf3, 0xd9, "vmgexit" }, { 0, 0xe8, "serialize" }, { 0xf2, 0xe8, "xsusldtrk" }, { 0xf3, 0xe8, "setssbsy" },
	{ 0xf2, 0xe9, "xresldtrk" }, { 0xf3, 0xea, "saveprevssp" }, { 0xf3, 0xec, "uiret", KA_INSN_RETURN }, { 0xf3, 0xed, "testui" },
	{ 0, 0xee, "rdpkru" }, { 0, 0xef, "wrpkru" }, { 0xf3, 0xee, "clui" }, { 0xf3, 0xef, "stui" }, { 0xf3, 0xfa, "mcommit" }, { 0, 0xfc, "clzero" }, { 0, 0xfd, "rdpru" },
	{ 0, 0xfe, "invlpgb" }, { 0xf2, 0xfe, "rmpupdate" }, { 0xf3, 0xfe, "rmpadjust" }, { 0, 0xff, "tlbsync" },
	{ 0xf2, 0xff, "pvalidate" }, { 0xf3, 0xff, "psmash" },
};

/* With one or two general operands. form: r register of ModRM.rm; m memory; g register of ModRM.reg; M memory of 64 bytes. */
static const struct {
	uint8_t map, prefix, opcode, reg, mod;	/* reg: ModRM.reg or ANY; mod: 3 register, 0 memory */
	const char *name, *form;
	bool has_suffix;			/* d or q by REX.W */
	uint8_t size;				/* of the memory; 0: 4 or 8 by REX.W */
	bool is_write;
} general_ops[] = {
	{ 1, 0xf3, 0x1e, 1, 3, "rdssp", "r", true }, { 1, 0xf3, 0xae, 5, 3, "incssp", "r", true }, { 1, 0xf3, 0xae, 6, 0, "clrssbsy", "m", false, 8, true },
	{ 1, 0xf3, 0x01, 5, 0, "rstorssp", "m", false, 8, true }, { 1, 0x66, 0xae, 6, 3, "tpause", "r" }, { 1, 0xf3, 0xae, 6, 3, "umonitor", "R" },
	{ 1, 0xf2, 0xae, 6, 3, "umwait", "r" }, { 1, 0xf3, 0xae, 4, 3, "ptwrite", "r" }, { 1, 0xf3, 0xc7, 7, 3, "rdpid", "R" },
	{ 1, 0xf3, 0xc7, 6, 3, "senduipi", "R" }, { 1, 0xf2, 0x00, 6, 3, "lkgs", "r" }, { 2, 0, 0xf6, ANY, 0, "wrss", "gm", true, 0, true },
	{ 2, 0x66, 0xf5, ANY, 0, "wruss", "gm", true, 0, true }, { 2, 0x66, 0xf8, ANY, 0, "movdir64b", "mG", false, 64 },
	{ 2, 0xf2, 0xf8, ANY, 0, "enqcmd", "mG", false, 64 }, { 2, 0xf3, 0xf8, ANY, 0, "enqcmds", "mG", false, 64 },
	{ 2, 0, 0xf9, ANY, 0, "movdiri", "gm", false, 0, true }, { 1, 0, 0xb9, ANY, 3, "ud1", "rg" }, { 1, 0, 0xb9, ANY, 0, "ud1", "mg" },
	{ 1, 0x66, 0xb9, ANY, 3, "ud1", "rg" }, { 1, 0x66, 0xb9, ANY, 0, "ud1", "mg" }, { 1, 0, 0xff, ANY, 3, "ud0", "rg" },
	{ 1, 0, 0xff, ANY, 0, "ud0", "mg" },
};

/* Of vectors, in the encoding with 66: GFNI, and AES and carry-less multiplication in more than 128 bits. */
static const struct { uint8_t map, opcode; const char *name; bool has_imm, has_vvvv; uint8_t legacy; } vector_ops[] = {
	{ 2, 0xcf, "gf2p8mulb", false, true, 1 }, { 3, 0xce, "gf2p8affineqb", true, true, 1 }, { 3, 0xcf, "gf2p8affineinvqb", true, true, 1 },
	{ 2, 0xdc, "aesenc", false, true }, { 2, 0xdd, "aesenclast", false, true }, { 2, 0xde, "aesdec", false, true },
	{ 2, 0xdf, "aesdeclast", false, true }, { 3, 0x44, "pclmulqdq", true, true },
};

/* VIA's and Zhaoxin's, behind 0f a6 and 0f a7: repeated. */
static const struct { uint8_t opcode, modrm; const char *name; } padlock_ops[] = {
	{ 0xa6, 0xc0, "montmul" }, { 0xa6, 0xc8, "xsha1" }, { 0xa6, 0xd0, "xsha256" }, { 0xa7, 0xc0, "xstore-rng" }, { 0xa7, 0xc8, "xcrypt-ecb" },
	{ 0xa7, 0xd0, "xcrypt-cbc" }, { 0xa7, 0xd8, "xcrypt-ctr" }, { 0xa7, 0xe0, "xcrypt-cfb" }, { 0xa7, 0xe8, "xcrypt-ofb" },
};

static const int8_t dwarf_of[16] = { 0, 2, 1, 3, 7, 6, 4, 5, 8, 9, 10, 11, 12, 13, 14, 15 };

static uint8_t mandatory(const struct ka_x86_parts *p)
{
	static const uint8_t of_vex[4] = { 0, 0x66, 0xf3, 0xf2 };

	return p->vex ? of_vex[p->pp] : p->rep ? p->rep : p->has_66 ? 0x66 : 0;
}

static void memory_operand(const struct ka_x86_parts *p, struct ka_insn *ret, unsigned size, bool is_write)
{
	struct ka_insn_memory *m = &ret->memory[ret->memory_count++];

	m->base = m->index = KA_NO_REG;
	m->scale = 1;
	m->disp = p->disp;
	m->size = size;
	m->is_read = !is_write;
	m->is_write = is_write;
	m->segment = p->segment == 0x64 ? KA_SEGMENT_FS : p->segment == 0x65 ? KA_SEGMENT_GS : KA_SEGMENT_NONE;
	m->has_addr = ka_x86_address(p, ret->addr + ret->size, &m->addr);
	if (m->has_addr) {
		ret->has_address = true;
		ret->address = m->addr;
	} else if (p->has_sib) {
		unsigned base = p->sib & 7, index = (p->sib >> 3 & 7) | (p->rex & 2 ? 8 : 0);

		if (base != 5 || p->modrm >> 6)
			m->base = dwarf_of[base | (p->rex & 1 ? 8 : 0)];
		if (index != 4) {
			m->index = dwarf_of[index];
			m->scale = (uint8_t)(1 << (p->sib >> 6));
		}
	} else {
		m->base = dwarf_of[(p->modrm & 7) | (p->rex & 1 ? 8 : 0)];
	}
	if (m->base >= 0)
		ret->reads |= 1ull << m->base;
	if (m->index >= 0)
		ret->reads |= 1ull << m->index;
}

static void join(struct ka_str *to, const char *first, const char *second, bool is_turned)
{
	ka_str_printf(to, "%s%s%s", is_turned ? second : first, first && second && *first && *second ? "," : "", is_turned ? first : second);
}

static void general_text(const struct ka_x86_parts *p, enum ka_insn_syntax syntax, size_t n, struct ka_insn *ret)
{
	const char *form = general_ops[n].form, *sign = syntax == KA_SYNTAX_ATT ? "%" : "";
	unsigned size = p->rex & 8 ? 8 : 4, reg = (p->modrm >> 3 & 7) | (p->rex & 4 ? 8 : 0), rm = (p->modrm & 7) | (p->rex & 1 ? 8 : 0);
	struct ka_str parts[2] = {{0}}, text = {0};
	char name[24];

	for (unsigned i = 0; form[i]; i++) {
		switch (form[i]) {
		case 'r': case 'R':
			ka_str_printf(&parts[i], "%s%s", sign, ka_x86_reg(rm, form[i] == 'R' ? 8 : size, true));
			ret->reads |= 1ull << dwarf_of[rm];
			if (!strcmp(general_ops[n].name, "rdssp") || !strcmp(general_ops[n].name, "rdpid"))
				ret->writes |= 1ull << dwarf_of[rm];
			break;
		case 'g': case 'G':
			ka_str_printf(&parts[i], "%s%s", sign, ka_x86_reg(reg, form[i] == 'G' ? 8 : size, true));
			ret->reads |= 1ull << dwarf_of[reg];
			break;
		default:
			if (syntax == KA_SYNTAX_ATT)
				ka_x86_att_memory(p, ret->addr + ret->size, &parts[i]);
			else
				ka_x86_intel_memory(p, strchr(form, 'G') ? 0 : general_ops[n].size ? general_ops[n].size : size,
						    ret->addr + ret->size, &parts[i]);
			memory_operand(p, ret, general_ops[n].size ? general_ops[n].size : size, general_ops[n].is_write);
			break;
		}
	}
	join(&text, parts[0].p, form[1] ? parts[1].p : "", syntax != KA_SYNTAX_ATT && form[1]);
	snprintf(name, sizeof(name), "%s%s", general_ops[n].name, general_ops[n].has_suffix ? p->rex & 8 ? "q" : "d" : "");
	ka_insn_text_set(ret, name, text.p);
	if (!strncmp(name, "ud", 2))
		ret->kind = KA_INSN_TRAP;
	for (unsigned i = 0; i < 2; i++)
		ka_str_free(&parts[i]);
	ka_str_free(&text);
}

static void vector_text(const struct ka_x86_parts *p, enum ka_insn_syntax syntax, size_t n, struct ka_insn *ret)
{
	char kind = p->vex ? "xyz"[KA_MIN(p->vl, 2)] : 'x';
	const char *sign = syntax == KA_SYNTAX_ATT ? "%" : "";
	unsigned reg = (p->modrm >> 3 & 7) | (p->rex & 4 ? 8 : 0), rm = (p->modrm & 7) | (p->rex & 1 ? 8 : 0), count = 0;
	struct ka_str part[4] = {{0}}, text = {0};
	char name[24];

	ka_str_printf(&part[count++], "%s%cmm%u", sign, kind, reg);
	if (p->vex)
		ka_str_printf(&part[count++], "%s%cmm%u", sign, kind, p->vvvv);
	if (p->modrm >> 6 == 3)
		ka_str_printf(&part[count++], "%s%cmm%u", sign, kind, rm);
	else if (syntax == KA_SYNTAX_ATT)
		ka_x86_att_memory(p, ret->addr + ret->size, &part[count++]);
	else
		ka_x86_intel_memory(p, 16u << p->vl, ret->addr + ret->size, &part[count++]);
	if (p->modrm >> 6 != 3)
		memory_operand(p, ret, 16u << p->vl, false);
	if (vector_ops[n].has_imm)
		ka_str_printf(&part[count++], "%s0x%x", syntax == KA_SYNTAX_ATT ? "$" : "", (unsigned)(uint8_t)p->imm);
	for (unsigned i = 0; i < count; i++)
		ka_str_printf(&text, "%s%s", i ? "," : "", part[syntax == KA_SYNTAX_ATT ? count - 1 - i : i].p);
	snprintf(name, sizeof(name), "%s%s", p->vex ? "v" : "", vector_ops[n].name);
	ka_insn_text_set(ret, name, text.p);
	for (unsigned i = 0; i < count; i++)
		ka_str_free(&part[i]);
	ka_str_free(&text);
}

bool ka_x86_more(const struct ka_x86_parts *p, enum ka_insn_syntax syntax, struct ka_insn *ret)
{
	uint8_t prefix = mandatory(p);

	if (p->vex || (p->map > 1 && prefix == 0x66)) {
		/* EVEX's short displacements count in vectors: such ones are left alone */
		bool is_short = p->vex == 0x62 && (p->modrm >> 6 == 1 || (p->evex_z_aaa_b & 0x97));

		for (size_t n = 0; n < KA_COUNT(vector_ops); n++) {
			if (vector_ops[n].map != p->map || vector_ops[n].opcode != p->opcode || prefix != 0x66 || is_short ||
			    (p->vex != 0x62 && !(p->vex && p->vl) && !vector_ops[n].legacy))
				continue;
			vector_text(p, syntax, n, ret);
			return true;
		}
		if (p->vex)
			return false;
	}
	if (!p->map)
		return false;
	if (p->map == 1 && p->opcode == 0x09 && prefix == 0xf3) {
		ka_insn_text_set(ret, "wbnoinvd", NULL);
		return true;
	}
	for (size_t n = 0; p->map == 1 && n < KA_COUNT(padlock_ops); n++) {
		char name[24];

		if (padlock_ops[n].opcode != p->opcode || padlock_ops[n].modrm != p->modrm)
			continue;
		snprintf(name, sizeof(name), "%s%s", p->rep == 0xf3 ? "repz " : "", padlock_ops[n].name);
		ka_insn_text_set(ret, name, NULL);
		return true;
	}
	if (p->map == 1 && p->opcode == 0x01) {
		for (size_t n = 0; n < KA_COUNT(system_ops); n++) {
			if (system_ops[n].modrm == p->modrm && system_ops[n].prefix == prefix) {
				ka_insn_text_set(ret, system_ops[n].name, NULL);
				ret->kind = system_ops[n].kind;
				return true;
			}
		}
	}
	for (size_t n = 0; n < KA_COUNT(general_ops); n++) {
		if (general_ops[n].map == p->map && general_ops[n].prefix == prefix && general_ops[n].opcode == p->opcode &&
		    (general_ops[n].reg == ANY || general_ops[n].reg == (p->modrm >> 3 & 7)) &&
		    (general_ops[n].mod == 3) == (p->modrm >> 6 == 3)) {
			general_text(p, syntax, n, ret);
			return true;
		}
	}
	return false;
}
