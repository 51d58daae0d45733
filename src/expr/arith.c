/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* C's operators: promotions, the usual conversions, pointer arithmetic. */
#include "value.h"

static bool is_integer(const struct ka_value *x)
{
	return x->kind == KA_TYPE_INT || x->kind == KA_TYPE_ENUM;
}

/*
 * To int, or more. A bit field narrower than int is an int, whatever its sign and the type it is declared with; so is an enumerator,
 * though an enum without negative ones is unsigned. One of 33 bits and more has the type it is declared with (to gcc: as many bits).
 */
static void promote(struct ka_value *x)
{
	if (!is_integer(x))
		return;
	if (x->size < 4 || (x->is_enumerator && x->bits <= INT32_MAX) || (x->bit_size && x->bit_size < 32))
		*x = ka_value_int(4, true, x->bits);
	else
		*x = ka_value_int(x->size == 4 || x->bit_size == 32 ? 4 : 8, x->is_signed, x->bits);
}

static void convert_both(struct ka_value *a, struct ka_value *b)
{
	unsigned size;
	bool is_signed;

	promote(a);
	promote(b);
	size = (unsigned)KA_MAX(a->size, b->size);
	/* unsigned wins unless the signed one is wider */
	is_signed = (a->is_signed || a->size < size) && (b->is_signed || b->size < size);
	*a = ka_value_int(size, is_signed, a->bits);
	*b = ka_value_int(size, is_signed, b->bits);
}

static struct ka_error *load_scalar(struct ka_eval *v, struct ka_value *x)
{
	struct ka_error *err = ka_value_load(v, x);

	if (err)
		return err;
	if (x->kind == KA_TYPE_ARRAY) {
		/* an array is a pointer to its first element */
		struct ka_type element;

		if (ka_type_target(v, x, &element)) {
			uint64_t at = x->bits;

			element.stars++;
			*x = (struct ka_value){ .type = element, .bits = at, .is_loaded = true };
			return ka_value_describe(v, x);
		}
	}
	if (x->kind == KA_TYPE_FUNC || x->kind == KA_TYPE_VOID || x->kind == KA_TYPE_OTHER)
		*x = ka_value_int(ka_eval_long(v), false, x->bits);
	return NULL;
}

static struct ka_value truth(bool is)
{
	return ka_value_int(4, true, is);
}

struct ka_error *ka_value_unary(struct ka_eval *v, enum ka_expr_op op, struct ka_value *a, struct ka_value *ret)
{
	struct ka_error *err = load_scalar(v, a);

	if (err)
		return err;
	if (op == KA_EXPR_NOT) {
		*ret = truth(!ka_value_truth(a));
		return NULL;
	}
	if (a->kind == KA_TYPE_FLOAT && op != KA_EXPR_INVERT) {
		*ret = ka_value_real((unsigned)a->size, op == KA_EXPR_NEGATE ? -a->real : a->real);
		return NULL;
	}
	if (a->kind == KA_TYPE_FLOAT)
		return ka_error_new(KA_USAGE, "not for floating-point numbers");
	if (!is_integer(a))
		return ka_error_new(KA_USAGE, "not for pointers: cast it to unsigned long first");
	promote(a);
	*ret = ka_value_int((unsigned)a->size, a->is_signed,
			    op == KA_EXPR_NEGATE ? -a->bits : op == KA_EXPR_INVERT ? ~a->bits : a->bits);
	return NULL;
}

/* ---- pointers ---- */

static struct ka_error *pointer_add(struct ka_eval *v, enum ka_expr_op op, struct ka_value *a, struct ka_value *b, struct ka_value *ret)
{
	bool is_swapped = !ka_value_is_pointer(a);
	struct ka_value *p = is_swapped ? b : a, *n = is_swapped ? a : b;
	struct ka_type target;
	uint64_t size = 1;
	struct ka_error *err;

