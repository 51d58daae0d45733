/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Frames of code that an x86_64 kernel made while it ran (BPF programs of several generations, trampolines, slots of probes), the stack on which
 * entries of 4.15 to 5.1 begin, and the tops of stacks of old kernels. Layouts: BTF of a real 5.10 and 6.1.
 */
#include <stdlib.h>
#include <kanalyze/model.h>
#include "check.h"
#include "stacks.h"
#include "tiny.h"

#define FUNCTION(n) (TINY_TEXT + 0x1000 * (uint64_t)(n))
#define MADE 0xffffffffc0380000ull
#define ENTRY_AREA 0xfffffe0000001000ull
#define STACK_SIZE 16384
enum { RBX = 3, RBP = 6, RSP = 7, R12 = 12, R13, R14, R15, RIP };

static const struct tiny_symbol symbols[] = {
	{ "caller", FUNCTION(1), 0x800, 'T' }, { "callee", FUNCTION(2), 0x800, 'T' },
	{ "bpf_kallsyms", TINY_DATA, 16, 'D' }, { "kprobe_optinsn_slots", TINY_DATA + 0x100, 256, 'D' }, { 0 },
};

static struct tiny tiny;
static struct ka_kernel *k;
static ka_addr stack, code;

struct fake_bpf { uint64_t start, end; char name[32]; uint64_t next, prev; };
KA_VIEW(fake_bpf, ("bpf_ksym"), KA_FROM(fake_bpf, start, "start"), KA_FROM(fake_bpf, end, "end"), KA_FROM(fake_bpf, name, "name"),
	KA_FROM(fake_bpf, next, "lnode.next"), KA_FROM(fake_bpf, prev, "lnode.prev"));
struct fake_cache { uint64_t next, prev; ka_addr pages_at; };
KA_VIEW(fake_cache, ("kprobe_insn_cache"), KA_FROM(fake_cache, next, "pages.next"), KA_FROM(fake_cache, prev, "pages.prev"),
	KA_AT(fake_cache, pages_at, "pages"));
struct fake_page { uint64_t next, prev, insns; };
KA_VIEW(fake_page, ("kprobe_insn_page"), KA_FROM(fake_page, next, "list.next"), KA_FROM(fake_page, prev, "list.prev"), KA_FROM(fake_page, insns, "insns"));

/* A program, what it saves where (from the place of the saved rbp), and code offsets at which it is asked. */
struct program {
	const char *name;
	uint8_t code[64];
	uint8_t size;
	uint8_t push;			/* offset of push %rbp */
	uint8_t body, pops;		/* a place in its middle; behind the first of its pops, or at leave without any */
	int8_t bias;
	struct { uint8_t reg; int16_t at; bool is_popped; } saved[5];
};
static const struct program programs[] = {
	{ "keeps nothing", { 0x0f, 0x1f, 0x44, 0, 0, 0x66, 0x90, 0x55, 0x48, 0x89, 0xe5, 0x31, 0xc0, 0x48, 0x83, 0xc0, 1, 0xc9, 0xc3 }, 19, 7, 13, 17, 0, { { 0 } } },
	/* v5.9: endbr64, 16 bytes of its own, the counter of tail calls, rbx and r14 */
	{ "5.9", { 0xf3, 0x0f, 0x1e, 0xfa, 0x55, 0x48, 0x89, 0xe5, 0xf3, 0x0f, 0x1e, 0xfa, 0x48, 0x81, 0xec, 0x10, 0, 0, 0, 0x50, 0x53, 0x41, 0x56, 0x90, 0x90,
	  0x41, 0x5e, 0x5b, 0x58, 0xc9, 0xc3 }, 31, 4, 23, 0, 0, { { RBX, -32, false }, { R14, -40, false } } },
	{ "pops", { 0x55, 0x48, 0x89, 0xe5, 0x48, 0x81, 0xec, 0x10, 0, 0, 0, 0x53, 0x41, 0x55, 0x41, 0x56, 0x41, 0x57, 0x90, 0x90,
	  0x41, 0x5f, 0x41, 0x5e, 0x41, 0x5d, 0x5b, 0xc9, 0xc3 }, 29, 0, 18, 22, 0, { { RBX, -24, false }, { R13, -32, false }, { R14, -40, false }, { R15, -48, true } } },
	/* v6.12: the counter and where it lies */
	{ "6.12", { 0x55, 0x48, 0x89, 0xe5, 0x48, 0x81, 0xec, 8, 0, 0, 0, 0x48, 0x83, 0xf8, 0x21, 0x77, 0x06, 0x50, 0x48, 0x89, 0xe0, 0xeb, 0x02, 0x50, 0x50,
	  0x53, 0x90, 0x90, 0x5b, 0xc9, 0xc3 }, 31, 0, 26, 29, 0, { { RBX, -32, true } } },
	/* v4.13 to v5.2: rbp 40 lower, and registers kept above it */
	{ "4.18", { 0x55, 0x48, 0x89, 0xe5, 0x48, 0x81, 0xec, 0x38, 0, 0, 0, 0x48, 0x83, 0xed, 0x28, 0x48, 0x89, 0x5d, 0, 0x4c, 0x89, 0x6d, 8, 0x4c, 0x89, 0x75, 0x10,
	  0x4c, 0x89, 0x7d, 0x18, 0x31, 0xc0, 0x48, 0x89, 0x45, 0x20, 0x90, 0x90, 0xc9, 0xc3 }, 41, 0, 37, 0, 0x28,
	  { { RBX, -40, false }, { R13, -32, false }, { R14, -24, false }, { R15, -16, false } } },
	/* a trampoline of v6.8: rbx at -0x30; the arguments beside it are no registers that calls keep */
	{ "trampoline", { 0x55, 0x48, 0x89, 0xe5, 0x48, 0x83, 0xec, 0x40, 0x48, 0x89, 0x5d, 0xd0, 0x48, 0x89, 0x7d, 0xe0, 0xb8, 3, 0, 0, 0, 0x90, 0x90, 0xc9, 0xc3 }, 25,
	  0, 21, 0, 0, { { RBX, -0x30, false } } },
};

