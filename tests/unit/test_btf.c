/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The BTF reader: every kind, both byte orders, bitfields of both styles, split BTF, and bytes that lie. */
#include "btf.h"
#include "debuginfo.h"
#include "btf_build.h"
#include "check.h"

static struct ka_types *open_types(struct btf_build *b, struct ka_types *base)
{
	struct ka_types *t = NULL;
	size_t size;
	const uint8_t *bytes = btf_build_end(b, NULL, 0, &size);
	struct ka_error *err = base ? ka_types_open_btf_split(base, bytes, size, &t) : ka_types_open_btf(bytes, size, 8, &t);

	if (err)
		fprintf(stderr, "%s\n", err->message);
	CHECK(!ka_error_drop(err));
	return t;
}

/* Opening must fail with this code and these words. */
static void check_refused(const uint8_t *bytes, size_t size, enum ka_error_code code, const char *words)
{
	/* A copy of its own, so that the sanitizer sees reads beyond the end. */
	uint8_t *copy = ka_xalloc(size + 1);
	struct ka_btf *btf = NULL;
	struct ka_error *err;

	copy = ka_xrealloc(copy, size ? size : 1);
	memcpy(copy, bytes, size);
	err = ka_btf_open(copy, size, NULL, &btf);
	CHECK(err);
	if (err) {
		CHECK_INT(err->code, code);
		if (!strstr(err->message, words))
			CHECK_STR(err->message, words);
		ka_error_free(err);
	} else {
		ka_btf_close(btf);
	}
	free(copy);
}

static void check_member(struct ka_types *t, const char *type, const char *path, uint64_t offset, uint32_t bit_offset,
			 uint32_t bit_size, uint64_t size)
{
	struct ka_member m = { 0 };
	struct ka_error *err = ka_types_member(t, type, path, &m);

	if (err)
		CHECK_STR(err->message, path);
	CHECK(!ka_error_drop(err));
	CHECK_INT(m.offset, offset);
	CHECK_INT(m.bit_offset, bit_offset);
	CHECK_INT(m.bit_size, bit_size);
	CHECK_INT(m.size, size);
}

/* Which chars have a sign: as BTF says; where it says so of none (old paholes), plain char as the architecture has it. */
static void test_chars(void)
{
	for (unsigned i = 0; i < 4; i++) {
		bool is_old = i & 1, is_arch = i & 2;
		struct btf_build b = btf_build_begin(false);
		uint32_t plain = btf_add_int(&b, "char", 1, 0, 0, 8);
		uint32_t with = btf_add_int(&b, "signed char", 1, is_old ? 0 : KA_BTF_INT_SIGNED, 0, 8);
		uint32_t without = btf_add_int(&b, "unsigned char", 1, 0, 0, 8);
		struct ka_type_brief brief;
		struct ka_types *t = open_types(&b, NULL);

		t->is_char_signed = is_arch;
		t->ops->describe(t, plain, &brief);
		CHECK_INT(brief.is_signed, is_old && is_arch);
		t->ops->describe(t, with, &brief);
		CHECK(brief.is_signed);
		t->ops->describe(t, without, &brief);
		CHECK(!brief.is_signed);
		ka_types_close(t);
		btf_build_free(&b);
	}
}

