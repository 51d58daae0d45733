/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The program's own options. */
#include <ctype.h>
#include <inttypes.h>
#include <kanalyze/command.h>

#include "ka-config.h"
#include "line.h"
#include "program.h"
#include "settings.h"

const struct ka_program_option ka_program_options[] = {
	{ KA_OPT_COMMANDS, "command", 'c', "COMMANDS", "run COMMANDS (';' separates them) and leave; may be given more than once" },
	{ KA_OPT_FILE, "input", 'i', "FILE", "run the commands of FILE and leave; may be given more than once" },
	{ KA_OPT_JSON, "json", 0, NULL, "each command's output is a JSON document, one a line" },
	{ KA_OPT_JSONL, "jsonl", 0, NULL, "each row of the output is a JSON document, one a line" },
	{ KA_OPT_SILENT, "silent", 's', NULL, "no header at the start of an interactive session" },
	{ KA_OPT_DEBUG_DIR, "debug-dir", 0, "DIR", "look for vmlinux and the modules' debug files in DIR, too; may be given more than once", "mod" },
	{ KA_OPT_FORCE, "force", 0, NULL, "go on although VMLINUX and VMCORE do not belong together" },
	{ KA_OPT_ZERO_EXCLUDED, "zero-excluded", 0, NULL, "pages filtered out of the dump read as zeros instead of failing" },
	{ KA_OPT_KASLR, "kaslr", 0, "OFFSET", "the kernel was moved by OFFSET bytes, whatever the dump says" },
	{ KA_OPT_PHYS_BASE, "phys-base", 0, "ADDRESS", "the kernel was loaded at physical ADDRESS, whatever the dump says" },
	{ KA_OPT_MACHINE, "machdep", 'm', "NAME=VALUE", "a number of the kernel's layout, whatever the dump says: phys_base, kaslr; aarch64: phys_offset, "
	  "kimage_voffset, va_bits, vabits_actual, page_size; may be given more than once, or with commas" },
	{ KA_OPT_CACHE_SIZE, "cache-size", 0, "SIZE", "memory for pages read from the dump: bytes, or with k, m or g" },
	{ KA_OPT_NO_CACHE, "no-cache", 0, NULL, "neither read nor keep the index of names: $XDG_CACHE_HOME/kanalyze or ~/.cache/kanalyze" },
	{ KA_OPT_HEX, "hex", 0, NULL, "integers in structs and expressions are printed in hex ('set radix 16')" },
	{ KA_OPT_DEC, "dec", 0, NULL, "integers in structs and expressions are printed in decimal (the default)" },
	{ KA_OPT_SRC, "src", 0, "DIR[:DIR]...", "the kernel's sources lie in DIR ('set src'), for dis -s and list" },
	{ KA_OPT_SYSROOT, "sysroot", 0, "DIR", "the files of the machine that crashed lie below DIR ('set sysroot'), for bt -u" },
	{ KA_OPT_NO_RC, "no-rc", 0, NULL, "do not run ~/.kanalyzerc and ./.kanalyzerc", "no-crashrc" },
	{ KA_OPT_NO_PAGER, "no-pager", 0, NULL, "long output does not go through a pager", "no-scroll" },
	{ KA_OPT_MINIMAL, "minimal", 0, NULL, "without a vmlinux: symbols and types from the dump itself, as far as it has them" },
	{ KA_OPT_LOG, "log", 0, NULL, "print the kernel's messages and leave; no vmlinux is needed" },
	{ KA_OPT_OSRELEASE, "osrelease", 0, NULL, "print the kernel's release and leave; no vmlinux is needed" },
	{ KA_OPT_BUILD_ID, "build-id", 0, NULL, "print the kernel's build-id and leave; no vmlinux is needed" },
	{ KA_OPT_DEBUG, "debug", 'd', "N", "debug log on standard error: 1 decisions, 2 files and tables, 3 each lookup" },
	{ KA_OPT_HELP, "help", 'h', NULL, "this help" },
	{ KA_OPT_VERSION, "version", 'v', NULL, "version, and which compressions of dumps were built in" },
	{ KA_OPT_DOC, "doc", 0, "WHAT", NULL },
};
const size_t ka_program_option_count = KA_COUNT(ka_program_options);

