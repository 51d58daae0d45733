/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tasks through the task list, whose head is in init_task, with the threads of each process; and those the CPUs run. */
#include <inttypes.h>
#include <kanalyze/view.h>
#include "kernel.h"
#include "task_table.h"

struct task_brief {
	int32_t pid, tgid;
	ka_addr signal, real_parent, tasks_at, thread_group_at, thread_node_at;
};
KA_VIEW(task_brief, ("task_struct"),
	KA_FROM(task_brief, pid, "pid"),
	KA_FROM(task_brief, tgid, "tgid"),
	KA_FROM(task_brief, real_parent, "real_parent"),
	KA_FROM(task_brief, signal, "signal"),
	KA_AT(task_brief, tasks_at, "tasks"),
	/*
	 * Threads hang on signal->thread_head by thread_node since 0c740d0afc3b (v3.14). thread_group, the older list, went
	 * with 8e1f385104ac (v6.7), and that went into 6.1 stable too: there the member may still be in the struct, unused.
	 */
	KA_AT_MAYBE(task_brief, thread_node_at, "thread_node"),
	KA_AT_MAYBE(task_brief, thread_group_at, "thread_group"));

struct signal_brief {
	ka_addr thread_head_at;
};
KA_VIEW(signal_brief, ("signal_struct"), KA_AT_MAYBE(signal_brief, thread_head_at, "thread_head"));

static struct ka_error *brief_read(struct ka_kernel *k, ka_addr task, bool is_idle, struct task_brief *ret)
{
	struct ka_error *err = ka_view_read(k, &ka_view_task_brief, task, ret);

	if (err)
		return err;
	/* one bad pointer does not unmake a task; two do */
	if (ret->pid < !is_idle || ret->pid > KA_PID_MAX || ret->tgid < !is_idle || ret->tgid > KA_PID_MAX ||
	    (!ka_is_kernel_addr(k, ret->real_parent) && !ka_is_kernel_addr(k, ret->signal)))
		return ka_error_at(KA_CORRUPT, KA_SPACE_VIRT, task, "what lies at 0x%" PRIx64 " is no task: pid %d, "
				   "tgid %d, real_parent 0x%" PRIx64, task, ret->pid, ret->tgid, ret->real_parent);
	return NULL;
}

struct ka_error *ka_task_table_add(struct ka_kernel *k, struct ka_task_table *t, ka_addr task, enum ka_task_from from)
{
	struct task_brief b;
	uint64_t i;
	struct ka_error *err;

	if (ka_map_get(&t->by_addr, task, &i)) {
		t->tasks.at[i].from |= from;
		return NULL;
	}
	err = brief_read(k, task, false, &b);
	if (!err)
		ka_task_table_put(t, task, b.pid, 0, from);
	return err;
}

/* The other threads of a leader. */
static struct ka_error *gather_threads(struct ka_kernel *k, struct ka_task_table *t, ka_addr leader,
				       const struct task_brief *b)
{
	bool has_head = KA_HAS(k, task_brief, thread_node_at) && KA_HAS(k, signal_brief, thread_head_at);
	struct ka_error *err = NULL;
	struct ka_walk w;

	if (has_head && ka_is_kernel_addr(k, b->signal))
		w = ka_walk_list(k, b->signal + KA_OFFSET(k, signal_brief, thread_head_at),
				 KA_OFFSET(k, task_brief, thread_node_at));
	else if (has_head)
		return ka_error_at(KA_CORRUPT, KA_SPACE_VIRT, leader, "its signal_struct would be at 0x%" PRIx64, b->signal);
	else if (KA_HAS(k, task_brief, thread_group_at))
		w = ka_walk_list(k, b->thread_group_at, KA_OFFSET(k, task_brief, thread_group_at));
	else
		return NULL;	/* before v2.5 threads were on the task list like any task */
	w.limit = KA_PID_MAX;
	for (ka_addr task; !err && ka_walk_next(&w, &task); )
		err = ka_task_table_add(k, t, task, KA_TASK_BY_LIST);
	if (err)
		ka_error_free(ka_walk_end(&w));
	else
		err = ka_walk_end(&w);
	return err;
}

