/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* For the walker of IDRs: an xarray whose indexes do not begin at 0. */
#ifndef KA_WALK_XARRAY_H
#define KA_WALK_XARRAY_H

#include <kanalyze/walk.h>

struct ka_walk ka_walk_xarray_base(struct ka_kernel *k, ka_addr start, unsigned flags, uint64_t base);

#endif
