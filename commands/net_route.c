/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* net --routes: the routes of a namespace, as `ip route show table all` and `ip -6 route` have them. */
#include <inttypes.h>
#include "net.h"

struct net_route {
	ka_addr route, net;
	const char *text;
	const char *family, *type, *dst, *table_name, *protocol_name, *scope, *prefsrc;
	uint32_t prefix_len, table, protocol, metric, tos, flags;
};
NET_ROWS(net_route, "routes", KA_SHAPE_LINE, NULL, "{text}",
	KA_COL(net_route, route, KA_ADDR, "address of the fib_alias, fib6_info or rt6_info"),
	KA_COLF(net_route, family, KA_TEXT, KA_ONLY_JSON, "inet or inet6"),
	KA_COLF(net_route, type, KA_TEXT, KA_ONLY_JSON, "unicast, local, broadcast, anycast, multicast, blackhole, unreachable ..."),
	KA_COLF(net_route, dst, KA_TEXT, KA_ONLY_JSON, "destination"),
	KA_COLF(net_route, prefix_len, KA_UINT, KA_ONLY_JSON, "bits of it that count"),
	KA_COLF(net_route, table, KA_UINT, KA_ONLY_JSON, "number of its table"),
	KA_COLF(net_route, table_name, KA_TEXT, KA_ONLY_JSON, "default, main, local; null: another"),
	KA_COLF(net_route, protocol, KA_UINT, KA_ONLY_JSON, "RTPROT_*: who made it"),
	KA_COLF(net_route, protocol_name, KA_TEXT, KA_ONLY_JSON, "redirect, kernel, boot, static, ra ...; null: another"),
	KA_COLF(net_route, scope, KA_TEXT, KA_ONLY_JSON, "of IPv4: global, site, link, host, nowhere"),
	KA_COLF(net_route, prefsrc, KA_TEXT, KA_ONLY_JSON, "the source address that it prefers"),
	KA_COLF(net_route, metric, KA_UINT, KA_ONLY_JSON, "the less, the better"),
	KA_COLF(net_route, tos, KA_UINT, KA_ONLY_JSON, "type of service that it is for"),
	KA_COLF(net_route, flags, KA_UINT, KA_ONLY_JSON, "of IPv6: RTF_*"),
	KA_COLF(net_route, net, KA_ADDR, KA_ONLY_JSON | KA_ZERO_IS_NONE, "address of the struct net"),
	KA_COLF(net_route, text, KA_TEXT, KA_ONLY_TEXT, "all of it"));

struct net_hop { const char *gateway, *device; int32_t ifindex; uint32_t weight, flags; };
NET_ROWS(net_hop, "hops", KA_SHAPE_LINE, NULL, "",
	KA_COL(net_hop, gateway, KA_TEXT, "address of the router; null: the network is at the device"),
	KA_COL(net_hop, device, KA_TEXT, "name of the device"),
	KA_COL(net_hop, ifindex, KA_INT, "its index"),
	KA_COL(net_hop, weight, KA_UINT, "its share where there are several"),
	KA_COL(net_hop, flags, KA_UINT, "RTNH_F_*: 1 dead, 2 pervasive, 4 on link, 16 link is down"));

static const char *type_name(struct ka_arena *a, uint8_t type)
{
	static const char *const names[] = { "none", "unicast", "local", "broadcast", "anycast", "multicast", "blackhole", "unreachable",
		"prohibit", "throw", "nat", "xresolve" };

	return type < KA_COUNT(names) ? names[type] : ka_printf(a, "%u", type);
}

static const char *table_name(uint32_t table)
{
	return table == 253 ? "default" : table == 254 ? "main" : table == 255 ? "local" : NULL;
}

static const char *protocol_name(uint8_t protocol)
{
	static const struct { uint8_t number; const char *name; } names[] = { { 1, "redirect" }, { 2, "kernel" }, { 3, "boot" }, { 4, "static" },
		{ 8, "gated" }, { 9, "ra" }, { 10, "mrt" }, { 11, "zebra" }, { 12, "bird" }, { 13, "dnrouted" }, { 14, "xorp" }, { 15, "ntk" },
		{ 16, "dhcp" }, { 17, "mrouted" }, { 18, "keepalived" }, { 42, "babel" }, { 99, "openr" }, { 186, "bgp" }, { 187, "isis" },
		{ 188, "ospf" }, { 189, "rip" }, { 192, "eigrp" } };

	for (size_t i = 0; i < KA_COUNT(names); i++)
		if (names[i].number == protocol)
			return names[i].name;
	return NULL;
}

