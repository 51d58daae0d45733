/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* bt: kernel stacks, frame by frame. */
#include <inttypes.h>
#include <kanalyze/command.h>
#include <kanalyze/symbol.h>
#include <kanalyze/task.h>
#include <kanalyze/unwind.h>

struct bt_stack {
	int32_t pid;
	ka_addr task;
	uint32_t cpu;
	const char *comm, *note;
	bool active;
};
KA_LINES(bt_stack, "stacks", "PID: {pid:<7}  TASK: {task:016}  CPU: {cpu:<3}  COMMAND: \"{comm}\"",
	KA_COL(bt_stack, pid, KA_INT, "process id"),
	KA_COL(bt_stack, task, KA_ADDR, "address of the task_struct"),
	KA_COL(bt_stack, cpu, KA_UINT, "CPU it runs on, or ran on last"),
	KA_COL(bt_stack, comm, KA_TEXT, "name of the task"),
	KA_COL(bt_stack, active, KA_BOOL, "was it on a CPU?"),
	KA_COLF(bt_stack, note, KA_TEXT, KA_ONLY_JSON, "why there are no frames"));

struct bt_frame {
	const char *mark;	/* " #0" or "#10" */
	uint32_t level;
	bool has_level;
	ka_addr at, ip, sp, shown_at, shown_ip;
	const char *function, *shown, *module;
	uint64_t offset;
	bool has_offset;
	const char *by;
	bool guess;
	const char *stack, *file, *source;
	uint32_t line;
};
KA_LINES(bt_frame, "frames", "{mark} [{shown_at:016}] {guess?? :}{shown} at {shown_ip:016}{module? [%]}{source?\n    %}",
	KA_COLF(bt_frame, mark, KA_TEXT, KA_ONLY_TEXT, ""),
	KA_COL_IF(bt_frame, level, KA_UINT, has_level, "number of the frame; null: a function that an exception interrupted"),
	KA_COLF(bt_frame, shown_at, KA_ADDR, KA_ONLY_TEXT, ""),
	KA_COLF(bt_frame, shown_ip, KA_ADDR, KA_ONLY_TEXT, ""),
	KA_COLF(bt_frame, at, KA_ADDR, KA_ZERO_IS_NONE | KA_ONLY_JSON,
		"where on the stack the return address lies; null: the frame comes from registers"),
	KA_COL(bt_frame, sp, KA_ADDR, "stack pointer in this frame"),
	KA_COLF(bt_frame, ip, KA_ADDR, KA_ONLY_JSON, "instruction it returns to, or was at"),
	KA_COL(bt_frame, function, KA_TEXT, "function"),
	KA_COL_IF(bt_frame, offset, KA_UINT, has_offset, "bytes from the start of the function to ip"),
	KA_COLF(bt_frame, shown, KA_TEXT, KA_ONLY_TEXT, ""),
	KA_COL(bt_frame, module, KA_TEXT, "module; null: the kernel itself"),
	KA_COL(bt_frame, by, KA_TEXT, "who found the frame: start, orc, cfi, fp, scan, pt_regs"),
	KA_COL(bt_frame, guess, KA_BOOL, "found by a frame pointer or a scan: marked ? in text"),
	KA_COL(bt_frame, stack, KA_TEXT, "name of the stack that was left before this frame; null: the same"),
	KA_COL(bt_frame, file, KA_TEXT, "source file (-l)"),
	KA_COLF(bt_frame, line, KA_UINT, KA_ZERO_IS_NONE, "line in it (-l)"),
	KA_COLF(bt_frame, source, KA_TEXT, KA_ONLY_TEXT, ""));

/* What an interrupt, exception or system call saved. */
struct bt_saved {
	const char *text;
	ka_addr at, ip, sp;
	const char *function, *module;
	uint64_t offset;
	bool user;
};
KA_LINES(bt_saved, "saved", "{text}",
	KA_COLF(bt_saved, text, KA_TEXT, KA_ONLY_TEXT, ""),
	KA_COLF(bt_saved, at, KA_ADDR, KA_ZERO_IS_NONE, "where the registers lie; null: in the notes of the dump"),
	KA_COL(bt_saved, ip, KA_ADDR, "instruction pointer"),
	KA_COL(bt_saved, sp, KA_ADDR, "stack pointer"),
	KA_COL(bt_saved, function, KA_TEXT, "function of ip; null: user mode, or no code"),
	KA_COL(bt_saved, offset, KA_UINT, "bytes from its start"),
	KA_COL(bt_saved, module, KA_TEXT, "module of the function"),
	KA_COL(bt_saved, user, KA_BOOL, "was it in user mode?"));

