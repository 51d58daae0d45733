/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Walker of maple trees (54a611b60590, v6.1): ranges of indexes, each with an entry. A pointer to a node has its type in
 * bits 3 to 6; nodes are aligned to 256 bytes. pivot[i] is the last index of slot[i]; the last slot ends where its node does.
 */
#include <inttypes.h>
#include <kanalyze/view.h>
#include <kanalyze/vma.h>
#include "kernel.h"

#define MAPLE_DEPTH 32		/* MAPLE_HEIGHT_MAX is 31 */
#define MAPLE_SLOTS 64		/* 31 in a dense node of 64 bits, 63 of 32 bits */
#define MAPLE_NODE_MASK 255ull
#define MAPLE_RESERVED 4096	/* entries ending in binary 10 below: zero entries and other marks */

enum maple_type { MAPLE_DENSE, MAPLE_LEAF_64, MAPLE_RANGE_64, MAPLE_ARANGE_64 };

struct maple_root {
	uint64_t root;
};
KA_VIEW(maple_root, ("maple_tree"), KA_FROM(maple_root, root, "ma_root"));

struct maple_any_node {
	uint64_t parent;	/* with type bits below; the node itself when it is dead: replaced, and waiting for RCU */
};
KA_VIEW(maple_any_node, ("maple_node"), KA_FROM(maple_any_node, parent, "parent"));

struct maple_dense_node {
	ka_addr slots_at;
	uint64_t slots_size;
};
KA_VIEW(maple_dense_node, ("maple_node"),
	KA_AT(maple_dense_node, slots_at, "slot"),
	KA_SIZE(maple_dense_node, slots_size, "slot"));

struct maple_range_node {
	ka_addr pivots_at, slots_at;
	uint64_t pivots_size, slots_size;
	uint8_t end;		/* index of the last slot in use, where the node is not full */
};
KA_VIEW(maple_range_node, ("maple_range_64"),
	KA_AT(maple_range_node, pivots_at, "pivot"),
	KA_SIZE(maple_range_node, pivots_size, "pivot"),
	KA_AT(maple_range_node, slots_at, "slot"),
	KA_SIZE(maple_range_node, slots_size, "slot"),
	KA_MAYBE(maple_range_node, end, "meta.end"));

/* Inner nodes of trees that also keep the largest gap below each slot. */
struct maple_arange_node {
	ka_addr pivots_at, slots_at;
	uint64_t pivots_size, slots_size;
	uint8_t end, gap_index;
	ka_addr gaps_at;
	uint64_t gaps_size;
};
KA_VIEW(maple_arange_node, ("maple_arange_64"),
	KA_AT(maple_arange_node, pivots_at, "pivot"),
	KA_SIZE(maple_arange_node, pivots_size, "pivot"),
	KA_AT(maple_arange_node, slots_at, "slot"),
	KA_SIZE(maple_arange_node, slots_size, "slot"),
	KA_MAYBE(maple_arange_node, end, "meta.end"),
	KA_MAYBE(maple_arange_node, gap_index, "meta.gap"),
	KA_AT(maple_arange_node, gaps_at, "gap"),
	KA_SIZE(maple_arange_node, gaps_size, "gap"));

struct maple_level {
	uint64_t slot[MAPLE_SLOTS], last[MAPLE_SLOTS];
	uint64_t first, end;	/* first index of the next slot; last index of the node */
	unsigned count, next;
	bool is_leaf;
};

struct maple_state {
	struct maple_level level[MAPLE_DEPTH];
	unsigned depth, flags;
	bool has_started;
	struct ka_place place;
	struct ka_map nodes;	/* seen: no node hangs at two places */
};

static bool is_reserved(uint64_t entry)
{
	return !entry || ((entry & 3) == 2 && entry < MAPLE_RESERVED);
}

static uint64_t index_max(struct ka_kernel *k)
{
	return ka_long_size(k) == 4 ? UINT32_MAX : UINT64_MAX;
}

static struct ka_error *words_read(struct ka_kernel *k, ka_addr at, uint64_t *ret, unsigned count)
{
	unsigned width = ka_long_size(k);
	uint8_t bytes[MAPLE_SLOTS * 8];
	struct ka_error *err = ka_read(k, at, bytes, (size_t)count * width);

