/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The program of one FDE run up to an address: DWARF 2 to 5 call frame instructions to the rules of that row. */
#include <dwarf.h>
#include "cfi.h"

#define STACK_MAX	16	/* DW_CFA_remember_state; compilers nest one or two */
#define EXPR_MAX	16

/* A block (uleb length, bytes): returns a reader of it and goes on behind. */
static struct ka_reader block(struct ka_reader *b)
{
	uint64_t size = ka_reader_uleb(b);
	struct ka_reader inner = *b;

	if (size > b->end - b->at) {
		b->is_bad = inner.is_bad = true;
		size = b->end - b->at;
	}
	inner.end = b->at + (size_t)size;
	b->at = inner.end;
	return inner;
}

/* What an expression may come to: sums of one register (or the CFA, or what lies at such a sum) and a number. */
struct term {
	enum { TERM_CONST, TERM_REG, TERM_CFA, TERM_DEREF_REG, TERM_OTHER } kind;
	uint16_t reg;
	int64_t n;		/* added; of TERM_DEREF_REG: before the read */
	int64_t after;		/* of TERM_DEREF_REG: after it */
};

static int64_t add(int64_t a, int64_t b)
{
	return (int64_t)((uint64_t)a + (uint64_t)b);
}

static struct term term_add(struct term a, struct term b, bool is_minus)
{
	if (a.kind == TERM_CONST && !is_minus && b.kind != TERM_CONST) {
		struct term swap = a;

		a = b;
		b = swap;
	}
	if (b.kind != TERM_CONST || a.kind == TERM_OTHER)
		return (struct term){ .kind = TERM_OTHER };
	int64_t n = is_minus ? (int64_t)-(uint64_t)b.n : b.n;

	if (a.kind == TERM_DEREF_REG)
		a.after = add(a.after, n);
	else
		a.n = add(a.n, n);
	return a;
}

/* Symbolically, since registers are not known here. TERM_OTHER: not of those shapes. */
static struct term expression(struct ka_reader b, bool has_cfa, size_t address_size)
{
	struct term stack[EXPR_MAX] = { { .kind = TERM_CFA } };
	static const struct term other = { .kind = TERM_OTHER };
	size_t n = has_cfa ? 1 : 0;

	while (b.at < b.end && !b.is_bad) {
		unsigned op = (unsigned)ka_reader_uint(&b, 1);
		struct term t = { .kind = TERM_CONST };

		if (op >= DW_OP_breg0 && op <= DW_OP_breg31) {
			t = (struct term){
				.kind = TERM_REG, .reg = (uint16_t)(op - DW_OP_breg0), .n = ka_reader_sleb(&b) };
		} else if (op >= DW_OP_lit0 && op <= DW_OP_lit31) {
			t.n = op - DW_OP_lit0;
		} else switch (op) {
		case DW_OP_nop:
			continue;
		case DW_OP_bregx: {
			uint64_t reg = ka_reader_uleb(&b);
			int64_t offset = ka_reader_sleb(&b);

			t = (struct term){
				.kind = reg < KA_CFI_REGS ? TERM_REG : TERM_OTHER, .reg = (uint16_t)reg, .n = offset };
			break;
		}
		case DW_OP_const1u:
			t.n = (int64_t)ka_reader_uint(&b, 1);
			break;
		case DW_OP_const1s:
			t.n = (int8_t)ka_reader_uint(&b, 1);
			break;
		case DW_OP_const2u:
			t.n = (int64_t)ka_reader_uint(&b, 2);
			break;
		case DW_OP_const2s:
			t.n = (int16_t)ka_reader_uint(&b, 2);
			break;
		case DW_OP_const4u:
			t.n = (int64_t)ka_reader_uint(&b, 4);
			break;
		case DW_OP_const4s:
			t.n = (int32_t)ka_reader_uint(&b, 4);
			break;
		case DW_OP_const8u:
		case DW_OP_const8s:
			t.n = (int64_t)ka_reader_uint(&b, 8);
			break;
		case DW_OP_constu:
			t.n = (int64_t)ka_reader_uleb(&b);
			break;
		case DW_OP_consts:
			t.n = ka_reader_sleb(&b);
			break;
		case DW_OP_plus_uconst:
			t.n = (int64_t)ka_reader_uleb(&b);
			if (!n)
				return other;
			stack[n - 1] = term_add(stack[n - 1], t, false);
			continue;
		case DW_OP_plus:
		case DW_OP_minus:
			if (n < 2)
				return other;
			stack[n - 2] = term_add(stack[n - 2], stack[n - 1], op == DW_OP_minus);
			n--;
			continue;
		case DW_OP_deref_size:
			if (ka_reader_uint(&b, 1) != address_size)
				return other;
			/* fall through */
		case DW_OP_deref:
			if (!n || stack[n - 1].kind != TERM_REG)
				return other;
			stack[n - 1].kind = TERM_DEREF_REG;
			continue;
		default:
			return other;
		}
		if (n == EXPR_MAX)
			return other;
		stack[n++] = t;
	}
	return n && !b.is_bad ? stack[n - 1] : other;
}

