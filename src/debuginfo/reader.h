/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Private to src/debuginfo: numbers out of a section, in the object's byte order, never beyond an end. */
#ifndef KA_READER_H
#define KA_READER_H

#include "object.h"

/* Reads never pass end: they yield 0 and set is_bad. */
struct ka_reader {
	const struct ka_object *o;
	const uint8_t *data;	/* of the section */
	size_t at, end;		/* offsets in it */
	bool is_bad;
};

uint64_t ka_reader_uint(struct ka_reader *b, size_t size);
uint64_t ka_reader_uleb(struct ka_reader *b);
int64_t ka_reader_sleb(struct ka_reader *b);
void ka_reader_skip(struct ka_reader *b, uint64_t size);
/* A string up to its NUL; "" and is_bad when it has none before the end. */
const char *ka_reader_string(struct ka_reader *b);
/* An initial length of DWARF: *ret_offset_size is 4 or 8, and end is moved to where the unit ends; what lies behind it
 * is returned. At damage is_bad. */
size_t ka_reader_unit(struct ka_reader *b, unsigned *ret_offset_size);

#endif
