/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Deaths without an exception: who called panic(), or did what it complains of; and a stack canary that was written over. */
#include <ctype.h>
#include <inttypes.h>
#include <kanalyze/symbol.h>
#include <kanalyze/task.h>
#include <kanalyze/text.h>
#include <kanalyze/view.h>
#include "fault.h"
#include "local.h"

#define FRAMES_MAX 40

/* What lies between panic() and whose fault it is. */
static bool is_reporter(const char *name)
{
	static const char *const starts[] = {
		"panic", "vpanic", "__stack_chk_fail", "__schedule", "schedule", "preempt_schedule", "__cond_resched", "msleep", "usleep_range", "check_panic_on_warn",
		"dump_stack", "nmi_panic", "crash_kexec", "__crash_kexec", "machine_kexec", "oops_end", "die", "__die", "crash_setup_regs", "crash_save",
		"io_schedule", "__might_sleep", "__might_resched", "__might_fault", "mutex_lock", "__mutex_lock", "down_read", "down_write", "wait_for_completion",
		"do_exit", "make_task_dead", "rwsem_", "__wait_for_common", "do_wait_for_common", "machine_crash_shutdown", "bust_spinlocks",
	};

	for (size_t i = 0; i < KA_COUNT(starts); i++)
		if (!strncmp(name, starts[i], strlen(starts[i])))
			return true;
	return false;
}

/* The checks that kinds of deaths come from, and what calls them by rule. */
static bool is_check(const char *name)
{
	static const char *const starts[] = {
		"__list_", "list_", "refcount_", "__refcount", "usercopy_", "__check_object_size", "check_heap_object", "__check_heap", "check_object_size", "check_copy",
		"fortify_", "__fortify", "_copy_to_user", "_copy_from_user", "copy_to_user", "copy_from_user", "kasan_", "__kasan", "__asan_", "__ubsan_", "ubsan_",
		"kfence_", "__kfence", "check_slab_allocation", "kmem_cache_free", "kfree", "__slab_free", "slab_", "object_err", "free_debug_processing", "___cache_free", "check_region",
		"print_report", "print_address", "end_report", "__memcpy", "memcpy", "memset", "memmove", "__warn", "report_bug",
	};

	for (size_t i = 0; i < KA_COUNT(starts); i++)
		if (!strncmp(name, starts[i], strlen(starts[i])))
			return true;
	return false;
}

static bool find_caller(struct ka_kernel *k, const struct ka_stack *st, struct ka_fault *f, size_t *ret)
{
	bool is_behind = false;

	for (size_t i = 0; i < st->count && i < FRAMES_MAX; i++) {
		const struct ka_frame *frame = &st->frames[i];
		struct ka_symbol s;
		uint64_t offset;

		if (frame->is_guess || !ka_symbol_at(k, frame->ip - frame->is_call, &s, &offset))
			continue;
		if (is_reporter(s.name) || (f->kind != KA_FAULT_PANIC && is_check(s.name))) {
			is_behind = true;
			continue;
		}
		if (!is_behind)
			continue;
		f->function = s.name;
		f->module = s.module;
		f->offset = offset + frame->is_call;
		*ret = i;
		return true;
	}
	return false;
}

static void read_line(struct ka_kernel *k, struct ka_fault *f, const struct ka_frame *frame)
{
	struct ka_source chain[32];
	size_t n = ka_source_chain(k, frame->ip - frame->is_call, chain, KA_COUNT(chain));

	if (!n)
		return;
	f->file = chain[0].name ? chain[0].name : chain[0].file;
	f->line = chain[0].line;
	f->inlined = chain[0].is_inlined ? chain[0].function : NULL;
}

/* ---- the canary ---- */

struct fault_canary { uint64_t canary; };
KA_VIEW(fault_canary, ("task_struct"), KA_FROM(fault_canary, canary, "stack_canary"));

