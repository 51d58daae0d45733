/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What commands that print values share: how, as options and settings say, and where arguments lead. */
#ifndef KA_COMMANDS_PRINT_H
#define KA_COMMANDS_PRINT_H

#include <kanalyze/command.h>
#include <kanalyze/value.h>

/* Of the settings radix, print_max, print_array, null-stop; is_hex, is_decimal: -x, -d. */
struct ka_print ka_call_print(const struct ka_call *c, bool is_hex, bool is_decimal);
/* Reads user memory of the current task from now on (-u); addresses of the kernel as ever. state: the caller's, lives as long. */
struct ka_print_user {
	struct ka_kernel *k;
	ka_addr mm;
};
struct ka_error *ka_print_from_user(struct ka_call *c, struct ka_print *how, struct ka_print_user *state) KA_MUST_CHECK;
/* Tells of a value that lies in __init memory, which was given away after boot, that it is no longer one. */
void ka_print_warn_init(struct ka_call *c, const struct ka_value *x);
/*
 * Cuts ":CPUS" off a word ("runqueues:a", "runqueues:", "22e80:1,3-5"): which CPUs (count of them in ret, room for ka_cpu_count()).
 * ":" alone is the current task's. False in *ret_has: there is none, and the word stays as it is.
 */
struct ka_error *ka_print_cpus(struct ka_call *c, char *word, bool *ret, bool *ret_has) KA_MUST_CHECK;

/* struct.c's: struct, union and * are one command. */
struct ka_error *ka_struct_run(struct ka_call *c) KA_MUST_CHECK;
extern const struct ka_option ka_struct_options[];
extern const struct ka_rows *const ka_struct_row_types[];

#endif
