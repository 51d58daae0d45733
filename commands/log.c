/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* log: the kernel's messages. */
#include <inttypes.h>
#include <kanalyze/command.h>
#include <kanalyze/printk.h>
#include <kanalyze/rust.h>
#include <kanalyze/symbol.h>
#include <kanalyze/system.h>
#include <kanalyze/view.h>

struct log_row {
	uint64_t seq, time_ns;
	const char *time;
	uint8_t level, facility, flags;
	const char *caller, *comm, *text, *line;
	const char *const *dict;
	bool has_time, has_level, continued;
};
KA_LINES(log_row, "records", "{line}",
	KA_COL(log_row, seq, KA_UINT, "sequence number of the record"),
	KA_COL_IF(log_row, time_ns, KA_UINT, has_time, "time stamp of the kernel's own clock, ns since boot"),
	KA_COLF(log_row, time, KA_TEXT, KA_ONLY_JSON, "the same as wall clock in local time (-T only)"),
	KA_COL_IF(log_row, level, KA_UINT, has_level, "0 emergency ... 7 debug"),
	KA_COL_IF(log_row, facility, KA_UINT, has_level, "syslog facility; 0 is the kernel"),
	KA_COL(log_row, continued, KA_BOOL, "does it go on the line of the record before?"),
	KA_COLF(log_row, caller, KA_TEXT, KA_ONLY_JSON, "who printed it: T and a thread id, or C and a CPU"),
	KA_COLF(log_row, comm, KA_TEXT, KA_ONLY_JSON, "name of the task that printed it, where the kernel keeps that"),
	KA_COLF(log_row, text, KA_TEXT, KA_ONLY_JSON, "the message; may have several lines"),
	KA_COLF(log_row, dict, KA_LIST, KA_ONLY_JSON, "KEY=value pairs of dev_printk()"),
	KA_COLF(log_row, line, KA_TEXT, KA_ONLY_TEXT, "as printed"));

struct log_safe {
	const char *name, *text, *lines;
	uint32_t cpu, size, lost;
	ka_addr addr;
};
KA_LINES(log_safe, "safe_buffers", "CPU: {cpu}  ADDR: {addr}  LEN: {size}  MESSAGE_LOST: {lost}\n{lines}",
	KA_COLF(log_safe, name, KA_TEXT, KA_ONLY_JSON, "per-CPU variable"),
	KA_COL(log_safe, cpu, KA_UINT, "CPU"),
	KA_COL(log_safe, addr, KA_ADDR, "of the buffer"),
	KA_COL(log_safe, size, KA_UINT, "bytes not yet in the log"),
	KA_COL(log_safe, lost, KA_UINT, "messages that found no room"),
	KA_COLF(log_safe, text, KA_TEXT, KA_ONLY_JSON, "the messages, one a line"),
	KA_COLF(log_safe, lines, KA_TEXT, KA_ONLY_TEXT, "as printed"));

struct log_rest {
	const char *name, *text;
	uint32_t cpu;
};
KA_LINES(log_rest, "unflushed", "{text}",
	KA_COLF(log_rest, name, KA_TEXT, KA_ONLY_JSON, "per-CPU variable"),
	KA_COLF(log_rest, cpu, KA_UINT, KA_ONLY_JSON, "CPU"),
	KA_COL(log_rest, text, KA_TEXT, "messages that had not reached the log"));

struct log_audit {
	uint16_t type;
	const char *queue, *text;
	ka_addr skb;
};
KA_LINES(log_audit, "audit", "type={type} {text}",
	KA_COL(log_audit, type, KA_UINT, "AUDIT_*"),
	KA_COLF(log_audit, queue, KA_TEXT, KA_ONLY_JSON, "the queue it waits in"),
	KA_COLF(log_audit, skb, KA_ADDR, KA_ONLY_JSON, "struct sk_buff"),
	KA_COL(log_audit, text, KA_TEXT, "the record"));

struct log_pid_ns {
	uint32_t pid_max;
};
KA_VIEW(log_pid_ns, ("pid_namespace"),
	KA_FROM(log_pid_ns, pid_max, "pid_max"));	/* 7863dcc72d0f, v6.14: a variable before */

