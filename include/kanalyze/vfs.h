/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files: what tasks have open, names of dentries, paths through mounts, mounts of a namespace. */
#ifndef KANALYZE_VFS_H
#define KANALYZE_VFS_H

#include <kanalyze/walk.h>

/* struct path: mnt is a struct vfsmount, since v3.3 part of a struct mount. */
struct ka_path {
	ka_addr mnt, dentry;
};

struct ka_dentry {
	ka_addr addr, parent, inode, sb, op, fsdata;
	ka_addr name_at;
	uint32_t name_len;
	bool is_root;		/* its own parent */
	bool is_unhashed;	/* deleted, or never to be found by its name */
};

struct ka_inode {
	ka_addr addr, sb, mapping, private_data;
	uint64_t ino, nlink;
	int64_t size;		/* bytes */
	uint32_t mode;
};

struct ka_vfs_file {
	ka_addr addr, inode, private_data, op;
	struct ka_path path;
	uint32_t flags;		/* O_* */
	uint32_t mode;		/* FMODE_* */
	int64_t pos;
};

struct ka_fd {
	uint32_t fd;
	bool is_cloexec;
	ka_addr file;
};

/* Root and working directory of a task. */
struct ka_fs {
	struct ka_path root, pwd;
};

struct ka_mount {
	ka_addr addr;		/* of struct mount; before v3.3 of the vfsmount */
	ka_addr vfsmount;
	ka_addr parent, mountpoint;	/* a mount, itself at the top; a dentry of it */
	ka_addr root, sb, ns, devname_at;
	uint64_t flags;		/* MNT_* */
	int32_t id;		/* as /proc/PID/mountinfo counts */
};

/* fs_struct and files_struct, as task_struct.fs and .files point to them. */
struct ka_error *ka_fs_read(struct ka_kernel *k, ka_addr fs, struct ka_fs *ret) KA_MUST_CHECK;
/* The open descriptors in their order, in the arena. Also behind an error: what was found in spite of it. */
struct ka_error *ka_files_read(struct ka_kernel *k, ka_addr files, struct ka_arena *a, struct ka_fd **ret,
			       size_t *ret_count) KA_MUST_CHECK;
struct ka_error *ka_vfs_file_read(struct ka_kernel *k, ka_addr file, struct ka_vfs_file *ret) KA_MUST_CHECK;

struct ka_error *ka_dentry_read(struct ka_kernel *k, ka_addr dentry, struct ka_dentry *ret) KA_MUST_CHECK;
/* The last component alone. */
struct ka_error *ka_dentry_name(struct ka_kernel *k, const struct ka_dentry *d, struct ka_arena *a, char **ret) KA_MUST_CHECK;
struct ka_error *ka_inode_read(struct ka_kernel *k, ka_addr inode, struct ka_inode *ret) KA_MUST_CHECK;
/* "REG" "DIR" "CHR" "BLK" "FIFO" "SOCK" "LNK" "UNKN" of i_mode. */
const char *ka_inode_type(uint32_t mode);
/* Addresses of the inodes of a super_block that have not been written back, in the arena. Also behind an error: what was found. */
struct ka_error *ka_inodes_dirty(struct ka_kernel *k, ka_addr sb, struct ka_arena *a, ka_addr **ret, size_t *ret_count) KA_MUST_CHECK;
/* Pages of the inode in the page cache. */
struct ka_error *ka_inode_pages(struct ka_kernel *k, const struct ka_inode *i, uint64_t *ret) KA_MUST_CHECK;
/* The xarray (radix tree) of the page cache: for ka_walk_xarray(). */
struct ka_error *ka_mapping_tree(struct ka_kernel *k, ka_addr mapping, ka_addr *ret) KA_MUST_CHECK;
/*
 * What a pipe, a terminal, or a file without a directory (eventfd, epoll, timerfd, inotify, BPF, io_uring, memfd ...) is made of, as
 * an object in the arena; NULL: nothing is known of its kind. path as ka_path_name() has it, mode the inode's.
 */
struct ka_node;
struct ka_error *ka_file_state(struct ka_kernel *k, const struct ka_vfs_file *f, const char *path, uint32_t mode, struct ka_arena *a,
			       const struct ka_node **ret) KA_MUST_CHECK;
/* What kind a socket is, by the inode of a file of type SOCK: "TCP", "UDPv6", "UNIX-STREAM"...; NULL: cannot be told. */
const char *ka_socket_kind(struct ka_kernel *k, ka_addr inode, struct ka_arena *a);
/* "ext4": the type of a super_block. */
struct ka_error *ka_super_type(struct ka_kernel *k, ka_addr sb, char *ret, size_t size) KA_MUST_CHECK;
/* s_dev: the minor number in the low 20 bits. */
struct ka_error *ka_super_device(struct ka_kernel *k, ka_addr sb, uint32_t *ret) KA_MUST_CHECK;
/* The superblock's own flags SB_*. */
struct ka_error *ka_super_flags(struct ka_kernel *k, ka_addr sb, uint64_t *ret) KA_MUST_CHECK;

/*
 * The whole path as /proc/PID/fd shows it to one whose root is that of the mount namespace: "/tmp/x", "/tmp/x (deleted)",
 * "pipe:[4711]", "socket:[4712]", "anon_inode:[eventfd]", "/memfd:name (deleted)". *ret_deleted may be NULL.
 * Behind an error too *ret is what could be told, with "..." in place of what lies above; never NULL.
 * Without a mount (path.mnt 0) the path is that within its file system.
 */
struct ka_error *ka_path_name(struct ka_kernel *k, struct ka_path path, struct ka_arena *a, const char **ret,
			      bool *ret_deleted) KA_MUST_CHECK;

struct ka_error *ka_mount_read(struct ka_kernel *k, ka_addr mount, struct ka_mount *ret) KA_MUST_CHECK;
/* struct mount of a struct vfsmount. */
ka_addr ka_mount_of(struct ka_kernel *k, ka_addr vfsmount);
/* Are mounts told by struct mount (true), or by struct vfsmount? */
bool ka_mount_is_split(struct ka_kernel *k);
/* The mnt_namespace of a task: nsproxy as task_struct has it. */
struct ka_error *ka_mount_ns(struct ka_kernel *k, ka_addr nsproxy, ka_addr *ret) KA_MUST_CHECK;
/* Its mounts in the kernel's order, in the arena. Also behind an error: what was found in spite of it. */
struct ka_error *ka_mounts_read(struct ka_kernel *k, ka_addr ns, struct ka_arena *a, struct ka_mount **ret,
				size_t *ret_count) KA_MUST_CHECK;

#endif
