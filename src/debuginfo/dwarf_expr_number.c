/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Operations of DWARF expressions that push numbers: constants, addresses, those of a base type. */
#include <inttypes.h>
#include "dwarf_run.h"

static uint64_t uleb(struct ka_dwarf_run *s)
{
	return s->r.p ? ka_dwarf_uleb(&s->r.p, s->r.end) : 0;
}

static void push_generic(struct ka_dwarf_run *s, uint64_t v)
{
	ka_dwarf_run_push(s, ka_dwarf_number(KA_DWARF_GENERIC, s->m->unit->address_size, v));
}

static int64_t fixed_signed(struct ka_dwarf_run *s, unsigned size)
{
	return (int64_t)ka_dwarf_number(KA_DWARF_SIGNED, (uint8_t)size, ka_dwarf_fixed(&s->r, size)).bits;
}

static void indexed(struct ka_dwarf_run *s, bool is_address)
{
	uint64_t index = uleb(s), v;

	if (!s->r.p)
		return;
	if (!s->m->indexed || !s->m->indexed(s->m->ctx, s->m->unit, index, &v))
		ka_dwarf_run_fail(s, KA_DWARF_BAD, "an index that .debug_addr does not have");
	else if (is_address && s->m->address && !s->m->address(s->m->ctx, v, &v))
		ka_dwarf_run_fail(s, KA_DWARF_UNKNOWN, "where 0x%" PRIx64 " was loaded is not known", v);
	else
		push_generic(s, v);
}

static void address(struct ka_dwarf_run *s)
{
	uint64_t v = ka_dwarf_fixed(&s->r, s->m->unit->address_size);

	if (s->r.p && s->m->address && !s->m->address(s->m->ctx, v, &v))
		ka_dwarf_run_fail(s, KA_DWARF_UNKNOWN, "where 0x%" PRIx64 " was loaded is not known", v);
	else
		push_generic(s, v);
}

bool ka_dwarf_run_constant(struct ka_dwarf_run *s, unsigned op)
{
	if (op >= DW_OP_lit0 && op <= DW_OP_lit31) {
		push_generic(s, op - DW_OP_lit0);
		return true;
	}
	switch (op) {
	case DW_OP_addr:
		address(s);
		return true;
	case DW_OP_addrx:
	case DW_OP_GNU_addr_index:
		indexed(s, true);
		return true;
	case DW_OP_constx:
	case DW_OP_GNU_const_index:
		indexed(s, false);
		return true;
	case DW_OP_const1u:
		push_generic(s, ka_dwarf_fixed(&s->r, 1));
		return true;
	case DW_OP_const1s:
		push_generic(s, (uint64_t)fixed_signed(s, 1));
		return true;
	case DW_OP_const2u:
		push_generic(s, ka_dwarf_fixed(&s->r, 2));
		return true;
	case DW_OP_const2s:
		push_generic(s, (uint64_t)fixed_signed(s, 2));
		return true;
	case DW_OP_const4u:
		push_generic(s, ka_dwarf_fixed(&s->r, 4));
		return true;
	case DW_OP_const4s:
		push_generic(s, (uint64_t)fixed_signed(s, 4));
		return true;
	case DW_OP_const8u:
	case DW_OP_const8s:
		push_generic(s, ka_dwarf_fixed(&s->r, 8));
		return true;
	case DW_OP_constu:
		push_generic(s, uleb(s));
		return true;
	case DW_OP_consts:
		push_generic(s, s->r.p ? (uint64_t)ka_dwarf_sleb(&s->r) : 0);
		return true;
	}
	return false;
}

/* The base type at an offset of this unit; 0: none, the untyped kind. */
static bool type_at(struct ka_dwarf_run *s, uint64_t offset, uint8_t *ret_kind, uint8_t *ret_size)
{
	*ret_kind = KA_DWARF_GENERIC;
	*ret_size = s->m->unit->address_size;
	if (!offset)
		return true;
	if (s->r.p && offset < s->m->unit->size && ka_dwarf_number_type(s->m->d, s->m->unit->id + (uint32_t)offset, ret_kind, ret_size))
		return true;
	ka_dwarf_run_fail(s, KA_DWARF_UNKNOWN, "a number of a type that is not computed with");
	return false;
}

bool ka_dwarf_run_typed(struct ka_dwarf_run *s, unsigned op)
{
	struct ka_dwarf_number a;
	uint64_t v, reg;
	uint8_t kind, size;

	switch (op) {
	case DW_OP_const_type:
	case DW_OP_GNU_const_type: {
		uint64_t type = uleb(s), n = ka_dwarf_fixed(&s->r, 1);
		const uint8_t *at = s->r.p;
		struct ka_dwarf_reader r = s->r;

		if (!at || n > (size_t)(r.end - at)) {
			s->r.p = NULL;
			return true;
		}
		s->r.p += n;
		if (!type_at(s, type, &kind, &size))
			return true;
		r.p = at;
		r.end = at + n;
		if (n != size)
			ka_dwarf_run_fail(s, KA_DWARF_BAD, "a constant that is not of its type's size");
		else
			ka_dwarf_run_push(s, ka_dwarf_number(kind, size, ka_dwarf_fixed(&r, size)));
		return true;
	}
	case DW_OP_regval_type:
	case DW_OP_GNU_regval_type:
		reg = uleb(s);
		if (type_at(s, uleb(s), &kind, &size) && s->r.p && ka_dwarf_run_register(s, reg, &v))
			ka_dwarf_run_push(s, ka_dwarf_number(kind, size, v));
		return true;
	case DW_OP_deref_type:
	case DW_OP_GNU_deref_type:
		v = ka_dwarf_fixed(&s->r, 1);
		if (type_at(s, uleb(s), &kind, &size))
			ka_dwarf_run_deref(s, (unsigned)v, kind);
		return true;
	case DW_OP_convert:
	case DW_OP_GNU_convert:
		v = uleb(s);
		a = ka_dwarf_run_pop(s);
		if (type_at(s, v, &kind, &size))
			ka_dwarf_run_push(s, ka_dwarf_convert(a, kind, size));
		return true;
	case DW_OP_reinterpret:
	case DW_OP_GNU_reinterpret:
		v = uleb(s);
		a = ka_dwarf_run_pop(s);
		if (!type_at(s, v, &kind, &size))
			return true;
		if (a.size != size)
			ka_dwarf_run_fail(s, KA_DWARF_BAD, "a number reinterpreted as one of another size");
		else
			ka_dwarf_run_push(s, ka_dwarf_number(kind, size, a.bits));
		return true;
	}
	return false;
}
