/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Location lists and ranges of DWARF 2 to 5: which entry of a list holds at an address. */
#include "dwarf_location.h"
#include "object.h"

#define ENTRIES_MAX	(1u << 16)	/* of one list */
#define ORIGINS_MAX	8		/* instances of instances */

static void section(struct ka_object *o, const char *name, struct ka_dwarf_bytes *ret)
{
	if (ka_error_drop(ka_object_debug_content(o, name, &ret->at, &ret->size)))
		*ret = (struct ka_dwarf_bytes){ 0 };
}

void ka_dwarf_ranges_open(struct ka_object *o, const struct ka_dwarf *d, struct ka_dwarf_lists *l)
{
	*l = (struct ka_dwarf_lists){ .d = d };
	section(o, ".debug_ranges", &l->ranges);
	section(o, ".debug_rnglists", &l->rnglists);
	section(o, ".debug_addr", &l->addr);
}

void ka_dwarf_lists_open(struct ka_object *o, const struct ka_dwarf *d, struct ka_dwarf_lists *l)
{
	ka_dwarf_ranges_open(o, d, l);
	section(o, ".debug_loc", &l->loc);
	section(o, ".debug_loclists", &l->loclists);
}

static struct ka_dwarf_reader reader_at(const struct ka_dwarf_lists *l, struct ka_dwarf_unit *u, const struct ka_dwarf_bytes *b, uint64_t offset)
{
	struct ka_dwarf_reader r = { .d = l->d, .u = u };

	if (offset < b->size) {
		r.p = b->at + offset;
		r.end = b->at + b->size;
	}
	return r;
}

/* ---- attributes ---- */

/* Of the forms that are indices, and that types have no use for. */
static bool index_form(struct ka_dwarf_reader *r, unsigned form, struct ka_dwarf_value *v)
{
	uint64_t n;

	switch (form) {
	case DW_FORM_addrx1:
		n = ka_dwarf_fixed(r, 1);
		break;
	case DW_FORM_addrx2:
		n = ka_dwarf_fixed(r, 2);
		break;
	case DW_FORM_addrx3:
		n = ka_dwarf_fixed(r, 3);
		break;
	case DW_FORM_addrx4:
		n = ka_dwarf_fixed(r, 4);
		break;
	case DW_FORM_addrx:
	case DW_FORM_GNU_addr_index:
	case DW_FORM_loclistx:
	case DW_FORM_rnglistx:
		n = r->p ? ka_dwarf_uleb(&r->p, r->end) : 0;
		break;
	default:
		return false;
	}
	*v = (struct ka_dwarf_value){ KA_DWARF_IS_NUMBER, n, NULL };
	return true;
}

void ka_dwarf_raw_value(struct ka_dwarf_reader *r, const struct ka_dwarf_attr *attr, struct ka_dwarf_raw *ret)
{
	ret->form = attr->form;
	if (!index_form(r, attr->form, &ret->v))
		ka_dwarf_value(r, attr->form, attr->implicit, &ret->v);
	if (!r->p)
		ret->v.kind = KA_DWARF_IS_NONE;
}

bool ka_dwarf_attribute(const struct ka_dwarf *d, const struct ka_dwarf_die *die, unsigned name, struct ka_dwarf_raw *ret)
{
	const struct ka_dwarf_abbrevs *abbrevs = ka_dwarf_abbrevs_of(d, die->unit);
	const struct ka_dwarf_abbrev *abbrev;
	struct ka_dwarf_reader r = { .d = d, .u = die->unit, .p = die->unit->at + (die->id - die->unit->id), .end = die->unit->at + die->unit->size };
	uint64_t code = ka_dwarf_uleb(&r.p, r.end);

	abbrev = r.p && code ? ka_dwarf_abbrev(abbrevs, code) : NULL;
	for (uint32_t i = 0; abbrev && i < abbrev->attr_count; i++) {
		const struct ka_dwarf_attr *attr = &abbrevs->attrs.at[abbrev->attr_first + i];

		ka_dwarf_raw_value(&r, attr, ret);
		if (!r.p)
			return false;
		if (attr->name == name)
			return ret->v.kind != KA_DWARF_IS_NONE;
	}
	return false;
}

