/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Stacks as Linux keeps them on aarch64: IRQ, overflow, SDEI, EFI; what cpu_switch_to() saves of a task; and where the
 * entry code leaves struct pt_regs.
 */
#include <elf.h>
#include "stacks.h"

#define OVERFLOW_STACK_SIZE 4096	/* SZ_4K since 872d8327ce89, v4.14 */

static void add_cpu_stacks(struct ka_kernel *k, unsigned cpu, struct ka_stacks *s)
{
	uint64_t size = ka_thread_size(k), at;
	struct ka_symbol top;

	/* a pointer since f60fe78f1332 (v4.14); from 132cd887b5c5 (v4.5) on the stack itself was per CPU */
	if (ka_percpu_ulong(k, "irq_stack_ptr", cpu, 0, &at) || !ka_error_drop(ka_percpu_addr(k, "irq_stack", cpu, &at)))
		ka_stacks_add(s, at, size, "IRQ");
	if (!ka_error_drop(ka_percpu_addr(k, "overflow_stack", cpu, &at)))
		ka_stacks_add(s, at, OVERFLOW_STACK_SIZE, "Overflow");
	/* f5df26961853, v4.14 */
	if (ka_percpu_ulong(k, "sdei_stack_normal_ptr", cpu, 0, &at))
		ka_stacks_add(s, at, size, "SDEI normal");
	if (ka_percpu_ulong(k, "sdei_stack_critical_ptr", cpu, 0, &at))
		ka_stacks_add(s, at, size, "SDEI critical");
	/* ff7a167961d1, v6.2: one for the machine */
	if (ka_symbol_lookup(k, "efi_rt_stack_top", &top) && !ka_error_drop(ka_read_ulong(k, top.addr, &at)) && at > size)
		ka_stacks_add(s, at - size, size, "EFI");
}

/* struct cpu_context in thread_struct: what a function must keep, by the procedure call standard. */
struct switched { uint64_t x19, x20, x21, x22, x23, x24, x25, x26, x27, x28, fp, sp, pc; };
KA_VIEW(switched, ("task_struct"),
	KA_MAYBE(switched, x19, "thread.cpu_context.x19"), KA_MAYBE(switched, x20, "thread.cpu_context.x20"),
	KA_MAYBE(switched, x21, "thread.cpu_context.x21"), KA_MAYBE(switched, x22, "thread.cpu_context.x22"),
	KA_MAYBE(switched, x23, "thread.cpu_context.x23"), KA_MAYBE(switched, x24, "thread.cpu_context.x24"),
	KA_MAYBE(switched, x25, "thread.cpu_context.x25"), KA_MAYBE(switched, x26, "thread.cpu_context.x26"),
	KA_MAYBE(switched, x27, "thread.cpu_context.x27"), KA_MAYBE(switched, x28, "thread.cpu_context.x28"),
	KA_MAYBE(switched, fp, "thread.cpu_context.fp"), KA_MAYBE(switched, sp, "thread.cpu_context.sp"),
	KA_MAYBE(switched, pc, "thread.cpu_context.pc"));

static bool start_sleeping(struct ka_kernel *k, const struct ka_task *t, struct ka_cursor *ret, const char **ret_note)
{
	struct switched v;
	const uint64_t *kept = &v.x19;
	struct ka_regs regs = { 0 };

	if (ka_error_drop(ka_view_read(k, &ka_view_switched, t->addr, &v)) || !KA_HAS(k, switched, pc)) {
		*ret_note = "(what cpu_switch_to saved of it cannot be read)";
		return false;
	}
	ka_cursor_from_regs(k, &regs, ret);
	for (unsigned i = 19; i <= 28; i++) {
		ret->regs.value[i] = kept[i - 19];
		ret->regs.known |= 1ull << i;
	}
	ret->ip = k->arch->strip_ip(&k->layout, v.pc);
	ret->sp = v.sp;
	ret->is_call = true;
	ka_cursor_set(k, ret, "x29", v.fp);
	ka_cursor_set(k, ret, "sp", v.sp);
	ka_cursor_set(k, ret, "pc", ret->ip);
	if (!ka_is_text(k, ret->ip)) {
		*ret_note = "(its saved program counter is no code)";
		return false;
	}
	/* gcc has the record lowest in the frame, clang below what it saves: a stack pointer above the record is wrong */
	if (v.sp & 15 || (v.fp && (v.sp > v.fp || v.fp - v.sp > 1024))) {
		ret->regs.known &= ~(1ull << k->arch->sp_reg);
		ret->sp = v.fp;
	}
	return true;
}

/* The code that the exception vectors lead to. */
static bool is_entry(struct ka_kernel *k, ka_addr ip)
{
	struct ka_symbol from, to;

	return ka_symbol_lookup(k, "__entry_text_start", &from) && ka_symbol_lookup(k, "__entry_text_end", &to) && ip >= from.addr &&
	       ip < to.addr;
}

#define META_PT_REGS 2		/* of struct frame_record_meta, c2c6b27b5aa1, v6.13; 1 is the final one */
enum { PT_SP = 31, PT_PC, PT_PSTATE };

/*
 * Entry code makes a frame record within struct pt_regs (73267498deec, v4.14): of an exception in the kernel it has what
 * was interrupted (since v6.13 zeros, and a type that says so), of one in user mode zeros, as those at the top of the
 * stacks of kernel threads. Before, the registers lay at the stack pointer.
 */
