/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Private to local*.c: a frame as expressions see it. */
#ifndef KA_MODEL_LOCAL_H
#define KA_MODEL_LOCAL_H

#include <kanalyze/local.h>
#include "kernel.h"
#include "scope.h"

struct ka_local_frame {
	struct ka_kernel *k;
	struct ka_arena *a;
	const struct ka_stack *stack;	/* NULL: no frame, only code */
	size_t index;
	ka_addr pc;			/* run-time */
	bool is_module;
	struct ka_scope scope;
	struct ka_local_frame *up;	/* its caller, when asked for */
	bool has_tried_up;
};

/* The scope at an address. MISSING says which debuginfo lacks. */
struct ka_error *ka_local_frame_open(struct ka_kernel *k, ka_addr pc, struct ka_arena *a, struct ka_local_frame *ret) KA_MUST_CHECK;
void ka_local_frame_env(struct ka_local_frame *f, struct ka_scope_env *ret);

/* local_registers.c: rules of DWARF at a run-time address; CFA of a frame of the stack. */
bool ka_local_rules(struct ka_kernel *k, ka_addr pc, struct ka_frame_rules *ret);
bool ka_local_cfa(struct ka_kernel *k, const struct ka_stack *st, size_t frame, uint64_t *ret);

/* local_value.c: from places to the value. */
void ka_local_load(struct ka_local_frame *f, const struct ka_scope_variable *v, unsigned nesting, struct ka_local *ret);

#endif
