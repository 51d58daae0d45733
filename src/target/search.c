/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Search: the area is cut into units, a batch of units is searched on all cores, then its matches are told in order.
 * Where the file is mapped, values are compared in place; else pages go through the page cache one by one.
 */
#include <endian.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include "kernel.h"
#include "search_area.h"

#define UNIT_BYTES (256u << 10)		/* what one thread takes at a time; its bytes stay in the second-level cache */
#define BATCH_FIRST 32u			/* units of the first batch; doubled while there is little to tell */
#define BATCH_MAX 1024u
#define MATCHES_MANY (256u << 10)
#define BLOCK 64			/* bytes compared before asking whether there was anything; 64 of them are a stretch */

typedef uint64_t vec64 __attribute__((vector_size(16)));
typedef uint32_t vec32 __attribute__((vector_size(16)));
typedef uint16_t vec16 __attribute__((vector_size(16)));

struct unit {
	size_t piece;			/* where it starts */
	uint64_t offset, bytes;		/* in that piece; how much, perhaps over several pieces */
	struct { KA_VEC(struct ka_match); } found;
};

struct job {
	struct ka_search_area *area;
	struct ka_kernel *k;
	const struct ka_search_for *what;
	uint64_t *raw_values, raw_mask;	/* as they lie in memory: the dump's byte order */
	size_t text_max;		/* of the longest text */
	struct unit *units;
	struct ka_progress *progress;
	_Atomic uint64_t done;
	_Atomic uint64_t bad_bytes;
	pthread_mutex_t lock;
	struct ka_error *bad;		/* the first, by address, under lock */
	uint64_t bad_at;
};

static uint64_t load(const uint8_t *p, unsigned width)
{
	uint64_t v64;
	uint32_t v32;
	uint16_t v16;

	switch (width) {
	case 8:
		memcpy(&v64, p, 8);
		return v64;
	case 4:
		memcpy(&v32, p, 4);
		return v32;
	default:
		memcpy(&v16, p, 2);
		return v16;
	}
}

/*
 * Which blocks of a stretch hold a value: bit n of the result is block n. A block is compared without a branch.
 * An early way out would cost more than it saves: nearly all blocks hold nothing.
 */
#define BLOCKS_WITH(bits)									\
static uint64_t blocks##bits(const uint8_t *p, size_t blocks, uint##bits##_t value, uint##bits##_t mask)	\
{												\
	vec##bits v = (vec##bits){0} + value, m = (vec##bits){0} + mask;			\
	uint64_t ret = 0;									\
												\
	for (size_t b = 0; b < blocks; b++) {							\
		vec64 hit = {0};								\
												\
		for (unsigned i = 0; i < BLOCK; i += sizeof(v)) {				\
			vec##bits x;								\
												\
			memcpy(&x, p + b * BLOCK + i, sizeof(x));				\
			hit |= (vec64)(((x ^ v) & m) == 0);					\
		}										\
		ret |= (uint64_t)((hit[0] | hit[1]) != 0) << b;					\
	}											\
	return ret;										\
}
BLOCKS_WITH(64)
BLOCKS_WITH(32)
BLOCKS_WITH(16)

static void values_exactly(const struct job *j, struct unit *u, uint64_t virt, const uint8_t *p, size_t size)
{
	unsigned width = j->what->width;

	for (size_t at = 0; at + width <= size; at += width) {
		uint64_t v = load(p + at, width);

		for (size_t i = 0; i < j->what->count; i++)
			if (!((v ^ j->raw_values[i]) & j->raw_mask))
				ka_vec_push(&u->found, (struct ka_match){ virt + at, ka_uint_from(j->k, p + at, width), i });
	}
}

static void values_in(const struct job *j, struct unit *u, uint64_t virt, const uint8_t *p, size_t size)
{
	size_t at = 0, blocks;

	for (; (blocks = KA_MIN((size - at) / BLOCK, (size_t)64)); at += blocks * BLOCK) {
		uint64_t hits = 0, m = j->raw_mask;

		for (size_t i = 0; i < j->what->count; i++) {
			uint64_t v = j->raw_values[i];

			hits |= j->what->width == 8 ? blocks64(p + at, blocks, v, m) : j->what->width == 4 ?
				blocks32(p + at, blocks, (uint32_t)v, (uint32_t)m) : blocks16(p + at, blocks, (uint16_t)v, (uint16_t)m);
		}
		for (; hits; hits &= hits - 1) {
			size_t b = at + (size_t)__builtin_ctzll(hits) * BLOCK;

			values_exactly(j, u, virt + b, p + b, BLOCK);
		}
	}
	values_exactly(j, u, virt + at, p + at, size - at);
}

