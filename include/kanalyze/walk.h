/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Walkers: what exists. Pull, not callback:
 *
 *	struct ka_walk w = ka_walk_tasks(k);
 *	for (ka_addr at; ka_walk_next(&w, &at); ) { ... }
 *	err = ka_walk_end(&w);
 *
 * ka_walk_next owns the guards: cycles, an upper bound, Ctrl-C, and addresses that cannot be.
 * What ended the walk early is the error of ka_walk_end; what was yielded before stays good.
 */
#ifndef KANALYZE_WALK_H
#define KANALYZE_WALK_H

#include <kanalyze/memory.h>

struct ka_walk;

struct ka_walk_ops {
	const char *name;	/* "task": for messages and the table of walkers */
	/* The next object into *ret; *ret_done = true at the end. */
	struct ka_error *(*step)(struct ka_walk *w, ka_addr *ret, bool *ret_done);
	void (*fini)(struct ka_walk *w);	/* may be NULL */
};

struct ka_walk {
	struct ka_kernel *k;
	const struct ka_walk_ops *ops;
	void *state;		/* the walker's own; freed with free() by ka_walk_end unless fini does */
	ka_addr at, end;	/* the walker's own: position and where it stops */
	uint64_t offset;	/* the walker's own */
	uint64_t count, limit;	/* limit 0: the default bound of 64 M objects */
	struct ka_map seen;
	struct ka_error *err;
	bool done;
};

bool ka_walk_next(struct ka_walk *w, ka_addr *ret);
struct ka_error *ka_walk_end(struct ka_walk *w) KA_MUST_CHECK;

/* struct list_head at head: yields the addresses of the objects that embed the links (link - offset). The head is not yielded. */
struct ka_walk ka_walk_list(struct ka_kernel *k, ka_addr head, uint64_t offset);
/* struct hlist_head at head. */
struct ka_walk ka_walk_hlist(struct ka_kernel *k, ka_addr head, uint64_t offset);
/* All entries of an xarray (struct xarray) or a radix tree (struct radix_tree_root); values and NULLs are left out. */
struct ka_walk ka_walk_xarray(struct ka_kernel *k, ka_addr root);
/* Nodes of an rbtree (struct rb_root or rb_root_cached) in order; yields node - offset. */
struct ka_walk ka_walk_rbtree(struct ka_kernel *k, ka_addr root, uint64_t offset);

#endif
