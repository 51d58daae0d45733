/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* x86_64: where the kernel lies, and its page tables of 4 and 5 levels. */
#include <elf.h>
#include <inttypes.h>
#include "x86_64.h"

/* Documentation/arch/x86/x86_64/mm.rst */
#define START_KERNEL_MAP	0xffffffff80000000ull
#define FIXMAP_END		0xffffffffff600000ull
#define KERNEL_IMAGE_SIZE	(1ull << 30)	/* with KASLR; 512 MB without: what lies behind _end is then walked anyway */

#define PTE_PRESENT	1ull
#define PTE_PSE		(1ull << 7)
#define PTE_PROTNONE	(1ull << 8)	/* where PRESENT is off; else it is GLOBAL */
#define PTE_ADDR_MASK	0x000ffffffffff000ull

static bool number(const struct ka_arch_env *env, const char *key, int base, uint64_t *ret)
{
	const char *text = env->vmcoreinfo(env->ctx, key);
	char *end;

	if (!text || !*text)
		return false;
	*ret = *text == '-' ? (uint64_t)strtoll(text, &end, base) : strtoull(text, &end, base);
	return end != text;
}

/* Phase 0: what VMCOREINFO and link-time symbols tell, enough to read the kernel image. */
static struct ka_error *layout_image(const struct ka_arch_env *env, struct ka_layout *l)
{
	uint64_t linked, running, v;

	l->page_shift = 12;
	l->text_base = l->image_start = START_KERNEL_MAP;
	l->text_end = START_KERNEL_MAP + KERNEL_IMAGE_SIZE;
	/* of newer kernels; _end of vmlinux bounds the image more closely */
	if (number(env, "NUMBER(KERNEL_IMAGE_SIZE)", 0, &v) && v >= KERNEL_IMAGE_SIZE / 2 && v <= KERNEL_IMAGE_SIZE)
		l->text_end = START_KERNEL_MAP + v;
	l->pte_mask = PTE_ADDR_MASK;
	if (env->override(env->ctx, "kaslr", &v))
		l->kaslr_offset = v;
	else if (number(env, "KERNELOFFSET", 16, &v))		/* b6085a865762, v3.14 (x86: 3.16) */
		l->kaslr_offset = v;
	else if (number(env, "SYMBOL(_stext)", 16, &running) && env->symbol(env->ctx, "_stext", &linked))
		l->kaslr_offset = running - linked;
	if (env->override(env->ctx, "phys_base", &v))
		l->phys_base = v;
	else if (number(env, "NUMBER(phys_base)", 0, &v))	/* 401721ecd1dc, v4.10 */
		l->phys_base = v;
	else if (env->override(env->ctx, "dump_phys_base", &v))	/* PT_LOAD of the kernel image, or the dump's sub header */
		l->phys_base = v;
	/* 5-level: NUMBER since 44c02a2c3dc5, v4.16 */
	l->va_levels = number(env, "NUMBER(pgtable_l5_enabled)", 0, &v) && v ? 5 : 4;
	if (number(env, "NUMBER(sme_mask)", 0, &v))		/* f263245a0ce2, v5.1 */
		l->pte_mask &= ~v;
	/* VMCOREINFO's swapper_pg_dir is a run-time address; the symbol is init_top_pgt (65ade2f872b4, v4.13), before init_level4_pgt */
	if (!number(env, "SYMBOL(swapper_pg_dir)", 16, &v)) {
		if (!env->symbol(env->ctx, "init_top_pgt", &v) && !env->symbol(env->ctx, "init_level4_pgt", &v) &&
		    !env->symbol(env->ctx, "swapper_pg_dir", &v))
			return ka_error_new(KA_MISSING, "neither VMCOREINFO nor vmlinux tells where the kernel's top page table is "
					    "(swapper_pg_dir, init_top_pgt, init_level4_pgt)");
		v += l->kaslr_offset;
	}
	if (v < START_KERNEL_MAP)
		return ka_error_new(KA_CORRUPT, "swapper_pg_dir of VMCOREINFO is 0x%" PRIx64 ", outside of the kernel image", v);
	l->pgd_phys = v - START_KERNEL_MAP + l->phys_base;
	return NULL;
}

