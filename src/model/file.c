/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a task has open: its descriptor table, struct file, root and working directory. */
#include <inttypes.h>
#include <kanalyze/vfs.h>
#include <kanalyze/view.h>

#define FDS_MAX (1u << 26)	/* descriptors of a table; fs.nr_open is 1 M where nobody raised it */
#define OPEN_MAX (1u << 22)	/* open ones that are shown of a task */
#define CHUNK_BYTES 4096

struct fs_view {
	struct ka_fs fs;
};
/* struct path in fs_struct: 6ac08c39a16f, v2.6.25 */
KA_VIEW(fs_view, ("fs_struct"),
	KA_FROM(fs_view, fs.root.dentry, "root.dentry", "root"),
	KA_FROM(fs_view, fs.root.mnt, "root.mnt", "rootmnt"),
	KA_FROM(fs_view, fs.pwd.dentry, "pwd.dentry", "pwd"),
	KA_FROM(fs_view, fs.pwd.mnt, "pwd.mnt", "pwdmnt"));

struct files_view {
	ka_addr fdt;
};
/* The table was part of files_struct itself before badf16621c1f, v2.6.14. */
KA_VIEW(files_view, ("files_struct"), KA_MAYBE(files_view, fdt, "fdt"));

struct fdtable_view {
	uint32_t max_fds;
	ka_addr fd, open_fds, close_on_exec;
};
/* The bitmaps were of type fd_set until 1fd36adcd98c, v3.4: pointers to the same bits. */
KA_VIEW(fdtable_view, ("fdtable", "files_struct"),
	KA_FROM(fdtable_view, max_fds, "max_fds"),
	KA_FROM(fdtable_view, fd, "fd"),
	KA_FROM(fdtable_view, open_fds, "open_fds"),
	KA_MAYBE(fdtable_view, close_on_exec, "close_on_exec"));

struct file_view {
	struct ka_vfs_file f;
};
KA_VIEW(file_view, ("file"),
	KA_FROM(file_view, f.path.dentry, "f_path.dentry", "f_dentry"),	/* 0f7fc9e4d039, v2.6.20 */
	KA_FROM(file_view, f.path.mnt, "f_path.mnt", "f_vfsmnt"),
	KA_MAYBE(file_view, f.inode, "f_inode"),			/* dd37978c50bc, v3.9 */
	KA_MAYBE(file_view, f.private_data, "private_data"),
	KA_MAYBE(file_view, f.op, "f_op"),
	KA_FROM(file_view, f.flags, "f_flags"),
	KA_FROM(file_view, f.mode, "f_mode"),
	KA_FROM(file_view, f.pos, "f_pos"));

struct ka_error *ka_fs_read(struct ka_kernel *k, ka_addr fs, struct ka_fs *ret)
{
	struct fs_view v = {0};
	struct ka_error *err = ka_view_read(k, &ka_view_fs_view, fs, &v);

	*ret = v.fs;
	return ka_error_wrap(err, "fs_struct at 0x%" PRIx64, fs);
}

struct ka_error *ka_vfs_file_read(struct ka_kernel *k, ka_addr file, struct ka_vfs_file *ret)
{
	struct file_view v = {0};
	struct ka_error *err = ka_view_read(k, &ka_view_file_view, file, &v);
	struct ka_dentry d;

	v.f.addr = file;
	if (!err && !v.f.inode && v.f.path.dentry && !ka_error_drop(ka_dentry_read(k, v.f.path.dentry, &d)))
		v.f.inode = d.inode;
	*ret = v.f;
	return ka_error_wrap(err, "struct file at 0x%" PRIx64, file);
}

/* What the walk of one table needs. */
struct table {
	struct ka_kernel *k;
	struct fdtable_view t;
	uint32_t max_fds;
	struct { KA_VEC(struct ka_fd); } open;
	uint64_t fd_chunk;	/* number of the page's worth of pointers in fds; ~0: none */
	size_t fd_chunk_size;	/* bytes of it that could be read */
	struct ka_error *err;	/* the first that was met */
	uint8_t fds[CHUNK_BYTES];
};

static void table_fault(struct table *t, struct ka_error *err)
{
	if (t->err)
		ka_error_free(err);
	else
		t->err = err;
}