/* '-' and '_' are the same: crash writes --zero_excluded. */
static bool is_same_name(const char *a, const char *b, size_t len)
{
	if (!a || strlen(a) != len)
		return false;
	for (size_t i = 0; i < len; i++) {
		if ((a[i] == '_' ? '-' : a[i]) != (b[i] == '_' ? '-' : b[i]))
			return false;
	}
	return true;
}

static struct ka_error *unknown(const char *word)
{
	const char *name = word + strspn(word, "-"), *best = NULL;
	unsigned best_rank = 0;

	for (size_t i = 0; i < ka_program_option_count; i++) {
		const struct ka_program_option *o = &ka_program_options[i];
		unsigned rank = o->name && o->help ? ka_words_likeness(name, o->name) : 0;

		if (rank && (!best || rank < best_rank)) {
			best = o->name;
			best_rank = rank;
		}
	}
	if (best)
		return ka_error_new(KA_USAGE, "there is no option '%s': did you mean '--%s'?", word, best);
	return ka_error_new(KA_USAGE, "there is no option '%s': --help lists them", word);
}

static struct ka_error *number_parse(const char *name, const char *text, uint64_t *ret)
{
	return ka_parse_number(text, false, ret) ? NULL : ka_error_new(KA_USAGE, "--%s: '%s' is no number", name, text);
}

/* What an architecture asks for by name. Commas part several, as crash takes them; addresses are hexadecimal. */
static struct ka_error *machine_take(struct ka_program *p, const char *value)
{
	static const struct { const char *name; bool is_decimal; } names[] = {
		{ "phys_base", false }, { "kaslr", false }, { "phys_offset", false }, { "kimage_voffset", false },
		{ "va_bits", true }, { "vabits_actual", true }, { "page_size", true },
	};

	for (const char *at = value; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL) {
		size_t size = strcspn(at, ","), name_size = strcspn(at, "=,"), i = 0;
		char *number;
		uint64_t n;
		bool is_number;

		while (i < KA_COUNT(names) && (strlen(names[i].name) != name_size || strncmp(names[i].name, at, name_size)))
			i++;
		if (i == KA_COUNT(names) || name_size == size)
			return ka_error_new(KA_USAGE, "-m %s: NAME=VALUE is wanted, with the names phys_base, kaslr, phys_offset, kimage_voffset, "
					    "va_bits, vabits_actual and page_size", value);
		number = ka_xstrndup(at + name_size + 1, size - name_size - 1);
		is_number = ka_parse_number(number, names[i].is_decimal, &n);
		free(number);
		if (!is_number)
			return ka_error_new(KA_USAGE, "-m %s: the value of %s is no number", value, names[i].name);
		ka_vec_push(&p->machine, ka_xprintf("%s=0x%" PRIx64, names[i].name, n));
	}
	return NULL;
}

static struct ka_error *option_take(struct ka_program *p, const struct ka_program_option *o, const char *value)
{
	uint64_t number;

