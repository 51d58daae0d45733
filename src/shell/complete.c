/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Completion: what may stand at the cursor is told by the usage line of the command. */
#include <ctype.h>
#include <stdio.h>
#include <readline/readline.h>
#include <kanalyze/module.h>
#include <kanalyze/symbol.h>
#include <kanalyze/task.h>
#include <kanalyze/type.h>
#include "session.h"

#define MATCHES_MAX 20000

enum {
	COMPLETE_COMMANDS = 1,
	COMPLETE_SYMBOLS = 2,
	COMPLETE_TYPES = 4,
	COMPLETE_MODULES = 8,
	COMPLETE_FILES = 16,
	COMPLETE_VARIABLES = 32,
	COMPLETE_ALIASES = 64,
	COMPLETE_TOPICS = 128,
	COMPLETE_TASKS = 256,	/* names of tasks */
};

/* Words of usage lines ("[PID | TASK]...", an option's "CPUS") and what completes them. */
static const struct { const char *word; unsigned kinds; } placeholders[] = {
	{ "SYMBOL", COMPLETE_SYMBOLS },
	{ "SYM", COMPLETE_SYMBOLS },
	{ "ADDRESS", COMPLETE_SYMBOLS },
	{ "ADDR", COMPLETE_SYMBOLS },
	{ "EXPRESSION", COMPLETE_SYMBOLS | COMPLETE_TYPES },
	{ "EXPR", COMPLETE_SYMBOLS | COMPLETE_TYPES },
	{ "STRUCT", COMPLETE_TYPES },
	{ "UNION", COMPLETE_TYPES },
	{ "TYPE", COMPLETE_TYPES },
	{ "MODULE", COMPLETE_MODULES },
	{ "COMMAND", COMPLETE_COMMANDS | COMPLETE_ALIASES },
	{ "COMM", COMPLETE_TASKS },
	{ "TOPIC", COMPLETE_TOPICS },
	{ "VARIABLE", COMPLETE_VARIABLES },
	{ "FILE", COMPLETE_FILES },
	{ "DIR", COMPLETE_FILES },
};

struct matches {
	KA_VEC(char *);
	const char *text;
	size_t text_len;
	const char *before;	/* what of the word stands before the name that is completed: "task_struct." */
};

static bool match_add(void *ctx, const char *name)
{
	struct matches *m = ctx;

	if (m->n >= MATCHES_MAX)
		return false;
	if (!strncmp(name, m->text, m->text_len))
		ka_vec_push(m, ka_xprintf("%s%s", m->before, name));
	return true;
}

static unsigned kinds_of(const char *usage)
{
	unsigned kinds = 0;

	for (const char *p = usage ? usage : ""; *p;) {
		size_t len = 0;

		while (isupper((unsigned char)p[len]))
			len++;
		for (size_t i = 0; len && i < KA_COUNT(placeholders); i++) {
			if (strlen(placeholders[i].word) == len && !strncmp(p, placeholders[i].word, len))
				kinds |= placeholders[i].kinds;
		}
		p += len ? len : 1;
	}
	return kinds;
}

static void add_commands(struct ka_session *s, struct matches *m, unsigned kinds)
{
	const struct ka_command *c;

	for (size_t at = 0; (kinds & COMPLETE_COMMANDS) && (c = ka_command_next(s, &at));)
		match_add(m, c->name);
	for (size_t i = 0; (kinds & COMPLETE_ALIASES) && i < s->aliases.n; i++)
		match_add(m, s->aliases.at[i].name);
	for (size_t i = 0; (kinds & COMPLETE_TOPICS) && ka_topics[i].name; i++)
		match_add(m, ka_topics[i].name);
	for (size_t i = 0; (kinds & COMPLETE_VARIABLES) && ka_setting_table[i].name; i++)
		match_add(m, ka_setting_table[i].name);
}

static void add_symbols(struct ka_session *s, struct matches *m, const char *module)
{
	struct ka_symbol symbol;
	size_t count;

	/* Of nothing typed, all two hundred thousand are no help. */
	if (!m->text_len || !s->k)
		return;
	count = ka_symbol_count(s->k, module);
	for (size_t i = 0; i < count && !ka_interrupted(); i++) {
		if (ka_symbol_nth(s->k, module, i, &symbol) && !match_add(m, symbol.name))
			break;
	}
}

