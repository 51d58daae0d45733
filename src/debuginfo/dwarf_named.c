/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Variables and functions of DWARF by name, and types of one name in several units. */
#include "dwarf_types.h"

/* "/build/linux/kernel/fork.c", however the unit spells it. */
static const char *file_of(const struct ka_index *x, uint32_t id, struct ka_arena *a)
{
	const struct ka_index_unit *u = ka_index_unit_of(x, id);
	const char *name = u ? ka_index_string(x, u->name) : "";

	return name[0] ? ka_strdup(a, name) : NULL;
}

static size_t of_space(struct ka_dwarf_types *t, unsigned space, const char *name, struct ka_arena *a, size_t n, struct ka_type_named **list)
{
	const struct ka_index *x = ka_dwarf_index_all(&t->index);
	uint32_t hash = ka_dwarf_index_hash(space, name);
	const struct ka_index_entry *e;
	struct ka_dwarf_die die;

	for (size_t pos = 0; (e = ka_index_next(x, space, hash, name, &pos));) {
		struct ka_type_named one = { .id = e->id, .file = file_of(x, e->id, a) };

		/* A damaged file, or another DWARF: what it names is not there. */
		if (!ka_dwarf_die(t->dwarf, e->id, &die))
			continue;
		one.is_function = space == KA_DWARF_FUNCTION || space == KA_DWARF_INLINE;
		one.is_external = die.is_external;
		one.has_addr = die.has & KA_DWARF_ADDR;
		one.addr = die.addr;
		one.has_value = die.has & KA_DWARF_VALUE;
		one.value = die.value;
		if (!one.is_external && die.origin && ka_dwarf_die(t->dwarf, die.origin, &die))
			one.is_external = die.is_external;
		if (!(n & (n - 1))) {
			struct ka_type_named *bigger = ka_alloc(a, (n ? n * 2 : 1) * sizeof(*bigger));

			if (n)
				memcpy(bigger, *list, n * sizeof(*bigger));
			*list = bigger;
		}
		(*list)[n++] = one;
	}
	return n;
}

size_t ka_dwarf_named(struct ka_types *types, const char *name, struct ka_arena *a, struct ka_type_named **ret)
{
	struct ka_dwarf_types *t = types->priv;
	size_t n;

	*ret = NULL;
	n = of_space(t, KA_DWARF_VARIABLE, name, a, 0, ret);
	n = of_space(t, KA_DWARF_FUNCTION, name, a, n, ret);
	n = n ? n : of_space(t, KA_DWARF_DECLARED, name, a, 0, ret);
	return n ? n : of_space(t, KA_DWARF_INLINE, name, a, 0, ret);
}

size_t ka_dwarf_find_all(struct ka_types *types, enum ka_type_kind kind, const char *name, struct ka_arena *a, struct ka_type_named **ret)
{
	static const struct { enum ka_type_kind kind; enum ka_dwarf_space space; } spaces[] = {
		{ KA_TYPE_STRUCT, KA_DWARF_STRUCT }, { KA_TYPE_UNION, KA_DWARF_UNION }, { KA_TYPE_ENUM, KA_DWARF_ENUM },
		{ KA_TYPE_TYPEDEF, KA_DWARF_TYPEDEF }, { KA_TYPE_INT, KA_DWARF_BASE }, { KA_TYPE_FLOAT, KA_DWARF_BASE } };

	*ret = NULL;
	for (size_t i = 0; i < KA_COUNT(spaces); i++)
		if (spaces[i].kind == kind)
			return of_space(types->priv, spaces[i].space, name, a, 0, ret);
	return 0;
}
