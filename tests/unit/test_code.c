/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The decoder: text as gdb has it, lengths of what capstone does not know, operands, aarch64's pages. */
#include <stdio.h>
#include <kanalyze/code.h>
#include "check.h"

static size_t bytes_of(const char *hex, uint8_t *ret, size_t max)
{
	size_t n = 0;
	unsigned byte;

	for (; n < max && sscanf(hex + 2 * n, "%2x", &byte) == 1; n++)
		ret[n] = (uint8_t)byte;
	return n;
}

static struct ka_insn decode(struct ka_code *c, const char *hex, uint64_t addr)
{
	uint8_t bytes[32];
	struct ka_insn i;
	size_t n = bytes_of(hex, bytes, sizeof(bytes));

	CHECK(ka_code_decode(c, bytes, n, addr, &i));
	return i;
}

#define AT 0xffffffff81000000ull

static const struct { const char *hex, *att, *intel; unsigned size, kind; } x86[] = {
	{ "f30f1efa", "endbr64", "endbr64", 4, KA_INSN_NOP },
	{ "0f1f440000", "nopl   0x0(%rax,%rax,1)", "nop    DWORD PTR [rax+rax*1+0x0]", 5, KA_INSN_NOP },
	{ "662e0f1f840000000000", "cs nopw 0x0(%rax,%rax,1)", "cs nop WORD PTR [rax+rax*1+0x0]", 10, KA_INSN_NOP },
	{ "6690", "xchg   %ax,%ax", "xchg   ax,ax", 2, KA_INSN_NOP },
	{ "e8fb000000", "call   0xffffffff81000100", "call   0xffffffff81000100", 5, KA_INSN_CALL },
	{ "2ee8fa000000", "cs call 0xffffffff81000100", "cs call 0xffffffff81000100", 6, KA_INSN_CALL },
	{ "eb0e", "jmp    0xffffffff81000010", "jmp    0xffffffff81000010", 2, KA_INSN_JUMP },
	{ "0f84fa000000", "je     0xffffffff81000100", "je     0xffffffff81000100", 6, KA_INSN_BRANCH },
	{ "3effe0", "notrack jmp *%rax", "notrack jmp rax", 3, KA_INSN_JUMP },
	{ "ff5708", "call   *0x8(%rdi)", "call   QWORD PTR [rdi+0x8]", 3, KA_INSN_CALL },
	{ "c3", "ret", "ret", 1, KA_INSN_RETURN },
	{ "f3c3", "repz ret", "repz ret", 2, KA_INSN_RETURN },
	{ "0f0b", "ud2", "ud2", 2, KA_INSN_TRAP },
	{ "0fb902", "ud1    (%rdx),%eax", "ud1    eax,DWORD PTR [rdx]", 3, KA_INSN_TRAP },
	{ "cc", "int3", "int3", 1, KA_INSN_TRAP },
	{ "65488b1c2580fb0100", "mov    %gs:0x1fb80,%rbx", "mov    rbx,QWORD PTR gs:0x1fb80", 9, KA_INSN_PLAIN },
	{ "65ff051d8a816a", "incl   %gs:0x6a818a1d(%rip)", "inc    DWORD PTR gs:[rip+0x6a818a1d]", 7, KA_INSN_PLAIN },
	{ "48c7c7485b0e96", "mov    $0xffffffff960e5b48,%rdi", "mov    rdi,0xffffffff960e5b48", 7, KA_INSN_PLAIN },
	{ "83e4f0", "and    $0xfffffff0,%esp", "and    esp,0xfffffff0", 3, KA_INSN_PLAIN },
	{ "d1e8", "shr    $1,%eax", "shr    eax,0x1", 2, KA_INSN_PLAIN },
	{ "f348ab", "rep stos %rax,%es:(%rdi)", "rep stos QWORD PTR es:[rdi],rax", 3, KA_INSN_PLAIN },
	{ "f348a5", "rep movsq %ds:(%rsi),%es:(%rdi)", "rep movs QWORD PTR es:[rdi],QWORD PTR ds:[rsi]", 3, KA_INSN_PLAIN },
	{ "f0480fb117", "lock cmpxchg %rdx,(%rdi)", "lock cmpxchg QWORD PTR [rdi],rdx", 5, KA_INSN_PLAIN },
	{ "0fb6c0", "movzbl %al,%eax", "movzx  eax,al", 3, KA_INSN_PLAIN },
	{ "4898", "cltq", "cdqe", 2, KA_INSN_PLAIN },
	{ "8b04c5800000ff", "mov    -0xffff80(,%rax,8),%eax", "mov    eax,DWORD PTR [rax*8-0xffff80]", 7, KA_INSN_PLAIN },
	{ "ec", "in     (%dx),%al", NULL, 1, KA_INSN_PLAIN },
	{ "f30f01e8", "setssbsy", "setssbsy", 4, KA_INSN_PLAIN },
	{ "0f01ee", "rdpkru", "rdpkru", 3, KA_INSN_PLAIN },
	{ "f3480f1ec8", "rdsspq %rax", "rdsspq rax", 5, KA_INSN_PLAIN },
	{ "660f38f806", "movdir64b (%rsi),%rax", "movdir64b rax,[rsi]", 5, KA_INSN_PLAIN },
	{ "f30fa6d0", "repz xsha256", "repz xsha256", 4, KA_INSN_PLAIN },
	{ "f20f01ca", "erets", "erets", 4, KA_INSN_RETURN },
	{ "06", "(bad)", "(bad)", 1, KA_INSN_BAD },
	{ "e800", "(bad)", "(bad)", 1, KA_INSN_BAD },
};

