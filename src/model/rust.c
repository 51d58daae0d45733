/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Rust symbols to readable names: rustc's v0 mangling (RFC 2603). The older one is in rust_legacy.c. */
#include <ctype.h>
#include <inttypes.h>
#include "rust.h"

#define DEPTH_MAX 200
#define TEXT_MAX 8192		/* back references could make the text grow without end */

struct v0 {
	const char *start, *p;	/* behind "_R" */
	struct ka_str out;
	unsigned depth, lifetimes;	/* bound by the binders around */
	bool is_bad, is_quiet;	/* is_quiet: parsed, not printed (impl paths) */
};

static void path(struct v0 *d, bool is_value);
static void type(struct v0 *d);
static void constant(struct v0 *d);

static bool enter(struct v0 *d)
{
	if (++d->depth > DEPTH_MAX || d->out.len > TEXT_MAX)
		d->is_bad = true;
	return !d->is_bad;
}

static void text(struct v0 *d, const char *s)
{
	if (!d->is_quiet && !d->is_bad)
		ka_str_add(&d->out, s);
}

static bool eat(struct v0 *d, char c)
{
	if (d->is_bad || *d->p != c)
		return false;
	d->p++;
	return true;
}

static uint64_t decimal(struct v0 *d)
{
	uint64_t n = 0;

	if (!isdigit((unsigned char)*d->p))
		d->is_bad = true;
	if (eat(d, '0'))
		return 0;
	while (isdigit((unsigned char)*d->p) && n < 100000)
		n = n * 10 + (*d->p++ - '0');
	return n;
}

/* "_" is 0, "0_" 1, "1_" 2 ... */
static uint64_t base62(struct v0 *d)
{
	uint64_t n = 0;

	if (eat(d, '_'))
		return 0;
	while (isalnum((unsigned char)*d->p) && n < UINT64_MAX / 62 - 62) {
		char c = *d->p++;

		n = n * 62 + (isdigit((unsigned char)c) ? c - '0' : islower((unsigned char)c) ? c - 'a' + 10 : c - 'A' + 36);
	}
	if (!eat(d, '_'))
		d->is_bad = true;
	return n + 1;
}

static uint64_t disambiguator(struct v0 *d)
{
	return eat(d, 's') ? base62(d) + 1 : 0;
}

struct name {
	const char *s;
	size_t n;
	bool is_punycode;
};

static struct name identifier(struct v0 *d)
{
	struct name name = { .is_punycode = eat(d, 'u') };

	name.n = decimal(d);
	eat(d, '_');
	if (d->is_bad || strnlen(d->p, name.n) < name.n) {
		d->is_bad = true;
		return (struct name){ .s = "" };
	}
	name.s = d->p;
	d->p += name.n;
	return name;
}

static void name_out(struct v0 *d, struct name name)
{
	if (d->is_quiet || d->is_bad)
		return;
	if (name.is_punycode)
		ka_str_add(&d->out, "punycode{");
	ka_str_addn(&d->out, name.s, name.n);
	if (name.is_punycode)
		ka_str_addc(&d->out, '}');
}

static void number_out(struct v0 *d, uint64_t n)
{
	if (!d->is_quiet && !d->is_bad)
		ka_str_printf(&d->out, "%" PRIu64, n);
}

/* Parses at an earlier place with what; the position goes on behind the reference. */
static void back_reference(struct v0 *d, void (*what)(struct v0 *d))
{
	const char *from = d->p - 1, *behind;
	uint64_t at = base62(d);

	if (d->is_bad || d->start + at >= from) {
		d->is_bad = true;
		return;
	}
	behind = d->p;
	/* What is not printed need not be followed: keeps the time bounded. */
	if (!d->is_quiet) {
		d->p = d->start + at;
		what(d);
	}
	d->p = behind;
}

static void lifetime_out(struct v0 *d, uint64_t index)
{
	char s[3] = "'_";

	if (index && index <= d->lifetimes) {
		uint64_t n = d->lifetimes - index;

		if (n < 26) {
			s[1] = 'a' + n;
		} else {
			text(d, "'_");
			number_out(d, n);
			return;
		}
	} else if (index) {
		d->is_bad = true;
	}
	text(d, s);
}

/* "for<'a, 'b> "; returns how many to take off again. */
static unsigned binder(struct v0 *d)
{
	uint64_t n = eat(d, 'G') ? base62(d) + 1 : 0;

	if (n > 1000) {
		d->is_bad = true;
		n = 0;
	}
	if (!n)
		return 0;
	text(d, "for<");
	for (uint64_t i = 0; i < n; i++) {
		if (i)
			text(d, ", ");
		d->lifetimes++;
		lifetime_out(d, 1);
	}
	text(d, "> ");
	return (unsigned)n;
}

