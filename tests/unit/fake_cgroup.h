/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Control groups of fake_kernel.c before kernfs: 2.6.32 (GENERATION 206) has the names in dentries and counts memory in bytes, 3.10 (310)
 * has copies of the names. Two hierarchies of v1; t100 is in /lab.slice/one of the first and at the top of the second.
 */
#define SUBSYS_COUNT 2
enum cgroup_subsys_id { cpu_cgroup_subsys_id, mem_cgroup_subsys_id, CGROUP_SUBSYS_COUNT } fake_subsys_ids;

struct cgroup;
struct cgroupfs_root;
struct cgroup_subsys_state { struct cgroup *cgroup; atomic_t refcnt; ulong flags; };
#if GENERATION == 310
struct cgroup_name { void *rcu[2]; char name[16]; };
#endif
struct qstr { unsigned hash, len; const unsigned char *name; };
struct inode;
struct super_block;
struct hlist_bl_node { struct hlist_bl_node *next, **pprev; };
struct dentry {
	unsigned d_flags;
	struct hlist_bl_node d_hash;
	struct dentry *d_parent;
	struct qstr d_name;
	struct inode *d_inode;
	void *d_op;
	struct super_block *d_sb;
	void *d_fsdata;
};
struct cgroup {
	ulong flags;
	atomic_t count;
	struct list_head sibling, children;
	struct cgroup *parent;
	struct dentry *dentry;
#if GENERATION == 310
	struct cgroup_name *name;
#endif
	struct cgroup_subsys_state *subsys[CGROUP_SUBSYS_COUNT];
	struct cgroupfs_root *root;
	struct list_head css_sets;
};
struct cgroupfs_root {
	struct super_block *sb;
#if GENERATION == 206
	ulong subsys_bits;
#else
	ulong subsys_mask;
#endif
	int hierarchy_id;
	struct cgroup top_cgroup;
	struct list_head root_list;
	char release_agent_path[4096], name[64];
};
struct css_set { atomic_t refcount; struct list_head tasks, cg_links; };
struct cg_cgroup_link { struct list_head cgrp_link_list; struct cgroup *cgrp; struct list_head cg_link_list; struct css_set *cg; };
struct cgroup_subsys { int subsys_id; const char *name; };
#if GENERATION == 206
struct mem_cgroup { struct cgroup_subsys_state css; struct { u64 usage, max_usage, limit; } res; };
#define MEMCG(cg, pages, max) { .css = { .cgroup = (cg) }, .res = { .usage = (pages) * 4096ull, .limit = (max) ? (max) * 4096ull : ~0ull >> 1 } }
#define NAME(n)
#define DENTRY(n, up) struct dentry d_##n = { .d_parent = (up), .d_name = { 0, sizeof(#n) - 1, (const unsigned char *)#n } };
#define DENTRY_OF(n) .dentry = &d_##n,
#else
struct mem_cgroup { struct cgroup_subsys_state css; struct { struct { atomic_long_t count; ulong limit; } memory; }; };
#define MEMCG(cg, pages, max_) { .css = { .cgroup = (cg) }, .memory = { { pages }, (max_) ? (max_) : 0x7fffffffffffffull } }
#define DENTRY(n, up) struct cgroup_name d_##n = { .name = #n };
#define DENTRY_OF(n) .name = &d_##n,
#endif

extern struct cgroup g_slice, g_one, g_two;
extern struct cgroupfs_root hierarchy1, hierarchy2;
DENTRY(slice, &d_slice)
DENTRY(one, &d_slice)
DENTRY(two, &d_slice)
struct mem_cgroup memory_one = MEMCG(&g_one, 7, 100), memory_two = MEMCG(&g_two, 9, 0);
struct cgroup g_slice = { .sibling = { &hierarchy1.top_cgroup.children, &hierarchy1.top_cgroup.children }, .children = { &g_one.sibling, &g_two.sibling },
	.parent = &hierarchy1.top_cgroup, DENTRY_OF(slice) .root = &hierarchy1 };
struct cgroup g_one = { .sibling = { &g_two.sibling, &g_slice.children }, .children = { &g_one.children, &g_one.children }, .parent = &g_slice,
	DENTRY_OF(one) .subsys = { [mem_cgroup_subsys_id] = &memory_one.css }, .root = &hierarchy1 };
struct cgroup g_two = { .sibling = { &g_slice.children, &g_one.sibling }, .children = { &g_two.children, &g_two.children }, .parent = &g_slice,
	DENTRY_OF(two) .subsys = { [mem_cgroup_subsys_id] = &memory_two.css }, .root = &hierarchy1 };

static struct list_head roots = { &hierarchy1.root_list, &hierarchy2.root_list };
#if GENERATION == 206
#define MASK(m) .subsys_bits = (m)
#else
#define MASK(m) .subsys_mask = (m)
#endif
struct cgroupfs_root hierarchy1 = { MASK(3), .hierarchy_id = 1, .top_cgroup = { .children = { &g_slice.sibling, &g_slice.sibling }, .root = &hierarchy1 },
	.root_list = { &hierarchy2.root_list, &roots } };
struct cgroupfs_root hierarchy2 = { .hierarchy_id = 2, .top_cgroup = { .children = { &hierarchy2.top_cgroup.children, &hierarchy2.top_cgroup.children },
	.root = &hierarchy2 }, .root_list = { &roots, &hierarchy1.root_list }, .name = "systemd" };
static struct cgroup_subsys cpu_subsys = { cpu_cgroup_subsys_id, "cpu" }, mem_subsys = { mem_cgroup_subsys_id, "memory" };
static struct cgroup_subsys *subsys[CGROUP_SUBSYS_COUNT] = { &cpu_subsys, &mem_subsys };

extern struct css_set set100;
struct cg_cgroup_link link_one, link_top;
struct cg_cgroup_link link_one = { .cgrp = &g_one, .cg_link_list = { &link_top.cg_link_list, &set100.cg_links }, .cg = &set100 };
struct cg_cgroup_link link_top = { .cgrp = &hierarchy2.top_cgroup, .cg_link_list = { &set100.cg_links, &link_one.cg_link_list }, .cg = &set100 };
struct css_set set100 = { .cg_links = { &link_one.cg_link_list, &link_top.cg_link_list } };
void *const fake_cgroup_used[] = { &roots, subsys };
