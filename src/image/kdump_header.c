/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The headers of a kdump-compressed file. They are C structs as the compiler of the machine laid them out (makedumpfile's
 * diskdump_mod.h), so that there are four layouts: 64 and 32 bits, in each byte order; and a 32-bit machine aligns 64-bit
 * integers to 8 bytes unless it is an x86.
 */
#include <endian.h>
#include "flat.h"
#include "kdump_header.h"

/* Offsets in struct disk_dump_header. struct timeval is what differs. */
struct head_layout {
	uint16_t time, time_size, status, block_size, sub_blocks, bitmap_blocks, max_mapnr, cpus, size;
};
static const struct head_layout head64 = { 408, 8, 424, 428, 432, 436, 440, 460, 464 };
static const struct head_layout head32 = { 404, 4, 412, 416, 420, 424, 428, 448, 452 };
enum { H_VERSION = 8, H_UTSNAME = 12, NAME_SIZE = 65 };

/* The same of struct kdump_sub_header, with the size of long; and since which version of the header a member is there. */
struct sub_layout {
	uint16_t long_size, dump_level /* 1 */, split, start_pfn, end_pfn /* 2 */, vmcoreinfo /* 3 */, notes /* 4 */, erased /* 5 */,
		 start_pfn_64, end_pfn_64, max_mapnr_64 /* 6 */;
	uint16_t size;
};
static const struct sub_layout sub64 = { 8, 8, 12, 16, 24, 32, 48, 64, 80, 88, 96, 104 };
static const struct sub_layout sub32_x86 = { 4, 4, 8, 12, 16, 20, 32, 44, 56, 64, 72, 80 };
static const struct sub_layout sub32 = { 4, 4, 8, 12, 16, 24, 40, 56, 72, 80, 88, 96 };

bool ka_kdump_probe(const struct ka_file *f)
{
	char magic[8];

	return f->size >= sizeof(magic) && !ka_error_drop(ka_file_read(f, 0, magic, sizeof(magic))) && !memcmp(magic, "KDUMP   ", 8);
}

uint64_t ka_kdump_get(const struct ka_kdump_header *h, const uint8_t *p, size_t size)
{
	uint64_t v = 0;

	if (size == 8 && !h->is_big_endian) {
		memcpy(&v, p, 8);
		return le64toh(v);
	}
	for (size_t i = 0; i < size; i++)
		v |= (uint64_t)p[h->is_big_endian ? size - 1 - i : i] << (8 * i);
	return v;
}

static bool is_block_size(uint64_t size)
{
	return size >= 4096 && size <= 65536 && !(size & (size - 1));
}

static bool is_layout(const struct ka_kdump_header *h, const uint8_t *head, const struct head_layout *l)
{
	return is_block_size(ka_kdump_get(h, head + l->block_size, 4)) && ka_kdump_get(h, head + l->sub_blocks, 4) &&
	       ka_kdump_get(h, head + l->bitmap_blocks, 4);
}

static void copy_name(char ret[NAME_SIZE], const uint8_t *head, unsigned i)
{
	memcpy(ret, head + H_UTSNAME + i * NAME_SIZE, NAME_SIZE);
	ret[NAME_SIZE - 1] = 0;
}

static bool is_x86(const char *machine)
{
	return !strcmp(machine, "x86_64") || (machine[0] == 'i' && !strcmp(machine + 2, "86"));
}

static void read_sub(struct ka_kdump_header *h, const uint8_t *sub)
{
	const struct sub_layout *l = h->is_64bit ? &sub64 : is_x86(h->machine) ? &sub32_x86 : &sub32;
	uint64_t v;

#define GET(at, size) ka_kdump_get(h, sub + l->at, size)
#define EXTENT(at) { ka_kdump_get(h, sub + l->at, 8), ka_kdump_get(h, sub + l->at + 8, l->long_size) }
	h->phys_base = ka_kdump_get(h, sub, l->long_size);
	h->dump_level = h->version >= 1 ? (int)GET(dump_level, 4) : -1;
	if (h->version >= 2 && GET(split, 4)) {
		h->is_split = true;
		h->start_pfn = h->version >= 6 ? GET(start_pfn_64, 8) : GET(start_pfn, l->long_size);
		h->end_pfn = h->version >= 6 ? GET(end_pfn_64, 8) : GET(end_pfn, l->long_size);
	}
	if (h->version >= 3)
		h->vmcoreinfo = (typeof(h->vmcoreinfo))EXTENT(vmcoreinfo);
	if (h->version >= 4)
		h->notes = (typeof(h->notes))EXTENT(notes);
	if (h->version >= 5)
		h->erased = (typeof(h->erased))EXTENT(erased);
	if (h->version >= 6 && (v = GET(max_mapnr_64, 8)))
		h->max_pfn = v;
#undef EXTENT
#undef GET
}

