/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Values and declarations of types: as text, as crash (its gdb) writes them, and as trees for JSON. A value comes
 * from ka_expr_eval(), ka_value_at() or ka_value_path(). In rows, text goes into a KA_TEXT column with KA_ONLY_TEXT
 * and the tree into a KA_VALUE column.
 */
#ifndef KANALYZE_VALUE_H
#define KANALYZE_VALUE_H

#include <kanalyze/expr.h>
#include <kanalyze/row.h>

#define KA_PRINT_PARTS_MAX 24000000

/* How. {0}: as crash without any `set`. Commands fill it with ka_call_print() (commands/print.h). */
struct ka_print {
	unsigned radix;			/* 16; else decimal */
	char format;			/* gdb's letter for numbers and pointers: x d u o t z c a s, 0: none. For text alone */
	unsigned elements_max;		/* of an array, characters of a string; 0: 256 (set print_max) */
	unsigned repeats;		/* more equal elements than this in a row: <repeats N times>; 0: never, as in crash */
	/*
	 * Members and elements of one value, all told; long text and what takes time counts for several, so that this bounds
	 * time (about 1.5 s) and memory, too. 0: KA_PRINT_PARTS_MAX, which 100,000 of struct page are within (set print_parts)
	 */
	uint64_t parts_max;
	bool one_a_line;		/* elements of arrays (set print_array) */
	bool stops_at_nul;		/* char arrays (set null-stop) */
	unsigned indent;		/* blanks before each line but the first */
	/* Where bytes come from, when not from kernel memory: user memory, a file. NULL: ka_read(). As it, all or nothing. */
	struct ka_error *(*read)(void *ctx, uint64_t at, void *ret, size_t size);
	void *ctx;
	/* Was what lies there optimized out? Shown as such. NULL: nothing was. */
	bool (*is_absent)(void *ctx, uint64_t at);
};

/*
 * The value, without a line break at its end: "{\n  next = 0xffff...,\n ...}", "5", "(struct list_head *) 0xffff...".
 * Pointers have their type before them only when is_top, as with `p`. A part that cannot be read shows as
 * <unreadable: WHY>, the rest goes on, and the first such error is returned when all is written; when not even the first byte
 * of a struct, or nothing of a scalar, could be read, nothing is written. What is beyond parts_max is "...", with an error that says so.
 */
struct ka_error *ka_value_text(struct ka_kernel *k, const struct ka_value *x, const struct ka_print *how, bool is_top,
			       struct ka_str *to) KA_MUST_CHECK;
/*
 * The value as a tree in the arena. Integers and bool as such, enums {value, name}, pointers "0x..." (to functions
 * {address, symbol}, to char {address, string}), char arrays strings up to their NULs at the end, structs objects (members of
 * anonymous ones stand in the outer one), arrays lists. What cannot be read is null, and the first such error is returned.
 */
struct ka_error *ka_value_tree(struct ka_kernel *k, const struct ka_value *x, const struct ka_print *how, struct ka_arena *a,
			       const struct ka_node **ret) KA_MUST_CHECK;

/*
 * What a path leads to from a struct or union (or array, pointer: not followed): "pid", "se.load.weight", "thread_info.flags",
 * "cpus_mask.bits[2]". Anonymous structs are looked through. Error MISSING names what is not there.
 */
struct ka_error *ka_value_path(struct ka_kernel *k, const struct ka_value *whole, const char *path, struct ka_value *ret) KA_MUST_CHECK;
/*
 * Members as crash shows them for `struct NAME.a,b ADDR`: lines "  a = VALUE,\n" in the order given, path as typed,
 * the last member of a struct without its comma. One that cannot be read does not keep the others; the first error is returned.
 */
struct ka_error *ka_value_members_text(struct ka_kernel *k, const struct ka_value *whole, const char *paths,
				       const struct ka_print *how, struct ka_str *to) KA_MUST_CHECK;
/* The same as an object whose keys are the paths as typed. */
struct ka_error *ka_value_members_tree(struct ka_kernel *k, const struct ka_value *whole, const char *paths,
				       const struct ka_print *how, struct ka_arena *a, const struct ka_node **ret) KA_MUST_CHECK;

/* A C declarator: "struct list_head *next", "char comm[16]", "int (*)(void)" (name NULL or ""). For names of types see ka_type_find(). */
void ka_type_text(struct ka_kernel *k, const struct ka_type *type, const char *name, struct ka_str *to);

enum ka_declare_flag {
	KA_DECLARE_OFFSETS = 1,		/* "[16]" before each member (struct -o) */
	KA_DECLARE_HEX = 2,		/* offsets and size in hex */
	KA_DECLARE_ADDRESSES = 4,	/* addresses from base on before each member, instead of offsets (struct -o NAME ADDR) */
};
/*
 * The whole declaration as `struct NAME` and `whatis NAME` show it, with line breaks: of structs and unions their members and
 * the size, of enums their values, of typedefs what they stand for. path: only that member, in its struct; else NULL.
 */
struct ka_error *ka_type_declaration(struct ka_kernel *k, const struct ka_type *type, const char *path, unsigned flags,
				     ka_addr base, struct ka_str *to) KA_MUST_CHECK;
/* The same as a tree: {name, kind, size, members: [{name, type, offset, bit_offset, bit_size, size, members}]}. */
const struct ka_node *ka_type_tree(struct ka_kernel *k, const struct ka_type *type, struct ka_arena *a);

#endif
