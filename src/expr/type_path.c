/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* offsetof's paths over types as things, and alignment, which debuginfo does not tell. */
#include <ctype.h>
#include "value.h"

#define ALIGN_DEPTH_MAX	32
#define ALIGN_PARTS_MAX	(1u << 16)
#define NAME_MAX_	256

static struct ka_error *index_of(struct ka_eval *v, const char *text, size_t len, uint64_t *ret)
{
	char name[NAME_MAX_], *end;
	int64_t value;

	if (!len || len >= sizeof(name))
		return ka_error_new(KA_USAGE, "a number expected between [ and ]");
	memcpy(name, text, len);
	name[len] = 0;
	*ret = strtoull(name, &end, 0);
	if (isdigit((unsigned char)name[0]) && !*end)
		return NULL;
	if (!v->k || !ka_enum_value(v->k, name, &value) || value < 0)
		return ka_error_new(KA_MISSING, "'%s' is no number and no enumerator", name);
	*ret = (uint64_t)value;
	return NULL;
}

struct ka_error *ka_type_path(struct ka_eval *v, struct ka_type t, const char *path, struct ka_type_field *ret)
{
	struct ka_type_info info;
	struct ka_type_field f;
	char name[NAME_MAX_];

	*ret = (struct ka_type_field){ .type = t };
	for (const char *p = path; *p; ) {
		size_t n = 0;

		if (*p == '[') {
			uint64_t i = 0, size = 0, bits;
			struct ka_error *err;

			n = strcspn(p, "]");
			if (!p[n])
				return ka_error_new(KA_USAGE, "']' is missing in '%s'", path);
			ka_type_strip(v->k, &ret->type, &info);
			if (info.kind != KA_TYPE_ARRAY)
				return ka_error_new(KA_USAGE, "'%.*s' is no array", (int)(p - path), path);
			err = index_of(v, p + 1, n - 1, &i);
			if (!err)
				err = ka_type_bytes(v, info.target, &size);
			if (err)
				return err;
			if (__builtin_mul_overflow(i, size, &bits) || __builtin_mul_overflow(bits, 8, &bits) ||
			    __builtin_add_overflow(ret->offset_bits, bits, &ret->offset_bits))
				return ka_error_new(KA_USAGE, "'%s' lies beyond all bounds", path);
			ret->type = info.target;
			p += n + 1;
			continue;
		}
		p += *p == '.';
		while (isalnum((unsigned char)p[n]) || p[n] == '_' || p[n] == '$')
			n++;
		if (!n || n >= sizeof(name) || ret->bit_size)
			return ka_error_new(KA_USAGE, "'%s' is no path of members", path);
		memcpy(name, p, n);
		name[n] = 0;
		if (!ka_type_field(v->k, &ret->type, name, &f)) {
			ka_type_strip(v->k, &ret->type, &info);
			return ka_error_new(KA_MISSING, "%s has no member '%s'", info.name ? info.name : "this", name);
		}
		if (__builtin_add_overflow(ret->offset_bits, f.offset_bits, &ret->offset_bits))
			return ka_error_new(KA_USAGE, "'%s' lies beyond all bounds", path);
		ret->type = f.type;
		ret->bit_size = f.bit_size;
		p += n;
	}
	return NULL;
}

/* The largest power of two that divides it. */
static uint64_t lowest_bit(uint64_t x)
{
	return x & -x;
}

/*
 * That of the members as C has it; but one that lies where its type could not, and a size that is no multiple, tell of
 * __packed. What __aligned() asked for beyond is not known.
 */
static uint64_t align_of(struct ka_eval *v, struct ka_type t, struct ka_arena *a, unsigned depth, unsigned *budget)
{
	struct ka_type_info info;
	struct ka_type at = ka_type_strip(v->k, &t, &info);
	struct ka_type_field *fields;
	uint64_t best = 1;
	size_t n;

	if (depth > ALIGN_DEPTH_MAX || !*budget)
		return 1;
	switch (info.kind) {
	case KA_TYPE_ARRAY:
		return align_of(v, info.target, a, depth + 1, budget);
	case KA_TYPE_STRUCT:
	case KA_TYPE_UNION:
		n = ka_type_members(v->k, &at, a, &fields);
		for (size_t i = 0; i < n && *budget; i++) {
			uint64_t align = align_of(v, fields[i].type, a, depth + 1, budget);

			--*budget;
			if (!fields[i].bit_size && fields[i].offset_bits)
				align = KA_MIN(align, lowest_bit(fields[i].offset_bits / 8));
			best = KA_MAX(best, align);
		}
		return info.size ? KA_MIN(best, lowest_bit(info.size)) : best;
	case KA_TYPE_INT:
	case KA_TYPE_ENUM:
	case KA_TYPE_POINTER:
	case KA_TYPE_FLOAT:
		return info.size ? lowest_bit(info.size) : 1;
	default:
		return 1;
	}
}

struct ka_error *ka_type_align(struct ka_eval *v, struct ka_type t, uint64_t *ret)
{
	struct ka_arena *a;
	unsigned budget = ALIGN_PARTS_MAX;
	struct ka_error *err = ka_type_bytes(v, t, ret);

	if (err)
		return err;
	a = ka_arena_new();
	*ret = align_of(v, t, a, 0, &budget);
	ka_arena_free(a);
	return NULL;
}
