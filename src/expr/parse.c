/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Text to tree: C's operators and precedence. Knows no symbols and no types: what a name is shows when it is evaluated. */
#include <ctype.h>
#include "parser.h"

static struct ka_error *parse_ternary(struct ka_parser *p, struct ka_expr **ret) KA_MUST_CHECK;
static struct ka_error *parse_unary(struct ka_parser *p, struct ka_expr **ret) KA_MUST_CHECK;

static struct ka_expr *node(struct ka_parser *p, enum ka_expr_op op, const struct ka_token *t)
{
	struct ka_expr *e = ka_alloc(p->l.arena, sizeof(*e));

	e->op = op;
	e->column = (unsigned)(t->start - p->l.text) + 1;
	e->flags = p->l.flags;
	e->depth = 1;
	return e;
}

static struct ka_error *with_children(struct ka_parser *p, const struct ka_token *t, struct ka_expr *e, struct ka_expr *a,
				      struct ka_expr *b, struct ka_expr *c)
{
	struct ka_expr *children[] = { a, b, c };

	e->a = a;
	e->b = b;
	e->c = c;
	if (e->type.of && e->type.of->depth >= e->depth)
		e->depth = (uint16_t)(e->type.of->depth + 1);
	for (size_t i = 0; i < KA_COUNT(children); i++)
		if (children[i] && children[i]->depth >= e->depth)
			e->depth = (uint16_t)(children[i]->depth + 1);
	if (e->depth > KA_EXPR_DEPTH)
		return ka_expr_error(&p->l, t, "the expression has more than %d operators in a row", KA_EXPR_DEPTH);
	return NULL;
}

/* ---- operands ---- */

static struct ka_error *changes(struct ka_parser *p)
{
	return ka_expr_error(&p->l, &p->l.token, "nothing can be changed in a dump%s",
			     ka_parser_at(p, "=") ? "; '==' compares, and 'set $NAME = EXPR' keeps a value" : "");
}

/* The path of offsetof and container_of: "a.b[3].c", taken as it is written. */
static struct ka_error *parse_path(struct ka_parser *p, char **ret)
{
	struct ka_str path = {0};
	struct ka_error *err = NULL;

	if (p->l.token.kind != KA_TOKEN_NAME)
		return ka_expr_error(&p->l, &p->l.token, "the name of a member expected");
	while (!err && !ka_parser_at(p, ")") && p->l.token.kind != KA_TOKEN_END) {
		if (p->l.token.kind == KA_TOKEN_NUMBER)
			ka_str_printf(&path, "%llu", (unsigned long long)p->l.token.number);
		else if (p->l.token.kind == KA_TOKEN_NAME || ka_parser_at(p, ".") || ka_parser_at(p, "[") || ka_parser_at(p, "]"))
			ka_str_addn(&path, p->l.token.start, p->l.token.len);
		else
			err = ka_expr_error(&p->l, &p->l.token, "this is no part of a path of members");
		if (!err)
			err = ka_parser_next(p);
	}
	*ret = ka_strdup(p->l.arena, path.p ? path.p : "");
	ka_str_free(&path);
	return err;
}

/* offsetof(TYPE, PATH), container_of(EXPR, TYPE, PATH) */
static struct ka_error *parse_offset(struct ka_parser *p, bool is_container, struct ka_expr **ret)
{
	struct ka_token t = p->l.token;
	struct ka_expr *e = node(p, is_container ? KA_EXPR_CONTAINER_OF : KA_EXPR_OFFSETOF, &t), *a = NULL;
	unsigned ternary = p->ternary;
	struct ka_error *err = ka_parser_next(p);

	p->ternary = 0;
	if (!err)
		err = ka_parser_expect(p, "(", is_container ? "behind container_of" : "behind offsetof");
	if (!err && is_container) {
		err = parse_ternary(p, &a);
		if (!err)
			err = ka_parser_expect(p, ",", "before the type");
	}
	if (!err)
		err = ka_parse_type(p, &e->type);
	if (!err && e->type.stars)
		err = ka_expr_error(&p->l, &t, "needs a struct or union, not a pointer to one");
	if (!err)
		err = ka_parser_expect(p, ",", "before the member");
	if (!err)
		err = parse_path(p, &e->name);
	if (!err)
		err = ka_parser_expect(p, ")", "behind the member");
	p->ternary = ternary;
	*ret = e;
	return err ? err : with_children(p, &t, e, a, NULL, NULL);
}

