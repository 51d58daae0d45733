/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where code and objects are: attributes that types do not need, ranges, location lists. */
#ifndef KA_DWARF_LOCATION_H
#define KA_DWARF_LOCATION_H

#include "dwarf_expr.h"
#include "dwarf_form.h"

/* The sections that locations lie in; made on the stack, borrowed from the object. */
struct ka_dwarf_lists {
	const struct ka_dwarf *d;
	struct ka_dwarf_bytes loc, loclists, ranges, rnglists, addr;
};
void ka_dwarf_lists_open(struct ka_object *o, const struct ka_dwarf *d, struct ka_dwarf_lists *ret);
/* Without those of location lists: enough to know what code is where. */
void ka_dwarf_ranges_open(struct ka_object *o, const struct ka_dwarf *d, struct ka_dwarf_lists *ret);

struct ka_dwarf_raw {
	unsigned form;
	struct ka_dwarf_value v;	/* indices (addrx, loclistx, rnglistx) are numbers here */
};
/* An attribute of a DIE itself; ka_dwarf_inherited: of it, or of what it is an instance of. */
bool ka_dwarf_attribute(const struct ka_dwarf *d, const struct ka_dwarf_die *die, unsigned name, struct ka_dwarf_raw *ret);
bool ka_dwarf_inherited(const struct ka_dwarf *d, const struct ka_dwarf_die *die, unsigned name, struct ka_dwarf_raw *ret,
			struct ka_dwarf_die *ret_owner);
/* The value at r of a form, indices included; NONE and r->p NULL at damage. */
void ka_dwarf_raw_value(struct ka_dwarf_reader *r, const struct ka_dwarf_attr *attr, struct ka_dwarf_raw *ret);
/* Its own name, or that of what it is an instance of; NULL none. */
const char *ka_dwarf_name(const struct ka_dwarf *d, const struct ka_dwarf_die *die);
/* An attribute of class address, by index too. */
bool ka_dwarf_address(const struct ka_dwarf_lists *l, const struct ka_dwarf_die *die, unsigned name, uint64_t *ret);
/* The address of an index in .debug_addr. */
bool ka_dwarf_indexed(const struct ka_dwarf_lists *l, struct ka_dwarf_unit *u, uint64_t index, uint64_t *ret);

/* DW_AT_low_pc, DW_AT_high_pc and DW_AT_ranges of a DIE as they are written; form 0: it has none. */
struct ka_dwarf_extent {
	struct ka_dwarf_raw low, high, ranges;
};
/* Takes the attribute when it is one of these. */
void ka_dwarf_extent_add(struct ka_dwarf_extent *x, unsigned name, const struct ka_dwarf_raw *raw);
/* Tells fn each range of addresses until it returns true, which is then returned. */
bool ka_dwarf_extent_each(const struct ka_dwarf_lists *l, struct ka_dwarf_unit *u, const struct ka_dwarf_extent *x,
			  bool (*fn)(void *ctx, uint64_t start, uint64_t end), void *ctx);
bool ka_dwarf_extent_covers(const struct ka_dwarf_lists *l, struct ka_dwarf_unit *u, const struct ka_dwarf_extent *x, uint64_t pc);
/* Of a DIE, with its unit's table of abbreviations given. */
void ka_dwarf_extent_of(const struct ka_dwarf *d, const struct ka_dwarf_die *die, const struct ka_dwarf_abbrevs *a,
			struct ka_dwarf_extent *ret);
/* Does the code of a DIE cover the address? */
bool ka_dwarf_covers(const struct ka_dwarf_lists *l, const struct ka_dwarf_die *die, uint64_t pc);

/* The expression of a location attribute at an address. False: none there: optimized out. An empty one (size 0) says the same. */
bool ka_dwarf_location(const struct ka_dwarf_lists *l, struct ka_dwarf_unit *u, const struct ka_dwarf_raw *raw, uint64_t pc,
		       const uint8_t **ret, size_t *ret_size);
/* One list, at an offset of its section; version of the unit chooses the format. */
bool ka_dwarf_location_list(const struct ka_dwarf_lists *l, struct ka_dwarf_unit *u, uint64_t offset, uint64_t base, uint64_t pc,
			    const uint8_t **ret, size_t *ret_size);

#endif
