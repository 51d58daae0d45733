/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* C expressions over the dump: text to tree, tree to value. One tree may be evaluated many times, for filters. */
#ifndef KANALYZE_EXPR_H
#define KANALYZE_EXPR_H

#include <kanalyze/type.h>

enum ka_expr_flag {
	/*
	 * How numbers without 0x read. Neither flag: as in C (10, 012, 10UL are int, octal, unsigned long). The two are
	 * crash's: digits a-f make a number hexadecimal, a leading 0 means nothing, and every literal has 64 bits.
	 */
	KA_EXPR_HEX = 1,	/* hexadecimal: where an address is expected */
	KA_EXPR_DECIMAL = 2,	/* decimal unless there is an a-f in it */
	/* Symbols stand for their addresses, as in crash; without it variables for what they hold. */
	KA_EXPR_ADDRESSES = 4,
};

struct ka_value {
	struct ka_type type;
	enum ka_type_kind kind;	/* typedefs resolved */
	uint64_t size;		/* bytes */
	bool is_signed;
	const char *type_name;	/* of struct, union, enum, int: its tag, or NULL */
	uint64_t bits;		/* integers, enums, pointers: extended to 64 bits by their sign. Structs and arrays: their address */
	bool is_lvalue;		/* it lies at addr */
	bool is_loaded;		/* bits has been read */
	bool is_untyped;	/* a variable of which only symbol and size are known */
	ka_addr addr;
	uint32_t bit_offset, bit_size;	/* of bitfields, from addr; bit_size 0: none */
	const char *text;	/* of string literals, text_size bytes; else NULL */
	size_t text_size;
};

struct ka_expr;

/* To a tree in the arena. Error USAGE names the column, counted from 1. */
struct ka_error *ka_expr_parse(struct ka_arena *a, const char *text, unsigned flags, struct ka_expr **ret) KA_MUST_CHECK;

struct ka_expr_env {
	bool has_cpu;
	unsigned cpu;		/* whose copy a per-CPU variable without ":CPU" means */
	/*
	 * Names that the caller knows: registers ("$rip"), convenience variables, the members of what a filter runs over,
	 * variables with their types. Asked before the symbols; false: it does not know. May be NULL.
	 */
	bool (*name)(void *ctx, const char *name, struct ka_value *ret);
	void *ctx;
};

/*
 * The value. Scalars are read from memory; of structs and arrays only the place is told. k may be NULL: then there are
 * no symbols, no types but the built-in ones, and no memory. env may be NULL. Errors name the column and keep the
 * code of what went wrong below (MISSING, EXCLUDED, UNMAPPED ...).
 */
struct ka_error *ka_expr_eval(const struct ka_expr *e, struct ka_kernel *k, const struct ka_expr_env *env,
			      struct ka_value *ret) KA_MUST_CHECK;
/* Is it other than 0? For filters. */
struct ka_error *ka_expr_test(const struct ka_expr *e, struct ka_kernel *k, const struct ka_expr_env *env,
			      bool *ret) KA_MUST_CHECK;
/* Text to number in one go. */
struct ka_error *ka_expr_number(struct ka_kernel *k, const char *text, unsigned flags, uint64_t *ret) KA_MUST_CHECK;

/* For the hook of the environment: a value of a named type ("struct task_struct", "u32"), at an address or as bits. */
struct ka_error *ka_value_at(struct ka_kernel *k, const char *type, ka_addr at, struct ka_value *ret) KA_MUST_CHECK;
struct ka_value ka_value_ulong(struct ka_kernel *k, uint64_t bits);

#endif
