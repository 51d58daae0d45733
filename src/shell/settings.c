/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The variables of `set`. */
#include <ctype.h>
#include <stdio.h>
#include <kanalyze/command.h>
#include <kanalyze/kernel.h>
#include "session.h"
#include "settings.h"

static struct ka_error *apply_debug(struct ka_session *s, const char *value)
{
	(void)s;
	ka_log_level_now = atoi(value);
	return NULL;
}

static struct ka_error *apply_edit(struct ka_session *s, const char *value)
{
	(void)s;
	ka_editing_mode_set(value);
	return NULL;
}

static struct ka_error *apply_error(struct ka_session *s, const char *value)
{
	return ka_out_faults_to(s->out, value);
}

static struct ka_error *apply_output(struct ka_session *s, const char *value)
{
	/* The rows of the `set` itself are still in the old format: a document does not change in its middle. */
	s->format = !strcmp(value, "json") ? KA_OUT_JSON : !strcmp(value, "jsonl") ? KA_OUT_JSONL : KA_OUT_TEXT;
	return NULL;
}

struct ka_error *ka_size_parse(const char *text, uint64_t *ret)
{
	size_t len = strlen(text);
	const char *units = "kmg", *unit = len ? strchr(units, tolower((unsigned char)text[len - 1])) : NULL;
	unsigned shift = unit && *unit ? (unsigned)(unit - units + 1) * 10 : 0;
	char *digits = ka_xstrndup(text, shift ? len - 1 : len);
	bool is_number = ka_parse_number(digits, true, ret) && *ret <= UINT64_MAX >> shift;

	free(digits);
	*ret <<= shift;
	return is_number ? NULL : ka_error_new(KA_USAGE, "'%s' is no size: 64m", text);
}

static struct ka_error *apply_zero_excluded(struct ka_session *s, const char *value)
{
	if (s->k)
		ka_kernel_set_zero_excluded(s->k, !strcmp(value, "on"));
	return NULL;
}

static struct ka_error *apply_cache_size(struct ka_session *s, const char *value)
{
	uint64_t bytes;
	struct ka_error *err = ka_size_parse(value, &bytes);

	if (!err && s->k)
		ka_kernel_set_cache_size(s->k, bytes);
	return err;
}

const struct ka_setting ka_setting_table[] = {
	{ "cache_size", KA_SETTING_TEXT, "256m", "SIZE", "memory for pages of a compressed dump: bytes, or with k, m or g", apply_cache_size },
	{ "color", KA_SETTING_CHOICE, "auto", "auto|on|off", "colours on a terminal; auto heeds NO_COLOR and TERM" },
	{ "debug", KA_SETTING_NUMBER, "0", "N", "debug log on standard error: 1 decisions, 2 files and tables, 3 each lookup", apply_debug },
	{ "disassembly", KA_SETTING_CHOICE, "att", "att|intel", "syntax of x86 instructions" },
	{ "edit", KA_SETTING_CHOICE, "emacs", "emacs|vi", "how the command line is edited", apply_edit },
	{ "error", KA_SETTING_TEXT, "default", "default|redirect|FILE",
	  "where errors go: standard error, along with redirected output, or a file", apply_error },
	{ "inline", KA_SETTING_FLAG, "on", "on|off", "bt shows functions that were inlined" },
	{ "null-stop", KA_SETTING_FLAG, "off", "on|off", "strings in structs end at their first NUL" },
	{ "offline", KA_SETTING_CHOICE, "show", "show|hide", "shows or hides what belongs to CPUs that are offline" },
	{ "output", KA_SETTING_CHOICE, "text", "text|json|jsonl", "format of all commands, as --json and --jsonl set it", apply_output },
	{ "print_array", KA_SETTING_FLAG, "off", "on|off", "arrays in structs with one element a line" },
	{ "print_max", KA_SETTING_NUMBER, "256", "N", "elements of an array printed at most" },
	{ "print_parts", KA_SETTING_NUMBER, "24000000", "N",
	  "members and elements of one value printed at most; long texts count as several" },
	{ "print_repeats", KA_SETTING_NUMBER, "0", "N", "more than N equal elements in a row are one and <repeats M times>; 0: never" },
	{ "radix", KA_SETTING_CHOICE, "10", "10|16", "of integers in structs and expressions" },
	{ "redzone", KA_SETTING_FLAG, "on", "on|off", "addresses of slab objects point behind a left red zone" },
	{ "scroll", KA_SETTING_TEXT, "on", "on|off|less|more|COMMAND",
	  "output longer than the screen goes through a pager: $KANALYZE_PAGER, $PAGER, less, or the command given" },
	{ "silent", KA_SETTING_FLAG, "off", "on|off", "no header at the start" },
	{ "src", KA_SETTING_TEXT, "none", "DIR[:DIR]...", "where the kernel's sources lie, for dis -s and list (--src)" },
	{ "src-map", KA_SETTING_TEXT, "none", "FROM=TO[:FROM=TO]...", "paths of sources as the compiler knew them, and where they are now" },
	{ "sysroot", KA_SETTING_TEXT, "none", "DIR", "where the files of the machine that crashed lie, for bt -u (--sysroot)" },
	{ "unwind", KA_SETTING_CHOICE, "rules", "rules|scan", "how bt finds frames: by unwind data, or every address of code on the stack (bt -O)" },
	{ "zero_excluded", KA_SETTING_FLAG, "off", "on|off", "pages filtered out of the dump read as zeros instead of failing",
	  apply_zero_excluded },
	{0},
};

