/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Why the machine died: what the log says of it, what the processor left in the exception's frame and in the task, what the
 * instruction there does, and what it did it to. Each of them may lack.
 */
#include <inttypes.h>
#include <kanalyze/module.h>
#include <kanalyze/printk.h>
#include <kanalyze/task.h>
#include <kanalyze/text.h>
#include <kanalyze/translate.h>
#include "fault.h"
#include "kernel.h"

/* What the exception's handler noted in the task before it gave up. */
struct fault_thread {
	uint64_t cr2, trap, error_code, esr, far;
};
KA_VIEW(fault_thread, ("thread_struct"),
	KA_MAYBE(fault_thread, cr2, "cr2"),
	KA_MAYBE(fault_thread, trap, "trap_nr", "trap_no"),
	KA_MAYBE(fault_thread, error_code, "error_code"),
	KA_MAYBE(fault_thread, esr, "fault_code"),
	KA_MAYBE(fault_thread, far, "fault_address"));

struct explain {
	struct ka_kernel *k;
	struct ka_arena *a;
	struct ka_fault *f;
	struct ka_fault_report report;
	const struct ka_stack *stack;
	struct ka_stack own;
	struct ka_fault_trace trace;
	bool is_aarch64, has_log;
};

static void read_log(struct explain *e)
{
	struct ka_log_record *records = NULL;
	struct { KA_VEC(const char *); } lines = { 0 };
	size_t count = 0;

	/* what can be read of it will do */
	ka_error_drop(ka_log_records(e->k, e->a, &records, &count));
	for (size_t i = 0; i < count; i++) {
		const char *p = records[i].text, *end = p + records[i].text_size;

		while (p < end) {
			const char *nl = memchr(p, '\n', (size_t)(end - p));

			ka_vec_push(&lines, ka_strndup(e->a, p, (size_t)((nl ? nl : end) - p)));
			p = nl ? nl + 1 : end;
		}
	}
	e->has_log = lines.n > 0;
	ka_fault_log(e->a, lines.at, lines.n, &e->report);
	ka_vec_free(&lines);
}

/* Kinds whose report has registers of its own; the others interrupted whatever ran. */
static bool has_exception(enum ka_fault_kind kind)
{
	switch (kind) {
	case KA_FAULT_HUNG_TASK: case KA_FAULT_OOM: case KA_FAULT_SYSRQ: case KA_FAULT_INIT_DIED: case KA_FAULT_NO_ROOT: case KA_FAULT_STACK_PROTECTOR:
	case KA_FAULT_STACK_END: case KA_FAULT_PANIC: case KA_FAULT_ATOMIC: case KA_FAULT_KFENCE: case KA_FAULT_KCSAN:
		return false;
	default:
		return true;
	}
}

static bool is_interrupt(enum ka_fault_kind kind)
{
	return kind == KA_FAULT_SOFT_LOCKUP || kind == KA_FAULT_HARD_LOCKUP || kind == KA_FAULT_RCU_STALL || kind == KA_FAULT_NMI || kind == KA_FAULT_MCE ||
	       kind == KA_FAULT_SERROR;
}

static const char *function_at(struct ka_kernel *k, const struct ka_frame *f)
{
	struct ka_symbol s;
	uint64_t offset;

	return ka_symbol_at(k, f->ip - f->is_call, &s, &offset) ? s.name : NULL;
}

/* "lab_null.isra.0+0x5/0x10 [lab]" as the report has it. */
static bool is_place(struct ka_kernel *k, ka_addr ip, const char *place)
{
	struct ka_symbol s;
	uint64_t offset;
	struct ka_str str = { 0 };
	bool is_same;

	if (!ka_symbol_at(k, ip, &s, &offset))
		return !strncmp(place, "0x", 2) && strtoull(place, NULL, 16) == ip;
	ka_str_printf(&str, "%s+0x%" PRIx64 "/", s.name, offset);
	is_same = !strncmp(place, str.p, str.len);
	ka_str_free(&str);
	return is_same;
}

