/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Stacks made up here, for a kernel without ORC and CFI: where a sleeping task starts, chains of frame pointers, what
 * lies about itself. Nothing hangs, and the frames before the break are kept. Layouts: BTF of a real 6.1.
 */
#include <stdlib.h>
#include <kanalyze/model.h>
#include "check.h"
#include "stacks.h"
#include "tiny.h"

#define FUNCTION(n) (TINY_TEXT + 0x1000 * (uint64_t)(n))
#define STACK_SIZE 16384

static const struct tiny_symbol symbols[] = {
	{ "__switch_to_asm", FUNCTION(1), 0x100, 'T' }, { "__schedule", FUNCTION(2), 0x800, 'T' }, { "schedule", FUNCTION(3), 0x800, 'T' },
	{ "do_wait", FUNCTION(4), 0x800, 'T' }, { "do_syscall", FUNCTION(5), 0x800, 'T' }, { "oops", FUNCTION(6), 0x800, 'T' },
	{ "__switch_to", FUNCTION(7), 0x100, 'T' }, { "ret_from_fork", FUNCTION(8), 0x100, 'T' }, { 0 },
};

static struct tiny tiny;
static struct ka_kernel *k;
static ka_addr task, stack;

struct fake_task { int32_t pid, tgid; char comm[16]; uint64_t stack, sp; };
KA_VIEW(fake_task, ("task_struct"), KA_FROM(fake_task, pid, "pid"), KA_FROM(fake_task, tgid, "tgid"), KA_FROM(fake_task, comm, "comm"),
	KA_FROM(fake_task, stack, "stack"), KA_FROM(fake_task, sp, "thread.sp"));

static void task_put(uint64_t stack_at, uint64_t sp)
{
	TINY_WRITE(&tiny, fake_task, task, .pid = 42, .tgid = 42, .comm = "sleeper", .stack = stack_at, .sp = sp);
}

static void words(ka_addr at, const uint64_t *w, size_t n)
{
	for (size_t i = 0; i < n; i++)
		tiny_put(&tiny, at + 8 * i, w[i], 8);
}
#define WORDS(at, ...) words(at, (const uint64_t[]){ __VA_ARGS__ }, KA_COUNT(((const uint64_t[]){ __VA_ARGS__ })))

/* Function and kind of each frame: "2s 3f 4f": __schedule from the start, schedule by frame pointer ... '?' scan, 'p' pt_regs */
static char *text_of(const struct ka_stack *s)
{
	static const char letters[] = {
		[KA_BY_START] = 's', [KA_BY_CFI] = 'c', [KA_BY_ORC] = 'o', [KA_BY_FP] = 'f', [KA_BY_SCAN] = '?', [KA_BY_PT_REGS] = 'p', [KA_BY_CALL] = 'j',
	};
	static char text[16384];
	size_t n = 0;

	text[0] = 0;
	for (size_t i = 0; i < s->count && n < sizeof(text) - 32; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%d%c", i ? " " : "",
				      (int)((s->frames[i].ip - TINY_TEXT) >> 12), letters[s->frames[i].by]);
	return text;
}

static void check_stack(const char *frames, const char *end)
{
	struct ka_arena *a = ka_arena_new();
	struct ka_stack s;
	struct ka_error *err = ka_unwind_task(k, task, a, &s);
	const char *is;

	CHECK_STR(err ? err->message : "ok", "ok");
	ka_error_free(err);
	CHECK_STR(text_of(&s), frames);
	is = s.err ? s.err->message : s.note ? s.note : "";
	if (!strstr(is, end) || (!*end && *is))
		CHECK_STR(is, end);
	for (size_t i = 0; i < s.count; i++) {
		CHECK_INT(s.frames[i].level, i);
		CHECK_INT(s.frames[i].is_guess, s.frames[i].by == KA_BY_FP || s.frames[i].by == KA_BY_SCAN);
		if (i)
			CHECK(s.frames[i].sp > s.frames[i - 1].sp || s.frames[i].stack);
	}
	ka_error_free(s.err);
	ka_arena_free(a);
}

/* A call before each return address, so that a scan takes it for one. */
static uint64_t call_into(unsigned function, unsigned offset)
{
	uint64_t at = FUNCTION(function) + offset;

	tiny_put(&tiny, at - 5, 0xe8, 1);
	return at;
}

/* What __switch_to_asm leaves; "x": as btf_hide() hides it. */
struct inactive { uint64_t bp; ka_addr ret_at, bp_at; };
KA_VIEW(inactive, ("inactive_task_frame", "xnactive_task_frame"),
	KA_FROM(inactive, bp, "bp"), KA_AT(inactive, ret_at, "ret_addr"), KA_AT(inactive, bp_at, "bp"));