static bool variable(const struct ka_arch_env *env, const char *name, uint64_t *ret)
{
	uint64_t at;

	return env->symbol(env->ctx, name, &at) && !ka_error_drop(env->read(env->ctx, at, ret, sizeof(*ret)));
}

static struct ka_error *pt_walk(const struct ka_arch_env *env, const struct ka_layout *l, uint64_t pgd_phys, uint64_t virt,
				struct ka_pt_walk *w, uint64_t *ret_phys, uint64_t *ret_page_size);

/* Does the direct map start here? Physical 0 is in it, and so is the top page table. */
static bool is_page_offset(const struct ka_arch_env *env, const struct ka_layout *l, uint64_t at)
{
	uint64_t phys;

	return !ka_error_drop(pt_walk(env, l, l->pgd_phys, at, NULL, &phys, NULL)) && !phys &&
	       !ka_error_drop(pt_walk(env, l, l->pgd_phys, at + l->pgd_phys, NULL, &phys, NULL)) && phys == l->pgd_phys;
}

/*
 * The lowest place in the kernel's half where the direct map could start: KASLR puts it at a multiple of 1 GB (one PUD
 * entry). table maps from virt on; level 2 is the PUD.
 */
static bool scan_page_offset(const struct ka_arch_env *env, const struct ka_layout *l, uint64_t table, int level, uint64_t virt,
			     uint64_t *ret)
{
	int top = (int)l->va_levels - 1;
	uint64_t entries[512];

	if (ka_error_drop(env->read_phys(env->ctx, table, entries, sizeof(entries))))
		return false;
	for (unsigned i = level == top ? 256 : 0; i < 512 && !ka_interrupted(); i++) {
		uint64_t at = virt | (uint64_t)i << (12 + 9 * level);

		if (!(entries[i] & PTE_PRESENT))
			continue;
		if (level == top)
			at |= ~0ull << (12 + 9 * l->va_levels - 1);
		if (at >= START_KERNEL_MAP)	/* the image, whose mapping starts at physical phys_base: 0, perhaps */
			return false;
		if (level == 2 ? is_page_offset(env, l, at) :
				 scan_page_offset(env, l, entries[i] & l->pte_mask & PTE_ADDR_MASK, level - 1, at, ret)) {
			if (level == 2)
				*ret = at;
			return true;
		}
	}
	return false;
}

/* Without page_offset_base the direct map is at a constant, which moved: the page tables say which one it is. */
static uint64_t find_page_offset(const struct ka_arch_env *env, const struct ka_layout *l)
{
	static const uint64_t candidates4[] = {
		0xffff888000000000ull,	/* d52888aa2753, v4.20 */
		0xffff880000000000ull,	/* a6523748bddd, v2.6.27 */
		0xffff810000000000ull,
	};
	static const uint64_t candidates5[] = { 0xff11000000000000ull, 0xff10000000000000ull };
	const uint64_t *c = l->va_levels == 5 ? candidates5 : candidates4;
	size_t n = l->va_levels == 5 ? KA_COUNT(candidates5) : KA_COUNT(candidates4);

	uint64_t at = 0, phys;

	for (size_t i = 0; i < n; i++) {
		if (!ka_error_drop(pt_walk(env, l, l->pgd_phys, c[i] + l->pgd_phys, NULL, &phys, NULL)) && phys == l->pgd_phys)
			return c[i];
	}
	/* Without vmlinux the variable may exist and not be known. */
	if (scan_page_offset(env, l, l->pgd_phys & ~4095ull, (int)l->va_levels - 1, 0, &at))
		return at;
	return env->symbol(env->ctx, "_end", &at) ? c[0] : 0;
}

