/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* System V IPC. Its objects hang in an IDR for each kind (7ca7e564e049, v2.6.24), in an array before. */
#include <inttypes.h>
#include <kanalyze/ipc.h>
#include <kanalyze/symbol.h>
#include <kanalyze/type.h>
#include <kanalyze/vfs.h>
#include <kanalyze/view.h>

#define IPC_MAX (16 << 20)	/* IPCMNI_EXTEND */
#define SEQ_MULTIPLIER 32768	/* IPCMNI, where ids are made of sequence and index */

struct nsproxy_ipc_view { ka_addr ns; };
KA_VIEW(nsproxy_ipc_view, ("nsproxy"), KA_FROM(nsproxy_ipc_view, ns, "ipc_ns"));

struct ipc_ns_view { ka_addr ids_at; uint64_t ids_size; };
/* pointers to them from 25b21cb2f6d6 (v2.6.19) to ed2ddbf88c0d (v2.6.25) */
KA_VIEW(ipc_ns_view, ("ipc_namespace"),
	KA_AT(ipc_ns_view, ids_at, "ids"),
	KA_SIZE(ipc_ns_view, ids_size, "ids"));

struct ipc_ids_view { int32_t max_id; ka_addr idr_at, entries; };
KA_VIEW(ipc_ids_view, ("ipc_ids"),
	KA_AT_MAYBE(ipc_ids_view, idr_at, "ipcs_idr"),
	KA_MAYBE(ipc_ids_view, entries, "entries"),
	KA_MAYBE(ipc_ids_view, max_id, "max_id"));

struct ipc_perm_view { int32_t id; uint32_t key, uid, gid, cuid, cgid, mode; uint64_t seq; uint8_t is_deleted; };
/* kuid_t: 1efdb69b0bb4, v3.7 */
KA_VIEW(ipc_perm_view, ("kern_ipc_perm"),
	KA_MAYBE(ipc_perm_view, id, "id"),
	KA_FROM(ipc_perm_view, key, "key"),
	KA_FROM(ipc_perm_view, uid, "uid.val", "uid"),
	KA_FROM(ipc_perm_view, gid, "gid.val", "gid"),
	KA_FROM(ipc_perm_view, cuid, "cuid.val", "cuid"),
	KA_FROM(ipc_perm_view, cgid, "cgid.val", "cgid"),
	KA_FROM(ipc_perm_view, mode, "mode"),
	KA_FROM(ipc_perm_view, seq, "seq"),
	KA_FROM(ipc_perm_view, is_deleted, "deleted"));

struct ipc_pid_view { int32_t nr; };
KA_VIEW(ipc_pid_view, ("pid"), KA_FROM(ipc_pid_view, nr, "numbers[0].nr"));

struct shm_view { ka_addr perm_at, file; uint64_t bytes, nattch, creator, last; int64_t atime, dtime, ctime; int32_t id; };
KA_VIEW(shm_view, ("shmid_kernel"),
	KA_AT(shm_view, perm_at, "shm_perm"),
	KA_FROM(shm_view, file, "shm_file"),
	KA_FROM(shm_view, bytes, "shm_segsz"),
	KA_FROM(shm_view, nattch, "shm_nattch"),
	KA_FROM(shm_view, atime, "shm_atim"),
	KA_FROM(shm_view, dtime, "shm_dtim"),
	KA_FROM(shm_view, ctime, "shm_ctim"),
	KA_MAYBE(shm_view, creator, "shm_cprid"),	/* a struct pid since 98f929b1bd4d (v4.17) */
	KA_MAYBE(shm_view, last, "shm_lprid"),
	KA_MAYBE(shm_view, id, "id"));

struct sem_view { ka_addr perm_at; uint64_t count; int64_t ctime; int32_t id; };
KA_VIEW(sem_view, ("sem_array"),
	KA_AT(sem_view, perm_at, "sem_perm"),
	KA_FROM(sem_view, count, "sem_nsems"),
	KA_FROM(sem_view, ctime, "sem_ctime"),
	KA_MAYBE(sem_view, id, "sem_id"));

