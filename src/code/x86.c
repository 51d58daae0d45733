/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* x86_64: what capstone says of an instruction, put right where it is known to be wrong, as struct ka_insn. */
#include "code.h"

/* DWARF's numbers in the order of the encoding: rax rcx rdx rbx rsp rbp rsi rdi r8... */
static const int8_t dwarf_of[16] = { 0, 2, 1, 3, 7, 6, 4, 5, 8, 9, 10, 11, 12, 13, 14, 15 };

static int general(x86_reg r)
{
	switch (r) {
	case X86_REG_AL: case X86_REG_AH: case X86_REG_AX: case X86_REG_EAX: case X86_REG_RAX:
		return 0;
	case X86_REG_DL: case X86_REG_DH: case X86_REG_DX: case X86_REG_EDX: case X86_REG_RDX:
		return 1;
	case X86_REG_CL: case X86_REG_CH: case X86_REG_CX: case X86_REG_ECX: case X86_REG_RCX:
		return 2;
	case X86_REG_BL: case X86_REG_BH: case X86_REG_BX: case X86_REG_EBX: case X86_REG_RBX:
		return 3;
	case X86_REG_SIL: case X86_REG_SI: case X86_REG_ESI: case X86_REG_RSI:
		return 4;
	case X86_REG_DIL: case X86_REG_DI: case X86_REG_EDI: case X86_REG_RDI:
		return 5;
	case X86_REG_BPL: case X86_REG_BP: case X86_REG_EBP: case X86_REG_RBP:
		return 6;
	case X86_REG_SPL: case X86_REG_SP: case X86_REG_ESP: case X86_REG_RSP:
		return 7;
	default:
		break;
	}
	for (int i = 0; i < 8; i++)
		if (r == (x86_reg)(X86_REG_R8 + i) || r == (x86_reg)(X86_REG_R8D + i) || r == (x86_reg)(X86_REG_R8W + i) ||
		    r == (x86_reg)(X86_REG_R8B + i))
			return 8 + i;
	return KA_NO_REG;
}

const char *ka_x86_reg(unsigned n, unsigned size, bool has_rex)
{
	static const char names[4][16][5] = {
		{ "al", "cl", "dl", "bl", "spl", "bpl", "sil", "dil", "r8b", "r9b", "r10b", "r11b", "r12b", "r13b", "r14b", "r15b" },
		{ "ax", "cx", "dx", "bx", "sp", "bp", "si", "di", "r8w", "r9w", "r10w", "r11w", "r12w", "r13w", "r14w", "r15w" },
		{ "eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi", "r8d", "r9d", "r10d", "r11d", "r12d", "r13d", "r14d", "r15d" },
		{ "rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15" },
	};
	static const char high[4][3] = { "ah", "ch", "dh", "bh" };

	n &= 15;
	if (size == 1 && !has_rex && n >= 4 && n < 8)
		return high[n - 4];
	return names[size == 1 ? 0 : size == 2 ? 1 : size == 4 ? 2 : 3][n];
}

bool ka_x86_address(const struct ka_x86_parts *p, uint64_t next, uint64_t *ret)
{
	unsigned mod = p->modrm >> 6, rm = p->modrm & 7;

	if (!p->map && !p->vex && p->opcode >= 0xa0 && p->opcode <= 0xa3) {	/* moffs */
		*ret = (uint64_t)p->imm;
		return true;
	}
	if (!p->has_modrm || mod || (rm != 5 && rm != 4))
		return false;
	if (rm == 5) {
		*ret = next + (uint64_t)p->disp;
		return true;
	}
	if ((p->sib & 7) == 5 && (p->sib >> 3 & 7) == 4 && !(p->rex & 2)) {
		*ret = (uint64_t)p->disp;
		return true;
	}
	return false;
}

static struct ka_insn_memory *memory_add(struct ka_insn *ret)
{
	struct ka_insn_memory *m;

