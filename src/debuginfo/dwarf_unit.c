/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where DWARF's units begin, and which bytes they are made of. */
#include <sys/mman.h>
#include <unistd.h>
#include "dwarf_die.h"
#include "dwarf_function.h"
#include "object.h"

#define HEADER_MAX	64		/* bytes of a unit's header, at most */
#define FORGET_SIZE	(8u << 20)	/* bytes walked before their pages are given back */

static uint64_t get(const struct ka_dwarf *d, const uint8_t *p, unsigned size)
{
	uint16_t v16;
	uint64_t v64;

	switch (size) {
	case 1:
		return *p;
	case 2:
		memcpy(&v16, p, 2);
		return d->is_swapped ? __builtin_bswap16(v16) : v16;
	case 4:
		return ka_dwarf_u32(d, p);
	}
	memcpy(&v64, p, 8);
	return d->is_swapped ? __builtin_bswap64(v64) : v64;
}

/* The header at p, with left bytes to the end of the section. NULL: fine; else what is wrong with it. */
static const char *read_header(const struct ka_dwarf *d, const uint8_t *p, size_t left, bool is_types, struct ka_dwarf_unit *u)
{
	static const char too_short[] = "a unit too short for its header";
	size_t at = 4;
	uint64_t length;

	if (left < 12)
		return too_short;
	length = get(d, p, 4);
	u->offset_size = 4;
	if (length == 0xffffffff) {
		length = get(d, p + 4, 8);
		u->offset_size = 8;
		at = 12;
	}
	if (length > left - at || length > UINT32_MAX - 12)
		return "a unit that goes beyond the end";
	u->at = p;
	u->size = (uint32_t)(length + at);
	if (u->size < at + 2 + 1 + u->offset_size)
		return too_short;
	u->version = (uint8_t)KA_MIN(get(d, p + at, 2), 255u);
	at += 2;
	if (u->version < 2 || u->version > 5)
		return "a unit of an unknown version of DWARF";
	if (u->version >= 5) {
		if (u->size < at + 2 + u->offset_size)
			return too_short;
		u->type = p[at];
		u->address_size = p[at + 1];
		u->abbrev_offset = get(d, p + at + 2, u->offset_size);
		at += 2 + u->offset_size;
	} else {
		u->type = is_types ? DW_UT_type : DW_UT_compile;
		u->abbrev_offset = get(d, p + at, u->offset_size);
		u->address_size = p[at + u->offset_size];
		at += u->offset_size + 1;
	}
	if (u->address_size != 2 && u->address_size != 4 && u->address_size != 8)
		return "a unit with addresses of an unknown size";
	if (u->type == DW_UT_type || u->type == DW_UT_split_type) {
		if (u->size < at + 8 + u->offset_size)
			return too_short;
		u->signature = get(d, p + at, 8);
		u->type_offset = (uint32_t)KA_MIN(get(d, p + at + 8, u->offset_size), u->size);
		at += 8 + u->offset_size;
	} else if (u->type == DW_UT_skeleton || u->type == DW_UT_split_compile) {
		at += 8;
	}
	if (u->size < at)
		return too_short;
	u->header_size = (uint32_t)at;
	return NULL;
}

void ka_dwarf_forget(const struct ka_dwarf *d, const struct ka_dwarf_units *units, size_t first, size_t end)
{
	uintptr_t mask = (uintptr_t)sysconf(_SC_PAGESIZE) - 1, from, to;

	if (first >= end || !d->mapped)
		return;
	from = ((uintptr_t)units->at[first].at + mask) & ~mask;
	to = (uintptr_t)(units->at[end - 1].at + units->at[end - 1].size) & ~mask;
	/* Only pages of the file: unpacked sections would be lost. */
	if (from < to && from >= (uintptr_t)d->mapped && to <= (uintptr_t)d->mapped + d->mapped_size)
		madvise((void *)from, to - from, MADV_DONTNEED);
}

