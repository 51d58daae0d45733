/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Paths into structs: the grammar, guards, indices, and what is said when a member is not there. */
#include "btf.h"
#include "debuginfo.h"
#include "btf_build.h"
#include "check.h"

static struct ka_types *types;

/*
 * struct inner { int a; struct { short deep[3][4]; union { char c; void *p; }; }; };
 * enum where { FIRST, SECOND, BELOW = -1 };
 * typedef struct { int counter; } atomic_t; typedef atomic_t refcount_t;
 * struct outer { struct inner one; struct inner many[2]; atomic_t count; refcount_t refs; unsigned int mounts;
 *		  int bits:5; struct inner *ptr; enum where e; struct inner tail[]; };
 */
static void build(struct btf_build *b)
{
	uint32_t n = btf_add_int(b, "int", 4, KA_BTF_INT_SIGNED, 0, 32), s = btf_add_int(b, "short int", 2, KA_BTF_INT_SIGNED, 0, 16);
	uint32_t c = btf_add_int(b, "char", 1, KA_BTF_INT_SIGNED, 0, 8), u = btf_add_int(b, "unsigned int", 4, 0, 0, 32);
	uint32_t voidp = btf_add(b, KA_BTF_PTR, NULL, 0, false, 0), row = btf_add_array(b, s, 4), deep = btf_add_array(b, row, 3);
	uint32_t un, anon, inner, many, atomic, atomic_t, refcount_t, ptr, e, tail;

	un = btf_add(b, KA_BTF_UNION, NULL, 2, false, 8);
	btf_put_member(b, "c", c, 0);
	btf_put_member(b, "p", voidp, 0);
	anon = btf_add(b, KA_BTF_STRUCT, NULL, 2, false, 32);
	btf_put_member(b, "deep", deep, 0);
	btf_put_member(b, NULL, un, 24 * 8);
	inner = btf_add(b, KA_BTF_STRUCT, "inner", 2, false, 40);
	btf_put_member(b, "a", n, 0);
	btf_put_member(b, NULL, anon, 64);
	many = btf_add_array(b, inner, 2);
	tail = btf_add_array(b, inner, 0);
	atomic = btf_add(b, KA_BTF_STRUCT, NULL, 1, false, 4);
	btf_put_member(b, "counter", n, 0);
	atomic_t = btf_add(b, KA_BTF_TYPEDEF, "atomic_t", 0, false, atomic);
	refcount_t = btf_add(b, KA_BTF_TYPEDEF, "refcount_t", 0, false, atomic_t);
	ptr = btf_add(b, KA_BTF_PTR, NULL, 0, false, inner);
	e = btf_add(b, KA_BTF_ENUM, "where", 3, true, 4);
	btf_put_enumerator(b, "FIRST", 0);
	btf_put_enumerator(b, "SECOND", 1);
	btf_put_enumerator(b, "BELOW", -1);
	btf_add(b, KA_BTF_STRUCT, "outer", 9, true, 160);
	btf_put_member(b, "one", inner, 0);
	btf_put_member(b, "many", many, 40 * 8);
	btf_put_member(b, "count", atomic_t, 120 * 8);
	btf_put_member(b, "refs", refcount_t, 124 * 8);
	btf_put_member(b, "mounts", u, 128 * 8);
	btf_put_member(b, "bits", n, (132 * 8 + 3) | 5u << 24);
	btf_put_member(b, "ptr", ptr, 136 * 8);
	btf_put_member(b, "__state", e, 144 * 8);
	btf_put_member(b, "tail", tail, 160 * 8);
	btf_add(b, KA_BTF_FWD, "opaque", 0, false, 0);
	btf_add(b, KA_BTF_FWD, "hidden", 0, false, 0);
	btf_add(b, KA_BTF_TYPEDEF, "hidden", 0, false, n);
	btf_add_int(b, "long unsigned int", 8, 0, 0, 64);
}

