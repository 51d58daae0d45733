/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sym: names to addresses and back. */
#include <ctype.h>
#include <inttypes.h>
#include <kanalyze/command.h>
#include <kanalyze/module.h>
#include <kanalyze/rust.h>
#include <kanalyze/symbol.h>
#include <kanalyze/task.h>

struct sym_row {
	ka_addr addr;
	char type[2];
	const char *name, *readable, *name_text, *module, *module_text, *file, *indent, *offset_text, *cpu_text;
	uint64_t offset, size;
	uint32_t line, cpu;
	bool has_line, percpu, has_cpu;
};
KA_LINES(sym_row, "symbols", "{indent}{addr} ({type}) {name_text}{offset_text}{cpu_text? [%]}{module_text? [%]}{file? %\\:}{line? %}",
	KA_COL(sym_row, addr, KA_ADDR, "the address; of per-CPU variables: their offset"),
	KA_COL(sym_row, type, KA_CHARS, "letter as of nm: T text, D data, B bss, R read-only; lower case: local"),
	KA_COLF(sym_row, name, KA_TEXT, KA_ONLY_JSON, "symbol"),
	KA_COLF(sym_row, readable, KA_TEXT, KA_ONLY_JSON, "its name as in Rust, where it is of Rust"),
	KA_COLF(sym_row, name_text, KA_TEXT, KA_ONLY_TEXT, "the readable one of the two"),
	KA_COLF(sym_row, offset, KA_UINT, KA_ONLY_JSON, "bytes behind the symbol"),
	KA_COLF(sym_row, offset_text, KA_TEXT, KA_ONLY_TEXT, "the same as printed"),
	KA_COLF(sym_row, size, KA_UINT, KA_ONLY_JSON | KA_ZERO_IS_NONE, "bytes of the symbol"),
	KA_COLF(sym_row, percpu, KA_BOOL, KA_ONLY_JSON, "is it a per-CPU variable?"),
	KA_COL_IF(sym_row, cpu, KA_UINT, has_cpu, "CPU whose copy of a per-CPU variable lies there"),
	KA_COLF(sym_row, cpu_text, KA_TEXT, KA_ONLY_TEXT, "the same as printed"),
	KA_COLF(sym_row, module, KA_TEXT, KA_ONLY_JSON, "module it is of"),
	KA_COLF(sym_row, module_text, KA_TEXT, KA_ONLY_TEXT, "the same, but where a whole module is shown"),
	KA_COL(sym_row, file, KA_TEXT, "source file of a text address"),
	KA_COL_IF(sym_row, line, KA_UINT, has_line, "and line"),
	KA_COLF(sym_row, indent, KA_TEXT, KA_ONLY_TEXT, "before alternatives"));

enum { WITH_LINE = 1, INDENTED = 2, WITHOUT_MODULE = 4 };

/* Source lines of a module need its debuginfo; without it there is none, and no fault. */
static void load_module(struct ka_call *c, const char *name)
{
	const struct ka_module *m = ka_module_find(c->k, name);
	struct ka_error *err = m ? ka_module_load(c->k, m, NULL, NULL) : NULL;

	if (err)
		ka_log(1, "%s", err->message);
	ka_error_free(err);
}

static void show(struct ka_call *c, const struct ka_symbol *s, uint64_t offset, unsigned flags)
{
	const char *radix = ka_call_setting(c, "radix");
	struct sym_row row = {
		.addr = s->addr + offset,
		.type = { s->type, 0 },
		.name = s->name,
		.module = s->module,
		.offset = offset,
		.module_text = flags & WITHOUT_MODULE ? NULL : s->module,
		.size = s->size,
		.percpu = s->is_percpu,
		.indent = flags & INDENTED ? "  " : "",
	};

	row.readable = ka_rust_demangle(c->arena, s->name);
	row.name_text = row.readable ? row.readable : s->name;
	row.offset_text = !offset ? "" : radix && !strcmp(radix, "16") ? ka_printf(c->arena, "+0x%" PRIx64, offset)
								       : ka_printf(c->arena, "+%" PRIu64, offset);
	if (flags & WITH_LINE && s->module)
		load_module(c, s->module);
	if (flags & WITH_LINE && !s->is_percpu && ka_is_text(c->k, row.addr))
		row.has_line = ka_source_line(c->k, row.addr, &row.file, &row.line);
	ka_out_row(c->out, &ka_rows_sym_row, &row);
}

