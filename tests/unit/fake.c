/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See fake.h. Little-endian; everything by linear search. */
#include <inttypes.h>
#include "fake.h"

void fake_put(struct ka_kernel *k, ka_addr at, uint64_t value, unsigned size)
{
	for (unsigned i = 0; i < size; i++)
		k->memory[at - k->base + i] = (uint8_t)(value >> i * 8);
}

void fake_put_bytes(struct ka_kernel *k, ka_addr at, const void *bytes, size_t size)
{
	memcpy(k->memory + (at - k->base), bytes, size);
}

size_t ka_read_some(struct ka_kernel *k, ka_addr at, void *ret, size_t size, struct ka_error **err)
{
	size_t have = at - k->base < k->size ? k->size - (at - k->base) : 0;

	if (err)
		*err = NULL;
	if (have < size && err)
		*err = ka_error_at(KA_UNMAPPED, KA_SPACE_VIRT, at + have, "no memory");
	have = KA_MIN(have, size);
	if (have)
		memcpy(ret, k->memory + (at - k->base), have);
	return have;
}

struct ka_error *ka_read(struct ka_kernel *k, ka_addr at, void *ret, size_t size)
{
	struct ka_error *err;

	ka_read_some(k, at, ret, size, &err);
	return err;
}

uint64_t ka_uint_from(struct ka_kernel *k, const void *bytes, size_t size)
{
	uint64_t v = 0;

	(void)k;
	for (size_t i = 0; i < size; i++)
		v |= (uint64_t)((const uint8_t *)bytes)[i] << i * 8;
	return v;
}

static struct ka_error *read_uint(struct ka_kernel *k, ka_addr at, unsigned size, uint64_t *ret)
{
	uint8_t bytes[8];
	struct ka_error *err = ka_read(k, at, bytes, size);

	if (!err)
		*ret = ka_uint_from(k, bytes, size);
	return err;
}

#define READER(bits)									\
struct ka_error *ka_read_u##bits(struct ka_kernel *k, ka_addr at, uint##bits##_t *ret)	\
{											\
	uint64_t v = 0;									\
	struct ka_error *err = read_uint(k, at, bits / 8, &v);				\
											\
	*ret = (uint##bits##_t)v;							\
	return err;									\
}
READER(8)
READER(16)
READER(32)
READER(64)

struct ka_error *ka_read_ulong(struct ka_kernel *k, ka_addr at, uint64_t *ret)
{
	return read_uint(k, at, k->long_size, ret);
}

unsigned ka_long_size(struct ka_kernel *k)
{
	return k->long_size;
}

bool ka_symbol_lookup(struct ka_kernel *k, const char *name, struct ka_symbol *ret)
{
	for (const struct fake_symbol *s = k->symbols; s->name; s++) {
		if (!strcmp(s->name, name)) {
			*ret = (struct ka_symbol){ .addr = s->addr, .size = s->size, .name = s->name, .type = 'D' };
			return true;
		}
	}
	return false;
}

static struct ka_error *symbol_read(struct ka_kernel *k, const char *name, unsigned size, uint64_t *ret)
{
	struct ka_symbol s;

	if (!ka_symbol_lookup(k, name, &s))
		return ka_error_new(KA_MISSING, "no symbol %s", name);
	return read_uint(k, s.addr, size ? size : s.size, ret);
}

struct ka_error *ka_symbol_value(struct ka_kernel *k, const char *name, uint64_t *ret)
{
	return symbol_read(k, name, 0, ret);
}

struct ka_error *ka_symbol_ulong(struct ka_kernel *k, const char *name, uint64_t *ret)
{
	return symbol_read(k, name, k->long_size, ret);
}

static const struct fake_member *member(struct ka_kernel *k, const char *type, const char *path)
{
	for (const struct fake_member *m = k->members; m->type; m++)
		if (!strcmp(m->type, type) && !strcmp(m->path, path))
			return m;
	return NULL;
}

bool ka_type_has(struct ka_kernel *k, const char *type, const char *path)
{
	return member(k, type, path) != NULL;
}

struct ka_error *ka_type_offset(struct ka_kernel *k, const char *type, const char *path, uint64_t *ret)
{
	const struct fake_member *m = member(k, type, path);

	if (!m)
		return ka_error_new(KA_MISSING, "%s has no %s", type, path);
	*ret = m->offset;
	return NULL;
}

static const char *view_type(struct ka_kernel *k, const struct ka_view *v)
{
	for (const char *const *t = v->types; *t; t++)
		if (member(k, *t, ""))
			return *t;
	return NULL;
}

static const struct fake_member *field_member(struct ka_kernel *k, const struct ka_view *v, const struct ka_field *f)
{
	const char *type = view_type(k, v);

	for (size_t i = 0; type && i < KA_VIEW_ALTERNATIVES && f->paths[i]; i++) {
		const struct fake_member *m = member(k, type, f->paths[i]);

		if (m)
			return m;
	}
	return NULL;
}

struct ka_error *ka_view_bind(struct ka_kernel *k, const struct ka_view *v)
{
	if (!view_type(k, v))
		return ka_error_new(KA_MISSING, "no struct %s", v->types[0]);
	for (uint32_t i = 0; i < v->field_count; i++)
		if (!v->fields[i].is_maybe && !field_member(k, v, &v->fields[i]))
			return ka_error_new(KA_MISSING, "%s has no %s", v->types[0], v->fields[i].paths[0]);
	return NULL;
}

uint64_t ka_view_size(struct ka_kernel *k, const struct ka_view *v)
{
	const char *type = view_type(k, v);

	return type ? member(k, type, "")->size : 0;
}

static const struct ka_field *field_at(const struct ka_view *v, size_t host_offset)
{
	for (uint32_t i = 0; i < v->field_count; i++)
		if (v->fields[i].offset == host_offset)
			return &v->fields[i];
	return NULL;
}

bool ka_view_has(struct ka_kernel *k, const struct ka_view *v, size_t host_offset)
{
	return field_member(k, v, field_at(v, host_offset)) != NULL;
}

struct ka_error *ka_view_parse(struct ka_kernel *k, const struct ka_view *v, ka_addr at, const void *bytes, size_t size, void *ret)
{
	struct ka_error *err = ka_view_bind(k, v);

