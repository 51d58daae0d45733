/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * --where EXPR: which of the objects that a command walks are wanted. In the expression the object has a name ("task",
 * a pointer to its struct) and its members are names by themselves:
 *
 *	ps --where 'task->mm && comm == "nginx"'		ps --where 'pid > 1000 && comm =~ "k*"'
 *
 * Parsed once; a member's place is looked up once.
 */
#ifndef KANALYZE_FILTER_H
#define KANALYZE_FILTER_H

#include <kanalyze/expr.h>

#define KA_OPTION_WHERE(what) { "where", "EXPR", "only " what " of which EXPR is true (see: help expressions)", true }

struct ka_filter;
/*
 * text as typed, perhaps in the quotes of the command line. object: "task"; type: "struct task_struct". Lives in the arena.
 * Errors: USAGE of the expression, MISSING: the type, a member or a symbol; what is left to ka_filter_test() is of the object's memory.
 */
struct ka_error *ka_filter_new(struct ka_kernel *k, struct ka_arena *a, const char *text, const char *object, const char *type,
			       struct ka_filter **ret) KA_MUST_CHECK;
/* Is the object at this address wanted? f NULL: all are. Not for several threads at once. */
struct ka_error *ka_filter_test(struct ka_filter *f, ka_addr at, bool *ret) KA_MUST_CHECK;

#endif
