/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which functions were inlined at an address, and from where. */
#include "dwarf_function.h"
#include "line.h"

#define NESTING_MAX	96	/* blocks within one another */

struct level {
	const char *function;
	bool has_call;
	uint64_t file, line;	/* where it was called */
};

static bool number(const struct ka_dwarf *d, const struct ka_dwarf_die *die, unsigned name, uint64_t *ret)
{
	struct ka_dwarf_raw raw;

	if (!ka_dwarf_attribute(d, die, name, &raw) || raw.v.kind != KA_DWARF_IS_NUMBER)
		return false;
	*ret = raw.v.u;
	return true;
}

/* From the function whose code it is inwards. */
static size_t levels_of(const struct ka_dwarf_lists *l, struct ka_dwarf_unit *u, uint64_t pc, struct level *ret)
{
	struct ka_dwarf_die at, inner;
	size_t n = 1;

	if (!ka_dwarf_function_at(l, u, pc, &at))
		return 0;
	ret[0] = (struct level){ .function = ka_dwarf_name(l->d, &at) };
	for (unsigned i = 0; i < NESTING_MAX && ka_dwarf_block_at(l, &at, pc, &inner); i++) {
		at = inner;
		if (at.tag != DW_TAG_inlined_subroutine)
			continue;
		ret[n] = (struct level){ .function = ka_dwarf_name(l->d, &at) };
		ret[n].has_call = number(l->d, &at, DW_AT_call_file, &ret[n].file) && number(l->d, &at, DW_AT_call_line, &ret[n].line);
		n++;
	}
	return n;
}

size_t ka_object_chain(struct ka_object *o, uint64_t addr, uint32_t section, struct ka_object_place *ret, size_t max)
{
	struct level levels[NESTING_MAX + 1];
	struct ka_object_place at;
	struct ka_dwarf_lists l;
	struct ka_dwarf_unit *u;
	struct ka_dwarf *d;
	uint64_t offset;
	size_t n;

	if (!ka_object_place(o, addr, section, &at))
		return 0;
	addr += ka_object_base(o, section);
	if (!ka_lines_unit(o, addr, &offset) || ka_error_drop(ka_object_dwarf(o, &d)) || offset >= d->files[0].info.size)
		return 0;
	u = ka_dwarf_unit_at(d, d->files[0].info_id + (uint32_t)offset);
	if (!u)
		return 0;
	ka_dwarf_ranges_open(o, d, &l);
	n = levels_of(&l, u, addr, levels);
	for (size_t i = 0; i < KA_MIN(n, max); i++) {
		const struct level *level = &levels[n - 1 - i];

		ret[i] = at;
		ret[i].function = level->function;
		ret[i].is_inlined = i + 1 < n;
		at = (struct ka_object_place){0};
		if (level->has_call && ka_lines_file(o, offset, level->file, &at))
			at.line = (unsigned)level->line;
	}
	return KA_MIN(n, max);
}