/* Symbols in the order of addresses: of the kernel, or of one module. Module symbols are at hand as an array. */
struct table {
	struct ka_kernel *k;
	const struct ka_module *module;		/* NULL: the kernel */
	const char *made;			/* or of code that the kernel made: what stands for its module */
	const struct ka_symbol *at;
	size_t n;
};

static struct table table_of(struct ka_kernel *k, const struct ka_module *m)
{
	struct table t = { .k = k, .module = m };

	t.n = m ? ka_module_symbols(k, m, &t.at) : ka_symbol_count(k, NULL);
	return t;
}

/* Absolute symbols of the assembler are numbers, not places. */
static bool is_place(const struct ka_symbol *s)
{
	return s->is_percpu || (s->type != 'a' && s->type != 'A');
}

static struct table table_of_made(struct ka_kernel *k, const char *made)
{
	return (struct table){ .k = k, .made = made, .n = ka_symbol_count(k, made) };
}

static bool nth(const struct table *t, size_t i, struct ka_symbol *ret)
{
	if (i >= t->n)
		return false;
	if (!t->module)
		return ka_symbol_nth(t->k, t->made, i, ret) && is_place(ret);
	*ret = t->at[i];
	return true;
}

static int by_base(const void *a, const void *b)
{
	const struct ka_module *x = *(const struct ka_module *const *)a, *y = *(const struct ka_module *const *)b;

	return x->base < y->base ? -1 : x->base > y->base;
}

/* Modules by address, as crash has them; NULL-terminated. */
static const struct ka_module **modules(struct ka_call *c)
{
	size_t n = ka_module_count(c->k);
	const struct ka_module **list = ka_alloc(c->arena, (n + 1) * sizeof(*list));

	for (size_t i = 0; i < n; i++)
		list[i] = ka_module_nth(c->k, i);
	if (n)
		qsort(list, n, sizeof(*list), by_base);
	return list;
}

/* i and, as asked, its neighbours. */
static void show_around(struct ka_call *c, const struct table *t, size_t i, uint64_t offset)
{
	struct ka_symbol s;

	if (ka_call_has(c, "p") && i && nth(t, i - 1, &s))
		show(c, &s, 0, WITH_LINE);
	if (nth(t, i, &s))
		show(c, &s, offset, WITH_LINE);
	if (ka_call_has(c, "n") && nth(t, i + 1, &s))
		show(c, &s, 0, WITH_LINE);
}

/* Every symbol of the name in one table. */
static size_t by_name(struct ka_call *c, const struct table *t, const char *name)
{
	struct ka_symbol s;
	size_t found = 0;

	for (size_t i = 0; i < t->n && !ka_interrupted(); i++) {
		if (nth(t, i, &s) && !strcmp(s.name, name)) {
			show_around(c, t, i, 0);
			found++;
		}
	}
	return found;
}

static size_t all_by_name(struct ka_call *c, const char *name)
{
	struct table t = table_of(c->k, NULL);
	size_t found = by_name(c, &t, name);

	for (const struct ka_module **m = modules(c); *m; m++) {
		t = table_of(c->k, *m);
		found += by_name(c, &t, name);
	}
	for (unsigned i = 0; ka_made_group(i); i++) {
		t = table_of_made(c->k, ka_made_group(i));
		found += by_name(c, &t, name);
	}
	return found;
}

static bool has_part(struct ka_call *c, const char *name, const char *part)
{
	const char *rust;

	if (strstr(name, part))
		return true;
	rust = ka_rust_demangle(c->arena, name);
	return rust && strstr(rust, part);
}

