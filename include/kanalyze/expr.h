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
	KA_EXPR_HEX = 1,	/* hexadecimal when it stands alone: where an address is expected. Else as KA_EXPR_DECIMAL: symbol+20 */
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
	double real;		/* of floats, when is_loaded; bits is what lies in memory */
	bool is_enumerator;	/* the constant itself */
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
	bool has_list_cpu;
	unsigned list_cpu;	/* of those that "sym:1,3-5" names, the one whose turn it is: see ka_expr_cpus() */
	/*
	 * Names that the caller knows: registers ("$rip"), convenience variables, the members of what a filter runs over,
	 * variables with their types. Asked before the symbols; false: it does not know. May be NULL.
	 */
	bool (*name)(void *ctx, const char *name, struct ka_value *ret);
	void *ctx;
};

/*
 * What every evaluation over this kernel may use besides what its caller gives: registers of the current frame and
 * convenience variables. The shell sets it; env must live until it is set anew (NULL: none).
 */
void ka_expr_env_set(struct ka_kernel *k, const struct ka_expr_env *env);
/*
 * "sym:a" and "sym:1,3-5" are several values: the CPUs, in the arena; 0: the expression has no such list. Whoever can show
 * several evaluates once for each, with has_list_cpu; without that, a list of more than one is an error.
 */
struct ka_error *ka_expr_cpus(const struct ka_expr *e, struct ka_kernel *k, struct ka_arena *a, unsigned **ret, size_t *ret_count) KA_MUST_CHECK;

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
/* Will it have a truth value? What is wrong with it whatever memory holds: names and types; nothing is read. */
struct ka_error *ka_expr_check(const struct ka_expr *e, struct ka_kernel *k, const struct ka_expr_env *env) KA_MUST_CHECK;
/* Text to number in one go. */
struct ka_error *ka_expr_number(struct ka_kernel *k, const char *text, unsigned flags, uint64_t *ret) KA_MUST_CHECK;

/* The value as a number: integers, pointers, places of structs and arrays; floats without their fraction. Error: strings, unreadable. */
struct ka_error *ka_value_number(struct ka_kernel *k, const struct ka_value *x, uint64_t *ret) KA_MUST_CHECK;
/* A value of this type at an address: nothing is read yet. */
struct ka_error *ka_value_of_type(struct ka_kernel *k, const struct ka_type *t, ka_addr at, struct ka_value *ret) KA_MUST_CHECK;
/* For the hook of the environment: a value of a named type ("struct task_struct", "u32"), at an address or as bits. */
struct ka_error *ka_value_at(struct ka_kernel *k, const char *type, ka_addr at, struct ka_value *ret) KA_MUST_CHECK;
struct ka_value ka_value_ulong(struct ka_kernel *k, uint64_t bits);

#endif
