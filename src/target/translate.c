/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Page tables entry by entry for commands, names of the bits of an entry, and the direct map both ways. */
#include <inttypes.h>
#include <kanalyze/translate.h>
#include "kernel.h"

static ka_addr direct(struct ka_kernel *k, uint64_t phys)
{
	uint64_t room = k->layout.page_offset_end - k->layout.page_offset;

	return k->layout.page_offset && phys < room ? k->layout.page_offset + phys : 0;
}

struct ka_error *ka_translation_walk(struct ka_kernel *k, ka_addr pgd, uint64_t at, struct ka_translation *ret)
{
	struct ka_pt_walk w = {0};
	struct ka_error *err = ka_translate_walk(k, pgd, at, &w);

	*ret = (struct ka_translation){ .levels = KA_MIN(w.levels, (unsigned)KA_TRANSLATION_LEVELS) };
	for (unsigned i = 0; i < ret->levels; i++) {
		ret->level[i].name = w.level[i].name;
		ret->level[i].phys = w.level[i].at;
		ret->level[i].entry = w.level[i].entry;
		ret->level[i].virt = direct(k, w.level[i].at);
	}
	if (err)
		return err;
	ret->is_mapped = true;
	ret->phys = w.phys;
	ret->page_size = w.page_size;
	ret->page_phys = w.page_size ? w.phys & ~(w.page_size - 1) : w.phys;
	return NULL;
}

ka_addr ka_kernel_pgd(struct ka_kernel *k)
{
	static const char *const names[] = { "init_top_pgt", "init_level4_pgt", "swapper_pg_dir" };
	struct ka_symbol s;
	ka_phys phys;

	/* As the kernel calls it, where it has the name; else by the direct map. */
	for (size_t i = 0; i < KA_COUNT(names); i++)
		if (ka_symbol_lookup(k, names[i], &s) && ka_is_direct(k, s.addr, &phys) && phys.v == k->layout.pgd_phys)
			return s.addr;
	return direct(k, k->layout.pgd_phys);
}

struct bit {
	uint64_t mask, value;
	const char *name;
};

/* arch/x86/include/asm/pgtable_types.h. Bit 7 is PSE in the entries of large pages, and PAT in those of the last level. */
static const struct bit x86_bits[] = {
	{ 1, 1, "PRESENT" }, { 2, 2, "RW" }, { 4, 4, "USER" }, { 8, 8, "PWT" }, { 16, 16, "PCD" }, { 32, 32, "ACCESSED" },
	{ 64, 64, "DIRTY" }, { 128, 128, "PSE" }, { 256, 256, "GLOBAL" }, { 1ull << 63, 1ull << 63, "NX" },
};

/* Stage 1 descriptors: Arm ARM D8.3, and the bits that arch/arm64/include/asm/pgtable-prot.h gives to software. */
static const struct bit arm64_bits[] = {
	{ 1, 1, "VALID" }, { 64, 64, "USER" }, { 128, 128, "RDONLY" }, { 0x300, 0x300, "SHARED" }, { 1 << 10, 1 << 10, "AF" },
	{ 1 << 11, 1 << 11, "NG" }, { 1ull << 51, 1ull << 51, "DBM" }, { 1ull << 52, 1ull << 52, "CONT" }, { 1ull << 53, 1ull << 53, "PXN" },
	{ 1ull << 54, 1ull << 54, "UXN" }, { 1ull << 55, 1ull << 55, "DIRTY" }, { 1ull << 56, 1ull << 56, "SPECIAL" },
};

const char *ka_translation_flags(struct ka_kernel *k, struct ka_arena *a, uint64_t entry, uint64_t page_size)
{
	bool is_x86 = !strcmp(k->arch->name, "x86_64"), is_arm64 = !strcmp(k->arch->name, "aarch64") || !strcmp(k->arch->name, "arm64");
	const struct bit *bits = is_x86 ? x86_bits : arm64_bits;
	size_t n = is_x86 ? KA_COUNT(x86_bits) : is_arm64 ? KA_COUNT(arm64_bits) : 0;
	struct ka_str s = {0};
	const char *ret;

	for (size_t i = 0; i < n; i++) {
		if ((entry & bits[i].mask) != bits[i].value)
			continue;
		if (s.len)
			ka_str_addc(&s, '|');
		ka_str_add(&s, is_x86 && bits[i].mask == 128 && page_size == ka_page_size(k) ? "PAT" : bits[i].name);
	}
	ret = ka_strdup(a, s.p ? s.p : "");
	ka_str_free(&s);
	return ret;
}

bool ka_is_direct(struct ka_kernel *k, ka_addr at, ka_phys *ret)
{
	return k->arch->linear(&k->layout, at, &ret->v);
}

struct ka_error *ka_phys_to_virt(struct ka_kernel *k, ka_phys at, ka_addr *ret)
{
	*ret = direct(k, at.v);
	if (*ret)
		return NULL;
	return ka_error_at(KA_NOT_FOUND, KA_SPACE_PHYS, at.v, "physical 0x%" PRIx64 " lies beyond the direct map, which reaches to 0x%" PRIx64,
			   at.v, k->layout.page_offset_end - k->layout.page_offset);
}
