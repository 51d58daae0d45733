/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Command lines: cut into commands, each into words and redirections. Pure text, no session. */
#ifndef KA_LINE_H
#define KA_LINE_H

#include <kanalyze/base.h>

struct ka_line {
	const char *text;	/* all of the command as typed */
	const char *bare;	/* the command and its arguments as typed, redirections cut off */
	char **words;		/* of bare: see ka_words_split(); NULL-terminated */
	int count;
	const char *shell;	/* what stands behind the first '|', for /bin/sh as it is; NULL: no pipe */
	const char *from;	/* behind '<' */
	const char *to;		/* behind '>' or '>>' */
	bool is_appended;	/* '>>' */
};

/*
 * The next command of *text, without blanks around it, and *text moved behind it: commands end at ';' and line
 * breaks outside quotes. Comments (# and // at the start of a command, # behind a blank anywhere outside a shell
 * pipeline) are left out. "!..." runs to the end of its line: ';' is the shell's there. NULL: no more. In the arena.
 */
const char *ka_line_cut(struct ka_arena *a, const char **text);
/* Takes one command apart. Errors (USAGE): a quote not closed, a redirection to nowhere. */
struct ka_error *ka_line_parse(struct ka_arena *a, const char *text, struct ka_line *ret) KA_MUST_CHECK;
/* Splits text into words by blanks; "..." and '...' hold words together, a backslash takes the meaning from a blank,
 * quote or operator. Quotes are removed, but for those of a word that is all in single quotes: as in crash, commands tell
 * a regular expression by them. */
struct ka_error *ka_words_split(struct ka_arena *a, const char *text, char ***ret, int *ret_count) KA_MUST_CHECK;
/* The word without single quotes around all of it; in place. */
char *ka_word_unquote(char *word);
/* Behind the first count words. */
const char *ka_words_skip(const char *text, unsigned count);
/* How far two words are apart: letters added, left out, changed or swapped. */
unsigned ka_words_distance(const char *a, const char *b);
/* Is b what someone may have meant who typed a? The smaller the closer; 0: no. */
unsigned ka_words_likeness(const char *a, const char *b);

#endif
