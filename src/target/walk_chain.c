/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A chain of next pointers that a user describes, with the ends and the words of crash's list command. */
#include <inttypes.h>
#include "kernel.h"

struct chain_state {
	struct ka_chain c;
	bool has_first, is_duplicate;
	ka_addr first;			/* behind the start */
	/* Brent: the tortoise stands still while the hare runs lambda steps, then jumps to it */
	ka_addr tortoise, hare;
	uint64_t power, lambda;
};

static struct ka_error *chain_next(struct ka_walk *w, ka_addr at, ka_addr *ret)
{
	struct chain_state *s = w->state;

	return ka_error_wrap(ka_read_ulong(w->k, at + s->c.next, ret), "invalid list entry: %" PRIx64, at);
}

/* The loop's length is known: where it begins, and the fault that says so. */
static struct ka_error *loop_fault(struct ka_walk *w, uint64_t length)
{
	struct chain_state *s = w->state;
	ka_addr x = s->c.start, y = s->c.start;
	struct ka_error *err = NULL;
	uint64_t to_loop = 0;

	for (uint64_t i = 0; i < length && !err && !ka_interrupted(); i++)
		err = chain_next(w, y, &y);
	for (; x != y && !err && !ka_interrupted(); to_loop++) {
		err = chain_next(w, x, &x);
		if (!err)
			err = chain_next(w, y, &y);
	}
	if (err)
		return err;
	return ka_error_at(KA_CORRUPT, KA_SPACE_VIRT, x, "loop detected, loop length: %" PRIu64 "; length from start to loop: %" PRIu64
			   "; duplicate list entry: %" PRIx64, length, to_loop, x);
}

static bool brent_has_loop(struct chain_state *s, ka_addr next, uint64_t count)
{
	if (count > 1 && s->tortoise == s->hare)
		return true;
	if (s->power == s->lambda) {
		s->tortoise = s->hare;
		s->power *= 2;
		s->lambda = 0;
	}
	s->hare = next;
	s->lambda++;
	return false;
}

static bool is_end(const struct ka_walk *w, const struct chain_state *s, ka_addr next)
{
	return (s->c.end && next == s->c.end) || next == s->c.start || next == w->at || (next == s->first && w->count != 1) ||
	       (s->c.is_odd_end && (next & 1));
}

static struct ka_error *chain_step(struct ka_walk *w, ka_addr *ret, bool *ret_done)
{
	struct chain_state *s = w->state;
	struct ka_error *err;
	ka_addr next;

	if (!s->has_first) {
		s->has_first = true;
		err = chain_next(w, s->c.start, &s->first);
		if (err)
			return err;
		w->at = s->c.start;
		s->tortoise = s->c.start;
		s->hare = s->first;
		s->power = 2;
		ka_map_add(&w->seen, w->at, 0);
		*ret = w->at;
		return NULL;
	}
	if (s->is_duplicate)
		return ka_error_at(KA_CORRUPT, KA_SPACE_VIRT, w->at, "duplicate list entry: %" PRIx64, w->at);
	err = chain_next(w, w->at, &next);
	if (err)
		return err;
	if (s->c.is_brent && brent_has_loop(s, next, w->count))
		return loop_fault(w, s->lambda);
	if (!next && s->c.is_null_fault)
		return ka_error_at(KA_CORRUPT, KA_SPACE_VIRT, w->at, "invalid list entry: 0");
	if (!next || is_end(w, s, next)) {
		*ret_done = true;
		return NULL;
	}
	if (!s->c.is_brent)
		s->is_duplicate = !ka_map_add(&w->seen, next, 0);
	w->at = next;
	*ret = next;
	return NULL;
}

struct ka_walk ka_walk_chain(struct ka_kernel *k, const struct ka_chain *c)
{
	static const struct ka_walk_ops ops = { .name = "list", .step = chain_step };
	struct chain_state *s = ka_xalloc(sizeof(*s));

	s->c = *c;
	return (struct ka_walk){ .k = k, .ops = &ops, .state = s, .may_repeat = true };
}
