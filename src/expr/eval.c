/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tree to value: names become symbols, enumerators and per-CPU variables here. */
#include <ctype.h>
#include <inttypes.h>
#include <kanalyze/task.h>
#include <kanalyze/variable.h>
#include "value.h"

static struct ka_error *eval(struct ka_eval *v, const struct ka_expr *e, struct ka_value *ret) KA_MUST_CHECK;

/* ---- names ---- */

static bool is_function(const struct ka_symbol *s)
{
	int c = tolower((unsigned char)s->type);

	return c == 't' || c == 'w';
}

/* What a symbol stands for: its address, or (in C, where its size is that of an integer) what it holds. */
static struct ka_error *from_symbol(struct ka_eval *v, const struct ka_expr *e, const struct ka_symbol *s, struct ka_value *ret)
{
	bool is_address = e->flags & KA_EXPR_ADDRESSES;
	ka_addr at = s->addr;
	bool is_small = s->size == 1 || s->size == 2 || s->size == 4 || s->size == 8;
	struct ka_error *err;

	if (e->has_cpu && !s->is_percpu)
		return ka_error_new(KA_USAGE, "'%s' is no per-CPU variable", e->name);
	if (s->is_percpu && (e->has_cpu || (v->env && v->env->has_cpu))) {
		uint64_t offset, cpu = e->has_cpu ? e->number : v->env->cpu;

		if (cpu >= ka_cpu_count(v->k))
			return ka_error_new(KA_USAGE, "there is no CPU %" PRIu64 ": this machine has %u", cpu, ka_cpu_count(v->k));
		err = ka_percpu_offset(v->k, (unsigned)cpu, &offset);
		if (err)
			return err;
		at += offset;
	} else if (s->is_percpu && !is_address) {
		return ka_error_new(KA_USAGE, "'%s' is a per-CPU variable: which CPU's is meant? (%s:0)", e->name, e->name);
	}
	if (!is_address && v->k) {
		struct ka_arena *a = ka_arena_new();
		struct ka_variable var;
		size_t count;
		bool found = ka_variable_of(v->k, s, a, &var, &count);

		ka_arena_free(a);
		if (found) {
			return ka_value_place(v, var.type, var.addr + (at - s->addr), ret);
		}
	}
	if (is_address || is_function(s) || !is_small || toupper((unsigned char)s->type) == 'A') {
		*ret = ka_value_ulong(v->k, at);
		/* & of it is the address again */
		ret->is_lvalue = true;
		ret->addr = at;
		ret->is_untyped = true;
		return NULL;
	}
	err = ka_value_place(v, ka_type_int((unsigned)s->size, false), at, ret);
	ret->is_untyped = true;
	return err;
}

static bool find_symbol(struct ka_eval *v, const char *name, struct ka_symbol *ret)
{
	return v->k && !ka_error_drop(ka_symbol_find(v->k, name, ret));
}

static struct ka_error *eval_name(struct ka_eval *v, const struct ka_expr *e, struct ka_value *ret)
{
	struct ka_symbol s;
	struct ka_token number = {0};
	int64_t value;

	if (v->env && v->env->name && !e->has_cpu && v->env->name(v->env->ctx, e->name, ret))
		return ret->is_loaded || ret->is_lvalue || ret->text ? NULL : ka_error_new(KA_USAGE, "'%s' has no value", e->name);
	if (find_symbol(v, e->name, &s))
		return from_symbol(v, e, &s, ret);
	if (e->flags & (KA_EXPR_HEX | KA_EXPR_DECIMAL) && !e->has_cpu && ka_expr_digits(e->name, strlen(e->name), e->flags, &number)) {
		*ret = ka_value_int(ka_eval_long(v), number.is_signed, number.number);
		return NULL;
	}
	if (v->k && !e->has_cpu && ka_enum_value(v->k, e->name, &value)) {
		*ret = ka_value_int(value > UINT32_MAX || value < INT32_MIN ? 8 : 4, value <= INT32_MAX, (uint64_t)value);
		return NULL;
	}
	return ka_error_new(KA_NOT_FOUND, "there is no symbol%s '%s'", e->flags & KA_EXPR_ADDRESSES ? "" : " or enumerator", e->name);
}

/* ---- operators with types in them ---- */

static struct ka_error *eval_member(struct ka_eval *v, const struct ka_expr *e, struct ka_value *ret)
{
	struct ka_value x;
	struct ka_symbol s;
	struct ka_error *err;

