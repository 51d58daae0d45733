/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* net --tcp, --udp ...: sockets of a namespace, as ss shows those of a live machine. */
#include <inttypes.h>
#include "net.h"

#define STATE_LISTEN 10

struct net_socket {
	ka_addr sock, socket, peer, net;
	const char *netid, *state, *local_text, *remote_text, *users_text;
	const char *local, *remote, *path, *device, *protocol_name;
	uint64_t recv_q, send_q, ino, peer_ino, drops;
	uint32_t local_port, remote_port, family, type, protocol, uid, refs, portid, dst_portid, groups;
	bool is_inet, is_netlink, is_packet, is_vsock, has_ports, is_running, has_inode;
};
#define SOCKET_IF(m, t, cond, help_) { #m, offsetof(struct net_socket, m), sizeof(((struct net_socket *)0)->m), t, KA_ONLY_JSON, \
	offsetof(struct net_socket, cond), NULL, help_ }
NET_ROWS(net_socket, "sockets", KA_SHAPE_TABLE,
	"NETID STATE      RECV-Q SEND-Q LOCAL ADDRESS:PORT      PEER ADDRESS:PORT       SOCK             PROCESS",
	"{netid:<5} {state:<10} {recv_q:<6} {send_q:<6} {local_text:<23} {remote_text:<23} {sock:016} {users_text}",
	KA_COL(net_socket, netid, KA_TEXT, "tcp udp raw icmp, u_str u_dgr u_seq, nl, p_raw p_dgr, v_str v_dgr v_seq, as ss has them"),
	KA_COL(net_socket, state, KA_TEXT, "LISTEN, ESTAB, TIME-WAIT, UNCONN ..."),
	KA_COL(net_socket, recv_q, KA_UINT, "bytes to be read; of those that listen: connections to be accepted"),
	KA_COL(net_socket, send_q, KA_UINT, "bytes not acknowledged, or not sent; of those that listen: how many connections may wait"),
	KA_COL(net_socket, sock, KA_ADDR, "address of the struct sock"),
	KA_COLF(net_socket, socket, KA_ADDR, KA_ONLY_JSON | KA_ZERO_IS_NONE, "address of the struct socket; null: nobody has it open"),
	KA_COLF(net_socket, family, KA_UINT, KA_ONLY_JSON, "AF_*"),
	KA_COLF(net_socket, type, KA_UINT, KA_ONLY_JSON, "SOCK_*"),
	KA_COLF(net_socket, protocol, KA_UINT, KA_ONLY_JSON, "number of the protocol; of packet sockets ETH_P_*"),
	KA_COLF(net_socket, protocol_name, KA_TEXT, KA_ONLY_JSON, "of netlink"),
	SOCKET_IF(local, KA_TEXT, has_ports, "its own IP address; of vsock the CID, * is any"),
	SOCKET_IF(local_port, KA_UINT, has_ports, "its own port"),
	SOCKET_IF(remote, KA_TEXT, has_ports, "the peer's IP address, CID"),
	SOCKET_IF(remote_port, KA_UINT, has_ports, "the peer's port"),
	KA_COLF(net_socket, device, KA_TEXT, KA_ONLY_JSON, "what it is bound to"),
	KA_COLF(net_socket, path, KA_TEXT, KA_ONLY_JSON, "of unix sockets: name; @ in place of NULs"),
	KA_COLF(net_socket, peer, KA_ADDR, KA_ONLY_JSON | KA_ZERO_IS_NONE, "of unix sockets: the struct sock at the other end"),
	KA_COLF(net_socket, peer_ino, KA_UINT, KA_ONLY_JSON | KA_ZERO_IS_NONE, "its inode number"),
	SOCKET_IF(portid, KA_UINT, is_netlink, "netlink: port id"),
	SOCKET_IF(dst_portid, KA_UINT, is_netlink, "netlink: port id it is connected to"),
	SOCKET_IF(groups, KA_UINT, is_netlink, "netlink: the first 32 groups it is in"),
	SOCKET_IF(is_running, KA_BOOL, is_packet, "packet: does it receive"),
	SOCKET_IF(ino, KA_UINT, has_inode, "inode number"),
	SOCKET_IF(uid, KA_UINT, has_inode, "owner"),
	KA_COLF(net_socket, refs, KA_UINT, KA_ONLY_JSON, "its reference count"),
	KA_COLF(net_socket, drops, KA_UINT, KA_ONLY_JSON, "packets that it dropped"),
	KA_COLF(net_socket, net, KA_ADDR, KA_ONLY_JSON | KA_ZERO_IS_NONE, "address of the struct net"),
	KA_COLF(net_socket, local_text, KA_TEXT, KA_ONLY_TEXT, "address and port, name and inode"),
	KA_COLF(net_socket, remote_text, KA_TEXT, KA_ONLY_TEXT, "address and port, inode"),
	KA_COLF(net_socket, users_text, KA_TEXT, KA_ONLY_TEXT, "who has it open"));