static size_t query_table(struct ka_call *c, const struct table *t, const char *part, unsigned flags)
{
	struct ka_symbol s;
	size_t found = 0;

	for (size_t i = 0; i < t->n && !ka_interrupted(); i++) {
		if (nth(t, i, &s) && has_part(c, s.name, part)) {
			show(c, &s, 0, flags);
			found++;
		}
	}
	return found;
}

static size_t query(struct ka_call *c, const char *part, unsigned flags)
{
	struct table t = table_of(c->k, NULL);
	size_t found = query_table(c, &t, part, flags);

	for (const struct ka_module **m = modules(c); *m; m++) {
		t = table_of(c->k, *m);
		found += query_table(c, &t, part, flags);
	}
	for (unsigned i = 0; ka_made_group(i); i++) {
		t = table_of_made(c->k, ka_made_group(i));
		found += query_table(c, &t, part, flags);
	}
	return found;
}

/* Index of the last symbol at or below addr that lies in the same part of the module. */
static bool module_index(const struct table *t, ka_addr addr, size_t *ret)
{
	const struct ka_module_range *r = NULL;
	bool found = false;

	for (unsigned i = 0; i < t->module->range_count; i++)
		if (addr - t->module->ranges[i].base < t->module->ranges[i].size)
			r = &t->module->ranges[i];
	for (size_t i = 0; r && i < t->n && t->at[i].addr <= addr; i++) {
		/* Of several at one address the first. */
		if (t->at[i].addr - r->base < r->size && !t->at[i].is_percpu &&
		    !(found && t->at[i].addr == t->at[*ret].addr)) {
			*ret = i;
			found = true;
		}
	}
	return found;
}

/* The per-CPU variable at an address as the symbols count it: of the kernel or of a module. */
static bool percpu_symbol(struct ka_call *c, ka_addr addr, struct ka_symbol *ret)
{
	struct ka_symbol start, end;
	size_t i;

	if (ka_symbol_lookup(c->k, "__per_cpu_start", &start) && ka_symbol_lookup(c->k, "__per_cpu_end", &end) &&
	    addr - start.addr < end.addr - start.addr)
		return ka_symbol_index(c->k, NULL, addr, &i) && ka_symbol_nth(c->k, NULL, i, ret) && ret->is_percpu;
	for (const struct ka_module **m = modules(c); *m; m++) {
		struct table t = table_of(c->k, *m);

		if (!(*m)->percpu || addr - (*m)->percpu >= (*m)->percpu_size)
			continue;
		for (i = t.n; i; i--) {
			*ret = t.at[i - 1];
			if (ret->is_percpu && ret->addr <= addr)
				return true;
		}
	}
	return false;
}

/* An address in the per-CPU area of some CPU. */
static bool percpu_at(struct ka_call *c, ka_addr addr)
{
	for (unsigned cpu = 0; cpu < ka_cpu_count(c->k); cpu++) {
		struct sym_row row = {
			.addr = addr, .percpu = true, .cpu = cpu, .has_cpu = true, .indent = "", .offset_text = "",
		};
		struct ka_symbol s;
		uint64_t offset;

		if (ka_error_drop(ka_percpu_offset(c->k, cpu, &offset)) || !percpu_symbol(c, addr - offset, &s))
			continue;
		row.cpu_text = ka_printf(c->arena, "CPU %u", cpu);
		row.type[0] = s.type;
		row.name = row.name_text = s.name;
		row.module = row.module_text = s.module;
		row.size = s.size;
		row.offset = addr - offset - s.addr;
		if (row.offset)
			row.offset_text = ka_printf(c->arena, "+%" PRIu64, row.offset);
		ka_out_row(c->out, &ka_rows_sym_row, &row);
		return true;
	}
	return false;
}

static struct ka_error *by_address(struct ka_call *c, const char *text, ka_addr addr)
{
	const struct ka_module *m = ka_module_at(c->k, addr);
	struct table t = table_of(c->k, m);
	struct ka_symbol s, end;
	uint64_t offset;
	bool has_end;
	size_t i;

