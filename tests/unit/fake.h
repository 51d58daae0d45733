/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A kernel of a test's own making: memory, symbols and the layouts of structs, all given by the test. It stands in for
 * target, so that files of src/model are tested for kernels of which there is no dump.
 */
#ifndef KA_FAKE_H
#define KA_FAKE_H

#include <kanalyze/symbol.h>
#include <kanalyze/system.h>
#include <kanalyze/task.h>
#include <kanalyze/type.h>
#include <kanalyze/view.h>

struct fake_symbol {
	const char *name;
	ka_addr addr;
	uint64_t size;
};

struct fake_member {
	const char *type, *path;	/* path "": sizeof the type is size */
	uint32_t offset, size, bit_offset, bit_size;
};

struct ka_kernel {
	ka_addr base;			/* of the only memory there is */
	uint8_t *memory;
	size_t size;
	unsigned long_size;
	const struct fake_symbol *symbols;	/* end with a NULL name */
	const struct fake_member *members;	/* end with a NULL type */
	const char *crashtime;
	struct { const void *key; void *state; void (*drop)(void *); } states[8];
};

void fake_put(struct ka_kernel *k, ka_addr at, uint64_t value, unsigned size);
void fake_put_bytes(struct ka_kernel *k, ka_addr at, const void *bytes, size_t size);
/* Forgets what model files keep. */
void fake_reset(struct ka_kernel *k);

#endif
