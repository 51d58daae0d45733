/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Arguments and local variables: of a frame with their values, and at an address of code what lies where. */
#ifndef KANALYZE_LOCAL_H
#define KANALYZE_LOCAL_H

#include <kanalyze/unwind.h>
#include <kanalyze/value.h>

enum ka_local_state {
	KA_LOCAL_THERE,		/* value can be read or printed */
	KA_LOCAL_PARTLY,	/* so can parts of it: the rest was optimized out */
	KA_LOCAL_OPTIMIZED_OUT,	/* the compiler kept it nowhere at this place */
	KA_LOCAL_UNKNOWN,	/* it was somewhere, but that is lost (a register that a callee has overwritten): why tells */
	KA_LOCAL_POINTER,	/* a pointer to what has no address (target) */
};

/* Where it is, as far as one word says it. */
enum ka_local_place { KA_LOCAL_NOWHERE, KA_LOCAL_IN_REGISTER, KA_LOCAL_IN_MEMORY, KA_LOCAL_COMPUTED, KA_LOCAL_IN_PIECES };

struct ka_local {
	const char *name, *function;	/* function that it belongs to; NULL unknown */
	struct ka_type type;
	bool is_argument, is_inlined;	/* is_inlined: that function was inlined */
	unsigned level;			/* 0: of the innermost function, 1: of the one that it was inlined into ... */
	unsigned depth;			/* blocks in that function: a deeper one hides others of its name */
	const char *file;		/* declared there; NULL unknown */
	unsigned line;

	enum ka_local_state state;
	struct ka_value value;		/* in memory, or loaded; print it with ka_local_print() */
	uint8_t *bytes, *known;		/* what is in no memory, in the dump's byte order; known: bits that are, as a mask. NULL: none */
	size_t size;			/* of the type */
	const char *why;		/* UNKNOWN */
	const struct ka_local *target;	/* POINTER */
	int64_t target_offset;		/* bytes from its start */

	/* By the expression alone, whatever registers hold. */
	enum ka_local_place place;
	int reg;			/* DWARF number: it is in this register, or at (or is) this register + reg_offset; -1: not so simple */
	int64_t reg_offset;
	bool is_of_cfa;			/* at the frame's CFA + reg_offset (reg is -1, unless the CFA is a register's: then that of both) */
	struct ka_kernel *kernel;
};

struct ka_locals {
	struct ka_local *at;		/* those of the innermost function first, its arguments before its variables */
	size_t n;
	const char *const *functions;	/* the functions at that place, innermost first; the last one is not inlined */
	size_t function_count;
};

/*
 * Of a frame. MISSING: no debugging information covers its code, which the message tells. Lists and bytes live in the arena, strings as
 * long as the kernel. Fills in registers that the unwinder had no need of: see ka_stack_registers().
 */
struct ka_error *ka_locals_read(struct ka_kernel *k, struct ka_stack *st, size_t frame, struct ka_arena *a, struct ka_locals *ret) KA_MUST_CHECK;
/* At an address of code, whatever ran there: states are UNKNOWN but for constants; place, reg and reg_offset tell. */
struct ka_error *ka_locals_at(struct ka_kernel *k, ka_addr pc, struct ka_arena *a, struct ka_locals *ret) KA_MUST_CHECK;

/*
 * Of what ka_locals_at() or ka_locals_read() gave: the variable that register reg holds; or whose place is memory of size bytes at
 * reg + offset (in it: *ret_inside bytes from its start). The one of the innermost function; NULL: none.
 */
const struct ka_local *ka_local_in_register(const struct ka_locals *l, unsigned reg);
const struct ka_local *ka_local_at_register(const struct ka_locals *l, unsigned reg, int64_t offset, uint64_t *ret_inside);
/* Of what ka_locals_read() gave: the variable that lies at an address; NULL: none. */
const struct ka_local *ka_local_at_address(const struct ka_locals *l, ka_addr addr, uint64_t *ret_inside);
/* By name: the innermost; NULL: none. */
const struct ka_local *ka_local_find(const struct ka_locals *l, const char *name);

/* Looks for the debuginfo of all modules on a stack: what is told of one frame is then not changed by what was asked of another. */
void ka_stack_debuginfo(struct ka_kernel *k, const struct ka_stack *st);
/*
 * The unwinder needs few registers (ORC follows three). Fills in, for all frames, those that the frames' CFI says were kept: state.known
 * grows. Done once a stack.
 */
void ka_stack_registers(struct ka_kernel *k, struct ka_stack *st);

/* ---- src/value/local.c ---- */

/* Sets how to print it: from where its bytes are. */
void ka_local_print(const struct ka_local *l, struct ka_print *how);
/*
 * The value, "<optimized out>", "<unknown: WHY>" or "<synthetic pointer> to NAME". is_short: on one line, and not much more than a line.
 * What could not be read is told in the text; errors are not worth more there.
 */
void ka_local_text(const struct ka_local *l, const struct ka_print *how, bool is_short, struct ka_str *to);
/* As a tree; NULL when there is no value. */
const struct ka_node *ka_local_tree(const struct ka_local *l, const struct ka_print *how, struct ka_arena *a);

#endif
