/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Walkers over memory made up here: whole ones, broken ones, endless ones. What was found before the break is kept. */
#include "btf_build.h"
#include "check.h"
#include "tiny.h"

enum { KIND_PTR = 2, KIND_STRUCT = 4 };
enum shape { NEW_XARRAY, NEW_RADIX, OLD_RADIX };

#define HOLE 0x2800000ull
static const struct tiny_hole holes[] = { { HOLE, HOLE + 0x1000, true } };

/* rb_node, and the tree of v4.20 on, of 4.7 to 4.19, or before */
static const uint8_t *make_types(struct btf_build *b, enum shape shape, size_t *ret_size)
{
	uint32_t u8 = btf_add_int(b, "unsigned char", 1, 0, 0, 8), u32 = btf_add_int(b, "unsigned int", 4, 0, 0, 32);
	uint32_t pointer = btf_add(b, KIND_PTR, NULL, 0, false, 0), slots = btf_add_array(b, pointer, 64);

	btf_add(b, KIND_STRUCT, "rb_node", 3, false, 24);
	btf_put_member(b, "__rb_parent_color", pointer, 0);
	btf_put_member(b, "rb_right", pointer, 64);
	btf_put_member(b, "rb_left", pointer, 128);
	if (shape == OLD_RADIX) {
		btf_add(b, KIND_STRUCT, "radix_tree_root", 3, false, 16);
		btf_put_member(b, "height", u32, 0);
		btf_put_member(b, "gfp_mask", u32, 32);
		btf_put_member(b, "rnode", pointer, 64);
		btf_add(b, KIND_STRUCT, "radix_tree_node", 3, false, 528);
		btf_put_member(b, "height", u32, 0);
		btf_put_member(b, "count", u32, 32);
	} else {
		btf_add(b, KIND_STRUCT, shape == NEW_XARRAY ? "xarray" : "radix_tree_root", 2, false, 16);
		btf_put_member(b, shape == NEW_XARRAY ? "xa_flags" : "gfp_mask", u32, 0);
		btf_put_member(b, shape == NEW_XARRAY ? "xa_head" : "rnode", pointer, 64);
		btf_add(b, KIND_STRUCT, shape == NEW_XARRAY ? "xa_node" : "radix_tree_node", 3, false, 528);
		btf_put_member(b, "shift", u8, 0);
		btf_put_member(b, "offset", u8, 8);
	}
	btf_put_member(b, "slots", slots, 128);
	return btf_build_end(b, NULL, 0, ret_size);
}

#define MAX 64

/* Runs a walk to its end; the count, and what was yielded. words: of the error, or NULL. */
static size_t run(struct ka_walk w, ka_addr ret[MAX], const char *words)
{
	struct ka_error *err;
	size_t n = 0;

	for (ka_addr at; ka_walk_next(&w, &at); n++)
		if (n < MAX)
			ret[n] = at;
	err = ka_walk_end(&w);
	if (!words)
		CHECK_STR(err ? err->message : "ok", "ok");
	else if (!err || !strstr(err->message, words))
		CHECK_STR(err ? err->message : "ok", words);
	ka_error_free(err);
	return n;
}

/* head -> n objects of 64 bytes whose link is at 16, in one array */
static ka_addr make_list(struct tiny *t, ka_addr head, unsigned n, bool is_circular)
{
	ka_addr objects = tiny_alloc(t, n * 64, 64);

	for (unsigned i = 0; i < n; i++)
		tiny_put(t, i ? objects + (i - 1) * 64 + 16 : head, objects + i * 64 + 16, 8);
	tiny_put(t, n ? objects + (n - 1) * 64 + 16 : head, is_circular ? head : 0, 8);
	return objects;
}