struct bt_register { const char *name; ka_addr value; };
KA_LINES(bt_register, "registers", "",
	KA_COL(bt_register, name, KA_TEXT, "name of the register"),
	KA_COL(bt_register, value, KA_ADDR, "its value"));

static const char *place_text(struct ka_call *c, ka_addr at)
{
	struct ka_symbol s;
	uint64_t offset;

	if (!ka_symbol_at(c->k, at, &s, &offset))
		return "[unknown or invalid address]";
	return offset ? ka_printf(c->arena, "[%s+%" PRIu64 "]", s.name, offset) : ka_printf(c->arena, "[%s]", s.name);
}

/* One "{NAME}" of the architecture's own block; n characters of it are between the braces. */
static void put_register(struct ka_call *c, struct ka_str *to, const struct ka_pt_regs *pt, const char *word, size_t n)
{
	size_t name_size = strcspn(word, "@:}");

	for (unsigned i = 0; i < pt->count; i++) {
		if (strlen(pt->names[i]) != name_size || strncmp(pt->names[i], word, name_size))
			continue;
		if (word[name_size] == '@')
			ka_str_add(to, place_text(c, pt->value[i]));
		else
			ka_str_printf(to, "%0*" PRIx64, name_size < n ? atoi(word + name_size + 1) : 16, pt->value[i]);
	}
}

static const char *own_text(struct ka_call *c, const struct ka_pt_regs *pt)
{
	struct ka_str s = { 0 };
	const char *text;

	for (const char *at = pt->text; *at;) {
		size_t plain = strcspn(at, "{"), n = strcspn(at, "}");

		ka_str_addn(&s, at, plain);
		if (at[plain])
			put_register(c, &s, pt, at + plain + 1, n - plain - 1);
		at += at[plain] ? n + 1 : plain;
	}
	text = ka_strdup(c->arena, s.p ? s.p : "");
	ka_str_free(&s);
	return text;
}

/* Three to a line, names right-aligned to four, the last line as it comes: crash's block. */
static const char *register_text(struct ka_call *c, const struct ka_pt_regs *pt, const char *exception)
{
	struct ka_str s = { 0 };
	const char *text;

	if (exception)
		ka_str_printf(&s, "    [exception RIP: %s]\n", exception);
	for (unsigned i = 0; i < pt->count; i++) {
		const char *name = pt->names[i];
		bool is_segment = !strcmp(name, "CS") || !strcmp(name, "SS");
		bool is_first = i % 3 == 0;

		if (i && is_first)
			ka_str_addc(&s, '\n');
		ka_str_printf(&s, is_first ? "    " : "  ");
		if (is_segment)
			ka_str_printf(&s, "%s: %04" PRIx64, name, pt->value[i]);
		else if (!strcmp(name, "RFLAGS"))
			ka_str_printf(&s, "%s: %08" PRIx64, name, pt->value[i]);
		else
			ka_str_printf(&s, "%3s: %016" PRIx64, name, pt->value[i]);
	}
	text = ka_strdup(c->arena, s.p ? s.p : "");
	ka_str_free(&s);
	return text;
}

static void put_saved(struct ka_call *c, const struct ka_pt_regs *pt)
{
	struct bt_saved row = { .at = pt->at, .ip = pt->ip, .sp = pt->sp, .user = pt->is_user };
	struct ka_symbol s;
	const char *exception = NULL;

	if (!pt->is_user) {
		exception = "unknown or invalid address";
		if (ka_symbol_at(c->k, pt->ip, &s, &row.offset)) {
			row.function = s.name;
			row.module = s.module;
			exception = ka_printf(c->arena, "%s+%" PRIu64, s.name, row.offset);
		}
	}
	row.text = pt->text ? own_text(c, pt) : register_text(c, pt, exception);
	ka_out_begin(c->out, &ka_rows_bt_saved, &row);
	for (unsigned i = 0; i < pt->count && !ka_out_is_text(c->out); i++)
		ka_out_row(c->out, &ka_rows_bt_register, &(struct bt_register){ pt->names[i], pt->value[i] });
	ka_out_end(c->out);
}

