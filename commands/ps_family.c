/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ps -p, -c, -g: who begot whom, and which threads belong together. */
#include "ps.h"

#define LINEAGE_MAX 10000	/* a bound for loops; nobody has that many forefathers */

struct ps_kin {
	PS_HEAD;
	const char *indent;
};
static const struct ka_col kin_cols[] = { KA_COLF(ps_kin, indent, KA_TEXT, KA_ONLY_TEXT, NULL), PS_HEAD_COLS(ps_kin) };
#define KIN(name) { name, KA_SHAPE_LINE, NULL, "{indent}" PS_HEAD_LINE, kin_cols, KA_COUNT(kin_cols) }
const struct ka_rows ps_rows_kin = KIN("tasks"), ps_rows_ancestor = KIN("ancestors"), ps_rows_child = KIN("children"),
		     ps_rows_thread = KIN("threads");

static struct ps_kin kin(const struct ka_task *t, const char *indent)
{
	struct ps_kin row = { PS_HEAD_OF(t), .indent = indent };

	memcpy(row.comm, t->comm, sizeof(row.comm));
	return row;
}

/* From the task up; a chain that bends back or leads to no task ends there and is told. */
static size_t lineage(const struct ps *ps, const struct ka_task *t, const struct ka_task **line, size_t max)
{
	struct ka_map seen = {0};
	size_t n = 0;

	for (;;) {
		const struct ka_task *parent;

		ka_map_add(&seen, t->addr, 0);
		line[n++] = t;
		if (ps_parent(t) == t->addr || n == max)
			break;
		parent = ps_task_at(ps, ps_parent(t));
		if (!parent || ka_map_get(&seen, parent->addr, &(uint64_t){0})) {
			ka_call_fault(ps->c, ka_error_at(KA_CORRUPT, KA_SPACE_VIRT, ps_parent(t),
							 "PID %d: its parent 0x%llx %s", t->pid,
							 (unsigned long long)ps_parent(t),
							 parent ? "descends from it" : "is no task"));
			break;
		}
		t = parent;
	}
	ka_map_free(&seen);
	return n;
}

void ps_lineage(const struct ps *ps)
{
	size_t max = KA_MIN(ps->count, LINEAGE_MAX);
	const struct ka_task **line = ka_alloc(ps->c->arena, (max + 1) * sizeof(*line));
	bool is_text = ka_out_is_text(ps->c->out);

	for (size_t i = 0; i < ps->chosen_count && !ka_interrupted(); i++) {
		const struct ka_task *t = ps->chosen[i];
		size_t n = lineage(ps, t, line, max + 1);
		struct ps_kin row = kin(t, "");
		struct ka_str indent = {0};

		/* text goes from the forefather down to the task itself; JSON names the task first */
		if (!is_text)
			ka_out_begin(ps->c->out, &ps_rows_kin, &row);
		while (n-- > (is_text ? 0 : 1)) {
			row = kin(line[n], indent.len ? indent.p : "");
			ka_out_row(ps->c->out, &ps_rows_ancestor, &row);
			ka_str_addc(&indent, ' ');
		}
		ka_str_free(&indent);
		if (!is_text)
			ka_out_end(ps->c->out);
		ka_out_note(ps->c->out, "\n");
	}
}

/* Tasks by a number they share, each chain in the order of the table: so that no task is compared with all others. */
struct chains {
	struct ka_map first;	/* number -> index + 1 */
	size_t *next;		/* index + 1; 0: the last */
};

static void chain_add(struct chains *c, size_t i, uint64_t key)
{
	uint64_t next = 0;

	ka_map_get(&c->first, key, &next);
	c->next[i] = next;
	ka_map_set(&c->first, key, i + 1);
}

static size_t chain_first(const struct chains *c, uint64_t key)
{
	uint64_t first = 0;

	ka_map_get(&c->first, key, &first);
	return first;
}

/* Of a process: the children of any of its threads, as PPID counts them; of a thread that leads no group: its own. */
static bool is_child(const struct ka_task *t, const struct ka_task *parent)
{
	bool is_process = parent->pid && parent->pid == parent->tgid;

	return t != parent && (is_process || ps_parent(t) == parent->addr);
}

void ps_children(const struct ps *ps)
{
	struct chains by_parent = { .next = ka_alloc(ps->c->arena, (ps->count + 1) * sizeof(size_t)) };
	int32_t ppid;

	for (size_t j = ps->count; j-- > 0; )
		if (ps_parent_pid(ps, &ps->tasks[j], &ppid))
			chain_add(&by_parent, j, (uint32_t)ppid);
	for (size_t i = 0; i < ps->chosen_count && !ka_interrupted(); i++) {
		const struct ka_task *t = ps->chosen[i];
		struct ps_kin row = kin(t, "");
		size_t n = 0;

		ka_out_begin(ps->c->out, &ps_rows_kin, &row);
		for (size_t j = chain_first(&by_parent, (uint32_t)t->tgid); j; j = by_parent.next[j - 1]) {
			if (!is_child(&ps->tasks[j - 1], t))
				continue;
			row = kin(&ps->tasks[j - 1], "  ");
			ka_out_row(ps->c->out, &ps_rows_child, &row);
			n++;
		}
		if (!n)
			ka_out_note(ps->c->out, "  (no children)");
		ka_out_end(ps->c->out);
		ka_out_note(ps->c->out, "\n");
	}
	ka_map_free(&by_parent.first);
}

void ps_threads(const struct ps *ps)
{
	struct chains by_group = { .next = ka_alloc(ps->c->arena, (ps->count + 1) * sizeof(size_t)) };
	struct ka_map shown = {0};

	for (size_t j = ps->count; j-- > 0; )
		chain_add(&by_group, j, (uint32_t)ps->tasks[j].tgid);
	for (size_t i = 0; i < ps->chosen_count && !ka_interrupted(); i++) {
		const struct ka_task *t = ps->chosen[i];
		struct ps_kin row;
		size_t n = 0;

		if (t->pid != t->tgid && !ps->has_args)
			continue;
		t = ps_leader(ps, t);
		if (!ka_map_add(&shown, (uint32_t)t->tgid, 0))	/* idle tasks are one group: tgid 0 */
			continue;
		row = kin(t, "");
		ka_out_begin(ps->c->out, &ps_rows_kin, &row);
		for (size_t j = chain_first(&by_group, (uint32_t)t->tgid); j; j = by_group.next[j - 1]) {
			if (&ps->tasks[j - 1] == t)
				continue;
			row = kin(&ps->tasks[j - 1], "  ");
			ka_out_row(ps->c->out, &ps_rows_thread, &row);
			n++;
		}
		if (!n)
			ka_out_note(ps->c->out, "  (no threads)");
		ka_out_end(ps->c->out);
		ka_out_note(ps->c->out, "\n");
	}
	ka_map_free(&shown);
	ka_map_free(&by_group.first);
}
