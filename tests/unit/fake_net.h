/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The network of fake_kernel.c, as 2.6.32 (GENERATION 206) and 3.10 (310) lay it out: a device with an address of either kind, a
 * neighbour, and sockets in the hash tables of their protocols. Lists of nulls end with 1.
 */
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned u32;

struct hlist_nulls_node { struct hlist_nulls_node *next, **pprev; };
struct hlist_nulls_head { struct hlist_nulls_node *first; };
#define NULLS ((void *)1)
struct in6_addr { u8 s6_addr[16]; };

struct net {
	struct list_head list, dev_base_head;
	struct { struct hlist_head sklist; } packet;
	struct { struct hlist_head *fib_table_hash; void *rules_ops; } ipv4;
#if GENERATION == 310
	unsigned proc_inum;
#endif
};
struct in_device;
struct inet6_dev;
struct net_device {
	char name[16];
	ulong state;
	struct list_head dev_list;
	int ifindex;
	struct net *nd_net;
	struct in_device *ip_ptr;
	struct inet6_dev *ip6_ptr;
	unsigned flags, mtu;
	u16 type, gflags;
	u8 operstate, addr_len, *dev_addr, broadcast[32];
	ulong tx_queue_len;
};
struct in_ifaddr { struct in_ifaddr *ifa_next; u32 ifa_local, ifa_address, ifa_mask, ifa_broadcast; u8 ifa_scope, ifa_flags, ifa_prefixlen; char ifa_label[16]; };
struct in_device { struct net_device *dev; struct in_ifaddr *ifa_list; };
#if GENERATION == 206
struct inet6_ifaddr { struct in6_addr addr; u32 prefix_len; u8 flags; u16 scope; struct inet6_ifaddr *if_next; };
struct inet6_dev { struct net_device *dev; struct inet6_ifaddr *addr_list; };
#else
struct inet6_ifaddr { struct in6_addr addr; u32 prefix_len, flags; u16 scope; struct list_head if_list; };
struct inet6_dev { struct net_device *dev; struct list_head addr_list; };
#endif

extern struct net init_net;
extern struct net_device eth0;
extern struct inet6_dev eth0_v6;
static u8 eth0_hw[6] = { 2, 0, 0, 0, 0, 9 };
struct in_ifaddr eth0_a2 = { 0, 0x0200000a, 0x0200000a, 0, 0xff00000a, 0, 1, 24, "eth0:1" };
struct in_ifaddr eth0_a1 = { &eth0_a2, 0x0100000a, 0x0100000a, 0, 0, 0, 128, 24, "eth0" };
struct in_device eth0_v4 = { &eth0, &eth0_a1 };
#if GENERATION == 206
struct inet6_ifaddr eth0_a6 = { { { 0xfe, 0x80, [15] = 9 } }, 64, 128, 0x20, 0 };
struct inet6_dev eth0_v6 = { &eth0, &eth0_a6 };
#else
struct inet6_ifaddr eth0_a6 = { { { 0xfe, 0x80, [15] = 9 } }, 64, 128, 0x20, { &eth0_v6.addr_list, &eth0_v6.addr_list } };
struct inet6_dev eth0_v6 = { &eth0, { &eth0_a6.if_list, &eth0_a6.if_list } };
#endif
struct net_device eth0 = { .name = "eth0", .dev_list = { &init_net.dev_base_head, &init_net.dev_base_head }, .ifindex = 2, .nd_net = &init_net,
	.ip_ptr = &eth0_v4, .ip6_ptr = &eth0_v6, .flags = 0x1003, .mtu = 1500, .type = 1, .operstate = 6, .addr_len = 6, .dev_addr = eth0_hw };

struct neighbour { struct neighbour *next; struct net_device *dev; u8 nud_state, type; u8 ha[32]; u8 primary_key[4]; };
struct neighbour neighbour1 = { 0, &eth0, 2, 1, { 2, 0, 0, 0, 0, 7 }, { 10, 0, 0, 7 } };
static struct neighbour *neighbours[4] = { [3] = &neighbour1 };
#if GENERATION == 206
struct neigh_table { int family, key_len; struct neighbour **hash_buckets; unsigned hash_mask; };
struct neigh_table arp_tbl = { 2, 4, neighbours, 3 };
#else
struct neigh_hash_table { struct neighbour **hash_buckets; unsigned hash_shift; };
struct neigh_hash_table arp_hash = { neighbours, 2 };
struct neigh_table { int family, key_len; struct neigh_hash_table *nht; };
struct neigh_table arp_tbl = { 2, 4, &arp_hash };
#endif

