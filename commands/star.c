/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* *: short for struct, for names that are commands, too. */
#include "print.h"

const struct ka_command ka_command_star = {
	.name = "*",
	.args = "[-dfoprux] [-l OFFSET] [-c COUNT] NAME[.MEMBER[,MEMBER]...] [ADDR[:CPUS] [COUNT]]",
	.brief = "short for struct and union",
	.help =
		"As struct, of whatever the name is. For types whose names are those of commands: `* mount`.\n"
		"\n"
		"    * list_head\n"
		"    *task_struct.pid init_task\n",
	.options = ka_struct_options,
	.needs = KA_NEED_TYPES,
	.rows = ka_struct_row_types,
	.run = ka_struct_run,
};
