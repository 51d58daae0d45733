/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The lockless printk ring buffer (896fbe20b4e2, v5.10): descriptors, infos beside them, and a ring of text blocks. */
#include <inttypes.h>
#include <kanalyze/symbol.h>
#include <kanalyze/view.h>
#include "printk.h"

/* LOG_BUF_LEN_MAX is 2 GB; a descriptor is reckoned for each 32 bytes of it. */
#define TEXT_BITS_MAX 31
#define DESC_BITS_MAX 26
#define CHUNK 128	/* descriptors read at a time */

struct prb {
	uint32_t desc_bits, text_bits;
	ka_addr descs, infos, text;
	uint64_t head_id, tail_id;
};
KA_VIEW(prb, ("printk_ringbuffer"),
	KA_FROM(prb, desc_bits, "desc_ring.count_bits"),
	KA_FROM(prb, descs, "desc_ring.descs"),
	KA_FROM(prb, infos, "desc_ring.infos"),		/* cfe2790b163a, v5.10-rc1: infos were in the descriptors before */
	KA_FROM(prb, head_id, "desc_ring.head_id.counter"),
	KA_FROM(prb, tail_id, "desc_ring.tail_id.counter"),
	KA_FROM(prb, text_bits, "text_data_ring.size_bits"),
	KA_FROM(prb, text, "text_data_ring.data"));

struct prb_desc {
	uint64_t state, begin, next;
};
KA_VIEW(prb_desc, ("prb_desc"),
	KA_FROM(prb_desc, state, "state_var.counter"),
	KA_FROM(prb_desc, begin, "text_blk_lpos.begin"),
	KA_FROM(prb_desc, next, "text_blk_lpos.next"));

struct printk_info {
	uint64_t seq, ts_nsec;
	uint16_t text_len;
	uint8_t facility, flags, level;
	uint32_t caller;
	char comm[16], subsystem[16], device[48];
};
KA_VIEW(printk_info, ("printk_info"),
	KA_FROM(printk_info, seq, "seq"),
	KA_FROM(printk_info, ts_nsec, "ts_nsec"),
	KA_FROM(printk_info, text_len, "text_len"),
	KA_FROM(printk_info, facility, "facility"),
	KA_FROM(printk_info, flags, "flags"),
	KA_FROM(printk_info, level, "level"),
	KA_MAYBE(printk_info, caller, "caller_id"),
	KA_MAYBE(printk_info, comm, "comm"),		/* CONFIG_PRINTK_EXECUTION_CTX, v6.19 */
	KA_MAYBE(printk_info, subsystem, "dev_info.subsystem"),	/* 74caba7f2a06, v5.10 */
	KA_MAYBE(printk_info, device, "dev_info.device"));

/* Bits of a descriptor's state: DESC_STATE() of printk_ringbuffer.h. */
enum { DESC_RESERVED, DESC_COMMITTED, DESC_FINALIZED, DESC_REUSABLE };
/* Positions with the lowest bit set stand for no block at all. */
enum { LPOS_FAILED = 1, LPOS_EMPTY_LINE = 3 };

struct ring {
	struct ka_log_reader *r;
	struct prb prb;
	uint64_t desc_count, text_size, id_mask;
	uint64_t desc_size, info_size;
	unsigned state_shift;
	bool has_caller;
	uint8_t *descs, *infos;		/* one chunk of each */
	size_t have_descs, have_infos;	/* bytes of the chunk that could be read */
};

/* How often the ring had gone round at a position; positions are of the dump's word size and overflow. */
static uint64_t wraps(const struct ring *g, uint64_t lpos)
{
	return ka_long_size(g->r->k) == 4 ? (uint32_t)lpos >> g->prb.text_bits : lpos >> g->prb.text_bits;
}

