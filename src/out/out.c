/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Rows and faults of a command into one document: text, JSON or JSON lines. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "out.h"
#include "template.h"

#define DEPTH_MAX 32	/* rows within rows: a tree deeper than that is cut off by its command, not here */

/* Rows of one name at one level of a JSON document. The first name is written as it comes; the others wait for the end. */
struct group {
	const char *name;
	bool is_record;
	size_t count;
	struct ka_str text;
};

struct level {
	const struct ka_rows *heading_of;	/* text: the table whose heading was printed last */
	struct ka_str *to;			/* JSON: where the members of this level's object go */
	const char *stream;			/* JSON: name of the array that is being written */
	struct {
		KA_VEC(struct group *);
	} groups;
};

struct document {
	const char *command;
	const struct ka_rows *default_rows;
	bool is_open;		/* JSON: its brace was written */
	bool had_inner;		/* another command's document came within */
	bool had_rows;
	struct ka_str errors;	/* JSON: the objects of its faults; JSON lines: those that wait for the end of a row */
};

struct ka_out {
	struct ka_sink *sink;
	enum ka_out_format format;
	bool has_colour;
	bool faults_redirected;		/* set error redirect */
	int faults_fd;			/* set error FILE; else standard error */
	struct ka_arena *arena;		/* of the templates */
	struct ka_map templates;	/* struct ka_rows * to struct ka_template * */
	struct level levels[DEPTH_MAX];
	size_t depth;			/* of the open row; 0: the document */
	size_t too_deep;		/* rows opened beyond DEPTH_MAX */
	struct {
		KA_VEC(struct document);
	} documents;
};

struct ka_out *ka_out_new(void)
{
	struct ka_out *out = ka_xalloc(sizeof(*out));

	out->arena = ka_arena_new();
	out->faults_fd = STDERR_FILENO;
	return out;
}

void ka_out_free(struct ka_out *out)
{
	if (!out)
		return;
	for (size_t i = 0; i < DEPTH_MAX; i++)
		ka_vec_free(&out->levels[i].groups);
	for (size_t i = 0; i < out->documents.n; i++)
		ka_str_free(&out->documents.at[i].errors);
	ka_vec_free(&out->documents);
	if (out->faults_fd != STDERR_FILENO)
		close(out->faults_fd);
	ka_map_free(&out->templates);
	ka_arena_free(out->arena);
	free(out);
}

void ka_out_direct(struct ka_out *out, struct ka_sink *sink, enum ka_out_format format, bool has_colour)
{
	out->sink = sink;
	out->format = format;
	out->has_colour = has_colour;
}

struct ka_error *ka_out_faults_to(struct ka_out *out, const char *where)
{
	bool is_redirect = !strcmp(where, "redirect");
	int fd = STDERR_FILENO;

