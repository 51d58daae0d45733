/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* aarch64: its page tables, of 4K, 16K and 64K granules, and what its pointers carry beside an address. */
#include <elf.h>
#include <inttypes.h>
#include "aarch64.h"

/* Arm ARM D8.3: bits 1:0 of a descriptor. Bit 0: valid; bit 1: a table, or at the last level a page. */
#define TYPE_MASK	3ull
#define TYPE_BLOCK	1ull
#define TYPE_TABLE	3ull
#define LEVEL_LAST	3		/* the architecture counts from the top: level 3 is the PTE, -1 the top of five */

/*
 * Bits that Linux keeps in entries that the processor takes for invalid: PROT_NONE and NUMA hinting pages are there
 * all the same. PTE_PROT_NONE is bit 58 until 0ebd53b0a42e (v6.11), PTE_PRESENT_INVALID bit 11 since. A swap entry
 * may have these set as well, but never bit 53 (PXN), which would be an offset beyond any device.
 */
#define PTE_PXN		(1ull << 53)
#define PTE_PROT_NONE	(1ull << 58)
#define PTE_PRESENT_INVALID (1ull << 11)

uint64_t ka_aarch64_untag(const struct ka_layout *l, uint64_t virt)
{
	(void)l;
	/* bit 55 chooses between the halves, with and without a tag above it */
	return virt >> 55 & 1 ? virt | 0xffull << 56 : virt & ~(0xffull << 56);
}

/* Physical address in a descriptor. */
static uint64_t output_address(const struct ka_layout *l, uint64_t entry)
{
	uint64_t low = ~((1ull << l->page_shift) - 1);

	/* 64K granules: bits 15:12 are 51:48 of the address (LPA); without it they are zeros */
	if (l->page_shift == 16)
		return (entry & 0x0000ffffffffffffull & low) | (entry & 0xf000) << 36;
	/* LPA2: bits 9:8, which else are the shareability, are 51:50 */
	if (l->is_lpa2)
		return (entry & 0x0003ffffffffffffull & low) | (entry & 0x300) << 42;
	return entry & 0x0000ffffffffffffull & low;
}

/* Levels at which a descriptor may map a block: Arm ARM D8.3.1, tables of the block sizes. */
static bool is_block_level(const struct ka_layout *l, int level)
{
	switch (l->page_shift) {
	case 12:
		return level == 2 || level == 1 || (level == 0 && l->is_lpa2);
	case 14:
		return level == 2 || (level == 1 && l->is_lpa2);
	default:
		return level == 2 || level == 1;	/* level 1 (4 TB) with LPA */
	}
}

/* As Linux calls them: by how many there are. */
static const char *level_name(int levels, int level)
{
	static const char *const names[] = { "PGD", "P4D", "PUD", "PMD", "PTE" };

	return level == LEVEL_LAST + 1 - levels ? "PGD" : names[level + 1];
}

static struct ka_error *unmapped(uint64_t virt, const char *name, uint64_t at, uint64_t entry, const char *why)
{
	return ka_error_at(KA_UNMAPPED, KA_SPACE_VIRT, virt,
			   "0x%" PRIx64 " is not mapped: its %s entry at physical 0x%" PRIx64 " is 0x%" PRIx64 "%s",
			   virt, name, at, entry, why);
}

static bool is_page(uint64_t entry)
{
	return (entry & TYPE_MASK) == TYPE_TABLE ||
	       (!(entry & 1) && entry & PTE_PXN && entry & (PTE_PROT_NONE | PTE_PRESENT_INVALID));
}

struct ka_error *ka_aarch64_pt_walk(const struct ka_arch_env *env, const struct ka_layout *l, uint64_t pgd_phys, uint64_t virt,
				    struct ka_pt_walk *w, uint64_t *ret_phys, uint64_t *ret_page_size)
{
	unsigned bits = l->page_shift - 3;	/* of the address that a whole table resolves */
	int levels = (int)ka_aarch64_levels(l->va_bits, l->page_shift);
	uint64_t table = pgd_phys, clean = ka_aarch64_untag(l, virt);
	int64_t high = (int64_t)clean >> l->va_bits;
	struct ka_pt_walk unused;

