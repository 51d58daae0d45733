/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Walkers of the rarer lists, of a user's chains, of bitmaps and of IDRs in each of their layouts. */
#include "btf_build.h"
#include "check.h"
#include "tiny.h"

enum { KIND_PTR = 2, KIND_STRUCT = 4 };
enum shape { TODAY, V4_14, V2_6_32 };
#define MAX 64

static const uint8_t *make_types(struct btf_build *b, enum shape shape, size_t *ret_size)
{
	uint32_t u8 = btf_add_int(b, "unsigned char", 1, 0, 0, 8), u32 = btf_add_int(b, "int", 4, 0, 0, 32);
	uint32_t pointer = btf_add(b, KIND_PTR, NULL, 0, false, 0), slots = btf_add_array(b, pointer, 64), list, root;

	list = btf_add(b, KIND_STRUCT, "list_head", 2, false, 16);
	btf_put_member(b, "next", pointer, 0);
	btf_put_member(b, "prev", pointer, 64);
	if (shape == V2_6_32) {
		uint32_t head = btf_add(b, KIND_STRUCT, "plist_head", 2, false, 32);

		btf_put_member(b, "prio_list", list, 0);
		btf_put_member(b, "node_list", list, 128);
		btf_add(b, KIND_STRUCT, "plist_node", 2, false, 40);
		btf_put_member(b, "prio", u32, 0);
		btf_put_member(b, "plist", head, 64);
		btf_add(b, KIND_STRUCT, "idr", 4, false, 32);
		btf_put_member(b, "top", pointer, 0);
		btf_put_member(b, "id_free", pointer, 64);
		btf_put_member(b, "layers", u32, 128);
		btf_put_member(b, "id_free_cnt", u32, 160);
		btf_add(b, KIND_STRUCT, "idr_layer", 4, false, 544);
		btf_put_member(b, "bitmap", pointer, 0);
		btf_put_member(b, "ary", slots, 64);
		btf_put_member(b, "count", u32, 64 + 64 * 64);
		btf_put_member(b, "layer", u32, 64 + 64 * 64 + 32);
	} else {
		btf_add(b, KIND_STRUCT, "plist_head", 1, false, 16);
		btf_put_member(b, "node_list", list, 0);
		btf_add(b, KIND_STRUCT, "plist_node", 3, false, 40);
		btf_put_member(b, "prio", u32, 0);
		btf_put_member(b, "prio_list", list, 64);
		btf_put_member(b, "node_list", list, 192);
		root = btf_add(b, KIND_STRUCT, shape == TODAY ? "xarray" : "radix_tree_root", 2, false, 16);
		btf_put_member(b, shape == TODAY ? "xa_flags" : "gfp_mask", u32, 0);
		btf_put_member(b, shape == TODAY ? "xa_head" : "rnode", pointer, 64);
		btf_add(b, KIND_STRUCT, shape == TODAY ? "xa_node" : "radix_tree_node", 2, false, 528);
		btf_put_member(b, "shift", u8, 0);
		btf_put_member(b, "slots", slots, 128);
		btf_add(b, KIND_STRUCT, "idr", shape == TODAY ? 3 : 2, false, 24);
		btf_put_member(b, "idr_rt", root, 0);
		btf_put_member(b, "idr_next", u32, 128);
		if (shape == TODAY)
			btf_put_member(b, "idr_base", u32, 160);
	}
	btf_add(b, KIND_STRUCT, "klist", 2, false, 24);
	btf_put_member(b, "k_lock", u32, 0);
	btf_put_member(b, "k_list", list, 64);
	btf_add(b, KIND_STRUCT, "klist_node", 2, false, 24);
	btf_put_member(b, "n_klist", pointer, 0);
	btf_put_member(b, "n_node", list, 64);
	return btf_build_end(b, NULL, 0, ret_size);
}

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

/* n links 64 bytes apart, each pointing to the next, the last to last */
static ka_addr make_chain(struct tiny *t, unsigned n, uint64_t last)
{
	ka_addr at = tiny_alloc(t, n * 64, 64);

	for (unsigned i = 0; i < n; i++)
		tiny_put(t, at + i * 64, i + 1 < n ? at + (i + 1) * 64 : last, 8);
	return at;
}

