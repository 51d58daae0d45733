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

void ka_words_join_at(struct ka_call *c, int i)
{
	struct ka_str s = {0};
	int used = i, depth = 0;

	if (i >= c->argc || depth_of(c->argv[i]) <= 0)
		return;
	do {
		if (used > i)
			ka_str_addc(&s, ' ');
		ka_str_add(&s, c->argv[used]);
		depth += depth_of(c->argv[used++]);
	} while (depth > 0 && used < c->argc);
	c->argv[i] = ka_strdup(c->arena, s.p);
	for (int j = used; j < c->argc; j++)
		c->argv[j - used + i + 1] = c->argv[j];
	c->argc -= used - i - 1;
	ka_str_free(&s);
}

void ka_words_join(struct ka_call *c)
{
	for (int i = 0; i < c->argc; i++)
		ka_words_join_at(c, i);
}
