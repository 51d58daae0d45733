/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* cgroup: control groups as trees, with their tasks and memory; which of them a task is in. */
#include <kanalyze/cgroup.h>
#include <kanalyze/command.h>
#include <kanalyze/forest.h>
#include <kanalyze/task.h>

struct cgroup_hierarchy {
	int32_t id;
	ka_addr root;
	const char *controllers;
};
KA_LINES(cgroup_hierarchy, "hierarchies", "HIERARCHY {id}: {controllers}",
	KA_COL(cgroup_hierarchy, id, KA_INT, "number, as /proc/PID/cgroup has it; 0: the unified one"),
	KA_COLF(cgroup_hierarchy, root, KA_ADDR, KA_ONLY_JSON, "of the cgroup_root"),
	KA_COL(cgroup_hierarchy, controllers, KA_TEXT, "controllers and name of v1; of the unified one \"cgroup2\""));

struct cgroup_row {
	ka_addr cgroup;
	uint32_t tasks, depth;
	const char *memory, *branch, *name, *path;
	bool has_memory, has_limit, has_pids;
	bool has_high, has_swap_max, has_pids_max, has_min, has_low, has_peak, has_swap;
	uint64_t memory_bytes, memory_max_bytes, memory_min_bytes, memory_low_bytes, memory_high_bytes, memory_peak_bytes, swap_bytes, swap_max_bytes;
	uint64_t pids, pids_max;
};
KA_ROWS(cgroup_row, "cgroups", "     CGROUP       TASKS     MEMORY  NAME", "{cgroup:016} {tasks:6} {memory:>10}  {branch}{name}",
	KA_COL(cgroup_row, cgroup, KA_ADDR, "address of the cgroup"),
	KA_COL(cgroup_row, tasks, KA_UINT, "tasks (threads) in it, those below not counted"),
	KA_COLF(cgroup_row, memory, KA_TEXT, KA_ONLY_TEXT, NULL),
	KA_COL_IF(cgroup_row, memory_bytes, KA_UINT, has_memory, "memory charged to it and to those below; null: its memory controller is off"),
	KA_COL_IF(cgroup_row, memory_max_bytes, KA_UINT, has_limit, "limit of that; null: none"),
	KA_COL_IF(cgroup_row, memory_high_bytes, KA_UINT, has_high, "from where on it is slowed down; null: nowhere"),
	KA_COL_IF(cgroup_row, memory_low_bytes, KA_UINT, has_low, "what is taken from it last; null: all of it"),
	KA_COL_IF(cgroup_row, memory_min_bytes, KA_UINT, has_min, "what is never taken from it; null: all of it"),
	KA_COL_IF(cgroup_row, memory_peak_bytes, KA_UINT, has_peak, "the most it ever had"),
	KA_COL_IF(cgroup_row, swap_bytes, KA_UINT, has_swap, "swapped out of it (v1: with memory)"),
	KA_COL_IF(cgroup_row, swap_max_bytes, KA_UINT, has_swap_max, "limit of that; null: none"),
	KA_COL_IF(cgroup_row, pids_max, KA_UINT, has_pids_max, "limit of pids; null: none"),
	KA_COL_IF(cgroup_row, pids, KA_UINT, has_pids, "what the pids controller counts, those below too"),
	KA_COLF(cgroup_row, branch, KA_TEXT, KA_ONLY_TEXT, NULL),
	KA_COLF(cgroup_row, name, KA_TEXT, KA_ONLY_TEXT, NULL),
	KA_COLF(cgroup_row, path, KA_TEXT, KA_ONLY_JSON, "path in the hierarchy"),
	KA_COLF(cgroup_row, depth, KA_UINT, KA_ONLY_JSON, "how many lie above it in what is shown"));

struct cgroup_task {
	int32_t pid;
	ka_addr task;
	const char *branch;
	char comm[16];
};
KA_LINES(cgroup_task, "members", "{task:016}                    {branch}{pid} {comm}",
	KA_COL(cgroup_task, pid, KA_INT, "process id (of threads: thread id)"),
	KA_COL(cgroup_task, task, KA_ADDR, "address of the task_struct"),
	KA_COLF(cgroup_task, branch, KA_TEXT, KA_ONLY_TEXT, NULL),
	KA_COL(cgroup_task, comm, KA_CHARS, "command name"));

