/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From the stack of a task that sleeps, or spins, to the lock that it wants: by the functions on it, and their variables. */
#include <inttypes.h>
#include <kanalyze/code.h>
#include <kanalyze/local.h>
#include <kanalyze/module.h>
#include <kanalyze/symbol.h>
#include <kanalyze/task.h>
#include <kanalyze/text.h>
#include <kanalyze/variable.h>
#include <kanalyze/view.h>
#include "fault.h"
#include "wait.h"

#define FRAMES_MAX 24

/*
 * Functions that wait, and which of their variables is what they wait for. Of several on a stack the outermost of those that lie
 * together counts: flush_work() sleeps in a completion.
 */
static const struct {
	const char *function, *local, *mode;
	uint8_t kind;
} waiters[] = {
	{ "__mutex_lock_common", "lock", NULL, KA_WAIT_MUTEX },
	{ "__mutex_lock", "lock", NULL, KA_WAIT_MUTEX },
	{ "__ww_mutex_lock", "lock", NULL, KA_WAIT_MUTEX },
	{ "__mutex_lock_slowpath", "lock", NULL, KA_WAIT_MUTEX },
	{ "rwsem_down_read_slowpath", "sem", "read", KA_WAIT_RWSEM },
	{ "rwsem_down_write_slowpath", "sem", "write", KA_WAIT_RWSEM },
	{ "rwsem_down_read_failed", "sem", "read", KA_WAIT_RWSEM },		/* before 6cef7ff6e43c, v5.2 */
	{ "__rwsem_down_read_failed_common", "sem", "read", KA_WAIT_RWSEM },
	{ "rwsem_down_write_failed", "sem", "write", KA_WAIT_RWSEM },
	{ "__rwsem_down_write_failed_common", "sem", "write", KA_WAIT_RWSEM },
	{ "___down_common", "sem", NULL, KA_WAIT_SEMAPHORE },
	{ "__down_common", "sem", NULL, KA_WAIT_SEMAPHORE },
	{ "__down", "sem", NULL, KA_WAIT_SEMAPHORE },
	{ "percpu_rwsem_wait", "sem", NULL, KA_WAIT_PERCPU_RWSEM },
	{ "__percpu_down_read", "sem", "read", KA_WAIT_PERCPU_RWSEM },
	{ "percpu_down_write", "sem", "write", KA_WAIT_PERCPU_RWSEM },
	{ "rt_mutex_slowlock_block", "lock", NULL, KA_WAIT_RT_MUTEX },
	{ "__rt_mutex_slowlock", "lock", NULL, KA_WAIT_RT_MUTEX },
	{ "rt_mutex_slowlock", "lock", NULL, KA_WAIT_RT_MUTEX },
	{ "rtlock_slowlock_locked", "lock", NULL, KA_WAIT_RT_MUTEX },
	/* PREEMPT_RT: one lock for both, at the start of the rwsem or rwlock (943f0edb754f, v5.15) */
	{ "__rwbase_read_lock", "rwb", "read", KA_WAIT_RWSEM },
	{ "rwbase_read_lock", "rwb", "read", KA_WAIT_RWSEM },
	{ "rwbase_write_lock", "rwb", "write", KA_WAIT_RWSEM },
	{ "rt_read_lock", "rwlock", "read", KA_WAIT_RWLOCK },
	{ "rt_write_lock", "rwlock", "write", KA_WAIT_RWLOCK },
	{ "queued_read_lock_slowpath", "lock", "read", KA_WAIT_RWLOCK },
	{ "queued_write_lock_slowpath", "lock", "write", KA_WAIT_RWLOCK },
	{ "do_wait_for_common", "x", NULL, KA_WAIT_COMPLETION },
	{ "__wait_for_common", "x", NULL, KA_WAIT_COMPLETION },
	{ "wait_for_common", "x", NULL, KA_WAIT_COMPLETION },
	{ "wait_for_completion", "x", NULL, KA_WAIT_COMPLETION },
	{ "__flush_work", "work", NULL, KA_WAIT_WORK },
	{ "flush_work", "work", NULL, KA_WAIT_WORK },
	{ "__cancel_work_sync", "work", NULL, KA_WAIT_WORK },
	{ "kthread_stop", "k", NULL, KA_WAIT_THREAD },
	{ "out_of_line_wait_on_bit", NULL, NULL, KA_WAIT_BIT },
	{ "out_of_line_wait_on_bit_lock", NULL, NULL, KA_WAIT_BIT },
	{ "folio_wait_bit_common", "folio", NULL, KA_WAIT_PAGE },
	{ "wait_on_page_bit_common", "page", NULL, KA_WAIT_PAGE },
	{ "__wait_rcu_gp", NULL, NULL, KA_WAIT_RCU },
	{ "synchronize_rcu", NULL, NULL, KA_WAIT_RCU },
	{ "synchronize_rcu_normal", NULL, NULL, KA_WAIT_RCU },
	{ "synchronize_rcu_expedited", NULL, NULL, KA_WAIT_RCU },
	{ "__synchronize_srcu", NULL, NULL, KA_WAIT_RCU },
	{ "rcu_barrier", NULL, NULL, KA_WAIT_RCU },
	{ "native_queued_spin_lock_slowpath", "lock", NULL, KA_WAIT_SPINLOCK },
	{ "__pv_queued_spin_lock_slowpath", "lock", NULL, KA_WAIT_SPINLOCK },
	{ "queued_spin_lock_slowpath", "lock", NULL, KA_WAIT_SPINLOCK },
};

