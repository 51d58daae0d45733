/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* --where: an expression over each object of a walk. */
#include <kanalyze/filter.h>
#include "value.h"

/* A name that was asked for: a member, or none. */
struct known {
	const char *name;
	bool is_member;
	struct ka_value value;		/* with the place counted from the object's start */
};

struct ka_filter {
	struct ka_kernel *k;
	struct ka_arena *arena;
	struct ka_expr *expr;
	struct ka_expr_env env;
	const char *object;
	struct ka_type type;		/* of the object */
	struct ka_value pointer;	/* to it */
	ka_addr at;
	struct known *known;
	size_t count, cap;
};

static const struct known *look_up(struct ka_filter *f, const char *name)
{
	struct ka_eval v = { .k = f->k };
	struct ka_type_field field;
	struct known *k;

	/* the tree's own strings: the same place, the same name */
	for (size_t i = 0; i < f->count; i++)
		if (f->known[i].name == name || !strcmp(f->known[i].name, name))
			return &f->known[i];
	if (f->count == f->cap) {
		struct known *bigger;

		f->cap = f->cap ? f->cap * 2 : 8;
		bigger = ka_alloc(f->arena, f->cap * sizeof(*bigger));
		if (f->count)
			memcpy(bigger, f->known, f->count * sizeof(*bigger));
		f->known = bigger;
	}
	k = &f->known[f->count++];
	k->name = ka_strdup(f->arena, name);
	k->is_member = ka_type_field(f->k, &f->type, name, &field) &&
		       !ka_error_drop(ka_value_place(&v, field.type, field.offset_bits / 8, &k->value));
	if (k->is_member) {
		k->value.bit_offset = field.offset_bits % 8;
		k->value.bit_size = field.bit_size;
	}
	return k;
}

static bool name_hook(void *ctx, const char *name, struct ka_value *ret)
{
	struct ka_filter *f = ctx;
	const struct known *k;

	if (!strcmp(name, f->object)) {
		*ret = f->pointer;
		ret->bits = f->at;
		return true;
	}
	k = look_up(f, name);
	if (!k->is_member)
		return false;
	*ret = k->value;
	ret->addr += f->at;
	return true;
}

struct ka_error *ka_filter_new(struct ka_kernel *k, struct ka_arena *a, const char *text, const char *object, const char *type,
			       struct ka_filter **ret)
{
	struct ka_filter *f = ka_alloc(a, sizeof(*f));
	struct ka_eval v = { .k = k };
	size_t len = strlen(text);
	struct ka_error *err;

	*ret = f;
	f->k = k;
	f->arena = a;
	f->object = object;
	f->env = (struct ka_expr_env){ .name = name_hook, .ctx = f };
	/* The command line leaves quotes on a word. */
	if (len > 1 && text[0] == '\'' && text[len - 1] == '\'')
		text = ka_strndup(a, text + 1, len - 2);
	err = ka_expr_parse(a, text, 0, &f->expr);
	if (!err)
		err = ka_type_find(k, type, &f->type);
	if (!err) {
		f->pointer = (struct ka_value){ .type = f->type, .is_loaded = true };
		f->pointer.type.stars++;
		err = ka_value_describe(&v, &f->pointer);
	}
	/* told once, not of each object */
	if (!err)
		err = ka_expr_check(f->expr, k, &f->env);
	return err ? ka_error_wrap(err, "--where") : NULL;
}

struct ka_error *ka_filter_test(struct ka_filter *f, ka_addr at, bool *ret)
{
	*ret = true;
	if (!f)
		return NULL;
	f->at = at;
	return ka_expr_test(f->expr, f->k, &f->env, ret);
}
