/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ipcs: System V shared memory, semaphores and message queues of an IPC namespace. */
#include <inttypes.h>
#include <kanalyze/command.h>
#include <kanalyze/ipc.h>
#include <kanalyze/task.h>

struct ipcs_shm {
	ka_addr shmid_kernel;
	uint32_t key, uid, gid, cuid, cgid, perms;
	int32_t shmid;
	const char *perms_text, *status, *pages_text;
	uint64_t bytes, nattch;
	bool is_dest, is_locked, has_pages;
	uint64_t allocated, resident, swapped;	/* pages */
	ka_addr inode;
	int64_t atime, dtime, ctime;
	int32_t cpid, lpid;
	ka_addr ns;
};
#define SHM_IF(m, t, help_) { #m, offsetof(struct ipcs_shm, m), sizeof(((struct ipcs_shm *)0)->m), t, KA_ONLY_JSON, offsetof(struct ipcs_shm, has_pages), NULL, help_ }
#define PERM_COLS(tag)													\
	KA_COLF(tag, perms, KA_UINT, KA_ONLY_JSON, "permissions, the lowest nine bits"),				\
	KA_COLF(tag, gid, KA_UINT, KA_ONLY_JSON, "its group"),								\
	KA_COLF(tag, cuid, KA_UINT, KA_ONLY_JSON, "who made it"),							\
	KA_COLF(tag, cgid, KA_UINT, KA_ONLY_JSON, "the maker's group"),							\
	KA_COLF(tag, ctime, KA_INT, KA_ONLY_JSON | KA_ZERO_IS_NONE, "last change, seconds since 1970"),			\
	KA_COLF(tag, ns, KA_ADDR, KA_ONLY_JSON | KA_ZERO_IS_NONE, "the ipc_namespace")
KA_LINES(ipcs_shm, "shared_memory", "{shmid_kernel:<16} {key:08x} {shmid:<10} {uid:<5} {perms_text:<5} {bytes:<10} {nattch:<6} {status}{pages_text?\n%}",
	KA_COL(ipcs_shm, shmid_kernel, KA_ADDR, "of the shmid_kernel"),
	KA_COL(ipcs_shm, key, KA_HEX, "key"),
	KA_COL(ipcs_shm, shmid, KA_INT, "identifier"),
	KA_COL(ipcs_shm, uid, KA_UINT, "its owner"),
	KA_COLF(ipcs_shm, perms_text, KA_TEXT, KA_ONLY_TEXT, "permissions, octal"),
	KA_COL(ipcs_shm, bytes, KA_UINT, "size"),
	KA_COL(ipcs_shm, nattch, KA_UINT, "how often it is attached"),
	KA_COLF(ipcs_shm, status, KA_TEXT, KA_ONLY_TEXT, "dest, locked"),
	KA_COLF(ipcs_shm, is_dest, KA_BOOL, KA_ONLY_JSON, "goes when nobody has it attached any more"),
	KA_COLF(ipcs_shm, is_locked, KA_BOOL, KA_ONLY_JSON, "locked in memory"),
	KA_COLF(ipcs_shm, pages_text, KA_TEXT, KA_ONLY_TEXT, "of -M"),
	SHM_IF(allocated, KA_UINT, "pages it may have (-M)"),
	SHM_IF(resident, KA_UINT, "pages in memory (-M)"),
	SHM_IF(swapped, KA_UINT, "pages in swap (-M)"),
	SHM_IF(inode, KA_ADDR, "of its file (-M)"),
	KA_COLF(ipcs_shm, atime, KA_INT, KA_ONLY_JSON | KA_ZERO_IS_NONE, "last attached, seconds since 1970"),
	KA_COLF(ipcs_shm, dtime, KA_INT, KA_ONLY_JSON | KA_ZERO_IS_NONE, "last detached"),
	KA_COLF(ipcs_shm, cpid, KA_INT, KA_ONLY_JSON | KA_ZERO_IS_NONE, "the process that made it"),
	KA_COLF(ipcs_shm, lpid, KA_INT, KA_ONLY_JSON | KA_ZERO_IS_NONE, "the process that attached or detached it last"),
	PERM_COLS(ipcs_shm));

