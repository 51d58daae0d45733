/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Symbols of the kernel and its modules, with the addresses they have in the dump. */
#ifndef KANALYZE_SYMBOL_H
#define KANALYZE_SYMBOL_H

#include <kanalyze/memory.h>

struct ka_symbol {
	ka_addr addr;		/* run-time address (KASLR applied) */
	uint64_t size;		/* bytes; 0 unknown */
	const char *name;	/* lives as long as the kernel */
	const char *module;	/* NULL: the kernel itself */
	char type;		/* as nm prints: T t D d B b R r A V W ... */
	bool is_percpu;		/* addr is an offset into the per-CPU area's template */
};

/* By exact name: the kernel first, then modules in list order. Error NOT_FOUND/MISSING names it. */
struct ka_error *ka_symbol_find(struct ka_kernel *k, const char *name, struct ka_symbol *ret) KA_MUST_CHECK;
/* As ka_symbol_find, but only in the kernel image, without reading the modules. False when absent. */
bool ka_symbol_lookup(struct ka_kernel *k, const char *name, struct ka_symbol *ret);
/* The symbol that covers an address; *ret_offset = addr - symbol. False when none does. */
bool ka_symbol_at(struct ka_kernel *k, ka_addr addr, struct ka_symbol *ret, uint64_t *ret_offset);
/* All symbols in the order of addresses: the kernel (module NULL), or one module by name. Returns the count. */
size_t ka_symbol_count(struct ka_kernel *k, const char *module);
bool ka_symbol_nth(struct ka_kernel *k, const char *module, size_t n, struct ka_symbol *ret);
/* Index for ka_symbol_nth of the last symbol at or below addr; false when all are above. */
bool ka_symbol_index(struct ka_kernel *k, const char *module, ka_addr addr, size_t *ret);
/* Address in text of the kernel or a module (core, init, or BPF/trampoline text that kallsyms knows)? */
bool ka_is_text(struct ka_kernel *k, ka_addr addr);

/* Source file and line of a text address, from DWARF. False when there is none. file lives as long as the kernel. */
bool ka_source_line(struct ka_kernel *k, ka_addr addr, const char **ret_file, unsigned *ret_line);

/* Value of a variable of the kernel, by name, of the size that its symbol has (1, 2, 4 or 8 bytes). */
struct ka_error *ka_symbol_value(struct ka_kernel *k, const char *name, uint64_t *ret) KA_MUST_CHECK;
/* As above, read as an unsigned long or pointer. */
struct ka_error *ka_symbol_ulong(struct ka_kernel *k, const char *name, uint64_t *ret) KA_MUST_CHECK;

#endif
