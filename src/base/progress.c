/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Progress on standard error: on a terminal, and only of what takes longer than a second. */
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>
#include <kanalyze/base.h>

struct ka_progress {
	char *what;
	uint64_t total;
	uint64_t start_ms;
	_Atomic uint64_t next_ms;	/* when to write again */
	_Atomic bool is_shown;
	bool is_wanted;
};

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

struct ka_progress *ka_progress_new(const char *what, uint64_t total)
{
	struct ka_progress *p = ka_xalloc(sizeof(*p));

	p->what = ka_xstrdup(what);
	p->total = total;
	p->start_ms = now_ms();
	p->next_ms = p->start_ms + 1000;
	p->is_wanted = isatty(STDERR_FILENO);
	return p;
}

void ka_progress_at(struct ka_progress *p, uint64_t done)
{
	if (!p->is_wanted)
		return;
	uint64_t now = now_ms(), next = atomic_load_explicit(&p->next_ms, memory_order_relaxed);

	if (now < next || !atomic_compare_exchange_strong(&p->next_ms, &next, now + 200))
		return;
	atomic_store(&p->is_shown, true);
	if (p->total)
		fprintf(stderr, "\r%s: %3u%% (%us)\033[K", p->what,
			(unsigned)(100.0 * (double)KA_MIN(done, p->total) / (double)p->total),
			(unsigned)((now - p->start_ms) / 1000));
	else
		fprintf(stderr, "\r%s: %llu (%us)\033[K", p->what, (unsigned long long)done,
			(unsigned)((now - p->start_ms) / 1000));
}

void ka_progress_free(struct ka_progress *p)
{
	if (!p)
		return;
	if (atomic_load(&p->is_shown))
		fprintf(stderr, "\r\033[K");
	free(p->what);
	free(p);
}
