/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* bt: the words of a stack: raw, with names for what they point to, or only those that are addresses of code. */
#include <inttypes.h>
#include <kanalyze/slab.h>
#include "bt.h"

#define CHUNK_WORDS 512

struct bt_word {
	ka_addr at, value;
	const char *symbol, *cache;
	uint64_t offset;
	bool has_offset;
};
BT_LINES(word, "words", "",
	KA_COL(bt_word, at, KA_ADDR, "where the word lies"),
	KA_COL(bt_word, value, KA_ADDR, "the word"),
	KA_COL(bt_word, symbol, KA_TEXT, "symbol it lies in (-F)"),
	KA_COL_IF(bt_word, offset, KA_UINT, has_offset, "bytes from the start of the symbol (-F)"),
	KA_COL(bt_word, cache, KA_TEXT, "slab cache of the object it points to (-F)"));

struct bt_text {
	const char *mark, *shown, *function, *module;
	ka_addr at, ip;
	uint64_t offset;
};
BT_LINES(text, "texts", "{mark}{shown} at {ip:016}{module? [%]}",
	KA_COLF(bt_text, mark, KA_TEXT, KA_ONLY_TEXT, ""),
	KA_COLF(bt_text, at, KA_ADDR, KA_ZERO_IS_NONE, "where on the stack the word lies; null: where unwinding starts"),
	KA_COLF(bt_text, shown, KA_TEXT, KA_ONLY_TEXT, ""),
	KA_COL(bt_text, ip, KA_ADDR, "address of code that it holds"),
	KA_COL(bt_text, function, KA_TEXT, "function of that"),
	KA_COL(bt_text, offset, KA_UINT, "bytes from its start"),
	KA_COL(bt_text, module, KA_TEXT, "module of the function; null: the kernel itself"));

/* Words of [at, end), in chunks; what cannot be read is stepped over a page at a time. */
struct reader {
	struct bt *b;
	ka_addr at, end, chunk_at;
	uint8_t bytes[CHUNK_WORDS * 8];
	size_t got;
};

static bool next_word(struct reader *r, ka_addr *ret_at, uint64_t *ret)
{
	unsigned word = ka_long_size(r->b->k);

	while (r->at < r->end && r->end - r->at >= word && !ka_interrupted()) {
		if (r->at < r->chunk_at || r->at + word > r->chunk_at + r->got) {
			struct ka_error *err = NULL;

			r->chunk_at = r->at;
			r->got = ka_read_some(r->b->k, r->at, r->bytes, KA_MIN(sizeof(r->bytes), (size_t)(r->end - r->at)), &err);
			if (r->got < word) {
				ka_call_fault(r->b->c, ka_error_wrap(err, "cannot read the stack at 0x%" PRIx64, r->at));
				r->at = (r->at | (ka_page_size(r->b->k) - 1)) + 1;
				r->got = 0;
				if (!r->at)	/* the last page there is */
					break;
				continue;
			}
			ka_error_free(err);
		}
		*ret_at = r->at;
		*ret = ka_uint_from(r->b->k, r->bytes + (r->at - r->chunk_at), word);
		r->at += word;
		return true;
	}
	return false;
}

/* What a word points to, as crash shows it: a symbol, or the cache of a slab object in brackets. */
static void name_word(struct bt *b, struct bt_word *w, unsigned data, struct ka_str *to)
{
	struct ka_slab_object object;
	ka_addr value = ka_strip_return(b->k, w->value);
	struct ka_symbol s;

	if (data > 1 && ka_is_kernel_addr(b->k, value)) {
		if (ka_symbol_at(b->k, value, &s, &w->offset)) {
			const char *name = w->offset ? ka_printf(b->arena, "%s+%" PRIu64, s.name, w->offset) : s.name;

			w->symbol = s.name;
			w->has_offset = true;
			ka_str_printf(to, "%-16s", name);
			return;
		}
		if (ka_slab_find(b->k, w->value, &object) && object.name[0]) {
			const char *name = data > 2 ? ka_printf(b->arena, "[%" PRIx64 ":%s]", w->value, object.name) :
						      ka_printf(b->arena, "[%s]", object.name);

			w->cache = ka_strdup(b->arena, object.name);
			ka_str_printf(to, "%-16s", name);
			return;
		}
	}
	ka_str_printf(to, "%0*" PRIx64, (int)ka_long_size(b->k) * 2, w->value);
}