struct cgroup_of {
	int32_t id;
	const char *controllers, *path;
	ka_addr cgroup;
};
KA_LINES(cgroup_of, "cgroups", "{id}:{controllers}:{path}",
	KA_COL(cgroup_of, id, KA_INT, "number of the hierarchy; 0: the unified one"),
	KA_COL(cgroup_of, controllers, KA_TEXT, "its controllers and name; of the unified one \"\""),
	KA_COL(cgroup_of, path, KA_TEXT, "path in the hierarchy"),
	KA_COLF(cgroup_of, cgroup, KA_ADDR, KA_ONLY_JSON, "address of the cgroup"));

struct cgroup_who {
	int32_t pid;
	ka_addr task;
	uint32_t cpu;
	char comm[16];
};
KA_LINES(cgroup_who, "tasks", "PID: {pid:<7}  TASK: {task:016}  CPU: {cpu:<3}  COMMAND: \"{comm}\"",
	KA_COL(cgroup_who, pid, KA_INT, "process id (of threads: thread id)"),
	KA_COL(cgroup_who, task, KA_ADDR, "address of the task_struct"),
	KA_COL(cgroup_who, cpu, KA_UINT, "CPU it runs on or ran on last"),
	KA_COL(cgroup_who, comm, KA_CHARS, "command name"));

/* One hierarchy while it is shown. */
struct shown {
	struct ka_call *c;
	struct ka_cgroup *groups;
	size_t count;
	struct ka_map by_addr;		/* -> index in groups */
	struct { KA_VEC(struct ka_task); } tasks;
	size_t *first, *next;		/* tasks of a group: index + 1 of its first, of the one after; 0: none */
	uint32_t *task_count;
};

static const char *size_text(struct ka_arena *a, uint64_t bytes)
{
	return bytes < 10240 * 1024ull ? ka_printf(a, "%lluk", (unsigned long long)bytes / 1024) :
					 ka_printf(a, "%.1fM", (double)bytes / (1 << 20));
}

static void show(void *ctx, size_t i, unsigned depth, const bool *is_last)
{
	const struct shown *s = ctx;
	const struct ka_cgroup *g = &s->groups[i];
	struct ka_call *c = s->c;
	struct cgroup_row row = {
		.cgroup = g->addr, .tasks = s->task_count[i], .depth = depth, .path = g->path,
		.has_memory = g->has_memory, .memory_bytes = g->memory_bytes,
		.has_limit = g->has_memory && g->memory_max_bytes != UINT64_MAX, .memory_max_bytes = g->memory_max_bytes,
		.has_pids = g->has_pids, .pids = g->pids, .pids_max = g->pids_max, .has_pids_max = g->has_pids && g->pids_max != UINT64_MAX,
		.memory_high_bytes = g->memory_high_bytes, .has_high = g->has_memory && g->memory_high_bytes != UINT64_MAX,
		.memory_low_bytes = g->memory_low_bytes, .has_low = g->has_low && g->memory_low_bytes != UINT64_MAX,
		.memory_min_bytes = g->memory_min_bytes, .has_min = g->has_min && g->memory_min_bytes != UINT64_MAX,
		.memory_peak_bytes = g->memory_peak_bytes, .has_peak = g->has_peak, .has_swap = g->has_swap, .swap_bytes = g->swap_bytes,
		.swap_max_bytes = g->swap_max_bytes, .has_swap_max = g->has_memory && g->swap_max_bytes != UINT64_MAX,
		.memory = g->has_memory ? size_text(c->arena, g->memory_bytes) : "-",
		.branch = ka_out_branch(c->out, c->arena, is_last, depth),
	};

	row.name = !g->path ? "?" : depth || !g->name ? g->name : g->path;
	ka_out_begin(c->out, &ka_rows_cgroup_row, &row);
	if (ka_call_has(c, "t")) {
		bool lasts[KA_FOREST_DEPTH + 1];

		memcpy(lasts, is_last, depth * sizeof(*lasts));
		lasts[depth] = false;
		for (size_t t = s->first[i]; t && !ka_interrupted(); t = s->next[t - 1]) {
			const struct ka_task *task = &s->tasks.at[t - 1];
			struct cgroup_task member = { .pid = task->pid, .task = task->addr };

			member.branch = ka_out_branch(c->out, c->arena, lasts, depth + 1);
			memcpy(member.comm, task->comm, sizeof(member.comm));
			ka_out_row(c->out, &ka_rows_cgroup_task, &member);
		}
	}
	ka_out_end(c->out);
}

