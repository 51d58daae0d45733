/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sig: what tasks do on signals, which they block, and which wait for them. */
#include <inttypes.h>
#include <kanalyze/command.h>
#include <kanalyze/signal.h>

#define SIG_HEAD_LINE "PID: {pid:<7}  TASK: {task:016}  CPU: {cpu:<3}  COMMAND: \"{comm}\""
#define SIG_HEAD_COLS(s)									\
	KA_COL(s, pid, KA_INT, "process id (of threads: thread id)"),				\
	KA_COL(s, task, KA_ADDR, "address of the task_struct"),					\
	KA_COL(s, cpu, KA_UINT, "CPU it ran on last"),						\
	KA_COL(s, comm, KA_CHARS, "command name")
#define SIG_SET_COLS(s)										\
	KA_COLF(s, sigpending, KA_BOOL, KA_ONLY_JSON, "does a signal wait that is not blocked?"),	\
	KA_COLF(s, blocked, KA_HEX, KA_ONLY_JSON, "set of blocked signals: bit n is signal n + 1"),	\
	KA_COLF(s, blocked_names, KA_LIST, KA_ONLY_JSON, "their names"),				\
	KA_COLF(s, pending, KA_HEX, KA_ONLY_JSON, "set of signals that wait for the task"),		\
	KA_COLF(s, pending_names, KA_LIST, KA_ONLY_JSON, "their names"),				\
	KA_COLF(s, shared_pending, KA_HEX, KA_ONLY_JSON, "set of signals that wait for the process"),	\
	KA_COLF(s, shared_pending_names, KA_LIST, KA_ONLY_JSON, "their names")

struct sig_task {
	int32_t pid;
	ka_addr task;
	uint32_t cpu;
	char comm[16];
	ka_addr signal_struct;
	uint32_t thread_count;
	bool sigpending;
	uint64_t blocked, pending, shared_pending;
	const char *const *blocked_names, *const *pending_names, *const *shared_pending_names;
};
KA_LINES(sig_task, "tasks", SIG_HEAD_LINE, SIG_HEAD_COLS(sig_task),
	KA_COLF(sig_task, signal_struct, KA_ADDR, KA_ONLY_JSON | KA_ZERO_IS_NONE, "address of the signal_struct"),
	KA_COLF(sig_task, thread_count, KA_UINT, KA_ONLY_JSON, "threads of the process"),
	SIG_SET_COLS(sig_task));
static const struct ka_rows ka_rows_sig_thread = { "threads", KA_SHAPE_LINE, NULL, "  " SIG_HEAD_LINE, ka_cols_sig_task,
	KA_COUNT(ka_cols_sig_task) };

struct sig_action {
	const char *mark;
	uint32_t signal;
	const char *name;
	ka_addr sigaction;
	const char *handler_text;
	uint64_t handler, mask, flags;
	const char *const *flag_names;
	const char *flags_text;
};
KA_LINES(sig_action, "actions", "{mark:>4} {sigaction:016} {handler_text:>10} {mask:016} {flags}{flags_text? (%)}",
	KA_COLF(sig_action, mark, KA_TEXT, KA_ONLY_TEXT, NULL),
	KA_COLF(sig_action, signal, KA_UINT, KA_ONLY_JSON, "number of the signal"),
	KA_COLF(sig_action, name, KA_TEXT, KA_ONLY_JSON, "its name"),
	KA_COL(sig_action, sigaction, KA_ADDR, "address of the k_sigaction"),
	KA_COLF(sig_action, handler_text, KA_TEXT, KA_ONLY_TEXT, NULL),
	KA_COLF(sig_action, handler, KA_ADDR, KA_ONLY_JSON, "user address of the handler; 0 SIG_DFL, 1 SIG_IGN"),
	KA_COL(sig_action, mask, KA_HEX, "set of signals blocked while the handler runs"),
	KA_COL(sig_action, flags, KA_HEX, "SA_* bits"),
	KA_COLF(sig_action, flag_names, KA_LIST, KA_ONLY_JSON, "their names"),
	KA_COLF(sig_action, flags_text, KA_TEXT, KA_ONLY_TEXT, NULL));

