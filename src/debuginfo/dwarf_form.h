/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* DWARF's forms: how the value of an attribute is written. */
#ifndef KA_DWARF_FORM_H
#define KA_DWARF_FORM_H

#include "dwarf_die.h"

/* An attribute's value: a number, a reference, a string or a block; NONE: of no use to types, or out of bounds. */
struct ka_dwarf_value {
	enum { KA_DWARF_IS_NONE, KA_DWARF_IS_NUMBER, KA_DWARF_IS_REF, KA_DWARF_IS_STRING, KA_DWARF_IS_BLOCK } kind;
	uint64_t u;		/* number (signed ones sign-extended), id, size of the block */
	const uint8_t *at;	/* string (terminated) or block */
};

/* What reading needs; p becomes NULL at the first damage, and stays so. */
struct ka_dwarf_reader {
	const struct ka_dwarf *d;
	struct ka_dwarf_unit *u;
	const uint8_t *p, *end;
};

/* A number of so many bytes, up to 8, in the file's byte order. */
uint64_t ka_dwarf_fixed(struct ka_dwarf_reader *r, unsigned size);
int64_t ka_dwarf_sleb(struct ka_dwarf_reader *r);
/* The value of an attribute of this form (implicit: of DW_FORM_implicit_const). An unknown form is damage. */
void ka_dwarf_value(struct ka_dwarf_reader *r, unsigned form, int64_t implicit, struct ka_dwarf_value *v);

#endif
