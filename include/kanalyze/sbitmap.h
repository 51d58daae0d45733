/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Scalable bitmaps (v4.9): bits spread over words in cache lines of their own; and the queues of waiters over them. */
#ifndef KANALYZE_SBITMAP_H
#define KANALYZE_SBITMAP_H

#include <kanalyze/walk.h>

struct ka_sbitmap {
	ka_addr addr;
	uint32_t depth, shift;		/* bits in all; 1 << shift of them in a word */
	uint32_t word_count;
	uint64_t word_size;		/* bytes from one word to the next */
	ka_addr map;
	ka_addr alloc_hint;		/* per-CPU offset; 0: none here */
	bool has_cleared;		/* bits are given back through a second word (ea86ea2cdced, v5.0) */
};

/* Error CORRUPT when its numbers contradict each other. */
struct ka_error *ka_sbitmap_read(struct ka_kernel *k, ka_addr at, struct ka_sbitmap *ret) KA_MUST_CHECK;
/* One word: the bits set, those of them that are given back, and how many bits of it count. */
struct ka_error *ka_sbitmap_word(struct ka_kernel *k, const struct ka_sbitmap *s, uint32_t index, uint64_t *ret_word,
				 uint64_t *ret_cleared, unsigned *ret_bits) KA_MUST_CHECK;
/* Numbers of the bits in use, lowest first. A word that cannot be read is stepped over. */
struct ka_walk ka_walk_sbitmap(struct ka_kernel *k, const struct ka_sbitmap *s);

#define KA_SBITMAP_WAITS 8		/* SBQ_WAIT_QUEUES */

struct ka_sbitmap_queue {
	struct ka_sbitmap sb;
	ka_addr alloc_hint;		/* per-CPU offset */
	uint32_t wake_batch;
	int32_t wake_index;
	ka_addr ws;			/* KA_SBITMAP_WAITS of them */
	bool has_ws_active, has_round_robin, has_min_shallow_depth, has_counts;
	int32_t ws_active;
	uint8_t round_robin;
	uint32_t min_shallow_depth;
	int32_t completion_count, wakeup_count;	/* 4f8126bb2308 (v6.1) */
};
struct ka_error *ka_sbitmap_queue_read(struct ka_kernel *k, ka_addr at, struct ka_sbitmap_queue *ret) KA_MUST_CHECK;

struct ka_sbitmap_wait {
	ka_addr addr;
	bool is_active;			/* somebody waits */
	bool has_count;
	int32_t count;			/* wake-ups left until they are woken; until v6.0 */
};
struct ka_error *ka_sbitmap_wait_read(struct ka_kernel *k, const struct ka_sbitmap_queue *q, unsigned index, struct ka_sbitmap_wait *ret) KA_MUST_CHECK;

#endif
