/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Private to src/debuginfo: what its files share about an object behind struct ka_object.priv. */
#ifndef KA_OBJECT_H
#define KA_OBJECT_H

#include <pthread.h>
#include <stdatomic.h>
#include "debuginfo.h"

struct ka_dwarf;
struct ka_lines;
struct ka_cfi;

/*
 * lock guards contents and the lazily made pointers; dwarf_lock the debug file and what is relocated; reader_lock the
 * making of dwarf. Order: reader_lock, dwarf_lock, lock.
 */
struct ka_object_priv {
	pthread_mutex_t lock, dwarf_lock, reader_lock;
	pthread_cond_t unpacked;	/* a content is no longer busy */
	char *names;			/* copy of the section names when the file's are not terminated */
	struct ka_content {
		const uint8_t *at;
		size_t size;
		uint64_t stored_size;	/* in the file: that of struct ka_section is the unpacked one */
		bool is_own;		/* unpacked: to be freed */
		bool is_busy;		/* a thread unpacks it */
		struct ka_unpack_stream *stream;	/* NULL: all of it is there */
		_Atomic size_t have;	/* with a stream: bytes that are there */
	} *contents;			/* by section index; at NULL: not asked for yet */
	bool is_debug_sought;
	struct ka_object *debug;	/* separate debug file, where this object has no DWARF itself */
	char *debug_tried;		/* what was looked at, for messages */
	struct ka_object *alt;		/* dwz's common file */
	struct ka_dwarf *dwarf;		/* see ka_object_dwarf() */
	struct ka_symtab *symtab;
	uint8_t **relocated;		/* by section index, of ET_REL */
	uint64_t *bases;		/* ET_REL: where each section is laid, see ka_object_base() */
	struct ka_lines *lines;
	struct ka_cfi *cfi;
};

static inline struct ka_object_priv *ka_object_priv(const struct ka_object *o)
{
	return o->priv;
}

/* Does a common file of dwz's belong to it (.gnu_debugaltlink, .debug_sup)? */
bool ka_object_has_alt(const struct ka_object *d);
/* The common file that dwz moved shared entries to, opened anew; NULL: none, or not found. */
struct ka_object *ka_object_alt_find(struct ka_object *d);
/*
 * The object that has the .debug_* sections: o, its separate debug file, or NULL (*ret_tried, may be NULL:
 * what was looked at).
 */
struct ka_object *ka_object_debug(struct ka_object *o, const char **ret_tried);

/*
 * Content of a section as DWARF readers need it: unpacked, and relocated in ET_REL; of .debug_* from the separate
 * debug file where the object has none. MISSING when there is no such section.
 */
struct ka_error *ka_object_debug_content(struct ka_object *o, const char *name, const uint8_t **ret,
					 size_t *ret_size) KA_MUST_CHECK;
/*
 * The same of a section of which only parts may be needed: when it is packed and large, no byte may be read before
 * ka_object_debug_need() said that those up to end are there. False: damaged before that, or interrupted.
 */
struct ka_error *ka_object_debug_lazy(struct ka_object *o, const char *name, const uint8_t **ret, size_t *ret_size) KA_MUST_CHECK;
bool ka_object_debug_need(struct ka_object *o, const char *name, uint64_t end);
/* Unpacks at once, on all cores, what of these is packed: before they are asked for one by one. */
void ka_object_debug_unpack(struct ka_object *o, const char *const *names, size_t count);

/* Do these bytes lie in the file? The error when they do not: what ends at byte at. */
static inline bool ka_object_has(const struct ka_object *o, uint64_t offset, uint64_t size)
{
	return offset <= o->size && size <= o->size - offset;
}
struct ka_error *ka_object_cut(const struct ka_object *o, const char *what, uint64_t at) KA_MUST_CHECK;
/* Of a section whose size is still that in the file. */
uint64_t ka_object_unpacked_size(const struct ka_object *o, const struct ka_section *s);
/* As ka_object_content, into memory of the caller's; size is that of struct ka_section. Nothing is kept. */
struct ka_error *ka_object_content_copy(struct ka_object *o, const struct ka_section *s, uint8_t *out,
					size_t size) KA_MUST_CHECK;
