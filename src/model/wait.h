/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The parts of what tasks wait for: which lock, who has it. */
#ifndef KA_MODEL_WAIT_H
#define KA_MODEL_WAIT_H

#include <kanalyze/wait.h>

/* wait_name.c: name and expression of the lock at w->lock; the stack is that of the task. */
void ka_wait_name(struct ka_kernel *k, struct ka_arena *a, struct ka_stack *st, struct ka_wait *w);
/* wait_lock.c: owner, owner_is and detail of the lock at w->lock. */
void ka_wait_lock(struct ka_kernel *k, struct ka_arena *a, struct ka_wait *w);
/* wait_stack.c: from the waiter that the task has on its stack between two addresses to the lock whose list it is on. ret_waiter may be NULL. */
bool ka_wait_on_stack(struct ka_kernel *k, ka_addr task, enum ka_wait_kind kind, ka_addr start, ka_addr end, ka_addr *ret, ka_addr *ret_waiter);
/* wait_stack.c: what the task itself says it is blocked on (hung_task's blocker, v6.16). */
bool ka_wait_blocker(struct ka_kernel *k, ka_addr task, enum ka_wait_kind *ret_kind, ka_addr *ret);

#endif
