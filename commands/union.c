/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* union: as struct, of unions alone. */
#include "print.h"

const struct ka_command ka_command_union = {
	.name = "union",
	.args = "[-dfoprux] [-l OFFSET] [-c COUNT] NAME[.MEMBER[,MEMBER]...] [ADDR[:CPUS] [COUNT]]",
	.brief = "a union's declaration, or what lies at an address in its shape",
	.help =
		"As struct, but of unions alone.\n"
		"\n"
		"    union sigval\n"
		"    union sigval ffff88800420e000\n",
	.options = ka_struct_options,
	.needs = KA_NEED_TYPES,
	.rows = ka_struct_row_types,
	.run = ka_struct_run,
};
