/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The parts of the explanation of a fault: log, instruction, origin of its operand, address. */
#ifndef KA_MODEL_FAULT_H
#define KA_MODEL_FAULT_H

#include <kanalyze/fault.h>
#include <kanalyze/symbol.h>
#include <kanalyze/type.h>

/* ---- fault_log.c: lines of the log to what they say; knows no kernel ---- */

struct ka_fault_report {
	enum ka_fault_kind kind;	/* of the last report, or of what panic() said */
	const char *message, *panic;
	const char *reason;
	const char *place;		/* "lab_null.isra.0+0x5/0x10 [lab]": where the report says it was; NULL */
	bool has_addr, has_error_code, has_esr;
	uint64_t addr, error_code, esr;
	enum ka_fault_access access;	/* KASAN says it in words */
	unsigned size;
	const char *addr_by;
	bool has_phys;			/* a machine check's address, where it is one of the memory */
	uint64_t phys;
	const char *bug_file;		/* of "kernel BUG at FILE:LINE!", "WARNING: ... at FILE:LINE" */
	unsigned bug_line;
	const char *last_unloaded;
	const char *const *earlier;	/* first lines of reports that were survived, NULL-terminated, the last of them last; NULL none */
	const char *const *details;	/* what it adds, NULL-terminated; NULL none */
	bool is_panic_known;		/* the log was there and reaches to the end: silence means something */
};
/* Lines without line breaks, oldest first. */
void ka_fault_log(struct ka_arena *a, const char *const *lines, size_t count, struct ka_fault_report *ret);

/* ---- fault_mce.c: lines of a machine check to words ---- */

/* Fills reason and details. False: no line has a bank. */
bool ka_fault_mce(struct ka_arena *a, const char *const *lines, size_t count, struct ka_fault_report *r);

/* ---- fault_details.c: more lines of the log ---- */

/* Fills details by kind: lines from start of the report on, up to end. */
void ka_fault_details(struct ka_arena *a, const char *const *lines, size_t start, size_t end, struct ka_fault_report *r);

/* ---- fault_cause.c: numbers of the processor to words; knows no kernel ---- */

struct ka_fault_cause {
	enum ka_fault_kind kind;	/* NONE: the numbers do not tell */
	enum ka_fault_access access;
	bool has_access;
	const char *text;		/* "protection violation, by the kernel"; NULL */
};
/* Of x86's page fault. */
void ka_fault_x86_error(uint64_t error_code, struct ka_fault_cause *ret);
/* Why a page that is mapped was refused, when it is known whose it is; NULL: the other words say it. */
const char *ka_fault_x86_refusal(uint64_t error_code, bool is_user);
/* aarch64's exception syndrome. text in the arena. */
void ka_fault_esr(struct ka_arena *a, uint64_t esr, struct ka_fault_cause *ret);
/* By the function that entry code leads an exception to: "asm_exc_page_fault". NONE: no exception's, or one that is no fault. */
enum ka_fault_kind ka_fault_of_entry(const char *function);
/* "CFI check failed", "UBSAN: out of bounds" by the bytes of a trap instruction; NONE: an invalid opcode as any other. */
enum ka_fault_kind ka_fault_of_trap(struct ka_arena *a, bool is_aarch64, const uint8_t *bytes, size_t size, const char **ret_text);

/* ---- fault_stack.c ---- */

struct ka_stack;
/* By the functions on the stack of the task that panicked, for when the log is lost. NONE: they do not tell, or there was an exception. */
enum ka_fault_kind ka_fault_of_functions(struct ka_kernel *k, const struct ka_stack *st);

/* ---- fault_poison.c: values that are no addresses; knows no kernel ---- */

/* "LIST_POISON1 + 0x8", "ERR_PTR(-12): ENOMEM"; false: none of these. is_near: a small distance from the value will do. */
bool ka_fault_poison(struct ka_arena *a, uint64_t value, uint64_t page_size, bool is_near, const char **ret, const char **ret_kind);

/* ---- fault_bug.c: the kernel's and the modules' bug tables ---- */

struct ka_bug_entry {
	ka_addr at, file;
	char file_name[256];
	unsigned line, flags;
	bool is_warning;
	char format[256];		/* of WARN(), where the entry keeps it (v6.19); "" none */
};
/* False when no table has the address. */
bool ka_fault_bug(struct ka_kernel *k, ka_addr ip, struct ka_bug_entry *ret);

/* wait_name.c: "kdie_disk.meta_lock": the member of a variable that lies at an address; NULL: types do not tell. */
const char *ka_fault_variable_path(struct ka_kernel *k, struct ka_arena *a, ka_addr at);

