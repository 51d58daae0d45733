/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From names to DIEs. A kernel has some 3 million DIEs at the top of its units, nearly all of them the same types
 * again and again: a name is known again by its offset in .debug_str, without being read.
 */
#include <unistd.h>
#include "dwarf_index.h"

#define SPACES_SHIFT	56
#define FORGET_UNITS	64	/* units scanned before their pages are given back */
#define CHUNKS_MAX	64
#define NESTING_MAX	8	/* types inside types */

/* Numbers already met: where a name lies, and its space. */
struct seen {
	uint64_t *slots;
	size_t cap, n;
};

struct scan {
	const struct ka_dwarf *d;
	struct ka_dwarf_abbrevs abbrevs;	/* of the unit at hand */
	struct seen seen;
	struct ka_dwarf_table *table;
};

/* True when the key is new. Keys are never 0. */
static bool see(struct seen *s, uint64_t key)
{
	size_t i;

	if (s->n * 2 >= s->cap) {
		struct seen old = *s;

		s->cap = old.cap ? old.cap * 2 : 1u << 14;
		s->slots = ka_xalloc(s->cap * sizeof(*s->slots));
		s->n = 0;
		for (size_t k = 0; k < old.cap; k++)
			if (old.slots[k])
				see(s, old.slots[k]);
		free(old.slots);
	}
	for (i = (key * 0x9e3779b97f4a7c15ull) >> 20 & (s->cap - 1); s->slots[i]; i = (i + 1) & (s->cap - 1))
		if (s->slots[i] == key)
			return false;
	s->slots[i] = key;
	s->n++;
	return true;
}

static uint32_t lookup(const struct ka_dwarf_table *t, uint32_t hash, unsigned space, const char *name)
{
	size_t pos = 0;
	uint32_t i;

	while ((i = ka_names_next(&t->names, hash, &pos)))
		if (t->list.at[i - 1].space == space && !strcmp(t->list.at[i - 1].name, name))
			return t->list.at[i - 1].id;
	return 0;
}

/* The first of a name stays. */
static void add(struct ka_dwarf_table *t, const struct ka_dwarf_name *n)
{
	if (lookup(t, n->hash, n->space, n->name))
		return;
	ka_vec_push(&t->list, *n);
	ka_names_add(&t->names, n->hash, (uint32_t)t->list.n);
}

static uint32_t hash_of(unsigned space, const char *name)
{
	return ka_names_hash(name) ^ space * 0x9e3779b9u;
}

static void add_name(struct scan *s, unsigned space, const char *name, uint32_t id)
{
	add(s->table, &(struct ka_dwarf_name){ .name = name, .id = id, .hash = hash_of(space, name), .space = (uint8_t)space });
}

/* Notes the name of the DIE at p, whose attributes begin at attrs. False when it was known. */
static bool note(struct scan *s, struct ka_dwarf_unit *u, const struct ka_dwarf_abbrev *abbrev, unsigned space,
		 const uint8_t *p, const uint8_t *attrs)
{
	struct ka_dwarf_die die;

	if (abbrev->name_at >= 0 && abbrev->fixed_size >= 0 && u->at + u->size - attrs >= abbrev->fixed_size) {
		uint32_t offset = ka_dwarf_u32(s->d, attrs + abbrev->name_at);
		uint64_t file = u->file == &s->d->files[1];

		if (!see(&s->seen, (uint64_t)(space + 1) << SPACES_SHIFT | file << 32 | offset))
			return false;
	}
	if (ka_dwarf_die_at(s->d, u, &s->abbrevs, p, &die) && die.name && !die.is_declaration)
		add_name(s, space, die.name, die.id);
	return true;
}

static int space_of(unsigned tag)
{
	switch (tag) {
	case DW_TAG_structure_type:
	case DW_TAG_class_type:
		return KA_DWARF_STRUCT;
	case DW_TAG_union_type:
		return KA_DWARF_UNION;
	case DW_TAG_enumeration_type:
		return KA_DWARF_ENUM;
	case DW_TAG_typedef:
		return KA_DWARF_TYPEDEF;
	case DW_TAG_base_type:
		return KA_DWARF_BASE;
	case DW_TAG_enumerator:
		return KA_DWARF_ENUMERATOR;
	}
	return -1;
}

