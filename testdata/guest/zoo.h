/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* zoo.h: what the animals share. */
#ifndef ZOO_H
#define ZOO_H

#include <sys/types.h>

/* Write one line "ZOO mode=MODE pid=PID ..." to the file named by $ZOO. */
__attribute__((format(printf, 1, 2))) void tell(const char *fmt, ...);
/* Tell of a call that failed and go on: kernels differ. Returns ret. */
int must(int ret, const char *what);
void name(const char *comm);
pid_t child(void);

void zoo_files(void);
void zoo_ipc(void);
void zoo_maps(void);
void zoo_net(void);
void zoo_more(const char *what);	// of zoo-more.c

#endif