/* ---- fault_slab.c: who allocated and freed a slab object ---- */

struct ka_slab_object;
/* Sentences of what slub_debug or KASAN keeps beside it; the count. */
size_t ka_fault_tracks(struct ka_kernel *k, struct ka_arena *a, const struct ka_slab_object *o, bool is_free, const char *ret[2]);

/* ---- fault_kasan.c: what KASAN's shadow says ---- */

/* The address that a byte of the shadow is of. False: no shadow, or not KASAN. */
bool ka_kasan_of_shadow(struct ka_kernel *k, ka_addr at, ka_addr *ret);
/* The byte of the shadow for an address. False: none. */
bool ka_kasan_shadow(struct ka_kernel *k, ka_addr at, uint8_t *ret);
/* "a freed object"; NULL: all 8 bytes may be touched, or the byte is not known. */
const char *ka_kasan_shadow_text(struct ka_arena *a, uint8_t byte);
/* Has the object that begins there been freed, though it may wait in quarantine? ret_has_track: and says who did it. */
bool ka_kasan_is_freed(struct ka_kernel *k, ka_addr object, bool *ret_has_track);

/* ---- fault_list.c ---- */

/* Of a list that is corrupted: fills details. st: of the panic task; f has the exception's frame. */
void ka_fault_list(struct ka_kernel *k, struct ka_arena *a, const struct ka_stack *st, struct ka_fault *f);

/* ---- fault_gone.c: where a module was ---- */

/* In the modules' range, and no module's nor code that the kernel made. */
bool ka_fault_is_gone(struct ka_kernel *k, ka_addr at);
/* Objects in lists of the kernel that lie there or point there: sentences; the count, at most max. */
size_t ka_fault_left(struct ka_kernel *k, struct ka_arena *a, const char **notes, size_t max);

/* ---- fault_page.c ---- */

struct ka_page;
/* Whose page it is: "page 3 of /etc/passwd", "anonymous memory of PID 7 (sh) at 0x..."; NULL: nobody's that is known. */
const char *ka_fault_page_owner(struct ka_kernel *k, struct ka_arena *a, const struct ka_page *p);

/* ---- fault_member.c: what lies at an offset of a type ---- */

/* A member's path as it is written behind the type's expression: ".a.b[3].c"; type is that of the member. In the arena. */
struct ka_fault_member {
	const char *path;		/* without the leading dot; "" the type itself */
	struct ka_type type;
	uint64_t rest;			/* bytes into the member */
};
/* size: bytes that are touched, 0 unknown: of members at the same offset the one of that size. False: beyond the type. */
bool ka_fault_member(struct ka_kernel *k, struct ka_arena *a, const struct ka_type *t, uint64_t offset, uint64_t size,
		     struct ka_fault_member *ret);
/* "struct foo", "unsigned long": a name that the user would write. NULL: anonymous. */
const char *ka_fault_type_text(struct ka_kernel *k, struct ka_arena *a, const struct ka_type *t);

/* ---- fault_code.c: a function's instructions, and who comes before whom ---- */

struct ka_fault_code {
	struct ka_symbol symbol;
	ka_addr end;
	struct ka_insn *insns;
	size_t count;
	uint32_t *jumps;		/* jumps[i]: the first of the edges that lead to i, chained by edges[].next; UINT32_MAX: none */
	struct { uint32_t from, next; } *edges;
	size_t edge_count;
	bool has_unknown_jumps;		/* a jump through a table or a tail call through a pointer */
};
/* From bytes; symbol and end are the caller's. False: no decoder for that architecture. */
bool ka_fault_code_decode(struct ka_arena *a, const char *arch, const uint8_t *bytes, size_t size, ka_addr addr, struct ka_fault_code *ret);
/* Whole function of ip, decoded, and which instruction is there; false when it cannot be read or is too large. */
bool ka_fault_code_read(struct ka_kernel *k, struct ka_arena *a, ka_addr ip, struct ka_fault_code *ret, size_t *ret_at);

/* Where a register, or a place on the stack, got its value that it has before an instruction. */
struct ka_fault_defs {
	size_t at[8];			/* instructions that wrote it */
	size_t count;
	bool is_entry;			/* as the function was entered, on some path */
	bool is_unknown;		/* on some path it cannot be told */
};
void ka_fault_reg_defs(const struct ka_fault_code *c, bool is_aarch64, size_t at, int reg, struct ka_fault_defs *ret);
/* The 8 bytes at disp from register base. */
void ka_fault_slot_defs(const struct ka_fault_code *c, bool is_aarch64, size_t at, int base, int64_t disp, struct ka_fault_defs *ret);

