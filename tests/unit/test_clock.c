/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The clocks of every generation of kernels: where the timekeeper is, and what counts when it is broken. */
#include "check.h"
#include "fake.h"

#define BASE 0xffffffff81000000ull
#define WALL 1795234055		/* 2026-11-21 04:07:35 UTC */
#define UP 3600			/* an hour, and a minute of sleep */
#define SLEEP 60

static uint8_t memory[1 << 16];

static const struct fake_member v61[] = {	/* v4.10 to now */
	{ "timekeeper", "", 0, 280, 0, 0 }, { "timekeeper", "tkr_mono.clock", 0, 8, 0, 0 }, { "timekeeper", "tkr_mono.shift", 28, 4, 0, 0 },
	{ "timekeeper", "tkr_mono.xtime_nsec", 32, 8, 0, 0 }, { "timekeeper", "xtime_sec", 112, 8, 0, 0 },
	{ "timekeeper", "wall_to_monotonic.tv_sec", 128, 8, 0, 0 }, { "timekeeper", "wall_to_monotonic.tv_nsec", 136, 8, 0, 0 },
	{ "timekeeper", "offs_boot", 152, 8, 0, 0 }, { NULL, NULL, 0, 0, 0, 0 } };
static const struct fake_member v613[] = {	/* v6.13: tk_core has a name */
	{ "tk_data", "", 0, 704, 0, 0 }, { "tk_data", "timekeeper", 8, 280, 0, 0 },
	{ "timekeeper", "", 0, 280, 0, 0 }, { "timekeeper", "tkr_mono.clock", 0, 8, 0, 0 }, { "timekeeper", "tkr_mono.shift", 28, 4, 0, 0 },
	{ "timekeeper", "tkr_mono.xtime_nsec", 32, 8, 0, 0 }, { "timekeeper", "xtime_sec", 112, 8, 0, 0 },
	{ "timekeeper", "wall_to_monotonic.tv_sec", 128, 8, 0, 0 }, { "timekeeper", "wall_to_monotonic.tv_nsec", 136, 8, 0, 0 },
	{ "timekeeper", "offs_boot", 152, 8, 0, 0 }, { NULL, NULL, 0, 0, 0, 0 } };
static const struct fake_member v310[] = {	/* v3.6: no tk_read_base yet */
	{ "timekeeper", "", 0, 280, 0, 0 }, { "timekeeper", "clock", 0, 8, 0, 0 }, { "timekeeper", "shift", 28, 4, 0, 0 },
	{ "timekeeper", "xtime_nsec", 32, 8, 0, 0 }, { "timekeeper", "xtime_sec", 112, 8, 0, 0 },
	{ "timekeeper", "wall_to_monotonic.tv_sec", 128, 8, 0, 0 }, { "timekeeper", "wall_to_monotonic.tv_nsec", 136, 8, 0, 0 },
	{ "timekeeper", "offs_boot.tv64", 152, 8, 0, 0 }, { NULL, NULL, 0, 0, 0, 0 } };
static const struct fake_member v34[] = {	/* v3.4: a timespec, and the time asleep as another */
	{ "timekeeper", "", 0, 280, 0, 0 }, { "timekeeper", "xtime.tv_sec", 112, 8, 0, 0 }, { "timekeeper", "xtime.tv_nsec", 120, 8, 0, 0 },
	{ "timekeeper", "wall_to_monotonic.tv_sec", 128, 8, 0, 0 }, { "timekeeper", "wall_to_monotonic.tv_nsec", 136, 8, 0, 0 },
	{ "timekeeper", "total_sleep_time.tv_sec", 152, 8, 0, 0 }, { "timekeeper", "total_sleep_time.tv_nsec", 160, 8, 0, 0 },
	{ NULL, NULL, 0, 0, 0, 0 } };
static const struct fake_member v26[] = {	/* v2.6.32: struct timekeeper has no times */
	{ "timekeeper", "", 0, 64, 0, 0 }, { "timekeeper", "clock", 0, 8, 0, 0 }, { NULL, NULL, 0, 0, 0, 0 } };

static const struct fake_symbol named[] = { { "timekeeper_data", BASE, 1408 }, { NULL, 0, 0 } };
static const struct fake_symbol unnamed[] = { { "tk_core", BASE, 448 }, { "shadow_timekeeper", BASE + 0x1000, 280 }, { NULL, 0, 0 } };
static const struct fake_symbol lone[] = { { "timekeeper", BASE, 280 }, { NULL, 0, 0 } };
static const struct fake_symbol oldest[] = { { "timekeeper", BASE + 0x400, 64 }, { "xtime", BASE, 16 }, { "wall_to_monotonic", BASE + 16, 16 },
	{ "total_sleep_time", BASE + 32, 16 }, { NULL, 0, 0 } };
