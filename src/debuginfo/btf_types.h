/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* BTF as a source of types: what btf_types.c (what a type is) and btf_names.c (where it is by its name) share. */
#ifndef KA_BTF_TYPES_H
#define KA_BTF_TYPES_H

#include "btf.h"
#include "debuginfo.h"
#include "names.h"

struct ka_btf_place;

struct ka_btf_types {
	struct ka_types types;
	struct ka_btf_types *base;	/* of split BTF */
	struct ka_btf *btf;
	struct ka_lazy names_once, enumerators_once, named_once;
	struct ka_names named;		/* -> id of FUNC VAR */
	struct ka_names names;		/* -> id of INT FLOAT STRUCT UNION ENUM FWD TYPEDEF; own types only */
	struct ka_names enumerators;	/* -> index in places + 1 */
	struct ka_btf_place *places;
};

/* The source behind a face whose ops are BTF's. */
static inline struct ka_btf_types *ka_btf_types_of(struct ka_types *t)
{
	return t->priv;
}

enum ka_type_kind ka_btf_kind(const struct ka_btf_type *t);
/* "enum foo;" is an ENUM without enumerators and, in kernels that mean it, of no size. */
bool ka_btf_is_declaration(const struct ka_btf_type *t);

/* The tables of names are made when they are first asked for. */
void ka_btf_names_init(struct ka_btf_types *b);
void ka_btf_names_free(struct ka_btf_types *b);
/* In this BTF alone: a definition before a declaration, and the first of equals; 0: none. */
uint32_t ka_btf_find_own(struct ka_btf_types *b, enum ka_type_kind kind, const char *name, bool *ret_is_declaration);

/* As the operations of these names in struct ka_types_ops. */
uint32_t ka_btf_find(struct ka_types *types, enum ka_type_kind kind, const char *name);
size_t ka_btf_find_all(struct ka_types *types, enum ka_type_kind kind, const char *name, struct ka_arena *a, struct ka_type_named **ret);
size_t ka_btf_named(struct ka_types *types, const char *name, struct ka_arena *a, struct ka_type_named **ret);
bool ka_btf_enumerator_value(struct ka_types *types, const char *name, int64_t *ret);
uint32_t ka_btf_enumerator_type(struct ka_types *types, const char *name);
void ka_btf_each_name(struct ka_types *types, void (*fn)(void *, enum ka_type_kind, const char *, uint32_t), void *ctx);

#endif
