/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Source file and line of an address: only the compilation unit that covers it is read. */
#include <dwarf.h>
#include "dwarf_index.h"
#include "dwarf_location.h"
#include "line.h"
#include "object.h"

#define FORGET_UNITS	64	/* units looked at before their pages are given back */
#define ENTRY_MAX	16		/* bytes to be patched before a function */
#define ROOT_MAX	(64u << 10)	/* bytes of a unit's outermost DIE and what lies before it */
#define RANGES_MAX	(1U << 22)

struct range {
	uint64_t start, end;
	uint64_t unit;		/* offset of the unit in .debug_info */
};

struct ranges {
	KA_VEC(struct range);	/* sorted by start */
};

struct ka_lines {
	pthread_mutex_t lock;
	struct ka_object *o;
	struct ka_line_sections s;
	struct ka_arena *arena;		/* of the paths given out */
	struct ka_map tables;		/* unit -> struct ka_line_table *, 0: none */
	struct ranges aranges, units; /* of .debug_aranges; of the units' own DIEs, made when the first knows nothing */
	bool has_units;
	struct ka_index index;		/* of a packed .debug_info, so that it need not be unpacked; none: size 0 */
};

void ka_lines_free(struct ka_lines *l)
{
	if (!l)
		return;
	for (size_t i = 0; i < l->tables.cap; i++)
		if (l->tables.used[i])
			ka_line_table_free((struct ka_line_table *)(uintptr_t)l->tables.values[i]);
	ka_map_free(&l->tables);
	ka_index_free(&l->index);
	ka_arena_free(l->arena);
	ka_vec_free(&l->aranges);
	ka_vec_free(&l->units);
	pthread_mutex_destroy(&l->lock);
	free(l);
}

static void ranges_sort(struct ranges *r)
{
	struct ka_sort_key *keys = ka_xalloc(2 * (r->n + 1) * sizeof(*keys));
	struct range *sorted = ka_xalloc((r->n + 1) * sizeof(*sorted));

	for (size_t i = 0; i < r->n; i++)
		keys[i] = (struct ka_sort_key){ r->at[i].start, (uint32_t)i };
	struct ka_sort_key *order = ka_sort_keys(keys, keys + r->n + 1, r->n);

	for (size_t i = 0; i < r->n; i++)
		sorted[i] = r->at[order[i].at];
	free(r->at);
	r->at = sorted;
	r->cap = r->n + 1;
	free(keys);
}

static const struct range *range_at(const struct ranges *r, uint64_t addr)
{
	size_t low = 0, high = r->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (r->at[mid].start <= addr)
			low = mid + 1;
		else
			high = mid;
	}
	/* ranges of units do not overlap; but where the last is an empty shell, the one before may hold it */
	for (size_t i = low, left = 8; i > 0 && left; i--, left--)
		if (addr < r->at[i - 1].end)
			return &r->at[i - 1];
	return NULL;
}

/* .debug_aranges: read by hand, since libdw goes to each unit's header for it. */
static void aranges_read(struct ka_lines *l)
{
	const struct ka_line_bytes *a = &l->s.aranges;
	size_t at = 0;

	while (at < a->size && l->aranges.n < RANGES_MAX) {
		struct ka_reader b = { .o = l->s.o, .data = a->at, .at = at, .end = a->size };
		unsigned offset_size;
		size_t start = at;

		at = ka_reader_unit(&b, &offset_size);
		if (b.is_bad)
			break;
		unsigned version = (unsigned)ka_reader_uint(&b, 2);
		uint64_t unit = ka_reader_uint(&b, offset_size);
		unsigned size = (unsigned)ka_reader_uint(&b, 1), segment = (unsigned)ka_reader_uint(&b, 1);

		if (b.is_bad || version != 2 || (size != 4 && size != 8) || segment)
			continue;
		ka_reader_skip(&b, (2 * size - (b.at - start) % (2 * size)) % (2 * size));
		while (!b.is_bad && b.end - b.at >= 2 * size && l->aranges.n < RANGES_MAX) {
			uint64_t from = ka_reader_uint(&b, size), length = ka_reader_uint(&b, size);

			if (from && length && from + length > from)
				ka_vec_push(&l->aranges, (struct range){ from, from + length, unit });
		}
	}
	ranges_sort(&l->aranges);
	ka_log(2, "%s: %zu address ranges in .debug_aranges", l->s.o->path, l->aranges.n);
}

