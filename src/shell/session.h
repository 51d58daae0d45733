/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One session of the shell: the kernel it looks at, its context, settings, aliases, and how command lines run. */
#ifndef KA_SESSION_H
#define KA_SESSION_H

#include <sys/types.h>
#include <kanalyze/command.h>
#include <kanalyze/expr.h>
#include "line.h"
#include "out.h"
#include "settings.h"

enum { KA_EXIT_CLEAN, KA_EXIT_FAULTS, KA_EXIT_USAGE, KA_EXIT_CANNOT_OPEN };

struct ka_alias {
	char *name, *text;
	bool is_builtin;
};

struct ka_session {
	struct ka_kernel *k;			/* NULL in tests of the shell alone */
	struct ka_out *out;
	struct ka_sink standard;		/* standard output */
	const struct ka_command *const *commands[2];	/* the shell's, and those of commands/; NULL-terminated each */
	struct ka_settings settings;
	enum ka_out_format format;
	struct {
		KA_VEC(struct ka_alias);
	} aliases;
	bool is_interactive, may_page, is_starting, is_done;
	unsigned depth;				/* of command lines within command lines: files, repeat, r */
	int status;				/* the worst of all commands so far */
	int inner_status;			/* the worst of those that the running command ran */
	ka_addr task;				/* the context */
	bool has_task;
	ka_addr frame_task;			/* whose frame was chosen; 0: none */
	uint32_t frame;				/* its number */
	bool has_told_loss;			/* that the dump was written by an unfit makedumpfile */
	struct ka_call *call;			/* the innermost running one */
	const char *text;			/* its command and arguments as typed */
	struct {
		KA_VEC(struct ka_convenience);
	} variables;				/* variables.c: $x */
	struct ka_expr_env expr_env;
	struct {
		KA_VEC(struct ka_value);
	} values;				/* $1, $2 ... */
	char *history_path;
	bool is_in_history;			/* the line being run is the last of the history */
};

struct ka_session *ka_session_new(struct ka_kernel *k, const struct ka_command *const *commands);
void ka_session_free(struct ka_session *s);
/* The task of the context; while none was chosen, the one that panicked, else that of CPU 0. Changes nothing. 0: the dump tells of none. */
ka_addr ka_session_task(const struct ka_session *s);
/* The session whose terminal is being read: readline's hooks take no argument. */
extern struct ka_session *ka_session_at_prompt;

/* run.c: runs all commands of a text (one line or many); the worst status of them. */
int ka_session_run(struct ka_session *s, const char *text);
/* A file of commands. Error when it cannot be read. */
struct ka_error *ka_session_run_file(struct ka_session *s, const char *path, int *ret_status) KA_MUST_CHECK;
/* Line by line as they come; is_typed: they go into the history (standard input). */
struct ka_error *ka_session_run_fd(struct ka_session *s, int fd, const char *name, bool is_typed, int *ret_status) KA_MUST_CHECK;
/* The shell's start-up files: ~/.kanalyzerc, then ./.kanalyzerc when the user owns it and it is not the same file. */
void ka_session_run_rc(struct ka_session *s);
/* A line as it was typed: history is expanded and kept, then it is run. */
int ka_session_input(struct ka_session *s, const char *line);
/* A fault of the shell itself; takes err. */
int ka_session_fault(struct ka_session *s, struct ka_error *err);
bool ka_session_must_stop(const struct ka_session *s);

/* values.c: $1, $, $$2. False: there is no such value. */
bool ka_session_kept_value(const struct ka_session *s, const char *name, struct ka_value *ret);

/* call.c: options are parsed, needs checked, the command run in a document of its own. The status. */
int ka_session_call(struct ka_session *s, const struct ka_command *c, const char *text, int argc, char **argv);
/* A command that foreach runs for tasks. Their addresses are the last words of one that takes tasks. */
struct ka_task_run {
	const struct ka_command *command;
	const ka_addr *tasks;
	size_t count;
	const char *text;
	int argc;		/* words of one that looks at the current task, without them */
	char **argv;
	bool is_context;
};
/* The same for many tasks, on all cores where the command can do so. */
int ka_session_call_tasks(struct ka_session *s, const struct ka_task_run *run, int argc, char **argv);
/* foreach.c: the run for one of the tasks, with that task current; its status goes into c->session->inner_status. */
void ka_foreach_context(struct ka_call *c, const struct ka_task_run *run, size_t i);
/* parts.c */
bool ka_parts_fit(const struct ka_call *c, const struct ka_task_run *run);
struct ka_error *ka_parts_run(struct ka_call *c, const struct ka_task_run *run) KA_MUST_CHECK;
struct ka_error *ka_options_parse(struct ka_call *c, int argc, char **argv) KA_MUST_CHECK;