static void check_chain(bool is_old)
{
	uint64_t sp = stack + STACK_SIZE - 0x800, top = sp + 0x100, ret_offset = KA_OFFSET(k, inactive, ret_at);

	/* how a task that sleeps was left: in __schedule, whose caller is in schedule ... by rbp */
	if (is_old) {
		/* "pushf; push %rbp; mov %rsi,%rbp; call __switch_to": what lies below the saved rbp is stale */
		static const uint8_t code[] = { 0x9c, 0x55, 0x48, 0x89, 0xf5, 0xe8, 0xf6, 0x4e, 0, 0 };

		for (size_t i = 0; i < sizeof(code); i++)
			tiny_put(&tiny, FUNCTION(2) + 0x100 + i, code[i], 1);
		WORDS(sp - 8, call_into(4, 0x100), top, 0x246);
	} else {
		tiny_put(&tiny, sp + ret_offset, call_into(2, 0x100), 8);
		tiny_put(&tiny, sp + KA_OFFSET(k, inactive, bp_at), top, 8);
	}
	task_put(stack, sp);
	WORDS(top, top + 0x40, call_into(3, 0x20));
	WORDS(top + 0x40, top + 0x80, call_into(4, 0x20));
	WORDS(top + 0x80, 0, call_into(5, 0x20));
	check_stack("2s 3f 4f 5f", "");	/* a chain ends with 0 */
	/* a chain into nowhere: the scan goes on, and what it finds is a guess as well */
	WORDS(top + 0x40, 0x1234, call_into(4, 0x20));
	check_stack("2s 3f 4f 5?", "holds no return address");
	WORDS(top + 0x40, UINT64_MAX - 15, call_into(4, 0x20));
	check_stack("2s 3f 4f 5?", "holds no return address");
	/* to itself, and downwards */
	WORDS(top + 0x40, top + 0x40, call_into(4, 0x20));
	check_stack("2s 3f 4f 5?", "holds no return address");
	WORDS(top + 0x40, top, call_into(4, 0x20));
	check_stack("2s 3f 4f 5?", "holds no return address");
	/* a return address that is no code: neither chain nor scan believe it */
	WORDS(top + 0x40, top + 0x80, 0xffff888000000000);
	check_stack("2s 3f 5?", "holds no return address");
	WORDS(top + 0x40, top + 0x80, TINY_TEXT_END);
	check_stack("2s 3f 5?", "holds no return address");
	/* text behind which there is no call */
	WORDS(top + 0x40, 0, FUNCTION(4) + 0x700);
	WORDS(top + 0x80, 0, 0);
	check_stack("2s 3f 4f", "");
	WORDS(top, 0x10, FUNCTION(3) + 0x700);
	check_stack("2s 3f", "holds no return address");
	WORDS(top, 0, 0);
	check_stack("2s", "holds no return address");
}

static void check_starts(bool is_old)
{
	uint64_t sp = stack + STACK_SIZE - 0x400;

	task_put(0, sp);
	check_stack("", "(no stack)");
	task_put(stack, 0);
	check_stack("", "in no stack");
	task_put(stack, stack - 8);
	check_stack("", "in no stack");
	task_put(stack, stack + STACK_SIZE);
	check_stack("", "in no stack");
	task_put(stack, UINT64_MAX - 7);
	check_stack("", "in no stack");
	task_put(0xdead000000000000, 0xdead000000001000);	/* a stack that is nowhere */
	check_stack("", "leads to no frame");
	task_put(UINT64_MAX - 0xfff, UINT64_MAX - 0x7ff);	/* its end wraps */
	check_stack("", "in no stack");
	if (is_old) {	/* never ran since it was forked: its registers alone */
		uint64_t size;

		CHECK(!ka_error_drop(ka_type_size(k, "pt_regs", &size)));
		WORDS(stack + STACK_SIZE - 8 * 4, 0x33, 0x202, 0x7ffe00000000, 0x2b);
		task_put(stack, stack + STACK_SIZE - size);
		check_stack("8s", "");
	}
	/* the frame reaches over the end of the stack */
	task_put(stack, stack + STACK_SIZE - 8);
	struct ka_arena *a = ka_arena_new();
	struct ka_stack s;
	CHECK(!ka_unwind_task(k, task, a, &s));
	CHECK(s.count <= 1);
	ka_error_free(s.err);
	CHECK(ka_error_drop(ka_unwind_task(k, 0x10, a, &s)));
	ka_arena_free(a);
}

