/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* struct, union, *: declarations of types, and what lies at an address in their shape. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <unistd.h>
#include <kanalyze/symbol.h>
#include <kanalyze/system.h>
#include <kanalyze/task.h>
#include <kanalyze/variable.h>
#include "print.h"
#include "words.h"

#define COUNT_MAX (1u << 20)
#define RAW_MAX (1u << 20)	/* bytes of one struct that -r shows */

struct declaration_row {
	const char *name, *member, *text;
	uint64_t offset;
	uint32_t bit_offset, bit_size;
	bool is_bits;
	const struct ka_node *type;
};
KA_LINES(declaration_row, "types", "{text}",
	KA_COL(declaration_row, name, KA_TEXT, "as given"),
	KA_COLF(declaration_row, member, KA_TEXT, KA_ONLY_JSON, "of NAME.MEMBER the path: what follows is of this member"),
	{ "offset", offsetof(struct declaration_row, offset), 8, KA_UINT, KA_ONLY_JSON, -1, NULL, "of the member; with an address that of the member" },
	{ "bit_offset", offsetof(struct declaration_row, bit_offset), 4, KA_UINT, KA_ONLY_JSON, offsetof(struct declaration_row, is_bits), NULL,
	  "of bit fields: counted from the offset" },
	{ "bit_size", offsetof(struct declaration_row, bit_size), 4, KA_UINT, KA_ONLY_JSON, offsetof(struct declaration_row, is_bits), NULL,
	  "of bit fields" },
	KA_COLF(declaration_row, type, KA_VALUE, KA_ONLY_JSON, "{type, kind, typedef_of, size, members or enumerators}; of members name, type, offset, size"),
	KA_COLF(declaration_row, text, KA_TEXT, KA_ONLY_TEXT, "the declaration"));

struct struct_row {
	const char *type, *text;
	ka_addr address;
	bool has_cpu;
	uint32_t cpu;
	const struct ka_node *value;
};
KA_LINES(struct_row, "structs", "{text}",
	KA_COL(struct_row, type, KA_TEXT, "the name as given"),
	KA_COLF(struct_row, address, KA_ADDR, KA_ONLY_JSON, "where it lies"),
	{ "cpu", offsetof(struct struct_row, cpu), 4, KA_UINT, KA_ONLY_JSON, offsetof(struct struct_row, has_cpu), NULL, "of ADDR:CPUS: the CPU" },
	KA_COLF(struct_row, value, KA_VALUE, KA_ONLY_JSON, "its members; with NAME.MEMBERS an object of these paths alone"),
	KA_COLF(struct_row, text, KA_TEXT, KA_ONLY_TEXT, "the same as C writes it"));

struct raw_row {
	ka_addr address;
	const char *const *values;
	const char *text, *ascii;
};
KA_LINES(raw_row, "memory", "{address:16}:  {text:<33}  {ascii}",
	KA_COL(raw_row, address, KA_ADDR, "of the first value"),
	KA_COLF(raw_row, values, KA_LIST, KA_ONLY_JSON, "values, in hexadecimal with 0x"),
	KA_COLF(raw_row, text, KA_TEXT, KA_ONLY_TEXT, "the same, in columns"),
	KA_COL(raw_row, ascii, KA_TEXT, "the bytes as characters, . for what cannot be printed"));

const struct ka_rows *const ka_struct_row_types[] = { &ka_rows_struct_row, &ka_rows_declaration_row, &ka_rows_raw_row, NULL };

struct request {
	struct ka_call *c;
	const char *shown_name;		/* "struct list_head" */
	struct ka_type type;
	struct ka_type_info info;	/* stripped */
	char *paths;			/* "a,b"; NULL: all of it */
	struct ka_print how;
	struct ka_print_user user;
	int fd;				/* -f; -1: none */
	uint64_t back;			/* -l */
	uint64_t count, before;		/* before: of these, so many lie before the address */
	bool *cpus, has_cpus;
	bool is_raw, is_pointed, is_hex, is_decimal;
};

static struct ka_error *read_file(void *ctx, uint64_t at, void *ret, size_t size)
{
	int fd = *(const int *)ctx;

