/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Views: bound to the kernel's layouts once a session, then each read is a few
 * contiguous spans and a copy. Bound views are found by the view's address in an
 * open hash that readers use without a lock.
 */
#include <inttypes.h>
#include <stdatomic.h>
#include "kernel.h"


#define SPAN_GAP 256			/* bytes between two members that are read along rather than apart */
#define SPAN_MAX (4u << 20)	/* pglist_data has members behind 170 KB */

struct bound_field {
	uint32_t offset, size;		/* in the kernel's struct */
	uint32_t bit_offset, bit_size;
	bool is_signed, is_there;
	uint8_t won;			/* index of the alternative */
};

struct span {
	uint32_t start, end;
};

struct ka_bound_view {
	const struct ka_view *view;
	struct ka_error *err;		/* does not bind: why */
	const char *type;
	uint64_t size;
	struct bound_field *fields;
	struct span *spans;		/* sorted, apart */
	size_t span_count;
	uint32_t bytes;			/* end of the last span */
};

static int by_start(const void *a, const void *b)
{
	const struct span *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

static void make_spans(struct ka_bound_view *b)
{
	size_t n = 0;

	b->spans = ka_xalloc((b->view->field_count + 1) * sizeof(*b->spans));
	for (uint32_t i = 0; i < b->view->field_count; i++) {
		const struct bound_field *f = &b->fields[i];
		uint8_t kind = b->view->fields[i].kind;

		if (f->is_there && kind != KA_FIELD_AT && kind != KA_FIELD_SIZE && f->size)
			b->spans[n++] = (struct span){ f->offset, f->offset + f->size };
	}
	qsort(b->spans, n, sizeof(*b->spans), by_start);
	for (size_t i = 0; i < n; i++) {
		struct span *last = b->span_count ? &b->spans[b->span_count - 1] : NULL;

		if (last && b->spans[i].start <= last->end + SPAN_GAP)
			last->end = KA_MAX(last->end, b->spans[i].end);
		else
			b->spans[b->span_count++] = b->spans[i];
	}
	b->bytes = b->span_count ? b->spans[b->span_count - 1].end : 0;
}

/* Whole bytes that hold a bitfield, in the way integers of the dump's byte order are read. */
static void bind_bits(struct ka_kernel *k, struct bound_field *f, const struct ka_member *m)
{
	uint64_t bit = m->offset * 8 + m->bit_offset;

	f->offset = (uint32_t)(bit / 8);
	f->bit_offset = (uint32_t)(bit % 8);
	f->bit_size = m->bit_size;
	f->size = (f->bit_offset + f->bit_size + 7) / 8;
	if (k->is_big_endian)		/* counted from the most significant bit there */
		f->bit_offset = f->size * 8 - f->bit_offset - f->bit_size;
}

static struct ka_error *bind_field(struct ka_kernel *k, struct ka_bound_view *b, uint32_t i)
{
	const struct ka_field *field = &b->view->fields[i];
	struct bound_field *f = &b->fields[i];
	struct ka_error *first = NULL;

	for (uint8_t a = 0; a < KA_VIEW_ALTERNATIVES && field->paths[a]; a++) {
		struct ka_member m;
		struct ka_error *err = ka_type_member(k, b->type, field->paths[a], &m);

		if (err) {
			if (first)
				ka_error_free(err);
			else
				first = err;
			continue;
		}
		ka_error_free(first);
		*f = (struct bound_field){ .offset = (uint32_t)m.offset, .size = (uint32_t)m.size, .is_signed = m.is_signed,
					   .is_there = true, .won = a };
		if (m.bit_size)
			bind_bits(k, f, &m);
		if ((field->kind == KA_FIELD_UINT || field->kind == KA_FIELD_INT) && f->size > 8)
			return ka_error_new(KA_UNSUPPORTED, "member %s of %s is %u bytes large, not an integer",
					    field->paths[a], b->type, f->size);
		if (m.offset + m.size > SPAN_MAX && field->kind != KA_FIELD_AT && field->kind != KA_FIELD_SIZE)
			return ka_error_new(KA_UNSUPPORTED, "member %s of %s lies at offset %" PRIu64 ", too far to read",
					    field->paths[a], b->type, m.offset);
		if (field->kind == KA_FIELD_BYTES)
			f->size = KA_MIN(f->size, field->size);
		ka_log(3, "view %s: %s is %s.%s at %u", b->view->name, field->name, b->type, field->paths[a], f->offset);
		return NULL;
	}
	if (field->is_maybe) {
		ka_error_free(first);
		return NULL;
	}
	return first ? first : ka_error_new(KA_MISSING, "view %s: member %s has no source", b->view->name, field->name);
}

static struct ka_bound_view *bind(struct ka_kernel *k, const struct ka_view *v)
{
	struct ka_bound_view *b = ka_xalloc(sizeof(*b));

	b->view = v;
	b->fields = ka_xalloc((v->field_count + 1) * sizeof(*b->fields));
	for (size_t i = 0; v->types[i] && !b->type; i++) {
		ka_error_free(b->err);
		b->err = ka_type_size(k, v->types[i], &b->size);
		if (!b->err)
			b->type = v->types[i];
	}
	for (uint32_t i = 0; i < v->field_count && !b->err; i++)
		b->err = bind_field(k, b, i);
	make_spans(b);
	return b;
}

static void bound_free(struct ka_bound_view *b)
{
	ka_error_free(b->err);
	free(b->fields);
	free(b->spans);
	free(b);
}

void ka_views_free(struct ka_kernel *k)
{
	for (size_t i = 0; k->bound && i < KA_BOUND_SLOTS; i++)
		if (k->bound[i])
			bound_free(k->bound[i]);
	free(k->bound);
}

static const struct ka_bound_view *bound(struct ka_kernel *k, const struct ka_view *v)
{
	size_t i = ka_hash_u64((uintptr_t)v) % KA_BOUND_SLOTS;
	struct ka_bound_view *b, *made = NULL, *expected;

	/* two threads may bind the same view at once: one of the two is thrown away */
	for (;; i = (i + 1) % KA_BOUND_SLOTS) {
		b = atomic_load_explicit(&k->bound[i], memory_order_acquire);
		if (b && b->view != v)
			continue;
		if (b)
			break;
		if (!made)
			made = bind(k, v);
		expected = NULL;
		if (atomic_compare_exchange_strong(&k->bound[i], &expected, made))
			return made;
		if (expected->view == v) {
			b = expected;
			break;
		}
	}
	if (made)
		bound_free(made);
	return b;
}

static struct ka_error *bound_error(const struct ka_bound_view *b)
{
	return b->err ? ka_error_new(b->err->code, "%s", b->err->message) : NULL;
}

static uint64_t field_value(struct ka_kernel *k, const struct bound_field *f, const uint8_t *bytes)
{
	uint64_t v = ka_uint_from(k, bytes + f->offset, f->size);
	unsigned bits = f->size * 8;

	if (f->bit_size) {
		v >>= f->bit_offset;
		bits = f->bit_size;
		if (bits < 64)
			v &= (1ull << bits) - 1;
	}
	if (f->is_signed && bits && bits < 64 && (v >> (bits - 1)) & 1)
		v |= ~0ull << bits;
	return v;
}

/* bytes: the kernel's struct from its start, of which only the spans are filled */
static void fill(struct ka_kernel *k, const struct ka_bound_view *b, ka_addr at, const uint8_t *bytes, void *ret_host)
{
	memset(ret_host, 0, b->view->host_size);
	for (uint32_t i = 0; i < b->view->field_count; i++) {
		const struct ka_field *field = &b->view->fields[i];
		const struct bound_field *f = &b->fields[i];
		uint8_t *host = (uint8_t *)ret_host + field->offset;
		uint64_t v;

		if (!f->is_there)
			continue;
		switch ((enum ka_field_kind)field->kind) {
		case KA_FIELD_BYTES:
			memcpy(host, bytes + f->offset, f->size);
			continue;
		case KA_FIELD_AT:
			v = at + f->offset;
			break;
		case KA_FIELD_SIZE:
			v = f->size;
			break;
		default:
			v = field_value(k, f, bytes);
		}
		switch (field->size) {
		case 1: *host = (uint8_t)v; break;
		case 2: memcpy(host, &(uint16_t){ (uint16_t)v }, 2); break;
		case 4: memcpy(host, &(uint32_t){ (uint32_t)v }, 4); break;
		case 8: memcpy(host, &v, 8); break;
		}
	}
}

/* Structs of the kernel are never user data, caches or zeros: a dump that lacks one was filtered by mistake. */
static void note_loss(struct ka_kernel *k, const struct ka_error *err)
{
	if (err && err->code == KA_EXCLUDED)
		atomic_store_explicit(&k->has_lost_structs, true, memory_order_relaxed);
}

struct ka_error *ka_view_read(struct ka_kernel *k, const struct ka_view *v, ka_addr at, void *ret_host)
{
	const struct ka_bound_view *b = bound(k, v);
	uint8_t small[4096], *bytes = small;
	struct ka_error *err = bound_error(b);

	if (err)
		return err;
	if (b->bytes > sizeof(small))
		bytes = ka_xalloc(b->bytes);
	for (size_t i = 0; i < b->span_count && !err; i++)
		err = ka_read(k, at + b->spans[i].start, bytes + b->spans[i].start, b->spans[i].end - b->spans[i].start);
	if (!err)
		fill(k, b, at, bytes, ret_host);
	if (bytes != small)
		free(bytes);
	note_loss(k, err);
	return ka_error_wrap(err, "cannot read %s at 0x%" PRIx64, b->type, at);
}

/* What can be read of a span, member by member; what cannot stays 0. Returns how many members were there. */
static unsigned span_read_partly(struct ka_kernel *k, const struct ka_bound_view *b, const struct span *s, ka_addr at, uint8_t *bytes)
{
	unsigned read = 0;

	memset(bytes + s->start, 0, s->end - s->start);
	for (uint32_t i = 0; i < b->view->field_count; i++) {
		const struct bound_field *f = &b->fields[i];

		if (!f->is_there || f->offset < s->start || f->offset >= s->end ||
		    b->view->fields[i].kind == KA_FIELD_AT || b->view->fields[i].kind == KA_FIELD_SIZE)
			continue;
		if (ka_error_drop(ka_read(k, at + f->offset, bytes + f->offset, f->size)))
			memset(bytes + f->offset, 0, f->size);
		else
			read++;
	}
	return read;
}

struct ka_error *ka_view_read_partly(struct ka_kernel *k, const struct ka_view *v, ka_addr at, void *ret_host,
				     struct ka_error **ret_gap)
{
	const struct ka_bound_view *b = bound(k, v);
	struct ka_error *err = bound_error(b), *gap = NULL;
	unsigned read = 0;

	*ret_gap = NULL;
	if (err)
		return err;
	uint8_t *bytes = ka_xalloc(b->bytes + 1);

	for (size_t i = 0; i < b->span_count; i++) {
		const struct span *s = &b->spans[i];

		err = ka_read(k, at + s->start, bytes + s->start, s->end - s->start);
		read += err ? span_read_partly(k, b, s, at, bytes) : 1;
		if (err && !gap)
			gap = err;
		else
			ka_error_free(err);
	}
	note_loss(k, gap);
	gap = ka_error_wrap(gap, "cannot read %s at 0x%" PRIx64, b->type, at);
	if (read || !gap) {
		fill(k, b, at, bytes, ret_host);
		*ret_gap = gap;
		gap = NULL;
	}
	free(bytes);
	return gap;
}

struct ka_error *ka_view_parse(struct ka_kernel *k, const struct ka_view *v, ka_addr at, const void *bytes, size_t size,
			       void *ret_host)
{
	const struct ka_bound_view *b = bound(k, v);
	struct ka_error *err = bound_error(b);

	if (err)
		return err;
	if (b->bytes > size)
		return ka_error_at(KA_CORRUPT, KA_SPACE_VIRT, at, "%s needs %u bytes, there are %zu", b->type, b->bytes, size);
	fill(k, b, at, bytes, ret_host);
	return NULL;
}

struct ka_error *ka_view_bind(struct ka_kernel *k, const struct ka_view *v)
{
	return bound_error(bound(k, v));
}

static const struct bound_field *field_at(struct ka_kernel *k, const struct ka_view *v, size_t host_offset)
{
	const struct ka_bound_view *b = bound(k, v);

	for (uint32_t i = 0; i < v->field_count && !b->err; i++)
		if (v->fields[i].offset == host_offset)
			return b->fields[i].is_there ? &b->fields[i] : NULL;
	return NULL;
}

bool ka_view_has(struct ka_kernel *k, const struct ka_view *v, size_t host_offset)
{
	return field_at(k, v, host_offset) != NULL;
}

uint64_t ka_view_offset(struct ka_kernel *k, const struct ka_view *v, size_t host_offset)
{
	const struct bound_field *f = field_at(k, v, host_offset);

	return f ? f->offset : 0;
}

uint64_t ka_view_size(struct ka_kernel *k, const struct ka_view *v)
{
	const struct ka_bound_view *b = bound(k, v);

	return b->err ? 0 : b->size;
}

const char *ka_view_won(struct ka_kernel *k, const struct ka_view *v, size_t field, const char **ret_type)
{
	const struct ka_bound_view *b = bound(k, v);

	if (ret_type)
		*ret_type = b->type;
	if (b->err || field >= v->field_count || !b->fields[field].is_there)
		return NULL;
	return v->fields[field].paths[b->fields[field].won];
}
