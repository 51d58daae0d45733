/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What sock.c and the walkers of the hash tables share. */
#ifndef KA_MODEL_SOCK_H
#define KA_MODEL_SOCK_H

#include <kanalyze/net.h>
#include <kanalyze/view.h>

/* What all sockets begin with; those that are none any more, and those to be, have nothing else in common with them. */
struct sock_common_view {
	uint16_t family, num;
	uint8_t state, is_v6only;
	int32_t dev;
	uint32_t refs;
	ka_addr net, node_at;
	uint8_t remote[4], local[4], remote_port[2], remote6[16], local6[16];
};
extern const struct ka_view ka_view_sock_common_view;

#endif
