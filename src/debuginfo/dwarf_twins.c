/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Types of one name in the units themselves. The index keeps one of those that agree in size and line, which the same
 * file compiled twice has in common (fs/binfmt_elf.c and compat_binfmt_elf.c); and it names the first of the files alone.
 */
#include "dwarf_types.h"

#define SHAPE_DEPTH_MAX 8
#define SHAPE_PARTS_MAX 20000
#define FORGET_UNITS 64

struct shape {
	struct ka_types *types;
	struct ka_arena *a;
	uint64_t hash;
	unsigned parts;
};

static void mix(struct shape *s, uint64_t v)
{
	s->hash = ka_hash_u64(s->hash ^ v) + 0x9e3779b97f4a7c15ull;
}

static void mix_name(struct shape *s, const char *name)
{
	mix(s, name ? ka_names_hash(name) + 1ull : 0);
}

/* What a type is like: its members, and theirs. Behind pointers names are enough: there may be a declaration here, the type there. */
static void shape_add(struct shape *s, uint32_t id, unsigned depth, bool is_pointed)
{
	struct ka_type_part *parts;
	struct ka_type_step step;
	size_t n;

	if (!id || depth > SHAPE_DEPTH_MAX || s->parts++ > SHAPE_PARTS_MAX)
		return;
	s->types->ops->step(s->types, id, &step);
	mix(s, step.kind);
	mix_name(s, step.kind == KA_TYPE_FUNC ? NULL : step.name);
	if (is_pointed && step.name)
		return;
	mix(s, step.count);
	if (step.kind == KA_TYPE_POINTER || step.kind == KA_TYPE_FUNC)
		is_pointed = true;
	else if (step.kind != KA_TYPE_TYPEDEF)
		mix(s, step.size);
	if (step.kind == KA_TYPE_STRUCT || step.kind == KA_TYPE_UNION)
		n = s->types->ops->members(s->types, id, s->a, &parts);
	else if (step.kind == KA_TYPE_ENUM)
		n = s->types->ops->enumerators(s->types, id, s->a, &parts);
	else
		n = 0;
	for (size_t i = 0; i < n; i++) {
		mix_name(s, parts[i].name);
		mix(s, parts[i].offset_bits << 8 ^ parts[i].bit_size);
		mix(s, (uint64_t)parts[i].value);
		shape_add(s, parts[i].type, depth + 1, is_pointed);
	}
	if (!n)
		shape_add(s, step.target, depth + 1, is_pointed);
}

static uint64_t shape_of(struct ka_types *types, uint32_t id)
{
	struct shape s = { .types = types, .a = ka_arena_new() };

	shape_add(&s, id, 0, false);
	ka_arena_free(s.a);
	return s.hash;
}

struct twins {
	struct ka_types *types;
	struct ka_arena *a;
	struct { KA_VEC(struct ka_type_named); } list;
	struct { KA_VEC(uint64_t); } shapes;
};

static void twin_add(struct twins *w, uint32_t id, const char *file)
{
	uint64_t shape = shape_of(w->types, id);

	for (size_t i = 0; i < w->shapes.n; i++)
		if (w->shapes.at[i] == shape)
			return;
	ka_vec_push(&w->shapes, shape);
	ka_vec_push(&w->list, (struct ka_type_named){ .id = id, .file = file ? ka_strdup(w->a, file) : NULL });
}

static size_t twins_end(struct twins *w, struct ka_type_named **ret)
{
	size_t n = w->list.n;

	*ret = ka_alloc(w->a, (n + 1) * sizeof(**ret));
	if (n)
		memcpy(*ret, w->list.at, n * sizeof(**ret));
	ka_vec_free(&w->list);
	ka_vec_free(&w->shapes);
	return n;
}

bool ka_path_ends(const char *path, const char *end)
{
	size_t n = strlen(path), m = strlen(end);

	return n >= m && !strcmp(path + n - m, end) && (n == m || path[n - m - 1] == '/');
}