/* The names in a list of siblings that begins at p, and in those below that can have some. */
static void scan_list(struct scan *s, struct ka_dwarf_unit *u, const uint8_t *p, unsigned depth)
{
	const uint8_t *end = u->at + u->size, *attrs;

	for (; p && p < end; p = ka_dwarf_skip(s->d, u, &s->abbrevs, p)) {
		const struct ka_dwarf_abbrev *abbrev;
		struct ka_dwarf_die die;
		uint64_t code;
		bool is_new = true;
		int space;

		attrs = p;
		code = ka_dwarf_uleb(&attrs, end);
		abbrev = attrs && code ? ka_dwarf_abbrev(&s->abbrevs, code) : NULL;
		if (!abbrev)
			return;
		space = space_of(abbrev->tag);
		if (space < 0)
			continue;
		if (abbrev->has_name && !abbrev->is_declaration)
			is_new = note(s, u, abbrev, (unsigned)space, p, attrs);
		/*
		 * Enumerators are below their enums (two enums of one name may differ), and clang leaves what
		 * has no name inside the struct that it was written in.
		 */
		if (abbrev->has_children && depth < NESTING_MAX && (is_new || space == KA_DWARF_ENUM) &&
		    ka_dwarf_die_at(s->d, u, &s->abbrevs, p, &die))
			scan_list(s, u, die.next, depth + 1);
	}
}

static void scan_unit(struct scan *s, struct ka_dwarf_unit *u)
{
	struct ka_dwarf_die root;

	/* Rust's types live in name spaces of their own, and its bindings repeat C's. */
	if (ka_dwarf_abbrevs_parse(u, &s->abbrevs) && ka_dwarf_root(s->d, u, &s->abbrevs, &root) && root.has_children &&
	    root.language != DW_LANG_Rust)
		scan_list(s, u, root.next, 0);
}

static void scan_end(struct scan *s)
{
	ka_dwarf_abbrevs_free(&s->abbrevs);
	free(s->seen.slots);
}

/* ---- the few units first ---- */

/*
 * Files of the kernel whose headers have nearly all that is asked for. Only a guess: what they lack is found in the
 * others, and a kernel that has none of them costs a full scan. Order decides between unlike types of the same name.
 */
static const char *const core_files[] = {
	"kernel/sched/core.c", "kernel/fork.c", "kernel/module/main.c", "kernel/module.c", "kernel/printk/printk.c",
	"kernel/time/timekeeping.c", "fs/namespace.c", "mm/slub.c", "mm/slab_common.c", "net/socket.c", "net/ipv4/af_inet.c",
	"block/genhd.c", "kernel/irq/irqdesc.c", "ipc/shm.c", "lib/xarray.c", "lib/radix-tree.c", "lib/maple_tree.c",
};

static bool ends_with(const char *s, size_t len, const char *tail)
{
	size_t n = strlen(tail);

	return len >= n && !memcmp(s + len - n, tail, n) && (len == n || s[len - n - 1] == '/');
}

/* Index in core_files of the string at this offset, or -1. */
static int core_file_at(const struct ka_dwarf_bytes *strings, uint32_t offset)
{
	const char *s;
	size_t len;

	if (offset >= strings->size)
		return -1;
	s = (const char *)strings->at + offset;
	len = strnlen(s, KA_MIN(strings->size - offset, 512));
	if (len < 2 || s[len - 1] != 'c' || s[len - 2] != '.')
		return -1;
	for (size_t i = 0; i < KA_COUNT(core_files); i++)
		if (ends_with(s, len, core_files[i]))
			return (int)i;
	return -1;
}

/*
 * Which of core_files a unit is of. Tables of abbreviations are not read for it, 5 MB of them: the name's offset is
 * one of the first few words of the root DIE, and only an offset of that very string is taken for it.
 */
static int core_file_of(const struct ka_dwarf *d, const struct ka_dwarf_unit *u)
{
	const uint8_t *p = u->at + u->header_size;

	for (unsigned i = 1; i < 24 && u->header_size + i + 4 <= u->size; i++) {
		uint32_t offset = ka_dwarf_u32(d, p + i);
		int found = core_file_at(&u->file->line_str, offset);

		if (found < 0)
			found = core_file_at(&u->file->str, offset);
		if (found >= 0)
			return found;
	}
	return -1;
}

static void make_core(void *ctx)
{
	struct ka_dwarf_index *x = ctx;
	struct ka_dwarf *d = x->dwarf;
	struct scan s = { .d = d, .table = &x->core };
	struct ka_dwarf_unit *units[KA_COUNT(core_files)] = { 0 };

	for (size_t i = 0; i < d->unit_count; i++) {
		int file = core_file_of(d, &d->units[i]);

		if (file >= 0 && !units[file])
			units[file] = &d->units[i];
		if (i % FORGET_UNITS == FORGET_UNITS - 1)
			ka_dwarf_forget(d, i + 1 - FORGET_UNITS, i + 1);
	}
	for (size_t i = 0; i < KA_COUNT(units); i++)
		if (units[i])
			scan_unit(&s, units[i]);
	scan_end(&s);
	ka_log(2, "DWARF: %zu names in the core units", x->core.list.n);
}

