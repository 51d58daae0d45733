/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* bt: kernel stacks. Which tasks, and how their stacks are shown. */
#include <inttypes.h>
#include "bt.h"
#include "bt_locals.h"
#include "fault_show.h"

#define BATCH 256	/* tasks unwound at a time, on all cores */

struct bt_stack {
	int32_t pid;
	ka_addr task;
	uint32_t cpu;
	const char *comm, *note;
	bool active;
};
BT_LINES(stack, "stacks", "PID: {pid:<7}  TASK: {task:016}  CPU: {cpu:<3}  COMMAND: \"{comm}\"",
	KA_COL(bt_stack, pid, KA_INT, "process id"),
	KA_COL(bt_stack, task, KA_ADDR, "address of the task_struct"),
	KA_COL(bt_stack, cpu, KA_UINT, "CPU it runs on, or ran on last"),
	KA_COL(bt_stack, comm, KA_TEXT, "name of the task"),
	KA_COL(bt_stack, active, KA_BOOL, "was it on a CPU?"),
	KA_COLF(bt_stack, note, KA_TEXT, KA_ONLY_JSON, "why there are no frames"));

static bool needs_frames(const struct bt *b)
{
	return b->how != BT_RAW && b->how != BT_SAVED && b->how != BT_USER;
}

/* st: NULL when how needs none. */
static void put_body(struct bt *b, ka_addr task, struct ka_stack *st)
{
	switch (b->how) {
	case BT_FRAMES:
		if (st->note)
			ka_out_note(b->c->out, "%s\n", st->note);
		b->fault = ka_fault_of_stack(b->c, task, st);
		bt_frames_put(b, st);
		break;
	case BT_RAW:
		bt_raw_put(b, task);
		break;
	case BT_SAVED:
		bt_search_put(b, task);
		break;
	case BT_TEXT: case BT_TEXT_ALL: case BT_OLD:
		if (st->note && !st->count)
			ka_out_note(b->c->out, "%s\n", st->note);
		bt_text_put(b, task, st);
		break;
	case BT_USER:
		bt_user_put(b, task);
		break;
	}
	if (st && st->user_regs)
		bt_saved_put(b, st->user_regs);
}

static bool is_wanted(struct bt *b, ka_addr task, const struct ka_stack *st)
{
	if (!b->ref || !st)
		return true;
	return b->how == BT_FRAMES ? bt_frames_refer(b, st) : bt_text_refers(b, task, st);
}

static struct ka_error *put_stack(struct bt *b, ka_addr at, struct ka_stack *st)
{
	struct ka_task t;
	unsigned cpu;
	struct ka_error *err = ka_task_read(b->k, at, &t);

	if (err || !is_wanted(b, at, st)) {
		if (st)
			ka_error_free(st->err);
		return err;
	}
	struct bt_stack row = { .pid = t.pid, .task = at, .cpu = t.cpu, .comm = ka_strndup(b->arena, t.comm, sizeof(t.comm)) };
	row.note = st ? st->note : NULL;
	row.active = ka_task_is_active(b->k, at, &cpu);
	if (row.active)
		row.cpu = cpu;
	ka_out_gap(b->c->out);
	b->is_first = false;
	ka_out_begin(b->c->out, &bt_rows_stack, &row);
	put_body(b, at, st);
	ka_out_end(b->c->out);
	if (st && st->err)
		ka_call_fault(b->c, ka_error_wrap(st->err, "PID %d (%s)", t.pid, row.comm));
	return NULL;
}

/* One task, from where the user says. */
static struct ka_error *put_task(struct bt *b, ka_addr task)
{
	struct ka_stack st;
	struct ka_error *err;

	if (!needs_frames(b))
		return put_stack(b, task, NULL);
	err = ka_unwind_task_from(b->k, task, &b->from, b->arena, &st);
	return err ? err : put_stack(b, task, &st);
}

struct tasks {
	KA_VEC(ka_addr);
};

