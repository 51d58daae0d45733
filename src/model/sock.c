/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One socket: what struct sock, and what its protocol has around it, say. */
#include <inttypes.h>
#include <kanalyze/net.h>
#include <kanalyze/symbol.h>
#include <kanalyze/type.h>
#include <kanalyze/view.h>
#include "sock.h"

#define QUEUE_MAX 65536		/* buffers of a unix socket that are counted */
#define PATH_BYTES_MAX 108	/* of a sockaddr_un */

enum { STREAM = 1, DGRAM = 2, RAW = 3, TCP_CLOSE = 7, TCP_LISTEN = 10, PROTO_TCP = 6, PROTO_MPTCP = 262, STATES = 13 };

struct socket_alloc_view { ka_addr socket_at, inode_at; };
KA_VIEW(socket_alloc_view, ("socket_alloc"),
	KA_AT(socket_alloc_view, socket_at, "socket"),
	KA_AT(socket_alloc_view, inode_at, "vfs_inode"));

struct socket_sk_view { ka_addr sk; };
KA_VIEW(socket_sk_view, ("socket"), KA_FROM(socket_sk_view, sk, "sk"));

struct sock_inode_view { uint64_t ino; uint32_t uid; };
KA_VIEW(sock_inode_view, ("inode"),
	KA_FROM(sock_inode_view, ino, "i_ino"),
	KA_FROM(sock_inode_view, uid, "i_uid.val", "i_uid"));

KA_VIEW(sock_common_view, ("sock_common"),
	KA_FROM(sock_common_view, family, "skc_family"),
	KA_FROM(sock_common_view, state, "skc_state"),
	KA_FROM(sock_common_view, dev, "skc_bound_dev_if"),
	KA_FROM(sock_common_view, refs, "skc_refcnt.refs.counter", "skc_refcnt.counter"),	/* 41c6d650f653, v4.13 */
	KA_MAYBE(sock_common_view, net, "skc_net.net", "skc_net"),				/* 0c5c9fb55106, v4.1 */
	KA_MAYBE(sock_common_view, remote, "skc_daddr"),					/* 68835aba4d9b, v2.6.38 */
	KA_MAYBE(sock_common_view, local, "skc_rcv_saddr"),
	KA_MAYBE(sock_common_view, remote_port, "skc_dport"),					/* ce43b03e8889, v3.8 */
	KA_MAYBE(sock_common_view, num, "skc_num"),
	KA_MAYBE(sock_common_view, remote6, "skc_v6_daddr"),					/* efe4208f47f9, v3.13 */
	KA_MAYBE(sock_common_view, local6, "skc_v6_rcv_saddr"),
	KA_MAYBE(sock_common_view, is_v6only, "skc_ipv6only"),					/* 9fe516ba3fb2, v3.17 */
	KA_AT(sock_common_view, node_at, "skc_node", "skc_nulls_node"));

struct sock_view { uint64_t type, protocol, ack_backlog, max_ack_backlog; ka_addr socket, queue_at; int32_t rmem, wmem, drops; uint32_t queue_len; };
KA_VIEW(sock_view, ("sock"),
	KA_FROM(sock_view, type, "sk_type"),
	KA_FROM(sock_view, protocol, "sk_protocol"),
	KA_FROM(sock_view, ack_backlog, "sk_ack_backlog"),
	KA_FROM(sock_view, max_ack_backlog, "sk_max_ack_backlog"),
	KA_FROM(sock_view, socket, "sk_socket"),
	KA_AT(sock_view, queue_at, "sk_receive_queue"),
	KA_FROM(sock_view, queue_len, "sk_receive_queue.qlen"),
	KA_FROM(sock_view, rmem, "sk_backlog.rmem_alloc.counter", "sk_rmem_alloc.counter"),	/* 8eae939f1400, v2.6.35 and 7e2ab3d1, v3.4 */
	KA_FROM(sock_view, wmem, "sk_wmem_alloc.refs.counter", "sk_wmem_alloc.counter"),	/* 14afee4b6092, v4.13 */
	KA_MAYBE(sock_view, drops, "sk_drops.counter"));

