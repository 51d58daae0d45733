/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where the stack of a task begins: the registers of its CPU, or what the scheduler saved.
 *
 * The registers that kdump saved are those of a moment before the end: of the instruction that faulted, or of
 * __crash_kexec before it went on into machine_kexec, or of what an NMI interrupted. The frames below are still
 * on the stack. They are taken only when unwinding up from them comes to just those registers: no stale frame.
 */
#include <inttypes.h>
#include <kanalyze/view.h>
#include "stacks.h"

#define INNER_STEPS 64

/* Does unwinding up from c come to the registers that were saved? */
static bool leads_to(struct ka_kernel *k, struct ka_cursor c, const struct ka_stacks *s, const struct ka_pt_regs *saved,
		     struct ka_arena *a)
{
	struct ka_symbol f, saved_f = { 0 };
	uint64_t off;
	bool has_saved_f = ka_symbol_at(k, saved->ip, &saved_f, &off);

	for (unsigned i = 0; i < INNER_STEPS; i++) {
		/* crash_setup_regs() saved them in this very function, a few instructions before its call */
		if (has_saved_f && i && c.sp == saved->sp && ka_symbol_at(k, c.ip - 1, &f, &off) && f.addr == saved_f.addr)
			return true;
		if (ka_error_drop(ka_cursor_step(k, s, &c, a)))
			return false;
		if (c.pt && c.pt->ip == saved->ip && c.pt->sp == saved->sp)
			return true;
		if (c.is_end || c.is_doubted || c.by == KA_BY_SCAN || (c.by == KA_BY_FP && !c.is_framed && !k->arch->has_frame_records))
			return false;
	}
	return false;
}

/* Does unwinding up from c come to the end of the stack, without guessing? */
static bool leads_out(struct ka_kernel *k, struct ka_cursor c, const struct ka_stacks *s, struct ka_arena *a)
{
	for (unsigned i = 0; i < INNER_STEPS; i++) {
		if (ka_error_drop(ka_cursor_step(k, s, &c, a)))
			return false;
		if (c.is_doubted)
			return false;
		/* frame records are a chain of their own, which goes on behind a guess of one frame */
		if (!k->arch->has_frame_records && (c.by == KA_BY_SCAN || (c.by == KA_BY_FP && !c.is_framed) || c.is_scanned))
			return false;
		if (c.is_end)
			return true;
	}
	return false;
}

/* Where unwinding up from c has to come to: the registers that were saved; NULL: the end of the stack. */
static bool leads(struct ka_kernel *k, struct ka_cursor c, const struct ka_stacks *s, const struct ka_pt_regs *saved, struct ka_arena *a)
{
	return saved ? leads_to(k, c, s, saved, a) : leads_out(k, c, s, a);
}

/*
 * From the place of a return address alone. Where the function keeps a frame pointer (panic() aligns its stack; all functions of some
 * kernels), that is not known: it points right below the return address to the caller, which is among the next.
 */
static bool leads_somehow(struct ka_kernel *k, struct ka_cursor *c, const struct ka_stacks *s, const struct ka_pt_regs *saved, struct ka_arena *a)
{
	unsigned word = k->long_size;

	if (leads(k, *c, s, saved, a))
		return true;
	if (k->arch->has_frame_records || (saved && !ka_has_frame_pointers(k)))
		return false;
	for (ka_addr at = c->sp; at < c->sp + 64 * word; at += word) {
		struct ka_cursor with = *c;
		uint64_t v;

		if (ka_error_drop(ka_read_ulong(k, at, &v)))
			return false;
		if (!ka_is_text(k, v))
			continue;
		ka_cursor_set(k, &with, k->arch->reg_names[k->arch->fp_reg], at - word);
		if (leads(k, with, s, saved, a)) {
			*c = with;
			return true;
		}
	}
	return false;
}

/*
 * Where every function makes a frame record, a return address that is part of one has the caller's record below it, farther up on
 * a stack. Others are registers in a struct pt_regs, or spilled.
 */
static bool is_in_record(struct ka_kernel *k, ka_addr slot, const struct ka_stacks *s)
{
	uint64_t fp;

	if (!k->arch->has_frame_records)
		return true;
	if (ka_error_drop(ka_read_ulong(k, slot - k->long_size, &fp)) || fp & (2 * k->long_size - 1) || !ka_stacks_at(s, fp))
		return false;
	return ka_stacks_at(s, fp) != ka_stacks_at(s, slot) || fp > slot;
}

