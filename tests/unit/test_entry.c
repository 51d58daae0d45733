/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Entries of page tables that map nothing, as kernels of several ages and configurations pack them. The numbers of the
 * kinds follow from how many swap devices there can be: the size of swap_info, here as large as those kernels have it.
 */
#include <kanalyze/entry.h>
#include <kanalyze/view.h>
#include "check.h"
#include "tiny.h"

#define SWAP_INFO TINY_DATA
#define NR (TINY_DATA + 0x1000)

/* x86_64 since v4.18: the number on top, the offset inverted behind it. */
static uint64_t x86(unsigned type, uint64_t offset)
{
	return (uint64_t)type << 59 | (~offset << 14 >> 5);
}

/* aarch64 since v6.11 */
static uint64_t arm(unsigned type, uint64_t offset)
{
	return (uint64_t)type << 6 | offset << 12;
}

struct want {
	unsigned type;
	uint64_t offset;
	enum ka_entry_kind kind;
	const char *where;
};

static void put(struct tiny *t, ka_addr at, const char *path, uint64_t value, unsigned size)
{
	uint64_t offset = 0;

	CHECK(!ka_type_offset(t->k, "swap_info_struct", path, &offset));
	tiny_put(t, at + offset, value, size);
}

static void check_kernel(const char *release, unsigned devices, const char *vmcoreinfo, const struct want *want)
{
	const struct tiny_symbol symbols[] = {
		{ "swap_info", SWAP_INFO, devices * 8, 'D' }, { "nr_swapfiles", NR, 4, 'D' },
		{ "l1tf_mitigation", NR + 8, 4, 'D' }, { NULL, 0, 0, 0 },
	};
	bool is_arm = strstr(release, "arm64");
	struct tiny_options o = { .symbols = symbols, .vmcoreinfo = vmcoreinfo, .is_aarch64 = is_arm };
	uint8_t *btf = tiny_btf_load(release, &o.btf_size);
	struct ka_arena *a = ka_arena_new();
	struct ka_entry e;
	struct tiny t;

	if (!btf) {
		fprintf(stderr, "testdata/types has no %s\n", release);
		exit(77);
	}
	o.btf = btf;
	tiny_open(&t, &o);
	ka_addr swap = tiny_alloc(&t, 4096, 64);
	tiny_put(&t, SWAP_INFO, swap, 8);
	tiny_put(&t, NR, 1, 4);
	put(&t, swap, "flags", 1, 8);
	put(&t, swap, "pages", 1000, 4);
	for (; want->kind; want++) {
		ka_entry_decode(t.k, is_arm ? arm(want->type, want->offset) : x86(want->type, want->offset), 4096, a, &e);
		if (e.kind != want->kind)
			fprintf(stderr, "%s, %u devices: number %u\n", release, devices, want->type);
		CHECK_INT(e.kind, want->kind);
		if (want->where)
			CHECK_STR(ka_entry_where(a, &e), want->where);
		if (e.kind != KA_ENTRY_OTHER)
			CHECK_INT(e.type, want->type);
	}
	/* nothing, and pages: the last bits say so */
	ka_entry_decode(t.k, 0, 4096, a, &e);
	CHECK_INT(e.kind, KA_ENTRY_NONE);
	CHECK(!ka_entry_where(a, &e));
	ka_entry_decode(t.k, is_arm ? 0x60000001234f83ull : 0x8000000001234067, 4096, a, &e);
	CHECK_INT(e.kind, KA_ENTRY_PAGE);
	CHECK_INT(e.phys, 0x1234000);
	tiny_close(&t);
	ka_arena_free(a);
	free(btf);
}

#define SWAPPED { 0, 77, KA_ENTRY_SWAP, "swapped out to a swap device, page 77 there" }, \
		{ 0, 5000, KA_ENTRY_OTHER, NULL }	/* behind the end of the device */, \
		{ 1, 5, KA_ENTRY_OTHER, NULL }		/* no such device */
#define FROM_1234 "on its way from physical 0x1234000 to another page (migration)"

