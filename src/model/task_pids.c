/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Tasks through the pid structures: the IDR of init_pid_ns (95846ecf9dac, v4.15), before that the hash table of all
 * namespaces' numbers (v2.6.24), and before that the hash table of struct pid (v2.6.19). Each struct pid heads a list
 * of the tasks that have it as their own pid.
 */
#include <inttypes.h>
#include <kanalyze/symbol.h>
#include <kanalyze/type.h>
#include <kanalyze/view.h>
#include "task_table.h"

#define PIDHASH_SHIFT_MAX 24	/* the kernel's own bound is 12 */

struct pid_view {
	ka_addr first_task;	/* a link in the task, see task_link_offset() */
};
KA_VIEW(pid_view, ("pid"),
	KA_FROM(pid_view, first_task, "tasks[PIDTYPE_PID].first", "tasks[0].first"));

struct pid_ns_view {
	ka_addr pids_at;
};
KA_VIEW(pid_ns_view, ("pid_namespace"), KA_AT(pid_ns_view, pids_at, "idr.idr_rt"));

struct upid_view {
	ka_addr ns, next;
};
KA_VIEW(upid_view, ("upid"),
	KA_FROM(upid_view, ns, "ns"),
	KA_FROM(upid_view, next, "pid_chain.next"));

/* struct pid leads to a link inside the task: pids[] until 2c4704756cab (v4.19), pid_links[] since. */
static struct ka_error *task_link_offset(struct ka_kernel *k, uint64_t *ret)
{
	static const char *const paths[] = { "pid_links[PIDTYPE_PID]", "pid_links[0]", "pids[PIDTYPE_PID].node",
					     "pids[0].node" };

	for (size_t i = 0; i < KA_COUNT(paths); i++)
		if (!ka_error_drop(ka_type_offset(k, "task_struct", paths[i], ret)))
			return NULL;
	return ka_error_new(KA_MISSING, "task_struct has neither pid_links nor pids");
}

/* The first fault of many is told; how many there were too. */
struct faults {
	struct ka_error *first;
	size_t count;
};

static void fault_add(struct faults *f, struct ka_error *err)
{
	if (!err)
		return;
	f->count++;
	if (f->first)
		ka_error_free(err);
	else
		f->first = err;
}

static struct ka_error *faults_end(struct faults *f)
{
	return f->count > 1 ? ka_error_wrap(f->first, "%zu faults, the first is", f->count) : f->first;
}

/* A struct pid without a task of its own is sound: it is still somebody's process group, session or open pidfd. */
static struct ka_error *pid_add(struct ka_kernel *k, struct ka_task_table *t, ka_addr pid, uint64_t link)
{
	struct pid_view v;
	struct ka_error *err = ka_view_read(k, &ka_view_pid_view, pid, &v);

	if (err || !v.first_task)
		return err;
	if (!ka_is_kernel_addr(k, v.first_task))
		return ka_error_at(KA_CORRUPT, KA_SPACE_VIRT, pid, "struct pid at 0x%" PRIx64 " has its task at 0x%" PRIx64,
				   pid, v.first_task);
	err = ka_task_table_add(k, t, v.first_task - link, KA_TASK_BY_PIDS);
	return ka_error_wrap(err, "struct pid at 0x%" PRIx64, pid);
}

static struct ka_error *gather_idr(struct ka_kernel *k, struct ka_task_table *t, ka_addr ns, uint64_t link)
{
	struct faults faults = {0};
	struct ka_walk w = ka_walk_xarray(k, ns + KA_OFFSET(k, pid_ns_view, pids_at));
	struct ka_error *err;

	w.limit = KA_PID_MAX;
	for (ka_addr pid; ka_walk_next(&w, &pid); )
		fault_add(&faults, pid_add(k, t, pid, link));
	err = ka_walk_end(&w);
	if (err) {	/* what ended the walk matters more than a task that could not be read */
		ka_error_free(faults.first);
		return ka_error_wrap(err, "IDR of init_pid_ns");
	}
	return faults_end(&faults);
}

