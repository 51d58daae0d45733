/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Kinds of death by the words of logs, numbers of processors, poison, and the moves of a register in machine code. */
#include <kanalyze/fault.h>
#include <kanalyze/local.h>
#include "check.h"
#include "fault.h"

static struct ka_arena *a;

static struct ka_fault_report report(const char *text)
{
	struct { KA_VEC(const char *); } lines = { 0 };
	struct ka_fault_report r;
	char *copy = ka_strdup(a, text), *save = NULL;

	for (char *l = strtok_r(copy, "\n", &save); l; l = strtok_r(NULL, "\n", &save))
		ka_vec_push(&lines, l);
	ka_fault_log(a, lines.at, lines.n, &r);
	ka_vec_free(&lines);
	return r;
}

static void check_kinds(void)
{
	static const struct { const char *log; enum ka_fault_kind kind; } logs[] = {
		{ "", KA_FAULT_NONE },
		{ "all is well", KA_FAULT_NONE },
		{ "BUG: unable to handle kernel NULL pointer dereference at 0000000000000240\nIP: [<ffffffffa0c0bc68>] f+0xe0/0x1b0 [m]\nOops: 0000 [#1] SMP", KA_FAULT_NULL },
		{ "BUG: unable to handle page fault for address: ffffffffc0395070\n#PF: error_code(0x0000) - not-present page\nOops: 0000 [#1]", KA_FAULT_PAGING },
		{ "Unable to handle kernel paging request at virtual address dead000000000108\n  ESR = 0x0000000096000044\nInternal error: Oops: 0000000096000044 [#1] SMP",
		  KA_FAULT_PAGING },
		{ "general protection fault, probably for non-canonical address 0xdead4ead00000000: 0000 [#1] PREEMPT SMP NOPTI", KA_FAULT_GPF },
		{ "general protection fault: 0000 [#1] SMP", KA_FAULT_GPF },
		{ "Oops: general protection fault, probably for non-canonical address 0xdead000000000108: 0000 [#1] SMP", KA_FAULT_GPF },
		{ "divide error: 0000 [#1] SMP", KA_FAULT_DIVIDE },
		{ "kernel BUG at mm/slub.c:305!\ninvalid opcode: 0000 [#1] SMP", KA_FAULT_BUG },
		{ "list_del corruption. prev->next should be ffff, but was 0\n------------[ cut here ]------------\nkernel BUG at lib/list_debug.c:53!\n"
		  "invalid opcode: 0000 [#1] SMP", KA_FAULT_LIST },
		{ "------------[ cut here ]------------\nlist_del corruption, ffff->next is LIST_POISON1 (dead000000000100)\n"
		  "WARNING: CPU: 0 PID: 1 at lib/list_debug.c:55 f+0x1/0x2\n---[ end trace 0 ]---\nKernel panic - not syncing: panic_on_warn set ...", KA_FAULT_LIST },
		{ "WARNING: CPU: 0 PID: 1 at lib/list_debug.c:55 f+0x1/0x2\n---[ end trace 0 ]---\nKernel panic - not syncing: kernel: panic_on_warn set ...", KA_FAULT_WARN },
		/* what was survived is not what it died of */
		{ "WARNING: CPU: 0 PID: 1 at a.c:1 f+0x1/0x2\n---[ end trace 0 ]---\nx", KA_FAULT_NONE },
		{ "BUG: kernel NULL pointer dereference, address: 0000000000000000\n---[ end trace 0 ]---\nsysrq: Trigger a crash\nKernel panic - not syncing: sysrq triggered crash",
		  KA_FAULT_SYSRQ },
		{ "SysRq : Trigger a crash\nBUG: unable to handle kernel NULL pointer dereference at           (null)", KA_FAULT_SYSRQ },
		{ "BUG: kernel NULL pointer dereference, address: 0000000000000000\n---[ end trace 0 ]---\nKernel panic - not syncing: Fatal exception", KA_FAULT_NULL },
		{ "watchdog: BUG: soft lockup - CPU#0 stuck for 9s! [init:1]\nKernel panic - not syncing: softlockup: hung tasks", KA_FAULT_SOFT_LOCKUP },
		{ "watchdog: Watchdog detected hard LOCKUP on cpu 1\nKernel panic - not syncing: Hard LOCKUP", KA_FAULT_HARD_LOCKUP },
		{ "Kernel panic - not syncing: Watchdog detected hard LOCKUP on cpu 3", KA_FAULT_HARD_LOCKUP },
		{ "INFO: task x:348 blocked for more than 5 seconds.\nKernel panic - not syncing: hung_task: blocked tasks", KA_FAULT_HUNG_TASK },
		{ "x invoked oom-killer: gfp_mask=0\nKernel panic - not syncing: Out of memory: system-wide panic_on_oom is enabled", KA_FAULT_OOM },
		{ "rcu: INFO: rcu_preempt self-detected stall on CPU\nKernel panic - not syncing: RCU Stall", KA_FAULT_RCU_STALL },
		{ "mce: [Hardware Error]: Machine check events logged\nKernel panic - not syncing: Fatal machine check", KA_FAULT_MCE },
		{ "Uhhuh. NMI received for unknown reason 21 on CPU 0.\nKernel panic - not syncing: NMI: Not continuing", KA_FAULT_NMI },
		{ "BUG: TASK stack guard page was hit at 1 (stack is 2..3)\nstack guard page: 0000 [#1] SMP", KA_FAULT_STACK_GUARD },
		{ "Insufficient stack space to handle exception!\nESR: 0x0000000096000047 -- DABT (current EL)\nFAR: 0xffff800080027fe0\n"
		  "Kernel panic - not syncing: kernel stack overflow", KA_FAULT_STACK_GUARD },
		{ "memcpy: detected buffer overflow: 24 byte write of buffer size 16\nWARNING: CPU: 0 PID: 1 at lib/string_helpers.c:1033 __fortify_report+0x49/0x50\n"
		  "---[ end trace 0 ]---\nkernel BUG at lib/string_helpers.c:1040!\nOops: invalid opcode: 0000 [#1] SMP", KA_FAULT_FORTIFY },
		{ "CFI failure at f+0x2c/0x50 [m] (target: g+0x0/0x2b [m]; expected type: 0x736553b2)\nOops: invalid opcode: 0000 [#1] SMP", KA_FAULT_CFI },
		{ "traps: UBSAN: array index out of bounds at f+0x19/0x20 [m]\nOops: invalid opcode: 0000 [#1] SMP", KA_FAULT_UBSAN },
		{ "Kernel panic - not syncing: stack-protector: Kernel stack is corrupted in: f+0x1/0x2", KA_FAULT_STACK_PROTECTOR },
		{ "Kernel panic - not syncing: corrupted stack end detected inside scheduler", KA_FAULT_STACK_END },
		{ "refcount_t: underflow; use-after-free.\nWARNING: CPU: 0 PID: 1 at lib/refcount.c:28 f+0x1/0x2\n---[ end trace 0 ]---\n"
		  "Kernel panic - not syncing: panic_on_warn set ...", KA_FAULT_REFCOUNT },
		{ "BUG: KASAN: slab-use-after-free in f+0x1/0x2\nRead of size 8 at addr ffff888004a20010 by task init/1", KA_FAULT_KASAN },
		{ "CFI failure at f+0x1/0x2 (target: g+0x0/0x1; expected type: 0x1)\nOops: invalid opcode: 0000 [#1]", KA_FAULT_CFI },
		{ "UBSAN: array-index-out-of-bounds in a.c:1:2\nindex 9 is out of range\nKernel panic - not syncing: UBSAN: panic_on_warn set ...", KA_FAULT_UBSAN },
		{ "Kernel panic - not syncing: Attempted to kill init! exitcode=0x00000100", KA_FAULT_INIT_DIED },
		{ "BUG: unable to handle page fault for address: ffffffffc0395070\n---[ end trace 0 ]---\nKernel panic - not syncing: Attempted to kill init! exitcode=0x00000009",
		  KA_FAULT_PAGING },
		{ "Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)", KA_FAULT_NO_ROOT },
		{ "Kernel panic - not syncing: lab: plain panic, number 42", KA_FAULT_PANIC },
		{ "Kernel panic - not syncing: Asynchronous SError Interrupt", KA_FAULT_SERROR },
	};

	for (size_t i = 0; i < KA_COUNT(logs); i++) {
		struct ka_fault_report r = report(logs[i].log);

		if (r.kind != logs[i].kind)
			fprintf(stderr, "%s\n", logs[i].log);
		CHECK_STR(ka_fault_kind_name(r.kind), ka_fault_kind_name(logs[i].kind));
	}
}

