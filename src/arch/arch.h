/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One file an architecture: page tables, registers, stacks, layout. Blind to dumps and debuginfo: asks through ka_arch_env. */
#ifndef KA_ARCH_H
#define KA_ARCH_H

#include <kanalyze/memory.h>
#include <kanalyze/unwind.h>

/* What an architecture may ask of its surroundings. */
struct ka_arch_env {
	void *ctx;
	struct ka_error *(*read_phys)(void *ctx, uint64_t phys, void *ret, size_t size);
	/* Run-time address (link-time + KASLR) of a kernel symbol; false when unknown. */
	bool (*symbol)(void *ctx, const char *name, uint64_t *ret);
	/* VMCOREINFO line; NULL when absent. */
	const char *(*vmcoreinfo)(void *ctx, const char *key);
	/* Reads virtual memory with what is known so far (after layout: all). */
	struct ka_error *(*read)(void *ctx, uint64_t virt, void *ret, size_t size);
	/* A number the user forced (--phys-base, --kaslr ...); false when not given. */
	bool (*override)(void *ctx, const char *name, uint64_t *ret);
};

#define KA_PT_LEVELS 5
#define KA_CALL_BYTES 7

/* One translation, level by level, for vtop and for error messages. */
struct ka_pt_walk {
	struct { const char *name; uint64_t at, entry; } level[KA_PT_LEVELS];	/* physical address of the entry, its value */
	unsigned levels;		/* filled */
	uint64_t phys;
	uint64_t page_size;		/* of the page or block that was found */
	uint64_t flags;			/* of the last entry */
};

/* A bit, or a field that has a value, of a page table entry. */
struct ka_pte_bit {
	uint64_t mask, value;
	const char *name, *page_name;	/* page_name: in entries of the last level, where it means something else there; NULL: the same */
};

/* Where the kernel keeps things, per session. */
struct ka_layout {
	uint64_t kaslr_offset;		/* run-time - link-time address of the image */
	uint64_t phys_base;		/* phys = virt - text_base + phys_base within the image */
	uint64_t text_base;		/* start of the kernel image mapping (x86_64: link base of the mapping 0xffffffff80000000; aarch64: _text) */
	uint64_t image_start;		/* where the kernel begins in it (_text): what lies below is not mapped */
	uint64_t text_end;		/* end of the image mapping (exclusive) */
	uint64_t page_offset;		/* start of the direct map; 0: not known */
	uint64_t page_offset_end;
	uint64_t phys_offset;		/* physical address that page_offset maps (aarch64: memstart_addr); modulo 2^64, as the kernel counts */
	bool is_direct_map_walked;	/* page_offset_end is a bound, not known: linear() leaves the direct map to the tables */
	uint64_t vmalloc_start, vmalloc_end, vmemmap_start, vmemmap_end, modules_start, modules_end;
	uint64_t alias_start, alias_end;	/* the same few pages over and over (x86_64: espfix); 0: there is no such place */
	uint64_t pgd_phys;		/* of the kernel's own top table (init_top_pgt/swapper_pg_dir) */
	uint64_t pte_mask;		/* address bits of an entry (SME bit removed) */
	bool is_pfn_plain;		/* x86_64: entries without access do not have their address inverted (before the L1TF fixes) */
	unsigned page_shift;
	unsigned va_levels;		/* 4 or 5 on x86_64 */
	unsigned va_bits;		/* aarch64: of a virtual address as the machine runs (vabits_actual) */
	unsigned build_bits;		/* aarch64: for which the kernel was built (VA_BITS) */
	unsigned top_bits;		/* aarch64: of an address as far as the top table has entries for it */
	bool is_end_guessed;		/* aarch64: text_end is the end of what is known to be in the image */
	bool is_lpa2;			/* aarch64: entries of 4K and 16K granules carry bits 51:50 of the address in bits 9:8 */
	uint64_t pac_mask;		/* aarch64: bits of a return address that its signature may take; 0: not told */
};

/* A stack the unwinder may be on. */
struct ka_stack_area {
	uint64_t start, end;
	const char *name;		/* "task", "IRQ", "NMI", "DOUBLE FAULT", "DEBUG", "MCE", "VC", "ENTRY" ... */
};

