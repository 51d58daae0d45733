/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* IPv4 routes: tables of a namespace, each an LC-trie; routes of one prefix hang at its leaf. Older tables: net_route_old.c. */
#include <inttypes.h>
#include <kanalyze/type.h>
#include "net_route.h"

#define TABLES_MAX (1u << 16)
#define NODES_MAX (1u << 24)	/* of a trie */
#define BITS_MAX 24		/* a node has 1 << bits children */

struct route_net_view { ka_addr hash; uint64_t rules_size; };
/* 256 heads of tables where there may be many of them (CONFIG_IP_MULTIPLE_TABLES), else two. */
KA_VIEW(route_net_view, ("net"),
	KA_FROM(route_net_view, hash, "ipv4.fib_table_hash"),
	KA_SIZE_MAYBE(route_net_view, rules_size, "ipv4.rules_ops"));

struct fib_table_view { ka_addr list_at, data, data_at, own_at; uint32_t id; };
/* The data lie behind the table; since 0ddcf43d5d4a (v4.1) a pointer leads to them, as two tables may share them. */
KA_VIEW(fib_table_view, ("fib_table"),
	KA_AT(fib_table_view, list_at, "tb_hlist"),
	KA_FROM(fib_table_view, id, "tb_id"),
	KA_MAYBE(fib_table_view, data, "tb_data"),
	KA_AT_MAYBE(fib_table_view, data_at, "tb_data"),
	KA_AT_MAYBE(fib_table_view, own_at, "__data"));

struct trie_view { ka_addr root_at; };
KA_VIEW(trie_view, ("trie"), KA_AT(trie_view, root_at, "kv[0].tnode"));	/* 88bae7149acc and 35c6edac1982, v4.1 */

struct key_vector_view { uint32_t key; uint8_t bits; ka_addr leaf_at, children_at; };
KA_VIEW(key_vector_view, ("key_vector"),
	KA_FROM(key_vector_view, key, "key"),
	KA_FROM(key_vector_view, bits, "bits"),
	KA_AT(key_vector_view, leaf_at, "leaf"),
	KA_AT(key_vector_view, children_at, "tnode"));

struct fib_alias_view { ka_addr list_at, info; uint8_t tos, type, scope, slen; uint32_t table; };
KA_VIEW(fib_alias_view, ("fib_alias"),
	KA_AT(fib_alias_view, list_at, "fa_list"),
	KA_FROM(fib_alias_view, info, "fa_info"),
	KA_FROM(fib_alias_view, tos, "fa_dscp", "fa_tos"),		/* 32ccf1107980, v5.18 */
	KA_FROM(fib_alias_view, type, "fa_type"),
	KA_MAYBE(fib_alias_view, scope, "fa_scope"),			/* 37e826c51388, v2.6.39: in fib_info since */
	KA_MAYBE(fib_alias_view, slen, "fa_slen"),			/* 9b6ebad5c357, v4.1 */
	KA_MAYBE(fib_alias_view, table, "tb_id"));			/* 0ddcf43d5d4a, v4.1 */

struct fib_info_view { uint8_t protocol, scope, prefsrc[4]; uint32_t metric, flags; int32_t hops; ka_addr hops_at, nexthop; };
KA_VIEW(fib_info_view, ("fib_info"),
	KA_FROM(fib_info_view, protocol, "fib_protocol"),
	KA_MAYBE(fib_info_view, scope, "fib_scope"),
	KA_FROM(fib_info_view, prefsrc, "fib_prefsrc"),
	KA_FROM(fib_info_view, metric, "fib_priority"),
	KA_FROM(fib_info_view, flags, "fib_flags"),
	KA_FROM(fib_info_view, hops, "fib_nhs"),
	KA_AT(fib_info_view, hops_at, "fib_nh"),
	KA_MAYBE(fib_info_view, nexthop, "nh"));			/* 4c7e8084fd46, v5.3 */

/* What IPv4 and IPv6 share since 5.2 (b75ed8b1aa9c) stood in each before; here IPv4's. */
struct fib_nh_view { uint16_t family; uint8_t gateway[16]; int32_t dev, weight; uint32_t flags; };
KA_VIEW(fib_nh_view, ("fib_nh"),
	KA_FROM(fib_nh_view, gateway, "nh_common.nhc_gw", "nh_gw"),
	KA_MAYBE(fib_nh_view, family, "nh_common.nhc_gw_family"),
	KA_FROM(fib_nh_view, dev, "nh_common.nhc_oif", "nh_oif"),
	KA_MAYBE(fib_nh_view, weight, "nh_common.nhc_weight", "nh_weight"),
	KA_FROM(fib_nh_view, flags, "nh_common.nhc_flags", "nh_flags"));

