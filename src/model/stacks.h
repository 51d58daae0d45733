/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The stacks of a task and its CPU, and the registers a CPU had. Private to the model. */
#ifndef KA_MODEL_STACKS_H
#define KA_MODEL_STACKS_H

#include <kanalyze/task.h>
#include <kanalyze/unwind.h>
#include "kernel.h"
#include "made_text.h"

#define KA_STACKS_MAX 16

struct ka_hidden_names;
struct ka_stacks {
	struct ka_stack_area area[KA_STACKS_MAX];
	unsigned count;
	ka_addr task;		/* whose they are; 0: of a CPU */
	const struct ka_hidden_names *hidden;	/* asked for once a task, not once a frame; NULL: not yet */
};

/* unwind_hidden.c: where a return address lay that tracing replaced; what is not known is 0. */
struct ka_hidden_place {
	ka_addr slot;		/* of the return address on the stack */
	ka_addr sp, fp;		/* of the caller */
};
/* How many of the newest true ones belong to frames that were passed. */
struct ka_hidden_used { unsigned graph, probe; };
/* Is it the code that the function graph tracer or a return probe has in place of return addresses? */
const struct ka_hidden_names *ka_hidden_names(struct ka_kernel *k);
bool ka_is_hidden(const struct ka_hidden_names *n, uint64_t v);
/* The true address that v stands for at p. False: v is itself true, or nobody knows. */
bool ka_unhide(struct ka_kernel *k, ka_addr task, const struct ka_hidden_place *p, struct ka_hidden_used *used, uint64_t v, uint64_t *ret);

/* The task's own stack first; those of its CPU (IRQ, exceptions, entry) only when it is on one. */
void ka_stacks_of(struct ka_kernel *k, const struct ka_task *t, bool is_active, unsigned cpu, struct ka_stacks *ret);
const struct ka_stack_area *ka_stacks_at(const struct ka_stacks *s, ka_addr sp);
void ka_stacks_add(struct ka_stacks *s, ka_addr start, uint64_t size, const char *name);
/* A word of a per-CPU variable. */
bool ka_percpu_ulong(struct ka_kernel *k, const char *name, unsigned cpu, uint64_t offset, uint64_t *ret);
/* sizeof(union thread_union): THREAD_SIZE. */
uint64_t ka_thread_size(struct ka_kernel *k);

/* Registers of a CPU at the crash: from the notes of the dump, or the crash_notes in its memory. False: nobody saved them. */
bool ka_cpu_regs(struct ka_kernel *k, unsigned cpu, struct ka_regs *ret, struct ka_pt_regs *ret_pt);

/* Where unwinding stands. */
struct ka_cursor {
	struct ka_regs regs;
	ka_addr ip, sp, ret_at;
	bool is_call;		/* ip is a return address */
	bool is_end;
	bool is_framed;		/* by a frame pointer of a kernel all of whose functions keep one: as good as unwind data */
	bool is_scanned;	/* a scan came before: frame records that it led to are guesses as well */
	bool is_doubted;	/* ip is a return address that can hardly be one: see ka_is_doubted() */
	bool is_trial;		/* no guesses, please: it is to be proved that there is a way without */
	struct ka_hidden_used hidden;
	enum ka_frame_by by;
	struct ka_pt_regs *pt;	/* the exception frame this step came through; NULL: none */
	const char *left;	/* name of the stack the step left; NULL: stayed */
};

/* unwind_fp.c: do all C functions of this x86 kernel make frame records, and is there no ORC? */
bool ka_has_frame_pointers(struct ka_kernel *k);
/* Of such a kernel: has the function at ip, where it was interrupted, its record made, and not undone? */
bool ka_is_framed_at(struct ka_kernel *k, ka_addr ip);

/* How Linux keeps stacks on one architecture: beside src/arch, which tells of the machine itself. */
struct ka_stack_ops {
	uint16_t e_machine;
	void (*add_cpu_stacks)(struct ka_kernel *k, unsigned cpu, struct ka_stacks *s);
	/* Where the scheduler left a task whose saved stack pointer is known to be in its stack. *ret_note: why not. */
	bool (*start_sleeping)(struct ka_kernel *k, const struct ka_task *t, struct ka_cursor *ret, const char **ret_note);
	/*
	 * Is c a function of the entry code, behind which lie the registers it saved, or the end of the stack? Rules then say so
	 * (is_pt_regs with the CFA at struct pt_regs, or is_end). May be NULL: unwind data tell.
	 */
	bool (*entry_rules)(struct ka_kernel *k, const struct ka_stacks *s, const struct ka_cursor *c, struct ka_frame_rules *ret);
	/*
	 * How to leave code that the kernel made. *ret_alias: else an address of the kernel whose unwind data tell, as the code is a copy of
	 * what lies there. False: nobody knows. May be NULL.
	 */
	bool (*made_rules)(struct ka_kernel *k, const struct ka_cursor *c, const struct ka_made_text *t, ka_addr *ret_alias,
			   struct ka_frame_rules *ret);
	/*
	 * A function was interrupted at ip, where nothing tells of its frame, and ret is in the link register. Is that certainly where it
	 * returns to? May be NULL: cannot be told.
	 */
	bool (*is_caller)(struct ka_kernel *k, ka_addr ip, ka_addr function, ka_addr ret);
	/* A look at the bytes of a struct pt_regs: false only where is_saved() would say so. May be NULL. */
	bool (*may_be_saved)(const uint8_t *bytes);
	/* Could an exception, interrupt or system call have saved this? */
	bool (*is_saved)(struct ka_kernel *k, const struct ka_pt_regs *pt);
	/* The last functions of a CPU at a crash, which go on after the registers were saved; the innermost first. */
	const char *ends[8];
};
/* made_x86_64.c */
bool ka_made_rules_x86_64(struct ka_kernel *k, const struct ka_cursor *c, const struct ka_made_text *t, ka_addr *ret_alias,
			  struct ka_frame_rules *ret);
