/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The network: namespaces, devices and their addresses, neighbours, sockets, routes. */
#ifndef KANALYZE_NET_H
#define KANALYZE_NET_H

#include <kanalyze/walk.h>

enum { KA_AF_UNIX = 1, KA_AF_INET = 2, KA_AF_INET6 = 10, KA_AF_NETLINK = 16, KA_AF_PACKET = 17, KA_AF_VSOCK = 40 };

/* ---- namespaces ---- */

struct ka_net {
	ka_addr addr;		/* of the struct net */
	uint64_t inum;		/* as /proc/PID/ns/net has it; 0: this kernel keeps none */
	bool is_first;		/* init_net */
};

/* All of them, in the arena; one with address 0 where the kernel knows none (before v2.6.24). Also behind an error: what was found. */
struct ka_error *ka_nets_read(struct ka_kernel *k, struct ka_arena *a, struct ka_net **ret, size_t *ret_count) KA_MUST_CHECK;
struct ka_error *ka_net_read(struct ka_kernel *k, ka_addr net, struct ka_net *ret) KA_MUST_CHECK;
/* init_net; 0 where there is none. */
ka_addr ka_net_first(struct ka_kernel *k);
/* The namespace of a task; nsproxy as task_struct has it. */
struct ka_error *ka_net_of(struct ka_kernel *k, ka_addr nsproxy, ka_addr *ret) KA_MUST_CHECK;

/* ---- devices ---- */

struct ka_netdev {
	ka_addr addr;		/* of the net_device */
	ka_addr net;		/* its namespace; 0: none */
	ka_addr in_device, inet6_dev;	/* 0: none */
	char name[16];
	int32_t ifindex;
	uint32_t flags;		/* IFF_*, as `ip` shows them: with what the link's state adds */
	uint32_t mtu, tx_queue_len;
	uint16_t type;		/* ARPHRD_* */
	uint8_t operstate;	/* IF_OPER_* */
	uint8_t hw_len;
	uint8_t hw[32], broadcast[32];
	char qdisc[16];		/* "": none */
};

/* In the kernel's order, in the arena. net 0: of kernels without namespaces. Also behind an error: what was found. */
struct ka_error *ka_netdevs_read(struct ka_kernel *k, ka_addr net, struct ka_arena *a, struct ka_netdev **ret,
				 size_t *ret_count) KA_MUST_CHECK;
struct ka_error *ka_netdev_read(struct ka_kernel *k, ka_addr dev, struct ka_netdev *ret) KA_MUST_CHECK;

/* As /proc/net/dev. */
struct ka_netdev_stats {
	bool is_known;		/* false: only the driver knows where it counts */
	uint64_t rx_packets, rx_bytes, rx_errors, rx_dropped, tx_packets, tx_bytes, tx_errors, tx_dropped, multicast, collisions;
};
struct ka_error *ka_netdev_stats_read(struct ka_kernel *k, ka_addr dev, struct ka_netdev_stats *ret) KA_MUST_CHECK;

struct ka_netaddr {
	ka_addr addr;		/* of the in_ifaddr, inet6_ifaddr */
	uint16_t family;
	uint8_t local[16], peer[16], broadcast[16];	/* in network order; of IPv4 the first 4 */
	bool has_peer, has_broadcast;
	uint8_t prefix_len;
	uint8_t scope;		/* RT_SCOPE_* */
	uint32_t flags;		/* IFA_F_* */
	char label[16];		/* IPv4 */
};

/* Those of a device, IPv4 first, in the kernel's order, in the arena. Also behind an error: what was found. */
struct ka_error *ka_netaddrs_read(struct ka_kernel *k, const struct ka_netdev *dev, struct ka_arena *a, struct ka_netaddr **ret,
				  size_t *ret_count) KA_MUST_CHECK;
/* "127.0.0.1", "fe80::1". */
const char *ka_ip_text(struct ka_arena *a, uint16_t family, const uint8_t *bytes);
/* "global" "site" "link" "host" "nowhere"; NULL: another. */
const char *ka_ip_scope_name(uint8_t scope);

struct ka_neighbour {
	ka_addr addr;		/* of the struct neighbour */
	ka_addr dev;
	uint16_t family;
	uint8_t key[16];	/* the IP address */
	uint8_t hw[32];
	uint8_t state;		/* NUD_* */
	uint8_t type;		/* RTN_* */
	uint32_t flags;		/* NTF_* */
	bool is_proxy;		/* answered for: a pneigh_entry, which has neither hardware address nor state */
};

