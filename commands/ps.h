/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of ps share: the tasks that were chosen, and the line that heads a task's block. */
#ifndef KA_PS_H
#define KA_PS_H

#include <kanalyze/command.h>
#include <kanalyze/task.h>
#include <kanalyze/type.h>

struct ps {
	struct ka_call *c;
	struct ka_kernel *k;
	struct ka_task *tasks;		/* all of them, by pid; those of pid 0 by CPU */
	size_t count;
	struct ka_map by_addr;		/* -> index in tasks */
	const struct ka_task **chosen;	/* what arguments and filters left, in the same order */
	size_t chosen_count;
	bool has_args;
	bool *cpus;			/* -C; NULL: not given */
};

/* ps_choose.c: all tasks; faults of those that could not be read are told. */
void ps_read_tasks(struct ps *ps);
/* Arguments and filters. Faults of arguments that fit no task are told; the error is one of usage. */
struct ka_error *ps_choose(struct ps *ps) KA_MUST_CHECK;
/* "NORMAL", "FIFO" ... */
const char *ps_policy_name(const struct ka_task *t);
/* The task at an address, or NULL when it is not (or could not be read) among all. */
const struct ka_task *ps_task_at(const struct ps *ps, ka_addr addr);
/* The leader of a task's thread group; the task itself when the leader is gone. */
const struct ka_task *ps_leader(const struct ps *ps, const struct ka_task *t);
/* The address of its parent; of idle tasks the one of the boot CPU: it is PID 1 that forked them, real_parent says. */
ka_addr ps_parent(const struct ka_task *t);
/* PPID: the thread group that the parent belongs to, as /proc/PID/status says. False when it cannot be told. */
bool ps_parent_pid(const struct ps *ps, const struct ka_task *t, int32_t *ret);

/* Members, columns and text of the line that crash puts before what it says of a task. */
#define PS_HEAD			\
	int32_t pid;		\
	ka_addr task;		\
	uint32_t cpu;		\
	char comm[16]
#define PS_HEAD_LINE "PID: {pid:<7}  TASK: {task:016}  CPU: {cpu:<3}  COMMAND: \"{comm}\""
#define PS_HEAD_COLS(s)									\
	KA_COL(s, pid, KA_INT, "process id (of threads: thread id)"),			\
	KA_COL(s, task, KA_ADDR, "address of the task_struct"),				\
	KA_COL(s, cpu, KA_UINT, "CPU it ran on last"),					\
	KA_COL(s, comm, KA_CHARS, "command name")
#define PS_HEAD_OF(t) .pid = (t)->pid, .task = (t)->addr, .cpu = (t)->cpu

/* ps_family.c: -p, -c, -g */
extern const struct ka_rows ps_rows_kin, ps_rows_ancestor, ps_rows_child, ps_rows_thread;
void ps_lineage(const struct ps *ps);
void ps_children(const struct ps *ps);
void ps_threads(const struct ps *ps);

/* ps_tree.c: --tree */
extern const struct ka_rows ps_rows_tree;
void ps_tree(const struct ps *ps);

/* ps_ns.c: --ns */
extern const struct ka_rows ps_rows_ns;
void ps_namespaces(const struct ps *ps);

/* ps_status.c: --status */
extern const struct ka_rows ps_rows_status;
void ps_status(const struct ps *ps);

/* ps_times.c: -t, -l, -m */
extern const struct ka_rows ps_rows_times, ps_rows_run, ps_rows_cpu;
struct ka_error *ps_times(const struct ps *ps) KA_MUST_CHECK;
struct ka_error *ps_last_run(struct ps *ps, bool is_age) KA_MUST_CHECK;

/* ps_user.c: -a, -r */
extern const struct ka_rows ps_rows_args, ps_rows_limits, ps_rows_limit;
void ps_arguments(const struct ps *ps);
struct ka_error *ps_limits(const struct ps *ps) KA_MUST_CHECK;

#endif