	for (unsigned i = 0; !err && i < count; i++)
		ret[i] = ka_uint_from(k, bytes + i * width, width);
	return err;
}

/* Which slots are in use, and the last index of each. */
static struct ka_error *ranges(ka_addr at, struct maple_level *l, const uint64_t *pivot, unsigned pivots, unsigned slots)
{
	uint64_t first = l->first;

	for (l->count = 0; l->count < slots; l->count++) {
		unsigned i = l->count;
		/* what lies behind the last slot in use is 0; only the very first pivot may be 0 and mean it */
		bool is_last = i >= pivots || (!pivot[i] && (i || first)) || pivot[i] == l->end;

		l->last[i] = is_last ? l->end : pivot[i];
		if (l->last[i] < first || l->last[i] > l->end)
			return ka_error_at(KA_CORRUPT, KA_SPACE_VIRT, at, "slot %u of the node at 0x%" PRIx64 " would end at 0x%" PRIx64
					   ", outside of 0x%" PRIx64 " to 0x%" PRIx64, i, at, l->last[i], first, l->end);
		if (is_last) {
			l->count++;
			break;
		}
		first = l->last[i] + 1;
	}
	return NULL;
}

static struct ka_error *dense_read(struct ka_kernel *k, ka_addr at, struct maple_level *l)
{
	struct maple_dense_node n;
	struct ka_error *err = ka_view_read(k, &ka_view_maple_dense_node, at, &n);

	if (err)
		return err;
	l->count = (unsigned)KA_MIN(n.slots_size / ka_long_size(k), (uint64_t)MAPLE_SLOTS);
	if (l->end - l->first < l->count)
		l->count = (unsigned)(l->end - l->first + 1);
	for (unsigned i = 0; i < l->count; i++)
		l->last[i] = l->first + i;
	return words_read(k, n.slots_at, l->slot, l->count);
}

static struct ka_error *range_read(struct ka_kernel *k, ka_addr at, bool is_arange, struct maple_level *l)
{
	struct maple_range_node r;
	struct maple_arange_node g;
	unsigned pivots, slots, width = ka_long_size(k);
	uint64_t pivot[MAPLE_SLOTS];
	struct ka_error *err = is_arange ? ka_view_read(k, &ka_view_maple_arange_node, at, &g)
					 : ka_view_read(k, &ka_view_maple_range_node, at, &r);

	if (err)
		return err;
	if (is_arange)
		r = (struct maple_range_node){ g.pivots_at, g.slots_at, g.pivots_size, g.slots_size, g.end };
	slots = (unsigned)KA_MIN(r.slots_size / width, (uint64_t)MAPLE_SLOTS);
	pivots = (unsigned)KA_MIN(r.pivots_size / width, (uint64_t)slots);
	err = words_read(k, r.pivots_at, pivot, pivots);
	if (err)
		return err;
	/* the metadata shares its place with the last slot of range nodes: it is there when that slot is free */
	if ((is_arange || (pivots && !pivot[pivots - 1])) && r.end < slots && (is_arange ? KA_HAS(k, maple_arange_node, end)
										       : KA_HAS(k, maple_range_node, end)))
		slots = r.end + 1;
	err = ranges(at, l, pivot, pivots, slots);
	if (!err)
		err = words_read(k, r.slots_at, l->slot, l->count);
	return err;
}

static struct ka_error *maple_push(struct ka_walk *w, struct maple_state *s, uint64_t entry, uint64_t first, uint64_t last)
{
	ka_addr at = entry & ~MAPLE_NODE_MASK;
	unsigned type = entry >> 3 & 15;
	struct maple_level *l = &s->level[s->depth];
	struct maple_any_node any;
	struct ka_error *err;

