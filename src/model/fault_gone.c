/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a module left behind when it went: objects in well-known lists of the kernel that lie where it was, or point there. Each list is walked
 * once, and bounded; of a damaged one what can be reached is told.
 */
#include <inttypes.h>
#include <kanalyze/module.h>
#include <kanalyze/regions.h>
#include <kanalyze/symbol.h>
#include <kanalyze/task.h>
#include <kanalyze/text.h>
#include <kanalyze/type.h>
#include <kanalyze/view.h>
#include <kanalyze/walk.h>
#include "fault.h"
#include "kernel.h"

#define OBJECTS_MAX	100000		/* of one list, and entries of proc */
#define PROC_DEPTH_MAX	32
#define HEADS_MAX	4096		/* of a hash table */

struct left {
	struct ka_kernel *k;
	struct ka_arena *a;
	const char **notes;
	size_t count, max;
	unsigned objects;		/* looked at in the list that is walked */
	struct ka_region modules;
};

static bool is_gone(const struct left *l, ka_addr at)
{
	if (at < l->modules.start || (l->modules.end && at >= l->modules.end) || ka_module_at(l->k, at))
		return false;
	/* BPF, kprobes' and ftrace's own pages lie there as well */
	return !ka_is_text(l->k, at);
}

bool ka_fault_is_gone(struct ka_kernel *k, ka_addr at)
{
	struct left l = { .k = k };

	return at && ka_region_find(k, KA_REGION_MODULES, &l.modules) && is_gone(&l, at);
}

static void note(struct left *l, const char *text)
{
	if (text && l->count < l->max)
		l->notes[l->count++] = text;
}

enum form { LIST, LIST_TABLE, HLIST_TABLE, CHAIN, NOTIFIERS, POINTERS };

/* Lists by the symbol of their head; link: of the list in the object; pointers: members to look at. */
static const struct {
	const char *what, *symbol, *type, *link, *pointers[4];
	enum form form;
} registries[] = {
	{ "kmem_cache", "slab_caches", "kmem_cache", "list", { "name", "ctor" }, LIST },
	{ "kmem_cache", "cache_chain", "kmem_cache", "list", { "name", "ctor" }, LIST },	/* before 18004c5d4084, v3.6 */
	{ "kprobe", "kprobe_table", "kprobe", "hlist", { "addr", "pre_handler", "post_handler" }, HLIST_TABLE },
	{ "packet type", "ptype_all", "packet_type", "list", { "func" }, LIST },		/* of each net since c2bda9bef96b, v6.16 */
	{ "packet type", "ptype_base", "packet_type", "list", { "func" }, LIST_TABLE },
	{ "file system", "file_systems", "file_system_type", "next", { "name", "owner", "init_fs_context", "mount" }, CHAIN },
	{ "misc device", "misc_list", "miscdevice", "list", { "name", "fops" }, LIST },
	{ "format of programs", "formats", "linux_binfmt", "lh", { "module", "load_binary" }, LIST },
	{ "shrinker", "shrinker_list", "shrinker", "list", { "count_objects", "scan_objects" }, LIST },
	{ "kind of link", "link_ops", "rtnl_link_ops", "list", { "kind", "setup", "newlink" }, LIST },
	{ "console", "console_list", "console", "node", { "write", "data" }, LIST },
	{ "console", "console_drivers", "console", "next", { "write" }, CHAIN },		/* before 4dc64682ad12, v6.2 */
	{ "kind of socket", "net_families", NULL, NULL, { NULL }, POINTERS },
	{ "protocol", "inet_protos", NULL, NULL, { NULL }, POINTERS },
	{ "protocol of IPv6", "inet6_protos", NULL, NULL, { NULL }, POINTERS },
	{ "protocol", "proto_list", "proto", "node", { "owner", "close" }, LIST },
	{ "call-back of suspend", "syscore_ops_list", "syscore_ops", "node", { "suspend", "resume", "shutdown" }, LIST },
	{ "notifier", "panic_notifier_list", "notifier_block", "next", { "notifier_call" }, NOTIFIERS },
	{ "notifier", "reboot_notifier_list", "notifier_block", "next", { "notifier_call" }, NOTIFIERS },
	{ "notifier", "die_chain", "notifier_block", "next", { "notifier_call" }, NOTIFIERS },
	{ "notifier", "module_notify_list", "notifier_block", "next", { "notifier_call" }, NOTIFIERS },
	{ "notifier", "oom_notify_list", "notifier_block", "next", { "notifier_call" }, NOTIFIERS },
	{ "notifier", "netdev_chain", "notifier_block", "next", { "notifier_call" }, NOTIFIERS },
	{ "notifier", "inetaddr_chain", "notifier_block", "next", { "notifier_call" }, NOTIFIERS },
	{ "notifier", "inet6addr_chain", "notifier_block", "next", { "notifier_call" }, NOTIFIERS },
	{ "notifier", "netevent_notif_chain", "notifier_block", "next", { "notifier_call" }, NOTIFIERS },
	{ "notifier", "netlink_chain", "notifier_block", "next", { "notifier_call" }, NOTIFIERS },
	{ "notifier", "keyboard_notifier_list", "notifier_block", "next", { "notifier_call" }, NOTIFIERS },
	{ "notifier", "vt_notifier_list", "notifier_block", "next", { "notifier_call" }, NOTIFIERS },
	{ "notifier", "pm_chain_head", "notifier_block", "next", { "notifier_call" }, NOTIFIERS },
	{ "notifier", "cpu_pm_notifier", "notifier_block", "next", { "notifier_call" }, NOTIFIERS },
	{ "notifier", "restart_handler_list", "notifier_block", "next", { "notifier_call" }, NOTIFIERS },
	{ "notifier", "crypto_chain", "notifier_block", "next", { "notifier_call" }, NOTIFIERS },
	{ "notifier", "acpi_bus_notify_list", "notifier_block", "next", { "notifier_call" }, NOTIFIERS },
	{ "notifier", "memory_chain", "notifier_block", "next", { "notifier_call" }, NOTIFIERS },
	{ "notifier", "task_exit_notifier", "notifier_block", "next", { "notifier_call" }, NOTIFIERS },
	{ "notifier", "cpufreq_transition_notifier_list", "notifier_block", "next", { "notifier_call" }, NOTIFIERS },
	{ "notifier", "cpufreq_policy_notifier_list", "notifier_block", "next", { "notifier_call" }, NOTIFIERS },
	{ "notifier", "usb_notifier_list", "notifier_block", "next", { "notifier_call" }, NOTIFIERS },
};

