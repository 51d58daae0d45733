/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Strings: literals, char arrays, what char pointers point to; compared, and matched with the shell's patterns. */
#include "value.h"

#define STRING_MAX 4096

static bool is_chars(struct ka_eval *v, const struct ka_value *x)
{
	struct ka_type element;
	struct ka_value e = {0};

	if (!ka_type_target(v, x, &element) || (x->kind != KA_TYPE_ARRAY && x->kind != KA_TYPE_POINTER))
		return false;
	e.type = element;
	return !ka_error_drop(ka_value_describe(v, &e)) && e.kind == KA_TYPE_INT && e.size == 1;
}

/* The text of a char array or of what a char pointer points to, to its end. buffer: STRING_MAX + 1 */
static struct ka_error *text_of(struct ka_eval *v, struct ka_value *x, char *buffer, const char **ret, size_t *ret_size)
{
	struct ka_error *err;

	if (x->text) {
		*ret = x->text;
		*ret_size = x->text_size;
		return NULL;
	}
	if (!is_chars(v, x))
		return ka_error_new(KA_USAGE, "a string can only be compared with a char array or pointer");
	if (v->unevaluated) {
		*ret = "";
		*ret_size = 0;
		return NULL;
	}
	if (!v->k)
		return ka_error_new(KA_MISSING, "there is no memory to read");
	if (x->kind == KA_TYPE_ARRAY && x->size) {
		size_t size = KA_MIN(x->size, (uint64_t)STRING_MAX);

		if (!x->is_lvalue)
			return ka_error_new(KA_USAGE, "this has no address");
		err = ka_read(v->k, x->addr, buffer, size);
		buffer[size] = 0;
	} else {
		err = ka_value_load(v, x);
		if (!err)
			err = ka_read_cstr(v->k, x->bits, buffer, STRING_MAX + 1);
	}
	*ret = buffer;
	*ret_size = err ? 0 : strlen(buffer);
	return err;
}

struct ka_error *ka_text_compare(struct ka_eval *v, struct ka_value *a, struct ka_value *b, int *ret)
{
	char *buffer = ka_xalloc(2 * (STRING_MAX + 1));
	const char *x, *y;
	size_t n = 0, m = 0;
	struct ka_error *err = text_of(v, a, buffer, &x, &n);

	if (!err)
		err = text_of(v, b, buffer + STRING_MAX + 1, &y, &m);
	if (!err) {
		*ret = memcmp(x, y, KA_MIN(n, m));
		if (!*ret)
			*ret = n < m ? -1 : n > m;
	}
	free(buffer);
	return err;
}

/* [abc], [a-z], [!x]: does it hold c? *p stands behind the '[' and is moved behind the ']'. False in *ret_ok: there is no ']'. */
static bool in_brackets(const char **p, const char *end, unsigned char c, bool *ret_ok)
{
	const char *at = *p;
	bool is_not = at < end && (*at == '!' || *at == '^'), is_in = false;

	at += is_not;
	for (const char *first = at; at < end && (*at != ']' || at == first); at++) {
		unsigned char from = (unsigned char)*at, to = from;

		if (end - at > 2 && at[1] == '-' && at[2] != ']') {
			to = (unsigned char)at[2];
			at += 2;
		}
		is_in |= c >= from && c <= to;
	}
	*ret_ok = at < end;
	*p = at + 1;
	return is_in != is_not;
}

/* The shell's patterns: * ? [...] and \. No more than both lengths multiplied, whatever the pattern. */
static bool glob(const char *p, const char *p_end, const char *s, const char *s_end)
{
	const char *star = NULL, *star_s = NULL;

	while (s < s_end) {
		const char *q = p;
		bool ok = false;

		if (p < p_end && *p == '*') {
			star = ++p;
			star_s = s;
			continue;
		}
		if (p < p_end && *p == '[') {
			bool is_closed;

			q++;
			ok = in_brackets(&q, p_end, (unsigned char)*s, &is_closed);
			if (!is_closed) {	/* a '[' by itself */
				q = p + 1;
				ok = *s == '[';
			}
		} else if (p < p_end) {
			q += *p == '\\' && p + 1 < p_end;
			ok = *q == *s || (q == p && *p == '?');
			q++;
		}
		if (ok) {
			p = q;
			s++;
		} else if (star) {
			p = star;
			s = ++star_s;
		} else {
			return false;
		}
	}
	while (p < p_end && *p == '*')
		p++;
	return p == p_end;
}

struct ka_error *ka_text_like(struct ka_eval *v, struct ka_value *a, struct ka_value *b, bool *ret)
{
	char *buffer = ka_xalloc(STRING_MAX + 1);
	const char *x;
	size_t n;
	struct ka_error *err;

	*ret = false;
	if (!b->text)
		err = ka_error_new(KA_USAGE, "a pattern in quotation marks expected to the right: =~ \"nginx*\"");
	else
		err = text_of(v, a, buffer, &x, &n);
	if (!err)
		*ret = glob(b->text, b->text + b->text_size, x, x + n);
	free(buffer);
	return err;
}
