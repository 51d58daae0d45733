/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Names of types, as C writes them in casts: "struct task_struct *", "unsigned long int", "typeof(jiffies)". */
#include "parser.h"

bool ka_is_qualifier(const struct ka_token *t)
{
	return ka_token_is(t, "const") || ka_token_is(t, "volatile") || ka_token_is(t, "__user") || ka_token_is(t, "__percpu") ||
	       ka_token_is(t, "__rcu") || ka_token_is(t, "__iomem");
}

static bool is_integer_word(const struct ka_token *t)
{
	static const char *const words[] = { "unsigned", "signed", "char", "short", "int", "long", "__int128" };

	for (size_t i = 0; i < KA_COUNT(words); i++)
		if (ka_token_is(t, words[i]))
			return true;
	return false;
}

static bool is_typeof(const struct ka_token *t)
{
	return ka_token_is(t, "typeof") || ka_token_is(t, "__typeof__") || ka_token_is(t, "__typeof");
}

bool ka_starts_type(const struct ka_token *t)
{
	struct ka_type_name unused;

	if (t->kind != KA_TOKEN_NAME)
		return false;
	return ka_is_qualifier(t) || is_integer_word(t) || is_typeof(t) || ka_token_is(t, "struct") || ka_token_is(t, "union") ||
	       ka_token_is(t, "enum") || ka_type_word(t->start, t->len, &unused);
}

static struct ka_error *skip_qualifiers(struct ka_parser *p)
{
	struct ka_error *err = NULL;

	while (!err && ka_is_qualifier(&p->l.token))
		err = ka_parser_next(p);
	return err;
}

/* "unsigned long int", in any order. */
static struct ka_error *parse_integer_type(struct ka_parser *p, struct ka_type_name *ret)
{
	unsigned longs = 0, shorts = 0, chars = 0, ints = 0, wides = 0, is_unsigned = 0, is_signed = 0;
	struct ka_token first = p->l.token;
	struct ka_error *err = NULL;

	while (!err && (is_integer_word(&p->l.token) || ka_is_qualifier(&p->l.token))) {
		longs += ka_parser_at(p, "long");
		shorts += ka_parser_at(p, "short");
		chars += ka_parser_at(p, "char");
		ints += ka_parser_at(p, "int");
		wides += ka_parser_at(p, "__int128");
		is_unsigned += ka_parser_at(p, "unsigned");
		is_signed += ka_parser_at(p, "signed");
		err = ka_parser_next(p);
	}
	if (err)
		return err;
	if (longs > 2 || shorts > 1 || chars > 1 || ints > 1 || is_unsigned + is_signed > 1 || (chars && (longs || shorts || ints)) ||
	    (longs && shorts) || wides > 1 || (wides && (longs || shorts || chars || ints)))
		return ka_expr_error(&p->l, &first, "there is no such integer type");
	*ret = (struct ka_type_name){
		.int_size = wides ? 16 : chars ? 1 : shorts ? 2 : longs == 2 ? 8 : longs ? 0 : 4,
		.is_long = longs == 1,
		.is_signed = !is_unsigned,
		.is_plain_char = chars && !is_unsigned && !is_signed,
	};
	return NULL;
}

/* "[10]", "[2][3]": BTF, too, has the product alone. */
static struct ka_error *parse_bounds(struct ka_parser *p, uint32_t *ret_count)
{
	uint64_t count = 1;
	struct ka_error *err = NULL;

	while (!err && ka_parser_at(p, "[")) {
		err = ka_parser_next(p);
		if (err)
			return err;
		if (p->l.token.kind != KA_TOKEN_NUMBER || p->l.token.is_real || !p->l.token.number || p->l.token.number > UINT32_MAX ||
		    (count *= p->l.token.number) > UINT32_MAX)
			return ka_expr_error(&p->l, &p->l.token, "the number of elements expected, and not too many of them");
		err = ka_parser_next(p);
		if (!err)
			err = ka_parser_expect(p, "]", "behind the number of elements");
	}
	*ret_count = (uint32_t)count;
	return err;
}

/* "(*)(int, void *)" and "(*)[4]" behind a type. What a function takes is not kept: a pointer to it is one to void. */
static struct ka_error *parse_pointed(struct ka_parser *p, struct ka_type_name *ret)
{
	struct ka_error *err = ka_parser_next(p);
	unsigned stars = 0, depth = 0;

