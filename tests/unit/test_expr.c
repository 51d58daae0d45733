/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Expressions: numbers, C's precedence and promotions, types, memory of the test's making, and where errors point. */
#include "expr_fake.h"
#include "check.h"

static void is(const char *text, unsigned flags, uint64_t want)
{
	uint64_t value = 0;
	struct ka_error *err = ka_expr_number(&kernel, text, flags, &value);

	if (err)
		fprintf(stderr, "%s: %s\n", text, err->message);
	else if (value != want)
		fprintf(stderr, "%s:\n", text);
	CHECK(!err);
	if (!ka_error_drop(err))
		CHECK_INT(value, want);
}

static void refused(const char *text, unsigned flags, enum ka_error_code code, unsigned column)
{
	uint64_t value = 0;
	struct ka_error *err = ka_expr_number(&kernel, text, flags, &value);
	unsigned where = 0;

	if (!err || err->code != code)
		fprintf(stderr, "%s: %s\n", text, err ? err->message : "no error");
	CHECK(err);
	if (!err)
		return;
	CHECK_INT(err->code, code);
	CHECK_INT(sscanf(err->message, "column %u", &where), 1);
	CHECK_INT(where, column);
	ka_error_free(err);
}

static void test_numbers(void)
{
	is("10", 0, 10);
	is("010", 0, 8);
	is("0x10", 0, 16);
	is("0b101", 0, 5);
	is("0o17", 0, 15);
	is("10UL", 0, 10);
	is("'A'", 0, 65);
	is("'\\n' + '\\x41' + '\\101'", 0, 10 + 65 + 65);
	is("4k", 0, 4096);
	is("2M", 0, 2 << 20);
	is("1g", 0, 1 << 30);
	is("010", KA_EXPR_DECIMAL, 10);
	is("12abc", KA_EXPR_DECIMAL, 0x12abc);
	is("abcg", KA_EXPR_DECIMAL, 0xabcull << 30);
	is("ffffffff81000000", KA_EXPR_DECIMAL, 0xffffffff81000000);
	is("10", KA_EXPR_HEX, 16);
	is("ff", KA_EXPR_HEX, 255);
	is("0b1", KA_EXPR_HEX, 0xb1);
	is("abba", KA_EXPR_HEX | KA_EXPR_ADDRESSES, 0x77);
	is("18446744073709551615", KA_EXPR_DECIMAL, UINT64_MAX);
	refused("18446744073709551616", KA_EXPR_DECIMAL, KA_USAGE, 1);
	refused("18446744073709551615k", KA_EXPR_DECIMAL, KA_USAGE, 1);
	refused("08", 0, KA_USAGE, 1);
	refused("12abc", 0, KA_USAGE, 1);
	refused("'ab'", 0, KA_USAGE, 1);
	refused("1 + '\\q'", 0, KA_USAGE, 6);
	refused("\"abc", 0, KA_USAGE, 1);
}