/* The task list from its end: what lies behind a break can be had that way. */
static struct ka_error *backward_step(struct ka_walk *w, ka_addr *ret, bool *ret_done)
{
	ka_addr previous;
	struct ka_error *err = ka_read_ulong(w->k, w->at + ka_long_size(w->k), &previous);

	if (err)
		return err;
	if (!ka_is_kernel_addr(w->k, previous))
		return ka_error_at(KA_CORRUPT, KA_SPACE_VIRT, w->at, "the link at 0x%" PRIx64 " points back to 0x%" PRIx64,
				   w->at, previous);
	w->at = previous;
	*ret = previous - w->offset;
	*ret_done = previous == w->end;
	return NULL;
}

/* Processes one by one, with their threads; *first keeps the first fault among the threads. */
static struct ka_error *gather_processes(struct ka_kernel *k, struct ka_task_table *t, struct ka_walk *w, bool is_backward,
					 struct ka_error **first, size_t *ret_count)
{
	struct ka_error *err = NULL;

	*ret_count = 0;
	w->limit = KA_PID_MAX;
	for (ka_addr task; ka_walk_next(w, &task); ++*ret_count) {
		struct task_brief b;
		struct ka_error *thread_err;
		uint64_t i;

		if (is_backward && ka_map_get(&t->by_addr, task, &i) && (t->tasks.at[i].from & KA_TASK_BY_LIST))
			break;
		err = brief_read(k, task, false, &b);
		if (err)	/* led astray: the links beyond are not the list's */
			break;
		ka_task_table_put(t, task, b.pid, 0, KA_TASK_BY_LIST);
		thread_err = ka_error_wrap(gather_threads(k, t, task, &b), "threads of PID %d", b.pid);
		if (*first)
			ka_error_free(thread_err);
		else
			*first = thread_err;
	}
	if (err)
		ka_error_free(ka_walk_end(w));
	else
		err = ka_walk_end(w);
	return err;
}

struct ka_error *ka_task_table_gather_list(struct ka_kernel *k, struct ka_task_table *t)
{
	static const struct ka_walk_ops backward = { .name = "list backwards", .step = backward_step };
	struct ka_error *err, *first = NULL;
	struct ka_symbol init;
	struct ka_walk w;
	size_t count;

	if (!ka_symbol_lookup(k, "init_task", &init))
		return ka_error_new(KA_MISSING, "there is no symbol init_task");
	err = ka_view_bind(k, &ka_view_task_brief);
	if (err)
		return err;
	w = ka_walk_list(k, init.addr + KA_OFFSET(k, task_brief, tasks_at), KA_OFFSET(k, task_brief, tasks_at));
	err = gather_processes(k, t, &w, false, &first, &count);
	if (err && err->code != KA_INTERRUPTED) {
		struct ka_walk back = { .k = k, .ops = &backward, .at = w.end, .end = w.end, .offset = w.offset };
		size_t back_count;

		ka_error_free(gather_processes(k, t, &back, true, &first, &back_count));
		err = ka_error_wrap(err, "after %zu processes, and %zu from its end", count, back_count);
	}
	if (!err)
		return first;
	ka_error_free(first);
	return err;
}

/*
 * Idle tasks; and tasks that run though nothing lists them any more: one that has been reaped runs on until it gives up
 * its CPU in its last schedule().
 */
void ka_task_table_gather_cpus(struct ka_kernel *k, struct ka_task_table *t)
{
	struct task_brief b;
	struct ka_symbol init;
	struct ka_error *err;

	for (unsigned cpu = 0; cpu < ka_cpu_count(k); cpu++) {
		ka_addr idle = ka_cpu_idle_task(k, cpu), curr = ka_cpu_task(k, cpu);

		if (!idle && cpu == 0 && ka_symbol_lookup(k, "init_task", &init))
			idle = init.addr;
		err = idle ? brief_read(k, idle, true, &b) : NULL;
		if (idle && !err && b.pid == 0)
			ka_task_table_put(t, idle, 0, cpu, KA_TASK_BY_CPU);
		ka_error_free(err);
		if (!curr || ka_map_get(&t->by_addr, curr, &(uint64_t){0}))
			continue;
		err = ka_task_table_add(k, t, curr, KA_TASK_BY_CPU);
		if (err)
			ka_log(1, "what CPU %u runs: %s", cpu, err->message);
		ka_error_free(err);
	}
}
