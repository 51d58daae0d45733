/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tree to value. */
#include <inttypes.h>
#include "value.h"

#define SLICE_MAX (1 << 20)

/* ---- operators with types in them ---- */

/* The innermost operator that fails tells its column; those around it pass it on. */
static struct ka_error *at_column(struct ka_error *err, const struct ka_expr *e)
{
	return err && strncmp(err->message, "column ", 7) ? ka_error_wrap(err, "column %u", e->column) : err;
}

/* What has members or elements must have a type, also where symbols are taken for addresses: "rd init_task.comm". */
static struct ka_error *eval_owner(struct ka_eval *v, const struct ka_expr *e, struct ka_value *ret)
{
	memset(ret, 0, sizeof(*ret));
	return e->op == KA_EXPR_NAME ? at_column(ka_eval_name(v, e, true, ret), e) : ka_eval(v, e, ret);
}

static struct ka_error *eval_member(struct ka_eval *v, const struct ka_expr *e, struct ka_value *ret)
{
	struct ka_value x;
	struct ka_error *err = NULL;

	if (e->a->op == KA_EXPR_NAME && !strcmp(e->name, "cold") && ka_eval_cold(v, e, ret, &err))
		return err;
	err = eval_owner(v, e->a, &x);
	return err ? err : ka_value_member(v, &x, e->name, ret);
}

static struct ka_error *eval_number(struct ka_eval *v, const struct ka_expr *e, struct ka_value *ret)
{
	struct ka_error *err = ka_eval(v, e, ret);

	if (!err)
		err = ka_value_load(v, ret);
	if (!err && ret->kind != KA_TYPE_INT && ret->kind != KA_TYPE_ENUM)
		err = ka_error_new(KA_USAGE, "an index is a number");
	return err;
}

static struct ka_error *eval_index(struct ka_eval *v, const struct ka_expr *e, struct ka_value *ret)
{
	struct ka_value x, i, sum;
	struct ka_type element;
	struct ka_error *err = eval_owner(v, e->a, &x);

	if (!err)
		err = ka_eval(v, e->b, &i);
	if (!err)
		err = ka_value_load(v, &i);
	if (err)
		return err;
	if (x.kind == KA_TYPE_ARRAY && x.is_lvalue && ka_type_target(v, &x, &element)) {
		uint64_t size = 0;

		if (i.kind != KA_TYPE_INT && i.kind != KA_TYPE_ENUM)
			return ka_error_new(KA_USAGE, "an index is a number");
		err = ka_type_bytes(v, element, &size);
		return err ? err : ka_value_place(v, element, x.addr + i.bits * size, ret);
	}
	err = ka_value_binary(v, KA_EXPR_ADD, &x, &i, &sum);
	if (!err && !ka_value_is_pointer(&sum))
		err = ka_error_new(KA_USAGE, "only arrays and pointers have elements%s", x.is_untyped ? ": cast it to a pointer first" : "");
	return err ? err : ka_value_deref(v, &sum, false, ret);
}

/* a[2..5]: an array of four, of what a is made of or points to. */
static struct ka_error *eval_slice(struct ka_eval *v, const struct ka_expr *e, struct ka_value *ret)
{
	struct ka_value x, first, last;
	struct ka_type element;
	uint64_t size = 0;
	struct ka_error *err = eval_owner(v, e->a, &x);

	if (!err)
		err = eval_number(v, e->b, &first);
	if (!err)
		err = eval_number(v, e->c, &last);
	if (err)
		return err;
	if (!ka_type_target(v, &x, &element))
		return ka_error_new(KA_USAGE, "only arrays and pointers have elements%s", x.is_untyped ? ": cast it to a pointer first" : "");
	if (element.count)
		return ka_error_new(KA_USAGE, "a slice of slices, or of pointers to them");
	/* indices that were not read are 0 */
	if (v->unevaluated && last.bits - first.bits >= SLICE_MAX)
		last.bits = first.bits;
	if (last.bits - first.bits >= SLICE_MAX || (int64_t)last.bits < (int64_t)first.bits)
		return ka_error_new(KA_USAGE, "a slice is [FIRST..LAST], of at most %d elements", SLICE_MAX);
	err = ka_type_bytes(v, element, &size);
	if (!err && x.kind != KA_TYPE_ARRAY)
		err = ka_value_load(v, &x);
	if (err)
		return err;
	element.count = (uint32_t)(last.bits - first.bits + 1);
	return ka_value_place(v, element, (x.kind == KA_TYPE_ARRAY ? x.addr : x.bits) + first.bits * size, ret);
}

/* a@5: gdb's array of five from where a lies. */
static struct ka_error *eval_repeat(struct ka_eval *v, const struct ka_expr *e, struct ka_value *ret)
{
	struct ka_value x, n;
	struct ka_error *err = eval_owner(v, e->a, &x);

