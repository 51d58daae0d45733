/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Page cache: shards, each with its lock, a hash of its pages, and CLOCK to choose who goes.
 * Pages are copied in and out under the lock: a copy of 4 KB costs less than counting references.
 */
#include <pthread.h>
#include "image_priv.h"

#define SHARDS 16
#define DEFAULT_BYTES (256ull << 20)

struct slot {
	uint64_t page;
	uint8_t *bytes;		/* NULL: empty */
	bool is_used;		/* since the hand came by */
};

struct shard {
	pthread_mutex_t lock;
	struct slot *slots;
	size_t n, hand;
	struct ka_map index;	/* page -> slot; removed pages stay with a slot that says another page */
};

struct ka_page_cache {
	uint32_t page_size;
	size_t shard_slots;	/* at most, of a shard */
	struct shard shards[SHARDS];
};

struct ka_page_cache *ka_cache_new(uint32_t page_size)
{
	struct ka_page_cache *c = ka_xalloc(sizeof(*c));

	c->page_size = page_size;
	for (size_t i = 0; i < SHARDS; i++)
		pthread_mutex_init(&c->shards[i].lock, NULL);
	ka_cache_set_size(c, DEFAULT_BYTES);
	return c;
}

static void shard_clear(struct shard *s)
{
	for (size_t i = 0; i < s->n; i++)
		free(s->slots[i].bytes);
	free(s->slots);
	s->slots = NULL;
	s->n = s->hand = 0;
	ka_map_free(&s->index);
}

void ka_cache_free(struct ka_page_cache *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < SHARDS; i++) {
		shard_clear(&c->shards[i]);
		pthread_mutex_destroy(&c->shards[i].lock);
	}
	free(c);
}

void ka_cache_set_size(struct ka_page_cache *c, uint64_t bytes)
{
	uint64_t slots = bytes / SHARDS / c->page_size;

	for (size_t i = 0; i < SHARDS; i++) {
		pthread_mutex_lock(&c->shards[i].lock);
		shard_clear(&c->shards[i]);
		c->shard_slots = KA_MAX(slots, 4u);
		pthread_mutex_unlock(&c->shards[i].lock);
	}
}

uint64_t ka_cache_size(const struct ka_page_cache *c)
{
	return (uint64_t)c->shard_slots * SHARDS * c->page_size;
}

static struct shard *shard_of(struct ka_page_cache *c, uint64_t page)
{
	return &c->shards[ka_hash_u64(page / c->page_size) >> 60];
}

bool ka_cache_get(struct ka_page_cache *c, uint64_t page, size_t offset, void *ret, size_t size)
{
	struct shard *s = shard_of(c, page);
	uint64_t i;
	bool found;

	pthread_mutex_lock(&s->lock);
	found = ka_map_get(&s->index, page, &i) && i < s->n && s->slots[i].bytes && s->slots[i].page == page;
	if (found) {
		s->slots[i].is_used = true;
		memcpy(ret, s->slots[i].bytes + offset, size);
	}
	pthread_mutex_unlock(&s->lock);
	return found;
}

/* A slot to fill: a new one while there may be more, else the first that was not used since the hand came by. */
static struct slot *take(struct ka_page_cache *c, struct shard *s)
{
	if (s->n < c->shard_slots) {
		if ((s->n & (s->n - 1)) == 0)
			s->slots = ka_xrealloc(s->slots, (s->n ? s->n * 2 : 1) * sizeof(*s->slots));
		s->slots[s->n] = (struct slot){ .bytes = ka_xalloc(c->page_size) };
		return &s->slots[s->n++];
	}
	for (;;) {
		struct slot *slot = &s->slots[s->hand];

		s->hand = (s->hand + 1) % s->n;
		if (!slot->is_used)
			return slot;
		slot->is_used = false;
	}
}

void ka_cache_put(struct ka_page_cache *c, uint64_t page, const void *bytes)
{
	struct shard *s = shard_of(c, page);
	uint64_t i;

	pthread_mutex_lock(&s->lock);
	if (!(ka_map_get(&s->index, page, &i) && i < s->n && s->slots[i].page == page)) {
		struct slot *slot = take(c, s);

		slot->page = page;
		slot->is_used = true;
		memcpy(slot->bytes, bytes, c->page_size);
		/* stale entries of pages that went: begin anew when they are many */
		if (s->index.n > 8 * c->shard_slots) {
			ka_map_free(&s->index);
			for (size_t j = 0; j < s->n; j++)
				ka_map_set(&s->index, s->slots[j].page, j);
		}
		ka_map_set(&s->index, page, (uint64_t)(slot - s->slots));
	}
	pthread_mutex_unlock(&s->lock);
}
