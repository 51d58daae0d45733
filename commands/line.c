/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* line: source of an address with the functions inlined there, and addresses of a source line. */
#include <inttypes.h>
#include <kanalyze/expr.h>
#include <kanalyze/module.h>
#include "dis.h"
#include "words.h"

#define CHAIN_MAX 32

struct line_row {
	ka_addr addr;
	const char *where, *function, *module;
	uint64_t offset;
	bool has_function;
};
KA_LINES(line_row, "lines", "{addr} {where}",
	KA_COL(line_row, addr, KA_ADDR, "the address"),
	KA_COLF(line_row, where, KA_TEXT, KA_ONLY_TEXT, "function and offset"),
	KA_COL(line_row, function, KA_TEXT, "function it is in, as the symbol table names it"),
	KA_COL_IF(line_row, offset, KA_UINT, has_function, "bytes from the start of the function"),
	KA_COL(line_row, module, KA_TEXT, "module of the function; null: the kernel itself"));

struct line_level {
	const char *function, *file;
	uint32_t line;
	bool inlined;
};
KA_LINES(line_level, "chain", "    {function?% :}{inlined?[inlined] :}{file}: {line}",
	KA_COL(line_level, function, KA_TEXT, "function as the source names it, the innermost first"),
	KA_COL(line_level, inlined, KA_BOOL, "is it inlined into the next one?"),
	KA_COL(line_level, file, KA_TEXT, "source file"),
	KA_COLF(line_level, line, KA_UINT, KA_ZERO_IS_NONE, "line in it; of callers: that of the call"));

static void show(struct ka_call *c, ka_addr addr)
{
	struct line_row row = { .addr = addr };
	struct ka_source chain[CHAIN_MAX];
	const struct ka_module *m = ka_module_at(c->k, addr);
	const char *place = ka_place_text(c, addr, false);
	struct ka_symbol s;
	size_t n;

	if (m)
		ka_error_drop(ka_module_load(c->k, m, NULL, NULL));
	if (ka_symbol_at(c->k, addr, &s, &row.offset)) {
		row.function = s.name;
		row.module = s.module;
		row.has_function = true;
	}
	row.where = place ? ka_printf(c->arena, "%s%s%s%s", ka_strndup(c->arena, place + 1, strlen(place) - 2), s.module ? " [" : "",
				      s.module ? s.module : "", s.module ? "]" : "") : "(no symbol)";
	n = ka_source_chain(c->k, addr, chain, CHAIN_MAX);
	if (!n && ka_source_at(c->k, addr, &chain[0]))
		n = 1;	/* assembly has lines, but no functions */
	ka_out_begin(c->out, &ka_rows_line_row, &row);
	for (size_t i = 0; i < n; i++) {
		struct line_level level = { chain[i].function, chain[i].file, chain[i].line, chain[i].is_inlined };

		ka_out_row(c->out, &ka_rows_line_level, &level);
	}
	ka_out_end(c->out);
	if (!n)
		ka_call_fault(c, ka_error_at(KA_NOT_FOUND, KA_SPACE_VIRT, addr, "0x%" PRIx64 ": there is no line information", addr));
}

/* FILE:LINE; a C++-like "a::b" or a per-CPU "sym:1" is none. */
static bool is_source_line(struct ka_call *c, const char *arg, char **ret_file, unsigned *ret_line)
{
	const char *colon = strrchr(arg, ':');
	uint64_t n;

	if (!colon || colon == arg || !strchr(arg, '.') || !ka_parse_number(colon + 1, true, &n) || !n || n > UINT32_MAX)
		return false;
	*ret_file = ka_strndup(c->arena, arg, (size_t)(colon - arg));
	*ret_line = (unsigned)n;
	return true;
}

static struct ka_error *run(struct ka_call *c)
{
	if (!c->argc)
		return ka_call_usage(c, "line needs an address, a symbol, or FILE:LINE");
	ka_words_join_at(c, 0);
	for (int i = 0; i < c->argc && !ka_interrupted(); i++) {
		struct ka_error *err;
		char *file;
		unsigned line;
		ka_addr addr, end;

		if (is_source_line(c, c->argv[i], &file, &line))
			err = ka_source_address(c->k, file, line, &addr, &end);
		else
			err = ka_error_wrap(ka_expr_number(c->k, c->argv[i], KA_EXPR_HEX | KA_EXPR_ADDRESSES, &addr), "'%s'", c->argv[i]);
		if (err)
			ka_call_fault(c, err);
		else
			show(c, addr);
	}
	return NULL;
}

static const struct ka_rows *const rows[] = { &ka_rows_line_row, &ka_rows_line_level, NULL };

const struct ka_command ka_command_line = {
	.name = "line",
	.args = "ADDR | SYMBOL | (EXPRESSION) | FILE:LINE ...",
	.brief = "source lines of addresses, with what was inlined there",
	.help =
		"Function, source file and line of each address. Where functions were inlined, the\n"
		"innermost comes first, then each one that it was inlined into with the line of the call;\n"
		"the last is the function that has the code. FILE:LINE (the end of a path will do) is the\n"
		"first code that comes from there, of the kernel's image.\n"
		"\n"
		"    line ffffffff812ae3a9\n"
		"    line schedule+7\n"
		"    line kernel/fork.c:2500\n",
	.needs = KA_NEED_SYMBOLS,
	.rows = rows,
	.run = run,
};