/* Is it what the function compares the canary with: this CPU's, or the task's? */
static bool is_guard(const struct ka_insn *i)
{
	for (unsigned m = 0; m < i->memory_count; m++)
		if (i->memory[m].segment == KA_SEGMENT_GS && i->memory[m].is_read)
			return true;
	return false;
}

/* Where the function keeps it: the load from the stack next to the one of the guard, in what leads to the call of __stack_chk_fail(). */
static bool find_slot(struct ka_kernel *k, struct ka_arena *a, const struct ka_frame *frame, ka_addr *ret)
{
	struct ka_fault_code *code = ka_alloc(a, sizeof(*code));
	int sp = 7, fp = 6;
	size_t at;

	if (!ka_fault_code_read(k, a, frame->ip - 1, code, &at) && !code->count)
		return false;
	/* the last comparison in the function that is with the guard: the first one is the store of the prologue */
	for (size_t n = code->count; n-- > 1;) {
		const struct ka_insn *load = &code->insns[n - 1];
		const struct ka_insn_memory *m = load->memory_count ? &load->memory[0] : NULL;
		uint64_t base;

		if (!is_guard(&code->insns[n]) || !m || !m->is_read || m->segment || m->index != KA_NO_REG || (m->base != sp && m->base != fp))
			continue;
		if (m->base == sp)
			base = frame->sp;
		else if (frame->state.known >> fp & 1)
			base = frame->state.value[fp];
		else
			continue;
		*ret = base + (uint64_t)m->disp;
		return true;
	}
	return false;
}

static const struct ka_insn_memory *load_of(const struct ka_insn *i)
{
	const struct ka_insn_memory *m = i->memory_count == 1 ? &i->memory[0] : NULL;

	return m && m->is_read && !m->is_write && m->index == KA_NO_REG ? m : NULL;
}

/*
 * aarch64: the guard is the task's, found through sp_el0 (0a1213fa7432, v5.0), or __stack_chk_guard. The two loads of the comparison lie
 * together, in either order; that of the prologue has a store beside it.
 */
static bool find_slot_aarch64(struct ka_kernel *k, struct ka_arena *a, const struct ka_stack *st, size_t i, ka_addr *ret)
{
	struct ka_fault_code *code = ka_alloc(a, sizeof(*code));
	const struct ka_frame *frame = &st->frames[i];
	struct ka_symbol guard = { 0 };
	uint64_t offset, sp;
	size_t at;

	if (!i || !ka_local_cfa(k, st, i - 1, &sp) || ka_error_drop(ka_type_offset(k, "task_struct", "stack_canary", &offset)) ||
	    (!ka_fault_code_read(k, a, frame->ip - 4, code, &at) && !code->count))
		return false;
	ka_symbol_lookup(k, "__stack_chk_guard", &guard);
	for (size_t n = code->count; n-- > 0;) {
		const struct ka_insn_memory *m = load_of(&code->insns[n]);

		if (!m || m->base == 31 || m->base == 29 || (m->has_addr ? !guard.addr || m->addr != guard.addr : (uint64_t)m->disp != offset && !guard.addr))
			continue;
		for (int beside = -1; beside <= 1; beside += 2) {
			const struct ka_insn_memory *slot = n + (size_t)beside < code->count ? load_of(&code->insns[n + (size_t)beside]) : NULL;

			if (!slot || slot->size != 8 || (slot->base != 31 && slot->base != 29))
				continue;
			if (slot->base == 29 && !(frame->state.known >> 29 & 1))
				return false;
			*ret = (slot->base == 31 ? sp : frame->state.value[29]) + (uint64_t)slot->disp;
			return true;
		}
	}
	return false;
}

static const char *quoted(struct ka_arena *a, uint64_t v)
{
	char text[9];
	unsigned n = 0;

	for (; n < 8 && isprint((int)(v >> n * 8 & 0xff)); n++)
		text[n] = (char)(v >> n * 8);
	text[n] = 0;
	return n > 3 ? ka_printf(a, " (\"%s\")", text) : "";
}

