/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Return addresses that the function graph tracer and return probes hid, in the forms that kernels keep the true ones in;
 * and code that the kernel made while it ran. Layouts: BTF of real kernels.
 */
#include <stdlib.h>
#include <kanalyze/model.h>
#include <kanalyze/module.h>
#include "check.h"
#include "stacks.h"
#include "tiny.h"

#define FUNCTION(n) (TINY_TEXT + 0x1000 * (uint64_t)(n))
#define MADE 0xffffffffc0380000ull

static struct tiny tiny;
static struct ka_kernel *k;

struct fake_task { uint64_t ret_stack; int32_t at; ka_addr probes_at; };
KA_VIEW(fake_task, ("task_struct"), KA_FROM(fake_task, ret_stack, "ret_stack"), KA_FROM(fake_task, at, "curr_ret_stack"),
	KA_AT_MAYBE(fake_task, probes_at, "rethooks"));
struct fake_entry { uint64_t ret, place; };
KA_VIEW(fake_entry, ("ftrace_ret_stack"), KA_FROM(fake_entry, ret, "ret"), KA_FROM(fake_entry, place, "retp"));
struct fake_hook { uint64_t ret, place, next; ka_addr next_at; };
KA_VIEW(fake_hook, ("rethook_node"), KA_MAYBE(fake_hook, ret, "ret_addr"), KA_MAYBE(fake_hook, place, "frame"),
	KA_MAYBE(fake_hook, next, "llist.next"), KA_AT_MAYBE(fake_hook, next_at, "llist"));
struct fake_probe { uint64_t ret, place, next, task; };
KA_VIEW(fake_probe, ("kretprobe_instance"), KA_MAYBE(fake_probe, ret, "ret_addr"), KA_MAYBE(fake_probe, place, "fp"),
	KA_MAYBE(fake_probe, next, "hlist.next"), KA_MAYBE(fake_probe, task, "task"));
struct fake_bpf { uint64_t start, end; char name[32]; uint64_t next, prev; };
KA_VIEW(fake_bpf, ("bpf_ksym"), KA_FROM(fake_bpf, start, "start"), KA_FROM(fake_bpf, end, "end"), KA_FROM(fake_bpf, name, "name"),
	KA_FROM(fake_bpf, next, "lnode.next"), KA_FROM(fake_bpf, prev, "lnode.prev"));

static ka_addr task;
static ka_addr handler, probe;

static const struct tiny_symbol symbols[] = {
	{ "return_to_handler", FUNCTION(1), 0x40, 'T' }, { "kretprobe_trampoline", FUNCTION(2), 0x40, 'T' }, { "f", FUNCTION(3), 0x800, 'T' },
	{ "kretprobe_inst_table", TINY_DATA, 512, 'B' }, { "bpf_kallsyms", TINY_DATA + 0x400, 16, 'D' }, { 0 },
};

static void check_true(uint64_t v, ka_addr slot, struct ka_hidden_used *used, uint64_t is)
{
	uint64_t ret = 0;
	bool found = ka_unhide(k, task, &(struct ka_hidden_place){ .slot = slot, .sp = slot + 8 }, used, v, &ret);

	CHECK_INT(found, is != 0);
	CHECK_INT(ret, is);
}

/* A shadow stack of three frames, the oldest first; the newest of 6.12 followed by two words of a tracer. */
static void put_shadow(bool is_words)
{
	uint64_t size = ka_view_size(k, &ka_view_fake_entry), at = 0;
	ka_addr base = tiny_alloc(&tiny, 4096, 64);

	for (unsigned i = 0; i < 3; i++) {
		TINY_WRITE(&tiny, fake_entry, base + at, .ret = i == 1 ? probe : FUNCTION(3) + 0x10 * (i + 1), .place = 0x1000 * (3 - i));
		at += size;
		if (!is_words)
			continue;
		if (i == 2) {	/* type bits above the low ten, and a bitmap */
			tiny_put(&tiny, base + at, 3ull << 12 | 1 << 10 | size / 8, 8);
			tiny_put(&tiny, base + at + 8, 0xdead, 8);
			tiny_put(&tiny, base + at + 16, 2 << 10 | (size / 8 + 2), 8);
			at += 24;
		} else {
			tiny_put(&tiny, base + at, 1 << 10 | size / 8, 8);
			at += 8;
		}
	}
	TINY_WRITE(&tiny, fake_task, task, .ret_stack = base, .at = is_words ? (int32_t)(at / 8) : 2);
}

