/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tokens of C expressions, with crash's ways to write numbers. */
#include <ctype.h>
#include "tree.h"

bool ka_token_is(const struct ka_token *t, const char *word)
{
	return (t->kind == KA_TOKEN_OPERATOR || t->kind == KA_TOKEN_NAME) && strlen(word) == t->len &&
	       !memcmp(t->start, word, t->len);
}

struct ka_error *ka_expr_error(const struct ka_lexer *l, const struct ka_token *t, const char *fmt, ...)
{
	unsigned column = (unsigned)(t->start - l->text) + 1;
	struct ka_error *err;
	char *what;
	va_list ap;
	struct ka_str s = {0};

	va_start(ap, fmt);
	ka_str_vprintf(&s, fmt, ap);
	va_end(ap);
	what = s.p ? s.p : (char *)"";
	if (t->kind == KA_TOKEN_END || !t->len)
		err = ka_error_new(KA_USAGE, "column %u, at the end of '%s': %s", column, l->text, what);
	else
		err = ka_error_new(KA_USAGE, "column %u, at '%.*s': %s", column, (int)KA_MIN(t->len, (size_t)40), t->start, what);
	ka_str_free(&s);
	return err;
}

struct ka_error *ka_expr_type_error(const char *name, bool is_struct)
{
	const char *word = !is_struct || !strncmp(name, "struct ", 7) || !strncmp(name, "union ", 6) ? "" : "struct ";

	if (is_struct)
		return ka_error_new(KA_NOT_FOUND, "'%s' is a type, not a value: `%s%s` shows its members, `%s%s ADDRESS` one in memory", name,
				    word, name, word, name);
	return ka_error_new(KA_NOT_FOUND, "'%s' is a type, not a value: `whatis %s` shows what it is, `p *(%s%s*)ADDRESS` one in memory", name, name,
			    name, name[strlen(name) - 1] == '*' ? "" : " ");
}

#define POINT_BEFORE 60	/* characters of a long expression before the caret, and behind it */

void ka_expr_point(struct ka_error *err, const char *text)
{
	size_t len = strlen(text), column, from;
	struct ka_str s = {0};

	if (!err || err->detail || !text || strncmp(err->message, "column ", 7))
		return;
	column = strtoul(err->message + 7, NULL, 10);
	if (!column || column > len + 1)
		return;
	from = column > POINT_BEFORE ? column - POINT_BEFORE : 0;
	ka_str_printf(&s, "    %.*s\n    ", (int)KA_MIN(len - from, 2u * POINT_BEFORE), text + from);
	/* tabs stay tabs, so that the caret stands right; other bytes of one character count once */
	for (size_t i = from; i + 1 < column; i++)
		if (((unsigned char)text[i] & 0xc0) != 0x80)
			ka_str_addc(&s, text[i] == '\t' ? '\t' : ' ');
	ka_str_addc(&s, '^');
	err->detail = s.p;
}

static int digit_of(char c)
{
	if (isdigit((unsigned char)c))
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 99;
}

/* Digits from the start; *ret_used tells how many. False when they do not fit 64 bits or there are none. */
static bool digits(const char *s, size_t len, unsigned radix, uint64_t *ret, size_t *ret_used)
{
	uint64_t v = 0;
	size_t i;

	for (i = 0; i < len && digit_of(s[i]) < (int)radix; i++) {
		unsigned d = (unsigned)digit_of(s[i]);

		if (v > (UINT64_MAX - d) / radix)
			return false;
		v = v * radix + d;
	}
	*ret = v;
	*ret_used = i;
	return i > 0;
}

/* k, m, g, t in any case multiply; u and l say the type. */
static bool suffix(const char *s, size_t len, uint64_t *v, bool *ret_unsigned, bool *ret_long)
{
	static const struct { char c; unsigned shift; } units[] = { { 'k', 10 }, { 'm', 20 }, { 'g', 30 }, { 't', 40 } };
	unsigned u = 0, l = 0;

	for (size_t i = 0; len == 1 && i < KA_COUNT(units); i++) {
		if (tolower((unsigned char)*s) != units[i].c)
			continue;
		if (*v > UINT64_MAX >> units[i].shift)
			return false;
		*v <<= units[i].shift;
		return true;
	}
	for (size_t i = 0; i < len; i++) {
		int c = tolower((unsigned char)s[i]);

		if (c != 'u' && c != 'l')
			return false;
		u += c == 'u';
		l += c == 'l';
	}
	*ret_unsigned = u;
	*ret_long = l;
	return u <= 1 && l <= 2;
}

