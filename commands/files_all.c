/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* files --all: every open file of the machine, one a line, as lsof has it. */
#include <inttypes.h>
#include <kanalyze/task.h>
#include <kanalyze/vma.h>
#include "files.h"

struct open_row {
	int32_t pid;
	char comm[16];
	ka_addr task;
	const char *fd;
	uint32_t number;
	bool has_number, has_inode, is_deleted;
	const char *type, *path, *socket;
	uint64_t ino;
	int64_t size;
	ka_addr file, inode;
};
static const struct ka_col cols[] = {
	KA_COL(open_row, pid, KA_INT, "process id (of threads with descriptors of their own: thread id)"),
	KA_COL(open_row, comm, KA_CHARS, "command name"),
	KA_COLF(open_row, task, KA_ADDR, KA_ONLY_JSON, "address of the task_struct"),
	KA_COL(open_row, fd, KA_TEXT, "descriptor; cwd, rtd (root), txt (the program), mem (mapped)"),
	{ "number", offsetof(struct open_row, number), 4, KA_UINT, KA_ONLY_JSON, offsetof(struct open_row, has_number), NULL,
	  "the descriptor as a number; null: it is none" },
	KA_COL(open_row, type, KA_TEXT, "REG DIR CHR BLK FIFO SOCK LNK UNKN"),
	KA_COL_IF(open_row, ino, KA_UINT, has_inode, "inode number"),
	{ "size", offsetof(struct open_row, size), 8, KA_INT, KA_ONLY_JSON, offsetof(struct open_row, has_inode), NULL, "size in bytes" },
	KA_COL(open_row, path, KA_TEXT, "its whole path, or its name: pipe:[INO] ..."),
	KA_COL(open_row, socket, KA_TEXT, "of sockets: TCP, UDPv6, UNIX-STREAM, NETLINK ..."),
	KA_COLF(open_row, is_deleted, KA_BOOL, KA_ONLY_JSON, "was it deleted"),
	KA_COLF(open_row, file, KA_ADDR, KA_ONLY_JSON | KA_ZERO_IS_NONE, "address of the struct file; null of cwd and rtd"),
	KA_COLF(open_row, inode, KA_ADDR, KA_ONLY_JSON | KA_ZERO_IS_NONE, "address of the inode"),
};
const struct ka_rows ka_files_all_rows = { "open_files", KA_SHAPE_TABLE, "    PID COMM               FD TYPE      INODE PATH",
	"{pid:7} {comm:<16} {fd:>4} {type:<4} {ino:10} {path}{socket? %}", cols, KA_COUNT(cols) };

struct all {
	struct ka_call *c;
	const char *path, *types;
	uint64_t inode;
	bool has_inode;
	struct ka_files_names names;
	struct ka_map inodes;	/* address -> index: the same files over and over */
	struct { KA_VEC(struct ka_inode); } known;
};

/* By address, else read. */
static bool inode_get(struct all *s, ka_addr at, struct ka_inode *ret, struct ka_error **err)
{
	uint64_t i;

	*err = NULL;
	if (ka_map_get(&s->inodes, at, &i)) {
		*ret = s->known.at[i];
		return true;
	}
	*err = ka_inode_read(s->c->k, at, ret);
	if (*err)
		return false;
	ka_map_add(&s->inodes, at, s->known.n);
	ka_vec_push(&s->known, *ret);
	return true;
}

/* "/var/log" is that file and what lies below it; without a slash any part of the path. */
static bool path_fits(const char *wanted, const char *path)
{
	size_t len = strlen(wanted);

	if (!path)
		return false;
	if (wanted[0] != '/')
		return strstr(path, wanted) != NULL;
	while (len > 1 && wanted[len - 1] == '/')
		len--;
	return !strncmp(path, wanted, len) && (!path[len] || path[len] == '/' || path[len] == ' ' || len == 1);
}

static bool in_list(const char *list, const char *word)
{
	size_t len = strlen(word);

	for (const char *p = list; p; p = strchr(p, ',') ? strchr(p, ',') + 1 : NULL)
		if (!strncasecmp(p, word, len) && (!p[len] || p[len] == ','))
			return true;
	return false;
}

/* One line. row has what is known of the task and descriptor. */
static void put(struct all *s, struct open_row *row, struct ka_path path, ka_addr inode_at)
{
	struct ka_call *c = s->c;
	struct ka_inode inode;
	struct ka_error *err = NULL;
	struct ka_dentry d;

	if (!inode_at && path.dentry && !ka_error_drop(ka_dentry_read(c->k, path.dentry, &d)))
		inode_at = d.inode;
	row->inode = inode_at;
	row->type = "UNKN";
	row->has_inode = inode_at && inode_get(s, inode_at, &inode, &err);
	ka_call_fault(c, ka_error_wrap(err, "PID %d, %s", row->pid, row->fd));
	if (row->has_inode) {
		row->type = ka_inode_type(inode.mode);
		row->ino = inode.ino;
		row->size = inode.size;
	}
	/* what is cheap to tell first: names cost more */
	if (s->types && !in_list(s->types, row->type))
		return;
	if (s->has_inode && s->inode != inode_at && !(row->has_inode && s->inode == row->ino))
		return;
	row->path = ka_files_name(c, &s->names, path, &row->is_deleted, &err);
	if (s->path && !path_fits(s->path, row->path)) {
		ka_error_free(err);
		return;
	}
	ka_call_fault(c, ka_error_wrap(err, "PID %d, %s", row->pid, row->fd));
	if (!strcmp(row->type, "SOCK"))
		row->socket = ka_socket_kind(c->k, inode_at, c->arena);
	ka_out_row(c->out, &ka_files_all_rows, row);
}

