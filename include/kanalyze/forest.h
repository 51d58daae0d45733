/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Trees given by everybody's parent, walked from the roots down: processes, mounts, cgroups. */
#ifndef KANALYZE_FOREST_H
#define KANALYZE_FOREST_H

#include <kanalyze/base.h>

#define KA_FOREST_DEPTH 256	/* what lies deeper is visited as a root */
#define KA_NO_PARENT SIZE_MAX

struct ka_forest {
	size_t count;
	const size_t *parent;	/* index of each one's parent; itself or KA_NO_PARENT: a root */
	const bool *roots;	/* NULL: all that have no parent; else only the subtrees of these, each element once */
	/* is_last[d]: of the forefather at depth d + 1, and of the element itself at depth - 1; for ka_out_branch(). */
	void (*visit)(void *ctx, size_t i, unsigned depth, const bool *is_last);
	void *ctx;
};

/* Parents before their children, siblings in the order of their indexes. Rings are cut. Ends on Ctrl-C. */
void ka_forest_walk(const struct ka_forest *f);

#endif
