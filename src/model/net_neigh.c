/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Neighbours: what hardware addresses IP addresses have, by the tables of ARP and of neighbour discovery. */
#include <inttypes.h>
#include <kanalyze/net.h>
#include <kanalyze/symbol.h>
#include <kanalyze/view.h>

#define SHIFT_MAX 24
#define NEIGHBOURS_MAX (1u << 22)
#define PROXY_BUCKETS 16	/* PNEIGH_HASHMASK + 1 */

struct neigh_table_view { ka_addr nht, buckets_at, proxies; uint64_t buckets_size; uint32_t mask, key_len; };
/* The buckets: an array in the table, a pointer in it (v2.6.9), in a neigh_hash_table since d6bf781712a1 (v2.6.37). */
KA_VIEW(neigh_table_view, ("neigh_table"),
	KA_FROM(neigh_table_view, key_len, "key_len"),
	KA_MAYBE(neigh_table_view, nht, "nht"),
	KA_AT_MAYBE(neigh_table_view, buckets_at, "hash_buckets"),
	KA_SIZE_MAYBE(neigh_table_view, buckets_size, "hash_buckets"),
	KA_MAYBE(neigh_table_view, mask, "hash_mask"),
	KA_MAYBE(neigh_table_view, proxies, "phash_buckets"));

struct neigh_hash_view { ka_addr buckets; uint32_t mask, shift; };
KA_VIEW(neigh_hash_view, ("neigh_hash_table"),
	KA_FROM(neigh_hash_view, buckets, "hash_heads", "hash_buckets"),	/* v6.13 */
	KA_MAYBE(neigh_hash_view, shift, "hash_shift"),				/* cd089336319e, v3.2 */
	KA_MAYBE(neigh_hash_view, mask, "hash_mask"));

struct neighbour_view { struct ka_neighbour n; ka_addr next, hash_at; uint32_t own_flags; };
KA_VIEW(neighbour_view, ("neighbour"),
	KA_FROM(neighbour_view, n.key, "primary_key"),
	KA_FROM(neighbour_view, n.hw, "ha"),
	KA_FROM(neighbour_view, n.dev, "dev"),
	KA_FROM(neighbour_view, n.state, "nud_state"),
	KA_MAYBE(neighbour_view, n.type, "type"),
	KA_MAYBE(neighbour_view, n.flags, "flags"),
	KA_AT_MAYBE(neighbour_view, hash_at, "hash"),	/* an hlist since v6.13 */
	KA_MAYBE(neighbour_view, next, "next"));

struct proxy_view { ka_addr next, dev, key_at; uint32_t flags; };
KA_VIEW(proxy_view, ("pneigh_entry"),
	KA_FROM(proxy_view, next, "next"),
	KA_FROM(proxy_view, dev, "dev"),
	KA_MAYBE(proxy_view, flags, "flags"),
	KA_AT(proxy_view, key_at, "key"));

struct neighbours { KA_VEC(struct ka_neighbour); };

/* Addresses that the machine answers for. */
static struct ka_error *proxies_read(struct ka_kernel *k, const struct neigh_table_view *t, uint16_t family, struct neighbours *found)
{
	struct ka_error *err = t->proxies && t->key_len <= 16 ? ka_view_bind(k, &ka_view_proxy_view) : NULL;

	if (!t->proxies || t->key_len > 16)
		return NULL;
	for (unsigned i = 0; !err && i < PROXY_BUCKETS; i++) {
		struct ka_walk w;
		ka_addr first;

		err = ka_read_ulong(k, t->proxies + i * ka_long_size(k), &first);
		if (err || !first)
			continue;
		w = ka_walk_chain(k, &(struct ka_chain){ .start = first, .next = KA_OFFSET(k, proxy_view, next) });
		w.limit = NEIGHBOURS_MAX;
		for (ka_addr at; ka_walk_next(&w, &at); ) {
			struct ka_neighbour n = { .addr = at, .family = family, .is_proxy = true };
			struct proxy_view v;
			struct ka_error *e = ka_view_read(k, &ka_view_proxy_view, at, &v);

			if (!e)
				e = ka_read(k, v.key_at, n.key, t->key_len);
			n.dev = e ? 0 : v.dev;
			n.flags = e ? 0 : v.flags;
			if (!e)
				ka_vec_push(found, n);
			ka_walk_fault(&w, e);
		}
		err = ka_walk_end(&w);
	}
	return err;
}

