/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* fault: why the machine died, what an instruction touches, what an address is. */
#include <inttypes.h>
#include <kanalyze/expr.h>
#include <kanalyze/fault.h>
#include <kanalyze/task.h>
#include "dis.h"
#include "fault_waits.h"
#include "words.h"

struct fault_row {
	const char *kind, *title, *text, *message, *panic, *reason;
	ka_addr task, ip, addr, value, caller;
	int32_t pid, cpu;
	const char *comm, *function, *module, *inlined, *file;
	uint64_t offset, member_offset;
	uint32_t line, size;
	const char *instruction, *access, *addr_by, *reg, *expression, *base, *type, *member;
	ka_addr holder;
	const char *holder_is, *repeated, *variable, *blamed, *blamed_module, *blamed_file;
	uint64_t blamed_offset;
	uint32_t blamed_line;
	bool has_blamed;
	const char *addr_is, *addr_kind, *owner, *value_is, *last_unloaded;
	const char *waits_for, *lock_kind, *lock_owner;
	ka_addr blocked, lock, owner_task;
	const char *const *notes, *const *chain, *const *cycles, *const *earlier, *const *holder_notes, *const *details;
	const char *callee, *callee_module;
	bool has_task, has_cpu, has_frame, has_function, has_addr, has_value, has_member;
};
KA_LINES(fault_row, "faults", "{text}",
	KA_COLF(fault_row, text, KA_TEXT, KA_ONLY_TEXT, ""),
	KA_COL(fault_row, kind, KA_TEXT, "kind of the death: null, paging, gpf, exec, stack_overflow, bug, soft_lockup ...; none"),
	KA_COL(fault_row, title, KA_TEXT, "the same in words"),
	KA_COL(fault_row, message, KA_TEXT, "the line of the log that says it"),
	KA_COL(fault_row, panic, KA_TEXT, "the words of panic()"),
	KA_COL(fault_row, reason, KA_TEXT, "what the processor or the log adds to the kind"),
	KA_COL(fault_row, details, KA_LIST, "more of that: banks of a machine check, types of a call that CFI refused, what KASAN says"),
	KA_COL(fault_row, callee, KA_TEXT, "a call that CFI refused: the function that was to be called"),
	KA_COL(fault_row, callee_module, KA_TEXT, "its module"),
	KA_COL_IF(fault_row, pid, KA_INT, has_task, "the task that was running"),
	KA_COLF(fault_row, task, KA_ADDR, KA_ZERO_IS_NONE, "its task_struct"),
	KA_COL(fault_row, comm, KA_TEXT, "its name"),
	KA_COL_IF(fault_row, cpu, KA_INT, has_cpu, "the CPU"),
	KA_COL_IF(fault_row, ip, KA_ADDR, has_frame, "instruction that faulted, or was interrupted"),
	KA_COL(fault_row, function, KA_TEXT, "its function; of a jump to where no code is: the function that jumped"),
	KA_COL_IF(fault_row, offset, KA_UINT, has_function, "bytes from the start of the function"),
	KA_COL(fault_row, module, KA_TEXT, "module of the function; null: the kernel itself"),
	KA_COL(fault_row, inlined, KA_TEXT, "function inlined there whose code it is"),
	KA_COL(fault_row, file, KA_TEXT, "source file"),
	KA_COLF(fault_row, line, KA_UINT, KA_ZERO_IS_NONE, "line in it"),
	KA_COL(fault_row, blamed, KA_TEXT, "a check of the kernel's own failed (list, refcount, usercopy ...): the function that it was made for"),
	KA_COL_IF(fault_row, blamed_offset, KA_UINT, has_blamed, "bytes from the start of that function"),
	KA_COL(fault_row, blamed_module, KA_TEXT, "its module"),
	KA_COL(fault_row, blamed_file, KA_TEXT, "source file there"),
	KA_COLF(fault_row, blamed_line, KA_UINT, KA_ZERO_IS_NONE, "line in it"),
	KA_COL(fault_row, instruction, KA_TEXT, "the instruction"),
	KA_COLF(fault_row, caller, KA_ADDR, KA_ZERO_IS_NONE, "where a jump to where no code is would have returned to"),
	KA_COL(fault_row, access, KA_TEXT, "read, write or execution"),
	KA_COLF(fault_row, size, KA_UINT, KA_ZERO_IS_NONE, "bytes of the access"),
	KA_COL_IF(fault_row, addr, KA_ADDR, has_addr, "the address"),
	KA_COL(fault_row, addr_by, KA_TEXT, "who says so: CR2, FAR, log, operands"),
	KA_COL(fault_row, addr_is, KA_TEXT, "what the address is"),
	KA_COL(fault_row, addr_kind, KA_TEXT, "the same as a word: null, poison, error, user, slab, vmalloc, guard, module, module_gone ..."),
	KA_COL(fault_row, owner, KA_TEXT, "slab cache, module, stack or symbol that it belongs to"),
	KA_COL(fault_row, notes, KA_LIST, "more of the address"),
	KA_COL(fault_row, reg, KA_TEXT, "register that the address was made from"),
	KA_COL_IF(fault_row, value, KA_ADDR, has_value, "what was in it"),
	KA_COL(fault_row, value_is, KA_TEXT, "what that is"),
	KA_COLF(fault_row, holder, KA_ADDR, KA_ZERO_IS_NONE, "where it was loaded from, and still lies"),
	KA_COL(fault_row, holder_is, KA_TEXT, "what that place is"),
	KA_COL(fault_row, holder_notes, KA_LIST, "more of that place: who allocated and who freed it, when slub_debug or KASAN know"),
	KA_COL(fault_row, repeated, KA_TEXT, "of a stack that overflowed: the function that has most frames"),
	KA_COL(fault_row, variable, KA_TEXT, "the variable that DWARF says is in the register, as it is declared"),
	KA_COL(fault_row, base, KA_TEXT, "what it was in C"),
	KA_COL(fault_row, expression, KA_TEXT, "what was touched, or called, in C"),
	KA_COL(fault_row, type, KA_TEXT, "type that the register pointed to"),
	KA_COL(fault_row, member, KA_TEXT, "member of it that was touched"),
	KA_COL_IF(fault_row, member_offset, KA_UINT, has_member, "offset of the member"),
	KA_COL(fault_row, chain, KA_LIST, "how the value came into the register, the last move first"),
	KA_COLF(fault_row, blocked, KA_ADDR, KA_ZERO_IS_NONE, "hung task: the task that hung"),
	KA_COL(fault_row, waits_for, KA_TEXT, "hung task, lockups: the lock that is waited for, in words; see fault -w"),
	KA_COL(fault_row, lock_kind, KA_TEXT, "mutex, rwsem, spinlock ..."),
	KA_COLF(fault_row, lock, KA_ADDR, KA_ZERO_IS_NONE, "its address"),
	KA_COLF(fault_row, owner_task, KA_ADDR, KA_ZERO_IS_NONE, "the task that has it"),
	KA_COL(fault_row, lock_owner, KA_TEXT, "who that is, and what it does, in words"),
	KA_COL(fault_row, cycles, KA_LIST, "tasks that wait for one another"),
	KA_COL(fault_row, earlier, KA_LIST, "what the kernel had complained of before, and survived: first lines of reports in the log"),
	KA_COL(fault_row, last_unloaded, KA_TEXT, "modules that went before, as the log has them"));