/* Phase 1: the regions, from the variables of 021182e52fe0 (v4.8, KASLR of memory) or the constants before and without. */
static void layout_regions(const struct ka_arch_env *env, struct ka_layout *l)
{
	uint64_t v;
	bool is_l5 = l->va_levels == 5, has_symbols = env->symbol(env->ctx, "_end", &v);

	uint64_t start;

	/* below it the mapping is taken away at boot (cleanup_highmap) */
	if (env->symbol(env->ctx, "_text", &start) && start >= l->text_base && start < l->text_end)
		l->image_start = start & ~4095ull;
	if (has_symbols && v > l->text_base && v < l->text_end)
		l->text_end = (v + 4095) & ~4095ull;
	else if (!has_symbols && !number(env, "NUMBER(KERNEL_IMAGE_SIZE)", 0, &v))
		l->text_end = START_KERNEL_MAP + KERNEL_IMAGE_SIZE / 2;	/* modules may come then; the rest is walked */
	/* 6b28baca9b1f, v4.18 and all stable kernels of its time: addresses of entries that are not present are inverted */
	l->is_pfn_plain = has_symbols && !env->symbol(env->ctx, "l1tf_mitigation", &start);
	if (!variable(env, "page_offset_base", &l->page_offset))
		l->page_offset = find_page_offset(env, l);
	/* Without vmlinux nobody knows what KASLR put behind the direct map, and how close: the tables are walked. */
	l->is_direct_map_walked = !has_symbols;
	l->page_offset_end = l->page_offset + (is_l5 ? 1ull << 55 : 1ull << 46);
	if (!variable(env, "vmalloc_base", &l->vmalloc_start))
		l->vmalloc_start = is_l5 ? 0xffa0000000000000ull : 0xffffc90000000000ull;
	if (l->vmalloc_start > l->page_offset)
		l->page_offset_end = KA_MIN(l->page_offset_end, l->vmalloc_start);
	l->vmalloc_end = l->vmalloc_start + ((is_l5 ? 12800ull : 32ull) << 40);
	if (!variable(env, "vmemmap_base", &l->vmemmap_start))
		l->vmemmap_start = is_l5 ? 0xffd4000000000000ull : 0xffffea0000000000ull;
	l->vmemmap_end = l->vmemmap_start + (is_l5 ? 1ull << 49 : 1ull << 40);
	if (l->vmemmap_start > l->vmalloc_start)
		l->vmalloc_end = KA_MIN(l->vmalloc_end, l->vmemmap_start);
	l->modules_start = START_KERNEL_MAP + (1ull << 29);	/* 512 MB image without KASLR, else 1 GB: modules are above both */
	/* CONFIG_RANDOMIZE_BASE, of which VMCOREINFO may say nothing: the image has 1 GB, wherever it lies */
	if (env->symbol(env->ctx, "module_load_offset", &v))
		l->modules_start = START_KERNEL_MAP + KERNEL_IMAGE_SIZE;
	l->modules_end = FIXMAP_END;
	/* espfix64 (3891a04aafd6, v3.16): each page of its stacks every 64 KB, 256 MB in all */
	l->alias_start = 0xffffff0000000000ull;
	l->alias_end = 0xffffff8000000000ull;
}

static struct ka_error *layout(const struct ka_arch_env *env, int phase, struct ka_layout *l)
{
	if (phase == 0)
		return layout_image(env, l);
	layout_regions(env, l);
	return NULL;
}

static bool linear(const struct ka_layout *l, uint64_t virt, uint64_t *ret_phys)
{
	if (virt >= l->image_start && virt < l->text_end) {
		*ret_phys = virt - l->text_base + l->phys_base;
		return true;
	}
	if (l->page_offset && !l->is_direct_map_walked && virt >= l->page_offset && virt < l->page_offset_end) {
		*ret_phys = virt - l->page_offset;
		return true;
	}
	return false;
}

/* Is there a page behind the entry? One without access is there too: PROT_NONE, or NUMA balancing that waits for a touch. */
static bool is_page_there(uint64_t entry)
{
	return entry & (PTE_PRESENT | PTE_PROTNONE);
}

static bool pte_phys(const struct ka_layout *l, uint64_t entry, uint64_t size, uint64_t *ret)
{
	uint64_t bits = entry & PTE_PRESENT || l->is_pfn_plain ? entry : ~entry;

	/* bit 12 of a large page's entry is PAT, not address */
	*ret = bits & l->pte_mask & PTE_ADDR_MASK & ~((size ? size : 4096) - 1);
	return is_page_there(entry);
}

