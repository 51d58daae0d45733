/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * All tasks: from the task list and from the pid structures, each of which guards the other: what one of them has lost
 * the other still has, and where they differ it is told. Idle tasks are on neither; the run queues know them.
 */
#include <inttypes.h>
#include "kernel.h"
#include "task_table.h"

void ka_task_table_put(struct ka_task_table *t, ka_addr task, int32_t pid, uint32_t cpu, enum ka_task_from from)
{
	uint64_t i;

	if (ka_map_get(&t->by_addr, task, &i)) {
		t->tasks.at[i].from |= from;
		return;
	}
	ka_map_add(&t->by_addr, task, t->tasks.n);
	ka_vec_push(&t->tasks, ((struct ka_task_entry){ .addr = task, .pid = pid, .cpu = cpu, .from = from }));
}

static int by_pid(const void *a, const void *b)
{
	const struct ka_task_entry *x = a, *y = b;

	if (x->pid != y->pid)
		return x->pid < y->pid ? -1 : 1;
	if (x->cpu != y->cpu)
		return x->cpu < y->cpu ? -1 : 1;
	return x->addr < y->addr ? -1 : x->addr > y->addr;
}

/* "PID 12 (task 0x...) and 3 more", of the tasks found one way and not the other. */
static size_t only_by(const struct ka_task_table *t, enum ka_task_from from, enum ka_task_from other, struct ka_str *to)
{
	const struct ka_task_entry *first = NULL;
	size_t count = 0;

	for (size_t i = 0; i < t->tasks.n; i++) {
		const struct ka_task_entry *e = &t->tasks.at[i];

		if (!(e->from & from) || (e->from & other))
			continue;
		if (!first)
			first = e;
		count++;
	}
	if (first)
		ka_str_printf(to, "PID %d (task 0x%" PRIx64 ")", first->pid, first->addr);
	if (count > 1)
		ka_str_printf(to, " and %zu more", count - 1);
	return count;
}

/* One fault that says what is wrong with either source, and what the other made good. Takes both errors. */
static struct ka_error *compare(const struct ka_task_table *t, struct ka_error *list_err, struct ka_error *pids_err)
{
	static const char *const source[] = { "the task list", "the pid structures" };
	static const char *const broken[] = { "the task list is not whole", "the pid structures are not whole" };
	static const enum ka_task_from from[] = { KA_TASK_BY_LIST, KA_TASK_BY_PIDS };
	bool has_pids = !ka_error_catch(&pids_err, KA_MISSING);	/* a kernel of before v2.6.19 */
	struct ka_error *err[] = { list_err, pids_err };
	enum ka_error_code code = list_err ? list_err->code : pids_err ? pids_err->code : KA_CORRUPT;
	struct ka_str text = {0};

	for (int i = 0; i < 2; i++) {
		struct ka_str who = {0};
		size_t count = has_pids ? only_by(t, from[!i], from[i], &who) : 0;

		if ((err[i] || count) && text.len)
			ka_str_add(&text, "; ");
		if (err[i])
			ka_str_printf(&text, "%s: %s", broken[i], err[i]->message);
		if (err[i] && count)
			ka_str_printf(&text, " (%zu found by %s alone: %s)", count, source[!i], who.p);
		else if (count)		/* caught in fork or exit at the worst, on a CPU that did not panic */
			ka_str_printf(&text, "%s %s in %s but not in %s", who.p, count > 1 ? "are" : "is",
				      source[!i], source[i]);
		ka_error_free(err[i]);
		ka_str_free(&who);
	}
	size_t kin = 0;

	for (size_t i = 0; i < t->tasks.n; i++)
		kin += t->tasks.at[i].from == KA_TASK_BY_KIN;
	if (text.len && kin)
		ka_str_printf(&text, "; %zu more were found as relatives of others", kin);
	struct ka_error *ret = text.len ? ka_error_new(code, "%s", text.p) : NULL;

	ka_str_free(&text);
	return ret;
}