static void check_chains(struct tiny *t)
{
	struct ka_kernel *k = t->k;
	ka_addr at = make_chain(t, 10, 0), got[MAX];
	struct ka_chain c = { .start = at };

	CHECK_INT(run(ka_walk_chain(k, &c), got, NULL), 10);
	CHECK_INT(got[0], at);
	c.is_null_fault = true;
	CHECK_INT(run(ka_walk_chain(k, &c), got, "invalid list entry: 0"), 10);
	c.end = at + 4 * 64;
	CHECK_INT(run(ka_walk_chain(k, &c), got, NULL), 4);
	c.end = 0;
	tiny_put(t, at + 9 * 64, 0x15, 8);
	c.is_odd_end = true;
	CHECK_INT(run(ka_walk_chain(k, &c), got, NULL), 10);
	for (unsigned to = 0; to < 10; to++) {		/* back to the start, the first behind it, itself: ends; else a loop */
		bool is_end = to < 2 || to == 9;

		tiny_put(t, at + 9 * 64, at + to * 64, 8);
		c.is_brent = false;
		CHECK_INT(run(ka_walk_chain(k, &c), got, is_end ? NULL : "duplicate list entry: "), is_end ? 10 : 11);
		CHECK(is_end || got[10] == at + to * 64);
		c.is_brent = true;
		size_t n = run(ka_walk_chain(k, &c), got, is_end ? NULL : "loop detected, loop length: ");
		CHECK(is_end ? n == 10 : n >= 10 && n < 40);
	}
	tiny_put(t, at + 9 * 64, at + 4 * 64, 8);
	char words[160];
	snprintf(words, sizeof(words), "loop detected, loop length: 6; length from start to loop: 4; duplicate list entry: %llx",
		 (unsigned long long)(at + 4 * 64));
	run(ka_walk_chain(k, &c), got, words);
	tiny_put(t, at + 9 * 64, 0x7f0000001000, 8);
	CHECK_INT(run(ka_walk_chain(k, &c), got, "invalid list entry: 7f0000001000"), 11);
	c.start = 0x1000;
	CHECK_INT(run(ka_walk_chain(k, &c), got, "invalid list entry: 1000"), 0);
}

static void check_rare_lists(struct tiny *t, enum shape shape)
{
	struct ka_kernel *k = t->k;
	ka_addr head = tiny_alloc(t, 64, 64), at = make_chain(t, 5, 0), got[MAX];
	unsigned to_link = shape == V2_6_32 ? 24 : 24, to_head = shape == V2_6_32 ? 16 : 0;

	tiny_put(t, head, at, 8);
	CHECK_INT(run(ka_walk_llist(k, head, 8), got, NULL), 5);
	CHECK_INT(got[0], at - 8);
	tiny_put(t, head, at | 1, 8);			/* hlist_bl_head, locked */
	CHECK_INT(run(ka_walk_hlist(k, head, 0), got, NULL), 5);
	CHECK_INT(run(ka_walk_llist(k, head, 0), got, "points to"), 0);
	tiny_put(t, head, 77 << 1 | 1, 8);		/* hlist_nulls_head, empty */
	struct ka_walk w = ka_walk_hlist(k, head, 0);
	ka_addr next;
	CHECK(!ka_walk_next(&w, &next));
	CHECK_INT(w.end, 77 << 1 | 1);
	CHECK(!ka_walk_end(&w));
	/* plist: the nodes' list, whatever their priorities */
	tiny_put(t, head + to_head, at, 8);
	tiny_put(t, at + 4 * 64, head + to_head, 8);
	CHECK_INT(run(ka_walk_plist(k, head, 0), got, NULL), 5);
	CHECK_INT(got[1], at + 64 - to_link);
	/* klist: one of them is dead */
	tiny_put(t, head + 8, at, 8);
	tiny_put(t, at + 4 * 64, head + 8, 8);
	tiny_put(t, at + 2 * 64 - 8, head | 1, 8);
	CHECK_INT(run(ka_walk_klist(k, head, 16), got, NULL), 4);
	CHECK_INT(got[2], at + 3 * 64 - 8 - 16);
}

