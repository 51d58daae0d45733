/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* System V IPC: shared memory, semaphore arrays and message queues of an IPC namespace. */
#ifndef KANALYZE_IPC_H
#define KANALYZE_IPC_H

#include <kanalyze/walk.h>

enum ka_ipc_kind { KA_IPC_SEM, KA_IPC_MSG, KA_IPC_SHM };	/* as ipc_namespace.ids counts */

#define KA_IPC_SHM_DEST 01000	/* of perm: goes with its last user */
#define KA_IPC_SHM_LOCKED 02000

struct ka_ipc {
	enum ka_ipc_kind kind;
	ka_addr addr;			/* of the shmid_kernel, sem_array, msg_queue */
	int32_t id;
	uint32_t key, uid, gid, cuid, cgid, mode;
	bool is_deleted;
	int64_t ctime;			/* seconds of the epoch; 0: never */
	/* shared memory */
	uint64_t bytes, nattch;
	ka_addr file;
	int64_t atime, dtime;
	int32_t creator_pid, last_pid;	/* as the first namespace counts; 0: unknown */
	/* semaphores */
	uint64_t sem_count;
	/* messages */
	uint64_t cbytes, qbytes, msg_count;
	int64_t stime, rtime;
	int32_t send_pid, receive_pid;
};

/* What a shared memory segment has in memory and in swap. */
struct ka_ipc_pages {
	ka_addr inode;
	uint64_t resident_pages, swapped_pages;
	bool is_huge;
};

/* The ipc_namespace of a task; task 0: the first one. Before v2.6.19 there is one, and *ret is 0. */
struct ka_error *ka_ipc_ns(struct ka_kernel *k, ka_addr nsproxy, ka_addr *ret) KA_MUST_CHECK;
ka_addr ka_ipc_ns_first(struct ka_kernel *k);
/* All of a kind, in the order of their numbers: yields the kern_ipc_perm in each. */
struct ka_walk ka_walk_ipc(struct ka_kernel *k, ka_addr ns, enum ka_ipc_kind kind);
/* index: of ka_walk_place()->first, for kernels that do not keep the id (before v2.6.24). */
struct ka_error *ka_ipc_read(struct ka_kernel *k, enum ka_ipc_kind kind, ka_addr perm, uint64_t index, struct ka_ipc *ret) KA_MUST_CHECK;
/* What could not be read is 0; *ret is filled all the same. */
struct ka_error *ka_ipc_pages_read(struct ka_kernel *k, const struct ka_ipc *shm, struct ka_ipc_pages *ret) KA_MUST_CHECK;

#endif
