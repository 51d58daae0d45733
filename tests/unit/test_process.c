/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What processes hold, on kernels of several ages: file locks, files without a directory, user pages, credentials, namespaces. */
#include <stdlib.h>
#include <kanalyze/lock.h>
#include <kanalyze/namespaces.h>
#include <kanalyze/row.h>
#include <kanalyze/rss.h>
#include <kanalyze/status.h>
#include <kanalyze/vfs.h>
#include "check.h"
#include "tiny.h"

#define LOCKS TINY_DATA

struct world {
	struct tiny t;
	struct ka_arena *a;
};

static bool has(struct world *w, const char *type, const char *path)
{
	return ka_type_has(w->t.k, type, path);
}

/* The first of two paths that this kernel has. */
static void put2(struct world *w, ka_addr at, const char *type, const char *path, const char *other, uint64_t value)
{
	struct ka_member m = { 0 };

	CHECK(!ka_error_drop(ka_type_member(w->t.k, type, has(w, type, path) ? path : other, &m)));
	tiny_put(&w->t, at + m.offset, value, m.size < 8 ? m.size : 8);
}

static void put(struct world *w, ka_addr at, const char *type, const char *path, uint64_t value)
{
	put2(w, at, type, path, path, value);
}

static uint64_t offset(struct world *w, const char *type, const char *path)
{
	uint64_t o = 0;

	CHECK(!ka_error_drop(ka_type_offset(w->t.k, type, path, &o)));
	return o;
}

static ka_addr make(struct world *w)
{
	return tiny_alloc(&w->t, 8192, 64);
}

/* ---- locks: one list of the machine, which is what a symbol that is not per CPU means */

static const char *lock_path(struct world *w, const char *now, const char *before)
{
	return has(w, "file_lock", now) ? now : before;
}

static ka_addr lock_make(struct world *w, uint64_t flags, uint64_t type, int32_t pid)
{
	ka_addr at = make(w), blocked = at + offset(w, "file_lock", lock_path(w, "c.flc_blocked_requests", "fl_blocked_requests"));
	ka_addr member = at + offset(w, "file_lock", lock_path(w, "c.flc_blocked_member", "fl_blocked_member"));

	put2(w, at, "file_lock", "c.flc_flags", "fl_flags", flags);
	put2(w, at, "file_lock", "c.flc_type", "fl_type", type);
	put2(w, at, "file_lock", "c.flc_pid", "fl_pid", (uint32_t)pid);
	tiny_put(&w->t, blocked, blocked, 8);
	tiny_put(&w->t, blocked + 8, blocked, 8);
	tiny_put(&w->t, member, member, 8);
	tiny_put(&w->t, member + 8, member, 8);
	return at;
}

static void waits(struct world *w, ka_addr waiter, ka_addr lock)
{
	ka_addr head = lock + offset(w, "file_lock", lock_path(w, "c.flc_blocked_requests", "fl_blocked_requests"));
	ka_addr member = waiter + offset(w, "file_lock", lock_path(w, "c.flc_blocked_member", "fl_blocked_member"));

	tiny_put(&w->t, head, member, 8);
	tiny_put(&w->t, head + 8, member, 8);
	tiny_put(&w->t, member, head, 8);
	tiny_put(&w->t, member + 8, head, 8);
}

