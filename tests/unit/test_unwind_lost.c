/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A sleeping task whose saved stack pointer is lost: where it left the CPU is found by what other tasks left on their stacks there.
 * Layouts: BTF of a real 6.1. Without ORC, what is found is a guess, and says so.
 */
#include <stdio.h>
#include <stdlib.h>
#include <kanalyze/model.h>
#include "check.h"
#include "stacks.h"
#include "tiny.h"

#define FUNCTION(n) (TINY_TEXT + 0x1000 * (uint64_t)(n))
#define STACK_SIZE 16384
#define INIT_TASK (TINY_DATA + 0x8000)

static const struct tiny_symbol symbols[] = {
	{ "__schedule", FUNCTION(2), 0x800, 'T' }, { "schedule", FUNCTION(3), 0x800, 'T' }, { "do_wait", FUNCTION(4), 0x800, 'T' },
	{ "init_task", INIT_TASK, 16384, 'D' }, { 0 },
};

struct fake_task { int32_t pid, tgid; char comm[16]; uint64_t stack, sp, parent, signal, next, prev; };
KA_VIEW(fake_task, ("task_struct"), KA_FROM(fake_task, pid, "pid"), KA_FROM(fake_task, tgid, "tgid"), KA_FROM(fake_task, comm, "comm"),
	KA_FROM(fake_task, stack, "stack"), KA_FROM(fake_task, sp, "thread.sp"), KA_FROM(fake_task, parent, "real_parent"),
	KA_FROM(fake_task, signal, "signal"), KA_FROM(fake_task, next, "tasks.next"), KA_FROM(fake_task, prev, "tasks.prev"));
struct inactive { uint64_t bp; ka_addr ret_at, bp_at; };
KA_VIEW(inactive, ("inactive_task_frame"), KA_FROM(inactive, bp, "bp"), KA_AT(inactive, ret_at, "ret_addr"), KA_AT(inactive, bp_at, "bp"));

static struct tiny tiny;
static struct ka_kernel *k;
static ka_addr sample, lost, signal_struct, sample_stack, lost_stack;

static uint64_t call_into(unsigned function, unsigned offset)
{
	tiny_put(&tiny, FUNCTION(function) + offset - 5, 0xe8, 1);
	return FUNCTION(function) + offset;
}

/* What a switch leaves at sp, and a chain of two callers. */
static void put_switch(uint64_t sp, uint64_t ret)
{
	uint64_t top = sp + 0x100;

	tiny_put(&tiny, sp + KA_OFFSET(k, inactive, ret_at), ret, 8);
	tiny_put(&tiny, sp + KA_OFFSET(k, inactive, bp_at), top, 8);
	tiny_put(&tiny, top, top + 0x40, 8);
	tiny_put(&tiny, top + 8, call_into(3, 0x20), 8);
	tiny_put(&tiny, top + 0x40, 0, 8);
	tiny_put(&tiny, top + 0x48, call_into(4, 0x20), 8);
}

static void check(size_t frames, ka_addr at, const char *note)
{
	struct ka_arena *a = ka_arena_new();
	struct ka_stack s;
	struct ka_error *err = ka_unwind_task(k, lost, a, &s);

	CHECK_STR(err ? err->message : "ok", "ok");
	ka_error_free(err);
	CHECK_INT(s.count, frames);
	CHECK(s.note && strstr(s.note, note));
	for (size_t i = 0; i < s.count; i++)
		CHECK(s.frames[i].is_guess);
	if (s.count)
		CHECK_INT(s.frames[0].ret_at, at);
	ka_error_free(s.err);
	ka_arena_free(a);
}

CHECK_MAIN
{
	struct tiny_options o = { .symbols = symbols };
	uint8_t *btf = tiny_btf_load("6.1.0-50-cloud-amd64", &o.btf_size);
	uint64_t ret, link, at;

	if (!btf) {
		fprintf(stderr, "testdata/types has no 6.1\n");
		exit(77);
	}
	o.btf = btf;
	tiny_open(&tiny, &o);
	k = tiny.k;
	ka_model_attach(k);
	sample = tiny_alloc(&tiny, 16384, 64);
	lost = tiny_alloc(&tiny, 16384, 64);
	signal_struct = tiny_alloc(&tiny, 4096, 64);
	sample_stack = tiny_alloc(&tiny, STACK_SIZE, STACK_SIZE);
	lost_stack = tiny_alloc(&tiny, STACK_SIZE, STACK_SIZE);
	ret = call_into(2, 0x100);
	link = KA_OFFSET(k, fake_task, next);
	TINY_WRITE(&tiny, fake_task, INIT_TASK, .comm = "swapper", .parent = INIT_TASK, .signal = signal_struct, .next = sample + link, .prev = sample + link);
	TINY_WRITE(&tiny, fake_task, sample, .pid = 7, .tgid = 7, .comm = "sample", .stack = sample_stack, .sp = sample_stack + 0x3000,
		   .parent = INIT_TASK, .signal = signal_struct, .next = INIT_TASK + link, .prev = INIT_TASK + link);
	put_switch(sample_stack + 0x3000, ret);
	TINY_WRITE(&tiny, fake_task, lost, .pid = 9, .tgid = 9, .comm = "lost", .stack = lost_stack, .sp = 0xdead000000000000, .parent = INIT_TASK);

	/* nothing on its stack: no frames */
	check(0, 0, "is in no stack");
	/* the highest place is the one: what lies below is stale */
	at = lost_stack + 0x2000;
	put_switch(lost_stack + 0x1000, ret);
	put_switch(at, ret);
	check(3, at + KA_OFFSET(k, inactive, ret_at), "guessed from a place where it once left the CPU");
	/* another address into the scheduler is none that a switch leaves */
	put_switch(at, call_into(2, 0x180));
	check(3, lost_stack + 0x1000 + KA_OFFSET(k, inactive, ret_at), "guessed from a place");
	tiny_close(&tiny);
	free(btf);
}
