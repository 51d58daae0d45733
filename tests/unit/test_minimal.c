/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Without a vmlinux: symbols and the kernel log of every age by VMCOREINFO alone, over a tiny dead kernel. */
#include <stdlib.h>
#include <kanalyze/model.h>
#include <kanalyze/printk.h>
#include "check.h"
#include "tiny.h"

#define LOG_BUF		(TINY_DATA + 0x1000)
#define VARIABLES	"SYMBOL(_stext)=ffffffff81000000\nSYMBOL(log_buf)=ffffffff81200000\nSYMBOL(log_buf_len)=ffffffff81200008\n"
#define NEXT		"SYMBOL(log_first_idx)=ffffffff81200010\nSYMBOL(log_next_idx)=ffffffff81200014\n"
#define LAYOUT(s)	"SIZE(" s ")=16\nOFFSET(" s ".ts_nsec)=0\nOFFSET(" s ".len)=8\nOFFSET(" s ".text_len)=10\n"	\
			"OFFSET(" s ".dict_len)=12\n"

/* One record of variable length; returns where the next starts. */
static unsigned record(struct tiny *t, unsigned at, uint64_t ns, unsigned level, unsigned flags, const char *text)
{
	unsigned len = (16 + (unsigned)strlen(text) + 3) & ~3u;

	tiny_put(t, LOG_BUF + at, ns, 8);
	tiny_put(t, LOG_BUF + at + 8, len, 2);
	tiny_put(t, LOG_BUF + at + 10, strlen(text), 2);
	tiny_put(t, LOG_BUF + at + 15, flags | level << 5, 1);
	tiny_put_bytes(t, LOG_BUF + at + 16, text, strlen(text));
	return at + len;
}

static void check_records(const char *vmcoreinfo, bool joins)
{
	struct tiny t;
	struct ka_arena *a = ka_arena_new();
	struct ka_log_record *r;
	unsigned at;
	size_t n = 0;

	tiny_open(&t, &(struct tiny_options){ .vmcoreinfo = vmcoreinfo, .is_minimal = true });
	tiny_put(&t, TINY_DATA, LOG_BUF, 8);
	tiny_put(&t, TINY_DATA + 8, 0x1000, 4);
	tiny_put(&t, TINY_DATA + 12, 0xdeadbeef, 4);	/* behind log_buf_len, whose size nobody told */
	at = record(&t, 0, 5000000000, 6, 6, "first");
	at = record(&t, at, 6000000000, 4, 8, "begun, ");
	at = record(&t, at, 6000000001, 4, 8, "gone on");
	tiny_put(&t, TINY_DATA + 0x10, 0, 4);
	tiny_put(&t, TINY_DATA + 0x14, at, 4);
	CHECK(!ka_error_drop(ka_log_records(t.k, a, &r, &n)));
	CHECK_INT(n, 3);
	if (n == 3) {
		CHECK_STR(r[0].text, "first");
		CHECK_INT(r[0].time_ns, 5000000000);
		CHECK_INT(r[0].level, 6);
		CHECK_INT(r[1].level, 4);
		CHECK(!r[0].has_caller && !r[0].dict_size);
		CHECK_INT(r[2].is_continued, joins);
	}
	ka_arena_free(a);
	tiny_close(&t);
}

static void check_plain(void)
{
	struct tiny t;
	struct ka_arena *a = ka_arena_new();
	struct ka_log_record *r;
	size_t n = 0;

	tiny_open(&t, &(struct tiny_options){ .is_minimal = true, .vmcoreinfo =
		VARIABLES "SYMBOL(log_end)=ffffffff81200010\nSYMBOL(logged_chars)=ffffffff81200014\n" });
	tiny_put(&t, TINY_DATA, LOG_BUF, 8);
	tiny_put(&t, TINY_DATA + 8, 64, 4);
	tiny_put(&t, TINY_DATA + 0x10, 28, 4);
	tiny_put_bytes(&t, LOG_BUF, "<6>[    1.500000] it lives\n?", 28);
	CHECK(!ka_error_drop(ka_log_records(t.k, a, &r, &n)));
	CHECK_INT(n, 2);
	if (n) {
		CHECK_STR(r[0].text, "it lives");
		CHECK_INT(r[0].time_ns, 1500000000);
	}
	ka_arena_free(a);
	tiny_close(&t);
}

