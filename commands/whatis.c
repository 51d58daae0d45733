/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* whatis: what a name or an expression is of; and structs by their size or the types of their members. */
#include <ctype.h>
#include <inttypes.h>
#include <kanalyze/symbol.h>
#include <kanalyze/variable.h>
#include "print.h"
#include "words.h"

#define DEPTH_MAX 12	/* anonymous structs within one another */

struct whatis_row {
	const char *name, *text;
	const char *type;
	const struct ka_node *declaration;
};
KA_LINES(whatis_row, "types", "{text}",
	KA_COL(whatis_row, name, KA_TEXT, "as given"),
	KA_COLF(whatis_row, type, KA_TEXT, KA_ONLY_JSON, "its type"),
	KA_COLF(whatis_row, declaration, KA_VALUE, KA_ONLY_JSON, "of types: {type, kind, typedef_of, size, members or enumerators}"),
	KA_COLF(whatis_row, text, KA_TEXT, KA_ONLY_TEXT, "the declaration"));

struct found_row {
	uint64_t size;
	const char *name;
};
KA_ROWS(found_row, "found", "   SIZE  TYPE", "{size:7}  {name}",
	KA_COL(found_row, size, KA_UINT, "bytes"),
	KA_COL(found_row, name, KA_TEXT, "name of the struct, union or typedef"));

/* ---- -r, -m ---- */

struct search {
	struct ka_kernel *k;
	struct ka_arena *arena;
	bool has_range;
	uint64_t min, max;
	const char *member;	/* type of one */
	struct { KA_VEC(struct found_row); } found;
	struct { KA_VEC(const char *); } names;
};

static bool name_add(void *ctx, const char *name)
{
	struct search *s = ctx;

	ka_vec_push(&s->names, name);
	return !ka_interrupted();
}

/* "struct page *", "const page", "page[4]": is the type, with what points to it taken off, the one that is looked for? */
static bool is_of(struct search *s, const struct ka_type *type)
{
	struct ka_type t = *type;
	struct ka_type_info info;
	const char *want = s->member;
	size_t len;

	for (int i = 0; i < 64; i++) {
		ka_type_info(s->k, &t, &info);
		if (info.kind != KA_TYPE_POINTER && info.kind != KA_TYPE_ARRAY && info.kind != KA_TYPE_CONST && info.kind != KA_TYPE_VOLATILE &&
		    info.kind != KA_TYPE_RESTRICT)
			break;
		t = info.target;
	}
	if (info.kind == KA_TYPE_FUNC)
		return false;
	if (info.name && !strcmp(info.name, want))
		return true;
	for (len = strcspn(want, " "); want[len] == ' '; len++)
		;
	if ((info.kind == KA_TYPE_STRUCT && !strncmp(want, "struct ", 7)) || (info.kind == KA_TYPE_UNION && !strncmp(want, "union ", 6)) ||
	    (info.kind == KA_TYPE_ENUM && !strncmp(want, "enum ", 5)))
		return info.name && !strcmp(info.name, want + len);
	/* "unsigned long", which debuginfo calls "long unsigned int" */
	if (info.kind == KA_TYPE_INT || info.kind == KA_TYPE_VOID) {
		struct ka_str text = {0};
		bool is;

		ka_type_text(s->k, &t, NULL, &text);
		is = text.p && !strcmp(text.p, want);
		ka_str_free(&text);
		return is;
	}
	return false;
}

static bool has_member(struct search *s, struct ka_arena *a, const struct ka_type *t, unsigned depth)
{
	struct ka_type_field *fields;
	size_t n = ka_type_members_flat(s->k, t, a, &fields);

	for (size_t i = 0; i < n; i++) {
		if (is_of(s, &fields[i].type) || (!fields[i].name && depth < DEPTH_MAX && has_member(s, a, &fields[i].type, depth + 1)))
			return true;
	}
	return false;
}

