/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Namespaces of a task, as /proc/PID/ns has them. */
#ifndef KANALYZE_NAMESPACES_H
#define KANALYZE_NAMESPACES_H

#include <kanalyze/task.h>

enum ka_ns_kind { KA_NS_CGROUP, KA_NS_IPC, KA_NS_MNT, KA_NS_NET, KA_NS_PID, KA_NS_TIME, KA_NS_USER, KA_NS_UTS, KA_NS_KINDS };

struct ka_namespaces {
	struct {
		ka_addr addr;	/* of the struct; 0: this kernel has none, or the task has left it */
		uint32_t ino;	/* its inode number in nsfs: net:[4026531840]; 0: none */
	} ns[KA_NS_KINDS];
};

/* "cgroup" "ipc" "mnt" ... */
const char *ka_ns_name(enum ka_ns_kind kind);
/* Also behind an error: what could be read. */
struct ka_error *ka_namespaces_read(struct ka_kernel *k, const struct ka_task *t, struct ka_namespaces *ret) KA_MUST_CHECK;

#endif