struct ka_error *ka_kdump_header_read(const struct ka_file *f, struct ka_kdump_header *h)
{
	uint8_t head[464] = { 0 }, sub[104] = { 0 };
	struct ka_error *err = ka_file_read(f, 0, head, KA_MIN(f->size, (uint64_t)sizeof(head)));
	const struct head_layout *l = &head64;

	*h = (struct ka_kdump_header){ 0 };
	if (!err && f->size < sizeof(head))
		err = ka_error_at(KA_TRUNCATED, KA_SPACE_FILE, f->size, "%s ends within its header, after 0x%" PRIx64 " bytes", f->path, f->size);
	if (err)
		return ka_error_wrap(err, "cannot read the dump's header");
	h->version = (uint32_t)ka_kdump_get(h, head + H_VERSION, 4);
	if (h->version > 0xffff) {
		h->is_big_endian = true;
		h->version = (uint32_t)ka_kdump_get(h, head + H_VERSION, 4);
	}
	h->is_64bit = is_layout(h, head, &head64) || !is_layout(h, head, &head32);
	if (!h->is_64bit)
		l = &head32;
	copy_name(h->sysname, head, 0);
	copy_name(h->nodename, head, 1);
	copy_name(h->release, head, 2);
	copy_name(h->kernel_version, head, 3);
	copy_name(h->machine, head, 4);
	copy_name(h->domain, head, 5);
	h->timestamp = ka_kdump_get(h, head + l->time, l->time_size);
	h->status = (uint32_t)ka_kdump_get(h, head + l->status, 4);
	h->block_size = (uint32_t)ka_kdump_get(h, head + l->block_size, 4);
	h->cpu_count = (uint32_t)ka_kdump_get(h, head + l->cpus, 4);
	h->max_pfn = ka_kdump_get(h, head + l->max_mapnr, 4);
	if (!is_block_size(h->block_size))
		return ka_error_new(KA_CORRUPT, "%s: the header says pages of %u bytes", f->path, h->block_size);
	err = ka_file_read(f, h->block_size, sub, f->size > h->block_size ? KA_MIN(f->size - h->block_size, (uint64_t)sizeof(sub)) : sizeof(sub));
	if (err)
		return ka_error_wrap(err, "cannot read the dump's sub header");
	read_sub(h, sub);
	h->bitmap_offset = (1 + ka_kdump_get(h, head + l->sub_blocks, 4)) * h->block_size;
	h->bitmap_size = ka_kdump_get(h, head + l->bitmap_blocks, 4) * h->block_size;
	if (!h->max_pfn || h->max_pfn > h->bitmap_size * 8)
		return ka_error_new(KA_CORRUPT, "%s: bitmaps of %" PRIu64 " bytes do not cover %" PRIu64 " page frames", f->path,
				    h->bitmap_size, h->max_pfn);
	if (h->bitmap_offset > f->size || h->bitmap_size > f->size - h->bitmap_offset)
		return ka_error_new(KA_TRUNCATED, "%s ends within its bitmaps, before any page: of 0x%" PRIx64 " bytes for headers and bitmaps there are 0x%"
				    PRIx64, f->path, h->bitmap_offset + h->bitmap_size, f->size);
	return NULL;
}

bool ka_kdump_is_same(const struct ka_kdump_header *a, const struct ka_kdump_header *b)
{
	return a->is_big_endian == b->is_big_endian && a->is_64bit == b->is_64bit && a->version == b->version && a->timestamp == b->timestamp &&
	       a->block_size == b->block_size && a->max_pfn == b->max_pfn && a->is_split == b->is_split && !strcmp(a->nodename, b->nodename) &&
	       !strcmp(a->release, b->release) && !strcmp(a->kernel_version, b->kernel_version) && !strcmp(a->machine, b->machine) &&
	       !strcmp(a->sysname, b->sysname) && !strcmp(a->domain, b->domain);
}
