/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Loaded modules: the list, and where the parts of each lie. */
#include <inttypes.h>
#include <kanalyze/view.h>
#include "module.h"

#define MODULES_MAX 65536
#define MODULE_BYTES_MAX (1ull << 32)

/*
 * Where a module's memory lies. Since ac3b43283923 (v6.4) an array of memory types, before that two layouts
 * (7523e4dc5057, v4.5), before that members of struct module itself. Sizes of the layouts' parts count from the base.
 */
struct module_view {
	char name[64];
	uint32_t state;
	uint64_t taints;
	ka_addr list;
	ka_addr percpu, kallsyms;
	uint32_t percpu_size, gpgsig_ok;
	ka_addr text, data, rodata, ro_after_init, init_text, init_data, init_rodata;
	uint32_t text_size, data_size, rodata_size, ro_after_init_size, init_text_size, init_data_size, init_rodata_size;
	ka_addr core, init, core_data;
	uint64_t core_size, core_text_size, core_ro_size, core_ro_after_init_size, init_size, init_layout_text_size,
		core_data_size;
};
KA_VIEW(module_view, ("module"),
	KA_FROM(module_view, name, "name"),
	KA_MAYBE(module_view, state, "state"),
	KA_MAYBE(module_view, taints, "taints"),	/* 2bc2d61a9638, v2.6.28 */
	KA_AT(module_view, list, "list"),
	KA_MAYBE(module_view, percpu, "percpu"),
	KA_MAYBE(module_view, percpu_size, "percpu_size"),
	KA_MAYBE(module_view, kallsyms, "kallsyms", "symtab"),	/* 8244062ef1e5, v4.5 */
	KA_MAYBE(module_view, gpgsig_ok, "gpgsig_ok"),	/* Red Hat's kernels of 2.6 */
	KA_MAYBE(module_view, text, "mem[MOD_TEXT].base"),
	KA_MAYBE(module_view, text_size, "mem[MOD_TEXT].size"),
	KA_MAYBE(module_view, data, "mem[MOD_DATA].base"),
	KA_MAYBE(module_view, data_size, "mem[MOD_DATA].size"),
	KA_MAYBE(module_view, rodata, "mem[MOD_RODATA].base"),
	KA_MAYBE(module_view, rodata_size, "mem[MOD_RODATA].size"),
	KA_MAYBE(module_view, ro_after_init, "mem[MOD_RO_AFTER_INIT].base"),
	KA_MAYBE(module_view, ro_after_init_size, "mem[MOD_RO_AFTER_INIT].size"),
	KA_MAYBE(module_view, init_text, "mem[MOD_INIT_TEXT].base"),
	KA_MAYBE(module_view, init_text_size, "mem[MOD_INIT_TEXT].size"),
	KA_MAYBE(module_view, init_data, "mem[MOD_INIT_DATA].base"),
	KA_MAYBE(module_view, init_data_size, "mem[MOD_INIT_DATA].size"),
	KA_MAYBE(module_view, init_rodata, "mem[MOD_INIT_RODATA].base"),
	KA_MAYBE(module_view, init_rodata_size, "mem[MOD_INIT_RODATA].size"),
	KA_MAYBE(module_view, core, "core_layout.base", "module_core", "module_core_rx"),
	KA_MAYBE(module_view, core_size, "core_layout.size", "core_size", "core_size_rx"),
	KA_MAYBE(module_view, core_text_size, "core_layout.text_size", "core_text_size"),
	KA_MAYBE(module_view, core_ro_size, "core_layout.ro_size", "core_ro_size"),
	KA_MAYBE(module_view, core_ro_after_init_size, "core_layout.ro_after_init_size"),
	KA_MAYBE(module_view, core_data, "data_layout.base", "module_core_rw"),		/* 01dc0386efb7, v5.18 - v6.3; PaX */
	KA_MAYBE(module_view, core_data_size, "data_layout.size", "core_size_rw"),
	KA_MAYBE(module_view, init, "init_layout.base", "module_init"),
	KA_MAYBE(module_view, init_size, "init_layout.size", "init_size"),
	KA_MAYBE(module_view, init_layout_text_size, "init_layout.text_size", "init_text_size"));

