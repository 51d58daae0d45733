/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A hash from names to small numbers that is filled once, on first need, and then read by any thread. */
#include "names.h"

/* Eight bytes a step: tables of 50 thousand names are made before the first answer, and byte by byte that is most of the time. */
uint32_t ka_names_hash(const char *name)
{
	size_t len = strlen(name);
	uint64_t h = len, word = 0;

	for (; len >= 8; len -= 8, name += 8) {
		memcpy(&word, name, 8);
		h = (h ^ word) * 0x9e3779b97f4a7c15ull;
		h ^= h >> 29;
	}
	word = 0;
	memcpy(&word, name, len);
	return (uint32_t)(ka_hash_u64(h ^ word));
}

static void place(struct ka_names *t, uint64_t slot)
{
	size_t i = (slot >> 32) & (t->cap - 1);

	while (t->slots[i])
		i = (i + 1) & (t->cap - 1);
	t->slots[i] = slot;
}

static void grow(struct ka_names *t, size_t cap)
{
	struct ka_names old = *t;

	t->cap = cap;
	t->slots = ka_xalloc(cap * sizeof(*t->slots));
	for (size_t i = 0; i < old.cap; i++)
		if (old.slots[i])
			place(t, old.slots[i]);
	free(old.slots);
}

void ka_names_reserve(struct ka_names *t, size_t count)
{
	size_t cap = t->cap ? t->cap : 64;

	while (cap / 3 * 2 < count)
		cap *= 2;
	if (cap > t->cap)
		grow(t, cap);
}

void ka_names_add(struct ka_names *t, uint32_t hash, uint32_t number)
{
	ka_names_reserve(t, t->n + 1);
	place(t, (uint64_t)hash << 32 | number);
	t->n++;
}

uint32_t ka_names_next(const struct ka_names *t, uint32_t hash, size_t *pos)
{
	/* Never full, so that a free slot ends every search. */
	for (; t->cap && *pos < t->cap; ) {
		uint64_t slot = t->slots[(hash + *pos) & (t->cap - 1)];

		if (!slot)
			return 0;
		++*pos;
		if (slot >> 32 == hash)
			return (uint32_t)slot;
	}
	return 0;
}

void ka_names_free(struct ka_names *t)
{
	free(t->slots);
	*t = (struct ka_names){ 0 };
}

void ka_lazy_init(struct ka_lazy *l)
{
	pthread_mutex_init(&l->lock, NULL);
	atomic_init(&l->is_made, false);
}

void ka_lazy_deinit(struct ka_lazy *l)
{
	pthread_mutex_destroy(&l->lock);
}

void ka_lazy_make(struct ka_lazy *l, void (*make)(void *ctx), void *ctx)
{
	if (atomic_load_explicit(&l->is_made, memory_order_acquire))
		return;
	pthread_mutex_lock(&l->lock);
	if (!atomic_load_explicit(&l->is_made, memory_order_relaxed)) {
		make(ctx);
		atomic_store_explicit(&l->is_made, true, memory_order_release);
	}
	pthread_mutex_unlock(&l->lock);
}