/* One row: what the registers' rules are, and where an expression stands in for the CFA's. */
struct row {
	struct ka_rule reg[KA_CFI_REGS];
	uint16_t cfa_reg;
	int64_t cfa_offset;
	bool is_cfa_expression, is_cfa_set, is_ra_signed;
	struct ka_reader cfa_expression;
};

struct machine {
	const struct ka_cfi_fde *f;
	struct row row, initial, stack[STACK_MAX];
	unsigned depth;
};

static void set_rule(struct machine *m, uint64_t reg, unsigned kind, uint64_t from, int64_t n)
{
	if (reg < KA_CFI_REGS)	/* others (vector registers) do not matter to a kernel's stack */
		m->row.reg[reg] = (struct ka_rule){ .kind = (uint8_t)kind, .reg = (uint16_t)from, .n = n };
}

static int64_t factored(const struct ka_cfi_fde *f, int64_t n)
{
	return (int64_t)((uint64_t)n * (uint64_t)f->data_align);
}

static void rule_by_expression(struct machine *m, uint64_t reg, struct ka_reader expr, bool is_value)
{
	struct term t = expression(expr, true, m->f->address_size);

	if (t.kind == TERM_CFA)
		set_rule(m, reg, is_value ? KA_RULE_VALUE : KA_RULE_CFA_OFFSET, 0, t.n);
	else if (t.kind == TERM_REG && !is_value)
		set_rule(m, reg, KA_RULE_REG_OFFSET, t.reg, t.n);
	else if (t.kind == TERM_REG && !t.n)
		set_rule(m, reg, KA_RULE_REG, t.reg, 0);
	else
		set_rule(m, reg, KA_RULE_UNKNOWN, 0, 0);
}

static uint16_t reg_number(struct ka_reader *b)
{
	uint64_t reg = ka_reader_uleb(b);

	return (uint16_t)KA_MIN(reg, (uint64_t)UINT16_MAX);
}

