/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* -s and -S: members of the objects of a list, a tree, an array; and the arguments that these commands share. */
#include <inttypes.h>
#include <kanalyze/symbol.h>
#include <kanalyze/type.h>
#include "members.h"
#include "print.h"

#define STRING_MAX 1500		/* as much of a string behind a pointer as crash reads */

struct ka_error *members_radix(struct ka_call *c, unsigned *ret)
{
	if (ka_call_has(c, "x") && ka_call_has(c, "d"))
		return ka_call_usage(c, "-d and -x are mutually exclusive");
	*ret = ka_call_has(c, "x") ? 16 : ka_call_has(c, "d") ? 10 : 0;
	return NULL;
}

/* Each of the paths "a,b[1].c" in turn, in the arena; NULL at the end. */
static const char *path_next(struct ka_arena *a, const char **paths)
{
	size_t n;

	while (**paths == ',')
		++*paths;
	n = strcspn(*paths, ",");
	*paths += n;
	return n ? ka_strndup(a, *paths - n, n) : NULL;
}

static struct ka_error *spec_parse(struct members *m, const char *text, struct members_of *of)
{
	struct ka_call *c = m->c;
	const char *dot = strchr(text, '.'), *left, *path;
	struct ka_error *err;

	of->type = dot ? ka_strndup(c->arena, text, (size_t)(dot - text)) : text;
	of->paths = dot ? dot + 1 : NULL;
	err = ka_value_at(c->k, of->type, 0, &of->whole);
	if (err)
		return ka_error_wrap(err, "invalid structure name: %s", of->type);
	left = of->paths;
	while (left && (path = path_next(c->arena, &left))) {
		struct ka_value x;

		err = ka_value_path(c->k, &of->whole, path, &x);
		if (err)
			return ka_error_wrap(err, "invalid data structure member reference: %s", path);
	}
	return NULL;
}

struct ka_error *members_open(struct ka_call *c, struct members *ret)
{
	bool is_direct = ka_call_has(c, "S");
	struct ka_error *err;
	unsigned radix;

	*ret = (struct members){ .c = c, .is_direct = is_direct };
	if (is_direct && ka_call_has(c, "s"))
		return ka_call_usage(c, "-S and -s options are mutually exclusive");
	err = members_radix(c, &radix);
	if (err)
		return err;
	ret->how = ka_call_print(c, radix == 16, radix == 10);
	ret->of = ka_alloc(c->arena, (c->option_count + 1) * sizeof(*ret->of));
	for (size_t i = 0; i < c->option_count && !err; i++)
		if (!strcmp(c->options[i].option->name, is_direct ? "S" : "s"))
			err = spec_parse(ret, c->options[i].value, &ret->of[ret->count++]);
	return err;
}

struct ka_error *members_filter(const struct members *m, const char *offset, struct ka_filter **ret)
{
	struct ka_call *c = m->c;
	const char *text = ka_call_value(c, "where"), *dot = offset ? strchr(offset, '.') : NULL, *type;

	*ret = NULL;
	if (!text)
		return NULL;
	if (!m->count && !dot)
		return ka_call_usage(c, "--where needs to know what the objects are: an OFFSET as STRUCT.MEMBER, or -s STRUCT");
	type = m->count ? m->of[0].type : ka_strndup(c->arena, offset, (size_t)(dot - offset));
	return ka_filter_new(c->k, c->arena, text, type, m->count ? type : ka_printf(c->arena, "struct %s", type), ret);
}

bool members_wanted(const struct members *m, struct ka_filter *f, ka_addr at)
{
	bool is_wanted = false;

	ka_call_fault(m->c, ka_error_wrap(ka_filter_test(f, at, &is_wanted), "object at 0x%" PRIx64, at));
	return is_wanted;
}

