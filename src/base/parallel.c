/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A loop on all cores. Threads live for one call: the jobs worth it take milliseconds at least. */
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>
#include <kanalyze/base.h>

#define MAX_THREADS 64

struct job {
	size_t count;
	_Atomic size_t next;
	void (*fn)(void *ctx, size_t i);
	void *ctx;
};

static void *work(void *arg)
{
	struct job *j = arg;

	for (;;) {
		size_t i = atomic_fetch_add(&j->next, 1);

		if (i >= j->count || ka_interrupted())
			return NULL;
		j->fn(j->ctx, i);
	}
}

void ka_parallel(size_t count, void (*fn)(void *ctx, size_t i), void *ctx)
{
	struct job j = { .count = count, .fn = fn, .ctx = ctx };
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	size_t want = KA_MIN((size_t)(cores > 1 ? cores : 1), KA_MIN(count, (size_t)MAX_THREADS));
	pthread_t threads[MAX_THREADS];
	size_t started = 0;

	/* this thread is one of them; where a thread cannot be made, fewer do the work */
	while (started + 1 < want && !pthread_create(&threads[started], NULL, work, &j))
		started++;
	work(&j);
	for (size_t i = 0; i < started; i++)
		pthread_join(threads[i], NULL);
}
