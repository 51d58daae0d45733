/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dis: instructions, as they lay in the dump's memory. */
#include <inttypes.h>
#include <kanalyze/expr.h>
#include <kanalyze/module.h>
#include <kanalyze/task.h>
#include "dis.h"
#include "words.h"

#define CODE_MAX (4u << 20)	/* bytes disassembled at once */
#define LIST_BEFORE 5		/* source lines before the one of the address */

struct dis_row {
	ka_addr addr;
	const char *where, *function, *bytes, *text, *name, *original, *from, *file, *symbol, *mark;
	uint64_t offset;
	ka_addr target, address;
	bool has_function, has_target, has_address, patched, is_compared, has_line;
	uint32_t line;
};
KA_LINES(dis_row, "instructions", "{where}:\t{text}{mark? %}",
	KA_COL(dis_row, addr, KA_ADDR, "of the instruction"),
	KA_COLF(dis_row, where, KA_TEXT, KA_ONLY_TEXT, "address and place"),
	KA_COL(dis_row, function, KA_TEXT, "function it is in"),
	KA_COL_IF(dis_row, offset, KA_UINT, has_function, "bytes from the start of the function"),
	KA_COLF(dis_row, bytes, KA_TEXT, KA_ONLY_JSON, "the instruction's bytes, hex"),
	KA_COL(dis_row, text, KA_TEXT, "the instruction, symbols behind its addresses"),
	KA_COLF(dis_row, name, KA_TEXT, KA_ONLY_JSON, "its mnemonic"),
	{ "target", offsetof(struct dis_row, target), 8, KA_ADDR, KA_ONLY_JSON, offsetof(struct dis_row, has_target), NULL,
	  "where a direct call, jump or branch leads" },
	{ "address", offsetof(struct dis_row, address), 8, KA_ADDR, KA_ONLY_JSON, offsetof(struct dis_row, has_address), NULL,
	  "what an operand relative to the instruction (aarch64: adrp and what adds to it) comes to" },
	KA_COLF(dis_row, symbol, KA_TEXT, KA_ONLY_JSON, "symbol of target or address, with its offset"),
	{ "patched", offsetof(struct dis_row, patched), 1, KA_BOOL, KA_ONLY_JSON, offsetof(struct dis_row, is_compared), NULL,
	  "did the running kernel change it (alternatives, ftrace, static calls, jump labels)? null: vmlinux does not tell" },
	KA_COLF(dis_row, original, KA_TEXT, KA_ONLY_JSON, "then: the instruction of vmlinux at this address"),
	KA_COLF(dis_row, from, KA_TEXT, KA_ONLY_JSON, "where the bytes are from: dump, or vmlinux when the dump lacks them"),
	KA_COLF(dis_row, file, KA_TEXT, KA_ONLY_JSON, "source file (-l)"),
	{ "line", offsetof(struct dis_row, line), 4, KA_UINT, KA_ONLY_JSON, offsetof(struct dis_row, has_line), NULL, "and line (-l)" },
	KA_COLF(dis_row, mark, KA_TEXT, KA_ONLY_TEXT, "[FTRACE NOP], [was: ...]"));

struct dis_place { const char *file, *source; uint32_t line; };
KA_LINES(dis_place, "places", "FILE: {file}\nLINE: {line}\n",
	KA_COL(dis_place, file, KA_TEXT, "source file, below the directory the kernel was built in"),
	KA_COL(dis_place, line, KA_UINT, "line"),
	KA_COLF(dis_place, source, KA_TEXT, KA_ONLY_JSON, "the file on this machine"));

struct request {
	struct ka_call *c;
	struct ka_code *code;
	const char *arg;
	ka_addr addr, start, end;	/* what to decode: [start, end), or up to count */
	ka_addr from;			/* shown is what ends behind it */
	uint64_t count;			/* 0: all up to end */
	bool is_user, is_hex, is_reverse, is_forward, has_lines, has_original, has_function;
	ka_addr mm;
	unsigned skipped;		/* bytes behind ud2 */
	struct ka_symbol function;
	struct ka_source last;
};

