/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Calls as debuginfo has them, and the functions that a call went through on its way, each left by a jump to the next. */
#ifndef KA_TAIL_CALL_H
#define KA_TAIL_CALL_H

#include "dwarf_location.h"

#define KA_TAIL_CALLS_MAX 6

struct ka_tail_calls {
	struct { struct ka_dwarf_die function, site; } at[KA_TAIL_CALLS_MAX];	/* from the one called to the one that jumped to the callee */
	unsigned count;
};

static inline bool ka_dwarf_is_call(const struct ka_dwarf_die *die)
{
	return die->tag == DW_TAG_call_site || die->tag == DW_TAG_GNU_call_site;
}

/* The address behind a call, as linked. */
bool ka_dwarf_call_return(const struct ka_dwarf_lists *l, const struct ka_dwarf_die *site, uint64_t *ret);
/* The function that a call names; false: a call through a pointer. */
bool ka_dwarf_call_origin(const struct ka_dwarf *d, const struct ka_dwarf_die *site, struct ka_dwarf_die *ret);
/* The function whose code lies at an address, as linked. */
bool ka_dwarf_function_at_address(struct ka_object *o, const struct ka_dwarf_lists *l, uint64_t addr, struct ka_dwarf_die *ret);
/* The code of a function that a call names: its DIE may be a declaration. False: not known, or there are several. */
bool ka_dwarf_function_of(struct ka_object *o, const struct ka_dwarf_lists *l, const struct ka_dwarf_die *named, struct ka_dwarf_die *ret);
struct ka_dwarf_types;
/*
 * The one way of jumps from a function to another; kept. NULL: there is none, there are several, or not all jumps are told of: a jump
 * through a pointer may go anywhere.
 */
const struct ka_tail_calls *ka_dwarf_tail_calls(struct ka_dwarf_types *t, const struct ka_dwarf_lists *l, const struct ka_dwarf_die *from,
						const struct ka_dwarf_die *to);
/* Does any function of its own unit jump to it? */
bool ka_dwarf_is_tail_called(struct ka_dwarf_types *t, const struct ka_dwarf_lists *l, const struct ka_dwarf_die *function);

#endif