const struct ka_setting *ka_setting_find(const char *name)
{
	for (const struct ka_setting *v = ka_setting_table; v->name; v++) {
		if (!strcmp(v->name, name))
			return v;
	}
	return NULL;
}

const struct ka_setting_foreign *ka_setting_foreign_find(const char *name)
{
	static const struct ka_setting_foreign table[] = {
		{ "console", "not set", "debug output goes to standard error" },
		{ "core", "off", "errors do not make core files; use ulimit -c" },
		{ "data_debug", "on", "type data is always looked for" },
		{ "free", "0 pages freed", "memory is given back by itself" },
		{ "gdb", "off", "there is no gdb inside: what the command 'gdb' knows is in its help" },
		{ "hash", "on", "walks always look out for loops" },
		{ "namelist", "given at the start", "give the vmlinux on the command line" },
		{ "refresh", "off", "tasks of a running kernel are gathered once a session" },
		{ "scope", "0 (not set)", "types do not depend on a scope; of several static variables NAME@FILE tells which" },
	};

	for (size_t i = 0; i < KA_COUNT(table); i++) {
		if (!strcmp(table[i].name, name))
			return &table[i];
	}
	return NULL;
}

void ka_settings_init(struct ka_settings *st)
{
	size_t n = 0;

	while (ka_setting_table[n].name)
		n++;
	st->values = ka_xalloc(n * sizeof(*st->values));
	for (size_t i = 0; i < n; i++)
		st->values[i] = ka_xstrdup(ka_setting_table[i].initial);
}

void ka_settings_free(struct ka_settings *st)
{
	for (size_t i = 0; st->values && ka_setting_table[i].name; i++)
		free(st->values[i]);
	free(st->values);
	st->values = NULL;
}

const char *ka_settings_get(const struct ka_settings *st, const char *name)
{
	const struct ka_setting *v = ka_setting_find(name);

	return v ? st->values[v - ka_setting_table] : NULL;
}

bool ka_settings_is_on(const struct ka_settings *st, const char *name)
{
	const char *value = ka_settings_get(st, name);

	return value && !strcmp(value, "on");
}

static bool is_choice(const char *choices, const char *value)
{
	size_t n = strlen(value);

	for (const char *p = choices; *p; p += strcspn(p, "|"), p += *p == '|') {
		if (n && !strncmp(p, value, n) && (p[n] == '|' || !p[n]))
			return true;
	}
	return false;
}

/* The word a value is kept as, or NULL: flags take what crash takes (on, off, 1, 0) and a little more. */
static const char *canonical(const struct ka_setting *v, const char *value, char number[24])
{
	static const char *const yes[] = { "on", "1", "yes", "true" }, *const no[] = { "off", "0", "no", "false" };
	uint64_t n;

	switch (v->kind) {
	case KA_SETTING_FLAG:
		for (size_t i = 0; i < KA_COUNT(yes); i++) {
			if (!strcmp(value, yes[i]))
				return "on";
			if (!strcmp(value, no[i]))
				return "off";
		}
		return NULL;
	case KA_SETTING_NUMBER:
		if (!ka_parse_number(value, true, &n) || n > INT32_MAX)
			return NULL;
		snprintf(number, 24, "%u", (unsigned)n);
		return number;
	case KA_SETTING_CHOICE:
		return is_choice(v->choices, value) ? value : NULL;
	case KA_SETTING_TEXT:
		return *value ? value : NULL;
	}
	return NULL;
}

struct ka_error *ka_settings_set(struct ka_settings *st, struct ka_session *session, const char *name, const char *value)
{
	const struct ka_setting *v = ka_setting_find(name);
	struct ka_error *err;
	const char *kept;
	char number[24];

	if (!v)
		return ka_error_new(KA_USAGE, "there is no variable '%s'", name);
	kept = canonical(v, value, number);
	if (!kept)
		return ka_error_new(KA_USAGE, "%s: '%s' is none of %s", name, value, v->choices);
	err = session && v->apply ? v->apply(session, kept) : NULL;
	if (!err) {
		char *copy = ka_xstrdup(kept);

		free(st->values[v - ka_setting_table]);
		st->values[v - ka_setting_table] = copy;
	}
	return ka_error_wrap(err, "%s", name);
}
