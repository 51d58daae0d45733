/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* net: devices and their addresses, neighbours, sockets and routes of network namespaces. */
#include <inttypes.h>
#include <kanalyze/task.h>
#include "net.h"

struct net_ns {
	ka_addr net;
	uint64_t inum;
};
KA_LINES(net_ns, "namespaces", "NET: {net:016}{inum?  INUM\\: %}",
	KA_COL(net_ns, net, KA_ADDR, "address of the struct net"),
	KA_COLF(net_ns, inum, KA_UINT, KA_ZERO_IS_NONE, "number of the namespace, as /proc/PID/ns/net has it"));

struct net_dev {
	ka_addr net_device, net;
	const char *name;
	const char *const *ip;
	int32_t ifindex;
	const char *const *flags;
	uint32_t mtu, tx_queue_len, type;
	const char *qdisc, *hw, *broadcast;
};
KA_ROWS(net_dev, "devices", "   NET_DEVICE     NAME       IP ADDRESS(ES)", "{net_device:016}  {name:<10} {ip}",
	KA_COL(net_dev, net_device, KA_ADDR, "address of the net_device"),
	KA_COL(net_dev, name, KA_TEXT, "its name"),
	KA_COL(net_dev, ip, KA_LIST, "its own IP addresses"),
	KA_COLF(net_dev, ifindex, KA_INT, KA_ONLY_JSON, "its index"),
	KA_COLF(net_dev, flags, KA_LIST, KA_ONLY_JSON, "as `ip link` shows them: UP, LOWER_UP ..."),
	KA_COLF(net_dev, mtu, KA_UINT, KA_ONLY_JSON, "maximum transfer unit, bytes"),
	KA_COLF(net_dev, tx_queue_len, KA_UINT, KA_ONLY_JSON, "length of its transmit queue, packets"),
	KA_COLF(net_dev, qdisc, KA_TEXT, KA_ONLY_JSON, "queueing discipline"),
	KA_COLF(net_dev, type, KA_UINT, KA_ONLY_JSON, "ARPHRD_*: 1 Ethernet, 772 loopback"),
	KA_COLF(net_dev, hw, KA_TEXT, KA_ONLY_JSON, "hardware address"),
	KA_COLF(net_dev, broadcast, KA_TEXT, KA_ONLY_JSON, "hardware address of broadcasts"),
	KA_COLF(net_dev, net, KA_ADDR, KA_ONLY_JSON | KA_ZERO_IS_NONE, "address of the struct net"));

struct net_stats { uint64_t rx_bytes, rx_packets, rx_errors, rx_dropped, multicast, tx_bytes, tx_packets, tx_errors, tx_dropped, collisions; };
KA_LINES(net_stats, "stats", "",
	KA_COL(net_stats, rx_bytes, KA_UINT, "bytes received"),
	KA_COL(net_stats, rx_packets, KA_UINT, "packets received"),
	KA_COL(net_stats, rx_errors, KA_UINT, "of them with errors"),
	KA_COL(net_stats, rx_dropped, KA_UINT, "of them thrown away"),
	KA_COL(net_stats, multicast, KA_UINT, "of them to groups"),
	KA_COL(net_stats, tx_bytes, KA_UINT, "bytes sent"),
	KA_COL(net_stats, tx_packets, KA_UINT, "packets sent"),
	KA_COL(net_stats, tx_errors, KA_UINT, "of them with errors"),
	KA_COL(net_stats, tx_dropped, KA_UINT, "thrown away before"),
	KA_COL(net_stats, collisions, KA_UINT, "collisions"));

struct net_addr {
	ka_addr ifaddr;
	const char *family, *address, *peer, *broadcast, *scope, *label;
	uint32_t prefix_len, flags;
};
KA_LINES(net_addr, "addresses", "",
	KA_COL(net_addr, ifaddr, KA_ADDR, "address of the in_ifaddr or inet6_ifaddr"),
	KA_COL(net_addr, family, KA_TEXT, "inet or inet6"),
	KA_COL(net_addr, address, KA_TEXT, "the device's own address"),
	KA_COL(net_addr, prefix_len, KA_UINT, "bits of the network's part"),
	KA_COL(net_addr, peer, KA_TEXT, "of links between two: the other's address"),
	KA_COL(net_addr, broadcast, KA_TEXT, "address of broadcasts"),
	KA_COL(net_addr, scope, KA_TEXT, "global, site, link, host, nowhere"),
	KA_COL(net_addr, flags, KA_UINT, "IFA_F_*"),
	KA_COL(net_addr, label, KA_TEXT, "of IPv4"));

