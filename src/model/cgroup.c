/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Control groups, as kernel/cgroup/cgroup.c keeps them: since v3.15 their names are those of kernfs, before that their own. */
#include <inttypes.h>
#include <kanalyze/cgroup.h>
#include <kanalyze/variable.h>
#include <kanalyze/vfs.h>
#include <kanalyze/view.h>
#include <kanalyze/walk.h>
#include "kernel.h"

#define ROOTS_MAX 64
#define CGROUPS_MAX (1u << 20)
#define DEPTH_MAX 256
#define SUBSYS_MAX 32		/* subsys_mask has as many bits */

struct cgroup_root_view {
	uint32_t subsys_mask;
	int32_t hierarchy_id;
	ka_addr cgrp_at, root_list_at, subsys_list_at;
	char name[64];
};
/* Renamed in 3dd06ffa9df3, v3.15 */
KA_VIEW(cgroup_root_view, ("cgroup_root", "cgroupfs_root"),
	KA_FROM(cgroup_root_view, subsys_mask, "subsys_mask", "subsys_bits"),	/* a1a71b45a66f, v3.7 */
	KA_FROM(cgroup_root_view, hierarchy_id, "hierarchy_id"),
	KA_AT(cgroup_root_view, cgrp_at, "cgrp", "top_cgroup"),
	KA_AT(cgroup_root_view, root_list_at, "root_list"),
	KA_AT_MAYBE(cgroup_root_view, subsys_list_at, "subsys_list"),	/* RHEL 6 and 7 have it */
	KA_FROM(cgroup_root_view, name, "name"));

struct cgroup_view {
	ka_addr kn, name, dentry, root, memory_css, pids_css;
	ka_addr children_at, sibling_at, parent;
};
KA_VIEW(cgroup_view, ("cgroup"),
	KA_MAYBE(cgroup_view, kn, "kn"),			/* 2bd59d48ebfb, v3.15 */
	KA_MAYBE(cgroup_view, name, "name"),	/* 65dff759d294, v3.10: a copy of the name that the dentry has */
	KA_MAYBE(cgroup_view, dentry, "dentry"),
	KA_FROM(cgroup_view, root, "root"),
	/* its own css has what links the tree since d5c419b68e36, v3.16 */
	KA_AT(cgroup_view, children_at, "self.children", "children"),
	KA_AT_MAYBE(cgroup_view, sibling_at, "sibling"),
	KA_FROM(cgroup_view, parent, "self.parent", "parent"),
	/* a controller that is not built in has no such enumerator; named otherwise until 073219e995b4, v3.15 */
	KA_MAYBE(cgroup_view, memory_css, "subsys[memory_cgrp_id]", "subsys[mem_cgroup_subsys_id]"),
	KA_MAYBE(cgroup_view, pids_css, "subsys[pids_cgrp_id]", "subsys[pids_subsys_id]"));

struct css_view {
	ka_addr cgroup, sibling_at;
};
KA_VIEW(css_view, ("cgroup_subsys_state"),
	KA_FROM(css_view, cgroup, "cgroup"),
	KA_AT_MAYBE(css_view, sibling_at, "sibling"));

struct cgroup_name_view {
	ka_addr text_at;
};
KA_VIEW(cgroup_name_view, ("cgroup_name"), KA_AT(cgroup_name_view, text_at, "name"));

struct kernfs_view {
	ka_addr parent, name_at;
};
KA_VIEW(kernfs_view, ("kernfs_node"),
	KA_FROM(kernfs_view, parent, "__parent", "parent"),	/* renamed when it came under RCU */
	KA_FROM(kernfs_view, name_at, "name"));

struct memcg_view {
	ka_addr css_at;
	uint64_t usage, max, usage_bytes, max_bytes, min, low, high, peak, swap, swap_max;
};
KA_VIEW(memcg_view, ("mem_cgroup"),
	KA_AT(memcg_view, css_at, "css"),
	/* page counters since 3e32cb2e0a12, v3.19; max was limit until bbec2e15170a, v4.18; counters of bytes before */
	KA_MAYBE(memcg_view, usage, "memory.usage.counter", "memory.count.counter"),
	KA_MAYBE(memcg_view, max, "memory.max", "memory.limit"),
	KA_MAYBE(memcg_view, usage_bytes, "res.usage"),
	KA_MAYBE(memcg_view, max_bytes, "res.limit"),
	KA_MAYBE(memcg_view, min, "memory.min"),		/* v4.18 */
	KA_MAYBE(memcg_view, low, "memory.low", "low"),
	KA_MAYBE(memcg_view, high, "memory.high", "high"),
	KA_MAYBE(memcg_view, peak, "memory.watermark"),
	KA_MAYBE(memcg_view, swap, "swap.usage.counter", "swap.count.counter"),
	KA_MAYBE(memcg_view, swap_max, "swap.max", "swap.limit"));

