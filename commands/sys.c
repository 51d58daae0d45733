/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sys: what machine this was, when it died, and of what. */
#include <inttypes.h>
#include <kanalyze/module.h>
#include <kanalyze/symbol.h>
#include <kanalyze/system.h>
#include <kanalyze/task.h>
#include <kanalyze/type.h>
#include "sys.h"

struct sys_row {
	const char *kernel, *dumpfile, *cpus_text, *date, *uptime, *load_average, *tasks_text, *nodename, *release;
	const char *version, *machine, *machine_text, *memory, *panic_text, *pid_text, *command_text, *task_text;
	const char *cpu_text, *state_text;
	const char *vmlinux, *format, *arch, *panic, *comm, *state, *sysname, *domainname;
	const char *const *dumps;
	uint32_t cpus, cpus_offline, tasks, task_cpu;
	int32_t pid;
	uint64_t date_s, uptime_ns, memory_bytes, tainted;
	double load_1, load_5, load_15, cpu_mhz;
	ka_addr task, thread_info;
	bool is_partial, has_date, has_uptime, has_load, has_memory, has_tainted, has_task, has_tasks;
};
KA_RECORD(sys_row, "system",
	KA_CELL(sys_row, kernel, KA_TEXT, KA_ONLY_TEXT, "KERNEL", "vmlinux, and [TAINTED] or [LIVEPATCH]"),
	KA_CELL(sys_row, dumpfile, KA_TEXT, KA_ONLY_TEXT, "DUMPFILE", "the dump, and [PARTIAL DUMP] when pages were left out"),
	KA_CELL(sys_row, cpus_text, KA_TEXT, KA_ONLY_TEXT, "CPUS", "CPUs there were, and [OFFLINE: n]"),
	KA_CELL(sys_row, date, KA_TEXT, 0, "DATE", "wall clock at the crash, in local time"),
	KA_CELL(sys_row, uptime, KA_TEXT, 0, "UPTIME", "since boot, with suspended time"),
	KA_CELL(sys_row, load_average, KA_TEXT, KA_ONLY_TEXT, "LOAD AVERAGE", "of 1, 5 and 15 minutes"),
	KA_CELL(sys_row, tasks_text, KA_TEXT, KA_ONLY_TEXT, "TASKS", "count of tasks"),
	KA_CELL(sys_row, nodename, KA_TEXT, 0, "NODENAME", "host name"),
	KA_CELL(sys_row, release, KA_TEXT, 0, "RELEASE", "kernel release"),
	KA_CELL(sys_row, version, KA_TEXT, 0, "VERSION", "kernel build"),
	KA_COLF(sys_row, machine, KA_TEXT, KA_ONLY_JSON, "architecture as uname tells it"),
	KA_CELL(sys_row, machine_text, KA_TEXT, KA_ONLY_TEXT, "MACHINE", "architecture and speed"),
	KA_CELL(sys_row, memory, KA_TEXT, KA_ONLY_TEXT, "MEMORY", "physical memory"),
	KA_CELL(sys_row, panic_text, KA_TEXT, KA_ONLY_TEXT, "PANIC", "what it died of"),
	KA_CELL(sys_row, pid_text, KA_TEXT, KA_ONLY_TEXT, "PID", "of the task that died, else of the context"),
	KA_CELL(sys_row, command_text, KA_TEXT, KA_ONLY_TEXT, "COMMAND", "its name"),
	KA_CELL(sys_row, task_text, KA_TEXT, KA_ONLY_TEXT, "TASK", "its task_struct"),
	KA_CELL(sys_row, cpu_text, KA_TEXT, KA_ONLY_TEXT, "CPU", "CPU it ran on"),
	KA_CELL(sys_row, state_text, KA_TEXT, KA_ONLY_TEXT, "STATE", "its state"),
	KA_COLF(sys_row, vmlinux, KA_TEXT, KA_ONLY_JSON, "the kernel's debuginfo"),
	KA_COLF(sys_row, dumps, KA_LIST, KA_ONLY_JSON, "files of the dump"),
	KA_COLF(sys_row, format, KA_TEXT, KA_ONLY_JSON, "their format"),
	KA_COLF(sys_row, is_partial, KA_BOOL, KA_ONLY_JSON, "were pages left out?"),
	KA_COL_IF(sys_row, cpus, KA_UINT, has_tasks, "CPUs that were there"),
	KA_COL_IF(sys_row, cpus_offline, KA_UINT, has_tasks, "those of them that were off"),
	KA_COL_IF(sys_row, date_s, KA_UINT, has_date, "DATE in seconds since 1970"),
	KA_COL_IF(sys_row, uptime_ns, KA_UINT, has_uptime, "UPTIME in nanoseconds"),
	KA_COL_IF(sys_row, load_1, KA_FLOAT, has_load, "load average of a minute"),
	KA_COL_IF(sys_row, load_5, KA_FLOAT, has_load, "of five minutes"),
	KA_COL_IF(sys_row, load_15, KA_FLOAT, has_load, "of fifteen minutes"),
	KA_COL_IF(sys_row, tasks, KA_UINT, has_tasks, "count of tasks"),
	KA_COLF(sys_row, arch, KA_TEXT, KA_ONLY_JSON, "architecture"),
	KA_COLF(sys_row, cpu_mhz, KA_FLOAT, KA_ONLY_JSON | KA_ZERO_IS_NONE, "speed of the boot CPU"),
	KA_COL_IF(sys_row, memory_bytes, KA_UINT, has_memory, "physical memory"),
	KA_COLF(sys_row, sysname, KA_TEXT, KA_ONLY_JSON, "Linux"),
	KA_COLF(sys_row, domainname, KA_TEXT, KA_ONLY_JSON, "NIS domain"),
	KA_COLF(sys_row, panic, KA_TEXT, KA_ONLY_JSON, "what it died of"),
	KA_COL_IF(sys_row, tainted, KA_HEX, has_tainted, "taint mask"),
	KA_COL_IF(sys_row, pid, KA_INT, has_task, "of the task that died, else of the context"),
	KA_COLF(sys_row, comm, KA_TEXT, KA_ONLY_JSON, "its name"),
	KA_COLF(sys_row, task, KA_ADDR, KA_ONLY_JSON | KA_ZERO_IS_NONE, "its task_struct"),
	KA_COLF(sys_row, thread_info, KA_ADDR, KA_ONLY_JSON | KA_ZERO_IS_NONE, "its thread_info"),
	KA_COL_IF(sys_row, task_cpu, KA_UINT, has_task, "CPU it ran on"),
	KA_COLF(sys_row, state, KA_TEXT, KA_ONLY_JSON, "its state"));