struct ka_arch {
	const char *name;		/* "x86_64" as crash and uname -m say */
	uint16_t e_machine;
	uint8_t long_size;
	bool is_big_endian;
	unsigned page_shift;
	/* Registers, DWARF numbering. */
	const char *const *reg_names;	/* lower case: "rax" */
	unsigned reg_count, ip_reg, sp_reg, fp_reg;
	unsigned ra_reg;		/* where a call leaves the return address; ip_reg: on the stack */
	bool is_char_signed;		/* plain char, before -funsigned-char of 6.2 (3bc753c06dd0) */
	bool has_frame_records;		/* the frame pointer is the ABI's: a chain of records that can be trusted (aarch64) */
	unsigned call_size;		/* bytes of a call, where backtraces tell its own address rather than the one behind it; 0: they do not */
	/*
	 * Layout: what can be told from VMCOREINFO and symbols alone (kaslr_offset, phys_base) in phase 0, before virtual
	 * reads work; the rest (page_offset_base and other run-time variables) in phase 1.
	 */
	struct ka_error *(*layout)(const struct ka_arch_env *env, int phase, struct ka_layout *l);
	/* Without tables: the image mapping and the direct map. False: walk the tables. */
	bool (*linear)(const struct ka_layout *l, uint64_t virt, uint64_t *ret_phys);
	/* With tables from pgd_phys. UNMAPPED names the level and the entry. w may be NULL. */
	struct ka_error *(*pt_walk)(const struct ka_arch_env *env, const struct ka_layout *l, uint64_t pgd_phys, uint64_t virt,
				    struct ka_pt_walk *w, uint64_t *ret_phys, uint64_t *ret_page_size);
	bool (*is_kernel_addr)(const struct ka_layout *l, uint64_t virt);
	/* The address that a pointer means that carries a tag. May be NULL: there are none. linear() takes untagged ones. */
	uint64_t (*untag)(const struct ka_layout *l, uint64_t virt);
	/* NT_PRSTATUS descriptor (with its struct elf_prstatus header) to registers; pt in the order crash prints. */
	bool (*prstatus)(const uint8_t *desc, size_t size, struct ka_regs *ret, struct ka_pt_regs *pt);
	/* QEMU's own note of a CPU's state. May be NULL. */
	bool (*qemu_state)(const uint8_t *desc, size_t size, struct ka_regs *ret, struct ka_pt_regs *pt);
	/* struct pt_regs bytes as they lie in memory. partial: only the part the processor pushed (x86: ip cs flags sp ss) at its place in the struct. */
	size_t pt_regs_size;
	size_t pt_regs_ip_at;		/* where in it begins what the processor itself pushed, the ip first */
	int pt_ra_at;			/* which of ka_pt_regs is the link register, which strip_ip is for; 0: there is none */
	void (*pt_regs)(const uint8_t *bytes, bool is_partial, struct ka_regs *ret, struct ka_pt_regs *pt);
	/* Does a call end right before the address whose preceding KA_CALL_BYTES are given? For the scan of last resort. May be NULL: cannot tell. */
	bool (*is_after_call)(const uint8_t *before);
	/* Return address as stored to address (aarch64 pointer authentication). May be NULL: as is. */
	uint64_t (*strip_ip)(const struct ka_layout *l, uint64_t ip);
	/*
	 * For dumps without VMCOREINFO: what is at link-time address linked of vmlinux was found at phys. Adds the lines that
	 * VMCOREINFO would have of where the kernel is ("KERNELOFFSET=1a000000\n"), as far as symbols (as linked) and memory tell. False: it cannot
	 * be there. May be NULL.
	 */
	bool (*locate)(const struct ka_arch_env *env, uint64_t linked, uint64_t phys, struct ka_str *ret_lines);
	/*
	 * The physical address in an entry of a page or block of size bytes (0: of the last level); false: it maps nothing, which
	 * an entry of a page without access (PROT_NONE, NUMA balancing) does not mean.
	 */
	bool (*pte_phys)(const struct ka_layout *l, uint64_t entry, uint64_t size, uint64_t *ret);
	/*
	 * What kernels put into entries that map nothing: a number for the kind or the swap device, and an offset. They packed it
	 * in several ways; way 0 is the likeliest. False: there are no more ways.
	 */
	bool (*swap_entry)(const struct ka_layout *l, uint64_t entry, unsigned way, unsigned *ret_type, uint64_t *ret_offset);
	/* Names of the bits of a page table entry, in the order in which they are told. */
	const struct ka_pte_bit *pte_bits;
	size_t pte_bit_count;
};

/* By ELF machine; NULL when there is none. */
const struct ka_arch *ka_arch_by_machine(uint16_t e_machine);
const struct ka_arch *ka_arch_by_name(const char *name);
/* Name for e_machine also of architectures that are not supported, for the message: "s390x". NULL unknown. */
const char *ka_machine_name(uint16_t e_machine);

#endif
