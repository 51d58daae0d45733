/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The command contract. One command = one file: rows, options, a run function and
 *
 *	const struct ka_command ka_command_ps = { .name = "ps", ... };
 *
 * plus its word in commands/meson.build.
 */
#ifndef KANALYZE_COMMAND_H
#define KANALYZE_COMMAND_H

#include <kanalyze/memory.h>
#include <kanalyze/row.h>

struct ka_option {
	const char *name;	/* "a", "SS", "16" (given as -NAME; single letters may be joined: -lf), or "where" with is_long (--where) */
	const char *arg;	/* NULL: takes none; else its name in the help: "CPUS" */
	const char *help;	/* one line */
	bool is_long;
};

enum ka_need {
	KA_NEED_TYPES = 1,	/* vmlinux or BTF in the dump */
	KA_NEED_TASKS = 2,
	KA_NEED_SYMBOLS = 4,
	KA_RAW_ARGS = 8,	/* no option parsing: argv is what was typed (eval, alias, "!...") */
	KA_TAKES_TASKS = 32,	/* its arguments may be tasks: foreach runs it */
	KA_IN_CONTEXT = 128,	/* it looks at the current task: foreach makes each task current, and runs it */
	KA_EACH_ALONE = 256,	/* several tasks are one after another, each by itself: foreach takes them on all cores. It changes nothing of the session */
	KA_DOLLAR_ARGS = 64,	/* "$x = -1": from an argument with a $ on there are no options */
	KA_NUMBER_ARGS = 16,	/* "-5" is an argument, not an option, when no option has that name */
};

struct ka_session;	/* the shell's: context and settings */

struct ka_option_given {
	const struct ka_option *option;
	const char *value;	/* NULL when it takes none */
};

struct ka_call {
	struct ka_kernel *k;
	struct ka_session *session;
	struct ka_out *out;
	struct ka_arena *arena;		/* lives until run() returns */
	const struct ka_command *command;
	int argc;			/* arguments that are no options; argv[0] is the first of them */
	char **argv;
	struct ka_option_given *options;	/* in the order given */
	size_t option_count;
	size_t fault_count;
	uint64_t zeroed;		/* ka_kernel_zeroed() before */
	bool is_part;			/* it has but some of the tasks: others have the rest, on other cores */
	bool is_later_part;		/* and what is wrong with the words was told by the first of them */
	size_t excluded_count, hidden_count;	/* of those: pages left out of the dump; not printed */
};

struct ka_command {
	const char *name;
	const char *args;	/* "[-k | -u] [PID | TASK | COMM]..." */
	const char *brief;	/* one line: "process status" */
	const char *help;	/* body: paragraphs and examples, for help, the man page and doc/ */
	const struct ka_option *options;	/* ends with a NULL name; NULL: none */
	unsigned needs;		/* enum ka_need */
	const struct ka_rows *const *rows;	/* every row type it may put out, NULL-terminated */
	struct ka_error *(*run)(struct ka_call *c);
	const char *const *together;	/* of KA_EACH_ALONE: options with which tasks are taken all at once after all; ends with NULL; NULL: none */
	const char *group_option;	/* with it a task stands for its whole thread group: foreach gives one of each; NULL: none */
};

bool ka_call_has(const struct ka_call *c, const char *option);
const char *ka_call_value(const struct ka_call *c, const char *option);	/* of the last one given, or NULL */
/* A fault that does not end the command: "errors" in JSON, standard error in text; exit status 1. Takes err; NULL is ignored. */
void ka_call_fault(struct ka_call *c, struct ka_error *err);
/* Error USAGE: the shell prints the usage line behind it. */
struct ka_error *ka_call_usage(struct ka_call *c, const char *fmt, ...) KA_PRINTF(2, 3) KA_MUST_CHECK;

/* What was typed behind the command's name, quotes and all, without redirections; "" when nothing. */
const char *ka_call_text(const struct ka_call *c);
/*
 * Keeps a value that was printed as long as the session: numbered from 1. Expressions find it by the names that gdb gives it:
 * "$3", "$" the last, "$$" the one before it, "$$3" the third before it.
 */
struct ka_value;
unsigned ka_call_keep_value(struct ka_call *c, const struct ka_value *x);

/* Context: the current task. */
ka_addr ka_call_task(const struct ka_call *c);
struct ka_error *ka_call_set_task(struct ka_call *c, ka_addr task) KA_MUST_CHECK;
/* Number of the frame of the current task that `frame` chose; false: none was. Another task forgets it. */
bool ka_call_frame(const struct ka_call *c, uint32_t *ret);
void ka_call_set_frame(struct ka_call *c, uint32_t level);
/* Settings by name ("radix" -> "10"); NULL when there is no such setting. */
const char *ka_call_setting(const struct ka_call *c, const char *name);
/* As `set NAME VALUE`. */
struct ka_error *ka_call_set_setting(struct ka_call *c, const char *name, const char *value) KA_MUST_CHECK;

/* Numbers as crash reads them: 0x.. hex; digits with a-f hex; else decimal first where is_decimal, hex where not. False when not a number. */
bool ka_parse_number(const char *text, bool is_decimal, uint64_t *ret);
/* Digits of this radix to the end, no prefix. */
bool ka_parse_digits(const char *text, unsigned radix, uint64_t *ret);
/* "1,3-5", "a" or "all": bits into a bool array of count. */
struct ka_error *ka_parse_cpus(const char *text, bool *ret, unsigned count) KA_MUST_CHECK;
/*
 * An address as a user gives it: number (hex without 0x), symbol (its address), symbol+offset (decimal), $rip, and any
 * expression: "init_task.mm->pgd", "((struct file *)ffff888004a20000)->f_mapping"; of structs and arrays: where they lie.
 */
struct ka_error *ka_parse_address(struct ka_kernel *k, const char *text, ka_addr *ret) KA_MUST_CHECK;
/* PID (decimal) or TASK (hex address): to the task_struct. crash's rule: decimal pid first, then a task address, then hex pid. */
struct ka_error *ka_parse_task(struct ka_kernel *k, const char *text, ka_addr *ret) KA_MUST_CHECK;

#endif
