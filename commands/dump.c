/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dump: what the dump file says of itself. */
#include <inttypes.h>
#include <kanalyze/command.h>
#include <kanalyze/dump.h>
#include <kanalyze/system.h>

struct dump_row {
	const char *format, *machine, *byte_order, *level_text, *size_text, *time_text, *release, *nodename, *version, *header_machine, *state, *erased;
	const char *held_text, *excluded_text, *max_text, *phys_base_text, *bitmap_text, *warning;
	uint32_t header_version, block_size, cpu_count;
	int32_t level;
	uint64_t file_bytes, pages_present, pages_excluded, bytes_present, max_pfn, timestamp_s, range_count;
	ka_addr phys_base;
	bool flattened, partial, incomplete, split, has_level, has_phys_base, has_time;
	const char *const *left_out;
};
KA_RECORD(dump_row, "dump",
	KA_CELL(dump_row, format, KA_TEXT, 0, "FORMAT", "format of the file"),
	KA_CELL(dump_row, header_version, KA_UINT, KA_ZERO_IS_NONE, "HEADER VERSION", "of the kdump-compressed header"),
	KA_CELL(dump_row, state, KA_TEXT, KA_ONLY_TEXT, "STATE", "is it whole?"),
	KA_COLF(dump_row, flattened, KA_BOOL, KA_ONLY_JSON, "is it a stream of makedumpfile -F (or QEMU)?"),
	KA_COLF(dump_row, partial, KA_BOOL, KA_ONLY_JSON, "were pages filtered out, or are some missing?"),
	KA_COLF(dump_row, incomplete, KA_BOOL, KA_ONLY_JSON, "is it cut, or did its writer run out of room?"),
	KA_COLF(dump_row, split, KA_BOOL, KA_ONLY_JSON, "is it in several parts?"),
	KA_CELL(dump_row, warning, KA_TEXT, 0, "WARNING", "what is wrong with the file"),
	KA_CELL(dump_row, machine, KA_TEXT, 0, "MACHINE", "architecture"),
	KA_CELL(dump_row, byte_order, KA_TEXT, 0, "BYTE ORDER", "and width"),
	KA_CELL(dump_row, size_text, KA_TEXT, KA_ONLY_TEXT, "FILE SIZE", "of all files"),
	KA_COLF(dump_row, file_bytes, KA_UINT, KA_ONLY_JSON, "size of all files"),
	KA_CELL(dump_row, block_size, KA_UINT, KA_ZERO_IS_NONE, "BLOCK SIZE", "bytes of a page in the file"),
	KA_CELL(dump_row, level_text, KA_TEXT, KA_ONLY_TEXT, "DUMP LEVEL", "what makedumpfile was to leave out"),
	{ "level", offsetof(struct dump_row, level), sizeof(int32_t), KA_INT, KA_ONLY_JSON, offsetof(struct dump_row, has_level), NULL,
	  "dump level of makedumpfile (-d)" },
	KA_COLF(dump_row, left_out, KA_LIST, KA_ONLY_JSON, "classes of pages that this level leaves out"),
	KA_CELL(dump_row, max_text, KA_TEXT, KA_ONLY_TEXT, "MEMORY END", "end of the highest page frame"),
	KA_COLF(dump_row, max_pfn, KA_UINT, KA_ONLY_JSON, "one past the highest page frame"),
	KA_CELL(dump_row, held_text, KA_TEXT, KA_ONLY_TEXT, "PAGES HELD", "pages that are in the file"),
	KA_COLF(dump_row, pages_present, KA_UINT, KA_ONLY_JSON, "pages that are in the file"),
	KA_COLF(dump_row, bytes_present, KA_UINT, KA_ONLY_JSON, "bytes of memory that are in the file"),
	KA_COLF(dump_row, range_count, KA_UINT, KA_ONLY_JSON, "ranges that they form"),
	KA_CELL(dump_row, excluded_text, KA_TEXT, KA_ONLY_TEXT, "PAGES LEFT OUT", "pages that were left out"),
	KA_COLF(dump_row, pages_excluded, KA_UINT, KA_ONLY_JSON, "pages that were left out; 0 where that is not counted"),
	KA_CELL(dump_row, erased, KA_TEXT, 0, "ERASED", "what makedumpfile was told to erase"),
	KA_CELL(dump_row, phys_base_text, KA_TEXT, KA_ONLY_TEXT, "PHYS BASE", "where the image's mapping begins in physical memory"),
	{ "phys_base", offsetof(struct dump_row, phys_base), sizeof(ka_addr), KA_ADDR, KA_ONLY_JSON, offsetof(struct dump_row, has_phys_base), NULL,
	  "where the image's mapping begins in physical memory, as the file says" },
	KA_CELL(dump_row, cpu_count, KA_UINT, KA_ZERO_IS_NONE, "CPUS", "as the header says"),
	KA_CELL(dump_row, time_text, KA_TEXT, KA_ONLY_TEXT, "TIMESTAMP", "of the header"),
	{ "timestamp_s", offsetof(struct dump_row, timestamp_s), sizeof(uint64_t), KA_UINT, KA_ONLY_JSON, offsetof(struct dump_row, has_time), NULL,
	  "of the header, seconds since 1970" },
	KA_CELL(dump_row, nodename, KA_TEXT, 0, "NODENAME", "of the header"),
	KA_CELL(dump_row, release, KA_TEXT, 0, "RELEASE", "of the header"),
	KA_CELL(dump_row, version, KA_TEXT, 0, "VERSION", "of the header"),
	KA_COLF(dump_row, header_machine, KA_TEXT, KA_ONLY_JSON, "machine of the header"));

