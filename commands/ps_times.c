/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ps -t, -l, -m: how long tasks ran, when they started, and when they last came to a CPU. */
#include <stdio.h>
#include <kanalyze/system.h>
#include "ps.h"

#define NS_PER_S 1000000000ull
#define MS_PER_DAY (24ull * 3600 * 1000)

struct ps_times_row {
	PS_HEAD;
	const char *run_time, *start_time, *utime, *stime;
	bool has_run_time, has_cpu_time;
	uint64_t run_time_ns, start_time_ns, start_boottime_ns, utime_ns, stime_ns;
};
static const struct ka_col times_cols[] = {
	PS_HEAD_COLS(ps_times_row),
	KA_COLF(ps_times_row, run_time, KA_TEXT, KA_ONLY_TEXT, NULL),
	KA_COLF(ps_times_row, start_time, KA_TEXT, KA_ONLY_TEXT, NULL),
	KA_COLF(ps_times_row, utime, KA_TEXT, KA_ONLY_TEXT, NULL),
	KA_COLF(ps_times_row, stime, KA_TEXT, KA_ONLY_TEXT, NULL),
	{ "run_time_ns", offsetof(struct ps_times_row, run_time_ns), 8, KA_UINT, KA_ONLY_JSON,
	  offsetof(struct ps_times_row, has_run_time), NULL, "time since it started" },
	KA_COLF(ps_times_row, start_time_ns, KA_UINT, KA_ONLY_JSON, "when it started: monotonic clock"),
	KA_COLF(ps_times_row, start_boottime_ns, KA_UINT, KA_ONLY_JSON, "when it started: boot clock, with suspended time"),
	{ "utime_ns", offsetof(struct ps_times_row, utime_ns), 8, KA_UINT, KA_ONLY_JSON,
	  offsetof(struct ps_times_row, has_cpu_time), NULL, "time on a CPU in user mode" },
	{ "stime_ns", offsetof(struct ps_times_row, stime_ns), 8, KA_UINT, KA_ONLY_JSON,
	  offsetof(struct ps_times_row, has_cpu_time), NULL, "time on a CPU in the kernel" },
};
const struct ka_rows ps_rows_times = { "tasks", KA_SHAPE_LINE, NULL,
	PS_HEAD_LINE "\n    RUN TIME: {run_time}\n  START TIME: {start_time}\n"
	"       UTIME: {utime}\n       STIME: {stime}\n",
	times_cols, KA_COUNT(times_cols) };

struct ps_run_row {
	PS_HEAD;
	const char *stamp, *state;
	bool has_age;
	uint64_t last_run_ns, age_ns;
};
static const struct ka_col run_cols[] = {
	KA_COLF(ps_run_row, stamp, KA_TEXT, KA_ONLY_TEXT, NULL),
	KA_COLF(ps_run_row, last_run_ns, KA_UINT, KA_ONLY_JSON, "run queue clock when it last came to a CPU"),
	{ "age_ns", offsetof(struct ps_run_row, age_ns), 8, KA_UINT, KA_ONLY_JSON, offsetof(struct ps_run_row, has_age), NULL,
	  "how long ago that was by the clock of its CPU (-m)" },
	KA_COL(ps_run_row, state, KA_TEXT, "two letters: RU IN UN ID ..."),
	PS_HEAD_COLS(ps_run_row),
};
const struct ka_rows ps_rows_run = { "tasks", KA_SHAPE_LINE, NULL, "[{stamp}] [{state}]  " PS_HEAD_LINE,
				     run_cols, KA_COUNT(run_cols) };

struct ps_cpu_row {
	uint32_t cpu;
	const char *offline;
};
static const struct ka_col cpu_cols[] = {
	KA_COL(ps_cpu_row, cpu, KA_UINT, "CPU number"),
	KA_COLF(ps_cpu_row, offline, KA_TEXT, KA_ONLY_TEXT, NULL),
};
const struct ka_rows ps_rows_cpu = { "cpus", KA_SHAPE_LINE, NULL, "CPU: {cpu}{offline? [%]}",
				     cpu_cols, KA_COUNT(cpu_cols) };

