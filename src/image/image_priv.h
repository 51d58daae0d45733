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
/* Adds a line to info.warning. */
void ka_image_warn(struct ka_image *img, const char *fmt, ...) KA_PRINTF(2, 3);

/* cache.c: pages by physical address, bounded, safe from several threads. */
struct ka_page_cache *ka_cache_new(uint32_t page_size);
void ka_cache_free(struct ka_page_cache *c);
void ka_cache_set_size(struct ka_page_cache *c, uint64_t bytes);
/* Copies part of a page that is there. False: not there. */
bool ka_cache_get(struct ka_page_cache *c, uint64_t page, size_t offset, void *ret, size_t size);
void ka_cache_put(struct ka_page_cache *c, uint64_t page, const void *bytes);

/* unpack.c: one page into buf of exactly page_size bytes. */
struct ka_error *ka_page_unpack(uint32_t compression, const uint8_t *packed, size_t packed_size, uint8_t *buf, size_t page_size) KA_MUST_CHECK;

#endif
