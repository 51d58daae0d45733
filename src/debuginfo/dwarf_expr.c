/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The stack machine of DWARF expressions: every operation of DWARF 5 and the GNU ones before it, bounded. */
#include <inttypes.h>
#include <stdio.h>
#include "dwarf_run.h"

void ka_dwarf_run_fail(struct ka_dwarf_run *s, enum ka_dwarf_outcome outcome, const char *fmt, ...)
{
	va_list ap;

	/* the first reason counts: who called may have told it */
	if (s->outcome != KA_DWARF_DONE)
		return;
	s->outcome = outcome;
	if (s->m->why[0] && outcome == KA_DWARF_UNKNOWN)
		return;
	va_start(ap, fmt);
	vsnprintf(s->m->why, sizeof(s->m->why), fmt, ap);
	va_end(ap);
}

void ka_dwarf_run_push(struct ka_dwarf_run *s, struct ka_dwarf_number n)
{
	if (s->n == KA_DWARF_STACK_MAX)
		ka_dwarf_run_fail(s, KA_DWARF_BAD, "a stack of more than %d numbers", KA_DWARF_STACK_MAX);
	else
		s->stack[s->n++] = n;
}

static void push_generic(struct ka_dwarf_run *s, uint64_t v)
{
	ka_dwarf_run_push(s, ka_dwarf_number(KA_DWARF_GENERIC, s->m->unit->address_size, v));
}

struct ka_dwarf_number ka_dwarf_run_pop(struct ka_dwarf_run *s)
{
	if (s->n)
		return s->stack[--s->n];
	ka_dwarf_run_fail(s, KA_DWARF_BAD, "an empty stack");
	return ka_dwarf_number(KA_DWARF_GENERIC, 8, 0);
}

static uint64_t uleb(struct ka_dwarf_run *s)
{
	return s->r.p ? ka_dwarf_uleb(&s->r.p, s->r.end) : 0;
}

static int64_t fixed_signed(struct ka_dwarf_run *s, unsigned size)
{
	return (int64_t)ka_dwarf_number(KA_DWARF_SIGNED, (uint8_t)size, ka_dwarf_fixed(&s->r, size)).bits;
}

static const uint8_t *block(struct ka_dwarf_run *s, uint64_t size)
{
	const uint8_t *at = s->r.p;

	if (!at || size > (size_t)(s->r.end - at)) {
		s->r.p = NULL;
		return NULL;
	}
	s->r.p += size;
	return at;
}

bool ka_dwarf_run_register(struct ka_dwarf_run *s, uint64_t n, uint64_t *ret)
{
	if (n < 1024 && s->m->reg && s->m->reg(s->m->ctx, (unsigned)n, ret))
		return true;
	ka_dwarf_run_fail(s, KA_DWARF_UNKNOWN, "register %" PRIu64 " is not known in this frame", n);
	return false;
}

static void push_based(struct ka_dwarf_run *s, uint64_t reg, int64_t offset)
{
	uint64_t v;

	if (s->r.p && ka_dwarf_run_register(s, reg, &v))
		push_generic(s, v + (uint64_t)offset);
}

void ka_dwarf_run_deref(struct ka_dwarf_run *s, unsigned size, uint8_t kind)
{
	uint64_t at = ka_dwarf_run_pop(s).bits;
	uint8_t raw[8] = {0};
	struct ka_dwarf_reader r = s->r;

	if (!size || size > 8) {
		ka_dwarf_run_fail(s, KA_DWARF_BAD, "a read of %u bytes", size);
		return;
	}
	if (s->outcome != KA_DWARF_DONE)
		return;
	if (!s->m->read || !s->m->read(s->m->ctx, at, raw, size)) {
		ka_dwarf_run_fail(s, KA_DWARF_UNKNOWN, "0x%" PRIx64 " cannot be read", at);
		return;
	}
	r.p = raw;
	r.end = raw + size;
	ka_dwarf_run_push(s, kind == KA_DWARF_GENERIC ? ka_dwarf_number(kind, s->m->unit->address_size, ka_dwarf_fixed(&r, size)) :
					   ka_dwarf_number(kind, (uint8_t)size, ka_dwarf_fixed(&r, size)));
}

