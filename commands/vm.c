/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* vm: the memory areas of tasks, and where their pages are. */
#include <inttypes.h>
#include <kanalyze/command.h>
#include <kanalyze/task.h>
#include <kanalyze/translate.h>
#include <kanalyze/vfs.h>
#include <kanalyze/vma.h>
#include "vm.h"

#define PAGES_MAX (64ull << 20)	/* of one area: 256 GB in small pages */

struct vm_task {
	int32_t pid;
	ka_addr task;
	uint32_t cpu;
	char comm[16];
	bool has_sizes;
	ka_addr mm, pgd;
	uint64_t rss_kb, total_vm_kb;
	bool has_kinds, has_swap;
	uint64_t rss_anon_kb, rss_file_kb, rss_shmem_kb, swap_kb, tables_kb;
	const struct ka_node *mm_struct;
};
KA_LINES(vm_task, "tasks", "PID: {pid:<7}  TASK: {task:016}  CPU: {cpu:<3}  COMMAND: \"{comm}\"",
	KA_COL(vm_task, pid, KA_INT, "process id (of threads: thread id)"),
	KA_COL(vm_task, task, KA_ADDR, "address of the task_struct"),
	KA_COL(vm_task, cpu, KA_UINT, "CPU it ran on last"),
	KA_COL(vm_task, comm, KA_CHARS, "command name"),
	KA_COLF(vm_task, mm, KA_ADDR, KA_ONLY_JSON | KA_ZERO_IS_NONE, "address of the mm_struct; null: it has no user memory"),
	KA_COLF(vm_task, pgd, KA_ADDR, KA_ONLY_JSON | KA_ZERO_IS_NONE, "address of its top page table"),
	{ "rss_kb", offsetof(struct vm_task, rss_kb), 8, KA_UINT, KA_ONLY_JSON, offsetof(struct vm_task, has_sizes), NULL,
	  "resident set size, KB" },
	{ "total_vm_kb", offsetof(struct vm_task, total_vm_kb), 8, KA_UINT, KA_ONLY_JSON, offsetof(struct vm_task, has_sizes), NULL,
	  "virtual size, KB" },
#define VM_KIND(member, help) { #member, offsetof(struct vm_task, member), 8, KA_UINT, KA_ONLY_JSON, offsetof(struct vm_task, has_kinds), NULL, help }
	VM_KIND(rss_anon_kb, "of rss_kb: anonymous, as /proc/PID/status has it (RssAnon)"),
	VM_KIND(rss_file_kb, "of rss_kb: pages of files (RssFile)"),
	VM_KIND(rss_shmem_kb, "of rss_kb: of tmpfs and shared memory (RssShmem)"),
	{ "swap_kb", offsetof(struct vm_task, swap_kb), 8, KA_UINT, KA_ONLY_JSON, offsetof(struct vm_task, has_swap), NULL,
	  "swapped out (VmSwap)" },
	KA_COLF(vm_task, tables_kb, KA_UINT, KA_ONLY_JSON | KA_ZERO_IS_NONE, "its page tables (VmPTE); null: not counted in bytes"),
	KA_COLF(vm_task, mm_struct, KA_VALUE, KA_ONLY_JSON, "of -m: all of the mm_struct"));

struct vm_area {
	ka_addr vma, start, end;
	uint64_t flags;
	const char *flags_text;
	const char *path;
	ka_addr file;
	uint64_t offset;
	bool has_file;
};
KA_LINES(vm_area, "vmas", "{vma:016} {start:10} {end:10} {flags} {path}",
	KA_COL(vm_area, vma, KA_ADDR, "address of the vm_area_struct"),
	KA_COL(vm_area, start, KA_ADDR, "first user address"),
	KA_COL(vm_area, end, KA_ADDR, "first user address behind it"),
	KA_COL(vm_area, flags, KA_HEX, "VM_* bits"),
	KA_COLF(vm_area, flags_text, KA_TEXT, KA_ONLY_JSON, "their names"),
	KA_COLF(vm_area, file, KA_ADDR, KA_ONLY_JSON | KA_ZERO_IS_NONE, "address of the struct file; null: none"),
	KA_COL(vm_area, path, KA_TEXT, "path of the file; null: none"),
	{ "offset", offsetof(struct vm_area, offset), 8, KA_UINT, KA_ONLY_JSON, offsetof(struct vm_area, has_file), NULL,
	  "where in the file it starts, bytes" });

