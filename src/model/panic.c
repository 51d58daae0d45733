/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The task that ended the machine. The kernel itself says on which CPU: panic_cpu, taken by whoever enters panic() or
 * crash_kexec() first. Older kernels leave the CPU in crashing_cpu; where neither speaks, the stacks of the running
 * tasks and the last oops in the log are asked.
 */
#include <ctype.h>
#include <inttypes.h>
#include <kanalyze/printk.h>
#include <kanalyze/symbol.h>
#include <kanalyze/task.h>
#include <kanalyze/unwind.h>
#include "kernel.h"

#define STACK_SIZE_MAX (256u << 10)

struct panic {
	ka_addr task;
	int cpu;
};

/* An int or atomic_t that holds a CPU number, -1 for none. */
static bool cpu_variable(struct ka_kernel *k, const char *name, int *ret_cpu)
{
	struct ka_symbol s;
	uint32_t v;

	*ret_cpu = -1;
	if (!ka_symbol_lookup(k, name, &s) || ka_error_drop(ka_read_u32(k, s.addr, &v)))
		return false;
	if (v < ka_cpu_count(k))
		*ret_cpu = (int)v;
	ka_log(2, "panic: %s is %d", name, (int32_t)v);
	return true;
}

static bool found_on(struct ka_kernel *k, int cpu, const char *how, struct panic *p)
{
	ka_addr task = cpu >= 0 ? ka_cpu_task(k, cpu) : 0;

	if (!task)
		return false;
	*p = (struct panic){ .task = task, .cpu = cpu };
	ka_log(1, "panic task 0x%" PRIx64 " on CPU %d: by %s", task, cpu, how);
	return true;
}

/*
 * True when the variables say it, also when they say that there was no panic.
 * panic_cpu: 1717f2096b54, v4.5; it stays set in panic(), and in crash_kexec() until that finds no crash kernel.
 */
static bool by_variables(struct ka_kernel *k, struct panic *p)
{
	int cpu, panic_cpu;
	bool has_panic_cpu = cpu_variable(k, "panic_cpu", &panic_cpu);

	/* panic_force_cpu= (v7.0) has another CPU do the panicking: this is the one that was in trouble */
	if (panic_cpu >= 0 && cpu_variable(k, "panic_redirect_cpu", &cpu) && found_on(k, cpu, "panic_redirect_cpu", p))
		return true;
	if (found_on(k, panic_cpu, "panic_cpu", p))
		return true;
	/* x86 and powerpc: set by whoever stops the other CPUs for a crash kernel */
	if (cpu_variable(k, "crashing_cpu", &cpu) && found_on(k, cpu, "crashing_cpu", p))
		return true;
	/* x86: in the middle of an oops, from oops_begin() to oops_end() */
	if (cpu_variable(k, "die_owner", &cpu) && found_on(k, cpu, "die_owner", p))
		return true;
	return has_panic_cpu;
}

static const char *const fatal_functions[] = { "panic", "vpanic", "nmi_panic", "crash_kexec", "__crash_kexec",
						"machine_kexec", "machine_crash_shutdown", "crash_fadump" };

/* Functions that nothing but a crash enters: a return address into one of them on a stack is proof. */
struct fatal_text {
	ka_addr start, end;
};

static size_t fatal_text(struct ka_kernel *k, struct fatal_text *ret)
{
	size_t n = 0;

	for (size_t i = 0; i < KA_COUNT(fatal_functions); i++) {
		struct ka_symbol s;

		if (ka_symbol_lookup(k, fatal_functions[i], &s) && s.size)
			ret[n++] = (struct fatal_text){ s.addr, s.addr + s.size };
	}
	return n;
}

static bool is_fatal_area(struct ka_kernel *k, ka_addr start, uint64_t size, const struct fatal_text *text, size_t n)
{
	unsigned word = ka_long_size(k);
	uint8_t *bytes;
	size_t got;
	bool is_fatal = false;

	if (size > STACK_SIZE_MAX)
		return false;
	bytes = ka_xalloc(size);
	got = ka_read_some(k, start, bytes, size, NULL);
	for (size_t i = 0; i + word <= got && !is_fatal; i += word) {
		uint64_t v = ka_uint_from(k, bytes + i, word);

		/* beyond the start: a return address is never the first byte, but a function pointer is */
		for (size_t f = 0; f < n; f++)
			is_fatal |= v > text[f].start && v <= text[f].end;
	}
	free(bytes);
	return is_fatal;
}