static void read_canary(struct ka_kernel *k, struct ka_arena *a, const struct ka_stack *st, size_t i, struct ka_fault *f)
{
	const char **notes = ka_alloc(a, 4 * sizeof(*notes));
	const struct ka_frame *frame = &st->frames[i];
	struct fault_canary task;
	bool is_aarch64 = ka_fault_is_aarch64(k);
	uint64_t value, back;
	ka_addr at, slot;
	size_t n = 0;

	if (!(is_aarch64 ? find_slot_aarch64(k, a, st, i, &at) : find_slot(k, a, frame, &at)) || ka_error_drop(ka_read_u64(k, at, &value)))
		return;
	f->has_addr = true;
	f->addr = at;
	f->addr_by = "canary";
	if (ka_error_drop(ka_view_read(k, &ka_view_fault_canary, f->task, &task)))
		task.canary = 0;
	notes[n++] = ka_printf(a, "the canary of %s is 0x%" PRIx64 "%s%s", f->function, value, quoted(a, value),
			       !task.canary ? "" : task.canary == value ? ", as it should be: it was good again when the dump was made" :
			       ka_printf(a, " and should be 0x%" PRIx64, task.canary));
	/* where the next frame's return address was found, or would be */
	slot = i + 1 < st->count ? st->frames[i + 1].ret_at : 0;
	/* a frame record lies below the variables of its function: the next that an overrun comes to is the caller's */
	if (is_aarch64)
		slot = i + 2 < st->count ? st->frames[i + 2].ret_at : 0;
	if (slot && slot > at && !ka_error_drop(ka_read_u64(k, slot, &back))) {
		struct ka_symbol s;
		uint64_t offset;
		bool is_good = ka_symbol_at(k, ka_strip_return(k, back) - 1, &s, &offset);

		const char *whose = is_aarch64 ? "caller's return address" : "return address";

		notes[n++] = is_good ? ka_printf(a, "the %s, 0x%" PRIx64 " bytes above it, is good: %s+%" PRIu64, whose, slot - at, s.name, offset + 1) :
			     ka_printf(a, "the %s, 0x%" PRIx64 " bytes above it, is overwritten, too: 0x%" PRIx64 "%s", whose, slot - at, back, quoted(a, back));
	}
	f->place.kind = "stack";
	f->place.what = ka_printf(a, "the canary of %s", f->function);
	f->place.notes = notes;
}

/* ---- an access that KASAN was asked about before it was made: "lea 0x18(%rbx),%rdi; call __asan_load8" ---- */

static void read_checked(struct ka_kernel *k, struct ka_arena *a, const struct ka_stack *st, size_t i, struct ka_fault *f)
{
	struct ka_fault_trace t = { .k = k, .a = a, .is_aarch64 = ka_fault_is_aarch64(k), .stack = st };
	struct ka_fault_code *code = ka_alloc(a, sizeof(*code));
	int reg = t.is_aarch64 ? 0 : 5;
	const struct ka_origin *o;
	struct ka_fault_target target;
	struct ka_symbol s;
	uint64_t offset;
	size_t at;

	if (!ka_fault_code_read(k, a, st->frames[i].ip - 1, code, &at) && !code->count)
		return;
	for (at = code->count; at && code->insns[at - 1].addr + code->insns[at - 1].size > st->frames[i].ip; at--)
		;
	if (!at || code->insns[at - 1].kind != KA_INSN_CALL || !code->insns[at - 1].has_target || !ka_symbol_at(k, code->insns[at - 1].target, &s, &offset) ||
	    (strncmp(s.name, "__asan_", 7) && strncmp(s.name, "__hwasan_", 9) && strncmp(s.name, "__kasan_check_", 14)))
		return;
	o = ka_fault_origin(&t, code, at - 1, reg, i);
	f->chain = ka_fault_chain(&t, reg, o);
	bool is_sum = o->kind == KA_ORIGIN_ADDRESS && o->base && !o->is_indexed;

	if (!ka_fault_target(&t, is_sum ? o->base : o, is_sum ? o->disp : 0, f->size, &target))
		return;
	f->base = is_sum ? o->base->expression : o->expression;
	f->expression = target.expression;
	f->type = target.type;
	f->member = target.member && target.member[0] ? target.member : NULL;
	f->member_offset = target.offset;
	if (f->has_addr)
		f->reg_value = f->addr - (is_sum ? (uint64_t)o->disp : 0);
}