/* Unwound a batch at a time on all cores, told in order. */
static void put_tasks(struct bt *b, const struct tasks *tasks)
{
	struct ka_stack *stacks = ka_alloc(b->c->arena, BATCH * sizeof(*stacks));
	struct ka_arena *arenas[BATCH];
	struct ka_error *errors[BATCH];

	if (tasks->n == 1 || b->from.has_ip || b->from.has_sp) {
		for (size_t i = 0; i < tasks->n; i++)
			ka_call_fault(b->c, put_task(b, tasks->at[i]));
		return;
	}
	for (size_t at = 0; at < tasks->n && !ka_interrupted(); at += BATCH) {
		size_t n = KA_MIN(tasks->n - at, (size_t)BATCH);

		if (needs_frames(b))
			ka_unwind_tasks(b->k, tasks->at + at, n, arenas, stacks, errors);
		for (size_t i = 0; i < n; i++) {
			bool is_unwound = needs_frames(b);

			b->arena = is_unwound ? arenas[i] : ka_arena_new();
			if (is_unwound && errors[i])
				ka_call_fault(b->c, errors[i]);
			else if (!ka_interrupted())
				ka_call_fault(b->c, put_stack(b, tasks->at[at + i], is_unwound ? &stacks[i] : NULL));
			else if (is_unwound)
				ka_error_free(stacks[i].err);
			ka_arena_free(b->arena);
		}
		b->arena = b->c->arena;
	}
}

static bool is_idle(struct ka_kernel *k, ka_addr task)
{
	for (unsigned cpu = 0; cpu < ka_cpu_count(k); cpu++)
		if (task == ka_cpu_idle_task(k, cpu))
			return true;
	return false;
}

static void add_tasks(struct bt *b, struct tasks *tasks, ka_addr task, bool is_group)
{
	struct ka_task leader, t;
	struct ka_error *err;
	struct ka_walk w;
	size_t first = tasks->n;

	if (ka_call_has(b->c, "n") && is_idle(b->k, task))
		return;
	if (!is_group) {
		ka_vec_push(tasks, task);
		return;
	}
	err = ka_task_read(b->k, task, &leader);
	if (err) {
		ka_call_fault(b->c, err);
		return;
	}
	w = ka_walk_threads(b->k, leader.tgid);
	for (ka_addr at; ka_walk_next(&w, &at);) {
		if (ka_error_drop(ka_task_read(b->k, at, &t)) || (!t.pid && at != task))
			continue;
		ka_vec_push(tasks, at);
		/* the leader first, whatever its number */
		if (t.pid == t.tgid && tasks->n - first > 1) {
			memmove(&tasks->at[first + 1], &tasks->at[first], (tasks->n - first - 1) * sizeof(*tasks->at));
			tasks->at[first] = at;
		}
	}
	ka_call_fault(b->c, ka_walk_end(&w));
}

/*
 * An offline CPU has something to show when panic() stopped it there: it then takes itself off line, whatever it ran. Others, which were
 * plugged out or never started, stand at most in code of their own with an idle task that has no frames.
 */
static bool is_worth(struct bt *b, unsigned cpu, ka_addr task)
{
	const char *offline = ka_call_setting(b->c, "offline");
	struct ka_stack st;
	bool has_frames;

	if (ka_cpu_is_online(b->k, cpu))
		return true;
	if (!task || (offline && !strcmp(offline, "hide")))
		return false;
	if (task != ka_cpu_idle_task(b->k, cpu))
		return true;
	if (ka_error_drop(ka_unwind_task(b->k, task, b->arena, &st)))
		return false;
	has_frames = st.count && ka_is_text(b->k, st.frames[0].ip);
	ka_error_free(st.err);
	return has_frames;
}

static struct ka_error *add_cpus(struct bt *b, const char *cpus, struct tasks *tasks)
{
	struct ka_call *c = b->c;
	unsigned count = ka_cpu_count(c->k);
	bool *wanted = ka_alloc(c->arena, count + 1);
	struct ka_error *err = ka_parse_cpus(cpus, wanted, count);

