/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Kernels of x86 that were built to be unwound by frame pointers (CONFIG_UNWINDER_FRAME_POINTER, v4.14; CONFIG_FRAME_POINTER before): all their C
 * functions make a frame record first, and entry code marks saved registers (946c191161ce, v4.10). What a frame pointer leads to is no guess
 * there, from one call to the next.
 */
#include <kanalyze/symbol.h>
#include "stacks.h"

#define PROLOGUE 32

static const char key;

/* Where in the bytes of a function its record is made; 0: nowhere. push %rbp; mov %rsp,%rbp: behind an endbr64 and the call or nop of the function tracer */
static size_t record_made(struct ka_kernel *k, ka_addr function)
{
	static const uint8_t record[][4] = { { 0x55, 0x48, 0x89, 0xe5 }, { 0x55, 0x48, 0x8b, 0xec } };
	uint8_t bytes[PROLOGUE];

	if (ka_error_drop(ka_read(k, function, bytes, sizeof(bytes))))
		return 0;
	for (size_t i = 0; i + 4 <= sizeof(bytes); i++)
		for (size_t j = 0; j < KA_COUNT(record); j++)
			if (!memcmp(bytes + i, record[j], 4))
				return i + 4;
	return 0;
}

bool ka_is_framed_at(struct ka_kernel *k, ka_addr ip)
{
	struct ka_symbol s;
	uint64_t offset;
	uint8_t next;
	size_t made;

	/* behind the prologue, and not between the pop of the epilogue and its ret */
	return ka_symbol_at(k, ip, &s, &offset) && (made = record_made(k, s.addr)) && offset >= made && !ka_error_drop(ka_read(k, ip, &next, 1)) &&
	       next != 0xc3 && next != 0xe9 && next != 0xcc;
}

static void *make(struct ka_kernel *k)
{
	static const char *const functions[] = { "vfs_write", "do_exit", "panic", "msleep" };
	bool *ret = ka_xalloc(sizeof(*ret));
	struct ka_symbol s;
	unsigned n = 0;

	*ret = false;
	if (k->arch->has_frame_records || ka_kernel_orc(k))
		return ret;
	for (size_t i = 0; i < KA_COUNT(functions); i++)
		n += ka_symbol_lookup(k, functions[i], &s) && record_made(k, s.addr);
	*ret = n >= 3;
	return ret;
}

bool ka_has_frame_pointers(struct ka_kernel *k)
{
	const bool *has = ka_kernel_state(k, &key, make, free);

	return *has;
}