/* Where the text of a descriptor lies: offset in the ring behind the block's id, and room for it. */
static struct ka_error *text_place(const struct ring *g, const struct prb_desc *d, uint64_t id, uint64_t *ret_at,
				   uint64_t *ret_size)
{
	unsigned word = ka_long_size(g->r->k);
	uint64_t mask = g->text_size - 1, begin = d->begin, next = d->next, block_id, size;
	struct ka_error *err;

	/*
	 * A block does not go round the end: one that would is put at the start. It may end exactly
	 * at the end since cc3bad11de6e (v6.18), hence next - 1.
	 */
	if (begin < next && wraps(g, begin) == wraps(g, next - 1)) {
		size = next - begin;
	} else if (wraps(g, begin + g->text_size) == wraps(g, next - 1)) {
		begin = next & ~mask;
		size = next & mask;
	} else {
		return ka_error_new(KA_CORRUPT, "text block from %#" PRIx64 " to %#" PRIx64 " is no block", d->begin,
				    d->next);
	}
	if (size < word || size > g->text_size)
		return ka_error_new(KA_CORRUPT, "text block of %" PRIu64 " bytes", size);
	begin &= mask;
	err = ka_read_ulong(g->r->k, g->prb.text + begin, &block_id);
	if (err)
		return err;
	if (block_id != id)
		return ka_error_at(KA_CORRUPT, KA_SPACE_VIRT, g->prb.text + begin,
				   "its text block belongs to descriptor %#" PRIx64 ": overwritten", block_id);
	*ret_at = begin + word;
	*ret_size = size - word;
	return NULL;
}

static struct ka_error *read_text(struct ring *g, const struct prb_desc *d, uint64_t id, const struct printk_info *info,
				  struct ka_log_record *rec)
{
	uint64_t at, room;
	struct ka_error *err = NULL;
	char *text;
	size_t want;

	rec->text = "";
	/* Both odd: no block. Empty line (NO_LPOS until v6.5 renamed it), else there was no room for the text. */
	if (d->begin & 1 && d->next & 1) {
		if (d->begin == LPOS_EMPTY_LINE)
			return NULL;
		return ka_error_new(KA_NOT_FOUND, "its text was lost when it was written: no room in the buffer");
	}
	err = text_place(g, d, id, &at, &room);
	if (err)
		return err;
	/* text_len is what the writer wanted; the block holds what there was room for. */
	want = KA_MIN(info->text_len, room);
	text = ka_alloc(g->r->a, want + 1);
	rec->text_size = ka_read_some(g->r->k, g->prb.text + at, text, want, &err);
	rec->text = text;
	return err;
}

static void add_dict(struct ring *g, const struct printk_info *info, struct ka_log_record *rec)
{
	bool has_subsystem = info->subsystem[0], has_device = info->device[0];

	if (!has_subsystem && !has_device)
		return;
	rec->dict = ka_printf(g->r->a, "%s%.16s%s%s%.48s", has_subsystem ? "SUBSYSTEM=" : "", info->subsystem,
			      has_subsystem && has_device ? "\n" : "", has_device ? "DEVICE=" : "", info->device);
	rec->dict_size = strlen(rec->dict);
}

static struct ka_error *read_record(struct ring *g, uint64_t id, size_t i)
{
	struct ka_kernel *k = g->r->k;
	uint64_t index = id & (g->desc_count - 1);
	struct ka_log_record rec = {0};
	struct printk_info info;
	struct prb_desc d;
	struct ka_error *err;
	unsigned state;

	if ((i + 1) * g->desc_size > g->have_descs)
		return ka_error_at(KA_UNMAPPED, KA_SPACE_VIRT, g->prb.descs + index * g->desc_size,
				   "descriptor cannot be read");
	err = ka_view_parse(k, &ka_view_prb_desc, g->prb.descs + index * g->desc_size, g->descs + i * g->desc_size,
			    g->desc_size, &d);
	if (err)
		return err;
	state = d.state >> g->state_shift & 3;
	/* Reserved: a writer was at it when the machine died. Another id: not yet or no more in use. */
	if ((d.state & g->id_mask) != id || (state != DESC_COMMITTED && state != DESC_FINALIZED))
		return NULL;
	if ((i + 1) * g->info_size > g->have_infos)
		return ka_error_at(KA_UNMAPPED, KA_SPACE_VIRT, g->prb.infos + index * g->info_size,
				   "printk_info cannot be read");
	err = ka_view_parse(k, &ka_view_printk_info, g->prb.infos + index * g->info_size, g->infos + i * g->info_size,
			    g->info_size, &info);
	if (err)
		return err;
	rec = (struct ka_log_record){
		.seq = info.seq, .time_ns = info.ts_nsec, .has_time = true, .level = info.level, .has_level = true,
		.facility = info.facility, .flags = info.flags, .caller = info.caller, .has_caller = g->has_caller,
		.comm = info.comm[0] ? ka_strndup(g->r->a, info.comm, sizeof(info.comm)) : NULL,
	};
	err = read_text(g, &d, id, &info, &rec);
	if (!err && (info.seq & (g->desc_count - 1)) != index)
		err = ka_error_new(KA_CORRUPT, "sequence number does not belong at place %" PRIu64 " of the ring", index);
	if (err && !rec.text_size)
		return ka_error_wrap(err, "record %" PRIu64, info.seq);
	ka_log_fault(g->r, ka_error_wrap(err, "record %" PRIu64, info.seq));
	add_dict(g, &info, &rec);
	ka_vec_push(&g->r->records, rec);
	return NULL;
}

