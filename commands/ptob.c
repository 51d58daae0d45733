/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ptob: page frame numbers to physical addresses. */
#include <inttypes.h>
#include <kanalyze/command.h>
#include <kanalyze/expr.h>

struct ptob_row {
	uint64_t page;
	ka_addr address;
};
KA_LINES(ptob_row, "pages", "{page}: {address}",
	KA_COL(ptob_row, page, KA_HEX, "page frame number"),
	KA_COL(ptob_row, address, KA_ADDR, "physical address of its first byte"));

static struct ka_error *one(struct ka_call *c, const char *text)
{
	unsigned shift = ka_page_shift(c->k);
	struct ptob_row row;
	struct ka_error *err = ka_expr_number(NULL, text, KA_EXPR_DECIMAL, &row.page);

	if (err)
		return ka_error_wrap(err, "'%s' is no page number", text);
	if (row.page > UINT64_MAX >> shift)
		return ka_error_new(KA_USAGE, "page 0x%" PRIx64 " would lie beyond 64 bits of address", row.page);
	row.address = row.page << shift;
	ka_out_row(c->out, &ka_rows_ptob_row, &row);
	return NULL;
}

static struct ka_error *run(struct ka_call *c)
{
	if (!c->argc)
		return ka_call_usage(c, "ptob needs a page number");
	for (int i = 0; i < c->argc; i++)
		ka_call_fault(c, one(c, c->argv[i]));
	return NULL;
}

static const struct ka_rows *const rows[] = { &ka_rows_ptob_row, NULL };

const struct ka_command ka_command_ptob = {
	.name = "ptob",
	.args = "PAGE...",
	.brief = "page number to address",
	.help =
		"The physical address of each page frame number. Numbers are decimal, but hexadecimal\n"
		"with 0x or when there is a digit a-f in them; what is printed is hexadecimal.\n"
		"\n"
		"    ptob 512a\n",
	.needs = KA_NUMBER_ARGS,
	.rows = rows,
	.run = run,
};
