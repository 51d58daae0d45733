/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Types made of VMCOREINFO: the lockless log of v6.19 and later, records of v3.11 and v3.6, and text that is broken. */
#include <stdlib.h>
#include "check.h"
#include "debuginfo.h"

static const char ring[] =
	"OSRELEASE=7.3.4\nSYMBOL(prb)=ffffffffa6082400\nOFFSET(uts_namespace.name)=4\nSIZE(printk_ringbuffer)=88\n"
	"OFFSET(printk_ringbuffer.desc_ring)=0\nOFFSET(printk_ringbuffer.text_data_ring)=48\nOFFSET(printk_ringbuffer.fail)=80\n"
	"SIZE(prb_desc_ring)=48\nOFFSET(prb_desc_ring.count_bits)=0\nOFFSET(prb_desc_ring.descs)=8\n"
	"OFFSET(prb_desc_ring.infos)=16\nOFFSET(prb_desc_ring.head_id)=24\nOFFSET(prb_desc_ring.tail_id)=32\n"
	"SIZE(prb_desc)=24\nOFFSET(prb_desc.state_var)=0\nOFFSET(prb_desc.text_blk_lpos)=8\nSIZE(prb_data_blk_lpos)=16\n"
	"OFFSET(prb_data_blk_lpos.begin)=0\nOFFSET(prb_data_blk_lpos.next)=8\nSIZE(printk_info)=112\n"
	"OFFSET(printk_info.seq)=0\nOFFSET(printk_info.ts_nsec)=8\nOFFSET(printk_info.text_len)=16\n"
	"OFFSET(printk_info.caller_id)=20\nOFFSET(printk_info.dev_info)=44\nSIZE(dev_printk_info)=64\n"
	"OFFSET(dev_printk_info.subsystem)=0\nLENGTH(printk_info_subsystem)=16\nOFFSET(dev_printk_info.device)=16\n"
	"LENGTH(printk_info_device)=48\nSIZE(prb_data_ring)=32\nOFFSET(prb_data_ring.size_bits)=0\n"
	"OFFSET(prb_data_ring.data)=8\nOFFSET(prb_data_ring.head_lpos)=16\nOFFSET(prb_data_ring.tail_lpos)=24\n"
	"SIZE(atomic_long_t)=8\nOFFSET(atomic_long_t.counter)=0\nSIZE(latched_seq)=24\nOFFSET(latched_seq.val)=8\n";

static struct ka_types *open_text(const char *text)
{
	return ka_types_open_vmcoreinfo(text, strlen(text), 8, false);
}

static void check_member(struct ka_types *t, const char *type, const char *path, uint64_t offset, uint64_t size, unsigned bit,
			 unsigned bits)
{
	struct ka_member m = { 0 };
	struct ka_error *err = ka_types_member(t, type, path, &m);

	if (err)
		fprintf(stderr, "%s.%s: %s\n", type, path, err->message);
	CHECK(!ka_error_drop(err));
	CHECK_INT(m.offset, offset);
	CHECK_INT(m.size, size);
	CHECK_INT(m.bit_offset, bit);
	CHECK_INT(m.bit_size, bits);
}

static uint64_t size_of(struct ka_types *t, const char *type)
{
	uint64_t size = 0;

	return ka_error_drop(ka_types_size(t, type, &size)) ? UINT64_MAX : size;
}

static void check_ring(void)
{
	struct ka_types *t = open_text(ring);
	struct ka_member m;

	check_member(t, "printk_ringbuffer", "desc_ring.count_bits", 0, 4, 0, 0);
	check_member(t, "printk_ringbuffer", "desc_ring.head_id.counter", 24, 8, 0, 0);
	check_member(t, "printk_ringbuffer", "text_data_ring.size_bits", 48, 4, 0, 0);
	check_member(t, "printk_ringbuffer", "text_data_ring.data", 56, 8, 0, 0);
	check_member(t, "prb_desc", "text_blk_lpos.next", 16, 8, 0, 0);
	check_member(t, "printk_info", "text_len", 16, 2, 0, 0);
	check_member(t, "printk_info", "facility", 18, 1, 0, 0);
	check_member(t, "printk_info", "flags", 19, 1, 0, 5);
	check_member(t, "printk_info", "level", 19, 1, 5, 3);
	check_member(t, "printk_info", "caller_id", 20, 4, 0, 0);
	check_member(t, "printk_info", "comm", 28, 16, 0, 0);
	check_member(t, "printk_info", "dev_info.subsystem", 44, 16, 0, 0);
	check_member(t, "printk_info", "dev_info.device", 60, 48, 0, 0);
	check_member(t, "latched_seq", "val[1]", 16, 8, 0, 0);
	check_member(t, "uts_namespace", "name.machine", 4 + 4 * 65, 65, 0, 0);
	CHECK_INT(size_of(t, "printk_info"), 112);
	CHECK_INT(size_of(t, "struct prb_desc"), 24);
	CHECK_INT(size_of(t, "uts_namespace"), 4 + 6 * 65);	/* of no SIZE(): up to the end of what is known */
	CHECK_INT(size_of(t, "unsigned long"), 8);
	CHECK_INT(size_of(t, "task_struct"), UINT64_MAX);
	CHECK_INT(size_of(t, "printk_log"), UINT64_MAX);
	CHECK(ka_types_has(t, "prb_desc_ring", "infos") && !ka_types_has(t, "prb_desc_ring", "nosuch"));
	CHECK(!ka_error_drop(ka_types_member(t, "atomic_long_t", "counter", &m)) && m.is_signed);
	ka_types_close(t);
}