	if (ret->memory_count == KA_INSN_MEMORIES)
		return NULL;
	m = &ret->memory[ret->memory_count++];
	m->base = m->index = KA_NO_REG;
	return m;
}

/* The memory operand of ModRM, from the bytes. */
static void modrm_memory(const struct ka_x86_parts *p, uint64_t next, struct ka_insn_memory *m)
{
	unsigned mod = p->modrm >> 6, rm = p->modrm & 7;

	m->disp = p->disp;
	m->scale = 1;
	m->segment = p->segment == 0x64 ? KA_SEGMENT_FS : p->segment == 0x65 ? KA_SEGMENT_GS : KA_SEGMENT_NONE;
	m->has_addr = ka_x86_address(p, next, &m->addr);
	if (m->has_addr)
		return;
	if (p->has_sib) {
		unsigned base = p->sib & 7, index = (p->sib >> 3 & 7) | (p->rex & 2 ? 8 : 0);

		if (index != 4) {
			m->index = dwarf_of[index];
			m->scale = (uint8_t)(1 << (p->sib >> 6));
		}
		if (mod || base != 5)
			m->base = dwarf_of[base | (p->rex & 1 ? 8 : 0)];
	} else {
		m->base = dwarf_of[rm | (p->rex & 1 ? 8 : 0)];
	}
}

static void stack_add(struct ka_insn *ret, bool is_write)
{
	struct ka_insn_memory *m = memory_add(ret);

	if (!m)
		return;
	m->base = 7;
	m->disp = is_write ? -8 : 0;
	m->size = 8;
	m->is_write = is_write;
	m->is_read = !is_write;
	m->is_implicit = true;
}

static bool is_address_only(unsigned id)
{
	switch (id) {
	case X86_INS_LEA: case X86_INS_NOP: case X86_INS_PREFETCH: case X86_INS_PREFETCHNTA: case X86_INS_PREFETCHT0:
	case X86_INS_PREFETCHT1: case X86_INS_PREFETCHT2: case X86_INS_PREFETCHW: case X86_INS_CLFLUSH: case X86_INS_CLFLUSHOPT:
	case X86_INS_CLWB: case X86_INS_INVLPG:
		return true;
	default:
		return false;
	}
}

/* capstone 4 has the access of some of these wrong; of the rest it is taken as told. */
static void operand_access(unsigned id, unsigned n, bool *is_read, bool *is_write)
{
	switch (id) {
	case X86_INS_CMP: case X86_INS_TEST: case X86_INS_BT: case X86_INS_PUSH: case X86_INS_CALL: case X86_INS_JMP:
		*is_read = true;
		*is_write = false;
		break;
	case X86_INS_MOV: case X86_INS_MOVABS: case X86_INS_MOVZX: case X86_INS_MOVSX: case X86_INS_MOVSXD: case X86_INS_LEA:
	case X86_INS_MOVNTI: case X86_INS_POPCNT: case X86_INS_BSWAP:
		*is_write = !n;
		*is_read = n > 0 || id == X86_INS_BSWAP;
		break;
	case X86_INS_ADD: case X86_INS_SUB: case X86_INS_AND: case X86_INS_OR: case X86_INS_XOR: case X86_INS_ADC: case X86_INS_SBB:
	case X86_INS_INC: case X86_INS_DEC: case X86_INS_NEG: case X86_INS_NOT: case X86_INS_SHL: case X86_INS_SHR: case X86_INS_SAR:
	case X86_INS_ROL: case X86_INS_ROR: case X86_INS_BTS: case X86_INS_BTR: case X86_INS_BTC: case X86_INS_CMPXCHG:
	case X86_INS_SHLD: case X86_INS_SHRD:
		*is_read = true;
		*is_write = !n;
		break;
	case X86_INS_XCHG: case X86_INS_XADD:
		*is_read = *is_write = true;
		break;
	case X86_INS_CMPXCHG8B: case X86_INS_CMPXCHG16B:
		*is_read = *is_write = true;
		break;
	case X86_INS_POP:
		*is_read = false;
		*is_write = true;
		break;
	default:
		break;
	}
}

