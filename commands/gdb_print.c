/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* printf, ptype/o and info scope of gdb. */
#include <inttypes.h>
#include <kanalyze/local.h>
#include <kanalyze/unwind.h>
#include "gdb.h"

#define ARGS_MAX 64
#define STRING_MAX 4096
#define DEPTH_MAX 16

/* ---- printf "FORMAT", EXPR, ... ---- */

/* Behind the closing quote, or NULL. Escapes are C's; to: what stands between the quotes. */
static const char *format_read(const char *p, struct ka_str *to)
{
	static const char letters[] = "abfnrtv\\\"'", codes[] = "\a\b\f\n\r\t\v\\\"'";

	if (*p++ != '"')
		return NULL;
	for (; *p && *p != '"'; p++) {
		const char *hit;
		unsigned v = 0;

		if (*p != '\\') {
			ka_str_addc(to, *p);
			continue;
		}
		p++;
		hit = *p ? strchr(letters, *p) : NULL;
		if (hit) {
			ka_str_addc(to, codes[hit - letters]);
		} else if (*p >= '0' && *p <= '7') {
			for (int n = 0; n < 3 && *p >= '0' && *p <= '7'; n++)
				v = v * 8 + (unsigned)(*p++ - '0');
			ka_str_addc(to, (char)v);
			p--;
		} else {
			return NULL;
		}
	}
	return *p == '"' ? p + 1 : NULL;
}

/* The expressions behind the format: cut at commas outside of parentheses and quotes, in place. */
static size_t args_split(char *p, char *ret[ARGS_MAX])
{
	size_t n = 0;
	int depth = 0;
	char quote = 0;

	while (*p == ' ')
		p++;
	if (*p != ',')
		return 0;
	*p++ = 0;
	ret[n++] = p;
	for (; *p; p++) {
		if (quote) {
			p += *p == '\\' && p[1];
			quote = *p == quote ? 0 : quote;
		} else if (*p == '"' || *p == '\'') {
			quote = *p;
		} else {
			depth += *p == '(' || *p == '[' ? 1 : *p == ')' || *p == ']' ? -1 : 0;
			if (*p == ',' && !depth && n < ARGS_MAX) {
				*p = 0;
				ret[n++] = p + 1;
			}
		}
	}
	return n;
}

static struct ka_error *string_read(struct ka_call *c, const struct ka_value *v, char *ret)
{
	uint64_t at;
	struct ka_error *err;

	if (v->text) {
		snprintf(ret, STRING_MAX, "%s", v->text);
		return NULL;
	}
	if (v->kind == KA_TYPE_ARRAY && v->size) {
		size_t size = (size_t)KA_MIN(v->size, (uint64_t)STRING_MAX - 1);

		err = ka_read(c->k, v->addr, ret, size);
		ret[err ? 0 : size] = 0;
		return err;
	}
	err = ka_value_number(c->k, v, &at);
	return err ? err : ka_read_cstr(c->k, at, ret, STRING_MAX);
}

/* One conversion: "%-5lx" of a value. spec has no length letters: what is printed has 64 bits. */
static struct ka_error *convert(struct ka_call *c, const char *spec, char letter, const struct ka_value *v, struct ka_str *to)
{
	bool is_int = v->kind == KA_TYPE_INT || v->kind == KA_TYPE_ENUM;
	char *format, *text;
	struct ka_error *err;
	uint64_t n;

	switch (letter) {
	case 's':
		text = ka_alloc(c->arena, STRING_MAX);
		err = string_read(c, v, text);
		format = ka_printf(c->arena, "%ss", spec);
		if (!err)
			ka_str_printf(to, format, text);
		return err;
	case 'f': case 'e': case 'g':
		if (v->kind != KA_TYPE_FLOAT) {
			err = ka_value_number(c->k, v, &n);
			if (err)
				return err;
		}
		format = ka_printf(c->arena, "%s%c", spec, letter);
		ka_str_printf(to, format, v->kind == KA_TYPE_FLOAT ? v->real : (double)(int64_t)n);
		return NULL;
	case 'c':
		err = ka_value_number(c->k, v, &n);
		format = ka_printf(c->arena, "%sc", spec);
		if (!err)
			ka_str_printf(to, format, (int)(n & 0xff));
		return err;
	case 'p':
		err = ka_value_number(c->k, v, &n);
		if (!err)
			ka_str_printf(to, n ? "0x%" PRIx64 : "(nil)", n);
		return err;
	case 'd': case 'i': case 'u': case 'x': case 'X': case 'o':
		err = ka_value_number(c->k, v, &n);
		/* as wide as it is: a negative int is 0xffffffff */
		if (is_int && v->size && v->size < 8 && letter != 'd' && letter != 'i')
			n &= (1ull << (v->size * 8)) - 1;
		format = ka_printf(c->arena, "%sll%c", spec, letter);
		if (!err)
			ka_str_printf(to, format, (long long)n);
		return err;
	}
	return ka_call_usage(c, "there is no conversion %%%c: d i u x X o c s p f e g", letter);
}