static void test_operators(void)
{
	is("2 + 3 * 4", 0, 14);
	is("(2 + 3) * 4", 0, 20);
	is("20 - 5 - 3", 0, 12);
	is("1 | 6 ^ 2 & 3", 0, 1 | (6 ^ (2 & 3)));
	is("1 << 2 + 1", 0, 8);
	is("5 & 4 == 4", 0, 1);
	is("1 ? 2 : 3 ? 4 : 5", 0, 2);
	is("0 ? 2 : 0 ? 4 : 5", 0, 5);
	is("1, 2, 3", 0, 3);
	is("!5 || 3 && 2", 0, 1);
	is("0 && 1 / 0", 0, 0);
	is("1 || 1 / 0", 0, 1);
	is("1 ? 7 : 1 / 0", 0, 7);
	is("-7 / 2", 0, (uint64_t)-3);
	is("-7 % 2", 0, (uint64_t)-1);
	is("~0", 0, UINT64_MAX);
	is("- -5", 0, 5);
	is("-1 >> 1", 0, UINT64_MAX);
	is("(1 << 63) / -1", KA_EXPR_DECIMAL, 1ull << 63);
	is("1 << 64", KA_EXPR_DECIMAL, 0);
	/* int is 32 bits, crash's numbers have 64 */
	is("1 << 31", 0, 0xffffffff80000000);
	is("1 << 40", KA_EXPR_DECIMAL, 1ull << 40);
	is("2147483647 + 1", 0, 0xffffffff80000000);
	is("0xffffffff + 1", 0, 0);
	is("4294967295 + 1", 0, 1ull << 32);
	is("-1 < 1U", 0, 0);
	is("-1 < 1", 0, 1);
	is("-1L < 1U", 0, 1);
	is("(u8)511", 0, 255);
	is("(signed char)255", 0, UINT64_MAX);
	is("(unsigned long long int)-1 > 0", 0, 1);
	is("(bool)256", 0, 1);
	is("(short)0x12348000", 0, 0xffffffffffff8000);
	is("sizeof(long) + sizeof(int *) + sizeof(char)", 0, 17);
	is("sizeof 1", 0, 4);
	is("sizeof(int[10])", 0, 40);
	is("sizeof(char[2][3])", 0, 6);
	is("sizeof(short *[3])", 0, 24);
	is("sizeof(int (*)[4])", 0, 8);
	is("sizeof(void (*)(int, void (*)(long)))", 0, 8);
	is("(unsigned long)(int (*)(void))16 + 1", 0, 17);
	is("sizeof(__int128)", 0, 16);
	is("sizeof(unsigned __int128 *)", 0, 8);
	is("(int)(5)", 0, 5);
	is("\"abc\" == \"abc\"", 0, 1);
	is("\"abc\" < \"abd\"", 0, 1);
	refused("5 / 0", 0, KA_USAGE, 3);
	refused("5 % (1 - 1)", 0, KA_USAGE, 3);
	refused("1 << -1", 0, KA_USAGE, 3);
	refused("1 +", 0, KA_USAGE, 4);
	refused("(1", 0, KA_USAGE, 3);
	refused("1 2", 0, KA_USAGE, 3);
	refused("1 = 2", 0, KA_USAGE, 3);
	refused("1 @ 2", 0, KA_USAGE, 3);
	refused("", 0, KA_USAGE, 1);
	refused("&5", 0, KA_USAGE, 1);
	refused("\"a\" + 1", 0, KA_USAGE, 5);
	refused("(long short)1", 0, KA_USAGE, 2);
}

static void test_names(void)
{
	put(0, 42, 4);
	put(8, BASE + 64, 8);
	put(0x10, 7, 4);
	put(0x30, 9, 4);
	is("func", 0, 0xffffffff81000000);
	is("&func", 0, 0xffffffff81000000);
	is("func.cold + 1", 0, 0xffffffff81000101);
	is("func.isra.0", 0, 0xffffffff81000200);
	is("counter", 0, 42);
	is("counter", KA_EXPR_ADDRESSES, BASE);
	is("&counter", 0, BASE);
	is("counter + 8", KA_EXPR_ADDRESSES | KA_EXPR_HEX, BASE + 8);
	is("*pointer", KA_EXPR_ADDRESSES, BASE + 64);
	is("percpu:0", 0, 7);
	is("percpu:1", 0, 9);
	is("percpu:1", KA_EXPR_ADDRESSES, BASE + 0x30);
	is("1 ? counter:3", 0, 42);
	is("1 ? (percpu:1) : 3", 0, 9);
	is("SECOND + BELOW", 0, 0);
	is("BELOW < 0", 0, 1);
	refused("percpu", 0, KA_USAGE, 1);
	refused("percpu:2", 0, KA_USAGE, 1);
	refused("counter:0", 0, KA_USAGE, 1);
	refused("1 + nosuch", 0, KA_NOT_FOUND, 5);
	refused("func(1)", 0, KA_USAGE, 5);
	refused("counter->a", 0, KA_USAGE, 8);
}

/* char without a word before it has a sign where the dump's has one: so it is in the types here. */
static void test_char(void)
{
	struct btf_build b = btf_build_begin(false);
	const uint8_t *bytes;
	size_t size;
	struct ka_types *before = types, *other = NULL;

	is("(char)200", 0, (uint64_t)-56);
	is("'\\377' < 0", 0, 1);
	/* since 6.2, and on aarch64, it has none */
	btf_add_int(&b, "char", 1, 0, 0, 8);
	btf_add_int(&b, "signed char", 1, KA_BTF_INT_SIGNED, 0, 8);
	bytes = btf_build_end(&b, NULL, 0, &size);
	CHECK(!ka_error_drop(ka_types_open_btf(bytes, size, 8, &other)));
	types = other;
	is("(char)200", 0, 200);
	is("(signed char)200", 0, (uint64_t)-56);
	is("'\\377' == 255", 0, 1);
	types = before;
	ka_types_close(other);
	btf_build_free(&b);
}

