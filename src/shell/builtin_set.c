/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* set: the current task, and the variables of the session. */
#include <stdio.h>
#include <kanalyze/task.h>
#include <kanalyze/type.h>

#include "session.h"

struct variable_row { const char *name, *value, *choices, *help; };
KA_LINES(variable_row, "variables", "{name:>15}: {value}",
	KA_COL(variable_row, name, KA_TEXT, "the variable"),
	KA_COL(variable_row, value, KA_TEXT, "what it is now"),
	KA_COLF(variable_row, choices, KA_TEXT, KA_ONLY_JSON, "what it may be"),
	KA_COLF(variable_row, help, KA_TEXT, KA_ONLY_JSON, "what it is for"));

struct context_row {
	int32_t pid;
	char quoted[80];
	char comm[16];
	char text[64];
	ka_addr task;
	ka_addr thread_info;
	uint32_t cpu;
	const char *state_text, *state;
	bool is_active, is_panic;
};
KA_RECORD(context_row, "context",
	KA_CELL(context_row, pid, KA_INT, 0, "PID", "process id"),
	KA_CELL(context_row, quoted, KA_CHARS, KA_ONLY_TEXT, "COMMAND", NULL),
	KA_COLF(context_row, comm, KA_CHARS, KA_ONLY_JSON, "name of the process"),
	KA_CELL(context_row, text, KA_CHARS, KA_ONLY_TEXT, "TASK", NULL),
	KA_COLF(context_row, task, KA_ADDR, KA_ONLY_JSON, "its task_struct"),
	KA_COLF(context_row, thread_info, KA_ADDR, KA_ONLY_JSON, "its thread_info"),
	KA_CELL(context_row, cpu, KA_UINT, 0, "CPU", "the CPU it ran on last"),
	KA_CELL(context_row, state_text, KA_TEXT, KA_ONLY_TEXT, "STATE", NULL),
	KA_COLF(context_row, state, KA_TEXT, KA_ONLY_JSON, "TASK_RUNNING and the like"),
	KA_COLF(context_row, is_active, KA_BOOL, KA_ONLY_JSON, "is it on a CPU"),
	KA_COLF(context_row, is_panic, KA_BOOL, KA_ONLY_JSON, "is it the task that ended the machine"));

static struct ka_error *context_show(struct ka_call *c)
{
	ka_addr at = ka_call_task(c);
	struct context_row row = {0};
	struct ka_error *err;
	struct ka_task t;
	unsigned cpu;

	if (!at)
		return ka_error_new(KA_NOT_FOUND, "there is no current task: none panicked, and no CPU tells which it ran");
	err = ka_task_read(c->k, at, &t);
	if (err)
		return err;
	row.pid = t.pid;
	row.task = at;
	row.thread_info = ka_task_thread_info(c->k, &t);
	row.cpu = t.cpu;
	row.is_active = ka_task_is_active(c->k, at, &cpu);
	row.is_panic = at == ka_panic_task(c->k);
	if (row.is_active)
		row.cpu = cpu;
	row.state = ka_task_state_long(c->k, &t, c->arena);
	row.state_text = ka_printf(c->arena, "%s%s", row.state, row.is_panic ? " (PANIC)" : row.is_active ? " (ACTIVE)" : "");
	memcpy(row.comm, t.comm, sizeof(row.comm));
	snprintf(row.quoted, sizeof(row.quoted), "\"%.16s\"", t.comm);
	snprintf(row.text, sizeof(row.text), "%llx  [THREAD_INFO: %llx]", (unsigned long long)at, (unsigned long long)row.thread_info);
	ka_out_row(c->out, &ka_rows_context_row, &row);
	return NULL;
}

static struct ka_error *context_set(struct ka_call *c, ka_addr task)
{
	struct ka_error *err = ka_call_set_task(c, task);

	if (err || c->session->is_starting)
		return err;
	return context_show(c);
}

static void variable_show(struct ka_call *c, const struct ka_setting *v)
{
	const char *value = ka_call_setting(c, v->name);

	ka_out_row(c->out, &ka_rows_variable_row, &(struct variable_row){ v->name, value, v->choices, v->help });
}