static void check_report(void)
{
	struct ka_fault_report r = report("BUG: kernel NULL pointer dereference, address: 0000000000000240\n#PF: supervisor write access in kernel mode\n"
					  "#PF: error_code(0x0002) - not-present page\nOops: 0002 [#1] SMP\nRIP: 0010:lab_null.isra.0+0x5/0x10 [lab]\n"
					  "CR2: 0000000000000240\nModules linked in: lab(OE) [last unloaded: vmsecmod]\nRIP: 0010:other+0x1/0x2");
	CHECK(r.has_addr && r.has_error_code);
	CHECK_INT(r.addr, 0x240);
	CHECK_INT(r.error_code, 2);
	CHECK_STR(r.place, "lab_null.isra.0+0x5/0x10 [lab]");
	CHECK_STR(r.last_unloaded, "vmsecmod");
	CHECK_STR(r.addr_by, "log");
	r = report("BUG: unable to handle kernel paging request at ffffffffa0395070\nRIP: 0010:[<ffffffff812ae3a9>]  [<ffffffff812ae3a9>] strnlen+0x9/0x40");
	CHECK_INT(r.addr, 0xffffffffa0395070);
	CHECK_STR(r.place, "strnlen+0x9/0x40");
	r = report("kernel BUG at /src/a:b/lab.c:111!\nRIP: 0010:f+0x1/0x2");
	CHECK_STR(r.bug_file, "/src/a:b/lab.c");
	CHECK_INT(r.bug_line, 111);
	r = report("Unable to handle kernel paging request at virtual address dead000000000108\n  ESR = 0x0000000096000044\npc : f+0x8/0x10\nlr : g+0x1/0x2");
	CHECK(r.has_esr && r.has_addr);
	CHECK_INT(r.esr, 0x96000044);
	CHECK_STR(r.place, "f+0x8/0x10");
	r = report("BUG: TASK stack guard page was hit at 1 (stack is 2..3)\nCR2: ffffce19c000ffa8 CR3: 0");
	CHECK_INT(r.addr, 0xffffce19c000ffa8);
	CHECK_STR(r.addr_by, "CR2");
	r = report("BUG: KASAN: slab-use-after-free in f+0x1/0x2\nWrite of size 8 at addr ffff888004a20010 by task init/1\n"
		   "Kernel panic - not syncing: kasan.fault=panic set ...");
	CHECK(r.has_addr);
	CHECK_INT(r.addr, 0xffff888004a20010);
	CHECK_INT(r.access, KA_ACCESS_WRITE);
	CHECK_INT(r.size, 8);
}

