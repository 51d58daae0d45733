/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* gdb's x: memory in its formats. */
#include <inttypes.h>
#include "gdb.h"

struct gdb_memory {
	ka_addr addr;
	const char *where, *text;
	const char *const *values;
};
static const struct ka_col memory_cols[] = {
	KA_COL(gdb_memory, addr, KA_ADDR, "of the first value"),
	KA_COLF(gdb_memory, where, KA_TEXT, KA_ONLY_TEXT, "address and symbol"),
	KA_COLF(gdb_memory, values, KA_LIST, KA_ONLY_JSON, "the values as printed"),
	KA_COLF(gdb_memory, text, KA_TEXT, KA_ONLY_TEXT, "the same"),
};
const struct ka_rows ka_rows_of_gdb_memory = { "memory", KA_SHAPE_LINE, NULL, "{where}:{text}", memory_cols, KA_COUNT(memory_cols) };

#define COUNT_MAX 1000000

struct ka_error *ka_gdb_address(struct ka_call *c, const char *text, ka_addr *ret)
{
	struct ka_expr *e;
	struct ka_value v;
	struct ka_symbol s;
	struct ka_error *err;

	text += strspn(text, " *");	/* "*0x..." and "*(f+7)" are gdb's way to write an address */
	if (!ka_error_drop(ka_symbol_find(c->k, text, &s)) && strchr("tTwWiI", s.type)) {
		*ret = s.addr;
		return NULL;
	}
	/* f+16: sums with functions */
	for (const char *p = text; *p; p++) {
		size_t n = strcspn(p, " +-*/()[]&|<>.");

		if (n && !ka_error_drop(ka_symbol_find(c->k, ka_strndup(c->arena, p, n), &s)) && strchr("tT", s.type))
			return ka_expr_number(c->k, text, KA_EXPR_ADDRESSES, ret);
		p += n;
		if (!*p)
			break;
	}
	err = ka_expr_parse(c->arena, text, 0, &e);
	if (!err)
		err = ka_expr_eval(e, c->k, NULL, &v);
	if (err)
		return err;
	if (v.is_untyped || v.kind == KA_TYPE_STRUCT || v.kind == KA_TYPE_UNION || v.kind == KA_TYPE_ARRAY) {
		*ret = v.addr;
		return NULL;
	}
	return ka_value_number(c->k, &v, ret);
}

static const char *escaped(struct ka_call *c, uint8_t byte)
{
	switch (byte) {
	case '\n':
		return "\\n";
	case '\t':
		return "\\t";
	case '\r':
		return "\\r";
	case '\\':
		return "\\\\";
	case '"':
		return "\\\"";
	default:
		return byte >= 0x20 && byte < 0x7f ? ka_printf(c->arena, "%c", byte) : ka_printf(c->arena, "\\%03o", byte);
	}
}

static const char *value_text(struct ka_call *c, char format, uint64_t v, unsigned size)
{
	int64_t with_sign = (int64_t)(v << (64 - 8 * size)) >> (64 - 8 * size);
	struct ka_str s = {0};
	const char *place, *text;

	switch (format) {
	case 'd':
		return ka_printf(c->arena, "%" PRId64, with_sign);
	case 'u':
		return ka_printf(c->arena, "%" PRIu64, v);
	case 'o':
		return v ? ka_printf(c->arena, size == 1 ? "0%03" PRIo64 : "0%" PRIo64, v) : "0";
	case 't':
		for (int bit = (int)(8 * size) - 1; bit >= 0; bit--)
			ka_str_addc(&s, v >> bit & 1 ? '1' : '0');
		text = ka_strdup(c->arena, s.p);
		ka_str_free(&s);
		return text;
	case 'a':
		place = ka_place_text(c, v, false);
		return ka_printf(c->arena, "0x%" PRIx64 "%s%s", v, place ? " " : "", place ? place : "");
	case 'c':
		return ka_printf(c->arena, "%d '%s'", (int)(int8_t)v, (uint8_t)v == '\'' ? "\\'" : (uint8_t)v == '"' ? "\"" : escaped(c, (uint8_t)v));
	case 'f':
		if (size == 8 || size == 4) {
			double d;
			float f;
			uint32_t half = (uint32_t)v;

			memcpy(&d, &v, 8);
			memcpy(&f, &half, 4);
			return size == 8 ? ka_printf(c->arena, "%.17g", d) : ka_printf(c->arena, "%.9g", (double)f);
		}
		return ka_printf(c->arena, "%" PRId64, with_sign);
	default:
		return ka_printf(c->arena, "0x%0*" PRIx64, (int)size * 2, v);
	}
}

static const char *where(struct ka_call *c, ka_addr at)
{
	const char *place = ka_place_text(c, at, false);

	return ka_printf(c->arena, "0x%" PRIx64 "%s%s", at, place ? " " : "", place ? place : "");
}

