/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The index of an object's names as one block of bytes: made once, kept in a file, read in place. Knows what it is an
 * index of by build-id and by the size of what was indexed; whatever does not fit is not used.
 */
#ifndef KA_INDEX_FILE_H
#define KA_INDEX_FILE_H

#include <kanalyze/base.h>

struct ka_index_key {
	uint8_t build_id[64];
	uint32_t build_id_size;
	uint64_t info_size;		/* bytes of .debug_info, and of what else was indexed */
};

struct ka_index_entry {
	uint32_t hash;			/* of name and space */
	uint32_t name;			/* in the strings */
	uint32_t id;			/* of the DIE */
	uint32_t space_print;		/* space << 24, and 24 bits of what tells definitions of one name apart */
};

struct ka_index_unit {
	uint32_t id;			/* of its header */
	uint32_t name, comp_dir;	/* in the strings; 0: none */
	uint32_t has_lines;
	uint64_t stmt_list;
};

struct ka_index {
	const struct ka_index_entry *entries;	/* by hash; those of one hash in the order of the file */
	const struct ka_index_unit *units;	/* by id */
	const char *strings;
	uint32_t entry_count, unit_count, strings_size;
	uint8_t *bytes;			/* all of it */
	size_t size;
};

/* ---- making ---- */

struct ka_index_builder {
	struct { KA_VEC(struct ka_index_entry); } entries;
	struct { KA_VEC(struct ka_index_unit); } units;
	struct ka_str strings;
	struct ka_map known;		/* where a string lay -> its place in strings */
};
void ka_index_add(struct ka_index_builder *b, unsigned space, uint32_t hash, const char *name, uint32_t id, uint32_t print);
/* In the order of their ids. NULL strings: none. */
void ka_index_add_unit(struct ka_index_builder *b, uint32_t id, const char *name, const char *comp_dir, bool has_lines, uint64_t stmt_list);
/* Takes what the builder has. */
void ka_index_finish(struct ka_index_builder *b, const struct ka_index_key *key, struct ka_index *ret);

/* Puts size and checksum of the bytes into their header, when they have room for one. */
void ka_index_seal(uint8_t *bytes, size_t size);

/* ---- reading ---- */

/*
 * Takes bytes (from ka_xalloc) when it succeeds. FORMAT: not such a file, or of another version or byte order; NOT_FOUND:
 * of another object; CORRUPT, TRUNCATED: damaged. After that every look-up is safe, whatever the bytes are.
 */
struct ka_error *ka_index_open(uint8_t *bytes, size_t size, const struct ka_index_key *key, struct ka_index *ret) KA_MUST_CHECK;
void ka_index_free(struct ka_index *x);
/* "" when out of bounds. */
const char *ka_index_string(const struct ka_index *x, uint32_t at);
/* The next entry of this name and space; start with *pos = 0. NULL: no more. */
const struct ka_index_entry *ka_index_next(const struct ka_index *x, unsigned space, uint32_t hash, const char *name, size_t *pos);
/* The unit that a DIE is of, or NULL. */
const struct ka_index_unit *ka_index_unit_of(const struct ka_index *x, uint32_t id);

/* ---- index_cache.c: the file ---- */

/*
 * $XDG_CACHE_HOME/kanalyze/BUILD-ID, else ~/.cache/kanalyze/BUILD-ID; malloc'd; NULL: there is no such place. The file
 * must be a plain one of this user's; what is not fit for use is left alone and told at log level 1.
 */
char *ka_index_path(const struct ka_index_key *key);
bool ka_index_load(const char *path, const struct ka_index_key *key, struct ka_index *ret);
/* Beside it and renamed, so that a reader sees the old one or the new one. Failure is only logged: there will be no cache. */
void ka_index_save(const char *path, const struct ka_index *x);

#endif