static void check_locks(struct world *w)
{
	uint64_t link = offset(w, "file_lock", lock_path(w, "c.flc_link", "fl_link"));
	ka_addr posix = lock_make(w, 1, 1, 77), flock = lock_make(w, 2, 0, 78), waiter = lock_make(w, 1, 0, 79), last = lock_make(w, 1, 1, 80),
		lease = lock_make(w, 32 | 256, 1, 81);
	struct ka_lock *locks;
	size_t count;
	struct ka_error *err;

	put(w, posix, "file_lock", "fl_start", 100);
	put(w, posix, "file_lock", "fl_end", 149);
	put(w, waiter, "file_lock", "fl_end", INT64_MAX);
	waits(w, waiter, posix);
	waits(w, last, waiter);
	tiny_put(&w->t, LOCKS, posix + link, 8);
	tiny_put(&w->t, posix + link, flock + link, 8);
	tiny_put(&w->t, flock + link, lease + link, 8);
	tiny_put(&w->t, lease + link, LOCKS, 8);
	CHECK(!ka_error_drop(ka_locks_read(w->t.k, w->a, &locks, &count)));
	CHECK_INT(count, 5);
	CHECK(count == 5 && locks[0].addr == posix && locks[0].number == 1 && !locks[0].depth && locks[0].pid == 77);
	CHECK_STR(locks[0].kind, "POSIX");
	CHECK_STR(locks[0].mode, "WRITE");
	CHECK(locks[0].start == 100 && locks[0].end == 149);
	CHECK(locks[1].addr == waiter && locks[1].number == 1 && locks[1].depth == 1 && locks[1].end == INT64_MAX);
	CHECK_STR(locks[1].mode, "READ");
	CHECK(locks[2].addr == last && locks[2].number == 1 && locks[2].depth == 2);
	CHECK(locks[3].addr == flock && locks[3].number == 2 && locks[3].start == 0 && locks[3].end == INT64_MAX);
	CHECK_STR(locks[3].kind, "FLOCK");
	CHECK_STR(locks[4].kind, "LEASE");
	CHECK_STR(locks[4].state, "BREAKING");
	CHECK_STR(locks[4].mode, "READ");	/* what it is to become */
	/* each waits for the other: told once, and an error */
	waits(w, posix, last);
	err = ka_locks_read(w->t.k, w->a, &locks, &count);
	CHECK(err && err->code == KA_CORRUPT && count == 5);
	ka_error_dispose(err);
}

/* ---- files without a directory */

static const struct ka_node *member(const struct ka_node *object, const char *key)
{
	for (const struct ka_node *n = object ? object->first : NULL; n; n = n->next)
		if (n->key && !strcmp(n->key, key))
			return n;
	return NULL;
}

static uint64_t number(const struct ka_node *object, const char *key)
{
	const struct ka_node *n = member(object, key);

	CHECK(n);
	return n ? n->u : 0;
}

static const struct ka_node *state(struct world *w, const char *path, ka_addr private_data, ka_addr inode, uint32_t mode, bool *ret_failed)
{
	struct ka_vfs_file f = { .private_data = private_data, .inode = inode };
	const struct ka_node *n = NULL;
	bool failed = ka_error_drop(ka_file_state(w->t.k, &f, path, mode, w->a, &n));

	if (ret_failed)
		*ret_failed = failed;
	else
		CHECK(!failed);
	return n;
}

static void list_of_one(struct world *w, ka_addr head, ka_addr node)
{
	tiny_put(&w->t, head, node, 8);
	tiny_put(&w->t, head + 8, node, 8);
	tiny_put(&w->t, node, head, 8);
	tiny_put(&w->t, node + 8, head, 8);
}

static void check_simple(struct world *w)
{
	ka_addr at = make(w);
	const struct ka_node *n;

	put(w, at, "eventfd_ctx", "count", 0xabcdef);
	put(w, at, "eventfd_ctx", "flags", 1);
	n = state(w, "anon_inode:[eventfd]", at, 0, 0, NULL);
	CHECK_INT(number(n, "count"), 0xabcdef);
	CHECK(member(n, "is_semaphore")->is_true);
	put(w, at, "signalfd_ctx", "sigmask.sig[0]", ~0x8000004000000800ull);
	CHECK_INT(number(state(w, "anon_inode:[signalfd]", at, 0, 0, NULL), "mask"), 0x8000004000000800ull);
	at = make(w);
	put(w, at, "pid", "numbers[0].nr", 4711);
	n = state(w, "anon_inode:[pidfd]", at, make(w), 0, NULL);
	CHECK(member(n, "pid")->i == 4711 && member(n, "is_gone")->is_true);
	/* of no known kind, and what cannot be read */
	CHECK(!state(w, "/etc/passwd", at, 0, 0100644, NULL));
	bool failed;
	CHECK(!state(w, "anon_inode:[eventfd]", 0xffffc90000000000, 0, 0, &failed) && failed);
}

