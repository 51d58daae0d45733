/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* x86_64 registers: from NT_PRSTATUS, QEMU's CPU notes and struct pt_regs. */
#include "x86_64.h"

const char *const ka_x86_64_reg_names[X86_REGS] = {
	"rax", "rdx", "rcx", "rbx", "rsi", "rdi", "rbp", "rsp",
	"r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "rip",
};

/* The words of struct pt_regs, which NT_PRSTATUS's pr_reg starts with too. */
enum { PT_R15, PT_R14, PT_R13, PT_R12, PT_RBP, PT_RBX, PT_R11, PT_R10, PT_R9, PT_R8, PT_RAX, PT_RCX, PT_RDX, PT_RSI, PT_RDI,
       PT_ORIG_RAX, PT_RIP, PT_CS, PT_RFLAGS, PT_RSP, PT_SS, PT_WORDS };

/* As crash prints an exception frame: name, and where in pt_regs. */
static const char *const print_names[] = {
	"RIP", "RSP", "RFLAGS", "RAX", "RBX", "RCX", "RDX", "RSI", "RDI", "RBP", "R8", "R9", "R10", "R11", "R12", "R13",
	"R14", "R15", "ORIG_RAX", "CS", "SS",
};
static const uint8_t print_words[KA_COUNT(print_names)] = {
	PT_RIP, PT_RSP, PT_RFLAGS, PT_RAX, PT_RBX, PT_RCX, PT_RDX, PT_RSI, PT_RDI, PT_RBP, PT_R8, PT_R9, PT_R10, PT_R11,
	PT_R12, PT_R13, PT_R14, PT_R15, PT_ORIG_RAX, PT_CS, PT_SS,
};

/* DWARF register -> word of pt_regs */
static const uint8_t dwarf_words[X86_REGS] = {
	PT_RAX, PT_RDX, PT_RCX, PT_RBX, PT_RSI, PT_RDI, PT_RBP, PT_RSP,
	PT_R8, PT_R9, PT_R10, PT_R11, PT_R12, PT_R13, PT_R14, PT_R15, PT_RIP,
};

static void from_words(const uint64_t words[PT_WORDS], bool is_partial, struct ka_regs *ret, struct ka_pt_regs *pt)
{
	if (ret) {
		memset(ret, 0, sizeof(*ret));
		for (unsigned i = 0; i < X86_REGS; i++) {
			if (is_partial && dwarf_words[i] < PT_RIP)
				continue;
			ret->value[i] = words[dwarf_words[i]];
			ret->known |= 1ull << i;
		}
	}
	if (pt) {
		memset(pt, 0, sizeof(*pt));
		pt->count = KA_COUNT(print_names);
		pt->names = print_names;
		for (unsigned i = 0; i < pt->count; i++)
			pt->value[i] = words[print_words[i]];
		pt->is_user = (words[PT_CS] & 3) == 3;
		pt->ip = words[PT_RIP];
		pt->sp = words[PT_RSP];
	}
}

void ka_x86_64_pt_regs(const uint8_t *bytes, bool is_partial, struct ka_regs *ret, struct ka_pt_regs *pt)
{
	uint64_t words[PT_WORDS];

	memcpy(words, bytes, sizeof(words));
	from_words(words, is_partial, ret, pt);
}

/* struct elf_prstatus: 112 bytes of process facts, then pr_reg (27 words, of which the first 21 are pt_regs). */
bool ka_x86_64_prstatus(const uint8_t *desc, size_t size, struct ka_regs *ret, struct ka_pt_regs *pt)
{
	uint64_t words[PT_WORDS];

	if (size < 112 + sizeof(words))
		return false;
	memcpy(words, desc + 112, sizeof(words));
	/* a CPU that did not save its registers leaves zeros */
	if (!words[PT_RIP] && !words[PT_RSP])
		return false;
	from_words(words, false, ret, pt);
	return true;
}

/* QEMU's struct x86_64_user_regs-like state (target/i386/arch_dump.c, version 1): version, size, 18 words, segments. */
bool ka_x86_64_qemu_state(const uint8_t *desc, size_t size, struct ka_regs *ret, struct ka_pt_regs *pt)
{
	static const uint8_t order[18] = {
		PT_RAX, PT_RBX, PT_RCX, PT_RDX, PT_RSI, PT_RDI, PT_RSP, PT_RBP, PT_R8, PT_R9, PT_R10, PT_R11, PT_R12,
		PT_R13, PT_R14, PT_R15, PT_RIP, PT_RFLAGS,
	};
	enum { SEGMENTS = 8 + 18 * 8, SEGMENT_SIZE = 24, SS_INDEX = 5 };
	uint64_t words[PT_WORDS] = { [PT_ORIG_RAX] = UINT64_MAX };
	uint32_t version, selector;

	if (size < SEGMENTS + (SS_INDEX + 1) * SEGMENT_SIZE)
		return false;
	memcpy(&version, desc, sizeof(version));
	if (version != 1)
		return false;
	for (unsigned i = 0; i < KA_COUNT(order); i++)
		memcpy(&words[order[i]], desc + 8 + 8 * i, 8);
	memcpy(&selector, desc + SEGMENTS, sizeof(selector));
	words[PT_CS] = selector;
	memcpy(&selector, desc + SEGMENTS + SS_INDEX * SEGMENT_SIZE, sizeof(selector));
	words[PT_SS] = selector;
	from_words(words, false, ret, pt);
	return true;
}

/* Direct (e8 and four bytes), or indirect (ff /2 with what its address needs). */
bool ka_x86_64_is_after_call(const uint8_t *before)
{
	if (before[KA_CALL_BYTES - 5] == 0xe8)
		return true;
	for (unsigned i = 0; i + 2 <= KA_CALL_BYTES; i++)
		if (before[i] == 0xff && (before[i + 1] >> 3 & 7) == 2)
			return true;
	return false;
}
