/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Stacks of aarch64 made up here: tasks that sleep, frame records, exceptions of the kernel and of user mode as entry code
 * of several ages leaves them, signed return addresses, a change of stacks. Layouts: a BTF written by hand.
 */
#include <elf.h>
#include <kanalyze/model.h>
#include "btf_build.h"
#include "check.h"
#include "stacks.h"
#include "tiny.h"

#define FUNCTION(n) (TINY_TEXT + 0x1000 * (uint64_t)(n))
#define STACK_SIZE 16384
#define RUNQUEUE TINY_DATA
#define OFFSETS (TINY_DATA + 0x1000)
#define IRQ_POINTER (TINY_DATA + 0x1100)

enum { SWITCH_TO = 1, SCHEDULE, WAIT, SYSCALL, FAULT, LEAF, ENTRY = 8, ENTRY_END, IRQ_CALL };

static const struct tiny_symbol symbols[] = {
	{ "__switch_to", FUNCTION(SWITCH_TO), 0x800, 'T' }, { "schedule", FUNCTION(SCHEDULE), 0x800, 'T' },
	{ "do_wait", FUNCTION(WAIT), 0x800, 'T' }, { "do_syscall", FUNCTION(SYSCALL), 0x800, 'T' },
	{ "do_fault", FUNCTION(FAULT), 0x800, 'T' }, { "leaf", FUNCTION(LEAF), 0x800, 'T' },
	{ "__entry_text_start", FUNCTION(ENTRY), 0, 'T' }, { "el1h_64_sync", FUNCTION(ENTRY), 0x400, 'T' },
	{ "el0t_64_sync", FUNCTION(ENTRY) + 0x400, 0x400, 'T' }, { "__entry_text_end", FUNCTION(ENTRY_END), 0, 'T' },
	{ "call_on_irq_stack", FUNCTION(IRQ_CALL), 0x800, 'T' },
	{ "runqueues", RUNQUEUE, 64, 'D' }, { "__per_cpu_offset", OFFSETS, 8, 'D' }, { "irq_stack_ptr", IRQ_POINTER, 8, 'D' }, { 0 },
};

static struct tiny tiny;
static struct ka_kernel *k;
static ka_addr task, stack, irq_stack;

/* Offsets in the made-up task_struct. */
enum { T_PID = 0, T_TGID = 4, T_COMM = 8, T_STATE = 24, T_FLAGS = 28, T_MM = 32, T_STACK = 40, T_PARENT = 48, T_THREAD = 56, T_CPU = T_THREAD + 104,
       T_SIZE = T_CPU + 8 };
enum { KIND_STRUCT = 4, KIND_UNION = 5 };

static uint32_t add_record(struct btf_build *b, uint32_t u64)
{
	uint32_t id = btf_add(b, KIND_STRUCT, "frame_record", 2, false, 16);

	btf_put_member(b, "fp", u64, 0);
	btf_put_member(b, "lr", u64, 64);
	return id;
}

