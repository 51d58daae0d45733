/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* bt -V and its like: rows of arguments and local variables. */
#include <inttypes.h>
#include "bt_locals.h"
#include "print.h"

struct bt_local {
	const char *prefix, *name, *text, *type, *function, *state, *why, *file;
	const struct ka_node *value;
	ka_addr address;
	bool argument, inlined;
	uint32_t line;
};
static const struct ka_col cols[] = {
	KA_COLF(bt_local, prefix, KA_TEXT, KA_ONLY_TEXT, ""),
	KA_COL(bt_local, name, KA_TEXT, "name of the argument or variable"),
	KA_COLF(bt_local, text, KA_TEXT, KA_ONLY_TEXT, ""),
	KA_COL(bt_local, type, KA_TEXT, "its type"),
	KA_COLF(bt_local, value, KA_VALUE, KA_ONLY_JSON, "its value; null: state says why"),
	KA_COL(bt_local, state, KA_TEXT, "there, partly (parts optimized out), optimized out, unknown, synthetic pointer (to what has no address)"),
	KA_COL(bt_local, why, KA_TEXT, "what is not known, or what the pointer is to; else null"),
	KA_COLF(bt_local, address, KA_ADDR, KA_ZERO_IS_NONE, "where it lies; null: in no memory"),
	KA_COL(bt_local, argument, KA_BOOL, "is it an argument?"),
	KA_COL(bt_local, function, KA_TEXT, "function that it belongs to"),
	KA_COL(bt_local, inlined, KA_BOOL, "was that function inlined?"),
	KA_COL(bt_local, file, KA_TEXT, "source file that declares it"),
	KA_COLF(bt_local, line, KA_UINT, KA_ZERO_IS_NONE, "line in it"),
};
const struct ka_rows ka_rows_of_local = { "locals", KA_SHAPE_LINE, NULL, "    {prefix?%\\: :}{name} = {text}", cols, KA_COUNT(cols) };

static void put(struct ka_call *c, const struct ka_local *l, bool is_named)
{
	static const char *const states[] = {
		[KA_LOCAL_THERE] = "there", [KA_LOCAL_PARTLY] = "partly", [KA_LOCAL_OPTIMIZED_OUT] = "optimized out",
		[KA_LOCAL_UNKNOWN] = "unknown", [KA_LOCAL_POINTER] = "synthetic pointer",
	};
	struct ka_print how = ka_call_print(c, ka_call_has(c, "x"), ka_call_has(c, "d"));
	struct bt_local row = { .name = l->name, .function = l->function, .argument = l->is_argument, .inlined = l->is_inlined,
				.state = states[l->state], .file = l->file, .line = l->line };
	struct ka_str s = {0};

	row.prefix = is_named ? l->function : NULL;
	if (l->state == KA_LOCAL_UNKNOWN)
		row.why = l->why;
	if (l->state == KA_LOCAL_POINTER)
		row.why = l->target->name;
	if (l->place == KA_LOCAL_IN_MEMORY && l->value.is_lvalue && !l->bytes)
		row.address = l->value.addr;
	if (ka_out_is_text(c->out)) {
		ka_local_text(l, &how, true, &s);
		row.text = ka_strdup(c->arena, s.p ? s.p : "");
	} else {
		ka_type_text(c->k, &l->type, NULL, &s);
		row.type = ka_strdup(c->arena, s.p ? s.p : "");
		row.value = ka_local_tree(l, &how, c->arena);
	}
	ka_str_free(&s);
	ka_out_row(c->out, &ka_rows_of_local, &row);
}

size_t ka_put_locals(struct ka_call *c, const struct ka_locals *l, unsigned level, enum ka_local_kinds kinds)
{
	size_t n = 0;

	for (size_t i = 0; i < l->n && !ka_interrupted(); i++) {
		const struct ka_local *v = &l->at[i];

		if ((level != KA_ALL_LEVELS && v->level != level) || !(kinds & (v->is_argument ? KA_LOCAL_ARGUMENTS : KA_LOCAL_VARIABLES)))
			continue;
		put(c, v, level == KA_ALL_LEVELS && v->is_inlined);
		n++;
	}
	return n;
}

void ka_put_frame_locals(struct ka_call *c, struct ka_stack *st, size_t frame, bool is_named)
{
	struct ka_locals l;
	struct ka_error *err = ka_locals_read(c->k, st, frame, c->arena, &l);

	if (ka_error_drop(err))
		return;
	for (size_t i = 0; i < l.n && !ka_interrupted(); i++)
		put(c, &l.at[i], is_named || l.at[i].is_inlined);
}
