/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of sys share. */
#ifndef KA_COMMAND_SYS_H
#define KA_COMMAND_SYS_H

#include <kanalyze/command.h>

extern const struct ka_rows ka_sys_rows_syscall, ka_sys_rows_dmi, ka_sys_rows_config;
/* -c: all system calls, or those whose number or name is asked for. */
struct ka_error *ka_sys_syscalls(struct ka_call *c) KA_MUST_CHECK;
struct ka_error *ka_sys_dmi(struct ka_call *c) KA_MUST_CHECK;
struct ka_error *ka_sys_config(struct ka_call *c) KA_MUST_CHECK;

#endif
