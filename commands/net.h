/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of net share. */
#ifndef KA_COMMANDS_NET_H
#define KA_COMMANDS_NET_H

#include <kanalyze/command.h>
#include <kanalyze/net.h>

/* As KA_ROWS_, for rows that another file lists. */
#define NET_ROWS(tag, name_, shape_, heading_, line_, ...)			\
	static const struct ka_col ka_cols_##tag[] = { __VA_ARGS__ };		\
	const struct ka_rows ka_rows_##tag = { name_, shape_, heading_, line_, ka_cols_##tag, KA_COUNT(ka_cols_##tag) }

extern const struct ka_rows ka_rows_net_task, ka_rows_net_sock, ka_rows_net_struct;	/* net_sock.c */
extern const struct ka_rows ka_rows_net_socket, ka_rows_net_user;			/* net_table.c */
extern const struct ka_rows ka_rows_net_route, ka_rows_net_hop;				/* net_route.c */

/* -s, -S: of the tasks that are named, or of the current one. */
struct ka_error *net_sock_run(struct ka_call *c) KA_MUST_CHECK;
/* Sockets of these kinds (enum ka_sock_kind) in these namespaces. */
struct ka_error *net_table_run(struct ka_call *c, unsigned kinds, const struct ka_net *nets, size_t net_count) KA_MUST_CHECK;
struct ka_error *net_route_run(struct ka_call *c, const struct ka_net *nets, size_t net_count) KA_MUST_CHECK;
/* What stands above what is shown of a namespace, where there are several: "NET: ADDRESS  INUM: NUMBER". Ends with ka_out_end(). */
void net_begin(struct ka_call *c, const struct ka_net *net);

/* Names of devices by their index. In the arena. */
struct net_names {
	struct ka_netdev *devs;
	size_t count;
};
void net_names_read(struct ka_call *c, ka_addr net, struct net_names *ret);
/* "eth0"; "if7" when there is none of that index. */
const char *net_name(struct ka_call *c, const struct net_names *n, int32_t ifindex);

#endif
