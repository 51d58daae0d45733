/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reading virtual memory: across pages, up to holes, through page tables; errors tell the first byte that is not there. */
#include <pthread.h>
#include "check.h"
#include "tiny.h"

#define VMALLOC 0xffffc90000000000ull
#define EXCLUDED 0x2800000ull		/* physical pages that are not in the dump */
#define NOWHERE 0x2a00000ull

static const struct tiny_hole holes[] = { { EXCLUDED, EXCLUDED + 0x2000, true }, { NOWHERE, NOWHERE + 0x1000, false } };

static void check_ok(struct ka_error *err)
{
	CHECK_STR(err ? err->message : "ok", "ok");
	ka_error_free(err);
}

static void check_error(struct ka_error *err, enum ka_error_code code, uint64_t addr)
{
	CHECK(err);
	if (err) {
		CHECK_INT(err->code, code);
		CHECK_INT(err->space, KA_SPACE_VIRT);
		CHECK_INT(err->addr, addr);
	}
	ka_error_free(err);
}

static void check_reads(struct tiny *t)
{
	struct ka_kernel *k = t->k;
	uint64_t good = EXCLUDED - 0x1000, v64;
	uint8_t bytes[0x3000], want[0x3000];
	struct ka_error *err;
	uint32_t v32;
	uint16_t v16;
	uint8_t v8;
	ka_phys phys;

	for (size_t i = 0; i < sizeof(want); i++)
		want[i] = (uint8_t)(i * 7 + i / 256);
	/* three pages of vmalloc, in no order, in physical memory */
	ka_addr a = tiny_alloc(t, 0x4000, 4096);
	tiny_map(t, VMALLOC, tiny_phys(a) + 0x2000, 4096);
	tiny_map(t, VMALLOC + 0x1000, tiny_phys(a), 4096);
	tiny_map(t, VMALLOC + 0x2000, tiny_phys(a) + 0x1000, 4096);
	tiny_map(t, VMALLOC + 0x4000, EXCLUDED, 4096);
	tiny_map(t, VMALLOC + 0x5000, NOWHERE, 4096);
	tiny_map(t, VMALLOC + (2 << 20), tiny_phys(a) & ~((2ull << 20) - 1), 2 << 20);
	tiny_put_bytes(t, VMALLOC, want, sizeof(want));
	check_ok(ka_read(k, VMALLOC, bytes, sizeof(bytes)));
	CHECK(!memcmp(bytes, want, sizeof(bytes)));
	check_ok(ka_read(k, VMALLOC + 0xff9, bytes, 0x100f));
	CHECK(!memcmp(bytes, want + 0xff9, 0x100f));
	check_ok(ka_read(k, VMALLOC + (2 << 20) + (tiny_phys(a) & 0x1fffff), bytes, 0x1000));
	CHECK(!memcmp(bytes, want + 0x1000, 0x1000));
	check_ok(ka_read(k, VMALLOC, bytes, 0));
	check_ok(ka_translate(k, VMALLOC + 0x1234, &phys));
	CHECK_INT(phys.v, tiny_phys(a) + 0x234);
	check_ok(ka_translate(k, VMALLOC + 0x1234, &phys));	/* remembered */
	CHECK_INT(phys.v, tiny_phys(a) + 0x234);
	check_ok(ka_read_phys(k, phys, bytes, 8));
	CHECK(!memcmp(bytes, want + 0x1234, 8));

	/* integers, also across a page */
	memcpy(&v64, want + 0xffd, 8);
	uint64_t is;
	check_ok(ka_read_u64(k, VMALLOC + 0xffd, &is));
	CHECK_INT(is, v64);
	check_ok(ka_read_ulong(k, VMALLOC + 0xffd, &is));
	CHECK_INT(is, v64);
	check_ok(ka_read_u32(k, VMALLOC + 0xffd, &v32));
	CHECK_INT(v32, (uint32_t)v64);
	check_ok(ka_read_u16(k, VMALLOC + 0xfff, &v16));
	CHECK_INT(v16, want[0xfff] | want[0x1000] << 8);
	check_ok(ka_read_u8(k, VMALLOC + 1, &v8));
	CHECK_INT(v8, want[1]);

	/* the first bad byte: of the direct map, of page tables, in the middle of a long read */
	check_error(ka_read(k, TINY_DIRECT + EXCLUDED - 8, bytes, 16), KA_EXCLUDED, TINY_DIRECT + EXCLUDED);
	check_error(ka_read(k, TINY_DIRECT + EXCLUDED + 100, bytes, 16), KA_EXCLUDED, TINY_DIRECT + EXCLUDED + 100);
	check_error(ka_read(k, TINY_DIRECT + NOWHERE - 1, bytes, 2), KA_UNMAPPED, TINY_DIRECT + NOWHERE);
	check_error(ka_read(k, VMALLOC + 0x2ff0, bytes, 0x20), KA_UNMAPPED, VMALLOC + 0x3000);
	check_error(ka_read(k, VMALLOC + 0x4010, bytes, 1), KA_EXCLUDED, VMALLOC + 0x4010);
	check_error(ka_read(k, VMALLOC + 0x5010, bytes, 1), KA_UNMAPPED, VMALLOC + 0x5010);
	check_error(ka_read(k, TINY_DIRECT + TINY_MEMORY - 4, bytes, 8), KA_UNMAPPED, TINY_DIRECT + TINY_MEMORY);
	check_error(ka_read(k, 0, bytes, 8), KA_UNMAPPED, 0);
	check_error(ka_read(k, 0xdead000000000100, bytes, 8), KA_UNMAPPED, 0xdead000000000100);
	check_error(ka_read(k, UINT64_MAX - 3, bytes, 8), KA_UNMAPPED, UINT64_MAX - 3);
	check_error(ka_read_u64(k, VMALLOC + 0x2ffc, &is), KA_UNMAPPED, VMALLOC + 0x3000);
	check_error(ka_translate(k, VMALLOC + 0x3123, &phys), KA_UNMAPPED, VMALLOC + 0x3123);

	/* what there is from the start */
	tiny_put_bytes(t, TINY_DIRECT + good, want, 0x1000);
	CHECK_INT(ka_read_some(k, TINY_DIRECT + good + 0x800, bytes, 0x2000, &err), 0x800);
	CHECK(!memcmp(bytes, want + 0x800, 0x800));
	check_error(err, KA_EXCLUDED, TINY_DIRECT + EXCLUDED);
	CHECK_INT(ka_read_some(k, TINY_DIRECT + good, bytes, 0x1000, &err), 0x1000);
	check_ok(err);
	CHECK_INT(ka_read_some(k, TINY_DIRECT + EXCLUDED, bytes, 8, NULL), 0);
	CHECK_INT(ka_read_some(k, VMALLOC + 8, bytes, sizeof(bytes), NULL), 0x2ff8);
	CHECK_INT(ka_read_some(k, VMALLOC, bytes, 0, &err), 0);
	check_ok(err);
}

