/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The module list as model files share it, and the hooks that target calls. */
#ifndef KA_MODEL_MODULE_H
#define KA_MODEL_MODULE_H

#include <pthread.h>
#include <kanalyze/module.h>
#include "kernel.h"

struct ka_module_list {
	struct { KA_VEC(struct ka_module); } modules;
	ka_addr low, high;		/* all ranges lie within */
	struct ka_error *err;
	pthread_mutex_t lock;		/* guards what is made on first need, per module: */
	struct ka_module_symbols *symbols;
	struct ka_orc **orcs;
	struct ka_module_object **objects;	/* debuginfo that was loaded */
	unsigned loads;			/* how often objects changed */
	struct ka_module_types *types;		/* NULL: not asked for yet */
	bool *has_symbols, *has_orc;
	pthread_cond_t loaded;		/* with lock: debuginfo that a thread looked for is there, or not to be had */
};

struct ka_module_list *ka_module_list(struct ka_kernel *k);
/* Has debuginfo of a module come or gone since this was another number? */
unsigned ka_module_loads(struct ka_kernel *k);
/* Index of the module one of whose ranges holds the address. */
bool ka_module_index(struct ka_kernel *k, ka_addr addr, size_t *ret);
bool ka_module_is_text(struct ka_kernel *k, ka_addr addr);

/* Hooks of struct ka_target_hooks. */
bool ka_module_symbols_hook(struct ka_kernel *k, size_t i, struct ka_module_symbols *ret);
struct ka_orc *ka_module_orc_hook(struct ka_kernel *k, ka_addr addr);
bool ka_module_object_hook(struct ka_kernel *k, ka_addr addr, struct ka_object **ret, uint64_t *ret_addr,
			   uint32_t *ret_section);

/* The other way: where what lies at an address of the object's layout was loaded, of the module that has code or data near an address. */
bool ka_module_run_time(struct ka_kernel *k, ka_addr near, uint64_t at, ka_addr *ret);
struct ka_types *ka_module_types_hook(struct ka_kernel *k, size_t i, bool is_dwarf);
/* NULL when it was unloaded. */
struct ka_object *ka_module_object_of(const struct ka_module_object *mo);

/* Bytes of its build-id, 0 when it has none in memory. */
size_t ka_module_build_id(struct ka_kernel *k, const struct ka_module *m, const struct ka_module_sections *s,
			  uint8_t ret[64]);

void ka_module_symbols_free(struct ka_module_list *l);
void ka_module_orcs_free(struct ka_module_list *l);
void ka_module_types_free(struct ka_module_list *l);
void ka_module_objects_free(struct ka_module_list *l);

#endif