bool ka_dwarf_inherited(const struct ka_dwarf *d, const struct ka_dwarf_die *die, unsigned name, struct ka_dwarf_raw *ret,
			struct ka_dwarf_die *ret_owner)
{
	struct ka_dwarf_die at = *die;

	for (int i = 0; i < ORIGINS_MAX; i++) {
		if (ka_dwarf_attribute(d, &at, name, ret)) {
			if (ret_owner)
				*ret_owner = at;
			return true;
		}
		if (!at.origin || !ka_dwarf_die(d, at.origin, &at))
			return false;
	}
	return false;
}

const char *ka_dwarf_name(const struct ka_dwarf *d, const struct ka_dwarf_die *die)
{
	struct ka_dwarf_die at = *die;

	for (int i = 0; i < ORIGINS_MAX && !at.name && at.origin; i++)
		if (!ka_dwarf_die(d, at.origin, &at))
			return NULL;
	return at.name;
}

/* What the unit's outermost DIE tells of its tables: where indices count from, and addresses. */
struct ka_dwarf_bases {
	uint64_t addr, rnglists, loclists;
	struct ka_dwarf_raw low;
};

static const struct ka_dwarf_bases *bases_of(const struct ka_dwarf *d, struct ka_dwarf_unit *u)
{
	struct ka_dwarf_bases *b = atomic_load_explicit(&u->bases, memory_order_acquire), *other = NULL;
	struct ka_dwarf_reader r = { .d = d, .u = u, .p = u->at + u->header_size, .end = u->at + u->size };
	struct ka_dwarf_abbrevs room = { 0 };
	const struct ka_dwarf_abbrev *abbrev;
	uint64_t code;

	if (b)
		return b;
	b = ka_xalloc(sizeof(*b));
	code = ka_dwarf_uleb(&r.p, r.end);
	abbrev = r.p && code && ka_dwarf_abbrevs_until(u, code, &room) ? ka_dwarf_abbrev(&room, code) : NULL;
	for (uint32_t i = 0; abbrev && i < abbrev->attr_count && r.p; i++) {
		const struct ka_dwarf_attr *attr = &room.attrs.at[abbrev->attr_first + i];
		struct ka_dwarf_raw raw;

		ka_dwarf_raw_value(&r, attr, &raw);
		if (raw.v.kind != KA_DWARF_IS_NUMBER)
			continue;
		if (attr->name == DW_AT_addr_base || attr->name == DW_AT_GNU_addr_base)
			b->addr = raw.v.u;
		else if (attr->name == DW_AT_rnglists_base)
			b->rnglists = raw.v.u;
		else if (attr->name == DW_AT_loclists_base)
			b->loclists = raw.v.u;
		else if (attr->name == DW_AT_low_pc)
			b->low = raw;
	}
	ka_dwarf_abbrevs_free(&room);
	/* Two threads may have made it; one is kept. */
	if (!atomic_compare_exchange_strong_explicit(&u->bases, &other, b, memory_order_acq_rel, memory_order_acquire)) {
		free(b);
		b = other;
	}
	return b;
}

bool ka_dwarf_indexed(const struct ka_dwarf_lists *l, struct ka_dwarf_unit *u, uint64_t index, uint64_t *ret)
{
	uint64_t base = bases_of(l->d, u)->addr;
	struct ka_dwarf_reader r;

	if (base > l->addr.size || index >= (l->addr.size - base) / u->address_size)
		return false;
	r = reader_at(l, u, &l->addr, base + index * u->address_size);
	*ret = ka_dwarf_fixed(&r, u->address_size);
	return r.p;
}

static bool is_addrx(unsigned form)
{
	return form == DW_FORM_addrx || form == DW_FORM_GNU_addr_index || (form >= DW_FORM_addrx1 && form <= DW_FORM_addrx4);
}

