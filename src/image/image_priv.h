/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of src/image share. */
#ifndef KA_IMAGE_PRIV_H
#define KA_IMAGE_PRIV_H

#include <inttypes.h>
#include "image.h"

#define KA_NOTES_MAX (16u << 20)	/* bytes of all notes: some hundred a CPU */

/* Parses ELF notes in bytes (which the image then owns and frees) and adds them. Stops at the first that does not fit. */
void ka_notes_add(struct ka_image *img, uint8_t *bytes, size_t size);
void ka_notes_free(struct ka_image *img);
/* Takes a copy as the image's VMCOREINFO, unless it has one. */
void ka_vmcoreinfo_set(struct ka_image *img, const void *text, size_t size);
/* The same of what makedumpfile erased (its ERASEINFO). */
void ka_erased_set(struct ka_image *img, const void *text, size_t size);
/* Adds a line to info.warning. */
void ka_image_warn(struct ka_image *img, const char *fmt, ...) KA_PRINTF(2, 3);

/* Reads as zeros what the dump lacks (--zero-excluded), and counts it. */
void ka_image_zero(struct ka_image *img, uint64_t phys, void *ret, size_t size);
/* The error of memory that makedumpfile left out: which kinds its level leaves out. */
struct ka_error *ka_image_excluded(const struct ka_image *img, uint64_t phys) KA_MUST_CHECK;

/* extents.c: memory that lies in files as it is. img->priv of such a format is one struct ka_extents. */
enum ka_extent_kind { KA_EXTENT_FILE, KA_EXTENT_CUT /* behind the end of the file */, KA_EXTENT_LEFT_OUT };
struct ka_extent {
	uint64_t start, end;	/* physical */
	uint64_t offset;	/* of start in the file */
	size_t order;		/* in which it was added */
	uint32_t file;		/* index in img->files */
	enum ka_extent_kind kind;
};
struct ka_extents {
	KA_VEC(struct ka_extent);
};
/* mem_size behind file_size is what was left out. phys + mem_size must not overflow, nor offset + mem_size. */
void ka_extents_add(struct ka_extents *x, const struct ka_file *f, uint32_t file, uint64_t phys, uint64_t offset, uint64_t file_size, uint64_t mem_size);
/* To be called once, when all are added: sorts them, and of those that overlap keeps what counts. */
void ka_extents_settle(struct ka_extents *x);
/* Index of the first that ends behind phys. */
size_t ka_extents_from(const struct ka_extents *x, uint64_t phys);
const uint8_t *ka_extents_map(struct ka_image *img, uint64_t phys, uint64_t *ret_size);
struct ka_error *ka_extents_read(struct ka_image *img, uint64_t phys, void *ret, size_t size) KA_MUST_CHECK;
bool ka_extents_next_range(struct ka_image *img, uint64_t phys, uint64_t *ret_start, uint64_t *ret_end);
void ka_extents_close(struct ka_image *img);

/* refused.c: the name of a format that is known and not read; NULL: none. */
const char *ka_format_refused(const struct ka_file *f, const char **ret_hint);

/* cache.c: pages by physical address, bounded, safe from several threads. */
struct ka_page_cache *ka_cache_new(uint32_t page_size);
void ka_cache_free(struct ka_page_cache *c);
void ka_cache_set_size(struct ka_page_cache *c, uint64_t bytes);
uint64_t ka_cache_size(const struct ka_page_cache *c);
/* Copies part of a page that is there. False: not there. */
bool ka_cache_get(struct ka_page_cache *c, uint64_t page, size_t offset, void *ret, size_t size);
void ka_cache_put(struct ka_page_cache *c, uint64_t page, const void *bytes);

/* unpack.c: one page into buf of exactly page_size bytes. */
struct ka_error *ka_page_unpack(uint32_t compression, const uint8_t *packed, size_t packed_size, uint8_t *buf, size_t page_size) KA_MUST_CHECK;

#endif
