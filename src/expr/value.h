/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Values and what can be done with them; types by their ids. */
#ifndef KA_EXPR_VALUE_H
#define KA_EXPR_VALUE_H

#include "kernel.h"
#include "tree.h"

struct ka_eval {
	struct ka_kernel *k;		/* NULL: no dump */
	const struct ka_expr_env *env;
	unsigned unevaluated;		/* within sizeof, typeof, the other side of '?': types alone count, nothing is read */
};

/* ---- type.c ---- */

unsigned ka_eval_long(const struct ka_eval *v);
struct ka_type ka_type_int(unsigned size, bool is_signed);
/* Plain char, or a pointer: the dump's, which alone knows whether it has a sign (x86_64 before 6.2), or one with a sign. */
struct ka_type ka_type_char(struct ka_eval *v, uint8_t stars);
bool ka_type_same(const struct ka_type *a, const struct ka_type *b);
/* kind, size, sign and name by x->type. */
struct ka_error *ka_value_describe(struct ka_eval *v, struct ka_value *x) KA_MUST_CHECK;
struct ka_error *ka_type_resolve(struct ka_eval *v, const struct ka_type_name *n, struct ka_type *ret) KA_MUST_CHECK;
/* What a pointer points to, what an array is made of. False: neither. */
bool ka_type_target(struct ka_eval *v, const struct ka_value *x, struct ka_type *ret);
struct ka_error *ka_type_bytes(struct ka_eval *v, struct ka_type t, uint64_t *ret) KA_MUST_CHECK;
struct ka_error *ka_type_align(struct ka_eval *v, struct ka_type t, uint64_t *ret) KA_MUST_CHECK;
/* Where a path ("a.b[3][N].c") of a struct leads; bit_size of bitfields. */
struct ka_error *ka_type_path(struct ka_eval *v, struct ka_type t, const char *path, struct ka_type_field *ret) KA_MUST_CHECK;

/* ---- value.c ---- */

/* A loaded integer of the built-in type; bits are cut to its size. */
struct ka_value ka_value_int(unsigned size, bool is_signed, uint64_t bits);
uint64_t ka_bits_extend(uint64_t bits, unsigned size, bool is_signed);
/* Reads what lies at the address. Arrays and functions become their address. Error: structs, floats. */
struct ka_error *ka_value_load(struct ka_eval *v, struct ka_value *x) KA_MUST_CHECK;
bool ka_value_is_pointer(const struct ka_value *x);
/* A loaded double, or float. */
struct ka_value ka_value_real(unsigned size, double real);
/* Of a loaded value: is it other than 0? */
bool ka_value_truth(const struct ka_value *x);
struct ka_error *ka_value_cast(struct ka_eval *v, const struct ka_value *x, struct ka_type t, struct ka_value *ret) KA_MUST_CHECK;
/* Lies there. */
struct ka_error *ka_value_place(struct ka_eval *v, struct ka_type t, ka_addr at, struct ka_value *ret) KA_MUST_CHECK;
struct ka_error *ka_value_member(struct ka_eval *v, const struct ka_value *x, const char *name, struct ka_value *ret) KA_MUST_CHECK;
struct ka_error *ka_value_deref(struct ka_eval *v, const struct ka_value *x, bool is_lenient, struct ka_value *ret) KA_MUST_CHECK;

/* ---- arith.c ---- */

struct ka_error *ka_value_unary(struct ka_eval *v, enum ka_expr_op op, struct ka_value *a, struct ka_value *ret) KA_MUST_CHECK;
struct ka_error *ka_value_binary(struct ka_eval *v, enum ka_expr_op op, struct ka_value *a, struct ka_value *b,
				 struct ka_value *ret) KA_MUST_CHECK;
/* ---- text.c: strings ---- */

/* < 0, 0, > 0 as strcmp(); of what is compared one is a literal. */
struct ka_error *ka_text_compare(struct ka_eval *v, struct ka_value *a, struct ka_value *b, int *ret) KA_MUST_CHECK;
/* Does a match the pattern of the shell that is b? */
struct ka_error *ka_text_like(struct ka_eval *v, struct ka_value *a, struct ka_value *b, bool *ret) KA_MUST_CHECK;

/* ---- name.c, eval.c ---- */

/* The value of a name; typed: a variable with its type, also where flags ask for addresses. */
struct ka_error *ka_eval_name(struct ka_eval *v, const struct ka_expr *e, bool is_typed, struct ka_value *ret) KA_MUST_CHECK;
/* "foo.cold": the part of a function that the compiler set aside. False: no such symbol. */
bool ka_eval_cold(struct ka_eval *v, const struct ka_expr *e, struct ka_value *ret, struct ka_error **err);
/* What a name would be taken for if it is no type: does it have a value? */
bool ka_eval_knows(struct ka_eval *v, const char *name);
struct ka_error *ka_eval(struct ka_eval *v, const struct ka_expr *e, struct ka_value *ret) KA_MUST_CHECK;
/* The type of an expression, nothing of it read. */
struct ka_error *ka_eval_type(struct ka_eval *v, const struct ka_expr *e, struct ka_value *ret) KA_MUST_CHECK;

/* ---- arith.c ---- */

/* The type that the two results of a ternary have in common. */
void ka_value_unify(struct ka_eval *v, struct ka_value *x, const struct ka_value *other);

#endif