/* Members that struct sock_common took over in the course of time, and those that never went there. */
struct inet_view { uint8_t remote[4], local[4], remote_port[2], local_port[2]; uint16_t num; ka_addr pinet6; };
KA_VIEW(inet_view, ("inet_sock"),
	KA_MAYBE(inet_view, remote, "inet_daddr", "daddr", "inet.daddr"),	/* c720c7e8383a, v2.6.33; in an inet_opt before v2.6.14 */
	KA_MAYBE(inet_view, local, "inet_rcv_saddr", "rcv_saddr", "inet.rcv_saddr"),
	KA_MAYBE(inet_view, remote_port, "inet_dport", "dport", "inet.dport"),
	KA_MAYBE(inet_view, num, "inet_num", "num", "inet.num"),
	KA_FROM(inet_view, local_port, "inet_sport", "sport", "inet.sport"),
	KA_MAYBE(inet_view, pinet6, "pinet6"));

struct pinet6_view { uint8_t remote[16], local[16]; };
KA_VIEW(pinet6_view, ("ipv6_pinfo"),
	KA_MAYBE(pinet6_view, remote, "daddr"),
	KA_MAYBE(pinet6_view, local, "rcv_saddr"));

/* Of TIME_WAIT: all but sport went to sock_common. */
struct timewait_view { uint8_t remote[4], local[4], remote_port[2]; uint16_t num, v6_offset; };
KA_VIEW(timewait_view, ("inet_timewait_sock"),
	KA_MAYBE(timewait_view, remote, "tw_daddr"),
	KA_MAYBE(timewait_view, local, "tw_rcv_saddr"),
	KA_MAYBE(timewait_view, remote_port, "tw_dport"),
	KA_MAYBE(timewait_view, num, "tw_num"),
	KA_MAYBE(timewait_view, v6_offset, "tw_ipv6_offset"));

struct timewait6_view { uint8_t remote[16], local[16]; };
KA_VIEW(timewait6_view, ("inet6_timewait_sock"),
	KA_FROM(timewait6_view, remote, "tw_v6_daddr"),
	KA_FROM(timewait6_view, local, "tw_v6_rcv_saddr"));

struct tcp_view { uint32_t rcv_nxt, copied_seq, write_seq, snd_una; };
KA_VIEW(tcp_view, ("tcp_sock"),
	KA_FROM(tcp_view, rcv_nxt, "rcv_nxt", "tcp.rcv_nxt"),
	KA_FROM(tcp_view, copied_seq, "copied_seq", "tcp.copied_seq"),
	KA_FROM(tcp_view, write_seq, "write_seq", "tcp.write_seq"),
	KA_FROM(tcp_view, snd_una, "snd_una", "tcp.snd_una"));

struct udp_view { int32_t deficit; };
KA_VIEW(udp_view, ("udp_sock"), KA_MAYBE(udp_view, deficit, "forward_deficit"));	/* 6dfb4367cd91, v4.12 */

struct unix_view { ka_addr addr, peer; };
KA_VIEW(unix_view, ("unix_sock", "unix_sock@unix"),
	KA_FROM(unix_view, addr, "addr"),
	KA_FROM(unix_view, peer, "peer"));

struct unix_address_view { int32_t len; ka_addr name_at; };
KA_VIEW(unix_address_view, ("unix_address"),
	KA_FROM(unix_address_view, len, "len"),
	KA_AT(unix_address_view, name_at, "name"));

struct skb_view { uint32_t len; };
KA_VIEW(skb_view, ("sk_buff"), KA_FROM(skb_view, len, "len"));

struct netlink_view { uint32_t portid, dst_portid; ka_addr groups; };
KA_VIEW(netlink_view, ("netlink_sock"),
	KA_FROM(netlink_view, portid, "portid", "pid"),			/* 15e473046cb6, v3.7 */
	KA_FROM(netlink_view, dst_portid, "dst_portid", "dst_pid"),
	KA_MAYBE(netlink_view, groups, "groups"));

struct packet_view { uint8_t num[2]; int32_t ifindex; uint8_t running; uint64_t flags; };
KA_VIEW(packet_view, ("packet_sock", "packet_sock@af_packet"),
	KA_FROM(packet_view, num, "num"),
	KA_FROM(packet_view, ifindex, "ifindex"),
	KA_MAYBE(packet_view, running, "running"),
	KA_MAYBE(packet_view, flags, "flags"));				/* 61edf479818e, v6.4 */

struct vsock_view { uint32_t cid, port, peer_cid, peer_port; };
KA_VIEW(vsock_view, ("vsock_sock@vsock", "vsock_sock"),
	KA_FROM(vsock_view, cid, "local_addr.svm_cid"),
	KA_FROM(vsock_view, port, "local_addr.svm_port"),
	KA_FROM(vsock_view, peer_cid, "remote_addr.svm_cid"),
	KA_FROM(vsock_view, peer_port, "remote_addr.svm_port"));