/* has_meta: struct pt_regs of v6.13 and later; has_record false: of before v4.14 */
static const uint8_t *layouts(struct btf_build *b, bool has_record, bool has_meta, size_t *ret_size)
{
	static const char *const kept[] = { "x19", "x20", "x21", "x22", "x23", "x24", "x25", "x26", "x27", "x28", "fp", "sp", "pc" };
	uint32_t u64, u32, chr, comm, regs, context, thread, stack_words, record, meta = 0, two;

	*b = btf_build_begin(false);
	u64 = btf_add_int(b, "unsigned long", 8, 0, 0, 64);
	u32 = btf_add_int(b, "unsigned int", 4, 0, 0, 32);
	chr = btf_add_int(b, "char", 1, 1, 0, 8);
	comm = btf_add_array(b, chr, 16);
	regs = btf_add_array(b, u64, 31);
	two = btf_add_array(b, u64, 2);
	stack_words = btf_add_array(b, u64, STACK_SIZE / 8);
	context = btf_add(b, KIND_STRUCT, "cpu_context", KA_COUNT(kept), false, 104);
	for (uint32_t i = 0; i < KA_COUNT(kept); i++)
		btf_put_member(b, kept[i], u64, i * 64);
	thread = btf_add(b, KIND_STRUCT, "thread_struct", 1, false, 104);
	btf_put_member(b, "cpu_context", context, 0);
	record = add_record(b, u64);
	if (has_meta) {
		meta = btf_add(b, KIND_STRUCT, "frame_record_meta", 2, false, 24);
		btf_put_member(b, "record", record, 0);
		btf_put_member(b, "type", u64, 128);
	}
	btf_add(b, KIND_STRUCT, "pt_regs", has_record ? 7 : 6, false, 336);
	btf_put_member(b, "regs", regs, 0);
	btf_put_member(b, "sp", u64, 248 * 8);
	btf_put_member(b, "pc", u64, 256 * 8);
	btf_put_member(b, "pstate", u64, 264 * 8);
	btf_put_member(b, "orig_x0", u64, 272 * 8);
	btf_put_member(b, "syscallno", u64, 280 * 8);
	if (has_record)
		btf_put_member(b, "stackframe", meta ?: two, 304 * 8);
	btf_add(b, KIND_UNION, "thread_union", 1, false, STACK_SIZE);
	btf_put_member(b, "stack", stack_words, 0);
	btf_add(b, KIND_STRUCT, "rq", 2, false, 16);
	btf_put_member(b, "curr", u64, 0);
	btf_put_member(b, "idle", u64, 64);
	btf_add(b, KIND_STRUCT, "task_struct", 10, false, T_SIZE);
	btf_put_member(b, "pid", u32, T_PID * 8);
	btf_put_member(b, "tgid", u32, T_TGID * 8);
	btf_put_member(b, "comm", comm, T_COMM * 8);
	btf_put_member(b, "__state", u32, T_STATE * 8);
	btf_put_member(b, "flags", u32, T_FLAGS * 8);
	btf_put_member(b, "mm", u64, T_MM * 8);
	btf_put_member(b, "stack", u64, T_STACK * 8);
	btf_put_member(b, "real_parent", u64, T_PARENT * 8);
	btf_put_member(b, "thread", thread, T_THREAD * 8);
	btf_put_member(b, "cpu", u32, T_CPU * 8);
	return btf_build_end(b, NULL, 0, ret_size);
}

static void words(ka_addr at, const uint64_t *w, size_t n)
{
	for (size_t i = 0; i < n; i++)
		tiny_put(&tiny, at + 8 * i, w[i], 8);
}
#define WORDS(at, ...) words(at, (const uint64_t[]){ __VA_ARGS__ }, KA_COUNT(((const uint64_t[]){ __VA_ARGS__ })))

static void sleep_at(uint64_t fp, uint64_t sp, uint64_t pc)
{
	tiny_put(&tiny, task + T_STACK, stack, 8);
	WORDS(task + T_THREAD + 80, fp, sp, pc);
}

/* bl before the address */
static uint64_t call_into(unsigned function, unsigned offset)
{
	tiny_put(&tiny, FUNCTION(function) + offset - 4, 0x94000001, 4);
	return FUNCTION(function) + offset;
}

/* A struct pt_regs: what matters of it. */
static void regs_put(ka_addr at, uint64_t fp, uint64_t lr, uint64_t sp, uint64_t pc, uint64_t pstate)
{
	WORDS(at + 29 * 8, fp, lr, sp, pc, pstate, 0x11, 0x22);
}

/* As in test_unwind.c: function and kind of each frame; '/' where a stack was left, '!' with the block of an exception. */
static char *text_of(const struct ka_stack *s)
{
	static const char letters[] = {
		[KA_BY_START] = 's', [KA_BY_CFI] = 'c', [KA_BY_ORC] = 'o', [KA_BY_FP] = 'f', [KA_BY_SCAN] = '?', [KA_BY_PT_REGS] = 'p', [KA_BY_CALL] = 'j',
	};
	static char text[4096];
	size_t n = 0;

	text[0] = 0;
	for (size_t i = 0; i < s->count && n < sizeof(text) - 64; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s%d%c%s", i ? " " : "", s->frames[i].stack ? "/" : "",
				      (int)((s->frames[i].ip - TINY_TEXT) >> 12), letters[s->frames[i].by], s->frames[i].regs ? "!" : "");
	if (s->user_regs)
		snprintf(text + n, sizeof(text) - n, " user %llx", (unsigned long long)s->user_regs->ip);
	return text;
}

