/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who has a lock, as far as the lock itself says. */
#include <inttypes.h>
#include <kanalyze/symbol.h>
#include <kanalyze/task.h>
#include <kanalyze/type.h>
#include <kanalyze/view.h>
#include "wait.h"

#define SPINLOCK_MAGIC 0xdead4ead

/* An atomic with flags in its low bits (3ca0ff571b09, v4.10), a pointer before; with PREEMPT_RT an rt_mutex */
struct wait_mutex { uint64_t owner; };
KA_VIEW(wait_mutex, ("mutex"), KA_FROM(wait_mutex, owner, "owner.counter", "owner", "rtmutex.owner"));

struct wait_rwsem {
	int64_t count;
	uint64_t owner, atomic_owner;
};
/* the owner became an atomic, and bit 0 of the count "a writer has it", at once: 94a9717b3c40, 64489e78004c, v5.3 */
KA_VIEW(wait_rwsem, ("rw_semaphore"),
	KA_MAYBE(wait_rwsem, count, "count.counter", "count"),
	KA_MAYBE(wait_rwsem, atomic_owner, "owner.counter"),
	KA_MAYBE(wait_rwsem, owner, "owner.counter", "owner"));

/* PREEMPT_RT's, of rwsems and rwlocks: 943f0edb754f, v5.15 */
struct wait_rwbase {
	int32_t readers;
	uint64_t owner;
};
KA_VIEW(wait_rwbase, ("rwbase_rt"), KA_FROM(wait_rwbase, readers, "readers.counter"), KA_FROM(wait_rwbase, owner, "rtmutex.owner"));

struct wait_qrwlock {
	uint32_t count;
	uint8_t writer;
};
/* before d13316614633 (v4.15) the readers began at bit 8 */
KA_VIEW(wait_qrwlock, ("qrwlock", "__qrwlock"), KA_FROM(wait_qrwlock, count, "cnts.counter"), KA_MAYBE(wait_qrwlock, writer, "wlocked"));

struct wait_semaphore {
	uint32_t count;
	uint64_t last_holder;
};
KA_VIEW(wait_semaphore, ("semaphore"),
	KA_FROM(wait_semaphore, count, "count"),
	KA_MAYBE(wait_semaphore, last_holder, "last_holder"));		/* DETECT_HUNG_TASK_BLOCKER, v6.16 */

struct wait_percpu_rwsem {
	int32_t block;
	uint64_t writer;
	ka_addr inner_at;
};
KA_VIEW(wait_percpu_rwsem, ("percpu_rw_semaphore"),
	KA_MAYBE(wait_percpu_rwsem, block, "block.counter", "readers_block"),	/* 7f26482a872c, v5.7 */
	KA_MAYBE(wait_percpu_rwsem, writer, "writer.task"),
	KA_AT_MAYBE(wait_percpu_rwsem, inner_at, "rw_sem"));

struct wait_rt_mutex { uint64_t owner; };
KA_VIEW(wait_rt_mutex, ("rt_mutex_base", "rt_mutex"), KA_FROM(wait_rt_mutex, owner, "owner"));

struct wait_completion { uint32_t done; };
KA_VIEW(wait_completion, ("completion"), KA_FROM(wait_completion, done, "done"));

struct wait_spinlock {
	uint32_t magic, owner_cpu;
	uint64_t owner;
};
KA_VIEW(wait_spinlock, ("raw_spinlock"),		/* CONFIG_DEBUG_SPINLOCK */
	KA_FROM(wait_spinlock, magic, "magic"),
	KA_FROM(wait_spinlock, owner_cpu, "owner_cpu"),
	KA_FROM(wait_spinlock, owner, "owner"));

/* A worker of a work queue: its thread's data. */
struct wait_kthread_of { ka_addr kthread; };
KA_VIEW(wait_kthread_of, ("task_struct"), KA_FROM(wait_kthread_of, kthread, "worker_private", "set_child_tid"));	/* e32cf5dfbe22, v5.17 */
struct wait_kthread { ka_addr data; };
KA_VIEW(wait_kthread, ("kthread"), KA_FROM(wait_kthread, data, "data"));
struct wait_worker { ka_addr work, task; };
KA_VIEW(wait_worker, ("worker"),
	KA_FROM(wait_worker, work, "current_work"),
	KA_FROM(wait_worker, task, "task"));

/* A task has a completion for who waits for its exec() or end. */
struct wait_vfork { ka_addr done; };
KA_VIEW(wait_vfork, ("task_struct"), KA_FROM(wait_vfork, done, "vfork_done"));

/* How far the scheduler's clock and that of start times may be apart. */
#define CLOCKS_APART 5000000

