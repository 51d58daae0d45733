/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Scopes and variables of this very program, compiled with -O2: what DWARF says of a place is compared with what is there. */
#define _GNU_SOURCE 1
#include <link.h>
#include "check.h"
#include "scope.h"

struct pair { long a, b; };

static uint64_t base;			/* of this program in memory */
static struct {
	uint64_t pc[2], cfa, array, text;
	unsigned count;
	long seen;
} at;

static struct ka_types *types;
static struct ka_arena *arena;

static bool env_cfa(void *ctx, uint64_t *ret)
{
	(void)ctx;
	*ret = at.cfa;
	return true;
}

static bool env_read(void *ctx, uint64_t addr, void *ret, size_t size)
{
	(void)ctx;
	memcpy(ret, (const void *)(uintptr_t)addr, size);
	return true;
}

static bool env_address(void *ctx, uint64_t linked, uint64_t *ret)
{
	(void)ctx;
	*ret = linked + base;
	return true;
}

__attribute__((noinline)) static void here(void *array, const void *text)
{
	at.pc[at.count++ & 1] = (uint64_t)(uintptr_t)__builtin_return_address(0) - 1;
	at.array = (uint64_t)(uintptr_t)array;
	if (text)
		at.text = (uint64_t)(uintptr_t)text;
}

static inline __attribute__((always_inline)) long inner(struct pair *p, int times)
{
	static const char words[] = "a word of its own";
	const int forty_two = 42;

	p->a += times;
	here(p, words);
	return p->a + forty_two;
}

#ifdef __clang__
#define ALONE __attribute__((noinline))
#else
#define ALONE __attribute__((noinline, noclone))
#endif

ALONE static long outer(long n)
{
	struct pair pair = { n, n + 1 };

	at.cfa = (uint64_t)(uintptr_t)__builtin_dwarf_cfa();
	at.seen = inner(&pair, 3);
	here(&pair, NULL);
	return pair.a + pair.b;
}

static const struct ka_scope_variable *variable(const struct ka_scope *s, const char *name)
{
	for (size_t i = 0; i < s->variable_count; i++)
		if (!strcmp(s->variables[i].name, name))
			return &s->variables[i];
	return NULL;
}

/* first() calls middle(), which jumps on to last(), which finds first() as its caller. */
long first(void), middle(long n), last(long n);
static volatile long total;
static uint64_t last_pc, last_caller;

ALONE long last(long n)
{
	total = n;
	here((void *)&total, NULL);
	last_pc = at.pc[(at.count - 1) & 1];
	last_caller = (uint64_t)(uintptr_t)__builtin_return_address(0) - 1;
	return total;
}

ALONE long middle(long n)
{
	return last(2 * n + 1);
}

ALONE long first(void)
{
	return middle(20) + 1;
}

static struct ka_scope up_scope;

static bool env_up(void *ctx, struct ka_scope_env *ret, const struct ka_scope **ret_scope)
{
	(void)ctx;
	*ret = (struct ka_scope_env){ .cfa = env_cfa, .read = env_read, .address = env_address };
	*ret_scope = &up_scope;
	return true;
}

/* What last() was called with, which nothing keeps, by the jump that came there. */
static void check_tail_call(void)
{
	struct ka_scope_env env = { .cfa = env_cfa, .read = env_read, .address = env_address, .caller = env_up };
	const struct ka_scope_variable *v;
	struct ka_dwarf_place place = { .count = 0 };
	struct ka_scope s;
	char why[96];

	CHECK_INT(first(), 42);
	CHECK(ka_scope_find(types, last_pc - base, arena, &s) && ka_scope_find(types, last_caller - base, arena, &up_scope));
	CHECK_STR(s.functions[s.function_count - 1].name, "last");
	CHECK_STR(up_scope.functions[up_scope.function_count - 1].name, "first");
	v = variable(&s, "n");
	CHECK(v);
	if (v && ka_scope_locate(&s, &env, v->die, &place, why) == KA_DWARF_DONE)
		CHECK_INT(place.pieces[0].value, 41);
#ifndef __clang__
	CHECK_INT(place.count, 1);
#endif
	/* no caller is known: nothing is */
	env.caller = NULL;
	if (v && place.pieces[0].where == KA_DWARF_AS_VALUE)
		CHECK_INT(ka_scope_locate(&s, &env, v->die, &place, why), KA_DWARF_UNKNOWN);
}

static int find_base(struct dl_phdr_info *info, size_t size, void *ctx)
{
	(void)size;
	*(uint64_t *)ctx = info->dlpi_addr;
	return 1;
}

/* has_inner: within the function that was inlined. */
static void check_at(uint64_t pc, bool has_inner)
{
	struct ka_scope_env env = { .cfa = env_cfa, .read = env_read, .address = env_address };
	const struct ka_scope_variable *v;
	struct ka_dwarf_place place;
	struct ka_scope s;
	char why[96];

	CHECK(ka_scope_find(types, pc - base, arena, &s));
	CHECK_STR(s.functions[s.function_count - 1].name, "outer");
	CHECK(!s.functions[s.function_count - 1].is_inlined);
	v = variable(&s, "n");
	CHECK(v && v->is_argument);
	v = variable(&s, "pair");
	CHECK(v && !v->is_argument && v->line && v->file && strstr(v->file, "test_dwarf_scope.c"));
	if (v && ka_scope_locate(&s, &env, v->die, &place, why) == KA_DWARF_DONE && place.count == 1) {
		CHECK_INT(place.pieces[0].where, KA_DWARF_IN_MEMORY);
		CHECK_INT(place.pieces[0].value, at.array);
	} else {
		CHECK(!"pair has a place");
	}
	CHECK_INT(s.function_count, has_inner ? 2 : 1);
	if (!has_inner || s.function_count < 2)
		return;
	CHECK_STR(s.functions[0].name, "inner");
	CHECK(s.functions[0].is_inlined);
	v = variable(&s, "times");
	CHECK(v && v->is_argument && !v->function);
	v = variable(&s, "forty_two");
	CHECK(v);
	if (v && ka_scope_locate(&s, &env, v->die, &place, why) == KA_DWARF_DONE)
		CHECK_INT(place.pieces[0].value, 42);
	/* GCC has a static variable in the abstract function alone */
	v = variable(&s, "words");
	if (v && ka_scope_locate(&s, &env, v->die, &place, why) == KA_DWARF_DONE)
		CHECK_INT(place.pieces[0].value, at.text);
}

CHECK_MAIN
{
	struct ka_object *o;
	struct ka_scope s;
	struct ka_error *err = ka_object_open("/proc/self/exe", &o);

	if (!err)
		err = ka_types_open_dwarf(o, &types);
	if (err) {
		fprintf(stderr, "%s\n", err->message);
		CHECK(!"the program has DWARF");
		return;
	}
	arena = ka_arena_new();
	dl_iterate_phdr(find_base, &base);
	CHECK_INT(outer(7), 18);
	CHECK_INT(at.seen, 52);
	check_at(at.pc[0], true);
	check_at(at.pc[1], false);
	check_tail_call();
	CHECK(!ka_scope_find(types, 8, arena, &s));
	ka_arena_free(arena);
	ka_types_close(types);
	ka_object_close(o);
}
