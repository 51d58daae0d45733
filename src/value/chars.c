/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Characters and strings as gdb quotes them. */
#include <locale.h>
#include <wctype.h>
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

/* Length of the UTF-8 sequence at s; 0: none. *ret_cut: it would go on behind the end. */
static unsigned sequence(const uint8_t *s, size_t n, wchar_t *ret, bool *ret_cut)
{
	/* 0xf5 and above begin what was UTF-8 once: gdb calls it incomplete where it is cut off */
	unsigned len = s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : s[0] < 0xf8 ? 4 : s[0] < 0xfc ? 5 : s[0] < 0xfe ? 6 : 0;
	uint32_t c = len ? s[0] & (0x7fu >> len) : 0;

	*ret_cut = false;
	for (unsigned i = 1; i < len; i++) {
		if (i == n) {
			*ret_cut = true;
			return 0;
		}
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3f);
		if (s[0] >= 0xf5)
			continue;
		/* not the shortest form, surrogates, beyond the last */
		if (i == 1 && ((len == 3 && (c < 0x20 || (c >= 0x360 && c < 0x380))) || (len == 4 && (c < 0x10 || c >= 0x110))))
			return 0;
	}
	*ret = (wchar_t)c;
	return s[0] < 0xf5 ? len : 0;
}

/*
 * Bytes above 0x7f: characters of UTF-8 that can be shown stand as they are, as gdb has them in such a locale. Returns how
 * many were taken; 0: what is left at the end is the beginning of one.
 */
static size_t high_add(const uint8_t *s, size_t n, locale_t *utf8, struct ka_str *to)
{
	wchar_t c = 0;
	bool is_cut;
	unsigned len = sequence(s, n, &c, &is_cut);

	if (is_cut)
		return 0;
	if (len && !*utf8)
		*utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
	if (len && *utf8 && iswprint_l((wint_t)c, *utf8)) {
		ka_str_addn(to, s, len);
		return len;
	}
	for (unsigned i = 0; i < (len ? len : 1); i++)
		char_add(s[i], '"', to);
	return len ? len : 1;
}

static void incomplete_add(const uint8_t *s, size_t n, bool is_open, bool is_first, struct ka_str *to)
{
	ka_str_add(to, is_open ? "\", " : is_first ? "" : ", ");
	ka_str_add(to, "<incomplete sequence ");
	for (size_t i = 0; i < n; i++)
		char_add(s[i], '"', to);
	ka_str_addc(to, '>');
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
	locale_t utf8 = (locale_t)0;

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
		if (bytes[i] >= 0x80) {
			size_t end = KA_MIN(n, i + max - shown), taken;
			struct ka_str high = {0};

			taken = high_add(bytes + i, end - i, &utf8, &high);
			if (!taken) {
				incomplete_add(bytes + i, end - i, is_open, is_first, to);
				is_open = is_first = false;
				i = end;
				break;
			}
			if (!is_open)
				ka_str_add(to, is_first ? "\"" : ", \"");
			ka_str_addn(to, high.p, high.len);
			ka_str_free(&high);
			is_open = true;
			is_first = false;
			i += taken;
			shown += taken;
			continue;
		}
		if (!is_open)
			ka_str_add(to, is_first ? "\"" : ", \"");
		is_open = true;
		is_first = false;
		char_add(bytes[i++], '"', to);
		shown++;
	}
	if (utf8)
		freelocale(utf8);
	if (is_open)
		ka_str_addc(to, '"');
	if (i < n || has_more)
		ka_str_add(to, "...");
}

bool ka_printer_string(struct ka_printer *p, uint64_t at, size_t max, uint8_t **ret, size_t *ret_size, bool *ret_has_more)
{
	size_t n = 0, part;
	uint8_t *bytes, *end;
	bool is_over = false;

	*ret_has_more = false;
	/* One more than may be shown: is it the end? */
	while (n <= max && !is_over) {
		part = KA_MIN((size_t)64, max + 1 - n);
		bytes = ka_printer_scratch(p, n + part);
		/* what lies behind the end may not be there */
		if (!ka_printer_read(p, at + n, bytes + n, part, false)) {
			size_t there = 0;

			while (there < part && ka_printer_read(p, at + n + there, bytes + n + there, 1, false))
				there++;
			if (!n && !there)
				return false;
			part = there;
			is_over = true;
		}
		end = memchr(bytes + n, 0, part);
		is_over |= end != NULL;
		n += end ? (size_t)(end - (bytes + n)) : part;
	}
	ka_printer_charge(p, n / KA_PRINT_CHARS_PART);
	bytes = ka_printer_scratch(p, n + 1);
	if (n > max) {
		n = max;
		*ret_has_more = true;
	}
	*ret = bytes;
	*ret_size = n;
	return true;
}
