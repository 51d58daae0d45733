/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A hash from names to small numbers that is filled once, on first need, and then read by any thread. */
#ifndef KA_DEBUGINFO_NAMES_H
#define KA_DEBUGINFO_NAMES_H

#include <pthread.h>
#include <stdatomic.h>
#include <kanalyze/base.h>

/*
 * Keeps no names: a number (never 0) is stored under the hash of its name, and whoever
 * asks compares the name itself. The same name may be there several times.
 */
struct ka_names {
	uint64_t *slots;	/* hash << 32 | number; 0 is free */
	size_t cap, n;		/* cap is a power of two */
};
/* Room for count names without growing. */
void ka_names_reserve(struct ka_names *t, size_t count);
void ka_names_add(struct ka_names *t, uint32_t hash, uint32_t number);
/* Start with *pos = 0. The next number stored under hash, or 0. */
uint32_t ka_names_next(const struct ka_names *t, uint32_t hash, size_t *pos);
void ka_names_free(struct ka_names *t);
uint32_t ka_names_hash(const char *name);

/* A table, or anything else, that the first who needs it makes, while others wait. */
struct ka_lazy {
	pthread_mutex_t lock;
	atomic_bool is_made;
};
void ka_lazy_init(struct ka_lazy *l);
void ka_lazy_deinit(struct ka_lazy *l);
/* Runs make(ctx) unless it has run. */
void ka_lazy_make(struct ka_lazy *l, void (*make)(void *ctx), void *ctx);

#endif
