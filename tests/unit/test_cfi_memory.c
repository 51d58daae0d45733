/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Call frame information of a program in memory: this one's own, as it runs, against what its file says; and then with damage:
 * nothing is read beyond what memory gives, and nothing hangs.
 */
#include <link.h>
#include <stdio.h>
#include "check.h"
#include "debuginfo.h"

struct image {
	uint64_t bias, header, header_size, low, high;	/* of its read-only data */
	uint8_t *copy;		/* NULL: as it is */
	uint64_t reads;
};

static struct image image;

static int find(struct dl_phdr_info *info, size_t size, void *ctx)
{
	(void)size;
	(void)ctx;
	image.bias = info->dlpi_addr;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];

		if (p->p_type == PT_GNU_EH_FRAME) {
			image.header = image.bias + p->p_vaddr;
			image.header_size = p->p_memsz;
		}
	}
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];

		if (p->p_type == PT_LOAD && image.header - image.bias - p->p_vaddr < p->p_memsz) {
			image.low = image.bias + p->p_vaddr;
			image.high = image.low + p->p_memsz;
		}
	}
	return 1;	/* the program itself is the first */
}

static size_t image_read(void *ctx, uint64_t at, void *ret, size_t size)
{
	struct image *m = ctx;

	m->reads++;
	if (at < m->low || at > m->high || size > m->high - at)
		return 0;
	memcpy(ret, m->copy ? m->copy + (at - m->low) : (const uint8_t *)at, size);
	return size;
}

static bool is_same(const struct ka_frame_rules *a, const struct ka_frame_rules *b)
{
	if (a->cfa_reg != b->cfa_reg || a->cfa_offset != b->cfa_offset || a->is_cfa_deref != b->is_cfa_deref ||
	    a->cfa_deref_offset != b->cfa_deref_offset || a->ra_reg != b->ra_reg || a->is_end != b->is_end || a->is_signal != b->is_signal)
		return false;
	for (size_t i = 0; i < KA_COUNT(a->reg); i++)
		if (a->reg[i].kind != b->reg[i].kind || a->reg[i].reg != b->reg[i].reg || a->reg[i].n != b->reg[i].n)
			return false;
	return true;
}

/* Of every few bytes of the program's code. */
static size_t compare(struct ka_object *o, const struct ka_cfi_memory *m)
{
	const struct ka_section *text = ka_object_section(o, ".text");
	size_t found = 0;

	for (uint64_t at = text->addr; at < text->addr + text->size; at += 7) {
		struct ka_frame_rules file, memory;
		struct ka_error *a = ka_object_cfi(o, at, &file), *b = ka_cfi_search(m, image.header, at + image.bias, &memory);

		if (!a && !b) {
			found++;
			if (!is_same(&file, &memory)) {
				fprintf(stderr, "at %#llx\n", (unsigned long long)at);
				CHECK(!"the same rules");
			}
		} else if (!a != !b) {
			fprintf(stderr, "at %#llx: %s, %s\n", (unsigned long long)at, a ? a->message : "ok", b ? b->message : "ok");
			CHECK(!"both or none");
		}
		ka_error_free(a);
		ka_error_free(b);
	}
	return found;
}

/* The image has the sanitizer's own gaps between what it guards: its memcpy() would not read them. */
__attribute__((no_sanitize("address"))) static void image_copy(uint8_t *to, uint64_t from, size_t size)
{
	const volatile uint8_t *p = (const volatile uint8_t *)from;

	for (size_t i = 0; i < size; i++)
		to[i] = p[i];
}

static void check_damage(struct ka_cfi_memory *m, uint64_t addr)
{
	size_t size = image.high - image.low;
	struct ka_frame_rules r;
	uint32_t seed = 1;

	image.copy = ka_xalloc(size);
	for (unsigned round = 0; round < 3000; round++) {
		image_copy(image.copy, image.low, size);
		for (unsigned i = 0; i < 1 + round % 40; i++) {
			seed = seed * 1664525 + 1013904223;
			image.copy[round < 1500 ? image.header - image.low + (seed >> 8) % image.header_size : (seed >> 4) % size] = (uint8_t)(seed >> 24);
		}
		image.reads = 0;
		ka_error_drop(ka_cfi_search(m, image.header, addr, &r));
		CHECK(image.reads < 64);
	}
	/* memory that ends */
	for (uint64_t high = image.high; image.high > image.low + 64; image.high -= (image.high - image.low) / 7 + 1)
		ka_error_drop(ka_cfi_search(m, image.header, addr, &r)), (void)high;
	CHECK(ka_error_drop(ka_cfi_search(m, image.header, addr, &r)));
	free(image.copy);
}

CHECK_MAIN
{
	struct ka_cfi_memory m = { .ctx = &image, .read = image_read, .is_64bit = sizeof(void *) == 8 };
	struct ka_object *o = NULL;
	struct ka_error *err = ka_object_open("/proc/self/exe", &o);

	CHECK_STR(err ? err->message : "ok", "ok");
	dl_iterate_phdr(find, NULL);
	if (err || !image.header || !ka_object_section(o, ".text")) {
		ka_error_free(err);
		exit(77);
	}
	m.e_machine = o->e_machine;
	CHECK(compare(o, &m) > 1000);
	check_damage(&m, (uint64_t)(uintptr_t)compare);
	ka_object_close(o);
}
