/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Physical memory that lies in files as it is: ELF, LiME, raw images. A format adds its extents in the order of its headers;
 * they are then made disjoint, so that one look-up finds the one that counts: of several that cover an address, what is in a
 * file wins over what a cut file lacks, that over what was left out, and of equals the first in the order of the headers
 * (crash takes the first, too).
 */
#include "flat.h"
#include "image_priv.h"

void ka_extents_add(struct ka_extents *x, const struct ka_file *f, uint32_t file, uint64_t phys, uint64_t offset, uint64_t file_size, uint64_t mem_size)
{
	uint64_t there = offset >= f->size ? 0 : KA_MIN(file_size, f->size - offset);
	uint64_t ends[3] = { there, file_size, KA_MAX(mem_size, file_size) };

	for (uint64_t kind = 0, at = 0; kind < 3; at = ends[kind++])
		if (ends[kind] > at)
			ka_vec_push(x, (struct ka_extent){ .start = phys + at, .end = phys + ends[kind], .offset = offset + at, .file = file,
							   .kind = (enum ka_extent_kind)kind, .order = x->n });
}

static int by_start(const void *a, const void *b)
{
	const struct ka_extent *x = a, *y = b;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

static bool is_before(const struct ka_extent *a, const struct ka_extent *b)
{
	return a->kind != b->kind ? a->kind < b->kind : a->order < b->order;
}

/* A binary heap of those that cover the address of the sweep, the one that counts on top. */
struct heap {
	KA_VEC(struct ka_extent);
};

static void heap_push(struct heap *h, struct ka_extent e)
{
	size_t i = h->n;

	ka_vec_push(h, e);
	for (; i && is_before(&e, &h->at[(i - 1) / 2]); i = (i - 1) / 2)
		h->at[i] = h->at[(i - 1) / 2];
	h->at[i] = e;
}

static void heap_pop(struct heap *h)
{
	struct ka_extent e = h->at[--h->n];
	size_t i = 0, child;

	for (; (child = 2 * i + 1) < h->n; i = child) {
		if (child + 1 < h->n && is_before(&h->at[child + 1], &h->at[child]))
			child++;
		if (!is_before(&h->at[child], &e))
			break;
		h->at[i] = h->at[child];
	}
	if (h->n)
		h->at[i] = e;
}

/* Adds [start, end) of e, to the last one where it goes on. */
static void emit(struct ka_extents *out, const struct ka_extent *e, uint64_t start, uint64_t end)
{
	struct ka_extent *last = out->n ? &out->at[out->n - 1] : NULL;
	uint64_t offset = e->offset + (start - e->start);

	if (last && last->end == start && last->file == e->file && last->kind == e->kind && last->offset + (start - last->start) == offset)
		last->end = end;
	else
		ka_vec_push(out, (struct ka_extent){ .start = start, .end = end, .offset = offset, .file = e->file, .kind = e->kind, .order = e->order });
}

void ka_extents_settle(struct ka_extents *x)
{
	struct ka_extents out = { 0 };
	struct heap heap = { 0 };
	uint64_t at = 0;
	size_t next = 0;
	bool is_settled = true;

	if (x->n)
		qsort(x->at, x->n, sizeof(*x->at), by_start);
	for (size_t i = 1; i < x->n && is_settled; i++)
		is_settled = x->at[i - 1].end <= x->at[i].start;
	if (is_settled)
		return;
	while (next < x->n || heap.n) {
		if (!heap.n)
			at = x->at[next].start;
		while (next < x->n && x->at[next].start <= at)
			heap_push(&heap, x->at[next++]);
		while (heap.n && heap.at[0].end <= at)
			heap_pop(&heap);
		if (!heap.n)
			continue;
		uint64_t end = next < x->n ? KA_MIN(heap.at[0].end, x->at[next].start) : heap.at[0].end;
		emit(&out, &heap.at[0], at, end);
		at = end;
	}
	ka_vec_free(&heap);
	free(x->at);
	*x = out;
}

size_t ka_extents_from(const struct ka_extents *x, uint64_t phys)
{
	size_t lo = 0, hi = x->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (x->at[mid].end <= phys)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static const struct ka_extent *find(const struct ka_extents *x, uint64_t phys)
{
	size_t i = ka_extents_from(x, phys);

	return i < x->n && x->at[i].start <= phys ? &x->at[i] : NULL;
}

const uint8_t *ka_extents_map(struct ka_image *img, uint64_t phys, uint64_t *ret_size)
{
	const struct ka_extent *e = find(img->priv, phys);
	const struct ka_file *f = e ? img->files[e->file] : NULL;

	if (!e || e->kind != KA_EXTENT_FILE || !f->raw_map || ka_file_is_broken(f))
		return NULL;
	*ret_size = e->end - phys;
	uint64_t offset = e->offset + (phys - e->start);
	return f->flat ? ka_flat_map(f, offset, ret_size) : f->map + offset;
}

struct ka_error *ka_extents_read(struct ka_image *img, uint64_t phys, void *ret, size_t size)
{
	while (size) {
		const struct ka_extent *e = find(img->priv, phys);
		struct ka_error *err = NULL;
		uint64_t n;

		if (!e)
			return ka_error_at(KA_UNMAPPED, KA_SPACE_PHYS, phys, "the dump has no memory at physical 0x%" PRIx64, phys);
		n = KA_MIN((uint64_t)size, e->end - phys);
		if (e->kind != KA_EXTENT_LEFT_OUT)
			err = ka_file_read(img->files[e->file], e->offset + (phys - e->start), ret, n);
		else if (img->is_zero_excluded)
			ka_image_zero(img, phys, ret, n);
		else
			return ka_image_excluded(img, phys);
		if (err) {
			err->space = KA_SPACE_PHYS;
			err->addr = phys;
			return ka_error_wrap(err, "physical 0x%" PRIx64, phys);
		}
		ret = (uint8_t *)ret + n;
		phys += n;
		size -= n;
	}
	return NULL;
}

bool ka_extents_next_range(struct ka_image *img, uint64_t phys, uint64_t *ret_start, uint64_t *ret_end)
{
	const struct ka_extents *x = img->priv;
	size_t i = ka_extents_from(x, phys);

	while (i < x->n && x->at[i].kind != KA_EXTENT_FILE)
		i++;
	if (i >= x->n)
		return false;
	*ret_start = KA_MAX(phys, x->at[i].start);
	while (i + 1 < x->n && x->at[i + 1].kind == KA_EXTENT_FILE && x->at[i + 1].start == x->at[i].end)
		i++;
	*ret_end = x->at[i].end;
	return true;
}

void ka_extents_close(struct ka_image *img)
{
	struct ka_extents *x = img->priv;

	if (x)
		ka_vec_free(x);
	free(x);
}
