/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the processor says of an exception: x86's error code, aarch64's syndrome, the entry that was taken, the trap's own bytes. */
#include "fault.h"

/* Bits of the error code of x86's page fault. */
enum { PF_PROT = 1, PF_WRITE = 2, PF_USER = 4, PF_RSVD = 8, PF_INSTR = 16, PF_PK = 32, PF_SHSTK = 64, PF_SGX = 1 << 15, PF_RMP = 1u << 31 };

void ka_fault_x86_error(uint64_t code, struct ka_fault_cause *ret)
{
	*ret = (struct ka_fault_cause){ .kind = KA_FAULT_PAGING, .has_access = true };
	ret->access = code & PF_INSTR ? KA_ACCESS_EXEC : code & PF_WRITE ? KA_ACCESS_WRITE : KA_ACCESS_READ;
	if (code & PF_INSTR)
		ret->kind = KA_FAULT_EXEC;
	ret->text = code & PF_RMP ? "the page belongs to another guest or to the hypervisor (RMP)" :
		    code & PF_RSVD ? "the page tables have a reserved bit set" :
		    code & PF_SGX ? "the page is an SGX enclave's" :
		    code & PF_SHSTK ? "access of a shadow stack" :
		    code & PF_PK ? "refused by a protection key" :
		    !(code & PF_PROT) ? "no page is mapped there" :
		    code & PF_INSTR ? "the page is not executable" :
		    code & PF_WRITE ? "the page is read-only, or user memory (SMAP)" : "the page is protected, or user memory (SMAP)";
}

const char *ka_fault_x86_refusal(uint64_t code, bool is_user)
{
	if (!(code & PF_PROT) || code & (PF_USER | PF_RSVD | PF_PK | PF_SHSTK | PF_SGX | PF_RMP))
		return NULL;
	if (is_user)
		return code & PF_INSTR ? "user memory, not to be executed by the kernel (SMEP)" :
		       "user memory, not to be touched outside of copy_to_user() and its like (SMAP)";
	return code & PF_INSTR ? NULL : code & PF_WRITE ? "the page is read-only" : "the page is protected";
}

static const char *fault_status(struct ka_arena *a, unsigned fsc)
{
	switch (fsc) {
	case 0x00 ... 0x03: return ka_printf(a, "address size fault, level %u", fsc & 3);
	case 0x04 ... 0x07: return ka_printf(a, "no page is mapped there (translation fault, level %u)", fsc & 3);
	case 0x08 ... 0x0b: return ka_printf(a, "access flag fault, level %u", fsc & 3);
	case 0x0c ... 0x0f: return ka_printf(a, "the page's permissions refuse it (permission fault, level %u)", fsc & 3);
	case 0x10: return "synchronous external abort";
	case 0x11: return "tag check fault (MTE): the pointer's tag is not that of the memory";
	case 0x13: return "synchronous external abort on the table walk, level -1";
	case 0x14 ... 0x17: return ka_printf(a, "synchronous external abort on the table walk, level %u", fsc & 3);
	case 0x18: return "parity or ECC error";
	case 0x1c ... 0x1f: return ka_printf(a, "parity or ECC error on the table walk, level %u", fsc & 3);
	case 0x21: return "unaligned address";
	case 0x29: return "address size fault, level -1";
	case 0x2b: return "no page is mapped there (translation fault, level -1)";
	case 0x30: return "TLB conflict";
	case 0x34: return "lockdown";
	case 0x35: return "unsupported exclusive or atomic access";
	default: return ka_printf(a, "fault status 0x%x", fsc);
	}
}

static enum ka_fault_kind kind_of_brk(struct ka_arena *a, unsigned imm, const char **ret_text);