/* Instructions from b; with a target, up to the row that holds it. True: ended early since the target was reached. */
static bool run(struct machine *m, struct ka_reader *b, const uint64_t *target)
{
	uint64_t loc = m->f->start, reg;

	while (b->at < b->end && !b->is_bad) {
		unsigned op = (unsigned)ka_reader_uint(b, 1), low = op & 0x3f;
		uint64_t advance = 0;

		switch (op & 0xc0) {
		case DW_CFA_advance_loc:
			advance = low;
			break;
		case DW_CFA_offset:
			set_rule(m, low, KA_RULE_CFA_OFFSET, 0, factored(m->f, (int64_t)ka_reader_uleb(b)));
			continue;
		case DW_CFA_restore:
			m->row.reg[low < KA_CFI_REGS ? low : 0] = low < KA_CFI_REGS ? m->initial.reg[low] : m->row.reg[0];
			continue;
		default:
			switch (op) {
			case DW_CFA_nop:
				continue;
			case DW_CFA_set_loc:
				loc = ka_cfi_pointer(b, m->f);
				if (target && loc > *target)
					return true;
				continue;
			case DW_CFA_advance_loc1:
				advance = ka_reader_uint(b, 1);
				break;
			case DW_CFA_advance_loc2:
				advance = ka_reader_uint(b, 2);
				break;
			case DW_CFA_advance_loc4:
				advance = ka_reader_uint(b, 4);
				break;
			case DW_CFA_MIPS_advance_loc8:
				advance = ka_reader_uint(b, 8);
				break;
			case DW_CFA_offset_extended:
				reg = ka_reader_uleb(b);
				set_rule(m, reg, KA_RULE_CFA_OFFSET, 0, factored(m->f, (int64_t)ka_reader_uleb(b)));
				continue;
			case DW_CFA_offset_extended_sf:
				reg = ka_reader_uleb(b);
				set_rule(m, reg, KA_RULE_CFA_OFFSET, 0, factored(m->f, ka_reader_sleb(b)));
				continue;
			case DW_CFA_GNU_negative_offset_extended:
				reg = ka_reader_uleb(b);
				set_rule(m, reg, KA_RULE_CFA_OFFSET, 0, factored(m->f, (int64_t)-ka_reader_uleb(b)));
				continue;
			case DW_CFA_val_offset:
				reg = ka_reader_uleb(b);
				set_rule(m, reg, KA_RULE_VALUE, 0, factored(m->f, (int64_t)ka_reader_uleb(b)));
				continue;
			case DW_CFA_val_offset_sf:
				reg = ka_reader_uleb(b);
				set_rule(m, reg, KA_RULE_VALUE, 0, factored(m->f, ka_reader_sleb(b)));
				continue;
			case DW_CFA_restore_extended:
				reg = ka_reader_uleb(b);
				if (reg < KA_CFI_REGS)
					m->row.reg[reg] = m->initial.reg[reg];
				continue;
			case DW_CFA_undefined:
				set_rule(m, ka_reader_uleb(b), KA_RULE_UNDEFINED, 0, 0);
				continue;
			case DW_CFA_same_value:
				set_rule(m, ka_reader_uleb(b), KA_RULE_SAME, 0, 0);
				continue;
			case DW_CFA_register: {
				reg = ka_reader_uleb(b);
				uint64_t from = ka_reader_uleb(b);

				set_rule(m, reg, from < KA_CFI_REGS ? KA_RULE_REG : KA_RULE_UNKNOWN, from, 0);
				continue;
			}
			case DW_CFA_remember_state:
				if (m->depth == STACK_MAX) {
					b->is_bad = true;
					return false;
				}
				m->stack[m->depth++] = m->row;
				continue;
			case DW_CFA_restore_state:
				if (!m->depth) {
					b->is_bad = true;
					return false;
				}
				m->row = m->stack[--m->depth];
				continue;
			case DW_CFA_def_cfa:
			case DW_CFA_def_cfa_sf:
				m->row.cfa_reg = reg_number(b);
				m->row.cfa_offset = op == DW_CFA_def_cfa ? (int64_t)ka_reader_uleb(b)
									 : factored(m->f, ka_reader_sleb(b));
				m->row.is_cfa_expression = false;
				m->row.is_cfa_set = true;
				continue;
			case DW_CFA_def_cfa_register:
				m->row.cfa_reg = reg_number(b);
				continue;
			case DW_CFA_def_cfa_offset:
				m->row.cfa_offset = (int64_t)ka_reader_uleb(b);
				continue;
			case DW_CFA_def_cfa_offset_sf:
				m->row.cfa_offset = factored(m->f, ka_reader_sleb(b));
				continue;
			case DW_CFA_def_cfa_expression:
				m->row.cfa_expression = block(b);
				m->row.is_cfa_expression = m->row.is_cfa_set = true;
				continue;
			case DW_CFA_expression:
			case DW_CFA_val_expression:
				reg = ka_reader_uleb(b);
				rule_by_expression(m, reg, block(b), op == DW_CFA_val_expression);
				continue;
			case DW_CFA_GNU_args_size:
				ka_reader_uleb(b);
				continue;
			case DW_CFA_GNU_window_save:
				/* there it is DW_CFA_AARCH64_negate_ra_state: the return address is signed from here */
				if (m->f->o->e_machine != EM_AARCH64)
					b->is_bad = true;
				m->row.is_ra_signed = !m->row.is_ra_signed;
				continue;
			default:
				b->is_bad = true;
				return false;
			}
		}
		/* the instructions that advance the location */
		loc += advance * m->f->code_align;
		if (target && loc > *target)
			return true;
	}
	return false;
}