struct unit_ranges {
	struct ranges *to;
	uint64_t unit;
};

static bool range_add(void *ctx, uint64_t start, uint64_t end)
{
	struct unit_ranges *r = ctx;

	if (start && r->to->n < RANGES_MAX)
		ka_vec_push(r->to, (struct range){ start, end, r->unit });
	return r->to->n >= RANGES_MAX;
}

/*
 * clang writes no .debug_aranges, and hand-written assembly may lack it: one pass over the units' outermost DIEs,
 * not into them.
 */
static void units_read(struct ka_lines *l)
{
	struct ka_dwarf_abbrevs room = { 0 };
	const struct ka_dwarf_units *all;
	struct ka_dwarf_lists lists;
	struct ka_dwarf *d;

	l->has_units = true;
	if (ka_error_drop(ka_object_dwarf(l->o, &d)))
		return;
	ka_dwarf_ranges_open(l->o, d, &lists);
	all = ka_dwarf_units(d);
	for (size_t i = 0; i < all->n && !ka_interrupted(); i++) {
		struct ka_dwarf_unit *u = &all->at[i];
		struct unit_ranges to = { &l->units, u->id - d->files[0].info_id };
		struct ka_dwarf_extent extent;
		struct ka_dwarf_die root;

		if (u->file != &d->files[0] || (u->type != DW_UT_compile && u->type != DW_UT_partial) ||
		    !ka_dwarf_root_alone(d, u, &room, &root))
			continue;
		ka_dwarf_extent_of(d, &root, &room, &extent);
		ka_dwarf_extent_each(&lists, u, &extent, range_add, &to);
		if (i % FORGET_UNITS == FORGET_UNITS - 1)
			ka_dwarf_forget(d, all, i + 1 - FORGET_UNITS, i + 1);
	}
	ka_dwarf_abbrevs_free(&room);
	ranges_sort(&l->units);
	ka_log(2, "%s: %zu address ranges of compilation units", l->s.o->path, l->units.n);
}

static void section_read(struct ka_object *o, const char *name, struct ka_line_bytes *ret)
{
	/* what is missing or damaged is found out where it is needed */
	if (ka_error_drop(ka_object_debug_content(o, name, &ret->at, &ret->size)))
		*ret = (struct ka_line_bytes){ 0 };
}

/* What only units of which nothing is kept need. */
static void info_read(struct ka_lines *l)
{
	if (ka_error_drop(ka_object_debug_lazy(l->s.o, ".debug_info", &l->s.info.at, &l->s.info.size)))
		l->s.info = (struct ka_line_bytes){ 0 };
	section_read(l->s.o, ".debug_abbrev", &l->s.abbrev);
}

/* Unpacking takes up to a second: then the index pays, which knows all there is to know of units. */
static bool is_packed(const struct ka_object *o)
{
	const struct ka_section *s = ka_object_section(o, ".debug_info");

	return !s || s->flags & SHF_COMPRESSED;
}

/* A line table's first bytes tell how many it has. */
static struct ka_line_table *table_read(struct ka_lines *l, const struct ka_line_root *root)
{
	static const char name[] = ".debug_line";
	struct ka_reader b = { .o = l->s.o, .data = l->s.line.at, .at = (size_t)KA_MIN(root->line_offset, (uint64_t)l->s.line.size),
			       .end = l->s.line.size };
	unsigned offset_size;

	if (!ka_object_debug_need(l->s.o, name, root->line_offset + 12))
		return NULL;
	ka_reader_unit(&b, &offset_size);
	return ka_object_debug_need(l->s.o, name, b.end) ? ka_line_table_read(&l->s, root) : NULL;
}

