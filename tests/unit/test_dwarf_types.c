/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Types from DWARF: the test's own, as its own executable describes them, against what the compiler says here. Built
 * several times, with each version of DWARF and of the ways to pack it (meson.build). Then bytes that lie.
 */
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>
#include "debuginfo.h"
#include "check.h"

enum test_color { TEST_RED, TEST_GREEN = 5, TEST_BLUE = -3 };
enum test_plain { TEST_ONE = 1, TEST_BIG = 0xfffffffful };
enum test_wide { TEST_WIDE = 0x123456789abll };
typedef int test_int;
typedef test_int test_int2;

struct test_opaque;

struct test_inner {
	char c;
	union {
		long l;
		struct {
			short deep, deeper;
		};
	};
};

struct test_bits {
	unsigned int a : 3;
	unsigned int b : 13;
	int c : 5;
	unsigned long d : 40;
	unsigned char e : 1;
	unsigned char after;
};

typedef struct {
	int counter;
} test_atomic;

struct test_outer {
	test_int2 id;
	const volatile unsigned char flag;
	_Bool yes;
	double d;
	struct test_inner one, many[4];
	short grid[3][5][7];
	struct test_bits bits;
	test_atomic count;
	enum test_color color;
	enum { TEST_NAMELESS = 77 } nameless;
	void *ptr;
	struct test_inner *inner;
	struct test_opaque *opaque;
	int (*fn)(struct test_outer *, int);
	struct test_outer *next;
	union test_union {
		int i;
		char bytes[16];
	} u;
	int tail[];
};

/* Used, so that the compiler describes them. */
struct test_outer *test_root;
enum test_color test_color = TEST_BLUE;
enum test_plain test_plain = TEST_BIG;
enum test_wide test_wide = TEST_WIDE;

static struct ka_types *types;

static void check_member(const char *type, const char *path, uint64_t offset, uint64_t size)
{
	struct ka_member m = { 0 };
	struct ka_error *err = ka_types_member(types, type, path, &m);

	if (err)
		CHECK_STR(err->message, path);
	CHECK(!ka_error_drop(err));
	CHECK_INT(m.offset, offset);
	CHECK_INT(m.size, size);
}

/* A member of size 0 is not asked for with sizeof: flexible arrays have none. */
#define MEMBER(type, member) check_member(#type, #member, __builtin_offsetof(struct type, member), sizeof(((struct type *)0)->member))

static void check_bits(const char *path, uint64_t bit, uint32_t bit_size, bool is_signed)
{
	struct ka_member m = { 0 };

	CHECK(!ka_error_drop(ka_types_member(types, "test_bits", path, &m)));
	CHECK_INT(m.offset * 8 + m.bit_offset, bit);
	CHECK_INT(m.bit_size, bit_size);
	CHECK_INT(m.is_signed, is_signed);
}

static void check_enumerator(const char *name, int64_t want)
{
	int64_t value = 0;

	CHECK(types->ops->enumerator(types, name, &value));
	CHECK_INT(value, want);
}

