/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* vtop: a virtual address through the page tables, level by level. */
#include <inttypes.h>
#include <kanalyze/command.h>
#include <kanalyze/expr.h>
#include <kanalyze/task.h>
#include <kanalyze/translate.h>

struct vtop_row {
	ka_addr virtual, physical, page, pte;
	uint64_t page_size;
	const char *const *flags;
	const char *virtual_text, *physical_text, *reason;
	bool user, mapped;
	int32_t pid;
};
KA_LINES(vtop_row, "translations", "{virtual_text}  {physical_text}",
	KA_COLF(vtop_row, virtual, KA_ADDR, KA_ONLY_JSON, "the address asked for"),
	KA_COLF(vtop_row, virtual_text, KA_TEXT, KA_ONLY_TEXT, "the same"),
	{ "physical", offsetof(struct vtop_row, physical), sizeof(ka_addr), KA_ADDR, KA_ONLY_JSON, offsetof(struct vtop_row, mapped), NULL,
	  "its physical address" },
	KA_COLF(vtop_row, physical_text, KA_TEXT, KA_ONLY_TEXT, "the same, or why there is none"),
	KA_COLF(vtop_row, user, KA_BOOL, KA_ONLY_JSON, "is it one of user memory?"),
	{ "pid", offsetof(struct vtop_row, pid), sizeof(int32_t), KA_INT, KA_ONLY_JSON, offsetof(struct vtop_row, user), NULL,
	  "the process whose memory it is" },
	{ "page", offsetof(struct vtop_row, page), sizeof(ka_addr), KA_ADDR, KA_ONLY_JSON, offsetof(struct vtop_row, mapped), NULL,
	  "physical address of the page" },
	{ "page_size", offsetof(struct vtop_row, page_size), sizeof(uint64_t), KA_UINT, KA_ONLY_JSON, offsetof(struct vtop_row, mapped), NULL,
	  "bytes of the page: a large one is mapped as a whole" },
	{ "pte", offsetof(struct vtop_row, pte), sizeof(ka_addr), KA_ADDR, KA_ONLY_JSON, offsetof(struct vtop_row, mapped), NULL,
	  "the entry that maps it" },
	KA_COLF(vtop_row, flags, KA_LIST, KA_ONLY_JSON, "bits of that entry"),
	KA_COLF(vtop_row, reason, KA_TEXT, KA_ONLY_JSON, "why it could not be translated"));

struct vtop_level {
	const char *name, *line;
	ka_addr at, entry;
};
KA_LINES(vtop_level, "levels", "{line}",
	KA_COLF(vtop_level, line, KA_TEXT, KA_ONLY_TEXT, "the level as text"),
	KA_COLF(vtop_level, name, KA_TEXT, KA_ONLY_JSON, "name of the table: PGD, P4D, PUD, PMD, PTE"),
	KA_COLF(vtop_level, at, KA_ADDR, KA_ONLY_JSON, "physical address of the entry"),
	KA_COLF(vtop_level, entry, KA_ADDR, KA_ONLY_JSON, "its value"));

static const char *size_text(struct ka_arena *a, uint64_t size)
{
	static const char *const names[] = { "", "KB", "MB", "GB", "TB" };
	unsigned unit = 0;

	for (; size >= 1024 && !(size & 1023) && unit + 1 < KA_COUNT(names); unit++)
		size >>= 10;
	return ka_printf(a, "%" PRIu64 "%s", size, names[unit]);
}

static void level_row(struct ka_call *c, const char *line, const struct ka_translation *t, unsigned i)
{
	struct vtop_level row = { .line = line };

	row.name = t->level[i].name;
	row.at = t->level[i].phys;
	row.entry = t->level[i].entry;
	ka_out_row(c->out, &ka_rows_vtop_level, &row);
}

/* The kernel's top table is told by its address, those of processes by their entries, as crash does. */
static void levels(struct ka_call *c, const struct vtop_row *row, const struct ka_translation *t)
{
	for (unsigned i = 0; i < t->levels; i++) {
		if (!i && !row->user) {
			ka_out_note(c->out, "PGD DIRECTORY: %" PRIx64, ka_kernel_pgd(c->k));
			level_row(c, ka_printf(c->arena, "PAGE DIRECTORY: %" PRIx64, t->level[i].entry), t, i);
			continue;
		}
		level_row(c, ka_printf(c->arena, "%6s: %" PRIx64 " => %" PRIx64, t->level[i].name, t->level[i].phys, t->level[i].entry),
			  t, i);
	}
}

static const char *const *flag_list(struct ka_call *c, const char *text)
{
	const char **list = ka_alloc(c->arena, 66 * sizeof(*list));
	size_t n = 0;

	for (const char *p = text; *p && n < 64; n++) {
		size_t len = strcspn(p, "|");

		list[n] = ka_strndup(c->arena, p, len);
		p += len + (p[len] == '|');
	}
	return list;
}

/* Middle of a column: what is over goes to the right. */
static const char *centred(struct ka_call *c, const char *text, size_t width)
{
	size_t len = strlen(text), left = width > len ? (width - len) / 2 : 0;

	return ka_printf(c->arena, "%*s%-*s", (int)left, "", (int)(width > left ? width - left : 0), text);
}