/* Code of the scheduler and of locks: who called it is who waits. */
static const char *const inner[] = {
	"__schedule", "schedule", "preempt_schedule", "__cond_resched", "io_schedule", "bit_wait", "mutex_lock", "__mutex_lock", "__ww_mutex_lock",
	"ww_mutex_lock", "down", "__down", "___down", "rwsem_", "__rwsem_", "call_rwsem", "percpu_", "__percpu_", "rt_mutex_", "__rt_mutex_",
	"rtlock_", "rt_spin_lock", "wait_for_completion", "wait_for_common", "__wait_for_common", "do_wait_for_common", "__flush_work", "flush_work",
	"cancel_work_sync", "__cancel_work_sync", "kthread_stop", "out_of_line_wait_on_bit", "__wait_on_bit", "folio_wait_", "folio_lock",
	"__folio_lock", "wait_on_page", "__lock_page", "lock_page", "__wait_rcu_gp", "synchronize_rcu", "__synchronize_srcu", "synchronize_srcu",
	"rcu_barrier", "native_queued_spin", "__pv_queued_spin", "queued_spin_lock", "_raw_spin_lock", "_raw_read_lock", "_raw_write_lock",
	"do_raw_spin_lock", "do_raw_read_lock", "do_raw_write_lock", "spin_lock", "read_lock", "write_lock", "__raw_spin_lock", "arch_spin_lock", "cpu_relax", "rep_nop", "context_switch",
	"msleep", "usleep_range", "queued_read_lock", "queued_write_lock", "rwbase_", "__rwbase_", "rt_read_lock", "rt_write_lock", "virt_spin_lock", "__switch_to", "__refrigerator",
};

struct wait_bit {
	ka_addr word, entry_at;
	int32_t bit;
};
KA_VIEW(wait_bit, ("wait_bit_queue_entry", "wait_bit_queue"),		/* 2055da97389a, v4.13 */
	KA_FROM(wait_bit, word, "key.flags"),
	KA_AT(wait_bit, entry_at, "wq_entry", "wait"),
	KA_FROM(wait_bit, bit, "key.bit_nr"));

/* Without what the compiler added: "__mutex_lock.constprop.0". */
static bool is_called(const char *name, const char *wanted, bool is_prefix)
{
	size_t n = strlen(wanted);

	return name && !strncmp(name, wanted, n) && (is_prefix || !name[n] || name[n] == '.');
}