static void check_earlier(void)
{
	struct ka_fault_report r = report("BUG tape (Tainted: G           OE     ): Right Redzone overwritten\n0xffff-0xffff @offset=3440. First byte 0xbe instead of 0xcc\n"
					  "FIX tape: Object at 0xffff not freed\nWARNING: CPU: 0 PID: 1 at a.c:3 f+0x1/0x2\n---[ end trace 0 ]---\n"
					  "Kernel panic - not syncing: lab: plain panic, number 42");
	CHECK_STR(ka_fault_kind_name(r.kind), "panic");
	CHECK(r.earlier && r.earlier[0] && r.earlier[1] && !r.earlier[2]);
	if (r.earlier && r.earlier[0] && r.earlier[1]) {
		CHECK_STR(r.earlier[0], "BUG tape (Tainted: G           OE     ): Right Redzone overwritten");
		CHECK_STR(r.earlier[1], "WARNING: CPU: 0 PID: 1 at a.c:3 f+0x1/0x2");
	}
	r = report("BUG: kernel NULL pointer dereference, address: 0000000000000240\nOops: 0002 [#1] SMP");
	CHECK(!r.earlier);
}

static void check_refusal(void)
{
	CHECK(ka_fault_x86_refusal(0, true) == NULL);
	CHECK(strstr(ka_fault_x86_refusal(1, true), "(SMAP)") != NULL);
	CHECK(strstr(ka_fault_x86_refusal(0x11, true), "(SMEP)") != NULL);
	CHECK_STR(ka_fault_x86_refusal(3, false), "the page is read-only");
	CHECK(ka_fault_x86_refusal(0x11, false) == NULL);
}

