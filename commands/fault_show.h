/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The lines of a fault under the exception's registers in a backtrace. */
#ifndef COMMANDS_FAULT_SHOW_H
#define COMMANDS_FAULT_SHOW_H

#include <kanalyze/command.h>
#include <kanalyze/fault.h>

/* The fault of a stack; NULL: the task is not the one that ended the machine, or its stack has no exception that did. In the arena. */
struct ka_fault *ka_fault_of_stack(struct ka_call *c, ka_addr task, const struct ka_stack *st);
/* Its rows, below the frame f->frame. */
void ka_fault_show(struct ka_call *c, const struct ka_fault *f);
extern const struct ka_rows ka_rows_of_fault;

#endif
