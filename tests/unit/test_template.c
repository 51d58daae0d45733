/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Templates: what is parsed, what is refused, and how cells look as text. */
#include <math.h>

#include "check.h"
#include "out.h"
#include "template.h"

struct cells_row {
	int8_t i8;
	int32_t i32;
	uint16_t u16;
	uint64_t u64, hex;
	uint64_t addr;
	bool yes, has_u64;
	double load;
	const char *text;
	char comm[8];
	const char *const *list;
	int32_t hidden;
};

static const struct ka_col cols[] = {
	KA_COL(cells_row, i8, KA_INT, "h"),
	KA_COL(cells_row, i32, KA_INT, "h"),
	KA_COL(cells_row, u16, KA_UINT, "h"),
	KA_COL_IF(cells_row, u64, KA_UINT, has_u64, "h"),
	KA_COL(cells_row, hex, KA_HEX, "h"),
	KA_COLF(cells_row, addr, KA_ADDR, KA_ZERO_IS_NONE, "h"),
	KA_COL(cells_row, yes, KA_BOOL, "h"),
	KA_COL(cells_row, load, KA_FLOAT, "h"),
	KA_COL(cells_row, text, KA_TEXT, "h"),
	KA_COL(cells_row, comm, KA_CHARS, "h"),
	KA_COL(cells_row, list, KA_LIST, "h"),
	KA_COLF(cells_row, hidden, KA_INT, KA_ONLY_JSON, "h"),
};

static struct ka_rows rows_with(const char *line)
{
	return (struct ka_rows){ "cells", KA_SHAPE_LINE, NULL, line, cols, KA_COUNT(cols) };
}

static char shown[4096];

static const char *show(const char *line, const struct cells_row *row)
{
	struct ka_rows rows = rows_with(line);
	struct ka_arena *a = ka_arena_new();
	struct ka_str text = {0};
	struct ka_template t;
	struct ka_error *err = ka_template_parse(a, &rows, &t);

	if (err) {
		snprintf(shown, sizeof(shown), "error: %s", err->message);
		ka_error_free(err);
	} else {
		ka_text_row(&text, &t, row);
		snprintf(shown, sizeof(shown), "%s", text.p ? text.p : "");
	}
	ka_str_free(&text);
	ka_arena_free(a);
	return shown;
}

static bool is_refused(const char *line)
{
	struct ka_rows rows = rows_with(line);
	struct ka_error *err = ka_rows_check(&rows);

	if (err && !strstr(err->message, "'cells'"))
		return false;
	return ka_error_drop(err);
}

static void check_cells(void)
{
	static const char *const list[] = { "one", "t\x1bwo", NULL };
	struct cells_row r = { .i8 = -5, .i32 = INT32_MIN, .u16 = 65535, .u64 = UINT64_MAX, .hex = 0xabcdef, .addr = 0xffff888000001000,
			       .yes = true, .has_u64 = true, .load = 1.005, .text = "a\tb", .comm = "12345678", .list = list };
	struct cells_row none = {0};

	CHECK_STR(show("{i8} {i32} {u16} {u64}", &r), "-5 -2147483648 65535 18446744073709551615");
	CHECK_STR(show("{i8:x} {i8:X} {i8:04} {i8:6}|{i8:<6}|", &r), "fb 0xfb -005     -5|-5    |");
	CHECK_STR(show("{hex} {hex:X} {hex:d} {hex:08} {hex:010X}", &r), "abcdef 0xabcdef 11259375 00abcdef 0x00abcdef");
	CHECK_STR(show("[{addr}] [{addr:X}] [{addr:020}]", &r), "[ffff888000001000] [0xffff888000001000] [0000ffff888000001000]");
	CHECK_STR(show("{yes} {yes:d}", &r), "yes 1");
	CHECK_STR(show("{load} {load:.0} {load:8.3}", &r), "1.00 1    1.005");
	CHECK_STR(show("{text}|{comm}|{comm:10}|{comm:>10}|{comm:.3}|{comm:<5.2}|", &r),
		  "a\tb|12345678|12345678  |  12345678|123|12   |");
	CHECK_STR(show("{list}", &r), "one, t\\x1bwo");
	/* What is absent takes its width and says nothing. */
	CHECK_STR(show("<{u64:4}> <{addr:016}> <{text:3}> <{list}> <{yes}> <{i8}>", &none),
		  "<    > <                > <   > <> <no> <0>");
	CHECK_STR(show("{{{i8}}}", &r), "{-5}");
	CHECK_STR(show("", &r), "");
	/* Padding at the end of lines goes, blanks of the data stay. */
	CHECK_STR(show("{text:8}  {comm:12}  ", &r), "a\tb       12345678");
	CHECK_STR(show("{u64:8}  \n  {i8}", &none), "\n  0");
	r.text = "trail  ";
	CHECK_STR(show("{text}", &r), "trail  ");
	/* Columns are characters, not bytes. */
	r.text = "h\xc3\xa9";
	CHECK_STR(show("{text:4}|{text:>4}|{text:.1}|{text:.2}|", &r), "h\xc3\xa9  |  h\xc3\xa9|h|h\xc3\xa9|");
}