	switch (o->id) {
	case KA_OPT_COMMANDS:
	case KA_OPT_FILE:
		ka_vec_push(&p->jobs, (struct ka_program_job){ o->id == KA_OPT_FILE, value });
		break;
	case KA_OPT_SILENT:
		p->is_silent = true;
		break;
	case KA_OPT_JSON:
		p->format = KA_OUT_JSON;
		break;
	case KA_OPT_JSONL:
		p->format = KA_OUT_JSONL;
		break;
	case KA_OPT_NO_RC:
		p->has_no_rc = true;
		break;
	case KA_OPT_NO_PAGER:
		p->has_no_pager = true;
		break;
	case KA_OPT_DEBUG:
		if (!ka_parse_number(value, true, &number) || number > 1000)
			return ka_error_new(KA_USAGE, "--debug: '%s' is no level", value);
		p->debug_level = (int)number;
		break;
	case KA_OPT_DEBUG_DIR:
		ka_vec_push(&p->debug_dirs, value);
		break;
	case KA_OPT_FORCE:
		p->open.is_forced = true;
		break;
	case KA_OPT_ZERO_EXCLUDED:
		p->open.is_zero_excluded = true;
		break;
	case KA_OPT_PHYS_BASE:
		p->open.has_phys_base = true;
		return number_parse(o->name, value, &p->open.phys_base);
	case KA_OPT_MACHINE:
		return machine_take(p, value);
	case KA_OPT_KASLR:
		/* "auto" is what is done without the option, and "off" is a kernel that was not moved. */
		if (!strcasecmp(value, "auto"))
			break;
		p->open.has_kaslr = true;
		p->open.kaslr = 0;
		return strcasecmp(value, "off") ? number_parse(o->name, value, &p->open.kaslr) : NULL;
	case KA_OPT_CACHE_SIZE:
		return ka_error_wrap(ka_size_parse(value, &p->open.cache_bytes), "--%s", o->name);
	case KA_OPT_NO_CACHE:
		p->open.has_no_cache = true;
		break;
	case KA_OPT_HEX:
		p->radix = "16";
		break;
	case KA_OPT_SRC:
		p->src = value;
		break;
	case KA_OPT_SYSROOT:
		p->sysroot = value;
		break;
	case KA_OPT_DEC:
		p->radix = "10";
		break;
	case KA_OPT_MINIMAL:
		p->open.is_minimal = true;
		break;
	case KA_OPT_LOG:
	case KA_OPT_OSRELEASE:
	case KA_OPT_BUILD_ID:
		if (p->only && p->only != o)
			return ka_error_new(KA_USAGE, "--%s and --%s: one at a time", p->only->name, o->name);
		p->only = o;
		p->open.is_minimal = true;
		break;
	case KA_OPT_VERSION:
		p->wants_version = true;
		break;
	case KA_OPT_HELP:
		p->wants_help = true;
		break;
	case KA_OPT_DOC:
		p->doc = value;
		break;
	}
	return NULL;
}

static struct ka_error *parse_long(struct ka_program *p, int argc, char **argv, int *i)
{
	const char *name = argv[*i] + 2, *value = strchr(name, '=');
	size_t len = value ? (size_t)(value++ - name) : strlen(name);
	const struct ka_program_option *o = NULL;

	for (size_t n = 0; n < ka_program_option_count && !o; n++) {
		if (is_same_name(ka_program_options[n].name, name, len) || is_same_name(ka_program_options[n].other, name, len))
			o = &ka_program_options[n];
	}
	if (!o)
		return unknown(argv[*i]);
	if (value && !o->arg)
		return ka_error_new(KA_USAGE, "option '--%s' takes no value", o->name);
	if (!value && o->arg) {
		if (*i + 1 >= argc)
			return ka_error_new(KA_USAGE, "option '--%s' needs %s", o->name, o->arg);
		value = argv[++*i];
	}
	return option_take(p, o, value);
}

static struct ka_error *parse_letters(struct ka_program *p, int argc, char **argv, int *i)
{
	const char *word = argv[*i];
	struct ka_error *err = NULL;

	for (const char *letter = word + 1; *letter && !err; letter++) {
		const struct ka_program_option *o = NULL;
		const char *value = NULL;

		for (size_t n = 0; n < ka_program_option_count && !o; n++) {
			if (ka_program_options[n].letter == *letter)
				o = &ka_program_options[n];
		}
		if (!o)
			return unknown(word);
		if (o->arg && letter[1]) {
			value = letter + 1;
			letter += strlen(letter) - 1;
		} else if (o->arg) {
			if (*i + 1 >= argc)
				return ka_error_new(KA_USAGE, "option '-%c' needs %s", o->letter, o->arg);
			value = argv[++*i];
		}
		err = option_take(p, o, value);
	}
	return err;
}

struct ka_error *ka_program_parse(struct ka_program *p, int argc, char **argv)
{
	struct ka_error *err = NULL;
	bool is_ended = false;