static void name_frame(struct ka_call *c, const struct ka_frame *f, struct bt_frame *row)
{
	const char *radix = ka_call_setting(c, "radix");
	bool is_hex = ka_call_has(c, "x") || (!ka_call_has(c, "d") && radix && !strcmp(radix, "16"));
	struct ka_symbol s;
	uint64_t offset;
	unsigned line;

	/* a return address may lie behind the end of a function that calls one that does not return */
	if (!ka_symbol_at(c->k, f->ip - f->is_call, &s, &offset)) {
		row->shown = "(unknown)";
		return;
	}
	row->function = s.name;
	row->module = s.module;
	row->offset = offset + f->is_call;
	offset = row->offset - (f->ip - f->shown_ip);
	row->has_offset = true;
	row->shown = !ka_call_has(c, "s") ? s.name :
		     ka_printf(c->arena, is_hex ? "%s+0x%" PRIx64 : "%s+%" PRIu64, s.name, offset);
	if (ka_call_has(c, "l") && ka_source_line(c->k, f->ip - f->is_call, &row->file, &line)) {
		row->line = line;
		row->source = ka_printf(c->arena, "%s: %u", row->file, line);
	}
}

static void put_frames(struct ka_call *c, const struct ka_stack *st)
{
	uint32_t level = 0;

	for (size_t i = 0; i < st->count; i++) {
		const struct ka_frame *f = &st->frames[i];
		struct bt_frame row = { .at = f->ret_at, .ip = f->ip, .shown_at = f->shown_at, .shown_ip = f->shown_ip, .sp = f->sp, .by = ka_frame_by_name(f->by),
					.guess = f->is_guess, .stack = f->stack };
		/* what an exception interrupted is told in the exception's block; on another stack it has a line as well */
		bool is_hidden = f->is_interrupted;

		if (f->by == KA_BY_PT_REGS || !f->ret_at)
			row.at = f->sp;
		if (f->stack)
			ka_out_note(c->out, "--- <%s stack> ---\n", f->stack);
		name_frame(c, f, &row);
		row.has_level = !is_hidden;
		if (!is_hidden)
			row.level = level++;
		if (is_hidden && ka_out_is_text(c->out))
			continue;
		row.mark = ka_printf(c->arena, row.level < 10 ? " #%u" : "#%u", row.level);
		ka_out_begin(c->out, &ka_rows_bt_frame, &row);
		if (f->regs)
			put_saved(c, f->regs);
		ka_out_end(c->out);
	}
}

static struct ka_error *put_stack(struct ka_call *c, ka_addr at, bool *is_first)
{
	struct ka_stack st;
	struct ka_task t;
	unsigned cpu;
	struct ka_error *err = ka_task_read(c->k, at, &t);

	if (!err)
		err = ka_unwind_task(c->k, at, c->arena, &st);
	if (err)
		return err;
	struct bt_stack row = { .pid = t.pid, .task = at, .cpu = t.cpu, .comm = ka_strndup(c->arena, t.comm, sizeof(t.comm)),
				.note = st.note };
	row.active = ka_task_is_active(c->k, at, &cpu);
	if (row.active)
		row.cpu = cpu;
	if (!*is_first)
		ka_out_note(c->out, "\n");
	*is_first = false;
	ka_out_begin(c->out, &ka_rows_bt_stack, &row);
	if (st.note)
		ka_out_note(c->out, "%s\n", st.note);
	put_frames(c, &st);
	if (st.user_regs)
		put_saved(c, st.user_regs);
	ka_out_end(c->out);
	if (st.err)
		ka_call_fault(c, ka_error_wrap(st.err, "PID %d (%s)", t.pid, row.comm));
	return NULL;
}

static struct ka_error *put_cpus(struct ka_call *c, const char *cpus)
{
	unsigned count = ka_cpu_count(c->k);
	bool *wanted = ka_alloc(c->arena, count + 1);
	bool is_first = true;
	const char *skipped = ka_call_value(c, "n");
	struct ka_error *err = ka_parse_cpus(cpus, wanted, count);

