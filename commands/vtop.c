/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* vtop: a virtual address through the page tables, level by level. */
#include <inttypes.h>
#include <kanalyze/command.h>
#include <kanalyze/page.h>
#include <kanalyze/task.h>
#include <kanalyze/translate.h>
#include <kanalyze/vfs.h>
#include <kanalyze/vma.h>
#include "entry_show.h"
#include "words.h"

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

static const char *const *list_of(struct ka_call *c, const char *text, char between)
{
	const char **list = ka_alloc(c->arena, 66 * sizeof(*list));
	const char stop[] = { between, 0 };
	size_t n = 0;

	for (const char *p = text; *p && n < 64; n++) {
		size_t len = strcspn(p, stop);

		list[n] = ka_strndup(c->arena, p, len);
		p += len + (p[len] == between);
	}
	return list;
}

/* Memory area, struct page and where the page is instead: what crash tells below the entry. */
struct vtop_vma {
	ka_addr vma, start, end;
	uint64_t flags;
	const char *file;
};
KA_ROWS(vtop_vma, "areas", "      VMA           START       END     FLAGS FILE", "{vma:016} {start:10} {end:10} {flags:6} {file}",
	KA_COL(vtop_vma, vma, KA_ADDR, "the vm_area_struct"),
	KA_COL(vtop_vma, start, KA_ADDR, "first address"),
	KA_COL(vtop_vma, end, KA_ADDR, "first address behind"),
	KA_COL(vtop_vma, flags, KA_HEX, "VM_* bits"),
	KA_COL(vtop_vma, file, KA_TEXT, "mapped file"));

struct vtop_page {
	ka_addr page, physical, mapping;
	uint64_t index, flags;
	int32_t count;
	const char *flags_text;
	const char *const *names;
};
KA_ROWS(vtop_page, "pages", "      PAGE       PHYSICAL      MAPPING       INDEX CNT FLAGS",
	"{page:016} {physical:8} {mapping:16} {index:8x} {count:2} {flags:x}{flags_text? %}",
	KA_COL(vtop_page, page, KA_ADDR, "the struct page"),
	KA_COL(vtop_page, physical, KA_ADDR, "the page"),
	KA_COL(vtop_page, mapping, KA_ADDR, "its mapping member"),
	KA_COL(vtop_page, index, KA_HEX, "its index member"),
	KA_COL(vtop_page, count, KA_INT, "its reference count"),
	KA_COL(vtop_page, flags, KA_HEX, "its flags, zone and node"),
	KA_COLF(vtop_page, flags_text, KA_TEXT, KA_ONLY_TEXT, "names of the flags"),
	KA_COLF(vtop_page, names, KA_LIST, KA_ONLY_JSON, "names of the flags"));

struct vtop_place { const char *kind, *name, *line; uint64_t offset; };
KA_LINES(vtop_place, "places", "{line}",
	KA_COLF(vtop_place, kind, KA_TEXT, KA_ONLY_JSON, "swap, file, or another kind of entry"),
	KA_COLF(vtop_place, name, KA_TEXT, KA_ONLY_JSON, "swap device, or file"),
	KA_COLF(vtop_place, offset, KA_HEX, KA_ONLY_JSON, "swap: page of the device; file: byte"),
	KA_COLF(vtop_place, line, KA_TEXT, KA_ONLY_TEXT, "the place as text"));

static void page_show(struct ka_call *c, uint64_t phys)
{
	struct vtop_page row = {0};
	struct ka_page p;
	struct ka_error *err = ka_page_read(c->k, (ka_phys){ phys }, &p);

	/* memory of devices has none */
	if (ka_error_catch(&err, KA_NOT_FOUND) || ka_error_catch(&err, KA_MISSING))
		return;
	if (err) {
		ka_call_fault(c, err);
		return;
	}
	row.page = p.addr;
	row.physical = p.phys.v;
	row.mapping = p.mapping;
	row.index = p.index;
	row.count = p.refcount;
	row.flags = p.flags;
	row.flags_text = ka_page_flags_text(c->k, c->arena, p.flags);
	row.names = list_of(c, row.flags_text, ',');
	ka_out_note(c->out, "\n");
	ka_out_new_table(c->out);
	ka_out_row(c->out, &ka_rows_vtop_page, &row);
}

static bool vma_find(struct ka_call *c, ka_addr mm, uint64_t at, struct ka_vma *ret)
{
	struct ka_walk w = ka_walk_vmas(c->k, mm);
	bool is_found = false;
	struct ka_error *err;

	for (ka_addr vma; !is_found && ka_walk_next(&w, &vma);)
		is_found = !ka_error_drop(ka_vma_read(c->k, vma, ret)) && at >= ret->start && at < ret->end;
	err = ka_walk_end(&w);
	if (is_found)
		ka_error_drop(err);
	else
		ka_call_fault(c, err);
	return is_found;
}

