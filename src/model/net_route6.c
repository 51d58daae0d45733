/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* IPv6 routes: tables of a namespace, each a binary tree of prefixes; routes of one prefix are a chain. */
#include <inttypes.h>
#include "net_route.h"

#define TABLES_MAX (1u << 16)
#define NODES_MAX (1u << 24)
#define CHAIN_MAX (1u << 20)

enum { FN_RTINFO = 4, REJECT = 0x200, LOCAL = 0x80000000u, ANYCAST = 0x100000, GATEWAY = 2 };	/* fn_flags; RTF_* */

struct route6_net_view { ka_addr hash, main, null_entry; uint64_t rules_size; };
KA_VIEW(route6_net_view, ("net"),
	KA_FROM(route6_net_view, hash, "ipv6.fib_table_hash"),
	KA_SIZE_MAYBE(route6_net_view, rules_size, "ipv6.fib6_rules_ops"),	/* of kernels with more than one table */
	KA_MAYBE(route6_net_view, null_entry, "ipv6.fib6_null_entry", "ipv6.ip6_null_entry"));

struct fib6_table_view { ka_addr list_at, root_at; uint32_t id; };
KA_VIEW(fib6_table_view, ("fib6_table"),
	KA_AT(fib6_table_view, list_at, "tb6_hlist"),
	KA_AT(fib6_table_view, root_at, "tb6_root"),
	KA_FROM(fib6_table_view, id, "tb6_id"));

struct fib6_node_view { ka_addr left, right, subtree, leaf; uint16_t flags; };
KA_VIEW(fib6_node_view, ("fib6_node"),
	KA_FROM(fib6_node_view, left, "left"),
	KA_FROM(fib6_node_view, right, "right"),
	KA_MAYBE(fib6_node_view, subtree, "subtree"),
	KA_FROM(fib6_node_view, leaf, "leaf"),
	KA_FROM(fib6_node_view, flags, "fn_flags"));

/* A fib6_info since 8d1c802b2815 (v4.18), an rt6_info with a dst_entry in it before. */
struct fib6_info_view { ka_addr next, hop_at, nexthop, dev; uint8_t dst[16], prefsrc[16], gateway[16], protocol, type; int32_t prefix_len, prefsrc_len; uint32_t flags, metric; };
KA_VIEW(fib6_info_view, ("fib6_info", "rt6_info"),
	KA_FROM(fib6_info_view, next, "fib6_next", "rt6_next", "dst.rt6_next", "u.dst.rt6_next"),
	KA_FROM(fib6_info_view, dst, "fib6_dst.addr", "rt6i_dst.addr"),
	KA_FROM(fib6_info_view, prefix_len, "fib6_dst.plen", "rt6i_dst.plen"),
	KA_MAYBE(fib6_info_view, prefsrc, "fib6_prefsrc.addr", "rt6i_prefsrc.addr"),
	KA_MAYBE(fib6_info_view, prefsrc_len, "fib6_prefsrc.plen", "rt6i_prefsrc.plen"),
	KA_FROM(fib6_info_view, flags, "fib6_flags", "rt6i_flags"),
	KA_FROM(fib6_info_view, metric, "fib6_metric", "rt6i_metric"),
	KA_FROM(fib6_info_view, protocol, "fib6_protocol", "rt6i_protocol"),
	KA_MAYBE(fib6_info_view, type, "fib6_type"),
	KA_AT_MAYBE(fib6_info_view, hop_at, "fib6_nh"),
	KA_MAYBE(fib6_info_view, nexthop, "nh"),			/* f88d8ea67fbd, v5.3 */
	KA_MAYBE(fib6_info_view, gateway, "rt6i_gateway"),
	KA_MAYBE(fib6_info_view, dev, "dst.dev", "u.dst.dev"));

struct fib6_nh_view { uint16_t family; uint8_t gateway[16]; ka_addr dev; int32_t weight; uint32_t flags; };
KA_VIEW(fib6_nh_view, ("fib6_nh"),
	KA_FROM(fib6_nh_view, gateway, "nh_common.nhc_gw", "nh_gw"),
	KA_MAYBE(fib6_nh_view, family, "nh_common.nhc_gw_family"),	/* 1aefd3de7bc6, v5.2 */
	KA_FROM(fib6_nh_view, dev, "nh_common.nhc_dev", "nh_dev"),
	KA_MAYBE(fib6_nh_view, weight, "nh_common.nhc_weight", "nh_weight"),
	KA_FROM(fib6_nh_view, flags, "nh_common.nhc_flags", "nh_flags"));

struct route_dev_view { int32_t ifindex; };
KA_VIEW(route_dev_view, ("net_device"), KA_FROM(route_dev_view, ifindex, "ifindex"));

static struct ka_error *hop_read(struct ka_kernel *k, const struct fib6_info_view *v, struct ka_nexthop *ret, size_t *ret_count)
{
	static const uint8_t none[16];
	struct fib6_nh_view h = { .dev = v->dev };
	struct route_dev_view dev = {0};
	struct ka_error *err = NULL;