static void check_strings(struct tiny *t)
{
	struct ka_kernel *k = t->k;
	ka_addr end = TINY_DIRECT + EXCLUDED;
	char s[256], small[6];

	tiny_put_bytes(t, end - 6, "hello", 6);
	check_ok(ka_read_cstr(k, end - 6, s, sizeof(s)));
	CHECK_STR(s, "hello");
	/* runs into the hole: what there is */
	tiny_put_bytes(t, end - 70, "0123456789012345678901234567890123456789012345678901234567890123456789", 70);
	check_ok(ka_read_cstr(k, end - 70, s, sizeof(s)));
	CHECK(!strncmp(s, "0123456", 6));
	check_ok(ka_read_cstr(k, end - 3, s, sizeof(s)));
	CHECK_STR(s, "789");
	check_ok(ka_read_cstr(k, end - 70, small, sizeof(small)));
	CHECK_STR(small, "01234");
	check_ok(ka_read_cstr(k, end - 70, small, 1));
	CHECK_STR(small, "");
	check_error(ka_read_cstr(k, end, s, sizeof(s)), KA_EXCLUDED, end);
	check_error(ka_read_cstr(k, 8, s, sizeof(s)), KA_UNMAPPED, 8);
	CHECK_STR(s, "");
}

static void check_uints(struct tiny *t)
{
	static const uint8_t bytes[8] = { 1, 2, 3, 4, 5, 6, 7, 0x88 };

	CHECK_INT(ka_uint_from(t->k, bytes, 8), 0x8807060504030201);
	CHECK_INT(ka_uint_from(t->k, bytes, 3), 0x030201);
	t->k->is_big_endian = true;
	CHECK_INT(ka_uint_from(t->k, bytes, 8), 0x0102030405060788);
	CHECK_INT(ka_uint_from(t->k, bytes, 2), 0x0102);
	CHECK_INT(ka_uint_from(t->k, bytes, 1), 1);
	t->k->is_big_endian = false;
	CHECK_INT(ka_page_size(t->k), 4096);
	CHECK_INT(ka_page_shift(t->k), 12);
	CHECK_INT(ka_long_size(t->k), 8);
	CHECK(ka_is_kernel_addr(t->k, TINY_DIRECT) && !ka_is_kernel_addr(t->k, 0x400000));
}

