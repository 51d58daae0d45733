/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Walker of rbtrees: plain, cached (rb_root_cached begins with the root) and augmented ones look alike from here. */
#include <inttypes.h>
#include "kernel.h"

struct rbtree_node { ka_addr left, right; };
KA_VIEW(rbtree_node, ("rb_node"),
	KA_FROM(rbtree_node, left, "rb_left"),
	KA_FROM(rbtree_node, right, "rb_right"));

#define RBTREE_DEPTH KA_PLACE_DEPTH	/* twice the logarithm of what 64 bits can address */

enum rbtree_stage { BEFORE, LEFT, BETWEEN, RIGHT, AFTER };

struct rbtree_state {
	struct { ka_addr node, left, right; enum rbtree_stage stage; } stack[RBTREE_DEPTH];
	unsigned depth;
	bool has_started, is_preorder, is_node;
	struct ka_map nodes;
	struct ka_place place;
};

/* parent 0: the root. A bad node costs what would be below it. */
static void rbtree_push(struct ka_walk *w, ka_addr parent, ka_addr node, unsigned side)
{
	struct rbtree_state *s = w->state;
	const char *side_name = side ? "rb_right" : "rb_left";
	struct ka_error *err = NULL;
	struct rbtree_node n;

	if (!node)
		return;
	if (!ka_is_kernel_addr(w->k, node) || (node & (ka_long_size(w->k) - 1)))
		err = ka_error_at(KA_CORRUPT, KA_SPACE_VIRT, node, "the tree has a node at 0x%" PRIx64, node);
	if (!err && s->depth == RBTREE_DEPTH)
		err = ka_error_at(KA_CORRUPT, KA_SPACE_VIRT, node, "the tree is deeper than can be");
	if (!err)
		err = ka_view_read(w->k, &ka_view_rbtree_node, node, &n);
	if (!err && !ka_map_add(&s->nodes, node, 0))
		err = ka_error_at(KA_CORRUPT, KA_SPACE_VIRT, node, "duplicate tree entry: %" PRIx64, node);
	if (err) {
		if (parent)
			err = ka_error_wrap(err, "rb_node: %" PRIx64 ": corrupted %s pointer: %" PRIx64, parent, side_name, node);
		ka_walk_fault(w, err);
		return;
	}
	if (s->depth)
		s->place.slot[s->depth - 1] = (uint8_t)side;
	s->stack[s->depth].node = node;
	s->stack[s->depth].left = n.left;
	s->stack[s->depth].right = n.right;
	s->stack[s->depth++].stage = BEFORE;
}

static struct ka_error *rbtree_start(struct ka_walk *w, struct rbtree_state *s)
{
	uint64_t root = w->at;
	struct ka_error *err = NULL;

	s->has_started = true;
	if (!s->is_node)
		err = ka_read_ulong(w->k, w->at, &root);	/* rb_root.rb_node is first, also in rb_root_cached */
	if (!err)
		rbtree_push(w, 0, root, 0);
	return err;
}

static struct ka_error *rbtree_step(struct ka_walk *w, ka_addr *ret, bool *ret_done)
{
	struct rbtree_state *s = w->state;
	struct ka_error *err = s->has_started ? NULL : rbtree_start(w, s);

	if (err)
		return err;
	while (s->depth) {
		unsigned top = s->depth - 1;
		ka_addr node = s->stack[top].node;

		switch (s->stack[top].stage++) {
		case BEFORE:
		case BETWEEN:
			if ((s->stack[top].stage == LEFT) != s->is_preorder)
				break;
			s->place.entry = node;
			s->place.depth = top;
			*ret = node - w->offset;
			return NULL;
		case LEFT:
			rbtree_push(w, node, s->stack[top].left, 0);
			break;
		case RIGHT:
			rbtree_push(w, node, s->stack[top].right, 1);
			break;
		case AFTER:
			s->depth--;
			break;
		}
	}
	*ret_done = true;
	return NULL;
}

static void rbtree_fini(struct ka_walk *w)
{
	ka_map_free(&((struct rbtree_state *)w->state)->nodes);
}

static const struct ka_place *rbtree_place(const struct ka_walk *w)
{
	return &((const struct rbtree_state *)w->state)->place;
}

struct ka_walk ka_walk_rbtree_flags(struct ka_kernel *k, ka_addr start, uint64_t offset, unsigned flags)
{
	static const struct ka_walk_ops ops = { .name = "rbtree", .step = rbtree_step, .fini = rbtree_fini, .place = rbtree_place };
	struct rbtree_state *s = ka_xalloc(sizeof(*s));

	s->is_node = flags & KA_TREE_NODE;
	s->is_preorder = flags & KA_TREE_PREORDER;
	return (struct ka_walk){ .k = k, .ops = &ops, .at = start, .offset = offset, .state = s, .may_repeat = true };
}

struct ka_walk ka_walk_rbtree(struct ka_kernel *k, ka_addr root, uint64_t offset)
{
	return ka_walk_rbtree_flags(k, root, offset, 0);
}
