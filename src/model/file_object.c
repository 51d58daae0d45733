/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files that are objects of the kernel: maps and programs of BPF, io_uring, perf events, terminals, sockets, mounts to be. */
#include <inttypes.h>
#include <kanalyze/net.h>
#include "file_state.h"

struct bpf_map_state_view {
	uint32_t id, type, key_size, value_size, max_entries, flags;
	uint64_t extra;
	uint8_t frozen;
	char name[16];
};
KA_VIEW(bpf_map_state_view, ("bpf_map"),
	KA_MAYBE(bpf_map_state_view, id, "id"),		/* f3f1c054c288, v4.13 */
	KA_FROM(bpf_map_state_view, type, "map_type"),
	KA_FROM(bpf_map_state_view, key_size, "key_size"),
	KA_FROM(bpf_map_state_view, value_size, "value_size"),
	KA_FROM(bpf_map_state_view, max_entries, "max_entries"),
	KA_MAYBE(bpf_map_state_view, flags, "map_flags"),	/* v4.6 */
	KA_MAYBE(bpf_map_state_view, extra, "map_extra"),	/* v5.16 */
	KA_MAYBE(bpf_map_state_view, frozen, "frozen"),		/* v5.2 */
	KA_MAYBE(bpf_map_state_view, name, "name"));

struct ka_error *file_bpf_map(struct file_state *s, const struct ka_vfs_file *f)
{
	struct bpf_map_state_view v;
	struct ka_error *err = ka_view_read(s->k, &ka_view_bpf_map_state_view, f->private_data, &v);

	if (err)
		return err;
	file_state_uint(s, "id", v.id);
	file_state_text(s, "name", v.name, sizeof(v.name));
	file_state_uint(s, "type", v.type);
	file_state_uint(s, "key_size", v.key_size);
	file_state_uint(s, "value_size", v.value_size);
	file_state_uint(s, "max_entries", v.max_entries);
	file_state_uint(s, "flags", v.flags);
	if (KA_HAS(s->k, bpf_map_state_view, extra))
		file_state_uint(s, "extra", v.extra);
	if (KA_HAS(s->k, bpf_map_state_view, frozen))
		file_state_bool(s, "is_frozen", v.frozen);
	return NULL;
}

struct bpf_prog_state_view {
	uint32_t type, is_jited, len;
	uint8_t tag[8];
	ka_addr aux;
};
KA_VIEW(bpf_prog_state_view, ("bpf_prog"),
	KA_FROM(bpf_prog_state_view, type, "type"),
	KA_FROM(bpf_prog_state_view, len, "len"),
	KA_MAYBE(bpf_prog_state_view, is_jited, "jited"),
	KA_MAYBE(bpf_prog_state_view, tag, "tag"),		/* v4.10 */
	KA_FROM(bpf_prog_state_view, aux, "aux"));

struct bpf_aux_state_view {
	uint32_t id, verified;
	char name[16];
};
KA_VIEW(bpf_aux_state_view, ("bpf_prog_aux"),
	KA_MAYBE(bpf_aux_state_view, id, "id"),
	KA_MAYBE(bpf_aux_state_view, verified, "verified_insns"),	/* v5.16 */
	KA_MAYBE(bpf_aux_state_view, name, "name"));

struct ka_error *file_bpf_prog(struct file_state *s, const struct ka_vfs_file *f)
{
	struct bpf_prog_state_view v;
	struct bpf_aux_state_view aux;
	struct ka_str tag = {0};
	struct ka_error *err = ka_view_read(s->k, &ka_view_bpf_prog_state_view, f->private_data, &v);

	if (!err)
		err = ka_view_read(s->k, &ka_view_bpf_aux_state_view, v.aux, &aux);
	if (err)
		return err;
	file_state_uint(s, "id", aux.id);
	file_state_text(s, "name", aux.name, sizeof(aux.name));
	file_state_uint(s, "type", v.type);
	file_state_uint(s, "instructions", v.len);
	file_state_bool(s, "is_jited", v.is_jited);
	if (KA_HAS(s->k, bpf_prog_state_view, tag)) {
		for (size_t i = 0; i < sizeof(v.tag); i++)
			ka_str_printf(&tag, "%02x", v.tag[i]);
		file_state_text(s, "tag", tag.p, tag.len);
		ka_str_free(&tag);
	}
	if (KA_HAS(s->k, bpf_aux_state_view, verified))
		file_state_uint(s, "verified_instructions", aux.verified);
	return NULL;
}

