/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How values and types are written: the test's own DWARF tells the types, its own memory holds the values. */
#include <unistd.h>
#include <kanalyze/value.h>
#include "btf_build.h"
#include "check.h"
#include "debuginfo.h"

struct link { struct link *next, *prev; };
enum flags { FLAG_A = 1, FLAG_B = 2, FLAG_D = 8 };
enum state { STATE_ONE = 1, STATE_TWO, STATE_THREE };
typedef int (*callback)(struct link *link, const char *format, ...);

struct sample {
	signed char letter;
	_Bool yes;
	unsigned int low : 3, high : 7;
	union { int number; struct { short first, second; }; };
	char text[16], full[4];
	int grid[2][3];
	enum flags flags, odd;
	enum state state;
	double real;
	struct link *none;
	callback call;
	const char *const *volatile names;
	struct { int inner; } named;
	struct link links[2];
	unsigned __int128 wide;
	int equal[12];
	char tail[];
};

static struct sample sample = {
	.letter = 'A', .yes = 1, .low = 5, .high = 100, .number = 0x20001, .text = "a\"\t\001", .full = { 'f', 'u', 'l', 'l' },
	.grid = { { 1, 2, 3 }, { 4, 5, 6 } }, .flags = FLAG_A | FLAG_D, .odd = (enum flags)6, .state = (enum state)9, .real = 1.5, .wide = 7,
};

static struct ka_error *read_own(void *ctx, uint64_t at, void *ret, size_t size)
{
	uintptr_t start = (uintptr_t)&sample;

	(void)ctx;
	if (at < start || at + size > start + sizeof(sample))
		return ka_error_at(KA_UNMAPPED, KA_SPACE_VIRT, at, "not mine");
	memcpy(ret, (void *)(uintptr_t)at, size);
	return NULL;
}

static struct ka_types *types;
static struct ka_str got;

static struct ka_value whole(void)
{
	return (struct ka_value){ .type = { .types = types, .id = ka_types_find(types, "struct sample") }, .is_lvalue = true,
				  .addr = (uintptr_t)&sample };
}

static const char *member(const char *paths, struct ka_print how)
{
	struct ka_value x = whole();
	struct ka_error *err;

	how.read = read_own;
	ka_str_clear(&got);
	ka_str_add(&got, "");
	err = ka_value_members_text(NULL, &x, paths, &how, &got);
	if (err)
		ka_str_printf(&got, "!%s", err->message);
	ka_error_free(err);
	return got.p;
}

#define TEXT(paths, ...) member(paths, (struct ka_print){ __VA_ARGS__ })

static void check_values(void)
{
	CHECK_STR(TEXT("letter,yes"), "  letter = 65 'A',\n  yes = true,\n");
	CHECK_STR(TEXT("low,high"), "  low = 5,\n  high = 100,\n");
	CHECK_STR(TEXT("number,first,second"), "  number = 131073,\n  first = 1,\n  second = 2\n");
	CHECK_STR(TEXT("text"), "  text = \"a\\\"\\t\\001\\000\\000\\000\\000\\000\\000\\000\\000\\000\\000\\000\",\n");
	CHECK_STR(TEXT("text", .stops_at_nul = true), "  text = \"a\\\"\\t\\001\",\n");
	CHECK_STR(TEXT("text", .repeats = 10), "  text = \"a\\\"\\t\\001\", '\\000' <repeats 11 times>,\n");
	CHECK_STR(TEXT("full", .elements_max = 2), "  full = \"fu\"...,\n");
	CHECK_STR(TEXT("full"), "  full = \"full\",\n");
	CHECK_STR(TEXT("grid,grid[1][2]"), "  grid = {{1, 2, 3}, {4, 5, 6}},\n  grid[1][2] = 6,\n");
	CHECK_STR(TEXT("grid[0]", .one_a_line = true), "  grid[0] = {\n    1,\n    2,\n    3\n  },\n");
	CHECK_STR(TEXT("flags,odd,state"), "  flags = (FLAG_A | FLAG_D),\n  odd = (FLAG_B | unknown: 0x4),\n  state = 9,\n");
	CHECK_STR(TEXT("real,wide"), "  real = 1.5,\n  wide = 7,\n");
	CHECK_STR(TEXT("letter,high,number", .radix = 16), "  letter = 0x41,\n  high = 0x64,\n  number = 0x20001,\n");
	CHECK_STR(TEXT("none,call"), "  none = 0x0,\n  call = 0x0,\n");
	CHECK_STR(TEXT("equal"), "  equal = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0},\n");
	CHECK_STR(TEXT("equal", .repeats = 10), "  equal = {0 <repeats 12 times>},\n");
	CHECK_STR(TEXT("links[1]"), "  links[1] = {\n    next = 0x0,\n    prev = 0x0\n  },\n");
	CHECK_STR(TEXT("named"), "  named = {\n    inner = 0\n  },\n");
	/* what is there is shown, what is not is told */
	CHECK_STR(TEXT("none.next,yes"), "  yes = true,\n!none.next: what is before '.next' is no struct");
	CHECK_STR(TEXT("nothing"), "!nothing: struct sample has no member 'nothing'");
	CHECK_STR(TEXT("grid[2]"), "!grid[2]: in 'grid[2]', the array has 2 elements");
}

