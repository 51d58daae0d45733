/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * foreach on all cores: the tasks are taken in parts, each part by a thread of its own, and what they put out is put together in order: the
 * bytes are those of one run after the other. A part whose turn has not come holds some BLOCK of output, and then waits.
 */
#include <pthread.h>

#include "session.h"

#define PART_TASKS 32		/* at most: each part finds names and paths anew */
#define BLOCK (1 << 20)		/* of output that a part holds before it waits for its turn; of JSON, at the end of a row */
#define MANY 1024
#define AHEAD 8			/* parts begun before their turn, for each core */

struct parts;

struct part {
	struct parts *all;
	struct ka_out *out;
	struct ka_sink sink;
	size_t number;
	struct ka_error *err;
	bool is_done;
	int status;
	size_t fault_count;	/* JSON: of those that lie in out */
};

struct parts {
	struct ka_call *c;
	const struct ka_task_run *run;
	size_t count, first, each;	/* parts; tasks before the first part; tasks of a part */
	struct part *slots;
	size_t slot_count;
	pthread_mutex_t lock;	/* of all below, and of the whole's output */
	pthread_cond_t moved;
	size_t next;		/* the part to be taken next */
	size_t turn;		/* the part whose output is next */
	struct ka_error *err;	/* of the part that ended it all */
	int status;
};

static struct part *slot_of(struct parts *p, size_t number)
{
	return &p->slots[number % p->slot_count];
}

static void told(void *ctx, struct ka_error *err)
{
	ka_call_fault(ctx, err);
}

static void part_add(struct part *part)
{
	struct parts *p = part->all;

	ka_out_part_add(p->c->out, part->out, told, p->c);
	p->c->fault_count += part->fault_count;
	part->fault_count = 0;
}

/* More output than a part may hold: it waits for its turn, and goes on with what it held told. */
static void on_full(struct ka_sink *sink)
{
	struct part *part = (struct part *)((char *)sink - offsetof(struct part, sink));
	struct parts *p = part->all;

	if (ka_out_part_size(part->out) < BLOCK || !ka_out_part_can_add(part->out))
		return;
	pthread_mutex_lock(&p->lock);
	while (p->turn != part->number && !p->err)
		pthread_cond_wait(&p->moved, &p->lock);
	if (!p->err)
		part_add(part);
	else	/* nobody will see it */
		sink->is_broken = true;
	pthread_mutex_unlock(&p->lock);
}

/* A command that takes tasks: the same call with some of them. */
static void tasks_run(struct part *part, size_t from, size_t n)
{
	struct ka_call *whole = part->all->c, c = *whole;
	size_t words = (size_t)whole->argc - part->all->run->count;
	struct ka_session session = *whole->session;

	c.session = &session;
	c.out = session.out = part->out;
	c.arena = ka_arena_new();
	c.is_part = true;
	c.is_later_part = part->all->first > 0;
	c.fault_count = 0;
	session.call = &c;
	c.argv = ka_alloc(c.arena, (words + n + 1) * sizeof(*c.argv));
	if (words)
		memcpy(c.argv, whole->argv, words * sizeof(*c.argv));
	memcpy(c.argv + words, whole->argv + words + from, n * sizeof(*c.argv));
	c.argv[words + n] = NULL;
	c.argc = (int)(words + n);
	part->err = whole->command->run(&c);
	ka_out_part_end(part->out);
	/* those of text are counted as they are told */
	part->fault_count = ka_out_is_text(part->out) ? 0 : c.fault_count;
	ka_arena_free(c.arena);
}

/* A command that looks at the current task: each in a session of its own. */
static void contexts_run(struct part *part, size_t from, size_t n)
{
	struct ka_call *whole = part->all->c, c = *whole;
	struct ka_session session = *whole->session;

	c.session = &session;
	c.out = session.out = part->out;
	c.arena = ka_arena_new();
	c.is_part = true;
	c.fault_count = 0;
	session.call = &c;
	session.inner_status = KA_EXIT_CLEAN;
	session.has_told_loss = true;	/* told by the whole */
	for (size_t i = from; i < from + n && !ka_interrupted(); i++)
		ka_foreach_context(&c, part->all->run, i);
	part->status = session.inner_status;
	part->fault_count = ka_out_is_text(part->out) ? 0 : c.fault_count;
	ka_arena_free(c.arena);
}

