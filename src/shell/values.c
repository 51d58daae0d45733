/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a command knows of its line and of values printed before: "$1", "$", "$$2". */
#include <ctype.h>
#include "session.h"

#define VALUES_MAX (1u << 20)	/* kept; those beyond have numbers, but are forgotten */

const char *ka_call_text(const struct ka_call *c)
{
	const char *text = c->session->text ? c->session->text : "";

	text += strspn(text, " \t");
	text += strcspn(text, " \t");
	return text + strspn(text, " \t");
}

unsigned ka_call_keep_value(struct ka_call *c, const struct ka_value *x)
{
	struct ka_session *s = c->session;
	struct ka_value copy = *x;

	if (s->values.n >= VALUES_MAX)
		return (unsigned)s->values.n;
	if (copy.text)
		copy.text = ka_xstrndup(copy.text, copy.text_size);
	ka_vec_push(&s->values, copy);
	return (unsigned)s->values.n;
}

bool ka_session_kept_value(const struct ka_session *s, const char *name, struct ka_value *ret)
{
	bool is_back = name[0] == '$' && name[1] == '$';
	const char *digits = name + 1 + is_back;
	size_t n = s->values.n, number = strtoul(digits, NULL, 10);

	if (name[0] != '$' || strspn(digits, "0123456789") != strlen(digits))
		return false;
	if (is_back)
		number = *digits ? n - number : n - 1;
	else if (!*digits)
		number = n;
	if (!number || number > n)
		return false;
	*ret = s->values.at[number - 1];
	return true;
}
