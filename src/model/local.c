/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Arguments and locals of frames: the scope at the frame's code, in which debuginfo that is, and what its expressions ask of the frame. */
#include <inttypes.h>
#include "local.h"
#include "module.h"

#define SCOPES_MAX 4096		/* kept: the places where tasks sleep are a few hundred */

/* Scopes by run-time address: many stacks have the same functions on them. */
struct scopes {
	pthread_mutex_t lock;
	struct ka_map of_pc;		/* index in kept + 1 */
	struct { KA_VEC(struct kept { struct ka_scope scope; struct ka_arena *a; }); } kept;
};

static void *scopes_make(struct ka_kernel *k)
{
	struct scopes *s = ka_xalloc(sizeof(*s));

	(void)k;
	pthread_mutex_init(&s->lock, NULL);
	return s;
}

static void scopes_drop(void *state)
{
	struct scopes *s = state;

	for (size_t i = 0; i < s->kept.n; i++)
		ka_arena_free(s->kept.at[i].a);
	ka_vec_free(&s->kept);
	ka_map_free(&s->of_pc);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

/* The scope at an address of these types; what it points to is kept until the end. */
static bool scope_at(struct ka_kernel *k, struct ka_types *types, ka_addr pc, uint64_t at, struct ka_arena *a, struct ka_scope *ret)
{
	static const char key;
	struct scopes *s = ka_kernel_state(k, &key, scopes_make, scopes_drop);
	struct kept new = { 0 };
	uint64_t i = 0;
	bool is_full;

	if (!s)
		return ka_scope_find(types, at, a, ret);
	pthread_mutex_lock(&s->lock);
	is_full = s->kept.n >= SCOPES_MAX;
	if (ka_map_get(&s->of_pc, pc, &i))
		*ret = s->kept.at[i - 1].scope;
	pthread_mutex_unlock(&s->lock);
	if (i && ret->types == types)		/* a module's may have been loaded anew (mod -s) */
		return true;
	if (is_full)
		return ka_scope_find(types, at, a, ret);
	new.a = ka_arena_new();
	if (!ka_scope_find(types, at, new.a, &new.scope)) {
		ka_arena_free(new.a);
		return false;
	}
	*ret = new.scope;
	pthread_mutex_lock(&s->lock);
	ka_vec_push(&s->kept, new);
	ka_map_set(&s->of_pc, pc, s->kept.n);
	pthread_mutex_unlock(&s->lock);
	return true;
}

struct ka_error *ka_local_frame_open(struct ka_kernel *k, ka_addr pc, struct ka_arena *a, struct ka_local_frame *ret)
{
	uint64_t at = pc - k->layout.kaslr_offset;
	struct ka_types *types = NULL;
	struct ka_object *o;
	uint32_t section = 0;
	size_t i;

	*ret = (struct ka_local_frame){ .k = k, .a = a, .pc = pc };
	if (pc >= k->layout.text_base && pc < k->layout.text_end) {
		types = ka_kernel_dwarf(k);
		if (!types)
			return ka_error_new(KA_MISSING, "vmlinux has no DWARF: nothing tells of variables of functions");
	} else if (ka_module_index(k, pc, &i)) {
		ret->is_module = true;
		types = ka_module_types_hook(k, i, true);
		if (!types)
			return ka_error_new(KA_MISSING, "module %s has no debuginfo (DWARF): give --debug-dir, or load it with mod -s",
					    ka_module_list(k)->modules.at[i].name);
		if (!ka_module_object_hook(k, pc, &o, &at, &section))
			return ka_error_at(KA_MISSING, KA_SPACE_VIRT, pc, "0x%" PRIx64 " is in no section of module %s that was loaded", pc,
					   ka_module_list(k)->modules.at[i].name);
		at += section ? ka_object_base(o, section) : 0;
	} else {
		return ka_error_at(KA_MISSING, KA_SPACE_VIRT, pc, "0x%" PRIx64 " is no code of the kernel or of a module", pc);
	}
	if (!scope_at(k, types, pc, at, a, &ret->scope))
		return ka_error_at(KA_MISSING, KA_SPACE_VIRT, pc, "DWARF tells of no function at 0x%" PRIx64 " (assembly, or built without it)", pc);
	return NULL;
}

/* ---- what expressions ask ---- */

static const struct ka_frame *frame_of(const struct ka_local_frame *f)
{
	return f->stack ? &f->stack->frames[f->index] : NULL;
}

static bool env_reg(void *ctx, unsigned n, uint64_t *ret)
{
	const struct ka_frame *frame = frame_of(ctx);

	if (!frame || n >= KA_REGS_MAX || !(frame->state.known >> n & 1))
		return false;
	*ret = frame->state.value[n];
	return true;
}

static bool env_read(void *ctx, uint64_t at, void *ret, size_t size)
{
	struct ka_local_frame *f = ctx;

	return f->stack && !ka_error_drop(ka_read(f->k, at, ret, size));
}

static bool env_cfa(void *ctx, uint64_t *ret)
{
	struct ka_local_frame *f = ctx;

	return f->stack && ka_local_cfa(f->k, f->stack, f->index, ret);
}

static bool env_address(void *ctx, uint64_t linked, uint64_t *ret)
{
	struct ka_local_frame *f = ctx;

	if (f->is_module)
		return ka_module_run_time(f->k, f->pc, linked, ret);
	/* per-CPU variables of x86 before v6.15 count from 0, and do not move */
	*ret = linked >= f->k->layout.text_base - f->k->layout.kaslr_offset && ka_is_kernel_addr(f->k, linked) ?
	       linked + f->k->layout.kaslr_offset : linked;
	return true;
}

static bool env_caller(void *ctx, struct ka_scope_env *ret, const struct ka_scope **ret_scope)
{
	struct ka_local_frame *f = ctx, *up;

	if (!f->has_tried_up) {
		const struct ka_frame *frame = f->stack && f->index + 1 < f->stack->count ? &f->stack->frames[f->index + 1] : NULL;

		f->has_tried_up = true;
		/* what an interrupt came upon has called nothing; a guess may have left out the caller */
		if (frame && frame->is_call && !frame->stack && !(frame->is_guess && frame->by == KA_BY_SCAN)) {
			up = ka_alloc(f->a, sizeof(*up));
			if (!ka_error_drop(ka_local_frame_open(f->k, frame->ip - 1, f->a, up))) {
				up->stack = f->stack;
				up->index = f->index + 1;
				f->up = up;
			}
		}
	}
	if (!f->up)
		return false;
	ka_local_frame_env(f->up, ret);
	*ret_scope = &f->up->scope;
	return true;
}

void ka_local_frame_env(struct ka_local_frame *f, struct ka_scope_env *ret)
{
	*ret = (struct ka_scope_env){ .ctx = f, .reg = env_reg, .read = env_read, .cfa = env_cfa, .address = env_address, .caller = env_caller };
}

/* ---- lists ---- */

static void list(struct ka_local_frame *f, struct ka_locals *ret)
{
	const struct ka_scope *s = &f->scope;
	const char **functions = ka_alloc(f->a, (s->function_count + 1) * sizeof(*functions));

	for (size_t i = 0; i < s->function_count; i++)
		functions[i] = s->functions[i].name;
	ret->functions = functions;
	ret->function_count = s->function_count;
	ret->at = ka_alloc(f->a, (s->variable_count + 1) * sizeof(*ret->at));
	for (size_t i = 0; i < s->variable_count && !ka_interrupted(); i++) {
		const struct ka_scope_variable *v = &s->variables[i];
		struct ka_local *l = &ret->at[ret->n++];

		ka_local_load(f, v, 0, l);
		l->function = s->functions[v->function].name;
		l->is_inlined = s->functions[v->function].is_inlined;
		l->level = v->function;
		l->depth = v->depth;
	}
}

struct ka_error *ka_locals_read(struct ka_kernel *k, struct ka_stack *st, size_t frame, struct ka_arena *a, struct ka_locals *ret)
{
	struct ka_local_frame *f = ka_alloc(a, sizeof(*f));
	struct ka_error *err;

	*ret = (struct ka_locals){0};
	if (frame >= st->count)
		return ka_error_new(KA_NOT_FOUND, "there is no frame %zu: the stack has %zu", frame, st->count);
	err = ka_local_frame_open(k, st->frames[frame].ip - st->frames[frame].is_call, a, f);
	if (err)
		return err;
	ka_stack_registers(k, st);
	f->stack = st;
	f->index = frame;
	list(f, ret);
	return NULL;
}

struct ka_error *ka_locals_at(struct ka_kernel *k, ka_addr pc, struct ka_arena *a, struct ka_locals *ret)
{
	struct ka_local_frame *f = ka_alloc(a, sizeof(*f));
	struct ka_error *err = ka_local_frame_open(k, pc, a, f);

	*ret = (struct ka_locals){0};
	if (!err)
		list(f, ret);
	return err;
}

/* ---- the reverse ---- */

const struct ka_local *ka_local_in_register(const struct ka_locals *l, unsigned reg)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->at[i].place == KA_LOCAL_IN_REGISTER && l->at[i].reg == (int)reg)
			return &l->at[i];
	return NULL;
}

