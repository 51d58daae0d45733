/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Views over layouts made up in BTF, in both byte orders: what is written by name is read by name, and what binds to what. */
#include "btf_build.h"
#include "check.h"
#include "tiny.h"

enum { KIND_PTR = 2, KIND_STRUCT = 4, KIND_UNION = 5, KIND_ENUM = 6 };
enum { INT_SIGNED = 1, INT_CHAR = 2 };

/* With a kind_flag, a member's offset has the width of the bitfield on top. */
#define BITS(width, offset) ((uint32_t)(width) << 24 | (offset))
#define AT(bytes) ((uint32_t)(bytes) * 8)

/*
 * struct thing { s32 pid; u16 flags; s8 small; u8 byte; u64 big; char comm[16]; @32 a:3 b:7 signed s:5 wide:40;
 *   @40 union { u64 first; struct { u32 lo, hi; }; }; @48 struct list_head tasks; @64 struct mem mem[3];
 *   @112 u64 mounts; @5000 u64 far; };
 */
static const uint8_t *make_types(struct btf_build *b, size_t *ret_size)
{
	uint32_t s32 = btf_add_int(b, "int", 4, INT_SIGNED, 0, 32), u16 = btf_add_int(b, "short unsigned int", 2, 0, 0, 16);
	uint32_t s8 = btf_add_int(b, "signed char", 1, INT_SIGNED, 0, 8), u8 = btf_add_int(b, "unsigned char", 1, 0, 0, 8);
	uint32_t u64 = btf_add_int(b, "long unsigned int", 8, 0, 0, 64), u32 = btf_add_int(b, "unsigned int", 4, 0, 0, 32);
	uint32_t ch = btf_add_int(b, "char", 1, INT_CHAR, 0, 8), comm = btf_add_array(b, ch, 16);
	uint32_t pointer = btf_add(b, KIND_PTR, NULL, 0, false, 0);

	uint32_t list = btf_add(b, KIND_STRUCT, "list_head", 2, false, 16);
	btf_put_member(b, "next", pointer, AT(0));
	btf_put_member(b, "prev", pointer, AT(8));
	uint32_t mem = btf_add(b, KIND_STRUCT, "mem", 2, false, 16);
	btf_put_member(b, "base", pointer, AT(0));
	btf_put_member(b, "size", u32, AT(8));
	uint32_t mems = btf_add_array(b, mem, 3);
	btf_add(b, KIND_ENUM, "mod_mem_type", 2, false, 4);
	btf_put_enumerator(b, "MOD_TEXT", 1);
	btf_put_enumerator(b, "MOD_DATA", 2);
	uint32_t halves = btf_add(b, KIND_STRUCT, NULL, 2, false, 8);
	btf_put_member(b, "lo", u32, AT(0));
	btf_put_member(b, "hi", u32, AT(4));
	uint32_t both = btf_add(b, KIND_UNION, NULL, 2, false, 8);
	btf_put_member(b, "first", u64, AT(0));
	btf_put_member(b, NULL, halves, AT(0));
	btf_add(b, KIND_STRUCT, "thing", 15, true, 6000);
	btf_put_member(b, "pid", s32, AT(0));
	btf_put_member(b, "flags", u16, AT(4));
	btf_put_member(b, "small", s8, AT(6));
	btf_put_member(b, "byte", u8, AT(7));
	btf_put_member(b, "big", u64, AT(8));
	btf_put_member(b, "comm", comm, AT(16));
	btf_put_member(b, "a", u32, BITS(3, AT(32)));
	btf_put_member(b, "b", u32, BITS(7, AT(32) + 3));
	btf_put_member(b, "s", s32, BITS(5, AT(32) + 10));
	btf_put_member(b, "wide", u64, BITS(40, AT(32) + 17));
	btf_put_member(b, NULL, both, AT(40));
	btf_put_member(b, "tasks", list, AT(48));
	btf_put_member(b, "mem", mems, AT(64));
	btf_put_member(b, "mounts", u64, AT(112));
	btf_put_member(b, "far", u64, AT(5000));
	btf_add(b, KIND_STRUCT, "empty", 0, false, 0);
	return btf_build_end(b, NULL, 0, ret_size);
}

