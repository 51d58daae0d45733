/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Declarations of structs, unions, enums and typedefs, in the shape that crash gives them. */
#include <inttypes.h>
#include "printer.h"

#define DEPTH_MAX 24		/* anonymous structs within one another */
#define MEMBERS_MAX 65536	/* shown of one declaration */
#define OFFSET_COLUMNS 6

struct declaration {
	struct ka_kernel *k;
	struct ka_arena *arena;
	unsigned flags;
	ka_addr base;
	int columns;		/* of the offsets */
	bool has_no_offsets;
	unsigned members;
	struct ka_str *to;
};

static const char *word_of(enum ka_type_kind kind)
{
	return kind == KA_TYPE_UNION ? "union" : kind == KA_TYPE_ENUM ? "enum" : "struct";
}

static char *offset_text(const struct declaration *d, uint64_t offset_bits)
{
	uint64_t offset = offset_bits / 8;

	if (d->flags & KA_DECLARE_ADDRESSES)
		return ka_printf(d->arena, "[%" PRIx64 "]", d->base + offset);
	return ka_printf(d->arena, d->flags & KA_DECLARE_HEX ? "[0x%" PRIx64 "]" : "[%" PRIu64 "]", offset);
}

static void prefix_add(struct declaration *d, const char *offset, unsigned depth)
{
	if (d->columns) {
		offset = d->has_no_offsets ? NULL : offset;
		ka_str_pad(d->to, ' ', offset ? (size_t)KA_MAX(d->columns - (int)strlen(offset), 0) : (size_t)d->columns + (depth ? 1 : 0));
		if (offset)
			ka_str_printf(d->to, "%s ", offset);
		ka_str_pad(d->to, ' ', depth ? 4 * (size_t)(depth - 1) : 0);
	} else {
		ka_str_pad(d->to, ' ', 4 * (size_t)depth);
	}
}

/* A bound of 0 and none are the same in BTF; C allows none at the end alone. */
static void member_add(struct declaration *d, const struct ka_type_field *f, const char *name, bool is_last)
{
	struct ka_type_info info;
	size_t start = d->to->len, len = strlen(name);
	const char *at;

	ka_type_text(d->k, &f->type, name, d->to);
	ka_type_info(d->k, &f->type, &info);
	if (info.kind == KA_TYPE_ARRAY && !info.count && !is_last) {
		at = strstr(d->to->p + start, name);
		if (at && !strcmp(at + len, "[]")) {
			d->to->len--;
			ka_str_add(d->to, "0]");
		}
	}
	if (f->bit_size)
		ka_str_printf(d->to, " : %u", f->bit_size);
	ka_str_add(d->to, ";\n");
}

/* What stands at the start of a declaration: pointers, arrays, functions and qualifiers taken off. */
static struct ka_type base_of(struct ka_kernel *k, struct ka_type t)
{
	struct ka_type_info info;

	for (int i = 0; i < 256; i++) {
		ka_type_info(k, &t, &info);
		if (info.kind != KA_TYPE_POINTER && info.kind != KA_TYPE_ARRAY && info.kind != KA_TYPE_FUNC && info.kind != KA_TYPE_CONST &&
		    info.kind != KA_TYPE_VOLATILE && info.kind != KA_TYPE_RESTRICT)
			break;
		t = info.target;
	}
	return t;
}

/* Does a pointer stand between a member and its base? */
static bool is_pointed(struct ka_kernel *k, struct ka_type t)
{
	struct ka_type_info info;

	for (int i = 0; i < 256; i++) {
		ka_type_info(k, &t, &info);
		if (info.kind == KA_TYPE_POINTER)
			return true;
		if (info.kind != KA_TYPE_ARRAY && info.kind != KA_TYPE_CONST && info.kind != KA_TYPE_VOLATILE)
			return false;
		t = info.target;
	}
	return false;
}

/* The text of a declaration around its base: "const " and " *name[4]" of "const struct foo *name[4]". */
static const char *around_base(struct declaration *d, const struct ka_type *type, const struct ka_type *base, const char *name, const char **ret_rest)
{
	struct ka_str text = {0}, word = {0};
	const char *at;
	char *all;

	ka_type_text(d->k, type, name, &text);
	ka_type_text(d->k, base, NULL, &word);
	all = ka_strdup(d->arena, text.p);
	at = strstr(all, word.p);
	*ret_rest = at ? at + word.len : "";
	all = ka_strndup(d->arena, all, at ? (size_t)(at - all) : 0);
	ka_str_free(&text);
	ka_str_free(&word);
	return all;
}