static void test_kinds(bool is_swapped)
{
	struct btf_build b = btf_build_begin(is_swapped);
	struct ka_type_brief brief;
	struct ka_types *t;
	uint32_t n, ptr, arr, en, fl, fwd, full, td, cnst, tag, proto, e64, un, empty;
	int64_t value;
	uint64_t size;

	n = btf_add_int(&b, "int", 4, KA_BTF_INT_SIGNED, 0, 32);
	fwd = btf_add(&b, KA_BTF_FWD, "foo", 0, false, 0);
	ptr = btf_add(&b, KA_BTF_PTR, NULL, 0, false, fwd);
	arr = btf_add_array(&b, n, 6);
	en = btf_add(&b, KA_BTF_ENUM, "color", 2, true, 4);
	btf_put_enumerator(&b, "RED", -1);
	btf_put_enumerator(&b, "BLUE", 7);
	fl = btf_add(&b, KA_BTF_FLOAT, "double", 0, false, 8);
	td = btf_add(&b, KA_BTF_TYPEDEF, "foo_t", 0, false, fwd);
	cnst = btf_add(&b, KA_BTF_CONST, NULL, 0, false, td);
	tag = btf_add(&b, KA_BTF_TYPE_TAG, "rcu", 0, false, cnst);
	proto = btf_add(&b, KA_BTF_FUNC_PROTO, NULL, 2, false, n);
	put32(&b, btf_string(&b, "argc"));
	put32(&b, n);
	put32(&b, btf_string(&b, "argv"));
	put32(&b, ptr);
	btf_add(&b, KA_BTF_FUNC, "main", 1, false, proto);
	btf_add(&b, KA_BTF_VAR, "jiffies", 0, false, n);
	put32(&b, 1);
	btf_add(&b, KA_BTF_DATASEC, ".data", 1, false, 4);
	put32(&b, 12), put32(&b, 0), put32(&b, 4);
	btf_add(&b, KA_BTF_DECL_TAG, "tag", 0, false, fwd);
	put32(&b, (uint32_t)-1);
	e64 = btf_add(&b, KA_BTF_ENUM64, "big", 1, false, 8);
	put32(&b, btf_string(&b, "HUGE")), put32(&b, 5), put32(&b, 0x80000000u);
	un = btf_add(&b, KA_BTF_UNION, "u", 2, false, 24);
	btf_put_member(&b, "p", ptr, 0);
	btf_put_member(&b, "a", arr, 0);
	full = btf_add(&b, KA_BTF_STRUCT, "foo", 3, false, 56);
	btf_put_member(&b, "n", n, 0);
	btf_put_member(&b, NULL, un, 64);
	btf_put_member(&b, "next", ptr, 256);
	empty = btf_add(&b, KA_BTF_STRUCT, "lock_class_key", 0, false, 0);
	t = open_types(&b, NULL);
	CHECK_INT(t->is_big_endian, is_swapped != (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__));

	/* The definition wins over the declaration that comes before it. */
	CHECK_INT(t->ops->find(t, KA_TYPE_STRUCT, "foo"), full);
	CHECK_INT(t->ops->find(t, KA_TYPE_UNION, "foo"), 0);
	CHECK_INT(t->ops->find(t, KA_TYPE_UNION, "u"), un);
	CHECK_INT(t->ops->find(t, KA_TYPE_ENUM, "color"), en);
	CHECK_INT(t->ops->find(t, KA_TYPE_ENUM, "big"), e64);
	CHECK_INT(t->ops->find(t, KA_TYPE_TYPEDEF, "foo_t"), td);
	CHECK_INT(t->ops->find(t, KA_TYPE_INT, "int"), n);
	CHECK_INT(t->ops->find(t, KA_TYPE_FLOAT, "double"), fl);
	CHECK_INT(t->ops->find(t, KA_TYPE_STRUCT, "lock_class_key"), empty);
	CHECK_INT(t->ops->find(t, KA_TYPE_STRUCT, ""), 0);
	CHECK_INT(t->ops->find(t, KA_TYPE_STRUCT, "main"), 0);

	t->ops->describe(t, tag, &brief);
	CHECK_INT(brief.kind, KA_TYPE_STRUCT);
	CHECK_INT(brief.size, 56);
	CHECK_STR(brief.name, "foo");
	CHECK_STR(brief.typedef_name, "foo_t");
	CHECK_INT(brief.aliased, fwd);
	t->ops->describe(t, arr, &brief);
	CHECK_INT(brief.kind, KA_TYPE_ARRAY);
	CHECK_INT(brief.count, 6);
	CHECK_INT(brief.size, 24);
	CHECK_INT(brief.target, n);
	t->ops->describe(t, ptr, &brief);
	CHECK_INT(brief.kind, KA_TYPE_POINTER);
	CHECK_INT(brief.size, 8);
	CHECK_INT(brief.target, fwd);
	t->ops->describe(t, 0, &brief);
	CHECK_INT(brief.kind, KA_TYPE_VOID);
	t->ops->describe(t, 12345, &brief);
	CHECK_INT(brief.kind, KA_TYPE_OTHER);
	t->ops->describe(t, proto, &brief);
	CHECK_INT(brief.kind, KA_TYPE_FUNC);
	CHECK(ka_error_drop(t->ops->size(t, proto, &size)));
	t->ops->describe(t, en, &brief);
	CHECK(brief.is_signed);
	t->ops->describe(t, e64, &brief);
	CHECK(!brief.is_signed);

	check_member(t, "foo", "n", 0, 0, 0, 4);
	check_member(t, "foo", "a", 8, 0, 0, 24);	/* through the anonymous union */
	check_member(t, "foo_t", "next", 32, 0, 0, 8);

	CHECK(t->ops->enumerator(t, "RED", &value));
	CHECK_INT(value, -1);
	CHECK(t->ops->enumerator(t, "BLUE", &value));
	CHECK_INT(value, 7);
	CHECK(t->ops->enumerator(t, "HUGE", &value));
	CHECK_INT(value, INT64_MIN + 5);
	CHECK(!t->ops->enumerator(t, "GREEN", &value));
	ka_types_close(t);
	btf_build_free(&b);
}

