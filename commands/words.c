/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Words of a command line that belong together. */
#include <inttypes.h>
#include <kanalyze/symbol.h>
#include <kanalyze/variable.h>
#include "words.h"

#define TWINS_MAX 16

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

static const char *file_of(struct ka_call *c, const struct ka_symbol *s)
{
	const char *file = NULL;
	struct ka_variable *all;
	unsigned line;
	size_t n;

	n = ka_variable_find(c->k, s->name, c->arena, &all);
	for (size_t i = 0; i < n; i++)
		if (all[i].has_addr && all[i].addr == s->addr && all[i].file)
			return all[i].file;
	return ka_is_text(c->k, s->addr) && ka_source_line(c->k, s->addr, &file, &line) ? file : NULL;
}

void ka_words_twins(struct ka_call *c, const char *name)
{
	size_t count = ka_symbol_count(c->k, NULL), found = 0;
	struct ka_symbol s, all[TWINS_MAX];

	if (!ka_out_is_text(c->out) || strpbrk(name, "@ ()+-*&[]>$"))
		return;
	for (size_t i = 0; i < count && found < TWINS_MAX; i++)
		if (ka_symbol_nth(c->k, NULL, i, &s) && !strcmp(s.name, name))
			all[found++] = s;
	for (size_t i = 0; i < found && found > 1; i++) {
		const char *file = file_of(c, &all[i]);

		if (!i)
			ka_out_note(c->out, "%zu symbols are called %s; the first is shown:", found, name);
		ka_out_note(c->out, "  %" PRIx64 " %s%s%s", all[i].addr, name, file ? "@" : "", file ? file : "");
	}
}

const char *ka_words_type(struct ka_call *c, const char *name, const char *file)
{
	if (file && strstr(file, "::"))
		return file;
	return strchr(name, '@') ? name : ka_printf(c->arena, "%s@%s", name, file ? file : "(vmlinux)");
}
