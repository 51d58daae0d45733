/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Mounts: struct mount around struct vfsmount, or vfsmount alone; those of a namespace. */
#include <inttypes.h>
#include <kanalyze/vfs.h>
#include <kanalyze/view.h>

#define MOUNTS_MAX (1u << 20)	/* fs.mount-max is 100000 where nobody raised it */
#define FLAG_CURSOR 0x10000000u	/* MNT_CURSOR: where a reader of /proc/mounts stands; 9f6c61f96f2d (v5.8) to 2eea9ce4310d (v6.8) */

struct mount_view {
	struct ka_mount m;
	ka_addr mnt_at, node_at, list_at;
};
/* What the VFS alone needs moved to struct mount around the vfsmount: 7d6fec45a513 and the like, v3.3. */
KA_VIEW(mount_view, ("mount", "vfsmount"),
	KA_FROM(mount_view, m.parent, "mnt_parent"),
	KA_FROM(mount_view, m.mountpoint, "mnt_mountpoint"),
	KA_FROM(mount_view, m.root, "mnt.mnt_root", "mnt_root"),
	KA_FROM(mount_view, m.sb, "mnt.mnt_sb", "mnt_sb"),
	KA_FROM(mount_view, m.flags, "mnt.mnt_flags", "mnt_flags"),
	KA_FROM(mount_view, m.devname_at, "mnt_devname"),
	KA_MAYBE(mount_view, m.ns, "mnt_ns", "mnt_namespace"),	/* 6b3286ed1169, v2.6.20 */
	KA_MAYBE(mount_view, m.id, "mnt_id"),			/* 719f5d7f0b90, v2.6.26 */
	KA_AT_MAYBE(mount_view, mnt_at, "mnt@vfsmount"),
	KA_AT_MAYBE(mount_view, node_at, "mnt_node"),		/* 2eea9ce4310d, v6.8 */
	KA_AT_MAYBE(mount_view, list_at, "mnt_list"));

struct mnt_ns_view {
	ka_addr list_at, mounts_at;
};
/*
 * An rbtree by ids since 2eea9ce4310d (v6.8), a list before. The name mounts was that of a counter from d29216842a85
 * (v4.9) on: only one with a node in it is the tree.
 */
KA_VIEW(mnt_ns_view, ("mnt_namespace", "namespace"),
	KA_AT_MAYBE(mnt_ns_view, mounts_at, "mounts.rb_node"),
	KA_AT_MAYBE(mnt_ns_view, list_at, "list"));

struct nsproxy_mnt_view {
	ka_addr mnt_ns;
};
KA_VIEW(nsproxy_mnt_view, ("nsproxy"), KA_FROM(nsproxy_mnt_view, mnt_ns, "mnt_ns", "namespace"));

bool ka_mount_is_split(struct ka_kernel *k)
{
	return KA_HAS(k, mount_view, mnt_at);
}

ka_addr ka_mount_of(struct ka_kernel *k, ka_addr vfsmount)
{
	return vfsmount - KA_OFFSET(k, mount_view, mnt_at);
}

struct ka_error *ka_mount_read(struct ka_kernel *k, ka_addr mount, struct ka_mount *ret)
{
	struct mount_view v = {0};
	struct ka_error *err = ka_view_read(k, &ka_view_mount_view, mount, &v);

	v.m.addr = mount;
	v.m.vfsmount = mount + KA_OFFSET(k, mount_view, mnt_at);
	*ret = v.m;
	return ka_error_wrap(err, "mount at 0x%" PRIx64, mount);
}

struct ka_error *ka_mount_ns(struct ka_kernel *k, ka_addr nsproxy, ka_addr *ret)
{
	struct nsproxy_mnt_view v = {0};
	struct ka_error *err;

	*ret = 0;
	if (!nsproxy)	/* given up on the way out */
		return ka_error_new(KA_NOT_FOUND, "the task has no namespaces any more");
	err = ka_view_read(k, &ka_view_nsproxy_mnt_view, nsproxy, &v);
	if (!err && !v.mnt_ns)
		err = ka_error_at(KA_NOT_FOUND, KA_SPACE_VIRT, nsproxy, "nsproxy has no mount namespace");
	*ret = v.mnt_ns;
	return ka_error_wrap(err, "nsproxy at 0x%" PRIx64, nsproxy);
}

struct ka_error *ka_mounts_read(struct ka_kernel *k, ka_addr ns, struct ka_arena *a, struct ka_mount **ret, size_t *ret_count)
{
	struct { KA_VEC(struct ka_mount); } found = {0};
	struct ka_error *err = ka_view_bind(k, &ka_view_mnt_ns_view), *fault = NULL;
	struct ka_walk w;

	*ret = NULL;
	*ret_count = 0;
	if (!err)
		err = ka_view_bind(k, &ka_view_mount_view);
	if (err)
		return err;
	if (KA_HAS(k, mnt_ns_view, mounts_at) && KA_HAS(k, mount_view, node_at))
		w = ka_walk_rbtree(k, ns + KA_OFFSET(k, mnt_ns_view, mounts_at), KA_OFFSET(k, mount_view, node_at));
	else if (KA_HAS(k, mnt_ns_view, list_at) && KA_HAS(k, mount_view, list_at))
		w = ka_walk_list(k, ns + KA_OFFSET(k, mnt_ns_view, list_at), KA_OFFSET(k, mount_view, list_at));
	else
		return ka_error_new(KA_MISSING, "struct mnt_namespace has neither mounts nor list");
	w.limit = MOUNTS_MAX;
	for (ka_addr at; ka_walk_next(&w, &at); ) {
		struct ka_mount m;

		err = ka_mount_read(k, at, &m);
		if (!err && !((m.flags & FLAG_CURSOR) && !m.sb))
			ka_vec_push(&found, m);
		if (fault)
			ka_error_free(err);
		else
			fault = err;
	}
	err = ka_walk_end(&w);
	if (err && fault)
		ka_error_free(fault);
	*ret_count = found.n;
	*ret = ka_alloc(a, found.n * sizeof(**ret) + 1);
	if (found.n)
		memcpy(*ret, found.at, found.n * sizeof(**ret));
	ka_vec_free(&found);
	return ka_error_wrap(err ? err : fault, "mounts of the namespace at 0x%" PRIx64, ns);
}
