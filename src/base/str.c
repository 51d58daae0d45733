/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Growing string. */
#include <stdio.h>
#include <kanalyze/base.h>

static void reserve(struct ka_str *s, size_t more)
{
	if (s->cap - s->len > more)
		return;
	s->cap = KA_MAX(s->cap * 2, s->len + more + 32);
	s->p = ka_xrealloc(s->p, s->cap);
}

void ka_str_addn(struct ka_str *s, const void *bytes, size_t n)
{
	reserve(s, n);
	if (n)
		memcpy(s->p + s->len, bytes, n);
	s->len += n;
	s->p[s->len] = 0;
}

void ka_str_add(struct ka_str *s, const char *text)
{
	ka_str_addn(s, text, strlen(text));
}

void ka_str_addc(struct ka_str *s, char c)
{
	ka_str_addn(s, &c, 1);
}

void ka_str_pad(struct ka_str *s, char c, size_t count)
{
	reserve(s, count);
	memset(s->p + s->len, c, count);
	s->len += count;
	s->p[s->len] = 0;
}

void ka_str_vprintf(struct ka_str *s, const char *fmt, va_list ap)
{
	va_list again;

	va_copy(again, ap);
	reserve(s, 96);
	int n = vsnprintf(s->p + s->len, s->cap - s->len, fmt, ap);
	if (n > 0 && (size_t)n >= s->cap - s->len) {
		reserve(s, (size_t)n);
		n = vsnprintf(s->p + s->len, s->cap - s->len, fmt, again);
	}
	va_end(again);
	if (n > 0)
		s->len += (size_t)n;
	else
		s->p[s->len] = 0;
}

void ka_str_printf(struct ka_str *s, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	ka_str_vprintf(s, fmt, ap);
	va_end(ap);
}

void ka_str_clear(struct ka_str *s)
{
	s->len = 0;
	if (s->p)
		s->p[0] = 0;
}

void ka_str_free(struct ka_str *s)
{
	free(s->p);
	*s = (struct ka_str){ 0 };
}
