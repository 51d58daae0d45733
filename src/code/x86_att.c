/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* AT&T syntax as gdb prints it: capstone's own differs in suffixes, prefixes, numbers and displacements. */
#include <inttypes.h>
#include "code.h"

static void number(struct ka_str *to, int64_t v)
{
	if (v < 0)
		ka_str_printf(to, "-0x%" PRIx64, -(uint64_t)v);
	else
		ka_str_printf(to, "0x%" PRIx64, v);
}

/* Number of a general register within the encoding, at the size of addresses. */
static const char *address_reg(const struct ka_x86_parts *p, unsigned n)
{
	return ka_x86_reg(n, p->has_67 ? 4 : 8, true);
}

void ka_x86_att_memory(const struct ka_x86_parts *p, uint64_t next, struct ka_str *to)
{
	unsigned mod = p->modrm >> 6, rm = p->modrm & 7;
	uint64_t addr;

	if (p->segment == 0x64 || p->segment == 0x65)
		ka_str_add(to, p->segment == 0x64 ? "%fs:" : "%gs:");
	if (ka_x86_address(p, next, &addr)) {
		if (p->has_modrm && rm == 5) {
			number(to, p->disp);
			ka_str_add(to, p->has_67 ? "(%eip)" : "(%rip)");
		} else {
			ka_str_printf(to, "0x%" PRIx64, addr);
		}
		return;
	}
	if (mod || (p->has_sib && (p->sib & 7) == 5))
		number(to, p->disp);
	ka_str_addc(to, '(');
	if (!p->has_sib) {
		ka_str_printf(to, "%%%s)", address_reg(p, rm | (p->rex & 1 ? 8 : 0)));
		return;
	}
	unsigned base = p->sib & 7, index = (p->sib >> 3 & 7) | (p->rex & 2 ? 8 : 0);
	bool has_base = mod || base != 5;

	if (has_base)
		ka_str_printf(to, "%%%s", address_reg(p, base | (p->rex & 1 ? 8 : 0)));
	if (index != 4)
		ka_str_printf(to, ",%%%s,%u", address_reg(p, index), 1u << (p->sib >> 6));
	else if (base != 4 && has_base)	/* an index of none where none was needed: padding */
		ka_str_printf(to, ",%%%s,%u", p->has_67 ? "eiz" : "riz", 1u << (p->sib >> 6));
	ka_str_addc(to, ')');
}

static bool is_in(const char *name, const char *words)
{
	size_t n = strlen(name);

	for (const char *w = words; (w = strstr(w, name)); w += n)
		if ((w == words || w[-1] == ' ') && (!w[n] || w[n] == ' '))
			return true;
	return false;
}

static bool is_vector_op(struct ka_code *c, const cs_x86_op *op)
{
	const char *name = op->type == X86_OP_REG ? cs_reg_name(c->handle, op->reg) : NULL;

	return name && (strstr(name, "mm") == name + 1 || !strncmp(name, "mm", 2) || (name[0] == 'k' && name[1] >= '0'));
}

static bool has_vector(struct ka_code *c, const cs_insn *i)
{
	for (unsigned n = 0; n < i->detail->x86.op_count; n++)
		if (is_vector_op(c, &i->detail->x86.operands[n]))
			return true;
	return false;
}

static bool is_string_op(const struct ka_x86_parts *p)
{
	return !p->map && !p->vex && ((p->opcode >= 0xa4 && p->opcode <= 0xa7) || (p->opcode >= 0xaa && p->opcode <= 0xaf) ||
				      (p->opcode >= 0x6c && p->opcode <= 0x6f));
}