static void put_file(struct all *s, const struct open_row *task, const char *fd, ka_addr file)
{
	struct open_row row = *task;
	struct ka_vfs_file f;
	struct ka_error *err = ka_vfs_file_read(s->c->k, file, &f);

	row.fd = fd;
	row.file = file;
	if (err)
		ka_call_fault(s->c, ka_error_wrap(err, "PID %d, %s", task->pid, fd));
	else
		put(s, &row, f.path, f.inode);
}

/* The program, and what is mapped beside it; each file once. */
static void put_mapped(struct all *s, const struct open_row *task, const struct ka_task *t)
{
	struct ka_map seen = {0};
	struct ka_vfs_file f, exe = {0};
	struct ka_mm mm;
	struct ka_walk w;

	ka_call_fault(s->c, ka_error_wrap(ka_mm_read(s->c->k, t->mm, &mm), "PID %d", t->pid));
	if (mm.exe_file && !ka_error_drop(ka_vfs_file_read(s->c->k, mm.exe_file, &exe)))
		put_file(s, task, "txt", mm.exe_file);
	w = ka_walk_vmas(s->c->k, t->mm);
	for (ka_addr at; ka_walk_next(&w, &at); ) {
		struct ka_vma v;

		if (ka_error_drop(ka_vma_read(s->c->k, at, &v)) || !v.file || !ka_map_add(&seen, v.file, 1))
			continue;
		/* a file may have been opened several times: the inode tells */
		if (!ka_error_drop(ka_vfs_file_read(s->c->k, v.file, &f)) && f.inode && (f.inode == exe.inode || !ka_map_add(&seen, f.inode, 1)))
			continue;
		put_file(s, task, "mem", v.file);
	}
	ka_call_fault(s->c, ka_error_wrap(ka_walk_end(&w), "PID %d: its memory areas are not all known", t->pid));
	ka_map_free(&seen);
}

static void put_task(struct all *s, const struct ka_task *t)
{
	struct ka_call *c = s->c;
	bool is_thread = t->pid != t->tgid;
	struct open_row row = { .pid = t->pid, .task = t->addr };
	struct ka_task leader = {0};
	struct ka_fd *fds = NULL;
	size_t count = 0;
	struct ka_error *err = NULL;
	struct ka_fs fs;

	memcpy(row.comm, t->comm, sizeof(row.comm));
	if (is_thread && ka_error_drop(ka_task_read(c->k, t->group_leader, &leader)))
		memset(&leader, 0, sizeof(leader));
	/* kernel threads share what the boot began with: the root, and no descriptors */
	if (t->fs && !ka_task_is_kthread(c->k, t) && !(is_thread && leader.fs == t->fs)) {
		err = ka_fs_read(c->k, t->fs, &fs);
		if (!err) {
			row.fd = "cwd";
			put(s, &row, fs.pwd, 0);
			row.fd = "rtd";
			put(s, &row, fs.root, 0);
		}
		ka_call_fault(c, ka_error_wrap(err, "PID %d", t->pid));
	}
	if (t->mm && !is_thread && !ka_task_is_kthread(c->k, t))
		put_mapped(s, &row, t);
	if (!t->files || (is_thread && leader.files == t->files))
		return;
	ka_call_fault(c, ka_error_wrap(ka_files_read(c->k, t->files, c->arena, &fds, &count), "PID %d", t->pid));
	for (size_t i = 0; i < count && !ka_interrupted(); i++) {
		row.has_number = true;
		row.number = fds[i].fd;
		put_file(s, &row, ka_printf(c->arena, "%u", fds[i].fd), fds[i].file);
	}
}

struct ka_error *ka_files_all(struct ka_call *c)
{
	struct all s = { .c = c, .path = ka_call_value(c, "path"), .types = ka_call_value(c, "type") };
	const char *inode = ka_call_value(c, "inode"), *pids = ka_call_value(c, "pid");
	struct ka_walk w;

	if (inode) {
		/* a number as ls -i prints it, or an address */
		s.has_inode = ka_parse_digits(inode, 10, &s.inode) || ka_parse_number(inode, false, &s.inode);
		if (!s.has_inode)
			return ka_call_usage(c, "--inode: '%s' is neither an inode number nor an address", inode);
	}
	for (const char *p = pids; p && *p; p += strcspn(p, ",") + (p[strcspn(p, ",")] != 0)) {
		uint64_t pid;

		if (!ka_parse_digits(ka_strndup(c->arena, p, strcspn(p, ",")), 10, &pid))
			return ka_call_usage(c, "--pid: '%s' is no list of process ids", pids);
	}
	w = ka_walk_tasks(c->k);
	for (ka_addr at; ka_walk_next(&w, &at); ) {
		struct ka_task t;
		struct ka_error *err = ka_task_read(c->k, at, &t);

		if (err)
			ka_call_fault(c, err);
		else if (!pids || in_list(pids, ka_printf(c->arena, "%d", t.pid)))
			put_task(&s, &t);
	}
	ka_call_fault(c, ka_walk_end(&w));
	ka_files_names_free(&s.names);
	ka_map_free(&s.inodes);
	ka_vec_free(&s.known);
	return ka_interrupted() ? ka_error_new(KA_INTERRUPTED, "interrupted") : NULL;
}
