/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From names to DIEs: types and enumerators that are defined at the top of a unit. */
#ifndef KA_DWARF_INDEX_H
#define KA_DWARF_INDEX_H

#include "dwarf_die.h"
#include "index_file.h"
#include "names.h"

/*
 * What a name is of: the C name spaces; of functions apart those that are only ever
 * inlined, of variables those that are declared (what the linker script or assembly defines, as jiffies). Numbers are in
 * cache files.
 */
enum ka_dwarf_space { KA_DWARF_STRUCT, KA_DWARF_UNION, KA_DWARF_ENUM, KA_DWARF_TYPEDEF, KA_DWARF_BASE, KA_DWARF_ENUMERATOR,
		      KA_DWARF_VARIABLE, KA_DWARF_FUNCTION, KA_DWARF_INLINE, KA_DWARF_DECLARED };

struct ka_dwarf_name {
	const char *name;
	uint32_t id, hash;
	uint32_t print;		/* 24 bits of a type's size and line: unlike types of one name */
	uint8_t space;
};

struct ka_dwarf_table {
	struct { KA_VEC(struct ka_dwarf_name); } list;
	struct ka_names names;		/* -> index in list + 1 */
};

/*
 * Two: the types of the few units that have nearly every struct that is ever asked for, and the index of all units, with
 * variables and functions, which is made when the first does not know a name that the file's strings do have, or read
 * from where it was kept. Both have the same answer for the same name.
 */
struct ka_dwarf_index {
	struct ka_dwarf *dwarf;
	struct ka_object *object;	/* whose build-id names the file that it is kept in */
	struct ka_lazy core_once, all_once, file_once;
	struct ka_dwarf_table core;
	struct ka_index all;
	atomic_bool has_file;		/* all was read from the file */
	char *path;			/* where it is kept; NULL: nowhere */
	struct ka_index_key key;
};

void ka_dwarf_index_init(struct ka_dwarf_index *x, struct ka_dwarf *d, struct ka_object *o);
void ka_dwarf_index_deinit(struct ka_dwarf_index *x);
/* The DIE that defines the name (not one that only declares it), or 0. */
uint32_t ka_dwarf_index_find(struct ka_dwarf_index *x, enum ka_dwarf_space space, const char *name);
/* Every name there is. */
const struct ka_index *ka_dwarf_index_all(struct ka_dwarf_index *x);
/* The index as it was kept, for those who need no DIE. False: none was. */
bool ka_dwarf_index_kept(struct ka_object *o, struct ka_index *ret);
uint32_t ka_dwarf_index_hash(unsigned space, const char *name);

#endif
