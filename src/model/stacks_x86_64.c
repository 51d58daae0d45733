/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Stacks as Linux keeps them on x86_64: IRQ, exceptions, entry; and what the scheduler leaves on that of a sleeping task. */
#include <elf.h>
#include "stacks.h"

/*
 * hardirq_stack_ptr points to the top (758a2e312228, v5.2), eight bytes below it since 951c2a51ae75 (v5.13);
 * it lay in pcpu_hot from d7b6d709a76a (v6.2) to 6.14. Before 5.2 irq_stack_union held the stack itself.
 */
static void add_irq_stack(struct ka_kernel *k, unsigned cpu, struct ka_stacks *s)
{
	uint64_t size, top, offset;
	ka_addr at;

	if (ka_error_drop(ka_type_size(k, "irq_stack", &size)))
		size = 16384;
	if (ka_percpu_ulong(k, "hardirq_stack_ptr", cpu, 0, &top) ||
	    (!ka_error_drop(ka_type_offset(k, "pcpu_hot", "hardirq_stack_ptr", &offset)) &&
	     ka_percpu_ulong(k, "pcpu_hot", cpu, offset, &top)))
		ka_stacks_add(s, ((top + 15) & ~15ull) - size, size, "IRQ");
	else if (!ka_error_drop(ka_percpu_addr(k, "irq_stack_union", cpu, &at)))
		ka_stacks_add(s, at, size, "IRQ");
}

/* The IST stacks, mapped into cpu_entry_area since 7623f37e4111 (v5.2); VC since 02772fb9b68e (v5.10). */
static bool add_entry_area(struct ka_kernel *k, unsigned cpu, struct ka_stacks *s)
{
	static const struct { const char *member, *name; } stacks[] = {
		{ "DF_stack", "DOUBLEFAULT exception" }, { "NMI_stack", "NMI exception" }, { "DB_stack", "DEBUG exception" },
		{ "DB1_stack", "DEBUG exception" }, { "MCE_stack", "MCE exception" }, { "VC_stack", "VC exception" },
		{ "VC2_stack", "VC2 exception" },
	};
	uint64_t base, offset;
	struct ka_member m;

	if (!ka_percpu_ulong(k, "cea_exception_stacks", cpu, 0, &base) || !base)
		return false;
	for (size_t i = 0; i < KA_COUNT(stacks); i++)
		if (!ka_error_drop(ka_type_member(k, "cea_exception_stacks", stacks[i].member, &m)))
			ka_stacks_add(s, base + m.offset, m.size, stacks[i].name);
	if (!ka_error_drop(ka_type_offset(k, "cpu_entry_area", "estacks", &offset)) &&
	    !ka_error_drop(ka_type_member(k, "cpu_entry_area", "entry_stack_page", &m)))
		ka_stacks_add(s, base - offset + m.offset, m.size, "ENTRY");
	return true;
}

/*
 * Before: the tops of the IST stacks in orig_ist, one page each but the debug stack. There were five with STACKFAULT
 * the first until 6f442be2fb22 (v3.18), four since; slots without a stack are 0.
 */
static void add_orig_ist(struct ka_kernel *k, unsigned cpu, struct ka_stacks *s)
{
	static const char *const names[] = { "STACKFAULT exception", "DOUBLEFAULT exception", "NMI exception", "DEBUG exception", "MCE exception" };
	uint64_t top, fifth = 0;
	unsigned first = ka_percpu_ulong(k, "orig_ist", cpu, 8 * 4, &fifth) && fifth ? 0 : 1;

	for (unsigned i = first; i < KA_COUNT(names); i++) {
		uint64_t size = strncmp(names[i], "DEBUG", 5) ? 4096 : 8192;

		if (ka_percpu_ulong(k, "orig_ist", cpu, 8 * (i - first), &top) && top > size)
			ka_stacks_add(s, top - size, size, names[i]);
	}
}

/*
 * The stack on which entries from user mode begin, in cpu_entry_area since ef8813ab2801 (v4.15): then at a fixed place, one area a CPU behind
 * a page with the IDT. (Since v6.2 that place is drawn by lot; since v5.2 a variable leads there.)
 */
