/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where the rows of a command line go: the terminal, a pager, a file, a shell's pipeline. */
#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "session.h"

bool ka_session_has_colour(const struct ka_session *s)
{
	const char *mode = ka_settings_get(&s->settings, "color"), *no = getenv("NO_COLOR"), *term = getenv("TERM");

	if (s->format != KA_OUT_TEXT || !isatty(STDOUT_FILENO) || !strcmp(mode, "off"))
		return false;
	return !strcmp(mode, "on") || (!(no && *no) && term && *term && strcmp(term, "dumb"));
}

/* Runs /bin/sh -c command (or the user's shell) with the given descriptors as its standard ones. */
static pid_t shell_start(const char *command, int input, int output)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	ka_signals_default();
	if (input >= 0)
		dup2(input, STDIN_FILENO);
	if (output >= 0 && output != STDOUT_FILENO)
		dup2(output, STDOUT_FILENO);
	if (*command) {
		execl("/bin/sh", "sh", "-c", command, NULL);
	} else {
		const char *shell = getenv("SHELL");

		execlp(shell && *shell ? shell : "/bin/sh", shell && *shell ? shell : "sh", NULL);
	}
	_exit(127);
}

static void shell_wait(pid_t pid)
{
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

static struct ka_error *pipe_begin(struct ka_session *s, const char *command, struct ka_redirect *r)
{
	int fds[2];

	(void)s;
	if (pipe2(fds, O_CLOEXEC))
		return ka_error_new(KA_IO, "cannot make a pipe: %s", strerror(errno));
	r->shell = shell_start(command, fds[0], r->outer_sink ? r->outer_sink->fd : -1);
	close(fds[0]);
	if (r->shell < 0) {
		close(fds[1]);
		return ka_error_new(KA_IO, "cannot start a shell: %s", strerror(errno));
	}
	ka_sink_init(&r->sink, fds[1], true);
	return NULL;
}

static bool pager_begin(struct ka_session *s, struct ka_redirect *r)
{
	const char *scroll = ka_settings_get(&s->settings, "scroll");
	struct ka_arena *a = ka_arena_new();
	struct winsize size = {0};
	const char *command = NULL;

	if (!strcmp(scroll, "on") || !strcmp(scroll, "CRASHPAGER"))
		command = ka_pager_command(a);
	else if (!strcmp(scroll, "less"))
		command = "less -R -F -X";
	else if (strcmp(scroll, "off"))
		command = scroll;
	if (command) {
		ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
		ka_sink_init_pager(&r->sink, STDOUT_FILENO, command, size.ws_row, size.ws_col);
	}
	ka_arena_free(a);
	return command;
}

struct ka_error *ka_redirect_begin(struct ka_session *s, const struct ka_line *l, bool may_page, struct ka_redirect *r)
{
	struct ka_error *err = NULL;
	bool has_colour = false;

	*r = (struct ka_redirect){ .outer_sink = ka_out_sink(s->out) };
	ka_sink_flush(r->outer_sink);
	if (l->to) {
		int fd = open(l->to, O_WRONLY | O_CREAT | O_CLOEXEC | (l->is_appended ? O_APPEND : O_TRUNC), 0666);

		if (fd < 0)
			return ka_error_new(KA_IO, "cannot open %s: %s", l->to, strerror(errno));
		ka_sink_init(&r->sink, fd, true);
		r->is_active = true;
	} else if (l->shell) {
		err = pipe_begin(s, l->shell, r);
		r->is_active = !err;
	} else if (may_page && s->may_page && s->depth <= 1 && r->outer_sink == &s->standard && s->is_interactive && isatty(STDOUT_FILENO)) {
		r->is_active = pager_begin(s, r);
		has_colour = ka_session_has_colour(s);
	} else if (r->outer_sink == &s->standard) {
		has_colour = ka_session_has_colour(s);
	}
	/* The format may have been set since the last line. */
	if (!err)
		ka_out_direct(s->out, r->is_active ? &r->sink : r->outer_sink, s->format, has_colour);
	return err;
}

struct ka_error *ka_redirect_end(struct ka_session *s, struct ka_redirect *r)
{
	struct ka_error *err = NULL;

	if (r->is_active) {
		bool was_broken = r->sink.is_broken;

		err = ka_sink_close(&r->sink);
		if (r->shell)
			shell_wait(r->shell);
		/* It was the end of this line alone. */
		if (was_broken)
			ka_interrupt_clear();
		ka_out_direct(s->out, r->outer_sink, s->format, r->outer_sink == &s->standard && ka_session_has_colour(s));
	}
	if (s->depth <= 1)
		ka_sink_flush(r->outer_sink);
	return err;
}

struct ka_error *ka_shell_run(struct ka_session *s, const char *command)
{
	struct ka_sink *sink = ka_out_sink(s->out);
	pid_t pid;

	ka_sink_flush(sink);
	pid = shell_start(command, -1, sink->fd);
	if (pid < 0)
		return ka_error_new(KA_IO, "cannot start a shell: %s", strerror(errno));
	shell_wait(pid);
	return NULL;
}
