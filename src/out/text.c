/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Cells and rows as text. */
#include <stdio.h>

#include "out.h"
#include "template.h"

static const void *member(const struct ka_col *col, const void *row)
{
	return (const char *)row + col->offset;
}

uint64_t ka_cell_uint(const struct ka_col *col, const void *row)
{
	const void *at = member(col, row);
	bool is_signed = col->type == KA_INT;

	switch (col->size) {
	case 1:
		return is_signed ? (uint64_t)*(const int8_t *)at : *(const uint8_t *)at;
	case 2:
		return is_signed ? (uint64_t)*(const int16_t *)at : *(const uint16_t *)at;
	case 4:
		return is_signed ? (uint64_t)*(const int32_t *)at : *(const uint32_t *)at;
	default:
		return *(const uint64_t *)at;
	}
}

const char *ka_cell_string(const struct ka_col *col, const void *row, size_t *ret_size)
{
	const char *s = col->type == KA_TEXT ? *(const char *const *)member(col, row) : member(col, row);

	*ret_size = !s ? 0 : col->type == KA_TEXT ? strlen(s) : strnlen(s, col->size);
	return s;
}

static const char *const *cell_list(const struct ka_col *col, const void *row)
{
	return *(const char *const *const *)member(col, row);
}

bool ka_cell_is_true(const struct ka_col *col, const void *row)
{
	size_t size;

	if (col->present >= 0 && !*(const bool *)((const char *)row + col->present))
		return false;
	switch (col->type) {
	case KA_FLOAT:
		return *(const double *)member(col, row) != 0;
	case KA_TEXT:
	case KA_CHARS:
		ka_cell_string(col, row, &size);
		return size != 0;
	case KA_LIST:
		return cell_list(col, row) && cell_list(col, row)[0];
	case KA_VALUE:
		return *(const struct ka_node *const *)member(col, row) != NULL;
	default:
		return ka_cell_uint(col, row) != 0;
	}
}

bool ka_cell_is_there(const struct ka_col *col, const void *row)
{
	size_t size;

	if (col->present >= 0 && !*(const bool *)((const char *)row + col->present))
		return false;
	if (col->flags & KA_ZERO_IS_NONE)
		return ka_cell_is_true(col, row);
	if (col->type == KA_TEXT)
		return ka_cell_string(col, row, &size) != NULL;
	if (col->type == KA_VALUE)
		return ka_cell_is_true(col, row);
	return col->type != KA_LIST || cell_list(col, row);
}

void ka_number_add(struct ka_str *to, uint64_t value, unsigned radix)
{
	char digits[24], *p = digits + sizeof(digits);

	if (radix == 16) {
		do
			*--p = "0123456789abcdef"[value & 15];
		while (value >>= 4);
	} else {
		do
			*--p = (char)('0' + value % 10);
		while (value /= 10);
	}
	ka_str_addn(to, p, digits + sizeof(digits) - p);
}

static void number_add(struct ka_str *to, const struct ka_col *col, char conversion, uint64_t value)
{
	bool is_hex = conversion == 'x' || conversion == 'X' || (!conversion && (col->type == KA_HEX || col->type == KA_ADDR));

	if (conversion == 'X')
		ka_str_addn(to, "0x", 2);
	if (is_hex && col->size < 8)
		value &= (1ull << col->size * 8) - 1;
	if (!is_hex && col->type == KA_INT && (int64_t)value < 0) {
		ka_str_addc(to, '-');
		value = -value;
	}
	ka_number_add(to, value, is_hex ? 16 : 10);
}

/* Cuts the text from start on to at most count characters. Returns the characters left. */
static size_t cut(struct ka_str *to, size_t start, size_t columns, size_t count)
{
	size_t at = start;

	if (columns <= count)
		return columns;
	for (size_t i = 0; i < count && at < to->len; i++) {
		do
			at++;
		while (at < to->len && (to->p[at] & 0xc0) == 0x80);
	}
	to->len = at;
	to->p[at] = 0;
	return count;
}

