/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Variables of a frame: their expressions evaluated there, and, where it takes that, in the frame of the caller. */
#include <stdio.h>
#include "dwarf_types.h"
#include "scope.h"
#include "tail_call.h"

#define CALLERS_MAX	8	/* whose arguments an argument is made of */

/* What expressions of one frame are evaluated in. */
struct frame {
	const struct ka_scope *s;
	const struct ka_scope_env *env;
	unsigned depth;		/* callers asked so far */
	unsigned *steps;	/* of all of them together */
	bool is_at_call;	/* what a register held at the call is being found */
};

static struct ka_dwarf *dwarf_of(const struct ka_scope *s)
{
	return ((struct ka_dwarf_types *)s->types->priv)->dwarf;
}

static bool reg_at_call(struct frame *f, unsigned n, uint64_t *ret);

static bool frame_reg(void *ctx, unsigned n, uint64_t *ret)
{
	struct frame *f = ctx;

	return (f->env->reg && f->env->reg(f->env->ctx, n, ret)) || reg_at_call(f, n, ret);
}

static bool frame_read(void *ctx, uint64_t at, void *ret, size_t size)
{
	struct frame *f = ctx;

	return f->env->read && f->env->read(f->env->ctx, at, ret, size);
}

static bool frame_cfa(void *ctx, uint64_t *ret)
{
	struct frame *f = ctx;

	return f->env->cfa && f->env->cfa(f->env->ctx, ret);
}

static bool frame_address(void *ctx, uint64_t linked, uint64_t *ret)
{
	struct frame *f = ctx;

	return f->env->address && f->env->address(f->env->ctx, linked, ret);
}

static bool frame_indexed(void *ctx, struct ka_dwarf_unit *u, uint64_t index, uint64_t *ret)
{
	struct frame *f = ctx;

	return ka_dwarf_indexed(&f->s->lists, u, index, ret);
}

static bool frame_base(void *ctx, struct ka_dwarf_machine *m, uint64_t *ret)
{
	struct frame *f = ctx;
	const uint8_t *expr;
	size_t size;

	return ka_scope_frame_base(f->s, &expr, &size) && ka_dwarf_expr_value(m, expr, size, ret) == KA_DWARF_DONE;
}

static bool frame_procedure(void *ctx, uint32_t id, const uint8_t **ret, size_t *ret_size)
{
	struct frame *f = ctx;
	const struct ka_dwarf *d = dwarf_of(f->s);
	struct ka_dwarf_die die;
	struct ka_dwarf_raw raw;

	return ka_dwarf_die(d, id, &die) && ka_dwarf_attribute(d, &die, DW_AT_location, &raw) &&
	       ka_dwarf_location(&f->s->lists, die.unit, &raw, f->s->pc, ret, ret_size);
}

static enum ka_dwarf_outcome locate(struct frame *f, uint32_t id, unsigned nesting, struct ka_dwarf_place *ret, char *why);

/* The value of a variable of up to 8 bytes. */
static bool frame_variable(void *ctx, struct ka_dwarf_machine *m, uint32_t id, uint64_t *ret)
{
	struct frame *f = ctx;
	struct ka_dwarf_place place;
	struct ka_type_brief type;
	struct ka_dwarf_reader r = { .d = m->d };
	uint8_t raw[8];

	*f->steps = m->steps;
	if (locate(f, id, m->nesting, &place, m->why) != KA_DWARF_DONE || place.count != 1)
		return false;
	m->steps = *f->steps;
	f->s->types->ops->describe(f->s->types, id, &type);
	switch (place.pieces[0].where) {
	case KA_DWARF_AS_VALUE:
		*ret = place.pieces[0].value;
		return true;
	case KA_DWARF_IN_REGISTER:
		return frame_reg(f, place.pieces[0].reg, ret);
	case KA_DWARF_IN_MEMORY:
		if (!type.size || type.size > sizeof(raw) || !frame_read(f, place.pieces[0].value, raw, (size_t)type.size))
			return false;
		r.p = raw;
		r.end = raw + type.size;
		*ret = ka_dwarf_number(type.is_signed ? KA_DWARF_SIGNED : KA_DWARF_UNSIGNED, (uint8_t)type.size,
				       ka_dwarf_fixed(&r, (unsigned)type.size)).bits;
		return true;
	}
	return false;
}

/* ---- the call ---- */

