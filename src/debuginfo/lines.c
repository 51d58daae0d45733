/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Source file and line of an address: only the compilation unit that covers it is read. */
#include <dwarf.h>
#include "object.h"

#define UNITS_MAX	(1U << 20)
#define RANGES_MAX	(1U << 22)

struct ka_lines {
	struct ka_arena *arena;		/* of the paths given out */
	struct ka_map paths;		/* libdw's string -> normalised */
	Dwarf_Aranges *aranges;
	size_t arange_count;
	bool has_units;
	struct unit_range {
		uint64_t start, end;
		Dwarf_Off die;
	} *units;			/* sorted by start: where .debug_aranges says nothing */
	size_t unit_count;
};

void ka_lines_free(struct ka_lines *l)
{
	if (!l)
		return;
	ka_map_free(&l->paths);
	ka_arena_free(l->arena);
	free(l->units);
	free(l);
}

/* One pass over the units' top DIEs, not into them. clang writes no .debug_aranges, and hand-written assembly may lack it. */
static void units_index(struct ka_lines *l, Dwarf *dw, const char *path)
{
	struct { KA_VEC(struct unit_range); } v = { 0 };
	Dwarf_CU *cu = NULL;
	Dwarf_Die die;
	uint8_t kind;
	size_t unit_count = 0;

	l->has_units = true;
	while (unit_count++ < UNITS_MAX && !ka_interrupted() && !dwarf_get_units(dw, cu, &cu, NULL, &kind, &die, NULL)) {
		Dwarf_Addr base, start, end;
		ptrdiff_t at = 0;

		if (kind != DW_UT_compile && kind != DW_UT_skeleton)
			continue;
		while (v.n < RANGES_MAX && (at = dwarf_ranges(&die, at, &base, &start, &end)) > 0)
			if (start < end && start)
				ka_vec_push(&v, (struct unit_range){ start, end, dwarf_dieoffset(&die) });
	}
	struct ka_sort_key *keys = ka_xalloc(2 * (v.n + 1) * sizeof(*keys));

	for (size_t i = 0; i < v.n; i++)
		keys[i] = (struct ka_sort_key){ v.at[i].start, (uint32_t)i };
	struct ka_sort_key *sorted = ka_sort_keys(keys, keys + v.n + 1, v.n);

	l->units = ka_xalloc((v.n + 1) * sizeof(*l->units));
	for (size_t i = 0; i < v.n; i++)
		l->units[i] = v.at[sorted[i].at];
	l->unit_count = v.n;
	ka_log(2, "%s: %zu address ranges of compilation units", path, v.n);
	free(keys);
	ka_vec_free(&v);
}

static bool unit_at(struct ka_lines *l, Dwarf *dw, const char *path, uint64_t addr, Dwarf_Die *ret)
{
	size_t low = 0, high;

	if (l->aranges) {
		Dwarf_Arange *r = dwarf_getarange_addr(l->aranges, addr);
		Dwarf_Off off;

		if (r && !dwarf_getarangeinfo(r, NULL, NULL, &off) && dwarf_offdie(dw, off, ret))
			return true;
	}
	if (!l->has_units)
		units_index(l, dw, path);
	high = l->unit_count;
	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (l->units[mid].start <= addr)
			low = mid + 1;
		else
			high = mid;
	}
	return low && addr < l->units[low - 1].end && dwarf_offdie(dw, l->units[low - 1].die, ret);
}

/* "/build/linux/debian/build/x/../../../kernel/./panic.c" -> "/build/linux/kernel/panic.c". Link names are not looked at: the tree is elsewhere. */
static char *path_normal(struct ka_arena *a, const char *dir, const char *file)
{
	char *out = *file == '/' || !dir || !*dir ? ka_strdup(a, file) : ka_printf(a, "%s/%s", dir, file);
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
			memmove(to, in, n);
			to += n;
			*to++ = '/';	/* never further than in: each component lost its own slash or is the last */
			if (!in[n]) {
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

/* With dwarf_lock held. */
static const char *path_of(struct ka_lines *l, Dwarf_Line *line, Dwarf_Die *unit)
{
	const char *file = dwarf_linesrc(line, NULL, NULL), *dir = NULL;
	uint64_t known;

	if (!file)
		return NULL;
	if (ka_map_get(&l->paths, (uintptr_t)file, &known))
		return (const char *)(uintptr_t)known;
	if (*file != '/') {
		Dwarf_Attribute attr;

		dir = dwarf_formstring(dwarf_attr(unit, DW_AT_comp_dir, &attr));
	}
	char *path = path_normal(l->arena, dir, file);

	ka_map_set(&l->paths, (uintptr_t)file, (uintptr_t)path);
	return path;
}

bool ka_object_line(struct ka_object *o, uint64_t addr, uint32_t section, const char **ret_file, unsigned *ret_line)
{
	struct ka_object_priv *priv = ka_object_priv(o);
	struct ka_lines *l;
	Dwarf_Die unit;
	Dwarf *dw;
	bool is_found = false;
	int number = 0;

	*ret_file = NULL;
	*ret_line = 0;
	if (ka_error_drop(ka_object_dwarf(o, &dw)))
		return false;
	addr += ka_object_base(o, section);
	ka_object_dwarf_lock(o);
	l = priv->lines;
	if (!l) {
		l = priv->lines = ka_xalloc(sizeof(*l));
		l->arena = ka_arena_new();
		if (dwarf_getaranges(dw, &l->aranges, &l->arange_count))
			l->aranges = NULL;
	}
	if (unit_at(l, dw, o->path, addr, &unit)) {
		Dwarf_Line *line = dwarf_getsrc_die(&unit, addr);

		if (line && !dwarf_lineno(line, &number) && number > 0) {
			*ret_file = path_of(l, line, &unit);
			*ret_line = (unsigned)number;
			is_found = *ret_file != NULL;
		}
	}
	ka_object_dwarf_unlock(o);
	return is_found;
}
