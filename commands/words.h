/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Words of a command line that belong together. For commands alone. */
#ifndef KA_COMMANDS_WORDS_H
#define KA_COMMANDS_WORDS_H

#include <kanalyze/command.h>

/* "(init_task + 8) 4", "sizeof(struct page) 2": the words from an open parenthesis to where it is closed become one argument. */
void ka_words_join(struct ka_call *c);
/* The same of the expression that begins with argument i alone. */
void ka_words_join_at(struct ka_call *c, int i);
/* Says in text which other symbols of the kernel have that name, when there are some: an address has been taken of the first. */
void ka_words_twins(struct ka_call *c, const char *name);
/* "foo@kernel/fork.c"; of a type of Rust its whole path. */
const char *ka_words_type(struct ka_call *c, const char *name, const char *file);

#endif