static int by_addr(const void *a, const void *b)
{
	const struct ka_match *x = a, *y = b;

	if (x->addr != y->addr)
		return x->addr < y->addr ? -1 : 1;
	return x->which < y->which ? -1 : x->which > y->which;
}

/* Texts that begin before limit. */
static void texts_in(const struct job *j, struct unit *u, uint64_t virt, const uint8_t *p, size_t size, size_t limit)
{
	for (size_t i = 0; i < j->what->count; i++) {
		const struct ka_search_text *t = &j->what->texts[i];

		for (size_t at = 0; at < limit && t->size && t->size <= size - at; at++) {
			const uint8_t *hit = memmem(p + at, size - at, t->bytes, t->size);

			if (!hit || (size_t)(hit - p) >= limit)
				break;
			at = (size_t)(hit - p);
			ka_vec_push(&u->found, (struct ka_match){ virt + at, 0, i });
		}
	}
}

static void note_bad(struct job *j, uint64_t virt, uint64_t bytes, struct ka_error *err)
{
	atomic_fetch_add(&j->bad_bytes, bytes);
	pthread_mutex_lock(&j->lock);
	if (!j->bad || virt < j->bad_at) {
		struct ka_error *old = j->bad;

		j->bad = err;
		j->bad_at = virt;
		err = old;
	}
	pthread_mutex_unlock(&j->lock);
	ka_error_free(err);
}

static uint64_t page_rest(const struct job *j, uint64_t phys)
{
	uint64_t page = ka_page_size(j->k);

	return page - (phys & (page - 1));
}

/* A piece whose bytes are in the map: compared there. Returns how much was done. */
static uint64_t values_in_map(const struct job *j, struct unit *u, uint64_t virt, uint64_t phys, uint64_t size)
{
	uint64_t room = 0;
	size_t n_before = u->found.n;
	const uint8_t *map = ka_phys_map(j->k, phys, &room);

	if (!map)
		return 0;
	/* a value may straddle the end of what is mapped together, in odd files: leave it to the copy */
	room = KA_MIN(room, size) & ~(uint64_t)(j->what->width - 1);
	values_in(j, u, virt, map, room);
	if (ka_phys_map_is_good(j->k))
		return room;
	u->found.n = n_before;
	return 0;
}

static void values_unit(struct job *j, struct unit *u)
{
	uint8_t *buf = NULL;
	size_t piece = u->piece;
	uint64_t offset = u->offset, left = u->bytes;

	while (left && !ka_interrupted()) {
		const struct ka_mapped *p = &j->area->pieces.at[piece];
		uint64_t size = KA_MIN(p->size - offset, left), done = 0;

		while (done < size) {
			uint64_t virt = p->virt + offset + done, phys = p->phys + offset + done, n;

			n = values_in_map(j, u, virt, phys, size - done);
			if (!n) {
				struct ka_error *err;

				n = KA_MIN(size - done, page_rest(j, phys));
				if (!buf)
					buf = ka_xalloc(ka_page_size(j->k));
				err = ka_read_phys(j->k, (ka_phys){ phys }, buf, n);
				if (err)
					note_bad(j, virt, n, err);
				else
					values_in(j, u, virt, buf, n);
			}
			done += n;
		}
		left -= size;
		offset = 0;
		piece++;
	}
	free(buf);
}

/*
 * Bytes that hang together from a place on, into buf: over ends of pieces while addresses go on. Stops before what
 * cannot be read (*ret_bad: how much of that is to be skipped). Returns the count.
 */
static size_t gather(struct job *j, size_t piece, uint64_t offset, uint8_t *buf, size_t size, uint64_t *ret_bad)
{
	size_t got = 0;

	*ret_bad = 0;
	while (got < size && piece < j->area->pieces.n) {
		const struct ka_mapped *p = &j->area->pieces.at[piece];
		uint64_t n = KA_MIN(KA_MIN(p->size - offset, (uint64_t)(size - got)), page_rest(j, p->phys + offset));
		struct ka_error *err = ka_read_phys(j->k, (ka_phys){ p->phys + offset }, buf + got, n);

		if (err) {
			/* told once: by the unit it belongs to, which meets it first */
			if (got)
				ka_error_free(err);
			else
				note_bad(j, p->virt + offset, n, err);
			*ret_bad = got ? 0 : n;
			break;
		}
		got += n;
		offset += n;
		if (offset < p->size)
			continue;
		if (piece + 1 >= j->area->pieces.n || j->area->pieces.at[piece + 1].virt != p->virt + p->size)
			break;
		offset = 0;
		piece++;
	}
	return got;
}

