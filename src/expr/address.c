/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Addresses as users of crash write them. */
#include <ctype.h>
#include <kanalyze/command.h>
#include <kanalyze/expr.h>
#include <kanalyze/symbol.h>

/* A number or a symbol, perhaps a part of a function ("foo.isra.0", "foo.cold"): not "init_task.pid". */
static bool is_plain(const char *name)
{
	const char *dot = strchr(name, '.');

	for (const char *p = name; *p; p++)
		if (!isalnum((unsigned char)*p) && *p != '_' && *p != '.')
			return false;
	return !dot || strpbrk(dot, "0123456789") || !strcmp(dot, ".cold");
}

struct ka_error *ka_parse_address(struct ka_kernel *k, const char *text, ka_addr *ret)
{
	size_t len = strcspn(text, "+-");
	char *name = ka_xstrndup(text, len);
	uint64_t offset = 0, number = 0;
	bool is_number = ka_parse_number(name, false, &number);
	struct ka_error *err = NULL;
	struct ka_symbol symbol;

	/* What is more than a name and a number is an expression. */
	if (!len || !is_plain(name) || (text[len] && !ka_parse_number(text + len + 1, true, &offset))) {
		free(name);
		return ka_expr_number(k, text, KA_EXPR_HEX | KA_EXPR_ADDRESSES, ret);
	}
	if (is_number && (isdigit((unsigned char)*name) || ka_is_kernel_addr(k, number))) {
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
