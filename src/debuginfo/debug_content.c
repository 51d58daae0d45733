/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sections with debug information as their readers need them: of the file that has them, unpacked, relocated. */
#include <errno.h>
#include <sys/mman.h>
#include "object.h"

#define UNPACK_MIN	(1u << 20)	/* bytes for which another thread pays */

/* The object that has the section (o, or its separate debug file) and the section; NULL: none. */
static const struct ka_section *debug_section(struct ka_object **o, const char *name)
{
	const struct ka_section *s = ka_object_section(*o, name);

	if ((!s || s->type == SHT_NOBITS) && !strncmp(name, ".debug_", 7)) {
		struct ka_object *debug = ka_object_debug(*o, NULL);

		if (debug && debug != *o) {
			*o = debug;
			s = ka_object_section(debug, name);
		}
	}
	return s && s->type != SHT_NOBITS ? s : NULL;
}

/* Unpacked or copied to where relocations may be written. With dwarf_lock held. */
static struct ka_error *relocated(struct ka_object *o, const struct ka_section *s, const uint8_t **ret, size_t *ret_size)
{
	struct ka_object_priv *priv = ka_object_priv(o);
	struct ka_error *err = NULL;

	if (!priv->relocated)
		priv->relocated = ka_xalloc(o->section_count * sizeof(*priv->relocated));
	if (!priv->relocated[s->index]) {
		/* no memory is taken before it is written to: a damaged file may claim any size */
		void *copy = mmap(NULL, (size_t)s->size + 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

		if (copy == MAP_FAILED)
			return ka_error_new(KA_IO, "%s: no memory for section %s (%llu bytes): %s", o->path, s->name,
					    (unsigned long long)s->size, strerror(errno));
		err = ka_object_content_copy(o, s, copy, (size_t)s->size);
		if (!err)
			err = ka_object_relocate(o, s, copy, (size_t)s->size);
		if (err) {
			munmap(copy, (size_t)s->size + 1);
			return err;
		}
		priv->relocated[s->index] = copy;
	}
	*ret = priv->relocated[s->index];
	*ret_size = (size_t)s->size;
	return NULL;
}

struct ka_error *ka_object_debug_content(struct ka_object *o, const char *name, const uint8_t **ret, size_t *ret_size)
{
	const char *path = o->path;
	const struct ka_section *s = debug_section(&o, name);
	struct ka_error *err;

	if (!s)
		return ka_error_new(KA_MISSING, "%s: no section %s", path, name);
	if (o->e_type != ET_REL)
		return ka_object_content(o, s, ret, ret_size);
	pthread_mutex_lock(&ka_object_priv(o)->dwarf_lock);
	err = relocated(o, s, ret, ret_size);
	pthread_mutex_unlock(&ka_object_priv(o)->dwarf_lock);
	return err;
}

struct ka_error *ka_object_debug_lazy(struct ka_object *o, const char *name, const uint8_t **ret, size_t *ret_size)
{
	struct ka_object *has = o;
	const struct ka_section *s = debug_section(&has, name);

	return s && has->e_type != ET_REL ? ka_object_content_lazy(has, s, ret, ret_size) : ka_object_debug_content(o, name, ret, ret_size);
}

bool ka_object_debug_need(struct ka_object *o, const char *name, uint64_t end)
{
	const struct ka_section *s = debug_section(&o, name);
	struct ka_error *err = s && o->e_type != ET_REL ? ka_object_content_need(o, s, end) : NULL;

	if (err)
		ka_log(1, "%s", err->message);
	return !ka_error_drop(err);
}

struct unpack {
	struct ka_object *o;
	const struct ka_section *sections[16];
	size_t count;
};

static void unpack_one(void *ctx, size_t i)
{
	struct unpack *u = ctx;
	const uint8_t *at;
	size_t size;

	/* an error is met again, and told, by who needs the section */
	ka_error_drop(ka_object_content(u->o, u->sections[i], &at, &size));
}

void ka_object_debug_unpack(struct ka_object *o, const char *const *names, size_t count)
{
	struct unpack u = { .count = 0 };

	for (size_t i = 0; i < count && u.count < KA_COUNT(u.sections); i++) {
		struct ka_object *has = o;
		const struct ka_section *s = debug_section(&has, names[i]);

		if (s && has->e_type != ET_REL && s->size >= UNPACK_MIN && (s->flags & SHF_COMPRESSED || s->name[1] == 'z')) {
			u.o = has;
			u.sections[u.count++] = s;
		}
	}
	if (u.count > 1)
		ka_parallel(u.count, unpack_one, &u);
}

void ka_object_dwarf_free(struct ka_object *o)
{
	struct ka_object_priv *priv = ka_object_priv(o);

	ka_dwarf_free(priv->dwarf);
	ka_object_close(priv->alt);
	ka_object_close(priv->debug);
	free(priv->debug_tried);
	for (size_t i = 0; priv->relocated && i < o->section_count; i++)
		if (priv->relocated[i])
			munmap(priv->relocated[i], (size_t)o->sections[i].size + 1);
	free(priv->relocated);
}