static void test_types(void)
{
	put(64, (uint64_t)-5, 4);
	memcpy(memory + 68, "bash\0xy", 8);
	put(80, BASE + 64 + 24, 8);			/* one.next = &many[0] */
	for (unsigned i = 0; i < 3; i++)
		put(64 + 24 + 24 * i, 100 + i, 4);
	put(64 + 96, 5 | 21 << 3 | 0xe << 8, 4);	/* low 5, mid 21, neg -2 */
	put(64 + 100, 0x1234, 2);
#define OUTER "((struct outer *)&the_outer)"
	is(OUTER "->one.a", 0, (uint64_t)-5);
	is("((struct outer *)pointer)->one.a", 0, (uint64_t)-5);
	is(OUTER "->many[2].a", 0, 102);
	is(OUTER "->one.next->a", 0, 100);
	is("(" OUTER "->one.next + 1)->a", 0, 101);
	is("1[" OUTER "->many].a", 0, 101);
	is("(*" OUTER ").one.next[2].a", 0, 102);
	is(OUTER "->low", 0, 5);
	is(OUTER "->mid", 0, 21);
	is(OUTER "->neg", 0, (uint64_t)-2);
	is(OUTER "->half", 0, 0x1234);
	/* gdb's way to name the file of a static variable */
	is("((struct outer *)&twins@dir/one.c)->half", 0, 0x1234);
	is("((struct outer *)&'dir/one.c'::twins)->half", 0, 0x1234);
	is("'dir/one.c'::twins.half + 1", 0, 0x1235);
	is("sizeof('dir/one.c'::twins)", 0, 104);
	is("sizeof(twins@dir/one.c)", 0, 104);
	refused("'dir/one.c'::", 0, KA_USAGE, 1);
	refused("'dir/one.c'::5", 0, KA_USAGE, 1);
	refused("''::twins", 0, KA_USAGE, 1);
	/* however wide its declared type: narrower than int it is one */
	is("sizeof(+((struct wide *)&the_outer)->five)", 0, 4);
	is("((struct wide *)&the_outer)->five - 100 < 0", 0, 1);
	is("((struct wide *)&the_outer)->rest - 0x7ffffff - 1 < 0", 0, 1);
	is("sizeof(+((struct wide *)&the_outer)->upper)", 0, 4);
	is("((struct wide *)&the_outer)->upper - ((struct wide *)&the_outer)->upper - 1 > 0", 0, 1);
	is("&" OUTER "->half", 0, BASE + 164);
	is(OUTER "->one.name == \"bash\"", 0, 1);
	is(OUTER "->one.name != \"bash\"", 0, 0);
	is("\"basf\" < " OUTER "->one.name", 0, 1);
	is("(char *)(the_outer + 4) == \"bash\"", KA_EXPR_ADDRESSES, 1);
	is(OUTER "->one.name[1] == 'a'", 0, 1);
	is("*" OUTER "->one.name", 0, 'b');
	is("&" OUTER "->many[2] - &" OUTER "->many[0]", 0, 2);
	is("sizeof(struct outer)", 0, 104);
	is("sizeof(" OUTER "->many)", 0, 72);
	is("sizeof " OUTER "->many[0].name", 0, 8);
	is("sizeof(the_outer)", 0, 120);
	is("offsetof(struct outer, many[1].name)", 0, 52);
	is("container_of(&the_outer, struct inner, next)", 0, BASE + 64 - 16);
	is("container_of(" OUTER "->one.next, struct outer, many)->one.a", 0, (uint64_t)-5);
	is("(struct inner *)0 + 2", 0, 48);
	is("*(int *)(the_outer + 24)", KA_EXPR_ADDRESSES, 100);
	is("(enum where)1 == SECOND", 0, 1);
	refused("(struct nosuch *)0", 0, KA_MISSING, 1);
	refused(OUTER "->nosuch", 0, KA_MISSING, 29);
	refused("1 + " OUTER "->one", 0, KA_USAGE, 3);
	refused("&" OUTER "->low", 0, KA_USAGE, 1);
	refused("*(int *)4", 0, KA_EXCLUDED, 1);
	refused("*(void *)4", 0, KA_USAGE, 1);
	refused("offsetof(struct outer, nosuch)", 0, KA_MISSING, 1);
	refused("(struct outer *)1 * 2", 0, KA_USAGE, 19);
}

