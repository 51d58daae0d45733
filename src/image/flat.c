/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Flattened dumps: what makedumpfile -F writes to a pipe, and QEMU's kdump writer to a file that cannot seek. A header of
 * 4096 bytes, then blocks: offset and size (big-endian, 64 bits), data; an offset of -1 ends it. A later block replaces what an
 * earlier one wrote to the same place (makedumpfile writes headers twice).
 */
#include <endian.h>
#include <inttypes.h>
#include "flat.h"

#define HEADER_SIZE 4096
#define BLOCK_SIZE_MAX (1ull << 40)
#define OVERLAPS_MAX 4096

struct block {
	uint64_t offset, size;	/* in the file that is made */
	uint64_t at;		/* of the data in the stream */
	uint64_t order;
};

struct ka_flat {
	struct { KA_VEC(struct block); } blocks;	/* disjoint, sorted by offset */
	bool is_cut;
};

bool ka_flat_probe(const struct ka_file *f)
{
	static const char magic[16] = "makedumpfile";
	char head[sizeof(magic)];

	return f->size >= HEADER_SIZE && !ka_error_drop(ka_file_read_raw(f, 0, head, sizeof(head))) && !memcmp(head, magic, sizeof(magic));
}

static int by_offset(const void *a, const void *b)
{
	const struct block *x = a, *y = b;

	if (x->offset != y->offset)
		return x->offset < y->offset ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

/* The part of a block from offset on. */
static struct block tail_of(struct block b, uint64_t from)
{
	uint64_t skip = from - b.offset;

	return (struct block){ from, b.size - skip, b.at + skip, b.order };
}

/* Puts a block into its place behind index i of a sorted vector. */
static void insert_behind(struct ka_flat *flat, size_t i, struct block b)
{
	size_t to = i + 1;

	while (to < flat->blocks.n && by_offset(&flat->blocks.at[to], &b) < 0)
		to++;
	ka_vec_push(&flat->blocks, b);
	memmove(&flat->blocks.at[to + 1], &flat->blocks.at[to], (flat->blocks.n - 1 - to) * sizeof(b));
	flat->blocks.at[to] = b;
}

/* Of two blocks that overlap, the later one counts. Overlaps are few: headers that were written twice. False: too many. */
static bool make_disjoint(struct ka_flat *flat)
{
	struct ka_flat out = { 0 };
	size_t overlaps = 0;

	for (size_t i = 0; i < flat->blocks.n && overlaps < OVERLAPS_MAX; i++) {
		struct block b = flat->blocks.at[i];
		struct block *last = out.blocks.n ? &out.blocks.at[out.blocks.n - 1] : NULL;
		uint64_t last_end = last ? last->offset + last->size : 0, end = b.offset + b.size;

		if (!b.size)
			continue;
		if (last_end <= b.offset) {
			ka_vec_push(&out.blocks, b);
			continue;
		}
		overlaps++;
		if (b.order < last->order) {	/* what stands is newer: only what reaches over it counts */
			if (end > last_end)
				insert_behind(flat, i, tail_of(b, last_end));
			continue;
		}
		if (end < last_end)
			insert_behind(flat, i, tail_of(*last, end));
		last->size = b.offset - last->offset;
		if (!last->size)
			out.blocks.n--;
		ka_vec_push(&out.blocks, b);
	}
	ka_vec_free(&flat->blocks);
	flat->blocks.at = out.blocks.at;
	flat->blocks.n = out.blocks.n;
	flat->blocks.cap = out.blocks.cap;
	return overlaps < OVERLAPS_MAX;
}

static struct ka_error *read_blocks(const struct ka_file *f, struct ka_flat *flat, struct ka_progress *progress)
{
	for (uint64_t at = HEADER_SIZE; ; ) {
		uint64_t head[2], offset, size;

		if (ka_interrupted())
			return ka_error_new(KA_INTERRUPTED, "interrupted");
		if (f->size - at < sizeof(head) || ka_error_drop(ka_file_read_raw(f, at, head, sizeof(head)))) {
			flat->is_cut = true;
			return NULL;
		}
		offset = be64toh(head[0]);
		size = be64toh(head[1]);
		at += sizeof(head);
		if (offset == UINT64_MAX)
			return NULL;
		if (size > BLOCK_SIZE_MAX || offset > INT64_MAX - size)
			return ka_error_at(KA_CORRUPT, KA_SPACE_FILE, at, "%s: the flattened block at 0x%" PRIx64 " says 0x%" PRIx64 " bytes at 0x%" PRIx64,
					   f->path, at, size, offset);
		uint64_t there = KA_MIN(size, f->size - at);
		ka_vec_push(&flat->blocks, (struct block){ offset, there, at, flat->blocks.n });
		if (there < size) {
			flat->is_cut = true;
			return NULL;
		}
		at += size;
		ka_progress_at(progress, at);
	}
}

struct ka_error *ka_flat_open(struct ka_file *f)
{
	struct ka_flat *flat = ka_xalloc(sizeof(*flat));
	struct ka_progress *progress = ka_progress_new("reading the index of the flattened dump", f->size);
	struct ka_error *err = read_blocks(f, flat, progress);
	uint64_t size = 0;

	ka_progress_free(progress);
	if (err) {
		/* what came before a block that cannot be is still good */
		if (err->code == KA_INTERRUPTED || !flat->blocks.n) {
			ka_flat_close(flat);
			return err;
		}
		ka_error_free(err);
		flat->is_cut = true;
	}
	for (size_t i = 0; i < flat->blocks.n; i++)
		size = KA_MAX(size, flat->blocks.at[i].offset + flat->blocks.at[i].size);
	if (flat->blocks.n)
		qsort(flat->blocks.at, flat->blocks.n, sizeof(*flat->blocks.at), by_offset);
	if (!make_disjoint(flat)) {
		ka_flat_close(flat);
		return ka_error_new(KA_CORRUPT, "%s: more than %u flattened blocks overlap", f->path, OVERLAPS_MAX);
	}
	ka_log(1, "%s: flattened, %zu blocks", f->path, flat->blocks.n);
	f->flat = flat;
	f->size = size;
	return NULL;
}

void ka_flat_close(struct ka_flat *flat)
{
	if (!flat)
		return;
	ka_vec_free(&flat->blocks);
	free(flat);
}

bool ka_flat_is_cut(const struct ka_flat *flat)
{
	return flat->is_cut;
}

/* Index of the first block that ends behind offset. */
static size_t find(const struct ka_flat *flat, uint64_t offset)
{
	size_t lo = 0, hi = flat->blocks.n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (flat->blocks.at[mid].offset + flat->blocks.at[mid].size <= offset)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

struct ka_error *ka_flat_read(const struct ka_file *f, uint64_t offset, void *ret, size_t size)
{
	const struct ka_flat *flat = f->flat;

	for (size_t i = find(flat, offset); size; i++) {
		const struct block *b = i < flat->blocks.n ? &flat->blocks.at[i] : NULL;
		struct ka_error *err;
		uint64_t n;

		if (!b)
			return ka_error_at(KA_TRUNCATED, KA_SPACE_FILE, offset, "%s ends before 0x%" PRIx64 " of the dump that it makes", f->path, offset);
		if (b->offset > offset) {	/* nothing was written there: a hole of zeros */
			n = KA_MIN((uint64_t)size, b->offset - offset);
			memset(ret, 0, n);
			ret = (uint8_t *)ret + n;
			offset += n;
			size -= n;
			if (!size)
				return NULL;
		}
		n = KA_MIN((uint64_t)size, b->size - (offset - b->offset));
		err = ka_file_read_raw(f, b->at + (offset - b->offset), ret, n);
		if (err)
			return err;
		ret = (uint8_t *)ret + n;
		offset += n;
		size -= n;
	}
	return NULL;
}

const uint8_t *ka_flat_map(const struct ka_file *f, uint64_t offset, uint64_t *ret_size)
{
	size_t i = find(f->flat, offset);
	const struct block *b = i < f->flat->blocks.n ? &f->flat->blocks.at[i] : NULL;

	if (!f->raw_map || !b || b->offset > offset)
		return NULL;
	*ret_size = KA_MIN(*ret_size, b->size - (offset - b->offset));
	return f->raw_map + b->at + (offset - b->offset);
}
