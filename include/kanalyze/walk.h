/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Walkers: what exists. Pull, not callback:
 *
 *	struct ka_walk w = ka_walk_tasks(k);
 *	for (ka_addr at; ka_walk_next(&w, &at); ) { ... }
 *	err = ka_walk_end(&w);
 *
 * ka_walk_next owns the guards: cycles, an upper bound, Ctrl-C, and addresses that cannot be.
 * What ended the walk early is the error of ka_walk_end; what was yielded before stays good. Where a part could be
 * stepped over (the subtree below a bad node), the walk goes on, and the first such fault is the error of ka_walk_end.
 */
#ifndef KANALYZE_WALK_H
#define KANALYZE_WALK_H

#include <kanalyze/memory.h>

struct ka_walk;

enum ka_place_kind {
	KA_PLACE_ENTRY,		/* a pointer, or whatever else the tree was given */
	KA_PLACE_VALUE,		/* an integer marked as one, in place of a pointer (xa_mk_value, exceptional entries) */
	KA_PLACE_RESERVED,	/* a mark of the tree's own: zero entries, retry entries */
	KA_PLACE_EMPTY,		/* nothing there (KA_TREE_NODES) */
	KA_PLACE_NODE,		/* an inner node, before what is below it (KA_TREE_NODES) */
};

#define KA_PLACE_DEPTH 128

/* Where in a tree the object lies that ka_walk_next() gave last. */
struct ka_place {
	enum ka_place_kind kind;
	uint64_t entry;			/* as it stands in its slot */
	uint64_t first, last;		/* indexes of it; not of rbtrees */
	unsigned depth;			/* slots from the root down; 0: it hangs at the root itself */
	uint8_t slot[KA_PLACE_DEPTH];	/* rbtrees: 0 left, 1 right */
};

struct ka_walk_ops {
	const char *name;	/* "task": for messages and the table of walkers */
	/* The next object into *ret; *ret_done = true at the end. */
	struct ka_error *(*step)(struct ka_walk *w, ka_addr *ret, bool *ret_done);
	void (*fini)(struct ka_walk *w);	/* may be NULL; called when there is a state */
	const struct ka_place *(*place)(const struct ka_walk *w);	/* NULL: not a tree */
};

struct ka_walk {
	struct ka_kernel *k;
	const struct ka_walk_ops *ops;
	void *state;		/* the walker's own; freed with free() by ka_walk_end unless fini does */
	ka_addr at, end;	/* the walker's own: position and where it stops */
	uint64_t offset;	/* the walker's own */
	uint64_t count, limit;	/* limit 0: the default bound of 64 M objects */
	bool may_repeat;	/* the same object at two places is no cycle: the walker guards itself */
	struct ka_map seen;
	uint64_t seen_limit;	/* objects remembered; 0: the default of 4 M. Behind them Brent's algorithm finds cycles */
	ka_addr tortoise;
	uint64_t tortoise_power;
	struct ka_error *err;	/* also what a walker that cannot begin starts with */
	struct ka_error *kept;	/* the first fault that was stepped over */
	uint64_t kept_count;
	bool done;
};

bool ka_walk_next(struct ka_walk *w, ka_addr *ret);
struct ka_error *ka_walk_end(struct ka_walk *w) KA_MUST_CHECK;
/* For walkers: a fault that does not end the walk. Takes err; NULL is ignored. */
void ka_walk_fault(struct ka_walk *w, struct ka_error *err);
/* Only of trees, after ka_walk_next() said true, and until it is called again. */
const struct ka_place *ka_walk_place(const struct ka_walk *w);

/* struct list_head at head: yields the addresses of the objects that embed the links (link - offset). The head is not yielded. */
struct ka_walk ka_walk_list(struct ka_kernel *k, ka_addr head, uint64_t offset);
/* struct hlist_head at head; also hlist_nulls_head and hlist_bl_head (whose lowest bit is its lock). */
struct ka_walk ka_walk_hlist(struct ka_kernel *k, ka_addr head, uint64_t offset);
/* struct llist_head at head: last added first. */
struct ka_walk ka_walk_llist(struct ka_kernel *k, ka_addr head, uint64_t offset);
/* struct plist_head at head, by priority; offset: of the plist_node in the object. */
struct ka_walk ka_walk_plist(struct ka_kernel *k, ka_addr head, uint64_t offset);
/* struct klist at head; offset: of the klist_node in the object. Nodes that were deleted while in use are left out. */
struct ka_walk ka_walk_klist(struct ka_kernel *k, ka_addr head, uint64_t offset);

/* A chain of next pointers as users describe it, with the ends of crash's list command. */
struct ka_chain {
	ka_addr start;		/* the first link: yielded */
	uint64_t next;		/* offset of the next pointer from a link */
	ka_addr end;		/* 0: none; the link that is not yielded any more */
	bool is_null_fault;	/* a NULL does not end it but breaks it: "invalid list entry: 0" */
	bool is_odd_end;	/* an odd value ends it: hlist_nulls */
	bool is_brent;		/* finds loops without remembering the links; then some links come again before it does */
};
/*
 * Yields links: until NULL, the end, the start, the first link behind the start, or a link to itself. In another loop the
 * first link that comes again is yielded a second time; the fault then says "duplicate list entry: ADDR".
 */
struct ka_walk ka_walk_chain(struct ka_kernel *k, const struct ka_chain *c);

enum ka_tree_flag {
	KA_TREE_NODE = 1,	/* start is a node, as a slot points to it, and not the root */
	KA_TREE_VALUES = 2,	/* values and reserved entries, too */
	KA_TREE_NODES = 4,	/* maple trees: inner nodes and empty ranges, too */
	KA_TREE_PREORDER = 8,	/* rbtrees: a node before its children; else in order */
};
/*
 * All entries of an xarray (struct xarray) or a radix tree (struct radix_tree_root of any age), by index. A multi-index
 * entry is yielded once. Without KA_TREE_VALUES pointers alone.
 */
struct ka_walk ka_walk_xarray(struct ka_kernel *k, ka_addr root);
struct ka_walk ka_walk_xarray_flags(struct ka_kernel *k, ka_addr start, unsigned flags);
/* struct idr: on an xarray or radix tree (0a835c4f090a, v4.11), or layered before. ka_walk_place()->first is the id. */
struct ka_walk ka_walk_idr(struct ka_kernel *k, ka_addr idr);
/* Nodes of an rbtree (struct rb_root or rb_root_cached) in order; yields node - offset. */
struct ka_walk ka_walk_rbtree(struct ka_kernel *k, ka_addr root, uint64_t offset);
struct ka_walk ka_walk_rbtree_flags(struct ka_kernel *k, ka_addr start, uint64_t offset, unsigned flags);

/* Numbers of the bits that are set in a bitmap of unsigned longs. */
struct ka_walk ka_walk_bits(struct ka_kernel *k, ka_addr bitmap, uint64_t bit_count);

#endif
