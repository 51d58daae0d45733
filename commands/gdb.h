/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Shared by gdb.c and gdb_examine.c. */
#ifndef COMMANDS_GDB_H
#define COMMANDS_GDB_H

#include <kanalyze/value.h>
#include "dis.h"

extern const struct ka_rows ka_rows_of_gdb_memory;
/* x/FMT: format behind the slash, or "". */
struct ka_error *ka_gdb_examine(struct ka_call *c, const char *format, const char *text) KA_MUST_CHECK;
/* printf "FORMAT", EXPR, ...: the text, perhaps with a line break at its end. */
struct ka_error *ka_gdb_printf(struct ka_call *c, const char *text, struct ka_str *to) KA_MUST_CHECK;
/* ptype/o: members with offset, size and holes. False: no struct or union. */
bool ka_gdb_offsets(struct ka_call *c, const struct ka_type *t, struct ka_str *to);
/* info scope LOCATION: where arguments and variables are. */
struct ka_error *ka_gdb_scope(struct ka_call *c, const char *text, struct ka_str *to) KA_MUST_CHECK;
/* What gdb takes for a place: functions and arrays are their addresses, all else is a value. */
struct ka_error *ka_gdb_address(struct ka_call *c, const char *text, ka_addr *ret) KA_MUST_CHECK;

#endif