/* What came later: floats, slices, typeof, alignment, patterns, names with files. */
static void test_more(void)
{
	double real = 2.5;
	float half = -0.5f;

	memcpy(memory + 200, &real, 8);
	memcpy(memory + 208, &half, 4);
	/* typed variables, in both ways to read symbols */
	is("typed.one.a", 0, (uint64_t)-5);
	is("typed.one.a", KA_EXPR_ADDRESSES | KA_EXPR_HEX, (uint64_t)-5);
	is("typed.one.next->a", KA_EXPR_ADDRESSES | KA_EXPR_HEX, 100);
	is("typed.many[2].a", KA_EXPR_ADDRESSES, 102);
	is("typed.many", KA_EXPR_ADDRESSES, BASE + 64 + 24);
	is("&typed.half", KA_EXPR_ADDRESSES, BASE + 164);
	is("typed", KA_EXPR_ADDRESSES, BASE + 64);
	is("typed", 0, BASE + 64);
	is("sizeof(typed)", 0, 104);
	is("sizeof typed.one", 0, 24);
	is("sizeof(typed.many[1])", 0, 24);
	is("sizeof(typed.many[1].name) / sizeof(typed.many[1].name[0])", 0, 8);
	is("sizeof(*(struct inner *)4)", 0, 24);
	is("sizeof(((struct outer *)0)->one.next->next->next->name)", 0, 8);
	is("sizeof(1 / 0)", 0, 4);
	is("sizeof(typeof(typed.one.next))", 0, 8);
	is("sizeof(typeof(*typed.one.next))", 0, 24);
	is("(typeof(typed.one) *)0 + 1", 0, 24);
	is("((typeof(&typed))&typed)->one.a", 0, (uint64_t)-5);
	is("(typeof(int))-1 < 0", 0, 1);
	is("container_of(typed.one.next, typeof(typed), many)->one.a", 0, (uint64_t)-5);
	is("offsetof(typeof(typed), many[2].next)", 0, 24 + 48 + 16);
	is("offsetof(struct outer, many[SECOND].a)", 0, 48);
	is("_Alignof(struct outer)", 0, 8);
	is("alignof(struct inner)", 0, 8);
	is("__alignof__(typed.one.name)", 0, 1);
	is("_Alignof(short)", 0, 2);
	is("twins@one.c.one.a", 0, (uint64_t)-5);
	is("twins@dir/one.c", KA_EXPR_ADDRESSES, BASE + 64);
	is("twins", KA_EXPR_ADDRESSES, BASE + 64);
	refused("twins.one.a", 0, KA_USAGE, 1);
	refused("twins@two.c", 0, KA_NOT_FOUND, 1);
	/* slices */
	is("sizeof(typed.many[0..1])", 0, 48);
	is("typed.many[1..2][1].a", 0, 102);
	is("typed.one.next[1..2][0].a", 0, 101);
	is("typed.one.name[0..3] == \"bash\"", 0, 1);
	is("*typed.many[2..2][0].name", 0, 0);
	refused("typed.many[2..1]", 0, KA_USAGE, 11);
	refused("typed.many[0..9999999]", 0, KA_USAGE, 11);
	refused("typed.half[0..1]", 0, KA_USAGE, 11);
	is("sizeof(typed.many[0]@2)", 0, 48);
	is("sizeof(*typed.one.name @ 3 + 1)", 0, 8);
	is("(typed.many[1]@2)[1].a", 0, 102);
	is("*typed.one.name@4 == \"bash\"", 0, 1);
	refused("5@2", 0, KA_USAGE, 2);
	refused("typed@0", 0, KA_USAGE, 6);
	is("sizeof(SECOND)", 0, 4);
	is("SECOND - 2 < 0", 0, 1);
	/* floats */
	is("*(double *)(&counter + 200) * 2", 0, 5);
	is("*(double *)(&counter + 200) == 2.5", 0, 1);
	is("*(float *)(&counter + 208) < 0", 0, 1);
	is("(int)*(float *)(&counter + 208)", 0, 0);
	is("(int)(*(double *)(&counter + 200) * -3)", 0, (uint64_t)-7);
	is("1.5 + 1 > 2", 0, 1);
	is("1.5e2", 0, 150);
	is("sizeof(1.5)", 0, 8);
	is("sizeof((float)1 + (float)2)", 0, 4);
	is("(float)1 / 3 == 1.0 / 3", 0, 0);
	is("0.0 || 0.5", 0, 1);
	is("!0.5", 0, 0);
	is("(bool)0.1", 0, 1);
	is("(unsigned char)300.7 == 44", 0, 1);
	is("1 ? 1 : 2.5", 0, 1);
	is("sizeof(1 ? 1 : 2.5)", 0, 8);
	refused("1.5 % 2", 0, KA_USAGE, 5);
	refused("1.5 << 2", 0, KA_USAGE, 5);
	refused("~1.5", 0, KA_USAGE, 1);
	/* patterns */
	is("typed.one.name =~ \"b*h\"", 0, 1);
	is("typed.one.name =~ \"b?sh\"", 0, 1);
	is("typed.one.name =~ \"[a-c]as[!g]\"", 0, 1);
	is("typed.one.name =~ \"bas\"", 0, 0);
	is("typed.one.name !~ \"*z*\"", 0, 1);
	is("typed.one.name =~ \"*a*a*\"", 0, 0);
	is("\"a[b\" =~ \"a[b\"", 0, 1);
	is("\"a*b\" =~ \"a\\\\*b\"", 0, 1);
	is("\"axb\" =~ \"a\\\\*b\"", 0, 0);
	refused("typed.one.name =~ typed.one.name", 0, KA_USAGE, 16);
	refused("1 =~ \"1\"", 0, KA_USAGE, 3);
	/* the other side of '?' has a type, and is not read */
	is("sizeof(1 ? (char)1 : 2L)", 0, 8);
	is("1 ? 5 : *(int *)4", 0, 5);
	is("(1 ? -1 : 0U) > 0", 0, 1);
	is("1 ? 0 : &counter", 0, 0);
	/* CPUs */
	is("percpu:1", 0, 9);
	refused("percpu:0-1", 0, KA_USAGE, 1);
	refused("percpu:a", 0, KA_USAGE, 1);
	refused("percpu:x", 0, KA_USAGE, 8);
	refused("percpu:0,7", 0, KA_USAGE, 1);
	/* nothing can be changed */
	refused("counter = 1", 0, KA_USAGE, 9);
	refused("counter += 1", 0, KA_USAGE, 9);
	refused("(counter <<= 1)", 0, KA_USAGE, 10);
	refused("counter++", 0, KA_USAGE, 8);
	refused("--counter", 0, KA_USAGE, 1);
	refused("$nosuch + 1", 0, KA_NOT_FOUND, 1);
}

