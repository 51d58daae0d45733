/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a memory area has in memory, by its page tables and the struct pages: as /proc/PID/smaps counts it. */
#include <kanalyze/page.h>
#include <kanalyze/rss.h>
#include <kanalyze/type.h>
#include <kanalyze/view.h>

#define VM_HUGETLB 0x00400000u		/* never moved */
#define MAPPING_ANON 1u			/* PAGE_MAPPING_ANON of page->mapping; KSM pages have it, too */

/* How often a compound page is mapped as a whole, minus 1: in its second page. */
struct folio_view {
	int32_t entire;
};
/* in struct folio since v6.2, renamed in v6.3; compound_mapcount of the tail page before */
KA_VIEW(folio_view, ("folio"), KA_MAYBE(folio_view, entire, "_entire_mapcount.counter", "_compound_mapcount.counter"));

struct tail_view {
	int32_t entire;
	uint64_t flags;
};
KA_VIEW(tail_view, ("page"), KA_MAYBE(tail_view, entire, "compound_mapcount.counter"), KA_FROM(tail_view, flags, "flags.f", "flags"));

/*
 * *ret_is_inner: until v6.1 (cb67f4282bf9) the count of each page of a file has that of the whole in it; and so has that of an
 * anonymous page while some map it as a whole and others do not (PG_double_map, 53f9263baba6, v4.5): *ret_is_double.
 */
static int64_t entire_mapcount(struct ka_kernel *k, ka_addr head, bool *ret_is_inner, bool *ret_is_double)
{
	int64_t bit;

	struct folio_view f;
	struct tail_view t;

	if (!ka_error_drop(ka_view_bind(k, &ka_view_folio_view)) && KA_HAS(k, folio_view, entire))
		return ka_error_drop(ka_view_read(k, &ka_view_folio_view, head, &f)) ? 0 : f.entire + 1ll;
	if (!ka_error_drop(ka_view_bind(k, &ka_view_tail_view)) && KA_HAS(k, tail_view, entire)) {
		if (ka_error_drop(ka_view_read(k, &ka_view_tail_view, head + ka_page_struct_size(k), &t)))
			return 0;
		*ret_is_inner = true;
		*ret_is_double = ka_enum_value(k, "PG_double_map", &bit) && bit >= 0 && bit < 64 && (t.flags >> bit & 1);
		return t.entire + 1ll;
	}
	return 0;
}

/* Which page of a run was looked at last: neighbours share the head. */
struct pages {
	struct ka_kernel *k;
	uint64_t head_bit, swapbacked_bit;
	ka_addr head;
	uint64_t head_flags, head_mapping;
	int64_t entire;		/* of that head */
	bool is_large, is_inner, is_double;
};

static bool is_head(const struct pages *p, const struct ka_page *page)
{
	return page->addr != page->head || (page->flags >> p->head_bit & 1);
}

static void page_add(struct pages *p, const struct ka_user_page *at, struct ka_rss *sum)
{
	struct ka_page page, head;
	int64_t mapped;

	if (ka_error_drop(ka_page_read(p->k, (ka_phys){ at->e.phys }, &page))) {
		sum->other += at->size;
		return;
	}
	if (page.head != p->head || !p->head) {
		p->head = page.head;
		p->head_flags = page.flags;
		p->head_mapping = page.mapping;
		if (page.head != page.addr && !ka_error_drop(ka_page_read(p->k, page.head_phys, &head))) {
			p->head_flags = head.flags;
			p->head_mapping = head.mapping;
		}
		p->is_large = is_head(p, &page);
		p->entire = 0;
		p->is_inner = p->is_double = false;
		if (p->is_large)
			p->entire = entire_mapcount(p->k, page.head, &p->is_inner, &p->is_double);
	}
	mapped = page.mapcount >= 0 ? page.mapcount + 1ll : 0;
	if (p->is_large && (!p->is_inner || p->head_mapping & MAPPING_ANON))
		mapped += p->entire - p->is_double;
	/* the zero page and what drivers map by frame number have no count; large folios may have lost theirs (CONFIG_NO_PAGE_MAPCOUNT, v6.15) */
	if (!mapped && !p->is_large) {
		sum->other += at->size;
		return;
	}
	mapped = mapped > 0 ? mapped : 1;
	sum->rss += at->size;
	sum->pss += at->size / (uint64_t)mapped;
	if (mapped == 1)
		sum->only += at->size;
	if (at->size > ka_page_size(p->k))
		sum->huge += at->size;
	if (p->head_mapping & MAPPING_ANON)
		sum->anon += at->size;
	else if (p->head_flags >> p->swapbacked_bit & 1)
		sum->shmem += at->size;
	else
		sum->file += at->size;
}

struct ka_error *ka_rss_add(struct ka_kernel *k, ka_addr pgd, const struct ka_vma *v, struct ka_rss *sum)
{
	struct ka_user_pages w = ka_user_pages(k, pgd, v->start, v->end);
	struct pages p = { .k = k, .head_bit = 63, .swapbacked_bit = 63 };
	struct ka_user_page at;
	int64_t bit;

	if (ka_enum_value(k, "PG_head", &bit) && bit >= 0 && bit < 63)
		p.head_bit = (uint64_t)bit;
	if (ka_enum_value(k, "PG_swapbacked", &bit) && bit >= 0 && bit < 63)
		p.swapbacked_bit = (uint64_t)bit;
	while (ka_user_pages_next(&w, &at)) {
		/* a large page may reach beyond the area's ends */
		if (at.virt < v->start) {
			at.e.phys += v->start - at.virt;
			at.size -= v->start - at.virt;
			at.virt = v->start;
		}
		if (at.size > v->end - at.virt)
			at.size = v->end - at.virt;
		if (at.e.kind == KA_ENTRY_SWAP)
			sum->swap += at.size;
		else if (at.e.kind != KA_ENTRY_PAGE && at.e.kind != KA_ENTRY_MIGRATION)
			continue;
		else if (v->flags & VM_HUGETLB)
			sum->hugetlb += at.size;
		else
			page_add(&p, &at, sum);
	}
	return ka_user_pages_end(&w);
}
