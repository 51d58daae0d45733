/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* All sockets of the machine: the hash tables of the protocols, and the files of tasks. */
#include <inttypes.h>
#include <kanalyze/symbol.h>
#include <kanalyze/task.h>
#include <kanalyze/type.h>
#include <kanalyze/vfs.h>
#include "sock.h"

#define BUCKETS_MAX (1ull << 26)
#define CHAIN_MAX (1u << 22)		/* sockets of one bucket */
#define SOCKS_MAX (1u << 26)
#define UNIX_BUCKETS 512		/* UNIX_HASH_SIZE of the tables of namespaces */
#define NETLINK_PROTOCOLS 32		/* MAX_LINKS */
#define CHUNK_BYTES 65536

/*
 * Listening sockets are in both listening_hash and lhash2 from 61b7c691c742 (v4.17) on, in lhash2 alone since cae3873c5b3a (v5.19).
 * ehash_size was a number of buckets until f373b53b5fe6 (v2.6.33).
 */
struct hashinfo_view { ka_addr ehash, listening_at, lhash2; uint32_t ehash_mask, ehash_size, lhash2_mask; uint64_t listening_size; };
KA_VIEW(hashinfo_view, ("inet_hashinfo"),
	KA_FROM(hashinfo_view, ehash, "ehash"),
	KA_MAYBE(hashinfo_view, ehash_mask, "ehash_mask"),
	KA_MAYBE(hashinfo_view, ehash_size, "ehash_size"),
	KA_AT_MAYBE(hashinfo_view, listening_at, "listening_hash"),
	KA_SIZE_MAYBE(hashinfo_view, listening_size, "listening_hash"),
	KA_MAYBE(hashinfo_view, lhash2, "lhash2"),
	KA_MAYBE(hashinfo_view, lhash2_mask, "lhash2_mask"));

struct ehash_bucket_view { ka_addr chain_at, timewait_at; };
KA_VIEW(ehash_bucket_view, ("inet_ehash_bucket"),
	KA_AT(ehash_bucket_view, chain_at, "chain"),
	KA_AT_MAYBE(ehash_bucket_view, timewait_at, "twchain"));	/* to 05dbc7b59481, v3.13 */

struct listen_bucket_view { ka_addr head_at; };
KA_VIEW(listen_bucket_view, ("inet_listen_hashbucket", "hlist_head"), KA_AT(listen_bucket_view, head_at, "nulls_head", "head", "first"));

struct udp_table_view { ka_addr hash_at; uint64_t hash_size; uint32_t mask; };
/* An array of 128 in the table before f86dcc5aa8c7 (v2.6.33). */
KA_VIEW(udp_table_view, ("udp_table"),
	KA_AT(udp_table_view, hash_at, "hash"),
	KA_SIZE(udp_table_view, hash_size, "hash"),
	KA_MAYBE(udp_table_view, mask, "mask"));

struct udp_slot_view { ka_addr head_at; };
KA_VIEW(udp_slot_view, ("udp_hslot"), KA_AT(udp_slot_view, head_at, "head", "nulls_head"));

struct raw_table_view { ka_addr hash_at; uint64_t hash_size; };
KA_VIEW(raw_table_view, ("raw_hashinfo"),
	KA_AT(raw_table_view, hash_at, "ht"),
	KA_SIZE(raw_table_view, hash_size, "ht"));

struct ping_table_view { ka_addr hash_at; uint64_t hash_size; };
KA_VIEW(ping_table_view, ("ping_table"),
	KA_AT(ping_table_view, hash_at, "hash"),
	KA_SIZE(ping_table_view, hash_size, "hash"));

/* Tables that namespaces have of their own. */
struct net_tables_view { ka_addr tcp, udp, unix_buckets, packet_at; };
KA_VIEW(net_tables_view, ("net"),
	KA_MAYBE(net_tables_view, tcp, "ipv4.tcp_death_row.hashinfo"),	/* d1e5e6408b30, v6.1; the machine's own where it has none */
	KA_MAYBE(net_tables_view, udp, "ipv4.udp_table"),		/* ba6aac151674, v6.2 */
	KA_MAYBE(net_tables_view, unix_buckets, "unx.table.buckets"),	/* cf21b355ccb3, v6.0 */
	KA_AT_MAYBE(net_tables_view, packet_at, "packet.sklist"));	/* 2aaef4e47fef, v2.6.26 */

