/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The three forms of the kernel log, whole and damaged, on 64- and 32-bit kernels. */
#include <kanalyze/printk.h>
#include "check.h"
#include "fake.h"

#define BASE 0xffffffff81000000ull
static uint8_t memory[1 << 18];

/* ---- the ring buffer ---- */

/* prb at the base, the ring at 0x100, descriptors at 0x1000, infos at 0x2000, text at 0x4000 */
#define DESC_BITS 3
#define TEXT_BITS 8

static const struct fake_symbol ring_symbols[] = { { "prb", BASE, 8 }, { NULL, 0, 0 } };
static const struct fake_symbol ring_symbols32[] = { { "prb", BASE & 0xffffffff, 4 }, { NULL, 0, 0 } };
static const struct fake_member ring64[] = {
	{ "printk_ringbuffer", "", 0, 88, 0, 0 }, { "printk_ringbuffer", "desc_ring.count_bits", 0, 4, 0, 0 },
	{ "printk_ringbuffer", "desc_ring.descs", 8, 8, 0, 0 }, { "printk_ringbuffer", "desc_ring.infos", 16, 8, 0, 0 },
	{ "printk_ringbuffer", "desc_ring.head_id.counter", 24, 8, 0, 0 }, { "printk_ringbuffer", "desc_ring.tail_id.counter", 32, 8, 0, 0 },
	{ "printk_ringbuffer", "text_data_ring.size_bits", 48, 4, 0, 0 }, { "printk_ringbuffer", "text_data_ring.data", 56, 8, 0, 0 },
	{ "prb_desc", "", 0, 24, 0, 0 }, { "prb_desc", "state_var.counter", 0, 8, 0, 0 },
	{ "prb_desc", "text_blk_lpos.begin", 8, 8, 0, 0 }, { "prb_desc", "text_blk_lpos.next", 16, 8, 0, 0 },
	{ "printk_info", "", 0, 88, 0, 0 }, { "printk_info", "seq", 0, 8, 0, 0 }, { "printk_info", "ts_nsec", 8, 8, 0, 0 },
	{ "printk_info", "text_len", 16, 2, 0, 0 }, { "printk_info", "facility", 18, 1, 0, 0 }, { "printk_info", "flags", 19, 1, 0, 5 },
	{ "printk_info", "level", 19, 1, 5, 3 }, { "printk_info", "caller_id", 20, 4, 0, 0 },
	{ "printk_info", "dev_info.subsystem", 24, 16, 0, 0 }, { "printk_info", "dev_info.device", 40, 48, 0, 0 },
	{ NULL, NULL, 0, 0, 0, 0 },
};
static const struct fake_member ring32[] = {
	{ "printk_ringbuffer", "", 0, 44, 0, 0 }, { "printk_ringbuffer", "desc_ring.count_bits", 0, 4, 0, 0 },
	{ "printk_ringbuffer", "desc_ring.descs", 4, 4, 0, 0 }, { "printk_ringbuffer", "desc_ring.infos", 8, 4, 0, 0 },
	{ "printk_ringbuffer", "desc_ring.head_id.counter", 12, 4, 0, 0 }, { "printk_ringbuffer", "desc_ring.tail_id.counter", 16, 4, 0, 0 },
	{ "printk_ringbuffer", "text_data_ring.size_bits", 24, 4, 0, 0 }, { "printk_ringbuffer", "text_data_ring.data", 28, 4, 0, 0 },
	{ "prb_desc", "", 0, 12, 0, 0 }, { "prb_desc", "state_var.counter", 0, 4, 0, 0 },
	{ "prb_desc", "text_blk_lpos.begin", 4, 4, 0, 0 }, { "prb_desc", "text_blk_lpos.next", 8, 4, 0, 0 },
	{ "printk_info", "", 0, 88, 0, 0 }, { "printk_info", "seq", 0, 8, 0, 0 }, { "printk_info", "ts_nsec", 8, 8, 0, 0 },
	{ "printk_info", "text_len", 16, 2, 0, 0 }, { "printk_info", "facility", 18, 1, 0, 0 }, { "printk_info", "flags", 19, 1, 0, 5 },
	{ "printk_info", "level", 19, 1, 5, 3 }, { "printk_info", "caller_id", 20, 4, 0, 0 },
	{ NULL, NULL, 0, 0, 0, 0 },
};

