/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Why the machine died: the kind of its death, the instruction that faulted, what it touched and where that pointer came from. */
#ifndef KANALYZE_FAULT_H
#define KANALYZE_FAULT_H

#include <kanalyze/code.h>
#include <kanalyze/unwind.h>
#include <kanalyze/wait.h>

enum ka_fault_kind {
	KA_FAULT_NONE,			/* nothing tells of a death */
	/* an access to memory that the processor refused */
	KA_FAULT_NULL, KA_FAULT_PAGING, KA_FAULT_GPF, KA_FAULT_EXEC, KA_FAULT_STACK_GUARD, KA_FAULT_DOUBLE, KA_FAULT_SEGMENT,
	KA_FAULT_ALIGNMENT, KA_FAULT_BUS,
	/* an instruction that it refused, or was told to refuse */
	KA_FAULT_BUG, KA_FAULT_WARN, KA_FAULT_INVALID_OPCODE, KA_FAULT_CFI, KA_FAULT_UBSAN, KA_FAULT_KASAN, KA_FAULT_DIVIDE, KA_FAULT_DEBUG,
	/* a check of the kernel's own that failed */
	KA_FAULT_LIST, KA_FAULT_REFCOUNT, KA_FAULT_SLAB, KA_FAULT_USERCOPY, KA_FAULT_FORTIFY, KA_FAULT_STACK_PROTECTOR, KA_FAULT_STACK_END,
	KA_FAULT_KCSAN, KA_FAULT_KFENCE, KA_FAULT_ATOMIC,
	/* time that ran out, resources that did */
	KA_FAULT_SOFT_LOCKUP, KA_FAULT_HARD_LOCKUP, KA_FAULT_HUNG_TASK, KA_FAULT_RCU_STALL, KA_FAULT_OOM,
	/* the machine, or who runs it */
	KA_FAULT_MCE, KA_FAULT_NMI, KA_FAULT_SERROR, KA_FAULT_SYSRQ, KA_FAULT_INIT_DIED, KA_FAULT_NO_ROOT,
	KA_FAULT_PANIC,			/* panic() with words of its own */
	KA_FAULT_OOPS,			/* an exception that nothing else names */
};
/* "null", "soft_lockup": the word in JSON. */
const char *ka_fault_kind_name(enum ka_fault_kind kind);
/* "NULL pointer dereference" */
const char *ka_fault_kind_title(enum ka_fault_kind kind);

enum ka_fault_access { KA_ACCESS_UNKNOWN, KA_ACCESS_READ, KA_ACCESS_WRITE, KA_ACCESS_EXEC };
const char *ka_fault_access_name(enum ka_fault_access access);	/* "read"; NULL: unknown */

/* What an address or a value that should have been one is. Strings are in the arena. */
struct ka_fault_place {
	const char *what;		/* "NULL page", "LIST_POISON1 + 0x8"; NULL: nothing is known of it */
	const char *kind;		/* "null", "poison", "error", "user", "slab", "vmalloc" ... */
	const char *owner;		/* cache, module, area or task it belongs to; NULL none */
	const char *const *notes;	/* more of it, NULL-terminated: who points there, what was freed */
};

struct ka_fault {
	enum ka_fault_kind kind;
	const char *message;		/* the line of the log that says it; NULL: the log does not */
	const char *panic;		/* the words of panic(); NULL: it was not called, or not heard of */
	const char *reason;		/* what is known beside the kind: "not-present page", "stuck for 26s"; NULL */
	ka_addr task;			/* whose stack it is; 0 none */
	int cpu;			/* -1 unknown */

	bool has_frame;			/* the exception's registers were found */
	size_t frame;			/* index in ka_stack.frames: the frame whose regs they are */
	struct ka_pt_regs regs;
	ka_addr ip;
	const char *function, *module;	/* of ip; NULL unknown */
	uint64_t offset;
	const char *inlined;		/* function inlined there that has the code; NULL: none */
	const char *file;
	unsigned line;
	const char *blamed, *blamed_module;	/* a check of the kernel's own failed: the function that it was made for, and where in it; NULL */
	uint64_t blamed_offset;
	const char *blamed_file;
	unsigned blamed_line;
	ka_addr caller;			/* of a jump to where no code is: where it came from; 0 */

	const char *callee, *callee_module;	/* CFI: what the pointer led to; NULL unknown */
	uint64_t callee_offset;
	const char *const *details;	/* what the log or the code adds, a sentence each: banks of a machine check, types of a call, KASAN's object; NULL none */

	bool has_insn;
	struct ka_insn insn;
	enum ka_fault_access access;
	unsigned size;			/* bytes of the access; 0 unknown */
	bool has_addr;
	ka_addr addr;			/* what the processor or the log says, else what the operands come to */
	const char *addr_by;		/* "CR2", "log", "FAR", "operands" */
	bool has_operand;		/* the operand that was touched is known: */
	int reg;			/* its base (or index), KA_NO_REG none */
	const char *reg_name;
	uint64_t reg_value;
	int64_t disp;			/* from that register */
	ka_addr computed;		/* what the operand comes to */

	const char *variable;		/* declaration of what DWARF says that register holds: "char *s, of string_nocheck"; NULL unknown */
	const char *base;		/* C for what the register held: "cmd->dev"; NULL unknown */
	const char *expression;		/* C for what was touched: "cmd->dev->vdev_update_lat_stats" */
	const char *type, *member;	/* "struct scst_device", "vdev_update_lat_stats"; NULL unknown */
	uint64_t member_offset;		/* in type */
	const char *const *chain;	/* how the value came into the register, last move first; NULL-terminated; NULL none */

	ka_addr holder;			/* where the register's value was loaded from, and still lies; 0 unknown */
	struct ka_fault_place holding;	/* of holder */
	const char *repeated;		/* stack overflow: the function that has most frames */
	size_t repeat_count;

	struct ka_fault_place place;	/* of addr */
	struct ka_fault_place value;	/* of reg_value, where that tells more */
	ka_addr blocked;		/* hung task: the one that hung; 0 */
	const struct ka_wait *wait;	/* what that one, or who spun in a lockup, waits for; NULL: nothing that is known */
	const char *wait_text, *owner_text;	/* the same in words, and who has it; NULL */
	const char *const *cycles;	/* tasks that wait for one another, and it for them, in words; NULL-terminated; NULL none */

	const char *const *earlier;	/* first lines of reports of the log that were survived; NULL-terminated; NULL none */
	const char *last_unloaded;	/* modules that went before, as the log has them; NULL none */
};

/*
 * Of the task that ended the machine. stack: of that task, or NULL: unwound here. Strings are in the arena. What cannot be read is left out; the
 * kind is NONE when the dump tells of no death.
 */
void ka_fault_explain(struct ka_kernel *k, struct ka_arena *a, const struct ka_stack *stack, struct ka_fault *ret);
/* Where an instruction's operand comes from, by the code before it, without values. ret is a fault of kind NONE. */
void ka_fault_instruction(struct ka_kernel *k, struct ka_arena *a, ka_addr ip, struct ka_fault *ret);
/* What an address is. task: whose user memory it may be in, 0: nobody's. */
void ka_fault_place(struct ka_kernel *k, struct ka_arena *a, ka_addr addr, ka_addr task, struct ka_fault_place *ret);
/* One or two sentences, each a line; the count. */
size_t ka_fault_sentences(struct ka_kernel *k, struct ka_arena *a, const struct ka_fault *f, const char *ret[2]);

/* "ENOMEM" of 12; NULL: no such. */
const char *ka_errno_name(unsigned number);

#endif
