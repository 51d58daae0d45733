/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Runs command lines: from the prompt, -c, files and standard input. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "session.h"

#define DEPTH_MAX 16		/* command files that run command files */
#define LINE_MAX_BYTES (1 << 20)

bool ka_session_must_stop(const struct ka_session *s)
{
	return s->is_done || s->standard.is_broken || s->standard.error || (!s->is_interactive && ka_signals_count()) ||
	       (s->depth && ka_interrupted());
}

int ka_session_fault(struct ka_session *s, struct ka_error *err)
{
	int status = err->code == KA_USAGE ? KA_EXIT_USAGE : KA_EXIT_FAULTS;

	if (err->code != KA_INTERRUPTED || !ka_out_sink(s->out)->is_broken)
		ka_out_fault(s->out, err);
	ka_error_free(err);
	return status;
}

/* A fault before any command ran is a document of its own in JSON: named after the word that was typed. */
static int fault_of(struct ka_session *s, const char *word, struct ka_error *err)
{
	int status;

	if (s->format == KA_OUT_TEXT)
		return ka_session_fault(s, err);
	ka_out_document_begin(s->out, word, NULL);
	status = ka_session_fault(s, err);
	ka_out_document_end(s->out);
	return status;
}

static int words_run(struct ka_session *s, const struct ka_line *l)
{
	const struct ka_command *c = ka_command_find(s, l->words[0]);
	int status;

	if (c)
		return ka_session_call(s, c, l->bare, l->count, l->words);
	if (s->format == KA_OUT_TEXT)
		return ka_session_bare_word(s, l);
	ka_out_document_begin(s->out, l->words[0], NULL);
	status = ka_session_bare_word(s, l);
	ka_out_document_end(s->out);
	return status;
}

/* CMD < FILE: one run a line, the line's words behind the arguments. */
static int lines_run(struct ka_session *s, struct ka_arena *a, const struct ka_line *l)
{
	FILE *f = fopen(l->from, "re");
	int status = KA_EXIT_CLEAN, one;
	size_t cap = 0;
	char *text = NULL;

	if (!f)
		return fault_of(s, l->words[0], ka_error_new(KA_IO, "cannot open %s: %s%s", l->from, strerror(errno), errno == ENOENT &&
							     strchr("0123456789-+$('", *l->from) ? " ('<' compares within parentheses alone)" : ""));
	while (!ka_session_must_stop(s) && getline(&text, &cap, f) >= 0) {
		const char *rest = text, *arguments = ka_line_cut(a, &rest);
		struct ka_line each = { .text = l->text };
		struct ka_error *err;

		if (!arguments)
			continue;
		each.bare = ka_printf(a, "%s %s", l->bare, arguments);
		err = ka_words_split(a, each.bare, &each.words, &each.count);
		one = err ? fault_of(s, l->words[0], err) : words_run(s, &each);
		status = KA_MAX(status, one);
	}
	free(text);
	fclose(f);
	return status;
}

static int line_run(struct ka_session *s, struct ka_arena *a, const char *text)
{
	const char *first = ka_strndup(a, text, strcspn(text, " \t"));
	struct ka_redirect r;
	struct ka_line l;
	struct ka_error *err;
	int status = KA_EXIT_CLEAN, end;

	if (*text == '!') {
		/* "!!" and "!12" that come from no prompt: the history of this run. */
		char *line = NULL;

		err = ka_history_expand(s, text, &line);
		if (!err && line)
			status = ka_session_run(s, line);
		else if (!err)
			err = ka_shell_run(s, text + 1 + strspn(text + 1, " \t"));
		free(line);
		return err ? fault_of(s, "!", err) : status;
	}
	err = ka_line_parse(a, text, &l);
	/* repeat is looked at while it runs */
	if (!err)
		err = ka_redirect_begin(s, &l, !(l.count && !strcmp(l.words[0], "repeat")), &r);
	if (err)
		return fault_of(s, first, err);
	if (!l.count) {
		err = ka_session_run_file(s, l.from, &status);
		if (err)
			status = fault_of(s, "<", err);
	} else {
		status = l.from ? lines_run(s, a, &l) : words_run(s, &l);
	}
	err = ka_redirect_end(s, &r);
	end = err ? fault_of(s, first, err) : KA_EXIT_CLEAN;
	return KA_MAX(status, end);
}

