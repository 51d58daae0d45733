/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* fault -w: who waits for whom. */
#ifndef COMMANDS_FAULT_WAITS_H
#define COMMANDS_FAULT_WAITS_H

#include <kanalyze/command.h>

struct ka_error *ka_fault_waits(struct ka_call *c) KA_MUST_CHECK;
extern const struct ka_rows ka_rows_of_waits, ka_rows_of_wait_cycles;

#endif
