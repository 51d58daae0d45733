/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* DWARF's forms: how the value of an attribute is written. */
#include "dwarf_form.h"

uint64_t ka_dwarf_fixed(struct ka_dwarf_reader *r, unsigned size)
{
	const uint8_t *p = r->p;
	uint64_t v = 0;

	if (!p || (size_t)(r->end - p) < size) {
		r->p = NULL;
		return 0;
	}
	r->p = p + size;
	switch (size) {
	case 1:
		return *p;
	case 4:
		return ka_dwarf_u32(r->d, p);
	}
	for (unsigned i = 0; i < size; i++)
		v = v << 8 | p[r->d->is_big_endian ? i : size - 1 - i];
	return v;
}

int64_t ka_dwarf_sleb(struct ka_dwarf_reader *r)
{
	const uint8_t *from = r->p;
	uint64_t v = ka_dwarf_uleb(&r->p, r->end);
	unsigned bits = r->p ? (unsigned)KA_MIN(r->p - from, 10) * 7 : 64;

	if (bits < 64 && v >> (bits - 1) & 1)
		v |= ~0ull << bits;
	return (int64_t)v;
}

static void block(struct ka_dwarf_reader *r, uint64_t size, struct ka_dwarf_value *v)
{
	if (!r->p || size > (size_t)(r->end - r->p)) {
		r->p = NULL;
		return;
	}
	*v = (struct ka_dwarf_value){ KA_DWARF_IS_BLOCK, size, r->p };
	r->p += size;
}

/* A terminated string inside a section, or nothing. */
static void string(const struct ka_dwarf_bytes *section, uint64_t offset, struct ka_dwarf_value *v)
{
	if (offset < section->size && memchr(section->at + offset, 0, section->size - offset))
		*v = (struct ka_dwarf_value){ KA_DWARF_IS_STRING, 0, section->at + offset };
}

static void string_by_index(struct ka_dwarf_reader *r, uint64_t index, struct ka_dwarf_value *v)
{
	const struct ka_dwarf_bytes *offsets = &r->u->file->str_offsets;
	uint64_t base = atomic_load_explicit(&r->u->str_offsets_base, memory_order_relaxed);
	unsigned size = r->u->offset_size;
	struct ka_dwarf_reader at = *r;

	if (base > offsets->size || index >= (offsets->size - base) / size)
		return;
	at.p = offsets->at + base + index * size;
	at.end = offsets->at + offsets->size;
	string(&r->u->file->str, ka_dwarf_fixed(&at, size), v);
}

static void reference(uint64_t base, uint64_t offset, uint64_t size, struct ka_dwarf_value *v)
{
	if (offset < size)
		*v = (struct ka_dwarf_value){ KA_DWARF_IS_REF, base + offset, NULL };
}

/* The type that a type unit of this signature defines. */
static void by_signature(struct ka_dwarf_reader *r, uint64_t signature, struct ka_dwarf_value *v)
{
	const struct ka_dwarf_units *all = ka_dwarf_units(r->d);

	for (size_t i = 0; i < all->n; i++) {
		const struct ka_dwarf_unit *u = &all->at[i];

		if (u->signature == signature && (u->type == DW_UT_type || u->type == DW_UT_split_type)) {
			*v = (struct ka_dwarf_value){ KA_DWARF_IS_REF, u->id + u->type_offset, NULL };
			return;
		}
	}
}

