/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The stacks a task may be on: its own, and those of its CPU. Symbols that are there decide which. */
#include "stacks.h"

const struct ka_stack_ops *ka_stack_ops(const struct ka_kernel *k)
{
	static const struct ka_stack_ops *const all[] = { &ka_stacks_x86_64, &ka_stacks_aarch64 };

	for (size_t i = 0; i < KA_COUNT(all); i++)
		if (all[i]->e_machine == k->arch->e_machine)
			return all[i];
	return NULL;
}

static bool is_sane(struct ka_kernel *k, uint64_t size)
{
	return size >= KA_MIN(ka_page_size(k), 16384ull) && size <= 262144 && !(size & (size - 1));
}

uint64_t ka_thread_size(struct ka_kernel *k)
{
	struct ka_symbol from, to;
	uint64_t size;

	/* what is sane: a power of two from one page to 256 KB */
	if (!ka_error_drop(ka_type_size(k, "thread_union", &size)) && is_sane(k, size))
		return size;
	/* types may lack the union, which only declares the first task's stack: between these since 0500871f21b2, v4.16 */
	if (ka_symbol_lookup(k, "__start_init_stack", &from) || ka_symbol_lookup(k, "__start_init_task", &from) ||
	    ka_symbol_lookup(k, "init_stack", &from))
		if (ka_symbol_lookup(k, "__end_init_stack", &to) || ka_symbol_lookup(k, "__end_init_task", &to))
			if (is_sane(k, to.addr - from.addr))
				return to.addr - from.addr;
	return KA_MAX(ka_page_size(k), 16384ull);
}

uint64_t ka_task_stack_size(struct ka_kernel *k)
{
	return ka_thread_size(k);
}

bool ka_percpu_ulong(struct ka_kernel *k, const char *name, unsigned cpu, uint64_t offset, uint64_t *ret)
{
	ka_addr at;

	return !ka_error_drop(ka_percpu_addr(k, name, cpu, &at)) && !ka_error_drop(ka_read_ulong(k, at + offset, ret));
}

void ka_stacks_add(struct ka_stacks *s, ka_addr start, uint64_t size, const char *name)
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

void ka_stacks_of(struct ka_kernel *k, const struct ka_task *t, bool is_active, unsigned cpu, struct ka_stacks *ret)
{
	ret->count = 0;
	ret->task = t->addr;
	ret->hidden = ka_hidden_names(k);
	ka_stacks_add(ret, t->stack, ka_thread_size(k), "task");
	if (!is_active)
		return;
	if (ka_stack_ops(k))
		ka_stack_ops(k)->add_cpu_stacks(k, cpu, ret);
}
