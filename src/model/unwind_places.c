/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The stacks of a task or CPU as places, what lies there taken for struct pt_regs, and many tasks at once. */
#include "stacks.h"

_Static_assert(KA_STACK_PLACES >= KA_STACKS_MAX, "all stacks fit");

static unsigned put_places(const struct ka_stacks *s, struct ka_stack_place *ret)
{
	for (unsigned i = 0; i < s->count; i++)
		ret[i] = (struct ka_stack_place){ s->area[i].start, s->area[i].end, s->area[i].name };
	return s->count;
}

unsigned ka_cpu_stack_places(struct ka_kernel *k, unsigned cpu, struct ka_stack_place *ret)
{
	struct ka_stacks s = { .count = 0 };

	if (ka_stack_ops(k))
		ka_stack_ops(k)->add_cpu_stacks(k, cpu, &s);
	return put_places(&s, ret);
}

unsigned ka_task_stack_places(struct ka_kernel *k, ka_addr task, struct ka_stack_place *ret)
{
	struct ka_stacks s;
	struct ka_task t;
	unsigned cpu = 0;
	bool is_active = ka_task_is_active(k, task, &cpu);

	if (ka_error_drop(ka_task_read(k, task, &t)))
		return 0;
	ka_stacks_of(k, &t, is_active, cpu, &s);
	return put_places(&s, ret);
}

uint64_t ka_pt_regs_size(struct ka_kernel *k)
{
	return k->arch->pt_regs_size;
}

static bool take_regs(struct ka_kernel *k, ka_addr at, const uint8_t *bytes, struct ka_pt_regs *ret)
{
	const struct ka_stack_ops *ops = ka_stack_ops(k);
	struct ka_regs regs;

	k->arch->pt_regs(bytes, false, &regs, ret);
	ret->at = at;
	if (k->arch->pt_ra_at && !ret->is_user)
		ret->value[k->arch->pt_ra_at] = ka_strip_return(k, ret->value[k->arch->pt_ra_at]);
	return ops && ops->is_saved && ops->is_saved(k, ret);
}

bool ka_pt_regs_at(struct ka_kernel *k, ka_addr at, struct ka_pt_regs *ret, bool *ret_is_likely)
{
	uint8_t bytes[512];

	*ret_is_likely = false;
	if (!k->arch->pt_regs || k->arch->pt_regs_size > sizeof(bytes) || ka_error_drop(ka_read(k, at, bytes, k->arch->pt_regs_size)))
		return false;
	*ret_is_likely = take_regs(k, at, bytes, ret);
	return true;
}

#define SEARCH_BYTES 16384

bool ka_pt_regs_next(struct ka_kernel *k, struct ka_pt_regs_search *s, struct ka_pt_regs *ret)
{
	const struct ka_stack_ops *ops = ka_stack_ops(k);
	size_t size = k->arch->pt_regs_size;
	unsigned word = k->long_size;

	if (!k->arch->pt_regs || !size || size > SEARCH_BYTES)
		return false;
	while (s->at < s->end && s->end - s->at >= size && !ka_interrupted()) {
		ka_addr at = s->at;

		if (!s->bytes || at < s->from || at - s->from + size > s->got) {
			if (!s->bytes)
				s->bytes = ka_alloc(s->arena, SEARCH_BYTES);
			s->from = at;
			s->got = ka_read_some(k, at, s->bytes, KA_MIN((size_t)SEARCH_BYTES, (size_t)(s->end - at)), NULL);
			if (s->got < size) {	/* to behind the page that cannot be read */
				s->at = ((at + s->got) | (ka_page_size(k) - 1)) + 1;
				if (s->at <= at)
					return false;
				continue;
			}
		}
		s->at += word;
		if (ops && ops->may_be_saved && !ops->may_be_saved(s->bytes + (at - s->from)))
			continue;
		if (take_regs(k, at, s->bytes + (at - s->from), ret))
			return true;
	}
	return false;
}

ka_addr ka_strip_return(struct ka_kernel *k, uint64_t value)
{
	ka_addr plain = k->arch->strip_ip ? k->arch->strip_ip(&k->layout, value) : value;

	return plain == value || !ka_is_text(k, plain) ? value : plain;
}

const char *ka_reg_name(struct ka_kernel *k, unsigned n)
{
	return n < k->arch->reg_count ? k->arch->reg_names[n] : NULL;
}

struct job {
	struct ka_kernel *k;
	const ka_addr *tasks;
	struct ka_arena **arenas;
	struct ka_stack *stacks;
	struct ka_error **errors;
};

static void unwind_one(void *ctx, size_t i)
{
	struct job *j = ctx;

	j->errors[i] = ka_unwind_task(j->k, j->tasks[i], j->arenas[i], &j->stacks[i]);
}

void ka_unwind_tasks(struct ka_kernel *k, const ka_addr *tasks, size_t count, struct ka_arena **arenas, struct ka_stack *stacks,
		     struct ka_error **errors)
{
	struct job j = { k, tasks, arenas, stacks, errors };

	memset(stacks, 0, count * sizeof(*stacks));
	for (size_t i = 0; i < count; i++) {
		arenas[i] = ka_arena_new();
		errors[i] = NULL;
	}
	ka_parallel(count, unwind_one, &j);
}
