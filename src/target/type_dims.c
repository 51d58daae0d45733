/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Dimensions that BTF has lost: pahole multiplies those of a[2][5] into a[10]. DWARF still knows them, and is asked of structs that
 * have arrays: members of several dimensions get DWARF's type.
 */
#include "kernel.h"

#define STEPS_MAX 64		/* typedefs, qualifiers, pointers in a row */
#define DEPTH_MAX 8		/* structs without a name within one another */
#define VISITS_MAX 4096		/* members looked at for one */

static uint64_t elements(struct ka_types *t, struct ka_type_step *step)
{
	uint64_t n = 1;

	for (int i = 0; i < STEPS_MAX && step->kind == KA_TYPE_ARRAY; i++) {
		n *= step->count;
		t->ops->step(t, step->target, step);
	}
	return n;
}

static bool is_nameless(const struct ka_type_step *s)
{
	return (s->kind == KA_TYPE_STRUCT || s->kind == KA_TYPE_UNION) && !s->name;
}

/* Is there, up to the next name, an array of several dimensions: in BTF perhaps, in DWARF really? */
static bool has_several(struct ka_types *t, uint32_t id, struct ka_arena *a, unsigned depth, unsigned *visits)
{
	bool is_btf = !strcmp(t->ops->name, "BTF");
	struct ka_type_step step, below;
	struct ka_type_part *parts;
	size_t n;

	t->ops->step(t, id, &step);
	for (int i = 0; i < STEPS_MAX && (step.kind == KA_TYPE_TYPEDEF || step.kind == KA_TYPE_CONST || step.kind == KA_TYPE_VOLATILE ||
					  step.kind == KA_TYPE_RESTRICT || step.kind == KA_TYPE_POINTER); i++) {
		bool is_pointer = step.kind == KA_TYPE_POINTER;

		t->ops->step(t, step.target, &below);
		/* What is behind pointers is not shown, but the text of their type is. */
		if (is_pointer && below.kind != KA_TYPE_ARRAY && below.kind != KA_TYPE_POINTER)
			return false;
		step = below;
	}
	if (step.kind == KA_TYPE_ARRAY) {
		t->ops->step(t, step.target, &below);
		/* in BTF any: events[2] may be [2][1] */
		if (is_btf || below.kind == KA_TYPE_ARRAY)
			return true;
		id = step.target;
		step = below;
	}
	if (!is_nameless(&step) || depth == DEPTH_MAX)
		return false;
	/* the id of what typedefs lead to is not kept above: members() resolves them */
	n = t->ops->members(t, id, a, &parts);
	for (size_t i = 0; i < n && ++*visits < VISITS_MAX; i++)
		if (has_several(t, parts[i].type, a, depth + 1, visits))
			return true;
	return false;
}

/* The same struct in DWARF; 0: none. */
static uint32_t same_struct(struct ka_types *dwarf, const struct ka_type_info *info, struct ka_arena *a)
{
	uint32_t id = dwarf->ops->find(dwarf, info->kind, info->name);
	struct ka_type_named *all;
	struct ka_type_step step;
	size_t n;

	if (!id)
		return 0;
	dwarf->ops->step(dwarf, id, &step);
	if (step.size == info->size)
		return id;
	/* another of that name */
	n = dwarf->ops->find_all(dwarf, info->kind, info->name, a, &all);
	for (size_t i = 0; i < n; i++) {
		dwarf->ops->step(dwarf, all[i].id, &step);
		if (step.size == info->size)
			return all[i].id;
	}
	return 0;
}

static bool same_count(struct ka_types *dwarf, uint32_t type, struct ka_types *btf, uint32_t flat)
{
	struct ka_type_step here, there;

	btf->ops->step(btf, flat, &here);
	dwarf->ops->step(dwarf, type, &there);
	return (here.kind == KA_TYPE_ARRAY) == (there.kind == KA_TYPE_ARRAY) &&
	       (here.kind != KA_TYPE_ARRAY || elements(btf, &here) == elements(dwarf, &there));
}

/* The member's type there: of the same name and place, perhaps in an anonymous struct. 0: none. */
static uint32_t type_of(struct ka_types *dwarf, uint32_t id, const struct ka_type_part *parts, size_t n, const struct ka_type_field *f)
{
	uint64_t offset_bits;
	uint32_t bit_size, type;

	for (size_t i = 0; i < n; i++) {
		const struct ka_type_part *p = &parts[i];

		if (p->offset_bits == f->offset_bits && (p->name && f->name ? !strcmp(p->name, f->name) : !p->name && !f->name))
			return p->type;
	}
	return f->name && dwarf->ops->member(dwarf, id, f->name, &offset_bits, &bit_size, &type) && offset_bits == f->offset_bits ? type : 0;
}

void ka_type_dimensions(struct ka_kernel *k, const struct ka_type *owner, const struct ka_type_info *info, struct ka_type_field *fields, size_t n)
{
	struct ka_types *types, *dwarf = NULL;
	struct ka_type_part *parts = NULL;
	struct ka_arena *a = NULL;
	size_t part_count = 0;
	uint32_t id = 0, type;
	unsigned visits = 0;

	/* Types of modules alone stay as they are: their DWARF is seldom there. */
	if (!k || !info->name || info->is_declared_only || !owner->types || strcmp(owner->types->ops->name, "BTF") ||
	    ka_error_drop(ka_kernel_types(k, &types)) || strcmp(types->ops->name, "BTF"))
		return;
	for (size_t i = 0; i < n; i++) {
		if (fields[i].type.types != owner->types || fields[i].bit_size)
			continue;
		a = a ? a : ka_arena_new();
		if (!has_several(owner->types, fields[i].type.id, a, 0, &visits))
			continue;
		if (!parts) {
			if (owner->types != types && !types->ops->find(types, info->kind, info->name))
				break;
			dwarf = ka_kernel_dwarf(k);
			id = dwarf ? same_struct(dwarf, info, a) : 0;
			if (!id)
				break;
			part_count = dwarf->ops->members(dwarf, id, a, &parts);
			if (!part_count)
				break;
		}
		type = type_of(dwarf, id, parts, part_count, &fields[i]);
		if (type && has_several(dwarf, type, a, 0, &visits) && same_count(dwarf, type, owner->types, fields[i].type.id))
			fields[i].type = (struct ka_type){ .types = dwarf, .id = type };
	}
	if (a)
		ka_arena_free(a);
}