/* The frame of the stack whose registers are those of the fault. */
static void find_frame(struct explain *e)
{
	const struct ka_stack *st = e->stack;
	enum ka_fault_kind entry = KA_FAULT_NONE;
	size_t best = SIZE_MAX;
	unsigned rank = 0;

	if (e->f->kind != KA_FAULT_NONE && !has_exception(e->f->kind))
		return;
	for (size_t i = 0; i < st->count; i++) {
		const struct ka_frame *f = &st->frames[i];
		enum ka_fault_kind kind;
		unsigned r = 0;

		if (!f->regs || f->regs->is_user)
			continue;
		kind = ka_fault_of_entry(function_at(e->k, f));
		if (e->report.place && is_place(e->k, f->regs->ip, e->report.place))
			r = 4;
		else if (kind != KA_FAULT_NONE && kind != KA_FAULT_NMI && kind != KA_FAULT_MCE && !is_interrupt(e->f->kind))
			r = 3;
		else if (is_interrupt(e->f->kind))
			r = 2;
		/* aarch64's overflow stack has no entry of a name */
		else if (e->f->kind == KA_FAULT_STACK_GUARD || e->f->kind == KA_FAULT_DOUBLE)
			r = 1;
		if (r > rank) {
			rank = r;
			best = i;
			entry = kind;
		}
	}
	if (best == SIZE_MAX)
		return;
	e->f->has_frame = true;
	e->f->frame = best;
	e->f->regs = *st->frames[best].regs;
	e->f->ip = e->f->regs.ip;
	if (e->f->kind == KA_FAULT_NONE || e->f->kind == KA_FAULT_OOPS)
		e->f->kind = entry != KA_FAULT_NONE ? entry : KA_FAULT_OOPS;
}

static bool is_access(enum ka_fault_kind kind)
{
	return kind >= KA_FAULT_NULL && kind <= KA_FAULT_BUS;
}

/* Address, access and reason from the numbers of the log, else of the task. */
static void read_processor(struct explain *e)
{
	struct ka_fault *f = e->f;
	struct ka_fault_cause cause = { 0 };
	struct fault_thread thread = { 0 };
	struct ka_task t;

	if (!f->has_frame)
		return;
	if (f->task && !ka_error_drop(ka_task_read(e->k, f->task, &t)))
		ka_error_drop(ka_view_read(e->k, &ka_view_fault_thread, t.thread_at, &thread));
	if (e->report.has_addr) {
		f->has_addr = true;
		f->addr = e->report.addr;
		f->addr_by = e->report.addr_by;
	} else if (f->kind == KA_FAULT_PAGING || f->kind == KA_FAULT_NULL || f->kind == KA_FAULT_EXEC) {
		/* trap 14: of other exceptions it is stale */
		if (thread.trap == 14 && !e->is_aarch64) {
			f->has_addr = true;
			f->addr = thread.cr2;
			f->addr_by = "CR2";
		} else if (e->is_aarch64 && thread.esr) {
			f->has_addr = true;
			f->addr = thread.far;
			f->addr_by = "FAR";
		}
	}
	if (e->is_aarch64 && (e->report.has_esr || thread.esr))
		ka_fault_esr(e->a, e->report.has_esr ? e->report.esr : thread.esr, &cause);
	else if (!e->is_aarch64 && (f->kind == KA_FAULT_PAGING || f->kind == KA_FAULT_NULL || f->kind == KA_FAULT_EXEC) &&
		 (e->report.has_error_code || thread.trap == 14)) {
		uint64_t code = e->report.has_error_code ? e->report.error_code : thread.error_code;
		const char *refusal = f->has_addr ? ka_fault_x86_refusal(code, !ka_is_kernel_addr(e->k, f->addr)) : NULL;

		ka_fault_x86_error(code, &cause);
		if (refusal)
			cause.text = refusal;
	}
	if (is_interrupt(f->kind))
		return;
	if (cause.has_access)
		f->access = cause.access;
	if (cause.text && !f->reason)
		f->reason = cause.text;
	if (f->kind == KA_FAULT_OOPS || (cause.kind == KA_FAULT_EXEC && is_access(f->kind)) ||
	    (f->kind == KA_FAULT_PAGING && cause.kind != KA_FAULT_NONE && is_access(cause.kind)))
		f->kind = cause.kind != KA_FAULT_NONE ? cause.kind : f->kind;
}