/* One object: does it lie there, or point there? False: it does lie there, and what comes behind it cannot be known. */
static bool check(struct left *l, const char *what, const char *list, ka_addr at, const char *type, const char *const *pointers, size_t max)
{
	uint64_t offset, v;

	l->objects++;
	if (is_gone(l, at)) {
		note(l, ka_printf(l->a, "%s 0x%" PRIx64 "%s%s lies in a module that is gone", what, at, list ? " of " : "", list ? list : ""));
		return false;
	}
	for (size_t i = 0; i < max && pointers[i]; i++)
		if (!ka_error_drop(ka_type_offset(l->k, type, pointers[i], &offset)) && !ka_error_drop(ka_read_ulong(l->k, at + offset, &v)) && is_gone(l, v))
			note(l, ka_printf(l->a, "the %s of %s 0x%" PRIx64 "%s%s (at 0x%" PRIx64 ") lies in a module that is gone",
					  strcmp(pointers[i], "ctor") ? pointers[i] : "constructor", what, at, list ? " of " : "", list ? list : "", v));
	return true;
}

static void walk(struct left *l, struct ka_walk w, const char *what, const char *list, const char *type, const char *const *pointers, size_t max)
{
	w.limit = OBJECTS_MAX;
	for (ka_addr at; l->count < l->max && ka_walk_next(&w, &at);)
		if (!check(l, what, list, at, type, pointers, max))
			break;
	ka_error_drop(ka_walk_end(&w));
}

static void chain(struct left *l, size_t i, ka_addr head, uint64_t next)
{
	ka_addr at;

	for (unsigned n = 0; n < OBJECTS_MAX && l->count < l->max && !ka_interrupted(); n++, head = at + next)
		if (ka_error_drop(ka_read_ulong(l->k, head, &at)) || !ka_is_kernel_addr(l->k, at) ||
		    !check(l, registries[i].what, registries[i].symbol, at, registries[i].type, registries[i].pointers, KA_COUNT(registries[i].pointers)))
			break;
}

