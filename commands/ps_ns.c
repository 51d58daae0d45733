/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ps --ns: the namespaces of each task. */
#include <kanalyze/namespaces.h>
#include "ps.h"

struct ps_ns {
	PS_HEAD;
	uint32_t ino[KA_NS_KINDS];
	const struct ka_node *addresses;
};
#define NS_COL(kind, key) { key, offsetof(struct ps_ns, ino[kind]), 4, KA_UINT, KA_ZERO_IS_NONE, -1, NULL, \
	"inode number of its namespace of this kind, as in /proc/PID/ns; null: it has none (any more)" }
static const struct ka_col cols[] = {
	PS_HEAD_COLS(ps_ns),
	NS_COL(KA_NS_CGROUP, "cgroup"), NS_COL(KA_NS_IPC, "ipc"), NS_COL(KA_NS_MNT, "mnt"), NS_COL(KA_NS_NET, "net"),
	NS_COL(KA_NS_PID, "pid_ns"), NS_COL(KA_NS_TIME, "time"), NS_COL(KA_NS_USER, "user"), NS_COL(KA_NS_UTS, "uts"),
	KA_COLF(ps_ns, addresses, KA_VALUE, KA_ONLY_JSON, "addresses of their structs: {cgroup: \"0x...\", ...}"),
};
const struct ka_rows ps_rows_ns = { "tasks", KA_SHAPE_TABLE,
	"    PID     CGROUP        IPC        MNT        NET        PID       TIME       USER        UTS COMM",
	"{pid:7} {cgroup:10} {ipc:10} {mnt:10} {net:10} {pid_ns:10} {time:10} {user:10} {uts:10} {comm}", cols, KA_COUNT(cols) };

void ps_namespaces(const struct ps *ps)
{
	for (size_t i = 0; i < ps->chosen_count && !ka_interrupted(); i++) {
		const struct ka_task *t = ps->chosen[i];
		struct ps_ns row = { PS_HEAD_OF(t) };
		struct ka_node *all = ka_alloc(ps->c->arena, sizeof(*all) * (KA_NS_KINDS + 1)), *last = NULL;
		struct ka_namespaces n;

		memcpy(row.comm, t->comm, sizeof(row.comm));
		ka_call_fault(ps->c, ka_namespaces_read(ps->k, t, &n));
		all[0] = (struct ka_node){ .kind = KA_NODE_OBJECT };
		for (int kind = 0; kind < KA_NS_KINDS; kind++) {
			row.ino[kind] = n.ns[kind].ino;
			if (!n.ns[kind].addr)
				continue;
			all[kind + 1] = (struct ka_node){ .kind = KA_NODE_ADDR, .key = ka_ns_name(kind), .u = n.ns[kind].addr };
			if (last)
				last->next = &all[kind + 1];
			else
				all[0].first = &all[kind + 1];
			last = &all[kind + 1];
		}
		row.addresses = all;
		ka_out_row(ps->c->out, &ps_rows_ns, &row);
	}
}