const struct ka_local *ka_local_at_register(const struct ka_locals *l, unsigned reg, int64_t offset, uint64_t *ret_inside)
{
	for (size_t i = 0; i < l->n; i++) {
		const struct ka_local *v = &l->at[i];
		uint64_t inside = (uint64_t)offset - (uint64_t)v->reg_offset;

		if (v->place == KA_LOCAL_IN_MEMORY && v->reg == (int)reg && inside < v->size) {
			*ret_inside = inside;
			return v;
		}
	}
	return NULL;
}

const struct ka_local *ka_local_at_address(const struct ka_locals *l, ka_addr addr, uint64_t *ret_inside)
{
	for (size_t i = 0; i < l->n; i++) {
		const struct ka_local *v = &l->at[i];

		if (v->state == KA_LOCAL_THERE && v->place == KA_LOCAL_IN_MEMORY && v->value.is_lvalue && addr - v->value.addr < v->size) {
			*ret_inside = addr - v->value.addr;
			return v;
		}
	}
	return NULL;
}

const struct ka_local *ka_local_find(const struct ka_locals *l, const char *name)
{
	const struct ka_local *found = NULL;

	for (size_t i = 0; i < l->n; i++) {
		const struct ka_local *v = &l->at[i];

		if (!strcmp(v->name, name) && (!found || (v->level == found->level && v->depth > found->depth)))
			found = v;
	}
	return found;
}