static void check_pipe(struct world *w)
{
	ka_addr inode = make(w), pipe = make(w), bufs = make(w);
	uint64_t size = 0;
	bool failed;
	const struct ka_node *n;

	CHECK(!ka_error_drop(ka_type_size(w->t.k, "pipe_buffer", &size)));
	CHECK(!state(w, "/tmp/fifo", 0, inode, 0010600, NULL));		/* nobody has opened it */
	put(w, inode, "inode", "i_pipe", pipe);
	put(w, pipe, "pipe_inode_info", "ring_size", 4);
	put(w, pipe, "pipe_inode_info", "head", 6);
	put(w, pipe, "pipe_inode_info", "tail", 3);
	put(w, pipe, "pipe_inode_info", "readers", 1);
	put(w, pipe, "pipe_inode_info", "writers", 2);
	put(w, pipe, "pipe_inode_info", "bufs", bufs);
	for (unsigned i = 0; i < 4; i++)
		put(w, bufs + i * size, "pipe_buffer", "len", 1u << i);
	n = state(w, NULL, 0, inode, 0010600, NULL);
	CHECK_INT(number(n, "buffers_used"), 3);
	CHECK_INT(number(n, "bytes"), 8 + 1 + 2);	/* slots 3, 0, 1 */
	CHECK_INT(number(n, "writers"), 2);
	put(w, pipe, "pipe_inode_info", "head", 60);
	state(w, NULL, 0, inode, 0010600, &failed);
	CHECK(failed);
}

static void check_inotify(struct world *w)
{
	ka_addr group = make(w), watch = make(w), connector = make(w), inode = make(w), sb = make(w), mark;
	const struct ka_node *n, *first;

	mark = watch + offset(w, "inotify_inode_mark", "fsn_mark");
	put(w, inode, "inode", "i_ino", 12345);
	put(w, inode, "inode", "i_sb", sb);
	put(w, sb, "super_block", "s_dev", 0x1a);
	put(w, watch, "inotify_inode_mark", "wd", 3);
	put(w, mark, "fsnotify_mark", "mask", 0x84000300 | 0x10000000);
	put(w, mark, "fsnotify_mark", "connector", connector);
	put(w, connector, "fsnotify_mark_connector", "obj",
	    has(w, "super_block", "s_fsnotify_info") ? inode : inode + offset(w, "inode", "i_fsnotify_marks"));
	put(w, group, "fsnotify_group", "q_len", 2);
	list_of_one(w, group + offset(w, "fsnotify_group", "marks_list"), mark + offset(w, "fsnotify_mark", "g_list"));
	n = state(w, "anon_inode:inotify", group, 0, 0, NULL);
	CHECK_INT(number(n, "events_queued"), 2);
	first = member(n, "watches")->first;
	CHECK(first && !first->next);
	CHECK(member(first, "wd")->i == 3);
	CHECK_INT(number(first, "mask"), 0x84000300);
	CHECK_INT(number(first, "inode"), inode);
	CHECK_INT(number(first, "ino"), 12345);
	CHECK_INT(number(first, "device"), 0x1a);
	/* a watch whose connector is gone is told without its inode; a list that leads nowhere is an error */
	put(w, mark, "fsnotify_mark", "connector", 0);
	n = state(w, "anon_inode:inotify", group, 0, 0, NULL);
	CHECK(member(n, "watches")->first && !member(member(n, "watches")->first, "inode"));
	put(w, mark, "fsnotify_mark", "g_list.next", 0x10);
	bool failed;
	n = state(w, "anon_inode:inotify", group, 0, 0, &failed);
	CHECK(failed && member(n, "watches")->first);
}

