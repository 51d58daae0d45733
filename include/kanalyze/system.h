/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The machine as a whole: names, clocks, load, memory, the words of its panic. */
#ifndef KANALYZE_SYSTEM_H
#define KANALYZE_SYSTEM_H

#include <kanalyze/memory.h>

struct ka_utsname {
	char sysname[65], nodename[65], release[65], version[65], machine[65], domainname[65];
};
struct ka_error *ka_utsname(struct ka_kernel *k, struct ka_utsname *ret) KA_MUST_CHECK;
/* Wall clock at the crash, seconds since 1970 UTC with nanoseconds. */
struct ka_error *ka_crash_time(struct ka_kernel *k, uint64_t *ret_s, uint64_t *ret_ns) KA_MUST_CHECK;
/* Time since boot in nanoseconds, with the time the machine was suspended, as in /proc/uptime. */
struct ka_error *ka_uptime(struct ka_kernel *k, uint64_t *ret_ns) KA_MUST_CHECK;
/* Wall clock of a time stamp of the kernel log (which stands still while the machine is suspended). */
struct ka_error *ka_wall_clock_at(struct ka_kernel *k, uint64_t log_ns, int64_t *ret_s, uint32_t *ret_ns) KA_MUST_CHECK;
/* "Thu Nov 19 10:11:12 UTC 2026": in the time zone of who asks (TZ). */
const char *ka_time_text(struct ka_arena *a, int64_t s);
struct ka_error *ka_load_average(struct ka_kernel *k, double ret[3]) KA_MUST_CHECK;
struct ka_error *ka_memory_total(struct ka_kernel *k, uint64_t *ret_bytes) KA_MUST_CHECK;
struct ka_error *ka_tainted(struct ka_kernel *k, uint64_t *ret) KA_MUST_CHECK;
/* "OOT_MODULE", "UNSIGNED_MODULE" ... of a taint mask; NULL-terminated. */
const char *const *ka_taint_words(struct ka_kernel *k, uint64_t taints, struct ka_arena *a);
/* The kernel's .config of CONFIG_IKCONFIG; in the arena. MISSING when it was built without. */
struct ka_error *ka_kernel_config(struct ka_kernel *k, struct ka_arena *a, const char **ret, size_t *ret_size) KA_MUST_CHECK;
/* The panic message; "" when there is none; in the arena. *ret_is_oops_line: it is only the line of an oops. */
const char *ka_panic_message(struct ka_kernel *k, struct ka_arena *a, bool *ret_is_oops_line);
/* MHz of the boot CPU, 0 unknown. */
double ka_cpu_mhz(struct ka_kernel *k);

/* How the session was opened. */
struct ka_session_files {
	const char *vmlinux;		/* path, NULL with none */
	const char *const *dumps;	/* paths, NULL-terminated */
	const char *format;		/* "kdump compressed", "ELF vmcore" ... */
	bool is_live;			/* no dump but the running kernel */
	bool is_partial;		/* pages were filtered out, or are missing */
	const char *arch;		/* "x86_64" */
	const char *release;		/* OSRELEASE of VMCOREINFO, or NULL */
};
void ka_session_files(struct ka_kernel *k, struct ka_session_files *ret);
/* A line of VMCOREINFO: "PAGESIZE", "SYMBOL(prb)", "NUMBER(phys_base)". NULL when not there. Lives as long as the kernel. */
const char *ka_vmcoreinfo(struct ka_kernel *k, const char *key);

#endif