	if (!is_redirect && strcmp(where, "default")) {
		fd = open(where, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
		if (fd < 0)
			return ka_error_new(KA_IO, "cannot open %s: %s", where, strerror(errno));
	}
	if (out->faults_fd != STDERR_FILENO)
		close(out->faults_fd);
	out->faults_fd = fd;
	out->faults_redirected = is_redirect;
	return NULL;
}

struct ka_sink *ka_out_sink(const struct ka_out *out)
{
	return out->sink;
}

enum ka_out_format ka_out_format(const struct ka_out *out)
{
	return out->format;
}

bool ka_out_is_text(const struct ka_out *out)
{
	return out->format == KA_OUT_TEXT;
}

static const struct ka_template *template_of(struct ka_out *out, const struct ka_rows *rows)
{
	uint64_t found;
	struct ka_template *t;
	struct ka_error *err;

	if (ka_map_get(&out->templates, (uintptr_t)rows, &found))
		return (const struct ka_template *)(uintptr_t)found;
	t = ka_alloc(out->arena, sizeof(*t));
	err = ka_template_parse(out->arena, rows, t);
	if (err) {
		/* The test over all rows finds it first; a plug-in's may still come here. */
		ka_log_write("%s", err->message);
		ka_error_free(err);
	}
	ka_map_add(&out->templates, (uintptr_t)rows, (uintptr_t)t);
	return t;
}

static struct document *document_now(struct ka_out *out)
{
	return out->documents.n ? &out->documents.at[out->documents.n - 1] : NULL;
}

/* Text. */

static void heading_add(struct ka_out *out, const struct ka_rows *rows)
{
	struct ka_str *to = &out->sink->buf;
	struct level *level = &out->levels[out->depth];

	if (rows->shape != KA_SHAPE_TABLE || level->heading_of == rows)
		return;
	level->heading_of = rows;
	if (!rows->heading)
		return;
	if (out->has_colour)
		ka_str_add(to, "\033[1m");
	ka_str_add(to, rows->heading);
	ka_str_add(to, out->has_colour ? "\033[0m\n" : "\n");
}

static void record_add(struct ka_out *out, const struct ka_rows *rows, const void *row)
{
	static const struct ka_spec plain = { .decimals = -1 };
	struct ka_str *to = &out->sink->buf;
	int width = 0;

	for (size_t i = 0; i < rows->col_count; i++) {
		if (rows->cols[i].label)
			width = KA_MAX(width, (int)strlen(rows->cols[i].label));
	}
	width = KA_MAX(width, 12);
	for (size_t i = 0; i < rows->col_count; i++) {
		const struct ka_col *col = &rows->cols[i];
		bool is_string = col->type == KA_TEXT || col->type == KA_CHARS || col->type == KA_LIST;

		if (!col->label || (col->flags & KA_ONLY_JSON) || !ka_cell_is_there(col, row) ||
		    (is_string && !ka_cell_is_true(col, row)))
			continue;
		ka_str_pad(to, ' ', width - strlen(col->label));
		ka_str_printf(to, out->has_colour ? "\033[1m%s:\033[0m " : "%s: ", col->label);
		ka_text_cell(to, col, &plain, row);
		ka_str_addc(to, '\n');
	}
}

static void text_add(struct ka_out *out, const struct ka_rows *rows, const void *row)
{
	if (rows->shape == KA_SHAPE_RECORD) {
		record_add(out, rows, row);
		return;
	}
	if (rows->line && !*rows->line)	/* rows of JSON alone */
		return;
	heading_add(out, rows);
	ka_text_row(&out->sink->buf, template_of(out, rows), row);
	ka_str_addc(&out->sink->buf, '\n');
}

/* JSON. */

static void document_open(struct ka_out *out)
{
	struct document *doc = document_now(out);

	if (!doc || doc->is_open)
		return;
	doc->is_open = true;
	ka_str_add(&out->sink->buf, "{\"command\":");
	ka_escape_json(&out->sink->buf, doc->command, strlen(doc->command));
	out->levels[0].to = &out->sink->buf;
}

static struct group *group_find(struct level *level, const struct ka_rows *rows)
{
	struct group *g;

	for (size_t i = 0; i < level->groups.n; i++) {
		if (!strcmp(level->groups.at[i]->name, rows->name))
			return level->groups.at[i];
	}
	g = ka_xalloc(sizeof(*g));
	g->name = rows->name;
	g->is_record = rows->shape == KA_SHAPE_RECORD;
	ka_vec_push(&level->groups, g);
	return g;
}

/* Where the object of the next row of this kind goes; what must stand before it was added. */
static struct ka_str *row_place(struct ka_out *out, const struct ka_rows *rows)
{
	struct level *level = &out->levels[out->depth];
	struct group *g;

