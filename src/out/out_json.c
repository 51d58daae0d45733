/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Rows as members of a JSON document: those of one name stream, those of others wait for the end of their level. */
#include "out_priv.h"

void ka_document_open(struct ka_out *out)
{
	struct document *doc = ka_document_now(out);

	if (!doc || doc->is_open)
		return;
	doc->is_open = true;
	ka_str_add(&out->sink->buf, "{\"command\":");
	ka_escape_json(&out->sink->buf, doc->command, strlen(doc->command));
	if (doc->subject)
		ka_str_add(&out->sink->buf, doc->subject);
	out->levels[0].to = &out->sink->buf;
}

static struct group *group_find(struct level *level, const struct ka_rows *rows)
{
	struct group *g;

	for (size_t i = 0; i < level->groups.n; i++) {
		if (!strcmp(level->groups.at[i]->rows->name, rows->name))
			return level->groups.at[i];
	}
	g = ka_xalloc(sizeof(*g));
	g->rows = rows;
	ka_vec_push(&level->groups, g);
	return g;
}

/* Where the object of the next row of this kind goes; what must stand before it was added. */
static struct ka_str *row_place(struct ka_out *out, const struct ka_rows *rows)
{
	struct level *level = &out->levels[out->depth];
	struct group *g;

	if (rows->shape != KA_SHAPE_RECORD && !level->stream && !ka_part_keeps_groups(out)) {
		bool is_waiting = false;

		for (size_t i = 0; i < level->groups.n; i++)
			is_waiting |= !strcmp(level->groups.at[i]->rows->name, rows->name);
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

void ka_level_close(struct level *level)
{
	if (level->stream)
		ka_str_addc(level->to, ']');
	for (size_t i = 0; i < level->groups.n; i++) {
		struct group *g = level->groups.at[i];
		/* A record is an object; should one come twice, both are kept. */
		bool is_array = g->rows->shape != KA_SHAPE_RECORD || g->count > 1;

		ka_str_printf(level->to, ",\"%s\":%s", g->rows->name, is_array ? "[" : "");
		ka_str_addn(level->to, g->text.p, g->text.len);
		ka_str_add(level->to, is_array ? "]" : "");
		ka_str_free(&g->text);
		free(g);
	}
	level->groups.n = 0;
	level->stream = NULL;
	level->heading_of = NULL;
}

struct ka_str *ka_out_json_begin(struct ka_out *out, const struct ka_rows *rows, const void *row)
{
	struct document *doc = ka_document_now(out);
	struct ka_str *to;

	if (out->format == KA_OUT_JSONL && !out->depth) {
		to = &out->sink->buf;
		ka_str_add(to, "{\"command\":");
		ka_escape_json(to, doc ? doc->command : "", strlen(doc ? doc->command : ""));
		if (doc && doc->subject)
			ka_str_add(to, doc->subject);
		ka_str_printf(to, ",\"row\":\"%s\",", rows->name);
	} else {
		if (!out->depth && !ka_part_keeps_groups(out))
			ka_document_open(out);
		to = row_place(out, rows);
		ka_str_addc(to, '{');
	}
	if (doc)
		doc->had_rows = true;
	ka_json_cells(to, rows, row);
	return to;
}

void ka_out_json_group(struct ka_out *out, const struct ka_rows *rows, const char *text, size_t count)
{
	struct level *level = &out->levels[0];
	struct ka_str *to;

	if (!count)
		return;
	if (!out->depth)
		ka_document_open(out);
	to = row_place(out, rows);
	ka_str_add(to, text);
	if (count > 1 && !(level->stream && !strcmp(level->stream, rows->name)))
		group_find(level, rows)->count += count - 1;
	ka_document_now(out)->had_rows = true;
}

void ka_errors_flush(struct ka_out *out)
{
	struct document *doc = ka_document_now(out);

	if (!doc || !doc->errors.len || out->depth)
		return;
	ka_str_addn(&out->sink->buf, doc->errors.p, doc->errors.len);
	ka_str_clear(&doc->errors);
}

void ka_out_json_end(struct ka_out *out, struct ka_str *to)
{
	ka_str_addc(to, '}');
	if (out->format == KA_OUT_JSONL && !out->depth) {
		ka_str_addc(to, '\n');
		ka_errors_flush(out);
	}
}
