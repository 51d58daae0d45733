/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Arithmetic of DWARF expressions: the untyped numbers of an address's size, and those of a base type (DWARF 5, 2.5.1). */
#include "dwarf_expr.h"

struct ka_dwarf_number ka_dwarf_number(uint8_t kind, uint8_t size, uint64_t bits)
{
	unsigned shift = size < 8 ? 64 - size * 8u : 0;

	bits <<= shift;
	return (struct ka_dwarf_number){
		.bits = kind == KA_DWARF_SIGNED ? (uint64_t)((int64_t)bits >> shift) : bits >> shift, .kind = kind, .size = size };
}

static double real_of(struct ka_dwarf_number a)
{
	double d;
	float f;
	uint32_t half = (uint32_t)a.bits;

	if (a.kind != KA_DWARF_REAL)
		return a.kind == KA_DWARF_SIGNED ? (double)(int64_t)a.bits : (double)a.bits;
	if (a.size == 4) {
		memcpy(&f, &half, sizeof(f));
		return f;
	}
	memcpy(&d, &a.bits, sizeof(d));
	return d;
}

static struct ka_dwarf_number real(double value, uint8_t size)
{
	struct ka_dwarf_number n = { .kind = KA_DWARF_REAL, .size = size };
	float f = (float)value;
	uint32_t half;

	if (size == 4) {
		memcpy(&half, &f, sizeof(half));
		n.bits = half;
	} else {
		memcpy(&n.bits, &value, sizeof(n.bits));
	}
	return n;
}

/* What an operation that is defined by sign makes of an untyped number. */
static int64_t as_signed(struct ka_dwarf_number a)
{
	return (int64_t)ka_dwarf_number(KA_DWARF_SIGNED, a.size, a.bits).bits;
}

bool ka_dwarf_unary(unsigned op, struct ka_dwarf_number *a)
{
	uint64_t v = a->bits;

	if (a->kind == KA_DWARF_REAL) {
		if (op == DW_OP_neg)
			*a = real(-real_of(*a), a->size);
		else if (op == DW_OP_abs)
			*a = real(real_of(*a) < 0 ? -real_of(*a) : real_of(*a), a->size);
		return op == DW_OP_neg || op == DW_OP_abs;
	}
	switch (op) {
	case DW_OP_abs:
		v = a->kind != KA_DWARF_UNSIGNED && as_signed(*a) < 0 ? -v : v;
		break;
	case DW_OP_neg:
		v = -v;
		break;
	case DW_OP_not:
		v = ~v;
		break;
	default:
		return false;
	}
	*a = ka_dwarf_number(a->kind, a->size, v);
	return true;
}

static bool is_comparison(unsigned op)
{
	return op == DW_OP_eq || op == DW_OP_ne || op == DW_OP_lt || op == DW_OP_le || op == DW_OP_gt || op == DW_OP_ge;
}

/* order: less than, equal to, more than 0 as a is to b. */
static bool compare(unsigned op, int order)
{
	switch (op) {
	case DW_OP_eq:
		return !order;
	case DW_OP_ne:
		return order;
	case DW_OP_lt:
		return order < 0;
	case DW_OP_le:
		return order <= 0;
	case DW_OP_gt:
		return order > 0;
	}
	return order >= 0;
}

static bool binary_real(unsigned op, struct ka_dwarf_number a, struct ka_dwarf_number b, struct ka_dwarf_number *ret)
{
	double x = real_of(a), y = real_of(b);

	switch (op) {
	case DW_OP_plus:
		*ret = real(x + y, a.size);
		return true;
	case DW_OP_minus:
		*ret = real(x - y, a.size);
		return true;
	case DW_OP_mul:
		*ret = real(x * y, a.size);
		return true;
	case DW_OP_div:
		*ret = real(y != 0 ? x / y : 0, a.size);
		return y != 0;
	}
	return false;
}

static bool divide(unsigned op, struct ka_dwarf_number a, struct ka_dwarf_number b, uint64_t *ret)
{
	bool is_signed = a.kind == KA_DWARF_SIGNED || (a.kind == KA_DWARF_GENERIC && op == DW_OP_div);
	int64_t x = as_signed(a), y = as_signed(b);

	if (!b.bits)
		return false;
	if (!is_signed)
		*ret = op == DW_OP_div ? a.bits / b.bits : a.bits % b.bits;
	else if (y == -1)	/* the lowest number by -1 would trap */
		*ret = op == DW_OP_div ? -(uint64_t)x : 0;
	else
		*ret = (uint64_t)(op == DW_OP_div ? x / y : x % y);
	return true;
}

