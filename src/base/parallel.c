/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A loop on all cores that this process may use. Threads live for one call: the jobs worth it take milliseconds at least.
 * A loop within a loop runs on its own thread alone: the others are busy.
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>
#include <kanalyze/base.h>

#define MAX_THREADS 64

static _Thread_local bool is_within;

struct job {
	size_t count;
	_Atomic size_t next;
	void (*fn)(void *ctx, size_t i);
	void *ctx;
};

static void *work(void *arg)
{
	struct job *j = arg;
	bool was_within = is_within;

	is_within = true;
	for (;;) {
		size_t i = atomic_fetch_add(&j->next, 1);

		if (i >= j->count || ka_interrupted())
			break;
		j->fn(j->ctx, i);
	}
	is_within = was_within;
	return NULL;
}

unsigned ka_cores(void)
{
	const char *wanted = getenv("KANALYZE_THREADS");
	long n = wanted ? atol(wanted) : 0;
	cpu_set_t set;

	if (is_within)
		return 1;
	/* of more CPUs than the set has room for, the number of those online is near enough */
	if (n < 1)
		n = !sched_getaffinity(0, sizeof(set), &set) ? CPU_COUNT(&set) : sysconf(_SC_NPROCESSORS_ONLN);
	return (unsigned)KA_MIN(KA_MAX(n, 1), MAX_THREADS);
}

void ka_parallel(size_t count, void (*fn)(void *ctx, size_t i), void *ctx)
{
	struct job j = { .count = count, .fn = fn, .ctx = ctx };
	size_t want = KA_MIN((size_t)ka_cores(), count);
	pthread_t threads[MAX_THREADS];
	size_t started = 0;

	/* this thread is one of them; where a thread cannot be made, fewer do the work */
	while (started + 1 < want && !pthread_create(&threads[started], NULL, work, &j))
		started++;
	work(&j);
	for (size_t i = 0; i < started; i++)
		pthread_join(threads[i], NULL);
}
