/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* struct page and slabs as kernels of several ages keep them, over a memory map made up here: sections, tails, marks of slabs. */
#include <stdlib.h>
#include <kanalyze/page.h>
#include <kanalyze/slab.h>
#include "check.h"
#include "tiny.h"

#define SECTIONS TINY_DATA
#define SLAB 0x3000000ull	/* physical, two pages */
#define OBJECT 256
#define COUNT 30		/* 32 would fit */

struct world {
	struct tiny t;
	uint64_t page_size, section_size;
	ka_addr map, roots, sections, cache, name;
};

static ka_addr page_at(const struct world *w, uint64_t phys)
{
	return w->map + (phys >> 12) * w->page_size;
}

static void put(struct world *w, ka_addr at, const char *type, const char *path, uint64_t value, unsigned size)
{
	struct ka_member m = { 0 };

	CHECK(!ka_error_drop(ka_type_member(w->t.k, type, path, &m)));
	tiny_put(&w->t, at + m.offset + m.bit_offset / 8, value << m.bit_offset % 8, size);
}

static bool has(struct world *w, const char *type, const char *path)
{
	return ka_type_has(w->t.k, type, path);
}

static void map_make(struct world *w)
{
	struct ka_kernel *k = w->t.k;

	CHECK(!ka_error_drop(ka_type_size(k, "page", &w->page_size)) && !ka_error_drop(ka_type_size(k, "mem_section", &w->section_size)));
	w->map = tiny_alloc(&w->t, (TINY_MEMORY >> 12) * w->page_size, 4096);
	w->roots = tiny_alloc(&w->t, 4096, 4096);
	w->sections = tiny_alloc(&w->t, 4096, 4096);
	tiny_put(&w->t, SECTIONS, w->roots, 8);
	tiny_put(&w->t, w->roots, w->sections, 8);
	put(w, w->sections, "mem_section", "section_mem_map", w->map | 0xf, 8);
	/* the second is there, without a memory map */
	put(w, w->sections + w->section_size, "mem_section", "section_mem_map", 0xd, 8);
}

static void slab_make(struct world *w)
{
	const char *type = has(w, "slab", "slab_cache") ? "slab" : "page";
	ka_addr head = page_at(w, SLAB), tail = page_at(w, SLAB + 4096);
	int64_t v = 0;

	w->cache = tiny_alloc(&w->t, 4096, 64);
	w->name = tiny_alloc(&w->t, 64, 64);
	tiny_put_bytes(&w->t, w->name, "made-up-256", 12);
	put(w, w->cache, "kmem_cache", "name", w->name, 8);
	put(w, w->cache, "kmem_cache", "size", OBJECT, 4);
	put(w, w->cache, "kmem_cache", "object_size", 200, 4);
	put(w, head, type, "slab_cache", w->cache, 8);
	put(w, head, type, "objects", COUNT, 2);
	put(w, head, "page", has(w, "page", "_refcount.counter") ? "_refcount.counter" : "_count.counter", 1, 4);
	if (ka_enum_value(w->t.k, "PGTY_slab", &v)) {
		put(w, head, "page", "page_type", (uint64_t)(v & 0xff) << 24, 4);
		v = 0;
	} else {
		CHECK(ka_enum_value(w->t.k, "PG_slab", &v) && v > 0 && v < 64);
		v = (int64_t)(1ull << v);
	}
	put(w, head, "page", has(w, "page", "flags.f") ? "flags.f" : "flags", (uint64_t)v | 1ull << 62, 8);
	put(w, tail, "page", has(w, "page", "compound_head") ? "compound_head" : "compound_info", head | 1, 8);
}

