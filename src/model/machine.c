/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The machine: stacks of CPUs, the map of physical memory, hypervisor, ticks. */
#include <kanalyze/machine.h>
#include <kanalyze/view.h>
#include "stacks.h"

#define RANGES_MAX 4096
#define NS_PER_S 1000000000ull

unsigned ka_cpu_stacks(struct ka_kernel *k, unsigned cpu, struct ka_cpu_stack ret[KA_CPU_STACKS_MAX])
{
	static const char suffix[] = " exception";
	struct ka_task nobody = {0};
	struct ka_stacks s;
	unsigned n = 0;

	ka_stacks_of(k, &nobody, true, cpu, &s);
	for (unsigned i = 0; i < s.count && n < KA_CPU_STACKS_MAX; i++) {
		const struct ka_stack_area *area = &s.area[i];
		size_t len = strlen(area->name);
		ka_phys phys;

		if (!strcmp(area->name, "task"))
			continue;
		ret[n] = (struct ka_cpu_stack){ .name = area->name, .start = area->start, .size = area->end - area->start };
		if (len > sizeof(suffix) - 1 && !strcmp(area->name + len - (sizeof(suffix) - 1), suffix)) {
			char *name = ka_kernel_alloc(k, len);

			memcpy(name, area->name, len - (sizeof(suffix) - 1));
			ret[n].name = name;
		}
		ret[n++].is_mapped = !ka_error_drop(ka_translate(k, area->start, &phys));
	}
	return n;
}

struct e820_view {
	uint32_t count;
	ka_addr entries_at;
};
/* struct e820map and its nr_map until bf495573fa20 (v4.12) */
KA_VIEW(e820_view, ("e820_table", "e820map"),
	KA_FROM(e820_view, count, "nr_entries", "nr_map"),
	KA_AT(e820_view, entries_at, "entries", "map"));

struct e820_entry_view {
	uint64_t addr, size;
	uint32_t type;
};
KA_VIEW(e820_entry_view, ("e820_entry", "e820entry"),
	KA_FROM(e820_entry_view, addr, "addr"),
	KA_FROM(e820_entry_view, size, "size"),
	KA_FROM(e820_entry_view, type, "type"));

struct ranges {
	KA_VEC(struct ka_memory_range);
};

/* enum e820_type of arch/x86/include/asm/e820/types.h: numbers of the firmware's interface */
static const char *e820_name(struct ka_arena *a, uint32_t type)
{
	static const struct { uint32_t type; const char *name; } names[] = {
		{ 1, "E820_RAM" }, { 2, "E820_RESERVED" }, { 3, "E820_ACPI" }, { 4, "E820_NVS" }, { 5, "E820_UNUSABLE" }, { 7, "E820_PMEM" },
		{ 12, "E820_PRAM" }, { 128, "E820_RESERVED_KERN" }, { 0xefffffff, "E820_SOFT_RESERVED" },
	};

	for (size_t i = 0; i < KA_COUNT(names); i++)
		if (names[i].type == type)
			return names[i].name;
	return ka_printf(a, "type %u", type);
}

static struct ka_error *read_e820(struct ka_kernel *k, ka_addr at, struct ka_arena *a, struct ranges *to)
{
	struct e820_view v;
	uint64_t size = ka_view_size(k, &ka_view_e820_entry_view);
	struct ka_error *err = ka_view_read(k, &ka_view_e820_view, at, &v);

	for (uint32_t i = 0; !err && i < KA_MIN(v.count, (uint32_t)RANGES_MAX); i++) {
		struct e820_entry_view e;

		err = ka_view_read(k, &ka_view_e820_entry_view, v.entries_at + i * size, &e);
		if (!err)
			ka_vec_push(to, (struct ka_memory_range){ e.addr, e.addr + e.size, e820_name(a, e.type) });
	}
	return err;
}

struct resource_view {
	uint64_t start, end;
	ka_addr name_at, sibling, child;
};
KA_VIEW(resource_view, ("resource"),
	KA_FROM(resource_view, start, "start"),
	KA_FROM(resource_view, end, "end"),
	KA_FROM(resource_view, name_at, "name"),
	KA_FROM(resource_view, sibling, "sibling"),
	KA_FROM(resource_view, child, "child"));