struct place_row {
	const char *text, *what, *kind, *owner;
	ka_addr addr;
	const char *const *notes;
};
KA_LINES(place_row, "addresses", "{addr}: {what}",
	KA_COL(place_row, addr, KA_ADDR, "the address"),
	KA_COL(place_row, what, KA_TEXT, "what it is"),
	KA_COL(place_row, kind, KA_TEXT, "the same as a word"),
	KA_COL(place_row, owner, KA_TEXT, "slab cache, module, stack or symbol that it belongs to"),
	KA_COL(place_row, notes, KA_LIST, "more of it"));

static void line_to(struct ka_str *s, const char *label, const char *text)
{
	if (text && *text)
		ka_str_printf(s, "%s%12s%s%s", s->len ? "\n" : "", label, *label ? ": " : "  ", text);
}

/* The line of the source, where it is at hand. */
static const char *source_line(struct ka_call *c, const struct ka_fault *f)
{
	struct ka_source_text text;
	struct ka_source s;

	/* without an exception it is a return address */
	bool is_return = !f->has_frame && f->kind != KA_FAULT_NONE;

	if (!f->line || !ka_source_at(c->k, f->ip - is_return, &s) || s.line != f->line || ka_error_drop(ka_source_open(c, &s, &text)) || s.line > text.count)
		return NULL;
	return ka_printf(c->arena, "%s", text.lines[s.line] + strspn(text.lines[s.line], " \t"));
}

