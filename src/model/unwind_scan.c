/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Return addresses that a scan of the stack finds, for want of better. */
#include <inttypes.h>
#include "stacks.h"

#define SCAN_WORDS 512
#define PROOF_WORDS 64
#define PROOF_STEPS 64

struct ka_error *ka_cursor_scan(struct ka_kernel *k, const struct ka_stacks *s, struct ka_cursor *c)
{
	const struct ka_stack_area *area = ka_stacks_at(s, c->sp);
	struct ka_hidden_used hidden = c->hidden;
	unsigned word = k->long_size;

	for (ka_addr at = (c->sp + word - 1) & ~(ka_addr)(word - 1), i = 0; area && at < area->end && i < SCAN_WORDS; at += word, i++) {
		uint64_t v;

		if (ka_error_drop(ka_read_ulong(k, at, &v)))
			break;
		if (k->arch->strip_ip)
			v = k->arch->strip_ip(&k->layout, v);
		if (ka_is_hidden(s->hidden ? s->hidden : ka_hidden_names(k), v))
			ka_unhide(k, s->task, &(struct ka_hidden_place){ .slot = at, .sp = at + word }, &hidden, v, &v);
		if (ka_unwind_is_return(k, v) && ka_cursor_from_slot(k, at, c)) {
			ka_cursor_set_ip(k, c, v);
			c->is_call = true;
			c->hidden = hidden;
			c->by = KA_BY_SCAN;
			c->is_scanned = true;
			return NULL;
		}
	}
	return ka_error_new(KA_NOT_FOUND, "nothing tells how to unwind 0x%" PRIx64 ", and the stack above holds no return address", c->ip);
}

/* Does unwinding up from c come to the end of the stack, without any guess? */
static bool is_proved(struct ka_kernel *k, const struct ka_stacks *s, struct ka_cursor c, struct ka_arena *a)
{
	c.is_trial = true;
	for (unsigned i = 0; i < PROOF_STEPS; i++) {
		if (ka_error_drop(ka_cursor_step(k, s, &c, a)) || c.is_doubted || c.by == KA_BY_SCAN || c.by == KA_BY_FP)
			return false;
		if (c.is_end)
			return true;
	}
	return false;
}

bool ka_cursor_scan_proved(struct ka_kernel *k, const struct ka_stacks *s, struct ka_cursor *c, struct ka_arena *a)
{
	unsigned word = k->long_size, fp = k->arch->fp_reg;
	ka_addr at = (c->sp + word - 1) & ~(ka_addr)(word - 1);
	const struct ka_stack_area *area = ka_stacks_at(s, c->sp);

	for (unsigned i = 0; area && i < PROOF_WORDS && at < area->end; i++, at += word) {
		struct ka_cursor next;
		uint64_t v;

		if (ka_error_drop(ka_read_ulong(k, at, &v)))
			return false;
		if (!ka_unwind_is_return(k, v) || !ka_cursor_from_slot(k, at, &next))
			continue;
		/* the function in between has hardly touched what it must keep */
		if (c->regs.known >> fp & 1)
			ka_cursor_set(k, &next, k->arch->reg_names[fp], c->regs.value[fp]);
		if (!is_proved(k, s, next, a))
			continue;
		next.hidden = c->hidden;
		next.by = KA_BY_SCAN;
		next.is_scanned = true;
		*c = next;
		return true;
	}
	return false;
}
