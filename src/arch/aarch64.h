/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* aarch64: what its files share. */
#ifndef KA_ARCH_AARCH64_H
#define KA_ARCH_AARCH64_H

#include "arch.h"

/* DWARF numbering: x0 to x30, sp, pc (DWARF for the Arm 64-bit Architecture, table 4.1) */
enum { A64_X0, A64_FP = 29, A64_LR = 30, A64_SP = 31, A64_PC = 32, A64_REGS };

/* struct pt_regs up to syscallno; what follows differs between kernels, and its size is taken from the types. */
#define A64_PT_REGS_SIZE 288
#define A64_PRINT_LR 1		/* in the order of crash's block: PC, LR, SP, PSTATE, X29 ... */

/* Levels of tables for so many bits of address: a table resolves page_shift - 3 bits, a page page_shift. */
static inline unsigned ka_aarch64_levels(unsigned va_bits, unsigned page_shift)
{
	return (va_bits - 4) / (page_shift - 3);
}

extern const char *const ka_aarch64_reg_names[A64_REGS];
bool ka_aarch64_prstatus(const uint8_t *desc, size_t size, struct ka_regs *ret, struct ka_pt_regs *pt);
void ka_aarch64_pt_regs(const uint8_t *bytes, bool is_partial, struct ka_regs *ret, struct ka_pt_regs *pt);
bool ka_aarch64_is_after_call(const uint8_t *before);

struct ka_error *ka_aarch64_layout(const struct ka_arch_env *env, int phase, struct ka_layout *l);
bool ka_aarch64_locate(const struct ka_arch_env *env, uint64_t linked, uint64_t phys, struct ka_str *ret_lines);
struct ka_error *ka_aarch64_pt_walk(const struct ka_arch_env *env, const struct ka_layout *l, uint64_t pgd_phys, uint64_t virt,
				    struct ka_pt_walk *w, uint64_t *ret_phys, uint64_t *ret_page_size);
/* Top byte ignore: the address that a pointer with a tag (KASAN, MTE) in bits 63:56 means. */
uint64_t ka_aarch64_untag(const struct ka_layout *l, uint64_t virt);

#endif
