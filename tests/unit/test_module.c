/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Modules of each generation of struct module: where their parts lie, their symbols, their taints. */
#include <kanalyze/module.h>
#include "check.h"
#include "fake.h"

#define BASE 0xffffffffc0000000ull
#define MOD (BASE + 0x1000)	/* the struct modules */
#define TEXT (BASE + 0x8000)

static uint8_t memory[1 << 16];
static const struct fake_symbol symbols[] = { { "modules", BASE, 16 }, { "taint_flags", BASE + 0x100, 54 }, { NULL, 0, 0 } };

/* v2.6: members of their own; symbols with their letters in st_info */
static const struct fake_member v26[] = {
	{ "module", "", 0, 512, 0, 0 }, { "module", "state", 0, 4, 0, 0 }, { "module", "list", 8, 16, 0, 0 }, { "module", "name", 24, 56, 0, 0 },
	{ "module", "module_core", 128, 8, 0, 0 }, { "module", "core_size", 136, 4, 0, 0 }, { "module", "core_text_size", 140, 4, 0, 0 },
	{ "module", "module_init", 144, 8, 0, 0 }, { "module", "init_size", 152, 4, 0, 0 }, { "module", "init_text_size", 156, 4, 0, 0 },
	{ "module", "symtab", 160, 8, 0, 0 }, { "module", "num_symtab", 168, 4, 0, 0 }, { "module", "strtab", 176, 8, 0, 0 },
	{ "module", "taints", 184, 4, 0, 0 }, { "module", "gpgsig_ok", 188, 4, 0, 0 }, { "module", "percpu", 192, 8, 0, 0 },
	{ NULL, NULL, 0, 0, 0, 0 } };
/* v4.5 to v6.3: layouts, and kallsyms in a struct of their own with letters beside */
static const struct fake_member v61[] = {
	{ "module", "", 0, 512, 0, 0 }, { "module", "state", 0, 4, 0, 0 }, { "module", "list", 8, 16, 0, 0 }, { "module", "name", 24, 56, 0, 0 },
	{ "module", "core_layout.base", 128, 8, 0, 0 }, { "module", "core_layout.size", 136, 4, 0, 0 },
	{ "module", "core_layout.text_size", 140, 4, 0, 0 }, { "module", "core_layout.ro_size", 144, 4, 0, 0 },
	{ "module", "core_layout.ro_after_init_size", 148, 4, 0, 0 }, { "module", "init_layout.base", 152, 8, 0, 0 },
	{ "module", "init_layout.size", 160, 4, 0, 0 }, { "module", "init_layout.text_size", 164, 4, 0, 0 },
	{ "module", "kallsyms", 168, 8, 0, 0 }, { "module", "taints", 184, 8, 0, 0 }, { "module", "percpu", 192, 8, 0, 0 },
	{ "module", "percpu_size", 200, 4, 0, 0 },
	{ "mod_kallsyms", "", 0, 32, 0, 0 }, { "mod_kallsyms", "symtab", 0, 8, 0, 0 }, { "mod_kallsyms", "num_symtab", 8, 4, 0, 0 },
	{ "mod_kallsyms", "strtab", 16, 8, 0, 0 }, { "mod_kallsyms", "typetab", 24, 8, 0, 0 },
	{ "taint_flag", "", 0, 3, 0, 0 }, { "taint_flag", "c_true", 0, 1, 0, 0 }, { "taint_flag", "c_false", 1, 1, 0, 0 },
	{ "taint_flag", "module", 2, 1, 0, 0 }, { NULL, NULL, 0, 0, 0, 0 } };
/* v6.4: memory by type */
static const struct fake_member v64[] = {
	{ "module", "", 0, 512, 0, 0 }, { "module", "state", 0, 4, 0, 0 }, { "module", "list", 8, 16, 0, 0 }, { "module", "name", 24, 56, 0, 0 },
	{ "module", "mem[MOD_TEXT].base", 256, 8, 0, 0 }, { "module", "mem[MOD_TEXT].size", 264, 4, 0, 0 },
	{ "module", "mem[MOD_DATA].base", 272, 8, 0, 0 }, { "module", "mem[MOD_DATA].size", 280, 4, 0, 0 },
	{ "module", "mem[MOD_RODATA].base", 288, 8, 0, 0 }, { "module", "mem[MOD_RODATA].size", 296, 4, 0, 0 },
	{ "module", "mem[MOD_INIT_TEXT].base", 304, 8, 0, 0 }, { "module", "mem[MOD_INIT_TEXT].size", 312, 4, 0, 0 },
	{ "module", "taints", 184, 8, 0, 0 }, { NULL, NULL, 0, 0, 0, 0 } };