/* v5.10 to v6.18: no room for a task's name before dev_info. */
static void check_no_comm(void)
{
	struct ka_types *t = open_text("SIZE(printk_info)=88\nOFFSET(printk_info.caller_id)=20\nOFFSET(printk_info.dev_info)=24\n");

	CHECK(ka_types_has(t, "printk_info", "caller_id"));
	CHECK(!ka_types_has(t, "printk_info", "comm"));
	CHECK(!ka_types_has(t, "printk_info", "text_len") && !ka_types_has(t, "printk_info", "level"));
	CHECK(!ka_types_has(t, "printk_info", "dev_info"));	/* of a struct that nothing is told of */
	ka_types_close(t);
}

static void check_records(void)
{
	static const char *const names[] = { "printk_log", "log" };

	for (size_t i = 0; i < KA_COUNT(names); i++) {
		const char *n = names[i];
		char *text = ka_xprintf("SIZE(%s)=16\nOFFSET(%s.ts_nsec)=0\nOFFSET(%s.len)=8\nOFFSET(%s.text_len)=10\n"
					"OFFSET(%s.dict_len)=12", n, n, n, n, n);
		struct ka_types *t = open_text(text);

		CHECK_INT(size_of(t, n), 16);
		CHECK_INT(size_of(t, names[!i]), UINT64_MAX);
		check_member(t, n, "dict_len", 12, 2, 0, 0);	/* the last line ends without a break */
		check_member(t, n, "facility", 14, 1, 0, 0);
		check_member(t, n, "level", 15, 1, 5, 3);
		CHECK(!ka_types_has(t, n, "caller_id"));
		ka_types_close(t);
		free(text);
	}
}

static void check_broken(void)
{
	static const char *const texts[] = {
		"", "\n\n\n", "SIZE(", "SIZE(printk_info", "SIZE(printk_info)=", "SIZE(printk_info)=x", "SIZE(printk_info)=-8",
		"SIZE(printk_info)=18446744073709551617", "SIZE(printk_info)=99999999",
	};

	for (size_t i = 0; i < KA_COUNT(texts); i++) {
		struct ka_types *t = open_text(texts[i]);

		CHECK_INT(size_of(t, "printk_info"), UINT64_MAX);
		CHECK(size_of(t, "new_utsname") == 390);
		ka_types_close(t);
	}
	/* lengths beyond all bounds; a size smaller than the members; NUL for line breaks */
	struct ka_types *t = open_text("OFFSET(dev_printk_info.device)=16\nLENGTH(printk_info_device)=4294967295\n"
				       "OFFSET(dev_printk_info.subsystem)=0\nLENGTH(printk_info_subsystem)=0\nSIZE(prb_desc)=2\n"
				       "OFFSET(prb_desc.state_var)=1000000\nOFFSET(atomic_long_t.counter)=0\n");

	CHECK(!ka_types_has(t, "dev_printk_info", "device") && !ka_types_has(t, "dev_printk_info", "subsystem"));
	CHECK_INT(size_of(t, "prb_desc"), 1000008);
	ka_types_close(t);
	static const char nul[] = "SIZE(printk_info)=88\0OFFSET(printk_info.seq)=8\0";

	t = ka_types_open_vmcoreinfo(nul, sizeof(nul), 8, false);
	check_member(t, "printk_info", "seq", 8, 8, 0, 0);
	ka_types_close(t);
	/* every cut of a sound text, in memory of exactly its size */
	for (size_t n = 0; n < sizeof(ring); n += 7) {
		char *cut = ka_xalloc(n + !n);

		memcpy(cut, ring, n);
		t = ka_types_open_vmcoreinfo(cut, n, 4, true);
		CHECK(size_of(t, "long") == 4);
		ka_types_close(t);
		free(cut);
	}
}

static void count_name(void *ctx, enum ka_type_kind kind, const char *name, uint32_t id)
{
	(void)kind, (void)id;
	*(unsigned *)ctx += !strcmp(name, "printk_info");
}

/* The rest of what every provider must answer. */
static void check_operations(void)
{
	struct ka_types *t = open_text(ring);
	struct ka_arena *a = ka_arena_new();
	struct ka_type_part *parts;
	struct ka_type_brief brief;
	unsigned count = 0;
	int64_t value;

	t->ops->each_name(t, count_name, &count);
	CHECK_INT(count, 1);
	CHECK_INT(t->ops->members(t, ka_types_find(t, "prb_desc"), a, &parts), 2);
	CHECK_STR(parts[1].name, "text_blk_lpos");
	CHECK_INT(t->ops->enumerators(t, 1, a, &parts), 0);
	CHECK(!t->ops->enumerator(t, "PG_lru", &value));
	t->ops->describe(t, 4000000000u, &brief);	/* no such id */
	CHECK_INT(brief.kind, KA_TYPE_VOID);
	ka_arena_free(a);
	ka_types_close(t);
}

CHECK_MAIN
{
	check_ring();
	check_no_comm();
	check_records();
	check_broken();
	check_operations();
}
