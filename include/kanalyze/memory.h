/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reading the memory of the dead kernel. All of it is safe from several threads. */
#ifndef KANALYZE_MEMORY_H
#define KANALYZE_MEMORY_H

#include <kanalyze/base.h>

typedef uint64_t ka_addr;			/* kernel virtual address */
typedef struct { uint64_t v; } ka_phys;		/* physical address: another type, so that mixing does not compile */

struct ka_kernel;				/* one session on one dump; opaque */

/*
 * Read size bytes at a kernel virtual (or physical) address. All or nothing; the
 * error's address is that of the first byte that could not be read. Raw bytes: the
 * dump's byte order.
 */
struct ka_error *ka_read(struct ka_kernel *k, ka_addr at, void *ret, size_t size) KA_MUST_CHECK;
struct ka_error *ka_read_phys(struct ka_kernel *k, ka_phys at, void *ret, size_t size) KA_MUST_CHECK;
/* As much as can be read from the start; returns the count, *err (may be NULL) says why it stopped. */
size_t ka_read_some(struct ka_kernel *k, ka_addr at, void *ret, size_t size, struct ka_error **err);

/* Integers in host order, zero-extended. */
struct ka_error *ka_read_u8(struct ka_kernel *k, ka_addr at, uint8_t *ret) KA_MUST_CHECK;
struct ka_error *ka_read_u16(struct ka_kernel *k, ka_addr at, uint16_t *ret) KA_MUST_CHECK;
struct ka_error *ka_read_u32(struct ka_kernel *k, ka_addr at, uint32_t *ret) KA_MUST_CHECK;
struct ka_error *ka_read_u64(struct ka_kernel *k, ka_addr at, uint64_t *ret) KA_MUST_CHECK;
/* An unsigned long or pointer of the dumped kernel. */
struct ka_error *ka_read_ulong(struct ka_kernel *k, ka_addr at, uint64_t *ret) KA_MUST_CHECK;
/* An unsigned integer of size_bytes 1, 2, 4 or 8 in the dump's byte order, from bytes already read. */
uint64_t ka_uint_from(struct ka_kernel *k, const void *bytes, size_t size_bytes);
/* A string of at most size - 1 bytes; always terminated; what lies behind an unreadable byte is cut off silently
 * unless not even the first byte could be read. */
struct ka_error *ka_read_cstr(struct ka_kernel *k, ka_addr at, char *ret, size_t size) KA_MUST_CHECK;

/* Kernel virtual to physical. */
struct ka_error *ka_translate(struct ka_kernel *k, ka_addr at, ka_phys *ret) KA_MUST_CHECK;

unsigned ka_page_shift(struct ka_kernel *k);
uint64_t ka_page_size(struct ka_kernel *k);
unsigned ka_long_size(struct ka_kernel *k);	/* bytes of an unsigned long: 4 or 8 */
/* Could this be a kernel virtual address at all? Says nothing of what is mapped. */
bool ka_is_kernel_addr(struct ka_kernel *k, ka_addr at);
/* The address that a pointer means which may carry a tag in its top byte (KASAN, MTE of aarch64). Reading does that by itself. */
ka_addr ka_untag(struct ka_kernel *k, ka_addr at);

#endif