struct ipcs_sem {
	ka_addr sem_array;
	uint32_t key, uid, gid, cuid, cgid, perms;
	int32_t semid;
	const char *perms_text;
	uint64_t nsems;
	int64_t ctime;
	ka_addr ns;
};
KA_LINES(ipcs_sem, "semaphores", "{sem_array:<16} {key:08x} {semid:<10} {uid:<5} {perms_text:<5} {nsems:<10}",
	KA_COL(ipcs_sem, sem_array, KA_ADDR, "of the sem_array"),
	KA_COL(ipcs_sem, key, KA_HEX, "key"),
	KA_COL(ipcs_sem, semid, KA_INT, "identifier"),
	KA_COL(ipcs_sem, uid, KA_UINT, "its owner"),
	KA_COLF(ipcs_sem, perms_text, KA_TEXT, KA_ONLY_TEXT, "permissions, octal"),
	KA_COL(ipcs_sem, nsems, KA_UINT, "semaphores in it"),
	PERM_COLS(ipcs_sem));

struct ipcs_msg {
	ka_addr msg_queue;
	uint32_t key, uid, gid, cuid, cgid, perms;
	int32_t msqid;
	const char *perms_text;
	uint64_t used_bytes, max_bytes, messages;
	int64_t stime, rtime, ctime;
	int32_t lspid, lrpid;
	ka_addr ns;
};
KA_LINES(ipcs_msg, "message_queues", "{msg_queue:<16} {key:08x} {msqid:<10} {uid:<5} {perms_text:<5} {used_bytes:<12} {messages:<12}",
	KA_COL(ipcs_msg, msg_queue, KA_ADDR, "of the msg_queue"),
	KA_COL(ipcs_msg, key, KA_HEX, "key"),
	KA_COL(ipcs_msg, msqid, KA_INT, "identifier"),
	KA_COL(ipcs_msg, uid, KA_UINT, "its owner"),
	KA_COLF(ipcs_msg, perms_text, KA_TEXT, KA_ONLY_TEXT, "permissions, octal"),
	KA_COL(ipcs_msg, used_bytes, KA_UINT, "bytes in it"),
	KA_COL(ipcs_msg, messages, KA_UINT, "messages in it"),
	KA_COLF(ipcs_msg, max_bytes, KA_UINT, KA_ONLY_JSON, "bytes it may have"),
	KA_COLF(ipcs_msg, stime, KA_INT, KA_ONLY_JSON | KA_ZERO_IS_NONE, "last sent to, seconds since 1970"),
	KA_COLF(ipcs_msg, rtime, KA_INT, KA_ONLY_JSON | KA_ZERO_IS_NONE, "last received from"),
	KA_COLF(ipcs_msg, lspid, KA_INT, KA_ONLY_JSON | KA_ZERO_IS_NONE, "the process that sent last"),
	KA_COLF(ipcs_msg, lrpid, KA_INT, KA_ONLY_JSON | KA_ZERO_IS_NONE, "the process that received last"),
	PERM_COLS(ipcs_msg));

struct request {
	struct ka_call *c;
	ka_addr ns;
	bool has_choice, is_verbose;
	uint64_t choice;	/* an id or an address */
};

static const char *const headings[] = {
	[KA_IPC_SHM] = "SHMID_KERNEL     KEY      SHMID      UID   PERMS BYTES      NATTCH STATUS",
	[KA_IPC_SEM] = "SEM_ARRAY        KEY      SEMID      UID   PERMS NSEMS",
	[KA_IPC_MSG] = "MSG_QUEUE        KEY      MSQID      UID   PERMS USED-BYTES   MESSAGES",
};

