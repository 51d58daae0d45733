/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The program's command line: one table makes the parser, --help, the man page and the completion file. */
#ifndef KA_PROGRAM_H
#define KA_PROGRAM_H

#include <kanalyze/kernel.h>
#include "out.h"

enum ka_program_option_id {
	KA_OPT_COMMANDS, KA_OPT_FILE, KA_OPT_SILENT, KA_OPT_JSON, KA_OPT_JSONL, KA_OPT_NO_RC, KA_OPT_NO_PAGER, KA_OPT_DEBUG,
	KA_OPT_DEBUG_DIR, KA_OPT_FORCE, KA_OPT_ZERO_EXCLUDED, KA_OPT_PHYS_BASE, KA_OPT_KASLR, KA_OPT_CACHE_SIZE, KA_OPT_NO_CACHE,
	KA_OPT_HEX, KA_OPT_DEC, KA_OPT_SRC, KA_OPT_SYSROOT, KA_OPT_MINIMAL, KA_OPT_LOG, KA_OPT_OSRELEASE, KA_OPT_BUILD_ID, KA_OPT_MACHINE, KA_OPT_VERSION, KA_OPT_HELP, KA_OPT_DOC,
};

struct ka_program_option {
	enum ka_program_option_id id;
	const char *name;	/* NULL: a letter alone */
	char letter;		/* 0: a long name alone */
	const char *arg;	/* NULL: takes none */
	const char *help;	/* NULL: not shown */
	const char *other;	/* another long name: crash's */
};
extern const struct ka_program_option ka_program_options[];
extern const size_t ka_program_option_count;

struct ka_program_job {
	bool is_file;
	const char *text;	/* commands, or the name of a file of them */
};

struct ka_program {
	struct { KA_VEC(struct ka_program_job); } jobs;		/* -c and -i in their order */
	struct { KA_VEC(const char *); } paths, debug_dirs;	/* NULL-terminated */
	struct { KA_VEC(char *); } machine;	/* -m, likewise */
	struct ka_open_options open;
	enum ka_out_format format;
	bool is_silent, has_no_rc, has_no_pager, wants_version, wants_help;
	const struct ka_program_option *only;	/* --log, --osrelease, --build-id: tell this and leave; NULL: a session */
	const char *src;	/* directories of sources, or NULL */
	const char *sysroot;	/* where the guest's files lie, or NULL */
	const char *radix;	/* "16", "10" or NULL */
	const char *doc;	/* what to generate */
	int debug_level;
};

/* Options and files in any order; "--" ends the options. Errors: USAGE. */
struct ka_error *ka_program_parse(struct ka_program *p, int argc, char **argv) KA_MUST_CHECK;
void ka_program_free(struct ka_program *p);
void ka_program_help(struct ka_str *to);
void ka_program_version(struct ka_str *to);

#define KA_PROGRAM_USAGE "kanalyze [OPTION]... [VMLINUX] VMCORE..."

#endif
