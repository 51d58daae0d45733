/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Fuzzer of source lines and inlined functions. Input: an ELF file, as build/tests/unit/inlines_fixture_* are: good first
 * inputs, packed and relocatable ones among them.
 */
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>
#include "debuginfo.h"

#define SYMBOLS_MAX	24
#define PLACES_MAX	12	/* of a symbol */
#define SECTION_MAX	(16u << 20)

static void ask(struct ka_object *o, uint64_t at, uint32_t section)
{
	struct ka_object_place chain[8], place;
	size_t n = ka_object_chain(o, at, section, chain, KA_COUNT(chain));
	struct ka_frame_rules rules;
	uint64_t from, to;

	if (n > KA_COUNT(chain))
		abort();
	for (size_t i = 0; i < n; i++) {
		if (chain[i].is_inlined == (i + 1 == n) && n < KA_COUNT(chain))
			abort();	/* the last one, and it alone, is the function itself */
		if (chain[i].function && strlen(chain[i].function) > SECTION_MAX)
			abort();
	}
	if (ka_object_place(o, at, section, &place) && place.name) {
		ka_object_last_line(o, at, at + 64, section, place.file);
		ka_object_line_address(o, place.name, place.line, &from, &to);
	}
	ka_error_drop(ka_object_cfi(o, ka_object_base(o, section) + at, &rules));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct ka_symtab *t = NULL;
	struct ka_object *o = NULL;
	struct ka_types *types;
	char path[64];
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (!ka_error_drop(ka_object_open(path, &o))) {
		o->has_no_cache = true;
		for (size_t i = 0; i < o->section_count; i++) {
			if (o->sections[i].size <= SECTION_MAX)
				continue;
			/* it is fine to unpack what is so large, but not a thousand times a second */
			ka_object_close(o);
			close(fd);
			return 0;
		}
		ka_error_drop(ka_object_symtab(o, &t));
		for (size_t i = 0; t && i < t->n && i < SYMBOLS_MAX; i++) {
			const struct ka_elf_symbol *s = &t->at[i];
			uint64_t step = s->size / PLACES_MAX + 1;

			for (uint64_t at = 0; at <= s->size && at / step <= PLACES_MAX; at += step)
				ask(o, s->addr + at, o->e_type == ET_REL ? s->section : 0);
		}
		ka_object_may_name(o, "point");
		if (!ka_error_drop(ka_types_open_dwarf(o, &types))) {
			ka_types_find(types, "struct point");
			for (size_t i = 0; t && i < t->n && i < SYMBOLS_MAX; i++) {
				struct ka_type_named named;

				types->ops->static_at(types, t->strings + t->at[i].name, t->at[i].addr, &named);
				types->ops->rust_at(types, t->at[i].addr, &named);
			}
			ka_types_close(types);
		}
	}
	ka_object_close(o);
	close(fd);
	return 0;
}
