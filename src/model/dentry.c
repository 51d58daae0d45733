/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Dentries, inodes and superblocks: what each is by itself. */
#include <inttypes.h>
#include <kanalyze/type.h>
#include <kanalyze/vfs.h>
#include <kanalyze/view.h>

#define NAME_BYTES_MAX 4096	/* NAME_MAX is 255; names of what has no directory may be longer */

struct dentry_view {
	struct ka_dentry d;
	ka_addr pprev;
};
KA_VIEW(dentry_view, ("dentry"),
	KA_FROM(dentry_view, d.parent, "d_parent"),
	KA_FROM(dentry_view, d.inode, "d_inode"),
	KA_FROM(dentry_view, d.sb, "d_sb"),
	KA_FROM(dentry_view, d.name_at, "d_name.name"),	/* inside the dentry itself where it is short */
	KA_FROM(dentry_view, d.name_len, "d_name.len"),	/* beside the hash in a union since 26fe57502870, v3.5 */
	KA_MAYBE(dentry_view, d.op, "d_op"),
	KA_MAYBE(dentry_view, d.fsdata, "d_fsdata"),
	KA_FROM(dentry_view, pprev, "d_hash.pprev"));

struct inode_view {
	struct ka_inode i;
};
KA_VIEW(inode_view, ("inode"),
	KA_FROM(inode_view, i.mode, "i_mode"),
	KA_FROM(inode_view, i.ino, "i_ino"),
	KA_FROM(inode_view, i.sb, "i_sb"),
	KA_FROM(inode_view, i.mapping, "i_mapping"),
	KA_MAYBE(inode_view, i.nlink, "i_nlink"),
	KA_MAYBE(inode_view, i.private_data, "i_private", "u.generic_ip"),	/* 8e18e2941c53, v2.6.19 */
	KA_FROM(inode_view, i.size, "i_size"));

struct mapping_view {
	uint64_t nrpages;
	ka_addr tree;
};
KA_VIEW(mapping_view, ("address_space"),
	KA_FROM(mapping_view, nrpages, "nrpages"),
	KA_AT(mapping_view, tree, "i_pages", "page_tree"));	/* b93b016313b3, v4.17 */

struct super_view {
	ka_addr type;
	uint64_t flags;
	uint32_t device;
};
KA_VIEW(super_view, ("super_block"),
	KA_FROM(super_view, type, "s_type"),
	KA_FROM(super_view, flags, "s_flags"),
	KA_FROM(super_view, device, "s_dev"));

struct fstype_view {
	ka_addr name;
};
KA_VIEW(fstype_view, ("file_system_type"), KA_FROM(fstype_view, name, "name"));

/* An inode of sockfs lies in a socket_alloc, behind its struct socket. */
struct socket_view {
	uint16_t type;
	ka_addr ops;
};
KA_VIEW(socket_view, ("socket"),
	KA_FROM(socket_view, type, "type"),
	KA_FROM(socket_view, ops, "ops"));

struct socket_ops_view {
	int32_t family;
};
KA_VIEW(socket_ops_view, ("proto_ops"), KA_FROM(socket_ops_view, family, "family"));

struct ka_error *ka_dentry_read(struct ka_kernel *k, ka_addr dentry, struct ka_dentry *ret)
{
	struct dentry_view v = {0};
	struct ka_error *err = ka_view_read(k, &ka_view_dentry_view, dentry, &v);

	v.d.addr = dentry;
	v.d.is_root = v.d.parent == dentry;
	v.d.is_unhashed = !v.pprev;
	*ret = v.d;
	return ka_error_wrap(err, "dentry at 0x%" PRIx64, dentry);
}

struct ka_error *ka_dentry_name(struct ka_kernel *k, const struct ka_dentry *d, struct ka_arena *a, char **ret)
{
	char name[NAME_BYTES_MAX];
	struct ka_error *err;

	*ret = NULL;
	if (d->name_len > sizeof(name))
		return ka_error_at(KA_CORRUPT, KA_SPACE_VIRT, d->addr, "dentry at 0x%" PRIx64 " has a name of %u bytes", d->addr,
				   d->name_len);
	err = ka_read(k, d->name_at, name, d->name_len);
	if (err)
		return ka_error_wrap(err, "name of the dentry at 0x%" PRIx64, d->addr);
	*ret = ka_strndup(a, name, d->name_len);
	return NULL;
}

struct ka_error *ka_inode_read(struct ka_kernel *k, ka_addr inode, struct ka_inode *ret)
{
	struct inode_view v = {0};
	struct ka_error *err = ka_view_read(k, &ka_view_inode_view, inode, &v);

	v.i.addr = inode;
	*ret = v.i;
	return ka_error_wrap(err, "inode at 0x%" PRIx64, inode);
}