/* A writer, as simple as it can be: positions count on from where the kernel starts them, just before they overflow. */
struct writer {
	struct ka_kernel *k;
	uint64_t base, id, lpos, seq, mask;
	unsigned word;
};

static void ring_start(struct writer *w, struct ka_kernel *k, unsigned word)
{
	uint64_t base = word == 8 ? BASE : BASE & 0xffffffff;

	*k = (struct ka_kernel){ .base = base, .memory = memory, .size = sizeof(memory), .long_size = word,
				 .symbols = word == 8 ? ring_symbols : ring_symbols32, .members = word == 8 ? ring64 : ring32 };
	memset(memory, 0, sizeof(memory));
	*w = (struct writer){ .k = k, .base = base, .word = word, .mask = word == 8 ? ~0ull : 0xffffffff };
	w->id = (uint64_t)-(1 << DESC_BITS) & w->mask >> 2;
	w->lpos = (uint64_t)-(1 << TEXT_BITS) & w->mask;
}

static void ring_write(struct writer *w, const char *text, unsigned state)
{
	unsigned index = w->id & ((1 << DESC_BITS) - 1), size = 1 << TEXT_BITS, need = (w->word + strlen(text) + w->word - 1) / w->word * w->word;
	uint64_t d = w->base + 0x1000 + index * w->word * 3, info = w->base + 0x2000 + index * 88, begin = w->lpos, next = begin + need, at;

	if ((begin & w->mask) / size != ((next - 1) & w->mask) / size)	/* does not go round the end: at the start instead */
		next = ((next & w->mask) / size * size) + need;
	at = (begin & w->mask) / size == ((next - 1) & w->mask) / size ? begin % size : 0;
	fake_put(w->k, d, w->id | (uint64_t)state << (w->word * 8 - 2), w->word);
	fake_put(w->k, d + w->word, begin, w->word);
	fake_put(w->k, d + w->word * 2, next, w->word);
	fake_put(w->k, info, w->seq, 8);
	fake_put(w->k, info + 8, w->seq * 1000000000 + 123456000, 8);
	fake_put(w->k, info + 16, strlen(text), 2);
	fake_put(w->k, info + 19, 2 | 6 << 5, 1);
	fake_put(w->k, info + 20, 0x80000001, 4);
	fake_put(w->k, w->base + 0x4000 + at, w->id, w->word);
	fake_put_bytes(w->k, w->base + 0x4000 + at + w->word, text, strlen(text));
	w->lpos = next & w->mask;
	w->id = (w->id + 1) & w->mask >> 2;
	w->seq++;
}

static void ring_end(struct writer *w, unsigned count)
{
	unsigned o = w->word;

	fake_put(w->k, w->base, w->base + 0x100, o);
	fake_put(w->k, w->base + 0x100, DESC_BITS, 4);
	fake_put(w->k, w->base + 0x100 + o, w->base + 0x1000, o);
	fake_put(w->k, w->base + 0x100 + o * 2, w->base + 0x2000, o);
	fake_put(w->k, w->base + 0x100 + o * 3, (w->id - 1) & w->mask >> 2, o);
	fake_put(w->k, w->base + 0x100 + o * 4, (w->id - count) & w->mask >> 2, o);
	fake_put(w->k, w->base + 0x100 + o * 6, TEXT_BITS, 4);
	fake_put(w->k, w->base + 0x100 + o * 7, w->base + 0x4000, o);
}

