/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* All that wait, who has what they wait for, and rings of them that wait for one another. */
#include <inttypes.h>
#include <kanalyze/symbol.h>
#include <kanalyze/task.h>
#include "wait.h"

#define TASKS_MAX 100000
#define CYCLES_MAX 64

static const char *const names[] = {
	[KA_WAIT_NONE] = "none", [KA_WAIT_MUTEX] = "mutex", [KA_WAIT_RWSEM] = "rwsem", [KA_WAIT_SEMAPHORE] = "semaphore",
	[KA_WAIT_PERCPU_RWSEM] = "percpu_rwsem", [KA_WAIT_RT_MUTEX] = "rt_mutex", [KA_WAIT_COMPLETION] = "completion", [KA_WAIT_WORK] = "work",
	[KA_WAIT_THREAD] = "thread", [KA_WAIT_BIT] = "bit", [KA_WAIT_PAGE] = "page", [KA_WAIT_RCU] = "rcu", [KA_WAIT_QUEUE] = "wait_queue",
	[KA_WAIT_SPINLOCK] = "spinlock", [KA_WAIT_RWLOCK] = "rwlock",
};

const char *ka_wait_kind_name(enum ka_wait_kind kind)
{
	return kind < KA_COUNT(names) ? names[kind] : names[KA_WAIT_NONE];
}

const char *ka_wait_lock_text(struct ka_arena *a, const struct ka_wait *w)
{
	const char *kind = w->kind == KA_WAIT_RCU ? "an RCU grace period" : w->kind == KA_WAIT_WORK ? "work item" : w->kind == KA_WAIT_QUEUE ? "wait queue" : ka_wait_kind_name(w->kind);
	const char *mode = w->mode ? ka_printf(a, ", to %s", w->mode) : "";
	/* the name of where it lies tells which; "disk->lock" tells what it is */
	const char *expression = w->expression && w->expression[0] == '&' ? w->expression + 1 : w->expression;

	if (!w->lock)
		return expression && w->kind != KA_WAIT_RCU ? ka_printf(a, "%s %s%s", kind, expression, mode) : ka_printf(a, "%s%s", kind, mode);
	if (expression && w->name && strcmp(expression, w->name))
		return ka_printf(a, "%s %s = %s (0x%" PRIx64 ")%s", kind, expression, w->name, w->lock, mode);
	return ka_printf(a, "%s %s (0x%" PRIx64 ")%s", kind, expression ? expression : w->name ? w->name : "at", w->lock, mode);
}

const char *ka_wait_owner_text(struct ka_arena *a, const struct ka_wait *w, const struct ka_waits *all)
{
	const char *text;

	if (!w->owner)
		return w->detail;
	text = ka_printf(a, "%s PID %d (%.16s, %s)", w->owner_is, w->owner_pid, w->owner_comm, w->owner_state);
	if (w->owner == w->task)
		text = ka_printf(a, "%s: by itself", text);
	else if (all && w->owner_wait != KA_WAIT_NOBODY && all->at[w->owner_wait].kind != KA_WAIT_NONE)
		text = ka_printf(a, "%s, which waits for %s", text, ka_wait_lock_text(a, &all->at[w->owner_wait]));
	else if (w->owner_does)
		text = ka_printf(a, "%s, which is in %s", text, w->owner_does);
	return w->detail ? ka_printf(a, "%s (%s)", text, w->detail) : text;
}

struct graph {
	struct ka_kernel *k;
	struct ka_arena *a;
	struct { KA_VEC(ka_addr); } tasks;
	struct { KA_VEC(struct ka_wait); } waits;
	struct ka_map known;		/* task: index + 1 */
};

static const char *place_of(struct ka_arena *a, const struct ka_wait *w)
{
	if (!w->function)
		return NULL;
	return ka_printf(a, "%s+%" PRIu64 "%s%s%s", w->function, w->offset, w->module ? " [" : "", w->module ? w->module : "", w->module ? "]" : "");
}

/* What a task on a CPU spins for; an NMI came upon it there. Else it waits for nothing, whatever functions are on its stack. */
static void read_spinning(struct graph *g, ka_addr task, const struct ka_stack *st, struct ka_wait *ret)
{
	struct ka_stack rest = *st;

	for (size_t i = 0; i < st->count; i++) {
		if (st->frames[i].by != KA_BY_PT_REGS)
			continue;
		rest.frames += i;
		rest.count -= i;
		break;
	}
	ka_wait_read(g->k, g->a, task, &rest, ret);
	if (ret->kind != KA_WAIT_SPINLOCK && ret->kind != KA_WAIT_RWLOCK)
		*ret = (struct ka_wait){ .task = task, .pid = ret->pid, .state = ret->state, .owner_wait = KA_WAIT_NOBODY, .function = ret->function,
					 .module = ret->module, .offset = ret->offset, .ip = ret->ip };
}

