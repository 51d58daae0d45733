/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* files: root, working directory and open files of tasks. */
#include <kanalyze/command.h>
#include <kanalyze/task.h>
#include "files.h"

struct files_task {
	int32_t pid;
	ka_addr task;
	uint32_t cpu;
	char comm[16];
	const char *root, *cwd, *exe;
	bool has_files;
};
/* A task that has given up its fs_struct has neither root nor working directory. */
KA_LINES(files_task, "tasks",
	 "PID: {pid:<7}  TASK: {task:016}  CPU: {cpu:<3}  COMMAND: \"{comm}\"{root?\nROOT\\: %}{cwd?    CWD\\: %}",
	 KA_COL(files_task, pid, KA_INT, "process id (of threads: thread id)"),
	 KA_COL(files_task, task, KA_ADDR, "address of the task_struct"),
	 KA_COL(files_task, cpu, KA_UINT, "CPU it runs on or ran on last"),
	 KA_COL(files_task, comm, KA_CHARS, "command name"),
	 KA_COL(files_task, root, KA_TEXT, "its root directory; null: it has none any more"),
	 KA_COL(files_task, cwd, KA_TEXT, "its working directory"),
	 KA_COLF(files_task, exe, KA_TEXT, KA_ONLY_JSON, "path of the program it runs; null: a kernel thread, or it has given up its memory"),
	 KA_COLF(files_task, has_files, KA_BOOL, KA_ONLY_JSON, "has it a table of open files"));

struct files_row {
	uint32_t fd;
	ka_addr file, dentry, inode, mapping;
	const char *type, *path, *socket;
	bool has_inode, has_nrpages, is_deleted, is_cloexec, has_mnt_id;
	uint64_t ino, nrpages, flags;
	int64_t pos, size;
	int32_t mnt_id;
	const struct ka_node *state;
};
#define FILES_COLS_PATH										\
	KA_COL(files_row, type, KA_TEXT, "REG DIR CHR BLK FIFO SOCK LNK, UNKN of those that have no type"),	\
	KA_COL(files_row, path, KA_TEXT, "its whole path, or its name: pipe:[INO] ..."),	\
	KA_COL(files_row, socket, KA_TEXT, "of sockets: TCP, UDPv6, UNIX-STREAM, NETLINK ..."),	\
	KA_COLF(files_row, is_deleted, KA_BOOL, KA_ONLY_JSON, "was it deleted"),		\
	{ "ino", offsetof(struct files_row, ino), 8, KA_UINT, KA_ONLY_JSON, offsetof(struct files_row, has_inode), NULL,	\
	  "inode number" },									\
	{ "size", offsetof(struct files_row, size), 8, KA_INT, KA_ONLY_JSON, offsetof(struct files_row, has_inode), NULL,	\
	  "size in bytes" }
#define FILES_COLS_OPEN										\
	KA_COLF(files_row, pos, KA_INT, KA_ONLY_JSON, "offset of the next read or write"),	\
	KA_COLF(files_row, flags, KA_UINT, KA_ONLY_JSON, "O_* it was opened with"),		\
	KA_COLF(files_row, is_cloexec, KA_BOOL, KA_ONLY_JSON, "is it closed on exec"),		\
	{ "mnt_id", offsetof(struct files_row, mnt_id), 4, KA_INT, KA_ONLY_JSON, offsetof(struct files_row, has_mnt_id), NULL,	\
	  "number of the mount, as /proc/PID/mountinfo has it" },				\
	KA_COLF(files_row, state, KA_VALUE, KA_ONLY_JSON,					\
		"what it is made of: pipes, sockets, eventfd, epoll, timerfd, signalfd, inotify, fanotify, pidfd, BPF maps and programs, io_uring, "	\
		"userfaultfd, perf events, memfd, terminals, fscontext")
