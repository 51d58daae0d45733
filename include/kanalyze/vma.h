/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Memory areas of processes, and the tree that holds them since v6.1. */
#ifndef KANALYZE_VMA_H
#define KANALYZE_VMA_H

#include <kanalyze/walk.h>

struct ka_vma {
	ka_addr addr;		/* of the vm_area_struct */
	uint64_t start, end;	/* user addresses; end is the first byte behind */
	uint64_t flags;		/* VM_* */
	ka_addr mm, file;	/* 0: no file */
	uint64_t pgoff_pages;	/* where in the file it starts, in pages */
};

/* Error CORRUPT when what lies there is none: start not below end. *ret is filled all the same. */
struct ka_error *ka_vma_read(struct ka_kernel *k, ka_addr at, struct ka_vma *ret) KA_MUST_CHECK;
/* The areas of an mm_struct, lowest first. */
struct ka_walk ka_walk_vmas(struct ka_kernel *k, ka_addr mm);
/* "READ|WRITE|MAYREAD" of flags as this kernel means them; bits without a name as "0x.."; "" of 0. In the arena. */
const char *ka_vma_flags_text(struct ka_kernel *k, struct ka_arena *a, uint64_t flags);

/*
 * All entries of a maple tree (struct maple_tree at root), in order of their indexes; NULL, zero and other reserved
 * entries are left out. A node that cannot be read or contradicts itself costs its own subtree: the first such fault
 * is the error of ka_walk_end().
 */
struct ka_walk ka_walk_maple(struct ka_kernel *k, ka_addr root);
/*
 * The same with flags of enum ka_tree_flag. With KA_TREE_NODES nodes are yielded too, as the slots have them: address,
 * and type in bits 3 to 6; and ranges without an entry as 0.
 */
struct ka_walk ka_walk_maple_flags(struct ka_kernel *k, ka_addr start, unsigned flags);
#define KA_MAPLE_SLOTS 64	/* 31 in a dense node of 64 bits, 63 of 32 bits */
struct ka_maple_node {
	ka_addr addr;
	unsigned type;		/* 0 dense, 1 leaf_64, 2 range_64, 3 arange_64 */
	uint64_t parent;	/* with type bits below; 1 set: the tree itself */
	unsigned slots, pivots, gaps;
	uint64_t slot[KA_MAPLE_SLOTS], pivot[KA_MAPLE_SLOTS], gap[KA_MAPLE_SLOTS];
	bool has_meta;
	uint8_t end, gap_index;	/* of arange_64: the last slot in use; which has the largest gap */
};
/* A node as KA_PLACE_NODE has it in entry; all its slots, those behind its end too. */
struct ka_error *ka_maple_node_read(struct ka_kernel *k, uint64_t entry, struct ka_maple_node *ret) KA_MUST_CHECK;
/* First and last index of the entry that ka_walk_next() gave last. Only of ka_walk_maple(). */
void ka_walk_maple_range(const struct ka_walk *w, uint64_t *ret_first, uint64_t *ret_last);

#endif
