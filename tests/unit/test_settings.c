/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Variables of `set`, arguments of commands, and the program's own options. */
#include "check.h"
#include <kanalyze/command.h>
#include "program.h"
#include "settings.h"

static bool set(struct ka_settings *st, const char *name, const char *value)
{
	return !ka_error_drop(ka_settings_set(st, NULL, name, value));
}

static void check_settings(void)
{
	struct ka_settings st;

	ka_settings_init(&st);
	CHECK_STR(ka_settings_get(&st, "radix"), "10");
	CHECK(!ka_settings_get(&st, "nothing"));
	CHECK(set(&st, "radix", "16"));
	CHECK_STR(ka_settings_get(&st, "radix"), "16");
	CHECK(!set(&st, "radix", "8"));
	CHECK(!set(&st, "radix", "1"));
	CHECK(!set(&st, "radix", ""));
	CHECK_STR(ka_settings_get(&st, "radix"), "16");
	CHECK(set(&st, "print_array", "1"));
	CHECK(ka_settings_is_on(&st, "print_array"));
	CHECK(set(&st, "print_array", "off"));
	CHECK(!ka_settings_is_on(&st, "print_array"));
	CHECK(!set(&st, "print_array", "maybe"));
	CHECK(set(&st, "print_max", "0x10"));
	CHECK_STR(ka_settings_get(&st, "print_max"), "16");
	CHECK(!set(&st, "print_max", "-1"));
	CHECK(!set(&st, "print_max", "99999999999"));
	CHECK(set(&st, "scroll", "less -S"));
	CHECK_STR(ka_settings_get(&st, "scroll"), "less -S");
	CHECK(set(&st, "offline", "hide"));
	CHECK(!set(&st, "offline", "on"));
	CHECK(!set(&st, "nothing", "on"));
	CHECK(ka_setting_foreign_find("gdb"));
	CHECK(!ka_setting_foreign_find("radix"));
	for (const struct ka_setting *v = ka_setting_table; v->name; v++) {
		char *initial = ka_xstrdup(v->initial);

		CHECK(v->help && v->choices);
		CHECK(set(&st, v->name, initial));
		free(initial);
	}
	ka_settings_free(&st);
}

static bool number(const char *text, bool is_decimal, uint64_t want)
{
	uint64_t got = 0;

	return ka_parse_number(text, is_decimal, &got) && got == want;
}

static void check_numbers(void)
{
	uint64_t v;

	CHECK(number("10", true, 10));
	CHECK(number("10", false, 16));
	CHECK(number("0x10", true, 16));
	CHECK(number("0XfF", true, 255));
	CHECK(number("1a", true, 26));
	CHECK(number("ffffffff81000000", true, 0xffffffff81000000));
	CHECK(number("18446744073709551615", true, UINT64_MAX));
	CHECK(!ka_parse_number("18446744073709551616", true, &v));
	CHECK(!ka_parse_number("1ffffffffffffffff", false, &v));
	CHECK(!ka_parse_number("", true, &v));
	CHECK(!ka_parse_number("0x", true, &v));
	CHECK(!ka_parse_number("12g", true, &v));
	CHECK(!ka_parse_number("-1", true, &v));
	CHECK(!ka_parse_number(" 1", true, &v));
}

static const char *cpus(const char *text)
{
	static char got[128];
	bool is[8];
	struct ka_error *err = ka_parse_cpus(text, is, 8);

	if (err) {
		snprintf(got, sizeof(got), "%s", err->message);
		ka_error_free(err);
		return got;
	}
	for (int i = 0; i < 8; i++)
		got[i] = is[i] ? '1' : '0';
	got[8] = 0;
	return got;
}

static void check_cpus(void)
{
	CHECK_STR(cpus("0"), "10000000");
	CHECK_STR(cpus("1,3-5"), "01011100");
	CHECK_STR(cpus("a"), "11111111");
	CHECK_STR(cpus("all"), "11111111");
	CHECK_STR(cpus("7-7,0"), "10000001");
	CHECK_STR(cpus("8"), "there is no CPU 8: this machine has 8");
	CHECK_STR(cpus("0-99999999999999999999"), "there is no CPU 18446744073709551615: this machine has 8");
	for (size_t i = 0; i < 7; i++) {
		static const char *const bad[] = { "", ",", "1,", "x", "3-1", "1-", "-1" };

		CHECK(strstr(cpus(bad[i]), "is no list of CPUs"));
	}
}

static struct ka_program p;

static struct ka_error *parse(int argc, ...)
{
	char *argv[16] = { "kanalyze" };
	va_list ap;

	va_start(ap, argc);
	for (int i = 1; i <= argc; i++)
		argv[i] = va_arg(ap, char *);
	va_end(ap);
	ka_program_free(&p);
	return ka_program_parse(&p, argc + 1, argv);
}