/* Variables by where they are. */
static void check_locals(void)
{
	struct ka_local at[] = {
		{ .name = "s", .function = "inner", .place = KA_LOCAL_IN_REGISTER, .reg = 1, .is_inlined = true },
		{ .name = "s", .function = "outer", .place = KA_LOCAL_IN_REGISTER, .reg = 1, .level = 1 },
		{ .name = "buf", .function = "outer", .place = KA_LOCAL_IN_MEMORY, .reg = 7, .reg_offset = 16, .size = 24, .level = 1, .state = KA_LOCAL_THERE,
		  .value = { .is_lvalue = true, .addr = 0xffffc90000001010 } },
		{ .name = "s", .function = "outer", .place = KA_LOCAL_NOWHERE, .reg = -1, .level = 1, .depth = 1 },
	};
	struct ka_locals l = { .at = at, .n = KA_COUNT(at) };
	uint64_t inside = 0;

	CHECK(ka_local_in_register(&l, 1) == &at[0]);
	CHECK(ka_local_in_register(&l, 2) == NULL);
	CHECK(ka_local_at_register(&l, 7, 39, &inside) == &at[2]);
	CHECK_INT(inside, 23);
	CHECK(ka_local_at_register(&l, 7, 40, &inside) == NULL);
	CHECK(ka_local_at_register(&l, 7, 15, &inside) == NULL);
	CHECK(ka_local_at_register(&l, 6, 16, &inside) == NULL);
	CHECK(ka_local_at_address(&l, 0xffffc90000001027, &inside) == &at[2]);
	CHECK_INT(inside, 23);
	CHECK(ka_local_at_address(&l, 0xffffc90000001028, &inside) == NULL);
	CHECK(ka_local_find(&l, "s") == &at[0]);
	CHECK(ka_local_find(&l, "buf") == &at[2]);
	CHECK(ka_local_find(&l, "none") == NULL);
}

static void check_cause(void)
{
	struct ka_fault_cause c;

	ka_fault_x86_error(0x0, &c);
	CHECK_INT(c.access, KA_ACCESS_READ);
	ka_fault_x86_error(0x3, &c);
	CHECK_INT(c.access, KA_ACCESS_WRITE);
	CHECK(c.kind == KA_FAULT_PAGING && strstr(c.text, "read-only"));
	ka_fault_x86_error(0x10, &c);
	CHECK(c.kind == KA_FAULT_EXEC && c.access == KA_ACCESS_EXEC);
	ka_fault_esr(a, 0x96000006, &c);
	CHECK(c.kind == KA_FAULT_PAGING && c.access == KA_ACCESS_READ);
	CHECK_STR(c.text, "no page is mapped there (translation fault, level 2)");
	ka_fault_esr(a, 0x9600004f, &c);
	CHECK(c.access == KA_ACCESS_WRITE && strstr(c.text, "permission fault, level 3"));
	ka_fault_esr(a, 0x86000004, &c);
	CHECK(c.kind == KA_FAULT_EXEC);
	ka_fault_esr(a, 0x96000021, &c);
	CHECK(c.kind == KA_FAULT_ALIGNMENT);
	ka_fault_esr(a, 0xf2000800, &c);
	CHECK(c.kind == KA_FAULT_BUG && !c.text);
	ka_fault_esr(a, 0xf2005512, &c);
	CHECK(c.kind == KA_FAULT_UBSAN);
	CHECK_STR(c.text, "index out of bounds");
	ka_fault_esr(a, 0xf2008228, &c);
	CHECK(c.kind == KA_FAULT_CFI);
	CHECK_STR(c.text, "the target is in x8, the type it should have in w17");
	ka_fault_esr(a, 0xf2000933, &c);
	CHECK(c.kind == KA_FAULT_KASAN);
	CHECK_STR(c.text, "KASAN: write of 8 bytes");
	CHECK_INT(ka_fault_of_entry("asm_exc_page_fault"), KA_FAULT_PAGING);
	CHECK_INT(ka_fault_of_entry("schedule"), KA_FAULT_NONE);
	CHECK_INT(ka_fault_of_entry(NULL), KA_FAULT_NONE);
}

