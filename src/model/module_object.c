/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Debuginfo of modules: the file found, and addresses in the dump brought to its sections. */
#include <inttypes.h>
#include "module.h"

/* A section of the file that was loaded. */
struct loaded {
	ka_addr addr;
	uint64_t size;
	uint32_t index;
};

struct ka_module_object {
	struct ka_object *object;
	struct { KA_VEC(struct loaded); } loaded;
	struct ka_module_object *before;	/* one that was unloaded: others may still read it */
};

static void map_sections(struct ka_module_object *mo, const struct ka_module_sections *s)
{
	for (size_t i = 0; i < s->n; i++) {
		const struct ka_section *section = ka_object_section(mo->object, s->at[i].name);
		struct loaded l = { .addr = s->at[i].addr };

		if (!section || !(section->flags & SHF_ALLOC))
			continue;
		l.size = section->size;
		l.index = section->index;
		ka_vec_push(&mo->loaded, l);
	}
}

/* Without the list of sections: a function that both tell of gives the place of its section. */
static void map_by_symbols(struct ka_kernel *k, const struct ka_module *m, struct ka_module_object *mo)
{
	const struct ka_symbol *symbols;
	const struct ka_symtab *t;
	size_t n = ka_module_symbols(k, m, &symbols);
	bool *is_known;

	if (ka_error_drop(ka_object_symtab(mo->object, &t)))
		return;
	is_known = ka_xalloc(mo->object->section_count + 1);
	for (size_t i = 0; i < n; i++) {
		const struct ka_elf_symbol *s;
		struct loaded l = {0};
		size_t at;

		if (!ka_symtab_find(t, symbols[i].name, &at))
			continue;
		s = &t->at[at];
		/* A name that is there twice would mislead: sizes must agree. */
		if (s->section >= mo->object->section_count || is_known[s->section] || !s->size ||
		    s->size != symbols[i].size)
			continue;
		is_known[s->section] = true;
		l.addr = symbols[i].addr - s->addr;
		l.size = mo->object->sections[s->section].size;
		l.index = s->section;
		ka_vec_push(&mo->loaded, l);
	}
	free(is_known);
}

static struct ka_error *find_object(struct ka_kernel *k, const struct ka_module *m, const char *dir,
				    const struct ka_module_sections *s, struct ka_object **ret)
{
	const char *const dirs[] = { dir, NULL };
	const char *release = ka_vmcoreinfo(k, "OSRELEASE");
	char *dump_dir = ka_xstrdup(k->dump_paths && k->dump_paths[0] ? k->dump_paths[0] : "."),
	     *slash = strrchr(dump_dir, '/');
	struct ka_find_request r = {
		.release = release, .debug_dirs = dir ? dirs : k->options.debug_dirs, .dump_dir = slash ? dump_dir : ".",
	};
	uint8_t build_id[64];
	size_t build_id_size = ka_module_build_id(k, m, s, build_id);
	struct ka_error *err;

	if (slash)
		slash[slash == dump_dir] = 0;
	err = ka_find_module(&r, k->object ? k->object->path : NULL, m->name, build_id, build_id_size, ret);
	free(dump_dir);
	return err;
}

struct ka_error *ka_module_load(struct ka_kernel *k, const struct ka_module *m, const char *file, const char *dir)
{
	struct ka_module_list *l = ka_module_list(k);
	struct ka_module_sections sections = {0};
	struct ka_module_object *mo;
	struct ka_object *object;
	struct ka_error *err;
	size_t i = m - l->modules.at;

