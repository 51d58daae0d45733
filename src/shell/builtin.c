/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The shell's own commands: their table, and the small ones. */
#include <ctype.h>
#include <errno.h>
#include <time.h>

#include "session.h"

static struct ka_error *quit_run(struct ka_call *c)
{
	c->session->is_done = true;
	return NULL;
}

static const struct ka_command command_q = {
	.name = "q",
	.args = "",
	.brief = "leaves kanalyze",
	.help = "Leaves the session; so do exit, quit and the end of the input (Ctrl-D). In a batch, commands behind it are not run.\n",
	.needs = KA_RAW_ARGS,
	.run = quit_run,
};

static const struct ka_command command_exit = {
	.name = "exit",
	.args = "",
	.brief = "leaves kanalyze",
	.help = "The same as q.\n",
	.needs = KA_RAW_ARGS,
	.run = quit_run,
};

/* Sleeps, but not through a Ctrl-C. */
static void sleep_seconds(double seconds)
{
	struct timespec left = { (time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9) };

	while (!ka_interrupted() && nanosleep(&left, &left) && errno == EINTR)
		;
}

static struct ka_error *repeat_run(struct ka_call *c)
{
	struct ka_session *s = c->session;
	const char *text = ka_words_skip(s->text, 1);
	double seconds = 0;
	int status;

	if (text[0] == '-' && (isdigit((unsigned char)text[1]) || text[1] == '.')) {
		char *end;

		seconds = strtod(text + 1, &end);
		if ((*end && !isspace((unsigned char)*end)) || seconds > 1e6)
			return ka_call_usage(c, "'%s' is no number of seconds", c->argv[0]);
		text = ka_words_skip(text, 1);
	}
	if (!*text)
		return ka_call_usage(c, "a command is expected");
	/* The interrupt ends it, and is no fault: there is no other way out. */
	do {
		status = ka_session_run(s, text);
		ka_sink_flush(ka_out_sink(c->out));
		/* What is wrong in the command stays wrong. */
		if (status == KA_EXIT_USAGE)
			break;
		sleep_seconds(seconds);
	} while (!ka_session_must_stop(s) && !ka_interrupted());
	return NULL;
}

static const struct ka_command command_repeat = {
	.name = "repeat",
	.args = "[-SECONDS] COMMAND",
	.brief = "runs a command again and again",
	.help = "Runs COMMAND (with its arguments) until Ctrl-C, with a pause of SECONDS (a fraction is allowed) between two runs;\n"
		"without -SECONDS there is none. A pipe or redirection takes the output of all runs. What is read is a dump, which does\n"
		"not change: the command is for scripts.\n"
		"\n"
		"EXAMPLES\n"
		"    repeat -1 ps -A\n",
	.needs = KA_RAW_ARGS,
	.run = repeat_run,
};

extern const struct ka_command ka_command_foreach;
extern const struct ka_command ka_command_alias, ka_command_h, ka_command_r, ka_command_set, ka_command_help, ka_command_man;

const struct ka_command *const ka_shell_commands[] = {
	&ka_command_alias, &command_exit, &ka_command_foreach, &ka_command_h,   &ka_command_help, &ka_command_man,
	&command_q,	   &ka_command_r, &command_repeat, &ka_command_set,  NULL,
};