#define PATH_END " {type:<4} {path}{socket? %}"
KA_ROWS(files_row, "files", " FD       FILE            DENTRY           INODE       TYPE PATH",
	"{fd:3} {file:016} {dentry:016} {inode:016}" PATH_END,
	KA_COL(files_row, fd, KA_UINT, "file descriptor"),
	KA_COL(files_row, file, KA_ADDR, "address of the struct file"),
	KA_COL(files_row, dentry, KA_ADDR, "address of its dentry"),
	KA_COL(files_row, inode, KA_ADDR, "address of its inode"),
	FILES_COLS_PATH, FILES_COLS_OPEN);

static const struct ka_col ka_cols_files_cache[] = {
	KA_COL(files_row, fd, KA_UINT, "file descriptor"),
	KA_COL(files_row, inode, KA_ADDR, "address of its inode"),
	KA_COL(files_row, mapping, KA_ADDR, "address of the inode's address_space (i_mapping)"),
	KA_COL_IF(files_row, nrpages, KA_UINT, has_nrpages, "pages of it in the page cache"),
	FILES_COLS_PATH, FILES_COLS_OPEN };
static const struct ka_rows ka_rows_files_cache = { "files", KA_SHAPE_TABLE,
	" FD      INODE          I_MAPPING     NRPAGES TYPE PATH", "{fd:3} {inode:016} {mapping:016} {nrpages:7}" PATH_END,
	ka_cols_files_cache, KA_COUNT(ka_cols_files_cache) };

struct files_dentry {
	ka_addr dentry, inode, superblock;
	const char *type, *path;
	bool is_deleted;
};
KA_ROWS(files_dentry, "dentries", "     DENTRY           INODE           SUPERBLK     TYPE PATH",
	"{dentry:016} {inode:016} {superblock:016} {type:<4} {path}",
	KA_COL(files_dentry, dentry, KA_ADDR, "address of the dentry"),
	KA_COL(files_dentry, inode, KA_ADDR, "address of its inode; 0: a negative dentry"),
	KA_COL(files_dentry, superblock, KA_ADDR, "address of its super_block"),
	KA_COL(files_dentry, type, KA_TEXT, "REG DIR CHR BLK FIFO SOCK LNK UNKN"),
	KA_COL(files_dentry, path, KA_TEXT, "its whole path"),
	KA_COLF(files_dentry, is_deleted, KA_BOOL, KA_ONLY_JSON, "was it deleted"));

/* -R: what is searched for. */
struct reference {
	const char *text;	/* NULL: everything is shown */
	uint64_t number, address;
	bool is_number, is_address;
};

static struct reference reference_of(const char *text)
{
	struct reference r = { .text = text };
	char *end;

	if (!text || !text[0])
		return r;
	r.number = strtoull(text, &end, 10);
	r.is_number = !*end && text[0] >= '0' && text[0] <= '9';
	r.is_address = ka_parse_number(text, false, &r.address);
	return r;
}

/* "/" is the root alone; any other text may be anywhere in a path. A number is not sought in names such as pipe:[4711]. */
static bool path_matches(const struct reference *r, const char *path)
{
	if (!r->text)
		return true;
	if (!path || (r->is_number && path[0] != '/'))
		return false;
	return strcmp(r->text, "/") ? strstr(path, r->text) != NULL : !strcmp(path, "/");
}

static bool row_matches(const struct reference *r, const struct files_row *row)
{
	if (path_matches(r, row->path) || path_matches(r, row->socket))
		return true;
	if (r->is_number && r->number == row->fd)
		return true;
	if (r->is_number && row->path && row->path[0] != '/' && row->has_inode && r->number == row->ino)
		return true;
	return r->is_address && r->address && (r->address == row->file || r->address == row->dentry ||
					       r->address == row->inode || r->address == row->mapping);
}

