/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* x86_64 alone: page tables described as text, the layout from VMCOREINFO and symbols, registers from notes and memory. */
#include <elf.h>
#include <stdlib.h>
#include "arch_world.h"
#include "check.h"
#include "x86_64.h"

#define IMAGE 0xffffffff80000000ull

/*
 * Lines: "TABLE[INDEX] -> PHYS words": an entry; words: big (PSE), pat (bit 12), enc (bit 47, SME), nx, absent (not present), only.
 *        "VIRT = PHYS 4K|2M|1G": translates so. "VIRT ! text": does not, and the error has the text and is of VIRT.
 */
static void check_tables(const char *text, unsigned levels, uint64_t pte_mask)
{
	const struct ka_arch *arch = ka_arch_by_name("x86_64");
	struct ka_layout l = { .page_shift = 12, .va_levels = levels, .pgd_phys = 0x1000, .pte_mask = pte_mask };
	char *copy = strdup(text), *save = NULL;

	memset(&w, 0, sizeof(w));
	for (char *line = strtok_r(copy, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		uint64_t table, index, to, virt, phys = 0, size = 0;
		char words[128] = "", unit = 0;
		struct ka_pt_walk walk;
		struct ka_error *err;
		unsigned number;

		if (sscanf(line, "%" SCNx64 "[%" SCNu64 "] -> %" SCNx64 " %127[^\n]", &table, &index, &to, words) >= 3) {
			to |= strstr(words, "absent") ? 0 : 0x63;
			to |= strstr(words, "big") ? 0x80 : 0;
			to |= strstr(words, "pat") ? 0x1000 : 0;
			to |= strstr(words, "enc") ? 1ull << 47 : 0;
			to |= strstr(words, "nx") ? 1ull << 63 : 0;
			memcpy(w.memory + table + index * 8, &to, 8);
		} else if (sscanf(line, "%" SCNx64 " = %" SCNx64 " %u%c", &virt, &to, &number, &unit) == 4) {
			err = arch->pt_walk(&env, &l, l.pgd_phys, virt, &walk, &phys, &size);
			if (err)
				fprintf(stderr, "%s: %s\n", line, err->message);
			CHECK(!err);
			CHECK_INT(phys, to);
			CHECK_INT(size, (uint64_t)number << (unit == 'K' ? 10 : unit == 'M' ? 20 : 30));
			CHECK_INT(walk.phys, to);
			CHECK_INT(walk.page_size, size);
			CHECK_INT(walk.levels, levels - (unit == 'M' ? 1 : unit == 'G' ? 2 : 0));
			CHECK_STR(walk.level[0].name, "PGD");
			CHECK_INT(walk.flags & 1, 1);
			CHECK_INT(walk.flags & to & ~(size - 1), 0);
			ka_error_free(err);
		} else if (sscanf(line, "%" SCNx64 " ! %127[^\n]", &virt, words) == 2) {
			err = arch->pt_walk(&env, &l, l.pgd_phys, virt, NULL, &phys, NULL);
			CHECK(err);
			if (err && !strstr(err->message, words))
				CHECK_STR(err->message, words);
			if (err && err->space == KA_SPACE_VIRT)
				CHECK_INT(err->addr, virt);
			ka_error_free(err);
		} else {
			CHECK_STR(line, "a line of a table");
		}
	}
	free(copy);
}

#define ALL_BITS 0x000ffffffffff000ull

static void check_walks(void)
{
	/* indices of 0xffff888000000000: 273 0 0 0; of 0xffffc90000000000: 402 */
	check_tables("1000[273] -> 2000\n2000[0] -> 3000\n3000[0] -> 4000\n4000[0] -> 7000\n4000[511] -> 123456789000 nx\n"
		     "ffff888000000000 = 7000 4K\n"
		     "ffff888000000fff = 7fff 4K\n"
		     "ffff8880001ff123 = 123456789123 4K\n"
		     "3000[1] -> 600000 big nx\n"
		     "ffff888000200000 = 600000 2M\n"
		     "ffff8880003fffff = 7fffff 2M\n"
		     "3000[2] -> 600000 big pat\n"
		     "ffff888000400000 = 600000 2M\n"
		     "ffff888000401234 = 601234 2M\n"
		     "2000[1] -> 80000000 big\n"
		     "ffff888040000000 = 80000000 1G\n"
		     "2000[2] -> 80000000 big pat\n"
		     "ffff8880bfffffff = bfffffff 1G\n"
		     /* a bit 7 in a page's entry is PAT, not size; in the top entry it is reserved and ignored */
		     "4000[5] -> 9000 big\n"
		     "ffff888000005010 = 9010 4K\n"
		     /* what is missing, level by level; the entry's value is told */
		     "ffffc90000000000 ! its PGD entry at physical 0x1c90 is 0x0\n"
		     "ffff8880c0000000 ! its PUD entry at physical 0x2018 is 0x0\n"
		     "3000[3] -> dead000 absent\n"
		     "ffff888000600000 ! its PMD entry at physical 0x3018 is 0xdead000\n"
		     "4000[2] -> 8000000000000abe absent\n"
		     "ffff888000002000 ! its PTE entry at physical 0x4010 is 0x8000000000000abe\n"
		     /* a table outside of memory */
		     "1000[274] -> fffffff000\n"
		     "ffff890000000000 ! cannot read the PUD entry of 0xffff890000000000\n"
		     /* loops: a table that is its own child ends after the levels there are */
		     "1000[300] -> 1000\n"
		     "ffff964b00000000 ! its PMD entry at physical 0x1000 is 0x0\n"
		     "1000[256] -> 1000\n"
		     "ffff804020100000 = 1000 4K\n"
		     /* not canonical */
		     "0000800000000000 ! 0x800000000000 is not a canonical address\n"
		     "ffff7fffffffffff ! not a canonical address\n"
		     "dead000000000100 ! not a canonical address\n"
		     /* user space is the lower half */
		     "1000[0] -> 5000\n5000[0] -> 6000\n6000[0] -> 600000 big\n"
		     "0000000000001000 = 601000 2M\n"
		     "00007fffffffffff ! its PGD entry at physical 0x17f8\n", 4, ALL_BITS);
	/* 0xff11000000000000: P4D 273 below PGD 256+16 */
	check_tables("1000[273] -> 2000\n2000[0] -> 3000\n3000[0] -> 4000\n4000[0] -> 5000\n5000[3] -> 9000\n"
		     "ff11000000003456 = 9456 4K\n"
		     "4000[1] -> 200000 big pat\n"
		     "ff11000000200001 = 200001 2M\n"
		     "3000[1] -> 40000000 big\n"
		     "ff11000040000001 = 40000001 1G\n"
		     "2000[1] -> 100000000 absent\n"
		     "ff11008000000000 ! its P4D entry at physical 0x2008 is 0x100000000\n"
		     "ff12000000000000 ! its PGD entry at physical 0x1890 is 0x0\n"
		     "ffff888000000000 ! its PGD entry at physical 0x1ff8 is 0x0\n"
		     "0100000000000000 ! not a canonical address\n"
		     "feffffffffffffff ! not a canonical address\n", 5, ALL_BITS);
	/* SME: bit 47 marks encrypted memory in each entry and is no address */
	check_tables("1000[273] -> 2000 enc\n2000[0] -> 3000 enc\n3000[0] -> 4000 enc\n4000[0] -> 7000 enc\n3000[1] -> 600000 big enc\n"
		     "ffff888000000008 = 7008 4K\n"
		     "ffff888000212345 = 612345 2M\n"
		     "ffff8880001ff000 ! is 0x0\n", 4, ALL_BITS & ~(1ull << 47));
}

static struct ka_error *layout(struct ka_layout *l)
{
	const struct ka_arch *arch = ka_arch_by_name("x86_64");
	struct ka_error *err;

	memset(l, 0, sizeof(*l));
	err = arch->layout(&env, 0, l);
	w.kaslr = l->kaslr_offset;
	return err ? err : arch->layout(&env, 1, l);
}

static void check_ok(struct ka_error *err)
{
	CHECK_STR(err ? err->message : "ok", "ok");
	ka_error_free(err);
}

static void check_layouts(void)
{
	const struct ka_arch *arch = ka_arch_by_name("x86_64");
	struct ka_layout l;
	struct ka_error *err;
	uint64_t phys;

	/* a kernel of 4.10 and later with KASLR of image and memory */
	memset(&w, 0, sizeof(w));
	w.vmcoreinfo = "KERNELOFFSET=31600000\nNUMBER(phys_base)=-830472192\n"
		"SYMBOL(swapper_pg_dir)=ffffffffb3a10000\nNUMBER(pgtable_l5_enabled)=0\n";
	w.symbols = "page_offset_base=ffffffff82000000\nvmalloc_base=ffffffff82000008\nvmemmap_base=ffffffff82000010\n"
		"_end=ffffffff82c34567\n";
	w.variables = "ffffffffb3600000=ffff8a2800000000\nffffffffb3600008=ffffac3cc0000000\nffffffffb3600010=ffffd9ff00000000\n";
	check_ok(layout(&l));
	CHECK_INT(l.kaslr_offset, 0x31600000);
	CHECK_INT(l.phys_base, -830472192ll);
	CHECK_INT(l.pgd_phys, 0xb3a10000ull - 0x80000000 - 830472192);
	CHECK_INT(l.va_levels, 4);
	CHECK_INT(l.page_offset, 0xffff8a2800000000);
	CHECK_INT(l.vmalloc_start, 0xffffac3cc0000000);
	CHECK_INT(l.vmemmap_start, 0xffffd9ff00000000);
	CHECK_INT(l.text_end, 0xffffffffb4235000);
	CHECK_INT(l.page_shift, 12);
	/* linear: the image and the direct map, and nothing else */
	CHECK(arch->linear(&l, 0xffffffffb3a10000, &phys));
	CHECK_INT(phys, l.pgd_phys);
	CHECK(arch->linear(&l, 0xffff8a2800001234, &phys));
	CHECK_INT(phys, 0x1234);
	CHECK(!arch->linear(&l, 0xffffac3cc0000000, &phys));
	CHECK(!arch->linear(&l, 0xffffffffb4235000, &phys));
	CHECK(!arch->linear(&l, 0xffff8a27fffffff8, &phys));
	CHECK(!arch->linear(&l, 0x1000, &phys));
	CHECK(arch->is_kernel_addr(&l, 0xffff800000000000) && arch->is_kernel_addr(&l, UINT64_MAX));
	CHECK(!arch->is_kernel_addr(&l, 0x7fffffffffff) && !arch->is_kernel_addr(&l, 0));
	CHECK(!arch->is_kernel_addr(&l, 0xff11000000000000));

	/* five levels, SME; the user's word before all */
	w.kaslr = 0;
	w.vmcoreinfo = "KERNELOFFSET=0\nNUMBER(phys_base)=4096\nSYMBOL(swapper_pg_dir)=ffffffff82a10000\n"
		"NUMBER(pgtable_l5_enabled)=1\nNUMBER(sme_mask)=140737488355328\n";
	w.variables = "ffffffff82000000=ff11000000000000\n";
	w.overrides = "phys_base=200000\n";
	check_ok(layout(&l));
	CHECK_INT(l.va_levels, 5);
	CHECK_INT(l.phys_base, 0x200000);
	CHECK_INT(l.pte_mask, ALL_BITS & ~(1ull << 47));
	CHECK_INT(l.page_offset, 0xff11000000000000);
	CHECK_INT(l.vmalloc_start, 0xffa0000000000000);
	CHECK_INT(l.vmemmap_start, 0xffd4000000000000);
	CHECK(arch->is_kernel_addr(&l, 0xff11000000000000));
	w.overrides = "kaslr=1000000\ndump_phys_base=300000\n";
	check_ok(layout(&l));
	CHECK_INT(l.kaslr_offset, 0x1000000);
	CHECK_INT(l.phys_base, 4096);	/* of VMCOREINFO: the dump's own is the last resort */

	/* before 4.10: no phys_base, before 3.16 no KERNELOFFSET: told by the dump and by _stext */
	memset(&w, 0, sizeof(w));
	w.vmcoreinfo = "SYMBOL(_stext)=ffffffff91000000\nSYMBOL(swapper_pg_dir)=ffffffff91c10000";
	w.symbols = "_stext=ffffffff81000000\n";
	w.overrides = "dump_phys_base=5000000\n";
	check_ok(layout(&l));
	CHECK_INT(l.kaslr_offset, 0x10000000);
	CHECK_INT(l.phys_base, 0x5000000);
	CHECK_INT(l.pgd_phys, 0x91c10000 - 0x80000000 + 0x5000000);

	/* no VMCOREINFO at all: symbols of each age */
	static const char *const tops[] = {
		"init_top_pgt=ffffffff81c10000", "init_level4_pgt=ffffffff81c10000", "swapper_pg_dir=ffffffff81c10000",
	};
	for (size_t i = 0; i < KA_COUNT(tops); i++) {
		memset(&w, 0, sizeof(w));
		w.symbols = tops[i];
		check_ok(layout(&l));
		CHECK_INT(l.pgd_phys, 0x1c10000);
	}
	memset(&w, 0, sizeof(w));
	err = layout(&l);
	CHECK(err && err->code == KA_MISSING && strstr(err->message, "init_top_pgt"));
	ka_error_free(err);
	w.vmcoreinfo = "SYMBOL(swapper_pg_dir)=1234\n";
	err = layout(&l);
	CHECK(err && err->code == KA_CORRUPT && strstr(err->message, "0x1234"));
	ka_error_free(err);
	w.vmcoreinfo = "KERNELOFFSET=\nNUMBER(phys_base)=x\nSYMBOL(swapper_pg_dir)=ffffffff81c10000\n"
		"NUMBER(pgtable_l5_enabled)=\n";
	check_ok(layout(&l));
	CHECK_INT(l.kaslr_offset, 0);
	CHECK_INT(l.phys_base, 0);
}

/* Without page_offset_base (kernels without CONFIG_RANDOMIZE_MEMORY): a constant, which the page tables tell. */
static void check_page_offset(void)
{
	static const struct { unsigned levels, index, index2; bool is_minimal; uint64_t want; } cases[] = {
		{ 4, 273, 0, false, 0xffff888000000000 }, { 4, 272, 0, false, 0xffff880000000000 },
		{ 4, 258, 0, false, 0xffff810000000000 },
		{ 5, 273, 0, false, 0xff11000000000000 }, { 5, 272, 0, false, 0xff10000000000000 },
		{ 4, 20, 0, false, 0xffff888000000000 },	/* none fits: the newest */
		/* what KASLR made of it, without the variable that tells: at any multiple of 1 GB */
		{ 4, 273, 0, true, 0xffff888000000000 }, { 4, 300, 7, true, 0xffff9601c0000000 }, { 4, 300, 511, true, 0xffff967fc0000000 },
		{ 5, 280, 3, true, 0xff180000c0000000 },
		{ 4, 20, 0, true, 0 }, { 4, 511, 510, true, 0 },	/* none: the tables are walked */
	};

	for (size_t i = 0; i < KA_COUNT(cases); i++) {
		uint64_t at = 0x1000, next, v;
		struct ka_layout l;

		memset(&w, 0, sizeof(w));
		w.vmcoreinfo = cases[i].levels == 5 ? "SYMBOL(swapper_pg_dir)=ffffffff80001000\nNUMBER(pgtable_l5_enabled)=1\n" :
			       "SYMBOL(swapper_pg_dir)=ffffffff80001000\n";
		for (unsigned level = cases[i].levels - 1; level > 1; level--, at = next) {
			next = at + 0x1000;
			v = next | 0x63;
			memcpy(w.memory + at + (level == cases[i].levels - 1 ? cases[i].index : level == 2 ? cases[i].index2 : 0) * 8, &v, 8);
		}
		w.symbols = cases[i].is_minimal ? "" : "_end=ffffffff82000000\n";
		v = 0xe3;	/* a large page at physical 0 */
		memcpy(w.memory + at, &v, 8);
		check_ok(layout(&l));
		CHECK_INT(l.page_offset, cases[i].want);
		CHECK_INT(ka_arch_by_name("x86_64")->linear(&l, l.page_offset + 0x1000, &v), !cases[i].is_minimal);
	}
}

static const char *const print_order[] = {
	"RIP", "RSP", "RFLAGS", "RAX", "RBX", "RCX", "RDX", "RSI", "RDI", "RBP", "R8", "R9", "R10", "R11", "R12", "R13", "R14", "R15", "ORIG_RAX", "CS",
	"SS",
};

static uint64_t printed(const struct ka_pt_regs *pt, const char *name)
{
	for (unsigned i = 0; i < pt->count; i++)
		if (!strcmp(pt->names[i], name))
			return pt->value[i];
	return 0xbad;
}

static void check_registers(void)
{
	const struct ka_arch *arch = ka_arch_by_machine(EM_X86_64);
	/* words of struct pt_regs, each its own number: r15 r14 r13 r12 bp bx r11 r10 r9 r8 ax cx dx si di orig ip cs flags sp ss */
	uint64_t words[21];
	uint8_t desc[112 + 27 * 8] = { 0 }, qemu[440] = { 0 };
	struct ka_regs regs;
	struct ka_pt_regs pt;

	for (unsigned i = 0; i < 21; i++)
		words[i] = 0x100 + i;
	words[17] = 0x10;
	arch->pt_regs((uint8_t *)words, false, &regs, &pt);
	CHECK_INT(pt.count, KA_COUNT(print_order));
	for (unsigned i = 0; i < pt.count; i++)
		CHECK_STR(pt.names[i], print_order[i]);
	CHECK_INT(printed(&pt, "R15"), 0x100);
	CHECK_INT(printed(&pt, "RAX"), 0x10a);
	CHECK_INT(printed(&pt, "ORIG_RAX"), 0x10f);
	CHECK_INT(printed(&pt, "RFLAGS"), 0x112);
	CHECK_INT(printed(&pt, "SS"), 0x114);
	CHECK_INT(pt.ip, 0x110);
	CHECK_INT(pt.sp, 0x113);
	CHECK(!pt.is_user);
	CHECK_INT(regs.known, (1ull << X86_REGS) - 1);
	CHECK_INT(regs.value[X86_RAX], 0x10a);
	CHECK_INT(regs.value[X86_RDX], 0x10c);
	CHECK_INT(regs.value[X86_RBP], 0x104);
	CHECK_INT(regs.value[X86_RSP], 0x113);
	CHECK_INT(regs.value[X86_R15], 0x100);
	CHECK_INT(regs.value[X86_RIP], 0x110);
	words[17] = 0x33;
	/* the processor's part alone */
	arch->pt_regs((uint8_t *)words, true, &regs, &pt);
	CHECK(pt.is_user);
	CHECK_INT(regs.known, 1ull << X86_RIP | 1ull << X86_RSP);

	memcpy(desc + 112, words, sizeof(words));
	CHECK(arch->prstatus(desc, sizeof(desc), &regs, &pt));
	CHECK_INT(regs.value[X86_RBX], 0x105);
	CHECK(!arch->prstatus(desc, 112 + 20 * 8, &regs, &pt));
	CHECK(!arch->prstatus(desc, 0, &regs, &pt));
	memset(desc, 0, sizeof(desc));
	CHECK(!arch->prstatus(desc, sizeof(desc), &regs, &pt));	/* a CPU that saved nothing */

	/* QEMU: version, size, rax rbx rcx rdx rsi rdi rsp rbp r8-r15 rip rflags, then segments of 24 bytes: cs ds es fs gs ss */
	memcpy(qemu, &(uint32_t){ 1 }, 4);
	memcpy(qemu + 4, &(uint32_t){ sizeof(qemu) }, 4);
	for (uint64_t i = 0; i < 18; i++)
		memcpy(qemu + 8 + 8 * i, &(uint64_t){ 0x200 + i }, 8);
	memcpy(qemu + 152, &(uint32_t){ 0x33 }, 4);
	memcpy(qemu + 152 + 5 * 24, &(uint32_t){ 0x2b }, 4);
	CHECK(arch->qemu_state(qemu, sizeof(qemu), &regs, &pt));
	CHECK_INT(printed(&pt, "RAX"), 0x200);
	CHECK_INT(printed(&pt, "RBX"), 0x201);
	CHECK_INT(printed(&pt, "RSP"), 0x206);
	CHECK_INT(printed(&pt, "R15"), 0x20f);
	CHECK_INT(printed(&pt, "CS"), 0x33);
	CHECK_INT(printed(&pt, "SS"), 0x2b);
	CHECK_INT(printed(&pt, "ORIG_RAX"), UINT64_MAX);
	CHECK_INT(regs.value[X86_RIP], 0x210);
	CHECK(pt.is_user);
	CHECK(!arch->qemu_state(qemu, 200, &regs, &pt));
	qemu[0] = 2;
	CHECK(!arch->qemu_state(qemu, sizeof(qemu), &regs, &pt));
}

/* Entries without access, and what is put into entries that map nothing, before and since the L1TF fixes. */
static void check_entries(void)
{
	const struct ka_arch *arch = ka_arch_by_machine(EM_X86_64);
	struct ka_layout l = { .page_shift = 12, .va_levels = 4, .pte_mask = 0x000ffffffffff000ull };
	uint64_t phys, offset;
	unsigned type;

	CHECK(arch->pte_phys(&l, 0x8000000004b6e067ull, 0, &phys));
	CHECK_INT(phys, 0x4b6e000);
	CHECK(arch->pte_phys(&l, 0x80000000074011e3ull, 2 << 20, &phys));
	CHECK_INT(phys, 0x7400000);
	/* PROT_NONE: the address is inverted */
	CHECK(arch->pte_phys(&l, 0x800ffffffb491160ull, 0, &phys));
	CHECK_INT(phys, 0x4b6e000);
	CHECK(!arch->pte_phys(&l, 0x7fffffffffbfe0aull, 0, &phys));
	CHECK(!arch->pte_phys(&l, 0, 0, &phys));
	CHECK(arch->swap_entry(&l, 0x7fffffffffbfe0aull, 0, &type, &offset));
	CHECK_INT(type, 0);
	CHECK_INT(offset, 512);
	CHECK(!arch->swap_entry(&l, 0x7fffffffffbfe0aull, 1, &type, &offset));
	l.is_pfn_plain = true;
	CHECK(arch->pte_phys(&l, 0x8000000004b6e160ull, 0, &phys));
	CHECK_INT(phys, 0x4b6e000);
	CHECK(arch->swap_entry(&l, 512ull << 14 | 3 << 9, 0, &type, &offset));
	CHECK_INT(type, 3);
	CHECK_INT(offset, 512);
	CHECK(arch->swap_entry(&l, 512ull << 9 | 3 << 1, 1, &type, &offset));
	CHECK_INT(type, 3);
	CHECK_INT(offset, 512);
	CHECK(!arch->swap_entry(&l, 512ull << 9, 2, &type, &offset));
}

CHECK_MAIN
{
	CHECK(!ka_arch_by_machine(EM_S390) && !ka_arch_by_name("s390x"));
	CHECK_STR(ka_machine_name(EM_S390), "s390x");
	CHECK(!ka_machine_name(0xfeed));
	check_walks();
	check_layouts();
	check_page_offset();
	check_registers();
	check_entries();
}