struct nhc_view { uint16_t family; uint8_t gateway[16]; int32_t dev, weight; uint32_t flags; };
KA_VIEW(nhc_view, ("fib_nh_common"),
	KA_FROM(nhc_view, gateway, "nhc_gw"),
	KA_FROM(nhc_view, family, "nhc_gw_family"),
	KA_FROM(nhc_view, dev, "nhc_oif"),
	KA_FROM(nhc_view, weight, "nhc_weight"),
	KA_FROM(nhc_view, flags, "nhc_flags"));

/* Next hops as objects of their own (`ip nexthop`): ab84be7e54fc, v5.3. */
struct nexthop_view { uint8_t is_group; ka_addr info; };
KA_VIEW(nexthop_view, ("nexthop"),
	KA_FROM(nexthop_view, is_group, "is_group"),
	KA_FROM(nexthop_view, info, "nh_info"));

struct nh_info_view { ka_addr common_at; };
KA_VIEW(nh_info_view, ("nh_info"), KA_AT(nh_info_view, common_at, "fib_nhc"));

struct nh_group_view { uint16_t count; ka_addr entries_at; };
KA_VIEW(nh_group_view, ("nh_group"),
	KA_FROM(nh_group_view, count, "num_nh"),
	KA_AT(nh_group_view, entries_at, "nh_entries"));

struct nh_entry_view { ka_addr nexthop; uint16_t weight; };
KA_VIEW(nh_entry_view, ("nh_grp_entry"),
	KA_FROM(nh_entry_view, nexthop, "nh"),
	KA_FROM(nh_entry_view, weight, "weight"));

void ka_route_fault(struct ka_route_gather *g, struct ka_error *err)
{
	if (g->err)
		ka_error_free(err);
	else
		g->err = err;
}

void ka_route_push(struct ka_route_gather *g, struct ka_route *r, const struct ka_nexthop *hops, size_t count)
{
	r->hops = ka_alloc(g->a, count * sizeof(*hops) + 1);
	if (count)
		memcpy(r->hops, hops, count * sizeof(*hops));
	r->hop_count = count;
	ka_vec_push(&g->found, *r);
}

static struct ka_error *nexthop_one(struct ka_kernel *k, ka_addr info, struct ka_nexthop *ret)
{
	struct nhc_view v = {0};
	struct ka_error *err = ka_view_bind(k, &ka_view_nh_info_view);

	if (!err)
		err = ka_view_read(k, &ka_view_nhc_view, info + KA_OFFSET(k, nh_info_view, common_at), &v);
	*ret = (struct ka_nexthop){ .gateway_family = v.family, .dev = v.dev, .weight = v.weight > 0 ? (uint32_t)v.weight : 1, .flags = v.flags };
	memcpy(ret->gateway, v.gateway, 16);
	return err;
}

struct ka_error *ka_route_nexthop(struct ka_kernel *k, ka_addr nexthop, struct ka_nexthop *ret, size_t max, size_t *ret_count)
{
	struct nexthop_view v, part;
	struct nh_group_view group;
	struct nh_entry_view entry;
	uint64_t size = ka_view_size(k, &ka_view_nh_entry_view);
	struct ka_error *err = ka_view_read(k, &ka_view_nexthop_view, nexthop, &v);

	*ret_count = 0;
	if (!err && !v.is_group) {
		err = nexthop_one(k, v.info, ret);
		*ret_count = !err;
		return ka_error_wrap(err, "nexthop at 0x%" PRIx64, nexthop);
	}
	if (!err)
		err = ka_view_read(k, &ka_view_nh_group_view, v.info, &group);
	for (size_t i = 0; !err && i < group.count && i < max; i++) {
		err = ka_view_read(k, &ka_view_nh_entry_view, group.entries_at + i * size, &entry);
		if (!err)
			err = ka_view_read(k, &ka_view_nexthop_view, entry.nexthop, &part);
		if (!err)
			err = nexthop_one(k, part.info, &ret[i]);
		if (!err) {
			ret[i].weight = entry.weight ? entry.weight : 1;
			*ret_count = i + 1;
		}
	}
	return ka_error_wrap(err, "nexthop at 0x%" PRIx64, nexthop);
}

static struct ka_error *hops_read(struct ka_kernel *k, const struct fib_info_view *info, struct ka_nexthop *ret, size_t *ret_count)
{
	static const uint8_t none[16];
	uint64_t size = ka_view_size(k, &ka_view_fib_nh_view);
	struct ka_error *err = NULL;

