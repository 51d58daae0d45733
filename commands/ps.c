/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ps: process status: the table. Which tasks: ps_choose.c; other shapes: ps_family.c, ps_times.c and ps_user.c. */
#include <kanalyze/filter.h>
#include <kanalyze/system.h>
#include "ps.h"

struct ps_row {
	const char *mark, *name;	/* ">" of an active task; "[kthreadd]" */
	int32_t pid, ppid;
	bool has_ppid, has_kstackp, has_mem_percent, is_active, is_kernel_thread;
	uint32_t cpu;
	ka_addr task, kstackp;
	const char *kstackp_text;
	const char *state, *state_long;
	double mem_percent;
	uint64_t vsz_kb, rss_kb;
	const char *policy;
	int32_t prio;
	char comm[16];
};
#define PS_COLS												\
	KA_COLF(ps_row, mark, KA_TEXT, KA_ONLY_TEXT, NULL),						\
	KA_COL(ps_row, pid, KA_INT, "process id (of threads: thread id)"),				\
	KA_COL_IF(ps_row, ppid, KA_INT, has_ppid, "process id of the parent"),				\
	KA_COL(ps_row, cpu, KA_UINT, "CPU it runs on or ran on last"),					\
	KA_COL(ps_row, task, KA_ADDR, "address of the task_struct"),					\
	KA_COL_IF(ps_row, kstackp, KA_ADDR, has_kstackp, "kernel stack pointer of a task that sleeps"),	\
	KA_COLF(ps_row, kstackp_text, KA_TEXT, KA_ONLY_TEXT, NULL),					\
	KA_COL(ps_row, state, KA_TEXT, "RU IN UN ZO ST TR DE SW WA PA ID NE"),				\
	KA_COLF(ps_row, state_long, KA_TEXT, KA_ONLY_JSON, "the kernel's words: TASK_INTERRUPTIBLE ...")
#define PS_MEM_COLS											\
	KA_COL_IF(ps_row, mem_percent, KA_FLOAT, has_mem_percent, "RSS in percent of physical memory"),	\
	KA_COL(ps_row, vsz_kb, KA_UINT, "virtual size, KB"),						\
	KA_COL(ps_row, rss_kb, KA_UINT, "resident set size, KB")
#define PS_NAME_COLS											\
	KA_COL(ps_row, comm, KA_CHARS, "command name"),							\
	KA_COLF(ps_row, name, KA_TEXT, KA_ONLY_TEXT, NULL),						\
	KA_COLF(ps_row, is_active, KA_BOOL, KA_ONLY_JSON, "is it on a CPU"),				\
	KA_COLF(ps_row, is_kernel_thread, KA_BOOL, KA_ONLY_JSON, "is it a thread of the kernel")

#define PS_LINE_START "{mark:1} {pid:7} {ppid:7} {cpu:3}  "
#define PS_LINE_END "  {state}  {mem_percent:4.1} {vsz_kb:8} {rss_kb:8}  {name}"
#define PS_HEADING "      PID    PPID  CPU       TASK        ST  %MEM      VSZ      RSS  COMM"
#define PS_HEADING_SP "      PID    PPID  CPU      KSTACKP      ST  %MEM      VSZ      RSS  COMM"
#define PS_HEADING_POLICY "      PID    PPID  CPU       TASK        POLICY       PRIO  COMM"
#define PS_HEADING_POLICY_SP "      PID    PPID  CPU      KSTACKP      POLICY       PRIO  COMM"
KA_ROWS(ps_row, "tasks", PS_HEADING, PS_LINE_START "{task:016}" PS_LINE_END, PS_COLS, PS_MEM_COLS, PS_NAME_COLS);
static const struct ka_rows ka_rows_ps_row_sp = { "tasks", KA_SHAPE_TABLE, PS_HEADING_SP,
	PS_LINE_START "{kstackp_text:16}" PS_LINE_END, ka_cols_ps_row, KA_COUNT(ka_cols_ps_row) };