struct all {
	int32_t pid;
	int64_t pid_wide;
	uint32_t flags;
	int64_t small;
	uint8_t byte;
	uint32_t big_cut;
	uint64_t big;
	char comm[8], comm_long[32];
	uint32_t a, b;
	int32_t s;
	uint64_t wide;
	uint64_t first;
	uint32_t hi;
	ka_addr tasks_at, base, third;
	uint64_t tasks_size, comm_size;
	uint64_t far, absent;
};
KA_VIEW(all, ("no_such_thing", "thing"),
	KA_FROM(all, pid, "tgid", "pid", "big"),		/* the first there is */
	KA_FROM(all, pid_wide, "pid"),
	KA_FROM(all, flags, "flags"),
	KA_FROM(all, small, "small"),
	KA_FROM(all, byte, "byte"),
	KA_FROM(all, big_cut, "big"),
	KA_FROM(all, big, "big"),
	KA_FROM(all, comm, "comm"),
	KA_FROM(all, comm_long, "comm"),
	KA_FROM(all, a, "a"),
	KA_FROM(all, b, "b"),
	KA_FROM(all, s, "s"),
	KA_FROM(all, wide, "wide"),
	KA_FROM(all, first, "first"),
	KA_FROM(all, hi, "hi"),
	KA_AT(all, tasks_at, "tasks"),
	KA_FROM(all, base, "mem[MOD_TEXT].base"),
	KA_FROM(all, third, "mem[2].size"),
	KA_SIZE(all, tasks_size, "tasks"),
	KA_SIZE(all, comm_size, "comm"),
	KA_FROM(all, far, "far"),
	KA_MAYBE(all, absent, "gone", "pid.x", "mem[MOD_NONE].base", "mem[3].base", "tasks@hlist_head.next"));

/* Fields apart: two reads with a hole between. */
struct gap { int32_t pid; uint64_t far; };
KA_VIEW(gap, ("thing"), KA_FROM(gap, pid, "pid"), KA_FROM(gap, far, "far"));

struct guard { ka_addr next; uint64_t mounts; };
KA_VIEW(guard, ("thing"), KA_FROM(guard, next, "tasks@list_head.next"), KA_MAYBE(guard, mounts, "mounts.rb_node", "mounts"));

struct lacks_member { int32_t pid, nr; };
KA_VIEW(lacks_member, ("thing"), KA_FROM(lacks_member, pid, "pid"), KA_FROM(lacks_member, nr, "nr", "number"));
struct lacks_type { int32_t pid; };
KA_VIEW(lacks_type, ("task_struct"), KA_FROM(lacks_type, pid, "pid"));
struct too_large { uint64_t tasks; };
KA_VIEW(too_large, ("thing"), KA_FROM(too_large, tasks, "tasks"));
struct nothing { ka_addr self; uint64_t none; };
KA_VIEW(nothing, ("thing"), KA_AT(nothing, self, "pid"), KA_MAYBE(nothing, none, "none"));

static void check_ok(struct ka_error *err)
{
	CHECK_STR(err ? err->message : "ok", "ok");
	ka_error_free(err);
}

static void check_words(struct ka_error *err, enum ka_error_code code, const char *words)
{
	CHECK(err);
	if (err) {
		CHECK_INT(err->code, code);
		if (!strstr(err->message, words))
			CHECK_STR(err->message, words);
	}
	ka_error_free(err);
}