/* ---- all units, on all cores ---- */

struct chunk {
	size_t first, end;	/* units */
	struct ka_dwarf_table table;
	bool is_done;
};

struct job {
	const struct ka_dwarf *d;
	struct chunk *chunks;
};

static void scan_chunk(void *ctx, size_t i)
{
	struct job *job = ctx;
	struct chunk *c = &job->chunks[i];
	struct scan s = { .d = job->d, .table = &c->table };
	size_t forgotten = c->first;

	for (size_t u = c->first; u < c->end; u++) {
		scan_unit(&s, &job->d->units[u]);
		if (u - forgotten >= FORGET_UNITS) {
			ka_dwarf_forget(job->d, forgotten, u);
			forgotten = u;
		}
	}
	ka_dwarf_forget(job->d, forgotten, c->end);
	scan_end(&s);
	c->is_done = true;
}

static void table_free(struct ka_dwarf_table *t)
{
	ka_vec_free(&t->list);
	ka_names_free(&t->names);
}

static void make_all(void *ctx)
{
	struct ka_dwarf_index *x = ctx;
	const struct ka_dwarf *d = x->dwarf;
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	size_t count = (size_t)KA_MIN(KA_MAX(cores, 1), CHUNKS_MAX), unit = 0;
	struct chunk chunks[CHUNKS_MAX] = { 0 };
	struct job job = { d, chunks };
	uint64_t total = 0, bytes = 0;

	for (size_t i = 0; i < d->unit_count; i++)
		total += d->units[i].size;
	for (size_t i = 0; i < count; i++) {
		chunks[i].first = unit;
		while (unit < d->unit_count && (i == count - 1 || bytes < total * (i + 1) / count))
			bytes += d->units[unit++].size;
		chunks[i].end = unit;
	}
	ka_parallel(count, scan_chunk, &job);
	for (size_t i = 0; i < x->core.list.n; i++)
		add(&x->all, &x->core.list.at[i]);
	for (size_t i = 0; i < count; i++) {
		/* Ctrl-C stops the loop above, but half an index would tell lies to all that comes later. */
		if (!chunks[i].is_done)
			scan_chunk(&job, i);
		for (size_t k = 0; k < chunks[i].table.list.n; k++)
			add(&x->all, &chunks[i].table.list.at[k]);
		table_free(&chunks[i].table);
	}
	ka_log(2, "DWARF: %zu names in %zu units", x->all.list.n, d->unit_count);
}

/* ---- look-up ---- */

/* Could any DIE bear this name? Names too short for .debug_str lie in the DIEs themselves. */
static bool is_in_strings(const struct ka_dwarf *d, const char *name)
{
	size_t size = strlen(name) + 1;

	for (size_t i = 0; i < KA_COUNT(d->files); i++) {
		const struct ka_dwarf_file *f = &d->files[i];

		if (!f->info.size)
			continue;
		/* The end of a longer string will do: linkers merge those. */
		if (!f->is_merged_str || size <= 8 || memmem(f->str.at, f->str.size, name, size))
			return true;
	}
	return false;
}

void ka_dwarf_index_init(struct ka_dwarf_index *x, struct ka_dwarf *d)
{
	x->dwarf = d;
	ka_lazy_init(&x->core_once);
	ka_lazy_init(&x->all_once);
}

void ka_dwarf_index_deinit(struct ka_dwarf_index *x)
{
	table_free(&x->core);
	table_free(&x->all);
	ka_lazy_deinit(&x->core_once);
	ka_lazy_deinit(&x->all_once);
}

uint32_t ka_dwarf_index_find(struct ka_dwarf_index *x, enum ka_dwarf_space space, const char *name)
{
	uint32_t hash = hash_of(space, name), id;

	ka_lazy_make(&x->core_once, make_core, x);
	id = lookup(&x->core, hash, space, name);
	if (id)
		return id;
	if (!atomic_load_explicit(&x->all_once.is_made, memory_order_acquire)) {
		if (!is_in_strings(x->dwarf, name))
			return 0;
		ka_log(2, "DWARF: '%s' is not in the core units: all are read", name);
	}
	return lookup(ka_dwarf_index_all(x), hash, space, name);
}

const struct ka_dwarf_table *ka_dwarf_index_all(struct ka_dwarf_index *x)
{
	ka_lazy_make(&x->core_once, make_core, x);
	ka_lazy_make(&x->all_once, make_all, x);
	return &x->all;
}