static void add_range(struct ka_module *m, const char *name, ka_addr base, uint64_t size, bool is_text)
{
	if (!base || !size || size > MODULE_BYTES_MAX || base + size < base || m->range_count == KA_MODULE_RANGES)
		return;
	m->ranges[m->range_count++] =
		(struct ka_module_range){ .base = base, .size = size, .is_text = is_text, .name = name };
}

/* One layout: text first, then read-only data, what is read-only after init, and the rest. */
static void add_layout(struct ka_module *m, const struct module_view *v)
{
	uint64_t text = KA_MIN(v->core_text_size, v->core_size), ro = KA_MAX(text, KA_MIN(v->core_ro_size, v->core_size));
	uint64_t after = KA_MAX(ro, KA_MIN(v->core_ro_after_init_size, v->core_size));

	add_range(m, "text", v->core, text, true);
	add_range(m, "rodata", v->core + text, ro - text, false);
	add_range(m, "ro_after_init", v->core + ro, after - ro, false);
	add_range(m, "data", v->core + after, v->core_size - after, false);
	add_range(m, "data", v->core_data, v->core_data_size, false);
	text = KA_MIN(v->init_layout_text_size, v->init_size);
	add_range(m, "init text", v->init, text, true);
	add_range(m, "init data", v->init + text, v->init_size - text, false);
	m->base = v->core;
	m->size = v->core_size + v->core_data_size;
}

static void add_memory(struct ka_module *m, const struct module_view *v)
{
	add_range(m, "text", v->text, v->text_size, true);
	add_range(m, "data", v->data, v->data_size, false);
	add_range(m, "rodata", v->rodata, v->rodata_size, false);
	add_range(m, "ro_after_init", v->ro_after_init, v->ro_after_init_size, false);
	add_range(m, "init text", v->init_text, v->init_text_size, true);
	add_range(m, "init data", v->init_data, v->init_data_size, false);
	add_range(m, "init rodata", v->init_rodata, v->init_rodata_size, false);
	m->base = v->text;
	m->size = (uint64_t)v->text_size + v->data_size + v->rodata_size + v->ro_after_init_size;
}

static struct ka_error *read_module(struct ka_kernel *k, ka_addr at, struct ka_module *m)
{
	struct module_view v;
	struct ka_error *err = ka_view_read(k, &ka_view_module_view, at, &v);

	if (err)
		return err;
	*m = (struct ka_module){ .addr = at, .state = v.state, .taints = v.taints, .percpu = v.percpu, .percpu_size = v.percpu_size };
	memcpy(m->name, v.name, sizeof(m->name));
	m->name[sizeof(m->name) - 1] = 0;
	m->is_unsigned = KA_HAS(k, module_view, gpgsig_ok) && !v.gpgsig_ok;
	m->has_kallsyms = v.kallsyms;
	m->is_scattered = KA_HAS(k, module_view, text);
	if (m->is_scattered)
		add_memory(m, &v);
	else
		add_layout(m, &v);
	return NULL;
}

static void add_module(struct ka_kernel *k, struct ka_module_list *l, ka_addr at)
{
	struct ka_module m;
	struct ka_error *err = read_module(k, at, &m);

	if (err) {
		if (l->err)
			ka_error_drop(err);
		else
			l->err = ka_error_wrap(err, "module at %#" PRIx64, at);
		return;
	}
	for (unsigned i = 0; i < m.range_count; i++) {
		l->low = KA_MIN(l->low, m.ranges[i].base);
		l->high = KA_MAX(l->high, m.ranges[i].base + m.ranges[i].size);
	}
	ka_vec_push(&l->modules, m);
}