/* Where the first notifier is: all heads have a lock before it but the raw one. Told by what is a pointer to one with a function. */
static bool first_notifier(struct left *l, const struct ka_symbol *s, ka_addr *ret)
{
	static const char *const heads[] = { "raw_notifier_head", "atomic_notifier_head", "blocking_notifier_head", "srcu_notifier_head" };
	uint64_t size, offset;

	for (size_t i = 0; i < KA_COUNT(heads); i++)
		if (!ka_error_drop(ka_type_size(l->k, heads[i], &size)) && size == s->size && !ka_error_drop(ka_type_offset(l->k, heads[i], "head", &offset))) {
			*ret = s->addr + offset;
			return true;
		}
	return false;
}

static void registry(struct left *l, size_t i)
{
	const char *const *pointers = registries[i].pointers;
	/* all slab caches are in one list, which needs no name */
	const char *list = strcmp(registries[i].what, "kmem_cache") ? registries[i].symbol : NULL;
	unsigned word = ka_long_size(l->k);
	struct ka_symbol s;
	uint64_t link = 0;
	ka_addr at;

	l->objects = 0;
	if (!ka_symbol_lookup(l->k, registries[i].symbol, &s) ||
	    (registries[i].link && ka_error_drop(ka_type_offset(l->k, registries[i].type, registries[i].link, &link))))
		return;
	switch (registries[i].form) {
	case LIST:
		walk(l, ka_walk_list(l->k, s.addr, link), registries[i].what, list, registries[i].type, pointers, KA_COUNT(registries[i].pointers));
		break;
	case LIST_TABLE: case HLIST_TABLE:
		for (uint64_t n = 0, step = registries[i].form == LIST_TABLE ? 2 * word : word; n < HEADS_MAX && (n + 1) * step <= s.size; n++)
			walk(l, registries[i].form == LIST_TABLE ? ka_walk_list(l->k, s.addr + n * step, link) : ka_walk_hlist(l->k, s.addr + n * step, link),
			     registries[i].what, registries[i].symbol, registries[i].type, pointers, KA_COUNT(registries[i].pointers));
		break;
	case CHAIN:
		chain(l, i, s.addr, link);
		break;
	case NOTIFIERS:
		if (first_notifier(l, &s, &at))
			chain(l, i, at, link);
		break;
	case POINTERS:
		for (uint64_t n = 0; n < HEADS_MAX && (n + 1) * word <= s.size; n++)
			if (!ka_error_drop(ka_read_ulong(l->k, s.addr + n * word, &at)) && at)
				check(l, registries[i].what, registries[i].symbol, at, NULL, NULL, 0);
		break;
	}
	ka_log(2, "left by modules: %u of %s", l->objects, registries[i].symbol);
}

/* ---- what CPUs have ---- */

/* The timer wheel of 494fd7b7ad10^ (v4.8); before, nothing is looked at. */
static void timers(struct left *l, unsigned cpu)
{
	static const char *const pointers[] = { "function" };
	struct ka_symbol s;
	struct ka_member m;
	uint64_t size, link;
	ka_addr base;

	if (!ka_symbol_lookup(l->k, "timer_bases", &s) || ka_error_drop(ka_type_size(l->k, "timer_base", &size)) || !size ||
	    ka_error_drop(ka_type_member(l->k, "timer_base", "vectors", &m)) || ka_error_drop(ka_type_offset(l->k, "timer_list", "entry", &link)) ||
	    ka_error_drop(ka_percpu_addr(l->k, "timer_bases", cpu, &base)))
		return;
	for (uint64_t b = 0; b < s.size / size && b < 8; b++) {
		for (uint64_t v = 0; v < m.size / 8 && v < HEADS_MAX && !ka_interrupted(); v++) {
			ka_addr head = base + b * size + m.offset + 8 * v, first;

			if (!ka_error_drop(ka_read_ulong(l->k, head, &first)) && first)
				walk(l, ka_walk_hlist(l->k, head, link), "timer", "timer_bases", "timer_list", pointers, 1);
		}
	}
}

