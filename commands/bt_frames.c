/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* bt: frames, what was inlined into them, and what lies in them. */
#include <inttypes.h>
#include "bt.h"
#include "bt_locals.h"
#include "fault_show.h"

#define CHAIN_MAX 32

struct bt_frame {
	const char *mark;	/* " #0" or "#10" */
	uint32_t level;
	bool has_level;
	ka_addr at, ip, sp, shown_at, shown_ip;
	const char *function, *shown, *module;
	uint64_t offset;
	bool has_offset;
	const char *by, *found;
	bool guess;
	const char *stack, *file, *source;
	uint32_t line;
};
BT_LINES(frame, "frames", "{mark} [{shown_at:016}] {guess?? :}{shown} at {shown_ip:016}{module? [%]}{found? (%)}{source?\n    %}",
	KA_COLF(bt_frame, mark, KA_TEXT, KA_ONLY_TEXT, ""),
	KA_COL_IF(bt_frame, level, KA_UINT, has_level, "number of the frame; null: a function that an exception interrupted"),
	KA_COLF(bt_frame, shown_at, KA_ADDR, KA_ONLY_TEXT, ""),
	KA_COLF(bt_frame, shown_ip, KA_ADDR, KA_ONLY_TEXT, ""),
	KA_COLF(bt_frame, at, KA_ADDR, KA_ZERO_IS_NONE | KA_ONLY_JSON,
		"where on the stack the return address lies; null: the frame comes from registers"),
	KA_COL(bt_frame, sp, KA_ADDR, "stack pointer in this frame"),
	KA_COLF(bt_frame, ip, KA_ADDR, KA_ONLY_JSON, "instruction it returns to, or was at"),
	KA_COL(bt_frame, function, KA_TEXT, "function"),
	KA_COL_IF(bt_frame, offset, KA_UINT, has_offset, "bytes from the start of the function to ip"),
	KA_COLF(bt_frame, shown, KA_TEXT, KA_ONLY_TEXT, ""),
	KA_COL(bt_frame, module, KA_TEXT, "module; null: the kernel itself"),
	KA_COL(bt_frame, by, KA_TEXT, "who found the frame: start, orc, cfi, fp, scan, pt_regs, call (the return address that a call left), made (code that the kernel made)"),
	KA_COLF(bt_frame, found, KA_TEXT, KA_ONLY_TEXT, ""),
	KA_COL(bt_frame, guess, KA_BOOL, "found by a frame pointer or a scan, or no true return address: marked ? in text"),
	KA_COL(bt_frame, stack, KA_TEXT, "name of the stack that was left before this frame; null: the same"),
	KA_COL(bt_frame, file, KA_TEXT, "source file (-l)"),
	KA_COLF(bt_frame, line, KA_UINT, KA_ZERO_IS_NONE, "line in it (-l)"),
	KA_COLF(bt_frame, source, KA_TEXT, KA_ONLY_TEXT, ""));

/* A function that was inlined; text has it between its frame's caller and callee, without a number. */
struct bt_inlined {
	const char *function, *into, *file, *source;
	uint32_t line;
};
BT_LINES(inlined, "inlined", "    (inlined) {function} in {into}{source?\n    %}",
	KA_COL(bt_inlined, function, KA_TEXT, "function whose code was inlined here; the innermost comes first"),
	KA_COLF(bt_inlined, into, KA_TEXT, KA_ONLY_TEXT, ""),
	KA_COL(bt_inlined, file, KA_TEXT, "source file"),
	KA_COLF(bt_inlined, line, KA_UINT, KA_ZERO_IS_NONE, "line in it"),
	KA_COLF(bt_inlined, source, KA_TEXT, KA_ONLY_TEXT, ""));

const struct bt_chain *bt_chain_at(struct bt *b, ka_addr addr)
{
	struct ka_source found[CHAIN_MAX];
	struct bt_chain chain = { .addr = addr };
	uint64_t i;

	if (ka_map_get(&b->chain_of, addr, &i))
		return &b->chains.at[i];
	if (b->has_inline)
		chain.n = ka_source_chain(b->k, addr, found, CHAIN_MAX);
	if (chain.n) {
		chain.at = ka_alloc(b->c->arena, chain.n * sizeof(*found));
		memcpy(chain.at, found, chain.n * sizeof(*found));
	}
	if (b->has_lines && !ka_source_line(b->k, addr, &chain.file, &chain.line))
		chain.file = NULL;
	ka_map_add(&b->chain_of, addr, b->chains.n);
	ka_vec_push(&b->chains, chain);
	return &b->chains.at[b->chains.n - 1];
}

const char *bt_name(struct bt *b, ka_addr addr, bool has_offset, struct ka_symbol *ret)
{
	uint64_t offset;

	if (!ka_symbol_at(b->k, addr, ret, &offset))
		return NULL;
	if (!has_offset || !offset)
		return ret->name;
	return ka_printf(b->arena, b->is_hex ? "%s+0x%" PRIx64 : "%s+%" PRIu64, ret->name, offset);
}

