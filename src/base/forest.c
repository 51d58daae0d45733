/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Walks over trees that are given by everybody's parent: what a dump says of them may be a ring, or deeper than any stack. */
#include <kanalyze/base.h>
#include <kanalyze/forest.h>

struct forest {
	size_t *first, *next;	/* index + 1 of the first child, of the next sibling; 0: none */
	bool *is_shown;
	const struct ka_forest *f;
	bool is_last[KA_FOREST_DEPTH];
};

static void descend(struct forest *t, size_t root)
{
	size_t path[KA_FOREST_DEPTH];
	unsigned depth = 0;

	t->is_shown[root] = true;
	t->f->visit(t->f->ctx, root, 0, t->is_last);
	path[0] = t->first[root];
	while (!ka_interrupted()) {
		size_t i = path[depth];

		if (!i) {
			if (!depth--)
				return;
			continue;
		}
		path[depth] = t->next[--i];
		if (t->is_shown[i])
			continue;
		t->is_shown[i] = true;
		t->is_last[depth] = !t->next[i];
		t->f->visit(t->f->ctx, i, depth + 1, t->is_last);
		if (t->first[i] && depth + 2 < KA_FOREST_DEPTH)
			path[++depth] = t->first[i];
	}
}

void ka_forest_walk(const struct ka_forest *f)
{
	struct forest t = { .f = f };
	size_t n = f->count;

	t.first = ka_xalloc((n + 1) * sizeof(*t.first));
	t.next = ka_xalloc((n + 1) * sizeof(*t.next));
	t.is_shown = ka_xalloc(n + 1);
	for (size_t i = n; i-- > 0;) {
		size_t parent = f->parent[i];

		if (parent >= n || parent == i)
			continue;
		t.next[i] = t.first[parent];
		t.first[parent] = i + 1;
	}
	for (size_t i = 0; i < n && !ka_interrupted(); i++)
		if (f->roots ? f->roots[i] && !t.is_shown[i] : f->parent[i] >= n || f->parent[i] == i)
			descend(&t, i);
	/* what hangs below nobody that was met: rings, and what lies too deep */
	for (size_t i = 0; i < n && !f->roots && !ka_interrupted(); i++)
		if (!t.is_shown[i])
			descend(&t, i);
	free(t.first);
	free(t.next);
	free(t.is_shown);
}