struct msg_view { ka_addr perm_at; uint64_t cbytes, qbytes, count, sender, receiver; int64_t stime, rtime, ctime; int32_t id; };
KA_VIEW(msg_view, ("msg_queue"),
	KA_AT(msg_view, perm_at, "q_perm"),
	KA_FROM(msg_view, cbytes, "q_cbytes"),
	KA_FROM(msg_view, qbytes, "q_qbytes"),
	KA_FROM(msg_view, count, "q_qnum"),
	KA_FROM(msg_view, stime, "q_stime"),
	KA_FROM(msg_view, rtime, "q_rtime"),
	KA_FROM(msg_view, ctime, "q_ctime"),
	KA_MAYBE(msg_view, sender, "q_lspid"),		/* a struct pid since 39a4940eaa18 (v4.17) */
	KA_MAYBE(msg_view, receiver, "q_lrpid"),
	KA_MAYBE(msg_view, id, "q_id"));

struct shmem_inode_view { ka_addr inode_at; uint64_t swapped; };
KA_VIEW(shmem_inode_view, ("shmem_inode_info"),
	KA_AT(shmem_inode_view, inode_at, "vfs_inode"),
	KA_FROM(shmem_inode_view, swapped, "swapped"));

struct super_info_view { ka_addr info; };
KA_VIEW(super_info_view, ("super_block"), KA_FROM(super_info_view, info, "s_fs_info"));

struct hugetlbfs_view { ka_addr hstate; };
KA_VIEW(hugetlbfs_view, ("hugetlbfs_sb_info"), KA_FROM(hugetlbfs_view, hstate, "hstate"));

struct hstate_view { uint32_t order; };
KA_VIEW(hstate_view, ("hstate"), KA_FROM(hstate_view, order, "order"));

struct ka_error *ka_ipc_ns(struct ka_kernel *k, ka_addr nsproxy, ka_addr *ret)
{
	struct nsproxy_ipc_view v = {0};
	struct ka_error *err;

	*ret = 0;
	if (!ka_type_exists(k, "ipc_namespace"))
		return NULL;
	if (!nsproxy)
		return ka_error_new(KA_NOT_FOUND, "the task has no namespaces any more");
	err = ka_view_read(k, &ka_view_nsproxy_ipc_view, nsproxy, &v);
	if (!err && !v.ns)
		err = ka_error_at(KA_NOT_FOUND, KA_SPACE_VIRT, nsproxy, "nsproxy has no IPC namespace");
	*ret = v.ns;
	return ka_error_wrap(err, "nsproxy at 0x%" PRIx64, nsproxy);
}

ka_addr ka_ipc_ns_first(struct ka_kernel *k)
{
	struct ka_symbol s;

	return ka_symbol_lookup(k, "init_ipc_ns", &s) ? s.addr : 0;
}

/* The ipc_ids of a kind. */
static struct ka_error *ids_find(struct ka_kernel *k, ka_addr ns, enum ka_ipc_kind kind, ka_addr *ret)
{
	static const char *const names[] = { [KA_IPC_SEM] = "sem_ids", [KA_IPC_MSG] = "msg_ids", [KA_IPC_SHM] = "shm_ids" };
	struct ipc_ns_view v;
	struct ka_symbol s;
	struct ka_error *err;

	if (!ns) {
		if (!ka_symbol_lookup(k, names[kind], &s))
			return ka_error_new(KA_MISSING, "this kernel has no System V IPC: neither ipc_namespace nor %s", names[kind]);
		*ret = s.addr;
		return NULL;
	}
	err = ka_view_read(k, &ka_view_ipc_ns_view, ns, &v);
	if (err)
		return err;
	if (v.ids_size == 3 * ka_long_size(k))
		return ka_read_ulong(k, v.ids_at + kind * ka_long_size(k), ret);
	*ret = v.ids_at + kind * (v.ids_size / 3);
	return NULL;
}

/* at: the array of pointers; offset: the next index; end: behind the last one */
struct array_state { struct ka_place place; };

static struct ka_error *array_step(struct ka_walk *w, ka_addr *ret, bool *ret_done)
{
	struct array_state *s = w->state;