const char *ka_sock_state_name(uint8_t state)
{
	static const char *const names[STATES + 1] = { NULL, "ESTAB", "SYN-SENT", "SYN-RECV", "FIN-WAIT-1", "FIN-WAIT-2", "TIME-WAIT", "UNCONN",
		"CLOSE-WAIT", "LAST-ACK", "LISTEN", "CLOSING", "SYN-RECV", "BOUND" };

	return state <= STATES ? names[state] : NULL;
}

struct ka_error *ka_socket_of(struct ka_kernel *k, ka_addr inode, ka_addr *ret_socket, ka_addr *ret_sock)
{
	struct socket_sk_view v = {0};
	struct ka_error *err = ka_view_bind(k, &ka_view_socket_alloc_view);

	*ret_socket = *ret_sock = 0;
	if (err)
		return err;
	*ret_socket = inode - KA_OFFSET(k, socket_alloc_view, inode_at) + KA_OFFSET(k, socket_alloc_view, socket_at);
	err = ka_view_read(k, &ka_view_socket_sk_view, *ret_socket, &v);
	*ret_sock = v.sk;
	return ka_error_wrap(err, "socket of the inode at 0x%" PRIx64, inode);
}

/* The inode around a socket, and who owns it. */
static struct ka_error *inode_of(struct ka_kernel *k, ka_addr socket, uint64_t *ret_ino, uint32_t *ret_uid)
{
	struct sock_inode_view v = {0};
	struct ka_error *err = ka_view_bind(k, &ka_view_socket_alloc_view);

	if (!err)
		err = ka_view_read(k, &ka_view_sock_inode_view, socket - KA_OFFSET(k, socket_alloc_view, socket_at) +
				   KA_OFFSET(k, socket_alloc_view, inode_at), &v);
	*ret_ino = v.ino;
	*ret_uid = v.uid;
	return err;
}

static uint32_t port_of(const uint8_t *bytes)
{
	return (uint32_t)bytes[0] << 8 | bytes[1];
}

static struct ka_error *inet_read(struct ka_kernel *k, const struct sock_common_view *common, struct ka_sock *s)
{
	struct timewait_view tw = {0};
	struct timewait6_view tw6;
	struct pinet6_view p6;
	struct inet_view v = {0};
	bool is_v6 = s->family == KA_AF_INET6, has_v6 = KA_HAS(k, sock_common_view, remote6);
	struct ka_error *err = s->is_full ? ka_view_read(k, &ka_view_inet_view, s->addr, &v) :
					    ka_view_read(k, &ka_view_timewait_view, s->addr, &tw);

	if (err)
		return err;
	if (KA_HAS(k, sock_common_view, num))
		v.num = common->num;
	else if (!s->is_full)
		v.num = tw.num;
	if (KA_HAS(k, sock_common_view, remote_port))
		memcpy(v.remote_port, common->remote_port, 2);
	else if (!s->is_full)
		memcpy(v.remote_port, tw.remote_port, 2);
	s->remote_port = port_of(v.remote_port);
	s->local_port = s->is_full ? port_of(v.local_port) : v.num;
	s->is_v6only = common->is_v6only;
	if (!is_v6) {
		bool is_common = KA_HAS(k, sock_common_view, remote);

		memcpy(s->remote, is_common ? common->remote : s->is_full ? v.remote : tw.remote, 4);
		memcpy(s->local, is_common ? common->local : s->is_full ? v.local : tw.local, 4);
	} else if (has_v6) {
		memcpy(s->remote, common->remote6, 16);
		memcpy(s->local, common->local6, 16);
	} else if (s->is_full && v.pinet6) {
		err = ka_view_read(k, &ka_view_pinet6_view, v.pinet6, &p6);
		if (err)
			return err;
		memcpy(s->remote, p6.remote, 16);
		memcpy(s->local, p6.local, 16);
	} else if (!s->is_full && tw.v6_offset) {
		err = ka_view_read(k, &ka_view_timewait6_view, s->addr + tw.v6_offset, &tw6);
		if (err)
			return err;
		memcpy(s->remote, tw6.remote, 16);
		memcpy(s->local, tw6.local, 16);
	}
	return NULL;
}

static struct ka_error *tcp_read(struct ka_kernel *k, struct ka_sock *s, const struct sock_view *v)
{
	struct tcp_view tcp;
	struct ka_error *err;

