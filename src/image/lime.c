/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * LiME: each range of System RAM as a header of 32 bytes (magic, version, first and last address, reserved) and its bytes.
 * Its "padded" format has no headers: zeros fill what lies between, so that it is raw memory from 0 on (FILE@0). The file does
 * not tell of which architecture the machine was: the vmlinux does, or VMCOREINFO in memory.
 */
#include <endian.h>
#include "image_priv.h"

#define MAGIC 0x4c694d45u	/* "EMiL" in the file */
#define RANGES_MAX 65536

struct header {
	uint32_t magic, version;
	uint64_t first, last;
	uint8_t reserved[8];
};

/* Big-endian machines write it in their order. */
static bool header_read(const struct ka_file *f, uint64_t at, struct header *ret, bool *ret_is_big)
{
	if (f->size < sizeof(*ret) || at > f->size - sizeof(*ret) || ka_error_drop(ka_file_read(f, at, ret, sizeof(*ret))))
		return false;
	*ret_is_big = be32toh(ret->magic) == MAGIC;
	if (!*ret_is_big && le32toh(ret->magic) != MAGIC)
		return false;
	ret->version = *ret_is_big ? be32toh(ret->version) : le32toh(ret->version);
	ret->first = *ret_is_big ? be64toh(ret->first) : le64toh(ret->first);
	ret->last = *ret_is_big ? be64toh(ret->last) : le64toh(ret->last);
	return true;
}

static bool lime_probe(const struct ka_file *f)
{
	struct header h;
	bool is_big;

	return header_read(f, 0, &h, &is_big);
}

static struct ka_error *lime_open(struct ka_image *img)
{
	struct ka_extents *x = ka_xalloc(sizeof(*x));
	const struct ka_file *f = img->files[0];
	uint64_t at = 0, missing = 0;
	struct header h;
	bool is_big;

	img->priv = x;
	img->info.format = "LiME";
	img->info.is_64bit = true;
	while (at < f->size && x->n < RANGES_MAX) {
		if (!header_read(f, at, &h, &is_big) || h.last < h.first || h.last == UINT64_MAX) {
			img->info.is_partial = img->info.is_incomplete = true;
			ka_image_warn(img, "%s: there is no range of LiME at 0x%" PRIx64 ": what follows (0x%" PRIx64 " bytes) is not read", f->path, at,
				      f->size - at);
			break;
		}
		if (!at)
			img->info.is_big_endian = is_big;
		if (h.version != 1)
			return ka_error_new(KA_UNSUPPORTED, "%s: LiME of version %u, which is not known", f->path, h.version);
		at += sizeof(h);
		uint64_t size = h.last - h.first + 1, there = KA_MIN(size, f->size - at);
		ka_extents_add(x, f, 0, h.first, at, size, size);
		missing = size - there;
		img->info.max_pfn = KA_MAX(img->info.max_pfn, (h.last + 1) >> 12);
		at += there;
		if (missing)
			break;
	}
	if (!x->n)
		return ka_error_new(KA_CORRUPT, "%s has no range of memory", f->path);
	if (missing) {
		img->info.is_partial = img->info.is_incomplete = true;
		ka_image_warn(img, "%s is cut: of its last range, physical 0x%" PRIx64 " to 0x%" PRIx64 ", 0x%" PRIx64 " bytes are missing, and ranges behind it",
			      f->path, h.first, h.last, missing);
	}
	ka_extents_settle(x);
	return NULL;
}

const struct ka_image_ops ka_image_lime = {
	.name = "LiME",
	.probe = lime_probe,
	.open = lime_open,
	.read = ka_extents_read,
	.map = ka_extents_map,
	.next_range = ka_extents_next_range,
	.close = ka_extents_close,
};
