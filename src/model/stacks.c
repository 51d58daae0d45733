/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The stacks a task may be on: its own, and those of its CPU. Symbols that are there decide which. */
#include "stacks.h"

uint64_t ka_thread_size(struct ka_kernel *k)
{
	uint64_t size;

	/* what is sane: a power of two from one page to 256 KB */
	if (ka_error_drop(ka_type_size(k, "thread_union", &size)) || size < ka_page_size(k) || size > 262144 || (size & (size - 1)))
		size = 16384;
	return size;
}

uint64_t ka_task_stack_size(struct ka_kernel *k)
{
	return ka_thread_size(k);
}

static void add(struct ka_stacks *s, ka_addr start, uint64_t size, const char *name)
{
	if (s->count < KA_STACKS_MAX && start && size && start + size > start)
		s->area[s->count++] = (struct ka_stack_area){ start, start + size, name };
}

const struct ka_stack_area *ka_stacks_at(const struct ka_stacks *s, ka_addr sp)
{
	for (unsigned i = 0; i < s->count; i++)
		if (sp >= s->area[i].start && sp < s->area[i].end)
			return &s->area[i];
	return NULL;
}

static bool percpu_ulong(struct ka_kernel *k, const char *name, unsigned cpu, uint64_t offset, uint64_t *ret)
{
	ka_addr at;

	return !ka_error_drop(ka_percpu_addr(k, name, cpu, &at)) && !ka_error_drop(ka_read_ulong(k, at + offset, ret));
}

/*
 * hardirq_stack_ptr points to the top (758a2e312228, v5.2), eight bytes below it since 951c2a51ae75 (v5.13);
 * it lay in pcpu_hot from d7b6d709a76a (v6.2) to 6.14. Before 5.2 irq_stack_union held the stack itself.
 */
static void add_irq_stack(struct ka_kernel *k, unsigned cpu, struct ka_stacks *s)
{
	uint64_t size, top, offset;
	ka_addr at;

	if (ka_error_drop(ka_type_size(k, "irq_stack", &size)))
		size = 16384;
	if (percpu_ulong(k, "hardirq_stack_ptr", cpu, 0, &top) ||
	    (!ka_error_drop(ka_type_offset(k, "pcpu_hot", "hardirq_stack_ptr", &offset)) &&
	     percpu_ulong(k, "pcpu_hot", cpu, offset, &top)))
		add(s, ((top + 15) & ~15ull) - size, size, "IRQ");
	else if (!ka_error_drop(ka_percpu_addr(k, "irq_stack_union", cpu, &at)))
		add(s, at, size, "IRQ");
}

/* The IST stacks, mapped into cpu_entry_area since 7623f37e4111 (v5.2); VC since 02772fb9b68e (v5.10). */
static bool add_entry_area(struct ka_kernel *k, unsigned cpu, struct ka_stacks *s)
{
	static const struct { const char *member, *name; } stacks[] = {
		{ "DF_stack", "DOUBLEFAULT exception" }, { "NMI_stack", "NMI exception" }, { "DB_stack", "DEBUG exception" },
		{ "DB1_stack", "DEBUG exception" }, { "MCE_stack", "MCE exception" }, { "VC_stack", "VC exception" },
		{ "VC2_stack", "VC2 exception" },
	};
	uint64_t base, offset;
	struct ka_member m;

	if (!percpu_ulong(k, "cea_exception_stacks", cpu, 0, &base) || !base)
		return false;
	for (size_t i = 0; i < KA_COUNT(stacks); i++)
		if (!ka_error_drop(ka_type_member(k, "cea_exception_stacks", stacks[i].member, &m)))
			add(s, base + m.offset, m.size, stacks[i].name);
	if (!ka_error_drop(ka_type_offset(k, "cpu_entry_area", "estacks", &offset)) &&
	    !ka_error_drop(ka_type_member(k, "cpu_entry_area", "entry_stack_page", &m)))
		add(s, base - offset + m.offset, m.size, "ENTRY");
	return true;
}

/*
 * Before: the tops of the IST stacks in orig_ist, one page each but the debug stack. There were five with STACKFAULT
 * the first until 6f442be2fb22 (v3.18), four since; slots without a stack are 0.
 */
static void add_orig_ist(struct ka_kernel *k, unsigned cpu, struct ka_stacks *s)
{
	static const char *const names[] = { "STACKFAULT exception", "DOUBLEFAULT exception", "NMI exception", "DEBUG exception", "MCE exception" };
	uint64_t top, fifth = 0;
	unsigned first = percpu_ulong(k, "orig_ist", cpu, 8 * 4, &fifth) && fifth ? 0 : 1;

	for (unsigned i = first; i < KA_COUNT(names); i++) {
		uint64_t size = strncmp(names[i], "DEBUG", 5) ? 4096 : 8192;

		if (percpu_ulong(k, "orig_ist", cpu, 8 * (i - first), &top) && top > size)
			add(s, top - size, size, names[i]);
	}
}

void ka_stacks_of(struct ka_kernel *k, const struct ka_task *t, bool is_active, unsigned cpu, struct ka_stacks *ret)
{
	ret->count = 0;
	add(ret, t->stack, ka_thread_size(k), "task");
	if (!is_active)
		return;
	add_irq_stack(k, cpu, ret);
	if (!add_entry_area(k, cpu, ret))
		add_orig_ist(k, cpu, ret);
}