/* What the chains of pid_hash link: offset of the link in it, and of it in struct pid. */
struct chain {
	uint64_t link, in_pid;
	bool is_upid;
};

static struct ka_error *chain_kind(struct ka_kernel *k, struct chain *ret)
{
	*ret = (struct chain){0};
	if (ka_type_has(k, "upid", "pid_chain")) {
		struct ka_error *err = ka_type_offset(k, "upid", "pid_chain", &ret->link);

		ret->is_upid = true;
		/* of init_pid_ns, level 0: always the first of a pid's numbers */
		return err ? err : ka_type_offset(k, "pid", "numbers", &ret->in_pid);
	}
	return ka_type_offset(k, "pid", "pid_chain", &ret->link);
}

static struct ka_error *chain_walk(struct ka_kernel *k, struct ka_task_table *t, ka_addr head, const struct chain *c,
				   ka_addr ns, uint64_t link, struct faults *faults)
{
	struct ka_walk w = ka_walk_hlist(k, head, c->link);

	w.limit = KA_PID_MAX;
	for (ka_addr at; ka_walk_next(&w, &at); ) {
		struct upid_view upid;
		struct ka_error *err = c->is_upid ? ka_view_read(k, &ka_view_upid_view, at, &upid) : NULL;

		if (!err && (!c->is_upid || upid.ns == ns))
			err = pid_add(k, t, at - c->in_pid, link);
		fault_add(faults, err);
	}
	return ka_walk_end(&w);
}

static struct ka_error *gather_hash(struct ka_kernel *k, struct ka_task_table *t, ka_addr ns, uint64_t link)
{
	unsigned size = ka_long_size(k);
	struct faults faults = {0};
	struct chain chain;
	uint64_t table, shift;
	struct ka_error *err = chain_kind(k, &chain);

	if (!err)
		err = ka_symbol_ulong(k, "pid_hash", &table);
	if (!err)
		err = ka_symbol_value(k, "pidhash_shift", &shift);
	if (err)
		return ka_error_wrap(err, "pid_hash");
	if (shift > PIDHASH_SHIFT_MAX || !ka_is_kernel_addr(k, table))
		return ka_error_at(KA_CORRUPT, KA_SPACE_VIRT, table,
				   "pid_hash is at 0x%" PRIx64 " and has 2^%" PRIu64 " chains", table, shift);
	for (uint64_t i = 0; i < 1ull << shift; i++) {
		uint64_t first;
		ka_addr head = table + i * size;

		err = ka_read_ulong(k, head, &first);
		if (!err && first)	/* a broken chain costs that chain */
			err = chain_walk(k, t, head, &chain, ns, link, &faults);
		if (ka_error_catch(&err, KA_INTERRUPTED)) {
			ka_error_free(faults.first);
			return ka_error_new(KA_INTERRUPTED, "interrupted");
		}
		fault_add(&faults, ka_error_wrap(err, "chain %" PRIu64 " of pid_hash", i));
	}
	return faults_end(&faults);
}

struct ka_error *ka_task_table_gather_pids(struct ka_kernel *k, struct ka_task_table *t)
{
	struct ka_symbol ns = {0}, hash;
	uint64_t link;
	bool has_ns = ka_symbol_lookup(k, "init_pid_ns", &ns);
	struct ka_error *err = task_link_offset(k, &link);

	if (err)
		return err;
	if (has_ns && ka_type_has(k, "pid_namespace", "idr.idr_rt"))
		return gather_idr(k, t, ns.addr, link);
	if (ka_symbol_lookup(k, "pid_hash", &hash) && ka_symbol_lookup(k, "pidhash_shift", &hash))
		return gather_hash(k, t, ns.addr, link);
	return ka_error_new(KA_MISSING, "this kernel has neither pid_namespace.idr nor pid_hash");
}