/* Which task is where. */
static void tasks_sort_in(struct shown *s, const struct ka_cgroup_root *root)
{
	struct ka_call *c = s->c;
	struct ka_walk w = ka_walk_tasks(c->k);
	ka_addr group;
	uint64_t i;

	for (ka_addr at; ka_walk_next(&w, &at); ) {
		struct ka_task t;

		if (!ka_error_drop(ka_task_read(c->k, at, &t)))
			ka_vec_push(&s->tasks, t);
	}
	ka_call_fault(c, ka_walk_end(&w));
	s->first = ka_alloc(c->arena, (s->count + 1) * sizeof(*s->first));
	s->task_count = ka_alloc(c->arena, (s->count + 1) * sizeof(*s->task_count));
	s->next = ka_alloc(c->arena, (s->tasks.n + 1) * sizeof(*s->next));
	for (size_t t = s->tasks.n; t-- > 0 && !ka_interrupted();) {
		/* idle tasks are on no list of a cgroup, and nobody counts them there; dead ones neither */
		if (!s->tasks.at[t].pid || ka_error_drop(ka_task_cgroup(c->k, s->tasks.at[t].addr, root, &group)) ||
		    !ka_map_get(&s->by_addr, group, &i))
			continue;
		s->next[t] = s->first[i];
		s->first[i] = t + 1;
		s->task_count[i]++;
	}
}

static bool is_asked_for(const struct ka_cgroup *g, const char *text)
{
	uint64_t at;

	if (text[0] == '/')
		return g->path && !strcmp(g->path, text);
	return ka_parse_number(text, false, &at) && at == g->addr;
}

static void hierarchy(struct ka_call *c, const struct ka_cgroup_root *root, bool *found)
{
	struct shown s = { .c = c };
	struct ka_forest f = { .visit = show, .ctx = &s };
	bool is_any = !c->argc;
	uint64_t at;

	ka_call_fault(c, ka_cgroups_read(c->k, root->cgroup, c->arena, &s.groups, &s.count));
	size_t *parent = ka_alloc(c->arena, (s.count + 1) * sizeof(*parent));
	bool *roots = ka_alloc(c->arena, s.count + 1);

	for (size_t i = 0; i < s.count; i++) {
		ka_map_add(&s.by_addr, s.groups[i].addr, i);
		parent[i] = ka_map_get(&s.by_addr, s.groups[i].parent, &at) && s.groups[i].parent ? at : KA_NO_PARENT;
		for (int a = 0; a < c->argc; a++)
			if (is_asked_for(&s.groups[i], c->argv[a]))
				is_any = roots[i] = found[a] = true;
	}
	if (is_any) {
		tasks_sort_in(&s, root);
		f.count = s.count;
		f.parent = parent;
		f.roots = c->argc ? roots : NULL;
		ka_out_new_table(c->out);
		if (ka_call_has(c, "a"))
			ka_out_begin(c->out, &ka_rows_cgroup_hierarchy, &(struct cgroup_hierarchy){
				.id = root->id, .root = root->addr, .controllers = root->id ? root->controllers : "cgroup2" });
		ka_forest_walk(&f);
		if (ka_call_has(c, "a")) {
			ka_out_end(c->out);
			ka_out_note(c->out, "\n");
		}
	}
	ka_vec_free(&s.tasks);
	ka_map_free(&s.by_addr);
}

