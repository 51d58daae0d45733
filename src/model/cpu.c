/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* CPUs: which there are, where each keeps its per-CPU variables, and what each was running. */
#include <inttypes.h>
#include <stdio.h>
#include <kanalyze/task.h>
#include <kanalyze/view.h>
#include "kernel.h"

#define CPU_MAX 32768		/* a bound, not a limit: x86 with MAXSMP has 8192 */

struct cpu_mask {
	uint8_t *is_set;	/* one byte a CPU, CPU_MAX of them; NULL: the kernel has no such mask */
	unsigned end;		/* one more than the highest */
};

struct cpus {
	struct cpu_mask possible, present, online;
	unsigned count, online_count;
	ka_addr offsets_at;	/* __per_cpu_offset[]; 0: a kernel without SMP */
	uint64_t offsets_count;
};

/* What the run queues say; a second state since masks are asked for before types are needed. */
struct cpu_tasks {
	_Atomic ka_addr *curr;	/* by CPU; the user may set one anew */
	ka_addr *idle;
	unsigned count;
};

struct rq_view {
	ka_addr curr, idle;
	uint64_t clock;
};
KA_VIEW(rq_view, ("rq", "runqueue"),		/* renamed in 70b97a7f0b19, v2.6.18 */
	KA_FROM(rq_view, curr, "curr"),
	KA_FROM(rq_view, idle, "idle"),
	/* before a unified rq clock (20d315d42aed, v2.6.23) the tick left its stamp */
	KA_MAYBE(rq_view, clock, "clock", "most_recent_timestamp", "timestamp_last_tick"));

struct pcpu_hot_view {
	ka_addr current_task;
};
KA_VIEW(pcpu_hot_view, ("pcpu_hot"), KA_FROM(pcpu_hot_view, current_task, "current_task"));

/*
 * Address of a mask's bits and their count. __cpu_X_mask is the variable itself since 4b804c85dc37 (v4.5), before
 * that cpu_X_mask pointed to it (v2.6.28), and before that cpu_X_map was the variable. A kernel may have both of the
 * latter two: cpu_X_map is then a macro or an alias.
 */
static struct ka_error *mask_find(struct ka_kernel *k, const char *what, ka_addr *ret, uint64_t *ret_bytes)
{
	char names[3][40];
	struct ka_symbol s;
	struct ka_error *err = NULL;
	uint64_t size = 0;

	snprintf(names[0], sizeof(names[0]), "__cpu_%s_mask", what);
	snprintf(names[1], sizeof(names[1]), "cpu_%s_mask", what);
	snprintf(names[2], sizeof(names[2]), "cpu_%s_map", what);
	if (ka_symbol_lookup(k, names[0], &s) || ka_symbol_lookup(k, names[2], &s)) {
		*ret = s.addr;
		size = s.size;
	} else if (ka_symbol_lookup(k, names[1], &s)) {
		err = ka_read_ulong(k, s.addr, ret);
	} else {
		return ka_error_new(KA_MISSING, "this kernel has none of %s, %s and %s", names[0], names[1], names[2]);
	}
	if (!err && !size && ka_error_drop(ka_type_size(k, "cpumask", &size)))
		size = ka_long_size(k);
	*ret_bytes = KA_MIN(size, CPU_MAX / 8);
	return ka_error_wrap(err, "cannot find the %s CPUs", what);
}

static void mask_read(struct ka_kernel *k, const char *what, struct cpu_mask *ret)
{
	unsigned word_bytes = ka_long_size(k);
	uint8_t bits[CPU_MAX / 8];
	uint64_t bytes = 0;
	ka_addr at;
	struct ka_error *err = mask_find(k, what, &at, &bytes);

	if (!err)
		err = ka_error_wrap(ka_read(k, at, bits, bytes), "cannot read which CPUs are %s", what);
	if (err) {
		ka_log(1, "CPUs: %s", err->message);
		ka_error_free(err);
		return;
	}
	ret->is_set = ka_xalloc(CPU_MAX);
	for (uint64_t i = 0; i + word_bytes <= bytes; i += word_bytes) {
		uint64_t word = ka_uint_from(k, bits + i, word_bytes);

		for (unsigned bit = 0; bit < word_bytes * 8; bit++) {
			if (word >> bit & 1) {
				ret->is_set[i * 8 + bit] = 1;
				ret->end = i * 8 + bit + 1;
			}
		}
	}
}

