/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Rows as tables, lines and records of text. */
#include "out_priv.h"

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

void ka_out_text_add(struct ka_out *out, const struct ka_rows *rows, const void *row)
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