static struct ka_error *instructions(struct ka_call *c, ka_addr at, uint64_t count)
{
	struct ka_code *code;
	struct ka_error *err = ka_call_code(c, false, &code);

	for (uint64_t i = 0; i < count && !err && !ka_interrupted(); i++) {
		uint8_t bytes[KA_INSN_BYTES];
		struct gdb_memory row = { .addr = at, .where = ka_printf(c->arena, "   %s", where(c, at)) };
		const char *values[2] = {0};
		bool is_file;
		struct ka_error *why = NULL;
		size_t n = ka_text_read(c->k, at, bytes, sizeof(bytes), &is_file, &why);
		struct ka_insn insn;

		if (!n) {
			err = why;
			break;
		}
		ka_error_free(why);
		ka_code_decode(code, bytes, n, at, &insn);
		values[0] = ka_insn_full_text(c, &insn, false);
		row.text = ka_printf(c->arena, "\t%s", values[0]);
		row.values = values;
		ka_out_row(c->out, &ka_rows_of_gdb_memory, &row);
		at += insn.size;
	}
	ka_code_close(code);
	return err;
}

static struct ka_error *strings(struct ka_call *c, ka_addr at, uint64_t count)
{
	const char *set = ka_call_setting(c, "print_max");
	uint64_t max;

	if (!set || !ka_parse_number(set, true, &max) || !max || max > 4096)
		max = 256;
	for (uint64_t i = 0; i < count && !ka_interrupted(); i++) {
		char text[4097];
		struct ka_str s = {0};
		const char *values[2] = {0};
		struct gdb_memory row = { .addr = at, .where = where(c, at), .values = values };
		struct ka_error *err = ka_read_cstr(c->k, at, text, (size_t)max + 1);
		size_t n;

		if (err)
			return err;
		n = strlen(text);
		ka_str_addc(&s, '"');
		for (size_t j = 0; j < n; j++)
			ka_str_add(&s, escaped(c, (uint8_t)text[j]));
		ka_str_add(&s, n == max ? "\"..." : "\"");
		values[0] = ka_strdup(c->arena, s.p);
		row.text = ka_printf(c->arena, "\t%s", values[0]);
		ka_out_row(c->out, &ka_rows_of_gdb_memory, &row);
		ka_str_free(&s);
		at += n + (n < max);
	}
	return NULL;
}

struct ka_error *ka_gdb_examine(struct ka_call *c, const char *format, const char *text)
{
	char letter = 'x';
	unsigned size = 0, per_line;
	uint64_t count = 1;
	const char *p = format;
	bool is_backwards = *p == '-';
	ka_addr at;
	struct ka_error *err;

	p += is_backwards;
	if (*p >= '0' && *p <= '9') {
		char *end;

		count = strtoull(p, &end, 10);
		p = end;
	}
	for (; *p; p++) {
		const char *sizes = "bhwg", *is_size = strchr(sizes, *p);

		if (is_size)
			size = 1u << (is_size - sizes);
		else if (strchr("xduotacfsiz", *p))
			letter = *p;
		else
			return ka_call_usage(c, "x/%s: '%c' is no format (xduotacfsiz) and no size (bhwg)", format, *p);
	}
	if (!count || count > COUNT_MAX)
		return ka_call_usage(c, "x/%s: a count of 1 to %d", format, COUNT_MAX);
	if (!size)
		size = letter == 'a' || letter == 'f' ? ka_long_size(c->k) : letter == 'c' ? 1 : 4;
	if (letter == 'a')
		size = ka_long_size(c->k);
	err = ka_gdb_address(c, text, &at);
	if (err)
		return err;
	if (letter == 'i')
		return instructions(c, at, count);
	if (letter == 's')
		return strings(c, at, count);
	if (is_backwards)
		at -= count * size;
	per_line = letter == 't' ? size == 1 ? 8 : size == 8 ? 1 : size == 2 ? 8 : 2 : letter == 'a' ? 2 : size == 1 || size == 2 ? 8 : size == 4 ? 4 : 2;
	for (uint64_t i = 0; i < count && !ka_interrupted(); ) {
		const char *values[9] = {0};
		struct ka_str s = {0};
		struct gdb_memory row = { .addr = at, .where = where(c, at), .values = values };

		for (unsigned n = 0; n < per_line && i < count && !err; n++, i++, at += size) {
			uint8_t bytes[8];

			err = ka_read(c->k, at, bytes, size);
			if (err)
				break;
			values[n] = value_text(c, letter == 'z' ? 'x' : letter, ka_uint_from(c->k, bytes, size), size);
			ka_str_printf(&s, "\t%s", values[n]);
		}
		row.text = s.p;
		if (s.p)
			ka_out_row(c->out, &ka_rows_of_gdb_memory, &row);
		ka_str_free(&s);
		if (err)
			return err;
	}
	return NULL;
}
