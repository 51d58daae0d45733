/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* fuser: the tasks that use a file: as root, working directory, open file or mapping. */
#include <kanalyze/command.h>
#include <kanalyze/task.h>
#include <kanalyze/vfs.h>
#include <kanalyze/vma.h>

struct fuser_row {
	int32_t pid;
	ka_addr task;
	char comm[16];
	const char *quoted, *usage;
	const char *const *uses;
	bool has_fd;
	uint32_t fd;
};
KA_ROWS(fuser_row, "users", " PID         TASK        COMM             USAGE", "{pid:5}  {task:016}  {quoted:<16} {usage}",
	KA_COL(fuser_row, pid, KA_INT, "process id (of threads: thread id)"),
	KA_COL(fuser_row, task, KA_ADDR, "address of the task_struct"),
	KA_COLF(fuser_row, comm, KA_CHARS, KA_ONLY_JSON, "command name"),
	KA_COLF(fuser_row, quoted, KA_TEXT, KA_ONLY_TEXT, "command name in quotes, cut"),
	KA_COLF(fuser_row, usage, KA_TEXT, KA_ONLY_TEXT, "how it is used"),
	KA_COLF(fuser_row, uses, KA_LIST, KA_ONLY_JSON, "how it is used: root, cwd, fd, mmap"),
	{ "fd", offsetof(struct fuser_row, fd), 4, KA_UINT, KA_ONLY_JSON, offsetof(struct fuser_row, has_fd), NULL,
	  "the first descriptor it is open at" });

enum use { USE_ROOT, USE_CWD, USE_FD, USE_MMAP, USE_COUNT };

static const char *const use_names[] = { "root", "cwd", "fd", "mmap" };

/* What is looked for. Whether a path is it is remembered by its dentry and mount: the same come again and again. */
struct sought {
	struct ka_call *c;
	const char *path;	/* NULL: an address */
	ka_addr address;
	struct ka_map matches;	/* dentry ^ mount -> 0, 1 */
	struct ka_map files;	/* struct file -> 0, 1 */
};

static bool is_path(struct sought *s, struct ka_path p)
{
	static const char deleted[] = " (deleted)";
	ka_addr key = p.dentry ^ (p.mnt << 1 | p.mnt >> 63);
	uint64_t is_it = 0;
	const char *name;
	struct ka_dentry d;

	if (!p.dentry)
		return false;
	if (ka_map_get(&s->matches, key, &is_it))
		return is_it;
	if (!s->path) {
		is_it = p.dentry == s->address ||
			(!ka_error_drop(ka_dentry_read(s->c->k, p.dentry, &d)) && d.inode && d.inode == s->address);
	} else if (!ka_error_drop(ka_path_name(s->c->k, p, s->c->arena, &name, NULL))) {
		size_t n = strlen(s->path);

		is_it = !strncmp(name, s->path, n) && (!name[n] || !strcmp(name + n, deleted));
	}
	ka_map_add(&s->matches, key, is_it);
	return is_it;
}

static bool is_file(struct sought *s, ka_addr file)
{
	struct ka_vfs_file f;
	uint64_t is_it;

	if (!file)
		return false;
	if (ka_map_get(&s->files, file, &is_it))
		return is_it;
	is_it = !ka_error_drop(ka_vfs_file_read(s->c->k, file, &f)) &&
		((!s->path && (file == s->address || (f.inode && f.inode == s->address))) || is_path(s, f.path));
	ka_map_add(&s->files, file, is_it);
	return is_it;
}

static bool maps_it(struct sought *s, ka_addr mm)
{
	struct ka_walk w;
	struct ka_vma v;
	bool does = false;

	if (!mm)
		return false;
	w = ka_walk_vmas(s->c->k, mm);
	for (ka_addr at; ka_walk_next(&w, &at); )
		if (!does && !ka_error_drop(ka_vma_read(s->c->k, at, &v)))
			does = is_file(s, v.file);
	ka_call_fault(s->c, ka_walk_end(&w));
	return does;
}