static size_t read_code(const struct request *r, ka_addr at, uint8_t *ret, size_t size, bool *ret_from_file, struct ka_error **err)
{
	*ret_from_file = false;
	if (r->is_user)
		return ka_read_user(r->c->k, r->mm, at, ret, size, err);
	if (ka_is_given_away(r->c->k, at)) {
		size_t n = ka_text_original(r->c->k, at, ret, size);

		*ret_from_file = n > 0;
		if (n)
			return n;
	}
	return ka_text_read(r->c->k, at, ret, size, ret_from_file, err);
}

static void show_lines(struct request *r, struct dis_row *row)
{
	struct ka_source s;

	if (!ka_source_at(r->c->k, row->addr, &s))
		return;
	row->file = s.file;
	row->line = s.line;
	row->has_line = true;
	if (!r->last.file || r->last.line != s.line || strcmp(r->last.file, s.file))
		ka_out_note(r->c->out, "%s: %u", s.file, s.line);
	r->last = s;
}

static void compare(struct request *r, const struct ka_insn *i, struct dis_row *row)
{
	uint8_t original[32];
	size_t n = ka_text_original(r->c->k, i->addr, original, sizeof(original));
	struct ka_code *code;
	struct ka_insn was;

	row->is_compared = n >= i->size;
	row->patched = row->is_compared && ka_text_is_patched(r->c->k, i, original, n);
	if (!row->patched || ka_error_drop(ka_call_code(r->c, ka_call_has(r->c, "intel"), &code)))
		return;
	/* operands of the file are relative to where it was linked: decoded as if it lay here, they come out right */
	if (ka_code_decode(code, original, n, i->addr, &was))
		row->original = ka_insn_full_text(r->c, &was, r->is_hex);
	ka_code_close(code);
}

static void show(struct request *r, const struct ka_insn *i, bool is_from_file)
{
	struct ka_call *c = r->c;
	struct ka_str bytes = {0};
	struct dis_row row = { .addr = i->addr, .name = i->name, .from = is_from_file ? "vmlinux" : "dump" };
	const char *place = r->is_user ? NULL : ka_place_text(c, i->addr, r->is_hex);
	struct ka_symbol s;
	bool is_text = ka_out_is_text(c->out);

	row.where = place ? ka_printf(c->arena, "0x%" PRIx64 " %s", i->addr, place) : ka_printf(c->arena, "   0x%" PRIx64, i->addr);
	if (!r->is_user && ka_symbol_at(c->k, i->addr, &s, &row.offset)) {
		row.function = s.name;
		row.has_function = true;
	}
	row.text = ka_insn_full_text(c, i, r->is_hex);
	if (i->has_target || i->has_address) {
		const char *symbol = ka_insn_place_text(c, i, r->is_hex);

		row.symbol = symbol ? ka_strndup(c->arena, symbol + 1, strlen(symbol) - 2) : NULL;
	}
	row.target = i->target;
	row.has_target = i->has_target;
	row.address = i->address;
	row.has_address = i->has_address && !i->has_target;
	if (!is_text) {
		for (unsigned n = 0; n < i->size; n++)
			ka_str_printf(&bytes, "%02x", i->bytes[n]);
		row.bytes = bytes.p;
	}
	if (!r->is_user && (!is_text || r->has_original))
		compare(r, i, &row);
	if (r->has_lines)
		show_lines(r, &row);
	/* what ftrace leaves of the call at the head of a function that is not traced */
	if (row.has_function && i->size == 5 && !memcmp(i->bytes, "\x0f\x1f\x44\x00\x00", 5) && !row.offset)
		row.mark = "[FTRACE NOP]";
	if (r->has_original && row.patched && row.original)
		row.mark = ka_printf(c->arena, "%s%s[was: %s]", row.mark ? row.mark : "", row.mark ? " " : "", row.original);
	ka_out_row(c->out, &ka_rows_dis_row, &row);
	ka_str_free(&bytes);
}

