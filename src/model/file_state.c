/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What files without a directory are made of: pipes, eventfd, timerfd, signalfd, pidfd, memfd; the rest in file_watch.c and file_object.c. */
#include <inttypes.h>
#include <kanalyze/symbol.h>
#include "file_state.h"

#define PIPE_BUFFERS_MAX (1u << 20)

struct ka_node *file_state_add(struct file_state *s, const char *key, enum ka_node_kind kind)
{
	struct ka_node *n = ka_alloc(s->a, sizeof(*n));

	*n = (struct ka_node){ .kind = kind, .key = key };
	if (!s->object) {
		s->object = ka_alloc(s->a, sizeof(*s->object));
		*s->object = (struct ka_node){ .kind = KA_NODE_OBJECT };
	}
	if (s->last)
		s->last->next = n;
	else
		s->object->first = n;
	s->last = n;
	return n;
}

void file_state_uint(struct file_state *s, const char *key, uint64_t value) { file_state_add(s, key, KA_NODE_UINT)->u = value; }
void file_state_int(struct file_state *s, const char *key, int64_t value) { file_state_add(s, key, KA_NODE_INT)->i = value; }
void file_state_addr(struct file_state *s, const char *key, ka_addr value) { file_state_add(s, key, KA_NODE_ADDR)->u = value; }
void file_state_bool(struct file_state *s, const char *key, bool value) { file_state_add(s, key, KA_NODE_BOOL)->is_true = value; }

void file_state_text(struct file_state *s, const char *key, const char *text, size_t max)
{
	struct ka_node *n = file_state_add(s, key, KA_NODE_TEXT);

	n->text = ka_strndup(s->a, text, strnlen(text, max));
	n->size = strlen(n->text);
}

void file_state_append(struct ka_node *list, struct ka_node **last, struct ka_node *object)
{
	if (*last)
		(*last)->next = object;
	else
		list->first = object;
	*last = object;
}

struct pipe_view {
	uint32_t head, tail, ring_size, nrbufs, curbuf, buffers, readers, writers;
	ka_addr bufs;
};
/*
 * A ring with head and tail since 8cefc107ca54 (v5.5), curbuf and nrbufs before; how many buffers there are is told since
 * 35f3d14dbbc5 (v2.6.35), 16 before.
 */
KA_VIEW(pipe_view, ("pipe_inode_info"),
	KA_MAYBE(pipe_view, head, "head"),
	KA_MAYBE(pipe_view, tail, "tail"),
	KA_MAYBE(pipe_view, ring_size, "ring_size"),
	KA_MAYBE(pipe_view, nrbufs, "nrbufs"),
	KA_MAYBE(pipe_view, curbuf, "curbuf"),
	KA_MAYBE(pipe_view, buffers, "buffers"),
	KA_FROM(pipe_view, readers, "readers"),
	KA_FROM(pipe_view, writers, "writers"),
	KA_AT(pipe_view, bufs, "bufs"));

struct pipe_buffer_view {
	uint32_t len;
};
KA_VIEW(pipe_buffer_view, ("pipe_buffer"), KA_FROM(pipe_buffer_view, len, "len"));

struct inode_pipe_view {
	ka_addr pipe;
};
KA_VIEW(inode_pipe_view, ("inode"), KA_FROM(inode_pipe_view, pipe, "i_pipe"));

static struct ka_error *pipe_state(struct file_state *s, const struct ka_vfs_file *f)
{
	uint64_t size = ka_view_size(s->k, &ka_view_pipe_buffer_view), bytes = 0;
	struct inode_pipe_view inode;
	struct pipe_view p;
	uint32_t slots, used, first;
	bool is_ring;
	struct ka_error *err = ka_view_read(s->k, &ka_view_inode_pipe_view, f->inode, &inode);

	if (err || !inode.pipe)		/* a FIFO that nobody has opened */
		return err;
	err = ka_view_read(s->k, &ka_view_pipe_view, inode.pipe, &p);
	if (err)
		return err;
	is_ring = KA_HAS(s->k, pipe_view, ring_size);
	slots = is_ring ? p.ring_size : KA_HAS(s->k, pipe_view, buffers) ? p.buffers : 16;
	used = is_ring ? p.head - p.tail : p.nrbufs;
	first = is_ring ? p.tail : p.curbuf;
	if (!slots || slots > PIPE_BUFFERS_MAX || used > slots)
		return ka_error_at(KA_CORRUPT, KA_SPACE_VIRT, inode.pipe, "the pipe at 0x%" PRIx64 " says %u of its %u buffers are in use", inode.pipe,
				   used, slots);
	/* an array of its own since 35f3d14dbbc5 (v2.6.35) */
	if (is_ring || KA_HAS(s->k, pipe_view, buffers))
		err = ka_read_ulong(s->k, p.bufs, &p.bufs);
	for (uint32_t i = 0; !err && i < used && size; i++) {
		struct pipe_buffer_view b;

		err = ka_view_read(s->k, &ka_view_pipe_buffer_view, p.bufs + (uint64_t)((first + i) % slots) * size, &b);
		bytes += err ? 0 : b.len;
	}
	file_state_uint(s, "readers", p.readers);
	file_state_uint(s, "writers", p.writers);
	file_state_uint(s, "buffers", slots);
	file_state_uint(s, "buffers_used", used);
	if (!err)
		file_state_uint(s, "bytes", bytes);
	return err;
}

