/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a network device has sent and received, as /proc/net/dev: drivers count where they like, and tell by a function, which
 * cannot be called in a dump. Known are the functions that many drivers share, and those of a few drivers.
 */
#include <kanalyze/net.h>
#include <kanalyze/symbol.h>
#include <kanalyze/task.h>
#include <kanalyze/view.h>

#define QUEUES_MAX 4096

struct stats_dev_view {
	uint64_t rx_packets, tx_packets, rx_bytes, tx_bytes, rx_errors, tx_errors, rx_dropped, tx_dropped, multicast, collisions;
	ka_addr ops, percpu, core, priv_at;
	uint32_t kind;
};
/* enum netdev_stat_type: 34d21de99cea (v6.7); the three pointers share one place */
KA_VIEW(stats_dev_view, ("net_device"),
	KA_FROM(stats_dev_view, rx_packets, "stats.rx_packets"),
	KA_FROM(stats_dev_view, tx_packets, "stats.tx_packets"),
	KA_FROM(stats_dev_view, rx_bytes, "stats.rx_bytes"),
	KA_FROM(stats_dev_view, tx_bytes, "stats.tx_bytes"),
	KA_FROM(stats_dev_view, rx_errors, "stats.rx_errors"),
	KA_FROM(stats_dev_view, tx_errors, "stats.tx_errors"),
	KA_FROM(stats_dev_view, rx_dropped, "stats.rx_dropped"),
	KA_FROM(stats_dev_view, tx_dropped, "stats.tx_dropped"),
	KA_FROM(stats_dev_view, multicast, "stats.multicast"),
	KA_FROM(stats_dev_view, collisions, "stats.collisions"),
	KA_FROM(stats_dev_view, ops, "netdev_ops"),
	KA_MAYBE(stats_dev_view, percpu, "tstats", "lstats"),
	KA_MAYBE(stats_dev_view, core, "core_stats"),
	KA_AT_MAYBE(stats_dev_view, priv_at, "priv"),
	KA_MAYBE(stats_dev_view, kind, "pcpu_stat_type"));

struct stats_ops_view { ka_addr get64, get; };
KA_VIEW(stats_ops_view, ("net_device_ops"),
	KA_MAYBE(stats_ops_view, get64, "ndo_get_stats64"),	/* v2.6.35 */
	KA_FROM(stats_ops_view, get, "ndo_get_stats"));

/* u64_stats_t since fd2f4737870e (v5.5; lstats) and 9962acefbcb9 (v6.0; tstats). */
#define COUNT(name) name ".v.a.a.counter", name ".v.a.counter", name
struct stats_lstats_view { uint64_t packets, bytes; };
KA_VIEW(stats_lstats_view, ("pcpu_lstats"),
	KA_FROM(stats_lstats_view, packets, COUNT("packets")),
	KA_FROM(stats_lstats_view, bytes, COUNT("bytes")));

struct stats_tstats_view { uint64_t rx_packets, rx_bytes, tx_packets, tx_bytes; };
KA_VIEW(stats_tstats_view, ("pcpu_sw_netstats", "pcpu_tstats"),
	KA_FROM(stats_tstats_view, rx_packets, COUNT("rx_packets")),
	KA_FROM(stats_tstats_view, rx_bytes, COUNT("rx_bytes")),
	KA_FROM(stats_tstats_view, tx_packets, COUNT("tx_packets")),
	KA_FROM(stats_tstats_view, tx_bytes, COUNT("tx_bytes")));

struct stats_dstats_view { uint64_t rx_packets, rx_bytes, rx_drops, tx_packets, tx_bytes, tx_drops; };
KA_VIEW(stats_dstats_view, ("pcpu_dstats"),
	KA_FROM(stats_dstats_view, rx_packets, COUNT("rx_packets")),
	KA_FROM(stats_dstats_view, rx_bytes, COUNT("rx_bytes")),
	KA_FROM(stats_dstats_view, rx_drops, COUNT("rx_drops")),
	KA_FROM(stats_dstats_view, tx_packets, COUNT("tx_packets")),
	KA_FROM(stats_dstats_view, tx_bytes, COUNT("tx_bytes")),
	KA_FROM(stats_dstats_view, tx_drops, COUNT("tx_drops")));

/* Drops that the core counts for all drivers (625788b58445, v5.18); on each CPU. */
struct stats_core_view { uint64_t rx_dropped, tx_dropped; };
KA_VIEW(stats_core_view, ("net_device_core_stats"),
	KA_FROM(stats_core_view, rx_dropped, "rx_dropped.a.counter", "rx_dropped"),
	KA_FROM(stats_core_view, tx_dropped, "tx_dropped.a.counter", "tx_dropped"));

