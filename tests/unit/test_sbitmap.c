/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sbitmaps and their queues, made up in the layouts of real kernels: whole ones, broken ones. */
#include <kanalyze/sbitmap.h>
#include <kanalyze/view.h>
#include "check.h"
#include "tiny.h"

static uint64_t offset(struct tiny *t, const char *type, const char *path)
{
	uint64_t o = 0;

	CHECK(!ka_type_offset(t->k, type, path, &o));
	return o;
}

static void put(struct tiny *t, ka_addr at, const char *type, const char *path, uint64_t value, unsigned size)
{
	tiny_put(t, at + offset(t, type, path), value, size);
}

/* depth bits, 32 a word */
static ka_addr make_queue(struct tiny *t, uint32_t depth, ka_addr *ret_map, uint64_t *ret_word_size)
{
	ka_addr q = tiny_alloc(t, 256, 64), ws, map;
	uint64_t wait_size = 0;

	CHECK(!ka_type_size(t->k, "sbitmap_word", ret_word_size));
	CHECK(!ka_type_size(t->k, "sbq_wait_state", &wait_size));
	map = tiny_alloc(t, *ret_word_size * 8, 64);
	ws = tiny_alloc(t, wait_size * 8, 64);
	put(t, q, "sbitmap_queue", "sb.depth", depth, 4);
	put(t, q, "sbitmap_queue", "sb.shift", 5, 4);
	put(t, q, "sbitmap_queue", "sb.map_nr", (depth + 31) / 32, 4);
	put(t, q, "sbitmap_queue", "sb.map", map, 8);
	put(t, q, "sbitmap_queue", "ws", ws, 8);
	put(t, q, "sbitmap_queue", "wake_batch", 8, 4);
	put(t, q, "sbitmap_queue", "wake_index.counter", 3, 4);
	for (unsigned i = 0; i < 8; i++) {
		ka_addr head = ws + i * wait_size + offset(t, "sbq_wait_state", "wait.head");

		tiny_put(t, head, i == 5 ? head + 0x100 : head, 8);
		tiny_put(t, head + 8, i == 5 ? head + 0x100 : head, 8);	/* one waiter: next and prev are equal all the same */
	}
	*ret_map = map;
	return q;
}

static void check_queue(const char *release, bool has_count)
{
	struct tiny_options o = {0};
	struct tiny t;
	uint8_t *btf = tiny_btf_load(release, &o.btf_size);
	struct ka_sbitmap_queue q;
	struct ka_sbitmap_wait wait;
	struct ka_error *err;
	uint64_t word_size = 0, got[16], word, cleared;
	unsigned n = 0, bits;
	ka_addr at, map;

	if (!btf) {
		fprintf(stderr, "testdata/types has no %s\n", release);
		exit(77);
	}
	o.btf = btf;
	tiny_open(&t, &o);
	at = make_queue(&t, 70, &map, &word_size);
	put(&t, map, "sbitmap_word", "word", 0x80000003, 8);
	put(&t, map, "sbitmap_word", "cleared", 0x2, 8);
	put(&t, map + word_size * 2, "sbitmap_word", "word", 0xffffffffff, 8);	/* of these only 6 bits count */
	CHECK(!ka_sbitmap_queue_read(t.k, at, &q));
	CHECK_INT(q.sb.depth, 70);
	CHECK_INT(q.sb.word_count, 3);
	CHECK_INT(q.wake_index, 3);
	CHECK(q.sb.has_cleared);
	CHECK(!ka_sbitmap_word(t.k, &q.sb, 2, &word, &cleared, &bits));
	CHECK_INT(bits, 6);
	CHECK_INT(word, 0x3f);
	struct ka_walk w = ka_walk_sbitmap(t.k, &q.sb);
	while (n < 16 && ka_walk_next(&w, &got[n]))
		n++;
	CHECK(!ka_walk_end(&w));
	CHECK_INT(n, 8);
	CHECK_INT(got[0], 0);
	CHECK_INT(got[1], 31);
	CHECK_INT(got[2], 64);
	CHECK_INT(got[7], 69);
	for (unsigned i = 0; i < 8; i++) {
		CHECK(!ka_sbitmap_wait_read(t.k, &q, i, &wait));
		CHECK(wait.is_active == (i == 5));
		CHECK(wait.has_count == has_count);
	}
	/* numbers that contradict each other, and a map that is nowhere */
	put(&t, at, "sbitmap_queue", "sb.map_nr", 4, 4);
	err = ka_sbitmap_queue_read(t.k, at, &q);
	CHECK(err && strstr(err->message, "no sbitmap is at"));
	ka_error_free(err);
	put(&t, at, "sbitmap_queue", "sb.map_nr", 3, 4);
	put(&t, at, "sbitmap_queue", "sb.shift", 200, 4);
	err = ka_sbitmap_queue_read(t.k, at, &q);
	CHECK(err && err->code == KA_CORRUPT);
	ka_error_free(err);
	put(&t, at, "sbitmap_queue", "sb.shift", 5, 4);
	put(&t, at, "sbitmap_queue", "sb.map", 0, 8);
	CHECK(!ka_sbitmap_queue_read(t.k, at, &q));
	w = ka_walk_sbitmap(t.k, &q.sb);
	CHECK(!ka_walk_next(&w, &at));
	err = ka_walk_end(&w);
	CHECK(err && strstr(err->message, "3 parts could not be followed; the first: word 0 of the sbitmap"));
	ka_error_free(err);
	tiny_close(&t);
	free(btf);
}

CHECK_MAIN
{
	check_queue("5.10.0-43-cloud-amd64", true);
	check_queue("6.12.95+deb12-cloud-amd64", false);
}
