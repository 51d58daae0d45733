/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The clocks as they stood at the last update before the crash: wall, monotonic, and with suspended time. */
#include <inttypes.h>
#include <time.h>
#include <kanalyze/symbol.h>
#include <kanalyze/system.h>
#include <kanalyze/view.h>
#include "kernel.h"

#define NS_PER_S ((int64_t)1000000000)
#define TK_CORE_MAX 4096	/* bytes of tk_core: two or three cache lines behind a timekeeper */

struct timekeeper {
	int64_t xtime_sec, ts_sec, ts_nsec;
	uint64_t nsec_shifted;
	uint32_t shift;
	int64_t mono_sec, mono_nsec;
	int64_t boot_ns, sleep_sec, sleep_nsec;
	ka_addr clock;
};
KA_VIEW(timekeeper, ("timekeeper"),
	/* Seconds and shifted nanoseconds since 1e75fa8be9fb (v3.6); a timespec before. */
	KA_MAYBE(timekeeper, xtime_sec, "xtime_sec"),
	KA_MAYBE(timekeeper, nsec_shifted, "tkr_mono.xtime_nsec", "tkr.xtime_nsec", "xtime_nsec"),	/* 876e78818def v4.1, d28ede837932 v3.17 */
	KA_MAYBE(timekeeper, shift, "tkr_mono.shift", "tkr.shift", "shift"),
	KA_MAYBE(timekeeper, ts_sec, "xtime.tv_sec"),
	KA_MAYBE(timekeeper, ts_nsec, "xtime.tv_nsec"),
	KA_FROM(timekeeper, mono_sec, "wall_to_monotonic.tv_sec"),
	KA_FROM(timekeeper, mono_nsec, "wall_to_monotonic.tv_nsec"),
	/* ktime_t is a union until 2456e8551449, v4.10 */
	KA_MAYBE(timekeeper, boot_ns, "offs_boot.tv64", "offs_boot"),
	KA_MAYBE(timekeeper, sleep_sec, "total_sleep_time.tv_sec"),
	KA_MAYBE(timekeeper, sleep_nsec, "total_sleep_time.tv_nsec"),
	KA_MAYBE(timekeeper, clock, "tkr_mono.clock", "tkr.clock", "clock"));

struct clocks {
	int64_t wall_ns, mono_ns, boot_ns;
	bool has_wall, has_mono;
	struct ka_error *err;		/* why there are none */
};

/* Wraps where a broken dump would overflow; is_plausible() sorts that out. */
static int64_t ns_of(int64_t base_ns, int64_t s, int64_t ns)
{
	return (int64_t)((uint64_t)base_ns + (uint64_t)s * NS_PER_S + (uint64_t)ns);
}

static struct ka_error *read_timekeeper(struct ka_kernel *k, ka_addr at, struct clocks *c, struct timekeeper *t)
{
	struct ka_error *err = ka_view_read(k, &ka_view_timekeeper, at, t);

	if (err)
		return err;
	if (KA_HAS(k, timekeeper, xtime_sec))
		c->wall_ns = ns_of(0, t->xtime_sec, (int64_t)(t->nsec_shifted >> (t->shift & 63)));
	else
		c->wall_ns = ns_of(0, t->ts_sec, t->ts_nsec);
	c->mono_ns = ns_of(c->wall_ns, t->mono_sec, t->mono_nsec);
	c->boot_ns = KA_HAS(k, timekeeper, boot_ns) ? ns_of(c->mono_ns, 0, t->boot_ns)
						    : ns_of(c->mono_ns, t->sleep_sec, t->sleep_nsec);
	return NULL;
}

/* Time since boot that is negative, or a clock before 1970 or after 2500, is no clock. */
static bool is_plausible(const struct clocks *c)
{
	return c->wall_ns >= 0 && c->wall_ns / NS_PER_S < 530ll * 366 * 86400 && c->mono_ns >= 0 && c->boot_ns >= 0 &&
	       c->mono_ns / NS_PER_S < 200ll * 366 * 86400;
}

/*
 * From v3.17 to v6.12 tk_core is an unnamed struct of a sequence counter, whose size depends on lock debugging, and the
 * timekeeper: it is where the clock source is the one that the shadow copy has.
 */
