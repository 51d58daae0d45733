/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* User-space stacks of tasks, as far as their pages are in the dump. */
#ifndef KANALYZE_USER_STACK_H
#define KANALYZE_USER_STACK_H

#include <kanalyze/text.h>
#include <kanalyze/unwind.h>

struct ka_user_frame {
	unsigned level;
	uint64_t ip, sp;	/* user addresses */
	enum ka_frame_by by;
	bool is_call;		/* ip is a return address: look up ip - 1 */
	bool is_guess;		/* found without call frame information: marked '?' in text */
	bool is_signal;		/* it was interrupted by the signal whose handler is the frame before */
	const char *function;	/* NULL: no symbol */
	uint64_t offset;	/* of ip in the function */
	const char *file;	/* "/bin/busybox", "[vdso]", "[stack]"; NULL: ip is in no memory area */
	uint64_t file_offset;	/* of ip in the file, or in the area where there is none */
	struct ka_source source;	/* file NULL: not known */
};

struct ka_user_stack {
	struct ka_pt_regs *regs;	/* at the entry into the kernel; NULL: none */
	unsigned word;			/* bytes of a pointer of the task: 4 of 32-bit tasks */
	struct ka_user_frame *frames;
	size_t count;
	const char *end;	/* why there are no more: "(end)", "(no call frame information ...)" */
	const char *const *remarks;	/* what lacked of files: "build-id differs" ...; NULL-terminated */
};

/*
 * The user part of a task's stack, into the arena. sysroot: the directory below which the guest's files lie, for unwinding and
 * names; NULL: none, then by what the dump has of them. Kernel threads have none: NOT_FOUND.
 */
struct ka_error *ka_unwind_user(struct ka_kernel *k, ka_addr task, const char *sysroot, struct ka_arena *a,
				struct ka_user_stack *ret) KA_MUST_CHECK;

#endif
