/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* foreach: one run of a command over the tasks that selectors choose. */
#include <regex.h>

#include <kanalyze/filter.h>
#include <kanalyze/task.h>

#include "session.h"

static const char *const states[] = { "RU", "IN", "UN", "ST", "TR", "ZO", "DE", "SW", "WA", "PA", "ID", "NE" };

struct foreach_row {
	int32_t pid;
	ka_addr task;
	uint32_t cpu;
	char comm[16];
};
KA_LINES(foreach_row, "tasks", "PID: {pid:<7}  TASK: {task:016}  CPU: {cpu:<3}  COMMAND: \"{comm}\"",
	KA_COL(foreach_row, pid, KA_INT, "whose turn it is, of commands that look at the current task: process id"),
	KA_COL(foreach_row, task, KA_ADDR, "address of its task_struct"),
	KA_COL(foreach_row, cpu, KA_UINT, "CPU it runs on or ran on last"),
	KA_COL(foreach_row, comm, KA_CHARS, "command name"));

/* What was selected. Ids are alternatives of each other; kinds and states narrow them down. */
struct selection {
	struct {
		KA_VEC(ka_addr);
	} tasks;
	struct {
		KA_VEC(const char *);
	} names;
	struct {
		KA_VEC(regex_t);
	} patterns;
	bool is_state_wanted[KA_COUNT(states)];
	bool has_state, is_kernel, is_user, is_leader, is_active;
	struct ka_filter *where;
};

static void selection_free(struct selection *s)
{
	for (size_t i = 0; i < s->patterns.n; i++)
		regfree(&s->patterns.at[i]);
	ka_vec_free(&s->patterns);
	ka_vec_free(&s->names);
	ka_vec_free(&s->tasks);
}

static bool name_exists(struct ka_kernel *k, const char *name)
{
	struct ka_walk w = ka_walk_tasks(k);
	bool found = false;
	struct ka_task t;

	for (ka_addr at; !found && ka_walk_next(&w, &at);)
		found = !ka_error_drop(ka_task_read(k, at, &t)) && !strncmp(t.comm, name, sizeof(t.comm) - 1);
	ka_error_drop(ka_walk_end(&w));
	return found;
}

static bool keyword(struct selection *s, const char *word)
{
	static const struct {
		const char *word;
		size_t offset;
	} kinds[] = {
		{ "kernel", offsetof(struct selection, is_kernel) },   { "user", offsetof(struct selection, is_user) },
		{ "gleader", offsetof(struct selection, is_leader) }, { "active", offsetof(struct selection, is_active) },
	};

	for (size_t i = 0; i < KA_COUNT(kinds); i++) {
		if (!strcmp(kinds[i].word, word)) {
			*(bool *)((char *)s + kinds[i].offset) = true;
			return true;
		}
	}
	for (size_t i = 0; i < KA_COUNT(states); i++) {
		if (!strcmp(states[i], word)) {
			s->is_state_wanted[i] = s->has_state = true;
			return true;
		}
	}
	return false;
}

static struct ka_error *select_word(struct ka_call *c, struct selection *s, const char *word)
{
	size_t size = strlen(word);
	struct ka_error *err;
	regex_t pattern;
	ka_addr task;

	if (keyword(s, word))
		return NULL;
	/* words come as they were typed */
	if (size > 1 && (word[0] == '\'' || word[0] == '"') && word[size - 1] == word[0])
		word = ka_strndup(c->arena, word + 1, size - 2);
	if (word[0] == '\\')	/* a task that is called like a command, a state or a kind */
		word++;
	else if (!(err = ka_parse_task(c->k, word, &task))) {
		ka_vec_push(&s->tasks, task);
		return NULL;
	} else {
		ka_error_free(err);
	}
	if (name_exists(c->k, word)) {
		ka_vec_push(&s->names, word);
		return NULL;
	}
	if (!strpbrk(word, ".*+?[]^$|()"))
		return ka_error_new(KA_NOT_FOUND, "'%s' is neither a command that runs for tasks, nor a PID, task or name of one", word);
	if (regcomp(&pattern, word, REG_EXTENDED | REG_NOSUB))
		return ka_call_usage(c, "'%s' is no regular expression", word);
	ka_vec_push(&s->patterns, pattern);
	return NULL;
}