/* Is it text: a char array, or (*ret_is_pointer) a pointer to char? */
static bool is_chars(struct ka_kernel *k, const struct ka_value *x, bool *ret_is_pointer)
{
	struct ka_type_info info, target;

	ka_type_strip(k, &x->type, &info);
	if (info.kind != KA_TYPE_ARRAY && info.kind != KA_TYPE_POINTER)
		return false;
	ka_type_strip(k, &info.target, &target);
	*ret_is_pointer = info.kind == KA_TYPE_POINTER;
	return target.is_char && target.name && !strcmp(target.name, "char");
}

static void text_add(struct ka_kernel *k, ka_addr at, size_t size, struct ka_str *to)
{
	char *text = ka_xalloc(size + 1);

	if (!ka_error_drop(ka_read_cstr(k, at, text, size + 1)))
		ka_str_printf(to, "\"%s\"", text);
	else
		ka_str_add(to, "\"\"");
	free(text);
}

/* One member as -S has it: a number as wide as the member, whatever its type; text in quotes behind pointers and in arrays. */
static struct ka_error *direct_add(const struct members *m, const struct ka_value *whole, const char *path, struct ka_str *to)
{
	struct ka_kernel *k = m->c->k;
	bool is_pointer = false, is_text, is_word;
	struct ka_symbol symbol;
	struct ka_value x;
	uint8_t bytes[8];
	uint64_t value = 0, offset;
	struct ka_error *err = ka_value_path(k, whole, path, &x);

	if (err)
		return err;
	is_text = is_chars(k, &x, &is_pointer);
	is_word = (x.size == 1 || x.size == 2 || x.size == 4 || x.size == 8) && !x.bit_size && !(is_text && !is_pointer);
	if (!is_word && !is_text)
		return ka_value_members_text(k, whole, path, &m->how, to);
	if (!is_word) {
		ka_str_printf(to, "  %s = ", path);
		text_add(k, x.addr, KA_MIN(x.size, (uint64_t)STRING_MAX), to);
		ka_str_addc(to, '\n');
		return NULL;
	}
	err = ka_read(k, x.addr, bytes, x.size);
	if (err)
		return ka_error_wrap(err, "cannot access member: %s at %" PRIx64, path, x.addr);
	value = ka_uint_from(k, bytes, x.size);
	ka_str_printf(to, m->how.radix == 16 || x.kind == KA_TYPE_POINTER ? "  %s = 0x%" PRIx64 : "  %s = %" PRIu64, path, value);
	if (is_text && value) {
		ka_str_add(to, "  ");
		text_add(k, value, STRING_MAX, to);
	} else if (x.size == ka_long_size(k) && ka_is_text(k, value) && ka_symbol_at(k, value, &symbol, &offset)) {
		ka_str_printf(to, " <%s>", symbol.name);
	}
	ka_str_addc(to, '\n');
	return NULL;
}

static struct ka_error *direct_text(const struct members *m, const struct ka_value *whole, const char *paths, struct ka_str *to)
{
	struct ka_arena *a = ka_arena_new();
	struct ka_error *first = NULL;
	const char *path;

	while ((path = path_next(a, &paths))) {
		struct ka_error *err = direct_add(m, whole, path, to);

		if (first)
			ka_error_free(err);
		else
			first = err;
	}
	ka_arena_free(a);
	return first;
}

static struct ka_error *whole_text(const struct members *m, const char *type, const struct ka_value *whole, struct ka_str *to)
{
	struct ka_str body = {0};
	struct ka_error *err = ka_value_text(m->c->k, whole, &m->how, false, &body);

	if (body.len) {
		ka_str_printf(to, "%s%s ", whole->kind == KA_TYPE_UNION ? "union " : "struct ", type);
		ka_str_addn(to, body.p, body.len);
		ka_str_addc(to, '\n');
	}
	ka_str_free(&body);
	return err;
}

static struct ka_error *text_of(const struct members *m, const struct members_of *of, const struct ka_value *whole, struct ka_str *to)
{
	if (!of->paths)
		return whole_text(m, of->type, whole, to);
	return m->is_direct ? direct_text(m, whole, of->paths, to) : ka_value_members_text(m->c->k, whole, of->paths, &m->how, to);
}