/* Frames below the saved registers (NULL: none were saved): from a return address into the function in which this CPU came to its end. */
static bool find_slot(struct ka_kernel *k, const char *function, const struct ka_stacks *s, const struct ka_pt_regs *saved,
		       struct ka_arena *a, struct ka_cursor *ret)
{
	struct ka_symbol f;
	unsigned word = k->long_size;

	if (!ka_symbol_lookup(k, function, &f) || !f.size)
		return false;
	for (unsigned i = 0; i < s->count; i++) {
		const struct ka_stack_area *area = &s->area[i];
		size_t size = area->end - area->start;
		uint8_t *bytes = ka_alloc(a, size);
		size_t got = ka_read_some(k, area->start, bytes, size, NULL);

		for (size_t at = 0; at + word <= got; at += word) {
			uint64_t v = ka_uint_from(k, bytes + at, word);
			struct ka_cursor c;

			if (k->arch->strip_ip)	/* return addresses may be signed */
				v = k->arch->strip_ip(&k->layout, v);
			if (v > f.addr && v <= f.addr + f.size && is_in_record(k, area->start + at, s) &&
			    ka_cursor_from_slot(k, area->start + at, &c) &&
			    leads_somehow(k, &c, s, saved, a)) {
				*ret = c;
				return true;
			}
		}
	}
	return false;
}

bool ka_unwind_is_switched(struct ka_kernel *k, const struct ka_stacks *s, const struct ka_cursor *c)
{
	struct ka_symbol from, to, f;
	uint64_t offset, fp = c->regs.value[k->arch->fp_reg];

	if (!ka_is_text(k, c->ip))
		return false;
	if (ka_symbol_at(k, c->ip, &f, &offset) && !strncmp(f.name, "ret_from_fork", 13))
		return true;
	/* __switch_to(), where it goes on, is not in the scheduler's text: the record says */
	if (k->arch->has_frame_records)
		return !fp || (!(fp & 7) && ka_stacks_at(s, fp));
	if (ka_symbol_lookup(k, "__sched_text_start", &from) && ka_symbol_lookup(k, "__sched_text_end", &to) && from.addr < to.addr)
		return c->ip > from.addr && c->ip <= to.addr;
	return c->sp % 8 == 0 && !ka_is_doubted(k, c->ip);
}

static bool start_sleeping(struct ka_kernel *k, const struct ka_task *t, const struct ka_stacks *s, struct ka_arena *a,
			   struct ka_cursor *ret, const char **ret_note)
{
	if (!t->stack) {
		*ret_note = "(no stack)";
		return false;
	}
	if (t->is_sp_lost) {
		*ret_note = "(its saved stack pointer could not be read)";
		return ka_unwind_start_lost(k, t, s, a, ret, ret_note);
	}
	if (!t->thread_sp || !ka_stacks_at(s, t->thread_sp)) {
		*ret_note = "(its saved stack pointer is in no stack of the task)";
		return ka_unwind_start_lost(k, t, s, a, ret, ret_note);
	}
	if (!ka_stack_ops(k))
		return false;
	*ret_note = NULL;
	if (ka_stack_ops(k)->start_sleeping(k, t, ret, ret_note) && ka_unwind_is_switched(k, s, ret))
		return true;
	if (!*ret_note)
		*ret_note = "(its saved stack pointer leads to no frame)";
	return ka_unwind_start_lost(k, t, s, a, ret, ret_note);
}

static bool start_active(struct ka_kernel *k, const struct ka_stacks *s, unsigned cpu, struct ka_arena *a, struct ka_cursor *ret)
{
	const struct ka_stack_ops *ops = ka_stack_ops(k);
	struct ka_regs regs;
	struct ka_pt_regs *pt = ka_alloc(a, sizeof(*pt));

	if (!ka_cpu_regs(k, cpu, &regs, pt))
		return false;
	for (size_t i = 0; ops && i < KA_COUNT(ops->ends) && ops->ends[i]; i++)
		if (find_slot(k, ops->ends[i], s, pt, a, ret))
			return true;
	ka_cursor_from_regs(k, &regs, ret);
	if (pt->is_user) {
		ret->pt = pt;
		ret->is_end = true;
	}
	return true;
}

static bool find_one(struct ka_kernel *k, const char *const *functions, size_t n, const struct ka_stacks *s, struct ka_arena *a,
		     struct ka_cursor *ret)
{
	for (size_t i = 0; i < n && functions[i] && !ka_interrupted(); i++)
		if (find_slot(k, functions[i], s, NULL, a, ret))
			return true;
	return false;
}

