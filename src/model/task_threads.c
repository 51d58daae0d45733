/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The tasks of one process, found at once: whoever looks at each process of a machine may not go through all tasks each time. */
#include "kernel.h"
#include <kanalyze/task.h>

struct thread {
	int32_t tgid;
	ka_addr task;
};

struct threads {
	struct { KA_VEC(struct thread); } all;	/* by tgid; of one process in the order of the walk over all */
	size_t of;				/* tasks that there were when it was made */
	struct threads *older;			/* a walk may still be on it */
};

struct cell {
	pthread_mutex_t lock;
	struct threads *now;
};

static const char cell_key;

static void *cell_make(struct ka_kernel *k)
{
	struct cell *c = ka_xalloc(sizeof(*c));

	(void)k;
	pthread_mutex_init(&c->lock, NULL);
	return c;
}

static void cell_drop(void *state)
{
	struct cell *c = state;

	for (struct threads *t = c->now, *older; t; t = older) {
		older = t->older;
		ka_vec_free(&t->all);
		free(t);
	}
	pthread_mutex_destroy(&c->lock);
	free(c);
}

/* qsort() need not be stable: places in the table stand for the order of before. */
static int by_tgid(const void *a, const void *b)
{
	const struct thread *x = *(const struct thread *const *)a, *y = *(const struct thread *const *)b;

	if (x->tgid != y->tgid)
		return x->tgid < y->tgid ? -1 : 1;
	return (x > y) - (x < y);
}

static struct threads *make(struct ka_kernel *k)
{
	struct ka_walk w = ka_walk_tasks(k);
	struct threads *t = ka_xalloc(sizeof(*t)), found = { .of = ka_task_count(k) };
	const struct thread **order;
	struct ka_task task;

	for (ka_addr at; ka_walk_next(&w, &at);)
		if (!ka_error_drop(ka_task_read(k, at, &task)))
			ka_vec_push(&found.all, (struct thread){ task.tgid, at });
	ka_error_drop(ka_walk_end(&w));		/* told by whoever walks over all */
	order = ka_xalloc((found.all.n + 1) * sizeof(*order));
	for (size_t i = 0; i < found.all.n; i++)
		order[i] = &found.all.at[i];
	if (found.all.n)
		qsort(order, found.all.n, sizeof(*order), by_tgid);
	t->of = found.of;
	for (size_t i = 0; i < found.all.n; i++)
		ka_vec_push(&t->all, *order[i]);
	free(order);
	ka_vec_free(&found.all);
	return t;
}

static struct ka_error *threads_step(struct ka_walk *w, ka_addr *ret, bool *ret_done)
{
	const struct threads *t = *(const struct threads **)w->state;

	if (w->at < w->end)
		*ret = t->all.at[w->at++].task;
	else
		*ret_done = true;
	return NULL;
}

struct ka_walk ka_walk_threads(struct ka_kernel *k, int32_t tgid)
{
	static const struct ka_walk_ops ops = { .name = "threads", .step = threads_step };
	struct cell *c = ka_kernel_state(k, &cell_key, cell_make, cell_drop);
	const struct threads **state = ka_xalloc(sizeof(*state)), *t;
	size_t low = 0, high, end, count = ka_task_count(k);

	pthread_mutex_lock(&c->lock);
	if (!c->now || c->now->of != count) {
		struct threads *fresh = make(k);

		fresh->older = c->now;
		/* of a walk that Ctrl-C cut short there is more */
		if (ka_interrupted())
			fresh->of = SIZE_MAX;
		c->now = fresh;
	}
	t = *state = c->now;
	pthread_mutex_unlock(&c->lock);
	for (high = t->all.n; low < high;) {
		size_t middle = low + (high - low) / 2;

		if (t->all.at[middle].tgid < tgid)
			low = middle + 1;
		else
			high = middle;
	}
	for (end = low; end < t->all.n && t->all.at[end].tgid == tgid; end++)
		;
	return (struct ka_walk){ .k = k, .ops = &ops, .state = state, .at = low, .end = end };
}
