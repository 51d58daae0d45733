/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Control groups: hierarchies, their trees, and which a task is in. */
#ifndef KANALYZE_CGROUP_H
#define KANALYZE_CGROUP_H

#include <kanalyze/memory.h>

/* A hierarchy: the unified one (cgroup v2), or one of v1. */
struct ka_cgroup_root {
	ka_addr addr;		/* of the cgroup_root */
	ka_addr cgroup;		/* of its topmost cgroup */
	int32_t id;		/* as /proc/PID/cgroup numbers it; 0: the unified one */
	const char *controllers;	/* of v1: "cpu,cpuacct" or "name=systemd"; of the unified one "" */
};

struct ka_cgroup {
	ka_addr addr, parent;	/* 0: the topmost */
	const char *name, *path;	/* "two", "/lab.slice/two"; NULL: cannot be told */
	bool has_memory, has_pids;	/* is that controller on in it */
	uint64_t memory_bytes, memory_max_bytes;	/* charged to it and those below; UINT64_MAX: no limit */
	bool has_min, has_low, has_peak, has_swap;	/* does this kernel count them */
	uint64_t memory_min_bytes, memory_low_bytes, memory_high_bytes;	/* UINT64_MAX: all of it, no limit */
	uint64_t memory_peak_bytes, swap_bytes, swap_max_bytes;
	uint64_t pids, pids_max;	/* UINT64_MAX: no limit */
};

/* All hierarchies, in the arena, by id. Also behind an error: what was found in spite of it. */
struct ka_error *ka_cgroup_roots(struct ka_kernel *k, struct ka_arena *a, struct ka_cgroup_root **ret, size_t *ret_count) KA_MUST_CHECK;
/* A cgroup and all below it, parents before children, in the arena. Also behind an error: what was found in spite of it. */
struct ka_error *ka_cgroups_read(struct ka_kernel *k, ka_addr top, struct ka_arena *a, struct ka_cgroup **ret, size_t *ret_count) KA_MUST_CHECK;
/* Which cgroup of that hierarchy the task is in. */
struct ka_error *ka_task_cgroup(struct ka_kernel *k, ka_addr task, const struct ka_cgroup_root *root, ka_addr *ret) KA_MUST_CHECK;
/* Its path in its hierarchy, "/" of the topmost. */
struct ka_error *ka_cgroup_path(struct ka_kernel *k, ka_addr cgroup, struct ka_arena *a, const char **ret) KA_MUST_CHECK;

#endif
