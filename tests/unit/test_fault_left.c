/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What modules that are gone left in lists of the kernel, and what rwlocks say of themselves. Layouts: BTF of a real 6.1 and of its PREEMPT_RT. */
#include <stdlib.h>
#include <kanalyze/model.h>
#include <kanalyze/regions.h>
#include <kanalyze/type.h>
#include "check.h"
#include "fault.h"
#include "tiny.h"
#include "wait.h"

#define GONE 0xffffffffc0700000ull
#define CHAIN TINY_DATA
#define SYSTEMS (TINY_DATA + 0x100)
#define PROBES (TINY_DATA + 0x200)
#define PROTOS (TINY_DATA + 0x800)

static const struct tiny_symbol symbols[] = {
	{ "f", TINY_TEXT + 0x1000, 0x800, 'T' }, { "reboot_notifier_list", CHAIN, 48, 'D' }, { "file_systems", SYSTEMS, 8, 'B' },
	{ "kprobe_table", PROBES, 512, 'B' }, { "inet_protos", PROTOS, 2048, 'B' }, { 0 },
};

static struct tiny tiny;
static struct ka_kernel *k;
static struct ka_arena *a;

static uint64_t offset(const char *type, const char *member)
{
	uint64_t v = 0;

	CHECK(!ka_error_drop(ka_type_offset(k, type, member, &v)));
	return v;
}

/* All notes in one text; "" none. */
static const char *left(void)
{
	const char *notes[12];
	size_t n = ka_fault_left(k, a, notes, KA_COUNT(notes));
	const char *text = "";

	for (size_t i = 0; i < n; i++)
		text = ka_printf(a, "%s%s%s", text, i ? "\n" : "", notes[i]);
	return text;
}

static void check_left(void)
{
	ka_addr one = tiny_alloc(&tiny, 64, 64), two = tiny_alloc(&tiny, 64, 64), probe = tiny_alloc(&tiny, 512, 64);
	uint64_t head = offset("blocking_notifier_head", "head"), next = offset("notifier_block", "next"), call = offset("notifier_block", "notifier_call");
	uint64_t size = 0;
	const char *is;

	CHECK(!ka_error_drop(ka_type_size(k, "blocking_notifier_head", &size)));
	CHECK_INT(size, 48);
	CHECK(ka_fault_is_gone(k, GONE) && !ka_fault_is_gone(k, 0) && !ka_fault_is_gone(k, TINY_TEXT) && !ka_fault_is_gone(k, TINY_DIRECT));
	CHECK_STR(left(), "");
	/* two good ones, one whose function is gone, and one that lies there itself: behind it nothing is known */
	tiny_put(&tiny, CHAIN + head, one, 8);
	tiny_put(&tiny, one + call, TINY_TEXT + 0x1000, 8);
	tiny_put(&tiny, one + next, two, 8);
	tiny_put(&tiny, two + call, TINY_TEXT + 0x1004, 8);
	CHECK_STR(left(), "");
	tiny_put(&tiny, two + call, GONE + 0x10, 8);
	tiny_put(&tiny, two + next, GONE + 0x100, 8);
	is = left();
	CHECK(strstr(is, "the notifier_call of notifier 0x") && strstr(is, "of reboot_notifier_list (at 0xffffffffc0700010) lies in a module that is gone"));
	CHECK(strstr(is, "notifier 0xffffffffc0700100 of reboot_notifier_list lies in a module that is gone"));
	tiny_put(&tiny, CHAIN + head, 0, 8);
	/* a circle ends */
	tiny_put(&tiny, two + call, TINY_TEXT + 0x1004, 8);
	tiny_put(&tiny, two + next, one, 8);
	tiny_put(&tiny, CHAIN + head, one, 8);
	CHECK_STR(left(), "");
	tiny_put(&tiny, CHAIN + head, 0xdead000000000000, 8);
	CHECK_STR(left(), "");
	tiny_put(&tiny, CHAIN + head, 0, 8);

	tiny_put(&tiny, SYSTEMS, GONE + 0x200, 8);
	CHECK_STR(left(), "file system 0xffffffffc0700200 of file_systems lies in a module that is gone");
	tiny_put(&tiny, SYSTEMS, 0, 8);
	/* a probe in the hash, the last bucket */
	tiny_put(&tiny, PROBES + 63 * 8, probe + offset("kprobe", "hlist"), 8);
	tiny_put(&tiny, probe + offset("kprobe", "hlist") + 8, PROBES + 63 * 8, 8);
	tiny_put(&tiny, probe + offset("kprobe", "addr"), TINY_TEXT + 0x1010, 8);
	tiny_put(&tiny, probe + offset("kprobe", "pre_handler"), GONE + 0x300, 8);
	CHECK(strstr(left(), "the pre_handler of kprobe 0x"));
	tiny_put(&tiny, PROBES + 63 * 8, 0, 8);
	tiny_put(&tiny, PROTOS + 8 * 255, GONE + 0x400, 8);
	CHECK_STR(left(), "protocol 0xffffffffc0700400 of inet_protos lies in a module that is gone");
	tiny_put(&tiny, PROTOS + 8 * 255, 0, 8);
}

static void check_lock(ka_addr at, uint32_t value, const char *detail)
{
	struct ka_wait w = { .kind = KA_WAIT_RWLOCK, .lock = at, .owner_wait = KA_WAIT_NOBODY };

	tiny_put(&tiny, at, value, 4);
	ka_wait_lock(k, a, &w);
	CHECK_STR(w.detail, detail);
	CHECK(!w.owner);
}

static void check_locks(bool is_rt)
{
	ka_addr at = tiny_alloc(&tiny, 64, 64);

	if (is_rt) {
		check_lock(at, 0x80000000, "free: nobody has taken it yet");
		check_lock(at, 0x80000002, "2 readers");
		check_lock(at, 1, "1 reader");			/* and a writer waits, who is no task here */
		return;
	}
	check_lock(at, 0, "free");
	check_lock(at, 0xff, "a writer has it: it does not say who");
	check_lock(at, 0x1ff, "a writer has it: it does not say who");
	check_lock(at, 1 << 9, "1 reader");
	check_lock(at, 3 << 9 | 0x100, "3 readers, and a writer is next");
	check_lock(at, 0x100, "free, and a writer is next");
}

CHECK_MAIN
{
	static const char *const releases[] = { "6.1.0-50-cloud-amd64", "6.1.0-50-rt-amd64" };

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
		a = ka_arena_new();
		ka_model_attach(k);
		if (!i)
			check_left();
		check_locks(i);
		ka_arena_free(a);
		tiny_close(&tiny);
		free(btf);
	}
}
