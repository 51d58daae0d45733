/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* task: the task_struct and thread_info of tasks, whole or some members. */
#include <kanalyze/task.h>
#include "print.h"

struct task_row {
	int32_t pid;
	ka_addr task, thread_info_at;
	uint32_t cpu;
	char comm[16];
	const struct ka_node *task_struct, *thread_info, *members;
	const char *text;
};
KA_LINES(task_row, "tasks", "PID: {pid:<7}  TASK: {task:016}  CPU: {cpu:<3}  COMMAND: \"{comm}\"{text?\n%}",
	KA_COL(task_row, pid, KA_INT, "process id (of threads: thread id)"),
	KA_COL(task_row, task, KA_ADDR, "address of the task_struct"),
	KA_COLF(task_row, thread_info_at, KA_ADDR, KA_ONLY_JSON | KA_ZERO_IS_NONE, "address of the thread_info"),
	KA_COL(task_row, cpu, KA_UINT, "CPU it runs on or ran on last"),
	KA_COL(task_row, comm, KA_CHARS, "command name"),
	KA_COLF(task_row, task_struct, KA_VALUE, KA_ONLY_JSON, "all of it; null with -R"),
	KA_COLF(task_row, thread_info, KA_VALUE, KA_ONLY_JSON, "all of it; null with -R"),
	KA_COLF(task_row, members, KA_VALUE, KA_ONLY_JSON,
		"of -R: {task_struct: {MEMBER: value}, thread_info: {MEMBER: value}}; each path as it was typed"),
	KA_COLF(task_row, text, KA_TEXT, KA_ONLY_TEXT, NULL));

enum whole { TASK_STRUCT, THREAD_INFO, WHOLES };
static const char *const whole_names[WHOLES] = { "task_struct", "thread_info" };

struct task_call {
	struct ka_call *c;
	struct ka_print how;
	char **paths;		/* of -R; NULL: everything */
	size_t path_count;
	bool *has[WHOLES];	/* of each path: does it lead to a member there? */
};

static struct ka_error *whole_of(struct task_call *s, const struct ka_task *t, enum whole which, struct ka_value *ret)
{
	ka_addr at = which == TASK_STRUCT ? t->addr : ka_task_thread_info(s->c->k, t);

	return ka_value_at(s->c->k, ka_printf(s->c->arena, "struct %s", whole_names[which]), at, ret);
}

/* The paths of -R. What neither struct has is told once, and the rest shown. */
static struct ka_error *paths_take(struct task_call *s, const char *text)
{
	struct ka_call *c = s->c;
	size_t max = 1;
	struct ka_value whole, part;
	struct ka_task none = { .addr = 0 };

	for (const char *p = text; *p; p++)
		max += *p == ',';
	s->paths = ka_alloc(c->arena, max * sizeof(*s->paths));
	for (int w = 0; w < WHOLES; w++)
		s->has[w] = ka_alloc(c->arena, max * sizeof(bool));
	for (char *copy = ka_strdup(c->arena, text), *at, *path; (path = strtok_r(copy, ", ", &at)); copy = NULL) {
		struct ka_error *err[WHOLES];
		bool is_there = false;

		for (int w = 0; w < WHOLES; w++) {
			err[w] = whole_of(s, &none, w, &whole);
			if (!err[w])
				err[w] = ka_value_path(c->k, &whole, path, &part);
			s->has[w][s->path_count] = !err[w];
			is_there |= !err[w];
		}
		s->paths[s->path_count++] = path;
		if (!is_there) {
			/* of "se.nothing" the first word is there: then the message of the path says more */
			if (c->is_later_part)
				ka_error_free(err[TASK_STRUCT]);
			else
				ka_call_fault(c, ka_error_wrap(err[TASK_STRUCT], "%s is neither a member of task_struct nor of thread_info", path));
			err[TASK_STRUCT] = NULL;
		}
		for (int w = 0; w < WHOLES; w++)
			ka_error_free(err[w]);
	}
	if (!s->path_count)
		return ka_call_usage(c, "-R: which members?");
	return NULL;
}

static void whole_show(struct task_call *s, const struct ka_task *t, struct task_row *row, struct ka_str *text)
{
	for (int w = 0; w < WHOLES; w++) {
		const struct ka_node **node = w == TASK_STRUCT ? &row->task_struct : &row->thread_info;
		struct ka_value whole;
		struct ka_error *err = whole_of(s, t, w, &whole);

		if (!err && !ka_out_is_text(s->c->out)) {
			err = ka_value_tree(s->c->k, &whole, &s->how, s->c->arena, node);
		} else if (!err) {
			if (w)
				ka_str_addc(text, '\n');
			ka_str_printf(text, "struct %s ", whole_names[w]);
			err = ka_value_text(s->c->k, &whole, &s->how, false, text);
			ka_str_addc(text, '\n');
		}
		ka_call_fault(s->c, ka_error_wrap(err, "PID %d: %s", t->pid, whole_names[w]));
	}
}