/*
 * Sockets of netlink: in an rhashtable since e341694e3eb5 (v3.17), by the node of the netlink_sock since 02c81ab95d19 (v4.0);
 * in a table of their own before.
 */
struct netlink_table_view { ka_addr buckets, table; uint32_t mask; };
KA_VIEW(netlink_table_view, ("netlink_table"),
	KA_MAYBE(netlink_table_view, buckets, "hash.tbl"),
	KA_MAYBE(netlink_table_view, table, "hash.table"),
	KA_MAYBE(netlink_table_view, mask, "hash.mask"));

struct netlink_node_view { ka_addr node_at; };
KA_VIEW(netlink_node_view, ("netlink_sock"), KA_AT_MAYBE(netlink_node_view, node_at, "node"));

struct bucket_table_view { uint64_t size; uint32_t nest; ka_addr buckets_at, future; };
KA_VIEW(bucket_table_view, ("bucket_table"),
	KA_FROM(bucket_table_view, size, "size"),
	KA_MAYBE(bucket_table_view, nest, "nest"),			/* 40137906c5f5, v4.11 */
	KA_MAYBE(bucket_table_view, future, "future_tbl"),
	KA_AT(bucket_table_view, buckets_at, "buckets"));

struct vsock_node_view { ka_addr bound_at, connected_at; };
KA_VIEW(vsock_node_view, ("vsock_sock@vsock", "vsock_sock"),
	KA_AT(vsock_node_view, bound_at, "bound_table"),
	KA_AT(vsock_node_view, connected_at, "connected_table"));

struct gather {
	struct ka_kernel *k;
	struct { KA_VEC(ka_addr); } socks;
	struct { KA_VEC(struct ka_sock_owner); } owners;
	struct ka_map seen, tables;	/* sockets; tables that several namespaces share: by address, structs around them by its complement */
	struct ka_error *err;		/* the first */
};

static void fault(struct gather *g, struct ka_error *err)
{
	if (g->err)
		ka_error_free(err);
	else
		g->err = err;
}

static void sock_add(struct gather *g, ka_addr sock)
{
	if (sock && g->socks.n < SOCKS_MAX && ka_map_add(&g->seen, sock, 0))
		ka_vec_push(&g->socks, sock);
}

/* A hash table: stride bytes for a bucket, its head at head_offset of it. node: offset in the sock of what links it. */
static void table_gather(struct gather *g, const char *what, ka_addr buckets, uint64_t count, uint64_t stride, uint64_t head_offset,
			 uint64_t node)
{
	unsigned size = ka_long_size(g->k);
	uint64_t per_chunk;
	uint8_t *bytes;

	if (!buckets || !count || !stride || !ka_map_add(&g->tables, buckets + head_offset, 0))
		return;
	if (count > BUCKETS_MAX || stride > CHUNK_BYTES || head_offset + size > stride) {
		fault(g, ka_error_at(KA_CORRUPT, KA_SPACE_VIRT, buckets, "%s: %" PRIu64 " buckets of %" PRIu64 " bytes", what, count, stride));
		return;
	}
	bytes = ka_xalloc(CHUNK_BYTES);
	per_chunk = CHUNK_BYTES / stride;
	for (uint64_t i = 0; i < count && !ka_interrupted(); i += per_chunk) {
		uint64_t n = KA_MIN(per_chunk, count - i);
		struct ka_error *err = NULL;
		size_t got = ka_read_some(g->k, buckets + i * stride, bytes, n * stride, &err);

		if (err)
			fault(g, ka_error_wrap(err, "%s", what));
		for (uint64_t j = 0; j < n && j * stride + head_offset + size <= got; j++) {
			ka_addr first = ka_uint_from(g->k, bytes + j * stride + head_offset, size);
			struct ka_walk w;

			if (!first || first & 1)	/* hlist_nulls end with an odd number */
				continue;
			w = ka_walk_hlist(g->k, buckets + (i + j) * stride + head_offset, node);
			w.limit = CHAIN_MAX;
			for (ka_addr sock; ka_walk_next(&w, &sock); )
				sock_add(g, sock);
			err = ka_walk_end(&w);
			if (err)
				fault(g, ka_error_wrap(err, "%s, bucket %" PRIu64, what, i + j));
		}
	}
	free(bytes);
}