	if (rows->shape != KA_SHAPE_RECORD && !level->stream) {
		bool is_waiting = false;

		for (size_t i = 0; i < level->groups.n; i++)
			is_waiting |= !strcmp(level->groups.at[i]->name, rows->name);
		if (!is_waiting) {
			level->stream = rows->name;
			ka_str_printf(level->to, ",\"%s\":[", rows->name);
			return level->to;
		}
	}
	if (level->stream && !strcmp(level->stream, rows->name)) {
		ka_str_addc(level->to, ',');
		return level->to;
	}
	g = group_find(level, rows);
	if (g->count++)
		ka_str_addc(&g->text, ',');
	return &g->text;
}

static void level_close(struct level *level)
{
	if (level->stream)
		ka_str_addc(level->to, ']');
	for (size_t i = 0; i < level->groups.n; i++) {
		struct group *g = level->groups.at[i];
		/* A record is an object; should one come twice, both are kept. */
		bool is_array = !g->is_record || g->count > 1;

		ka_str_printf(level->to, ",\"%s\":%s", g->name, is_array ? "[" : "");
		ka_str_addn(level->to, g->text.p, g->text.len);
		ka_str_add(level->to, is_array ? "]" : "");
		ka_str_free(&g->text);
		free(g);
	}
	level->groups.n = 0;
	level->stream = NULL;
	level->heading_of = NULL;
}

static struct ka_str *json_begin(struct ka_out *out, const struct ka_rows *rows, const void *row)
{
	struct document *doc = document_now(out);
	struct ka_str *to;

