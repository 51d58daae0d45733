/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From where DWARF says that a variable lies to its value: memory, registers, bytes of its own put together from pieces. */
#include "local.h"

#define SIZE_MAX_IN_PIECES (64u << 10)	/* of what is no memory: no compiler keeps so much in registers */
#define TARGETS_MAX 4			/* pointers to pointers to what has no place */

/* What ka_local.bytes lie at for the printer: no address of any machine. */
#define NO_ADDRESS 0x5a00000000000000ull

static bool is_scalar(enum ka_type_kind kind)
{
	return kind == KA_TYPE_INT || kind == KA_TYPE_ENUM || kind == KA_TYPE_POINTER || kind == KA_TYPE_FLOAT;
}

/* The base register of a place, from the expression alone. */
static void name_place(struct ka_local_frame *f, uint32_t die, struct ka_local *l)
{
	struct ka_frame_rules rules;
	const uint8_t *expr, *p, *base;
	size_t size, base_size;

	l->reg = -1;
	if (!ka_scope_expression(&f->scope, die, &expr, &size) || !size)
		return;
	p = expr + 1;
	struct ka_dwarf_reader r = { .p = p, .end = expr + size };

	if (size == 1 && expr[0] >= DW_OP_reg0 && expr[0] <= DW_OP_reg31) {
		l->place = KA_LOCAL_IN_REGISTER;
		l->reg = expr[0] - DW_OP_reg0;
	} else if (expr[0] >= DW_OP_breg0 && expr[0] <= DW_OP_breg31) {
		l->reg_offset = ka_dwarf_sleb(&r);
		if (r.p == r.end)
			l->place = KA_LOCAL_IN_MEMORY;
		else if (r.p && r.end - r.p == 1 && *r.p == DW_OP_stack_value)
			l->place = KA_LOCAL_COMPUTED;
		if (l->place)
			l->reg = expr[0] - DW_OP_breg0;
	} else if (expr[0] == DW_OP_fbreg) {
		l->reg_offset = ka_dwarf_sleb(&r);
		if (r.p != r.end && !(r.p && r.end - r.p == 1 && *r.p == DW_OP_stack_value))
			return;
		l->place = r.p == r.end ? KA_LOCAL_IN_MEMORY : KA_LOCAL_COMPUTED;
		if (!ka_scope_frame_base(&f->scope, &base, &base_size) || base_size != 1)
			return;
		if (base[0] == DW_OP_call_frame_cfa) {
			l->is_of_cfa = true;
			if (ka_local_rules(f->k, f->pc, &rules) && !rules.is_cfa_deref) {
				l->reg = rules.cfa_reg;
				l->reg_offset += rules.cfa_offset;
			}
		} else if (base[0] >= DW_OP_reg0 && base[0] <= DW_OP_reg31) {
			l->reg = base[0] - DW_OP_reg0;
		}
	}
}

/* ---- bytes ---- */

static bool is_big_endian(struct ka_kernel *k)
{
	return k->is_big_endian;
}

static unsigned get_bit(const uint8_t *p, uint64_t i)
{
	return p[i / 8] >> (i % 8) & 1;
}

/* Bits of a piece to where the object has them; is_known NULL: all are. Little-endian counting; whole bytes hold for both. */
static void put_bits(struct ka_local *l, uint64_t at, const uint8_t *from, uint64_t from_bit, uint64_t count)
{
	for (uint64_t i = 0; i < count && at + i < l->size * 8; i++) {
		uint64_t bit = at + i;

		if (!(bit % 8) && !((from_bit + i) % 8) && count - i >= 8 && bit / 8 < l->size) {
			l->bytes[bit / 8] = from[(from_bit + i) / 8];
			l->known[bit / 8] = 0xff;
			i += 7;
			continue;
		}
		l->bytes[bit / 8] = (uint8_t)((l->bytes[bit / 8] & ~(1u << (bit % 8))) | get_bit(from, from_bit + i) << (bit % 8));
		l->known[bit / 8] |= (uint8_t)(1u << (bit % 8));
	}
}

