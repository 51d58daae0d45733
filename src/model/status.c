/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Credentials of a task, its session, terminal and counts. */
#include <inttypes.h>
#include <kanalyze/status.h>
#include <kanalyze/view.h>

#define GROUPS_MAX 65536	/* NGROUPS_MAX */
#define PFA_NO_NEW_PRIVS 1u	/* bit 0 of atomic_flags */

struct status_task_view {
	struct ka_task_status s;
	ka_addr cred, pid, old_pgrp, old_session;
	uint32_t ptrace;
	uint64_t atomic_flags;
};
KA_VIEW(status_task_view, ("task_struct"),
	KA_MAYBE(status_task_view, cred, "real_cred"),			/* v2.6.29; in the task before */
	KA_FROM(status_task_view, pid, "thread_pid", "pids[PIDTYPE_PID].pid"),	/* 2c4704756cab, v4.19 */
	KA_MAYBE(status_task_view, old_pgrp, "pids[PIDTYPE_PGID].pid"),	/* of the leader; in signal_struct since v4.19 */
	KA_MAYBE(status_task_view, old_session, "pids[PIDTYPE_SID].pid"),
	KA_FROM(status_task_view, ptrace, "ptrace"),
	KA_MAYBE(status_task_view, s.no_new_privs, "no_new_privs"),	/* v3.5 until v3.16: then a bit of atomic_flags */
	KA_MAYBE(status_task_view, atomic_flags, "atomic_flags"),
	KA_MAYBE(status_task_view, s.seccomp, "seccomp.mode"),
	KA_MAYBE(status_task_view, s.seccomp_filters, "seccomp.filter_count.counter"),
	KA_MAYBE(status_task_view, s.loginuid, "loginuid.val", "loginuid"),
	KA_MAYBE(status_task_view, s.sessionid, "sessionid"),
	KA_FROM(status_task_view, s.personality, "personality"),
	KA_FROM(status_task_view, s.exit_signal, "exit_signal"),
	KA_FROM(status_task_view, s.exit_code, "exit_code"),
	KA_FROM(status_task_view, s.voluntary_switches, "nvcsw"),
	KA_FROM(status_task_view, s.involuntary_switches, "nivcsw"),
	KA_FROM(status_task_view, s.minor_faults, "min_flt"),
	KA_FROM(status_task_view, s.major_faults, "maj_flt"),
	KA_MAYBE(status_task_view, s.exec_ns, "se.sum_exec_runtime"));	/* v2.6.23 */

struct status_signal_view {
	ka_addr pgrp, session, tty;
	int32_t oom_score_adj, threads, group_exit_code;
	uint64_t min_flt, maj_flt, exec_ns;
};
KA_VIEW(status_signal_view, ("signal_struct"),
	KA_MAYBE(status_signal_view, pgrp, "pids[PIDTYPE_PGID]"),
	KA_MAYBE(status_signal_view, session, "pids[PIDTYPE_SID]"),
	KA_FROM(status_signal_view, tty, "tty"),
	KA_MAYBE(status_signal_view, group_exit_code, "group_exit_code"),
	KA_MAYBE(status_signal_view, oom_score_adj, "oom_score_adj"),	/* v2.6.36 */
	KA_MAYBE(status_signal_view, threads, "nr_threads", "count.counter"),
	KA_FROM(status_signal_view, min_flt, "min_flt"),
	KA_FROM(status_signal_view, maj_flt, "maj_flt"),
	KA_MAYBE(status_signal_view, exec_ns, "sum_sched_runtime"));

/* Wrapped since v3.5 (kuid_t); capabilities were two words until v6.2 (f122a08b197d). */
#define CAP(member, name) KA_MAYBE(status_cred_view, member[0], name ".val", name ".cap[0]"), KA_MAYBE(status_cred_view, member[1], name ".cap[1]")
struct status_cred_view {
	uint32_t uid, euid, suid, fsuid, gid, egid, sgid, fsgid, securebits;
	ka_addr groups;
	uint64_t inheritable[2], permitted[2], effective[2], bounding[2], ambient[2];
};
KA_VIEW(status_cred_view, ("cred", "task_struct"),
	KA_FROM(status_cred_view, uid, "uid.val", "uid"),
	KA_FROM(status_cred_view, euid, "euid.val", "euid"),
	KA_FROM(status_cred_view, suid, "suid.val", "suid"),
	KA_FROM(status_cred_view, fsuid, "fsuid.val", "fsuid"),
	KA_FROM(status_cred_view, gid, "gid.val", "gid"),
	KA_FROM(status_cred_view, egid, "egid.val", "egid"),
	KA_FROM(status_cred_view, sgid, "sgid.val", "sgid"),
	KA_FROM(status_cred_view, fsgid, "fsgid.val", "fsgid"),
	KA_MAYBE(status_cred_view, securebits, "securebits"),
	KA_MAYBE(status_cred_view, groups, "group_info"),
	CAP(inheritable, "cap_inheritable"), CAP(permitted, "cap_permitted"), CAP(effective, "cap_effective"), CAP(bounding, "cap_bset"),
	CAP(ambient, "cap_ambient"));	/* 58319057b784, v4.3 */