struct dump_file { const char *path; uint64_t bytes; };
KA_ROWS(dump_file, "files", "       BYTES  FILE", "{bytes:12}  {path}",
	KA_COL(dump_file, bytes, KA_UINT, "size of the file"),
	KA_COL(dump_file, path, KA_TEXT, "its path"));

struct dump_note { const char *name, *meaning; uint32_t type, bytes; };
KA_ROWS(dump_note, "notes", "NOTE            TYPE     BYTES", "{name:<12}  {type:8x}  {bytes:8}  {meaning}",
	KA_COL(dump_note, name, KA_TEXT, "its owner"),
	KA_COL(dump_note, type, KA_HEX, "its type"),
	KA_COL(dump_note, bytes, KA_UINT, "bytes"),
	KA_COL(dump_note, meaning, KA_TEXT, "what it is"));

struct dump_register { const char *name; ka_addr value; };
KA_LINES(dump_register, "registers", "",
	KA_COL(dump_register, name, KA_TEXT, "register"),
	KA_COL(dump_register, value, KA_ADDR, "what it held"));

struct dump_info_line { const char *key, *value; };
KA_LINES(dump_info_line, "vmcoreinfo", "  {key}={value}",
	KA_COL(dump_info_line, key, KA_TEXT, "key"),
	KA_COL(dump_info_line, value, KA_TEXT, "value"));

static const char *bytes_text(struct ka_arena *a, uint64_t v)
{
	static const char *const units[] = { "bytes", "KB", "MB", "GB", "TB" };
	double scaled = (double)v;
	unsigned i = 0;

	for (; scaled >= 1024 && i + 1 < KA_COUNT(units); i++)
		scaled /= 1024;
	return i ? ka_printf(a, "%.1f %s", scaled, units[i]) : ka_printf(a, "%" PRIu64 " bytes", v);
}

/* The bits of makedumpfile's -d. */
static const char *const *left_out(struct ka_call *c, int level)
{
	static const char *const names[] = { "zero pages", "cache pages", "private cache pages", "user pages", "free pages" };
	const char **list = ka_alloc(c->arena, (KA_COUNT(names) + 1) * sizeof(*list));
	size_t n = 0;

	for (size_t i = 0; i < KA_COUNT(names); i++)
		if (level >= 0 && level >> i & 1)
			list[n++] = names[i];
	return list;
}

