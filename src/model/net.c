/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Network namespaces and their devices. */
#include <inttypes.h>
#include <kanalyze/net.h>
#include <kanalyze/symbol.h>
#include <kanalyze/type.h>
#include <kanalyze/view.h>

#define NETS_MAX (1u << 20)
#define DEVS_MAX (1u << 20)

struct net_view { ka_addr list_at, devs_at; uint64_t inum; };
KA_VIEW(net_view, ("net"),
	KA_AT(net_view, list_at, "list"),
	KA_AT(net_view, devs_at, "dev_base_head"),
	KA_MAYBE(net_view, inum, "ns.inum", "proc_inum"));	/* 435d5f4bb2cc, v3.19; 98f842e675f9, v3.8 */

struct nsproxy_net_view { ka_addr net; };
KA_VIEW(nsproxy_net_view, ("nsproxy"), KA_FROM(nsproxy_net_view, net, "net_ns"));

struct netdev_view {
	struct ka_netdev d;
	ka_addr list_at, next, qdisc, hw_at, hw;
	uint64_t state;
	uint16_t gflags;
	uint64_t hw_size;
};
KA_VIEW(netdev_view, ("net_device"),
	KA_FROM(netdev_view, d.name, "name"),
	KA_MAYBE(netdev_view, d.net, "nd_net.net", "nd_net"),		/* 0c5c9fb55106, v4.1 */
	KA_FROM(netdev_view, d.ifindex, "ifindex"),
	KA_FROM(netdev_view, d.flags, "flags"),
	KA_FROM(netdev_view, d.mtu, "mtu"),
	KA_FROM(netdev_view, d.type, "type"),
	KA_FROM(netdev_view, d.hw_len, "addr_len"),
	KA_FROM(netdev_view, state, "state"),
	KA_MAYBE(netdev_view, d.tx_queue_len, "tx_queue_len"),
	KA_MAYBE(netdev_view, d.operstate, "operstate"),		/* b00055aacdb1, v2.6.17 */
	KA_MAYBE(netdev_view, d.in_device, "ip_ptr"),
	KA_MAYBE(netdev_view, d.inet6_dev, "ip6_ptr"),
	KA_MAYBE(netdev_view, gflags, "gflags"),
	KA_MAYBE(netdev_view, d.broadcast, "broadcast"),
	/* an array in the struct before f001fde5eadd (v2.6.31), a pointer since: told apart by its size */
	KA_AT(netdev_view, hw_at, "dev_addr"),
	KA_SIZE(netdev_view, hw_size, "dev_addr"),
	KA_MAYBE(netdev_view, qdisc, "qdisc"),
	KA_AT_MAYBE(netdev_view, list_at, "dev_list"),		/* 7562f876cd93, v2.6.22 */
	KA_MAYBE(netdev_view, next, "next"));

struct qdisc_view { ka_addr ops; };
KA_VIEW(qdisc_view, ("Qdisc"), KA_FROM(qdisc_view, ops, "ops"));

struct qdisc_ops_view { char id[16]; };
KA_VIEW(qdisc_ops_view, ("Qdisc_ops"), KA_FROM(qdisc_ops_view, id, "id"));

ka_addr ka_net_first(struct ka_kernel *k)
{
	struct ka_symbol s;

	return ka_symbol_lookup(k, "init_net", &s) ? s.addr : 0;
}

struct ka_error *ka_net_read(struct ka_kernel *k, ka_addr net, struct ka_net *ret)
{
	struct net_view v = {0};
	struct ka_error *err = net ? ka_view_read(k, &ka_view_net_view, net, &v) : NULL;

	*ret = (struct ka_net){ .addr = net, .inum = v.inum, .is_first = net == ka_net_first(k) };
	return ka_error_wrap(err, "network namespace at 0x%" PRIx64, net);
}

struct ka_error *ka_net_of(struct ka_kernel *k, ka_addr nsproxy, ka_addr *ret)
{
	struct nsproxy_net_view v = {0};
	struct ka_error *err;

