/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* BTF as it lies in the bytes: types by id, their members, enumerators and parameters. Every number is checked on the way out. */
#ifndef KA_BTF_H
#define KA_BTF_H

#include <kanalyze/base.h>

/* The numbers of the format (kernel, include/uapi/linux/btf.h); the build machine's own header may be too old to know them all. */
enum ka_btf_kind {
	KA_BTF_VOID, KA_BTF_INT, KA_BTF_PTR, KA_BTF_ARRAY, KA_BTF_STRUCT, KA_BTF_UNION, KA_BTF_ENUM, KA_BTF_FWD,
	KA_BTF_TYPEDEF, KA_BTF_VOLATILE, KA_BTF_CONST, KA_BTF_RESTRICT, KA_BTF_FUNC, KA_BTF_FUNC_PROTO, KA_BTF_VAR,
	KA_BTF_DATASEC, KA_BTF_FLOAT, KA_BTF_DECL_TAG, KA_BTF_TYPE_TAG, KA_BTF_ENUM64, KA_BTF_KINDS
};
enum { KA_BTF_INT_SIGNED = 1, KA_BTF_INT_CHAR = 2, KA_BTF_INT_BOOL = 4 };

struct ka_btf {
	const struct ka_btf *base;	/* split BTF of a module: ids and strings go on where vmlinux's end; else NULL */
	const uint8_t *types;
	uint32_t types_size;
	const char *strings;		/* the last byte is NUL */
	uint32_t strings_size;
	uint32_t first_id, end_id;	/* own types: first_id <= id < end_id */
	uint32_t first_string;		/* string offsets below belong to the base */
	uint32_t *offsets;		/* of own types, in types; [0] is that of first_id */
	uint32_t named_count, func_count, enumerator_count;	/* own ones, to size tables */
	bool is_swapped;		/* other byte order than this machine's */
	bool is_big_endian;
	bool has_signed_enums;		/* enums say whether they are signed (pahole 1.24); before, none did */
};

/* One type, decoded. kind may be beyond KA_BTF_KINDS when the BTF itself describes how to step over it. */
struct ka_btf_type {
	const struct ka_btf *btf;	/* whose bytes: the base's or its own */
	uint32_t id, kind, vlen;
	bool kind_flag;
	uint32_t size;			/* INT ENUM STRUCT UNION FLOAT DATASEC ENUM64 */
	uint32_t type;			/* the others: the same number */
	const char *name;		/* never NULL; "" anonymous */
	const uint8_t *more;		/* what follows, all of it within bounds */
};
struct ka_btf_member {
	const char *name;		/* "" anonymous */
	uint32_t type, offset_bits, bit_size;	/* bit_size 0: no bitfield, or an old-style one (see ka_btf_int) */
};
struct ka_btf_enumerator {
	const char *name;
	int64_t value;			/* unsigned 64-bit ones as their bits */
};
struct ka_btf_int {
	uint32_t encoding, offset_bits, bits;	/* bits below size * 8: an old-style bitfield */
};
struct ka_btf_array {
	uint32_t element, index_type, count;
};

/* bytes and base must outlive it. One pass over the types: kinds and sizes are checked, contents when asked for. */
struct ka_error *ka_btf_open(const uint8_t *bytes, size_t size, const struct ka_btf *base, struct ka_btf **ret) KA_MUST_CHECK;
void ka_btf_close(struct ka_btf *b);
/* False when there is no such id. 0 is void. */
bool ka_btf_type(const struct ka_btf *b, uint32_t id, struct ka_btf_type *ret);
/* "" for offsets out of bounds. */
const char *ka_btf_string(const struct ka_btf *b, uint32_t offset);
/* i < vlen of a type of the right kind. */
void ka_btf_member(const struct ka_btf_type *t, uint32_t i, struct ka_btf_member *ret);
void ka_btf_enumerator(const struct ka_btf_type *t, uint32_t i, struct ka_btf_enumerator *ret);
void ka_btf_param(const struct ka_btf_type *t, uint32_t i, const char **ret_name, uint32_t *ret_type);
void ka_btf_int(const struct ka_btf_type *t, struct ka_btf_int *ret);
void ka_btf_array(const struct ka_btf_type *t, struct ka_btf_array *ret);
bool ka_btf_enum_is_signed(const struct ka_btf_type *t);
/* Of a member of a struct or union: is it one of these bitfields whose width is in their INT (kind_flag 0)? */
void ka_btf_old_bitfield(const struct ka_btf_type *t, struct ka_btf_member *m);

#endif