static bool address_of(const struct ka_dwarf_lists *l, struct ka_dwarf_unit *u, const struct ka_dwarf_raw *raw, uint64_t *ret)
{
	if (raw->v.kind != KA_DWARF_IS_NUMBER)
		return false;
	*ret = raw->v.u;
	return raw->form == DW_FORM_addr || (is_addrx(raw->form) && ka_dwarf_indexed(l, u, raw->v.u, ret));
}

bool ka_dwarf_address(const struct ka_dwarf_lists *l, const struct ka_dwarf_die *die, unsigned name, uint64_t *ret)
{
	struct ka_dwarf_raw raw;

	return ka_dwarf_attribute(l->d, die, name, &raw) && address_of(l, die->unit, &raw, ret);
}

/* What offsets in lists count from: where the unit begins, 0 when it has several ranges. */
static uint64_t unit_base(const struct ka_dwarf_lists *l, struct ka_dwarf_unit *u)
{
	uint64_t base;

	return address_of(l, u, &bases_of(l->d, u)->low, &base) ? base : 0;
}

/* ---- lists ---- */

/* One entry; false: the end. is_there: [start, end) are addresses; else it only moved the base. */
struct entry {
	uint64_t start, end;
	bool is_there, is_default;
};

/* DWARF 2 to 4: pairs of offsets; 0, 0 ends, and the highest address first sets the base. */
static bool pair_next(struct ka_dwarf_reader *r, uint64_t *base, struct entry *e)
{
	unsigned size = r->u->address_size;
	uint64_t from = ka_dwarf_fixed(r, size), to = ka_dwarf_fixed(r, size), top = size < 8 ? (1ull << (size * 8)) - 1 : ~0ull;

	*e = (struct entry){ .start = *base + from, .end = *base + to, .is_there = true };
	if (!r->p || (!from && !to))
		return false;
	if (from == top) {
		*base = to;
		e->is_there = false;
	}
	return true;
}

/* DWARF 5. Kinds of ranges have other numbers than those of locations from 5 on: brought to these by the caller. */
static bool kind_next(const struct ka_dwarf_lists *l, struct ka_dwarf_reader *r, unsigned kind, uint64_t *base, struct entry *e)
{
	struct ka_dwarf_unit *u = r->u;
	uint64_t a = 0, b = 0;
	bool ok = true;

	*e = (struct entry){ .is_there = true };
	if (kind != DW_LLE_default_location && kind != DW_LLE_base_address && kind != DW_LLE_start_end && kind != DW_LLE_start_length)
		a = r->p && kind ? ka_dwarf_uleb(&r->p, r->end) : 0;
	switch (kind) {
	case DW_LLE_base_addressx:
		e->is_there = false;
		return r->p && ka_dwarf_indexed(l, u, a, base);
	case DW_LLE_startx_endx:
		b = r->p ? ka_dwarf_uleb(&r->p, r->end) : 0;
		ok = r->p && ka_dwarf_indexed(l, u, a, &e->start) && ka_dwarf_indexed(l, u, b, &e->end);
		break;
	case DW_LLE_startx_length:
		b = r->p ? ka_dwarf_uleb(&r->p, r->end) : 0;
		ok = r->p && ka_dwarf_indexed(l, u, a, &e->start);
		e->end = e->start + b;
		break;
	case DW_LLE_offset_pair:
		b = r->p ? ka_dwarf_uleb(&r->p, r->end) : 0;
		e->start = *base + a;
		e->end = *base + b;
		break;
	case DW_LLE_default_location:
		e->is_default = true;
		e->is_there = false;
		break;
	case DW_LLE_base_address:
		*base = ka_dwarf_fixed(r, u->address_size);
		e->is_there = false;
		break;
	case DW_LLE_start_end:
		e->start = ka_dwarf_fixed(r, u->address_size);
		e->end = ka_dwarf_fixed(r, u->address_size);
		break;
	case DW_LLE_start_length:
		e->start = ka_dwarf_fixed(r, u->address_size);
		e->end = e->start + (r->p ? ka_dwarf_uleb(&r->p, r->end) : 0);
		break;
	case DW_LLE_GNU_view_pair:	/* numbers of views within an address: two, the first read above */
		if (r->p)
			ka_dwarf_uleb(&r->p, r->end);
		e->is_there = false;
		break;
	default:
		return false;
	}
	return ok && r->p;
}

