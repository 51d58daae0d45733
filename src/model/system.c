/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The machine as a whole: names, load, memory, speed. */
#include <inttypes.h>
#include <kanalyze/symbol.h>
#include <kanalyze/system.h>
#include <kanalyze/view.h>

#define NODES_MAX 4096		/* MAX_NUMNODES is 1024 at most */

KA_VIEW(ka_utsname, ("uts_namespace"),		/* 071df104f808, v2.6.19 */
	KA_FROM(ka_utsname, sysname, "name.sysname"),
	KA_FROM(ka_utsname, nodename, "name.nodename"),
	KA_FROM(ka_utsname, release, "name.release"),
	KA_FROM(ka_utsname, version, "name.version"),
	KA_FROM(ka_utsname, machine, "name.machine"),
	KA_FROM(ka_utsname, domainname, "name.domainname"));

static void terminate(struct ka_utsname *u)
{
	char *const strings[] = { u->sysname, u->nodename, u->release, u->version, u->machine, u->domainname };

	for (size_t i = 0; i < KA_COUNT(strings); i++)
		strings[i][sizeof(u->sysname) - 1] = 0;
}

struct ka_error *ka_utsname(struct ka_kernel *k, struct ka_utsname *ret)
{
	struct ka_symbol s;
	struct ka_error *err;

	*ret = (struct ka_utsname){0};
	if (ka_symbol_lookup(k, "init_uts_ns", &s))
		err = ka_view_read(k, &ka_view_ka_utsname, s.addr, ret);
	else if (ka_symbol_lookup(k, "system_utsname", &s))
		err = ka_read(k, s.addr, ret, sizeof(*ret));	/* struct new_utsname, user-space ABI: the same six strings */
	else
		err = ka_error_new(KA_MISSING, "this kernel has neither init_uts_ns nor system_utsname");
	terminate(ret);
	return ka_error_wrap(err, "cannot read the names of the system");
}

struct ka_error *ka_load_average(struct ka_kernel *k, double ret[3])
{
	struct ka_symbol s;
	unsigned word = ka_long_size(k);

	if (!ka_symbol_lookup(k, "avenrun", &s))
		return ka_error_new(KA_MISSING, "this kernel has no symbol avenrun");
	for (unsigned i = 0; i < 3; i++) {
		uint64_t fixed;
		struct ka_error *err = ka_read_ulong(k, s.addr + i * word, &fixed);

		if (err)
			return ka_error_wrap(err, "cannot read the load average");
		/* Fixed point with 11 bits; rounded and cut to two digits as /proc/loadavg does. */
		fixed += (1 << 11) / 200;
		ret[i] = (double)(fixed >> 11) + (double)((fixed & 2047) * 100 >> 11) / 100;
	}
	return NULL;
}

struct node {
	ka_addr present_pages_at;
};
KA_VIEW(node, ("pglist_data"),
	/* By its address: the zones before it make the struct larger than a view cares to read. */
	KA_AT(node, present_pages_at, "node_present_pages"));

static struct ka_error *node_add(struct ka_kernel *k, ka_addr at, uint64_t *pages)
{
	struct node n;
	uint64_t present = 0;
	struct ka_error *err = ka_view_read(k, &ka_view_node, at, &n);

	if (!err)
		err = ka_read_ulong(k, n.present_pages_at, &present);
	*pages += present;
	return err;
}

struct ka_error *ka_memory_total(struct ka_kernel *k, uint64_t *ret_bytes)
{
	struct ka_error *err = NULL;
	struct ka_symbol s;
	uint64_t pages = 0;
	unsigned word = ka_long_size(k);

	*ret_bytes = 0;
	/* NUMA kernels have an array of pointers, others one struct. Nodes that are not there have no pages. */
	if (ka_symbol_lookup(k, "node_data", &s)) {
		for (uint64_t i = 0; i < KA_MIN(s.size / word, (uint64_t)NODES_MAX) && !err; i++) {
			ka_addr at;

			err = ka_read_ulong(k, s.addr + i * word, &at);
			if (!err && at)
				err = node_add(k, at, &pages);
		}
	} else if (ka_symbol_lookup(k, "contig_page_data", &s)) {
		err = node_add(k, s.addr, &pages);
	} else {
		err = ka_error_new(KA_MISSING, "this kernel has neither node_data nor contig_page_data");
	}
	*ret_bytes = pages * ka_page_size(k);
	return ka_error_wrap(err, "cannot tell the size of memory");
}

double ka_cpu_mhz(struct ka_kernel *k)
{
	struct ka_symbol s;
	uint32_t khz;

	/* x86: cpu_khz. aarch64 and others do not keep it. */
	if (!ka_symbol_lookup(k, "cpu_khz", &s) || ka_error_drop(ka_read_u32(k, s.addr, &khz)))
		return 0;
	return khz / 1000.0;
}
