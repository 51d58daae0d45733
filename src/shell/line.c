/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Cuts lines into commands, words and redirections. */
#include <ctype.h>

#include "line.h"

/* Reads a line character by character and knows what is quoted. */
struct scan {
	const char *p;
	char quote;		/* the open quote, 0: none */
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static const char *skip_blanks(const char *p)
{
	while (is_blank(*p))
		p++;
	return p;
}

/* To the next character; *ret_plain: it stands outside quotes and was not escaped. */
static bool scan_next(struct scan *s, char *ret, bool *ret_plain)
{
	char c = *s->p;

	if (!c)
		return false;
	*ret = c;
	*ret_plain = !s->quote;
	s->p++;
	if (c == '\\' && *s->p && *s->p != '\n' && s->quote != '\'') {
		*ret_plain = false;
		s->p++;
	} else if (s->quote) {
		if (c == s->quote)
			s->quote = 0;
	} else if (c == '"' || c == '\'') {
		s->quote = c;
	}
	return true;
}

static bool is_comment(const char *p)
{
	return *p == '#' || (p[0] == '/' && p[1] == '/');
}

const char *ka_line_cut(struct ka_arena *a, const char **text)
{
	const char *start = *text, *end = NULL;
	struct scan s = {0};
	bool is_plain, is_piped = false;
	char c;

	for (;;) {
		while (is_blank(*start) || *start == '\n' || *start == ';')
			start++;
		if (!is_comment(start))
			break;
		start += strcspn(start, "\n");
	}
	if (!*start) {
		*text = start;
		return NULL;
	}
	if (*start == '!') {
		end = start + strcspn(start, "\n");
		*text = end;
	}
	for (s.p = start; !end && scan_next(&s, &c, &is_plain);) {
		/* A quote that is not closed ends with its line: the next ones are not to suffer. */
		if (c == '\n' || (is_plain && c == ';')) {
			end = s.p - 1;
			*text = end;
		} else if (is_plain && c == '|') {
			is_piped = true;
		} else if (is_plain && c == '#' && !is_piped && s.p - 1 > start && is_blank(s.p[-2])) {
			end = s.p - 1;
			*text = end + strcspn(end, "\n");
		}
	}
	if (!end)
		*text = end = s.p;
	while (end > start && is_blank(end[-1]))
		end--;
	return ka_strndup(a, start, end - start);
}

struct ka_error *ka_words_split(struct ka_arena *a, const char *text, char ***ret, int *ret_count)
{
	size_t cap = 0;
	char **words = NULL, *out = ka_alloc(a, strlen(text) + 1);
	const char *p = text;
	int n = 0;

	for (p = skip_blanks(p);; p = skip_blanks(p)) {
		char quote = 0;

		if ((size_t)n + 1 >= cap) {
			char **bigger = ka_alloc(a, (cap = cap ? cap * 2 : 8) * sizeof(*bigger));

			if (n)
				memcpy(bigger, words, n * sizeof(*words));
			words = bigger;
		}
		if (!*p)
			break;
		words[n++] = out;
		if (*p == '\'' && strchr(p + 1, '\'')) {
			const char *end = strchr(p + 1, '\'') + 1;

			/* All of the word: the quotes stay. */
			if (!*end || is_blank(*end)) {
				memcpy(out, p, end - p);
				out += end - p;
				*out++ = 0;
				p = end;
				continue;
			}
		}
		for (; *p && (quote || !is_blank(*p)); p++) {
			if (*p == '\\' && quote != '\'' && p[1] && strchr(quote ? "\"\\" : " \t\"'\\|<>;#", p[1]))
				*out++ = *++p;
			else if (*p == quote)
				quote = 0;
			else if (!quote && (*p == '"' || *p == '\''))
				quote = *p;
			else
				*out++ = *p;
		}
		if (quote)
			return ka_error_new(KA_USAGE, "the quote %c is not closed", quote);
		*out++ = 0;
		/* The terminator takes the blank's place: the copy never outgrows the text. */
	}
	words[n] = NULL;
	*ret = words;
	*ret_count = n;
	return NULL;
}

char *ka_word_unquote(char *word)
{
	size_t n = strlen(word);

	if (n < 2 || word[0] != '\'' || word[n - 1] != '\'')
		return word;
	word[n - 1] = 0;
	return word + 1;
}

const char *ka_words_skip(const char *text, unsigned count)
{
	struct scan s = { .p = skip_blanks(text) };
	bool is_plain;
	char c;

	while (count--) {
		while (*s.p && !(is_blank(*s.p) && !s.quote))
			scan_next(&s, &c, &is_plain);
		s.p = skip_blanks(s.p);
	}
	return s.p;
}

/* The first of | < > outside quotes and, when heeds_parens, outside parentheses: an expression's in there. */
static const char *operator_find(const char *text, bool heeds_parens, int *ret_depth)
{
	struct scan s = { .p = text };
	bool is_plain;
	int depth = 0;
	char c;

	while (scan_next(&s, &c, &is_plain)) {
		const char *at = s.p - 1;

		if (!is_plain)
			continue;
		if (c == '(')
			depth++;
		else if (c == ')')
			depth--;
		if ((c != '|' && c != '<' && c != '>') || (heeds_parens && depth > 0))
			continue;
		/* a->b is a member, not a file */
		if (c == '>' && at - text >= 2 && at[-1] == '-' &&
		    (isalnum((unsigned char)at[-2]) || strchr("_)]", at[-2])) && (isalpha((unsigned char)at[1]) || at[1] == '_'))
			continue;
		/* a shift: there are no here-documents */
		if (c == '<' && at[1] == '<') {
			s.p++;
			continue;
		}
		*ret_depth = depth;
		return at;
	}
	*ret_depth = depth;
	return NULL;
}

/* The file name behind a redirection; *p is moved behind it. */
static struct ka_error *parse_file(struct ka_arena *a, const char **p, const char *what, const char **ret)
{
	struct scan s = { .p = skip_blanks(*p) };
	const char *start = s.p, *home = getenv("HOME");
	struct ka_error *err;
	bool is_plain;
	char **words, c;
	int count;