static const char *place_text(struct ka_call *c, const struct ka_fault *f)
{
	if (!f->function)
		return f->has_frame ? ka_printf(c->arena, "0x%" PRIx64, f->ip) : NULL;
	return ka_printf(c->arena, "%s+%" PRIu64 "%s%s%s%s", f->function, f->offset, f->module ? " [" : "", f->module ? f->module : "", f->module ? "]" : "",
			 f->inlined ? ka_printf(c->arena, ", in %s (inlined)", f->inlined) : "");
}

static const char *task_text(struct ka_call *c, ka_addr task)
{
	struct ka_task t;

	if (ka_error_drop(ka_task_read(c->k, task, &t)))
		return ka_printf(c->arena, "%016" PRIx64, task);
	return ka_printf(c->arena, "%016" PRIx64 "  PID: %d  CPU: %u  COMMAND: \"%.16s\"", task, t.pid, t.cpu, t.comm);
}

static const char *full_text(struct ka_call *c, const struct ka_fault *f, const struct fault_row *row, const char *const sentences[], size_t n)
{
	struct ka_str s = { 0 };
	const char *text;

	if (f->kind != KA_FAULT_NONE) {
		line_to(&s, "FAULT", n > 0 ? sentences[0] : NULL);
		line_to(&s, "", n > 1 ? sentences[1] : NULL);
	}
	line_to(&s, "LOG", f->message);
	if (f->panic && (!f->message || !strstr(f->message, f->panic)))
		line_to(&s, "PANIC", f->panic);
	if (n && f->reason && !strstr(sentences[0], f->reason) && (!f->message || !strstr(f->message, f->reason)))
		line_to(&s, "REASON", f->reason);
	for (size_t i = 0; f->details && f->details[i]; i++)
		line_to(&s, i ? "" : "DETAILS", f->details[i]);
	if (row->has_task)
		line_to(&s, "TASK", ka_printf(c->arena, "%016" PRIx64 "  PID: %d  CPU: %d  COMMAND: \"%s\"", row->task, row->pid, row->cpu, row->comm));
	if (f->blocked)
		line_to(&s, "BLOCKED", task_text(c, f->blocked));
	line_to(&s, "WAITS FOR", f->wait_text);
	if (f->wait && f->wait->function && f->blocked)
		line_to(&s, "", ka_printf(c->arena, "in %s+%" PRIu64 "%s%s%s%s", f->wait->function, f->wait->offset, f->wait->module ? " [" : "",
					  f->wait->module ? f->wait->module : "", f->wait->module ? "]" : "",
					  f->wait->file ? ka_printf(c->arena, " at %s:%u", f->wait->file, f->wait->line) : ""));
	line_to(&s, "", f->owner_text);
	for (size_t i = 0; f->cycles && f->cycles[i]; i++)
		line_to(&s, "DEADLOCK", f->cycles[i]);
	line_to(&s, f->kind == KA_FAULT_EXEC ? "CALLED AT" : "AT", place_text(c, f));
	if (f->file)
		line_to(&s, "SOURCE", ka_printf(c->arena, "%s:%u", f->file, f->line));
	line_to(&s, "", source_line(c, f));
	if (f->blamed)
		line_to(&s, "CALLED BY", ka_printf(c->arena, "%s+%" PRIu64 "%s%s%s%s", f->blamed, f->blamed_offset, f->blamed_module ? " [" : "",
						   f->blamed_module ? f->blamed_module : "", f->blamed_module ? "]" : "",
						   f->blamed_file ? ka_printf(c->arena, " at %s:%u", f->blamed_file, f->blamed_line) : ""));
	line_to(&s, "INSTRUCTION", row->instruction);
	if (f->has_addr)
		line_to(&s, "ADDRESS", ka_printf(c->arena, "%016" PRIx64 " (%s)%s%s", f->addr, f->addr_by ? f->addr_by : "operands", f->place.what ? ": " : "",
						 f->place.what ? f->place.what : ""));
	if (f->has_addr && f->has_operand && f->computed != f->addr)
		line_to(&s, "", ka_printf(c->arena, "(the operands come to %016" PRIx64 ")", f->computed));
	for (size_t i = 0; f->place.notes && f->place.notes[i]; i++)
		line_to(&s, "", f->place.notes[i]);
	if (row->has_value)
		line_to(&s, f->reg_name, ka_printf(c->arena, "%016" PRIx64 "%s%s", f->reg_value, f->value.what ? ": " : "", f->value.what ? f->value.what : ""));
	if (f->has_operand)
		line_to(&s, "VARIABLE", f->variable);
	if (f->holder)
		line_to(&s, "HELD BY", ka_printf(c->arena, "%016" PRIx64 "%s%s", f->holder, f->holding.what ? ": " : "", f->holding.what ? f->holding.what : ""));
	for (size_t i = 0; f->holding.notes && f->holding.notes[i]; i++)
		line_to(&s, "", f->holding.notes[i]);
	if (f->type && f->member)
		line_to(&s, "MEMBER", ka_printf(c->arena, "%s of %s (+ 0x%" PRIx64 ")%s%s", f->member, f->type, f->member_offset, f->expression ? ": " : "",
						f->expression ? f->expression : ""));
	for (size_t i = 0; f->chain && f->chain[i]; i++)
		line_to(&s, i ? "" : "ORIGIN", f->chain[i]);
	line_to(&s, "UNLOADED", f->last_unloaded);
	for (size_t i = 0; f->earlier && f->earlier[i]; i++)
		line_to(&s, i ? "" : "EARLIER", f->earlier[i]);
	text = ka_strdup(c->arena, s.p ? s.p : "");
	ka_str_free(&s);
	return text;
}