static struct ka_error *find_unnamed(struct ka_kernel *k, const struct ka_symbol *core, ka_addr *ret)
{
	uint64_t size = ka_view_size(k, &ka_view_timekeeper), room = core->size > size ? core->size - size : 0;
	struct timekeeper shadow = {0}, t;
	struct ka_symbol s;
	struct clocks c;
	bool has_shadow =
		ka_symbol_lookup(k, "shadow_timekeeper", &s) && !ka_error_drop(read_timekeeper(k, s.addr, &c, &shadow));

	for (uint64_t offset = 8; offset <= KA_MIN(room, (uint64_t)TK_CORE_MAX); offset += 8) {
		if (ka_error_drop(read_timekeeper(k, core->addr + offset, &c, &t)) || !is_plausible(&c))
			continue;
		if (!has_shadow || (t.clock == shadow.clock && t.shift == shadow.shift)) {
			*ret = core->addr + offset;
			return NULL;
		}
	}
	if (!has_shadow)
		return ka_error_at(KA_CORRUPT, KA_SPACE_VIRT, core->addr, "no sound clock is found in tk_core");
	*ret = s.addr;
	return NULL;
}

static struct ka_error *find_timekeeper(struct ka_kernel *k, ka_addr *ret)
{
	struct ka_error *err;
	struct ka_symbol s;
	uint64_t offset;

	/* An array since 22c62b9a84b8 (v6.17), whose first is the system's; a named struct since v6.13. */
	if (ka_symbol_lookup(k, "timekeeper_data", &s) || ka_symbol_lookup(k, "tk_core", &s)) {
		if (!ka_type_has(k, "tk_data", "timekeeper"))
			return find_unnamed(k, &s, ret);
		err = ka_type_offset(k, "tk_data", "timekeeper", &offset);
		*ret = s.addr + (err ? 0 : offset);
		return err;
	}
	if (ka_symbol_lookup(k, "timekeeper", &s)) {		/* v2.6.37 - v3.16 */
		*ret = s.addr;
		return NULL;
	}
	return ka_error_new(KA_MISSING, "this kernel has none of timekeeper_data, tk_core and timekeeper");
}

static bool read_timespec(struct ka_kernel *k, const char *name, int64_t *ret_ns)
{
	struct ka_symbol s;
	uint64_t sec, nsec;
	unsigned word = ka_long_size(k);

	if (!ka_symbol_lookup(k, name, &s) || ka_error_drop(ka_read_ulong(k, s.addr, &sec)) ||
	    ka_error_drop(ka_read_ulong(k, s.addr + word, &nsec)))
		return false;
	*ret_ns = word == 4 ? ns_of(0, (int32_t)sec, (int32_t)nsec) : ns_of(0, (int64_t)sec, (int64_t)nsec);
	return true;
}

/* jiffies_64 starts five minutes before it would overflow 32 bits. */
static bool read_jiffies(struct ka_kernel *k, int64_t *ret_ns)
{
	uint64_t jiffies, tick_ns, hz;
	struct ka_symbol s;

	if (!ka_symbol_lookup(k, "jiffies_64", &s) || ka_error_drop(ka_read_u64(k, s.addr, &jiffies)) ||
	    ka_error_drop(ka_symbol_ulong(k, "tick_nsec", &tick_ns)))
		return false;
	if (tick_ns < NS_PER_S / 2000 || tick_ns > NS_PER_S / 10)	/* HZ is 24 to 1200 */
		return false;
	hz = (NS_PER_S + tick_ns / 2) / tick_ns;
	jiffies -= (uint32_t)(-300 * (int64_t)hz);
	*ret_ns = (int64_t)(jiffies / hz * NS_PER_S + jiffies % hz * NS_PER_S / hz);	/* unsigned: wraps */
	return *ret_ns >= 0;
}