static void shm_put(const struct request *r, struct ka_arena *a, const struct ka_ipc *i)
{
	struct ka_call *c = r->c;
	struct ipcs_shm row = { .shmid_kernel = i->addr, .key = i->key, .shmid = i->id, .uid = i->uid, .gid = i->gid, .cuid = i->cuid,
		.cgid = i->cgid, .perms = i->mode & 0777, .bytes = i->bytes, .nattch = i->nattch, .atime = i->atime, .dtime = i->dtime,
		.ctime = i->ctime, .cpid = i->creator_pid, .lpid = i->last_pid, .is_dest = i->mode & KA_IPC_SHM_DEST, .is_locked = i->mode & KA_IPC_SHM_LOCKED, .ns = r->ns };
	uint64_t page = ka_page_size(c->k);

	row.perms_text = ka_printf(a, "%o", row.perms);
	row.status = row.is_dest ? row.is_locked ? "dest locked" : "dest" : row.is_locked ? "locked" : NULL;
	if (r->is_verbose) {
		struct ka_ipc_pages pages;
		struct ka_error *err = ka_ipc_pages_read(c->k, i, &pages);

		row.has_pages = !err;
		row.allocated = i->bytes / page + (i->bytes % page != 0);
		row.resident = pages.resident_pages;
		row.swapped = pages.swapped_pages;
		row.inode = pages.inode;
		if (!err)
			row.pages_text = ka_printf(a, "PAGES ALLOCATED/RESIDENT/SWAPPED: %" PRIu64 "/%" PRIu64 "/%" PRIu64 "\nINODE: %" PRIx64,
						   row.allocated, row.resident, row.swapped, row.inode);
		ka_call_fault(c, ka_error_wrap(err, "pages of shared memory %" PRId32, i->id));
	}
	ka_out_row(c->out, &ka_rows_ipcs_shm, &row);
}

static void sem_put(const struct request *r, struct ka_arena *a, const struct ka_ipc *i)
{
	struct ipcs_sem row = { .sem_array = i->addr, .key = i->key, .semid = i->id, .uid = i->uid, .gid = i->gid, .cuid = i->cuid,
		.cgid = i->cgid, .perms = i->mode & 0777, .nsems = i->sem_count, .ctime = i->ctime, .ns = r->ns };

	row.perms_text = ka_printf(a, "%o", row.perms);
	ka_out_row(r->c->out, &ka_rows_ipcs_sem, &row);
}

static void msg_put(const struct request *r, struct ka_arena *a, const struct ka_ipc *i)
{
	struct ipcs_msg row = { .msg_queue = i->addr, .key = i->key, .msqid = i->id, .uid = i->uid, .gid = i->gid, .cuid = i->cuid,
		.cgid = i->cgid, .perms = i->mode & 0777, .used_bytes = i->cbytes, .max_bytes = i->qbytes, .messages = i->msg_count,
		.stime = i->stime, .rtime = i->rtime, .lspid = i->send_pid, .lrpid = i->receive_pid, .ctime = i->ctime, .ns = r->ns };

	row.perms_text = ka_printf(a, "%o", row.perms);
	ka_out_row(r->c->out, &ka_rows_ipcs_msg, &row);
}

/* How many were shown. With a choice, and of -M, each has its own heading. */
static size_t kind_put(struct request *r, enum ka_ipc_kind kind)
{
	struct ka_call *c = r->c;
	bool is_each = r->has_choice || (kind == KA_IPC_SHM && r->is_verbose);
	struct ka_walk w = ka_walk_ipc(c->k, r->ns, kind);
	struct ka_error *err;
	size_t count = 0, faults = c->fault_count;

	if (!is_each)
		ka_out_note(c->out, "%s", headings[kind]);
	for (ka_addr perm; ka_walk_next(&w, &perm); ) {
		struct ka_ipc i;
		struct ka_arena *a;

		err = ka_ipc_read(c->k, kind, perm, ka_walk_place(&w)->first, &i);
		if (err) {
			ka_call_fault(c, ka_error_wrap(err, "IPC object at 0x%" PRIx64, perm));
			continue;
		}
		if (i.is_deleted || (r->has_choice && (uint64_t)(int64_t)i.id != r->choice && i.addr != r->choice))
			continue;
		a = ka_arena_new();
		if (is_each)
			ka_out_note(c->out, "%s", headings[kind]);
		count++;
		if (kind == KA_IPC_SHM)
			shm_put(r, a, &i);
		else if (kind == KA_IPC_SEM)
			sem_put(r, a, &i);
		else
			msg_put(r, a, &i);
		if (is_each)
			ka_out_note(c->out, "\n");
		ka_arena_free(a);
	}
	err = ka_walk_end(&w);
	ka_call_fault(c, err);
	if (!count && !r->has_choice) {
		if (is_each)
			ka_out_note(c->out, "%s", headings[kind]);
		/* what could not be read may well have been there */
		ka_out_note(c->out, c->fault_count == faults ? "(none allocated)" : "(not readable)");
	}
	if (!r->has_choice && (!is_each || !count))
		ka_out_note(c->out, "\n");
	return count;
}