static void check_message(struct ka_error *err, const char *want)
{
	CHECK(err);
	if (err) {
		CHECK_STR(err->message, want);
		CHECK_INT(err->code, KA_USAGE);
	}
	ka_error_free(err);
}

static void check_program(void)
{
	struct ka_str text = {0};

	CHECK(!ka_error_drop(parse(7, "vmcore", "-sc", "bt; log", "-i", "file", "--json", "vmlinux")));
	CHECK_INT(p.paths.n, 3);
	CHECK_STR(p.open.paths[0], "vmcore");
	CHECK_STR(p.open.paths[1], "vmlinux");
	CHECK(!p.open.paths[2]);
	CHECK(p.is_silent);
	CHECK_INT(p.format, KA_OUT_JSON);
	CHECK_INT(p.jobs.n, 2);
	CHECK_STR(p.jobs.at[0].text, "bt; log");
	CHECK(!p.jobs.at[0].is_file && p.jobs.at[1].is_file);
	CHECK(!ka_error_drop(parse(5, "-cbt", "-d3", "--debug-dir=/a", "--cache-size=64m", "v")));
	CHECK_STR(p.jobs.at[0].text, "bt");
	CHECK_INT(p.debug_level, 3);
	CHECK_STR(p.open.debug_dirs[0], "/a");
	CHECK_INT(p.open.cache_bytes, 64 << 20);
	CHECK(!ka_error_drop(parse(5, "--zero_excluded", "--no_scroll", "--force", "--kaslr", "off")) == 0);
	CHECK(!ka_error_drop(parse(6, "--zero_excluded", "--no_scroll", "--force", "--kaslr", "off", "v")));
	CHECK(p.open.is_zero_excluded && p.has_no_pager && p.open.is_forced && p.open.has_kaslr);
	CHECK(!ka_error_drop(parse(3, "--phys-base", "0x1000000", "v")));
	CHECK_INT(p.open.phys_base, 0x1000000);
	CHECK(!ka_error_drop(parse(3, "--", "-c", "v")));
	CHECK_INT(p.paths.n, 3);
	CHECK(!ka_error_drop(parse(1, "--version")));
	CHECK(p.wants_version);
	check_message(parse(0), "no dump is given\nusage: " KA_PROGRAM_USAGE "\n--help tells more");
	check_message(parse(1, "--jsno"), "there is no option '--jsno': did you mean '--json'?");
	check_message(parse(1, "-Q"), "there is no option '-Q': --help lists them");
	check_message(parse(1, "-c"), "option '-c' needs COMMANDS");
	check_message(parse(1, "--input"), "option '--input' needs FILE");
	check_message(parse(1, "--json=1"), "option '--json' takes no value");
	check_message(parse(2, "-d", "x"), "--debug: 'x' is no level");
	check_message(parse(1, "--cache-size=1x"), "--cache-size: '1x' is no size: 64m");
	check_message(parse(1, "--cache-size=99999999999999999999g"), "--cache-size: '99999999999999999999g' is no size: 64m");
	CHECK(!ka_error_drop(parse(4, "-m", "phys_offset=40000000,va_bits=48", "--machdep=kimage_voffset=0xffffd2e217a00000", "v")));
	CHECK_STR(p.open.machine[0], "phys_offset=0x40000000");
	CHECK_STR(p.open.machine[1], "va_bits=0x30");
	CHECK_STR(p.open.machine[2], "kimage_voffset=0xffffd2e217a00000");
	CHECK(!p.open.machine[3]);
	check_message(parse(3, "-m", "va_bits=4q", "v"), "-m va_bits=4q: the value of va_bits is no number");
	static const char *const bad_numbers[] = { "phys=1", "va_bits", "va_bits=48,", "=1", "" };
	for (size_t i = 0; i < KA_COUNT(bad_numbers); i++) {
		struct ka_error *err = parse(3, "-m", bad_numbers[i], "v");

		CHECK(err && err->code == KA_USAGE && strstr(err->message, "NAME=VALUE is wanted"));
		ka_error_free(err);
	}
	check_message(parse(1, "--kaslr=q"), "--kaslr: 'q' is no number");
	ka_program_free(&p);
	ka_program_help(&text);
	CHECK(strstr(text.p, "--zero-excluded") && !strstr(text.p, "--doc"));
	ka_str_clear(&text);
	ka_program_version(&text);
	CHECK(strstr(text.p, "zlib") && strstr(text.p, "zstd"));
	ka_str_free(&text);
}

CHECK_MAIN
{
	check_settings();
	check_numbers();
	check_cpus();
	check_program();
}
