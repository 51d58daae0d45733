/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The outermost DIE of one unit, as far as its lines go. libdw would walk through all units before it first. */
#include <dwarf.h>
#include "line.h"

#define ATTRIBUTES_MAX	256

static struct ka_reader reader(const struct ka_line_sections *s, struct ka_line_bytes bytes, uint64_t at)
{
	return (struct ka_reader){.o = s->o,
				  .data = bytes.at,
				  .at = (size_t)KA_MIN(at, (uint64_t)bytes.size),
				  .end = bytes.size,
				  .is_bad = at > bytes.size};
}

static const char *string_at(const struct ka_line_sections *s, struct ka_line_bytes bytes, uint64_t at)
{
	struct ka_reader b = reader(s, bytes, at);
	const char *text = ka_reader_string(&b);

	return b.is_bad ? NULL : text;
}

bool ka_line_form(const struct ka_line_sections *s, struct ka_reader *b, uint64_t form, unsigned offset_size,
		  unsigned address_size, unsigned version, uint64_t *ret, const char **ret_string)
{
	*ret = 0;
	*ret_string = NULL;
	switch (form) {
	case DW_FORM_addr:
		*ret = ka_reader_uint(b, address_size);
		break;
	case DW_FORM_data1: case DW_FORM_ref1: case DW_FORM_flag: case DW_FORM_strx1: case DW_FORM_addrx1:
		*ret = ka_reader_uint(b, 1);
		break;
	case DW_FORM_data2: case DW_FORM_ref2: case DW_FORM_strx2: case DW_FORM_addrx2:
		*ret = ka_reader_uint(b, 2);
		break;
	case DW_FORM_strx3: case DW_FORM_addrx3:
		*ret = ka_reader_uint(b, 3);
		break;
	case DW_FORM_data4: case DW_FORM_ref4: case DW_FORM_strx4: case DW_FORM_addrx4: case DW_FORM_ref_sup4:
		*ret = ka_reader_uint(b, 4);
		break;
	case DW_FORM_data8: case DW_FORM_ref8: case DW_FORM_ref_sig8: case DW_FORM_ref_sup8:
		*ret = ka_reader_uint(b, 8);
		break;
	case DW_FORM_data16:
		ka_reader_skip(b, 16);
		break;
	case DW_FORM_udata:
	case DW_FORM_ref_udata:
	case DW_FORM_strx:
	case DW_FORM_addrx:
	case DW_FORM_loclistx:
	case DW_FORM_rnglistx:
	case DW_FORM_GNU_addr_index: case DW_FORM_GNU_str_index:
		*ret = ka_reader_uleb(b);
		break;
	case DW_FORM_sdata:
		*ret = (uint64_t)ka_reader_sleb(b);
		break;
	case DW_FORM_sec_offset: case DW_FORM_strp_sup: case DW_FORM_GNU_ref_alt: case DW_FORM_GNU_strp_alt:
		*ret = ka_reader_uint(b, offset_size);
		break;
	case DW_FORM_ref_addr:
		*ret = ka_reader_uint(b, version <= 2 ? address_size : offset_size);
		break;
	case DW_FORM_string:
		*ret_string = ka_reader_string(b);
		break;
	case DW_FORM_strp:
		*ret_string = string_at(s, s->str, ka_reader_uint(b, offset_size));
		break;
	case DW_FORM_line_strp:
		*ret_string = string_at(s, s->line_str, ka_reader_uint(b, offset_size));
		break;
	case DW_FORM_flag_present: case DW_FORM_implicit_const:
		break;
	case DW_FORM_block1:
		ka_reader_skip(b, ka_reader_uint(b, 1));
		break;
	case DW_FORM_block2:
		ka_reader_skip(b, ka_reader_uint(b, 2));
		break;
	case DW_FORM_block4:
		ka_reader_skip(b, ka_reader_uint(b, 4));
		break;
	case DW_FORM_block: case DW_FORM_exprloc:
		ka_reader_skip(b, ka_reader_uleb(b));
		break;
	default:
		b->is_bad = true;
		return false;
	}
	return !b->is_bad;
}

