/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * User-space stacks made up here: chains of frame pointers, signals, calls to nowhere, 32-bit tasks, pages that lack, and damage.
 * Nothing hangs, and what ended a stack is told. Layouts: BTF of a real 5.10.
 */
#include <stdio.h>
#include <stdlib.h>
#include <kanalyze/model.h>
#include <kanalyze/user_stack.h>
#include "check.h"
#include "stacks.h"
#include "tiny.h"

#define STACK_SIZE 16384
#define CODE 0x400000ull
#define USER_STACK 0x7ffd00000000ull	/* two pages, and one behind them that is not in the dump */
#define SP (USER_STACK + 0x100)

struct fake_task { int32_t pid, tgid; char comm[16]; uint64_t stack, sp, mm; };
KA_VIEW(fake_task, ("task_struct"), KA_FROM(fake_task, pid, "pid"), KA_FROM(fake_task, tgid, "tgid"), KA_FROM(fake_task, comm, "comm"),
	KA_FROM(fake_task, stack, "stack"), KA_FROM(fake_task, sp, "thread.sp"), KA_FROM(fake_task, mm, "mm"));
struct fake_mm { uint64_t pgd, first; };
KA_VIEW(fake_mm, ("mm_struct"), KA_FROM(fake_mm, pgd, "pgd"), KA_FROM(fake_mm, first, "mmap"));
struct fake_area { uint64_t start, end, flags, next, mm; };
KA_VIEW(fake_area, ("vm_area_struct"), KA_FROM(fake_area, start, "vm_start"), KA_FROM(fake_area, end, "vm_end"), KA_FROM(fake_area, flags, "vm_flags"),
	KA_FROM(fake_area, next, "vm_next"), KA_FROM(fake_area, mm, "vm_mm"));

static struct tiny tiny;
static struct ka_kernel *k;
static ka_addr task, stack, code, user_stack;

static void put(uint64_t at, uint64_t v, unsigned size)
{
	ka_addr to = at >= USER_STACK ? user_stack + (at - USER_STACK) : code + (at - CODE);

	tiny_put(&tiny, to, v, size);
}

/* Saved at the entry into the kernel: at the top of the kernel's stack. */
static void enter(uint64_t ip, uint64_t sp, uint64_t bp, uint64_t cs)
{
	ka_addr at = stack + STACK_SIZE - 168;

	tiny_put(&tiny, at + 32, bp, 8);
	tiny_put(&tiny, at + 128, ip, 8);
	tiny_put(&tiny, at + 136, cs, 8);
	tiny_put(&tiny, at + 144, 0x246, 8);
	tiny_put(&tiny, at + 152, sp, 8);
	tiny_put(&tiny, at + 160, 0x2b, 8);
}

/* Where each frame is, and by whom it was found: "100s 200f". */
static void check(const char *frames, const char *end)
{
	static const char letters[] = { [KA_BY_START] = 's', [KA_BY_CFI] = 'c', [KA_BY_FP] = 'f', [KA_BY_PT_REGS] = 'p', [KA_BY_CALL] = 'j' };
	struct ka_arena *a = ka_arena_new();
	struct ka_user_stack st;
	struct ka_error *err = ka_unwind_user(k, task, NULL, a, &st);
	char text[4096] = "";
	size_t n = 0;

	CHECK_STR(err ? err->message : "ok", "ok");
	ka_error_free(err);
	for (size_t i = 0; i < st.count && n < sizeof(text) - 32; i++) {
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%llx%c", i ? " " : "", (unsigned long long)(st.frames[i].ip - CODE),
				      letters[st.frames[i].by]);
		CHECK_INT(st.frames[i].is_guess, st.frames[i].by == KA_BY_FP || st.frames[i].by == KA_BY_CALL);
		CHECK_INT(st.frames[i].is_signal, st.frames[i].by == KA_BY_PT_REGS);
	}
	if (frames)
		CHECK_STR(text, frames);
	if (!st.end || !strstr(st.end, end))
		CHECK_STR(st.end, end);
	ka_arena_free(a);
}

static void frame(uint64_t at, uint64_t prev, uint64_t ret)
{
	put(at, prev, 8);
	put(at + 8, ret, 8);
}

static void check_chains(void)
{
	enter(CODE + 0x100, SP, SP + 0x20, 0x33);
	frame(SP + 0x20, SP + 0x80, CODE + 0x200);
	frame(SP + 0x80, SP + 0x90, CODE + 0x300);
	frame(SP + 0x90, 0, CODE + 0x400);
	check("100s 200f 300f 400f", "(end)");
	frame(SP + 0x90, SP + 0x200, 0);		/* a return address of 0 ends it, too */
	check("100s 200f 300f", "(end)");
	frame(SP + 0x80, SP + 0x80, CODE + 0x300);	/* to itself, downwards, to nowhere, into code */
	check("100s 200f 300f", "frame pointer leads to no caller");
	frame(SP + 0x80, SP + 0x20, CODE + 0x300);
	check("100s 200f 300f", "frame pointer leads to no caller");
	frame(SP + 0x80, 0x1234567, CODE + 0x300);
	check("100s 200f 300f", "frame pointer leads to no caller");
	frame(SP + 0x80, USER_STACK + 0x2010, CODE + 0x300);	/* a page that lacks */
	check("100s 200f 300f", "frame pointer leads to no caller");
	frame(SP + 0x80, SP + 0x90, USER_STACK + 0x10);	/* a return into the stack */
	check("100s 200f", "frame pointer leads to no caller");
	frame(SP + 0x80, SP + 0x90, UINT64_MAX);
	check("100s 200f", "frame pointer leads to no caller");
	enter(CODE + 0x100, SP, UINT64_MAX - 7, 0x33);
	check("100s", "frame pointer leads to no caller");
	enter(CODE + 0x100, 0x10, SP + 0x20, 0x33);
	check("100s", "frame pointer leads to no caller");
}

