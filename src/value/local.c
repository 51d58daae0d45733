/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Values of local variables as text and as trees: those in memory, those put together from registers, and those that are not there. */
#include <inttypes.h>
#include <kanalyze/local.h>

#define SHORT_MAX 200	/* characters of a struct on one line */
#define SHORT_PARTS 20000	/* to get them from */

/* Bytes of the variable lie at an address that no machine has; all others are memory. */
static struct ka_error *read_bytes(void *ctx, uint64_t at, void *ret, size_t size)
{
	const struct ka_local *l = ctx;
	uint64_t from = at - l->value.addr;

	if (!l->bytes || !l->value.is_lvalue || from >= l->size)
		return ka_read(l->kernel, at, ret, size);
	if (size > l->size - from)
		return ka_error_new(KA_NOT_FOUND, "behind the end of %s", l->name);
	for (size_t i = 0; i < size; i++)
		if (l->known[from + i] != 0xff)
			return ka_error_new(KA_NOT_FOUND, "%s: optimized out", l->name);
	memcpy(ret, l->bytes + from, size);
	return NULL;
}

static bool is_absent(void *ctx, uint64_t at)
{
	const struct ka_local *l = ctx;

	return l->bytes && l->value.is_lvalue && at - l->value.addr < l->size;
}

void ka_local_print(const struct ka_local *l, struct ka_print *how)
{
	if (!l->bytes)
		return;
	how->ctx = (void *)l;
	how->read = read_bytes;
	how->is_absent = is_absent;
}

/* On one line: "{a = 1, b = {c = 2, ...}}", cut where it grows long. */
static void flatten(const char *text, struct ka_str *to)
{
	size_t start = to->len, cut = 0;
	bool is_quoted = false;

	for (const char *p = text; *p; p++) {
		if (*p == '"' && (p == text || p[-1] != '\\'))
			is_quoted = !is_quoted;
		if (*p == '\n' && !is_quoted) {
			char before = to->len ? to->p[to->len - 1] : 0;

			while (p[1] == ' ')
				p++;
			if (before != '{' && p[1] != '}')
				ka_str_addc(to, ' ');
			continue;
		}
		ka_str_addc(to, *p);
		if (*p == ',' && !is_quoted && to->len - start < SHORT_MAX)
			cut = to->len;
	}
	if (to->len - start > SHORT_MAX && cut) {
		to->len = cut;
		to->p[cut] = 0;
		ka_str_add(to, " ...}");
	}
}

/* A pointer to char shows its string, of memory that may be anything: kept short. */
static void value_text(const struct ka_local *l, const struct ka_print *how, bool is_short, struct ka_str *to)
{
	struct ka_print own = *how;
	struct ka_str text = {0};
	struct ka_error *err;

	if (is_short && (!own.elements_max || own.elements_max > 64))
		own.elements_max = 64;
	if (is_short) {
		own.repeats = own.repeats ? own.repeats : 8;
		/* most of it would be cut again */
		own.parts_max = SHORT_PARTS;
	}
	ka_local_print(l, &own);
	err = ka_value_text(l->kernel, &l->value, &own, true, &text);
	if (!text.len && err)
		ka_str_printf(to, "<unreadable: %s>", err->message);
	else if (is_short)
		flatten(text.p ? text.p : "", to);
	else
		ka_str_add(to, text.p ? text.p : "");
	ka_error_drop(err);
	ka_str_free(&text);
}

void ka_local_text(const struct ka_local *l, const struct ka_print *how, bool is_short, struct ka_str *to)
{
	switch (l->state) {
	case KA_LOCAL_OPTIMIZED_OUT:
		ka_str_add(to, "<optimized out>");
		return;
	case KA_LOCAL_UNKNOWN:
		ka_str_printf(to, "<unknown: %s>", l->why ? l->why : "?");
		return;
	case KA_LOCAL_POINTER:
		ka_str_printf(to, "<synthetic pointer to %s", l->target->name);
		if (l->target_offset)
			ka_str_printf(to, "%+" PRId64, l->target_offset);
		ka_str_add(to, ", which is ");
		ka_local_text(l->target, how, is_short, to);
		ka_str_addc(to, '>');
		return;
	case KA_LOCAL_THERE:
	case KA_LOCAL_PARTLY:
		value_text(l, how, is_short, to);
		return;
	}
}

const struct ka_node *ka_local_tree(const struct ka_local *l, const struct ka_print *how, struct ka_arena *a)
{
	struct ka_print own = *how;
	const struct ka_node *tree = NULL;

	if (l->state != KA_LOCAL_THERE && l->state != KA_LOCAL_PARTLY)
		return NULL;
	ka_local_print(l, &own);
	ka_error_drop(ka_value_tree(l->kernel, &l->value, &own, a, &tree));
	return tree;
}