static void texts_unit(struct job *j, struct unit *u)
{
	uint8_t *buf = ka_xalloc(u->bytes + j->text_max);
	size_t piece = u->piece;
	uint64_t offset = u->offset, left = u->bytes;

	while (left && piece < j->area->pieces.n && !ka_interrupted()) {
		uint64_t virt = j->area->pieces.at[piece].virt + offset, bad, step;
		size_t got = gather(j, piece, offset, buf, left + j->text_max - 1, &bad);

		step = KA_MIN(got ? (uint64_t)got : bad, left);
		if (got)
			texts_in(j, u, virt, buf, got, step);
		left -= step;
		while (step && piece < j->area->pieces.n) {
			uint64_t n = KA_MIN(step, j->area->pieces.at[piece].size - offset);

			step -= n;
			offset += n;
			if (offset == j->area->pieces.at[piece].size) {
				piece++;
				offset = 0;
			}
		}
	}
	if (u->found.n > 1)
		qsort(u->found.at, u->found.n, sizeof(*u->found.at), by_addr);
	free(buf);
}

static void search_unit(void *ctx, size_t i)
{
	struct job *j = ctx;

	if (j->what->width)
		values_unit(j, &j->units[i]);
	else
		texts_unit(j, &j->units[i]);
	ka_progress_at(j->progress, atomic_fetch_add(&j->done, j->units[i].bytes));
}

/* The next batch of units, from where the last one ended. */
static size_t cut_units(struct job *j, size_t max, size_t *piece, uint64_t *offset)
{
	const struct ka_search_area *a = j->area;
	size_t n = 0;

	for (; n < max && *piece < a->pieces.n; n++) {
		struct unit *u = &j->units[n];

		u->piece = *piece;
		u->offset = *offset;
		u->bytes = 0;
		while (u->bytes < UNIT_BYTES && *piece < a->pieces.n) {
			uint64_t take = KA_MIN(a->pieces.at[*piece].size - *offset, UNIT_BYTES - u->bytes);

			u->bytes += take;
			*offset += take;
			if (*offset == a->pieces.at[*piece].size) {
				(*piece)++;
				*offset = 0;
			}
		}
	}
	return n;
}

/* Values as they stand in memory, so that nothing need be turned round while comparing. */
static void raw_values(struct job *j)
{
	unsigned width = j->what->width, shift = 64 - 8 * width;
	bool is_turned = j->k->is_big_endian != (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__);

	j->raw_values = ka_xalloc((j->what->count + 1) * sizeof(uint64_t));
	j->raw_mask = (~j->what->ignore << shift) >> shift;
	if (is_turned)
		j->raw_mask = __builtin_bswap64(j->raw_mask) >> shift;
	for (size_t i = 0; i < j->what->count; i++)
		j->raw_values[i] = is_turned ? __builtin_bswap64(j->what->values[i]) >> shift : j->what->values[i];
}

struct ka_error *ka_search(struct ka_search_area *s, const struct ka_search_for *what, bool (*found)(void *ctx, const struct ka_match *m),
			   void *ctx, uint64_t *ret_bad_bytes, struct ka_error **ret_bad)
{
	struct job j = { .area = s, .k = s->k, .what = what, .text_max = 1 };
	size_t batch = BATCH_FIRST, piece = 0, n;
	uint64_t offset = 0;
	bool go_on = true;

	pthread_mutex_init(&j.lock, NULL);
	j.units = ka_xalloc(BATCH_MAX * sizeof(*j.units));
	j.progress = ka_progress_new("searching", s->bytes);
	if (what->width)
		raw_values(&j);
	else
		for (size_t i = 0; i < what->count; i++)
			j.text_max = KA_MAX(j.text_max, what->texts[i].size);
	while (go_on && !ka_interrupted() && (n = cut_units(&j, batch, &piece, &offset))) {
		size_t told = 0;

		ka_parallel(n, search_unit, &j);
		for (size_t i = 0; i < n; i++) {
			struct unit *u = &j.units[i];

			told += u->found.n;
			for (size_t m = 0; m < u->found.n && go_on; m++)
				go_on = found(ctx, &u->found.at[m]) && !ka_interrupted();
			ka_vec_free(&u->found);
		}
		batch = told > MATCHES_MANY ? BATCH_FIRST : KA_MIN(batch * 2, (size_t)BATCH_MAX);
	}
	ka_progress_free(j.progress);
	pthread_mutex_destroy(&j.lock);
	free(j.raw_values);
	free(j.units);
	*ret_bad_bytes = atomic_load(&j.bad_bytes);
	*ret_bad = j.bad;
	return ka_interrupted() ? ka_error_new(KA_INTERRUPTED, "interrupted") : NULL;
}