/* Registers that a function keeps by its ABI, where the FDE says nothing of them: bit n is register n. sp: CFA + 0. */
static const struct {
	uint16_t machine, sp;
	uint64_t kept;
} abis[] = {
	{ EM_X86_64, 7, 1ULL << 3 | 1ULL << 6 | 0xfULL << 12 },
	{ EM_386, 4, 1ULL << 3 | 7ULL << 5 },
	{ EM_AARCH64, 31, 0xfffULL << 19 },
	{ EM_ARM, 13, 0xffULL << 4 | 1ULL << 14 },
	{ EM_RISCV, 2, 1ULL << 1 | 3ULL << 3 | 3ULL << 8 | 0x3ffULL << 18 },
	{ EM_PPC64, 1, 1ULL << 2 | 0x7ffffULL << 13 },
	{ 258 /* LoongArch */, 3, 1ULL << 1 | 3ULL << 21 | 0x1ffULL << 23 },
	{ EM_S390, 0xffff, 0x3ffULL << 6 }, /* CFA: 160 above the caller's r15, saved where it changes */
};

static void row_start(struct row *r, const struct ka_object *o)
{
	memset(r, 0, sizeof(*r));
	for (size_t i = 0; i < KA_COUNT(abis); i++)
		if (abis[i].machine == o->e_machine) {
			for (unsigned n = 0; n < KA_CFI_REGS; n++)
				r->reg[n].kind = abis[i].kept >> n & 1 ? KA_RULE_SAME : KA_RULE_UNDEFINED;
			if (abis[i].sp < KA_CFI_REGS)
				r->reg[abis[i].sp].kind = KA_RULE_VALUE;
			return;
		}
}

struct ka_error *ka_cfi_row(const struct ka_cfi_fde *f, uint64_t addr, struct ka_frame_rules *ret)
{
	struct machine *m = ka_xalloc(sizeof(*m));
	struct ka_reader cie = f->cie_program, fde = f->program;
	struct ka_error *err = NULL;

	m->f = f;
	row_start(&m->row, f->o);
	run(m, &cie, NULL);
	m->initial = m->row;
	if (!cie.is_bad)
		run(m, &fde, &addr);
	if (cie.is_bad || fde.is_bad || !m->row.is_cfa_set) {
		err = ka_error_at(KA_CORRUPT, KA_SPACE_VIRT, addr,
				  "%s: damaged call frame information at %#llx (FDE of %#llx)", f->o->path,
				  (unsigned long long)addr, (unsigned long long)f->start);
		free(m);
		return err;
	}
	ret->cfa_reg = m->row.cfa_reg;
	ret->cfa_offset = m->row.cfa_offset;
	if (m->row.is_cfa_expression) {
		struct term t = expression(m->row.cfa_expression, false, f->address_size);

		ret->cfa_reg = t.reg;
		ret->cfa_offset = t.n;
		ret->is_cfa_deref = t.kind == TERM_DEREF_REG;
		ret->cfa_deref_offset = t.after;
		if (t.kind != TERM_REG && t.kind != TERM_DEREF_REG)
			err = ka_error_at(KA_UNSUPPORTED, KA_SPACE_VIRT, addr,
					  "%s: the frame at %#llx is found by an expression of a "
					  "kind that kanalyze does not evaluate",
					  f->o->path, (unsigned long long)addr);
	}
	if (!err && (ret->cfa_reg >= KA_CFI_REGS || f->ra_reg >= KA_CFI_REGS))
		err = ka_error_at(KA_UNSUPPORTED, KA_SPACE_VIRT, addr, "%s: the frame at %#llx needs register %u",
				  f->o->path, (unsigned long long)addr,
				  KA_MAX((unsigned)ret->cfa_reg, (unsigned)f->ra_reg));
	if (!err) {
		memcpy(ret->reg, m->row.reg, sizeof(ret->reg));
		ret->ra_reg = (uint16_t)f->ra_reg;
		ret->is_signal = f->is_signal;
		ret->is_end = m->row.reg[f->ra_reg].kind == KA_RULE_UNDEFINED;
	}
	free(m);
	return err;
}
