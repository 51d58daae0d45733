/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Signals: what a process does on each, which are blocked, which wait. */
#include <inttypes.h>
#include <kanalyze/signal.h>
#include <kanalyze/view.h>
#include "kernel.h"

/* A sigset is an array of unsigned long: two of them where those have 32 bits. */
struct signal_task_view {
	uint64_t blocked[2], pending[2];
	ka_addr queue_at;
};
KA_VIEW(signal_task_view, ("task_struct"),
	KA_FROM(signal_task_view, blocked[0], "blocked.sig[0]"),
	KA_MAYBE(signal_task_view, blocked[1], "blocked.sig[1]"),
	KA_FROM(signal_task_view, pending[0], "pending.signal.sig[0]"),
	KA_MAYBE(signal_task_view, pending[1], "pending.signal.sig[1]"),
	KA_AT(signal_task_view, queue_at, "pending.list"));

struct signal_view {
	uint32_t thread_count;
	uint64_t pending[2];
	ka_addr queue_at;
};
KA_VIEW(signal_view, ("signal_struct"),
	/* b3ac022cb9dc, v2.6.35; the reference count was the number of threads before */
	KA_FROM(signal_view, thread_count, "nr_threads", "count.counter"),
	KA_FROM(signal_view, pending[0], "shared_pending.signal.sig[0]"),
	KA_MAYBE(signal_view, pending[1], "shared_pending.signal.sig[1]"),
	KA_AT(signal_view, queue_at, "shared_pending.list"));

struct sighand_view {
	ka_addr actions_at;
	uint64_t actions_size;
};
KA_VIEW(sighand_view, ("sighand_struct"),
	KA_AT(sighand_view, actions_at, "action"),
	KA_SIZE(sighand_view, actions_size, "action"));

struct sigaction_view {
	uint64_t handler, flags, mask[2];
};
KA_VIEW(sigaction_view, ("k_sigaction"),
	KA_FROM(sigaction_view, handler, "sa.sa_handler", "sa._u._sa_handler"),
	KA_FROM(sigaction_view, flags, "sa.sa_flags"),
	KA_FROM(sigaction_view, mask[0], "sa.sa_mask.sig[0]"),
	KA_MAYBE(sigaction_view, mask[1], "sa.sa_mask.sig[1]"));

struct sigqueue_view {
	ka_addr info_at, list_at;
	int32_t signal, code, errno_value;
};
KA_VIEW(sigqueue_view, ("sigqueue"),
	KA_AT(sigqueue_view, info_at, "info"),
	KA_AT(sigqueue_view, list_at, "list"),
	KA_FROM(sigqueue_view, signal, "info.si_signo"),
	KA_FROM(sigqueue_view, code, "info.si_code"),
	KA_MAYBE(sigqueue_view, errno_value, "info.si_errno"));

static uint64_t set_of(struct ka_kernel *k, const uint64_t word[2])
{
	return ka_long_size(k) == 4 ? word[0] | word[1] << 32 : word[0];
}

struct ka_error *ka_signals_read(struct ka_kernel *k, const struct ka_task *t, struct ka_signals *ret)
{
	struct signal_task_view task;
	struct signal_view signal;
	struct ka_error *err;

	memset(ret, 0, sizeof(*ret));
	ret->signal = t->signal;
	err = ka_view_read(k, &ka_view_signal_task_view, t->addr, &task);
	if (err)
		return ka_error_wrap(err, "cannot read the signals of PID %d", t->pid);
	ret->blocked = set_of(k, task.blocked);
	ret->pending = set_of(k, task.pending);
	ret->queue_at = task.queue_at;
	if (!t->signal)
		return NULL;
	err = ka_view_read(k, &ka_view_signal_view, t->signal, &signal);
	if (err)
		return ka_error_wrap(err, "cannot read the signals of the process of PID %d", t->pid);
	ret->thread_count = signal.thread_count;
	ret->shared_pending = set_of(k, signal.pending);
	ret->shared_queue_at = signal.queue_at;
	return NULL;
}