static void hop_text(struct ka_arena *a, struct ka_str *s, uint16_t family, const struct ka_nexthop *h, const char *device)
{
	if (h->gateway_family)
		ka_str_printf(s, " via %s%s", h->gateway_family != family ? "inet6 " : "", ka_ip_text(a, h->gateway_family, h->gateway));
	if (h->dev)
		ka_str_printf(s, " dev %s", device);
}

static void route_put(struct ka_call *c, ka_addr net, const struct ka_route *r, const struct net_names *names)
{
	struct ka_arena *a = ka_arena_new();
	struct net_route row = { .route = r->addr, .net = net, .family = r->family == KA_AF_INET6 ? "inet6" : "inet", .type = type_name(a, r->type),
		.prefix_len = r->prefix_len, .table = r->table, .table_name = table_name(r->table), .protocol = r->protocol,
		.protocol_name = protocol_name(r->protocol), .metric = r->metric, .tos = r->tos, .flags = r->flags };
	const char *table, *protocol;
	struct ka_str s = {0};

	row.dst = ka_ip_text(a, r->family, r->dst);
	row.prefsrc = r->has_prefsrc ? ka_ip_text(a, r->family, r->prefsrc) : NULL;
	if (r->family == KA_AF_INET) {
		row.scope = ka_ip_scope_name(r->scope);
		if (!row.scope)
			row.scope = ka_printf(a, "%u", r->scope);
	}
	if (r->type != 1)
		ka_str_printf(&s, "%s ", row.type);
	if (!r->prefix_len)
		ka_str_add(&s, "default");
	else if (r->prefix_len == (r->family == KA_AF_INET6 ? 128 : 32))
		ka_str_add(&s, row.dst);
	else
		ka_str_printf(&s, "%s/%u", row.dst, r->prefix_len);
	if (r->tos)
		ka_str_printf(&s, " tos 0x%02x", r->tos);
	if (r->hop_count == 1)
		hop_text(a, &s, r->family, r->hops, net_name(c, names, r->hops[0].dev));
	table = row.table_name ? row.table_name : ka_printf(a, "%" PRIu32, r->table);
	protocol = row.protocol_name ? row.protocol_name : ka_printf(a, "%u", r->protocol);
	if (r->table != 254)
		ka_str_printf(&s, " table %s", table);
	ka_str_printf(&s, " proto %s", protocol);
	if (row.scope && r->scope)
		ka_str_printf(&s, " scope %s", row.scope);
	if (row.prefsrc)
		ka_str_printf(&s, " src %s", row.prefsrc);
	if (r->metric)
		ka_str_printf(&s, " metric %" PRIu32, r->metric);
	for (size_t i = 0; r->hop_count > 1 && i < r->hop_count; i++) {
		ka_str_add(&s, "\n\tnexthop");
		hop_text(a, &s, r->family, &r->hops[i], net_name(c, names, r->hops[i].dev));
		ka_str_printf(&s, " weight %" PRIu32, r->hops[i].weight);
	}
	row.text = s.p;
	ka_out_begin(c->out, &ka_rows_net_route, &row);
	for (size_t i = 0; i < r->hop_count; i++) {
		const struct ka_nexthop *h = &r->hops[i];
		struct net_hop hop = { .ifindex = h->dev, .weight = h->weight, .flags = h->flags,
			.device = h->dev ? net_name(c, names, h->dev) : NULL,
			.gateway = h->gateway_family ? ka_ip_text(a, h->gateway_family, h->gateway) : NULL };

		ka_out_row(c->out, &ka_rows_net_hop, &hop);
	}
	ka_out_end(c->out);
	ka_str_free(&s);
	ka_arena_free(a);
}

struct ka_error *net_route_run(struct ka_call *c, const struct ka_net *nets, size_t net_count)
{
	for (size_t i = 0; i < net_count && !ka_interrupted(); i++) {
		struct net_names names;

		if (net_count > 1) {
			if (i)
				ka_out_note(c->out, "\n");
			net_begin(c, &nets[i]);
		}
		net_names_read(c, nets[i].addr, &names);
		for (int is_v6 = 0; is_v6 < 2; is_v6++) {
			struct ka_route *routes;
			size_t count;

			ka_call_fault(c, ka_routes_read(c->k, nets[i].addr, is_v6 ? KA_AF_INET6 : KA_AF_INET, c->arena, &routes, &count));
			for (size_t j = 0; j < count && !ka_interrupted(); j++)
				route_put(c, nets[i].addr, &routes[j], &names);
		}
		if (net_count > 1)
			ka_out_end(c->out);
	}
	return ka_interrupted() ? ka_error_new(KA_INTERRUPTED, "interrupted") : NULL;
}