static bool is_inner(const char *name)
{
	for (size_t i = 0; i < KA_COUNT(inner); i++) {
		/* down() and schedule(), but not down_the_road(): these have no underscore */
		bool is_prefix = strcmp(inner[i], "schedule") && strcmp(inner[i], "bit_wait") && strcmp(inner[i], "down");

		if (is_called(name, inner[i], is_prefix))
			return true;
	}
	return is_called(name, "schedule_timeout", true) || is_called(name, "schedule_preempt_disabled", false) ||
	       is_called(name, "schedule_hrtimeout", true) || is_called(name, "schedule_rtlock", false) || is_called(name, "down_read", true) ||
	       is_called(name, "down_write", true) || is_called(name, "down_interruptible", false) || is_called(name, "down_killable", false) ||
	       is_called(name, "down_timeout", false) || is_called(name, "bit_wait_io", true);
}

static const char *function_of(struct ka_kernel *k, const struct ka_frame *f, struct ka_symbol *s, uint64_t *offset)
{
	return ka_symbol_at(k, f->ip - f->is_call, s, offset) ? s->name : NULL;
}

static bool local_number(struct ka_kernel *k, const struct ka_locals *l, const char *name, const char *function, uint64_t *ret)
{
	for (size_t i = 0; name && i < l->n; i++) {
		const struct ka_local *v = &l->at[i];

		if (v->state == KA_LOCAL_THERE && !strcmp(v->name, name) && v->function && is_called(v->function, function, false) &&
		    !ka_error_drop(ka_value_number(k, &v->value, ret)))
			return true;
	}
	return false;
}

/* Who called the lock's code. */
static void read_place(struct ka_kernel *k, struct ka_stack *st, struct ka_wait *w)
{
	struct ka_source chain[32];
	const struct ka_module *m;
	struct ka_symbol s;
	uint64_t offset;

	for (size_t i = 0; i < st->count && i < FRAMES_MAX; i++) {
		const struct ka_frame *f = &st->frames[i];
		const char *name = function_of(k, f, &s, &offset);
		size_t n;

		if (!name || is_inner(name) || (f->is_guess && !f->is_call))
			continue;
		/* lines and types of a module are in its own file; looked for once */
		if (s.module && (m = ka_module_at(k, f->ip)) && !m->object)
			ka_error_drop(ka_module_load(k, m, NULL, NULL));
		w->frame = i;
		w->function = s.name;
		w->module = s.module;
		w->offset = offset + f->is_call;
		w->ip = f->ip;
		n = ka_source_chain(k, f->ip - f->is_call, chain, KA_COUNT(chain));
		/* what is inlined there may be the lock's code as well */
		for (size_t c = 0; c < n; c++)
			if (!chain[c].is_inlined || !is_inner(chain[c].function)) {
				w->file = chain[c].name ? chain[c].name : chain[c].file;
				w->line = chain[c].line;
				break;
			}
		return;
	}
}

/* What the function was given may be lost, and is, where it was jumped to: its own entry in the queue has it. */
static void read_bit(struct ka_kernel *k, struct ka_arena *a, struct ka_wait *w, ka_addr sp)
{
	struct wait_bit bit;
	ka_addr head, entry = w->lock + KA_OFFSET(k, wait_bit, entry_at);

	if (!w->lock && !ka_wait_on_stack(k, w->task, KA_WAIT_QUEUE, sp, 0, &head, &entry))
		return;
	w->lock = 0;
	if (ka_error_drop(ka_view_read(k, &ka_view_wait_bit, entry - KA_OFFSET(k, wait_bit, entry_at), &bit)) || !ka_is_kernel_addr(k, bit.word))
		return;
	w->lock = bit.word;
	w->by = "stack";
	w->detail = ka_printf(a, "bit %d", bit.bit);
}