static void test_ring(unsigned word)
{
	struct ka_arena *a = ka_arena_new();
	struct ka_log_record *r;
	struct ka_error *err;
	struct ka_kernel k;
	struct writer w;
	char text[64];
	size_t n;

	/* Goes round both rings more than once; the last eight are there, in order. */
	ring_start(&w, &k, word);
	for (int i = 0; i < 40; i++) {
		snprintf(text, sizeof(text), "message %d%.*s", i, i % 7, ".......");
		ring_write(&w, text, i % 2 ? 2 : 1);
	}
	ring_end(&w, 8);
	CHECK(!ka_log_records(&k, a, &r, &n));
	CHECK_INT(n, 8);
	for (size_t i = 0; i < n; i++) {
		snprintf(text, sizeof(text), "message %d%.*s", (int)i + 32, (int)(i + 32) % 7, ".......");
		CHECK_STR(r[i].text, text);
		CHECK_INT(r[i].seq, i + 32);
		CHECK_INT(r[i].time_ns, (i + 32) * 1000000000ull + 123456000);
		CHECK_INT(r[i].level, 6);
		CHECK_INT(r[i].flags, 2);
		CHECK_INT(r[i].caller, 0x80000001);
		CHECK(r[i].has_time && r[i].has_level && r[i].has_caller && !r[i].dict);
	}

	/* One being written, one without room, an empty line, a text longer than its block. */
	ring_start(&w, &k, word);
	ring_write(&w, "first", 2);
	ring_write(&w, "reserved", 0);
	ring_write(&w, "no room", 2);
	ring_write(&w, "empty", 2);
	ring_write(&w, "cut", 2);
	ring_write(&w, "last", 1);
	ring_end(&w, 6);
	fake_put(&k, w.base + 0x1000 + 2 * word * 3 + word, 1, word);
	fake_put(&k, w.base + 0x1000 + 2 * word * 3 + word * 2, 1, word);
	fake_put(&k, w.base + 0x1000 + 3 * word * 3 + word, 3, word);
	fake_put(&k, w.base + 0x1000 + 3 * word * 3 + word * 2, 3, word);
	fake_put(&k, w.base + 0x2000 + 4 * 88 + 16, 60000, 2);
	err = ka_log_records(&k, a, &r, &n);
	CHECK(err && strstr(err->message, "no room in the buffer") && strstr(err->message, "record 2"));
	ka_error_drop(err);
	CHECK_INT(n, 4);
	CHECK_STR(r[0].text, "first");
	CHECK_STR(r[1].text, "");
	CHECK_INT(r[2].text_size, word == 8 ? 8 : 4);
	CHECK(!strncmp(r[2].text, "cut", 3));
	CHECK_STR(r[3].text, "last");

	/* Broken ones cost themselves alone: block of another record, positions that are none. */
	fake_put(&k, w.base + 0x4000, 0x1234, word);
	fake_put(&k, w.base + 0x1000 + 4 * word * 3 + word * 2, 0x55555554, word);
	err = ka_log_records(&k, a, &r, &n);
	CHECK(err && err->code == KA_CORRUPT && strstr(err->message, "3 records"));
	ka_error_drop(err);
	CHECK_INT(n, 2);
	CHECK_STR(r[1].text, "last");

	/* A head that is nonsense, sizes that are nonsense */
	fake_put(&k, w.base + 0x100 + word * 4, 0x12345, word);
	ka_error_drop(ka_log_records(&k, a, &r, &n));
	CHECK_INT(n, 2);
	fake_put(&k, w.base + 0x100, 63, 4);
	err = ka_log_records(&k, a, &r, &n);
	CHECK(err && err->code == KA_CORRUPT);
	ka_error_drop(err);

	/* Any damage ends. */
	srand(1);
	for (int i = 0; i < 300; i++) {
		struct ka_arena *b = ka_arena_new();

		ring_start(&w, &k, word);
		for (int j = 0; j < 12; j++)
			ring_write(&w, "some text", 2);
		ring_end(&w, 8);
		for (int j = 0; j < 1 + i % 5; j++) {
			static const unsigned places[] = { 0x100, 0x1000, 0x2000, 0x4000 };

			memory[places[rand() % 4] + rand() % 0x80] = (uint8_t)rand();
		}
		/* 2^26 descriptors of a broken count take their time in this fake */
		if (memory[0x100] < 10)
			ka_error_drop(ka_log_records(&k, b, &r, &n));
		ka_arena_free(b);
	}
	ka_arena_free(a);
}

/* ---- records ---- */

