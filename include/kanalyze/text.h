/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The kernel's code: functions, their bytes in the dump and in the file, and the source they come from. */
#ifndef KANALYZE_TEXT_H
#define KANALYZE_TEXT_H

#include <kanalyze/code.h>
#include <kanalyze/symbol.h>

/* The function that holds an address. end: by the symbol's size, else up to the next symbol. False: no symbol covers it. */
bool ka_function_at(struct ka_kernel *k, ka_addr addr, struct ka_symbol *ret, ka_addr *ret_end);

/*
 * Code as it ran: from the dump. What the dump lacks (a truncated one) comes from vmlinux; *ret_from_file says so. As many
 * bytes as there are in one piece from one source; *err (may be NULL) why it is fewer.
 */
size_t ka_text_read(struct ka_kernel *k, ka_addr addr, void *ret, size_t size, bool *ret_from_file, struct ka_error **err);
/* Code as the linker left it, before the kernel patched it: from vmlinux, not moved by KASLR. 0: not there (modules, no vmlinux). */
size_t ka_text_original(struct ka_kernel *k, ka_addr addr, void *ret, size_t size);
/*
 * Did the running kernel change an instruction (alternatives, ftrace, static calls, jump labels, kprobes)? What KASLR moved
 * does not count. original: its bytes from ka_text_original. of: as decoded from the dump.
 */
bool ka_text_is_patched(struct ka_kernel *k, const struct ka_insn *of, const uint8_t *original, size_t size);

/*
 * Did it lie in __init or __initdata, whose memory the kernel gave away when it had booted? What lies there now is another's: neither
 * the code nor the value of a variable.
 */
bool ka_is_given_away(struct ka_kernel *k, ka_addr addr);

struct ka_source {
	const char *file;	/* whole path as the compiler knew it, normalized; lives as long as the kernel */
	const char *name;	/* the same without the directory the compiler ran in, where it begins with that */
	const char *function;	/* of inline chains: the function whose code it is; NULL unknown */
	unsigned line;
	bool is_inlined;	/* function was inlined into the next one */
};
/* Where an address comes from. False when there is no line information. */
bool ka_source_at(struct ka_kernel *k, ka_addr addr, struct ka_source *ret);
/*
 * The chain of inlined functions at an address, innermost first, the real function last; each with the line that is being
 * executed in it (of callers: the line of the call). 0: no debug information there.
 */
size_t ka_source_chain(struct ka_kernel *k, ka_addr addr, struct ka_source *ret, size_t max);
/* The last line of the file that code of the function at addr comes from; 0 unknown. */
unsigned ka_source_last_line(struct ka_kernel *k, ka_addr addr, ka_addr end, const char *file);
/* The first address of a line: file is a path or its end ("fork.c", "kernel/fork.c"). NOT_FOUND when no code comes from it. */
struct ka_error *ka_source_address(struct ka_kernel *k, const char *file, unsigned line, ka_addr *ret, ka_addr *ret_end) KA_MUST_CHECK;

#endif
