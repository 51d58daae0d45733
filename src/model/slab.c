/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Slabs: from an address by its struct page to the cache and the object. SLUB, and SLAB while there was one (to v6.7). */
#include <kanalyze/page.h>
#include <kanalyze/regions.h>
#include <kanalyze/slab.h>
#include <kanalyze/view.h>
#include "kernel.h"

#define OBJECT_SIZE_MAX (64ull << 20)

struct slab_view {
	ka_addr cache, first;
	uint32_t objects;
};
/* struct slab apart from struct page since d122019bf061 (v5.17); page.slab before 1b4f59e356cc (v3.6) */
KA_VIEW(slab_view, ("slab", "page"),
	KA_FROM(slab_view, cache, "slab_cache", "slab"),
	KA_MAYBE(slab_view, objects, "objects"),
	KA_MAYBE(slab_view, first, "s_mem"));	/* SLAB: where the objects begin */

struct cache_view {
	ka_addr name_at;
	uint64_t size, object_size, red_left_pad;
};
KA_VIEW(cache_view, ("kmem_cache"),
	KA_FROM(cache_view, name_at, "name"),
	KA_FROM(cache_view, size, "size", "buffer_size"),
	KA_FROM(cache_view, object_size, "object_size", "objsize", "obj_size"),
	KA_MAYBE(cache_view, red_left_pad, "red_left_pad"));	/* SLUB's debugging, d86bd1bece6f, v4.6 */

/* How this kernel marks the pages of slabs; made once. */
struct slab_mark {
	int64_t page_type;		/* PGTY_slab: the top byte of page_type (v6.12); -1: not so */
	uint32_t type_bits, type_base;	/* a bit that is off in page_type (46df8e73a4a3, v6.10); 0: not so */
	int flag;			/* PG_slab, before; -1: not so */
};

static const char mark_key;

static void *mark_make(struct ka_kernel *k)
{
	struct slab_mark *m = ka_xalloc(sizeof(*m));
	int64_t v;

	m->page_type = ka_enum_value(k, "PGTY_slab", &v) ? v & 0xff : -1;
	m->flag = -1;
	if (m->page_type < 0 && ka_enum_value(k, "PG_slab", &v)) {
		if (v >= 0 && v < 64) {
			m->flag = (int)v;
		} else {
			m->type_bits = (uint32_t)v;
			m->type_base = ka_enum_value(k, "PAGE_TYPE_BASE", &v) ? (uint32_t)v : 0xf0000000;
		}
	} else if (m->page_type < 0) {
		/* the type's bits were macros in v6.10: there is no name to ask for. VMCOREINFO tells what is left of the word */
		const char *text = ka_vmcoreinfo(k, "NUMBER(PAGE_SLAB_MAPCOUNT_VALUE)");

		if (text) {
			m->type_bits = ~(uint32_t)strtol(text, NULL, 10);
			m->type_base = 0xf0000000;
		}
	}
	return m;
}

static bool is_slab(struct ka_kernel *k, const struct ka_page *p)
{
	const struct slab_mark *m = ka_kernel_state(k, &mark_key, mark_make, free);

	if (m->page_type >= 0)
		return p->type >> 24 == (uint32_t)m->page_type;
	if (m->type_bits)
		return (p->type & (m->type_base | m->type_bits)) == m->type_base;
	return m->flag >= 0 && p->flags >> m->flag & 1;
}

bool ka_slab_find(struct ka_kernel *k, ka_addr at, struct ka_slab_object *ret)
{
	struct ka_page p, head;
	struct slab_view s;
	struct cache_view c;
	uint64_t offset;
	ka_phys phys;

	*ret = (struct ka_slab_object){0};
	/* slabs lie in the direct map */
	if (ka_region_of(k, at) != KA_REGION_DIRECT || ka_error_drop(ka_translate(k, at, &phys)) || ka_error_drop(ka_page_read(k, phys, &p)))
		return false;
	head = p;
	if (p.head != p.addr && ka_error_drop(ka_page_read(k, p.head_phys, &head)))
		return false;
	if (!is_slab(k, &head) || ka_error_drop(ka_view_read(k, &ka_view_slab_view, head.addr, &s)) || !ka_is_kernel_addr(k, s.cache) ||
	    ka_error_drop(ka_view_read(k, &ka_view_cache_view, s.cache, &c)) || !c.size || c.size > OBJECT_SIZE_MAX)
		return false;
	ret->cache = s.cache;
	ret->slab = head.addr;
	ret->page_at = at - (phys.v - head.phys.v);
	ret->object_size = c.object_size;
	if (ka_error_drop(ka_read_cstr(k, c.name_at, ret->name, sizeof(ret->name))))
		return false;
	if (s.first < ret->page_at || s.first > at)
		s.first = ret->page_at;
	offset = at - s.first;
	ret->index = offset / c.size;
	offset -= ret->index * c.size;
	if ((!s.objects || ret->index < s.objects) && offset >= c.red_left_pad && offset - c.red_left_pad < c.size)
		ret->object = at - (offset - c.red_left_pad);
	return true;
}
