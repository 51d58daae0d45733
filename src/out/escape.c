/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Strings from a dump made safe for where they go: a terminal, or JSON. */
#include <stdio.h>

#include "out.h"

/* Length of the valid UTF-8 sequence at s (RFC 3629: shortest form, no surrogates, to U+10FFFF), or 0. */
static unsigned utf8_length(const uint8_t *s, size_t n, uint32_t *ret)
{
	unsigned len = s[0] < 0x80 ? 1 : s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : s[0] < 0xf5 ? 4 : 0;
	uint32_t c = len == 1 ? s[0] : len ? s[0] & (0x7fu >> len) : 0;

	if (!len || len > n)
		return 0;
	for (unsigned i = 1; i < len; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3f);
	}
	if ((len == 3 && (c < 0x800 || (c >= 0xd800 && c < 0xe000))) || (len == 4 && (c < 0x10000 || c > 0x10ffff)))
		return 0;
	*ret = c;
	return len;
}

/* Characters that steer a terminal or reorder a line rather than show something. */
static bool is_control(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x200e || c == 0x200f || c == 0x61c ||
	       (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0xfeff;
}

size_t ka_escape_text(struct ka_str *to, const char *text, size_t n, bool keep_breaks)
{
	static const char hex[] = "0123456789abcdef";
	const uint8_t *s = (const uint8_t *)text;
	size_t columns = 0;

	for (size_t i = 0, run; i < n;) {
		unsigned len;
		uint32_t c;

		for (run = i; run < n && s[run] >= 0x20 && s[run] < 0x7f; run++)
			;
		if (run > i) {
			ka_str_addn(to, s + i, run - i);
			columns += run - i;
			i = run;
			continue;
		}
		len = utf8_length(s + i, n - i, &c);
		if (len && (!is_control(c) || (keep_breaks && (c == '\n' || c == '\t')))) {
			ka_str_addn(to, s + i, len);
			columns++;
			i += len;
			continue;
		}
		for (unsigned j = 0; j < (len ? len : 1); j++, i++) {
			ka_str_addn(to, (char[4]){ '\\', 'x', hex[s[i] >> 4], hex[s[i] & 15] }, 4);
			columns += 4;
		}
	}
	return columns;
}

void ka_escape_json(struct ka_str *to, const char *text, size_t n)
{
	const uint8_t *s = (const uint8_t *)text;

	ka_str_addc(to, '"');
	for (size_t i = 0, run; i < n;) {
		unsigned len;
		uint32_t c;

		for (run = i; run < n && s[run] >= 0x20 && s[run] < 0x7f && s[run] != '"' && s[run] != '\\'; run++)
			;
		if (run > i) {
			ka_str_addn(to, s + i, run - i);
			i = run;
			continue;
		}
		len = utf8_length(s + i, n - i, &c);
		if (!len)
			ka_str_add(to, "\xef\xbf\xbd");
		else if (c == '"' || c == '\\')
			ka_str_addn(to, (char[2]){ '\\', (char)c }, 2);
		else if (c == '\n' || c == '\t')
			ka_str_add(to, c == '\n' ? "\\n" : "\\t");
		else if (is_control(c))
			ka_str_printf(to, "\\u%04x", c);
		else
			ka_str_addn(to, s + i, len);
		i += len ? len : 1;
	}
	ka_str_addc(to, '"');
}