/* lookup.c */
const struct ka_command *ka_command_find(const struct ka_session *s, const char *name);
/* Each command of the session in turn; NULL at the end. *at starts at 0. */
const struct ka_command *ka_command_next(const struct ka_session *s, size_t *at);
/* What may have been meant, or NULL. */
const char *ka_command_nearest(const struct ka_session *s, const char *name);
/* What a word that is no command means to the kernel: runs the command it maps to, or says what it is. */
int ka_session_bare_word(struct ka_session *s, const struct ka_line *l);

/* variables.c: registers and convenience variables in expressions */
void ka_variables_init(struct ka_session *s);
void ka_variables_free(struct ka_session *s);
/* "$x = EXPR" */
struct ka_error *ka_variable_set(struct ka_session *s, const char *text) KA_MUST_CHECK;
/* In the order they were made; NULL past the end. */
const struct ka_value *ka_variable_get(const struct ka_session *s, size_t i, const char **ret_name);

/* alias.c */
void ka_aliases_init(struct ka_session *s);
void ka_aliases_free(struct ka_session *s);
const struct ka_alias *ka_alias_find(const struct ka_session *s, const char *name);
/* The text with its first word replaced as long as it is an alias; in the arena. */
const char *ka_alias_expand(const struct ka_session *s, struct ka_arena *a, const char *text);

/* redirect.c: where the rows of a command line go. */
struct ka_redirect {
	struct ka_sink sink;
	struct ka_sink *outer_sink;
	bool is_active;
	pid_t shell;		/* of the pipeline; 0: none */
};
struct ka_error *ka_redirect_begin(struct ka_session *s, const struct ka_line *l, bool may_page, struct ka_redirect *r) KA_MUST_CHECK;
/* Waits for the pipeline. */
struct ka_error *ka_redirect_end(struct ka_session *s, struct ka_redirect *r) KA_MUST_CHECK;
/* "!command"; an empty one is an interactive shell. */
struct ka_error *ka_shell_run(struct ka_session *s, const char *command) KA_MUST_CHECK;
bool ka_session_has_colour(const struct ka_session *s);

/* history.c */
void ka_history_open(struct ka_session *s);
void ka_history_add(struct ka_session *s, const char *line);
/* "!!", "!12", "r", "r 12", "r text": the line meant, malloc'd. Error when there is none. */
struct ka_error *ka_history_find(struct ka_session *s, const char *what, char **ret) KA_MUST_CHECK;
/* The line with "!!" or "!N" replaced, malloc'd; NULL: it is none of these. */
struct ka_error *ka_history_expand(struct ka_session *s, const char *line, char **ret) KA_MUST_CHECK;

/* prompt.c, complete.c */
/* Header, prompt, until the user leaves; the exit status. */
int ka_session_prompt(struct ka_session *s);
char **ka_complete(const char *text, int start, int end);
void ka_editing_mode_set(const char *mode);

/* signals.c: Ctrl-C interrupts what runs; a reader that left is an error of write(). */
void ka_signals_init(void);
unsigned ka_signals_count(void);	/* Ctrl-Cs so far: one ends a batch */
void ka_signals_default(void);		/* in a child, before exec */

/* help.c, doc.c: the page of a command as text (in the arena), and the generated documentation. */
struct ka_topic {
	const char *name, *brief, *help;
};
extern const struct ka_topic ka_topics[];	/* ends with a NULL name */
/* Bytes of the paragraph, or of the line that stands as it is, at the start of a help text. */
size_t ka_help_block(const char *text, bool *ret_is_prose);
const char *ka_help_page(struct ka_arena *a, const struct ka_command *c);
void ka_doc_commands(const struct ka_session *s, struct ka_str *to);
void ka_doc_man(const struct ka_session *s, struct ka_str *to);
void ka_doc_completion(struct ka_str *to);	/* for bash */
/* Are all commands described soundly? Each fault is a line. */
size_t ka_doc_check(const struct ka_session *s, struct ka_str *faults);

extern const struct ka_command *const ka_shell_commands[];

#endif
