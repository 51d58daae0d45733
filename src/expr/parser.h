/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the parser of expressions (parse.c) and that of types' names (parse_type.c) share. */
#ifndef KA_EXPR_PARSER_H
#define KA_EXPR_PARSER_H

#include "tree.h"

struct ka_parser {
	struct ka_lexer l;
	unsigned nesting;
	size_t tokens, tokens_max;	/* read so far: what is read again (sizeof of what is no type) could double at each level */
	unsigned ternary;	/* within "? ... :" of these parentheses: there ':' ends the middle */
};

static inline struct ka_error *ka_parser_next(struct ka_parser *p)
{
	if (++p->tokens > p->tokens_max)
		return ka_expr_error(&p->l, &p->l.token, "the expression is too complicated");
	return ka_lexer_next(&p->l);
}

static inline bool ka_parser_at(const struct ka_parser *p, const char *word)
{
	return ka_token_is(&p->l.token, word);
}

static inline struct ka_error *ka_parser_expect(struct ka_parser *p, const char *word, const char *why)
{
	if (!ka_parser_at(p, word))
		return ka_expr_error(&p->l, &p->l.token, "'%s' expected %s", word, why);
	return ka_parser_next(p);
}

static inline char *ka_parser_text(struct ka_parser *p, const struct ka_token *t)
{
	/* names have a text of their own where they are not as written */
	return t->kind == KA_TOKEN_NAME && t->text ? t->text : ka_strndup(p->l.arena, t->start, t->len);
}

static inline struct ka_error *ka_parser_enter(struct ka_parser *p)
{
	if (++p->nesting > KA_EXPR_NESTING)
		return ka_expr_error(&p->l, &p->l.token, "nested more than %d deep", KA_EXPR_NESTING);
	return NULL;
}

/* A type as it stands in casts; the token after it is current then. */
struct ka_error *ka_parse_type(struct ka_parser *p, struct ka_type_name *ret) KA_MUST_CHECK;
/* Does a type begin with it that no variable could be? */
bool ka_starts_type(const struct ka_token *t);
bool ka_is_qualifier(const struct ka_token *t);
/* An expression with commas: what typeof() has. */
struct ka_error *ka_parse_comma(struct ka_parser *p, struct ka_expr **ret) KA_MUST_CHECK;

#endif
