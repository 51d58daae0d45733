/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whose page of memory it is: which page of which file, or of which process at which address. */
#include <inttypes.h>
#include <kanalyze/page.h>
#include <kanalyze/task.h>
#include <kanalyze/vfs.h>
#include <kanalyze/view.h>
#include <kanalyze/vma.h>
#include <kanalyze/walk.h>
#include "fault.h"
#include "kernel.h"

#define MAPPERS_MAX 1000		/* areas that an anon_vma may be of */
#define TRIES_MAX 8		/* of them whose process is looked for */

struct page_space { ka_addr host, tree_at; };
KA_VIEW(page_space, ("address_space"), KA_FROM(page_space, host, "host"),
	/* the name changed in b93b016313b3, v4.17 */
	KA_AT_MAYBE(page_space, tree_at, "i_pages", "page_tree"));
struct page_inode { ka_addr mapping, dentries_at, sb; };
KA_VIEW(page_inode, ("inode"), KA_FROM(page_inode, mapping, "i_mapping"), KA_AT(page_inode, dentries_at, "i_dentry"), KA_FROM(page_inode, sb, "i_sb"));
struct page_alias { ka_addr link_at; };
/* 946e51f2bf37, v3.19: in a union with what is of no use to the living */
KA_VIEW(page_alias, ("dentry"), KA_AT(page_alias, link_at, "d_u.d_alias", "d_alias"));
struct page_sb { char id[32]; ka_addr bdev; };
KA_VIEW(page_sb, ("super_block"), KA_FROM(page_sb, id, "s_id"), KA_MAYBE(page_sb, bdev, "s_bdev"));

struct page_anon { ka_addr tree_at; };
/* an interval tree since bf181b9f9d8d, v3.7 */
KA_VIEW(page_anon, ("anon_vma"), KA_AT(page_anon, tree_at, "rb_root.rb_root", "rb_root"));
struct page_chain { ka_addr vma, node_at; };
KA_VIEW(page_chain, ("anon_vma_chain"), KA_FROM(page_chain, vma, "vma"), KA_AT(page_chain, node_at, "rb"));
struct page_mm { ka_addr owner; };
KA_VIEW(page_mm, ("mm_struct"), KA_MAYBE(page_mm, owner, "owner"));	/* CONFIG_MEMCG */

static const char *file_text(struct ka_kernel *k, struct ka_arena *a, const struct ka_page *p)
{
	struct page_space space;
	struct page_inode inode;
	struct page_sb sb = { 0 };
	const char *name = NULL;
	ka_addr first = 0;

	if (ka_error_drop(ka_view_read(k, &ka_view_page_space, p->mapping, &space)) || !ka_is_kernel_addr(k, space.host) ||
	    ka_error_drop(ka_view_read(k, &ka_view_page_inode, space.host, &inode)))
		return NULL;
	/* an hlist since b3d9b7a3c752, v3.6 */
	if (!ka_error_drop(ka_view_bind(k, &ka_view_page_alias)) && !ka_error_drop(ka_read_ulong(k, inode.dentries_at, &first)) &&
	    ka_is_kernel_addr(k, first) && ka_error_drop(ka_path_name(k, (struct ka_path){ .dentry = first - KA_OFFSET(k, page_alias, link_at) }, a, &name, &(bool){ false })))
		name = NULL;
	if (ka_is_kernel_addr(k, inode.sb) && ka_error_drop(ka_view_read(k, &ka_view_page_sb, inode.sb, &sb)))
		sb.id[0] = 0;
	sb.id[sizeof(sb.id) - 1] = 0;
	if (!name)
		return ka_printf(a, "page %" PRIu64 " of inode 0x%" PRIx64 "%s%s", p->index, space.host, sb.id[0] ? " of file system " : "", sb.id);
	return ka_printf(a, "page %" PRIu64 " of file %s%s%s", p->index, name, sb.id[0] ? " of file system " : "", sb.id);
}

/* The process whose memory mm is: by its own word, or the first that has it. */
static bool owner_of(struct ka_kernel *k, ka_addr mm, struct ka_task *ret)
{
	struct page_mm m;
	struct ka_walk w;
	bool is_found = false;

	if (!ka_error_drop(ka_view_read(k, &ka_view_page_mm, mm, &m)) && m.owner && ka_task_is(k, m.owner) && !ka_error_drop(ka_task_read(k, m.owner, ret)))
		return true;
	w = ka_walk_tasks(k);
	for (ka_addr at; !is_found && ka_walk_next(&w, &at);)
		is_found = !ka_error_drop(ka_task_read(k, at, ret)) && ret->mm == mm;
	ka_error_drop(ka_walk_end(&w));
	return is_found;
}

static const char *anon_text(struct ka_kernel *k, struct ka_arena *a, const struct ka_page *p)
{
	unsigned others = 0, n = 0, tries = 0;
	struct page_anon anon;
	struct ka_task first = { 0 }, t;
	uint64_t at_user = 0, page = ka_page_size(k);
	struct ka_walk w;

	if ((p->mapping & 3) == 3)
		return "a page that processes share because it has the same content (KSM)";
	if (ka_error_drop(ka_view_read(k, &ka_view_page_anon, p->mapping & ~3ull, &anon)) || ka_error_drop(ka_view_bind(k, &ka_view_page_chain)))
		return NULL;
	w = ka_walk_rbtree(k, anon.tree_at, KA_OFFSET(k, page_chain, node_at));
	w.limit = MAPPERS_MAX;
	for (ka_addr at; ka_walk_next(&w, &at) && n < MAPPERS_MAX; n++) {
		struct page_chain c;
		struct ka_vma v;

		if (ka_error_drop(ka_view_read(k, &ka_view_page_chain, at, &c)) || ka_error_drop(ka_vma_read(k, c.vma, &v)) || p->index < v.pgoff_pages ||
		    p->index - v.pgoff_pages >= (v.end - v.start) / page)
			continue;
		if (first.addr) {
			others++;
			continue;
		}
		/* each may take a walk over all tasks */
		if (tries++ >= TRIES_MAX || !owner_of(k, v.mm, &t))
			continue;
		first = t;
		at_user = v.start + (p->index - v.pgoff_pages) * page;
	}
	ka_error_drop(ka_walk_end(&w));
	if (!first.addr)
		return NULL;
	return ka_printf(a, "anonymous memory of PID %d (%.16s) at 0x%" PRIx64 "%s", first.pid, first.comm, at_user,
			 others ? ka_printf(a, ", or of %u forked with it", others) : "");
}

const char *ka_fault_page_owner(struct ka_kernel *k, struct ka_arena *a, const struct ka_page *p)
{
	/* bit 0: anonymous, 1: of a driver that can move it (bda807d44454, v4.8); both: KSM; a mapping of neither is a file's */
	if ((p->mapping & 3) == 2 || !ka_is_kernel_addr(k, p->mapping & ~3ull))
		return NULL;
	return p->mapping & 1 ? anon_text(k, a, p) : file_text(k, a, p);
}