static struct ka_error *variable_set(struct ka_call *c)
{
	const struct ka_setting *v = ka_setting_find(c->argv[0]);
	struct ka_error *err;

	if (c->argc > 2)
		return ka_call_usage(c, "%s: one value is expected", v->name);
	if (c->argc == 2) {
		err = ka_settings_set(&c->session->settings, c->session, v->name, ka_word_unquote(c->argv[1]));
		if (err)
			return err;
	}
	if (c->argc == 1 || (c->session->is_interactive && !c->session->is_starting))
		variable_show(c, v);
	return NULL;
}

/* One line: a number with its type's name, the place of what is larger. */
static void convenience_show(struct ka_call *c, const char *name, const struct ka_value *v)
{
	const char *text;

	if (v->text)
		text = ka_printf(c->arena, "\"%.*s\"", (int)v->text_size, v->text);
	else if (v->kind == KA_TYPE_FLOAT)
		text = ka_printf(c->arena, "%g", v->real);
	else if (v->kind == KA_TYPE_POINTER || !v->is_loaded)
		text = ka_printf(c->arena, "%s%s0x%llx", v->type_name ? v->type_name : "", v->type_name ? " at " : "",
				 (unsigned long long)(v->is_loaded ? v->bits : v->addr));
	else
		text = ka_printf(c->arena, v->is_signed ? "%lld" : "%llu", (unsigned long long)v->bits);
	ka_out_row(c->out, &ka_rows_variable_row, &(struct variable_row){ name, text, NULL, "set $NAME = EXPRESSION" });
}

/* "$x = EXPR" keeps a value, "$x" shows it, "$" all of them. */
static struct ka_error *convenience(struct ka_call *c)
{
	const char *typed = c->session->text ? strchr(c->session->text, '$') : NULL, *name;
	const struct ka_value *v;
	bool found = false;

	if (c->argc > 1 || strchr(c->argv[0], '='))
		return typed ? ka_variable_set(c->session, typed) : ka_call_usage(c, "set $NAME = EXPRESSION");
	for (size_t i = 0; (v = ka_variable_get(c->session, i, &name)); i++) {
		if (c->argv[0][1] && strcmp(name, c->argv[0]))
			continue;
		convenience_show(c, name, v);
		found = true;
	}
	return found || !c->argv[0][1] ? NULL :
	       ka_error_new(KA_NOT_FOUND, "there is no variable '%s': 'set %s = EXPRESSION' makes it", c->argv[0], c->argv[0]);
}

static struct ka_error *by_cpu(struct ka_call *c, const char *text)
{
	unsigned count = ka_cpu_count(c->k);
	uint64_t cpu;
	ka_addr task;

	if (!ka_parse_number(text, true, &cpu))
		return ka_call_usage(c, "'%s' is no CPU", text);
	if (cpu >= count)
		return ka_error_new(KA_NOT_FOUND, "there is no CPU %s: this machine has %u", text, count);
	task = ka_cpu_task(c->k, (unsigned)cpu);
	if (!task)
		return ka_error_new(KA_NOT_FOUND, "it cannot be told which task ran on CPU %s", text);
	return context_set(c, task);
}

static struct ka_error *by_activity(struct ka_call *c)
{
	struct ka_error *err;
	struct ka_task t;
	ka_addr task = 0;

	if (c->argc > 1)
		return ka_call_usage(c, "one task is expected");
	err = c->argc ? ka_parse_task(c->k, c->argv[0], &task) : NULL;
	if (!err && !c->argc)
		task = ka_call_task(c);
	if (!err)
		err = ka_task_read(c->k, task, &t);
	if (!err)
		err = ka_cpu_task_set(c->k, t.cpu, task);
	return err ? err : context_set(c, task);
}

static struct ka_error *set_run(struct ka_call *c)
{
	struct ka_error *err;
	const struct ka_setting_foreign *foreign;
	ka_addr task;

