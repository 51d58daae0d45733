/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* gdb: those commands of gdb that people give to crash, answered without one. */
#include <inttypes.h>
#include <kanalyze/local.h>
#include <kanalyze/module.h>
#include <kanalyze/task.h>
#include <kanalyze/unwind.h>
#include "bt_locals.h"
#include "gdb.h"

struct gdb_answer {
	const char *text, *file, *symbol;
	ka_addr addr, end;
	uint32_t line;
};
KA_LINES(gdb_answer, "answers", "{text}",
	KA_COL(gdb_answer, text, KA_TEXT, "the answer, in gdb's words"),
	KA_COLF(gdb_answer, addr, KA_ADDR, KA_ONLY_JSON | KA_ZERO_IS_NONE, "address it is about"),
	KA_COLF(gdb_answer, end, KA_ADDR, KA_ONLY_JSON | KA_ZERO_IS_NONE, "first address behind the line's code"),
	KA_COLF(gdb_answer, symbol, KA_TEXT, KA_ONLY_JSON, "symbol"),
	KA_COLF(gdb_answer, file, KA_TEXT, KA_ONLY_JSON, "source file"),
	KA_COLF(gdb_answer, line, KA_UINT, KA_ONLY_JSON | KA_ZERO_IS_NONE, "line in it"));

static void answer(struct ka_call *c, const char *text)
{
	struct gdb_answer row = { .text = text };

	ka_out_row(c->out, &ka_rows_gdb_answer, &row);
}

static struct ka_print print_style(struct ka_call *c, const char *format)
{
	const char *radix = ka_call_setting(c, "radix"), *max = ka_call_setting(c, "print_max"), *array = ka_call_setting(c, "print_array");
	uint64_t n;

	return (struct ka_print){
		.radix = !*format && radix && !strcmp(radix, "16") ? 16 : 10,
		.elements_max = max && ka_parse_number(max, true, &n) ? (unsigned)n : 0,
		.one_a_line = array && !strcmp(array, "on"),
	};
}

static struct ka_error *evaluate(struct ka_call *c, const char *text, struct ka_value *ret)
{
	struct ka_expr *e;
	struct ka_error *err = ka_expr_parse(c->arena, text, 0, &e);

	return err ? err : ka_expr_eval(e, c->k, NULL, ret);
}

/* print[/x] EXPR, output[/x] EXPR */
static struct ka_error *print(struct ka_call *c, const char *format, const char *text, bool is_numbered)
{
	struct ka_print how = print_style(c, format);
	struct ka_str s = {0};
	struct ka_value v;
	size_t n = strlen(format);
	struct ka_error *err;

	if (n && (n > 1 || !strchr("xduotzcasf", *format)))
		return ka_call_usage(c, "there is no format /%s: x, d, u, o, t (binary), z, c, a (symbol), s and f", format);
	how.format = n ? *format : how.format;
	err = evaluate(c, text, &v);
	if (err)
		return err;
	err = ka_value_text(c->k, &v, &how, true, &s);
	if (s.len && is_numbered)
		answer(c, ka_printf(c->arena, "$%u = %s", ka_call_keep_value(c, &v), s.p));
	else if (s.len)
		answer(c, ka_strdup(c->arena, s.p));
	ka_str_free(&s);
	return err;
}

/* ptype opens a struct, whatis names the type. */
static struct ka_error *type(struct ka_call *c, const char *format, const char *text, bool is_open)
{
	struct ka_type t;
	struct ka_str s = {0};
	struct ka_value v;
	struct ka_error *err = ka_type_find(c->k, text, &t);

	if (ka_error_drop(err)) {
		err = evaluate(c, text, &v);
		if (err)
			return err;
		t = v.type;
	}
	err = NULL;
	if (is_open && strchr(format, 'o') && ka_gdb_offsets(c, &t, &s)) {
		answer(c, ka_strdup(c->arena, s.p));
		ka_str_free(&s);
		return NULL;
	}
	ka_str_add(&s, "type = ");
	if (is_open) {
		struct ka_type_info info;
		struct ka_type plain = ka_type_strip(c->k, &t, &info);

		if (info.kind == KA_TYPE_STRUCT || info.kind == KA_TYPE_UNION || info.kind == KA_TYPE_ENUM)
			err = ka_type_declaration(c->k, &plain, NULL, 0, 0, &s);
		else
			ka_type_text(c->k, &plain, NULL, &s);
	} else {
		ka_type_text(c->k, &t, NULL, &s);
	}
	if (!err) {
		char *text_only = ka_strdup(c->arena, s.p), *size = strstr(text_only, "\nSIZE: ");

		if (size)	/* crash's struct has it, gdb's ptype has not */
			*size = 0;
		answer(c, text_only);
	}
	ka_str_free(&s);
	return err;
}