/* NAME or NAME:CPUS */
static struct ka_error *parse_name(struct ka_parser *p, struct ka_expr **ret)
{
	struct ka_token t = p->l.token;
	struct ka_expr *e = node(p, KA_EXPR_NAME, &t);
	struct ka_error *err = ka_parser_next(p);

	e->name = ka_parser_text(p, &t);
	*ret = e;
	if (err || !ka_parser_at(p, ":") || !p->l.token.is_adjacent || p->ternary)
		return err;
	/* A list of CPUs is no token: "1,3-5", "a". */
	const char *start = p->l.at;
	size_t n = 0;

	while (isdigit((unsigned char)start[n]) || (n && (start[n] == ',' || start[n] == '-') && isdigit((unsigned char)start[n + 1])))
		n++;
	if (!n && start[0] == 'a')
		n = !strncmp(start, "all", 3) ? 3 : 1;
	if (!n || isalnum((unsigned char)start[n]) || start[n] == '_') {
		err = ka_parser_next(p);
		return err ? err : ka_expr_error(&p->l, &p->l.token, "CPUs expected behind '%s:': 0, or 1,3-5, or a for all", e->name);
	}
	e->cpus = ka_strndup(p->l.arena, start, n);
	p->l.at += n;
	return ka_parser_next(p);
}

static struct ka_error *parse_parens(struct ka_parser *p, struct ka_expr **ret)
{
	unsigned ternary = p->ternary;
	struct ka_error *err = ka_parser_next(p);

	p->ternary = 0;
	if (!err)
		err = ka_parse_comma(p, ret);
	p->ternary = ternary;
	return err ? err : ka_parser_expect(p, ")", "to close the parenthesis");
}

static struct ka_error *parse_primary(struct ka_parser *p, struct ka_expr **ret)
{
	const struct ka_token *t = &p->l.token;
	struct ka_expr *e;

	switch (t->kind) {
	case KA_TOKEN_NUMBER:
		*ret = e = node(p, KA_EXPR_NUMBER, t);
		e->number = t->number;
		e->int_size = t->int_size;
		e->is_signed = t->is_signed;
		e->is_real = t->is_real;
		e->real = t->real;
		return ka_parser_next(p);
	case KA_TOKEN_STRING:
		*ret = e = node(p, KA_EXPR_STRING, t);
		e->name = t->text;
		e->name_size = t->text_size;
		return ka_parser_next(p);
	case KA_TOKEN_NAME:
		if (ka_parser_at(p, "offsetof") || ka_parser_at(p, "container_of"))
			return parse_offset(p, ka_parser_at(p, "container_of"), ret);
		return parse_name(p, ret);
	default:
		if (ka_parser_at(p, "("))
			return parse_parens(p, ret);
		return ka_expr_error(&p->l, t, "a number, a name or '(' expected");
	}
}

static struct ka_error *parse_postfix(struct ka_parser *p, struct ka_expr **ret)
{
	struct ka_error *err = parse_primary(p, ret);

	while (!err) {
		struct ka_token t = p->l.token;
		struct ka_expr *e, *index = NULL, *last = NULL;

		if (ka_parser_at(p, ".") || ka_parser_at(p, "->")) {
			e = node(p, KA_EXPR_MEMBER, &t);
			err = ka_parser_next(p);
			if (!err && p->l.token.kind != KA_TOKEN_NAME)
				err = ka_expr_error(&p->l, &p->l.token, "the name of a member expected");
			if (err)
				return err;
			e->name = ka_parser_text(p, &p->l.token);
			err = ka_parser_next(p);
		} else if (ka_parser_at(p, "[")) {
			unsigned ternary = p->ternary;

			e = node(p, KA_EXPR_INDEX, &t);
			p->ternary = 0;
			err = ka_parser_next(p);
			if (!err)
				err = ka_parse_comma(p, &index);
			if (!err && ka_parser_at(p, "..")) {
				e->op = KA_EXPR_SLICE;
				err = ka_parser_next(p);
				if (!err)
					err = parse_ternary(p, &last);
			}
			p->ternary = ternary;
			if (!err)
				err = ka_parser_expect(p, "]", "behind the index");
		} else if (ka_parser_at(p, "(")) {
			return ka_expr_error(&p->l, &t, (*ret)->op == KA_EXPR_NAME && strstr((*ret)->name, "_cpu") ?
					     "functions of a dead kernel cannot be called; the copy that a CPU has of a per-CPU variable is NAME:CPU" :
					     "functions of a dead kernel cannot be called");
		} else if (ka_parser_at(p, "++") || ka_parser_at(p, "--")) {
			return changes(p);
		} else {
			return NULL;
		}
		if (!err)
			err = with_children(p, &t, e, *ret, index, last);
		*ret = e;
	}
	return err;
}