static void table_add(struct table *t, uint32_t fd, bool is_cloexec)
{
	unsigned size = ka_long_size(t->k);
	uint64_t per_chunk = CHUNK_BYTES / size, at = fd % per_chunk * size, left;
	ka_addr file;

	if (t->fd_chunk != fd / per_chunk) {
		struct ka_error *err = NULL;

		t->fd_chunk = fd / per_chunk;
		left = KA_MIN(per_chunk, t->max_fds - t->fd_chunk * per_chunk) * size;
		t->fd_chunk_size = ka_read_some(t->k, t->t.fd + t->fd_chunk * CHUNK_BYTES, t->fds, left, &err);
		if (err)
			table_fault(t, ka_error_wrap(err, "descriptors from %" PRIu64 " on",
						     t->fd_chunk * per_chunk + t->fd_chunk_size / size));
	}
	if (at + size > t->fd_chunk_size)
		return;
	file = ka_uint_from(t->k, t->fds + at, size);
	if (file)	/* NULL: the number was taken, the file is not there yet */
		ka_vec_push(&t->open, (struct ka_fd){ .fd = fd, .is_cloexec = is_cloexec, .file = file });
}

/* A page's worth of the bitmap. False when there is nothing more to be had. */
static bool table_chunk(struct table *t, uint64_t chunk)
{
	unsigned size = ka_long_size(t->k), bits = size * 8;
	uint64_t first = chunk * CHUNK_BYTES * 8;
	size_t want = KA_MIN((uint64_t)CHUNK_BYTES, ((uint64_t)t->max_fds - first + bits - 1) / bits * size), got;
	uint8_t open[CHUNK_BYTES], cloexec[CHUNK_BYTES] = {0};
	struct ka_error *err = NULL;

	got = ka_read_some(t->k, t->t.open_fds + chunk * CHUNK_BYTES, open, want, &err);
	if (err)
		table_fault(t, ka_error_wrap(err, "bitmap of open descriptors"));
	if (t->t.close_on_exec)
		ka_read_some(t->k, t->t.close_on_exec + chunk * CHUNK_BYTES, cloexec, want, NULL);
	for (size_t i = 0; i + size <= got; i += size) {
		uint64_t word = ka_uint_from(t->k, open + i, size), exec = ka_uint_from(t->k, cloexec + i, size);

		for (; word; word &= word - 1) {
			unsigned bit = __builtin_ctzll(word);
			uint64_t fd = first + i * 8 + bit;

			if (fd < t->max_fds)
				table_add(t, fd, exec >> bit & 1);
		}
		if (t->open.n >= OPEN_MAX) {
			table_fault(t, ka_error_at(KA_CORRUPT, KA_SPACE_VIRT, t->t.open_fds,
						   "more than %zu open descriptors: given up", t->open.n));
			return false;
		}
	}
	return got == want;
}

struct ka_error *ka_files_read(struct ka_kernel *k, ka_addr files, struct ka_arena *a, struct ka_fd **ret, size_t *ret_count)
{
	struct table t = { .k = k, .fd_chunk = ~0ull };
	struct files_view v;
	struct ka_error *err = ka_view_read(k, &ka_view_files_view, files, &v);

	*ret = NULL;
	*ret_count = 0;
	if (!err)
		err = ka_view_read(k, &ka_view_fdtable_view, KA_HAS(k, files_view, fdt) ? v.fdt : files, &t.t);
	if (err)
		return ka_error_wrap(err, "files_struct at 0x%" PRIx64, files);
	t.max_fds = t.t.max_fds;
	if (t.max_fds > FDS_MAX) {
		table_fault(&t, ka_error_at(KA_CORRUPT, KA_SPACE_VIRT, v.fdt, "a table of %u descriptors: the first %u are shown",
					    t.max_fds, 1u << 20));
		t.max_fds = 1u << 20;
	}
	for (uint64_t chunk = 0; chunk * CHUNK_BYTES * 8 < t.max_fds; chunk++) {
		if (ka_interrupted()) {
			table_fault(&t, ka_error_new(KA_INTERRUPTED, "interrupted"));
			break;
		}
		if (!table_chunk(&t, chunk))
			break;
	}
	*ret_count = t.open.n;
	*ret = ka_alloc(a, t.open.n * sizeof(**ret) + 1);
	if (t.open.n)
		memcpy(*ret, t.open.at, t.open.n * sizeof(**ret));
	ka_vec_free(&t.open);
	return ka_error_wrap(t.err, "files_struct at 0x%" PRIx64, files);
}