static bool is_selected(struct ka_kernel *k, const struct selection *s, const struct ka_task *t)
{
	bool is_kernel = ka_task_is_kthread(k, t), by_id = !(s->tasks.n || s->names.n || s->patterns.n), by_state = !s->has_state;
	char comm[sizeof(t->comm) + 1] = "";
	unsigned cpu;

	memcpy(comm, t->comm, sizeof(t->comm));
	for (size_t i = 0; !by_id && i < s->tasks.n; i++)
		by_id = s->tasks.at[i] == t->addr;
	for (size_t i = 0; !by_id && i < s->names.n; i++)
		by_id = !strncmp(s->names.at[i], comm, sizeof(t->comm) - 1);
	for (size_t i = 0; !by_id && i < s->patterns.n; i++)
		by_id = !regexec(&s->patterns.at[i], comm, 0, NULL, 0);
	for (size_t i = 0; !by_state && i < KA_COUNT(states); i++)
		by_state = s->is_state_wanted[i] && !strcmp(states[i], ka_task_state_name(k, t));
	return by_id && by_state && !(s->is_kernel && !is_kernel) && !(s->is_user && is_kernel) &&
	       !(s->is_leader && (is_kernel || t->pid != t->tgid)) && !(s->is_active && !ka_task_is_active(k, t->addr, &cpu));
}

void ka_foreach_context(struct ka_call *c, const struct ka_task_run *run, size_t i)
{
	char **words = ka_alloc(c->arena, ((size_t)run->argc + 1) * sizeof(*words));
	struct ka_session *s = c->session;
	struct ka_str subject = { 0 };
	struct foreach_row row;
	struct ka_error *err;
	struct ka_task t;
	int status;

	err = ka_task_read(c->k, run->tasks[i], &t);
	if (err) {
		ka_call_fault(c, err);
		return;
	}
	s->task = run->tasks[i];
	s->has_task = true;
	for (int word = 0; word < run->argc; word++)	/* a command may take its words apart */
		words[word] = ka_strdup(c->arena, run->argv[word]);
	words[run->argc] = NULL;
	row = (struct foreach_row){ .pid = t.pid, .task = run->tasks[i], .cpu = t.cpu };
	memcpy(row.comm, t.comm, sizeof(row.comm));
	/* the documents of JSON are apart: each says whose it is */
	if (!ka_out_is_text(c->out)) {
		char comm[sizeof(t.comm) + 1] = "";

		memcpy(comm, t.comm, sizeof(t.comm));
		ka_str_printf(&subject, ",\"for_task\":{\"pid\":%d,\"task\":\"0x%llx\",\"comm\":", t.pid, (unsigned long long)t.addr);
		ka_escape_json(&subject, comm, strlen(comm));
		ka_str_addc(&subject, '}');
	}
	ka_out_gap(c->out);
	ka_out_row(c->out, &ka_rows_foreach_row, &row);
	ka_out_subject(c->out, subject.p);
	status = ka_session_call(s, run->command, run->text, run->argc, words);
	ka_out_subject(c->out, NULL);
	ka_str_free(&subject);
	s->inner_status = KA_MAX(s->inner_status, status);
}

/* A command that looks at the current task: once for each, under a line that says whose turn it is. */
static struct ka_error *run_in_context(struct ka_call *c, const struct ka_task_run *run)
{
	struct ka_session *s = c->session;
	ka_addr task = ka_call_task(c);
	struct ka_error *err = NULL;

	if (ka_parts_fit(c, run)) {
		err = ka_parts_run(c, run);
	} else {
		for (size_t i = 0; i < run->count && !ka_interrupted(); i++)
			ka_foreach_context(c, run, i);
	}
	s->task = task;
	return err;
}

static struct ka_error *run_for(struct ka_call *c, const struct selection *s, const struct ka_command *command, int argc, char **argv)
{
	struct ka_walk w = ka_walk_tasks(c->k);
	struct ka_str text = { 0 };
	struct {
		KA_VEC(char *);
	} words = { 0 };
	struct {
		KA_VEC(ka_addr);
	} tasks = { 0 };
	struct ka_task_run run;
	struct ka_error *err;
	struct ka_task t;
	size_t count = 0;
	bool is_wanted;

