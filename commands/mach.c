/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* mach: what the machine is, its map of physical memory, its processors. */
#include <inttypes.h>
#include <kanalyze/machine.h>
#include <kanalyze/regions.h>
#include <kanalyze/system.h>
#include <kanalyze/task.h>
#include "members.h"

struct mach_row {
	const char *machine, *memory_text, *hypervisor, *virtual_text, *vmalloc_text, *vmemmap_text, *image_text, *modules_text;
	uint64_t memory_bytes;
	uint32_t cpus, mhz, hz, page_size;
	uint64_t stack_size;
	ka_addr virtual_base, vmalloc_start, vmalloc_end, vmemmap_start, vmemmap_end, modules_start, modules_end;
	bool has_memory;
};
#define RANGE(m, help) KA_COLF(mach_row, m, KA_ADDR, KA_ONLY_JSON | KA_ZERO_IS_NONE, help)
KA_LINES(mach_row, "machine",
	"          MACHINE TYPE: {machine}"
	"{memory_text?\n           MEMORY SIZE\\: %}\n"
	"                  CPUS: {cpus}"
	"{hypervisor?\n            HYPERVISOR\\: %}"
	"{mhz?\n       PROCESSOR SPEED\\: % Mhz}"
	"{hz?\n                    HZ\\: %}\n"
	"             PAGE SIZE: {page_size}"
	"{virtual_text?\n   KERNEL VIRTUAL BASE\\: %}"
	"{vmalloc_text?\n   KERNEL VMALLOC %}"
	"{vmemmap_text?\n   KERNEL VMEMMAP %}"
	"{image_text?\n      KERNEL START MAP\\: %}"
	"{modules_text?\n   KERNEL MODULES %}\n"
	"     KERNEL STACK SIZE: {stack_size}",
	KA_COL(mach_row, machine, KA_TEXT, "architecture"),
	{ "memory_bytes", offsetof(struct mach_row, memory_bytes), sizeof(uint64_t), KA_UINT, KA_ONLY_JSON, offsetof(struct mach_row, has_memory), NULL,
	  "memory that the kernel had" },
	KA_COLF(mach_row, memory_text, KA_TEXT, KA_ONLY_TEXT, "the same"),
	KA_COL(mach_row, cpus, KA_UINT, "CPUs that were online"),
	KA_COL(mach_row, hypervisor, KA_TEXT, "as the kernel found out"),
	KA_COLF(mach_row, mhz, KA_UINT, KA_ZERO_IS_NONE, "of the first CPU"),
	KA_COLF(mach_row, hz, KA_UINT, KA_ZERO_IS_NONE, "timer ticks a second"),
	KA_COL(mach_row, page_size, KA_UINT, "bytes"),
	RANGE(virtual_base, "where the direct map begins"), RANGE(vmalloc_start, "first address of vmalloc"),
	RANGE(vmalloc_end, "first address behind it"), RANGE(vmemmap_start, "first address of the struct pages"),
	RANGE(vmemmap_end, "first address behind them"), RANGE(modules_start, "first address of modules"),
	RANGE(modules_end, "first address behind them"),
	KA_COLF(mach_row, virtual_text, KA_TEXT, KA_ONLY_TEXT, "the direct map"),
	KA_COLF(mach_row, vmalloc_text, KA_TEXT, KA_ONLY_TEXT, "vmalloc"),
	KA_COLF(mach_row, vmemmap_text, KA_TEXT, KA_ONLY_TEXT, "struct pages"),
	KA_COLF(mach_row, image_text, KA_TEXT, KA_ONLY_TEXT, "mapping of the kernel image"),
	KA_COLF(mach_row, modules_text, KA_TEXT, KA_ONLY_TEXT, "modules"),
	KA_COL(mach_row, stack_size, KA_UINT, "bytes of a task's kernel stack"));

struct mach_stack {
	const char *name, *state;
	uint32_t cpu;
	ka_addr start;
	uint64_t size;
	bool available;
};
KA_LINES(mach_stack, "stacks", "                 CPU {cpu}: {start:016}{state? %}",
	KA_COLF(mach_stack, name, KA_TEXT, KA_ONLY_JSON, "IRQ, DOUBLEFAULT, NMI ..."),
	KA_COL(mach_stack, cpu, KA_UINT, "CPU"),
	KA_COL(mach_stack, start, KA_ADDR, "first address"),
	KA_COLF(mach_stack, size, KA_UINT, KA_ONLY_JSON, "bytes"),
	KA_COLF(mach_stack, available, KA_BOOL, KA_ONLY_JSON, "is it mapped?"),
	KA_COLF(mach_stack, state, KA_TEXT, KA_ONLY_TEXT, "the same"));

struct mach_range { ka_addr start, end; const char *type; };
KA_ROWS(mach_range, "ranges", "      PHYSICAL ADDRESS RANGE         TYPE", "{start:016} - {end:016}  {type}",
	KA_COL(mach_range, start, KA_ADDR, "first address"),
	KA_COL(mach_range, end, KA_ADDR, "first address behind"),
	KA_COL(mach_range, type, KA_TEXT, "what is there"));