static uint64_t shift(unsigned op, struct ka_dwarf_number a, uint64_t by)
{
	uint64_t mask = a.size < 8 ? (1ull << (a.size * 8)) - 1 : ~0ull;

	if (op == DW_OP_shl)
		return by < 64 ? a.bits << by : 0;
	if (op == DW_OP_shr)
		return by < 64 ? (a.bits & mask) >> by : 0;
	return (uint64_t)(as_signed(a) >> KA_MIN(by, 63u));
}

bool ka_dwarf_binary(unsigned op, struct ka_dwarf_number a, struct ka_dwarf_number b, struct ka_dwarf_number *ret)
{
	bool is_shift = op == DW_OP_shl || op == DW_OP_shr || op == DW_OP_shra;
	uint64_t v;

	/* compilers are not strict about which operands have a type: a number without one takes the other's */
	if (!is_shift && a.kind != b.kind) {
		if (a.kind == KA_DWARF_GENERIC && b.kind != KA_DWARF_REAL)
			a = ka_dwarf_number(b.kind, b.size, a.bits);
		else if (b.kind == KA_DWARF_GENERIC && a.kind != KA_DWARF_REAL)
			b = ka_dwarf_number(a.kind, a.size, b.bits);
		else
			return false;
	}
	if (is_comparison(op)) {
		bool is_unsigned = a.kind == KA_DWARF_UNSIGNED;
		int order;

		if (a.kind == KA_DWARF_REAL)
			order = (real_of(a) > real_of(b)) - (real_of(a) < real_of(b));
		else if (is_unsigned)
			order = (a.bits > b.bits) - (a.bits < b.bits);
		else
			order = (as_signed(a) > as_signed(b)) - (as_signed(a) < as_signed(b));
		*ret = ka_dwarf_number(KA_DWARF_GENERIC, 8, compare(op, order));
		return true;
	}
	if (a.kind == KA_DWARF_REAL)
		return binary_real(op, a, b, ret);
	switch (op) {
	case DW_OP_and:
		v = a.bits & b.bits;
		break;
	case DW_OP_or:
		v = a.bits | b.bits;
		break;
	case DW_OP_xor:
		v = a.bits ^ b.bits;
		break;
	case DW_OP_plus:
		v = a.bits + b.bits;
		break;
	case DW_OP_minus:
		v = a.bits - b.bits;
		break;
	case DW_OP_mul:
		v = a.bits * b.bits;
		break;
	case DW_OP_div:
	case DW_OP_mod:
		if (!divide(op, a, b, &v))
			return false;
		break;
	case DW_OP_shl:
	case DW_OP_shr:
	case DW_OP_shra:
		v = shift(op, a, b.bits);
		break;
	default:
		return false;
	}
	*ret = ka_dwarf_number(a.kind, a.size, v);
	return true;
}

struct ka_dwarf_number ka_dwarf_convert(struct ka_dwarf_number a, uint8_t kind, uint8_t size)
{
	if (kind == KA_DWARF_REAL)
		return a.kind == KA_DWARF_REAL && a.size == size ? a : real(real_of(a), size);
	if (a.kind == KA_DWARF_REAL) {
		double v = real_of(a);

		/* beyond its range C does not say what comes of it */
		if (!(v > -9.2e18 && v < 1.8e19))
			return ka_dwarf_number(kind, size, 0);
		return ka_dwarf_number(kind, size, v < 0 ? (uint64_t)(int64_t)v : (uint64_t)v);
	}
	return ka_dwarf_number(kind, size, a.bits);
}

bool ka_dwarf_number_type(const struct ka_dwarf *d, uint32_t id, uint8_t *ret_kind, uint8_t *ret_size)
{
	struct ka_dwarf_die die;

	if (!ka_dwarf_die(d, id, &die) || die.tag != DW_TAG_base_type || !die.byte_size || die.byte_size > 8)
		return false;
	*ret_size = (uint8_t)die.byte_size;
	switch (die.encoding) {
	case DW_ATE_float:
		*ret_kind = KA_DWARF_REAL;
		return die.byte_size == 4 || die.byte_size == 8;
	case DW_ATE_signed:
	case DW_ATE_signed_char:
		*ret_kind = KA_DWARF_SIGNED;
		return true;
	}
	*ret_kind = KA_DWARF_UNSIGNED;
	return true;
}