struct pids_cgroup_view {
	ka_addr css_at;
	uint64_t counter;
	int64_t limit;
};
KA_VIEW(pids_cgroup_view, ("pids_cgroup"),
	KA_AT(pids_cgroup_view, css_at, "css"),
	KA_FROM(pids_cgroup_view, counter, "counter.counter"),
	KA_MAYBE(pids_cgroup_view, limit, "limit.counter", "limit"));

struct css_set_view {
	ka_addr dfl_cgrp, links_at;
};
KA_VIEW(css_set_view, ("css_set"),
	KA_MAYBE(css_set_view, dfl_cgrp, "dfl_cgrp"),
	KA_AT(css_set_view, links_at, "cgrp_links", "cg_links"));	/* 69d0206c793a, v3.11 */

struct cset_link_view {
	ka_addr cgrp, cgrp_link_at;
};
KA_VIEW(cset_link_view, ("cgrp_cset_link", "cg_cgroup_link"),	/* 69d0206c793a, v3.11 */
	KA_FROM(cset_link_view, cgrp, "cgrp"),
	KA_AT(cset_link_view, cgrp_link_at, "cgrp_link", "cg_link_list"));

struct task_cgroups {
	ka_addr cgroups;
};
KA_VIEW(task_cgroups, ("task_struct"), KA_FROM(task_cgroups, cgroups, "cgroups"));

struct subsys_view {
	ka_addr name_at, legacy_name_at, sibling_at;
};
KA_VIEW(subsys_view, ("cgroup_subsys"),
	KA_FROM(subsys_view, name_at, "name"),
	KA_MAYBE(subsys_view, legacy_name_at, "legacy_name"),
	KA_AT_MAYBE(subsys_view, sibling_at, "sibling"));

/*
 * A static variable of kernel/cgroup.c whose name is a common word. Of those that debuginfo knows by the name, the one of that file;
 * else the symbol.
 */
static bool static_find(struct ka_kernel *k, const char *name, const char *name_of_file, struct ka_arena *a, ka_addr *ret)
{
	struct ka_variable *v;
	struct ka_symbol s;

	if (ka_variable_find(k, name_of_file, a, &v) && v[0].has_addr) {
		*ret = v[0].addr;
		return true;
	}
	if (!ka_symbol_lookup(k, name, &s))
		return false;
	*ret = s.addr;
	return true;
}

static void subsys_add(struct ka_kernel *k, ka_addr at, struct ka_str *list)
{
	struct subsys_view v;
	char text[32];

	if (ka_error_drop(ka_view_read(k, &ka_view_subsys_view, at, &v)) ||
	    ka_error_drop(ka_read_cstr(k, v.legacy_name_at ? v.legacy_name_at : v.name_at, text, sizeof(text))))
		memcpy(text, "?", 2);
	ka_str_printf(list, "%s%s", list->len ? "," : "", text);
}

/* In the order of their numbers. */
static void subsys_by_mask(struct ka_kernel *k, struct ka_arena *a, uint32_t mask, struct ka_str *list)
{
	struct ka_symbol table;
	bool has_table = ka_symbol_lookup(k, "cgroup_subsys", &table) ||
			 static_find(k, "subsys", "subsys@kernel/cgroup.c", a, &table.addr);	/* 073219e995b4, v3.15 */

	for (unsigned i = 0; i < SUBSYS_MAX && has_table; i++) {
		ka_addr at = 0;

		if (!(mask & 1u << i))
			continue;
		ka_error_drop(ka_read_ulong(k, table.addr + i * ka_long_size(k), &at));
		subsys_add(k, at, list);
	}
}

/* In the order of the root's own list, which is that of /proc/PID/cgroup where there is one: the last first. False: not known. */
static bool subsys_by_list(struct ka_kernel *k, const struct cgroup_root_view *root, struct ka_str *list)
{
	struct ka_walk w;

	if (!KA_HAS(k, cgroup_root_view, subsys_list_at) || ka_error_drop(ka_view_bind(k, &ka_view_subsys_view)) ||
	    !KA_HAS(k, subsys_view, sibling_at))
		return false;
	w = ka_walk_list(k, root->subsys_list_at, KA_OFFSET(k, subsys_view, sibling_at));
	w.limit = SUBSYS_MAX;
	for (ka_addr at; ka_walk_next(&w, &at); )
		subsys_add(k, at, list);
	ka_error_drop(ka_walk_end(&w));
	return list->len;
}

