/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* mount -f: files that are open on a file system; -i: its inodes that have not been written back. */
#include "mount.h"

struct mount_open {
	ka_addr dentry, inode, file;
	const char *type, *path;
	uint64_t ino;
};
static const struct ka_col open_cols[] = {
	KA_COL(mount_open, dentry, KA_ADDR, "address of the dentry"),
	KA_COL(mount_open, inode, KA_ADDR, "address of the inode"),
	KA_COL(mount_open, type, KA_TEXT, "REG DIR CHR BLK FIFO SOCK LNK UNKN"),
	KA_COL(mount_open, path, KA_TEXT, "its whole path"),
	KA_COLF(mount_open, file, KA_ADDR, KA_ONLY_JSON, "address of the struct file"),
	KA_COLF(mount_open, ino, KA_UINT, KA_ONLY_JSON, "inode number"),
};
const struct ka_rows ka_mount_open_rows = { "open_files", KA_SHAPE_TABLE, "     DENTRY            INODE       TYPE PATH",
	"{dentry:016}  {inode:016}  {type:<4} {path}", open_cols, KA_COUNT(open_cols) };

struct mount_dirty {
	ka_addr inode;
	uint64_t ino;
	int64_t size;
	const char *type;
};
static const struct ka_col dirty_cols[] = {
	KA_COL(mount_dirty, inode, KA_ADDR, "address of the inode"),
	KA_COLF(mount_dirty, ino, KA_UINT, KA_ONLY_JSON, "inode number"),
	KA_COLF(mount_dirty, type, KA_TEXT, KA_ONLY_JSON, "REG DIR CHR BLK FIFO SOCK LNK UNKN"),
	KA_COLF(mount_dirty, size, KA_INT, KA_ONLY_JSON, "size in bytes"),
};
const struct ka_rows ka_mount_dirty_rows = { "dirty_inodes", KA_SHAPE_LINE, NULL, "{inode:016}", dirty_cols, KA_COUNT(dirty_cols) };

static int by_sb(const void *a, const void *b)
{
	const struct mount_file *x = a, *y = b;

	if (x->sb != y->sb)
		return x->sb < y->sb ? -1 : 1;
	return x->file < y->file ? -1 : x->file > y->file;
}

void ka_mount_files_read(struct ka_call *c, struct mount_files *ret)
{
	struct { KA_VEC(struct mount_file); } found = {0};
	struct ka_map tables = {0}, files = {0};
	struct ka_walk w = ka_walk_tasks(c->k);

	for (ka_addr at; ka_walk_next(&w, &at); ) {
		struct ka_arena *a;
		struct ka_task t;
		struct ka_fd *fds = NULL;
		size_t count = 0;

		if (ka_error_drop(ka_task_read(c->k, at, &t)) || !t.files || !ka_map_add(&tables, t.files, 0))
			continue;
		a = ka_arena_new();
		ka_call_fault(c, ka_error_wrap(ka_files_read(c->k, t.files, a, &fds, &count), "PID %d", t.pid));
		for (size_t i = 0; i < count && !ka_interrupted(); i++) {
			struct ka_vfs_file f;
			struct ka_inode inode;

			if (ka_map_add(&files, fds[i].file, 0) && !ka_error_drop(ka_vfs_file_read(c->k, fds[i].file, &f)) && f.inode &&
			    !ka_error_drop(ka_inode_read(c->k, f.inode, &inode)))
				ka_vec_push(&found, ((struct mount_file){ inode.sb, fds[i].file }));
		}
		ka_arena_free(a);
	}
	ka_call_fault(c, ka_walk_end(&w));
	if (found.n)
		qsort(found.at, found.n, sizeof(*found.at), by_sb);
	ret->n = found.n;
	ret->at = ka_alloc(c->arena, found.n * sizeof(*ret->at) + 1);
	if (found.n)
		memcpy(ret->at, found.at, found.n * sizeof(*ret->at));
	ka_vec_free(&found);
	ka_map_free(&tables);
	ka_map_free(&files);
}

void ka_mount_open_put(struct ka_call *c, const struct mount_files *files, ka_addr sb)
{
	bool is_first = true;

	for (size_t i = 0; i < files->n && !ka_interrupted(); i++) {
		struct mount_open row = { .file = files->at[i].file };
		struct ka_vfs_file f;
		struct ka_inode inode;

		if (files->at[i].sb != sb || ka_error_drop(ka_vfs_file_read(c->k, row.file, &f)) || ka_error_drop(ka_inode_read(c->k, f.inode, &inode)))
			continue;
		if (is_first)
			ka_out_note(c->out, "OPEN FILES:");
		is_first = false;
		row.dentry = f.path.dentry;
		row.inode = f.inode;
		row.ino = inode.ino;
		row.type = ka_inode_type(inode.mode);
		ka_call_fault(c, ka_path_name(c->k, f.path, c->arena, &row.path, NULL));
		ka_out_row(c->out, &ka_mount_open_rows, &row);
	}
	if (is_first)
		ka_out_note(c->out, "No open files");
}

void ka_mount_dirty_put(struct ka_call *c, ka_addr sb)
{
	ka_addr *inodes;
	size_t count;

	ka_call_fault(c, ka_inodes_dirty(c->k, sb, c->arena, &inodes, &count));
	ka_out_note(c->out, count ? "DIRTY INODES" : "No dirty inodes");
	for (size_t i = 0; i < count && !ka_interrupted(); i++) {
		struct mount_dirty row = { .inode = inodes[i] };
		struct ka_inode inode;
		struct ka_error *err = ka_inode_read(c->k, inodes[i], &inode);

		if (!err) {
			row.ino = inode.ino;
			row.size = inode.size;
			row.type = ka_inode_type(inode.mode);
		}
		ka_call_fault(c, err);
		ka_out_row(c->out, &ka_mount_dirty_rows, &row);
	}
}
