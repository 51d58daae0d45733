/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Flattened dumps (makedumpfile -F): a stream of blocks, each with its place in the file that it makes. */
#ifndef KA_IMAGE_FLAT_H
#define KA_IMAGE_FLAT_H

#include "image.h"

/* Is the file a flattened one? */
bool ka_flat_probe(const struct ka_file *f);
/* Makes the index of the blocks; afterwards size and reads of f are those of the file that the blocks make. */
struct ka_error *ka_flat_open(struct ka_file *f) KA_MUST_CHECK;
void ka_flat_close(struct ka_flat *flat);
struct ka_error *ka_flat_read(const struct ka_file *f, uint64_t offset, void *ret, size_t size) KA_MUST_CHECK;
/* Where the byte at offset lies in the mapped stream; *ret_size, at first how many bytes are wanted, becomes how many follow there.
 * NULL: in a hole, or not mapped. */
const uint8_t *ka_flat_map(const struct ka_file *f, uint64_t offset, uint64_t *ret_size);
/* The stream ends without its end mark. */
bool ka_flat_is_cut(const struct ka_flat *flat);
/* Bytes of the file itself, whatever it is; file.c. */
struct ka_error *ka_file_read_raw(const struct ka_file *f, uint64_t offset, void *ret, size_t size) KA_MUST_CHECK;

/* packed.c: an error when the file is compressed as a whole. */
struct ka_error *ka_packed_refuse(const struct ka_file *f) KA_MUST_CHECK;

/* guard.c: from now on an access to the map that fails sets *is_broken instead of ending the program. */
void ka_guard_add(const void *start, size_t size, bool *is_broken);
void ka_guard_remove(const void *start);
/* To be asked after each use of a map. */
static inline bool ka_file_is_broken(const struct ka_file *f)
{
	return __builtin_expect(__atomic_load_n(&f->is_map_broken, __ATOMIC_ACQUIRE), 0);
}

#endif
