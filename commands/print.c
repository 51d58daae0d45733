/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What commands that print values share. */
#include <inttypes.h>
#include <kanalyze/symbol.h>
#include <kanalyze/system.h>
#include <kanalyze/task.h>
#include <kanalyze/text.h>
#include "print.h"

struct ka_print ka_call_print(const struct ka_call *c, bool is_hex, bool is_decimal)
{
	const char *radix = ka_call_setting(c, "radix"), *max = ka_call_setting(c, "print_max"), *array = ka_call_setting(c, "print_array"),
		*stop = ka_call_setting(c, "null-stop"), *repeats = ka_call_setting(c, "print_repeats"), *parts = ka_call_setting(c, "print_parts");

	return (struct ka_print){
		.radix = is_hex || (!is_decimal && radix && !strcmp(radix, "16")) ? 16 : 10,
		.repeats = repeats ? (unsigned)strtoul(repeats, NULL, 10) : 0,
		.parts_max = parts ? strtoull(parts, NULL, 10) : 0,
		.elements_max = max ? (unsigned)strtoul(max, NULL, 10) : 0,
		.one_a_line = array && !strcmp(array, "on"), .stops_at_nul = stop && !strcmp(stop, "on"),
	};
}

static struct ka_error *read_user(void *ctx, uint64_t at, void *ret, size_t size)
{
	const struct ka_print_user *u = ctx;
	struct ka_error *err = NULL;

	if (ka_is_kernel_addr(u->k, at))
		return ka_read(u->k, at, ret, size);
	if (ka_read_user(u->k, u->mm, at, ret, size, &err) == size) {
		ka_error_drop(err);
		return NULL;
	}
	return err ? err : ka_error_at(KA_UNMAPPED, KA_SPACE_USER, at, "0x%" PRIx64 " cannot be read", at);
}

struct ka_error *ka_print_from_user(struct ka_call *c, struct ka_print *how, struct ka_print_user *state)
{
	struct ka_task t;
	struct ka_error *err = ka_task_read(c->k, ka_call_task(c), &t);

	if (err)
		return ka_error_wrap(err, "-u: the current task cannot be read");
	if (!t.mm)
		return ka_error_new(KA_NOT_FOUND, "-u: the current task (pid %d) has no user memory: choose another with `set PID`", t.pid);
	*state = (struct ka_print_user){ c->k, t.mm };
	how->read = read_user;
	how->ctx = state;
	return NULL;
}

void ka_print_warn_init(struct ka_call *c, const struct ka_value *x)
{
	struct ka_symbol s;
	uint64_t offset;

	if (x->is_lvalue && x->kind != KA_TYPE_FUNC && ka_is_given_away(c->k, x->addr))
		ka_call_fault(c, ka_error_at(KA_EXCLUDED, KA_SPACE_VIRT, x->addr, "%s lies in __init memory, which was given away after boot: "
					     "what is there now is no value of it", ka_symbol_at(c->k, x->addr, &s, &offset) ? s.name : "this"));
}

struct ka_error *ka_print_cpus(struct ka_call *c, char *word, bool *ret, bool *ret_has)
{
	char *colon = strrchr(word, ':');
	unsigned count = ka_cpu_count(c->k);
	struct ka_task t;
	struct ka_error *err;

	*ret_has = false;
	memset(ret, 0, count * sizeof(*ret));
	/* "a ? b : c" has blanks or parentheses about it; C++ and Rust names have two */
	if (!colon || (colon > word && colon[-1] == ':') || strpbrk(colon, ")? ") || colon == word)
		return NULL;
	*colon = 0;
	*ret_has = true;
	if (colon[1])
		return ka_parse_cpus(colon + 1, ret, count);
	err = ka_task_read(c->k, ka_call_task(c), &t);
	if (err)
		return ka_error_wrap(err, "%s: the CPU of the current task", word);
	if (t.cpu >= count)
		return ka_error_new(KA_MISSING, "%s: the CPU of the current task is not known: give it (%s:0)", word, word);
	ret[t.cpu] = true;
	return NULL;
}