static void *clocks_make(struct ka_kernel *k)
{
	struct clocks *c = ka_xalloc(sizeof(*c));
	const char *crashtime = ka_vmcoreinfo(k, "CRASHTIME");
	struct timekeeper t;
	int64_t wall_to_mono, sleep = 0;
	ka_addr at;

	c->err = find_timekeeper(k, &at);
	if (!c->err)
		c->err = read_timekeeper(k, at, c, &t);
	if (!c->err && is_plausible(c)) {
		c->has_wall = c->has_mono = true;
		return c;
	}
	if (!c->err)
		c->err = ka_error_at(KA_CORRUPT, KA_SPACE_VIRT, at,
				     "the clock of the dump cannot be right: %" PRId64 " s since 1970, %" PRId64
				     " s since boot",
				     c->wall_ns / NS_PER_S, c->mono_ns / NS_PER_S);
	/* Before v3.4 variables of their own. */
	if (read_timespec(k, "xtime", &c->wall_ns)) {
		c->has_wall = true;
		if (read_timespec(k, "wall_to_monotonic", &wall_to_mono)) {
			c->has_mono = true;
			c->mono_ns = ns_of(c->wall_ns, 0, wall_to_mono);
			read_timespec(k, "total_sleep_time", &sleep);
			c->boot_ns = ns_of(c->mono_ns, 0, sleep);
		}
	}
	if (!c->has_wall && crashtime) {	/* v5.4: written by crash_kexec itself */
		c->wall_ns = ns_of(0, (int64_t)strtoull(crashtime, NULL, 10), 0);
		c->has_wall = c->wall_ns > 0;
	}
	if (!c->has_mono && read_jiffies(k, &c->mono_ns)) {
		c->boot_ns = c->mono_ns;
		c->has_mono = true;
	}
	return c;
}

static void clocks_drop(void *state)
{
	struct clocks *c = state;

	ka_error_drop(c->err);
	free(c);
}

static const struct clocks *clocks(struct ka_kernel *k)
{
	static const char key;

	return ka_kernel_state(k, &key, clocks_make, clocks_drop);
}

static struct ka_error *none(const struct clocks *c, const char *what)
{
	return ka_error_wrap(
		ka_error_new(c->err ? c->err->code : KA_MISSING, "%s", c->err ? c->err->message : "no clock"),
		"cannot tell the %s", what);
}

struct ka_error *ka_crash_time(struct ka_kernel *k, uint64_t *ret_s, uint64_t *ret_ns)
{
	const struct clocks *c = clocks(k);

	if (!c->has_wall)
		return none(c, "time of the crash");
	*ret_s = (uint64_t)(c->wall_ns / NS_PER_S);
	*ret_ns = (uint64_t)(c->wall_ns % NS_PER_S);
	return NULL;
}

struct ka_error *ka_uptime(struct ka_kernel *k, uint64_t *ret_ns)
{
	const struct clocks *c = clocks(k);

	if (!c->has_mono)
		return none(c, "time since boot");
	*ret_ns = (uint64_t)c->boot_ns;
	return NULL;
}

struct ka_error *ka_wall_clock_at(struct ka_kernel *k, uint64_t log_ns, int64_t *ret_s, uint32_t *ret_ns)
{
	const struct clocks *c = clocks(k);
	int64_t at, ns;
	uint64_t boot;

	if (!c->has_wall || !c->has_mono)
		return none(c, "wall clock of the log");
	boot = (uint64_t)c->wall_ns - (uint64_t)c->mono_ns;
	if (log_ns > INT64_MAX || __builtin_add_overflow((int64_t)boot, (int64_t)log_ns, &at))
		return ka_error_new(KA_CORRUPT, "time stamp %" PRIu64 " ns is out of range", log_ns);
	ns = at % NS_PER_S;
	*ret_s = at / NS_PER_S - (ns < 0);
	*ret_ns = (uint32_t)(ns < 0 ? ns + NS_PER_S : ns);
	return NULL;
}

const char *ka_time_text(struct ka_arena *a, int64_t s)
{
	time_t t = (time_t)s;
	struct tm tm;
	char text[64];

	if (!localtime_r(&t, &tm) || !strftime(text, sizeof(text), "%a %b %e %T %Z %Y", &tm))
		return ka_printf(a, "%" PRId64, s);
	return ka_strdup(a, text);
}
