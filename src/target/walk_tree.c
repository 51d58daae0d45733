/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Walkers of trees: xarray and radix tree, rbtree. */
#include <inttypes.h>
#include "kernel.h"

struct xarray_head { ka_addr head; uint32_t height; };
/* struct radix_tree_root is the xarray by another name since f8d5d0cc145c (v4.20) */
KA_VIEW(xarray_head, ("xarray", "radix_tree_root"),
	KA_FROM(xarray_head, head, "xa_head", "rnode"),
	KA_MAYBE(xarray_head, height, "height"));	/* before v4.7: only it tells inner nodes from items */

struct xarray_node { uint8_t shift; ka_addr slots_at; uint64_t slots_size; };
/* xa_node: 01959dfe771c (v4.20). Before v4.7 there is no shift */
KA_VIEW(xarray_node, ("xa_node", "radix_tree_node"),
	KA_MAYBE(xarray_node, shift, "shift"),
	KA_AT(xarray_node, slots_at, "slots"),
	KA_SIZE(xarray_node, slots_size, "slots"));

#define XARRAY_DEPTH 12		/* 64 bits in steps of 6, and one */
#define XARRAY_SLOTS 64

struct xarray_level {
	uint64_t slots[XARRAY_SLOTS];
	ka_addr slots_at, slots_end;
	unsigned count, next;
	bool is_leaf;
};

struct xarray_state {
	struct xarray_level level[XARRAY_DEPTH];
	unsigned depth;
	bool has_started;
	uint64_t node_bit;	/* what marks an inner node: 2 in an xarray (xa_mk_node), 1 in a radix tree */
	bool has_height;	/* a radix tree before v4.7, in which only the root's pointer is marked */
	uint32_t height;
	struct ka_error *err;	/* the first node that could not be followed */
	struct ka_map nodes;	/* inner nodes on the way: a cycle must not cost depth after depth */
};

/* Inner pointers have bit 1 set (xarray) and are above 4096: small ones are sibling and retry marks. */
static bool is_node(const struct xarray_state *s, uint64_t entry)
{
	return (entry & 3) == s->node_bit && entry > 4096;
}

/* In radix trees of v4.7 to v4.19 what looks like a node may be a sibling: it points to a slot beside it. */
static bool is_sibling(const struct xarray_level *l, uint64_t entry)
{
	return (entry & ~3ull) >= l->slots_at && entry < l->slots_end;
}

static bool is_inner(const struct xarray_state *s, const struct xarray_level *l, uint64_t entry)
{
	if (l->is_leaf)
		return false;
	return s->has_height ? entry != 0 : is_node(s, entry);
}

static struct ka_error *xarray_push(struct ka_walk *w, struct xarray_state *s, uint64_t entry)
{
	struct xarray_node node;
	uint8_t bytes[XARRAY_SLOTS * 8];
	ka_addr at = entry & ~3ull;
	unsigned width = ka_long_size(w->k);
	struct ka_error *err;

	if (s->depth == XARRAY_DEPTH)
		return ka_error_at(KA_CORRUPT, KA_SPACE_VIRT, at, "the tree is deeper than can be");
	if (!ka_map_add(&s->nodes, at, 0))
		return ka_error_at(KA_CORRUPT, KA_SPACE_VIRT, at, "the tree comes back to its node 0x%" PRIx64, at);
	err = ka_view_read(w->k, &ka_view_xarray_node, at, &node);
	if (err)
		return err;
	struct xarray_level *l = &s->level[s->depth];
	l->count = (unsigned)KA_MIN(node.slots_size / width, (uint64_t)XARRAY_SLOTS);
	l->next = 0;
	l->slots_at = node.slots_at;
	l->slots_end = node.slots_at + l->count * width;
	l->is_leaf = s->has_height ? s->depth + 1 == s->height : KA_HAS(w->k, xarray_node, shift) && node.shift == 0;
	err = ka_read(w->k, node.slots_at, bytes, l->count * width);
	if (err)
		return err;
	for (unsigned i = 0; i < l->count; i++)
		l->slots[i] = ka_uint_from(w->k, bytes + i * width, width);
	s->depth++;
	return NULL;
}

static struct ka_error *xarray_step(struct ka_walk *w, ka_addr *ret, bool *ret_done)
{
	struct xarray_state *s = w->state;
	struct ka_error *err;