struct ka_error *ka_sigactions_read(struct ka_kernel *k, ka_addr sighand, struct ka_sigaction ret[KA_SIGNALS],
				    unsigned *ret_count)
{
	uint64_t size = ka_view_size(k, &ka_view_sigaction_view);
	struct sighand_view v;
	struct ka_error *err = ka_view_read(k, &ka_view_sighand_view, sighand, &v);
	uint8_t *bytes;

	*ret_count = 0;
	if (!err && !size)
		err = ka_view_bind(k, &ka_view_sigaction_view);
	if (err || !size)
		return err;
	v.actions_size = KA_MIN(v.actions_size, KA_SIGNALS * size);
	bytes = ka_xalloc(v.actions_size);
	err = ka_read(k, v.actions_at, bytes, v.actions_size);
	for (unsigned i = 0; !err && i < v.actions_size / size; i++) {
		ka_addr at = v.actions_at + i * size;
		struct sigaction_view a;

		err = ka_view_parse(k, &ka_view_sigaction_view, at, bytes + i * size, size, &a);
		if (err)
			break;
		ret[i] = (struct ka_sigaction){ .addr = at, .handler = a.handler, .flags = a.flags, .mask = set_of(k, a.mask) };
		*ret_count = i + 1;
	}
	free(bytes);
	return ka_error_wrap(err, "cannot read the actions of the sighand_struct at 0x%" PRIx64, sighand);
}

struct ka_walk ka_walk_sigqueue(struct ka_kernel *k, ka_addr queue_at)
{
	return ka_walk_list(k, queue_at, KA_OFFSET(k, sigqueue_view, list_at));
}

struct ka_error *ka_siginfo_read(struct ka_kernel *k, ka_addr sigqueue, struct ka_siginfo *ret)
{
	struct sigqueue_view v;
	struct ka_error *err = ka_view_read(k, &ka_view_sigqueue_view, sigqueue, &v);

	*ret = (struct ka_siginfo){0};
	if (!err)
		*ret = (struct ka_siginfo){ v.info_at, v.signal, v.code, v.errno_value };
	return err;
}

/* Numbers of x86, arm and all that use the kernel's generic ones; alpha, mips, parisc and sparc have their own. */
const char *ka_signal_name(unsigned signal, const char **ret_other)
{
	static const char *const names[KA_SIGNALS + 1] = {
		NULL, "SIGHUP", "SIGINT", "SIGQUIT", "SIGILL", "SIGTRAP", "SIGABRT", "SIGBUS", "SIGFPE", "SIGKILL", "SIGUSR1",
		"SIGSEGV", "SIGUSR2", "SIGPIPE", "SIGALRM", "SIGTERM", "SIGSTKFLT", "SIGCHLD", "SIGCONT", "SIGSTOP", "SIGTSTP",
		"SIGTTIN", "SIGTTOU", "SIGURG", "SIGXCPU", "SIGXFSZ", "SIGVTALRM", "SIGPROF", "SIGWINCH", "SIGIO", "SIGPWR",
		"SIGSYS", "SIGRTMIN", "SIGRTMIN+1", "SIGRTMIN+2", "SIGRTMIN+3", "SIGRTMIN+4", "SIGRTMIN+5", "SIGRTMIN+6",
		"SIGRTMIN+7", "SIGRTMIN+8", "SIGRTMIN+9", "SIGRTMIN+10", "SIGRTMIN+11", "SIGRTMIN+12", "SIGRTMIN+13",
		"SIGRTMIN+14", "SIGRTMIN+15", "SIGRTMIN+16", "SIGRTMAX-15", "SIGRTMAX-14", "SIGRTMAX-13", "SIGRTMAX-12",
		"SIGRTMAX-11", "SIGRTMAX-10", "SIGRTMAX-9", "SIGRTMAX-8", "SIGRTMAX-7", "SIGRTMAX-6", "SIGRTMAX-5",
		"SIGRTMAX-4", "SIGRTMAX-3", "SIGRTMAX-2", "SIGRTMAX-1", "SIGRTMAX",
	};

	if (ret_other)
		*ret_other = signal == 6 ? "SIGIOT" : signal == 17 ? "SIGCLD" : signal == 29 ? "SIGPOLL" :
			     signal == 31 ? "SIGUNUSED" : NULL;
	return signal <= KA_SIGNALS ? names[signal] : NULL;
}
