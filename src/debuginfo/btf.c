/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* BTF as it lies in the bytes: header, index of types, decoding. The bytes may come from a broken or hostile dump. */
#include "btf.h"

#define BTF_MAGIC	0xeb9fu
#define TYPE_SIZE	12	/* name, info, size or type */
#define NEGATIVE_MIN	(-65536)	/* of enumerators where their sign is guessed */
#define MODIFIERS_MAX	64	/* typedefs and qualifiers in a row; real ones stay below ten */

static uint32_t get32(const struct ka_btf *b, const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return b->is_swapped ? __builtin_bswap32(v) : v;
}

/* Bytes behind the 12 of each kind: info once, and elem for each of vlen. */
static const struct { uint8_t info, elem; } kind_layout[KA_BTF_KINDS] = {
	[KA_BTF_INT] = { 4, 0 }, [KA_BTF_ARRAY] = { 12, 0 }, [KA_BTF_STRUCT] = { 0, 12 }, [KA_BTF_UNION] = { 0, 12 },
	[KA_BTF_ENUM] = { 0, 8 }, [KA_BTF_FUNC_PROTO] = { 0, 8 }, [KA_BTF_VAR] = { 4, 0 }, [KA_BTF_DATASEC] = { 0, 12 },
	[KA_BTF_DECL_TAG] = { 4, 0 }, [KA_BTF_ENUM64] = { 0, 12 },
};

static uint32_t info_kind(uint32_t info)
{
	return info >> 24 & 0x7f;
}

/* 24 bits since v7.1; before that 16, and the others were zero. */
static uint32_t info_vlen(uint32_t info)
{
	return info & 0xffffff;
}

struct layout {
	const uint8_t *p;	/* of each kind: u8 info size, u8 element size, u16 flags; NULL: the BTF has no such section */
	uint32_t count;
};

/* Size of the whole type at p, UINT64_MAX when its kind is not known. */
static uint64_t type_size(const struct layout *layout, uint32_t info)
{
	uint32_t kind = info_kind(info), vlen = info_vlen(info);

	if (kind && kind < KA_BTF_KINDS)
		return TYPE_SIZE + kind_layout[kind].info + (uint64_t)kind_layout[kind].elem * vlen;
	if (kind && kind < layout->count)
		return TYPE_SIZE + layout->p[kind * 4] + (uint64_t)layout->p[kind * 4 + 1] * vlen;
	return UINT64_MAX;
}

static void count_kind(struct ka_btf *b, uint32_t name, uint32_t info)
{
	switch (info_kind(info)) {
	case KA_BTF_ENUM:
	case KA_BTF_ENUM64:
		b->enumerator_count += info_vlen(info);
		b->has_signed_enums |= info >> 31;
		/* fall through */
	case KA_BTF_INT:
	case KA_BTF_STRUCT:
	case KA_BTF_UNION:
	case KA_BTF_FWD:
	case KA_BTF_TYPEDEF:
	case KA_BTF_FLOAT:
		b->named_count += !!name;
		break;
	case KA_BTF_FUNC:
	case KA_BTF_VAR:
		b->func_count += !!name;
		break;
	}
}

static struct ka_error *index_types(struct ka_btf *b, const struct layout *layout)
{
	struct { KA_VEC(uint32_t); } offsets = { 0 };

	/* Types average 26 bytes in the kernels seen; what is reserved too much is never touched. */
	ka_vec_reserve(&offsets, b->types_size / 24 + 1);
	for (uint32_t at = 0; at < b->types_size; ) {
		uint32_t left = b->types_size - at, info = 0;
		uint64_t size = TYPE_SIZE;

		if (left >= TYPE_SIZE) {
			info = get32(b, b->types + at + 4);
			size = type_size(layout, info);
		}
		if (size == UINT64_MAX) {
			free(offsets.at);
			return ka_error_new(KA_UNSUPPORTED, "BTF: type %zu is of kind %u, which is not known here",
					    offsets.n + b->first_id, info_kind(info));
		}
		if (size > left) {
			free(offsets.at);
			return ka_error_new(KA_CORRUPT, "BTF: type %zu (kind %u, %u elements) goes beyond the end of the types",
					    offsets.n + b->first_id, info_kind(info), info_vlen(info));
		}
		ka_vec_push(&offsets, at);
		count_kind(b, get32(b, b->types + at), info);
		at += (uint32_t)size;
	}
	b->offsets = offsets.at;
	b->end_id = b->first_id + (uint32_t)offsets.n;
	return NULL;
}