struct mach_cpu { uint32_t cpu; const char *info_text; const struct ka_node *info; };
KA_LINES(mach_cpu, "cpus", "CPU {cpu}:\n{info_text}",
	KA_COL(mach_cpu, cpu, KA_UINT, "CPU"),
	KA_COLF(mach_cpu, info, KA_VALUE, KA_ONLY_JSON, "what the kernel keeps of it"),
	KA_COLF(mach_cpu, info_text, KA_TEXT, KA_ONLY_TEXT, "the same"));

/* As crash counts: what lacks less than 64 MB to a GB is that GB. */
static const char *memory_text(struct ka_arena *a, uint64_t bytes)
{
	const uint64_t mb = 1 << 20, gb = 1 << 30;
	uint64_t next_gb = (bytes + gb - 1) / gb * gb;
	char *text;

	if (next_gb - bytes <= 64 * mb)
		bytes = next_gb;
	if (bytes < mb)
		return ka_printf(a, "%" PRIu64 " KB", bytes >> 10);
	text = ka_printf(a, "%.1f", (double)bytes / (double)(bytes < gb ? mb : gb));
	if (!strcmp(text + strlen(text) - 2, ".0"))
		text[strlen(text) - 2] = 0;
	return ka_printf(a, "%s %s", text, bytes < gb ? "MB" : "GB");
}

/* x86: the start alone, as crash has it there; else from - to. */
static const char *region(struct ka_call *c, enum ka_region_kind kind, bool is_x86, ka_addr *ret_start, ka_addr *ret_end)
{
	struct ka_region r;

	if (!ka_region_find(c->k, kind, &r))
		return NULL;
	*ret_start = r.start;
	*ret_end = r.end;
	return is_x86 ? ka_printf(c->arena, "BASE: %" PRIx64, r.start) : ka_printf(c->arena, "RANGE: %" PRIx64 " - %" PRIx64, r.start, r.end - 1);
}

static void regions_set(struct ka_call *c, struct mach_row *row, bool is_x86)
{
	const uint64_t start_map = 0xffffffff80000000ull;
	const char *image_size = ka_vmcoreinfo(c->k, "NUMBER(KERNEL_IMAGE_SIZE)");
	ka_addr unused;

	if (region(c, KA_REGION_DIRECT, true, &row->virtual_base, &unused))
		row->virtual_text = ka_printf(c->arena, "%" PRIx64, row->virtual_base);
	row->vmalloc_text = region(c, KA_REGION_VMALLOC, is_x86, &row->vmalloc_start, &row->vmalloc_end);
	row->vmemmap_text = region(c, KA_REGION_VMEMMAP, is_x86, &row->vmemmap_start, &row->vmemmap_end);
	row->modules_text = region(c, KA_REGION_MODULES, is_x86, &row->modules_start, &row->modules_end);
	if (!is_x86)
		return;
	row->image_text = ka_printf(c->arena, "%" PRIx64, start_map);
	/* modules begin where the room for the image ends, however large it is */
	if (image_size) {
		row->modules_start = start_map + strtoull(image_size, NULL, 10);
		row->modules_text = ka_printf(c->arena, "BASE: %" PRIx64, row->modules_start);
	}
}

/* Kind by kind, each with its place on every CPU. */
static void stacks_show(struct ka_call *c)
{
	unsigned count = ka_cpu_count(c->k);
	struct ka_cpu_stack first[KA_CPU_STACKS_MAX], s[KA_CPU_STACKS_MAX];
	unsigned kinds = ka_cpu_stacks(c->k, 0, first);

	for (unsigned i = 0; i < kinds; i++) {
		/* crash's text does not have the trampoline's stack, and no second VC stack */
		if ((!strcmp(first[i].name, "ENTRY") || (!strcmp(first[i].name, "VC2") && !first[i].is_mapped)) && ka_out_is_text(c->out))
			continue;
		ka_out_note(c->out, "%22s: %" PRIu64, ka_printf(c->arena, "%s STACK SIZE", first[i].name), first[i].size);
		ka_out_note(c->out, "%22s:", ka_printf(c->arena, "%s STACKS", first[i].name));
		for (unsigned cpu = 0; cpu < count && !ka_interrupted(); cpu++) {
			unsigned n = ka_cpu_stacks(c->k, cpu, s);

			for (unsigned j = 0; j < n; j++) {
				struct mach_stack row = { s[j].name, s[j].is_mapped ? NULL : "[unavailable]", cpu, s[j].start, s[j].size, s[j].is_mapped };

				if (!strcmp(s[j].name, first[i].name))
					ka_out_row(c->out, &ka_rows_mach_stack, &row);
			}
		}
	}
}

static struct ka_error *summary(struct ka_call *c)
{
	struct ka_session_files files;
	struct mach_row row = { .hz = ka_hz(c->k), .mhz = (uint32_t)ka_cpu_mhz(c->k), .page_size = (uint32_t)ka_page_size(c->k) };
	struct ka_error *err = ka_memory_total(c->k, &row.memory_bytes);

