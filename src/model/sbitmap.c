/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Scalable bitmaps and their queues: tags of block devices above all. */
#include <inttypes.h>
#include <kanalyze/sbitmap.h>
#include <kanalyze/view.h>

#define DEPTH_MAX (64u << 20)

struct sbitmap_view { uint32_t depth, shift, map_nr; ka_addr map, alloc_hint; uint8_t round_robin; };
/* 88459642cba4, v4.9 */
KA_VIEW(sbitmap_view, ("sbitmap"),
	KA_FROM(sbitmap_view, depth, "depth"),
	KA_FROM(sbitmap_view, shift, "shift"),
	KA_FROM(sbitmap_view, map_nr, "map_nr"),
	KA_FROM(sbitmap_view, map, "map"),
	KA_MAYBE(sbitmap_view, alloc_hint, "alloc_hint"),	/* of the queue before c548e62bcf6a (v5.13) */
	KA_MAYBE(sbitmap_view, round_robin, "round_robin"));	/* of the queue before efe1f3a1d583 (v5.13) */

struct sbitmap_word_view { uint64_t word, cleared; };
KA_VIEW(sbitmap_word_view, ("sbitmap_word"),
	KA_FROM(sbitmap_word_view, word, "word"),
	KA_MAYBE(sbitmap_word_view, cleared, "cleared"));

struct sbq_view {
	ka_addr sb_at, alloc_hint, ws;
	uint32_t wake_batch, min_shallow_depth;
	int32_t wake_index, ws_active, completion_count, wakeup_count;
	uint8_t round_robin;
};
KA_VIEW(sbq_view, ("sbitmap_queue"),
	KA_AT(sbq_view, sb_at, "sb"),
	KA_MAYBE(sbq_view, alloc_hint, "alloc_hint"),
	KA_FROM(sbq_view, ws, "ws"),
	KA_FROM(sbq_view, wake_batch, "wake_batch"),
	KA_FROM(sbq_view, wake_index, "wake_index.counter"),
	KA_MAYBE(sbq_view, ws_active, "ws_active.counter"),	/* 5d2ee7122c73, v5.0 */
	KA_MAYBE(sbq_view, round_robin, "round_robin"),
	KA_MAYBE(sbq_view, min_shallow_depth, "min_shallow_depth"),	/* a327553965de, v4.18 */
	KA_MAYBE(sbq_view, completion_count, "completion_cnt.counter"),
	KA_MAYBE(sbq_view, wakeup_count, "wakeup_cnt.counter"));

struct sbq_wait_view { int32_t count; ka_addr head_at, next; };
KA_VIEW(sbq_wait_view, ("sbq_wait_state"),
	KA_MAYBE(sbq_wait_view, count, "wait_cnt.counter"),
	KA_AT(sbq_wait_view, head_at, "wait.head", "wait.task_list"),	/* 2055da97389a, v4.13 */
	KA_FROM(sbq_wait_view, next, "wait.head.next", "wait.task_list.next"));

struct ka_error *ka_sbitmap_read(struct ka_kernel *k, ka_addr at, struct ka_sbitmap *ret)
{
	struct sbitmap_view v;
	struct ka_error *err = ka_view_read(k, &ka_view_sbitmap_view, at, &v);

	if (!err)
		err = ka_view_bind(k, &ka_view_sbitmap_word_view);
	if (err)
		return err;
	if (v.shift >= 32 || (1u << v.shift) > ka_long_size(k) * 8 || v.depth > DEPTH_MAX ||
	    v.map_nr != (v.depth + (1u << v.shift) - 1) >> v.shift)
		return ka_error_at(KA_CORRUPT, KA_SPACE_VIRT, at, "no sbitmap is at 0x%" PRIx64 ": depth %" PRIu32 ", shift %" PRIu32 ", map_nr %" PRIu32,
				   at, v.depth, v.shift, v.map_nr);
	*ret = (struct ka_sbitmap){ .addr = at, .depth = v.depth, .shift = v.shift, .word_count = v.map_nr, .map = v.map,
				    .alloc_hint = v.alloc_hint, .word_size = ka_view_size(k, &ka_view_sbitmap_word_view),
				    .has_cleared = KA_HAS(k, sbitmap_word_view, cleared) };
	return NULL;
}

