/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* bt: search of stacks for registers that exceptions saved (-e, -E), and for signs of overflow (-v). */
#include <ctype.h>
#include <inttypes.h>
#include <kanalyze/type.h>
#include <kanalyze/view.h>
#include "bt.h"

#define STACK_END_MAGIC 0x57ac6e9d	/* magic.h, c6f44459; set in fork since 2.6.29 */

#define TOP_PADDING 32			/* above struct pt_regs: 16 bytes where the processor has FRED (v6.9) */

struct bt_area {
	uint32_t cpu;
	const char *name, *head;
	ka_addr start, end;
};
BT_LINES(area, "cpu_stacks", "{head} STACK:",
	KA_COL(bt_area, cpu, KA_UINT, "CPU whose stack it is"),
	KA_COL(bt_area, name, KA_TEXT, "IRQ, NMI exception ..."),
	KA_COLF(bt_area, head, KA_TEXT, KA_ONLY_TEXT, ""),
	KA_COL(bt_area, start, KA_ADDR, "its lowest address"),
	KA_COL(bt_area, end, KA_ADDR, "where it begins: the address behind its top"));

struct bt_overflow {
	int32_t pid;
	ka_addr task;
	uint32_t cpu;
	const char *comm, *const *signs, *text;
};
BT_LINES(overflow, "overflows", "PID: {pid:<7}  TASK: {task:016}  CPU: {cpu:<3}  COMMAND: \"{comm}\"{text?\n%}",
	KA_COL(bt_overflow, pid, KA_INT, "process id"),
	KA_COL(bt_overflow, task, KA_ADDR, "address of the task_struct"),
	KA_COL(bt_overflow, cpu, KA_UINT, "CPU it runs on, or ran on last"),
	KA_COL(bt_overflow, comm, KA_TEXT, "name of the task"),
	KA_COL(bt_overflow, signs, KA_LIST, "what tells of an overflow of its stack"),
	KA_COLF(bt_overflow, text, KA_TEXT, KA_ONLY_TEXT, ""));

static size_t search(struct bt *b, ka_addr start, ka_addr end)
{
	struct ka_pt_regs_search s = { .arena = b->arena, .at = start, .end = end };
	uint64_t size = ka_pt_regs_size(b->k);
	struct ka_pt_regs pt;
	size_t count = 0;

	while (ka_pt_regs_next(b->k, &s, &pt)) {
		/* those of user mode are the first thing on a stack; elsewhere a few numbers look like them */
		if (pt.is_user && end - pt.at - size > TOP_PADDING)
			continue;
		ka_out_note(b->c->out, "\n  %s-MODE EXCEPTION FRAME AT: %0*" PRIx64 "\n", pt.is_user ? "USER" : "KERNEL",
			    (int)ka_long_size(b->k) * 2, pt.at);
		bt_saved_put(b, &pt);
		count++;
	}
	return count;
}

void bt_search_put(struct bt *b, ka_addr task)
{
	struct ka_stack_place places[KA_STACK_PLACES];

	if (ka_task_stack_places(b->k, task, places))
		search(b, places[0].start, places[0].end);
	else
		ka_out_note(b->c->out, "(no stack)\n");
}

static void search_place(struct bt *b, unsigned cpu, const struct ka_stack_place *p)
{
	struct bt_area row = { .cpu = cpu, .name = p->name, .start = p->start, .end = p->end };
	char *head = ka_printf(b->arena, "CPU %u %s", cpu, p->name);

	for (char *at = head; *at; at++)
		*at = (char)toupper((unsigned char)*at);
	row.head = head;
	ka_out_begin(b->c->out, &bt_rows_area, &row);
	if (!search(b, p->start, p->end))
		ka_out_note(b->c->out, "(none found)\n");
	ka_out_note(b->c->out, "\n");
	ka_out_end(b->c->out);
}

void bt_search_cpus(struct bt *b, const bool *cpus, unsigned count)
{
	struct ka_stack_place places[KA_STACK_PLACES];

	/* crash's order: the IRQ stacks, then those of exceptions, CPU by CPU */
	for (unsigned pass = 0; pass < 2; pass++) {
		for (unsigned cpu = 0; cpu < count && !ka_interrupted(); cpu++) {
			unsigned n = cpus[cpu] ? ka_cpu_stack_places(b->k, cpu, places) : 0;

			for (unsigned i = 0; i < n; i++)
				if (!strcmp(places[i].name, "IRQ") == !pass)
					search_place(b, cpu, &places[i]);
		}
	}
}

/* What lay at the low end of the stack before c65eacbe290b (v4.9, x86) and 15f4eae70d36: the first thing that an overflow destroys. */
struct bt_thread_info { ka_addr task; uint32_t cpu; };
KA_VIEW(bt_thread_info, ("thread_info"),
	KA_MAYBE(bt_thread_info, task, "task"),
	KA_MAYBE(bt_thread_info, cpu, "cpu"));

struct signs {
	KA_VEC(const char *);
};

