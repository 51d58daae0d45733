/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What blocked tasks wait for, and who has it: mutexes, rwsems, semaphores, completions, work items, bits, spinlocks, rwlocks. */
#ifndef KANALYZE_WAIT_H
#define KANALYZE_WAIT_H

#include <kanalyze/unwind.h>

enum ka_wait_kind {
	KA_WAIT_NONE, KA_WAIT_MUTEX, KA_WAIT_RWSEM, KA_WAIT_SEMAPHORE, KA_WAIT_PERCPU_RWSEM, KA_WAIT_RT_MUTEX, KA_WAIT_COMPLETION,
	KA_WAIT_WORK, KA_WAIT_THREAD, KA_WAIT_BIT, KA_WAIT_PAGE, KA_WAIT_RCU, KA_WAIT_QUEUE, KA_WAIT_SPINLOCK, KA_WAIT_RWLOCK,
};
/* "mutex", "rwsem": the word in JSON and in text. */
const char *ka_wait_kind_name(enum ka_wait_kind kind);

#define KA_WAIT_NOBODY SIZE_MAX

struct ka_wait {
	ka_addr task;
	int32_t pid;
	char comm[16];
	const char *state;		/* "UN" */
	enum ka_wait_kind kind;		/* NONE: it sleeps for something else, function says where */
	const char *mode;		/* "read", "write" of rwsems and rwlocks; NULL */
	ka_addr lock;			/* the mutex, the rwsem, the completion, the work_struct, the folio, the word that has the bit ...; 0 unknown */
	const char *name;		/* what lies there: "kdie_disk.meta_lock", "object 0x... + 0x20 of slab cache foo"; NULL unknown */
	const char *expression;		/* as the waiting function calls it: "&disk->meta_lock"; NULL unknown */
	const char *function, *module;	/* that waits: the first on the stack that is not of the lock's own code; NULL unknown */
	uint64_t offset;
	ka_addr ip;
	size_t frame;			/* of function in its stack */
	const char *file;		/* NULL unknown */
	unsigned line;
	const char *by;			/* "locals", "stack", "blocker": how the lock was found; NULL: it was not */

	ka_addr owner;			/* task that has it, or will do it; 0: nobody, or the lock does not say who */
	const char *owner_is;		/* "held by", "last read by", "done by", "last taken by", "waits for the end of" */
	int32_t owner_pid;
	char owner_comm[16];
	const char *owner_state;
	const char *owner_does;		/* where that task is: "kmore_holder+73 [kdie_more]"; NULL unknown */
	const char *detail;		/* what more the lock says of itself: "4 readers", "bit 3", "count 0"; NULL */
	size_t owner_wait;		/* index in ka_waits.at of what the owner waits for; KA_WAIT_NOBODY: it does not */
	unsigned cycle;			/* from 1: all with the same number wait for one another; 0: none */
};

struct ka_waits {
	struct ka_wait *at;
	size_t n;
	const char *const *cycles;	/* cycles[i]: cycle i + 1 in words */
	size_t cycle_count;
};

/* Of one task by its stack; false: it sleeps for none of these. ret is filled all the same. Strings are in the arena. */
bool ka_wait_read(struct ka_kernel *k, struct ka_arena *a, ka_addr task, struct ka_stack *st, struct ka_wait *ret);
/* Of all tasks that sleep without interruption (D), and of those on a CPU that spin for a lock; and of whom they wait for. */
struct ka_error *ka_waits_read(struct ka_kernel *k, struct ka_arena *a, struct ka_waits *ret) KA_MUST_CHECK;
/* "mutex kdie_disk.lock (ffff...)": the lock in words. */
const char *ka_wait_lock_text(struct ka_arena *a, const struct ka_wait *w);
/* "held by PID 167 (kdie_meta), which waits ..."; NULL: nobody is known. all may be NULL. */
const char *ka_wait_owner_text(struct ka_arena *a, const struct ka_wait *w, const struct ka_waits *all);

#endif