static const char *vma_file(struct ka_call *c, const struct ka_vma *v)
{
	struct ka_vfs_file f;
	const char *path = NULL;
	struct ka_error *err = v->file ? ka_vfs_file_read(c->k, v->file, &f) : NULL;

	if (v->file && !err)
		err = ka_path_name(c->k, f.path, c->arena, &path, NULL);
	ka_call_fault(c, err);
	return path;
}

static const char *vma_show(struct ka_call *c, const struct ka_vma *v)
{
	struct vtop_vma row = { v->addr, v->start, v->end, v->flags, vma_file(c, v) };

	ka_out_note(c->out, "\n");
	ka_out_new_table(c->out);
	ka_out_row(c->out, &ka_rows_vtop_vma, &row);
	return row.file;
}

/* Where a page is that is not in memory: on swap, between places, or still in its file. */
static void place_show(struct ka_call *c, const struct ka_translation *t, const struct ka_vma *v, const char *file, uint64_t at)
{
	struct vtop_place row = {0};
	struct ka_entry e;

	if (!t->levels)
		return;
	ka_entry_decode(c->k, t->level[t->levels - 1].entry, 0, c->arena, &e);
	row.kind = e.kind_name;
	if (e.kind == KA_ENTRY_SWAP) {
		row.name = e.device;
		row.offset = e.offset;
		row.line = ka_printf(c->arena, "SWAP: %s  OFFSET: %" PRIu64, e.device ? e.device : "(unknown)", e.offset);
	} else if (e.kind == KA_ENTRY_NONE && v && v->file) {
		row.kind = "file";
		row.name = file;
		row.offset = ((at - v->start) & ~(ka_page_size(c->k) - 1)) + v->pgoff_pages * ka_page_size(c->k);
		row.line = ka_printf(c->arena, "FILE: %s  OFFSET: %" PRIx64, file ? file : "(unknown)", row.offset);
	} else if (e.kind != KA_ENTRY_NONE && e.kind != KA_ENTRY_PAGE && e.kind != KA_ENTRY_OTHER) {
		row.line = ka_printf(c->arena, "%s", ka_entry_where(c->arena, &e));
	} else {
		return;
	}
	ka_out_note(c->out, "\n");
	ka_out_row(c->out, &ka_rows_vtop_place, &row);
}

struct asked {
	struct vtop_row row;
	struct ka_translation t;
	struct ka_task who;
	struct ka_mm mm;
	struct ka_vma vma;
	bool has_vma;
	ka_addr pgd;			/* of a task's tables, 0: the kernel's own */
};

/* The kernel's top table is told by its address, those of processes by their entries, as crash does. */
static void levels(struct ka_call *c, const struct asked *q)
{
	const struct ka_translation *t = &q->t;

	for (unsigned i = 0; i < t->levels; i++) {
		if (!i && !q->row.user) {
			ka_out_note(c->out, "PGD DIRECTORY: %" PRIx64, q->pgd ? q->pgd : ka_kernel_pgd(c->k));
			level_row(c, ka_printf(c->arena, "PAGE DIRECTORY: %" PRIx64, t->level[i].entry), t, i);
			continue;
		}
		level_row(c, ka_printf(c->arena, "%6s: %" PRIx64 " => %" PRIx64, t->level[i].name, t->level[i].phys, t->level[i].entry),
			  t, i);
	}
}

static void show(struct ka_call *c, struct asked *q)
{
	struct vtop_row *row = &q->row;
	const struct ka_translation *t = &q->t;
	bool is_large = t->page_size != ka_page_size(c->k), is_hidden = row->user && !q->has_vma && !t->is_mapped;
	uint64_t last = t->levels ? t->level[t->levels - 1].entry : 0;
	const char *flags, *file = NULL;

	if (t->is_mapped) {
		row->mapped = true;
		row->physical = t->phys;
		row->page = t->page_phys;
		row->page_size = t->page_size;
		row->pte = last;
		row->flags = entry_flags(c, last, t->page_size, &flags);
		row->physical_text = ka_printf(c->arena, "%" PRIx64, t->phys);
	} else if (is_hidden) {
		row->physical_text = "(not accessible)";
	}
	row->virtual_text = ka_printf(c->arena, row->user ? "%-10" PRIx64 : "%-16" PRIx64, row->virtual);
	ka_out_note(c->out, row->user ? "VIRTUAL     PHYSICAL" : "VIRTUAL           PHYSICAL");
	ka_out_begin(c->out, &ka_rows_vtop_row, row);
	/* where the task has no memory area its tables are of no interest */
	if (t->levels && (!is_hidden || !ka_out_is_text(c->out))) {
		ka_out_note(c->out, "\n");
		levels(c, q);
	}
	if (t->is_mapped)
		ka_out_note(c->out, "  PAGE: %" PRIx64 "%s%s%s", t->page_phys, is_large ? "  (" : "", is_large ? size_text(c->arena, t->page_size) : "",
			    is_large ? ")" : "");
	if (t->is_mapped || (last && !is_hidden)) {
		ka_out_note(c->out, "\n");
		entry_show(c, last, t->page_size);
	}
	if (q->has_vma)
		file = vma_show(c, &q->vma);
	if (t->is_mapped)
		page_show(c, t->phys);
	else if (row->user)
		place_show(c, t, q->has_vma ? &q->vma : NULL, file, row->virtual);
	ka_out_end(c->out);
}