	*ret_count = 0;
	if (v->nexthop)
		return ka_route_nexthop(k, v->nexthop, ret, KA_ROUTE_HOPS_MAX, ret_count);
	if (KA_HAS(k, fib6_info_view, hop_at))
		err = ka_view_read(k, &ka_view_fib6_nh_view, v->hop_at, &h);
	else
		memcpy(h.gateway, v->gateway, 16);
	if (!err && h.dev)
		err = ka_view_read(k, &ka_view_route_dev_view, h.dev, &dev);
	if (err)
		return err;
	if (!KA_HAS(k, fib6_info_view, hop_at) || !KA_HAS(k, fib6_nh_view, family))
		h.family = memcmp(h.gateway, none, 16) ? KA_AF_INET6 : 0;
	*ret = (struct ka_nexthop){ .gateway_family = h.family, .dev = dev.ifindex, .weight = h.weight > 0 ? (uint32_t)h.weight : 1,
				    .flags = h.flags };
	memcpy(ret->gateway, h.gateway, 16);
	*ret_count = 1;
	return NULL;
}

static void chain_gather(struct ka_route_gather *g, uint32_t table, ka_addr first, ka_addr null_entry)
{
	struct ka_walk w = ka_walk_chain(g->k, &(struct ka_chain){ .start = first, .next = KA_OFFSET(g->k, fib6_info_view, next) });

	w.limit = CHAIN_MAX;
	for (ka_addr at; ka_walk_next(&w, &at); ) {
		struct ka_nexthop hops[KA_ROUTE_HOPS_MAX];
		struct ka_route r = { .addr = at, .family = KA_AF_INET6, .table = table };
		struct fib6_info_view v = {0};
		size_t count = 0;
		struct ka_error *err;

		if (at == null_entry)	/* what an empty table answers with */
			continue;
		err = ka_view_read(g->k, &ka_view_fib6_info_view, at, &v);
		if (!err && (v.prefix_len < 0 || v.prefix_len > 128))
			err = ka_error_at(KA_CORRUPT, KA_SPACE_VIRT, at, "a prefix of %" PRId32 " bits", v.prefix_len);
		if (!err)
			err = hop_read(g->k, &v, hops, &count);
		if (err) {
			ka_route_fault(g, ka_error_wrap(err, "route at 0x%" PRIx64, at));
			continue;
		}
		memcpy(r.dst, v.dst, 16);
		memcpy(r.prefsrc, v.prefsrc, 16);
		r.prefix_len = (uint8_t)v.prefix_len;
		r.has_prefsrc = v.prefsrc_len != 0;
		/* the flag is told by the hop alone since 2b2450ca4a75, v5.2 */
		r.flags = v.flags | (count && hops[0].gateway_family ? GATEWAY : 0);
		r.metric = v.metric;
		r.protocol = v.protocol;
		r.type = KA_HAS(g->k, fib6_info_view, type) ? v.type : v.flags & LOCAL ? 2 : v.flags & ANYCAST ? 4 : v.flags & REJECT ? 7 : 1;
		ka_route_push(g, &r, hops, count);
	}
	ka_route_fault(g, ka_walk_end(&w));
}

static void tree_gather(struct ka_route_gather *g, uint32_t table, ka_addr root, ka_addr null_entry)
{
	struct { KA_VEC(ka_addr); } stack = {0};
	struct ka_map seen = {0};

	ka_vec_push(&stack, root);
	for (size_t visited = 0; stack.n && !ka_interrupted(); visited++) {
		ka_addr at = stack.at[--stack.n];
		struct fib6_node_view v = {0};
		struct ka_error *err;

		if (!ka_map_add(&seen, at, 0) || visited > NODES_MAX) {
			ka_route_fault(g, ka_error_at(KA_CORRUPT, KA_SPACE_VIRT, at, "a loop in the tree of table %" PRIu32, table));
			break;
		}
		err = ka_view_read(g->k, &ka_view_fib6_node_view, at, &v);
		ka_route_fault(g, err);
		/* nodes that are no prefix of their own lend the route of another */
		if (v.flags & FN_RTINFO && v.leaf)
			chain_gather(g, table, v.leaf, null_entry);
		if (v.right)
			ka_vec_push(&stack, v.right);
		if (v.left)
			ka_vec_push(&stack, v.left);
		if (v.subtree)
			ka_vec_push(&stack, v.subtree);
	}
	ka_vec_free(&stack);
	ka_map_free(&seen);
}

void ka_route6_gather(struct ka_route_gather *g, ka_addr net)
{
	struct ka_kernel *k = g->k;
	const struct ka_view *const views[] = { &ka_view_route6_net_view, &ka_view_fib6_table_view, &ka_view_fib6_info_view };
	struct route6_net_view v;
	struct ka_error *err = NULL;

	for (size_t i = 0; !err && i < KA_COUNT(views); i++)
		err = ka_view_bind(k, views[i]);
	if (!err)
		err = ka_view_read(k, &ka_view_route6_net_view, net, &v);
	if (err) {
		ka_route_fault(g, err);
		return;
	}
	for (uint64_t i = 0; v.hash && i < (KA_HAS(k, route6_net_view, rules_size) ? 256 : 1); i++) {
		struct ka_walk w = ka_walk_hlist(k, v.hash + i * ka_long_size(k), KA_OFFSET(k, fib6_table_view, list_at));

		w.limit = TABLES_MAX;
		for (ka_addr at; ka_walk_next(&w, &at); ) {
			struct fib6_table_view t;

			err = ka_view_read(k, &ka_view_fib6_table_view, at, &t);
			if (err)
				ka_walk_fault(&w, err);
			else
				tree_gather(g, t.id, t.root_at, v.null_entry);
		}
		ka_route_fault(g, ka_walk_end(&w));
	}
}