struct ka_error *ka_sbitmap_word(struct ka_kernel *k, const struct ka_sbitmap *s, uint32_t index, uint64_t *ret_word,
				 uint64_t *ret_cleared, unsigned *ret_bits)
{
	struct sbitmap_word_view v;
	struct ka_error *err = ka_view_read(k, &ka_view_sbitmap_word_view, s->map + index * s->word_size, &v);
	unsigned bits = 1u << s->shift;
	uint64_t mask;

	if (err)
		return ka_error_wrap(err, "word %" PRIu32 " of the sbitmap", index);
	if (index + 1 == s->word_count)
		bits = s->depth - (index << s->shift);
	mask = bits < 64 ? (1ull << bits) - 1 : UINT64_MAX;
	*ret_word = v.word & mask;
	*ret_cleared = v.cleared & mask;
	*ret_bits = bits;
	return NULL;
}

struct sbitmap_state {
	struct ka_sbitmap s;
	uint32_t next;		/* word */
	uint64_t word;		/* what is left of the one before */
};

static struct ka_error *sbitmap_step(struct ka_walk *w, ka_addr *ret, bool *ret_done)
{
	struct sbitmap_state *s = w->state;

	while (!s->word) {
		uint64_t word, cleared;
		unsigned bits;
		struct ka_error *err;

		if (s->next == s->s.word_count) {
			*ret_done = true;
			return NULL;
		}
		if (ka_interrupted())
			return ka_error_new(KA_INTERRUPTED, "interrupted");
		err = ka_sbitmap_word(w->k, &s->s, s->next++, &word, &cleared, &bits);
		if (err)
			ka_walk_fault(w, err);
		else
			s->word = word & ~cleared;
	}
	*ret = ((uint64_t)(s->next - 1) << s->s.shift) + (unsigned)__builtin_ctzll(s->word);
	s->word &= s->word - 1;
	return NULL;
}

struct ka_walk ka_walk_sbitmap(struct ka_kernel *k, const struct ka_sbitmap *s)
{
	static const struct ka_walk_ops ops = { .name = "sbitmap", .step = sbitmap_step };
	struct sbitmap_state *state = ka_xalloc(sizeof(*state));

	state->s = *s;
	return (struct ka_walk){ .k = k, .ops = &ops, .at = s->addr, .state = state, .may_repeat = true };
}

struct ka_error *ka_sbitmap_queue_read(struct ka_kernel *k, ka_addr at, struct ka_sbitmap_queue *ret)
{
	struct sbitmap_view sb;
	struct sbq_view v;
	struct ka_error *err = ka_view_read(k, &ka_view_sbq_view, at, &v);

	if (!err)
		err = ka_sbitmap_read(k, v.sb_at, &ret->sb);
	if (!err)
		err = ka_view_read(k, &ka_view_sbitmap_view, v.sb_at, &sb);
	if (err)
		return err;
	ret->alloc_hint = v.alloc_hint ? v.alloc_hint : sb.alloc_hint;
	ret->wake_batch = v.wake_batch;
	ret->wake_index = v.wake_index;
	ret->ws = v.ws;
	ret->has_ws_active = KA_HAS(k, sbq_view, ws_active);
	ret->ws_active = v.ws_active;
	ret->has_round_robin = KA_HAS(k, sbq_view, round_robin) || KA_HAS(k, sbitmap_view, round_robin);
	ret->round_robin = KA_HAS(k, sbq_view, round_robin) ? v.round_robin : sb.round_robin;
	ret->has_min_shallow_depth = KA_HAS(k, sbq_view, min_shallow_depth);
	ret->min_shallow_depth = v.min_shallow_depth;
	ret->has_counts = KA_HAS(k, sbq_view, completion_count) && KA_HAS(k, sbq_view, wakeup_count);
	ret->completion_count = v.completion_count;
	ret->wakeup_count = v.wakeup_count;
	return NULL;
}

struct ka_error *ka_sbitmap_wait_read(struct ka_kernel *k, const struct ka_sbitmap_queue *q, unsigned index, struct ka_sbitmap_wait *ret)
{
	uint64_t size = ka_view_size(k, &ka_view_sbq_wait_view);
	struct sbq_wait_view v;
	struct ka_error *err = ka_view_read(k, &ka_view_sbq_wait_view, q->ws + index * size, &v);

	if (err)
		return ka_error_wrap(err, "wait queue %u", index);
	*ret = (struct ka_sbitmap_wait){ .addr = q->ws + index * size, .is_active = v.next != v.head_at, .count = v.count,
					 .has_count = KA_HAS(k, sbq_wait_view, count) };
	return NULL;
}