/* Reads one attribute. Forms that types never need are passed over; an unknown form is damage. */
void ka_dwarf_value(struct ka_dwarf_reader *r, unsigned form, int64_t implicit, struct ka_dwarf_value *v)
{
	const struct ka_dwarf_unit *u = r->u;
	const struct ka_dwarf_file *file = u->file, *alt = &r->d->files[1];
	uint64_t n;

	v->kind = KA_DWARF_IS_NONE;
	switch (form) {
	case DW_FORM_flag_present:
		*v = (struct ka_dwarf_value){ KA_DWARF_IS_NUMBER, 1, NULL };
		return;
	case DW_FORM_implicit_const:
		*v = (struct ka_dwarf_value){ KA_DWARF_IS_NUMBER, (uint64_t)implicit, NULL };
		return;
	case DW_FORM_data1:
	case DW_FORM_flag:
		*v = (struct ka_dwarf_value){ KA_DWARF_IS_NUMBER, ka_dwarf_fixed(r, 1), NULL };
		return;
	case DW_FORM_data2:
		*v = (struct ka_dwarf_value){ KA_DWARF_IS_NUMBER, ka_dwarf_fixed(r, 2), NULL };
		return;
	case DW_FORM_data4:
		*v = (struct ka_dwarf_value){ KA_DWARF_IS_NUMBER, ka_dwarf_fixed(r, 4), NULL };
		return;
	case DW_FORM_data8:
		*v = (struct ka_dwarf_value){ KA_DWARF_IS_NUMBER, ka_dwarf_fixed(r, 8), NULL };
		return;
	case DW_FORM_sec_offset:
		*v = (struct ka_dwarf_value){ KA_DWARF_IS_NUMBER, ka_dwarf_fixed(r, u->offset_size), NULL };
		return;
	case DW_FORM_udata:
		*v = (struct ka_dwarf_value){ KA_DWARF_IS_NUMBER, ka_dwarf_uleb(&r->p, r->end), NULL };
		return;
	case DW_FORM_sdata:
		*v = (struct ka_dwarf_value){ KA_DWARF_IS_NUMBER, (uint64_t)ka_dwarf_sleb(r), NULL };
		return;
	case DW_FORM_string: {
		const uint8_t *nul = r->p ? memchr(r->p, 0, (size_t)(r->end - r->p)) : NULL;

		if (nul)
			*v = (struct ka_dwarf_value){ KA_DWARF_IS_STRING, 0, r->p };
		r->p = nul ? nul + 1 : NULL;
		return;
	}
	case DW_FORM_strp:
		string(&file->str, ka_dwarf_fixed(r, u->offset_size), v);
		return;
	case DW_FORM_line_strp:
		string(&file->line_str, ka_dwarf_fixed(r, u->offset_size), v);
		return;
	case DW_FORM_strp_sup:
	case DW_FORM_GNU_strp_alt:
		string(&alt->str, ka_dwarf_fixed(r, u->offset_size), v);
		return;
	case DW_FORM_strx1:
		string_by_index(r, ka_dwarf_fixed(r, 1), v);
		return;
	case DW_FORM_strx2:
		string_by_index(r, ka_dwarf_fixed(r, 2), v);
		return;
	case DW_FORM_strx3:
		string_by_index(r, ka_dwarf_fixed(r, 3), v);
		return;
	case DW_FORM_strx4:
		string_by_index(r, ka_dwarf_fixed(r, 4), v);
		return;
	case DW_FORM_strx:
	case DW_FORM_GNU_str_index:
		string_by_index(r, ka_dwarf_uleb(&r->p, r->end), v);
		return;
	case DW_FORM_ref1:
		reference(u->id, ka_dwarf_fixed(r, 1), u->size, v);
		return;
	case DW_FORM_ref2:
		reference(u->id, ka_dwarf_fixed(r, 2), u->size, v);
		return;
	case DW_FORM_ref4:
		reference(u->id, ka_dwarf_fixed(r, 4), u->size, v);
		return;
	case DW_FORM_ref8:
		reference(u->id, ka_dwarf_fixed(r, 8), u->size, v);
		return;
	case DW_FORM_ref_udata:
		reference(u->id, ka_dwarf_uleb(&r->p, r->end), u->size, v);
		return;
	case DW_FORM_ref_addr:
		reference(file->info_id, ka_dwarf_fixed(r, u->version == 2 ? u->address_size : u->offset_size), file->info.size, v);
		return;
	case DW_FORM_GNU_ref_alt:
		reference(alt->info_id, ka_dwarf_fixed(r, u->offset_size), alt->info.size, v);
		return;
	case DW_FORM_ref_sup4:
		reference(alt->info_id, ka_dwarf_fixed(r, 4), alt->info.size, v);
		return;
	case DW_FORM_ref_sup8:
		reference(alt->info_id, ka_dwarf_fixed(r, 8), alt->info.size, v);
		return;
	case DW_FORM_ref_sig8:
		n = ka_dwarf_fixed(r, 8);
		if (r->p)
			by_signature(r, n, v);
		return;
	case DW_FORM_block1:
		block(r, ka_dwarf_fixed(r, 1), v);
		return;
	case DW_FORM_block2:
		block(r, ka_dwarf_fixed(r, 2), v);
		return;
	case DW_FORM_block4:
		block(r, ka_dwarf_fixed(r, 4), v);
		return;
	case DW_FORM_block:
	case DW_FORM_exprloc:
		block(r, ka_dwarf_uleb(&r->p, r->end), v);
		return;
	case DW_FORM_data16:
		block(r, 16, v);
		return;
	case DW_FORM_addr:
		*v = (struct ka_dwarf_value){ KA_DWARF_IS_NUMBER, ka_dwarf_fixed(r, u->address_size), NULL };
		return;
	case DW_FORM_addrx1:
		ka_dwarf_fixed(r, 1);
		return;
	case DW_FORM_addrx2:
		ka_dwarf_fixed(r, 2);
		return;
	case DW_FORM_addrx3:
		ka_dwarf_fixed(r, 3);
		return;
	case DW_FORM_addrx4:
		ka_dwarf_fixed(r, 4);
		return;
	case DW_FORM_addrx:
	case DW_FORM_loclistx:
	case DW_FORM_rnglistx:
	case DW_FORM_GNU_addr_index:
		ka_dwarf_uleb(&r->p, r->end);
		return;
	case DW_FORM_indirect:
		n = ka_dwarf_uleb(&r->p, r->end);
		form = (unsigned)KA_MIN(n, UINT16_MAX);
		if (r->p && form != DW_FORM_indirect && form != DW_FORM_implicit_const)
			ka_dwarf_value(r, form, 0, v);
		else
			r->p = NULL;
		return;
	}
	r->p = NULL;
}