/* Path by path, as typed; one that both structs have is shown of both. */
static void members_text(struct task_call *s, const struct ka_task *t, struct ka_str *text)
{
	for (size_t i = 0; i < s->path_count; i++) {
		for (int w = 0; w < WHOLES; w++) {
			struct ka_value whole;
			struct ka_error *err;

			if (!s->has[w][i])
				continue;
			err = whole_of(s, t, w, &whole);
			if (!err)
				err = ka_value_members_text(s->c->k, &whole, s->paths[i], &s->how, text);
			ka_call_fault(s->c, ka_error_wrap(err, "PID %d: %s", t->pid, s->paths[i]));
		}
	}
}

static const struct ka_node *members_tree(struct task_call *s, const struct ka_task *t)
{
	struct ka_node *all = ka_alloc(s->c->arena, sizeof(*all)), *last = NULL;

	*all = (struct ka_node){ .kind = KA_NODE_OBJECT };
	for (int w = 0; w < WHOLES; w++) {
		struct ka_str paths = {0};
		const struct ka_node *tree = NULL;
		struct ka_node *node;
		struct ka_value whole;
		struct ka_error *err;

		for (size_t i = 0; i < s->path_count; i++)
			if (s->has[w][i])
				ka_str_printf(&paths, paths.len ? ",%s" : "%s", s->paths[i]);
		if (!paths.len)
			continue;
		err = whole_of(s, t, w, &whole);
		if (!err)
			err = ka_value_members_tree(s->c->k, &whole, paths.p, &s->how, s->c->arena, &tree);
		ka_call_fault(s->c, ka_error_wrap(err, "PID %d", t->pid));
		ka_str_free(&paths);
		if (!tree)
			continue;
		node = ka_alloc(s->c->arena, sizeof(*node));
		*node = *tree;
		node->key = whole_names[w];
		node->next = NULL;
		if (last)
			last->next = node;
		else
			all->first = node;
		last = node;
	}
	return all;
}

static void task_show(struct task_call *s, ka_addr at)
{
	struct ka_call *c = s->c;
	struct task_row row = {0};
	struct ka_str text = {0};
	struct ka_task t;
	struct ka_error *err = ka_task_read(c->k, at, &t);

	if (err) {
		ka_call_fault(c, err);
		return;
	}
	row = (struct task_row){ .pid = t.pid, .task = at, .cpu = t.cpu, .thread_info_at = ka_task_thread_info(c->k, &t) };
	memcpy(row.comm, t.comm, sizeof(row.comm));
	if (!s->paths)
		whole_show(s, &t, &row, &text);
	else if (ka_out_is_text(c->out))
		members_text(s, &t, &text);
	else
		row.members = members_tree(s, &t);
	/* the row ends with a line break of its own */
	if (text.len && text.p[text.len - 1] == '\n')
		text.p[text.len - 1] = 0;
	row.text = text.p;
	ka_out_gap(c->out);
	ka_out_row(c->out, &ka_rows_task_row, &row);
	ka_str_free(&text);
}

static struct ka_error *run(struct ka_call *c)
{
	bool is_hex = ka_call_has(c, "x"), is_decimal = ka_call_has(c, "d");
	struct task_call s = { .c = c, .how = ka_call_print(c, is_hex, is_decimal) };
	struct ka_error *err = NULL;
	ka_addr task;

	if (is_hex && is_decimal)
		return ka_call_usage(c, "-d and -x exclude each other");
	if (ka_call_value(c, "R"))
		err = paths_take(&s, ka_call_value(c, "R"));
	if (err)
		return err;
	if (!c->argc) {
		task = ka_call_task(c);
		if (!task)
			return ka_error_new(KA_NOT_FOUND, "there is no current task: name one");
		task_show(&s, task);
	}
	for (int i = 0; i < c->argc && !ka_interrupted(); i++) {
		err = ka_parse_task(c->k, c->argv[i], &task);
		if (err)
			ka_call_fault(c, err);
		else
			task_show(&s, task);
	}
	return ka_interrupted() ? ka_error_new(KA_INTERRUPTED, "interrupted") : NULL;
}

static const struct ka_option options[] = {
	{ "R", "MEMBER[,MEMBER]...", "only these members of task_struct or thread_info, by paths: se.on_rq, cpus_mask.bits[0]", false },
	{ "x", NULL, "numbers in hexadecimal", false },
	{ "d", NULL, "numbers in decimal", false },
	{ NULL, NULL, NULL, false },
};

static const struct ka_rows *const rows[] = { &ka_rows_task_row, NULL };

const struct ka_command ka_command_task = {
	.name = "task",
	.args = "[-R MEMBER[,MEMBER]...] [-dx] [PID | TASK]...",
	.brief = "task_struct and thread_info of tasks",
	.help =
	"Shows the task_struct and the thread_info of the current task, or of those that are named by\n"
	"process id (decimal) or by the address of a task_struct (hex). -R shows some members alone;\n"
	"one that both structs have, as flags, is shown of both. Members of anonymous structs are\n"
	"named as if they were the outer one's.\n"
	"\n"
	"Examples:\n"
	"  task 1                        all of init's\n"
	"  task -R comm,se.on_rq 1 2     two members of two tasks\n"
	"  foreach UN task -R sched_info.last_arrival,flags\n",
	.options = options,
	.needs = KA_NEED_TYPES | KA_NEED_TASKS | KA_TAKES_TASKS | KA_EACH_ALONE,
	.rows = rows,
	.run = run,
};