static void add_modules(struct ka_session *s, struct matches *m)
{
	for (size_t i = 0; s->k && i < ka_module_count(s->k); i++)
		match_add(m, ka_module_nth(s->k, i)->name);
}

static void add_tasks(struct ka_session *s, struct matches *m)
{
	struct ka_walk w;
	struct ka_task t;

	if (!s->k)
		return;
	w = ka_walk_tasks(s->k);
	for (ka_addr at; ka_walk_next(&w, &at);) {
		char comm[sizeof(t.comm) + 1] = "";

		if (ka_error_drop(ka_task_read(s->k, at, &t)))
			continue;
		memcpy(comm, t.comm, sizeof(t.comm));
		/* What would have to be quoted is left to be typed. */
		if (*comm && !strpbrk(comm, " \t|<>;#'\"\\"))
			match_add(m, comm);
	}
	ka_error_drop(ka_walk_end(&w));
}

/* "task_struct" among types, "task_struct.pi" and "task_struct.pid,co" among the members of task_struct. */
static void add_types(struct ka_session *s, struct matches *m)
{
	const char *dot = strchr(m->text, '.'), *last;
	struct matches members = { .text_len = 0 };
	char *type, *before;

	if (!s->k)
		return;
	if (!dot) {
		if (m->text_len)
			ka_type_names(s->k, m->text, match_add, m);
		return;
	}
	last = strrchr(m->text, ',');
	last = last ? last + 1 : dot + 1;
	/* A path into an embedded struct: "task_struct.se.vru" */
	if (strrchr(last, '.'))
		last = strrchr(last, '.') + 1;
	if (strchr(m->text, ',')) {
		const char *path = strrchr(m->text, ',') + 1;

		type = last > path ? ka_xprintf("%.*s.%.*s", (int)(dot - m->text), m->text, (int)(last - 1 - path), path) :
				     ka_xstrndup(m->text, dot - m->text);
	} else {
		type = ka_xstrndup(m->text, last - 1 - m->text);
	}
	before = ka_xstrndup(m->text, last - m->text);
	members.text = last;
	members.text_len = strlen(last);
	members.before = before;
	ka_type_member_names(s->k, type, last, match_add, &members);
	for (size_t i = 0; i < members.n; i++)
		ka_vec_push(m, members.at[i]);
	ka_vec_free(&members);
	free(type);
	free(before);
}

static void add_kinds(struct ka_session *s, struct matches *m, unsigned kinds)
{
	add_commands(s, m, kinds);
	if (kinds & COMPLETE_MODULES)
		add_modules(s, m);
	if (kinds & COMPLETE_TASKS)
		add_tasks(s, m);
	if (kinds & COMPLETE_TYPES)
		add_types(s, m);
	if (kinds & COMPLETE_SYMBOLS) {
		add_symbols(s, m, NULL);
		for (size_t i = 0; s->k && m->text_len > 2 && i < ka_module_count(s->k); i++)
			add_symbols(s, m, ka_module_nth(s->k, i)->name);
	}
}

static void add_options(const struct ka_command *c, struct matches *m)
{
	for (const struct ka_option *o = c->options; o && o->name; o++) {
		char *name = ka_xprintf("%s%s", o->is_long ? "--" : "-", o->name);

		match_add(m, name);
		free(name);
	}
}

static void add_choices(const char *variable, struct matches *m)
{
	const struct ka_setting *v = ka_setting_find(variable);

	for (const char *p = v ? v->choices : ""; *p;) {
		size_t len = strcspn(p, "|");
		char *choice = ka_xstrndup(p, len);

		if (islower((unsigned char)*choice) || isdigit((unsigned char)*choice))
			match_add(m, choice);
		free(choice);
		p += len + (p[len] == '|');
	}
}

/* The start of the command that the cursor stands in. *ret_files: a file name belongs there (redirection, shell). */
static const char *command_start(const char *line, int end, bool *ret_files)
{
	const char *start = line;
	char quote = 0;

	*ret_files = false;
	for (int i = 0; i < end && line[i]; i++) {
		if (quote) {
			quote = line[i] == quote ? 0 : quote;
		} else if (line[i] == '"' || line[i] == '\'') {
			quote = line[i];
		} else if (line[i] == ';' && !*ret_files) {
			start = line + i + 1;
		} else if (line[i] == '|' || line[i] == '<' || line[i] == '>' || (line[i] == '!' && line + i == start)) {
			*ret_files = true;
		} else if (line + i == start && (line[i] == ' ' || line[i] == '\t')) {
			start++;
		}
	}
	return start;
}