/* "1 days, 01:35:32" */
static const char *duration(struct ka_arena *a, uint64_t s)
{
	uint64_t days = s / 86400;
	const char *hms = ka_printf(a, "%02u:%02u:%02u", (unsigned)(s % 86400 / 3600), (unsigned)(s % 3600 / 60),
				    (unsigned)(s % 60));

	return days ? ka_printf(a, "%llu days, %s", (unsigned long long)days, hms) : hms;
}

static int by_start(const void *a, const void *b)
{
	const struct ka_task *x = *(const struct ka_task *const *)a, *y = *(const struct ka_task *const *)b;

	if (x->start_time != y->start_time)
		return x->start_time < y->start_time ? -1 : 1;
	return x < y ? -1 : x > y;
}

struct ka_error *ps_times(const struct ps *ps)
{
	uint64_t unit_ns = ka_task_time_unit_ns(ps->k), uptime_ns = 0;
	/* kernels that keep a timespec show its seconds, as crash does */
	bool is_timespec = ka_type_has(ps->k, "task_struct", "start_time.tv_sec");
	struct ka_error *err = ka_uptime(ps->k, &uptime_ns);
	struct ka_arena *a = ps->c->arena;

	ka_call_fault(ps->c, ka_error_wrap(err, "cannot tell run times"));
	if (!ps->has_args)
		qsort(ps->chosen, ps->chosen_count, sizeof(*ps->chosen), by_start);
	for (size_t i = 0; i < ps->chosen_count && !ka_interrupted(); i++) {
		const struct ka_task *t = ps->chosen[i];
		uint64_t since_ns = t->start_boottime ? t->start_boottime : t->start_time;
		struct ps_times_row row = { PS_HEAD_OF(t), .has_run_time = uptime_ns != 0, .has_cpu_time = unit_ns != 0 };

		memcpy(row.comm, t->comm, sizeof(row.comm));
		row.run_time_ns = uptime_ns > since_ns ? uptime_ns - since_ns : 0;
		row.start_time_ns = t->start_time;
		row.start_boottime_ns = t->start_boottime;
		row.utime_ns = t->utime * unit_ns;
		row.stime_ns = t->stime * unit_ns;
		/* whole seconds are subtracted, as crash does */
		row.run_time = !uptime_ns ? "(unknown)" :
			       duration(a, uptime_ns > since_ns ? uptime_ns / NS_PER_S - since_ns / NS_PER_S : 0);
		row.start_time = ka_printf(a, "%llu",
					   (unsigned long long)(t->start_time / (is_timespec ? NS_PER_S : 1)));
		row.utime = ka_printf(a, "%llu", (unsigned long long)t->utime);
		row.stime = ka_printf(a, "%llu", (unsigned long long)t->stime);
		ka_out_row(ps->c->out, &ps_rows_times, &row);
	}
	return NULL;
}

static int by_last_run(const void *a, const void *b)
{
	const struct ka_task *x = *(const struct ka_task *const *)a, *y = *(const struct ka_task *const *)b;

	if (x->last_arrival != y->last_arrival)
		return x->last_arrival > y->last_arrival ? -1 : 1;
	return x < y ? -1 : x > y;
}

struct run_clock {
	bool is_known;
	uint64_t ns;
};

/* "0 00:00:01.404" */
static char *age_text(struct ka_arena *a, uint64_t ns)
{
	uint64_t ms = ns / 1000000;

	return ka_printf(a, "%llu %02u:%02u:%02u.%03u", (unsigned long long)(ms / MS_PER_DAY), (unsigned)(ms / 3600000 % 24),
			 (unsigned)(ms / 60000 % 60), (unsigned)(ms / 1000 % 60), (unsigned)(ms % 1000));
}

