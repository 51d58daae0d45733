/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Namespaces of a task: most by its nsproxy, that of users by its credentials, that of pids by its struct pid. */
#include <inttypes.h>
#include <kanalyze/namespaces.h>
#include <kanalyze/type.h>
#include <kanalyze/view.h>

struct nsproxy_view {
	ka_addr ns[KA_NS_KINDS];
};
KA_VIEW(nsproxy_view, ("nsproxy"),
	KA_MAYBE(nsproxy_view, ns[KA_NS_UTS], "uts_ns"),
	KA_MAYBE(nsproxy_view, ns[KA_NS_IPC], "ipc_ns"),
	KA_MAYBE(nsproxy_view, ns[KA_NS_MNT], "mnt_ns"),
	KA_MAYBE(nsproxy_view, ns[KA_NS_NET], "net_ns"),
	KA_MAYBE(nsproxy_view, ns[KA_NS_CGROUP], "cgroup_ns"),	/* a79a908fd2b0, v4.6 */
	KA_MAYBE(nsproxy_view, ns[KA_NS_TIME], "time_ns"));	/* 769071ac9f20, v5.6 */

struct task_ns_view {
	ka_addr cred, pid;
};
KA_VIEW(task_ns_view, ("task_struct"),
	KA_MAYBE(task_ns_view, cred, "real_cred", "cred"),
	KA_FROM(task_ns_view, pid, "thread_pid", "pids[PIDTYPE_PID].pid"));	/* 2c4704756cab, v4.19 */

struct cred_ns_view {
	ka_addr user_ns;
};
KA_VIEW(cred_ns_view, ("cred"), KA_FROM(cred_ns_view, user_ns, "user_ns", "user.user_ns"));

struct pid_level_view {
	uint32_t level;
	ka_addr numbers_at;
};
KA_VIEW(pid_level_view, ("pid"),
	KA_FROM(pid_level_view, level, "level"),
	KA_AT(pid_level_view, numbers_at, "numbers"));

struct pid_number_view {
	ka_addr ns;
};
KA_VIEW(pid_number_view, ("upid"), KA_FROM(pid_number_view, ns, "ns"));

#define PID_LEVELS_MAX 32	/* MAX_PID_NS_LEVEL */

static const struct { const char *name, *type; } kinds[KA_NS_KINDS] = {
	[KA_NS_CGROUP] = { "cgroup", "cgroup_namespace" }, [KA_NS_IPC] = { "ipc", "ipc_namespace" }, [KA_NS_MNT] = { "mnt", "mnt_namespace" },
	[KA_NS_NET] = { "net", "net" }, [KA_NS_PID] = { "pid", "pid_namespace" }, [KA_NS_TIME] = { "time", "time_namespace" },
	[KA_NS_USER] = { "user", "user_namespace" }, [KA_NS_UTS] = { "uts", "uts_namespace" },
};

const char *ka_ns_name(enum ka_ns_kind kind)
{
	return kinds[kind].name;
}

static struct ka_error *pid_ns(struct ka_kernel *k, ka_addr pid, ka_addr *ret)
{
	struct pid_number_view upid = {0};
	struct pid_level_view v;
	struct ka_error *err = pid ? ka_view_read(k, &ka_view_pid_level_view, pid, &v) : NULL;

	*ret = 0;
	if (err || !pid)
		return err;
	if (v.level > PID_LEVELS_MAX)
		return ka_error_at(KA_CORRUPT, KA_SPACE_VIRT, pid, "the struct pid at 0x%" PRIx64 " is of level %u", pid, v.level);
	err = ka_view_read(k, &ka_view_pid_number_view, v.numbers_at + v.level * ka_view_size(k, &ka_view_pid_number_view), &upid);
	*ret = upid.ns;
	return err;
}

static void keep(struct ka_error **first, struct ka_error *err)
{
	if (*first)
		ka_error_free(err);
	else
		*first = err;
}

struct ka_error *ka_namespaces_read(struct ka_kernel *k, const struct ka_task *t, struct ka_namespaces *ret)
{
	struct nsproxy_view proxy = {0};
	struct cred_ns_view cred = {0};
	struct task_ns_view task = {0};
	struct ka_error *first = NULL;

	memset(ret, 0, sizeof(*ret));
	if (t->nsproxy)
		keep(&first, ka_view_read(k, &ka_view_nsproxy_view, t->nsproxy, &proxy));
	for (int i = 0; i < KA_NS_KINDS; i++)
		ret->ns[i].addr = proxy.ns[i];
	keep(&first, ka_view_read(k, &ka_view_task_ns_view, t->addr, &task));
	if (task.cred)
		keep(&first, ka_view_read(k, &ka_view_cred_ns_view, task.cred, &cred));
	ret->ns[KA_NS_USER].addr = cred.user_ns;
	keep(&first, pid_ns(k, task.pid, &ret->ns[KA_NS_PID].addr));
	for (int i = 0; i < KA_NS_KINDS; i++) {
		uint64_t offset;
		uint32_t ino = 0;

		/* ns_common since 435d5f4bb2cc (v3.19), proc_inum before (98f842e675f9, v3.8) */
		if (!ret->ns[i].addr || (ka_error_drop(ka_type_offset(k, kinds[i].type, "ns.inum", &offset)) &&
					 ka_error_drop(ka_type_offset(k, kinds[i].type, "proc_inum", &offset))))
			continue;
		keep(&first, ka_read_u32(k, ret->ns[i].addr + offset, &ino));
		ret->ns[i].ino = ino;
	}
	return ka_error_wrap(first, "namespaces of PID %d", t->pid);
}