struct sig_queued {
	const char *indent;
	int32_t signal, code;
	const char *name;
	bool is_shared;
	ka_addr siginfo;
};
KA_LINES(sig_queued, "queue", "{indent}             {signal:3}  {siginfo:016}",
	KA_COLF(sig_queued, indent, KA_TEXT, KA_ONLY_TEXT, NULL),
	KA_COL(sig_queued, signal, KA_INT, "number of the signal"),
	KA_COLF(sig_queued, name, KA_TEXT, KA_ONLY_JSON, "its name"),
	KA_COLF(sig_queued, code, KA_INT, KA_ONLY_JSON, "si_code: where it comes from"),
	KA_COLF(sig_queued, is_shared, KA_BOOL, KA_ONLY_JSON, "sent to the process, not to this thread"),
	KA_COL(sig_queued, siginfo, KA_ADDR, "address of the siginfo"));

struct sig_name {
	const char *mark;
	uint32_t signal;
	const char *name, *other;
};
KA_LINES(sig_name, "signals", "{mark:>4} {name}{other?/%}",
	KA_COLF(sig_name, mark, KA_TEXT, KA_ONLY_TEXT, NULL),
	KA_COLF(sig_name, signal, KA_UINT, KA_ONLY_JSON, "number"),
	KA_COL(sig_name, name, KA_TEXT, "name"),
	KA_COL(sig_name, other, KA_TEXT, "second name, or null"));

struct sig_set {
	uint64_t set;
	const char *const *names;
	const char *text;
};
KA_LINES(sig_set, "sets", "{text}",
	KA_COLF(sig_set, set, KA_HEX, KA_ONLY_JSON, "the set"),
	KA_COLF(sig_set, names, KA_LIST, KA_ONLY_JSON, "names of the signals in it"),
	KA_COLF(sig_set, text, KA_TEXT, KA_ONLY_TEXT, NULL));

static const char *const *set_names(struct ka_arena *a, uint64_t set)
{
	const char **list = ka_alloc(a, (KA_SIGNALS + 1) * sizeof(*list));
	size_t n = 0;

	for (unsigned i = 0; i < KA_SIGNALS; i++)
		if (set >> i & 1)
			list[n++] = ka_signal_name(i + 1, NULL);
	return list;
}

static const char *joined(struct ka_arena *a, const char *const *names, const char *between)
{
	struct ka_str s = {0};
	const char *text;

	for (size_t i = 0; names[i]; i++)
		ka_str_printf(&s, "%s%s", i ? between : "", names[i]);
	text = ka_strdup(a, s.p ? s.p : "");
	ka_str_free(&s);
	return text;
}

static const char *const *flag_names(struct ka_arena *a, uint64_t flags)
{
	/* in crash's order */
	static const struct { uint32_t bit; const char *name; } bits[] = {
		{ 0x1, "SA_NOCLDSTOP" }, { 0x4000000, "SA_RESTORER" }, { 0x2, "SA_NOCLDWAIT" }, { 0x4, "SA_SIGINFO" }, { 0x400, "SA_UNSUPPORTED" },
		{ 0x800, "SA_EXPOSE_TAGBITS" }, { 0x800000, "SA_IMMUTABLE" },
		{ 0x8000000, "SA_ONSTACK" }, { 0x10000000, "SA_RESTART" }, { 0x20000000, "SA_INTERRUPT" },
		{ 0x40000000, "SA_NODEFER" }, { 0x80000000, "SA_RESETHAND" },
	};
	const char **list = ka_alloc(a, (KA_COUNT(bits) + 1) * sizeof(*list));
	size_t n = 0;

	for (size_t i = 0; i < KA_COUNT(bits); i++)
		if (flags & bits[i].bit)
			list[n++] = bits[i].name;
	return list;
}

static const char *mark_of(struct ka_arena *a, unsigned signal)
{
	return ka_printf(a, "[%u]", signal);
}

static void put_actions(struct ka_call *c, const struct ka_task *t)
{
	struct ka_sigaction actions[KA_SIGNALS];
	unsigned count = 0;

	if (t->sighand)
		ka_call_fault(c, ka_error_wrap(ka_sigactions_read(c->k, t->sighand, actions, &count), "PID %d", t->pid));
	ka_out_note(c->out, " SIG    SIGACTION        HANDLER       MASK       FLAGS");
	if (!t->sighand)
		ka_out_note(c->out, " (not available)");	/* it is exiting: its sighand_struct is gone */
	for (unsigned i = 0; i < count; i++) {
		const struct ka_sigaction *a = &actions[i];
		struct sig_action row = { .mark = mark_of(c->arena, i + 1), .signal = i + 1, .name = ka_signal_name(i + 1, NULL),
					  .sigaction = a->addr, .handler = a->handler, .mask = a->mask, .flags = a->flags };

		row.handler_text = a->handler == 0 ? "SIG_DFL" : a->handler == 1 ? "SIG_IGN" :
				   ka_printf(c->arena, "%" PRIx64, a->handler);
		row.flag_names = flag_names(c->arena, a->flags);
		row.flags_text = joined(c->arena, row.flag_names, "|");
		ka_out_row(c->out, &ka_rows_sig_action, &row);
	}
}

