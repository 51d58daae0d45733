/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* DIEs by number: their attributes, children, siblings. */
#include "dwarf_form.h"

/* DW_AT_data_member_location as an expression: DW_OP_plus_uconst N (DWARF 2), or a constant. */
static bool location_from_block(struct ka_dwarf_reader *r, const struct ka_dwarf_value *v, uint64_t *ret)
{
	struct ka_dwarf_reader at = *r;

	at.p = v->at;
	at.end = v->at + v->u;
	switch (ka_dwarf_fixed(&at, 1)) {
	case DW_OP_plus_uconst:
	case DW_OP_constu:
		*ret = ka_dwarf_uleb(&at.p, at.end);
		break;
	case DW_OP_const1u:
		*ret = ka_dwarf_fixed(&at, 1);
		break;
	case DW_OP_const2u:
		*ret = ka_dwarf_fixed(&at, 2);
		break;
	case DW_OP_const4u:
		*ret = ka_dwarf_fixed(&at, 4);
		break;
	case DW_OP_const8u:
		*ret = ka_dwarf_fixed(&at, 8);
		break;
	default:
		return false;
	}
	return at.p;
}

static void set_number(struct ka_dwarf_die *die, unsigned has, uint64_t *field, const struct ka_dwarf_value *v)
{
	if (v->kind == KA_DWARF_IS_NUMBER) {
		*field = v->u;
		die->has |= has;
	}
}

static void set_attribute(struct ka_dwarf_reader *r, struct ka_dwarf_die *die, unsigned name, struct ka_dwarf_value *v)
{
	uint64_t n;

	switch (name) {
	case DW_AT_name:
		if (v->kind == KA_DWARF_IS_STRING && v->at[0])
			die->name = (const char *)v->at;
		break;
	case DW_AT_type:
		if (v->kind == KA_DWARF_IS_REF)
			die->type = (uint32_t)v->u;
		break;
	case DW_AT_signature:
		if (v->kind == KA_DWARF_IS_REF)
			die->signature = (uint32_t)v->u;
		break;
	case DW_AT_sibling:
		if (v->kind == KA_DWARF_IS_REF && v->u > die->id && v->u - r->u->id < r->u->size)
			die->sibling = r->u->at + (v->u - r->u->id);
		break;
	case DW_AT_specification:
	case DW_AT_abstract_origin:
		if (v->kind == KA_DWARF_IS_REF)
			die->origin = (uint32_t)v->u;
		break;
	case DW_AT_location:
		/* of what lies at one place: DW_OP_addr and nothing behind it */
		if (v->kind == KA_DWARF_IS_BLOCK && v->u == r->u->address_size + 1u && v->at[0] == DW_OP_addr) {
			struct ka_dwarf_reader at = *r;

			at.p = v->at + 1;
			at.end = v->at + v->u;
			die->addr = ka_dwarf_fixed(&at, r->u->address_size);
			die->has |= KA_DWARF_ADDR;
		}
		break;
	case DW_AT_low_pc:
		set_number(die, KA_DWARF_ADDR, &die->addr, v);
		break;
	case DW_AT_decl_line:
		set_number(die, 0, &die->decl_line, v);
		break;
	case DW_AT_stmt_list:
		set_number(die, KA_DWARF_LINES, &die->stmt_list, v);
		break;
	case DW_AT_comp_dir:
		if (v->kind == KA_DWARF_IS_STRING)
			die->comp_dir = (const char *)v->at;
		break;
	case DW_AT_declaration:
		die->is_declaration = v->kind == KA_DWARF_IS_NUMBER && v->u;
		break;
	case DW_AT_external:
		die->is_external = v->kind == KA_DWARF_IS_NUMBER && v->u;
		break;
	case DW_AT_byte_size:
		set_number(die, KA_DWARF_BYTE_SIZE, &die->byte_size, v);
		break;
	case DW_AT_bit_size:
		set_number(die, KA_DWARF_BIT_SIZE, &die->bit_size, v);
		break;
	case DW_AT_data_bit_offset:
		set_number(die, KA_DWARF_DATA_BIT_OFFSET, &die->data_bit_offset, v);
		break;
	case DW_AT_bit_offset:
		set_number(die, KA_DWARF_BIT_OFFSET, &die->bit_offset, v);
		break;
	case DW_AT_data_member_location:
		if (v->kind == KA_DWARF_IS_BLOCK && location_from_block(r, v, &n))
			*v = (struct ka_dwarf_value){ KA_DWARF_IS_NUMBER, n, NULL };
		set_number(die, KA_DWARF_LOCATION, &die->location, v);
		break;
	case DW_AT_encoding:
		set_number(die, 0, &die->encoding, v);
		break;
	case DW_AT_count:
		set_number(die, KA_DWARF_COUNT, &die->count, v);
		break;
	case DW_AT_upper_bound:
		set_number(die, KA_DWARF_UPPER_BOUND, &die->upper_bound, v);
		break;
	case DW_AT_const_value:
		if (v->kind == KA_DWARF_IS_NUMBER) {
			die->value = (int64_t)v->u;
			die->has |= KA_DWARF_VALUE;
		}
		break;
	case DW_AT_language:
		set_number(die, 0, &die->language, v);
		break;
	case DW_AT_str_offsets_base:
		set_number(die, KA_DWARF_STR_OFFSETS_BASE, &die->str_offsets_base, v);
		break;
	}
}

