/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* frame: the frame of the current task whose registers $rip, $rbx ... stand for. */
#include <inttypes.h>
#include <kanalyze/local.h>
#include "frame.h"

struct ka_error *frame_go(struct ka_call *c, bool has_level, uint64_t level, int64_t by)
{
	const char *radix = ka_call_setting(c, "radix"), *is_inline = ka_call_setting(c, "inline");
	struct bt b = { .c = c, .k = c->k, .arena = c->arena, .has_lines = true, .has_offsets = true, .has_registers = ka_call_has(c, "r") };
	ka_addr task = ka_call_task(c);
	uint32_t count = 0, now;
	struct ka_stack st;
	struct ka_error *err;

	if (!task)
		return ka_error_new(KA_NOT_FOUND, "there is no current task: set one with 'set PID'");
	err = ka_unwind_task(c->k, task, c->arena, &st);
	if (err)
		return err;
	ka_error_free(st.err);	/* bt tells it */
	if (b.has_registers)
		ka_stack_registers(c->k, &st);
	for (size_t i; ka_stack_level(&st, count, &i);)
		count++;
	if (!count)
		return ka_error_new(KA_NOT_FOUND, "the task has no frame%s%s", st.note ? " " : "", st.note ? st.note : "");
	if (has_level && level >= count)
		return ka_error_new(KA_NOT_FOUND, "there is no frame %" PRIu64 ": the last one is %u", level, count - 1);
	if (!has_level) {
		level = ka_call_frame(c, &now) ? KA_MIN(now, count - 1) : 0;
		if (by < 0 && !level)
			return ka_error_new(KA_NOT_FOUND, "this is the innermost frame: there is none below it");
		if (by > 0 && level == count - 1)
			return ka_error_new(KA_NOT_FOUND, "this is the outermost frame: there is none above it");
		/* as far as there are frames */
		if (by < 0)
			level -= KA_MIN((uint64_t)-by, level);
		else
			level += KA_MIN((uint64_t)by, count - 1 - level);
	}
	b.is_hex = radix && !strcmp(radix, "16");
	b.has_inline = is_inline && !strcmp(is_inline, "on");
	ka_call_set_frame(c, (uint32_t)level);
	bt_frame_put(&b, &st, (uint32_t)level);
	ka_vec_free(&b.chains);
	ka_map_free(&b.chain_of);
	return NULL;
}

struct ka_error *frame_count(struct ka_call *c, int64_t *ret)
{
	uint64_t n = 1;

	if (c->argc > 1 || (c->argc && (!ka_parse_number(c->argv[0], true, &n) || n > INT32_MAX)))
		return ka_call_usage(c, "a number of frames is expected");
	*ret = (int64_t)n;
	return NULL;
}

static struct ka_error *run(struct ka_call *c)
{
	uint64_t level = 0;

	if (c->argc > 1 || (c->argc && !ka_parse_number(c->argv[0], true, &level)))
		return ka_call_usage(c, "the number of a frame is expected, as bt shows it");
	return frame_go(c, c->argc, level, 0);
}

const struct ka_option frame_options[] = {
	{ "r", NULL, "also the registers that are known in the frame", false },
	{ NULL, NULL, NULL, false },
};
const struct ka_rows *const frame_rows[] = { &bt_rows_frame, &bt_rows_inlined, &bt_rows_register, NULL };

const struct ka_command ka_command_frame = {
	.name = "frame",
	.args = "[-r] [NUMBER]",
	.brief = "the frame of the current task that $registers are of",
	.help = "Chooses a frame of the current task by the number that bt shows, and prints it with its source line. From then on $rip, $rsp,\n"
		"$rbx ... ($pc, $x19 ...) in expressions are those of that frame, as far as unwinding knows them: the ones that a called\n"
		"function need not keep are lost. Without NUMBER: the frame that is chosen. up and down go to the frame that called it and\n"
		"to the one it called; set with another task forgets the choice.\n"
		"\n"
		"EXAMPLES\n"
		"    frame 3\n"
		"    frame -r\n"
		"    p $rbx\n"
		"    dis -r $rip\n"
		"    up 2\n",
	.options = frame_options,
	.needs = KA_NEED_TYPES | KA_NEED_TASKS | KA_NEED_SYMBOLS,
	.rows = frame_rows,
	.run = run,
};
