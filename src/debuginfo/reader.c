/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Numbers out of a section, in the object's byte order, never beyond an end. */
#include "reader.h"

uint64_t ka_reader_uint(struct ka_reader *b, size_t size)
{
	if (size > b->end - b->at) {
		b->is_bad = true;
		b->at = b->end;
		return 0;
	}
	uint64_t v = ka_object_uint(b->o, b->data + b->at, size);

	b->at += size;
	return v;
}

uint64_t ka_reader_uleb(struct ka_reader *b)
{
	uint64_t v = 0;

	for (unsigned shift = 0; ; shift += 7) {
		uint64_t byte = ka_reader_uint(b, 1);

		if (shift < 64)
			v |= (byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return v;
	}
}

int64_t ka_reader_sleb(struct ka_reader *b)
{
	uint64_t v = 0, byte;
	unsigned shift = 0;

	do {
		byte = ka_reader_uint(b, 1);
		if (shift < 64)
			v |= (byte & 0x7f) << shift;
		shift += 7;
	} while (byte & 0x80);
	if ((byte & 0x40) && shift < 64)
		v |= ~0ULL << shift;
	return (int64_t)v;
}

void ka_reader_skip(struct ka_reader *b, uint64_t size)
{
	if (size > b->end - b->at) {
		b->is_bad = true;
		size = b->end - b->at;
	}
	b->at += (size_t)size;
}

const char *ka_reader_string(struct ka_reader *b)
{
	const uint8_t *start, *end;

	start = b->at < b->end ? b->data + b->at : NULL;	/* a section that is not there has no bytes to point to */
	end = start ? memchr(start, 0, b->end - b->at) : NULL;
	if (!end) {
		b->is_bad = true;
		b->at = b->end;
		return "";
	}
	b->at += (size_t)(end - start) + 1;
	return (const char *)start;
}

size_t ka_reader_unit(struct ka_reader *b, unsigned *ret_offset_size)
{
	uint64_t size = ka_reader_uint(b, 4);

	*ret_offset_size = size == 0xffffffff ? 8 : 4;
	if (size == 0xffffffff)
		size = ka_reader_uint(b, 8);
	if (size > b->end - b->at)
		b->is_bad = true;
	else
		b->end = b->at + (size_t)size;
	return b->end;
}