static void row_fill(struct ka_call *c, struct ka_files_names *names, const struct ka_fd *fd, struct files_row *row)
{
	struct ka_vfs_file f;
	struct ka_inode inode;
	struct ka_mount mount;
	struct ka_error *err = ka_vfs_file_read(c->k, fd->file, &f);

	*row = (struct files_row){ .fd = fd->fd, .file = fd->file, .is_cloexec = fd->is_cloexec, .type = "UNKN" };
	if (err) {
		ka_call_fault(c, ka_error_wrap(err, "descriptor %u", fd->fd));
		return;
	}
	row->dentry = f.path.dentry;
	row->inode = f.inode;
	row->pos = f.pos;
	row->flags = f.flags;
	if (f.path.mnt && !ka_error_drop(ka_mount_read(c->k, ka_mount_of(c->k, f.path.mnt), &mount))) {
		row->mnt_id = mount.id;
		row->has_mnt_id = true;
	}
	if (f.inode) {
		err = ka_inode_read(c->k, f.inode, &inode);
		row->has_inode = !err;
		if (!err) {
			row->type = ka_inode_type(inode.mode);
			row->ino = inode.ino;
			row->size = inode.size;
			row->mapping = inode.mapping;
			if (ka_call_has(c, "c")) {
				err = ka_inode_pages(c->k, &inode, &row->nrpages);
				row->has_nrpages = !err;
			}
			if (!strcmp(row->type, "SOCK"))
				row->socket = ka_socket_kind(c->k, f.inode, c->arena);
		}
		ka_call_fault(c, ka_error_wrap(err, "descriptor %u", fd->fd));
	}
	row->path = ka_files_name(c, names, f.path, &row->is_deleted, &err);
	ka_call_fault(c, ka_error_wrap(err, "descriptor %u", fd->fd));
	if (!ka_out_is_text(c->out))
		ka_call_fault(c, ka_error_wrap(ka_file_state(c->k, &f, row->path, row->has_inode ? inode.mode : 0, c->arena, &row->state),
					       "descriptor %u", fd->fd));
}

/* The program of a task, for JSON; kernel threads have none. */
static const char *exe_name(struct ka_call *c, struct ka_files_names *names, const struct ka_task *t)
{
	const char *name = NULL;
	struct ka_vfs_file f;
	struct ka_mm mm;
	struct ka_error *err = ka_mm_read(c->k, t->mm, &mm);

	if (!err && mm.exe_file) {
		err = ka_vfs_file_read(c->k, mm.exe_file, &f);
		if (!err)
			name = ka_files_name(c, names, f.path, NULL, &err);
	}
	ka_call_fault(c, ka_error_wrap(err, "PID %d: its program", t->pid));
	return name;
}

/* One task, as far as the reference fits. */
static void files_of(struct ka_call *c, struct ka_files_names *names, ka_addr task, const struct reference *r)
{
	const struct ka_rows *rows = ka_call_has(c, "c") ? &ka_rows_files_cache : &ka_rows_files_row;
	struct files_task head = {0};
	struct { KA_VEC(struct files_row); } shown = {0};
	struct ka_fd *fds = NULL;
	struct ka_task t;
	struct ka_fs fs;
	size_t fd_count = 0;
	struct ka_error *err = ka_task_read(c->k, task, &t);

	if (err) {
		ka_call_fault(c, err);
		return;
	}
	head = (struct files_task){ .pid = t.pid, .task = task, .cpu = t.cpu, .has_files = t.files != 0 };
	memcpy(head.comm, t.comm, sizeof(head.comm));
	if (t.fs) {
		err = ka_fs_read(c->k, t.fs, &fs);
		if (!err)
			head.root = ka_files_name(c, names, fs.root, NULL, &err);
		ka_call_fault(c, ka_error_wrap(err, "PID %d: root directory", t.pid));
		if (head.root) {
			head.cwd = ka_files_name(c, names, fs.pwd, NULL, &err);
			ka_call_fault(c, ka_error_wrap(err, "PID %d: working directory", t.pid));
		}
	}
	if (t.mm && !ka_out_is_text(c->out))
		head.exe = exe_name(c, names, &t);
	if (t.files)
		ka_call_fault(c, ka_error_wrap(ka_files_read(c->k, t.files, c->arena, &fds, &fd_count), "PID %d", t.pid));
	for (size_t i = 0; i < fd_count && !ka_interrupted(); i++) {
		struct files_row row;

		row_fill(c, names, &fds[i], &row);
		if (!r->text || row_matches(r, &row))
			ka_vec_push(&shown, row);
	}
	if (!r->text || shown.n || path_matches(r, head.root) || path_matches(r, head.cwd)) {
		ka_out_gap(c->out);
		ka_out_new_table(c->out);
		ka_out_begin(c->out, &ka_rows_files_task, &head);
		for (size_t i = 0; i < shown.n; i++)
			ka_out_row(c->out, rows, &shown.at[i]);
		if (!r->text && !fd_count)
			ka_out_note(c->out, "No open files");
		ka_out_end(c->out);
	}
	ka_vec_free(&shown);
}