static void check_pages(struct world *w)
{
	struct ka_kernel *k = w->t.k;
	struct ka_page p;
	ka_addr at;

	CHECK_INT(ka_page_struct_size(k), w->page_size);
	CHECK(!ka_error_drop(ka_page_of_phys(k, (ka_phys){ SLAB + 5000 }, &at)) && at == page_at(w, SLAB + 4096));
	CHECK(ka_error_drop(ka_page_of_phys(k, (ka_phys){ 1ull << 27 }, &at)));	/* a section without a map */
	CHECK(ka_error_drop(ka_page_of_phys(k, (ka_phys){ 1ull << 34 }, &at)));	/* a root that there is not */
	CHECK(ka_error_drop(ka_page_of_phys(k, (ka_phys){ UINT64_MAX }, &at)));
	CHECK(!ka_error_drop(ka_page_read(k, (ka_phys){ SLAB + 5000 }, &p)));
	CHECK_INT(p.addr, page_at(w, SLAB + 4096));
	CHECK_INT(p.phys.v, SLAB + 4096);
	CHECK_INT(p.head, page_at(w, SLAB));
	CHECK_INT(p.head_phys.v, SLAB);
	CHECK(!ka_error_drop(ka_page_read(k, (ka_phys){ SLAB }, &p)));
	CHECK(p.head == p.addr && p.refcount == 1 && p.flags >> 62 == 1);
}

static void check_slab(struct world *w)
{
	struct ka_kernel *k = w->t.k;
	ka_addr tail = page_at(w, SLAB + 4096), base = TINY_DIRECT + SLAB;
	const char *head_word = has(w, "page", "compound_head") ? "compound_head" : "compound_info";
	struct ka_slab_object o;

	CHECK(ka_slab_find(k, base + 3 * OBJECT + 17, &o));
	CHECK_INT(o.cache, w->cache);
	CHECK_STR(o.name, "made-up-256");
	CHECK_INT(o.slab, page_at(w, SLAB));
	CHECK_INT(o.page_at, base);
	CHECK_INT(o.object, base + 3 * OBJECT);
	CHECK_INT(o.object_size, 200);
	CHECK_INT(o.index, 3);
	/* in the tail; and behind the last object */
	CHECK(ka_slab_find(k, base + 20 * OBJECT, &o) && o.object == base + 20 * OBJECT && o.page_at == base);
	CHECK(ka_slab_find(k, base + COUNT * OBJECT, &o) && !o.object);
	/* outside of any, and nowhere */
	CHECK(!ka_slab_find(k, base + 0x2000, &o));
	CHECK(!ka_slab_find(k, base - 1, &o));
	CHECK(!ka_slab_find(k, TINY_TEXT, &o));
	CHECK(!ka_slab_find(k, 0xffffc90000000000, &o) && !ka_slab_find(k, 0, &o));
	if (!has(w, "page", "compound_head")) {		/* the mask that all pages of it share, instead of the head's address */
		put(w, tail, "page", head_word, -(2 * w->page_size) | 1, 8);
		CHECK(ka_slab_find(k, base + 20 * OBJECT, &o) && o.index == 20);
	}
	/* damage: a head behind its tail, a cache of no size, a name that cannot be read */
	put(w, tail, "page", head_word, page_at(w, SLAB + 0x5000) | 1, 8);
	CHECK(!ka_slab_find(k, base + 20 * OBJECT, &o));
	put(w, w->cache, "kmem_cache", "size", 0, 4);
	CHECK(!ka_slab_find(k, base, &o));
	put(w, w->cache, "kmem_cache", "size", OBJECT, 4);
	CHECK(ka_slab_find(k, base, &o));
	put(w, w->cache, "kmem_cache", "name", 0xffffc90000000000, 8);
	CHECK(!ka_slab_find(k, base, &o));
}

static void check_kernel(const char *release)
{
	static const struct tiny_symbol symbols[] = { { "mem_section", SECTIONS, 8, 'D' }, { NULL, 0, 0, 0 } };
	struct tiny_options o = { .symbols = symbols, .vmcoreinfo = "LENGTH(mem_section)=2048\nNUMBER(SECTION_SIZE_BITS)=27\n" };
	uint8_t *btf = tiny_btf_load(release, &o.btf_size);
	struct world w = { .map = 0 };

	if (!btf) {
		fprintf(stderr, "testdata/types has no %s\n", release);
		exit(77);
	}
	o.btf = btf;
	tiny_open(&w.t, &o);
	map_make(&w);
	slab_make(&w);
	check_pages(&w);
	check_slab(&w);
	tiny_close(&w.t);
	free(btf);
}

CHECK_MAIN
{
	check_kernel("5.10.0-43-cloud-amd64");
	check_kernel("6.1.0-50-cloud-amd64");
	check_kernel("6.12.95+deb12-cloud-amd64");
	check_kernel("7.3.4+deb13-cloud-amd64");
}