static void check_fields(struct tiny *t)
{
	ka_addr at = tiny_alloc(t, 8192, 8);
	struct all is;

	tiny_put(t, at, 0xfffffff6, 4);			/* pid -10 */
	TINY_WRITE(t, all, at, .pid = -10, .pid_wide = -10, .flags = 0xbeef, .small = -3, .byte = 0xfd, .big_cut = 0x9abcdef0,
		   .big = 0x123456789abcdef0, .comm = "hello w", .comm_long = "hello world", .a = 5, .b = 0x55, .s = -7,
		   .wide = 0xa5a5a5a5a5, .first = 0x1122334455667788, .hi = t->k->is_big_endian ? 0x55667788 : 0x11223344,
		   .base = TINY_TEXT, .third = 77, .far = 0xfefefefe);
	check_ok(ka_view_read(t->k, &ka_view_all, at, &is));
	CHECK_INT(is.pid, -10);
	CHECK_INT(is.pid_wide, -10);		/* sign of the kernel's member */
	CHECK_INT(is.flags, 0xbeef);
	CHECK_INT(is.small, -3);
	CHECK_INT(is.byte, 0xfd);
	CHECK_INT(is.big, 0x123456789abcdef0);
	CHECK_INT(is.big_cut, 0x9abcdef0);
	CHECK_INT(memcmp(is.comm, "hello wo", 8), 0);	/* cut: not terminated */
	CHECK_STR(is.comm_long, "hello world");
	CHECK_INT(is.a, 5);
	CHECK_INT(is.b, 0x55);
	CHECK_INT(is.s, -7);
	CHECK_INT(is.wide, 0xa5a5a5a5a5);
	CHECK_INT(is.first, 0x1122334455667788);
	CHECK_INT(is.hi, t->k->is_big_endian ? 0x55667788 : 0x11223344);
	CHECK_INT(is.tasks_at, at + 48);
	CHECK_INT(is.base, TINY_TEXT);
	CHECK_INT(is.third, 77);
	CHECK_INT(is.tasks_size, 16);
	CHECK_INT(is.comm_size, 16);
	CHECK_INT(is.far, 0xfefefefe);
	CHECK_INT(is.absent, 0);
	/* bitfields, byte for byte: a and b and s of one word */
	static const uint8_t little[2] = { 0xad, 0x66 }, big[2] = { 0xb5, 0x72 };

	CHECK_INT(memcmp(t->memory + tiny_phys(at) + 32, t->k->is_big_endian ? big : little, 2), 0);

	struct { char comm[16]; } noise;
	struct guard g;

	memset(&noise, 0xff, sizeof(noise));
	tiny_put_bytes(t, at + 16, &noise, 16);
	check_ok(ka_view_read(t->k, &ka_view_all, at, &is));
	CHECK_INT((uint8_t)is.comm_long[15], 0xff);
	CHECK_INT(is.comm_long[16], 0);
	tiny_put(t, at + 112, 9, 8);
	tiny_put(t, at + 48, at + 48, 8);
	check_ok(ka_view_read(t->k, &ka_view_guard, at, &g));
	CHECK_INT(g.mounts, 9);
	CHECK_INT(g.next, at + 48);
}

static void check_binding(struct tiny *t)
{
	struct ka_kernel *k = t->k;
	struct lacks_member m;
	const char *type;

	check_ok(ka_view_bind(k, &ka_view_all));
	CHECK_INT(ka_view_size(k, &ka_view_all), 6000);
	CHECK_STR(ka_view_won(k, &ka_view_all, 0, &type), "pid");
	CHECK_STR(type, "thing");
	CHECK(!ka_view_won(k, &ka_view_all, KA_COUNT(ka_view_fields_all) - 1, NULL));
	CHECK(!ka_view_won(k, &ka_view_all, 1000, NULL));
	CHECK(KA_HAS(k, all, pid) && !KA_HAS(k, all, absent));
	CHECK_INT(KA_OFFSET(k, all, tasks_at), 48);
	CHECK_INT(KA_OFFSET(k, all, base), 80);
	CHECK_INT(KA_OFFSET(k, all, absent), 0);
	CHECK_STR(ka_view_won(k, &ka_view_guard, 1, NULL), "mounts");
	check_words(ka_view_bind(k, &ka_view_lacks_member), KA_MISSING, "thing");
	check_words(ka_view_read(k, &ka_view_lacks_member, TINY_DATA, &m), KA_MISSING, "nr");
	CHECK(!ka_view_won(k, &ka_view_lacks_member, 0, NULL));
	CHECK_INT(ka_view_size(k, &ka_view_lacks_member), 0);
	check_words(ka_view_bind(k, &ka_view_lacks_type), KA_MISSING, "task_struct");
	check_words(ka_view_bind(k, &ka_view_too_large), KA_UNSUPPORTED, "member tasks of thing is 16 bytes large");
}