bool ka_expr_digits(const char *s, size_t len, unsigned flags, struct ka_token *ret)
{
	bool is_c = !(flags & (KA_EXPR_HEX | KA_EXPR_DECIMAL)), is_unsigned = false, is_long = false;
	bool is_decimal = false;
	uint64_t v = 0;
	size_t used = 0;

	if (len > 2 && s[0] == '0' && tolower((unsigned char)s[1]) == 'x') {
		if (!digits(s + 2, len - 2, 16, &v, &used))
			return false;
		used += 2;
	} else if (len > 2 && s[0] == '0' && tolower((unsigned char)s[1]) == 'o') {
		if (!digits(s + 2, len - 2, 8, &v, &used))
			return false;
		used += 2;
	} else if (len > 2 && s[0] == '0' && tolower((unsigned char)s[1]) == 'b' && !(flags & KA_EXPR_HEX)) {
		if (!digits(s + 2, len - 2, 2, &v, &used))
			return false;
		used += 2;
	} else if (is_c) {
		is_decimal = s[0] != '0';
		if (!digits(s, len, is_decimal ? 10 : 8, &v, &used))
			return false;
	} else {
		is_decimal = flags & KA_EXPR_DECIMAL;
		/* What is not decimal to its end is hexadecimal: "12abc". */
		if (is_decimal && digits(s, len, 10, &v, &used) && used < len && digit_of(s[used]) < 16)
			is_decimal = false;
		if (!digits(s, len, is_decimal ? 10 : 16, &v, &used)) {
			if (!is_decimal || !digits(s, len, 16, &v, &used))
				return false;
		}
	}
	if (!suffix(s + used, len - used, &v, &is_unsigned, &is_long))
		return false;
	ret->number = v;
	/* C: a decimal literal is never unsigned by itself; another one is what it fits first. */
	if (!is_c || is_long || v > UINT32_MAX || (is_decimal && !is_unsigned && v > INT32_MAX)) {
		ret->int_size = 0;
		ret->is_signed = !is_unsigned && v <= INT64_MAX;
	} else {
		ret->int_size = 4;
		ret->is_signed = !is_unsigned && v <= INT32_MAX;
	}
	return true;
}

/* One character of a literal, perhaps escaped. False: a wrong escape, or the end. */
static bool character(const char **at, char *ret)
{
	static const char letters[] = "abfnrtv\\'\"?e", codes[] = "\a\b\f\n\r\t\v\\'\"?\033";
	const char *p = *at, *hit;
	unsigned v = 0;
	int n = 0;

	if (!*p)
		return false;
	if (*p != '\\') {
		*ret = *p;
		*at = p + 1;
		return true;
	}
	p++;
	if (*p == 'x') {
		for (p++; n < 2 && digit_of(*p) < 16; p++, n++)
			v = v * 16 + (unsigned)digit_of(*p);
		if (!n)
			return false;
	} else if (digit_of(*p) < 8) {
		for (; n < 3 && digit_of(*p) < 8; p++, n++)
			v = v * 8 + (unsigned)digit_of(*p);
	} else {
		hit = *p ? strchr(letters, *p) : NULL;
		if (!hit)
			return false;
		v = (unsigned char)codes[hit - letters];
		p++;
	}
	*ret = (char)v;
	*at = p;
	return true;
}

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '$';
}

/* gdb's 'kernel/fork.c'::NAME is our NAME@kernel/fork.c. name: behind the colons. */
static void name_in_file(struct ka_lexer *l, const char *name)
{
	struct ka_token *t = &l->token;
	size_t n = 0, file = (size_t)(name - l->at) - 4;

	while (is_word(name[n]))
		n++;
	t->kind = KA_TOKEN_NAME;
	t->text = ka_printf(l->arena, "%.*s@%.*s", (int)n, name, (int)file, l->at + 1);
	t->len = (size_t)(name - l->at) + n;
	l->at = name + n;
}

static struct ka_error *quoted(struct ka_lexer *l)
{
	struct ka_token *t = &l->token;
	char quote = *l->at, c = 0;
	const char *p = l->at + 1, *end = p;

	/* only as much as this literal has: many of them must not cost the whole text each */
	while (*end && *end != quote)
		end += end[0] == '\\' && end[1] ? 2 : 1;
	if (quote == '\'' && end > p && !strncmp(end, "'::", 3) && (isalpha((unsigned char)end[3]) || end[3] == '_')) {
		name_in_file(l, end + 3);
		return NULL;
	}
	t->text = ka_alloc(l->arena, (size_t)(end - p) + 1);
	while (*p && *p != quote) {
		if (!character(&p, &c)) {
			t->start = p;
			t->len = 1;
			return ka_expr_error(l, t, "not an escape sequence that C knows");
		}
		t->text[t->text_size++] = c;
	}
	t->len = (size_t)(p - l->at);
	if (!*p)
		return ka_expr_error(l, t, "the closing %c is missing", quote);
	t->len++;
	l->at = p + 1;
	t->kind = KA_TOKEN_STRING;
	if (quote == '\'') {
		if (t->text_size != 1)
			return ka_expr_error(l, t, "a character constant is one character%s", t->text_size > 1 ?
					     ": strings have double quotes" : "");
		t->kind = KA_TOKEN_NUMBER;
		t->number = (uint64_t)(int64_t)(signed char)t->text[0];
		/* a char, as gdb has it; to C it is an int, which it becomes in any arithmetic */
		t->int_size = 1;
		t->is_signed = true;
	}
	return NULL;
}