/* A number as a register of 8 bytes has it in memory. */
static void number_bytes(struct ka_kernel *k, uint64_t v, unsigned size, uint8_t ret[8])
{
	for (unsigned i = 0; i < size; i++)
		ret[is_big_endian(k) ? size - 1 - i : i] = (uint8_t)(v >> (8 * i));
}

/* The bytes of one piece; false: they are not known (why tells). */
static bool put_piece(struct ka_local_frame *f, const struct ka_dwarf_piece *p, uint64_t at, uint64_t bits, struct ka_local *l)
{
	struct ka_scope_env env;
	uint8_t raw[16] = {0}, *memory;
	unsigned width = f->k->long_size;
	uint64_t v = p->value, bytes;

	ka_local_frame_env(f, &env);
	switch (p->where) {
	case KA_DWARF_IN_REGISTER:
		if (!ka_scope_register(&f->scope, &env, p->reg, &v)) {
			l->why = p->reg < f->k->arch->reg_count ?
				 ka_printf(f->a, "%s is not known in this frame", f->k->arch->reg_names[p->reg]) :
				 ka_printf(f->a, "register %u is not known in this frame", p->reg);
			return false;
		}
		/* fall through */
	case KA_DWARF_AS_VALUE:
		if (is_big_endian(f->k))	/* the low end of a number is at its end */
			number_bytes(f->k, v, (unsigned)KA_MAX(KA_MIN((bits + 7) / 8, width), 1u), raw);
		else
			number_bytes(f->k, v, 8, raw);
		put_bits(l, at, raw, p->bit_offset < 64 ? p->bit_offset : 64, KA_MIN(bits, 64u));
		return true;
	case KA_DWARF_AS_BYTES:
		if (p->bit_offset / 8 >= p->size)
			return true;
		put_bits(l, at, p->bytes, p->bit_offset, KA_MIN(bits, p->size * 8 - p->bit_offset));
		return true;
	case KA_DWARF_IN_MEMORY:
		bytes = (p->bit_offset + bits + 7) / 8;
		if (bytes > SIZE_MAX_IN_PIECES)
			return false;
		memory = ka_alloc(f->a, bytes + 1);
		if (!env.read(f, v, memory, bytes)) {
			l->why = ka_printf(f->a, "0x%llx cannot be read", (unsigned long long)v);
			return false;
		}
		put_bits(l, at, memory, p->bit_offset, bits);
		return true;
	}
	return true;
}

static void set_scalar(struct ka_kernel *k, struct ka_local *l, const struct ka_type_info *info)
{
	uint64_t v = ka_uint_from(k, l->bytes, l->size == 1 || l->size == 2 || l->size == 4 ? l->size : 8);
	unsigned shift = l->size < 8 ? 64 - (unsigned)l->size * 8 : 0;
	float f;
	uint32_t half = (uint32_t)v;

	v <<= shift;
	l->value.bits = info->is_signed && info->kind != KA_TYPE_FLOAT ? (uint64_t)((int64_t)v >> shift) : v >> shift;
	l->value.is_loaded = true;
	if (info->kind == KA_TYPE_FLOAT && l->size == 4) {
		memcpy(&f, &half, 4);
		l->value.real = f;
	} else if (info->kind == KA_TYPE_FLOAT) {
		memcpy(&l->value.real, &l->value.bits, 8);
	}
}

static void set_state(struct ka_local *l)
{
	bool has_known = false, has_unknown = false;

	for (size_t i = 0; i < l->size; i++) {
		has_known |= l->known[i] != 0;
		has_unknown |= l->known[i] != 0xff;
	}
	if (has_known)
		l->state = has_unknown ? KA_LOCAL_PARTLY : KA_LOCAL_THERE;
	else
		l->state = l->why ? KA_LOCAL_UNKNOWN : KA_LOCAL_OPTIMIZED_OUT;
}