	if (s->depth == MAPLE_DEPTH)
		return ka_error_at(KA_CORRUPT, KA_SPACE_VIRT, at, "the tree is deeper than can be");
	if (!ka_is_kernel_addr(w->k, at))
		return ka_error_at(KA_CORRUPT, KA_SPACE_VIRT, at, "the tree has a node at 0x%" PRIx64, at);
	if (!ka_map_add(&s->nodes, at, 0))
		return ka_error_at(KA_CORRUPT, KA_SPACE_VIRT, at, "the tree comes back to its node 0x%" PRIx64, at);
	l->first = first;
	l->end = last;
	l->next = 0;
	l->is_leaf = type == MAPLE_DENSE || type == MAPLE_LEAF_64;
	/* what a dead node holds is what was there a moment before */
	err = ka_view_read(w->k, &ka_view_maple_any_node, at, &any);
	if (err)
		return err;
	if ((any.parent & ~MAPLE_NODE_MASK) == at)
		ka_walk_fault(w, ka_error_at(KA_CORRUPT, KA_SPACE_VIRT, at, "the node at 0x%" PRIx64 " is dead: it was being replaced", at));
	switch (type) {
	case MAPLE_DENSE:
		err = dense_read(w->k, at, l);
		break;
	case MAPLE_LEAF_64:
	case MAPLE_RANGE_64:
	case MAPLE_ARANGE_64:
		err = range_read(w->k, at, type == MAPLE_ARANGE_64, l);
		break;
	default:
		err = ka_error_at(KA_CORRUPT, KA_SPACE_VIRT, at, "the node at 0x%" PRIx64 " would be of type %u", at, type);
	}
	if (!err)
		s->depth++;
	return err;
}

static void place_set(struct maple_state *s, enum ka_place_kind kind, uint64_t entry, uint64_t first, uint64_t last)
{
	s->place.kind = kind;
	s->place.entry = entry;
	s->place.first = first;
	s->place.last = last;
	s->place.depth = s->depth;
}

static enum ka_place_kind kind_of(uint64_t entry)
{
	if (!entry)
		return KA_PLACE_EMPTY;
	return is_reserved(entry) ? KA_PLACE_RESERVED : entry & 1 ? KA_PLACE_VALUE : KA_PLACE_ENTRY;
}

/* Values are pointers with bit 0 set, and not told apart where pointers alone are asked for. */
static bool is_wanted(const struct maple_state *s, enum ka_place_kind kind)
{
	if (kind == KA_PLACE_EMPTY || kind == KA_PLACE_NODE)
		return s->flags & KA_TREE_NODES;
	return kind != KA_PLACE_RESERVED || (s->flags & KA_TREE_VALUES);
}

/* Into a node; true when the node itself is to be yielded. A bad one costs what hangs below it. */
static bool node_enter(struct ka_walk *w, struct maple_state *s, uint64_t entry, uint64_t first, uint64_t last)
{
	struct ka_error *err;

	place_set(s, KA_PLACE_NODE, entry, first, last);
	err = maple_push(w, s, entry, first, last);
	if (err) {
		ka_walk_fault(w, err);
		return false;
	}
	return is_wanted(s, KA_PLACE_NODE);
}

/* *ret_done: there is something to yield at once. */
static struct ka_error *maple_start(struct ka_walk *w, struct maple_state *s, bool *ret_done)
{
	struct maple_root root = { .root = w->at };
	struct ka_error *err = NULL;

	s->has_started = true;
	if (!(s->flags & KA_TREE_NODE))
		err = ka_view_read(w->k, &ka_view_maple_root, w->at, &root);
	if (err)
		return err;
	/* a single entry at index 0 may stand in place of a node: nodes are marked with 10 in the lowest bits */
	if ((root.root & 3) != 2 && !(s->flags & KA_TREE_NODE)) {
		place_set(s, kind_of(root.root), root.root, 0, 0);
		*ret_done = is_wanted(s, s->place.kind);
	} else if (!is_reserved(root.root)) {
		*ret_done = node_enter(w, s, root.root, 0, index_max(w->k));
	}
	return NULL;
}

static struct ka_error *maple_step(struct ka_walk *w, ka_addr *ret, bool *ret_done)
{
	struct maple_state *s = w->state;
	bool is_found = false;
	struct ka_error *err = s->has_started ? NULL : maple_start(w, s, &is_found);

