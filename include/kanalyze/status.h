/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whose a task is and what it may do: what /proc/PID/status and stat tell beyond state, times and memory. */
#ifndef KANALYZE_STATUS_H
#define KANALYZE_STATUS_H

#include <kanalyze/task.h>

#define KA_STATUS_PIDS 32	/* MAX_PID_NS_LEVEL */

struct ka_task_status {
	ka_addr cred;
	/* as the first user namespace counts */
	uint32_t uid, euid, suid, fsuid, gid, egid, sgid, fsgid;
	const uint32_t *groups;		/* in the arena */
	size_t group_count;
	uint64_t cap_inheritable, cap_permitted, cap_effective, cap_bounding, cap_ambient;	/* bit masks of CAP_* */
	bool has_ambient;		/* v4.3 */
	uint32_t securebits;
	bool no_new_privs;
	int32_t seccomp;		/* 0 none, 1 strict, 2 filters; -1: this kernel has none */
	int32_t seccomp_filters;	/* -1: not told (v5.11) */
	uint32_t umask;
	bool has_umask;			/* false: it has given up its fs_struct */
	int32_t pids[KA_STATUS_PIDS];	/* in each pid namespace, the first one first */
	unsigned pid_levels;
	int32_t pgrp, session;		/* 0: none */
	int32_t tracer;			/* process id; 0: none */
	char tty[64];			/* "pts0"; "": none */
	uint32_t tty_device;		/* as the kernel keeps device numbers: the minor number in the low 20 bits */
	int32_t oom_score_adj;
	bool has_oom_score_adj;
	uint32_t loginuid, sessionid;	/* of audit; UINT32_MAX: not set, or not kept */
	uint32_t personality;
	int32_t nice, exit_signal, exit_code, group_exit_code;
	uint64_t voluntary_switches, involuntary_switches, minor_faults, major_faults;	/* the task's own */
	uint64_t exec_ns;		/* on a CPU, as the scheduler measured it */
	/* of threads of the process that have ended */
	uint64_t ended_minor_faults, ended_major_faults, ended_exec_ns;
	int32_t thread_count;
};

/* Also behind an error: what could be read; the rest is 0. */
struct ka_error *ka_task_status_read(struct ka_kernel *k, const struct ka_task *t, struct ka_arena *a, struct ka_task_status *ret) KA_MUST_CHECK;

#endif