void ka_fault_esr(struct ka_arena *a, uint64_t esr, struct ka_fault_cause *ret)
{
	unsigned ec = esr >> 26 & 0x3f, fsc = esr & 0x3f;

	*ret = (struct ka_fault_cause){0};
	switch (ec) {
	case 0x00: ret->kind = KA_FAULT_INVALID_OPCODE; ret->text = "undefined instruction"; break;
	case 0x0d: ret->kind = KA_FAULT_CFI; ret->text = "branch target exception (BTI): an indirect branch to where there is no landing pad"; break;
	case 0x0e: ret->kind = KA_FAULT_OOPS; ret->text = "illegal execution state"; break;
	case 0x1c: ret->kind = KA_FAULT_CFI; ret->text = "pointer authentication failed (FPAC)"; break;
	case 0x2d: ret->kind = KA_FAULT_CFI; ret->text = "guarded control stack exception"; break;
	case 0x20: case 0x21:
		ret->kind = KA_FAULT_EXEC;
		ret->access = KA_ACCESS_EXEC;
		ret->has_access = true;
		ret->text = fault_status(a, fsc);
		break;
	case 0x24: case 0x25:
		ret->kind = fsc == 0x21 ? KA_FAULT_ALIGNMENT : fsc == 0x10 || (fsc >= 0x13 && fsc <= 0x1f) ? KA_FAULT_BUS : KA_FAULT_PAGING;
		/* WnR: also set by cache maintenance (CM), which writes nothing */
		ret->access = esr & 1 << 6 && !(esr & 1 << 8) ? KA_ACCESS_WRITE : KA_ACCESS_READ;
		ret->has_access = true;
		ret->text = fault_status(a, fsc);
		break;
	case 0x22: ret->kind = KA_FAULT_EXEC; ret->text = "unaligned program counter"; break;
	case 0x26: ret->kind = KA_FAULT_ALIGNMENT; ret->text = "unaligned stack pointer"; break;
	case 0x2f: ret->kind = KA_FAULT_SERROR; ret->text = "SError"; break;
	case 0x3c: ret->kind = kind_of_brk(a, esr & 0xffff, &ret->text); break;
	case 0x30: case 0x31: case 0x32: case 0x33: case 0x34: case 0x35: ret->kind = KA_FAULT_DEBUG; ret->text = "debug exception"; break;
	default: ret->kind = KA_FAULT_OOPS; ret->text = ka_printf(a, "exception class 0x%x", ec); break;
	}
}

/* Entry code's functions of today and of before 5.8 (x86), and of 5.13 and before (aarch64). */
static const struct {
	const char *function;
	uint8_t kind;
} entries[] = {
	{ "asm_exc_page_fault", KA_FAULT_PAGING }, { "page_fault", KA_FAULT_PAGING }, { "async_page_fault", KA_FAULT_PAGING },
	{ "asm_exc_general_protection", KA_FAULT_GPF }, { "general_protection", KA_FAULT_GPF },
	{ "asm_exc_invalid_op", KA_FAULT_INVALID_OPCODE }, { "invalid_op", KA_FAULT_INVALID_OPCODE },
	{ "asm_exc_divide_error", KA_FAULT_DIVIDE }, { "divide_error", KA_FAULT_DIVIDE },
	{ "asm_exc_double_fault", KA_FAULT_DOUBLE }, { "double_fault", KA_FAULT_DOUBLE },
	{ "asm_exc_stack_segment", KA_FAULT_SEGMENT }, { "stack_segment", KA_FAULT_SEGMENT },
	{ "asm_exc_alignment_check", KA_FAULT_ALIGNMENT }, { "alignment_check", KA_FAULT_ALIGNMENT },
	{ "asm_exc_control_protection", KA_FAULT_CFI }, { "asm_exc_machine_check", KA_FAULT_MCE }, { "machine_check", KA_FAULT_MCE },
	{ "asm_exc_int3", KA_FAULT_DEBUG }, { "int3", KA_FAULT_DEBUG }, { "asm_exc_debug", KA_FAULT_DEBUG },
	{ "asm_exc_nmi", KA_FAULT_NMI }, { "nmi", KA_FAULT_NMI }, { "end_repeat_nmi", KA_FAULT_NMI }, { "asm_exc_nmi_kvm_vmx", KA_FAULT_NMI },
	{ "el1h_64_sync", KA_FAULT_OOPS }, { "el1t_64_sync", KA_FAULT_OOPS }, { "el1_sync", KA_FAULT_OOPS }, { "el1_da", KA_FAULT_OOPS },
	{ "el1_ia", KA_FAULT_OOPS }, { "__bad_stack", KA_FAULT_STACK_GUARD }, { "el1h_64_error", KA_FAULT_SERROR }, { "el1_error", KA_FAULT_SERROR },
};