struct net_neigh {
	ka_addr neighbour, dev;
	const char *ip, *hw_type, *hw, *device;
	const char *const *states;
	const char *state_text, *family;
	bool is_proxy, is_router;
	uint32_t type;
	ka_addr net;
};
KA_ROWS(net_neigh, "neighbours", "NEIGHBOUR        IP ADDRESS      HW TYPE    HW ADDRESS         DEVICE  STATE",
	"{neighbour:<16} {ip:<15} {hw_type:<10} {hw:<17}  {device:<6}  {state_text}",
	KA_COL(net_neigh, neighbour, KA_ADDR, "address of the struct neighbour"),
	KA_COL(net_neigh, ip, KA_TEXT, "its IP address"),
	KA_COLF(net_neigh, family, KA_TEXT, KA_ONLY_JSON, "inet or inet6"),
	KA_COL(net_neigh, hw_type, KA_TEXT, "kind of the hardware: ETHER ...; UNKNOWN of others"),
	KA_COL(net_neigh, hw, KA_TEXT, "hardware address"),
	KA_COL(net_neigh, device, KA_TEXT, "name of the device it is at"),
	KA_COLF(net_neigh, dev, KA_ADDR, KA_ONLY_JSON, "address of its net_device"),
	KA_COLF(net_neigh, states, KA_LIST, KA_ONLY_JSON, "INCOMPLETE, REACHABLE, STALE, DELAY, PROBE, FAILED, NOARP, PERMANENT"),
	KA_COLF(net_neigh, state_text, KA_TEXT, KA_ONLY_TEXT, "the same"),
	KA_COLF(net_neigh, is_router, KA_BOOL, KA_ONLY_JSON, "has it said that it is a router"),
	KA_COLF(net_neigh, is_proxy, KA_BOOL, KA_ONLY_JSON, "does this machine answer for it (proxy ARP)"),
	KA_COLF(net_neigh, type, KA_UINT, KA_ONLY_JSON, "RTN_*: 1 unicast, 2 local, 3 broadcast, 5 multicast"),
	KA_COLF(net_neigh, net, KA_ADDR, KA_ONLY_JSON | KA_ZERO_IS_NONE, "address of the struct net of the device"));

struct net_number { const char *address; };
KA_LINES(net_number, "numbers", "{address}", KA_COL(net_number, address, KA_TEXT, "IPv4 address"));

void net_begin(struct ka_call *c, const struct ka_net *net)
{
	struct net_ns row = { .net = net->addr, .inum = net->inum };

	ka_out_new_table(c->out);
	ka_out_begin(c->out, &ka_rows_net_ns, &row);
}

void net_names_read(struct ka_call *c, ka_addr net, struct net_names *ret)
{
	ka_call_fault(c, ka_netdevs_read(c->k, net, c->arena, &ret->devs, &ret->count));
}

const char *net_name(struct ka_call *c, const struct net_names *n, int32_t ifindex)
{
	for (size_t i = 0; i < n->count; i++)
		if (n->devs[i].ifindex == ifindex)
			return n->devs[i].name;
	return ka_printf(c->arena, "if%" PRId32, ifindex);
}

/* ---- devices ---- */

static const char *hw_text(struct ka_arena *a, const uint8_t *bytes, uint8_t len, char separator)
{
	struct ka_str s = {0};
	const char *text;

	for (uint8_t i = 0; i < len; i++) {
		if (i)
			ka_str_addc(&s, separator);
		ka_str_printf(&s, "%02x", bytes[i]);
	}
	text = ka_strdup(a, s.p ? s.p : "");
	ka_str_free(&s);
	return text;
}

static const char *const *bits_list(struct ka_arena *a, uint32_t bits, const char *const *names, size_t count)
{
	const char **list = ka_alloc(a, (count + 1) * sizeof(*list));
	size_t n = 0;

	for (size_t i = 0; i < count; i++)
		if (bits >> i & 1 && names[i])
			list[n++] = names[i];
	return list;
}

static const char *const *flags_list(struct ka_arena *a, uint32_t flags)
{
	static const char *const names[] = { "UP", "BROADCAST", "DEBUG", "LOOPBACK", "POINTOPOINT", "NOTRAILERS", "RUNNING", "NOARP", "PROMISC",
		"ALLMULTI", "MASTER", "SLAVE", "MULTICAST", "PORTSEL", "AUTOMEDIA", "DYNAMIC", "LOWER_UP", "DORMANT", "ECHO" };

	return bits_list(a, flags, names, KA_COUNT(names));
}

