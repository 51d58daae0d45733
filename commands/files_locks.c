/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* files --locks: /proc/locks of the dead machine. */
#include <inttypes.h>
#include <kanalyze/lock.h>
#include <kanalyze/task.h>
#include "files.h"

struct lock_row {
	unsigned number;
	bool is_waiting, has_inode, has_end, has_pid;
	const char *id, *kind, *state, *mode, *device, *end_text, *path;
	char comm[16];
	int32_t pid;
	uint32_t depth;
	uint64_t ino;
	int64_t start, end;
	ka_addr lock, file, inode;
};
static const struct ka_col cols[] = {
	KA_COL(lock_row, number, KA_UINT, "as in /proc/locks; who waits for a lock has its number"),
	KA_COLF(lock_row, id, KA_TEXT, KA_ONLY_TEXT, NULL),
	KA_COLF(lock_row, is_waiting, KA_BOOL, KA_ONLY_JSON, "does it wait, and holds nothing"),
	KA_COLF(lock_row, depth, KA_UINT, KA_ONLY_JSON, "0: held; 1: waits for that; 2: waits for one that waits ..."),
	KA_COL(lock_row, kind, KA_TEXT, "FLOCK, POSIX, OFDLCK (of an open file), LEASE, DELEG, ACCESS, LAYOUT"),
	KA_COL(lock_row, state, KA_TEXT, "ADVISORY; of leases ACTIVE, BREAKING, BREAKER"),
	KA_COL(lock_row, mode, KA_TEXT, "READ, WRITE, UNLCK"),
	KA_COL(lock_row, pid, KA_INT, "who took it, or wants it; -1: an open file, no process"),
	KA_COL(lock_row, comm, KA_CHARS, "its name; empty: it is gone"),
	KA_COL_IF(lock_row, device, KA_TEXT, has_inode, "device of the file system"),
	KA_COL_IF(lock_row, ino, KA_UINT, has_inode, "inode number"),
	KA_COL(lock_row, start, KA_INT, "first byte"),
	KA_COLF(lock_row, end_text, KA_TEXT, KA_ONLY_TEXT, NULL),
	{ "end", offsetof(struct lock_row, end), 8, KA_INT, KA_ONLY_JSON, offsetof(struct lock_row, has_end), NULL, "last byte; null: to the end" },
	KA_COL(lock_row, path, KA_TEXT, "the file"),
	KA_COLF(lock_row, lock, KA_ADDR, KA_ONLY_JSON, "address of the struct file_lock (file_lease)"),
	KA_COLF(lock_row, file, KA_ADDR, KA_ONLY_JSON | KA_ZERO_IS_NONE, "address of the struct file"),
	KA_COLF(lock_row, inode, KA_ADDR, KA_ONLY_JSON | KA_ZERO_IS_NONE, "address of the inode"),
};
const struct ka_rows ka_files_lock_rows = { "locks", KA_SHAPE_TABLE,
	"  ID     TYPE   STATE    MODE     PID COMM             DEV:INODE    START        END PATH",
	"{id:<8} {kind:<6} {state:<8} {mode:<5} {pid:6} {comm:<16} {device}:{ino:<6} {start:5} {end_text:>10} {path}", cols, KA_COUNT(cols) };

struct ka_error *ka_files_locks(struct ka_call *c)
{
	struct ka_files_names names = {0};
	struct ka_lock *locks = NULL;
	size_t count = 0;
	struct ka_error *err = ka_locks_read(c->k, c->arena, &locks, &count);

	ka_call_fault(c, err);
	for (size_t i = 0; i < count && !ka_interrupted(); i++) {
		const struct ka_lock *l = &locks[i];
		struct lock_row row = { .number = l->number, .is_waiting = l->depth, .depth = l->depth, .kind = l->kind, .state = l->state, .mode = l->mode,
					.pid = l->pid, .start = l->start, .end = l->end, .has_end = l->end != INT64_MAX, .lock = l->addr,
					.file = l->file, .inode = l->inode };
		struct ka_vfs_file f;
		struct ka_inode inode;
		struct ka_task t;
		uint32_t device;
		ka_addr task;

		row.id = ka_printf(c->arena, "%*u:%s", l->number > 999 ? 0 : 4, l->number, l->depth ? " ->" : "");
		row.end_text = row.has_end ? ka_printf(c->arena, "%" PRId64, l->end) : "EOF";
		if (l->pid > 0 && !ka_error_drop(ka_task_by_pid(c->k, l->pid, &task)) && !ka_error_drop(ka_task_read(c->k, task, &t)))
			memcpy(row.comm, t.comm, sizeof(row.comm));
		if (l->inode && !ka_error_drop(ka_inode_read(c->k, l->inode, &inode)) && !ka_error_drop(ka_super_device(c->k, inode.sb, &device))) {
			row.has_inode = true;
			row.ino = inode.ino;
			row.device = ka_printf(c->arena, "%02x:%02x", device >> 20, device & 0xfffff);
		}
		if (l->file && !ka_error_drop(ka_vfs_file_read(c->k, l->file, &f))) {
			row.path = ka_files_name(c, &names, f.path, NULL, &err);
			ka_call_fault(c, err);
		}
		ka_out_row(c->out, &ka_files_lock_rows, &row);
	}
	ka_files_names_free(&names);
	return NULL;
}