	if (err)
		return err;
	if (ka_call_has(c, "E")) {
		bt_search_cpus(b, wanted, count);
		return NULL;
	}
	for (unsigned cpu = 0; cpu < count && !ka_interrupted(); cpu++) {
		ka_addr task = ka_cpu_task(c->k, cpu);

		if (!wanted[cpu])
			continue;
		if (!is_worth(b, cpu, task)) {
			if (ka_call_has(c, "c"))
				ka_call_fault(c, ka_error_new(KA_NOT_FOUND, "CPU %u is offline%s", cpu, task ? ", and has no frames" : ""));
			continue;
		}
		if (!task) {
			ka_call_fault(c, ka_error_new(KA_MISSING, "the task of CPU %u cannot be told", cpu));
			continue;
		}
		add_tasks(b, tasks, task, false);
	}
	return NULL;
}

/* All tasks, but for those that the machine has none of. */
static void add_all(struct bt *b, struct tasks *tasks)
{
	struct ka_walk w = ka_walk_tasks(b->k);

	for (ka_addr at; ka_walk_next(&w, &at);)
		add_tasks(b, tasks, at, false);
	ka_call_fault(b->c, ka_walk_end(&w));
}

static struct ka_error *choose(struct bt *b, struct tasks *tasks)
{
	struct ka_call *c = b->c;
	bool is_group = ka_call_has(c, "g");
	ka_addr task;

	if (ka_call_has(c, "a") || ka_call_has(c, "c") || ka_call_has(c, "E"))
		return add_cpus(b, ka_call_has(c, "c") ? ka_call_value(c, "c") : "all", tasks);
	if (ka_call_has(c, "p")) {
		task = ka_panic_task(c->k);
		if (!task)
			return ka_error_new(KA_NOT_FOUND, "no task of this dump has panicked: try bt -a");
		add_tasks(b, tasks, task, is_group);
		return NULL;
	}
	if (!c->argc && ka_call_has(c, "group")) {
		add_all(b, tasks);
		return NULL;
	}
	if (!c->argc) {
		task = ka_call_task(c);
		if (!task)
			return ka_error_new(KA_NOT_FOUND, "there is no current task: set one with 'set PID'");
		add_tasks(b, tasks, task, is_group);
		return NULL;
	}
	for (int i = 0; i < c->argc && !ka_interrupted(); i++) {
		struct ka_error *err = ka_parse_task(c->k, c->argv[i], &task);

		if (!err) {
			add_tasks(b, tasks, task, is_group);
			continue;
		}
		/* what was named before it comes before its fault */
		if (!ka_call_has(c, "group")) {
			put_tasks(b, tasks);
			tasks->n = 0;
		}
		ka_call_fault(c, err);
	}
	return NULL;
}

static struct ka_error *parse_ways(struct bt *b)
{
	static const struct { const char *option; enum bt_how how; } ways[] = {
		{ "r", BT_RAW }, { "t", BT_TEXT }, { "T", BT_TEXT_ALL }, { "e", BT_SAVED }, { "o", BT_OLD }, { "u", BT_USER },
	};
	struct ka_call *c = b->c;
	const char *radix = ka_call_setting(c, "radix"), *method = ka_call_setting(c, "unwind"), *is_inline = ka_call_setting(c, "inline");
	unsigned count = 0;