static uint64_t node_offset(struct ka_kernel *k)
{
	return KA_OFFSET(k, sock_common_view, node_at);
}

/* Of the kernel or, where the protocol may be one, of a module. */
static bool symbol_find(struct ka_kernel *k, const char *name, bool may_be_module, struct ka_symbol *ret)
{
	return ka_symbol_lookup(k, name, ret) || (may_be_module && !ka_error_drop(ka_symbol_find(k, name, ret)));
}

static void tcp_gather(struct gather *g, ka_addr hashinfo)
{
	struct ka_kernel *k = g->k;
	struct hashinfo_view v;
	struct ka_error *err;

	if (!hashinfo || !ka_map_add(&g->tables, ~hashinfo, 0))
		return;
	err = ka_view_read(k, &ka_view_hashinfo_view, hashinfo, &v);
	if (!err)
		err = ka_view_bind(k, &ka_view_ehash_bucket_view);
	if (!err)
		err = ka_view_bind(k, &ka_view_listen_bucket_view);
	if (err) {
		fault(g, ka_error_wrap(err, "tcp_hashinfo"));
		return;
	}
	if (KA_HAS(k, hashinfo_view, listening_at)) {
		uint64_t stride = ka_type_has(k, "inet_listen_hashbucket", "head") || ka_type_has(k, "inet_listen_hashbucket", "nulls_head") ?
			ka_view_size(k, &ka_view_listen_bucket_view) : ka_long_size(k);

		table_gather(g, "listening TCP", v.listening_at, stride ? v.listening_size / stride : 0, stride,
			     KA_OFFSET(k, listen_bucket_view, head_at), node_offset(k));
	} else {
		table_gather(g, "listening TCP", v.lhash2, (uint64_t)v.lhash2_mask + 1, ka_view_size(k, &ka_view_listen_bucket_view),
			     KA_OFFSET(k, listen_bucket_view, head_at), node_offset(k));
	}
	for (int is_timewait = 0; is_timewait < 2; is_timewait++)
		if (!is_timewait || KA_HAS(k, ehash_bucket_view, timewait_at))
			table_gather(g, "TCP", v.ehash, KA_HAS(k, hashinfo_view, ehash_mask) ? (uint64_t)v.ehash_mask + 1 : v.ehash_size,
				     ka_view_size(k, &ka_view_ehash_bucket_view),
				     is_timewait ? KA_OFFSET(k, ehash_bucket_view, timewait_at) : KA_OFFSET(k, ehash_bucket_view, chain_at),
				     node_offset(k));
}

static void udp_gather(struct gather *g, ka_addr table)
{
	struct ka_kernel *k = g->k;
	struct udp_table_view v;
	ka_addr hash = 0;
	uint64_t count = 0, stride;
	struct ka_error *err;

	if (!table || !ka_map_add(&g->tables, ~table, 0))
		return;
	err = ka_view_read(k, &ka_view_udp_table_view, table, &v);
	if (!err)
		err = ka_view_bind(k, &ka_view_udp_slot_view);
	if (err) {
		fault(g, ka_error_wrap(err, "udp_table"));
		return;
	}
	stride = ka_view_size(k, &ka_view_udp_slot_view);
	if (v.hash_size > ka_long_size(k)) {
		hash = v.hash_at;
		count = stride ? v.hash_size / stride : 0;
	} else {
		count = (uint64_t)v.mask + 1;
		err = ka_read_ulong(k, v.hash_at, &hash);
		fault(g, err);
	}
	table_gather(g, "UDP", hash, count, stride, KA_OFFSET(k, udp_slot_view, head_at), node_offset(k));
}

/* An array of heads that a struct has in it. */
static void heads_gather(struct gather *g, const char *name, const struct ka_view *view, ka_addr at, uint64_t offset, uint64_t size)
{
	struct ka_error *err = ka_view_bind(g->k, view);

	fault(g, ka_error_wrap(err, "%s", name));
	if (!err)
		table_gather(g, name, at + offset, size / ka_long_size(g->k), ka_long_size(g->k), 0, node_offset(g->k));
}

