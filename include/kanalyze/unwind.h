/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Kernel stacks, frame by frame. */
#ifndef KANALYZE_UNWIND_H
#define KANALYZE_UNWIND_H

#include <kanalyze/memory.h>

#define KA_REGS_MAX 40

/* Registers in the architecture's DWARF numbering; see ka_reg_name(). */
struct ka_regs {
	uint64_t value[KA_REGS_MAX];
	uint64_t known;		/* bit n: value[n] is known */
};

/* Names the general registers of an exception frame or prstatus has, in the order crash prints them. */
struct ka_pt_regs {
	ka_addr at;		/* where the block lies; 0: not in memory (NT_PRSTATUS) */
	uint64_t value[KA_REGS_MAX];
	unsigned count;
	const char *const *names;	/* "RIP", "RSP", ... */
	/*
	 * How the block is printed; NULL: three to a line. {NAME} is 16 hex digits, {NAME:8} at least 8, and {NAME@} the function
	 * and offset of an address: "[die+12]".
	 */
	const char *text;
	bool is_user;		/* the CS (or PSTATE) says user mode */
	ka_addr ip, sp;
};

/*
 * CALL: the return address that the call left told the caller: it went to where there is no code, or (aarch64) what lies before that
 * address is a call of this very function. MADE: code that the kernel made
 * while it ran (BPF, trampolines), of which is known how it keeps its frame.
 */
enum ka_frame_by { KA_BY_START, KA_BY_CFI, KA_BY_ORC, KA_BY_FP, KA_BY_SCAN, KA_BY_PT_REGS, KA_BY_CALL, KA_BY_MADE };

struct ka_frame {
	unsigned level;
	ka_addr ip;		/* where it was, or will return to */
	ka_addr sp;		/* stack pointer of this frame */
	ka_addr ret_at;		/* where the return address that is ip was found; 0: from registers */
	enum ka_frame_by by;
	bool is_call;		/* ip is a return address: look up ip - 1 for function and line */
	/*
	 * Found by frame pointer (aarch64's frame records are no guess) or scan; a return address that can be none; what lies above either of
	 * the latter, unless unwinding came to the end of the stack. Marked '?' in text.
	 */
	bool is_guess;
	bool is_interrupted;	/* what an exception interrupted, on the same stack, which the block of its registers tells: no line in text */
	ka_addr shown_at, shown_ip;	/* what crash prints of it: the place of ret_at and ip (aarch64: the frame record, and the call) */
	const char *stack;	/* set where the unwinder came to another stack: "IRQ", "NMI" ...: printed before the frame */
	struct ka_pt_regs *regs;	/* exception or syscall entry frame above this one, NULL if none; in the arena */
	struct ka_regs state;	/* registers in this frame */
};

struct ka_stack {
	struct ka_frame *frames;
	size_t count;
	struct ka_pt_regs *user_regs;	/* user-mode registers at the entry into the kernel, printed at the end; NULL none */
	const char *note;	/* why there are no frames, or why it ended early: "(active)", "stack pointer in no stack"... */
	struct ka_error *err;	/* a fault; frames before it are good. Owned by whoever called */
	unsigned registers;	/* not 0: those of the frames were completed (for locals), with the debuginfo of modules that there was */
};

/*
 * Unwinds the kernel stack of a task into the arena. Tasks that ran at the crash start from the registers
 * of the dump (NT_PRSTATUS or QEMU's note), tasks that slept from thread_struct.
 */
struct ka_error *ka_unwind_task(struct ka_kernel *k, ka_addr task, struct ka_arena *a, struct ka_stack *ret) KA_MUST_CHECK;
const char *ka_frame_by_name(enum ka_frame_by by);
/* Index of the frame with a number as bt prints it: what an exception interrupted on the same stack has none. */
bool ka_stack_level(const struct ka_stack *st, uint32_t level, size_t *ret);

/* Where the user wants unwinding to start, in place of what the task has. */
struct ka_unwind_from {
	bool has_ip, has_sp;
	ka_addr ip, sp;		/* sp alone: the first word from there on that is a return address */
};
/* As ka_unwind_task(). from may be NULL. */
struct ka_error *ka_unwind_task_from(struct ka_kernel *k, ka_addr task, const struct ka_unwind_from *from, struct ka_arena *a,
				     struct ka_stack *ret) KA_MUST_CHECK;
/* A task each, on all cores; errors[i] says why there is nothing of stacks[i]. The frames are in arenas[i], which are made here. */
void ka_unwind_tasks(struct ka_kernel *k, const ka_addr *tasks, size_t count, struct ka_arena **arenas, struct ka_stack *stacks,
		     struct ka_error **errors);

/* A stack: of a task, or one that a CPU has for interrupts and exceptions. */
struct ka_stack_place {
	ka_addr start, end;
	const char *name;	/* "task", "IRQ", "NMI exception" ... */
};
#define KA_STACK_PLACES 16
/* Those of a CPU; at most KA_STACK_PLACES. */
unsigned ka_cpu_stack_places(struct ka_kernel *k, unsigned cpu, struct ka_stack_place *ret);
/* The stack of a task, and when it is on a CPU those of that CPU behind it. */
unsigned ka_task_stack_places(struct ka_kernel *k, ka_addr task, struct ka_stack_place *ret);
/*
 * What lies at an address taken for struct pt_regs. False: it cannot be read. *ret_is_likely: could an exception, interrupt or
 * system call have left it there?
 */
bool ka_pt_regs_at(struct ka_kernel *k, ka_addr at, struct ka_pt_regs *ret, bool *ret_is_likely);
/* Every place of [at, end) that ka_pt_regs_at() says is a likely one. The first fields are the caller's to set, the rest 0. */
struct ka_pt_regs_search {
	struct ka_arena *arena;
	ka_addr at, end;
	uint8_t *bytes;		/* memory from here on: */
	ka_addr from;
	size_t got;
};
bool ka_pt_regs_next(struct ka_kernel *k, struct ka_pt_regs_search *s, struct ka_pt_regs *ret);
/* sizeof(struct pt_regs). */
uint64_t ka_pt_regs_size(struct ka_kernel *k);
/* A return address as it lies in memory, without the signature that aarch64 may have put into it; other values as they are. */
ka_addr ka_strip_return(struct ka_kernel *k, uint64_t value);
/* Name of a register of struct ka_regs: "rax", "x29"; NULL past the last. */
const char *ka_reg_name(struct ka_kernel *k, unsigned n);

#endif
