/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The pager: started only when the text does not fit on the screen, or keeps the user waiting. */
#ifndef KA_PAGER_H
#define KA_PAGER_H

#include <kanalyze/base.h>

struct ka_pager;

/* terminal_fd: where the pager shows the text. */
struct ka_pager *ka_pager_new(const char *command, int terminal_fd, unsigned screen_rows, unsigned screen_columns);
/* May the text held so far be written out (to ka_pager_fd())? Starts the pager when it is longer than the screen or held for long. */
bool ka_pager_is_due(struct ka_pager *p, const struct ka_str *held, uint64_t held_ms);
/* The pager's standard input once it runs, else fallback. */
int ka_pager_fd(const struct ka_pager *p, int fallback);
/* Ends its input and waits until the user has left it. NULL is allowed. */
void ka_pager_free(struct ka_pager *p);

#endif
