/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files that wait for something: epoll, inotify, fanotify, userfaultfd, and what each of them watches. */
#include <inttypes.h>
#include "file_state.h"

#define WATCHED_MAX 65536	/* descriptors of one epoll, marks of one group that are told */

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

struct ka_error *file_epoll(struct file_state *s, const struct ka_vfs_file *f)
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
	watched = file_state_add(s, "watched", KA_NODE_LIST);
	w = ka_walk_rbtree(s->k, v.tree_at, KA_OFFSET(s->k, epitem_view, node_at));
	for (ka_addr at; count < WATCHED_MAX && ka_walk_next(&w, &at); count++) {
		struct file_state item = { .k = s->k, .a = s->a };
		struct epitem_view e;

		if (ka_error_drop(ka_view_read(s->k, &ka_view_epitem_view, at, &e)))
			continue;
		file_state_int(&item, "fd", e.fd);
		file_state_addr(&item, "file", e.file);
		file_state_uint(&item, "events", e.events);
		file_state_uint(&item, "data", e.data);
		file_state_append(watched, &last, item.object);
	}
	err = ka_walk_end(&w);
	w = ka_walk_list(s->k, v.ready_at, KA_OFFSET(s->k, epitem_view, ready_at));
	for (ka_addr at; ka_walk_next(&w, &at); )
		ready++;
	if (ka_error_drop(ka_walk_end(&w)))
		return err;
	file_state_uint(s, "ready_count", ready);
	return err;
}

struct notify_group_view {
	uint32_t queued, max_events, fanotify_flags, fanotify_f_flags;
	ka_addr marks_at;
};
KA_VIEW(notify_group_view, ("fsnotify_group"),
	KA_FROM(notify_group_view, queued, "q_len"),
	KA_FROM(notify_group_view, max_events, "max_events"),
	KA_AT(notify_group_view, marks_at, "marks_list", "mark_entries"),	/* renamed in v2.6.36 */
	KA_MAYBE(notify_group_view, fanotify_flags, "fanotify_data.flags"),	/* v5.2 */
	KA_MAYBE(notify_group_view, fanotify_f_flags, "fanotify_data.f_flags"));

/*
 * What a mark is on: told by a connector since v4.12, whose obj leads to the object itself since v6.10, before that to where the
 * object keeps its connector (v4.18), or is the object under the name of its kind.
 */
struct notify_mark_view {
	uint32_t mask, ignored, flags;
	ka_addr connector, own_inode, group_node_at;
};
KA_VIEW(notify_mark_view, ("fsnotify_mark", "fsnotify_mark_entry"),
	KA_FROM(notify_mark_view, mask, "mask"),
	KA_MAYBE(notify_mark_view, ignored, "ignore_mask", "ignored_mask"),	/* renamed in v6.0 */
	KA_MAYBE(notify_mark_view, flags, "flags"),
	KA_MAYBE(notify_mark_view, connector, "connector"),
	KA_MAYBE(notify_mark_view, own_inode, "inode", "i.inode"),
	KA_AT(notify_mark_view, group_node_at, "g_list"));

struct notify_connector_view {
	ka_addr obj, inode;
	uint32_t type, flags;
};
KA_VIEW(notify_connector_view, ("fsnotify_mark_connector"),
	KA_MAYBE(notify_connector_view, obj, "obj"),
	KA_MAYBE(notify_connector_view, inode, "inode"),
	KA_MAYBE(notify_connector_view, type, "type"),
	KA_MAYBE(notify_connector_view, flags, "flags"));

struct notify_wd_view {
	int32_t wd;
	ka_addr mark_at;
};
KA_VIEW(notify_wd_view, ("inotify_inode_mark", "inotify_inode_mark_entry"),
	KA_FROM(notify_wd_view, wd, "wd"),
	KA_AT(notify_wd_view, mark_at, "fsn_mark", "fsn_entry"));