/* content.c: as ka_object_content, but what is packed and large has no bytes until ka_object_content_need() puts them there. */
struct ka_error *ka_object_content_lazy(struct ka_object *o, const struct ka_section *s, const uint8_t **ret,
					size_t *ret_size) KA_MUST_CHECK;
struct ka_error *ka_object_content_need(struct ka_object *o, const struct ka_section *s, uint64_t end) KA_MUST_CHECK;
/* relocate.c: applies the relocations of section s of an ET_REL object to a copy of its content. */
struct ka_error *ka_object_relocate(struct ka_object *o, const struct ka_section *s, uint8_t *bytes,
				    size_t size) KA_MUST_CHECK;

/* Integers of the object's byte order. */
static inline uint64_t ka_object_uint(const struct ka_object *o, const void *at, size_t size)
{
	const uint8_t *p = at;
	uint64_t v = 0;

	switch (size) {
	case 1:
		return *p;
	case 2: {
		uint16_t x;

		memcpy(&x, p, 2);
		return o->is_big_endian == (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__) ? x : __builtin_bswap16(x);
	}
	case 4: {
		uint32_t x;

		memcpy(&x, p, 4);
		return o->is_big_endian == (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__) ? x : __builtin_bswap32(x);
	}
	case 8:
		memcpy(&v, p, 8);
		return o->is_big_endian == (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__) ? v : __builtin_bswap64(v);
	default:
		for (size_t i = 0; i < size && i < 8; i++)
			v = v << 8 | p[o->is_big_endian ? i : size - 1 - i];
		return v;
	}
}

/* sort.c: stable, by key; b is room for as many. Returns a or b, whichever holds the result. */
struct ka_sort_key {
	uint64_t key;
	uint32_t at;
};
struct ka_sort_key *ka_sort_keys(struct ka_sort_key *a, struct ka_sort_key *b, size_t n);

/* unpack.c: one packed block of known unpacked size (a section), zlib or zstd by method (ELFCOMPRESS_*). */
struct ka_error *ka_unpack_block(unsigned method, const uint8_t *in, size_t in_size, uint8_t *out,
				 size_t out_size) KA_MUST_CHECK;
/* unpack_stream.c: the same from its start as far as is needed. NULL: the method is not known. */
struct ka_unpack_stream;
struct ka_unpack_stream *ka_unpack_stream_new(unsigned method, const uint8_t *in, size_t in_size, uint8_t *out, size_t out_size);
/* At least the first end bytes; *ret_have: how many there are now, also at an error. */
struct ka_error *ka_unpack_stream_to(struct ka_unpack_stream *s, size_t end, size_t *ret_have) KA_MUST_CHECK;
void ka_unpack_stream_free(struct ka_unpack_stream *s);
/* Is it the start of a whole-file gz, xz or zst? Its name, or NULL. */
const char *ka_unpack_kind(const uint8_t *start, size_t size);
/* The whole file into fresh anonymous memory (munmap it). FORMAT, CORRUPT, TRUNCATED, UNSUPPORTED, INTERRUPTED. */
struct ka_error *ka_unpack_file(const char *path, const uint8_t *in, size_t in_size, uint8_t **ret,
				size_t *ret_size) KA_MUST_CHECK;
/* The first bytes only; returns how many there are (0: not packed or damaged). */
size_t ka_unpack_start(const uint8_t *in, size_t in_size, uint8_t *out, size_t out_size);

/* Each frees what its file keeps in priv. */
void ka_lines_free(struct ka_lines *l);
void ka_cfi_free(struct ka_cfi *c);
void ka_object_dwarf_free(struct ka_object *o);
void ka_dwarf_free(struct ka_dwarf *d);

#endif
