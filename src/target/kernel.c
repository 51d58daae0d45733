/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The session object: what lives as long as it does, and the state that the model keeps in it. */
#include <stdatomic.h>
#include <kanalyze/expr.h>
#include "kernel.h"

void *ka_kernel_alloc(struct ka_kernel *k, size_t size)
{
	pthread_mutex_lock(&k->lock);
	void *p = ka_alloc(k->arena, size);
	pthread_mutex_unlock(&k->lock);
	return p;
}

const char *ka_kernel_strdup(struct ka_kernel *k, const char *s)
{
	size_t len = strlen(s) + 1;

	return memcpy(ka_kernel_alloc(k, len), s, len);
}

static struct ka_state_entry *find_state(struct ka_kernel *k, const void *key)
{
	for (size_t i = 0; i < k->states.n; i++)
		if (k->states.at[i]->key == key)
			return k->states.at[i];
	return NULL;
}

void *ka_kernel_state(struct ka_kernel *k, const void *key, void *(*make)(struct ka_kernel *k), void (*drop)(void *))
{
	struct ka_state_entry *e;

	pthread_mutex_lock(&k->lock);
	while ((e = find_state(k, key)) && e->is_making) {
		/* make() that asks for its own state: there is none yet */
		if (pthread_equal(e->maker, pthread_self())) {
			pthread_mutex_unlock(&k->lock);
			return NULL;
		}
		pthread_cond_wait(&k->state_made, &k->lock);
	}
	if (e) {
		pthread_mutex_unlock(&k->lock);
		return e->state;
	}
	e = ka_xalloc(sizeof(*e));
	*e = (struct ka_state_entry){ .key = key, .drop = drop, .is_making = true, .maker = pthread_self() };
	ka_vec_push(&k->states, e);
	pthread_mutex_unlock(&k->lock);

	void *state = make(k);

	pthread_mutex_lock(&k->lock);
	e->state = state;
	e->is_making = false;
	pthread_cond_broadcast(&k->state_made);
	pthread_mutex_unlock(&k->lock);
	return state;
}

/* Last made, first dropped: later states may hold on to earlier ones. */
void ka_states_free(struct ka_kernel *k)
{
	while (k->states.n) {
		struct ka_state_entry *e = k->states.at[--k->states.n];

		if (e->drop && e->state)
			e->drop(e->state);
		free(e);
	}
	ka_vec_free(&k->states);
}

unsigned ka_page_shift(struct ka_kernel *k)
{
	return k->layout.page_shift;
}

uint64_t ka_page_size(struct ka_kernel *k)
{
	return 1ull << k->layout.page_shift;
}

unsigned ka_long_size(struct ka_kernel *k)
{
	return k->long_size;
}

bool ka_is_kernel_addr(struct ka_kernel *k, ka_addr at)
{
	return k->arch->is_kernel_addr(&k->layout, at);
}

ka_addr ka_untag(struct ka_kernel *k, ka_addr at)
{
	return k->arch->untag ? k->arch->untag(&k->layout, at) : at;
}

void ka_expr_env_set(struct ka_kernel *k, const struct ka_expr_env *env)
{
	k->expr_env = env;
}

uint64_t ka_kernel_kaslr(struct ka_kernel *k)
{
	return k->layout.kaslr_offset;
}

void ka_kernel_set_zero_excluded(struct ka_kernel *k, bool is_on)
{
	k->image->is_zero_excluded = is_on;
}

uint64_t ka_kernel_zeroed(struct ka_kernel *k)
{
	return __atomic_load_n(&k->image->zeroed, __ATOMIC_RELAXED);
}

void ka_kernel_set_cache_size(struct ka_kernel *k, uint64_t bytes)
{
	ka_image_set_cache_size(k->image, bytes);
}

const char *ka_kernel_warning(struct ka_kernel *k)
{
	return k->warning;
}

/*
 * makedumpfile tells slab pages from user pages by what VMCOREINFO says of page types. Since 46df8e73a4a3 (v6.10) a slab page
 * is one whose _mapcount has a certain value, since 4ffca5a96678 (v6.12) the topmost byte of it; 1.7.6 and 1.7.7 learned that.
 */
struct ka_error *ka_kernel_loss(struct ka_kernel *k)
{
	const char *slab = ka_vmcoreinfo(k, "NUMBER(PAGE_SLAB_MAPCOUNT_VALUE)"), *version = "one as new as the kernel";

	if (!atomic_load_explicit(&k->has_lost_structs, memory_order_relaxed))
		return NULL;
	if (slab)
		version = strtoll(slab, NULL, 10) & 0xffffff ? "1.7.6 or newer" : "1.7.7 or newer";
	return ka_error_new(KA_EXCLUDED, "structs of the kernel are missing from this dump: the makedumpfile that wrote it did not know "
			    "this kernel's pages and left out too much. For the next dump take %s; if this one was, leave out less "
			    "(-d 23, or -d 1)", version);
}

void ka_session_files(struct ka_kernel *k, struct ka_session_files *ret)
{
	*ret = (struct ka_session_files){
		.vmlinux = k->object ? k->object->path : NULL,
		.dumps = (const char *const *)k->dump_paths,
		.format = k->image->info.format,
		.is_live = k->image->info.is_live,
		.is_partial = k->image->info.is_partial,
		.arch = k->arch->name,
		.release = ka_vmcoreinfo(k, "OSRELEASE"),
	};
	if (!ret->release && k->image->info.release[0])
		ret->release = k->image->info.release;
}

/* The text is made an index of on the first question: key hash -> offset of its value. */
const char *ka_vmcoreinfo(struct ka_kernel *k, const char *key)
{
	uint64_t offset;
	bool found;

	pthread_mutex_lock(&k->lock);
	if (!k->vmcoreinfo && k->image->vmcoreinfo) {
		k->vmcoreinfo = ka_xstrdup(k->image->vmcoreinfo);	/* its line ends become ends of strings */
		for (char *line = k->vmcoreinfo; *line;) {
			char *end = strchrnul(line, '\n'), *equals = memchr(line, '=', (size_t)(end - line));
			bool is_last = !*end;

			*end = 0;
			if (equals) {
				*equals = 0;
				ka_map_add(&k->vmcoreinfo_index, ka_hash_str(line), (uint64_t)(equals + 1 - k->vmcoreinfo));
				*equals = '=';
			}
			if (is_last)
				break;
			line = end + 1;
		}
	}
	found = ka_map_get(&k->vmcoreinfo_index, ka_hash_str(key), &offset);
	pthread_mutex_unlock(&k->lock);
	/* the hash is 64 bits over some hundred known keys; still the key must stand there */
	if (!found || offset <= strlen(key) ||
	    strncmp(k->vmcoreinfo + offset - 1 - strlen(key), key, strlen(key)))
		return NULL;
	return k->vmcoreinfo + offset;
}