static const struct fake_symbol record_symbols[] = {
	{ "log_first_idx", BASE, 4 }, { "log_next_idx", BASE + 4, 4 }, { "log_buf_len", BASE + 8, 4 }, { "log_buf", BASE + 16, 8 },
	{ "log_first_seq", BASE + 24, 8 }, { "syslog_prev", BASE + 32, 4 }, { NULL, 0, 0 } };
static const struct fake_member printk_log[] = {
	{ "printk_log", "", 0, 16, 0, 0 }, { "printk_log", "ts_nsec", 0, 8, 0, 0 }, { "printk_log", "len", 8, 2, 0, 0 },
	{ "printk_log", "text_len", 10, 2, 0, 0 }, { "printk_log", "dict_len", 12, 2, 0, 0 }, { "printk_log", "facility", 14, 1, 0, 0 },
	{ "printk_log", "flags", 15, 1, 0, 5 }, { "printk_log", "level", 15, 1, 5, 3 }, { NULL, NULL, 0, 0, 0, 0 } };
static const struct fake_member first_log[] = {		/* v3.5: the level is a number of 16 bits */
	{ "log", "", 0, 16, 0, 0 }, { "log", "ts_nsec", 0, 8, 0, 0 }, { "log", "len", 8, 2, 0, 0 }, { "log", "text_len", 10, 2, 0, 0 },
	{ "log", "dict_len", 12, 2, 0, 0 }, { "log", "level", 14, 2, 0, 0 }, { NULL, NULL, 0, 0, 0, 0 } };

static uint32_t record_write(struct ka_kernel *k, uint32_t at, const char *text, const char *dict, size_t dict_size, unsigned flags_level)
{
	ka_addr p = BASE + 0x1000 + at;
	unsigned len = (16 + strlen(text) + dict_size + 3) & ~3u;

	fake_put(k, p, 5000000000ull + at, 8);
	fake_put(k, p + 8, len, 2);
	fake_put(k, p + 10, strlen(text), 2);
	fake_put(k, p + 12, dict_size, 2);
	fake_put(k, p + 14, flags_level, 2);
	fake_put_bytes(k, p + 16, text, strlen(text));
	if (dict)
		fake_put_bytes(k, p + 16 + strlen(text), dict, dict_size);
	return at + len;
}