/* Everything on the stack is a return address, or a saved rbp one word above. */
static void check_floods(void)
{
	struct ka_arena *a = ka_arena_new();
	uint64_t sp = stack + 0x100;
	struct ka_stack s;

	for (uint64_t at = stack; at < stack + STACK_SIZE; at += 8)
		tiny_put(&tiny, at, call_into(3, 0x20), 8);
	task_put(stack, sp);
	CHECK(!ka_unwind_task(k, task, a, &s));
	CHECK(s.count <= 1024 && s.count > 100);
	CHECK(s.err);
	ka_error_free(s.err);
	for (uint64_t at = stack; at < stack + STACK_SIZE; at += 16)
		WORDS(at, at + 16, call_into(3, 0x20));
	task_put(stack, (sp & ~15ull) + 24 - KA_OFFSET(k, inactive, ret_at) % 16);	/* so that the switch's return address is one */
	CHECK(!ka_unwind_task(k, task, a, &s));
	CHECK(s.count && s.count <= 1024);
	CHECK(s.err);
	ka_error_free(s.err);
	/* Ctrl-C */
	ka_interrupt_set();
	CHECK(!ka_unwind_task(k, task, a, &s));
	CHECK(s.count == 1 && s.err && s.err->code == KA_INTERRUPTED);
	ka_error_free(s.err);
	ka_interrupt_clear();
	ka_arena_free(a);
	for (uint64_t at = stack; at < stack + STACK_SIZE; at += 8)
		tiny_put(&tiny, at, 0, 8);
}

static void check_ok(struct ka_error *err)
{
	CHECK_STR(err ? err->message : "ok", "ok");
	ka_error_free(err);
}

static void set(struct ka_regs *r, unsigned n, uint64_t v)
{
	r->value[n] = v;
	r->known |= 1ull << n;
}

/* Steps from registers: of a task that ran. */
static void check_steps(void)
{
	struct ka_stacks stacks = {
		.area = { { stack, stack + STACK_SIZE, "task" }, { stack + 0x100000, stack + 0x101000, "IRQ" } }, .count = 2,
	};
	struct ka_arena *a = ka_arena_new();
	uint64_t sp = stack + 0x1000;
	struct ka_regs regs = { 0 };
	struct ka_cursor c, before;
	struct ka_error *err;
	unsigned ip = k->arch->ip_reg, spr = k->arch->sp_reg, fp = k->arch->fp_reg;

	/* a call to 0: only the return address was pushed, all registers are the caller's */
	set(&regs, ip, 0);
	set(&regs, spr, sp);
	set(&regs, fp, sp + 0x20);
	WORDS(sp, call_into(6, 0x30));
	WORDS(sp + 0x20, 0, call_into(5, 0x20));
	ka_cursor_from_regs(k, &regs, &c);
	check_ok(ka_cursor_step(k, &stacks, &c, a));
	CHECK_INT(c.ip, FUNCTION(6) + 0x30);
	CHECK_INT(c.sp, sp + 8);
	CHECK(c.is_call);
	check_ok(ka_cursor_step(k, &stacks, &c, a));
	CHECK_INT(c.ip, FUNCTION(5) + 0x20);
	CHECK_INT(c.by, KA_BY_FP);
	/* where the pointer is in no stack, or not known */
	static const uint64_t bad[] = { 0, 0x1000, 0x7ffd00001000, UINT64_MAX, UINT64_MAX - 7, 0xdead000000000000, TINY_TEXT };
	for (size_t i = 0; i < KA_COUNT(bad); i++) {
		set(&regs, spr, bad[i]);
		set(&regs, ip, 0);
		ka_cursor_from_regs(k, &regs, &c);
		before = c;
		err = ka_cursor_step(k, &stacks, &c, a);
		CHECK(err);
		ka_error_free(err);
		CHECK(!memcmp(&before, &c, sizeof(c)));		/* unchanged */
		set(&regs, ip, FUNCTION(6) + 0x30);
		set(&regs, fp, bad[i]);
		ka_cursor_from_regs(k, &regs, &c);
		err = ka_cursor_step(k, &stacks, &c, a);
		CHECK(err);
		ka_error_free(err);
	}
	memset(&regs, 0, sizeof(regs));
	ka_cursor_from_regs(k, &regs, &c);
	err = ka_cursor_step(k, &stacks, &c, a);
	CHECK(err);
	ka_error_free(err);

	/* an odd rbp marks a struct pt_regs one below it: of the kernel, then of user mode */
	uint64_t pt = sp + 0x200;

	set(&regs, ip, FUNCTION(6) + 0x30);
	set(&regs, spr, sp);
	set(&regs, fp, pt + 1);
	WORDS(pt + 128, FUNCTION(4) + 4, 0x10, 0x46, sp + 0x400, 0x18);
	WORDS(pt + 32, sp + 0x440);		/* rbp */
	WORDS(sp + 0x440, 0, call_into(5, 0x20));
	ka_cursor_from_regs(k, &regs, &c);
	check_ok(ka_cursor_step(k, &stacks, &c, a));
	CHECK_INT(c.ip, FUNCTION(4) + 4);
	CHECK_INT(c.sp, sp + 0x400);
	CHECK(c.pt && c.pt->at == pt && !c.pt->is_user && !c.is_call);
	check_ok(ka_cursor_step(k, &stacks, &c, a));
	CHECK_INT(c.ip, FUNCTION(5) + 0x20);
	WORDS(pt + 128, 0x401000, 0x33, 0x246, 0x7ffd00001000, 0x2b);
	ka_cursor_from_regs(k, &regs, &c);
	check_ok(ka_cursor_step(k, &stacks, &c, a));
	CHECK(c.is_end && c.pt && c.pt->is_user);
	/* a pt_regs that says the stack went down */
	WORDS(pt + 128, FUNCTION(4) + 4, 0x10, 0x46, sp - 8, 0x18);
	ka_cursor_from_regs(k, &regs, &c);
	err = ka_cursor_step(k, &stacks, &c, a);
	CHECK(err || c.by == KA_BY_SCAN);
	ka_error_free(err);
	/* over the end of the stack's memory */
	set(&regs, fp, UINT64_MAX);
	ka_cursor_from_regs(k, &regs, &c);
	ka_error_free(ka_cursor_step(k, &stacks, &c, a));

	/* from the IRQ stack to the task's: told, and the other way round too, so that a loop is counted */
	set(&regs, spr, stack + 0x100800);
	set(&regs, fp, sp + 0x440);
	ka_cursor_from_regs(k, &regs, &c);
	check_ok(ka_cursor_step(k, &stacks, &c, a));
	CHECK_STR(c.left, "IRQ");
	CHECK_INT(c.ip, FUNCTION(5) + 0x20);
	ka_arena_free(a);
}

