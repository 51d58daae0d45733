/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The prompt: readline, the header before it, and Ctrl-C at it. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>
#include <readline/readline.h>
#include <readline/history.h>

#include "session.h"

#define PROMPT "kanalyze> "

void ka_editing_mode_set(const char *mode)
{
	rl_variable_bind("editing-mode", mode);
}

/*
 * Signals at the prompt are blocked but for the moments when a key is waited for: they cannot come between
 * readline's steps, and none is missed. readline's own handling (rl_catch_signals) gives a line up only when a read fails.
 */
static volatile sig_atomic_t caught;

static void on_signal(int signal)
{
	caught = signal;
}

static const int prompt_signals[] = { SIGINT, SIGTERM, SIGHUP, SIGTSTP };

struct signals_before {
	sigset_t mask;
	struct sigaction actions[KA_COUNT(prompt_signals)];
};

static void signals_take(struct signals_before *before)
{
	struct sigaction act = { .sa_handler = on_signal };
	sigset_t block;

	sigemptyset(&act.sa_mask);
	sigemptyset(&block);
	for (size_t i = 0; i < KA_COUNT(prompt_signals); i++)
		sigaddset(&block, prompt_signals[i]);
	sigprocmask(SIG_BLOCK, &block, &before->mask);
	for (size_t i = 0; i < KA_COUNT(prompt_signals); i++)
		sigaction(prompt_signals[i], &act, &before->actions[i]);
}

static void signals_give_back(const struct signals_before *before)
{
	for (size_t i = 0; i < KA_COUNT(prompt_signals); i++)
		sigaction(prompt_signals[i], &before->actions[i], NULL);
	sigprocmask(SIG_SETMASK, &before->mask, NULL);
}

/* The signal does what it does to a program that does not care, with the terminal as it was before the prompt. */
static void signal_pass(int number)
{
	struct sigaction dflt = { .sa_handler = SIG_DFL }, old;
	sigset_t one, mask;

	rl_deprep_terminal();
	sigaction(number, &dflt, &old);
	raise(number);
	sigemptyset(&one);
	sigaddset(&one, number);
	sigprocmask(SIG_UNBLOCK, &one, &mask);
	/* Stopped, and going on. */
	sigprocmask(SIG_SETMASK, &mask, NULL);
	sigaction(number, &old, NULL);
	rl_prep_terminal(1);
	rl_forced_update_display();
}

static void line_give_up(void)
{
	rl_free_line_state();
	rl_point = rl_end;
	fputs("^C", rl_outstream);
	rl_replace_line("", 0);
	rl_mark = 0;
	rl_crlf();
	rl_on_new_line();
	rl_redisplay();
}

#define IN_THE_MIDDLE (RL_STATE_ISEARCH | RL_STATE_NSEARCH | RL_STATE_NUMERICARG | RL_STATE_VIMOTION | RL_STATE_MULTIKEY | \
		       RL_STATE_METANEXT | RL_STATE_CHARSEARCH)

/* One key. */
static int key_get(FILE *stream)
{
	struct pollfd fd = { .fd = fileno(stream), .events = POLLIN };
	unsigned char c;
	sigset_t open;
	ssize_t n;

	sigprocmask(SIG_SETMASK, NULL, &open);
	for (size_t i = 0; i < KA_COUNT(prompt_signals); i++)
		sigdelset(&open, prompt_signals[i]);
	for (;;) {
		if (ppoll(&fd, 1, NULL, &open) > 0) {
			n = read(fd.fd, &c, 1);
			if (n == 1)
				return c;
			if (!n || (errno != EINTR && errno != EAGAIN))
				return EOF;
		} else if (errno != EINTR) {
			return EOF;
		}
		if (caught == SIGINT) {
			caught = 0;
			/* A search or an argument is ended by Ctrl-G, a question answered with no, and the line left. */
			if (RL_ISSTATE(IN_THE_MIDDLE))
				return 7;
			if (RL_ISSTATE(RL_STATE_MOREINPUT | RL_STATE_COMPLETING))
				return 'n';
			line_give_up();
		} else if (caught) {
			n = caught;
			caught = 0;
			signal_pass((int)n);
		}
	}
}

static void readline_init(struct ka_session *s)
{
	ka_session_at_prompt = s;
	rl_readline_name = "kanalyze";
	rl_attempted_completion_function = ka_complete;
	/* '.' and ',' stay within the word: "task_struct.pid,comm" is completed as a whole. */
	rl_completer_word_break_characters = " \t\n\"'|<>;(&*=";
	rl_completer_quote_characters = "\"'";
	rl_getc_function = key_get;
	rl_catch_signals = 0;
	rl_initialize();
	ka_editing_mode_set(ka_settings_get(&s->settings, "edit"));
}

static void header_show(struct ka_session *s)
{
	if (ka_settings_is_on(&s->settings, "silent") || s->format != KA_OUT_TEXT)
		return;
	/* Not through the pager: the prompt stands below it. */
	s->may_page = false;
	/* sys ends with the current task. */
	ka_session_run(s, ka_command_find(s, "sys") ? "sys" : "set");
	ka_out_note(s->out, "\n");
	ka_sink_flush(&s->standard);
	s->may_page = true;
}

int ka_session_prompt(struct ka_session *s)
{
	bool may_page = s->may_page;

	header_show(s);
	s->may_page = may_page;
	readline_init(s);
	ka_history_open(s);
	while (!s->is_done && !s->standard.is_broken) {
		struct signals_before before;
		char *line;

		signals_take(&before);
		line = readline(PROMPT);
		signals_give_back(&before);
		ka_interrupt_clear();
		if (!line) {
			/* The end of the input: the shell's prompt is to stand on a line of its own. */
			if (write(STDOUT_FILENO, "\n", 1) < 0)
				break;
			break;
		}
		ka_session_input(s, line);
		free(line);
	}
	ka_session_at_prompt = NULL;
	rl_deprep_terminal();
	return KA_EXIT_CLEAN;
}