/* Return probes on frame 0x2000 (two of them) and 0x4000. */
static void put_probes(bool is_rethook)
{
	ka_addr at[3], first;

	for (unsigned i = 0; i < 3; i++)
		at[i] = tiny_alloc(&tiny, 256, 64);
	for (unsigned i = 0; i < 3; i++) {
		uint64_t ret = i == 0 ? probe : FUNCTION(3) + 0x100 * (i + 1), place = i < 2 ? 0x2000 : 0x4000;
		ka_addr next = i == 2 ? 0 : at[i + 1];

		if (is_rethook)
			TINY_WRITE(&tiny, fake_hook, at[i], .ret = ret, .place = place, .next = next ? next + KA_OFFSET(k, fake_hook, next_at) : 0);
		else
			TINY_WRITE(&tiny, fake_probe, at[i], .ret = ret, .place = place, .next = next, .task = task);
	}
	first = at[0];
	if (is_rethook) {
		tiny_put(&tiny, task + KA_OFFSET(k, fake_task, probes_at), first + KA_OFFSET(k, fake_hook, next_at), 8);
		return;
	}
	/* another task's is in the same bucket */
	ka_addr other = tiny_alloc(&tiny, 256, 64);

	TINY_WRITE(&tiny, fake_probe, other, .ret = FUNCTION(3), .place = 0x2000, .next = first, .task = task + 64);
	tiny_put(&tiny, TINY_DATA + 7 * 8, other, 8);
}

static void check_hidden(void)
{
	struct ka_hidden_used used = { 0 }, late = { 0 };

	const struct ka_hidden_names *n = ka_hidden_names(k);

	CHECK(ka_is_hidden(n, handler) && ka_is_hidden(n, probe) && !ka_is_hidden(n, FUNCTION(3)) && !ka_is_hidden(n, 0));
	check_true(FUNCTION(3), 0x1000, &used, 0);		/* is true itself */
	check_true(handler, 0x1000, &used, FUNCTION(3) + 0x30);
	check_true(handler, 0x2000, &used, FUNCTION(3) + 0x200);	/* tracer, probe and probe on one address */
	check_true(handler, 0x2000, &used, 0);			/* all of that frame are passed */
	check_true(handler, 0x3000, &used, FUNCTION(3) + 0x10);
	check_true(probe, 0x4000, &used, FUNCTION(3) + 0x300);
	check_true(probe, 0x4000, &used, 0);
	/* unwinding that began in the middle */
	check_true(handler, 0x3000, &late, FUNCTION(3) + 0x10);
	check_true(handler, 0x3008, &late, 0);
}

static void check_damage(bool is_words)
{
	struct ka_hidden_used used = { 0 };

	TINY_WRITE(&tiny, fake_task, task, .ret_stack = 0xdead000000000000, .at = 3);
	check_true(handler, 0x1000, &used, 0);
	TINY_WRITE(&tiny, fake_task, task, .ret_stack = task, .at = INT32_MAX);
	check_true(handler, 0x1000, &used, 0);
	TINY_WRITE(&tiny, fake_task, task, .ret_stack = task, .at = -1);
	check_true(handler, 0x1000, &used, 0);
	if (is_words) {		/* a word that leads nowhere, and one that leads too far back */
		ka_addr base = tiny_alloc(&tiny, 4096, 64);

		TINY_WRITE(&tiny, fake_task, task, .ret_stack = base, .at = 5);
		check_true(handler, 0x1000, &used, 0);
		tiny_put(&tiny, base + 32, 0x3ff, 8);
		check_true(handler, 0x1000, &used, 0);
	}
	/* probes in a circle */
	struct ka_hidden_used again = { 0 };
	ka_addr loop = tiny_alloc(&tiny, 256, 64);

	if (is_words) {
		TINY_WRITE(&tiny, fake_hook, loop, .ret = FUNCTION(3), .place = 0x5000, .next = loop + KA_OFFSET(k, fake_hook, next_at));
		tiny_put(&tiny, task + KA_OFFSET(k, fake_task, probes_at), loop + KA_OFFSET(k, fake_hook, next_at), 8);
		check_true(probe, 0x6000, &again, 0);
	}
}