/* "enum {A, B, C = 5}": a number where it is not the one before and one more. */
static void enum_line_add(struct declaration *d, const struct ka_type *t, const struct ka_type_info *info)
{
	struct ka_type_field *values;
	size_t n = ka_type_enumerators(d->k, t, d->arena, &values);
	int64_t next = 0;

	ka_str_printf(d->to, "enum %s%s{", info->name ? info->name : "", info->name ? " " : "");
	for (size_t i = 0; i < n; i++) {
		ka_str_printf(d->to, "%s%s", i ? ", " : "", values[i].name ? values[i].name : "?");
		if (values[i].value != next)
			ka_str_printf(d->to, " = %" PRId64, values[i].value);
		next = (int64_t)((uint64_t)values[i].value + 1);
	}
	ka_str_addc(d->to, '}');
}

static void members_add(struct declaration *d, const struct ka_type *t, uint64_t base_bits, unsigned depth, bool is_outer);

/* A member of a type that has no name of its own: opened, as gdb does, one level deep. False: it is of another kind. */
static bool nameless_add(struct declaration *d, const struct ka_type_field *f, uint64_t at, unsigned depth)
{
	struct ka_type base = base_of(d->k, f->type);
	struct ka_type_info info;
	const char *rest, *before;
	bool has_no_offsets = d->has_no_offsets;

	ka_type_info(d->k, &base, &info);
	if (info.name || (info.kind != KA_TYPE_STRUCT && info.kind != KA_TYPE_UNION && info.kind != KA_TYPE_ENUM) || depth >= DEPTH_MAX)
		return false;
	before = around_base(d, &f->type, &base, f->name, &rest);
	if (info.kind == KA_TYPE_ENUM) {
		prefix_add(d, d->columns ? offset_text(d, at) : NULL, depth);
		ka_str_add(d->to, before);
		enum_line_add(d, &base, &info);
	} else {
		prefix_add(d, NULL, depth);
		ka_str_printf(d->to, "%s%s {\n", before, word_of(info.kind));
		/* what a pointer leads to lies elsewhere: blanks in place of offsets */
		d->has_no_offsets |= is_pointed(d->k, f->type);
		members_add(d, &base, at, depth + 1, false);
		d->has_no_offsets = has_no_offsets;
		prefix_add(d, d->columns ? offset_text(d, at) : NULL, depth);
		ka_str_addc(d->to, '}');
	}
	ka_str_add(d->to, rest);
	if (f->bit_size)
		ka_str_printf(d->to, " : %u", f->bit_size);
	ka_str_add(d->to, ";\n");
	return true;
}

/* is_outer: of the type itself, or of what has no name in it. */
static void members_add(struct declaration *d, const struct ka_type *t, uint64_t base_bits, unsigned depth, bool is_outer)
{
	struct ka_type_field *fields;
	size_t n = ka_type_members(d->k, t, d->arena, &fields);

	if (!n) {
		prefix_add(d, NULL, depth);
		ka_str_add(d->to, "<no data fields>\n");
	}
	for (size_t i = 0; i < n && d->members++ < MEMBERS_MAX; i++) {
		uint64_t at = base_bits + fields[i].offset_bits;
		struct ka_type_info info;
		struct ka_type type;

		if (fields[i].name) {
			if (is_outer && nameless_add(d, &fields[i], at, depth))
				continue;
			prefix_add(d, d->columns ? offset_text(d, at) : NULL, depth);
			member_add(d, &fields[i], fields[i].name, i + 1 == n);
			continue;
		}
		type = ka_type_strip(d->k, &fields[i].type, &info);
		if (info.kind != KA_TYPE_STRUCT && info.kind != KA_TYPE_UNION) {
			prefix_add(d, d->columns ? offset_text(d, at) : NULL, depth);
			member_add(d, &fields[i], "", false);
			continue;
		}
		prefix_add(d, NULL, depth);
		ka_str_printf(d->to, "%s %s%s{\n", word_of(info.kind), info.name ? info.name : "", info.name ? " " : "");
		if (depth < DEPTH_MAX)
			members_add(d, &type, at, depth + 1, is_outer);
		prefix_add(d, NULL, depth);
		ka_str_add(d->to, "};\n");
	}
}