static void set_owner(struct ka_kernel *k, struct ka_arena *a, struct ka_wait *w, uint64_t owner, const char *is)
{
	struct ka_task t, waiter;

	if (!owner)
		return;
	if (!ka_task_is(k, owner) || ka_error_drop(ka_task_read(k, owner, &t))) {
		w->detail = ka_printf(a, "its owner 0x%" PRIx64 " is no task: one that has ended, or the lock is damaged", owner);
		return;
	}
	/* who waits slept when this one was not there yet: its memory was another's */
	if (!ka_error_drop(ka_task_read(k, w->task, &waiter)) && waiter.last_arrival && t.start_time > waiter.last_arrival + CLOCKS_APART &&
	    w->kind != KA_WAIT_WORK && w->kind != KA_WAIT_COMPLETION) {
		w->detail = ka_printf(a, "the task that has it has ended: 0x%" PRIx64 " became that of PID %d (%.16s)", owner, t.pid, t.comm);
		return;
	}
	w->owner = owner;
	w->owner_is = is;
	w->owner_pid = t.pid;
	memcpy(w->owner_comm, t.comm, sizeof(w->owner_comm));
	w->owner_state = ka_task_state_name(k, &t);
}

static const char *readers_text(struct ka_arena *a, uint64_t n)
{
	return ka_printf(a, "%" PRIu64 " reader%s", n, n == 1 ? "" : "s");
}

/* What READER_BIAS is taken from while a writer waits; WRITER_BIAS alone: it has it. */
static void rwbase(struct ka_kernel *k, struct ka_arena *a, struct ka_wait *w, ka_addr at)
{
	const uint32_t reader_bias = 1u << 31, writer_bias = 1u << 30;
	struct wait_rwbase s;
	uint32_t v;

	if (ka_error_drop(ka_view_read(k, &ka_view_wait_rwbase, at, &s)))
		return;
	v = (uint32_t)s.readers;
	if (v == writer_bias) {
		set_owner(k, a, w, s.owner & ~1ull, "held for writing by");
	} else if (v & reader_bias) {
		w->detail = v == reader_bias ? "free: nobody has taken it yet" : readers_text(a, v - reader_bias);
	} else {
		w->detail = readers_text(a, v);
		set_owner(k, a, w, s.owner & ~1ull, "a writer waits for its readers:");
	}
}

static void rwlock(struct ka_kernel *k, struct ka_arena *a, struct ka_wait *w)
{
	struct wait_qrwlock s;
	bool is_waited;
	uint32_t readers;

	if (ka_type_has(k, "rw_semaphore", "rwbase")) {
		rwbase(k, a, w, w->lock);
		return;
	}
	if (ka_error_drop(ka_view_read(k, &ka_view_wait_qrwlock, w->lock, &s)))
		return;
	readers = KA_HAS(k, wait_qrwlock, writer) ? s.count >> 9 : s.count >> 8;
	is_waited = KA_HAS(k, wait_qrwlock, writer) && s.count & 0x100;
	w->detail = (s.count & 0xff) == 0xff ? "a writer has it: it does not say who" : readers ?
		    ka_printf(a, "%s%s", readers_text(a, readers), is_waited ? ", and a writer is next" : "") : is_waited ? "free, and a writer is next" : "free";
}

static void rwsem(struct ka_kernel *k, struct ka_arena *a, struct ka_wait *w, ka_addr at)
{
	struct wait_rwsem s;
	bool is_new = KA_HAS(k, wait_rwsem, atomic_owner);

	if (ka_type_has(k, "rw_semaphore", "rwbase")) {
		rwbase(k, a, w, at);
		return;
	}
	if (ka_error_drop(ka_view_read(k, &ka_view_wait_rwsem, at, &s)))
		return;
	if (is_new) {
		/* bit 0 a writer, 1 waiters, 2 handed over; readers from bit 8 on */
		int64_t readers = s.count >> 8 & (INT64_MAX >> 8);

		if (s.count & 1)
			set_owner(k, a, w, s.owner & ~7ull, "held for writing by");
		else if (readers) {
			w->detail = readers_text(a, (uint64_t)readers);
			/* a hint that it never takes back; cleared only by DEBUG_RWSEMS */
			if (s.owner & 1)
				set_owner(k, a, w, s.owner & ~7ull, readers == 1 ? "held for reading, last taken by" : "held for reading, also or last by");
		} else
			w->detail = "free: nobody has taken it yet";
		return;
	}
	/* 1: readers, that do not say who (d157bd860f1c, v4.16; the last reader's address since v4.20) */
	if (s.owner & 3)
		w->detail = "held for reading";
	if (s.owner & ~7ull)
		set_owner(k, a, w, s.owner & ~7ull, s.owner & 3 ? "held for reading, last taken by" : "held for writing by");
}