static void add_entry_stack(struct ka_kernel *k, unsigned cpu, struct ka_stacks *s)
{
	static const char *const members[] = { "entry_stack_page", "SYSENTER_stack_page", "SYSENTER_stack" };
	uint64_t size;
	struct ka_member m;

	if (ka_error_drop(ka_type_size(k, "cpu_entry_area", &size)) || !size || size > 1 << 20)
		return;
	for (size_t i = 0; i < KA_COUNT(members); i++) {
		if (ka_error_drop(ka_type_member(k, "cpu_entry_area", members[i], &m)))
			continue;
		ka_stacks_add(s, 0xfffffe0000001000ull + cpu * size + m.offset, m.size, "ENTRY");
		return;
	}
}

static void add_cpu_stacks(struct ka_kernel *k, unsigned cpu, struct ka_stacks *s)
{
	add_irq_stack(k, cpu, s);
	if (add_entry_area(k, cpu, s))
		return;
	add_orig_ist(k, cpu, s);
	add_entry_stack(k, cpu, s);
}

/* Saved by __switch_to_asm (7b32aeadbc95, v4.9). */
struct inactive_frame { uint64_t bp, bx, r12, r13, r14, r15; ka_addr ret_at; };
KA_VIEW(inactive_frame, ("inactive_task_frame"),
	KA_MAYBE(inactive_frame, bp, "bp"),
	KA_MAYBE(inactive_frame, bx, "bx"),
	KA_MAYBE(inactive_frame, r12, "r12"),
	KA_MAYBE(inactive_frame, r13, "r13"),
	KA_MAYBE(inactive_frame, r14, "r14"),
	KA_MAYBE(inactive_frame, r15, "r15"),
	KA_AT(inactive_frame, ret_at, "ret_addr"));

#define SCHEDULE_MAX	0x8000

/* Where the macro switch_to() of before v4.9 goes on, and what it pushed before it kept the stack pointer. */
struct switch_site {
	ka_addr ip;		/* 0: not found */
	uint64_t pushed;
};

/*
 * switch_to() pushes (flags until v4.6 and) rbp, keeps the stack pointer of the one task, takes that of the other, and calls
 * __switch_to(): the return address of that call lies on the stack of the one that goes on, never on that of a sleeping one. So it
 * is looked for in the code: "pushf; push %rbp; mov %rsi,%rbp; ...; call __switch_to" in the function that it was inlined into.
 */
static bool site_in(struct ka_kernel *k, const char *function, ka_addr callee, struct switch_site *ret)
{
	static const uint8_t saves[] = { 0x55, 0x48, 0x89, 0xf5 };
	struct ka_symbol f;
	uint8_t *code, *save;
	size_t got;

	if (!ka_symbol_lookup(k, function, &f) || !f.size)
		return false;
	code = ka_xalloc(SCHEDULE_MAX);
	got = ka_read_some(k, f.addr, code, KA_MIN(f.size, (uint64_t)SCHEDULE_MAX), NULL);
	for (size_t i = 0; i + 5 <= got; i++) {
		size_t from = i > 64 ? i - 64 : 0;

		if (code[i] != 0xe8 || f.addr + i + 5 + (uint64_t)(int64_t)(int32_t)ka_uint_from(k, code + i + 1, 4) != callee)
			continue;
		save = memmem(code + from, i - from, saves, sizeof(saves));
		ret->ip = f.addr + i + 5;
		ret->pushed = save && save > code && save[-1] != 0x9c ? 8 : 16;
		break;
	}
	free(code);
	return ret->ip;
}

static void *site_make(struct ka_kernel *k)
{
	static const char *const functions[] = { "__schedule", "schedule", "context_switch" };
	struct switch_site *site = ka_xalloc(sizeof(*site));
	struct ka_symbol s;

	*site = (struct switch_site){ 0 };
	if (!ka_symbol_lookup(k, "__switch_to", &s))
		return site;
	for (size_t i = 0; i < KA_COUNT(functions) && !site_in(k, functions[i], s.addr, site); i++)
		;
	return site;
}

