/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Walker of xarrays and of the radix trees before them. Three ages:
 *	v4.20 on	xa_node; inner nodes are marked 10, values 1; siblings hold the number of their slot, small and marked 10
 *	v4.7 to v4.19	radix_tree_node with a shift; inner nodes are marked 01, values 10; siblings point to their first slot
 *	before		radix_tree_root.height tells inner nodes from entries; only the root's pointer is marked
 */
#include <inttypes.h>
#include "kernel.h"
#include "walk_xarray.h"

struct xarray_head { ka_addr head; uint32_t height; };
/* struct radix_tree_root is the xarray by another name since f8d5d0cc145c (v4.20) */
KA_VIEW(xarray_head, ("xarray", "radix_tree_root"),
	KA_FROM(xarray_head, head, "xa_head", "rnode"),
	KA_MAYBE(xarray_head, height, "height"));	/* before v4.7: only it tells inner nodes from items */

struct xarray_node { uint8_t shift; uint32_t height, path; ka_addr slots_at; uint64_t slots_size; };
/* xa_node: 01959dfe771c (v4.20). Before v4.7 there is no shift */
KA_VIEW(xarray_node, ("xa_node", "radix_tree_node"),
	KA_MAYBE(xarray_node, shift, "shift"),
	KA_MAYBE(xarray_node, height, "height"),
	KA_MAYBE(xarray_node, path, "path"),		/* 449dd6984d0e (v3.15): the height is in its low bits */
	KA_AT(xarray_node, slots_at, "slots"),
	KA_SIZE(xarray_node, slots_size, "slots"));

#define XARRAY_DEPTH 18		/* 64 bits in steps of 4 (CONFIG_BASE_SMALL), and some */
#define XARRAY_SLOTS 64
#define XARRAY_RESERVED 4096	/* internal entries below are marks: siblings, retry, zero */

struct xarray_level {
	uint64_t slots[XARRAY_SLOTS];
	ka_addr slots_at, slots_end;
	uint64_t index;			/* of the first slot */
	unsigned shift, count, next;
};

struct xarray_state {
	struct xarray_level level[XARRAY_DEPTH];
	unsigned depth, flags;
	bool has_started;
	uint64_t node_mark;	/* what marks an inner node: 2 in an xarray (xa_mk_node), 1 in a radix tree */
	bool has_height;	/* a radix tree before v4.7, in which only the root's pointer is marked */
	uint64_t base;		/* added to the indexes */
	struct ka_map nodes;	/* inner nodes on the way: a cycle must not cost depth after depth */
	struct ka_place place;
};

static bool is_node(const struct xarray_state *s, uint64_t entry)
{
	return (entry & 3) == s->node_mark && entry > XARRAY_RESERVED;
}

/* In radix trees of v4.7 to v4.19 what looks like a node may be a sibling: it points to a slot beside it. */
static bool is_sibling(const struct xarray_state *s, const struct xarray_level *l, uint64_t entry)
{
	if (s->has_height)
		return false;
	if (s->node_mark == 2)
		return (entry & 3) == 2 && entry >> 2 < XARRAY_SLOTS;
	return (entry & 3) == 1 && (entry & ~3ull) >= l->slots_at && (entry & ~3ull) < l->slots_end;
}

static bool is_inner(const struct xarray_state *s, const struct xarray_level *l, uint64_t entry)
{
	if (!l->shift)
		return false;
	return s->has_height ? entry != 0 : is_node(s, entry);
}

static enum ka_place_kind kind_of(const struct xarray_state *s, uint64_t entry)
{
	if ((entry & 3) == s->node_mark)
		return KA_PLACE_RESERVED;
	if (s->node_mark == 2 ? (entry & 1) : (entry & 2))
		return KA_PLACE_VALUE;
	return KA_PLACE_ENTRY;
}

static unsigned bits_of(uint64_t slots)
{
	unsigned bits = 0;

	while (slots > 1) {
		slots >>= 1;
		bits++;
	}
	return bits;
}