static void check_trap(void)
{
	static const uint8_t ud2[] = { 0x0f, 0x0b }, ud1[] = { 0x67, 0x0f, 0xb9, 0x40, 0x12 }, brk[] = { 0x00, 0x00, 0x21, 0xd4 };
	const char *text;

	CHECK_INT(ka_fault_of_trap(a, false, ud2, sizeof(ud2), &text), KA_FAULT_NONE);
	CHECK_INT(ka_fault_of_trap(a, false, ud1, sizeof(ud1), &text), KA_FAULT_UBSAN);
	CHECK_STR(text, "index out of bounds");
	CHECK_INT(ka_fault_of_trap(a, false, ud1, 3, &text), KA_FAULT_NONE);
	CHECK_INT(ka_fault_of_trap(a, true, brk, sizeof(brk), &text), KA_FAULT_BUG);
	CHECK_INT(ka_fault_of_trap(a, true, brk, 3, &text), KA_FAULT_NONE);
}

static void check_poison(void)
{
	static const struct { uint64_t value; const char *kind, *start; } values[] = {
		{ 0, "null", "NULL" },
		{ 0x240, "null", "NULL + 0x240" },
		{ (uint64_t)-12, "error", "ERR_PTR(-ENOMEM)" },
		{ (uint64_t)-517, "error", "ERR_PTR(-EPROBE_DEFER)" },
		{ (uint64_t)-4000, "null", "-4000: just below NULL" },
		{ 0xdead000000000100, "poison", "LIST_POISON1 (" },
		{ 0xdead000000000108, "poison", "LIST_POISON1 + 0x8" },
		{ 0xdead000000000122, "poison", "LIST_POISON2 (" },
		{ 0x6b6b6b6b6b6b6b6b, "poison", "POISON_FREE (" },
		{ 0x6b6b6b6b6b6b6bab, "poison", "POISON_FREE + 0x40" },
		{ 0x6b6b6b6b6b6b6b63, "poison", "POISON_FREE - 0x8" },
		{ 0xdead4ead00000000, "poison", "SPINLOCK_MAGIC" },
		{ 0x5a5a5a5a5a5a5a5a, "poison", "POISON_INUSE" },
		{ 0xcccccccccccccccc, "poison", "SLUB_RED_ACTIVE" },
	};
	const char *text, *kind;

	for (size_t i = 0; i < KA_COUNT(values); i++) {
		CHECK(ka_fault_poison(a, values[i].value, 4096, true, &text, &kind));
		CHECK_STR(kind, values[i].kind);
		if (strncmp(text, values[i].start, strlen(values[i].start)))
			CHECK_STR(text, values[i].start);
	}
	CHECK(!ka_fault_poison(a, 0xffff888004a20000, 4096, true, &text, &kind));
	CHECK(!ka_fault_poison(a, 0x1000, 4096, true, &text, &kind));
	CHECK_STR(ka_errno_name(12), "ENOMEM");
	CHECK_STR(ka_errno_name(133), "EHWPOISON");
	CHECK_STR(ka_errno_name(38), "ENOSYS");
	CHECK_STR(ka_errno_name(110), "ETIMEDOUT");
	CHECK(!ka_errno_name(134) && !ka_errno_name(0) && !ka_errno_name(5000));
}

/*
 *  0 push %rbx            4 je 12              c call 100
 *  1 mov %rdi,%rbx        6 mov 8(%rdi),%rbx  11 mov (%rbx),%rax
 *  (3 bytes: test)        a jmp 11 (0xa+2+5)  14 pop %rbx
 */
static const uint8_t x86[] = {
	0x53, 0x48, 0x89, 0xfb, 0x74, 0x06, 0x48, 0x8b, 0x5f, 0x08, 0xeb, 0x05, 0xe8, 0xef, 0x00, 0x00, 0x00, 0x48, 0x8b, 0x03,
	0x48, 0x89, 0x5c, 0x24, 0x10, 0x48, 0x83, 0xec, 0x20, 0x48, 0x8b, 0x44, 0x24, 0x30, 0x48, 0x8b, 0x08, 0xc3,
};