/* ---- fault_caller.c: deaths that no exception tells of ---- */

/* st: of the panic task. Fills function, file and line of whoever called panic() or is complained of. */
void ka_fault_caller(struct ka_kernel *k, struct ka_arena *a, const struct ka_stack *st, struct ka_fault *f);
/* fault.c: debuginfo of the module that has the address is looked for, once. */
void ka_fault_module(struct ka_kernel *k, ka_addr ip);

/* ---- fault_wait.c: what the hung task, or the CPU that locked up, waits for ---- */

/* st: of the panic task. */
void ka_fault_wait(struct ka_kernel *k, struct ka_arena *a, const struct ka_stack *st, struct ka_fault *f);

/* ---- fault_origin.c: what that value is, in C where types tell ---- */

struct ka_fault_trace {
	struct ka_kernel *k;
	struct ka_arena *a;
	bool is_aarch64;
	const struct ka_stack *stack;	/* NULL: callers are not asked */
	unsigned work;			/* moves followed so far */
};

enum ka_origin_kind {
	KA_ORIGIN_UNKNOWN, KA_ORIGIN_ARGUMENT, KA_ORIGIN_LOAD, KA_ORIGIN_ADDRESS, KA_ORIGIN_CONSTANT, KA_ORIGIN_RESULT, KA_ORIGIN_SYMBOL,
	KA_ORIGIN_PERCPU,
};
struct ka_origin {
	enum ka_origin_kind kind;
	const struct ka_origin *base;	/* LOAD, ADDRESS: of the register; ARGUMENT: as the caller passed it, NULL unknown */
	int reg;			/* that insn gave the value to, KA_NO_REG: none */
	int base_reg;
	int64_t disp;			/* LOAD, ADDRESS */
	uint64_t number;		/* CONSTANT; SYMBOL, PERCPU: its address; ARGUMENT: which, from 0 */
	bool is_loaded;			/* SYMBOL, PERCPU: what it holds, else its address */
	bool is_indexed;		/* ADDRESS: and an index besides, so that disp counts from some element */
	bool is_stack;			/* LOAD from a place on the stack: base is what was stored there, NULL unknown */
	unsigned choices;		/* more than one: on different paths from different places; this is one of them */
	const char *name;		/* ARGUMENT, SYMBOL, PERCPU; RESULT: the function called; NULL unknown */
	const struct ka_insn *insn;	/* that did it; NULL: none */
	const char *function;		/* in which it was */
	ka_addr function_at;
	const char *expression;		/* in C; NULL unknown */
	struct ka_type type;		/* of the value */
	bool has_type;
};
/* Of a register before instruction at; frame: index in the stack of the code's frame. In the arena, never NULL. */
const struct ka_origin *ka_fault_origin(struct ka_fault_trace *t, const struct ka_fault_code *code, size_t at, int reg, size_t frame);
/* What the bytes at o + disp are, in C: false when o is no pointer to a type that tells. */
struct ka_fault_target {
	const char *expression;		/* NULL: o has none */
	const char *type, *member;
	uint64_t offset;		/* in type */
	struct ka_type member_type;
};
bool ka_fault_target(struct ka_fault_trace *t, const struct ka_origin *o, int64_t disp, uint64_t size, struct ka_fault_target *ret);
/* One line a move, last move first. NULL-terminated; NULL: nothing is known. */
const char *const *ka_fault_chain(struct ka_fault_trace *t, int reg, const struct ka_origin *o);
/* As the blocks of bt name it, by its DWARF number: "RDI", "X0". */
const char *ka_fault_reg_name(bool is_aarch64, int reg);
bool ka_fault_is_aarch64(struct ka_kernel *k);

/* ---- fault_cfi.c ---- */

/* False: at f->ip there is no check of an indirect call's type. A check that faulted itself makes it KA_FAULT_EXEC. */
bool ka_fault_cfi(struct ka_fault_trace *t, struct ka_fault *f, const struct ka_regs *regs, size_t frame);

/* ---- fault_insn.c ---- */

/*
 * The place that a value in a register came from, when it still has it: f->holder. code, n: the instruction that has the value in a register
 * with this origin.
 */
void ka_fault_holder(struct ka_fault_trace *t, struct ka_fault *f, const struct ka_fault_code *code, size_t n, const struct ka_origin *o,
		     const struct ka_regs *regs);
/* Fills what the instruction at f->ip and its operand tell; regs NULL: no values. frame: of f->ip in the stack. */
void ka_fault_decode(struct ka_fault_trace *t, struct ka_fault *f, const struct ka_regs *regs, size_t frame);

#endif