	for (size_t i = 0; i < KA_COUNT(ways); i++) {
		if (!ka_call_has(c, ways[i].option))
			continue;
		b->how = ways[i].how;
		count++;
	}
	if (count > 1)
		return ka_call_usage(c, "-r, -t, -T, -e, -o and -u exclude each other");
	if (!count && method && !strcmp(method, "scan"))
		b->how = BT_OLD;
	for (size_t i = 0; i < c->option_count; i++) {
		const char *name = c->options[i].option->name;

		/* twice, or as one word: with the object's address */
		if (!strcmp(name, "F"))
			b->data = b->data == 2 ? 3 : KA_MAX(b->data, 2u);
		else if (!strcmp(name, "FF"))
			b->data = 3;
		else if (!strcmp(name, "f"))
			b->data = KA_MAX(b->data, 1u);
	}
	if (b->data && b->how != BT_FRAMES && b->how != BT_RAW && b->how != BT_USER)
		return ka_call_usage(c, "-f and -F show the words of frames (-r: of the whole stack), and go not with -t, -T, -e and -o");
	if (b->how == BT_USER && (b->data > 1 || ka_call_has(c, "V") || ka_call_has(c, "R") || ka_call_has(c, "I") || ka_call_has(c, "S") ||
				  ka_call_has(c, "group")))
		return ka_call_usage(c, "-u, the user-space stack, goes not with -F, -V, -R, -I, -S and --group");
	b->is_hex = ka_call_has(c, "x") || (!ka_call_has(c, "d") && radix && !strcmp(radix, "16"));
	b->has_lines = ka_call_has(c, "l");
	b->has_offsets = ka_call_has(c, "s");
	b->has_inline = ka_call_has(c, "i") || (is_inline && !strcmp(is_inline, "on"));
	b->has_by = ka_call_has(c, "by");
	return NULL;
}

static struct ka_error *parse_places(struct bt *b)
{
	const char *ip = ka_call_value(b->c, "I"), *sp = ka_call_value(b->c, "S");
	struct ka_error *err = NULL;

	b->ref = ka_call_value(b->c, "R");
	if (b->ref && !ka_parse_number(b->ref, false, &b->ref_addr))
		b->ref_addr = 0;
	if (ip) {
		err = ka_error_wrap(ka_parse_address(b->k, ip, &b->from.ip), "-I");
		b->from.has_ip = true;
	}
	if (!err && sp) {
		err = ka_error_wrap(ka_parse_address(b->k, sp, &b->from.sp), "-S");
		b->from.has_sp = true;
	}
	return err;
}

/* A name that nothing has is a mistake; one that was inlined everywhere is no symbol. */
static struct ka_error *check_ref(struct bt *b)
{
	struct ka_symbol s;

	if (!b->ref || !b->is_first || b->ref_addr || !ka_error_drop(ka_symbol_find(b->k, b->ref, &s)))
		return NULL;
	return ka_error_new(KA_NOT_FOUND, "-R: no stack refers to '%s', which is no symbol either", b->ref);
}

static struct ka_error *toggle(struct ka_call *c)
{
	const char *method = ka_call_setting(c, "unwind");
	bool is_old = method && !strcmp(method, "scan");
	struct ka_error *err = ka_call_set_setting(c, "unwind", is_old ? "rules" : "scan");

	if (!err)
		ka_out_note(c->out, "bt: use %s bt method by default\n", is_old ? "new" : "old");
	return err;
}

/*
 * What ended the machine is explained with the debuginfo of the module that did it, which is looked for then. Of many stacks, that must be
 * before the first of them, or those that come before would lack the lines that those behind have.
 */
static void find_debuginfo(struct bt *b)
{
	bool is_first_part = b->c->is_part && !b->c->is_later_part, is_many = !b->c->is_part && b->c->argc > 1;
	ka_addr task = (is_first_part || is_many) && b->how == BT_FRAMES ? ka_panic_task(b->k) : 0;
	struct ka_arena *a;
	struct ka_stack st;

	if (!task)
		return;
	a = ka_arena_new();
	if (!ka_error_drop(ka_unwind_task(b->k, task, a, &st))) {
		ka_fault_of_stack(b->c, task, &st);
		ka_error_free(st.err);
	}
	ka_arena_free(a);
}

static struct ka_error *bt_run(struct ka_call *c)
{
	struct bt b = { .c = c, .k = c->k, .is_first = true, .arena = c->arena };
	struct tasks tasks = { 0 };
	struct ka_error *err;

