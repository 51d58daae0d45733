/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reading values for printing: bytes in chunks, types remembered, integers of any width. */
#include <inttypes.h>
#include <kanalyze/symbol.h>
#include "printer.h"

#define CHUNK_PARTS 32		/* a page to find and unpack takes as long as so many numbers */
#define FUNCTION_PARTS 8192	/* a hostile function's type takes as long as so many numbers */

void ka_printer_init(struct ka_printer *p, struct ka_kernel *k, const struct ka_print *how)
{
	*p = (struct ka_printer){ .k = k, .arena = ka_arena_new() };
	if (how)
		p->how = *how;
	if (!p->how.elements_max)
		p->how.elements_max = 256;
	if (!p->how.parts_max)
		p->how.parts_max = KA_PRINT_PARTS_MAX;
	p->is_big_endian = k && ka_uint_from(k, (const uint8_t[2]){ 0, 1 }, 2) == 1;
}

struct ka_error *ka_printer_deinit(struct ka_printer *p)
{
	ka_map_free(&p->types);
	ka_arena_free(p->arena);
	free(p->scratch);
	return p->error;
}

static void keep_error(struct ka_printer *p, struct ka_error *err)
{
	if (p->error)
		ka_error_dispose(err);
	else
		p->error = err;
}

static struct ka_error *read_bytes(struct ka_printer *p, uint64_t at, void *ret, size_t size)
{
	if (p->how.read)
		return p->how.read(p->how.ctx, at, ret, size);
	return ka_read(p->k, at, ret, size);
}

/* The chunk that holds the address, read now or before; NULL: not all of it is there. */
static const struct ka_chunk *chunk_of(struct ka_printer *p, uint64_t at)
{
	struct ka_chunk *c = &p->chunks[at / KA_PRINT_CHUNK % KA_PRINT_CHUNKS];
	uint64_t start = at / KA_PRINT_CHUNK * KA_PRINT_CHUNK;

	if (!c->is_there || c->at != start) {
		if (!c->bytes)
			c->bytes = ka_alloc(p->arena, KA_PRINT_CHUNK);
		c->at = start;
		c->is_there = true;
		ka_printer_charge(p, CHUNK_PARTS);
		c->is_bad = ka_error_drop(read_bytes(p, start, c->bytes, KA_PRINT_CHUNK));
	}
	return c->is_bad ? NULL : c;
}

bool ka_printer_read(struct ka_printer *p, uint64_t at, void *ret, size_t size, bool counts)
{
	uint8_t *to = ret;
	struct ka_error *err;

	for (size_t done = 0; done < size;) {
		const struct ka_chunk *c = chunk_of(p, at + done);
		size_t n = KA_MIN(size - done, (size_t)(KA_PRINT_CHUNK - (at + done) % KA_PRINT_CHUNK));

		if (c) {
			memcpy(to + done, c->bytes + (at + done) % KA_PRINT_CHUNK, n);
		} else {
			/* the chunk may be there in part: the end of a file */
			ka_printer_charge(p, 4);
			err = read_bytes(p, at + done, to + done, n);
			if (err && counts)
				keep_error(p, err);
			else if (err)
				ka_error_dispose(err);
			if (err)
				return false;
		}
		done += n;
	}
	return true;
}

/* Each value a contiguous run of bits of its own, or none: then an enum's values can be taken together (gdb's rule). */
static bool is_flags(const struct ka_print_type *t)
{
	uint64_t seen = 0;

	for (size_t i = 0; i < t->field_count; i++) {
		uint64_t v = (uint64_t)t->fields[i].value, run = v ? v >> __builtin_ctzll(v) : 0;
		bool is_new = true;

		for (size_t j = 0; j < i && is_new && i < 128; j++)
			is_new = t->fields[j].value != t->fields[i].value;
		if (t->fields[i].value < 0 || run & (run + 1) || (is_new && v & seen))
			return false;
		seen |= v;
	}
	return t->field_count;
}

struct by_value {
	int64_t value;
	uint32_t field;
};

static int by_value_order(const void *a, const void *b)
{
	const struct by_value *x = a, *y = b;

	return x->value != y->value ? (x->value < y->value ? -1 : 1) : x->field < y->field ? -1 : 1;
}

/* An enum of tens of thousands may be that of each element of an array. */
static void enumerators_sort(struct ka_printer *p, struct ka_print_type *t)
{
	struct by_value *all = ka_xalloc((t->field_count + 1) * sizeof(*all));
	uint64_t seen = 0;

	t->by_value = ka_alloc(p->arena, (t->field_count + 1) * sizeof(*t->by_value));
	t->flags = ka_alloc(p->arena, 64 * sizeof(*t->flags));
	for (size_t i = 0; i < t->field_count; i++) {
		uint64_t v = (uint64_t)t->fields[i].value;

		all[i] = (struct by_value){ t->fields[i].value, (uint32_t)i };
		/* none shares bits with another, so they are 64 at most */
		if (t->is_flags && v && !(seen & v) && t->flag_count < 64)
			t->flags[t->flag_count++] = (uint32_t)i;
		seen |= v;
	}
	qsort(all, t->field_count, sizeof(*all), by_value_order);
	for (size_t i = 0; i < t->field_count; i++)
		t->by_value[i] = all[i].field;
	free(all);
}