struct status_groups_view {
	uint32_t count;
	ka_addr gids, blocks;
};
/* One array since 81243eacfa40 (v4.9), pages of them before. */
KA_VIEW(status_groups_view, ("group_info"),
	KA_FROM(status_groups_view, count, "ngroups"),
	KA_AT_MAYBE(status_groups_view, gids, "gid"),
	KA_AT_MAYBE(status_groups_view, blocks, "blocks"));

struct status_pid_view { uint32_t level; int32_t nr; ka_addr numbers_at; };
KA_VIEW(status_pid_view, ("pid"),
	KA_MAYBE(status_pid_view, level, "level"),		/* v2.6.24 */
	KA_FROM(status_pid_view, nr, "numbers[0].nr", "nr"),
	KA_AT_MAYBE(status_pid_view, numbers_at, "numbers"));

struct status_upid_view { int32_t nr; };
KA_VIEW(status_upid_view, ("upid"), KA_FROM(status_upid_view, nr, "nr"));

struct status_fs_view { uint32_t umask; };
KA_VIEW(status_fs_view, ("fs_struct"), KA_FROM(status_fs_view, umask, "umask"));

struct status_tty_view { char name[64]; uint32_t index; ka_addr driver; };
KA_VIEW(status_tty_view, ("tty_struct"),
	KA_FROM(status_tty_view, name, "name"),
	KA_FROM(status_tty_view, index, "index"),
	KA_FROM(status_tty_view, driver, "driver"));

struct status_driver_view { uint32_t major, minor_start; };
KA_VIEW(status_driver_view, ("tty_driver"),
	KA_FROM(status_driver_view, major, "major"),
	KA_FROM(status_driver_view, minor_start, "minor_start"));

static void keep(struct ka_error **first, struct ka_error *err)
{
	if (*first)
		ka_error_dispose(err);
	else
		*first = err;
}

static struct ka_error *groups_read(struct ka_kernel *k, ka_addr at, struct ka_arena *a, struct ka_task_status *ret)
{
	struct status_groups_view v;
	struct ka_error *err = at ? ka_view_read(k, &ka_view_status_groups_view, at, &v) : NULL;
	size_t per_block = ka_page_size(k) / 4, count;
	uint32_t *list;

	if (!at || err)
		return err;
	if (v.count > GROUPS_MAX)
		return ka_error_at(KA_CORRUPT, KA_SPACE_VIRT, at, "%u groups", v.count);
	list = ka_alloc(a, v.count * sizeof(*list) + 1);
	for (count = 0; !err && count < v.count; ) {
		size_t n = KA_MIN(v.count - count, per_block);
		uint8_t *bytes = ka_alloc(a, n * 4);
		ka_addr from = v.gids + count * 4;

		if (!KA_HAS(k, status_groups_view, gids))
			err = ka_read_ulong(k, v.blocks + count / per_block * ka_long_size(k), &from);
		if (!err)
			err = ka_read(k, from, bytes, n * 4);
		for (size_t i = 0; !err && i < n; i++)
			list[count + i] = ka_uint_from(k, bytes + i * 4, 4);
		count += err ? 0 : n;
	}
	ret->groups = list;
	ret->group_count = count;
	return err;
}

static struct ka_error *cred_read(struct ka_kernel *k, ka_addr at, struct ka_arena *a, struct ka_task_status *ret)
{
	struct status_cred_view v;
	struct ka_error *err = ka_view_read(k, &ka_view_status_cred_view, at, &v);

	if (err)
		return err;
	ret->cred = at;
	ret->uid = v.uid;
	ret->euid = v.euid;
	ret->suid = v.suid;
	ret->fsuid = v.fsuid;
	ret->gid = v.gid;
	ret->egid = v.egid;
	ret->sgid = v.sgid;
	ret->fsgid = v.fsgid;
	ret->securebits = v.securebits;
	ret->cap_inheritable = v.inheritable[0] | v.inheritable[1] << 32;
	ret->cap_permitted = v.permitted[0] | v.permitted[1] << 32;
	ret->cap_effective = v.effective[0] | v.effective[1] << 32;
	ret->cap_bounding = v.bounding[0] | v.bounding[1] << 32;
	ret->cap_ambient = v.ambient[0] | v.ambient[1] << 32;
	ret->has_ambient = KA_HAS(k, status_cred_view, ambient[0]);
	return groups_read(k, v.groups, a, ret);
}

static struct ka_error *pid_number(struct ka_kernel *k, ka_addr pid, int32_t *ret)
{
	struct status_pid_view v = {0};
	struct ka_error *err = pid ? ka_view_read(k, &ka_view_status_pid_view, pid, &v) : NULL;

	*ret = v.nr;
	return err;
}