static void test_layouts(void)
{
	struct ka_member m = { 0 };
	uint64_t size = 0;
	int64_t value;

	MEMBER(test_outer, id);
	MEMBER(test_outer, flag);
	MEMBER(test_outer, yes);
	MEMBER(test_outer, d);
	MEMBER(test_outer, one.c);
	MEMBER(test_outer, one.deeper);
	MEMBER(test_outer, many);
	MEMBER(test_outer, many[3].l);
	MEMBER(test_outer, grid);
	MEMBER(test_outer, grid[2]);
	MEMBER(test_outer, grid[2][4]);
	MEMBER(test_outer, grid[2][4][6]);
	MEMBER(test_outer, bits);
	MEMBER(test_outer, bits.after);
	MEMBER(test_outer, count.counter);
	MEMBER(test_outer, color);
	MEMBER(test_outer, ptr);
	MEMBER(test_outer, fn);
	MEMBER(test_outer, u.bytes[9]);
	check_member("test_outer", "tail", __builtin_offsetof(struct test_outer, tail), 0);
	check_member("test_outer", "tail[2]", __builtin_offsetof(struct test_outer, tail) + 8, 4);
	check_member("union test_union", "i", 0, 4);
	check_member("test_atomic", "counter", 0, 4);
	check_member("test_outer", "count@test_atomic", __builtin_offsetof(struct test_outer, count), 4);
	check_member("test_outer", "id@test_int", 0, 4);
	check_member("test_outer", "inner@struct test_inner*", __builtin_offsetof(struct test_outer, inner), sizeof(void *));

	CHECK(!ka_error_drop(ka_types_member(types, "test_outer", "grid[1]", &m)));
	CHECK_INT(m.kind, KA_TYPE_ARRAY);
	CHECK_INT(m.count, 5);
	CHECK(!ka_error_drop(ka_types_member(types, "test_outer", "color", &m)));
	CHECK_INT(m.kind, KA_TYPE_ENUM);
	CHECK(m.is_signed);
	CHECK_STR(m.type_name, "test_color");
	CHECK(!ka_error_drop(ka_types_member(types, "test_outer", "d", &m)));
	CHECK_INT(m.kind, KA_TYPE_FLOAT);
	CHECK(!ka_error_drop(ka_types_member(types, "test_outer", "flag", &m)));
	CHECK_INT(m.kind, KA_TYPE_INT);
	CHECK(!m.is_signed);
	CHECK_STR(m.type_name, "unsigned char");
	CHECK(!ka_types_has(types, "test_outer", "grid[3]"));
	CHECK(!ka_types_has(types, "test_outer", "nothing"));
	CHECK(!ka_types_has(types, "test_outer", "inner.c"));
	CHECK(!ka_types_has(types, "test_opaque", "x"));
	CHECK(!ka_types_has(types, "test_no_such_struct_at_all", "x"));
	CHECK(!ka_error_drop(ka_types_size(types, "struct test_outer", &size)));
	CHECK_INT(size, sizeof(struct test_outer));
	CHECK(!ka_error_drop(ka_types_size(types, "test_int2", &size)));
	CHECK_INT(size, 4);
	CHECK(!ka_error_drop(ka_types_size(types, "unsigned long", &size)));
	CHECK_INT(size, sizeof(unsigned long));

	check_enumerator("TEST_RED", 0);
	check_enumerator("TEST_GREEN", 5);
	check_enumerator("TEST_BLUE", -3);
	check_enumerator("TEST_BIG", 0xffffffff);
	check_enumerator("TEST_WIDE", 0x123456789abll);
	check_enumerator("TEST_NAMELESS", 77);
	CHECK(!types->ops->enumerator(types, "TEST_NONE", &value));
}

/* Bit by bit against what the compiler made of it. */
static void test_bitfields(void)
{
#define BIT_OF(member, ...) ({									\
	union { struct test_bits b; uint64_t words[(sizeof(struct test_bits) + 7) / 8]; } x = { .words = { 0 } };	\
	unsigned bit_ = 0;									\
	x.b.member = __VA_ARGS__;								\
	while (!(((uint8_t *)&x)[bit_ / 8] >> bit_ % 8 & 1))					\
		bit_++;										\
	bit_; })

	check_bits("a", BIT_OF(a, 1), 3, false);
	check_bits("b", BIT_OF(b, 1), 13, false);
	check_bits("c", BIT_OF(c, 1), 5, true);
	check_bits("d", BIT_OF(d, 1), 40, false);
	check_bits("e", BIT_OF(e, 1), 1, false);
	check_member("test_bits", "after", __builtin_offsetof(struct test_bits, after), 1);
}

struct found {
	bool is_outer, is_union, is_color, is_int, is_atomic, is_double;
};

static void see_name(void *ctx, enum ka_type_kind kind, const char *name, uint32_t id)
{
	struct found *f = ctx;

	f->is_outer |= kind == KA_TYPE_STRUCT && !strcmp(name, "test_outer");
	f->is_union |= kind == KA_TYPE_UNION && !strcmp(name, "test_union");
	f->is_color |= kind == KA_TYPE_ENUM && !strcmp(name, "test_color");
	f->is_int |= kind == KA_TYPE_INT && !strcmp(name, "int");
	f->is_double |= kind == KA_TYPE_FLOAT && !strcmp(name, "double");
	f->is_atomic |= kind == KA_TYPE_TYPEDEF && !strcmp(name, "test_atomic") && id == types->ops->find(types, kind, name);
}