static void type_try(struct search *s, const char *name)
{
	struct ka_type_info info;
	struct ka_arena *a;
	struct ka_type t;
	bool is = true;

	if (ka_error_drop(ka_type_find(s->k, name, &t)))
		return;
	t = ka_type_strip(s->k, &t, &info);
	if ((info.kind != KA_TYPE_STRUCT && info.kind != KA_TYPE_UNION) || info.is_declared_only)
		return;
	if (s->has_range && (info.size < s->min || info.size > s->max))
		return;
	if (s->member) {
		a = ka_arena_new();
		is = has_member(s, a, &t, 0);
		ka_arena_free(a);
	}
	if (is)
		ka_vec_push(&s->found, (struct found_row){ info.size, name });
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int by_size(const void *a, const void *b)
{
	const struct found_row *x = a, *y = b;

	return x->size != y->size ? (x->size < y->size ? -1 : 1) : strcmp(x->name, y->name);
}

/* "1000-1010", "1k", "0x400" */
static struct ka_error *range_read(struct ka_call *c, const char *word, struct search *s)
{
	char *first = ka_strdup(c->arena, word), *last = strchr(first, '-');
	struct ka_error *err;

	if (last)
		*last++ = 0;
	err = ka_expr_number(NULL, first, KA_EXPR_DECIMAL, &s->min);
	s->max = s->min;
	if (!err && last)
		err = ka_expr_number(NULL, last, KA_EXPR_DECIMAL, &s->max);
	s->has_range = true;
	if (!err && s->max < s->min)
		return ka_call_usage(c, "the range %s ends before it begins", word);
	return ka_error_wrap(err, "'%s' is no size and no range of sizes", word);
}

static struct ka_error *search(struct ka_call *c)
{
	struct search s = { .k = c->k, .arena = c->arena, .member = ka_call_value(c, "m") };
	struct ka_error *err = ka_call_value(c, "r") ? range_read(c, ka_call_value(c, "r"), &s) : NULL;

	if (!err && c->argc)
		err = ka_call_usage(c, "-r and -m search for types: '%s' cannot be given", c->argv[0]);
	if (err)
		return err;
	ka_type_names(c->k, "", name_add, &s);
	if (s.names.n)
		qsort(s.names.at, s.names.n, sizeof(*s.names.at), by_text);
	for (size_t i = 0; i < s.names.n && !ka_interrupted(); i++)
		if (!i || strcmp(s.names.at[i], s.names.at[i - 1]))
			type_try(&s, s.names.at[i]);
	if (s.found.n)
		qsort(s.found.at, s.found.n, sizeof(*s.found.at), by_size);
	for (size_t i = 0; i < s.found.n; i++)
		ka_out_row(c->out, &ka_rows_found_row, &s.found.at[i]);
	if (!s.found.n)
		ka_out_note(c->out, "(none found)");
	ka_vec_free(&s.found);
	ka_vec_free(&s.names);
	return NULL;
}

/* ---- names and expressions ---- */

static void row_show(struct ka_call *c, const char *name, const char *type, const char *text, const struct ka_node *declaration)
{
	struct whatis_row row = { .name = name, .type = type, .text = text, .declaration = declaration };

	ka_out_row(c->out, &ka_rows_whatis_row, &row);
}

/* What `whatis` was asked about, as one text without the options. */
static const char *subject(struct ka_call *c)
{
	struct ka_str s = {0};
	const char *ret;

	for (int i = 0; i < c->argc; i++)
		ka_str_printf(&s, "%s%s", i ? " " : "", c->argv[i]);
	ret = ka_strdup(c->arena, s.len ? s.p : "");
	ka_str_free(&s);
	return ret;
}

static bool is_name(const char *word)
{
	for (const char *p = word; *p; p++)
		if (!isalnum((unsigned char)*p) && *p != '_')
			return false;
	return *word && !isdigit((unsigned char)*word);
}

static struct ka_error *declaration_show(struct ka_call *c, const char *name, const struct ka_type *t, const char *path)
{
	unsigned flags = (ka_call_has(c, "o") ? KA_DECLARE_OFFSETS : 0) | (ka_call_print(c, false, false).radix == 16 ? KA_DECLARE_HEX : 0);
	struct ka_str text = {0}, type = {0};
	struct ka_error *err = ka_type_declaration(c->k, t, path, flags, 0, &text);

	ka_type_text(c->k, t, NULL, &type);
	if (text.len)
		text.p[--text.len] = 0;
	if (!err)
		row_show(c, name, type.p, text.p, ka_out_is_text(c->out) ? NULL : ka_type_tree(c->k, t, c->arena));
	ka_str_free(&text);
	ka_str_free(&type);
	return err;
}

/* A variable or function: "int panic_timeout;". False: it is none, or its type is not known. */
static bool variable_show(struct ka_call *c, const char *name)
{
	struct ka_variable var;
	struct ka_symbol s;
	struct ka_str text = {0}, type = {0};

	if (ka_error_drop(ka_symbol_find(c->k, name, &s)) || !ka_variable_of(c->k, &s, c->arena, &var, NULL))
		return false;
	ka_type_text(c->k, &var.type, name, &text);
	ka_str_addc(&text, ';');
	ka_type_text(c->k, &var.type, NULL, &type);
	row_show(c, name, type.p, text.p, NULL);
	ka_str_free(&text);
	ka_str_free(&type);
	return true;
}

static struct ka_error *expression_show(struct ka_call *c, const char *text)
{
	struct ka_str type = {0};
	struct ka_expr *e;
	struct ka_value x;
	struct ka_error *err = ka_expr_parse(c->arena, text, 0, &e);

	if (!err)
		err = ka_expr_eval(e, c->k, NULL, &x);
	if (err)
		return err;
	if (x.kind == KA_TYPE_ENUM && is_name(text)) {
		ka_type_text(c->k, &x.type, NULL, &type);
		ka_str_printf(&type, " = %" PRId64, (int64_t)x.bits);
	} else if (x.text) {
		ka_str_printf(&type, "char [%zu]", x.text_size + 1);
	} else {
		ka_type_text(c->k, &x.type, NULL, &type);
	}
	row_show(c, text, type.p, type.p, NULL);
	ka_str_free(&type);
	return NULL;
}

/* "struct foo.member", "foo.member" of a type: that member in its struct. */
static struct ka_error *member_show(struct ka_call *c, const char *text, bool *ret_done)
{
	char *name = ka_strdup(c->arena, text), *dot = strchr(name, '.');
	struct ka_type_info info;
	struct ka_type t;

	*ret_done = false;
	if (!dot)
		return NULL;
	*dot = 0;
	if (ka_error_drop(ka_type_find(c->k, name, &t)))
		return NULL;
	ka_type_strip(c->k, &t, &info);
	if (info.kind != KA_TYPE_STRUCT && info.kind != KA_TYPE_UNION)
		return NULL;
	*ret_done = true;
	return declaration_show(c, text, &t, dot + 1);
}

static struct ka_error *run(struct ka_call *c)
{
	const char *text = subject(c);
	struct ka_type_place *all;
	struct ka_type t;
	struct ka_error *err, *why;
	bool is_done;
	size_t n;

	if (ka_call_has(c, "r") || ka_call_has(c, "m"))
		return search(c);
	if (!*text)
		return ka_call_usage(c, "what is what? give a type, a symbol or an expression");
	if (is_name(text) && variable_show(c, text))
		return NULL;
	err = member_show(c, text, &is_done);
	if (err || is_done)
		return err;
	n = strpbrk(text, "()[].+&$*/") && !strchr(text, '@') ? 0 : ka_type_find_all(c->k, text, c->arena, &all);
	for (size_t i = 0; i < n && !err; i++) {
		if (n > 1)
			ka_out_note(c->out, "%s%s:", i ? "\n" : "", ka_words_type(c, text, all[i].file));
		err = declaration_show(c, text, &all[i].type, NULL);
	}
	if (n || err)
		return err;
	why = ka_type_find(c->k, text, &t);
	if (!why)
		return declaration_show(c, text, &t, NULL);
	err = expression_show(c, text);
	if (err && is_name(text)) {
		ka_error_drop(err);
		err = ka_error_new(KA_NOT_FOUND, "there is no type, symbol or enumerator '%s'", text);
	}
	ka_error_drop(why);
	return err;
}

static const struct ka_option options[] = {
	{ "o", NULL, "the offset of each member", false },
	{ "r", "SIZE[-SIZE]", "structs and unions of this size, or between these two", false },
	{ "m", "TYPE", "structs and unions with a member of this type, or a pointer to it, or an array of it", false },
	{ NULL, NULL, NULL, false },
};

static const struct ka_rows *const rows[] = { &ka_rows_whatis_row, &ka_rows_found_row, NULL };

const struct ka_command ka_command_whatis = {
	.name = "whatis",
	.args = "[-o] TYPE | SYMBOL | EXPRESSION; or: [-r SIZE[-SIZE]] [-m TYPE]",
	.brief = "what a type, a symbol or an expression is",
	.help =
		"Of a type its declaration, of a variable or function its type, of an expression that of its\n"
		"value. -r and -m search: by size, by what is in them, or by both.\n"
		"\n"
		"    whatis list_head\n"
		"    whatis -o task_struct\n"
		"    whatis jiffies\n"
		"    whatis init_task.tasks.next\n"
		"    whatis vfs_read\n"
		"    whatis -r 4k-16k\n"
		"    whatis -m mm_struct -r 100-200\n",
	.options = options,
	.needs = KA_NEED_TYPES,
	.rows = rows,
	.run = run,
};