	while (*s.p && !(!s.quote && (is_blank(*s.p) || *s.p == '|' || *s.p == '<' || *s.p == '>')))
		scan_next(&s, &c, &is_plain);
	*p = skip_blanks(s.p);
	err = ka_words_split(a, ka_strndup(a, start, s.p - start), &words, &count);
	if (err)
		return err;
	if (count)
		words[0] = ka_word_unquote(words[0]);
	if (!count || !*words[0])
		return ka_error_new(KA_USAGE, "no file name behind '%s'", what);
	*ret = words[0][0] == '~' && words[0][1] == '/' && home ? ka_printf(a, "%s%s", home, words[0] + 1) : words[0];
	return NULL;
}

struct ka_error *ka_line_parse(struct ka_arena *a, const char *text, struct ka_line *ret)
{
	int depth, ignored;
	const char *p = operator_find(text, true, &depth);
	struct ka_error *err = NULL;

	*ret = (struct ka_line){ .text = text };
	if (!p && depth > 0)	/* the parentheses are not an expression's */
		p = operator_find(text, false, &ignored);
	ret->bare = p ? ka_strndup(a, text, p - text) : text;
	while (p && *p && !err) {
		const char **place = *p == '<' ? &ret->from : &ret->to;

		if (*p == '|') {
			ret->shell = skip_blanks(p + 1);
			if (!*ret->shell)
				return ka_error_new(KA_USAGE, "no command behind '|'");
			break;
		}
		if (*p != '<' && *p != '>')
			return ka_error_new(KA_USAGE, "'%s' behind a redirection", p);
		if (*place)
			return ka_error_new(KA_USAGE, "two files behind '%c'", *p);
		if (p[0] == '>' && p[1] == '>') {
			ret->is_appended = true;
			p++;
		}
		p++;
		err = parse_file(a, &p, place == &ret->from ? "<" : ret->is_appended ? ">>" : ">", place);
	}
	if (!err)
		err = ka_words_split(a, ret->bare, &ret->words, &ret->count);
	if (!err && ret->shell && ret->to)
		err = ka_error_new(KA_USAGE, "output goes to a file or to a pipe, not to both");
	if (!err && !ret->count && !ret->from)
		err = ka_error_new(KA_USAGE, "no command before '%c'", ret->shell ? '|' : '>');
	return err;
}

unsigned ka_words_distance(const char *a, const char *b)
{
	size_t n = strlen(a), m = strlen(b);
	unsigned row[3][64];

	if (n > 60 || m > 60)
		return 64;
	for (size_t j = 0; j <= m; j++)
		row[0][j] = j;
	for (size_t i = 1; i <= n; i++) {
		unsigned *now = row[i % 3], *up = row[(i - 1) % 3], *upup = row[(i + 1) % 3];

		now[0] = i;
		for (size_t j = 1; j <= m; j++) {
			now[j] = up[j - 1] + (a[i - 1] != b[j - 1]);
			now[j] = KA_MIN(now[j], KA_MIN(up[j], now[j - 1]) + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				now[j] = KA_MIN(now[j], upup[j - 2] + 1);
		}
	}
	return row[n % 3][m];
}

unsigned ka_words_likeness(const char *a, const char *b)
{
	size_t n = strlen(a), m = strlen(b);
	unsigned d = ka_words_distance(a, b), most = n <= 2 ? 1 : n <= 5 ? 2 : 3;

	if (d <= most && d < KA_MAX(n, m))
		return d + 1;
	/* The beginning of a longer word: ranks behind a slip of the finger. */
	return n >= 2 && m > n && !strncmp(a, b, n) ? 8 : 0;
}