/* One part of the BTF, as the header's offset and length name it. */
static struct ka_error *part(const uint8_t *bytes, size_t size, uint32_t hdr_len, uint32_t off, uint32_t len, const char *what,
			     const uint8_t **ret)
{
	if (off > size - hdr_len || len > size - hdr_len - off)
		return ka_error_new(KA_TRUNCATED, "BTF: %s (%u bytes at %u) go beyond the end of the %zu bytes there are",
				    what, len, off + hdr_len, size);
	*ret = bytes + hdr_len + off;
	return NULL;
}

static struct ka_error *read_header(struct ka_btf *b, const uint8_t *bytes, size_t size, struct layout *ret_layout)
{
	const uint8_t *strings = NULL;
	struct ka_error *err;
	uint32_t hdr_len, layout_len;
	uint16_t magic;

	if (size < 24)
		return ka_error_new(KA_TRUNCATED, "BTF: %zu bytes are too few for a header", size);
	memcpy(&magic, bytes, sizeof(magic));
	b->is_swapped = magic == __builtin_bswap16(BTF_MAGIC);
	if (magic != BTF_MAGIC && !b->is_swapped)
		return ka_error_new(KA_FORMAT, "not BTF: it starts with %04x, not with eb9f", magic);
	b->is_big_endian = (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__) != b->is_swapped;
	if (bytes[2] != 1)
		return ka_error_new(KA_UNSUPPORTED, "BTF: version %u; only 1 is known", bytes[2]);
	hdr_len = get32(b, bytes + 4);
	if (hdr_len < 24 || hdr_len > size)
		return ka_error_new(KA_CORRUPT, "BTF: header length %u of %zu bytes", hdr_len, size);
	b->types_size = get32(b, bytes + 12);
	b->strings_size = get32(b, bytes + 20);
	err = part(bytes, size, hdr_len, get32(b, bytes + 8), b->types_size, "types", &b->types);
	if (err)
		return err;
	err = part(bytes, size, hdr_len, get32(b, bytes + 16), b->strings_size, "strings", &strings);
	if (err)
		return err;
	/* Split BTF may have no strings of its own. */
	if (b->strings_size ? strings[b->strings_size - 1] : !b->base)
		return ka_error_new(KA_CORRUPT, "BTF: the strings do not end with a NUL");
	b->strings = (const char *)strings;
	/* v7.1 appends a description of the kinds' sizes, so that unknown ones can be stepped over. */
	if (hdr_len >= 32 && (layout_len = get32(b, bytes + 28))) {
		err = part(bytes, size, hdr_len, get32(b, bytes + 24), layout_len, "layouts of kinds", &ret_layout->p);
		if (err)
			return err;
		ret_layout->count = layout_len / 4;
	}
	return NULL;
}

struct ka_error *ka_btf_open(const uint8_t *bytes, size_t size, const struct ka_btf *base, struct ka_btf **ret)
{
	struct ka_btf *b = ka_xalloc(sizeof(*b));
	struct layout layout = { 0 };
	struct ka_error *err;

	b->base = base;
	b->first_id = base ? base->end_id : 1;
	b->end_id = b->first_id;
	b->first_string = base ? base->first_string + base->strings_size : 0;
	b->has_signed_enums = base && base->has_signed_enums;
	err = read_header(b, bytes, size, &layout);
	if (!err && base && base->is_swapped != b->is_swapped)
		err = ka_error_new(KA_CORRUPT, "BTF: the byte order differs from that of the base");
	if (!err && ((uint64_t)b->first_id + b->types_size / TYPE_SIZE > INT32_MAX ||
		     (uint64_t)b->first_string + b->strings_size > UINT32_MAX))
		err = ka_error_new(KA_UNSUPPORTED, "BTF: more types or strings than can be numbered");
	if (!err)
		err = index_types(b, &layout);
	if (err) {
		ka_btf_close(b);
		return err;
	}
	ka_log(2, "BTF: %u types from %u on, %u bytes of strings%s", b->end_id - b->first_id, b->first_id, b->strings_size,
	       b->is_swapped ? ", other byte order" : "");
	*ret = b;
	return NULL;
}

void ka_btf_close(struct ka_btf *b)
{
	if (!b)
		return;
	free(b->offsets);
	free(b);
}

const char *ka_btf_string(const struct ka_btf *b, uint32_t offset)
{
	while (b->base && offset < b->first_string)
		b = b->base;
	offset -= b->first_string;
	return offset < b->strings_size ? b->strings + offset : "";
}

