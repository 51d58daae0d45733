/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* net -s, -S: the sockets that tasks have open. */
#include <inttypes.h>
#include <kanalyze/symbol.h>
#include <kanalyze/task.h>
#include <kanalyze/type.h>
#include <kanalyze/vfs.h>
#include "net.h"
#include "print.h"

struct net_task {
	int32_t pid;
	ka_addr task;
	uint32_t cpu;
	char comm[16];
};
NET_ROWS(net_task, "tasks", KA_SHAPE_LINE, NULL,
	"PID: {pid:<7}  TASK: {task:016}  CPU: {cpu:<3}  COMMAND: \"{comm}\"",
	KA_COL(net_task, pid, KA_INT, "process id (of threads: thread id)"),
	KA_COL(net_task, task, KA_ADDR, "address of the task_struct"),
	KA_COL(net_task, cpu, KA_UINT, "CPU it runs on or ran on last"),
	KA_COL(net_task, comm, KA_CHARS, "command name"));

struct net_sock {
	uint32_t fd;
	ka_addr socket, sock, net, peer;
	const char *family, *type, *state, *path, *ends;
	const char *local, *remote;
	bool is_inet, has_queues;
	uint32_t local_port, remote_port, protocol;
	uint64_t ino, recv_q, send_q;
	const char *text;
	const struct ka_node *socket_struct, *sock_struct;
};
#define NET_IF(m, t, cond, flags_, help_) { #m, offsetof(struct net_sock, m), sizeof(((struct net_sock *)0)->m), t, flags_, offsetof(struct net_sock, cond), NULL, help_ }
#define NET_SOCK_COLS											\
	KA_COL(net_sock, fd, KA_UINT, "file descriptor"),						\
	KA_COL(net_sock, socket, KA_ADDR, "address of the struct socket"),				\
	KA_COL(net_sock, sock, KA_ADDR, "address of the struct sock"),					\
	KA_COL(net_sock, family, KA_TEXT, "UNIX, INET, INET6, NETLINK/ROUTE, PACKET ..."),		\
	KA_COL(net_sock, type, KA_TEXT, "STREAM, DGRAM, RAW, RDM, SEQPACKET, PACKET"),			\
	KA_COLF(net_sock, state, KA_TEXT, KA_ONLY_JSON, "LISTEN, ESTAB, UNCONN ... as ss names them"),	\
	NET_IF(local, KA_TEXT, is_inet, KA_ONLY_JSON, "its own IP address"),				\
	NET_IF(local_port, KA_UINT, is_inet, KA_ONLY_JSON, "its own port"),				\
	NET_IF(remote, KA_TEXT, is_inet, KA_ONLY_JSON, "the peer's IP address"),			\
	NET_IF(remote_port, KA_UINT, is_inet, KA_ONLY_JSON, "the peer's port"),				\
	NET_IF(protocol, KA_UINT, has_queues, KA_ONLY_JSON, "number of its protocol"),			\
	NET_IF(recv_q, KA_UINT, has_queues, KA_ONLY_JSON, "Recv-Q as ss has it"),			\
	NET_IF(send_q, KA_UINT, has_queues, KA_ONLY_JSON, "Send-Q as ss has it"),			\
	NET_IF(ino, KA_UINT, has_queues, KA_ONLY_JSON, "inode number"),					\
	KA_COLF(net_sock, path, KA_TEXT, KA_ONLY_JSON, "of unix sockets: name; @ in place of NULs"),	\
	KA_COLF(net_sock, peer, KA_ADDR, KA_ONLY_JSON | KA_ZERO_IS_NONE, "of unix sockets: the struct sock at the other end"), \
	KA_COLF(net_sock, net, KA_ADDR, KA_ONLY_JSON | KA_ZERO_IS_NONE, "the struct net it belongs to")