/* Instructions from r->start; those before the last keep ones are dropped with -r and a count. */
static struct ka_error *walk(struct request *r)
{
	size_t size = r->end > r->start ? (size_t)KA_MIN(r->end - r->start, (uint64_t)CODE_MAX) : 0;
	uint64_t shown = 0, total = 0, skip = 0;
	struct ka_error *err = NULL;
	struct ka_insn i;
	bool is_file_told = false;

	/* backwards with a count: the first pass counts */
	for (int pass = r->is_reverse && r->count ? 0 : 1; pass < 2 && !err; pass++) {
		ka_addr at = r->start;

		ka_code_restart(r->code);
		while (at < r->start + size && !err && !(pass && r->count && !r->is_reverse && shown >= r->count)) {
			uint8_t bytes[4096];
			bool is_from_file;
			size_t n = read_code(r, at, bytes, KA_MIN(sizeof(bytes), r->start + size + KA_INSN_BYTES - at), &is_from_file, &err), used = 0;

			if (n)
				ka_error_free(err), err = NULL;
			if (is_from_file && !is_file_told && pass) {
				is_file_told = true;
				ka_call_fault(r->c, ka_error_at(KA_EXCLUDED, KA_SPACE_VIRT, at, "0x%" PRIx64 ": %s: what follows "
								"comes from vmlinux, without what the kernel patched", at,
								ka_is_given_away(r->c->k, at) ? "__init code, whose memory was given away after boot" :
								"not in the dump"));
			}
			/* what is cut by the end of the piece is read again, as the start of the next */
			while (used < n && at < r->start + size && (n - used >= KA_INSN_BYTES || n < sizeof(bytes))) {
				if (pass && r->count && !r->is_reverse && shown >= r->count)
					break;
				ka_code_decode(r->code, bytes + used, n - used, at, &i);
				/* behind a page's end something else may go on */
				if (i.kind == KA_INSN_BAD && n - used < KA_INSN_BYTES && used && at + (n - used) < r->start + size)
					break;
				if (!pass)
					total++;
				else if (skip)
					skip--;
				else if (at + i.size > r->from) {
					show(r, &i, is_from_file);
					shown++;
				}
				used += i.size;
				at += i.size;
				if (r->skipped && i.size == 2 && i.bytes[0] == 0x0f && i.bytes[1] == 0x0b) {
					used += r->skipped;
					at += r->skipped;
				}
				if (ka_interrupted())
					err = ka_error_new(KA_INTERRUPTED, "interrupted");
			}
			if (n && !used) {	/* not even one instruction fits before the unreadable */
				ka_code_decode(r->code, bytes, n, at, &i);
				if (pass && !skip) {
					show(r, &i, is_from_file);
					shown++;
				}
				total += !pass;
				at += i.size;
			}
		}
		if (!pass)
			skip = total > r->count ? total - r->count : 0;
	}
	return err;
}

/* Where the source of a module's code lies is in its debuginfo. */
static void load_module(struct ka_call *c, ka_addr addr)
{
	const struct ka_module *m = ka_module_at(c->k, addr);

	if (m)
		ka_error_drop(ka_module_load(c->k, m, NULL, NULL));
}

static struct ka_error *list_source(struct request *r)
{
	struct ka_call *c = r->c;
	struct ka_source s;
	struct ka_source_text t;
	struct dis_place row;
	struct ka_error *err;
	size_t last;

	if (!ka_source_at(c->k, r->addr, &s))
		return ka_error_at(KA_NOT_FOUND, KA_SPACE_VIRT, r->addr, "%s: there is no line information for 0x%" PRIx64, r->arg, r->addr);
	err = ka_source_open(c, &s, &t);
	row = (struct dis_place){ .file = s.name, .line = s.line, .source = t.path };
	ka_out_row(c->out, &ka_rows_dis_place, &row);
	if (err)
		return ka_error_wrap(err, "%s", r->arg);
	last = r->count ? s.line + r->count : r->has_function ? ka_source_last_line(c->k, r->function.addr, r->end, s.file) : 0;
	ka_source_show(c, &t, s.line > LIST_BEFORE ? s.line - LIST_BEFORE : 1, KA_MAX(last, (size_t)s.line), s.line);
	return NULL;
}