static void check_calls(void)
{
	/* a call to 0, and to data: the caller is where it left */
	put(SP, CODE + 0x500, 8);
	frame(SP + 0x20, 0, CODE + 0x600);
	enter(8, SP, SP + 0x20, 0x33);
	check(NULL, "(end)");
	enter(USER_STACK + 8, SP, SP + 0x20, 0x33);
	check(NULL, "(end)");
	put(SP, 0x99, 8);
	check(NULL, "is no code, and no caller is known");
}

static void check_signal(void)
{
	static const uint8_t sigreturn[] = { 0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0, 0x0f, 0x05 };
	uint64_t context = SP + 0x40;

	for (size_t i = 0; i < sizeof(sigreturn); i++)
		put(CODE + 0x800 + i, sigreturn[i], 1);
	/* the handler's frame, whose caller is that code; what the signal interrupted, on a stack below */
	enter(CODE + 0x700, SP, SP + 0x30, 0x33);
	frame(SP + 0x30, SP + 0x500, CODE + 0x800);
	put(context + 40 + 8 * 10, USER_STACK + 0x60, 8);	/* rbp */
	put(context + 40 + 8 * 15, USER_STACK + 0x50, 8);	/* rsp */
	put(context + 40 + 8 * 16, CODE + 0x100, 8);
	frame(USER_STACK + 0x60, 0, CODE + 0x200);
	check("700s 800f 100p 200f", "(end)");
	put(context + 40 + 8 * 15, 0x10, 8);			/* a stack that is nowhere */
	check("700s 800f 100p", "frame pointer leads to no caller");
}

static void check_32(void)
{
	enter(CODE + 0x100, 0xff800100, 0xff800120, 0x23);
	check("100s", "frame pointer leads to no caller");		/* no such stack */
	/* low words of this stack's addresses: a 32-bit task has its stack below 4 GB, where nothing is mapped here */
	enter(CODE + 0x100, CODE + 0x900, CODE + 0x910, 0x23);
	put(CODE + 0x910, CODE + 0x920, 4);
	put(CODE + 0x914, CODE + 0x200, 4);
	put(CODE + 0x920, 0, 4);
	put(CODE + 0x924, CODE + 0x300, 4);
	check("100s 200f 300f", "(end)");
}

static void check_flood(void)
{
	for (uint64_t at = USER_STACK + 0x10; at < USER_STACK + 0x1ff0; at += 16)
		frame(at, at + 16, CODE + 0x200);
	enter(CODE + 0x100, USER_STACK + 8, USER_STACK + 0x10, 0x33);
	check(NULL, "(end)");
	/* Ctrl-C */
	struct ka_arena *a = ka_arena_new();
	struct ka_user_stack st;

	ka_interrupt_set();
	ka_error_drop(ka_unwind_user(k, task, NULL, a, &st));
	CHECK(st.count <= 1);
	ka_interrupt_clear();
	CHECK(ka_error_drop(ka_unwind_user(k, 0x10, NULL, a, &st)));
	ka_arena_free(a);
}

CHECK_MAIN
{
	struct tiny_options o = { 0 };
	uint8_t *btf = tiny_btf_load("5.10.0-43-cloud-amd64", &o.btf_size);
	ka_addr mm, area[2];

	if (!btf) {
		fprintf(stderr, "testdata/types has no 5.10\n");
		exit(77);
	}
	o.btf = btf;
	tiny_open(&tiny, &o);
	k = tiny.k;
	ka_model_attach(k);
	task = tiny_alloc(&tiny, 16384, 64);
	stack = tiny_alloc(&tiny, STACK_SIZE, STACK_SIZE);
	code = tiny_alloc(&tiny, 4096, 4096);
	user_stack = tiny_alloc(&tiny, 8192, 4096);
	mm = tiny_alloc(&tiny, 4096, 64);
	area[0] = tiny_alloc(&tiny, 512, 64);
	area[1] = tiny_alloc(&tiny, 512, 64);
	tiny_map(&tiny, CODE, tiny_phys(code), 4096);
	tiny_map(&tiny, USER_STACK, tiny_phys(user_stack), 4096);
	tiny_map(&tiny, USER_STACK + 4096, tiny_phys(user_stack) + 4096, 4096);
	TINY_WRITE(&tiny, fake_mm, mm, .pgd = TINY_DIRECT + k->layout.pgd_phys, .first = area[0]);
	TINY_WRITE(&tiny, fake_area, area[0], .start = CODE, .end = CODE + 4096, .flags = 5, .next = area[1], .mm = mm);
	TINY_WRITE(&tiny, fake_area, area[1], .start = USER_STACK, .end = USER_STACK + 3 * 4096, .flags = 3, .mm = mm);
	TINY_WRITE(&tiny, fake_task, task, .pid = 42, .tgid = 42, .comm = "user", .stack = stack, .sp = 0, .mm = mm);
	check_chains();
	check_calls();
	check_signal();
	check_32();
	check_flood();
	TINY_WRITE(&tiny, fake_task, task, .pid = 42, .tgid = 42, .comm = "user", .stack = stack, .sp = 0, .mm = 0);
	check("", "no user memory");
	tiny_close(&tiny);
	free(btf);
}