static void check_stack(const char *frames, const char *end)
{
	struct ka_arena *a = ka_arena_new();
	struct ka_stack s;
	struct ka_error *err = ka_unwind_task(k, task, a, &s);
	bool is_scanned = false;
	const char *is;

	CHECK_STR(err ? err->message : "ok", "ok");
	ka_error_free(err);
	CHECK_STR(text_of(&s), frames);
	is = s.err ? s.err->message : s.note ? s.note : "";
	if (!strstr(is, end) || (!*end && *is))
		CHECK_STR(is, end);
	for (size_t i = 0; i < s.count; i++) {
		CHECK_INT(s.frames[i].is_guess, s.frames[i].by == KA_BY_SCAN || is_scanned);
		is_scanned |= s.frames[i].by == KA_BY_SCAN;
		/* the call itself is told, and the frame record */
		CHECK_INT(s.frames[i].shown_ip, s.frames[i].ip - (s.frames[i].is_call ? 4 : 0));
	}
	ka_error_free(s.err);
	ka_arena_free(a);
}

/* Signed: the bits above the address are another's. */
#define SIGNED(v) (((v) & 0x0000ffffffffffffull) | 0x3aa5000000000000ull | 1ull << 55)

/* A task that sleeps in a system call; where the registers of user mode lie, entry code's record in them. */
static uint64_t put_call(uint64_t type)
{
	uint64_t regs = stack + STACK_SIZE - 336, fp = stack + STACK_SIZE - 0x400;

	sleep_at(fp, fp, FUNCTION(SWITCH_TO) + 0x20);
	WORDS(fp, fp + 0x40, SIGNED(call_into(SCHEDULE, 0x30)));
	WORDS(fp + 0x40, fp + 0x80, SIGNED(call_into(WAIT, 0x40)));
	WORDS(fp + 0x80, fp + 0xc0, call_into(SYSCALL, 0x50));
	WORDS(fp + 0xc0, regs + 304, call_into(ENTRY, 0x440));
	regs_put(regs, 0xffffd000, 0x400100, 0xffffd000, 0x401000, 0x80001000);
	WORDS(regs + 304, 0, 0, type);
	return regs;
}

static void check_sleeping(void)
{
	uint64_t fp = stack + STACK_SIZE - 0x400, regs = put_call(1);

	check_stack("1s 2f 3f 4f 8f user 401000", "");
	/* a kernel thread: zeros, and those of v6.13 and later with EL1 in them */
	WORDS(regs + 31 * 8, 0, 0, 0);
	check_stack("1s 2f 3f 4f 8f", "");
	WORDS(regs + 33 * 8, 5);
	check_stack("1s 2f 3f 4f 8f", "");
	/* before v5.x the chain of a kernel thread ended with 0 */
	WORDS(fp + 0xc0, 0, call_into(SYSCALL, 0x80));
	check_stack("1s 2f 3f 4f 4f", "");
	/* chains to nowhere, to themselves, downwards: what a scan finds is a guess */
	WORDS(fp + 0x40, fp + 0x40, call_into(WAIT, 0x40));
	check_stack("1s 2f 3f 4? 4f", "");
	WORDS(fp + 0x40, fp, call_into(WAIT, 0x40));
	check_stack("1s 2f 3f 4? 4f", "");
	/* what the scheduler saved is no code, lies nowhere */
	sleep_at(fp, fp, TINY_DATA);
	check_stack("", "no code");
	sleep_at(fp, stack - 16, FUNCTION(SWITCH_TO) + 0x20);
	check_stack("", "in no stack");
	sleep_at(0, fp, FUNCTION(SWITCH_TO) + 0x20);
	check_stack("1s", "");
}

