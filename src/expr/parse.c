/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Text to tree: C's operators and precedence. Knows no symbols and no types: what a name is shows when it is evaluated. */
#include <ctype.h>
#include "tree.h"

struct parser {
	struct ka_lexer l;
	unsigned nesting;
	size_t tokens, tokens_max;	/* read so far: what is read again (sizeof of what is no type) could double at each level */
	unsigned ternary;	/* within "? ... :" of these parentheses: there ':' ends the middle */
};

static struct ka_error *parse_comma(struct parser *p, struct ka_expr **ret) KA_MUST_CHECK;
static struct ka_error *parse_ternary(struct parser *p, struct ka_expr **ret) KA_MUST_CHECK;
static struct ka_error *parse_unary(struct parser *p, struct ka_expr **ret) KA_MUST_CHECK;

static struct ka_expr *node(struct parser *p, enum ka_expr_op op, const struct ka_token *t)
{
	struct ka_expr *e = ka_alloc(p->l.arena, sizeof(*e));

	e->op = op;
	e->column = (unsigned)(t->start - p->l.text) + 1;
	e->flags = p->l.flags;
	e->depth = 1;
	return e;
}

static struct ka_error *with_children(struct parser *p, const struct ka_token *t, struct ka_expr *e, struct ka_expr *a,
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

static struct ka_error *next(struct parser *p)
{
	if (++p->tokens > p->tokens_max)
		return ka_expr_error(&p->l, &p->l.token, "the expression is too complicated");
	return ka_lexer_next(&p->l);
}

static bool at(const struct parser *p, const char *word)
{
	return ka_token_is(&p->l.token, word);
}

static struct ka_error *expect(struct parser *p, const char *word, const char *why)
{
	if (!at(p, word))
		return ka_expr_error(&p->l, &p->l.token, "'%s' expected %s", word, why);
	return next(p);
}

static char *token_text(struct parser *p, const struct ka_token *t)
{
	return ka_strndup(p->l.arena, t->start, t->len);
}

static struct ka_error *enter(struct parser *p)
{
	if (++p->nesting > KA_EXPR_NESTING)
		return ka_expr_error(&p->l, &p->l.token, "nested more than %d deep", KA_EXPR_NESTING);
	return NULL;
}

/* ---- types ---- */

static bool is_qualifier(const struct ka_token *t)
{
	return ka_token_is(t, "const") || ka_token_is(t, "volatile") || ka_token_is(t, "__user") || ka_token_is(t, "__percpu") ||
	       ka_token_is(t, "__rcu") || ka_token_is(t, "__iomem");
}

static bool is_integer_word(const struct ka_token *t)
{
	static const char *const words[] = { "unsigned", "signed", "char", "short", "int", "long" };

	for (size_t i = 0; i < KA_COUNT(words); i++)
		if (ka_token_is(t, words[i]))
			return true;
	return false;
}

static bool is_typeof(const struct ka_token *t)
{
	return ka_token_is(t, "typeof") || ka_token_is(t, "__typeof__") || ka_token_is(t, "__typeof");
}

static bool starts_type(const struct ka_token *t)
{
	struct ka_type_name unused;

	if (t->kind != KA_TOKEN_NAME)
		return false;
	return is_qualifier(t) || is_integer_word(t) || is_typeof(t) || ka_token_is(t, "struct") || ka_token_is(t, "union") ||
	       ka_token_is(t, "enum") || ka_type_word(t->start, t->len, &unused);
}

static struct ka_error *skip_qualifiers(struct parser *p)
{
	struct ka_error *err = NULL;

	while (!err && is_qualifier(&p->l.token))
		err = next(p);
	return err;
}

/* "unsigned long int", in any order. */
static struct ka_error *parse_integer_type(struct parser *p, struct ka_type_name *ret)
{
	unsigned longs = 0, shorts = 0, chars = 0, ints = 0, is_unsigned = 0, is_signed = 0;
	struct ka_token first = p->l.token;
	struct ka_error *err = NULL;

	while (!err && (is_integer_word(&p->l.token) || is_qualifier(&p->l.token))) {
		longs += at(p, "long");
		shorts += at(p, "short");
		chars += at(p, "char");
		ints += at(p, "int");
		is_unsigned += at(p, "unsigned");
		is_signed += at(p, "signed");
		err = next(p);
	}
	if (err)
		return err;
	if (longs > 2 || shorts > 1 || chars > 1 || ints > 1 || is_unsigned + is_signed > 1 || (chars && (longs || shorts || ints)) ||
	    (longs && shorts))
		return ka_expr_error(&p->l, &first, "there is no such integer type");
	*ret = (struct ka_type_name){
		.int_size = chars ? 1 : shorts ? 2 : longs == 2 ? 8 : longs ? 0 : 4,
		.is_long = longs == 1,
		.is_signed = !is_unsigned,
	};
	return NULL;
}

static struct ka_error *parse_stars(struct parser *p, struct ka_type_name *ret)
{
	struct ka_error *err = skip_qualifiers(p);

	while (!err && at(p, "*")) {
		if (ret->stars == 32)
			return ka_expr_error(&p->l, &p->l.token, "a pointer of more than 32 levels");
		ret->stars++;
		err = next(p);
		if (!err)
			err = skip_qualifiers(p);
	}
	return err;
}

static struct ka_error *parse_type(struct parser *p, struct ka_type_name *ret);

/* typeof(EXPR), typeof(TYPE): a name alone is an expression until it is evaluated. */
static struct ka_error *parse_typeof(struct parser *p, struct ka_type_name *ret)
{
	unsigned ternary = p->ternary;
	struct ka_error *err = next(p);

	p->ternary = 0;
	if (!err)
		err = expect(p, "(", "behind typeof");
	if (!err) {
		err = enter(p);
		if (!err)
			err = starts_type(&p->l.token) ? parse_type(p, ret) : parse_comma(p, &ret->of);
		p->nesting--;
	}
	if (!err)
		err = expect(p, ")", "to close typeof");
	p->ternary = ternary;
	return err ? err : parse_stars(p, ret);
}

/* A type as it stands in casts; the token after it is current then. */
static struct ka_error *parse_type(struct parser *p, struct ka_type_name *ret)
{
	struct ka_error *err = skip_qualifiers(p);

	memset(ret, 0, sizeof(*ret));
	if (err)
		return err;
	if (is_typeof(&p->l.token))
		return parse_typeof(p, ret);
	if (is_integer_word(&p->l.token)) {
		err = parse_integer_type(p, ret);
		return err ? err : parse_stars(p, ret);
	}
	if (p->l.token.kind != KA_TOKEN_NAME)
		return ka_expr_error(&p->l, &p->l.token, "the name of a type expected");
	if (at(p, "struct") || at(p, "union") || at(p, "enum")) {
		const char *keyword = token_text(p, &p->l.token);

		err = next(p);
		if (!err && p->l.token.kind != KA_TOKEN_NAME)
			err = ka_expr_error(&p->l, &p->l.token, "the name of the %s expected", keyword);
		if (err)
			return err;
		ret->name = ka_printf(p->l.arena, "%s %.*s", keyword, (int)p->l.token.len, p->l.token.start);
	} else if (!ka_type_word(p->l.token.start, p->l.token.len, ret)) {
		ret->name = token_text(p, &p->l.token);
	}
	err = next(p);
	return err ? err : parse_stars(p, ret);
}

struct ka_error *ka_type_name_parse(struct ka_arena *a, const char *text, struct ka_type_name *ret)
{
	struct parser p = { .tokens_max = KA_EXPR_TOKENS(text), .l = { .arena = a, .text = text, .at = text } };
	struct ka_error *err;

	if (strlen(text) > KA_EXPR_TEXT_MAX)
		return ka_error_new(KA_USAGE, "the name of a type is longer than %d characters", KA_EXPR_TEXT_MAX);
	err = next(&p);
	if (!err)
		err = parse_type(&p, ret);
	if (!err && p.l.token.kind != KA_TOKEN_END)
		err = ka_expr_error(&p.l, &p.l.token, "this is no part of a type's name");
	return err;
}

/* ---- operands ---- */

static struct ka_error *changes(struct parser *p)
{
	return ka_expr_error(&p->l, &p->l.token, "nothing can be changed in a dump%s",
			     at(p, "=") ? "; '==' compares, and 'set $NAME = EXPR' keeps a value" : "");
}

/* The path of offsetof and container_of: "a.b[3].c", taken as it is written. */
static struct ka_error *parse_path(struct parser *p, char **ret)
{
	struct ka_str path = {0};
	struct ka_error *err = NULL;

	if (p->l.token.kind != KA_TOKEN_NAME)
		return ka_expr_error(&p->l, &p->l.token, "the name of a member expected");
	while (!err && !at(p, ")") && p->l.token.kind != KA_TOKEN_END) {
		if (p->l.token.kind == KA_TOKEN_NUMBER)
			ka_str_printf(&path, "%llu", (unsigned long long)p->l.token.number);
		else if (p->l.token.kind == KA_TOKEN_NAME || at(p, ".") || at(p, "[") || at(p, "]"))
			ka_str_addn(&path, p->l.token.start, p->l.token.len);
		else
			err = ka_expr_error(&p->l, &p->l.token, "this is no part of a path of members");
		if (!err)
			err = next(p);
	}
	*ret = ka_strdup(p->l.arena, path.p ? path.p : "");
	ka_str_free(&path);
	return err;
}

/* offsetof(TYPE, PATH), container_of(EXPR, TYPE, PATH) */
static struct ka_error *parse_offset(struct parser *p, bool is_container, struct ka_expr **ret)
{
	struct ka_token t = p->l.token;
	struct ka_expr *e = node(p, is_container ? KA_EXPR_CONTAINER_OF : KA_EXPR_OFFSETOF, &t), *a = NULL;
	unsigned ternary = p->ternary;
	struct ka_error *err = next(p);

	p->ternary = 0;
	if (!err)
		err = expect(p, "(", is_container ? "behind container_of" : "behind offsetof");
	if (!err && is_container) {
		err = parse_ternary(p, &a);
		if (!err)
			err = expect(p, ",", "before the type");
	}
	if (!err)
		err = parse_type(p, &e->type);
	if (!err && e->type.stars)
		err = ka_expr_error(&p->l, &t, "needs a struct or union, not a pointer to one");
	if (!err)
		err = expect(p, ",", "before the member");
	if (!err)
		err = parse_path(p, &e->name);
	if (!err)
		err = expect(p, ")", "behind the member");
	p->ternary = ternary;
	*ret = e;
	return err ? err : with_children(p, &t, e, a, NULL, NULL);
}

/* NAME or NAME:CPUS */
static struct ka_error *parse_name(struct parser *p, struct ka_expr **ret)
{
	struct ka_token t = p->l.token;
	struct ka_expr *e = node(p, KA_EXPR_NAME, &t);
	struct ka_error *err = next(p);

	e->name = token_text(p, &t);
	*ret = e;
	if (err || !at(p, ":") || !p->l.token.is_adjacent || p->ternary)
		return err;
	/* A list of CPUs is no token: "1,3-5", "a". */
	const char *start = p->l.at;
	size_t n = 0;

	while (isdigit((unsigned char)start[n]) || (n && (start[n] == ',' || start[n] == '-') && isdigit((unsigned char)start[n + 1])))
		n++;
	if (!n && start[0] == 'a')
		n = !strncmp(start, "all", 3) ? 3 : 1;
	if (!n || isalnum((unsigned char)start[n]) || start[n] == '_') {
		err = next(p);
		return err ? err : ka_expr_error(&p->l, &p->l.token, "CPUs expected behind '%s:': 0, or 1,3-5, or a for all", e->name);
	}
	e->cpus = ka_strndup(p->l.arena, start, n);
	p->l.at += n;
	return next(p);
}

static struct ka_error *parse_parens(struct parser *p, struct ka_expr **ret)
{
	unsigned ternary = p->ternary;
	struct ka_error *err = next(p);

	p->ternary = 0;
	if (!err)
		err = parse_comma(p, ret);
	p->ternary = ternary;
	return err ? err : expect(p, ")", "to close the parenthesis");
}

static struct ka_error *parse_primary(struct parser *p, struct ka_expr **ret)
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
		return next(p);
	case KA_TOKEN_STRING:
		*ret = e = node(p, KA_EXPR_STRING, t);
		e->name = t->text;
		e->name_size = t->text_size;
		return next(p);
	case KA_TOKEN_NAME:
		if (at(p, "offsetof") || at(p, "container_of"))
			return parse_offset(p, at(p, "container_of"), ret);
		return parse_name(p, ret);
	default:
		if (at(p, "("))
			return parse_parens(p, ret);
		return ka_expr_error(&p->l, t, "a number, a name or '(' expected");
	}
}