/* What is printed before the text. */
struct style {
	bool wall_clock, no_time, level, caller, dict, rust;
	unsigned caller_width;
	int64_t last_s;		/* of last_time: many records share a second */
	const char *last_time;
};

/* Widths that fit any task id, as the kernel's own printk_caller has them. */
static unsigned caller_width(struct ka_kernel *k)
{
	struct log_pid_ns ns;
	struct ka_symbol s;
	uint64_t max;

	if (ka_symbol_lookup(k, "pid_max", &s) && !ka_error_drop(ka_symbol_value(k, "pid_max", &max)))
		ns.pid_max = max;
	else if (!ka_symbol_lookup(k, "init_pid_ns", &s) ||
		 ka_error_drop(ka_view_read(k, &ka_view_log_pid_ns, s.addr, &ns)))
		return 8;
	return ns.pid_max <= 99999 ? 6 : ns.pid_max <= 999999 ? 7 : 8;
}

/* NUL bytes would end a string of C. */
static const char *printable(struct ka_arena *a, const char *text, size_t size)
{
	char *s = ka_alloc(a, size + 1);

	for (size_t i = 0; i < size; i++)
		s[i] = text[i] ? text[i] : '.';
	return s;
}

/* The text of a record, or a copy of it with readable Rust symbols. */
static const char *message(struct ka_call *c, const struct style *st, const struct ka_log_record *r)
{
	if (!st->rust || (!memmem(r->text, r->text_size, "_R", 2) && !memmem(r->text, r->text_size, "_ZN", 3)))
		return r->text;
	return ka_rust_demangle_text(c->arena, printable(c->arena, r->text, r->text_size));
}

static const char *wall_time(struct ka_call *c, struct style *st, uint64_t ns)
{
	uint32_t rest_ns;
	int64_t s;

	if (ka_error_drop(ka_wall_clock_at(c->k, ns, &s, &rest_ns)))
		return NULL;
	if (!st->last_time || st->last_s != s) {
		st->last_time = ka_time_text(c->arena, s);
		st->last_s = s;
	}
	return st->last_time;
}

static void prefix_add(struct ka_call *c, struct style *st, const struct ka_log_record *r, struct ka_str *to)
{
	const char *time = st->wall_clock && r->has_time ? wall_time(c, st, r->time_ns) : NULL;

	if (time && !st->no_time)
		ka_str_printf(to, "[%s] ", time);
	else if (r->has_time && !st->no_time)
		ka_str_printf(to, "[%5" PRIu64 ".%06" PRIu64 "] ", r->time_ns / 1000000000,
			      r->time_ns % 1000000000 / 1000);
	if (st->caller && r->has_caller) {
		char *caller = ka_printf(c->arena, "%c%u", r->caller & 0x80000000 ? 'C' : 'T', r->caller & 0x7fffffff);

		ka_str_printf(to, "[%*s] ", st->caller_width, caller);
	}
	if (st->level && r->has_level)
		ka_str_printf(to, "<%x>", r->level);
}

/* Lines after the first stand under the first one's text. */
static void indented_add(struct ka_str *to, const char *text, size_t size, size_t indent)
{
	for (size_t i = 0; i < size; i++) {
		ka_str_addc(to, text[i] ? text[i] : '.');
		if (text[i] == '\n')
			ka_str_pad(to, ' ', indent);
	}
}

/* Record i and those that go on its line; returns how many. */
static size_t line_make(struct ka_call *c, struct style *st, const struct ka_log_record *r, size_t left,
			struct ka_str *to)
{
	size_t indent, n = 0;

	ka_str_clear(to);
	prefix_add(c, st, r, to);
	indent = to->len;
	do {
		const char *text = message(c, st, &r[n]);

		indented_add(to, text, text == r[n].text ? r[n].text_size : strlen(text), indent);
	} while (++n < left && r[n].is_continued);
	if (st->dict && r->dict_size) {
		ka_str_addc(to, '\n');
		ka_str_pad(to, ' ', indent);
		indented_add(to, r->dict, r->dict_size, indent);
	}
	return n;
}

