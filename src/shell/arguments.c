/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tasks as users of crash name them. */
#include <kanalyze/command.h>
#include <kanalyze/symbol.h>
#include <kanalyze/task.h>

struct ka_error *ka_parse_task(struct ka_kernel *k, const char *text, ka_addr *ret)
{
	struct ka_error *err = NULL;
	uint64_t number;

	if (ka_parse_digits(text, 10, &number) && number <= INT32_MAX) {
		err = ka_task_by_pid(k, (int32_t)number, ret);
		if (!err)
			return NULL;
		ka_error_free(err);
	}
	if (!ka_parse_number(text, false, &number)) {
		struct ka_symbol symbol;

		/* init_task, or what a pointer to a task is called */
		if (ka_symbol_lookup(k, text, &symbol) && ka_task_is(k, symbol.addr)) {
			*ret = symbol.addr;
			return NULL;
		}
		return ka_error_new(KA_USAGE, "'%s' is neither a process id nor the address of a task", text);
	}
	if (ka_task_is(k, number)) {
		*ret = number;
		return NULL;
	}
	if (number <= INT32_MAX && !ka_error_drop(ka_task_by_pid(k, (int32_t)number, ret)))
		return NULL;
	return ka_error_new(KA_NOT_FOUND, "there is no process '%s', by its id or as the address of its task", text);
}
