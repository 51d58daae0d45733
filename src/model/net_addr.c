/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* IPv4 and IPv6 addresses of network devices. */
#include <arpa/inet.h>
#include <inttypes.h>
#include <kanalyze/net.h>
#include <kanalyze/view.h>

#define ADDRS_MAX (1u << 20)	/* of one device and family */

struct in_device_view { ka_addr list; };
KA_VIEW(in_device_view, ("in_device"), KA_FROM(in_device_view, list, "ifa_list"));

struct ifaddr_view { struct ka_netaddr a; ka_addr next; };
KA_VIEW(ifaddr_view, ("in_ifaddr"),
	KA_FROM(ifaddr_view, next, "ifa_next"),
	KA_FROM(ifaddr_view, a.local, "ifa_local"),
	KA_FROM(ifaddr_view, a.peer, "ifa_address"),
	KA_FROM(ifaddr_view, a.broadcast, "ifa_broadcast"),
	KA_FROM(ifaddr_view, a.scope, "ifa_scope"),
	KA_FROM(ifaddr_view, a.flags, "ifa_flags"),
	KA_FROM(ifaddr_view, a.prefix_len, "ifa_prefixlen"),
	KA_FROM(ifaddr_view, a.label, "ifa_label"));

struct inet6_dev_view { ka_addr list_at; };
KA_VIEW(inet6_dev_view, ("inet6_dev"), KA_AT(inet6_dev_view, list_at, "addr_list"));

struct ifaddr6_view { struct ka_netaddr a; ka_addr next, list_at; uint16_t scope6; };
KA_VIEW(ifaddr6_view, ("inet6_ifaddr"),
	KA_FROM(ifaddr6_view, a.local, "addr"),
	KA_MAYBE(ifaddr6_view, a.peer, "peer_addr"),		/* caeda9b926a2, v3.10 */
	KA_FROM(ifaddr6_view, a.prefix_len, "prefix_len"),
	KA_FROM(ifaddr6_view, a.flags, "flags"),
	KA_FROM(ifaddr6_view, scope6, "scope"),
	KA_AT_MAYBE(ifaddr6_view, list_at, "if_list"),		/* 502a2ffd7376, v2.6.35 */
	KA_MAYBE(ifaddr6_view, next, "if_next"));

const char *ka_ip_text(struct ka_arena *a, uint16_t family, const uint8_t *bytes)
{
	char text[INET6_ADDRSTRLEN] = "";

	inet_ntop(family == KA_AF_INET6 ? AF_INET6 : AF_INET, bytes, text, sizeof(text));
	return ka_strdup(a, text);
}

const char *ka_ip_scope_name(uint8_t scope)
{
	switch (scope) {
	case 0: return "global";
	case 200: return "site";
	case 253: return "link";
	case 254: return "host";
	case 255: return "nowhere";
	default: return NULL;
	}
}

/* IFA_HOST, IFA_LINK, IFA_SITE as RT_SCOPE_*. */
static uint8_t scope_of(uint16_t scope6)
{
	return scope6 & 0x10 ? 254 : scope6 & 0x20 ? 253 : scope6 & 0x40 ? 200 : 0;
}

struct addrs { KA_VEC(struct ka_netaddr); };

static struct ka_error *v4_read(struct ka_kernel *k, ka_addr in_device, struct addrs *found)
{
	static const uint8_t none[4];
	struct in_device_view d;
	struct ka_error *err = ka_view_read(k, &ka_view_in_device_view, in_device, &d);
	struct ka_walk w;

	if (!err)
		err = ka_view_bind(k, &ka_view_ifaddr_view);
	if (err || !d.list)
		return err;
	w = ka_walk_chain(k, &(struct ka_chain){ .start = d.list, .next = KA_OFFSET(k, ifaddr_view, next) });
	w.limit = ADDRS_MAX;
	for (ka_addr at; ka_walk_next(&w, &at); ) {
		struct ifaddr_view v = {0};

		err = ka_view_read(k, &ka_view_ifaddr_view, at, &v);
		if (err) {
			ka_walk_fault(&w, err);
			continue;
		}
		v.a.addr = at;
		v.a.family = KA_AF_INET;
		v.a.has_peer = memcmp(v.a.local, v.a.peer, 4) != 0;
		v.a.has_broadcast = memcmp(v.a.broadcast, none, 4) != 0;
		v.a.label[sizeof(v.a.label) - 1] = 0;
		ka_vec_push(found, v.a);
	}
	return ka_error_wrap(ka_walk_end(&w), "addresses of the in_device at 0x%" PRIx64, in_device);
}

static struct ka_error *v6_read(struct ka_kernel *k, ka_addr inet6_dev, struct addrs *found)
{
	static const uint8_t none[16];
	struct ka_error *err = ka_view_bind(k, &ka_view_inet6_dev_view);
	struct ka_walk w;
	ka_addr list, first;

	if (!err)
		err = ka_view_bind(k, &ka_view_ifaddr6_view);
	if (err)
		return err;
	list = inet6_dev + KA_OFFSET(k, inet6_dev_view, list_at);
	if (KA_HAS(k, ifaddr6_view, list_at)) {
		w = ka_walk_list(k, list, KA_OFFSET(k, ifaddr6_view, list_at));
	} else {
		err = ka_read_ulong(k, list, &first);
		if (err || !first)
			return err;
		w = ka_walk_chain(k, &(struct ka_chain){ .start = first, .next = KA_OFFSET(k, ifaddr6_view, next) });
	}
	w.limit = ADDRS_MAX;
	for (ka_addr at; ka_walk_next(&w, &at); ) {
		struct ifaddr6_view v = {0};

		err = ka_view_read(k, &ka_view_ifaddr6_view, at, &v);
		if (err) {
			ka_walk_fault(&w, err);
			continue;
		}
		v.a.addr = at;
		v.a.family = KA_AF_INET6;
		v.a.scope = scope_of(v.scope6);
		v.a.has_peer = memcmp(v.a.peer, none, 16) != 0;
		ka_vec_push(found, v.a);
	}
	return ka_error_wrap(ka_walk_end(&w), "addresses of the inet6_dev at 0x%" PRIx64, inet6_dev);
}

struct ka_error *ka_netaddrs_read(struct ka_kernel *k, const struct ka_netdev *dev, struct ka_arena *a, struct ka_netaddr **ret,
				  size_t *ret_count)
{
	struct addrs found = {0};
	struct ka_error *err = dev->in_device ? v4_read(k, dev->in_device, &found) : NULL;
	struct ka_error *err6 = dev->inet6_dev ? v6_read(k, dev->inet6_dev, &found) : NULL;

	*ret = ka_alloc(a, found.n * sizeof(**ret) + 1);
	if (found.n)
		memcpy(*ret, found.at, found.n * sizeof(**ret));
	*ret_count = found.n;
	ka_vec_free(&found);
	if (err && err6)
		ka_error_free(err6);
	return ka_error_wrap(err ? err : err6, "%s", dev->name);
}