	for (; w->offset < w->end; w->offset++) {
		uint64_t perm;
		struct ka_error *err;

		if (ka_interrupted())
			return ka_error_new(KA_INTERRUPTED, "interrupted");
		err = ka_read_ulong(w->k, w->at + w->offset * ka_long_size(w->k), &perm);
		if (err)
			return err;
		if (!perm)
			continue;
		s->place.entry = perm;
		s->place.first = s->place.last = w->offset++;
		*ret = perm;
		return NULL;
	}
	*ret_done = true;
	return NULL;
}

static const struct ka_place *array_place(const struct ka_walk *w)
{
	return &((const struct array_state *)w->state)->place;
}

struct ka_walk ka_walk_ipc(struct ka_kernel *k, ka_addr ns, enum ka_ipc_kind kind)
{
	static const struct ka_walk_ops array = { .name = "IPC objects", .step = array_step, .place = array_place };
	struct ipc_ids_view v;
	ka_addr ids;
	uint64_t to_array = 0;
	struct ka_error *err = ids_find(k, ns, kind, &ids);

	if (!err)
		err = ka_view_read(k, &ka_view_ipc_ids_view, ids, &v);
	if (!err && v.idr_at)
		return ka_walk_idr(k, v.idr_at);
	/* entries is an array of pointers, since v2.6.11 behind its size */
	if (!err && ka_type_has(k, "ipc_id_ary", "p"))
		err = ka_type_offset(k, "ipc_id_ary", "p", &to_array);
	if (!err && v.max_id >= IPC_MAX)
		err = ka_error_at(KA_CORRUPT, KA_SPACE_VIRT, ids, "ipc_ids says that there are %" PRId32 " objects", v.max_id);
	if (err)
		return (struct ka_walk){ .k = k, .ops = &array, .err = err };
	return (struct ka_walk){ .k = k, .ops = &array, .at = v.entries + to_array, .end = v.max_id < 0 ? 0 : (uint64_t)v.max_id + 1,
				 .may_repeat = true, .state = ka_xalloc(sizeof(struct array_state)) };
}

/* A member that was a number, and is a struct pid * since; both processes may be gone long since. */
static int32_t pid_of(struct ka_kernel *k, const char *type, const char *path, uint64_t value)
{
	struct ipc_pid_view v;
	struct ka_member m;

	if (!value || ka_error_drop(ka_type_member(k, type, path, &m)))
		return 0;
	if (m.kind != KA_TYPE_POINTER)
		return (int32_t)value;
	return ka_error_drop(ka_view_read(k, &ka_view_ipc_pid_view, value, &v)) ? 0 : v.nr;
}

static struct ka_error *shm_read(struct ka_kernel *k, ka_addr perm, struct ka_ipc *ret, int32_t *ret_id)
{
	struct shm_view v;
	struct ka_error *err = ka_view_bind(k, &ka_view_shm_view);

	ret->addr = perm - KA_OFFSET(k, shm_view, perm_at);
	if (!err)
		err = ka_view_read(k, &ka_view_shm_view, ret->addr, &v);
	if (err)
		return err;
	ret->bytes = v.bytes;
	ret->nattch = v.nattch;
	ret->file = v.file;
	ret->creator_pid = pid_of(k, "shmid_kernel", "shm_cprid", v.creator);
	ret->last_pid = pid_of(k, "shmid_kernel", "shm_lprid", v.last);
	ret->atime = v.atime;
	ret->dtime = v.dtime;
	ret->ctime = v.ctime;
	if (KA_HAS(k, shm_view, id))
		*ret_id = v.id;
	return NULL;
}

static struct ka_error *sem_read(struct ka_kernel *k, ka_addr perm, struct ka_ipc *ret, int32_t *ret_id)
{
	struct sem_view v;
	struct ka_error *err = ka_view_bind(k, &ka_view_sem_view);

	ret->addr = perm - KA_OFFSET(k, sem_view, perm_at);
	if (!err)
		err = ka_view_read(k, &ka_view_sem_view, ret->addr, &v);
	if (err)
		return err;
	ret->sem_count = v.count;
	ret->ctime = v.ctime;
	if (KA_HAS(k, sem_view, id))
		*ret_id = v.id;
	return NULL;
}