NET_ROWS(net_sock, "sockets", KA_SHAPE_TABLE,
	"FD      SOCKET            SOCK       FAMILY:TYPE SOURCE-PORT DESTINATION-PORT",
	"{fd:2} {socket:016} {sock:016} {family}:{type:<6} {ends}",
	NET_SOCK_COLS,
	KA_COLF(net_sock, ends, KA_TEXT, KA_ONLY_TEXT, "addresses and ports"));

NET_ROWS(net_struct, "sockets", KA_SHAPE_LINE, NULL,
	"FD       SOCKET             SOCK\n{fd:2}  {socket:016}  {sock:016}\n{text}",
	NET_SOCK_COLS,
	KA_COLF(net_sock, socket_struct, KA_VALUE, KA_ONLY_JSON, "the struct socket"),
	KA_COLF(net_sock, sock_struct, KA_VALUE, KA_ONLY_JSON, "the inet_sock, unix_sock, netlink_sock, packet_sock, or sock"),
	KA_COLF(net_sock, text, KA_TEXT, KA_ONLY_TEXT, "both, as C writes them"));

/* -R: a decimal number is a descriptor where the task could have it, else an address, as in crash. */
struct request {
	struct ka_call *c;
	const char *ref;
	bool is_struct;
	uint64_t hex, decimal;
	bool has_hex, has_decimal;
	struct ka_print how;
	ka_addr socket_file_ops;	/* 0: not known */
};

static const char *family_name(struct ka_call *c, uint16_t family)
{
	static const char *const names[] = { "UNSPEC", "UNIX", "INET", "AX25", "IPX", "APPLETALK", "NETROM", "BRIDGE", "ATMPVC", "X25", "INET6",
		"ROSE", "DECnet", "NETBEUI", "SECURITY/KEY", NULL, "NETLINK/ROUTE", "PACKET", "ASH", "ECONET", "ATMSVC", NULL, "SNA", "IRDA",
		"PPPOX" };

	return family < KA_COUNT(names) && names[family] ? names[family] : ka_printf(c->arena, "%u", family);
}

static const char *type_name(struct ka_call *c, uint16_t type)
{
	static const char *const names[] = { NULL, "STREAM", "DGRAM", "RAW", "RDM", "SEQPACKET", NULL, NULL, NULL, NULL, "PACKET" };

	return type < KA_COUNT(names) && names[type] ? names[type] : ka_printf(c->arena, "%u", type);
}

/* All groups of an IPv6 address, as crash writes it. */
static const char *v6_groups(struct ka_arena *a, const uint8_t *bytes, uint32_t port)
{
	struct ka_str s = {0};
	const char *text;

	for (int i = 0; i < 16; i += 2)
		ka_str_printf(&s, "%s%x", i ? ":" : "", bytes[i] << 8 | bytes[i + 1]);
	ka_str_printf(&s, "-%" PRIu32, port);
	text = ka_strdup(a, s.p);
	ka_str_free(&s);
	return text;
}

static void row_fill(struct ka_call *c, const struct ka_sock *s, struct net_sock *row)
{
	row->family = family_name(c, s->family);
	row->type = type_name(c, s->type);
	row->state = ka_sock_state_name(s->state);
	row->is_inet = s->family == KA_AF_INET || s->family == KA_AF_INET6;
	row->has_queues = true;
	row->protocol = s->protocol;
	row->recv_q = s->recv_q;
	row->send_q = s->send_q;
	row->ino = s->ino;
	row->path = s->path;
	row->peer = s->peer;
	row->net = s->net;
	if (!row->is_inet)
		return;
	row->local = ka_ip_text(c->arena, s->family, s->local);
	row->remote = ka_ip_text(c->arena, s->family, s->remote);
	row->local_port = s->local_port;
	row->remote_port = s->remote_port;
	row->ends = s->family == KA_AF_INET ?
		ka_printf(c->arena, " %s-%" PRIu32 " %s-%" PRIu32, row->local, s->local_port, row->remote, s->remote_port) :
		ka_printf(c->arena, "%s %s", v6_groups(c->arena, s->local, s->local_port), v6_groups(c->arena, s->remote, s->remote_port));
}