	pthread_mutex_lock(&l->lock);
	if (l->objects[i] && !file && !dir) {
		pthread_mutex_unlock(&l->lock);
		return NULL;
	}
	pthread_mutex_unlock(&l->lock);
	err = ka_module_sections_read(k, m, &sections);
	if (ka_error_drop(err))
		ka_log(1, "module %s: no list of sections", m->name);
	err = file ? ka_object_open(file, &object) : find_object(k, m, dir, &sections, &object);
	if (!err && object->e_type != ET_REL) {
		ka_object_close(object);
		err = ka_error_new(KA_FORMAT, "%s is no kernel module (not a relocatable ELF file)",
				   file ? file : m->name);
	}
	if (!err) {
		mo = ka_xalloc(sizeof(*mo));
		mo->object = object;
		if (sections.n)
			map_sections(mo, &sections);
		else
			map_by_symbols(k, m, mo);
		pthread_mutex_lock(&l->lock);
		mo->before = l->objects[i];
		l->objects[i] = mo;
		l->loads++;
		l->modules.at[i].object = object->path;
		pthread_mutex_unlock(&l->lock);
	}
	ka_vec_free(&sections);
	return err;
}

unsigned ka_module_loads(struct ka_kernel *k)
{
	struct ka_module_list *l = ka_module_list(k);
	unsigned n;

	pthread_mutex_lock(&l->lock);
	n = l->loads;
	pthread_mutex_unlock(&l->lock);
	return n;
}

struct ka_object *ka_module_object_of(const struct ka_module_object *mo)
{
	return mo->object;
}

bool ka_module_unload(struct ka_kernel *k, const struct ka_module *m)
{
	struct ka_module_list *l = ka_module_list(k);
	struct ka_module_object *empty;
	size_t i = m - l->modules.at;
	bool was_loaded;

	pthread_mutex_lock(&l->lock);
	was_loaded = l->modules.at[i].object;
	if (was_loaded) {
		empty = ka_xalloc(sizeof(*empty));
		empty->before = l->objects[i];
		l->objects[i] = empty;
		l->loads++;
		l->modules.at[i].object = NULL;
	}
	pthread_mutex_unlock(&l->lock);
	return was_loaded;
}

/* Of the module at an address; NULL: there is none, or nothing was loaded for it. */
static const struct ka_module_object *object_at(struct ka_kernel *k, ka_addr addr)
{
	struct ka_module_list *l = ka_module_list(k);
	const struct ka_module_object *mo;
	size_t i;

	if (!ka_module_index(k, addr, &i))
		return NULL;
	pthread_mutex_lock(&l->lock);
	mo = l->objects[i];
	pthread_mutex_unlock(&l->lock);
	return mo;
}

bool ka_module_object_hook(struct ka_kernel *k, ka_addr addr, struct ka_object **ret, uint64_t *ret_addr,
			   uint32_t *ret_section)
{
	const struct ka_module_object *mo = object_at(k, addr);

	for (size_t j = 0; mo && mo->object && j < mo->loaded.n; j++) {
		const struct loaded *s = &mo->loaded.at[j];

		if (addr - s->addr >= s->size)
			continue;
		*ret = mo->object;
		/* In the layout that the object's DWARF and CFI are asked in, which needs no section. */
		*ret_addr = ka_object_base(mo->object, s->index) + (addr - s->addr);
		*ret_section = 0;
		return true;
	}
	return false;
}

bool ka_module_run_time(struct ka_kernel *k, ka_addr near, uint64_t at, ka_addr *ret)
{
	const struct ka_module_object *mo = object_at(k, near);

	for (size_t j = 0; mo && mo->object && j < mo->loaded.n; j++) {
		const struct loaded *s = &mo->loaded.at[j];
		uint64_t offset = at - ka_object_base(mo->object, s->index);

		if (offset < s->size) {
			*ret = s->addr + offset;
			return true;
		}
	}
	return false;
}

void ka_module_objects_free(struct ka_module_list *l)
{
	for (size_t i = 0; l->objects && i < l->modules.n; i++) {
		struct ka_module_object *mo = l->objects[i];

		while (mo) {
			struct ka_module_object *before = mo->before;

			if (mo->object)
				ka_object_close(mo->object);
			ka_vec_free(&mo->loaded);
			free(mo);
			mo = before;
		}
	}
}