	if (!w)
		w = &unused;
	memset(w, 0, sizeof(*w));
	if (high != 0 && high != -1)
		return ka_error_at(KA_UNMAPPED, KA_SPACE_VIRT, virt, "0x%" PRIx64 " is not a canonical address: addresses have %u bits",
				   virt, l->va_bits);
	if (levels < 1 || levels > KA_PT_LEVELS)
		return ka_error_new(KA_CORRUPT, "%u bits of virtual address with pages of %" PRIu64 " bytes cannot be", l->va_bits,
				    (uint64_t)1 << l->page_shift);
	for (int level = LEVEL_LAST + 1 - levels; level <= LEVEL_LAST; level++) {
		unsigned shift = l->page_shift + bits * (unsigned)(LEVEL_LAST - level);
		/* the top table may be a part of one, or (52 bits, run on a machine of 48) larger than needed */
		unsigned index_bits = w->levels ? bits : KA_MAX(l->va_bits, l->top_bits) - shift;
		uint64_t at = table + (clean >> shift & ((1ull << KA_MIN(index_bits, bits)) - 1)) * 8, entry;
		const char *name = level_name(levels, level);
		struct ka_error *err = env->read_phys(env->ctx, at, &entry, sizeof(entry));
		uint64_t size = 1ull << shift;

		if (err)
			return ka_error_wrap(err, "cannot read the %s entry of 0x%" PRIx64, name, virt);
		w->level[w->levels].name = name;
		w->level[w->levels].at = at;
		w->level[w->levels++].entry = entry;
		if (level == LEVEL_LAST ? !is_page(entry) : !(entry & 1))
			return unmapped(virt, name, at, entry,
					(entry & TYPE_MASK) == TYPE_BLOCK ? ", which is a reserved value at the last level" : "");
		if (level == LEVEL_LAST || (entry & TYPE_MASK) == TYPE_BLOCK) {
			if (level != LEVEL_LAST && !is_block_level(l, level))
				return unmapped(virt, name, at, entry, ", a block, which is reserved at this level");
			/* a contiguous entry (bit 52) has its own address as any other */
			w->phys = (output_address(l, entry) & ~(size - 1)) | (clean & (size - 1));
			w->page_size = size;
			w->flags = entry & ~(0x0000ffffffffffffull & ~(size - 1));
			*ret_phys = w->phys;
			if (ret_page_size)
				*ret_page_size = size;
			return NULL;
		}
		table = output_address(l, entry);
	}
	return ka_error_at(KA_UNMAPPED, KA_SPACE_VIRT, virt, "0x%" PRIx64 " is not mapped", virt);
}

static bool linear(const struct ka_layout *l, uint64_t virt, uint64_t *ret_phys)
{
	if (virt >= l->image_start && virt < l->text_end) {
		*ret_phys = virt - l->text_base + l->phys_base;
		return true;
	}
	if (l->page_offset && virt >= l->page_offset && virt < l->page_offset_end && virt >= -(1ull << l->va_bits)) {
		*ret_phys = virt - l->page_offset + l->phys_offset;
		return true;
	}
	return false;
}

static bool is_kernel_addr(const struct ka_layout *l, uint64_t virt)
{
	return ka_aarch64_untag(l, virt) >= -(1ull << l->build_bits);
}

/* A signed return address (pointer authentication): the bits of the signature are those that repeat bit 55. */
static uint64_t strip_ip(const struct ka_layout *l, uint64_t ip)
{
	return ip >> 55 & 1 ? ip | l->pac_mask | -(1ull << l->va_bits) : ip;
}

