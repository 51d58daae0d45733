/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Arguments as users of crash write them: numbers, addresses, tasks, lists of CPUs. */
#include <ctype.h>
#include <kanalyze/command.h>
#include <kanalyze/symbol.h>
#include <kanalyze/task.h>
#include <kanalyze/unwind.h>

static bool digits_parse(const char *text, unsigned radix, uint64_t *ret)
{
	uint64_t value = 0;

	if (!*text)
		return false;
	for (; *text; text++) {
		int c = tolower((unsigned char)*text);
		unsigned digit = isdigit(c) ? (unsigned)c - '0' : c >= 'a' && c <= 'f' ? (unsigned)c - 'a' + 10 : 16;

		if (digit >= radix || value > (UINT64_MAX - digit) / radix)
			return false;
		value = value * radix + digit;
	}
	*ret = value;
	return true;
}

bool ka_parse_number(const char *text, bool is_decimal, uint64_t *ret)
{
	if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X'))
		return digits_parse(text + 2, 16, ret);
	return (is_decimal && digits_parse(text, 10, ret)) || digits_parse(text, 16, ret);
}

struct ka_error *ka_parse_cpus(const char *text, bool *ret, unsigned count)
{
	const char *p = text;

	memset(ret, 0, count * sizeof(*ret));
	if (!strcmp(text, "a") || !strcmp(text, "all")) {
		memset(ret, true, count * sizeof(*ret));
		return NULL;
	}
	do {
		char *end;
		unsigned long first, last;

		if (!isdigit((unsigned char)*p))
			return ka_error_new(KA_USAGE, "'%s' is no list of CPUs: 1,3-5 or a for all", text);
		first = last = strtoul(p, &end, 10);
		if (*end == '-' && isdigit((unsigned char)end[1]))
			last = strtoul(end + 1, &end, 10);
		if ((*end && *end != ',') || last < first)
			return ka_error_new(KA_USAGE, "'%s' is no list of CPUs: 1,3-5 or a for all", text);
		if (last >= count)
			return ka_error_new(KA_USAGE, "there is no CPU %lu: this machine has %u", last, count);
		for (unsigned long i = first; i <= last; i++)
			ret[i] = true;
		p = *end ? end + 1 : NULL;
	} while (p);
	return NULL;
}

/* A register of the panic task where it failed: the block of its exception, else its topmost frame. */
static struct ka_error *register_find(struct ka_kernel *k, const char *name, ka_addr *ret)
{
	ka_addr task = ka_panic_task(k);
	struct ka_arena *a;
	struct ka_stack stack = {0};
	struct ka_error *err;
	bool is_found = false;

	if (!task)
		return ka_error_new(KA_NOT_FOUND, "$%s: there is no panic task", name);
	a = ka_arena_new();
	err = ka_unwind_task(k, task, a, &stack);
	for (size_t i = 0; !err && i < stack.count && !is_found; i++) {
		const struct ka_pt_regs *regs = stack.frames[i].regs;

		for (unsigned r = 0; regs && !regs->is_user && r < regs->count && !is_found; r++) {
			is_found = !strcasecmp(regs->names[r], name);
			*ret = regs->value[r];
		}
	}
	if (!err && !is_found && stack.count) {
		bool is_ip = !strcasecmp(name, "rip") || !strcasecmp(name, "pc");

		is_found = is_ip || !strcasecmp(name, "rsp") || !strcasecmp(name, "sp");
		*ret = is_ip ? stack.frames[0].ip : stack.frames[0].sp;
	}
	ka_error_drop(stack.err);
	ka_arena_free(a);
	return err || is_found ? err : ka_error_new(KA_NOT_FOUND, "$%s: the panic task has no such register", name);
}

struct ka_error *ka_parse_address(struct ka_kernel *k, const char *text, ka_addr *ret)
{
	size_t len = strcspn(text, "+-");
	char *name = ka_xstrndup(text, len);
	uint64_t offset = 0, number = 0;
	bool is_number = ka_parse_number(name, false, &number);
	struct ka_error *err = NULL;
	struct ka_symbol symbol;

	if (text[len] && !ka_parse_number(text + len + 1, true, &offset)) {
		free(name);
		return ka_error_new(KA_USAGE, "'%s' in '%s' is no number", text + len + 1, text);
	}
	if (*name == '$') {
		err = register_find(k, name + 1, ret);
	} else if (is_number && (isdigit((unsigned char)*name) || ka_is_kernel_addr(k, number))) {
		*ret = number;
	} else {
		/* "add" and "f00" are hex and may be symbols: the symbol is meant. */
		err = ka_symbol_find(k, name, &symbol);
		*ret = err ? number : symbol.addr;
		if (is_number && !ka_error_catch(&err, KA_NOT_FOUND))
			ka_error_catch(&err, KA_MISSING);
	}
	if (!err)
		*ret += text[len] == '-' ? -offset : offset;
	free(name);
	return err;
}

struct ka_error *ka_parse_task(struct ka_kernel *k, const char *text, ka_addr *ret)
{
	struct ka_error *err = NULL;
	uint64_t number;

	if (digits_parse(text, 10, &number) && number <= INT32_MAX) {
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