/* Whose tables: with -c, or of a user address, a task's; else the kernel's own. */
static struct ka_error *choose_tables(struct ka_call *c, struct asked *q, ka_addr task, bool is_kernel)
{
	struct ka_error *err;

	q->row.user = ka_call_has(c, "u") || (!ka_call_has(c, "k") && !is_kernel);
	if (!q->row.user && !ka_call_has(c, "c"))
		return NULL;
	err = ka_task_read(c->k, task, &q->who);
	/* a kernel thread runs on the tables of whoever was there before it */
	if (!err && (q->who.mm || (!q->row.user && q->who.active_mm)))
		err = ka_mm_read(c->k, q->who.mm ? q->who.mm : q->who.active_mm, &q->mm);
	q->row.pid = q->who.pid;
	if (!q->row.user)
		q->pgd = q->mm.pgd;
	return ka_error_wrap(err, "cannot tell the page tables of task 0x%" PRIx64, task);
}

static struct ka_error *one(struct ka_call *c, const char *text, ka_addr task)
{
	struct asked q = { .row.physical_text = "(not mapped)" };
	bool is_kernel;
	struct ka_error *err = ka_parse_address(c->k, text, &q.row.virtual);

	if (err)
		return ka_error_wrap(err, "'%s'", text);
	is_kernel = ka_is_kernel_addr(c->k, q.row.virtual);
	err = choose_tables(c, &q, task, is_kernel);
	if (err)
		return err;
	if (q.row.user && (!q.who.mm || is_kernel)) {
		q.row.reason = is_kernel ? "it is a kernel address, not one of user memory" : "the task has no user memory";
	} else if (!q.row.user && !is_kernel) {
		q.row.physical_text = "(not a kernel virtual address)";
		q.row.reason = "not a kernel virtual address";
	} else {
		q.has_vma = q.row.user && vma_find(c, q.who.mm, q.row.virtual, &q.vma);
		err = ka_translation_walk(c->k, q.row.user ? q.mm.pgd : q.pgd, q.row.virtual, &q.t);
		if (err && err->code != KA_UNMAPPED)
			q.row.physical_text = "(page table not readable)";
		if (err)
			q.row.reason = ka_strdup(c->arena, err->message);
	}
	show(c, &q);
	if (ka_error_catch(&err, KA_UNMAPPED))
		return NULL;
	return err;
}

static struct ka_error *run(struct ka_call *c)
{
	const char *task_text = ka_call_value(c, "c");
	ka_addr task = ka_call_task(c);
	struct ka_error *err;

	ka_words_join(c);
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
	{ "c", "PID|TASK", "this task's page tables instead of the current one's, or (kernel addresses) the kernel's own", false },
	{ NULL, NULL, NULL, false },
};

static const struct ka_rows *const rows[] = { &ka_rows_vtop_row, &ka_rows_vtop_level, &ka_rows_entry_row, &ka_rows_vtop_vma, &ka_rows_vtop_page,
					      &ka_rows_vtop_place, NULL };

const struct ka_command ka_command_vtop = {
	.name = "vtop",
	.args = "[-u | -k] [-c PID|TASK] ADDR...",
	.brief = "virtual to physical address",
	.help =
		"The physical address of each virtual one, with the entries of the page tables that lead\n"
		"there: where each lies (physical), and its value. Then the page, its size where it is a\n"
		"large one, the bits of the entry that maps it, the memory area of a user address, and the\n"
		"struct page. Of a page that is not in memory: the swap device and where on it, or the file\n"
		"that it would be read from. Without an option, an address that is none of the kernel's is\n"
		"one of the current task's memory.\n"
		"\n"
		"ADDR is a number (hexadecimal, with 0x or without), a symbol, or an expression of these\n"
		"as of eval.\n"
		"\n"
		"    vtop init_task\n"
		"    vtop -c 1 400000\n",
	.options = options,
	.needs = KA_IN_CONTEXT | KA_EACH_ALONE,
	.rows = rows,
	.run = run,
};