/* The struct that is around a sock of this family. */
static const char *struct_of(const struct ka_sock *s, bool is_read)
{
	if (is_read)
		switch (s->family) {
		case KA_AF_UNIX: return "unix_sock";
		case KA_AF_INET:
		case KA_AF_INET6: return "inet_sock";
		case KA_AF_NETLINK: return "netlink_sock";
		case KA_AF_PACKET: return "packet_sock";
		case KA_AF_VSOCK: return "vsock_sock";
		}
	return "sock";
}

static void struct_put(struct request *r, const char *name, ka_addr at, struct ka_str *to, const struct ka_node **ret_tree)
{
	struct ka_call *c = r->c;
	struct ka_value whole = { .is_lvalue = true, .addr = at };
	struct ka_error *err;

	if (!at)
		return;
	err = ka_type_find(c->k, name, &whole.type);
	if (err && strcmp(name, "sock")) {
		ka_error_free(err);
		name = "sock";
		err = ka_type_find(c->k, name, &whole.type);
	}
	if (!err && ka_out_is_text(c->out)) {
		ka_str_printf(to, "%sstruct %s ", to->len ? "\n" : "", name);
		err = ka_value_text(c->k, &whole, &r->how, false, to);
	} else if (!err) {
		err = ka_value_tree(c->k, &whole, &r->how, c->arena, ret_tree);
	}
	ka_call_fault(c, ka_error_wrap(err, "struct %s at 0x%" PRIx64, name, at));
}

static bool is_socket(struct request *r, const struct ka_vfs_file *f)
{
	struct ka_inode inode;
	struct ka_error *err;

	if (!f->inode)
		return false;
	if (r->socket_file_ops && f->op)
		return f->op == r->socket_file_ops;
	err = ka_inode_read(r->c->k, f->inode, &inode);
	if (err) {
		ka_call_fault(r->c, err);
		return false;
	}
	return !strcmp(ka_inode_type(inode.mode), "SOCK");
}

static bool is_meant(const struct request *r, uint32_t fd, ka_addr socket, ka_addr sock, uint32_t fd_max)
{
	if (!r->ref)
		return true;
	if (r->has_decimal && r->decimal <= fd_max)
		return r->decimal == fd;
	return r->has_hex && (r->hex == socket || r->hex == sock || r->hex == fd);
}

static void socket_put(struct request *r, const struct ka_fd *fd, const struct ka_vfs_file *f, struct ka_task *t, uint32_t fd_max,
		       size_t *count)
{
	struct ka_call *c = r->c;
	struct net_sock row = { .fd = fd->fd };
	struct ka_sock s = {0};
	struct ka_str text = {0};
	struct ka_error *err = ka_socket_of(c->k, f->inode, &row.socket, &row.sock);
	bool is_read = false;

	if (!err && !is_meant(r, fd->fd, row.socket, row.sock, fd_max))
		return;
	if (!err && row.sock) {
		err = ka_sock_read(c->k, row.sock, c->arena, &s);
		is_read = s.family != 0;
	}
	ka_call_fault(c, ka_error_wrap(err, "PID %" PRId32 ", descriptor %" PRIu32, t->pid, fd->fd));
	if (is_read)
		row_fill(c, &s, &row);
	if (!(*count)++ && r->ref) {
		struct net_task head = { .pid = t->pid, .task = t->addr, .cpu = t->cpu };

		memcpy(head.comm, t->comm, sizeof(head.comm));
		ka_out_gap(c->out);
		ka_out_begin(c->out, &ka_rows_net_task, &head);
	}
	if (!r->is_struct) {
		ka_out_row(c->out, &ka_rows_net_sock, &row);
		return;
	}
	struct_put(r, "socket", row.socket, &text, &row.socket_struct);
	struct_put(r, struct_of(&s, is_read), row.sock, &text, &row.sock_struct);
	row.text = text.p ? text.p : "";
	if (*count > 1)
		ka_out_note(c->out, "\n");
	ka_out_row(c->out, &ka_rows_net_struct, &row);
	ka_str_free(&text);
}

