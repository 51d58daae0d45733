/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where a sleeping task's stack begins when its saved stack pointer is lost (a page of its task_struct is not in the dump, or
 * was overwritten): at the return address into the scheduler that switching away left on its stack.
 *
 * That address is the same for all sleeping tasks. What lies above the lost stack pointer is in use, and holds it only once; what
 * lies below is stale. So the highest place that holds it, and from which unwinding comes to the end of the stack without guessing,
 * is the one.
 */
#include <inttypes.h>
#include "stacks.h"

#define SAMPLES_MAX 64
#define STEPS_MAX 64

/* Return addresses into the scheduler: there may be two (schedule_idle of an inlined __schedule). */
struct switch_places {
	ka_addr ip[4];
	unsigned count;
};

static const char switch_key;

/* From tasks that sleep and whose stack pointer is there. */
static void *switch_make(struct ka_kernel *k)
{
	struct switch_places *p = ka_xalloc(sizeof(*p));
	struct ka_walk w = ka_walk_tasks(k);
	unsigned samples = 0, cpu;

	for (ka_addr at; samples < SAMPLES_MAX && ka_walk_next(&w, &at);) {
		struct ka_task t;
		struct ka_cursor c;
		struct ka_stacks s;
		const char *note;
		struct ka_arena *a;
		unsigned i = 0;

		if (ka_error_drop(ka_task_read(k, at, &t)) || t.is_sp_lost || !t.stack || ka_task_is_active(k, at, &cpu))
			continue;
		ka_stacks_of(k, &t, false, 0, &s);
		if (!ka_stacks_at(&s, t.thread_sp) || !ka_stack_ops(k) || !ka_stack_ops(k)->start_sleeping(k, &t, &c, &note) ||
		    !ka_unwind_is_switched(k, &s, &c))
			continue;
		samples++;
		/* aarch64: the place where the switch went on is in a register, the one after it on the stack */
		a = ka_arena_new();
		if (c.ret_at || (!ka_error_drop(ka_cursor_step(k, &s, &c, a)) && !c.is_end && c.ret_at)) {
			while (i < p->count && p->ip[i] != c.ip)
				i++;
			if (i == p->count && i < KA_COUNT(p->ip))
				p->ip[p->count++] = c.ip;
		}
		ka_arena_free(a);
	}
	ka_error_drop(ka_walk_end(&w));
	return p;
}

/* Does unwinding up from c come to the end of the stack, without guessing? */
static bool ends_cleanly(struct ka_kernel *k, struct ka_cursor c, const struct ka_stacks *s, struct ka_arena *a)
{
	for (unsigned i = 0; i < STEPS_MAX; i++) {
		if (ka_error_drop(ka_cursor_step(k, s, &c, a)))
			return false;
		if (c.is_end)
			return true;
		if (c.is_doubted || c.by == KA_BY_SCAN || (c.by == KA_BY_FP && !c.is_framed && !k->arch->has_frame_records))
			return false;
	}
	return false;
}

/* The cursor at a slot, with the registers that the switch saved below it where the architecture leaves them there. */
static bool cursor_at(struct ka_kernel *k, const struct ka_task *t, ka_addr slot, struct ka_cursor *ret)
{
	struct ka_task moved = *t;
	const char *note;
	uint64_t below;

	if (!k->arch->has_frame_records && !ka_error_drop(ka_type_offset(k, "inactive_task_frame", "ret_addr", &below))) {
		moved.thread_sp = slot - below;
		if (ka_stack_ops(k)->start_sleeping(k, &moved, ret, &note) && ret->ret_at == slot)
			return true;
	}
	return ka_cursor_from_slot(k, slot, ret);
}

bool ka_unwind_start_lost(struct ka_kernel *k, const struct ka_task *t, const struct ka_stacks *s, struct ka_arena *a,
			  struct ka_cursor *ret, const char **ret_note)
{
	const struct switch_places *p;
	unsigned word = k->long_size;
	struct ka_cursor c, guess;
	bool has_guess = false;
	size_t size, got;
	uint8_t *bytes;

	if (!s->count || !ka_stack_ops(k))
		return false;
	p = ka_kernel_state(k, &switch_key, switch_make, free);
	if (!p || !p->count)
		return false;
	size = s->area[0].end - s->area[0].start;
	bytes = ka_alloc(a, size);
	got = ka_read_some(k, s->area[0].start, bytes, size, NULL);
	for (size_t at = got / word * word; at >= word && !ka_interrupted();) {
		uint64_t v;
		bool is_one = false;

		at -= word;
		v = ka_strip_return(k, ka_uint_from(k, bytes + at, word));
		for (unsigned i = 0; i < p->count; i++)
			is_one |= p->ip[i] == v;
		if (!is_one || !cursor_at(k, t, s->area[0].start + at, &c))
			continue;
		if (ends_cleanly(k, c, s, a)) {
			*ret = c;
			*ret_note = "(its saved stack pointer is lost: found by where it left the CPU)";
			return true;
		}
		if (!has_guess)
			guess = c;
		has_guess = true;
	}
	if (!has_guess)
		return false;
	*ret = guess;
	ret->by = KA_BY_SCAN;
	ret->is_scanned = true;
	*ret_note = "(its saved stack pointer is lost: guessed from a place where it once left the CPU)";
	return true;
}
