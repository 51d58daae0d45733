/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* down: the frame that the chosen one called. */
#include "frame.h"

static struct ka_error *run(struct ka_call *c)
{
	int64_t count;
	struct ka_error *err = frame_count(c, &count);

	return err ? err : frame_go(c, false, 0, -count);
}

const struct ka_command ka_command_down = {
	.name = "down",
	.args = "[-r] [COUNT]",
	.brief = "the frame that the chosen one called",
	.help = "Goes COUNT frames (1) from the chosen one, and chooses that: see frame. At the end of the stack it stops.\n"
		"\n"
		"EXAMPLES\n"
		"    down\n"
		"    down 3\n",
	.options = frame_options,
	.needs = KA_NEED_TYPES | KA_NEED_TASKS | KA_NEED_SYMBOLS,
	.rows = frame_rows,
	.run = run,
};