static void load_module(struct ka_call *c, ka_addr addr)
{
	const struct ka_module *m = ka_module_at(c->k, addr);

	if (m)
		ka_error_drop(ka_module_load(c->k, m, NULL, NULL));
}

static struct ka_error *info_line(struct ka_call *c, const char *text)
{
	struct gdb_answer row = {0};
	const char *colon = strrchr(text, ':'), *from, *to;
	struct ka_source s, next;
	struct ka_symbol function;
	ka_addr limit;
	uint64_t n;
	struct ka_error *err;

	if (colon && ka_parse_number(colon + 1, true, &n) && strchr(text, '.'))
		err = ka_source_address(c->k, ka_strndup(c->arena, text, (size_t)(colon - text)), (unsigned)n, &row.addr, &row.end);
	else
		err = ka_gdb_address(c, text, &row.addr);
	if (err)
		return err;
	load_module(c, row.addr);
	if (!ka_source_at(c->k, row.addr, &s)) {
		answer(c, ka_printf(c->arena, "No line number information available for address 0x%" PRIx64 "%s%s", row.addr,
				    ka_place_text(c, row.addr, false) ? " " : "", ka_place_text(c, row.addr, false) ? ka_place_text(c, row.addr, false) : ""));
		return NULL;
	}
	/* to where the next line begins */
	limit = ka_function_at(c->k, row.addr, &function, &limit) ? limit : row.addr + 1;
	for (row.end = row.addr + 1; row.end < limit; row.end++)
		if (!ka_source_at(c->k, row.end, &next) || next.line != s.line || strcmp(next.file, s.file))
			break;
	from = ka_place_text(c, row.addr, false);
	to = ka_place_text(c, row.end, false);
	row.file = s.file;
	row.line = s.line;
	row.text = ka_printf(c->arena, "Line %u of \"%s\" starts at address 0x%" PRIx64 " %s and ends at 0x%" PRIx64 " %s.", s.line, s.name, row.addr,
			     from ? from : "", row.end, to ? to : "");
	ka_out_row(c->out, &ka_rows_gdb_answer, &row);
	return NULL;
}

static struct ka_error *info_symbol(struct ka_call *c, const char *text)
{
	struct gdb_answer row = {0};
	struct ka_symbol s;
	uint64_t offset;
	struct ka_error *err = ka_gdb_address(c, text, &row.addr);

	if (err)
		return err;
	if (!ka_symbol_at(c->k, row.addr, &s, &offset)) {
		answer(c, ka_printf(c->arena, "No symbol matches %s.", text));
		return NULL;
	}
	row.symbol = s.name;
	row.text = ka_printf(c->arena, offset ? "%s + %" PRIu64 "%s%s%s" : "%s%.0" PRIu64 "%s%s%s", s.name, offset,
			     s.module ? " of module " : strchr("tT", s.type) ? " in section .text" : "", s.module ? s.module : "", "");
	ka_out_row(c->out, &ka_rows_gdb_answer, &row);
	return NULL;
}

static struct ka_error *info_address(struct ka_call *c, const char *name)
{
	struct gdb_answer row = {0};
	struct ka_symbol s;
	struct ka_error *err = ka_symbol_find(c->k, name, &s);

	if (err)
		return err;
	row.addr = s.addr;
	row.symbol = s.name;
	row.text = ka_printf(c->arena, "Symbol \"%s\" is %s at address 0x%" PRIx64 ".", s.name, strchr("tTwW", s.type) ? "a function" : "static storage",
			     s.addr);
	ka_out_row(c->out, &ka_rows_gdb_answer, &row);
	return NULL;
}

/* Of the task in the context: of the frame that was chosen, else of the one that most is known of. */
static struct ka_error *info_registers(struct ka_call *c, const char *which)
{
	struct ka_stack stack = {0};
	struct ka_error *err = ka_unwind_task(c->k, ka_call_task(c), c->arena, &stack);
	static const uint8_t gdb_order[] = { 0, 3, 2, 1 };	/* DWARF has rax, rdx, rcx, rbx */
	const struct ka_frame *at;
	const char *first = ka_reg_name(c->k, 0);
	bool is_x86 = first && !strcmp(first, "rax"), is_any = false;
	uint32_t level;
	size_t chosen;