/* The call site that returns to one byte behind the scope's pc. */
static bool find_call(const struct ka_scope *s, const struct ka_dwarf_die *parent, unsigned depth, struct ka_dwarf_die *ret)
{
	const struct ka_dwarf *d = dwarf_of(s);
	struct ka_dwarf_die c;
	uint64_t pc;

	for (bool ok = ka_dwarf_child(d, parent, &c); ok; ok = ka_dwarf_next(d, &c)) {
		if (ka_dwarf_is_call(&c)) {
			if (ka_dwarf_call_return(&s->lists, &c, &pc) && pc == s->pc + 1) {
				*ret = c;
				return true;
			}
		} else if ((c.tag == DW_TAG_lexical_block || c.tag == DW_TAG_inlined_subroutine) && depth < 64 &&
			   ka_dwarf_covers(&s->lists, &c, s->pc) && find_call(s, &c, depth + 1, ret)) {
			return true;
		}
	}
	return false;
}

static void machine_init(struct frame *f, struct ka_dwarf_unit *u, unsigned nesting, struct ka_dwarf_machine *m);

/* The register that an expression names; is_deref: what it points to. */
static bool entry_register(const uint8_t *expr, size_t size, uint64_t *ret, bool *ret_is_deref)
{
	const uint8_t *p = expr + 1;

	*ret_is_deref = false;
	if (size == 1 && expr[0] >= DW_OP_reg0 && expr[0] <= DW_OP_reg31) {
		*ret = expr[0] - DW_OP_reg0;
		return true;
	}
	if (size > 1 && expr[0] == DW_OP_regx) {
		*ret = ka_dwarf_uleb(&p, expr + size);
		return p == expr + size;
	}
	/* DW_OP_bregN 0, DW_OP_deref */
	if (size == 3 && expr[0] >= DW_OP_breg0 && expr[0] <= DW_OP_breg31 && !expr[1] && expr[2] == DW_OP_deref) {
		*ret = expr[0] - DW_OP_breg0;
		*ret_is_deref = true;
		return true;
	}
	return false;
}

/* The value that a call in frame f passed, by what is_it says of its parameters. */
static bool passed_by(struct frame *f, const struct ka_dwarf_die *site, unsigned nesting,
		      bool (*is_it)(const struct frame *f, const struct ka_dwarf_die *p, const void *what), const void *what, bool is_deref,
		      uint64_t *ret)
{
	const struct ka_dwarf *d = dwarf_of(f->s);
	struct ka_dwarf_machine m;
	struct ka_dwarf_raw raw;
	struct ka_dwarf_die p;
	bool done;

	for (bool ok = ka_dwarf_child(d, site, &p); ok; ok = ka_dwarf_next(d, &p)) {
		bool is_gnu = p.tag == DW_TAG_GNU_call_site_parameter;

		if ((p.tag != DW_TAG_call_site_parameter && !is_gnu) || !is_it(f, &p, what))
			continue;
		if (!ka_dwarf_attribute(d, &p, is_deref ? (is_gnu ? DW_AT_GNU_call_site_data_value : DW_AT_call_data_value) :
					       (is_gnu ? DW_AT_GNU_call_site_value : DW_AT_call_value), &raw))
			return false;
		*ret = raw.v.u;
		if (raw.v.kind != KA_DWARF_IS_BLOCK)
			return raw.v.kind == KA_DWARF_IS_NUMBER;
		machine_init(f, p.unit, nesting, &m);
		done = ka_dwarf_expr_value(&m, raw.v.at, (size_t)raw.v.u, ret) == KA_DWARF_DONE;
		*f->steps = m.steps;
		return done;
	}
	return false;
}

/* ---- which function a call went to ---- */

#define ENTRY_MAX	16	/* what may lie before the address that DWARF gives a function: nops, landing pads */

enum went { WENT_HERE, WENT_ELSEWHERE, WENT_UNKNOWN };

/* A call through a pointer, of which debuginfo tells where it points. *ret: the function, when it is not the callee. */
static enum went pointed(struct frame *up, const struct ka_dwarf_die *site, const struct frame *callee, const struct ka_dwarf_die *function,
			 unsigned nesting, struct ka_dwarf_die *ret)
{
	const struct ka_scope *s = callee->s;
	struct ka_dwarf_machine m;
	struct ka_dwarf_raw raw;
	uint64_t target, low, at;
	bool done;

	if (!ka_dwarf_attribute(dwarf_of(up->s), site, site->tag == DW_TAG_call_site ? DW_AT_call_target : DW_AT_GNU_call_site_target, &raw) ||
	    raw.v.kind != KA_DWARF_IS_BLOCK || !ka_dwarf_address(&s->lists, function, DW_AT_low_pc, &low) ||
	    !callee->env->address || !callee->env->address(callee->env->ctx, low, &at))
		return WENT_UNKNOWN;
	machine_init(up, site->unit, nesting, &m);
	done = ka_dwarf_expr_value(&m, raw.v.at, (size_t)raw.v.u, &target) == KA_DWARF_DONE;
	*up->steps = m.steps;
	if (!done)
		return WENT_UNKNOWN;
	if (target <= at && at - target <= ENTRY_MAX)
		return WENT_HERE;
	/* both move as one with the object they are of */
	return up->s->types == s->types && ka_dwarf_function_at_address(s->object, &s->lists, target - at + low, ret) && ret->id != function->id ?
	       WENT_ELSEWHERE : WENT_UNKNOWN;
}

