/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The state of files without a directory: what file_state.c and the kinds in file_watch.c and file_object.c share. */
#ifndef FILE_STATE_H
#define FILE_STATE_H

#include <kanalyze/row.h>
#include <kanalyze/vfs.h>
#include <kanalyze/view.h>

/* An object that grows. */
struct file_state {
	struct ka_kernel *k;
	struct ka_arena *a;
	struct ka_node *object, *last;
};

struct ka_node *file_state_add(struct file_state *s, const char *key, enum ka_node_kind kind);
void file_state_uint(struct file_state *s, const char *key, uint64_t value);
void file_state_int(struct file_state *s, const char *key, int64_t value);
void file_state_bool(struct file_state *s, const char *key, bool value);
void file_state_addr(struct file_state *s, const char *key, ka_addr value);
/* Text of at most max bytes; it is copied. */
void file_state_text(struct file_state *s, const char *key, const char *text, size_t max);
/* One more object at the end of a list; *last is kept by the caller, NULL at first. */
void file_state_append(struct ka_node *list, struct ka_node **last, struct ka_node *object);

typedef struct ka_error *file_state_fn(struct file_state *s, const struct ka_vfs_file *f);
file_state_fn file_epoll, file_inotify, file_fanotify, file_userfault;			/* file_watch.c */
file_state_fn file_bpf_map, file_bpf_prog, file_io_uring, file_perf, file_tty, file_fscontext, file_socket;	/* file_object.c */

#endif