static bool is_tag(unsigned tag, enum ka_type_kind kind)
{
	return kind == KA_TYPE_STRUCT ? tag == DW_TAG_structure_type || tag == DW_TAG_class_type : kind == KA_TYPE_UNION ? tag == DW_TAG_union_type :
	       kind == KA_TYPE_ENUM ? tag == DW_TAG_enumeration_type : kind == KA_TYPE_TYPEDEF && tag == DW_TAG_typedef;
}

/* Does the unit refer to the string at this offset at all? */
static bool unit_has(const struct ka_dwarf *d, const struct ka_dwarf_unit *u, uint32_t offset)
{
	uint32_t word = d->is_swapped ? __builtin_bswap32(offset) : offset;

	return memmem(u->at + u->header_size, u->size - u->header_size, &word, sizeof(word));
}

static void unit_scan(struct twins *w, struct ka_dwarf *d, struct ka_dwarf_unit *u, enum ka_type_kind kind, const char *name)
{
	struct ka_dwarf_die die, root;
	bool ok;

	if (!ka_dwarf_root(d, u, NULL, &root) || root.language == DW_LANG_Rust)
		return;
	for (ok = ka_dwarf_child(d, &root, &die); ok; ok = ka_dwarf_next(d, &die))
		if (is_tag(die.tag, kind) && !die.is_declaration && die.name && !strcmp(die.name, name))
			twin_add(w, die.id, root.name);
}

/* Where the name lies in .debug_str, when a DIE that the index knows has it there; false: all units have to be read. */
static bool offset_of(struct ka_dwarf_types *t, uint32_t id, uint32_t *ret)
{
	struct ka_dwarf_die die;

	if (!ka_dwarf_die(t->dwarf, id, &die) || !die.name || die.unit->offset_size != 4)
		return false;
	const struct ka_dwarf_bytes *str = &die.unit->file->str;
	uintptr_t at = (uintptr_t)die.name, start = (uintptr_t)str->at;

	if (!die.unit->file->is_merged_str || strlen(die.name) < 8 || at < start || at - start >= str->size || at - start > UINT32_MAX)
		return false;
	*ret = (uint32_t)(at - start);
	return true;
}

size_t ka_dwarf_twins(struct ka_types *types, enum ka_type_kind kind, const char *name, const char *file, struct ka_arena *a,
		      struct ka_type_named **ret)
{
	struct ka_dwarf_types *t = types->priv;
	struct twins w = { .types = types, .a = a };
	struct ka_dwarf *d = t->dwarf;
	const struct ka_dwarf_units *all;
	struct ka_type_named *known;
	size_t n = ka_dwarf_find_all(types, kind, name, a, &known), forgotten = 0;
	uint32_t offset = 0;

	*ret = NULL;
	if (!n)
		return 0;
	bool has_offset = offset_of(t, known[0].id, &offset);

	if (file) {
		const struct ka_index *x = ka_dwarf_index_all(&t->index);

		for (size_t i = 0; i < x->unit_count && !ka_interrupted(); i++) {
			struct ka_dwarf_unit *u = NULL;

			if (ka_path_ends(ka_index_string(x, x->units[i].name), file))
				u = ka_dwarf_unit_at(d, x->units[i].id);
			if (u && (!has_offset || unit_has(d, u, offset)))
				unit_scan(&w, d, u, kind, name);
		}
		return twins_end(&w, ret);
	}
	all = ka_dwarf_units(d);
	for (size_t i = 0; i < all->n && !ka_interrupted(); i++) {
		if (!has_offset || unit_has(d, &all->at[i], offset))
			unit_scan(&w, d, &all->at[i], kind, name);
		if (i - forgotten >= FORGET_UNITS) {
			ka_dwarf_forget(d, all, forgotten, i);
			forgotten = i;
		}
	}
	return twins_end(&w, ret);
}
