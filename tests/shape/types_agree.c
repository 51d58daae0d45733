/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * types_agree VMLINUX: both readers of types are asked for everything that a kernel has, and must say the same: size,
 * and offset, width, size and kind of each member of each struct and union; each enum's enumerators. Also that
 * look-up by name leads to what the lists tell. Exit status 77 (skipped) when the file is not there or has not both.
 */
#include <stdio.h>
#include <unistd.h>
#include <kanalyze/value.h>
#include "debuginfo.h"

#define DEPTH_MAX 16

struct name {
	enum ka_type_kind kind;
	const char *name;
	uint32_t id;
};

struct names {
	KA_VEC(struct name);
};

static unsigned failures, type_count, member_count, enum_count;

static void collect(void *ctx, enum ka_type_kind kind, const char *name, uint32_t id)
{
	struct names *n = ctx;

	if (kind == KA_TYPE_STRUCT || kind == KA_TYPE_UNION || kind == KA_TYPE_ENUM)
		ka_vec_push(n, (struct name){ kind, name, id });
}

static int by_name(const void *a, const void *b)
{
	const struct name *x = a, *y = b;
	int c = strcmp(x->name, y->name);

	return c ? c : x->kind != y->kind ? (int)x->kind - (int)y->kind : x->id < y->id ? -1 : x->id > y->id;
}

/* Elements of all dimensions: pahole makes one of them in BTF. */
static uint64_t elements(struct ka_types *t, struct ka_type_brief brief)
{
	uint64_t n = 1;

	for (unsigned i = 0; i < DEPTH_MAX && brief.kind == KA_TYPE_ARRAY; i++) {
		n *= brief.count;
		t->ops->describe(t, brief.target, &brief);
	}
	return n;
}

/* Old paholes do not tell the sign of plain char. */
static bool is_char(const struct ka_type_brief *brief)
{
	return brief->kind == KA_TYPE_INT && brief->name && !strcmp(brief->name, "char");
}

/*
 * The type as C writes it. Of BTF bounds are told otherwise (pahole makes one number of all dimensions, and of none a 0), so
 * what stands in brackets is left out: the count of elements is compared beside it.
 */
static void type_text_add(struct ka_types *t, uint32_t id, struct ka_str *out)
{
	struct ka_type type = { .types = t, .id = id };
	struct ka_str text = { 0 };
	bool is_inside = false;

	ka_type_text(NULL, &type, NULL, &text);
	for (const char *p = text.p; p && *p; p++) {
		is_inside = *p == '[' || (is_inside && *p != ']');
		if (!is_inside && *p != ']' && *p != ' ')
			ka_str_addc(out, *p);
	}
	ka_str_free(&text);
}

/* Everything that is told of a type, as text. */
static void describe(struct ka_types *t, uint32_t id, uint64_t base_bits, unsigned depth, struct ka_arena *a, struct ka_str *out)
{
	struct ka_type_part *parts;
	struct ka_type_brief brief;
	size_t n = t->ops->members(t, id, a, &parts);

	for (size_t i = 0; i < n; i++) {
		t->ops->describe(t, parts[i].type, &brief);
		if (!parts[i].name) {
			if (depth < DEPTH_MAX && !parts[i].bit_size)
				describe(t, parts[i].type, base_bits + parts[i].offset_bits, depth + 1, a, out);
			continue;
		}
		ka_str_printf(out, " %s@%llu:%u=%d/%llu/%llu%s%s", parts[i].name, (unsigned long long)(base_bits + parts[i].offset_bits),
			      parts[i].bit_size, brief.kind, (unsigned long long)brief.size, (unsigned long long)elements(t, brief),
			      brief.is_signed && !is_char(&brief) ? "s" : "", brief.kind == KA_TYPE_STRUCT && brief.name ? brief.name : "");
		ka_str_addc(out, '=');
		type_text_add(t, parts[i].type, out);
	}
	n = t->ops->enumerators(t, id, a, &parts);
	for (size_t i = 0; i < n; i++)
		ka_str_printf(out, " %s=%lld", parts[i].name, (long long)parts[i].value);
}

static char *text_of(struct ka_types *t, const struct name *n)
{
	struct ka_arena *a = ka_arena_new();
	struct ka_str s = { 0 };
	uint64_t size = 0;

	if (ka_error_drop(t->ops->size(t, n->id, &size)))
		failures++;
	ka_str_printf(&s, "%llu:", (unsigned long long)size);
	describe(t, n->id, 0, 0, a, &s);
	ka_arena_free(a);
	return s.p;
}