void ka_x86_prefixes(const struct ka_x86_parts *p, const struct ka_insn *ret, const char *name, struct ka_str *to)
{
	bool is_66_used = false, is_vector = p->vex != 0, has_memory = p->has_modrm && p->modrm >> 6 != 3, is_indirect = ret->is_indirect;
	bool is_jump = ret->kind == KA_INSN_CALL || ret->kind == KA_INSN_JUMP || ret->kind == KA_INSN_BRANCH || ret->kind == KA_INSN_RETURN;
	bool is_moffs = !p->map && !p->vex && p->opcode >= 0xa0 && p->opcode <= 0xa3;
	/* SSE and its like: 66, f2 and f3 choose the instruction */
	bool is_rep_used = is_string_op(p) || is_in(name, "pause popcnt lzcnt tzcnt crc32l crc32q crc32b crc32w crc32 endbr64 endbr32 "
						    "wbnoinvd rdfsbase rdgsbase wrfsbase wrgsbase rdpid ptwrite adox");
	int last_66 = -1;

	for (unsigned n = 0; n < ret->operand_count; n++) {
		const struct ka_insn_operand *o = &ret->operands[n];

		if (o->kind == KA_OPERAND_REG && o->reg == KA_NO_REG && p->map && o->size >= 8)
			is_vector = true;
		/* in and out have dx, whatever the prefixes; shifts have cl */
		if (o->size == 2 && !(o->kind == KA_OPERAND_REG && o->reg == 1 && (p->opcode & 0xf6) == 0xe4))
			is_66_used = true;
	}
	if (is_vector)
		is_66_used = is_rep_used = true;
	if (is_in(name, "clflushopt clwb cbtw cwtd adcx tpause cbw cwd movbe xchg") || (is_string_op(p) && p->has_66 && !(p->rex & 8)))
		is_66_used = true;
	if (is_jump || ((p->rex & 8) && !is_vector && !p->map))
		is_66_used = false;
	for (unsigned n = 0; n < p->prefix_count; n++)
		if (p->prefixes[n] == 0x66)
			last_66 = (int)n;
	for (unsigned n = 0; n < p->prefix_count; n++) {
		switch (p->prefixes[n]) {
		case 0x66:
			if (!is_66_used || (int)n != last_66)
				ka_str_add(to, "data16 ");
			break;
		case 0x67:
			if (!has_memory && !is_moffs)
				ka_str_add(to, "addr32 ");
			break;
		case 0xf0:
			ka_str_add(to, "lock ");
			break;
		case 0xf2:
			if (is_string_op(p))
				ka_str_add(to, "repnz ");
			else if (is_jump)
				ka_str_add(to, "bnd ");
			else if (!is_rep_used)
				ka_str_add(to, p->has_lock ? "xacquire " : "repnz ");
			break;
		case 0xf3:
			if (is_string_op(p))
				ka_str_add(to, (p->opcode & 0xf6) == 0xa6 ? "repz " : "rep ");
			else if (!is_rep_used)
				ka_str_add(to, p->has_lock ? "xrelease " : "repz ");
			break;
		case 0x64: case 0x65:
			if ((!has_memory && !is_moffs && !is_string_op(p)) || p->prefixes[n] != p->segment)
				ka_str_add(to, p->prefixes[n] == 0x64 ? "fs " : "gs ");
			break;
		case 0x3e:
			if (is_jump && is_indirect)
				ka_str_add(to, "notrack ");
			else if (ret->kind != KA_INSN_BRANCH)
				ka_str_add(to, "ds ");
			break;
		case 0x2e:
			if (ret->kind != KA_INSN_BRANCH)
				ka_str_add(to, "cs ");
			break;
		default:
			ka_str_add(to, p->prefixes[n] == 0x26 ? "es " : "ss ");
			break;
		}
	}
	if (p->rex == 0x48 && !p->vex && (is_jump || !strncmp(name, "push", 4) || !strncmp(name, "pop", 3)) && !strstr(name, "ret") &&
	    strcmp(name, "popcnt") && p->opcode_at && !p->map)
		ka_str_add(to, "rex.W ");
	else if (p->rex == 0x40 && !p->vex && !p->map && ret->operand_count) {
		bool is_byte = false;

		for (unsigned n = 0; n < ret->operand_count; n++)
			is_byte |= ret->operands[n].size == 1 && ret->operands[n].kind != KA_OPERAND_NUMBER;
		if (!is_byte)
			ka_str_add(to, "rex ");
	}
}