	if (err)
		return err;
	if (skipped && strcmp(skipped, "idle"))
		return ka_call_usage(c, "-n takes the word idle");
	for (unsigned cpu = 0; cpu < count && !ka_interrupted(); cpu++) {
		ka_addr task = ka_cpu_task(c->k, cpu);

		if (!wanted[cpu])
			continue;
		if (!ka_cpu_is_online(c->k, cpu)) {
			if (ka_call_has(c, "c"))
				ka_call_fault(c, ka_error_new(KA_NOT_FOUND, "CPU %u is offline", cpu));
			continue;
		}
		if (!task) {
			ka_call_fault(c, ka_error_new(KA_MISSING, "the task of CPU %u cannot be told", cpu));
			continue;
		}
		if (skipped && task == ka_cpu_idle_task(c->k, cpu))
			continue;
		ka_call_fault(c, put_stack(c, task, &is_first));
	}
	return NULL;
}

static struct ka_error *bt_run(struct ka_call *c)
{
	bool is_first = true;
	ka_addr task;

	if (ka_call_has(c, "n") && !ka_call_has(c, "a") && !ka_call_has(c, "c"))
		return ka_call_usage(c, "-n goes with -a or -c");
	if (ka_call_has(c, "a") + ka_call_has(c, "c") + ka_call_has(c, "p") + (c->argc > 0) > 1)
		return ka_call_usage(c, "-a, -c, -p and tasks exclude each other");
	if (ka_call_has(c, "a") || ka_call_has(c, "c"))
		return put_cpus(c, ka_call_has(c, "a") ? "all" : ka_call_value(c, "c"));
	if (ka_call_has(c, "p")) {
		task = ka_panic_task(c->k);
		return task ? put_stack(c, task, &is_first) : ka_error_new(KA_NOT_FOUND, "no task of this dump has panicked: try bt -a");
	}
	if (!c->argc) {
		task = ka_call_task(c);
		return task ? put_stack(c, task, &is_first) : ka_error_new(KA_NOT_FOUND, "there is no current task: set one with 'set PID'");
	}
	for (int i = 0; i < c->argc && !ka_interrupted(); i++) {
		struct ka_error *err = ka_parse_task(c->k, c->argv[i], &task);

		ka_call_fault(c, err ? err : put_stack(c, task, &is_first));
	}
	return NULL;
}

static const struct ka_option bt_options[] = {
	{ "a", NULL, "the active task of every CPU", false },
	{ "c", "CPUS", "the active tasks of these CPUs: 1,3-5, or a for all", false },
	{ "p", NULL, "the task that panicked", false },
	{ "n", "idle", "with -a or -c: leave out the idle tasks", false },
	{ "l", NULL, "source file and line of each frame", false },
	{ "s", NULL, "offset in the function of each frame", false },
	{ "x", NULL, "offsets of -s in hexadecimal", false },
	{ "d", NULL, "offsets of -s in decimal (the default, but for set radix 16)", false },
	{ NULL, NULL, NULL, false },
};
static const struct ka_rows *const bt_rows[] = { &ka_rows_bt_stack, &ka_rows_bt_frame, &ka_rows_bt_saved, &ka_rows_bt_register, NULL };

const struct ka_command ka_command_bt = {
	.name = "bt",
	.args = "[-a | -c CPUS | -p | PID | TASK]... [-n idle] [-l] [-s [-x | -d]]",
	.brief = "backtrace: the kernel stack of a task",
	.help = "Without arguments: of the current task (see set), which is the one that panicked when the dump is opened.\n"
		"\n"
		"A line has the number of the frame, in brackets where on the stack its return address lies, the function, the address\n"
		"it returns to, and the module of a function that is not of the kernel itself. Where an exception or interrupt came in,\n"
		"the registers that it saved follow, with the function and offset where it happened; the last block is that of user mode.\n"
		"'--- <NMI exception stack> ---' and the like say that the frames before are on another stack.\n"
		"\n"
		"Frames are found by the kernel's ORC data or by DWARF call frame information. What only a frame pointer or a scan of the\n"
		"stack suggests is marked with ?.\n"
		"\n"
		"EXAMPLES\n"
		"    bt -l\n"
		"    bt -a\n"
		"    bt 1 -s\n"
		"    foreach UN bt\n",
	.options = bt_options,
	.needs = KA_NEED_TYPES | KA_NEED_TASKS | KA_NEED_SYMBOLS | KA_TAKES_TASKS,
	.rows = bt_rows,
	.run = bt_run,
};