static void run_row(const struct ps *ps, const struct ka_task *t, const struct run_clock *clock, int width)
{
	struct ps_run_row row = { PS_HEAD_OF(t), .last_run_ns = t->last_arrival, .state = ka_task_state_name(ps->k, t) };
	const char *radix = ka_call_setting(ps->c, "radix");
	bool is_hex = radix && !strcmp(radix, "16");
	struct ka_arena *a = ps->c->arena;

	memcpy(row.comm, t->comm, sizeof(row.comm));
	if (!clock) {
		row.stamp = ka_printf(a, is_hex ? "%*llx" : "%*llu", width, (unsigned long long)t->last_arrival);
	} else {
		row.has_age = clock->is_known;
		row.age_ns = clock->ns > t->last_arrival ? clock->ns - t->last_arrival : 0;
		row.stamp = clock->is_known ? age_text(a, row.age_ns) : "?";
		/* one CPU's ages line up under the age of its clock */
		if (width && clock->is_known)
			row.stamp = ka_printf(a, "%*s", (int)strlen(age_text(a, clock->ns)), row.stamp);
	}
	ka_out_row(ps->c->out, &ps_rows_run, &row);
}

static void run_blocks(struct ps *ps, const struct run_clock *clocks, unsigned cpu_count, int width)
{
	const char *offline = ka_call_setting(ps->c, "offline");
	bool is_first = true;

	for (unsigned cpu = 0; cpu < cpu_count && !ka_interrupted(); cpu++) {
		bool is_hidden = offline && !strcmp(offline, "hide") && !ka_cpu_is_online(ps->k, cpu);
		struct ps_cpu_row row = { .cpu = cpu, .offline = is_hidden ? "OFFLINE" : NULL };

		if (!ps->cpus[cpu] || !ka_cpu_is_present(ps->k, cpu))
			continue;
		if (!is_first)
			ka_out_note(ps->c->out, "\n");
		is_first = false;
		ka_out_begin(ps->c->out, &ps_rows_cpu, &row);
		for (size_t i = 0; i < ps->chosen_count && !is_hidden; i++)
			if (ps->chosen[i]->cpu == cpu)
				run_row(ps, ps->chosen[i], clocks ? &clocks[cpu] : NULL, width);
		ka_out_end(ps->c->out);
	}
}

struct ka_error *ps_last_run(struct ps *ps, bool is_age)
{
	unsigned cpu_count = ka_cpu_count(ps->k);
	struct run_clock *clocks = NULL;
	int width = 0;

	if (!ka_type_has(ps->k, "task_struct", "sched_info.last_arrival") &&
	    !ka_type_has(ps->k, "task_struct", "timestamp") && !ka_type_has(ps->k, "task_struct", "last_run"))
		return ka_error_new(KA_MISSING, "last-run timestamps do not exist in this kernel "
				    "(built without CONFIG_SCHED_INFO)");
	if (is_age) {
		clocks = ka_alloc(ps->c->arena, cpu_count * sizeof(*clocks));
		for (unsigned cpu = 0; cpu < cpu_count; cpu++) {
			struct ka_error *err;

			if (!ka_cpu_is_present(ps->k, cpu))
				continue;
			err = ka_cpu_clock(ps->k, cpu, &clocks[cpu].ns);
			clocks[cpu].is_known = !err;
			ka_call_fault(ps->c, err);
		}
	}
	qsort(ps->chosen, ps->chosen_count, sizeof(*ps->chosen), by_last_run);
	if (ps->chosen_count)
		width = snprintf(NULL, 0, "%llu", (unsigned long long)ps->chosen[0]->last_arrival);
	if (ps->cpus) {
		run_blocks(ps, clocks, cpu_count, width);
		return NULL;
	}
	for (size_t i = 0; i < ps->chosen_count && !ka_interrupted(); i++) {
		static const struct run_clock unknown;
		const struct ka_task *t = ps->chosen[i];
		const struct run_clock *clock = NULL;

		if (is_age)
			clock = t->cpu < cpu_count ? &clocks[t->cpu] : &unknown;
		run_row(ps, t, clock, is_age && !ps->has_args ? 0 : width);
	}
	return NULL;
}