static const struct ka_rows ka_rows_ps_bare = { "tasks", KA_SHAPE_TABLE, NULL,
	PS_LINE_START "{task:016}" PS_LINE_END, ka_cols_ps_row, KA_COUNT(ka_cols_ps_row) };
static const struct ka_rows ka_rows_ps_bare_sp = { "tasks", KA_SHAPE_TABLE, NULL,
	PS_LINE_START "{kstackp_text:16}" PS_LINE_END, ka_cols_ps_row, KA_COUNT(ka_cols_ps_row) };

static const struct ka_col ka_cols_ps_policy[] = { PS_COLS,
	KA_COL(ps_row, policy, KA_TEXT, "NORMAL, FIFO, RR, BATCH, ISO, IDLE, DEADLINE, EXT"),
	KA_COL(ps_row, prio, KA_INT, "priority as the scheduler counts: 0 is the highest, 120 nice 0"),
	PS_NAME_COLS };
#define PS_POLICY_END "  {policy:12} {prio:4}  {name}"
static const struct ka_rows ka_rows_ps_policy = { "tasks", KA_SHAPE_TABLE, PS_HEADING_POLICY,
	PS_LINE_START "{task:016}" PS_POLICY_END, ka_cols_ps_policy, KA_COUNT(ka_cols_ps_policy) };
static const struct ka_rows ka_rows_ps_policy_sp = { "tasks", KA_SHAPE_TABLE, PS_HEADING_POLICY_SP,
	PS_LINE_START "{kstackp_text:16}" PS_POLICY_END, ka_cols_ps_policy, KA_COUNT(ka_cols_ps_policy) };
static const struct ka_rows ka_rows_ps_policy_bare = { "tasks", KA_SHAPE_TABLE, NULL,
	PS_LINE_START "{task:016}" PS_POLICY_END, ka_cols_ps_policy, KA_COUNT(ka_cols_ps_policy) };
static const struct ka_rows ka_rows_ps_policy_bare_sp = { "tasks", KA_SHAPE_TABLE, NULL,
	PS_LINE_START "{kstackp_text:16}" PS_POLICY_END, ka_cols_ps_policy, KA_COUNT(ka_cols_ps_policy) };

struct ps_state_row {
	const char *state;
	uint64_t count;
};
KA_LINES(ps_state_row, "states", "  {state}: {count}",
	 KA_COL(ps_state_row, state, KA_TEXT, "RU IN UN ..."),
	 KA_COL(ps_state_row, count, KA_UINT, "tasks in this state"));

/* The options that each choose a shape of their own. */
static const char *const shapes[] = { "a", "t", "c", "p", "g", "l", "m", "S", "r", "A", "Y", "tree", "ns", "status" };

/* Threads share their mm: each is read once. */
struct mm_cache {
	struct ka_map by_addr;
	struct { KA_VEC(struct ka_mm); } mms;
};

static struct ka_error *mm_of(struct ka_kernel *k, struct mm_cache *cache, const struct ka_task *t, struct ka_mm *ret)
{
	struct ka_error *err;
	uint64_t i;

	if (ka_map_get(&cache->by_addr, t->mm, &i)) {
		*ret = cache->mms.at[i];
		return NULL;
	}
	err = ka_mm_read(k, t->mm, ret);
	ka_map_add(&cache->by_addr, t->mm, cache->mms.n);
	ka_vec_push(&cache->mms, *ret);	/* zeros after an error, which is told once */
	return ka_error_wrap(err, "PID %d: cannot tell its size", t->pid);
}

static const struct ka_rows *table_rows(struct ka_call *c)
{
	static const struct ka_rows *const rows[2][2][2] = {	/* [-Y][-H][-s] */
		{ { &ka_rows_ps_row, &ka_rows_ps_row_sp }, { &ka_rows_ps_bare, &ka_rows_ps_bare_sp } },
		{ { &ka_rows_ps_policy, &ka_rows_ps_policy_sp }, { &ka_rows_ps_policy_bare, &ka_rows_ps_policy_bare_sp } },
	};

	return rows[ka_call_has(c, "Y")][ka_call_has(c, "H")][ka_call_has(c, "s")];
}