CHECK_MAIN
{
	/* reading and writing migrations alone */
	check_kernel("5.10.0-43-cloud-amd64", 30, NULL, (const struct want[]){
		SWAPPED, { 29, 5, KA_ENTRY_OTHER, NULL },
		{ 30, 0x1234, KA_ENTRY_MIGRATION, FROM_1234 }, { 31, 0x1234, KA_ENTRY_MIGRATION, FROM_1234 }, { 0, 0, KA_ENTRY_NONE, NULL },
	});
	/* device memory without markers, in two and in four kinds */
	check_kernel("5.10.0-43-cloud-amd64", 28, NULL, (const struct want[]){
		SWAPPED, { 28, 0x1234, KA_ENTRY_MIGRATION, FROM_1234 }, { 29, 0x1234, KA_ENTRY_MIGRATION, FROM_1234 },
		{ 30, 0x1234, KA_ENTRY_DEVICE, "in the memory of a device, at physical 0x1234000" }, { 31, 1, KA_ENTRY_DEVICE, NULL },
		{ 0, 0, KA_ENTRY_NONE, NULL },
	});
	check_kernel("5.10.0-43-cloud-amd64", 26, NULL, (const struct want[]){
		SWAPPED, { 27, 1, KA_ENTRY_MIGRATION, NULL }, { 28, 1, KA_ENTRY_DEVICE, NULL }, { 31, 1, KA_ENTRY_DEVICE, NULL },
		{ 0, 0, KA_ENTRY_NONE, NULL },
	});
	/* migrations of exclusive pages, a marker, and a number for what swap lost; flags above the page frame */
	check_kernel("6.1.0-50-cloud-amd64", 27, "NUMBER(MAX_PHYSMEM_BITS)=46\n", (const struct want[]){
		SWAPPED, { 27, 0x1234, KA_ENTRY_MIGRATION, FROM_1234 }, { 28, 0x1234 | 3ull << 34, KA_ENTRY_MIGRATION, FROM_1234 },
		{ 29, 0x1234, KA_ENTRY_MIGRATION, FROM_1234 },
		{ 30, 1, KA_ENTRY_MARKER, "no page, but a marker of the kernel (0x1: write protected by userfaultfd)" },
		{ 30, 0x1234, KA_ENTRY_OTHER, NULL },
		{ 31, 0x1234, KA_ENTRY_SWAP_ERROR, "lost: it could not be read back from swap" }, { 0, 0, KA_ENTRY_NONE, NULL },
	});
	/* the same with device memory */
	check_kernel("6.1.0-50-cloud-amd64", 23, NULL, (const struct want[]){
		SWAPPED, { 25, 1, KA_ENTRY_MIGRATION, NULL }, { 26, 1, KA_ENTRY_DEVICE, NULL }, { 29, 1, KA_ENTRY_DEVICE, NULL },
		{ 30, 1, KA_ENTRY_MARKER, NULL }, { 31, 1, KA_ENTRY_SWAP_ERROR, NULL }, { 0, 0, KA_ENTRY_NONE, NULL },
	});
	/* hardware poison; a marker alone, with five levels: the page frame has six bits more */
	check_kernel("6.12.95+deb12-cloud-amd64", 27, "NUMBER(MAX_PHYSMEM_BITS)=52\n", (const struct want[]){
		SWAPPED, { 27, 0x1234, KA_ENTRY_HWPOISON, "physical 0x1234000 was taken out of use after a memory fault" },
		{ 28, 0x1234 | 1ull << 40, KA_ENTRY_MIGRATION, FROM_1234 },
		{ 30, 1ull << 39, KA_ENTRY_MIGRATION, "on its way from physical 0x8000000000000 to another page (migration)" },
		{ 31, 2, KA_ENTRY_MARKER, "no page, but a marker of the kernel (0x2: poisoned (lost by swap, or by userfaultfd))" },
		{ 31, 4, KA_ENTRY_MARKER, "no page, but a marker of the kernel (0x4: guard page)" }, { 0, 0, KA_ENTRY_NONE, NULL },
	});
	/* three kinds of device memory: leaf entries under their new names have the same numbers */
	check_kernel("7.3.4+deb13-cloud-amd64", 24, NULL, (const struct want[]){
		SWAPPED, { 24, 0x1234, KA_ENTRY_HWPOISON, NULL }, { 25, 0x1234, KA_ENTRY_MIGRATION, FROM_1234 }, { 27, 1, KA_ENTRY_MIGRATION, NULL },
		{ 28, 1, KA_ENTRY_DEVICE, NULL }, { 30, 1, KA_ENTRY_DEVICE, NULL },
		{ 31, 5, KA_ENTRY_MARKER, "no page, but a marker of the kernel (0x5: write protected by userfaultfd, guard page)" },
		{ 0, 0, KA_ENTRY_NONE, NULL },
	});
	check_kernel("6.12.95+deb12-cloud-arm64", 27, "NUMBER(MAX_PHYSMEM_BITS)=48\n", (const struct want[]){
		SWAPPED, { 27, 0x1234, KA_ENTRY_HWPOISON, NULL }, { 28, 0x1234 | 3ull << 36, KA_ENTRY_MIGRATION, FROM_1234 },
		{ 31, 4, KA_ENTRY_MARKER, NULL }, { 0, 0, KA_ENTRY_NONE, NULL },
	});
}