static char suffix_of(unsigned size)
{
	return size == 1 ? 'b' : size == 2 ? 'w' : size == 4 ? 'l' : 'q';
}

/* Names that differ, and those that take a suffix of their memory operand where no register tells its size. */
static void name_of(const struct ka_x86_parts *p, const cs_insn *i, const char *intel, struct ka_str *to)
{
	static const char *const other[][2] = {
		{ "cdqe", "cltq" }, { "cwde", "cwtl" }, { "cbw", "cbtw" }, { "cqo", "cqto" }, { "cdq", "cltd" }, { "cwd", "cwtd" },
		{ "retf", "lret" }, { "retfq", "lretq" }, { "iretd", "iret" }, { "pushfq", "pushf" }, { "popfq", "popf" },
		{ "sysret", "sysretl" }, { "sysexit", "sysexitl" }, { "ud2b", "ud1" }, { "wait", "fwait" },
	};
	static const char always[] = "mov add or adc sbb and sub xor cmp test inc dec not neg mul imul div idiv rol ror rcl rcr shl shr "
				     "sar sal bt bts btr btc nop cvtsi2sd cvtsi2ss vcvtsi2sd vcvtsi2ss";
	const cs_x86 *x = &i->detail->x86;
	bool has_memory = p->has_modrm && p->modrm >> 6 != 3;
	unsigned size = 0;

	for (size_t n = 0; n < KA_COUNT(other); n++) {
		if (!strcmp(intel, other[n][0])) {
			ka_str_add(to, other[n][1]);
			return;
		}
	}
	if ((!strcmp(intel, "movzx") || !strcmp(intel, "movsx")) && x->op_count == 2) {
		ka_str_printf(to, "mov%c%c%c", intel[3], suffix_of(x->operands[1].size), suffix_of(x->operands[0].size));
		return;
	}
	if (!strcmp(intel, "movsxd")) {
		ka_str_add(to, p->rex & 8 ? "movslq" : "movsxd");
		return;
	}
	if (!strcmp(intel, "crc32") && x->op_count == 2) {
		ka_str_printf(to, "crc32%c", suffix_of(x->operands[1].size));
		return;
	}
	ka_str_add(to, intel);
	if (!has_memory || !is_in(intel, always))
		return;
	for (unsigned n = 0; n < x->op_count; n++) {
		bool is_count = p->map == 0 && (p->opcode == 0xd2 || p->opcode == 0xd3);

		if (x->operands[n].type == X86_OP_MEM)
			size = x->operands[n].size;
		else if (x->operands[n].type == X86_OP_REG && !is_count && !strstr(intel, "cvtsi2"))
			return;
	}
	if (size == 1 || size == 2 || size == 4 || size == 8)
		ka_str_addc(to, suffix_of(size));
}

/* fld, fild ...: the suffix tells the size, l is 8 bytes of a float and 4 of an integer. */
static void x87_suffix(const cs_insn *i, const char *intel, struct ka_str *to)
{
	const cs_x86 *x = &i->detail->x86;

	if (intel[0] != 'f' || x->op_count != 1 || x->operands[0].type != X86_OP_MEM ||
	    is_in(intel, "fxsave fxsave64 fxrstor fxrstor64 fldcw fnstcw fstcw fnstsw fnsave frstor fldenv fnstenv fbld fbstp"))
		return;
	if (intel[1] == 'i')
		ka_str_add(to, x->operands[0].size == 2 ? "s" : x->operands[0].size == 4 ? "l" : "ll");
	else
		ka_str_add(to, x->operands[0].size == 4 ? "s" : x->operands[0].size == 8 ? "l" : "t");
}

static void reg_add(struct ka_code *c, const cs_x86_op *op, struct ka_str *to)
{
	const char *name = cs_reg_name(c->handle, op->reg);

	if (!name)
		name = "?";
	if (!strcmp(name, "st(0)"))
		name = "st";
	if (name[0] == 'd' && name[1] == 'r')
		ka_str_printf(to, "%%db%s", name + 2);
	else
		ka_str_printf(to, "%%%s", name);
}