/* Of the object's own .debug_info, which may be packed, so many bytes. */
static bool need(const struct ka_dwarf *d, uint64_t end)
{
	return ka_object_debug_need(d->object, ".debug_info", end);
}

static void unit_init(struct ka_dwarf_unit *u, const struct ka_dwarf_file *file, uint32_t id)
{
	*u = (struct ka_dwarf_unit){ .file = file, .id = id, .info_base = file->info_id };
}

/* Appends the units of one section. What is damaged ends the list: all before it is still good. */
static void list_units(const struct ka_dwarf *d, const struct ka_dwarf_file *file, struct ka_dwarf_bytes section, uint32_t first_id,
		       bool is_types)
{
	struct ka_dwarf_units *all = d->units;
	size_t forgotten = all->n, walked = 0;

	for (size_t at = 0; at < section.size; ) {
		struct ka_dwarf_unit *u;
		const char *wrong;

		if (all->n == all->cap) {
			all->cap = all->cap ? all->cap * 2 : 64;
			all->at = ka_xrealloc(all->at, all->cap * sizeof(*all->at));
		}
		u = &all->at[all->n];
		unit_init(u, file, first_id + (uint32_t)at);
		wrong = read_header(d, section.at + at, section.size - at, is_types, u);
		if (wrong) {
			ka_log(1, "%s: DWARF: %s, at %#zx of %s", d->object->path, wrong, at, is_types ? ".debug_types" : ".debug_info");
			break;
		}
		all->n++;
		at += u->size;
		walked += u->size;
		if (walked >= FORGET_SIZE) {
			ka_dwarf_forget(d, all, forgotten, all->n);
			forgotten = all->n;
			walked = 0;
		}
	}
	ka_dwarf_forget(d, all, forgotten, all->n);
}

static void list_all(void *ctx)
{
	const struct ka_dwarf *d = ctx;

	/* what is damaged further behind reads as zeros: no unit */
	need(d, UINT64_MAX);
	for (size_t i = 0; i < KA_COUNT(d->files); i++) {
		const struct ka_dwarf_file *f = &d->files[i];

		list_units(d, f, f->info, f->info_id, false);
		list_units(d, f, f->types, f->types_id, true);
	}
	ka_log(2, "%s: DWARF: %zu units in %zu bytes", d->object->path, d->units->n, d->files[0].info.size);
}

const struct ka_dwarf_units *ka_dwarf_units(const struct ka_dwarf *d)
{
	ka_lazy_make(&d->units->once, list_all, (void *)d);
	return d->units;
}

static bool is_listed(const struct ka_dwarf *d)
{
	return atomic_load_explicit(&d->units->once.is_made, memory_order_acquire);
}

static struct ka_dwarf_unit *listed(const struct ka_dwarf_units *all, uint32_t id)
{
	size_t lo = 0, hi = all->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (all->at[mid].id <= id)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo && id - all->at[lo - 1].id < all->at[lo - 1].size ? &all->at[lo - 1] : NULL;
}

/* Of the few, the last that begins at id or before it; *ret_place: where the next would come. With the lock held. */
static struct ka_dwarf_unit *one_of_few(const struct ka_dwarf_units *all, uint32_t id, size_t *ret_place)
{
	size_t lo = 0, hi = all->few.n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (all->few.at[mid]->id <= id)
			lo = mid + 1;
		else
			hi = mid;
	}
	*ret_place = lo;
	return lo && id - all->few.at[lo - 1]->id < all->few.at[lo - 1]->size ? all->few.at[lo - 1] : NULL;
}

/* The unit of the object's own .debug_info that begins there, kept from now on. With the lock held. */
static struct ka_dwarf_unit *add_to_few(const struct ka_dwarf *d, uint32_t id, size_t place)
{
	const struct ka_dwarf_file *f = &d->files[0];
	struct ka_dwarf_units *all = d->units;
	struct ka_dwarf_unit *u = ka_xalloc(sizeof(*u));