static void check_conditionals(void)
{
	struct cells_row r = { .i32 = 7, .text = "ext4", .yes = true }, none = {0};

	CHECK_STR(show("{yes?>: }x", &r), ">x");
	CHECK_STR(show("{yes?>: }x", &none), " x");
	CHECK_STR(show("f{text? [%]}", &r), "f [ext4]");
	CHECK_STR(show("f{text? [%]}", &none), "f");
	CHECK_STR(show("{i32:04x?+%:none}", &r), "+0007");
	CHECK_STR(show("{i32:04x?+%:none}", &none), "none");
	CHECK_STR(show("{i32?a\\:b\\}c\\%d\\\\:e}", &r), "a:b}c%d\\");
	CHECK_STR(show("{text?\n  type %}", &r), "\n  type ext4");
	CHECK_STR(show("{u64?there:(%)}", &r), "()");
}

static void check_refusals(void)
{
	CHECK(!is_refused("{i8} {text:<5}"));
	CHECK(is_refused("{nope}"));
	CHECK(is_refused("{i}"));
	CHECK(is_refused("{hidden}"));
	CHECK(is_refused("{i8"));
	CHECK(is_refused("{i8?x"));
	CHECK(is_refused("{i8?x:y"));
	CHECK(is_refused("i8}"));
	CHECK(is_refused("{}"));
	CHECK(is_refused("{i8:q}"));
	CHECK(is_refused("{i8:5.2}"));
	CHECK(is_refused("{i8:s}"));
	CHECK(is_refused("{text:05}"));
	CHECK(is_refused("{text:x}"));
	CHECK(is_refused("{load:x}"));
	CHECK(is_refused("{load:.}"));
	CHECK(is_refused("{i8:99999999999}"));
	CHECK(is_refused("{nope?a:b}"));
}

static void check_descriptions(void)
{
	struct ka_col col[2] = { cols[0], cols[1] };
	struct ka_rows rows = { "cells", KA_SHAPE_LINE, NULL, "x", col, 2 };

	CHECK(!ka_error_drop(ka_rows_check(&rows)));
	col[1].key = "i8";
	CHECK(ka_error_drop(ka_rows_check(&rows)));
	col[1].key = "command";
	CHECK(ka_error_drop(ka_rows_check(&rows)));
	col[1].key = "two words";
	CHECK(ka_error_drop(ka_rows_check(&rows)));
	col[1] = cols[1];
	col[1].help = NULL;
	CHECK(ka_error_drop(ka_rows_check(&rows)));
	col[1] = cols[1];
	col[1].size = 3;
	CHECK(ka_error_drop(ka_rows_check(&rows)));
	col[1].type = KA_FLOAT;
	CHECK(ka_error_drop(ka_rows_check(&rows)));
	col[1] = cols[1];
	rows.name = "errors";
	CHECK(ka_error_drop(ka_rows_check(&rows)));
	rows.name = "1st";
	CHECK(ka_error_drop(ka_rows_check(&rows)));
	rows.name = "cells";
	rows.shape = KA_SHAPE_RECORD;
	CHECK(ka_error_drop(ka_rows_check(&rows)));
	rows.line = NULL;
	CHECK(!ka_error_drop(ka_rows_check(&rows)));
	col[1].flags = KA_ONLY_TEXT;
	CHECK(ka_error_drop(ka_rows_check(&rows)));
	col[1].label = "L";
	CHECK(!ka_error_drop(ka_rows_check(&rows)));
	rows.col_count = 0;
	CHECK(ka_error_drop(ka_rows_check(&rows)));
}

CHECK_MAIN
{
	check_cells();
	check_conditionals();
	check_refusals();
	check_descriptions();
}