	if (m) {
		if (module_index(&t, addr, &i)) {
			show_around(c, &t, i, addr - t.at[i].addr);
			return NULL;
		}
		s = (struct ka_symbol){ .addr = m->base, .name = "(no symbol)", .module = m->name, .type = '?' };
		show(c, &s, addr - m->base, WITH_LINE);
		return NULL;
	}
	if (ka_is_text(c->k, addr) && ka_symbol_at(c->k, addr, &s, &offset) && s.module) {
		t = table_of_made(c->k, s.module);
		if (ka_symbol_index(c->k, s.module, addr, &i))
			show_around(c, &t, i, offset);
		return NULL;
	}
	has_end = ka_symbol_lookup(c->k, "_end", &end);
	if (addr && ka_symbol_index(c->k, NULL, addr, &i) && nth(&t, i, &s) && addr - s.addr < (1ull << 31) &&
	    (s.is_percpu ? addr - s.addr <= s.size : !has_end || addr <= end.addr)) {
		show_around(c, &t, i, addr - s.addr);
		return NULL;
	}
	if (percpu_at(c, addr))
		return NULL;
	return ka_error_at(KA_NOT_FOUND, KA_SPACE_VIRT, addr,
			   "%s: no symbol: the address lies neither in the kernel's image nor in a module%s",
			   text, ka_is_kernel_addr(c->k, addr) ? "" : " (it is no kernel address at all)");
}

static bool is_hex(const char *s)
{
	if (s[0] == '0' && (s[1] == 'x' || s[1] == 'X'))
		s += 2;
	for (; *s; s++)
		if (!isxdigit((unsigned char)*s))
			return false;
	return true;
}

static struct ka_error *one(struct ka_call *c, const char *arg)
{
	struct ka_symbol s;
	ka_addr addr;

	/* A name that also reads as a hexadecimal number is a name. */
	if (ka_error_drop(ka_symbol_find(c->k, arg, &s))) {
		if (is_hex(arg) && ka_parse_number(arg, false, &addr))
			return by_address(c, arg, addr);
		if (strpbrk(arg, "+-*&()[].>$@") && !ka_error_drop(ka_parse_address(c->k, arg, &addr)))
			return by_address(c, arg, addr);
		ka_call_fault(c, ka_error_new(KA_NOT_FOUND, "symbol not found: %s", arg));
		ka_out_note(c->out, "possible alternatives:");
		if (!query(c, arg, INDENTED))
			ka_out_note(c->out, "  (none found)");
		return NULL;
	}
	all_by_name(c, arg);
	return NULL;
}

/* "init text" as crash has it: "INIT_TEXT" */
static const char *range_word(struct ka_arena *a, const char *name)
{
	char *word = ka_strdup(a, name);

	for (char *p = word; *p; p++)
		*p = *p == ' ' ? '_' : toupper((unsigned char)*p);
	return word;
}

static void show_between(struct ka_call *c, const struct table *t, ka_addr start, uint64_t size)
{
	for (size_t i = 0; i < t->n && !ka_interrupted(); i++)
		if (t->at[i].addr - start < size && !t->at[i].is_percpu)
			show(c, &t->at[i], 0, WITHOUT_MODULE);
}

static void dump_module(struct ka_call *c, const struct ka_module *m)
{
	struct table t = table_of(c->k, m);

	if (m->is_scattered) {
		for (unsigned i = 0; i < m->range_count; i++) {
			const struct ka_module_range *r = &m->ranges[i];
			const char *word = range_word(c->arena, r->name);

			ka_out_note(c->out, "%" PRIx64 " MODULE %s START: %s", r->base, word, m->name);
			show_between(c, &t, r->base, r->size);
			ka_out_note(c->out, "%" PRIx64 " MODULE %s END: %s", r->base + r->size - 1, word, m->name);
		}
	} else {
		/* One allocation, and one more for what is thrown away after init. */
		ka_out_note(c->out, "%" PRIx64 " MODULE START: %s", m->base, m->name);
		show_between(c, &t, m->base, m->size);
		ka_out_note(c->out, "%" PRIx64 " MODULE END: %s", m->base + m->size, m->name);
		for (unsigned i = 0; i < m->range_count; i++) {
			const struct ka_module_range *r = &m->ranges[i];

			if (r->base - m->base < m->size)
				continue;
			ka_out_note(c->out, "%" PRIx64 " MODULE %s START: %s", r->base, range_word(c->arena, r->name),
				    m->name);
			show_between(c, &t, r->base, r->size);
			ka_out_note(c->out, "%" PRIx64 " MODULE %s END: %s", r->base + r->size,
				    range_word(c->arena, r->name), m->name);
		}
	}
	for (size_t i = 0; i < t.n; i++)
		if (t.at[i].is_percpu)
			show(c, &t.at[i], 0, WITHOUT_MODULE);
}

