/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Members of structs and unions by DWARF, variants of Rust's enums, enumerators. */
#include "dwarf_types.h"

#define ANONYMOUS_MAX	12		/* depth of anonymous structs */
#define VISITS_MAX	(1u << 14)	/* members looked at in one look-up */

/* Where a member lies in its struct. False: static ones of C++, and what begins outside. */
static bool member_at(struct ka_dwarf_types *t, const struct ka_dwarf_die *owner, const struct ka_dwarf_die *m,
		      uint64_t *ret_offset_bits, uint32_t *ret_bit_size)
{
	uint64_t location = m->has & KA_DWARF_LOCATION ? m->location : 0, bits, storage_bits;

	if (m->tag != DW_TAG_member || m->is_external || m->is_declaration)
		return false;
	if (location > owner->byte_size || (m->has & KA_DWARF_BIT_SIZE && m->bit_size > 1024))
		return false;
	bits = location * 8;
	*ret_bit_size = m->has & KA_DWARF_BIT_SIZE ? (uint32_t)m->bit_size : 0;
	if (m->has & KA_DWARF_DATA_BIT_OFFSET) {
		if (m->data_bit_offset > owner->byte_size * 8)
			return false;
		bits += m->data_bit_offset;
	} else if (m->has & KA_DWARF_BIT_OFFSET && *ret_bit_size) {
		/* DWARF 2 and 3: counted from the highest bit of a unit of byte_size bytes, or of the type's size. */
		struct ka_dwarf_die type;

		if (m->has & KA_DWARF_BYTE_SIZE)
			storage_bits = m->byte_size * 8;
		else if (ka_dwarf_resolve(t, m->type, &type, NULL))
			storage_bits = ka_dwarf_size_of(t, &type) * 8;
		else
			return false;
		bits += t->dwarf->is_big_endian ? m->bit_offset : storage_bits - m->bit_offset - *ret_bit_size;
	}
	*ret_offset_bits = bits;
	return bits <= owner->byte_size * 8 && bits + *ret_bit_size <= owner->byte_size * 8;
}

/*
 * An enum of Rust has its variants one over the other, each a member of a type of its own, and a discriminant that says
 * which of them there is. They are given as a union's members would be. False: fn has seen enough.
 */
static bool each_variant(struct ka_dwarf_types *t, const struct ka_dwarf_die *part, unsigned depth,
			 bool (*fn)(void *ctx, const struct ka_dwarf_die *m), void *ctx)
{
	struct ka_dwarf_die m;

	for (bool ok = ka_dwarf_child(t->dwarf, part, &m); ok; ok = ka_dwarf_next(t->dwarf, &m)) {
		if (m.tag == DW_TAG_member) {
			m.name = m.name ? m.name : "discriminant";
			if (!fn(ctx, &m))
				return false;
		} else if ((m.tag == DW_TAG_variant || m.tag == DW_TAG_variant_part) && depth < 4 && !each_variant(t, &m, depth + 1, fn, ctx)) {
			return false;
		}
	}
	return true;
}

struct variant_wanted {
	const char *name;
	struct ka_dwarf_die found;
};

static bool variant_is(void *ctx, const struct ka_dwarf_die *m)
{
	struct variant_wanted *w = ctx;

	if (strcmp(m->name, w->name))
		return true;
	w->found = *m;
	return false;
}

static bool find_member(struct ka_dwarf_types *t, uint32_t id, const char *name, unsigned depth, unsigned *visits,
			uint64_t *ret_offset_bits, uint32_t *ret_bit_size, uint32_t *ret_type)
{
	struct ka_dwarf_die owner, m;
	uint64_t inner;

	if (depth > ANONYMOUS_MAX || !ka_dwarf_resolve(t, id, &owner, NULL) ||
	    (ka_dwarf_kind_of(&owner) != KA_TYPE_STRUCT && ka_dwarf_kind_of(&owner) != KA_TYPE_UNION))
		return false;
	for (bool ok = ka_dwarf_child(t->dwarf, &owner, &m); ok; ok = ka_dwarf_next(t->dwarf, &m)) {
		if (++*visits > VISITS_MAX)
			return false;
		if (m.tag == DW_TAG_variant_part) {
			struct variant_wanted w = { .name = name };

			if (each_variant(t, &m, 0, variant_is, &w))
				continue;
			m = w.found;
		}
		if (m.tag != DW_TAG_member || (m.name && strcmp(m.name, name)))
			continue;
		if (!member_at(t, &owner, &m, ret_offset_bits, ret_bit_size))
			continue;
		if (m.name) {
			*ret_type = m.type;
			return true;
		}
		inner = *ret_offset_bits;
		if (find_member(t, m.type, name, depth + 1, visits, ret_offset_bits, ret_bit_size, ret_type)) {
			*ret_offset_bits += inner;
			return true;
		}
	}
	return false;
}

bool ka_dwarf_member(struct ka_types *types, uint32_t id, const char *name, uint64_t *ret_offset_bits,
			 uint32_t *ret_bit_size, uint32_t *ret_type)
{
	unsigned visits = 0;

	return name[0] && find_member(types->priv, id, name, 0, &visits, ret_offset_bits, ret_bit_size, ret_type);
}

struct parts {
	KA_VEC(struct ka_type_part);
	struct ka_dwarf_types *t;
	struct ka_dwarf_die owner;
};

static bool part_push(void *ctx, const struct ka_dwarf_die *m)
{
	struct ka_type_part part = { .name = m->name, .type = m->type, .value = m->value };
	struct parts *list = ctx;

	if (m->tag == DW_TAG_enumerator || member_at(list->t, &list->owner, m, &part.offset_bits, &part.bit_size))
		ka_vec_push(list, part);
	return true;
}

static size_t parts(struct ka_types *types, uint32_t id, bool want_members, struct ka_arena *a, struct ka_type_part **ret)
{
	struct parts list = { .t = types->priv };
	struct ka_dwarf_types *t = types->priv;
	struct ka_dwarf_die m;
	size_t n;

	*ret = NULL;
	if (!ka_dwarf_resolve(t, id, &list.owner, NULL))
		return 0;
	for (bool ok = ka_dwarf_child(t->dwarf, &list.owner, &m); ok; ok = ka_dwarf_next(t->dwarf, &m)) {
		if (want_members && m.tag == DW_TAG_variant_part)
			each_variant(t, &m, 0, part_push, &list);
		else if (m.tag == (want_members ? DW_TAG_member : DW_TAG_enumerator))
			part_push(&list, &m);
	}
	n = list.n;
	*ret = ka_alloc(a, (n + 1) * sizeof(**ret));
	if (n)
		memcpy(*ret, list.at, n * sizeof(**ret));
	ka_vec_free(&list);
	return n;
}

size_t ka_dwarf_members(struct ka_types *types, uint32_t id, struct ka_arena *a, struct ka_type_part **ret)
{
	return parts(types, id, true, a, ret);
}

size_t ka_dwarf_enumerators(struct ka_types *types, uint32_t id, struct ka_arena *a, struct ka_type_part **ret)
{
	return parts(types, id, false, a, ret);
}