	row.has_memory = !err;
	if (row.has_memory)
		row.memory_text = memory_text(c->arena, row.memory_bytes);
	ka_call_fault(c, err);
	ka_session_files(c->k, &files);
	row.machine = files.arch;
	row.cpus = ka_cpu_online_count(c->k);
	row.hypervisor = ka_hypervisor(c->k, c->arena);
	row.stack_size = ka_task_stack_size(c->k);
	regions_set(c, &row, !strcmp(files.arch, "x86_64"));
	ka_out_row(c->out, &ka_rows_mach_row, &row);
	stacks_show(c);
	return NULL;
}

static struct ka_error *memory_map(struct ka_call *c)
{
	struct ka_memory_range *r;
	size_t n;
	struct ka_error *err = ka_memory_map(c->k, c->arena, &r, &n);

	for (size_t i = 0; i < n; i++)
		ka_out_row(c->out, &ka_rows_mach_range, &(struct mach_range){ r[i].start, r[i].end, r[i].type });
	return err;
}

static struct ka_error *one_cpu(struct ka_call *c, const char *symbol, const char *type, unsigned cpu, const struct ka_print *how)
{
	struct mach_cpu row = { .cpu = cpu };
	struct ka_str text = {0};
	struct ka_value v;
	ka_addr at;
	struct ka_error *err = ka_percpu_addr(c->k, symbol, cpu, &at);

	if (!err)
		err = ka_value_at(c->k, type, at, &v);
	if (err)
		return ka_error_wrap(err, "CPU %u", cpu);
	ka_str_printf(&text, "%s ", type);
	err = ka_value_text(c->k, &v, how, false, &text);
	row.info_text = ka_strdup(c->arena, text.p);
	ka_str_free(&text);
	ka_error_drop(ka_value_tree(c->k, &v, how, c->arena, &row.info));
	ka_out_row(c->out, &ka_rows_mach_cpu, &row);
	return err;
}

static struct ka_error *cpus(struct ka_call *c)
{
	static const struct { const char *symbol, *type; } places[] = { { "cpu_info", "struct cpuinfo_x86" }, { "cpu_data", "struct cpuinfo_arm64" } };
	const char *radix = ka_call_setting(c, "radix");
	struct ka_print how = { .radix = radix && !strcmp(radix, "16") ? 16 : 10 };
	unsigned given, shown = 0;
	struct ka_error *err = members_radix(c, &given);

	if (err)
		return err;
	if (given)
		how.radix = given;
	for (size_t i = 0; i < KA_COUNT(places); i++) {
		ka_addr at;

		if (!ka_type_exists(c->k, places[i].type + strlen("struct ")) || ka_error_drop(ka_percpu_addr(c->k, places[i].symbol, 0, &at)))
			continue;
		for (unsigned cpu = 0; cpu < ka_cpu_count(c->k) && !ka_interrupted(); cpu++) {
			if (!ka_cpu_is_present(c->k, cpu))
				continue;
			if (shown++)
				ka_out_note(c->out, "\n");
			ka_call_fault(c, one_cpu(c, places[i].symbol, places[i].type, cpu, &how));
		}
		return NULL;
	}
	return ka_error_new(KA_MISSING, "this kernel has neither cpuinfo_x86 nor cpuinfo_arm64 of its CPUs");
}

static struct ka_error *run(struct ka_call *c)
{
	if (c->argc)
		return ka_call_usage(c, "mach takes no arguments");
	if (ka_call_has(c, "m") + ka_call_has(c, "c") + ka_call_has(c, "o") > 1)
		return ka_call_usage(c, "only one of -m, -c and -o can be given");
	if (ka_call_has(c, "o"))
		return ka_error_new(KA_UNSUPPORTED, "-o is of the console log of OPAL, the firmware of POWER machines: no such dumps are read");
	if (ka_call_has(c, "m"))
		return memory_map(c);
	return ka_call_has(c, "c") ? cpus(c) : summary(c);
}

static const struct ka_option options[] = {
	{ "m", NULL, "the map of physical memory: that of the firmware (e820), else the top of /proc/iomem", false },
	{ "c", NULL, "what the kernel keeps of each CPU", false },
	{ "x", NULL, "numbers of -c in hexadecimal", false },
	{ "d", NULL, "numbers of -c in decimal (the default, but for set radix 16)", false },
	{ "o", NULL, "the console log of OPAL firmware: refused, POWER dumps are not read", false },
	{ NULL, NULL, NULL, false },
};

static const struct ka_rows *const rows[] = { &ka_rows_mach_row, &ka_rows_mach_stack, &ka_rows_mach_range, &ka_rows_mach_cpu, NULL };

const struct ka_command ka_command_mach = {
	.name = "mach",
	.args = "[-m | -c [-x | -d] | -o]",
	.brief = "the machine",
	.help =
		"Architecture, memory, CPUs and where the kernel keeps things, with the stacks that each\n"
		"CPU has beside those of tasks; [unavailable] is a stack that is not mapped, since this\n"
		"machine had no use for it.\n"
		"\n"
		"    mach\n"
		"    mach -m\n"
		"    mach -cx\n",
	.needs = KA_NEED_TYPES,
	.options = options,
	.rows = rows,
	.run = run,
};
