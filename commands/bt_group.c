/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* bt --group: tasks whose stacks are the same, once: what to read first of a machine that hangs. */
#include <inttypes.h>
#include "bt.h"

#define BATCH 512

struct bt_group {
	uint32_t count;
	const char *states, *pids, *commands, *word;
};
BT_LINES(group, "groups", "{count} {word}  STATE: {states}  PID: {pids}\n   COMMAND: {commands}",
	KA_COL(bt_group, count, KA_UINT, "tasks whose stacks are the same, frame by frame"),
	KA_COLF(bt_group, word, KA_TEXT, KA_ONLY_TEXT, ""),
	KA_COL(bt_group, states, KA_TEXT, "their states, with how many have each"),
	KA_COLF(bt_group, pids, KA_TEXT, KA_ONLY_TEXT, ""),
	KA_COLF(bt_group, commands, KA_TEXT, KA_ONLY_TEXT, ""));

struct bt_member {
	int32_t pid;
	ka_addr task;
	uint32_t cpu;
	const char *comm, *state;
};
BT_LINES(member, "members", "",
	KA_COL(bt_member, pid, KA_INT, "process id"),
	KA_COL(bt_member, task, KA_ADDR, "address of the task_struct"),
	KA_COL(bt_member, cpu, KA_UINT, "CPU it runs on, or ran on last"),
	KA_COL(bt_member, comm, KA_TEXT, "name of the task"),
	KA_COL(bt_member, state, KA_TEXT, "its state: RU, IN, UN ..."));

/* A task is small here: there may be a hundred thousand. */
struct member {
	ka_addr task;
	int32_t pid;
	uint32_t cpu;
	char comm[17];
	const char *state;
};

struct group {
	uint64_t *key;		/* addresses of the frames */
	size_t key_size;
	struct { KA_VEC(struct member); } members;
};

struct groups {
	struct { KA_VEC(struct group); } all;
	struct ka_map by_hash;	/* -> index; of several with one hash the first */
};

static uint64_t hash_of(const uint64_t *key, size_t n)
{
	uint64_t h = n;

	for (size_t i = 0; i < n; i++)
		h = ka_hash_u64(h ^ key[i]);
	return h;
}

static struct group *group_of(struct groups *g, const struct ka_stack *st)
{
	size_t n = st->count + 1;
	uint64_t *key = ka_xalloc(n * sizeof(*key)), hash, i;

	/* tasks that have no frame are of a kind by why */
	for (size_t j = 0; j < st->count; j++)
		key[j] = st->frames[j].ip;
	key[n - 1] = !st->count && st->note ? ka_hash_str(st->note) : st->user_regs != NULL;
	for (hash = hash_of(key, n); ka_map_get(&g->by_hash, hash, &i); hash++) {
		struct group *old = &g->all.at[i];

		if (old->key_size == n && !memcmp(old->key, key, n * sizeof(*key))) {
			free(key);
			return old;
		}
	}
	ka_map_add(&g->by_hash, hash, g->all.n);
	ka_vec_push(&g->all, (struct group){ .key = key, .key_size = n });
	return &g->all.at[g->all.n - 1];
}

static void add(struct bt *b, struct groups *g, ka_addr task, const struct ka_stack *st)
{
	struct member m = { .task = task };
	struct ka_task t;
	struct group *to;

	if (ka_error_drop(ka_task_read(b->k, task, &t)))
		return;
	m.pid = t.pid;
	m.cpu = t.cpu;
	memcpy(m.comm, t.comm, sizeof(t.comm));
	m.state = ka_task_state_name(b->k, &t);
	to = group_of(g, st);
	ka_vec_push(&to->members, m);
}

static int by_count(const void *a, const void *b)
{
	const struct group *x = a, *y = b;

	if (x->members.n != y->members.n)
		return x->members.n < y->members.n ? 1 : -1;
	return (x->members.at[0].pid > y->members.at[0].pid) - (x->members.at[0].pid < y->members.at[0].pid);
}