/* What the view needs not is not read. */
static void check_gaps(struct tiny *t, uint64_t hole)
{
	ka_addr at = TINY_DIRECT + hole - 4096;		/* its second page is not there */
	struct nothing none;
	struct guard guard;
	struct gap g;
	struct all a;
	struct ka_error *err;
	uint8_t bytes[128] = { 0 };

	at += 8;	/* far at 5008 of the two pages */
	err = ka_view_read(t->k, &ka_view_gap, at, &g);
	check_words(err, KA_EXCLUDED, "cannot read thing at 0x");
	err = ka_view_read(t->k, &ka_view_gap, at, &g);
	CHECK_INT(err->addr, at + 5000);
	CHECK_INT(err->space, KA_SPACE_VIRT);
	ka_error_free(err);
	/* what there is of it, and what lacks */
	struct ka_error *gap;
	tiny_put(t, at, 43, 4);
	check_ok(ka_view_read_partly(t->k, &ka_view_gap, at, &g, &gap));
	CHECK_INT(g.pid, 43);
	CHECK_INT(g.far, 0);
	err = ka_kernel_loss(t->k);
	CHECK(err != NULL);
	ka_error_free(err);
	check_words(gap, KA_EXCLUDED, "cannot read thing at 0x");
	check_ok(ka_view_read_partly(t->k, &ka_view_all, at - 24, &a, &gap));	/* in the midst of a span */
	CHECK(gap != NULL);
	ka_error_free(gap);
	check_words(ka_view_read_partly(t->k, &ka_view_guard, at - 8 + 4096, &guard, &gap), KA_EXCLUDED, "cannot read thing at 0x");
	check_ok(ka_view_read(t->k, &ka_view_guard, at, &guard));
	check_words(ka_view_read(t->k, &ka_view_all, at, &a), KA_EXCLUDED, "thing");
	/* a page between two fields may be missing */
	at = TINY_DIRECT + hole - 100;
	tiny_put(t, at, 42, 4);
	tiny_put(t, at + 5000, 4711, 8);
	check_ok(ka_view_read(t->k, &ka_view_gap, at, &g));
	CHECK_INT(g.pid, 42);
	CHECK_INT(g.far, 4711);
	/* nothing to read at all */
	check_ok(ka_view_read(t->k, &ka_view_nothing, 0xdead, &none));
	CHECK_INT(none.self, 0xdead);
	check_words(ka_view_read(t->k, &ka_view_gap, 0x10, &g), KA_UNMAPPED, "cannot read thing at 0x10");
	check_words(ka_view_read(t->k, &ka_view_gap, UINT64_MAX - 2, &g), KA_UNMAPPED, "cannot read thing");

	/* from bytes that were read before */
	tiny_put(t, TINY_DATA + 112, 5, 8);
	check_ok(ka_read(t->k, TINY_DATA, bytes, sizeof(bytes)));
	check_ok(ka_view_parse(t->k, &ka_view_guard, TINY_DATA, bytes, sizeof(bytes), &guard));
	CHECK_INT(guard.mounts, 5);
	check_words(ka_view_parse(t->k, &ka_view_guard, TINY_DATA, bytes, 119, &guard), KA_CORRUPT, "needs 120 bytes, there are 119");
}

static void check(bool is_big_endian)
{
	static const struct tiny_hole holes[] = { { 0x600000, 0x601000, true } };
	struct btf_build b = btf_build_begin(is_big_endian);
	struct tiny_options o = { .holes = holes, .hole_count = 1, .is_big_endian = is_big_endian };
	struct tiny t;

	o.btf = make_types(&b, &o.btf_size);
	tiny_open(&t, &o);
	check_binding(&t);
	check_fields(&t);
	check_gaps(&t, holes[0].start);
	tiny_close(&t);
	btf_build_free(&b);
}

CHECK_MAIN
{
	check(false);
	check(true);
}
