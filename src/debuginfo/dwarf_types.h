/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Private to dwarf_types.c and dwarf_named.c: what types over DWARF are made of. */
#ifndef KA_DWARF_TYPES_H
#define KA_DWARF_TYPES_H

#include "dwarf_index.h"

struct ka_tail_calls;
struct ka_dwarf_types {
	struct ka_types types;
	struct ka_dwarf *dwarf;		/* the object's */
	struct ka_dwarf_index index;
	/* An array of several dimensions is one DIE; the second dimension on, its subrange stands for the array inside. */
	pthread_mutex_t dimensions_lock;
	struct ka_map dimensions;	/* subrange -> array */
	/* What was asked of jumps between functions: hundreds of stacks ask the same. */
	pthread_mutex_t jumps_lock;
	struct ka_map jumps;		/* from, to -> index in ways + 1; 0: none */
	struct { KA_VEC(struct ka_tail_calls *); } ways;
	struct ka_lazy rust_once;
	struct ka_dwarf_rust *rust;
};

size_t ka_dwarf_named(struct ka_types *types, const char *name, struct ka_arena *a, struct ka_type_named **ret);
size_t ka_dwarf_find_all(struct ka_types *types, enum ka_type_kind kind, const char *name, struct ka_arena *a, struct ka_type_named **ret);
size_t ka_dwarf_twins(struct ka_types *types, enum ka_type_kind kind, const char *name, const char *file, struct ka_arena *a,
		      struct ka_type_named **ret);

/* Follows typedefs and qualifiers; brief (may be NULL) gets the outermost typedef. False at damage and loops. */
bool ka_dwarf_resolve(struct ka_dwarf_types *t, uint32_t id, struct ka_dwarf_die *ret, struct ka_type_brief *brief);
/* UINT64_MAX: beyond all bounds. */
uint64_t ka_dwarf_size_of(struct ka_dwarf_types *t, const struct ka_dwarf_die *type);
enum ka_type_kind ka_dwarf_kind_of(const struct ka_dwarf_die *die);

/* dwarf_members.c: the face's functions */
bool ka_dwarf_member(struct ka_types *types, uint32_t id, const char *name, uint64_t *ret_offset_bits, uint32_t *ret_bit_size,
		     uint32_t *ret_type);
size_t ka_dwarf_members(struct ka_types *types, uint32_t id, struct ka_arena *a, struct ka_type_part **ret);
size_t ka_dwarf_enumerators(struct ka_types *types, uint32_t id, struct ka_arena *a, struct ka_type_part **ret);

/* dwarf_static.c */
bool ka_dwarf_static_at(struct ka_types *types, const char *name, uint64_t addr, struct ka_type_named *ret);

/* dwarf_rust.c */
size_t ka_dwarf_rust_types(struct ka_types *types, const char *path, struct ka_arena *a, struct ka_type_named **ret);
bool ka_dwarf_rust_at(struct ka_types *types, uint64_t addr, struct ka_type_named *ret);
void ka_dwarf_rust_free(struct ka_dwarf_rust *r);

#endif