static void set_last(struct ka_dwarf_run *s, struct ka_dwarf_piece p)
{
	if (s->has_last)
		ka_dwarf_run_fail(s, KA_DWARF_BAD, "two places for one piece");
	s->last = p;
	s->has_last = true;
}

/* Ends a piece: what was described last, else the address on the stack, else nothing. */
static void add_piece(struct ka_dwarf_run *s, uint64_t bit_size, uint64_t bit_offset)
{
	struct ka_dwarf_piece p = s->last;

	if (!s->has_last)
		p = (struct ka_dwarf_piece){ .where = KA_DWARF_NOWHERE };
	if (!s->has_last && s->n)
		p = (struct ka_dwarf_piece){ .where = KA_DWARF_IN_MEMORY, .value = ka_dwarf_run_pop(s).bits };
	p.bit_size = bit_size;
	p.bit_offset = bit_offset;
	s->has_last = false;
	s->has_piece = true;
	if (s->place->count == KA_DWARF_PIECES_MAX || __builtin_add_overflow(s->bits, bit_size, &s->bits) || s->bits > 1u << 30) {
		ka_dwarf_run_fail(s, KA_DWARF_BAD, "too many pieces");
		return;
	}
	if (bit_size)
		s->place->pieces[s->place->count++] = p;
}

static void jump(struct ka_dwarf_run *s, int64_t by)
{
	if (!s->r.p)
		return;
	if (by > s->r.end - s->r.p || by < s->start - s->r.p)
		s->r.p = NULL;
	else
		s->r.p += by;
}

static void interpret(struct ka_dwarf_run *s);

static void call(struct ka_dwarf_run *s, uint32_t die)
{
	struct ka_dwarf_reader back = s->r;
	const uint8_t *start = s->start, *expr;
	size_t size;

	if (!s->r.p)
		return;
	/* a DIE without a location has no effect */
	if (!s->m->procedure || !s->m->procedure(s->m->ctx, die, &expr, &size))
		return;
	if (++s->m->nesting > KA_DWARF_NESTING_MAX) {
		ka_dwarf_run_fail(s, KA_DWARF_BAD, "expressions that call one another without end");
		return;
	}
	s->start = s->r.p = expr;
	s->r.end = expr + size;
	interpret(s);
	s->m->nesting--;
	s->start = start;
	if (s->r.p)
		s->r = back;
}

static void entry_value(struct ka_dwarf_run *s)
{
	uint64_t size = uleb(s), v;
	const uint8_t *expr = block(s, size);

	if (!expr)
		return;
	if (++s->m->nesting > KA_DWARF_NESTING_MAX)
		ka_dwarf_run_fail(s, KA_DWARF_UNKNOWN, "its value at the entry of the function is not known");
	else if (s->m->entry && s->m->entry(s->m->ctx, s->m, expr, (size_t)size, &v))
		push_generic(s, v);
	else
		ka_dwarf_run_fail(s, KA_DWARF_UNKNOWN, "its value at the entry of the function is not known");
	s->m->nesting--;
}

static uint32_t unit_die(const struct ka_dwarf_run *s, uint64_t offset)
{
	return offset < s->m->unit->size ? s->m->unit->id + (uint32_t)offset : 0;
}

static uint32_t info_die(const struct ka_dwarf_run *s, uint64_t offset)
{
	return offset < s->m->unit->file->info.size ? s->m->unit->file->info_id + (uint32_t)offset : 0;
}

static void push_hooked(struct ka_dwarf_run *s, bool (*hook)(void *, struct ka_dwarf_machine *, uint32_t, uint64_t *), uint32_t die, const char *what)
{
	uint64_t v;

	if (!s->r.p)
		return;
	if (++s->m->nesting > KA_DWARF_NESTING_MAX || !hook || !hook(s->m->ctx, s->m, die, &v))
		ka_dwarf_run_fail(s, KA_DWARF_UNKNOWN, "%s", what);
	else
		push_generic(s, v);
	s->m->nesting--;
}