/*
 * Did the call of frame up go to the function of frame f? Or to one that jumped on to it (a tail call), and passed something else: which.
 * Calls through pointers mostly do not say where to: taken for here unless a function beside the callee jumps to it.
 */
static enum went went(struct frame *up, const struct ka_dwarf_die *site, const struct frame *f, unsigned nesting,
		      const struct ka_tail_calls **ret)
{
	const struct ka_dwarf *d = dwarf_of(up->s);
	const char *name = f->s->functions[f->s->function_count - 1].name, *called;
	struct ka_dwarf_die target, code, function;
	enum went is = WENT_ELSEWHERE;

	if (!ka_dwarf_die(dwarf_of(f->s), f->s->die, &function))
		return WENT_UNKNOWN;
	if (!ka_dwarf_call_origin(d, site, &target)) {
		is = pointed(up, site, f, &function, nesting, &code);
		if (is == WENT_UNKNOWN)
			return ka_dwarf_is_tail_called(f->s->types->priv, &f->s->lists, &function) ? WENT_UNKNOWN : WENT_HERE;
	} else {
		called = ka_dwarf_name(d, &target);
		if (called && name && !strcmp(called, name))
			return WENT_HERE;
		if (up->s->types != f->s->types || !ka_dwarf_function_of(up->s->object, &up->s->lists, &target, &code))
			return WENT_UNKNOWN;
	}
	if (is == WENT_ELSEWHERE)
		*ret = ka_dwarf_tail_calls(f->s->types->priv, &f->s->lists, &code, &function);
	return is == WENT_ELSEWHERE && !*ret ? WENT_UNKNOWN : is;
}

/* Frames that were: of functions that jumped on. Of their registers nothing is left but what they were called with. */
struct passing {
	struct ka_scope scope[KA_TAIL_CALLS_MAX];
	struct ka_scope_function function[KA_TAIL_CALLS_MAX];
	struct ka_scope_env env;		/* of the caller, whose memory and addresses are theirs, too */
	const struct ka_scope *caller;
	struct passed_frame { struct passing *p; unsigned i; } frame[KA_TAIL_CALLS_MAX];
};

static bool passing_read(void *ctx, uint64_t at, void *ret, size_t size)
{
	const struct passing *p = ((struct passed_frame *)ctx)->p;

	return p->env.read && p->env.read(p->env.ctx, at, ret, size);
}

static bool passing_address(void *ctx, uint64_t linked, uint64_t *ret)
{
	const struct passing *p = ((struct passed_frame *)ctx)->p;

	return p->env.address && p->env.address(p->env.ctx, linked, ret);
}

static bool passing_caller(void *ctx, struct ka_scope_env *ret, const struct ka_scope **ret_scope);

static void passing_env(struct passed_frame *f, struct ka_scope_env *ret, const struct ka_scope **ret_scope)
{
	*ret = (struct ka_scope_env){ .ctx = f, .read = passing_read, .address = passing_address, .caller = passing_caller };
	*ret_scope = &f->p->scope[f->i];
}

static bool passing_caller(void *ctx, struct ka_scope_env *ret, const struct ka_scope **ret_scope)
{
	struct passed_frame *f = ctx;

	if (f->i) {
		passing_env(f - 1, ret, ret_scope);
	} else {
		*ret = f->p->env;
		*ret_scope = f->p->caller;
	}
	return true;
}

/* False: the file is damaged. */
static bool passing_open(const struct ka_tail_calls *t, const struct ka_scope *caller, const struct ka_scope_env *env, struct passing *ret)
{
	ret->env = *env;
	ret->caller = caller;
	for (unsigned i = 0; i < t->count; i++) {
		const struct ka_dwarf_die *die = &t->at[i].function;
		uint64_t pc;

		if (!ka_dwarf_call_return(&caller->lists, &t->at[i].site, &pc))
			return false;
		ret->function[i] = (struct ka_scope_function){ .name = ka_dwarf_name(dwarf_of(caller), die), .die = die->id };
		ret->scope[i] = (struct ka_scope){ .types = caller->types, .object = caller->object, .pc = pc - 1, .functions = &ret->function[i],
						   .function_count = 1, .die = die->id, .lists = caller->lists };
		ret->frame[i] = (struct passed_frame){ ret, i };
	}
	return t->count;
}

