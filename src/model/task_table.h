/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The table of all tasks (task_table.c) while task_list.c and task_pids.c fill it. */
#ifndef KA_TASK_TABLE_H
#define KA_TASK_TABLE_H

#include <kanalyze/task.h>

#define KA_PID_MAX 4194304	/* PID_MAX_LIMIT of 64-bit kernels */

/* Where a task was found. */
enum ka_task_from { KA_TASK_BY_LIST = 1, KA_TASK_BY_PIDS = 2, KA_TASK_BY_CPU = 4, KA_TASK_BY_KIN = 8 };

struct ka_task_entry {
	ka_addr addr;
	int32_t pid;
	uint32_t cpu;		/* of idle tasks: whose */
	uint8_t from;		/* enum ka_task_from */
};

struct ka_task_table {
	struct { KA_VEC(struct ka_task_entry); } tasks;
	struct ka_map by_addr;	/* -> index; only good until sorted, made anew then */
	struct ka_error *fault;	/* what the walk tells at its end */
	bool is_interrupted;	/* not whole: made anew when asked for again */
	struct ka_task_table *older;
};

/* Adds a task that was looked at before, or notes that it was found this way too. */
void ka_task_table_put(struct ka_task_table *t, ka_addr task, int32_t pid, uint32_t cpu, enum ka_task_from from);
/*
 * Adds a task, or notes that it was found this way too. CORRUPT when what lies there cannot be a task: pid and
 * parent are looked at, since a broken link may lead anywhere.
 */
struct ka_error *ka_task_table_add(struct ka_kernel *k, struct ka_task_table *t, ka_addr task, enum ka_task_from from) KA_MUST_CHECK;
/* The task list; from both of its ends when it is broken. What was found before an error stays in the table. */
struct ka_error *ka_task_table_gather_list(struct ka_kernel *k, struct ka_task_table *t) KA_MUST_CHECK;
/* Idle tasks, and tasks that run though nothing lists them any more. */
void ka_task_table_gather_cpus(struct ka_kernel *k, struct ka_task_table *t);
/* What neighbours on other lists (siblings, children, threads, cgroups) have of tasks not found so far. For broken dumps. */
void ka_task_table_gather_kin(struct ka_kernel *k, struct ka_task_table *t);
/* MISSING when the kernel has no pid structure that is known here. What was found before an error stays in the table. */
struct ka_error *ka_task_table_gather_pids(struct ka_kernel *k, struct ka_task_table *t) KA_MUST_CHECK;

#endif
