/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Private to cfi.c and cfi_row.c: an FDE taken apart. */
#ifndef KA_CFI_H
#define KA_CFI_H

#include "reader.h"

#define KA_CFI_REGS	KA_COUNT(((struct ka_frame_rules *)0)->reg)

struct ka_cfi_fde {
	const struct ka_object *o;
	uint64_t start, size;		/* addresses covered */
	uint64_t section_addr;		/* of .eh_frame, for pc-relative pointers */
	uint64_t code_align;
	int64_t data_align;
	uint64_t ra_reg;
	uint8_t address_size, encoding;	/* DW_EH_PE_*; DW_EH_PE_absptr in .debug_frame */
	bool is_signal;
	struct ka_reader cie_program, program;
};

/* A pointer in the encoding of the FDE's CIE. */
uint64_t ka_cfi_pointer(struct ka_reader *b, const struct ka_cfi_fde *f);
/* An FDE of .eh_frame and its CIE from bytes of their own, each with its length field; cie_at, fde_at: their addresses. False: damaged. */
bool ka_cfi_parse(struct ka_object *o, const uint8_t *cie, size_t cie_size, uint64_t cie_at, const uint8_t *fde, size_t fde_size,
		  uint64_t fde_at, struct ka_cfi_fde *ret);
/* The rules at addr, which f covers. */
struct ka_error *ka_cfi_row(const struct ka_cfi_fde *f, uint64_t addr, struct ka_frame_rules *ret) KA_MUST_CHECK;

#endif