static void cpus_drop(void *state)
{
	struct cpus *c = state;

	free(c->possible.is_set);
	free(c->present.is_set);
	free(c->online.is_set);
	free(c);
}

static void *cpus_make(struct ka_kernel *k)
{
	struct cpus *c = ka_xalloc(sizeof(*c));
	struct ka_symbol s;

	if (ka_symbol_lookup(k, "__per_cpu_offset", &s)) {
		c->offsets_at = s.addr;
		c->offsets_count = s.size ? s.size / ka_long_size(k) : CPU_MAX;
	}
	mask_read(k, "possible", &c->possible);
	mask_read(k, "present", &c->present);
	mask_read(k, "online", &c->online);
	c->count = KA_MAX(c->possible.end, KA_MAX(c->present.end, c->online.end));
	if (c->offsets_at && c->count > c->offsets_count)
		c->count = c->offsets_count;
	if (!c->count || !c->offsets_at)
		c->count = 1;
	for (unsigned i = 0; i < c->count; i++)
		c->online_count += !c->online.is_set || c->online.is_set[i];
	ka_log(1, "CPUs: %u possible, %u online", c->count, c->online_count);
	return c;
}

static const char cpus_key;

static const struct cpus *cpus(struct ka_kernel *k)
{
	return ka_kernel_state(k, &cpus_key, cpus_make, cpus_drop);
}

unsigned ka_cpu_count(struct ka_kernel *k)
{
	return cpus(k)->count;
}

/* A mask that is missing or could not be read says yes of each CPU that is possible. */
static bool mask_has(const struct cpus *c, const struct cpu_mask *m, unsigned cpu)
{
	return cpu < c->count && (!m->is_set || m->is_set[cpu]);
}

bool ka_cpu_is_online(struct ka_kernel *k, unsigned cpu)
{
	return mask_has(cpus(k), &cpus(k)->online, cpu);
}

bool ka_cpu_is_present(struct ka_kernel *k, unsigned cpu)
{
	return mask_has(cpus(k), &cpus(k)->present, cpu);
}

unsigned ka_cpu_online_count(struct ka_kernel *k)
{
	return cpus(k)->online_count;
}

struct ka_error *ka_percpu_offset(struct ka_kernel *k, unsigned cpu, uint64_t *ret)
{
	const struct cpus *c = cpus(k);
	struct ka_error *err;

	*ret = 0;
	if (cpu >= c->count)
		return ka_error_new(KA_NOT_FOUND, "there is no CPU %u: the highest is %u", cpu, c->count - 1);
	if (c->possible.is_set && !c->possible.is_set[cpu])
		return ka_error_new(KA_NOT_FOUND, "CPU %u is not among the possible CPUs", cpu);
	if (!c->offsets_at)
		return NULL;	/* built without SMP: per-CPU variables are plain ones */
	err = ka_read_ulong(k, c->offsets_at + (uint64_t)cpu * ka_long_size(k), ret);
	return ka_error_wrap(err, "cannot read the per-CPU offset of CPU %u", cpu);
}

struct ka_error *ka_percpu_addr(struct ka_kernel *k, const char *symbol, unsigned cpu, ka_addr *ret)
{
	struct ka_symbol s;
	uint64_t offset;
	struct ka_error *err;
	char old[128];

	/* the prefix went with dd17c8f72993, v2.6.33 */
	snprintf(old, sizeof(old), "per_cpu__%s", symbol);
	if (!ka_symbol_lookup(k, symbol, &s) && !ka_symbol_lookup(k, old, &s))
		return ka_error_new(KA_MISSING, "this kernel has no per-CPU variable %s", symbol);
	err = ka_percpu_offset(k, cpu, &offset);
	*ret = s.addr + offset;
	return err;
}

static struct ka_error *rq_read(struct ka_kernel *k, unsigned cpu, struct rq_view *ret)
{
	ka_addr at;
	struct ka_error *err = ka_percpu_addr(k, "runqueues", cpu, &at);

	if (!err)
		err = ka_view_read(k, &ka_view_rq_view, at, ret);
	return ka_error_wrap(err, "cannot read the run queue of CPU %u", cpu);
}