/*
 * Nobody saved the registers (memory without notes): a CPU that came to its end, or is idle, has the functions in which that
 * happens on its stack; the innermost first. Other running tasks could have been anywhere.
 */
static bool start_lost(struct ka_kernel *k, const struct ka_stacks *s, unsigned cpu, struct ka_arena *a, struct ka_cursor *ret)
{
	static const char *const ends[] = {
		"machine_kexec", "crash_nmi_callback", "stop_this_cpu", "nmi_panic_self_stop", "vpanic", "panic", "oops_end", "die",
	};
	static const char *const idle[] = { "cpuidle_enter", "default_idle_call", "cpuidle_idle_call", "do_idle" };
	const struct ka_stack_ops *ops = ka_stack_ops(k);

	if (find_one(k, ends, KA_COUNT(ends), s, a, ret))
		return true;
	/* who was told to stop took itself off line; else what its stack has of an interrupt may be an old one */
	if (ops && !ka_cpu_is_online(k, cpu) && find_one(k, ops->ends, KA_COUNT(ops->ends), s, a, ret))
		return true;
	return find_one(k, idle, KA_COUNT(idle), s, a, ret);
}

struct running { uint32_t on_cpu; };
KA_VIEW(running, ("task_struct"), KA_MAYBE(running, on_cpu, "on_cpu", "oncpu"));	/* renamed in 3ca7a440da39, v3.0 */

/* Does the task say that it runs, on a CPU whose run queue cannot be read? What it saved when it last slept is stale. */
static bool is_running(struct ka_kernel *k, const struct ka_task *t)
{
	struct running r;

	return !ka_error_drop(ka_view_read(k, &ka_view_running, t->addr, &r)) && r.on_cpu == 1 && !ka_task_is(k, ka_cpu_task(k, t->cpu));
}

bool ka_unwind_start(struct ka_kernel *k, const struct ka_task *t, const struct ka_stacks *s, bool is_active, unsigned cpu,
		     struct ka_arena *a, struct ka_cursor *ret, const char **ret_note)
{
	if (!is_active && is_running(k, t)) {
		*ret_note = "(active: it says so itself, but the run queue of its CPU cannot be read)";
		if (!start_lost(k, s, t->cpu, a, ret))
			return false;
		*ret_note = "(active: it says so itself, but the run queue of its CPU cannot be read; frames from what its stack holds, inner ones may lack)";
		return true;
	}
	if (!is_active)
		return start_sleeping(k, t, s, a, ret, ret_note);
	if (start_active(k, s, cpu, a, ret))
		return true;
	*ret_note = "(active)";
	if (k->image->info.is_live)
		return false;
	*ret_note = ka_printf(a, "(active: the dump has no registers of CPU %u)", cpu);
	if (!start_lost(k, s, cpu, a, ret))
		return false;
	*ret_note = ka_printf(a, "(active: the dump has no registers of CPU %u; frames from what its stack holds, inner ones may lack)", cpu);
	return true;
}

struct ka_error *ka_unwind_start_at(struct ka_kernel *k, const struct ka_stacks *s, const struct ka_unwind_from *from, struct ka_cursor *ret)
{
	const struct ka_stack_area *area = ka_stacks_at(s, from->sp);
	struct ka_regs none = { 0 };
	unsigned word = k->long_size;
	uint64_t v;

	if (!area)
		return ka_error_at(KA_USAGE, KA_SPACE_VIRT, from->sp, "0x%" PRIx64 " is in no stack of this task", from->sp);
	if (from->has_ip) {
		ka_cursor_from_regs(k, &none, ret);
		ka_cursor_set(k, ret, k->arch->reg_names[k->arch->sp_reg], from->sp);
		ret->sp = from->sp;
		ka_cursor_set_ip(k, ret, from->ip);
		return NULL;
	}
	for (ka_addr at = (from->sp + word - 1) & ~(ka_addr)(word - 1); at < area->end; at += word)
		if (!ka_error_drop(ka_read_ulong(k, at, &v)) && ka_unwind_is_return(k, v) && ka_cursor_from_slot(k, at, ret))
			return NULL;
	return ka_error_at(KA_NOT_FOUND, KA_SPACE_VIRT, from->sp, "no return address lies in the stack from 0x%" PRIx64 " on", from->sp);
}