/* Descriptors id .. id + n - 1, which do not go round the end of the array. */
static void read_chunk(struct ring *g, uint64_t id, size_t n)
{
	uint64_t index = id & (g->desc_count - 1);
	struct ka_error *err;

	g->have_descs = ka_read_some(g->r->k, g->prb.descs + index * g->desc_size, g->descs, n * g->desc_size, &err);
	if (g->have_descs < g->desc_size) {	/* one fault for all of them */
		ka_log_fault(g->r, ka_error_wrap(err, "descriptors %" PRIu64 " to %" PRIu64, index, index + n - 1));
		return;
	}
	ka_error_drop(err);
	g->have_infos = ka_read_some(g->r->k, g->prb.infos + index * g->info_size, g->infos, n * g->info_size, &err);
	ka_error_drop(err);
	for (size_t i = 0; i < n; i++)
		ka_log_fault(g->r, read_record(g, (id + i) & g->id_mask, i));
}

struct ka_error *ka_log_read_ring(struct ka_log_reader *r)
{
	struct ring g = { .r = r };
	struct ka_error *err;
	uint64_t id, left;
	ka_addr at;

	err = ka_symbol_ulong(r->k, "prb", &at);
	if (!err)
		err = ka_view_read(r->k, &ka_view_prb, at, &g.prb);
	if (!err)
		err = ka_view_bind(r->k, &ka_view_prb_desc);
	if (!err)
		err = ka_view_bind(r->k, &ka_view_printk_info);
	if (err)
		return err;
	if (g.prb.desc_bits > DESC_BITS_MAX || g.prb.text_bits > TEXT_BITS_MAX)
		return ka_error_at(KA_CORRUPT, KA_SPACE_VIRT, at, "printk ring buffer of 2^%u descriptors and 2^%u bytes",
				   g.prb.desc_bits, g.prb.text_bits);
	g.desc_count = 1ull << g.prb.desc_bits;
	g.text_size = 1ull << g.prb.text_bits;
	g.state_shift = ka_long_size(r->k) * 8 - 2;
	g.id_mask = (1ull << g.state_shift) - 1;
	g.desc_size = ka_view_size(r->k, &ka_view_prb_desc);
	g.info_size = ka_view_size(r->k, &ka_view_printk_info);
	g.has_caller = KA_HAS(r->k, printk_info, caller);
	g.descs = ka_xalloc(CHUNK * g.desc_size);
	g.infos = ka_xalloc(CHUNK * g.info_size);

	id = g.prb.tail_id & g.id_mask;
	left = ((g.prb.head_id - id) & g.id_mask) + 1;
	if (left > g.desc_count) {
		/* Head or tail is broken: all descriptors there are, by the head. */
		ka_log_fault(r, ka_error_at(KA_CORRUPT, KA_SPACE_VIRT, at, "printk ring buffer holds %" PRIu64
					    " records from %#" PRIx64 " to %#" PRIx64 " but has room for %" PRIu64,
					    left, g.prb.tail_id, g.prb.head_id, g.desc_count));
		left = g.desc_count;
		id = (g.prb.head_id - (left - 1)) & g.id_mask;
	}
	while (left && !err) {
		size_t n = KA_MIN(KA_MIN(left, (uint64_t)CHUNK), g.desc_count - (id & (g.desc_count - 1)));

		read_chunk(&g, id, n);
		id = (id + n) & g.id_mask;
		left -= n;
		if (left && ka_interrupted())
			err = ka_error_new(KA_INTERRUPTED, "interrupted");
	}
	free(g.descs);
	free(g.infos);
	return err;
}
