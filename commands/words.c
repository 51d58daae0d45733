/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Words of a command line that belong together. */
#include "words.h"

static int depth_of(const char *word)
{
	int depth = 0;

	for (const char *p = word; *p; p++)
		depth += *p == '(' ? 1 : *p == ')' ? -1 : 0;
	return depth;
}

void ka_words_join_parens(struct ka_call *c)
{
	int n = 0;

	for (int i = 0; i < c->argc;) {
		struct ka_str s = {0};
		int depth = 0, first = i;

		do {
			if (i > first)
				ka_str_addc(&s, ' ');
			ka_str_add(&s, c->argv[i]);
			depth += depth_of(c->argv[i++]);
		} while (c->argv[first][0] == '(' && depth > 0 && i < c->argc);
		c->argv[n++] = i > first + 1 ? ka_strdup(c->arena, s.p) : c->argv[first];
		ka_str_free(&s);
	}
	c->argc = n;
}