/* "cpu,cpuacct": the names that v1 has for the controllers of a hierarchy. */
static const char *controllers_text(struct ka_kernel *k, struct ka_arena *a, const struct cgroup_root_view *root)
{
	struct ka_str s = { 0 };

	if (!subsys_by_list(k, root, &s))
		subsys_by_mask(k, a, root->subsys_mask, &s);
	if (root->name[0])
		ka_str_printf(&s, "%sname=%.63s", s.len ? "," : "", root->name);
	const char *ret = ka_strndup(a, s.p ? s.p : "", s.len);

	ka_str_free(&s);
	return ret;
}

static int by_id(const void *a, const void *b)
{
	const struct ka_cgroup_root *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

/*
 * The unified hierarchy always exists, but /proc/PID/cgroup has it only once somebody mounted it. The mark of that is
 * cgrp_dfl_root_visible in 4.1, cgrp_dfl_visible in 4.18 and since.
 */
static bool is_unified_hidden(struct ka_kernel *k)
{
	struct ka_symbol s;
	uint8_t is_visible = 1;

	if (ka_symbol_lookup(k, "cgrp_dfl_visible", &s) || ka_symbol_lookup(k, "cgrp_dfl_root_visible", &s))
		ka_error_drop(ka_read(k, s.addr, &is_visible, sizeof(is_visible)));
	return !is_visible;
}

struct ka_error *ka_cgroup_roots(struct ka_kernel *k, struct ka_arena *a, struct ka_cgroup_root **ret, size_t *ret_count)
{
	struct ka_error *err = ka_view_bind(k, &ka_view_cgroup_root_view);
	struct ka_symbol list;
	struct ka_walk w;

	*ret_count = 0;
	*ret = ka_alloc(a, ROOTS_MAX * sizeof(**ret));
	if (err)
		return err;
	/* 9871bf9550d2, v3.11 */
	if (!ka_symbol_lookup(k, "cgroup_roots", &list) && !static_find(k, "roots", "roots@kernel/cgroup.c", a, &list.addr))
		return ka_error_new(KA_MISSING, "this kernel has no control groups: there is no symbol cgroup_roots");
	w = ka_walk_list(k, list.addr, KA_OFFSET(k, cgroup_root_view, root_list_at));
	w.limit = ROOTS_MAX;
	for (ka_addr at; !err && ka_walk_next(&w, &at); ) {
		struct cgroup_root_view v;

		err = ka_view_read(k, &ka_view_cgroup_root_view, at, &v);
		if (err)
			break;
		(*ret)[(*ret_count)++] = (struct ka_cgroup_root){
			.addr = at, .cgroup = v.cgrp_at, .id = v.hierarchy_id,
			.controllers = v.hierarchy_id ? controllers_text(k, a, &v) : "",
		};
	}
	if (err)
		ka_error_free(ka_walk_end(&w));
	else
		err = ka_walk_end(&w);
	qsort(*ret, *ret_count, sizeof(**ret), by_id);
	if (*ret_count > 1 && !(*ret)[0].id && is_unified_hidden(k))
		memmove(*ret, *ret + 1, --*ret_count * sizeof(**ret));
	return err;
}

static struct ka_error *kernfs_name(struct ka_kernel *k, ka_addr kn, struct ka_arena *a, const char **ret, ka_addr *ret_parent)
{
	struct kernfs_view v;
	char text[256];
	struct ka_error *err = ka_view_read(k, &ka_view_kernfs_view, kn, &v);

	if (!err)
		err = ka_read_cstr(k, v.name_at, text, sizeof(text));
	if (err)
		return err;
	*ret = ka_strdup(a, text);
	*ret_parent = v.parent;
	return NULL;
}

/* The name of one; "" of the topmost. */
static struct ka_error *name_read(struct ka_kernel *k, const struct cgroup_view *v, struct ka_arena *a, const char **ret)
{
	struct ka_dentry d;
	char text[256], *name;
	ka_addr parent;
	struct ka_error *err = NULL;

	*ret = "";
	if (v->kn)
		return kernfs_name(k, v->kn, a, ret, &parent);
	if (!v->parent)
		return NULL;
	if (v->name) {
		err = ka_view_bind(k, &ka_view_cgroup_name_view);
		if (!err)
			err = ka_read_cstr(k, v->name + KA_OFFSET(k, cgroup_name_view, text_at), text, sizeof(text));
		if (!err)
			*ret = ka_strdup(a, text);
		return err;
	}
	err = ka_dentry_read(k, v->dentry, &d);
	if (!err)
		err = ka_dentry_name(k, &d, a, &name);
	if (!err)
		*ret = name;
	return err;
}

struct ka_error *ka_cgroup_path(struct ka_kernel *k, ka_addr cgroup, struct ka_arena *a, const char **ret)
{
	struct cgroup_view v;
	const char *names[DEPTH_MAX];
	unsigned depth = 0;
	struct ka_str s = { 0 };
	struct ka_error *err = ka_view_read(k, &ka_view_cgroup_view, cgroup, &v);
	/* kernfs has the names of the dead, too, whose cgroups have no parents any more */
	bool has_kn = !err && v.kn;
	ka_addr next = err ? 0 : has_kn ? v.kn : cgroup;

	*ret = NULL;
	while (!err && next) {
		if (depth == DEPTH_MAX)
			return ka_error_at(KA_CORRUPT, KA_SPACE_VIRT, cgroup, "the cgroup at 0x%" PRIx64 " lies deeper than %u", cgroup, DEPTH_MAX);
		if (has_kn) {
			err = kernfs_name(k, next, a, &names[depth++], &next);
		} else {
			err = ka_view_read(k, &ka_view_cgroup_view, next, &v);
			if (!err)
				err = name_read(k, &v, a, &names[depth++]);
			next = v.parent;
		}
	}
	if (err)
		return ka_error_wrap(err, "name of the cgroup at 0x%" PRIx64, cgroup);
	/* the topmost has a node too, without a name */
	for (unsigned i = depth - 1; depth && i-- > 0;)
		ka_str_printf(&s, "/%s", names[i]);
	*ret = s.len ? ka_strndup(a, s.p, s.len) : "/";
	ka_str_free(&s);
	return NULL;
}

/* PAGE_COUNTER_MAX: as many pages as a signed long can count, in pages or bytes */
static uint64_t limit_of(uint64_t pages, uint64_t page)
{
	return pages >= INT64_MAX / page ? UINT64_MAX : pages * page;
}

static void counters_read(struct ka_kernel *k, const struct cgroup_view *v, struct ka_cgroup *ret)
{
	struct memcg_view m;
	struct pids_cgroup_view p;
	uint64_t page = ka_page_size(k);

	if (v->memory_css &&
	    !ka_error_drop(ka_view_read(k, &ka_view_memcg_view, v->memory_css - KA_OFFSET(k, memcg_view, css_at), &m))) {
		bool is_bytes = KA_HAS(k, memcg_view, usage_bytes);

		ret->has_memory = true;
		ret->memory_bytes = is_bytes ? m.usage_bytes : m.usage * page;
		/* RES_COUNTER_MAX: in bytes, in pages or not */
		if (is_bytes)
			ret->memory_max_bytes = m.max_bytes >= (uint64_t)INT64_MAX / page * page ? UINT64_MAX : m.max_bytes;
		else
			ret->memory_max_bytes = limit_of(m.max, page);
		ret->has_min = KA_HAS(k, memcg_view, min);
		ret->has_low = KA_HAS(k, memcg_view, low);
		ret->has_peak = KA_HAS(k, memcg_view, peak);
		ret->has_swap = KA_HAS(k, memcg_view, swap);
		ret->memory_min_bytes = limit_of(m.min, page);
		ret->memory_low_bytes = limit_of(m.low, page);
		ret->memory_high_bytes = KA_HAS(k, memcg_view, high) ? limit_of(m.high, page) : UINT64_MAX;
		ret->memory_peak_bytes = m.peak * page;
		ret->swap_bytes = m.swap * page;
		ret->swap_max_bytes = KA_HAS(k, memcg_view, swap_max) ? limit_of(m.swap_max, page) : UINT64_MAX;
	}
	/* nobody counts those of the topmost */
	if (v->pids_css && ret->parent &&
	    !ka_error_drop(ka_view_read(k, &ka_view_pids_cgroup_view, v->pids_css - KA_OFFSET(k, pids_cgroup_view, css_at), &p))) {
		ret->has_pids = true;
		ret->pids = p.counter;
		/* one more than there can be: no limit */
		ret->pids_max = !KA_HAS(k, pids_cgroup_view, limit) || p.limit > 4 << 20 ? UINT64_MAX : (uint64_t)p.limit;
	}
}

struct tree {
	struct ka_kernel *k;
	struct ka_arena *a;
	struct ka_map seen;
	struct { KA_VEC(struct ka_cgroup); } found;
};

/* Adds the children of one; what cannot be read of a list costs the rest of it. */
static struct ka_error *children_add(struct tree *t, ka_addr cgroup, const struct cgroup_view *v)
{
	bool by_css = KA_HAS(t->k, css_view, sibling_at);
	struct ka_walk w = ka_walk_list(t->k, v->children_at,
					by_css ? KA_OFFSET(t->k, css_view, sibling_at) : KA_OFFSET(t->k, cgroup_view, sibling_at));
	struct ka_error *err = NULL;

	w.limit = CGROUPS_MAX;
	for (ka_addr at; !err && ka_walk_next(&w, &at); ) {
		struct css_view css = { .cgroup = at };

		if (by_css)
			err = ka_view_read(t->k, &ka_view_css_view, at, &css);
		if (err || ka_map_get(&t->seen, css.cgroup, &(uint64_t){ 0 }) || t->found.n == CGROUPS_MAX)
			continue;
		ka_map_add(&t->seen, css.cgroup, t->found.n);
		ka_vec_push(&t->found, ((struct ka_cgroup){ .addr = css.cgroup, .parent = cgroup }));
	}
	if (err)
		ka_error_free(ka_walk_end(&w));
	else
		err = ka_walk_end(&w);
	return ka_error_wrap(err, "children of the cgroup at 0x%" PRIx64, cgroup);
}

struct ka_error *ka_cgroups_read(struct ka_kernel *k, ka_addr top, struct ka_arena *a, struct ka_cgroup **ret, size_t *ret_count)
{
	struct tree t = { .k = k, .a = a };
	struct ka_error *first = NULL, *err;

	ka_vec_push(&t.found, (struct ka_cgroup){ .addr = top });
	ka_map_add(&t.seen, top, 0);
	for (size_t i = 0; i < t.found.n && !ka_interrupted(); i++) {
		struct ka_cgroup g = t.found.at[i];
		struct cgroup_view v;

		err = ka_view_read(k, &ka_view_cgroup_view, g.addr, &v);
		if (!err) {
			counters_read(k, &v, &g);
			err = ka_cgroup_path(k, g.addr, a, &g.path);
		}
		if (!err)
			err = name_read(k, &v, a, &g.name);
		if (!err && !g.name[0])
			g.name = "/";
		t.found.at[i] = g;
		if (!err)
			err = children_add(&t, g.addr, &v);
		if (first)
			ka_error_free(err);
		else
			first = err;
	}
	*ret_count = t.found.n;
	*ret = ka_alloc(a, (t.found.n + 1) * sizeof(**ret));
	memcpy(*ret, t.found.at, t.found.n * sizeof(**ret));
	ka_vec_free(&t.found);
	ka_map_free(&t.seen);
	return first;
}

struct ka_error *ka_task_cgroup(struct ka_kernel *k, ka_addr task, const struct ka_cgroup_root *root, ka_addr *ret)
{
	struct task_cgroups t;
	struct css_set_view set;
	struct ka_walk w;
	struct ka_error *err = ka_view_read(k, &ka_view_task_cgroups, task, &t);

	*ret = 0;
	if (!err)
		err = ka_view_read(k, &ka_view_css_set_view, t.cgroups, &set);
	if (err)
		return err;
	if (!root->id && set.dfl_cgrp) {
		*ret = set.dfl_cgrp;
		return NULL;
	}
	w = ka_walk_list(k, set.links_at, KA_OFFSET(k, cset_link_view, cgrp_link_at));
	w.limit = ROOTS_MAX;
	for (ka_addr at; !err && !*ret && ka_walk_next(&w, &at); ) {
		struct cset_link_view link;
		struct cgroup_view v;

		err = ka_view_read(k, &ka_view_cset_link_view, at, &link);
		if (!err)
			err = ka_view_read(k, &ka_view_cgroup_view, link.cgrp, &v);
		if (!err && v.root == root->addr)
			*ret = link.cgrp;
	}
	if (err || *ret)
		ka_error_free(ka_walk_end(&w));
	else
		err = ka_walk_end(&w);
	if (!err && !*ret)
		err = ka_error_at(KA_NOT_FOUND, KA_SPACE_VIRT, task, "the task at 0x%" PRIx64 " is in no cgroup of hierarchy %d", task, root->id);
	return err;
}