static bool start_before_49(struct ka_kernel *k, const struct ka_task *t, struct ka_cursor *ret, const char **ret_note)
{
	static const char key;
	const struct switch_site *site = ka_kernel_state(k, &key, site_make, free);
	uint64_t end = t->stack + ka_thread_size(k), regs_size = 0, bp;
	struct ka_regs none = { 0 };
	struct ka_symbol fork;

	ka_cursor_from_regs(k, &none, ret);
	ret->ret_at = t->thread_sp;
	ret->by = KA_BY_START;
	/* never ran: it will go on in ret_from_fork, with its registers at the end of its stack */
	if (!ka_error_drop(ka_type_size(k, "pt_regs", &regs_size)) && t->thread_sp + regs_size <= end &&
	    t->thread_sp + regs_size + 16 >= end && ka_symbol_lookup(k, "ret_from_fork", &fork)) {
		ret->sp = t->thread_sp;
		ka_cursor_set(k, ret, "rsp", ret->sp);
		ka_cursor_set_ip(k, ret, fork.addr);
		return true;
	}
	if (!site->ip || ka_error_drop(ka_read_ulong(k, t->thread_sp, &bp))) {
		*ret_note = "(its saved stack pointer leads to no frame)";
		return false;
	}
	ret->sp = t->thread_sp + site->pushed;
	ka_cursor_set(k, ret, "rsp", ret->sp);
	ka_cursor_set(k, ret, "rbp", bp);
	ka_cursor_set_ip(k, ret, site->ip);
	ret->is_call = true;
	return true;
}

static bool start_sleeping(struct ka_kernel *k, const struct ka_task *t, struct ka_cursor *ret, const char **ret_note)
{
	struct inactive_frame f;

	if (!ka_error_drop(ka_view_read(k, &ka_view_inactive_frame, t->thread_sp, &f))) {
		if (!ka_cursor_from_slot(k, f.ret_at, ret))
			return false;
		ka_cursor_set(k, ret, "rbp", f.bp);
		ka_cursor_set(k, ret, "rbx", f.bx);
		ka_cursor_set(k, ret, "r12", f.r12);
		ka_cursor_set(k, ret, "r13", f.r13);
		ka_cursor_set(k, ret, "r14", f.r14);
		ka_cursor_set(k, ret, "r15", f.r15);
		return true;
	}
	return start_before_49(k, t, ret, ret_note);
}

static uint64_t saved_value(const struct ka_pt_regs *pt, const char *name)
{
	for (unsigned i = 0; i < pt->count; i++)
		if (!strcmp(pt->names[i], name))
			return pt->value[i];
	return 0;
}

#define CS_AT 136
#define FLAGS_BAD 0xffffffffffc08028ull		/* reserved bits, and those above ID */

static bool may_be_saved(const uint8_t *bytes)
{
	uint64_t words[2];

	memcpy(words, bytes + CS_AT, sizeof(words));
	return (words[0] == 0x10 || words[0] == 0x33 || words[0] == 0x23) && !(words[1] & FLAGS_BAD) && words[1] & 2;
}

/* Selectors and flags as Linux has them. An NMI leaves SS 0 in kernel mode; flags: reserved bits (bit 1 is always set), and those above ID. */
static bool is_saved(struct ka_kernel *k, const struct ka_pt_regs *pt)
{
	uint64_t cs = saved_value(pt, "CS"), ss = saved_value(pt, "SS"), flags = saved_value(pt, "RFLAGS");

	if ((flags & FLAGS_BAD) || !(flags & 2))
		return false;
	if (cs == 0x10)
		return (ss == 0x18 || ss == 0 || ss == 0x10) && ka_is_kernel_addr(k, pt->sp) && ka_is_text(k, pt->ip);
	return (cs == 0x33 || cs == 0x23) && ss == 0x2b && pt->ip && pt->sp && pt->ip >> 63 == 0 && pt->sp >> 63 == 0;
}

const struct ka_stack_ops ka_stacks_x86_64 = {
	.e_machine = EM_X86_64,
	.add_cpu_stacks = add_cpu_stacks,
	.start_sleeping = start_sleeping,
	.made_rules = ka_made_rules_x86_64,
	.may_be_saved = may_be_saved,
	.is_saved = is_saved,
	/*
	 * The one that boots the capture kernel, and those that wait for it. objtool takes machine_kexec() for one that never
	 * returns, and ORC ends at its call: without CFI the caller's is the next best.
	 */
	.ends = { "machine_kexec", "crash_nmi_callback", "machine_crash_shutdown", "crash_kexec" },
};