static bool is_shell_command(const struct ka_command *c)
{
	for (size_t i = 0; ka_shell_commands[i]; i++) {
		if (ka_shell_commands[i] == c)
			return true;
	}
	return false;
}

/* What may stand at the cursor behind the words typed so far; files when true comes back. */
static bool gather(struct ka_session *s, struct ka_arena *a, char **words, int count, struct matches *m)
{
	const char *expanded;
	const struct ka_command *c;
	unsigned kinds;

	if (!count) {
		add_kinds(s, m, COMPLETE_COMMANDS | COMPLETE_ALIASES);
		if (!m->n)
			add_kinds(s, m, COMPLETE_SYMBOLS | COMPLETE_TYPES);
		return false;
	}
	expanded = ka_alias_expand(s, a, words[0]);
	c = ka_command_find(s, ka_strndup(a, expanded, strcspn(expanded, " ")));
	if (!c) {
		add_kinds(s, m, COMPLETE_SYMBOLS | COMPLETE_TYPES);
		return false;
	}
	if (m->text[0] == '-') {
		add_options(c, m);
		return false;
	}
	if (!strcmp(c->name, "set") && count == 2 && ka_setting_find(words[1])) {
		add_choices(words[1], m);
		return false;
	}
	kinds = kinds_of(c->args);
	/* The COMMAND of ps is the name of a task. */
	if ((kinds & COMPLETE_COMMANDS) && !is_shell_command(c))
		kinds = (kinds & ~(COMPLETE_COMMANDS | COMPLETE_ALIASES)) | COMPLETE_TASKS;
	for (const struct ka_option *o = count > 1 && words[count - 1][0] == '-' ? c->options : NULL; o && o->name; o++) {
		if (o->arg && !strcmp(words[count - 1] + (o->is_long ? 2 : 1), o->name))
			kinds = kinds_of(o->arg);
	}
	add_kinds(s, m, kinds);
	return kinds & COMPLETE_FILES;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* For readline: the common beginning, then all matches; malloc'd. */
static char **list_make(struct matches *m)
{
	size_t common, n = 0;
	char **list;

	qsort(m->at, m->n, sizeof(*m->at), by_text);
	for (size_t i = 0; i < m->n; i++) {
		if (n && !strcmp(m->at[n - 1], m->at[i]))
			free(m->at[i]);
		else
			m->at[n++] = m->at[i];
	}
	list = ka_xalloc((n + 2) * sizeof(*list));
	common = strlen(m->at[0]);
	for (size_t i = 1; i < n; i++) {
		size_t same = 0;

		while (same < common && m->at[i][same] == m->at[0][same])
			same++;
		common = same;
	}
	list[0] = ka_xstrndup(m->at[0], common);
	if (n == 1) {
		free(m->at[0]);
		return list;
	}
	memcpy(list + 1, m->at, n * sizeof(*list));
	return list;
}

char **ka_complete(const char *text, int start, int end)
{
	struct ka_session *s = ka_session_at_prompt;
	struct matches m = { .text = text, .text_len = strlen(text), .before = "" };
	struct ka_arena *a;
	char **words, **list = NULL;
	const char *from;
	bool is_file;
	int count;

	(void)end;
	from = command_start(rl_line_buffer, start, &is_file);
	if (is_file)
		return NULL;	/* readline's own: file names */
	rl_attempted_completion_over = 1;
	a = ka_arena_new();
	if (!ka_error_drop(ka_words_split(a, ka_strndup(a, from, rl_line_buffer + start - from), &words, &count)))
		rl_attempted_completion_over = !gather(s, a, words, count, &m);
	ka_arena_free(a);
	/* A member is not the end: more members follow it. */
	if (m.n == 1 && strchr(m.at[0], '.'))
		rl_completion_suppress_append = 1;
	if (m.n)
		list = list_make(&m);
	ka_vec_free(&m);
	return list;
}