/* ---- operators ---- */

/* What may follow a cast and nothing else. After '(' it would be a call, which there is not. */
static bool starts_operand(const struct ka_token *t)
{
	return t->kind == KA_TOKEN_NAME || t->kind == KA_TOKEN_NUMBER || t->kind == KA_TOKEN_STRING || ka_token_is(t, "(") ||
	       ka_token_is(t, "~") || ka_token_is(t, "!");
}

/*
 * At '(': is it a cast? (struct x *), (unsigned) and (u32) are; of other names, (x *) is one, and (x) when an operand
 * comes right behind it. The lexer is put back.
 */
static struct ka_error *is_cast(struct ka_parser *p, bool *ret)
{
	struct ka_lexer saved = p->l;
	struct ka_error *err = ka_parser_next(p);
	bool has_stars = false;

	*ret = false;
	if (!err && ka_starts_type(&p->l.token)) {
		*ret = true;
	} else if (!err && p->l.token.kind == KA_TOKEN_NAME) {
		err = ka_parser_next(p);
		while (!err && (ka_parser_at(p, "*") || ka_is_qualifier(&p->l.token))) {
			has_stars = true;
			err = ka_parser_next(p);
		}
		if (!err && ka_parser_at(p, ")")) {
			err = ka_parser_next(p);
			*ret = !err && (has_stars || starts_operand(&p->l.token));
		}
	}
	/* What is wrong in there is told when it is read in earnest. */
	ka_error_drop(err);
	p->l = saved;
	return NULL;
}

static struct ka_error *parse_cast(struct ka_parser *p, struct ka_expr **ret)
{
	struct ka_token t = p->l.token;
	struct ka_expr *e = node(p, KA_EXPR_CAST, &t), *a = NULL;
	struct ka_error *err = ka_parser_next(p);

	if (!err)
		err = ka_parse_type(p, &e->type);
	if (!err)
		err = ka_parser_expect(p, ")", "behind the type");
	if (!err)
		err = parse_unary(p, &a);
	*ret = e;
	return err ? err : with_children(p, &t, e, a, NULL, NULL);
}

/* sizeof(TYPE), sizeof EXPR; the same of alignof */
static struct ka_error *parse_sizeof(struct ka_parser *p, struct ka_expr **ret)
{
	bool is_align = !ka_parser_at(p, "sizeof"), is_type = false;
	struct ka_token t = p->l.token;
	struct ka_expr *a = NULL;
	struct ka_error *err = ka_parser_next(p);
	struct ka_lexer saved = p->l;

	*ret = NULL;
	if (!err && ka_parser_at(p, "(")) {
		/* A name alone may be a type or a variable: that shows when it is evaluated. */
		struct ka_type_name type;
		struct ka_token name;

		err = ka_parser_next(p);
		name = p->l.token;
		is_type = !err && name.kind == KA_TOKEN_NAME && !ka_error_drop(ka_parse_type(p, &type)) && ka_parser_at(p, ")");
		if (is_type) {
			*ret = node(p, is_align ? KA_EXPR_ALIGNOF_TYPE : KA_EXPR_SIZEOF_TYPE, &t);
			(*ret)->type = type;
			if (type.name && !type.stars && !strchr(type.name, ' ')) {
				a = node(p, KA_EXPR_NAME, &name);
				a->name = type.name;
			}
			err = ka_parser_next(p);
			/* "sizeof(x)->y", "sizeof(x)[0]" are of expressions. */
			if (!err && !ka_parser_at(p, "->") && !ka_parser_at(p, ".") && !ka_parser_at(p, "["))
				return with_children(p, &t, *ret, a, NULL, NULL);
			a = NULL;
		}
		ka_error_drop(err);
		err = NULL;
		p->l = saved;
	}
	if (!err)
		err = parse_unary(p, &a);
	if (err)
		return err;
	*ret = node(p, is_align ? KA_EXPR_ALIGNOF : KA_EXPR_SIZEOF, &t);
	return with_children(p, &t, *ret, a, NULL, NULL);
}