	if (err)
		return err;
	memset(ret, 0, v->host_size);
	for (uint32_t i = 0; i < v->field_count; i++) {
		const struct ka_field *f = &v->fields[i];
		const struct fake_member *m = field_member(k, v, f);
		uint8_t *host = (uint8_t *)ret + f->offset;
		uint64_t value;

		if (!m)
			continue;
		if (f->kind == KA_FIELD_AT || f->kind == KA_FIELD_SIZE) {
			value = f->kind == KA_FIELD_AT ? at + m->offset : m->size;
		} else if (m->offset + m->size > size) {
			return ka_error_new(KA_TRUNCATED, "struct is cut");
		} else if (f->kind == KA_FIELD_BYTES) {
			memcpy(host, (const uint8_t *)bytes + m->offset, KA_MIN(m->size, f->size));
			continue;
		} else {
			value = ka_uint_from(k, (const uint8_t *)bytes + m->offset, m->size);
			if (m->bit_size)
				value = value >> m->bit_offset & ((1ull << m->bit_size) - 1);
			else if (f->kind == KA_FIELD_INT && m->size < 8 && value >> (m->size * 8 - 1))
				value |= ~0ull << m->size * 8;
		}
		memcpy(host, &value, f->size);
	}
	return NULL;
}

struct ka_error *ka_view_read(struct ka_kernel *k, const struct ka_view *v, ka_addr at, void *ret)
{
	uint8_t bytes[4096] = {0};
	uint64_t size = KA_MIN(ka_view_size(k, v), sizeof(bytes));
	struct ka_error *err = ka_read(k, at, bytes, size);

	return err ? err : ka_view_parse(k, v, at, bytes, size, ret);
}

void *ka_kernel_state(struct ka_kernel *k, const void *key, void *(*make)(struct ka_kernel *k), void (*drop)(void *));

void *ka_kernel_state(struct ka_kernel *k, const void *key, void *(*make)(struct ka_kernel *k), void (*drop)(void *))
{
	for (size_t i = 0; i < KA_COUNT(k->states); i++) {
		if (k->states[i].key == key)
			return k->states[i].state;
		if (!k->states[i].key) {
			k->states[i].key = key;
			k->states[i].drop = drop;
			return k->states[i].state = make(k);
		}
	}
	abort();
}

void fake_reset(struct ka_kernel *k)
{
	for (size_t i = 0; i < KA_COUNT(k->states) && k->states[i].key; i++)
		if (k->states[i].drop)
			k->states[i].drop(k->states[i].state);
	memset(k->states, 0, sizeof(k->states));
}

const char *ka_vmcoreinfo(struct ka_kernel *k, const char *key)
{
	return !strcmp(key, "CRASHTIME") ? k->crashtime : NULL;
}

unsigned ka_cpu_count(struct ka_kernel *k)
{
	(void)k;
	return 2;
}

/* Per-CPU areas 64 KB apart. */
struct ka_error *ka_percpu_addr(struct ka_kernel *k, const char *symbol, unsigned cpu, ka_addr *ret)
{
	struct ka_symbol s;

	if (!ka_symbol_lookup(k, symbol, &s))
		return ka_error_new(KA_MISSING, "no symbol %s", symbol);
	*ret = s.addr + cpu * 65536ull;
	return NULL;
}

/* Lists alone: follows next pointers up to a bound. */
struct ka_walk ka_walk_list(struct ka_kernel *k, ka_addr head, uint64_t offset)
{
	return (struct ka_walk){ .k = k, .at = head, .end = head, .offset = offset };
}

bool ka_walk_next(struct ka_walk *w, ka_addr *ret)
{
	uint64_t next;

	if (w->err)
		return false;
	w->err = ka_read_ulong(w->k, w->at, &next);
	if (w->err || next == w->end)
		return false;
	if (++w->count > 100) {
		w->err = ka_error_new(KA_CORRUPT, "the list closes on itself");
		return false;
	}
	w->at = next;
	*ret = next - w->offset;
	return true;
}

struct ka_error *ka_walk_end(struct ka_walk *w)
{
	return w->err;
}

uint64_t ka_view_offset(struct ka_kernel *k, const struct ka_view *v, size_t host_offset)
{
	const struct fake_member *m = field_member(k, v, field_at(v, host_offset));

	return m ? m->offset : 0;
}

struct ka_error *ka_read_cstr(struct ka_kernel *k, ka_addr at, char *ret, size_t size)
{
	struct ka_error *err;
	size_t n = ka_read_some(k, at, ret, size - 1, &err);

	ret[n] = 0;
	if (!n)
		return err;
	ka_error_drop(err);
	return NULL;
}
