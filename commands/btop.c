/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* btop: physical addresses to page frame numbers. */
#include <kanalyze/command.h>
#include <kanalyze/expr.h>

struct btop_row {
	ka_addr address;
	uint64_t page;
};
KA_LINES(btop_row, "pages", "{address}: {page}",
	KA_COL(btop_row, address, KA_ADDR, "physical address"),
	KA_COL(btop_row, page, KA_HEX, "page frame number of the page it lies in"));

static struct ka_error *one(struct ka_call *c, const char *text)
{
	struct btop_row row;
	struct ka_error *err = ka_expr_number(NULL, text, KA_EXPR_HEX, &row.address);

	if (err)
		return ka_error_wrap(err, "'%s' is no physical address", text);
	row.page = row.address >> ka_page_shift(c->k);
	ka_out_row(c->out, &ka_rows_btop_row, &row);
	return NULL;
}

static struct ka_error *run(struct ka_call *c)
{
	if (!c->argc)
		return ka_call_usage(c, "btop needs a physical address");
	for (int i = 0; i < c->argc; i++)
		ka_call_fault(c, one(c, c->argv[i]));
	return NULL;
}

static const struct ka_rows *const rows[] = { &ka_rows_btop_row, NULL };

const struct ka_command ka_command_btop = {
	.name = "btop",
	.args = "ADDRESS...",
	.brief = "address to page number",
	.help =
		"The page frame number of each physical address. Numbers are hexadecimal, with 0x or\n"
		"without, and so is what is printed.\n"
		"\n"
		"    btop 512a000\n",
	.needs = KA_NUMBER_ARGS,
	.rows = rows,
	.run = run,
};
