/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What routes of IPv4 and IPv6 share. */
#ifndef KA_MODEL_NET_ROUTE_H
#define KA_MODEL_NET_ROUTE_H

#include <kanalyze/net.h>
#include <kanalyze/view.h>
#include <kanalyze/walk.h>

#define KA_ROUTE_HOPS_MAX 256

struct ka_route_gather {
	struct ka_kernel *k;
	struct ka_arena *a;
	struct { KA_VEC(struct ka_route); } found;
	struct ka_error *err;	/* the first */
};
/* Takes err; NULL is ignored. */
void ka_route_fault(struct ka_route_gather *g, struct ka_error *err);
void ka_route_push(struct ka_route_gather *g, struct ka_route *r, const struct ka_nexthop *hops, size_t count);
/* Of a next hop that is an object of its own, or of a group of them. */
struct ka_error *ka_route_nexthop(struct ka_kernel *k, ka_addr nexthop, struct ka_nexthop *ret, size_t max, size_t *ret_count) KA_MUST_CHECK;
/* The IPv4 routes to one destination, on the list of fib_aliases that the walk goes along; prefix_len < 0: the aliases tell it. */
void ka_route4_gather(struct ka_route_gather *g, uint32_t table, uint32_t key, int prefix_len, struct ka_walk w);
struct ka_walk ka_route4_walk(struct ka_kernel *k, ka_addr head, bool is_list);
/* A table as kernels before v4.1 had it. False: this kernel has none of these kinds. */
bool ka_route4_old(struct ka_route_gather *g, uint32_t table, ka_addr data);
void ka_route6_gather(struct ka_route_gather *g, ka_addr net);

#endif