static void load_bytes(struct ka_local_frame *f, const struct ka_dwarf_place *place, const struct ka_type_info *info, struct ka_local *l)
{
	uint64_t at = 0;

	if (!l->size || l->size > SIZE_MAX_IN_PIECES) {
		l->state = KA_LOCAL_UNKNOWN;
		l->why = l->size ? "it is too large for what is no memory" : "its type has no size";
		return;
	}
	l->bytes = ka_alloc(f->a, l->size + 8);
	l->known = ka_alloc(f->a, l->size);
	for (unsigned i = 0; i < place->count && at < l->size * 8; i++) {
		uint64_t bits = place->pieces[i].bit_size ? place->pieces[i].bit_size : l->size * 8;

		put_piece(f, &place->pieces[i], at, KA_MIN(bits, l->size * 8 - at), l);
		at += bits;
	}
	set_state(l);
	if (is_scalar(info->kind) && l->size <= 8) {
		/* half a number is none */
		if (l->state == KA_LOCAL_PARTLY)
			l->state = l->why ? KA_LOCAL_UNKNOWN : KA_LOCAL_OPTIMIZED_OUT;
		set_scalar(f->k, l, info);
	} else {
		l->value.is_lvalue = true;
		l->value.addr = l->value.bits = NO_ADDRESS;
	}
}

/* A pointer to what has no address, or has one after all. */
static void load_pointer(struct ka_local_frame *f, const struct ka_dwarf_piece *p, unsigned nesting, struct ka_local *l)
{
	struct ka_local *target = ka_alloc(f->a, sizeof(*target));
	struct ka_scope_variable v;

	if (nesting >= TARGETS_MAX || !ka_scope_variable(&f->scope, p->die, &v)) {
		l->state = KA_LOCAL_OPTIMIZED_OUT;
		return;
	}
	ka_local_load(f, &v, nesting + 1, target);
	l->target = target;
	l->target_offset = (int64_t)p->value;
	l->state = KA_LOCAL_POINTER;
	if (target->state == KA_LOCAL_THERE && target->value.is_lvalue && !target->bytes) {
		l->state = KA_LOCAL_THERE;
		l->value.bits = target->value.addr + p->value;
		l->value.is_loaded = true;
	}
}

void ka_local_load(struct ka_local_frame *f, const struct ka_scope_variable *v, unsigned nesting, struct ka_local *l)
{
	struct ka_dwarf_place place;
	struct ka_type_info info;
	struct ka_scope_env env;
	char why[96];

	*l = (struct ka_local){ .name = v->name ? v->name : "?", .type = { .types = f->scope.types, .id = v->type }, .is_argument = v->is_argument,
				.file = v->file, .line = v->line, .kernel = f->k };
	ka_type_strip(f->k, &l->type, &info);
	l->size = info.size;
	l->value = (struct ka_value){ .type = l->type, .kind = info.kind, .size = info.size, .is_signed = info.is_signed, .type_name = info.name };
	name_place(f, v->die, l);
	ka_local_frame_env(f, &env);
	switch (ka_scope_locate(&f->scope, &env, v->die, &place, why)) {
	case KA_DWARF_DONE:
		break;
	case KA_DWARF_ABSENT:
		l->state = KA_LOCAL_OPTIMIZED_OUT;
		return;
	case KA_DWARF_BAD:
		l->state = KA_LOCAL_UNKNOWN;
		l->why = ka_printf(f->a, "damaged debuginfo: %s", why);
		return;
	case KA_DWARF_UNKNOWN:
		l->state = KA_LOCAL_UNKNOWN;
		l->why = ka_strdup(f->a, why);
		return;
	}
	if (place.count == 1 && place.pieces[0].where == KA_DWARF_AS_POINTER && info.kind == KA_TYPE_POINTER) {
		load_pointer(f, &place.pieces[0], nesting, l);
		return;
	}
	if (place.count == 1 && place.pieces[0].where == KA_DWARF_IN_MEMORY && !place.pieces[0].bit_size) {
		l->value.is_lvalue = true;
		l->value.addr = place.pieces[0].value;
		l->value.bits = info.kind == KA_TYPE_STRUCT || info.kind == KA_TYPE_UNION || info.kind == KA_TYPE_ARRAY ? l->value.addr : 0;
		l->place = KA_LOCAL_IN_MEMORY;
		l->state = KA_LOCAL_THERE;
		return;
	}
	if (place.count > 1)
		l->place = KA_LOCAL_IN_PIECES;
	else if (!l->place && place.count == 1 && place.pieces[0].where == KA_DWARF_AS_VALUE)
		l->place = KA_LOCAL_COMPUTED;
	load_bytes(f, &place, &info, l);
}