static void test_lists(void)
{
	struct ka_arena *a = ka_arena_new();
	struct ka_type_part *parts;
	struct found f = { 0 };

	types->ops->each_name(types, see_name, &f);
	CHECK(f.is_outer && f.is_union && f.is_color && f.is_int && f.is_atomic && f.is_double);
	CHECK_INT(types->ops->members(types, ka_types_find(types, "test_inner"), a, &parts), 2);
	/* in the units themselves, by the file's name */
	struct ka_type_named *named;

	CHECK_INT(types->ops->twins(types, KA_TYPE_STRUCT, "test_inner", NULL, a, &named), 1);
	CHECK_INT(types->ops->twins(types, KA_TYPE_STRUCT, "test_inner", "types.c", a, &named), 0);
	CHECK_INT(types->ops->twins(types, KA_TYPE_STRUCT, "test_none", NULL, a, &named), 0);
	if (types->ops->enumerator_type(types, "TEST_BLUE"))
		CHECK_INT(types->ops->enumerator_type(types, "TEST_BLUE"), ka_types_find(types, "enum test_color"));
	else
		CHECK(!"the enum of TEST_BLUE");
	CHECK_INT(types->ops->rust_types(types, "core::fmt::Formatter", a, &named), 0);
	CHECK_STR(parts[0].name, "c");
	CHECK(!parts[1].name);
	CHECK_INT(parts[1].offset_bits, 64);
	CHECK_INT(types->ops->enumerators(types, ka_types_find(types, "enum test_color"), a, &parts), 3);
	CHECK_STR(parts[2].name, "TEST_BLUE");
	CHECK_INT(parts[2].value, -3);
	ka_arena_free(a);
}

static void *look_up(void *arg)
{
	struct ka_member m;
	int64_t value;

	for (int i = 0; i < 200; i++) {
		if (ka_error_drop(ka_types_member(arg, "test_outer", "grid[2][4][6]", &m)) || m.size != 2)
			return arg;
		if (!((struct ka_types *)arg)->ops->enumerator(arg, "TEST_BLUE", &value) || value != -3)
			return arg;
	}
	return NULL;
}

/* The index is made while several ask. */
static void test_threads(struct ka_object *o)
{
	pthread_t threads[4];
	struct ka_types *t;
	void *bad;

	CHECK(!ka_error_drop(ka_types_open_dwarf(o, &t)));
	for (size_t i = 0; i < KA_COUNT(threads); i++)
		CHECK(!pthread_create(&threads[i], NULL, look_up, t));
	for (size_t i = 0; i < KA_COUNT(threads); i++) {
		pthread_join(threads[i], &bad);
		CHECK(!bad);
	}
	ka_types_close(t);
}

/* Bytes of .debug_info and .debug_abbrev overwritten here and there: anything may come out, but it comes out. */
static void test_broken(const char *self, struct ka_object *o)
{
	static const char *const sections[] = { ".debug_info", ".debug_abbrev" };
	char path[] = "/tmp/kanalyze-test-XXXXXX";
	int fd = mkstemp(path);
	uint32_t seed = 1;

	(void)self;
	CHECK(fd >= 0);
	if (fd < 0)
		return;
	for (int round = 0; round < 24; round++) {
		const struct ka_section *s = ka_object_section(o, sections[round % 2]);
		struct ka_object *broken = NULL;
		struct found f = { 0 };
		struct ka_member m;

		if (!s || !s->size || s->flags & SHF_COMPRESSED)
			break;
		CHECK(pwrite(fd, o->data, o->size, 0) == (ssize_t)o->size);
		for (int i = 0; i < 200 << (round / 4); i++) {
			uint8_t byte;

			seed = seed * 1664525 + 1013904223;
			byte = (uint8_t)(seed >> 24);
			CHECK(pwrite(fd, &byte, 1, (off_t)(s->offset + (seed >> 3) % s->size)) == 1);
		}
		if (ka_error_drop(ka_object_open(path, &broken)))
			continue;
		if (!ka_error_drop(ka_types_open_dwarf(broken, &types))) {
			ka_error_drop(ka_types_member(types, "test_outer", "grid[2][4][6]", &m));
			ka_error_drop(ka_types_member(types, "test_outer", "one.deeper", &m));
			types->ops->each_name(types, see_name, &f);
			for (uint32_t id = 0; id < 5000; id++) {
				struct ka_arena *a = ka_arena_new();
				struct ka_type_brief brief;
				struct ka_type_part *parts;

				types->ops->describe(types, id, &brief);
				types->ops->members(types, id, a, &parts);
				ka_arena_free(a);
			}
			ka_types_close(types);
		}
		ka_object_close(broken);
	}
	close(fd);
	unlink(path);
}

CHECK_MAIN
{
	const char *self = "/proc/self/exe";
	struct ka_object *o;
	struct ka_error *err = ka_object_open(self, &o);

	if (!err)
		err = ka_types_open_dwarf(o, &types);
	if (err) {
		CHECK_STR(err->message, "no error");
		ka_error_free(err);
		return;
	}
	test_layouts();
	test_bitfields();
	test_lists();
	ka_types_close(types);
	test_threads(o);
	test_broken(self, o);
	ka_object_close(o);
}
