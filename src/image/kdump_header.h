/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The headers of a kdump-compressed file, whatever machine wrote them. */
#ifndef KA_IMAGE_KDUMP_HEADER_H
#define KA_IMAGE_KDUMP_HEADER_H

#include "image_priv.h"

struct ka_kdump_header {
	bool is_big_endian, is_64bit;
	uint32_t version, status, block_size, cpu_count;
	uint64_t timestamp, bitmap_offset, bitmap_size, max_pfn;
	char sysname[65], nodename[65], release[65], kernel_version[65], machine[65], domain[65];
	/* of the sub header; 0 where the version has them not */
	uint64_t phys_base;
	int dump_level;			/* -1: not told */
	bool is_split;
	uint64_t start_pfn, end_pfn;
	struct { uint64_t offset, size; } vmcoreinfo, notes, erased;
};

enum { KA_KDUMP_INCOMPLETE = 8, KA_KDUMP_NO_VMEMMAP = 16 };

bool ka_kdump_probe(const struct ka_file *f);
/* Errors: what a header cannot say, and a file that ends within its headers or bitmaps. */
struct ka_error *ka_kdump_header_read(const struct ka_file *f, struct ka_kdump_header *ret) KA_MUST_CHECK;
/* Do both come from one dump? */
bool ka_kdump_is_same(const struct ka_kdump_header *a, const struct ka_kdump_header *b);
/* An integer of the file. */
uint64_t ka_kdump_get(const struct ka_kdump_header *h, const uint8_t *p, size_t size);

#endif