	unit_init(u, f, id);
	if (!need(d, id - f->info_id + HEADER_MAX) ||
	    read_header(d, f->info.at + (id - f->info_id), f->info.size - (id - f->info_id), false, u) ||
	    !need(d, (uint64_t)(id - f->info_id) + u->size)) {
		free(u);
		return NULL;
	}
	ka_vec_push(&all->few, NULL);
	memmove(all->few.at + place + 1, all->few.at + place, (all->few.n - 1 - place) * sizeof(*all->few.at));
	all->few.at[place] = u;
	return u;
}

struct ka_dwarf_unit *ka_dwarf_unit_at(const struct ka_dwarf *d, uint32_t id)
{
	struct ka_dwarf_units *all = d->units;
	struct ka_dwarf_unit *u;
	size_t place;

	if (is_listed(d) || id - d->files[0].info_id >= d->files[0].info.size) {
		u = listed(ka_dwarf_units(d), id);
		return u && u->id == id ? u : NULL;
	}
	pthread_mutex_lock(&all->lock);
	u = one_of_few(all, id, &place);
	if (!u)
		u = add_to_few(d, id, place);
	else if (u->id != id)
		u = NULL;
	pthread_mutex_unlock(&all->lock);
	return u;
}

struct ka_dwarf_unit *ka_dwarf_unit_of(const struct ka_dwarf *d, uint32_t id)
{
	struct ka_dwarf_units *all = d->units;
	const struct ka_index_unit *known;
	struct ka_dwarf_unit *u;
	size_t place;

	if (is_listed(d))
		return listed(all, id);
	pthread_mutex_lock(&all->lock);
	u = one_of_few(all, id, &place);
	if (!u && all->index && id - d->files[0].info_id < d->files[0].info.size) {
		known = ka_index_unit_of(all->index, id);
		u = known && known->id - d->files[0].info_id < d->files[0].info.size && !one_of_few(all, known->id, &place) ?
			    add_to_few(d, known->id, place) : NULL;
		if (u && id - u->id >= u->size)
			u = NULL;	/* the index lies */
	}
	pthread_mutex_unlock(&all->lock);
	return u ? u : listed(ka_dwarf_units(d), id);
}

void ka_dwarf_set_index(const struct ka_dwarf *d, const struct ka_index *x)
{
	pthread_mutex_lock(&d->units->lock);
	if (!d->units->index)
		d->units->index = x;
	pthread_mutex_unlock(&d->units->lock);
}

void ka_dwarf_withdraw_index(const struct ka_dwarf *d, const struct ka_index *x)
{
	pthread_mutex_lock(&d->units->lock);
	if (d->units->index == x)
		d->units->index = NULL;
	pthread_mutex_unlock(&d->units->lock);
}

/* A section that may be absent. */
static struct ka_error *content(struct ka_object *o, const char *name, struct ka_dwarf_bytes *ret)
{
	struct ka_error *err = ka_object_debug_content(o, name, &ret->at, &ret->size);

	if (ka_error_catch(&err, KA_MISSING))
		*ret = (struct ka_dwarf_bytes){ 0 };
	return err;
}

static struct ka_error *read_file(struct ka_object *o, struct ka_dwarf_file *f)
{
	static const char *const names[] = { ".debug_abbrev", ".debug_str", ".debug_line_str", ".debug_rnglists", ".debug_ranges" };
	const struct ka_section *s;
	struct ka_object *debug = ka_object_debug(o, NULL);
	struct ka_error *err;

	ka_object_debug_unpack(o, names, KA_COUNT(names));
	err = ka_object_debug_lazy(o, ".debug_info", &f->info.at, &f->info.size);
	if (!err)
		err = ka_object_debug_content(o, ".debug_abbrev", &f->abbrev.at, &f->abbrev.size);
	if (!err)
		err = content(o, ".debug_types", &f->types);
	if (!err)
		err = content(o, ".debug_str", &f->str);
	if (!err)
		err = content(o, ".debug_line_str", &f->line_str);
	if (!err)
		err = content(o, ".debug_str_offsets", &f->str_offsets);
	if (err)
		return err;
	s = debug ? ka_object_section(debug, ".debug_str") : NULL;
	f->is_merged_str = s && s->flags & SHF_MERGE;
	return NULL;
}