bool ka_dwarf_die_at(const struct ka_dwarf *d, struct ka_dwarf_unit *u, const struct ka_dwarf_abbrevs *a, const uint8_t *p,
		     struct ka_dwarf_die *ret)
{
	struct ka_dwarf_reader r = { .d = d, .u = u, .p = p, .end = u->at + u->size };
	const struct ka_dwarf_abbrev *abbrev;
	uint64_t code;

	if (p < u->at + u->header_size || p >= r.end)
		return false;
	memset(ret, 0, sizeof(*ret));
	ret->unit = u;
	ret->id = u->id + (uint32_t)(p - u->at);
	code = ka_dwarf_uleb(&r.p, r.end);
	if (!r.p)
		return false;
	ret->next = r.p;
	if (!code)
		return true;
	abbrev = ka_dwarf_abbrev(a, code);
	if (!abbrev)
		return false;
	ret->tag = abbrev->tag;
	ret->has_children = abbrev->has_children;
	for (uint32_t i = 0; i < abbrev->attr_count; i++) {
		const struct ka_dwarf_attr *attr = &a->attrs.at[abbrev->attr_first + i];
		struct ka_dwarf_value v;

		ka_dwarf_value(&r, attr->form, attr->implicit, &v);
		if (!r.p)
			return false;
		if (v.kind != KA_DWARF_IS_NONE)
			set_attribute(&r, ret, attr->name, &v);
	}
	ret->next = r.p;
	/* Also breaks loops: what follows lies behind. */
	if (ret->sibling && ret->sibling < ret->next)
		ret->sibling = NULL;
	return true;
}

const uint8_t *ka_dwarf_skip(const struct ka_dwarf *d, struct ka_dwarf_unit *u, const struct ka_dwarf_abbrevs *a, const uint8_t *p)
{
	const uint8_t *end = u->at + u->size;
	struct ka_dwarf_reader r = { .d = d, .u = u, .end = end };
	uint32_t depth = 0;

	do {
		const struct ka_dwarf_abbrev *abbrev;
		const uint8_t *sibling = NULL;
		uint64_t code = ka_dwarf_uleb(&p, end);

		if (!p)
			return NULL;
		if (!code) {
			/* The end of a list; one more than there are lists is damage, but ends the walk as well. */
			depth -= depth > 0;
			continue;
		}
		abbrev = ka_dwarf_abbrev(a, code);
		if (!abbrev)
			return NULL;
		if (abbrev->fixed_size >= 0) {
			if (end - p < abbrev->fixed_size)
				return NULL;
			if (abbrev->sibling_at >= 0) {
				uint32_t offset = ka_dwarf_u32(d, p + abbrev->sibling_at);

				sibling = offset < u->size ? u->at + offset : NULL;
			}
			p += abbrev->fixed_size;
		} else {
			r.p = p;
			for (uint32_t i = 0; i < abbrev->attr_count; i++) {
				const struct ka_dwarf_attr *attr = &a->attrs.at[abbrev->attr_first + i];
				struct ka_dwarf_value v;

				ka_dwarf_value(&r, attr->form, attr->implicit, &v);
				if (!r.p)
					return NULL;
				if (attr->name == DW_AT_sibling && v.kind == KA_DWARF_IS_REF && v.u - u->id < u->size)
					sibling = u->at + (v.u - u->id);
			}
			p = r.p;
		}
		if (abbrev->has_children) {
			if (sibling && sibling >= p)
				p = sibling;
			else
				depth++;
		}
	} while (depth);
	return p;
}