static ka_addr program_at(size_t i)
{
	return MADE + 0x100 * i;
}

static void put_programs(void)
{
	ka_addr head = TINY_DATA, at = tiny_alloc(&tiny, 8192, 64), prev = head, link = KA_OFFSET(k, fake_bpf, next);

	for (size_t i = 0; i < KA_COUNT(programs); i++, at += 1024) {
		tiny_put_bytes(&tiny, code + 0x100 * i, programs[i].code, programs[i].size);
		TINY_WRITE(&tiny, fake_bpf, at, .start = program_at(i), .end = program_at(i) + programs[i].size, .name = "bpf_prog_x",
			   .next = i + 1 < KA_COUNT(programs) ? at + 1024 + link : head, .prev = prev);
		tiny_put(&tiny, prev, at + link, 8);
		prev = at + link;
	}
}

static void put_slots(void)
{
	ka_addr page = tiny_alloc(&tiny, 256, 64), cache = TINY_DATA + 0x100;

	TINY_WRITE(&tiny, fake_cache, cache, .next = page, .prev = page);
	TINY_WRITE(&tiny, fake_page, page, .next = cache + KA_OFFSET(k, fake_cache, pages_at), .prev = cache + KA_OFFSET(k, fake_cache, pages_at),
		   .insns = MADE + 0x1000);
}

static uint64_t reg_of(const struct ka_cursor *c, unsigned n)
{
	return c->regs.known >> n & 1 ? c->regs.value[n] : 0;
}

/* The program's frame lies below bp; all kept registers hold 0x1000 + their number now, 0x2000 + theirs where they were saved. */
static void step_from(const struct program *p, size_t i, unsigned offset, bool is_call, ka_addr sp, uint64_t bp, struct ka_cursor *c)
{
	struct ka_stacks stacks = { .area = { { stack, stack + STACK_SIZE, "task" } }, .count = 1 };
	static const uint8_t kept[] = { RBX, R12, R13, R14, R15 };
	struct ka_arena *a = ka_arena_new();
	struct ka_regs regs = { 0 };
	struct ka_error *err;

	for (size_t n = 0; n < KA_COUNT(kept); n++) {
		regs.value[kept[n]] = 0x1000u + kept[n];
		regs.known |= 1ull << kept[n];
	}
	regs.value[RIP] = program_at(i) + offset;
	regs.value[RSP] = sp;
	regs.value[RBP] = bp;
	regs.known |= 1ull << RIP | 1ull << RSP | 1ull << RBP;
	ka_cursor_from_regs(k, &regs, c);
	c->is_call = is_call;
	err = ka_cursor_step(k, &stacks, c, a);
	CHECK_STR(err ? err->message : p->name, p->name);
	ka_error_free(err);
	ka_arena_free(a);
}

