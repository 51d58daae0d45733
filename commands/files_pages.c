/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* files -p: the pages of an inode in the page cache; the cache of names that all of files uses. */
#include <inttypes.h>
#include <kanalyze/page.h>
#include "files.h"

#define NONE SIZE_MAX

const char *ka_files_name(struct ka_call *c, struct ka_files_names *n, struct ka_path path, bool *ret_deleted, struct ka_error **ret_err)
{
	struct ka_files_name one = { .mnt = path.mnt, .before = NONE };
	uint64_t at = NONE;
	bool is_known = ka_map_get(&n->index, path.dentry, &at);

	*ret_err = NULL;
	if (!path.dentry)
		return NULL;
	for (size_t i = is_known ? at : NONE; i != NONE; i = n->names.at[i].before) {
		if (n->names.at[i].mnt != path.mnt)
			continue;
		if (ret_deleted)
			*ret_deleted = n->names.at[i].is_deleted;
		return n->names.at[i].path;
	}
	*ret_err = ka_path_name(c->k, path, c->arena, &one.path, &one.is_deleted);
	one.before = is_known ? at : NONE;
	/* a dentry has one or two mounts: the first stays in the index, others are chained behind it */
	if (is_known) {
		one.before = n->names.at[at].before;
		n->names.at[at].before = n->names.n;
	} else {
		ka_map_add(&n->index, path.dentry, n->names.n);
	}
	ka_vec_push(&n->names, one);
	if (ret_deleted)
		*ret_deleted = one.is_deleted;
	return one.path;
}

void ka_files_names_free(struct ka_files_names *n)
{
	ka_map_free(&n->index);
	ka_vec_free(&n->names);
}

struct inode_row {
	ka_addr inode, mapping;
	uint64_t nrpages;
};
static const struct ka_col inode_cols[] = {
	KA_COL(inode_row, inode, KA_ADDR, "address of the inode"),
	KA_COLF(inode_row, mapping, KA_ADDR, KA_ONLY_JSON, "its address_space (i_mapping)"),
	KA_COL(inode_row, nrpages, KA_UINT, "pages in the page cache, as the inode counts them"),
};
const struct ka_rows ka_files_inode_rows = { "inodes", KA_SHAPE_TABLE, "     INODE        NRPAGES", "{inode:016} {nrpages:8}", inode_cols,
					     KA_COUNT(inode_cols) };

struct page_row {
	ka_addr page, physical, mapping;
	uint64_t index, flags;
	int32_t count;
	const char *names;
};
static const struct ka_col page_cols[] = {
	KA_COL(page_row, page, KA_ADDR, "the struct page"),
	KA_COL(page_row, physical, KA_ADDR, "the page"),
	KA_COL(page_row, mapping, KA_ADDR, "its mapping member (of large folios the head's)"),
	KA_COL(page_row, index, KA_HEX, "which page of the file it is"),
	KA_COL(page_row, count, KA_INT, "its reference count"),
	KA_COL(page_row, flags, KA_HEX, "its flags, zone and node"),
	KA_COL(page_row, names, KA_TEXT, "names of the flags"),
};
const struct ka_rows ka_files_page_rows = { "pages", KA_SHAPE_TABLE, "      PAGE       PHYSICAL      MAPPING       INDEX CNT FLAGS",
	"{page:016} {physical:8} {mapping:16} {index:8x} {count:2} {flags:x}{names? %}", page_cols, KA_COUNT(page_cols) };

static void page_put(struct ka_call *c, ka_addr at, uint64_t index)
{
	struct page_row row = { .page = at, .index = index };
	struct ka_page p;
	ka_phys phys;
	struct ka_error *err = ka_page_phys(c->k, at, &phys);

	if (!err)
		err = ka_page_read(c->k, phys, &p);
	if (err) {
		ka_call_fault(c, ka_error_wrap(err, "page %" PRIu64 " of the file", index));
		return;
	}
	row.physical = phys.v;
	row.mapping = p.mapping;
	row.flags = p.flags;
	row.count = p.refcount;
	row.names = ka_page_flags_text(c->k, c->arena, p.flags);
	ka_out_row(c->out, &ka_files_page_rows, &row);
}

struct ka_error *ka_files_pages(struct ka_call *c, const char *text)
{
	uint64_t at, size = ka_page_struct_size(c->k), count = 0;
	struct inode_row row = {0};
	struct ka_inode inode;
	struct ka_walk w;
	ka_addr tree;
	struct ka_error *err;

	if (!ka_parse_number(text, false, &at) || !ka_is_kernel_addr(c->k, at))
		return ka_error_new(KA_USAGE, "invalid inode address: %s", text);
	err = ka_inode_read(c->k, at, &inode);
	if (!err)
		err = ka_inode_pages(c->k, &inode, &row.nrpages);
	if (!err)
		err = ka_mapping_tree(c->k, inode.mapping, &tree);
	if (err)
		return err;
	row.inode = at;
	row.mapping = inode.mapping;
	ka_out_begin(c->out, &ka_files_inode_rows, &row);
	if (row.nrpages)
		ka_out_note(c->out, "\n");
	/* without values: those tell of pages that were there once, or are in swap */
	w = ka_walk_xarray(c->k, tree);
	for (ka_addr page; inode.mapping && ka_walk_next(&w, &page); ) {
		const struct ka_place *p = ka_walk_place(&w);
		uint64_t last = p->last - p->first > UINT32_MAX ? p->first : p->last;

		/* of a large folio every page */
		for (uint64_t i = p->first; i <= last && !ka_interrupted(); i++, count++)
			page_put(c, page + (i - p->first) * size, i);
	}
	err = ka_walk_end(&w);
	if (!err && count != row.nrpages)
		err = ka_error_at(KA_CORRUPT, KA_SPACE_VIRT, inode.mapping, "the address_space at 0x%" PRIx64 " counts %" PRIu64 " pages, its tree has %"
				  PRIu64, inode.mapping, row.nrpages, count);
	ka_call_fault(c, err);
	ka_out_end(c->out);
	return NULL;
}