/* Before it, two counts of the device. */
struct stats_old_core_view { uint64_t rx_dropped, tx_dropped; };
KA_VIEW(stats_old_core_view, ("net_device"),
	KA_MAYBE(stats_old_core_view, rx_dropped, "rx_dropped.counter"),
	KA_MAYBE(stats_old_core_view, tx_dropped, "tx_dropped.counter"));

struct virtnet_view { ka_addr sq, rq; uint32_t queues; };
KA_VIEW(virtnet_view, ("virtnet_info@virtio_net", "virtnet_info"),
	KA_FROM(virtnet_view, sq, "sq"),
	KA_FROM(virtnet_view, rq, "rq"),
	KA_FROM(virtnet_view, queues, "max_queue_pairs"));

struct virtnet_sq_view { uint64_t packets, bytes; };
KA_VIEW(virtnet_sq_view, ("send_queue@virtio_net", "send_queue"),
	KA_FROM(virtnet_sq_view, packets, COUNT("stats.packets")),
	KA_FROM(virtnet_sq_view, bytes, COUNT("stats.bytes")));

struct virtnet_rq_view { uint64_t packets, bytes, drops; };
KA_VIEW(virtnet_rq_view, ("receive_queue@virtio_net", "receive_queue"),
	KA_FROM(virtnet_rq_view, packets, COUNT("stats.packets")),
	KA_FROM(virtnet_rq_view, bytes, COUNT("stats.bytes")),
	KA_FROM(virtnet_rq_view, drops, COUNT("stats.drops")));

enum kind { KIND_NONE, KIND_LSTATS, KIND_TSTATS, KIND_DSTATS };		/* enum netdev_stat_type */

static struct ka_error *percpu_add(struct ka_kernel *k, enum kind kind, ka_addr base, bool is_tx_only, struct ka_netdev_stats *s)
{
	struct ka_error *err = NULL;

	for (unsigned cpu = 0; !err && base && cpu < ka_cpu_count(k); cpu++) {
		struct stats_lstats_view l;
		struct stats_tstats_view t;
		struct stats_dstats_view d;
		uint64_t offset;

		err = ka_percpu_offset(k, cpu, &offset);
		if (err)
			break;
		if (kind == KIND_LSTATS) {
			err = ka_view_read(k, &ka_view_stats_lstats_view, base + offset, &l);
			if (err)
				break;
			s->tx_packets += l.packets;
			s->tx_bytes += l.bytes;
			s->rx_packets += is_tx_only ? 0 : l.packets;
			s->rx_bytes += is_tx_only ? 0 : l.bytes;
			continue;
		}
		if (kind == KIND_DSTATS) {
			err = ka_view_read(k, &ka_view_stats_dstats_view, base + offset, &d);
			if (err)
				break;
			t = (struct stats_tstats_view){ d.rx_packets, d.rx_bytes, d.tx_packets, d.tx_bytes };
			s->rx_dropped += d.rx_drops;
			s->tx_dropped += d.tx_drops;
		} else {
			err = ka_view_read(k, &ka_view_stats_tstats_view, base + offset, &t);
			if (err)
				break;
		}
		s->rx_packets += t.rx_packets;
		s->rx_bytes += t.rx_bytes;
		s->tx_packets += t.tx_packets;
		s->tx_bytes += t.tx_bytes;
	}
	return err;
}

static struct ka_error *virtnet_add(struct ka_kernel *k, ka_addr dev, const struct stats_dev_view *v, struct ka_netdev_stats *s)
{
	uint64_t size = ka_view_size(k, &ka_view_stats_dev_view);
	/* what a driver keeps lies behind the device, at the next 32 bytes (NETDEV_ALIGN), by name since v6.9 */
	ka_addr priv = v->priv_at ? v->priv_at : dev + ((size + 31) & ~31ull);
	struct virtnet_view n;
	struct ka_error *err = ka_view_read(k, &ka_view_virtnet_view, priv, &n);

