/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Swap areas: swap_info[nr_swapfiles] of mm/swapfile.c. */
#include <inttypes.h>
#include <kanalyze/swap.h>
#include <kanalyze/vfs.h>
#include <kanalyze/view.h>
#include "kernel.h"

#define SWAPS_MAX 64		/* a swap entry has 5 bits for the number */
#define SWP_USED 1		/* enum of include/linux/swap.h, the same since 2.4 */
#define S_IFMT_BLK 0060000

struct swap_info {
	uint64_t flags, used_pages;
	int32_t prio;
	uint32_t pages;
	uint32_t type;
	ka_addr file, bdev;
};
KA_VIEW(swap_info, ("swap_info_struct"),
	KA_FROM(swap_info, flags, "flags"),
	KA_FROM(swap_info, prio, "prio"),
	/* with efa90a981bbc (v2.6.33) swap_info became an array of pointers */
	KA_MAYBE(swap_info, type, "type"),
	KA_FROM(swap_info, pages, "pages"),
	/* atomic_long_t in newer kernels */
	KA_FROM(swap_info, used_pages, "inuse_pages.counter", "inuse_pages"),
	KA_MAYBE(swap_info, bdev, "bdev"),
	KA_FROM(swap_info, file, "swap_file"));

/* In newer kernels (SWAP_USAGE_OFFLIST_BIT) the second bit from the top is a flag, "off the list of those with room". */
static uint64_t used_pages(struct ka_kernel *k, uint64_t raw)
{
	return raw & ~(1ull << (ka_long_size(k) * 8 - 2));
}

static struct ka_error *swap_read(struct ka_kernel *k, ka_addr at, unsigned number, struct ka_arena *a, struct ka_swap *ret)
{
	struct swap_info s;
	struct ka_vfs_file f;
	struct ka_inode inode;
	struct ka_error *err = ka_view_read(k, &ka_view_swap_info, at, &s);

	if (err)
		return err;
	*ret = (struct ka_swap){
		.addr = at, .type = number, .flags = s.flags, .prio = s.prio, .pages = s.pages,
		.used_pages = used_pages(k, s.used_pages), .file = s.file, .bdev = s.bdev,
	};
	if (!(s.flags & SWP_USED) || !s.file)
		return NULL;
	err = ka_vfs_file_read(k, s.file, &f);
	if (!err)
		err = ka_path_name(k, f.path, a, &ret->path, NULL);
	if (!err)
		err = ka_inode_read(k, f.inode, &inode);
	if (!err)
		ret->is_partition = (inode.mode & 0170000) == S_IFMT_BLK;
	return ka_error_wrap(err, "swap area %u at 0x%" PRIx64 ": its file", number, at);
}

struct table {
	ka_addr at;
	uint64_t count, size;	/* size of an element; 0: pointers */
};

static struct ka_error *table_find(struct ka_kernel *k, struct table *ret)
{
	struct ka_symbol s;
	uint8_t bytes[4];
	struct ka_error *err = ka_view_bind(k, &ka_view_swap_info);

	if (err)
		return err;
	if (!ka_symbol_lookup(k, "swap_info", &s))
		return ka_error_new(KA_MISSING, "this kernel has no swap: there is no symbol swap_info");
	ret->at = s.addr;
	ret->size = KA_HAS(k, swap_info, type) ? 0 : ka_view_size(k, &ka_view_swap_info);
	if (!ka_symbol_lookup(k, "nr_swapfiles", &s))
		return ka_error_new(KA_MISSING, "there is no symbol nr_swapfiles");
	err = ka_read(k, s.addr, bytes, sizeof(bytes));
	if (err)
		return ka_error_wrap(err, "cannot read nr_swapfiles");
	ret->count = ka_uint_from(k, bytes, sizeof(bytes));
	if (ret->count > SWAPS_MAX)
		return ka_error_new(KA_CORRUPT, "nr_swapfiles is %" PRIu64, ret->count);
	return NULL;
}

static struct ka_error *table_entry(struct ka_kernel *k, const struct table *t, unsigned number, struct ka_arena *a, struct ka_swap *ret)
{
	ka_addr at = t->at + number * t->size;
	struct ka_error *err = t->size ? NULL : ka_read_ulong(k, t->at + number * ka_long_size(k), &at);

	*ret = (struct ka_swap){ .type = number };
	if (err)
		return ka_error_wrap(err, "cannot read swap_info[%u]", number);
	return at ? swap_read(k, at, number, a, ret) : NULL;
}

struct ka_error *ka_swaps_read(struct ka_kernel *k, struct ka_arena *a, struct ka_swap **ret, size_t *ret_count)
{
	struct ka_error *first = NULL, *err;
	struct table t;

	*ret_count = 0;
	*ret = ka_alloc(a, SWAPS_MAX * sizeof(**ret));
	err = table_find(k, &t);
	if (err)
		return err;
	for (unsigned i = 0; i < t.count; i++) {
		struct ka_swap *s = &(*ret)[*ret_count];

		err = table_entry(k, &t, i, a, s);
		*ret_count += (s->flags & SWP_USED) != 0;
		if (first)
			ka_error_free(err);
		else
			first = err;
	}
	return first;
}

struct ka_error *ka_swap_by_type(struct ka_kernel *k, unsigned type, struct ka_arena *a, struct ka_swap *ret)
{
	struct table t;
	struct ka_error *err = table_find(k, &t);

	if (err)
		return err;
	if (type >= t.count)
		return ka_error_new(KA_NOT_FOUND, "there is no swap area %u", type);
	err = table_entry(k, &t, type, a, ret);
	if (!err && !(ret->flags & SWP_USED))
		err = ka_error_new(KA_NOT_FOUND, "swap area %u is not in use", type);
	return err;
}
