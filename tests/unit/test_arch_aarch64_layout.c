/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* aarch64 alone: where the kernel lies, by VMCOREINFO, by what the user says, by its own memory; registers. */
#include <elf.h>
#include "arch_world.h"
#include "check.h"
#include "aarch64.h"

static struct ka_error *layout(struct ka_layout *l)
{
	const struct ka_arch *arch = ka_arch_by_name("aarch64");
	struct ka_error *err;

	memset(l, 0, sizeof(*l));
	w.kaslr = 0;
	err = arch->layout(&env, 0, l);
	w.kaslr = l->kaslr_offset;
	return err ? err : arch->layout(&env, 1, l);
}

static void check_ok(struct ka_error *err)
{
	CHECK_STR(err ? err->message : "ok", "ok");
	ka_error_free(err);
}

static void check_missing(struct ka_error *err, const char *text)
{
	CHECK(err && err->code == KA_MISSING);
	if (!err || !strstr(err->message, text))
		CHECK_STR(err ? err->message : "ok", text);
	ka_error_free(err);
}

#define LINEAR(virt, want) do {				\
	uint64_t phys_ = 0;				\
	CHECK(arch->linear(&l, virt, &phys_));		\
	CHECK_INT(phys_, want);				\
} while (0)

static void check_told(void)
{
	const struct ka_arch *arch = ka_arch_by_name("aarch64");
	struct ka_layout l;
	uint64_t phys;

	/* a 6.1 of Debian, KASLR of image and direct map, as its VMCOREINFO has it */
	memset(&w, 0, sizeof(w));
	w.vmcoreinfo = "PAGESIZE=4096\nSYMBOL(swapper_pg_dir)=ffffd2e259149000\nNUMBER(VA_BITS)=48\nNUMBER(MODULES_VADDR)=0xffff800000000000\n"
		"NUMBER(MODULES_END)=0xffff800008000000\nNUMBER(VMALLOC_START)=0xffff800008000000\nNUMBER(VMALLOC_END)=0xfffffbffefff0000\n"
		"NUMBER(VMEMMAP_START)=0xfffffc0000000000\nNUMBER(VMEMMAP_END)=0xfffffe0000000000\nNUMBER(kimage_voffset)=0xffffd2e217a00000\n"
		"NUMBER(PHYS_OFFSET)=0xffffd38880000000\nNUMBER(TCR_EL1_T1SZ)=0x10\nKERNELOFFSET=52e24fc00000\n"
		"NUMBER(KERNELPACMASK)=0xff7f000000000000\n";
	w.symbols = "_text=ffff800008000000\n_stext=ffff800008010000\n_end=ffff800009a20000\nkimage_voffset=ffff800009400008\n";
	check_ok(layout(&l));
	CHECK_INT(l.kaslr_offset, 0x52e24fc00000);
	CHECK_INT(l.text_base, 0xffffd2e257c00000);
	CHECK_INT(l.text_end, 0xffffd2e259620000);
	CHECK_INT(l.phys_base, 0x40200000);
	CHECK_INT(l.pgd_phys, 0x41749000);
	CHECK_INT(l.va_bits, 48);
	CHECK_INT(l.va_levels, 4);
	CHECK_INT(l.page_shift, 12);
	CHECK_INT(l.pac_mask, 0xff7f000000000000);
	CHECK_INT(l.page_offset, 0xffff000000000000);
	CHECK_INT(l.page_offset_end, 0xffff800000000000);
	CHECK_INT(l.modules_start, 0xffff800000000000);
	CHECK_INT(l.vmalloc_end, 0xfffffbffefff0000);
	CHECK_INT(l.vmemmap_start, 0xfffffc0000000000);
	/* the direct map's first bytes stand for memory far below: memstart_addr is negative, as drawn by lot */
	LINEAR(0xffff2c77c221b0c0, 0x4221b0c0);
	LINEAR(0xffffd2e257c00000, 0x40200000);
	LINEAR(0xffffd2e25961fff8, 0x41c1fff8);
	CHECK(!arch->linear(&l, 0xffffd2e259620000, &phys));
	CHECK(!arch->linear(&l, 0xffffd2e257bffff8, &phys));
	CHECK(!arch->linear(&l, 0xffff800008000000, &phys));
	CHECK(!arch->linear(&l, 0xfffeffffffffffff, &phys));
	CHECK(!arch->linear(&l, 0x1000, &phys));

	/* the user's word before all */
	w.overrides = "kimage_voffset=ffffd2e210000000\nphys_offset=80000000\nva_bits=27\n";
	check_ok(layout(&l));
	CHECK_INT(l.phys_base, 0x47c00000);
	CHECK_INT(l.phys_offset, 0x80000000);
	CHECK_INT(l.va_bits, 39);
	w.overrides = "phys_base=50000000\nkaslr=0\nvabits_actual=2f\npage_size=4000\n";
	w.vmcoreinfo = "NUMBER(VA_BITS)=52\nNUMBER(kimage_voffset)=0x1\nSYMBOL(swapper_pg_dir)=ffff800009149000\nNUMBER(PHYS_OFFSET)=0x40000000\n";
	check_ok(layout(&l));
	CHECK_INT(l.phys_base, 0x50000000);
	CHECK_INT(l.text_base, 0xffff800008000000);
	CHECK_INT(l.page_shift, 14);
	CHECK_INT(l.va_bits, 47);
	CHECK_INT(l.va_levels, 3);

	/* 52 bits with LPA2, of a 6.12 with 16K pages */
	memset(&w, 0, sizeof(w));
	w.vmcoreinfo = "PAGESIZE=16384\nSYMBOL(swapper_pg_dir)=ffffd79841314000\nNUMBER(VA_BITS)=52\nNUMBER(kimage_voffset)=0xffffd797ff400000\n"
		"NUMBER(PHYS_OFFSET)=0x40000000\nNUMBER(TCR_EL1_T1SZ)=0xc\nKERNELOFFSET=1797bf600000\n";
	w.symbols = "_text=ffffc00080000000\n_end=ffffc00082600000\nkimage_voffset=ffffc000816bc008\n";
	check_ok(layout(&l));
	CHECK_INT(l.va_bits, 52);
	CHECK(l.is_lpa2);
	CHECK_INT(l.va_levels, 4);
	CHECK_INT(l.page_offset, 0xfff0000000000000);
	CHECK_INT(l.page_offset_end, 0xffffc00000000000);
	LINEAR(0xfff000000433b900, 0x4433b900);
	/* the same kernel where there are 48 bits at most: 47, as 16K pages fall back to, and the direct map still at -2^52 */
	w.vmcoreinfo = "PAGESIZE=16384\nSYMBOL(swapper_pg_dir)=ffffd79841314000\nNUMBER(VA_BITS)=52\nNUMBER(kimage_voffset)=0xffffd797ff400000\n"
		"NUMBER(PHYS_OFFSET)=0xfff1000040000000\nNUMBER(TCR_EL1_T1SZ)=0x11\nKERNELOFFSET=1797bf600000\n";
	check_ok(layout(&l));
	CHECK_INT(l.va_bits, 47);
	CHECK(!l.is_lpa2);
	CHECK_INT(l.va_levels, 3);
	CHECK_INT(l.top_bits, 47);
	CHECK_INT(l.page_offset, 0xfff0000000000000);
	LINEAR(0xffff800004000000, 0xfff1000040000000 + 0xf800004000000);
	CHECK(!arch->linear(&l, 0xfff0000004000000, &phys));

	/* 64K: 5.4 and later with 52 bits on 48: vabits_actual is a variable, T1SZ not yet told */
	memset(&w, 0, sizeof(w));
	w.vmcoreinfo = "PAGESIZE=65536\nSYMBOL(swapper_pg_dir)=ffff800011a00000\nNUMBER(VA_BITS)=52\nNUMBER(kimage_voffset)=0xffff7fff90000000\n"
		"NUMBER(PHYS_OFFSET)=0xfff1000080000000\nKERNELOFFSET=0\n";
	w.symbols = "_text=ffff800010080000\n_end=ffff800012000000\nkimage_voffset=ffff800011000008\nvabits_actual=ffff800011000010\n";
	w.variables = "ffff800011000010=30\n";
	check_ok(layout(&l));
	CHECK_INT(l.va_bits, 48);
	CHECK_INT(l.top_bits, 52);
	CHECK_INT(l.page_offset, 0xfff0000000000000);
	CHECK_INT(l.page_offset_end, 0xffff800000000000);
	LINEAR(0xffff000000000000, 0x80000000);
}

