/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Full paths: up the dentries, and over the mount points from each mount to the one below it. */
#include <inttypes.h>
#include <kanalyze/symbol.h>
#include <kanalyze/vfs.h>
#include <kanalyze/view.h>

#define STEPS_MAX 8192		/* components and mounts; a path of PATH_MAX has half as many */

struct dentry_ops_view {
	ka_addr dname;
};
KA_VIEW(dentry_ops_view, ("dentry_operations"), KA_MAYBE(dentry_ops_view, dname, "d_dname"));	/* c23fbb6bcb3e, v2.6.22 */

struct ns_common_view {
	ka_addr ops;
};
/* i_private of an inode of nsfs: e149ed2b805f, v3.19 */
KA_VIEW(ns_common_view, ("ns_common"), KA_FROM(ns_common_view, ops, "ops"));

struct ns_ops_view {
	ka_addr name;
};
KA_VIEW(ns_ops_view, ("proc_ns_operations"), KA_FROM(ns_ops_view, name, "name"));

static void ns_kind(struct ka_kernel *k, const struct ka_inode *inode, char *ret, size_t size)
{
	struct ns_common_view ns;
	struct ns_ops_view ops;

	if (ka_error_drop(ka_view_read(k, &ka_view_ns_common_view, inode->private_data, &ns)) ||
	    ka_error_drop(ka_view_read(k, &ka_view_ns_ops_view, ns.ops, &ops)) ||
	    ka_error_drop(ka_read_cstr(k, ops.name, ret, size)))
		memcpy(ret, "ns", 3);
}

/* Files that never had a directory: their file system names them (d_dname). NULL: an ordinary one. */
static struct ka_error *name_made_up(struct ka_kernel *k, const struct ka_dentry *d, ka_addr mnt, struct ka_arena *a,
				     const char **ret, bool *ret_deleted)
{
	struct dentry_ops_view ops = {0};
	struct ka_inode inode = {0};
	struct ka_mount mount;
	char type[32], kind[16], *name = NULL;
	struct ka_error *err;

	*ret = NULL;
	/* they are their own roots only since 4b936885ab04 (v2.6.38): before, children of their file system's */
	if (d->is_root && mnt && !ka_error_drop(ka_mount_read(k, ka_mount_of(k, mnt), &mount)) && mount.root == d->addr)
		return NULL;	/* the root of a mount, or a namespace that was bound somewhere */
	if (d->op && ka_error_drop(ka_view_read(k, &ka_view_dentry_ops_view, d->op, &ops)))
		return NULL;
	if (!ops.dname && KA_HAS(k, dentry_ops_view, dname))
		return NULL;	/* ordinary names; but of kernels without d_dname the type alone tells */
	err = ka_super_type(k, d->sb, type, sizeof(type));
	if (!err && d->inode)
		err = ka_inode_read(k, d->inode, &inode);
	if (err)
		return err;
	if (!strcmp(type, "pipefs")) {
		*ret = ka_printf(a, "pipe:[%" PRIu64 "]", inode.ino);
	} else if (!strcmp(type, "sockfs")) {
		*ret = ka_printf(a, "socket:[%" PRIu64 "]", inode.ino);
	} else if (!strcmp(type, "pidfs")) {	/* cb12fd8e0dab, v6.9 */
		*ret = "anon_inode:[pidfd]";
	} else if (!strcmp(type, "proc")) {	/* namespaces before nsfs */
		*ret = ops.dname ? ka_printf(a, "ns:[%" PRIu64 "]", inode.ino) : NULL;
	} else if (!strcmp(type, "nsfs")) {
		ns_kind(k, &inode, kind, sizeof(kind));
		*ret = ka_printf(a, "%s:[%" PRIu64 "]", kind, inode.ino);
	} else {
		err = ka_dentry_name(k, d, a, &name);
		if (err)
			return err;
		if (!strcmp(type, "anon_inodefs")) {
			*ret = ka_printf(a, "anon_inode:%s", name);
		} else if (!strcmp(type, "dmabuf")) {
			*ret = ka_printf(a, "/dmabuf:%s", name);
		} else if (ops.dname) {	/* memfd, SysV shared memory, shared anonymous mappings */
			*ret = ka_printf(a, "/%s (deleted)", name);
			*ret_deleted = true;
		}
	}
	return NULL;
}