static void level_set(struct ka_call *c, const struct ka_dump_info *d, struct dump_row *row)
{
	struct ka_str s = {0};

	row->level = d->level;
	row->has_level = d->level >= 0;
	row->left_out = left_out(c, d->level);
	if (!row->has_level)
		return;
	ka_str_printf(&s, "%d", d->level);
	for (size_t i = 0; row->left_out[i]; i++)
		ka_str_printf(&s, "%s%s", i ? ", " : " (without ", row->left_out[i]);
	ka_str_add(&s, row->left_out[0] ? ")" : " (all pages)");
	row->level_text = ka_strdup(c->arena, s.p);
	ka_str_free(&s);
}

/* A line for each thing that was erased, "erase init_uts_ns.name.nodename size 65": in one. */
static const char *erased_text(struct ka_arena *a, const char *lines)
{
	char *text = lines ? ka_strdup(a, lines) : NULL;
	size_t n = text ? strlen(text) : 0;

	while (n && text[n - 1] == '\n')
		text[--n] = 0;
	for (size_t i = 0; i < n; i++)
		if (text[i] == '\n')
			text[i] = ';';
	return text;
}

static void show_info(struct ka_call *c, const struct ka_dump_info *d)
{
	uint64_t page = d->block_size ? d->block_size : ka_page_size(c->k);
	struct ka_dump_file f;
	size_t ranges;
	struct dump_row row = {
		.format = d->is_flattened ? ka_printf(c->arena, "%s, flattened", d->format) : d->format, .header_version = d->header_version,
		.flattened = d->is_flattened, .partial = d->is_partial, .incomplete = d->is_incomplete, .split = d->is_split,
		.machine = d->machine, .block_size = d->block_size, .max_pfn = d->max_pfn, .pages_excluded = d->pages_excluded,
		.erased = erased_text(c->arena, d->erased), .phys_base = d->phys_base, .has_phys_base = d->has_phys_base, .cpu_count = d->cpu_count,
		.timestamp_s = d->timestamp_s, .has_time = d->timestamp_s, .warning = d->warning, .release = d->release,
		.nodename = d->nodename, .version = d->version, .header_machine = d->header_machine,
	};

	row.state = d->is_live ? "live: the memory of the running kernel" : d->is_incomplete ? "incomplete" : d->is_partial ? "partial" : "complete";
	if (d->is_split)
		row.state = ka_printf(c->arena, "%s, split: %zu part%s given", row.state, d->file_count, d->file_count == 1 ? "" : "s");
	row.byte_order = ka_printf(c->arena, "%s-endian, %d bits", d->is_big_endian ? "big" : "little", d->is_64bit ? 64 : 32);
	for (size_t i = 0; ka_dump_file(c->k, i, &f); i++)
		row.file_bytes += f.size;
	row.size_text = ka_printf(c->arena, "%" PRIu64 " (%s)", row.file_bytes, bytes_text(c->arena, row.file_bytes));
	level_set(c, d, &row);
	ka_dump_ranges(c->k, &ranges, &row.bytes_present);
	row.range_count = ranges;
	row.pages_present = d->pages_present ? d->pages_present : row.bytes_present / page;
	row.held_text = ka_printf(c->arena, "%" PRIu64 " (%s) in %" PRIu64 " range%s", row.pages_present, bytes_text(c->arena, row.bytes_present),
				  row.range_count, row.range_count == 1 ? "" : "s");
	if (d->pages_excluded)
		row.excluded_text = ka_printf(c->arena, "%" PRIu64 " (%s)", d->pages_excluded, bytes_text(c->arena, d->pages_excluded * page));
	if (d->max_pfn)
		row.max_text = ka_printf(c->arena, "%" PRIx64 " (page frame %" PRIx64 ")", d->max_pfn * page, d->max_pfn - 1);
	if (d->has_phys_base)
		row.phys_base_text = ka_printf(c->arena, "%" PRIx64, d->phys_base);
	if (d->timestamp_s)
		row.time_text = ka_time_text(c->arena, (int64_t)d->timestamp_s);
	ka_out_row(c->out, &ka_rows_dump_row, &row);
}

