/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ps -a, -r: arguments and environment from a process's own memory, and its resource limits. */
#include <kanalyze/view.h>
#include "ps.h"

#define ARGUMENTS_MAX (8u << 20)	/* the kernel allows three quarters of an 8 MB stack */
#define LIMITS_MAX 64

struct ps_args_row {
	PS_HEAD;
	const char *const *args, *const *env;
};
static const struct ka_col args_cols[] = {
	PS_HEAD_COLS(ps_args_row),
	KA_COLF(ps_args_row, args, KA_LIST, KA_ONLY_JSON, "its argument vector; null for kernel threads"),
	KA_COLF(ps_args_row, env, KA_LIST, KA_ONLY_JSON, "its environment; null for kernel threads"),
};
const struct ka_rows ps_rows_args = { "tasks", KA_SHAPE_LINE, NULL, PS_HEAD_LINE, args_cols, KA_COUNT(args_cols) };

struct ps_limits_row {
	PS_HEAD;
};
static const struct ka_col limits_cols[] = { PS_HEAD_COLS(ps_limits_row) };
const struct ka_rows ps_rows_limits = { "tasks", KA_SHAPE_LINE, NULL, PS_HEAD_LINE, limits_cols, KA_COUNT(limits_cols) };

struct ps_limit_row {
	const char *name, *current_text, *maximum_text;
	bool has_current, has_maximum;
	uint64_t current, maximum;
};
static const struct ka_col limit_cols[] = {
	KA_COL(ps_limit_row, name, KA_TEXT, "CPU, FSIZE, DATA ..."),
	KA_COLF(ps_limit_row, current_text, KA_TEXT, KA_ONLY_TEXT, NULL),
	KA_COLF(ps_limit_row, maximum_text, KA_TEXT, KA_ONLY_TEXT, NULL),
	{ "current", offsetof(struct ps_limit_row, current), 8, KA_UINT, KA_ONLY_JSON, offsetof(struct ps_limit_row, has_current),
	  NULL, "soft limit; null: unlimited" },
	{ "maximum", offsetof(struct ps_limit_row, maximum), 8, KA_UINT, KA_ONLY_JSON, offsetof(struct ps_limit_row, has_maximum),
	  NULL, "hard limit; null: unlimited" },
};
const struct ka_rows ps_rows_limit = { "limits", KA_SHAPE_TABLE, "      RLIMIT     CURRENT       MAXIMUM",
	"  {name:>10}   {current_text}   {maximum_text}", limit_cols, KA_COUNT(limit_cols) };

/* The strings that lie one behind the other from start to end; the last may be cut where memory ends. */
static const char *const *strings(const struct ps *ps, const struct ka_task *t, uint64_t start, uint64_t end)
{
	struct ka_arena *a = ps->c->arena;
	struct ka_error *err = NULL;
	const char **list;
	size_t size, n = 0;
	char *buffer, *bytes;

	if (end < start || end - start > ARGUMENTS_MAX) {
		ka_call_fault(ps->c, ka_error_at(KA_CORRUPT, KA_SPACE_USER, start,
						 "PID %d: its arguments would lie from 0x%llx to 0x%llx", t->pid,
						 (unsigned long long)start, (unsigned long long)end));
		return NULL;
	}
	buffer = ka_xalloc(end - start + 1);
	size = ka_read_user(ps->k, t->mm, start, buffer, end - start, &err);
	/* only what was there is kept: how long it would be is the dump's word */
	bytes = memcpy(ka_alloc(a, size + 1), buffer, size);
	free(buffer);
	if (err)
		ka_call_fault(ps->c, ka_error_wrap(err, "PID %d: cannot access user stack address: %llx", t->pid,
						   (unsigned long long)(start + size)));
	if (err && !size)
		return NULL;
	for (size_t i = 0; i < size; i++)
		n += !bytes[i] || i + 1 == size;
	list = ka_alloc(a, (n + 1) * sizeof(*list));
	n = 0;
	for (size_t i = 0; i < size; i += strlen(bytes + i) + 1)
		list[n++] = bytes + i;
	return list;
}

static void arguments_text(const struct ps *ps, const char *const *args, const char *const *env)
{
	struct ka_str line = {0};
	const char *label = "ENV: ";

	for (size_t i = 0; args && args[i]; i++)
		if (args[i][0])
			ka_str_printf(&line, "%s%s", line.len ? " " : "", args[i]);
	if (args)
		ka_out_note(ps->c->out, "ARG: %s", line.len ? line.p : "");
	for (size_t i = 0; env && env[i]; i++) {
		if (!env[i][0])
			continue;
		ka_out_note(ps->c->out, "%s%s", label, env[i]);
		label = "     ";
	}
	if (env && label[0] == 'E')
		ka_out_note(ps->c->out, "ENV: ");
	ka_str_free(&line);
}

