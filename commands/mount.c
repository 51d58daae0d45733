/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* mount: the mounted file systems of a namespace. */
#include <kanalyze/forest.h>
#include "mount.h"

struct mount_row {
	ka_addr mount, vfsmount, superblock, parent;
	const char *type, *devname, *dirname;
	const char *const *options;
	const char *branch;
	int32_t id;
	uint32_t depth;
};
#define MOUNT_HEADING "           SUPERBLK     TYPE   DEVNAME   DIRNAME"
#define MOUNT_LINE_END " {superblock:016} {type:<6} {devname:<9} {dirname}"
#define MOUNT_COLS \
	KA_COL(mount_row, mount, KA_ADDR, "address of the struct mount (before v3.3 of the vfsmount)"), \
	KA_COLF(mount_row, vfsmount, KA_ADDR, KA_ONLY_JSON, "address of the struct vfsmount"), \
	KA_COL(mount_row, superblock, KA_ADDR, "address of the super_block"), \
	KA_COL(mount_row, type, KA_TEXT, "type of the file system"), \
	KA_COL(mount_row, devname, KA_TEXT, "device, or what was given in its place"), \
	KA_COL(mount_row, dirname, KA_TEXT, "directory it is mounted on"), \
	KA_COLF(mount_row, options, KA_LIST, KA_ONLY_JSON, "ro or rw, nosuid, nodev, noexec, noatime, nodiratime, relatime"), \
	KA_COLF(mount_row, id, KA_INT, KA_ONLY_JSON, "its number, as /proc/PID/mountinfo has it"), \
	KA_COLF(mount_row, parent, KA_ADDR, KA_ONLY_JSON, "the mount that it lies on; itself at the top")
KA_ROWS(mount_row, "mounts", "     MOUNT" MOUNT_HEADING, "{mount:016}" MOUNT_LINE_END, MOUNT_COLS);
static const struct ka_rows ka_rows_mount_old = { "mounts", KA_SHAPE_TABLE, "    VFSMOUNT" "         SUPERBLK     TYPE   DEVNAME   DIRNAME",
	"{mount:016}" MOUNT_LINE_END, ka_cols_mount_row, KA_COUNT(ka_cols_mount_row) };

static const struct ka_col ka_cols_mount_tree[] = {
	MOUNT_COLS,
	KA_COLF(mount_row, branch, KA_TEXT, KA_ONLY_TEXT, NULL),
	KA_COLF(mount_row, depth, KA_UINT, KA_ONLY_JSON, "how many mounts lie below it") };
static const struct ka_rows ka_rows_mount_tree = { "mounts", KA_SHAPE_TABLE, "     MOUNT" MOUNT_HEADING,
	"{mount:016} {superblock:016} {type:<6} {devname:<9} {branch}{dirname}", ka_cols_mount_tree, KA_COUNT(ka_cols_mount_tree) };

/* MNT_*: of the interface to user space in all but their numbers, which have not moved since v2.6.30. */
static const struct { uint64_t flag; const char *name; } flag_names[] = {
	{ 0x01, "nosuid" }, { 0x02, "nodev" }, { 0x04, "noexec" }, { 0x08, "noatime" }, { 0x10, "nodiratime" },
	{ 0x20, "relatime" }, { 0x80, "nosymfollow" },	/* dab741e0e02b, v5.10 */
};
#define FLAG_READONLY 0x40	/* MNT_READONLY; of the superblock it is SB_RDONLY, 1 */

static const char *const *options_of(struct ka_call *c, const struct ka_mount *m)
{
	const char **list = ka_alloc(c->arena, (KA_COUNT(flag_names) + 2) * sizeof(*list));
	uint64_t sb_flags = 0;
	size_t n = 0;

	ka_error_dispose(ka_super_flags(c->k, m->sb, &sb_flags));
	list[n++] = (m->flags & FLAG_READONLY) || (sb_flags & 1) ? "ro" : "rw";
	for (size_t i = 0; i < KA_COUNT(flag_names); i++)
		if (m->flags & flag_names[i].flag)
			list[n++] = flag_names[i].name;
	return list;
}

static void row_fill(struct ka_call *c, const struct ka_mount *m, struct mount_row *row)
{
	char text[4096];
	struct ka_path path = { .mnt = m->vfsmount, .dentry = m->root };
	struct ka_error *err;

	*row = (struct mount_row){ .mount = m->addr, .vfsmount = m->vfsmount, .superblock = m->sb, .parent = m->parent,
				   .id = m->id, .devname = "none", .options = options_of(c, m) };
	err = ka_super_type(c->k, m->sb, text, sizeof(text));
	row->type = err ? "?" : ka_strdup(c->arena, text);
	ka_call_fault(c, ka_error_wrap(err, "mount at 0x%llx", (unsigned long long)m->addr));
	if (m->devname_at) {
		err = ka_read_cstr(c->k, m->devname_at, text, sizeof(text));
		row->devname = err ? "?" : ka_strdup(c->arena, text);
		ka_call_fault(c, ka_error_wrap(err, "device name of the mount at 0x%llx", (unsigned long long)m->addr));
	}
	ka_call_fault(c, ka_path_name(c->k, path, c->arena, &row->dirname, NULL));
}