	if (is_swapped && op == KA_EXPR_SUB)
		return ka_error_new(KA_USAGE, "a pointer cannot be taken away from a number");
	if (ka_type_target(v, p, &target)) {
		err = ka_type_bytes(v, target, &size);
		if (err)
			return err;
	}
	if (ka_value_is_pointer(n)) {
		if (op != KA_EXPR_SUB)
			return ka_error_new(KA_USAGE, "two pointers cannot be added");
		*ret = ka_value_int(ka_eval_long(v), true, 0);
		/* of types of no size: bytes */
		ret->bits = (uint64_t)((int64_t)(p->bits - n->bits) / (int64_t)KA_MAX(size, 1));
		return NULL;
	}
	*ret = *p;
	ret->is_lvalue = false;
	ret->bits = ka_bits_extend(op == KA_EXPR_SUB ? p->bits - n->bits * size : p->bits + n->bits * size, ka_eval_long(v), false);
	return NULL;
}

/* ---- floating point ---- */

static bool is_real(const struct ka_value *a, const struct ka_value *b)
{
	return a->kind == KA_TYPE_FLOAT || b->kind == KA_TYPE_FLOAT;
}

static double real_of(const struct ka_value *x)
{
	return x->kind == KA_TYPE_FLOAT ? x->real : x->is_signed ? (double)(int64_t)x->bits : (double)x->bits;
}

static struct ka_error *real_binary(enum ka_expr_op op, const struct ka_value *a, const struct ka_value *b, struct ka_value *ret)
{
	unsigned size = a->kind == b->kind ? (unsigned)KA_MAX(a->size, b->size) : (unsigned)(a->kind == KA_TYPE_FLOAT ? a->size : b->size);
	double x = real_of(a), y = real_of(b);

	if (ka_value_is_pointer(a) || ka_value_is_pointer(b))
		return ka_error_new(KA_USAGE, "a pointer and a floating-point number do not go together");
	switch (op) {
	case KA_EXPR_MUL: x = x * y; break;
	case KA_EXPR_DIV: x = x / y; break;
	case KA_EXPR_ADD: x = x + y; break;
	case KA_EXPR_SUB: x = x - y; break;
	default: return ka_error_new(KA_USAGE, "not for floating-point numbers");
	}
	*ret = ka_value_real(size, x);
	return NULL;
}

static struct ka_value real_compare(enum ka_expr_op op, double x, double y)
{
	/* of NaN all but != are false */
	return truth(op == KA_EXPR_LT ? x < y : op == KA_EXPR_GT ? x > y : op == KA_EXPR_LE ? x <= y :
		     op == KA_EXPR_GE ? x >= y : op == KA_EXPR_EQ ? x == y : x != y);
}

static struct ka_error *compare(struct ka_eval *v, enum ka_expr_op op, struct ka_value *a, struct ka_value *b, struct ka_value *ret)
{
	struct ka_error *err;
	int order;

	if (a->text || b->text) {
		err = ka_text_compare(v, a, b, &order);
		if (err)
			return err;
	} else {
		err = load_scalar(v, a);
		if (!err)
			err = load_scalar(v, b);
		if (err)
			return err;
		if (is_real(a, b)) {
			*ret = real_compare(op, real_of(a), real_of(b));
			return NULL;
		}
		if (is_integer(a) && is_integer(b))
			convert_both(a, b);
		if (a->is_signed && b->is_signed)
			order = (int64_t)a->bits < (int64_t)b->bits ? -1 : a->bits != b->bits;
		else
			order = a->bits < b->bits ? -1 : a->bits != b->bits;
	}
	*ret = truth(op == KA_EXPR_LT ? order < 0 : op == KA_EXPR_GT ? order > 0 : op == KA_EXPR_LE ? order <= 0 :
		     op == KA_EXPR_GE ? order >= 0 : op == KA_EXPR_EQ ? order == 0 : order != 0);
	return NULL;
}

static struct ka_error *divide(const struct ka_eval *v, enum ka_expr_op op, const struct ka_value *a, const struct ka_value *b, uint64_t *ret)
{
	if (!b->bits && v->unevaluated)
		*ret = 0;
	else if (!b->bits)
		return ka_error_new(KA_USAGE, "division by zero");
	else if (!a->is_signed)
		*ret = op == KA_EXPR_DIV ? a->bits / b->bits : a->bits % b->bits;
	else if (b->bits == UINT64_MAX)		/* the smallest number has no opposite: C leaves it open, the processor faults */
		*ret = op == KA_EXPR_DIV ? -a->bits : 0;
	else
		*ret = (uint64_t)(op == KA_EXPR_DIV ? (int64_t)a->bits / (int64_t)b->bits : (int64_t)a->bits % (int64_t)b->bits);
	return NULL;
}