	*ret_count = 0;
	if (info->nexthop)
		return ka_route_nexthop(k, info->nexthop, ret, KA_ROUTE_HOPS_MAX, ret_count);
	for (int32_t i = 0; i < info->hops && i < KA_ROUTE_HOPS_MAX; i++) {
		struct fib_nh_view v = {0};

		err = ka_view_read(k, &ka_view_fib_nh_view, info->hops_at + (uint64_t)i * size, &v);
		if (err)
			return err;
		if (!KA_HAS(k, fib_nh_view, family))
			v.family = memcmp(v.gateway, none, 4) ? KA_AF_INET : 0;
		ret[i] = (struct ka_nexthop){ .gateway_family = v.family, .dev = v.dev, .weight = v.weight > 0 ? (uint32_t)v.weight : 1,
					      .flags = v.flags };
		memcpy(ret[i].gateway, v.gateway, 16);
		*ret_count = (size_t)i + 1;
	}
	return NULL;
}

void ka_route4_gather(struct ka_route_gather *g, uint32_t table, uint32_t key, int prefix_len, struct ka_walk w)
{
	for (ka_addr at; ka_walk_next(&w, &at); ) {
		static const uint8_t none[4];
		struct ka_nexthop hops[KA_ROUTE_HOPS_MAX];
		struct fib_alias_view alias;
		struct fib_info_view info;
		struct ka_route r = { .addr = at, .family = KA_AF_INET, .table = table };
		struct ka_error *err = ka_view_read(g->k, &ka_view_fib_alias_view, at, &alias);
		int len = prefix_len < 0 ? 32 - alias.slen : prefix_len;
		size_t count;

		/* the local table and the main one share their trie as long as there are no rules of one's own: 0ddcf43d5d4a, v4.1 */
		if (!err && KA_HAS(g->k, fib_alias_view, table) && alias.table != table)
			continue;
		if (!err)
			err = ka_view_read(g->k, &ka_view_fib_info_view, alias.info, &info);
		if (!err && (len < 0 || len > 32))
			err = ka_error_at(KA_CORRUPT, KA_SPACE_VIRT, at, "a fib_alias of %d bits", len);
		if (!err)
			err = hops_read(g->k, &info, hops, &count);
		if (err) {
			ka_route_fault(g, ka_error_wrap(err, "route at 0x%" PRIx64, at));
			continue;
		}
		for (int i = 0; i < 4; i++)
			r.dst[i] = (uint8_t)(key >> (24 - 8 * i));
		r.prefix_len = (uint8_t)len;
		r.tos = alias.tos;
		r.type = alias.type;
		r.scope = KA_HAS(g->k, fib_info_view, scope) ? info.scope : alias.scope;
		r.protocol = info.protocol;
		r.metric = info.metric;
		r.has_prefsrc = memcmp(info.prefsrc, none, 4) != 0;
		memcpy(r.prefsrc, info.prefsrc, 4);
		ka_route_push(g, &r, hops, count);
	}
	ka_route_fault(g, ka_walk_end(&w));
}

struct ka_walk ka_route4_walk(struct ka_kernel *k, ka_addr head, bool is_list)
{
	uint64_t offset = KA_OFFSET(k, fib_alias_view, list_at);

	return is_list ? ka_walk_list(k, head, offset) : ka_walk_hlist(k, head, offset);
}

static void trie_gather(struct ka_route_gather *g, uint32_t table, ka_addr root)
{
	struct { KA_VEC(ka_addr); } stack = {0};
	struct ka_map seen = {0};
	unsigned size = ka_long_size(g->k);

	ka_vec_push(&stack, root);
	for (size_t visited = 0; stack.n && !ka_interrupted(); visited++) {
		ka_addr at = stack.at[--stack.n];
		struct key_vector_view v;
		struct ka_error *err;
		uint8_t *bytes;
		size_t count;

		if (!at)
			continue;
		if (!ka_map_add(&seen, at, 0) || visited > NODES_MAX) {
			ka_route_fault(g, ka_error_at(KA_CORRUPT, KA_SPACE_VIRT, at, "a loop in the trie of table %" PRIu32, table));
			break;
		}
		err = ka_view_read(g->k, &ka_view_key_vector_view, at, &v);
		if (!err && v.bits > BITS_MAX)
			err = ka_error_at(KA_CORRUPT, KA_SPACE_VIRT, at, "a key_vector of %u bits", v.bits);
		if (err || !v.bits) {
			if (err)
				ka_route_fault(g, err);
			else
				ka_route4_gather(g, table, v.key, -1, ka_route4_walk(g->k, v.leaf_at, false));
			continue;
		}
		count = (size_t)1 << v.bits;
		bytes = ka_xalloc(count * size);
		err = ka_read(g->k, v.children_at, bytes, count * size);
		for (size_t i = count; !err && i--; ) {
			ka_addr child = ka_uint_from(g->k, bytes + i * size, size);

			if (child)
				ka_vec_push(&stack, child);
		}
		free(bytes);
		ka_route_fault(g, err);
	}
	ka_vec_free(&stack);
	ka_map_free(&seen);
}

