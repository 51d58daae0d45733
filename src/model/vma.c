/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Memory areas: where a process's lie, and the names of their flags. */
#include <inttypes.h>
#include <kanalyze/type.h>
#include <kanalyze/view.h>
#include <kanalyze/vma.h>
#include "kernel.h"

/* vm_flags: const, in a union with __vm_flags since bc292ab00f6c (v6.3), and with a bitmap since v6.19. */
KA_VIEW(ka_vma, ("vm_area_struct"),
	KA_FROM(ka_vma, start, "vm_start"),
	KA_FROM(ka_vma, end, "vm_end"),
	KA_FROM(ka_vma, flags, "vm_flags", "__vm_flags", "flags.__vma_flags[0]"),
	KA_FROM(ka_vma, mm, "vm_mm"),
	KA_MAYBE(ka_vma, file, "vm_file"),
	KA_MAYBE(ka_vma, pgoff_pages, "vm_pgoff"));

struct vma_link {
	ka_addr next;
};
KA_VIEW(vma_link, ("vm_area_struct"), KA_FROM(vma_link, next, "vm_next"));

/* A maple tree since d4af56c5c7c6 (v6.1); the list went with 763ecb035029 (v6.1), too. */
struct mm_areas {
	ka_addr tree_at, first;
};
KA_VIEW(mm_areas, ("mm_struct"),
	KA_AT_MAYBE(mm_areas, tree_at, "mm_mt"),
	KA_MAYBE(mm_areas, first, "mmap"));

struct ka_error *ka_vma_read(struct ka_kernel *k, ka_addr at, struct ka_vma *ret)
{
	struct ka_error *err;

	memset(ret, 0, sizeof(*ret));
	err = ka_view_read(k, &ka_view_ka_vma, at, ret);
	ret->addr = at;
	if (!err && ret->start >= ret->end)
		err = ka_error_at(KA_CORRUPT, KA_SPACE_VIRT, at, "the area at 0x%" PRIx64 " would lie from 0x%" PRIx64 " to 0x%" PRIx64,
				  at, ret->start, ret->end);
	return err;
}

/* w->at: the mm_struct first, w->end: the area that was yielded last */
static struct ka_error *area_step(struct ka_walk *w, ka_addr *ret, bool *ret_done)
{
	struct mm_areas m;
	struct vma_link link;
	struct ka_error *err;

	if (w->end) {
		err = ka_view_read(w->k, &ka_view_vma_link, w->end, &link);
	} else {
		err = ka_view_read(w->k, &ka_view_mm_areas, w->at, &m);
		if (!err && !KA_HAS(w->k, mm_areas, first))
			err = ka_error_new(KA_MISSING, "mm_struct has neither mm_mt nor mmap: it is not known how this kernel keeps areas");
		link.next = m.first;
	}
	if (err)
		return err;
	*ret_done = !link.next;
	if (link.next && !ka_is_kernel_addr(w->k, link.next))
		return ka_error_at(KA_CORRUPT, KA_SPACE_VIRT, w->end ? w->end : w->at, "the area at 0x%" PRIx64 " points to 0x%" PRIx64,
				   w->end, link.next);
	*ret = w->end = link.next;
	return NULL;
}

struct ka_walk ka_walk_vmas(struct ka_kernel *k, ka_addr mm)
{
	static const struct ka_walk_ops ops = { .name = "memory areas", .step = area_step };

	if (!ka_error_drop(ka_view_bind(k, &ka_view_mm_areas)) && KA_HAS(k, mm_areas, tree_at))
		return ka_walk_maple(k, mm + KA_OFFSET(k, mm_areas, tree_at));
	return (struct ka_walk){ .k = k, .ops = &ops, .at = mm };
}