/* The worker that has the item in its hands. */
static void work(struct ka_kernel *k, struct ka_arena *a, struct ka_wait *w)
{
	struct ka_walk walk;

	/* without these types nothing is known of who does it */
	if (!ka_view_size(k, &ka_view_wait_kthread) || !ka_view_size(k, &ka_view_wait_worker))
		return;
	walk = ka_walk_tasks(k);
	for (ka_addr at; ka_walk_next(&walk, &at);) {
		struct wait_kthread_of of;
		struct wait_kthread kthread;
		struct wait_worker worker;
		struct ka_task t;

		/* PF_WQ_WORKER */
		if (ka_error_drop(ka_task_read(k, at, &t)) || !(t.flags & 0x20) || ka_error_drop(ka_view_read(k, &ka_view_wait_kthread_of, at, &of)) ||
		    ka_error_drop(ka_view_read(k, &ka_view_wait_kthread, of.kthread, &kthread)) ||
		    ka_error_drop(ka_view_read(k, &ka_view_wait_worker, kthread.data, &worker)) || worker.task != at || worker.work != w->lock)
			continue;
		set_owner(k, a, w, at, "done by");
		break;
	}
	ka_error_drop(ka_walk_end(&walk));
	if (!w->owner && !w->detail)
		w->detail = "no worker has begun it";
}

/* Completions of threads themselves: who parks or ends one (kthread_park, kthread_stop), or moves a CPU's state. */
static void completion_of_thread(struct ka_kernel *k, struct ka_arena *a, struct ka_wait *w)
{
	uint64_t size, thread, exited;
	struct ka_symbol s;
	struct ka_walk walk;
	ka_addr at, owner;

	/* the one thread that makes others (kthread_create_info.done) */
	if (w->function && strstr(w->function, "kthread_create_on_node") && ka_symbol_lookup(k, "kthreadd_task", &s) &&
	    !ka_error_drop(ka_read_ulong(k, s.addr, &owner)))
		set_owner(k, a, w, owner, "done by");
	if (!w->owner && !ka_error_drop(ka_type_size(k, "cpuhp_cpu_state", &size)) && !ka_error_drop(ka_type_offset(k, "cpuhp_cpu_state", "thread", &thread)))
		for (unsigned cpu = 0; cpu < ka_cpu_count(k) && !w->owner; cpu++)
			if (!ka_error_drop(ka_percpu_addr(k, "cpuhp_state", cpu, &at)) && w->lock - at < size && !ka_error_drop(ka_read_ulong(k, at + thread, &owner)))
				set_owner(k, a, w, owner, "done by");
	if (w->owner || ka_error_drop(ka_type_size(k, "kthread", &size)) || !ka_view_size(k, &ka_view_wait_kthread_of))
		return;
	if (ka_error_drop(ka_type_offset(k, "kthread", "exited", &exited)))
		exited = UINT64_MAX;
	walk = ka_walk_tasks(k);
	while (!w->owner && ka_walk_next(&walk, &at)) {
		struct wait_kthread_of of;
		struct ka_task t;

		if (!ka_error_drop(ka_task_read(k, at, &t)) && ka_task_is_kthread(k, &t) && !ka_error_drop(ka_view_read(k, &ka_view_wait_kthread_of, at, &of)) &&
		    w->lock - of.kthread < size)
			set_owner(k, a, w, at, w->lock - of.kthread == exited ? "waits for the end of" : "waits for parking of");
	}
	ka_error_drop(ka_walk_end(&walk));
}

static void completion(struct ka_kernel *k, struct ka_arena *a, struct ka_wait *w)
{
	struct wait_completion c;
	struct ka_walk walk;

	if (ka_error_drop(ka_view_read(k, &ka_view_wait_completion, w->lock, &c)))
		return;
	w->detail = c.done ? ka_printf(a, "completed, done %u", c.done) : "not completed";
	walk = ka_walk_tasks(k);
	for (ka_addr at; !w->owner && ka_walk_next(&walk, &at);) {
		struct wait_vfork v;

		if (!ka_error_drop(ka_view_read(k, &ka_view_wait_vfork, at, &v)) && v.done == w->lock)
			set_owner(k, a, w, at, "vfork: waits for exec or end of");
	}
	ka_error_drop(ka_walk_end(&walk));
	if (!w->owner)
		completion_of_thread(k, a, w);
	if (w->owner)
		w->detail = NULL;
}