enum ka_fault_kind ka_fault_of_entry(const char *function)
{
	for (size_t i = 0; function && i < KA_COUNT(entries); i++)
		if (!strcmp(function, entries[i].function))
			return entries[i].kind;
	return KA_FAULT_NONE;
}

/* The handlers of clang's sanitizers, in the order of its runtime's numbers. */
static const char *const ubsan[] = {
	"addition overflows", "unreachable code was reached", "control flow check", "division by zero or overflow", "type cache miss",
	"conversion of a float overflows", "call through a pointer of another function type", "implicit conversion loses value",
	"argument that a builtin must not have", "cast to the wrong class", "value that its type (bool, enum) cannot have", "function ends without a return",
	"multiplication overflows", "negation overflows", "null argument", "null returned", "null argument that is declared nonnull",
	"null returned by what is declared returns_nonnull", "index out of bounds", "pointer arithmetic overflows", "shift out of bounds",
	"subtraction overflows", "null, misaligned or too small an object", "alignment that was promised is not there", "array of a size that is not positive",
};

static const char *ubsan_text(struct ka_arena *a, unsigned n)
{
	return n < KA_COUNT(ubsan) ? ubsan[n] : ka_printf(a, "check %u", n);
}

/* arch/arm64/include/asm/brk-imm.h */
static enum ka_fault_kind kind_of_brk(struct ka_arena *a, unsigned imm, const char **ret_text)
{
	*ret_text = NULL;
	if (imm == 0x800)
		return KA_FAULT_BUG;
	if (imm >= 0x900 && imm <= 0x9ff) {
		/* KASAN in software tags mode: 0x20 recover, 0x10 write, size as a power of two */
		*ret_text = ka_printf(a, "KASAN: %s%s", imm & 0x10 ? "write" : "read",
				      (imm & 0xf) == 0xf ? "" : ka_printf(a, " of %u bytes", 1u << (imm & 7)));
		return KA_FAULT_KASAN;
	}
	if (imm >= 0x5500 && imm <= 0x55ff) {
		*ret_text = ubsan_text(a, imm & 0xff);
		return KA_FAULT_UBSAN;
	}
	if (imm >= 0x8000 && imm <= 0x83ff) {
		*ret_text = ka_printf(a, "the target is in x%u, the type it should have in w%u", imm & 31, imm >> 5 & 31);
		return KA_FAULT_CFI;
	}
	*ret_text = ka_printf(a, "brk #0x%x%s", imm, imm >= 4 && imm <= 7 ? " (kprobe)" : imm == 0x400 || imm == 0x401 ? " (kgdb)" :
			      imm == 0x100 ? " (memory that was filled with trap instructions)" : "");
	return KA_FAULT_DEBUG;
}

enum ka_fault_kind ka_fault_of_trap(struct ka_arena *a, bool is_aarch64, const uint8_t *b, size_t size, const char **ret_text)
{
	size_t at = 0;

	*ret_text = NULL;
	if (is_aarch64) {
		uint32_t w = size >= 4 ? (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24 : 0;

		return (w & 0xffe0001f) == 0xd4200000 ? kind_of_brk(a, w >> 5 & 0xffff, ret_text) : KA_FAULT_NONE;
	}
	if (size && b[0] == 0x67)
		at = 1;
	/* ud1 with the number of the check as its displacement: clang's trapping sanitizers (7424fc6b86c8, v6.12) */
	if (at + 4 <= size && b[at] == 0x0f && b[at + 1] == 0xb9 && (b[at + 2] & 0xc0) == 0x40) {
		*ret_text = ubsan_text(a, b[at + 3]);
		return KA_FAULT_UBSAN;
	}
	if (at + 7 <= size && b[at] == 0x0f && b[at + 1] == 0xb9 && (b[at + 2] & 0xc0) == 0x80) {
		*ret_text = ubsan_text(a, b[at + 3] | (unsigned)b[at + 4] << 8);
		return KA_FAULT_UBSAN;
	}
	return KA_FAULT_NONE;
}