static void check_lists(struct tiny *t)
{
	ka_addr head = tiny_alloc(t, 64, 8), objects = make_list(t, head, 5, true), got[MAX];
	struct ka_kernel *k = t->k;

	CHECK_INT(run(ka_walk_list(k, head, 16), got, NULL), 5);
	for (unsigned i = 0; i < 5; i++)
		CHECK_INT(got[i], objects + i * 64);
	tiny_put(t, head, head, 8);
	CHECK_INT(run(ka_walk_list(k, head, 16), got, NULL), 0);
	tiny_put(t, head, objects + 16, 8);
	/* a cycle that leaves the head out; a link to itself */
	tiny_put(t, objects + 4 * 64 + 16, objects + 2 * 64 + 16, 8);
	CHECK_INT(run(ka_walk_list(k, head, 16), got, "walk of list: after 5 objects it comes back to"), 5);
	tiny_put(t, objects + 16, objects + 16, 8);
	CHECK_INT(run(ka_walk_list(k, head, 16), got, "after 1 objects it comes back to"), 1);
	/* links that cannot be */
	tiny_put(t, objects + 16, 0, 8);
	CHECK_INT(run(ka_walk_list(k, head, 16), got, "points to 0x0"), 1);
	tiny_put(t, objects + 16, 0xdead000000000100, 8);	/* LIST_POISON1 */
	CHECK_INT(run(ka_walk_list(k, head, 16), got, "points to 0xdead000000000100"), 1);
	tiny_put(t, objects + 16, TINY_DIRECT + HOLE, 8);
	CHECK_INT(run(ka_walk_list(k, head, 16), got, "left out"), 2);
	tiny_put(t, objects + 16, UINT64_MAX - 2, 8);
	CHECK_INT(run(ka_walk_list(k, head, 16), got, "points to 0xfffffffffffffffd"), 1);
	CHECK_INT(run(ka_walk_list(k, 0x1000, 16), got, "0x1000"), 0);

	/* bounds and Ctrl-C */
	make_list(t, head, 50, true);
	struct ka_walk w = ka_walk_list(k, head, 16);
	w.limit = 20;
	CHECK_INT(run(w, got, "more than 20 objects: given up"), 20);
	w = ka_walk_list(k, head, 16);
	ka_addr at;
	CHECK(ka_walk_next(&w, &at));
	ka_interrupt_set();
	CHECK(!ka_walk_next(&w, &at));
	CHECK(!ka_walk_next(&w, &at));
	struct ka_error *err = ka_walk_end(&w);
	CHECK(err && err->code == KA_INTERRUPTED);
	ka_error_free(err);
	ka_interrupt_clear();
	/* a cycle behind what is remembered: found all the same, a little later */
	objects = make_list(t, head, 50, true);
	tiny_put(t, objects + 49 * 64 + 16, objects + 40 * 64 + 16, 8);
	w = ka_walk_list(k, head, 16);
	w.seen_limit = 10;
	CHECK(run(w, got, "it comes back to") < 100);
	w = ka_walk_list(k, head, 16);		/* given up by its user */
	CHECK(ka_walk_next(&w, &at));
	CHECK(!ka_walk_end(&w));
	CHECK(!ka_walk_next(&w, &at));
}

static void check_hlists(struct tiny *t)
{
	ka_addr head = tiny_alloc(t, 64, 8), objects = make_list(t, head, 5, false), got[MAX];
	struct ka_kernel *k = t->k;

	CHECK_INT(run(ka_walk_hlist(k, head, 16), got, NULL), 5);
	CHECK_INT(got[4], objects + 4 * 64);
	tiny_put(t, objects + 4 * 64 + 16, 2 * 5 + 1, 8);	/* hlist_nulls ends with its bucket's number */
	CHECK_INT(run(ka_walk_hlist(k, head, 16), got, NULL), 5);
	tiny_put(t, objects + 4 * 64 + 16, objects + 16, 8);
	CHECK_INT(run(ka_walk_hlist(k, head, 16), got, "walk of hlist: after 5 objects it comes back"), 5);
	tiny_put(t, objects + 16, 0x7f0000001000, 8);
	CHECK_INT(run(ka_walk_hlist(k, head, 16), got, "points to 0x7f0000001000"), 1);
	tiny_put(t, head, 0, 8);
	CHECK_INT(run(ka_walk_hlist(k, head, 16), got, NULL), 0);
}