bool ka_btf_type(const struct ka_btf *b, uint32_t id, struct ka_btf_type *ret)
{
	const uint8_t *p;
	uint32_t info;

	if (!id) {
		*ret = (struct ka_btf_type){ .btf = b, .name = "" };
		return true;
	}
	while (b->base && id < b->first_id)
		b = b->base;
	if (id < b->first_id || id >= b->end_id)
		return false;
	p = b->types + b->offsets[id - b->first_id];
	info = get32(b, p + 4);
	*ret = (struct ka_btf_type){
		.btf = b, .id = id, .kind = info_kind(info), .vlen = info_vlen(info), .kind_flag = info >> 31,
		.size = get32(b, p + 8), .type = get32(b, p + 8), .name = ka_btf_string(b, get32(b, p)), .more = p + TYPE_SIZE,
	};
	return true;
}

void ka_btf_member(const struct ka_btf_type *t, uint32_t i, struct ka_btf_member *ret)
{
	const uint8_t *p = t->more + (size_t)i * 12;
	uint32_t offset = get32(t->btf, p + 8);

	ret->name = ka_btf_string(t->btf, get32(t->btf, p));
	ret->type = get32(t->btf, p + 4);
	ret->offset_bits = t->kind_flag ? offset & 0xffffff : offset;
	ret->bit_size = t->kind_flag ? offset >> 24 : 0;
}

void ka_btf_old_bitfield(const struct ka_btf_type *t, struct ka_btf_member *m)
{
	struct ka_btf_type type;
	struct ka_btf_int n;
	uint32_t id = m->type;

	if (t->kind_flag)
		return;
	for (int i = 0; i < MODIFIERS_MAX && ka_btf_type(t->btf, id, &type); i++) {
		if (type.kind == KA_BTF_INT) {
			ka_btf_int(&type, &n);
			if (n.offset_bits || n.bits != type.size * 8ull) {
				m->offset_bits += n.offset_bits;
				m->bit_size = n.bits;
			}
			return;
		}
		if (type.kind != KA_BTF_TYPEDEF && type.kind != KA_BTF_CONST && type.kind != KA_BTF_VOLATILE &&
		    type.kind != KA_BTF_TYPE_TAG)
			return;
		id = type.type;
	}
}

void ka_btf_enumerator(const struct ka_btf_type *t, uint32_t i, struct ka_btf_enumerator *ret)
{
	if (t->kind == KA_BTF_ENUM64) {
		const uint8_t *p = t->more + (size_t)i * 12;

		ret->name = ka_btf_string(t->btf, get32(t->btf, p));
		ret->value = (int64_t)((uint64_t)get32(t->btf, p + 8) << 32 | get32(t->btf, p + 4));
	} else {
		const uint8_t *p = t->more + (size_t)i * 8;
		uint32_t value = get32(t->btf, p + 4);

		ret->name = ka_btf_string(t->btf, get32(t->btf, p));
		/*
		 * Before pahole 1.24 no enum told whether it is signed. Negative enumerators are error
		 * numbers and the like; 0x80000000 is a flag.
		 */
		if (t->kind_flag || (!t->btf->has_signed_enums && (int32_t)value < 0 && (int32_t)value >= NEGATIVE_MIN))
			ret->value = (int32_t)value;
		else
			ret->value = value;
	}
}

bool ka_btf_enum_is_signed(const struct ka_btf_type *t)
{
	struct ka_btf_enumerator e;

	if (t->btf->has_signed_enums)
		return t->kind_flag;
	for (uint32_t i = 0; i < t->vlen; i++) {
		ka_btf_enumerator(t, i, &e);
		if (e.value < 0)
			return true;
	}
	return false;
}

void ka_btf_param(const struct ka_btf_type *t, uint32_t i, const char **ret_name, uint32_t *ret_type)
{
	const uint8_t *p = t->more + (size_t)i * 8;

	*ret_name = ka_btf_string(t->btf, get32(t->btf, p));
	*ret_type = get32(t->btf, p + 4);
}

void ka_btf_int(const struct ka_btf_type *t, struct ka_btf_int *ret)
{
	uint32_t v = get32(t->btf, t->more);

	ret->encoding = v >> 24 & 0xf;
	ret->offset_bits = v >> 16 & 0xff;
	ret->bits = v & 0xff;
}

void ka_btf_array(const struct ka_btf_type *t, struct ka_btf_array *ret)
{
	ret->element = get32(t->btf, t->more);
	ret->index_type = get32(t->btf, t->more + 4);
	ret->count = get32(t->btf, t->more + 8);
}
