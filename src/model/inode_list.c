/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The inodes of a file system, by the list of its superblock. */
#include <inttypes.h>
#include <kanalyze/vfs.h>
#include <kanalyze/view.h>

#define INODES_MAX (1u << 24)
#define DIRTY 7u	/* I_DIRTY_SYNC, I_DIRTY_DATASYNC, I_DIRTY_PAGES: never moved */

struct super_inodes_view { ka_addr list_at; };
KA_VIEW(super_inodes_view, ("super_block"), KA_AT(super_inodes_view, list_at, "s_inodes"));	/* v2.6.12 */

struct inode_list_view { ka_addr node_at; uint64_t state; };
KA_VIEW(inode_list_view, ("inode"),
	KA_AT(inode_list_view, node_at, "i_sb_list"),
	KA_FROM(inode_list_view, state, "i_state.__state", "i_state"));		/* a struct of its own since v6.19 */

struct ka_error *ka_inodes_dirty(struct ka_kernel *k, ka_addr sb, struct ka_arena *a, ka_addr **ret, size_t *ret_count)
{
	struct { KA_VEC(ka_addr); } found = {0};
	struct super_inodes_view s;
	struct ka_error *err = ka_view_bind(k, &ka_view_inode_list_view);
	struct ka_walk w;

	*ret = NULL;
	*ret_count = 0;
	if (!err)
		err = ka_view_read(k, &ka_view_super_inodes_view, sb, &s);
	if (err)
		return err;
	w = ka_walk_list(k, s.list_at, KA_OFFSET(k, inode_list_view, node_at));
	w.limit = INODES_MAX;
	for (ka_addr at; ka_walk_next(&w, &at); ) {
		struct inode_list_view i;
		struct ka_error *e = ka_view_read(k, &ka_view_inode_list_view, at, &i);

		if (!e && i.state & DIRTY)
			ka_vec_push(&found, at);
		ka_walk_fault(&w, e);
	}
	*ret = ka_alloc(a, found.n * sizeof(**ret) + 1);
	if (found.n)
		memcpy(*ret, found.at, found.n * sizeof(**ret));
	*ret_count = found.n;
	ka_vec_free(&found);
	return ka_error_wrap(ka_walk_end(&w), "inodes of the superblock at 0x%" PRIx64, sb);
}
