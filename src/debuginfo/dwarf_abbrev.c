/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tables of abbreviations: which attributes, in which forms, a DIE of a code has. */
#include "dwarf_die.h"

#define CODE_MAX UINT32_MAX

static int64_t sleb(const uint8_t **p, const uint8_t *end)
{
	uint64_t v = 0;

	for (unsigned shift = 0; *p && *p < end; shift += 7) {
		uint8_t byte = *(*p)++;

		if (shift < 64)
			v |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80)) {
			if (byte & 0x40 && shift + 7 < 64)
				v |= ~0ull << (shift + 7);
			return (int64_t)v;
		}
	}
	*p = NULL;
	return 0;
}

/* Bytes of an attribute of this form, -1 when that depends on the bytes. */
static int form_size(const struct ka_dwarf_unit *u, unsigned form)
{
	switch (form) {
	case DW_FORM_flag_present:
	case DW_FORM_implicit_const:
		return 0;
	case DW_FORM_data1:
	case DW_FORM_flag:
	case DW_FORM_ref1:
	case DW_FORM_strx1:
	case DW_FORM_addrx1:
		return 1;
	case DW_FORM_data2:
	case DW_FORM_ref2:
	case DW_FORM_strx2:
	case DW_FORM_addrx2:
		return 2;
	case DW_FORM_strx3:
	case DW_FORM_addrx3:
		return 3;
	case DW_FORM_data4:
	case DW_FORM_ref4:
	case DW_FORM_strx4:
	case DW_FORM_addrx4:
	case DW_FORM_ref_sup4:
		return 4;
	case DW_FORM_data8:
	case DW_FORM_ref8:
	case DW_FORM_ref_sig8:
	case DW_FORM_ref_sup8:
		return 8;
	case DW_FORM_data16:
		return 16;
	case DW_FORM_addr:
		return u->address_size;
	case DW_FORM_ref_addr:
		return u->version == 2 ? u->address_size : u->offset_size;
	case DW_FORM_strp:
	case DW_FORM_line_strp:
	case DW_FORM_sec_offset:
	case DW_FORM_strp_sup:
	case DW_FORM_GNU_strp_alt:
	case DW_FORM_GNU_ref_alt:
		return u->offset_size;
	}
	return -1;
}

/* What lets a scan pass DIEs of this abbreviation quickly. */
static void measure(const struct ka_dwarf_unit *u, const struct ka_dwarf_attr *attrs, struct ka_dwarf_abbrev *a)
{
	int32_t at = 0;

	a->name_at = a->sibling_at = a->size_at = a->line_at = -1;
	for (uint32_t i = 0; i < a->attr_count; i++) {
		int size = form_size(u, attrs[i].form);

		a->is_declaration |= attrs[i].name == DW_AT_declaration;
		a->has_name |= attrs[i].name == DW_AT_name;
		a->has_place |= attrs[i].name == DW_AT_location || attrs[i].name == DW_AT_const_value || attrs[i].name == DW_AT_low_pc ||
				attrs[i].name == DW_AT_ranges;
		a->has_origin |= attrs[i].name == DW_AT_specification || attrs[i].name == DW_AT_abstract_origin;
		a->is_inline |= attrs[i].name == DW_AT_inline;
		if (attrs[i].name == DW_AT_decl_line && attrs[i].form == DW_FORM_implicit_const)
			a->line = attrs[i].implicit;
		if (at < 0)
			continue;
		if (size < 0 || at > INT16_MAX) {
			at = -1;
			continue;
		}
		if (attrs[i].name == DW_AT_name && attrs[i].form == DW_FORM_strp && size == 4)
			a->name_at = (int16_t)at;
		if (attrs[i].name == DW_AT_sibling && attrs[i].form == DW_FORM_ref4)
			a->sibling_at = (int16_t)at;
		if (attrs[i].name == DW_AT_byte_size && (size == 1 || size == 2 || size == 4)) {
			a->size_at = (int16_t)at;
			a->size_width = (uint8_t)size;
		}
		if (attrs[i].name == DW_AT_decl_line && (size == 1 || size == 2 || size == 4)) {
			a->line_at = (int16_t)at;
			a->line_width = (uint8_t)size;
		}
		at += size;
	}
	a->fixed_size = at;
}

static int by_code(const void *a, const void *b)
{
	const struct ka_dwarf_abbrev *x = a, *y = b;

	return x->code < y->code ? -1 : x->code > y->code;
}

bool ka_dwarf_abbrevs_parse(const struct ka_dwarf_unit *u, struct ka_dwarf_abbrevs *ret)
{
	return ka_dwarf_abbrevs_until(u, 0, ret);
}

bool ka_dwarf_abbrevs_until(const struct ka_dwarf_unit *u, uint64_t last, struct ka_dwarf_abbrevs *ret)
{
	const struct ka_dwarf_bytes *bytes = &u->file->abbrev;
	const uint8_t *p, *end = bytes->at + bytes->size;
	bool is_sorted = true;

	ret->list.n = ret->attrs.n = 0;
	if (u->abbrev_offset >= bytes->size)
		return false;
	p = bytes->at + u->abbrev_offset;
	for (;;) {
		struct ka_dwarf_abbrev a = { .attr_first = (uint32_t)ret->attrs.n };
		uint64_t code = ka_dwarf_uleb(&p, end), tag, name, form;

		if (!p || code > CODE_MAX)
			return false;
		if (!code)
			break;
		a.code = (uint32_t)code;
		tag = ka_dwarf_uleb(&p, end);
		a.tag = tag <= UINT16_MAX ? (uint16_t)tag : UINT16_MAX;
		if (!p || p >= end)
			return false;
		a.has_children = *p++ == DW_CHILDREN_yes;
		for (;;) {
			struct ka_dwarf_attr attr = { 0 };

			name = ka_dwarf_uleb(&p, end);
			form = ka_dwarf_uleb(&p, end);
			if (form == DW_FORM_implicit_const)
				attr.implicit = sleb(&p, end);
			if (!p || form > UINT16_MAX)
				return false;
			if (!name && !form)
				break;
			attr.name = name <= UINT16_MAX ? (uint16_t)name : 0;
			attr.form = (uint16_t)form;
			ka_vec_push(&ret->attrs, attr);
			a.attr_count++;
		}
		measure(u, a.attr_count ? ret->attrs.at + a.attr_first : NULL, &a);
		if (ret->list.n && ret->list.at[ret->list.n - 1].code >= a.code)
			is_sorted = false;
		ka_vec_push(&ret->list, a);
		if (code == last)
			break;
	}
	if (!is_sorted)
		qsort(ret->list.at, ret->list.n, sizeof(*ret->list.at), by_code);
	return true;
}

void ka_dwarf_abbrevs_free(struct ka_dwarf_abbrevs *a)
{
	ka_vec_free(&a->list);
	ka_vec_free(&a->attrs);
}

const struct ka_dwarf_abbrev *ka_dwarf_abbrev(const struct ka_dwarf_abbrevs *a, uint64_t code)
{
	size_t lo = 0, hi = a->list.n;

	/* Compilers count from 1. */
	if (code && code <= hi && a->list.at[code - 1].code == code)
		return &a->list.at[code - 1];
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (a->list.at[mid].code < code)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < a->list.n && a->list.at[lo].code == code ? &a->list.at[lo] : NULL;
}
