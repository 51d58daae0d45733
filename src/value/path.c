/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Members by path, and the lines that crash prints of them. */
#include <inttypes.h>
#include "printer.h"

#define STEPS_MAX 64

static struct ka_error *describe(struct ka_kernel *k, struct ka_value *x)
{
	struct ka_type_info info;

	ka_type_strip(k, &x->type, &info);
	x->kind = info.kind;
	x->size = info.size;
	x->is_signed = info.is_signed && (info.kind == KA_TYPE_INT || info.kind == KA_TYPE_ENUM);
	x->type_name = info.name;
	return NULL;
}

/* "[3]", or an enumerator in brackets; *path is left behind it. */
static struct ka_error *index_read(struct ka_kernel *k, const char **path, uint64_t *ret)
{
	size_t len = strcspn(*path, "]");
	char *word;
	int64_t value;
	struct ka_error *err = NULL;

	if (!(*path)[len])
		return ka_error_new(KA_USAGE, "a ']' is missing");
	word = ka_xstrndup(*path + 1, len - 1);
	*path += len + 1;
	if (k && ka_enum_value(k, word, &value))
		*ret = (uint64_t)value;
	else
		err = ka_error_wrap(ka_expr_number(k, word, 0, ret), "the index [%s]", word);
	free(word);
	return err;
}

static struct ka_error *element_step(struct ka_kernel *k, struct ka_value *x, uint64_t index, const char *path)
{
	struct ka_type_info info, element;

	ka_type_strip(k, &x->type, &info);
	if (info.kind != KA_TYPE_ARRAY)
		return ka_error_new(KA_MISSING, "in '%s', an index is given of what is no array", path);
	ka_type_strip(k, &info.target, &element);
	if (info.count && index >= info.count)
		return ka_error_new(KA_USAGE, "in '%s', the array has %" PRIu64 " elements", path, info.count);
	x->type = info.target;
	x->addr += index * element.size;
	x->bit_offset = x->bit_size = 0;
	return NULL;
}

static struct ka_error *member_step(struct ka_kernel *k, struct ka_value *x, const char *name)
{
	struct ka_type_info info;
	struct ka_type_field f;

	ka_type_strip(k, &x->type, &info);
	if (info.kind != KA_TYPE_STRUCT && info.kind != KA_TYPE_UNION)
		return ka_error_new(KA_MISSING, "what is before '.%s' is no struct", name);
	if (!ka_type_field(k, &x->type, name, &f))
		return ka_error_new(KA_MISSING, "%s %s has no member '%s'", info.kind == KA_TYPE_UNION ? "union" : "struct",
				    info.name ? info.name : "{...}", name);
	x->type = f.type;
	x->addr += f.offset_bits / 8;
	x->bit_offset = f.offset_bits % 8;
	x->bit_size = f.bit_size;
	return NULL;
}

struct ka_error *ka_value_path(struct ka_kernel *k, const struct ka_value *whole, const char *path, struct ka_value *ret)
{
	struct ka_value x = { .type = whole->type, .addr = whole->addr, .is_lvalue = true };
	const char *at = path;
	struct ka_error *err = NULL;

	if (!whole->is_lvalue)
		return ka_error_new(KA_USAGE, "'%s': what is to have this member lies nowhere in memory", path);
	for (unsigned step = 0; *at && !err; step++) {
		if (step == STEPS_MAX)
			return ka_error_new(KA_USAGE, "'%s' has more than %d steps", path, STEPS_MAX);
		if (*at == '[') {
			uint64_t index = 0;

			err = index_read(k, &at, &index);
			if (!err)
				err = element_step(k, &x, index, path);
		} else {
			size_t len;
			char *name;

			at += *at == '.';
			len = strcspn(at, ".[");
			if (!len)
				return ka_error_new(KA_USAGE, "'%s' is no path to a member", path);
			name = ka_xstrndup(at, len);
			at += len;
			err = member_step(k, &x, name);
			free(name);
		}
	}
	if (!err && !*path)
		err = ka_error_new(KA_USAGE, "the name of a member is missing");
	if (!err)
		err = describe(k, &x);
	*ret = x;
	return err;
}

