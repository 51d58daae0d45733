/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Task states by the bits of the kernel in the dump. The bits moved: EXIT_DEAD and EXIT_ZOMBIE changed places with
 * ad86622b478e (v3.14), TASK_PARKED came down below TASK_DEAD with 8ef9925b02c2 (v4.14), which moved the rest up.
 * task_state_array, the table behind "State:" of /proc/PID/status, says by its strings which bit is which: entry n
 * stands for bit n - 1.
 */
#include <kanalyze/task.h>
#include <kanalyze/type.h>
#include "kernel.h"

#define STATE_STRINGS_MAX 16

struct states {
	uint64_t interruptible, uninterruptible, stopped, traced, exit_dead, exit_zombie, swapping;
	uint64_t parked, dead, wakekill, waking, noload, new;
	uint64_t rtlock_wait, frozen;
};

static uint64_t *state_by_words(struct states *s, const char *text)
{
	if (strstr(text, "(sleeping)"))
		return &s->interruptible;
	if (strstr(text, "(disk sleep)"))
		return &s->uninterruptible;
	if (strstr(text, "(tracing stop)"))
		return &s->traced;
	if (strstr(text, "(stopped)"))
		return &s->stopped;
	if (strstr(text, "(zombie)"))
		return &s->exit_zombie;
	if (strstr(text, "(dead)"))	/* "x (dead)" of v2.6.33 to v3.13 is TASK_DEAD */
		return text[0] == 'x' ? &s->dead : &s->exit_dead;
	if (strstr(text, "(swapping)"))
		return &s->swapping;
	if (strstr(text, "(wakekill)"))
		return &s->wakekill;
	if (strstr(text, "(waking)"))
		return &s->waking;
	if (strstr(text, "(parked)"))
		return &s->parked;
	return NULL;	/* "R (running)" is no bit; "I (idle)" is computed */
}

static bool states_from_array(struct ka_kernel *k, struct states *s)
{
	unsigned size = ka_long_size(k), count = STATE_STRINGS_MAX;
	struct ka_symbol array;

	if (!ka_symbol_lookup(k, "task_state_array", &array))
		return false;
	if (array.size)
		count = KA_MIN(count, array.size / size);
	for (unsigned i = 0; i < count; i++) {
		char text[40];
		ka_addr at;
		uint64_t *bit;

		if (ka_error_drop(ka_read_ulong(k, array.addr + (uint64_t)i * size, &at)) ||
		    ka_error_drop(ka_read_cstr(k, at, text, sizeof(text))))
			break;
		bit = state_by_words(s, text);
		if (bit && i && !*bit)
			*bit = 1ull << (i - 1);
	}
	return s->interruptible && s->uninterruptible && s->stopped && s->exit_zombie;
}

/* Without the table: both of thread_node (0c740d0afc3b) and the swap of the exit states are of v3.14-rc1. */
static void states_by_members(struct ka_kernel *k, struct states *s)
{
	bool is_swapped = ka_type_has(k, "task_struct", "thread_node");
	struct ka_symbol letters;

	*s = (struct states){ .interruptible = 1, .uninterruptible = 2, .stopped = 4, .traced = 8,
			      .exit_dead = is_swapped ? 16 : 32, .exit_zombie = is_swapped ? 32 : 16 };
	/* the scheduler's own table of letters went when TASK_PARKED moved down (1593baab910d, v4.14) */
	if (is_swapped && !ka_symbol_lookup(k, "stat_nam", &letters))
		s->parked = 0x40;
}

/* What no table lists. Later bits than these came without moving any of them. */
static void states_complete(struct states *s)
{
	bool is_parked_low = s->parked == 0x40;

	s->dead = is_parked_low ? 0x80 : 0x40;
	s->wakekill = s->dead << 1;
	s->waking = s->dead << 2;
	if (!is_parked_low)
		s->parked = 0x200;	/* v3.9 */
	s->noload = 0x400;		/* 80ed87c8a9ca, v4.2 */
	s->new = 0x800;			/* 7dc603c9028e, v4.8 */
	s->rtlock_wait = 0x1000;	/* 5f220be21418, v5.15 */
	s->frozen = 0x8000;		/* f5d39b020809, v6.1; 0x2000 and 0x4000 only say that a sleep may be frozen */
}

