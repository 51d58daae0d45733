/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Variables and functions with their types, of the kernel and its modules. */
#ifndef KANALYZE_VARIABLE_H
#define KANALYZE_VARIABLE_H

#include <kanalyze/type.h>

struct ka_variable {
	ka_addr addr;			/* run-time; of per-CPU ones as their symbols count */
	bool has_addr;
	bool has_value;			/* a constant that has no place */
	int64_t value;
	bool is_function, is_percpu, is_external;
	struct ka_type type;
	const char *file;		/* of the unit that defines it; NULL: not known */
	const char *module;		/* NULL: the kernel itself */
};

/*
 * All variables and functions called NAME, or NAME@FILE: only those of the source file FILE ("fork.c", "kernel/fork.c").
 * Global ones first, then static ones in the order of the files. 0: none, or debuginfo knows none. The list lives in the
 * arena, names in it, too. Types are those of BTF where BTF has them, else of DWARF. May read all of a kernel's DWARF: a
 * second, unless a file keeps the index.
 */
size_t ka_variable_find(struct ka_kernel *k, const char *name, struct ka_arena *a, struct ka_variable **ret);
/*
 * The one whose symbol this is (ka_symbol_find), without a look at others of the same name when BTF knows it. False:
 * debuginfo does not know it. *ret_count (may be NULL): how many static ones of that name there are in as many files when
 * none is global, else 1.
 */
struct ka_symbol;
bool ka_variable_of(struct ka_kernel *k, const struct ka_symbol *s, struct ka_arena *a, struct ka_variable *ret, size_t *ret_count);

/* All types of a name ("struct foo", "foo", "foo@FILE") that differ: count returned. Of BTF no file is known. */
struct ka_type_place {
	struct ka_type type;
	const char *file;		/* NULL: not known */
};
size_t ka_type_find_all(struct ka_kernel *k, const char *name, struct ka_arena *a, struct ka_type_place **ret);

#endif