static struct ka_error *one_evaluate(struct ka_call *c, const char *text, struct ka_value *ret)
{
	struct ka_expr *e;
	struct ka_error *err = ka_expr_parse(c->arena, text + strspn(text, " "), 0, &e);

	return err ? err : ka_expr_eval(e, c->k, NULL, ret);
}

struct ka_error *ka_gdb_printf(struct ka_call *c, const char *text, struct ka_str *to)
{
	struct ka_str format = {0};
	const char *rest = format_read(text, &format);
	char *args[ARGS_MAX];
	size_t n = rest ? args_split(ka_strdup(c->arena, rest), args) : 0, used = 0;
	struct ka_error *err = rest ? NULL : ka_call_usage(c, "printf needs a format in double quotes, with C's escapes");

	for (const char *p = format.p; p && *p && !err; p++) {
		struct ka_value v;
		char spec[24] = "%";
		size_t len, digits;

		if (*p != '%' || p[1] == '%') {
			ka_str_addc(to, *p);
			p += *p == '%';
			continue;
		}
		len = strspn(p + 1, "-+ #0");
		digits = strspn(p + 1 + len, "0123456789.");
		if (len > 5 || digits > 8 || strtoul(p + 1 + len, NULL, 10) > 4096) {
			err = ka_call_usage(c, "a width like that is not for printf");
			break;
		}
		memcpy(spec + 1, p + 1, len + digits);
		p += 1 + len + digits;
		p += strspn(p, "hlqLjzt");
		if (used == n || !*p)
			err = ka_call_usage(c, "the format asks for more than the %zu values that follow", n);
		else
			err = one_evaluate(c, args[used], &v);
		if (!err)
			err = ka_error_wrap(convert(c, spec, *p, &v, to), "value %zu", used + 1);
		used++;
	}
	if (!err && used < n)
		err = ka_call_usage(c, "%zu values, and a format for %zu", n, used);
	ka_str_free(&format);
	return err;
}

/* ---- ptype/o ---- */

#define COLUMN 31	/* where declarations begin */

static void blank_add(struct ka_str *to, unsigned depth)
{
	ka_str_pad(to, ' ', COLUMN + 4 * (size_t)depth - 4);
}

static void gap_add(struct ka_str *to, const char *what, uint64_t from_bits, uint64_t to_bits)
{
	uint64_t bits = to_bits - from_bits;

	if (to_bits <= from_bits)
		return;
	if (bits % 8)
		ka_str_printf(to, "/* XXX %2" PRIu64 "-bit %-7s    */\n", bits % 8, what);
	if (bits / 8)
		ka_str_printf(to, "/* XXX %2" PRIu64 "-byte %-7s   */\n", bits / 8, what);
}

/* The members, and what closes the struct: "} name". */
static void members_add(struct ka_call *c, const struct ka_type *t, const struct ka_type_info *info, uint64_t base_bits, unsigned depth,
			struct ka_str *to)
{
	bool is_union = info->kind == KA_TYPE_UNION;
	struct ka_type_field *f;
	size_t n = ka_type_members(c->k, t, c->arena, &f);
	uint64_t end = 0;