/* True: it uses the file. */
static bool task_look(struct sought *s, const struct ka_task *t)
{
	struct ka_call *c = s->c;
	bool is_used[USE_COUNT] = { false };
	struct fuser_row row = { .pid = t->pid, .task = t->addr };
	const char **uses = ka_alloc(c->arena, (USE_COUNT + 1) * sizeof(*uses));
	struct ka_str text = { 0 };
	struct ka_fd *fds = NULL;
	size_t n = 0, fd_count = 0;
	struct ka_fs fs;

	if (t->fs && !ka_error_drop(ka_fs_read(c->k, t->fs, &fs))) {
		is_used[USE_ROOT] = is_path(s, fs.root);
		is_used[USE_CWD] = is_path(s, fs.pwd);
	}
	if (t->files)
		ka_call_fault(c, ka_error_wrap(ka_files_read(c->k, t->files, c->arena, &fds, &fd_count), "PID %d", t->pid));
	for (size_t i = 0; i < fd_count && !is_used[USE_FD]; i++) {
		is_used[USE_FD] = row.has_fd = is_file(s, fds[i].file);
		row.fd = fds[i].fd;
	}
	is_used[USE_MMAP] = maps_it(s, t->mm);
	for (enum use u = 0; u < USE_COUNT; u++) {
		if (!is_used[u])
			continue;
		uses[n++] = use_names[u];
		ka_str_printf(&text, "%s%s", text.len ? " " : "", use_names[u]);
	}
	if (n) {
		memcpy(row.comm, t->comm, sizeof(row.comm));
		/* cut to the width of its column, as crash does */
		struct ka_str quoted = { 0 };
		ka_str_printf(&quoted, strnlen(t->comm, sizeof(t->comm)) > 14 ? "\"%.14s " : "\"%.16s\"", t->comm);
		row.quoted = quoted.p;
		row.usage = text.p;
		row.uses = uses;
		ka_out_row(c->out, &ka_rows_fuser_row, &row);
		ka_str_free(&quoted);
	}
	ka_str_free(&text);
	return n > 0;
}

static struct ka_error *run(struct ka_call *c)
{
	if (!c->argc)
		return ka_call_usage(c, "fuser needs a path or the address of an inode");
	for (int i = 0; i < c->argc; i++) {
		struct sought s = { .c = c };
		struct ka_walk w;

		if (c->argv[i][0] == '/')
			s.path = c->argv[i];
		else if (!ka_parse_number(c->argv[i], false, &s.address) || !s.address) {
			ka_call_fault(c, ka_error_new(KA_USAGE, "'%s' is neither a path from the root nor an address", c->argv[i]));
			continue;
		}
		size_t found = 0;

		ka_out_new_table(c->out);
		w = ka_walk_tasks(c->k);
		for (ka_addr at; ka_walk_next(&w, &at); ) {
			struct ka_task t;
			struct ka_error *err = ka_task_read(c->k, at, &t);

			if (err)
				ka_call_fault(c, err);
			else
				found += task_look(&s, &t);
		}
		if (!found)
			ka_out_note(c->out, "No users of %s found", c->argv[i]);
		ka_call_fault(c, ka_walk_end(&w));
		ka_map_free(&s.matches);
		ka_map_free(&s.files);
	}
	return NULL;
}

const struct ka_command ka_command_fuser = {
	.name = "fuser",
	.args = "PATH | INODE...",
	.brief = "tasks that use a file",
	.help = "Shows the tasks that use a file: as root directory, as working directory, as an open file (fd), or mapped\n"
		"(mmap). The file is named by its whole path, or by the address of its inode, dentry or struct file. A file that was\n"
		"deleted is found by the path it had.\n"
		"\n"
		"  fuser /var/log/messages\n"
		"  fuser ffff88003f5d3a40\n",
	.needs = KA_NEED_TASKS,
	.rows = (const struct ka_rows *const[]){ &ka_rows_fuser_row, NULL },
	.run = run,
};
