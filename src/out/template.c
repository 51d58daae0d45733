/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Parses the templates of rows. */
#include <ctype.h>
#include <stdio.h>

#include "template.h"

struct parser {
	struct ka_arena *arena;
	const struct ka_rows *rows;
	const char *p;
};

static struct ka_error *broken(const struct parser *ps, const char *what)
{
	return ka_error_new(KA_FORMAT, "template of rows '%s': %s before \"%.20s\"", ps->rows->name, what, ps->p);
}

static void piece_push(struct ka_arena *a, struct ka_piece **list, size_t *n, struct ka_piece piece)
{
	/* Doubles at each power of two: templates are short and parsed once. */
	if ((*n & (*n - 1)) == 0) {
		struct ka_piece *bigger = ka_alloc(a, (*n ? *n * 2 : 1) * sizeof(*bigger));

		if (*n)
			memcpy(bigger, *list, *n * sizeof(*bigger));
		*list = bigger;
	}
	(*list)[(*n)++] = piece;
}

static void text_push(struct ka_arena *a, struct ka_piece **list, size_t *n, struct ka_str *text)
{
	struct ka_piece piece = { .kind = KA_PIECE_TEXT, .is_blank = true };

	if (!text->len)
		return;
	piece.text = ka_strndup(a, text->p, text->len);
	piece.text_size = text->len;
	for (size_t i = 0; i < text->len; i++)
		piece.is_blank &= text->p[i] == ' ';
	piece_push(a, list, n, piece);
	ka_str_clear(text);
}

static const struct ka_col *column_find(const struct ka_rows *rows, const char *key, size_t n)
{
	for (size_t i = 0; i < rows->col_count; i++) {
		if (!strncmp(rows->cols[i].key, key, n) && !rows->cols[i].key[n])
			return &rows->cols[i];
	}
	return NULL;
}

static struct ka_error *parse_spec(struct parser *ps, const struct ka_col *col, struct ka_spec *spec)
{
	bool is_string = col->type == KA_TEXT || col->type == KA_CHARS || col->type == KA_LIST;

	if (*ps->p == '<' || *ps->p == '>')
		spec->align = *ps->p++;
	if (*ps->p == '0') {
		spec->zero = true;
		ps->p++;
	}
	for (; isdigit((unsigned char)*ps->p); ps->p++) {
		if (spec->width > 999)
			return broken(ps, "width too large");
		spec->width = spec->width * 10 + (*ps->p - '0');
	}
	if (*ps->p == '.') {
		ps->p++;
		if (!isdigit((unsigned char)*ps->p))
			return broken(ps, "no digits behind the point");
		for (spec->decimals = 0; isdigit((unsigned char)*ps->p); ps->p++) {
			if (spec->decimals > 999)
				return broken(ps, "precision too large");
			spec->decimals = spec->decimals * 10 + (*ps->p - '0');
		}
		if (!is_string && col->type != KA_FLOAT)
			return broken(ps, "precision of a cell that is neither string nor float");
	}
	if (*ps->p && strchr("xXds", *ps->p))
		spec->conversion = *ps->p++;
	if (is_string && (spec->zero || (spec->conversion && spec->conversion != 's')))
		return broken(ps, "number's format of a string");
	if (!is_string && spec->conversion == 's')
		return broken(ps, "string's format of a number");
	if (col->type == KA_FLOAT && spec->conversion)
		return broken(ps, "conversion of a float");
	return NULL;
}

/* TEXT or ELSE of a conditional: to the closing brace, or to ':' when it ends there. % is the cell itself. */
static struct ka_error *parse_branch(struct parser *ps, const struct ka_piece *of, bool ends_at_colon,
				     struct ka_piece **list, size_t *n)
{
	struct ka_piece self = { .kind = KA_PIECE_CELL, .col = of->col, .spec = of->spec };
	struct ka_str text = {0};

	for (; *ps->p && *ps->p != '}' && !(ends_at_colon && *ps->p == ':'); ps->p++) {
		if (*ps->p == '\\' && ps->p[1]) {
			ka_str_addc(&text, *++ps->p);
		} else if (*ps->p == '%') {
			text_push(ps->arena, list, n, &text);
			piece_push(ps->arena, list, n, self);
		} else {
			ka_str_addc(&text, *ps->p);
		}
	}
	text_push(ps->arena, list, n, &text);
	ka_str_free(&text);
	return *ps->p ? NULL : broken(ps, "brace not closed");
}

static struct ka_error *parse_cell(struct parser *ps, struct ka_piece *ret)
{
	size_t len = strcspn(ps->p, ":?}");
	struct ka_error *err;

	*ret = (struct ka_piece){ .kind = KA_PIECE_CELL, .spec = { .decimals = -1 } };
	ret->col = column_find(ps->rows, ps->p, len);
	if (!ret->col)
		return broken(ps, "no such column");
	if (ret->col->flags & KA_ONLY_JSON)
		return broken(ps, "a column of JSON alone");
	ps->p += len;
	if (*ps->p == ':') {
		ps->p++;
		err = parse_spec(ps, ret->col, &ret->spec);
		if (err)
			return err;
	}
	if (*ps->p == '?') {
		ret->kind = KA_PIECE_IF;
		ps->p++;
		err = parse_branch(ps, ret, true, &ret->then, &ret->then_count);
		if (!err && *ps->p == ':') {
			ps->p++;
			err = parse_branch(ps, ret, false, &ret->otherwise, &ret->otherwise_count);
		}
		if (err)
			return err;
	}
	if (*ps->p != '}')
		return broken(ps, *ps->p ? "bad format" : "brace not closed");
	ps->p++;
	return NULL;
}

struct ka_error *ka_template_parse(struct ka_arena *a, const struct ka_rows *rows, struct ka_template *ret)
{
	struct parser ps = { a, rows, rows->line ? rows->line : "" };
	struct ka_error *err = NULL;
	struct ka_str text = {0};
	struct ka_piece piece;

	*ret = (struct ka_template){0};
	while (*ps.p && !err) {
		if ((*ps.p == '{' || *ps.p == '}') && ps.p[1] == *ps.p) {
			ka_str_addc(&text, *ps.p);
			ps.p += 2;
		} else if (*ps.p == '{') {
			text_push(a, &ret->pieces, &ret->count, &text);
			ps.p++;
			err = parse_cell(&ps, &piece);
			if (!err)
				piece_push(a, &ret->pieces, &ret->count, piece);
		} else if (*ps.p == '}') {
			err = broken(&ps, "brace not opened");
		} else if (*ps.p == '\n') {
			/* A piece of its own: blanks before a line break are trimmed there. */
			text_push(a, &ret->pieces, &ret->count, &text);
			ka_str_addc(&text, *ps.p++);
			text_push(a, &ret->pieces, &ret->count, &text);
		} else {
			ka_str_addc(&text, *ps.p++);
		}
	}
	text_push(a, &ret->pieces, &ret->count, &text);
	ka_str_free(&text);
	return err;
}
