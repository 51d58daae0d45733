/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tasks: what exists and what is known of each. */
#ifndef KANALYZE_TASK_H
#define KANALYZE_TASK_H

#include <kanalyze/walk.h>

struct ka_task {
	ka_addr addr;		/* of the task_struct */
	int32_t pid, tgid;
	char comm[16];
	uint64_t state;		/* __state / state */
	uint64_t exit_state;
	uint64_t flags;		/* PF_* */
	uint32_t cpu;
	ka_addr mm, active_mm, stack, parent, real_parent, group_leader;
	ka_addr signal, sighand, files, fs, nsproxy;
	uint32_t policy;
	int32_t prio, static_prio, normal_prio;
	uint32_t rt_priority;
	uint64_t thread_sp;	/* x86: thread.sp, where the stack of a sleeping task starts; 0 elsewhere */
	ka_addr thread_at;	/* of thread_struct */
	uint64_t start_time, start_boottime;	/* ns (older kernels: timespec seconds part scaled) */
	uint64_t utime, stime;	/* ns, or jiffies on old kernels: see ka_task_times() */
	bool is_sp_lost;	/* thread_sp could not be read */
	bool is_partial;	/* more than thread_sp could not be read: those members are 0 */
	uint64_t last_arrival;	/* sched_info.last_arrival, ns; or timestamp of older kernels */
};

struct ka_error *ka_task_read(struct ka_kernel *k, ka_addr at, struct ka_task *ret) KA_MUST_CHECK;
/*
 * Every task of the machine, each once: the idle task of each CPU first, then by the pid structures of
 * init_pid_ns or the task list, whichever holds more; what differs between the two is a fault that
 * ka_walk_end() reports after all tasks of both were yielded. Sorted by pid.
 * The list is made once a session and kept.
 */
struct ka_walk ka_walk_tasks(struct ka_kernel *k);
size_t ka_task_count(struct ka_kernel *k);
/* Those of one process, in the same order; the idle tasks are of process 0. Also made once and kept. */
struct ka_walk ka_walk_threads(struct ka_kernel *k, int32_t tgid);
/* By pid (init_pid_ns) or address of a task_struct. */
struct ka_error *ka_task_by_pid(struct ka_kernel *k, int32_t pid, ka_addr *ret) KA_MUST_CHECK;
bool ka_task_is(struct ka_kernel *k, ka_addr at);

/* "RU" "IN" "UN" "ST" "TR" "ZO" "DE" "SW" "WA" "PA" "ID" "NE" "??" by the kernel's own bits (task_state_array of the dump where it has one). */
const char *ka_task_state_name(struct ka_kernel *k, const struct ka_task *t);
/* "TASK_RUNNING", "TASK_INTERRUPTIBLE|..." as the sys header prints it. */
const char *ka_task_state_long(struct ka_kernel *k, const struct ka_task *t, struct ka_arena *a);
/* Bytes of a task's kernel stack (THREAD_SIZE). */
uint64_t ka_task_stack_size(struct ka_kernel *k);
/* Where its thread_info lies: in the task_struct, or at the low end of its stack. */
ka_addr ka_task_thread_info(struct ka_kernel *k, const struct ka_task *t);
bool ka_task_is_kthread(struct ka_kernel *k, const struct ka_task *t);
/* What one unit of utime and stime is, in ns: 1 where the kernel counts ns, else the length of a jiffy; 0: cannot be told. */
uint64_t ka_task_time_unit_ns(struct ka_kernel *k);

/* CPUs. */
unsigned ka_cpu_count(struct ka_kernel *k);		/* possible CPUs: one more than the highest bit */
bool ka_cpu_is_online(struct ka_kernel *k, unsigned cpu);
bool ka_cpu_is_present(struct ka_kernel *k, unsigned cpu);
unsigned ka_cpu_online_count(struct ka_kernel *k);
/* The task on a CPU (rq->curr), 0 when it cannot be told. */
ka_addr ka_cpu_task(struct ka_kernel *k, unsigned cpu);
/* From now on the task counts as the one on that CPU (`set -a`: where the dump does not tell, or tells wrongly). */
struct ka_error *ka_cpu_task_set(struct ka_kernel *k, unsigned cpu, ka_addr task) KA_MUST_CHECK;
ka_addr ka_cpu_idle_task(struct ka_kernel *k, unsigned cpu);
/* Is the task on a CPU? Which? */
bool ka_task_is_active(struct ka_kernel *k, ka_addr task, unsigned *ret_cpu);
/* The scheduler's clock of a CPU at its last update (rq->clock), ns: what last_arrival is measured against. */
struct ka_error *ka_cpu_clock(struct ka_kernel *k, unsigned cpu, uint64_t *ret_ns) KA_MUST_CHECK;
/* Base of the per-CPU area of a CPU: address of a per-CPU variable = symbol + this. */
struct ka_error *ka_percpu_offset(struct ka_kernel *k, unsigned cpu, uint64_t *ret) KA_MUST_CHECK;
/* Address of a per-CPU variable by name on a CPU. */
struct ka_error *ka_percpu_addr(struct ka_kernel *k, const char *symbol, unsigned cpu, ka_addr *ret) KA_MUST_CHECK;
/* What each CPU has at an address relative to the per-CPU areas, signed and of 32 bits, summed up over all possible CPUs. */
int64_t ka_percpu_s32_sum(struct ka_kernel *k, ka_addr counters);
/* The exact value of a struct percpu_counter. */
struct ka_error *ka_percpu_counter_read(struct ka_kernel *k, ka_addr at, int64_t *ret) KA_MUST_CHECK;

/* The task whose panic, oops or sysrq ended the machine; how it was found is logged. 0 when there is none (live, external dump). */
ka_addr ka_panic_task(struct ka_kernel *k);
/* CPU of the panic task, -1 when there is none. */
int ka_panic_cpu(struct ka_kernel *k);

/* Memory of a process. RSS and VSZ in pages. Zero for kernel threads. */
struct ka_mm {
	ka_addr addr;
	ka_addr pgd;
	uint64_t total_vm_pages, rss_pages;
	bool has_kinds;		/* of the next ones but swap: kernels since v4.5 count them apart */
	bool has_swap;		/* kernels since v2.6.34 count it */
	uint64_t rss_anon_pages, rss_file_pages, rss_shmem_pages, swap_pages;
	uint64_t tables_bytes;	/* of its page tables; 0: not told */
	uint64_t arg_start, arg_end, env_start, env_end;
	ka_addr exe_file;
};
struct ka_error *ka_mm_read(struct ka_kernel *k, ka_addr mm, struct ka_mm *ret) KA_MUST_CHECK;
/* Bytes of user memory through the page tables of mm. As much as is there; *err says why it stopped. */
size_t ka_read_user(struct ka_kernel *k, ka_addr mm, uint64_t at, void *ret, size_t size, struct ka_error **err);

#endif