static const char *type_of(const char *path, const char *name)
{
	struct ka_value x = whole(), m;

	ka_str_clear(&got);
	if (!ka_error_drop(ka_value_path(NULL, &x, path, &m)))
		ka_type_text(NULL, &m.type, name, &got);
	return got.p;
}

static void check_types(void)
{
	struct ka_type t = { .types = types, .id = ka_types_find(types, "callback") };

	CHECK_STR(type_of("grid", "grid"), "int grid[2][3]");
	CHECK_STR(type_of("names", "names"), "const char * const * volatile names");
	CHECK_STR(type_of("call", "call"), "callback call");
	CHECK_STR(type_of("none", ""), "struct link *");
	CHECK_STR(type_of("tail", "tail"), "char tail[]");
	CHECK_STR(type_of("wide", NULL), "unsigned __int128");
	ka_str_clear(&got);
	CHECK_INT(ka_error_drop(ka_type_declaration(NULL, &t, NULL, 0, 0, &got)), false);
	CHECK_STR(got.p, "typedef int (*)(struct link *, const char *, ...) callback;\nSIZE: 8\n");
	t.id = ka_types_find(types, "struct link");
	ka_str_clear(&got);
	CHECK_INT(ka_error_drop(ka_type_declaration(NULL, &t, NULL, KA_DECLARE_OFFSETS, 0, &got)), false);
	CHECK_STR(got.p, "struct link {\n   [0] struct link *next;\n   [8] struct link *prev;\n}\nSIZE: 16\n");
}

/* ---- hostile types: arrays of structs of arrays, whose parts no bound of elements keeps few ---- */

#define PARTS_MAX 100000

static struct ka_error *read_any(void *ctx, uint64_t at, void *ret, size_t size)
{
	(void)ctx;
	if (at & 1ull << 40)
		return ka_error_at(KA_UNMAPPED, KA_SPACE_VIRT, at, "a hole");
	for (size_t i = 0; i < size; i++)
		((uint8_t *)ret)[i] = (uint8_t)(1 + (at + i) % 251);	/* no two elements are equal, no string ends */
	return NULL;
}

/* struct NAME { leaf m[256]; } of such of such; returns the outermost. */
static uint32_t nest(struct btf_build *b, uint32_t leaf)
{
	for (int i = 0; i < 4; i++) {
		uint32_t array = btf_add_array(b, leaf, 256);

		leaf = btf_add(b, 4, "nest", 1, false, 4096);
		btf_put_member(b, "m", array, 0);
	}
	return leaf;
}

static void check_bound(struct ka_types *t, uint32_t id, uint64_t at, const struct ka_print *how)
{
	struct ka_value x = { .type = { .types = t, .id = id }, .is_lvalue = true, .addr = at };
	struct ka_arena *a = ka_arena_new();
	struct ka_str text = {0};
	const struct ka_node *node;
	struct ka_error *err = ka_value_text(NULL, &x, how, false, &text);

	CHECK(err && err->code == KA_UNSUPPORTED && strstr(err->message, "print_parts"));
	ka_error_free(err);
	CHECK(text.len > PARTS_MAX / 8 && text.len < 40 * PARTS_MAX);
	CHECK(text.p && strstr(text.p, "..."));
	err = ka_value_tree(NULL, &x, how, a, &node);
	CHECK(err && err->code == KA_UNSUPPORTED);
	ka_error_free(err);
	ka_str_free(&text);
	ka_arena_free(a);
}

