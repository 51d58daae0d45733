/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From names to DIEs. A kernel has some 3 million DIEs at the top of its units, nearly all of them the same types
 * again and again: a name is known again by its offset in .debug_str, without being read.
 */
#include <unistd.h>
#include "dwarf_index.h"
#include "object.h"

#define SPACES_SHIFT	56
#define FORGET_UNITS	64	/* units scanned before their pages are given back */
#define CHUNKS_MAX	64
#define NESTING_MAX	8	/* types inside types */
#define CACHE_MIN	(16u << 20)	/* bytes of DWARF for which an index is kept */

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
	bool is_all;				/* variables and functions, too */
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

static bool is_known(const struct ka_dwarf_table *t, const struct ka_dwarf_name *n)
{
	size_t pos = 0;
	uint32_t i;

	while ((i = ka_names_next(&t->names, n->hash, &pos))) {
		const struct ka_dwarf_name *o = &t->list.at[i - 1];

		if (o->space == n->space && o->print == n->print && (o->name == n->name || !strcmp(o->name, n->name)))
			return true;
	}
	return false;
}

/* The first of those alike stays; of variables and functions, each. */
static void add(struct ka_dwarf_table *t, const struct ka_dwarf_name *n)
{
	bool is_each = n->space == KA_DWARF_VARIABLE || n->space == KA_DWARF_FUNCTION;

	if (!is_each && is_known(t, n))
		return;
	ka_vec_push(&t->list, *n);
	/* nobody asks for them here; and thousands are named __func__ or _rs, one behind the other in a hash */
	if (!is_each)
		ka_names_add(&t->names, n->hash, (uint32_t)t->list.n);
}

uint32_t ka_dwarf_index_hash(unsigned space, const char *name)
{
	return ka_names_hash(name) ^ space * 0x9e3779b9u;
}

static void add_name(struct scan *s, unsigned space, const char *name, uint32_t id, uint32_t print)
{
	add(s->table, &(struct ka_dwarf_name){ .name = name, .id = id, .hash = ka_dwarf_index_hash(space, name), .space = (uint8_t)space,
					       .print = print });
}

/* Which definition of a name it is: the same header gives the same in each unit. */
static uint32_t print_of(unsigned space, uint64_t size, uint64_t line)
{
	if (space == KA_DWARF_BASE || space == KA_DWARF_ENUMERATOR || space >= KA_DWARF_VARIABLE)
		return 0;
	return (uint32_t)(ka_hash_u64(size << 32 ^ line) & 0xffffff);
}

static uint64_t number_at(const struct ka_dwarf *d, const uint8_t *p, unsigned width)
{
	return width == 1 ? p[0] : width == 4 ? ka_dwarf_u32(d, p) :
	       d->is_big_endian ? (unsigned)p[0] << 8 | p[1] : (unsigned)p[1] << 8 | p[0];
}

/* Notes the name of the DIE at p, whose attributes begin at attrs. False when it was known. */
static bool note(struct scan *s, struct ka_dwarf_unit *u, const struct ka_dwarf_abbrev *abbrev, unsigned space,
		 const uint8_t *p, const uint8_t *attrs)
{
	struct ka_dwarf_die die;

	if (abbrev->name_at >= 0 && abbrev->fixed_size >= 0 && u->at + u->size - attrs >= abbrev->fixed_size) {
		uint32_t offset = ka_dwarf_u32(s->d, attrs + abbrev->name_at);
		uint64_t file = u->file == &s->d->files[1], key = (uint64_t)(space + 1) << SPACES_SHIFT | file << 32 | offset;
		uint64_t size = abbrev->size_at >= 0 ? number_at(s->d, attrs + abbrev->size_at, abbrev->size_width) : 0;
		uint64_t line = abbrev->line_at >= 0 ? number_at(s->d, attrs + abbrev->line_at, abbrev->line_width) : (uint64_t)abbrev->line;
		uint64_t print = print_of(space, size, line);

		if (!see(&s->seen, print ? ka_hash_u64(key ^ print << 40) | 1 : key))
			return false;
	}
	if (ka_dwarf_die_at(s->d, u, &s->abbrevs, p, &die) && die.name && die.is_declaration == (space == KA_DWARF_DECLARED))
		add_name(s, space, die.name, die.id, print_of(space, die.byte_size, die.decl_line));
	return true;
}

