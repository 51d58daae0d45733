/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A search of all memory of the dump. */
#ifndef KA_TARGET_SCAN_H
#define KA_TARGET_SCAN_H

#include "image.h"

/* The text of that number begins at phys. One call at a time, but of any thread and in no order. False: enough. */
typedef bool ka_scan_fn(void *ctx, unsigned text, uint64_t phys);
/* texts: NULL-terminated, shorter than 64 bytes. what: for the display of progress. Errors: INTERRUPTED. */
struct ka_error *ka_scan(struct ka_image *img, const char *what, const char *const *texts, ka_scan_fn *fn, void *ctx) KA_MUST_CHECK;

#endif