struct sys_taint {
	uint64_t mask;
	const char *name, *letters;
	const char *const *words;
};
KA_LINES(sys_taint, "taint", "{name}: {mask}  {letters}",
	KA_COLF(sys_taint, name, KA_TEXT, KA_ONLY_TEXT, "kernel variable"),
	KA_COL(sys_taint, mask, KA_HEX, "taint bits"),
	KA_COL(sys_taint, letters, KA_TEXT, "the same as letters"),
	KA_COLF(sys_taint, words, KA_LIST, KA_ONLY_JSON, "the same as words"));

/* As crash counts: what lacks less than 64 MB to a GB is that GB. */
static const char *memory_text(struct ka_arena *a, uint64_t bytes)
{
	const uint64_t mb = 1 << 20, gb = 1 << 30;
	uint64_t next_gb = (bytes + gb - 1) / gb * gb;
	const char *unit = "GB";
	double size;
	char *text;

	if (next_gb - bytes <= 64 * mb)
		bytes = next_gb;
	if (bytes < mb)
		return ka_printf(a, "%" PRIu64 " KB", bytes >> 10);
	size = (double)bytes / gb;
	if (bytes < gb) {
		size = (double)bytes / mb;
		unit = "MB";
	}
	text = ka_printf(a, "%.1f", size);
	if (!strcmp(text + strlen(text) - 2, ".0"))
		text[strlen(text) - 2] = 0;
	return ka_printf(a, "%s %s", text, unit);
}

static const char *uptime_text(struct ka_arena *a, uint64_t ns)
{
	uint64_t s = ns / 1000000000, days = s / 86400;
	const char *clock = ka_printf(a, "%02" PRIu64 ":%02" PRIu64 ":%02" PRIu64, s / 3600 % 24, s / 60 % 60, s % 60);

	return days ? ka_printf(a, "%" PRIu64 " days, %s", days, clock) : clock;
}

static const char *joined(struct ka_arena *a, const char *const *list)
{
	const char *s = "";

	for (size_t i = 0; list && list[i]; i++)
		s = i ? ka_printf(a, "%s\n              %s", s, list[i]) : list[i];
	return s;
}

static void fill_files(struct ka_call *c, struct sys_row *r)
{
	struct ka_session_files f;
	struct ka_symbol s;
	uint64_t transition;
	bool is_patched;

	ka_session_files(c->k, &f);
	r->has_tainted = !ka_error_drop(ka_tainted(c->k, &r->tainted));
	is_patched = r->has_tainted && strchr(ka_taint_letters(c->k, r->tainted, false, c->arena), 'K');
	is_patched |= ka_module_find(c->k, "kpatch") != NULL;
	if (!ka_symbol_lookup(c->k, "klp_transition_patch", &s) ||
	    ka_error_drop(ka_symbol_ulong(c->k, s.name, &transition)))
		transition = 0;
	r->vmlinux = f.vmlinux;
	r->dumps = f.dumps;
	r->format = f.format;
	r->arch = f.arch;
	r->is_partial = f.is_partial;
	r->kernel = ka_printf(c->arena, "%s%s%s%s", f.vmlinux ? f.vmlinux : "(none)", is_patched ? "  [LIVEPATCH]" : "",
			      transition ? "  [TRANSITION]" : "", r->has_tainted && r->tainted ? "  [TAINTED]" : "");
	r->dumpfile = ka_printf(c->arena, "%s%s", joined(c->arena, f.dumps), f.is_partial ? "  [PARTIAL DUMP]" : "");
}