struct eventfd_view {
	uint64_t count;
	uint32_t flags;
	int32_t id;
};
KA_VIEW(eventfd_view, ("eventfd_ctx"),
	KA_FROM(eventfd_view, count, "count"),
	KA_MAYBE(eventfd_view, flags, "flags"),		/* bcd0b235bf38, v2.6.31 */
	KA_MAYBE(eventfd_view, id, "id"));		/* b556db17b0e7, v5.2 */

static struct ka_error *eventfd_state(struct file_state *s, const struct ka_vfs_file *f)
{
	struct eventfd_view v;
	struct ka_error *err = ka_view_read(s->k, &ka_view_eventfd_view, f->private_data, &v);

	if (err)
		return err;
	file_state_uint(s, "count", v.count);
	if (KA_HAS(s->k, eventfd_view, id))
		file_state_int(s, "id", v.id);
	file_state_bool(s, "is_semaphore", v.flags & 1);
	return NULL;
}

struct timerfd_view {
	int64_t interval_ns, expires_ns, alarm_ns;
	uint64_t ticks;
	int32_t clockid;
	uint16_t expired, settime_flags;
};
/* an hrtimer or an alarm in one place since 11ffa9d6065f (v3.11) */
KA_VIEW(timerfd_view, ("timerfd_ctx"),
	KA_FROM(timerfd_view, interval_ns, "tintv.tv64", "tintv"),	/* ktime_t is plain since 2456e8553544 (v4.10) */
	KA_FROM(timerfd_view, expires_ns, "t.tmr.node.expires.tv64", "t.tmr.node.expires", "tmr.node.expires.tv64", "tmr._expires.tv64"),
	KA_MAYBE(timerfd_view, alarm_ns, "t.alarm.node.expires.tv64", "t.alarm.node.expires"),
	KA_MAYBE(timerfd_view, settime_flags, "settime_flags"),		/* af9c4957cf21, v3.17 */
	KA_FROM(timerfd_view, ticks, "ticks"),
	KA_FROM(timerfd_view, clockid, "clockid"),
	KA_FROM(timerfd_view, expired, "expired"));

static struct ka_error *timerfd_state(struct file_state *s, const struct ka_vfs_file *f)
{
	struct timerfd_view v;
	struct ka_error *err = ka_view_read(s->k, &ka_view_timerfd_view, f->private_data, &v);

	if (err)
		return err;
	file_state_int(s, "clockid", v.clockid);
	file_state_uint(s, "ticks", v.ticks);
	file_state_bool(s, "is_expired", v.expired);
	file_state_int(s, "interval_ns", v.interval_ns);
	/* of alarm clocks (CLOCK_REALTIME_ALARM 8, CLOCK_BOOTTIME_ALARM 9) an alarm lies there */
	file_state_int(s, "expires_ns", v.clockid == 8 || v.clockid == 9 ? v.alarm_ns : v.expires_ns);
	if (KA_HAS(s->k, timerfd_view, settime_flags))
		file_state_uint(s, "settime_flags", v.settime_flags);
	return NULL;
}

struct signalfd_view {
	uint64_t mask;
};
KA_VIEW(signalfd_view, ("signalfd_ctx"), KA_FROM(signalfd_view, mask, "sigmask.sig[0]"));

static struct ka_error *signalfd_state(struct file_state *s, const struct ka_vfs_file *f)
{
	struct signalfd_view v;
	struct ka_error *err = ka_view_read(s->k, &ka_view_signalfd_view, f->private_data, &v);

	if (!err)
		file_state_uint(s, "mask", ~v.mask);	/* kept as what it does not take */
	return err;
}

struct pidfd_view {
	int32_t nr;
	ka_addr first_task;
};
KA_VIEW(pidfd_view, ("pid"),
	KA_FROM(pidfd_view, nr, "numbers[0].nr", "nr"),
	KA_FROM(pidfd_view, first_task, "tasks[0].first"));

/* The struct pid is the file's own, since pidfs (cb12fd8e0dab, v6.9) the inode's. */
static struct ka_error *pidfd_state(struct file_state *s, const struct ka_vfs_file *f)
{
	struct ka_inode inode;
	struct pidfd_view v;
	struct ka_error *err = ka_inode_read(s->k, f->inode, &inode);

