/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* frame, up and down: one frame of the current task. For commands alone. */
#ifndef KA_FRAME_H
#define KA_FRAME_H

#include "bt.h"

/* Goes to the frame by frames from the current one (0, or the one with the number level) and shows it. */
struct ka_error *frame_go(struct ka_call *c, bool has_level, uint64_t level, int64_t by) KA_MUST_CHECK;
/* Options and rows of the three. */
extern const struct ka_option frame_options[];
extern const struct ka_rows *const frame_rows[];
/* The argument of up and down: how many; 1 when there is none. */
struct ka_error *frame_count(struct ka_call *c, int64_t *ret) KA_MUST_CHECK;

#endif