/* dwz moved what several files share into one that .gnu_debugaltlink names, or .debug_sup. */
static struct ka_object *find_alt(struct ka_object *o)
{
	struct ka_object *debug = ka_object_debug(o, NULL);
	struct ka_object_priv *priv = ka_object_priv(o);

	if (!priv->alt && debug && ka_object_has_alt(debug))
		priv->alt = ka_object_alt_find(debug);
	return priv->alt;
}

static struct ka_error *dwarf_open(struct ka_object *o, struct ka_dwarf *d)
{
	struct ka_object *debug, *alt;
	struct ka_error *err = read_file(o, &d->files[0]);
	struct ka_dwarf_unit first;
	uint64_t next_id = 0;

	if (err)
		return err;
	debug = ka_object_debug(o, NULL);
	d->object = o;
	d->is_big_endian = o->is_big_endian;
	d->is_swapped = o->is_big_endian != (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__);
	if (debug && debug->is_mapped) {
		d->mapped = debug->data;
		d->mapped_size = debug->size;
	}
	alt = find_alt(o);
	if (alt && (ka_error_drop(read_file(alt, &d->files[1])) || !ka_object_debug_need(alt, ".debug_info", UINT64_MAX)))
		d->files[1] = (struct ka_dwarf_file){ 0 };
	for (size_t i = 0; i < KA_COUNT(d->files); i++) {
		struct ka_dwarf_file *f = &d->files[i];

		f->info_id = (uint32_t)next_id;
		next_id += f->info.size;
		f->types_id = (uint32_t)next_id;
		next_id += f->types.size;
		if (next_id > UINT32_MAX)
			return ka_error_new(KA_UNSUPPORTED, "%s: more than 4 GB of DWARF", o->path);
	}
	if (!need(d, HEADER_MAX) || read_header(d, d->files[0].info.at, d->files[0].info.size, false, &first))
		return ka_error_new(KA_CORRUPT, "%s: .debug_info has no unit that can be read", o->path);
	return NULL;
}

struct ka_error *ka_object_dwarf(struct ka_object *o, struct ka_dwarf **ret)
{
	struct ka_object_priv *priv = ka_object_priv(o);
	struct ka_error *err = NULL;

	pthread_mutex_lock(&priv->reader_lock);
	if (!priv->dwarf) {
		struct ka_dwarf *d = ka_xalloc(sizeof(*d));

		err = dwarf_open(o, d);
		if (!err) {
			d->units = ka_xalloc(sizeof(*d->units));
			ka_lazy_init(&d->units->once);
			pthread_mutex_init(&d->units->lock, NULL);
			priv->dwarf = d;
		} else {
			free(d);
		}
	}
	*ret = priv->dwarf;
	pthread_mutex_unlock(&priv->reader_lock);
	return err;
}

static void unit_free(struct ka_dwarf_unit *u)
{
	struct ka_dwarf_abbrevs *a = atomic_load(&u->abbrevs);

	if (a)
		ka_dwarf_abbrevs_free(a);
	free(a);
	ka_dwarf_functions_free(atomic_load(&u->functions));
	free(atomic_load(&u->bases));
}

void ka_dwarf_free(struct ka_dwarf *d)
{
	struct ka_dwarf_units *all = d ? d->units : NULL;

	if (!d)
		return;
	for (size_t i = 0; i < all->n; i++)
		unit_free(&all->at[i]);
	for (size_t i = 0; i < all->few.n; i++) {
		unit_free(all->few.at[i]);
		free(all->few.at[i]);
	}
	ka_vec_free(&all->few);
	free(all->at);
	ka_lazy_deinit(&all->once);
	pthread_mutex_destroy(&all->lock);
	free(all);
	free(d);
}
