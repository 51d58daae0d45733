/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* File locks, from the lists that /proc/locks is made of. */
#include <inttypes.h>
#include <kanalyze/lock.h>
#include <kanalyze/symbol.h>
#include <kanalyze/task.h>
#include <kanalyze/vfs.h>
#include <kanalyze/view.h>

#define LOCKS_MAX (1u << 20)
#define DEPTH_MAX 64

/* include/linux/filelock.h; bits that never moved */
enum { FL_POSIX = 1, FL_FLOCK = 2, FL_DELEG = 4, FL_ACCESS = 8, FL_LEASE = 32, FL_DOWNGRADE_PENDING = 256, FL_UNLOCK_PENDING = 512,
       FL_OFDLCK = 1024, FL_LAYOUT = 2048 };
enum { F_RDLCK, F_WRLCK, F_UNLCK };

struct lock_view {
	uint32_t flags;
	uint8_t type;
	int32_t pid;
	ka_addr file, link_at, blocked_at, member_at;
};
/*
 * What locks and leases share is a struct of its own since a69ce85ec9af (v6.9). Requests that wait hang in fl_blocked_requests
 * since 5946c4319ebb (v5.0), before in fl_block.
 */
KA_VIEW(lock_view, ("file_lock"),
	KA_FROM(lock_view, flags, "c.flc_flags", "fl_flags"),
	KA_FROM(lock_view, type, "c.flc_type", "fl_type"),
	KA_FROM(lock_view, pid, "c.flc_pid", "fl_pid"),
	KA_FROM(lock_view, file, "c.flc_file", "fl_file"),
	KA_AT(lock_view, link_at, "c.flc_link", "fl_link"),
	KA_AT(lock_view, blocked_at, "c.flc_blocked_requests", "fl_blocked_requests", "fl_block"),
	KA_AT(lock_view, member_at, "c.flc_blocked_member", "fl_blocked_member", "fl_block"));

struct lock_range_view {
	int64_t start, end;
};
KA_VIEW(lock_range_view, ("file_lock"),
	KA_FROM(lock_range_view, start, "fl_start"),
	KA_FROM(lock_range_view, end, "fl_end"));

/* Per CPU a lock and a list since v4.9 (in place of lglocks), before the list alone (7012b02a2b2c, v3.11). */
struct lock_list_view {
	ka_addr hlist_at;
};
KA_VIEW(lock_list_view, ("file_lock_list_struct"), KA_AT(lock_list_view, hlist_at, "hlist"));

struct locks {
	struct ka_kernel *k;
	struct { KA_VEC(struct ka_lock); } found;
	struct ka_map seen;
	struct ka_error *err;
};

static void fault(struct locks *l, struct ka_error *err)
{
	if (l->err)
		ka_error_free(err);
	else
		l->err = err;
}

static const char *kind_of(uint32_t flags)
{
	return flags & FL_ACCESS ? "ACCESS" : flags & FL_OFDLCK ? "OFDLCK" : flags & FL_POSIX ? "POSIX" : flags & FL_FLOCK ? "FLOCK" :
	       flags & FL_LAYOUT ? "LAYOUT" : flags & FL_DELEG ? "DELEG" : flags & FL_LEASE ? "LEASE" : "?";
}

static void lock_fill(struct locks *l, ka_addr at, const struct lock_view *v, unsigned number, unsigned depth, struct ka_lock *ret)
{
	bool is_lease = v->flags & (FL_LEASE | FL_DELEG | FL_LAYOUT);
	struct lock_range_view range = { 0, INT64_MAX };
	uint8_t type = v->type;
	struct ka_vfs_file f;

	*ret = (struct ka_lock){ .addr = at, .number = number, .depth = depth, .kind = kind_of(v->flags), .state = "ADVISORY", .pid = v->pid,
				 .file = v->file };
	/* since v6.9 a lease is another struct, that has no range */
	if (!is_lease && !(v->flags & FL_FLOCK))
		fault(l, ka_view_read(l->k, &ka_view_lock_range_view, at, &range));
	if (is_lease) {
		bool is_breaking = v->flags & (FL_UNLOCK_PENDING | FL_DOWNGRADE_PENDING);

		ret->state = is_breaking ? "BREAKING" : v->file ? "ACTIVE" : "BREAKER";
		type = v->flags & FL_UNLOCK_PENDING ? F_UNLCK : v->flags & FL_DOWNGRADE_PENDING ? F_RDLCK : type;
	}
	ret->mode = type == F_WRLCK ? "WRITE" : type == F_RDLCK ? "READ" : type == F_UNLCK ? "UNLCK" : "?";
	ret->start = range.start;
	ret->end = range.end;
	if (v->flags & FL_OFDLCK)
		ret->pid = -1;
	if (v->file && !ka_error_drop(ka_vfs_file_read(l->k, v->file, &f)))
		ret->inode = f.inode;
}