/* Each member of the list must be found by its name, at its place. */
static void check_look_up(struct ka_types *t, uint32_t root, uint32_t id, uint64_t base_bits, unsigned depth, struct ka_arena *a)
{
	struct ka_type_part *parts;
	size_t n = t->ops->members(t, id, a, &parts);
	uint64_t offset_bits;
	uint32_t bit_size, type;

	for (size_t i = 0; i < n; i++) {
		if (!parts[i].name) {
			if (depth < DEPTH_MAX && !parts[i].bit_size)
				check_look_up(t, root, parts[i].type, base_bits + parts[i].offset_bits, depth + 1, a);
			continue;
		}
		member_count++;
		if (t->ops->member(t, root, parts[i].name, &offset_bits, &bit_size, &type) &&
		    offset_bits == base_bits + parts[i].offset_bits && bit_size == parts[i].bit_size && type == parts[i].type)
			continue;
		fprintf(stderr, "%s: member %s of type %u is not found where it is listed\n", t->ops->name, parts[i].name, root);
		failures++;
	}
}

static struct names names_of(struct ka_types *t)
{
	struct names n = { 0 };

	t->ops->each_name(t, collect, &n);
	qsort(n.at, n.n, sizeof(*n.at), by_name);
	return n;
}

static size_t run_length(const struct names *n, size_t i)
{
	size_t len = 1;

	while (i + len < n->n && n->at[i].kind == n->at[i + len].kind && !strcmp(n->at[i].name, n->at[i + len].name))
		len++;
	return len;
}

/* Types of one name may have several layouts; what DWARF's index chose must be one of BTF's. */
static void compare(struct ka_types *btf, const struct names *b, size_t i, size_t len, struct ka_types *dwarf, const struct name *d)
{
	struct ka_arena *a = ka_arena_new();
	char *want = text_of(dwarf, d), *is = NULL;
	bool is_equal = false;

	for (size_t k = i; k < i + len && !is_equal; k++) {
		free(is);
		is = text_of(btf, &b->at[k]);
		is_equal = !strcmp(is, want);
	}
	if (!is_equal) {
		size_t at = 0;

		while (is[at] == want[at])
			at++;
		while (at && is[at] != ' ')
			at--;
		fprintf(stderr, "%s: BTF says %.60s, DWARF %.60s\n", d->name, is + at, want + at);
		failures++;
	}
	check_look_up(btf, b->at[i].id, b->at[i].id, 0, 0, a);
	check_look_up(dwarf, d->id, d->id, 0, 0, a);
	type_count += d->kind != KA_TYPE_ENUM;
	enum_count += d->kind == KA_TYPE_ENUM;
	free(want);
	free(is);
	ka_arena_free(a);
}

static struct ka_error *open_both(struct ka_object *o, struct ka_types **ret_btf, struct ka_types **ret_dwarf)
{
	const struct ka_section *s = ka_object_section(o, ".BTF");
	const uint8_t *bytes;
	struct ka_error *err;
	size_t size;

	if (!s)
		return ka_error_new(KA_MISSING, "no .BTF");
	err = ka_object_content(o, s, &bytes, &size);
	if (!err)
		err = ka_types_open_btf(bytes, size, o->is_64bit ? 8 : 4, ret_btf);
	return err ? err : ka_types_open_dwarf(o, ret_dwarf);
}

int main(int argc, char **argv)
{
	struct ka_types *btf = NULL, *dwarf = NULL;
	struct names b, d;
	unsigned only_btf = 0, only_dwarf = 0;
	struct ka_object *o;
	struct ka_error *err;

	if (argc != 2 || access(argv[1], R_OK))
		return 77;
	err = ka_object_open(argv[1], &o);
	if (!err)
		err = open_both(o, &btf, &dwarf);
	if (err) {
		fprintf(stderr, "%s\n", err->message);
		return err->code == KA_MISSING ? 77 : 1;
	}
	b = names_of(btf);
	d = names_of(dwarf);
	for (size_t i = 0, k = 0; i < b.n || k < d.n; ) {
		struct name x = i < b.n ? b.at[i] : (struct name){ 0 }, y = k < d.n ? d.at[k] : (struct name){ 0 };
		int c;

		x.id = y.id = 0;
		c = i == b.n ? 1 : k == d.n ? -1 : by_name(&x, &y);
		if (c < 0) {
			size_t len = run_length(&b, i);

			/* Types that a function declares inside are not in DWARF's index. */
			only_btf++;
			i += len;
		} else if (c > 0) {
			only_dwarf++;
			k++;
		} else {
			size_t len = run_length(&b, i);

			compare(btf, &b, i, len, dwarf, &d.at[k]);
			i += len;
			k++;
		}
	}
	printf("%u structs and unions, %u look-ups of members, %u enums: %u differences; %u names only in BTF, %u only in DWARF\n",
	       type_count, member_count, enum_count, failures, only_btf, only_dwarf);
	ka_vec_free(&b);
	ka_vec_free(&d);
	ka_types_close(btf);
	ka_types_close(dwarf);
	ka_object_close(o);
	return failures || !type_count || only_btf > type_count / 100 || only_dwarf > type_count / 100;
}