/* The abbreviation of a code: the reader is left at its list of attributes. */
static bool abbrev_find(struct ka_reader *b, uint64_t code)
{
	for (;;) {
		uint64_t is = ka_reader_uleb(b), name, form;

		if (!is || b->is_bad)
			return false;
		ka_reader_uleb(b);	/* tag */
		ka_reader_uint(b, 1);	/* has children */
		if (is == code)
			return !b->is_bad;
		do {
			name = ka_reader_uleb(b);
			form = ka_reader_uleb(b);
			if (form == DW_FORM_implicit_const)
				ka_reader_sleb(b);
		} while ((name || form) && !b->is_bad);
	}
}

/* comp_dir by DW_FORM_strx: an index into a table of offsets, which begins where the DIE's DW_AT_str_offsets_base says.
 */
static const char *string_by_index(const struct ka_line_sections *s, uint64_t base, uint64_t index, unsigned offset_size)
{
	if (index > s->str_offsets.size || base > s->str_offsets.size)
		return NULL;
	struct ka_reader b = reader(s, s->str_offsets, base + index * offset_size);
	uint64_t at = ka_reader_uint(&b, offset_size);

	return b.is_bad ? NULL : string_at(s, s->str, at);
}

bool ka_line_root_read(const struct ka_line_sections *s, uint64_t offset, struct ka_line_root *ret)
{
	struct ka_reader b = reader(s, s->info, offset);
	unsigned offset_size, version, type = DW_UT_compile, address_size;
	uint64_t abbrev_offset, str_base, dir_index = 0, code;
	bool is_dir_indexed = false;

	*ret = (struct ka_line_root){ 0 };
	ka_reader_unit(&b, &offset_size);
	version = (unsigned)ka_reader_uint(&b, 2);
	if (b.is_bad || version < 2 || version > 5)
		return false;
	if (version >= 5) {
		type = (unsigned)ka_reader_uint(&b, 1);
		address_size = (unsigned)ka_reader_uint(&b, 1);
		abbrev_offset = ka_reader_uint(&b, offset_size);
		if (type == DW_UT_skeleton || type == DW_UT_split_compile)
			ka_reader_skip(&b, 8);
		else if (type == DW_UT_type || type == DW_UT_split_type)
			ka_reader_skip(&b, 8 + offset_size);
	} else {
		abbrev_offset = ka_reader_uint(&b, offset_size);
		address_size = (unsigned)ka_reader_uint(&b, 1);
	}
	str_base = version >= 5 ? 2 * offset_size : 0;
	code = ka_reader_uleb(&b);
	struct ka_reader a = reader(s, s->abbrev, abbrev_offset);

	if (b.is_bad || (address_size != 4 && address_size != 8) || !code || !abbrev_find(&a, code))
		return false;
	for (unsigned i = 0; i < ATTRIBUTES_MAX; i++) {
		uint64_t name = ka_reader_uleb(&a), form = ka_reader_uleb(&a), value;
		const char *string;

		if (a.is_bad)
			return false;
		if (!name && !form)
			break;
		if (form == DW_FORM_implicit_const)
			ka_reader_sleb(&a);
		if (form == DW_FORM_indirect)
			form = ka_reader_uleb(&b);
		if (!ka_line_form(s, &b, form, offset_size, address_size, version, &value, &string))
			return false;
		if (name == DW_AT_stmt_list) {
			ret->line_offset = value;
			ret->has_lines = true;
		} else if (name == DW_AT_str_offsets_base) {
			str_base = value;
		} else if (name == DW_AT_comp_dir) {
			ret->comp_dir = string;
			is_dir_indexed = form == DW_FORM_strx || (form >= DW_FORM_strx1 && form <= DW_FORM_strx4);
			dir_index = value;
		}
	}
	if (is_dir_indexed)
		ret->comp_dir = string_by_index(s, str_base, dir_index, offset_size);
	return true;
}