static const char *const *dict_list(struct ka_arena *a, const struct ka_log_record *r)
{
	const char **list, *p = r->dict;
	size_t n = 0;

	if (!r->dict_size)
		return NULL;
	list = ka_alloc(a, (r->dict_size + 2) * sizeof(*list));
	while (*p) {
		size_t size = strcspn(p, "\n");

		list[n++] = ka_strndup(a, p, size);
		p += size + (p[size] == '\n');
	}
	return list;
}

static void record_out(struct ka_call *c, struct style *st, const struct ka_log_record *r, const char *line)
{
	struct log_row row = {
		.seq = r->seq,
		.time_ns = r->time_ns,
		.has_time = r->has_time,
		.level = r->level,
		.has_level = r->has_level,
		.facility = r->facility,
		.continued = r->is_continued,
		.comm = r->comm,
		.line = line,
	};

	if (!ka_out_is_text(c->out)) {
		row.time = st->wall_clock && r->has_time ? wall_time(c, st, r->time_ns) : NULL;
		row.text = printable(c->arena, r->text, r->text_size);
		if (st->rust)
			row.text = ka_rust_demangle_text(c->arena, row.text);
		row.dict = dict_list(c->arena, r);
		if (r->has_caller)
			row.caller =
				ka_printf(c->arena, "%c%u", r->caller & 0x80000000 ? 'C' : 'T', r->caller & 0x7fffffff);
	}
	ka_out_row(c->out, &ka_rows_log_row, &row);
}

static void log_out(struct ka_call *c, struct style *st)
{
	struct ka_log_record *records;
	struct ka_str line = {0};
	int64_t s;
	uint32_t ns;
	size_t count;

	ka_call_fault(c, ka_log_records(c->k, c->arena, &records, &count));
	if (st->wall_clock && count)
		ka_call_fault(c, ka_wall_clock_at(c->k, 0, &s, &ns));
	for (size_t i = 0; i < count && !ka_interrupted(); ) {
		size_t n = 1;

		if (ka_out_is_text(c->out))
			n = line_make(c, st, &records[i], count - i, &line);
		record_out(c, st, &records[i], line.p ? line.p : "");
		i += n;
	}
	ka_str_free(&line);
}

/* Messages of a per-CPU buffer as lines: a KERN_SOH byte and a level stand before each. */
static const char *safe_lines(struct ka_call *c, const struct style *st, const struct ka_log_safe_buffer *b,
			      const char *prefix, bool has_level)
{
	struct ka_str s = {0};
	bool at_start = true;
	const char *ret;

	for (uint32_t i = 0; i < b->size; i++) {
		char ch = b->text[i];

		if (ch == 1 && i + 1 < b->size) {
			char level = b->text[++i];

			if (!at_start)
				ka_str_addc(&s, '\n');
			ka_str_add(&s, prefix);
			if (has_level && st->level && ((level >= '0' && level <= '7') || level == 'c'))
				ka_str_printf(&s, "<%c>", level);
			at_start = false;
			continue;
		}
		if (at_start)
			ka_str_pad(&s, ' ', strlen(prefix) + (has_level && st->level ? 3 : 0));
		ka_str_addc(&s, ch ? ch : '.');
		at_start = ch == '\n';
	}
	while (s.len && s.p[s.len - 1] == '\n')
		s.p[--s.len] = 0;
	ret = ka_strndup(c->arena, s.p ? s.p : "", s.len);
	ka_str_free(&s);
	return ret;
}