/* "kworker/0:1 kworker/1:0 sshd*12", each once, in the order they come; a long list is cut. */
static const char *list_of(struct bt *b, const struct group *g, bool is_state)
{
	struct { KA_VEC(const char *); } names = { 0 };
	struct { KA_VEC(size_t); } counts = { 0 };
	struct ka_str s = { 0 };
	struct ka_map at = { 0 };
	const char *ret;

	for (size_t i = 0; i < g->members.n; i++) {
		const char *name = is_state ? g->members.at[i].state : g->members.at[i].comm;
		uint64_t hash = ka_hash_str(name), n;

		if (ka_map_get(&at, hash, &n)) {
			counts.at[n]++;
			continue;
		}
		ka_map_add(&at, hash, names.n);
		ka_vec_push(&names, name);
		ka_vec_push(&counts, 1);
	}
	for (size_t i = 0; i < names.n; i++) {
		const char *gap = i ? " " : "";

		if (i == 16) {
			ka_str_printf(&s, " ... %zu more", names.n - i);
			break;
		}
		ka_str_printf(&s, is_state ? "%s%s" : "%s\"%s\"", gap, names.at[i]);
		if (counts.at[i] > 1 && (names.n > 1 || !is_state))
			ka_str_printf(&s, "*%zu", counts.at[i]);
	}
	ret = ka_strdup(b->c->arena, s.p ? s.p : "");
	ka_str_free(&s);
	ka_map_free(&at);
	ka_vec_free(&names);
	ka_vec_free(&counts);
	return ret;
}

static const char *pids_of(struct bt *b, const struct group *g)
{
	struct ka_str s = { 0 };
	const char *ret;

	for (size_t i = 0; i < g->members.n; i++) {
		if (i == 64) {
			ka_str_printf(&s, " ... %zu more", g->members.n - i);
			break;
		}
		ka_str_printf(&s, i ? " %d" : "%d", g->members.at[i].pid);
	}
	ret = ka_strdup(b->c->arena, s.p ? s.p : "");
	ka_str_free(&s);
	return ret;
}

static void put(struct bt *b, const struct group *g)
{
	struct bt_group row = { .count = (uint32_t)g->members.n, .word = g->members.n == 1 ? "TASK" : "TASKS",
				.states = list_of(b, g, true), .commands = list_of(b, g, false), .pids = pids_of(b, g) };
	struct ka_error *err;
	struct ka_stack st;

	ka_out_gap(b->c->out);
	b->is_first = false;
	ka_out_begin(b->c->out, &bt_rows_group, &row);
	for (size_t i = 0; i < g->members.n; i++) {
		const struct member *m = &g->members.at[i];

		ka_out_row(b->c->out, &bt_rows_member, &(struct bt_member){ m->pid, m->task, m->cpu, m->comm, m->state });
	}
	err = ka_unwind_task(b->k, g->members.at[0].task, b->arena, &st);
	if (!err) {
		if (st.note)
			ka_out_note(b->c->out, "%s\n", st.note);
		b->fault = NULL;
		bt_frames_put(b, &st);
		err = st.err;
	}
	ka_call_fault(b->c, ka_error_wrap(err, "PID %d (%s)", g->members.at[0].pid, g->members.at[0].comm));
	ka_out_end(b->c->out);
}

void bt_group_put(struct bt *b, const ka_addr *tasks, size_t count)
{
	struct ka_arena *arenas[BATCH];
	struct ka_stack *stacks = ka_alloc(b->c->arena, BATCH * sizeof(*stacks));
	struct ka_error *errors[BATCH];
	struct groups g = { 0 };

	for (size_t at = 0; at < count && !ka_interrupted(); at += BATCH) {
		size_t n = KA_MIN(count - at, (size_t)BATCH);

		ka_unwind_tasks(b->k, tasks + at, n, arenas, stacks, errors);
		for (size_t i = 0; i < n; i++) {
			if (errors[i])
				ka_call_fault(b->c, errors[i]);
			else if (!b->ref || bt_frames_refer(b, &stacks[i]))
				add(b, &g, tasks[at + i], &stacks[i]);
			ka_error_free(stacks[i].err);	/* told with the group */
			ka_arena_free(arenas[i]);
		}
	}
	if (g.all.n)
		qsort(g.all.at, g.all.n, sizeof(*g.all.at), by_count);
	for (size_t i = 0; i < g.all.n; i++) {
		if (!ka_interrupted()) {
			b->arena = ka_arena_new();
			put(b, &g.all.at[i]);
			ka_arena_free(b->arena);
		}
		free(g.all.at[i].key);
		ka_vec_free(&g.all.at[i].members);
	}
	b->arena = b->c->arena;
	ka_vec_free(&g.all);
	ka_map_free(&g.by_hash);
}