static void entry_text(struct ka_call *c, const struct vtop_row *row, const char *flags)
{
	const char *pte = ka_printf(c->arena, "%" PRIx64, row->pte), *phys = ka_printf(c->arena, "%" PRIx64, row->page);
	size_t width = KA_MAX(strlen(pte), (size_t)3), phys_width = KA_MAX(strlen(phys), (size_t)8);

	ka_out_note(c->out, "\n");
	ka_out_note(c->out, "%s  %s  FLAGS", centred(c, "PTE", width), centred(c, "PHYSICAL", phys_width));
	ka_out_note(c->out, "%s  %*s  (%s)", centred(c, pte, width), (int)phys_width, phys, flags);
}

static void show(struct ka_call *c, struct vtop_row *row, const struct ka_translation *t)
{
	const char *flags = "";

	if (t->is_mapped) {
		row->mapped = true;
		row->physical = t->phys;
		row->page = t->page_phys;
		row->page_size = t->page_size;
		row->pte = t->level[t->levels - 1].entry;
		flags = ka_translation_flags(c->k, c->arena, row->pte, t->page_size);
		row->flags = flag_list(c, flags);
		row->physical_text = ka_printf(c->arena, "%" PRIx64, t->phys);
	}
	row->virtual_text = ka_printf(c->arena, row->user ? "%-10" PRIx64 : "%-16" PRIx64, row->virtual);
	ka_out_note(c->out, row->user ? "VIRTUAL     PHYSICAL" : "VIRTUAL           PHYSICAL");
	ka_out_begin(c->out, &ka_rows_vtop_row, row);
	if (t->levels) {
		ka_out_note(c->out, "\n");
		levels(c, row, t);
	}
	if (t->is_mapped) {
		bool is_large = t->page_size != ka_page_size(c->k);

		ka_out_note(c->out, "  PAGE: %" PRIx64 "%s%s%s", t->page_phys, is_large ? "  (" : "", is_large ? size_text(c->arena, t->page_size) : "",
			    is_large ? ")" : "");
		entry_text(c, row, flags);
	}
	ka_out_end(c->out);
}

static struct ka_error *one(struct ka_call *c, const char *text, ka_addr task)
{
	struct ka_translation t = {0};
	struct vtop_row row = { .physical_text = "(not mapped)" };
	struct ka_task who = {0};
	struct ka_mm mm = {0};
	bool is_kernel;
	struct ka_error *err = ka_parse_address(c->k, text, &row.virtual);

	if (err)
		return ka_error_wrap(err, "'%s'", text);
	is_kernel = ka_is_kernel_addr(c->k, row.virtual);
	row.user = ka_call_has(c, "u") || (!ka_call_has(c, "k") && !is_kernel);
	if (row.user) {
		err = ka_task_read(c->k, task, &who);
		if (!err && who.mm && !is_kernel)
			err = ka_mm_read(c->k, who.mm, &mm);
		if (err)
			return ka_error_wrap(err, "cannot tell the page tables of task 0x%" PRIx64, task);
		row.pid = who.pid;
	}
	if (row.user && (!who.mm || is_kernel)) {
		row.physical_text = "(not accessible)";
		row.reason = is_kernel ? "it is a kernel address, not one of user memory" : "the task has no user memory";
	} else if (!row.user && !is_kernel) {
		row.physical_text = "(not a kernel virtual address)";
		row.reason = "not a kernel virtual address";
	} else {
		err = ka_translation_walk(c->k, row.user ? mm.pgd : 0, row.virtual, &t);
		if (err && err->code != KA_UNMAPPED)
			row.physical_text = "(page table not readable)";
		if (err)
			row.reason = ka_strdup(c->arena, err->message);
	}
	show(c, &row, &t);
	if (ka_error_catch(&err, KA_UNMAPPED))
		return NULL;
	return err;
}

static struct ka_error *run(struct ka_call *c)
{
	const char *task_text = ka_call_value(c, "c");
	ka_addr task = ka_call_task(c);
	struct ka_error *err;

	if (!c->argc)
		return ka_call_usage(c, "vtop needs a virtual address");
	if (ka_call_has(c, "u") && ka_call_has(c, "k"))
		return ka_call_usage(c, "-u and -k exclude each other");
	if (task_text) {
		err = ka_parse_task(c->k, task_text, &task);
		if (err)
			return err;
	}
	for (int i = 0; i < c->argc && !ka_interrupted(); i++) {
		if (i)
			ka_out_note(c->out, "\n");
		ka_call_fault(c, one(c, c->argv[i], task));
	}
	return NULL;
}

static const struct ka_option options[] = {
	{ "u", NULL, "the address is one of user memory", false },
	{ "k", NULL, "the address is one of the kernel", false },
	{ "c", "PID|TASK", "user memory of this task instead of the current one's", false },
	{ NULL, NULL, NULL, false },
};

static const struct ka_rows *const rows[] = { &ka_rows_vtop_row, &ka_rows_vtop_level, NULL };

const struct ka_command ka_command_vtop = {
	.name = "vtop",
	.args = "[-u | -k] [-c PID|TASK] ADDR...",
	.brief = "virtual to physical address",
	.help =
		"The physical address of each virtual one, with the entries of the page tables that lead\n"
		"there: where each lies (physical), and its value. Then the page, its size where it is a\n"
		"large one, and the bits of the entry that maps it. Without an option, an address that is\n"
		"none of the kernel's is one of the current task's memory.\n"
		"\n"
		"ADDR is a number (hexadecimal, with 0x or without), a symbol, or an expression of these\n"
		"as of eval.\n"
		"\n"
		"    vtop init_task\n"
		"    vtop -c 1 400000\n",
	.options = options,
	.rows = rows,
	.run = run,
};
