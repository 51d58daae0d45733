/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Values and what can be done with them; types by their ids. */
#ifndef KA_EXPR_VALUE_H
#define KA_EXPR_VALUE_H

#include "kernel.h"
#include "tree.h"

struct ka_eval {
	struct ka_kernel *k;		/* NULL: no dump */
	const struct ka_expr_env *env;
};

/* ---- type.c ---- */

unsigned ka_eval_long(const struct ka_eval *v);
struct ka_type ka_type_int(unsigned size, bool is_signed);
bool ka_type_same(const struct ka_type *a, const struct ka_type *b);
/* kind, size, sign and name by x->type. */
struct ka_error *ka_value_describe(struct ka_eval *v, struct ka_value *x) KA_MUST_CHECK;
struct ka_error *ka_type_resolve(struct ka_eval *v, const struct ka_type_name *n, struct ka_type *ret) KA_MUST_CHECK;
/* What a pointer points to, what an array is made of. False: neither. */
bool ka_type_target(struct ka_eval *v, const struct ka_value *x, struct ka_type *ret);
struct ka_error *ka_type_bytes(struct ka_eval *v, struct ka_type t, uint64_t *ret) KA_MUST_CHECK;

/* ---- value.c ---- */

/* A loaded integer of the built-in type; bits are cut to its size. */
struct ka_value ka_value_int(unsigned size, bool is_signed, uint64_t bits);
uint64_t ka_bits_extend(uint64_t bits, unsigned size, bool is_signed);
/* Reads what lies at the address. Arrays and functions become their address. Error: structs, floats. */
struct ka_error *ka_value_load(struct ka_eval *v, struct ka_value *x) KA_MUST_CHECK;
/* Loaded, and of an arithmetic type or a pointer. */
bool ka_value_is_pointer(const struct ka_value *x);
struct ka_error *ka_value_cast(struct ka_eval *v, const struct ka_value *x, struct ka_type t, struct ka_value *ret) KA_MUST_CHECK;
/* Lies there. */
struct ka_error *ka_value_place(struct ka_eval *v, struct ka_type t, ka_addr at, struct ka_value *ret) KA_MUST_CHECK;
struct ka_error *ka_value_member(struct ka_eval *v, const struct ka_value *x, const char *name, struct ka_value *ret) KA_MUST_CHECK;
struct ka_error *ka_value_deref(struct ka_eval *v, const struct ka_value *x, bool is_lenient, struct ka_value *ret) KA_MUST_CHECK;

/* ---- arith.c ---- */

struct ka_error *ka_value_unary(struct ka_eval *v, enum ka_expr_op op, struct ka_value *a, struct ka_value *ret) KA_MUST_CHECK;
struct ka_error *ka_value_binary(struct ka_eval *v, enum ka_expr_op op, struct ka_value *a, struct ka_value *b,
				 struct ka_value *ret) KA_MUST_CHECK;
/* The type that the two results of a ternary have in common. */
void ka_value_unify(struct ka_eval *v, struct ka_value *x, const struct ka_value *other);

#endif