static void test_records(void)
{
	struct ka_kernel k = { .base = BASE, .memory = memory, .size = sizeof(memory), .long_size = 8, .symbols = record_symbols, .members = printk_log };
	struct ka_arena *a = ka_arena_new();
	struct ka_log_record *r;
	struct ka_error *err;
	uint32_t at, third;
	size_t n;

	memset(memory, 0, sizeof(memory));
	fake_put(&k, BASE + 8, 4096, 4);
	fake_put(&k, BASE + 16, BASE + 0x1000, 8);
	fake_put(&k, BASE + 24, 77, 8);
	/* The oldest stand at 3000 up to the end mark, the newer at the start. */
	at = record_write(&k, 3000, "oldest", "SUBSYSTEM=pci\0DEVICE=+pci:0", 27, (2 | 4 << 5) << 8);
	at = record_write(&k, at, "two\nlines", NULL, 0, (2 | 3 << 5) << 8 | 1);
	third = at;
	at = record_write(&k, at, "broken", NULL, 0, 2 << 8);
	at = record_write(&k, at, "behind", NULL, 0, 2 << 8);
	fake_put(&k, BASE, 3000, 4);
	at = record_write(&k, 0, "part", NULL, 0, (8 | 4) << 8);
	at = record_write(&k, at, " and part", NULL, 0, (8 | 2) << 8);
	at = record_write(&k, at, "newest", NULL, 0, 2 << 8);
	fake_put(&k, BASE + 4, at, 4);
	CHECK(!ka_log_records(&k, a, &r, &n));
	CHECK_INT(n, 7);
	CHECK_STR(r[0].text, "oldest");
	CHECK_STR(r[0].dict, "SUBSYSTEM=pci\nDEVICE=+pci:0");
	CHECK_INT(r[0].level, 4);
	CHECK_INT(r[0].seq, 77);
	CHECK_INT(r[0].time_ns, 5000003000ll);
	CHECK_STR(r[1].text, "two\nlines");
	CHECK_INT(r[1].facility, 1);
	CHECK_STR(r[4].text, "part");
	CHECK(!r[4].is_continued && r[5].is_continued && !r[6].is_continued && !r[5].has_caller);

	/* A broken length: found again at the next sound record */
	fake_put(&k, BASE + 0x1000 + third + 8, 0x7001, 2);
	err = ka_log_records(&k, a, &r, &n);
	CHECK(err && err->code == KA_CORRUPT);
	ka_error_drop(err);
	CHECK_INT(n, 6);
	CHECK_STR(r[2].text, "behind");

	/* Indices that are nonsense: from the start */
	fake_put(&k, BASE, 99999, 4);
	err = ka_log_records(&k, a, &r, &n);
	CHECK(err != NULL);
	ka_error_drop(err);
	CHECK(n >= 3);
	CHECK_STR(r[0].text, "part");

	memset(memory + 0x1000, 0, 4096);
	k.members = first_log;
	at = record_write(&k, 0, "of 3.5", NULL, 0, 1 << 3 | 5);
	fake_put(&k, BASE, 0, 4);
	fake_put(&k, BASE + 4, at, 4);
	CHECK(!ka_log_records(&k, a, &r, &n));
	CHECK_INT(n, 1);
	CHECK_INT(r[0].level, 5);
	CHECK_INT(r[0].facility, 1);
	k.members = printk_log;
	for (int i = 0; i < 300; i++) {
		struct ka_arena *b = ka_arena_new();

		fake_put(&k, BASE + 8, 4096, 4);
		at = 0;
		for (int j = 0; j < 8; j++)
			at = record_write(&k, at, "some text", "A=b", 3, 2 << 8);
		fake_put(&k, BASE, rand() % 8 * 28, 4);
		fake_put(&k, BASE + 4, at, 4);
		for (int j = 0; j < 1 + i % 5; j++)
			memory[rand() % 2 ? 0x1000 + rand() % 0x100 : rand() % 16] = (uint8_t)rand();
		ka_error_drop(ka_log_records(&k, b, &r, &n));
		ka_arena_free(b);
	}
	ka_arena_free(a);
}

/* ---- plain text ---- */

static void test_plain(void)
{
	static const struct fake_symbol symbols[] = { { "log_end", BASE, 4 }, { "log_buf_len", BASE + 8, 4 }, { "log_buf", BASE + 16, 8 }, { NULL, 0, 0 } };
	static const struct fake_member none[] = { { NULL, NULL, 0, 0, 0, 0 } };
	static const char text[] = "<6>[   12.345678] third\n<4>fourth\nno level\n<0>[1.5] not a time\nend";
	static const char before[] = "ond part\n";
	struct ka_kernel k = { .base = BASE, .memory = memory, .size = sizeof(memory), .long_size = 8, .symbols = symbols, .members = none };
	struct ka_arena *a = ka_arena_new();
	struct ka_log_record *r;
	struct ka_error *err;
	size_t n, size = 128, start = 100;

	memset(memory, 0, sizeof(memory));
	/* What was written last ends at 100 - 9; older text stands from there on to the end and around. */
	for (size_t i = 0; i < sizeof(before) - 1; i++)
		memory[0x1000 + (start + i) % size] = before[i];
	for (size_t i = 0; i < sizeof(text) - 1; i++)
		memory[0x1000 + (start + sizeof(before) - 1 + i) % size] = text[i];
	fake_put(&k, BASE, size * 3 + start, 4);
	fake_put(&k, BASE + 8, size, 4);
	fake_put(&k, BASE + 16, BASE + 0x1000, 8);
	CHECK(!ka_log_records(&k, a, &r, &n));
	CHECK_INT(n, 6);
	CHECK_STR(r[0].text, "ond part");
	CHECK(!r[0].has_level && !r[0].has_time);
	CHECK_STR(r[1].text, "third");
	CHECK_INT(r[1].time_ns, 12345678000ll);
	CHECK(r[1].has_time && r[1].level == 6 && r[1].has_level);
	CHECK(r[2].level == 4 && !r[2].has_time);
	CHECK(!r[3].has_level);
	CHECK_STR(r[4].text, "[1.5] not a time");
	CHECK_STR(r[5].text, "end");

	fake_put(&k, BASE + 8, 0, 4);
	err = ka_log_records(&k, a, &r, &n);
	CHECK(err && err->code == KA_CORRUPT && n == 0);
	ka_error_drop(err);
	k.symbols = ring_symbols + 1;
	err = ka_log_records(&k, a, &r, &n);
	CHECK(err && err->code == KA_MISSING);
	ka_error_drop(err);
	ka_arena_free(a);
}

