/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The guards of every walk: cycles, bounds, Ctrl-C; and the walkers of lists. Trees are in walk_tree.c. */
#include <inttypes.h>
#include "kernel.h"

#define WALK_LIMIT (64ull << 20)

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
	if (!ka_map_add(&w->seen, at, 0)) {
		w->err = ka_error_at(KA_CORRUPT, KA_SPACE_VIRT, at, "after %" PRIu64 " objects it comes back to 0x%" PRIx64, w->count, at);
		return false;
	}
	w->count++;
	*ret = at;
	return true;
}

struct ka_error *ka_walk_end(struct ka_walk *w)
{
	struct ka_error *err = w->err;

	if (w->ops->fini)
		w->ops->fini(w);
	free(w->state);
	w->state = NULL;
	w->err = NULL;
	w->done = true;
	ka_map_free(&w->seen);
	return ka_error_wrap(err, "walk of %s", w->ops->name);
}

/* at: the link whose next pointer is read; end: the head; offset: of the link in the object */
static struct ka_error *list_step(struct ka_walk *w, ka_addr *ret, bool *ret_done)
{
	uint64_t next;
	struct ka_error *err = ka_read_ulong(w->k, w->at, &next);

	if (err)
		return err;
	if (next == w->end) {
		*ret_done = true;
		return NULL;
	}
	if (!ka_is_kernel_addr(w->k, next))
		return ka_error_at(KA_CORRUPT, KA_SPACE_VIRT, w->at, "the link at 0x%" PRIx64 " points to 0x%" PRIx64, w->at, next);
	w->at = next;
	*ret = next - w->offset;
	return NULL;
}

struct ka_walk ka_walk_list(struct ka_kernel *k, ka_addr head, uint64_t offset)
{
	static const struct ka_walk_ops ops = { .name = "list", .step = list_step };

	return (struct ka_walk){ .k = k, .ops = &ops, .at = head, .end = head, .offset = offset };
}

/* ends with NULL; hlist_nulls with a value whose lowest bit is set */
static struct ka_error *hlist_step(struct ka_walk *w, ka_addr *ret, bool *ret_done)
{
	uint64_t next;
	struct ka_error *err = ka_read_ulong(w->k, w->at, &next);

	if (err)
		return err;
	if (!next || (next & 1)) {
		*ret_done = true;
		return NULL;
	}
	if (!ka_is_kernel_addr(w->k, next))
		return ka_error_at(KA_CORRUPT, KA_SPACE_VIRT, w->at, "the link at 0x%" PRIx64 " points to 0x%" PRIx64, w->at, next);
	w->at = next;	/* hlist_node.next is first, as hlist_head.first */
	*ret = next - w->offset;
	return NULL;
}

struct ka_walk ka_walk_hlist(struct ka_kernel *k, ka_addr head, uint64_t offset)
{
	static const struct ka_walk_ops ops = { .name = "hlist", .step = hlist_step };

	return (struct ka_walk){ .k = k, .ops = &ops, .at = head, .offset = offset };
}
