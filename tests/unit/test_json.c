/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* JSON of cells, strings and errors. */
#include <math.h>

#include "check.h"
#include "out.h"
#include "template.h"

struct cells_row {
	int16_t i;
	uint64_t u, hex, addr;
	bool yes, has_u;
	double load;
	const char *text;
	char comm[4];
	const char *const *list;
	const struct ka_node *tree;
	int only_text;
};

KA_LINES(cells_row, "cells", "{i}",
	KA_COL(cells_row, i, KA_INT, "h"),
	KA_COL_IF(cells_row, u, KA_UINT, has_u, "h"),
	KA_COL(cells_row, hex, KA_HEX, "h"),
	KA_COLF(cells_row, addr, KA_ADDR, KA_ZERO_IS_NONE, "h"),
	KA_COL(cells_row, yes, KA_BOOL, "h"),
	KA_COL(cells_row, load, KA_FLOAT, "h"),
	KA_COL(cells_row, text, KA_TEXT, "h"),
	KA_COL(cells_row, comm, KA_CHARS, "h"),
	KA_COL(cells_row, list, KA_LIST, "h"),
	KA_COLF(cells_row, tree, KA_VALUE, KA_ONLY_JSON, "h"),
	KA_COLF(cells_row, only_text, KA_INT, KA_ONLY_TEXT, "h"));

static struct ka_str got;

static const char *cells(const struct cells_row *r)
{
	ka_str_clear(&got);
	ka_json_cells(&got, &ka_rows_cells_row, r);
	return got.p;
}

static const char *json(const char *s, size_t n)
{
	ka_str_clear(&got);
	ka_escape_json(&got, s, n);
	return got.p;
}

static const char *text(const char *s, size_t n, bool keep_breaks)
{
	ka_str_clear(&got);
	ka_escape_text(&got, s, n, keep_breaks);
	return got.p ? got.p : "";
}

#define JSON(s) json(s, sizeof(s) - 1)
#define TEXT(s) text(s, sizeof(s) - 1, true)

static void check_strings(void)
{
	CHECK_STR(JSON("plain"), "\"plain\"");
	CHECK_STR(JSON(""), "\"\"");
	CHECK_STR(JSON("a\"b\\c\n\t\r\x1b[2J\0z"), "\"a\\\"b\\\\c\\n\\t\\u000d\\u001b[2J\\u0000z\"");
	CHECK_STR(JSON("h\xc3\xa9 \xe2\x82\xac \xf0\x9f\x90\xa7"), "\"h\xc3\xa9 \xe2\x82\xac \xf0\x9f\x90\xa7\"");
	/* C1 controls and direction marks are characters, but not for a terminal. */
	CHECK_STR(JSON("\xc2\x9b" "\xe2\x80\xae"), "\"\\u009b\\u202e\"");
	/* Lone continuation, overlong, surrogate, beyond Unicode, cut short. */
	CHECK_STR(JSON("\x80"), "\"\xef\xbf\xbd\"");
	CHECK_STR(JSON("\xc0\xaf"), "\"\xef\xbf\xbd\xef\xbf\xbd\"");
	CHECK_STR(JSON("\xed\xa0\x80"), "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
	CHECK_STR(JSON("\xf4\x90\x80\x80"), "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
	CHECK_STR(JSON("\xe2\x82"), "\"\xef\xbf\xbd\xef\xbf\xbd\"");

	CHECK_STR(TEXT("plain \\ \" ok"), "plain \\ \" ok");
	CHECK_STR(TEXT("\x1b]0;title\x07\x7f\r"), "\\x1b]0;title\\x07\\x7f\\x0d");
	CHECK_STR(TEXT("a\n\tb"), "a\n\tb");
	CHECK_STR(text("a\n\tb", 4, false), "a\\x0a\\x09b");
	CHECK_STR(TEXT("h\xc3\xa9\x80\xc2\x9b"), "h\xc3\xa9\\x80\\xc2\\x9b");
	CHECK_STR(TEXT("\xe2\x80\xae"), "\\xe2\\x80\\xae");
	ka_str_clear(&got);
	CHECK_INT(ka_escape_text(&got, "h\xc3\xa9\x01", 4, false), 6);
}

static void check_cells(void)
{
	static const char *const list[] = { "a", "\"", NULL }, *const empty[] = { NULL };
	struct cells_row r = { .i = -32768, .u = UINT64_MAX, .has_u = true, .hex = 255, .addr = 0xffffffff81000000, .yes = true,
			       .load = 0.25, .text = "t", .comm = "four", .list = list };
	static const struct ka_node three = { .kind = KA_NODE_ADDR, .key = "z", .u = 255 },
		two = { .kind = KA_NODE_TEXT, .key = "y\"", .text = "a\0b", .size = 3, .next = &three },
		inner[] = { { .kind = KA_NODE_BOOL, .is_true = true, .next = &inner[1] }, { .kind = KA_NODE_NULL, .next = &inner[2] },
			    { .kind = KA_NODE_FLOAT, .f = 2.320237016803792e-52 } },
		one = { .kind = KA_NODE_LIST, .key = "x", .first = inner, .next = &two }, zero = { .kind = KA_NODE_INT, .i = -1, .key = "w",
			.next = &one },
		tree = { .kind = KA_NODE_OBJECT, .first = &zero };
	struct cells_row none = { .list = empty, .load = NAN };

	CHECK_STR(cells(&r), "\"i\":-32768,\"u\":18446744073709551615,\"hex\":255,\"addr\":\"0xffffffff81000000\",\"yes\":true,"
			     "\"load\":0.25,\"text\":\"t\",\"comm\":\"four\",\"list\":[\"a\",\"\\\"\"],\"tree\":null");
	r.tree = &tree;
	CHECK_STR(strstr(cells(&r), ",\"tree\""), ",\"tree\":{\"w\":-1,\"x\":[true,null,2.320237016803792e-52],\"y\\\"\":\"a\\u0000b\",\"z\":\"0xff\"}");
	CHECK_STR(cells(&none), "\"i\":0,\"u\":null,\"hex\":0,\"addr\":null,\"yes\":false,\"load\":null,\"text\":null,\"comm\":\"\","
				"\"list\":[],\"tree\":null");
}

static void check_errors(void)
{
	struct ka_error *err = ka_error_at(KA_EXCLUDED, KA_SPACE_PHYS, 0x1000, "page \"%s\"", "x");

	ka_str_clear(&got);
	ka_json_error(&got, err);
	CHECK_STR(got.p, "\"code\":\"EXCLUDED\",\"message\":\"page \\\"x\\\"\",\"space\":\"physical\",\"address\":\"0x1000\"");
	ka_error_free(err);
	err = ka_error_new(KA_USAGE, "no");
	ka_str_clear(&got);
	ka_json_error(&got, err);
	CHECK_STR(got.p, "\"code\":\"USAGE\",\"message\":\"no\",\"space\":null,\"address\":null");
	ka_error_free(err);
}

CHECK_MAIN
{
	check_strings();
	check_cells();
	check_errors();
	ka_str_free(&got);
}