static bool entry_rules(struct ka_kernel *k, const struct ka_stacks *s, const struct ka_cursor *c, struct ka_frame_rules *ret)
{
	uint64_t record[3] = { 0 }, offset, fp, at, words[PT_PSTATE + 1];
	const struct ka_stack_area *area;
	bool is_meta;

	if (!(c->regs.known >> k->arch->fp_reg & 1))
		return false;
	fp = c->regs.value[k->arch->fp_reg];
	if (ka_error_drop(ka_type_offset(k, "pt_regs", "stackframe", &offset))) {
		if (!c->is_call || !is_entry(k, c->ip - 1) || !(c->regs.known >> k->arch->sp_reg & 1))
			return false;
		ret->cfa_reg = (uint16_t)k->arch->sp_reg;
		ret->is_pt_regs = true;
		return true;
	}
	at = fp - offset;
	area = ka_stacks_at(s, at);
	is_meta = ka_type_has(k, "pt_regs", "stackframe@frame_record_meta");
	if (!area || fp & 7 || ka_error_drop(ka_read(k, fp, record, is_meta ? 24 : 16)) || ka_error_drop(ka_read(k, at, words, sizeof(words))))
		return false;
	if (!record[0] && !record[1]) {
		if (!c->is_call && !is_entry(k, c->ip))
			return false;	/* a function that has not made its own yet */
		/* what a kernel thread or an idle task has there is no registers of user mode */
		ret->is_end = record[2] != META_PT_REGS && ((words[PT_PSTATE] & 0xf) || (!words[PT_PC] && !words[PT_SP]));
		if (ret->is_end)
			return true;
	} else if (!c->is_call || !is_entry(k, c->ip - 1) || record[0] != words[29] || record[1] != words[PT_PC]) {
		return false;
	}
	ret->cfa_reg = (uint16_t)k->arch->fp_reg;
	ret->cfa_offset = -(int64_t)offset;
	ret->is_pt_regs = true;
	return true;
}

static bool may_be_saved(const uint8_t *bytes)
{
	uint64_t words[2];

	memcpy(words, bytes + 8 * PT_PC, sizeof(words));
	return !(words[1] >> 34) && !(words[0] & 3);
}

/* PSTATE has one of the modes Linux runs in (EL0t, EL1t, EL1h, EL2h of VHE), not aarch32 in the kernel, and nothing above bit 33. */
static bool is_saved(struct ka_kernel *k, const struct ka_pt_regs *pt)
{
	uint64_t state = 0, lr = 0;

	for (unsigned i = 0; i < pt->count; i++) {
		if (!strcmp(pt->names[i], "PSTATE"))
			state = pt->value[i];
		else if (!strcmp(pt->names[i], "LR"))
			lr = pt->value[i];
	}
	if (state >> 34 || pt->ip & 3)
		return false;
	if (pt->is_user)	/* a page of zeros would do, too */
		return pt->ip && pt->sp && !(state & 0xf) && !ka_is_kernel_addr(k, pt->ip) && !ka_is_kernel_addr(k, pt->sp);
	return ((state & 0x1f) == 4 || (state & 0x1f) == 5 || (state & 0x1f) == 9) && ka_is_text(k, pt->ip) &&
	       ka_is_kernel_addr(k, pt->sp) && !(pt->sp & 15) && ka_is_text(k, k->arch->strip_ip(&k->layout, lr));
}

/* The instructions that a function may begin with before it touches anything: two for ftrace, as they are or patched, and landing pads. */
static bool is_entry_insn(uint32_t insn)
{
	return insn == 0xaa1e03e9 ||			/* mov x9, x30 */
	       insn >> 26 == 0x25 ||			/* bl ftrace_caller: back from there the link register is as before */
	       (insn & 0xfffff01f) == 0xd503201f ||	/* nop, bti, paciasp */
	       insn >> 16 == 0xd420;			/* brk: a probe */
}

/* When the call before ret is one of this very function; or when it has done nothing yet, of which gcc's CFI does not tell (-fpatchable-function-entry). */
static bool is_caller(struct ka_kernel *k, ka_addr ip, ka_addr function, ka_addr ret)
{
	uint32_t insn;
	ka_addr at;

	for (at = function; at < ip && at - function <= 12; at += 4)
		if (ka_error_drop(ka_read_u32(k, at, &insn)) || !is_entry_insn(insn))
			break;
	if (at == ip)
		return true;
	if (ka_error_drop(ka_read_u32(k, ret - 4, &insn)) || insn >> 26 != 0x25)
		return false;
	return ret - 4 + (uint64_t)(((int64_t)((uint64_t)insn << 38) >> 38) * 4) == function;
}

const struct ka_stack_ops ka_stacks_aarch64 = {
	.e_machine = EM_AARCH64,
	.add_cpu_stacks = add_cpu_stacks,
	.start_sleeping = start_sleeping,
	.may_be_saved = may_be_saved,
	.is_saved = is_saved,
	.entry_rules = entry_rules,
	.is_caller = is_caller,
	/* the one that boots the capture kernel, and those that wait for it: in the IPI's handler, under its names */
	.ends = { "machine_kexec", "ipi_cpu_crash_stop", "do_handle_IPI", "handle_IPI", "ipi_handler" },
};