static struct ka_error *views_bind(struct ka_kernel *k)
{
	const struct ka_view *const views[] = { &ka_view_route_net_view, &ka_view_fib_table_view, &ka_view_fib_alias_view,
		&ka_view_fib_info_view, &ka_view_fib_nh_view };
	struct ka_error *err = NULL;

	for (size_t i = 0; !err && i < KA_COUNT(views); i++)
		err = ka_view_bind(k, views[i]);
	return err;
}

/* One table, by the kind of its data; data is where they lie. */
static struct ka_error *table_gather(struct ka_route_gather *g, uint32_t table, ka_addr data)
{
	struct ka_error *err = ka_view_bind(g->k, &ka_view_trie_view);
	ka_addr root;

	/* what no kernel before v4.1 has tells most of the missing */
	if (err && ka_route4_old(g, table, data)) {
		ka_error_free(err);
		return NULL;
	}
	if (!err)
		err = ka_view_bind(g->k, &ka_view_key_vector_view);
	if (!err)
		err = ka_read_ulong(g->k, data + KA_OFFSET(g->k, trie_view, root_at), &root);
	if (!err && root)
		trie_gather(g, table, root);
	return err;
}

static void v4_gather(struct ka_route_gather *g, ka_addr net)
{
	struct ka_kernel *k = g->k;
	struct route_net_view v;
	struct ka_error *err = views_bind(k);

	if (!err)
		err = ka_view_read(k, &ka_view_route_net_view, net, &v);
	if (err) {
		ka_route_fault(g, err);
		return;
	}
	for (uint64_t i = 0; v.hash && i < (KA_HAS(k, route_net_view, rules_size) ? 256 : 2); i++) {
		struct ka_walk w = ka_walk_hlist(k, v.hash + i * ka_long_size(k), KA_OFFSET(k, fib_table_view, list_at));

		w.limit = TABLES_MAX;
		for (ka_addr at; ka_walk_next(&w, &at); ) {
			struct fib_table_view t;

			err = ka_view_read(k, &ka_view_fib_table_view, at, &t);
			if (!err)
				err = table_gather(g, t.id, KA_HAS(k, fib_table_view, own_at) ? t.data : t.data_at);
			if (err)
				ka_walk_fault(&w, err);
		}
		ka_route_fault(g, ka_walk_end(&w));
	}
}

/* main, the others, local: as one looks for them. */
static unsigned table_rank(uint32_t table)
{
	return table == 254 ? 0 : table == 255 ? 2 : 1;
}

static int by_table(const void *a, const void *b)
{
	const struct ka_route *x = a, *y = b;
	int by = (int)table_rank(x->table) - (int)table_rank(y->table);

	by = by ? by : (x->table > y->table) - (x->table < y->table);
	by = by ? by : memcmp(x->dst, y->dst, 16);
	by = by ? by : x->prefix_len - y->prefix_len;
	by = by ? by : (x->metric > y->metric) - (x->metric < y->metric);
	return by ? by : (x->addr > y->addr) - (x->addr < y->addr);
}

struct ka_error *ka_routes_read(struct ka_kernel *k, ka_addr net, uint16_t family, struct ka_arena *a, struct ka_route **ret, size_t *ret_count)
{
	struct ka_route_gather g = { .k = k, .a = a };

	if (!net)
		ka_route_fault(&g, ka_error_new(KA_UNSUPPORTED, "routes of kernels without network namespaces (before v2.6.24)"));
	else if (family == KA_AF_INET6)
		ka_route6_gather(&g, net);
	else
		v4_gather(&g, net);
	if (g.found.n)
		qsort(g.found.at, g.found.n, sizeof(*g.found.at), by_table);
	*ret = ka_alloc(a, g.found.n * sizeof(**ret) + 1);
	if (g.found.n)
		memcpy(*ret, g.found.at, g.found.n * sizeof(**ret));
	*ret_count = g.found.n;
	ka_vec_free(&g.found);
	return ka_error_wrap(g.err, "IPv%d routes", family == KA_AF_INET6 ? 6 : 4);
}