	if (ka_call_has(c, "v")) {
		for (const struct ka_setting *v = ka_setting_table; v->name; v++)
			variable_show(c, v);
		c->argc = 1;
		c->argv = (char *[]){ (char *)"$" };
		return convenience(c);
	}
	if (c->argc && c->argv[0][0] == '$')
		return convenience(c);
	if (c->argc && ka_setting_find(c->argv[0]))
		return variable_set(c);
	foreign = c->argc ? ka_setting_foreign_find(c->argv[0]) : NULL;
	if (foreign) {
		/* crash's scripts set them: what changes nothing needs no word */
		if (c->argc == 1)
			ka_out_row(c->out, &ka_rows_variable_row, &(struct variable_row){ foreign->name, foreign->value, foreign->value, foreign->why });
		else if (strcmp(c->argv[1], foreign->value))
			ka_out_note(c->out, "%s stays %s: %s", foreign->name, foreign->value, foreign->why);
		return NULL;
	}
	if (c->argc == 1 && (!strcmp(c->argv[0], "hex") || !strcmp(c->argv[0], "dec"))) {
		c->argc = 2;
		c->argv = (char *[]){ (char *)"radix", (char *)(c->argv[0][0] == 'h' ? "16" : "10") };
		return variable_set(c);
	}
	if (!c->k)
		return ka_error_new(KA_UNSUPPORTED, "no dump is open");
	if (ka_call_value(c, "c"))
		return by_cpu(c, ka_call_value(c, "c"));
	if (ka_call_has(c, "p")) {
		task = ka_panic_task(c->k);
		return task ? context_set(c, task) : ka_error_new(KA_NOT_FOUND, "there is no panic task");
	}
	if (ka_call_has(c, "a"))
		return by_activity(c);
	if (!c->argc)
		return context_show(c);
	err = ka_parse_task(c->k, c->argv[0], &task);
	if (ka_error_catch(&err, KA_USAGE)) {
		const char *best = NULL;
		unsigned best_rank = 0;

		for (const struct ka_setting *v = ka_setting_table; v->name; v++) {
			unsigned rank = ka_words_likeness(c->argv[0], v->name);

			if (rank && (!best || rank < best_rank)) {
				best = v->name;
				best_rank = rank;
			}
		}
		return ka_call_usage(c, "'%s' is neither a variable nor a task%s%s%s", c->argv[0], best ? ": did you mean '" : "",
				     best ? best : "", best ? "'?" : "");
	}
	if (!err && c->argc > 1)
		err = ka_call_usage(c, "one task is expected");
	return err ? err : context_set(c, task);
}

static const struct ka_option options[] = {
	{ "a", NULL, "the task is the active one of the CPU it is on, whatever the run queue says" },
	{ "c", "CPU", "the task that was running on CPU" },
	{ "p", NULL, "the task that ended the machine" },
	{ "v", NULL, "all variables and their values" },
	{0},
};

const struct ka_command ka_command_set = {
	.name = "set",
	.args = "[PID | TASK | -a [PID | TASK] | -c CPU | -p | -v | VARIABLE [VALUE] | $name [= value]]",
	.brief = "the current task, and variables",
	.help = "Without arguments, shows the current task: the one that bt, files, vm and others look at when no task is named. At the\n"
		"start it is the task that ended the machine. With PID (decimal), TASK (its address), -c or -p, another task becomes the\n"
		"current one. With VARIABLE, shows what it is, with VALUE sets it; 'set -v' lists all. Variables are usually set in\n"
		"~/.kanalyzerc.\n"
		"\n"
		"$name = value keeps the value of an expression, with its type, for later expressions; $name alone shows it, $ all of\n"
		"them.\n"
		"\n"
		"EXAMPLES\n"
		"    set 1\n"
		"    set -c 3\n"
		"    set scroll off\n"
		"    set $t = (struct task_struct *)0xffff888004a20000\n"
		"    set -v\n",
	.options = options,
	.needs = KA_DOLLAR_ARGS | KA_IN_CONTEXT,
	.rows = (const struct ka_rows *const[]){ &ka_rows_context_row, &ka_rows_variable_row, NULL },
	.run = set_run,
};
