/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From names to DIEs: types and enumerators that are defined at the top of a unit. */
#ifndef KA_DWARF_INDEX_H
#define KA_DWARF_INDEX_H

#include "dwarf_die.h"
#include "names.h"

/* What a name is of: the C name spaces. */
enum ka_dwarf_space { KA_DWARF_STRUCT, KA_DWARF_UNION, KA_DWARF_ENUM, KA_DWARF_TYPEDEF, KA_DWARF_BASE, KA_DWARF_ENUMERATOR };

struct ka_dwarf_name {
	const char *name;
	uint32_t id, hash;
	uint8_t space;
};

struct ka_dwarf_table {
	struct { KA_VEC(struct ka_dwarf_name); } list;
	struct ka_names names;		/* -> index in list + 1 */
};

/*
 * Two tables: of the few units that have nearly every struct that is ever asked for, and of all units, which is made
 * when the first does not know a name that the file's strings do have. Both have the same answer for the same name.
 */
struct ka_dwarf_index {
	struct ka_dwarf *dwarf;
	struct ka_lazy core_once, all_once;
	struct ka_dwarf_table core, all;
};

void ka_dwarf_index_init(struct ka_dwarf_index *x, struct ka_dwarf *d);
void ka_dwarf_index_deinit(struct ka_dwarf_index *x);
/* The DIE that defines the name (not one that only declares it), or 0. */
uint32_t ka_dwarf_index_find(struct ka_dwarf_index *x, enum ka_dwarf_space space, const char *name);
/* Every name there is. */
const struct ka_dwarf_table *ka_dwarf_index_all(struct ka_dwarf_index *x);

#endif
