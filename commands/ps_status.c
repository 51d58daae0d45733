/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ps --status: whose each task is and what it may do: what /proc/PID/status and stat tell beyond state, times and memory. */
#include <kanalyze/status.h>
#include "ps.h"

struct ps_status {
	PS_HEAD;
	int32_t tgid, ppid, tracer, pgrp, session, nice, exit_signal, exit_code, group_exit_code, oom_score_adj, seccomp, seccomp_filters, thread_count;
	bool has_ppid, has_seccomp, has_filters, has_umask, has_oom_score_adj, has_loginuid, has_sessionid, no_new_privs, has_ambient;
	uint32_t uid, euid, suid, fsuid, gid, egid, sgid, fsgid, securebits, umask, tty_device, loginuid, sessionid, personality, rt_priority;
	const char *const *groups, *const *pids;
	const char *tty, *state, *policy, *umask_text;
	uint64_t cap_inheritable, cap_permitted, cap_effective, cap_bounding, cap_ambient;
	uint64_t voluntary_switches, involuntary_switches, minor_faults, major_faults, exec_ns, ended_minor_faults, ended_major_faults, ended_exec_ns;
	ka_addr cred;
};
static const struct ka_col cols[] = {
	PS_HEAD_COLS(ps_status),
	KA_COL(ps_status, tgid, KA_INT, "process id of its thread group"),
	KA_COL_IF(ps_status, ppid, KA_INT, has_ppid, "process id of the parent"),
	KA_COL(ps_status, tracer, KA_INT, "process that traces it; 0: none"),
	KA_COL(ps_status, pids, KA_LIST, "its id in each pid namespace, the first one first"),
	KA_COL(ps_status, pgrp, KA_INT, "process group"),
	KA_COL(ps_status, session, KA_INT, "session"),
	KA_COL(ps_status, tty, KA_TEXT, "controlling terminal; null: none"),
	KA_COLF(ps_status, tty_device, KA_UINT, KA_ONLY_JSON | KA_ZERO_IS_NONE, "its device number: the minor number in the low 20 bits"),
	KA_COL(ps_status, state, KA_TEXT, "RU IN UN ..."),
	KA_COL(ps_status, uid, KA_UINT, "user id"), KA_COL(ps_status, euid, KA_UINT, "effective user id"),
	KA_COL(ps_status, suid, KA_UINT, "saved user id"), KA_COL(ps_status, fsuid, KA_UINT, "user id for files"),
	KA_COL(ps_status, gid, KA_UINT, "group id"), KA_COL(ps_status, egid, KA_UINT, "effective group id"),
	KA_COL(ps_status, sgid, KA_UINT, "saved group id"), KA_COL(ps_status, fsgid, KA_UINT, "group id for files"),
	KA_COL(ps_status, groups, KA_LIST, "further groups"),
	KA_COL(ps_status, cap_effective, KA_HEX, "capabilities, a bit each, CAP_CHOWN the first: those in effect"),
	KA_COL(ps_status, cap_permitted, KA_HEX, "those it may have"),
	KA_COL(ps_status, cap_inheritable, KA_HEX, "those that may survive exec"),
	KA_COL(ps_status, cap_bounding, KA_HEX, "the bound of all"),
	KA_COL_IF(ps_status, cap_ambient, KA_HEX, has_ambient, "those that survive exec without file capabilities"),
	KA_COLF(ps_status, securebits, KA_HEX, KA_ONLY_JSON, "SECBIT_*"),
	KA_COL(ps_status, no_new_privs, KA_BOOL, "can exec not raise its rights"),
	KA_COL_IF(ps_status, seccomp, KA_INT, has_seccomp, "0 none, 1 strict, 2 filters"),
	KA_COL_IF(ps_status, seccomp_filters, KA_INT, has_filters, "how many filters"),
	{ "umask", offsetof(struct ps_status, umask), 4, KA_UINT, KA_ONLY_JSON, offsetof(struct ps_status, has_umask), NULL, "bits that new files do not get" },
	KA_COLF(ps_status, umask_text, KA_TEXT, KA_ONLY_TEXT, NULL),
	KA_COL_IF(ps_status, oom_score_adj, KA_INT, has_oom_score_adj, "-1000 never killed for want of memory, 1000 first"),
	{ "loginuid", offsetof(struct ps_status, loginuid), 4, KA_UINT, KA_ONLY_JSON, offsetof(struct ps_status, has_loginuid), NULL, "user that logged in, for audit" },
	{ "sessionid", offsetof(struct ps_status, sessionid), 4, KA_UINT, KA_ONLY_JSON, offsetof(struct ps_status, has_sessionid), NULL, "session of audit" },
	KA_COLF(ps_status, personality, KA_HEX, KA_ONLY_JSON, "as personality(2)"),
	KA_COL(ps_status, policy, KA_TEXT, "scheduling policy"),
	KA_COL(ps_status, nice, KA_INT, "nice value"),
	KA_COL(ps_status, rt_priority, KA_UINT, "real-time priority"),
	KA_COL(ps_status, voluntary_switches, KA_UINT, "times it gave up the CPU"),
	KA_COL(ps_status, involuntary_switches, KA_UINT, "times it was taken from it"),
	KA_COL(ps_status, minor_faults, KA_UINT, "page faults without reading"),
	KA_COL(ps_status, major_faults, KA_UINT, "page faults that had to read"),
	KA_COLF(ps_status, exec_ns, KA_UINT, KA_ONLY_JSON, "time on a CPU, as the scheduler measured it"),
	KA_COLF(ps_status, thread_count, KA_INT, KA_ONLY_JSON, "threads of its process"),
	KA_COLF(ps_status, ended_minor_faults, KA_UINT, KA_ONLY_JSON, "of threads of its process that have ended"),
	KA_COLF(ps_status, ended_major_faults, KA_UINT, KA_ONLY_JSON, "of threads of its process that have ended"),
	KA_COLF(ps_status, ended_exec_ns, KA_UINT, KA_ONLY_JSON, "of threads of its process that have ended"),
	KA_COL(ps_status, exit_code, KA_INT, "as wait(2) has it"),
	KA_COLF(ps_status, group_exit_code, KA_INT, KA_ONLY_JSON, "of the process; of one that is stopped the signal that stopped it"),
	KA_COLF(ps_status, exit_signal, KA_INT, KA_ONLY_JSON, "signal its parent gets at its end; -1: a thread"),
	KA_COLF(ps_status, cred, KA_ADDR, KA_ONLY_JSON | KA_ZERO_IS_NONE, "address of its struct cred"),
};
const struct ka_rows ps_rows_status = { "tasks", KA_SHAPE_LINE, NULL,
	PS_HEAD_LINE "\n       STATE: {state}  PROCESS: {tgid}  PARENT: {ppid}  TRACER: {tracer}  PIDS: {pids}\n"
	"     SESSION: {session}  GROUP: {pgrp}{tty?  TTY\\: %}\n"
	"        UIDS: {uid} {euid} {suid} {fsuid}  (real, effective, saved, files)\n"
	"        GIDS: {gid} {egid} {sgid} {fsgid}  GROUPS: {groups}\n"
	"CAPABILITIES: effective {cap_effective}  permitted {cap_permitted}  inheritable {cap_inheritable}  bounding {cap_bounding}"
	"{cap_ambient?  ambient %}\n"
	"     SECCOMP: {seccomp}{seccomp_filters?  filters %}  NO_NEW_PRIVS: {no_new_privs}{umask_text?  UMASK\\: %}{oom_score_adj?  OOM_SCORE_ADJ\\: %}\n"
	"      POLICY: {policy}  NICE: {nice}  RT_PRIORITY: {rt_priority}  EXIT_CODE: {exit_code}\n"
	"    SWITCHES: voluntary {voluntary_switches}  involuntary {involuntary_switches}  FAULTS: minor {minor_faults}  major {major_faults}\n",
	cols, KA_COUNT(cols) };

