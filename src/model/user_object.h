/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The programs and libraries that a process has mapped: unwinding data and symbols, from files and from the dump's memory. Private to the model. */
#ifndef KA_MODEL_USER_OBJECT_H
#define KA_MODEL_USER_OBJECT_H

#include <kanalyze/text.h>
#include <kanalyze/vma.h>
#include "kernel.h"

struct ka_user_area {
	uint64_t start, end, flags, offset;	/* offset: in the file, bytes */
	ka_addr file;
	const char *name;		/* path, "[vdso]", "[heap]" ...; "[anon]" */
};

struct ka_user_file;
struct ka_user_elf;
struct ka_user_cached;

/* One process's memory, for as long as an arena. */
struct ka_user_space {
	struct ka_kernel *k;
	ka_addr mm;
	const char *sysroot;
	struct ka_arena *arena;
	struct ka_user_area *areas;	/* sorted */
	size_t area_count;
	struct { KA_VEC(struct ka_user_elf *); } elfs;
	struct { KA_VEC(struct ka_user_cached *); } cached;
	struct { KA_VEC(const char *); } remarks;	/* for who asks why something lacks */
};

struct ka_error *ka_user_space_open(struct ka_kernel *k, ka_addr mm, const char *sysroot, struct ka_arena *a, struct ka_user_space *ret) KA_MUST_CHECK;
void ka_user_space_close(struct ka_user_space *s);
const struct ka_user_area *ka_user_area_at(const struct ka_user_space *s, uint64_t at);
bool ka_user_is_code(const struct ka_user_space *s, uint64_t at);
/* Through the page tables; what a process has not touched of a file, from the page cache. */
bool ka_user_read(struct ka_user_space *s, uint64_t at, void *ret, size_t size);
/* user_cached.c: a part of a page of an area's file. False: it is not in the page cache. */
bool ka_user_cached_read(struct ka_user_space *s, const struct ka_user_area *a, uint64_t at, void *ret, size_t size);
void ka_user_cached_free(struct ka_user_space *s);

/* How to leave the function at an address. */
struct ka_error *ka_user_rules(struct ka_user_space *s, uint64_t at, struct ka_frame_rules *ret) KA_MUST_CHECK;
/* The function that holds it. False: no symbol. */
bool ka_user_symbol(struct ka_user_space *s, uint64_t at, const char **ret_name, uint64_t *ret_offset);
bool ka_user_source(struct ka_user_space *s, uint64_t at, struct ka_source *ret);

#endif
