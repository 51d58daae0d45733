/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Symbols from the dump's own memory, for sessions without a vmlinux. */
#ifndef KA_TARGET_KALLSYMS_H
#define KA_TARGET_KALLSYMS_H

#include "kernel.h"

#define KA_KALLSYMS_PERCPU SHN_LOPROC	/* ka_elf_symbol.section of symbols of the per-CPU area */

/* Where its tables lie, as run-time addresses. */
struct ka_kallsyms {
	ka_addr names, token_table, token_index;
	ka_addr offsets;	/* of 4 bytes each; is_whole: addresses of 8 */
	uint64_t relative_base;	/* 0: none */
	bool is_whole;
	uint32_t count;
	ka_addr stext;		/* of _stext as VMCOREINFO tells it: the proof */
};

/* The whole table. What cannot be read of it is left out, if only _stext is right. Error CORRUPT. */
struct ka_error *ka_kallsyms_read(struct ka_kernel *k, const struct ka_kallsyms *y, struct ka_symtab **ret) KA_MUST_CHECK;
/* Searches the image from _stext (ret->stext, set by the caller) on for the tables. Error NOT_FOUND. */
struct ka_error *ka_kallsyms_search(struct ka_kernel *k, struct ka_kallsyms *ret) KA_MUST_CHECK;

#endif