/* Parts that the compiler makes of functions and statics: "foo.isra.0", "__already_done.12". */
static size_t clone_suffix(const char *p)
{
	static const char *const words[] = { ".isra.", ".constprop.", ".part.", ".llvm.", "." };
	size_t total = 0;

	for (size_t i = 0; i < KA_COUNT(words); i++) {
		size_t len = strlen(words[i]), n = 0;

		if (strncmp(p + total, words[i], len))
			continue;
		while (isdigit((unsigned char)p[total + len + n]))
			n++;
		if (!n)
			continue;
		total += len + n;
		i = (size_t)-1;		/* they may follow one another */
	}
	return total;
}

/* "@FILE" behind a name: to the last ".c", ".h" ... of what may be a path, for "x@a.c-5"; else as far as it goes without '-'. */
static size_t file_suffix(const char *p)
{
	static const char *const ends[] = { ".c", ".h", ".S", ".rs" };
	size_t best = 0, n = 1;

	/* "a@5" is gdb's array of five */
	if (p[0] != '@' || !(isalpha((unsigned char)p[1]) || p[1] == '_' || p[1] == '/' || p[1] == '.'))
		return 0;
	for (; isalnum((unsigned char)p[n]) || (p[n] && strchr("_./-+", p[n])); n++) {
		for (size_t i = 0; i < KA_COUNT(ends); i++) {
			size_t len = strlen(ends[i]);

			if (n > len && !strncmp(p + n + 1 - len, ends[i], len) && !isalnum((unsigned char)p[n + 1]))
				best = n + 1;
		}
	}
	return best ? best : 1 + strspn(p + 1, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./");
}

/* "1.5", "1.5e-3", "1e3", "3.0f": only where numbers are as in C. Bytes, 0: none. */
static size_t real(const char *p, double *ret, uint8_t *ret_size)
{
	size_t n = strspn(p, "0123456789");
	bool is_real = n && p[n] == '.' && isdigit((unsigned char)p[n + 1]);
	char *digits;

	if (is_real) {
		n++;
		n += strspn(p + n, "0123456789");
	}
	if (n && (p[n] == 'e' || p[n] == 'E') && isdigit((unsigned char)p[n + 1 + (p[n + 1] == '+' || p[n + 1] == '-')])) {
		n += 1 + (p[n + 1] == '+' || p[n + 1] == '-');
		n += strspn(p + n, "0123456789");
		is_real = true;
	}
	if (!is_real)
		return 0;
	digits = ka_xstrndup(p, n);
	*ret = strtod(digits, NULL);
	free(digits);
	*ret_size = 0;
	if (p[n] && strchr("fFlL", p[n]) && !isalnum((unsigned char)p[n + 1]) && p[n + 1] != '_') {
		*ret_size = tolower((unsigned char)p[n]) == 'f' ? 4 : 0;
		n++;
	}
	return n;
}

static const char *const operators[] = {
	"<<=", ">>=", "..", "=~", "!~", "++", "--", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "<<", ">>", "<=", ">=", "==", "!=", "&&", "||", "->",
	"+", "-", "*", "/", "%", "<", ">", "=", "!", "~", "&", "|", "^", "?", ":", ",", ".", "(", ")", "[", "]", "@",
};

struct ka_error *ka_lexer_next(struct ka_lexer *l)
{
	struct ka_token *t = &l->token;
	const char *before = l->at;

	while (isspace((unsigned char)*l->at))
		l->at++;
	memset(t, 0, sizeof(*t));
	t->is_adjacent = l->at == before;
	t->start = l->at;
	if (!*l->at)
		return NULL;
	if (*l->at == '\'' || *l->at == '"')
		return quoted(l);
	if (is_word(*l->at)) {
		if (!(l->flags & (KA_EXPR_HEX | KA_EXPR_DECIMAL)) && (t->len = real(l->at, &t->real, &t->int_size))) {
			t->kind = KA_TOKEN_NUMBER;
			t->is_real = true;
			l->at += t->len;
			return NULL;
		}
		while (is_word(l->at[t->len]))
			t->len++;
		t->kind = isdigit((unsigned char)*t->start) ? KA_TOKEN_NUMBER : KA_TOKEN_NAME;
		if (t->kind == KA_TOKEN_NAME)
			t->len += clone_suffix(l->at + t->len);
		if (t->kind == KA_TOKEN_NAME)
			t->len += file_suffix(l->at + t->len);
		if (t->kind == KA_TOKEN_NUMBER && !ka_expr_digits(t->start, t->len, l->flags, t))
			return ka_expr_error(l, t, "not a number, or one of more than 64 bits");
		l->at += t->len;
		return NULL;
	}
	for (size_t i = 0; i < KA_COUNT(operators); i++) {
		t->len = strlen(operators[i]);
		if (!strncmp(l->at, operators[i], t->len)) {
			t->kind = KA_TOKEN_OPERATOR;
			l->at += t->len;
			return NULL;
		}
	}
	t->len = 1;
	return ka_expr_error(l, t, "this is no part of a C expression");
}