/* Stacks of the tasks from number from on, on all cores. */
static void read_stacks(struct graph *g, size_t from)
{
	size_t n = g->tasks.n - from;
	struct ka_arena **arenas = ka_xalloc(n * sizeof(*arenas));
	struct ka_stack *stacks = ka_xalloc(n * sizeof(*stacks));
	struct ka_error **errors = ka_xalloc(n * sizeof(*errors));

	ka_unwind_tasks(g->k, g->tasks.at + from, n, arenas, stacks, errors);
	for (size_t i = 0; i < n; i++) {
		struct ka_wait w = { 0 };

		ka_error_free(errors[i]);
		ka_error_free(stacks[i].err);
		stacks[i].err = NULL;
		unsigned cpu;

		if (!ka_interrupted() && ka_task_is_active(g->k, g->tasks.at[from + i], &cpu))
			read_spinning(g, g->tasks.at[from + i], &stacks[i], &w);
		else if (!ka_interrupted())
			ka_wait_read(g->k, g->a, g->tasks.at[from + i], &stacks[i], &w);
		else
			w = (struct ka_wait){ .task = g->tasks.at[from + i], .owner_wait = KA_WAIT_NOBODY };
		ka_vec_push(&g->waits, w);
		if (arenas[i])
			ka_arena_free(arenas[i]);
	}
	free(arenas);
	free(stacks);
	free(errors);
}

static void add_task(struct graph *g, ka_addr task)
{
	if (ka_map_add(&g->known, task, g->tasks.n + 1))
		ka_vec_push(&g->tasks, task);
}

static void find_cycles(struct graph *g, struct ka_waits *ret)
{
	const char **texts = ka_alloc(g->a, (CYCLES_MAX + 1) * sizeof(*texts));
	uint32_t *mark = ka_xalloc((ret->n + 1) * sizeof(*mark));

	for (size_t i = 0; i < ret->n && ret->cycle_count < CYCLES_MAX; i++) {
		size_t at = i;

		while (at != KA_WAIT_NOBODY && !mark[at]) {
			mark[at] = (uint32_t)(i + 1);
			at = ret->at[at].owner_wait;
		}
		if (at == KA_WAIT_NOBODY || mark[at] != i + 1)
			continue;
		struct ka_str s = { 0 };
		size_t first = at;

		ka_str_printf(&s, "PID %d (%.16s)", ret->at[at].pid, ret->at[at].comm);
		do {
			struct ka_wait *w = &ret->at[at];

			w->cycle = (unsigned)ret->cycle_count + 1;
			ka_str_printf(&s, "%swaits for %s, %s PID %d (%.16s)", at == first ? " " : ", which ", ka_wait_lock_text(g->a, w), w->owner_is, w->owner_pid,
				      w->owner_comm);
			at = w->owner_wait;
		} while (at != first);
		texts[ret->cycle_count++] = ka_strdup(g->a, s.p);
		ka_str_free(&s);
	}
	ret->cycles = texts;
	free(mark);
}

struct ka_error *ka_waits_read(struct ka_kernel *k, struct ka_arena *a, struct ka_waits *ret)
{
	struct graph g = { .k = k, .a = a };
	struct ka_walk walk = ka_walk_tasks(k);
	struct ka_error *err;
	size_t done = 0;

	*ret = (struct ka_waits){0};
	for (ka_addr at; ka_walk_next(&walk, &at) && g.tasks.n < TASKS_MAX;) {
		struct ka_task t;

		unsigned cpu;

		if (!ka_error_drop(ka_task_read(k, at, &t)) && (!strcmp(ka_task_state_name(k, &t), "UN") || ka_task_is_active(k, at, &cpu)))
			add_task(&g, at);
	}
	err = ka_walk_end(&walk);
	/* then who has what they want, and so on */
	while (done < g.tasks.n && g.tasks.n < TASKS_MAX && !ka_interrupted()) {
		read_stacks(&g, done);
		for (; done < g.waits.n; done++)
			if (g.waits.at[done].owner)
				add_task(&g, g.waits.at[done].owner);
	}
	ret->n = g.waits.n;
	ret->at = ka_alloc(a, (g.waits.n + 1) * sizeof(*ret->at));
	if (g.waits.n)
		memcpy(ret->at, g.waits.at, g.waits.n * sizeof(*ret->at));
	for (size_t i = 0; i < ret->n; i++) {
		struct ka_wait *w = &ret->at[i];
		uint64_t n;

		if (!w->owner || !ka_map_get(&g.known, w->owner, &n) || n > ret->n)
			continue;
		w->owner_does = place_of(a, &ret->at[n - 1]);
		if (ret->at[n - 1].kind != KA_WAIT_NONE)
			w->owner_wait = n - 1;
	}
	find_cycles(&g, ret);
	ka_vec_free(&g.tasks);
	ka_vec_free(&g.waits);
	ka_map_free(&g.known);
	return err;
}
