/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Map of 64-bit keys: open addressing, linear probing, at most three quarters full. */
#include <kanalyze/base.h>

uint64_t ka_hash_u64(uint64_t x)
{
	/* the finalizer of splitmix64 */
	x ^= x >> 30;
	x *= 0xbf58476d1ce4e5b9ull;
	x ^= x >> 27;
	x *= 0x94d049bb133111ebull;
	return x ^ (x >> 31);
}

uint64_t ka_hash_str(const char *s)
{
	uint64_t h = 0xcbf29ce484222325ull;	/* FNV-1a */

	for (; *s; s++)
		h = (h ^ (unsigned char)*s) * 0x100000001b3ull;
	return h;
}

static size_t slot(const struct ka_map *m, uint64_t key)
{
	size_t i = ka_hash_u64(key) & (m->cap - 1);

	while (m->used[i] && m->keys[i] != key)
		i = (i + 1) & (m->cap - 1);
	return i;
}

static void grow(struct ka_map *m)
{
	struct ka_map old = *m;

	m->cap = old.cap ? old.cap * 2 : 64;
	m->keys = ka_xalloc(m->cap * sizeof(*m->keys));
	m->values = ka_xalloc(m->cap * sizeof(*m->values));
	m->used = ka_xalloc(m->cap);
	for (size_t i = 0; i < old.cap; i++) {
		if (!old.used[i])
			continue;
		size_t j = slot(m, old.keys[i]);
		m->used[j] = 1;
		m->keys[j] = old.keys[i];
		m->values[j] = old.values[i];
	}
	ka_map_free(&old);
}

static bool put(struct ka_map *m, uint64_t key, uint64_t value, bool is_replacing)
{
	if (m->n * 4 >= m->cap * 3)
		grow(m);
	size_t i = slot(m, key);
	bool is_new = !m->used[i];

	if (is_new) {
		m->used[i] = 1;
		m->keys[i] = key;
		m->n++;
	}
	if (is_new || is_replacing)
		m->values[i] = value;
	return is_new;
}

bool ka_map_add(struct ka_map *m, uint64_t key, uint64_t value)
{
	return put(m, key, value, false);
}

void ka_map_set(struct ka_map *m, uint64_t key, uint64_t value)
{
	put(m, key, value, true);
}

bool ka_map_get(const struct ka_map *m, uint64_t key, uint64_t *ret)
{
	if (!m->cap)
		return false;
	size_t i = slot(m, key);

	if (!m->used[i])
		return false;
	if (ret)
		*ret = m->values[i];
	return true;
}

void ka_map_free(struct ka_map *m)
{
	free(m->keys);
	free(m->values);
	free(m->used);
	m->keys = m->values = NULL;
	m->used = NULL;
	m->n = m->cap = 0;
}