static void put_bpf(void)
{
	static const struct { uint64_t start, end; const char *name; } made[] = {
		{ MADE + 0x40, MADE + 0x80, "bpf_prog_0123456789abcdef_one" }, { MADE + 0x80, MADE + 0xc0, "bpf_trampoline_42" },
		{ 0x1000, 0x2000, "user" }, { MADE + 0x200, MADE + 0x100, "reversed" }, { TINY_TEXT, TINY_TEXT + 64, "in_the_image" },
	};
	ka_addr head = TINY_DATA + 0x400, at = tiny_alloc(&tiny, 8192, 64), link = KA_OFFSET(k, fake_bpf, next), prev = head;

	for (size_t i = 0; i < KA_COUNT(made); i++, at += 1024) {
		TINY_WRITE(&tiny, fake_bpf, at, .start = made[i].start, .end = made[i].end, .next = i + 1 < KA_COUNT(made) ? at + 1024 + link : head, .prev = prev);
		tiny_put_bytes(&tiny, at + KA_OFFSET(k, fake_bpf, name), made[i].name, strlen(made[i].name) + 1);
		tiny_put(&tiny, prev, at + link, 8);
		prev = at + link;
	}
}

static void check_made(void)
{
	struct ka_symbol s = { 0 };
	uint64_t offset = 0;

	CHECK(ka_symbol_at(k, MADE + 0x47, &s, &offset));
	CHECK_STR(s.name, "bpf_prog_0123456789abcdef_one");
	CHECK_STR(s.module, "bpf");
	CHECK_INT(offset, 7);
	CHECK(ka_is_text(k, MADE + 0x80) && !ka_is_text(k, MADE + 0xc0) && !ka_is_text(k, MADE + 0x3f) && !ka_is_text(k, 0x1800));
	CHECK(!ka_error_drop(ka_symbol_find(k, "bpf_trampoline_42", &s)));
	CHECK_INT(s.addr, MADE + 0x80);
	CHECK_INT(s.size, 0x40);
	CHECK_INT(ka_symbol_count(k, "bpf"), 2);
	CHECK_INT(ka_symbol_count(k, "__builtin__ftrace"), 0);
	CHECK_STR(ka_made_group(0), "bpf");
	CHECK(!ka_made_group(3));
}

CHECK_MAIN
{
	static const struct { const char *release; bool is_words, is_rethook; } kernels[] = {
		{ "5.10.0-43-cloud-amd64", false, false }, { "6.1.0-50-cloud-amd64", false, true }, { "6.12.95+deb12-cloud-amd64", true, true },
	};

	for (size_t i = 0; i < KA_COUNT(kernels); i++) {
		struct tiny_options o = { .symbols = symbols };
		uint8_t *btf = tiny_btf_load(kernels[i].release, &o.btf_size);

		if (!btf) {
			fprintf(stderr, "testdata/types has no %s\n", kernels[i].release);
			exit(77);
		}
		o.btf = btf;
		tiny_open(&tiny, &o);
		k = tiny.k;
		ka_model_attach(k);
		handler = FUNCTION(1);
		probe = FUNCTION(2);
		task = tiny_alloc(&tiny, 16384, 64);
		put_bpf();
		check_made();
		put_shadow(kernels[i].is_words);
		put_probes(kernels[i].is_rethook);
		check_hidden();
		check_damage(kernels[i].is_words);
		tiny_close(&tiny);
		free(btf);
	}
}