static void generic_arg(struct v0 *d)
{
	if (eat(d, 'L'))
		lifetime_out(d, base62(d));
	else if (eat(d, 'K'))
		constant(d);
	else
		type(d);
}

static void generic_args(struct v0 *d)
{
	for (bool first = true; !d->is_bad && !eat(d, 'E'); first = false) {
		if (!first)
			text(d, ", ");
		generic_arg(d);
	}
}

static void nested(struct v0 *d, bool is_value)
{
	char space = *d->p;
	uint64_t n;
	struct name name;

	if (!isalpha((unsigned char)space)) {
		d->is_bad = true;
		return;
	}
	d->p++;
	path(d, is_value);
	n = disambiguator(d);
	name = identifier(d);
	if (islower((unsigned char)space)) {
		if (name.n) {
			text(d, "::");
			name_out(d, name);
		}
		return;
	}
	text(d, "::{");
	if (space == 'C')
		text(d, "closure");
	else if (space == 'S')
		text(d, "shim");
	else if (!d->is_quiet)
		ka_str_addc(&d->out, space);
	if (name.n) {
		text(d, ":");
		name_out(d, name);
	}
	text(d, "#");
	number_out(d, n);
	text(d, "}");
}

static void quiet_path(struct v0 *d)
{
	bool was_quiet = d->is_quiet;

	d->is_quiet = true;
	disambiguator(d);
	path(d, false);
	d->is_quiet = was_quiet;
}

static void value_path(struct v0 *d)
{
	path(d, true);
}

static void type_path(struct v0 *d)
{
	path(d, false);
}

static void path(struct v0 *d, bool is_value)
{
	char tag;

	if (!enter(d))
		return;
	tag = *d->p ? *d->p++ : 0;
	switch (tag) {
	case 'C':
		disambiguator(d);
		name_out(d, identifier(d));
		break;
	case 'N':
		nested(d, is_value);
		break;
	case 'M':
	case 'X':
		quiet_path(d);
		/* fall through */
	case 'Y':
		text(d, "<");
		type(d);
		if (tag != 'M') {
			text(d, " as ");
			path(d, false);
		}
		text(d, ">");
		break;
	case 'I':
		path(d, is_value);
		text(d, is_value ? "::<" : "<");
		generic_args(d);
		text(d, ">");
		break;
	case 'B':
		back_reference(d, is_value ? value_path : type_path);
		break;
	default:
		d->is_bad = true;
	}
	d->depth--;
}

static void fn_signature(struct v0 *d)
{
	unsigned bound = binder(d);
	struct name abi;

	if (eat(d, 'U'))
		text(d, "unsafe ");
	if (eat(d, 'K')) {
		text(d, "extern \"");
		if (eat(d, 'C')) {
			text(d, "C");
		} else {
			abi = identifier(d);
			/* '-' of an ABI's name was made '_' */
			for (size_t i = 0; i < abi.n && !d->is_quiet && !d->is_bad; i++)
				ka_str_addc(&d->out, abi.s[i] == '_' ? '-' : abi.s[i]);
		}
		text(d, "\" ");
	}
	text(d, "fn(");
	generic_args(d);
	text(d, ")");
	if (!eat(d, 'u')) {
		text(d, " -> ");
		type(d);
	}
	d->lifetimes -= bound;
}

/* Trait<Assoc = T>: the bindings go into the brackets of the path, where it has some. */
static void dyn_trait(struct v0 *d)
{
	bool is_open = false;
	size_t before = d->out.len;

	path(d, false);
	while (!d->is_bad && eat(d, 'p')) {
		if (!is_open && !d->is_quiet) {
			is_open = true;
			if (d->out.len > before && d->out.p[d->out.len - 1] == '>') {
				d->out.p[--d->out.len] = 0;
				text(d, ", ");
			} else {
				text(d, "<");
			}
		} else {
			text(d, ", ");
		}
		name_out(d, identifier(d));
		text(d, " = ");
		type(d);
	}
	if (is_open)
		text(d, ">");
}

static void dyn(struct v0 *d)
{
	uint64_t lifetime;
	unsigned bound;

	text(d, "dyn ");
	bound = binder(d);
	for (bool first = true; !d->is_bad && !eat(d, 'E'); first = false) {
		if (!first)
			text(d, " + ");
		dyn_trait(d);
	}
	d->lifetimes -= bound;
	if (!eat(d, 'L'))
		d->is_bad = true;
	lifetime = d->is_bad ? 0 : base62(d);
	if (lifetime) {
		text(d, " + ");
		lifetime_out(d, lifetime);
	}
}

