/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Private to find*.c: files that may fit are tried one after another, and what was wrong with each is kept. */
#ifndef KA_FIND_H
#define KA_FIND_H

#include <sys/types.h>
#include "object.h"

struct ka_finder_seen {
	dev_t dev;
	ino_t ino;
};

struct ka_finder {
	const struct ka_find_request *r;
	const uint8_t *build_id;	/* wanted; size 0 unknown */
	size_t build_id_size;
	const char *module;		/* NULL: a vmlinux is sought */
	/* Files already tried: one is often reached by several names. */
	struct { KA_VEC(struct ka_finder_seen); } seen;
	struct ka_str roots, rejected;	/* texts for the message: where it was looked, what did not fit */
	struct ka_object *found;	/* fits, and has DWARF */
	struct ka_object *thin;		/* the first that fits, but has no DWARF */
	struct ka_error *stop;		/* interrupted */
};

/* path and path.debug, .gz, .xz, .zst. True when the search is over. Takes ownership of path. */
bool ka_finder_try(struct ka_finder *f, char *path);
/* One file, by exactly that name. */
bool ka_finder_try_file(struct ka_finder *f, const char *path);
/* Notes for the message that it was looked below a directory ("": the system's root). */
void ka_finder_add_root(struct ka_finder *f, const char *dir);
/* DIR/.build-id/xx/rest.debug and DIR/usr/lib/debug/.build-id/xx/rest.debug. */
bool ka_finder_try_build_id(struct ka_finder *f, const char *dir);
/* The result, or why there is none: places were looked for below the roots. Frees what f holds. */
struct ka_error *ka_finder_end(struct ka_finder *f, const char *what, const char *places, const char *hint,
			       struct ka_object **ret) KA_MUST_CHECK;

#endif
