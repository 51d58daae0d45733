/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Tasks through the lists that run through tasks already found: what a broken task list and broken pid structures have both
 * lost is mostly still somebody's child, sibling, thread, or in the same cgroup as another.
 */
#include <inttypes.h>
#include <kanalyze/view.h>
#include "kernel.h"
#include "task_table.h"

struct task_kin {
	int32_t pid, tgid;
	ka_addr signal, real_parent, group_leader;
	char comm[16];
	ka_addr tasks_at, sibling_at, children_at, thread_node_at, cg_list_at;
};
KA_VIEW(task_kin, ("task_struct"),
	KA_FROM(task_kin, pid, "pid"),
	KA_FROM(task_kin, tgid, "tgid"),
	KA_FROM(task_kin, signal, "signal"),
	KA_FROM(task_kin, real_parent, "real_parent"),
	KA_MAYBE(task_kin, group_leader, "group_leader"),
	KA_FROM(task_kin, comm, "comm"),
	KA_AT(task_kin, tasks_at, "tasks"),
	KA_AT(task_kin, sibling_at, "sibling"),
	KA_AT(task_kin, children_at, "children"),
	KA_AT_MAYBE(task_kin, thread_node_at, "thread_node"),	/* 0c740d0afc3b, v3.14 */
	KA_AT_MAYBE(task_kin, cg_list_at, "cg_list"));		/* 817929ec274b, v2.6.24; only with CONFIG_CGROUPS */

/* A link may also lead to the head of its list, which is no task: all that can be told of a task is looked at. */
static bool is_task(struct ka_kernel *k, ka_addr at, struct task_kin *ret)
{
	if (at % ka_long_size(k) || !ka_is_kernel_addr(k, at) || ka_error_drop(ka_view_read(k, &ka_view_task_kin, at, ret)))
		return false;
	if (ret->pid <= 0 || ret->pid > KA_PID_MAX || ret->tgid <= 0 || ret->tgid > KA_PID_MAX ||
	    !ka_is_kernel_addr(k, ret->real_parent) || !ka_is_kernel_addr(k, ret->signal) ||
	    !memchr(ret->comm, 0, sizeof(ret->comm)))
		return false;
	return !KA_HAS(k, task_kin, group_leader) || ka_is_kernel_addr(k, ret->group_leader);
}

static void add(struct ka_kernel *k, struct ka_task_table *t, ka_addr task)
{
	struct task_kin kin;

	if (t->tasks.n < KA_PID_MAX && !ka_map_get(&t->by_addr, task, &(uint64_t){0}) && is_task(k, task, &kin))
		ka_task_table_put(t, task, kin.pid, 0, KA_TASK_BY_KIN);
}

/* Both neighbours of a link, or first and last of a head. to: offset of the member that those are linked by. */
static void add_neighbours(struct ka_kernel *k, struct ka_task_table *t, ka_addr link, uint64_t to)
{
	ka_addr next;

	for (unsigned way = 0; way < 2; way++)
		if (!ka_error_drop(ka_read_ulong(k, link + way * ka_long_size(k), &next)) && next != link)
			add(k, t, next - to);
}

void ka_task_table_gather_kin(struct ka_kernel *k, struct ka_task_table *t)
{
	struct task_kin kin;

	if (ka_error_drop(ka_view_bind(k, &ka_view_task_kin)))
		return;
	/* the table grows under way */
	for (size_t i = 0; i < t->tasks.n && !ka_interrupted(); i++) {
		ka_addr task = t->tasks.at[i].addr;
		const struct { size_t from, to; bool is_there; } links[] = {
			{ KA_OFFSET(k, task_kin, tasks_at), KA_OFFSET(k, task_kin, tasks_at), true },
			{ KA_OFFSET(k, task_kin, sibling_at), KA_OFFSET(k, task_kin, sibling_at), true },
			{ KA_OFFSET(k, task_kin, children_at), KA_OFFSET(k, task_kin, sibling_at), true },
			{ KA_OFFSET(k, task_kin, thread_node_at), KA_OFFSET(k, task_kin, thread_node_at),
			  KA_HAS(k, task_kin, thread_node_at) },
			{ KA_OFFSET(k, task_kin, cg_list_at), KA_OFFSET(k, task_kin, cg_list_at), KA_HAS(k, task_kin, cg_list_at) },
		};

		for (size_t j = 0; j < KA_COUNT(links); j++)
			if (links[j].is_there)
				add_neighbours(k, t, task + links[j].from, links[j].to);
		if (!ka_error_drop(ka_view_read(k, &ka_view_task_kin, task, &kin))) {
			add(k, t, kin.real_parent);
			add(k, t, kin.group_leader);
		}
	}
}
