/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The machine: stacks of its CPUs, its map of physical memory, what runs it. */
#ifndef KANALYZE_MACHINE_H
#define KANALYZE_MACHINE_H

#include <kanalyze/memory.h>

#define KA_CPU_STACKS_MAX 16

struct ka_cpu_stack {
	const char *name;	/* "IRQ", "DOUBLEFAULT", "NMI" ... */
	ka_addr start;
	uint64_t size;
	bool is_mapped;
};

/* The stacks that a CPU has beside those of tasks; the count. */
unsigned ka_cpu_stacks(struct ka_kernel *k, unsigned cpu, struct ka_cpu_stack ret[KA_CPU_STACKS_MAX]);

/* One range of the firmware's map of physical memory, or of /proc/iomem. */
struct ka_memory_range {
	uint64_t start, end;	/* end: the first address behind */
	const char *type;	/* "E820_RAM", "System RAM" ... in the arena */
};
/* The map that the kernel had at its start: e820 on x86, else what /proc/iomem had at its top. In the arena. */
struct ka_error *ka_memory_map(struct ka_kernel *k, struct ka_arena *a, struct ka_memory_range **ret, size_t *ret_count) KA_MUST_CHECK;
/* "KVM", "XEN_HVM"...: of the kernel's own detection; NULL: none, or it cannot tell. In the arena. */
const char *ka_hypervisor(struct ka_kernel *k, struct ka_arena *a);
/* Timer ticks a second; 0: cannot be told. */
unsigned ka_hz(struct ka_kernel *k);

#endif