static void put_pending(struct ka_call *c, uint64_t set, ka_addr queue_at, bool is_shared, const char *indent)
{
	struct ka_walk w;
	size_t n = 0;

	ka_out_note(c->out, "%s%s", indent, is_shared ? "SHARED_PENDING" : "PRIVATE_PENDING");
	ka_out_note(c->out, "%s    SIGNAL: %016" PRIx64, indent, set);
	if (!queue_at) {
		ka_out_note(c->out, "%s  SIGQUEUE: (empty)", indent);
		return;
	}
	w = ka_walk_sigqueue(c->k, queue_at);
	for (ka_addr at; ka_walk_next(&w, &at); n++) {
		struct ka_siginfo info;
		struct ka_error *err = ka_siginfo_read(c->k, at, &info);
		struct sig_queued row = { .indent = indent, .signal = info.signal, .code = info.code, .is_shared = is_shared,
					  .siginfo = info.addr };

		if (!n)
			ka_out_note(c->out, "%s  SIGQUEUE:  SIG      SIGINFO", indent);
		if (err) {
			ka_call_fault(c, err);
			continue;
		}
		row.name = info.signal > 0 ? ka_signal_name((unsigned)info.signal, NULL) : NULL;
		ka_out_row(c->out, &ka_rows_sig_queued, &row);
	}
	if (!n)
		ka_out_note(c->out, "%s  SIGQUEUE: (empty)", indent);
	ka_call_fault(c, ka_error_wrap(ka_walk_end(&w), "queued signals"));
}

static void put_private(struct ka_call *c, const struct ka_signals *s, const char *indent)
{
	bool is_pending = ((s->pending | s->shared_pending) & ~s->blocked) != 0;

	ka_out_note(c->out, "%sSIGPENDING: %s", indent, is_pending ? "yes" : "no");
	ka_out_note(c->out, "%s   BLOCKED: %016" PRIx64, indent, s->blocked);
	put_pending(c, s->pending, s->queue_at, false, indent);
}

static void row_of(struct ka_call *c, const struct ka_task *t, const struct ka_signals *s, struct sig_task *ret)
{
	*ret = (struct sig_task){ .pid = t->pid, .task = t->addr, .cpu = t->cpu, .signal_struct = s->signal,
		.thread_count = s->thread_count, .blocked = s->blocked, .pending = s->pending, .shared_pending = s->shared_pending };
	memcpy(ret->comm, t->comm, sizeof(ret->comm));
	ret->sigpending = ((s->pending | s->shared_pending) & ~s->blocked) != 0;
	ret->blocked_names = set_names(c->arena, s->blocked);
	ret->pending_names = set_names(c->arena, s->pending);
	ret->shared_pending_names = set_names(c->arena, s->shared_pending);
}

static void put_head(struct ka_call *c, const struct ka_task *t, const struct ka_signals *s)
{
	struct sig_task row;

	row_of(c, t, s, &row);
	ka_out_begin(c->out, &ka_rows_sig_task, &row);
	ka_out_note(c->out, "SIGNAL_STRUCT: %016" PRIx64 "  NR_THREADS: %" PRIu32, s->signal, s->thread_count);
	put_actions(c, t);
}

static void put_thread(struct ka_call *c, const struct ka_task *t)
{
	struct ka_signals s;
	struct sig_task row;
	struct ka_error *err = ka_signals_read(c->k, t, &s);

	row_of(c, t, &s, &row);
	ka_out_begin(c->out, &ka_rows_sig_thread, &row);
	if (err)
		ka_call_fault(c, err);
	else
		put_private(c, &s, "  ");
	ka_out_note(c->out, "\n");
	ka_out_end(c->out);
}