/* A list of CPUs is several values. */
static void test_cpus(void)
{
	struct ka_arena *a = ka_arena_new();
	struct ka_expr_env env = { .has_list_cpu = true };
	struct ka_value v;
	struct ka_expr *e;
	unsigned *cpus;
	size_t n;

	CHECK(!ka_error_drop(ka_expr_parse(a, "(percpu:0-1) + 100", 0, &e)));
	CHECK(!ka_error_drop(ka_expr_cpus(e, &kernel, a, &cpus, &n)));
	CHECK_INT(n, 2);
	for (size_t i = 0; i < n; i++) {
		env.list_cpu = cpus[i];
		CHECK(!ka_error_drop(ka_expr_eval(e, &kernel, &env, &v)));
		CHECK_INT(v.bits, i ? 109 : 107);
	}
	CHECK(!ka_error_drop(ka_expr_parse(a, "counter", 0, &e)));
	CHECK(!ka_error_drop(ka_expr_cpus(e, &kernel, a, &cpus, &n)));
	CHECK_INT(n, 0);
	CHECK(!ka_error_drop(ka_expr_parse(a, "percpu:9", 0, &e)));
	CHECK(ka_error_drop(ka_expr_cpus(e, &kernel, a, &cpus, &n)));
	ka_arena_free(a);
}