static bool by_functions(struct ka_kernel *k, struct ka_arena *a, struct ka_stack *st, struct ka_wait *w)
{
	size_t end = w->function ? w->frame : KA_MIN(st->count, (size_t)FRAMES_MAX);

	for (size_t i = 0; i < end; i++) {
		struct ka_locals l = { 0 };
		struct ka_symbol s;
		uint64_t offset;
		const char *name = function_of(k, &st->frames[i], &s, &offset);
		bool is_read = false;

		if (!name || !is_inner(name))
			continue;
		for (size_t n = 0; n < KA_COUNT(waiters); n++) {
			bool is_here = is_called(name, waiters[n].function, false);
			uint64_t reader;

			/* what was inlined is known when the frame's variables are */
			if (!is_read) {
				is_read = true;
				ka_error_drop(ka_locals_read(k, st, i, a, &l));
			}
			for (size_t j = 0; !is_here && j < l.function_count; j++)
				is_here = is_called(l.functions[j], waiters[n].function, false);
			if (!is_here)
				continue;
			/* further out is nearer to what was meant: but not the same lock by a name that lost its value */
			if (w->lock && waiters[n].kind == w->kind)
				continue;
			ka_addr inside = w->kind == KA_WAIT_RWSEM && waiters[n].kind == KA_WAIT_RWLOCK ? w->lock : 0;

			if (w->kind != waiters[n].kind && !inside) {
				w->lock = 0;
				w->by = NULL;
			}
			w->kind = waiters[n].kind;
			if (inside)		/* it lies where the other was found */
				continue;
			w->mode = waiters[n].mode ? waiters[n].mode : w->mode;
			if (local_number(k, &l, waiters[n].local, waiters[n].function, &w->lock) && ka_is_kernel_addr(k, w->lock))
				w->by = "locals";
			else if (ka_wait_on_stack(k, w->task, w->kind, st->frames[i].sp, i + 2 < st->count ? st->frames[i + 2].sp : 0, &w->lock, NULL))
				w->by = "stack";
			else
				w->lock = 0;
			if (w->kind == KA_WAIT_PERCPU_RWSEM && local_number(k, &l, "reader", waiters[n].function, &reader))
				w->mode = reader ? "read" : "write";
			if (w->kind == KA_WAIT_BIT)
				read_bit(k, a, w, st->frames[i].sp);
		}
	}
	return w->kind != KA_WAIT_NONE;
}

bool ka_wait_read(struct ka_kernel *k, struct ka_arena *a, ka_addr task, struct ka_stack *st, struct ka_wait *ret)
{
	struct ka_task t;
	ka_addr lock;
	enum ka_wait_kind kind;

	*ret = (struct ka_wait){ .task = task, .owner_wait = KA_WAIT_NOBODY };
	if (!ka_error_drop(ka_task_read(k, task, &t))) {
		ret->pid = t.pid;
		memcpy(ret->comm, t.comm, sizeof(ret->comm));
		ret->state = ka_task_state_name(k, &t);
	}
	read_place(k, st, ret);
	by_functions(k, a, st, ret);
	/* the kernel's own word, where it has one and the stack does not tell more */
	if (!ret->lock && (ret->kind == KA_WAIT_NONE || ret->kind == KA_WAIT_MUTEX || ret->kind == KA_WAIT_RWSEM || ret->kind == KA_WAIT_SEMAPHORE) &&
	    ka_wait_blocker(k, task, &kind, &lock)) {
		ret->kind = kind;
		ret->lock = lock;
		ret->by = "blocker";
	}
	/* wait_event(): the entry lies in the frame of who waits */
	if (ret->kind == KA_WAIT_NONE && ret->function && st->count &&
	    ka_wait_on_stack(k, task, KA_WAIT_QUEUE, st->frames[0].sp, ret->frame + 1 < st->count ? st->frames[ret->frame + 1].sp : 0, &ret->lock, NULL)) {
		ret->kind = KA_WAIT_QUEUE;
		ret->by = "stack";
	}
	if (ret->kind == KA_WAIT_NONE)
		return false;
	if (ret->lock)
		ka_wait_lock(k, a, ret);
	ka_wait_name(k, a, st, ret);
	return true;
}