/* The members of an object, or the object itself under its type's name, behind what is in the list already. */
static void tree_add(struct ka_arena *a, const struct ka_node ***end, const struct members_of *of, const struct ka_node *tree)
{
	if (!tree)
		return;
	if (!of->paths) {
		struct ka_node *one = ka_alloc(a, sizeof(*one));

		*one = *tree;
		one->key = of->type;
		one->next = NULL;
		tree = one;
	} else {
		tree = tree->kind == KA_NODE_OBJECT ? tree->first : NULL;
	}
	for (; tree; tree = tree->next) {
		struct ka_node *n = ka_alloc(a, sizeof(*n));

		*n = *tree;
		n->next = NULL;
		**end = n;
		*end = &n->next;
	}
}

void members_read(const struct members *m, struct ka_arena *a, ka_addr at, const char **ret_text, const struct ka_node **ret_tree)
{
	struct ka_call *c = m->c;
	bool is_text = ka_out_is_text(c->out);
	struct ka_node *tree = ka_alloc(a, sizeof(*tree));
	const struct ka_node **end = &tree->first;
	struct ka_str s = {0};

	tree->kind = KA_NODE_OBJECT;
	for (size_t i = 0; i < m->count; i++) {
		const struct members_of *of = &m->of[i];
		struct ka_value whole = of->whole;
		const struct ka_node *part = NULL;
		struct ka_error *err;

		whole.addr = whole.bits = at;
		whole.is_lvalue = true;
		if (is_text)
			err = text_of(m, of, &whole, &s);
		else if (of->paths)
			err = ka_value_members_tree(c->k, &whole, of->paths, &m->how, a, &part);
		else
			err = ka_value_tree(c->k, &whole, &m->how, a, &part);
		tree_add(a, &end, of, part);
		if (err)
			ka_call_fault(c, ka_error_wrap(err, "%s at 0x%" PRIx64, of->type, at));
	}
	while (s.len && s.p[s.len - 1] == '\n')
		s.p[--s.len] = 0;
	*ret_text = s.len ? ka_printf(a, "\n%s", s.p) : NULL;
	*ret_tree = m->count && !is_text ? tree : NULL;
	ka_str_free(&s);
}

struct ka_error *offset_parse(struct ka_call *c, const char *option, const char *text, uint64_t *ret, const char **ret_type)
{
	const char *dot = strchr(text, '.');
	struct ka_member member;
	struct ka_error *err;

	if (ret_type)
		*ret_type = NULL;
	if (ka_parse_number(text, true, ret))
		return NULL;
	if (!dot || !dot[1])
		return ka_call_usage(c, "invalid %s argument: %s: neither STRUCT.MEMBER nor a number", option, text);
	const char *type = ka_strndup(c->arena, text, (size_t)(dot - text));
	err = ka_type_member(c->k, type, dot + 1, &member);
	if (err)
		return ka_error_wrap(err, "invalid %s argument: %s", option, text);
	*ret = member.offset + member.bit_offset / 8;
	if (ret_type) {
		*ret_type = member.type_name;
		/* hlist_node pid_links[PIDTYPE_MAX] */
		if (member.kind == KA_TYPE_ARRAY && !ka_error_drop(ka_type_member(c->k, type, ka_printf(c->arena, "%s[0]", dot + 1), &member)))
			*ret_type = member.type_name;
	}
	return NULL;
}

struct ka_error *start_parse(struct ka_call *c, const char *text, ka_addr *ret)
{
	struct ka_error *err = ka_parse_address(c->k, text, ret);

	if (err)
		return ka_error_wrap(err, "invalid argument: %s", text);
	if (!ka_is_kernel_addr(c->k, *ret))
		return ka_error_at(KA_NOT_FOUND, KA_SPACE_VIRT, *ret, "invalid kernel virtual address: %s", text);
	return NULL;
}