/*
 * x86's own word of what runs on a CPU, for when the run queue is lost: in pcpu_hot from e57ef2ed97c1 (v6.2) to
 * a1e4cc0155ad (v6.15), a variable of its own before and after.
 */
static ka_addr current_read(struct ka_kernel *k, unsigned cpu)
{
	struct pcpu_hot_view hot;
	ka_addr at, task = 0;
	struct ka_error *err = ka_percpu_addr(k, "pcpu_hot", cpu, &at);

	if (!err) {
		err = ka_view_read(k, &ka_view_pcpu_hot_view, at, &hot);
		task = err ? 0 : hot.current_task;
	} else {
		ka_error_free(err);
		err = ka_percpu_addr(k, "current_task", cpu, &at);
		if (!err)
			err = ka_read_ulong(k, at, &task);
	}
	ka_error_free(err);
	return task;
}

static void cpu_tasks_drop(void *state)
{
	struct cpu_tasks *t = state;

	free(t->curr);
	free(t->idle);
	free(t);
}

static void *cpu_tasks_make(struct ka_kernel *k)
{
	const struct cpus *c = cpus(k);
	struct cpu_tasks *t = ka_xalloc(sizeof(*t));

	t->count = c->count;
	t->curr = ka_xalloc(c->count * sizeof(*t->curr));
	t->idle = ka_xalloc(c->count * sizeof(*t->idle));
	for (unsigned cpu = 0; cpu < c->count; cpu++) {
		struct rq_view rq = {0};
		struct ka_error *err;

		/* CPUs that could be plugged in have run queues and idle tasks too, but nothing ever ran there */
		if (!mask_has(c, &c->present, cpu) && !(c->online.is_set && c->online.is_set[cpu]))
			continue;
		err = rq_read(k, cpu, &rq);
		if (err) {
			ka_log(1, "%s", err->message);
			ka_error_free(err);
		}
		if (!ka_is_kernel_addr(k, rq.curr))
			rq.curr = current_read(k, cpu);
		t->curr[cpu] = ka_is_kernel_addr(k, rq.curr) ? rq.curr : 0;
		t->idle[cpu] = ka_is_kernel_addr(k, rq.idle) ? rq.idle : 0;
	}
	return t;
}

static const char cpu_tasks_key;

static struct cpu_tasks *cpu_tasks(struct ka_kernel *k)
{
	return ka_kernel_state(k, &cpu_tasks_key, cpu_tasks_make, cpu_tasks_drop);
}

ka_addr ka_cpu_task(struct ka_kernel *k, unsigned cpu)
{
	return cpu < ka_cpu_count(k) ? cpu_tasks(k)->curr[cpu] : 0;
}

ka_addr ka_cpu_idle_task(struct ka_kernel *k, unsigned cpu)
{
	return cpu < ka_cpu_count(k) ? cpu_tasks(k)->idle[cpu] : 0;
}

bool ka_task_is_active(struct ka_kernel *k, ka_addr task, unsigned *ret_cpu)
{
	const struct cpu_tasks *t = cpu_tasks(k);

	for (unsigned cpu = 0; task && cpu < t->count; cpu++) {
		if (t->curr[cpu] != task)
			continue;
		if (ret_cpu)
			*ret_cpu = cpu;
		return true;
	}
	return false;
}

struct ka_error *ka_cpu_task_set(struct ka_kernel *k, unsigned cpu, ka_addr task)
{
	struct cpu_tasks *t = cpu_tasks(k);

	if (cpu >= t->count)
		return ka_error_new(KA_NOT_FOUND, "there is no CPU %u: the highest is %u", cpu, t->count - 1);
	if (!ka_task_is(k, task))
		return ka_error_at(KA_NOT_FOUND, KA_SPACE_VIRT, task, "there is no task at 0x%" PRIx64, task);
	t->curr[cpu] = task;
	return NULL;
}

struct ka_error *ka_cpu_clock(struct ka_kernel *k, unsigned cpu, uint64_t *ret_ns)
{
	struct rq_view rq;
	struct ka_error *err = rq_read(k, cpu, &rq);

	if (!err && !KA_HAS(k, rq_view, clock))
		err = ka_error_new(KA_MISSING, "the run queues of this kernel have no clock");
	*ret_ns = err ? 0 : rq.clock;
	return err;
}