	while (!err && !is_found && s->depth) {
		struct maple_level *l = &s->level[s->depth - 1];

		if (ka_interrupted())
			return ka_error_new(KA_INTERRUPTED, "interrupted");
		if (l->next == l->count) {
			s->depth--;
			continue;
		}
		uint64_t entry = l->slot[l->next], first = l->first, last = l->last[l->next];
		s->place.slot[s->depth - 1] = (uint8_t)l->next++;
		l->first = last + 1;
		/* empty slots of inner nodes are beyond their end */
		if (!l->is_leaf) {
			is_found = !is_reserved(entry) && node_enter(w, s, entry, first, last);
			continue;
		}
		place_set(s, kind_of(entry), entry, first, last);
		is_found = is_wanted(s, s->place.kind);
	}
	if (is_found)
		*ret = s->place.entry;
	*ret_done = !is_found;
	return err;
}

static void maple_fini(struct ka_walk *w)
{
	ka_map_free(&((struct maple_state *)w->state)->nodes);
}

static const struct ka_place *maple_place(const struct ka_walk *w)
{
	return &((const struct maple_state *)w->state)->place;
}

struct ka_walk ka_walk_maple_flags(struct ka_kernel *k, ka_addr start, unsigned flags)
{
	static const struct ka_walk_ops ops = { .name = "maple tree", .step = maple_step, .fini = maple_fini, .place = maple_place };
	struct maple_state *s = ka_xalloc(sizeof(*s));

	s->flags = flags;
	return (struct ka_walk){ .k = k, .ops = &ops, .at = start, .state = s, .may_repeat = flags != 0 };
}

struct ka_walk ka_walk_maple(struct ka_kernel *k, ka_addr root)
{
	return ka_walk_maple_flags(k, root, 0);
}

static unsigned words_count(struct ka_kernel *k, uint64_t bytes)
{
	return (unsigned)KA_MIN(bytes / ka_long_size(k), (uint64_t)MAPLE_SLOTS);
}

struct ka_error *ka_maple_node_read(struct ka_kernel *k, uint64_t entry, struct ka_maple_node *ret)
{
	struct maple_any_node any;
	struct maple_dense_node d = {0};
	struct maple_range_node r = {0};
	struct maple_arange_node g = {0};
	struct ka_error *err;

	*ret = (struct ka_maple_node){ .addr = entry & ~MAPLE_NODE_MASK, .type = entry >> 3 & 15 };
	err = ka_view_read(k, &ka_view_maple_any_node, ret->addr, &any);
	if (err)
		return err;
	ret->parent = any.parent;
	if (ret->type == MAPLE_ARANGE_64) {
		err = ka_view_read(k, &ka_view_maple_arange_node, ret->addr, &g);
		r = (struct maple_range_node){ g.pivots_at, g.slots_at, g.pivots_size, g.slots_size, g.end };
		ret->has_meta = KA_HAS(k, maple_arange_node, end);
		ret->end = g.end;
		ret->gap_index = g.gap_index;
	} else if (ret->type == MAPLE_DENSE) {
		err = ka_view_read(k, &ka_view_maple_dense_node, ret->addr, &d);
		r = (struct maple_range_node){ .slots_at = d.slots_at, .slots_size = d.slots_size };
	} else if (ret->type == MAPLE_LEAF_64 || ret->type == MAPLE_RANGE_64) {
		err = ka_view_read(k, &ka_view_maple_range_node, ret->addr, &r);
	}
	if (err)
		return err;
	ret->slots = words_count(k, r.slots_size);
	ret->pivots = words_count(k, r.pivots_size);
	ret->gaps = words_count(k, g.gaps_size);
	err = words_read(k, r.slots_at, ret->slot, ret->slots);
	if (!err && ret->pivots)
		err = words_read(k, r.pivots_at, ret->pivot, ret->pivots);
	if (!err && ret->gaps)
		err = words_read(k, g.gaps_at, ret->gap, ret->gaps);
	return err;
}

void ka_walk_maple_range(const struct ka_walk *w, uint64_t *ret_first, uint64_t *ret_last)
{
	const struct ka_place *place = ka_walk_place(w);

	*ret_first = place->first;
	*ret_last = place->last;
}