/* height: of a root that knows it (then the node lies at height - 1 steps); 0: the node tells */
static struct ka_error *xarray_push(struct ka_walk *w, uint64_t entry, uint64_t index, unsigned height)
{
	struct xarray_state *s = w->state;
	struct xarray_level *l = &s->level[s->depth];
	struct xarray_node node;
	uint8_t bytes[XARRAY_SLOTS * 8];
	ka_addr at = entry & ~3ull;
	unsigned width = ka_long_size(w->k), bits;
	struct ka_error *err;

	if (s->depth == XARRAY_DEPTH)
		return ka_error_at(KA_CORRUPT, KA_SPACE_VIRT, at, "the tree is deeper than can be");
	if (!ka_is_kernel_addr(w->k, at) || (at & (width - 1)))
		return ka_error_at(KA_CORRUPT, KA_SPACE_VIRT, at, "the tree has a node at 0x%" PRIx64, at);
	if (!ka_map_add(&s->nodes, at, 0))
		return ka_error_at(KA_CORRUPT, KA_SPACE_VIRT, at, "duplicate tree node: the tree comes back to 0x%" PRIx64, at);
	err = ka_view_read(w->k, &ka_view_xarray_node, at, &node);
	if (err)
		return err;
	l->count = (unsigned)KA_MIN(node.slots_size / width, (uint64_t)XARRAY_SLOTS);
	bits = bits_of(l->count);
	if (!l->count)
		return ka_error_at(KA_CORRUPT, KA_SPACE_VIRT, at, "nodes have no slots");
	if (!s->has_height)
		l->shift = node.shift;
	else if (s->depth)
		l->shift = l[-1].shift - bits;
	else
		l->shift = (height - 1) * bits;
	if (l->shift >= 64 || (s->depth && l->shift >= l[-1].shift))
		return ka_error_at(KA_CORRUPT, KA_SPACE_VIRT, at, "the node at 0x%" PRIx64 " would be of level %u below one of level %u: "
				   "the tree is deeper than can be", at, l->shift / bits, s->depth ? l[-1].shift / bits : 0);
	l->next = 0;
	l->index = index;
	l->slots_at = node.slots_at;
	l->slots_end = node.slots_at + l->count * width;
	err = ka_read(w->k, node.slots_at, bytes, l->count * width);
	if (err)
		return err;
	for (unsigned i = 0; i < l->count; i++)
		l->slots[i] = ka_uint_from(w->k, bytes + i * width, width);
	s->depth++;
	return NULL;
}

/* The height that a node of a tree before v4.7 says it has. */
static struct ka_error *node_height(struct ka_walk *w, ka_addr at, unsigned *ret)
{
	unsigned bits, steps;
	struct xarray_node node;
	struct ka_error *err = ka_view_read(w->k, &ka_view_xarray_node, at, &node);

	if (err)
		return err;
	bits = bits_of(node.slots_size / ka_long_size(w->k));
	steps = bits ? (ka_long_size(w->k) * 8 + bits - 1) / bits : 0;
	/* the path's low bits: one more than the most steps there can be */
	*ret = KA_HAS(w->k, xarray_node, height) ? node.height : node.path & ((1u << (steps + 1)) - 1);
	return NULL;
}

static struct ka_error *xarray_start(struct ka_walk *w, uint64_t *ret_entry)
{
	struct xarray_state *s = w->state;
	struct xarray_head root = { .head = w->at };
	struct ka_error *err;

	s->has_started = true;
	s->has_height = KA_HAS(w->k, xarray_head, height);
	if (s->flags & KA_TREE_NODE) {
		root.head = (w->at & ~3ull) | s->node_mark;
		err = s->has_height ? node_height(w, w->at & ~3ull, &root.height) : NULL;
	} else {
		err = ka_view_read(w->k, &ka_view_xarray_head, w->at, &root);
	}
	if (err)
		return err;
	if (root.height >= XARRAY_DEPTH || (s->has_height && is_node(s, root.head) && !root.height))
		return ka_error_at(KA_CORRUPT, KA_SPACE_VIRT, w->at, "the tree would be %u nodes high", root.height);
	if (is_node(s, root.head))
		return xarray_push(w, root.head, 0, root.height);
	*ret_entry = root.head;
	return NULL;
}