static void raw_gather(struct gather *g)
{
	static const char *const names[] = { "raw_v4_hashinfo", "raw_v6_hashinfo" };
	struct ka_kernel *k = g->k;
	struct ka_symbol s;

	for (size_t i = 0; i < KA_COUNT(names); i++) {
		struct raw_table_view v = {0};
		struct ka_error *err;

		if (!symbol_find(k, names[i], i, &s))
			continue;
		err = ka_view_read(k, &ka_view_raw_table_view, s.addr, &v);
		if (err)
			fault(g, ka_error_wrap(err, "%s", names[i]));
		else
			heads_gather(g, names[i], &ka_view_raw_table_view, v.hash_at, 0, v.hash_size);
	}
}

static void ping_gather(struct gather *g)
{
	struct ping_table_view v = {0};
	struct ka_symbol s;

	if (ka_symbol_lookup(g->k, "ping_table", &s) && !ka_error_drop(ka_view_read(g->k, &ka_view_ping_table_view, s.addr, &v)))
		heads_gather(g, "ping_table", &ka_view_ping_table_view, v.hash_at, 0, v.hash_size);
}

/* One table for all, until namespaces got their own. */
static void unix_gather(struct gather *g)
{
	struct ka_symbol s;
	unsigned size = ka_long_size(g->k);

	if (symbol_find(g->k, "unix_socket_table", true, &s))
		table_gather(g, "unix_socket_table", s.addr, s.size / size, size, 0, node_offset(g->k));
}

static void rhashtable_gather(struct gather *g, ka_addr table)
{
	struct ka_kernel *k = g->k;
	uint64_t node = KA_HAS(k, netlink_node_view, node_at) ? KA_OFFSET(k, netlink_node_view, node_at) : node_offset(k);

	/* while it grows there are two, and more if it grows again meanwhile */
	for (int i = 0; table && i < 8; i++) {
		struct bucket_table_view v;
		struct ka_error *err = ka_view_read(k, &ka_view_bucket_table_view, table, &v);
		unsigned size = ka_long_size(k);

		if (!err && v.nest)
			err = ka_error_at(KA_UNSUPPORTED, KA_SPACE_VIRT, table, "a nested bucket_table");
		if (!err && v.size > 1 << 20)
			err = ka_error_at(KA_CORRUPT, KA_SPACE_VIRT, table, "a bucket_table of %" PRIu64 " buckets", v.size);
		for (uint64_t b = 0; !err && b < v.size; b++) {
			struct ka_walk w;
			ka_addr first;

			err = ka_read_ulong(k, v.buckets_at + b * size, &first);
			/* bit 0 is a lock since 8f0db018006a (v5.2); then an empty bucket is NULL, else an odd number */
			if (err || !first || (first & 1 && !ka_is_kernel_addr(k, first & ~1ull)))
				continue;
			if (first & 1 && !ka_type_exists(k, "rhash_lock_head"))
				continue;
			w = ka_walk_chain(k, &(struct ka_chain){ .start = first & ~1ull, .is_odd_end = true });
			w.limit = CHAIN_MAX;
			for (ka_addr at; ka_walk_next(&w, &at); )
				sock_add(g, at - node);
			fault(g, ka_walk_end(&w));
		}
		if (err) {
			fault(g, ka_error_wrap(err, "bucket_table at 0x%" PRIx64, table));
			return;
		}
		table = v.future;
	}
}

static void netlink_gather(struct gather *g)
{
	struct ka_kernel *k = g->k;
	struct ka_symbol s;
	ka_addr tables = 0;
	uint64_t stride;
	struct ka_error *err;

	if (!ka_symbol_lookup(k, "nl_table", &s))
		return;
	err = ka_read_ulong(k, s.addr, &tables);
	if (!err)
		err = ka_view_bind(k, &ka_view_netlink_table_view);
	stride = ka_view_size(k, &ka_view_netlink_table_view);
	for (int i = 0; !err && tables && i < NETLINK_PROTOCOLS; i++) {
		struct netlink_table_view v;

		err = ka_view_read(k, &ka_view_netlink_table_view, tables + (uint64_t)i * stride, &v);
		if (err)
			break;
		if (KA_HAS(k, netlink_table_view, buckets))
			rhashtable_gather(g, v.buckets);
		else
			table_gather(g, "netlink", v.table, (uint64_t)v.mask + 1, ka_long_size(k), 0, node_offset(k));
	}
	fault(g, ka_error_wrap(err, "nl_table"));
}

