/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the evaluator asks of a dump: 512 bytes of memory, a few symbols, a struct of each kind. For its test and its fuzzer. */
#ifndef KA_EXPR_FAKE_H
#define KA_EXPR_FAKE_H

#include "btf.h"
#include "kernel.h"
#include "btf_build.h"
#include <kanalyze/expr.h>
#include <kanalyze/task.h>
#include <kanalyze/variable.h>

#define BASE 0xffff888000000000ull

static struct ka_kernel kernel;
static struct ka_types *types;
static uint8_t memory[512];

/* ---- what the evaluator asks of a dump ---- */

struct ka_error *ka_kernel_types(struct ka_kernel *k, struct ka_types **ret)
{
	(void)k;
	*ret = types;
	return NULL;
}

struct ka_types *ka_kernel_dwarf(struct ka_kernel *k)
{
	(void)k;
	return NULL;
}

unsigned ka_long_size(struct ka_kernel *k)
{
	(void)k;
	return 8;
}

uint64_t ka_uint_from(struct ka_kernel *k, const void *bytes, size_t size)
{
	uint64_t v = 0;

	(void)k;
	memcpy(&v, bytes, size);
	return v;
}

struct ka_error *ka_read(struct ka_kernel *k, ka_addr at, void *ret, size_t size)
{
	(void)k;
	if (at < BASE || at - BASE > sizeof(memory) || size > sizeof(memory) - (at - BASE))
		return ka_error_at(KA_EXCLUDED, KA_SPACE_VIRT, at, "left out");
	memcpy(ret, memory + (at - BASE), size);
	return NULL;
}

struct ka_error *ka_read_cstr(struct ka_kernel *k, ka_addr at, char *ret, size_t size)
{
	size_t n = 0;

	for (; n + 1 < size; n++) {
		struct ka_error *err = ka_read(k, at + n, ret + n, 1);

		if (err && !n)
			return err;
		if (ka_error_drop(err) || !ret[n])
			break;
	}
	ret[n] = 0;
	return NULL;
}

struct ka_error *ka_symbol_find(struct ka_kernel *k, const char *name, struct ka_symbol *ret)
{
	static const struct ka_symbol symbols[] = {
		{ .name = "func", .addr = 0xffffffff81000000, .size = 4, .type = 'T' },
		{ .name = "func.cold", .addr = 0xffffffff81000100, .size = 4, .type = 't' },
		{ .name = "func.isra.0", .addr = 0xffffffff81000200, .size = 4, .type = 't' },
		{ .name = "counter", .addr = BASE, .size = 4, .type = 'D' },
		{ .name = "the_outer", .addr = BASE + 64, .size = 120, .type = 'D' },
		{ .name = "typed", .addr = BASE + 64, .size = 104, .type = 'D' },
		{ .name = "twins", .addr = BASE + 64, .size = 104, .type = 'd' },
		{ .name = "pointer", .addr = BASE + 8, .size = 8, .type = 'b' },
		{ .name = "percpu", .addr = 0x10, .size = 4, .type = 'd', .is_percpu = true },
		{ .name = "abba", .addr = 0x77, .size = 0, .type = 'T' },
	};

	(void)k;
	for (size_t i = 0; i < KA_COUNT(symbols); i++) {
		if (!strcmp(symbols[i].name, name)) {
			*ret = symbols[i];
			return NULL;
		}
	}
	return ka_error_new(KA_NOT_FOUND, "no %s", name);
}

bool ka_variable_of(struct ka_kernel *k, const struct ka_symbol *s, struct ka_arena *a, struct ka_variable *ret, size_t *ret_count)
{
	(void)k, (void)a;
	memset(ret, 0, sizeof(*ret));
	ret->addr = s->addr;
	ret->has_addr = ret->is_external = true;
	*ret_count = strcmp(s->name, "twins") ? 1 : 2;
	if (!strncmp(s->name, "typed", 5) || !strcmp(s->name, "twins"))
		return !ka_error_drop(ka_type_find(k, "struct outer", &ret->type));
	return false;
}