static void put_line(struct bt *b, struct ka_str *line)
{
	while (line->len && line->p[line->len - 1] == ' ')
		line->p[--line->len] = 0;
	if (line->len)
		ka_out_note(b->c->out, "%s\n", line->p);
	ka_str_clear(line);
}

static void put_words(struct bt *b, ka_addr at, ka_addr end, unsigned data, const char *head)
{
	struct reader r = { .b = b, .at = at, .end = end };
	struct ka_str line = { 0 };
	bool is_text = ka_out_is_text(b->c->out);
	struct bt_word w = { 0 };
	unsigned n = 0;

	while (next_word(&r, &w.at, &w.value)) {
		struct ka_str name = { 0 };

		w.symbol = w.cache = NULL;
		w.has_offset = false;
		name_word(b, &w, data, &name);
		if (!is_text) {
			ka_out_row(b->c->out, &bt_rows_word, &w);
		} else {
			if (n++ % 2 == 0)
				ka_str_printf(&line, head, (int)ka_long_size(b->k) * 2, w.at);
			ka_str_printf(&line, "%s ", name.p);
			if (n % 2 == 0)
				put_line(b, &line);
		}
		ka_str_free(&name);
	}
	put_line(b, &line);
	ka_str_free(&line);
}

void bt_words_put(struct bt *b, ka_addr at, ka_addr end, unsigned data)
{
	/* frames come from the dump: a wrong one may be anywhere */
	if (end > at && end - at <= (1u << 20))
		put_words(b, at, end, data, "    %0*" PRIx64 ": ");
}

void bt_raw_put(struct bt *b, ka_addr task)
{
	struct ka_stack_place places[KA_STACK_PLACES];

	if (ka_task_stack_places(b->k, task, places))
		put_words(b, places[0].start, places[0].end, b->data, "%0*" PRIx64 ":  ");
	else
		ka_out_note(b->c->out, "(no stack)\n");
}

/* One stretch of a stack; of an -o list, numbered. */
static bool text_words(struct bt *b, ka_addr at, ka_addr end, bool is_shown, uint32_t *level)
{
	struct reader r = { .b = b, .at = at, .end = end };
	struct bt_text row = { 0 };
	bool refers = false;
	uint64_t v;

	while (next_word(&r, &row.at, &v)) {
		struct ka_symbol s;

		v = ka_strip_return(b->k, v);
		if (!ka_is_text(b->k, v) || !ka_symbol_at(b->k, v, &s, &row.offset))
			continue;
		/* a pointer to a function is no return address */
		if (b->how == BT_OLD && !row.offset)
			continue;
		refers |= b->ref && bt_address_refers(b, v);
		if (!is_shown)
			continue;
		row.ip = v;
		row.function = s.name;
		row.module = s.module;
		row.shown = bt_name(b, v, b->has_offsets, &s);
		if (b->how == BT_OLD)
			row.mark = ka_printf(b->arena, *level < 10 ? " #%u [%016" PRIx64 "] " : "#%u [%016" PRIx64 "] ", *level, row.at);
		else
			row.mark = ka_printf(b->arena, "  [%016" PRIx64 "] ", row.at);
		++*level;
		ka_out_row(b->c->out, &bt_rows_text, &row);
	}
	return refers;
}

static const struct ka_stack_place *place_at(const struct ka_stack_place *places, unsigned count, ka_addr sp)
{
	for (unsigned i = 0; i < count; i++)
		if (sp >= places[i].start && sp < places[i].end)
			return &places[i];
	return NULL;
}