static void safe_out(struct ka_call *c, const struct style *st, bool is_asked)
{
	struct ka_log_safe_buffer *b;
	const char *name = "";
	size_t count;

	ka_call_fault(c, ka_log_safe_buffers(c->k, c->arena, &b, &count));
	if (is_asked && !count)
		ka_out_note(c->out, "this kernel has no printk_safe buffers");
	for (size_t i = 0; i < count && !ka_interrupted(); i++) {
		struct log_safe row = {
			.name = b[i].name, .cpu = b[i].cpu, .addr = b[i].addr, .size = b[i].size, .lost = b[i].lost,
		};
		struct log_rest rest = { .name = b[i].name, .cpu = b[i].cpu };

		if (is_asked) {
			if (strcmp(name, b[i].name))
				ka_out_note(c->out, "PRINTK_SAFE_SEQ_BUF: %s", b[i].name);
			name = b[i].name;
			row.text = safe_lines(c, st, &b[i], "", false);
			row.lines = row.size ? safe_lines(c, st, &b[i], "  ", true) : "  (empty)";
			ka_out_row(c->out, &ka_rows_log_safe, &row);
			ka_out_note(c->out, "\n");
		} else if (b[i].size) {
			rest.text = safe_lines(c, st, &b[i], st->no_time ? "" : ka_printf(c->arena, "[%s] ", b[i].name),
					       true);
			ka_out_row(c->out, &ka_rows_log_rest, &rest);
		}
	}
}

static void audit_out(struct ka_call *c)
{
	struct ka_audit_record *r;
	struct ka_error *err;
	size_t count;

	err = ka_audit_records(c->k, c->arena, &r, &count);
	if (!err && !count)
		ka_out_note(c->out, "kernel audit log is empty");
	for (size_t i = 0; i < count; i++) {
		struct log_audit row = { .type = r[i].type, .queue = r[i].queue, .skb = r[i].skb,
					 .text = printable(c->arena, r[i].text, r[i].text_size) };

		ka_out_row(c->out, &ka_rows_log_audit, &row);
	}
	ka_call_fault(c, err);
}

static struct ka_error *run(struct ka_call *c)
{
	struct style st = {
		.wall_clock = ka_call_has(c, "T"), .no_time = ka_call_has(c, "t"), .level = ka_call_has(c, "m"),
		.caller = ka_call_has(c, "c"), .dict = ka_call_has(c, "d"),
		.rust = ka_call_has(c, "R"),
	};

	if (c->argc)
		return ka_call_usage(c, "log takes no arguments");
	if (ka_call_has(c, "a")) {
		audit_out(c);
		return NULL;
	}
	if (ka_call_has(c, "s")) {
		safe_out(c, &st, true);
		return NULL;
	}
	if (st.caller)
		st.caller_width = caller_width(c->k);
	log_out(c, &st);
	safe_out(c, &st, false);
	return NULL;
}

static const struct ka_option options[] = {
	{ "T", NULL, "wall-clock time of each message, in local time", false },
	{ "t", NULL, "no time stamps", false },
	{ "d", NULL, "the dictionary of each message (SUBSYSTEM=, DEVICE=) under it", false },
	{ "m", NULL, "the level before each message: <0> emergency ... <7> debug", false },
	{ "c", NULL, "who printed it: T and a thread id, or C and a CPU", false },
	{ "R", NULL, "names of Rust functions readable", false },
	{ "a", NULL, "audit records that no daemon has taken yet, instead", false },
	{ "s", NULL, "per-CPU buffers of messages that had not reached the log (kernels 4.7 to 5.14), instead", false },
	{ NULL, NULL, NULL, false },
};

static const struct ka_rows *const rows[] = { &ka_rows_log_row, &ka_rows_log_safe, &ka_rows_log_rest, &ka_rows_log_audit,
					     NULL };

const struct ka_command ka_command_log = {
	.name = "log",
	.args = "[-TtdmcasR]",
	.brief = "kernel messages",
	.help =
		"The messages of the kernel, oldest first, from the lockless ring buffer (5.10 and\n"
		"later), the record buffer (3.5 to 5.9) or the plain text buffer before. A damaged record\n"
		"is told and costs that record alone.\n"
		"\n"
		"The wall clock of -T is the kernel's real-time clock at the crash less the time since\n"
		"the message; it does not know of the clock being set, nor of suspends after the message.\n"
		"\n"
		"    log\n"
		"    log -T | tail\n"
		"    log -m | grep '^.*<[0-3]>'\n",
	.options = options,
	.needs = KA_NEED_SYMBOLS,	/* the few types of the log come from VMCOREINFO where there is no vmlinux */
	.rows = rows,
	.run = run,
};
