/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Signals: Ctrl-C interrupts the running command, never the session. */
#include <signal.h>

#include "session.h"

/* Process-wide, as a terminal has one Ctrl-C. */
static volatile sig_atomic_t interrupts;

static void on_interrupt(int signal)
{
	(void)signal;
	interrupts++;
	ka_interrupt_set();
}

void ka_signals_init(void)
{
	/* Without SA_RESTART: a read at the prompt, a sleep and a wait are to end. */
	struct sigaction act = { .sa_handler = on_interrupt };

	sigemptyset(&act.sa_mask);
	sigaction(SIGINT, &act, NULL);
	signal(SIGPIPE, SIG_IGN);
}

unsigned ka_signals_count(void)
{
	return (unsigned)interrupts;
}

void ka_signals_default(void)
{
	signal(SIGINT, SIG_DFL);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGQUIT, SIG_DFL);
}
