/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Types of modules: split BTF as the kernel keeps it in memory, DWARF of the debug file. */
#include <kanalyze/symbol.h>
#include <kanalyze/view.h>
#include "module.h"

#define BTF_SIZE_MAX (16u << 20)	/* the largest of Debian's modules has 300 KB */

/* 36e68442d1af (v5.11): CONFIG_DEBUG_INFO_BTF_MODULES. */
struct module_btf { ka_addr data; uint32_t size; };
KA_VIEW(module_btf, ("module"),
	KA_MAYBE(module_btf, data, "btf_data"),
	KA_MAYBE(module_btf, size, "btf_data_size"));

struct ka_module_types {
	struct ka_types *btf, *dwarf;
	struct ka_object *object;	/* that dwarf is of */
	bool has_tried_btf, has_tried_load, is_loading;
	pthread_t loader;
	struct ka_module_types *before;
};

/* What stays of it: module.btf_data is of the load alone. BTF keeps a copy of its own, for /sys/kernel/btf. */
struct btf_module_view { ka_addr module, btf, list_at; };
KA_VIEW(btf_module_view, ("btf_module"),
	KA_FROM(btf_module_view, module, "module"),
	KA_FROM(btf_module_view, btf, "btf"),
	KA_AT(btf_module_view, list_at, "list"));

struct btf_view { ka_addr data; uint32_t size; };
KA_VIEW(btf_view, ("btf"),
	KA_FROM(btf_view, data, "data"),
	KA_FROM(btf_view, size, "data_size"));

static struct ka_error *find_btf(struct ka_kernel *k, const struct ka_module *m, struct module_btf *ret)
{
	struct ka_error *err = NULL;
	struct ka_symbol head;
	struct ka_walk w;

	*ret = (struct module_btf){0};
	if (ka_symbol_lookup(k, "btf_modules", &head) && !ka_error_drop(ka_view_bind(k, &ka_view_btf_module_view))) {
		w = ka_walk_list(k, head.addr, KA_OFFSET(k, btf_module_view, list_at));
		for (ka_addr at; !ret->data && ka_walk_next(&w, &at); ) {
			struct btf_module_view v;
			struct btf_view b;

			err = ka_view_read(k, &ka_view_btf_module_view, at, &v);
			if (!err && v.module == m->addr)
				err = ka_view_read(k, &ka_view_btf_view, v.btf, &b);
			if (!err && v.module == m->addr)
				*ret = (struct module_btf){ .data = b.data, .size = b.size };
			ka_walk_fault(&w, err);
		}
		err = ka_walk_end(&w);
		if (ret->data)
			ka_error_dispose(err);
		return ret->data ? NULL : err;
	}
	return ka_view_read(k, &ka_view_module_btf, m->addr, ret);
}

static struct ka_error *open_btf(struct ka_kernel *k, const struct ka_module *m, struct ka_types **ret)
{
	struct ka_types *base;
	struct module_btf b;
	uint8_t *bytes;
	struct ka_error *err = ka_kernel_types(k, &base);

	if (!err)
		err = find_btf(k, m, &b);
	if (err)
		return err;
	if (!b.data || !b.size)
		return ka_error_new(KA_MISSING, "the kernel has no BTF of it");
	if (b.size > BTF_SIZE_MAX)
		return ka_error_new(KA_CORRUPT, "BTF of %u bytes", b.size);
	bytes = ka_kernel_alloc(k, b.size);
	err = ka_read(k, b.data, bytes, b.size);
	return err ? err : ka_types_open_btf_split(base, bytes, b.size, ret);
}

/* The object of the module's file, with l->lock held. */
static struct ka_object *object_of(const struct ka_module_list *l, size_t i)
{
	return l->objects[i] ? ka_module_object_of(l->objects[i]) : NULL;
}

static struct ka_types *dwarf_of(struct ka_kernel *k, struct ka_module_list *l, size_t i, struct ka_module_types *t)
{
	struct ka_module_types *old;
	struct ka_object *o;
	struct ka_error *err;
	bool has_tried;

	/* another thread looks for it: what it finds is the answer of all */
	while (t->is_loading && !pthread_equal(t->loader, pthread_self()))
		pthread_cond_wait(&l->loaded, &l->lock);
	o = object_of(l, i);
	has_tried = t->has_tried_load;
	t->has_tried_load = true;
	if (!o && !has_tried) {
		t->is_loading = true;
		t->loader = pthread_self();
		pthread_mutex_unlock(&l->lock);
		err = ka_module_load(k, &l->modules.at[i], NULL, NULL);
		if (err)
			ka_log(1, "module %s: %s", l->modules.at[i].name, err->message);
		ka_error_free(err);
		pthread_mutex_lock(&l->lock);
		t->is_loading = false;
		pthread_cond_broadcast(&l->loaded);
		o = object_of(l, i);
	}
	if (!o || t->object == o)
		return o ? t->dwarf : NULL;
	if (t->dwarf) {		/* of the file before: values may still be of its types */
		old = ka_xalloc(sizeof(*old));
		*old = (struct ka_module_types){ .dwarf = t->dwarf, .before = t->before };
		t->before = old;
		t->dwarf = NULL;
	}
	t->object = o;
	o->has_no_cache = k->options.has_no_cache;
	err = ka_types_open_dwarf(o, &t->dwarf);
	if (err)
		ka_log(1, "module %s: %s", l->modules.at[i].name, err->message);
	ka_error_free(err);
	return t->dwarf;
}

struct ka_types *ka_module_types_hook(struct ka_kernel *k, size_t i, bool is_dwarf)
{
	struct ka_module_list *l = ka_module_list(k);
	struct ka_module_types *t;
	struct ka_types *ret;

	if (i >= l->modules.n)
		return NULL;
	pthread_mutex_lock(&l->lock);
	if (!l->types)
		l->types = ka_xalloc(l->modules.n * sizeof(*l->types));
	t = &l->types[i];
	if (is_dwarf) {
		ret = dwarf_of(k, l, i, t);
	} else {
		if (!t->has_tried_btf) {
			struct ka_error *err = open_btf(k, &l->modules.at[i], &t->btf);

			t->has_tried_btf = true;
			if (err)
				ka_log(2, "module %s: %s", l->modules.at[i].name, err->message);
			ka_error_free(err);
		}
		ret = t->btf;
	}
	pthread_mutex_unlock(&l->lock);
	return ret;
}

void ka_module_types_free(struct ka_module_list *l)
{
	for (size_t i = 0; l->types && i < l->modules.n; i++) {
		ka_types_close(l->types[i].btf);
		ka_types_close(l->types[i].dwarf);
		while (l->types[i].before) {
			struct ka_module_types *old = l->types[i].before;

			l->types[i].before = old->before;
			ka_types_close(old->dwarf);
			free(old);
		}
	}
	free(l->types);
}