	if (s->state == TCP_LISTEN) {
		s->recv_q = v->ack_backlog;
		s->send_q = v->max_ack_backlog;
		return NULL;
	}
	err = ka_view_read(k, &ka_view_tcp_view, s->addr, &tcp);
	if (err)
		return err;
	/* the FIN that is received counts in rcv_nxt */
	s->recv_q = (uint64_t)KA_MAX((int32_t)(tcp.rcv_nxt - tcp.copied_seq), 0);
	s->send_q = tcp.write_seq - tcp.snd_una;
	return NULL;
}

static struct ka_error *unix_name(struct ka_kernel *k, ka_addr address, struct ka_arena *a, const char **ret)
{
	struct unix_address_view v;
	char bytes[PATH_BYTES_MAX + 1] = "";
	struct ka_error *err = ka_view_read(k, &ka_view_unix_address_view, address, &v);
	size_t size;

	if (err)
		return err;
	if (v.len < 2 || v.len > PATH_BYTES_MAX + 3)
		return ka_error_at(KA_CORRUPT, KA_SPACE_VIRT, address, "a unix address of %" PRId32 " bytes", v.len);
	size = KA_MIN((size_t)v.len - 2, (size_t)PATH_BYTES_MAX);	/* behind sun_family */
	err = ka_read(k, v.name_at + 2, bytes, size);
	if (err || !size)
		return err;
	/* abstract names begin with a NUL and may have more of them: all shown as @, as the kernel does */
	if (!bytes[0])
		for (size_t i = 0; i < size; i++)
			bytes[i] = bytes[i] ? bytes[i] : '@';
	*ret = ka_strdup(a, bytes);
	return NULL;
}

static struct ka_error *unix_read(struct ka_kernel *k, struct ka_sock *s, const struct sock_view *v, struct ka_arena *a)
{
	struct unix_view u;
	struct sock_view peer;
	struct ka_error *err = ka_view_read(k, &ka_view_unix_view, s->addr, &u);
	uint32_t uid;

	if (err)
		return err;
	s->peer = u.peer;
	if (u.peer) {
		err = ka_view_read(k, &ka_view_sock_view, u.peer, &peer);
		if (!err && peer.socket)
			err = inode_of(k, peer.socket, &s->peer_ino, &uid);
		if (err)
			return ka_error_wrap(err, "its peer");
	}
	if (u.addr)
		err = unix_name(k, u.addr, a, &s->path);
	if (err)
		return err;
	if (s->state == TCP_LISTEN) {
		s->recv_q = v->queue_len;
		s->send_q = v->max_ack_backlog;
		return NULL;
	}
	s->send_q = v->wmem > 1 ? (uint64_t)v->wmem - 1 : 0;
	if (v->queue_len) {
		/* the buffers' links come first in them, and are all that leads to them */
		struct ka_walk w = ka_walk_list(k, s->addr + KA_OFFSET(k, sock_view, queue_at), 0);

		w.limit = QUEUE_MAX;
		for (ka_addr skb; ka_walk_next(&w, &skb); ) {
			struct skb_view b;

			err = ka_view_read(k, &ka_view_skb_view, skb, &b);
			if (!err)
				s->recv_q += b.len;
			ka_walk_fault(&w, err);
			if (s->type == DGRAM)	/* what the next read gives */
				break;
		}
		err = ka_walk_end(&w);
	}
	return err;
}

static struct ka_error *netlink_read(struct ka_kernel *k, struct ka_sock *s)
{
	struct netlink_view v;
	struct ka_error *err = ka_view_read(k, &ka_view_netlink_view, s->addr, &v);
	uint64_t groups = 0;

	if (err)
		return err;
	s->portid = v.portid;
	s->dst_portid = v.dst_portid;
	if (v.groups)
		err = ka_read_ulong(k, v.groups, &groups);
	s->groups = (uint32_t)groups;
	return err;
}

static struct ka_error *packet_read(struct ka_kernel *k, struct ka_sock *s)
{
	struct packet_view v;
	struct ka_error *err = ka_view_read(k, &ka_view_packet_view, s->addr, &v);
	int64_t bit;

	if (err)
		return err;
	if (!ka_enum_value(k, "PACKET_SOCK_RUNNING", &bit) || bit < 0 || bit > 63)
		bit = 4;
	s->protocol = (uint16_t)port_of(v.num);
	s->dev = v.ifindex;
	s->is_running = KA_HAS(k, packet_view, running) ? v.running : v.flags >> bit & 1;
	return NULL;
}

static struct ka_error *vsock_read(struct ka_kernel *k, struct ka_sock *s)
{
	struct vsock_view v;
	struct ka_error *err = ka_view_read(k, &ka_view_vsock_view, s->addr, &v);

