/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Templates, and bytes of a dump on their way to text and JSON. The input: a template, a NUL, a string. */
#include "out.h"
#include "template.h"

struct fuzz_row { int32_t i; uint64_t a; double f; const char *s; char c[12]; bool b; };
static const struct ka_col cols[] = {
	KA_COL(fuzz_row, i, KA_INT, "h"),    KA_COL(fuzz_row, a, KA_ADDR, "h"),  KA_COL(fuzz_row, f, KA_FLOAT, "h"),
	KA_COL(fuzz_row, s, KA_TEXT, "h"),   KA_COL(fuzz_row, c, KA_CHARS, "h"), KA_COL(fuzz_row, b, KA_BOOL, "h"),
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ka_arena *a = ka_arena_new();
	char *line = ka_strndup(a, (const char *)data, size);
	size_t len = strlen(line), rest = size > len ? size - len - 1 : 0;
	struct ka_rows rows = { "rows", KA_SHAPE_LINE, NULL, line, cols, KA_COUNT(cols) };
	struct fuzz_row row = { -5, 0xffffffff81000000, 1.5, ka_strndup(a, (const char *)data + size - rest, rest), "", rest & 1 };
	struct ka_template t;
	struct ka_str text = {0};

	memcpy(row.c, row.s, KA_MIN(strlen(row.s), sizeof(row.c)));
	if (!ka_error_drop(ka_template_parse(a, &rows, &t)))
		ka_text_row(&text, &t, &row);
	ka_json_cells(&text, &rows, &row);
	ka_str_clear(&text);
	ka_escape_text(&text, (const char *)data, size, false);
	/* nothing that steers a terminal comes out */
	for (size_t i = 0; i < text.len; i++) {
		if ((uint8_t)text.p[i] < 0x20 || text.p[i] == 0x7f)
			abort();
	}
	ka_str_free(&text);
	ka_arena_free(a);
	return 0;
}