/* list_heads, and of a module. */
static void vsock_gather(struct gather *g)
{
	static const char *const names[] = { "vsock_bind_table", "vsock_connected_table" };
	struct ka_kernel *k = g->k;
	unsigned size = ka_long_size(k) * 2;

	for (size_t i = 0; i < KA_COUNT(names); i++) {
		struct ka_symbol s;
		uint64_t node;

		if (!symbol_find(k, names[i], true, &s) || ka_error_drop(ka_view_bind(k, &ka_view_vsock_node_view)))
			continue;
		node = i ? KA_OFFSET(k, vsock_node_view, connected_at) : KA_OFFSET(k, vsock_node_view, bound_at);
		for (uint64_t b = 0; b < KA_MIN(s.size / size, (uint64_t)4096); b++) {
			struct ka_walk w = ka_walk_list(k, s.addr + b * size, node);
			uint64_t next;

			/* built in, the tables were first set up when a transport came */
			if (!ka_error_drop(ka_read_ulong(k, s.addr + b * size, &next)) && !next) {
				ka_error_drop(ka_walk_end(&w));
				continue;
			}
			w.limit = CHAIN_MAX;
			for (ka_addr sock; ka_walk_next(&w, &sock); )
				sock_add(g, sock);
			fault(g, ka_walk_end(&w));
		}
	}
}

/* What a namespace has of its own. */
static void net_gather(struct gather *g, ka_addr net, unsigned kinds)
{
	struct ka_kernel *k = g->k;
	struct net_tables_view v = {0};
	struct ka_error *err = ka_view_read(k, &ka_view_net_tables_view, net, &v);

	if (err) {
		fault(g, ka_error_wrap(err, "network namespace at 0x%" PRIx64, net));
		return;
	}
	if (kinds & KA_SOCK_TCP)
		tcp_gather(g, v.tcp);
	if (kinds & KA_SOCK_UDP)
		udp_gather(g, v.udp);
	if (kinds & KA_SOCK_UNIX && v.unix_buckets)
		table_gather(g, "unix", v.unix_buckets, UNIX_BUCKETS, ka_long_size(k), 0, node_offset(k));
	if (kinds & KA_SOCK_PACKET && v.packet_at)
		table_gather(g, "packet", v.packet_at, 1, ka_long_size(k), 0, node_offset(k));
}

static void tables_gather(struct gather *g, unsigned kinds, struct ka_arena *a)
{
	struct ka_net *nets;
	struct ka_symbol s;
	size_t count;

	fault(g, ka_nets_read(g->k, a, &nets, &count));
	for (size_t i = 0; i < count && !ka_interrupted(); i++)
		if (nets[i].addr)
			net_gather(g, nets[i].addr, kinds);
	if (kinds & KA_SOCK_TCP && ka_symbol_lookup(g->k, "tcp_hashinfo", &s))
		tcp_gather(g, s.addr);
	if (kinds & KA_SOCK_UDP) {
		if (ka_symbol_lookup(g->k, "udp_table", &s))
			udp_gather(g, s.addr);
		if (ka_symbol_lookup(g->k, "udplite_table", &s))
			udp_gather(g, s.addr);
		ping_gather(g);
	}
	if (kinds & KA_SOCK_RAW)
		raw_gather(g);
	if (kinds & KA_SOCK_UNIX)
		unix_gather(g);
	if (kinds & KA_SOCK_NETLINK)
		netlink_gather(g);
	if (kinds & KA_SOCK_VSOCK)
		vsock_gather(g);
}

/* ---- files of tasks ---- */

static void files_gather(struct gather *g, const struct ka_task *t, ka_addr ops)
{
	struct ka_arena *a = ka_arena_new();
	struct ka_fd *fds;
	size_t count;

	fault(g, ka_files_read(g->k, t->files, a, &fds, &count));
	for (size_t i = 0; i < count && !ka_interrupted(); i++) {
		struct ka_sock_owner o = { .task = t->addr, .pid = t->tgid, .fd = fds[i].fd };
		struct ka_vfs_file f;
		struct ka_inode inode;
		ka_addr socket;
		struct ka_error *err = ka_vfs_file_read(g->k, fds[i].file, &f);

		if (err || !f.inode || (ops && f.op && f.op != ops)) {
			fault(g, err);
			continue;
		}
		if (!ops) {
			err = ka_inode_read(g->k, f.inode, &inode);
			if (err || strcmp(ka_inode_type(inode.mode), "SOCK")) {
				fault(g, err);
				continue;
			}
		}
		err = ka_socket_of(g->k, f.inode, &socket, &o.sock);
		if (err || !o.sock) {
			fault(g, err);
			continue;
		}
		memcpy(o.comm, t->comm, sizeof(o.comm));
		sock_add(g, o.sock);
		ka_vec_push(&g->owners, o);
	}
	ka_arena_free(a);
}