static void row_fill(const struct ps *ps, const struct ka_task *t, const struct ka_mm *mm, uint64_t memory_bytes,
		     struct ps_row *row)
{
	const char *offline = ka_call_setting(ps->c, "offline");
	uint64_t page_size = ka_page_size(ps->k);
	struct ka_arena *a = ps->c->arena;
	bool is_hidden;

	*row = (struct ps_row){ .pid = t->pid, .cpu = t->cpu, .task = t->addr, .prio = t->prio };
	memcpy(row->comm, t->comm, sizeof(row->comm));
	row->is_active = ka_task_is_active(ps->k, t->addr, NULL);
	is_hidden = offline && !strcmp(offline, "hide") && !ka_cpu_is_online(ps->k, t->cpu);
	row->mark = !row->is_active ? " " : is_hidden ? "-" : ">";
	row->has_ppid = ps_parent_pid(ps, t, &row->ppid);
	row->has_kstackp = !row->is_active && t->thread_sp;
	row->kstackp = row->has_kstackp ? t->thread_sp : 0;
	row->kstackp_text = row->has_kstackp ? ka_printf(a, "%016llx", (unsigned long long)t->thread_sp) : "       --";
	row->state = ka_task_state_name(ps->k, t);
	row->state_long = ka_task_state_long(ps->k, t, a);
	row->vsz_kb = mm->total_vm_pages * page_size / 1024;
	row->rss_kb = mm->rss_pages * page_size / 1024;
	row->has_mem_percent = memory_bytes != 0;
	row->mem_percent = memory_bytes ? 100.0 * mm->rss_pages * page_size / memory_bytes : 0;
	row->policy = ps_policy_name(t);
	row->is_kernel_thread = ka_task_is_kthread(ps->k, t);
	row->name = ka_printf(a, row->is_kernel_thread ? "[%.16s]" : "%.16s", t->comm);
}

static void table(const struct ps *ps)
{
	const struct ka_rows *rows = table_rows(ps->c);
	struct mm_cache cache = {0};
	uint64_t memory_bytes = 0;

	ka_call_fault(ps->c, ka_error_wrap(ka_memory_total(ps->k, &memory_bytes), "cannot tell %%MEM"));
	for (size_t i = 0; i < ps->chosen_count && !ka_interrupted(); i++) {
		const struct ka_task *t = ps->chosen[i];
		struct ka_mm mm = {0};
		struct ps_row row;

		if (t->mm)
			ka_call_fault(ps->c, mm_of(ps->k, &cache, t, &mm));
		row_fill(ps, t, &mm, memory_bytes, &row);
		ka_out_row(ps->c->out, rows, &row);
	}
	if (!ps->chosen_count && rows->heading)
		ka_out_note(ps->c->out, "%s", rows->heading);
	ka_map_free(&cache.by_addr);
	ka_vec_free(&cache.mms);
}

static void summary(const struct ps *ps)
{
	struct { struct ps_state_row at[32]; size_t n; } s = { .n = 0 };

	for (size_t i = 0; i < ps->chosen_count; i++) {
		const char *name = ka_task_state_name(ps->k, ps->chosen[i]);
		size_t at = 0;

		while (at < s.n && strcmp(s.at[at].state, name))
			at++;
		if (at == KA_COUNT(s.at))
			continue;
		if (at == s.n)
			s.at[s.n++] = (struct ps_state_row){ .state = name };
		s.at[at].count++;
	}
	for (size_t i = 0; i < s.n; i++)
		ka_out_row(ps->c->out, &ka_rows_ps_state_row, &s.at[i]);
}

static struct ka_error *check_options(struct ka_call *c)
{
	size_t count = 0;

