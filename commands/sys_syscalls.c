/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sys -c: the table of system calls. */
#include <inttypes.h>
#include <kanalyze/symbol.h>
#include "sys.h"

#define CALLS_MAX 4096
#define HEADER_BYTES 256	/* of a function, to look for the first line that is no inlined header */

struct sys_syscall {
	uint32_t number, line;
	const char *number_text, *name, *file, *file_text;
	ka_addr addr;
	bool has_line;
};
static const struct ka_col syscall_cols[] = {
	KA_COLF(sys_syscall, number, KA_UINT, KA_ONLY_JSON, "its number"),
	KA_COLF(sys_syscall, number_text, KA_TEXT, KA_ONLY_TEXT, "its number, in the radix that is set"),
	KA_COL(sys_syscall, name, KA_TEXT, "function"),
	KA_COLF(sys_syscall, addr, KA_ADDR, KA_ONLY_JSON, "address"),
	KA_COLF(sys_syscall, file, KA_TEXT, KA_ONLY_JSON, "source file"),
	KA_COLF(sys_syscall, file_text, KA_TEXT, KA_ONLY_TEXT, "source file below the kernel's directory"),
	KA_COL_IF(sys_syscall, line, KA_UINT, has_line, "line"),
};
const struct ka_rows ka_sys_rows_syscall = {
	"syscalls", KA_SHAPE_TABLE, "NUM  SYSTEM CALL                FILE AND LINE NUMBER",
	"{number_text:>3}  {name:26} {file_text}{line?\\: %}", syscall_cols, KA_COUNT(syscall_cols),
};

/* What stands before the paths of the kernel's sources: of start_kernel it is all but init/main.c. */
static const char *build_dir(struct ka_call *c)
{
	const char *file;
	struct ka_symbol s;
	unsigned line;
	size_t len;

	if (!ka_symbol_lookup(c->k, "start_kernel", &s) || !ka_source_line(c->k, s.addr, &file, &line))
		return "";
	len = strlen(file);
	return len > 11 && !strcmp(file + len - 11, "init/main.c") ? ka_strndup(c->arena, file, len - 11) : "";
}

/* The first line of the function that is of no header: the call's own. */
static bool source(struct ka_call *c, const struct ka_symbol *s, const char **ret_file, unsigned *ret_line)
{
	uint64_t size = s->size ? KA_MIN(s->size, (uint64_t)HEADER_BYTES) : HEADER_BYTES;

	for (uint64_t i = 0; i < size; i++) {
		const char *file;

		if (!ka_source_line(c->k, s->addr + i, &file, ret_line))
			continue;
		*ret_file = file;
		if (!strstr(file, "include/") || !strstr(file, ".h"))
			return true;
	}
	return false;
}

/*
 * Of several names of a function the first by the alphabet, as crash has it: __do_sys_x before __x64_sys_x. But the one that was
 * written before the one that the macros of v2.6.29 to v4.16 made: sys_x before SyS_x.
 */
static bool is_better(const char *name, const char *than)
{
	bool is_made = !strncmp(name, "SyS_", 4), is_than_made = !strncmp(than, "SyS_", 4);

	return is_made != is_than_made ? is_than_made : strcmp(name, than) < 0;
}

static const char *name_of(struct ka_call *c, const struct ka_symbol *s)
{
	const char *name = s->name;
	struct ka_symbol other;
	size_t at, i;

	if (s->module || !ka_symbol_index(c->k, NULL, s->addr, &at))
		return name;
	for (i = at; i && ka_symbol_nth(c->k, NULL, i - 1, &other) && other.addr == s->addr; i--)
		;
	for (; ka_symbol_nth(c->k, NULL, i, &other) && other.addr == s->addr; i++)
		if (is_better(other.name, name))
			name = other.name;
	return name;
}

static bool is_wanted(struct ka_call *c, const struct sys_syscall *r, bool is_hex)
{
	uint64_t number;

	for (int i = 0; i < c->argc; i++) {
		if (ka_parse_number(c->argv[i], !is_hex, &number)) {
			if (number == r->number)
				return true;
		} else if (strstr(r->name, c->argv[i])) {
			return true;
		}
	}
	return !c->argc;
}

static void call_out(struct ka_call *c, uint32_t number, ka_addr addr, ka_addr none, const char *dir, bool is_hex)
{
	struct sys_syscall r = { .number = number, .addr = addr };
	struct ka_symbol s;
	uint64_t offset;
	unsigned line;
	size_t len = strlen(dir);

	r.number_text = ka_printf(c->arena, is_hex ? "%x" : "%u", number);
	if (!ka_symbol_at(c->k, addr, &s, &offset) || offset) {
		r.name = ka_printf(c->arena, "(no function at %" PRIx64 ")", addr);
		s.name = NULL;
	} else {
		r.name = none && addr == none ? "sys_ni_syscall" : name_of(c, &s);
	}
	if (!is_wanted(c, &r, is_hex))
		return;
	if (s.name && source(c, &s, &r.file, &line)) {
		r.line = line;
		r.has_line = true;
		r.file_text = len && !strncmp(r.file, dir, len) ? ka_printf(c->arena, "../%s", r.file + len) : r.file;
	}
	ka_out_row(c->out, &ka_sys_rows_syscall, &r);
}

struct ka_error *ka_sys_syscalls(struct ka_call *c)
{
	const char *radix = ka_call_setting(c, "radix"), *dir;
	bool is_hex = radix && !strcmp(radix, "16");
	struct ka_symbol table, none = {0};
	unsigned word = ka_long_size(c->k);
	uint64_t count;

	/* Since 1e3ad78334a6 (v6.9) x86 calls through a switch; the table stays for tracing. */
	if (!ka_symbol_lookup(c->k, "sys_call_table", &table))
		return ka_error_new(KA_MISSING, "this kernel has no symbol sys_call_table");
	count = table.size / word;
	if (!count || count > CALLS_MAX)
		return ka_error_at(KA_CORRUPT, KA_SPACE_VIRT, table.addr, "sys_call_table of %" PRIu64 " bytes",
				   table.size);
	if (!ka_symbol_lookup(c->k, "sys_ni_syscall", &none))
		none.addr = 0;
	dir = build_dir(c);
	for (uint32_t i = 0; i < count && !ka_interrupted(); i++) {
		ka_addr addr;
		struct ka_error *err = ka_read_ulong(c->k, table.addr + (uint64_t)i * word, &addr);

		if (err)
			ka_call_fault(c, ka_error_wrap(err, "system call %u", i));
		else
			call_out(c, i, addr, none.addr, dir, is_hex);
	}
	return NULL;
}
