/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Rust's types, functions and statics: in name spaces within one another, their symbols mangled. The index leaves them
 * out (its names are C's); a kernel has a dozen units of Rust, and they are listed here on first need.
 */
#include "dwarf_types.h"

#define NESTING_MAX 24
#define ENTRIES_MAX (1u << 20)

struct entry {
	uint32_t id;
	uint16_t tag;
	bool has_addr;
	uint64_t addr;
	const char *path;	/* "core::fmt::Formatter"; of types alone */
	const char *file;
};

struct ka_dwarf_rust {
	struct ka_arena *arena;
	struct { KA_VEC(struct entry); } list;
};

static bool is_type_tag(unsigned tag)
{
	return tag == DW_TAG_structure_type || tag == DW_TAG_union_type || tag == DW_TAG_enumeration_type || tag == DW_TAG_base_type;
}

/* Children of a unit, a name space or a type; prefix: its path with "::". */
static void scan(struct ka_dwarf_types *t, struct ka_dwarf_rust *r, const struct ka_dwarf_die *parent, const char *prefix, const char *file,
		 unsigned depth)
{
	struct ka_dwarf_die die;

	for (bool ok = ka_dwarf_child(t->dwarf, parent, &die); ok; ok = ka_dwarf_next(t->dwarf, &die)) {
		struct entry e = { .id = die.id, .tag = die.tag, .has_addr = die.has & KA_DWARF_ADDR, .addr = die.addr, .file = file };
		bool is_type = is_type_tag(die.tag) && die.name && !die.is_declaration;

		if (r->list.n >= ENTRIES_MAX || ka_interrupted())
			return;
		if (is_type || ((die.tag == DW_TAG_subprogram || die.tag == DW_TAG_variable) && e.has_addr)) {
			e.path = is_type ? ka_printf(r->arena, "%s%s", prefix, die.name) : NULL;
			ka_vec_push(&r->list, e);
		}
		if ((die.tag == DW_TAG_namespace || is_type) && die.name && die.has_children && depth < NESTING_MAX)
			scan(t, r, &die, ka_printf(r->arena, "%s%s::", prefix, die.name), file, depth + 1);
	}
}

static void make(void *ctx)
{
	struct ka_dwarf_types *t = ctx;
	struct ka_dwarf_rust *r = ka_xalloc(sizeof(*r));
	const struct ka_index *x = ka_dwarf_index_all(&t->index);
	struct ka_dwarf_die root;

	r->arena = ka_arena_new();
	for (size_t i = 0; i < x->unit_count; i++) {
		const char *file = ka_index_string(x, x->units[i].name);
		struct ka_dwarf_unit *u = strstr(file, ".rs") ? ka_dwarf_unit_at(t->dwarf, x->units[i].id) : NULL;

		/* "rust/kernel/lib.rs/@/kernel.1b6169c1-cgu.0" */
		if (u && ka_dwarf_root(t->dwarf, u, NULL, &root) && root.language == DW_LANG_Rust)
			scan(t, r, &root, "", file, 0);
	}
	ka_log(2, "DWARF: %zu types, functions and statics of Rust", r->list.n);
	t->rust = r;
}

static const struct ka_dwarf_rust *rust_of(struct ka_dwarf_types *t)
{
	ka_lazy_make(&t->rust_once, make, t);
	return t->rust;
}

void ka_dwarf_rust_free(struct ka_dwarf_rust *r)
{
	if (!r)
		return;
	ka_vec_free(&r->list);
	ka_arena_free(r->arena);
	free(r);
}

/* "Formatter" and "fmt::Formatter" are both the end of "core::fmt::Formatter"; what is within <> counts as one word. */
static bool path_ends(const char *path, const char *end)
{
	size_t n = strlen(path), m = strlen(end);

	if (n < m || strcmp(path + n - m, end))
		return false;
	if (n == m)
		return true;
	return n >= m + 2 && !strncmp(path + n - m - 2, "::", 2) && !memchr(path, '<', n - m);
}

size_t ka_dwarf_rust_types(struct ka_types *types, const char *path, struct ka_arena *a, struct ka_type_named **ret)
{
	const struct ka_dwarf_rust *r = rust_of(types->priv);
	size_t n = 0;

	*ret = ka_alloc(a, (r->list.n + 1) * sizeof(**ret));
	for (size_t i = 0; i < r->list.n; i++) {
		const struct entry *e = &r->list.at[i];
		bool is_known = false;

		if (!e->path || !path_ends(e->path, path))
			continue;
		for (size_t k = 0; k < n && !is_known; k++)
			is_known = !strcmp((*ret)[k].file, e->path);
		if (is_known)
			continue;
		(*ret)[n++] = (struct ka_type_named){ .id = e->id, .file = e->path };
		if (!strcmp(e->path, path)) {
			(*ret)[0] = (*ret)[n - 1];
			return 1;
		}
	}
	return n;
}

bool ka_dwarf_rust_at(struct ka_types *types, uint64_t addr, struct ka_type_named *ret)
{
	const struct ka_dwarf_rust *r = rust_of(types->priv);

	for (size_t i = 0; i < r->list.n; i++) {
		const struct entry *e = &r->list.at[i];

		if (!e->has_addr || e->addr != addr || e->path)
			continue;
		*ret = (struct ka_type_named){ .id = e->id, .file = e->file, .is_function = e->tag == DW_TAG_subprogram, .is_external = true,
					       .has_addr = true, .addr = addr };
		return true;
	}
	return false;
}