static bool root_find(struct ka_lines *l, uint64_t unit, struct ka_line_root *ret)
{
	const struct ka_index_unit *u = unit <= UINT32_MAX ? ka_index_unit_of(&l->index, (uint32_t)unit) : NULL;

	/* numbers of .debug_info's units are their offsets */
	if (u && u->id == unit) {
		const char *dir = ka_index_string(&l->index, u->comp_dir);

		*ret = (struct ka_line_root){ .line_offset = u->stmt_list, .has_lines = u->has_lines, .comp_dir = dir[0] ? dir : NULL };
		return true;
	}
	if (!l->s.info.at)
		info_read(l);
	return ka_object_debug_need(l->s.o, ".debug_info", unit + ROOT_MAX) && ka_line_root_read(&l->s, unit, ret);
}

static struct ka_line_table *table_of(struct ka_lines *l, uint64_t unit)
{
	struct ka_line_table *t = NULL;
	struct ka_line_root root;
	uint64_t known;

	if (ka_map_get(&l->tables, unit, &known))
		return (struct ka_line_table *)(uintptr_t)known;
	if (root_find(l, unit, &root) && root.has_lines)
		t = table_read(l, &root);
	ka_map_set(&l->tables, unit, (uintptr_t)t);
	return t;
}

/*
 * The last row at or below the address; if no statement starts there, the last of those at the same address where one
 * does: a function's first instruction often has a row for its opening and another for what was moved there. So gdb
 * sees it, hence crash.
 */
static const struct ka_line_row *row_at(const struct ka_line_table *t, uint64_t addr)
{
	size_t low = 0, high = t->sequence_count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (t->sequences[mid].start <= addr)
			low = mid + 1;
		else
			high = mid;
	}
	if (!low || addr >= t->sequences[low - 1].end)
		return NULL;
	const struct ka_line_row *rows = t->rows + t->sequences[low - 1].first;

	high = t->sequences[low - 1].count;
	for (low = 0; low < high; ) {
		size_t mid = low + (high - low) / 2;

		if (rows[mid].addr <= addr)
			low = mid + 1;
		else
			high = mid;
	}
	const struct ka_line_row *best = &rows[low - 1];

	for (const struct ka_line_row *r = best; r >= rows && r->addr == best->addr; r--)
		if (r->is_stmt)
			return r;
	return best;
}

/*
 * "/build/linux/debian/build/x/../../../kernel/./panic.c" -> "/build/linux/kernel/panic.c". Link names are not looked
 * at: the tree is elsewhere.
 */
static char *path_normal(char *out)
{
	bool is_absolute = *out == '/';
	const char *in = out;
	char *to = out;
	size_t depth = 0;	/* components in out that ".." may take back */

	if (is_absolute)
		to++;
	while (*in) {
		size_t n;

		in += strspn(in, "/");
		n = strcspn(in, "/");
		if (!n || (n == 1 && in[0] == '.')) {
			in += n;
			continue;
		}
		if (n == 2 && in[0] == '.' && in[1] == '.' && (depth || is_absolute)) {
			if (depth) {
				/* back behind the slash before the last component */
				to--;
				while (to > out && to[-1] != '/')
					to--;
				depth--;
			}
		} else {
			if (!(n == 2 && in[0] == '.' && in[1] == '.'))
				depth++;
			bool is_last = !in[n];	/* asked before its NUL is written over */

			memmove(to, in, n);
			to += n;
			*to++ = '/';	/* never further than in: each component lost its own slash or is the last */
			if (is_last) {
				in += n;
				break;
			}
		}
		in += n;
	}
	if (to > out + (is_absolute ? 1 : 0) && to[-1] == '/')
		to--;
	*to = 0;
	return out;
}

static const char *path_of(struct ka_lines *l, struct ka_line_table *t, uint32_t file)
{
	struct ka_line_file *f = file < t->file_count ? &t->files[file] : NULL;

	if (!f || !f->name)
		return NULL;
	if (!f->path) {
		const char *comp = t->comp_dir && *t->comp_dir ? t->comp_dir : NULL, *dir = f->dir;

		if (*f->name == '/' || (!dir && !comp))
			f->path = path_normal(ka_strdup(l->arena, f->name));
		else if (!dir)
			f->path = path_normal(ka_printf(l->arena, "%s/%s", comp, f->name));
		else if (*dir == '/' || !comp)
			f->path = path_normal(ka_printf(l->arena, "%s/%s", dir, f->name));
		else
			f->path = path_normal(ka_printf(l->arena, "%s/%s/%s", comp, dir, f->name));
	}
	return f->path;
}