void ps_arguments(const struct ps *ps)
{
	for (size_t i = 0; i < ps->chosen_count && !ka_interrupted(); i++) {
		const struct ka_task *t = ps->chosen[i];
		struct ps_args_row row = { PS_HEAD_OF(t) };
		struct ka_mm mm;

		memcpy(row.comm, t->comm, sizeof(row.comm));
		if (t->mm) {
			struct ka_error *err = ka_mm_read(ps->k, t->mm, &mm);

			if (!err) {
				row.args = strings(ps, t, mm.arg_start, mm.arg_end);
				row.env = strings(ps, t, mm.env_start, mm.env_end);
			}
			ka_call_fault(ps->c, ka_error_wrap(err, "PID %d", t->pid));
		}
		ka_out_row(ps->c->out, &ps_rows_args, &row);
		if (!t->mm)
			ka_out_note(ps->c->out, "ps: no user stack");
		else if (ka_out_is_text(ps->c->out))
			arguments_text(ps, row.args, row.env);
		ka_out_note(ps->c->out, "\n");
	}
}

/* Their numbers are the same on all architectures but alpha, mips and sparc, where 5 to 9 are in another order. */
static const char *const limit_names[] = { "CPU", "FSIZE", "DATA", "STACK", "CORE", "RSS", "NPROC", "NOFILE", "MEMLOCK",
					   "AS", "LOCKS", "SIGPENDING", "MSGQUEUE", "NICE", "RTPRIO", "RTTIME" };

/* rlim is the process's since v2.6.10; each task had its own before. */
static struct ka_error *limits_place(const struct ps *ps, bool *ret_in_signal, struct ka_member *ret)
{
	struct ka_error *err = ka_type_member(ps->k, "signal_struct", "rlim", ret);

	*ret_in_signal = !err;
	if (ka_error_catch(&err, KA_MISSING))
		err = ka_type_member(ps->k, "task_struct", "rlim", ret);
	if (!err && (!ret->count || ret->count > LIMITS_MAX || ret->size != ret->count * 2 * ka_long_size(ps->k)))
		err = ka_error_new(KA_UNSUPPORTED, "rlim is no array of struct rlimit");
	return ka_error_wrap(err, "cannot determine rlimit array location");
}

static const char *limit_text(const struct ps *ps, uint64_t value, bool is_limited)
{
	char *digits;
	int pad;

	if (!is_limited)
		return "(unlimited)";
	digits = ka_printf(ps->c->arena, "%llu", (unsigned long long)value);
	pad = 11 - (int)strlen(digits);
	return pad > 0 ? ka_printf(ps->c->arena, "%*s%s%*s", pad / 2, "", digits, pad - pad / 2, "") : digits;
}

static struct ka_error *limits_one(const struct ps *ps, const struct ka_task *t, bool in_signal, const struct ka_member *m)
{
	unsigned width = ka_long_size(ps->k);
	uint64_t unlimited = width == 8 ? UINT64_MAX : UINT32_MAX;
	uint8_t bytes[LIMITS_MAX * 16];
	struct ps_limits_row head = { PS_HEAD_OF(t) };
	struct ka_error *err = ka_read(ps->k, (in_signal ? t->signal : t->addr) + m->offset, bytes, m->size);

	if (err)
		return ka_error_wrap(err, "PID %d: cannot read its resource limits", t->pid);
	memcpy(head.comm, t->comm, sizeof(head.comm));
	ka_out_begin(ps->c->out, &ps_rows_limits, &head);
	for (size_t i = 0; i < m->count; i++) {
		struct ps_limit_row row = { .name = i < KA_COUNT(limit_names) ? limit_names[i] : "(unknown)" };

		row.current = ka_uint_from(ps->k, bytes + i * 2 * width, width);
		row.maximum = ka_uint_from(ps->k, bytes + (i * 2 + 1) * width, width);
		row.has_current = row.current != unlimited;
		row.has_maximum = row.maximum != unlimited;
		row.current_text = limit_text(ps, row.current, row.has_current);
		row.maximum_text = limit_text(ps, row.maximum, row.has_maximum);
		ka_out_row(ps->c->out, &ps_rows_limit, &row);
	}
	ka_out_end(ps->c->out);
	ka_out_note(ps->c->out, "\n");
	return NULL;
}

struct ka_error *ps_limits(const struct ps *ps)
{
	struct ka_member m;
	bool in_signal;
	struct ka_error *err = limits_place(ps, &in_signal, &m);

	for (size_t i = 0; i < ps->chosen_count && !err && !ka_interrupted(); i++)
		ka_call_fault(ps->c, limits_one(ps, ps->chosen[i], in_signal, &m));
	return err;
}