	if (ka_call_has(c, "u") && ka_call_has(c, "k"))
		return ka_call_usage(c, "-u and -k are mutually exclusive");
	for (size_t i = 0; i < KA_COUNT(shapes); i++)
		count += ka_call_has(c, shapes[i]);
	if (count > 1)
		return ka_call_usage(c, "-a, -t, -c, -p, -g, -l, -m, -S, -r, -A, -Y, --tree, --ns and --status flags are all mutually-exclusive");
	if (ka_call_has(c, "S") && c->argc)
		return ka_call_usage(c, "-S option takes no arguments");
	if (ka_call_has(c, "C") && !ka_call_has(c, "l") && !ka_call_has(c, "m"))
		return ka_call_usage(c, "-C option is only applicable with -l and -m");
	if (ka_call_has(c, "C") && c->argc)
		return ka_call_usage(c, "-C option is not applicable with specified tasks");
	return NULL;
}

static struct ka_error *shape(struct ps *ps)
{
	struct ka_call *c = ps->c;
	struct ka_error *err = NULL;

	if (ka_call_has(c, "p"))
		ps_lineage(ps);
	else if (ka_call_has(c, "c"))
		ps_children(ps);
	else if (ka_call_has(c, "g"))
		ps_threads(ps);
	else if (ka_call_has(c, "tree"))
		ps_tree(ps);
	else if (ka_call_has(c, "ns"))
		ps_namespaces(ps);
	else if (ka_call_has(c, "status"))
		ps_status(ps);
	else if (ka_call_has(c, "t"))
		err = ps_times(ps);
	else if (ka_call_has(c, "l") || ka_call_has(c, "m"))
		err = ps_last_run(ps, ka_call_has(c, "m"));
	else if (ka_call_has(c, "a"))
		ps_arguments(ps);
	else if (ka_call_has(c, "r"))
		err = ps_limits(ps);
	else if (ka_call_has(c, "S"))
		summary(ps);
	else
		table(ps);
	if (!err && ka_interrupted())
		err = ka_error_new(KA_INTERRUPTED, "interrupted");
	return err;
}

static struct ka_error *run(struct ka_call *c)
{
	struct ps ps = { .c = c, .k = c->k };
	const char *cpus = ka_call_value(c, "C");
	struct ka_error *err = check_options(c);

	if (err)
		return err;
	if (cpus) {
		ps.cpus = ka_alloc(c->arena, ka_cpu_count(c->k) * sizeof(*ps.cpus));
		err = ka_parse_cpus(cpus, ps.cpus, ka_cpu_count(c->k));
		if (err)
			return err;
	}
	ps_read_tasks(&ps);
	err = ps_choose(&ps);
	if (!err)
		err = shape(&ps);
	ka_map_free(&ps.by_addr);
	return err;
}

static const struct ka_option options[] = {
	{ "k", NULL, "only kernel threads", false },
	{ "u", NULL, "only user tasks", false },
	{ "G", NULL, "only the leader of each thread group", false },
	{ "I", NULL, "leave out the idle tasks", false },
	{ "y", "POLICY", "only tasks of these scheduling policies: names or numbers, separated by commas", false },
	{ "s", NULL, "the kernel stack pointer in place of the task's address", false },
	{ "p", NULL, "the line of parents of each task, from the first down", false },
	{ "c", NULL, "the children of each task", false },
	{ "t", NULL, "run time, start time, and time in user mode and in the kernel", false },
	{ "l", NULL, "when each came to a CPU last, as the run queue's clock counts; the latest first", false },
	{ "m", NULL, "as -l, but how long ago: days, hours, minutes, seconds, milliseconds", false },
	{ "C", "CPUS", "with -l or -m: a block for each of these CPUs (1,3-5, a or all)", false },
	{ "a", NULL, "arguments and environment of user tasks", false },
	{ "g", NULL, "the threads of each group", false },
	{ "r", NULL, "resource limits", false },
	{ "tree", NULL, "processes as a tree: each below its parent; all, or what hangs below those given", true },
	{ "ns", NULL, "namespaces: their inode numbers, as /proc/PID/ns has them", true },
	{ "status", NULL, "users, groups, capabilities, session, terminal, counts: as /proc/PID/status", true },
	{ "S", NULL, "how many tasks are in which state", false },
	{ "A", NULL, "only the task that is active on each CPU", false },
	{ "H", NULL, "no heading", false },
	KA_OPTION_WHERE("tasks"),
	{ "Y", NULL, "scheduling policy and priority in place of state and memory", false },
	{ NULL, NULL, NULL, false },
};

