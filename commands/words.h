/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Words of a command line that belong together. For commands alone. */
#ifndef KA_COMMANDS_WORDS_H
#define KA_COMMANDS_WORDS_H

#include <kanalyze/command.h>

/* "(init_task + 8) 4": the words of each expression in parentheses become one argument. */
void ka_words_join_parens(struct ka_call *c);

#endif