static struct ka_member member(const char *path)
{
	struct ka_member m = { 0 };
	struct ka_error *err = ka_types_member(types, "outer", path, &m);

	if (err)
		CHECK_STR(err->message, path);
	CHECK(!ka_error_drop(err));
	CHECK(ka_types_has(types, "outer", path));
	return m;
}

static void check_error(const char *type, const char *path, enum ka_error_code code, const char *message)
{
	struct ka_member m;
	struct ka_error *err = ka_types_member(types, type, path, &m);

	CHECK(err);
	CHECK(!ka_types_has(types, type, path));
	if (!err)
		return;
	CHECK_INT(err->code, code);
	CHECK_STR(err->message, message);
	ka_error_free(err);
}

static void test_paths(void)
{
	struct ka_member m;

	CHECK_INT(member("one.a").offset, 0);
	CHECK_INT(member("one.c").offset, 32);
	CHECK_INT(member("one.p").offset, 32);
	CHECK_INT(member("many[1].a").offset, 80);
	CHECK_INT(member("many[SECOND].a").offset, 80);
	CHECK_INT(member("many[0x1].deep[2][3]").offset, 80 + 8 + 2 * 8 + 3 * 2);
	CHECK_INT(member("tail[3].a").offset, 160 + 120);
	m = member("one.deep");
	CHECK_INT(m.kind, KA_TYPE_ARRAY);
	CHECK_INT(m.count, 3);
	CHECK_INT(m.size, 24);
	m = member("one.deep[1]");
	CHECK_INT(m.count, 4);
	CHECK_INT(m.size, 8);
	m = member("one.deep[1][1]");
	CHECK_INT(m.kind, KA_TYPE_INT);
	CHECK(m.is_signed);
	CHECK_STR(m.type_name, "short int");
	m = member("bits");
	CHECK_INT(m.offset, 132);
	CHECK_INT(m.bit_offset, 3);
	CHECK_INT(m.bit_size, 5);
	m = member("one");
	CHECK_INT(m.kind, KA_TYPE_STRUCT);
	CHECK_INT(m.size, 40);
	CHECK_STR(m.type_name, "inner");
	m = member("ptr");
	CHECK_INT(m.kind, KA_TYPE_POINTER);
	CHECK_INT(m.size, 8);
	m = member("tail");
	CHECK_INT(m.count, 0);
	CHECK_INT(m.size, 0);
	m = member("__state");
	CHECK_INT(m.kind, KA_TYPE_ENUM);
	CHECK_STR(m.type_name, "where");
}

static void test_guards(void)
{
	member("one@inner.a@int");
	member("one@struct inner");
	member("count@atomic_t.counter");
	member("refs@atomic_t");
	member("refs@refcount_t");
	member("many[0]@inner");
	member("ptr@inner*");
	member("ptr@struct inner *");
	member("one.p@void*");
	member("mounts@unsigned int");
	member("__state@enum where");
	CHECK(!ka_types_has(types, "outer", "one@inne"));
	CHECK(!ka_types_has(types, "outer", "one@innerx"));
	CHECK(!ka_types_has(types, "outer", "count@refcount_t"));
	CHECK(!ka_types_has(types, "outer", "ptr@inner"));
	CHECK(!ka_types_has(types, "outer", "ptr@inner**"));
	CHECK(!ka_types_has(types, "outer", "one@union inner"));
	check_error("outer", "mounts@rb_root.rb_node", KA_MISSING, "'mounts' of outer is of type unsigned int here, not rb_root");
}