/* Errors carry the text and a caret. */
static void test_caret(void)
{
	uint64_t value;
	struct ka_error *err = ka_expr_number(&kernel, "1 + nosuch", 0, &value);

	CHECK(err && err->detail);
	CHECK_STR(err->detail, "    1 + nosuch\n        ^");
	ka_error_free(err);
	err = ka_expr_number(&kernel, "1 + @", 0, &value);
	CHECK(err && err->detail);
	CHECK_STR(err->detail, "    1 + @\n        ^");
	ka_error_free(err);
}

static bool name_hook(void *ctx, const char *name, struct ka_value *ret)
{
	if (!strcmp(name, "$rip"))
		*ret = ka_value_ulong(&kernel, 0x1234);
	else if (!strcmp(name, "outer"))
		return !ka_error_drop(ka_value_at(&kernel, "struct outer", *(ka_addr *)ctx, ret));
	else
		return false;
	return true;
}

static void test_hook(void)
{
	struct ka_arena *a = ka_arena_new();
	ka_addr at = BASE + 64;
	struct ka_expr_env env = { .name = name_hook, .ctx = &at };
	struct ka_value v;
	struct ka_expr *e;
	bool yes = false;

	CHECK(!ka_error_drop(ka_expr_parse(a, "outer.one.name == \"bash\" && $rip == 0x1234", 0, &e)));
	CHECK(!ka_error_drop(ka_expr_test(e, &kernel, &env, &yes)));
	CHECK(yes);
	CHECK(!ka_error_drop(ka_expr_parse(a, "outer.many[1]", 0, &e)));
	CHECK(!ka_error_drop(ka_expr_eval(e, &kernel, &env, &v)));
	CHECK_INT(v.kind, KA_TYPE_STRUCT);
	CHECK_STR(v.type_name, "inner");
	CHECK_INT(v.addr, BASE + 64 + 48);
	CHECK_INT(v.size, 24);
	CHECK(v.is_lvalue);
	/* without a dump there are numbers */
	CHECK(!ka_error_drop(ka_expr_parse(a, "(u16)-1 + 1", 0, &e)));
	CHECK(!ka_error_drop(ka_expr_eval(e, NULL, NULL, &v)));
	CHECK_INT(v.bits, 65536);
	CHECK_INT(v.size, 4);
	CHECK(v.is_signed);
	ka_arena_free(a);
}

/* Deep ones end, long ones too. */
static void test_bounds(void)
{
	static const char *const parts[] = { "(", "- ", "!", "sizeof ", "1?", "(int)", "1?1:", "*&" };
	struct ka_str s = {0};
	uint64_t value;

	for (size_t i = 0; i < KA_COUNT(parts); i++) {
		struct ka_error *err;

		ka_str_clear(&s);
		for (int n = 0; n < 5000; n++)
			ka_str_add(&s, parts[i]);
		ka_str_add(&s, "1");
		err = ka_expr_number(NULL, s.p, 0, &value);
		CHECK(err && strstr(err->message, "nested more than"));
		if (err && !strstr(err->message, "nested more than"))
			fprintf(stderr, "%s: %.200s\n", parts[i], err->message);
		ka_error_free(err);
	}
	ka_str_clear(&s);
	ka_str_add(&s, "1");
	for (int n = 0; n < 900; n++)
		ka_str_add(&s, "+1");
	is(s.p, 0, 901);
	for (int n = 0; n < 900; n++)
		ka_str_add(&s, "+1");
	CHECK(ka_error_drop(ka_expr_number(NULL, s.p, 0, &value)));
	for (int n = 0; n < 60000; n++)
		ka_str_add(&s, "+1");
	CHECK(ka_error_drop(ka_expr_number(NULL, s.p, 0, &value)));
	ka_str_free(&s);
}

CHECK_MAIN
{
	struct btf_build b = btf_build_begin(false);
	const uint8_t *bytes;
	size_t size;

	types_build(&b);
	bytes = btf_build_end(&b, NULL, 0, &size);
	CHECK(!ka_error_drop(ka_types_open_btf(bytes, size, 8, &types)));
	if (types) {
		test_numbers();
		test_operators();
		test_names();
		test_char();
		test_types();
		test_more();
		test_cpus();
		test_caret();
		test_hook();
		test_bounds();
	}
	ka_types_close(types);
	btf_build_free(&b);
}
