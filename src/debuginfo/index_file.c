/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The index of an object's names as one block of bytes: header, entries by hash, units, strings. */
#include "index_file.h"

#define VERSION		1
#define ORDER_MARK	0x01020304u
#define SIZE_MAX_	(1u << 30)

static const char magic[8] = "kaindex\n";

struct header {
	char magic[8];
	uint32_t version, order_mark;
	uint64_t size;			/* of all */
	uint64_t checksum;		/* of all, with this field 0 */
	uint64_t info_size;
	uint32_t build_id_size, entry_count, unit_count, strings_size;
	uint8_t build_id[64];
};

/* 64 bits, four lanes: damage is to be found, not a forger, and 10 MB shall take 2 ms. */
static uint64_t checksum(const uint8_t *p, size_t size)
{
	uint64_t lane[4] = { 1, 2, 3, 4 }, word, h = size;

	for (; size >= 32; size -= 32, p += 32) {
		for (int i = 0; i < 4; i++) {
			memcpy(&word, p + 8 * i, 8);
			lane[i] = (lane[i] ^ word) * 0x9e3779b97f4a7c15ull;
			lane[i] ^= lane[i] >> 32;
		}
	}
	for (int i = 0; i < 4; i++)
		h = ka_hash_u64(h ^ lane[i]);
	for (; size; size--)
		h = ka_hash_u64(h ^ *p++);
	return h;
}

/* ---- making ---- */

static uint32_t string_add(struct ka_index_builder *b, const char *s)
{
	uint64_t at;

	if (!s || !*s)
		return 0;
	if (!b->strings.len)
		ka_str_addn(&b->strings, "", 1);	/* 0 is the empty one */
	if (ka_map_get(&b->known, (uintptr_t)s, &at))
		return (uint32_t)at;
	at = b->strings.len;
	if (at > SIZE_MAX_ / 2)
		return 0;
	ka_str_addn(&b->strings, s, strlen(s) + 1);
	ka_map_add(&b->known, (uintptr_t)s, at);
	return (uint32_t)at;
}

void ka_index_add(struct ka_index_builder *b, unsigned space, uint32_t hash, const char *name, uint32_t id, uint32_t print)
{
	ka_vec_push(&b->entries, (struct ka_index_entry){ hash, string_add(b, name), id, space << 24 | (print & 0xffffff) });
}

void ka_index_add_unit(struct ka_index_builder *b, uint32_t id, const char *name, const char *comp_dir, bool has_lines, uint64_t stmt_list)
{
	ka_vec_push(&b->units, (struct ka_index_unit){ id, string_add(b, name), string_add(b, comp_dir), has_lines, stmt_list });
}

/* By hash; stable, a digit of 16 bits at a time. */
static void sort_entries(struct ka_index_entry *at, size_t n)
{
	struct ka_index_entry *other = ka_xalloc((n + 1) * sizeof(*other)), *from = at, *to = other;
	uint32_t *counts = ka_xalloc(65537 * sizeof(*counts));

	for (unsigned shift = 0; shift < 32; shift += 16) {
		struct ka_index_entry *swap = from;

		memset(counts, 0, 65537 * sizeof(*counts));
		for (size_t i = 0; i < n; i++)
			counts[(from[i].hash >> shift & 0xffff) + 1]++;
		for (size_t i = 0; i < 65536; i++)
			counts[i + 1] += counts[i];
		for (size_t i = 0; i < n; i++)
			to[counts[from[i].hash >> shift & 0xffff]++] = from[i];
		from = to;
		to = swap;
	}
	free(counts);
	free(other);
}

void ka_index_seal(uint8_t *bytes, size_t size)
{
	struct header h;

	if (size < sizeof(h))
		return;
	memcpy(&h, bytes, sizeof(h));
	h.size = size;
	h.checksum = 0;
	memcpy(bytes, &h, sizeof(h));
	h.checksum = checksum(bytes, size);
	memcpy(bytes, &h, sizeof(h));
}

static void point(struct ka_index *x, const struct header *h)
{
	x->entries = (const struct ka_index_entry *)(x->bytes + sizeof(*h));
	x->units = (const struct ka_index_unit *)(x->entries + h->entry_count);
	x->strings = (const char *)(x->units + h->unit_count);
	x->entry_count = h->entry_count;
	x->unit_count = h->unit_count;
	x->strings_size = h->strings_size;
}