/* Is it the last that its struct, perhaps an anonymous one within, declares? Such have no comma behind them in crash. */
static bool is_last_in(struct ka_kernel *k, struct ka_arena *a, const struct ka_type *type, const char *name, unsigned depth, bool *ret)
{
	struct ka_type_field *fields;
	size_t n = ka_type_members(k, type, a, &fields);

	for (size_t i = 0; i < n; i++) {
		if (fields[i].name ? !strcmp(fields[i].name, name) : depth < 12 && is_last_in(k, a, &fields[i].type, name, depth + 1, ret)) {
			*ret = fields[i].name ? i + 1 == n : *ret;
			return true;
		}
	}
	return false;
}

static bool is_last(struct ka_kernel *k, struct ka_arena *a, const struct ka_value *whole, const char *path)
{
	const char *dot = strrchr(path, '.');
	struct ka_value owner = *whole;
	bool ret = false;

	if (path[strlen(path) - 1] == ']')
		return false;
	if (dot && ka_error_drop(ka_value_path(k, whole, ka_strndup(a, path, (size_t)(dot - path)), &owner)))
		return false;
	return is_last_in(k, a, &owner.type, dot ? dot + 1 : path, 0, &ret) && ret;
}

/* The next of "a,b[A,B],c"; NULL at the end. In the arena. */
static char *next_path(struct ka_arena *a, const char **paths)
{
	const char *start = *paths + (**paths == ','), *p = start;
	unsigned depth = 0;

	if (!**paths)
		return NULL;
	for (; *p && (depth || *p != ','); p++)
		depth += *p == '[' ? 1u : *p == ']' && depth ? -1u : 0;
	*paths = p;
	return ka_strndup(a, start, (size_t)(p - start));
}

static void keep_first(struct ka_error **first, struct ka_error *err)
{
	if (*first)
		ka_error_drop(err);
	else
		*first = err;
}

struct ka_error *ka_value_members_text(struct ka_kernel *k, const struct ka_value *whole, const char *paths,
				       const struct ka_print *how, struct ka_str *to)
{
	struct ka_arena *a = ka_arena_new();
	struct ka_print inner = how ? *how : (struct ka_print){0};
	struct ka_error *first = NULL, *err;
	struct ka_value x;
	char *path;

	inner.indent += 2;
	while ((path = next_path(a, &paths))) {
		size_t start = to->len, head;

		err = ka_value_path(k, whole, path, &x);
		if (!err) {
			ka_str_pad(to, ' ', inner.indent);
			ka_str_printf(to, "%s = ", path);
			head = to->len;
			err = ka_value_text(k, &x, &inner, false, to);
			if (to->len > head) {
				ka_str_add(to, is_last(k, a, whole, path) ? "\n" : ",\n");
			} else {
				to->len = start;
				to->p[start] = 0;
			}
		}
		if (err)
			keep_first(&first, ka_error_wrap(err, "%s", path));
	}
	ka_arena_free(a);
	return first;
}

struct ka_error *ka_value_members_tree(struct ka_kernel *k, const struct ka_value *whole, const char *paths,
				       const struct ka_print *how, struct ka_arena *a, const struct ka_node **ret)
{
	struct ka_node *object = ka_alloc(a, sizeof(*object));
	const struct ka_node **link = &object->first;
	struct ka_error *first = NULL, *err;
	struct ka_value x;
	char *path;

	object->kind = KA_NODE_OBJECT;
	while ((path = next_path(a, &paths))) {
		const struct ka_node *value = NULL;
		struct ka_node *named = ka_alloc(a, sizeof(*named));

		err = ka_value_path(k, whole, path, &x);
		if (!err)
			err = ka_value_tree(k, &x, how, a, &value);
		if (err)
			keep_first(&first, ka_error_wrap(err, "%s", path));
		if (value)
			*named = *value;
		named->key = path;
		named->next = NULL;
		*link = named;
		link = &named->next;
	}
	*ret = object;
	return first;
}