static void operands(const struct ka_x86_parts *p, const cs_insn *i, struct ka_insn *ret)
{
	const cs_x86 *x = &i->detail->x86;
	uint64_t next = ret->addr + ret->size;
	/* strings are addressed by what their operands say, all others by ModRM */
	bool is_string = !p->map && !p->vex && !p->has_modrm;

	for (unsigned n = 0; n < x->op_count && ret->operand_count < KA_INSN_OPERANDS; n++) {
		const cs_x86_op *op = &x->operands[n];
		struct ka_insn_operand *o = &ret->operands[ret->operand_count++];

		*o = (struct ka_insn_operand){ .kind = KA_OPERAND_OTHER, .size = op->size, .reg = KA_NO_REG };
		o->is_read = op->access & CS_AC_READ;
		o->is_write = op->access & CS_AC_WRITE;
		operand_access(i->id, n, &o->is_read, &o->is_write);
		if (op->type == X86_OP_REG) {
			o->kind = KA_OPERAND_REG;
			o->reg = (int8_t)general(op->reg);
		} else if (op->type == X86_OP_IMM) {
			o->kind = KA_OPERAND_NUMBER;
			o->number = op->imm;
			o->is_read = o->is_write = false;
		} else if (op->type == X86_OP_MEM) {
			struct ka_insn_memory *m = memory_add(ret);

			if (!m)
				continue;
			o->kind = KA_OPERAND_MEMORY;
			o->memory = ret->memory_count - 1;
			m->size = op->size;
			if (is_address_only(i->id))
				o->is_read = o->is_write = false;
			m->is_read = o->is_read;
			m->is_write = o->is_write;
			if (is_string && (p->opcode < 0xa0 || p->opcode > 0xa3)) {
				m->base = (int8_t)general(op->mem.base);
				m->scale = 1;
			} else {
				modrm_memory(p, next, m);
			}
			if (m->has_addr) {
				ret->has_address = true;
				ret->address = m->addr;
			}
		}
	}
}

static void registers(struct ka_code *c, const cs_insn *i, struct ka_insn *ret)
{
	cs_regs reads, writes;
	uint8_t read_count, write_count;

	for (unsigned n = 0; n < ret->operand_count; n++) {
		const struct ka_insn_operand *o = &ret->operands[n];

		if (o->kind == KA_OPERAND_REG && o->reg >= 0) {
			ret->reads |= o->is_read ? 1ull << o->reg : 0;
			ret->writes |= o->is_write ? 1ull << o->reg : 0;
		}
	}
	for (unsigned n = 0; n < ret->memory_count; n++) {
		if (ret->memory[n].base >= 0)
			ret->reads |= 1ull << ret->memory[n].base;
		if (ret->memory[n].index >= 0)
			ret->reads |= 1ull << ret->memory[n].index;
	}
	if (cs_regs_access(c->handle, i, reads, &read_count, writes, &write_count) != CS_ERR_OK)
		return;
	/* what is explicit is known better: of the rest the implicit ones count */
	read_count = KA_MIN(i->detail->regs_read_count, read_count);
	for (unsigned n = 0; n < i->detail->regs_read_count; n++)
		if (general(i->detail->regs_read[n]) >= 0)
			ret->reads |= 1ull << general(i->detail->regs_read[n]);
	for (unsigned n = 0; n < i->detail->regs_write_count; n++)
		if (general(i->detail->regs_write[n]) >= 0)
			ret->writes |= 1ull << general(i->detail->regs_write[n]);
	(void)write_count;
}