static const char *const *numbers(struct ka_arena *a, const uint32_t *values, size_t count, bool is_signed)
{
	const char **list = ka_alloc(a, (count + 1) * sizeof(*list));

	for (size_t i = 0; i < count; i++)
		list[i] = is_signed ? ka_printf(a, "%d", (int32_t)values[i]) : ka_printf(a, "%u", values[i]);
	return list;
}

void ps_status(const struct ps *ps)
{
	for (size_t i = 0; i < ps->chosen_count && !ka_interrupted(); i++) {
		const struct ka_task *t = ps->chosen[i];
		struct ka_arena *a = ps->c->arena;
		struct ps_status row = { PS_HEAD_OF(t), .tgid = t->tgid, .rt_priority = t->rt_priority };
		struct ka_task_status s;

		memcpy(row.comm, t->comm, sizeof(row.comm));
		ka_call_fault(ps->c, ka_task_status_read(ps->k, t, a, &s));
		row.has_ppid = ps_parent_pid(ps, t, &row.ppid);
		row.state = ka_task_state_name(ps->k, t);
		row.policy = ps_policy_name(t);
		row.tracer = s.tracer;
		row.pids = numbers(a, (const uint32_t *)s.pids, s.pid_levels, true);
		row.pgrp = s.pgrp;
		row.session = s.session;
		row.tty = s.tty[0] ? ka_strdup(a, s.tty) : NULL;
		row.tty_device = s.tty_device;
		row.uid = s.uid, row.euid = s.euid, row.suid = s.suid, row.fsuid = s.fsuid;
		row.gid = s.gid, row.egid = s.egid, row.sgid = s.sgid, row.fsgid = s.fsgid;
		row.groups = numbers(a, s.groups, s.group_count, false);
		row.cap_inheritable = s.cap_inheritable, row.cap_permitted = s.cap_permitted, row.cap_effective = s.cap_effective;
		row.cap_bounding = s.cap_bounding, row.cap_ambient = s.cap_ambient, row.has_ambient = s.has_ambient;
		row.securebits = s.securebits;
		row.no_new_privs = s.no_new_privs;
		row.seccomp = s.seccomp, row.has_seccomp = s.seccomp >= 0;
		row.seccomp_filters = s.seccomp_filters, row.has_filters = s.seccomp_filters >= 0;
		row.umask = s.umask, row.has_umask = s.has_umask;
		row.umask_text = s.has_umask ? ka_printf(a, "%04o", s.umask) : NULL;
		row.oom_score_adj = s.oom_score_adj, row.has_oom_score_adj = s.has_oom_score_adj;
		row.loginuid = s.loginuid, row.has_loginuid = s.loginuid != UINT32_MAX;
		row.sessionid = s.sessionid, row.has_sessionid = s.sessionid != UINT32_MAX;
		row.personality = s.personality;
		row.nice = s.nice, row.exit_signal = s.exit_signal, row.exit_code = s.exit_code, row.group_exit_code = s.group_exit_code;
		row.voluntary_switches = s.voluntary_switches, row.involuntary_switches = s.involuntary_switches;
		row.minor_faults = s.minor_faults, row.major_faults = s.major_faults, row.exec_ns = s.exec_ns;
		row.thread_count = s.thread_count;
		row.ended_minor_faults = s.ended_minor_faults, row.ended_major_faults = s.ended_major_faults, row.ended_exec_ns = s.ended_exec_ns;
		row.cred = s.cred;
		ka_out_row(ps->c->out, &ps_rows_status, &row);
	}
}