/*
 * A variable or function. Its name may be on another DIE: that of the declaration in a header, or that of the function
 * as it is inlined.
 */
static void note_named(struct scan *s, struct ka_dwarf_unit *u, const struct ka_dwarf_abbrev *abbrev, const uint8_t *p)
{
	unsigned space = abbrev->tag == DW_TAG_variable ? KA_DWARF_VARIABLE : KA_DWARF_FUNCTION;
	struct ka_dwarf_die die, origin;

	if (!ka_dwarf_die_at(s->d, u, &s->abbrevs, p, &die) || die.is_declaration)
		return;
	if (!die.name && die.origin) {
		bool ok = die.origin - u->id < u->size ? ka_dwarf_die_at(s->d, u, &s->abbrevs, u->at + (die.origin - u->id), &origin) :
							 ka_dwarf_die(s->d, die.origin, &origin);

		die.name = ok ? origin.name : NULL;
	}
	if (die.name)
		add_name(s, abbrev->is_inline && !abbrev->has_place ? KA_DWARF_INLINE : space, die.name, die.id, 0);
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
		if (s->is_all && !depth && abbrev->tag == DW_TAG_variable && abbrev->is_declaration && abbrev->has_name)
			note(s, u, abbrev, KA_DWARF_DECLARED, p, attrs);
		else if (s->is_all && !depth && (abbrev->tag == DW_TAG_variable || abbrev->tag == DW_TAG_subprogram) &&
		    (abbrev->has_place || abbrev->is_inline) && (abbrev->has_name || abbrev->has_origin))
			note_named(s, u, abbrev, p);
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

/* What is kept of a unit itself: reading it once more would bring in a page for it, and those around it. */
struct about {
	const char *name, *comp_dir;
	bool has_lines;
	uint64_t stmt_list;
};

static void scan_unit(struct scan *s, struct ka_dwarf_unit *u, struct about *about)
{
	struct ka_dwarf_die root;

	if (!ka_dwarf_abbrevs_parse(u, &s->abbrevs) || !ka_dwarf_root(s->d, u, &s->abbrevs, &root))
		return;
	if (about)
		*about = (struct about){ root.name, root.comp_dir, root.has & KA_DWARF_LINES, root.stmt_list };
	/* Rust's types live in name spaces of their own, and its bindings repeat C's. */
	if (root.has_children && root.language != DW_LANG_Rust)
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
	const struct ka_dwarf *d = x->dwarf;
	const struct ka_dwarf_units *all = ka_dwarf_units(d);
	struct scan s = { .d = d, .table = &x->core };
	struct ka_dwarf_unit *units[KA_COUNT(core_files)] = { 0 };

	for (size_t i = 0; i < all->n; i++) {
		int file = core_file_of(d, &all->at[i]);

		if (file >= 0 && !units[file])
			units[file] = &all->at[i];
		if (i % FORGET_UNITS == FORGET_UNITS - 1)
			ka_dwarf_forget(d, all, i + 1 - FORGET_UNITS, i + 1);
	}
	for (size_t i = 0; i < KA_COUNT(units); i++)
		if (units[i])
			scan_unit(&s, units[i], NULL);
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
	const struct ka_dwarf_units *units;
	struct chunk *chunks;
	struct about *abouts;		/* by unit */
	struct ka_progress *progress;
	_Atomic uint64_t done;		/* bytes */
};

static void scan_chunk(void *ctx, size_t i)
{
	struct job *job = ctx;
	struct chunk *c = &job->chunks[i];
	struct scan s = { .d = job->d, .table = &c->table, .is_all = true };
	size_t forgotten = c->first;

	for (size_t u = c->first; u < c->end; u++) {
		scan_unit(&s, &job->units->at[u], &job->abouts[u]);
		ka_progress_at(job->progress, atomic_fetch_add(&job->done, job->units->at[u].size));
		if (u - forgotten >= FORGET_UNITS) {
			ka_dwarf_forget(job->d, job->units, forgotten, u);
			forgotten = u;
		}
	}
	ka_dwarf_forget(job->d, job->units, forgotten, c->end);
	scan_end(&s);
	c->is_done = true;
}

static void table_free(struct ka_dwarf_table *t)
{
	ka_vec_free(&t->list);
	ka_names_free(&t->names);
}

static void build_all(struct ka_dwarf_index *x)
{
	const struct ka_dwarf *d = x->dwarf;
	const struct ka_dwarf_units *units = ka_dwarf_units(d);
	size_t count = KA_MIN((size_t)ka_cores(), (size_t)CHUNKS_MAX), unit = 0;
	struct chunk chunks[CHUNKS_MAX] = { 0 };
	struct job job = { .d = d, .units = units, .chunks = chunks };
	struct ka_index_builder b = { 0 };
	struct ka_dwarf_table all = { 0 };
	uint64_t total = 0, bytes = 0;

	for (size_t i = 0; i < units->n; i++)
		total += units->at[i].size;
	for (size_t i = 0; i < count; i++) {
		chunks[i].first = unit;
		while (unit < units->n && (i == count - 1 || bytes < total * (i + 1) / count))
			bytes += units->at[unit++].size;
		chunks[i].end = unit;
	}
	job.abouts = ka_xalloc((units->n + 1) * sizeof(*job.abouts));
	job.progress = ka_progress_new("Indexing the debug information", total);
	ka_parallel(count, scan_chunk, &job);
	/* What the core units know comes first, as it does before the index is there. */
	ka_lazy_make(&x->core_once, make_core, x);
	for (size_t i = 0; i < x->core.list.n; i++)
		add(&all, &x->core.list.at[i]);
	for (size_t i = 0; i < count; i++) {
		/* Ctrl-C stops the loop above, but half an index would tell lies to all that comes later. */
		if (!chunks[i].is_done)
			scan_chunk(&job, i);
		for (size_t k = 0; k < chunks[i].table.list.n; k++)
			add(&all, &chunks[i].table.list.at[k]);
		table_free(&chunks[i].table);
	}
	for (size_t i = 0; i < all.list.n; i++) {
		const struct ka_dwarf_name *n = &all.list.at[i];

		ka_index_add(&b, n->space, n->hash, n->name, n->id, n->print);
	}
	table_free(&all);
	for (size_t i = 0; i < units->n; i++) {
		const struct about *u = &job.abouts[i];

		ka_index_add_unit(&b, units->at[i].id, u->name, u->comp_dir, u->has_lines, u->stmt_list);
	}
	free(job.abouts);
	ka_index_finish(&b, &x->key, &x->all);
	ka_progress_free(job.progress);
	ka_log(2, "DWARF: %u names in %zu units", x->all.entry_count, units->n);
}

static void load_file(void *ctx)
{
	struct ka_dwarf_index *x = ctx;

	if (!x->path || !ka_index_load(x->path, &x->key, &x->all))
		return;
	ka_dwarf_set_index(x->dwarf, &x->all);
	atomic_store_explicit(&x->has_file, true, memory_order_release);
}

static void make_all(void *ctx)
{
	struct ka_dwarf_index *x = ctx;

	ka_lazy_make(&x->file_once, load_file, x);
	if (atomic_load_explicit(&x->has_file, memory_order_acquire))
		return;
	build_all(x);
	if (x->path)
		ka_index_save(x->path, &x->all);
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

bool ka_object_may_name(struct ka_object *o, const char *name)
{
	struct ka_object *d = ka_object_debug(o, NULL);
	const struct ka_section *s = d ? ka_object_section(d, ".debug_str") : NULL;
	size_t length = strlen(name) + 1, size;
	const uint8_t *at;

	if (!d)
		return false;
	/* nothing is relocated in it */
	if (!s || !(s->flags & SHF_MERGE) || length <= 8 || ka_object_has_alt(d) ||
	    ka_error_drop(ka_object_content(d, s, &at, &size)))
		return true;
	return memmem(at, size, name, length);
}

/* By the headers alone: nothing is unpacked. NULL: no file is to be kept. */
static char *path_of(struct ka_object *o, struct ka_index_key *key)
{
	static const char *const names[] = { ".debug_info", ".debug_types", ".debug_str", ".zdebug_info", ".zdebug_str" };
	struct ka_object *d = ka_object_debug(o, NULL);

	*key = (struct ka_index_key){ 0 };
	for (size_t i = 0; d && i < KA_COUNT(names); i++) {
		const struct ka_section *s = ka_object_section(d, names[i]);

		key->info_size += s ? s->size : 0;
	}
	key->build_id_size = (uint32_t)KA_MIN(o->build_id_size, sizeof(key->build_id));
	memcpy(key->build_id, o->build_id, key->build_id_size);
	/* That of a module is made in less time than a file is worth. */
	return !o->has_no_cache && key->info_size >= CACHE_MIN ? ka_index_path(key) : NULL;
}

bool ka_dwarf_index_kept(struct ka_object *o, struct ka_index *ret)
{
	struct ka_index_key key;
	char *path = path_of(o, &key);
	bool ok = path && ka_index_load(path, &key, ret);

	free(path);
	return ok;
}

void ka_dwarf_index_init(struct ka_dwarf_index *x, struct ka_dwarf *d, struct ka_object *o)
{
	x->dwarf = d;
	x->object = o;
	ka_lazy_init(&x->core_once);
	ka_lazy_init(&x->all_once);
	ka_lazy_init(&x->file_once);
	x->path = path_of(o, &x->key);
}

void ka_dwarf_index_deinit(struct ka_dwarf_index *x)
{
	ka_dwarf_withdraw_index(x->dwarf, &x->all);
	table_free(&x->core);
	ka_index_free(&x->all);
	ka_lazy_deinit(&x->core_once);
	ka_lazy_deinit(&x->all_once);
	ka_lazy_deinit(&x->file_once);
	free(x->path);
}

static uint32_t first_of(const struct ka_index *x, unsigned space, uint32_t hash, const char *name)
{
	size_t pos = 0;
	const struct ka_index_entry *e = ka_index_next(x, space, hash, name, &pos);

	return e ? e->id : 0;
}

uint32_t ka_dwarf_index_find(struct ka_dwarf_index *x, enum ka_dwarf_space space, const char *name)
{
	uint32_t hash = ka_dwarf_index_hash(space, name), id;

	ka_lazy_make(&x->file_once, load_file, x);
	if (atomic_load_explicit(&x->has_file, memory_order_acquire))
		return first_of(&x->all, space, hash, name);
	ka_lazy_make(&x->core_once, make_core, x);
	id = lookup(&x->core, hash, space, name);
	if (id)
		return id;
	if (!atomic_load_explicit(&x->all_once.is_made, memory_order_acquire)) {
		if (!is_in_strings(x->dwarf, name))
			return 0;
		ka_log(2, "DWARF: '%s' is not in the core units: all are read", name);
	}
	return first_of(ka_dwarf_index_all(x), space, hash, name);
}

const struct ka_index *ka_dwarf_index_all(struct ka_dwarf_index *x)
{
	ka_lazy_make(&x->all_once, make_all, x);
	return &x->all;
}
