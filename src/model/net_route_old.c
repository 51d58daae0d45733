/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * IPv4 routes before v4.1: a hash table for each length of prefix (CONFIG_IP_FIB_HASH, until 3630b7c050d9, v2.6.39; RHEL 6 has it),
 * or an LC-trie whose leaves have a list of prefixes, each with its routes.
 */
#include <inttypes.h>
#include <kanalyze/type.h>
#include "net_route.h"

#define ZONES 33
#define BUCKETS_MAX (1u << 20)
#define NODES_MAX (1u << 24)
#define BITS_MAX 24
#define T_LEAF 1	/* in the lowest bit of a node's parent */

struct fn_hash_view { ka_addr zones_at; };
KA_VIEW(fn_hash_view, ("fn_hash"), KA_AT(fn_hash_view, zones_at, "fn_zones"));

struct fn_zone_view { ka_addr hash; uint32_t divisor, order; };
KA_VIEW(fn_zone_view, ("fn_zone"),
	KA_FROM(fn_zone_view, hash, "fz_hash"),
	KA_FROM(fn_zone_view, divisor, "fz_divisor"),
	KA_FROM(fn_zone_view, order, "fz_order"));

struct fib_node_view { ka_addr hash_at, aliases_at; uint8_t key[4]; };
KA_VIEW(fib_node_view, ("fib_node"),
	KA_AT(fib_node_view, hash_at, "fn_hash"),
	KA_AT(fib_node_view, aliases_at, "fn_alias"),
	KA_FROM(fib_node_view, key, "fn_key"));

struct old_trie_view { ka_addr root; };
KA_VIEW(old_trie_view, ("trie"), KA_FROM(old_trie_view, root, "trie"));

struct old_trie_node_view { uint64_t parent; uint32_t key; };
/* What begins nodes and leaves. A struct of its own, too: struct node, a name that NUMA has as well. */
KA_VIEW(old_trie_node_view, ("tnode"),
	KA_FROM(old_trie_node_view, parent, "parent"),
	KA_FROM(old_trie_node_view, key, "key"));

struct old_tnode_view { uint8_t bits; ka_addr children_at; };
KA_VIEW(old_tnode_view, ("tnode"),
	KA_FROM(old_tnode_view, bits, "bits"),
	KA_AT(old_tnode_view, children_at, "child"));

struct old_leaf_view { ka_addr list_at; };
KA_VIEW(old_leaf_view, ("leaf"), KA_AT(old_leaf_view, list_at, "list"));

struct leaf_info_view { ka_addr hlist_at, aliases_at; int32_t prefix_len; };
KA_VIEW(leaf_info_view, ("leaf_info"),
	KA_AT(leaf_info_view, hlist_at, "hlist"),
	KA_FROM(leaf_info_view, prefix_len, "plen"),
	KA_AT(leaf_info_view, aliases_at, "falh"));

static void zone_gather(struct ka_route_gather *g, uint32_t table, ka_addr zone)
{
	unsigned word = ka_long_size(g->k);
	struct fn_zone_view z;
	struct ka_error *err = ka_view_read(g->k, &ka_view_fn_zone_view, zone, &z);

	if (!err && (z.order > 32 || z.divisor > BUCKETS_MAX))
		err = ka_error_at(KA_CORRUPT, KA_SPACE_VIRT, zone, "a zone of prefixes of %" PRIu32 " bits in %" PRIu32 " buckets", z.order, z.divisor);
	for (uint32_t i = 0; !err && i < z.divisor && !ka_interrupted(); i++) {
		struct ka_walk w = ka_walk_hlist(g->k, z.hash + (uint64_t)i * word, KA_OFFSET(g->k, fib_node_view, hash_at));

		for (ka_addr at; ka_walk_next(&w, &at); ) {
			struct fib_node_view n;
			struct ka_error *node_err = ka_view_read(g->k, &ka_view_fib_node_view, at, &n);

			if (node_err)
				ka_route_fault(g, node_err);
			else	/* the key is in network order */
				ka_route4_gather(g, table, (uint32_t)n.key[0] << 24 | (uint32_t)n.key[1] << 16 | (uint32_t)n.key[2] << 8 | n.key[3],
						 (int)z.order, ka_route4_walk(g->k, n.aliases_at, true));
		}
		err = ka_walk_end(&w);
	}
	ka_route_fault(g, err);
}

