/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Private to dwarf_expr*.c: an expression as it runs. */
#ifndef KA_DWARF_RUN_H
#define KA_DWARF_RUN_H

#include "dwarf_expr.h"
#include "dwarf_form.h"

#define KA_DWARF_STACK_MAX 128

struct ka_dwarf_run {
	struct ka_dwarf_machine *m;
	struct ka_dwarf_reader r;
	const uint8_t *start;
	struct ka_dwarf_number stack[KA_DWARF_STACK_MAX];
	unsigned n;
	struct ka_dwarf_place *place;
	/* what the next piece, or the object, is: a location description that ends an expression */
	struct ka_dwarf_piece last;
	bool has_last, has_piece;
	uint64_t bits;				/* of the pieces so far */
	enum ka_dwarf_outcome outcome;
};

void ka_dwarf_run_fail(struct ka_dwarf_run *s, enum ka_dwarf_outcome outcome, const char *fmt, ...) KA_PRINTF(3, 4);
void ka_dwarf_run_push(struct ka_dwarf_run *s, struct ka_dwarf_number n);
struct ka_dwarf_number ka_dwarf_run_pop(struct ka_dwarf_run *s);
/* Reads size bytes at the address on top; of kind GENERIC: as an address's size. */
void ka_dwarf_run_deref(struct ka_dwarf_run *s, unsigned size, uint8_t kind);
bool ka_dwarf_run_register(struct ka_dwarf_run *s, uint64_t n, uint64_t *ret);

/* dwarf_expr_number.c: operations that push constants, and those over base types. False: it is another one. */
bool ka_dwarf_run_constant(struct ka_dwarf_run *s, unsigned op);
bool ka_dwarf_run_typed(struct ka_dwarf_run *s, unsigned op);

#endif