	for (int i = 0; i < argc; i++) {
		ka_vec_push(&words, argv[i]);
		ka_str_printf(&text, i ? " %s" : "%s", argv[i]);
	}
	for (ka_addr at; ka_walk_next(&w, &at);) {
		err = ka_task_read(c->k, at, &t);
		if (err) {
			ka_call_fault(c, err);
			continue;
		}
		if (!is_selected(c->k, s, &t))
			continue;
		err = ka_filter_test(s->where, at, &is_wanted);
		/* of one that cannot be read it is not known whether it is wanted */
		ka_call_fault(c, ka_error_wrap(err, "PID %d", t.pid));
		if (!is_wanted)
			continue;
		ka_vec_push(&words, ka_printf(c->arena, "%llx", (unsigned long long)at));
		ka_vec_push(&tasks, at);
		count++;
	}
	err = ka_walk_end(&w);
	/* the list of tasks is told to be damaged, and what there is of it used */
	ka_call_fault(c, err);
	run = (struct ka_task_run){ .command = command, .tasks = tasks.at, .count = tasks.n, .text = text.p ? text.p : "", .argc = argc, .argv = argv,
				    .is_context = command->needs & KA_IN_CONTEXT };
	err = NULL;
	if (count && run.is_context) {
		err = run_in_context(c, &run);
	} else if (count) {
		int status = ka_session_call_tasks(c->session, &run, (int)words.n, words.at);

		c->session->inner_status = KA_MAX(c->session->inner_status, status);
	}
	ka_str_free(&text);
	ka_vec_free(&words);
	ka_vec_free(&tasks);
	return count ? err : ka_error_new(KA_NOT_FOUND, "no task fits");
}

static struct ka_error *foreach_run(struct ka_call *c)
{
	const struct ka_command *command = NULL;
	struct selection s = { 0 };
	struct ka_error *err = NULL;
	int i;

	for (i = 0; i < c->argc && !err; i++) {
		command = ka_command_find(c->session, c->argv[i]);
		if (command && (command->needs & (KA_TAKES_TASKS | KA_IN_CONTEXT)))
			break;
		if (!strcmp(c->argv[i], "--where") || !strncmp(c->argv[i], "--where=", 8)) {
			const char *text = c->argv[i][7] ? c->argv[i] + 8 : ++i < c->argc ? c->argv[i] : NULL;

			err = text ? ka_filter_new(c->k, c->arena, text, "task", "struct task_struct", &s.where) :
				     ka_call_usage(c, "--where needs an expression");
			command = NULL;
			continue;
		}
		err = select_word(c, &s, c->argv[i]);
		command = NULL;
	}
	if (!err)
		err = command ? run_for(c, &s, command, c->argc - i, c->argv + i) :
				ka_call_usage(c, "a command that runs for tasks is expected, as bt or ps");
	selection_free(&s);
	return err;
}

const struct ka_command ka_command_foreach = {
	.name = "foreach",
	.args = "[PID | TASK | NAME | REGEX | STATE | kernel | user | gleader | active | --where EXPR]... COMMAND [OPTION]...",
	.brief = "runs a command for many tasks",
	.help = "Runs COMMAND for all tasks, or for those that are selected. PID, TASK, NAME and REGEX (an extended regular expression over the\n"
		"names) add tasks; the rest narrows them down: STATE is one of RU IN UN ST TR ZO DE SW WA PA ID NE, kernel takes kernel threads,\n"
		"user all others, gleader the leaders of thread groups among the latter, active what was on a CPU. A \\ before a NAME makes it a name though a\n"
		"command or state is called so. --where takes those of which an expression of C is true: task is the task, and the members of\n"
		"task_struct are names by themselves.\n"
		"\n"
		"Commands that look at the current task, as vtop, set and rd, run once for each, below a line that tells the task; in JSON\n"
		"each of their documents (in JSON lines: each row) has for_task behind the command, with pid, task and comm.\n"
		"\n"
		"bt, files, net, rd, sig, task, vm and vtop take the tasks on all cores; the output is in the order of the tasks all the same.\n"
		"\n"
		"EXAMPLES\n"
		"    foreach bt\n"
		"    foreach UN bt -l\n"
		"    foreach '^kworker' active bt\n"
		"    foreach --where 'task->mm && prio < 120' bt\n",
	.needs = KA_RAW_ARGS | KA_NEED_TASKS,
	.rows = (const struct ka_rows *const[]){ &ka_rows_foreach_row, NULL },
	.run = foreach_run,
};
