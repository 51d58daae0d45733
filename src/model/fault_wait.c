/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Of machines that stood still: what the hung task waits for, and who has it; which spinlock a CPU that locked up wants. */
#include <inttypes.h>
#include <kanalyze/task.h>
#include "fault.h"

#define CYCLES_MAX 8

/* "task kworker/u8:1:57 blocked for more than 120 seconds." */
static ka_addr hung_task(struct ka_kernel *k, const char *message)
{
	const char *end = message ? strstr(message, " blocked for more than ") : NULL, *p = end;
	ka_addr task;

	while (p && p > message && p[-1] != ':')
		p--;
	if (!p || p == message || ka_error_drop(ka_task_by_pid(k, (int32_t)strtol(p, NULL, 10), &task)))
		return 0;
	return task;
}

static void read_cycles(struct ka_arena *a, const struct ka_waits *all, size_t at, struct ka_fault *f)
{
	const char **cycles = ka_alloc(a, (CYCLES_MAX + 1) * sizeof(*cycles));
	size_t n = 0;

	/* the one that it is in, or that whoever it waits for is in: each task waits for one thing, so there is one at most */
	for (size_t i = 0; at != KA_WAIT_NOBODY && i <= all->n && !n; i++, at = all->at[at].owner_wait)
		if (all->at[at].cycle && all->at[at].cycle <= all->cycle_count)
			cycles[n++] = all->cycles[all->at[at].cycle - 1];
	if (n)
		f->cycles = cycles;
}

static void of_hung_task(struct ka_kernel *k, struct ka_arena *a, struct ka_fault *f)
{
	struct ka_waits all;

	f->blocked = hung_task(k, f->message);
	if (!f->blocked)
		return;
	/* what could be read of them will do */
	ka_error_drop(ka_waits_read(k, a, &all));
	for (size_t i = 0; i < all.n; i++) {
		const struct ka_wait *w = &all.at[i];

		if (w->task != f->blocked)
			continue;
		f->wait = w;
		f->wait_text = w->kind == KA_WAIT_NONE ? NULL : ka_wait_lock_text(a, w);
		f->owner_text = ka_wait_owner_text(a, w, &all);
		read_cycles(a, &all, i, f);
		break;
	}
}

static void of_lockup(struct ka_kernel *k, struct ka_arena *a, const struct ka_stack *st, struct ka_fault *f)
{
	struct ka_wait *w = ka_alloc(a, sizeof(*w));
	struct ka_stack rest = *st;

	/* below the interrupt */
	if (!f->has_frame || f->frame + 1 >= st->count)
		return;
	rest.frames += f->frame + 1;
	rest.count -= f->frame + 1;
	if (!ka_wait_read(k, a, f->task, &rest, w) || w->kind != KA_WAIT_SPINLOCK)
		return;
	f->wait = w;
	f->wait_text = ka_wait_lock_text(a, w);
	f->owner_text = ka_wait_owner_text(a, w, NULL);
}

void ka_fault_wait(struct ka_kernel *k, struct ka_arena *a, const struct ka_stack *st, struct ka_fault *f)
{
	if (f->kind == KA_FAULT_HUNG_TASK)
		of_hung_task(k, a, f);
	else if (f->kind == KA_FAULT_SOFT_LOCKUP || f->kind == KA_FAULT_HARD_LOCKUP || f->kind == KA_FAULT_RCU_STALL || f->kind == KA_FAULT_NMI)
		of_lockup(k, a, st, f);
}