static void *list_make(struct ka_kernel *k)
{
	struct ka_module_list *l = ka_xalloc(sizeof(*l));
	struct ka_symbol head;
	struct ka_walk w;
	struct ka_error *err;

	l->low = UINT64_MAX;
	pthread_mutex_init(&l->lock, NULL);
	pthread_cond_init(&l->loaded, NULL);
	if (!ka_symbol_lookup(k, "modules", &head)) {
		/* CONFIG_MODULES=n; but without a vmlinux the symbols may be those of functions alone */
		if (!k->object)
			l->err = ka_error_new(KA_MISSING, "where the list of modules is cannot be told without the vmlinux: there is no symbol modules");
		return l;
	}
	l->err = ka_view_bind(k, &ka_view_module_view);
	if (l->err)
		return l;
	w = ka_walk_list(k, head.addr, KA_OFFSET(k, module_view, list));
	w.limit = MODULES_MAX;
	for (ka_addr at; ka_walk_next(&w, &at); )
		add_module(k, l, at);
	err = ka_walk_end(&w);
	if (l->err)
		ka_error_drop(err);
	else
		l->err = err;
	l->err = ka_error_wrap(l->err, "the list of modules is damaged");
	l->symbols = ka_xalloc((l->modules.n + 1) * sizeof(*l->symbols));
	l->has_symbols = ka_xalloc(l->modules.n + 1);
	l->orcs = ka_xalloc((l->modules.n + 1) * sizeof(*l->orcs));
	l->has_orc = ka_xalloc(l->modules.n + 1);
	l->objects = ka_xalloc((l->modules.n + 1) * sizeof(*l->objects));
	return l;
}

static void list_drop(void *state)
{
	struct ka_module_list *l = state;

	ka_module_symbols_free(l);
	ka_module_orcs_free(l);
	ka_module_types_free(l);
	ka_module_objects_free(l);
	ka_error_drop(l->err);
	ka_vec_free(&l->modules);
	free(l->symbols);
	free(l->has_symbols);
	free(l->orcs);
	free(l->has_orc);
	free(l->objects);
	pthread_cond_destroy(&l->loaded);
	pthread_mutex_destroy(&l->lock);
	free(l);
}

struct ka_module_list *ka_module_list(struct ka_kernel *k)
{
	static const char key;

	return ka_kernel_state(k, &key, list_make, list_drop);
}

size_t ka_module_count(struct ka_kernel *k)
{
	return ka_module_list(k)->modules.n;
}

const struct ka_module *ka_module_nth(struct ka_kernel *k, size_t i)
{
	const struct ka_module_list *l = ka_module_list(k);

	return i < l->modules.n ? &l->modules.at[i] : NULL;
}

const struct ka_module *ka_module_find(struct ka_kernel *k, const char *name)
{
	const struct ka_module_list *l = ka_module_list(k);

	for (size_t i = 0; i < l->modules.n; i++)
		if (!strcmp(l->modules.at[i].name, name))
			return &l->modules.at[i];
	return NULL;
}

static const struct ka_module_range *range_at(const struct ka_module_list *l, ka_addr addr, size_t *ret)
{
	if (addr < l->low || addr >= l->high)
		return NULL;
	for (size_t i = 0; i < l->modules.n; i++) {
		const struct ka_module *m = &l->modules.at[i];

		for (unsigned j = 0; j < m->range_count; j++) {
			if (addr - m->ranges[j].base < m->ranges[j].size) {
				*ret = i;
				return &m->ranges[j];
			}
		}
	}
	return NULL;
}

bool ka_module_index(struct ka_kernel *k, ka_addr addr, size_t *ret)
{
	return range_at(ka_module_list(k), addr, ret) != NULL;
}

bool ka_module_is_text(struct ka_kernel *k, ka_addr addr)
{
	size_t i;
	const struct ka_module_range *r = range_at(ka_module_list(k), addr, &i);

	return r && r->is_text;
}

const struct ka_module *ka_module_at(struct ka_kernel *k, ka_addr addr)
{
	size_t i;

	return ka_module_index(k, addr, &i) ? ka_module_nth(k, i) : NULL;
}

const struct ka_error *ka_module_fault(struct ka_kernel *k)
{
	return ka_module_list(k)->err;
}
