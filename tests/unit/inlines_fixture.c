/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What test_inlines looks at: functions inlined into one another, several times, from blocks and in several pieces. Never run. */
#ifdef PROGRAM	/* types enough for dwz to have something to share out */
#include <signal.h>
#include <stdio.h>
FILE *file;
siginfo_t info;
struct sigaction action;
#endif

struct point { long x, y; };

long outside(long n, struct point *p);

static inline long add(long a, long b)
{
	return outside(a, 0) + b;
}

static inline long twice(long a)
{
	long first = add(a, 1);

	return add(first, a);
}

static inline long sum_of(const long *at, int n)
{
	long sum = 0;

	for (int i = 0; i < n; i++) {
		long here = at[i];

		if (__builtin_expect(here < 0, 0)) {
			long cold = outside(here, 0);

			sum = twice(sum + cold);
			continue;
		}
		sum = add(sum, here);
	}
	return sum;
}

long deep(const long *at, int n)
{
	long all = sum_of(at, n);

	{
		struct point p = { all, n };

		all += outside(all, &p) + twice(p.y);
	}
	return sum_of(at + all, n) + twice(all);
}

__attribute__((cold, noinline)) static long rare(long n)
{
	return twice(n) * add(n, n);
}

long plain(long n)
{
	return outside(n, 0) + 1;
}

long with_cold_part(long n, struct point *p)
{
	if (__builtin_expect(!p, 0))
		return rare(n) + twice(outside(n, p));
	p->x = add(p->x, n);
	p->y = sum_of(&p->x, 2);
	return p->x;
}

#ifdef PROGRAM
long outside(long n, struct point *p)
{
	return p ? p->x + n : n + 1;
}

int main(int argc, char **argv)
{
	long at[] = { 1, argc, -1 };
	struct point p = { 2, 3 };

	(void)argv;
	return (int)(deep(at, argc) + plain(argc) + with_cold_part(argc, &p)) & 0;
}
#endif