	*ret = ka_net_first(k);
	if (!ka_type_has(k, "nsproxy", "net_ns"))
		return NULL;	/* one for all */
	if (!nsproxy)
		return ka_error_new(KA_NOT_FOUND, "the task has no namespaces any more");
	err = ka_view_read(k, &ka_view_nsproxy_net_view, nsproxy, &v);
	if (!err && !v.net)
		err = ka_error_at(KA_NOT_FOUND, KA_SPACE_VIRT, nsproxy, "nsproxy has no network namespace");
	*ret = v.net;
	return ka_error_wrap(err, "nsproxy at 0x%" PRIx64, nsproxy);
}

struct ka_error *ka_nets_read(struct ka_kernel *k, struct ka_arena *a, struct ka_net **ret, size_t *ret_count)
{
	struct { KA_VEC(struct ka_net); } found = {0};
	ka_addr first = ka_net_first(k);
	struct ka_error *err = NULL, *fault = NULL;
	struct ka_symbol head;
	struct ka_net net;

	/* init_net is the first of the list; it comes first also where the list is broken */
	err = ka_net_read(k, first, &net);
	ka_vec_push(&found, net);
	if (!err && first && ka_symbol_lookup(k, "net_namespace_list", &head)) {
		struct ka_walk w = ka_walk_list(k, head.addr, KA_OFFSET(k, net_view, list_at));

		w.limit = NETS_MAX;
		for (ka_addr at; ka_walk_next(&w, &at); ) {
			if (at == first)
				continue;
			err = ka_net_read(k, at, &net);
			if (!err)
				ka_vec_push(&found, net);
			if (fault)
				ka_error_free(err);
			else
				fault = err;
		}
		err = ka_walk_end(&w);
	}
	*ret = ka_alloc(a, found.n * sizeof(**ret));
	memcpy(*ret, found.at, found.n * sizeof(**ret));
	*ret_count = found.n;
	ka_vec_free(&found);
	if (err && fault)
		ka_error_free(fault);
	return ka_error_wrap(err ? err : fault, "network namespaces");
}

/* ---- devices ---- */

enum {
	STATE_NOCARRIER = 1 << 2, STATE_DORMANT = 1 << 4,	/* __LINK_STATE_* since v2.6.26 */
	FLAG_UP = 1, FLAG_RUNNING = 0x40, FLAG_PROMISC = 0x100, FLAG_ALLMULTI = 0x200, FLAG_LOWER_UP = 0x10000, FLAG_DORMANT = 0x20000,
	OPER_UNKNOWN = 0, OPER_UP = 6,
};

/* What dev_get_flags() makes of the flags: what user space asked for, and how the link is. */
static uint32_t flags_shown(const struct netdev_view *v)
{
	uint32_t flags = v->d.flags & ~(uint32_t)(FLAG_RUNNING | FLAG_PROMISC | FLAG_ALLMULTI | FLAG_LOWER_UP | FLAG_DORMANT);

	flags |= v->gflags & (FLAG_PROMISC | FLAG_ALLMULTI);
	if (!(flags & FLAG_UP))
		return flags;
	if (v->d.operstate == OPER_UP || v->d.operstate == OPER_UNKNOWN)
		flags |= FLAG_RUNNING;
	if (!(v->state & STATE_NOCARRIER))
		flags |= FLAG_LOWER_UP;
	if (v->state & STATE_DORMANT)
		flags |= FLAG_DORMANT;
	return flags;
}

static struct ka_error *netdev_view_read(struct ka_kernel *k, ka_addr dev, struct netdev_view *v)
{
	struct qdisc_ops_view ops = {0};
	struct qdisc_view q;
	struct ka_error *err = ka_view_read(k, &ka_view_netdev_view, dev, v);

