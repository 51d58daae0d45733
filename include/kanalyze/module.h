/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Loaded modules, and what the kernel remembers of those that are gone. */
#ifndef KANALYZE_MODULE_H
#define KANALYZE_MODULE_H

#include <kanalyze/walk.h>

#define KA_MODULE_RANGES 8

struct ka_module_range {
	ka_addr base;
	uint64_t size;
	bool is_text;
	const char *name;	/* "text", "data", "rodata", "ro_after_init", "init text" ... */
};

struct ka_module {
	ka_addr addr;		/* of struct module */
	char name[64];
	ka_addr base;		/* of its core text */
	uint64_t size;		/* bytes: of all its sections but those of its init, as lsmod and crash's mod say */
	uint64_t taints;	/* bit mask */
	uint32_t state;		/* MODULE_STATE_* */
	bool is_unsigned;	/* the kernel checks signatures and this one has none (Red Hat's gpgsig_ok) */
	bool has_kallsyms;	/* its symbols are in memory */
	bool is_scattered;	/* its text, data and read-only data are allocations of their own (v6.4) */
	struct ka_module_range ranges[KA_MODULE_RANGES];
	unsigned range_count;
	const char *object;	/* debuginfo file in use, or NULL */
	ka_addr percpu;		/* its per-CPU variables: as their symbols count; 0 none */
	uint32_t percpu_size;
};

/* Modules in the order of the list, read once a session and kept. */
size_t ka_module_count(struct ka_kernel *k);
const struct ka_module *ka_module_nth(struct ka_kernel *k, size_t i);
const struct ka_module *ka_module_find(struct ka_kernel *k, const char *name);
/* The module one of whose ranges holds the address, or NULL. */
const struct ka_module *ka_module_at(struct ka_kernel *k, ka_addr addr);
/* Symbols from the module's own kallsyms in the dump, sorted by address; returns the count. They live as long as the kernel. */
struct ka_symbol;
size_t ka_module_symbols(struct ka_kernel *k, const struct ka_module *m, const struct ka_symbol **ret);
/*
 * What stands for a module where the kernel made code while it ran: "bpf", "__builtin__ftrace" ... as in /proc/kallsyms; NULL past
 * the last. Their symbols: ka_symbol_nth() and the like by that name.
 */
const char *ka_made_group(unsigned i);
/* What went wrong when the list was read (broken link, unreadable module), or NULL; belongs to the kernel. */
const struct ka_error *ka_module_fault(struct ka_kernel *k);
/*
 * Debuginfo of a module, for source lines and types: from the file; else sought by build-id and name, first below dir
 * (may be NULL). Does nothing when some is loaded and neither is given. NOT_FOUND tells what was tried.
 */
struct ka_error *ka_module_load(struct ka_kernel *k, const struct ka_module *m, const char *file, const char *dir) KA_MUST_CHECK;
/* False when none was loaded. */
bool ka_module_unload(struct ka_kernel *k, const struct ka_module *m);
/* Where the sections of its file were loaded to, as /sys/module/NAME/sections; added to *ret, a vector that the caller frees. */
struct ka_module_section {
	char name[64];
	ka_addr addr;
};
struct ka_module_sections {
	KA_VEC(struct ka_module_section);
};
struct ka_error *ka_module_sections_read(struct ka_kernel *k, const struct ka_module *m, struct ka_module_sections *ret) KA_MUST_CHECK;
/* A module that was unloaded: the last one of all (by its name alone before v6.0), and all that tainted the kernel where it keeps them (v5.19). */
struct ka_module_gone {
	ka_addr addr;		/* of struct mod_unload_taint; 0: not in that list */
	char name[64];
	uint64_t taints;	/* bit mask */
	uint64_t count;		/* times that it was unloaded; 0 unknown */
	bool has_taints;	/* they are known */
	bool is_last;		/* the last one of all */
};
/* Those of the list in its order; at its end the last one if it is not in the list. In the arena. */
size_t ka_modules_gone(struct ka_kernel *k, struct ka_arena *a, const struct ka_module_gone **ret);
/* "OE" and the like for a taint mask of the kernel (is_module false) or of a module. */
const char *ka_taint_letters(struct ka_kernel *k, uint64_t taints, bool is_module, struct ka_arena *a);

#endif
