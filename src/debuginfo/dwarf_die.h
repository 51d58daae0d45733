/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * DWARF's tree of entries as types need it: units, abbreviations, DIEs by number. An own reader since libdw's handle
 * is not for several threads, and since the look-up of one struct shall not pay for what libdw sets up. DWARF 2 to 5,
 * both byte orders, 32- and 64-bit format, type units, dwz's common file. Every offset is checked before use.
 */
#ifndef KA_DWARF_DIE_H
#define KA_DWARF_DIE_H

#include <dwarf.h>
#include <stdatomic.h>
#include "debuginfo.h"
#include "index_file.h"
#include "names.h"

struct ka_dwarf_bytes {
	const uint8_t *at;
	size_t size;
};

struct ka_dwarf_attr {
	uint16_t name, form;
	int64_t implicit;	/* value of DW_FORM_implicit_const */
};

struct ka_dwarf_abbrev {
	uint32_t code;
	uint16_t tag;
	bool has_children;
	bool has_name, is_declaration;	/* has DW_AT_name, DW_AT_declaration, whatever their values */
	bool has_place;			/* a variable with a place or value; a function with code */
	bool has_origin, is_inline;	/* DW_AT_specification or DW_AT_abstract_origin; DW_AT_inline */
	uint32_t attr_first, attr_count;
	/* What a scan needs to pass a DIE without looking at each attribute; -1: unknown, or not at a fixed place. */
	int32_t fixed_size;		/* of all attributes */
	int16_t name_at, sibling_at;	/* of a DW_FORM_strp of 4 bytes; of a DW_FORM_ref4 */
	int16_t size_at, line_at;	/* of DW_AT_byte_size, DW_AT_decl_line */
	uint8_t size_width, line_width;
	int64_t line;			/* of DW_FORM_implicit_const: line_at is -1 then */
};

struct ka_dwarf_abbrevs {
	struct { KA_VEC(struct ka_dwarf_abbrev); } list;	/* sorted by code */
	struct { KA_VEC(struct ka_dwarf_attr); } attrs;
};

/* One file's sections: the object's own, or dwz's common file. */
struct ka_dwarf_file {
	struct ka_dwarf_bytes info, types, abbrev, str, line_str, str_offsets;
	bool is_merged_str;	/* .debug_str has every name longer than an offset: the linker merged it */
	uint32_t info_id, types_id;	/* number of the first byte of .debug_info and .debug_types */
};

struct ka_dwarf_unit {
	const struct ka_dwarf_file *file;
	const uint8_t *at;		/* the header; size counts from here */
	uint32_t id;			/* DIE numbers are this + offset from at */
	uint32_t size, header_size;
	uint64_t abbrev_offset;
	uint64_t signature;		/* type units */
	_Atomic uint64_t str_offsets_base;	/* of DW_FORM_strx: behind the table's header until the root DIE says better */
	uint32_t type_offset;
	uint8_t version, offset_size, address_size, type;
	uint32_t info_base;		/* number that DW_FORM_ref_addr counts from */
	_Atomic(struct ka_dwarf_abbrevs *) abbrevs;	/* made when first needed */
	_Atomic(struct ka_dwarf_functions *) functions;	/* dwarf_function.c; so, too */
	_Atomic(struct ka_dwarf_bases *) bases;		/* dwarf_location.c; so, too */
};

/* All units; or, until these are needed, only those that were asked for by their place: a kernel has thousands. */
struct ka_dwarf_units {
	struct ka_lazy once;
	struct ka_dwarf_unit *at;	/* by id */
	size_t n, cap;
	pthread_mutex_t lock;
	struct { KA_VEC(struct ka_dwarf_unit *); } few;	/* under the lock */
	const struct ka_index *index;	/* that knows where units begin; NULL: none. Under the lock */
};

struct ka_dwarf {
	struct ka_dwarf_file files[2];	/* [1]: dwz's common file, where there is one */
	struct ka_dwarf_units *units;
	struct ka_object *object;
	bool is_swapped, is_big_endian;
	const uint8_t *mapped;		/* pages of the file that may be given back after a scan; NULL: none */
	size_t mapped_size;
};

enum ka_dwarf_has {
	KA_DWARF_BYTE_SIZE = 1, KA_DWARF_LOCATION = 2, KA_DWARF_BIT_SIZE = 4, KA_DWARF_DATA_BIT_OFFSET = 8,
	KA_DWARF_BIT_OFFSET = 16, KA_DWARF_COUNT = 32, KA_DWARF_UPPER_BOUND = 64, KA_DWARF_VALUE = 128,
	KA_DWARF_STR_OFFSETS_BASE = 256, KA_DWARF_ADDR = 512, KA_DWARF_LINES = 1024,
};