static ka_addr make_node(struct tiny *t, enum shape shape, uint8_t shift)
{
	ka_addr at = tiny_alloc(t, 576, 64);

	tiny_put(t, at, shape == OLD_RADIX ? shift / 6 + 1 : shift, shape == OLD_RADIX ? 4 : 1);
	return at;
}

#define SLOT(node, i) ((node) + 16 + 8 * (uint64_t)(i))

/* Indexes, slots on the way, values, and a start at a node. */
static void check_places(struct tiny *t, enum shape shape, ka_addr root, ka_addr top, ka_addr left, ka_addr item)
{
	struct ka_kernel *k = t->k;
	struct ka_walk w = ka_walk_xarray_flags(k, root, KA_TREE_VALUES);
	const struct ka_place *p = NULL;
	ka_addr at;
	bool has_siblings = shape != OLD_RADIX;

	CHECK(ka_walk_next(&w, &at) && at == item);
	p = ka_walk_place(&w);
	CHECK_INT(p->first, 0);
	CHECK_INT(p->last, 0);
	CHECK(ka_walk_next(&w, &at) && at == item + 64);
	CHECK_INT(p->first, 5);
	CHECK_INT(p->last, 5);
	CHECK_INT(p->depth, 2);
	CHECK_INT(p->slot[0], 0);
	CHECK_INT(p->slot[1], 5);
	CHECK(ka_walk_next(&w, &at));
	CHECK_INT(p->kind, KA_PLACE_VALUE);
	CHECK_INT(p->first, 6);
	CHECK_INT(p->last, has_siblings ? 7 : 6);
	while (ka_walk_next(&w, &at) && p->kind != KA_PLACE_ENTRY)
		CHECK_INT(p->kind, KA_PLACE_RESERVED);
	CHECK_INT(at, item + 128);
	CHECK_INT(p->first, 63 * 64 + 63);
	CHECK(!ka_walk_next(&w, &at));
	ka_error_free(ka_walk_end(&w));

	/* from the left node on, with a mark or without */
	for (unsigned mark = 0; mark < 4; mark++) {
		w = ka_walk_xarray_flags(k, left | mark, KA_TREE_NODE);
		CHECK(ka_walk_next(&w, &at) && at == item);
		CHECK(ka_walk_next(&w, &at) && at == item + 64);
		CHECK_INT(ka_walk_place(&w)->first, 5);
		CHECK_INT(ka_walk_place(&w)->depth, 1);
		CHECK(!ka_walk_next(&w, &at));
		CHECK(!ka_walk_end(&w));
	}
	(void)top;
}