struct net_user { ka_addr task; int32_t pid; uint32_t fd; char comm[16]; };
NET_ROWS(net_user, "users", KA_SHAPE_LINE, NULL, "",
	KA_COL(net_user, pid, KA_INT, "process id"),
	KA_COL(net_user, comm, KA_CHARS, "its name"),
	KA_COL(net_user, fd, KA_UINT, "file descriptor"),
	KA_COL(net_user, task, KA_ADDR, "address of the task_struct"));

static const char *netid(const struct ka_sock *s)
{
	static const char *const vsocks[] = { "v", "v_str", "v_dgr", "v_raw", "v_rdm", "v_seq" };

	switch (s->kind) {
	case KA_SOCK_TCP: return s->protocol == 262 ? "mptcp" : "tcp";
	case KA_SOCK_UDP: return s->protocol == 136 ? "udpl" : s->protocol == 1 ? "icmp" : s->protocol == 58 ? "icmp6" : "udp";
	case KA_SOCK_RAW: return "raw";
	case KA_SOCK_UNIX: return s->type == 1 ? "u_str" : s->type == 5 ? "u_seq" : "u_dgr";
	case KA_SOCK_NETLINK: return "nl";
	case KA_SOCK_PACKET: return s->type == 3 ? "p_raw" : "p_dgr";
	case KA_SOCK_VSOCK: return s->type < KA_COUNT(vsocks) ? vsocks[s->type] : "v";
	default: return s->protocol == 132 ? "sctp" : "other";
	}
}

/* As iproute2 calls the protocols of netlink. */
static const char *netlink_name(uint16_t protocol)
{
	static const char *const names[] = { "rtnl", "unused", "usersock", "fw", "tcpdiag", "nflog", "xfrm", "selinux", "iscsi", "audit",
		"fiblookup", "connector", "nft", "ip6fw", "dec-rt", "uevent", "genl", NULL, "scsi-trans", "ecryptfs", "rdma", "crypto", "smc" };

	return protocol < KA_COUNT(names) ? names[protocol] : NULL;
}

static bool is_zero(const uint8_t *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (bytes[i])
			return false;
	return true;
}

static const char *end_text(struct ka_arena *a, const struct ka_sock *s, const uint8_t *address, uint32_t port, const char *device, bool is_local)
{
	bool is_v6 = s->family == KA_AF_INET6;
	const char *ip = ka_ip_text(a, s->family, address), *port_text = port ? ka_printf(a, "%" PRIu32, port) : "*";

	/* takes IPv4 as well: as ss writes it */
	if (is_v6 && is_zero(address, 16) && !s->is_v6only && is_local)
		ip = "*";
	else if (is_v6)
		ip = ka_printf(a, "[%s]", ip);
	return ka_printf(a, "%s%s%s:%s", ip, device && is_local ? "%" : "", device && is_local ? device : "", port_text);
}

static void ends_fill(struct ka_arena *a, const struct ka_sock *s, const char *comm, struct net_socket *row)
{
	uint32_t cid, peer_cid;

	switch (s->kind) {
	case KA_SOCK_UNIX:
		row->local_text = ka_printf(a, "%s %" PRIu64, s->path ? s->path : "*", s->ino);
		row->remote_text = s->peer ? ka_printf(a, "* %" PRIu64, s->peer_ino) : "* 0";
		return;
	case KA_SOCK_NETLINK:
		row->protocol_name = netlink_name(s->protocol);
		row->local_text = row->protocol_name ? row->protocol_name : ka_printf(a, "%u", s->protocol);
		/* the kernel's own have no port; a process' first has its id for one */
		row->local_text = !s->portid ? ka_printf(a, "%s:%s", row->local_text, s->socket && comm ? "*" : "kernel") :
			comm ? ka_printf(a, "%s:%s/%" PRIu32, row->local_text, comm, s->portid) :
			       ka_printf(a, "%s:%" PRIu32, row->local_text, s->portid);
		row->remote_text = s->dst_portid ? ka_printf(a, "%" PRIu32, s->dst_portid) : "*";
		return;
	case KA_SOCK_PACKET:
		row->local_text = ka_printf(a, "%s:%s", s->protocol == 3 ? "*" : ka_printf(a, "[0x%04x]", s->protocol),
					    row->device ? row->device : "*");
		row->remote_text = "*";
		return;
	case KA_SOCK_VSOCK:
		memcpy(&cid, s->local, 4);
		memcpy(&peer_cid, s->remote, 4);
		row->local = cid == UINT32_MAX ? "*" : ka_printf(a, "%" PRIu32, cid);
		row->remote = peer_cid == UINT32_MAX ? "*" : ka_printf(a, "%" PRIu32, peer_cid);
		row->local_text = ka_printf(a, "%s:%" PRIu32, row->local, s->local_port);
		row->remote_text = peer_cid == UINT32_MAX ? "*:*" : ka_printf(a, "%s:%" PRIu32, row->remote, s->remote_port);
		return;
	default:
		if (!row->is_inet) {
			row->local_text = row->remote_text = "*";
			return;
		}
		row->local = ka_ip_text(a, s->family, s->local);
		row->remote = ka_ip_text(a, s->family, s->remote);
		row->local_text = end_text(a, s, s->local, s->local_port, row->device, true);
		row->remote_text = is_zero(s->remote, 16) && s->family == KA_AF_INET6 && !s->is_v6only ? "*:*" :
			end_text(a, s, s->remote, s->remote_port, NULL, false);
	}
}