/* By bit. Since v3.7; what a bit meant before stands in old_names. */
static const char *const names[64] = {
	"READ", "WRITE", "EXEC", "SHARED", "MAYREAD", "MAYWRITE", "MAYEXEC", "MAYSHARE", "GROWSDOWN", "UFFD_MISSING", "PFNMAP",
	"DENYWRITE", "UFFD_WP", "LOCKED", "IO", "SEQ_READ", "RAND_READ", "DONTCOPY", "DONTEXPAND", "LOCKONFAULT", "ACCOUNT",
	"NORESERVE", "HUGETLB", "SYNC", "ARCH_1", "WIPEONFORK", "DONTDUMP", "SOFTDIRTY", "MIXEDMAP", "HUGEPAGE", "NOHUGEPAGE",
	"MERGEABLE", "HIGH_ARCH_0", "HIGH_ARCH_1", "HIGH_ARCH_2", "HIGH_ARCH_3", "HIGH_ARCH_4", "HIGH_ARCH_5", "HIGH_ARCH_6",
};
/* VM_RESERVED and with it these went with 314e51b9851b and its like (v3.7), and mm_struct lost reserved_vm. */
static const char *const old_names[32] = {
	[9] = "GROWSUP", [12] = "EXECUTABLE", [19] = "RESERVED", [23] = "NONLINEAR", [24] = "MAPPED_COPY", [25] = "INSERTPAGE",
	[26] = "ALWAYSDUMP", [27] = "CAN_NONLINEAR", [30] = "SAO",
};

/*
 * Since v6.19 the bits are an enum (VMA_READ_BIT ...), which types tell: what a bit means is this kernel's own word.
 * Names that came for a bit that had another one before:
 */
static const struct { const char *enumerator, *name; } moved[] = {
	{ "VMA_MAYBE_GUARD_BIT", "MAYBE_GUARD" },	/* bit 11: VM_DENYWRITE went with 8d0920bde5eb (v5.15) */
	{ "VMA_UFFD_MISSING_BIT", "UFFD_MISSING" },
	{ "VMA_UFFD_WP_BIT", "UFFD_WP" },
	{ "VMA_UFFD_MINOR_BIT", "UFFD_MINOR" },
	{ "VMA_SOFTDIRTY_BIT", "SOFTDIRTY" },
	{ "VMA_DROPPABLE_BIT", "DROPPABLE" },
	{ "VMA_SEALED_BIT", "SEALED" },
	{ "VMA_ALLOW_ANY_UNCACHED_BIT", "ALLOW_ANY_UNCACHED" },
	{ "VMA_SHADOW_STACK_BIT", "SHADOW_STACK" },
	{ "VMA_PKEY_BIT0_BIT", "PKEY_BIT0" }, { "VMA_PKEY_BIT1_BIT", "PKEY_BIT1" }, { "VMA_PKEY_BIT2_BIT", "PKEY_BIT2" },
	{ "VMA_PKEY_BIT3_BIT", "PKEY_BIT3" }, { "VMA_PKEY_BIT4_BIT", "PKEY_BIT4" },
};

struct flag_names {
	const char *of_bit[64];
};

/* Asked of the types once a session: a machine has tens of thousands of areas. */
static void *flag_names_make(struct ka_kernel *k)
{
	struct flag_names *f = ka_xalloc(sizeof(*f));
	bool is_old = ka_type_has(k, "mm_struct", "reserved_vm");
	int64_t bit;

	for (size_t i = 0; i < KA_COUNT(names); i++)
		f->of_bit[i] = is_old && i < KA_COUNT(old_names) && old_names[i] ? old_names[i] : names[i];
	if (!ka_enum_value(k, "VMA_READ_BIT", &bit))
		return f;
	/* of two names of one bit the first counts */
	for (size_t i = KA_COUNT(moved); i-- > 0;)
		if (ka_enum_value(k, moved[i].enumerator, &bit) && bit >= 0 && bit < 64)
			f->of_bit[bit] = moved[i].name;
	return f;
}

const char *ka_vma_flags_text(struct ka_kernel *k, struct ka_arena *a, uint64_t flags)
{
	static const char key;
	const struct flag_names *f = ka_kernel_state(k, &key, flag_names_make, free);
	struct ka_str s = {0};
	uint64_t unknown = 0;
	const char *text;

	for (unsigned bit = 0; bit < 64; bit++) {
		const char *name = flags >> bit & 1 ? f->of_bit[bit] : NULL;

		if (name)
			ka_str_printf(&s, "%s%s", s.len ? "|" : "", name);
		else
			unknown |= flags & 1ull << bit;
	}
	if (unknown)
		ka_str_printf(&s, "%s0x%" PRIx64, s.len ? "|" : "", unknown);
	text = ka_strdup(a, s.p ? s.p : "");
	ka_str_free(&s);
	return text;
}