	if (err)
		return err;
	memcpy(s->local, &v.cid, 4);
	memcpy(s->remote, &v.peer_cid, 4);
	s->local_port = v.port;
	s->remote_port = v.peer_port;
	return NULL;
}

static enum ka_sock_kind kind_of(const struct ka_sock *s)
{
	switch (s->family) {
	case KA_AF_UNIX: return KA_SOCK_UNIX;
	case KA_AF_NETLINK: return KA_SOCK_NETLINK;
	case KA_AF_PACKET: return KA_SOCK_PACKET;
	case KA_AF_VSOCK: return KA_SOCK_VSOCK;
	case KA_AF_INET:
	case KA_AF_INET6:
		if (s->type == STREAM)
			return s->protocol == PROTO_TCP || s->protocol == PROTO_MPTCP ? KA_SOCK_TCP : KA_SOCK_OTHER;
		/* UDP lite and ping are of DGRAM, too */
		return s->type == DGRAM ? KA_SOCK_UDP : s->type == RAW ? KA_SOCK_RAW : KA_SOCK_OTHER;
	default: return KA_SOCK_OTHER;
	}
}

struct ka_error *ka_sock_read(struct ka_kernel *k, ka_addr sock, struct ka_arena *a, struct ka_sock *ret)
{
	struct sock_common_view common = {0};
	struct sock_view v = {0};
	struct ka_error *err = ka_view_read(k, &ka_view_sock_common_view, sock, &common);

	*ret = (struct ka_sock){ .addr = sock, .net = common.net, .family = common.family, .state = common.state, .refs = common.refs,
				 .dev = common.dev };
	if (err)
		return ka_error_wrap(err, "sock at 0x%" PRIx64, sock);
	if (!ret->net)
		ret->net = ka_net_first(k);
	/* a TIME_WAIT is no struct sock, nor is a NEW_SYN_RECV (10feb428a504, v4.1) */
	ret->is_full = (ret->family != KA_AF_INET && ret->family != KA_AF_INET6) || (ret->state != 6 && ret->state != 12);
	if (!ret->is_full) {
		ret->kind = KA_SOCK_TCP;
		ret->type = STREAM;
		ret->protocol = PROTO_TCP;
		return ka_error_wrap(inet_read(k, &common, ret), "sock at 0x%" PRIx64, sock);
	}
	err = ka_view_read(k, &ka_view_sock_view, sock, &v);
	if (err)
		return ka_error_wrap(err, "sock at 0x%" PRIx64, sock);
	ret->type = (uint16_t)v.type;
	ret->protocol = (uint16_t)v.protocol;
	ret->socket = v.socket;
	ret->drops = v.drops < 0 ? 0 : (uint64_t)v.drops;
	ret->kind = kind_of(ret);
	/* sk_wmem_alloc begins with 1: 2b85a34e911b, v2.6.31 */
	ret->recv_q = v.rmem < 0 ? 0 : (uint64_t)v.rmem;
	ret->send_q = v.wmem > 1 ? (uint64_t)v.wmem - 1 : 0;
	if (ret->kind == KA_SOCK_UNIX)
		ret->recv_q = ret->send_q = 0;
	if (v.socket)
		err = inode_of(k, v.socket, &ret->ino, &ret->uid);
	if (!err && (ret->family == KA_AF_INET || ret->family == KA_AF_INET6))
		err = inet_read(k, &common, ret);
	if (!err && ret->kind == KA_SOCK_TCP && ret->protocol == PROTO_TCP)
		err = tcp_read(k, ret, &v);
	if (!err && ret->kind == KA_SOCK_UDP && ret->protocol == 17) {
		struct udp_view udp = {0};

		err = ka_view_read(k, &ka_view_udp_view, sock, &udp);
		ret->recv_q = udp.deficit > 0 ? ret->recv_q - KA_MIN(ret->recv_q, (uint64_t)udp.deficit) : ret->recv_q;
	}
	if (!err && ret->kind == KA_SOCK_UNIX)
		err = unix_read(k, ret, &v, a);
	if (!err && ret->kind == KA_SOCK_NETLINK)
		err = netlink_read(k, ret);
	if (!err && ret->kind == KA_SOCK_PACKET)
		err = packet_read(k, ret);
	if (!err && ret->kind == KA_SOCK_VSOCK)
		err = vsock_read(k, ret);
	return ka_error_wrap(err, "sock at 0x%" PRIx64, sock);
}