static struct ka_error *parse_postfix(struct parser *p, struct ka_expr **ret)
{
	struct ka_error *err = parse_primary(p, ret);

	while (!err) {
		struct ka_token t = p->l.token;
		struct ka_expr *e, *index = NULL, *last = NULL;

		if (at(p, ".") || at(p, "->")) {
			e = node(p, KA_EXPR_MEMBER, &t);
			err = next(p);
			if (!err && p->l.token.kind != KA_TOKEN_NAME)
				err = ka_expr_error(&p->l, &p->l.token, "the name of a member expected");
			if (err)
				return err;
			e->name = token_text(p, &p->l.token);
			err = next(p);
		} else if (at(p, "[")) {
			unsigned ternary = p->ternary;

			e = node(p, KA_EXPR_INDEX, &t);
			p->ternary = 0;
			err = next(p);
			if (!err)
				err = parse_comma(p, &index);
			if (!err && at(p, "..")) {
				e->op = KA_EXPR_SLICE;
				err = next(p);
				if (!err)
					err = parse_ternary(p, &last);
			}
			p->ternary = ternary;
			if (!err)
				err = expect(p, "]", "behind the index");
		} else if (at(p, "(")) {
			return ka_expr_error(&p->l, &t, "functions of a dead kernel cannot be called");
		} else if (at(p, "++") || at(p, "--")) {
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
static struct ka_error *is_cast(struct parser *p, bool *ret)
{
	struct ka_lexer saved = p->l;
	struct ka_error *err = next(p);
	bool has_stars = false;

	*ret = false;
	if (!err && starts_type(&p->l.token)) {
		*ret = true;
	} else if (!err && p->l.token.kind == KA_TOKEN_NAME) {
		err = next(p);
		while (!err && (at(p, "*") || is_qualifier(&p->l.token))) {
			has_stars = true;
			err = next(p);
		}
		if (!err && at(p, ")")) {
			err = next(p);
			*ret = !err && (has_stars || starts_operand(&p->l.token));
		}
	}
	/* What is wrong in there is told when it is read in earnest. */
	ka_error_drop(err);
	p->l = saved;
	return NULL;
}

static struct ka_error *parse_cast(struct parser *p, struct ka_expr **ret)
{
	struct ka_token t = p->l.token;
	struct ka_expr *e = node(p, KA_EXPR_CAST, &t), *a = NULL;
	struct ka_error *err = next(p);

	if (!err)
		err = parse_type(p, &e->type);
	if (!err)
		err = expect(p, ")", "behind the type");
	if (!err)
		err = parse_unary(p, &a);
	*ret = e;
	return err ? err : with_children(p, &t, e, a, NULL, NULL);
}

/* sizeof(TYPE), sizeof EXPR; the same of alignof */
static struct ka_error *parse_sizeof(struct parser *p, struct ka_expr **ret)
{
	bool is_align = !at(p, "sizeof"), is_type = false;
	struct ka_token t = p->l.token;
	struct ka_expr *a = NULL;
	struct ka_error *err = next(p);
	struct ka_lexer saved = p->l;

	*ret = NULL;
	if (!err && at(p, "(")) {
		/* A name alone may be a type or a variable: that shows when it is evaluated. */
		struct ka_type_name type;
		struct ka_token name;

		err = next(p);
		name = p->l.token;
		is_type = !err && name.kind == KA_TOKEN_NAME && !ka_error_drop(parse_type(p, &type)) && at(p, ")");
		if (is_type) {
			*ret = node(p, is_align ? KA_EXPR_ALIGNOF_TYPE : KA_EXPR_SIZEOF_TYPE, &t);
			(*ret)->type = type;
			if (type.name && !type.stars && !strchr(type.name, ' ')) {
				a = node(p, KA_EXPR_NAME, &name);
				a->name = type.name;
			}
			err = next(p);
			/* "sizeof(x)->y", "sizeof(x)[0]" are of expressions. */
			if (!err && !at(p, "->") && !at(p, ".") && !at(p, "["))
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

static struct ka_error *parse_unary_inner(struct parser *p, struct ka_expr **ret)
{
	static const struct { const char *text; enum ka_expr_op op; } unary[] = {
		{ "+", KA_EXPR_PLUS }, { "-", KA_EXPR_NEGATE }, { "!", KA_EXPR_NOT }, { "~", KA_EXPR_INVERT },
		{ "*", KA_EXPR_DEREF }, { "&", KA_EXPR_ADDRESS },
	};
	struct ka_token t = p->l.token;
	struct ka_expr *a = NULL;
	struct ka_error *err;
	bool cast;

	if (at(p, "(")) {
		err = is_cast(p, &cast);
		return err ? err : cast ? parse_cast(p, ret) : parse_postfix(p, ret);
	}
	if (at(p, "sizeof") || at(p, "_Alignof") || at(p, "alignof") || at(p, "__alignof__") || at(p, "__alignof"))
		return parse_sizeof(p, ret);
	for (size_t i = 0; i < KA_COUNT(unary); i++) {
		if (!at(p, unary[i].text))
			continue;
		*ret = node(p, unary[i].op, &t);
		err = next(p);
		if (!err)
			err = parse_unary(p, &a);
		return err ? err : with_children(p, &t, *ret, a, NULL, NULL);
	}
	if (at(p, "++") || at(p, "--"))
		return changes(p);
	if (at(p, "&&"))
		return ka_expr_error(&p->l, &t, "an operand expected before '&&'");
	return parse_postfix(p, ret);
}

static struct ka_error *parse_unary(struct parser *p, struct ka_expr **ret)
{
	struct ka_error *err = enter(p);

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
static struct ka_error *parse_binary(struct parser *p, unsigned level, struct ka_expr **ret)
{
	struct ka_error *err = parse_unary(p, ret);

	while (!err) {
		struct ka_token t = p->l.token;
		struct ka_expr *e, *right = NULL;
		size_t i;

		for (i = 0; i < KA_COUNT(binary) && !at(p, binary[i].text); i++)
			;
		if (i == KA_COUNT(binary) || binary[i].level < level)
			return NULL;
		e = node(p, binary[i].op, &t);
		err = next(p);
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

static struct ka_error *parse_ternary_inner(struct parser *p, struct ka_expr **ret)
{
	struct ka_error *err = parse_binary(p, 1, ret);
	struct ka_token t = p->l.token;
	struct ka_expr *e, *yes = NULL, *no = NULL;

	if (!err && is_assignment(&p->l.token))
		return changes(p);
	if (err || !at(p, "?"))
		return err;
	e = node(p, KA_EXPR_TERNARY, &t);
	p->ternary++;
	err = next(p);
	if (!err)
		err = parse_comma(p, &yes);
	p->ternary--;
	if (!err)
		err = expect(p, ":", "between the two results of '?'");
	if (!err)
		err = parse_ternary(p, &no);
	if (!err)
		err = with_children(p, &t, e, *ret, yes, no);
	*ret = e;
	return err;
}

static struct ka_error *parse_ternary(struct parser *p, struct ka_expr **ret)
{
	struct ka_error *err = enter(p);

	if (!err)
		err = parse_ternary_inner(p, ret);
	p->nesting--;
	return err;
}

static struct ka_error *parse_comma(struct parser *p, struct ka_expr **ret)
{
	struct ka_error *err = parse_ternary(p, ret);

	while (!err && at(p, ",")) {
		struct ka_token t = p->l.token;
		struct ka_expr *e = node(p, KA_EXPR_COMMA, &t), *right = NULL;

		err = next(p);
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

struct ka_error *ka_expr_parse(struct ka_arena *a, const char *text, unsigned flags, struct ka_expr **ret)
{
	struct parser p = { .tokens_max = KA_EXPR_TOKENS(text), .l = { .arena = a, .text = text, .at = text, .flags = flags_of(text, flags) } };
	struct ka_error *err;

	*ret = NULL;
	if (strlen(text) > KA_EXPR_TEXT_MAX)
		return ka_error_new(KA_USAGE, "the expression is longer than %d characters", KA_EXPR_TEXT_MAX);
	err = next(&p);
	if (!err)
		err = parse_comma(&p, ret);
	if (!err && p.l.token.kind != KA_TOKEN_END)
		err = ka_expr_error(&p.l, &p.l.token, "an operator or the end expected");
	if (err) {
		ka_expr_point(err, text);
		*ret = NULL;
	} else {
		(*ret)->text = ka_strdup(a, text);
	}
	return err;
}
