/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of `files` share. */
#ifndef KA_COMMANDS_FILES_H
#define KA_COMMANDS_FILES_H

#include <kanalyze/command.h>
#include <kanalyze/vfs.h>

/* Names of dentries as seen through their mounts: many tasks have the same files. */
struct ka_files_names {
	struct ka_map index;	/* dentry -> index of the last one of it */
	struct { KA_VEC(struct ka_files_name { ka_addr mnt; size_t before; const char *path; bool is_deleted; }); } names;
};
/* NULL: there is no dentry. The fault, if any, is the caller's. */
const char *ka_files_name(struct ka_call *c, struct ka_files_names *n, struct ka_path path, bool *ret_deleted, struct ka_error **ret_err);
void ka_files_names_free(struct ka_files_names *n);

/* files_more.c: -p, --locks, --all */
struct ka_error *ka_files_pages(struct ka_call *c, const char *inode) KA_MUST_CHECK;
struct ka_error *ka_files_locks(struct ka_call *c) KA_MUST_CHECK;
struct ka_error *ka_files_all(struct ka_call *c) KA_MUST_CHECK;
extern const struct ka_rows ka_files_inode_rows, ka_files_page_rows, ka_files_lock_rows, ka_files_all_rows;

#endif
