/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What commands that show code share: the text of an instruction with its symbols, and source lines. */
#ifndef COMMANDS_DIS_H
#define COMMANDS_DIS_H

#include <kanalyze/command.h>
#include <kanalyze/text.h>

/* insn_text.c: "<vfs_read+16>", offset hexadecimal where is_hex; NULL: no symbol. */
const char *ka_place_text(struct ka_call *c, ka_addr addr, bool is_hex);
/* The same of a per-CPU variable, as its symbol counts; and of what an instruction jumps to or addresses. */
const char *ka_percpu_place_text(struct ka_call *c, ka_addr addr, bool is_hex);
const char *ka_insn_place_text(struct ka_call *c, const struct ka_insn *i, bool is_hex);
/* "call   0xffffffff81000000 <func>", "mov    0x8(%rip),%rax        # 0xffffffff82000000 <var>": as gdb shows it. In the arena. */
const char *ka_insn_full_text(struct ka_call *c, const struct ka_insn *i, bool is_hex);
/* The decoder of the dump's architecture, in the syntax that is set or asked for. */
struct ka_error *ka_call_code(struct ka_call *c, bool is_intel, struct ka_code **ret) KA_MUST_CHECK;

/* source.c: the lines of a source file, by `set src`, `set src-map` and as it is. NOT_FOUND tells what was tried. */
struct ka_source_text {
	char *bytes;		/* in the arena */
	const char **lines;	/* [1..count] */
	size_t count;
	const char *path;
};
struct ka_error *ka_source_open(struct ka_call *c, const struct ka_source *s, struct ka_source_text *ret) KA_MUST_CHECK;
/* Rows of lines [first, last], cut to what there is; current is marked with an asterisk, 0: none, and no room for it. */
void ka_source_show(struct ka_call *c, const struct ka_source_text *t, size_t first, size_t last, size_t current);
extern const struct ka_rows ka_rows_of_source;

#endif
