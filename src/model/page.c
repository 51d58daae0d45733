/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* struct page of a physical address, through the sections of the memory map; names of its flags. */
#include <inttypes.h>
#include <kanalyze/page.h>
#include <kanalyze/view.h>
#include "kernel.h"

#define SECTION_ROOTS_MAX (1u << 20)
#define PAGE_FLAGS_MAX 64

struct page_view {
	uint64_t flags, mapping, index, head;
	int32_t refcount, mapcount;
	uint32_t type;
};
KA_VIEW(page_view, ("page"),
	KA_FROM(page_view, flags, "flags.f", "flags"),		/* memdesc_flags_t, 53fbef56e07d, v6.18 */
	KA_MAYBE(page_view, mapping, "mapping"),
	KA_MAYBE(page_view, index, "index", "__folio_index"),	/* acc53a0b4c15, v6.16 */
	KA_MAYBE(page_view, refcount, "_refcount.counter", "_count.counter"),	/* 0139aa7b7fa1, v4.7 */
	KA_MAYBE(page_view, mapcount, "_mapcount.counter"),
	KA_MAYBE(page_view, type, "page_type"),			/* 6e292b9be7f4, v4.18 */
	/* 1d798ca3f164, v4.4: bit 0 marks a tail. compound_info of v7.1 may hold a mask instead */
	KA_MAYBE(page_view, head, "compound_head", "compound_info"));

struct section_view {
	uint64_t map;
};
KA_VIEW(section_view, ("mem_section"),
	KA_FROM(section_view, map, "section_mem_map"));

/* What finding a struct page needs; made once. */
struct memory_map {
	uint64_t page_size_of;		/* sizeof(struct page) */
	ka_addr roots;			/* array of pointers to pages of mem_section; 0: a flat mem_map */
	uint64_t root_count, per_root, section_size;
	unsigned section_bits;
	ka_addr flat;
	ka_addr base;			/* where page 0's struct page would lie, by the section that was asked for last; atomic */
};

static const char map_key;

static void *map_make(struct ka_kernel *k)
{
	struct memory_map *m = ka_xalloc(sizeof(*m));
	const char *bits = ka_vmcoreinfo(k, "NUMBER(SECTION_SIZE_BITS)"), *length = ka_vmcoreinfo(k, "LENGTH(mem_section)");
	struct ka_symbol s;

	m->page_size_of = ka_view_size(k, &ka_view_page_view);
	m->section_size = ka_view_size(k, &ka_view_section_view);
	/* told since 4f5aecdff25f (v5.10); it was 27 on x86_64 ever since v2.6.24, 30 on arm64 before v5.12 */
	m->section_bits = bits ? (unsigned)strtoul(bits, NULL, 10) : strcmp(k->arch->name, "x86_64") ? 30 : 27;
	if (m->section_bits < k->layout.page_shift || m->section_bits > 40)
		m->section_bits = 27;
	if (m->section_size && ka_symbol_lookup(k, "mem_section", &s)) {
		m->per_root = ka_page_size(k) / m->section_size;
		m->root_count = length ? strtoull(length, NULL, 10) : s.size / k->long_size;
		m->roots = s.addr;
		/* a pointer to the array since 83e3c48729d9 (v4.15), before the array itself */
		if (s.size <= k->long_size && ka_error_drop(ka_read_ulong(k, s.addr, &m->roots)))
			m->roots = 0;
		if (s.size <= k->long_size && !length)
			m->root_count = SECTION_ROOTS_MAX;
		m->root_count = KA_MIN(m->root_count, SECTION_ROOTS_MAX);
	} else if (ka_symbol_lookup(k, "mem_map", &s) && ka_error_drop(ka_read_ulong(k, s.addr, &m->flat))) {
		m->flat = 0;
	}
	return m;
}

static const struct memory_map *memory_map(struct ka_kernel *k)
{
	return ka_kernel_state(k, &map_key, map_make, free);
}

uint64_t ka_page_struct_size(struct ka_kernel *k)
{
	return memory_map(k)->page_size_of;
}

struct ka_error *ka_page_of_phys(struct ka_kernel *k, ka_phys at, ka_addr *ret)
{
	const struct memory_map *m = memory_map(k);
	uint64_t pfn = at.v >> k->layout.page_shift, section, root;
	struct section_view v;
	struct ka_error *err = ka_view_bind(k, &ka_view_page_view);

	if (err)
		return err;
	if (!m->roots && m->flat) {
		*ret = m->flat + pfn * m->page_size_of;
		return NULL;
	}
	if (!m->roots || !m->per_root)
		return ka_error_new(KA_MISSING, "this kernel's memory map cannot be found: there is neither mem_section nor mem_map");
	section = at.v >> m->section_bits;
	if (section / m->per_root >= m->root_count)
		goto nothing;
	err = ka_read_ulong(k, m->roots + section / m->per_root * k->long_size, &root);
	if (!err && !root)
		goto nothing;
	if (!err)
		err = ka_view_read(k, &ka_view_section_view, root + section % m->per_root * m->section_size, &v);
	if (err)
		return ka_error_wrap(err, "the section of the memory map for physical 0x%" PRIx64, at.v);
	/* SECTION_HAS_MEM_MAP; the low bits are flags, the rest lies so that the number of any page may be added */
	if (!(v.map & 2))
		goto nothing;
	*ret = (v.map & ~(ka_page_size(k) - 1)) + pfn * m->page_size_of;
	return NULL;
nothing:
	return ka_error_at(KA_NOT_FOUND, KA_SPACE_PHYS, at.v, "the memory map has no page at physical 0x%" PRIx64, at.v);
}

