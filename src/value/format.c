/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Numbers as text, in the ways that gdb has letters for. */
#include <inttypes.h>
#include "printer.h"

void ka_decimal_add(struct ka_str *to, __int128 value, bool is_signed)
{
	unsigned __int128 v = (unsigned __int128)value;
	char digits[48], *at = digits + sizeof(digits);

	if (is_signed && value < 0) {
		ka_str_addc(to, '-');
		v = -v;
	}
	do
		*--at = (char)('0' + (unsigned)(v % 10));
	while (v /= 10);
	ka_str_addn(to, at, (size_t)(digits + sizeof(digits) - at));
}

void ka_hex_add(struct ka_str *to, __int128 value, unsigned width)
{
	unsigned __int128 v = (unsigned __int128)value;

	if (width < 128)
		v &= ((unsigned __int128)1 << width) - 1;
	if (v >> 64)
		ka_str_printf(to, "0x%" PRIx64 "%016" PRIx64, (uint64_t)(v >> 64), (uint64_t)v);
	else
		ka_str_printf(to, "0x%" PRIx64, (uint64_t)v);
}

static void binary_add(unsigned __int128 v, unsigned shift, struct ka_str *to)
{
	char digits[132], *at = digits + sizeof(digits);

	do
		*--at = (char)('0' + (unsigned)(v & ((1u << shift) - 1)));
	while (v >>= shift);
	ka_str_addn(to, at, (size_t)(digits + sizeof(digits) - at));
}

void ka_format_add(struct ka_kernel *k, char format, __int128 value, unsigned width, struct ka_str *to)
{
	unsigned __int128 bits = (unsigned __int128)value;
	unsigned __int128 top;
	size_t start;

	width = KA_MIN(KA_MAX(width, 1u), 128u);
	top = (unsigned __int128)1 << (width - 1);
	bits &= top | (top - 1);
	/* of this width, by its highest bit */
	value = bits & top ? (__int128)(bits | ~(top | (top - 1))) : (__int128)bits;
	switch (format) {
	case 'd':
		ka_decimal_add(to, value, true);
		break;
	case 'u':
		ka_decimal_add(to, (__int128)bits, false);
		break;
	case 'o':
		ka_str_add(to, bits ? "0" : "");
		binary_add(bits, 3, to);
		break;
	case 't':
		binary_add(bits, 1, to);
		break;
	case 'z':
		ka_str_printf(to, "0x");
		for (unsigned digits = (width + 3) / 4; digits--;)
			ka_str_addc(to, "0123456789abcdef"[(unsigned)(bits >> (4 * digits)) & 15]);
		break;
	case 'c':
		ka_decimal_add(to, (int8_t)bits, true);
		ka_str_addc(to, ' ');
		ka_char_text((unsigned)bits & 0xff, to);
		break;
	case 'a':
		ka_hex_add(to, (__int128)bits, width);
		start = to->len;
		ka_str_add(to, " <");
		if (ka_address_symbol(k, (uint64_t)bits, to)) {
			ka_str_addc(to, '>');
		} else {
			to->len = start;
			to->p[start] = 0;
		}
		break;
	default:
		ka_hex_add(to, (__int128)bits, width);
		break;
	}
}