static void check_caller(const struct ka_cursor *c, ka_addr top, uint64_t bp)
{
	CHECK_INT(c->by, KA_BY_MADE);
	CHECK_INT(c->ip, FUNCTION(1) + 0x100);
	CHECK_INT(c->sp, top + 16);
	CHECK_INT(reg_of(c, RBP), bp);
}

static void check_programs(void)
{
	ka_addr top = stack + STACK_SIZE - 0x400;	/* where rbp is saved; the return address above it */
	uint64_t old = stack + STACK_SIZE - 0x200;
	struct ka_cursor c;

	tiny_put(&tiny, top, old, 8);
	tiny_put(&tiny, top + 8, FUNCTION(1) + 0x100, 8);
	for (size_t i = 0; i < KA_COUNT(programs); i++) {
		const struct program *p = &programs[i];

		for (int at = -96; at < 0; at += 8)
			tiny_put(&tiny, top + (uint64_t)(int64_t)at, 0xbad, 8);
		for (size_t n = 0; n < KA_COUNT(p->saved) && p->saved[n].reg; n++)
			tiny_put(&tiny, top + (uint64_t)(int64_t)p->saved[n].at, 0x2000u + p->saved[n].reg, 8);
		/* nothing was done yet; rbp pushed; in the middle, and called from there; back at the end */
		step_from(p, i, p->push, false, top + 8, old, &c);
		check_caller(&c, top, old);
		CHECK_INT(reg_of(&c, RBX), 0x1000 + RBX);
		step_from(p, i, p->push + 1u, false, top, old, &c);
		check_caller(&c, top, old);
		for (int is_call = 0; is_call < 2; is_call++) {
			step_from(p, i, p->body, is_call, top - 0x60, top - (uint64_t)p->bias, &c);
			check_caller(&c, top, old);
			for (unsigned reg = RBX; reg <= R15; reg = reg == RBX ? R12 : reg + 1) {
				uint64_t is = 0x1000 + reg;

				for (size_t n = 0; n < KA_COUNT(p->saved); n++)
					if (p->saved[n].reg == reg)
						is = 0x2000 + reg;
				CHECK_INT(reg_of(&c, reg), is);
			}
		}
		if (!p->pops)
			continue;
		step_from(p, i, p->pops, false, top - 0x20, top - (uint64_t)p->bias, &c);
		check_caller(&c, top, old);
		for (size_t n = 0; n < KA_COUNT(p->saved) && p->saved[n].reg; n++)
			CHECK_INT(reg_of(&c, p->saved[n].reg), (p->saved[n].is_popped ? 0x1000u : 0x2000u) + p->saved[n].reg);
	}
}

/* A slot has put all registers on the stack before it calls the probe's handler. */
static void check_optprobe(void)
{
	struct ka_stacks stacks = { .area = { { stack, stack + STACK_SIZE, "task" } }, .count = 1 };
	ka_addr sp = stack + STACK_SIZE - 0x800;
	struct ka_arena *a = ka_arena_new();
	struct ka_regs regs = { .known = 1ull << RIP | 1ull << RSP };
	struct ka_error *err;
	struct ka_cursor c;

	tiny_put(&tiny, sp + 40, 0x5b, 8);			/* rbx */
	tiny_put(&tiny, sp + 128, FUNCTION(1) + 0x31, 8);	/* ip, cs, flags, sp */
	tiny_put(&tiny, sp + 136, 0x10, 8);
	tiny_put(&tiny, sp + 144, 0x46, 8);
	tiny_put(&tiny, sp + 152, sp + 168, 8);
	regs.value[RIP] = MADE + 0x1040;
	regs.value[RSP] = sp;
	ka_cursor_from_regs(k, &regs, &c);
	c.is_call = true;
	err = ka_cursor_step(k, &stacks, &c, a);
	CHECK(!err && c.pt);
	CHECK_INT(c.by, KA_BY_MADE);
	CHECK_INT(c.ip, FUNCTION(1) + 0x31);
	CHECK_INT(c.sp, sp + 168);
	CHECK_INT(reg_of(&c, RBX), 0x5b);
	ka_error_free(err);
	ka_arena_free(a);
}

