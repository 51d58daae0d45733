/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The stack of a task, whole: the loop over the steps, bounded, and the frames it makes. */
#include <inttypes.h>
#include "stacks.h"

#define FRAMES_MAX 1024
#define SWITCHES_MAX 16

static struct ka_frame *add_frame(struct ka_kernel *k, struct ka_stack *st, struct ka_arena *a, size_t *cap, const struct ka_cursor *c)
{
	if (st->count == *cap) {
		size_t want = *cap ? *cap * 2 : 32;
		struct ka_frame *more = ka_alloc(a, want * sizeof(*more));

		if (st->count)
			memcpy(more, st->frames, st->count * sizeof(*more));
		st->frames = more;
		*cap = want;
	}
	struct ka_frame *f = &st->frames[st->count];
	*f = (struct ka_frame){
		.level = (unsigned)st->count, .ip = c->ip, .sp = c->sp, .ret_at = c->ret_at, .by = c->by, .is_call = c->is_call,
		.is_guess = (c->by == KA_BY_FP && ((!k->arch->has_frame_records && !c->is_framed) || c->is_scanned)) || c->by == KA_BY_SCAN || c->is_doubted, .stack = c->left, .state = c->regs,
	};
	f->shown_at = c->by == KA_BY_PT_REGS || !c->ret_at ? c->sp : c->ret_at;
	f->shown_ip = c->ip - (c->is_call ? k->arch->call_size : 0);
	if (k->arch->has_frame_records && c->regs.known >> k->arch->fp_reg & 1)
		f->shown_at = c->regs.value[k->arch->fp_reg];
	else	/* crash on arm64 gives it a line beside the block, as it has no name elsewhere */
		f->is_interrupted = c->by == KA_BY_PT_REGS && !c->left && !k->arch->has_frame_records;
	st->count++;
	return f;
}

/* What has gone wrong on the way up. */
struct doubts {
	size_t from;			/* the first frame of a scan, or with a return address that can hardly be one; SIZE_MAX: none */
	struct ka_error *err;		/* why the latter is none */
};

/* is_asked: the user said where to start: what does not fit is no damage. */
static void doubt_frame(struct ka_kernel *k, const struct ka_cursor *c, size_t frame, bool is_asked, struct doubts *d)
{
	if (!c->is_doubted && c->by != KA_BY_SCAN)
		return;
	d->from = KA_MIN(d->from, frame);
	if (c->is_doubted && !d->err && !is_asked)
		d->err = ka_doubt(k, c);
}

/* Frames above a guess are proved by unwinding that comes to the end of the stack from there on: else they are guesses, too. */
static void end_doubts(struct ka_stack *st, ka_addr task, struct doubts *d)
{
	for (size_t i = d->from; st->err && i < st->count; i++)
		st->frames[i].is_guess = true;
	if (st->err && st->err->code != KA_INTERRUPTED)
		st->err = d->err ? ka_error_wrap(st->err, "it ends early") : ka_error_wrap(st->err, "the stack of task 0x%" PRIx64 " ends early", task);
	if (!d->err)
		return;
	d->err = ka_error_wrap(d->err, "the stack of task 0x%" PRIx64 " is not to be trusted", task);
	if (st->err) {
		struct ka_error *both = ka_error_new(st->err->code, "%s; %s", d->err->message, st->err->message);

		ka_error_free(d->err);
		ka_error_free(st->err);
		d->err = both;
	}
	st->err = d->err;
}

/*
 * Registers may point into a stack that nobody knows: of firmware, or one that a damaged per-CPU variable should tell. What lies
 * there in one piece is taken for it.
 */
