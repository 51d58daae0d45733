/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Rows and faults of a command into one document: text, JSON or JSON lines. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "out_priv.h"

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
	ka_part_free(out);
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

void ka_out_subject(struct ka_out *out, const char *members)
{
	out->subject = members;
}

struct document *ka_document_now(struct ka_out *out)
{
	return out->documents.n ? &out->documents.at[out->documents.n - 1] : NULL;
}

/* The commands' side. */

/* Before each line of text. */
static void text_begin(struct ka_out *out, const struct ka_rows *rows)
{
	struct document *doc = ka_document_now(out);

	if (rows && rows->line && !*rows->line)	/* of JSON alone */
		return;
	if (out->is_gap_due && doc && doc->had_text)
		ka_str_addc(&out->sink->buf, '\n');
	else if (out->is_gap_due && out->part && out->documents.n == 1)
		ka_part_gap(out);
	out->is_gap_due = false;
	if (doc)
		doc->had_text = true;
}

void ka_out_row(struct ka_out *out, const struct ka_rows *rows, const void *row)
{
	if (out->too_deep || out->sink->is_broken)
		return;
	if (out->format == KA_OUT_TEXT) {
		text_begin(out, rows);
		ka_out_text_add(out, rows, row);
	} else {
		ka_out_json_end(out, ka_out_json_begin(out, rows, row));
	}
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
	if (out->format == KA_OUT_TEXT) {
		text_begin(out, rows);
		ka_out_text_add(out, rows, row);
	} else {
		to = ka_out_json_begin(out, rows, row);
	}
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
	ka_level_close(&out->levels[out->depth--]);
	if (to)
		ka_out_json_end(out, to);
	if (out->part)
		ka_sink_tick(out->sink);
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
	text_begin(out, NULL);
	if (text.len)
		ka_escape_text(&out->sink->buf, text.p, text.len, true);
	if (!text.len || text.p[text.len - 1] != '\n')
		ka_str_addc(&out->sink->buf, '\n');
	ka_str_free(&text);
	ka_sink_tick(out->sink);
}

void ka_out_gap(struct ka_out *out)
{
	out->is_gap_due = out->format == KA_OUT_TEXT;
}

void ka_out_new_table(struct ka_out *out)
{
	out->levels[out->depth].heading_of = NULL;
}

/* The shell's side. */

static void document_close(struct ka_out *out)
{
	struct document *doc = ka_document_now(out);
	struct ka_str *to = &out->sink->buf;

	while (out->depth || out->too_deep)	/* a command that left in the middle */
		ka_out_end(out);
	if (out->format == KA_OUT_JSON) {
		ka_document_open(out);
		out->levels[0].to = to;
		ka_level_close(&out->levels[0]);
		if (!doc->had_rows && doc->default_rows && doc->default_rows->shape != KA_SHAPE_RECORD)
			ka_str_printf(to, ",\"%s\":[]", doc->default_rows->name);
		ka_str_add(to, ",\"errors\":[");
		if (doc->errors.len)
			ka_str_addn(to, doc->errors.p, doc->errors.len);
		ka_str_add(to, "]}\n");
	} else {
		if (out->format == KA_OUT_JSONL)
			ka_errors_flush(out);
		ka_level_close(&out->levels[0]);
	}
	ka_str_clear(&doc->errors);
	doc->is_open = doc->had_rows = false;
}

void ka_out_document_begin(struct ka_out *out, const char *command, const struct ka_rows *default_rows)
{
	struct document *outer = ka_document_now(out);

	if (outer) {
		outer->had_inner = true;
		if (outer->had_rows || outer->errors.len || out->depth)
			document_close(out);
	}
	ka_vec_push(&out->documents, (struct document){ .command = command, .default_rows = default_rows, .subject = out->subject });
	out->levels[0].heading_of = NULL;
	out->is_gap_due = false;
}

void ka_out_document_end(struct ka_out *out)
{
	struct document *doc = ka_document_now(out);

	if (!doc)
		return;
	if (!doc->had_inner || doc->had_rows || doc->errors.len)
		document_close(out);
	ka_str_free(&doc->errors);
	out->documents.n--;
	out->is_gap_due = false;
	ka_sink_tick(out->sink);
}

void ka_fault_text(struct ka_out *out, const char *command, const struct ka_error *err)
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
	if (err->detail && (is_paged || isatty(out->faults_fd))) {
		ka_escape_text(&text, err->detail, strlen(err->detail), true);
		ka_str_add(&text, "\n");
	}
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
	struct document *doc = ka_document_now(out);

	/* The reader left: what ended because of that is no news. */
	if (err->code == KA_INTERRUPTED && (out->sink->is_broken || out->sink->error))
		return;
	if (out->format == KA_OUT_TEXT && out->part && doc) {
		ka_part_fault(out, err);
		return;
	}
	if (out->format == KA_OUT_TEXT || !doc) {
		ka_fault_text(out, doc ? doc->command : NULL, err);
		return;
	}
	if (out->format == KA_OUT_JSONL) {
		ka_str_add(&doc->errors, "{\"command\":");
		ka_escape_json(&doc->errors, doc->command, strlen(doc->command));
		if (doc->subject)
			ka_str_add(&doc->errors, doc->subject);
		ka_str_add(&doc->errors, ",\"row\":\"errors\",");
	} else {
		ka_str_add(&doc->errors, doc->errors.len ? ",{" : "{");
	}
	ka_json_error(&doc->errors, err);
	ka_str_add(&doc->errors, out->format == KA_OUT_JSONL ? "}\n" : "}");
	if (out->format == KA_OUT_JSONL)
		ka_errors_flush(out);
}