static void check_epoll(struct world *w)
{
	ka_addr ep = make(w), item = make(w), ready;
	const struct ka_node *n, *first;
	bool failed;

	ready = ep + offset(w, "eventpoll", "rdllist");
	tiny_put(&w->t, ready, ready, 8);
	tiny_put(&w->t, ready + 8, ready, 8);
	tiny_put(&w->t, ep + offset(w, "eventpoll", "rbr"), item + offset(w, "epitem", "rbn"), 8);
	put(w, item, "epitem", "ffd.fd", 9);
	put(w, item, "epitem", "event.events", 0x80000019);
	put(w, item, "epitem", "event.data", 0xfeedface12345678);
	n = state(w, "anon_inode:[eventpoll]", ep, 0, 0, NULL);
	first = member(n, "watched")->first;
	CHECK(first && member(first, "fd")->i == 9 && number(first, "events") == 0x80000019 && number(first, "data") == 0xfeedface12345678);
	CHECK_INT(number(n, "ready_count"), 0);
	/* its left child is itself */
	tiny_put(&w->t, item + offset(w, "epitem", "rbn.rb_left"), item + offset(w, "epitem", "rbn"), 8);
	state(w, "anon_inode:[eventpoll]", ep, 0, 0, &failed);
	CHECK(failed);
}

/* ---- user pages */

static void check_pages(struct world *w)
{
	ka_addr pgd = tiny_alloc(&w->t, 4096, 4096), pud = tiny_alloc(&w->t, 4096, 4096), pmd = tiny_alloc(&w->t, 4096, 4096),
		pte = tiny_alloc(&w->t, 4096, 4096);
	struct ka_user_pages p;
	struct ka_user_page at;
	uint64_t seen[8], sizes[8];
	size_t n = 0;

	tiny_put(&w->t, pgd, tiny_phys(pud) | 0x67, 8);
	tiny_put(&w->t, pud, tiny_phys(pmd) | 0x67, 8);
	tiny_put(&w->t, pmd, tiny_phys(pte) | 0x67, 8);
	tiny_put(&w->t, pmd + 8, 0x2000000 | 0xe7, 8);		/* a page of 2 MB */
	tiny_put(&w->t, pmd + 24, 0x700000000067, 8);	/* a table that is not in the dump */
	tiny_put(&w->t, pte + 8, 0x3000000 | 0x67, 8);
	tiny_put(&w->t, pte + 511 * 8, 0x3001000 | 0x65, 8);
	p = ka_user_pages(w->t.k, pgd, 0, 1 << 30);
	while (n < 8 && ka_user_pages_next(&p, &at)) {
		seen[n] = at.virt;
		sizes[n++] = at.size;
	}
	CHECK(ka_error_drop(ka_user_pages_end(&p)));	/* of the table that lacks */
	CHECK_INT(n, 3);
	CHECK(n == 3 && seen[0] == 0x1000 && seen[1] == 0x1ff000 && seen[2] == 0x200000);
	CHECK(sizes[0] == 4096 && sizes[1] == 4096 && sizes[2] == 2 << 20);
	/* from the middle, and nothing at all */
	p = ka_user_pages(w->t.k, pgd, 0x2000, 0x200000);
	CHECK(ka_user_pages_next(&p, &at) && at.virt == 0x1ff000 && at.e.phys == 0x3001000 && !ka_user_pages_next(&p, &at));
	CHECK(!ka_error_drop(ka_user_pages_end(&p)));
	p = ka_user_pages(w->t.k, pgd, 5, 5);
	CHECK(!ka_user_pages_next(&p, &at) && !ka_error_drop(ka_user_pages_end(&p)));
}

/* ---- credentials and namespaces */