/* A record whose return address was overwritten: the frame is shown as a guess, and said to be none; records above are good still. */
static void check_overwritten(void)
{
	static const struct { uint64_t lr; const char *why; } bad[] = {
		{ 0x4141414141414141, "is no code that is known" }, { 0x401000, "is no code that is known" },
		{ TINY_DATA, "is no code that is known" }, { FUNCTION(WAIT) + 0x48, "follows no call" },
	};
	uint64_t fp = stack + STACK_SIZE - 0x400;

	for (size_t i = 0; i < KA_COUNT(bad); i++) {
		struct ka_arena *a = ka_arena_new();
		struct ka_stack s;

		put_call(1);
		WORDS(fp + 0x40, fp + 0x80, bad[i].lr);
		CHECK(!ka_unwind_task(k, task, a, &s));
		CHECK_INT(s.count, 5);
		for (size_t f = 0; f < s.count; f++)
			CHECK_INT(s.frames[f].is_guess, f == 2);
		CHECK(s.err && strstr(s.err->message, bad[i].why) && strstr(s.err->message, "not to be trusted"));
		ka_error_free(s.err);
		ka_arena_free(a);
	}
	/* a frame pointer that leads to nowhere: the scan goes on */
	put_call(1);
	WORDS(fp + 0x40, 0x1234, call_into(WAIT, 0x40));
	struct ka_arena *a = ka_arena_new();
	struct ka_stack s;

	CHECK(!ka_unwind_task(k, task, a, &s));
	CHECK_STR(text_of(&s), "1s 2f 3f 4? 8f user 401000");
	for (size_t f = 0; f < s.count; f++)
		CHECK_INT(s.frames[f].is_guess, f >= 2);
	CHECK(s.err && strstr(s.err->message, "is 0x1234, which is in no stack"));
	ka_error_free(s.err);
	ka_arena_free(a);
	put_call(1);
}

/*
 * From registers within do_fault, called by the entry code of an exception: type 0, before v6.13: the record in the
 * registers repeats what was interrupted; type 2: it says so by its type.
 */
static void check_exception(bool has_meta)
{
	uint64_t regs = stack + 0x2000, sp = regs - 0x100, below = stack + 0x2400;
	struct ka_stacks stacks = { .area = { { stack, stack + STACK_SIZE, "task" }, { irq_stack, irq_stack + STACK_SIZE, "IRQ" } }, .count = 2 };
	struct ka_arena *a = ka_arena_new();
	struct ka_regs r = { 0 };
	struct ka_cursor c;

	r.value[29] = sp;
	r.value[31] = sp;
	r.value[32] = FUNCTION(FAULT) + 0x10;
	r.value[30] = 0;
	r.known = 1ull << 29 | 1ull << 31 | 1ull << 32;
	WORDS(sp, regs + 304, call_into(ENTRY, 0x40));
	regs_put(regs, below, SIGNED(call_into(WAIT, 0x60)), below - 0x80, FUNCTION(LEAF) + 0x20, 5);
	if (has_meta)
		WORDS(regs + 304, 0, 0, 2);
	else
		WORDS(regs + 304, below, FUNCTION(LEAF) + 0x20, 0);
	WORDS(below, below + 0x40, call_into(SYSCALL, 0x20));
	WORDS(below + 0x40, 0, call_into(SYSCALL, 0x30));

	ka_cursor_from_regs(k, &r, &c);
	CHECK(!ka_error_drop(ka_cursor_step(k, &stacks, &c, a)));
	CHECK_INT(c.ip, FUNCTION(ENTRY) + 0x40);
	CHECK(!ka_error_drop(ka_cursor_step(k, &stacks, &c, a)));
	CHECK_INT(c.ip, FUNCTION(LEAF) + 0x20);
	CHECK(c.pt && !c.pt->is_user && c.pt->at == regs && !c.is_call);
	/* the block shows the link register without its signature */
	CHECK_INT(c.pt->value[1], FUNCTION(WAIT) + 0x60);
	CHECK_INT(c.sp, below - 0x80);
	/* a leaf has no record: its caller is in the link register, which nothing but the rules of a call tells here */
	CHECK(!ka_error_drop(ka_cursor_step(k, &stacks, &c, a)));
	CHECK_INT(c.ip, FUNCTION(WAIT) + 0x60);
	CHECK_INT(c.by, KA_BY_SCAN);
	CHECK_INT(c.sp, below - 0x80);
	/* whose record is the next one */
	CHECK(!ka_error_drop(ka_cursor_step(k, &stacks, &c, a)));
	CHECK_INT(c.ip, FUNCTION(SYSCALL) + 0x20);
	CHECK_INT(c.by, KA_BY_FP);

	/* interrupted after it made its own: the link register is told there already */
	WORDS(below, below + 0x40, SIGNED(call_into(WAIT, 0x60)));
	ka_cursor_from_regs(k, &r, &c);
	for (int i = 0; i < 3; i++)
		CHECK(!ka_error_drop(ka_cursor_step(k, &stacks, &c, a)));
	CHECK_INT(c.ip, FUNCTION(WAIT) + 0x60);
	CHECK_INT(c.by, KA_BY_FP);
	CHECK(!ka_error_drop(ka_cursor_step(k, &stacks, &c, a)));
	CHECK_INT(c.ip, FUNCTION(SYSCALL) + 0x30);

	/* a record that does not agree with the registers around it is another one */
	if (!has_meta) {
		WORDS(regs + 304, below + 0x40, call_into(SYSCALL, 0x70), 0);
		ka_cursor_from_regs(k, &r, &c);
		CHECK(!ka_error_drop(ka_cursor_step(k, &stacks, &c, a)));
		CHECK(!ka_error_drop(ka_cursor_step(k, &stacks, &c, a)));
		CHECK_INT(c.ip, FUNCTION(SYSCALL) + 0x70);
		CHECK(!c.pt);
	}

	/* a call to 0: the registers are the caller's, and the link register is where it comes from */
	r.value[32] = 0;
	r.value[30] = call_into(SYSCALL, 0x90);
	r.known |= 1ull << 30;
	WORDS(sp, sp + 0x20, call_into(WAIT, 0x20));
	ka_cursor_from_regs(k, &r, &c);
	CHECK(!ka_error_drop(ka_cursor_step(k, &stacks, &c, a)));
	CHECK_INT(c.ip, FUNCTION(SYSCALL) + 0x90);
	CHECK_INT(c.sp, sp);
	CHECK(!ka_error_drop(ka_cursor_step(k, &stacks, &c, a)));
	CHECK_INT(c.ip, FUNCTION(WAIT) + 0x20);

	/* call_on_irq_stack has its record on the task's stack, while its stack pointer is at the top of the other one */
	r.value[32] = FUNCTION(FAULT) + 0x10;
	r.value[29] = r.value[31] = irq_stack + STACK_SIZE - 0x40;
	r.known &= ~(1ull << 30);
	WORDS(irq_stack + STACK_SIZE - 0x40, below, call_into(IRQ_CALL, 0x30));
	WORDS(below, below + 0x40, call_into(WAIT, 0x20));
	ka_cursor_from_regs(k, &r, &c);
	CHECK(!ka_error_drop(ka_cursor_step(k, &stacks, &c, a)));
	CHECK_INT(c.ip, FUNCTION(IRQ_CALL) + 0x30);
	CHECK(!ka_error_drop(ka_cursor_step(k, &stacks, &c, a)));
	CHECK_INT(c.ip, FUNCTION(WAIT) + 0x20);
	CHECK_STR(c.left ?: "", "IRQ");
	ka_arena_free(a);
}