/* A selector: an address of something of a mount, or a name. */
struct selector {
	const char *text;
	ka_addr at, sb;		/* sb: that of the dentry or inode at at */
};

static bool is_super(const struct ka_mount *mounts, size_t count, ka_addr sb)
{
	for (size_t i = 0; i < count; i++)
		if (sb && mounts[i].sb == sb)
			return true;
	return false;
}

static struct selector selector_of(struct ka_call *c, const char *text, const struct ka_mount *mounts, size_t count)
{
	struct selector s = { .text = text };
	struct ka_dentry d;
	struct ka_inode i;
	uint64_t number;

	if (!ka_parse_number(text, false, &number) || !ka_is_kernel_addr(c->k, number))
		return s;
	s.at = number;
	for (size_t n = 0; n < count; n++)
		if (mounts[n].addr == s.at || mounts[n].vfsmount == s.at || mounts[n].sb == s.at)
			return s;
	/* what it is, is told by whether it leads to a superblock that is mounted */
	if (!ka_error_drop(ka_dentry_read(c->k, s.at, &d)) && is_super(mounts, count, d.sb))
		s.sb = d.sb;
	else if (!ka_error_drop(ka_inode_read(c->k, s.at, &i)) && is_super(mounts, count, i.sb))
		s.sb = i.sb;
	return s;
}

static bool selects(const struct selector *s, const struct ka_mount *m, const struct mount_row *row)
{
	if (s->at)
		return m->addr == s->at || m->vfsmount == s->at || m->sb == s->at || (s->sb && m->sb == s->sb);
	return !strcmp(row->devname, s->text) || (row->dirname && !strcmp(row->dirname, s->text)) || !strcmp(row->type, s->text);
}

/* Whose namespace: -n, else that of init, else that of the idle task of CPU 0, which is init_task. */
static struct ka_error *namespace_find(struct ka_call *c, ka_addr *ret)
{
	const char *who = ka_call_value(c, "n");
	struct ka_task t;
	ka_addr task;
	struct ka_error *err;

	if (who) {
		err = ka_parse_task(c->k, who, &task);
		if (!err)
			err = ka_task_read(c->k, task, &t);
		return err ? err : ka_error_wrap(ka_mount_ns(c->k, t.nsproxy, ret), "PID %d", t.pid);
	}
	if (!ka_error_drop(ka_task_by_pid(c->k, 1, &task)) && !ka_error_drop(ka_task_read(c->k, task, &t)) &&
	    !ka_error_drop(ka_mount_ns(c->k, t.nsproxy, ret)))
		return NULL;
	err = ka_task_read(c->k, ka_cpu_idle_task(c->k, 0), &t);
	if (!err)
		err = ka_mount_ns(c->k, t.nsproxy, ret);
	return ka_error_wrap(err, "neither init nor the idle task tells its mount namespace");
}

struct tree {
	struct ka_call *c;
	struct mount_row *rows;
};

static void tree_show(void *ctx, size_t i, unsigned depth, const bool *is_last)
{
	const struct tree *t = ctx;

	t->rows[i].depth = depth;
	t->rows[i].branch = ka_out_branch(t->c->out, t->c->arena, is_last, depth);
	ka_out_row(t->c->out, &ka_rows_mount_tree, &t->rows[i]);
}

/* Each below the one that it lies on; of chosen ones all that lies on them. */
static void tree(struct ka_call *c, struct mount_row *rows, size_t count, const bool *is_chosen)
{
	struct tree t = { .c = c, .rows = rows };
	size_t *parent = ka_alloc(c->arena, (count + 1) * sizeof(*parent));
	struct ka_forest f = { .count = count, .parent = parent, .roots = c->argc ? is_chosen : NULL, .visit = tree_show, .ctx = &t };
	struct ka_map by_addr = { 0 };
	uint64_t at;

	for (size_t i = 0; i < count; i++)
		ka_map_add(&by_addr, rows[i].mount, i);
	for (size_t i = 0; i < count; i++)
		parent[i] = ka_map_get(&by_addr, rows[i].parent, &at) ? at : KA_NO_PARENT;
	ka_map_free(&by_addr);
	ka_forest_walk(&f);
}