/* ---- what a machine died of ---- */

static void panic_is(const char *log, const char *want, bool want_oops_line)
{
	static const struct fake_symbol symbols[] = { { "log_end", BASE, 4 }, { "log_buf_len", BASE + 8, 4 }, { "log_buf", BASE + 16, 8 }, { NULL, 0, 0 } };
	static const struct fake_member none[] = { { NULL, NULL, 0, 0, 0, 0 } };
	struct ka_kernel k = { .base = BASE, .memory = memory, .size = sizeof(memory), .long_size = 8, .symbols = symbols, .members = none };
	struct ka_arena *a = ka_arena_new();
	bool is_oops_line;

	memset(memory, 0, sizeof(memory));
	fake_put_bytes(&k, BASE + 0x1000, log, strlen(log));
	fake_put(&k, BASE, strlen(log), 4);
	fake_put(&k, BASE + 8, 8192, 4);
	fake_put(&k, BASE + 16, BASE + 0x1000, 8);
	CHECK_STR(ka_panic_message(&k, a, &is_oops_line), want);
	CHECK_INT(is_oops_line, want_oops_line);
	ka_arena_free(a);
}

static void test_panic(void)
{
	panic_is("hello\n", "", false);
	panic_is("<4>[  1.000000] BUG: kernel NULL pointer dereference, address: 0\n<4>Oops: 0000 [#1] SMP\n",
		 "BUG: kernel NULL pointer dereference, address: 0", false);
	panic_is("Oops: 0000 [#1] SMP\n", "Oops: 0000 [#1] SMP", true);
	panic_is("Oops: general protection fault, probably for non-canonical address 0xdead: 0000 [#1] SMP\n",
		 "Oops: general protection fault, probably for non-canonical address 0xdead: 0000 [#1] SMP", true);
	panic_is("SysRq : Trigger a crash\nBUG: unable to handle kernel NULL pointer dereference at (null)\n", "SysRq : Trigger a crash", false);
	panic_is("sysrq: Trigger a crash\nKernel panic - not syncing: sysrq triggered crash\n---[ end Kernel panic - not syncing: x\n",
		 "Kernel panic - not syncing: sysrq triggered crash", false);
	panic_is("BUG: unable to handle kernel paging request at 1\n---[ end trace 12 ]---\nkernel BUG at a.c:1!\n", "kernel BUG at a.c:1!", false);
	panic_is("kernel BUG at a.c:1!\n---[ end trace 12 ]---\nBUG: unable to handle page fault for address: 2\n",
		 "BUG: unable to handle page fault for address: 2", false);
	panic_is("kernel BUG at a.c:1!\n---[ end trace 12 ]---\nall went on\n", "kernel BUG at a.c:1!", false);
}

/* ---- buffers beside the log ---- */

