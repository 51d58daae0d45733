/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A session of the shell: made, kept, given up. */
#include <unistd.h>

#include "session.h"

/* readline's hooks take no argument, and there is one terminal. */
struct ka_session *ka_session_at_prompt;

struct ka_session *ka_session_new(struct ka_kernel *k, const struct ka_command *const *commands)
{
	struct ka_session *s = ka_xalloc(sizeof(*s));

	s->k = k;
	s->commands[0] = ka_shell_commands;
	s->commands[1] = commands;
	s->may_page = true;
	s->out = ka_out_new();
	ka_settings_init(&s->settings);
	ka_aliases_init(s);
	ka_variables_init(s);
	ka_sink_init(&s->standard, STDOUT_FILENO, false);
	ka_out_direct(s->out, &s->standard, KA_OUT_TEXT, false);
	return s;
}

void ka_session_free(struct ka_session *s)
{
	if (!s)
		return;
	/* Whoever wants to know whether all was written flushed before. */
	ka_error_drop(ka_sink_close(&s->standard));
	ka_out_free(s->out);
	ka_aliases_free(s);
	ka_variables_free(s);
	ka_settings_free(&s->settings);
	for (size_t i = 0; i < s->values.n; i++)
		free((char *)s->values.at[i].text);
	ka_vec_free(&s->values);
	free(s->history_path);
	free(s);
}