/* Moves the text from start on to the right by pad bytes of fill; zeros go behind sign and 0x. */
static void pad_left(struct ka_str *to, size_t start, size_t pad, bool zeros)
{
	if (zeros && to->p[start] == '-')
		start++;
	if (zeros && to->len - start > 2 && to->p[start] == '0' && to->p[start + 1] == 'x')
		start += 2;
	ka_str_pad(to, ' ', pad);
	memmove(to->p + start + pad, to->p + start, to->len - pad - start);
	memset(to->p + start, zeros ? '0' : ' ', pad);
}

void ka_text_cell(struct ka_str *to, const struct ka_col *col, const struct ka_spec *spec, const void *row)
{
	size_t start = to->len, columns = 0, size;
	bool is_left = false, is_there = ka_cell_is_there(col, row);
	const char *s;

	switch (col->type) {
	case KA_TEXT:
	case KA_CHARS:
		is_left = true;
		s = is_there ? ka_cell_string(col, row, &size) : NULL;
		if (s)
			columns = ka_escape_text(to, s, size, col->type == KA_TEXT);
		break;
	case KA_LIST:
		is_left = true;
		for (const char *const *l = is_there ? cell_list(col, row) : NULL; l && *l; l++) {
			if (l != cell_list(col, row))
				columns += ka_escape_text(to, ", ", 2, false);
			columns += ka_escape_text(to, *l, strlen(*l), false);
		}
		break;
	case KA_VALUE:
		break;
	case KA_BOOL:
		if (is_there && spec->conversion == 'd')
			ka_str_addc(to, ka_cell_uint(col, row) ? '1' : '0');
		else if (is_there)
			ka_str_add(to, ka_cell_uint(col, row) ? "yes" : "no");
		columns = to->len - start;
		break;
	case KA_FLOAT:
		if (is_there)
			ka_str_printf(to, "%.*f", spec->decimals < 0 ? 2 : spec->decimals, *(const double *)member(col, row));
		columns = to->len - start;
		break;
	default:
		if (is_there)
			number_add(to, col, spec->conversion, ka_cell_uint(col, row));
		columns = to->len - start;
		break;
	}
	if (spec->decimals >= 0 && col->type != KA_FLOAT)
		columns = cut(to, start, columns, spec->decimals);
	if (spec->align)
		is_left = spec->align == '<';
	if (columns >= spec->width)
		return;
	if (is_left)
		ka_str_pad(to, ' ', spec->width - columns);
	else
		pad_left(to, start, spec->width - columns, spec->zero && is_there);
}

/* Padding at the end of a line is dropped; a cell's own trailing blanks are not. */
static void trim(struct ka_str *to, size_t solid)
{
	while (to->len > solid && to->p[to->len - 1] == ' ')
		to->p[--to->len] = 0;
}

static size_t cell_solid(struct ka_str *to, const struct ka_piece *p, const void *row)
{
	size_t start = to->len, at;

	ka_text_cell(to, p->col, &p->spec, row);
	at = to->len;
	/* Of a padded cell, only what is not padding counts. */
	while (p->spec.width && at > start && to->p[at - 1] == ' ')
		at--;
	return at;
}

static size_t pieces_add(struct ka_str *to, const struct ka_piece *pieces, size_t count, const void *row, size_t solid)
{
	for (size_t i = 0; i < count; i++) {
		const struct ka_piece *p = &pieces[i];
		size_t start = to->len, at;
		bool yes;

		switch (p->kind) {
		case KA_PIECE_TEXT:
			if (p->text[0] == '\n')
				trim(to, solid);
			ka_str_addn(to, p->text, p->text_size);
			if (!p->is_blank)
				solid = to->len;
			break;
		case KA_PIECE_CELL:
			at = cell_solid(to, p, row);
			if (at > start)
				solid = at;
			break;
		case KA_PIECE_IF:
			yes = ka_cell_is_true(p->col, row);
			solid = pieces_add(to, yes ? p->then : p->otherwise, yes ? p->then_count : p->otherwise_count, row, solid);
			break;
		}
	}
	return solid;
}

void ka_text_row(struct ka_str *to, const struct ka_template *t, const void *row)
{
	trim(to, pieces_add(to, t->pieces, t->count, row, to->len));
}