static void pick(struct ka_dwarf_run *s, uint64_t i)
{
	if (i >= s->n)
		ka_dwarf_run_fail(s, KA_DWARF_BAD, "an empty stack");
	else
		ka_dwarf_run_push(s, s->stack[s->n - 1 - i]);
}

static void rotate(struct ka_dwarf_run *s)
{
	struct ka_dwarf_number top;

	if (s->n < 3) {
		ka_dwarf_run_fail(s, KA_DWARF_BAD, "an empty stack");
		return;
	}
	top = s->stack[s->n - 1];
	s->stack[s->n - 1] = s->stack[s->n - 2];
	s->stack[s->n - 2] = s->stack[s->n - 3];
	s->stack[s->n - 3] = top;
}

static void implicit_pointer(struct ka_dwarf_run *s)
{
	const struct ka_dwarf_unit *u = s->m->unit;
	/* the first draft, which GCC wrote for DWARF 2, had an address's size */
	uint64_t at = ka_dwarf_fixed(&s->r, u->version == 2 ? u->address_size : u->offset_size);
	int64_t offset = s->r.p ? ka_dwarf_sleb(&s->r) : 0;

	set_last(s, (struct ka_dwarf_piece){ .where = KA_DWARF_AS_POINTER, .die = info_die(s, at), .value = (uint64_t)offset });
}

static void of_frame(struct ka_dwarf_run *s, bool is_cfa, int64_t offset)
{
	uint64_t v;

	if (!s->r.p)
		return;
	if (++s->m->nesting > KA_DWARF_NESTING_MAX)
		ka_dwarf_run_fail(s, KA_DWARF_BAD, "a frame base that is told by itself");
	else if (is_cfa ? s->m->cfa && s->m->cfa(s->m->ctx, &v) : s->m->frame_base && s->m->frame_base(s->m->ctx, s->m, &v))
		push_generic(s, v + (uint64_t)offset);
	else
		ka_dwarf_run_fail(s, KA_DWARF_UNKNOWN, "where the frame begins is not known");
	s->m->nesting--;
}

static void swap(struct ka_dwarf_run *s)
{
	struct ka_dwarf_number a = ka_dwarf_run_pop(s), b = ka_dwarf_run_pop(s);

	ka_dwarf_run_push(s, a);
	ka_dwarf_run_push(s, b);
}

static void compute(struct ka_dwarf_run *s, unsigned op)
{
	struct ka_dwarf_number b, a;

	if (op == DW_OP_abs || op == DW_OP_neg || op == DW_OP_not) {
		a = ka_dwarf_run_pop(s);
		if (!ka_dwarf_unary(op, &a))
			ka_dwarf_run_fail(s, KA_DWARF_BAD, "operation 0x%x over such a number", op);
		ka_dwarf_run_push(s, a);
		return;
	}
	b = ka_dwarf_run_pop(s);
	a = ka_dwarf_run_pop(s);
	if (s->outcome == KA_DWARF_DONE && !ka_dwarf_binary(op, a, b, &a))
		ka_dwarf_run_fail(s, KA_DWARF_BAD, "operation 0x%x over such numbers", op);
	ka_dwarf_run_push(s, a);
}