static void name_frame(struct bt *b, const struct ka_frame *f, const struct bt_chain *chain, struct bt_frame *row)
{
	struct ka_symbol s;
	uint64_t offset;

	/* a return address may lie behind the end of a function that calls one that does not return */
	if (!ka_symbol_at(b->k, f->ip - f->is_call, &s, &offset)) {
		row->shown = "(unknown)";
		return;
	}
	row->function = s.name;
	row->module = s.module;
	row->offset = offset + f->is_call;
	offset = row->offset - (f->ip - f->shown_ip);
	row->has_offset = true;
	row->shown = !b->has_offsets ? s.name : ka_printf(b->arena, b->is_hex ? "%s+0x%" PRIx64 : "%s+%" PRIu64, s.name, offset);
	if (!b->has_lines)
		return;
	/* with the inlined functions on lines of their own, the line of the function itself is that of the call into them */
	if (chain->n) {
		row->file = chain->at[chain->n - 1].file;
		row->line = chain->at[chain->n - 1].line;
	} else if (chain->file) {
		row->file = chain->file;
		row->line = chain->line;
	}
	if (row->file)
		row->source = ka_printf(b->arena, "%s: %u", row->file, row->line);
}

static void put_inlined(struct bt *b, const struct bt_chain *chain)
{
	for (size_t i = 0; i + 1 < chain->n; i++) {
		struct bt_inlined row = { .function = chain->at[i].function ? chain->at[i].function : "(unknown)",
					  .into = chain->at[i + 1].function ? chain->at[i + 1].function : "(unknown)" };

		if (b->has_lines) {
			row.file = chain->at[i].file;
			row.line = chain->at[i].line;
			if (row.file)
				row.source = ka_printf(b->arena, "%s: %u", row.file, row.line);
		}
		ka_out_row(b->c->out, &bt_rows_inlined, &row);
	}
}

/* The words of a frame: what lies above its return address, up to and with the next frame's. */
static void put_data(struct bt *b, const struct ka_stack *st, size_t i)
{
	const struct ka_frame *f = &st->frames[i];
	unsigned word = ka_long_size(b->k);
	ka_addr at = f->by == KA_BY_PT_REGS || !f->ret_at ? f->shown_at : f->shown_at + word;

	if (i + 1 == st->count)
		return;
	for (i++; i < st->count && !st->frames[i].stack; i++) {
		if (st->frames[i].is_interrupted && i + 1 < st->count)
			continue;
		if (st->frames[i].shown_at + word > at)
			bt_words_put(b, at, st->frames[i].shown_at + (st->frames[i].ret_at ? word : 0), b->data);
		return;
	}
}

bool bt_address_refers(struct bt *b, ka_addr addr)
{
	struct ka_symbol s;
	uint64_t offset;

	return (b->ref_addr && addr == b->ref_addr) || (ka_symbol_at(b->k, addr, &s, &offset) && !strcmp(s.name, b->ref));
}

bool bt_frames_refer(struct bt *b, const struct ka_stack *st)
{
	for (size_t i = 0; i < st->count; i++) {
		const struct ka_frame *f = &st->frames[i];
		const struct bt_chain *chain;

		if (f->ip == b->ref_addr || f->shown_ip == b->ref_addr || bt_address_refers(b, f->ip - f->is_call))
			return true;
		chain = bt_chain_at(b, f->ip - f->is_call);
		for (size_t j = 0; j + 1 < chain->n; j++)
			if (chain->at[j].function && !strcmp(chain->at[j].function, b->ref))
				return true;
	}
	return false;
}

/* is_alone: as the only one, which is shown though the block of an exception tells it. */
static void put_frame(struct bt *b, struct ka_stack *st, size_t i, uint32_t *level, bool is_alone)
{
	bool is_text = ka_out_is_text(b->c->out);
	const struct ka_frame *f = &st->frames[i];
	const struct bt_chain *chain = bt_chain_at(b, f->ip - f->is_call);
	struct bt_frame row = { .at = f->ret_at, .ip = f->ip, .shown_at = f->shown_at, .shown_ip = f->shown_ip, .sp = f->sp, .by = ka_frame_by_name(f->by),
				.guess = f->is_guess, .stack = f->stack };
	/* what an exception interrupted is told in the exception's block; on another stack it has a line as well */
	bool is_hidden = f->is_interrupted;

	if (f->by == KA_BY_PT_REGS || !f->ret_at)
		row.at = f->sp;
	if (f->stack && !is_alone)
		ka_out_note(b->c->out, "--- <%s stack> ---\n", f->stack);
	name_frame(b, f, chain, &row);
	if (b->has_by)
		row.found = row.by;
	row.has_level = !is_hidden;
	if (!is_hidden)
		row.level = (*level)++;
	if (is_text)
		put_inlined(b, chain);
	if (is_hidden && is_text) {
		if (ka_call_has(b->c, "V"))
			ka_put_frame_locals(b->c, st, i, true);
		return;
	}
	row.mark = ka_printf(b->arena, row.level < 10 ? " #%u" : "#%u", row.level);
	ka_out_begin(b->c->out, &bt_rows_frame, &row);
	if (!is_text)
		put_inlined(b, chain);
	if (ka_call_has(b->c, "V"))
		ka_put_frame_locals(b->c, st, i, false);
	if (f->regs && !is_alone)
		bt_saved_put(b, f->regs);
	if (b->fault && b->fault->frame == i && !is_alone)
		ka_fault_show(b->c, b->fault);
	if (b->data)
		put_data(b, st, i);
	if (is_alone && b->has_registers)
		bt_registers_put(b, f);
	ka_out_end(b->c->out);
}

void bt_frames_put(struct bt *b, struct ka_stack *st)
{
	uint32_t level = 0;

	if (ka_call_has(b->c, "V"))
		ka_stack_debuginfo(b->k, st);
	for (size_t i = 0; i < st->count; i++)
		put_frame(b, st, i, &level, false);
}

void bt_frame_put(struct bt *b, struct ka_stack *st, uint32_t level)
{
	size_t i;

	if (ka_stack_level(st, level, &i))
		put_frame(b, st, i, &level, true);
}