static void test_bitfields(void)
{
	struct btf_build b = btf_build_begin(false);
	uint32_t n = btf_add_int(&b, "unsigned int", 4, 0, 0, 32), td, narrow;
	struct ka_types *t;

	td = btf_add(&b, KA_BTF_TYPEDEF, "u32", 0, false, n);
	btf_add(&b, KA_BTF_STRUCT, "flagged", 3, true, 8);
	btf_put_member(&b, "a", td, 3u << 24 | 5);
	btf_put_member(&b, "b", td, 13u << 24 | 8);
	btf_put_member(&b, "c", td, 32);
	narrow = btf_add_int(&b, "unsigned int", 4, 0, 2, 3);
	btf_add(&b, KA_BTF_STRUCT, "old", 2, false, 8);
	btf_put_member(&b, "a", narrow, 8);
	btf_put_member(&b, "b", n, 32);
	t = open_types(&b, NULL);
	check_member(t, "flagged", "a", 0, 5, 3, 4);
	check_member(t, "flagged", "b", 1, 0, 13, 4);
	check_member(t, "flagged", "c", 4, 0, 0, 4);
	check_member(t, "old", "a", 1, 2, 3, 4);
	check_member(t, "old", "b", 4, 0, 0, 4);
	ka_types_close(t);
	btf_build_free(&b);
}

/* Before pahole 1.24 no enum tells its sign: 32 bits of ones mean -1. */
static void test_unsigned_enums(void)
{
	struct btf_build b = btf_build_begin(false);
	struct ka_type_brief brief;
	struct ka_types *t;
	int64_t value;
	uint32_t e;

	e = btf_add(&b, KA_BTF_ENUM, "old", 2, false, 4);
	btf_put_enumerator(&b, "OLD", -1);
	btf_put_enumerator(&b, "OLD_FLAG", INT32_MIN);
	t = open_types(&b, NULL);
	CHECK(t->ops->enumerator(t, "OLD", &value));
	CHECK_INT(value, -1);
	CHECK(t->ops->enumerator(t, "OLD_FLAG", &value));
	CHECK_INT(value, 0x80000000u);
	t->ops->describe(t, e, &brief);
	CHECK(brief.is_signed);
	ka_types_close(t);
	btf_add(&b, KA_BTF_ENUM, "new", 1, true, 4);
	btf_put_enumerator(&b, "NEW", -2);
	t = open_types(&b, NULL);
	CHECK(t->ops->enumerator(t, "OLD", &value));
	CHECK_INT(value, 0xffffffffu);
	t->ops->describe(t, e, &brief);
	CHECK(!brief.is_signed);
	ka_types_close(t);
	btf_build_free(&b);
}