static void check_symbols(void)
{
	struct tiny t;
	struct ka_symbol s;
	struct ka_arena *a = ka_arena_new();
	struct ka_log_record *r;
	struct ka_session_files files;
	struct ka_error *err;
	uint64_t offset, value;
	size_t n, i;

	/* values that stand as addresses, and lines that are none */
	tiny_open(&t, &(struct tiny_options){ .is_minimal = true, .vmcoreinfo =
		"SYMBOL(_stext)=ffffffff81000000\nSYMBOL(mem_section)=ffff888002000000\nSYMBOL(vmemmap)=ffffea0000000000\n"
		"SYMBOL(jiffies)=ffffffff81200000\nSYMBOL(=1\nSYMBOL()=1\nSYMBOL(x)=\nSYMBOL(y)=zz\nSYMBOL(z)" });
	ka_model_attach(t.k);
	CHECK_INT(ka_symbol_count(t.k, NULL), 3);	/* and swapper_pg_dir */
	CHECK(ka_symbol_lookup(t.k, "jiffies", &s) && s.addr == TINY_DATA);
	CHECK(!ka_symbol_lookup(t.k, "mem_section", &s) && !ka_symbol_lookup(t.k, "vmemmap", &s) && !ka_symbol_lookup(t.k, "x", &s));
	CHECK(ka_symbol_at(t.k, TINY_DATA, &s, &offset) && !strcmp(s.name, "jiffies") && !offset);
	CHECK(!ka_symbol_at(t.k, TINY_DATA + 1, &s, &offset));	/* the one before, whatever it was */
	CHECK(!ka_symbol_at(t.k, TINY_IMAGE + (1ull << 30), &s, &offset));
	CHECK(ka_symbol_index(t.k, NULL, TINY_TEXT, &i) && ka_symbol_nth(t.k, NULL, i, &s) && !strcmp(s.name, "_stext"));
	CHECK(!ka_symbol_index(t.k, NULL, TINY_TEXT + 4, &i));
	tiny_put(&t, TINY_DATA, 77, 8);
	CHECK(!ka_error_drop(ka_symbol_ulong(t.k, "jiffies", &value)) && value == 77);
	CHECK(ka_error_drop(ka_symbol_value(t.k, "jiffies", &value)));	/* of no known size */
	CHECK(!ka_type_exists(t.k, "task_struct"));
	ka_session_files(t.k, &files);
	CHECK(!files.vmlinux);
	CHECK_STR(files.release, "0.0.0-tiny");
	err = ka_log_records(t.k, a, &r, &n);
	CHECK(err && err->code == KA_MISSING && strstr(err->message, "VMCOREINFO"));
	ka_error_free(err);
	/* the direct map is walked, and found */
	value = 0;
	tiny_put(&t, TINY_DIRECT + 0x2000000, 99, 8);
	CHECK(!ka_error_drop(ka_read_u64(t.k, TINY_DIRECT + 0x2000000, &value)) && value == 99);
	CHECK_INT(t.k->layout.page_offset, TINY_DIRECT);
	CHECK(ka_error_drop(ka_read_u64(t.k, 0xffffc90000000000, &value)));
	ka_arena_free(a);
	tiny_close(&t);
}

/* kallsyms of functions alone does not tell where BTF is: it is found by its header, behind holes and what only looks like it. */
static void check_btf(void)
{
	static const struct tiny_hole holes[] = { { 0x1400000, 0x1402000, true } };
	struct tiny_options o = { .is_minimal = true, .vmcoreinfo = "SYMBOL(_stext)=ffffffff81000000\n", .holes = holes, .hole_count = 1 };
	struct tiny t;
	size_t size;
	uint8_t *btf = tiny_btf_load("5.10.0-43-cloud-amd64", &size), cut[24];
	struct ka_symbol s;
	uint64_t bytes;

	if (!btf) {
		fprintf(stderr, "testdata/types has no 5.10.0-43-cloud-amd64\n");
		exit(77);
	}
	tiny_open(&t, &o);
	memcpy(cut, btf, sizeof(cut));
	tiny_put_bytes(&t, TINY_TEXT + 0x20000, cut, sizeof(cut));		/* its strings do not end there */
	cut[16] = cut[17] = cut[18] = cut[19] = 0xff;
	tiny_put_bytes(&t, TINY_TEXT + 0x30000, cut, sizeof(cut));		/* lengths beyond all bounds */
	tiny_put_bytes(&t, TINY_TEXT + 0x5ffff4, btf, size);			/* across what is read at a time */
	CHECK(!ka_symbol_lookup(t.k, "__start_BTF", &s));
	CHECK(!ka_error_drop(ka_type_size(t.k, "list_head", &bytes)) && bytes == 16);
	CHECK(ka_type_exists(t.k, "task_struct"));
	tiny_close(&t);
	/* nothing of the kind: VMCOREINFO's types, as before */
	tiny_open(&t, &o);
	CHECK(!ka_type_exists(t.k, "task_struct"));
	tiny_close(&t);
	free(btf);
}

CHECK_MAIN
{
	check_records(VARIABLES NEXT LAYOUT("printk_log") "SYMBOL(phys_base)=ffffffff81200100\n", true);	/* v3.11 to v4.9 */
	check_records(VARIABLES NEXT LAYOUT("log"), false);
	check_records(VARIABLES NEXT LAYOUT("printk_log"), false);
	check_plain();
	check_symbols();
	check_btf();
}
