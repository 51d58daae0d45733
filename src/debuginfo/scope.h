/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is visible at an address: functions inlined within one another, their arguments and variables, and where these lie. */
#ifndef KA_SCOPE_H
#define KA_SCOPE_H

#include "dwarf_location.h"

struct ka_scope_function {
	const char *name;		/* NULL unknown */
	uint32_t die;
	bool is_inlined;
};

struct ka_scope_variable {
	const char *name;
	uint32_t die, type;		/* type: id of the types asked; 0: void */
	unsigned function;		/* whose it is: index in functions */
	unsigned depth;			/* blocks within that function; a deeper one hides others of its name */
	bool is_argument;
	const char *file;		/* where it is declared; NULL unknown. Belongs to the object */
	unsigned line;
};

struct ka_scope {
	struct ka_types *types;
	struct ka_object *object;
	uint64_t pc;
	struct ka_scope_function *functions;	/* innermost first, the one whose code it is last */
	size_t function_count;
	struct ka_scope_variable *variables;	/* those of the innermost function first, arguments before the others */
	size_t variable_count;
	uint32_t die;				/* of the function whose code it is */
	struct ka_dwarf_lists lists;
};

/* At an address in the layout of the object (see ka_object_base()). types: of ka_types_open_dwarf(). False: no DWARF covers it. */
bool ka_scope_find(struct ka_types *types, uint64_t pc, struct ka_arena *a, struct ka_scope *ret);

/* Of any DIE: what an implicit pointer points to. function and depth are not told. */
bool ka_scope_variable(const struct ka_scope *s, uint32_t die, struct ka_scope_variable *ret);

/* The frame that expressions are about. A hook says false for what is not known. */
struct ka_scope_env {
	void *ctx;
	bool (*reg)(void *ctx, unsigned n, uint64_t *ret);
	bool (*read)(void *ctx, uint64_t at, void *ret, size_t size);
	bool (*cfa)(void *ctx, uint64_t *ret);
	bool (*address)(void *ctx, uint64_t linked, uint64_t *ret);	/* as in the file -> in the running kernel */
	/* The frame that called this one. The scope is that at the call, its pc one byte before the return address. */
	bool (*caller)(void *ctx, struct ka_scope_env *ret, const struct ka_scope **ret_scope);
};

/* Where a variable lies; why (of 96 bytes): what is not known, or damaged. */
enum ka_dwarf_outcome ka_scope_locate(const struct ka_scope *s, const struct ka_scope_env *env, uint32_t die,
				      struct ka_dwarf_place *ret, char *why);
/* What a register held at the scope's pc: by env, else what the call there passed in it. */
bool ka_scope_register(const struct ka_scope *s, const struct ka_scope_env *env, unsigned n, uint64_t *ret);
/* Its expression at the scope's pc: false: none, or it is a constant. */
bool ka_scope_expression(const struct ka_scope *s, uint32_t die, const uint8_t **ret, size_t *ret_size);
/* The expression of the function's frame base. */
bool ka_scope_frame_base(const struct ka_scope *s, const uint8_t **ret, size_t *ret_size);

/* types.c's face: are these types those of DWARF? */
bool ka_types_is_dwarf(const struct ka_types *t);

#endif
