/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* File locks: flock, posix, open file description locks, leases. */
#ifndef KANALYZE_LOCK_H
#define KANALYZE_LOCK_H

#include <kanalyze/memory.h>

struct ka_lock {
	ka_addr addr;		/* of the struct file_lock (file_lease) */
	unsigned number;	/* as /proc/locks counts, from 1: those that wait for a lock have its number */
	unsigned depth;		/* 0: it is held; 1: waits for it; 2: waits for one that waits ... */
	const char *kind;	/* "POSIX" "FLOCK" "OFDLCK" "LEASE" "DELEG" "ACCESS" "LAYOUT" "?" */
	const char *state;	/* "ADVISORY"; of leases "ACTIVE" "BREAKING" "BREAKER" */
	const char *mode;	/* "READ" "WRITE" "UNLCK" */
	int32_t pid;		/* of who took it, as it was numbered then; -1: of an open file, nobody's in particular */
	int64_t start, end;	/* bytes; end INT64_MAX: to the end of the file */
	ka_addr file, inode;	/* 0: cannot be told */
};

/* All locks of the machine in the order of /proc/locks, in the arena. Also behind an error: what was found in spite of it. */
struct ka_error *ka_locks_read(struct ka_kernel *k, struct ka_arena *a, struct ka_lock **ret, size_t *ret_count) KA_MUST_CHECK;

#endif