/* With -f and -i each has its own heading, and what belongs to it below. */
static void block_put(struct ka_call *c, const struct ka_rows *rows, const struct mount_row *row, const struct mount_files *files, size_t *shown)
{
	if ((*shown)++)
		ka_out_note(c->out, "\n");
	ka_out_new_table(c->out);
	ka_out_begin(c->out, rows, row);
	if (ka_call_has(c, "i"))
		ka_mount_dirty_put(c, row->superblock);
	if (ka_call_has(c, "f"))
		ka_mount_open_put(c, files, row->superblock);
	ka_out_end(c->out);
}

static struct ka_error *run(struct ka_call *c)
{
	const struct ka_rows *rows = ka_mount_is_split(c->k) ? &ka_rows_mount_row : &ka_rows_mount_old;
	struct selector *selectors = ka_alloc(c->arena, (c->argc + 1) * sizeof(*selectors));
	bool *found = ka_alloc(c->arena, c->argc + 1), *is_chosen;
	struct ka_mount *mounts = NULL;
	struct mount_row *all;
	bool has_blocks = ka_call_has(c, "f") || ka_call_has(c, "i");
	struct mount_files files = {0};
	size_t count = 0, shown = 0;
	ka_addr ns;
	struct ka_error *err = namespace_find(c, &ns);

	if (!err && has_blocks && ka_call_has(c, "tree"))
		err = ka_call_usage(c, "-f and -i do not go with --tree");
	if (err)
		return err;
	if (ka_call_has(c, "f"))
		ka_mount_files_read(c, &files);
	ka_call_fault(c, ka_mounts_read(c->k, ns, c->arena, &mounts, &count));
	all = ka_alloc(c->arena, (count + 1) * sizeof(*all));
	is_chosen = ka_alloc(c->arena, count + 1);
	for (int i = 0; i < c->argc; i++)
		selectors[i] = selector_of(c, c->argv[i], mounts, count);
	for (size_t m = 0; m < count && !ka_interrupted(); m++) {
		is_chosen[m] = !c->argc;
		row_fill(c, &mounts[m], &all[m]);
		for (int i = 0; i < c->argc; i++) {
			if (!selects(&selectors[i], &mounts[m], &all[m]))
				continue;
			is_chosen[m] = found[i] = true;
		}
		if (is_chosen[m] && has_blocks)
			block_put(c, rows, &all[m], &files, &shown);
		else if (is_chosen[m] && !ka_call_has(c, "tree"))
			ka_out_row(c->out, rows, &all[m]);
	}
	if (ka_call_has(c, "tree"))
		tree(c, all, count, is_chosen);
	if (ka_interrupted())
		return ka_error_new(KA_INTERRUPTED, "interrupted");
	for (int i = 0; i < c->argc; i++)
		if (!found[i])
			ka_call_fault(c, ka_error_new(KA_NOT_FOUND, "%s: nothing of that name or address is mounted", c->argv[i]));
	return NULL;
}

static const struct ka_option options[] = {
	{ "n", "PID | TASK", "the mounts that this task sees", false },
	{ "f", NULL, "files that tasks have open on each", false },
	{ "i", NULL, "inodes of each that have not been written back", false },
	{ "tree", NULL, "as a tree: each below the one that it lies on; of selected ones all that lies on them", true },
	{ NULL, NULL, NULL, false },
};

static const struct ka_rows *const rows[] = { &ka_rows_mount_row, &ka_rows_mount_old, &ka_rows_mount_tree, &ka_mount_open_rows, &ka_mount_dirty_rows, NULL };

const struct ka_command ka_command_mount = {
	.name = "mount",
	.args = "[-f] [-i] [-n PID | TASK] [--tree] [MOUNT | VFSMOUNT | SUPERBLOCK | DEVICE | DIRECTORY | TYPE | DENTRY | INODE]...",
	.brief = "mounted file systems",
	.help =
	"Shows the file systems that are mounted in the mount namespace of process 1, or with -n in that of\n"
	"a task: the addresses of the struct mount (before Linux 3.3 of the vfsmount) and of the\n"
	"super_block, the type, the device and the directory.\n"
	"\n"
	"Arguments select some of them: the address of a mount, vfsmount, super_block, or of a dentry or\n"
	"inode on them (hex); the name of a device, of the directory that they are mounted on, or of a type.\n"
	"\n"
	"Examples:\n"
	"  mount -n 344              what a process in a container sees\n"
	"  mount -f -i /mnt/data     what keeps it from being unmounted, and what would be lost\n"
	"  mount /dev/vda            where a device is mounted\n"
	"  mount ffff8d02098d8128    on which file system an inode is\n",
	.options = options,
	.needs = KA_NEED_TYPES | KA_NEED_TASKS,
	.rows = rows,
	.run = run,
};