/* Up to registers that lie there, else to the end; of a damaged task they may lie anywhere. */
static ka_addr end_before(const struct ka_stack_place *place, ka_addr from, const struct ka_pt_regs *regs)
{
	return regs && regs->at > from && regs->at < place->end ? regs->at : place->end;
}

/* The innermost frame of -o: of a kernel before v4.9 its address is in no word of the stack of a task that sleeps. */
static bool first_is_elsewhere(struct bt *b, const struct ka_stack *st)
{
	const struct ka_frame *f = &st->frames[0];
	uint64_t v;

	return b->how == BT_OLD && f->is_call && f->ret_at && ka_is_text(b->k, f->ip) &&
	       !ka_error_drop(ka_read_ulong(b->k, f->ret_at, &v)) && ka_strip_return(b->k, v) != f->ip;
}

static void put_first(struct bt *b, const struct ka_stack *st)
{
	const struct ka_frame *f = &st->frames[0];
	struct bt_text row = { .ip = f->shown_ip };
	struct ka_symbol s;

	if (!ka_symbol_at(b->k, row.ip, &s, &row.offset))
		return;
	row.function = s.name;
	row.module = s.module;
	row.shown = bt_name(b, row.ip, b->has_offsets, &s);
	row.mark = ka_printf(b->arena, " #0 [%016" PRIx64 "] ", f->shown_at);
	ka_out_row(b->c->out, &bt_rows_text, &row);
}

/*
 * From where unwinding starts up to the top of the task's stack, through the stacks in between; or the whole stack of the task.
 * The registers of user mode at its top are no words of functions.
 */
static bool walk_text(struct bt *b, ka_addr task, const struct ka_stack *st, bool is_shown)
{
	struct ka_stack_place places[KA_STACK_PLACES];
	unsigned count = ka_task_stack_places(b->k, task, places), word = ka_long_size(b->k);
	const struct ka_stack_place *place;
	uint32_t level = 0;
	bool refers = false;
	ka_addr at;

	if (!count)
		return false;	/* told by the note */
	if (b->how == BT_TEXT_ALL || !st->count)
		return text_words(b, places[0].start, end_before(&places[0], places[0].start, st->user_regs), is_shown, &level);
	if (first_is_elsewhere(b, st)) {
		if (is_shown)
			put_first(b, st);
		refers |= b->ref && bt_address_refers(b, st->frames[0].ip);
		level++;
	}
	/* aarch64: the place of a frame record, whose second word is the return address */
	at = st->frames[0].ret_at ? st->frames[0].ret_at : st->frames[0].sp;
	for (size_t i = 0; i < st->count; i++) {
		const struct ka_frame *f = &st->frames[i];
		bool is_left = i + 1 < st->count && st->frames[i + 1].stack;

		if (!is_left && i + 1 < st->count)
			continue;
		place = place_at(places, count, at);
		if (place) {
			refers |= text_words(b, at, end_before(place, at, is_left ? f->regs : st->user_regs), is_shown, &level);
		}
		if (!is_left)
			break;
		if (is_shown) {
			if (f->regs)
				bt_saved_put(b, f->regs);
			ka_out_note(b->c->out, "--- <%s stack> ---\n", st->frames[i + 1].stack);
		}
		f++;
		at = f->ret_at && f->by != KA_BY_PT_REGS ? f->ret_at : f->sp & ~(ka_addr)(word - 1);
	}
	return refers;
}

void bt_text_put(struct bt *b, ka_addr task, const struct ka_stack *st)
{
	if (b->how == BT_TEXT && st->count) {
		struct bt_text row = { .mark = "              START: ", .ip = st->frames[0].shown_ip };
		struct ka_symbol s;

		if (ka_symbol_at(b->k, row.ip, &s, &row.offset)) {
			row.function = s.name;
			row.module = s.module;
		}
		row.shown = row.function ? row.function : "(unknown)";
		ka_out_row(b->c->out, &bt_rows_text, &row);
	}
	walk_text(b, task, st, true);
}

bool bt_text_refers(struct bt *b, ka_addr task, const struct ka_stack *st)
{
	return walk_text(b, task, st, false);
}