static void check_status(struct world *w)
{
	ka_addr task = make(w), cred = make(w), groups = make(w), signal = make(w), pid = make(w), fs = make(w), ns = make(w), proxy = make(w);
	struct ka_task t = { .addr = task, .pid = 7, .tgid = 7, .signal = signal, .fs = fs, .nsproxy = proxy, .static_prio = 125, .group_leader = task };
	struct ka_namespaces n;
	struct ka_task_status s;
	uint64_t upid = 0;

	CHECK(!ka_error_drop(ka_type_size(w->t.k, "upid", &upid)));
	put(w, task, "task_struct", "real_cred", cred);
	put(w, task, "task_struct", "thread_pid", pid);
	put(w, task, "task_struct", "atomic_flags", 1);
	put(w, task, "task_struct", "seccomp.mode", 2);
	put(w, task, "task_struct", "exit_signal", 17);
	put(w, task, "task_struct", "se.sum_exec_runtime", 123456789);
	put(w, cred, "cred", "uid.val", 1001);
	put(w, cred, "cred", "egid.val", 1002);
	put(w, cred, "cred", "group_info", groups);
	if (has(w, "cred", "cap_effective.val")) {
		put(w, cred, "cred", "cap_effective.val", 0x1ff00002001);
	} else {
		put(w, cred, "cred", "cap_effective.cap[0]", 0x2001);
		put(w, cred, "cred", "cap_effective.cap[1]", 0x1ff);
	}
	put(w, groups, "group_info", "ngroups", 3);
	for (unsigned i = 0; i < 3; i++)
		tiny_put(&w->t, groups + offset(w, "group_info", "gid") + i * 4, 100000 + i, 4);
	put(w, signal, "signal_struct", "pids[PIDTYPE_PGID]", pid);
	put(w, signal, "signal_struct", "oom_score_adj", (uint16_t)-500);
	put(w, pid, "pid", "level", 1);
	tiny_put(&w->t, pid + offset(w, "pid", "numbers"), 7, 4);
	tiny_put(&w->t, pid + offset(w, "pid", "numbers") + upid, 1, 4);
	tiny_put(&w->t, pid + offset(w, "pid", "numbers") + upid + offset(w, "upid", "ns"), ns, 8);
	put(w, fs, "fs_struct", "umask", 027);
	CHECK(!ka_error_drop(ka_task_status_read(w->t.k, &t, w->a, &s)));
	CHECK(s.uid == 1001 && s.egid == 1002 && s.group_count == 3 && s.groups[2] == 100002);
	CHECK_INT(s.cap_effective, 0x1ff00002001ull);
	CHECK(s.no_new_privs && s.seccomp == 2 && s.umask == 027 && s.has_umask && s.nice == 5 && s.exit_signal == 17);
	CHECK(s.pid_levels == 2 && s.pids[0] == 7 && s.pids[1] == 1 && s.pgrp == 7 && !s.session && !s.tty[0]);
	CHECK_INT(s.oom_score_adj, -500);
	CHECK_INT(s.exec_ns, 123456789);
	put(w, proxy, "nsproxy", "uts_ns", ns);
	put(w, ns, "uts_namespace", "ns.inum", 4026531838);
	CHECK(!ka_error_drop(ka_namespaces_read(w->t.k, &t, &n)) || n.ns[KA_NS_UTS].ino);
	CHECK(n.ns[KA_NS_UTS].addr == ns && n.ns[KA_NS_UTS].ino == 4026531838 && n.ns[KA_NS_PID].addr == ns && !n.ns[KA_NS_NET].addr);
	CHECK_STR(ka_ns_name(KA_NS_UTS), "uts");
	/* more groups, or levels of pid namespaces, than there can be */
	put(w, groups, "group_info", "ngroups", 1 << 30);
	CHECK(ka_error_drop(ka_task_status_read(w->t.k, &t, w->a, &s)) && !s.group_count && s.uid == 1001);
	put(w, groups, "group_info", "ngroups", 0);
	put(w, pid, "pid", "level", 99);
	CHECK(ka_error_drop(ka_task_status_read(w->t.k, &t, w->a, &s)) && s.pid_levels == 1);
}

static void check_kernel(const char *release)
{
	static const struct tiny_symbol symbols[] = { { "file_lock_list", LOCKS, 16, 'D' }, { NULL, 0, 0, 0 } };
	struct tiny_options o = { .symbols = symbols };
	uint8_t *btf = tiny_btf_load(release, &o.btf_size);
	struct world w = { .a = ka_arena_new() };

	if (!btf) {
		fprintf(stderr, "testdata/types has no %s\n", release);
		exit(77);
	}
	o.btf = btf;
	tiny_open(&w.t, &o);
	check_locks(&w);
	check_simple(&w);
	check_pipe(&w);
	check_inotify(&w);
	check_epoll(&w);
	check_pages(&w);
	check_status(&w);
	tiny_close(&w.t);
	ka_arena_free(w.a);
	free(btf);
}

CHECK_MAIN
{
	check_kernel("5.10.0-43-cloud-amd64");
	check_kernel("6.1.0-50-cloud-amd64");
	check_kernel("6.12.95+deb12-cloud-amd64");
	check_kernel("7.3.4+deb13-cloud-amd64");
}