static void check_defs(void)
{
	struct ka_fault_code c = { 0 };
	struct ka_fault_defs d;

	if (!ka_fault_code_decode(a, "x86_64", x86, sizeof(x86), 0, &c)) {
		printf("no decoder\n");
		return;
	}
	CHECK_INT(c.count, 12);
	CHECK_INT(c.insns[6].addr, 0x11);
	/* rbx at 0x11: by the move before the branch, or by the load of the other path */
	ka_fault_reg_defs(&c, false, 6, 3, &d);
	CHECK_INT(d.count, 2);
	CHECK(!d.is_entry && !d.is_unknown);
	/* rdi at 0x11: as it came, or what the call left there */
	ka_fault_reg_defs(&c, false, 6, 5, &d);
	CHECK(d.is_entry);
	CHECK_INT(d.count, 1);
	CHECK(d.count == 1 && c.insns[d.at[0]].kind == KA_INSN_CALL);
	/* rdi before the branch: an argument alone */
	ka_fault_reg_defs(&c, false, 2, 5, &d);
	CHECK(d.is_entry && !d.count && !d.is_unknown);
	/* rax at 0x22: the load from the stack; what is there was stored at 0x14, before the stack pointer moved */
	ka_fault_reg_defs(&c, false, 10, 0, &d);
	CHECK(d.count == 1 && d.at[0] == 9);
	ka_fault_slot_defs(&c, false, 9, 7, 0x30, &d);
	CHECK(d.count == 1 && d.at[0] == 7 && !d.is_unknown);
	ka_fault_slot_defs(&c, false, 9, 7, 0x28, &d);
	CHECK(d.is_entry || d.is_unknown);
	/* the push */
	ka_fault_slot_defs(&c, false, 7, 7, 0, &d);
	CHECK(d.count == 1 && d.at[0] == 0);
	ka_fault_reg_defs(&c, false, 6, 99, &d);
	CHECK(d.is_unknown);
}

static void check_details(void)
{
	struct ka_fault_report r = report("BUG: KASAN: slab-use-after-free in f+0x36/0x52 [m]\nRead of size 8 at addr ffff88800169ccd0 by task init/1\n\n"
					  "The buggy address belongs to the object at ffff88800169cca8\n which belongs to the cache q of size 88\n"
					  "The buggy address is located 40 bytes inside of\n freed 88-byte region [ffff88800169cca8, ffff88800169cd00)\n\n"
					  "The buggy address belongs to the physical page:\npage: refcount:1\n\nMemory state around the buggy address:\n"
					  "Kernel panic - not syncing: kasan.fault=panic set ...");

	CHECK_INT(r.kind, KA_FAULT_KASAN);
	CHECK_INT(r.access, KA_ACCESS_READ);
	CHECK_INT(r.size, 8);
	CHECK(r.has_addr && r.addr == 0xffff88800169ccd0);
	CHECK(r.details && r.details[0] && r.details[1] && !r.details[2]);
	CHECK_STR(r.details[0], "The buggy address belongs to the object at ffff88800169cca8, which belongs to the cache q of size 88");
	CHECK_STR(r.details[1], "The buggy address is located 40 bytes inside of freed 88-byte region [ffff88800169cca8, ffff88800169cd00)");
	r = report("BUG: KASAN: stack-out-of-bounds in f+0x1/0x2\nRead of size 4 at addr ffff88800169ccd0 by task init/1\n"
		   "The buggy address belongs to stack of task init/1\n and is located at offset 48 in frame:\n g+0x0/0xb0\n\nThis frame has 1 object:\n [32, 48) 'moves'\n\n"
		   "Kernel panic - not syncing: kasan.fault=panic set ...");
	CHECK(r.details && r.details[0] && r.details[1] && r.details[2] && r.details[3] && !r.details[4]);
	CHECK_STR(r.details[1], "and is located at offset 48 in frame: g+0x0/0xb0");
	CHECK_STR(r.details[3], "[32, 48) 'moves'");
	r = report("UBSAN: array-index-out-of-bounds in a.c:1:2\nindex 9 is out of range for type 'u32 [4]'\nCPU: 1 PID: 1 Comm: init\n---[ end trace ]---\n"
		   "Kernel panic - not syncing: UBSAN: panic_on_warn set ...");
	CHECK_INT(r.kind, KA_FAULT_UBSAN);
	CHECK(r.details && !r.details[1]);
	CHECK_STR(r.details[0], "index 9 is out of range for type 'u32 [4]'");
	r = report("BUG: scheduling while atomic: init/1/0x00010002\nPreemption disabled at:\n[<ffffffffc0351d14>] f+0x10/0x24 [m]\nCPU: 1\n"
		   "Kernel panic - not syncing: scheduling while atomic");
	CHECK_INT(r.kind, KA_FAULT_ATOMIC);
	CHECK(r.details && r.details[0] && r.details[1] && !r.details[2]);
	CHECK_STR(r.details[0], "preempt_count 0x10002: preemption disabled 2-fold, once by schedule() itself; in an interrupt");
	CHECK_STR(r.details[1], "preemption was disabled at f+0x10/0x24 [m]");
	/* what was survived */
	r = report("BUG: spinlock recursion on CPU#1, init/96\nBUG: Bad page state in process init  pfn:020d5\nwatchdog: BUG: soft lockup - CPU#1 stuck for 8s! [init:96]\n"
		   "Kernel panic - not syncing: softlockup: hung tasks");
	CHECK(r.earlier && r.earlier[0] && r.earlier[1] && !r.earlier[2]);
}

