/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One task: what its task_struct says, whatever the kernel's age. */
#include <inttypes.h>
#include <kanalyze/task.h>
#include <kanalyze/view.h>
#include "kernel.h"

#define NS_PER_S 1000000000ull

struct task_view {
	struct ka_task t;
	uint64_t start_ns_part, boottime_ns_part;	/* tv_nsec of kernels that kept a timespec */
	ka_addr sched_info_at;
};
KA_VIEW(task_view, ("task_struct"),
	KA_AT_MAYBE(task_view, t.thread_at, "thread"),
	KA_FROM(task_view, t.pid, "pid"),
	KA_FROM(task_view, t.tgid, "tgid"),
	KA_FROM(task_view, t.comm, "comm"),
	KA_FROM(task_view, t.state, "__state", "state"),	/* 2f064a59a11f, v5.14 */
	KA_MAYBE(task_view, t.exit_state, "exit_state"),	/* apart from state since v2.6.11 */
	KA_FROM(task_view, t.flags, "flags"),
	/* c65eacbe290b, v4.9; back into thread_info with bcf9033e5449, v5.16. cpu first: thread_info.cpu was there unused */
	KA_MAYBE(task_view, t.cpu, "cpu", "thread_info.cpu"),
	KA_FROM(task_view, t.mm, "mm"),
	KA_MAYBE(task_view, t.active_mm, "active_mm"),
	/* f7e4217b007d, v2.6.22: a pointer to thread_info before */
	KA_MAYBE(task_view, t.stack, "stack", "thread_info"),
	KA_MAYBE(task_view, t.parent, "parent"),
	KA_FROM(task_view, t.real_parent, "real_parent"),
	KA_MAYBE(task_view, t.group_leader, "group_leader"),
	KA_MAYBE(task_view, t.signal, "signal"),
	KA_MAYBE(task_view, t.sighand, "sighand"),
	KA_MAYBE(task_view, t.files, "files"),
	KA_MAYBE(task_view, t.fs, "fs"),
	KA_MAYBE(task_view, t.nsproxy, "nsproxy"),
	KA_MAYBE(task_view, t.policy, "policy"),
	KA_MAYBE(task_view, t.prio, "prio"),
	KA_MAYBE(task_view, t.static_prio, "static_prio"),
	KA_MAYBE(task_view, t.normal_prio, "normal_prio"),
	KA_MAYBE(task_view, t.rt_priority, "rt_priority"),
	/* x86 (rsp, esp: until faca62273b60, v2.6.25), arm64, powerpc and s390 */
	KA_MAYBE(task_view, t.thread_sp, "thread.sp", "thread.rsp", "thread.esp", "thread.cpu_context.sp", "thread.ksp"),
	/* ns since ccbf62d8a284, v3.17 */
	KA_MAYBE(task_view, t.start_time, "start_time.tv_sec", "start_time"),
	KA_MAYBE(task_view, start_ns_part, "start_time.tv_nsec"),
	/* renamed in cf25e24db61c, v5.5 */
	KA_MAYBE(task_view, t.start_boottime, "start_boottime", "real_start_time.tv_sec", "real_start_time"),
	KA_MAYBE(task_view, boottime_ns_part, "real_start_time.tv_nsec"),
	KA_MAYBE(task_view, t.utime, "utime"),
	KA_MAYBE(task_view, t.stime, "stime"),
	/* timestamp until CFS came (v2.6.23) */
	KA_MAYBE(task_view, t.last_arrival, "sched_info.last_arrival", "timestamp", "last_run"));

struct thread_info_view {
	uint32_t cpu;
};
KA_VIEW(thread_info_view, ("thread_info"), KA_FROM(thread_info_view, cpu, "cpu"));

/* What a task is judged by: a 0 instead of these would be taken for a fact. */
struct task_core { uint64_t state, flags; ka_addr mm, stack, real_parent, signal, group_leader, files, fs; };
KA_VIEW(task_core, ("task_struct"),
	KA_FROM(task_core, state, "__state", "state"),
	KA_FROM(task_core, flags, "flags"),
	KA_FROM(task_core, mm, "mm"),
	KA_MAYBE(task_core, stack, "stack", "thread_info"),
	KA_FROM(task_core, real_parent, "real_parent"),
	KA_MAYBE(task_core, signal, "signal"),
	KA_MAYBE(task_core, group_leader, "group_leader"),
	KA_MAYBE(task_core, files, "files"),
	KA_MAYBE(task_core, fs, "fs"));