static struct ka_lines *lines_get(struct ka_object *o)
{
	struct ka_object_priv *priv = ka_object_priv(o);

	pthread_mutex_lock(&priv->lock);
	struct ka_lines *l = priv->lines;

	pthread_mutex_unlock(&priv->lock);
	if (l)
		return l;
	struct ka_object *d = ka_object_debug(o, NULL);

	if (!d)
		return NULL;
	l = ka_xalloc(sizeof(*l));
	pthread_mutex_init(&l->lock, NULL);
	l->arena = ka_arena_new();
	l->o = o;
	l->s.o = d;
	if (is_packed(d))
		ka_dwarf_index_kept(o, &l->index);
	if (ka_error_drop(ka_object_debug_lazy(d, ".debug_line", &l->s.line.at, &l->s.line.size)))
		l->s.line = (struct ka_line_bytes){ 0 };
	section_read(d, ".debug_line_str", &l->s.line_str);
	section_read(d, ".debug_str", &l->s.str);
	section_read(d, ".debug_str_offsets", &l->s.str_offsets);
	section_read(d, ".debug_aranges", &l->s.aranges);
	aranges_read(l);
	pthread_mutex_lock(&priv->lock);
	if (priv->lines)
		ka_lines_free(l);	/* another thread was faster */
	else
		priv->lines = l;
	l = priv->lines;
	pthread_mutex_unlock(&priv->lock);
	return l;
}

/*
 * With -fpatchable-function-entry (aarch64's ftrace) GCC lets a function begin behind the instructions to be patched: these first
 * bytes are in its line table alone.
 */
static const struct range *range_after(struct ka_lines *l, uint64_t addr)
{
	size_t low = 0, high = l->aranges.n;
	struct ka_line_table *t;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (l->aranges.at[mid].start <= addr)
			low = mid + 1;
		else
			high = mid;
	}
	if (low == l->aranges.n || l->aranges.at[low].start - addr > ENTRY_MAX)
		return NULL;
	t = table_of(l, l->aranges.at[low].unit);
	return t && row_at(t, addr) ? &l->aranges.at[low] : NULL;
}

/* The line table of the unit that holds the address, with l->lock held; *ret_unit: its offset. */
static struct ka_line_table *table_at(struct ka_lines *l, uint64_t addr, uint64_t *ret_unit)
{
	const struct range *r = range_at(&l->aranges, addr);

	if (!r)
		r = range_after(l, addr);
	if (!r) {
		if (!l->has_units)
			units_read(l);
		r = range_at(&l->units, addr);
	}
	*ret_unit = r ? r->unit : 0;
	return r ? table_of(l, r->unit) : NULL;
}

/* "kernel/fork.c" of "/build/x/kernel/fork.c" when the compiler ran in /build/x. */
static const char *name_of(struct ka_lines *l, struct ka_line_table *t, uint32_t file)
{
	struct ka_line_file *f = file < t->file_count ? &t->files[file] : NULL;
	const char *path = path_of(l, t, file);

	if (path && !f->short_name) {
		char *comp = t->comp_dir && *t->comp_dir ? path_normal(ka_strdup(l->arena, t->comp_dir)) : NULL;
		size_t n = comp ? strlen(comp) : 0;

		f->short_name = n && !strncmp(path, comp, n) && path[n] == '/' ? path + n + 1 : path;
	}
	return path ? f->short_name : NULL;
}

bool ka_object_place(struct ka_object *o, uint64_t addr, uint32_t section, struct ka_object_place *ret)
{
	struct ka_lines *l = lines_get(o);
	uint64_t unit;

	*ret = (struct ka_object_place){0};
	if (!l)
		return false;
	addr += ka_object_base(o, section);
	pthread_mutex_lock(&l->lock);
	struct ka_line_table *t = table_at(l, addr, &unit);
	const struct ka_line_row *row = t ? row_at(t, addr) : NULL;

	if (row && row->line) {
		ret->file = path_of(l, t, row->file);
		ret->name = name_of(l, t, row->file);
		ret->line = row->line;
	}
	pthread_mutex_unlock(&l->lock);
	return ret->file != NULL;
}