static void test_errors(void)
{
	check_error("nothing", "a", KA_MISSING, "this kernel has no struct or union named 'nothing'");
	check_error("int", "a", KA_MISSING, "this kernel has no struct or union named 'int'");
	check_error("union outer", "one", KA_MISSING, "this kernel has no struct or union named 'union outer'");
	check_error("outer", "foo", KA_MISSING, "struct outer has no member named 'foo'");
	check_error("struct outer", "state", KA_MISSING, "struct outer has no member named 'state'; did you mean '__state'?");
	check_error("outer", "mount", KA_MISSING, "struct outer has no member named 'mount'; did you mean 'mounts'?");
	check_error("outer", "one.deeep", KA_MISSING, "struct inner has no member named 'deeep'; did you mean 'deep'?");
	check_error("outer", "count.x", KA_MISSING, "struct atomic_t has no member named 'x'");
	check_error("outer", "mounts.rb_node", KA_MISSING, "'mounts' of outer is not a struct or union, so it has no member 'rb_node'");
	check_error("outer", "ptr.a", KA_MISSING, "'ptr' of outer is not a struct or union, so it has no member 'a'");
	check_error("outer", "one[0]", KA_MISSING, "'one' of outer is not an array");
	check_error("outer", "many[2].a", KA_MISSING, "'many' of outer has 2 elements, so none at 2");
	check_error("outer", "many[THIRD]", KA_MISSING, "outer.many[THIRD]: this kernel has no enumerator named 'THIRD'");
	check_error("outer", "many[BELOW]", KA_MISSING, "outer.many[BELOW]: enumerator 'BELOW' is -1, which is no index");
	check_error("outer", "tail[0x7fffffffffffffff]", KA_CORRUPT, "outer.tail[0x7fffffffffffffff] lies beyond all bounds");
	check_error("opaque", "x", KA_MISSING, "struct opaque is declared, but nowhere defined: no member 'x'");
	check_error("outer", "", KA_USAGE, "bad member path '' at '': a member's name is expected");
	check_error("outer", "one..a", KA_USAGE, "bad member path 'one..a' at '.a': a member's name is expected");
	check_error("outer", "one.", KA_USAGE, "bad member path 'one.' at '': a member's name is expected");
	check_error("outer", "ptr->a", KA_USAGE,
		    "bad member path 'ptr->a' at '->a': '.', '[' or '@' is expected; pointers are not followed");
	check_error("outer", "many[", KA_USAGE, "bad member path 'many[' at '': ']' is missing");
	check_error("outer", "many[]", KA_USAGE, "bad member path 'many[]' at ']': a number or an enumerator is expected between [ and ]");
	check_error("outer", "many[1x]", KA_USAGE, "bad member path 'many[1x]' at '1x]': not a number");
	check_error("outer", "many[-1]", KA_USAGE,
		    "bad member path 'many[-1]' at '-1]': a number or an enumerator is expected between [ and ]");
	check_error("outer", "one@", KA_USAGE, "bad member path 'one@' at '@': a type's name is expected after '@'");
}

static void check_size(const char *type, uint64_t want)
{
	uint64_t size = 0;

	CHECK(!ka_error_drop(ka_types_size(types, type, &size)));
	CHECK_INT(size, want);
}

CHECK_MAIN
{
	struct btf_build b = btf_build_begin(false);
	const uint8_t *bytes;
	uint64_t size_bytes;
	struct ka_error *err;
	size_t size;

	build(&b);
	bytes = btf_build_end(&b, NULL, 0, &size);
	CHECK(!ka_error_drop(ka_types_open_btf(bytes, size, 8, &types)));
	test_paths();
	test_guards();
	test_errors();
	check_size("outer", 160);
	check_size("struct outer", 160);
	check_size("atomic_t", 4);
	check_size("enum where", 4);
	check_size("unsigned int", 4);
	check_size("unsigned long", 8);
	check_size("struct opaque *", 8);
	check_size("hidden", 4);	/* the typedef, not the declaration of a struct */
	err = ka_types_size(types, "opaque", &size_bytes);
	CHECK_STR(err ? err->message : NULL, "size of 'opaque': opaque is declared, but nowhere defined");
	ka_error_free(err);
	err = ka_types_size(types, "none", &size_bytes);
	CHECK_STR(err ? err->message : NULL, "this kernel has no type named 'none'");
	ka_error_free(err);
	ka_types_close(types);
	btf_build_free(&b);
}