static bool is_same(const struct ka_type *a, const struct ka_type *b)
{
	return a->types == b->types && a->id == b->id && a->int_size == b->int_size && a->is_int_signed == b->is_int_signed &&
	       a->is_float == b->is_float && a->stars == b->stars && a->count == b->count && a->array_stars == b->array_stars;
}

static struct ka_print_type *stripped(struct ka_printer *p, const struct ka_type *t)
{
	uint64_t key = ka_hash_u64((uintptr_t)t->types ^ (uint64_t)t->id << 32) ^
		       ((uint64_t)t->stars << 40 | (uint64_t)t->int_size << 48 | (uint64_t)t->is_int_signed << 56 | (uint64_t)t->is_float << 57) ^
		       ka_hash_u64(t->count | (uint64_t)t->array_stars << 32);
	struct ka_print_type *made;
	uint64_t found;

	if (ka_map_get(&p->types, key, &found) && is_same(&((const struct ka_print_type *)(uintptr_t)found)->asked, t))
		return (struct ka_print_type *)(uintptr_t)found;
	made = ka_alloc(p->arena, sizeof(*made));
	made->asked = *t;
	made->type = ka_type_strip(p->k, t, &made->info);
	ka_map_add(&p->types, key, (uintptr_t)made);
	return made;
}

const struct ka_print_type *ka_printer_target(struct ka_printer *p, const struct ka_type *t)
{
	return stripped(p, t);
}

const struct ka_print_type *ka_printer_type(struct ka_printer *p, const struct ka_type *t)
{
	struct ka_print_type *made = stripped(p, t);

	if (made->has_fields)
		return made;
	made->has_fields = true;
	if (made->info.kind == KA_TYPE_STRUCT || made->info.kind == KA_TYPE_UNION)
		made->field_count = ka_type_members(p->k, &made->type, p->arena, &made->fields);
	if (made->info.kind == KA_TYPE_ENUM) {
		made->field_count = ka_type_enumerators(p->k, &made->type, p->arena, &made->fields);
		made->is_flags = is_flags(made);
		enumerators_sort(p, made);
	}
	if (made->info.kind == KA_TYPE_FUNC) {
		struct ka_str text = {0};

		ka_type_text(p->k, t, NULL, &text);
		made->text = ka_strdup(p->arena, text.p);
		ka_str_free(&text);
		ka_printer_charge(p, FUNCTION_PARTS);
	}
	return made;
}

bool ka_printer_part(struct ka_printer *p)
{
	struct ka_error *why = NULL;

	if (p->is_over)
		return false;
	if (p->parts >= p->how.parts_max)
		why = ka_error_new(KA_UNSUPPORTED, "the value is cut: it has more members and elements than `set print_parts` allows (now %" PRIu64 ")", p->how.parts_max);
	else if (p->parts - p->parts_asked >= 4096 && ka_interrupted())
		why = ka_error_new(KA_INTERRUPTED, "interrupted");
	if (p->parts - p->parts_asked >= 4096)
		p->parts_asked = p->parts;
	if (why) {
		ka_error_drop(p->error);
		p->error = why;
		p->is_over = true;
		return false;
	}
	p->parts++;
	return true;
}

void ka_printer_charge(struct ka_printer *p, uint64_t parts)
{
	p->parts += KA_MIN(parts, UINT64_MAX - p->parts);
}

uint8_t *ka_printer_scratch(struct ka_printer *p, size_t size)
{
	if (size > p->scratch_size) {
		p->scratch_size = KA_MAX(size, 2 * p->scratch_size);
		p->scratch = ka_xrealloc(p->scratch, p->scratch_size);
	}
	return p->scratch;
}

struct ka_place ka_place_of(const struct ka_value *x)
{
	/* An lvalue is read where it lies: a bitfield's bits, say, are not in its first bytes. */
	struct ka_place p = { .type = x->type, .at = x->is_lvalue ? x->addr : x->bits, .bit_offset = x->bit_offset, .bit_size = x->bit_size,
			      .has_bits = x->is_loaded && !x->is_lvalue, .bits = x->bits };
	float half = (float)x->real;

	/* A float that was worked out has no bits yet. */
	if (p.has_bits && x->kind == KA_TYPE_FLOAT && x->size == sizeof(half)) {
		uint32_t bits;

		memcpy(&bits, &half, sizeof(bits));
		p.bits = bits;
	} else if (p.has_bits && x->kind == KA_TYPE_FLOAT) {
		memcpy(&p.bits, &x->real, sizeof(p.bits));
	}
	return p;
}

struct ka_place ka_place_member(const struct ka_place *whole, const struct ka_type_field *f)
{
	return (struct ka_place){ .type = f->type, .at = whole->at + f->offset_bits / 8, .bit_offset = f->offset_bits % 8, .bit_size = f->bit_size };
}