const char *ka_inode_type(uint32_t mode)
{
	switch (mode >> 12 & 0xf) {
	case 001: return "FIFO";
	case 002: return "CHR";
	case 004: return "DIR";
	case 006: return "BLK";
	case 010: return "REG";
	case 012: return "LNK";
	case 014: return "SOCK";
	default: return "UNKN";		/* anonymous inodes have none */
	}
}

struct ka_error *ka_inode_pages(struct ka_kernel *k, const struct ka_inode *i, uint64_t *ret)
{
	struct mapping_view v = {0};
	struct ka_error *err = i->mapping ? ka_view_read(k, &ka_view_mapping_view, i->mapping, &v) : NULL;

	*ret = v.nrpages;
	return ka_error_wrap(err, "address_space of the inode at 0x%" PRIx64, i->addr);
}

struct ka_error *ka_mapping_tree(struct ka_kernel *k, ka_addr mapping, ka_addr *ret)
{
	struct mapping_view v = {0};
	struct ka_error *err = mapping ? ka_view_read(k, &ka_view_mapping_view, mapping, &v) : NULL;

	*ret = v.tree;
	return ka_error_wrap(err, "address_space at 0x%" PRIx64, mapping);
}

static const char *family_name(int32_t family)
{
	static const struct { int32_t number; const char *name; } names[] = {
		{ 1, "UNIX" }, { 15, "KEY" }, { 16, "NETLINK" }, { 17, "PACKET" }, { 29, "CAN" }, { 30, "TIPC" },
		{ 31, "BLUETOOTH" }, { 38, "ALG" }, { 40, "VSOCK" }, { 44, "XDP" },
	};

	for (size_t i = 0; i < KA_COUNT(names); i++)
		if (names[i].number == family)
			return names[i].name;
	return NULL;
}

const char *ka_socket_kind(struct ka_kernel *k, ka_addr inode, struct ka_arena *a)
{
	static const char *const inet[] = { [1] = "TCP", [2] = "UDP", [3] = "RAW", [5] = "SEQPACKET" };
	static const char *const types[] = { [1] = "STREAM", [2] = "DGRAM", [3] = "RAW", [4] = "RDM", [5] = "SEQPACKET" };
	const char *type = NULL, *family;
	uint64_t inode_offset, socket_offset;
	struct socket_ops_view ops;
	struct socket_view s;

	if (ka_error_drop(ka_type_offset(k, "socket_alloc", "vfs_inode", &inode_offset)) ||
	    ka_error_drop(ka_type_offset(k, "socket_alloc", "socket", &socket_offset)) ||
	    ka_error_drop(ka_view_read(k, &ka_view_socket_view, inode - inode_offset + socket_offset, &s)) || !s.ops ||
	    ka_error_drop(ka_view_read(k, &ka_view_socket_ops_view, s.ops, &ops)))
		return NULL;
	if ((ops.family == 2 || ops.family == 10) && s.type < KA_COUNT(inet) && inet[s.type])
		return ka_printf(a, "%s%s", inet[s.type], ops.family == 10 ? "v6" : "");
	if (s.type < KA_COUNT(types))
		type = types[s.type];
	family = family_name(ops.family);
	if (!family)
		return ka_printf(a, "family %d%s%s", ops.family, type ? " " : "", type ? type : "");
	/* of the others the usual type goes without saying: UNIX is of datagrams, NETLINK and PACKET are what they are */
	if (ops.family != 1 && ops.family != 40)
		return family;
	return type && s.type != 2 ? ka_printf(a, "%s-%s", family, type) : family;
}

struct ka_error *ka_super_type(struct ka_kernel *k, ka_addr sb, char *ret, size_t size)
{
	struct super_view s;
	struct fstype_view t;
	struct ka_error *err = ka_view_read(k, &ka_view_super_view, sb, &s);

	ret[0] = 0;
	if (!err)
		err = ka_view_read(k, &ka_view_fstype_view, s.type, &t);
	if (!err)
		err = ka_read_cstr(k, t.name, ret, size);
	return ka_error_wrap(err, "type of the super_block at 0x%" PRIx64, sb);
}

struct ka_error *ka_super_device(struct ka_kernel *k, ka_addr sb, uint32_t *ret)
{
	struct super_view s = {0};
	struct ka_error *err = ka_view_read(k, &ka_view_super_view, sb, &s);

	*ret = s.device;
	return ka_error_wrap(err, "super_block at 0x%" PRIx64, sb);
}

struct ka_error *ka_super_flags(struct ka_kernel *k, ka_addr sb, uint64_t *ret)
{
	struct super_view s = {0};
	struct ka_error *err = ka_view_read(k, &ka_view_super_view, sb, &s);

	*ret = s.flags;
	return ka_error_wrap(err, "super_block at 0x%" PRIx64, sb);
}
