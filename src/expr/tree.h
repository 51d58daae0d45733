/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What parser and evaluator share: tokens, the tree, names of types. */
#ifndef KA_EXPR_TREE_H
#define KA_EXPR_TREE_H

#include <kanalyze/expr.h>

#define KA_EXPR_NESTING 200		/* parentheses, unary operators, ternaries within one another */
#define KA_EXPR_DEPTH 1000		/* of the tree: a + b + c ... grows it, too */
#define KA_EXPR_TEXT_MAX 65536
#define KA_EXPR_TOKENS(text) (4 * strlen(text) + 64)

enum ka_token_kind { KA_TOKEN_END, KA_TOKEN_NAME, KA_TOKEN_NUMBER, KA_TOKEN_STRING, KA_TOKEN_OPERATOR };

struct ka_token {
	enum ka_token_kind kind;
	const char *start;		/* in the text */
	size_t len;
	bool is_adjacent;		/* no white space before it */
	uint64_t number;
	uint8_t int_size;		/* of numbers; 0: long */
	bool is_signed, is_real;
	double real;			/* of 1.5 */
	char *text;			/* of strings: unescaped; of names that are not as written ('a.c'::x): the name */
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
/* A type stands where a value should. */
struct ka_error *ka_expr_type_error(const char *name, bool is_struct) KA_MUST_CHECK;
/* Adds what points at the column that the message names, for terminals. */
void ka_expr_point(struct ka_error *err, const char *text);
/* "ff", "10g" as numbers by the flags; false when not one. */
bool ka_expr_digits(const char *text, size_t len, unsigned flags, struct ka_token *ret);

/* As written; resolved when evaluated. */
struct ka_type_name {
	char *name;			/* "struct foo", "pid_t", "struct foo@file.c"; NULL: built-in */
	struct ka_expr *of;		/* typeof(EXPR) */
	uint8_t stars;
	uint32_t count;			/* "int[10]"; 0: no array */
	uint8_t array_stars;		/* "int (*)[10]" */
	uint8_t int_size;		/* built-in: bytes; 0: void */
	bool is_long;			/* built-in: as many bytes as a long of the dump */
	bool is_signed, is_float, is_bool;
	bool is_plain_char;		/* built-in: its sign is the dump's */
};

/* A type as it stands in a cast: "struct foo *", "unsigned long". */
struct ka_error *ka_type_name_parse(struct ka_arena *a, const char *text, struct ka_type_name *ret) KA_MUST_CHECK;
/* Built-in types and the kernel's own words for them. False: no such word. */
bool ka_type_word(const char *word, size_t len, struct ka_type_name *ret);

enum ka_expr_op {
	KA_EXPR_NUMBER, KA_EXPR_STRING, KA_EXPR_NAME,
	KA_EXPR_MEMBER, KA_EXPR_INDEX, KA_EXPR_SLICE, KA_EXPR_DEREF, KA_EXPR_ADDRESS,
	KA_EXPR_PLUS, KA_EXPR_NEGATE, KA_EXPR_NOT, KA_EXPR_INVERT,
	KA_EXPR_REPEAT,		/* a@5 */
	KA_EXPR_MUL, KA_EXPR_DIV, KA_EXPR_MOD, KA_EXPR_ADD, KA_EXPR_SUB, KA_EXPR_SHL, KA_EXPR_SHR,
	KA_EXPR_LT, KA_EXPR_GT, KA_EXPR_LE, KA_EXPR_GE, KA_EXPR_EQ, KA_EXPR_NE, KA_EXPR_LIKE, KA_EXPR_UNLIKE,
	KA_EXPR_AND, KA_EXPR_XOR, KA_EXPR_OR, KA_EXPR_BOTH, KA_EXPR_EITHER,
	KA_EXPR_TERNARY, KA_EXPR_COMMA,
	KA_EXPR_CAST, KA_EXPR_SIZEOF, KA_EXPR_SIZEOF_TYPE, KA_EXPR_ALIGNOF, KA_EXPR_ALIGNOF_TYPE, KA_EXPR_OFFSETOF, KA_EXPR_CONTAINER_OF,
};

struct ka_expr {
	uint8_t op;			/* enum ka_expr_op */
	uint16_t depth;
	unsigned column;		/* from 1 */
	unsigned flags;			/* of the parse */
	struct ka_expr *a, *b, *c;
	uint64_t number;
	uint8_t int_size;		/* of numbers; 0: long */
	bool is_signed, is_real;
	double real;
	char *cpus;			/* NAME:CPUS; NULL: none */
	const char *text;		/* of the root: all of it, for messages */
	char *name;			/* of names and members; path of offsetof; string */
	size_t name_size;
	struct ka_type_name type;
};

#endif