static struct ka_error *user_space(struct request *r)
{
	struct ka_call *c = r->c;
	struct ka_task t;
	struct ka_error *err = ka_task_read(c->k, ka_call_task(c), &t);

	if (err)
		return ka_error_wrap(err, "the current task");
	if (!t.mm)
		return ka_error_new(KA_NOT_FOUND, "the current task (pid %d) has no user memory", t.pid);
	r->mm = t.mm;
	r->is_reverse = r->has_lines = false;
	return NULL;
}

/* From where to where. */
static struct ka_error *extent(struct request *r, bool is_symbol)
{
	struct ka_call *c = r->c;
	uint64_t count_bytes;

	if (r->is_user) {
		r->start = r->addr;
		if (!r->count)
			r->count = 1;
		r->end = r->addr + KA_MIN(r->count, (uint64_t)CODE_MAX / KA_INSN_BYTES) * KA_INSN_BYTES;
		return NULL;
	}
	r->has_function = ka_function_at(c->k, r->addr, &r->function, &r->end);
	if ((r->is_reverse || r->is_forward) && !r->has_function)
		return ka_error_at(KA_NOT_FOUND, KA_SPACE_VIRT, r->addr, "%s: 0x%" PRIx64 " lies in no function: where it would %s is unknown", r->arg,
				   r->addr, r->is_reverse ? "start" : "end");
	/* from the function's start: an address within an instruction means that one */
	r->start = r->is_reverse || r->is_forward ? r->function.addr : r->addr;
	r->from = r->is_forward ? r->addr : 0;
	if (r->is_reverse) {
		r->end = r->addr + 1;	/* the instruction there is the last */
	} else if (!r->is_forward && (!is_symbol || r->count || !r->has_function)) {
		if (!r->count)
			r->count = 1;
		count_bytes = KA_MIN(r->count, (uint64_t)CODE_MAX / KA_INSN_BYTES) * KA_INSN_BYTES;
		r->end = r->start + KA_MIN(count_bytes, UINT64_MAX - r->start);
	}
	return NULL;
}

static struct ka_error *parse_count(struct request *r)
{
	struct ka_call *c = r->c;

	if (c->argc > 2)
		return ka_call_usage(c, "too many arguments: put an expression with blanks into parentheses");
	if (c->argc == 2 && (ka_error_drop(ka_expr_number(NULL, c->argv[1], KA_EXPR_DECIMAL, &r->count)) || !r->count))
		return ka_call_usage(c, "'%s' is no count of instructions", c->argv[1]);
	return NULL;
}

/* -b [N]: crash skips what BUG() put behind ud2 before 2.6.20. True: there is nothing more to do. */
static bool skip_bytes(struct request *r)
{
	struct ka_call *c = r->c;
	const char *value = ka_call_value(c, "b");
	uint64_t n;

	if (!ka_call_has(c, "b"))
		return false;
	if (!value && c->argc && ka_parse_number(c->argv[0], true, &n) && n < 64) {
		value = c->argv[0];
		c->argc--;
		c->argv++;
	}
	if (value && ka_parse_number(value, true, &n) && n < 64)
		r->skipped = (unsigned)n;
	if (!c->argc)
		ka_out_note(c->out, "encoded bytes being skipped after ud2a: %u", r->skipped);
	return !c->argc;
}

static struct ka_error *run(struct ka_call *c)
{
	const char *radix = ka_call_setting(c, "radix");
	struct request r = {
		.c = c,
		.is_user = ka_call_has(c, "u"),
		.is_reverse = ka_call_has(c, "r"),
		.is_forward = ka_call_has(c, "f"),
		.has_lines = ka_call_has(c, "l"),
		.has_original = ka_call_has(c, "patched"),
		.is_hex = ka_call_has(c, "x") || (radix && !strcmp(radix, "16") && !ka_call_has(c, "d")),
	};
	struct ka_symbol s;
	struct ka_error *err;
	bool is_symbol;