static void operand_add(struct ka_code *c, const struct ka_x86_parts *p, const struct ka_insn *ret, const cs_x86_op *op, struct ka_str *to)
{
	static const char *const broadcast[] = { "", "{1to2}", "{1to4}", "{1to8}", "{1to16}" };

	switch (op->type) {
	case X86_OP_REG:
		reg_add(c, op, to);
		break;
	case X86_OP_IMM: {
		uint64_t v = (uint64_t)op->imm;

		if (op->size && op->size < 8)
			v &= (1ull << (8 * op->size)) - 1;
		/* shifts by the one that is in the opcode */
		if (!p->map && !p->vex && (p->opcode == 0xd0 || p->opcode == 0xd1)) {
			ka_str_add(to, "$1");
			break;
		}
		ka_str_printf(to, "$0x%" PRIx64, v);
		break;
	}
	case X86_OP_MEM:
		ka_x86_att_memory(p, ret->addr + ret->size, to);
		if ((unsigned)op->avx_bcast < KA_COUNT(broadcast))
			ka_str_add(to, broadcast[op->avx_bcast]);
		break;
	default:
		break;
	}
}

/* movs %ds:(%rsi),%es:(%rdi) and their like: the operands do not lie in the bytes. */
static void string_text(const struct ka_x86_parts *p, struct ka_str *name, struct ka_str *to)
{
	unsigned size = p->opcode & 1 ? p->rex & 8 ? 8 : p->has_66 ? 2 : 4 : 1;
	const char *r = p->has_67 ? "e" : "r", *acc = ka_x86_reg(0, size, true);
	const char *seg = p->segment == 0x64 ? "fs" : p->segment == 0x65 ? "gs" : "ds";

	switch (p->opcode & 0xfe) {
	case 0xa4:
		ka_str_printf(name, "movs%c", suffix_of(size));
		ka_str_printf(to, "%%%s:(%%%ssi),%%es:(%%%sdi)", seg, r, r);
		break;
	case 0xa6:
		ka_str_printf(name, "cmps%c", suffix_of(size));
		ka_str_printf(to, "%%es:(%%%sdi),%%%s:(%%%ssi)", r, seg, r);
		break;
	case 0xaa:
		ka_str_add(name, "stos");
		ka_str_printf(to, "%%%s,%%es:(%%%sdi)", acc, r);
		break;
	case 0xac:
		ka_str_add(name, "lods");
		ka_str_printf(to, "%%%s:(%%%ssi),%%%s", seg, r, acc);
		break;
	case 0xae:
		ka_str_add(name, "scas");
		ka_str_printf(to, "%%es:(%%%sdi),%%%s", r, acc);
		break;
	case 0x6c:
		ka_str_printf(name, "ins%c", suffix_of(KA_MIN(size, 4u)));
		ka_str_printf(to, "(%%dx),%%es:(%%%sdi)", r);
		break;
	default:
		ka_str_printf(name, "outs%c", suffix_of(KA_MIN(size, 4u)));
		ka_str_printf(to, "%%%s:(%%%ssi),(%%dx)", seg, r);
		break;
	}
}

static void clmul_name(int64_t imm, struct ka_str *name)
{
	char v[24] = "";

	if (imm & ~0x11 || name->len > 10)
		return;
	strncpy(v, name->p[0] == 'v' ? "v" : "", sizeof(v) - 1);
	strcat(v, imm & 1 ? "pclmulhq" : "pclmullq");
	strcat(v, imm & 16 ? "hqdq" : "lqdq");
	ka_str_clear(name);
	ka_str_add(name, v);
}

