/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A tiny dead kernel of x86_64: an ELF vmlinux (symbols, text, BTF) and an ELF vmcore, both made here in memory files and
 * opened the way the program opens them. Its memory stays writable: physical 0 to 64 MB, mapped at TINY_DIRECT; the
 * kernel image lies at physical 16 MB. (fake.h stands in for target; this one has target under test.)
 */
#ifndef KA_TINY_H
#define KA_TINY_H

#include "kernel.h"

#define TINY_MEMORY (64u << 20)
#define TINY_DIRECT 0xffff888000000000ull
#define TINY_DIRECT_AARCH64 0xffff000000000000ull	/* of a kernel of aarch64: no page tables, linear mappings alone */
#define TINY_IMAGE 0xffffffff80000000ull
#define TINY_TEXT 0xffffffff81000000ull		/* _stext; 64 KB up to _etext, whose bytes are at first int3 */
#define TINY_TEXT_END 0xffffffff81010000ull
#define TINY_DATA 0xffffffff81200000ull		/* free for the test's variables, up to _end at + 2 MB */

struct tiny_symbol {
	const char *name;
	uint64_t addr, size;
	char type;				/* T: text, P: per CPU, else data */
};

/* Physical memory that the dump does not have: left out by makedumpfile, or not there at all. Sorted, page-aligned. */
struct tiny_hole {
	uint64_t start, end;
	bool is_excluded;
};

struct tiny;

struct tiny_options {
	const struct tiny_symbol *symbols;	/* ended by a NULL name; NULL: none but those the layout needs */
	const void *btf;			/* NULL: none */
	size_t btf_size;
	const struct tiny_hole *holes;
	size_t hole_count;
	const char *vmcoreinfo;			/* lines more */
	bool is_aarch64;
	bool is_minimal;			/* opened without the vmlinux */
	void (*prepare)(struct tiny *t);	/* fills memory before the dump is opened; t->k is not there yet */
	bool is_big_endian;			/* integers and views only: of a machine that there is not */
};

struct tiny {
	struct ka_kernel *k;
	uint8_t *memory;			/* physical */
	uint64_t direct;			/* where its direct map begins */
	uint64_t next_free, next_table;
	int vmlinux_fd, core_fd;
	void *core;
	size_t core_size;
};

/* Ends the program when it cannot be opened. */
void tiny_open(struct tiny *t, const struct tiny_options *o);
void tiny_close(struct tiny *t);

/* Free memory, zeroed, as an address in the direct map. */
ka_addr tiny_alloc(struct tiny *t, uint64_t size, uint64_t align);
uint64_t tiny_phys(ka_addr at);			/* of the direct map and the image */
void tiny_put(struct tiny *t, ka_addr at, uint64_t value, unsigned size);
void tiny_put_bytes(struct tiny *t, ka_addr at, const void *bytes, size_t size);
/* Page table entries for virt -> phys; size 4 KB, 2 MB or 1 GB. Not for what was read before: translations are remembered. */
void tiny_map(struct tiny *t, uint64_t virt, uint64_t phys, uint64_t size);

/* Writes a kernel struct through a view: what the view reads from there is then *host. Addresses and sizes are not written. */
void tiny_view_write(struct tiny *t, const struct ka_view *v, ka_addr at, const void *host);
#define TINY_WRITE(t, tag, at, ...) tiny_view_write(t, &ka_view_##tag, at, &(struct tag){ __VA_ARGS__ })

/* The bytes of KA_SOURCE/testdata/types/NAME.btf.xz, to be freed; NULL when there is none. */
uint8_t *tiny_btf_load(const char *name, size_t *ret_size);

#endif