static void test_x86_text(void)
{
	struct ka_code *att, *intel;

	CHECK(!ka_code_open("x86_64", KA_SYNTAX_ATT, &att));
	CHECK(!ka_code_open("x86_64", KA_SYNTAX_INTEL, &intel));
	for (size_t n = 0; n < KA_COUNT(x86); n++) {
		struct ka_insn i = decode(att, x86[n].hex, AT);

		CHECK_STR(i.text, x86[n].att);
		CHECK_INT(i.size, x86[n].size);
		CHECK_INT(i.kind, x86[n].kind);
		i = decode(intel, x86[n].hex, AT);
		CHECK_INT(i.size, x86[n].size);
		if (x86[n].intel)
			CHECK_STR(i.text, x86[n].intel);
	}
	ka_code_close(att);
	ka_code_close(intel);
}

static void test_x86_operands(void)
{
	struct ka_code *c;
	struct ka_insn i;

	CHECK(!ka_code_open("x86_64", KA_SYNTAX_ATT, &c));
	i = decode(c, "498944cc10", AT);	/* mov %rax,0x10(%r12,%rcx,8) */
	CHECK_INT(i.memory_count, 1);
	CHECK_INT(i.memory[0].base, 12);
	CHECK_INT(i.memory[0].index, 2);
	CHECK_INT(i.memory[0].scale, 8);
	CHECK_INT(i.memory[0].disp, 16);
	CHECK_INT(i.memory[0].size, 8);
	CHECK(i.memory[0].is_write && !i.memory[0].is_read);
	CHECK_INT(i.reads, 1ull << 0 | 1ull << 2 | 1ull << 12);
	CHECK_INT(i.writes, 0);
	i = decode(c, "488b4708", AT);		/* mov 0x8(%rdi),%rax */
	CHECK(i.memory[0].is_read && !i.memory[0].is_write);
	CHECK_INT(i.writes, 1);
	CHECK_INT(i.reads, 1ull << 5);
	i = decode(c, "488d0510000000", AT);	/* lea 0x10(%rip),%rax: the address alone */
	CHECK(i.has_address && !i.is_address_shown);
	CHECK_INT(i.address, AT + 7 + 16);
	CHECK(!i.memory[0].is_read && !i.memory[0].is_write);
	i = decode(c, "8300ff", AT);		/* addl $-1,(%rax) */
	CHECK(i.memory[0].is_read && i.memory[0].is_write);
	CHECK_INT(i.memory[0].size, 4);
	i = decode(c, "55", AT);		/* push %rbp */
	CHECK(i.memory[0].is_implicit && i.memory[0].is_write);
	CHECK_INT(i.memory[0].base, 7);
	ka_code_close(c);
}

