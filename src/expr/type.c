/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Types of values: by ids of the debuginfo, or built in, with pointers above them. */
#include "value.h"

struct ka_error *ka_eval_types(struct ka_eval *v, struct ka_types **ret)
{
	struct ka_error *err;

	*ret = v->types;
	if (v->types)
		return NULL;
	if (!v->k)
		return ka_error_new(KA_MISSING, "there are no types without a dump");
	err = ka_kernel_types(v->k, &v->types);
	*ret = v->types;
	return err;
}

unsigned ka_eval_long(const struct ka_eval *v)
{
	return v->k ? ka_long_size(v->k) : 8;
}

struct ka_expr_type ka_type_int(unsigned size, bool is_signed)
{
	return (struct ka_expr_type){ .int_size = (uint8_t)size, .is_int_signed = is_signed };
}

struct ka_error *ka_value_describe(struct ka_eval *v, struct ka_value *x)
{
	struct ka_type_brief brief = {0};
	struct ka_types *t;
	struct ka_error *err;

	x->type_name = NULL;
	x->is_signed = false;
	if (x->type.stars) {
		x->kind = KA_TYPE_POINTER;
		x->size = ka_eval_long(v);
		return NULL;
	}
	if (!x->type.id) {
		x->kind = x->type.int_size ? KA_TYPE_INT : KA_TYPE_VOID;
		x->size = x->type.int_size;
		x->is_signed = x->type.is_int_signed;
		return NULL;
	}
	err = ka_eval_types(v, &t);
	if (err)
		return err;
	t->ops->describe(t, x->type.id, &brief);
	x->kind = brief.kind;
	x->size = brief.kind == KA_TYPE_POINTER ? ka_eval_long(v) : brief.size;
	x->is_signed = (brief.kind == KA_TYPE_INT || brief.kind == KA_TYPE_ENUM) && brief.is_signed;
	x->type_name = brief.name;
	if (brief.kind == KA_TYPE_ARRAY) {
		err = t->ops->size(t, x->type.id, &x->size);
		if (ka_error_drop(err))
			x->size = 0;
	}
	if ((x->kind == KA_TYPE_INT || x->kind == KA_TYPE_ENUM) && (!x->size || x->size > 16))
		return ka_error_new(KA_CORRUPT, "an integer type of %llu bytes", (unsigned long long)x->size);
	return NULL;
}

struct ka_error *ka_type_resolve(struct ka_eval *v, const struct ka_type_name *n, struct ka_expr_type *ret)
{
	struct ka_types *t;
	struct ka_error *err;

	memset(ret, 0, sizeof(*ret));
	ret->stars = n->stars;
	if (!n->name) {
		ret->int_size = n->is_long ? (uint8_t)ka_eval_long(v) : n->int_size;
		ret->is_int_signed = n->is_signed;
		return NULL;
	}
	err = ka_eval_types(v, &t);
	if (err)
		return ka_error_wrap(err, "type '%s'", n->name);
	ret->id = ka_types_find(t, n->name);
	if (!ret->id)
		return ka_error_new(KA_MISSING, "there is no type '%s'", n->name);
	return NULL;
}

bool ka_type_target(struct ka_eval *v, const struct ka_value *x, struct ka_expr_type *ret)
{
	struct ka_type_brief brief = {0};
	struct ka_types *t;

	*ret = x->type;
	if (ret->stars) {
		ret->stars--;
		return true;
	}
	if (!ret->id || (x->kind != KA_TYPE_POINTER && x->kind != KA_TYPE_ARRAY) || ka_error_drop(ka_eval_types(v, &t)))
		return false;
	t->ops->describe(t, ret->id, &brief);
	*ret = (struct ka_expr_type){ .id = brief.target };
	return true;
}

struct ka_error *ka_type_bytes(struct ka_eval *v, struct ka_expr_type type, uint64_t *ret)
{
	struct ka_value x = { .type = type };
	struct ka_error *err = ka_value_describe(v, &x);

	if (err)
		return err;
	/* gcc: void and functions count as one byte */
	*ret = x.kind == KA_TYPE_VOID || x.kind == KA_TYPE_FUNC ? 1 : x.size;
	if (!*ret && (x.kind == KA_TYPE_STRUCT || x.kind == KA_TYPE_UNION)) {
		struct ka_type_brief brief = {0};
		struct ka_types *t;

		err = ka_eval_types(v, &t);
		if (err)
			return err;
		t->ops->describe(t, type.id, &brief);
		if (brief.is_declared_only)
			return ka_error_new(KA_MISSING, "'%s' is declared, but nowhere defined",
					    brief.name ? brief.name : "(anonymous)");
	}
	return NULL;
}