/* Where objects keep their connector; a super_block keeps it elsewhere since v6.10, and obj is then the object itself. */
struct notify_inode_view { ka_addr at; };
KA_VIEW(notify_inode_view, ("inode"), KA_AT_MAYBE(notify_inode_view, at, "i_fsnotify_marks"));
struct notify_mount_view { ka_addr at; };
KA_VIEW(notify_mount_view, ("mount"), KA_AT_MAYBE(notify_mount_view, at, "mnt_fsnotify_marks"));
struct notify_super_view { ka_addr at, info; };
KA_VIEW(notify_super_view, ("super_block"),
	KA_AT_MAYBE(notify_super_view, at, "s_fsnotify_marks"),
	KA_MAYBE(notify_super_view, info, "s_fsnotify_info"));

enum { ON_INODE, ON_MOUNT, ON_SUPER };	/* enum fsnotify_obj_type, v4.18 */

static bool object_of(struct ka_kernel *k, const struct notify_mark_view *m, uint32_t *ret_type, ka_addr *ret)
{
	struct notify_connector_view c = {0};

	*ret_type = ON_INODE;
	*ret = m->own_inode;
	if (!KA_HAS(k, notify_mark_view, connector))
		return *ret != 0;
	if (!m->connector || ka_error_drop(ka_view_read(k, &ka_view_notify_connector_view, m->connector, &c)))
		return false;
	/* bits of a mask before v4.18: 1 an inode, 2 a mount */
	*ret_type = KA_HAS(k, notify_connector_view, type) ? c.type : c.flags & 2 ? ON_MOUNT : ON_INODE;
	*ret = KA_HAS(k, notify_connector_view, obj) ? c.obj : c.inode;
	if (!*ret || !KA_HAS(k, notify_connector_view, obj) || KA_HAS(k, notify_super_view, info)) {
		if (*ret && *ret_type == ON_MOUNT)
			*ret = ka_mount_of(k, *ret);	/* told by its vfsmount */
		return *ret != 0;
	}
	switch (*ret_type) {
	case ON_INODE: *ret -= KA_OFFSET(k, notify_inode_view, at); return true;
	case ON_MOUNT: *ret -= KA_OFFSET(k, notify_mount_view, at); return true;
	case ON_SUPER: *ret -= KA_OFFSET(k, notify_super_view, at); return true;
	default: return false;
	}
}

static void mark_object(struct file_state *s, uint32_t type, ka_addr at)
{
	struct ka_inode inode;
	struct ka_mount mount;
	uint32_t device;

	if (type == ON_INODE && !ka_error_drop(ka_inode_read(s->k, at, &inode))) {
		file_state_addr(s, "inode", at);
		file_state_uint(s, "ino", inode.ino);
		at = inode.sb;
	} else if (type == ON_MOUNT && !ka_error_drop(ka_mount_read(s->k, at, &mount))) {
		file_state_addr(s, "mount", at);
		file_state_int(s, "mnt_id", mount.id);
		return;
	} else if (type == ON_SUPER) {
		file_state_addr(s, "super_block", at);
	} else {
		return;
	}
	if (!ka_error_drop(ka_super_device(s->k, at, &device)))
		file_state_uint(s, "device", device);
}

static struct ka_error *marks(struct file_state *s, ka_addr head, bool is_inotify)
{
	struct ka_node *list = file_state_add(s, is_inotify ? "watches" : "marks", KA_NODE_LIST), *last = NULL;
	struct ka_error *err = ka_view_bind(s->k, &ka_view_notify_mark_view);
	struct ka_walk w;
	size_t count = 0;