static struct ka_error *parse_unary_inner(struct ka_parser *p, struct ka_expr **ret)
{
	static const struct { const char *text; enum ka_expr_op op; } unary[] = {
		{ "+", KA_EXPR_PLUS }, { "-", KA_EXPR_NEGATE }, { "!", KA_EXPR_NOT }, { "~", KA_EXPR_INVERT },
		{ "*", KA_EXPR_DEREF }, { "&", KA_EXPR_ADDRESS },
	};
	struct ka_token t = p->l.token;
	struct ka_expr *a = NULL;
	struct ka_error *err;
	bool cast;

	if (ka_parser_at(p, "(")) {
		err = is_cast(p, &cast);
		return err ? err : cast ? parse_cast(p, ret) : parse_postfix(p, ret);
	}
	if (ka_parser_at(p, "sizeof") || ka_parser_at(p, "_Alignof") || ka_parser_at(p, "alignof") || ka_parser_at(p, "__alignof__") || ka_parser_at(p, "__alignof"))
		return parse_sizeof(p, ret);
	for (size_t i = 0; i < KA_COUNT(unary); i++) {
		if (!ka_parser_at(p, unary[i].text))
			continue;
		*ret = node(p, unary[i].op, &t);
		err = ka_parser_next(p);
		if (!err)
			err = parse_unary(p, &a);
		return err ? err : with_children(p, &t, *ret, a, NULL, NULL);
	}
	if (ka_parser_at(p, "++") || ka_parser_at(p, "--"))
		return changes(p);
	if (ka_parser_at(p, "&&"))
		return ka_expr_error(&p->l, &t, "an operand expected before '&&'");
	return parse_postfix(p, ret);
}

static struct ka_error *parse_unary(struct ka_parser *p, struct ka_expr **ret)
{
	struct ka_error *err = ka_parser_enter(p);

	if (!err)
		err = parse_unary_inner(p, ret);
	p->nesting--;
	return err;
}

static const struct { const char *text; uint8_t level, op; } binary[] = {
	{ "@", 11, KA_EXPR_REPEAT },
	{ "*", 10, KA_EXPR_MUL }, { "/", 10, KA_EXPR_DIV }, { "%", 10, KA_EXPR_MOD },
	{ "+", 9, KA_EXPR_ADD }, { "-", 9, KA_EXPR_SUB },
	{ "<<", 8, KA_EXPR_SHL }, { ">>", 8, KA_EXPR_SHR },
	{ "<", 7, KA_EXPR_LT }, { ">", 7, KA_EXPR_GT }, { "<=", 7, KA_EXPR_LE }, { ">=", 7, KA_EXPR_GE },
	{ "==", 6, KA_EXPR_EQ }, { "!=", 6, KA_EXPR_NE }, { "=~", 6, KA_EXPR_LIKE }, { "!~", 6, KA_EXPR_UNLIKE },
	{ "&", 5, KA_EXPR_AND }, { "^", 4, KA_EXPR_XOR }, { "|", 3, KA_EXPR_OR },
	{ "&&", 2, KA_EXPR_BOTH }, { "||", 1, KA_EXPR_EITHER },
};

/* Operators of at least this level; those of one level from the left. Recursion is as deep as there are levels. */
static struct ka_error *parse_binary(struct ka_parser *p, unsigned level, struct ka_expr **ret)
{
	struct ka_error *err = parse_unary(p, ret);