/* name: of the BTF's own strings, which a kernel of before v4.9 lacks */
static void btf_hide(uint8_t *btf, size_t size, const char *name)
{
	uint8_t *at = memmem(btf, size, name, strlen(name) + 1);

	CHECK(at && !at[-1]);
	if (at)
		*at = 'x';
}

/* What the return address of an overwritten stack is told by. */
static void check_doubts(void)
{
	struct ka_symbol f;
	uint64_t offset, at = FUNCTION(6) + 0x140;
	static const uint8_t nop5[] = { 0x0f, 0x1f, 0x44, 0x00, 0x00 };

	CHECK(!ka_is_doubted(k, call_into(6, 0x40)));
	CHECK(ka_is_doubted(k, FUNCTION(6) + 0x44));		/* follows no call */
	CHECK(ka_is_doubted(k, 0));
	CHECK(ka_is_doubted(k, 0x4141414141414141));
	CHECK(ka_is_doubted(k, stack + 0x40));
	CHECK(ka_is_doubted(k, 0x401000));
	/* a call that was switched off while it ran; but not the padding between functions, which looks the same */
	for (size_t i = 0; i < sizeof(nop5); i++)
		tiny_put(&tiny, at - 5 + i, nop5[i], 1);
	CHECK(!ka_is_doubted(k, at));
	CHECK(ka_symbol_at(k, FUNCTION(6), &f, &offset));
	at = f.addr + f.size + 0x10;
	for (size_t i = 0; i < sizeof(nop5); i++)
		tiny_put(&tiny, at - 5 + i, nop5[i], 1);
	CHECK(ka_is_doubted(k, at));
}

CHECK_MAIN
{
	for (int is_old = 0; is_old < 2; is_old++) {
		struct tiny_options o = { .symbols = symbols };
		uint8_t *btf = tiny_btf_load("6.1.0-50-cloud-amd64", &o.btf_size);

		if (!btf) {
			fprintf(stderr, "testdata/types has no 6.1\n");
			exit(77);
		}
		if (is_old)
			btf_hide(btf, o.btf_size, "inactive_task_frame");
		o.btf = btf;
		tiny_open(&tiny, &o);
		k = tiny.k;
		ka_model_attach(k);
		task = tiny_alloc(&tiny, 16384, 64);
		stack = tiny_alloc(&tiny, STACK_SIZE, STACK_SIZE);
		check_chain(is_old);
		check_starts(is_old);
		check_floods();
		check_steps();
		check_doubts();
		tiny_close(&tiny);
		free(btf);
	}
}