/* The other halves of struct ka_module_list, of no use here. */
struct ka_module_list;
void ka_module_orcs_free(struct ka_module_list *l);
void ka_module_objects_free(struct ka_module_list *l);
void ka_module_types_free(struct ka_module_list *l);
void ka_module_orcs_free(struct ka_module_list *l)
{
	(void)l;
}
void ka_module_types_free(struct ka_module_list *l)
{
	(void)l;
}

void ka_module_objects_free(struct ka_module_list *l)
{
	(void)l;
}

static void put_module(struct ka_kernel *k, unsigned i, const char *name)
{
	ka_addr m = MOD + i * 512;

	/* each at the end of the list */
	fake_put(k, i ? m - 512 + 8 : BASE, m + 8, 8);
	fake_put(k, m + 8, BASE, 8);
	fake_put_bytes(k, m + 24, name, strlen(name));
}

static void put_symbol(struct ka_kernel *k, ka_addr at, uint32_t name, uint8_t info, uint16_t shndx, uint64_t value, uint64_t size)
{
	fake_put(k, at, name, 4);
	fake_put(k, at + 4, info, 1);
	fake_put(k, at + 6, shndx, 2);
	fake_put(k, at + 8, value, 8);
	fake_put(k, at + 16, size, 8);
}

static void test_26(struct ka_kernel *k)
{
	const struct ka_module *m;
	const struct ka_symbol *s;

	memset(memory, 0, sizeof(memory));
	k->members = v26;
	put_module(k, 0, "old");
	fake_put(k, MOD + 128, TEXT, 8);
	fake_put(k, MOD + 136, 0x1000, 4);
	fake_put(k, MOD + 140, 0x400, 4);
	fake_put(k, MOD + 144, TEXT + 0x2000, 8);
	fake_put(k, MOD + 152, 0x100, 4);
	fake_put(k, MOD + 156, 0x80, 4);
	fake_put(k, MOD + 184, 1, 4);
	fake_put(k, MOD + 160, TEXT + 0x800, 8);
	fake_put(k, MOD + 168, 6, 4);
	fake_put(k, MOD + 176, TEXT + 0x900, 8);
	fake_put_bytes(k, TEXT + 0x900, "\0one\0two\0.LC0\0$x", 17);
	put_symbol(k, TEXT + 0x800 + 24, 5, 't', 1, TEXT + 0x20, 8);
	put_symbol(k, TEXT + 0x800 + 48, 1, 'd', 2, TEXT + 0x10, 8);
	put_symbol(k, TEXT + 0x800 + 72, 9, 'r', 2, TEXT + 0x10, 8);
	put_symbol(k, TEXT + 0x800 + 96, 1, 'U', 0, 0x1234, 8);		/* of another module */
	put_symbol(k, TEXT + 0x800 + 120, 99999, 't', 1, TEXT, 8);	/* a name that is none */
	CHECK_INT(ka_module_count(k), 1);
	CHECK(!ka_module_fault(k));
	m = ka_module_find(k, "old");
	CHECK(m && m->base == TEXT && m->size == 0x1000 && m->range_count == 4 && !m->is_scattered && m->is_unsigned && m->taints == 1);
	CHECK(ka_module_at(k, TEXT + 0xfff) == m && ka_module_at(k, TEXT + 0x2000) == m && !ka_module_at(k, TEXT + 0x1000));
	CHECK(m->ranges[0].is_text && !m->ranges[1].is_text && m->ranges[1].base == TEXT + 0x400);
	CHECK_INT(ka_module_symbols(k, m, &s), 2);
	CHECK_STR(s[0].name, "one");
	CHECK(s[0].type == 'd' && s[1].type == 't' && s[1].addr == TEXT + 0x20 && s[1].size == 8);
	CHECK_STR(s[1].module, "old");
	fake_reset(k);
}