static void hash_gather(struct ka_route_gather *g, uint32_t table, ka_addr data)
{
	unsigned word = ka_long_size(g->k);

	for (unsigned i = 0; i < ZONES; i++) {
		ka_addr zone;
		struct ka_error *err = ka_read_ulong(g->k, data + KA_OFFSET(g->k, fn_hash_view, zones_at) + (uint64_t)i * word, &zone);

		if (err)
			ka_route_fault(g, err);
		else if (zone)
			zone_gather(g, table, zone);
	}
}

static void leaf_gather(struct ka_route_gather *g, uint32_t table, ka_addr leaf, uint32_t key)
{
	struct ka_walk w = ka_walk_hlist(g->k, leaf + KA_OFFSET(g->k, old_leaf_view, list_at), KA_OFFSET(g->k, leaf_info_view, hlist_at));

	for (ka_addr at; ka_walk_next(&w, &at); ) {
		struct leaf_info_view v;
		struct ka_error *err = ka_view_read(g->k, &ka_view_leaf_info_view, at, &v);

		if (!err && (v.prefix_len < 0 || v.prefix_len > 32))
			err = ka_error_at(KA_CORRUPT, KA_SPACE_VIRT, at, "a prefix of %" PRId32 " bits", v.prefix_len);
		if (err)
			ka_route_fault(g, err);
		else
			ka_route4_gather(g, table, key, v.prefix_len, ka_route4_walk(g->k, v.aliases_at, true));
	}
	ka_route_fault(g, ka_walk_end(&w));
}

static void trie_gather(struct ka_route_gather *g, uint32_t table, ka_addr root)
{
	struct { KA_VEC(ka_addr); } stack = {0};
	struct ka_map seen = {0};
	unsigned word = ka_long_size(g->k);

	ka_vec_push(&stack, root);
	while (stack.n && !ka_interrupted()) {
		ka_addr at = stack.at[--stack.n];
		struct old_trie_node_view n;
		struct old_tnode_view t = {0};
		struct ka_error *err;

		if (!at)
			continue;
		if (!ka_map_add(&seen, at, 0) || seen.n > NODES_MAX) {
			ka_route_fault(g, ka_error_at(KA_CORRUPT, KA_SPACE_VIRT, at, "a loop in the trie of table %" PRIu32, table));
			break;
		}
		err = ka_view_read(g->k, &ka_view_old_trie_node_view, at, &n);
		if (!err && n.parent & T_LEAF) {
			leaf_gather(g, table, at, n.key);
			continue;
		}
		if (!err)
			err = ka_view_read(g->k, &ka_view_old_tnode_view, at, &t);
		if (!err && t.bits > BITS_MAX)
			err = ka_error_at(KA_CORRUPT, KA_SPACE_VIRT, at, "a node of %u bits in a trie", t.bits);
		for (uint64_t i = err ? 0 : 1ull << t.bits; i--; ) {
			ka_addr child;

			if (!ka_error_drop(ka_read_ulong(g->k, t.children_at + i * word, &child)) && child)
				ka_vec_push(&stack, child);
		}
		ka_route_fault(g, err);
	}
	ka_vec_free(&stack);
	ka_map_free(&seen);
}

static bool binds(struct ka_kernel *k, const struct ka_view *const *views, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (ka_error_drop(ka_view_bind(k, views[i])))
			return false;
	return true;
}

bool ka_route4_old(struct ka_route_gather *g, uint32_t table, ka_addr data)
{
	static const struct ka_view *const hash[] = { &ka_view_fn_hash_view, &ka_view_fn_zone_view, &ka_view_fib_node_view };
	static const struct ka_view *const trie[] = { &ka_view_old_trie_view, &ka_view_old_trie_node_view, &ka_view_old_tnode_view,
		&ka_view_old_leaf_view, &ka_view_leaf_info_view };
	ka_addr root;
	struct ka_error *err;

	if (binds(g->k, hash, KA_COUNT(hash))) {
		hash_gather(g, table, data);
		return true;
	}
	if (!binds(g->k, trie, KA_COUNT(trie)))
		return false;
	err = ka_read_ulong(g->k, data + KA_OFFSET(g->k, old_trie_view, root), &root);
	if (err)
		ka_route_fault(g, err);
	else if (root)
		trie_gather(g, table, root);
	return true;
}
