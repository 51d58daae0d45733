/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An entry of a page table as text and row: for pte and vtop. */
#ifndef KA_COMMANDS_ENTRY_SHOW_H
#define KA_COMMANDS_ENTRY_SHOW_H

#include <kanalyze/command.h>
#include <kanalyze/entry.h>
#include <kanalyze/expr.h>

extern const struct ka_rows ka_rows_entry_row;

/* size: of the page that it is for; 0: not known. Text: heading and line. */
void entry_show(struct ka_call *c, uint64_t entry, uint64_t size);
/* The names of the bits, as a list in the arena. */
const char *const *entry_flags(struct ka_call *c, uint64_t entry, uint64_t size, const char **ret_text);

#endif