static struct ka_error *shift(const struct ka_eval *v, enum ka_expr_op op, struct ka_value *a, struct ka_value *b, struct ka_value *ret)
{
	uint64_t bits = a->bits, by = b->bits;

	promote(a);
	promote(b);
	if (b->is_signed && (int64_t)by < 0 && !v->unevaluated)
		return ka_error_new(KA_USAGE, "shifted by a negative number of bits");
	/* as wide as the number or wider is left open by C: all bits go */
	if (op == KA_EXPR_SHL)
		bits = by < a->size * 8 ? bits << by : 0;
	else if (a->is_signed)
		bits = (uint64_t)((int64_t)bits >> KA_MIN(by, 63));
	else
		bits = by < 64 ? bits >> by : 0;
	*ret = ka_value_int((unsigned)a->size, a->is_signed, bits);
	return NULL;
}

struct ka_error *ka_value_binary(struct ka_eval *v, enum ka_expr_op op, struct ka_value *a, struct ka_value *b, struct ka_value *ret)
{
	uint64_t bits = 0;
	struct ka_error *err;

	if (op >= KA_EXPR_LT && op <= KA_EXPR_NE)
		return compare(v, op, a, b, ret);
	if (op == KA_EXPR_LIKE || op == KA_EXPR_UNLIKE) {
		bool is = false;

		err = ka_text_like(v, a, b, &is);
		*ret = truth(is == (op == KA_EXPR_LIKE));
		return err;
	}
	err = load_scalar(v, a);
	if (!err)
		err = load_scalar(v, b);
	if (err)
		return err;
	if (is_real(a, b))
		return real_binary(op, a, b, ret);
	if (ka_value_is_pointer(a) || ka_value_is_pointer(b)) {
		if (op == KA_EXPR_ADD || op == KA_EXPR_SUB)
			return pointer_add(v, op, a, b, ret);
		return ka_error_new(KA_USAGE, "not for pointers: cast it to unsigned long first");
	}
	if (op == KA_EXPR_SHL || op == KA_EXPR_SHR)
		return shift(v, op, a, b, ret);
	convert_both(a, b);
	switch (op) {
	case KA_EXPR_MUL: bits = a->bits * b->bits; break;
	case KA_EXPR_ADD: bits = a->bits + b->bits; break;
	case KA_EXPR_SUB: bits = a->bits - b->bits; break;
	case KA_EXPR_AND: bits = a->bits & b->bits; break;
	case KA_EXPR_XOR: bits = a->bits ^ b->bits; break;
	case KA_EXPR_OR: bits = a->bits | b->bits; break;
	default: err = divide(v, op, a, b, &bits); break;
	}
	*ret = ka_value_int((unsigned)a->size, a->is_signed, bits);
	return err;
}

void ka_value_unify(struct ka_eval *v, struct ka_value *x, const struct ka_value *other)
{
	struct ka_value o = *other;

	if (x->kind == KA_TYPE_FLOAT || (o.kind == KA_TYPE_FLOAT && is_integer(x) && x->is_loaded)) {
		if (is_integer(x) || (o.kind == KA_TYPE_FLOAT && o.size > x->size))
			*x = ka_value_real((unsigned)o.size, real_of(x));
		return;
	}
	/* "cond ? p : 0" is a pointer, whichever it is */
	if (is_integer(x) && x->is_loaded && !x->bits && ka_value_is_pointer(&o)) {
		*x = (struct ka_value){ .type = o.type, .kind = o.kind, .size = ka_eval_long(v), .is_loaded = true };
		return;
	}
	if (!is_integer(x) || !is_integer(&o) || !x->is_loaded)
		return;
	o.bits = 0;
	o.is_loaded = true;
	convert_both(x, &o);
}