static void put_group(struct ka_call *c, const struct ka_task *t)
{
	struct ka_task leader = *t, thread;
	struct ka_signals s;
	struct ka_error *err;
	struct ka_walk w;

	if (t->group_leader && t->group_leader != t->addr && ka_error_drop(ka_task_read(c->k, t->group_leader, &leader)))
		leader = *t;
	err = ka_signals_read(c->k, &leader, &s);
	if (err) {
		ka_call_fault(c, err);
		return;
	}
	put_head(c, &leader, &s);
	put_pending(c, s.shared_pending, s.shared_queue_at, true, "");
	ka_out_note(c->out, "\n");
	put_thread(c, &leader);
	w = ka_walk_threads(c->k, leader.tgid);
	for (ka_addr at; leader.tgid && ka_walk_next(&w, &at); )
		if (at != leader.addr && !ka_error_drop(ka_task_read(c->k, at, &thread)))
			put_thread(c, &thread);
	err = ka_walk_end(&w);
	ka_call_fault(c, err);
	ka_out_end(c->out);
}

static void put_task(struct ka_call *c, const struct ka_task *t)
{
	struct ka_signals s;
	struct ka_error *err = ka_signals_read(c->k, t, &s);

	if (err) {
		ka_call_fault(c, err);
		return;
	}
	put_head(c, t, &s);
	put_private(c, &s, "");
	put_pending(c, s.shared_pending, s.shared_queue_at, true, "");
	ka_out_end(c->out);
}

static void put_names(struct ka_call *c)
{
	for (unsigned i = 1; i <= KA_SIGNALS; i++) {
		struct sig_name row = { .mark = mark_of(c->arena, i), .signal = i };

		row.name = ka_signal_name(i, &row.other);
		ka_out_row(c->out, &ka_rows_sig_name, &row);
	}
}

static struct ka_error *put_set(struct ka_call *c, const char *text)
{
	struct sig_set row = {0};

	if (!ka_parse_number(text, false, &row.set))
		return ka_call_usage(c, "invalid input: \"%s\"", text);
	row.names = set_names(c->arena, row.set);
	row.text = row.set ? joined(c->arena, row.names, " ") : "(none)";
	ka_out_row(c->out, &ka_rows_sig_set, &row);
	return NULL;
}

static struct ka_error *run(struct ka_call *c)
{
	const char *set = ka_call_value(c, "s");
	bool is_group = ka_call_has(c, "g");

	if (set)
		return put_set(c, set);
	if (ka_call_has(c, "l")) {
		put_names(c);
		return NULL;
	}
	for (int i = 0; i < (c->argc ? c->argc : 1) && !ka_interrupted(); i++) {
		ka_addr at = ka_call_task(c);
		struct ka_task t;
		struct ka_error *err = c->argc ? ka_parse_task(c->k, c->argv[i], &at) : NULL;

		if (!err)
			err = ka_task_read(c->k, at, &t);
		if (!err && !is_group)
			ka_out_gap(c->out);
		if (err)
			ka_call_fault(c, err);
		else if (is_group)
			put_group(c, &t);
		else
			put_task(c, &t);
	}
	return ka_interrupted() ? ka_error_new(KA_INTERRUPTED, "interrupted") : NULL;
}

static const struct ka_option options[] = {
	{ "g", NULL, "the whole thread group: the process's signals, then those of each thread", false },
	{ "l", NULL, "numbers and names of the signals", false },
	{ "s", "SET", "names of the signals in a set (hexadecimal, bit n is signal n + 1)", false },
	{ NULL, NULL, NULL, false },
};

static const struct ka_rows *const rows[] = { &ka_rows_sig_task, &ka_rows_sig_thread, &ka_rows_sig_action, &ka_rows_sig_queued,
	&ka_rows_sig_name, &ka_rows_sig_set, NULL };

const struct ka_command ka_command_sig = {
	.name = "sig",
	.args = "[-l | -s SET] | [-g] [PID | TASK]...",
	.brief = "signals of tasks",
	.help =
	"Shows for each task (the current one when none is given) what its process does on each\n"
	"signal: the handler's address in user memory (SIG_DFL: the default, SIG_IGN: nothing), the\n"
	"signals blocked meanwhile and the flags; then which signals the task blocks, and which wait\n"
	"for it alone (PRIVATE_PENDING) or for its process (SHARED_PENDING), with the siginfo of each\n"
	"that is queued. SIGPENDING says whether one waits that is not blocked. Sets are hexadecimal:\n"
	"bit n is signal n + 1; -s names them.\n",
	.options = options,
	.needs = KA_NEED_TYPES | KA_NEED_TASKS | KA_TAKES_TASKS | KA_EACH_ALONE,
	.rows = rows,
	.run = run,
	.group_option = "g",
};