bool ka_dwarf_location_list(const struct ka_dwarf_lists *l, struct ka_dwarf_unit *u, uint64_t offset, uint64_t base, uint64_t pc,
			    const uint8_t **ret, size_t *ret_size)
{
	bool is_5 = u->version >= 5, has_default = false;
	struct ka_dwarf_reader r = reader_at(l, u, is_5 ? &l->loclists : &l->loc, offset);

	for (unsigned i = 0; i < ENTRIES_MAX && r.p; i++) {
		uint64_t size;
		struct entry e;
		unsigned kind = is_5 ? (unsigned)ka_dwarf_fixed(&r, 1) : 0;

		if (is_5 ? !r.p || !kind_next(l, &r, kind, &base, &e) : !pair_next(&r, &base, &e))
			break;
		if (!e.is_there && !e.is_default)
			continue;
		size = is_5 ? ka_dwarf_uleb(&r.p, r.end) : ka_dwarf_fixed(&r, 2);
		if (!r.p || size > (size_t)(r.end - r.p))
			break;
		if (e.is_default ? !has_default : pc >= e.start && pc < e.end) {
			*ret = r.p;
			*ret_size = (size_t)size;
			if (!e.is_default)
				return true;
			has_default = true;
		}
		r.p += size;
	}
	return has_default;
}

static bool range_list(const struct ka_dwarf_lists *l, struct ka_dwarf_unit *u, uint64_t offset, uint64_t base,
		       bool (*fn)(void *ctx, uint64_t start, uint64_t end), void *ctx)
{
	static const uint8_t as_location[] = { DW_LLE_end_of_list, DW_LLE_base_addressx, DW_LLE_startx_endx, DW_LLE_startx_length,
					       DW_LLE_offset_pair, DW_LLE_base_address, DW_LLE_start_end, DW_LLE_start_length };
	bool is_5 = u->version >= 5;
	struct ka_dwarf_reader r = reader_at(l, u, is_5 ? &l->rnglists : &l->ranges, offset);

	for (unsigned i = 0; i < ENTRIES_MAX && r.p; i++) {
		struct entry e;
		unsigned kind = is_5 ? (unsigned)ka_dwarf_fixed(&r, 1) : 0;

		if (is_5 ? !r.p || kind >= KA_COUNT(as_location) || !kind_next(l, &r, as_location[kind], &base, &e) :
			   !pair_next(&r, &base, &e))
			return false;
		if (e.is_there && e.start < e.end && fn(ctx, e.start, e.end))
			return true;
	}
	return false;
}

/* The offset of a list by its number: behind the table's header lie offsets, from where they themselves begin. */
static bool list_of_index(const struct ka_dwarf_lists *l, struct ka_dwarf_unit *u, const struct ka_dwarf_bytes *section, uint64_t base,
			  uint64_t index, uint64_t *ret)
{
	struct ka_dwarf_reader r;

	if (base > section->size || index >= (section->size - base) / u->offset_size)
		return false;
	r = reader_at(l, u, section, base + index * u->offset_size);
	*ret = base + ka_dwarf_fixed(&r, u->offset_size);
	return r.p;
}

