/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The lines of a fault under the exception's registers in a backtrace. */
#include <kanalyze/task.h>
#include "fault_show.h"

struct fault_lines {
	const char *kind, *first, *second, *expression, *file;
	ka_addr addr;
	uint32_t line;
	bool has_addr;
};
static const struct ka_col fault_cols[] = {
	KA_COL(fault_lines, kind, KA_TEXT, "kind of the fault, as fault has it"),
	KA_COL(fault_lines, first, KA_TEXT, "what happened"),
	KA_COL(fault_lines, second, KA_TEXT, "to what"),
	KA_COL_IF(fault_lines, addr, KA_ADDR, has_addr, "the address that was touched"),
	KA_COL(fault_lines, expression, KA_TEXT, "what lies there, in C"),
	KA_COL(fault_lines, file, KA_TEXT, "source file"),
	KA_COLF(fault_lines, line, KA_UINT, KA_ZERO_IS_NONE, "line in it"),
};
const struct ka_rows ka_rows_of_fault = {
	"fault", KA_SHAPE_LINE, NULL, "    [fault: {first}]{second?\n    [fault\\: %]}", fault_cols, KA_COUNT(fault_cols),
};

struct ka_fault *ka_fault_of_stack(struct ka_call *c, ka_addr task, const struct ka_stack *st)
{
	struct ka_fault *f;
	bool has_exception = false;

	for (size_t i = 0; i < st->count; i++)
		has_exception |= st->frames[i].regs && !st->frames[i].regs->is_user;
	if (!has_exception || task != ka_panic_task(c->k))
		return NULL;
	f = ka_alloc(c->arena, sizeof(*f));
	ka_fault_explain(c->k, c->arena, st, f);
	return f->has_frame && f->kind != KA_FAULT_NONE ? f : NULL;
}

void ka_fault_show(struct ka_call *c, const struct ka_fault *f)
{
	struct fault_lines row = { .kind = ka_fault_kind_name(f->kind), .addr = f->addr, .has_addr = f->has_addr, .expression = f->expression,
				   .file = f->file, .line = f->line };
	const char *sentences[2] = { NULL, NULL };

	if (!ka_fault_sentences(c->k, c->arena, f, sentences))
		return;
	row.first = sentences[0];
	row.second = sentences[1];
	ka_out_row(c->out, &ka_rows_of_fault, &row);
}