/* The trap of BUG(), WARN() and the sanitizers. */
static void read_trap(struct explain *e)
{
	struct ka_fault *f = e->f;
	enum ka_fault_kind kind;
	struct ka_bug_entry bug;
	const char *text;

	if (!f->has_frame || is_access(f->kind) || is_interrupt(f->kind))
		return;
	kind = f->has_insn ? ka_fault_of_trap(e->a, e->is_aarch64, f->insn.bytes, f->insn.size, &text) : KA_FAULT_NONE;
	if (kind != KA_FAULT_NONE && (f->kind == KA_FAULT_INVALID_OPCODE || f->kind == KA_FAULT_OOPS || f->kind == KA_FAULT_DEBUG || f->kind == kind)) {
		f->kind = kind;
		if (text && (!f->reason || !strncmp(f->reason, "Oops", 4)))
			f->reason = text;
	}
	if (f->kind != KA_FAULT_DIVIDE && f->kind != KA_FAULT_GPF && ka_fault_bug(e->k, f->ip, &bug)) {
		if (f->kind == KA_FAULT_INVALID_OPCODE || f->kind == KA_FAULT_OOPS || f->kind == KA_FAULT_DEBUG)
			f->kind = bug.is_warning ? KA_FAULT_WARN : KA_FAULT_BUG;
		if (bug.file_name[0]) {
			f->file = ka_strdup(e->a, bug.file_name);
			f->line = bug.line;
		}
		if (bug.format[0] && !f->reason)
			f->reason = ka_strdup(e->a, bug.format);
	} else if (e->report.bug_file && (f->kind == KA_FAULT_BUG || f->kind == KA_FAULT_WARN) && !f->file) {
		f->file = e->report.bug_file;
		f->line = e->report.bug_line;
	}
}

/* A jump to nowhere: who jumped, and through what. */
static void read_jump(struct explain *e, const struct ka_regs *regs)
{
	struct ka_fault *f = e->f;
	struct ka_fault_code *code = ka_alloc(e->a, sizeof(*code));
	const struct ka_insn_operand *op;
	const struct ka_insn *call;
	size_t at, frame = f->frame + 1;
	uint64_t top = 0;

	f->has_addr = true;
	if (!f->addr_by)
		f->addr_by = "operands";
	f->addr = f->ip;
	f->access = KA_ACCESS_EXEC;
	/* the frame behind the one that has no code */
	while (frame < e->stack->count && (e->stack->frames[frame].is_interrupted || e->stack->frames[frame].ip == f->ip))
		frame++;
	if (frame < e->stack->count && e->stack->frames[frame].is_call)
		f->caller = e->stack->frames[frame].ip;
	else if (!e->is_aarch64 && !ka_error_drop(ka_read_ulong(e->k, f->regs.sp, &top)) && ka_is_text(e->k, top))
		f->caller = top;
	if (!f->caller)
		return;
	if (!ka_fault_code_read(e->k, e->a, f->caller - 1, code, &at) && !code->count)
		return;
	for (at = code->count; at && code->insns[at - 1].addr + code->insns[at - 1].size > f->caller; at--)
		;
	call = at ? &code->insns[at - 1] : NULL;
	if (!call || call->kind != KA_INSN_CALL)
		return;
	f->function = code->symbol.name;
	f->module = code->symbol.module;
	f->offset = call->addr - code->symbol.addr;
	f->insn = *call;
	f->has_insn = true;
	op = call->operand_count ? &call->operands[0] : NULL;
	if (op && op->kind == KA_OPERAND_MEMORY && op->memory < call->memory_count && call->memory[op->memory].base >= 0 &&
	    call->memory[op->memory].index == KA_NO_REG) {
		const struct ka_insn_memory *m = &call->memory[op->memory];
		const struct ka_origin *o = ka_fault_origin(&e->trace, code, at - 1, m->base, frame);
		struct ka_fault_target target;

		f->reg = m->base;
		f->reg_name = ka_fault_reg_name(e->is_aarch64, f->reg);
		f->chain = ka_fault_chain(&e->trace, m->base, o);
		if (ka_fault_target(&e->trace, o, m->disp, 8, &target)) {
			f->expression = target.expression;
			f->type = target.type;
			f->member = target.member;
			f->member_offset = target.offset;
		}
	} else {
		int reg = op && op->kind == KA_OPERAND_REG ? op->reg : KA_NO_REG;
		struct ka_symbol s;
		uint64_t offset;

		/* call __x86_indirect_thunk_rax */
		if (call->has_target && ka_symbol_at(e->k, call->target, &s, &offset)) {
			const char *name = strstr(s.name, "_thunk_r");

			for (int i = 0; name && i < 16; i++)
				if (!strcasecmp(ka_fault_reg_name(false, i), name + 7))
					reg = i;
			/* the table's own name stands for its first entry */
			if (!strcmp(s.name, "__x86_indirect_thunk_array"))
				reg = (int)(offset / 32) == 0 ? 0 : reg;
		}
		if (reg == KA_NO_REG)
			return;
		const struct ka_origin *o = ka_fault_origin(&e->trace, code, at - 1, reg, frame);

		f->reg = reg;
		f->reg_name = ka_fault_reg_name(e->is_aarch64, reg);
		f->chain = ka_fault_chain(&e->trace, reg, o);
		f->expression = o->expression;
		f->reg_value = regs->known >> reg & 1 ? regs->value[reg] : f->addr;
		ka_fault_holder(&e->trace, f, code, at - 1, o, regs);
		if (o->kind == KA_ORIGIN_LOAD && o->base) {
			struct ka_fault_target target;

			if (ka_fault_target(&e->trace, o->base, o->disp, 8, &target)) {
				f->type = target.type;
				f->member = target.member;
				f->member_offset = target.offset;
			}
		}
	}
}

