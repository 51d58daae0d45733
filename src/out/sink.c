/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sinks: text is collected and written out in blocks, or what has waited for long at once. */
#include <errno.h>
#include <time.h>
#include <unistd.h>

#include "out.h"
#include "pager.h"

#define BLOCK_SIZE (64 << 10)
#define WAIT_MS	   200

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
	return (uint64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void ka_sink_init(struct ka_sink *s, int fd, bool owns_fd)
{
	*s = (struct ka_sink){ .fd = fd, .owns_fd = owns_fd, .flushed_ms = now_ms(), .is_terminal = fd >= 0 && isatty(fd) };
}

void ka_sink_init_pager(struct ka_sink *s, int fd, const char *command, unsigned screen_rows, unsigned screen_columns)
{
	ka_sink_init(s, fd, false);
	s->pager = ka_pager_new(command, fd, screen_rows, screen_columns);
}

/* Of one value there may be hundreds of megabytes, which no terminal takes in a moment: after Ctrl-C it ends soon, with a line. */
static void cut(struct ka_sink *s, size_t done)
{
	const char *end;

	if (s->buf.len - done <= BLOCK_SIZE)
		return;
	end = memchr(s->buf.p + done, '\n', BLOCK_SIZE);
	s->buf.len = end ? (size_t)(end - s->buf.p) : done;
	ka_str_add(&s->buf, "\n...\n");
}

static void write_out(struct ka_sink *s)
{
	int fd = s->pager ? ka_pager_fd(s->pager, s->fd) : s->fd;
	size_t done = 0;

	while (done < s->buf.len && !s->is_broken && !s->error) {
		ssize_t n;

		if (s->is_terminal && !s->pager && ka_interrupted())
			cut(s, done);
		n = write(fd, s->buf.p + done, s->is_terminal ? KA_MIN(s->buf.len - done, (size_t)BLOCK_SIZE) : s->buf.len - done);
		if (n >= 0) {
			done += n;
		} else if (errno == EPIPE) {
			/* The reader has seen enough: whoever makes more can stop. */
			s->is_broken = true;
			ka_interrupt_set();
		} else if (errno != EINTR) {
			s->error = errno;
			ka_interrupt_set();
		}
	}
	ka_str_clear(&s->buf);
	s->flushed_ms = now_ms();
}

void ka_sink_tick(struct ka_sink *s)
{
	bool is_late;

	if (s->on_full)
		s->on_full(s);
	if (s->fd < 0 || !s->buf.len)
		return;
	is_late = now_ms() - s->flushed_ms > WAIT_MS;
	if (s->pager && !ka_pager_is_due(s->pager, &s->buf, now_ms() - s->flushed_ms))
		return;
	if (s->pager || is_late || s->buf.len >= BLOCK_SIZE)
		write_out(s);
}

void ka_sink_flush(struct ka_sink *s)
{
	if (s->fd < 0 || !s->buf.len || (s->pager && !ka_pager_is_due(s->pager, &s->buf, 0)))
		return;
	write_out(s);
}

struct ka_error *ka_sink_close(struct ka_sink *s)
{
	int error;

	if (s->fd >= 0) {
		ka_sink_flush(s);
		if (s->buf.len)		/* short text that a pager held: it was never started */
			write_out(s);
		ka_pager_free(s->pager);
		if (s->owns_fd && close(s->fd) && !s->error)
			s->error = errno;
	}
	error = s->error;
	ka_str_free(&s->buf);
	*s = (struct ka_sink){ .fd = -1 };
	return error ? ka_error_new(KA_IO, "cannot write the output: %s", strerror(error)) : NULL;
}