	if (out->format == KA_OUT_JSONL && !out->depth) {
		to = &out->sink->buf;
		ka_str_add(to, "{\"command\":");
		ka_escape_json(to, doc ? doc->command : "", strlen(doc ? doc->command : ""));
		ka_str_printf(to, ",\"row\":\"%s\",", rows->name);
	} else {
		if (!out->depth)
			document_open(out);
		to = row_place(out, rows);
		ka_str_addc(to, '{');
	}
	if (doc)
		doc->had_rows = true;
	ka_json_cells(to, rows, row);
	return to;
}

static void errors_flush(struct ka_out *out)
{
	struct document *doc = document_now(out);

	if (!doc || !doc->errors.len || out->depth)
		return;
	ka_str_addn(&out->sink->buf, doc->errors.p, doc->errors.len);
	ka_str_clear(&doc->errors);
}

static void json_end(struct ka_out *out, struct ka_str *to)
{
	ka_str_addc(to, '}');
	if (out->format == KA_OUT_JSONL && !out->depth) {
		ka_str_addc(to, '\n');
		errors_flush(out);
	}
}

/* The commands' side. */

void ka_out_row(struct ka_out *out, const struct ka_rows *rows, const void *row)
{
	if (out->too_deep || out->sink->is_broken)
		return;
	if (out->format == KA_OUT_TEXT)
		text_add(out, rows, row);
	else
		json_end(out, json_begin(out, rows, row));
	ka_sink_tick(out->sink);
}

void ka_out_begin(struct ka_out *out, const struct ka_rows *rows, const void *row)
{
	struct ka_str *to = NULL;

	if (out->depth + 1 >= DEPTH_MAX) {
		ka_out_row(out, rows, row);
		out->too_deep++;
		return;
	}
	if (out->format == KA_OUT_TEXT)
		text_add(out, rows, row);
	else
		to = json_begin(out, rows, row);
	out->depth++;
	out->levels[out->depth].to = to;
	/* Rows of the same kind within one another are one table. */
	out->levels[out->depth].heading_of = rows;
	ka_sink_tick(out->sink);
}

void ka_out_end(struct ka_out *out)
{
	struct ka_str *to;

	if (out->too_deep) {
		out->too_deep--;
		return;
	}
	if (!out->depth)
		return;
	to = out->levels[out->depth].to;
	level_close(&out->levels[out->depth--]);
	if (to)
		json_end(out, to);
}

void ka_out_note(struct ka_out *out, const char *fmt, ...)
{
	struct ka_str text = {0};
	va_list ap;

	if (out->format != KA_OUT_TEXT)
		return;
	va_start(ap, fmt);
	ka_str_vprintf(&text, fmt, ap);
	va_end(ap);
	if (text.len)
		ka_escape_text(&out->sink->buf, text.p, text.len, true);
	if (!text.len || text.p[text.len - 1] != '\n')
		ka_str_addc(&out->sink->buf, '\n');
	ka_str_free(&text);
	ka_sink_tick(out->sink);
}

void ka_out_new_table(struct ka_out *out)
{
	out->levels[out->depth].heading_of = NULL;
}

/* The shell's side. */

static void document_close(struct ka_out *out)
{
	struct document *doc = document_now(out);
	struct ka_str *to = &out->sink->buf;

	while (out->depth || out->too_deep)	/* a command that left in the middle */
		ka_out_end(out);
	if (out->format == KA_OUT_JSON) {
		document_open(out);
		out->levels[0].to = to;
		level_close(&out->levels[0]);
		if (!doc->had_rows && doc->default_rows && doc->default_rows->shape != KA_SHAPE_RECORD)
			ka_str_printf(to, ",\"%s\":[]", doc->default_rows->name);
		ka_str_add(to, ",\"errors\":[");
		if (doc->errors.len)
			ka_str_addn(to, doc->errors.p, doc->errors.len);
		ka_str_add(to, "]}\n");
	} else {
		if (out->format == KA_OUT_JSONL)
			errors_flush(out);
		level_close(&out->levels[0]);
	}
	ka_str_clear(&doc->errors);
	doc->is_open = doc->had_rows = false;
}

void ka_out_document_begin(struct ka_out *out, const char *command, const struct ka_rows *default_rows)
{
	struct document *outer = document_now(out);

	if (outer) {
		outer->had_inner = true;
		if (outer->had_rows || outer->errors.len || out->depth)
			document_close(out);
	}
	ka_vec_push(&out->documents, (struct document){ .command = command, .default_rows = default_rows });
	out->levels[0].heading_of = NULL;
}

void ka_out_document_end(struct ka_out *out)
{
	struct document *doc = document_now(out);

	if (!doc)
		return;
	if (!doc->had_inner || doc->had_rows || doc->errors.len)
		document_close(out);
	ka_str_free(&doc->errors);
	out->documents.n--;
	ka_sink_tick(out->sink);
}

static void fault_text(struct ka_out *out, const char *command, const struct ka_error *err)
{
	struct ka_str text = {0};
	/* Text that waits for the pager, and its faults, are for one screen. */
	bool is_paged = out->sink->pager && out->faults_fd == STDERR_FILENO && isatty(STDERR_FILENO);
	bool is_in_sink = is_paged || out->faults_redirected;
	bool has_colour = out->has_colour && (is_in_sink || isatty(out->faults_fd));

	ka_str_add(&text, has_colour ? "\033[31mkanalyze: " : "kanalyze: ");
	if (command)
		ka_str_printf(&text, "%s: ", command);
	ka_escape_text(&text, err->message, strlen(err->message), true);
	ka_str_add(&text, has_colour ? "\033[0m\n" : "\n");
	if (is_in_sink) {
		ka_str_addn(&out->sink->buf, text.p, text.len);
		ka_sink_tick(out->sink);
	} else {
		ka_sink_flush(out->sink);
		if (write(out->faults_fd, text.p, text.len) < 0)
			ka_log(1, "errors cannot be written");
	}
	ka_str_free(&text);
}

void ka_out_fault(struct ka_out *out, const struct ka_error *err)
{
	struct document *doc = document_now(out);

	/* The reader left: what ended because of that is no news. */
	if (err->code == KA_INTERRUPTED && (out->sink->is_broken || out->sink->error))
		return;
	if (out->format == KA_OUT_TEXT || !doc) {
		fault_text(out, doc ? doc->command : NULL, err);
		return;
	}
	if (out->format == KA_OUT_JSONL) {
		ka_str_add(&doc->errors, "{\"command\":");
		ka_escape_json(&doc->errors, doc->command, strlen(doc->command));
		ka_str_add(&doc->errors, ",\"row\":\"errors\",");
	} else {
		ka_str_add(&doc->errors, doc->errors.len ? ",{" : "{");
	}
	ka_json_error(&doc->errors, err);
	ka_str_add(&doc->errors, out->format == KA_OUT_JSONL ? "}\n" : "}");
	if (out->format == KA_OUT_JSONL)
		errors_flush(out);
}
