/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is mapped and what is there: runs of page tables, regions of the layout, ranges of the dump. */
#include <kanalyze/regions.h>
#include "flat.h"
#include "kernel.h"

#define RUN_MAX (1ull << 30)	/* bytes of a run: bounds what one call costs */

/* All levels but the last page index by a page of entries. */
uint64_t ka_level_span(const struct ka_kernel *k, unsigned level)
{
	unsigned bits = k->layout.page_shift - (k->long_size == 8 ? 3 : 2), below = k->layout.va_levels - 1 - KA_MIN(level, k->layout.va_levels - 1);
	unsigned shift = k->layout.page_shift + bits * below;

	return shift < 64 ? 1ull << shift : 0;
}

/* How many entries behind an empty one are empty, too: large holes are passed a table at a time. */
static uint64_t empty_entries(struct ka_kernel *k, uint64_t at)
{
	uint64_t page = 1ull << k->layout.page_shift, n = 0, entries[64];

	for (at += 8; at & (page - 1);) {
		size_t size = KA_MIN(sizeof(entries), (size_t)(page - (at & (page - 1))));

		if (ka_error_drop(ka_image_read(k->image, at, entries, size)))
			break;
		for (size_t i = 0; i < size / 8; i++, n++)
			if (entries[i])
				return n;
		at += size;
	}
	return n;
}

bool ka_mapped_next(struct ka_kernel *k, ka_addr pgd, uint64_t at, uint64_t last, struct ka_mapped *ret)
{
	ka_phys table = { k->layout.pgd_phys };
	uint64_t page_size = 1ull << k->layout.page_shift, start = at;

	*ret = (struct ka_mapped){0};
	if (pgd && ka_error_drop(ka_translate(k, pgd, &table)))
		return false;
	for (at &= ~(page_size - 1); at <= last && !ka_interrupted();) {
		struct ka_pt_walk w = {0};
		uint64_t phys, span;
		struct ka_error *err = k->arch->pt_walk(&k->env, &k->layout, table.v, at, &w, &phys, NULL);
		bool is_unmapped = err && err->code == KA_UNMAPPED;

		if (!ka_error_drop(err)) {
			span = w.page_size ? w.page_size - (at & (w.page_size - 1)) : page_size;
			if (ret->size && phys != ret->phys + ret->size)
				break;
			if (!ret->size)
				*ret = (struct ka_mapped){ .virt = at, .phys = phys };
			ret->size += span;
			if (ret->size >= RUN_MAX || at + span - 1 >= last)
				break;
			at += span;
			continue;
		}
		if (ret->size)
			break;
		/* nothing below the entry that said no; a table that cannot be read is one entry of the level above it */
		if (is_unmapped ? !w.levels : w.levels < 1)
			return false;
		span = ka_level_span(k, w.levels - 1);
		if (!span || at > UINT64_MAX - (span - (at & (span - 1))))
			return false;
		at += span - (at & (span - 1));
		if (is_unmapped && k->long_size == 8 && !w.level[w.levels - 1].entry) {
			uint64_t skip = empty_entries(k, w.level[w.levels - 1].at);

			if (skip > (UINT64_MAX - at) / span)
				return false;
			at += skip * span;
		}
		if (!at)
			return false;
	}
	if (!ret->size)
		return false;
	/* cut to what was asked for */
	if (ret->virt < start) {
		uint64_t over = start - ret->virt;

		*ret = (struct ka_mapped){ start, ret->phys + over, ret->size - over };
	}
	if (ret->size - 1 > last - ret->virt)
		ret->size = last - ret->virt + 1;
	return true;
}

bool ka_region_find(struct ka_kernel *k, enum ka_region_kind kind, struct ka_region *ret)
{
	const struct ka_layout *l = &k->layout;

	*ret = (struct ka_region){ .kind = kind };
	switch (kind) {
	case KA_REGION_DIRECT:
		ret->start = l->page_offset;
		ret->end = l->page_offset_end;
		break;
	case KA_REGION_VMALLOC:
		ret->start = l->vmalloc_start;
		ret->end = l->vmalloc_end;
		break;
	case KA_REGION_VMEMMAP:
		ret->start = l->vmemmap_start;
		ret->end = l->vmemmap_end;
		break;
	case KA_REGION_IMAGE:
		ret->start = l->image_start;
		ret->end = l->text_end;
		break;
	case KA_REGION_MODULES:
		ret->start = l->modules_start;
		ret->end = l->modules_end;
		/* bounds that overlap: with KASLR modules are above the image's gigabyte, without it above half of it */
		if (l->text_end > ret->start && l->image_start < ret->end)
			ret->start = l->text_end;
		break;
	case KA_REGION_ALIASES:
		ret->start = l->alias_start;
		ret->end = l->alias_end;
		break;
	default:
		break;
	}
	return ret->start && ret->end > ret->start;
}

enum ka_region_kind ka_region_of(struct ka_kernel *k, ka_addr at)
{
	static const enum ka_region_kind kinds[] = { KA_REGION_IMAGE, KA_REGION_DIRECT, KA_REGION_VMALLOC, KA_REGION_VMEMMAP, KA_REGION_MODULES,
						      KA_REGION_ALIASES };
	struct ka_region r;

	for (size_t i = 0; i < KA_COUNT(kinds); i++)
		if (ka_region_find(k, kinds[i], &r) && at >= r.start && at < r.end)
			return kinds[i];
	return KA_REGION_OTHER;
}

bool ka_phys_next(struct ka_kernel *k, uint64_t phys, uint64_t *ret_start, uint64_t *ret_end)
{
	return ka_image_next_range(k->image, phys, ret_start, ret_end);
}

const uint8_t *ka_phys_map(struct ka_kernel *k, uint64_t phys, uint64_t *ret_size)
{
	return k->image->ops->map ? k->image->ops->map(k->image, phys, ret_size) : NULL;
}

bool ka_phys_map_is_good(struct ka_kernel *k)
{
	for (size_t i = 0; i < k->image->file_count; i++)
		if (ka_file_is_broken(k->image->files[i]))
			return false;
	return true;
}

bool ka_is_zero_excluded(struct ka_kernel *k)
{
	return k->image->is_zero_excluded;
}