struct vm_page {
	ka_addr virt, phys;
	bool is_mapped, has_offset;
	uint64_t entry, offset;
	const char *where;
};
KA_LINES(vm_page, "pages", "{virtual:<10}  {where}",
	{ "virtual", offsetof(struct vm_page, virt), 8, KA_ADDR, 0, -1, NULL, "user address of the page" },
	{ "physical", offsetof(struct vm_page, phys), 8, KA_ADDR, KA_ONLY_JSON, offsetof(struct vm_page, is_mapped), NULL,
	  "its physical address; null: not mapped" },
	KA_COLF(vm_page, entry, KA_ADDR, KA_ONLY_JSON | KA_ZERO_IS_NONE, "page table entry of a page that is elsewhere: in swap, or on the move"),
	{ "offset", offsetof(struct vm_page, offset), 8, KA_UINT, KA_ONLY_JSON, offsetof(struct vm_page, has_offset), NULL,
	  "of a page that would come from the file: where in it, bytes" },
	KA_COLF(vm_page, where, KA_TEXT, KA_ONLY_TEXT, NULL));

struct vm_flags {
	uint64_t flags;
	const char *names;
};
KA_LINES(vm_flags, "flags", "{flags}: ({names})",
	KA_COL(vm_flags, flags, KA_HEX, "VM_* bits"),
	KA_COL(vm_flags, names, KA_TEXT, "their names, joined by |"));

#define VM_HEADING "      VMA           START       END     FLAGS FILE"

struct vm {
	struct ka_call *c;
	bool is_pages;		/* -p */
	bool is_mm, is_structs;	/* -m, -v */
	bool is_rss;		/* --rss */
	struct ka_print how;	/* of -m and -v */
	const char *reference;	/* -R */
	bool has_number, has_vma, has_mm;
	uint64_t number;	/* of the reference */
	ka_addr vma, mm;	/* -P, -M */
	struct ka_map paths;	/* struct file -> its path, in the call's arena: many areas map the same */
};

/* What is shown of one task. The head goes out with its first area: -R leaves out tasks that have none. */
struct vm_shown {
	struct vm *vm;
	const struct ka_task *task;
	struct ka_mm mm;
	bool has_sizes, has_head, has_heading;
	bool has_faulted;	/* its page tables: told once */
	uint64_t size;		/* of its areas, and what they have in memory: --rss */
	struct ka_rss sum;
};

static void put_head(struct vm_shown *s)
{
	struct ka_call *c = s->vm->c;
	const struct ka_task *t = s->task;
	struct vm_task row = { .pid = t->pid, .task = t->addr, .cpu = t->cpu, .mm = s->mm.addr, .pgd = s->mm.pgd };
	struct ka_error *err = NULL;

	if (s->has_head)
		return;
	s->has_head = true;
	memcpy(row.comm, t->comm, sizeof(row.comm));
	row.has_sizes = s->has_sizes;
	row.rss_kb = s->mm.rss_pages * ka_page_size(c->k) / 1024;
	row.total_vm_kb = s->mm.total_vm_pages * ka_page_size(c->k) / 1024;
	row.has_kinds = s->has_sizes && s->mm.has_kinds;
	row.has_swap = s->has_sizes && s->mm.has_swap;
	row.rss_anon_kb = s->mm.rss_anon_pages * ka_page_size(c->k) / 1024;
	row.rss_file_kb = s->mm.rss_file_pages * ka_page_size(c->k) / 1024;
	row.rss_shmem_kb = s->mm.rss_shmem_pages * ka_page_size(c->k) / 1024;
	row.swap_kb = s->mm.swap_pages * ka_page_size(c->k) / 1024;
	row.tables_kb = s->mm.tables_bytes / 1024;
	if (s->vm->is_mm && s->mm.addr && !ka_out_is_text(c->out))
		err = ka_vm_mm_tree(c, s->mm.addr, &s->vm->how, &row.mm_struct);
	ka_out_gap(c->out);
	ka_out_new_table(c->out);
	ka_out_begin(c->out, &ka_rows_vm_task, &row);
	if (s->vm->is_mm && s->mm.addr && ka_out_is_text(c->out))
		err = ka_vm_mm_put(c, s->mm.addr, &s->vm->how);
	ka_call_fault(c, ka_error_wrap(err, "PID %d: mm_struct", t->pid));
	if (s->vm->has_vma || s->vm->is_mm || s->vm->is_structs)
		return;
	ka_out_note(c->out, "       MM               PGD          RSS    TOTAL_VM");
	if (!s->mm.addr)
		ka_out_note(c->out, "       0                 0            0k       0k");
	else if (s->has_sizes)
		ka_out_note(c->out, "%016" PRIx64 "  %016" PRIx64 "  %" PRIu64 "k    %" PRIu64 "k", s->mm.addr, s->mm.pgd, row.rss_kb,
			    row.total_vm_kb);
	else
		ka_out_note(c->out, "%016" PRIx64 "  (unknown)         (unknown)", s->mm.addr);
}

