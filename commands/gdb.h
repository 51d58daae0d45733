/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Shared by gdb.c and gdb_examine.c. */
#ifndef COMMANDS_GDB_H
#define COMMANDS_GDB_H

#include <kanalyze/value.h>
#include "dis.h"

extern const struct ka_rows ka_rows_of_gdb_memory;
/* x/FMT: format behind the slash, or "". */
struct ka_error *ka_gdb_examine(struct ka_call *c, const char *format, const char *text) KA_MUST_CHECK;
/* What gdb takes for a place: functions and arrays are their addresses, all else is a value. */
struct ka_error *ka_gdb_address(struct ka_call *c, const char *text, ka_addr *ret) KA_MUST_CHECK;

#endif
