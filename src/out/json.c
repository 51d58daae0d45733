/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Cells, rows and errors as JSON. */
#include <math.h>
#include <stdio.h>

#include "out.h"
#include "template.h"

static void address_add(struct ka_str *to, uint64_t value)
{
	ka_str_addn(to, "\"0x", 3);
	ka_number_add(to, value, 16);
	ka_str_addc(to, '"');
}

static void int_add(struct ka_str *to, uint64_t value)
{
	if ((int64_t)value < 0) {
		ka_str_addc(to, '-');
		value = -value;
	}
	ka_number_add(to, value, 10);
}

/* As few digits as read back to the same number, but no more than these: what was calculated has no more that mean anything. */
static void float_add(struct ka_str *to, double d, int digits_max)
{
	char text[32];

	if (!isfinite(d)) {
		ka_str_addn(to, "null", 4);	/* JSON has no word for it */
		return;
	}
	for (int digits = 15; digits <= digits_max; digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, d);
		if (strtod(text, NULL) == d)
			break;
	}
	ka_str_add(to, text);
}

static void node_add(struct ka_str *to, const struct ka_node *n, unsigned depth)
{
	switch (depth > KA_NODE_DEPTH_MAX ? KA_NODE_NULL : n->kind) {
	case KA_NODE_NULL:
		ka_str_addn(to, "null", 4);
		break;
	case KA_NODE_BOOL:
		ka_str_add(to, n->is_true ? "true" : "false");
		break;
	case KA_NODE_INT:
		int_add(to, (uint64_t)n->i);
		break;
	case KA_NODE_UINT:
		ka_number_add(to, n->u, 10);
		break;
	case KA_NODE_ADDR:
		address_add(to, n->u);
		break;
	case KA_NODE_FLOAT:
		float_add(to, n->f, 17);
		break;
	case KA_NODE_TEXT:
		ka_escape_json(to, n->text, n->size);
		break;
	case KA_NODE_LIST:
	case KA_NODE_OBJECT:
		ka_str_addc(to, n->kind == KA_NODE_LIST ? '[' : '{');
		for (const struct ka_node *c = n->first; c; c = c->next) {
			if (c != n->first)
				ka_str_addc(to, ',');
			if (n->kind == KA_NODE_OBJECT) {
				ka_escape_json(to, c->key ? c->key : "", strlen(c->key ? c->key : ""));
				ka_str_addc(to, ':');
			}
			node_add(to, c, depth + 1);
		}
		ka_str_addc(to, n->kind == KA_NODE_LIST ? ']' : '}');
		break;
	}
}

static void cell_add(struct ka_str *to, const struct ka_col *col, const void *row)
{
	const char *const *list;
	const char *s;
	size_t size;

	if (!ka_cell_is_there(col, row)) {
		ka_str_addn(to, "null", 4);
		return;
	}
	switch (col->type) {
	case KA_INT:
		int_add(to, ka_cell_uint(col, row));
		break;
	case KA_UINT:
	case KA_HEX:
		ka_number_add(to, ka_cell_uint(col, row), 10);
		break;
	case KA_ADDR:
		address_add(to, ka_cell_uint(col, row));
		break;
	case KA_BOOL:
		ka_str_add(to, ka_cell_uint(col, row) ? "true" : "false");
		break;
	case KA_FLOAT:
		float_add(to, *(const double *)((const char *)row + col->offset), 15);
		break;
	case KA_VALUE:
		node_add(to, *(const struct ka_node *const *)((const char *)row + col->offset), 0);
		break;
	case KA_TEXT:
	case KA_CHARS:
		s = ka_cell_string(col, row, &size);
		ka_escape_json(to, s, size);
		break;
	case KA_LIST:
		list = *(const char *const *const *)((const char *)row + col->offset);
		ka_str_addc(to, '[');
		for (size_t i = 0; list[i]; i++) {
			if (i)
				ka_str_addc(to, ',');
			ka_escape_json(to, list[i], strlen(list[i]));
		}
		ka_str_addc(to, ']');
		break;
	}
}

void ka_json_cells(struct ka_str *to, const struct ka_rows *rows, const void *row)
{
	bool is_first = true;

	for (size_t i = 0; i < rows->col_count; i++) {
		const struct ka_col *col = &rows->cols[i];

		if (col->flags & KA_ONLY_TEXT)
			continue;
		if (!is_first)
			ka_str_addc(to, ',');
		is_first = false;
		/* Keys are C identifiers (ka_rows_check): nothing to escape. */
		ka_str_addc(to, '"');
		ka_str_add(to, col->key);
		ka_str_addn(to, "\":", 2);
		cell_add(to, col, row);
	}
}

void ka_json_error(struct ka_str *to, const struct ka_error *err)
{
	static const char *const spaces[] = {
		[KA_SPACE_VIRT] = "virtual", [KA_SPACE_PHYS] = "physical", [KA_SPACE_USER] = "user", [KA_SPACE_FILE] = "file",
	};
	const char *space = err->space < KA_COUNT(spaces) ? spaces[err->space] : NULL;

	ka_str_printf(to, "\"code\":\"%s\",\"message\":", ka_error_code_name(err->code));
	ka_escape_json(to, err->message, strlen(err->message));
	if (space) {
		ka_str_printf(to, ",\"space\":\"%s\",\"address\":", space);
		address_add(to, err->addr);
	} else {
		ka_str_add(to, ",\"space\":null,\"address\":null");
	}
}