	if (!err)
		err = eval_number(v, e->b, &n);
	if (err)
		return err;
	if (!x.is_lvalue || x.bit_size || x.is_untyped)
		return ka_error_new(KA_USAGE, "only of what lies in memory and has a type there can be several");
	if (v->unevaluated && !n.bits)
		n.bits = 1;
	if (x.type.count || !n.bits || n.bits > SLICE_MAX)
		return ka_error_new(KA_USAGE, "from 1 to %d elements, and no arrays of arrays", SLICE_MAX);
	x.type.count = (uint32_t)n.bits;
	return ka_value_place(v, x.type, x.addr, ret);
}

static struct ka_error *eval_address(struct ka_eval *v, const struct ka_expr *e, struct ka_value *ret)
{
	struct ka_value x;
	struct ka_type t;
	struct ka_error *err = ka_eval(v, e->a, &x);
	ka_addr at;

	if (err)
		return err;
	if (!x.is_lvalue)
		return ka_error_new(KA_USAGE, "this has no address");
	if (x.bit_size)
		return ka_error_new(KA_USAGE, "a bit field has no address");
	t = x.type;
	/* The type of a bare symbol is not known: its address is that of anything. */
	if (x.is_untyped)
		t = (struct ka_type){0};
	if (t.stars >= 64 || t.array_stars >= 64)
		return ka_error_new(KA_USAGE, "a pointer of too many levels");
	if (t.count)
		t.array_stars++;
	else
		t.stars++;
	at = x.addr;
	*ret = (struct ka_value){ .type = t, .bits = at, .is_loaded = true };
	return ka_value_describe(v, ret);
}

static struct ka_error *eval_offset(struct ka_eval *v, const struct ka_expr *e, struct ka_value *ret)
{
	struct ka_type t;
	struct ka_type_field f;
	struct ka_value x;
	struct ka_error *err = ka_type_resolve(v, &e->type, &t);

	if (!err && !t.types)
		err = ka_error_new(KA_USAGE, "an integer has no members");
	if (!err)
		err = ka_type_path(v, t, e->name, &f);
	if (err)
		return err;
	if (e->op == KA_EXPR_OFFSETOF) {
		*ret = ka_value_int(ka_eval_long(v), false, f.offset_bits / 8);
		return NULL;
	}
	err = ka_eval(v, e->a, &x);
	if (!err)
		err = ka_value_load(v, &x);
	if (!err && t.count)
		err = ka_error_new(KA_USAGE, "an array contains no such member");
	if (err)
		return err;
	t.stars++;
	*ret = (struct ka_value){ .type = t, .bits = x.bits - f.offset_bits / 8, .is_loaded = true };
	return ka_value_describe(v, ret);
}

struct ka_error *ka_eval_type(struct ka_eval *v, const struct ka_expr *e, struct ka_value *ret)
{
	struct ka_error *err;

	v->unevaluated++;
	memset(ret, 0, sizeof(*ret));
	err = e->op == KA_EXPR_NAME ? at_column(ka_eval_name(v, e, true, ret), e) : ka_eval(v, e, ret);
	/* typeof(TYPE) */
	if (ka_error_catch(&err, KA_NOT_FOUND)) {
		struct ka_type_name n = { .name = e->name };

		*ret = (struct ka_value){0};
		if (e->op != KA_EXPR_NAME || ka_error_drop(ka_type_resolve(v, &n, &ret->type)))
			err = ka_error_new(KA_NOT_FOUND, "there is no variable and no type '%s'", e->op == KA_EXPR_NAME ? e->name : "");
		else
			err = ka_value_describe(v, ret);
	}
	if (!err && ret->is_untyped && e->op == KA_EXPR_NAME && !(ret->kind == KA_TYPE_INT && !ret->is_loaded))
		err = ka_error_new(KA_USAGE, "the type of '%s' is not known", e->name);
	v->unevaluated--;
	return err;
}

/* sizeof, alignof of a type; of a variable, where the name is that of one: as in C they are not both. */
static struct ka_error *eval_sizeof_type(struct ka_eval *v, const struct ka_expr *e, struct ka_value *ret)
{
	bool is_align = e->op == KA_EXPR_ALIGNOF_TYPE;
	struct ka_type t;
	struct ka_value x;
	struct ka_symbol s;
	uint64_t size = 0;
	struct ka_error *err = ka_type_resolve(v, &e->type, &t);

