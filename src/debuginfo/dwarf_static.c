/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Static variables of functions: "count.3" of the symbol table (of clang: "function.count") is "count" in some block of some unit. No index has these; which
 * file a local symbol is of stands before it in the table, code of that file leads to its unit, and there the address decides.
 */
#include "dwarf_location.h"
#include "dwarf_types.h"
#include "line.h"
#include "object.h"

#define DEPTH_MAX	64	/* blocks within one another */
#define VISITS_MAX	(1u << 20)	/* DIEs of a unit */
#define FUNCTIONS_MAX	64	/* of one file that are asked for their unit */
#define UNITS_MAX	8	/* as those of an object made by ld -r, or of several languages */

struct search {
	struct ka_dwarf_types *t;
	uint64_t addr;
	const char *name;	/* as the symbol has it; of what has no size, many may lie at one address */
	unsigned visits;
	struct ka_dwarf_die found;
};

static bool is_block(unsigned tag)
{
	return tag == DW_TAG_subprogram || tag == DW_TAG_lexical_block || tag == DW_TAG_inlined_subroutine || tag == DW_TAG_namespace;
}

/* "count" of "count.3", "function.count", "function.count.5" */
static bool is_part(const char *symbol, const char *name)
{
	size_t first = strcspn(symbol, "."), second = symbol[first] ? strcspn(symbol + first + 1, ".") : 0, len = strlen(name);

	return (first == len && !memcmp(symbol, name, len)) || (second == len && !memcmp(symbol + first + 1, name, len));
}

static bool visit(struct search *s, const struct ka_dwarf_die *parent, unsigned depth)
{
	struct ka_dwarf_die c;

	for (bool ok = ka_dwarf_child(s->t->dwarf, parent, &c); ok && s->visits++ < VISITS_MAX; ok = ka_dwarf_next(s->t->dwarf, &c)) {
		if (c.tag == DW_TAG_variable && c.has & KA_DWARF_ADDR && c.addr == s->addr) {
			const char *name = ka_dwarf_name(s->t->dwarf, &c);

			if (name && is_part(s->name, name)) {
				s->found = c;
				return true;
			}
		}
		if (c.has_children && is_block(c.tag) && depth < DEPTH_MAX && visit(s, &c, depth + 1))
			return true;
	}
	return false;
}

static bool in_unit(struct search *s, struct ka_dwarf_unit *u)
{
	struct ka_dwarf_die root;

	return u && ka_dwarf_root(s->t->dwarf, u, NULL, &root) && visit(s, &root, 0);
}

/* One symbol of the file's table. */
struct raw {
	uint64_t addr, size;
	uint32_t name, section;
	unsigned type;
};

static void raw_read(struct ka_object *o, const uint8_t *e, struct raw *ret)
{
	bool is_64 = o->is_64bit;

	ret->name = (uint32_t)ka_object_uint(o, e, 4);
	ret->type = ELF64_ST_TYPE(e[is_64 ? offsetof(Elf64_Sym, st_info) : offsetof(Elf32_Sym, st_info)]);
	ret->section = (uint32_t)ka_object_uint(o, e + (is_64 ? offsetof(Elf64_Sym, st_shndx) : offsetof(Elf32_Sym, st_shndx)), 2);
	ret->addr = is_64 ? ka_object_uint(o, e + offsetof(Elf64_Sym, st_value), 8) : ka_object_uint(o, e + offsetof(Elf32_Sym, st_value), 4);
	ret->addr += ka_object_base(o, ret->section);
}

/* Functions of the source file whose local symbol of that name lies at the address. */
static size_t file_functions(struct ka_object *o, const char *name, uint64_t addr, uint64_t ret[FUNCTIONS_MAX])
{
	size_t entry = o->is_64bit ? sizeof(Elf64_Sym) : sizeof(Elf32_Sym), size = 0, count, first = 0, n = 0;
	const struct ka_section *table = NULL;
	size_t strings_size = 0, len = strlen(name) + 1;
	const uint8_t *at, *strings;
	bool is_there = false;
	struct raw raw;

	for (size_t i = 1; i < o->section_count && !table; i++)
		if (o->sections[i].type == SHT_SYMTAB)
			table = &o->sections[i];
	if (!table || !table->link || table->link >= o->section_count || ka_error_drop(ka_object_content(o, table, &at, &size)) ||
	    ka_error_drop(ka_object_content(o, &o->sections[table->link], &strings, &strings_size)))
		return 0;
	count = size / entry;
	for (size_t i = 0; i <= count; i++) {
		if (i < count)
			raw_read(o, at + i * entry, &raw);
		if (i == count || raw.type == STT_FILE) {
			if (is_there)
				break;
			first = i + 1;
		} else if (raw.type == STT_OBJECT && raw.addr == addr && raw.name < strings_size && strings_size - raw.name >= len &&
			   !memcmp(strings + raw.name, name, len)) {
			is_there = true;
		}
	}
	for (size_t i = first; is_there && i < count && n < FUNCTIONS_MAX; i++) {
		raw_read(o, at + i * entry, &raw);
		if (raw.type == STT_FILE)
			break;
		if (raw.type == STT_FUNC)
			ret[n++] = raw.addr;
	}
	return n;
}

bool ka_dwarf_static_at(struct ka_types *types, const char *name, uint64_t addr, struct ka_type_named *ret)
{
	struct ka_dwarf_types *t = types->priv;
	struct ka_object *o = t->index.object, *table = o;
	const struct ka_dwarf_file *f = &t->dwarf->files[0];
	struct search s = { .t = t, .addr = addr, .name = name };
	uint64_t functions[FUNCTIONS_MAX], unit, seen[UNITS_MAX];
	size_t n, units = 0;
	bool is_found = false;

	n = file_functions(o, name, addr, functions);
	if (!n && (table = ka_object_debug(o, NULL)) && table != o)
		n = file_functions(table, name, addr, functions);
	for (size_t i = 0; i < n && units < UNITS_MAX && !is_found; i++) {
		bool is_new = ka_lines_unit(o, functions[i], &unit) && unit < f->info.size;

		for (size_t k = 0; k < units && is_new; k++)
			is_new = seen[k] != unit;
		if (!is_new)
			continue;
		seen[units++] = unit;
		is_found = in_unit(&s, ka_dwarf_unit_at(t->dwarf, f->info_id + (uint32_t)unit));
	}
	if (is_found)
		*ret = (struct ka_type_named){ .id = s.found.id, .has_addr = true, .addr = addr };
	return is_found;
}
