/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* pte: what the bits of a page table entry say. */
#include <kanalyze/command.h>
#include "entry_show.h"

static struct ka_error *run(struct ka_call *c)
{
	if (!c->argc)
		return ka_call_usage(c, "pte needs the value of an entry");
	for (int i = 0; i < c->argc && !ka_interrupted(); i++) {
		uint64_t entry;
		struct ka_error *err = ka_expr_number(NULL, c->argv[i], KA_EXPR_HEX, &entry);

		if (err)
			ka_call_fault(c, ka_error_wrap(err, "'%s'", c->argv[i]));
		else
			entry_show(c, entry, 0);
	}
	return NULL;
}

static const struct ka_rows *const rows[] = { &ka_rows_entry_row, NULL };

const struct ka_command ka_command_pte = {
	.name = "pte",
	.args = "CONTENTS...",
	.brief = "page table entries in words",
	.help =
		"The physical page that an entry of a page table maps, and the names of its bits. Of an\n"
		"entry that maps nothing: the swap device and the page there, or what else the kernel put\n"
		"in its place (migration, device memory, hardware poison, a marker). CONTENTS is a\n"
		"hexadecimal number, as vtop shows it. Bit 7 of x86 is taken for that of a large page.\n"
		"\n"
		"    pte 8000000004b6e067\n"
		"    pte 7fffffffffbfe0a\n",
	.needs = KA_NUMBER_ARGS,
	.rows = rows,
	.run = run,
};