	/* The part of a function that the compiler set aside is a symbol of its own: "foo.cold". */
	if (e->a->op == KA_EXPR_NAME && !strcmp(e->name, "cold")) {
		char *name = ka_xprintf("%s.%s", e->a->name, e->name);
		bool found = find_symbol(v, name, &s);

		free(name);
		if (found)
			return from_symbol(v, e->a, &s, ret);
	}
	err = eval(v, e->a, &x);
	return err ? err : ka_value_member(v, &x, e->name, ret);
}

static struct ka_error *eval_index(struct ka_eval *v, const struct ka_expr *e, struct ka_value *ret)
{
	struct ka_value x, i, sum;
	struct ka_type element;
	struct ka_error *err = eval(v, e->a, &x);

	if (!err)
		err = eval(v, e->b, &i);
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

static struct ka_error *eval_address(struct ka_eval *v, const struct ka_expr *e, struct ka_value *ret)
{
	struct ka_value x;
	struct ka_type t;
	struct ka_error *err = eval(v, e->a, &x);
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
	if (t.stars >= 64)
		return ka_error_new(KA_USAGE, "a pointer of too many levels");
	t.stars++;
	at = x.addr;
	*ret = (struct ka_value){ .type = t, .bits = at, .is_loaded = true };
	return ka_value_describe(v, ret);
}

static struct ka_error *eval_offset(struct ka_eval *v, const struct ka_expr *e, struct ka_value *ret)
{
	struct ka_type t;
	struct ka_member m;
	struct ka_value x;
	struct ka_error *err = ka_type_resolve(v, &e->type, &t);

	if (!err && !t.types)
		err = ka_error_new(KA_USAGE, "an integer has no members");
	if (!err)
		err = ka_types_member(t.types, e->type.name, e->name, &m);
	if (err)
		return err;
	if (e->op == KA_EXPR_OFFSETOF) {
		*ret = ka_value_int(ka_eval_long(v), false, m.offset);
		return NULL;
	}
	err = eval(v, e->a, &x);
	if (!err)
		err = ka_value_load(v, &x);
	if (err)
		return err;
	t.stars = 1;
	*ret = (struct ka_value){ .type = t, .bits = x.bits - m.offset, .is_loaded = true };
	return ka_value_describe(v, ret);
}

static struct ka_error *eval_sizeof_type(struct ka_eval *v, const struct ka_expr *e, struct ka_value *ret)
{
	struct ka_type t;
	struct ka_value x = {0};
	uint64_t size = 0;
	struct ka_symbol s;
	struct ka_error *err;

	err = ka_type_resolve(v, &e->type, &t);
	/* sizeof(name) may be of a variable */
	if (err && e->op == KA_EXPR_SIZEOF_TYPE && e->type.name && !strchr(e->type.name, ' ') && !e->type.stars) {
		bool is_known = v->env && v->env->name && v->env->name(v->env->ctx, e->type.name, &x);

		size = is_known ? x.size : 0;
		if (!is_known && find_symbol(v, e->type.name, &s))
			size = s.size;
		if (size) {
			ka_error_drop(err);
			*ret = ka_value_int(ka_eval_long(v), false, size);
			return NULL;
		}
	}
	if (!err)
		err = ka_type_bytes(v, t, &size);
	if (err)
		return err;
	if (e->op == KA_EXPR_ALIGNOF_TYPE) {
		/* Of scalars alone: the debuginfo does not tell that of structs. */
		x.type = t;
		err = ka_value_describe(v, &x);
		if (!err && x.kind != KA_TYPE_INT && x.kind != KA_TYPE_ENUM && x.kind != KA_TYPE_POINTER && x.kind != KA_TYPE_VOID)
			err = ka_error_new(KA_UNSUPPORTED, "the alignment is known of integers and pointers alone");
	}
	*ret = ka_value_int(ka_eval_long(v), false, size);
	return err;
}

static struct ka_error *eval_condition(struct ka_eval *v, const struct ka_expr *e, bool *ret)
{
	struct ka_value x;
	struct ka_error *err = eval(v, e, &x);

	*ret = false;
	if (!err)
		err = ka_value_load(v, &x);
	if (!err)
		*ret = x.bits != 0;
	return err;
}

static struct ka_error *eval_logic(struct ka_eval *v, const struct ka_expr *e, struct ka_value *ret)
{
	bool is;
	struct ka_error *err = eval_condition(v, e->a, &is);

	if (!err && is == (e->op == KA_EXPR_BOTH))
		err = eval_condition(v, e->b, &is);
	*ret = ka_value_int(4, true, is);
	return err;
}

static struct ka_error *eval_ternary(struct ka_eval *v, const struct ka_expr *e, struct ka_value *ret)
{
	struct ka_value other;
	const struct ka_expr *left;
	bool is;
	struct ka_error *err = eval_condition(v, e->a, &is);