static struct ka_task_table *table_make(struct ka_kernel *k)
{
	struct ka_task_table *t = ka_xalloc(sizeof(*t));
	struct ka_error *list_err = ka_task_table_gather_list(k, t);
	struct ka_error *pids_err = ka_task_table_gather_pids(k, t);

	if (pids_err)
		ka_log(1, "pid structures: %s", pids_err->message);
	t->is_interrupted = (list_err && list_err->code == KA_INTERRUPTED) ||
			    (pids_err && pids_err->code == KA_INTERRUPTED);
	ka_task_table_gather_cpus(k, t);
	if (list_err && !t->is_interrupted)
		ka_task_table_gather_kin(k, t);
	t->fault = compare(t, list_err, pids_err);
	if (t->tasks.n)
		qsort(t->tasks.at, t->tasks.n, sizeof(*t->tasks.at), by_pid);
	ka_map_free(&t->by_addr);
	t->by_addr = (struct ka_map){0};
	for (size_t i = 0; i < t->tasks.n; i++)
		ka_map_add(&t->by_addr, t->tasks.at[i].addr, i);
	ka_log(1, "%zu tasks%s%s", t->tasks.n, t->fault ? ": " : "", t->fault ? t->fault->message : "");
	return t;
}

struct tables {
	pthread_mutex_t lock;
	struct ka_task_table *now;
};

static const char tables_key;

static void *tables_make(struct ka_kernel *k)
{
	struct tables *s = ka_xalloc(sizeof(*s));

	(void)k;
	pthread_mutex_init(&s->lock, NULL);
	return s;
}

static void tables_drop(void *state)
{
	struct tables *s = state;

	for (struct ka_task_table *t = s->now, *older; t; t = older) {
		older = t->older;
		ka_vec_free(&t->tasks);
		ka_map_free(&t->by_addr);
		ka_error_free(t->fault);
		free(t);
	}
	pthread_mutex_destroy(&s->lock);
	free(s);
}

/* Made once; anew after Ctrl-C cut it short. Earlier ones stay: a walk may still be on them. */
static const struct ka_task_table *table(struct ka_kernel *k)
{
	struct tables *s = ka_kernel_state(k, &tables_key, tables_make, tables_drop);
	struct ka_task_table *t;

	pthread_mutex_lock(&s->lock);
	if (!s->now || (s->now->is_interrupted && !ka_interrupted())) {
		t = table_make(k);
		t->older = s->now;
		s->now = t;
	}
	t = s->now;
	pthread_mutex_unlock(&s->lock);
	return t;
}

static struct ka_error *tasks_step(struct ka_walk *w, ka_addr *ret, bool *ret_done)
{
	const struct ka_task_table *t = *(const struct ka_task_table **)w->state;

	if (w->at < t->tasks.n) {
		*ret = t->tasks.at[w->at++].addr;
		return NULL;
	}
	*ret_done = true;
	return t->fault ? ka_error_new(t->fault->code, "%s", t->fault->message) : NULL;
}

struct ka_walk ka_walk_tasks(struct ka_kernel *k)
{
	static const struct ka_walk_ops ops = { .name = "tasks", .step = tasks_step };
	const struct ka_task_table **state = ka_xalloc(sizeof(*state));

	*state = table(k);
	return (struct ka_walk){ .k = k, .ops = &ops, .state = state };
}

size_t ka_task_count(struct ka_kernel *k)
{
	return table(k)->tasks.n;
}

struct ka_error *ka_task_by_pid(struct ka_kernel *k, int32_t pid, ka_addr *ret)
{
	const struct ka_task_table *t = table(k);
	size_t low = 0, high = t->tasks.n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (t->tasks.at[middle].pid < pid)
			low = middle + 1;
		else
			high = middle;
	}
	if (low < t->tasks.n && t->tasks.at[low].pid == pid) {
		*ret = t->tasks.at[low].addr;
		return NULL;
	}
	*ret = 0;
	return ka_error_new(KA_NOT_FOUND, "there is no task with pid %d", pid);
}

bool ka_task_is(struct ka_kernel *k, ka_addr at)
{
	return ka_map_get(&table(k)->by_addr, at, &(uint64_t){0});
}