static struct ka_error *read_iomem(struct ka_kernel *k, ka_addr root, struct ka_arena *a, struct ranges *to)
{
	struct resource_view r;
	struct ka_error *err = ka_view_read(k, &ka_view_resource_view, root, &r);

	for (ka_addr at = err ? 0 : r.child; at && !err && to->n < RANGES_MAX && !ka_interrupted(); at = r.sibling) {
		char name[64] = "";

		err = ka_view_read(k, &ka_view_resource_view, at, &r);
		if (err)
			break;
		ka_error_drop(ka_read_cstr(k, r.name_at, name, sizeof(name)));
		ka_vec_push(to, (struct ka_memory_range){ r.start, r.end + 1, ka_strdup(a, name) });
	}
	return err;
}

struct ka_error *ka_memory_map(struct ka_kernel *k, struct ka_arena *a, struct ka_memory_range **ret, size_t *ret_count)
{
	struct ranges list = {0};
	struct ka_symbol s;
	struct ka_error *err = NULL;
	ka_addr at = 0;

	/* e820 until bf495573fa20 (v4.12), the struct itself until 544a0f47e780 */
	if (ka_symbol_lookup(k, "e820_table", &s) || ka_symbol_lookup(k, "e820", &s)) {
		at = s.addr;
		if (s.size <= k->long_size)
			err = ka_read_ulong(k, s.addr, &at);
		if (!err)
			err = read_e820(k, at, a, &list);
	} else if (ka_symbol_lookup(k, "iomem_resource", &s)) {
		err = read_iomem(k, s.addr, a, &list);
	} else {
		err = ka_error_new(KA_MISSING, "this kernel has neither e820_table nor iomem_resource");
	}
	*ret = ka_alloc(a, (list.n + 1) * sizeof(**ret));
	if (list.n)
		memcpy(*ret, list.at, list.n * sizeof(**ret));
	*ret_count = list.n;
	ka_vec_free(&list);
	return ka_error_wrap(err, "the map of physical memory");
}

const char *ka_hypervisor(struct ka_kernel *k, struct ka_arena *a)
{
	/* enum x86_hypervisor_type, 03b2a320b19f, v4.15 */
	static const char *const names[] = { "MS_HYPERV", "VMWARE", "XEN_PV", "XEN_HVM", "KVM", "JAILHOUSE", "ACRN" };
	uint64_t v;
	struct ka_symbol s;

	if (!ka_symbol_lookup(k, "x86_hyper_type", &s) || ka_error_drop(ka_symbol_value(k, "x86_hyper_type", &v)) || !v)
		return NULL;
	for (size_t i = 0; i < KA_COUNT(names); i++) {
		int64_t number;

		if (ka_enum_value(k, ka_printf(a, "X86_HYPER_%s", names[i]), &number) ? number == (int64_t)v : i + 1 == v)
			return names[i];
	}
	return ka_printf(a, "type %u", (unsigned)v);
}

struct tick_clock_view {
	uint32_t mult, shift;
};
KA_VIEW(tick_clock_view, ("clocksource"),
	KA_FROM(tick_clock_view, mult, "mult"),
	KA_FROM(tick_clock_view, shift, "shift"));

unsigned ka_hz(struct ka_kernel *k)
{
	struct tick_clock_view v;
	struct ka_symbol s;
	uint64_t tick_ns = 0;

	/* the variable went by v7.3; the clock source that counts jiffies has the same number */
	if (ka_error_drop(ka_symbol_ulong(k, "tick_nsec", &tick_ns)) && ka_symbol_lookup(k, "clocksource_jiffies", &s) &&
	    !ka_error_drop(ka_view_read(k, &ka_view_tick_clock_view, s.addr, &v)) && v.shift < 32)
		tick_ns = v.mult >> v.shift;
	if (tick_ns < NS_PER_S / 2000 || tick_ns > NS_PER_S / 10)
		return 0;
	return (unsigned)((NS_PER_S + tick_ns / 2) / tick_ns);
}