/* The registers of a note, three a line, as crash's bt has them. */
static void show_registers(struct ka_call *c, const struct ka_pt_regs *r)
{
	struct ka_str line = {0};

	for (unsigned i = 0; i < r->count; i++) {
		struct dump_register row = { r->names[i], r->value[i] };

		ka_str_printf(&line, "%s%8s: %016" PRIx64, i % 3 ? "  " : "    ", row.name, row.value);
		if (i % 3 == 2 || i + 1 == r->count) {
			ka_out_note(c->out, "%s", line.p);
			ka_str_clear(&line);
		}
		ka_out_row(c->out, &ka_rows_dump_register, &row);
	}
	ka_str_free(&line);
}

static void show_notes(struct ka_call *c)
{
	struct ka_dump_note n;
	unsigned cpu = 0;

	for (size_t i = 0; ka_dump_note(c->k, i, &n) && !ka_interrupted(); i++) {
		struct dump_note row = { .name = n.name, .type = n.type, .bytes = n.size };
		struct ka_pt_regs regs;
		bool has_regs = ka_dump_note_regs(c->k, i, &regs);

		row.meaning = n.type == 1 && !strcmp(n.name, "CORE") ? ka_printf(c->arena, "registers of CPU %u, in the order of the notes", cpu++) :
			      !strcmp(n.name, "QEMU") ? "a CPU's state, by QEMU" :
			      !strcmp(n.name, "VMCOREINFO") ? "what the kernel tells those who read its dump" :
			      !strcmp(n.name, "ERASEINFO") ? "what makedumpfile erased" : "";
		ka_out_begin(c->out, &ka_rows_dump_note, &row);
		if (has_regs)
			show_registers(c, &regs);
		ka_out_end(c->out);
	}
}

static void show_vmcoreinfo(struct ka_call *c, const char *text)
{
	while (*text) {
		size_t len = strcspn(text, "\n"), key = strcspn(text, "=\n");
		struct dump_info_line row = { ka_strndup(c->arena, text, key), ka_strndup(c->arena, text + KA_MIN(key + 1, len), len - KA_MIN(key + 1, len)) };

		if (len)
			ka_out_row(c->out, &ka_rows_dump_info_line, &row);
		text += len + (text[len] == '\n');
	}
}

static struct ka_error *run(struct ka_call *c)
{
	struct ka_dump_info d;
	struct ka_dump_file f;

	if (c->argc)
		return ka_call_usage(c, "dump takes no arguments");
	ka_dump_info(c->k, &d);
	show_info(c, &d);
	ka_out_note(c->out, "\n");
	for (size_t i = 0; ka_dump_file(c->k, i, &f); i++)
		ka_out_row(c->out, &ka_rows_dump_file, &(struct dump_file){ f.path, f.size });
	if (d.note_count) {
		ka_out_note(c->out, "\n");
		show_notes(c);
	}
	if (!d.vmcoreinfo)
		return NULL;
	ka_out_note(c->out, "\nVMCOREINFO:");
	show_vmcoreinfo(c, d.vmcoreinfo);
	return NULL;
}

static const struct ka_rows *const rows[] = { &ka_rows_dump_row, &ka_rows_dump_file, &ka_rows_dump_note, &ka_rows_dump_register,
					      &ka_rows_dump_info_line, NULL };

const struct ka_command ka_command_dump = {
	.name = "dump",
	.args = "",
	.brief = "the dump file",
	.help =
		"What the dump says of itself: its format, compression and sizes, what makedumpfile was\n"
		"told to leave out and how many pages that were, the header, the files, each ELF note with\n"
		"the registers that it has of a CPU, and the text of VMCOREINFO. crash has it as help -n,\n"
		"which works too.\n"
		"\n"
		"    dump\n"
		"    dump | grep KERNELOFFSET\n",
	.rows = rows,
	.run = run,
};