static void put_fault(struct ka_call *c, const struct ka_fault *f)
{
	struct fault_row row = {
		.kind = ka_fault_kind_name(f->kind), .title = ka_fault_kind_title(f->kind), .message = f->message, .panic = f->panic, .reason = f->reason,
		.task = f->task, .ip = f->ip, .has_frame = f->has_frame || f->ip, .function = f->function, .has_function = f->function != NULL,
		.module = f->module, .inlined = f->inlined, .offset = f->offset, .file = f->file, .line = f->line, .cpu = f->cpu, .has_cpu = f->cpu >= 0,
		.caller = f->caller, .access = f->access ? ka_fault_access_name(f->access) : NULL, .size = f->size, .has_addr = f->has_addr, .addr = f->addr,
		.addr_by = f->addr_by, .addr_is = f->place.what, .addr_kind = f->place.kind, .owner = f->place.owner, .notes = f->place.notes,
		.reg = f->reg_name, .variable = f->variable,
		.blamed = f->blamed, .blamed_module = f->blamed_module, .blamed_offset = f->blamed_offset, .has_blamed = f->blamed != NULL,
		.blamed_file = f->blamed_file, .blamed_line = f->blamed_line,
		.has_value = (f->has_operand || f->kind == KA_FAULT_DIVIDE) && f->has_frame && f->reg != KA_NO_REG, .value = f->reg_value, .value_is = f->value.what,
		.base = f->base, .expression = f->expression, .type = f->type, .member = f->member, .member_offset = f->member_offset,
		.has_member = f->member != NULL, .holder = f->holder, .holder_is = f->holding.what, .repeated = f->repeated, .chain = f->chain, .last_unloaded = f->last_unloaded,
		.blocked = f->blocked, .waits_for = f->wait_text, .lock_owner = f->owner_text, .cycles = f->cycles, .earlier = f->earlier, .details = f->details, .callee = f->callee, .callee_module = f->callee_module, .holder_notes = f->holding.notes,
	};
	const char *sentences[2];

	if (f->wait && f->wait->kind != KA_WAIT_NONE) {
		row.lock_kind = ka_wait_kind_name(f->wait->kind);
		row.lock = f->wait->lock;
		row.owner_task = f->wait->owner;
	}
	size_t n = ka_fault_sentences(c->k, c->arena, f, sentences);
	struct ka_task t;

	if (f->task && !ka_error_drop(ka_task_read(c->k, f->task, &t))) {
		row.has_task = true;
		row.pid = t.pid;
		row.comm = ka_strndup(c->arena, t.comm, sizeof(t.comm));
	}
	if (f->has_insn)
		row.instruction = ka_insn_full_text(c, &f->insn, false);
	row.text = full_text(c, f, &row, sentences, n);
	ka_out_row(c->out, &ka_rows_fault_row, &row);
}

static struct ka_error *run(struct ka_call *c)
{
	bool is_instruction = ka_call_has(c, "i");
	struct ka_fault f;