	ka_error_drop(stack.err);
	if (err)
		return err;
	if (!stack.count)
		return ka_error_new(KA_NOT_FOUND, "no frame: %s", stack.note ? stack.note : "the registers are not known");
	if (ka_call_frame(c, &level) && ka_stack_level(&stack, level, &chosen)) {
		ka_stack_registers(c->k, &stack);
		at = &stack.frames[chosen];
	} else {
		/* what kdump saved is of a frame some calls up from the innermost */
		at = stack.frames;
		for (size_t i = 0; i < stack.count && i < 8; i++)
			if (__builtin_popcountll(stack.frames[i].state.known) > __builtin_popcountll(at->state.known))
				at = &stack.frames[i];
	}
	for (unsigned i = 0; i < KA_REGS_MAX; i++) {
		unsigned r = is_x86 && i < KA_COUNT(gdb_order) ? gdb_order[i] : i;
		const char *name = ka_reg_name(c->k, r), *place;
		uint64_t v = at->state.value[r];
		bool is_pointer;

		if (!name)
			break;
		is_pointer = is_x86 ? strstr("rip rsp rbp", name) != NULL : r >= 31;
		if (*which && strcmp(which, name) && strcmp(which[0] == '$' ? which + 1 : which, name))
			continue;
		is_any = true;
		if (!(at->state.known >> r & 1)) {
			answer(c, ka_printf(c->arena, "%-14s <unavailable>", name));
			continue;
		}
		place = is_pointer ? ka_place_text(c, v, false) : NULL;
		answer(c, is_pointer ? ka_printf(c->arena, "%-14s 0x%-16" PRIx64 " 0x%" PRIx64 "%s%s", name, v, v, place ? " " : "", place ? place : "") :
			  ka_printf(c->arena, "%-14s 0x%-16" PRIx64 " %" PRId64, name, v, (int64_t)v));
	}
	return is_any ? NULL : ka_error_new(KA_NOT_FOUND, "there is no register '%s'", which);
}

/* Of the frame that faulted, or the innermost one; inlined functions are frames of their own, as in gdb. */
static struct ka_error *info_variables(struct ka_call *c, enum ka_local_kinds kinds)
{
	struct ka_stack stack = {0};
	struct ka_locals l;
	size_t frame = 0;
	struct ka_error *err = ka_unwind_task(c->k, ka_call_task(c), c->arena, &stack);

	ka_error_drop(stack.err);
	if (err)
		return err;
	if (!stack.count)
		return ka_error_new(KA_NOT_FOUND, "no frame: %s", stack.note ? stack.note : "the registers are not known");
	for (size_t i = 0; i + 1 < stack.count; i++) {
		if (stack.frames[i].regs && !stack.frames[i].regs->is_user) {
			frame = i + 1;
			break;
		}
	}
	err = ka_locals_read(c->k, &stack, frame, c->arena, &l);
	if (!err && !ka_put_locals(c, &l, KA_ALL_LEVELS, kinds))
		answer(c, kinds == KA_LOCAL_ARGUMENTS ? "No arguments." : "No locals.");
	return err;
}

static struct ka_error *info_locals(struct ka_call *c, const char *text)
{
	(void)text;
	return info_variables(c, KA_LOCAL_VARIABLES);
}

static struct ka_error *info_args(struct ka_call *c, const char *text)
{
	(void)text;
	return info_variables(c, KA_LOCAL_ARGUMENTS);
}

static struct ka_error *info_scope(struct ka_call *c, const char *text)
{
	struct ka_str s = {0};
	struct ka_error *err = ka_gdb_scope(c, text, &s);

	if (!err)
		answer(c, ka_strdup(c->arena, s.p));
	ka_str_free(&s);
	return err;
}

/* A row ends its line by itself. */
static struct ka_error *formatted(struct ka_call *c, const char *text)
{
	struct ka_str s = {0};
	struct ka_error *err = ka_gdb_printf(c, text, &s);

	if (s.len && s.p[s.len - 1] == '\n')
		s.p[--s.len] = 0;
	if (!err)
		answer(c, ka_strdup(c->arena, s.p ? s.p : ""));
	ka_str_free(&s);
	return err;
}

static struct ka_error *info(struct ka_call *c, const char *text)
{
	static const struct { const char *name; struct ka_error *(*run)(struct ka_call *c, const char *text); bool is_alone; } kinds[] = {
		{ "line", info_line }, { "symbol", info_symbol }, { "address", info_address }, { "registers", info_registers, true },
		{ "locals", info_locals, true }, { "args", info_args, true }, { "scope", info_scope },
	};
	size_t n = strcspn(text, " ");
	const char *rest = text + n + strspn(text + n, " ");