static void test_split(void)
{
	struct btf_build b = btf_build_begin(false), m = btf_build_begin(false);
	struct ka_types *base, *t;
	uint32_t n = btf_add_int(&b, "int", 4, KA_BTF_INT_SIGNED, 0, 32), own, id;
	int64_t value;

	id = btf_add(&b, KA_BTF_STRUCT, "shared", 1, false, 4);
	btf_put_member(&b, "n", n, 0);
	btf_add(&b, KA_BTF_ENUM, "e", 1, true, 4);
	btf_put_enumerator(&b, "IN_BASE", 3);
	base = open_types(&b, NULL);

	m.next_id = b.next_id;
	m.next_string = (uint32_t)b.strings.len;
	own = btf_add(&m, KA_BTF_STRUCT, "own", 2, false, 8);
	btf_put_member(&m, "s", id, 0);
	btf_put_member(&m, "n", n, 32);
	btf_add(&m, KA_BTF_FWD, "shared", 0, false, 0);
	t = open_types(&m, base);
	CHECK_INT(t->ops->find(t, KA_TYPE_STRUCT, "own"), own);
	CHECK_INT(t->ops->find(base, KA_TYPE_STRUCT, "own"), 0);
	CHECK_INT(t->ops->find(t, KA_TYPE_STRUCT, "shared"), id);
	check_member(t, "own", "s.n", 0, 0, 0, 4);
	check_member(t, "own", "n", 4, 0, 0, 4);
	CHECK(t->ops->enumerator(t, "IN_BASE", &value));
	CHECK_INT(value, 3);
	ka_types_close(t);
	ka_types_close(base);
	btf_build_free(&b);
	btf_build_free(&m);
}

/* Typedefs that stand for each other, arrays of themselves, anonymous structs in themselves. */
static void test_loops(void)
{
	struct btf_build b = btf_build_begin(false);
	struct ka_type_brief brief;
	struct ka_arena *a = ka_arena_new();
	struct ka_type_part *parts;
	struct ka_types *t;
	uint64_t offset, size;
	uint32_t bits, type;

	btf_add(&b, KA_BTF_TYPEDEF, "a", 0, false, 2);
	btf_add(&b, KA_BTF_TYPEDEF, "b", 0, false, 1);
	btf_add_array(&b, 3, 2);			/* 3: of itself */
	btf_add(&b, KA_BTF_STRUCT, "s", 2, false, 8);	/* 4: twice in itself */
	btf_put_member(&b, NULL, 4, 0);
	btf_put_member(&b, NULL, 4, 0);
	btf_add(&b, KA_BTF_STRUCT, "wild", 3, false, 8); /* 5: ids and names out of bounds, a member beyond the end */
	btf_put_member(&b, "x", 9999, 0);
	put32(&b, 0x7fffffff), put32(&b, 0), put32(&b, 0);
	btf_put_member(&b, "far", 4, 65);
	btf_add_array(&b, 7, 0xffffffff);		/* 6..8: too big */
	btf_add_array(&b, 8, 0xffffffff);
	btf_add_array(&b, 4, 0xffffffff);
	t = open_types(&b, NULL);
	t->ops->describe(t, 1, &brief);
	CHECK_INT(brief.kind, KA_TYPE_OTHER);
	t->ops->describe(t, 3, &brief);
	CHECK_INT(brief.kind, KA_TYPE_ARRAY);
	CHECK(!t->ops->member(t, 4, "none", &offset, &bits, &type));
	CHECK(t->ops->member(t, 5, "x", &offset, &bits, &type));
	CHECK(!t->ops->member(t, 5, "far", &offset, &bits, &type));
	CHECK_INT(t->ops->members(t, 5, a, &parts), 2);
	CHECK(!ka_types_has(t, "wild", "x.y"));
	CHECK(!ka_types_has(t, "a", "b"));
	CHECK(ka_error_drop(t->ops->size(t, 6, &size)));
	ka_types_close(t);
	ka_arena_free(a);
	btf_build_free(&b);
}

