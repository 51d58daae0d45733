/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Entries of page tables that map nothing: swap, migration, device memory, hardware poison, markers. The kernel takes
 * the numbers behind the last swap device for kinds of its own (include/linux/swap.h); which, members and enumerators say.
 */
#include <inttypes.h>
#include <kanalyze/entry.h>
#include <kanalyze/swap.h>
#include "kernel.h"

#define TYPES 32			/* a swap entry has five bits for the number (MAX_SWAPFILES_SHIFT) */
#define MARKER_MAX 255			/* PTE_MARKER_MASK has three bits so far */
#define PHYSMEM_BITS 52			/* where VMCOREINFO does not tell */

/* First number of each kind; what follows is the next kind's. */
struct kinds {
	unsigned swap_end, migration, device, marker, swap_error, end;
	unsigned pfn_bits;		/* flags (young, dirty) lie above a page frame since v6.1 */
};

static const char kinds_key;

static void *kinds_make(struct ka_kernel *k)
{
	struct kinds *n = ka_xalloc(sizeof(*n));
	struct ka_symbol s;
	int64_t v;
	/* 6c287605fd56, v5.19: exclusive pages have a number of their own */
	unsigned migrations = ka_enum_value(k, "PG_anon_exclusive", &v) ? 3 : 2;
	/* markers came with 679d10331910 (v5.19), in one series with this flag */
	bool has_marker = ka_enum_value(k, "FAULT_FLAG_ORIG_PTE_VALID", &v);
	const char *bits = ka_vmcoreinfo(k, "NUMBER(MAX_PHYSMEM_BITS)");
	unsigned physmem_bits = bits ? (unsigned)strtoul(bits, NULL, 10) : PHYSMEM_BITS, rest;

	n->end = TYPES;
	n->swap_end = TYPES - migrations;
	/* swap_info has a slot for each device that can be: pointers since efa90a981bbc (v2.6.33) */
	if (ka_symbol_lookup(k, "swap_info", &s) && s.size >= k->long_size && s.size / k->long_size <= TYPES)
		n->swap_end = (unsigned)(s.size / k->long_size);
	n->migration = n->swap_end + ka_enum_value(k, "PG_hwpoison", &v);
	n->device = KA_MIN(n->migration + migrations, n->end);
	/*
	 * The rest are device memory (0, 4, later 3), the marker, and from 9f186f9e5fa9 (v5.19) to 15520a3f0469 (v6.2) a
	 * number for what could not be read back from swap: that one is there where two are left.
	 */
	rest = n->end - n->device;
	n->swap_error = n->end - (has_marker && (rest == 2 || rest == 6));
	n->marker = KA_MAX(n->swap_error - has_marker, n->device);
	n->pfn_bits = (physmem_bits > k->layout.page_shift && physmem_bits <= 64 ? physmem_bits : PHYSMEM_BITS) - k->layout.page_shift;
	return n;
}

static enum ka_entry_kind kind_of(const struct kinds *n, unsigned type)
{
	return type < n->swap_end ? KA_ENTRY_SWAP : type < n->migration ? KA_ENTRY_HWPOISON : type < n->device ? KA_ENTRY_MIGRATION :
	       type < n->marker ? KA_ENTRY_DEVICE : type < n->swap_error ? KA_ENTRY_MARKER : type < n->end ? KA_ENTRY_SWAP_ERROR :
	       KA_ENTRY_OTHER;
}

/* Does the device exist, and is it that large? */
static bool is_on_swap(struct ka_kernel *k, unsigned type, uint64_t offset, struct ka_arena *a, const char **ret_device)
{
	struct ka_swap s;

	if (ka_error_drop(ka_swap_by_type(k, type, a, &s)) || offset > s.pages + 1)
		return false;
	*ret_device = s.path;
	return true;
}

void ka_entry_decode(struct ka_kernel *k, uint64_t entry, uint64_t size, struct ka_arena *a, struct ka_entry *ret)
{
	static const char *const names[] = { "none", "page", "swap", "migration", "device", "hwpoison", "marker", "swap-error", "other" };
	const struct kinds *n;
	uint64_t offset;
	unsigned type;

	*ret = (struct ka_entry){ .kind = KA_ENTRY_NONE, .kind_name = names[KA_ENTRY_NONE] };
	if (!entry)
		return;
	if (k->arch->pte_phys && k->arch->pte_phys(&k->layout, entry, size, &ret->phys)) {
		ret->kind = KA_ENTRY_PAGE;
		ret->kind_name = names[KA_ENTRY_PAGE];
		return;
	}
	ret->phys = 0;
	ret->kind = KA_ENTRY_OTHER;
	n = ka_kernel_state(k, &kinds_key, kinds_make, free);
	/* where an entry may be laid out in several ways, that of a page on a swap device that there is comes first */
	for (unsigned way = 0; k->arch->swap_entry && k->arch->swap_entry(&k->layout, entry, way, &type, &offset); way++) {
		enum ka_entry_kind kind = kind_of(n, type);
		bool is_swap = kind == KA_ENTRY_SWAP && offset && is_on_swap(k, type, offset, a, &ret->device);

		if (!is_swap && (ret->kind != KA_ENTRY_OTHER || kind == KA_ENTRY_SWAP || (kind == KA_ENTRY_MARKER && offset > MARKER_MAX)))
			continue;
		ret->kind = kind;
		ret->type = type;
		ret->offset = offset;
		if (is_swap)
			break;
	}
	if (ret->kind == KA_ENTRY_MIGRATION || ret->kind == KA_ENTRY_DEVICE || ret->kind == KA_ENTRY_HWPOISON)
		ret->phys = (ret->offset & ((1ull << n->pfn_bits) - 1)) << k->layout.page_shift;
	ret->kind_name = names[ret->kind];
}

/* PTE_MARKER_* of include/linux/swapops.h: v5.19, v6.2, v6.13 */
static const char *marker_where(struct ka_arena *a, uint64_t bits)
{
	static const char *const names[] = { "write protected by userfaultfd", "poisoned (lost by swap, or by userfaultfd)", "guard page" };
	const char *text = ka_printf(a, "no page, but a marker of the kernel (0x%" PRIx64, bits);

	for (unsigned i = 0; i < KA_COUNT(names); i++)
		if (bits >> i & 1)
			text = ka_printf(a, "%s%s %s", text, bits & ((1ull << i) - 1) ? "," : ":", names[i]);
	return ka_printf(a, "%s)", text);
}

const char *ka_entry_where(struct ka_arena *a, const struct ka_entry *e)
{
	switch (e->kind) {
	case KA_ENTRY_SWAP:
		return ka_printf(a, "swapped out to %s, page %" PRIu64 " there", e->device ? e->device : "a swap device", e->offset);
	case KA_ENTRY_MIGRATION:
		return ka_printf(a, "on its way from physical 0x%" PRIx64 " to another page (migration)", e->phys);
	case KA_ENTRY_DEVICE:
		return ka_printf(a, "in the memory of a device, at physical 0x%" PRIx64, e->phys);
	case KA_ENTRY_HWPOISON:
		return ka_printf(a, "physical 0x%" PRIx64 " was taken out of use after a memory fault", e->phys);
	case KA_ENTRY_MARKER:
		return marker_where(a, e->offset);
	case KA_ENTRY_SWAP_ERROR:
		return "lost: it could not be read back from swap";
	default:
		return NULL;
	}
}