/* Translation through the tables of another address space: a top table of its own, at an address. */
static void check_other_tables(struct tiny *t)
{
	ka_addr pgd = tiny_alloc(t, 0x2000, 4096);
	struct ka_pt_walk walk;
	uint64_t size;
	ka_phys phys;

	tiny_put(t, pgd, (tiny_phys(pgd) + 0x1000) | 0x67, 8);
	tiny_put(t, pgd + 0x1000, 0x40000000 | 0xe7, 8);
	check_ok(ka_translate_in(t->k, pgd, 0x1234567, &phys, &size));
	CHECK_INT(phys.v, 0x41234567);
	CHECK_INT(size, 1 << 30);
	check_ok(ka_translate_walk(t->k, pgd, 0x1234567, &walk));
	CHECK_INT(walk.levels, 2);
	CHECK_STR(walk.level[1].name, "PUD");
	CHECK_INT(walk.level[1].at, tiny_phys(pgd) + 0x1000);
	check_ok(ka_translate_walk(t->k, 0, VMALLOC, &walk));
	CHECK_INT(walk.levels, 4);
	check_error(ka_translate_in(t->k, pgd, 0x7f0000000000, &phys, &size), KA_UNMAPPED, 0x7f0000000000);
	check_error(ka_translate_in(t->k, 0x1000, 0x1234567, &phys, &size), KA_UNMAPPED, 0x1000);
}

#define THREADS 4

static void *hammer(void *arg)
{
	struct tiny *t = arg;
	unsigned bad = 0;

	for (uint64_t i = 0; i < 20000; i++) {
		ka_addr at = VMALLOC + (i * 2654435761u) % 0x2ff8;
		uint8_t direct[8], bytes[8];
		ka_phys phys;

		if (ka_error_drop(ka_read(t->k, at, bytes, 1)) || ka_error_drop(ka_translate(t->k, at, &phys)) ||
		    ka_error_drop(ka_read_phys(t->k, phys, direct, 1)) || bytes[0] != direct[0])
			bad++;
	}
	return (void *)(uintptr_t)bad;
}

static void check_threads(struct tiny *t)
{
	pthread_t threads[THREADS];

	for (size_t i = 0; i < THREADS; i++)
		CHECK(!pthread_create(&threads[i], NULL, hammer, t));
	for (size_t i = 0; i < THREADS; i++) {
		void *bad;

		pthread_join(threads[i], &bad);
		CHECK(!bad);
	}
}

CHECK_MAIN
{
	struct tiny_options o = { .holes = holes, .hole_count = KA_COUNT(holes) };
	struct tiny t;

	tiny_open(&t, &o);
	check_reads(&t);
	check_strings(&t);
	check_uints(&t);
	check_other_tables(&t);
	check_threads(&t);
	tiny_close(&t);
}