static void check_xarray(struct tiny *t, enum shape shape)
{
	struct ka_kernel *k = t->k;
	/* inner nodes are marked by 2 in xarrays and by 1 in radix trees of 4.7 on; before, only at the root */
	uint64_t mark = shape == NEW_XARRAY ? 2 : 1, inner = shape == OLD_RADIX ? 0 : mark, value = shape == NEW_XARRAY ? 1 : 2;
	ka_addr root = tiny_alloc(t, 16, 8), top = make_node(t, shape, 6), left = make_node(t, shape, 0), right = make_node(t, shape, 0);
	ka_addr got[MAX], item = tiny_alloc(t, 4096, 4096);

	CHECK_INT(run(ka_walk_xarray(k, root), got, NULL), 0);
	tiny_put(t, root + 8, item, 8);		/* the only entry, at index 0 */
	CHECK_INT(run(ka_walk_xarray(k, root), got, NULL), 1);
	CHECK_INT(got[0], item);
	tiny_put(t, root, 2, 4);
	tiny_put(t, root + 8, top | mark, 8);
	tiny_put(t, SLOT(top, 0), left | inner, 8);
	tiny_put(t, SLOT(top, 63), right | inner, 8);
	tiny_put(t, SLOT(left, 0), item, 8);
	tiny_put(t, SLOT(left, 5), item + 64, 8);
	tiny_put(t, SLOT(left, 6), 7 << 2 | value, 8);		/* a value, and no pointer */
	tiny_put(t, SLOT(right, 63), item + 128, 8);
	CHECK_INT(run(ka_walk_xarray(k, root), got, NULL), 3);
	CHECK_INT(got[0], item);
	CHECK_INT(got[1], item + 64);
	CHECK_INT(got[2], item + 128);
	if (shape == NEW_XARRAY) {	/* sibling of slot 6, retry mark, zero mark */
		tiny_put(t, SLOT(left, 7), 6 << 2 | 2, 8);
		tiny_put(t, SLOT(left, 8), 256 << 2 | 2, 8);
		tiny_put(t, SLOT(left, 9), 257 << 2 | 2, 8);
		tiny_put(t, SLOT(top, 1), 0 << 2 | 2, 8);
	} else if (shape == NEW_RADIX) {	/* siblings point to their first slot */
		tiny_put(t, SLOT(left, 7), SLOT(left, 6) | 1, 8);
		tiny_put(t, SLOT(top, 1), SLOT(top, 0) | 1, 8);
	}
	CHECK_INT(run(ka_walk_xarray(k, root), got, NULL), 3);
	/* one item in two places is none of the tree's faults */
	tiny_put(t, SLOT(right, 1), item, 8);
	CHECK_INT(run(ka_walk_xarray(k, root), got, NULL), 4);
	tiny_put(t, SLOT(right, 1), 0, 8);
	check_places(t, shape, root, top, left, item);
	/* broken: node of a hole, of user space, a cycle, a tree that grows downwards */
	tiny_put(t, SLOT(top, 63), (TINY_DIRECT + HOLE) | inner, 8);
	CHECK_INT(run(ka_walk_xarray(k, root), got, "walk of xarray"), 2);
	tiny_put(t, SLOT(top, 63), 0x7f0000001000 | inner, 8);
	CHECK_INT(run(ka_walk_xarray(k, root), got, "0x7f0000001000"), 2);
	tiny_put(t, SLOT(top, 63), top | inner, 8);
	CHECK_INT(run(ka_walk_xarray(k, root), got, "comes back to"), 2);
	if (shape == OLD_RADIX) {
		tiny_put(t, root, 0xffffffff, 4);
		CHECK_INT(run(ka_walk_xarray(k, root), got, "walk of xarray"), 0);
		return;
	}
	/* a node that is no lower than its parent */
	tiny_put(t, SLOT(top, 63), make_node(t, shape, 60) | inner, 8);
	CHECK_INT(run(ka_walk_xarray(k, root), got, "deeper than can be"), 2);
	CHECK_INT(run(ka_walk_xarray(k, 0x10), got, "0x10"), 0);
}

/* A balanced tree of nodes lo to hi - 1, each 24 bytes at base: the root. */
static ka_addr make_rbtree(struct tiny *t, ka_addr base, unsigned lo, unsigned hi)
{
	unsigned mid = lo + (hi - lo) / 2;

	if (lo >= hi)
		return 0;
	tiny_put(t, base + mid * 24 + 16, make_rbtree(t, base, lo, mid), 8);
	tiny_put(t, base + mid * 24 + 8, make_rbtree(t, base, mid + 1, hi), 8);
	return base + mid * 24;
}