	if (ka_call_has(c, "A"))
		return ka_error_new(KA_UNSUPPORTED, "-A shows the vector registers of s390x, which this machine is not: try bt -a");
	if (ka_call_has(c, "O"))
		return toggle(c);
	if (ka_call_has(c, "n") && strcmp(ka_call_value(c, "n"), "idle"))
		return ka_call_usage(c, "-n takes the word idle");
	if (ka_call_has(c, "a") + ka_call_has(c, "c") + ka_call_has(c, "p") + (c->argc > 0) > 1)
		return ka_call_usage(c, "-a, -c, -p and tasks exclude each other");
	err = parse_ways(&b);
	if (!err)
		err = parse_places(&b);
	if (!err)
		find_debuginfo(&b);
	if (!err && ka_call_has(c, "v"))
		bt_check(&b);
	else if (!err)
		err = choose(&b, &tasks);
	if (!err && (b.from.has_ip || b.from.has_sp) && tasks.n > 1)
		err = ka_call_usage(c, "-I and -S are of one task's stack");
	if (!err && ka_call_has(c, "group"))
		bt_group_put(&b, tasks.at, tasks.n);
	else if (!err)
		put_tasks(&b, &tasks);
	if (!err)
		err = check_ref(&b);
	ka_vec_free(&tasks);
	ka_vec_free(&b.chains);
	ka_map_free(&b.chain_of);
	return err;
}

static const struct ka_option bt_options[] = {
	{ "a", NULL, "the active task of every CPU", false },
	{ "A", NULL, "as -a, with the vector registers: of s390x alone", false },
	{ "c", "CPUS", "the active tasks of these CPUs: 1,3-5, or a for all", false },
	{ "p", NULL, "the task that panicked", false },
	{ "n", "idle", "leave out the idle tasks, as of -a and -c", false },
	{ "g", NULL, "all threads of the task's thread group, the leader first", false },
	{ "group", NULL, "tasks with the same stack once, with their number; of all tasks, unless some are given", true },
	{ "l", NULL, "source file and line of each frame", false },
	{ "i", NULL, "inlined functions, though they were switched off (set inline off)", false },
	{ "by", NULL, "who found each frame: orc, cfi, fp, scan ...", true },
	{ "V", NULL, "arguments and local variables of each frame", false },
	{ "s", NULL, "offset in the function of each frame", false },
	{ "x", NULL, "offsets of -s in hexadecimal", false },
	{ "d", NULL, "offsets of -s in decimal (the default, but for set radix 16)", false },
	{ "f", NULL, "the words that each frame has on the stack", false },
	{ "F", NULL, "as -f, with symbols, and [CACHE] where a word points to a slab object; twice (-FF): [ADDRESS:CACHE]", false },
	{ "FF", NULL, "as -F, with the addresses of slab objects", false },
	{ "r", NULL, "the whole stack as words (with -F: as symbols)", false },
	{ "t", NULL, "every address of code on the stack, from where unwinding starts", false },
	{ "T", NULL, "every address of code on the whole stack of the task", false },
	{ "o", NULL, "as -t, numbered as if all of them were frames: most are stale", false },
	{ "O", NULL, "from now on -o is the default; once more, it is not (set unwind)", false },
	{ "e", NULL, "search the stack of the task for registers that exceptions, interrupts and system calls saved", false },
	{ "E", NULL, "the same on the IRQ and exception stacks of all CPUs, or of those of -c", false },
	{ "u", NULL, "the user-space stack, as far as its pages are in the dump (set sysroot)", false },
	{ "v", NULL, "check the stacks of all tasks for overflow", false },
	{ "R", "REF", "only tasks whose stack refers to this symbol or address", false },
	{ "I", "IP", "start at this instruction", false },
	{ "S", "SP", "start at this stack pointer; without -I from the first return address there", false },
	{ NULL, NULL, NULL, false },
};
static const struct ka_rows *const bt_rows[] = {
	&bt_rows_stack, &bt_rows_frame, &bt_rows_inlined, &bt_rows_saved, &bt_rows_register, &bt_rows_word, &bt_rows_text, &bt_rows_area,
	&bt_rows_overflow, &bt_rows_user_frame, &bt_rows_user_end, &bt_rows_group, &bt_rows_member, &ka_rows_of_fault, &ka_rows_of_local, NULL,
};