static const struct fake_symbol ticks[] = { { "jiffies_64", BASE, 8 }, { "tick_nsec", BASE + 8, 8 }, { NULL, 0, 0 } };

static void put_timekeeper(struct ka_kernel *k, ka_addr at, uint64_t clock)
{
	fake_put(k, at, clock, 8);
	fake_put(k, at + 28, 10, 4);
	fake_put(k, at + 32, 250000000ull << 10, 8);
	fake_put(k, at + 112, WALL, 8);
	fake_put(k, at + 120, 250000000, 8);
	fake_put(k, at + 128, (uint64_t)(UP - WALL), 8);
	fake_put(k, at + 136, 0, 8);
	fake_put(k, at + 152, SLEEP * 1000000000ull, 8);
}

static void clocks_are(struct ka_kernel *k, uint64_t want_wall_ns, uint64_t want_up_ns)
{
	uint64_t s, ns, up;
	uint32_t rest;
	int64_t at;

	CHECK(!ka_crash_time(k, &s, &ns));
	CHECK_INT(s * 1000000000 + ns, want_wall_ns);
	CHECK(!ka_uptime(k, &up));
	CHECK_INT(up, want_up_ns);
	/* A stamp of the log counts from the monotonic clock. */
	CHECK(!ka_wall_clock_at(k, (uint64_t)(UP - 100) * 1000000000, &at, &rest));
	CHECK_INT(at, WALL - 100);
	fake_reset(k);
}

CHECK_MAIN
{
	struct ka_kernel k = { .base = BASE, .memory = memory, .size = sizeof(memory), .long_size = 8 };
	const uint64_t wall = WALL * 1000000000ull + 250000000, up = (UP + SLEEP) * 1000000000ull + 250000000;
	struct ka_error *err;
	uint64_t s, ns;
	uint32_t rest;
	int64_t at;

	k.symbols = named;
	k.members = v613;
	put_timekeeper(&k, BASE + 8, BASE + 0x9000);
	clocks_are(&k, wall, up);

	/* tk_core without a name, with a sequence counter of 8 bytes, and of 64 with lock debugging */
	k.symbols = unnamed;
	k.members = v61;
	put_timekeeper(&k, BASE + 0x1000, BASE + 0x9000);
	clocks_are(&k, wall, up);
	memset(memory, 0x5a, 0x1000);
	put_timekeeper(&k, BASE + 64, BASE + 0x9000);
	clocks_are(&k, wall, up);
	/* Nothing sound in it: the shadow */
	memset(memory, 0x5a, 0x1000);
	clocks_are(&k, wall, up);

	memset(memory, 0, sizeof(memory));
	k.symbols = lone;
	k.members = v310;
	put_timekeeper(&k, BASE, BASE + 0x9000);
	clocks_are(&k, wall, up);
	k.members = v34;
	fake_put(&k, BASE + 152, SLEEP, 8);
	clocks_are(&k, wall, up);

	memset(memory, 0, sizeof(memory));
	k.symbols = oldest;
	k.members = v26;
	fake_put(&k, BASE, WALL, 8);
	fake_put(&k, BASE + 8, 250000000, 8);
	fake_put(&k, BASE + 16, (uint64_t)(UP - WALL), 8);
	fake_put(&k, BASE + 32, SLEEP, 8);
	clocks_are(&k, wall, up);

	/* A clock that cannot be: told, and what else there is is used. */
	k.symbols = lone;
	k.members = v61;
	memset(memory, 0xff, sizeof(memory));
	err = ka_crash_time(&k, &s, &ns);
	CHECK(err && err->code == KA_CORRUPT);
	ka_error_drop(err);
	err = ka_wall_clock_at(&k, 0, &at, &rest);
	CHECK(err != NULL);
	ka_error_drop(err);
	fake_reset(&k);
	k.crashtime = "1795234055";
	CHECK(!ka_crash_time(&k, &s, &ns));
	CHECK_INT(s, WALL);
	fake_reset(&k);

	/* jiffies start 300 s before 32 bits overflow: at 250 HZ, an hour later, and before the overflow */
	k.symbols = ticks;
	fake_put(&k, BASE, (uint32_t)(-300 * 250) + UP * 250ull + 125, 8);
	fake_put(&k, BASE + 8, 4000000, 8);
	CHECK(!ka_uptime(&k, &ns));
	CHECK_INT(ns, UP * 1000000000ull + 500000000);
	fake_reset(&k);
	fake_put(&k, BASE, (uint32_t)(-300 * 250) + 250, 8);
	CHECK(!ka_uptime(&k, &ns));
	CHECK_INT(ns, 1000000000);
	fake_reset(&k);
	fake_put(&k, BASE + 8, 0, 8);
	err = ka_uptime(&k, &ns);
	CHECK(err && err->code == KA_MISSING);
	ka_error_drop(err);
	fake_reset(&k);
}
