/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Types and statics of Rust by DWARF as rustc writes it (rust_fixture.S): paths, variants, what has one name. */
#include <kanalyze/value.h>
#include "check.h"
#include "debuginfo.h"

static const uint32_t memory[3] = { 1, 42, 5 };	/* Some(42), 5 */

static struct ka_error *read_own(void *ctx, uint64_t at, void *ret, size_t size)
{
	(void)ctx;
	if (at < 0x1000 || at + size > 0x1000 + sizeof(memory))
		return ka_error_at(KA_UNMAPPED, KA_SPACE_VIRT, at, "not mine");
	memcpy(ret, (const char *)memory + (at - 0x1000), size);
	return NULL;
}

static struct ka_str got;

static const char *declared(struct ka_types *t, uint32_t id)
{
	struct ka_type type = { .types = t, .id = id };

	ka_str_clear(&got);
	CHECK(!ka_error_drop(ka_type_declaration(NULL, &type, NULL, KA_DECLARE_OFFSETS, 0, &got)));
	return got.p;
}

static const char *value(struct ka_types *t, uint32_t id)
{
	struct ka_value x = { .type = { .types = t, .id = id }, .is_lvalue = true, .addr = 0x1000 };
	struct ka_print how = { .read = read_own };

	ka_str_clear(&got);
	CHECK(!ka_error_drop(ka_value_text(NULL, &x, &how, false, &got)));
	return got.p;
}

int main(int argc, char **argv)
{
	struct ka_arena *a = ka_arena_new();
	const struct ka_symtab *symbols;
	struct ka_type_named *named, at;
	struct ka_object *o;
	struct ka_types *t;
	size_t i;

	if (argc < 2 || ka_error_drop(ka_object_open(argv[1], &o)) || ka_error_drop(ka_types_open_dwarf(o, &t))) {
		CHECK(!"the fixture opens");
		return CHECK_DONE();
	}
	CHECK_INT(t->ops->rust_types(t, "core::option::Option<u32>", a, &named), 1);
	CHECK_STR(declared(t, named[0].id), "struct Option<u32> {\n   [0] u32 discriminant;\n   [0] struct None None;\n   [0] struct Some Some;\n}\nSIZE: 8\n");
	CHECK_STR(value(t, named[0].id), "{\n  discriminant = 1,\n  None = {<No data fields>},\n  Some = {\n    __0 = 42\n  }\n}");
	CHECK_INT(t->ops->rust_types(t, "Option<u32>", a, &named), 1);
	CHECK_STR(named[0].file, "core::option::Option<u32>");
	CHECK_INT(t->ops->rust_types(t, "option::Option<u32>", a, &named), 1);
	CHECK_INT(t->ops->rust_types(t, "ption<u32>", a, &named), 0);
	CHECK_INT(t->ops->rust_types(t, "Ordering", a, &named), 2);
	CHECK_STR(named[0].file, "core::cmp::Ordering");
	CHECK_STR(declared(t, named[0].id), "enum Ordering {\n  Less = -1\n  Equal = 0\n  Greater = 1\n};\n");
	CHECK_STR(named[1].file, "kernel::Ordering");
	CHECK_STR(value(t, named[1].id), "{\n  maybe = {\n    discriminant = 1,\n    None = {<No data fields>},\n    Some = {\n      __0 = 42\n    }\n  },\n  count = 5\n}");
	CHECK(!ka_error_drop(ka_object_symtab(o, &symbols)));
	CHECK(ka_symtab_find(symbols, "_RNvC6kernel5COUNT", &i));
	CHECK(t->ops->rust_at(t, symbols->at[i].addr + ka_object_base(o, symbols->at[i].section), &at));
	CHECK(!at.is_function);
	CHECK(!t->ops->rust_at(t, symbols->at[i].addr + ka_object_base(o, symbols->at[i].section) + 1, &at));
	ka_types_close(t);
	ka_object_close(o);
	ka_arena_free(a);
	ka_str_free(&got);
	return CHECK_DONE();
}
