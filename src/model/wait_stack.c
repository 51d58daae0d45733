/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The lock that a task waits for without the help of its variables: by the waiter it has on its stack, or its own word. */
#include <kanalyze/symbol.h>
#include <kanalyze/task.h>
#include <kanalyze/type.h>
#include <kanalyze/view.h>
#include "wait.h"

#define SCAN_MAX 0x800
#define LIST_MAX 10000

struct wait_blocker { uint64_t blocker; };
/* A lock, and in its two lowest bits which kind it is of: e711faaafbe5, v6.16 */
KA_VIEW(wait_blocker, ("task_struct"), KA_FROM(wait_blocker, blocker, "blocker"));

bool ka_wait_blocker(struct ka_kernel *k, ka_addr task, enum ka_wait_kind *ret_kind, ka_addr *ret)
{
	static const uint8_t kinds[] = { KA_WAIT_MUTEX, KA_WAIT_SEMAPHORE, KA_WAIT_RWSEM, KA_WAIT_RWSEM };
	struct wait_blocker b;

	if (ka_error_drop(ka_view_read(k, &ka_view_wait_blocker, task, &b)) || !b.blocker)
		return false;
	*ret_kind = kinds[b.blocker & 3];
	*ret = b.blocker & ~3ull;
	return ka_is_kernel_addr(k, *ret);
}

static const struct {
	uint8_t kind;
	const char *waiter, *task, *list, *lock, *head;
} shapes[] = {
	{ KA_WAIT_MUTEX, "mutex_waiter", "task", "list", "mutex", "wait_list" },
	{ KA_WAIT_RWSEM, "rwsem_waiter", "task", "list", "rw_semaphore", "wait_list" },
	{ KA_WAIT_SEMAPHORE, "semaphore_waiter", "task", "list", "semaphore", "wait_list" },
	{ KA_WAIT_COMPLETION, "swait_queue", "task", "task_list", "completion", "wait.task_list" },	/* a5c6234e1028, v5.7 */
	{ KA_WAIT_QUEUE, "wait_queue_entry", "private", "entry", "wait_queue_head", "head" },		/* ac6424b981bc, v4.13 */
};

/* From link to link to the one that is in no task's waiter: the head. func_offset: of a queue's entries, which need be no task's. */
static bool head_of(struct ka_kernel *k, ka_addr link, uint64_t list_offset, uint64_t task_offset, uint64_t func_offset, ka_addr *ret)
{
	for (unsigned n = 0; n < LIST_MAX; n++) {
		ka_addr next, back, task, func;

		if (ka_error_drop(ka_read_ulong(k, link, &next)) || !ka_is_kernel_addr(k, next) ||
		    ka_error_drop(ka_read_ulong(k, next + ka_long_size(k), &back)) || back != link)
			return false;
		if (func_offset && !ka_error_drop(ka_read_ulong(k, next - list_offset + func_offset, &func)) && ka_is_text(k, func)) {
			link = next;
			continue;
		}
		if (ka_error_drop(ka_read_ulong(k, next - list_offset + task_offset, &task)) || !ka_task_is(k, task) || func_offset) {
			*ret = next;
			return true;
		}
		link = next;
	}
	return false;
}

bool ka_wait_on_stack(struct ka_kernel *k, ka_addr task, enum ka_wait_kind kind, ka_addr start, ka_addr end, ka_addr *ret, ka_addr *ret_waiter)
{
	uint64_t list, owner, head, func = 0, step = ka_long_size(k);
	size_t i = 0;

	while (i < KA_COUNT(shapes) && shapes[i].kind != kind)
		i++;
	if (i == KA_COUNT(shapes) || !start || ka_error_drop(ka_type_offset(k, shapes[i].waiter, shapes[i].list, &list)) ||
	    ka_error_drop(ka_type_offset(k, shapes[i].waiter, shapes[i].task, &owner)) || ka_error_drop(ka_type_offset(k, shapes[i].lock, shapes[i].head, &head)))
		return false;
	if (kind == KA_WAIT_QUEUE && ka_error_drop(ka_type_offset(k, shapes[i].waiter, "func", &func)))
		return false;
	if (end <= start || end - start > SCAN_MAX)
		end = start + SCAN_MAX;
	for (ka_addr at = start; at < end; at += step) {
		ka_addr who, found;

		if (!ka_error_drop(ka_read_ulong(k, at + owner, &who)) && who == task && head_of(k, at + list, list, owner, func, &found)) {
			*ret = found - head;
			if (ret_waiter)
				*ret_waiter = at;
			return true;
		}
	}
	return false;
}