	*p = (struct ka_program){0};
	for (int i = 1; i < argc && !err; i++) {
		if (is_ended || argv[i][0] != '-' || !argv[i][1])
			ka_vec_push(&p->paths, argv[i]);
		else if (!strcmp(argv[i], "--"))
			is_ended = true;
		else if (argv[i][1] == '-')
			err = parse_long(p, argc, argv, &i);
		else
			err = parse_letters(p, argc, argv, &i);
	}
	if (!err && !p->paths.n && !p->wants_help && !p->wants_version && !p->doc)
		err = ka_error_new(KA_USAGE, "no dump is given\nusage: " KA_PROGRAM_USAGE "\n--help tells more");
	if (!err && p->only && p->jobs.n)
		err = ka_error_new(KA_USAGE, "--%s runs no other commands: --minimal does", p->only->name);
	if (!err && p->only && p->only->id == KA_OPT_LOG) {
		p->is_silent = p->has_no_rc = p->has_no_pager = true;
		ka_vec_push(&p->jobs, (struct ka_program_job){ false, "log" });
	}
	ka_vec_push(&p->paths, NULL);
	ka_vec_push(&p->debug_dirs, NULL);
	ka_vec_push(&p->machine, NULL);
	p->open.paths = p->paths.at;
	p->open.debug_dirs = p->debug_dirs.at;
	p->open.machine = (const char *const *)p->machine.at;
	return err;
}

void ka_program_free(struct ka_program *p)
{
	ka_vec_free(&p->jobs);
	ka_vec_free(&p->paths);
	ka_vec_free(&p->debug_dirs);
	for (size_t i = 0; i < p->machine.n; i++)
		free(p->machine.at[i]);
	ka_vec_free(&p->machine);
}

void ka_program_help(struct ka_str *to)
{
	ka_str_add(to, "usage: " KA_PROGRAM_USAGE "\n\n"
		       "Reads the memory dump of a dead Linux kernel (VMCORE), with the vmlinux of the same build that holds its\n"
		       "debug information. The files are told apart by their content; a VMLINUX that is not given is looked for by\n"
		       "the dump's build-id and release. Memory as it is comes as FILE@PHYSADDR[,FILE@PHYSADDR...], parts of a split dump in\n"
		       "any order, and the running kernel as /proc/kcore (never by itself: without VMCORE there is an error). Without -c and -i, commands come from a prompt on a terminal, else from\n"
		       "standard input.\n\n");
	for (size_t i = 0; i < ka_program_option_count; i++) {
		const struct ka_program_option *o = &ka_program_options[i];
		size_t start = to->len;

		if (!o->help)
			continue;
		if (o->letter)
			ka_str_printf(to, "  -%c, ", o->letter);
		else
			ka_str_add(to, "      ");
		ka_str_printf(to, "--%s%s%s", o->name, o->arg ? " " : "", o->arg ? o->arg : "");
		ka_str_pad(to, ' ', to->len - start < 28 ? 28 - (to->len - start) : 1);
		ka_str_printf(to, "%s\n", o->help);
	}
	ka_str_add(to, "\nThe exit status is 0 when all went well, 1 with errors in the data, 2 with a wrong command or option, and 3\n"
		       "when the dump cannot be opened. A batch prints no header: 'sys' does. 'help' at the prompt lists the commands.\n");
}

void ka_program_version(struct ka_str *to)
{
	static const struct { const char *name; bool is_in; } features[] = {
		{ "zlib", true }, { "lzo", KA_HAVE_LZO }, { "snappy", KA_HAVE_SNAPPY }, { "zstd", KA_HAVE_ZSTD },
	};

	ka_str_add(to, "kanalyze " KA_VERSION "\ncompressed dumps:");
	for (size_t i = 0; i < KA_COUNT(features); i++)
		ka_str_printf(to, "%s %s%s", i ? "," : "", features[i].name, features[i].is_in ? "" : " (not built in)");
	ka_str_addc(to, '\n');
}
