/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Page tables entry by entry for commands, names of the bits of an entry, and the direct map both ways. */
#include <inttypes.h>
#include <kanalyze/translate.h>
#include "kernel.h"

static ka_addr direct(struct ka_kernel *k, uint64_t phys)
{
	uint64_t room = k->layout.page_offset_end - k->layout.page_offset;

	phys -= k->layout.phys_offset;
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

const char *ka_translation_flags(struct ka_kernel *k, struct ka_arena *a, uint64_t entry, uint64_t page_size)
{
	struct ka_str s = {0};
	const char *ret;

	for (size_t i = 0; i < k->arch->pte_bit_count; i++) {
		const struct ka_pte_bit *b = &k->arch->pte_bits[i];

		if ((entry & b->mask) != b->value)
			continue;
		if (s.len)
			ka_str_addc(&s, '|');
		ka_str_add(&s, b->page_name && page_size == ka_page_size(k) ? b->page_name : b->name);
	}
	ret = ka_strdup(a, s.p ? s.p : "");
	ka_str_free(&s);
	return ret;
}

bool ka_is_direct(struct ka_kernel *k, ka_addr at, ka_phys *ret)
{
	return k->arch->linear(&k->layout, ka_untag(k, at), &ret->v);
}

struct ka_error *ka_phys_to_virt(struct ka_kernel *k, ka_phys at, ka_addr *ret)
{
	*ret = direct(k, at.v);
	if (*ret)
		return NULL;
	return ka_error_at(KA_NOT_FOUND, KA_SPACE_PHYS, at.v, "physical 0x%" PRIx64 " lies outside of the direct map, which has 0x%" PRIx64 " to 0x%" PRIx64,
			   at.v, k->layout.phys_offset, k->layout.phys_offset + (k->layout.page_offset_end - k->layout.page_offset));
}
