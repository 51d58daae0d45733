/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* DWARF expressions: from the bytes of a location to where an object lies, over a machine that the caller describes. */
#ifndef KA_DWARF_EXPR_H
#define KA_DWARF_EXPR_H

#include "dwarf_die.h"

#define KA_DWARF_PIECES_MAX	64
#define KA_DWARF_STEPS_MAX	20000	/* operations for one object, whatever is called and repeated */
#define KA_DWARF_NESTING_MAX	8	/* expressions within one another: entry values of entry values, calls */

enum ka_dwarf_where {
	KA_DWARF_NOWHERE,	/* optimized out */
	KA_DWARF_IN_MEMORY,	/* at value */
	KA_DWARF_IN_REGISTER,	/* reg */
	KA_DWARF_AS_VALUE,	/* it has no place, and this is its value */
	KA_DWARF_AS_BYTES,	/* bytes of the file */
	KA_DWARF_AS_POINTER,	/* a pointer to an object that has no place: of the DIE, value bytes from its start */
};

struct ka_dwarf_piece {
	uint8_t where;			/* enum ka_dwarf_where */
	uint8_t value_size;		/* of AS_VALUE: bytes of a typed one; 0: an address's */
	uint16_t reg;
	uint32_t die;
	uint64_t value;
	const uint8_t *bytes;
	size_t size;
	uint64_t bit_size, bit_offset;	/* bit_size 0: the whole object; the offset is one in the place */
};

struct ka_dwarf_place {
	struct ka_dwarf_piece pieces[KA_DWARF_PIECES_MAX];
	unsigned count;			/* 0: optimized out */
};

enum ka_dwarf_outcome {
	KA_DWARF_DONE,
	KA_DWARF_ABSENT,	/* optimized out: debuginfo has no place for it here */
	KA_DWARF_UNKNOWN,	/* debuginfo tells, but a register or memory that it takes is not known */
	KA_DWARF_BAD,		/* damaged, or beyond bounds */
};

/* What an expression may ask. Each hook may be NULL, and says false for what is not known. */
struct ka_dwarf_machine {
	const struct ka_dwarf *d;
	struct ka_dwarf_unit *unit;	/* whose expression it is */
	void *ctx;
	bool (*reg)(void *ctx, unsigned n, uint64_t *ret);
	bool (*read)(void *ctx, uint64_t at, void *ret, size_t size);
	bool (*cfa)(void *ctx, uint64_t *ret);
	bool (*frame_base)(void *ctx, struct ka_dwarf_machine *m, uint64_t *ret);
	/* The value that an expression had when the function was entered; is_parameter: of the parameter DIE instead. */
	bool (*entry)(void *ctx, struct ka_dwarf_machine *m, const uint8_t *expr, size_t size, uint64_t *ret);
	bool (*parameter)(void *ctx, struct ka_dwarf_machine *m, uint32_t die, uint64_t *ret);
	/* The value of the variable of a DIE (DW_OP_GNU_variable_value). */
	bool (*variable)(void *ctx, struct ka_dwarf_machine *m, uint32_t die, uint64_t *ret);
	/* The expression that DW_OP_call calls. */
	bool (*procedure)(void *ctx, uint32_t die, const uint8_t **ret, size_t *ret_size);
	/* An address of the file as it is in the running kernel; of index, for DW_OP_addrx. */
	bool (*address)(void *ctx, uint64_t linked, uint64_t *ret);
	bool (*indexed)(void *ctx, struct ka_dwarf_unit *u, uint64_t index, uint64_t *ret);
	unsigned steps, nesting;	/* spent */
	char why[96];			/* what is not known, or wrong */
};

/* ---- dwarf_arith.c: numbers on the stack, which may have a base type ---- */

enum ka_dwarf_number_kind { KA_DWARF_GENERIC, KA_DWARF_UNSIGNED, KA_DWARF_SIGNED, KA_DWARF_REAL };
struct ka_dwarf_number {
	uint64_t bits;			/* extended to 64 by its sign; of reals as in memory */
	uint8_t kind, size;		/* size: bytes, 1 to 8 */
};
struct ka_dwarf_number ka_dwarf_number(uint8_t kind, uint8_t size, uint64_t bits);
/* One operand, or two. False: not for such operands (types that differ, division by 0). */
bool ka_dwarf_unary(unsigned op, struct ka_dwarf_number *a);
bool ka_dwarf_binary(unsigned op, struct ka_dwarf_number a, struct ka_dwarf_number b, struct ka_dwarf_number *ret);
struct ka_dwarf_number ka_dwarf_convert(struct ka_dwarf_number a, uint8_t kind, uint8_t size);
/* Kind and size of a base type; false when it is none, or of more than 8 bytes. */
bool ka_dwarf_number_type(const struct ka_dwarf *d, uint32_t die, uint8_t *ret_kind, uint8_t *ret_size);

/* Where an expression says that an object lies. Not DONE: why has words. */
enum ka_dwarf_outcome ka_dwarf_expr(struct ka_dwarf_machine *m, const uint8_t *expr, size_t size, struct ka_dwarf_place *ret);
/* The value that it computes: what lies in a register, else the number itself (also when it would be an address). */
enum ka_dwarf_outcome ka_dwarf_expr_value(struct ka_dwarf_machine *m, const uint8_t *expr, size_t size, uint64_t *ret);

#endif