/* arch/x86/include/asm/pgtable_64.h */
static bool swap_entry(const struct ka_layout *l, uint64_t entry, unsigned way, unsigned *ret_type, uint64_t *ret_offset)
{
	if (!l->is_pfn_plain) {		/* bcd11afa7ade and 6b28baca9b1f, v4.18: type on top, offset inverted */
		*ret_type = (unsigned)(entry >> 59);
		*ret_offset = ~entry << 5 >> 14;
	} else if (way == 0) {		/* 00839ee3b299, v4.8 */
		*ret_type = entry >> 9 & 31;
		*ret_offset = entry >> 14;
	} else {			/* before, and since c46a7c817e66 (v3.14) */
		*ret_type = entry >> 1 & 31;
		*ret_offset = entry >> 9;
	}
	return way <= l->is_pfn_plain;
}

static struct ka_error *pt_walk(const struct ka_arch_env *env, const struct ka_layout *l, uint64_t pgd_phys, uint64_t virt,
				struct ka_pt_walk *w, uint64_t *ret_phys, uint64_t *ret_page_size)
{
	static const char *const names[KA_PT_LEVELS] = { "PTE", "PMD", "PUD", "P4D", "PGD" };
	static const char *const top4 = "PGD";
	uint64_t table = pgd_phys & l->pte_mask & ~4095ull;
	struct ka_pt_walk unused;
	int top = (int)l->va_levels - 1;
	/* the last bits must repeat the sign bit, or the address is not canonical */
	int64_t high = (int64_t)virt >> (12 + 9 * l->va_levels - 1);

	if (!w)
		w = &unused;
	memset(w, 0, sizeof(*w));
	if (high != 0 && high != -1)
		return ka_error_at(KA_UNMAPPED, KA_SPACE_VIRT, virt, "0x%" PRIx64 " is not a canonical address", virt);
	for (int level = top; level >= 0; level--) {
		uint64_t at = table + ((virt >> (12 + 9 * level)) & 511) * 8, entry;
		const char *name = level == top ? top4 : names[level];
		struct ka_error *err = env->read_phys(env->ctx, at, &entry, sizeof(entry));

		if (err)
			return ka_error_wrap(err, "cannot read the %s entry of 0x%" PRIx64, name, virt);
		w->level[w->levels].name = name;
		w->level[w->levels].at = at;
		w->level[w->levels++].entry = entry;
		if (!is_page_there(entry) || (!(entry & PTE_PRESENT) && level && (level > 2 || !(entry & PTE_PSE))))
			return ka_error_at(KA_UNMAPPED, KA_SPACE_VIRT, virt,
					   "0x%" PRIx64 " is not mapped: its %s entry at physical 0x%" PRIx64 " is 0x%" PRIx64,
					   virt, name, at, entry);
		uint64_t size = 1ull << (12 + 9 * level);
		if (level == 0 || ((entry & PTE_PSE) && level <= 2)) {
			/* bit 12 of a large page's entry is PAT, not address */
			pte_phys(l, entry, size, &w->phys);
			w->phys |= virt & (size - 1);
			w->page_size = size;
			w->flags = entry & ~(l->pte_mask & ~(size - 1));
			*ret_phys = w->phys;
			if (ret_page_size)
				*ret_page_size = size;
			return NULL;
		}
		table = entry & l->pte_mask & PTE_ADDR_MASK;
	}
	return ka_error_at(KA_UNMAPPED, KA_SPACE_VIRT, virt, "0x%" PRIx64 " is not mapped", virt);
}

static bool read_linked(const struct ka_arch_env *env, const char *name, uint64_t displacement, void *ret, size_t size)
{
	uint64_t at;

	return env->symbol(env->ctx, name, &at) && at >= START_KERNEL_MAP &&
	       !ka_error_drop(env->read_phys(env->ctx, at - START_KERNEL_MAP + displacement, ret, size));
}

/*
 * The image is loaded at a multiple of 2 MB (CONFIG_PHYSICAL_ALIGN is at least that) and keeps its own phys_base, which is what
 * lies between its run-time addresses and memory; the rest of the displacement is KASLR. The page tables must say the same.
 */
