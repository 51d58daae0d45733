/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Allocation that cannot fail: out of memory ends the program here and nowhere else. */
#include <stdio.h>
#include <unistd.h>
#include <kanalyze/base.h>

static _Noreturn void out_of_memory(size_t size)
{
	char text[96];
	int n = snprintf(text, sizeof(text), "kanalyze: out of memory: cannot allocate %zu bytes\n", size);

	/* write(2): stdio may want memory itself */
	if (write(STDERR_FILENO, text, (size_t)n) < 0)
		_exit(4);
	_exit(4);
}

void *ka_xalloc(size_t size)
{
	void *p = calloc(1, size ? size : 1);

	if (!p)
		out_of_memory(size);
	return p;
}

void *ka_xrealloc(void *old, size_t size)
{
	void *p = realloc(old, size ? size : 1);

	if (!p)
		out_of_memory(size);
	return p;
}

char *ka_xstrndup(const char *s, size_t n)
{
	size_t len = strnlen(s, n);
	char *p = ka_xalloc(len + 1);

	memcpy(p, s, len);
	return p;
}

char *ka_xstrdup(const char *s)
{
	return ka_xstrndup(s, SIZE_MAX);
}

char *ka_xprintf(const char *fmt, ...)
{
	struct ka_str s = { 0 };
	va_list ap;

	va_start(ap, fmt);
	ka_str_vprintf(&s, fmt, ap);
	va_end(ap);
	return s.p ? s.p : ka_xstrdup("");
}