static void check_bits(struct tiny *t)
{
	ka_addr at = tiny_alloc(t, 64, 64), got[MAX];

	tiny_put(t, at, 0x8000000000000001, 8);
	tiny_put(t, at + 16, 6, 8);
	CHECK_INT(run(ka_walk_bits(t->k, at, 512), got, NULL), 4);
	CHECK_INT(got[1], 63);
	CHECK_INT(got[2], 129);
	CHECK_INT(run(ka_walk_bits(t->k, at, 130), got, NULL), 3);
	CHECK_INT(run(ka_walk_bits(t->k, at, 0), got, NULL), 0);
	CHECK_INT(run(ka_walk_bits(t->k, 0x1000, 10), got, "0x1000"), 0);
}

static void check_idr(struct tiny *t, enum shape shape)
{
	struct ka_kernel *k = t->k;
	ka_addr idr = tiny_alloc(t, 32, 8), top = tiny_alloc(t, 576, 64), low = tiny_alloc(t, 576, 64), item = tiny_alloc(t, 256, 64), got[MAX];
	unsigned slots = shape == V2_6_32 ? 8 : 16, mark = shape == TODAY ? 2 : shape == V4_14 ? 1 : 0, base = shape == TODAY ? 1 : 0;
	struct ka_walk w;
	ka_addr at;

	CHECK_INT(run(ka_walk_idr(k, idr), got, NULL), 0);
	if (shape == V2_6_32) {
		tiny_put(t, idr, top, 8);
		tiny_put(t, idr + 16, 2, 4);
		tiny_put(t, top + 8 + 512 + 4, 1, 4);	/* layer */
	} else {
		tiny_put(t, idr + 8, top | mark, 8);
		tiny_put(t, idr + 20, base, 4);
		tiny_put(t, top, 6, 1);			/* shift */
	}
	tiny_put(t, top + slots + 3 * 8, low | mark, 8);
	tiny_put(t, low + slots, item, 8);
	tiny_put(t, low + slots + 63 * 8, item + 64, 8);
	w = ka_walk_idr(k, idr);
	CHECK(ka_walk_next(&w, &at) && at == item);
	CHECK_INT(ka_walk_place(&w)->first, 3 * 64 + base);
	CHECK(ka_walk_next(&w, &at) && at == item + 64);
	CHECK_INT(ka_walk_place(&w)->first, 3 * 64 + 63 + base);
	CHECK(!ka_walk_next(&w, &at));
	CHECK(!ka_walk_end(&w));
	tiny_put(t, top + slots + 9 * 8, 0x7f0000001000 | mark, 8);
	CHECK_INT(run(ka_walk_idr(k, idr), got, "0x7f0000001000"), 2);
	tiny_put(t, top + slots + 9 * 8, top | mark, 8);
	CHECK_INT(run(ka_walk_idr(k, idr), got, "comes back to"), 2);
	CHECK_INT(run(ka_walk_idr(k, 0x1000), got, "0x1000"), 0);
	if (shape != V2_6_32)
		return;
	tiny_put(t, top + slots + 9 * 8, 0, 8);
	tiny_put(t, low + 8 + 512 + 4, 5, 4);
	CHECK_INT(run(ka_walk_idr(k, idr), got, "says it is number 5"), 0);
	tiny_put(t, top + 8 + 512 + 4, 500, 4);
	CHECK_INT(run(ka_walk_idr(k, idr), got, "would have 501 layers"), 0);
}

CHECK_MAIN
{
	for (enum shape shape = TODAY; shape <= V2_6_32; shape++) {
		struct btf_build b = btf_build_begin(false);
		struct tiny_options o = {0};
		struct tiny t;

		o.btf = make_types(&b, shape, &o.btf_size);
		tiny_open(&t, &o);
		if (shape == TODAY) {
			check_chains(&t);
			check_bits(&t);
		}
		check_rare_lists(&t, shape);
		check_idr(&t, shape);
		tiny_close(&t);
		btf_build_free(&b);
	}
}