	if (e->a && (err || (v->env && v->env->name && v->env->name(v->env->ctx, e->a->name, &x))) && ka_eval_knows(v, e->a->name)) {
		ka_error_drop(err);
		err = ka_eval_type(v, e->a, &x);
		t = x.type;
		/* its symbol has a size all the same */
		if (err && !is_align && v->k && !ka_error_drop(ka_symbol_find(v->k, e->a->name, &s)) && s.size) {
			ka_error_drop(err);
			*ret = ka_value_int(ka_eval_long(v), false, s.size);
			return NULL;
		}
	}
	if (!err)
		err = is_align ? ka_type_align(v, t, &size) : ka_type_bytes(v, t, &size);
	if (!err)
		*ret = ka_value_int(ka_eval_long(v), false, size);
	return err;
}

static struct ka_error *eval_sizeof(struct ka_eval *v, const struct ka_expr *e, struct ka_value *ret)
{
	struct ka_value a;
	uint64_t size = 0;
	struct ka_error *err = ka_eval_type(v, e->a, &a);

	if (err)
		return err;
	if (a.text)
		size = e->op == KA_EXPR_SIZEOF ? a.text_size + 1 : 1;
	else if (a.bit_size)
		err = ka_error_new(KA_USAGE, "a bit field has no size");
	else
		err = e->op == KA_EXPR_SIZEOF ? ka_type_bytes(v, a.type, &size) : ka_type_align(v, a.type, &size);
	*ret = ka_value_int(ka_eval_long(v), false, size);
	return err;
}

static struct ka_error *eval_condition(struct ka_eval *v, const struct ka_expr *e, bool *ret)
{
	struct ka_value x;
	struct ka_error *err = ka_eval(v, e, &x);

	*ret = false;
	if (!err)
		err = ka_value_load(v, &x);
	if (!err && x.kind == KA_TYPE_VOID)
		err = ka_error_new(KA_USAGE, "this has no value");
	if (!err)
		*ret = ka_value_truth(&x);
	return err;
}

static struct ka_error *eval_logic(struct ka_eval *v, const struct ka_expr *e, struct ka_value *ret)
{
	bool is;
	struct ka_error *err = eval_condition(v, e->a, &is);

	if (!err && (is == (e->op == KA_EXPR_BOTH) || v->unevaluated))
		err = eval_condition(v, e->b, &is);
	*ret = ka_value_int(4, true, is);
	return err;
}

static struct ka_error *eval_ternary(struct ka_eval *v, const struct ka_expr *e, struct ka_value *ret)
{
	struct ka_value other;
	bool is;
	struct ka_error *err = eval_condition(v, e->a, &is);

	if (!err)
		err = ka_eval(v, is ? e->b : e->c, ret);
	if (err || ret->text || ret->kind == KA_TYPE_STRUCT || ret->kind == KA_TYPE_UNION || ret->kind == KA_TYPE_VOID)
		return err;
	/* Of the other side only the type counts; where that is not to be had, it is as if it were the same. */
	v->unevaluated++;
	if (!ka_error_drop(ka_eval(v, is ? e->c : e->b, &other)) && !other.text && !ka_error_drop(ka_value_load(v, &other))) {
		v->unevaluated--;
		err = ka_value_load(v, ret);
		if (!err)
			ka_value_unify(v, ret, &other);
		return err;
	}
	v->unevaluated--;
	return NULL;
}

static struct ka_error *eval_cast(struct ka_eval *v, const struct ka_expr *e, struct ka_value *ret)
{
	struct ka_type t;
	struct ka_value x;
	struct ka_error *err = ka_type_resolve(v, &e->type, &t);

	if (!err)
		err = ka_eval(v, e->a, &x);
	return err ? err : ka_value_cast(v, &x, t, ret);
}

static struct ka_error *eval_operator(struct ka_eval *v, const struct ka_expr *e, struct ka_value *ret)
{
	struct ka_value a, b;
	struct ka_error *err = ka_eval(v, e->a, &a);

	if (err)
		return err;
	if (e->op == KA_EXPR_DEREF)
		return ka_value_deref(v, &a, e->flags & KA_EXPR_ADDRESSES, ret);
	if (!e->b)
		return ka_value_unary(v, e->op, &a, ret);
	err = ka_eval(v, e->b, &b);
	return err ? err : ka_value_binary(v, e->op, &a, &b, ret);
}

static struct ka_error *eval_inner(struct ka_eval *v, const struct ka_expr *e, struct ka_value *ret)
{
	struct ka_error *err;