static void socket_put(struct ka_call *c, const struct ka_sock *s, const struct net_names *names, const struct ka_sock_owner *users,
		       size_t user_count)
{
	struct ka_arena *a = ka_arena_new();
	struct net_socket row = { .sock = s->addr, .socket = s->socket, .peer = s->peer, .net = s->net, .netid = netid(s), .recv_q = s->recv_q,
		.send_q = s->send_q, .ino = s->ino, .peer_ino = s->peer_ino, .drops = s->drops, .local_port = s->local_port,
		.remote_port = s->remote_port, .family = s->family, .type = s->type, .protocol = s->protocol, .uid = s->uid, .refs = s->refs,
		.portid = s->portid, .dst_portid = s->dst_portid, .groups = s->groups, .path = s->path, .is_running = s->is_running };
	const char *comm = user_count ? ka_strndup(a, users[0].comm, sizeof(users[0].comm)) : NULL;
	struct ka_str text = {0};

	row.is_inet = s->family == KA_AF_INET || s->family == KA_AF_INET6;
	row.is_netlink = s->kind == KA_SOCK_NETLINK;
	row.is_packet = s->kind == KA_SOCK_PACKET;
	row.is_vsock = s->kind == KA_SOCK_VSOCK;
	row.has_ports = row.is_inet || row.is_vsock;
	row.has_inode = s->socket != 0;
	row.state = ka_sock_state_name(s->state);
	/* netlink counts its states otherwise, packet sockets have none */
	if (row.is_netlink || row.is_packet || !row.state)
		row.state = "UNCONN";
	if (s->dev)
		row.device = net_name(c, names, s->dev);
	ends_fill(a, s, comm, &row);
	for (size_t i = 0; i < user_count; i++)
		ka_str_printf(&text, "%s(\"%.16s\",pid=%" PRId32 ",fd=%" PRIu32 ")", i ? "," : "users:(", users[i].comm, users[i].pid, users[i].fd);
	if (user_count)
		ka_str_addc(&text, ')');
	row.users_text = text.p;
	ka_out_begin(c->out, &ka_rows_net_socket, &row);
	for (size_t i = 0; i < user_count; i++) {
		struct net_user user = { .task = users[i].task, .pid = users[i].pid, .fd = users[i].fd };

		memcpy(user.comm, users[i].comm, sizeof(user.comm));
		ka_out_row(c->out, &ka_rows_net_user, &user);
	}
	ka_out_end(c->out);
	ka_str_free(&text);
	ka_arena_free(a);
}

/* The first owner of a sock; *ret_count of them follow each other. */
static const struct ka_sock_owner *users_of(const struct ka_sock_owner *owners, size_t count, ka_addr sock, size_t *ret_count)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (owners[middle].sock < sock)
			low = middle + 1;
		else
			high = middle;
	}
	for (*ret_count = 0; low + *ret_count < count && owners[low + *ret_count].sock == sock; )
		++*ret_count;
	return owners + low;
}

struct ka_error *net_table_run(struct ka_call *c, unsigned kinds, const struct ka_net *nets, size_t net_count)
{
	bool is_listening = ka_call_has(c, "listening");
	struct ka_sock_owner *owners;
	struct ka_sock *socks;
	size_t sock_count, owner_count;

	ka_call_fault(c, ka_socks_read(c->k, kinds, c->arena, &socks, &sock_count, &owners, &owner_count));
	for (size_t i = 0; i < net_count && !ka_interrupted(); i++) {
		struct net_names names;

		if (net_count > 1) {
			if (i)
				ka_out_note(c->out, "\n");
			net_begin(c, &nets[i]);
		}
		net_names_read(c, nets[i].addr, &names);
		for (size_t j = 0; j < sock_count && !ka_interrupted(); j++) {
			const struct ka_sock_owner *users;
			size_t user_count;

			/* of UDP and the like those that are not connected wait, too: as ss -l */
			if (socks[j].net != nets[i].addr ||
			    (is_listening && socks[j].state != STATE_LISTEN && (socks[j].kind == KA_SOCK_TCP || socks[j].state != 7)))
				continue;
			users = users_of(owners, owner_count, socks[j].addr, &user_count);
			socket_put(c, &socks[j], &names, users, user_count);
		}
		if (net_count > 1)
			ka_out_end(c->out);
	}
	return ka_interrupted() ? ka_error_new(KA_INTERRUPTED, "interrupted") : NULL;
}