	if (ka_call_has(c, "w")) {
		if (c->argc || is_instruction)
			return ka_call_usage(c, "-w takes no arguments and stands alone");
		return ka_fault_waits(c);
	}
	ka_words_join_at(c, 0);
	if (is_instruction && !c->argc)
		return ka_call_usage(c, "-i needs the address of an instruction");
	for (int i = 0; i < c->argc && !ka_interrupted(); i++) {
		struct ka_fault_place place;
		struct place_row row = { 0 };
		struct ka_error *err = ka_error_wrap(ka_expr_number(c->k, c->argv[i], KA_EXPR_HEX | KA_EXPR_ADDRESSES, &row.addr), "'%s'", c->argv[i]);

		if (!err && is_instruction && !ka_is_text(c->k, row.addr))
			err = ka_error_at(KA_USAGE, KA_SPACE_VIRT, row.addr, "%s: 0x%" PRIx64 " is no code of the kernel", c->argv[i], row.addr);
		if (err) {
			ka_call_fault(c, err);
			continue;
		}
		if (is_instruction) {
			ka_fault_instruction(c->k, c->arena, row.addr, &f);
			if (f.has_insn)
				put_fault(c, &f);
			else
				ka_call_fault(c, ka_error_at(KA_NOT_FOUND, KA_SPACE_VIRT, row.addr, "%s: no instruction begins at 0x%" PRIx64 ": see dis",
							     c->argv[i], row.addr));
			continue;
		}
		ka_fault_place(c->k, c->arena, row.addr, ka_call_task(c), &place);
		row.what = place.what ? place.what : "unknown";
		row.kind = place.kind;
		row.owner = place.owner;
		row.notes = place.notes;
		ka_out_row(c->out, &ka_rows_place_row, &row);
		for (size_t n = 0; place.notes && place.notes[n]; n++)
			ka_out_note(c->out, "    %s", place.notes[n]);
	}
	if (c->argc)
		return NULL;
	ka_fault_explain(c->k, c->arena, NULL, &f);
	if (f.kind == KA_FAULT_NONE)
		return ka_error_new(KA_NOT_FOUND, "this dump tells of no death: nothing has panicked, and its log has no report that was not survived; try bt -a");
	put_fault(c, &f);
	return NULL;
}

static const struct ka_option options[] = {
	{ "i", NULL, "the arguments are instructions: what they touch, and where their pointers came from", false },
	{ "w", NULL, "blocked tasks: what each waits for, who has it, and who wait for one another", false },
	{ NULL, NULL, NULL, false },
};
static const struct ka_rows *const rows[] = { &ka_rows_fault_row, &ka_rows_place_row, &ka_rows_of_waits, &ka_rows_of_wait_cycles, NULL };

const struct ka_command ka_command_fault = {
	.name = "fault",
	.args = "[-w | [-i] ADDR | SYMBOL | (EXPRESSION)]...",
	.brief = "why the machine died, and what an address is",
	.help =
		"Without arguments: the kind of the machine's death, from its log, the words of its panic, and the\n"
		"exception that the panic task's stack tells of. Of an access that failed, the instruction is decoded\n"
		"and its operand worked out from the saved registers: what was to be read or written, what the bad\n"
		"address is, and which member of which struct that would have been. ORIGIN is how the pointer came\n"
		"into its register: the moves of the function, the last one first, up to a variable, the result of a\n"
		"call, or an argument, which is followed into the callers.\n"
		"\n"
		"C is told as far as types lead: from the arguments and results of functions and from variables\n"
		"through each load. Names of a module are known when its file with debuginfo is found (see mod -s).\n"
		"The source line is shown where 'set src' or --src says that sources are.\n"
		"\n"
		"Of a hung task, and of a CPU that spun for a lock, WAITS FOR is the lock and who has it, as far as the\n"
		"lock tells; DEADLOCK are tasks that wait for one another. -w shows that of all blocked tasks (state UN), and of\n"
		"those on a CPU that spin for a spinlock or rwlock:\n"
		"mutexes, rwsems, percpu rwsems, semaphores, rt_mutexes, completions, work items, wait queues, bits.\n"
		"Neither a semaphore nor a completion says who should raise it.\n"
		"\n"
		"With addresses: what each is. NULL, an error taken for a pointer, a poison pattern, a user's memory,\n"
		"an object of a slab cache, a page of a file or of a process, a stack or the guard page below it, vmalloc's,\n"
		"a module's, or that of a module that is gone: then also what still lies or points there in the lists of slab\n"
		"caches, timers, work items, notifiers, probes, protocols, devices and entries of /proc.\n"
		"\n"
		"EXAMPLES\n"
		"    fault\n"
		"    fault -w\n"
		"    fault dead000000000122 fffffffffffffff4\n"
		"    fault -i scst_update_lat_stats+224\n",
	.options = options,
	.needs = KA_NEED_TYPES | KA_NEED_TASKS | KA_NEED_SYMBOLS,
	.rows = rows,
	.run = run,
};