static void *states_make(struct ka_kernel *k)
{
	struct states *s = ka_xalloc(sizeof(*s));

	if (!states_from_array(k, s)) {
		ka_log(1, "task states: no usable task_state_array, going by members");
		states_by_members(k, s);
	}
	if (s->swapping)	/* none of the later bits existed */
		return s;
	states_complete(s);
	ka_log(2, "task states: zombie 0x%llx dead 0x%llx/0x%llx parked 0x%llx", (unsigned long long)s->exit_zombie,
	       (unsigned long long)s->exit_dead, (unsigned long long)s->dead, (unsigned long long)s->parked);
	return s;
}

static const char states_key;

static const struct states *states(struct ka_kernel *k)
{
	return ka_kernel_state(k, &states_key, states_make, free);
}

/*
 * The highest bit that the kernel reports wins, as in task_state_index(); frozen tasks and those that wait for an RT lock
 * are in uninterruptible sleep to it. States it takes for running but crash's users know by name (DE, WA, NE) come last.
 */
const char *ka_task_state_name(struct ka_kernel *k, const struct ka_task *t)
{
	const struct states *s = states(k);
	uint64_t state = t->state | t->exit_state;

	if (!state)
		return "RU";
	if (state & s->exit_zombie)
		return "ZO";
	if (state & s->exit_dead)
		return "DE";
	if (state & s->swapping)
		return "SW";
	if (state & s->parked)
		return "PA";
	if (state & s->traced)
		return "TR";
	if (state & s->stopped)
		return "ST";
	if (state & s->uninterruptible)
		return state & s->noload ? "ID" : "UN";
	if (state & (s->frozen | s->rtlock_wait))
		return "UN";
	if (state & s->interruptible)
		return "IN";
	if (state & s->dead)
		return "DE";
	if (state & s->new)
		return "NE";
	if (state & s->waking)
		return "WA";
	return "??";
}

const char *ka_task_state_long(struct ka_kernel *k, const struct ka_task *t, struct ka_arena *a)
{
	const struct states *s = states(k);
	const struct { uint64_t bit; const char *name; } words[] = {
		{ s->interruptible, "TASK_INTERRUPTIBLE" },
		{ s->uninterruptible, "TASK_UNINTERRUPTIBLE" },
		{ s->stopped, "TASK_STOPPED" },
		{ s->traced, "TASK_TRACED" },
		{ s->exit_dead, "EXIT_DEAD" },
		{ s->dead, "TASK_DEAD" },
		{ s->exit_zombie, "EXIT_ZOMBIE" },
		{ s->swapping, "TASK_SWAPPING" },
		{ s->waking, "TASK_WAKING" },
		{ s->wakekill, "TASK_WAKEKILL" },
		{ s->noload, "TASK_NOLOAD" },
		{ s->new, "TASK_NEW" },
		{ s->parked, "TASK_PARKED" },
		{ s->rtlock_wait, "TASK_RTLOCK_WAIT" },
		{ s->frozen, "TASK_FROZEN" },
	};
	uint64_t state = t->state | t->exit_state;
	struct ka_str text = {0};
	const char *ret;

	if (!state)
		return "TASK_RUNNING";
	for (size_t i = 0; i < KA_COUNT(words); i++) {
		if (state & words[i].bit)
			ka_str_printf(&text, "%s%s", text.len ? "|" : "", words[i].name);
		state &= ~words[i].bit;
	}
	/* TASK_FREEZABLE and its lockdep twin (v6.1) are how a task sleeps, not a state: crash leaves them out too */
	state &= s->swapping ? ~0ull : ~0x6000ull;
	if (state)
		ka_str_printf(&text, "%s0x%llx", text.len ? "|" : "", (unsigned long long)state);
	ret = text.len ? ka_strdup(a, text.p) : "TASK_RUNNING";
	ka_str_free(&text);
	return ret;
}