static void check_rbtree_places(struct tiny *t, ka_addr root, ka_addr base)
{
	struct ka_walk w;
	ka_addr at;

	tiny_put(t, root, make_rbtree(t, base, 0, 7), 8);
	for (unsigned i = 0; i < 7; i += 2) {	/* leaves */
		tiny_put(t, base + i * 24 + 8, 0, 8);
		tiny_put(t, base + i * 24 + 16, 0, 8);
	}
	static const struct { unsigned node, depth; const char *way; } want[] = {
		{ 3, 0, "" }, { 1, 1, "l" }, { 0, 2, "ll" }, { 2, 2, "lr" }, { 5, 1, "r" }, { 4, 2, "rl" }, { 6, 2, "rr" } };
	w = ka_walk_rbtree_flags(t->k, root, 0, KA_TREE_PREORDER);
	for (unsigned i = 0; i < KA_COUNT(want); i++) {
		CHECK(ka_walk_next(&w, &at));
		CHECK_INT(at, base + want[i].node * 24);
		CHECK_INT(ka_walk_place(&w)->depth, want[i].depth);
		for (unsigned j = 0; j < want[i].depth; j++)
			CHECK_INT(ka_walk_place(&w)->slot[j], want[i].way[j] == 'r');
	}
	CHECK(!ka_walk_next(&w, &at));
	CHECK(!ka_walk_end(&w));
	w = ka_walk_rbtree_flags(t->k, base + 5 * 24, 0, KA_TREE_NODE);
	for (unsigned i = 4; i < 7; i++)
		CHECK(ka_walk_next(&w, &at) && at == base + i * 24);
	CHECK(!ka_walk_end(&w));
}

static void check_rbtree(struct tiny *t)
{
	struct ka_kernel *k = t->k;
	ka_addr root = tiny_alloc(t, 16, 8), base = tiny_alloc(t, 24 * 300, 8), got[MAX];

	CHECK_INT(run(ka_walk_rbtree(k, root, 8), got, NULL), 0);
	tiny_put(t, root, make_rbtree(t, base, 0, 60), 8);
	CHECK_INT(run(ka_walk_rbtree(k, root, 8), got, NULL), 60);
	for (unsigned i = 0; i < 60; i++)
		CHECK_INT(got[i], base + i * 24 - 8);
	/* node 59 leads back to the root, on either side */
	tiny_put(t, base + 59 * 24 + 8, base + 30 * 24, 8);
	CHECK_INT(run(ka_walk_rbtree(k, root, 0), got, "corrupted rb_right pointer"), 60);
	tiny_put(t, base + 59 * 24 + 8, 0, 8);
	tiny_put(t, base + 16, base + 30 * 24, 8);
	CHECK_INT(run(ka_walk_rbtree(k, root, 0), got, "duplicate tree entry"), 60);
	tiny_put(t, base + 16, 0, 8);
	/* a bad node costs what is below it: of node 45, to the right of the root, 46 to 59 and their like */
	ka_addr right_of_root = base + 45 * 24;
	tiny_put(t, right_of_root + 8, 0x30, 8);
	CHECK_INT(run(ka_walk_rbtree(k, root, 0), got, "corrupted rb_right pointer: 30: the tree has a node at 0x30"), 46);
	tiny_put(t, right_of_root + 8, TINY_DIRECT + HOLE, 8);
	CHECK_INT(run(ka_walk_rbtree(k, root, 0), got, "cannot read rb_node"), 46);
	tiny_put(t, right_of_root + 16, base + 3, 8);
	CHECK_INT(run(ka_walk_rbtree(k, root, 0), got, "2 parts could not be followed; the first"), 32);
	check_rbtree_places(t, root, base);
	/* a list rather than a tree */
	for (unsigned i = 0; i < 300; i++) {
		tiny_put(t, base + i * 24 + 16, i < 299 ? base + (i + 1) * 24 : 0, 8);
		tiny_put(t, base + i * 24 + 8, 0, 8);
	}
	tiny_put(t, root, base, 8);
	CHECK_INT(run(ka_walk_rbtree(k, root, 0), got, "deeper than can be"), 128);
}

CHECK_MAIN
{
	for (enum shape shape = NEW_XARRAY; shape <= OLD_RADIX; shape++) {
		struct btf_build b = btf_build_begin(false);
		struct tiny_options o = { .holes = holes, .hole_count = 1 };
		struct tiny t;

		o.btf = make_types(&b, shape, &o.btf_size);
		tiny_open(&t, &o);
		if (shape == NEW_XARRAY) {
			check_lists(&t);
			check_hlists(&t);
			check_rbtree(&t);
		}
		check_xarray(&t, shape);
		tiny_close(&t);
		btf_build_free(&b);
	}
}
