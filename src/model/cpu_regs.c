/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Registers of a CPU at the crash: QEMU's notes, the kernel's own crash_notes, or the dump's NT_PRSTATUS. */
#include <elf.h>
#include "stacks.h"

#define NOTE_MAX 4096

/*
 * crash_notes: a per-CPU buffer into which the dying CPU writes an ELF note (include/linux/crash_core.h).
 * It names the CPU for certain, while notes in the file leave out CPUs that saved nothing.
 */
static bool from_crash_notes(struct ka_kernel *k, unsigned cpu, struct ka_regs *ret, struct ka_pt_regs *ret_pt)
{
	struct ka_symbol s;
	uint64_t notes, base;
	uint8_t bytes[NOTE_MAX];
	uint32_t header[3];

	if (!ka_symbol_lookup(k, "crash_notes", &s) || ka_error_drop(ka_read_ulong(k, s.addr, &notes)) || !notes ||
	    ka_error_drop(ka_percpu_offset(k, cpu, &base)) || ka_error_drop(ka_read(k, notes + base, header, sizeof(header))))
		return false;
	uint32_t name_size = (uint32_t)ka_uint_from(k, &header[0], 4), desc_size = (uint32_t)ka_uint_from(k, &header[1], 4);
	uint32_t type = (uint32_t)ka_uint_from(k, &header[2], 4);

	if (type != NT_PRSTATUS || name_size != 5 || desc_size > NOTE_MAX ||
	    ka_error_drop(ka_read(k, notes + base + 12 + 8, bytes, desc_size)))
		return false;
	return k->arch->prstatus(bytes, desc_size, ret, ret_pt);
}

/* The rank of a CPU among those online is its place among the notes. */
static bool from_file(struct ka_kernel *k, unsigned cpu, struct ka_regs *ret, struct ka_pt_regs *ret_pt)
{
	unsigned rank = 0, count = 0;
	const struct ka_note *n;

	while (ka_image_prstatus(k->image, count))
		count++;
	if (count == ka_cpu_online_count(k)) {
		for (unsigned i = 0; i < cpu; i++)
			rank += ka_cpu_is_online(k, i);
	} else {
		rank = cpu;
	}
	n = ka_image_prstatus(k->image, rank);
	return n && k->arch->prstatus(n->desc, n->size, ret, ret_pt);
}

bool ka_cpu_regs(struct ka_kernel *k, unsigned cpu, struct ka_regs *ret, struct ka_pt_regs *ret_pt)
{
	const struct ka_note *n = ka_image_find_note(k->image, "QEMU", 0, cpu);

	/* QEMU saw the processor itself; and it writes one PRSTATUS for each CPU in their order */
	if (ka_image_find_note(k->image, "QEMU", 0, 0)) {
		if (n && k->arch->qemu_state && k->arch->qemu_state(n->desc, n->size, ret, ret_pt))
			return true;
		n = ka_image_prstatus(k->image, cpu);
		return n && k->arch->prstatus(n->desc, n->size, ret, ret_pt);
	}
	return from_crash_notes(k, cpu, ret, ret_pt) || from_file(k, cpu, ret, ret_pt);
}
