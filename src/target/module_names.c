/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The symbols of all modules by name: one hash, made when the first is asked for. */
#include "kernel.h"
#include "module_names.h"

void ka_module_names_init(struct ka_module_names *t)
{
	pthread_mutex_init(&t->lock, NULL);
	atomic_init(&t->is_made, false);
}

void ka_module_names_deinit(struct ka_module_names *t)
{
	pthread_mutex_destroy(&t->lock);
	ka_names_free(&t->names);
	free(t->first);
}

static bool symbols_of(struct ka_kernel *k, size_t module, struct ka_module_symbols *ret)
{
	return k->hooks.module_symbols && k->hooks.module_symbols(k, module, ret);
}

/* With the lock held. */
static void make(struct ka_kernel *k, struct ka_module_names *t)
{
	struct { KA_VEC(size_t); } first = { 0 };
	struct ka_module_symbols m;
	size_t n = 0, count = 0;

	for (; symbols_of(k, count, &m) && n + m.n < UINT32_MAX; count++) {
		ka_vec_push(&first, n);
		n += m.n;
	}
	ka_vec_push(&first, n);
	/* with room from the start: those of one name stay in their order */
	ka_names_reserve(&t->names, n);
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; symbols_of(k, i, &m) && j < m.n && first.at[i] + j < first.at[i + 1]; j++)
			ka_names_add(&t->names, ka_names_hash(m.at[j].name), (uint32_t)(first.at[i] + j + 1));
	t->first = first.at;
	t->module_count = count;
	ka_log(2, "%zu symbols of %zu modules by name", n, count);
	atomic_store_explicit(&t->is_made, true, memory_order_release);
}

/*
 * False: not there yet. Who makes it reads the modules, which may ask for a symbol that the kernel lacks: it, and any other thread
 * meanwhile, looks through the modules one by one.
 */
static bool is_made(struct ka_kernel *k, struct ka_module_names *t)
{
	if (atomic_load_explicit(&t->is_made, memory_order_acquire))
		return true;
	if (pthread_mutex_trylock(&t->lock))
		return false;
	if (!atomic_load_explicit(&t->is_made, memory_order_relaxed))
		make(k, t);
	pthread_mutex_unlock(&t->lock);
	return true;
}

static size_t module_of(const struct ka_module_names *t, size_t number)
{
	size_t lo = 0, hi = t->module_count;

	while (hi - lo > 1) {
		size_t mid = lo + (hi - lo) / 2;

		if (t->first[mid] <= number)
			lo = mid;
		else
			hi = mid;
	}
	return lo;
}

/* *pos: symbols passed. */
static bool next_by_walk(struct ka_kernel *k, const char *name, size_t *pos, struct ka_symbol *ret, size_t *ret_module)
{
	struct ka_module_symbols m;
	size_t passed = 0;

	for (size_t i = 0; symbols_of(k, i, &m); passed += m.n, i++) {
		for (size_t j = *pos > passed ? *pos - passed : 0; j < m.n; j++) {
			if (strcmp(m.at[j].name, name))
				continue;
			*pos = passed + j + 1;
			*ret = m.at[j];
			*ret_module = i;
			return true;
		}
	}
	return false;
}

bool ka_module_names_next(struct ka_kernel *k, const char *name, size_t *pos, struct ka_symbol *ret, size_t *ret_module)
{
	struct ka_module_names *t = &k->module_names;
	struct ka_module_symbols m;
	uint32_t hash, number;
	size_t at = 0, unused, from = *pos;

	ret_module = ret_module ? ret_module : &unused;
	if (!is_made(k, t))
		return next_by_walk(k, name, pos, ret, ret_module);
	hash = ka_names_hash(name);
	/* *pos counts symbols here, too: the hash may have been made between two calls */
	while ((number = ka_names_next(&t->names, hash, &at))) {
		size_t i = module_of(t, number - 1), j = number - 1 - t->first[i];

		if (number <= from || !symbols_of(k, i, &m) || j >= m.n || strcmp(m.at[j].name, name))
			continue;
		*pos = number;
		*ret = m.at[j];
		*ret_module = i;
		return true;
	}
	return false;
}
