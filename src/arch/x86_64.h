/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* x86_64: what its files share. */
#ifndef KA_ARCH_X86_64_H
#define KA_ARCH_X86_64_H

#include "arch.h"

/* DWARF numbering, System V AMD64 psABI figure 3.36 */
enum { X86_RAX, X86_RDX, X86_RCX, X86_RBX, X86_RSI, X86_RDI, X86_RBP, X86_RSP, X86_R8, X86_R15 = 15, X86_RIP, X86_REGS };

#define X86_PT_REGS_SIZE 168	/* 21 words: arch/x86/include/asm/ptrace.h, the same since 2.6.24 */

#define X86_PT_REGS_IP_AT 128

extern const char *const ka_x86_64_reg_names[X86_REGS];
bool ka_x86_64_prstatus(const uint8_t *desc, size_t size, struct ka_regs *ret, struct ka_pt_regs *pt);
bool ka_x86_64_qemu_state(const uint8_t *desc, size_t size, struct ka_regs *ret, struct ka_pt_regs *pt);
void ka_x86_64_pt_regs(const uint8_t *bytes, bool is_partial, struct ka_regs *ret, struct ka_pt_regs *pt);
bool ka_x86_64_is_after_call(const uint8_t *before);

#endif