	for (size_t i = 0; i < n; i++) {
		struct ka_type_info inner;
		struct ka_type type = ka_type_strip(c->k, &f[i].type, &inner);
		bool is_open = (inner.kind == KA_TYPE_STRUCT || inner.kind == KA_TYPE_UNION) && depth < DEPTH_MAX && !inner.is_declared_only;
		uint64_t at = f[i].offset_bits, bits = f[i].bit_size ? f[i].bit_size : inner.size * 8;

		if (!is_union)
			gap_add(to, "hole", end, at);
		end = at + bits;
		if (is_union)
			ka_str_printf(to, "/*               %7" PRIu64 " */", inner.size);
		else if (f[i].bit_size)
			ka_str_printf(to, "/* %6" PRIu64 ":%2" PRIu64 "   | %7" PRIu64 " */", (base_bits + at) / 8, (base_bits + at) % 8, inner.size);
		else
			ka_str_printf(to, "/* %6" PRIu64 "      | %7" PRIu64 " */", (base_bits + at) / 8, inner.size);
		ka_str_pad(to, ' ', 4 * (size_t)depth);
		if (is_open) {
			ka_str_printf(to, "%s %s%s{\n", inner.kind == KA_TYPE_UNION ? "union" : "struct", inner.name ? inner.name : "", inner.name ? " " : "");
			members_add(c, &type, &inner, base_bits + at, depth + 1, to);
			ka_str_printf(to, "%s%s", f[i].name ? " " : "", f[i].name ? f[i].name : "");
		} else {
			ka_type_text(c->k, &f[i].type, f[i].name, to);
		}
		if (f[i].bit_size)
			ka_str_printf(to, " : %u", f[i].bit_size);
		ka_str_add(to, ";\n");
	}
	if (!is_union)
		gap_add(to, "padding", end, info->size * 8);
	ka_str_addc(to, '\n');
	blank_add(to, depth);
	ka_str_printf(to, "/* total size: %4" PRIu64 " bytes */\n", info->size);
	/* the outermost one stands under "type" */
	ka_str_pad(to, ' ', depth == 1 ? COLUMN - 2 : COLUMN + 4 * (size_t)depth - 8);
	ka_str_addc(to, '}');
}

bool ka_gdb_offsets(struct ka_call *c, const struct ka_type *t, struct ka_str *to)
{
	struct ka_type_info info;
	struct ka_type type = ka_type_strip(c->k, t, &info);

	if ((info.kind != KA_TYPE_STRUCT && info.kind != KA_TYPE_UNION) || info.is_declared_only)
		return false;
	ka_str_printf(to, "/* offset      |    size */  type = %s %s%s{\n", info.kind == KA_TYPE_UNION ? "union" : "struct", info.name ? info.name : "",
		      info.name ? " " : "");
	members_add(c, &type, &info, 0, 1, to);
	return true;
}

/* ---- info scope ---- */

static const char *place_text(struct ka_call *c, const struct ka_local *l)
{
	const char *reg = l->reg >= 0 ? ka_reg_name(c->k, (unsigned)l->reg) : NULL;

	if (l->place == KA_LOCAL_IN_REGISTER && reg)
		return ka_printf(c->arena, "a variable in $%s", reg);
	if (l->place == KA_LOCAL_IN_MEMORY && reg)
		return ka_printf(c->arena, "a variable at $%s%+" PRId64, reg, l->reg_offset);
	if (l->place == KA_LOCAL_IN_MEMORY && l->is_of_cfa)
		return ka_printf(c->arena, "a variable at frame base (CFA)%+" PRId64, l->reg_offset);
	if (l->place == KA_LOCAL_IN_MEMORY && l->state == KA_LOCAL_THERE)
		return ka_printf(c->arena, "static storage at address 0x%" PRIx64, l->value.addr);
	if (l->place == KA_LOCAL_COMPUTED || l->place == KA_LOCAL_IN_PIECES)
		return l->place == KA_LOCAL_COMPUTED ? "a computed value" : "a variable in pieces";
	return l->state == KA_LOCAL_THERE ? "constant" : "optimized out";
}

struct ka_error *ka_gdb_scope(struct ka_call *c, const char *text, struct ka_str *to)
{
	struct ka_locals l;
	ka_addr at;
	struct ka_error *err = ka_gdb_address(c, text, &at);

	if (err)
		return err;
	err = ka_locals_at(c->k, at, c->arena, &l);
	/* on aarch64 a function's code begins behind the two instructions that ftrace patches, its symbol before them */
	if (err && err->code == KA_MISSING && !ka_error_drop(ka_locals_at(c->k, at + 8, c->arena, &l)))
		ka_error_catch(&err, KA_MISSING);
	if (err)
		return err;
	if (!l.n) {
		ka_str_printf(to, "Symbol table for `%s' has no locals there.", text);
		return NULL;
	}
	ka_str_printf(to, "Scope for %s:", text);
	for (size_t i = 0; i < l.n; i++) {
		ka_str_printf(to, "\nSymbol %s is %s", l.at[i].name ? l.at[i].name : "?", place_text(c, &l.at[i]));
		if (l.at[i].is_inlined && l.at[i].function)
			ka_str_printf(to, " of %s (inlined)", l.at[i].function);
		ka_str_printf(to, ", length %zu.", l.at[i].size);
	}
	return NULL;
}