	switch (e->op) {
	case KA_EXPR_NUMBER:
		if (e->int_size == 1) {		/* 'a' */
			*ret = (struct ka_value){ .type = ka_type_char(v, 0), .is_loaded = true };
			err = ka_value_describe(v, ret);
			ret->bits = ka_bits_extend(e->number, 1, ret->is_signed);
			return err;
		}
		*ret = e->is_real ? ka_value_real(e->int_size == 4 ? 4 : 8, e->real) :
				    ka_value_int(e->int_size ? e->int_size : ka_eval_long(v), e->is_signed, e->number);
		return NULL;
	case KA_EXPR_STRING:
		*ret = (struct ka_value){ .kind = KA_TYPE_ARRAY, .text = e->name, .text_size = e->name_size, .size = e->name_size + 1 };
		return NULL;
	case KA_EXPR_NAME: return ka_eval_name(v, e, false, ret);
	case KA_EXPR_MEMBER: return eval_member(v, e, ret);
	case KA_EXPR_INDEX: return eval_index(v, e, ret);
	case KA_EXPR_REPEAT: return eval_repeat(v, e, ret);
	case KA_EXPR_SLICE: return eval_slice(v, e, ret);
	case KA_EXPR_SIZEOF:
	case KA_EXPR_ALIGNOF: return eval_sizeof(v, e, ret);
	case KA_EXPR_ADDRESS: return eval_address(v, e, ret);
	case KA_EXPR_CAST: return eval_cast(v, e, ret);
	case KA_EXPR_OFFSETOF:
	case KA_EXPR_CONTAINER_OF: return eval_offset(v, e, ret);
	case KA_EXPR_SIZEOF_TYPE:
	case KA_EXPR_ALIGNOF_TYPE: return eval_sizeof_type(v, e, ret);
	case KA_EXPR_BOTH:
	case KA_EXPR_EITHER: return eval_logic(v, e, ret);
	case KA_EXPR_TERNARY: return eval_ternary(v, e, ret);
	case KA_EXPR_COMMA:
		err = ka_eval(v, e->a, ret);
		return err ? err : ka_eval(v, e->b, ret);
	default: return eval_operator(v, e, ret);
	}
}

struct ka_error *ka_eval(struct ka_eval *v, const struct ka_expr *e, struct ka_value *ret)
{
	memset(ret, 0, sizeof(*ret));
	if (ka_interrupted())
		return ka_error_new(KA_INTERRUPTED, "interrupted");
	return at_column(eval_inner(v, e, ret), e);
}

struct ka_error *ka_expr_eval(const struct ka_expr *e, struct ka_kernel *k, const struct ka_expr_env *env, struct ka_value *ret)
{
	struct ka_eval v = { .k = k, .env = env };
	struct ka_error *err = ka_eval(&v, e, ret);

	/* of 128 bits the place is enough to show it */
	if (!err && !(ret->kind == KA_TYPE_INT && ret->size == 16 && ret->is_lvalue) &&
	    (ret->kind == KA_TYPE_INT || ret->kind == KA_TYPE_ENUM || ret->kind == KA_TYPE_POINTER || ret->kind == KA_TYPE_FLOAT))
		err = at_column(ka_value_load(&v, ret), e);
	if (!err && !ret->is_loaded && !ret->text)
		ret->bits = ret->addr;
	ka_expr_point(err, e->text);
	return err;
}

struct ka_error *ka_expr_test(const struct ka_expr *e, struct ka_kernel *k, const struct ka_expr_env *env, bool *ret)
{
	struct ka_eval v = { .k = k, .env = env };
	struct ka_error *err = at_column(eval_condition(&v, e, ret), e);

	ka_expr_point(err, e->text);
	return err;
}

struct ka_error *ka_expr_check(const struct ka_expr *e, struct ka_kernel *k, const struct ka_expr_env *env)
{
	struct ka_eval v = { .k = k, .env = env, .unevaluated = 1 };
	bool unused;
	struct ka_error *err = at_column(eval_condition(&v, e, &unused), e);

	ka_expr_point(err, e->text);
	return err;
}

struct ka_error *ka_expr_number(struct ka_kernel *k, const char *text, unsigned flags, uint64_t *ret)
{
	struct ka_arena *a = ka_arena_new();
	struct ka_expr *e;
	struct ka_value value = {0};
	struct ka_error *err = ka_expr_parse(a, text, flags, &e);

	*ret = 0;
	if (!err)
		err = ka_expr_eval(e, k, NULL, &value);
	if (!err && value.text)
		err = ka_error_new(KA_USAGE, "'%s' is a string, not a number", text);
	if (!err)
		err = ka_value_number(k, &value, ret);
	ka_arena_free(a);
	return err;
}

struct ka_error *ka_value_at(struct ka_kernel *k, const char *type, ka_addr at, struct ka_value *ret)
{
	struct ka_eval v = { .k = k };
	struct ka_type_name n = { .name = (char *)type };
	struct ka_type t;
	struct ka_error *err;

	if (ka_type_word(type, strlen(type), &n))
		n.name = NULL;
	err = ka_type_resolve(&v, &n, &t);
	return err ? err : ka_value_place(&v, t, at, ret);
}

struct ka_value ka_value_ulong(struct ka_kernel *k, uint64_t bits)
{
	return ka_value_int(k ? ka_long_size(k) : 8, false, bits);
}