/* Does the memory map have this page there? */
static bool is_page_of(struct ka_kernel *k, ka_addr page, uint64_t pfn, ka_phys *ret)
{
	ka_addr at;

	ret->v = pfn << k->layout.page_shift;
	return pfn < 1ull << 52 && !ka_error_drop(ka_page_of_phys(k, *ret, &at)) && at == page;
}

struct ka_error *ka_page_phys(struct ka_kernel *k, ka_addr page, ka_phys *ret)
{
	struct memory_map *m = ka_kernel_state(k, &map_key, map_make, free);
	ka_addr base = __atomic_load_n(&m->base, __ATOMIC_RELAXED);
	struct ka_error *err = ka_view_bind(k, &ka_view_page_view);

	if (err)
		return err;
	if (!m->roots && m->flat && is_page_of(k, page, (page - m->flat) / m->page_size_of, ret))
		return NULL;
	/* with a virtual memory map all sections have one base; else neighbours are likely to be of one section */
	if (base && page >= base && is_page_of(k, page, (page - base) / m->page_size_of, ret))
		return NULL;
	for (uint64_t root = 0; m->roots && root < m->root_count && !ka_interrupted(); root++) {
		ka_addr at;

		/* the array of roots may be as long as it can be: its end is what cannot be read */
		if (ka_error_drop(ka_read_ulong(k, m->roots + root * k->long_size, &at)))
			break;
		for (uint64_t i = 0; at && i < m->per_root; i++) {
			struct section_view v;

			if (ka_error_drop(ka_view_read(k, &ka_view_section_view, at + i * m->section_size, &v)) || !(v.map & 2))
				continue;
			base = v.map & ~(ka_page_size(k) - 1);
			if (page < base || !is_page_of(k, page, (page - base) / m->page_size_of, ret))
				continue;
			__atomic_store_n(&m->base, base, __ATOMIC_RELAXED);
			return NULL;
		}
	}
	return ka_error_at(KA_NOT_FOUND, KA_SPACE_VIRT, page, "there is no struct page at 0x%" PRIx64, page);
}

/* A tail knows its head: its address, or (a power of two minus its size) the bits that all pages of the compound share. */
static ka_addr head_of(const struct ka_page *p, uint64_t word)
{
	uint64_t bits = word & ~1ull;

	if (!(word & 1))
		return p->addr;
	if (bits && !(-bits & (-bits - 1)))
		return p->addr & bits;
	return bits;
}

struct ka_error *ka_page_read(struct ka_kernel *k, ka_phys at, struct ka_page *ret)
{
	const struct memory_map *m = memory_map(k);
	struct page_view v;
	struct ka_error *err;

	*ret = (struct ka_page){ .phys = { at.v & ~(ka_page_size(k) - 1) } };
	err = ka_page_of_phys(k, at, &ret->addr);
	if (!err)
		err = ka_view_read(k, &ka_view_page_view, ret->addr, &v);
	if (err)
		return ka_error_wrap(err, "the struct page of physical 0x%" PRIx64, at.v);
	ret->flags = v.flags;
	ret->mapping = v.mapping;
	ret->index = v.index;
	ret->refcount = v.refcount;
	ret->mapcount = v.mapcount;
	ret->type = v.type;
	ret->head = head_of(ret, v.head);
	/* a head behind its tail, or beyond what a compound page may have, is none */
	if (ret->head > ret->addr || (ret->addr - ret->head) % m->page_size_of || ret->addr - ret->head > m->page_size_of << 20)
		ret->head = ret->addr;
	ret->head_phys.v = ret->phys.v - ((ret->addr - ret->head) / m->page_size_of << k->layout.page_shift);
	return NULL;
}

struct flag_names {
	char *name[PAGE_FLAGS_MAX];
};

static const char flags_key;

static void flags_drop(void *state)
{
	struct flag_names *f = state;

	for (unsigned i = 0; i < PAGE_FLAGS_MAX; i++)
		free(f->name[i]);
	free(f);
}

/* enum pageflags: the bits first, up to __NR_PAGEFLAGS, then other names for them. */
static void *flags_make(struct ka_kernel *k)
{
	struct flag_names *f = ka_xalloc(sizeof(*f));
	struct ka_arena *a = ka_arena_new();
	struct ka_type_field *e = NULL;
	struct ka_type t;
	size_t n = ka_error_drop(ka_type_find(k, "enum pageflags", &t)) ? 0 : ka_type_enumerators(k, &t, a, &e);

	for (size_t i = 0; i < n && e[i].name && strcmp(e[i].name, "__NR_PAGEFLAGS"); i++)
		if (e[i].value >= 0 && e[i].value < PAGE_FLAGS_MAX && !strncmp(e[i].name, "PG_", 3) && !f->name[e[i].value])
			f->name[e[i].value] = ka_xstrdup(e[i].name + 3);
	ka_arena_free(a);
	return f;
}

const char *ka_page_flags_text(struct ka_kernel *k, struct ka_arena *a, uint64_t flags)
{
	const struct flag_names *f = ka_kernel_state(k, &flags_key, flags_make, flags_drop);
	struct ka_str s = {0};
	const char *ret;

	for (unsigned i = 0; i < PAGE_FLAGS_MAX; i++) {
		if (!(flags >> i & 1) || !f->name[i])
			continue;
		if (s.len)
			ka_str_addc(&s, ',');
		ka_str_add(&s, f->name[i]);
	}
	ret = ka_strdup(a, s.p ? s.p : "");
	ka_str_free(&s);
	return ret;
}