void ka_index_finish(struct ka_index_builder *b, const struct ka_index_key *key, struct ka_index *ret)
{
	struct header h = { .version = VERSION, .order_mark = ORDER_MARK, .info_size = key->info_size, .build_id_size = key->build_id_size };
	size_t entries_size = b->entries.n * sizeof(*b->entries.at), units_size = b->units.n * sizeof(*b->units.at);

	if (!b->strings.len)
		ka_str_addn(&b->strings, "", 1);
	memcpy(h.magic, magic, sizeof(magic));
	memcpy(h.build_id, key->build_id, sizeof(h.build_id));
	h.entry_count = (uint32_t)b->entries.n;
	h.unit_count = (uint32_t)b->units.n;
	h.strings_size = (uint32_t)b->strings.len;
	if (b->entries.n)
		sort_entries(b->entries.at, b->entries.n);
	ret->size = sizeof(h) + entries_size + units_size + b->strings.len;
	ret->bytes = ka_xalloc(ret->size);
	if (entries_size)
		memcpy(ret->bytes + sizeof(h), b->entries.at, entries_size);
	if (units_size)
		memcpy(ret->bytes + sizeof(h) + entries_size, b->units.at, units_size);
	memcpy(ret->bytes + sizeof(h) + entries_size + units_size, b->strings.p, b->strings.len);
	memcpy(ret->bytes, &h, sizeof(h));
	ka_index_seal(ret->bytes, ret->size);
	point(ret, &h);
	ka_vec_free(&b->entries);
	ka_vec_free(&b->units);
	ka_str_free(&b->strings);
	ka_map_free(&b->known);
}

/* ---- reading ---- */

struct ka_error *ka_index_open(uint8_t *bytes, size_t size, const struct ka_index_key *key, struct ka_index *ret)
{
	struct header h;
	uint64_t sum, want;

	if (size < sizeof(h))
		return ka_error_new(KA_TRUNCATED, "%zu bytes are too few for a header", size);
	memcpy(&h, bytes, sizeof(h));
	if (memcmp(h.magic, magic, sizeof(magic)))
		return ka_error_new(KA_FORMAT, "it is no index");
	if (h.version != VERSION || h.order_mark != ORDER_MARK)
		return ka_error_new(KA_FORMAT, "it is of another version, or of a machine of another byte order");
	if (h.size != size || size > SIZE_MAX_)
		return ka_error_new(KA_TRUNCATED, "it should have %llu bytes, and has %zu", (unsigned long long)h.size, size);
	if (h.build_id_size != key->build_id_size || h.build_id_size > sizeof(h.build_id) ||
	    memcmp(h.build_id, key->build_id, h.build_id_size) || h.info_size != key->info_size)
		return ka_error_new(KA_NOT_FOUND, "it is of another file");
	want = sizeof(h) + (uint64_t)h.entry_count * sizeof(struct ka_index_entry) +
	       (uint64_t)h.unit_count * sizeof(struct ka_index_unit) + h.strings_size;
	if (want != size || !h.strings_size || bytes[size - 1])
		return ka_error_new(KA_CORRUPT, "its parts do not make up its size");
	sum = h.checksum;
	memset(bytes + offsetof(struct header, checksum), 0, sizeof(h.checksum));
	want = checksum(bytes, size);
	memcpy(bytes + offsetof(struct header, checksum), &sum, sizeof(sum));
	if (sum != want)
		return ka_error_new(KA_CORRUPT, "its checksum is wrong");
	*ret = (struct ka_index){ .bytes = bytes, .size = size };
	point(ret, &h);
	return NULL;
}

void ka_index_free(struct ka_index *x)
{
	free(x->bytes);
	*x = (struct ka_index){ 0 };
}

const char *ka_index_string(const struct ka_index *x, uint32_t at)
{
	return at < x->strings_size ? x->strings + at : "";
}

const struct ka_index_entry *ka_index_next(const struct ka_index *x, unsigned space, uint32_t hash, const char *name, size_t *pos)
{
	if (!*pos) {
		size_t lo = 0, hi = x->entry_count;

		while (lo < hi) {
			size_t mid = lo + (hi - lo) / 2;

			if (x->entries[mid].hash < hash)
				lo = mid + 1;
			else
				hi = mid;
		}
		*pos = lo + 1;
	}
	for (; *pos <= x->entry_count; ++*pos) {
		const struct ka_index_entry *e = &x->entries[*pos - 1];

		if (e->hash != hash)
			return NULL;
		if (e->space_print >> 24 == space && !strcmp(ka_index_string(x, e->name), name)) {
			++*pos;
			return e;
		}
	}
	return NULL;
}

const struct ka_index_unit *ka_index_unit_of(const struct ka_index *x, uint32_t id)
{
	size_t lo = 0, hi = x->unit_count;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (x->units[mid].id <= id)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo ? &x->units[lo - 1] : NULL;
}
