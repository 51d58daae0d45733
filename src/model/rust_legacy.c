/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Rust symbols of the older mangling, _ZN with a hash at the end, and Rust symbols within text. */
#include <ctype.h>
#include "rust.h"

/* "$LT$" and the like stand for what a C symbol may not hold. */
static size_t escape(const char *s, size_t n, char *ret)
{
	static const struct { const char *name; char c; } table[] = {
		{ "$SP$", '@' }, { "$BP$", '*' }, { "$RF$", '&' }, { "$LT$", '<' }, { "$GT$", '>' }, { "$LP$", '(' },
		{ "$RP$", ')' }, { "$C$", ',' },
	};
	size_t i;

	for (i = 0; i < KA_COUNT(table); i++) {
		size_t len = strlen(table[i].name);

		if (n >= len && !memcmp(s, table[i].name, len)) {
			*ret = table[i].c;
			return len;
		}
	}
	/* "$u20$": a code point in hexadecimal; those of the kernel are ASCII */
	if (n >= 4 && s[1] == 'u') {
		unsigned c = 0;

		for (i = 2; i < n && i < 6 && isxdigit((unsigned char)s[i]); i++)
			c = c * 16 + (isdigit((unsigned char)s[i]) ? s[i] - '0' : tolower((unsigned char)s[i]) - 'a' + 10);
		if (i < n && s[i] == '$' && c >= 32 && c < 127) {
			*ret = (char)c;
			return i + 1;
		}
	}
	return 0;
}

static void part_add(struct ka_str *out, const char *s, size_t n)
{
	if (n > 1 && s[0] == '_' && s[1] == '$')	/* a name may not begin with an escape */
		s++, n--;
	for (size_t i = 0; i < n; ) {
		char c;
		size_t used = s[i] == '$' ? escape(s + i, n - i, &c) : 0;

		if (used) {
			ka_str_addc(out, c);
			i += used;
		} else if (n - i >= 2 && s[i] == '.' && s[i + 1] == '.') {
			ka_str_add(out, "::");
			i += 2;
		} else {
			ka_str_addc(out, s[i] == '.' ? '-' : s[i]);
			i++;
		}
	}
}

static bool is_hash(const char *s, size_t n)
{
	if (n != 17 || s[0] != 'h')
		return false;
	for (size_t i = 1; i < n; i++)
		if (!isxdigit((unsigned char)s[i]))
			return false;
	return true;
}

static const char *legacy(struct ka_arena *a, const char *symbol)
{
	const char *p = symbol + 3, *ret = NULL;
	struct ka_str out = {0};
	bool has_hash = false;

	if (strncmp(symbol, "_ZN", 3))
		return NULL;
	while (isdigit((unsigned char)*p)) {
		size_t n = 0;

		while (isdigit((unsigned char)*p) && n < 10000)
			n = n * 10 + (*p++ - '0');
		if (!n || strnlen(p, n) < n)
			break;
		has_hash = is_hash(p, n);
		if (!has_hash) {
			if (out.len)
				ka_str_add(&out, "::");
			part_add(&out, p, n);
		}
		p += n;
	}
	/* Without the hash it is C++. */
	if (has_hash && *p == 'E' && (!p[1] || p[1] == '.') && out.len)
		ret = ka_strdup(a, out.p);
	ka_str_free(&out);
	return ret;
}

const char *ka_rust_demangle(struct ka_arena *a, const char *symbol)
{
	const char *start = symbol, *ret;

	/* What the kernel's build puts before names: __pfx__RNv..., __ksymtab__RNv... */
	if (strncmp(symbol, "_R", 2) && strncmp(symbol, "_ZN", 3)) {
		start = strstr(symbol, "__R");
		if (!start)
			start = strstr(symbol, "__ZN");
		if (!start)
			return NULL;
		start++;
	}
	ret = ka_rust_v0(a, start);
	if (!ret)
		ret = legacy(a, start);
	return ret && start != symbol ? ka_printf(a, "%.*s%s", (int)(start - symbol), symbol, ret) : ret;
}

const char *ka_rust_demangle_text(struct ka_arena *a, const char *text)
{
	struct ka_str out = {0};
	const char *from = text, *ret;

	for (const char *p = text; *p; ) {
		const char *readable = NULL;
		size_t n = 0;

		if (p[0] == '_' && (p == text || !(isalnum((unsigned char)p[-1]) || p[-1] == '_'))) {
			while (isalnum((unsigned char)p[n]) || p[n] == '_' || p[n] == '$' || p[n] == '.')
				n++;
			readable = ka_rust_demangle(a, ka_strndup(a, p, n));
		}
		if (!readable) {
			p += n ? n : 1;
			continue;
		}
		ka_str_addn(&out, from, p - from);
		ka_str_add(&out, readable);
		p += n;
		from = p;
	}
	if (from == text)
		return text;
	ka_str_add(&out, from);
	ret = ka_strdup(a, out.p);
	ka_str_free(&out);
	return ret;
}
