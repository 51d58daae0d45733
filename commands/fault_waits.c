/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* fault -w: what every blocked task waits for, who has it, and rings of those that wait for one another. */
#include <inttypes.h>
#include <kanalyze/task.h>
#include <kanalyze/wait.h>
#include "fault_waits.h"

struct wait_row {
	const char *text, *place;
	int32_t pid, owner_pid;
	ka_addr task, lock, owner, ip;
	const char *comm, *state, *kind, *mode, *name, *expression, *function, *module, *file, *by;
	const char *owner_is, *owner_comm, *owner_state, *owner_does, *detail;
	uint64_t offset;
	uint32_t line, cycle;
	bool has_owner, has_function;
};
static const struct ka_col wait_cols[] = {
	KA_COLF(wait_row, text, KA_TEXT, KA_ONLY_TEXT, ""),
	KA_COL(wait_row, pid, KA_INT, "the task that waits"),
	KA_COL(wait_row, task, KA_ADDR, "its task_struct"),
	KA_COL(wait_row, comm, KA_TEXT, "its name"),
	KA_COL(wait_row, state, KA_TEXT, "its state, as ps has it"),
	KA_COL(wait_row, kind, KA_TEXT, "what it waits for: mutex, rwsem, semaphore, percpu_rwsem, rt_mutex, completion, work, thread, bit, page, rcu, queue, spinlock, rwlock; none: something else"),
	KA_COL(wait_row, mode, KA_TEXT, "of rwsems and rwlocks: read or write"),
	KA_COLF(wait_row, lock, KA_ADDR, KA_ZERO_IS_NONE, "address of the lock"),
	KA_COL(wait_row, name, KA_TEXT, "what lies there"),
	KA_COL(wait_row, expression, KA_TEXT, "what the waiting function calls it, in C"),
	KA_COL(wait_row, by, KA_TEXT, "how it was found: locals (variables of the lock's code), stack (the waiter there), blocker (task_struct's own word)"),
	KA_COL_IF(wait_row, ip, KA_ADDR, has_function, "where it waits: the first address on its stack that is not of the lock's code"),
	KA_COL(wait_row, function, KA_TEXT, "function of that"),
	KA_COL_IF(wait_row, offset, KA_UINT, has_function, "bytes from the start of the function"),
	KA_COL(wait_row, module, KA_TEXT, "its module; null: the kernel itself"),
	KA_COL(wait_row, file, KA_TEXT, "source file"),
	KA_COLF(wait_row, line, KA_UINT, KA_ZERO_IS_NONE, "line in it"),
	KA_COL(wait_row, owner_is, KA_TEXT, "held by, held for writing by, last taken by, done by ...: what the owner is to the lock"),
	KA_COL_IF(wait_row, owner_pid, KA_INT, has_owner, "the task that has the lock, or is to do the work"),
	KA_COLF(wait_row, owner, KA_ADDR, KA_ZERO_IS_NONE, "its task_struct"),
	KA_COL(wait_row, owner_comm, KA_TEXT, "its name"),
	KA_COL(wait_row, owner_state, KA_TEXT, "its state"),
	KA_COL(wait_row, owner_does, KA_TEXT, "where it is: the first function on its stack that is not of the scheduler or a lock"),
	KA_COL(wait_row, detail, KA_TEXT, "what more the lock says of itself"),
	KA_COLF(wait_row, cycle, KA_UINT, KA_ZERO_IS_NONE, "which of the cycles it is in, from 1"),
};
const struct ka_rows ka_rows_of_waits = { "waits", KA_SHAPE_LINE, NULL, "{text}", wait_cols, KA_COUNT(wait_cols) };

struct cycle_row { const char *text; };
static const struct ka_col cycle_cols[] = { KA_COL(cycle_row, text, KA_TEXT, "tasks that wait for one another, in words") };
const struct ka_rows ka_rows_of_wait_cycles = { "cycles", KA_SHAPE_LINE, NULL, "DEADLOCK: {text}", cycle_cols, KA_COUNT(cycle_cols) };

static void put(struct ka_call *c, const struct ka_waits *all, const struct ka_wait *w)
{
	struct wait_row row = {
		.pid = w->pid, .task = w->task, .comm = ka_strndup(c->arena, w->comm, sizeof(w->comm)), .state = w->state,
		.kind = ka_wait_kind_name(w->kind), .mode = w->mode, .lock = w->lock, .name = w->name, .expression = w->expression, .by = w->by,
		.ip = w->ip, .function = w->function, .has_function = w->function != NULL, .offset = w->offset, .module = w->module, .file = w->file,
		.line = w->line, .detail = w->detail, .cycle = w->cycle,
	};
	const char *owner = ka_wait_owner_text(c->arena, w, all);
	struct ka_str s = { 0 };

	if (w->owner) {
		row.has_owner = true;
		row.owner_is = w->owner_is;
		row.owner = w->owner;
		row.owner_pid = w->owner_pid;
		row.owner_comm = ka_strndup(c->arena, w->owner_comm, sizeof(w->owner_comm));
		row.owner_state = w->owner_state;
		row.owner_does = w->owner_does;
	}
	ka_str_printf(&s, "PID: %-7d  TASK: %016" PRIx64 "  %s  COMMAND: \"%s\"\n", w->pid, w->task, w->state ? w->state : "??", row.comm);
	if (w->kind == KA_WAIT_NONE)
		ka_str_add(&s, "    sleeps");
	else
		ka_str_printf(&s, "    waits for %s\n   ", ka_wait_lock_text(c->arena, w));
	if (w->function)
		ka_str_printf(&s, " in %s+%" PRIu64 "%s%s%s", w->function, w->offset, w->module ? " [" : "", w->module ? w->module : "", w->module ? "]" : "");
	if (w->file)
		ka_str_printf(&s, " at %s:%u", w->file, w->line);
	if (owner)
		ka_str_printf(&s, "\n    %s", owner);
	ka_str_add(&s, "\n");
	row.text = ka_strdup(c->arena, s.p);
	ka_str_free(&s);
	ka_out_row(c->out, &ka_rows_of_waits, &row);
}

struct ka_error *ka_fault_waits(struct ka_call *c)
{
	struct ka_waits w;
	struct ka_error *err = ka_waits_read(c->k, c->arena, &w);
	size_t shown = 0;

	for (size_t i = 0; i < w.n && !ka_interrupted(); i++) {
		/* of those that are here for what they have: only when they wait, too */
		if (w.at[i].kind == KA_WAIT_NONE && (!w.at[i].state || strcmp(w.at[i].state, "UN")))
			continue;
		put(c, &w, &w.at[i]);
		shown++;
	}
	for (size_t i = 0; i < w.cycle_count; i++) {
		struct cycle_row row = { .text = w.cycles[i] };

		ka_out_row(c->out, &ka_rows_of_wait_cycles, &row);
	}
	if (!shown && !err)
		ka_out_note(c->out, "no task is blocked\n");
	return err;
}
