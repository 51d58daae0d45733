/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Virtual memory: translate page by page, remember translations, read through the image's page cache. */
#include <endian.h>
#include <inttypes.h>
#include <stdatomic.h>
#include "kernel.h"

static bool tlb_get(struct ka_kernel *k, uint64_t page, uint64_t *ret_phys)
{
	struct ka_tlb_entry *e = &k->tlb[ka_hash_u64(page) % KA_TLB_SIZE];
	uint64_t phys = atomic_load_explicit(&e->phys, memory_order_relaxed);

	if (phys == UINT64_MAX || (atomic_load_explicit(&e->key_xor_phys, memory_order_relaxed) ^ phys) != page)
		return false;
	*ret_phys = phys;
	return true;
}

static void tlb_put(struct ka_kernel *k, uint64_t page, uint64_t phys)
{
	struct ka_tlb_entry *e = &k->tlb[ka_hash_u64(page) % KA_TLB_SIZE];

	atomic_store_explicit(&e->phys, phys, memory_order_relaxed);
	atomic_store_explicit(&e->key_xor_phys, page ^ phys, memory_order_relaxed);
}

/* contiguous: how many bytes from at on are contiguous in physical memory, as far as known */
static struct ka_error *translate(struct ka_kernel *k, ka_addr at, uint64_t *ret_phys, uint64_t *ret_contiguous)
{
	uint64_t page_size = 1ull << k->layout.page_shift, page, phys, last;
	struct ka_error *err;

	at = ka_untag(k, at);
	page = at & ~(page_size - 1);
	if (k->arch->linear(&k->layout, at, ret_phys)) {
		*ret_contiguous = page_size - (at - page);
		/* the linear mappings are far larger than anything read in one go */
		if (k->arch->linear(&k->layout, at + (1 << 20), &last) && last == *ret_phys + (1 << 20))
			*ret_contiguous = 1 << 20;
		return NULL;
	}
	*ret_contiguous = page_size - (at - page);
	/* the tables of a running kernel change */
	if (k->image->info.is_live || !tlb_get(k, page, &phys)) {
		err = k->arch->pt_walk(&k->env, &k->layout, k->layout.pgd_phys, page, NULL, &phys, NULL);
		if (err) {
			if (err->space == KA_SPACE_VIRT)
				err->addr = at;
			return err;
		}
		tlb_put(k, page, phys);
	}
	*ret_phys = phys + (at - page);
	return NULL;
}

struct ka_error *ka_translate(struct ka_kernel *k, ka_addr at, ka_phys *ret)
{
	uint64_t contiguous;

	return translate(k, at, &ret->v, &contiguous);
}

struct ka_error *ka_translate_in(struct ka_kernel *k, ka_addr pgd, uint64_t at, ka_phys *ret, uint64_t *ret_page_size)
{
	ka_phys table;
	struct ka_error *err = ka_translate(k, pgd, &table);

	if (!err)
		err = k->arch->pt_walk(&k->env, &k->layout, table.v, at, NULL, &ret->v, ret_page_size);
	return err;
}

struct ka_error *ka_translate_walk(struct ka_kernel *k, ka_addr pgd, uint64_t at, struct ka_pt_walk *ret)
{
	ka_phys table = { k->layout.pgd_phys };
	struct ka_error *err = pgd ? ka_translate(k, pgd, &table) : NULL;
	uint64_t phys;

	if (!err)
		err = k->arch->pt_walk(&k->env, &k->layout, table.v, at, ret, &phys, NULL);
	return err;
}

/* Reads what can be read from the start; *ret_done says how much. */
static struct ka_error *read_span(struct ka_kernel *k, ka_addr at, void *ret, size_t size, size_t *ret_done)
{
	struct ka_error *err;

	for (*ret_done = 0; *ret_done < size;) {
		uint64_t phys, room;
		ka_addr here = at + *ret_done;

		err = translate(k, here, &phys, &room);
		if (err)
			return err;
		size_t n = KA_MIN((uint64_t)(size - *ret_done), room);
		err = ka_image_read(k->image, phys, (uint8_t *)ret + *ret_done, n);
		if (err) {
			/* the image speaks of physical addresses: say which virtual one was meant */
			uint64_t bad = err->space == KA_SPACE_PHYS && err->addr >= phys && err->addr - phys < n ?
				       here + (err->addr - phys) : here;
			err->space = KA_SPACE_VIRT;
			err->addr = bad;
			return ka_error_wrap(err, "0x%" PRIx64, bad);
		}
		*ret_done += n;
	}
	return NULL;
}

struct ka_error *ka_read(struct ka_kernel *k, ka_addr at, void *ret, size_t size)
{
	size_t done;

	return read_span(k, at, ret, size, &done);
}

size_t ka_read_some(struct ka_kernel *k, ka_addr at, void *ret, size_t size, struct ka_error **err)
{
	size_t total = 0;
	struct ka_error *e = NULL;

	/* by pages, so that a bad page does not cost the good ones before it */
	while (total < size && !e) {
		size_t page = ka_page_size(k), n = KA_MIN(size - total, page - ((at + total) & (page - 1))), done;

		e = read_span(k, at + total, (uint8_t *)ret + total, n, &done);
		if (!e)
			total += n;
	}
	if (err)
		*err = e;
	else
		ka_error_free(e);
	return total;
}

struct ka_error *ka_read_phys(struct ka_kernel *k, ka_phys at, void *ret, size_t size)
{
	return ka_image_read(k->image, at.v, ret, size);
}

uint64_t ka_uint_from(struct ka_kernel *k, const void *bytes, size_t size_bytes)
{
	const uint8_t *b = bytes;
	uint64_t v = 0;

	if (size_bytes == 8 && !k->is_big_endian) {
		memcpy(&v, b, 8);
		return le64toh(v);
	}
	for (size_t i = 0; i < size_bytes && i < 8; i++)
		v |= (uint64_t)b[k->is_big_endian ? size_bytes - 1 - i : i] << (8 * i);
	return v;
}

static struct ka_error *read_uint(struct ka_kernel *k, ka_addr at, size_t size, uint64_t *ret)
{
	uint8_t bytes[8];
	struct ka_error *err = ka_read(k, at, bytes, size);

	if (!err)
		*ret = ka_uint_from(k, bytes, size);
	return err;
}

#define READER(bits)								\
struct ka_error *ka_read_u##bits(struct ka_kernel *k, ka_addr at, uint##bits##_t *ret)	\
{										\
	uint64_t v = 0;								\
	struct ka_error *err = read_uint(k, at, (bits) / 8, &v);		\
										\
	if (!err)								\
		*ret = (uint##bits##_t)v;					\
	return err;								\
}
READER(8)
READER(16)
READER(32)
READER(64)

struct ka_error *ka_read_ulong(struct ka_kernel *k, ka_addr at, uint64_t *ret)
{
	return read_uint(k, at, k->long_size, ret);
}

struct ka_error *ka_read_cstr(struct ka_kernel *k, ka_addr at, char *ret, size_t size)
{
	size_t done = 0;
	struct ka_error *err = NULL;

	/* in small steps: most strings are short, and the page behind may not be there */
	while (done < size - 1) {
		size_t step = KA_MIN(size - 1 - done, 64 - ((at + done) & 63));

		err = ka_read(k, at + done, ret + done, step);
		if (err)
			break;
		if (memchr(ret + done, 0, step))
			return NULL;
		done += step;
	}
	ret[done] = 0;
	if (done)
		ka_error_drop(err);
	return done ? NULL : err;
}
