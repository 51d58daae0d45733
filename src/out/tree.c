/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Branches of trees in text: lines where the terminal can draw them, else what ASCII has. */
#include <stdlib.h>
#include <unistd.h>
#include "out_priv.h"

/* The locale as the C library would pick it; setlocale() is never called, and need not be. */
static bool is_utf8(void)
{
	static const char *const names[] = { "LC_ALL", "LC_CTYPE", "LANG" };

	for (size_t i = 0; i < KA_COUNT(names); i++) {
		const char *value = getenv(names[i]);

		if (value && *value)
			return strcasestr(value, "UTF-8") || strcasestr(value, "utf8");
	}
	return false;
}

static bool draws_lines(const struct ka_out *out)
{
	const struct ka_sink *s = out->sink;

	return s && (s->pager || (s->fd >= 0 && isatty(s->fd))) && is_utf8();
}

const char *ka_out_branch(const struct ka_out *out, struct ka_arena *a, const bool *is_last, unsigned depth)
{
	static const char *const marks[2][4] = { { "|- ", "`- ", "|  ", "   " }, { "├─ ", "└─ ", "│  ", "   " } };
	const char *const *mark = marks[draws_lines(out)];
	struct ka_str s = { 0 };
	const char *ret;

	for (unsigned i = 0; i < depth; i++)
		ka_str_add(&s, mark[(i + 1 < depth ? 2 : 0) + is_last[i]]);
	ret = ka_strndup(a, s.p ? s.p : "", s.len);
	ka_str_free(&s);
	return ret;
}