static void test_broken(void)
{
	static const uint8_t layouts[22 * 4] = { [21 * 4] = 4, [21 * 4 + 1] = 8 };
	struct btf_build b = btf_build_begin(false);
	const uint8_t *bytes;
	uint8_t *copy;
	struct ka_btf *btf;
	struct ka_btf_type type;
	size_t size;

	btf_add_int(&b, "int", 4, 0, 0, 32);
	btf_add(&b, KA_BTF_STRUCT, "s", 1, false, 8);
	btf_put_member(&b, "x", 1, 0);
	bytes = btf_build_end(&b, NULL, 0, &size);
	for (size_t n = 0; n < size; n++)
		check_refused(bytes, n, KA_TRUNCATED, n < 24 ? "too few" : "go beyond the end");
	copy = ka_xalloc(size);
#define PATCH(at, value) (memcpy(copy, bytes, size), copy[at] = (value))
	PATCH(0, 0x7f);
	check_refused(copy, size, KA_FORMAT, "not BTF");
	PATCH(2, 2);
	check_refused(copy, size, KA_UNSUPPORTED, "version 2");
	PATCH(4, 23);
	check_refused(copy, size, KA_CORRUPT, "header length");
	PATCH(7, 0xff);
	check_refused(copy, size, KA_CORRUPT, "header length");
	PATCH(11, 0xff);
	check_refused(copy, size, KA_TRUNCATED, "types");
	PATCH(15, 0xff);
	check_refused(copy, size, KA_TRUNCATED, "types");
	PATCH(19, 0xff);
	check_refused(copy, size, KA_TRUNCATED, "strings");
	PATCH(size - 1, 'x');
	check_refused(copy, size, KA_CORRUPT, "do not end");
	PATCH(24 + 16 + 4, 200);	/* the struct has 200 members */
	check_refused(copy, size, KA_CORRUPT, "type 2 (kind 4, 200 elements)");
	PATCH(24 + 7, 0);
	check_refused(copy, size, KA_UNSUPPORTED, "type 1 is of kind 0");
	PATCH(24 + 7, 21);
	check_refused(copy, size, KA_UNSUPPORTED, "type 1 is of kind 21");
	free(copy);

	/* A kind of the future that the BTF itself describes is stepped over. */
	btf_add(&b, 21, "future", 2, false, 0);
	for (int i = 0; i < 5; i++)
		put32(&b, 0);
	btf_add_int(&b, "after", 8, 0, 0, 64);
	bytes = btf_build_end(&b, NULL, 0, &size);
	check_refused(bytes, size, KA_UNSUPPORTED, "type 3 is of kind 21");
	bytes = btf_build_end(&b, layouts, sizeof(layouts), &size);
	CHECK(!ka_error_drop(ka_btf_open(bytes, size, NULL, &btf)));
	CHECK_INT(btf->end_id, 5);
	CHECK(ka_btf_type(btf, 4, &type));
	CHECK_STR(type.name, "after");
	CHECK(!ka_btf_type(btf, 5, &type));
	ka_btf_close(btf);
	btf_build_free(&b);
}

CHECK_MAIN
{
	test_chars();
	test_kinds(false);
	test_kinds(true);
	test_bitfields();
	test_unsigned_enums();
	test_split();
	test_loops();
	test_broken();
}