static void flow(const struct ka_x86_parts *p, const cs_insn *i, struct ka_insn *ret)
{
	const cs_x86 *x = &i->detail->x86;
	bool is_direct = x->op_count == 1 && x->operands[0].type == X86_OP_IMM;

	switch (i->id) {
	case X86_INS_CALL: case X86_INS_LCALL:
		ret->kind = KA_INSN_CALL;
		stack_add(ret, true);
		break;
	case X86_INS_JMP: case X86_INS_LJMP:
		ret->kind = KA_INSN_JUMP;
		break;
	case X86_INS_RET: case X86_INS_RETF: case X86_INS_RETFQ: case X86_INS_IRET: case X86_INS_IRETD: case X86_INS_IRETQ:
		ret->kind = KA_INSN_RETURN;
		stack_add(ret, false);
		return;
	case X86_INS_SYSRET: case X86_INS_SYSEXIT:
		ret->kind = KA_INSN_RETURN;
		return;
	case X86_INS_SYSCALL: case X86_INS_SYSENTER:
		ret->kind = KA_INSN_SYSCALL;
		return;
	case X86_INS_INT3: case X86_INS_INT1: case X86_INS_INT: case X86_INS_UD0: case X86_INS_UD2: case X86_INS_UD2B: case X86_INS_HLT:
		ret->kind = KA_INSN_TRAP;
		return;
	case X86_INS_NOP: case X86_INS_ENDBR64: case X86_INS_ENDBR32:
		ret->kind = KA_INSN_NOP;
		return;
	case X86_INS_PUSH: case X86_INS_PUSHF: case X86_INS_PUSHFQ:
		stack_add(ret, true);
		return;
	case X86_INS_POP: case X86_INS_POPF: case X86_INS_POPFQ:
		stack_add(ret, false);
		return;
	default:
		if (!(p->map == 0 && p->opcode >= 0xe0 && p->opcode <= 0xe3) && !(p->map == 0 && p->opcode >= 0x70 && p->opcode <= 0x7f) &&
		    !(p->map == 1 && p->opcode >= 0x80 && p->opcode <= 0x8f))
			return;
		if (p->vex)
			return;
		ret->kind = KA_INSN_BRANCH;
	}
	if (is_direct) {
		ret->has_target = ret->is_address_shown = true;
		ret->target = ret->addr + ret->size + (uint64_t)p->imm;
		ret->operands[0].number = (int64_t)ret->target;
	} else {
		ret->is_indirect = true;
	}
}

static void bad(struct ka_insn *ret)
{
	ret->size = 1;
	ret->kind = KA_INSN_BAD;
	ka_insn_text_set(ret, "(bad)", NULL);
}

void ka_x86_decode(struct ka_code *c, const uint8_t *bytes, size_t size, struct ka_insn *ret)
{
	struct ka_x86_parts p;
	const uint8_t *at = bytes;
	uint64_t addr = ret->addr;
	size_t left;

	ka_x86_parse(bytes, size, &p);
	if (!p.length) {
		bad(ret);
		return;
	}
	ret->size = p.length;
	if (ka_x86_more(&p, c->syntax, ret))
		return;
	left = p.length;
	if (!cs_disasm_iter(c->handle, &at, &left, &addr, c->insn) || c->insn->size != p.length) {
		/* length known, meaning not: VEX and EVEX of a later day. What else capstone refuses is none. */
		if (!p.vex) {
			bad(ret);
			return;
		}
		struct ka_str s = {0};

		ka_str_printf(&s, "(%s.%s.%u %02x)", p.vex == 0x62 ? "evex" : "vex", p.map == 1 ? "0f" : p.map == 2 ? "0f38" :
			      p.map == 3 ? "0f3a" : "map", p.pp, p.opcode);
		ka_insn_text_set(ret, s.p, NULL);
		ka_str_free(&s);
		return;
	}
	operands(&p, c->insn, ret);
	flow(&p, c->insn, ret);
	registers(c, c->insn, ret);
	if (c->syntax == KA_SYNTAX_INTEL)
		ka_x86_intel(c, &p, c->insn, ret);
	else
		ka_x86_att(c, &p, c->insn, ret);
}