static void addr_put(struct ka_call *c, struct ka_arena *a, const struct ka_netaddr *n)
{
	struct net_addr row = { .ifaddr = n->addr, .family = n->family == KA_AF_INET6 ? "inet6" : "inet", .prefix_len = n->prefix_len,
		.flags = n->flags, .address = ka_ip_text(a, n->family, n->local), .label = n->family == KA_AF_INET ? n->label : NULL };

	row.peer = n->has_peer ? ka_ip_text(a, n->family, n->peer) : NULL;
	row.broadcast = n->has_broadcast ? ka_ip_text(a, n->family, n->broadcast) : NULL;
	row.scope = ka_ip_scope_name(n->scope);
	if (!row.scope)
		row.scope = ka_printf(a, "%u", n->scope);
	ka_out_row(c->out, &ka_rows_net_addr, &row);
}

/* Only where the kernel's own words are known: a driver may count anywhere. */
static void stats_put(struct ka_call *c, ka_addr dev)
{
	struct ka_netdev_stats s;

	ka_call_fault(c, ka_netdev_stats_read(c->k, dev, &s));
	if (s.is_known)
		ka_out_row(c->out, &ka_rows_net_stats,
			   &(struct net_stats){ s.rx_bytes, s.rx_packets, s.rx_errors, s.rx_dropped, s.multicast, s.tx_bytes, s.tx_packets, s.tx_errors,
						s.tx_dropped, s.collisions });
}

static void dev_put(struct ka_call *c, ka_addr net, const struct ka_netdev *d)
{
	struct ka_arena *a = ka_arena_new();
	struct net_dev row = { .net_device = d->addr, .net = net, .name = d->name, .ifindex = d->ifindex, .mtu = d->mtu, .type = d->type,
		.tx_queue_len = d->tx_queue_len, .qdisc = d->qdisc[0] ? d->qdisc : NULL };
	struct ka_netaddr *addrs;
	const char **ip;
	size_t count;

	ka_call_fault(c, ka_netaddrs_read(c->k, d, a, &addrs, &count));
	row.flags = flags_list(a, d->flags);
	row.hw = d->hw_len ? hw_text(a, d->hw, d->hw_len, ':') : NULL;
	row.broadcast = d->hw_len ? hw_text(a, d->broadcast, d->hw_len, ':') : NULL;
	row.ip = ip = ka_alloc(a, (count + 1) * sizeof(*ip));
	for (size_t i = 0; i < count; i++)
		ip[i] = ka_ip_text(a, addrs[i].family, addrs[i].local);
	ka_out_begin(c->out, &ka_rows_net_dev, &row);
	for (size_t i = 0; i < count; i++)
		addr_put(c, a, &addrs[i]);
	if (!ka_out_is_text(c->out))
		stats_put(c, d->addr);
	ka_out_end(c->out);
	ka_arena_free(a);
}

static void devs_put(struct ka_call *c, const struct ka_net *nets, size_t net_count)
{
	for (size_t i = 0; i < net_count && !ka_interrupted(); i++) {
		struct net_names n;

		if (net_count > 1) {
			if (i)
				ka_out_note(c->out, "\n");
			net_begin(c, &nets[i]);
		}
		net_names_read(c, nets[i].addr, &n);
		for (size_t j = 0; j < n.count; j++)
			dev_put(c, nets[i].addr, &n.devs[j]);
		if (net_count > 1)
			ka_out_end(c->out);
	}
}

/* ---- neighbours ---- */

/* As crash calls kinds of hardware; those that it does not know are UNKNOWN. */
static const char *hw_type_name(uint16_t type)
{
	static const char *const names[] = { "NETROM", "ETHER", "EETHER", "AX25", "PRONET", "CHAOS", "IEEE802", "ARCNET", "APPLETLK" };

	return type < KA_COUNT(names) ? names[type] : type == 15 ? "DLCI" : type == 23 ? "METRICOM" : "UNKNOWN";
}