/* The direct map above the image (before 5.4), and the image in it (before 4.6). */
static void check_old(void)
{
	const struct ka_arch *arch = ka_arch_by_name("aarch64");
	struct ka_layout l;
	uint64_t phys;

	memset(&w, 0, sizeof(w));
	w.vmcoreinfo = "PAGESIZE=4096\nSYMBOL(swapper_pg_dir)=ffff0000094b5000\nNUMBER(VA_BITS)=48\nNUMBER(kimage_voffset)=0xfffeffffc8000000\n"
		"NUMBER(PHYS_OFFSET)=0x40000000\nKERNELOFFSET=0\n";
	w.symbols = "_text=ffff000008080000\n_end=ffff000009500000\nkimage_voffset=ffff000008e70008\n";
	check_ok(layout(&l));
	CHECK_INT(l.page_offset, 0xffff800000000000);
	LINEAR(0xffff000008080000, 0x40080000);
	LINEAR(0xffff800000001000, 0x40001000);
	LINEAR(0xffffffffffff0000ull, 0x7fffffff0000ull + 0x40000000);
	CHECK(!arch->linear(&l, 0xffff000007fff000, &phys));
	/* 39 bits, in the days of 4.4: neither offset nor VMCOREINFO of its own; the user tells where memory begins */
	memset(&w, 0, sizeof(w));
	w.symbols = "_text=ffffffc000080000\n_end=ffffffc001000000\nswapper_pg_dir=ffffffc000f00000\n";
	w.overrides = "phys_offset=80000000\nva_bits=27\n";
	check_ok(layout(&l));
	CHECK_INT(l.phys_base, 0x80080000);
	CHECK_INT(l.page_offset, 0xffffffc000000000);
	LINEAR(0xffffffc000080000, 0x80080000);
	LINEAR(0xffffffc010000000, 0x90000000);
	/* 64K, user space of 52 bits (5.0 to 5.3): the top table has room for them */
	memset(&w, 0, sizeof(w));
	w.vmcoreinfo = "PAGESIZE=65536\nSYMBOL(swapper_pg_dir)=ffff0000094b0000\nNUMBER(VA_BITS)=48\nNUMBER(kimage_voffset)=0xfffeffffc8000000\n"
		"NUMBER(PHYS_OFFSET)=0x40000000\n";
	w.symbols = "_text=ffff000008080000\n_end=ffff000009500000\nkimage_voffset=ffff000008e70008\nvabits_user=ffff000008e70010\n";
	check_ok(layout(&l));
	CHECK_INT(l.top_bits, 52);
	CHECK_INT(l.va_bits, 48);

	memset(&w, 0, sizeof(w));
	check_missing(layout(&l), "_text, _end, _stext");
	w.symbols = "_text=ffff800008000000\n_end=ffff800009a20000\nkimage_voffset=ffff800009400008\n";
	check_missing(layout(&l), "-m kimage_voffset=NUMBER");
	w.vmcoreinfo = "NUMBER(kimage_voffset)=0xffff7fffc8000000\n";
	check_missing(layout(&l), "swapper_pg_dir");
	w.symbols = "_text=ffff800008000000\n_end=ffff800009a20000\nkimage_voffset=ffff800009400008\nswapper_pg_dir=ffff800009149000\n";
	check_missing(layout(&l), "-m va_bits=NUMBER");
	/* nonsense in VMCOREINFO is none */
	w.vmcoreinfo = "NUMBER(kimage_voffset)=0xffff7fffc8000000\nNUMBER(VA_BITS)=4711\nNUMBER(TCR_EL1_T1SZ)=0xffff\n";
	check_missing(layout(&l), "-m va_bits=NUMBER");
}

