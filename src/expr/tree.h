/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What parser and evaluator share: tokens, the tree, names of types. */
#ifndef KA_EXPR_TREE_H
#define KA_EXPR_TREE_H

#include <kanalyze/expr.h>

#define KA_EXPR_NESTING 200		/* parentheses, unary operators, ternaries within one another */
#define KA_EXPR_DEPTH 1000		/* of the tree: a + b + c ... grows it, too */
#define KA_EXPR_TEXT_MAX 65536

enum ka_token_kind { KA_TOKEN_END, KA_TOKEN_NAME, KA_TOKEN_NUMBER, KA_TOKEN_STRING, KA_TOKEN_OPERATOR };

struct ka_token {
	enum ka_token_kind kind;
	const char *start;		/* in the text */
	size_t len;
	bool is_adjacent;		/* no white space before it */
	uint64_t number;
	uint8_t int_size;		/* of numbers; 0: long */
	bool is_signed;
	char *text;			/* of strings: unescaped */
	size_t text_size;
};

struct ka_lexer {
	struct ka_arena *arena;
	const char *text, *at;
	unsigned flags;
	struct ka_token token;		/* the current one */
};

/* Steps to the next token. */
struct ka_error *ka_lexer_next(struct ka_lexer *l) KA_MUST_CHECK;
bool ka_token_is(const struct ka_token *t, const char *word);
/* An error at a token: "column 5, at '+': ...". */
struct ka_error *ka_expr_error(const struct ka_lexer *l, const struct ka_token *t, const char *fmt, ...) KA_PRINTF(3, 4) KA_MUST_CHECK;
/* "ff", "10g" as numbers by the flags; false when not one. */
bool ka_expr_digits(const char *text, size_t len, unsigned flags, struct ka_token *ret);

/* As written; resolved when evaluated. */
struct ka_type_name {
	char *name;			/* "struct foo", "u32"; NULL: built-in */
	uint8_t stars;
	uint8_t int_size;		/* built-in: bytes; 0: void */
	bool is_long;			/* built-in: as many bytes as a long of the dump */
	bool is_signed;
};

/* A type as it stands in a cast: "struct foo *", "unsigned long". */
struct ka_error *ka_type_name_parse(struct ka_arena *a, const char *text, struct ka_type_name *ret) KA_MUST_CHECK;
/* Built-in types and the kernel's own words for them. False: no such word. */
bool ka_type_word(const char *word, size_t len, struct ka_type_name *ret);

enum ka_expr_op {
	KA_EXPR_NUMBER, KA_EXPR_STRING, KA_EXPR_NAME,
	KA_EXPR_MEMBER, KA_EXPR_INDEX, KA_EXPR_DEREF, KA_EXPR_ADDRESS,
	KA_EXPR_PLUS, KA_EXPR_NEGATE, KA_EXPR_NOT, KA_EXPR_INVERT,
	KA_EXPR_MUL, KA_EXPR_DIV, KA_EXPR_MOD, KA_EXPR_ADD, KA_EXPR_SUB, KA_EXPR_SHL, KA_EXPR_SHR,
	KA_EXPR_LT, KA_EXPR_GT, KA_EXPR_LE, KA_EXPR_GE, KA_EXPR_EQ, KA_EXPR_NE,
	KA_EXPR_AND, KA_EXPR_XOR, KA_EXPR_OR, KA_EXPR_BOTH, KA_EXPR_EITHER,
	KA_EXPR_TERNARY, KA_EXPR_COMMA,
	KA_EXPR_CAST, KA_EXPR_SIZEOF, KA_EXPR_SIZEOF_TYPE, KA_EXPR_ALIGNOF_TYPE, KA_EXPR_OFFSETOF, KA_EXPR_CONTAINER_OF,
};

struct ka_expr {
	uint8_t op;			/* enum ka_expr_op */
	uint16_t depth;
	unsigned column;		/* from 1 */
	unsigned flags;			/* of the parse */
	struct ka_expr *a, *b, *c;
	uint64_t number;
	uint8_t int_size;		/* of numbers; 0: long */
	bool is_signed;
	bool has_cpu;			/* NAME:CPU */
	char *name;			/* of names and members; path of offsetof; string */
	size_t name_size;
	struct ka_type_name type;
};

#endif