static struct ka_error *msg_read(struct ka_kernel *k, ka_addr perm, struct ka_ipc *ret, int32_t *ret_id)
{
	struct msg_view v;
	struct ka_error *err = ka_view_bind(k, &ka_view_msg_view);

	ret->addr = perm - KA_OFFSET(k, msg_view, perm_at);
	if (!err)
		err = ka_view_read(k, &ka_view_msg_view, ret->addr, &v);
	if (err)
		return err;
	ret->cbytes = v.cbytes;
	ret->qbytes = v.qbytes;
	ret->msg_count = v.count;
	ret->send_pid = pid_of(k, "msg_queue", "q_lspid", v.sender);
	ret->receive_pid = pid_of(k, "msg_queue", "q_lrpid", v.receiver);
	ret->stime = v.stime;
	ret->rtime = v.rtime;
	ret->ctime = v.ctime;
	if (KA_HAS(k, msg_view, id))
		*ret_id = v.id;
	return NULL;
}

struct ka_error *ka_ipc_read(struct ka_kernel *k, enum ka_ipc_kind kind, ka_addr perm, uint64_t index, struct ka_ipc *ret)
{
	struct ipc_perm_view v;
	struct ka_error *err;

	*ret = (struct ka_ipc){ .kind = kind, .addr = perm };
	err = ka_view_read(k, &ka_view_ipc_perm_view, perm, &v);
	if (err)
		return err;
	ret->key = v.key;
	ret->uid = v.uid;
	ret->gid = v.gid;
	ret->cuid = v.cuid;
	ret->cgid = v.cgid;
	ret->mode = v.mode;
	ret->is_deleted = v.is_deleted;
	ret->id = KA_HAS(k, ipc_perm_view, id) ? v.id : (int32_t)(v.seq * SEQ_MULTIPLIER + index);
	switch (kind) {
	case KA_IPC_SHM:
		return shm_read(k, perm, ret, &ret->id);
	case KA_IPC_SEM:
		return sem_read(k, perm, ret, &ret->id);
	default:
		return msg_read(k, perm, ret, &ret->id);
	}
}

/* Pages of the page cache of hugetlbfs are huge ones, of the size of the file system. */
static struct ka_error *huge_order(struct ka_kernel *k, ka_addr sb, uint32_t *ret)
{
	struct super_info_view s = {0};
	struct hugetlbfs_view fs = {0};
	struct hstate_view h = {0};
	struct ka_error *err = ka_view_read(k, &ka_view_super_info_view, sb, &s);

	if (!err)
		err = ka_view_read(k, &ka_view_hugetlbfs_view, s.info, &fs);
	if (!err)
		err = ka_view_read(k, &ka_view_hstate_view, fs.hstate, &h);
	if (!err && h.order > 30)
		err = ka_error_at(KA_CORRUPT, KA_SPACE_VIRT, fs.hstate, "huge pages of order %" PRIu32, h.order);
	*ret = err ? 0 : h.order;
	return err;
}

struct ka_error *ka_ipc_pages_read(struct ka_kernel *k, const struct ka_ipc *shm, struct ka_ipc_pages *ret)
{
	struct shmem_inode_view v = {0};
	struct ka_vfs_file file;
	struct ka_inode inode;
	struct ka_symbol s;
	uint64_t pages = 0;
	uint32_t order = 0;
	struct ka_error *err = ka_vfs_file_read(k, shm->file, &file);

	*ret = (struct ka_ipc_pages){0};
	if (err)
		return err;
	ret->inode = file.inode;
	err = ka_inode_read(k, file.inode, &inode);
	if (!err)
		err = ka_inode_pages(k, &inode, &pages);
	if (err)
		return err;
	ret->resident_pages = pages;
	ret->is_huge = ka_symbol_lookup(k, "hugetlbfs_file_operations", &s) && file.op == s.addr;
	if (ret->is_huge) {
		err = huge_order(k, inode.sb, &order);
		ret->resident_pages = pages << order;
		return err;
	}
	err = ka_view_bind(k, &ka_view_shmem_inode_view);
	if (!err)
		err = ka_view_read(k, &ka_view_shmem_inode_view, file.inode - KA_OFFSET(k, shmem_inode_view, inode_at), &v);
	ret->swapped_pages = v.swapped;
	return err;
}
