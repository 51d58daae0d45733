/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which functions were inlined at an address, and from where. */
#include <dwarf.h>
#include "line.h"

static bool number(Dwarf_Die *die, unsigned name, uint64_t *ret)
{
	Dwarf_Attribute attr;
	Dwarf_Word v;

	if (!dwarf_attr(die, name, &attr) || dwarf_formudata(&attr, &v))
		return false;
	*ret = v;
	return true;
}

struct level {
	const char *function;
	bool is_inlined, has_call;
	uint64_t file, line;	/* where the next one called it */
};

/* scopes: from the innermost outwards, as they are nested. */
static size_t levels_of(Dwarf_Die *scopes, int count, struct level *ret, size_t max)
{
	size_t n = 0;

	for (int i = 0; i < count && n < max; i++) {
		int tag = dwarf_tag(&scopes[i]);
		struct level *l = &ret[n];

		if (tag != DW_TAG_inlined_subroutine && tag != DW_TAG_subprogram)
			continue;
		*l = (struct level){ .function = dwarf_diename(&scopes[i]), .is_inlined = tag == DW_TAG_inlined_subroutine };
		l->has_call = number(&scopes[i], DW_AT_call_file, &l->file) && number(&scopes[i], DW_AT_call_line, &l->line);
		n++;
		if (!l->is_inlined)
			break;
	}
	return n;
}

size_t ka_object_chain(struct ka_object *o, uint64_t addr, uint32_t section, struct ka_object_place *ret, size_t max)
{
	struct level levels[32];
	struct ka_object_place at;
	Dwarf_Die *scopes = NULL, *nested = NULL, root;
	Dwarf_Off next, abbrev;
	uint64_t unit;
	size_t header, n = 0;
	Dwarf *dw;
	int count;

	if (!ka_object_place(o, addr, section, &at))
		return 0;
	addr += ka_object_base(o, section);
	if (!ka_lines_unit(o, addr, &unit) || ka_error_drop(ka_object_dwarf(o, &dw)))
		return 0;
	ka_object_dwarf_lock(o);
	if (!dwarf_next_unit(dw, unit, &next, &header, NULL, &abbrev, NULL, NULL, NULL, NULL) && dwarf_offdie(dw, unit + header, &root)) {
		count = dwarf_getscopes(&root, addr, &scopes);
		/* what lies around an inlined function there is where it was written, not where it was called */
		if (count > 0)
			count = dwarf_getscopes_die(&scopes[0], &nested);
		if (count > 0)
			n = levels_of(nested, count, levels, KA_MIN(max, KA_COUNT(levels)));
	}
	ka_object_dwarf_unlock(o);
	free(scopes);
	free(nested);
	/* not under that lock: the lines have one of their own, under which they may take it */
	for (size_t i = 0; i < n; i++) {
		ret[i] = at;
		ret[i].function = levels[i].function;
		ret[i].is_inlined = levels[i].is_inlined;
		at = (struct ka_object_place){0};
		if (levels[i].has_call && ka_lines_file(o, unit, levels[i].file, &at))
			at.line = (unsigned)levels[i].line;
	}
	return n;
}