	for (size_t i = 0; i < KA_COUNT(kinds); i++) {
		if (!n || strncmp(kinds[i].name, text, n))
			continue;
		if (!*rest && !kinds[i].is_alone)
			return ka_call_usage(c, "info %s needs an argument", kinds[i].name);
		return kinds[i].run(c, rest);
	}
	return ka_error_new(KA_UNSUPPORTED, "info %.*s is not answered: info line, symbol, address, scope, registers, locals and args are; 'sym', 'line', 'bt' and 'struct' tell more",
			    (int)n, text);
}

/* list FUNCTION | FILE:LINE | *ADDR: ten lines around. */
static struct ka_error *list(struct ka_call *c, const char *text)
{
	const char *colon = strrchr(text, ':');
	struct ka_source s;
	struct ka_source_text t;
	ka_addr addr, end;
	uint64_t n;
	struct ka_error *err;

	if (!*text)
		return ka_call_usage(c, "list needs a function, FILE:LINE or *ADDR");
	if (colon && ka_parse_number(colon + 1, true, &n))
		err = ka_source_address(c->k, ka_strndup(c->arena, text, (size_t)(colon - text)), (unsigned)n, &addr, &end);
	else
		err = ka_gdb_address(c, text, &addr);
	if (err)
		return err;
	load_module(c, addr);
	if (!ka_source_at(c->k, addr, &s))
		return ka_error_at(KA_NOT_FOUND, KA_SPACE_VIRT, addr, "there is no line information for 0x%" PRIx64, addr);
	err = ka_source_open(c, &s, &t);
	if (err)
		return err;
	ka_source_show(c, &t, s.line > 5 ? s.line - 5 : 1, s.line > 5 ? s.line + 4 : 10, 0);
	return NULL;
}

/* disassemble[/rms] FUNCTION | START,END | START,+LENGTH */
static struct ka_error *disassemble(struct ka_call *c, const char *flags, const char *text)
{
	bool with_bytes = strchr(flags, 'r'), with_source = strchr(flags, 's') || strchr(flags, 'm');
	char *start = ka_strdup(c->arena, text), *comma = strchr(start, ',');
	struct ka_source last = {0}, s;
	struct ka_symbol f;
	struct ka_code *code;
	ka_addr at, end, func_end;
	struct ka_error *err;

	if (comma)
		*comma++ = 0;
	err = ka_gdb_address(c, start, &at);
	if (err)
		return err;
	bool has_function = ka_function_at(c->k, at, &f, &func_end);

	if (comma) {
		comma += strspn(comma, " ");
		err = ka_gdb_address(c, comma + (*comma == '+'), &end);
		if (err)
			return err;
		if (*comma == '+')
			end += at;
	} else {
		if (!has_function)
			return ka_error_new(KA_NOT_FOUND, "No function contains specified address.");
		at = f.addr;
		end = func_end;
	}
	if (end <= at || end - at > 4u << 20)
		return ka_call_usage(c, "0x%" PRIx64 " to 0x%" PRIx64 " is no range to disassemble", at, end);
	err = ka_call_code(c, false, &code);
	if (err)
		return err;
	load_module(c, at);
	answer(c, comma ? ka_printf(c->arena, "Dump of assembler code from 0x%" PRIx64 " to 0x%" PRIx64 ":", at, end) :
			  ka_printf(c->arena, "Dump of assembler code for function %s:", f.name));
	while (at < end && !ka_interrupted()) {
		uint8_t bytes[KA_INSN_BYTES];
		bool is_file;
		struct ka_error *why = NULL;
		size_t n = ka_text_read(c->k, at, bytes, sizeof(bytes), &is_file, &why);
		struct ka_str line = {0};
		struct ka_insn i;
		uint64_t offset;

		if (!n) {
			err = why;
			break;
		}
		ka_error_free(why);
		ka_code_decode(code, bytes, n, at, &i);
		if (with_source && ka_source_at(c->k, at, &s) && (!last.file || last.line != s.line || strcmp(last.file, s.file))) {
			answer(c, ka_printf(c->arena, "%s:%u", s.name, s.line));
			last = s;
		}
		ka_str_printf(&line, "   0x%" PRIx64, at);
		if (ka_symbol_at(c->k, at, &f, &offset))
			ka_str_printf(&line, " <%s+%" PRIu64 ">", comma ? f.name : "", offset);
		ka_str_add(&line, ":\t");
		for (unsigned b = 0; with_bytes && b < i.size; b++)
			ka_str_printf(&line, b ? " %02x" : "%02x", i.bytes[b]);
		ka_str_printf(&line, "%s%s", with_bytes ? "\t" : "", ka_insn_full_text(c, &i, false));
		answer(c, ka_strdup(c->arena, line.p));
		ka_str_free(&line);
		at += i.size;
	}
	if (!err)
		answer(c, "End of assembler dump.");
	ka_code_close(code);
	return err;
}