static void put(uint64_t phys, uint64_t v)
{
	memcpy(w.memory + phys, &v, 8);
}

/*
 * Nothing but memory: the image at physical 0x10000, 128 KB of it, with tables of 4 levels in it that map it as a whole and
 * the direct map. Symbols as linked.
 */
static void check_found(void)
{
	const struct ka_arch *arch = ka_arch_by_name("aarch64");
	const uint64_t run = 0xffffb29240c00000, voffset = run - 0x10000;
	struct ka_str lines = { 0 };
	struct ka_layout l;

	memset(&w, 0, sizeof(w));
	w.symbols = "_text=ffff800008000000\n_end=ffff800008020000\nlinux_banner=ffff800008000100\nkimage_voffset=ffff800008000200\n"
		"memstart_addr=ffff800008000208\nswapper_pg_dir=ffff800008010000\n";
	put(0x10000 + 24, 0xa);			/* 4K pages, anywhere */
	put(0x10000 + 56, 0x644d5241);
	put(0x10200, voffset);
	put(0x10208, 0);
	/* the top table at 0x20000; of 0xffffb29240c00000: indices 357 73 6 0 */
	put(0x20000 + 357 * 8, 0x21003);
	put(0x21000 + 73 * 8, 0x22003);
	put(0x22000 + 6 * 8, 0x23003);
	for (unsigned i = 0; i < 32; i++)
		put(0x23000 + i * 8, (0x10000 + i * 0x1000ull) | 0x703);
	put(0x20000, 0x24003);
	put(0x24000, 0x00000701);		/* the direct map: 1 GB from physical 0 on */
	CHECK(arch->locate(&env, 0xffff800008000100, 0x10100, &lines));
	CHECK_STR(lines.p ?: "", "PAGESIZE=4096\nKERNELOFFSET=329238c00000\nNUMBER(kimage_voffset)=0xffffb29240bf0000\nNUMBER(PHYS_OFFSET)=0x0\n"
				 "NUMBER(VA_BITS)=48\nNUMBER(TCR_EL1_T1SZ)=0x10\nSYMBOL(swapper_pg_dir)=ffffb29240c10000\n");
	w.vmcoreinfo = lines.p;
	check_ok(layout(&l));
	CHECK_INT(l.kaslr_offset, 0x329238c00000);
	CHECK_INT(l.pgd_phys, 0x20000);
	/* VA_BITS are found by the tables as well when the rest is told */
	w.vmcoreinfo = "NUMBER(kimage_voffset)=0xffffb29240bf0000\nKERNELOFFSET=329238c00000\nNUMBER(PHYS_OFFSET)=0x0\n";
	check_ok(layout(&l));
	CHECK_INT(l.va_bits, 48);
	ka_str_free(&lines);
	/* not there */
	CHECK(!arch->locate(&env, 0xffff800008000100, 0x11100, &lines));
	CHECK(!arch->locate(&env, 0xffff800008000100, 0x10108, &lines));
	CHECK(!arch->locate(&env, 0xffff800008000100, 0x10, &lines));
	CHECK(!arch->locate(&env, 0xffff800008000100, 0x1000000100, &lines));
	put(0x10200, 0);		/* a copy that never ran */
	CHECK(!arch->locate(&env, 0xffff800008000100, 0x10100, &lines));
	put(0x10200, voffset);
	put(0x24000, 0);		/* no direct map */
	CHECK(!arch->locate(&env, 0xffff800008000100, 0x10100, &lines));
	CHECK_INT(lines.len, 0);
	ka_str_free(&lines);
}