/* One DIE with those of its attributes that matter to types. */
struct ka_dwarf_die {
	struct ka_dwarf_unit *unit;
	uint32_t id;
	uint16_t tag;			/* 0: the end of a list of siblings */
	bool has_children, is_declaration, is_external;
	unsigned has;			/* enum ka_dwarf_has */
	const char *name;		/* NULL none */
	uint32_t type;			/* id; 0 none */
	uint32_t signature;		/* DW_AT_signature, resolved to an id; 0 none */
	uint64_t byte_size, bit_size, data_bit_offset, bit_offset, location, encoding, count, upper_bound;
	int64_t value;
	uint32_t origin;		/* id of DW_AT_specification or DW_AT_abstract_origin; 0 none */
	uint64_t addr;			/* of variables and code, as linked */
	uint64_t decl_line, stmt_list;
	const char *comp_dir;		/* units */
	uint64_t language, str_offsets_base;
	const uint8_t *next, *sibling;	/* behind the attributes; the sibling when told (else NULL) */
};

/*
 * The object's DWARF (of its separate debug file, where it has none itself), made on first call; the object's own, until
 * it is closed. MISSING when there is no .debug_info. Sections are unpacked, those of ET_REL relocated: addresses are then in the
 * layout of ka_object_base(). All of it may be called from several threads.
 */
struct ka_error *ka_object_dwarf(struct ka_object *o, struct ka_dwarf **ret) KA_MUST_CHECK;
/* Every unit there is, up to the first damage. */
const struct ka_dwarf_units *ka_dwarf_units(const struct ka_dwarf *d);
/* The unit whose header has this number, or that has the DIE of this number; NULL: none. */
struct ka_dwarf_unit *ka_dwarf_unit_at(const struct ka_dwarf *d, uint32_t id);
struct ka_dwarf_unit *ka_dwarf_unit_of(const struct ka_dwarf *d, uint32_t id);
/* An index of it, until it is withdrawn: with it, units need not be listed to be found. The first one counts. */
void ka_dwarf_set_index(const struct ka_dwarf *d, const struct ka_index *x);
void ka_dwarf_withdraw_index(const struct ka_dwarf *d, const struct ka_index *x);
/* False when there is no DIE of this number. */
bool ka_dwarf_die(const struct ka_dwarf *d, uint32_t id, struct ka_dwarf_die *ret);
/* The unit's own, outermost DIE; a NULL: the unit's table of abbreviations is made and kept. */
bool ka_dwarf_root(const struct ka_dwarf *d, struct ka_dwarf_unit *u, const struct ka_dwarf_abbrevs *a, struct ka_dwarf_die *ret);
/* Walks children: for (ok = ka_dwarf_child(d, &die, &c); ok; ok = ka_dwarf_next(d, &c)). */
bool ka_dwarf_child(const struct ka_dwarf *d, const struct ka_dwarf_die *die, struct ka_dwarf_die *ret);
bool ka_dwarf_next(const struct ka_dwarf *d, struct ka_dwarf_die *die);

/* ---- for the index's scan ---- */

/* Fills list and attrs anew (their memory is used again). False when the table is damaged. */
bool ka_dwarf_abbrevs_parse(const struct ka_dwarf_unit *u, struct ka_dwarf_abbrevs *ret);
/* The outermost DIE with the one abbreviation that it needs: a tenth of the time when no other DIE will be read. */
bool ka_dwarf_root_alone(const struct ka_dwarf *d, struct ka_dwarf_unit *u, struct ka_dwarf_abbrevs *room, struct ka_dwarf_die *ret);
/* The same, but no further than to the abbreviation of a code. */
bool ka_dwarf_abbrevs_until(const struct ka_dwarf_unit *u, uint64_t last, struct ka_dwarf_abbrevs *ret);
void ka_dwarf_abbrevs_free(struct ka_dwarf_abbrevs *a);
const struct ka_dwarf_abbrev *ka_dwarf_abbrev(const struct ka_dwarf_abbrevs *a, uint64_t code);
/* Reads the DIE at p with the unit's table given; false at damage. */
bool ka_dwarf_die_at(const struct ka_dwarf *d, struct ka_dwarf_unit *u, const struct ka_dwarf_abbrevs *a, const uint8_t *p,
		     struct ka_dwarf_die *ret);
/* The unit's table, made and kept on first need; empty when damaged. */
const struct ka_dwarf_abbrevs *ka_dwarf_abbrevs_of(const struct ka_dwarf *d, struct ka_dwarf_unit *u);
/* Behind the DIE at p and all below it, or NULL at damage. */
const uint8_t *ka_dwarf_skip(const struct ka_dwarf *d, struct ka_dwarf_unit *u, const struct ka_dwarf_abbrevs *a, const uint8_t *p);
/* Pages of the units from first up to end are not needed for now. */
void ka_dwarf_forget(const struct ka_dwarf *d, const struct ka_dwarf_units *units, size_t first, size_t end);

static inline uint32_t ka_dwarf_u32(const struct ka_dwarf *d, const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, 4);
	return d->is_swapped ? __builtin_bswap32(v) : v;
}

/* The next LEB128 number; *p becomes NULL when it does not end before end. */
static inline uint64_t ka_dwarf_uleb(const uint8_t **p, const uint8_t *end)
{
	uint64_t v = 0;

	for (unsigned shift = 0; *p && *p < end; shift += 7) {
		uint8_t byte = *(*p)++;

		if (shift < 64)
			v |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return v;
	}
	*p = NULL;
	return 0;
}

#endif