static void test_61(struct ka_kernel *k)
{
	struct ka_arena *a = ka_arena_new();
	const struct ka_module *m;
	const struct ka_symbol *s;

	memset(memory, 0, sizeof(memory));
	k->members = v61;
	put_module(k, 0, "first");
	put_module(k, 1, "second");
	fake_put(k, MOD + 512 + 128, TEXT, 8);
	fake_put(k, MOD + 512 + 136, 0x4000, 4);
	fake_put(k, MOD + 512 + 140, 0x1000, 4);
	fake_put(k, MOD + 512 + 144, 0x2000, 4);
	fake_put(k, MOD + 512 + 148, 0x3000, 4);
	fake_put(k, MOD + 512 + 184, 1 << 12 | 1 << 13 | 1, 8);
	fake_put(k, MOD + 512 + 192, 0x20000, 8);
	fake_put(k, MOD + 512 + 200, 0x100, 4);
	fake_put(k, MOD + 512 + 168, BASE + 0x4000, 8);
	fake_put(k, BASE + 0x4000, TEXT + 0x3000, 8);
	fake_put(k, BASE + 0x4008, 3, 4);
	fake_put(k, BASE + 0x4010, TEXT + 0x3100, 8);
	fake_put(k, BASE + 0x4018, TEXT + 0x3200, 8);
	fake_put_bytes(k, TEXT + 0x3100, "\0global\0percpu", 15);
	fake_put_bytes(k, TEXT + 0x3200, " ta", 3);
	put_symbol(k, TEXT + 0x3018, 1, 0x12, 1, TEXT + 0x40, 4);
	put_symbol(k, TEXT + 0x3030, 8, 0x01, 9, 0x20010, 4);
	/* letters: bit 0 P, of no module; 12 O; 13 E */
	for (unsigned i = 0; i < 18; i++)
		fake_put_bytes(k, BASE + 0x100 + i * 3, i == 0 ? "PG" : i == 12 ? "O \1" : i == 13 ? "E \1" : "X ", 3);
	m = ka_module_find(k, "second");
	CHECK_INT(ka_module_count(k), 2);
	CHECK(m && m->range_count == 4 && m->ranges[3].base == TEXT + 0x3000 && m->ranges[3].size == 0x1000 && m->has_kallsyms && !m->is_unsigned);
	CHECK_STR(m->ranges[2].name, "ro_after_init");
	CHECK_INT(ka_module_symbols(k, m, &s), 2);
	CHECK(s[0].is_percpu && s[0].addr == 0x20010 && s[1].type == 'T' && !s[1].is_percpu);
	CHECK_STR(ka_taint_letters(k, m->taints, true, a), "OE");
	CHECK_STR(ka_taint_letters(k, m->taints, false, a), "POE");
	CHECK_STR(ka_taint_words(k, m->taints, a)[1], "OOT_MODULE");
	CHECK_INT(ka_module_symbols(k, ka_module_find(k, "first"), &s), 0);
	fake_reset(k);

	/* Sizes that are nonsense */
	fake_put(k, MOD + 512 + 136, 0xffffffff, 4);
	fake_put(k, MOD + 512 + 140, 0xfffffff0, 4);
	fake_put(k, BASE + 0x4008, 0xffffffff, 4);
	m = ka_module_find(k, "second");
	CHECK(m && !ka_module_symbols(k, m, &s));
	CHECK(!ka_module_at(k, 0x1000));
	fake_reset(k);
	ka_arena_free(a);
}

static void test_64(struct ka_kernel *k)
{
	const struct ka_module *m;

	memset(memory, 0, sizeof(memory));
	k->members = v64;
	put_module(k, 0, "new");
	fake_put(k, MOD + 256, TEXT, 8);
	fake_put(k, MOD + 264, 0x1000, 4);
	fake_put(k, MOD + 272, TEXT + 0x3000, 8);
	fake_put(k, MOD + 280, 0x800, 4);
	fake_put(k, MOD + 288, TEXT + 0x5000, 8);
	fake_put(k, MOD + 296, 0x200, 4);
	m = ka_module_find(k, "new");
	CHECK(m && m->is_scattered && m->base == TEXT && m->size == 0x1a00 && m->range_count == 3);
	CHECK(ka_module_at(k, TEXT + 0x3001) == m && !ka_module_at(k, TEXT + 0x2000));
	fake_reset(k);

	/* A list that leads nowhere: what came before stays, and the fault is told. */
	put_module(k, 1, "next");
	fake_put(k, MOD + 512 + 8, 0xdead, 8);
	CHECK_INT(ka_module_count(k), 2);
	CHECK(ka_module_fault(k) != NULL);
	fake_reset(k);
}

CHECK_MAIN
{
	struct ka_kernel k = { .base = BASE, .memory = memory, .size = sizeof(memory), .long_size = 8, .symbols = symbols };

	test_26(&k);
	test_61(&k);
	test_64(&k);
}