static void test_arm64(void)
{
	struct ka_code *c;
	struct ka_insn i;

	CHECK(!ka_code_open("aarch64", KA_SYNTAX_ATT, &c));
	i = decode(c, "3f2303d5", AT);
	CHECK_STR(i.text, "paciasp");
	i = decode(c, "fd7bbea9", AT);
	CHECK_STR(i.text, "stp    x29, x30, [sp, #-32]!");
	CHECK_INT(i.memory[0].size, 16);
	CHECK(i.memory[0].is_write);
	CHECK_INT(i.memory[0].base, 31);
	i = decode(c, "40000094", AT);
	CHECK_INT(i.kind, KA_INSN_CALL);
	CHECK_INT(i.target, AT + 0x100);
	CHECK_STR(i.text, "bl     0xffffffff81000100");
	i = decode(c, "40000054", AT);
	CHECK_STR(i.text, "b.eq   0xffffffff81000008");
	CHECK_STR(i.remark, "// b.none");
	CHECK_INT(i.kind, KA_INSN_BRANCH);
	i = decode(c, "00000090", AT + 16);	/* adrp x0, . */
	CHECK_INT(i.address, AT);
	CHECK(i.is_address_shown);
	i = decode(c, "00400491", AT + 20);	/* add x0, x0, #0x110 */
	CHECK(i.has_address);
	CHECK_INT(i.address, AT + 0x110);
	i = decode(c, "c0035fd6", AT);
	CHECK_INT(i.kind, KA_INSN_RETURN);
	static const struct { const char *hex, *text; unsigned size; } user[] = {
		{ "41084038", "ldtrb  w1, [x2]", 1 }, { "41588038", "ldtrsb x1, [x2, #5]", 1 }, { "41b8df38", "ldtrsb w1, [x2, #-5]", 1 },
		{ "ff8b4078", "ldtrh  wzr, [sp, #8]", 2 }, { "83088078", "ldtrsh x3, [x4]", 2 }, { "83f8cf78", "ldtrsh w3, [x4, #255]", 2 },
		{ "630840b8", "ldtr   w3, [x3]", 4 }, { "630890b8", "ldtrsw x3, [x3, #-256]", 4 }, { "be0b40f8", "ldtr   x30, [x29]", 8 },
	};
	for (size_t n = 0; n < KA_COUNT(user); n++) {
		i = decode(c, user[n].hex, AT);
		CHECK_STR(i.text, user[n].text);
		CHECK_INT(i.memory_count, 1);
		CHECK_INT(i.memory[0].size, user[n].size);
		CHECK(i.memory[0].is_read && !i.memory[0].is_write);
	}
	i = decode(c, "418800f8", AT);
	CHECK_STR(i.text, "sttr   x1, [x2, #8]");
	i = decode(c, "9f4103d5", AT);
	CHECK_STR(i.text, "msr    tco, #0x1");
	i = decode(c, "00000000", AT);
	CHECK_INT(i.kind, KA_INSN_BAD);
	CHECK_INT(i.size, 4);
	ka_code_close(c);
}

CHECK_MAIN
{
	struct ka_code *c;
	struct ka_error *err = ka_code_open("s390x", KA_SYNTAX_ATT, &c);

	CHECK(err && err->code == KA_UNSUPPORTED);
	ka_error_free(err);
	test_x86_text();
	test_x86_operands();
	test_arm64();
}
