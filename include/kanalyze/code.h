/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Machine code: bytes to instructions, their text, and what they read, write and jump to. Knows no dump and no symbols. */
#ifndef KANALYZE_CODE_H
#define KANALYZE_CODE_H

#include <kanalyze/base.h>

enum ka_insn_syntax { KA_SYNTAX_ATT, KA_SYNTAX_INTEL };		/* of x86; the others have one */

enum ka_insn_kind {
	KA_INSN_PLAIN,
	KA_INSN_CALL, KA_INSN_JUMP,
	KA_INSN_BRANCH,		/* conditional jump: goes on behind it, too */
	KA_INSN_RETURN,		/* from a call, an exception or a system call */
	KA_INSN_TRAP,		/* int3, ud2, brk, int $N, hlt: does not go on, or elsewhere first */
	KA_INSN_SYSCALL,
	KA_INSN_NOP,
	KA_INSN_BAD,		/* no instruction */
};

/* Registers have DWARF's numbers, as in struct ka_regs; their parts count as the whole. */
#define KA_NO_REG (-1)

enum ka_insn_segment { KA_SEGMENT_NONE, KA_SEGMENT_FS, KA_SEGMENT_GS };

/* Memory at segment + base + index * scale + disp. */
struct ka_insn_memory {
	int8_t base, index;	/* KA_NO_REG: none */
	uint8_t scale;		/* of index, 1 to 8 (aarch64: 1 << shift) */
	uint8_t segment;	/* enum ka_insn_segment */
	int64_t disp;
	uint32_t size;		/* bytes, 0: cannot be told */
	bool is_read, is_write;	/* neither: only the address is taken (lea, prefetch, nop) */
	bool is_implicit;	/* the stack of push, pop, call, ret; not among the operands of the text */
	bool is_index_32, is_index_signed;	/* aarch64: index is its low 32 bits, extended (uxtw, sxtw) */
	bool has_addr;		/* known without registers: absolute or relative to the instruction pointer */
	uint64_t addr;		/* then: where; without the segment's base */
};

enum ka_insn_operand_kind { KA_OPERAND_REG, KA_OPERAND_NUMBER, KA_OPERAND_MEMORY, KA_OPERAND_OTHER };

struct ka_insn_operand {
	uint8_t kind;		/* enum ka_insn_operand_kind */
	uint8_t size;		/* bytes of it that matter */
	bool is_read, is_write;
	int8_t reg;		/* general register, or KA_NO_REG: one of another kind (vector, control, segment) */
	uint8_t memory;		/* index in memory[] */
	int64_t number;
};

#define KA_INSN_OPERANDS 5
#define KA_INSN_MEMORIES 3
#define KA_INSN_BYTES 16

struct ka_insn {
	uint64_t addr;
	uint8_t bytes[KA_INSN_BYTES];
	uint8_t size;
	uint8_t kind;		/* enum ka_insn_kind */
	bool is_indirect;	/* the target of a call or jump comes from a register or from memory */
	bool has_target;
	uint64_t target;	/* of a direct call, jump or branch */
	bool has_address;	/* an address that the operands come to (without a segment's base): RIP-relative, absolute, or of adrp (with the add or load behind it) */
	uint64_t address;
	bool is_address_shown;	/* text ends with it already (target, adr, adrp): only the symbol lacks */
	char name[24];		/* "mov": as in the text, with prefixes and suffix */
	char text[160];		/* "mov    0x8(%rax),%rdx", without symbols */
	char remark[32];	/* what a disassembler adds behind: "// #1"; "" none */
	struct ka_insn_operand operands[KA_INSN_OPERANDS];	/* as the manual has them: what is written comes first */
	uint8_t operand_count;
	struct ka_insn_memory memory[KA_INSN_MEMORIES];
	uint8_t memory_count;
	uint64_t reads, writes;	/* bit n: general register n, implicit ones too */
};

struct ka_code;		/* a decoder. Not thread-safe: one for each thread */

/* arch as crash and uname -m say: "x86_64", "aarch64". UNSUPPORTED when there is no decoder for it. */
struct ka_error *ka_code_open(const char *arch, enum ka_insn_syntax syntax, struct ka_code **ret) KA_MUST_CHECK;
void ka_code_close(struct ka_code *c);
/*
 * One instruction of at most size bytes. What is none, or is cut off, is KA_INSN_BAD of one byte (aarch64: four, the
 * rest at the end): the next starts behind it. *ret is always filled; false when size is 0.
 */
bool ka_code_decode(struct ka_code *c, const uint8_t *bytes, size_t size, uint64_t addr, struct ka_insn *ret);
/* Forgets what was before (aarch64's adrp): call it where the next instruction does not follow the last one. */
void ka_code_restart(struct ka_code *c);

#endif
