/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Contents of an object's sections: as they lie in the file, or unpacked; and what is looked up in them. */
#include <sys/mman.h>
#include "object.h"

#define CONTENT_MAX	(8ULL << 30)
#define LAZY_MIN	(8u << 20)	/* bytes of which some may be spared */

/* How a section's bytes lie in the file. size: as stored; unpacked: what it will have. */
struct stored {
	const uint8_t *at;
	uint64_t size, unpacked;
	unsigned method;	/* 0: plain */
};

static struct ka_error *section_stored(const struct ka_object *o, const struct ka_section *s, uint64_t size,
				       struct stored *ret)
{
	const uint8_t *p;

	*ret = (struct stored){ .size = size, .unpacked = size };
	if (s->type == SHT_NOBITS)
		return ka_error_new(KA_MISSING, "%s: section %s has no bytes in this file (of a split-off debug file?)",
				    o->path, s->name);
	if (!ka_object_has(o, s->offset, size))
		return ka_error_at(KA_TRUNCATED, KA_SPACE_FILE, s->offset,
				   "%s: section %s has %llu bytes at byte %llu, but the file ends "
				   "at byte %llu: an incomplete copy?",
				   o->path, s->name, (unsigned long long)size, (unsigned long long)s->offset,
				   (unsigned long long)o->size);
	ret->at = p = o->data + s->offset;
	if (s->flags & SHF_COMPRESSED) {
		size_t header = o->is_64bit ? sizeof(Elf64_Chdr) : sizeof(Elf32_Chdr);

		if (size < header)
			return ka_error_new(KA_CORRUPT, "%s: section %s is too short to be compressed", o->path, s->name);
		ret->method = (unsigned)ka_object_uint(o, p, 4);
		ret->unpacked = o->is_64bit ? ka_object_uint(o, p + offsetof(Elf64_Chdr, ch_size), 8)
					    : ka_object_uint(o, p + offsetof(Elf32_Chdr, ch_size), 4);
		ret->at = p + header;
		ret->size = size - header;
		/* 0 is no method, and must not be taken for "plain": the size in this header is not that of the bytes there */
		if (!ret->method)
			return ka_error_new(KA_CORRUPT, "%s: section %s is compressed by method 0, which is none", o->path, s->name);
	} else if (!strncmp(s->name, ".zdebug", 7) && size >= 12 && !memcmp(p, "ZLIB", 4)) {
		/* the form before SHF_COMPRESSED: always big-endian */
		ret->unpacked = 0;
		for (int i = 4; i < 12; i++)
			ret->unpacked = ret->unpacked << 8 | p[i];
		ret->method = ELFCOMPRESS_ZLIB;
		ret->at = p + 12;
		ret->size = size - 12;
	}
	/* deflate packs 1032:1 at best, zstd (RLE blocks) 2^15:1 or so */
	if (ret->method && (ret->unpacked > CONTENT_MAX || ret->unpacked / 40000 > ret->size))
		return ka_error_new(KA_CORRUPT, "%s: section %s claims to unpack from %llu to %llu bytes", o->path,
				    s->name, (unsigned long long)ret->size, (unsigned long long)ret->unpacked);
	return NULL;
}

uint64_t ka_object_unpacked_size(const struct ka_object *o, const struct ka_section *s)
{
	struct stored stored;

	/* what is wrong with it is told when the content is asked for */
	return ka_error_drop(section_stored(o, s, s->size, &stored)) ? s->size : stored.unpacked;
}

static struct ka_error *unpack(const struct ka_object *o, const struct ka_section *s, const struct stored *stored, const uint8_t **ret)
{
	void *out = mmap(NULL, (size_t)stored->unpacked, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	struct ka_error *err;

	if (out == MAP_FAILED)
		return ka_error_new(KA_IO, "%s: no memory to unpack section %s (%llu bytes)", o->path, s->name,
				    (unsigned long long)stored->unpacked);
	err = ka_unpack_block(stored->method, stored->at, (size_t)stored->size, out, (size_t)stored->unpacked);
	if (err) {
		munmap(out, (size_t)stored->unpacked);
		return ka_error_wrap(err, "%s: section %s", o->path, s->name);
	}
	*ret = out;
	return NULL;
}

struct ka_error *ka_object_content_need(struct ka_object *o, const struct ka_section *s, uint64_t end)
{
	struct ka_object_priv *priv = ka_object_priv(o);
	struct ka_content *c = &priv->contents[s->index];
	struct ka_error *err = NULL;
	size_t have;

	/* memory order: who sees the number sees the bytes */
	if (!c->stream || atomic_load_explicit(&c->have, memory_order_acquire) >= KA_MIN(end, (uint64_t)c->size))
		return NULL;
	pthread_mutex_lock(&priv->lock);
	while (c->is_busy)
		pthread_cond_wait(&priv->unpacked, &priv->lock);
	c->is_busy = true;
	pthread_mutex_unlock(&priv->lock);
	err = ka_unpack_stream_to(c->stream, (size_t)KA_MIN(end, (uint64_t)c->size), &have);
	atomic_store_explicit(&c->have, have, memory_order_release);
	pthread_mutex_lock(&priv->lock);
	c->is_busy = false;
	pthread_cond_broadcast(&priv->unpacked);
	pthread_mutex_unlock(&priv->lock);
	return err ? ka_error_wrap(err, "%s: section %s", o->path, s->name) : NULL;
}

struct ka_error *ka_object_content_lazy(struct ka_object *o, const struct ka_section *s, const uint8_t **ret, size_t *ret_size)
{
	struct ka_object_priv *priv = ka_object_priv(o);
	struct ka_content *c = &priv->contents[s->index];
	struct ka_error *err = NULL;
	struct stored stored;