static void hrtimers(struct left *l, unsigned cpu)
{
	static const char *const pointers[] = { "function" };
	struct ka_member clocks;
	uint64_t size, root, link;
	ka_addr base;

	if (ka_error_drop(ka_type_member(l->k, "hrtimer_cpu_base", "clock_base", &clocks)) || ka_error_drop(ka_type_size(l->k, "hrtimer_clock_base", &size)) || !size ||
	    (ka_error_drop(ka_type_offset(l->k, "hrtimer_clock_base", "active.rb_root.rb_root", &root)) &&	/* 511885d7061e, v5.4 */
	     ka_error_drop(ka_type_offset(l->k, "hrtimer_clock_base", "active.head", &root))) ||
	    ka_error_drop(ka_type_offset(l->k, "hrtimer", "node.node", &link)) || ka_error_drop(ka_percpu_addr(l->k, "hrtimer_bases", cpu, &base)))
		return;
	for (uint64_t i = 0; i < clocks.size / size && i < 16; i++)
		walk(l, ka_walk_rbtree(l->k, base + clocks.offset + i * size + root, link), "hrtimer", "hrtimer_bases", "hrtimer", pointers, 1);
}

static void works(struct left *l, unsigned cpu)
{
	static const char *const pointers[] = { "func" };
	uint64_t size, list, link;
	struct ka_symbol s;
	ka_addr base;

	if (!ka_symbol_lookup(l->k, "cpu_worker_pools", &s) || ka_error_drop(ka_type_size(l->k, "worker_pool", &size)) || !size ||
	    ka_error_drop(ka_type_offset(l->k, "worker_pool", "worklist", &list)) || ka_error_drop(ka_type_offset(l->k, "work_struct", "entry", &link)) ||
	    ka_error_drop(ka_percpu_addr(l->k, "cpu_worker_pools", cpu, &base)))
		return;
	for (uint64_t i = 0; i < s.size / size && i < 8; i++)
		walk(l, ka_walk_list(l->k, base + i * size + list, link), "work item", "the queue of a CPU", "work_struct", pointers, 1);
}

/* ---- /proc ---- */

struct gone_proc { ka_addr subdir_at, node_at; };
/* the tree: 710585d4922f, v3.19; before, a list */
KA_VIEW(gone_proc, ("proc_dir_entry"), KA_AT(gone_proc, subdir_at, "subdir.rb_node"), KA_AT(gone_proc, node_at, "subdir_node"));

static void proc(struct left *l, ka_addr dir, unsigned depth)
{
	/* proc_ops: d56c0d45f0e2, v5.6 */
	static const char *const pointers[] = { "proc_ops", "proc_fops", "proc_iops", "proc_dir_ops" };
	struct ka_walk w = ka_walk_rbtree(l->k, dir + KA_OFFSET(l->k, gone_proc, subdir_at), KA_OFFSET(l->k, gone_proc, node_at));

	w.limit = OBJECTS_MAX;
	for (ka_addr at; l->count < l->max && l->objects < OBJECTS_MAX && ka_walk_next(&w, &at);)
		if (check(l, "entry", "/proc", at, "proc_dir_entry", pointers, KA_COUNT(pointers)) && depth < PROC_DEPTH_MAX)
			proc(l, at, depth + 1);
	ka_error_drop(ka_walk_end(&w));
}

size_t ka_fault_left(struct ka_kernel *k, struct ka_arena *a, const char **notes, size_t max)
{
	struct left l = { .k = k, .a = a, .notes = notes, .max = max };
	struct ka_symbol s;

	if (!ka_region_find(k, KA_REGION_MODULES, &l.modules))
		return 0;
	for (size_t i = 0; i < KA_COUNT(registries) && l.count < max && !ka_interrupted(); i++)
		registry(&l, i);
	for (unsigned cpu = 0; cpu < ka_cpu_count(k) && l.count < max && !ka_interrupted(); cpu++) {
		l.objects = 0;
		timers(&l, cpu);
		hrtimers(&l, cpu);
		works(&l, cpu);
		ka_log(2, "left by modules: %u timers and work items of CPU %u", l.objects, cpu);
	}
	l.objects = 0;
	if (ka_symbol_lookup(k, "proc_root", &s) && !ka_error_drop(ka_view_bind(k, &ka_view_gone_proc)))
		proc(&l, s.addr, 0);
	ka_log(2, "left by modules: %u entries of /proc", l.objects);
	return l.count;
}
