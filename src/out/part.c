/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Parts of a document that are made apart, on other cores, and put together in order: the bytes are those of one that was made in one go. */
#include "out_priv.h"

struct held {
	size_t at;		/* bytes of text before it */
	const char *command;
	bool is_own;		/* of the command whose parts these are, not of one that it ran */
	struct ka_error *err;
};

struct ka_part {
	struct { KA_VEC(struct held); } faults;
	bool has_gap;		/* an empty line is due before its first, should anything stand before it */
};

static struct ka_error *copy(const struct ka_error *err)
{
	struct ka_error *ret = ka_error_at(err->code, err->space, err->addr, "%s", err->message);

	if (err->detail)
		ret->detail = ka_xstrdup(err->detail);
	return ret;
}

static void drop(struct ka_part *p)
{
	for (size_t i = 0; i < p->faults.n; i++)
		ka_error_free(p->faults.at[i].err);
	p->faults.n = 0;
}

static void groups_free(struct level *level)
{
	for (size_t i = 0; i < level->groups.n; i++) {
		ka_str_free(&level->groups.at[i]->text);
		free(level->groups.at[i]);
	}
	level->groups.n = 0;
}

void ka_out_part_begin(struct ka_out *out, const struct ka_out *whole, struct ka_sink *sink)
{
	struct document *doc = ka_document_now((struct ka_out *)whole);

	if (!out->part)
		out->part = ka_xalloc(sizeof(*out->part));
	while (out->documents.n)
		ka_str_free(&out->documents.at[--out->documents.n].errors);
	drop(out->part);
	groups_free(&out->levels[0]);
	out->part->has_gap = false;
	out->depth = out->too_deep = 0;
	ka_out_direct(out, sink, whole->format, whole->has_colour);
	out->levels[0] = (struct level){ .groups.cap = out->levels[0].groups.cap, .groups.at = out->levels[0].groups.at };
	ka_vec_push(&out->documents, (struct document){ .command = doc ? doc->command : "", .default_rows = doc ? doc->default_rows : NULL });
}

void ka_part_free(struct ka_out *out)
{
	if (!out->part)
		return;
	drop(out->part);
	groups_free(&out->levels[0]);
	ka_vec_free(&out->part->faults);
	free(out->part);
	out->part = NULL;
}

bool ka_part_keeps_groups(const struct ka_out *out)
{
	return out->part && !out->depth && out->documents.n == 1;
}

void ka_part_gap(struct ka_out *out)
{
	out->part->has_gap = true;
}

void ka_part_fault(struct ka_out *out, const struct ka_error *err)
{
	struct document *doc = ka_document_now(out);

	ka_vec_push(&out->part->faults, (struct held){ out->sink->buf.len, doc->command, out->documents.n == 1, copy(err) });
}

void ka_out_part_end(struct ka_out *out)
{
	while (out->depth || out->too_deep)
		ka_out_end(out);
}

size_t ka_out_part_size(const struct ka_out *out)
{
	size_t size = out->sink->buf.len;

	for (size_t i = 0; i < out->levels[0].groups.n && out->documents.n == 1; i++)
		size += out->levels[0].groups.at[i]->text.len;
	return size;
}

bool ka_out_part_can_add(const struct ka_out *out)
{
	return out->format != KA_OUT_JSON || (!out->depth && out->documents.n == 1);
}

static void text_add(struct ka_out *whole, struct ka_out *out, size_t from, size_t to)
{
	struct document *doc = ka_document_now(whole);

	if (to == from)
		return;
	if (!from && out->part->has_gap && doc && doc->had_text && whole->format == KA_OUT_TEXT)
		ka_str_addc(&whole->sink->buf, '\n');
	ka_str_addn(&whole->sink->buf, out->sink->buf.p + from, to - from);
	if (doc)
		doc->had_text = true;
	ka_sink_tick(whole->sink);
}

void ka_out_part_add(struct ka_out *whole, struct ka_out *out, void (*fault)(void *ctx, struct ka_error *err), void *ctx)
{
	struct document *of = ka_document_now(whole), *doc = &out->documents.at[0];
	struct level *level = &out->levels[0];
	size_t done = 0;

	for (size_t i = 0; i < out->part->faults.n; i++) {
		struct held *h = &out->part->faults.at[i];

		text_add(whole, out, done, h->at);
		done = h->at;
		if (h->is_own) {
			fault(ctx, h->err);
		} else {
			ka_fault_text(whole, h->command, h->err);
			ka_error_free(h->err);
		}
	}
	out->part->faults.n = 0;
	text_add(whole, out, done, out->sink->buf.len);
	if (out->sink->buf.len)
		out->part->has_gap = false;
	ka_str_clear(&out->sink->buf);
	if (!of)
		return;
	for (size_t i = 0; i < level->groups.n && out->documents.n == 1; i++) {
		ka_out_json_group(whole, level->groups.at[i]->rows, level->groups.at[i]->text.p, level->groups.at[i]->count);
		ka_sink_tick(whole->sink);
	}
	if (out->documents.n == 1)
		groups_free(level);
	of->had_rows |= doc->had_rows;
	of->had_inner |= doc->had_inner;
	if (doc->errors.len && whole->format == KA_OUT_JSON) {
		ka_str_add(&of->errors, of->errors.len ? "," : "");
		ka_str_addn(&of->errors, doc->errors.p, doc->errors.len);
		ka_str_clear(&doc->errors);
	}
}