static void task_put(struct request *r, ka_addr task)
{
	struct ka_call *c = r->c;
	struct net_task head = {0};
	struct ka_fd *fds = NULL;
	size_t fd_count = 0, count = 0;
	uint32_t fd_max = 0;
	struct ka_task t;
	struct ka_error *err = ka_task_read(c->k, task, &t);

	if (err) {
		ka_call_fault(c, err);
		return;
	}
	if (t.files)
		ka_call_fault(c, ka_error_wrap(ka_files_read(c->k, t.files, c->arena, &fds, &fd_count), "PID %" PRId32, t.pid));
	ka_out_new_table(c->out);
	if (!r->ref) {
		head = (struct net_task){ .pid = t.pid, .task = task, .cpu = t.cpu };
		memcpy(head.comm, t.comm, sizeof(head.comm));
		ka_out_gap(c->out);
		ka_out_begin(c->out, &ka_rows_net_task, &head);
	}
	/* as large as the smallest table is */
	fd_max = fd_count ? KA_MAX(fds[fd_count - 1].fd, 63) : 63;
	for (size_t i = 0; i < fd_count && !ka_interrupted(); i++) {
		struct ka_vfs_file f;

		err = ka_vfs_file_read(c->k, fds[i].file, &f);
		if (err)
			ka_call_fault(c, ka_error_wrap(err, "PID %" PRId32 ", descriptor %" PRIu32, t.pid, fds[i].fd));
		else if (is_socket(r, &f))
			socket_put(r, &fds[i], &f, &t, fd_max, &count);
	}
	if (!r->ref && !count)
		ka_out_note(c->out, "No open sockets.");
	if (!r->ref || count)
		ka_out_end(c->out);
}

struct ka_error *net_sock_run(struct ka_call *c)
{
	struct request r = { .c = c, .ref = ka_call_value(c, "R"), .is_struct = ka_call_has(c, "S") };
	struct ka_symbol ops;
	struct ka_error *err;
	ka_addr task;

	if (r.is_struct && ka_call_has(c, "s"))
		return ka_call_usage(c, "only one -s or -S option allowed");
	if (ka_call_has(c, "x") && ka_call_has(c, "d"))
		return ka_call_usage(c, "-d and -x are mutually exclusive");
	r.how = ka_call_print(c, ka_call_has(c, "x"), ka_call_has(c, "d"));
	if (ka_symbol_lookup(c->k, "socket_file_ops", &ops))
		r.socket_file_ops = ops.addr;
	if (r.ref) {
		const char *digits = !strncmp(r.ref, "0x", 2) || !strncmp(r.ref, "0X", 2) ? r.ref + 2 : r.ref;

		r.has_decimal = ka_parse_digits(r.ref, 10, &r.decimal);
		r.has_hex = ka_parse_digits(digits, 16, &r.hex);
		if (!r.has_hex)
			return ka_call_usage(c, "-R %s is neither a descriptor nor an address", r.ref);
	}
	if (!c->argc) {
		task = ka_call_task(c);
		if (!task)
			return ka_error_new(KA_NOT_FOUND, "there is no current task: name one");
		task_put(&r, task);
	}
	for (int i = 0; i < c->argc && !ka_interrupted(); i++) {
		err = ka_parse_task(c->k, c->argv[i], &task);
		if (err)
			ka_call_fault(c, err);
		else
			task_put(&r, task);
	}
	return ka_interrupted() ? ka_error_new(KA_INTERRUPTED, "interrupted") : NULL;
}
