/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The guards of every walk: cycles, bounds, Ctrl-C. The walkers are in walk_list.c, walk_chain.c, walk_rbtree.c, walk_xarray.c. */
#include <inttypes.h>
#include "kernel.h"

#define WALK_LIMIT (64ull << 20)
#define SEEN_LIMIT (4ull << 20)	/* 100 MB of map */

/* Every object is remembered; behind so many of them a cycle is found by Brent's algorithm, of which a few come again first. */
static bool is_new(struct ka_walk *w, ka_addr at)
{
	if (w->may_repeat)
		return true;
	if (w->seen.n < (w->seen_limit ? w->seen_limit : SEEN_LIMIT))
		return ka_map_add(&w->seen, at, 0);
	if (ka_map_get(&w->seen, at, NULL) || (w->tortoise_power && at == w->tortoise))
		return false;
	if (w->count >= w->tortoise_power) {
		w->tortoise = at;
		w->tortoise_power = w->count * 2;
	}
	return true;
}

bool ka_walk_next(struct ka_walk *w, ka_addr *ret)
{
	ka_addr at = 0;
	bool done = false;

	if (w->done || w->err)
		return false;
	if (ka_interrupted()) {
		w->err = ka_error_new(KA_INTERRUPTED, "interrupted");
		return false;
	}
	if (w->count >= (w->limit ? w->limit : WALK_LIMIT)) {
		w->err = ka_error_at(KA_CORRUPT, KA_SPACE_VIRT, w->at, "more than %" PRIu64 " objects: given up", w->count);
		return false;
	}
	w->err = w->ops->step(w, &at, &done);
	if (w->err || done) {
		w->done = true;
		return false;
	}
	if (!is_new(w, at)) {
		w->err = ka_error_at(KA_CORRUPT, KA_SPACE_VIRT, at, "after %" PRIu64 " objects it comes back to 0x%" PRIx64, w->count, at);
		return false;
	}
	w->count++;
	*ret = at;
	return true;
}

void ka_walk_fault(struct ka_walk *w, struct ka_error *err)
{
	if (!err)
		return;
	w->kept_count++;
	if (w->kept)
		ka_error_dispose(err);
	else
		w->kept = err;
}

const struct ka_place *ka_walk_place(const struct ka_walk *w)
{
	return w->ops->place(w);
}

struct ka_error *ka_walk_end(struct ka_walk *w)
{
	struct ka_error *err = w->err;

	if (!err && w->kept_count > 1)
		err = ka_error_wrap(w->kept, "%" PRIu64 " parts could not be followed; the first", w->kept_count);
	else if (!err)
		err = w->kept;
	else
		ka_error_free(w->kept);
	if (w->state && w->ops->fini)
		w->ops->fini(w);
	free(w->state);
	w->state = NULL;
	w->err = w->kept = NULL;
	w->done = true;
	ka_map_free(&w->seen);
	return ka_error_wrap(err, "walk of %s", w->ops->name);
}