	while (!err) {
		struct ka_token t = p->l.token;
		struct ka_expr *e, *right = NULL;
		size_t i;

		for (i = 0; i < KA_COUNT(binary) && !ka_parser_at(p, binary[i].text); i++)
			;
		if (i == KA_COUNT(binary) || binary[i].level < level)
			return NULL;
		e = node(p, binary[i].op, &t);
		err = ka_parser_next(p);
		if (!err)
			err = parse_binary(p, binary[i].level + 1u, &right);
		if (!err)
			err = with_children(p, &t, e, *ret, right, NULL);
		*ret = e;
	}
	return err;
}

static bool is_assignment(const struct ka_token *t)
{
	static const char *const words[] = { "=", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "<<=", ">>=" };

	for (size_t i = 0; i < KA_COUNT(words); i++)
		if (ka_token_is(t, words[i]))
			return true;
	return false;
}

static struct ka_error *parse_ternary_inner(struct ka_parser *p, struct ka_expr **ret)
{
	struct ka_error *err = parse_binary(p, 1, ret);
	struct ka_token t = p->l.token;
	struct ka_expr *e, *yes = NULL, *no = NULL;

	if (!err && is_assignment(&p->l.token))
		return changes(p);
	if (err || !ka_parser_at(p, "?"))
		return err;
	e = node(p, KA_EXPR_TERNARY, &t);
	p->ternary++;
	err = ka_parser_next(p);
	if (!err)
		err = ka_parse_comma(p, &yes);
	p->ternary--;
	if (!err)
		err = ka_parser_expect(p, ":", "between the two results of '?'");
	if (!err)
		err = parse_ternary(p, &no);
	if (!err)
		err = with_children(p, &t, e, *ret, yes, no);
	*ret = e;
	return err;
}

static struct ka_error *parse_ternary(struct ka_parser *p, struct ka_expr **ret)
{
	struct ka_error *err = ka_parser_enter(p);

	if (!err)
		err = parse_ternary_inner(p, ret);
	p->nesting--;
	return err;
}

struct ka_error *ka_parse_comma(struct ka_parser *p, struct ka_expr **ret)
{
	struct ka_error *err = parse_ternary(p, ret);

	while (!err && ka_parser_at(p, ",")) {
		struct ka_token t = p->l.token;
		struct ka_expr *e = node(p, KA_EXPR_COMMA, &t), *right = NULL;

		err = ka_parser_next(p);
		if (!err)
			err = parse_ternary(p, &right);
		if (!err)
			err = with_children(p, &t, e, *ret, right, NULL);
		*ret = e;
	}
	return err;
}

/* crash's rule: an address alone is hexadecimal, a number within an expression only when it looks so. */
static unsigned flags_of(const char *text, unsigned flags)
{
	if (!(flags & KA_EXPR_HEX))
		return flags;
	for (const char *p = text; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr("_() \t", *p))
			return (flags & ~(unsigned)KA_EXPR_HEX) | KA_EXPR_DECIMAL;
	return flags;
}

/* "struct foo" alone, "unsigned int": two words are no expression, but may be a type. */
static struct ka_error *beyond_end(struct ka_parser *p, const char *text)
{
	struct ka_type_name type;

	if (ka_error_drop(ka_type_name_parse(p->l.arena, text, &type)))
		return ka_expr_error(&p->l, &p->l.token, "an operator or the end expected");
	return ka_expr_type_error(text, !type.stars && !type.count && type.name && (!strncmp(text, "struct ", 7) || !strncmp(text, "union ", 6)));
}

struct ka_error *ka_expr_parse(struct ka_arena *a, const char *text, unsigned flags, struct ka_expr **ret)
{
	struct ka_parser p = { .tokens_max = KA_EXPR_TOKENS(text), .l = { .arena = a, .text = text, .at = text, .flags = flags_of(text, flags) } };
	struct ka_error *err;

	*ret = NULL;
	if (strlen(text) > KA_EXPR_TEXT_MAX)
		return ka_error_new(KA_USAGE, "the expression is longer than %d characters", KA_EXPR_TEXT_MAX);
	err = ka_parser_next(&p);
	if (!err)
		err = ka_parse_comma(&p, ret);
	if (!err && p.l.token.kind != KA_TOKEN_END)
		err = beyond_end(&p, text);
	if (err) {
		ka_expr_point(err, text);
		*ret = NULL;
	} else {
		(*ret)->text = ka_strdup(a, text);
	}
	return err;
}