static void add_unknown(struct ka_kernel *k, const struct ka_cursor *c, struct ka_stacks *s)
{
	uint64_t page = ka_page_size(k), size = 0, v;
	ka_addr start = c->sp & ~(page - 1);

	if (ka_stacks_at(s, c->sp) || ka_stacks_at(s, c->sp - 1) || !ka_is_kernel_addr(k, c->sp) || !ka_is_text(k, c->ip))
		return;
	while (size < ka_thread_size(k) && !ka_stacks_at(s, start + size) && !ka_error_drop(ka_read_ulong(k, start + size, &v)))
		size += page;
	ka_stacks_add(s, start, size, "unknown");
}

struct ka_error *ka_unwind_task(struct ka_kernel *k, ka_addr task, struct ka_arena *a, struct ka_stack *ret)
{
	return ka_unwind_task_from(k, task, NULL, a, ret);
}

struct ka_error *ka_unwind_task_from(struct ka_kernel *k, ka_addr task, const struct ka_unwind_from *from, struct ka_arena *a,
				     struct ka_stack *ret)
{
	struct ka_stacks stacks;
	struct ka_cursor c;
	struct ka_task t;
	struct doubts doubts = { .from = SIZE_MAX };
	unsigned cpu = 0, switches = 0;
	size_t cap = 0;
	bool is_active;
	struct ka_error *err = ka_task_read(k, task, &t);

	memset(ret, 0, sizeof(*ret));
	if (err)
		return err;
	is_active = ka_task_is_active(k, task, &cpu);
	ka_stacks_of(k, &t, is_active, cpu, &stacks);
	if (from && from->has_sp) {
		err = ka_unwind_start_at(k, &stacks, from, &c);
		if (err)
			return err;
	} else if (!ka_unwind_start(k, &t, &stacks, is_active, cpu, a, &c, &ret->note)) {
		return NULL;
	} else if (from && from->has_ip) {
		ka_cursor_set_ip(k, &c, from->ip);
	}
	if (c.is_end && c.pt) {		/* it ran in user mode, and nothing of the kernel is on its stack */
		ret->user_regs = c.pt;
		ret->note = "(user mode)";
		return NULL;
	}
	add_unknown(k, &c, &stacks);
	for (;;) {
		struct ka_frame *f = add_frame(k, ret, a, &cap, &c);

		if (ret->count == FRAMES_MAX) {
			ret->err = ka_error_new(KA_CORRUPT, "more than %u frames: given up", FRAMES_MAX);
			break;
		}
		if (ka_interrupted()) {
			ret->err = ka_error_new(KA_INTERRUPTED, "interrupted");
			break;
		}
		err = ka_cursor_step(k, &stacks, &c, a);
		if (err) {
			ret->err = err;
			break;
		}
		if (c.left && ++switches > SWITCHES_MAX) {
			ret->err = ka_error_new(KA_CORRUPT, "the stacks switch to and fro: given up after %u times", switches);
			break;
		}
		if (c.is_end) {
			if (c.pt && c.pt->is_user)
				ret->user_regs = c.pt;
			break;
		}
		doubt_frame(k, &c, ret->count, from && (from->has_ip || from->has_sp), &doubts);
		if (c.pt) {
			add_unknown(k, &c, &stacks);
			f->regs = c.pt;
			c.by = KA_BY_PT_REGS;
		}
	}
	end_doubts(ret, task, &doubts);
	return NULL;
}

const char *ka_frame_by_name(enum ka_frame_by by)
{
	static const char *const names[] = {
		[KA_BY_START] = "start", [KA_BY_CFI] = "cfi", [KA_BY_ORC] = "orc", [KA_BY_FP] = "fp", [KA_BY_SCAN] = "scan",
		[KA_BY_PT_REGS] = "pt_regs", [KA_BY_CALL] = "call", [KA_BY_MADE] = "made",
	};

	return (unsigned)by < KA_COUNT(names) ? names[by] : "?";
}

bool ka_stack_level(const struct ka_stack *st, uint32_t level, size_t *ret)
{
	for (size_t i = 0; i < st->count; i++) {
		if (st->frames[i].is_interrupted)
			continue;
		*ret = i;
		if (!level--)
			return true;
	}
	return false;
}