/* "Attempted to kill init! exitcode=0x00000700" */
static void read_exit(struct ka_arena *a, struct ka_fault *f)
{
	const char *at = f->message ? strstr(f->message, "exitcode=") : NULL;
	unsigned long code = at ? strtoul(at + 9, NULL, 16) : 0;

	if (at)
		f->reason = code & 0x7f ? ka_printf(a, "signal %lu killed it", code & 0x7f) : ka_printf(a, "it left by exit(%lu)", code >> 8 & 0xff);
}

static void blame(struct ka_kernel *k, const struct ka_stack *st, struct ka_fault *f)
{
	struct ka_source chain[32];
	bool is_behind = false;

	if (!f->has_frame || (f->kind != KA_FAULT_LIST && f->kind != KA_FAULT_REFCOUNT && f->kind != KA_FAULT_USERCOPY && f->kind != KA_FAULT_FORTIFY &&
			      f->kind != KA_FAULT_SLAB && f->kind != KA_FAULT_KASAN && f->kind != KA_FAULT_UBSAN && f->kind != KA_FAULT_BUG))
		return;
	for (size_t i = f->frame + 1; i < st->count && i < f->frame + FRAMES_MAX; i++) {
		const struct ka_frame *frame = &st->frames[i];
		struct ka_symbol s;
		uint64_t offset;
		size_t n;

		if (frame->is_guess || !ka_symbol_at(k, frame->ip - frame->is_call, &s, &offset))
			continue;
		if (is_check(s.name)) {
			is_behind = true;
			continue;
		}
		/* the check may have been compiled into who called it */
		if (!is_behind)
			return;
		ka_fault_module(k, frame->ip);
		f->blamed = s.name;
		f->blamed_module = s.module;
		f->blamed_offset = offset + frame->is_call;
		n = ka_source_chain(k, frame->ip - frame->is_call, chain, KA_COUNT(chain));
		for (size_t c = 0; c < n; c++)
			if (!chain[c].is_inlined || !chain[c].function || !is_check(chain[c].function)) {
				f->blamed_file = chain[c].name ? chain[c].name : chain[c].file;
				f->blamed_line = chain[c].line;
				break;
			}
		return;
	}
}

void ka_fault_caller(struct ka_kernel *k, struct ka_arena *a, const struct ka_stack *st, struct ka_fault *f)
{
	size_t i;

	if (f->kind == KA_FAULT_INIT_DIED)
		read_exit(a, f);
	blame(k, st, f);
	if (f->has_frame || (f->kind != KA_FAULT_PANIC && f->kind != KA_FAULT_STACK_PROTECTOR && f->kind != KA_FAULT_STACK_END && f->kind != KA_FAULT_ATOMIC &&
			     f->kind != KA_FAULT_KASAN && f->kind != KA_FAULT_UBSAN && f->kind != KA_FAULT_KFENCE && f->kind != KA_FAULT_SLAB))
		return;
	if (!find_caller(k, st, f, &i))
		return;
	ka_fault_module(k, st->frames[i].ip);
	read_line(k, f, &st->frames[i]);
	f->ip = st->frames[i].ip;
	if (f->kind == KA_FAULT_KASAN)
		read_checked(k, a, st, i, f);
	if (f->kind == KA_FAULT_STACK_PROTECTOR)
		read_canary(k, a, st, i, f);
}
