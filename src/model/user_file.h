/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ELF files of user space: their program headers, and where the files themselves come from. Private to user_file.c and user_object.c. */
#ifndef KA_MODEL_USER_FILE_H
#define KA_MODEL_USER_FILE_H

#include "user_object.h"

#define KA_USER_HEADERS 64	/* program headers; programs have about 13 */

struct ka_user_load { uint64_t offset, size, addr; };

/* Program headers, of a file or of what is mapped. Addresses as linked. */
struct ka_user_headers {
	uint16_t e_machine;
	bool is_64bit;
	struct ka_user_load load[KA_USER_HEADERS];
	unsigned load_count;
	uint64_t eh_frame_hdr, dynamic, dynamic_size;
	uint8_t build_id[64];
	size_t build_id_size;
};

typedef bool (*ka_user_read_fn)(void *ctx, uint64_t at, void *ret, size_t size);
/* is_memory: what segments hold is read at their addresses + bias (which comes of the first), else at their offsets. */
bool ka_user_headers_read(ka_user_read_fn read, void *ctx, uint64_t base, bool is_memory, struct ka_user_headers *ret, uint64_t *ret_bias);
uint64_t ka_user_number(const uint8_t *at, unsigned size);	/* little-endian */

/* A file, kept as long as the session. */
struct ka_user_file {
	char *path;
	struct ka_object *object, *debug;	/* debug: of a stripped one */
	struct ka_user_headers headers;
	const struct ka_symtab *symtab;		/* the object's own, or its debug file's */
	struct ka_symtab *dynsym;
	char *why_not;				/* then there is no object */
};

/* SYSROOT/PATH. */
struct ka_user_file *ka_user_file_below(struct ka_kernel *k, const char *sysroot, const char *path);
/* The same made of the page cache, when all of the file is there. */
struct ka_user_file *ka_user_file_cached(struct ka_user_space *s, const struct ka_user_area *a);

#endif
