/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* mount -f and -i: what is open on a file system, and what has not been written back. */
#ifndef KA_MOUNT_H
#define KA_MOUNT_H

#include <kanalyze/command.h>
#include <kanalyze/task.h>
#include <kanalyze/vfs.h>

extern const struct ka_rows ka_mount_open_rows, ka_mount_dirty_rows;

/* Files that tasks have open, each once, by superblock. In the call's arena. */
struct mount_file {
	ka_addr sb, file;
};
struct mount_files {
	struct mount_file *at;
	size_t n;
};
void ka_mount_files_read(struct ka_call *c, struct mount_files *ret);
void ka_mount_open_put(struct ka_call *c, const struct mount_files *files, ka_addr sb);
void ka_mount_dirty_put(struct ka_call *c, ka_addr sb);

#endif