/* Numbers refer to an area by its address, flags, file, or by a user address in it. */
static bool is_meant(const struct vm *vm, const struct ka_vma *v, const char *path)
{
	if (!vm->reference)
		return true;
	if (path && strstr(path, vm->reference))
		return true;
	return vm->has_number && (v->addr == vm->number || v->flags == vm->number || (v->file && v->file == vm->number) ||
				  v->end == vm->number || (vm->number >= v->start && vm->number < v->end));
}

/* Where a page is. False: its table cannot be read, which *err tells. */
static bool page_find(const struct vm_shown *s, const struct ka_vma *v, const char *path, uint64_t at, struct vm_page *ret,
		      struct ka_error **err)
{
	struct ka_call *c = s->vm->c;
	struct ka_translation tr;

	*ret = (struct vm_page){ .virt = at };
	*err = ka_translation_walk(c->k, s->mm.pgd, at, &tr);
	if (*err && !ka_error_catch(err, KA_UNMAPPED)) {
		ret->where = "(unknown)";
		return false;
	}
	if (tr.is_mapped) {
		ret->is_mapped = true;
		ret->phys = tr.phys;
		ret->where = ka_printf(c->arena, "%8" PRIx64, tr.phys);
		return true;
	}
	ret->entry = tr.levels ? tr.level[tr.levels - 1].entry : 0;
	if (ret->entry) {
		ret->where = ka_printf(c->arena, "SWAP: (entry %" PRIx64 ")", ret->entry);
	} else if (v->file) {
		ret->has_offset = true;
		ret->offset = v->pgoff_pages * ka_page_size(c->k) + (at - v->start);
		ret->where = ka_printf(c->arena, "FILE: %s  OFFSET: %" PRIx64, path ? path : "(unknown)", ret->offset);
	} else {
		ret->where = "(not mapped)";
	}
	return true;
}

static void put_pages(struct vm_shown *s, const struct ka_vma *v, const char *path)
{
	const struct vm *vm = s->vm;
	uint64_t size = ka_page_size(vm->c->k), start = v->start, end = v->end;

	ka_out_note(vm->c->out, "VIRTUAL     PHYSICAL");
	/* a reference to an address shows that page alone */
	if (vm->has_number && vm->number >= start && vm->number < end) {
		start = vm->number & ~(size - 1);
		end = start + 1;
	}
	if ((end - start) / size > PAGES_MAX) {
		ka_call_fault(vm->c, ka_error_at(KA_CORRUPT, KA_SPACE_VIRT, v->addr, "PID %d: the area at 0x%" PRIx64 " would have %" PRIu64
						 " pages: the first %llu are shown", s->task->pid, v->addr, (end - start) / size, PAGES_MAX));
		end = start + PAGES_MAX * size;
	}
	for (uint64_t at = start; at < end && at >= start && !ka_interrupted(); at += size) {
		struct ka_error *err = NULL;
		struct vm_page row;

		if (!page_find(s, v, path, at, &row, &err) && !s->has_faulted) {
			s->has_faulted = true;
			ka_call_fault(vm->c, ka_error_wrap(err, "PID %d: page tables", s->task->pid));
			err = NULL;
		}
		ka_error_free(err);
		ka_out_row(vm->c->out, &ka_rows_vm_page, &row);
	}
}

static const char *path_of(struct vm_shown *s, const struct ka_vma *v)
{
	struct ka_call *c = s->vm->c;
	const char *path = NULL;
	struct ka_error *err;
	struct ka_vfs_file f;
	uint64_t known;

	if (!v->file)
		return NULL;
	if (ka_map_get(&s->vm->paths, v->file, &known))
		return (const char *)(uintptr_t)known;
	err = ka_vfs_file_read(c->k, v->file, &f);
	if (!err)
		err = ka_path_name(c->k, f.path, c->arena, &path, NULL);
	ka_call_fault(c, ka_error_wrap(err, "PID %d: the file of the area at 0x%" PRIx64, s->task->pid, v->addr));
	ka_map_add(&s->vm->paths, v->file, (uintptr_t)path);
	return path;
}

