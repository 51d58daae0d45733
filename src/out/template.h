/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Templates of rows, parsed: literal text and cells. The grammar is in kanalyze/row.h. */
#ifndef KA_TEMPLATE_H
#define KA_TEMPLATE_H

#include <kanalyze/row.h>

struct ka_spec {
	uint16_t width;
	int16_t decimals;	/* floats: digits behind the point; strings: characters at most; -1: not given */
	char align;		/* '<', '>' or 0: by type */
	char conversion;	/* 'x' 'X' 'd' 's' or 0: by type */
	bool zero;		/* pad with zeros */
};

enum ka_piece_kind { KA_PIECE_TEXT, KA_PIECE_CELL, KA_PIECE_IF };

struct ka_piece {
	enum ka_piece_kind kind;
	const struct ka_col *col;
	struct ka_spec spec;
	const char *text;	/* KA_PIECE_TEXT */
	size_t text_size;
	bool is_blank;		/* text of spaces alone */
	/* KA_PIECE_IF: what is printed when the cell is there and not zero, and what else: TEXT and CELL pieces */
	struct ka_piece *then, *otherwise;
	size_t then_count, otherwise_count;
};

struct ka_template {
	struct ka_piece *pieces;
	size_t count;
};

/* Everything in the arena. The error names the place. */
struct ka_error *ka_template_parse(struct ka_arena *a, const struct ka_rows *rows, struct ka_template *ret) KA_MUST_CHECK;

/* Cells of a row. */
bool ka_cell_is_there(const struct ka_col *col, const void *row);	/* present, and not NULL or a zero that means none */
bool ka_cell_is_true(const struct ka_col *col, const void *row);	/* there, and not 0, false or empty */
uint64_t ka_cell_uint(const struct ka_col *col, const void *row);	/* of KA_INT: sign-extended */
const char *ka_cell_string(const struct ka_col *col, const void *row, size_t *ret_size);	/* KA_TEXT, KA_CHARS */

/* One row as text, without the last line break. */
void ka_text_row(struct ka_str *to, const struct ka_template *t, const void *row);
void ka_text_cell(struct ka_str *to, const struct ka_col *col, const struct ka_spec *spec, const void *row);
/* The members of a row's JSON object, without braces. */
void ka_json_cells(struct ka_str *to, const struct ka_rows *rows, const void *row);
void ka_json_error(struct ka_str *to, const struct ka_error *err);	/* the same of an error */

void ka_number_add(struct ka_str *to, uint64_t value, unsigned radix);

#endif