extern const struct ka_stack_ops ka_stacks_x86_64, ka_stacks_aarch64;
/* NULL: nobody knows. */
const struct ka_stack_ops *ka_stack_ops(const struct ka_kernel *k);

/* Sets a register by its DWARF name: "rbp", "x29". */
void ka_cursor_set(struct ka_kernel *k, struct ka_cursor *c, const char *name, uint64_t value);
void ka_cursor_set_ip(struct ka_kernel *k, struct ka_cursor *c, ka_addr ip);
/* rbp (x29) points to the saved one, and the return address lies above it. With sp: nothing was pushed yet, and it lies there. */
void ka_fp_rules(struct ka_kernel *k, struct ka_frame_rules *ret);
void ka_entered_rules(struct ka_kernel *k, struct ka_frame_rules *ret);
/*
 * Return addresses that unwind data led to, but that are no code, or follow no call: the stack was overwritten there, or the
 * module is gone. False when the code cannot be read.
 */
bool ka_is_doubted(struct ka_kernel *k, ka_addr ip);
/* Is it so of the caller that a step came to (not of guesses), or does its frame record (aarch64) lie on no stack? */
bool ka_cursor_is_doubted(struct ka_kernel *k, const struct ka_stacks *s, const struct ka_cursor *c);
/* aarch64: does the caller's frame record, too, lie on a stack? Then the chain is whole, whatever the return address is. */
bool ka_cursor_is_chained(const struct ka_kernel *k, const struct ka_stacks *s, const struct ka_cursor *c);
/* Why, in words; c is there. */
struct ka_error *ka_doubt(struct ka_kernel *k, const struct ka_cursor *c);
/*
 * Where entry code saved pt_regs, as its CFI tells: of kernels before 131484c8da97 (v4.3), that of code which has switched to
 * the IRQ stack counts one word too few (SAVE_ARGS_IRQ; seen in RHEL 6 and 7).
 */
ka_addr ka_entry_regs(struct ka_kernel *k, ka_addr at);
/* Is it an address in code with a call right before it? */
bool ka_unwind_is_return(struct ka_kernel *k, uint64_t v);
void ka_cursor_from_regs(struct ka_kernel *k, const struct ka_regs *regs, struct ka_cursor *ret);
/* From a return address found at a slot of a stack. False when it cannot be read. */
bool ka_cursor_from_slot(struct ka_kernel *k, ka_addr slot, struct ka_cursor *ret);
/* unwind_scan.c: to the next word that could be a return address. */
struct ka_error *ka_cursor_scan(struct ka_kernel *k, const struct ka_stacks *s, struct ka_cursor *c) KA_MUST_CHECK;
/* To one of the next from which unwinding comes to the end of the stack. False: there is none, *c is unchanged. */
bool ka_cursor_scan_proved(struct ka_kernel *k, const struct ka_stacks *s, struct ka_cursor *c, struct ka_arena *a);
/* To the caller. *c is the caller afterwards, or is_end. Error: cannot go on, *c unchanged. */
struct ka_error *ka_cursor_step(struct ka_kernel *k, const struct ka_stacks *s, struct ka_cursor *c, struct ka_arena *a) KA_MUST_CHECK;
/* Where a task's unwinding starts. *ret_note says why there is nothing to start from when false. */
bool ka_unwind_start(struct ka_kernel *k, const struct ka_task *t, const struct ka_stacks *s, bool is_active, unsigned cpu,
		     struct ka_arena *a, struct ka_cursor *ret, const char **ret_note);
/*
 * Does what a sleeping task left lead into the scheduler, or is it a new task that goes on in ret_from_fork? Else the saved stack
 * pointer is wrong, though it is in the stack.
 */
bool ka_unwind_is_switched(struct ka_kernel *k, const struct ka_stacks *s, const struct ka_cursor *c);
/* Of a task that sleeps and whose saved stack pointer is lost. */
bool ka_unwind_start_lost(struct ka_kernel *k, const struct ka_task *t, const struct ka_stacks *s, struct ka_arena *a,
			  struct ka_cursor *ret, const char **ret_note);
/* From the stack pointer that the user gave (has_sp). */
struct ka_error *ka_unwind_start_at(struct ka_kernel *k, const struct ka_stacks *s, const struct ka_unwind_from *from,
				    struct ka_cursor *ret) KA_MUST_CHECK;

#endif