static struct ka_error *table_find(struct ka_kernel *k, const char *name, struct neigh_table_view *t, ka_addr *ret_buckets,
				   uint64_t *ret_count)
{
	struct neigh_hash_view h = {0};
	struct ka_symbol s;
	struct ka_error *err = NULL;

	/* IPv6 may be a module */
	if (!ka_symbol_lookup(k, name, &s))
		err = ka_symbol_find(k, name, &s);
	if (!err)
		err = ka_view_read(k, &ka_view_neigh_table_view, s.addr, t);
	if (err)
		return err;
	if (KA_HAS(k, neigh_table_view, nht)) {
		err = ka_view_read(k, &ka_view_neigh_hash_view, t->nht, &h);
		if (err)
			return err;
		*ret_buckets = h.buckets;
		*ret_count = (uint64_t)h.mask + 1;
		if (KA_HAS(k, neigh_hash_view, shift))
			*ret_count = h.shift > SHIFT_MAX ? UINT64_MAX : 1ull << h.shift;
	} else if (!KA_HAS(k, neigh_table_view, buckets_at)) {
		return ka_error_new(KA_MISSING, "struct neigh_table has neither nht nor hash_buckets");
	} else if (t->buckets_size > ka_long_size(k)) {
		*ret_buckets = t->buckets_at;
		*ret_count = t->buckets_size / ka_long_size(k);
	} else {
		*ret_count = (uint64_t)t->mask + 1;
		err = ka_read_ulong(k, t->buckets_at, ret_buckets);
	}
	if (!err && *ret_count > 1ull << SHIFT_MAX)
		err = ka_error_at(KA_CORRUPT, KA_SPACE_VIRT, s.addr, "%s has %" PRIu64 " buckets", name, *ret_count);
	return err;
}

struct ka_error *ka_neighbours_read(struct ka_kernel *k, uint16_t family, struct ka_arena *a, struct ka_neighbour **ret,
				    size_t *ret_count)
{
	const char *name = family == KA_AF_INET6 ? "nd_tbl" : "arp_tbl";
	struct neighbours found = {0};
	struct neigh_table_view t = {0};
	unsigned size = ka_long_size(k);
	ka_addr buckets = 0;
	uint64_t count = 0, per_chunk = 4096 / size;
	struct ka_error *err = table_find(k, name, &t, &buckets, &count), *fault = NULL;

	if (!err)
		err = ka_view_bind(k, &ka_view_neighbour_view);
	for (uint64_t i = 0; !err && i < count && found.n < NEIGHBOURS_MAX; i += per_chunk) {
		uint8_t bytes[4096];
		size_t n = KA_MIN(per_chunk, count - i);

		err = ka_interrupted() ? ka_error_new(KA_INTERRUPTED, "interrupted") : ka_read(k, buckets + i * size, bytes, n * size);
		for (size_t j = 0; !err && j < n; j++) {
			bool is_hlist = KA_HAS(k, neighbour_view, hash_at) && !KA_HAS(k, neighbour_view, next);
			ka_addr first = ka_uint_from(k, bytes + j * size, size);
			struct ka_walk w;

			if (!first)
				continue;
			w = is_hlist ? ka_walk_hlist(k, buckets + (i + j) * size, KA_OFFSET(k, neighbour_view, hash_at)) :
				ka_walk_chain(k, &(struct ka_chain){ .start = first, .next = KA_OFFSET(k, neighbour_view, next) });
			w.limit = NEIGHBOURS_MAX;
			for (ka_addr at; ka_walk_next(&w, &at); ) {
				struct neighbour_view v = {0};
				struct ka_error *e = ka_view_read(k, &ka_view_neighbour_view, at, &v);

				if (!e && t.key_len <= 16)	/* primary_key has no size of its own */
					e = ka_read(k, at + KA_OFFSET(k, neighbour_view, n.key), v.n.key, t.key_len);
				v.n.addr = at;
				v.n.family = family;
				if (!e)
					ka_vec_push(&found, v.n);
				ka_walk_fault(&w, e);
			}
			if (fault)
				ka_error_dispose(ka_walk_end(&w));
			else
				fault = ka_walk_end(&w);
		}
	}
	if (!err)
		err = proxies_read(k, &t, family, &found);
	*ret = ka_alloc(a, found.n * sizeof(**ret) + 1);
	if (found.n)
		memcpy(*ret, found.at, found.n * sizeof(**ret));
	*ret_count = found.n;
	ka_vec_free(&found);
	if (err && fault)
		ka_error_free(fault);
	return ka_error_wrap(err ? err : fault, "%s", name);
}
