/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A mapped file that shrinks, or whose disk fails, gives SIGBUS where a read would give an error. The handler puts a page of
 * zeros under the access and marks the file, which is read by pread from then on: that tells what is wrong.
 * A signal belongs to the process, so the table of maps does too.
 */
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>
#include "flat.h"

#define MAPS_MAX 256	/* files beyond these are not guarded */

/* Read by the handler at any time: the end is written last and cleared first. */
static struct {
	uintptr_t start, end;
	bool *is_broken;
} maps[MAPS_MAX];
static pthread_mutex_t maps_lock = PTHREAD_MUTEX_INITIALIZER;
static struct sigaction before;
static uintptr_t page_size;

static void on_bus(int sig, siginfo_t *info, void *context)
{
	uintptr_t at = (uintptr_t)info->si_addr;

	(void)context;
	for (size_t i = 0; i < MAPS_MAX; i++) {
		uintptr_t end = __atomic_load_n(&maps[i].end, __ATOMIC_ACQUIRE);

		if (at >= end || at < maps[i].start)
			continue;
		if (mmap((void *)(at & ~(page_size - 1)), page_size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
			break;
		__atomic_store_n(maps[i].is_broken, true, __ATOMIC_RELEASE);
		return;
	}
	/* none of ours: as if there were no handler, when the access is tried again */
	sigaction(sig, &before, NULL);
}

static void install(void)
{
	struct sigaction action = { .sa_sigaction = on_bus, .sa_flags = SA_SIGINFO };

	page_size = (uintptr_t)sysconf(_SC_PAGESIZE);
	sigemptyset(&action.sa_mask);
	sigaction(SIGBUS, &action, &before);
}

void ka_guard_add(const void *start, size_t size, bool *is_broken)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, install);
	pthread_mutex_lock(&maps_lock);
	for (size_t i = 0; i < MAPS_MAX; i++) {
		if (maps[i].end)
			continue;
		maps[i].start = (uintptr_t)start;
		maps[i].is_broken = is_broken;
		/* the last page is mapped whole */
		__atomic_store_n(&maps[i].end, ((uintptr_t)start + size + page_size - 1) & ~(page_size - 1), __ATOMIC_RELEASE);
		break;
	}
	pthread_mutex_unlock(&maps_lock);
}

void ka_guard_remove(const void *start)
{
	pthread_mutex_lock(&maps_lock);
	for (size_t i = 0; i < MAPS_MAX; i++)
		if (maps[i].end && maps[i].start == (uintptr_t)start)
			__atomic_store_n(&maps[i].end, 0, __ATOMIC_RELEASE);
	pthread_mutex_unlock(&maps_lock);
}