bool ka_object_line(struct ka_object *o, uint64_t addr, uint32_t section, const char **ret_file, unsigned *ret_line)
{
	struct ka_object_place place;
	bool is_found = ka_object_place(o, addr, section, &place);

	*ret_file = place.file;
	*ret_line = place.line;
	return is_found;
}

bool ka_lines_unit(struct ka_object *o, uint64_t addr, uint64_t *ret_unit)
{
	struct ka_lines *l = lines_get(o);
	bool is_found;

	if (!l)
		return false;
	pthread_mutex_lock(&l->lock);
	is_found = table_at(l, addr, ret_unit) != NULL;
	pthread_mutex_unlock(&l->lock);
	return is_found;
}

bool ka_lines_file(struct ka_object *o, uint64_t unit, uint64_t file, struct ka_object_place *ret)
{
	struct ka_lines *l = lines_get(o);

	if (!l || file > UINT32_MAX)
		return false;
	pthread_mutex_lock(&l->lock);
	struct ka_line_table *t = table_of(l, unit);

	if (t) {
		ret->file = path_of(l, t, (uint32_t)file);
		ret->name = name_of(l, t, (uint32_t)file);
	}
	pthread_mutex_unlock(&l->lock);
	return t && ret->file;
}

unsigned ka_object_last_line(struct ka_object *o, uint64_t addr, uint64_t end, uint32_t section, const char *file)
{
	struct ka_lines *l = lines_get(o);
	uint64_t unit, base = ka_object_base(o, section);
	unsigned last = 0;

	if (!l)
		return 0;
	addr += base;
	end += base;
	pthread_mutex_lock(&l->lock);
	struct ka_line_table *t = table_at(l, addr, &unit);

	for (size_t i = 0; t && i < t->sequence_count; i++) {
		const struct ka_line_sequence *s = &t->sequences[i];

		for (size_t n = 0; s->start < end && s->end > addr && n < s->count; n++) {
			const struct ka_line_row *r = &t->rows[s->first + n];
			const char *path;

			if (r->addr < addr || r->addr >= end || r->line <= last)
				continue;
			path = path_of(l, t, r->file);
			if (path && !strcmp(path, file))
				last = r->line;
		}
	}
	pthread_mutex_unlock(&l->lock);
	return last;
}

static bool is_path_end(const char *path, const char *end)
{
	size_t n = strlen(path), m = strlen(end);

	return m && m <= n && !strcmp(path + n - m, end) && (m == n || path[n - m - 1] == '/' || *end == '/');
}

bool ka_object_line_address(struct ka_object *o, const char *file, unsigned line, uint64_t *ret, uint64_t *ret_end)
{
	struct ka_lines *l = lines_get(o);
	const char *base = strrchr(file, '/') ? strrchr(file, '/') + 1 : file;
	struct ka_map seen = {0};
	bool is_found = false;

	if (!l || !*base)
		return false;
	while (!strncmp(file, "./", 2))
		file += 2;
	pthread_mutex_lock(&l->lock);
	if (!l->aranges.n && !l->has_units)
		units_read(l);
	const struct ranges *all = l->aranges.n ? &l->aranges : &l->units;

	for (size_t i = 0; i < all->n && !ka_interrupted(); i++) {
		if (!ka_map_add(&seen, all->at[i].unit, 1))
			continue;
		struct ka_line_table *t = table_of(l, all->at[i].unit);

		for (uint32_t f = 0; t && f < t->file_count; f++) {
			const char *name = t->files[f].name, *path;

			if (!name || !is_path_end(name, base) || !(path = path_of(l, t, f)) || !is_path_end(path, file))
				continue;
			for (size_t s = 0; s < t->sequence_count; s++) {
				for (size_t n = 0; n < t->sequences[s].count; n++) {
					const struct ka_line_row *r = &t->rows[t->sequences[s].first + n];

					if (r->file != f || r->line != line || !r->is_stmt || (is_found && r->addr >= *ret))
						continue;
					*ret = r->addr;
					*ret_end = n + 1 < t->sequences[s].count ? r[1].addr : t->sequences[s].end;
					is_found = true;
				}
			}
		}
	}
	pthread_mutex_unlock(&l->lock);
	ka_map_free(&seen);
	return is_found;
}