static void check_info(struct bt *b, const struct ka_task *t, struct signs *signs)
{
	struct bt_thread_info info;

	if (ka_error_drop(ka_view_read(b->k, &ka_view_bt_thread_info, t->stack, &info)))
		return;
	if (KA_HAS(b->k, bt_thread_info, task) && info.task != t->addr)
		ka_vec_push(signs, ka_printf(b->arena, "possible stack overflow: thread_info.task: %" PRIx64 " != %" PRIx64, info.task, t->addr));
	if (KA_HAS(b->k, bt_thread_info, cpu) && info.cpu >= ka_cpu_count(b->k))
		ka_vec_push(signs, ka_printf(b->arena, "possible stack overflow: thread_info.cpu: %u >= %u", info.cpu, ka_cpu_count(b->k)));
}

static struct ka_error *check_task(struct bt *b, const struct ka_task *t, struct signs *signs)
{
	uint64_t end_at = t->stack, size, magic;
	struct ka_stack_place places[KA_STACK_PLACES];
	bool is_info_there = ka_type_has(b->k, "thread_info", "task") || !ka_type_has(b->k, "task_struct", "thread_info");
	struct ka_error *err;
	struct ka_stack st;
	unsigned cpu;

	if (is_info_there && !ka_error_drop(ka_type_size(b->k, "thread_info", &size)))
		end_at += size;
	end_at = (end_at + ka_long_size(b->k) - 1) & ~(ka_addr)(ka_long_size(b->k) - 1);
	err = ka_read_ulong(b->k, end_at, &magic);
	if (err)
		return ka_error_wrap(err, "PID %d (%.16s): cannot read the end of its stack", t->pid, t->comm);
	if (is_info_there)
		check_info(b, t, signs);
	if (magic != STACK_END_MAGIC)
		ka_vec_push(signs, ka_printf(b->arena, "possible stack overflow: %" PRIx64 " != STACK_END_MAGIC", magic));
	/* stacks in vmalloc space have a guard page, and their end is whole after an overflow: the stack pointer tells */
	if (!ka_task_is_active(b->k, t->addr, &cpu) || !ka_task_stack_places(b->k, t->addr, places))
		return NULL;
	err = ka_unwind_task(b->k, t->addr, b->arena, &st);
	if (err)
		return err;
	for (size_t i = 0; i < st.count; i++) {
		const struct ka_pt_regs *pt = st.frames[i].regs;

		if (pt && !pt->is_user && pt->sp < places[0].start && places[0].start - pt->sp <= ka_page_size(b->k))
			ka_vec_push(signs, ka_printf(b->arena, "stack overflow: RSP %" PRIx64 " is below the stack, which ends at %" PRIx64,
						     pt->sp, places[0].start));
		/* aarch64 leaves a stack that has no room for struct pt_regs any more (872d8327ce89, v4.14) */
		else if (i + 1 < st.count && st.frames[i + 1].stack && !strcmp(st.frames[i + 1].stack, "Overflow"))
			ka_vec_push(signs, ka_printf(b->arena, "stack overflow: SP %" PRIx64 " left no room above %" PRIx64
						     ": the kernel went on on its overflow stack", pt ? pt->sp : st.frames[i + 1].sp, places[0].start));
	}
	ka_error_free(st.err);
	return NULL;
}

void bt_check(struct bt *b)
{
	struct ka_walk w = ka_walk_tasks(b->k);
	size_t found = 0, stackless = 0;
	struct ka_error *err;

	for (ka_addr at; ka_walk_next(&w, &at);) {
		struct bt_overflow row = { .task = at };
		struct signs signs = { 0 };
		struct ka_task t;

		err = ka_task_read(b->k, at, &t);
		if (!err && !t.stack) {		/* one that has exited has given it back */
			stackless++;
			continue;
		}
		ka_call_fault(b->c, err ? err : check_task(b, &t, &signs));
		if (signs.n) {
			struct ka_str text = { 0 };
			const char **list = ka_alloc(b->arena, (signs.n + 1) * sizeof(*list));

			for (size_t i = 0; i < signs.n; i++) {
				list[i] = signs.at[i];
				ka_str_printf(&text, i ? "\n  %s" : "  %s", signs.at[i]);
			}
			row.pid = t.pid;
			row.cpu = t.cpu;
			row.comm = ka_strndup(b->arena, t.comm, sizeof(t.comm));
			row.signs = list;
			row.text = ka_strdup(b->arena, text.p);
			ka_str_free(&text);
			ka_out_row(b->c->out, &bt_rows_overflow, &row);
			found++;
		}
		ka_vec_free(&signs);
	}
	ka_call_fault(b->c, ka_walk_end(&w));
	if (!found)
		ka_out_note(b->c->out, "No stack overflows detected\n");
	if (stackless)
		ka_out_note(b->c->out, "(%zu %s no stack any more)\n", stackless, stackless > 1 ? "tasks have" : "task has");
}