bool ka_dwarf_location(const struct ka_dwarf_lists *l, struct ka_dwarf_unit *u, const struct ka_dwarf_raw *raw, uint64_t pc,
		       const uint8_t **ret, size_t *ret_size)
{
	uint64_t offset = raw->v.u;

	if (raw->v.kind == KA_DWARF_IS_BLOCK) {
		*ret = raw->v.at;
		*ret_size = (size_t)raw->v.u;
		return true;
	}
	if (raw->v.kind != KA_DWARF_IS_NUMBER)
		return false;
	if (raw->form == DW_FORM_loclistx && !list_of_index(l, u, &l->loclists, bases_of(l->d, u)->loclists, raw->v.u, &offset))
		return false;
	return ka_dwarf_location_list(l, u, offset, unit_base(l, u), pc, ret, ret_size);
}

/* ---- code ---- */

void ka_dwarf_extent_add(struct ka_dwarf_extent *x, unsigned name, const struct ka_dwarf_raw *raw)
{
	if (raw->v.kind != KA_DWARF_IS_NUMBER)
		return;
	if (name == DW_AT_low_pc)
		x->low = *raw;
	else if (name == DW_AT_high_pc)
		x->high = *raw;
	else if (name == DW_AT_ranges)
		x->ranges = *raw;
}

bool ka_dwarf_extent_each(const struct ka_dwarf_lists *l, struct ka_dwarf_unit *u, const struct ka_dwarf_extent *x,
			  bool (*fn)(void *ctx, uint64_t start, uint64_t end), void *ctx)
{
	uint64_t low, high;

	if (x->high.form) {
		if (!x->low.form || !address_of(l, u, &x->low, &low))
			return false;
		/* from DWARF 4 on, its size */
		if (!address_of(l, u, &x->high, &high))
			high = low + x->high.v.u;
		return low < high && fn(ctx, low, high);
	}
	if (!x->ranges.form)
		return false;
	low = x->ranges.v.u;
	if (x->ranges.form == DW_FORM_rnglistx && !list_of_index(l, u, &l->rnglists, bases_of(l->d, u)->rnglists, x->ranges.v.u, &low))
		return false;
	return range_list(l, u, low, unit_base(l, u), fn, ctx);
}

static bool is_within(void *ctx, uint64_t start, uint64_t end)
{
	const uint64_t *pc = ctx;

	return *pc >= start && *pc < end;
}

bool ka_dwarf_extent_covers(const struct ka_dwarf_lists *l, struct ka_dwarf_unit *u, const struct ka_dwarf_extent *x, uint64_t pc)
{
	return ka_dwarf_extent_each(l, u, x, is_within, &pc);
}

void ka_dwarf_extent_of(const struct ka_dwarf *d, const struct ka_dwarf_die *die, const struct ka_dwarf_abbrevs *a,
			struct ka_dwarf_extent *ret)
{
	struct ka_dwarf_reader r = { .d = d, .u = die->unit, .p = die->unit->at + (die->id - die->unit->id),
				     .end = die->unit->at + die->unit->size };
	uint64_t code = ka_dwarf_uleb(&r.p, r.end);
	const struct ka_dwarf_abbrev *abbrev = r.p && code ? ka_dwarf_abbrev(a, code) : NULL;

	*ret = (struct ka_dwarf_extent){ 0 };
	for (uint32_t i = 0; abbrev && i < abbrev->attr_count && r.p; i++) {
		const struct ka_dwarf_attr *attr = &a->attrs.at[abbrev->attr_first + i];
		struct ka_dwarf_raw raw;

		ka_dwarf_raw_value(&r, attr, &raw);
		ka_dwarf_extent_add(ret, attr->name, &raw);
	}
}

bool ka_dwarf_covers(const struct ka_dwarf_lists *l, const struct ka_dwarf_die *die, uint64_t pc)
{
	struct ka_dwarf_extent x;

	/* the cheap answer first: of most DIEs it is all there is */
	if (die->has & KA_DWARF_ADDR && pc < die->addr)
		return false;
	ka_dwarf_extent_of(l->d, die, ka_dwarf_abbrevs_of(l->d, die->unit), &x);
	return ka_dwarf_extent_covers(l, die->unit, &x, pc);
}
