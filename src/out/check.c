/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Is a description of rows sound? Run by a test over the rows of every command. */
#include <ctype.h>

#include "out.h"
#include "template.h"

static bool is_identifier(const char *s)
{
	if (!s || (!isalpha((unsigned char)*s) && *s != '_'))
		return false;
	for (; *s; s++) {
		if (!isalnum((unsigned char)*s) && *s != '_')
			return false;
	}
	return true;
}

static bool size_fits(const struct ka_col *col)
{
	switch (col->type) {
	case KA_INT:
	case KA_UINT:
	case KA_HEX:
		return col->size == 1 || col->size == 2 || col->size == 4 || col->size == 8;
	case KA_ADDR:
		return col->size == 8;
	case KA_BOOL:
		return col->size == sizeof(bool);
	case KA_FLOAT:
		return col->size == sizeof(double);
	case KA_TEXT:
	case KA_LIST:
	case KA_VALUE:
		return col->size == sizeof(char *);
	case KA_CHARS:
		return col->size > 0;
	}
	return false;
}

static const char *column_fault(const struct ka_rows *rows, const struct ka_col *col)
{
	if (!is_identifier(col->key))
		return "has a key that is no identifier";
	/* JSON lines put these two beside the cells. */
	if (!(col->flags & KA_ONLY_TEXT) && (!strcmp(col->key, "command") || !strcmp(col->key, "row")))
		return "has a key that frames the rows of JSON lines; call it otherwise";
	if (!size_fits(col))
		return "is of a size that its type cannot have";
	if (!(col->flags & KA_ONLY_TEXT) && (!col->help || !*col->help))
		return "has no help";
	if ((col->flags & KA_ONLY_TEXT) && (col->flags & KA_ONLY_JSON))
		return "is of text alone and of JSON alone";
	if (col->type == KA_VALUE && !(col->flags & KA_ONLY_JSON))
		return "is a tree and not of JSON alone";
	/* Without one, a record shows the column in JSON alone. */
	if (rows->shape == KA_SHAPE_RECORD && !col->label && (col->flags & KA_ONLY_TEXT))
		return "of a record is of text alone and has no label";
	for (const struct ka_col *other = rows->cols; other < col; other++) {
		if (!strcmp(other->key, col->key) && !(col->flags & KA_ONLY_TEXT) && !(other->flags & KA_ONLY_TEXT))
			return "is there twice";
	}
	return NULL;
}

struct ka_error *ka_rows_check(const struct ka_rows *rows)
{
	struct ka_template t;
	struct ka_arena *a;
	struct ka_error *err;

	if (!is_identifier(rows->name))
		return ka_error_new(KA_FORMAT, "rows '%s': the name is no identifier", rows->name ? rows->name : "");
	if (!strcmp(rows->name, "command") || !strcmp(rows->name, "errors") || !strcmp(rows->name, "row"))
		return ka_error_new(KA_FORMAT, "rows '%s': the name is a key of every document", rows->name);
	if (!rows->col_count)
		return ka_error_new(KA_FORMAT, "rows '%s': no columns", rows->name);
	if ((rows->shape == KA_SHAPE_RECORD) != !rows->line)
		return ka_error_new(KA_FORMAT, "rows '%s': records have no template, others need one", rows->name);
	for (size_t i = 0; i < rows->col_count; i++) {
		const char *fault = column_fault(rows, &rows->cols[i]);

		if (fault)
			return ka_error_new(KA_FORMAT, "rows '%s': column '%s' %s", rows->name, rows->cols[i].key, fault);
	}
	a = ka_arena_new();
	err = ka_template_parse(a, rows, &t);
	ka_arena_free(a);
	return err;
}