	while (!err && ka_parser_at(p, "*")) {
		stars++;
		err = ka_parser_next(p);
	}
	if (!err && (!stars || stars > 32))
		err = ka_expr_error(&p->l, &p->l.token, "'*' expected");
	if (!err)
		err = ka_parser_expect(p, ")", "behind the stars");
	if (err)
		return err;
	if (ka_parser_at(p, "[")) {
		ret->array_stars = (uint8_t)stars;
		return parse_bounds(p, &ret->count);
	}
	if (!ka_parser_at(p, "("))
		return ka_expr_error(&p->l, &p->l.token, "'(' of a function's parameters or '[' of an array expected");
	do {
		depth += ka_parser_at(p, "(");
		depth -= ka_parser_at(p, ")");
		if (p->l.token.kind == KA_TOKEN_END)
			return ka_expr_error(&p->l, &p->l.token, "')' expected behind the parameters");
		err = ka_parser_next(p);
	} while (!err && depth);
	*ret = (struct ka_type_name){ .stars = (uint8_t)stars };
	return err;
}

/* What stands behind the name of a type: qualifiers, stars, "[10]", "(*)(void)". */
static struct ka_error *parse_stars(struct ka_parser *p, struct ka_type_name *ret)
{
	struct ka_lexer before;
	struct ka_error *err = skip_qualifiers(p);

	while (!err && ka_parser_at(p, "*")) {
		if (ret->stars == 32)
			return ka_expr_error(&p->l, &p->l.token, "a pointer of more than 32 levels");
		ret->stars++;
		err = ka_parser_next(p);
		if (!err)
			err = skip_qualifiers(p);
	}
	if (err)
		return err;
	if (ka_parser_at(p, "["))
		return parse_bounds(p, &ret->count);
	if (!ka_parser_at(p, "("))
		return NULL;
	before = p->l;
	err = ka_parser_next(p);
	if (err)
		return err;
	if (!ka_parser_at(p, "*")) {
		p->l = before;
		return NULL;
	}
	p->l = before;
	return parse_pointed(p, ret);
}

/* typeof(EXPR), typeof(TYPE): a name alone is an expression until it is evaluated. */
static struct ka_error *parse_typeof(struct ka_parser *p, struct ka_type_name *ret)
{
	unsigned ternary = p->ternary;
	struct ka_error *err = ka_parser_next(p);

	p->ternary = 0;
	if (!err)
		err = ka_parser_expect(p, "(", "behind typeof");
	if (!err) {
		err = ka_parser_enter(p);
		if (!err)
			err = ka_starts_type(&p->l.token) ? ka_parse_type(p, ret) : ka_parse_comma(p, &ret->of);
		p->nesting--;
	}
	if (!err)
		err = ka_parser_expect(p, ")", "to close typeof");
	p->ternary = ternary;
	return err ? err : parse_stars(p, ret);
}

struct ka_error *ka_parse_type(struct ka_parser *p, struct ka_type_name *ret)
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
	if (ka_parser_at(p, "struct") || ka_parser_at(p, "union") || ka_parser_at(p, "enum")) {
		const char *keyword = ka_parser_text(p, &p->l.token);

		err = ka_parser_next(p);
		if (!err && p->l.token.kind != KA_TOKEN_NAME)
			err = ka_expr_error(&p->l, &p->l.token, "the name of the %s expected", keyword);
		if (err)
			return err;
		ret->name = ka_printf(p->l.arena, "%s %.*s", keyword, (int)p->l.token.len, p->l.token.start);
	} else if (!ka_type_word(p->l.token.start, p->l.token.len, ret)) {
		ret->name = ka_parser_text(p, &p->l.token);
	}
	err = ka_parser_next(p);
	return err ? err : parse_stars(p, ret);
}

struct ka_error *ka_type_name_parse(struct ka_arena *a, const char *text, struct ka_type_name *ret)
{
	struct ka_parser p = { .tokens_max = KA_EXPR_TOKENS(text), .l = { .arena = a, .text = text, .at = text } };
	struct ka_error *err;

	if (strlen(text) > KA_EXPR_TEXT_MAX)
		return ka_error_new(KA_USAGE, "the name of a type is longer than %d characters", KA_EXPR_TEXT_MAX);
	err = ka_parser_next(&p);
	if (!err)
		err = ka_parse_type(&p, ret);
	if (!err && p.l.token.kind != KA_TOKEN_END)
		err = ka_expr_error(&p.l, &p.l.token, "this is no part of a type's name");
	return err;
}