static const struct ka_rows *const rows[] = {
	&ka_rows_ps_row, &ka_rows_ps_row_sp, &ka_rows_ps_bare, &ka_rows_ps_bare_sp, &ka_rows_ps_policy, &ka_rows_ps_policy_sp,
	&ka_rows_ps_policy_bare, &ka_rows_ps_policy_bare_sp, &ka_rows_ps_state_row, &ps_rows_kin, &ps_rows_ancestor,
	&ps_rows_child, &ps_rows_thread, &ps_rows_tree, &ps_rows_ns, &ps_rows_status, &ps_rows_times, &ps_rows_run, &ps_rows_cpu, &ps_rows_args, &ps_rows_limits,
	&ps_rows_limit, NULL };

const struct ka_command ka_command_ps = {
	.name = "ps",
	.args = "[-k|-u|-G|-I|-y POLICY] [-s] [-p|-c|-t|-[l|m][-C CPUS]|-a|-g|-r|-S|-A|-Y|--tree|--ns|--status] [-H]"
		" [PID | TASK | COMMAND | 'REGEX']...",
	.brief = "process status",
	.help =
	"Shows all tasks, or those that are named: by process id (decimal), by the address of a\n"
	"task_struct (hex), by command name, or by an extended regular expression in single quotes\n"
	"that a command name matches. A command name that looks like a number is written with a\n"
	"backslash before it: \\1234. Tasks come in the order of their process ids.\n"
	"\n"
	"  PID    process id, of threads the thread id\n"
	"  PPID   process id of the parent\n"
	"  CPU    the CPU it runs on, or ran on last\n"
	"  TASK   address of its task_struct; with -s KSTACKP, its kernel stack pointer (-- while it runs)\n"
	"  ST     RU running  IN sleeping  UN uninterruptible  ID uninterruptible, but idle\n"
	"         ST stopped  TR traced  ZO zombie  DE dead  PA parked  NE new  WA waking  SW swapping\n"
	"  %MEM   RSS in percent of physical memory\n"
	"  VSZ    virtual size, RSS resident size, both in kilobytes\n"
	"  COMM   command name, in brackets that of a kernel thread\n"
	"\n"
	"A '>' marks the task that was on its CPU when the machine died ('-' when that CPU is offline\n"
	"and offline CPUs are hidden: set offline hide). Policies for -y: NORMAL or 0, FIFO or 1,\n"
	"RR or 2, BATCH or 3, ISO or 4, IDLE or 5, DEADLINE or 6, EXT or 7.\n"
	"\n"
	"Tasks are looked up both on the task list and in the pid structures of the kernel. When one\n"
	"of them is broken or lacks a task that the other has, that is told, and all tasks of both\n"
	"are shown.\n"
	"\n"
	"-a reads the memory of processes, which makedumpfile leaves out at dump level 8 and above\n"
	"(-d 31).\n"
	"\n"
	"Examples:\n"
	"  ps -u                     all user tasks\n"
	"  ps -p 4249                parents of process 4249\n"
	"  ps -m -C 0                what ran last on CPU 0, and how long ago\n"
	"  ps 'kworker.*' | wc -l    how many kworkers there are\n"
	"  ps -y FIFO,RR             all tasks of a real-time policy\n",
	.options = options,
	.needs = KA_NEED_TYPES | KA_NEED_TASKS | KA_TAKES_TASKS,
	.rows = rows,
	.run = run,
};