	/* the offsets of object_of() come from these */
	ka_error_dispose(ka_view_bind(s->k, &ka_view_notify_inode_view));
	ka_error_dispose(ka_view_bind(s->k, &ka_view_notify_mount_view));
	ka_error_dispose(ka_view_bind(s->k, &ka_view_notify_super_view));
	if (!err && is_inotify)
		err = ka_view_bind(s->k, &ka_view_notify_wd_view);
	if (err)
		return err;
	w = ka_walk_list(s->k, head, KA_OFFSET(s->k, notify_mark_view, group_node_at));
	for (ka_addr at, object; count < WATCHED_MAX && ka_walk_next(&w, &at); count++) {
		struct file_state item = { .k = s->k, .a = s->a };
		struct notify_mark_view m;
		struct notify_wd_view wd;
		uint32_t type;
		struct ka_error *e = ka_view_read(s->k, &ka_view_notify_mark_view, at, &m);

		if (!e && is_inotify)
			e = ka_view_read(s->k, &ka_view_notify_wd_view, at - KA_OFFSET(s->k, notify_wd_view, mark_at), &wd);
		ka_walk_fault(&w, e);
		if (e)
			continue;
		if (is_inotify) {
			/* IN_EXCL_UNLINK and IN_ONESHOT became flags 0x10 and 0x20 of the mark in v5.18 */
			m.mask = (m.mask & 0x84000fff) | (m.flags & 0x10) << 22 | (m.flags & 0x20) << 26;
			file_state_int(&item, "wd", wd.wd);
		}
		file_state_uint(&item, "mask", m.mask);
		file_state_uint(&item, "ignored_mask", m.ignored);
		if (object_of(s->k, &m, &type, &object))
			mark_object(&item, type, object);
		file_state_append(list, &last, item.object);
	}
	return ka_walk_end(&w);
}

struct ka_error *file_inotify(struct file_state *s, const struct ka_vfs_file *f)
{
	struct notify_group_view v;
	struct ka_error *err = ka_view_read(s->k, &ka_view_notify_group_view, f->private_data, &v);

	if (err)
		return err;
	file_state_uint(s, "events_queued", v.queued);
	file_state_uint(s, "events_max", v.max_events);
	return marks(s, v.marks_at, true);
}

struct ka_error *file_fanotify(struct file_state *s, const struct ka_vfs_file *f)
{
	struct notify_group_view v;
	struct ka_error *err = ka_view_read(s->k, &ka_view_notify_group_view, f->private_data, &v);

	if (err)
		return err;
	file_state_uint(s, "events_queued", v.queued);
	file_state_uint(s, "events_max", v.max_events);
	if (KA_HAS(s->k, notify_group_view, fanotify_flags))
		file_state_uint(s, "flags", v.fanotify_flags);		/* of fanotify_init() */
	if (KA_HAS(s->k, notify_group_view, fanotify_f_flags))
		file_state_uint(s, "event_flags", v.fanotify_f_flags);	/* O_* of the files that events come with */
	return marks(s, v.marks_at, false);
}

struct userfault_view {
	uint64_t features;
	ka_addr mm, pending_at, waiting_at;
	uint8_t released;
};
KA_VIEW(userfault_view, ("userfaultfd_ctx"),
	KA_FROM(userfault_view, features, "features"),
	KA_FROM(userfault_view, mm, "mm"),
	KA_MAYBE(userfault_view, released, "released"),
	KA_AT(userfault_view, pending_at, "fault_pending_wqh.head", "fault_pending_wqh.task_list"),	/* v4.13 */
	KA_AT(userfault_view, waiting_at, "fault_wqh.head", "fault_wqh.task_list"));

static struct ka_error *count(struct ka_kernel *k, ka_addr head, uint64_t *ret)
{
	struct ka_walk w = ka_walk_list(k, head, 0);

	for (ka_addr at; ka_walk_next(&w, &at); )
		++*ret;
	return ka_walk_end(&w);
}

struct ka_error *file_userfault(struct file_state *s, const struct ka_vfs_file *f)
{
	struct userfault_view v;
	uint64_t pending = 0, waiting = 0;
	struct ka_error *err = ka_view_read(s->k, &ka_view_userfault_view, f->private_data, &v);

	if (!err)
		err = count(s->k, v.pending_at, &pending);
	if (!err)
		err = count(s->k, v.waiting_at, &waiting);
	if (err)
		return err;
	file_state_uint(s, "pending", pending);			/* faults that nobody has read yet */
	file_state_uint(s, "total", pending + waiting);
	file_state_uint(s, "features", v.features);
	file_state_addr(s, "mm", v.mm);
	file_state_bool(s, "is_released", v.released);
	return NULL;
}