size_t ka_variable_find(struct ka_kernel *k, const char *name, struct ka_arena *a, struct ka_variable **ret)
{
	struct ka_symbol s;
	size_t count;

	if (strncmp(name, "twins@", 6) || ka_error_drop(ka_symbol_find(k, "twins", &s)))
		return 0;
	*ret = ka_alloc(a, sizeof(**ret));
	ka_variable_of(k, &s, a, *ret, &count);
	(*ret)->file = "dir/one.c";
	return !strcmp(name, "twins@one.c") || !strcmp(name, "twins@dir/one.c");
}

size_t ka_type_find_all(struct ka_kernel *k, const char *name, struct ka_arena *a, struct ka_type_place **ret)
{
	(void)k, (void)name, (void)a, (void)ret;
	return 0;
}

bool ka_enum_value(struct ka_kernel *k, const char *enumerator, int64_t *ret)
{
	(void)k;
	return types->ops->enumerator(types, enumerator, ret);
}

unsigned ka_cpu_count(struct ka_kernel *k)
{
	(void)k;
	return 2;
}

struct ka_error *ka_percpu_offset(struct ka_kernel *k, unsigned cpu, uint64_t *ret)
{
	(void)k;
	*ret = BASE + 0x20 * cpu;
	return NULL;
}

/*
 * enum where { FIRST, SECOND, BELOW = -1 };
 * struct inner { int a; char name[8]; struct inner *next; };				24 bytes
 * struct outer { struct inner one; struct inner many[3]; unsigned int low:3, mid:5; int neg:4; u16 half; };	104 bytes
 * struct wide { unsigned long five:5, rest:27, upper:32; };	8 bytes
 */
static void types_build(struct btf_build *b)
{
	uint32_t n = btf_add_int(b, "int", 4, KA_BTF_INT_SIGNED, 0, 32), c = btf_add_int(b, "char", 1, KA_BTF_INT_SIGNED, 0, 8);
	uint32_t u = btf_add_int(b, "unsigned int", 4, 0, 0, 32), s = btf_add_int(b, "unsigned short", 2, 0, 0, 16);
	uint32_t name = btf_add_array(b, c, 8), ptr, inner, many;

	ptr = btf_add(b, KA_BTF_PTR, NULL, 0, false, b->next_id + 1);
	inner = btf_add(b, KA_BTF_STRUCT, "inner", 3, false, 24);
	btf_put_member(b, "a", n, 0);
	btf_put_member(b, "name", name, 32);
	btf_put_member(b, "next", ptr, 128);
	many = btf_add_array(b, inner, 3);
	btf_add(b, KA_BTF_ENUM, "where", 3, true, 4);
	btf_put_enumerator(b, "FIRST", 0);
	btf_put_enumerator(b, "SECOND", 1);
	btf_put_enumerator(b, "BELOW", -1);
	btf_add(b, KA_BTF_STRUCT, "outer", 6, true, 104);
	btf_put_member(b, "one", inner, 0);
	btf_put_member(b, "many", many, 24 * 8);
	btf_put_member(b, "low", u, (96 * 8) | 3u << 24);
	btf_put_member(b, "mid", u, (96 * 8 + 3) | 5u << 24);
	btf_put_member(b, "neg", n, (96 * 8 + 8) | 4u << 24);
	btf_put_member(b, "half", s, 100 * 8);
	n = btf_add_int(b, "unsigned long", 8, 0, 0, 64);
	btf_add(b, KA_BTF_STRUCT, "wide", 3, true, 8);
	btf_put_member(b, "five", n, 5u << 24);
	btf_put_member(b, "rest", n, 5 | 27u << 24);
	btf_put_member(b, "upper", n, 32 | 32u << 24);
}

static void put(size_t at, uint64_t value, size_t size)
{
	memcpy(memory + at, &value, size);
}

#endif