static const char *basic_type(char tag)
{
	static const char *const names[26] = {
		"i8", "bool", "char", "f64", "str", "f32", NULL, "u8", "isize", "usize", NULL, "i32", "u32",	/* a - m */
		"i128", "u128", "_", NULL, NULL, "i16", "u16", "()", "...", NULL, "i64", "u64", "!",
	};

	return tag >= 'a' && tag <= 'z' ? names[tag - 'a'] : NULL;
}

static void tuple(struct v0 *d)
{
	size_t n = 0;

	text(d, "(");
	for (; !d->is_bad && !eat(d, 'E'); n++) {
		if (n)
			text(d, ", ");
		type(d);
	}
	text(d, n == 1 ? ",)" : ")");
}

static void type(struct v0 *d)
{
	const char *basic = basic_type(*d->p);
	uint64_t lifetime;
	char tag;

	if (!enter(d))
		return;
	tag = *d->p ? *d->p++ : 0;
	switch (basic ? 0 : tag) {
	case 0:
		if (basic)
			text(d, basic);
		else
			d->is_bad = true;
		break;
	case 'R':
	case 'Q':
		text(d, "&");
		if (eat(d, 'L')) {
			lifetime = base62(d);
			if (lifetime) {
				lifetime_out(d, lifetime);
				text(d, " ");
			}
		}
		text(d, tag == 'Q' ? "mut " : "");
		type(d);
		break;
	case 'P':
	case 'O':
		text(d, tag == 'P' ? "*const " : "*mut ");
		type(d);
		break;
	case 'A':
	case 'S':
		text(d, "[");
		type(d);
		if (tag == 'A') {
			text(d, "; ");
			constant(d);
		}
		text(d, "]");
		break;
	case 'T':
		tuple(d);
		break;
	case 'F':
		fn_signature(d);
		break;
	case 'D':
		dyn(d);
		break;
	case 'B':
		back_reference(d, type);
		break;
	default:
		d->p--;
		path(d, false);
	}
	d->depth--;
}

static void constant_number(struct v0 *d, char tag)
{
	const char *digits;
	uint64_t n = 0;
	size_t count;

	if (eat(d, 'n'))
		text(d, "-");
	digits = d->p;
	while (isxdigit((unsigned char)*d->p) && !isupper((unsigned char)*d->p))
		n = n << 4 | (isdigit((unsigned char)*d->p) ? *d->p - '0' : *d->p - 'a' + 10), d->p++;
	count = d->p - digits;
	if (!eat(d, '_'))
		d->is_bad = true;
	if (tag == 'b') {
		text(d, n ? "true" : "false");
	} else if (tag == 'c' && n >= 32 && n < 127) {
		if (!d->is_quiet && !d->is_bad)
			ka_str_printf(&d->out, "'%c'", (int)n);
	} else if (tag == 'c') {
		if (!d->is_quiet && !d->is_bad)
			ka_str_printf(&d->out, "'\\u{%" PRIx64 "}'", n);
	} else if (count <= 16) {
		number_out(d, n);
	} else {
		text(d, "0x");
		if (!d->is_quiet && !d->is_bad)
			ka_str_addn(&d->out, digits, count);
	}
}

static void constant(struct v0 *d)
{
	char tag;

	if (!enter(d))
		return;
	tag = *d->p ? *d->p++ : 0;
	if (tag == 'B')
		back_reference(d, constant);
	else if (tag == 'p')
		text(d, "_");
	else if (tag && strchr("hcbtmyojasxlni", tag))
		constant_number(d, tag);
	else
		d->is_bad = true;
	d->depth--;
}

const char *ka_rust_v0(struct ka_arena *a, const char *symbol)
{
	struct v0 d = { .start = symbol + 2, .p = symbol + 2 };
	const char *ret = NULL;

	if (strncmp(symbol, "_R", 2) || !isupper((unsigned char)symbol[2]))
		return NULL;
	path(&d, true);
	/* The crate that instantiated it. */
	if (!d.is_bad && isupper((unsigned char)*d.p)) {
		d.is_quiet = true;
		path(&d, false);
	}
	/* What LLVM or the kernel's tools put behind: ".llvm.1234", ".cold" */
	if (!d.is_bad && (!*d.p || *d.p == '.' || *d.p == '$'))
		ret = d.out.p ? ka_strdup(a, d.out.p) : NULL;
	ka_str_free(&d.out);
	return ret;
}
