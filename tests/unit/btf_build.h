/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Writes BTF for the tests, in either byte order. Strings are not shared; ids count from 1 (or from the base's end). */
#ifndef KA_BTF_BUILD_H
#define KA_BTF_BUILD_H

#include <kanalyze/base.h>

struct btf_build {
	struct ka_str types, strings, bytes;
	uint32_t next_id, next_string;
	bool is_swapped;
};

static inline struct btf_build btf_build_begin(bool is_swapped)
{
	struct btf_build b = { .next_id = 1, .is_swapped = is_swapped };

	ka_str_addc(&b.strings, 0);
	return b;
}

static inline void put32_to(const struct btf_build *b, struct ka_str *s, uint32_t v)
{
	v = b->is_swapped ? __builtin_bswap32(v) : v;
	ka_str_addn(s, &v, 4);
}

static inline void put32(struct btf_build *b, uint32_t v)
{
	put32_to(b, &b->types, v);
}

/* Offset of a string; "" and NULL are 0. */
static inline uint32_t btf_string(struct btf_build *b, const char *s)
{
	uint32_t at = (uint32_t)b->strings.len + b->next_string;

	if (!s || !s[0])
		return 0;
	ka_str_addn(&b->strings, s, strlen(s) + 1);
	return at;
}

static inline uint32_t btf_add(struct btf_build *b, uint32_t kind, const char *name, uint32_t vlen, bool kind_flag,
			       uint32_t size_or_type)
{
	put32(b, btf_string(b, name));
	put32(b, kind << 24 | vlen | (uint32_t)kind_flag << 31);
	put32(b, size_or_type);
	return b->next_id++;
}

static inline uint32_t btf_add_int(struct btf_build *b, const char *name, uint32_t size, uint32_t encoding, uint32_t bit_offset,
				   uint32_t bits)
{
	uint32_t id = btf_add(b, 1, name, 0, false, size);

	put32(b, encoding << 24 | bit_offset << 16 | bits);
	return id;
}

static inline uint32_t btf_add_array(struct btf_build *b, uint32_t element, uint32_t count)
{
	uint32_t id = btf_add(b, 3, NULL, 0, false, 0);

	put32(b, element);
	put32(b, 1);
	put32(b, count);
	return id;
}

/* After btf_add() of a struct or union, vlen times. */
static inline void btf_put_member(struct btf_build *b, const char *name, uint32_t type, uint32_t offset)
{
	put32(b, btf_string(b, name));
	put32(b, type);
	put32(b, offset);
}

static inline void btf_put_enumerator(struct btf_build *b, const char *name, int32_t value)
{
	put32(b, btf_string(b, name));
	put32(b, (uint32_t)value);
}

/* layouts: bytes of the section that describes kinds (v7.1), NULL none. The result lives in b->bytes. */
static inline const uint8_t *btf_build_end(struct btf_build *b, const void *layouts, uint32_t layouts_size, size_t *ret_size)
{
	uint32_t hdr_len = layouts ? 32 : 24;
	uint16_t magic = b->is_swapped ? 0x9feb : 0xeb9f;

	ka_str_clear(&b->bytes);
	ka_str_addn(&b->bytes, &magic, 2);
	ka_str_addn(&b->bytes, "\1\0", 2);
	put32_to(b, &b->bytes, hdr_len);
	put32_to(b, &b->bytes, 0);
	put32_to(b, &b->bytes, (uint32_t)b->types.len);
	put32_to(b, &b->bytes, (uint32_t)b->types.len);
	put32_to(b, &b->bytes, (uint32_t)b->strings.len);
	if (layouts) {
		put32_to(b, &b->bytes, (uint32_t)(b->types.len + b->strings.len));
		put32_to(b, &b->bytes, layouts_size);
	}
	ka_str_addn(&b->bytes, b->types.p, b->types.len);
	ka_str_addn(&b->bytes, b->strings.p, b->strings.len);
	if (layouts)
		ka_str_addn(&b->bytes, layouts, layouts_size);
	*ret_size = b->bytes.len;
	return (const uint8_t *)b->bytes.p;
}

static inline void btf_build_free(struct btf_build *b)
{
	ka_str_free(&b->types);
	ka_str_free(&b->strings);
	ka_str_free(&b->bytes);
}

#endif
