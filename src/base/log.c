/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The debug log of -d N, and the flag that Ctrl-C sets. */
#include <signal.h>
#include <stdio.h>
#include <time.h>
#include <kanalyze/base.h>

int ka_log_level_now;

void ka_log_write(const char *fmt, ...)
{
	struct timespec now;
	va_list ap;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	flockfile(stderr);
	fprintf(stderr, "[%3ld.%03ld] ", (long)now.tv_sec, now.tv_nsec / 1000000);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	funlockfile(stderr);
}

static volatile sig_atomic_t interrupted;

void ka_interrupt_set(void)
{
	interrupted = 1;
}

void ka_interrupt_clear(void)
{
	interrupted = 0;
}

bool ka_interrupted(void)
{
	return interrupted != 0;
}