/* No compiler makes an enum without size: there is nothing to read, and all of its bits are 0. */
static void check_no_size(struct ka_types *t, uint32_t id, const struct ka_print *how)
{
	struct ka_value x = { .type = { .types = t, .id = id }, .is_lvalue = true, .addr = 0x1000 };
	struct ka_str text = {0};

	CHECK(!ka_error_drop(ka_value_text(NULL, &x, how, false, &text)));
	CHECK_STR(text.p, "NOTHING");
	ka_str_free(&text);
}

static void check_hostile(void)
{
	struct btf_build b = btf_build_begin(false);
	uint32_t number = btf_add_int(&b, "int", 4, 1, 0, 32), letter = btf_add_int(&b, "char", 1, 1, 0, 8), pointer, taker, many, ids[4];
	struct ka_print how = { .parts_max = PARTS_MAX, .read = read_any }, counted = { .parts_max = PARTS_MAX, .read = read_any, .repeats = 3 };
	const uint8_t *bytes;
	struct ka_types *t;
	size_t size;

	ids[0] = nest(&b, number);
	pointer = btf_add(&b, 2, NULL, 0, false, letter);
	ids[1] = nest(&b, pointer);
	taker = btf_add(&b, 13, NULL, 100, false, number);
	for (int i = 0; i < 100; i++) {
		put32(&b, 0);
		put32(&b, pointer);
	}
	/* a struct of functions, which no compiler makes */
	many = btf_add(&b, 4, "many", 100, false, 64);
	for (int i = 0; i < 100; i++)
		btf_put_member(&b, "f", taker, 0);
	ids[2] = nest(&b, many);
	many = btf_add(&b, 6, "wide", 5000, false, 4);
	for (int i = 0; i < 5000; i++)
		btf_put_enumerator(&b, "E", 1000 + i);
	ids[3] = nest(&b, many);
	many = btf_add(&b, 6, "no_size", 1, false, 0);
	btf_put_enumerator(&b, "NOTHING", 0);
	bytes = btf_build_end(&b, NULL, 0, &size);
	if (ka_error_drop(ka_types_open_btf(bytes, size, 8, &t))) {
		CHECK(!"hostile BTF opens");
		return;
	}
	check_no_size(t, many, &how);
	for (size_t i = 0; i < KA_COUNT(ids); i++) {
		check_bound(t, ids[i], 0x1000, &how);
		check_bound(t, ids[i], 0x1000, &counted);
	}
	ka_types_close(t);
	btf_build_free(&b);
}

/* A function's static variable: its symbol is no name of the debuginfo. */
static __attribute__((noinline)) int *counter(void)
{
	static struct { int own[3]; } inner_counter;

	return ++inner_counter.own[1] ? inner_counter.own : NULL;
}

static void check_static(struct ka_object *o)
{
	const struct ka_symtab *t = NULL;
	struct ka_type_named named;
	struct ka_type_step step;
	size_t found = 0;

	CHECK(counter());
	CHECK(!ka_error_drop(ka_object_symtab(o, &t)));
	for (size_t i = 0; t && i < t->n; i++) {
		const char *name = t->strings + t->at[i].name;

		if (!strstr(name, "inner_counter"))
			continue;
		found++;
		CHECK(types->ops->static_at(types, name, t->at[i].addr, &named));
		types->ops->step(types, named.id, &step);
		CHECK(step.kind == KA_TYPE_STRUCT && step.size == 3 * sizeof(int));
		CHECK(!types->ops->static_at(types, "outer_counter.0", t->at[i].addr, &named));
	}
	CHECK_INT(found, 1);
}

CHECK_MAIN
{
	struct ka_object *o;

	sample.call = NULL;
	if (ka_error_drop(ka_object_open("/proc/self/exe", &o)) || ka_error_drop(ka_types_open_dwarf(o, &types)))
		CHECK(!"this program's own DWARF opens");
	check_values();
	check_types();
	check_hostile();
	check_static(o);
	ka_types_close(types);
	ka_object_close(o);
	ka_str_free(&got);
}