/* Operations that say where a piece lies. False: another one. */
static bool describe(struct ka_dwarf_run *s, unsigned op)
{
	uint64_t size, offset;
	struct ka_dwarf_number a;

	if (op >= DW_OP_reg0 && op <= DW_OP_reg31) {
		set_last(s, (struct ka_dwarf_piece){ .where = KA_DWARF_IN_REGISTER, .reg = (uint16_t)(op - DW_OP_reg0) });
		return true;
	}
	switch (op) {
	case DW_OP_regx:
		size = uleb(s);
		set_last(s, (struct ka_dwarf_piece){ .where = KA_DWARF_IN_REGISTER, .reg = (uint16_t)KA_MIN(size, 0xffffu) });
		return true;
	case DW_OP_stack_value:
		a = ka_dwarf_run_pop(s);
		set_last(s, (struct ka_dwarf_piece){ .where = KA_DWARF_AS_VALUE, .value = a.bits,
						     .value_size = a.kind == KA_DWARF_GENERIC ? 0 : a.size });
		return true;
	case DW_OP_implicit_value: {
		size = uleb(s);
		const uint8_t *bytes = block(s, size);

		set_last(s, (struct ka_dwarf_piece){ .where = KA_DWARF_AS_BYTES, .bytes = bytes, .size = (size_t)size });
		return true;
	}
	case DW_OP_implicit_pointer:
	case DW_OP_GNU_implicit_pointer:
		implicit_pointer(s);
		return true;
	case DW_OP_piece:
		size = uleb(s);
		add_piece(s, KA_MIN(size, 1u << 28) * 8, 0);
		return true;
	case DW_OP_bit_piece:
		size = uleb(s);
		offset = uleb(s);
		add_piece(s, KA_MIN(size, 1u << 30), KA_MIN(offset, 1u << 30));
		return true;
	}
	return false;
}

static void operation(struct ka_dwarf_run *s, unsigned op)
{
	uint64_t n;

	if (ka_dwarf_run_constant(s, op) || ka_dwarf_run_typed(s, op) || describe(s, op))
		return;
	if (op >= DW_OP_breg0 && op <= DW_OP_breg31) {
		push_based(s, op - DW_OP_breg0, ka_dwarf_sleb(&s->r));
		return;
	}
	switch (op) {
	case DW_OP_bregx:
		n = uleb(s);
		push_based(s, n, s->r.p ? ka_dwarf_sleb(&s->r) : 0);
		return;
	case DW_OP_fbreg:
		of_frame(s, false, ka_dwarf_sleb(&s->r));
		return;
	case DW_OP_call_frame_cfa:
		of_frame(s, true, 0);
		return;
	case DW_OP_dup:
		pick(s, 0);
		return;
	case DW_OP_over:
		pick(s, 1);
		return;
	case DW_OP_pick:
		pick(s, ka_dwarf_fixed(&s->r, 1));
		return;
	case DW_OP_drop:
		ka_dwarf_run_pop(s);
		return;
	case DW_OP_swap:
		swap(s);
		return;
	case DW_OP_rot:
		rotate(s);
		return;
	case DW_OP_deref:
		ka_dwarf_run_deref(s, s->m->unit->address_size, KA_DWARF_GENERIC);
		return;
	case DW_OP_deref_size:
		ka_dwarf_run_deref(s, (unsigned)ka_dwarf_fixed(&s->r, 1), KA_DWARF_GENERIC);
		return;
	case DW_OP_plus_uconst:
		n = uleb(s);
		ka_dwarf_run_push(s, ka_dwarf_number(KA_DWARF_GENERIC, 8, n));
		compute(s, DW_OP_plus);
		return;
	case DW_OP_skip:
		jump(s, fixed_signed(s, 2));
		return;
	case DW_OP_bra:
		n = (uint64_t)fixed_signed(s, 2);
		if (ka_dwarf_run_pop(s).bits)
			jump(s, (int64_t)n);
		return;
	case DW_OP_nop:
	case DW_OP_GNU_uninit:		/* the value is there, if not set yet */
		return;
	case DW_OP_call2:
		call(s, unit_die(s, ka_dwarf_fixed(&s->r, 2)));
		return;
	case DW_OP_call4:
		call(s, unit_die(s, ka_dwarf_fixed(&s->r, 4)));
		return;
	case DW_OP_call_ref:
		call(s, info_die(s, ka_dwarf_fixed(&s->r, s->m->unit->offset_size)));
		return;
	case DW_OP_entry_value:
	case DW_OP_GNU_entry_value:
		entry_value(s);
		return;
	case DW_OP_GNU_parameter_ref:
		push_hooked(s, s->m->parameter, unit_die(s, ka_dwarf_fixed(&s->r, 4)), "what was passed is not known");
		return;
	case DW_OP_GNU_variable_value:
		push_hooked(s, s->m->variable, info_die(s, ka_dwarf_fixed(&s->r, s->m->unit->offset_size)),
			    "the variable that it is computed from is not known");
		return;
	case DW_OP_abs: case DW_OP_and: case DW_OP_div: case DW_OP_minus: case DW_OP_mod: case DW_OP_mul: case DW_OP_neg:
	case DW_OP_not: case DW_OP_or: case DW_OP_plus: case DW_OP_shl: case DW_OP_shr: case DW_OP_shra: case DW_OP_xor:
	case DW_OP_eq: case DW_OP_ge: case DW_OP_gt: case DW_OP_le: case DW_OP_lt: case DW_OP_ne:
		compute(s, op);
		return;
	}
	/* of other address spaces, of threads, of objects: kernels have none */
	ka_dwarf_run_fail(s, KA_DWARF_UNKNOWN, "operation 0x%x of DWARF is not known here", op);
}

