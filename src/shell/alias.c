/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Aliases: those that users of crash know, and the user's own. */
#include "session.h"

#define EXPANSIONS_MAX 16

static const char *const builtin[][2] = {
	{ "?", "help" },
	{ "quit", "q" },
	{ "sf", "set scroll off" },
	{ "sn", "set scroll on" },
	{ "hex", "set radix 16" },
	{ "dec", "set radix 10" },
	{ "g", "gdb" },
	{ "px", "p -x" },
	{ "pd", "p -d" },
	{ "for", "foreach" },
	{ "size", "struct" },
	{ "dmesg", "log" },
	{ "lsmod", "mod" },
	{ "last", "ps -l" },
};

void ka_aliases_init(struct ka_session *s)
{
	for (size_t i = 0; i < KA_COUNT(builtin); i++) {
		char *first = ka_xstrndup(builtin[i][1], strcspn(builtin[i][1], " "));

		/* An alias of a command that is not there would only mislead. */
		if (ka_command_find(s, first))
			ka_vec_push(&s->aliases, (struct ka_alias){ ka_xstrdup(builtin[i][0]), ka_xstrdup(builtin[i][1]), true });
		free(first);
	}
}

static void alias_drop(struct ka_session *s, size_t i)
{
	free(s->aliases.at[i].name);
	free(s->aliases.at[i].text);
	memmove(&s->aliases.at[i], &s->aliases.at[i + 1], (s->aliases.n - i - 1) * sizeof(s->aliases.at[0]));
	s->aliases.n--;
}

void ka_aliases_free(struct ka_session *s)
{
	while (s->aliases.n)
		alias_drop(s, s->aliases.n - 1);
	ka_vec_free(&s->aliases);
}

const struct ka_alias *ka_alias_find(const struct ka_session *s, const char *name)
{
	for (size_t i = 0; i < s->aliases.n; i++) {
		if (!strcmp(s->aliases.at[i].name, name))
			return &s->aliases.at[i];
	}
	return NULL;
}

const char *ka_alias_expand(const struct ka_session *s, struct ka_arena *a, const char *text)
{
	const struct ka_alias *used[EXPANSIONS_MAX];
	size_t n = 0;

	while (n < EXPANSIONS_MAX) {
		size_t len = strcspn(text, " \t|<>");
		const struct ka_alias *alias = ka_alias_find(s, ka_strndup(a, text, len));

		/* An alias that begins with its own name means the command. */
		for (size_t i = 0; alias && i < n; i++)
			alias = used[i] == alias ? NULL : alias;
		if (!alias)
			break;
		used[n++] = alias;
		text = ka_printf(a, "%s%s", alias->text, text + len);
	}
	return text;
}

struct alias_row { const char *origin, *alias, *text; };
KA_ROWS(alias_row, "aliases", "ORIGIN  ALIAS    COMMAND", "{origin:7} {alias:8} {text}",
	KA_COL(alias_row, origin, KA_TEXT, "\"builtin\" or \"user\""),
	KA_COL(alias_row, alias, KA_TEXT, "the word"),
	KA_COL(alias_row, text, KA_TEXT, "what it stands for"));

static void alias_show(struct ka_call *c, const struct ka_alias *a)
{
	ka_out_row(c->out, &ka_rows_alias_row, &(struct alias_row){ a->is_builtin ? "builtin" : "user", a->name, a->text });
}

static struct ka_error *alias_run(struct ka_call *c)
{
	struct ka_session *s = c->session;
	const struct ka_alias *old = c->argc ? ka_alias_find(s, c->argv[0]) : NULL;
	struct ka_str text = {0};
	struct ka_alias fresh;

	if (!c->argc) {
		for (size_t i = 0; i < s->aliases.n; i++)
			alias_show(c, &s->aliases.at[i]);
		return NULL;
	}
	if (c->argc == 1) {
		if (!old)
			return ka_error_new(KA_NOT_FOUND, "there is no alias '%s'", c->argv[0]);
		alias_show(c, old);
		return NULL;
	}
	for (int i = 1; i < c->argc; i++) {
		if (text.len)
			ka_str_addc(&text, ' ');
		ka_str_add(&text, ka_word_unquote(c->argv[i]));
	}
	if (ka_command_find(s, c->argv[0]) || !*c->argv[0] || strpbrk(c->argv[0], " \t|<>;!#'\"")) {
		ka_str_free(&text);
		return ka_error_new(KA_USAGE, "'%s' cannot be an alias: it is a command or no word", c->argv[0]);
	}
	if (old)
		alias_drop(s, old - s->aliases.at);
	fresh = (struct ka_alias){ ka_xstrdup(c->argv[0]), text.len ? ka_xstrdup(text.p) : NULL, false };
	ka_str_free(&text);
	if (!fresh.text) {
		free(fresh.name);
		return old ? NULL : ka_error_new(KA_NOT_FOUND, "there is no alias '%s'", c->argv[0]);
	}
	ka_vec_push(&s->aliases, fresh);
	if (s->is_interactive && !s->is_starting)
		alias_show(c, &fresh);
	return NULL;
}

const struct ka_command ka_command_alias = {
	.name = "alias",
	.args = "[NAME [\"COMMAND [ARGUMENTS]\" | \"\"]]",
	.brief = "short names for commands",
	.help = "Without arguments, lists all aliases. With NAME, shows that one. With NAME and a text, NAME at the start of a\n"
		"command stands for the text from now on; the text may hold arguments, a pipe or a redirection, and what follows NAME is\n"
		"put behind it. An empty text (\"\") deletes the alias. Aliases are usually kept in ~/.kanalyzerc.\n"
		"\n"
		"EXAMPLES\n"
		"    alias kp \"ps -k\"\n"
		"    alias errors \"log | grep -i error\"\n"
		"    alias kp \"\"\n",
	.needs = KA_RAW_ARGS,
	.rows = (const struct ka_rows *const[]){ &ka_rows_alias_row, NULL },
	.run = alias_run,
};