	for (size_t done = 0; done < size;) {
		ssize_t n = pread(fd, (char *)ret + done, size - done, (off_t)(at + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return ka_error_at(n ? KA_IO : KA_TRUNCATED, KA_SPACE_FILE, at + done, "offset 0x%" PRIx64 " of the file: %s", at + done,
					   n ? strerror(errno) : "it ends before");
		done += (size_t)n;
	}
	return NULL;
}

/* ---- -r ---- */

static void raw_line(struct request *r, ka_addr at, const uint8_t *bytes, size_t size, unsigned width)
{
	const char *values[17] = {0};
	struct raw_row row = { .address = at, .values = values };
	struct ka_str text = {0};
	char ascii[17] = {0};
	size_t n = 0;

	for (size_t i = 0, w; i < size; i += w) {
		uint64_t v;

		/* of a struct of no whole words the rest is bytes */
		w = i + width <= size ? width : 1;
		v = ka_uint_from(r->c->k, bytes + i, w);
		ka_str_printf(&text, "%s%0*" PRIx64, text.len ? " " : "", (int)w * 2, v);
		values[n++] = ka_printf(r->c->arena, "0x%0*" PRIx64, (int)w * 2, v);
	}
	for (size_t i = 0; i < size; i++)
		ascii[i] = bytes[i] >= 0x20 && bytes[i] < 0x7f ? (char)bytes[i] : '.';
	row.text = text.p;
	row.ascii = ascii;
	ka_out_row(r->c->out, &ka_rows_raw_row, &row);
	ka_str_free(&text);
}

static struct ka_error *raw_show(struct request *r, ka_addr at, uint64_t size)
{
	unsigned width = size == 1 || size == 2 || size == 4 ? (unsigned)size : ka_long_size(r->c->k);
	struct ka_error *err = NULL;
	uint8_t bytes[16];

	for (uint64_t done = 0; done < KA_MIN(size, (uint64_t)RAW_MAX) && !err; done += sizeof(bytes)) {
		size_t n = (size_t)KA_MIN(size - done, (uint64_t)sizeof(bytes));

		err = r->how.read ? r->how.read(r->how.ctx, at + done, bytes, n) : ka_read(r->c->k, at + done, bytes, n);
		if (!err)
			raw_line(r, at + done, bytes, n, width);
	}
	return err;
}

/* ---- values ---- */

/* -p: "TYPE name = 0x..." and below it what is there. False: no pointer, or the type of a function. */
static bool pointed_show(struct request *r, const struct ka_value *x, const char *name, struct ka_str *to)
{
	struct ka_type_info info, target;
	struct ka_value there;
	struct ka_print how = r->how;
	struct ka_symbol s;
	uint64_t at, offset;
	uint8_t raw[8];
	size_t start;
	bool has_symbol;

	ka_type_strip(r->c->k, &x->type, &info);
	if (info.kind != KA_TYPE_POINTER || info.size > 8 || !info.size)
		return false;
	if (ka_error_drop(how.read ? how.read(how.ctx, x->addr, raw, info.size) : ka_read(r->c->k, x->addr, raw, info.size)))
		return false;
	at = ka_uint_from(r->c->k, raw, info.size);
	ka_str_add(to, "  ");
	ka_type_text(r->c->k, &x->type, name, to);
	ka_str_printf(to, " = 0x%" PRIx64 "\n  -> ", at);
	if (!at) {
		ka_str_add(to, "NULL\n");
		return true;
	}
	ka_type_strip(r->c->k, &info.target, &target);
	has_symbol = ka_is_kernel_addr(r->c->k, at) && ka_symbol_at(r->c->k, at, &s, &offset) && !offset;
	if (has_symbol && !(target.kind == KA_TYPE_INT && target.size == 1))
		ka_str_printf(to, "<%s> ", s.name);
	start = to->len;
	if (target.kind == KA_TYPE_INT && target.size == 1 && !target.is_bool) {
		struct ka_str text = {0};
		const char *quote;

		/* of `0x... <symbol> "text"` the text */
		ka_error_drop(ka_value_text(r->c->k, x, &how, false, &text));
		quote = text.p ? strchr(text.p, '"') : NULL;
		ka_str_add(to, quote ? quote : "(not readable)");
		ka_str_free(&text);
	} else if (target.kind != KA_TYPE_VOID && target.kind != KA_TYPE_FUNC && target.size) {
		there = (struct ka_value){ .type = info.target, .kind = target.kind, .size = target.size, .is_lvalue = true, .addr = at };
		how.indent += 5;
		if (ka_error_drop(ka_value_text(r->c->k, &there, &how, false, to)) && to->len == start)
			ka_str_add(to, "(not readable)");
	} else if (!has_symbol) {
		ka_str_add(to, "(no type)");
	}
	while (to->len && to->p[to->len - 1] == ' ')
		to->p[--to->len] = 0;
	ka_str_addc(to, '\n');
	return true;
}

static struct ka_error *members_show(struct request *r, const struct ka_value *whole, struct ka_str *to)
{
	struct ka_error *first = NULL, *err;
	char *paths = r->paths, *path, *rest;
	struct ka_value x;

	if (!r->is_pointed)
		return ka_value_members_text(r->c->k, whole, paths, &r->how, to);
	rest = ka_strdup(r->c->arena, paths);
	while ((path = strsep(&rest, ","))) {
		err = ka_value_path(r->c->k, whole, path, &x);
		if (!err && pointed_show(r, &x, path, to))
			continue;
		if (!err)
			err = ka_value_members_text(r->c->k, whole, path, &r->how, to);
		if (first)
			ka_error_drop(err);
		else
			first = err;
	}
	return first;
}

/* All of it, pointers followed: anonymous parts stand as they are. */
static struct ka_error *whole_pointed(struct request *r, const struct ka_value *whole, struct ka_str *to)
{
	struct ka_type_field *fields;
	size_t n = ka_type_members(r->c->k, &r->type, r->c->arena, &fields);
	struct ka_error *first = NULL, *err;
	struct ka_print inner = r->how;

	inner.indent += 2;
	ka_str_printf(to, "%s {\n", r->shown_name);
	for (size_t i = 0; i < n; i++) {
		struct ka_value x = { .type = fields[i].type, .is_lvalue = true, .addr = whole->addr + fields[i].offset_bits / 8,
				      .bit_offset = fields[i].offset_bits % 8, .bit_size = fields[i].bit_size };

		if (fields[i].name && pointed_show(r, &x, fields[i].name, to))
			continue;
		ka_str_printf(to, "  %s%s", fields[i].name ? fields[i].name : "", fields[i].name ? " = " : "");
		err = ka_value_text(r->c->k, &x, &inner, false, to);
		ka_str_add(to, i + 1 < n ? ",\n" : "\n");
		if (first)
			ka_error_drop(err);
		else
			first = err;
	}
	ka_str_addc(to, '}');
	return first;
}

static struct ka_error *one_show(struct request *r, ka_addr at, bool has_cpu, unsigned cpu, bool is_first)
{
	struct ka_value whole = { .type = r->type, .kind = r->info.kind, .size = r->info.size, .type_name = r->info.name, .is_lvalue = true, .addr = at };
	struct struct_row row = { .type = r->shown_name, .address = at, .has_cpu = has_cpu, .cpu = cpu };
	bool is_text = ka_out_is_text(r->c->out);
	struct ka_error *err = NULL;
	struct ka_str text = {0};
	struct ka_value x = whole;

	if (is_text && !is_first)
		ka_out_note(r->c->out, "\n");
	if (!r->how.read)
		ka_print_warn_init(r->c, &whole);
	if (r->is_raw) {
		if (r->paths)
			err = ka_value_path(r->c->k, &whole, r->paths, &x);
		return err ? err : raw_show(r, x.addr, x.size);
	}
	if (!is_text) {
		err = r->paths ? ka_value_members_tree(r->c->k, &whole, r->paths, &r->how, r->c->arena, &row.value)
			       : ka_value_tree(r->c->k, &whole, &r->how, r->c->arena, &row.value);
		ka_out_row(r->c->out, &ka_rows_struct_row, &row);
		return err;
	}
	if (r->paths) {
		err = members_show(r, &whole, &text);
	} else if (r->is_pointed) {
		err = whole_pointed(r, &whole, &text);
	} else {
		ka_str_printf(&text, r->info.kind == KA_TYPE_STRUCT || r->info.kind == KA_TYPE_UNION ? "%s " : "%s = ", r->shown_name);
		x.bits = text.len;
		err = ka_value_text(r->c->k, &whole, &r->how, false, &text);
		if (text.len == x.bits)
			ka_str_clear(&text);
	}
	while (text.len && text.p[text.len - 1] == '\n')
		text.p[--text.len] = 0;
	row.text = text.p;
	if (text.len)
		ka_out_row(r->c->out, &ka_rows_struct_row, &row);
	ka_str_free(&text);
	return err;
}

static struct ka_error *declaration_show(struct request *r, ka_addr base, bool has_base)
{
	unsigned flags = (ka_call_has(r->c, "o") ? KA_DECLARE_OFFSETS : 0) | (r->how.radix == 16 ? KA_DECLARE_HEX : 0) |
			 (has_base ? KA_DECLARE_ADDRESSES | KA_DECLARE_OFFSETS : 0);
	struct ka_value whole = { .type = r->type, .is_lvalue = true, .addr = base }, x = whole;
	char *rest = r->paths ? ka_strdup(r->c->arena, r->paths) : NULL, *path;
	bool is_text = ka_out_is_text(r->c->out);
	struct ka_error *err = NULL;
	struct ka_str text = {0};

	do {
		struct declaration_row row = { .name = r->shown_name };

		row.member = path = rest ? strsep(&rest, ",") : NULL;
		ka_str_clear(&text);
		if (path)
			err = ka_value_path(r->c->k, &whole, path, &x);
		if (!err && is_text)
			err = ka_type_declaration(r->c->k, &r->type, path, flags, base, &text);
		if (err)
			break;
		row.offset = x.addr;
		row.is_bits = x.bit_size;
		row.bit_offset = x.bit_offset;
		row.bit_size = x.bit_size;
		if (!is_text)
			row.type = ka_type_tree(r->c->k, &x.type, r->c->arena);
		if (text.len)
			text.p[--text.len] = 0;
		row.text = text.p;
		ka_out_row(r->c->out, &ka_rows_declaration_row, &row);
	} while (rest);
	ka_str_free(&text);
	return err;
}

/* The elements from an address on, of one CPU or of none. */
static void elements_show(struct request *r, ka_addr at, bool has_cpu, unsigned cpu)
{
	if (has_cpu && ka_out_is_text(r->c->out))
		ka_out_note(r->c->out, "[%u]: %" PRIx64, cpu, at);
	at -= r->back + r->before * r->info.size;
	for (uint64_t i = 0; i < r->count && !ka_interrupted(); i++) {
		struct ka_error *err = ka_call_has(r->c, "o") ? declaration_show(r, at, true) : one_show(r, at, has_cpu, cpu, !i);

		if (err) {
			bool is_usage = err->code == KA_USAGE || err->code == KA_MISSING;

			ka_call_fault(r->c, err);
			if (is_usage)
				return;
		}
		at += r->info.size;
	}
}

/* ---- arguments ---- */

/* -l: a number, or STRUCT.MEMBER: how far behind the start the address points. */
static struct ka_error *back_read(struct request *r)
{
	char *word = ka_call_value(r->c, "l") ? ka_strdup(r->c->arena, ka_call_value(r->c, "l")) : NULL, *dot = word ? strchr(word, '.') : NULL;
	struct ka_error *err;

	if (!word)
		return NULL;
	if (!dot) {
		err = ka_expr_number(r->c->k, word, KA_EXPR_DECIMAL, &r->back);
	} else {
		*dot = 0;
		err = ka_type_offset(r->c->k, word, dot + 1, &r->back);
	}
	return ka_error_wrap(err, "-l");
}

static struct ka_error *type_choose(struct request *r, const char *name)
{
	struct ka_type_place *all;
	size_t n = ka_type_find_all(r->c->k, name, r->c->arena, &all);
	struct ka_error *err = NULL;

	if (n)
		r->type = all[0].type;
	else
		err = ka_type_find(r->c->k, name, &r->type);
	if (err)
		return err;
	for (size_t i = 0; i < n && n > 1 && ka_out_is_text(r->c->out); i++) {
		if (!i)
			ka_out_note(r->c->out, "%zu types are called %s; the first is shown:", n, name);
		ka_out_note(r->c->out, "  %s", ka_words_type(r->c, name, all[i].file));
	}
	ka_type_strip(r->c->k, &r->type, &r->info);
	return NULL;
}

/* "struct foo.a,b": the words and the name; the paths are cut off. */
static struct ka_error *name_read(struct request *r, int *used)
{
	struct ka_call *c = r->c;
	const char *command = c->command->name, *wanted = command[0] == '*' ? NULL : command;
	char *word = c->argv[0], *dot, *at;
	struct ka_error *err;
	const char *is;

	*used = 1;
	while (*word == '*' || *word == '&')
		word++;
	if ((!strcmp(word, "struct") || !strcmp(word, "union") || !strcmp(word, "enum")) && c->argc > 1) {
		wanted = word;
		word = c->argv[1];
		*used = 2;
	}
	/* a file's name has dots, too: "foo@fork.c.pid" */
	at = strchr(word, '@');
	dot = strchr(word, '.');
	if (at && at < dot) {
		dot = strstr(at, ".c.");
		dot = dot ? dot + 2 : NULL;
	}
	if (dot) {
		*dot = 0;
		r->paths = dot + 1;
	}
	if (!*word || (r->paths && !*r->paths))
		return ka_call_usage(c, "the name of a type%s is missing", *word ? "'s member" : "");
	err = type_choose(r, wanted && *used == 2 ? ka_printf(c->arena, "%s %s", wanted, word) : word);
	if (err)
		return err;
	is = r->info.kind == KA_TYPE_UNION ? "union" : r->info.kind == KA_TYPE_ENUM ? "enum" : r->info.kind == KA_TYPE_STRUCT ? "struct" : NULL;
	if (!strcmp(command, "union") && r->info.kind != KA_TYPE_UNION && *used == 1)
		return ka_error_new(KA_USAGE, "%s is no union%s%s", word, is ? ", but a " : "", is ? is : "");
	if (r->paths && r->info.kind != KA_TYPE_STRUCT && r->info.kind != KA_TYPE_UNION)
		return ka_error_new(KA_USAGE, "%s has no members", word);
	r->shown_name = is ? ka_printf(c->arena, "%s %s", is, word) : ka_strdup(c->arena, word);
	return NULL;
}

static struct ka_error *count_read(struct request *r, const char *word)
{
	bool is_back = word[0] == '-';
	struct ka_error *err = ka_expr_number(NULL, word + is_back, KA_EXPR_DECIMAL, &r->count);

	if (err)
		return ka_error_wrap(err, "'%s' is no count", word);
	if (!r->count || r->count > COUNT_MAX)
		return ka_call_usage(r->c, "a count is 1 to %u, or negative", COUNT_MAX);
	/* the one at the address is the last of them */
	r->before = is_back ? r->count - 1 : 0;
	return NULL;
}

static struct ka_error *source_open(struct request *r)
{
	struct ka_session_files files;

	if (ka_call_has(r->c, "f") && ka_call_has(r->c, "u"))
		return ka_call_usage(r->c, "-f and -u exclude each other");
	if (ka_call_has(r->c, "u"))
		return ka_print_from_user(r->c, &r->how, &r->user);
	if (!ka_call_has(r->c, "f"))
		return NULL;
	ka_session_files(r->c->k, &files);
	r->fd = files.dumps && files.dumps[0] ? open(files.dumps[0], O_RDONLY | O_CLOEXEC) : -1;
	if (r->fd < 0)
		return ka_error_new(KA_IO, "-f: cannot open the dump file: %s", strerror(errno));
	r->how.read = read_file;
	r->how.ctx = &r->fd;
	return NULL;
}

static struct ka_error *all_show(struct request *r, char *word)
{
	struct ka_symbol s;
	ka_addr at;
	struct ka_error *err = ka_print_cpus(r->c, word, r->cpus, &r->has_cpus);

	if (err)
		return err;
	err = ka_parse_address(r->c->k, word, &at);
	if (err)
		return ka_error_wrap(err, "'%s'", word);
	if (!r->has_cpus) {
		if (!ka_error_drop(ka_symbol_find(r->c->k, word, &s)) && s.is_percpu)
			return ka_call_usage(r->c, "'%s' is a per-CPU variable: which CPU's is meant? (%s:0, %s:a)", word, word, word);
		elements_show(r, at, false, 0);
		return NULL;
	}
	for (unsigned cpu = 0; cpu < ka_cpu_count(r->c->k) && !ka_interrupted(); cpu++) {
		uint64_t offset;

		if (!r->cpus[cpu])
			continue;
		err = ka_percpu_offset(r->c->k, cpu, &offset);
		if (err)
			ka_call_fault(r->c, ka_error_wrap(err, "CPU %u", cpu));
		else
			elements_show(r, at + offset, true, cpu);
	}
	return NULL;
}

struct ka_error *ka_struct_run(struct ka_call *c)
{
	bool is_hex = ka_call_has(c, "x"), is_decimal = ka_call_has(c, "d");
	struct request r = { .c = c, .fd = -1, .count = 1, .is_raw = ka_call_has(c, "r"), .is_pointed = ka_call_has(c, "p"),
			     .how = ka_call_print(c, is_hex, is_decimal) };
	struct ka_error *err;
	int used = 0;

	if (!c->argc)
		return ka_call_usage(c, "which type? give its name");
	if (is_hex && is_decimal)
		return ka_call_usage(c, "-d and -x exclude each other");
	r.cpus = ka_alloc(c->arena, ka_cpu_count(c->k) * sizeof(*r.cpus) + 1);
	err = name_read(&r, &used);
	if (!err)
		err = back_read(&r);
	if (!err && ka_call_value(c, "c"))
		err = count_read(&r, ka_call_value(c, "c"));
	if (err)
		return err;
	if (c->argc == used)
		return declaration_show(&r, 0, false);
	ka_words_join_at(c, used);
	if (c->argc > used + 2)
		return ka_call_usage(c, "too many arguments: one address, and a count");
	if (c->argc > used + 1)
		err = count_read(&r, c->argv[used + 1]);
	if (!err)
		err = source_open(&r);
	if (!err)
		err = all_show(&r, c->argv[used]);
	if (r.fd >= 0)
		close(r.fd);
	return err;
}

const struct ka_option ka_struct_options[] = {
	{ "o", NULL, "the offset of each member; with an address the address of each", false },
	{ "l", "OFFSET", "the address is this many bytes behind the start: a number or STRUCT.MEMBER", false },
	{ "c", "COUNT", "so many of them, one behind the other, as COUNT behind the address; negative: the last one is that at the address", false },
	{ "r", NULL, "the bytes, not formatted", false },
	{ "p", NULL, "also what pointers point to, one level deep", false },
	{ "u", NULL, "the address is one of the current task's user memory", false },
	{ "f", NULL, "the address is an offset in the dump file", false },
	{ "x", NULL, "numbers in hexadecimal", false },
	{ "d", NULL, "numbers in decimal", false },
	{ NULL, NULL, NULL, false },
};

const struct ka_command ka_command_struct = {
	.name = "struct",
	.args = "[-dfoprux] [-l OFFSET] [-c COUNT] NAME[.MEMBER[,MEMBER]...] [ADDR[:CPUS] [COUNT]]",
	.brief = "a type's declaration, or what lies at an address in its shape",
	.help =
		"Without an address the declaration of a struct, union, enum or typedef, and its size.\n"
		"With an address what lies there; with members these alone, each reached by a path of\n"
		"names and indices: se.load.weight, cpus_mask.bits[0]. Members of anonymous structs and\n"
		"unions are named as if they were the outer one's.\n"
		"\n"
		"ADDR is a number (hexadecimal), a symbol or an expression as of p; ADDR:CPUS adds the\n"
		"per-CPU offset of each CPU of the list: 0, 1,3-5, a for all, nothing for the current\n"
		"task's. COUNT more of them lie behind one another.\n"
		"\n"
		"Where several source files have a type of that name, all are told and the first is shown;\n"
		"NAME@FILE picks one. A type's name alone, as a command, is the same as struct.\n"
		"\n"
		"Memory that is not in the dump leaves <error: ...> where it was, and the rest is shown.\n"
		"\n"
		"    struct list_head\n"
		"    struct -o task_struct\n"
		"    struct task_struct.pid,comm init_task\n"
		"    struct file.f_path ffff88800420e000\n"
		"    struct rq.nr_running,curr runqueues:a\n"
		"    struct task_struct.pid -l task_struct.tasks ffff8880041c8890\n",
	.options = ka_struct_options,
	.needs = KA_NEED_TYPES,
	.rows = ka_struct_row_types,
	.run = ka_struct_run,
};