struct socket { int state; short type; struct sock *sk; };
struct inode { u16 i_mode; u32 i_uid; ulong i_ino; };
struct socket_alloc { struct socket socket; struct inode vfs_inode; };
struct sock_common {
#if GENERATION == 310
	u32 skc_daddr, skc_rcv_saddr;
	u16 skc_dport, skc_num;
#else
	union { struct hlist_node skc_node; struct hlist_nulls_node skc_nulls_node; };
	atomic_t skc_refcnt;
#endif
	u16 skc_family;
	volatile u8 skc_state;
	int skc_bound_dev_if;
	struct net *skc_net;
#if GENERATION == 310
	union { struct hlist_node skc_node; struct hlist_nulls_node skc_nulls_node; };
	atomic_t skc_refcnt;
#endif
};
struct sk_buff { struct sk_buff *next, *prev; unsigned len; };
struct sk_buff_head { struct sk_buff *next, *prev; u32 qlen; };
struct sock {
	struct sock_common __sk_common;
	unsigned sk_shutdown : 2, sk_no_check : 2, sk_userlocks : 4, sk_protocol : 8, sk_type : 16;
#if GENERATION == 206
	struct { void *head, *tail; } sk_backlog;
	atomic_t sk_rmem_alloc;
#else
	struct { atomic_t rmem_alloc; void *head, *tail; } sk_backlog;
#endif
	atomic_t sk_wmem_alloc, sk_drops;
	struct sk_buff_head sk_receive_queue;
	u16 sk_ack_backlog, sk_max_ack_backlog;
	struct socket *sk_socket;
};
struct ipv6_pinfo { struct in6_addr saddr, rcv_saddr, daddr; };
#if GENERATION == 206
struct inet_sock { struct sock sk; struct ipv6_pinfo *pinet6; u32 daddr, rcv_saddr; u16 dport, num; u32 saddr; u16 sport; };
#define INET(l, lp, r, rp) .rcv_saddr = (l), .daddr = (r), .num = (lp), .sport = (u16)((lp) << 8 | (lp) >> 8), .dport = (u16)((rp) << 8 | (rp) >> 8)
#define COMMON_INET(l, lp, r, rp)
struct inet_timewait_sock { struct sock_common __tw_common; u16 tw_sport; u32 tw_daddr, tw_rcv_saddr; u16 tw_dport, tw_num, tw_ipv6_offset; };
#define TIMEWAIT(l, lp, r, rp) .tw_rcv_saddr = (l), .tw_daddr = (r), .tw_num = (lp), .tw_dport = (u16)((rp) << 8 | (rp) >> 8)
#else
struct inet_sock { struct sock sk; struct ipv6_pinfo *pinet6; u32 inet_saddr; u16 inet_sport; };
#define INET(l, lp, r, rp) .inet_sport = (u16)((lp) << 8 | (lp) >> 8)
#define COMMON_INET(l, lp, r, rp) .skc_rcv_saddr = (l), .skc_daddr = (r), .skc_num = (lp), .skc_dport = (u16)((rp) << 8 | (rp) >> 8),
struct inet_timewait_sock { struct sock_common __tw_common; u16 tw_sport, tw_ipv6_offset; };
#define TIMEWAIT(l, lp, r, rp) .tw_sport = 0
#endif
struct tcp_sock { struct inet_sock inet; u32 rcv_nxt, copied_seq, write_seq, snd_una; };
struct udp_sock { struct inet_sock inet; };
struct sockaddr_un { u16 sun_family; char sun_path[108]; };
struct unix_address { atomic_t refcnt; int len; unsigned hash; struct sockaddr_un name[1]; };
struct unix_sock { struct sock sk; struct unix_address *addr; struct sock *peer; };

#define COMMON(family_, state_, next_) { .skc_family = (family_), .skc_state = (state_), .skc_refcnt = { 2 }, .skc_net = &init_net, \
	.skc_node = { (struct hlist_node *)(next_), 0 } }
#define COMMON_V4(state_, next_, l, lp, r, rp) { COMMON_INET(l, lp, r, rp) .skc_family = 2, .skc_state = (state_), .skc_refcnt = { 2 }, \
	.skc_net = &init_net, .skc_node = { (struct hlist_node *)(next_), 0 } }
#define LOCAL 0x0100000a
#define REMOTE 0x0500000a
extern struct tcp_sock tcp_listen;
struct socket_alloc tcp_inode = { { 0, 1, (struct sock *)&tcp_listen }, { 0140777, 33, 4711 } };
struct tcp_sock tcp_listen = { .inet = { .sk = { COMMON_V4(10, NULLS, LOCAL, 80, 0, 0), .sk_protocol = 6, .sk_type = 1, .sk_ack_backlog = 3,
	.sk_max_ack_backlog = 128, .sk_socket = &tcp_inode.socket }, INET(LOCAL, 80, 0, 0) } };
struct ipv6_pinfo tcp6_pinfo = { .rcv_saddr = { { [15] = 1 } }, .daddr = { { [15] = 2 } } };
struct tcp_sock tcp6_estab = { .inet = { .sk = { COMMON(10, 1, NULLS), .sk_protocol = 6, .sk_type = 1 }, .pinet6 = &tcp6_pinfo,
	INET(0, 81, 0, 0) } };
