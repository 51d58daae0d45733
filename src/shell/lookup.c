/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Finds commands by name, and a meaning for words that are none. */
#include <ctype.h>
#include <kanalyze/symbol.h>
#include <kanalyze/type.h>

#include "session.h"

const struct ka_command *ka_command_next(const struct ka_session *s, size_t *at)
{
	size_t i = *at;

	for (size_t t = 0; t < KA_COUNT(s->commands); t++) {
		for (size_t n = 0; s->commands[t] && s->commands[t][n]; n++) {
			if (i-- == 0) {
				++*at;
				return s->commands[t][n];
			}
		}
	}
	return NULL;
}

const struct ka_command *ka_command_find(const struct ka_session *s, const char *name)
{
	const struct ka_command *c;

	for (size_t at = 0; (c = ka_command_next(s, &at));) {
		if (!strcmp(c->name, name))
			return c;
	}
	return NULL;
}

const char *ka_command_nearest(const struct ka_session *s, const char *name)
{
	const struct ka_command *c;
	const char *best = NULL;
	unsigned best_rank = 0, rank;

	for (size_t at = 0; (c = ka_command_next(s, &at));) {
		rank = ka_words_likeness(name, c->name);
		if (rank && (!best || rank < best_rank)) {
			best = c->name;
			best_rank = rank;
		}
	}
	for (size_t i = 0; i < s->aliases.n; i++) {
		rank = ka_words_likeness(name, s->aliases.at[i].name);
		if (rank && (!best || rank < best_rank)) {
			best = s->aliases.at[i].name;
			best_rank = rank;
		}
	}
	return best;
}

/* What a word may be to the kernel, in the order in which crash tries it. */

static bool is_symbol(struct ka_kernel *k, const char *word)
{
	struct ka_symbol symbol;

	return ka_symbol_lookup(k, word, &symbol) || !ka_error_drop(ka_symbol_find(k, word, &symbol));
}

static bool is_type(struct ka_kernel *k, const char *word)
{
	return ka_type_exists(k, word);
}

static bool is_address(struct ka_kernel *k, const char *word)
{
	uint64_t value;

	return ka_parse_number(word, false, &value) && ka_is_kernel_addr(k, value);
}

static const struct {
	bool (*is)(struct ka_kernel *k, const char *word);
	const char *what;
	const char *commands[3];	/* the first that exists is run with the whole line as its arguments */
	const char *instead[4];		/* commands that know more; the first that exists is suggested */
} meanings[] = {
	{ is_symbol, "a symbol", { "p" }, { "sym", "rd", "dis" } },
	{ is_type, "a type", { "struct", "whatis" }, { NULL } },
	{ is_address, "an address", { "p" }, { "sym", "rd", "kmem" } },
};

static int command_run(struct ka_session *s, const char *name, const struct ka_line *l)
{
	char **argv = ka_xalloc((l->count + 2) * sizeof(*argv));
	char *text = ka_xprintf("%s %s", name, l->bare);
	int status;

	argv[0] = (char *)name;
	memcpy(argv + 1, l->words, l->count * sizeof(*argv));
	status = ka_session_call(s, ka_command_find(s, name), text, l->count + 1, argv);
	free(text);
	free(argv);
	return status;
}

static bool is_expression(const char *text)
{
	return strpbrk(text, "()+*/&~[]->$") || isdigit((unsigned char)*text);
}

/* Words of gdb that are no commands here, to be given to "gdb": those that it answers, and those of which it says why not. */
static bool is_gdb_word(const char *text, bool is_answered)
{
	static const char *const answered[] = { "print", "printf", "output", "inspect", "ptype", "info", "x", "disassemble", "disas", "echo", NULL };
	static const char *const others[] = { "break", "run", "step", "next", "continue", "thread", "backtrace", "where", "find", "add-symbol-file", NULL };
	size_t n = strcspn(text, " \t/");

	for (const char *const *w = is_answered ? answered : others; *w; w++)
		if (strlen(*w) == n && !strncmp(text, *w, n))
			return true;
	return false;
}

int ka_session_bare_word(struct ka_session *s, const struct ka_line *l)
{
	/* "*list_head", "&jiffies", "task_struct.pid,comm": the name in it */
	const char *start = l->words[0] + strspn(l->words[0], "*&(");
	char *word = ka_xstrndup(start, strcspn(start, ".,[-+)"));
	const char *nearest, *what = NULL, *instead = NULL;
	struct ka_error *err;

	/* "info line *ADDR", "x/4gx ADDR"; not "info" alone, which may be a variable */
	if (s->k && l->count > 1 && (is_gdb_word(l->bare, true) || is_gdb_word(l->bare, false)) && ka_command_find(s, "gdb")) {
		free(word);
		return command_run(s, "gdb", l);
	}
	/* "enum pageflags" */
	if (s->k && !strcmp(word, "enum") && l->count > 1 && ka_command_find(s, "whatis")) {
		free(word);
		return command_run(s, "whatis", l);
	}

	for (size_t i = 0; s->k && *word && i < KA_COUNT(meanings); i++) {
		if (!meanings[i].is(s->k, word))
			continue;
		for (size_t c = 0; c < KA_COUNT(meanings[i].commands) && meanings[i].commands[c]; c++) {
			if (ka_command_find(s, meanings[i].commands[c])) {
				free(word);
				return command_run(s, meanings[i].commands[c], l);
			}
		}
		what = meanings[i].what;
		for (size_t c = 0; c < KA_COUNT(meanings[i].instead) && meanings[i].instead[c] && !instead; c++) {
			if (ka_command_find(s, meanings[i].instead[c]))
				instead = meanings[i].instead[c];
		}
		break;
	}
	if (!what && s->k && is_gdb_word(l->bare, false) && ka_command_find(s, "gdb")) {
		free(word);
		return command_run(s, "gdb", l);
	}
	if (!what && is_expression(l->bare) && ka_command_find(s, "p")) {
		free(word);
		return command_run(s, "p", l);
	}
	nearest = ka_command_nearest(s, l->words[0]);
	if (what && instead)
		err = ka_error_new(KA_USAGE, "%s is %s, not a command: see '%s %s'", word, what, instead, word);
	else if (what)
		err = ka_error_new(KA_USAGE, "%s is %s of the kernel, not a command", word, what);
	else if (nearest)
		err = ka_error_new(KA_USAGE, "there is no command '%s': did you mean '%s'?", l->words[0], nearest);
	else
		err = ka_error_new(KA_USAGE, "there is no command '%s': 'help' lists them", l->words[0]);
	free(word);
	return ka_session_fault(s, err);
}