	if (!err)
		err = eval(v, is ? e->b : e->c, ret);
	if (err)
		return err;
	/* Of the other side only the type counts, and only that of a literal is known without looking at the dump. */
	left = is ? e->c : e->b;
	if (left->op == KA_EXPR_NUMBER && (ret->kind == KA_TYPE_INT || ret->kind == KA_TYPE_ENUM)) {
		other = ka_value_int(left->int_size ? left->int_size : ka_eval_long(v), left->is_signed, left->number);
		err = ka_value_load(v, ret);
		if (!err)
			ka_value_unify(v, ret, &other);
	}
	return err;
}

static struct ka_error *eval_cast(struct ka_eval *v, const struct ka_expr *e, struct ka_value *ret)
{
	struct ka_type t;
	struct ka_value x;
	struct ka_error *err = ka_type_resolve(v, &e->type, &t);

	if (!err)
		err = eval(v, e->a, &x);
	return err ? err : ka_value_cast(v, &x, t, ret);
}

static struct ka_error *eval_operator(struct ka_eval *v, const struct ka_expr *e, struct ka_value *ret)
{
	struct ka_value a, b;
	struct ka_error *err = eval(v, e->a, &a);

	if (err)
		return err;
	if (e->op == KA_EXPR_DEREF)
		return ka_value_deref(v, &a, e->flags & KA_EXPR_ADDRESSES, ret);
	if (e->op == KA_EXPR_SIZEOF) {
		*ret = ka_value_int(ka_eval_long(v), false, a.text ? a.text_size + 1 : a.size);
		return NULL;
	}
	if (!e->b)
		return ka_value_unary(v, e->op, &a, ret);
	err = eval(v, e->b, &b);
	return err ? err : ka_value_binary(v, e->op, &a, &b, ret);
}

static struct ka_error *eval_inner(struct ka_eval *v, const struct ka_expr *e, struct ka_value *ret)
{
	struct ka_error *err;

	switch (e->op) {
	case KA_EXPR_NUMBER:
		*ret = ka_value_int(e->int_size ? e->int_size : ka_eval_long(v), e->is_signed, e->number);
		return NULL;
	case KA_EXPR_STRING:
		*ret = (struct ka_value){ .kind = KA_TYPE_ARRAY, .text = e->name, .text_size = e->name_size, .size = e->name_size + 1 };
		return NULL;
	case KA_EXPR_NAME: return eval_name(v, e, ret);
	case KA_EXPR_MEMBER: return eval_member(v, e, ret);
	case KA_EXPR_INDEX: return eval_index(v, e, ret);
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
		err = eval(v, e->a, ret);
		return err ? err : eval(v, e->b, ret);
	default: return eval_operator(v, e, ret);
	}
}

/* The innermost operator that fails tells its column; those around it pass it on. */
static struct ka_error *at_column(struct ka_error *err, const struct ka_expr *e)
{
	return err && strncmp(err->message, "column ", 7) ? ka_error_wrap(err, "column %u", e->column) : err;
}

static struct ka_error *eval(struct ka_eval *v, const struct ka_expr *e, struct ka_value *ret)
{
	memset(ret, 0, sizeof(*ret));
	if (ka_interrupted())
		return ka_error_new(KA_INTERRUPTED, "interrupted");
	return at_column(eval_inner(v, e, ret), e);
}

struct ka_error *ka_expr_eval(const struct ka_expr *e, struct ka_kernel *k, const struct ka_expr_env *env, struct ka_value *ret)
{
	struct ka_eval v = { .k = k, .env = env };
	struct ka_error *err = eval(&v, e, ret);

	if (!err && (ret->kind == KA_TYPE_INT || ret->kind == KA_TYPE_ENUM || ret->kind == KA_TYPE_POINTER))
		err = at_column(ka_value_load(&v, ret), e);
	if (!err && !ret->is_loaded && !ret->text)
		ret->bits = ret->addr;
	return err;
}

struct ka_error *ka_expr_test(const struct ka_expr *e, struct ka_kernel *k, const struct ka_expr_env *env, bool *ret)
{
	struct ka_eval v = { .k = k, .env = env };

	return at_column(eval_condition(&v, e, ret), e);
}

struct ka_error *ka_expr_number(struct ka_kernel *k, const char *text, unsigned flags, uint64_t *ret)
{
	struct ka_arena *a = ka_arena_new();
	struct ka_expr *e;
	struct ka_value value = {0};
	struct ka_error *err = ka_expr_parse(a, text, flags, &e);

	if (!err)
		err = ka_expr_eval(e, k, NULL, &value);
	if (!err && value.text)
		err = ka_error_new(KA_USAGE, "'%s' is a string, not a number", text);
	*ret = value.bits;
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
