/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Characters and strings as gdb quotes them. */
#include "printer.h"

/* Octal escapes always have three digits: what comes behind is not taken for part of them. */
static void char_add(unsigned c, char quote, struct ka_str *to)
{
	static const char named[] = "abtnvfr";	/* 7 to 13 */

	if (c >= 0x20 && c < 0x7f) {
		if (c == (unsigned char)quote || c == '\\')
			ka_str_addc(to, '\\');
		ka_str_addc(to, (char)c);
	} else if (c >= 7 && c <= 13) {
		ka_str_addc(to, '\\');
		ka_str_addc(to, named[c - 7]);
	} else {
		ka_str_printf(to, "\\%03o", c & 0xff);
	}
}

void ka_char_text(unsigned c, struct ka_str *to)
{
	ka_str_addc(to, '\'');
	char_add(c & 0xff, '\'', to);
	ka_str_addc(to, '\'');
}

static size_t run_length(const uint8_t *bytes, size_t n)
{
	size_t run = 1;

	while (run < n && bytes[run] == bytes[0])
		run++;
	return run;
}

void ka_chars_text(const uint8_t *bytes, size_t n, size_t max, unsigned repeats, bool has_more, struct ka_str *to)
{
	bool is_open = false, is_first = true;
	size_t i = 0, shown = 0;

	if (!n) {
		ka_str_add(to, has_more ? "\"\"..." : "\"\"");
		return;
	}
	while (i < n && shown < max) {
		size_t run = repeats ? run_length(bytes + i, n - i) : 1;

		if (repeats && run > repeats) {
			ka_str_add(to, is_open ? "\", " : is_first ? "" : ", ");
			ka_char_text(bytes[i], to);
			ka_str_printf(to, " <repeats %zu times>", run);
			is_open = is_first = false;
			i += run;
			shown += repeats;
			continue;
		}
		if (!is_open)
			ka_str_add(to, is_first ? "\"" : ", \"");
		is_open = true;
		is_first = false;
		char_add(bytes[i++], '"', to);
		shown++;
	}
	if (is_open)
		ka_str_addc(to, '"');
	if (i < n || has_more)
		ka_str_add(to, "...");
}

bool ka_printer_string(struct ka_printer *p, uint64_t at, size_t max, uint8_t **ret, size_t *ret_size, bool *ret_has_more)
{
	uint8_t *bytes = ka_alloc(p->arena, max + 1);
	size_t n = 0;

	*ret_has_more = false;
	/* One more than may be shown: is it the end? */
	for (; n <= max; n++) {
		if (!ka_printer_read(p, at + n, bytes + n, 1, false)) {
			if (!n)
				return false;
			break;
		}
		if (!bytes[n])
			break;
	}
	if (n > max) {
		n = max;
		*ret_has_more = true;
	}
	*ret = bytes;
	*ret_size = n;
	return true;
}