static void fill_cpus(struct ka_call *c, struct sys_row *r)
{
	unsigned online = ka_cpu_online_count(c->k);

	for (unsigned cpu = 0; cpu < ka_cpu_count(c->k); cpu++)
		r->cpus += ka_cpu_is_present(c->k, cpu);
	if (!r->cpus)
		r->cpus = ka_cpu_count(c->k);
	r->cpus_offline = r->cpus > online ? r->cpus - online : 0;
	r->cpus_text = r->cpus_offline ? ka_printf(c->arena, "%u [OFFLINE: %u]", r->cpus, r->cpus_offline)
				       : ka_printf(c->arena, "%u", r->cpus);
}

static void fill_clocks(struct ka_call *c, struct sys_row *r)
{
	struct ka_error *err;
	uint64_t ns;
	double load[3];

	err = ka_crash_time(c->k, &r->date_s, &ns);
	r->has_date = !err;
	if (r->has_date)
		r->date = ka_time_text(c->arena, (int64_t)r->date_s);
	if (!r->has_tasks) {
		ka_error_drop(err);
		return;
	}
	ka_call_fault(c, err);
	err = ka_uptime(c->k, &r->uptime_ns);
	r->has_uptime = !err;
	if (r->has_uptime)
		r->uptime = uptime_text(c->arena, r->uptime_ns);
	ka_call_fault(c, err);
	err = ka_load_average(c->k, load);
	r->has_load = !err;
	ka_call_fault(c, err);
	if (!r->has_load)
		return;
	r->load_1 = load[0];
	r->load_5 = load[1];
	r->load_15 = load[2];
	r->load_average = ka_printf(c->arena, "%.2f, %.2f, %.2f", load[0], load[1], load[2]);
}

static void fill_names(struct ka_call *c, struct sys_row *r)
{
	struct ka_utsname *u = ka_alloc(c->arena, sizeof(*u));
	struct ka_error *err = ka_utsname(c->k, u);
	struct ka_session_files f;

	r->cpu_mhz = ka_cpu_mhz(c->k);
	if (err) {
		ka_session_files(c->k, &f);
		r->release = f.release;
	} else {
		r->sysname = u->sysname;
		r->nodename = u->nodename;
		r->release = u->release;
		r->version = u->version;
		r->domainname = u->domainname;
	}
	r->machine = !err && u->machine[0] ? u->machine : r->arch;
	r->machine_text = ka_printf(c->arena, r->cpu_mhz > 0 ? "%s  (%" PRIu64 " Mhz)" : "%s  (unknown Mhz)", r->machine,
				    (uint64_t)r->cpu_mhz);
	if (!r->has_tasks) {	/* kernels tell of uts_namespace in VMCOREINFO, but older ones do not */
		ka_call_fault(c, err && err->code == KA_MISSING ? (ka_error_drop(err), NULL) : err);
		return;
	}
	ka_call_fault(c, err);
	err = ka_memory_total(c->k, &r->memory_bytes);
	r->has_memory = !err;
	if (r->has_memory)
		r->memory = memory_text(c->arena, r->memory_bytes);
	ka_call_fault(c, err);
}

/* thread_info was a part of the stack before c65eacbe290b (v4.9) put it into task_struct (x86; others followed). */
static ka_addr thread_info(struct ka_kernel *k, const struct ka_task *t)
{
	uint64_t offset;

	if (ka_type_has(k, "task_struct", "thread_info@thread_info") &&
	    !ka_error_drop(ka_type_offset(k, "task_struct", "thread_info", &offset)))
		return t->addr + offset;
	return t->stack;
}

