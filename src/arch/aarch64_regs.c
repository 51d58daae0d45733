/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* aarch64 registers: from NT_PRSTATUS and struct pt_regs, and how crash prints them. */
#include "aarch64.h"

const char *const ka_aarch64_reg_names[A64_REGS] = {
	"x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15", "x16",
	"x17", "x18", "x19", "x20", "x21", "x22", "x23", "x24", "x25", "x26", "x27", "x28", "x29", "x30", "sp", "pc",
};

/* The words of struct pt_regs; NT_PRSTATUS's pr_reg ends with pstate. orig_x0: v3.7; syscallno has 32 bits since 35d0e6fb4d21 (v4.14). */
enum { PT_SP = 31, PT_PC, PT_PSTATE, PT_USER_WORDS, PT_ORIG_X0 = PT_USER_WORDS, PT_SYSCALLNO, PT_WORDS };

#define PSTATE_MODE_MASK 0xf		/* EL0t is 0 */
#define PSTATE_MODE32 0x10
#define COMPAT_SP 13			/* of 32-bit tasks: r13 and r14 */
#define COMPAT_LR 14
#define PRSTATUS_HEADER 112

static const char *const print_names[] = {
	"PC", "LR", "SP", "PSTATE", "X29", "X28", "X27", "X26", "X25", "X24", "X23", "X22", "X21", "X20", "X19", "X18", "X17",
	"X16", "X15", "X14", "X13", "X12", "X11", "X10", "X9", "X8", "X7", "X6", "X5", "X4", "X3", "X2", "X1", "X0",
	"ORIG_X0", "SYSCALLNO",
};
enum { PRINT_X29 = 4, PRINT_ORIG_X0 = 34, PRINT_SYSCALLNO };

#define ROWS "    X29: {X29}  X28: {X28}  X27: {X27}\n    X26: {X26}  X25: {X25}  X24: {X24}\n"	\
	     "    X23: {X23}  X22: {X22}  X21: {X21}\n    X20: {X20}  X19: {X19}  X18: {X18}\n"	\
	     "    X17: {X17}  X16: {X16}  X15: {X15}\n    X14: {X14}  X13: {X13}  X12: {X12}\n"	\
	     "    X11: {X11}  X10: {X10}   X9: {X9}\n     X8: {X8}   X7: {X7}   X6: {X6}\n"		\
	     "     X5: {X5}   X4: {X4}   X3: {X3}\n     X2: {X2}   X1: {X1}   X0: {X0}"

static const char kernel_text[] =
	"     PC: {PC}  {PC@}\n     LR: {LR}  {LR@}\n     SP: {SP}  PSTATE: {PSTATE:8}\n" ROWS;
static const char user_text[] =
	"     PC: {PC}   LR: {LR}   SP: {SP}\n" ROWS "\n    ORIG_X0: {ORIG_X0}  SYSCALLNO: {SYSCALLNO:1}  PSTATE: {PSTATE:8}";
/* from NT_PRSTATUS: nobody tells of a system call */
static const char user_note_text[] = "     PC: {PC}   LR: {LR}   SP: {SP}\n" ROWS "\n    PSTATE: {PSTATE:8}";
/* a task of 32 bits: r12 to r0 */
static const char compat_text[] =
	"     PC: {PC:8}  LR: {LR:8}  SP: {SP:8}  PSTATE: {PSTATE:8}\n"
	"    X12: {X12:8} X11: {X11:8} X10: {X10:8}  X9: {X9:8}\n     X8: {X8:8}  X7: {X7:8}  X6: {X6:8}  X5: {X5:8}\n"
	"     X4: {X4:8}  X3: {X3:8}  X2: {X2:8}  X1: {X1:8}\n     X0: {X0:8}";

static void from_words(const uint64_t words[PT_WORDS], bool has_syscall, struct ka_regs *ret, struct ka_pt_regs *pt)
{
	bool is_user = !(words[PT_PSTATE] & PSTATE_MODE_MASK), is_compat = is_user && words[PT_PSTATE] & PSTATE_MODE32;

	if (ret) {
		memset(ret, 0, sizeof(*ret));
		for (unsigned i = 0; i < A64_REGS; i++) {
			ret->value[i] = words[i];
			ret->known |= 1ull << i;
		}
		if (is_compat)
			ret->value[A64_SP] = words[COMPAT_SP];
	}
	if (!pt)
		return;
	memset(pt, 0, sizeof(*pt));
	pt->count = has_syscall ? KA_COUNT(print_names) : (unsigned)PRINT_ORIG_X0;
	pt->names = print_names;
	pt->is_user = is_user;
	pt->text = is_compat ? compat_text : !is_user ? kernel_text : has_syscall ? user_text : user_note_text;
	pt->ip = words[PT_PC];
	pt->sp = words[is_compat ? COMPAT_SP : PT_SP];
	pt->value[0] = pt->ip;
	pt->value[1] = words[is_compat ? COMPAT_LR : A64_LR];
	pt->value[2] = pt->sp;
	pt->value[3] = words[PT_PSTATE];
	for (unsigned i = 0; i <= A64_FP; i++)
		pt->value[PRINT_X29 + i] = words[A64_FP - i];
	if (has_syscall) {
		pt->value[PRINT_ORIG_X0] = words[PT_ORIG_X0];
		pt->value[PRINT_SYSCALLNO] = words[PT_SYSCALLNO] & 0xffffffff;
	}
}

void ka_aarch64_pt_regs(const uint8_t *bytes, bool is_partial, struct ka_regs *ret, struct ka_pt_regs *pt)
{
	uint64_t words[PT_WORDS];

	(void)is_partial;	/* the entry code saves all of them */
	memcpy(words, bytes, sizeof(words));
	from_words(words, true, ret, pt);
}

/* struct elf_prstatus: 112 bytes of process facts, then 34 words. QEMU writes the same. */
bool ka_aarch64_prstatus(const uint8_t *desc, size_t size, struct ka_regs *ret, struct ka_pt_regs *pt)
{
	uint64_t words[PT_WORDS] = { 0 };

	if (size < PRSTATUS_HEADER + PT_USER_WORDS * sizeof(words[0]))
		return false;
	memcpy(words, desc + PRSTATUS_HEADER, PT_USER_WORDS * sizeof(words[0]));
	/* a CPU that did not save its registers leaves zeros */
	if (!words[PT_PC] && !words[PT_SP])
		return false;
	from_words(words, false, ret, pt);
	return true;
}

/* bl, blr, and blr with authentication (blraa, blrab, blraaz, blrabz) */
bool ka_aarch64_is_after_call(const uint8_t *before)
{
	uint32_t insn;

	memcpy(&insn, before + KA_CALL_BYTES - 4, sizeof(insn));
	return (insn & 0xfc000000) == 0x94000000 || (insn & 0xfffffc1f) == 0xd63f0000 || (insn & 0xfefff800) == 0xd63f0800;
}