struct tcp_sock tcp_estab = { .inet = { .sk = { COMMON_V4(1, &tcp6_estab.inet.sk.__sk_common.skc_node, LOCAL, 80, REMOTE, 4000), .sk_protocol = 6,
	.sk_type = 1 }, INET(LOCAL, 80, REMOTE, 4000) }, .rcv_nxt = 150, .copied_seq = 50, .write_seq = 5, .snd_una = 0xfffffffb };
struct inet_timewait_sock tcp_wait = { .__tw_common = COMMON_V4(6, NULLS, LOCAL, 80, REMOTE, 4001), TIMEWAIT(LOCAL, 80, REMOTE, 4001) };
struct inet_ehash_bucket { struct hlist_nulls_head chain, twchain; };
static struct inet_ehash_bucket ehash[2] = { { { NULLS }, { (void *)&tcp_wait.__tw_common.skc_node } },
	{ { (void *)&tcp_estab.inet.sk.__sk_common.skc_node }, { NULLS } } };
struct inet_listen_hashbucket { int lock; struct hlist_nulls_head head; };
struct inet_hashinfo {
	struct inet_ehash_bucket *ehash;
#if GENERATION == 206
	unsigned ehash_size;
#else
	unsigned ehash_mask;
#endif
	struct inet_listen_hashbucket listening_hash[32];
};
struct inet_hashinfo tcp_hashinfo = { ehash, GENERATION == 206 ? 2 : 1, { [5] = { 0, { (void *)&tcp_listen.inet.sk.__sk_common.skc_node } } } };

struct udp_sock udp1 = { .inet = { .sk = { COMMON_V4(7, NULLS, LOCAL, 53, 0, 0), .sk_protocol = 17, .sk_type = 2,
#if GENERATION == 206
	.sk_rmem_alloc = { 640 },
#else
	.sk_backlog = { .rmem_alloc = { 640 } },
#endif
	.sk_wmem_alloc = { 1 } }, INET(LOCAL, 53, 0, 0) } };
struct udp_hslot { struct hlist_nulls_head head; int count, lock; };
#if GENERATION == 206
struct udp_table { struct udp_hslot hash[128]; };
struct udp_table udp_table = { { [53] = { { (void *)&udp1.inet.sk.__sk_common.skc_node } } } };
#else
struct udp_table { struct udp_hslot *hash, *hash2; unsigned mask, log; };
static struct udp_hslot udp_slots[64] = { [53] = { { (void *)&udp1.inet.sk.__sk_common.skc_node } } };
struct udp_table udp_table = { udp_slots, 0, 63, 6 };
#endif

struct unix_address unix_name = { { 1 }, 2 + 6, 0, { { 1, "\0abc\0d" } } };
extern struct unix_sock unix2;
struct unix_sock unix1 = { .sk = { COMMON(1, 1, &unix2.sk.__sk_common.skc_node), .sk_type = 1, .sk_wmem_alloc = { 1 } }, .addr = &unix_name,
	.peer = (struct sock *)&unix2 };
extern struct sk_buff skb2;
struct sk_buff skb1 = { &skb2, (void *)&unix2.sk.sk_receive_queue, 100 }, skb2 = { (void *)&unix2.sk.sk_receive_queue, &skb1, 11 };
struct unix_sock unix2 = { .sk = { COMMON(1, 1, 0), .sk_type = 1, .sk_wmem_alloc = { 1 }, .sk_receive_queue = { &skb1, &skb2, 2 } },
	.peer = (struct sock *)&unix1 };
struct hlist_head unix_socket_table[257] = { [256] = { (void *)&unix1.sk.__sk_common.skc_node } };

#if GENERATION == 206
struct netlink_sock { struct sock sk; u32 pid, dst_pid; ulong *groups; };
struct nl_pid_hash { struct hlist_head *table; unsigned mask; };
struct netlink_table { struct nl_pid_hash hash; };
#else
struct netlink_sock { struct sock sk; u32 portid, dst_portid; ulong *groups; };
struct nl_portid_hash { struct hlist_head *table; unsigned mask; };
struct netlink_table { struct nl_portid_hash hash; };
#endif
struct netlink_sock netlink1 = { .sk = { COMMON(16, 0, 0), .sk_type = 3, .sk_protocol = 15 }, 1234 };
static struct hlist_head netlink_heads[2] = { [1] = { (void *)&netlink1.sk.__sk_common.skc_node } };
static struct netlink_table netlink_tables[32] = { [15] = { { netlink_heads, 1 } } };
struct netlink_table *nl_table = netlink_tables;

extern struct list_head net_namespace_list;
extern struct hlist_head fib_tables[256];
struct net init_net = { .ipv4 = { .fib_table_hash = fib_tables }, .list = { &net_namespace_list, &net_namespace_list }, .dev_base_head = { &eth0.dev_list, &eth0.dev_list } };
struct list_head net_namespace_list = { &init_net.list, &init_net.list };