/* The components from the last to the first. */
struct climb {
	struct ka_kernel *k;
	struct ka_arena *a;
	struct ka_path at;
	struct { KA_VEC(const char *); } parts;
};

/* One dentry or one mount further up. *ret_done: at the top. */
static struct ka_error *climb_step(struct climb *c, bool *ret_done)
{
	struct ka_mount m = {0};
	struct ka_dentry d;
	char *name;
	struct ka_error *err = ka_dentry_read(c->k, c->at.dentry, &d);

	if (!err && c->at.mnt)
		err = ka_mount_read(c->k, ka_mount_of(c->k, c->at.mnt), &m);
	if (err)
		return err;
	if (d.is_root || (c->at.mnt && m.root == c->at.dentry)) {
		if (!c->at.mnt || !m.parent || m.parent == m.addr) {
			*ret_done = true;
			return NULL;
		}
		/* a root that is not this mount's was moved out of it: the kernel stops here, too */
		if (m.root != c->at.dentry) {
			*ret_done = true;
			return NULL;
		}
		c->at.dentry = m.mountpoint;
		c->at.mnt = m.parent + (m.vfsmount - m.addr);
		return NULL;
	}
	err = ka_dentry_name(c->k, &d, c->a, &name);
	if (err)
		return err;
	ka_vec_push(&c->parts, name);
	if (!d.parent)
		return ka_error_at(KA_CORRUPT, KA_SPACE_VIRT, d.addr, "dentry at 0x%" PRIx64 " has no parent", d.addr);
	c->at.dentry = d.parent;
	return NULL;
}

static struct ka_error *climb_all(struct climb *c)
{
	struct ka_error *err = NULL;
	bool done = false;

	for (size_t i = 0; !done && !err; i++) {
		if (i == STEPS_MAX)
			return ka_error_at(KA_CORRUPT, KA_SPACE_VIRT, c->at.dentry, "the path has no end: a cycle of dentries or mounts");
		if (ka_interrupted())
			return ka_error_new(KA_INTERRUPTED, "interrupted");
		err = climb_step(c, &done);
	}
	return err;
}

#define SHOWN_MAX 512	/* components of a path that has no end */

struct ka_error *ka_path_name(struct ka_kernel *k, struct ka_path path, struct ka_arena *a, const char **ret, bool *ret_deleted)
{
	struct climb c = { .k = k, .a = a, .at = path };
	struct ka_str s = {0};
	struct ka_dentry d;
	bool is_deleted = false;
	struct ka_error *err = ka_dentry_read(k, path.dentry, &d);

	*ret = "...";
	if (ret_deleted)
		*ret_deleted = false;
	if (!err) {
		const char *made_up = NULL;

		err = name_made_up(k, &d, path.mnt, a, &made_up, &is_deleted);
		if (ret_deleted)
			*ret_deleted = is_deleted;
		if (made_up)
			*ret = made_up;
		if (made_up && !err)
			return NULL;
	}
	if (err)
		return ka_error_wrap(err, "path");
	is_deleted = d.is_unhashed && !d.is_root;
	err = climb_all(&c);
	if (err)
		ka_str_add(&s, "...");
	for (size_t i = err && c.parts.n > SHOWN_MAX ? SHOWN_MAX : c.parts.n; i-- > 0; ) {
		ka_str_addc(&s, '/');
		ka_str_add(&s, c.parts.at[i]);
	}
	if (!s.len)
		ka_str_addc(&s, '/');
	if (is_deleted)
		ka_str_add(&s, " (deleted)");
	*ret = ka_strdup(a, s.p);
	if (ret_deleted)
		*ret_deleted = is_deleted;
	ka_str_free(&s);
	ka_vec_free(&c.parts);
	return ka_error_wrap(err, "path of the dentry at 0x%" PRIx64, path.dentry);
}
