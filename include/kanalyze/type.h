/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Layouts of the kernel's types by name, from BTF or DWARF, whichever there is. */
#ifndef KANALYZE_TYPE_H
#define KANALYZE_TYPE_H

#include <kanalyze/memory.h>

enum ka_type_kind { KA_TYPE_VOID, KA_TYPE_INT, KA_TYPE_FLOAT, KA_TYPE_POINTER, KA_TYPE_ARRAY, KA_TYPE_STRUCT, KA_TYPE_UNION,
		    KA_TYPE_ENUM, KA_TYPE_FUNC, KA_TYPE_TYPEDEF, KA_TYPE_OTHER,
		    KA_TYPE_CONST, KA_TYPE_VOLATILE, KA_TYPE_RESTRICT };	/* qualifiers: ka_type_info() alone tells of them */

/* Where a member (reached through a path such as "a.b[3].c") lies in its outermost struct. */
struct ka_member {
	uint64_t offset;		/* bytes from the start of the struct; of bitfields: of the byte that bit_offset counts from */
	uint32_t bit_offset;		/* 0-7 (or more), only of bitfields */
	uint32_t bit_size;		/* 0: not a bitfield */
	uint64_t size;			/* bytes of the member's type (arrays: all of it) */
	uint64_t count;			/* of arrays: elements of the outermost dimension; else 0 */
	enum ka_type_kind kind;		/* typedefs and qualifiers resolved */
	bool is_signed;
	const char *type_name;		/* of struct/union/enum/int: its tag, or NULL. Lives as long as the kernel */
};

/*
 * A type as a thing: which debuginfo it is of (BTF of vmlinux, split BTF or DWARF of a module, DWARF of vmlinux), its
 * number there, and what expressions put above it. Small; copied freely; lives as long as the kernel. All zero: void.
 */
struct ka_types;
struct ka_type {
	struct ka_types *types;		/* NULL: built in, int_size bytes, void when that is 0 */
	uint32_t id;			/* 0: void */
	uint8_t int_size;
	bool is_int_signed, is_float, is_bool;	/* of built-in ones */
	uint8_t stars;			/* pointers above it */
	uint32_t count;			/* not 0: an array of this many of what the rest says */
	uint8_t array_stars;		/* pointers to that array */
};

/* One step: typedefs and qualifiers are types of their own here. */
struct ka_type_info {
	enum ka_type_kind kind;
	const char *name;		/* tag, typedef, int, float, function; NULL: anonymous or without */
	uint64_t size;			/* bytes; 0: none, or not known */
	bool is_signed, is_bool, is_char;	/* int: is_char is of the char types, of any sign */
	bool is_declared_only;		/* a struct, union or enum that is nowhere defined */
	uint64_t count;			/* array: elements, 0: flexible. BTF multiplies the dimensions into one: members that have several are DWARF's */
	struct ka_type target;		/* pointee, element, what a typedef or qualifier is of, a function's result */
};

/* A member, an enumerator or a parameter. */
struct ka_type_field {
	const char *name;		/* NULL: anonymous. The last parameter "...": any more */
	struct ka_type type;
	uint64_t offset_bits;		/* members: from the start of the struct */
	uint32_t bit_size;		/* members: 0: not a bitfield */
	int64_t value;			/* enumerators */
};

void ka_type_info(struct ka_kernel *k, const struct ka_type *t, struct ka_type_info *ret);
/*
 * Typedefs and qualifiers taken off, and a declaration replaced by the definition, in whichever debuginfo that is. The
 * result is never of kind TYPEDEF, CONST, VOLATILE, RESTRICT; *ret_info (may be NULL) tells of it.
 */
struct ka_type ka_type_strip(struct ka_kernel *k, const struct ka_type *t, struct ka_type_info *ret_info);
/* As declared, anonymous members not opened; typedefs of structs, enums, functions (and pointers to these) will do. Count returned. */
size_t ka_type_members(struct ka_kernel *k, const struct ka_type *t, struct ka_arena *a, struct ka_type_field **ret);
/* The same without asking DWARF for the dimensions that BTF has lost: for searches through all types. */
size_t ka_type_members_flat(struct ka_kernel *k, const struct ka_type *t, struct ka_arena *a, struct ka_type_field **ret);
size_t ka_type_enumerators(struct ka_kernel *k, const struct ka_type *t, struct ka_arena *a, struct ka_type_field **ret);
size_t ka_type_params(struct ka_kernel *k, const struct ka_type *t, struct ka_arena *a, struct ka_type_field **ret);
/* By name, anonymous ones searched through; the offset is that from the start of t. False: no such member. */
bool ka_type_field(struct ka_kernel *k, const struct ka_type *t, const char *name, struct ka_type_field *ret);
/*
 * "struct foo", "union foo", "enum foo", or whatever bears the bare name; the kernel's own words ("u32", "unsigned
 * long") too. Of vmlinux, else of a module. Error MISSING.
 */
struct ka_error *ka_type_find(struct ka_kernel *k, const char *name, struct ka_type *ret) KA_MUST_CHECK;
/* "BTF" or "DWARF"; "built in". */
const char *ka_type_source(const struct ka_type *t);
/* The word for a built-in one: "unsigned long", "void". */
const char *ka_type_builtin_name(struct ka_kernel *k, const struct ka_type *t);

/* True when the kernel has struct or union (or typedef of one) of that name. */
bool ka_type_exists(struct ka_kernel *k, const char *type);
struct ka_error *ka_type_size(struct ka_kernel *k, const char *type, uint64_t *ret) KA_MUST_CHECK;
/*
 * Path grammar: member ('.' member | '[' number or enumerator ']')*, each member may be
 * followed by '@TYPE': it must be of struct/union/enum/typedef TYPE, else the path does not exist.
 * Members of anonymous structs and unions are found at any depth. Error MISSING names struct and member.
 */
struct ka_error *ka_type_member(struct ka_kernel *k, const char *type, const char *path, struct ka_member *ret) KA_MUST_CHECK;
bool ka_type_has(struct ka_kernel *k, const char *type, const char *path);
/* Offset in bytes only. */
struct ka_error *ka_type_offset(struct ka_kernel *k, const char *type, const char *path, uint64_t *ret) KA_MUST_CHECK;
/* Value of an enumerator of any enum. False when no enum has it. */
bool ka_enum_value(struct ka_kernel *k, const char *enumerator, int64_t *ret);

/* Names that begin with prefix, of structs, unions, enums and typedefs: add() gets each until it says false. For completion. */
void ka_type_names(struct ka_kernel *k, const char *prefix, bool (*add)(void *ctx, const char *name), void *ctx);
/* The same of the members of what a path leads to: "task_struct", "task_struct.se". */
void ka_type_member_names(struct ka_kernel *k, const char *path, const char *prefix, bool (*add)(void *ctx, const char *name), void *ctx);

#endif
