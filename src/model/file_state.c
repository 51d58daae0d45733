/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What files without a directory are made of: pipes, eventfd, epoll, timerfd, signalfd, inotify, pidfd, bpf, io_uring, memfd. */
#include <inttypes.h>
#include <kanalyze/row.h>
#include <kanalyze/type.h>
#include <kanalyze/vfs.h>
#include <kanalyze/view.h>

#define WATCHED_MAX 65536	/* descriptors of one epoll that are told */
#define PIPE_BUFFERS_MAX (1u << 20)

/* An object that grows. */
struct state {
	struct ka_kernel *k;
	struct ka_arena *a;
	struct ka_node *object, *last;
};

static struct ka_node *add(struct state *s, const char *key, enum ka_node_kind kind)
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

static void add_uint(struct state *s, const char *key, uint64_t value) { add(s, key, KA_NODE_UINT)->u = value; }
static void add_int(struct state *s, const char *key, int64_t value) { add(s, key, KA_NODE_INT)->i = value; }
static void add_bool(struct state *s, const char *key, bool value) { add(s, key, KA_NODE_BOOL)->is_true = value; }

static void add_text(struct state *s, const char *key, const char *text, size_t max)
{
	struct ka_node *n = add(s, key, KA_NODE_TEXT);

	n->text = ka_strndup(s->a, text, strnlen(text, max));
	n->size = strlen(n->text);
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

static struct ka_error *pipe_state(struct state *s, const struct ka_vfs_file *f)
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
	add_uint(s, "readers", p.readers);
	add_uint(s, "writers", p.writers);
	add_uint(s, "buffers", slots);
	add_uint(s, "buffers_used", used);
	if (!err)
		add_uint(s, "bytes", bytes);
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

static struct ka_error *eventfd_state(struct state *s, const struct ka_vfs_file *f)
{
	struct eventfd_view v;
	struct ka_error *err = ka_view_read(s->k, &ka_view_eventfd_view, f->private_data, &v);

	if (err)
		return err;
	add_uint(s, "count", v.count);
	if (KA_HAS(s->k, eventfd_view, id))
		add_int(s, "id", v.id);
	add_bool(s, "is_semaphore", v.flags & 1);
	return NULL;
}

struct eventpoll_view {
	ka_addr tree_at, ready_at;
};
KA_VIEW(eventpoll_view, ("eventpoll"),
	KA_AT(eventpoll_view, tree_at, "rbr"),
	KA_AT(eventpoll_view, ready_at, "rdllist"));

struct epitem_view {
	int32_t fd;
	uint32_t events;
	uint64_t data;
	ka_addr file, node_at, ready_at;
};
KA_VIEW(epitem_view, ("epitem"),
	KA_FROM(epitem_view, fd, "ffd.fd"),
	KA_FROM(epitem_view, file, "ffd.file"),
	KA_FROM(epitem_view, events, "event.events"),
	KA_FROM(epitem_view, data, "event.data"),
	KA_AT(epitem_view, node_at, "rbn"),
	KA_AT(epitem_view, ready_at, "rdllink"));

static struct ka_error *epoll_state(struct state *s, const struct ka_vfs_file *f)
{
	struct ka_node *watched = NULL, *last = NULL;
	struct eventpoll_view v;
	struct ka_walk w;
	size_t count = 0, ready = 0;
	struct ka_error *err = ka_view_bind(s->k, &ka_view_epitem_view);

	if (!err)
		err = ka_view_read(s->k, &ka_view_eventpoll_view, f->private_data, &v);
	if (err)
		return err;
	watched = add(s, "watched", KA_NODE_LIST);
	w = ka_walk_rbtree(s->k, v.tree_at, KA_OFFSET(s->k, epitem_view, node_at));
	for (ka_addr at; count < WATCHED_MAX && ka_walk_next(&w, &at); count++) {
		struct state item = { .k = s->k, .a = s->a };
		struct epitem_view e;

		if (ka_error_drop(ka_view_read(s->k, &ka_view_epitem_view, at, &e)))
			continue;
		add_int(&item, "fd", e.fd);
		add(&item, "file", KA_NODE_ADDR)->u = e.file;
		add_uint(&item, "events", e.events);
		add_uint(&item, "data", e.data);
		if (last)
			last->next = item.object;
		else
			watched->first = item.object;
		last = item.object;
	}
	err = ka_walk_end(&w);
	w = ka_walk_list(s->k, v.ready_at, KA_OFFSET(s->k, epitem_view, ready_at));
	for (ka_addr at; ka_walk_next(&w, &at); )
		ready++;
	if (ka_error_drop(ka_walk_end(&w)))
		return err;
	add_uint(s, "ready_count", ready);
	return err;
}

struct timerfd_view {
	int64_t interval_ns, expires_ns;
	uint64_t ticks;
	int32_t clockid;
	uint16_t expired;
};
/* an hrtimer or an alarm in one place since 11ffa9d6065f (v3.11) */
KA_VIEW(timerfd_view, ("timerfd_ctx"),
	KA_FROM(timerfd_view, interval_ns, "tintv.tv64", "tintv"),	/* ktime_t is plain since 2456e8553544 (v4.10) */
	KA_FROM(timerfd_view, expires_ns, "t.tmr.node.expires.tv64", "t.tmr.node.expires", "tmr.node.expires.tv64", "tmr._expires.tv64"),
	KA_FROM(timerfd_view, ticks, "ticks"),
	KA_FROM(timerfd_view, clockid, "clockid"),
	KA_FROM(timerfd_view, expired, "expired"));

static struct ka_error *timerfd_state(struct state *s, const struct ka_vfs_file *f)
{
	struct timerfd_view v;
	struct ka_error *err = ka_view_read(s->k, &ka_view_timerfd_view, f->private_data, &v);

	if (err)
		return err;
	add_int(s, "clockid", v.clockid);
	add_uint(s, "ticks", v.ticks);
	add_bool(s, "is_expired", v.expired);
	add_int(s, "interval_ns", v.interval_ns);
	/* of alarm clocks (8, 9) the alarm lies there, and begins with another node */
	if (v.clockid != 8 && v.clockid != 9)
		add_int(s, "expires_ns", v.expires_ns);
	return NULL;
}

struct signalfd_view {
	uint64_t mask;
};
KA_VIEW(signalfd_view, ("signalfd_ctx"), KA_FROM(signalfd_view, mask, "sigmask.sig[0]"));

static struct ka_error *signalfd_state(struct state *s, const struct ka_vfs_file *f)
{
	struct signalfd_view v;
	struct ka_error *err = ka_view_read(s->k, &ka_view_signalfd_view, f->private_data, &v);

	if (!err)
		add_uint(s, "mask", ~v.mask);	/* kept as what it does not take */
	return err;
}

struct inotify_view {
	uint32_t queued, max_events;
};
KA_VIEW(inotify_view, ("fsnotify_group"),
	KA_FROM(inotify_view, queued, "q_len"),
	KA_FROM(inotify_view, max_events, "max_events"));

static struct ka_error *inotify_state(struct state *s, const struct ka_vfs_file *f)
{
	struct inotify_view v;
	struct ka_error *err = ka_view_read(s->k, &ka_view_inotify_view, f->private_data, &v);

	if (err)
		return err;
	add_uint(s, "events_queued", v.queued);
	add_uint(s, "events_max", v.max_events);
	return NULL;
}

struct pidfd_view {
	int32_t nr;
};
KA_VIEW(pidfd_view, ("pid"), KA_FROM(pidfd_view, nr, "numbers[0].nr", "nr"));

/* The struct pid is the file's own, since pidfs (cb12fd8e0dab, v6.9) the inode's. */
static struct ka_error *pidfd_state(struct state *s, const struct ka_vfs_file *f)
{
	struct ka_inode inode;
	struct pidfd_view v;
	struct ka_error *err = ka_inode_read(s->k, f->inode, &inode);

	if (!err)
		err = ka_view_read(s->k, &ka_view_pidfd_view, inode.private_data ? inode.private_data : f->private_data, &v);
	if (!err)
		add_int(s, "pid", v.nr);
	return err;
}

struct bpf_map_state_view {
	uint32_t id, type, key_size, value_size, max_entries;
	char name[16];
};
KA_VIEW(bpf_map_state_view, ("bpf_map"),
	KA_MAYBE(bpf_map_state_view, id, "id"),		/* f3f1c054c288, v4.13 */
	KA_FROM(bpf_map_state_view, type, "map_type"),
	KA_FROM(bpf_map_state_view, key_size, "key_size"),
	KA_FROM(bpf_map_state_view, value_size, "value_size"),
	KA_FROM(bpf_map_state_view, max_entries, "max_entries"),
	KA_MAYBE(bpf_map_state_view, name, "name"));

static struct ka_error *bpf_map_state(struct state *s, const struct ka_vfs_file *f)
{
	struct bpf_map_state_view v;
	struct ka_error *err = ka_view_read(s->k, &ka_view_bpf_map_state_view, f->private_data, &v);

	if (err)
		return err;
	add_uint(s, "id", v.id);
	add_text(s, "name", v.name, sizeof(v.name));
	add_uint(s, "type", v.type);
	add_uint(s, "key_size", v.key_size);
	add_uint(s, "value_size", v.value_size);
	add_uint(s, "max_entries", v.max_entries);
	return NULL;
}

struct bpf_prog_state_view {
	uint32_t type;
	ka_addr aux;
};
KA_VIEW(bpf_prog_state_view, ("bpf_prog"),
	KA_FROM(bpf_prog_state_view, type, "type"),
	KA_FROM(bpf_prog_state_view, aux, "aux"));

struct bpf_aux_state_view {
	uint32_t id;
	char name[16];
};
KA_VIEW(bpf_aux_state_view, ("bpf_prog_aux"),
	KA_MAYBE(bpf_aux_state_view, id, "id"),
	KA_MAYBE(bpf_aux_state_view, name, "name"));

static struct ka_error *bpf_prog_state(struct state *s, const struct ka_vfs_file *f)
{
	struct bpf_prog_state_view v;
	struct bpf_aux_state_view aux;
	struct ka_error *err = ka_view_read(s->k, &ka_view_bpf_prog_state_view, f->private_data, &v);

	if (!err)
		err = ka_view_read(s->k, &ka_view_bpf_aux_state_view, v.aux, &aux);
	if (err)
		return err;
	add_uint(s, "id", aux.id);
	add_text(s, "name", aux.name, sizeof(aux.name));
	add_uint(s, "type", v.type);
	return NULL;
}

struct io_ring_view {
	uint32_t flags, sq_entries, cq_entries;
};
KA_VIEW(io_ring_view, ("io_ring_ctx"),
	KA_FROM(io_ring_view, flags, "flags"),
	KA_FROM(io_ring_view, sq_entries, "sq_entries"),
	KA_FROM(io_ring_view, cq_entries, "cq_entries"));

static struct ka_error *io_uring_state(struct state *s, const struct ka_vfs_file *f)
{
	struct io_ring_view v;
	struct ka_error *err = ka_view_read(s->k, &ka_view_io_ring_view, f->private_data, &v);

	if (err)
		return err;
	add_uint(s, "flags", v.flags);
	add_uint(s, "sq_entries", v.sq_entries);
	add_uint(s, "cq_entries", v.cq_entries);
	return NULL;
}

struct shmem_view {
	uint32_t seals;
	ka_addr inode_at;
};
KA_VIEW(shmem_view, ("shmem_inode_info"),
	KA_FROM(shmem_view, seals, "seals"),		/* 40e041a2c858, v3.17 */
	KA_AT(shmem_view, inode_at, "vfs_inode"));

static struct ka_error *memfd_state(struct state *s, const struct ka_vfs_file *f)
{
	struct shmem_view v;
	struct ka_error *err = ka_view_bind(s->k, &ka_view_shmem_view);

	if (!err)
		err = ka_view_read(s->k, &ka_view_shmem_view, f->inode - KA_OFFSET(s->k, shmem_view, inode_at), &v);
	if (!err)
		add_uint(s, "seals", v.seals);
	return err;
}

static const struct {
	const char *name;	/* the path, or how it begins */
	struct ka_error *(*state)(struct state *s, const struct ka_vfs_file *f);
} kinds[] = {
	{ "anon_inode:[eventfd]", eventfd_state }, { "anon_inode:[eventpoll]", epoll_state }, { "anon_inode:[timerfd]", timerfd_state },
	{ "anon_inode:[signalfd]", signalfd_state }, { "anon_inode:inotify", inotify_state }, { "anon_inode:[pidfd]", pidfd_state },
	{ "anon_inode:bpf-map", bpf_map_state }, { "anon_inode:bpf-prog", bpf_prog_state }, { "anon_inode:[io_uring]", io_uring_state },
	{ "/memfd:", memfd_state },
};

struct ka_error *ka_file_state(struct ka_kernel *k, const struct ka_vfs_file *f, const char *path, uint32_t mode, struct ka_arena *a,
			       const struct ka_node **ret)
{
	struct state s = { .k = k, .a = a };
	struct ka_error *err = NULL;
	bool found = false;

	*ret = NULL;
	if ((mode & 0170000) == 0010000)
		err = pipe_state(&s, f);
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
