/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ps --tree: processes as a tree. */
#include <kanalyze/forest.h>
#include "ps.h"

struct ps_tree_row {
	int32_t pid, ppid;
	ka_addr task;
	uint32_t cpu, depth, threads;
	const char *state, *branch, *name, *more;
	char comm[16];
	bool has_ppid, is_active, is_kernel_thread;
};
static const struct ka_col cols[] = {
	KA_COL(ps_tree_row, pid, KA_INT, "process id"),
	{ "ppid", offsetof(struct ps_tree_row, ppid), 4, KA_INT, KA_ONLY_JSON, offsetof(struct ps_tree_row, has_ppid), NULL,
	  "process id of the parent" },
	KA_COL(ps_tree_row, cpu, KA_UINT, "CPU it runs on or ran on last"),
	KA_COL(ps_tree_row, task, KA_ADDR, "address of the task_struct"),
	KA_COL(ps_tree_row, state, KA_TEXT, "RU IN UN ZO ST TR DE SW WA PA ID NE"),
	KA_COLF(ps_tree_row, branch, KA_TEXT, KA_ONLY_TEXT, NULL),
	KA_COLF(ps_tree_row, name, KA_TEXT, KA_ONLY_TEXT, NULL),
	KA_COLF(ps_tree_row, more, KA_TEXT, KA_ONLY_TEXT, NULL),
	KA_COLF(ps_tree_row, comm, KA_CHARS, KA_ONLY_JSON, "command name"),
	KA_COLF(ps_tree_row, depth, KA_UINT, KA_ONLY_JSON, "how many forefathers it has in this tree: it hangs below the row before it of one less"),
	KA_COLF(ps_tree_row, threads, KA_UINT, KA_ONLY_JSON, "threads of the process, the leader among them"),
	KA_COL(ps_tree_row, is_active, KA_BOOL, "is it on a CPU"),
	KA_COLF(ps_tree_row, is_kernel_thread, KA_BOOL, KA_ONLY_JSON, "is it a thread of the kernel") };
const struct ka_rows ps_rows_tree = { "tasks", KA_SHAPE_TABLE, "      PID  CPU       TASK        ST  COMM",
	"{is_active?>: } {pid:7} {cpu:3}  {task:016}  {state}  {branch}{name}{more}", cols, KA_COUNT(cols) };

struct tree {
	const struct ps *ps;
	uint32_t *threads;		/* of the process that the task leads */
};

static void show(void *ctx, size_t i, unsigned depth, const bool *is_last)
{
	const struct tree *t = ctx;
	const struct ka_task *task = &t->ps->tasks[i];
	struct ka_call *c = t->ps->c;
	struct ps_tree_row row = { .pid = task->pid, .task = task->addr, .cpu = task->cpu, .depth = depth, .threads = t->threads[i] };

	if (task->pid != task->tgid)	/* a thread: its process stands for it */
		return;
	memcpy(row.comm, task->comm, sizeof(row.comm));
	row.has_ppid = ps_parent_pid(t->ps, task, &row.ppid);
	row.state = ka_task_state_name(c->k, task);
	row.is_active = ka_task_is_active(c->k, task->addr, NULL);
	row.is_kernel_thread = ka_task_is_kthread(c->k, task);
	row.branch = ka_out_branch(c->out, c->arena, is_last, depth);
	row.name = ka_printf(c->arena, row.is_kernel_thread ? "[%.16s]" : "%.16s", task->comm);
	row.more = row.threads > 1 && task->pid ? ka_printf(c->arena, "  (%u threads)", row.threads) : "";
	ka_out_row(c->out, &ps_rows_tree, &row);
}

/* The process that begot the task's process. */
static size_t parent_of(const struct ps *ps, const struct ka_task *t)
{
	const struct ka_task *parent = ps_task_at(ps, ps_parent(t));

	if (t->pid != t->tgid || !parent || parent == t)
		return KA_NO_PARENT;
	return (size_t)(ps_leader(ps, parent) - ps->tasks);
}

void ps_tree(const struct ps *ps)
{
	struct tree t = { .ps = ps, .threads = ka_alloc(ps->c->arena, (ps->count + 1) * sizeof(*t.threads)) };
	size_t *parent = ka_alloc(ps->c->arena, (ps->count + 1) * sizeof(*parent));
	bool *roots = ka_alloc(ps->c->arena, ps->count + 1);
	struct ka_forest f = { .count = ps->count, .parent = parent, .visit = show, .ctx = &t };

	for (size_t i = 0; i < ps->count; i++) {
		parent[i] = parent_of(ps, &ps->tasks[i]);
		t.threads[ps_leader(ps, &ps->tasks[i]) - ps->tasks]++;
	}
	for (size_t i = 0; i < ps->chosen_count; i++)
		roots[ps_leader(ps, ps->chosen[i]) - ps->tasks] = true;
	if (ps->has_args || ps->chosen_count < ps->count)
		f.roots = roots;
	ka_forest_walk(&f);
}