const struct ka_command ka_command_bt = {
	.name = "bt",
	.args = "[-a | -c CPUS | -p | [-g] [PID | TASK]...] [--group] [-n idle] [-l] [-V] [-s [-x | -d]] [-f | -F | -FF] [-r | -t | -T | -e | -o | -u] "
		"[-R REF] [-I IP] [-S SP] | -E [-c CPUS] | -v | -O",
	.brief = "backtrace: the kernel stack of a task",
	.help = "Without arguments: of the current task (see set), which is the one that panicked when the dump is opened.\n"
		"\n"
		"A line has the number of the frame, in brackets where on the stack its return address lies, the function, the address\n"
		"it returns to, and the module of a function that is not of the kernel itself. Where an exception or interrupt came in,\n"
		"the registers that it saved follow, with the function and offset where it happened; the last block is that of user mode.\n"
		"Under the block of the exception that ended the machine, lines '[fault: ...]' say what it was (see fault).\n"
		"'--- <NMI exception stack> ---' and the like say that the frames before are on another stack.\n"
		"\n"
		"Lines with (inlined) are functions whose code was inlined into the function of the next frame: they have no place on the\n"
		"stack and no number. 'set inline off' leaves them out.\n"
		"\n"
		"Frames are found by the kernel's ORC data, by DWARF call frame information, or by the frame pointers of a kernel that was\n"
		"built to be unwound by them. What only another frame pointer or a scan of the stack suggests is marked with ?, and so is a return address that is no code or follows no call: a message then says where\n"
		"the stack was overwritten. --by tells of each frame who found it.\n"
		"\n"
		"CPUs that panic() stopped are offline, and shown where it stopped them (but not with 'set offline hide').\n"
		"\n"
		"--group is the first thing to look at when a machine hangs: tasks that wait at the same place are one entry, the largest\n"
		"group first. foreach chooses the tasks: 'foreach UN bt --group'.\n"
		"\n"
		"-v looks for an overwritten mark at the end of each stack, damaged thread_info, and stack pointers below their stack.\n"
		"\n"
		"With -V each frame is followed by the arguments and local variables of its function, and of the functions inlined there\n"
		"(their names before them), by DWARF: <optimized out> where the compiler kept no value at this place, <unknown: WHY> where\n"
		"it was in a register that has been overwritten since.\n"
		"\n"
		"-u shows the user-space stack instead: the registers at the entry into the kernel, and the frames as far as their pages are\n"
		"in the dump (makedumpfile leaves them out with bit 8 of -d). It is unwound by the call frame information of the programs and\n"
		"libraries: of the files below 'set sysroot DIR' (--sysroot), whose build-ids must be those of what was mapped where both are\n"
		"known, else by what the dump has of their pages; then by frame pointers, marked with ?. Functions are named by the symbols of\n"
		"these files, or of their debug files below DIR/usr/lib/debug; else FILE+OFFSET. The last line says why it ends there: (end), or\n"
		"what lacks. -l, -s, -f and --by are for it, too.\n"
		"\n"
		"EXAMPLES\n"
		"    bt -l\n"
		"    bt -V\n"
		"    bt -a\n"
		"    bt 1 -s\n"
		"    bt -FF 1\n"
		"    foreach UN bt\n"
		"    bt --group\n"
		"    foreach bt -R mutex_lock\n"
		"    bt -E\n"
		"    foreach user bt -u\n",
	.options = bt_options,
	.needs = KA_NEED_TYPES | KA_NEED_TASKS | KA_NEED_SYMBOLS | KA_TAKES_TASKS | KA_EACH_ALONE,
	.group_option = "g",
	.together = (const char *const[]){ "group", "R", "I", "S", "a", "c", "p", "E", "v", "O", NULL },
	.rows = bt_rows,
	.run = bt_run,
};
