/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* BUG() and WARN() by the address of their trap: file and line from the bug tables of the kernel and its modules. */
#include <kanalyze/module.h>
#include <kanalyze/symbol.h>
#include "fault.h"
#include "kernel.h"

#define TABLE_MAX (8u << 20)
#define MODULE_BUGS_MAX (1u << 16)

struct bug_view {
	uint64_t addr, file;
	int32_t addr_disp, file_disp, format_disp;
	ka_addr addr_at, file_at, format_at;
	uint32_t line, flags;
};
/* relative: CONFIG_GENERIC_BUG_RELATIVE_POINTERS, b93a531e315e, v2.6.29 (x86_64), all since; file and line: CONFIG_DEBUG_BUGVERBOSE */
KA_VIEW(bug_view, ("bug_entry"),
	KA_MAYBE(bug_view, addr, "bug_addr"),
	KA_MAYBE(bug_view, addr_disp, "bug_addr_disp"),
	KA_AT_MAYBE(bug_view, addr_at, "bug_addr_disp"),
	KA_MAYBE(bug_view, file, "file"),
	KA_MAYBE(bug_view, file_disp, "file_disp"),
	KA_AT_MAYBE(bug_view, file_at, "file_disp"),
	KA_MAYBE(bug_view, format_disp, "format_disp"),		/* what WARN() says, v6.19 */
	KA_AT_MAYBE(bug_view, format_at, "format_disp"),
	KA_MAYBE(bug_view, line, "line"),
	KA_MAYBE(bug_view, flags, "flags"));

struct module_bugs {
	ka_addr table;
	uint32_t count;
};
KA_VIEW(module_bugs, ("module"),
	KA_MAYBE(module_bugs, table, "bug_table"),
	KA_MAYBE(module_bugs, count, "num_bugs"));

static bool is_text_of_path(const char *s)
{
	size_t n = 0;

	for (; s[n]; n++)
		if (s[n] < ' ' || s[n] > '~')
			return false;
	return n > 2 && strchr(s, '.') != NULL;
}

static void read_file(struct ka_kernel *k, ka_addr entry, const struct bug_view *b, struct ka_bug_entry *ret)
{
	/* relative to the member itself; before v5.19 to the start of the entry */
	ka_addr tries[] = { b->file, b->file_at + (int64_t)b->file_disp, entry + (int64_t)b->file_disp };

	for (size_t i = KA_HAS(k, bug_view, file_disp) ? 1 : 0; i < (KA_HAS(k, bug_view, file_disp) ? KA_COUNT(tries) : 1); i++) {
		ret->file = tries[i];
		if (tries[i] && !ka_error_drop(ka_read_cstr(k, tries[i], ret->file_name, sizeof(ret->file_name))) &&
		    is_text_of_path(ret->file_name))
			return;
	}
	ret->file_name[0] = 0;
}

static bool in_table(struct ka_kernel *k, ka_addr start, uint64_t size, ka_addr ip, struct ka_bug_entry *ret)
{
	uint64_t entry_size = ka_view_size(k, &ka_view_bug_view);
	uint8_t *bytes;
	size_t have;
	bool is_found = false;

	if (!entry_size || entry_size > 256 || size > TABLE_MAX || size < entry_size)
		return false;
	bytes = ka_xalloc(size);
	have = ka_read_some(k, start, bytes, size, NULL);
	for (size_t at = 0; at + entry_size <= have && !is_found; at += entry_size) {
		struct bug_view b;

		if (ka_error_drop(ka_view_parse(k, &ka_view_bug_view, start + at, bytes + at, entry_size, &b)))
			break;
		if ((KA_HAS(k, bug_view, addr_disp) ? b.addr_at + (int64_t)b.addr_disp : b.addr) != ip)
			continue;
		*ret = (struct ka_bug_entry){ .at = start + at, .line = b.line, .flags = b.flags, .is_warning = b.flags & 1 };
		read_file(k, start + at, &b, ret);
		if (b.format_disp && ka_error_drop(ka_read_cstr(k, b.format_at + (int64_t)b.format_disp, ret->format, sizeof(ret->format))))
			ret->format[0] = 0;
		is_found = true;
	}
	free(bytes);
	return is_found;
}

bool ka_fault_bug(struct ka_kernel *k, ka_addr ip, struct ka_bug_entry *ret)
{
	const struct ka_module *m = ka_module_at(k, ip);
	struct ka_symbol start, stop;
	struct module_bugs bugs;

	*ret = (struct ka_bug_entry){0};
	if (m)
		return !ka_error_drop(ka_view_read(k, &ka_view_module_bugs, m->addr, &bugs)) && bugs.count && bugs.count <= MODULE_BUGS_MAX &&
		       in_table(k, bugs.table, bugs.count * ka_view_size(k, &ka_view_bug_view), ip, ret);
	return ka_symbol_lookup(k, "__start___bug_table", &start) && ka_symbol_lookup(k, "__stop___bug_table", &stop) && stop.addr > start.addr &&
	       in_table(k, start.addr, stop.addr - start.addr, ip, ret);
}