const struct ka_dwarf_abbrevs *ka_dwarf_abbrevs_of(const struct ka_dwarf *d, struct ka_dwarf_unit *u)
{
	struct ka_dwarf_abbrevs *a = atomic_load_explicit(&u->abbrevs, memory_order_acquire), *other = NULL;
	struct ka_dwarf_die root;

	if (a)
		return a;
	a = ka_xalloc(sizeof(*a));
	if (!ka_dwarf_abbrevs_parse(u, a)) {
		/* Damaged: an empty table finds nothing. */
		a->list.n = a->attrs.n = 0;
		ka_log(1, "DWARF: the unit at %#x has a damaged table of abbreviations", u->id);
	}
	ka_dwarf_root(d, u, a, &root);
	/* Two threads may have made it; one is kept. */
	if (!atomic_compare_exchange_strong_explicit(&u->abbrevs, &other, a, memory_order_acq_rel, memory_order_acquire)) {
		ka_dwarf_abbrevs_free(a);
		free(a);
		a = other;
	}
	return a;
}

bool ka_dwarf_root(const struct ka_dwarf *d, struct ka_dwarf_unit *u, const struct ka_dwarf_abbrevs *a, struct ka_dwarf_die *ret)
{
	const uint8_t *p = u->at + u->header_size;

	if (!a)
		a = ka_dwarf_abbrevs_of(d, u);
	if (!ka_dwarf_die_at(d, u, a, p, ret) || !ret->tag)
		return false;
	if (ret->has & KA_DWARF_STR_OFFSETS_BASE &&
	    ret->str_offsets_base != atomic_load_explicit(&u->str_offsets_base, memory_order_relaxed)) {
		/* The unit's own name may be a DW_FORM_strx: once more, now that the base is known. */
		atomic_store_explicit(&u->str_offsets_base, ret->str_offsets_base, memory_order_relaxed);
		return ka_dwarf_die_at(d, u, a, p, ret);
	}
	return true;
}

bool ka_dwarf_root_alone(const struct ka_dwarf *d, struct ka_dwarf_unit *u, struct ka_dwarf_abbrevs *room, struct ka_dwarf_die *ret)
{
	const uint8_t *p = u->at + u->header_size;
	uint64_t code = ka_dwarf_uleb(&p, u->at + u->size);

	return p && code && ka_dwarf_abbrevs_until(u, code, room) && ka_dwarf_root(d, u, room, ret);
}

bool ka_dwarf_die(const struct ka_dwarf *d, uint32_t id, struct ka_dwarf_die *ret)
{
	struct ka_dwarf_unit *u = id ? ka_dwarf_unit_of(d, id) : NULL;

	return u && ka_dwarf_die_at(d, u, ka_dwarf_abbrevs_of(d, u), u->at + (id - u->id), ret) && ret->tag;
}

bool ka_dwarf_child(const struct ka_dwarf *d, const struct ka_dwarf_die *die, struct ka_dwarf_die *ret)
{
	return die->has_children && ka_dwarf_die_at(d, die->unit, ka_dwarf_abbrevs_of(d, die->unit), die->next, ret) && ret->tag;
}

bool ka_dwarf_next(const struct ka_dwarf *d, struct ka_dwarf_die *die)
{
	const struct ka_dwarf_abbrevs *a = ka_dwarf_abbrevs_of(d, die->unit);
	const uint8_t *p = die->next;

	if (die->has_children)
		p = die->sibling ? die->sibling : ka_dwarf_skip(d, die->unit, a, die->unit->at + (die->id - die->unit->id));
	return p && ka_dwarf_die_at(d, die->unit, a, p, die) && die->tag;
}