	if (!err && n.queues > QUEUES_MAX)
		err = ka_error_at(KA_CORRUPT, KA_SPACE_VIRT, priv, "%u queues", n.queues);
	if (!err)
		err = ka_view_bind(k, &ka_view_virtnet_sq_view);
	if (!err)
		err = ka_view_bind(k, &ka_view_virtnet_rq_view);
	for (uint32_t i = 0; !err && i < n.queues; i++) {
		struct virtnet_sq_view sq;
		struct virtnet_rq_view rq;

		err = ka_view_read(k, &ka_view_virtnet_sq_view, n.sq + i * ka_view_size(k, &ka_view_virtnet_sq_view), &sq);
		if (!err)
			err = ka_view_read(k, &ka_view_virtnet_rq_view, n.rq + i * ka_view_size(k, &ka_view_virtnet_rq_view), &rq);
		if (err)
			break;
		s->tx_packets += sq.packets;
		s->tx_bytes += sq.bytes;
		s->rx_packets += rq.packets;
		s->rx_bytes += rq.bytes;
		s->rx_dropped += rq.drops;
	}
	return err;
}

static struct ka_error *core_add(struct ka_kernel *k, ka_addr dev, ka_addr percpu, struct ka_netdev_stats *s)
{
	struct stats_old_core_view old;
	struct ka_error *err = NULL;

	if (!ka_error_drop(ka_view_read(k, &ka_view_stats_old_core_view, dev, &old))) {
		s->rx_dropped += old.rx_dropped;
		s->tx_dropped += old.tx_dropped;
	}
	for (unsigned cpu = 0; !err && percpu && cpu < ka_cpu_count(k); cpu++) {
		struct stats_core_view c;
		uint64_t offset;

		err = ka_percpu_offset(k, cpu, &offset);
		if (!err)
			err = ka_view_read(k, &ka_view_stats_core_view, percpu + offset, &c);
		if (err)
			break;
		s->rx_dropped += c.rx_dropped;
		s->tx_dropped += c.tx_dropped;
	}
	return err;
}

static void plain_add(const struct stats_dev_view *v, struct ka_netdev_stats *s)
{
	s->rx_packets += v->rx_packets;
	s->tx_packets += v->tx_packets;
	s->rx_bytes += v->rx_bytes;
	s->tx_bytes += v->tx_bytes;
	s->rx_errors += v->rx_errors;
	s->tx_errors += v->tx_errors;
	s->rx_dropped += v->rx_dropped;
	s->tx_dropped += v->tx_dropped;
	s->multicast += v->multicast;
	s->collisions += v->collisions;
}

static bool is_named(struct ka_kernel *k, ka_addr function, const char *name)
{
	struct ka_symbol s;
	uint64_t offset;

	return ka_symbol_at(k, function, &s, &offset) && !offset && !strcmp(s.name, name);
}

struct ka_error *ka_netdev_stats_read(struct ka_kernel *k, ka_addr dev, struct ka_netdev_stats *ret)
{
	struct stats_ops_view ops = {0};
	struct stats_dev_view v;
	enum kind kind;
	struct ka_error *err = ka_view_read(k, &ka_view_stats_dev_view, dev, &v);

	*ret = (struct ka_netdev_stats){0};
	if (!err && v.ops)
		err = ka_view_read(k, &ka_view_stats_ops_view, v.ops, &ops);
	if (err)
		return err;
	kind = KA_HAS(k, stats_dev_view, kind) && v.kind <= KIND_DSTATS ? (enum kind)v.kind : KIND_NONE;
	if (!ops.get64 && ops.get)
		return NULL;
	if (!ops.get64) {
		plain_add(&v, ret);
		/* the core sums up what is on the CPUs where no function of the driver does */
		err = kind == KIND_TSTATS || kind == KIND_DSTATS ? percpu_add(k, kind, v.percpu, false, ret) : NULL;
	} else if (is_named(k, ops.get64, "dev_get_tstats64") || is_named(k, ops.get64, "ip_tunnel_get_stats64")) {
		plain_add(&v, ret);
		err = percpu_add(k, KIND_TSTATS, v.percpu, false, ret);
	} else if (is_named(k, ops.get64, "loopback_get_stats64")) {
		err = percpu_add(k, KIND_LSTATS, v.percpu, false, ret);
	} else if (is_named(k, ops.get64, "dummy_get_stats64")) {
		err = percpu_add(k, KIND_LSTATS, v.percpu, true, ret);
	} else if (is_named(k, ops.get64, "virtnet_stats")) {
		err = virtnet_add(k, dev, &v, ret);
		ret->rx_errors += v.rx_errors;
		ret->tx_dropped += v.tx_dropped;
	} else {
		return NULL;
	}
	if (!err)
		err = core_add(k, dev, v.core, ret);
	/* a kernel or module whose types are not known */
	if (ka_error_catch(&err, KA_MISSING))
		return NULL;
	ret->is_known = !err;
	return err;
}