static struct ka_error *pids_read(struct ka_kernel *k, ka_addr pid, struct ka_task_status *ret)
{
	struct status_pid_view v = {0};
	struct ka_error *err = pid ? ka_view_read(k, &ka_view_status_pid_view, pid, &v) : NULL;

	if (!pid || err)
		return err;
	ret->pids[0] = v.nr;
	ret->pid_levels = 1;
	if (!KA_HAS(k, status_pid_view, level) || !v.level)
		return NULL;
	if (v.level >= KA_STATUS_PIDS)
		return ka_error_at(KA_CORRUPT, KA_SPACE_VIRT, pid, "a struct pid of level %u", v.level);
	err = ka_view_bind(k, &ka_view_status_upid_view);
	for (uint32_t i = 1; !err && i <= v.level; i++) {
		struct status_upid_view u;

		err = ka_view_read(k, &ka_view_status_upid_view, v.numbers_at + i * ka_view_size(k, &ka_view_status_upid_view), &u);
		if (!err)
			ret->pids[ret->pid_levels++] = u.nr;
	}
	return err;
}

static struct ka_error *tty_read(struct ka_kernel *k, ka_addr tty, struct ka_task_status *ret)
{
	struct status_driver_view d = {0};
	struct status_tty_view v;
	struct ka_error *err = ka_view_read(k, &ka_view_status_tty_view, tty, &v);

	if (err)
		return err;
	memcpy(ret->tty, v.name, sizeof(ret->tty));
	ret->tty[sizeof(ret->tty) - 1] = 0;
	err = v.driver ? ka_view_read(k, &ka_view_status_driver_view, v.driver, &d) : NULL;
	ret->tty_device = d.major << 20 | ((d.minor_start + v.index) & 0xfffff);
	return err;
}

static struct ka_error *signal_read(struct ka_kernel *k, const struct ka_task *t, const struct status_task_view *leader, struct ka_task_status *ret)
{
	struct status_signal_view v;
	struct ka_error *err = t->signal ? ka_view_read(k, &ka_view_status_signal_view, t->signal, &v) : NULL, *first = NULL;

	if (!t->signal || err)
		return err;
	keep(&first, pid_number(k, KA_HAS(k, status_signal_view, pgrp) ? v.pgrp : leader->old_pgrp, &ret->pgrp));
	keep(&first, pid_number(k, KA_HAS(k, status_signal_view, session) ? v.session : leader->old_session, &ret->session));
	if (v.tty)
		keep(&first, tty_read(k, v.tty, ret));
	ret->oom_score_adj = v.oom_score_adj;
	ret->has_oom_score_adj = KA_HAS(k, status_signal_view, oom_score_adj);
	ret->group_exit_code = v.group_exit_code;
	ret->thread_count = v.threads;
	ret->ended_minor_faults = v.min_flt;
	ret->ended_major_faults = v.maj_flt;
	ret->ended_exec_ns = v.exec_ns;
	return first;
}

struct ka_error *ka_task_status_read(struct ka_kernel *k, const struct ka_task *t, struct ka_arena *a, struct ka_task_status *ret)
{
	struct status_task_view v = {0}, leader;
	struct ka_error *err = ka_view_read(k, &ka_view_status_task_view, t->addr, &v), *first = NULL;
	struct status_fs_view fs;
	struct ka_task tracer;

	*ret = v.s;
	if (err)
		return ka_error_wrap(err, "PID %d", t->pid);
	if (!KA_HAS(k, status_task_view, s.seccomp))
		ret->seccomp = -1;
	if (!KA_HAS(k, status_task_view, s.seccomp_filters))
		ret->seccomp_filters = -1;
	if (!KA_HAS(k, status_task_view, s.loginuid))
		ret->loginuid = UINT32_MAX;
	if (!KA_HAS(k, status_task_view, s.sessionid))
		ret->sessionid = UINT32_MAX;
	if (KA_HAS(k, status_task_view, atomic_flags) && !KA_HAS(k, status_task_view, s.no_new_privs))
		ret->no_new_privs = v.atomic_flags & PFA_NO_NEW_PRIVS;
	ret->nice = t->static_prio - 120;	/* DEFAULT_PRIO */
	keep(&first, cred_read(k, KA_HAS(k, status_task_view, cred) ? v.cred : t->addr, a, ret));
	keep(&first, pids_read(k, v.pid, ret));
	leader = v;
	if (t->group_leader && t->group_leader != t->addr)
		keep(&first, ka_view_read(k, &ka_view_status_task_view, t->group_leader, &leader));
	keep(&first, signal_read(k, t, &leader, ret));
	if (t->fs) {
		err = ka_view_read(k, &ka_view_status_fs_view, t->fs, &fs);
		ret->has_umask = !err;
		ret->umask = err ? 0 : fs.umask;
		keep(&first, err);
	}
	if (v.ptrace && t->parent) {
		err = ka_task_read(k, t->parent, &tracer);
		ret->tracer = err ? 0 : tracer.tgid;
		keep(&first, err);
	}
	return ka_error_wrap(first, "PID %d", t->pid);
}