	if (!err)
		err = ka_view_read(s->k, &ka_view_pidfd_view, inode.private_data ? inode.private_data : f->private_data, &v);
	if (err)
		return err;
	file_state_int(s, "pid", v.nr);
	file_state_bool(s, "is_gone", !v.first_task);	/* nobody has that pid any more; fdinfo tells -1 */
	return NULL;
}

struct memfd_view {
	uint32_t seals;
	ka_addr inode_at;
};
KA_VIEW(memfd_view, ("shmem_inode_info"),
	KA_FROM(memfd_view, seals, "seals"),		/* 40e041a2c858, v3.17 */
	KA_AT(memfd_view, inode_at, "vfs_inode"));

struct memfd_huge_view {
	uint32_t seals;
	ka_addr inode_at;
};
KA_VIEW(memfd_huge_view, ("hugetlbfs_inode_info"),
	KA_MAYBE(memfd_huge_view, seals, "seals"),	/* ff62a3421044, v4.16 */
	KA_AT(memfd_huge_view, inode_at, "vfs_inode"));

static struct ka_error *memfd_state(struct file_state *s, const struct ka_vfs_file *f)
{
	struct memfd_huge_view h;
	struct ka_inode inode;
	struct memfd_view v;
	char type[32] = "";
	struct ka_error *err = ka_inode_read(s->k, f->inode, &inode);

	if (!err)
		err = ka_super_type(s->k, inode.sb, type, sizeof(type));
	if (!err && !strcmp(type, "hugetlbfs")) {
		err = ka_view_bind(s->k, &ka_view_memfd_huge_view);
		if (!err)
			err = ka_view_read(s->k, &ka_view_memfd_huge_view, f->inode - KA_OFFSET(s->k, memfd_huge_view, inode_at), &h);
		v.seals = err ? 0 : h.seals;
	} else if (!err) {
		err = ka_view_bind(s->k, &ka_view_memfd_view);
		if (!err)
			err = ka_view_read(s->k, &ka_view_memfd_view, f->inode - KA_OFFSET(s->k, memfd_view, inode_at), &v);
	}
	if (err)
		return err;
	file_state_uint(s, "size", inode.size);
	file_state_uint(s, "seals", v.seals);	/* F_SEAL_* */
	file_state_bool(s, "is_huge", !strcmp(type, "hugetlbfs"));
	return NULL;
}

static bool is_tty(struct ka_kernel *k, const struct ka_vfs_file *f)
{
	static const char *const names[] = { "tty_fops", "console_fops", "ptmx_fops", "hung_up_tty_fops" };
	struct ka_symbol s;

	for (size_t i = 0; i < KA_COUNT(names); i++)
		if (f->op && ka_symbol_lookup(k, names[i], &s) && s.addr == f->op)
			return i < 3;
	return false;
}

static const struct {
	const char *name;	/* the path, or how it begins */
	file_state_fn *state;
} kinds[] = {
	{ "anon_inode:[eventfd]", eventfd_state }, { "anon_inode:[eventpoll]", file_epoll }, { "anon_inode:[timerfd]", timerfd_state },
	{ "anon_inode:[signalfd]", signalfd_state }, { "anon_inode:inotify", file_inotify }, { "anon_inode:[fanotify]", file_fanotify },
	{ "anon_inode:[pidfd]", pidfd_state }, { "anon_inode:bpf-map", file_bpf_map }, { "anon_inode:bpf-prog", file_bpf_prog },
	{ "anon_inode:[io_uring]", file_io_uring }, { "anon_inode:[userfaultfd]", file_userfault },
	{ "anon_inode:[perf_event]", file_perf }, { "anon_inode:[fscontext]", file_fscontext },
	{ "/memfd:", memfd_state },
};

struct ka_error *ka_file_state(struct ka_kernel *k, const struct ka_vfs_file *f, const char *path, uint32_t mode, struct ka_arena *a,
			       const struct ka_node **ret)
{
	struct file_state s = { .k = k, .a = a };
	struct ka_error *err = NULL;
	bool found = false;

	*ret = NULL;
	if ((mode & 0170000) == 0010000)
		err = pipe_state(&s, f);
	else if ((mode & 0170000) == 0140000)
		err = file_socket(&s, f);
	else if ((mode & 0170000) == 0020000)
		err = is_tty(k, f) ? file_tty(&s, f) : NULL;
	else if (path)
		for (size_t i = 0; !found && i < KA_COUNT(kinds); i++) {
			found = !strncmp(path, kinds[i].name, strlen(kinds[i].name));
			if (found)
				err = kinds[i].state(&s, f);
		}
	*ret = s.object;
	/* a kernel without the member has nothing to tell of */
	ka_error_catch(&err, KA_MISSING);
	return ka_error_wrap(err, "state of %s", path ? path : "a pipe");
}
