/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The symbols of all modules by name: one hash, made when the first is asked for. */
#ifndef KA_MODULE_NAMES_H
#define KA_MODULE_NAMES_H

#include <pthread.h>
#include <stdatomic.h>
#include "names.h"

struct ka_kernel;
struct ka_symbol;

struct ka_module_names {
	pthread_mutex_t lock;
	_Atomic bool is_made;
	struct ka_names names;		/* -> number of a symbol + 1, counted through all modules */
	size_t *first;			/* by module: the number of its first one; and how many there are, behind the last */
	size_t module_count;
};
void ka_module_names_init(struct ka_module_names *t);
void ka_module_names_deinit(struct ka_module_names *t);
/*
 * The next symbol of this name, in the order of modules and addresses; start with *pos = 0. False: no more. ret_module (may be
 * NULL): its number, as the hooks count them. Thread-safe.
 */
bool ka_module_names_next(struct ka_kernel *k, const char *name, size_t *pos, struct ka_symbol *ret, size_t *ret_module);

#endif