static void put_area(struct vm_shown *s, const struct ka_vma *v)
{
	const struct vm *vm = s->vm;
	struct ka_call *c = vm->c;
	bool is_pages = vm->is_pages || vm->has_vma;
	struct ka_error *err;
	struct vm_area row = { .vma = v->addr, .start = v->start, .end = v->end, .flags = v->flags, .file = v->file,
			       .has_file = v->file != 0, .path = path_of(s, v), .offset = v->pgoff_pages * ka_page_size(c->k) };

	if (!is_meant(vm, v, row.path))
		return;
	put_head(s);
	if (vm->is_rss) {
		s->size += v->end - v->start;
		err = ka_vm_rss_put(c, s->mm.pgd, v, row.path, &s->sum);
		if (s->has_faulted)
			ka_error_free(err);
		else if (err)
			ka_call_fault(c, ka_error_wrap(err, "PID %d: page tables", s->task->pid));
		s->has_faulted |= err != NULL;
		return;
	}
	row.flags_text = ka_vma_flags_text(c->k, c->arena, v->flags);
	if (!s->has_heading || is_pages)
		ka_out_note(c->out, VM_HEADING);
	s->has_heading = true;
	ka_out_begin(c->out, &ka_rows_vm_area, &row);
	if (is_pages)
		put_pages(s, v, row.path);
	ka_out_end(c->out);
}

static void put_areas(struct vm_shown *s)
{
	struct ka_call *c = s->vm->c;
	struct ka_walk w = ka_walk_vmas(c->k, s->mm.addr);
	struct ka_error *err;

	for (ka_addr at; ka_walk_next(&w, &at); ) {
		struct ka_vma v;

		if (s->vm->is_structs) {
			ka_call_fault(c, ka_error_wrap(ka_vm_area_put(c, at, &s->vm->how), "PID %d", s->task->pid));
			continue;
		}
		err = ka_vma_read(c->k, at, &v);
		if (!err && v.mm != s->mm.addr)
			err = ka_error_at(KA_CORRUPT, KA_SPACE_VIRT, at, "the area at 0x%" PRIx64 " says it belongs to the mm_struct 0x%" PRIx64,
					  at, v.mm);
		if (err && (err->code != KA_CORRUPT || v.start >= v.end)) {
			ka_call_fault(c, ka_error_wrap(err, "PID %d", s->task->pid));
			continue;
		}
		ka_call_fault(c, ka_error_wrap(err, "PID %d", s->task->pid));
		put_area(s, &v);
	}
	err = ka_walk_end(&w);
	if (!ka_error_catch(&err, KA_INTERRUPTED))
		ka_call_fault(c, ka_error_wrap(err, "PID %d: its areas are not all known", s->task->pid));
}

static void put_task(struct vm *vm, const struct ka_task *t)
{
	struct ka_call *c = vm->c;
	struct vm_shown s = { .vm = vm, .task = t };
	ka_addr mm = vm->has_mm ? vm->mm : t->mm;
	struct ka_error *err = mm ? ka_mm_read(c->k, mm, &s.mm) : NULL;

	s.has_sizes = mm && !err;
	s.mm.addr = mm;
	ka_call_fault(c, ka_error_wrap(err, "PID %d: cannot read its mm_struct", t->pid));
	if (!vm->reference)
		put_head(&s);
	if (vm->has_vma) {
		struct ka_vma v;

		err = ka_vma_read(c->k, vm->vma, &v);
		if (err)
			ka_call_fault(c, err);
		else
			put_area(&s, &v);
	} else if (mm && !vm->is_mm) {
		put_areas(&s);
		if (vm->is_rss && s.has_head)
			ka_vm_rss_total(c, s.size, &s.sum);
	}
	if (s.has_head)
		ka_out_end(c->out);
}

static struct ka_error *put_flags(struct ka_call *c, const char *text)
{
	struct vm_flags row;

	if (!ka_parse_number(text, false, &row.flags))
		return ka_call_usage(c, "invalid input: \"%s\"", text);
	row.names = ka_vma_flags_text(c->k, c->arena, row.flags);
	ka_out_row(c->out, &ka_rows_vm_flags, &row);
	return NULL;
}

static struct ka_error *take_options(struct vm *vm)
{
	struct ka_call *c = vm->c;
	const char *vma = ka_call_value(c, "P"), *mm = ka_call_value(c, "M");
	struct ka_error *err = NULL;