/* A lock and those that wait for it, below it in the order of /proc/locks. */
static void lock_add(struct locks *l, ka_addr at, unsigned number, unsigned depth)
{
	struct lock_view v;
	struct ka_lock lock;
	struct ka_walk w;
	struct ka_error *err;

	if (depth > DEPTH_MAX || l->found.n >= LOCKS_MAX || !ka_map_add(&l->seen, at, 1)) {
		fault(l, ka_error_at(KA_CORRUPT, KA_SPACE_VIRT, at, "file locks wait for each other in a cycle, or there are too many"));
		return;
	}
	err = ka_view_read(l->k, &ka_view_lock_view, at, &v);
	if (err) {
		fault(l, ka_error_wrap(err, "file lock at 0x%" PRIx64, at));
		return;
	}
	lock_fill(l, at, &v, number, depth, &lock);
	ka_vec_push(&l->found, lock);
	/* of kernels before v5.0 one list_head is both; then those that wait are on the list of the one that is held */
	if (depth && v.blocked_at == v.member_at)
		return;
	w = ka_walk_list(l->k, v.blocked_at, KA_OFFSET(l->k, lock_view, member_at));
	for (ka_addr waiter; ka_walk_next(&w, &waiter); )
		lock_add(l, waiter, number, depth + 1);
	err = ka_walk_end(&w);
	if (err)
		fault(l, ka_error_wrap(err, "who waits for the file lock at 0x%" PRIx64, at));
}

struct ka_error *ka_locks_read(struct ka_kernel *k, struct ka_arena *a, struct ka_lock **ret, size_t *ret_count)
{
	bool has_struct = !ka_error_drop(ka_view_bind(k, &ka_view_lock_list_view));
	struct locks l = { .k = k };
	struct ka_symbol s;
	unsigned number = 0;
	struct ka_error *err = ka_view_bind(k, &ka_view_lock_view);

	*ret = NULL;
	*ret_count = 0;
	if (!err)
		err = ka_symbol_find(k, "file_lock_list", &s);
	if (err)
		return ka_error_wrap(err, "file locks");
	for (unsigned cpu = 0; cpu < (s.is_percpu ? ka_cpu_count(k) : 1); cpu++) {
		uint64_t link = KA_OFFSET(k, lock_view, link_at);
		ka_addr head = s.addr;
		struct ka_walk w;

		if (s.is_percpu && ka_error_drop(ka_percpu_addr(k, "file_lock_list", cpu, &head)))
			continue;
		if (s.is_percpu && has_struct)
			head += KA_OFFSET(k, lock_list_view, hlist_at);
		/* one list of the whole machine before v3.11 */
		w = s.is_percpu ? ka_walk_hlist(k, head, link) : ka_walk_list(k, head, link);
		for (ka_addr at; ka_walk_next(&w, &at); )
			lock_add(&l, at, ++number, 0);
		err = ka_walk_end(&w);
		if (err)
			fault(&l, ka_error_wrap(err, "file locks of CPU %u", cpu));
	}
	*ret_count = l.found.n;
	*ret = ka_alloc(a, l.found.n * sizeof(**ret) + 1);
	if (l.found.n)
		memcpy(*ret, l.found.at, l.found.n * sizeof(**ret));
	ka_vec_free(&l.found);
	ka_map_free(&l.seen);
	return l.err;
}
