/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* History: lines typed, kept between sessions in a file of the user's state directory. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include <readline/history.h>

#include "session.h"

#define LINES_KEPT 5000

/* Makes the directories of a path, as private as the specification of XDG directories asks. */
static bool directories_make(char *path)
{
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = 0;
		if (mkdir(path, 0700) && errno != EEXIST) {
			*slash = '/';
			return false;
		}
		*slash = '/';
	}
	return true;
}

void ka_history_open(struct ka_session *s)
{
	const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
	int fd;

	using_history();
	stifle_history(LINES_KEPT);
	if (state && *state == '/')
		s->history_path = ka_xprintf("%s/kanalyze/history", state);
	else if (home && *home)
		s->history_path = ka_xprintf("%s/.local/state/kanalyze/history", home);
	else
		return;
	if (!directories_make(s->history_path)) {
		ka_log(1, "history is not kept: %s: %s", s->history_path, strerror(errno));
		free(s->history_path);
		s->history_path = NULL;
		return;
	}
	fd = open(s->history_path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd >= 0)
		close(fd);
	/* Cut here, not at the end: sessions side by side only ever append. */
	history_truncate_file(s->history_path, LINES_KEPT);
	read_history(s->history_path);
}

void ka_history_add(struct ka_session *s, const char *line)
{
	char *copy = ka_xstrndup(line, strcspn(line, "\r\n"));
	HIST_ENTRY *last = history_length ? history_get(history_base + history_length - 1) : NULL;

	if (copy[strspn(copy, " \t")] && !(last && !strcmp(last->line, copy))) {
		add_history(copy);
		/* Each line at once: a session that is killed loses none. */
		if (s->history_path)
			append_history(1, s->history_path);
	}
	free(copy);
}

static HIST_ENTRY *entry_get(const struct ka_session *s, int number)
{
	int end = history_base + history_length - (s->is_in_history ? 1 : 0);

	return number >= history_base && number < end ? history_get(number) : NULL;
}

/* what: "" the last line, a number, or the beginning of a line. */
struct ka_error *ka_history_find(struct ka_session *s, const char *what, char **ret)
{
	int last = history_base + history_length - (s->is_in_history ? 2 : 1);
	HIST_ENTRY *found = NULL;
	uint64_t number;

	if (!*what) {
		found = entry_get(s, last);
	} else if (what[strspn(what, "0123456789")] == 0) {
		if (ka_parse_number(what, true, &number) && number <= INT32_MAX)
			found = entry_get(s, (int)number);
	} else {
		for (int i = last; !found && i >= history_base; i--) {
			HIST_ENTRY *e = entry_get(s, i);

			if (e && !strncmp(e->line, what, strlen(what)))
				found = e;
		}
	}
	if (!found)
		return *what ? ka_error_new(KA_NOT_FOUND, "no line '%s' in the history: 'h' lists it", what) :
			       ka_error_new(KA_NOT_FOUND, "the history is empty");
	*ret = ka_xstrdup(found->line);
	return NULL;
}

/* "r", "r 12", "r text", "!!" and "!12" alone on their line. */
struct ka_error *ka_history_expand(struct ka_session *s, const char *line, char **ret)
{
	const char *p = line + strspn(line, " \t");
	size_t len = strcspn(p, "\r\n");
	struct ka_error *err = NULL;
	char *text;

	*ret = NULL;
	while (len && isspace((unsigned char)p[len - 1]))
		len--;
	text = ka_xstrndup(p, len);
	if (!strcmp(text, "!!") || !strcmp(text, "r"))
		err = ka_history_find(s, "", ret);
	else if (text[0] == '!' && isdigit((unsigned char)text[1]) && !text[1 + strspn(text + 1, "0123456789")])
		err = ka_history_find(s, text + 1, ret);
	else if (text[0] == 'r' && (text[1] == ' ' || text[1] == '\t') && !strpbrk(text, ";|<>"))
		err = ka_history_find(s, text + 2 + strspn(text + 2, " \t"), ret);
	free(text);
	return err;
}

struct line_row { int32_t number; const char *line; };
KA_LINES(line_row, "lines", "[{number}] {line}",
	KA_COL(line_row, number, KA_INT, "for r and !N"),
	KA_COL(line_row, line, KA_TEXT, "as it was typed"));

static struct ka_error *h_run(struct ka_call *c)
{
	int end = history_base + history_length, from = history_base;
	uint64_t count;

	if (c->argc > 1 || (c->argc && (!ka_parse_number(c->argv[0], true, &count) || !count)))
		return ka_call_usage(c, "a count of lines is expected");
	if (c->argc && count < (uint64_t)history_length)
		from = end - (int)count;
	for (int i = from; i < end; i++) {
		HIST_ENTRY *e = history_get(i);

		if (e)
			ka_out_row(c->out, &ka_rows_line_row, &(struct line_row){ i, e->line });
	}
	return NULL;
}

const struct ka_command ka_command_h = {
	.name = "h",
	.args = "[COUNT]",
	.brief = "command history",
	.help = "Lists the lines typed, the oldest first, or the last COUNT of them. Each has a number: 'r N' or '!N' runs line N again,\n"
		"'r TEXT' the last one that begins with TEXT, 'r' or '!!' the last one. The history of interactive sessions is kept in\n"
		"$XDG_STATE_HOME/kanalyze/history (~/.local/state/kanalyze/history).\n",
	.rows = (const struct ka_rows *const[]){ &ka_rows_line_row, NULL },
	.run = h_run,
};

/* At the prompt a line of r alone was replaced before; this one stands among other commands or in a file. */
static struct ka_error *r_run(struct ka_call *c)
{
	struct ka_session *s = c->session;
	char *line = NULL;
	struct ka_error *err = ka_history_find(s, ka_words_skip(s->text, 1), &line);

	if (err)
		return err;
	ka_out_note(c->out, "%s", line);
	ka_session_run(s, line);
	free(line);
	return NULL;
}

const struct ka_command ka_command_r = {
	.name = "r",
	.args = "[N | TEXT]",
	.brief = "runs a line of the history again",
	.help = "Without arguments the last line, with N the line of that number (see h), with TEXT the last line that begins with TEXT.\n"
		"'!!' and '!N' do the same.\n",
	.needs = KA_RAW_ARGS,
	.run = r_run,
};
