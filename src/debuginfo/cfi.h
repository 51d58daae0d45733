/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Private to cfi.c and cfi_row.c: an FDE taken apart, and a bounded reader. */
#ifndef KA_CFI_H
#define KA_CFI_H

#include "object.h"

#define KA_CFI_REGS	KA_COUNT(((struct ka_frame_rules *)0)->reg)

/* Reads never pass end: they yield 0 and set is_bad. */
struct ka_cfi_bytes {
	const struct ka_object *o;
	const uint8_t *data;	/* of the section */
	size_t at, end;		/* offsets in it */
	bool is_bad;
};

struct ka_cfi_fde {
	const struct ka_object *o;
	uint64_t start, size;		/* addresses covered */
	uint64_t section_addr;		/* of .eh_frame, for pc-relative pointers */
	uint64_t code_align;
	int64_t data_align;
	uint64_t ra_reg;
	uint8_t address_size, encoding;	/* DW_EH_PE_*; DW_EH_PE_absptr in .debug_frame */
	bool is_signal;
	struct ka_cfi_bytes cie_program, program;
};

uint64_t ka_cfi_uint(struct ka_cfi_bytes *b, size_t size);
uint64_t ka_cfi_uleb(struct ka_cfi_bytes *b);
int64_t ka_cfi_sleb(struct ka_cfi_bytes *b);
/* A pointer in the encoding of the FDE's CIE. */
uint64_t ka_cfi_pointer(struct ka_cfi_bytes *b, const struct ka_cfi_fde *f);
/* The rules at addr, which f covers. */
struct ka_error *ka_cfi_row(const struct ka_cfi_fde *f, uint64_t addr, struct ka_frame_rules *ret) KA_MUST_CHECK;

#endif
