/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a lock is called: by the variable that it lies in, and by whoever waits for it. */
#include <inttypes.h>
#include <kanalyze/code.h>
#include <kanalyze/local.h>
#include <kanalyze/symbol.h>
#include <kanalyze/variable.h>
#include "fault.h"
#include "wait.h"

/* Types that are a lock, or what else one waits for: the path to one ends there, not at its first member. */
static bool is_lock_type(const char *name)
{
	static const char *const types[] = { "mutex", "rw_semaphore", "semaphore", "percpu_rw_semaphore", "rt_mutex", "rt_mutex_base", "completion", "work_struct",
					     "wait_queue_head", "wait_queue_head_t", "spinlock", "raw_spinlock", "qspinlock", "task_struct", "folio", "page" };

	for (size_t i = 0; name && i < KA_COUNT(types); i++)
		if (!strcmp(name, types[i]))
			return true;
	return false;
}

/* ".queue[3].lock" of a type; false: nothing begins at offset. */
static bool path_to(struct ka_kernel *k, struct ka_arena *a, const struct ka_type *t, uint64_t offset, struct ka_str *path)
{
	struct ka_type now = *t;

	for (int depth = 0; depth < 16; depth++) {
		struct ka_type_field *fields, *in = NULL;
		struct ka_type_info info;
		size_t n;

		now = ka_type_strip(k, &now, &info);
		if (info.kind == KA_TYPE_ARRAY) {
			struct ka_type_info element;

			ka_type_strip(k, &info.target, &element);
			if (!element.size || (info.count && offset / element.size >= info.count))
				return false;
			ka_str_printf(path, "[%" PRIu64 "]", offset / element.size);
			offset %= element.size;
			now = info.target;
			continue;
		}
		if (!offset && (is_lock_type(info.name) || (info.kind != KA_TYPE_STRUCT && info.kind != KA_TYPE_UNION)))
			return true;
		if (info.kind != KA_TYPE_STRUCT && info.kind != KA_TYPE_UNION)
			return false;
		n = ka_type_members(k, &now, a, &fields);
		for (size_t i = 0; i < n && !in; i++) {
			struct ka_type_info member;

			ka_type_strip(k, &fields[i].type, &member);
			if (offset - fields[i].offset_bits / 8 < (member.size ? member.size : member.kind == KA_TYPE_POINTER ? ka_long_size(k) : 0))
				in = &fields[i];
		}
		if (!in)
			return false;
		if (in->name)
			ka_str_printf(path, ".%s", in->name);
		offset -= in->offset_bits / 8;
		now = in->type;
	}
	return false;
}

const char *ka_fault_variable_path(struct ka_kernel *k, struct ka_arena *a, ka_addr at)
{
	struct ka_str path = { 0 };
	const char *name = NULL;
	struct ka_variable v;
	struct ka_symbol s;
	uint64_t offset;

	if (ka_symbol_at(k, at, &s, &offset) && offset < KA_MAX(s.size, 1u) && ka_variable_of(k, &s, a, &v, NULL) && !v.is_function &&
	    path_to(k, a, &v.type, offset, &path) && (path.len || !offset))
		name = ka_printf(a, "%s%s", s.name, path.len ? path.p : "");
	ka_str_free(&path);
	return name;
}

/* "kdie_disk.meta_lock", or what the address is otherwise. */
static const char *name_of(struct ka_kernel *k, struct ka_arena *a, ka_addr at, ka_addr task, bool *ret_is_variable)
{
	struct ka_fault_place place;
	const char *path = ka_fault_variable_path(k, a, at);
	struct ka_symbol s;
	uint64_t offset;

	*ret_is_variable = true;
	if (path)
		return path;
	if (ka_symbol_at(k, at, &s, &offset) && offset < KA_MAX(s.size, 1u))
		return ka_printf(a, "%s+%" PRIu64, s.name, offset);
	*ret_is_variable = false;
	ka_fault_place(k, a, at, task, &place);
	return place.what;
}

/* What the first argument of a call was, in the caller's C. */
static void read_expression(struct ka_kernel *k, struct ka_arena *a, const struct ka_stack *st, struct ka_wait *w)
{
	struct ka_fault_trace trace = { .k = k, .a = a, .is_aarch64 = ka_fault_is_aarch64(k), .stack = st };
	struct ka_fault_code *code = ka_alloc(a, sizeof(*code));
	const struct ka_frame *f = &st->frames[w->frame];
	const struct ka_origin *o;
	size_t at;

	if (!f->is_call || (!ka_fault_code_read(k, a, f->ip - 1, code, &at) && !code->count))
		return;
	for (at = code->count; at && code->insns[at - 1].addr + code->insns[at - 1].size > f->ip; at--)
		;
	if (!at || code->insns[at - 1].kind != KA_INSN_CALL)
		return;
	o = ka_fault_origin(&trace, code, at - 1, trace.is_aarch64 ? 0 : 5, w->frame);
	w->expression = o->expression;
}

/* "sb->s_writers.rw_sem[0]": a pointer that the function has to a struct that the lock is in. */
static bool by_locals(struct ka_kernel *k, struct ka_arena *a, struct ka_stack *st, size_t frame, struct ka_wait *w)
{
	struct ka_locals l;

	if (ka_error_drop(ka_locals_read(k, st, frame, a, &l)))
		return false;
	for (size_t i = 0; i < l.n; i++) {
		const struct ka_local *v = &l.at[i];
		struct ka_type_info info, to;
		struct ka_str path = { 0 };
		uint64_t at;

		ka_type_strip(k, &v->type, &info);
		if (v->state != KA_LOCAL_THERE || info.kind != KA_TYPE_POINTER)
			continue;
		ka_type_strip(k, &info.target, &to);
		if (to.kind != KA_TYPE_STRUCT || !to.size || is_lock_type(to.name) || ka_error_drop(ka_value_number(k, &v->value, &at)) || w->lock - at >= to.size)
			continue;
		if (path_to(k, a, &info.target, w->lock - at, &path) && path.len)
			w->expression = ka_printf(a, "%s->%s", v->name, path.p[0] == '.' ? path.p + 1 : path.p);
		ka_str_free(&path);
		if (w->expression)
			return true;
	}
	return false;
}

void ka_wait_name(struct ka_kernel *k, struct ka_arena *a, struct ka_stack *st, struct ka_wait *w)
{
	bool is_variable = false;

	if (w->lock)
		w->name = name_of(k, a, w->lock, w->task, &is_variable);
	if (!w->function || w->kind == KA_WAIT_RCU)
		return;
	for (size_t i = 0; w->lock && i < 2 && w->frame + i < st->count; i++)
		if (by_locals(k, a, st, w->frame + i, w))
			return;
	/* a variable's name says all that the code would */
	if (!is_variable && w->kind != KA_WAIT_QUEUE && w->kind != KA_WAIT_BIT)
		read_expression(k, a, st, w);
}
