/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Runs the pager behind long output on a terminal. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "out.h"
#include "pager.h"

#define HOLD_MS 1000	/* held text is shown through the pager after this long: it goes on reading */

struct ka_pager {
	char *command;
	int terminal_fd, fd;		/* fd -1: not started */
	bool has_failed;		/* could not be started: text goes straight to the terminal */
	pid_t pid;
	unsigned screen_rows, screen_columns;
	size_t seen;			/* bytes of the held text that were counted */
	unsigned rows, columns;		/* of the screen that they take */
};

struct ka_pager *ka_pager_new(const char *command, int terminal_fd, unsigned screen_rows, unsigned screen_columns)
{
	struct ka_pager *p = ka_xalloc(sizeof(*p));

	*p = (struct ka_pager){ .command = ka_xstrdup(command), .terminal_fd = terminal_fd, .fd = -1,
				.screen_rows = screen_rows ? screen_rows : 24,
				.screen_columns = screen_columns ? screen_columns : 80 };
	return p;
}

static void pager_start(struct ka_pager *p)
{
	int fds[2];

	p->has_failed = true;
	if (pipe2(fds, O_CLOEXEC))
		return;
	p->pid = fork();
	if (p->pid < 0) {
		close(fds[0]);
		close(fds[1]);
		return;
	}
	if (!p->pid) {
		signal(SIGINT, SIG_DFL);
		signal(SIGPIPE, SIG_DFL);
		signal(SIGQUIT, SIG_DFL);
		/* Colours pass, short text leaves by itself, the text stays on the screen: as git runs less. */
		setenv("LESS", "FRX", 0);
		setenv("LV", "-c", 0);
		dup2(fds[0], 0);
		dup2(p->terminal_fd, 1);
		execl("/bin/sh", "sh", "-c", p->command, NULL);
		_exit(127);
	}
	close(fds[0]);
	p->fd = fds[1];
	p->has_failed = false;
}

bool ka_pager_is_due(struct ka_pager *p, const struct ka_str *held, uint64_t held_ms)
{
	if (p->fd >= 0 || p->has_failed)
		return true;
	for (; p->seen < held->len; p->seen++) {
		uint8_t c = held->p[p->seen];

		if (c == '\n' || p->columns >= p->screen_columns) {
			p->rows++;
			p->columns = 0;
		}
		p->columns += c == '\t' ? 8 - p->columns % 8 : c != '\n' && (c & 0xc0) != 0x80;
	}
	/* One row of the screen is the prompt's. */
	if (p->rows + 1 > p->screen_rows || (held_ms > HOLD_MS && held->len))
		pager_start(p);
	return p->fd >= 0 || p->has_failed;
}

int ka_pager_fd(const struct ka_pager *p, int fallback)
{
	return p->fd >= 0 ? p->fd : fallback;
}

void ka_pager_free(struct ka_pager *p)
{
	if (!p)
		return;
	if (p->fd >= 0) {
		close(p->fd);
		/* Ctrl-C goes to the pager as well, which makes of it what it likes. */
		while (waitpid(p->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	free(p->command);
	free(p);
}

static bool is_in_path(const char *program)
{
	const char *path = getenv("PATH");

	for (const char *p = path ? path : "/usr/bin:/bin", *end; *p; p = *end ? end + 1 : end) {
		char *file;
		bool found;

		end = p + strcspn(p, ":");
		file = ka_xprintf("%.*s/%s", (int)(end - p), p, program);
		found = !access(file, X_OK);
		free(file);
		if (found)
			return true;
	}
	return false;
}

const char *ka_pager_command(struct ka_arena *a)
{
	static const char *const names[] = { "KANALYZE_PAGER", "PAGER" };

	for (size_t i = 0; i < KA_COUNT(names); i++) {
		const char *s = getenv(names[i]);

		if (s && *s)
			return strcmp(s, "cat") ? ka_strdup(a, s) : NULL;
	}
	return is_in_path("less") ? "less -R -F -X" : is_in_path("more") ? "more" : NULL;
}