static bool pte_phys(const struct ka_layout *l, uint64_t entry, uint64_t size, uint64_t *ret)
{
	bool is_block = size > 1ull << l->page_shift;

	*ret = output_address(l, entry) & ~((size ? size : 1ull << l->page_shift) - 1);
	return is_block ? (entry & TYPE_MASK) == TYPE_BLOCK : is_page(entry) || (!size && (entry & TYPE_MASK) == TYPE_BLOCK);
}

/* arch/arm64/include/asm/pgtable.h */
static bool swap_entry(const struct ka_layout *l, uint64_t entry, unsigned way, unsigned *ret_type, uint64_t *ret_offset)
{
	static const struct { uint8_t type_at, type_bits, offset_at; } ways[] = {
		{ 6, 5, 12 },		/* 0ebd53b0a42e, v6.11 */
		{ 3, 5, 8 },		/* 570ef363509b, v5.19 */
		{ 2, 6, 8 },
	};

	(void)l;
	if (way >= KA_COUNT(ways))
		return false;
	*ret_type = (unsigned)(entry >> ways[way].type_at & ((1u << ways[way].type_bits) - 1));
	*ret_offset = entry >> ways[way].offset_at & ((1ull << 50) - 1);
	/* bits 4, 5 and 11 (PTE_PRESENT_INVALID) are clear in what is laid out so */
	if (way == 0 && (entry & 0x830))
		*ret_type = UINT32_MAX;
	return true;
}

/* Stage 1 descriptors: Arm ARM D8.3, and the bits that arch/arm64/include/asm/pgtable-prot.h gives to software. */
static const struct ka_pte_bit pte_bits[] = {
	{ 1, 1, "VALID", NULL }, { 64, 64, "USER", NULL }, { 128, 128, "RDONLY", NULL }, { 0x300, 0x300, "SHARED", NULL },
	{ 1 << 10, 1 << 10, "AF", NULL }, { 1 << 11, 1 << 11, "NG", NULL }, { 1ull << 50, 1ull << 50, "GP", NULL },
	{ 1ull << 51, 1ull << 51, "DBM", NULL }, { 1ull << 52, 1ull << 52, "CONT", NULL }, { 1ull << 53, 1ull << 53, "PXN", NULL },
	{ 1ull << 54, 1ull << 54, "UXN", NULL }, { 1ull << 55, 1ull << 55, "DIRTY", NULL }, { 1ull << 56, 1ull << 56, "SPECIAL", NULL },
	{ 1ull << 57, 1ull << 57, "DEVMAP", NULL }, { 1 | PTE_PROT_NONE, PTE_PROT_NONE, "PROT_NONE", NULL },
};

const struct ka_arch ka_arch_aarch64 = {
	.name = "aarch64",
	.e_machine = EM_AARCH64,
	.long_size = 8,
	.page_shift = 12,
	.reg_names = ka_aarch64_reg_names,
	.reg_count = A64_REGS,
	.ip_reg = A64_PC,
	.sp_reg = A64_SP,
	.fp_reg = A64_FP,
	.ra_reg = A64_LR,
	.has_frame_records = true,
	.call_size = 4,
	.layout = ka_aarch64_layout,
	.locate = ka_aarch64_locate,
	.linear = linear,
	.pt_walk = ka_aarch64_pt_walk,
	.is_kernel_addr = is_kernel_addr,
	.untag = ka_aarch64_untag,
	.prstatus = ka_aarch64_prstatus,
	.pt_regs_size = A64_PT_REGS_SIZE,
	.pt_ra_at = A64_PRINT_LR,
	.pt_regs = ka_aarch64_pt_regs,
	.is_after_call = ka_aarch64_is_after_call,
	.strip_ip = strip_ip,
	.pte_phys = pte_phys,
	.swap_entry = swap_entry,
	.pte_bits = pte_bits,
	.pte_bit_count = KA_COUNT(pte_bits),
};