struct ka_error *ka_task_read(struct ka_kernel *k, ka_addr at, struct ka_task *ret)
{
	struct task_view v;
	struct thread_info_view info;
	struct ka_error *gap, *err = ka_view_read_partly(k, &ka_view_task_view, at, &v, &gap);

	/* a task_struct may straddle pages, and the dump may have lost one: the name is what a task is known by */
	if (!err && gap && !v.t.comm[0]) {
		err = gap;
		gap = NULL;
	}
	if (err) {
		memset(ret, 0, sizeof(*ret));
		return err;
	}
	if (gap) {
		struct task_core core;

		v.t.is_sp_lost = !v.t.thread_sp;
		v.t.is_partial = ka_error_drop(ka_view_read(k, &ka_view_task_core, at, &core));
		ka_log(2, "%s", gap->message);
	}
	ka_error_free(gap);
	v.t.addr = at;
	if (KA_HAS(k, task_view, start_ns_part))
		v.t.start_time = v.t.start_time * NS_PER_S + v.start_ns_part;
	if (KA_HAS(k, task_view, boottime_ns_part))
		v.t.start_boottime = v.t.start_boottime * NS_PER_S + v.boottime_ns_part;
	/*
	 * Before thread_info moved into task_struct (c65eacbe290b, v4.9) it lay at the low end of the stack. A stack that
	 * cannot be read costs the CPU number, not the task.
	 */
	if (!KA_HAS(k, task_view, t.cpu) && v.t.stack) {
		err = ka_view_read(k, &ka_view_thread_info_view, v.t.stack, &info);
		v.t.cpu = ka_error_drop(err) ? 0 : info.cpu;
	}
	*ret = v.t;
	return NULL;
}

/* thread_info is in task_struct (c65eacbe290b, v4.9) or at the end of the stack. */
ka_addr ka_task_thread_info(struct ka_kernel *k, const struct ka_task *t)
{
	uint64_t offset;

	return ka_error_drop(ka_type_offset(k, "task_struct", "thread_info@thread_info", &offset)) ? t->stack : t->addr + offset;
}

/* Of pid 0: has this kernel the flag? Kernel threads had no sign of their own before 7b34e4283c68, v2.6.27. */
static const char kthread_flag_key;

static void *kthread_flag_make(struct ka_kernel *k)
{
	uint64_t *flag = ka_xalloc(sizeof(*flag));
	struct ka_symbol s;
	struct ka_task idle;

	*flag = 0x00200000;	/* PF_KTHREAD, which never moved */
	if (ka_symbol_lookup(k, "init_task", &s) && !ka_error_drop(ka_task_read(k, s.addr, &idle)) &&
	    !(idle.flags & *flag))
		*flag = 0;
	return flag;
}

bool ka_task_is_kthread(struct ka_kernel *k, const struct ka_task *t)
{
	const uint64_t *flag = ka_kernel_state(k, &kthread_flag_key, kthread_flag_make, free);
	struct ka_symbol init_mm;

	if (*flag)
		return t->flags & *flag;
	if (t->pid == 0)
		return true;
	if (!t->mm)	/* a process on its way out has none either */
		return !t->exit_state && !(t->flags & 0x4 /* PF_EXITING, which never moved */);
	return ka_symbol_lookup(k, "init_mm", &init_mm) && t->mm == init_mm.addr;
}

uint64_t ka_task_time_unit_ns(struct ka_kernel *k)
{
	struct ka_member m;
	uint64_t tick_ns;

	if (ka_error_drop(ka_type_member(k, "task_struct", "utime", &m)))
		return 0;
	/* plain u64 since 5613fda9a503, v4.11 */
	if (!ka_type_has(k, "task_struct", "utime@cputime_t"))
		return m.size == 8 ? 1 : 0;
	/* cputime_t: jiffies (unsigned long), or with VIRT_CPU_ACCOUNTING_GEN (abf917cd91cb, v3.9) ns (u64) */
	if (ka_long_size(k) == 8 ? m.type_name && !strcmp(m.type_name, "long long unsigned int") : m.size == 8)
		return 1;
	if (ka_error_drop(ka_symbol_ulong(k, "tick_nsec", &tick_ns)) || tick_ns > NS_PER_S)
		return 0;
	/* tick_nsec carries the rounding of TICK_USEC: 999848 stands for 1 ms */
	return tick_ns ? NS_PER_S / ((NS_PER_S + tick_ns / 2) / tick_ns) : 0;
}
