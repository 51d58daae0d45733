/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Signals of a task and of its process. Sets: bit n is signal n + 1. */
#ifndef KANALYZE_SIGNAL_H
#define KANALYZE_SIGNAL_H

#include <kanalyze/task.h>

#define KA_SIGNALS 64

struct ka_signals {
	ka_addr signal;			/* of the signal_struct */
	uint32_t thread_count;
	uint64_t blocked, pending, shared_pending;
	ka_addr queue_at, shared_queue_at;	/* list heads of pending siginfos */
};
struct ka_error *ka_signals_read(struct ka_kernel *k, const struct ka_task *t, struct ka_signals *ret) KA_MUST_CHECK;

struct ka_sigaction {
	ka_addr addr;			/* of the k_sigaction */
	uint64_t handler, flags, mask;	/* handler: user address; 0 SIG_DFL, 1 SIG_IGN */
};
/* What a process does on each signal, from its sighand_struct; *ret_count are filled, of signal 1 on. */
struct ka_error *ka_sigactions_read(struct ka_kernel *k, ka_addr sighand, struct ka_sigaction ret[KA_SIGNALS],
				    unsigned *ret_count) KA_MUST_CHECK;

/* The sigqueue structs on a list of ka_signals. */
struct ka_walk ka_walk_sigqueue(struct ka_kernel *k, ka_addr queue_at);
struct ka_siginfo {
	ka_addr addr;	/* of the siginfo */
	int32_t signal, code, errno_value;
};
struct ka_error *ka_siginfo_read(struct ka_kernel *k, ka_addr sigqueue, struct ka_siginfo *ret) KA_MUST_CHECK;

/* "SIGHUP"; "SIGRTMIN+1"; NULL out of 1 ... 64. ret_other: a second name ("SIGIOT" of SIGABRT) or NULL. */
const char *ka_signal_name(unsigned signal, const char **ret_other);

#endif