/* Its own stack, and those of its CPU: panic() may come in an interrupt, or in an NMI. */
static bool is_fatal_stack(struct ka_kernel *k, ka_addr task, const struct fatal_text *text, size_t n)
{
	struct ka_stack_place places[KA_STACK_PLACES];
	unsigned count = ka_task_stack_places(k, task, places);
	bool is_fatal = false;

	for (unsigned i = 0; i < count && !is_fatal; i++)
		is_fatal = is_fatal_area(k, places[i].start, places[i].end - places[i].start, text, n);
	return is_fatal;
}

static bool by_stacks(struct ka_kernel *k, struct panic *p)
{
	struct fatal_text text[KA_COUNT(fatal_functions)];
	size_t n = fatal_text(k, text);

	for (unsigned cpu = 0; n && cpu < ka_cpu_count(k); cpu++) {
		ka_addr task = ka_cpu_task(k, cpu);

		if (task && is_fatal_stack(k, task, text, n))
			return found_on(k, cpu, "its stack", p);
	}
	return false;
}

static bool number_after(const char *text, size_t size, const char *word, int64_t *ret)
{
	const char *at = memmem(text, size, word, strlen(word));
	int64_t v = 0;

	if (!at)
		return false;
	at += strlen(word);
	for (; at < text + size && *at == ' '; at++)
		;
	if (at == text + size || !isdigit((unsigned char)*at))
		return false;
	for (; at < text + size && isdigit((unsigned char)*at) && v < INT32_MAX; at++)
		v = v * 10 + (*at - '0');
	*ret = v;
	return true;
}

/*
 * Did panic() write its line? A panic_cpu that says nobody panicked is believed but for that: its page may be one that was lost. (It is
 * left set by panic(), and a kernel that oopsed and lived on has no such line.)
 */
static bool is_panic_logged(struct ka_kernel *k)
{
	static const char word[] = "Kernel panic - not syncing";
	struct ka_arena *a = ka_arena_new();
	struct ka_log_record *r = NULL;
	size_t count = 0;
	bool is_logged = false;

	ka_error_drop(ka_log_records(k, a, &r, &count));
	for (size_t i = 0; i < count && !is_logged; i++)
		is_logged = memmem(r[i].text, r[i].text_size, word, sizeof(word) - 1) != NULL;
	ka_arena_free(a);
	return is_logged;
}

/* An oops that was survived says so too, but its task no longer runs. */
static const char *const fatal_words[] = { "Kernel panic", "SysRq : Trigger a crash", "Oops: ", "Internal error: " };

/*
 * Last resort: the line of the last oops, "CPU: 1 PID: 12 Comm: x" ("Pid: 12, comm: x" before v3.10), whose task
 * runs still. Only after a line that says that it ends here.
 */
static bool by_log(struct ka_kernel *k, struct panic *p)
{
	struct ka_arena *a = ka_arena_new();
	struct ka_log_record *r = NULL;
	size_t count = 0;
	int64_t pid = -1, on = -1, v;
	bool is_fatal = false;
	struct ka_error *err = ka_log_records(k, a, &r, &count);
	ka_addr task;
	unsigned cpu;

	for (size_t i = 0; i < count; i++) {
		if (number_after(r[i].text, r[i].text_size, " PID: ", &v) ||
		    number_after(r[i].text, r[i].text_size, "Pid: ", &v))
			pid = v;
		if (number_after(r[i].text, r[i].text_size, "CPU: ", &v))
			on = v;
		for (size_t w = 0; w < KA_COUNT(fatal_words); w++)
			is_fatal |= memmem(r[i].text, r[i].text_size, fatal_words[w], strlen(fatal_words[w])) != NULL;
	}
	ka_error_free(err);
	ka_arena_free(a);
	/* idle tasks are all called 0 */
	if (is_fatal && !pid && on >= 0 && on < ka_cpu_count(k) && ka_cpu_idle_task(k, (unsigned)on) == ka_cpu_task(k, (unsigned)on))
		return found_on(k, (int)on, "the last oops in the log", p);
	if (!is_fatal || pid <= 0 || ka_error_drop(ka_task_by_pid(k, (int32_t)pid, &task)))
		return false;
	return ka_task_is_active(k, task, &cpu) && found_on(k, cpu, "the last oops in the log", p);
}

static void *panic_make(struct ka_kernel *k)
{
	struct panic *p = ka_xalloc(sizeof(*p));

	*p = (struct panic){ .cpu = -1 };
	if ((!by_variables(k, p) || (!p->task && is_panic_logged(k))) && !by_stacks(k, p) && !by_log(k, p))
		ka_log(1, "panic task: none");
	return p;
}

static const char panic_key;

static const struct panic *panic(struct ka_kernel *k)
{
	return ka_kernel_state(k, &panic_key, panic_make, free);
}

ka_addr ka_panic_task(struct ka_kernel *k)
{
	return panic(k)->task;
}

int ka_panic_cpu(struct ka_kernel *k)
{
	return panic(k)->cpu;
}