static size_t kinds_put(struct request *r)
{
	struct ka_call *c = r->c;
	bool has_shm = ka_call_has(c, "m") || ka_call_has(c, "M"), has_sem = ka_call_has(c, "s"), has_msg = ka_call_has(c, "q");
	bool is_all = !has_shm && !has_sem && !has_msg;
	size_t count = 0;

	if (has_shm || is_all)
		count += kind_put(r, KA_IPC_SHM);
	if (has_sem || is_all)
		count += kind_put(r, KA_IPC_SEM);
	if (has_msg || is_all)
		count += kind_put(r, KA_IPC_MSG);
	return count;
}

static struct ka_error *ns_choose(struct request *r)
{
	struct ka_call *c = r->c;
	const char *text = ka_call_value(c, "n");
	struct ka_error *err;
	struct ka_task t;
	ka_addr task;

	r->ns = ka_ipc_ns_first(c->k);
	if (!text)
		return NULL;
	err = ka_parse_task(c->k, text, &task);
	if (!err)
		err = ka_task_read(c->k, task, &t);
	if (!err)
		err = ka_ipc_ns(c->k, t.nsproxy, &r->ns);
	return ka_error_wrap(err, "-n %s", text);
}

static struct ka_error *run(struct ka_call *c)
{
	struct request r = { .c = c, .is_verbose = ka_call_has(c, "M") };
	struct ka_error *err = ns_choose(&r);

	if (err)
		return err;
	if (!c->argc)
		kinds_put(&r);
	r.has_choice = true;
	for (int i = 0; i < c->argc && !ka_interrupted(); i++) {
		if (!ka_parse_number(c->argv[i], true, &r.choice))
			return ka_call_usage(c, "'%s' is neither an ID nor an address", c->argv[i]);
		if (!kinds_put(&r))
			ka_call_fault(c, ka_error_new(KA_NOT_FOUND, "invalid id or address: %s", c->argv[i]));
	}
	return ka_interrupted() ? ka_error_new(KA_INTERRUPTED, "interrupted") : NULL;
}

static const struct ka_option options[] = {
	{ "s", NULL, "semaphores", false },
	{ "m", NULL, "shared memory", false },
	{ "M", NULL, "shared memory, with its pages in memory and swap", false },
	{ "q", NULL, "message queues", false },
	{ "n", "PID | TASK", "of the IPC namespace of this task; else of the first one", false },
	{ NULL, NULL, NULL, false },
};

static const struct ka_rows *const rows[] = { &ka_rows_ipcs_shm, &ka_rows_ipcs_sem, &ka_rows_ipcs_msg, NULL };

const struct ka_command ka_command_ipcs = {
	.name = "ipcs",
	.args = "[-s] [-m | -M] [-q] [-n PID | TASK] [ID | ADDR]...",
	.brief = "System V IPC: shared memory, semaphores, message queues",
	.help =
	"Shows the shared memory segments, semaphore arrays and message queues of the first IPC\n"
	"namespace, or of a task's (-n): their address, key, identifier, owner, permissions and size.\n"
	"ID or ADDR chooses some of them. JSON has times, the creator and the group, too.\n",
	.options = options,
	.needs = KA_NEED_TYPES | KA_NEED_SYMBOLS,
	.rows = rows,
	.run = run,
};
