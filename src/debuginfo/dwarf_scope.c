/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From an address to the function, the inlined ones and the blocks around it, and the variables of each. */
#include "dwarf_function.h"
#include "dwarf_types.h"
#include "line.h"
#include "scope.h"

#define DEPTH_MAX	96		/* blocks within one another */
#define VARIABLES_MAX	4096
#define VISITS_MAX	(1u << 20)	/* DIEs of a unit */

struct walk {
	const struct ka_dwarf *d;
	struct ka_scope *s;
	struct ka_arena *a;
	struct { KA_VEC(struct ka_scope_function); } functions;	/* outermost first */
	struct { KA_VEC(struct ka_scope_variable); } variables;
};

bool ka_types_is_dwarf(const struct ka_types *t)
{
	return t && !strcmp(t->ops->name, "DWARF");
}

static void declared_at(const struct ka_scope *s, const struct ka_dwarf *d, const struct ka_dwarf_die *die, struct ka_scope_variable *v)
{
	const struct ka_dwarf_file *own = &d->files[0];
	struct ka_object_place place = {0};
	struct ka_dwarf_die owner;
	struct ka_dwarf_raw raw;

	if (ka_dwarf_inherited(d, die, DW_AT_decl_line, &raw, NULL) && raw.v.kind == KA_DWARF_IS_NUMBER)
		v->line = (unsigned)KA_MIN(raw.v.u, UINT32_MAX);
	if (!ka_dwarf_inherited(d, die, DW_AT_decl_file, &raw, &owner) || raw.v.kind != KA_DWARF_IS_NUMBER || owner.unit->file != own)
		return;
	if (ka_lines_file(s->object, owner.unit->id - own->info_id, raw.v.u, &place))
		v->file = place.name ? place.name : place.file;
}

static bool variable_of(const struct ka_scope *s, const struct ka_dwarf *d, const struct ka_dwarf_die *die, struct ka_scope_variable *v)
{
	struct ka_dwarf_raw raw;

	*v = (struct ka_scope_variable){ .die = die->id, .is_argument = die->tag == DW_TAG_formal_parameter, .name = ka_dwarf_name(d, die) };
	if (ka_dwarf_inherited(d, die, DW_AT_type, &raw, NULL) && raw.v.kind == KA_DWARF_IS_REF)
		v->type = (uint32_t)raw.v.u;
	declared_at(s, d, die, v);
	return v->name;
}

bool ka_scope_variable(const struct ka_scope *s, uint32_t id, struct ka_scope_variable *ret)
{
	const struct ka_dwarf *d = s->lists.d;
	struct ka_dwarf_die die;

	return ka_dwarf_die(d, id, &die) && (variable_of(s, d, &die, ret) || ret->type);
}

static void add_variable(struct walk *w, const struct ka_dwarf_die *die, unsigned depth)
{
	struct ka_scope_variable v;

	/* a declaration (extern) lies elsewhere, under the same name; padding of parameters has no name */
	if (die->is_declaration || w->variables.n >= VARIABLES_MAX || !variable_of(w->s, w->d, die, &v))
		return;
	v.depth = depth;
	v.function = (unsigned)w->functions.n - 1;
	ka_vec_push(&w->variables, v);
}

static void visit(struct walk *w, const struct ka_dwarf_die *parent, unsigned depth, unsigned nesting)
{
	struct ka_dwarf_die c, inner;
	unsigned visits = 0;

	for (bool ok = ka_dwarf_child(w->d, parent, &c); ok && visits < VISITS_MAX; ok = ka_dwarf_next(w->d, &c), visits++) {
		switch (c.tag) {
		case DW_TAG_formal_parameter:
		case DW_TAG_variable:
		case DW_TAG_constant:
			add_variable(w, &c, depth);
			break;
		}
	}
	if (nesting >= DEPTH_MAX || !ka_dwarf_block_at(&w->s->lists, parent, w->s->pc, &inner))
		return;
	if (inner.tag == DW_TAG_inlined_subroutine) {
		ka_vec_push(&w->functions, (struct ka_scope_function){ .name = ka_dwarf_name(w->d, &inner), .die = inner.id, .is_inlined = true });
		visit(w, &inner, 0, nesting + 1);
	} else {
		visit(w, &inner, depth + 1, nesting + 1);
	}
}

static void finish(struct walk *w)
{
	struct ka_scope *s = w->s;
	size_t n = w->functions.n, at = 0;

	s->functions = ka_alloc(w->a, n * sizeof(*s->functions));
	for (size_t i = 0; i < n; i++)
		s->functions[i] = w->functions.at[n - 1 - i];
	s->function_count = n;
	s->variables = ka_alloc(w->a, (w->variables.n + 1) * sizeof(*s->variables));
	for (size_t f = 0; f < n; f++) {
		for (int pass = 0; pass < 2; pass++) {
			for (size_t i = 0; i < w->variables.n; i++) {
				struct ka_scope_variable v = w->variables.at[i];

				v.function = (unsigned)n - 1 - v.function;
				if (v.function == f && v.is_argument == !pass)
					s->variables[at++] = v;
			}
		}
	}
	s->variable_count = at;
	ka_vec_free(&w->functions);
	ka_vec_free(&w->variables);
}

#define ENTRY_MAX 16	/* as lines.c has it */

/*
 * The function at an address. The instructions to be patched at a function's entry (-fpatchable-function-entry) lie before its code as DWARF
 * has it: nothing is done there yet, and all is as at its first instruction, which *pc becomes.
 */
static bool function_at(const struct ka_dwarf_lists *l, struct ka_dwarf_unit *u, uint64_t *pc, struct ka_dwarf_die *ret)
{
	uint64_t low;

	if (ka_dwarf_function_at(l, u, *pc, ret))
		return true;
	for (unsigned i = 1; i <= ENTRY_MAX; i++) {
		if (ka_dwarf_function_at(l, u, *pc + i, ret)) {
			*pc += i;
			return ka_dwarf_address(l, ret, DW_AT_low_pc, &low) && low == *pc;
		}
	}
	return false;
}

bool ka_scope_find(struct ka_types *types, uint64_t pc, struct ka_arena *a, struct ka_scope *ret)
{
	struct walk w = { .s = ret, .a = a };
	struct ka_dwarf_types *t;
	struct ka_dwarf_die function;
	struct ka_dwarf_unit *unit;
	uint64_t offset;

	if (!ka_types_is_dwarf(types))
		return false;
	t = types->priv;
	w.d = t->dwarf;
	*ret = (struct ka_scope){ .types = types, .object = t->index.object, .pc = pc };
	if (!ka_lines_unit(ret->object, pc, &offset) || offset >= t->dwarf->files[0].info.size)
		return false;
	ka_dwarf_lists_open(ret->object, t->dwarf, &ret->lists);
	unit = ka_dwarf_unit_at(t->dwarf, t->dwarf->files[0].info_id + (uint32_t)offset);
	if (!unit || !function_at(&ret->lists, unit, &ret->pc, &function))
		return false;
	ret->die = function.id;
	ka_vec_push(&w.functions, (struct ka_scope_function){ .name = ka_dwarf_name(w.d, &function), .die = function.id });
	visit(&w, &function, 0, 0);
	finish(&w);
	return true;
}
