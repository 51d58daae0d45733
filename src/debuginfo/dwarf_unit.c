/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where DWARF's units begin, and which bytes they are made of. */
#include <sys/mman.h>
#include <unistd.h>
#include "dwarf_die.h"
#include "object.h"

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

void ka_dwarf_forget(const struct ka_dwarf *d, size_t first, size_t end)
{
	uintptr_t mask = (uintptr_t)sysconf(_SC_PAGESIZE) - 1, from, to;

	if (first >= end || !d->mapped)
		return;
	from = ((uintptr_t)d->units[first].at + mask) & ~mask;
	to = (uintptr_t)(d->units[end - 1].at + d->units[end - 1].size) & ~mask;
	/* Only pages of the file: unpacked sections would be lost. */
	if (from < to && from >= (uintptr_t)d->mapped && to <= (uintptr_t)d->mapped + d->mapped_size)
		madvise((void *)from, to - from, MADV_DONTNEED);
}

/* Appends the units of one section. What is damaged ends the list: all before it is still good. */
static void list_units(struct ka_dwarf *d, const char *path, const struct ka_dwarf_file *file, struct ka_dwarf_bytes section,
		       uint32_t first_id, bool is_types)
{
	size_t forgotten = d->unit_count, walked = 0;

	for (size_t at = 0; at < section.size; ) {
		struct ka_dwarf_unit u = { .file = file, .id = first_id + (uint32_t)at, .info_base = file->info_id };
		const char *wrong = read_header(d, section.at + at, section.size - at, is_types, &u);

		if (wrong) {
			ka_log(1, "%s: DWARF: %s, at %#zx of %s", path, wrong, at, is_types ? ".debug_types" : ".debug_info");
			return;
		}
		atomic_init(&u.str_offsets_base, u.version >= 5 ? u.offset_size * 2u : 0);
		if (d->unit_count == d->unit_cap) {
			d->unit_cap = d->unit_cap ? d->unit_cap * 2 : 1024;
			d->units = ka_xrealloc(d->units, d->unit_cap * sizeof(*d->units));
		}
		memcpy(&d->units[d->unit_count++], &u, sizeof(u));
		at += u.size;
		walked += u.size;
		if (walked >= FORGET_SIZE) {
			ka_dwarf_forget(d, forgotten, d->unit_count);
			forgotten = d->unit_count;
			walked = 0;
		}
	}
	ka_dwarf_forget(d, forgotten, d->unit_count);
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
	const struct ka_section *s;
	struct ka_object *debug = ka_object_debug(o, NULL);
	struct ka_error *err = ka_object_debug_content(o, ".debug_info", &f->info.at, &f->info.size);

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

/* dwz moved what several files share into one that .gnu_debugaltlink names. Opening libdw's handle is what finds it. */
static struct ka_object *find_alt(struct ka_object *o)
{
	struct ka_object *debug = ka_object_debug(o, NULL);
	Dwarf *dwarf;

	if (!debug || !ka_object_section(debug, ".gnu_debugaltlink"))
		return NULL;
	if (ka_error_drop(ka_object_dwarf(o, &dwarf)))
		return NULL;
	return ka_object_priv(o)->alt ? ka_object_priv(o)->alt : ka_object_priv(debug)->alt;
}

struct ka_error *ka_dwarf_open(struct ka_object *o, struct ka_dwarf *d)
{
	struct ka_object *debug, *alt;
	struct ka_error *err = read_file(o, &d->files[0]);
	uint64_t next_id = 0;

	if (err)
		return err;
	debug = ka_object_debug(o, NULL);
	d->is_big_endian = o->is_big_endian;
	d->is_swapped = o->is_big_endian != (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__);
	if (debug && debug->is_mapped) {
		d->mapped = debug->data;
		d->mapped_size = debug->size;
	}
	alt = find_alt(o);
	if (alt && ka_error_drop(read_file(alt, &d->files[1])))
		d->files[1] = (struct ka_dwarf_file){ 0 };
	for (size_t i = 0; i < KA_COUNT(d->files); i++) {
		struct ka_dwarf_file *f = &d->files[i];

		f->info_id = (uint32_t)next_id;
		next_id += f->info.size;
		f->types_id = (uint32_t)next_id;
		next_id += f->types.size;
		if (next_id > UINT32_MAX)
			return ka_error_new(KA_UNSUPPORTED, "%s: more than 4 GB of DWARF", o->path);
		list_units(d, o->path, f, f->info, f->info_id, false);
		list_units(d, o->path, f, f->types, f->types_id, true);
	}
	ka_log(2, "%s: DWARF: %zu units in %zu bytes", o->path, d->unit_count, d->files[0].info.size);
	if (!d->unit_count) {
		ka_dwarf_close(d);
		return ka_error_new(KA_CORRUPT, "%s: .debug_info has no unit that can be read", o->path);
	}
	return NULL;
}

void ka_dwarf_close(struct ka_dwarf *d)
{
	for (size_t i = 0; i < d->unit_count; i++) {
		struct ka_dwarf_abbrevs *a = atomic_load(&d->units[i].abbrevs);

		if (a)
			ka_dwarf_abbrevs_free(a);
		free(a);
	}
	free(d->units);
	d->units = NULL;
	d->unit_count = d->unit_cap = 0;
}