	if (err)
		return ka_error_wrap(err, "net_device at 0x%" PRIx64, dev);
	v->d.addr = dev;
	v->d.name[sizeof(v->d.name) - 1] = 0;
	v->d.flags = flags_shown(v);
	if (v->d.hw_len > sizeof(v->d.hw)) {
		err = ka_error_at(KA_CORRUPT, KA_SPACE_VIRT, dev, "a hardware address of %u bytes", v->d.hw_len);
		v->d.hw_len = 0;
	}
	if (!err && v->hw_size > ka_long_size(k))
		v->hw = v->hw_at;
	else if (!err)
		err = ka_read_ulong(k, v->hw_at, &v->hw);
	if (!err && v->d.hw_len && v->hw)
		err = ka_read(k, v->hw, v->d.hw, v->d.hw_len);
	if (v->qdisc && !ka_error_drop(ka_view_read(k, &ka_view_qdisc_view, v->qdisc, &q)) &&
	    !ka_error_drop(ka_view_read(k, &ka_view_qdisc_ops_view, q.ops, &ops))) {
		ops.id[sizeof(ops.id) - 1] = 0;
		memcpy(v->d.qdisc, ops.id, sizeof(ops.id));
	}
	return ka_error_wrap(err, "net_device at 0x%" PRIx64, dev);
}

struct ka_error *ka_netdev_read(struct ka_kernel *k, ka_addr dev, struct ka_netdev *ret)
{
	struct netdev_view v = {0};
	struct ka_error *err = netdev_view_read(k, dev, &v);

	*ret = v.d;
	return err;
}

/* Where the list of a namespace's devices begins: *ret_head of a list_head, or else *ret_first, a net_device. */
static struct ka_error *devs_find(struct ka_kernel *k, ka_addr net, ka_addr *ret_head, ka_addr *ret_first)
{
	struct ka_symbol s;
	struct ka_error *err = ka_view_bind(k, &ka_view_netdev_view);

	*ret_head = *ret_first = 0;
	if (err)
		return err;
	if (net) {	/* 881d966b48b0, v2.6.24 */
		err = ka_view_bind(k, &ka_view_net_view);
		*ret_head = net + KA_OFFSET(k, net_view, devs_at);
		return err;
	}
	if (ka_symbol_lookup(k, "dev_base_head", &s)) {
		*ret_head = s.addr;
		return NULL;
	}
	if (ka_symbol_lookup(k, "dev_base", &s))
		return ka_read_ulong(k, s.addr, ret_first);
	return ka_error_new(KA_MISSING, "this kernel has none of init_net, dev_base_head, dev_base: no network devices are known");
}

struct ka_error *ka_netdevs_read(struct ka_kernel *k, ka_addr net, struct ka_arena *a, struct ka_netdev **ret, size_t *ret_count)
{
	struct { KA_VEC(struct ka_netdev); } found = {0};
	ka_addr head, first;
	struct ka_error *err = devs_find(k, net, &head, &first), *fault = NULL;

	if (!err) {
		struct ka_chain chain = { .start = first, .next = KA_OFFSET(k, netdev_view, next) };
		struct ka_walk w = head ? ka_walk_list(k, head, KA_OFFSET(k, netdev_view, list_at)) : ka_walk_chain(k, &chain);

		w.limit = DEVS_MAX;
		for (ka_addr at; ka_walk_next(&w, &at); ) {
			struct netdev_view v = {0};

			err = netdev_view_read(k, at, &v);
			if (v.d.addr)
				ka_vec_push(&found, v.d);
			if (fault)
				ka_error_free(err);
			else
				fault = err;
		}
		err = ka_walk_end(&w);
	}
	*ret = ka_alloc(a, found.n * sizeof(**ret) + 1);
	if (found.n)
		memcpy(*ret, found.at, found.n * sizeof(**ret));
	*ret_count = found.n;
	ka_vec_free(&found);
	if (err && fault)
		ka_error_free(fault);
	return ka_error_wrap(err ? err : fault, "network devices");
}