static void tasks_gather(struct gather *g)
{
	struct ka_walk w = ka_walk_tasks(g->k);
	struct ka_map seen = {0};
	struct ka_symbol s;
	ka_addr ops = ka_symbol_lookup(g->k, "socket_file_ops", &s) ? s.addr : 0;

	for (ka_addr at; ka_walk_next(&w, &at); ) {
		struct ka_task t;
		struct ka_error *err = ka_task_read(g->k, at, &t);

		/* threads share a table as a rule: one of a process tells of it */
		if (!err && t.files && ka_map_add(&seen, t.files + (uint32_t)t.tgid, 0))
			files_gather(g, &t, ops);
		fault(g, err);
	}
	ka_map_free(&seen);
	fault(g, ka_walk_end(&w));
}

static int compare(uint64_t x, uint64_t y)
{
	return x < y ? -1 : x > y;
}

static int by_sock(const void *a, const void *b)
{
	const struct ka_sock_owner *x = a, *y = b;
	int by = compare(x->sock, y->sock);

	by = by ? by : compare((uint32_t)x->pid, (uint32_t)y->pid);
	return by ? by : compare(x->fd, y->fd);
}

static int by_kind(const void *a, const void *b)
{
	const struct ka_sock *x = a, *y = b;
	int by = compare(x->net, y->net);

	by = by ? by : compare(x->kind, y->kind);
	by = by ? by : compare(x->family, y->family);
	by = by ? by : compare(x->state != 10, y->state != 10);		/* those that listen */
	if (!by && x->kind == KA_SOCK_NETLINK)
		by = compare(x->protocol, y->protocol);
	by = by ? by : compare(x->portid, y->portid);
	by = by ? by : compare(x->local_port, y->local_port);
	by = by ? by : compare(x->remote_port, y->remote_port);
	by = by ? by : compare(x->ino, y->ino);
	return by ? by : compare(x->addr, y->addr);
}

struct ka_error *ka_socks_read(struct ka_kernel *k, unsigned kinds, struct ka_arena *a, struct ka_sock **ret, size_t *ret_count,
			       struct ka_sock_owner **ret_owners, size_t *ret_owner_count)
{
	struct { KA_VEC(struct ka_sock); } found = {0};
	struct gather g = { .k = k };
	struct ka_error *err = ka_view_bind(k, &ka_view_sock_common_view);

	if (!err) {
		tables_gather(&g, kinds, a);
		tasks_gather(&g);
	}
	for (size_t i = 0; i < g.socks.n && !ka_interrupted(); i++) {
		struct ka_sock s;

		fault(&g, ka_sock_read(k, g.socks.at[i], a, &s));
		if (s.family && s.kind & kinds)
			ka_vec_push(&found, s);
	}
	if (found.n)
		qsort(found.at, found.n, sizeof(*found.at), by_kind);
	if (g.owners.n)
		qsort(g.owners.at, g.owners.n, sizeof(*g.owners.at), by_sock);
	*ret = ka_alloc(a, found.n * sizeof(**ret) + 1);
	*ret_owners = ka_alloc(a, g.owners.n * sizeof(**ret_owners) + 1);
	if (found.n)
		memcpy(*ret, found.at, found.n * sizeof(**ret));
	if (g.owners.n)
		memcpy(*ret_owners, g.owners.at, g.owners.n * sizeof(**ret_owners));
	*ret_count = found.n;
	*ret_owner_count = g.owners.n;
	ka_vec_free(&found);
	ka_vec_free(&g.socks);
	ka_vec_free(&g.owners);
	ka_map_free(&g.seen);
	ka_map_free(&g.tables);
	if (err)
		fault(&g, err);
	return ka_error_wrap(g.err, "sockets");
}