struct io_ring_view {
	uint32_t flags, sq_entries, cq_entries, cached_sq_head, cached_cq_tail, files, buffers;
	ka_addr rings, sq_data;
};
KA_VIEW(io_ring_view, ("io_ring_ctx"),
	KA_FROM(io_ring_view, flags, "flags"),
	KA_FROM(io_ring_view, sq_entries, "sq_entries"),
	KA_FROM(io_ring_view, cq_entries, "cq_entries"),
	KA_MAYBE(io_ring_view, cached_sq_head, "cached_sq_head"),
	KA_MAYBE(io_ring_view, cached_cq_tail, "cached_cq_tail"),
	KA_MAYBE(io_ring_view, files, "file_table.data.nr", "nr_user_files"),	/* v6.13 */
	KA_MAYBE(io_ring_view, buffers, "buf_table.nr", "nr_user_bufs"),
	KA_MAYBE(io_ring_view, rings, "rings"),		/* one block since v5.4; before, two of their own */
	KA_MAYBE(io_ring_view, sq_data, "sq_data"));	/* of rings that a thread of the kernel serves */

struct io_rings_view {
	uint32_t sq_head, sq_tail, cq_head, cq_tail, sq_dropped, cq_overflow;
};
KA_VIEW(io_rings_view, ("io_rings"),
	KA_FROM(io_rings_view, sq_head, "sq.head"),
	KA_FROM(io_rings_view, sq_tail, "sq.tail"),
	KA_FROM(io_rings_view, cq_head, "cq.head"),
	KA_FROM(io_rings_view, cq_tail, "cq.tail"),
	KA_MAYBE(io_rings_view, sq_dropped, "sq_dropped"),
	KA_MAYBE(io_rings_view, cq_overflow, "cq_overflow"));

struct ka_error *file_io_uring(struct file_state *s, const struct ka_vfs_file *f)
{
	struct io_rings_view r;
	struct io_ring_view v;
	struct ka_error *err = ka_view_read(s->k, &ka_view_io_ring_view, f->private_data, &v);

	if (err)
		return err;
	file_state_uint(s, "flags", v.flags);
	file_state_uint(s, "sq_entries", v.sq_entries);
	file_state_uint(s, "cq_entries", v.cq_entries);
	file_state_uint(s, "cached_sq_head", v.cached_sq_head);
	file_state_uint(s, "cached_cq_tail", v.cached_cq_tail);
	file_state_uint(s, "files", v.files);
	file_state_uint(s, "buffers", v.buffers);
	if (KA_HAS(s->k, io_ring_view, sq_data))
		file_state_bool(s, "is_polled", v.sq_data != 0);
	if (!v.rings)
		return NULL;
	err = ka_view_read(s->k, &ka_view_io_rings_view, v.rings, &r);
	if (err)
		return err;
	file_state_uint(s, "sq_head", r.sq_head);
	file_state_uint(s, "sq_tail", r.sq_tail);
	file_state_uint(s, "cq_head", r.cq_head);
	file_state_uint(s, "cq_tail", r.cq_tail);
	file_state_uint(s, "sq_dropped", r.sq_dropped);
	file_state_uint(s, "cq_overflow", r.cq_overflow);
	return NULL;
}

struct perf_view {
	uint32_t type;
	int32_t state, cpu, oncpu;
	uint64_t config;
	int64_t count;
	ka_addr pmu;
};
KA_VIEW(perf_view, ("perf_event"),
	KA_FROM(perf_view, type, "attr.type"),
	KA_FROM(perf_view, config, "attr.config"),
	KA_FROM(perf_view, state, "state"),
	KA_FROM(perf_view, cpu, "cpu"),
	KA_FROM(perf_view, oncpu, "oncpu"),
	KA_MAYBE(perf_view, count, "count.a.a.counter", "count.a.counter", "count.counter"),
	KA_FROM(perf_view, pmu, "pmu"));

struct perf_pmu_view { ka_addr name; };
KA_VIEW(perf_pmu_view, ("pmu"), KA_MAYBE(perf_pmu_view, name, "name"));

struct ka_error *file_perf(struct file_state *s, const struct ka_vfs_file *f)
{
	struct perf_pmu_view pmu = {0};
	struct perf_view v;
	char name[64] = "";
	struct ka_error *err = ka_view_read(s->k, &ka_view_perf_view, f->private_data, &v);

	if (err)
		return err;
	if (v.pmu && !ka_error_drop(ka_view_read(s->k, &ka_view_perf_pmu_view, v.pmu, &pmu)) && pmu.name &&
	    !ka_error_drop(ka_read_cstr(s->k, pmu.name, name, sizeof(name))))
		file_state_text(s, "pmu", name, sizeof(name));
	file_state_uint(s, "type", v.type);		/* PERF_TYPE_* */
	file_state_uint(s, "config", v.config);
	file_state_int(s, "state", v.state);		/* enum perf_event_state: 1 active, 0 inactive, below: off and worse */
	file_state_int(s, "cpu", v.cpu);		/* -1: any */
	file_state_int(s, "oncpu", v.oncpu);
	file_state_int(s, "count", v.count);		/* as of when the counter was last read */
	return NULL;
}