static void interpret(struct ka_dwarf_run *s)
{
	while (s->outcome == KA_DWARF_DONE && s->r.p && s->r.p < s->r.end) {
		if (++s->m->steps > KA_DWARF_STEPS_MAX) {
			ka_dwarf_run_fail(s, KA_DWARF_BAD, "an expression without end");
			return;
		}
		operation(s, (unsigned)ka_dwarf_fixed(&s->r, 1));
	}
	if (!s->r.p)
		ka_dwarf_run_fail(s, KA_DWARF_BAD, "an expression that ends within an operation");
}

static enum ka_dwarf_outcome evaluate(struct ka_dwarf_machine *m, const uint8_t *expr, size_t size, struct ka_dwarf_place *place)
{
	struct ka_dwarf_run s = { .m = m, .r = { .d = m->d, .u = m->unit, .p = expr, .end = expr + size }, .start = expr, .place = place };

	place->count = 0;
	if (!size)
		return KA_DWARF_ABSENT;
	m->why[0] = 0;
	interpret(&s);
	if (s.outcome == KA_DWARF_DONE && !s.has_piece) {
		if (!s.has_last)
			s.last = (struct ka_dwarf_piece){ .where = KA_DWARF_IN_MEMORY, .value = ka_dwarf_run_pop(&s).bits };
		place->pieces[0] = s.last;
		place->count = 1;
	}
	if (s.outcome != KA_DWARF_DONE)
		place->count = 0;
	return s.outcome;
}

enum ka_dwarf_outcome ka_dwarf_expr(struct ka_dwarf_machine *m, const uint8_t *expr, size_t size, struct ka_dwarf_place *ret)
{
	return evaluate(m, expr, size, ret);
}

enum ka_dwarf_outcome ka_dwarf_expr_value(struct ka_dwarf_machine *m, const uint8_t *expr, size_t size, uint64_t *ret)
{
	struct ka_dwarf_place place;
	enum ka_dwarf_outcome outcome = evaluate(m, expr, size, &place);

	if (outcome != KA_DWARF_DONE)
		return outcome;
	if (place.count == 1 && place.pieces[0].where == KA_DWARF_IN_REGISTER) {
		if (m->reg && m->reg(m->ctx, place.pieces[0].reg, ret))
			return KA_DWARF_DONE;
		snprintf(m->why, sizeof(m->why), "register %u is not known in this frame", place.pieces[0].reg);
		return KA_DWARF_UNKNOWN;
	}
	if (place.count == 1 && (place.pieces[0].where == KA_DWARF_IN_MEMORY || place.pieces[0].where == KA_DWARF_AS_VALUE)) {
		*ret = place.pieces[0].value;
		return KA_DWARF_DONE;
	}
	snprintf(m->why, sizeof(m->why), "no number");
	return KA_DWARF_UNKNOWN;
}