void ka_x86_att(struct ka_code *c, const struct ka_x86_parts *p, const cs_insn *i, struct ka_insn *ret)
{
	struct ka_str name = {0}, text = {0}, all = {0};
	const cs_x86 *x = &i->detail->x86;
	const char *blank = strrchr(i->mnemonic, ' '), *intel = blank ? blank + 1 : i->mnemonic;
	unsigned first = 0, count = x->op_count;

	if (is_string_op(p)) {
		string_text(p, &name, &text);
	} else if (ret->has_target) {
		ka_str_add(&name, intel);
		if (ret->kind == KA_INSN_BRANCH && (p->segment == 0x2e || p->segment == 0x3e))
			ka_str_add(&name, p->segment == 0x2e ? ",pn" : ",pt");
		ka_str_printf(&text, "0x%" PRIx64, ret->target);
	} else if (i->id == X86_INS_NOP && p->opcode == 0x90) {
		ka_str_add(&name, p->has_66 ? "xchg" : "nop");
		ka_str_add(&text, p->has_66 ? "%ax,%ax" : "");
	} else if (i->id == X86_INS_NOP) {
		unsigned size = p->rex & 8 ? 8 : p->has_66 ? 2 : 4;

		ka_str_printf(&name, "nop%c", suffix_of(size));
		if (p->modrm >> 6 == 3)
			ka_str_printf(&text, "%%%s", ka_x86_reg((p->modrm & 7) | (p->rex & 1 ? 8 : 0), size, true));
		else
			ka_x86_att_memory(p, ret->addr + ret->size, &text);
	} else if (!p->map && !p->vex && ((p->opcode & 0xf6) == 0xe4)) {	/* in, out */
		const char *acc = ka_x86_reg(0, p->opcode & 1 ? p->has_66 ? 2 : 4 : 1, true);
		struct ka_str port = {0};

		ka_str_add(&name, intel);
		if (p->opcode & 8)
			ka_str_add(&port, "(%dx)");
		else
			ka_str_printf(&port, "$0x%x", (unsigned)(uint8_t)p->imm);
		if (p->opcode & 2)
			ka_str_printf(&text, "%%%s,%s", acc, port.p);
		else
			ka_str_printf(&text, "%s,%%%s", port.p, acc);
		ka_str_free(&port);
	} else {
		name_of(p, i, intel, &name);
		x87_suffix(i, intel, &name);
		if (i->id == X86_INS_XLATB) {
			ka_str_clear(&name);
			ka_str_add(&name, "xlat");
			ka_str_add(&text, "%ds:(%rbx)");
			count = 0;
		}
		if (strstr(intel, "pclmulqdq") && count && x->operands[count - 1].type == X86_OP_IMM) {
			clmul_name(x->operands[count - 1].imm & 0xff, &name);
			count--;
		}
		if (ret->is_indirect)
			ka_str_addc(&text, '*');
		/* xchg's operands are as they are encoded: the register first in AT&T's order */
		bool is_turned = i->id == X86_INS_ENTER ||
				 (i->id == X86_INS_XCHG && !p->map && (p->opcode & 0xfe) == 0x86 && count == 2 &&
				  x->operands[1].type == X86_OP_MEM);

		for (unsigned n = first; n < count; n++) {
			const cs_x86_op *op = &x->operands[is_turned ? n : count - 1 - n];

			if (n > first && text.p[text.len - 1] != '}')
				ka_str_addc(&text, ',');
			else if (n > first)
				ka_str_addc(&text, ',');
			operand_add(c, p, ret, op, &text);
		}
		if (p->vex == 0x62 && count) {	/* the mask belongs to the destination: last in this order */
			if (p->evex_z_aaa_b & 7)
				ka_str_printf(&text, "{%%k%u}", p->evex_z_aaa_b & 7);
			if (p->evex_z_aaa_b & 0x80)
				ka_str_add(&text, "{z}");
		}
	}
	ka_x86_prefixes(p, ret, name.p, &all);
	ka_str_add(&all, name.p);
	ka_insn_text_set(ret, all.p, text.p);
	(void)has_vector;
	ka_str_free(&name);
	ka_str_free(&text);
	ka_str_free(&all);
}
