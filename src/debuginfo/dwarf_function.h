/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The functions of a unit by the addresses of their code. */
#ifndef KA_DWARF_FUNCTION_H
#define KA_DWARF_FUNCTION_H

#include "dwarf_location.h"

struct ka_dwarf_functions {
	struct ka_dwarf_code {
		uint64_t start, end;
		uint32_t id;		/* of the function's DIE */
	} *at;				/* by start */
	size_t n;
};
void ka_dwarf_functions_free(struct ka_dwarf_functions *f);
/* The function of the unit whose code covers the address: its DIE. The unit's table is made and kept on first need. */
bool ka_dwarf_function_at(const struct ka_dwarf_lists *l, struct ka_dwarf_unit *u, uint64_t pc, struct ka_dwarf_die *ret);
/* Tells fn each function of the unit that has code (one of several ranges: each time) until it returns true, which is then returned. */
bool ka_dwarf_functions_each(const struct ka_dwarf_lists *l, struct ka_dwarf_unit *u, bool (*fn)(void *ctx, const struct ka_dwarf_die *function),
			     void *ctx);
/*
 * The function inlined there, or block, right inside a function (or what was inlined into it): a child of the DIE
 * whose code covers the address.
 */
bool ka_dwarf_block_at(const struct ka_dwarf_lists *l, const struct ka_dwarf_die *parent, uint64_t pc, struct ka_dwarf_die *ret);

#endif