static void neighbours_put(struct ka_call *c, uint16_t family)
{
	static const char *const names[] = { "INCOMPLETE", "REACHABLE", "STALE", "DELAY", "PROBE", "FAILED", "NOARP", "PERMANENT" };
	struct ka_neighbour *all;
	size_t count;
	struct ka_error *err = ka_neighbours_read(c->k, family, c->arena, &all, &count);

	/* a kernel without IPv6, or whose module of it is not loaded */
	if (family == KA_AF_INET6)
		ka_error_catch(&err, KA_NOT_FOUND);
	ka_call_fault(c, err);
	for (size_t i = 0; i < count && !ka_interrupted(); i++) {
		struct ka_neighbour *n = &all[i];
		struct net_neigh row = { .neighbour = n->addr, .dev = n->dev, .ip = ka_ip_text(c->arena, n->family, n->key), .type = n->type };
		struct ka_netdev d = {0};
		struct ka_str s = {0};

		ka_call_fault(c, n->dev ? ka_netdev_read(c->k, n->dev, &d) : NULL);
		row.device = d.name;
		row.net = d.net;
		row.hw_type = hw_type_name(d.addr ? d.type : UINT16_MAX);
		row.family = family == KA_AF_INET6 ? "inet6" : "inet";
		row.is_proxy = n->is_proxy;
		row.is_router = n->flags & 0x80;	/* NTF_ROUTER */
		row.hw = n->is_proxy ? NULL : hw_text(c->arena, n->hw, d.hw_len, d.type == 1 ? ':' : ' ');
		row.states = bits_list(c->arena, n->state, names, KA_COUNT(names));
		for (size_t j = 0; row.states[j]; j++)
			ka_str_printf(&s, "%s%s", j ? "|" : "", row.states[j]);
		row.state_text = n->is_proxy ? "PROXY" : s.p;
		ka_out_row(c->out, &ka_rows_net_neigh, &row);
		ka_str_free(&s);
	}
}

/* ---- choices ---- */

static struct ka_error *number_put(struct ka_call *c, const char *text)
{
	struct net_number row;
	uint8_t bytes[4];
	uint64_t v;

	if (!ka_parse_number(text, true, &v))
		return ka_call_usage(c, "-N %s is not a number", text);
	/* as it lies in the memory of a little-endian machine: crash's way */
	for (int i = 0; i < 4; i++)
		bytes[i] = (uint8_t)(v >> (8 * i));
	row.address = ka_ip_text(c->arena, KA_AF_INET, bytes);
	ka_out_row(c->out, &ka_rows_net_number, &row);
	return NULL;
}

/* The namespaces that are meant: all, that of a task (-n), or the first. */
static struct ka_error *nets_choose(struct ka_call *c, struct ka_net **ret, size_t *ret_count)
{
	struct ka_error *err = NULL;
	struct ka_net *net = ka_alloc(c->arena, sizeof(*net));
	ka_addr task = ka_call_task(c), at = ka_net_first(c->k);
	struct ka_task t;

	*ret = net;
	*ret_count = 1;
	if (ka_call_has(c, "all-namespaces")) {
		if (ka_call_has(c, "n"))
			return ka_call_usage(c, "-n and --all-namespaces exclude each other");
		ka_call_fault(c, ka_nets_read(c->k, c->arena, ret, ret_count));
		return NULL;
	}
	if (ka_call_has(c, "n")) {
		if (c->argc > 1)
			return ka_call_usage(c, "-n takes one PID or TASK");
		if (c->argc)
			err = ka_parse_task(c->k, c->argv[0], &task);
		else if (!task)
			err = ka_error_new(KA_NOT_FOUND, "there is no current task: name one");
		if (!err)
			err = ka_task_read(c->k, task, &t);
		if (!err)
			err = ka_net_of(c->k, t.nsproxy, &at);
		if (err)
			return c->argc ? ka_error_wrap(err, "-n %s", c->argv[0]) : err;
	}
	return ka_net_read(c->k, at, net);
}

/* The sockets that are asked for; 0: none. */
static unsigned kinds_chosen(const struct ka_call *c)
{
	static const struct { const char *option; unsigned kind; } options[] = {
		{ "tcp", KA_SOCK_TCP }, { "udp", KA_SOCK_UDP }, { "raw", KA_SOCK_RAW }, { "unix", KA_SOCK_UNIX },
		{ "netlink", KA_SOCK_NETLINK }, { "packet", KA_SOCK_PACKET }, { "vsock", KA_SOCK_VSOCK },
	};
	unsigned kinds = 0;

	for (size_t i = 0; i < KA_COUNT(options); i++)
		if (ka_call_has(c, options[i].option))
			kinds |= options[i].kind;
	return !kinds && (ka_call_has(c, "sockets") || ka_call_has(c, "listening")) ? KA_SOCK_ALL : kinds;
}

static struct ka_error *run(struct ka_call *c)
{
	unsigned kinds = kinds_chosen(c);
	bool has_sockets = ka_call_has(c, "s") || ka_call_has(c, "S"), has_n = ka_call_has(c, "n");
	const char *number = ka_call_value(c, "N");
	struct ka_error *err;
	struct ka_net *nets;
	size_t net_count;