void ka_fault_module(struct ka_kernel *k, ka_addr ip)
{
	const struct ka_module *m = ka_module_at(k, ip);

	if (m && !m->object)
		ka_error_drop(ka_module_load(k, m, NULL, NULL));
}

static void read_instruction(struct explain *e)
{
	struct ka_fault *f = e->f;
	struct ka_regs regs = { 0 };

	if (!f->has_frame)
		return;
	/* names of types and lines of a module are in its own file; looked for once */
	ka_fault_module(e->k, f->ip);
	for (unsigned i = 0; i < f->regs.count; i++)
		for (int r = 0; r < KA_REGS_MAX; r++) {
			const char *name = ka_fault_reg_name(e->is_aarch64, r);

			if (name && !strcmp(name, f->regs.names[i])) {
				regs.value[r] = f->regs.value[i];
				regs.known |= 1ull << r;
			}
		}
	/* memory of code that was freed is filled with int3 (execmem, v6.13), behind which the instruction pointer then is */
	bool is_trap = f->kind == KA_FAULT_DEBUG || f->kind == KA_FAULT_INVALID_OPCODE;

	if (f->kind == KA_FAULT_EXEC || ((is_access(f->kind) || is_trap) && !ka_is_text(e->k, f->ip))) {
		bool is_behind = f->kind == KA_FAULT_DEBUG && !e->is_aarch64;

		f->kind = KA_FAULT_EXEC;
		f->reg = KA_NO_REG;
		read_jump(e, &regs);
		f->addr -= is_behind;
		return;
	}
	ka_fault_decode(&e->trace, f, &regs, f->frame + 1);
	/* of a loop that was interrupted its own line tells more than that of the cpu_relax() in it */
	if (is_interrupt(f->kind) && f->inlined) {
		struct ka_source chain[32];
		size_t n = ka_source_chain(e->k, f->ip, chain, KA_COUNT(chain));

		if (n && n <= KA_COUNT(chain) && chain[n - 1].line) {
			f->file = chain[n - 1].name ? chain[n - 1].name : chain[n - 1].file;
			f->line = chain[n - 1].line;
			f->inlined = NULL;
		}
	}
	if ((f->kind == KA_FAULT_CFI || is_trap || is_access(f->kind)) && ka_fault_cfi(&e->trace, f, &regs, f->frame + 1))
		return;
	if (!is_access(f->kind) && f->kind != KA_FAULT_KASAN && f->kind != KA_FAULT_KFENCE) {
		/* what a trap or an interrupted instruction would have touched is of no interest */
		f->has_addr = f->has_operand = false;
		f->addr_by = NULL;
		f->expression = f->type = f->member = NULL;
		f->holder = 0;
		if (f->kind != KA_FAULT_DIVIDE) {
			f->base = f->reg_name = NULL;
			f->reg = KA_NO_REG;
			f->chain = NULL;
			f->access = KA_ACCESS_UNKNOWN;
			f->size = 0;
		}
	}
}