static void check_machine_checks(void)
{
	struct ka_fault_report r = report("mce: [Hardware Error]: CPU 1: Machine Check: 0 Bank 4: 9400000000000151\nmce: [Hardware Error]: TSC 0 ADDR 5000 \n"
					  "mce: [Hardware Error]: PROCESSOR 2:60fb1 TIME 1 SOCKET 0 APIC 0 microcode 1\n"
					  "mce: [Hardware Error]: CPU 0: Machine Check Exception: 4 Bank 1: be00000000000134\n"
					  "mce: [Hardware Error]: TSC 9bd0f71d5 ADDR 1234000 MISC 8c \nmce: [Hardware Error]: PROCESSOR 2:60fb1 TIME 1 SOCKET 0 APIC 0 microcode 1\n"
					  "mce: [Hardware Error]: Machine check: Processor context corrupt\nKernel panic - not syncing: Fatal machine check");

	CHECK_INT(r.kind, KA_FAULT_MCE);
	CHECK_STR(r.reason, "bank 1 of CPU 0: cache error: data read, data, level 0, at 0x1234000");
	CHECK(r.details && r.details[0] && r.details[1] && r.details[2] && r.details[3] && r.details[4] && !r.details[5]);
	CHECK_STR(r.details[0], "CPU 0, bank 1, status be00000000000134: uncorrected, the processor's context is corrupt (PCC): cache error: data read, data, level 0");
	CHECK_STR(r.details[1], "address 1234000, physical, good to 4096 bytes");
	CHECK_STR(r.details[2], "global status 4: what was interrupted cannot go on; the instruction pointer has nothing to do with the error");
	CHECK_STR(r.details[3], "CPU 1, bank 4, status 9400000000000151: corrected: cache error: instruction fetch, instructions, level 1");
	CHECK_STR(r.details[4], "address 5000");
	/* a bus error without an address */
	r = report("[Hardware Error]: CPU 3: Machine Check Exception:                4 Bank 0: f200000000000a13\nKernel panic - not syncing: Machine check");
	CHECK_STR(r.reason, "bank 0 of CPU 3: bus error: read answered by this processor of memory, any level");
	r = report("mce: [Hardware Error]: Machine check events logged\nKernel panic - not syncing: Fatal machine check");
	CHECK(!r.details);
}

CHECK_MAIN
{
	a = ka_arena_new();
	check_kinds();
	check_machine_checks();
	check_details();
	check_report();
	check_earlier();
	check_refusal();
	check_locals();
	check_cause();
	check_trap();
	check_poison();
	check_defs();
	ka_arena_free(a);
}