int ka_session_run(struct ka_session *s, const char *text)
{
	int status = KA_EXIT_CLEAN;

	if (s->depth >= DEPTH_MAX)
		return fault_of(s, "<", ka_error_new(KA_USAGE, "commands within commands, %d deep: one runs itself?", DEPTH_MAX));
	while (!ka_session_must_stop(s)) {
		struct ka_arena *a = ka_arena_new();
		const char *one = ka_line_cut(a, &text);
		int st;

		if (!one) {
			ka_arena_free(a);
			break;
		}
		if (!s->depth)
			ka_interrupt_clear();
		if (*one != '!')
			one = ka_alias_expand(s, a, one);
		s->depth++;
		st = line_run(s, a, one);
		s->depth--;
		status = KA_MAX(status, st);
		ka_arena_free(a);
	}
	if (s->depth)
		s->inner_status = KA_MAX(s->inner_status, status);
	else
		s->status = KA_MAX(s->status, status);
	return status;
}

int ka_session_input(struct ka_session *s, const char *line)
{
	char *expanded = NULL;
	struct ka_error *err = ka_history_expand(s, line, &expanded);
	int status;

	if (err) {
		status = fault_of(s, "!", err);
		s->status = KA_MAX(s->status, status);
		return status;
	}
	if (expanded && s->format == KA_OUT_TEXT) {
		ka_escape_text(&s->standard.buf, expanded, strlen(expanded), true);
		ka_str_addc(&s->standard.buf, '\n');
		ka_sink_flush(&s->standard);
	}
	if (expanded)
		line = expanded;
	ka_history_add(s, line);
	s->is_in_history = true;
	status = ka_session_run(s, line);
	s->is_in_history = false;
	free(expanded);
	return status;
}

struct ka_error *ka_session_run_fd(struct ka_session *s, int fd, const char *name, bool is_typed, int *ret_status)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3), status;
	FILE *f = copy < 0 ? NULL : fdopen(copy, "r");
	char *text = NULL;
	size_t cap = 0;
	ssize_t n;

	if (!f)
		return ka_error_new(KA_IO, "cannot read %s: %s", name, strerror(errno));
	if (s->depth >= DEPTH_MAX - 1) {
		fclose(f);
		return ka_error_new(KA_USAGE, "command files within command files, %d deep: one runs itself?", DEPTH_MAX);
	}
	while (!ka_session_must_stop(s) && (n = getline(&text, &cap, f)) >= 0) {
		if (n > LINE_MAX_BYTES || memchr(text, 0, n)) {
			free(text);
			fclose(f);
			return ka_error_new(KA_FORMAT, "%s is no text of commands", name);
		}
		status = is_typed ? ka_session_input(s, text) : ka_session_run(s, text);
		*ret_status = KA_MAX(*ret_status, status);
	}
	free(text);
	fclose(f);
	return NULL;
}

struct ka_error *ka_session_run_file(struct ka_session *s, const char *path, int *ret_status)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct ka_error *err;

	if (fd < 0)
		return ka_error_new(KA_IO, "cannot open %s: %s", path, strerror(errno));
	err = ka_session_run_fd(s, fd, path, false, ret_status);
	close(fd);
	return err;
}

/* True when it was there and run. */
static bool rc_run(struct ka_session *s, const char *path, const struct stat *other, struct stat *ret)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), status = KA_EXIT_CLEAN;
	struct ka_error *err;

	if (fd < 0)
		return false;
	if (fstat(fd, ret) || !S_ISREG(ret->st_mode) || (other && other->st_dev == ret->st_dev && other->st_ino == ret->st_ino)) {
		close(fd);
		return false;
	}
	if (other && ret->st_uid != geteuid()) {
		/* Commands can run shells: what a stranger left in a directory is not run. */
		ka_log(1, "%s is not yours: not run", path);
		close(fd);
		return false;
	}
	err = ka_session_run_fd(s, fd, path, false, &status);
	if (err)
		ka_session_fault(s, err);
	close(fd);
	return true;
}

void ka_session_run_rc(struct ka_session *s)
{
	static const struct stat none;
	const char *home = getenv("HOME");
	char *path = ka_xprintf("%s/.kanalyzerc", home ? home : "");
	struct stat first = none, second;

	s->is_starting = true;
	if (home && *home)
		rc_run(s, path, NULL, &first);
	rc_run(s, "./.kanalyzerc", &first, &second);
	s->is_starting = false;
	free(path);
}