/* -p: as /proc/PID/cgroup, the highest number first. */
static struct ka_error *of_task(struct ka_call *c, const char *who, const struct ka_cgroup_root *roots, size_t count)
{
	struct ka_task t;
	ka_addr at;
	struct ka_error *err = ka_parse_task(c->k, who, &at);

	if (!err)
		err = ka_task_read(c->k, at, &t);
	if (err)
		return err;
	struct cgroup_who head = { .pid = t.pid, .task = at, .cpu = t.cpu };

	memcpy(head.comm, t.comm, sizeof(head.comm));
	ka_out_begin(c->out, &ka_rows_cgroup_who, &head);
	for (size_t i = count; i-- > 0;) {
		struct cgroup_of row = { .id = roots[i].id, .controllers = roots[i].controllers };

		err = ka_task_cgroup(c->k, at, &roots[i], &row.cgroup);
		if (!err)
			err = ka_cgroup_path(c->k, row.cgroup, c->arena, &row.path);
		if (!err)
			ka_out_row(c->out, &ka_rows_cgroup_of, &row);
		ka_call_fault(c, err);
	}
	ka_out_end(c->out);
	return NULL;
}

static struct ka_error *run(struct ka_call *c)
{
	struct ka_cgroup_root *roots;
	bool *found = ka_alloc(c->arena, c->argc + 1);
	size_t count, shown = 0;
	struct ka_error *err = ka_cgroup_roots(c->k, c->arena, &roots, &count);

	if (err && !count)
		return err;
	ka_call_fault(c, err);
	if (ka_call_has(c, "p")) {
		if (!c->argc)
			return ka_call_usage(c, "-p needs a task");
		for (int i = 0; i < c->argc; i++)
			ka_call_fault(c, of_task(c, c->argv[i], roots, count));
		return NULL;
	}
	for (size_t i = 0; i < count && !ka_interrupted(); i++) {
		/* one of v1 is shown when it is asked for, or when there is no other */
		if (roots[i].id && !ka_call_has(c, "a") && !c->argc && shown)
			continue;
		hierarchy(c, &roots[i], found);
		shown++;
	}
	if (ka_interrupted())
		return ka_error_new(KA_INTERRUPTED, "interrupted");
	for (int i = 0; i < c->argc; i++)
		if (!found[i])
			ka_call_fault(c, ka_error_new(KA_NOT_FOUND, "there is no cgroup %s", c->argv[i]));
	return NULL;
}

static const struct ka_option options[] = {
	{ "a", NULL, "all hierarchies, those of cgroup v1 too", false },
	{ "t", NULL, "the tasks in each", false },
	{ "p", NULL, "the arguments are tasks: the cgroups that they are in, as /proc/PID/cgroup has them", false },
	{ NULL, NULL, NULL, false },
};

static const struct ka_rows *const rows[] = { &ka_rows_cgroup_row, &ka_rows_cgroup_task, &ka_rows_cgroup_hierarchy, &ka_rows_cgroup_who,
					      &ka_rows_cgroup_of, NULL };

const struct ka_command ka_command_cgroup = {
	.name = "cgroup",
	.args = "[-a] [-t] [PATH | CGROUP]... | -p PID | TASK...",
	.brief = "control groups",
	.help =
	"Shows the control groups of the unified hierarchy (cgroup v2) as a tree: the address of the cgroup, how many tasks\n"
	"are in it itself, and the memory that is charged to it and to those below (- where its memory controller is off).\n"
	"\n"
	"Arguments select subtrees: by their path, or by the address of a cgroup.\n"
	"\n"
	"Examples:\n"
	"  cgroup -t /system.slice   what runs below system.slice\n"
	"  cgroup -p 1               where process 1 is\n"
	"  cgroup -a                 cgroup v1 too\n",
	.options = options,
	.needs = KA_NEED_TYPES | KA_NEED_TASKS,
	.rows = rows,
	.run = run,
};