/* A stack that overflowed: who filled it. */
static void count_repeats(struct explain *e)
{
	const struct ka_stack *st = e->stack;

	for (size_t i = 0; i < st->count; i++) {
		const char *name = function_at(e->k, &st->frames[i]);
		size_t n = 0;

		if (!name || (e->f->repeated && !strcmp(name, e->f->repeated)))
			continue;
		/* run by run: equal frames lie together, or in a cycle of a few functions */
		for (size_t j = i; j < st->count && j < i + 4096; j++) {
			const char *other = function_at(e->k, &st->frames[j]);

			n += other && !strcmp(other, name);
		}
		if (n > e->f->repeat_count) {
			e->f->repeat_count = n;
			e->f->repeated = name;
		}
		if (i > 64)
			break;
	}
	if (e->f->repeat_count < 4) {
		e->f->repeated = NULL;
		e->f->repeat_count = 0;
	}
}

/* What was in the memory that a machine check tells of. */
static void read_broken(struct explain *e)
{
	struct ka_fault_place place;
	const char **details;
	size_t n = 0;
	ka_addr at;

	if (!e->report.has_phys || ka_error_drop(ka_phys_to_virt(e->k, (ka_phys){ e->report.phys }, &at)))
		return;
	ka_fault_place(e->k, e->a, at, 0, &place);
	if (!place.what)
		return;
	while (e->report.details && e->report.details[n])
		n++;
	details = ka_alloc(e->a, (n + 2) * sizeof(*details));
	if (n)
		memcpy(details, e->report.details, n * sizeof(*details));
	details[n] = ka_printf(e->a, "that memory is 0x%" PRIx64 ": %s", at, place.what);
	e->f->details = details;
}

/*
 * A hard lockup that another CPU saw (buddy: 1f423c905a6b, v6.5; of each CPU the next one) and died of: what counts is the one that is stuck, which
 * the NMI at the end stopped. False: it is another one than the panic's.
 */
static bool find_locked(struct explain *e)
{
	const char *at = e->f->kind == KA_FAULT_HARD_LOCKUP && e->f->message ? strstr(e->f->message, "LOCKUP on cpu ") : NULL;
	unsigned long cpu = at ? strtoul(at + 14, NULL, 10) : 0;
	const char **details;
	ka_addr task;

	if (!at || cpu >= ka_cpu_count(e->k) || e->f->cpu < 0 || (unsigned long)e->f->cpu == cpu || !(task = ka_cpu_task(e->k, (unsigned)cpu)))
		return true;
	details = ka_alloc(e->a, 2 * sizeof(*details));
	details[0] = ka_printf(e->a, "seen by CPU %d, which called panic()", e->f->cpu);
	e->f->details = details;
	e->f->cpu = (int)cpu;
	e->f->task = task;
	return false;
}