/* Without a variable that leads to the exception stacks: the entry stack is in a fixed area, one a CPU. */
static void check_entry_stack(void)
{
	struct ka_stack_place places[KA_STACK_PLACES];
	struct ka_member m;
	uint64_t size;
	bool is_there = false;

	CHECK(!ka_error_drop(ka_type_size(k, "cpu_entry_area", &size)) && !ka_error_drop(ka_type_member(k, "cpu_entry_area", "entry_stack_page", &m)));
	for (unsigned cpu = 0; cpu < 2; cpu++) {
		unsigned n = ka_cpu_stack_places(k, cpu, places);

		is_there = false;
		for (unsigned i = 0; i < n; i++) {
			if (strcmp(places[i].name, "ENTRY"))
				continue;
			is_there = true;
			CHECK_INT(places[i].start, ENTRY_AREA + cpu * size + m.offset);
			CHECK_INT(places[i].end, places[i].start + 4096);
		}
		CHECK(is_there);
	}
}

/* RHEL 6 and 7: kernel threads began with a return address of 0 at the top, whatever rbp had been; and the IRQ stack's registers lie a word further. */
static void check_old_tops(void)
{
	struct ka_stacks stacks = { .area = { { stack, stack + STACK_SIZE, "task" } }, .count = 1 };
	ka_addr top = stack + STACK_SIZE - 168 - 16, at = stack + 0x800;
	struct ka_arena *a = ka_arena_new();
	struct ka_regs regs = { .known = 1ull << RIP | 1ull << RSP | 1ull << RBP };
	struct ka_error *err;
	struct ka_cursor c;

	for (ka_addr w = top; w < stack + STACK_SIZE; w += 8)
		tiny_put(&tiny, w, 0, 8);
	tiny_put(&tiny, top, 0x1234, 8);
	regs.value[RIP] = FUNCTION(2) + 0x10;
	regs.value[RSP] = top - 0x20;
	regs.value[RBP] = top;
	ka_cursor_from_regs(k, &regs, &c);
	c.is_call = true;
	err = ka_cursor_step(k, &stacks, &c, a);
	CHECK(!err && c.is_end && !c.pt);
	ka_error_free(err);
	/* farther down it is no end */
	tiny_put(&tiny, at, 0x1234, 8);
	tiny_put(&tiny, at + 8, 0, 8);
	regs.value[RSP] = at - 0x20;
	regs.value[RBP] = at;
	ka_cursor_from_regs(k, &regs, &c);
	c.is_call = true;
	err = ka_cursor_step(k, &stacks, &c, a);
	CHECK(err || !c.is_end);
	ka_error_free(err);

	for (ka_addr w = at; w < at + 256; w += 8)
		tiny_put(&tiny, w, 0, 8);
	for (unsigned further = 0; further <= 8; further += 8) {
		tiny_put(&tiny, at + further + 128, FUNCTION(1) + 4, 8);
		tiny_put(&tiny, at + further + 136, 0x10, 8);
		tiny_put(&tiny, at + further + 144, 0x246, 8);
		tiny_put(&tiny, at + further + 152, stack + 0xf00, 8);
		tiny_put(&tiny, at + further + 160, 0x18, 8);
		CHECK_INT(ka_entry_regs(k, at), at + further);
		tiny_put(&tiny, at + further + 144, 0, 8);
		CHECK_INT(ka_entry_regs(k, at), at);		/* neither: as the CFI says */
	}
	ka_arena_free(a);
}

CHECK_MAIN
{
	static const char *const releases[] = { "5.10.0-43-cloud-amd64", "6.1.0-50-cloud-amd64" };

	for (size_t i = 0; i < KA_COUNT(releases); i++) {
		struct tiny_options o = { .symbols = symbols };
		uint8_t *btf = tiny_btf_load(releases[i], &o.btf_size);

		if (!btf) {
			fprintf(stderr, "testdata/types has no %s\n", releases[i]);
			exit(77);
		}
		o.btf = btf;
		tiny_open(&tiny, &o);
		k = tiny.k;
		ka_model_attach(k);
		stack = tiny_alloc(&tiny, STACK_SIZE, STACK_SIZE);
		code = tiny_alloc(&tiny, 8192, 4096);
		tiny_map(&tiny, MADE, tiny_phys(code), 4096);
		tiny_map(&tiny, MADE + 4096, tiny_phys(code) + 4096, 4096);
		tiny_put(&tiny, FUNCTION(1) + 0xfb, 0xe8, 1);	/* the call before the return address */
		put_programs();
		put_slots();
		check_programs();
		check_optprobe();
		check_entry_stack();
		check_old_tops();
		tiny_close(&tiny);
		free(btf);
	}
}