/* A dentry may be seen through several mounts: the first of its file system whose root lies above it. */
static ka_addr dentry_mount(struct ka_call *c, const struct ka_dentry *d)
{
	struct ka_mount *mounts = NULL;
	struct ka_task t;
	ka_addr init, ns;
	size_t count = 0;

	if (ka_error_drop(ka_task_by_pid(c->k, 1, &init)) || ka_error_drop(ka_task_read(c->k, init, &t)) ||
	    ka_error_drop(ka_mount_ns(c->k, t.nsproxy, &ns)))
		return 0;
	ka_error_dispose(ka_mounts_read(c->k, ns, c->arena, &mounts, &count));
	for (size_t i = 0; i < count; i++) {
		struct ka_dentry up = *d;

		if (mounts[i].sb != d->sb)
			continue;
		for (unsigned depth = 0; depth < 4096; depth++) {
			if (up.addr == mounts[i].root)
				return mounts[i].vfsmount;
			if (up.is_root || ka_error_drop(ka_dentry_read(c->k, up.parent, &up)))
				break;
		}
	}
	return 0;
}

static struct ka_error *dentry_show(struct ka_call *c, const char *text)
{
	struct files_dentry row = { .type = "UNKN" };
	struct ka_inode inode;
	struct ka_dentry d;
	uint64_t at;
	struct ka_error *err;

	if (!ka_parse_number(text, false, &at) || !ka_is_kernel_addr(c->k, at))
		return ka_error_new(KA_USAGE, "invalid dentry address: %s", text);
	err = ka_dentry_read(c->k, at, &d);
	if (!err && !ka_is_kernel_addr(c->k, d.sb))
		err = ka_error_at(KA_CORRUPT, KA_SPACE_VIRT, at, "there is no dentry at 0x%llx: its superblock would be at 0x%llx",
				  (unsigned long long)at, (unsigned long long)d.sb);
	if (err)
		return err;
	row.dentry = at;
	row.inode = d.inode;
	row.superblock = d.sb;
	if (d.inode) {
		err = ka_inode_read(c->k, d.inode, &inode);
		if (!err)
			row.type = ka_inode_type(inode.mode);
		ka_call_fault(c, err);
	}
	ka_call_fault(c, ka_path_name(c->k, (struct ka_path){ .mnt = dentry_mount(c, &d), .dentry = at }, c->arena, &row.path,
				      &row.is_deleted));
	ka_out_row(c->out, &ka_rows_files_dentry, &row);
	return NULL;
}

static struct ka_error *run(struct ka_call *c)
{
	struct reference r = reference_of(ka_call_value(c, "R"));
	const char *dentry = ka_call_value(c, "d"), *inode = ka_call_value(c, "p");
	struct ka_files_names names = {0};
	struct ka_error *err;
	ka_addr task;

	if ((dentry != NULL) + (inode != NULL) + ka_call_has(c, "all") + ka_call_has(c, "locks") > 1)
		return ka_call_usage(c, "-d, -p, --all and --locks exclude each other");
	if (!ka_call_has(c, "all") && (ka_call_has(c, "path") || ka_call_has(c, "inode") || ka_call_has(c, "pid") || ka_call_has(c, "type")))
		return ka_call_usage(c, "--path, --inode, --pid and --type choose from --all");
	if (dentry)
		return dentry_show(c, dentry);
	if (inode)
		return ka_files_pages(c, inode);
	if (ka_call_has(c, "locks"))
		return ka_files_locks(c);
	if (ka_call_has(c, "all"))
		return ka_files_all(c);
	if (!c->argc) {
		task = ka_call_task(c);
		if (!task)
			return ka_error_new(KA_NOT_FOUND, "there is no current task: name one");
		files_of(c, &names, task, &r);
	}
	for (int i = 0; i < c->argc && !ka_interrupted(); i++) {
		err = ka_parse_task(c->k, c->argv[i], &task);
		if (err)
			ka_call_fault(c, err);
		else
			files_of(c, &names, task, &r);
	}
	ka_files_names_free(&names);
	return ka_interrupted() ? ka_error_new(KA_INTERRUPTED, "interrupted") : NULL;
}