static uint64_t printed(const struct ka_pt_regs *pt, const char *name)
{
	for (unsigned i = 0; i < pt->count; i++)
		if (!strcmp(pt->names[i], name))
			return pt->value[i];
	return 0xbad;
}

static void check_registers(void)
{
	const struct ka_arch *arch = ka_arch_by_name("aarch64");
	uint64_t words[36];
	uint8_t desc[112 + 34 * 8 + 8] = { 0 };
	struct ka_regs regs;
	struct ka_pt_regs pt;

	for (unsigned i = 0; i < 36; i++)
		words[i] = 0x100 + i;
	words[33] = 0x60400005;		/* EL1h */
	words[35] = 0xffffffffffffffdaull;
	arch->pt_regs((uint8_t *)words, false, &regs, &pt);
	CHECK(!pt.is_user);
	CHECK_INT(pt.count, 36);
	CHECK_INT(pt.ip, 0x120);
	CHECK_INT(pt.sp, 0x11f);
	CHECK_INT(printed(&pt, "PC"), 0x120);
	CHECK_INT(printed(&pt, "LR"), 0x11e);
	CHECK_INT(printed(&pt, "SP"), 0x11f);
	CHECK_INT(printed(&pt, "PSTATE"), 0x60400005);
	CHECK_INT(printed(&pt, "X29"), 0x11d);
	CHECK_INT(printed(&pt, "X0"), 0x100);
	CHECK_INT(printed(&pt, "ORIG_X0"), 0x122);
	CHECK_INT(printed(&pt, "SYSCALLNO"), 0xffffffda);
	CHECK(strstr(pt.text, "{PC@}") && !strstr(pt.text, "SYSCALLNO"));
	CHECK_INT(regs.known, (1ull << A64_REGS) - 1);
	CHECK_INT(regs.value[A64_PC], 0x120);
	CHECK_INT(regs.value[A64_SP], 0x11f);
	CHECK_INT(regs.value[A64_LR], 0x11e);
	/* what the block asks for is there */
	for (const char *at = pt.text; (at = strchr(at, '{')); at++) {
		char name[16] = "";

		memcpy(name, at + 1, strcspn(at + 1, ":@}"));
		CHECK(printed(&pt, name) != 0xbad);
	}
	words[33] = 0x80001000;		/* EL0 */
	arch->pt_regs((uint8_t *)words, false, &regs, &pt);
	CHECK(pt.is_user);
	CHECK(strstr(pt.text, "ORIG_X0: {ORIG_X0}  SYSCALLNO: {SYSCALLNO:1}  PSTATE: {PSTATE:8}"));
	words[33] = 0x10;		/* a task of 32 bits: r13 and r14 */
	arch->pt_regs((uint8_t *)words, false, &regs, &pt);
	CHECK(pt.is_user);
	CHECK_INT(pt.sp, 0x10d);
	CHECK_INT(printed(&pt, "LR"), 0x10e);
	CHECK(!strstr(pt.text, "X29"));

	words[33] = 5;
	memcpy(desc + 112, words, 34 * 8);
	CHECK(arch->prstatus(desc, sizeof(desc), &regs, &pt));
	CHECK_INT(regs.value[A64_FP], 0x11d);
	CHECK_INT(pt.count, 34);
	CHECK(arch->prstatus(desc, 112 + 34 * 8, &regs, &pt));
	CHECK(!arch->prstatus(desc, 112 + 33 * 8, &regs, &pt));
	CHECK(!arch->prstatus(desc, 0, &regs, &pt));
	memset(desc, 0, sizeof(desc));
	CHECK(!arch->prstatus(desc, sizeof(desc), &regs, &pt));

	/* nop; bl; blr x8; blraaz x8; br x8 */
	static const struct { uint32_t insn; bool is_call; } calls[] = {
		{ 0xd503201f, false }, { 0x94000010, true }, { 0x97fffff0, true }, { 0xd63f0100, true }, { 0xd63f091f, true },
		{ 0xd73f0901, true }, { 0xd61f0100, false }, { 0x14000010, false }, { 0xd65f03c0, false },
	};
	for (size_t i = 0; i < KA_COUNT(calls); i++) {
		uint8_t before[KA_CALL_BYTES] = { 0 };

		memcpy(before + KA_CALL_BYTES - 4, &calls[i].insn, 4);
		CHECK_INT(arch->is_after_call(before), calls[i].is_call);
	}
}

CHECK_MAIN
{
	check_told();
	check_old();
	check_found();
	check_registers();
}