static void part_run(struct part *part, size_t from, size_t n)
{
	if (part->all->run->is_context)
		contexts_run(part, from, n);
	else
		tasks_run(part, from, n);
}

static void part_begin(struct parts *p, struct part *part, size_t number)
{
	if (!part->out)
		part->out = ka_out_new();
	part->all = p;
	part->number = number;
	part->is_done = false;
	part->status = KA_EXIT_CLEAN;
	part->sink.fd = -1;
	part->sink.is_broken = false;
	part->sink.on_full = on_full;
	ka_out_part_begin(part->out, p->c->out, &part->sink);
}

/* With the lock: whatever is whole and next. */
static void finish(struct parts *p)
{
	for (struct part *part; p->turn < p->count && (part = slot_of(p, p->turn))->is_done && part->number == p->turn; p->turn++) {
		if (!p->err)
			part_add(part);
		if (part->err && !p->err)
			p->err = part->err;
		else
			ka_error_free(part->err);
		part->err = NULL;
		p->status = KA_MAX(p->status, part->status);
	}
	pthread_cond_broadcast(&p->moved);
}

/* What was taken is always finished, also after Ctrl-C: others may wait for its turn to pass. */
static void work(void *ctx, size_t worker)
{
	struct parts *p = ctx;

	(void)worker;
	pthread_mutex_lock(&p->lock);
	for (;;) {
		while (p->next < p->count && p->next >= p->turn + p->slot_count && !p->err)
			pthread_cond_wait(&p->moved, &p->lock);
		if (p->next == p->count || p->err || ka_interrupted())
			break;
		size_t number = p->next++, from = p->first + number * p->each;
		struct part *part = slot_of(p, number);

		part_begin(p, part, number);
		pthread_mutex_unlock(&p->lock);
		part_run(part, from, KA_MIN(p->each, p->run->count - from));
		pthread_mutex_lock(&p->lock);
		part->is_done = true;
		finish(p);
	}
	pthread_mutex_unlock(&p->lock);
}

bool ka_parts_fit(const struct ka_call *c, const struct ka_task_run *run)
{
	/* of many, also one core takes parts: what a part has allocated ends with it */
	if (!(run->command->needs & KA_EACH_ALONE) || run->count < 4 || (ka_cores() < 2 && run->count < MANY))
		return false;
	for (const char *const *o = run->command->together; !run->is_context && o && *o; o++)
		if (ka_call_has(c, *o))
			return false;
	/* the registers of the current task are looked up in the session itself */
	for (int i = 0; run->is_context && i < run->argc; i++)
		if (strchr(run->argv[i], '$'))
			return false;
	return run->is_context || (size_t)c->argc == run->count;
}

struct ka_error *ka_parts_run(struct ka_call *c, const struct ka_task_run *run)
{
	struct parts p = { .c = c, .run = run, .lock = PTHREAD_MUTEX_INITIALIZER, .moved = PTHREAD_COND_INITIALIZER };
	unsigned cores = ka_cores();
	size_t left = run->count - 1;
	struct part *part;

	(void)ka_call_task(c);		/* found once, before there are several that ask */
	p.slot_count = (size_t)cores * AHEAD;
	p.slots = ka_xalloc(p.slot_count * sizeof(*p.slots));
	/* the first task alone: it says whether the options are sound, and what is made on first need is made on all cores */
	p.each = 1;
	p.count = 1;
	part = slot_of(&p, 0);
	part_begin(&p, part, 0);
	part_run(part, 0, 1);
	part->is_done = true;
	finish(&p);
	if (!p.err && !ka_interrupted()) {
		p.first = 1;
		p.turn = 0;
		p.each = KA_MIN(KA_MAX(left / (cores * 4), (size_t)1), (size_t)PART_TASKS);
		p.count = (left + p.each - 1) / p.each;
		for (size_t i = 0; i < p.slot_count; i++)
			p.slots[i].is_done = false;
		ka_parallel(cores, work, &p);
	}
	for (size_t i = 0; i < p.slot_count; i++) {
		ka_out_free(p.slots[i].out);
		ka_str_free(&p.slots[i].sink.buf);
	}
	free(p.slots);
	pthread_cond_destroy(&p.moved);
	pthread_mutex_destroy(&p.lock);
	c->session->inner_status = KA_MAX(c->session->inner_status, p.status);
	if (!p.err && ka_interrupted())
		p.err = ka_error_new(KA_INTERRUPTED, "interrupted");
	return p.err;
}