/* The value that the call passed that made f a frame. */
static bool passed(struct frame *f, struct ka_dwarf_machine *m, bool (*is_it)(const struct frame *f, const struct ka_dwarf_die *p,
		   const void *what), const void *what, bool is_deref, uint64_t *ret)
{
	struct ka_scope_env env;
	const struct ka_scope *s;
	struct frame up = { .env = &env, .depth = f->depth + 1, .steps = f->steps };
	struct ka_dwarf_die function, site;
	const struct ka_tail_calls *jumps = NULL;
	struct passing p;
	enum went is;
	bool done;

	if (f->depth >= CALLERS_MAX || !f->env->caller || !f->env->caller(f->env->ctx, &env, &s))
		return false;
	up.s = s;
	if (!ka_dwarf_die(dwarf_of(s), s->die, &function) || !find_call(s, &function, 0, &site))
		return false;
	*f->steps = m->steps;
	is = went(&up, &site, f, m->nesting, &jumps);
	if (is == WENT_ELSEWHERE && passing_open(jumps, s, &env, &p)) {
		struct ka_scope_env last;

		passing_env(&p.frame[jumps->count - 1], &last, &up.s);
		up.env = &last;
		done = passed_by(&up, &jumps->at[jumps->count - 1].site, m->nesting, is_it, what, is_deref, ret);
	} else {
		done = is == WENT_HERE && passed_by(&up, &site, m->nesting, is_it, what, is_deref, ret);
	}
	m->steps = *f->steps;
	return done;
}

static bool is_register(const struct frame *caller, const struct ka_dwarf_die *p, const void *what)
{
	struct ka_dwarf_raw raw;
	uint64_t reg;
	bool is_deref;

	return ka_dwarf_attribute(dwarf_of(caller->s), p, DW_AT_location, &raw) && raw.v.kind == KA_DWARF_IS_BLOCK && raw.v.u &&
	       entry_register(raw.v.at, (size_t)raw.v.u, &reg, &is_deref) && !is_deref && reg == *(const uint64_t *)what;
}

/* A register that the callee may have overwritten was at the call what the call passed in it. */
static bool reg_at_call(struct frame *f, unsigned n, uint64_t *ret)
{
	struct ka_dwarf_die function, site;
	uint64_t reg = n;
	bool done;

	if (f->is_at_call || !f->env->reg || !ka_dwarf_die(dwarf_of(f->s), f->s->die, &function) || !find_call(f->s, &function, 0, &site))
		return false;
	f->is_at_call = true;
	done = passed_by(f, &site, 1, is_register, &reg, false, ret);
	f->is_at_call = false;
	return done;
}

static bool is_parameter(const struct frame *caller, const struct ka_dwarf_die *p, const void *what)
{
	struct ka_dwarf_raw raw;

	return ka_dwarf_attribute(dwarf_of(caller->s), p, p->tag == DW_TAG_call_site_parameter ? DW_AT_call_parameter : DW_AT_abstract_origin, &raw) &&
	       raw.v.kind == KA_DWARF_IS_REF && raw.v.u == *(const uint32_t *)what;
}

static bool frame_entry(void *ctx, struct ka_dwarf_machine *m, const uint8_t *expr, size_t size, uint64_t *ret)
{
	struct frame *f = ctx;
	struct ka_dwarf_die function;
	uint64_t reg, low;
	bool is_deref;

	if (!size || !entry_register(expr, size, &reg, &is_deref))
		return false;
	/* at the first instruction nothing has changed yet */
	if (ka_dwarf_die(m->d, f->s->die, &function) && ka_dwarf_address(&f->s->lists, &function, DW_AT_low_pc, &low) && low == f->s->pc &&
	    frame_reg(f, (unsigned)KA_MIN(reg, 1024u), ret))
		return !is_deref;
	return passed(f, m, is_register, &reg, is_deref, ret);
}

static bool frame_parameter(void *ctx, struct ka_dwarf_machine *m, uint32_t die, uint64_t *ret)
{
	return passed(ctx, m, is_parameter, &die, false, ret);
}

/* ---- variables ---- */