static void test_safe(void)
{
	static const struct fake_symbol symbols[] = { { "nmi_print_seq", BASE + 0x100, 8192 }, { NULL, 0, 0 } };
	static const struct fake_member members[] = {
		{ "printk_safe_seq_buf", "", 0, 1032, 0, 0 }, { "printk_safe_seq_buf", "len.counter", 0, 4, 0, 0 },
		{ "printk_safe_seq_buf", "message_lost.counter", 4, 4, 0, 0 }, { "printk_safe_seq_buf", "buffer", 8, 1024, 0, 0 },
		{ NULL, NULL, 0, 0, 0, 0 } };
	struct ka_kernel k = { .base = BASE, .memory = memory, .size = sizeof(memory), .long_size = 8, .symbols = symbols, .members = members };
	struct ka_arena *a = ka_arena_new();
	struct ka_log_safe_buffer *b;
	size_t n;

	memset(memory, 0, sizeof(memory));
	fake_put(&k, BASE + 0x100 + 65536, 7, 4);
	fake_put(&k, BASE + 0x104 + 65536, 3, 4);
	fake_put_bytes(&k, BASE + 0x108 + 65536, "\0014text\n", 7);
	CHECK(!ka_log_safe_buffers(&k, a, &b, &n));
	CHECK_INT(n, 2);
	CHECK(b[0].size == 0 && b[1].size == 7 && b[1].lost == 3 && b[1].cpu == 1);
	CHECK_STR(b[1].text, "\0014text\n");
	fake_put(&k, BASE + 0x100, 0xffffffff, 4);
	CHECK(!ka_log_safe_buffers(&k, a, &b, &n));
	CHECK_INT(b[0].size, 1024);
	ka_arena_free(a);
}

static void test_audit(void)
{
	static const struct fake_symbol symbols[] = { { "audit_queue", BASE + 0x100, 24 }, { NULL, 0, 0 } };
	static const struct fake_member members[] = {
		{ "sk_buff_head", "", 0, 24, 0, 0 }, { "sk_buff_head", "next", 0, 8, 0, 0 }, { "sk_buff_head", "qlen", 16, 4, 0, 0 },
		{ "sk_buff", "", 0, 32, 0, 0 }, { "sk_buff", "next", 0, 8, 0, 0 }, { "sk_buff", "data", 8, 8, 0, 0 },
		{ "sk_buff", "len", 16, 4, 0, 0 }, { NULL, NULL, 0, 0, 0, 0 } };
	struct ka_kernel k = { .base = BASE, .memory = memory, .size = sizeof(memory), .long_size = 8, .symbols = symbols, .members = members };
	struct ka_arena *a = ka_arena_new();
	struct ka_audit_record *r;
	struct ka_error *err;
	size_t n;

	memset(memory, 0, sizeof(memory));
	fake_put(&k, BASE + 0x100, BASE + 0x100, 8);
	CHECK(!ka_audit_records(&k, a, &r, &n));
	CHECK_INT(n, 0);
	fake_put(&k, BASE + 0x100, BASE + 0x200, 8);
	fake_put(&k, BASE + 0x110, 2, 4);
	fake_put(&k, BASE + 0x200, BASE + 0x300, 8);
	fake_put(&k, BASE + 0x208, BASE + 0x400, 8);
	fake_put(&k, BASE + 0x210, 16 + 6, 4);
	fake_put(&k, BASE + 0x404, 1300, 2);
	fake_put_bytes(&k, BASE + 0x410, "audit(", 6);
	fake_put(&k, BASE + 0x300, BASE + 0x100, 8);
	fake_put(&k, BASE + 0x308, BASE + 0x500, 8);
	fake_put(&k, BASE + 0x310, 17, 4);
	fake_put(&k, BASE + 0x504, 1320, 2);
	CHECK(!ka_audit_records(&k, a, &r, &n));
	CHECK_INT(n, 2);
	CHECK(r[0].type == 1300 && r[1].type == 1320 && r[0].skb == BASE + 0x200);
	CHECK_STR(r[0].text, "audit(");
	/* A list that closes on itself is cut where the count ends. */
	fake_put(&k, BASE + 0x300, BASE + 0x200, 8);
	err = ka_audit_records(&k, a, &r, &n);
	CHECK(err && err->code == KA_CORRUPT && n == 2);
	ka_error_drop(err);
	fake_put(&k, BASE + 0x210, 3, 4);
	err = ka_audit_records(&k, a, &r, &n);
	CHECK(err && n == 1);
	ka_error_drop(err);
	ka_arena_free(a);
}

CHECK_MAIN
{
	test_ring(8);
	test_ring(4);
	test_records();
	test_plain();
	test_panic();
	test_safe();
	test_audit();
}