static void fill_task(struct ka_call *c, struct sys_row *r)
{
	ka_addr panic_task = ka_panic_task(c->k), at = panic_task ? panic_task : ka_call_task(c);
	struct ka_task *t = ka_alloc(c->arena, sizeof(*t));
	const char *how = "";
	struct ka_error *err;
	unsigned cpu, twins = 0;

	if (!at)
		return;
	err = ka_task_read(c->k, at, t);
	if (err) {
		ka_call_fault(c, ka_error_wrap(err, "cannot read the task of the header"));
		return;
	}
	r->has_task = true;
	r->pid = t->pid;
	r->task = at;
	r->thread_info = thread_info(c->k, t);
	r->task_cpu = t->cpu;
	r->comm = ka_strndup(c->arena, t->comm, sizeof(t->comm));
	r->state = ka_task_state_long(c->k, t, c->arena);
	if (ka_task_is_active(c->k, at, &cpu) || at == panic_task)
		how = at != panic_task ? " (ACTIVE)" : strstr(r->panic, "SysRq :") ? " (SYSRQ)" : " (PANIC)";
	if (!t->pid) {		/* the idle tasks share pid 0 */
		for (unsigned i = 0; i < ka_cpu_count(c->k); i++)
			twins += ka_cpu_idle_task(c->k, i) != 0;
	}
	r->pid_text = ka_printf(c->arena, "%d", r->pid);
	r->command_text = ka_printf(c->arena, "\"%s\"", r->comm);
	r->task_text = ka_printf(c->arena, "%" PRIx64 "  %s[THREAD_INFO: %" PRIx64 "]", r->task,
				 twins > 1 ? ka_printf(c->arena, "(1 of %u)  ", twins) : "", r->thread_info);
	r->cpu_text = ka_printf(c->arena, "%u", r->task_cpu);
	r->state_text = ka_printf(c->arena, "%s%s", r->state, how);
}

static struct ka_error *header(struct ka_call *c)
{
	struct sys_row r = {0};
	struct ka_symbol init;
	bool is_oops_line;

	/* Without a vmlinux ("KERNEL: (none)" says so) there may be no types, or no symbols of data: what then is not known is left out. */
	r.has_tasks = ka_type_exists(c->k, "task_struct") && ka_symbol_lookup(c->k, "init_task", &init);
	fill_files(c, &r);
	if (r.has_tasks) {
		fill_cpus(c, &r);
		r.tasks = ka_task_count(c->k);
		r.tasks_text = ka_printf(c->arena, "%u", r.tasks);
	}
	fill_clocks(c, &r);
	fill_names(c, &r);
	r.panic = ka_panic_message(c->k, c->arena, &is_oops_line);
	r.panic_text = ka_printf(c->arena, "\"%s\"%s", r.panic, is_oops_line ? " (check log for details)" : "");
	fill_task(c, &r);
	ka_out_row(c->out, &ka_rows_sys_row, &r);
	return NULL;
}

static struct ka_error *taint(struct ka_call *c)
{
	struct sys_taint r = { .name = "TAINTED_MASK" };
	struct ka_symbol s;
	struct ka_error *err = ka_tainted(c->k, &r.mask);

	if (err)
		return err;
	if (!ka_symbol_lookup(c->k, "tainted_mask", &s))
		r.name = "TAINTED";
	r.letters = ka_taint_letters(c->k, r.mask, false, c->arena);
	r.words = ka_taint_words(c->k, r.mask, c->arena);
	ka_out_row(c->out, &ka_rows_sys_taint, &r);
	return NULL;
}

static struct ka_error *run(struct ka_call *c)
{
	if (ka_call_has(c, "c"))
		return ka_sys_syscalls(c);
	if (c->argc == 1 && !strcmp(c->argv[0], "config") && !c->option_count)
		return ka_sys_config(c);
	if (c->argc)
		return ka_call_usage(c, "sys does not know '%s'", c->argv[0]);
	if (ka_call_has(c, "t"))
		return taint(c);
	if (ka_call_has(c, "i"))
		return ka_sys_dmi(c);
	return header(c);
}

static const struct ka_option options[] = {
	{ "c", NULL, "system calls: all, or those of a NUMBER or with NAME in their names", false },
	{ "t", NULL, "what tainted the kernel", false },
	{ "i", NULL, "names of the hardware (DMI)", false },
	{ NULL, NULL, NULL, false },
};

static const struct ka_rows *const rows[] = {
	&ka_rows_sys_row, &ka_rows_sys_taint, &ka_sys_rows_syscall, &ka_sys_rows_dmi, &ka_sys_rows_config, NULL };

const struct ka_command ka_command_sys = {
	.name = "sys",
	.args = "[-t | -i | -c [NAME | NUMBER]... | config]",
	.brief = "the system: kernel, machine, time, and what it died of",
	.help =
		"Without arguments the header that is shown when a dump is opened: the files, the\n"
		"machine, when it died and of what, and the task that was running. DATE and UPTIME are\n"
		"those of the last clock update before the crash.\n"
		"\n"
		"sys config shows the kernel's configuration where CONFIG_IKCONFIG put it into the\n"
		"kernel.\n"
		"\n"
		"    sys\n"
		"    sys -c openat\n"
		"    sys config | grep PREEMPT\n",
	.options = options,
	.needs = 0,	/* shows what there is, of whatever dump */
	.rows = rows,
	.run = run,
};