static bool locate(const struct ka_arch_env *env, uint64_t linked, uint64_t phys, struct ka_str *ret_lines)
{
	const uint64_t align = 2 << 20;
	uint64_t displacement = phys - (linked - START_KERNEL_MAP), phys_base = 0, kaslr, sme = 0, pgd, there;
	struct ka_layout l = { .page_shift = 12, .pte_mask = PTE_ADDR_MASK, .va_levels = 4 };
	uint32_t is_l5 = 0;
	bool is_found = false;

	if (displacement % align || linked < START_KERNEL_MAP)
		return false;
	if (!env->symbol(env->ctx, "init_top_pgt", &pgd) && !env->symbol(env->ctx, "init_level4_pgt", &pgd) &&
	    !env->symbol(env->ctx, "swapper_pg_dir", &pgd))
		return false;
	if (read_linked(env, "__pgtable_l5_enabled", displacement, &is_l5, sizeof(is_l5)) && is_l5 == 1)
		l.va_levels = 5;
	if (read_linked(env, "sme_me_mask", displacement, &sme, sizeof(sme)) && sme && !(sme & (sme - 1)))
		l.pte_mask &= ~sme;
	else
		sme = 0;
	pgd = pgd - START_KERNEL_MAP + displacement;
	read_linked(env, "phys_base", displacement, &phys_base, sizeof(phys_base));
	kaslr = displacement - phys_base;
	if (kaslr % align == 0 && kaslr < KERNEL_IMAGE_SIZE)
		is_found = !ka_error_drop(pt_walk(env, &l, pgd, linked + kaslr, NULL, &there, NULL)) && there == phys;
	/* the page with phys_base is not there or damaged: where do the tables map the image? */
	for (uint64_t k = 0; k < KERNEL_IMAGE_SIZE && !is_found; k += align) {
		is_found = !ka_error_drop(pt_walk(env, &l, pgd, linked + k, NULL, &there, NULL)) && there == phys;
		kaslr = k;
	}
	if (is_found)
		ka_str_printf(ret_lines, "NUMBER(phys_base)=%" PRId64 "\nKERNELOFFSET=%" PRIx64 "\nNUMBER(pgtable_l5_enabled)=%d\nNUMBER(sme_mask)=%" PRIu64 "\n",
			      (int64_t)(displacement - kaslr), kaslr, l.va_levels == 5, sme);
	return is_found;
}

static bool is_kernel_addr(const struct ka_layout *l, uint64_t virt)
{
	return virt >= (l->va_levels == 5 ? 0xff00000000000000ull : 0xffff800000000000ull);
}

/* arch/x86/include/asm/pgtable_types.h. Bit 7 is PSE in the entries of large pages, and PAT in those of the last level. */
static const struct ka_pte_bit pte_bits[] = {
	{ 0x101, 0x100, "PROTNONE", NULL }, { 1, 1, "PRESENT", NULL }, { 2, 2, "RW", NULL }, { 4, 4, "USER", NULL }, { 8, 8, "PWT", NULL }, { 16, 16, "PCD", NULL },
	{ 32, 32, "ACCESSED", NULL }, { 64, 64, "DIRTY", NULL }, { 128, 128, "PSE", "PAT" }, { 256, 256, "GLOBAL", NULL },
	{ 1ull << 63, 1ull << 63, "NX", NULL },
};

const struct ka_arch ka_arch_x86_64 = {
	.name = "x86_64",
	.e_machine = EM_X86_64,
	.is_char_signed = true,
	.long_size = 8,
	.page_shift = 12,
	.reg_names = ka_x86_64_reg_names,
	.reg_count = X86_REGS,
	.ip_reg = X86_RIP,
	.sp_reg = X86_RSP,
	.fp_reg = X86_RBP,
	.ra_reg = X86_RIP,
	.layout = layout,
	.locate = locate,
	.linear = linear,
	.pt_walk = pt_walk,
	.is_kernel_addr = is_kernel_addr,
	.pte_phys = pte_phys,
	.swap_entry = swap_entry,
	.prstatus = ka_x86_64_prstatus,
	.qemu_state = ka_x86_64_qemu_state,
	.pt_regs_size = X86_PT_REGS_SIZE,
	.pt_regs_ip_at = X86_PT_REGS_IP_AT,
	.is_after_call = ka_x86_64_is_after_call,
	.pt_regs = ka_x86_64_pt_regs,
	.pte_bits = pte_bits,
	.pte_bit_count = KA_COUNT(pte_bits),
};