static struct ka_error *run(struct ka_call *c)
{
	static const struct { const char *word, *instead; } others[] = {
		{ "bt", "bt" }, { "backtrace", "bt" }, { "where", "bt" }, { "frame", "frame" }, { "up", "up" }, { "down", "down" }, { "thread", "set" }, { "set", "set" }, { "break", "" },
		{ "run", "" }, { "step", "" }, { "next", "" }, { "continue", "" }, { "source", "-i FILE" }, { "help", "help" },
		{ "add-symbol-file", "mod -s" }, { "find", "search" },
	};
	char *text, *rest, *format;
	const char *word;
	size_t n;

	text = ka_strdup(c->arena, ka_call_text(c));
	text += strspn(text, " \t");
	for (n = strlen(text); n && (text[n - 1] == ' ' || text[n - 1] == '\t'); n--)
		text[n - 1] = 0;
	if (!*text)
		return ka_call_usage(c, "gdb needs one of its commands");
	/* "x/4xg ADDR", "disassemble /r ADDR" */
	n = strcspn(text, " /");
	word = ka_strndup(c->arena, text, n);
	rest = text + n + strspn(text + n, " ");
	format = "";
	if (*rest == '/') {
		format = rest + 1;
		rest += strcspn(rest, " ");
		if (*rest)
			*rest++ = 0;
		rest += strspn(rest, " ");
	}
	if (!strcmp(word, "x"))
		return *rest ? ka_gdb_examine(c, format, rest) : ka_call_usage(c, "x needs an address");
	if (!strcmp(word, "info") || !strcmp(word, "i"))
		return info(c, rest);
	if (!strcmp(word, "list") || !strcmp(word, "l"))
		return list(c, rest);
	if (!strncmp(word, "disas", 5) && *rest)
		return disassemble(c, format, rest);
	if (*rest && (!strcmp(word, "p") || !strcmp(word, "print") || !strcmp(word, "inspect")))
		return print(c, format, rest, true);
	if (!strcmp(word, "printf"))
		return formatted(c, rest);
	if (*rest && !strcmp(word, "output"))
		return print(c, format, rest, false);
	if (*rest && (!strcmp(word, "ptype") || !strcmp(word, "whatis")))
		return type(c, format, rest, word[0] == 'p');
	if (!strcmp(word, "echo")) {
		size_t len = strlen(rest);

		if (len > 1 && !strcmp(rest + len - 2, "\\n"))
			rest[len - 2] = 0;
		answer(c, rest);
		return NULL;
	}
	for (size_t i = 0; i < KA_COUNT(others); i++)
		if (!strcmp(word, others[i].word))
			return ka_error_new(KA_UNSUPPORTED, *others[i].instead ? "there is no gdb inside: for '%s' see '%s'" :
					    "there is no gdb inside, and nothing to %s: the kernel is dead", word, others[i].instead);
	return ka_error_new(KA_UNSUPPORTED, "there is no gdb inside: of its commands print, output, printf, ptype, whatis, x, list, disassemble, echo and info "
			    "line, symbol, address, scope, registers, locals, args are answered; 'help' lists ours");
}

static const struct ka_rows *const rows[] = { &ka_rows_gdb_answer, &ka_rows_of_gdb_memory, &ka_rows_of_source, &ka_rows_of_local, NULL };

const struct ka_command ka_command_gdb = {
	.name = "gdb",
	.args = "COMMAND [ARGUMENT]...",
	.brief = "commands of gdb, answered without one",
	.help =
		"print, output, printf, ptype (/o: offsets, sizes and holes), whatis, x/FORMAT, list, disassemble, echo, and info\n"
		"line, info symbol, info address, info scope and info registers (of the task in the context) are answered as gdb would; info locals and info args\n"
		"tell of its frame that faulted, else of the innermost one ('bt -V': of all).\n"
		"Expressions and numbers are as in C. x takes a count, a format of xduotacfsiz and a size of\n"
		"bhwg. Words that are no commands here (print, output, ptype, info, x/FORMAT, disassemble ...) may be given without 'gdb'.\n"
		"\n"
		"    gdb x/4xg &init_task\n"
		"    gdb x/8i schedule\n"
		"    gdb info line *0xffffffff812ae3a9\n"
		"    gdb disassemble /r schedule,+32\n",
	.needs = KA_RAW_ARGS | KA_NEED_SYMBOLS,
	.rows = rows,
	.run = run,
};