static void size_add(struct declaration *d, uint64_t size)
{
	ka_str_printf(d->to, d->flags & KA_DECLARE_HEX ? "SIZE: 0x%" PRIx64 "\n" : "SIZE: %" PRIu64 "\n", size);
}

/* "struct foo {", the members, and "}" without a line break. */
static void body_add(struct declaration *d, const struct ka_type *t, const struct ka_type_info *info)
{
	ka_str_printf(d->to, "%s %s%s{\n", word_of(info->kind), info->name ? info->name : "", info->name ? " " : "");
	if (info->kind == KA_TYPE_ENUM) {
		struct ka_type_field *values;
		size_t n = ka_type_enumerators(d->k, t, d->arena, &values);

		for (size_t i = 0; i < n; i++)
			ka_str_printf(d->to, "  %s = %" PRId64 "\n", values[i].name ? values[i].name : "?", values[i].value);
	} else if (info->is_declared_only) {
		ka_str_add(d->to, "    <incomplete type>\n");
	} else {
		members_add(d, t, 0, 1, true);
	}
	ka_str_addc(d->to, '}');
}

static bool has_body(const struct ka_type_info *info)
{
	return info->kind == KA_TYPE_STRUCT || info->kind == KA_TYPE_UNION || info->kind == KA_TYPE_ENUM;
}

static struct ka_error *path_add(struct declaration *d, const struct ka_type *t, const struct ka_type_info *info, const char *path)
{
	struct ka_value whole = { .type = *t, .kind = info->kind, .size = info->size, .type_name = info->name, .is_lvalue = true }, x;
	struct ka_error *err = ka_value_path(d->k, &whole, path, &x);
	struct ka_type_field f;
	char *offset;

	if (err)
		return err;
	f = (struct ka_type_field){ .type = x.type, .bit_size = x.bit_size };
	offset = offset_text(d, x.addr * 8 + x.bit_offset);
	ka_str_printf(d->to, "%s %s {\n%8s ", word_of(info->kind), info->name ? info->name : "{...}", offset);
	member_add(d, &f, path, true);
	ka_str_add(d->to, "}\n");
	return NULL;
}

/* "typedef struct foo {...} * name;": what it is of is opened, behind pointers, too. */
static void typedef_add(struct declaration *d, const struct ka_type_info *typedefed)
{
	struct ka_type base = base_of(d->k, typedefed->target), t;
	struct ka_type_info info;
	const char *rest, *before = around_base(d, &typedefed->target, &base, NULL, &rest);

	t = ka_type_strip(d->k, &base, &info);
	ka_str_printf(d->to, "typedef %s", before);
	if (info.kind == KA_TYPE_ENUM && *rest)
		enum_line_add(d, &t, &info);
	else if (has_body(&info) && !info.is_declared_only)
		body_add(d, &t, &info);
	else
		ka_type_text(d->k, &t, NULL, d->to);
	ka_str_printf(d->to, "%s %s;\n", rest, typedefed->name ? typedefed->name : "?");
}

struct ka_error *ka_type_declaration(struct ka_kernel *k, const struct ka_type *type, const char *path, unsigned flags,
				     ka_addr base, struct ka_str *to)
{
	struct declaration d = { .k = k, .flags = flags, .base = base, .to = to, .arena = ka_arena_new() };
	struct ka_type_info first, info;
	struct ka_type t = ka_type_strip(k, type, &info);
	struct ka_error *err = NULL;

	ka_type_info(k, type, &first);
	if (path) {
		err = path_add(&d, &t, &info, path);
		ka_arena_free(d.arena);
		return err;
	}
	if (flags & KA_DECLARE_OFFSETS)
		d.columns = KA_MAX(OFFSET_COLUMNS, 2 + (int)strlen(offset_text(&d, info.size ? (info.size - 1) * 8 : 0)));
	if (first.kind == KA_TYPE_TYPEDEF) {
		typedef_add(&d, &first);
		size_add(&d, info.size ? info.size : info.kind == KA_TYPE_FUNC);
	} else if (has_body(&info)) {
		body_add(&d, &t, &info);
		ka_str_add(to, info.kind == KA_TYPE_ENUM ? ";\n" : "\n");
		if (info.kind != KA_TYPE_ENUM)
			size_add(&d, info.size);
	} else {
		ka_type_text(k, type, NULL, to);
		ka_str_addc(to, '\n');
		size_add(&d, info.size);
	}
	ka_arena_free(d.arena);
	return NULL;
}
