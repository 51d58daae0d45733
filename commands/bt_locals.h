/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* bt -V and its like: rows of arguments and local variables. */
#ifndef KA_COMMANDS_BT_LOCALS_H
#define KA_COMMANDS_BT_LOCALS_H

#include <kanalyze/command.h>
#include <kanalyze/local.h>

extern const struct ka_rows ka_rows_of_local;
enum ka_local_kinds { KA_LOCAL_ARGUMENTS = 1, KA_LOCAL_VARIABLES = 2, KA_LOCAL_ALL = 3 };
/*
 * Lines "    name = value" of the function at a level (0: the innermost; see struct ka_local); KA_ALL_LEVELS: of all, those of inlined
 * functions with the function's name before them. JSON rows go into the row that is open. Count returned.
 */
#define KA_ALL_LEVELS (~0u)
size_t ka_put_locals(struct ka_call *c, const struct ka_locals *l, unsigned level, enum ka_local_kinds kinds);
/*
 * The same of a frame in one go. Whatever debuginfo does not tell of (assembly, modules without it) is no fault in text,
 * where it would be told for nearly each stack: nothing is shown then. is_named: the function's name before each, inlined or not.
 */
void ka_put_frame_locals(struct ka_call *c, struct ka_stack *st, size_t frame, bool is_named);

#endif