	if (!s->has_started) {
		struct xarray_head root;

		s->has_started = true;
		err = ka_view_read(w->k, &ka_view_xarray_head, w->at, &root);
		if (err)
			return err;
		s->has_height = KA_HAS(w->k, xarray_head, height);
		s->height = root.height;
		if (s->height > XARRAY_DEPTH)
			return ka_error_at(KA_CORRUPT, KA_SPACE_VIRT, w->at, "the tree would be %u nodes high", s->height);
		if (is_node(s, root.head)) {
			err = xarray_push(w, s, root.head);
			if (err)
				return err;
		} else if (root.head && !(root.head & 3)) {
			*ret = root.head;
			return NULL;
		}
	}
	while (s->depth) {
		struct xarray_level *l = &s->level[s->depth - 1];

		if (l->next == l->count) {
			s->depth--;
			continue;
		}
		uint64_t entry = l->slots[l->next++];
		if (is_inner(s, l, entry)) {
			if (is_sibling(l, entry))
				continue;
			/* one bad node costs its own subtree: the first fault is told at the end */
			err = xarray_push(w, s, entry);
			if (err && s->err)
				ka_error_free(err);
			else if (err)
				s->err = err;
		} else if (entry && !(entry & 3)) {
			*ret = entry;
			return NULL;
		}
	}
	*ret_done = true;
	err = s->err;
	s->err = NULL;
	return err;
}

static void xarray_fini(struct ka_walk *w)
{
	struct xarray_state *s = w->state;

	ka_error_free(s->err);
	ka_map_free(&s->nodes);
}

struct ka_walk ka_walk_xarray(struct ka_kernel *k, ka_addr root)
{
	static const struct ka_walk_ops ops = { .name = "xarray", .step = xarray_step, .fini = xarray_fini };
	struct xarray_state *s = ka_xalloc(sizeof(*s));

	s->node_bit = ka_type_exists(k, "xa_node") ? 2 : 1;
	return (struct ka_walk){ .k = k, .ops = &ops, .at = root, .state = s };
}

struct rbtree_node { ka_addr left, right; };
KA_VIEW(rbtree_node, ("rb_node"),
	KA_FROM(rbtree_node, left, "rb_left"),
	KA_FROM(rbtree_node, right, "rb_right"));

#define RBTREE_DEPTH 128	/* twice the logarithm of what 64 bits can address */

struct rbtree_state {
	struct { ka_addr node, right; } stack[RBTREE_DEPTH];
	unsigned depth;
	bool has_started;
};

static struct ka_error *rbtree_descend(struct ka_walk *w, struct rbtree_state *s, ka_addr node)
{
	struct rbtree_node n;
	struct ka_error *err;

	while (node) {
		if (s->depth == RBTREE_DEPTH)
			return ka_error_at(KA_CORRUPT, KA_SPACE_VIRT, node, "the tree is deeper than can be");
		if (!ka_is_kernel_addr(w->k, node))
			return ka_error_at(KA_CORRUPT, KA_SPACE_VIRT, node, "the tree has a node at 0x%" PRIx64, node);
		err = ka_view_read(w->k, &ka_view_rbtree_node, node, &n);
		if (err)
			return err;
		s->stack[s->depth].node = node;
		s->stack[s->depth++].right = n.right;
		node = n.left;
	}
	return NULL;
}

static struct ka_error *rbtree_step(struct ka_walk *w, ka_addr *ret, bool *ret_done)
{
	struct rbtree_state *s = w->state;
	struct ka_error *err = NULL;

	if (!s->has_started) {
		uint64_t root;

		s->has_started = true;
		err = ka_read_ulong(w->k, w->at, &root);	/* rb_root.rb_node is first, also in rb_root_cached */
		if (!err)
			err = rbtree_descend(w, s, root);
	} else if (s->depth) {
		err = rbtree_descend(w, s, s->stack[--s->depth].right);
	}
	if (err)
		return err;
	if (!s->depth) {
		*ret_done = true;
		return NULL;
	}
	*ret = s->stack[s->depth - 1].node - w->offset;
	return NULL;
}

struct ka_walk ka_walk_rbtree(struct ka_kernel *k, ka_addr root, uint64_t offset)
{
	static const struct ka_walk_ops ops = { .name = "rbtree", .step = rbtree_step };

	return (struct ka_walk){ .k = k, .ops = &ops, .at = root, .offset = offset,
				 .state = ka_xalloc(sizeof(struct rbtree_state)) };
}
