/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* eval: a calculator that knows the dump's symbols and types. */
#include <inttypes.h>
#include <kanalyze/command.h>
#include <kanalyze/expr.h>

#define BITS_A_LINE 22

struct eval_row {
	const char *expression;
	uint64_t value;
	int64_t value_signed;
	const char *hexadecimal, *decimal, *signed_decimal, *units, *octal, *binary, *bits_text;
	const char *const *bits;
};
KA_LINES(eval_row, "values",
	"hexadecimal: {hexadecimal}{units?  (%)}\n"
	"    decimal: {decimal}{signed_decimal?  (%)}\n"
	"      octal: {octal}\n"
	"     binary: {binary}{bits_text?\n   bits set\\: %}",
	KA_COLF(eval_row, expression, KA_TEXT, KA_ONLY_JSON, "as given"),
	KA_COLF(eval_row, value, KA_UINT, KA_ONLY_JSON, "as an unsigned number"),
	KA_COLF(eval_row, value_signed, KA_INT, KA_ONLY_JSON, "as a signed one"),
	KA_COL(eval_row, hexadecimal, KA_TEXT, "digits, without 0x"),
	KA_COLF(eval_row, decimal, KA_TEXT, KA_ONLY_TEXT, "unsigned"),
	KA_COLF(eval_row, signed_decimal, KA_TEXT, KA_ONLY_TEXT, "negative numbers: signed"),
	KA_COL(eval_row, units, KA_TEXT, "multiples of 1024: \"4KB\", \"16MB\", \"1GB\""),
	KA_COL(eval_row, octal, KA_TEXT, "digits"),
	KA_COL(eval_row, binary, KA_TEXT, "as many digits as a long has"),
	KA_COLF(eval_row, bits, KA_LIST, KA_ONLY_JSON, "numbers of the bits that are set, the highest first (-b)"),
	KA_COLF(eval_row, bits_text, KA_TEXT, KA_ONLY_TEXT, "the same"));

static const char *units(struct ka_arena *a, uint64_t v)
{
	static const char *const names[] = { "KB", "MB", "GB" };
	const char *ret = NULL;

	for (unsigned i = 0; v && i < KA_COUNT(names); i++)
		if (!(v & ((1ull << (10 * (i + 1))) - 1)))
			ret = ka_printf(a, "%" PRIu64 "%s", v >> (10 * (i + 1)), names[i]);
	return ret;
}

static void bits_set(struct ka_arena *a, uint64_t v, struct eval_row *row)
{
	const char **list = ka_alloc(a, 65 * sizeof(*list));
	struct ka_str text = {0};
	unsigned n = 0;

	for (int bit = 63; bit >= 0; bit--) {
		if (!(v >> bit & 1))
			continue;
		if (n)
			ka_str_add(&text, n % BITS_A_LINE ? " " : "\n             ");
		list[n++] = ka_printf(a, "%d", bit);
		ka_str_add(&text, list[n - 1]);
	}
	row->bits = list;
	row->bits_text = ka_strdup(a, n ? text.p : "(none)");
	ka_str_free(&text);
}

static void show(struct ka_call *c, const char *text, uint64_t v, bool with_bits)
{
	unsigned digits = c->k && ka_long_size(c->k) == 4 && v <= UINT32_MAX ? 32 : 64;
	char *binary = ka_alloc(c->arena, digits + 1);
	struct eval_row row = {
		.expression = text, .value = v, .value_signed = (int64_t)v, .binary = binary, .units = units(c->arena, v),
		.hexadecimal = ka_printf(c->arena, "%" PRIx64, v), .decimal = ka_printf(c->arena, "%" PRIu64, v),
		.octal = ka_printf(c->arena, "%" PRIo64, v),
	};

	for (unsigned i = 0; i < digits; i++)
		binary[i] = v >> (digits - 1 - i) & 1 ? '1' : '0';
	if ((int64_t)v < 0)
		row.signed_decimal = ka_printf(c->arena, "%" PRId64, (int64_t)v);
	if (with_bits)
		bits_set(c->arena, v, &row);
	ka_out_row(c->out, &ka_rows_eval_row, &row);
}

/* "-b", "-l", "-bl". "-1" is a number. */
static bool is_option(const char *word)
{
	return word[0] == '-' && word[1] && strspn(word + 1, "bl") == strlen(word + 1);
}

static struct ka_error *run(struct ka_call *c)
{
	struct ka_str text = {0};
	struct ka_error *err;
	bool with_bits = false;
	uint64_t value;
	int i = 0;

	for (; i < c->argc && is_option(c->argv[i]); i++)
		with_bits |= strchr(c->argv[i], 'b') != NULL;
	if (i < c->argc && !strcmp(c->argv[i], "--"))
		i++;
	if (i >= c->argc)
		return ka_call_usage(c, "eval needs an expression");
	for (int first = i; i < c->argc; i++) {
		if (i > first)
			ka_str_addc(&text, ' ');
		ka_str_add(&text, c->argv[i]);
	}
	err = ka_expr_number(c->k, text.p, KA_EXPR_DECIMAL | KA_EXPR_ADDRESSES, &value);
	if (!err)
		show(c, text.p, value, with_bits);
	ka_str_free(&text);
	return err;
}

static const struct ka_option options[] = {
	{ "b", NULL, "also the numbers of the bits that are set", false },
	{ "l", NULL, "with 64 bits also where the dump is of a 32-bit machine: always so, taken for crash's sake", false },
	{ NULL, NULL, NULL, false },
};

static const struct ka_rows *const rows[] = { &ka_rows_eval_row, NULL };

const struct ka_command ka_command_eval = {
	.name = "eval",
	.args = "[-b] [-l] EXPRESSION",
	.brief = "calculate an expression",
	.help =
		"The value of an expression in hexadecimal, decimal, octal and binary.\n"
		"\n"
		"Numbers are decimal, but hexadecimal with 0x or when there is a digit a-f in them; 0b is\n"
		"binary, 0o octal, and k, m, g and t behind a number multiply it. Numbers have 64 bits. A\n"
		"symbol is its address, SYMBOL:CPU that of a per-CPU variable on one CPU.\n"
		"\n"
		"All operators of C that change nothing are there, casts to integers and to pointers\n"
		"(struct NAME *), the members -> and . and the elements [] of what they point to, & and *,\n"
		"sizeof, offsetof(TYPE, MEMBER), container_of(EXPR, TYPE, MEMBER), and enumerators. * over\n"
		"a number reads a long. Parentheses or double quotes keep |, < and > from being taken for\n"
		"a pipe and files. Errors tell the column.\n"
		"\n"
		"    eval 128m / 4k\n"
		"    eval -b 0x80000163\n"
		"    eval ((struct task_struct *)&init_task)->pid\n"
		"    eval (sizeof(struct page) | 1)\n",
	.options = options,
	.needs = KA_RAW_ARGS,
	.rows = rows,
	.run = run,
};
