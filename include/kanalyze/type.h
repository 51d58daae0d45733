/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Layouts of the kernel's types by name, from BTF or DWARF, whichever there is. */
#ifndef KANALYZE_TYPE_H
#define KANALYZE_TYPE_H

#include <kanalyze/memory.h>

enum ka_type_kind { KA_TYPE_VOID, KA_TYPE_INT, KA_TYPE_FLOAT, KA_TYPE_POINTER, KA_TYPE_ARRAY, KA_TYPE_STRUCT, KA_TYPE_UNION,
		    KA_TYPE_ENUM, KA_TYPE_FUNC, KA_TYPE_TYPEDEF, KA_TYPE_OTHER };

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
