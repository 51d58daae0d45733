/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Command lines: cut, parsed, skipped through, and compared with one another. */
#include "line.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ka_arena *a = ka_arena_new();
	char *text = ka_strndup(a, (const char *)data, size);
	const char *p = text, *one;

	while ((one = ka_line_cut(a, &p))) {
		struct ka_line l;

		ka_error_drop(ka_line_parse(a, one, &l));
		ka_words_skip(one, 2);
		ka_words_likeness(one, text);
	}
	ka_arena_free(a);
	return 0;
}
