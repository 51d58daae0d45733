/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where kallsyms lies, in kernels whose VMCOREINFO does not tell (before 5fd8fea935a1, v6.0). Its tables stand in the image as
 * scripts/kallsyms.c wrote them: offsets (or addresses), relative_base, num_syms, names, markers, token_table, token_index,
 * each aligned to 8 bytes. token_index has a form that nothing else has; the others are found from it backwards.
 */
#include <ctype.h>
#include <inttypes.h>
#include "kallsyms.h"

#define IMAGE_MAX (192u << 20)		/* bytes from _stext that are searched */
#define WINDOW (1u << 20)
#define TOKEN_MAX 64			/* bytes of a token's text, with its NUL */
#define MARKERS_MAX (4096u * 4)		/* one for 256 symbols */
#define NAME_BYTES_MAX 64		/* of a packed name on the average: between a marker and the end are at most 256 */
#define ALIGN_DOWN(x) ((x) & ~(uint64_t)7)

static bool is_token_index(struct ka_kernel *k, const uint8_t *p, uint16_t *ret_last)
{
	uint16_t before = 0;

	if (ka_uint_from(k, p, 2))
		return false;
	for (size_t i = 1; i < 256; i++) {
		uint16_t at = (uint16_t)ka_uint_from(k, p + 2 * i, 2);

		if (at < before + 2 || at > before + TOKEN_MAX)
			return false;
		before = at;
	}
	*ret_last = before;
	return true;
}

/* The table of texts that such an index belongs to, which ends right before it. */
static bool token_table_find(struct ka_kernel *k, ka_addr index_at, const uint8_t *index, uint16_t last, ka_addr *ret)
{
	char text[256 * TOKEN_MAX + TOKEN_MAX + 8];

	for (size_t size = ALIGN_DOWN(last + 2u + 7); size <= (size_t)last + TOKEN_MAX + 8; size += 8) {
		bool is_right = size <= sizeof(text) && !ka_error_drop(ka_read(k, index_at - size, text, size));

		for (size_t i = 0; i < 256 && is_right; i++) {
			size_t at = ka_uint_from(k, index + 2 * i, 2);

			/* the digits stand for themselves in every kernel */
			is_right = (!at || !text[at - 1]) && isgraph((unsigned char)text[at]) &&
				   (i < '0' || i > '9' || (text[at] == (char)i && !text[at + 1]));
		}
		if (is_right) {
			*ret = index_at - size;
			return true;
		}
	}
	return false;
}

/* Offsets of each 256th name, before the table of texts: rising from 0. width 4, or 8 before 80ffbaa5b1bd (v4.20). */
static bool markers_find(struct ka_kernel *k, ka_addr end, unsigned width, ka_addr *ret, size_t *ret_count, uint64_t *ret_first,
			 uint64_t *ret_last)
{
	uint64_t value, above = UINT64_MAX, first = 0, last = 0;
	uint8_t bytes[8];
	ka_addr at = end;

	for (size_t n = 0; n < MARKERS_MAX; n++) {
		at -= width;
		if (ka_error_drop(ka_read(k, at, bytes, width)))
			return false;
		value = ka_uint_from(k, bytes, width);
		if (!n && !value && end - at < 8) {	/* what fills up to 8 bytes */
			n--;
			continue;
		}
		if (value >= above || value > UINT32_MAX)
			return false;
		if (!n)
			last = value;
		if (!value) {
			*ret = at;
			*ret_count = n + 1;
			*ret_first = first;
			*ret_last = last;
			return n > 0;
		}
		first = value;
		above = value;
	}
	return false;
}

/* Do 256 names take exactly as many bytes as the first marker says? */
static bool names_fit(const uint8_t *p, size_t size, uint64_t first_marker)
{
	size_t at = 0;

	for (unsigned i = 0; i < 256; i++) {
		if (at >= size || !p[at])
			return false;
		at += p[at] + 1u;
	}
	return at == first_marker;
}

/* num_syms, a number of 4 or 8 bytes, stands 8 bytes before the names. */
static bool names_find(struct ka_kernel *k, ka_addr markers, size_t marker_count, uint64_t first, uint64_t last, struct ka_kallsyms *ret)
{
	size_t slack = 256 * NAME_BYTES_MAX, size = (size_t)last + slack;
	bool is_found = false;

	if (markers < size || last > (64u << 20))
		return false;
	ka_addr start = ALIGN_DOWN(markers - size);
	uint8_t *bytes = ka_xalloc(slack + (size_t)first + 16);

	/* the names begin somewhere in the first slack bytes */
	if (!ka_error_drop(ka_read(k, start, bytes, slack + (size_t)first + 16))) {
		for (size_t at = 0; at + 8 <= slack && !is_found; at += 8) {
			uint64_t count = ka_uint_from(k, bytes + at, 4);

			if ((count + 255) / 256 != marker_count ||
			    !names_fit(bytes + at + 8, slack + (size_t)first + 8 - at, first))
				continue;
			ret->count = (uint32_t)count;
			ret->names = start + at + 8;
			is_found = true;
		}
	}
	free(bytes);
	return is_found;
}

/* Before num_syms: relative_base and the offsets, or before v4.6 whole addresses, both padded to 8 bytes. */
static void offsets_find(struct ka_kernel *k, struct ka_kallsyms *y)
{
	ka_addr num_syms = y->names - 8;
	uint8_t bytes[8];
	uint64_t base;

	if (ka_error_drop(ka_read(k, num_syms - 8, bytes, 8)))
		return;
	base = ka_uint_from(k, bytes, 8);
	y->relative_base = base;
	y->offsets = num_syms - 8 - ((4ull * y->count + 7) & ~7ull);
	/* the last address of a table of addresses is _end or beyond, base the first one in the image */
	y->is_whole = base > y->stext;
	if (y->is_whole)
		y->offsets = num_syms - 8ull * y->count;
}

static bool tables_from(struct ka_kernel *k, ka_addr index_at, const uint8_t *index, uint16_t last_token, struct ka_kallsyms *ret)
{
	uint64_t first, last;
	ka_addr markers;
	size_t count;

	ret->token_index = index_at;
	if (!token_table_find(k, index_at, index, last_token, &ret->token_table))
		return false;
	ka_log(1, "kallsyms_token_table at 0x%" PRIx64, ret->token_table);
	for (unsigned width = 4; width <= 8; width += 4) {
		if (markers_find(k, ret->token_table, width, &markers, &count, &first, &last) &&
		    names_find(k, markers, count, first, last, ret)) {
			offsets_find(k, ret);
			return true;
		}
	}
	return false;
}

struct ka_error *ka_kallsyms_search(struct ka_kernel *k, struct ka_kallsyms *ret)
{
	uint8_t *window = ka_xalloc(WINDOW + 512);
	bool is_found = false;
	uint16_t last;

	for (uint64_t at = 0; at < IMAGE_MAX && !is_found && !ka_interrupted(); at += WINDOW) {
		memset(window, 0xff, WINDOW + 512);
		for (size_t i = 0; i < WINDOW + 512; i += 4096)
			ka_error_drop(ka_read(k, ret->stext + at + i, window + i, KA_MIN((size_t)4096, WINDOW + 512 - i)));
		for (size_t i = 0; i < WINDOW && !is_found; i += 4)
			is_found = !window[i] && is_token_index(k, window + i, &last) &&
				   tables_from(k, ret->stext + at + i, window + i, last, ret);
	}
	free(window);
	return is_found ? NULL : ka_error_new(KA_NOT_FOUND, "kallsyms was not found in the kernel's memory");
}