/* The table of a family, of all namespaces, in the arena. Also behind an error: what was found. */
struct ka_error *ka_neighbours_read(struct ka_kernel *k, uint16_t family, struct ka_arena *a, struct ka_neighbour **ret,
				    size_t *ret_count) KA_MUST_CHECK;

/* ---- sockets ---- */

enum ka_sock_kind {
	KA_SOCK_TCP = 1, KA_SOCK_UDP = 2, KA_SOCK_RAW = 4, KA_SOCK_UNIX = 8, KA_SOCK_NETLINK = 16, KA_SOCK_PACKET = 32,
	KA_SOCK_VSOCK = 64, KA_SOCK_OTHER = 128,
	KA_SOCK_ALL = 255,
};

struct ka_sock {
	ka_addr addr;		/* of the struct sock; where !is_full of the sock_common */
	ka_addr socket;		/* of the struct socket; 0: nobody has it open */
	ka_addr net;
	uint64_t ino;		/* of its inode; 0: none */
	bool is_full;		/* false: what is left of one (TIME_WAIT), or one to be (SYN_RECV): addresses and state alone */
	enum ka_sock_kind kind;
	uint16_t family, type, protocol;
	uint8_t state;		/* TCP_*; other protocols use some of them */
	uint32_t uid, refs;
	uint64_t drops;
	/*
	 * Of TCP the bytes to be read, and sent but not acknowledged; of those that listen, the connections to be accepted, and how
	 * many there may be; of others the bytes of their buffers.
	 */
	uint64_t recv_q, send_q;
	int32_t dev;		/* ifindex it is bound to; 0: any */
	/* TCP, UDP, RAW; vsock has its CIDs in the first 4 bytes of the addresses, in the host's order */
	uint8_t local[16], remote[16];
	uint32_t local_port, remote_port;
	bool is_v6only;
	/* UNIX */
	ka_addr peer;		/* a struct sock */
	uint64_t peer_ino;
	const char *path;	/* in the arena; "@..." is abstract; NULL: has none */
	/* netlink */
	uint32_t portid, dst_portid, groups;
	/* packet: protocol is ETH_P_*, dev the device */
	bool is_running;
};

/* Where in the machine it is open. */
struct ka_sock_owner {
	ka_addr sock, task;
	int32_t pid;		/* of the process */
	uint32_t fd;
	char comm[16];
};

/* The struct socket of an inode of type SOCK, and its sock (0: none yet, or none any more). */
struct ka_error *ka_socket_of(struct ka_kernel *k, ka_addr inode, ka_addr *ret_socket, ka_addr *ret_sock) KA_MUST_CHECK;
/* Strings in the arena. What could not be read of its protocol's part is 0; then the error is returned, and the rest is good. */
struct ka_error *ka_sock_read(struct ka_kernel *k, ka_addr sock, struct ka_arena *a, struct ka_sock *ret) KA_MUST_CHECK;
/*
 * All sockets of these kinds: from the hash tables of the protocols and of the namespaces, and from the files of all tasks.
 * In the arena, sorted: by namespace, kind, and address. owners: of all tasks, sorted by sock. Also behind an error: what was found.
 */
struct ka_error *ka_socks_read(struct ka_kernel *k, unsigned kinds, struct ka_arena *a, struct ka_sock **ret, size_t *ret_count,
			       struct ka_sock_owner **ret_owners, size_t *ret_owner_count) KA_MUST_CHECK;
/* As ss names them: "LISTEN", "ESTAB", "TIME-WAIT"; NULL: no such state. */
const char *ka_sock_state_name(uint8_t state);

/* ---- routes ---- */

struct ka_nexthop {
	uint16_t gateway_family;	/* 0: none */
	uint8_t gateway[16];
	int32_t dev;			/* ifindex */
	uint32_t weight;		/* as `ip route` shows it, from 1 on */
	uint32_t flags;			/* RTNH_F_* */
};

struct ka_route {
	ka_addr addr;		/* of the fib_alias, fib6_info, rt6_info */
	uint16_t family;
	uint32_t table;		/* RT_TABLE_* */
	uint8_t dst[16], prefsrc[16];
	uint8_t prefix_len;
	bool has_prefsrc;
	uint8_t type, scope, protocol, tos;	/* RTN_*, RT_SCOPE_*, RTPROT_* */
	uint32_t metric;
	uint32_t flags;		/* IPv6: RTF_* */
	size_t hop_count;
	struct ka_nexthop *hops;
};

/* Of a namespace, all tables, in the arena. Also behind an error: what was found. */
struct ka_error *ka_routes_read(struct ka_kernel *k, ka_addr net, uint16_t family, struct ka_arena *a, struct ka_route **ret,
				size_t *ret_count) KA_MUST_CHECK;

#endif