/* A task on a CPU whose registers nobody has, and the stacks of the CPU. */
static void check_stacks(void)
{
	struct ka_task t = { .stack = stack };
	struct ka_stacks s;

	ka_stacks_of(k, &t, false, 0, &s);
	CHECK_INT(s.count, 1);
	CHECK_INT(s.area[0].end - s.area[0].start, STACK_SIZE);
	ka_stacks_of(k, &t, true, 0, &s);
	CHECK_INT(s.count, 2);
	CHECK_STR(s.area[1].name, "IRQ");
	CHECK_INT(s.area[1].start, irq_stack);
	CHECK_INT(s.area[1].end - s.area[1].start, STACK_SIZE);
}

static void check_all(bool has_meta)
{
	struct btf_build b;
	size_t size;
	const uint8_t *btf = layouts(&b, true, has_meta, &size);

	tiny_open(&tiny, &(struct tiny_options){ .symbols = symbols, .btf = btf, .btf_size = size, .is_aarch64 = true });
	k = tiny.k;
	ka_model_attach(k);
	CHECK_STR(k->arch->name, "aarch64");
	task = tiny_alloc(&tiny, T_SIZE, 64);
	stack = tiny_alloc(&tiny, STACK_SIZE, STACK_SIZE);
	irq_stack = tiny_alloc(&tiny, STACK_SIZE, STACK_SIZE);
	tiny_put(&tiny, task + T_PID, 42, 4);
	tiny_put(&tiny, IRQ_POINTER, irq_stack, 8);
	CHECK(stack >> 48 == 0xffff);
	check_sleeping();
	check_overwritten();
	check_exception(has_meta);
	check_stacks();
	tiny_close(&tiny);
	btf_build_free(&b);
}

CHECK_MAIN
{
	check_all(false);
	check_all(true);
}
