/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* search: a match as text and as a row. */
#include <inttypes.h>
#include "search.h"

#define SHOWN_TEXT 56	/* characters of a text that are shown, as crash does */
#define LINE_BYTES 16

struct search_task {
	int32_t pid;
	ka_addr task;
	uint32_t cpu;
	const char *comm;
};
#define COL(m, t, help) KA_COL(search_task, m, t, help)
static const struct ka_col task_cols[] = {
	COL(pid, KA_INT, "process id"), COL(task, KA_ADDR, "address of the task_struct"), COL(cpu, KA_UINT, "CPU"),
	COL(comm, KA_TEXT, "name"),
};
const struct ka_rows ka_rows_search_task = { "stacks", KA_SHAPE_LINE, NULL, "PID: {pid:<7}  TASK: {task:016}  CPU: {cpu:<3}  COMMAND: \"{comm}\"",
					     task_cols, KA_COUNT(task_cols) };

struct search_match {
	ka_addr address;
	uint64_t value;
	const char *sought, *line, *text;
	const char *const *before, *const *behind;
	bool is_value;
};
static const struct ka_col match_cols[] = {
	KA_COL(search_match, address, KA_ADDR, "where it lies"),
	{ "value", offsetof(struct search_match, value), sizeof(uint64_t), KA_ADDR, KA_ONLY_JSON, offsetof(struct search_match, is_value), NULL,
	  "what stands there" },
	KA_COLF(search_match, text, KA_TEXT, KA_ONLY_JSON, "of -c: what stands there, . for what cannot be printed"),
	KA_COLF(search_match, sought, KA_TEXT, KA_ONLY_JSON, "the argument that it matches"),
	KA_COLF(search_match, before, KA_LIST, KA_ONLY_JSON, "of -x: the values before it"),
	KA_COLF(search_match, behind, KA_LIST, KA_ONLY_JSON, "of -x: the values behind it"),
	KA_COLF(search_match, line, KA_TEXT, KA_ONLY_TEXT, "the match as text"),
};
const struct ka_rows ka_rows_search_match = { "matches", KA_SHAPE_LINE, NULL, "{line}", match_cols, KA_COUNT(match_cols) };

struct search_sum {
	uint64_t match_count, searched_bytes, missing_bytes, unreadable_bytes;
};
static const struct ka_col sum_cols[] = {
	KA_COL(search_sum, match_count, KA_UINT, "matches"),
	KA_COL(search_sum, searched_bytes, KA_UINT, "bytes that were searched; a page seen at two addresses counts twice"),
	KA_COL(search_sum, missing_bytes, KA_UINT, "bytes that are mapped but not in the dump"),
	KA_COL(search_sum, unreadable_bytes, KA_UINT, "of the bytes searched: those that could not be read"),
};
/* for programs alone: crash has no such line */
const struct ka_rows ka_rows_search_sum = { "sum", KA_SHAPE_LINE, NULL, "", sum_cols, KA_COUNT(sum_cols) };

static size_t read_some(const struct search *s, uint64_t at, uint8_t *ret, size_t size)
{
	struct ka_kernel *k = s->c->k;
	struct ka_error *err = NULL;
	size_t n = 0;

	if (s->space == KA_SPACE_USER)
		n = ka_read_user(k, s->mm, at, ret, size, &err);
	else if (s->space == KA_SPACE_VIRT)
		n = ka_read_some(k, at, ret, size, &err);
	while (s->space == KA_SPACE_PHYS && n < size && !err) {
		uint64_t page = ka_page_size(k), part = KA_MIN(size - n, page - ((at + n) & (page - 1)));

		err = ka_read_phys(k, (ka_phys){ at + n }, ret + n, part);
		n += err ? 0 : part;
	}
	ka_error_drop(err);
	return n;
}

static char printable(uint8_t byte)
{
	return byte >= 0x20 && byte < 0x7f ? (char)byte : '.';
}

/* Values beside a match, in the columns of rd; what cannot be read is left out. */
static const char *const *context(const struct search *s, struct ka_arena *a, uint64_t at, struct ka_str *text)
{
	struct ka_kernel *k = s->c->k;
	unsigned width = s->what.width, per_line = LINE_BYTES / width;
	size_t size = s->context * width, n;
	uint8_t *bytes = ka_alloc(a, size + 1);
	const char **list = ka_alloc(a, (s->context + 1) * sizeof(*list));

	n = read_some(s, at, bytes, size) / width;
	for (size_t i = 0; i < n; i += per_line) {
		size_t here = KA_MIN(n - i, (size_t)per_line);

		ka_str_printf(text, "%" PRIx64 ":  ", at + i * width);
		for (size_t j = 0; j < per_line; j++) {
			if (j >= here) {
				ka_str_pad(text, ' ', width * 2 + 1);
				continue;
			}
			uint64_t v = ka_uint_from(k, bytes + (i + j) * width, width);

			list[i + j] = ka_printf(a, "0x%0*" PRIx64, (int)width * 2, v);
			ka_str_printf(text, "%0*" PRIx64 " ", (int)width * 2, v);
		}
		ka_str_add(text, "  ");
		for (size_t j = 0; j < here * width; j++)
			ka_str_addc(text, printable(bytes[i * width + j]));
		ka_str_addc(text, '\n');
	}
	return list;
}

static void head(struct search *s)
{
	struct search_task row = { .pid = s->task->pid, .task = s->task->addr, .cpu = s->task->cpu };

	row.comm = ka_strndup(s->c->arena, s->task->comm, sizeof(s->task->comm));
	if (s->matches)
		ka_out_note(s->c->out, "\n");
	ka_out_begin(s->c->out, &ka_rows_search_task, &row);
	s->is_headed = true;
}

bool search_show(void *ctx, const struct ka_match *m)
{
	struct search *s = ctx;
	/* one for each match: there may be millions */
	struct ka_arena *a = ka_arena_new();
	struct search_match row = { .address = m->addr, .value = m->value, .is_value = s->what.width != 0, .sought = s->c->argv[m->which] };
	struct ka_str line = {0};

	if (s->task && !s->is_headed)
		head(s);
	if (!s->what.width) {
		uint8_t bytes[SHOWN_TEXT];
		char text[SHOWN_TEXT + 1] = "";
		size_t n = read_some(s, m->addr, bytes, sizeof(bytes));

		for (size_t i = 0; i < n; i++)
			text[i] = printable(bytes[i]);
		row.text = ka_strdup(a, text);
		ka_str_printf(&line, "%" PRIx64 ": %s", m->addr, text);
	} else {
		if (s->context) {
			uint64_t size = s->context * s->what.width;

			row.before = m->addr >= size ? context(s, a, m->addr - size, &line) : NULL;
		}
		ka_str_printf(&line, "%" PRIx64 ": %s%" PRIx64, m->addr, s->context ? " " : "", m->value);
		if (s->names[m->which])
			ka_str_printf(&line, " %s%s%s", s->names[m->which][0] == '(' ? "" : "(", s->names[m->which],
				      s->names[m->which][0] == '(' ? "" : ")");
		if (s->context) {
			ka_str_addc(&line, '\n');
			row.behind = context(s, a, m->addr + s->what.width, &line);
		}
	}
	row.line = line.p;
	ka_out_row(s->c->out, &ka_rows_search_match, &row);
	s->matches++;
	ka_str_free(&line);
	ka_arena_free(a);
	return true;
}

void search_sum(struct search *s, uint64_t bytes, uint64_t missing, uint64_t bad)
{
	struct search_sum row = { s->matches, bytes, missing, bad };

	ka_out_row(s->c->out, &ka_rows_search_sum, &row);
}