	pthread_mutex_lock(&priv->lock);
	while (c->is_busy)
		pthread_cond_wait(&priv->unpacked, &priv->lock);
	if (!c->at && !(err = section_stored(o, s, c->stored_size, &stored)) && stored.method && stored.unpacked >= LAZY_MIN) {
		void *out = mmap(NULL, (size_t)stored.unpacked, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

		if (out != MAP_FAILED) {
			c->stream = ka_unpack_stream_new(stored.method, stored.at, (size_t)stored.size, out, (size_t)stored.unpacked);
			if (c->stream) {
				c->at = out;
				c->size = (size_t)stored.unpacked;
				c->is_own = true;
			} else {
				munmap(out, (size_t)stored.unpacked);
			}
		}
	}
	if (c->stream) {
		*ret = c->at;
		*ret_size = c->size;
	}
	pthread_mutex_unlock(&priv->lock);
	if (err || c->stream)
		return err;
	return ka_object_content(o, s, ret, ret_size);
}

struct ka_error *ka_object_content(struct ka_object *o, const struct ka_section *s, const uint8_t **ret, size_t *ret_size)
{
	struct ka_object_priv *priv = ka_object_priv(o);
	struct ka_content *c = &priv->contents[s->index];
	struct ka_error *err = NULL;
	struct stored stored;

	pthread_mutex_lock(&priv->lock);
	while (c->is_busy)
		pthread_cond_wait(&priv->unpacked, &priv->lock);
	if (!c->at) {
		const uint8_t *at = NULL;

		err = section_stored(o, s, c->stored_size, &stored);
		if (!err && stored.method && stored.unpacked) {
			/* other sections can be unpacked at the same time */
			c->is_busy = true;
			pthread_mutex_unlock(&priv->lock);
			err = unpack(o, s, &stored, &at);
			pthread_mutex_lock(&priv->lock);
			c->is_busy = false;
			c->is_own = !err;
			pthread_cond_broadcast(&priv->unpacked);
		} else if (!err) {
			at = stored.at;
		}
		if (!err) {
			c->at = at;
			c->size = (size_t)stored.unpacked;
		}
	}
	if (!err) {
		*ret = c->at;
		*ret_size = c->size;
	}
	pthread_mutex_unlock(&priv->lock);
	return err ? err : ka_object_content_need(o, s, UINT64_MAX);
}

struct ka_error *ka_object_content_copy(struct ka_object *o, const struct ka_section *s, uint8_t *out, size_t size)
{
	struct ka_object_priv *priv = ka_object_priv(o);
	struct ka_content *c = &priv->contents[s->index];
	struct stored stored;

	pthread_mutex_lock(&priv->lock);
	const uint8_t *have = c->stream ? NULL : c->at;

	pthread_mutex_unlock(&priv->lock);
	struct ka_error *err = section_stored(o, s, c->stored_size, &stored);

	if (err)
		return err;
	if (stored.unpacked != size)
		return ka_error_new(KA_CORRUPT, "%s: section %s has %llu bytes, not %zu", o->path, s->name,
				    (unsigned long long)stored.unpacked, size);
	if (have || !stored.method) {
		memcpy(out, have ? have : stored.at, size);
		return NULL;
	}
	return ka_error_wrap(ka_unpack_block(stored.method, stored.at, (size_t)stored.size, out, size),
			     "%s: section %s", o->path, s->name);
}

uint64_t ka_object_base(struct ka_object *o, uint32_t section)
{
	struct ka_object_priv *priv = ka_object_priv(o);

	if (o->e_type != ET_REL || section >= o->section_count)
		return 0;
	pthread_mutex_lock(&priv->lock);
	if (!priv->bases) {
		uint64_t at = 0x10000;	/* not 0: that means "removed by the linker" in DWARF */

		priv->bases = ka_xalloc(o->section_count * sizeof(*priv->bases));
		for (size_t i = 1; i < o->section_count; i++) {
			if (!(o->sections[i].flags & SHF_ALLOC) || o->sections[i].size > 1ULL << 32)
				continue;
			priv->bases[i] = at;
			at = (at + o->sections[i].size + 0x1fff) & ~0xfffULL;	/* a gap behind each */
		}
	}
	uint64_t base = priv->bases[section];

	pthread_mutex_unlock(&priv->lock);
	return base;
}

const char *ka_object_banner(struct ka_object *o)
{
	static const char start[] = "Linux version ";
	const struct ka_symtab *t = NULL;
	const uint8_t *p = NULL;
	size_t i, size = 0;

	if (!ka_error_drop(ka_object_symtab(o, &t)) && ka_symtab_find(t, "linux_banner", &i) &&
	    t->at[i].section < o->section_count) {
		const struct ka_section *s = &o->sections[t->at[i].section];
		uint64_t at = t->at[i].addr - s->addr;

		if (!ka_error_drop(ka_object_content(o, s, &p, &size)) && at < size && size - at > sizeof(start) &&
		    !memcmp(p + at, start, sizeof(start) - 1) && memchr(p + at, 0, size - at))
			return (const char *)p + at;
	}
	const struct ka_section *s = ka_object_section(o, ".rodata");

	if (!s || ka_error_drop(ka_object_content(o, s, &p, &size)))
		return NULL;
	for (const uint8_t *at = p; (at = memmem(at, size - (size_t)(at - p), start, sizeof(start) - 1)); at++)
		/* not the format string of linux_proc_banner, which has no number there */
		if (at + sizeof(start) <= p + size && at[sizeof(start) - 1] >= '0' && at[sizeof(start) - 1] <= '9' &&
		    memchr(at, 0, size - (size_t)(at - p)))
			return (const char *)at;
	return NULL;
}
