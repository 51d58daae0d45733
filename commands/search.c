/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* search: values or text anywhere in memory. */
#include <inttypes.h>
#include "search.h"
#include "words.h"

static struct ka_error *width_read(struct search *s)
{
	struct ka_call *c = s->c;
	bool is_text = ka_call_has(c, "c"), is_word = ka_call_has(c, "w"), is_half = ka_call_has(c, "h");

	if (is_text + is_word + is_half > 1)
		return ka_call_usage(c, "only one of -c, -w and -h can be given");
	s->what.width = is_text ? 0 : is_half ? 2 : is_word ? 4 : ka_long_size(c->k);
	return NULL;
}

static bool fits(uint64_t value, unsigned width)
{
	return width == 8 || !(value >> (8 * width));
}

/* A number is hexadecimal; what is none is a symbol or an expression, told behind each match. */
static struct ka_error *value_read(struct search *s, const char *text, uint64_t *ret, bool *ret_is_number)
{
	struct ka_call *c = s->c;
	struct ka_error *err = NULL;

	*ret_is_number = ka_parse_number(text, false, ret);
	if (!*ret_is_number)
		err = ka_expr_number(c->k, text, KA_EXPR_HEX | KA_EXPR_ADDRESSES, ret);
	if (err)
		return ka_error_wrap(err, "'%s'", text);
	if (!fits(*ret, s->what.width))
		return ka_call_usage(c, "0x%" PRIx64 " (%s) does not fit into %u bits", *ret, text, 8 * s->what.width);
	return NULL;
}

static struct ka_error *values_read(struct search *s)
{
	struct ka_call *c = s->c;
	uint64_t *values = ka_alloc(c->arena, (size_t)c->argc * sizeof(*values));
	struct ka_search_text *texts = ka_alloc(c->arena, (size_t)c->argc * sizeof(*texts));
	const char **names = ka_alloc(c->arena, (size_t)c->argc * sizeof(*names));
	const char *mask = ka_call_value(c, "m");
	bool is_number;
	struct ka_error *err = NULL;

	for (int i = 0; i < c->argc && !err; i++) {
		if (s->what.width) {
			err = value_read(s, c->argv[i], &values[i], &is_number);
			names[i] = is_number ? NULL : c->argv[i];
			continue;
		}
		texts[i] = (struct ka_search_text){ c->argv[i], strlen(c->argv[i]) };
		if (!texts[i].size)
			return ka_call_usage(c, "an empty text would be found everywhere");
	}
	if (!err && mask) {
		if (!s->what.width)
			return ka_call_usage(c, "-m is of values: it is not for -c");
		err = value_read(s, mask, &s->what.ignore, &is_number);
	}
	s->what.values = values;
	s->what.texts = texts;
	s->what.count = (size_t)c->argc;
	s->names = names;
	return err;
}

static struct ka_error *run(struct ka_call *c)
{
	struct search s = { .c = c };
	const char *context = ka_call_value(c, "x");
	struct ka_error *err;

	if (!ka_call_has(c, "c"))	/* texts are as they are */
		ka_words_join(c);
	if (!c->argc)
		return ka_call_usage(c, "search needs a value, or a text with -c");
	err = width_read(&s);
	if (!err)
		err = values_read(&s);
	if (!err && context) {
		if (!s.what.width)
			return ka_call_usage(c, "-x shows values: it is not for -c");
		err = ka_expr_number(NULL, context, KA_EXPR_DECIMAL, &s.context);
		if (!err && s.context > SEARCH_CONTEXT_MAX)
			err = ka_call_usage(c, "-x %s is more than %u values", context, SEARCH_CONTEXT_MAX);
	}
	if (err)
		return err;
	return search_areas(&s);
}

static const struct ka_option options[] = {
	{ "k", NULL, "kernel memory: all that its page tables map (the default)", false },
	{ "K", NULL, "the direct map and the kernel's image alone: no vmalloc, no modules, no struct pages", false },
	{ "V", NULL, "kernel memory without the direct map and the kernel's image", false },
	{ "u", NULL, "the current task's user memory", false },
	{ "p", NULL, "physical memory: addresses are physical", false },
	{ "t", NULL, "the kernel stacks of all tasks", false },
	{ "T", NULL, "the kernel stacks of the tasks on CPUs", false },
	{ "s", "START", "begin at this address (hexadecimal, symbol or expression)", false },
	{ "e", "END", "the first address not to be searched", false },
	{ "l", "LENGTH", "bytes to search from START on (decimal, 0x, or with k, m, g)", false },
	{ "m", "MASK", "bits that may be anything", false },
	{ "x", "COUNT", "also COUNT values before and behind each match", false },
	{ "c", NULL, "arguments are texts, found at any address", false },
	{ "w", NULL, "values of 32 bits", false },
	{ "h", NULL, "values of 16 bits", false },
	{ NULL, NULL, NULL, false },
};

static const struct ka_rows *const rows[] = { &ka_rows_search_task, &ka_rows_search_match, &ka_rows_search_sum, NULL };

const struct ka_command ka_command_search = {
	.name = "search",
	.args = "[-k | -K | -V | -u | -p | -t | -T] [-s START] [-e END | -l LENGTH] [-m MASK] [-x COUNT] [-c | -w | -h] VALUE...",
	.brief = "search memory",
	.help =
		"Where memory holds any of the values: each match with its address, in the order of\n"
		"addresses. A VALUE is a hexadecimal number of the size of a long, a symbol, or an\n"
		"expression in parentheses; what is no plain number is told behind each match. With -c it\n"
		"is a text (in double quotes where there are blanks), and what stands there is shown.\n"
		"Values are sought at multiples of their size, texts everywhere, also across pages.\n"
		"\n"
		"Kernel memory is what the kernel's page tables map: a page may be seen at several\n"
		"addresses (its image is also in the direct map). What the dump does not hold is passed\n"
		"over; JSON tells how much that was.\n"
		"\n"
		"    search ffff88810a2b3c40\n"
		"    search -u deadbeef\n"
		"    search -t init_task (init_task+8)\n"
		"    search -p babe0000 -m ffff\n"
		"    search -k -c \"can't allocate memory\" \"Failure to\"\n"
		"    search -s _etext -e _edata -w 1234\n",
	.options = options,
	.rows = rows,
	.run = run,
};
