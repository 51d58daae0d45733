/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* aarch64 alone: page tables of every granule and width described as text, pointers that carry more than an address. */
#include <elf.h>
#include "arch_world.h"
#include "check.h"
#include "aarch64.h"

struct geometry {
	unsigned page_shift, va_bits, top_bits;
	bool is_lpa2;
};

/*
 * Lines: "TABLE[INDEX] -> PHYS words": an entry; words: block (bits 1:0 are 01), none (00), odd (10), plain (AF alone, no other
 *        attributes), cont, attr=HEX (ORed in).
 *        "VIRT = PHYS SIZE names": translates so, SIZE as 4K|2M|1G|512G|4T, names of the levels: "PGD PUD PMD PTE".
 *        "VIRT ! text": does not, and the error has the text and is of VIRT.
 */
static void check_tables(const struct geometry *g, const char *text)
{
	const struct ka_arch *arch = ka_arch_by_name("aarch64");
	struct ka_layout l = { .page_shift = g->page_shift, .va_bits = g->va_bits, .top_bits = g->top_bits ?: g->va_bits,
			       .is_lpa2 = g->is_lpa2, .pgd_phys = 0x10000 };
	char *copy = strdup(text), *save = NULL;

	memset(&w, 0, sizeof(w));
	for (char *line = strtok_r(copy, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		uint64_t table, index, to, virt, phys = 0, size = 0;
		char words[128] = "", unit = 0, names[64] = "";
		struct ka_pt_walk walk;
		struct ka_error *err;
		unsigned number;

		if (sscanf(line, "%" SCNx64 "[%" SCNu64 "] -> %" SCNx64 " %127[^\n]", &table, &index, &to, words) >= 3) {
			to |= strstr(words, "none") ? 0 : strstr(words, "odd") ? 2 : strstr(words, "block") ? 1 : 3;
			to |= strstr(words, "plain") || g->is_lpa2 ? 0x400 : 0x60000000000700;
			to |= strstr(words, "cont") ? 1ull << 52 : 0;
			if (strstr(words, "attr="))
				to |= strtoull(strstr(words, "attr=") + 5, NULL, 16);
			memcpy(w.memory + table + index * 8, &to, 8);
		} else if (sscanf(line, "%" SCNx64 " = %" SCNx64 " %u%c %63[^\n]", &virt, &to, &number, &unit, names) >= 4) {
			char is[64] = "";

			err = arch->pt_walk(&env, &l, l.pgd_phys, virt, &walk, &phys, &size);
			CHECK_STR(err ? err->message : "ok", "ok");
			CHECK_INT(phys, to);
			CHECK_INT(size, (uint64_t)number << (unit == 'K' ? 10 : unit == 'M' ? 20 : unit == 'G' ? 30 : 40));
			CHECK_INT(walk.phys, to);
			CHECK_INT(walk.page_size, size);
			for (unsigned i = 0; i < walk.levels; i++)
				snprintf(is + strlen(is), sizeof(is) - strlen(is), "%s%s", i ? " " : "", walk.level[i].name);
			if (names[0])
				CHECK_STR(is, names);
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

static void check_4k(void)
{
	/* 48 bits: PGD 0 of the kernel's half is entry 0; the image at 0xffff8000... is entry 256 */
	check_tables(&(struct geometry){ 12, 48, 0, false },
		     "10000[0] -> 11000\n11000[0] -> 12000\n12000[0] -> 13000\n13000[0] -> 7000\n13000[511] -> 123456789000\n"
		     "ffff000000000000 = 7000 4K PGD PUD PMD PTE\n"
		     "ffff000000000fff = 7fff 4K\n"
		     "ffff0000001ff123 = 123456789123 4K\n"
		     /* the same with a tag in the top byte */
		     "f0ff000000000008 = 7008 4K\n"
		     "12000[1] -> 600000 block\n"
		     "ffff000000200000 = 600000 2M PGD PUD PMD\n"
		     "ffff0000003fffff = 7fffff 2M\n"
		     "11000[1] -> 80000000 block\n"
		     "ffff00007fffffff = bfffffff 1G PGD PUD\n"
		     /* contiguous entries: each has its own address */
		     "13000[16] -> 20000 cont\n13000[17] -> 21000 cont\n12000[16] -> 2000000 block cont\n"
		     "ffff000000010010 = 20010 4K\n"
		     "ffff000000011010 = 21010 4K\n"
		     "ffff000002012345 = 2012345 2M\n"
		     /* shareability in bits 9:8 is no address here; nor are software bits and those of hierarchical permissions */
		     "13000[5] -> 9000 attr=7800000000000fff\n"
		     "ffff000000005010 = 9010 4K\n"
		     /* what is missing, level by level; the entry's value is told */
		     "ffff800000000000 ! its PGD entry at physical 0x10800 is 0x0\n"
		     "ffff000080000000 ! its PUD entry at physical 0x11010 is 0x0\n"
		     "12000[3] -> dead000 none plain\n"
		     "ffff000000600000 ! its PMD entry at physical 0x12018 is 0xdead400\n"
		     "ffff000000002000 ! its PTE entry at physical 0x13010 is 0x0\n"
		     /* reserved: a block where there is none, the block type at the last level */
		     "10000[1] -> 40000000 block plain\n"
		     "ffff008000000000 ! its PGD entry at physical 0x10008 is 0x40000401, a block, which is reserved at this level\n"
		     "13000[6] -> a000 block plain\n"
		     "ffff000000006000 ! its PTE entry at physical 0x13030 is 0xa401, which is a reserved value at the last level\n"
		     "13000[7] -> a000 odd plain\n"
		     "ffff000000007000 ! its PTE entry at physical 0x13038 is 0xa402\n"
		     /* PROT_NONE is there all the same, in both encodings; a swap entry is not */
		     "13000[8] -> b000 none attr=460000000000f00\n"
		     "ffff000000008000 = b000 4K\n"
		     "13000[9] -> c000 none attr=800\n"
		     "ffff000000009000 = c000 4K\n"
		     "13000[10] -> c000 none plain attr=400000000000800\n"
		     "ffff00000000a000 ! its PTE entry\n"
		     /* a table outside of memory, and one that is its own child */
		     "10000[2] -> fffffff000\n"
		     "ffff010000000000 ! cannot read the PUD entry of 0xffff010000000000\n"
		     "10000[256] -> 10000\n"
		     "ffff804020100000 = 10000 4K\n"
		     /* user space, by the same tables here; and what is neither half */
		     "0000000000001000 ! its PTE entry at physical 0x13008 is 0x0\n"
		     "0000000000000010 = 7010 4K\n"
		     "b400000000000010 = 7010 4K\n"
		     "0001000000000000 ! not a canonical address\n"
		     "fffe000000000000 ! not a canonical address\n");
	/* 39 bits: three levels, the names fold */
	check_tables(&(struct geometry){ 12, 39, 0, false },
		     "10000[0] -> 12000\n12000[0] -> 13000\n13000[1] -> 7000\n10000[511] -> 80000000 block\n"
		     "ffffff8000001234 = 7234 4K PGD PMD PTE\n"
		     "ffffffffc0000123 = 80000123 1G PGD\n"
		     "ffffff0000000000 ! not a canonical address\n"
		     "ffffff8040000000 ! its PGD entry at physical 0x10008 is 0x0\n");
	/* 52 bits with LPA2: five levels, bits 51:50 of the address in 9:8, blocks at P4D */
	check_tables(&(struct geometry){ 12, 52, 0, true },
		     "10000[0] -> 11000\n11000[0] -> 12000\n12000[0] -> 13000\n13000[0] -> 14000\n14000[0] -> 7000 attr=300\n"
		     "fff0000000000010 = c000000007010 4K PGD P4D PUD PMD PTE\n"
		     "14000[1] -> 3000000008000\n"
		     "fff0000000001010 = 3000000008010 4K\n"
		     "13000[1] -> 600000 block attr=100\n"
		     "fff0000000212345 = 4000000612345 2M\n"
		     "12000[1] -> 40000000 block\n"
		     "fff0000040000001 = 40000001 1G\n"
		     "11000[1] -> 8000000000 block\n"
		     "fff0008000000001 = 8000000001 512G PGD P4D\n"
		     "10000[1] -> 8000000000 block plain\n"
		     "fff1000000000000 ! a block, which is reserved at this level\n"
		     "fff0010000000000 ! its P4D entry at physical 0x11010 is 0x0\n"
		     "ffef000000000000 ! not a canonical address: addresses have 52 bits\n");
	/* built for 52, run on a machine of 48: the top table is the second one */
	check_tables(&(struct geometry){ 12, 48, 48, false },
		     "10000[256] -> 11000\n11000[0] -> 12000\n12000[0] -> 13000\n13000[0] -> 7000\n"
		     "ffff800000000010 = 7010 4K PGD PUD PMD PTE\n");
}

static void check_16k(void)
{
	/* 47 bits: three levels of 11 bits; 48: a top table of two entries */
	check_tables(&(struct geometry){ 14, 47, 0, false },
		     "10000[0] -> 14000\n14000[0] -> 18000\n18000[1] -> 1c000\n14000[1] -> 4000000 block\n"
		     "ffff800000004321 = 1c321 16K PGD PMD PTE\n"
		     "ffff800002000001 = 4000001 32M PGD PMD\n"
		     "10000[1] -> 1000000000 block plain\n"
		     "ffff801000000000 ! a block, which is reserved at this level\n"
		     "ffff000000000000 ! not a canonical address\n");
	check_tables(&(struct geometry){ 14, 48, 0, false },
		     "10000[1] -> 14000\n14000[0] -> 18000\n18000[0] -> 1c000\n1c000[0] -> 7000000c000 cont\n"
		     "ffff800000001234 = 7000000d234 16K PGD PUD PMD PTE\n"
		     "ffff000000000000 ! its PGD entry at physical 0x10000 is 0x0\n");
	/* 36 bits: two levels */
	check_tables(&(struct geometry){ 14, 36, 0, false },
		     "10000[0] -> 14000\n14000[3] -> 1c000\n10000[2047] -> 6000000 block\n"
		     "fffffff00000c010 = 1c010 16K PGD PTE\n"
		     "fffffffffe000010 = 6000010 32M PGD\n");
	/* 52 bits with LPA2: blocks of 64 GB at PUD */
	check_tables(&(struct geometry){ 14, 52, 0, true },
		     "10000[0] -> 14000\n10000[31] -> 14000\n14000[0] -> 18000\n18000[0] -> 1c000\n1c000[0] -> 8000 attr=200\n"
		     "14000[1] -> 1000000000 block attr=300\n"
		     "fff0000000000010 = 8000000008010 16K PGD PUD PMD PTE\n"
		     "ffff800000000010 = 8000000008010 16K\n"
		     "fff0001000000001 = c001000000001 64G PGD PUD\n");
}

static void check_64k(void)
{
	check_tables(&(struct geometry){ 16, 42, 0, false },
		     "10000[0] -> 20000\n20000[1] -> 30000\n10000[1] -> 40000000 block\n"
		     "fffffc0000011234 = 31234 64K PGD PTE\n"
		     "fffffc0020000001 = 40000001 512M PGD\n");
	check_tables(&(struct geometry){ 16, 48, 0, false },
		     "10000[32] -> 20000\n20000[0] -> 30000\n30000[0] -> 50000\n20000[1] -> 40000000 block cont\n"
		     "ffff800000001234 = 51234 64K PGD PMD PTE\n"
		     "ffff800020000001 = 40000001 512M PGD PMD\n"
		     "ffff000000000000 ! its PGD entry at physical 0x10000 is 0x0\n");
	/* 52 bits of both: bits 15:12 of an entry are 51:48 of the address, of tables as well; blocks of 4 TB at the top */
	check_tables(&(struct geometry){ 16, 52, 0, false },
		     "10000[0] -> 20000\n20000[0] -> 30000\n30000[0] -> 50000 attr=f000\n30000[1] -> ffff00060000 attr=1000\n"
		     "20000[1] -> 40000000 block attr=a000\n"
		     "fff0000000001234 = f000000051234 64K PGD PMD PTE\n"
		     "fff0000000011234 = 1ffff00061234 64K\n"
		     "fff0000020000001 = a000040000001 512M PGD PMD\n"
		     "10000[1] -> 40000000000 block attr=1000\n"
		     "fff0040000000001 = 1040000000001 4T PGD\n"
		     "20000[2] -> 30000 attr=1000\n"
		     "fff0000040000000 ! cannot read the PTE entry\n");
	/* built for 52, run on 48: the same top table, of which the last 64 entries are used */
	check_tables(&(struct geometry){ 16, 48, 52, false },
		     "10000[960] -> 20000\n10000[992] -> 20000\n20000[0] -> 30000\n30000[0] -> 50000\n"
		     "ffff000000000010 = 50010 64K PGD PMD PTE\n"
		     "ffff800000000010 = 50010 64K\n"
		     "fff0000000000010 ! not a canonical address: addresses have 48 bits\n");
}

static void check_pointers(void)
{
	const struct ka_arch *arch = ka_arch_by_machine(EM_AARCH64);
	struct ka_layout l = { .page_shift = 12, .va_bits = 48, .build_bits = 48, .pac_mask = 0xffff000000000000ull };

	/* signed return addresses of bt, as they lay on the stacks of a 6.1 */
	CHECK_INT(arch->strip_ip(&l, 0xb3cfcdf0881ad3c4), 0xffffcdf0881ad3c4);
	CHECK_INT(arch->strip_ip(&l, 0x00a0cdf0881ad3c4), 0xffffcdf0881ad3c4);
	CHECK_INT(arch->strip_ip(&l, 0xffffcdf0881ad3c4), 0xffffcdf0881ad3c4);
	CHECK_INT(arch->strip_ip(&l, 0x44a7cc), 0x44a7cc);
	CHECK_INT(arch->strip_ip(&l, 0), 0);
	l.pac_mask = 0;		/* not told: bits that are none of the address are none of it */
	CHECK_INT(arch->strip_ip(&l, 0xb3cfcdf0881ad3c4), 0xffffcdf0881ad3c4);
	l.va_bits = l.build_bits = 39;
	CHECK_INT(arch->strip_ip(&l, 0xf3a5c5c008081234), 0xffffffc008081234);
	l.va_bits = l.build_bits = 48;
	CHECK_INT(arch->untag(&l, 0xf4ff000012345678), 0xffff000012345678);
	CHECK_INT(arch->untag(&l, 0xb400ffff12345678), 0x0000ffff12345678);
	CHECK_INT(arch->untag(&l, 0xffff800012345678), 0xffff800012345678);
	CHECK_INT(arch->untag(&l, 0x1234), 0x1234);
	CHECK(arch->is_kernel_addr(&l, 0xffff000000000000) && arch->is_kernel_addr(&l, 0xf4ff800000000000));
	CHECK(!arch->is_kernel_addr(&l, 0xfffeffffffffffff) && !arch->is_kernel_addr(&l, 0xdead000000000100));
	CHECK(!arch->is_kernel_addr(&l, 0xffffffffffff) && !arch->is_kernel_addr(&l, 0));
}

CHECK_MAIN
{
	check_4k();
	check_16k();
	check_64k();
	check_pointers();
}