void ka_fault_explain(struct ka_kernel *k, struct ka_arena *a, const struct ka_stack *stack, struct ka_fault *ret)
{
	struct explain e = { .k = k, .a = a, .f = ret, .stack = stack, .is_aarch64 = ka_fault_is_aarch64(k) };

	*ret = (struct ka_fault){ .reg = KA_NO_REG, .cpu = ka_panic_cpu(k), .task = ka_panic_task(k) };
	read_log(&e);
	ret->kind = e.report.kind;
	ret->message = e.report.message;
	ret->panic = e.report.panic;
	ret->reason = e.report.reason;
	ret->last_unloaded = e.report.last_unloaded;
	ret->earlier = e.report.earlier;
	ret->details = e.report.details;
	read_broken(&e);
	bool is_here = find_locked(&e);

	if (stack && !is_here)
		return;
	if (!stack && ret->task && !ka_error_drop(ka_unwind_task(k, ret->task, a, &e.own))) {
		ka_error_free(e.own.err);
		e.own.err = NULL;
		stack = e.stack = &e.own;
	}
	if (!stack)
		return;
	e.trace = (struct ka_fault_trace){ .k = k, .a = a, .is_aarch64 = e.is_aarch64, .stack = stack };
	if (!e.has_log && ret->task) {
		ret->reason = "the log cannot be read: this is by the stack of the task that panicked";
		ret->kind = ka_fault_of_functions(k, stack);
	}
	find_frame(&e);
	read_processor(&e);
	read_instruction(&e);
	/* found by a function that was called before the access: no exception tells of it */
	if (ret->kind == KA_FAULT_KASAN && e.report.has_addr && !ret->has_operand) {
		ret->has_addr = true;
		ret->addr = e.report.addr;
		ret->addr_by = e.report.addr_by;
		ret->access = e.report.access;
		ret->size = e.report.size;
	}
	read_trap(&e);
	if (ret->kind == KA_FAULT_PAGING && ret->has_addr && ret->addr < ka_page_size(k))
		ret->kind = KA_FAULT_NULL;
	if (ret->kind == KA_FAULT_STACK_GUARD || ret->kind == KA_FAULT_DOUBLE)
		count_repeats(&e);
	if (ret->kind == KA_FAULT_LIST && ret->has_frame)
		ka_fault_list(k, a, stack, ret);
	ka_fault_wait(k, a, stack, ret);
	ka_fault_caller(k, a, stack, ret);
	if (ret->holder)
		ka_fault_place(k, a, ret->holder, ret->task, &ret->holding);
	if ((is_access(ret->kind) || ret->kind == KA_FAULT_KASAN || ret->kind == KA_FAULT_CFI) && ret->has_addr)
		ka_fault_place(k, a, ret->addr, ret->task, &ret->place);
	/* aarch64 takes the top byte off what it jumps to */
	if (ret->kind == KA_FAULT_EXEC && ret->reg != KA_NO_REG && ret->reg_value != ret->addr && !((ret->reg_value ^ ret->addr) << 8))
		ka_fault_place(k, a, ret->reg_value, ret->task, &ret->place);
	if (is_access(ret->kind) && ret->has_operand && ret->reg != KA_NO_REG && ret->reg_value != ret->addr)
		ka_fault_place(k, a, ret->reg_value, ret->task, &ret->value);
	/* just below NULL lie the errors: but no error was in the register */
	if (ret->has_operand && ret->has_addr && !ret->reg_value && ret->reg != KA_NO_REG && ret->addr >= (ka_addr)-4095 && ret->addr == (ka_addr)ret->computed)
		ret->place = (struct ka_fault_place){ .what = ka_printf(a, "NULL - 0x%" PRIx64, -ret->addr), .kind = "null" };
	else if (ret->kind == KA_FAULT_DOUBLE && ret->reg_name && !ret->reg_value && ret->has_addr && ret->addr >= (ka_addr)-4095)
		ret->place = (struct ka_fault_place){ .what = ka_printf(a, "NULL - 0x%" PRIx64 ": below what %s holds", -ret->addr, ret->reg_name), .kind = "null" };
}

void ka_fault_instruction(struct ka_kernel *k, struct ka_arena *a, ka_addr ip, struct ka_fault *ret)
{
	struct ka_fault_trace trace = { .k = k, .a = a, .is_aarch64 = ka_fault_is_aarch64(k) };

	*ret = (struct ka_fault){ .cpu = -1, .reg = KA_NO_REG, .ip = ip };
	ka_fault_module(k, ip);
	ka_fault_decode(&trace, ret, NULL, 0);
}