	if (skip_bytes(&r))
		return NULL;
	if (!c->argc)
		return ka_call_usage(c, "dis needs an address or a symbol");
	if (ka_call_has(c, "x") && ka_call_has(c, "d"))
		return ka_call_usage(c, "-x and -d exclude each other");
	if (r.is_reverse && r.is_forward)
		return ka_call_usage(c, "-r and -f exclude each other");
	ka_words_join_at(c, 0);
	err = parse_count(&r);
	if (err)
		return err;
	r.arg = c->argv[0];
	is_symbol = !r.is_user && !ka_error_drop(ka_symbol_find(c->k, r.arg, &s));
	if (is_symbol) {
		r.addr = s.addr;
		ka_words_twins(c, r.arg);
	}
	if (!is_symbol)
		err = ka_error_wrap(ka_expr_number(c->k, r.arg, KA_EXPR_HEX | KA_EXPR_ADDRESSES, &r.addr), "'%s'", r.arg);
	if (!err && !r.is_user && !ka_is_kernel_addr(c->k, r.addr))
		err = ka_error_at(KA_USAGE, KA_SPACE_VIRT, r.addr, "%s: 0x%" PRIx64 " is no kernel address; -u takes those of the current task", r.arg,
				  r.addr);
	if (!err && r.is_user)
		err = user_space(&r);
	if (!err)
		err = extent(&r, is_symbol);
	if (err)
		return err;
	if (!r.is_user && (r.has_lines || ka_call_has(c, "s")))
		load_module(c, r.addr);
	if (ka_call_has(c, "s"))
		return list_source(&r);
	err = ka_call_code(c, ka_call_has(c, "intel"), &r.code);
	if (err)
		return err;
	err = walk(&r);
	ka_code_close(r.code);
	return ka_error_wrap(err, "%s", r.arg);
}

static const struct ka_option options[] = {
	{ "r", NULL, "from the start of the function up to and with the address; COUNT: only the last so many", false },
	{ "f", NULL, "from the address to the end of the function", false },
	{ "l", NULL, "source file and line before the instructions that come from them", false },
	{ "s", NULL, "the source text around the address instead; COUNT: lines behind it", false },
	{ "u", NULL, "the address is one of the current task's user memory", false },
	{ "x", NULL, "offsets in hexadecimal", false },
	{ "d", NULL, "offsets in decimal", false },
	{ "b", "[=N]", "skip N bytes behind each ud2 (kernels before 2.6.20 keep the place of a BUG there)", false },
	{ "patched", NULL, "what the running kernel patched is followed by what vmlinux has there", true },
	{ "intel", NULL, "Intel syntax (x86); also 'set disassembly intel'", true },
	{ NULL, NULL, NULL, false },
};

static const struct ka_rows *const rows[] = { &ka_rows_dis_row, &ka_rows_dis_place, &ka_rows_of_source, NULL };

const struct ka_command ka_command_dis = {
	.name = "dis",
	.args = "[-rfludxs] [-b[=N]] [--patched] [--intel] ADDR | SYMBOL | (EXPRESSION) [COUNT]",
	.brief = "disassemble",
	.help =
		"Instructions from an address on: all of a function when a symbol is given, else COUNT, else\n"
		"one. The code is that of the dump's memory: as it ran, with alternatives, static calls and\n"
		"jump labels as the kernel had patched them. What a truncated dump lacks comes from vmlinux,\n"
		"and that is said.\n"
		"\n"
		"-s lists source text from where the compiler had it, from where `set src-map FROM=TO` puts\n"
		"that, or from below the directories of `set src DIR` (or --src DIR).\n"
		"\n"
		"    dis vfs_read\n"
		"    dis -r ffffffff812ae3a9       what led to that return address\n"
		"    dis -f (vfs_read+320) 8\n"
		"    dis -lx schedule 20\n"
		"    dis -s schedule\n"
		"    dis -u 401234 10\n"
		"    dis --patched schedule\n",
	.options = options,
	.needs = KA_NEED_SYMBOLS,
	.rows = rows,
	.run = run,
};