static const struct ka_option options[] = {
	{ "d", "DENTRY", "only the inode, superblock, type and path of the dentry at this address", false },
	{ "p", "INODE", "the pages of the inode at this address that are in the page cache", false },
	{ "c", NULL, "the inode, its address_space and how many of its pages are in the page cache", false },
	{ "R", "REF", "only what refers to this descriptor, path, or address of a file, dentry, inode or mapping", false },
	{ "all", NULL, "all open files of the machine, one a line", true },
	{ "path", "PATH", "of --all: that file and what is below it; without a slash in front: whose path has this in it", true },
	{ "inode", "INODE", "of --all: by inode number or by address of the inode", true },
	{ "pid", "PID[,PID]...", "of --all: of these tasks", true },
	{ "type", "TYPE[,TYPE]...", "of --all: REG, SOCK, FIFO ...", true },
	{ "locks", NULL, "all file locks and who waits for them, as /proc/locks", true },
	{ NULL, NULL, NULL, false },
};

static const struct ka_rows *const rows[] = { &ka_rows_files_task, &ka_rows_files_row, &ka_rows_files_cache,
					      &ka_rows_files_dentry, &ka_files_inode_rows, &ka_files_page_rows,
					      &ka_files_all_rows, &ka_files_lock_rows, NULL };

const struct ka_command ka_command_files = {
	.name = "files",
	.args = "[-c] [-R REF] [PID | TASK]... | -d DENTRY | -p INODE | --all [--path PATH] [--inode INODE] [--pid PIDS] [--type TYPES] | --locks",
	.brief = "open files",
	.help =
	"Shows the root directory, the working directory and the open files of the current task, or of\n"
	"those that are named by process id (decimal) or by the address of a task_struct (hex).\n"
	"\n"
	"  FD      file descriptor\n"
	"  FILE    address of the struct file, DENTRY of its dentry, INODE of its inode\n"
	"  TYPE    REG DIR CHR BLK FIFO SOCK LNK; UNKN: an inode without a type\n"
	"  PATH    the path from the top of the task's mount namespace\n"
	"\n"
	"Paths are those of /proc/PID/fd: a file that was deleted has (deleted) behind its name, and what\n"
	"never had a directory is pipe:[INODE], socket:[INODE], anon_inode:[eventfd] or /memfd:NAME.\n"
	"Behind a socket stands what kind it is: TCP, UDPv6, UNIX-STREAM, NETLINK.\n"
	"\n"
	"-R REF shows only lines that refer to REF: a descriptor's number, a part of a path, the inode\n"
	"number of a pipe or socket, or the address of a struct file, dentry, inode or address_space; tasks\n"
	"that have none are left out.\n"
	"\n"
	"--all is lsof of the dead machine: working directories, roots, programs, mapped files and open\n"
	"descriptors of all processes, and of threads that have a table of their own.\n"
	"\n"
	"JSON has the state of what has no directory: bytes in a pipe, what an epoll watches, the count of\n"
	"an eventfd.\n"
	"\n"
	"Examples:\n"
	"  files 1                       what init has open\n"
	"  files -R /var/log 720 722     which of their files are below /var/log\n"
	"  files -d ffff8d020142c0c0     the path of a dentry\n"
	"  files -p ffff8d0205b51240     what is cached of a file\n"
	"  files --all --path /var       who keeps /var busy\n"
	"  files --all --type SOCK       all sockets\n",
	.options = options,
	.needs = KA_NEED_TYPES | KA_NEED_TASKS | KA_TAKES_TASKS | KA_EACH_ALONE,
	.rows = rows,
	.run = run,
};