static __int128 extend(unsigned __int128 bits, unsigned width, bool is_signed)
{
	if (width >= 128)
		return (__int128)bits;
	if (!width)		/* an enum without size, in damaged BTF */
		return 0;
	bits <<= 128 - width;
	return is_signed ? (__int128)bits >> (128 - width) : (__int128)(bits >> (128 - width));
}

bool ka_printer_int(struct ka_printer *p, const struct ka_place *place, const struct ka_type_info *info, __int128 *ret)
{
	unsigned bytes = info->size > 16 ? 16 : (unsigned)info->size, shift = 0;
	unsigned __int128 all = 0;
	uint8_t raw[32];

	*ret = 0;
	if (place->has_bits) {
		*ret = extend(place->bits, bytes * 8, info->is_signed);
		return true;
	}
	if (place->bit_size > 64 || place->bit_offset > 64)
		return false;
	if (place->bit_size) {
		shift = place->bit_offset;
		bytes = (shift + place->bit_size + 7) / 8;
	}
	if (!ka_printer_read(p, place->at, raw, bytes, true))
		return false;
	for (unsigned i = 0; i < KA_MIN(bytes, 16u); i++)
		all |= (unsigned __int128)raw[p->is_big_endian ? bytes - 1 - i : i] << (8 * i);
	if (place->bit_size)
		/* big-endian machines count bits from the other end */
		all >>= p->is_big_endian ? bytes * 8 - shift - place->bit_size : shift;
	*ret = extend(all, place->bit_size ? place->bit_size : bytes * 8, info->is_signed);
	return true;
}

bool ka_printer_float(struct ka_printer *p, const struct ka_place *place, uint64_t size, long double *ret)
{
	uint8_t raw[16];
	uint64_t bits = place->bits;

	*ret = 0;
	if (size == 16 && !place->has_bits) {
#if defined(__x86_64__)
		/* of x86 alone: 80 bits and padding */
		if (!ka_printer_read(p, place->at, raw, 16, true))
			return false;
		memcpy(ret, raw, 10);
		return true;
#else
		return false;
#endif
	}
	if (size != 4 && size != 8)
		return false;
	if (!place->has_bits) {
		if (!ka_printer_read(p, place->at, raw, size, true))
			return false;
		bits = 0;
		for (size_t i = 0; i < size; i++)
			bits |= (uint64_t)raw[p->is_big_endian ? size - 1 - i : i] << (8 * i);
	}
	if (size == 4) {
		float f;
		uint32_t half = (uint32_t)bits;

		memcpy(&f, &half, 4);
		*ret = f;
	} else {
		double d;

		memcpy(&d, &bits, 8);
		*ret = d;
	}
	return true;
}

bool ka_type_is_char(const struct ka_type_info *info)
{
	return info->kind == KA_TYPE_INT && info->size == 1 && !info->is_bool;
}

bool ka_address_symbol(struct ka_kernel *k, uint64_t at, struct ka_str *to)
{
	struct ka_symbol s;
	uint64_t offset;
	size_t i;

	if (!k || !ka_is_kernel_addr(k, at))
		return false;
	if (!ka_symbol_at(k, at, &s, &offset)) {
		/* per-CPU variables lie among the others since 9d7de2aa8b41 (v6.15): pointers to them have such addresses */
		if (!ka_symbol_index(k, NULL, at, &i) || !ka_symbol_nth(k, NULL, i, &s) || !s.is_percpu)
			return false;
		offset = at - s.addr;
	}
	/* What lies behind a symbol's end is not its own; what has no size is text, or a mark of the linker's that names nothing. */
	if (s.size ? offset >= s.size : !s.module && !ka_is_text(k, at))
		return false;
	ka_str_add(to, s.name);
	if (offset)
		ka_str_printf(to, "+%" PRIu64, offset);
	return true;
}

bool ka_enum_name(const struct ka_print_type *t, int64_t value, struct ka_str *to)
{
	size_t low = 0, high = t->field_count;
	uint64_t left = (uint64_t)value;
	const struct ka_type_field *f;
	bool is_first = true;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (t->fields[t->by_value[middle]].value < value)
			low = middle + 1;
		else
			high = middle;
	}
	f = low < t->field_count ? &t->fields[t->by_value[low]] : NULL;
	if (f && f->value == value) {
		ka_str_add(to, f->name ? f->name : "?");
		return true;
	}
	if (!t->is_flags)
		return false;
	for (size_t i = 0; i < t->flag_count; i++) {
		uint64_t v;

		f = &t->fields[t->flags[i]];
		v = (uint64_t)f->value;
		if (!(left & v))
			continue;
		ka_str_add(to, is_first ? "(" : " | ");
		ka_str_add(to, f->name ? f->name : "?");
		is_first = false;
		left &= ~v;
	}
	if (left)
		ka_str_printf(to, "%sunknown: 0x%" PRIx64 ")", is_first ? "(" : " | ", left);
	else
		ka_str_add(to, is_first ? "0" : ")");
	return true;
}