/* Slots behind a multi-index entry belong to it. */
static unsigned siblings_skip(const struct xarray_state *s, struct xarray_level *l)
{
	while (l->next < l->count && is_sibling(s, l, l->slots[l->next]))
		l->next++;
	return l->next - 1;
}

static bool is_wanted(const struct xarray_state *s, uint64_t entry)
{
	return entry && ((s->flags & KA_TREE_VALUES) || kind_of(s, entry) == KA_PLACE_ENTRY);
}

static void place_set(struct xarray_state *s, uint64_t entry, uint64_t first, uint64_t last)
{
	s->place.kind = kind_of(s, entry);
	s->place.entry = entry;
	s->place.first = s->base + first;
	s->place.last = s->base + last;
	s->place.depth = s->depth;
}

static struct ka_error *xarray_step(struct ka_walk *w, ka_addr *ret, bool *ret_done)
{
	struct xarray_state *s = w->state;
	uint64_t entry = 0;
	struct ka_error *err = s->has_started ? NULL : xarray_start(w, &entry);

	if (err)
		return err;
	if (is_wanted(s, entry)) {	/* the only entry, at index 0 */
		place_set(s, entry, 0, 0);
		*ret = entry;
		return NULL;
	}
	while (s->depth) {
		struct xarray_level *l = &s->level[s->depth - 1];
		unsigned slot = l->next++, last;

		if (ka_interrupted())
			return ka_error_new(KA_INTERRUPTED, "interrupted");
		if (slot >= l->count) {
			s->depth--;
			continue;
		}
		entry = l->slots[slot];
		uint64_t first = l->index + ((uint64_t)slot << l->shift);
		s->place.slot[s->depth - 1] = (uint8_t)slot;
		if (is_sibling(s, l, entry))
			continue;	/* of what was empty meanwhile */
		if (is_inner(s, l, entry)) {
			/* one bad node costs its own subtree */
			ka_walk_fault(w, xarray_push(w, entry, first, 0));
			continue;
		}
		last = siblings_skip(s, l);
		if (is_wanted(s, entry)) {
			place_set(s, entry, first, l->index + ((uint64_t)(last + 1) << l->shift) - 1);
			*ret = entry;
			return NULL;
		}
	}
	*ret_done = true;
	return NULL;
}

static void xarray_fini(struct ka_walk *w)
{
	ka_map_free(&((struct xarray_state *)w->state)->nodes);
}

static const struct ka_place *xarray_place(const struct ka_walk *w)
{
	return &((const struct xarray_state *)w->state)->place;
}

struct ka_walk ka_walk_xarray_base(struct ka_kernel *k, ka_addr start, unsigned flags, uint64_t base)
{
	static const struct ka_walk_ops ops = { .name = "xarray", .step = xarray_step, .fini = xarray_fini, .place = xarray_place };
	struct xarray_state *s = ka_xalloc(sizeof(*s));

	s->node_mark = ka_type_exists(k, "xa_node") ? 2 : 1;
	s->flags = flags;
	s->base = base;
	/* nodes are guarded one by one; the same entry may well be at two indexes */
	return (struct ka_walk){ .k = k, .ops = &ops, .at = start, .state = s, .may_repeat = true };
}

struct ka_walk ka_walk_xarray_flags(struct ka_kernel *k, ka_addr start, unsigned flags)
{
	return ka_walk_xarray_base(k, start, flags, 0);
}

struct ka_walk ka_walk_xarray(struct ka_kernel *k, ka_addr root)
{
	return ka_walk_xarray_base(k, root, 0, 0);
}