	vm->is_pages = ka_call_has(c, "p");
	vm->reference = ka_call_value(c, "R");
	vm->has_number = vm->reference && ka_parse_number(vm->reference, false, &vm->number);
	vm->has_vma = vma != NULL;
	vm->has_mm = mm != NULL;
	vm->is_mm = ka_call_has(c, "m");
	vm->is_structs = ka_call_has(c, "v");
	vm->is_rss = ka_call_has(c, "rss");
	if (ka_call_has(c, "x") && ka_call_has(c, "d"))
		return ka_call_usage(c, "-d and -x exclude each other");
	vm->how = ka_call_print(c, ka_call_has(c, "x"), ka_call_has(c, "d"));
	if (vma && (vm->reference || vm->is_pages))
		return ka_call_usage(c, "-P shows the pages of one area: it goes with neither -p nor -R");
	if (vm->is_mm + vm->is_structs + vm->is_rss + (vm->is_pages || vma) > 1 || ((vm->is_mm || vm->is_structs) && vm->reference))
		return ka_call_usage(c, "-p, -P, -m, -v and --rss exclude each other, and -m and -v exclude -R");
	if (vma)
		err = ka_parse_address(c->k, vma, &vm->vma);
	if (!err && mm)
		err = ka_parse_address(c->k, mm, &vm->mm);
	return err;
}

static struct ka_error *run(struct ka_call *c)
{
	struct vm vm = { .c = c };
	const char *flags = ka_call_value(c, "f");
	struct ka_error *err;

	if (flags)
		return put_flags(c, flags);
	err = take_options(&vm);
	if (err)
		return err;
	for (int i = 0; i < (c->argc ? c->argc : 1) && !ka_interrupted(); i++) {
		ka_addr at = ka_call_task(c);
		struct ka_task t;

		err = c->argc ? ka_parse_task(c->k, c->argv[i], &at) : NULL;
		if (!err)
			err = ka_task_read(c->k, at, &t);
		if (err)
			ka_call_fault(c, err);
		else
			put_task(&vm, &t);
	}
	ka_map_free(&vm.paths);
	return ka_interrupted() ? ka_error_new(KA_INTERRUPTED, "interrupted") : NULL;
}

static const struct ka_option options[] = {
	{ "p", NULL, "each page of each area: its physical address, or where it would come from", false },
	{ "P", "VMA", "the same of one area, by the address of its vm_area_struct", false },
	{ "M", "MM", "the areas of this mm_struct: of a task that is exiting and has lost its own", false },
	{ "R", "REF", "only areas that a number (address of the area, its flags, an address in it) or part of a file name refers to", false },
	{ "m", NULL, "the mm_struct", false },
	{ "v", NULL, "all vm_area_structs", false },
	{ "x", NULL, "of -m and -v: numbers in hexadecimal", false },
	{ "d", NULL, "of -m and -v: numbers in decimal", false },
	{ "rss", NULL, "what each area has in memory, by its page tables: RSS, PSS, USS, anonymous, of files, shared memory, large pages, swap (KB)",
	  true },
	{ "f", "FLAGS", "names of the bits of vm_flags (hexadecimal)", false },
	{ NULL, NULL, NULL, false },
};

static const struct ka_rows *const rows[] = { &ka_rows_vm_task, &ka_rows_vm_area, &ka_rows_vm_page, &ka_rows_vm_flags,
					      &ka_vm_struct_rows, &ka_vm_rss_rows, &ka_vm_total_rows, NULL };

const struct ka_command ka_command_vm = {
	.name = "vm",
	.args = "[-p | -P VMA | -m | -v | --rss] [-dx] [-M MM] [-R REF] [PID | TASK]... | -f FLAGS",
	.brief = "virtual memory of tasks",
	.help =
	"Shows for each task (the current one when none is given) the addresses of its mm_struct and\n"
	"top page table, its resident and virtual size, and its memory areas: where they lie in user\n"
	"memory, their flags and the file they map. -p and -P go by the page tables: the physical\n"
	"address of each page; of one that is not mapped the place in the file that it would come\n"
	"from, or the page table entry that tells where it was moved to.\n"
	"\n"
	"--rss is /proc/PID/smaps of the dead machine: it adds up the pages that the page tables have.\n"
	"PSS divides each page by how often it is mapped, USS counts those that nobody else maps. The\n"
	"pages themselves may have been left out of the dump; only page tables and the kernel's struct\n"
	"pages are read.\n"
	"\n"
	"Examples:\n"
	"  vm -p 1                 each page of init\n"
	"  vm -R libc 1            where init has mapped libc\n"
	"  foreach user vm --rss   what every process has in memory\n"
	"  vm -v -x 1              its vm_area_structs, in hexadecimal\n",
	.options = options,
	.needs = KA_NEED_TYPES | KA_NEED_TASKS | KA_TAKES_TASKS | KA_EACH_ALONE,
	.rows = rows,
	.run = run,
};
