/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The walker of maple trees over nodes made up here, in a real kernel's layout: whole ones, and broken ones. */
#include <kanalyze/vma.h>
#include "check.h"
#include "tiny.h"

enum { DENSE, LEAF, RANGE, ARANGE };
#define MAX 64
#define PIVOT(node, i) ((node) + 8 + 8 * (uint64_t)(i))
#define LEAF_SLOT(node, i) ((node) + 128 + 8 * (uint64_t)(i))
#define ARANGE_SLOT(node, i) ((node) + 80 + 8 * (uint64_t)(i))
#define ARANGE_END(node) ((node) + 240)
#define ENTRY(node, type) ((node) | (type) << 3 | 4)

static struct { ka_addr at; uint64_t first, last; } got[MAX];

/* Runs a walk to its end; the count. words: of the error, or NULL. */
static size_t run(struct ka_kernel *k, ka_addr root, const char *words)
{
	struct ka_walk w = ka_walk_maple(k, root);
	struct ka_error *err;
	size_t n = 0;

	for (ka_addr at; ka_walk_next(&w, &at); n++) {
		if (n == MAX)
			continue;
		got[n].at = at;
		ka_walk_maple_range(&w, &got[n].first, &got[n].last);
	}
	err = ka_walk_end(&w);
	if (!words)
		CHECK_STR(err ? err->message : "ok", "ok");
	else if (!err || !strstr(err->message, words))
		CHECK_STR(err ? err->message : "ok", words);
	ka_error_free(err);
	return n;
}

static void check_one_node(struct tiny *t, ka_addr root, ka_addr item)
{
	struct ka_kernel *k = t->k;
	ka_addr leaf = tiny_alloc(t, 256, 256);

	CHECK_INT(run(k, root, NULL), 0);
	tiny_put(t, root + 8, item, 8);		/* the only entry, at index 0, in place of a node */
	CHECK_INT(run(k, root, NULL), 1);
	CHECK_INT(got[0].at, item);
	tiny_put(t, root + 8, ENTRY(leaf, LEAF) | 2, 8);
	tiny_put(t, PIVOT(leaf, 0), 0xfff, 8);
	tiny_put(t, PIVOT(leaf, 1), 0x1fff, 8);
	tiny_put(t, PIVOT(leaf, 2), UINT64_MAX, 8);
	tiny_put(t, LEAF_SLOT(leaf, 1), item, 8);
	tiny_put(t, LEAF_SLOT(leaf, 3), item + 64, 8);	/* behind the end: left over */
	tiny_put(t, LEAF_SLOT(leaf, 15), 2, 1);		/* meta.end */
	CHECK_INT(run(k, root, NULL), 1);
	CHECK_INT(got[0].at, item);
	CHECK_INT(got[0].first, 0x1000);
	CHECK_INT(got[0].last, 0x1fff);
	tiny_put(t, LEAF_SLOT(leaf, 2), 257 << 2 | 2, 8);	/* XA_ZERO_ENTRY: a fork that failed half-way */
	CHECK_INT(run(k, root, NULL), 1);
	/* full: the last slot has no pivot, and the entry lies where the metadata would */
	for (unsigned i = 0; i < 15; i++) {
		tiny_put(t, PIVOT(leaf, i), i * 0x1000 + 0xfff, 8);
		tiny_put(t, LEAF_SLOT(leaf, i), item + 64 * i, 8);
	}
	tiny_put(t, LEAF_SLOT(leaf, 15), item + 64 * 15, 8);
	CHECK_INT(run(k, root, NULL), 16);
	CHECK_INT(got[15].at, item + 64 * 15);
	CHECK_INT(got[15].first, 0xf000);
	CHECK_INT(got[15].last, UINT64_MAX);
	tiny_put(t, PIVOT(leaf, 3), 0x10, 8);		/* pivots that go back */
	CHECK_INT(run(k, root, "outside of"), 0);
	tiny_put(t, root + 8, ENTRY(leaf, 9) | 2, 8);
	CHECK_INT(run(k, root, "of type 9"), 0);
	tiny_put(t, root + 8, ENTRY(0x7f0000001000, LEAF) | 2, 8);
	CHECK_INT(run(k, root, "has a node at"), 0);
}

static ka_addr make_leaf(struct tiny *t, uint64_t first, ka_addr item)
{
	ka_addr leaf = tiny_alloc(t, 256, 256);

	tiny_put(t, PIVOT(leaf, 0), first + 0xfff, 8);
	tiny_put(t, LEAF_SLOT(leaf, 0), item, 8);
	return leaf;
}

static void check_levels(struct tiny *t, ka_addr root, ka_addr item)
{
	struct ka_kernel *k = t->k;
	ka_addr top = tiny_alloc(t, 256, 256), dense = tiny_alloc(t, 256, 256), leaf[3];

	tiny_put(t, root + 8, ENTRY(top, ARANGE) | 2, 8);
	for (unsigned i = 0; i < 3; i++) {
		leaf[i] = make_leaf(t, i * 0x100000ull, item + 64 * i);
		tiny_put(t, PIVOT(top, i), i * 0x100000ull + 0xfffff, 8);
		tiny_put(t, ARANGE_SLOT(top, i), ENTRY(leaf[i], LEAF), 8);
	}
	tiny_put(t, PIVOT(top, 2), 0, 8);	/* the last one ends where the node does */
	tiny_put(t, ARANGE_END(top), 2, 1);
	CHECK_INT(run(k, root, NULL), 3);
	CHECK_INT(got[2].at, item + 128);
	CHECK_INT(got[2].first, 0x200000);
	CHECK_INT(got[2].last, 0x200fff);
	/* one bad node costs its own subtree alone */
	tiny_put(t, ARANGE_SLOT(top, 1), ENTRY(0x7f0000001000, LEAF), 8);
	CHECK_INT(run(k, root, "has a node at"), 2);
	CHECK_INT(got[1].at, item + 128);
	tiny_put(t, ARANGE_SLOT(top, 1), ENTRY(top, ARANGE), 8);
	CHECK_INT(run(k, root, "comes back to its node"), 2);
	tiny_put(t, ARANGE_SLOT(top, 1), ENTRY(leaf[0], LEAF), 8);
	CHECK_INT(run(k, root, "comes back to its node"), 2);
	tiny_put(t, ARANGE_SLOT(top, 1), ENTRY(dense, DENSE), 8);
	tiny_put(t, dense + 8 + 8 * 5, item + 640, 8);
	CHECK_INT(run(k, root, NULL), 3);
	CHECK_INT(got[1].at, item + 640);
	CHECK_INT(got[1].first, 0x100005);
	CHECK_INT(run(k, 0x10, "at 0x10"), 0);
}

CHECK_MAIN
{
	struct tiny_options o = {0};
	struct tiny t;
	uint8_t *btf = tiny_btf_load("6.12.95+deb12-cloud-amd64", &o.btf_size);

	if (!btf) {
		fprintf(stderr, "testdata/types has no 6.12\n");
		exit(77);
	}
	o.btf = btf;
	tiny_open(&t, &o);
	ka_addr root = tiny_alloc(&t, 16, 8), item = tiny_alloc(&t, 4096, 4096);

	check_one_node(&t, root, item);
	check_levels(&t, root, item);
	tiny_close(&t);
	free(btf);
}