static void machine_init(struct frame *f, struct ka_dwarf_unit *u, unsigned nesting, struct ka_dwarf_machine *m)
{
	*m = (struct ka_dwarf_machine){
		.d = dwarf_of(f->s), .unit = u, .ctx = f, .reg = frame_reg, .read = frame_read, .cfa = frame_cfa, .frame_base = frame_base,
		.entry = frame_entry, .parameter = frame_parameter, .variable = frame_variable, .procedure = frame_procedure,
		.address = frame_address, .indexed = frame_indexed, .steps = *f->steps, .nesting = nesting };
}

bool ka_scope_frame_base(const struct ka_scope *s, const uint8_t **ret, size_t *ret_size)
{
	struct ka_dwarf_die die;
	struct ka_dwarf_raw raw;

	return ka_dwarf_die(dwarf_of(s), s->die, &die) && ka_dwarf_attribute(dwarf_of(s), &die, DW_AT_frame_base, &raw) &&
	       ka_dwarf_location(&s->lists, die.unit, &raw, s->pc, ret, ret_size);
}

static bool expression(const struct ka_scope *s, uint32_t id, struct ka_dwarf_die *ret_owner, const uint8_t **ret, size_t *ret_size)
{
	const struct ka_dwarf *d = dwarf_of(s);
	struct ka_dwarf_die die;
	struct ka_dwarf_raw raw;

	return ka_dwarf_die(d, id, &die) && ka_dwarf_inherited(d, &die, DW_AT_location, &raw, ret_owner) &&
	       ka_dwarf_location(&s->lists, ret_owner->unit, &raw, s->pc, ret, ret_size);
}

bool ka_scope_expression(const struct ka_scope *s, uint32_t id, const uint8_t **ret, size_t *ret_size)
{
	struct ka_dwarf_die owner;

	return expression(s, id, &owner, ret, ret_size);
}

/* DW_AT_const_value: what never changes has no place. */
static bool constant(const struct ka_scope *s, uint32_t id, struct ka_dwarf_place *ret)
{
	const struct ka_dwarf *d = dwarf_of(s);
	struct ka_dwarf_piece *p = &ret->pieces[0];
	struct ka_dwarf_die die;
	struct ka_dwarf_raw raw;

	if (!ka_dwarf_die(d, id, &die) || !ka_dwarf_inherited(d, &die, DW_AT_const_value, &raw, NULL))
		return false;
	*p = (struct ka_dwarf_piece){ .where = KA_DWARF_AS_VALUE, .value = raw.v.u };
	if (raw.v.kind == KA_DWARF_IS_BLOCK)
		*p = (struct ka_dwarf_piece){ .where = KA_DWARF_AS_BYTES, .bytes = raw.v.at, .size = (size_t)raw.v.u };
	else if (raw.v.kind == KA_DWARF_IS_STRING)
		*p = (struct ka_dwarf_piece){ .where = KA_DWARF_AS_BYTES, .bytes = raw.v.at, .size = strlen((const char *)raw.v.at) + 1 };
	else if (raw.v.kind != KA_DWARF_IS_NUMBER)
		return false;
	ret->count = 1;
	return true;
}

static enum ka_dwarf_outcome locate(struct frame *f, uint32_t id, unsigned nesting, struct ka_dwarf_place *ret, char *why)
{
	struct ka_dwarf_machine m;
	struct ka_dwarf_die owner;
	enum ka_dwarf_outcome outcome;
	const uint8_t *expr;
	size_t size;

	ret->count = 0;
	if (constant(f->s, id, ret))
		return KA_DWARF_DONE;
	if (!expression(f->s, id, &owner, &expr, &size) || !size)
		return KA_DWARF_ABSENT;
	machine_init(f, owner.unit, nesting, &m);
	outcome = ka_dwarf_expr(&m, expr, size, ret);
	*f->steps = m.steps;
	memcpy(why, m.why, sizeof(m.why));
	return outcome;
}

enum ka_dwarf_outcome ka_scope_locate(const struct ka_scope *s, const struct ka_scope_env *env, uint32_t die,
				      struct ka_dwarf_place *ret, char *why)
{
	unsigned steps = 0;
	struct frame f = { .s = s, .env = env, .steps = &steps };

	why[0] = 0;
	return locate(&f, die, 0, ret, why);
}

bool ka_scope_register(const struct ka_scope *s, const struct ka_scope_env *env, unsigned n, uint64_t *ret)
{
	unsigned steps = 0;
	struct frame f = { .s = s, .env = env, .steps = &steps };

	return frame_reg(&f, n, ret);
}