/* Readers count on their CPUs, and may come and go on different ones: the sum is how many are in. */
static bool percpu_readers(struct ka_kernel *k, ka_addr sem, uint32_t *ret)
{
	uint64_t offset, base;
	ka_addr count;
	uint32_t n;

	*ret = 0;
	if (ka_error_drop(ka_type_offset(k, "percpu_rw_semaphore", "read_count", &offset)) || ka_error_drop(ka_read_ulong(k, sem + offset, &count)) || !count)
		return false;
	for (unsigned cpu = 0; cpu < ka_cpu_count(k); cpu++) {
		if (ka_error_drop(ka_percpu_offset(k, cpu, &base)) || ka_error_drop(ka_read_u32(k, count + base, &n)))
			return false;
		*ret += n;
	}
	return true;
}

static void spinlock(struct ka_kernel *k, struct ka_arena *a, struct ka_wait *w)
{
	struct wait_spinlock s;
	uint32_t v;

	if (ka_error_drop(ka_read_u32(k, w->lock, &v)))
		return;
	/* a byte that says locked, one that says one waits, and the last in the queue: CPU + 1, and which nesting of it */
	w->detail = ka_printf(a, "%s%s%s", v & 0xff ? "locked" : "free", v & 0xff00 ? ", one CPU is next" : "",
			      v >> 18 ? ka_printf(a, ", CPU %u is last in the queue", (v >> 18) - 1) : "");
	if (!ka_error_drop(ka_view_read(k, &ka_view_wait_spinlock, w->lock, &s)) && s.magic == SPINLOCK_MAGIC && s.owner != UINT64_MAX) {
		set_owner(k, a, w, s.owner, "held by");
		if (w->owner)
			w->detail = ka_printf(a, "%s, taken on CPU %u", w->detail, s.owner_cpu);
	}
}

void ka_wait_lock(struct ka_kernel *k, struct ka_arena *a, struct ka_wait *w)
{
	struct wait_percpu_rwsem percpu;
	uint32_t readers;
	struct wait_semaphore semaphore;
	struct wait_rt_mutex rt;
	struct wait_mutex mutex;

	switch (w->kind) {
	case KA_WAIT_MUTEX:
		if (ka_error_drop(ka_view_read(k, &ka_view_wait_mutex, w->lock, &mutex)))
			break;
		/* bit 0 waiters, 1 and 2 handed over: e274795ea7b7, v4.10 */
		set_owner(k, a, w, mutex.owner & ~7ull, "held by");
		if (!w->owner && !w->detail)
			w->detail = "free: nobody has taken it yet";
		break;
	case KA_WAIT_RWSEM:
		rwsem(k, a, w, w->lock);
		break;
	case KA_WAIT_SEMAPHORE:
		if (ka_error_drop(ka_view_read(k, &ka_view_wait_semaphore, w->lock, &semaphore)))
			break;
		w->detail = semaphore.count ? ka_printf(a, "count %u", semaphore.count) : "count 0: a semaphore does not say who has it";
		if (semaphore.last_holder) {
			w->detail = ka_printf(a, "count %u", semaphore.count);
			set_owner(k, a, w, semaphore.last_holder, "last taken by");
		}
		break;
	case KA_WAIT_PERCPU_RWSEM:
		if (ka_error_drop(ka_view_read(k, &ka_view_wait_percpu_rwsem, w->lock, &percpu)))
			break;
		if (percpu.writer)
			set_owner(k, a, w, percpu.writer, "a writer waits for its readers:");
		if (!w->owner && percpu.inner_at)
			rwsem(k, a, w, percpu.inner_at);
		if (!w->owner && percpu.block)
			w->detail = "a writer has it: it does not say who";
		/* one that waits for it to be free: as many as are in */
		if (!w->detail && percpu_readers(k, w->lock, &readers) && readers && readers < 1u << 24)
			w->detail = readers_text(a, readers);
		break;
	case KA_WAIT_RT_MUTEX:
		if (!ka_error_drop(ka_view_read(k, &ka_view_wait_rt_mutex, w->lock, &rt)))
			set_owner(k, a, w, rt.owner & ~1ull, "held by");
		break;
	case KA_WAIT_COMPLETION:
		completion(k, a, w);
		break;
	case KA_WAIT_WORK: work(k, a, w); break;
	case KA_WAIT_THREAD: set_owner(k, a, w, w->lock, "waits for the end of"); break;
	case KA_WAIT_SPINLOCK: spinlock(k, a, w); break;
	case KA_WAIT_RWLOCK: rwlock(k, a, w); break;
	default: break;
	}
}