	if (number)
		return number_put(c, number);
	if (!has_sockets && ka_call_value(c, "R"))
		return ka_call_usage(c, "-R needs -s or -S");
	if (!has_sockets && !has_n && c->argc)
		return ka_call_usage(c, "a task is for -s, -S or -n");
	if (ka_call_has(c, "a")) {
		neighbours_put(c, KA_AF_INET);
		neighbours_put(c, KA_AF_INET6);
		if (!has_sockets && !has_n)
			return NULL;
	}
	if (has_sockets && (kinds || ka_call_has(c, "routes")))
		return ka_call_usage(c, "-s and -S are of tasks: not together with what is of a namespace");
	if (has_sockets)
		return net_sock_run(c);
	err = nets_choose(c, &nets, &net_count);
	if (err)
		return err;
	if (ka_call_has(c, "routes"))
		return kinds ? ka_call_usage(c, "--routes and sockets exclude each other") : net_route_run(c, nets, net_count);
	if (kinds)
		return net_table_run(c, kinds, nets, net_count);
	devs_put(c, nets, net_count);
	return ka_interrupted() ? ka_error_new(KA_INTERRUPTED, "interrupted") : NULL;
}

static const struct ka_option options[] = {
	{ "a", NULL, "the ARP table: neighbours by their IPv4 address, of all namespaces; behind them those of IPv6", false },
	{ "s", NULL, "the sockets of a task: addresses of the structs, family, type, IP addresses and ports", false },
	{ "S", NULL, "the same, with the struct socket and the struct sock in full", false },
	{ "n", NULL, "of the network namespace of this task, or of the current one; else of the first one", false },
	{ "N", "NUMBER", "an IPv4 address given as a number, in the usual notation", false },
	{ "R", "REF", "with -s or -S: only this descriptor, or the socket or sock at this address", false },
	{ "x", NULL, "with -S: numbers in hexadecimal", false },
	{ "d", NULL, "with -S: numbers in decimal", false },
	{ "all-namespaces", NULL, "of every network namespace", true },
	{ "sockets", NULL, "all sockets of the namespace, whoever has them open, or nobody, as ss shows them", true },
	{ "tcp", NULL, "of these TCP", true },
	{ "udp", NULL, "of these UDP, UDP lite and ping", true },
	{ "raw", NULL, "of these raw ones", true },
	{ "unix", NULL, "of these those of the machine itself", true },
	{ "netlink", NULL, "of these those to the kernel", true },
	{ "packet", NULL, "of these those that see packets", true },
	{ "vsock", NULL, "of these those between virtual machines and their host", true },
	{ "routes", NULL, "the routes of the namespace, IPv4 and IPv6, of all tables", true },
	{ "listening", NULL, "of these those that wait for connections, or for packets from anywhere", true },
	{ NULL, NULL, NULL, false },
};

static const struct ka_rows *const rows[] = { &ka_rows_net_dev, &ka_rows_net_addr, &ka_rows_net_stats, &ka_rows_net_ns, &ka_rows_net_neigh, &ka_rows_net_number,
					      &ka_rows_net_task, &ka_rows_net_sock, &ka_rows_net_struct, &ka_rows_net_socket,
					      &ka_rows_net_user, &ka_rows_net_route, &ka_rows_net_hop, NULL };

const struct ka_command ka_command_net = {
	.name = "net",
	.args = "[-n [PID | TASK] | --all-namespaces] [--sockets] [--tcp] [--udp] [--raw] [--unix] [--netlink] [--packet] [--vsock] [--listening] [--routes] | [-a] | [-s | -S] [-xd] [-R REF] [PID | TASK]... | -N NUMBER",
	.brief = "network devices, addresses, neighbours, sockets, routes",
	.help =
	"Shows the network devices of the first network namespace with their IP addresses; -n those of the\n"
	"namespace of a task, --all-namespaces those of each. JSON has flags, MTU, hardware address, and each\n"
	"address with its prefix, too.\n"
	"\n"
	"Examples:\n"
	"  net -n 348                the devices that process 348 sees\n"
	"  net -s 308                its sockets\n"
	"  net --tcp --listening     what waits for connections\n"
	"  net --sockets --all-namespaces\n"
	"  foreach net -s -R 5       which tasks have a socket as descriptor 5\n",
	.options = options,
	.needs = KA_NEED_TYPES | KA_NEED_SYMBOLS | KA_TAKES_TASKS | KA_EACH_ALONE,
	.rows = rows,
	.run = run,
	.together = (const char *const[]){ "a", NULL },
};