/* private_data of a terminal's file: the tty itself before v2.6.36. */
struct tty_file_view { ka_addr tty; };
KA_VIEW(tty_file_view, ("tty_file_private"), KA_FROM(tty_file_view, tty, "tty"));

struct tty_view {
	char name[64];
	int32_t index;
	ka_addr link;
};
KA_VIEW(tty_view, ("tty_struct"),
	KA_FROM(tty_view, name, "name"),
	KA_FROM(tty_view, index, "index"),
	KA_MAYBE(tty_view, link, "link"));

struct ka_error *file_tty(struct file_state *s, const struct ka_vfs_file *f)
{
	ka_addr tty = f->private_data;
	struct tty_file_view file;
	struct tty_view v;
	struct ka_error *err;

	if (!ka_error_drop(ka_view_bind(s->k, &ka_view_tty_file_view))) {
		err = ka_view_read(s->k, &ka_view_tty_file_view, f->private_data, &file);
		if (err)
			return err;
		tty = file.tty;
	}
	err = ka_view_read(s->k, &ka_view_tty_view, tty, &v);
	if (err)
		return err;
	file_state_addr(s, "tty", tty);
	file_state_text(s, "name", v.name, sizeof(v.name));
	file_state_int(s, "index", v.index);
	return NULL;
}

/* The ends and the state; net --sockets has the rest. */
struct ka_error *file_socket(struct file_state *s, const struct ka_vfs_file *f)
{
	const char *text;
	ka_addr socket, sock;
	struct ka_sock v;
	struct ka_error *err = ka_socket_of(s->k, f->inode, &socket, &sock);

	if (err || !sock)
		return err;
	err = ka_sock_read(s->k, sock, s->a, &v);
	file_state_addr(s, "socket", socket);
	file_state_addr(s, "sock", sock);
	if (v.family == KA_AF_INET || v.family == KA_AF_INET6) {
		text = ka_ip_text(s->a, v.family, v.local);
		file_state_text(s, "local", text, strlen(text));
		file_state_uint(s, "local_port", v.local_port);
		text = ka_ip_text(s->a, v.family, v.remote);
		file_state_text(s, "remote", text, strlen(text));
		file_state_uint(s, "remote_port", v.remote_port);
	} else if (v.family == KA_AF_VSOCK) {
		file_state_uint(s, "local_port", v.local_port);
		file_state_uint(s, "remote_port", v.remote_port);
	} else if (v.family == KA_AF_UNIX) {
		if (v.path)
			file_state_text(s, "path", v.path, strlen(v.path));
		if (v.peer_ino)
			file_state_uint(s, "peer_ino", v.peer_ino);
	} else if (v.family == KA_AF_NETLINK) {
		file_state_uint(s, "protocol", v.protocol);
		file_state_uint(s, "portid", v.portid);
	}
	text = v.family == KA_AF_NETLINK || v.family == KA_AF_PACKET ? NULL : ka_sock_state_name(v.state);
	if (text)
		file_state_text(s, "state", text, strlen(text));
	file_state_uint(s, "recv_q", v.recv_q);
	file_state_uint(s, "send_q", v.send_q);
	return err;
}

struct fscontext_view {
	ka_addr type, source;
	uint32_t phase;
};
KA_VIEW(fscontext_view, ("fs_context"),
	KA_FROM(fscontext_view, type, "fs_type"),
	KA_MAYBE(fscontext_view, source, "source"),
	KA_FROM(fscontext_view, phase, "phase"));

struct fscontext_type_view { ka_addr name; };
KA_VIEW(fscontext_type_view, ("file_system_type"), KA_FROM(fscontext_type_view, name, "name"));

struct ka_error *file_fscontext(struct file_state *s, const struct ka_vfs_file *f)
{
	struct fscontext_type_view type;
	struct fscontext_view v;
	char text[256] = "";
	struct ka_error *err = ka_view_read(s->k, &ka_view_fscontext_view, f->private_data, &v);

	if (!err)
		err = ka_view_read(s->k, &ka_view_fscontext_type_view, v.type, &type);
	if (!err)
		err = ka_read_cstr(s->k, type.name, text, sizeof(text));
	if (err)
		return err;
	file_state_text(s, "type", text, sizeof(text));
	file_state_uint(s, "phase", v.phase);		/* enum fs_context_phase */
	if (v.source && !ka_error_drop(ka_read_cstr(s->k, v.source, text, sizeof(text))))
		file_state_text(s, "source", text, sizeof(text));
	return NULL;
}