static void dump_made(struct ka_call *c, const char *made)
{
	struct table t = table_of_made(c->k, made);
	struct ka_symbol s;

	for (size_t i = 0; i < t.n; i++)
		if (nth(&t, i, &s))
			show(c, &s, 0, 0);
}

static void dump_modules(struct ka_call *c)
{
	for (const struct ka_module **m = modules(c); *m && !ka_interrupted(); m++)
		dump_module(c, *m);
	for (unsigned i = 0; ka_made_group(i); i++)
		dump_made(c, ka_made_group(i));
}

static struct ka_error *run(struct ka_call *c)
{
	struct table t;
	struct ka_symbol s;
	bool is_done = false;

	for (size_t i = 0; i < c->option_count; i++) {
		const char *option = c->options[i].option->name, *value = c->options[i].value;

		if (!strcmp(option, "l")) {
			t = table_of(c->k, NULL);
			for (size_t j = 0; j < t.n && !ka_interrupted(); j++)
				if (nth(&t, j, &s))
					show(c, &s, 0, 0);
		}
		if (!strcmp(option, "l") || !strcmp(option, "M"))
			dump_modules(c);
		if (!strcmp(option, "m")) {
			const struct ka_module *m = ka_module_find(c->k, value);

			if (!m && ka_symbol_count(c->k, value)) {
				dump_made(c, value);
				is_done = true;
				continue;
			}
			if (!m)
				return ka_error_new(KA_NOT_FOUND, "%s: no module of that name is loaded", value);
			dump_module(c, m);
		}
		if (!strcmp(option, "q") && !query(c, value, 0))
			ka_out_note(c->out, "(none found)");
		is_done |= strchr("lMmq", option[0]) != NULL;
	}
	if (!c->argc && !is_done)
		return ka_call_usage(c, "sym needs a symbol or an address");
	for (int i = 0; i < c->argc; i++)
		ka_call_fault(c, one(c, c->argv[i]));
	return NULL;
}

static const struct ka_option options[] = {
	{ "l", NULL, "all symbols of the kernel and its modules", false },
	{ "M", NULL, "all symbols of the modules", false },
	{ "m", "MODULE", "all symbols of one module", false },
	{ "q", "TEXT", "symbols with TEXT in their names", false },
	{ "p", NULL, "also the symbol before", false },
	{ "n", NULL, "also the symbol after", false },
	{ NULL, NULL, NULL, false },
};

static const struct ka_rows *const rows[] = { &ka_rows_sym_row, NULL };

const struct ka_command ka_command_sym = {
	.name = "sym",
	.args = "[-l | -M | -m MODULE | -q TEXT] [-pn] [SYMBOL | ADDR | SYMBOL+OFFSET]...",
	.brief = "symbols and addresses",
	.help =
		"Address, type and name of each symbol, [module] where it is one of a module, and source\n"
		"file and line of text addresses. BPF programs and trampolines are of [bpf], those of ftrace of\n"
		"[__builtin__ftrace], and where probes keep instructions of [__builtin__kprobes]. All symbols of a name are shown. An address is\n"
		"hexadecimal, with 0x or without; one in a per-CPU area is shown with its CPU.\n"
		"\n"
		"    sym jiffies\n"
		"    sym ffffffff812ae3a9\n"
		"    sym -n vfs_read+16\n"
		"    sym -q sys_clone\n",
	.options = options,
	.needs = KA_NEED_SYMBOLS,
	.rows = rows,
	.run = run,
};
