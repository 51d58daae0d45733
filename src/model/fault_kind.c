/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Names of what a kernel dies of. */
#include <kanalyze/fault.h>

static const struct {
	const char *name, *title;
} kinds[] = {
	[KA_FAULT_NONE] = { "none", "no fault" },
	[KA_FAULT_NULL] = { "null", "NULL pointer dereference" },
	[KA_FAULT_PAGING] = { "paging", "bad address" },
	[KA_FAULT_GPF] = { "gpf", "general protection fault" },
	[KA_FAULT_EXEC] = { "exec", "jump to where there is no code" },
	[KA_FAULT_STACK_GUARD] = { "stack_overflow", "stack overflow" },
	[KA_FAULT_DOUBLE] = { "double_fault", "double fault" },
	[KA_FAULT_SEGMENT] = { "stack_segment", "stack segment fault" },
	[KA_FAULT_ALIGNMENT] = { "alignment", "unaligned access" },
	[KA_FAULT_BUS] = { "bus", "access that the bus refused" },
	[KA_FAULT_BUG] = { "bug", "BUG()" },
	[KA_FAULT_WARN] = { "warn", "WARN() with panic_on_warn" },
	[KA_FAULT_INVALID_OPCODE] = { "invalid_opcode", "invalid opcode" },
	[KA_FAULT_CFI] = { "cfi", "control flow integrity: indirect call or return to the wrong place" },
	[KA_FAULT_UBSAN] = { "ubsan", "undefined behaviour" },
	[KA_FAULT_KASAN] = { "kasan", "KASAN: bad memory access" },
	[KA_FAULT_DIVIDE] = { "divide", "division by zero or overflow of a quotient" },
	[KA_FAULT_DEBUG] = { "debug", "breakpoint or debug exception" },
	[KA_FAULT_LIST] = { "list_corruption", "list corruption" },
	[KA_FAULT_REFCOUNT] = { "refcount", "reference count that over- or underflowed" },
	[KA_FAULT_SLAB] = { "slab", "slab corruption" },
	[KA_FAULT_USERCOPY] = { "usercopy", "copy to or from user space beyond an object" },
	[KA_FAULT_FORTIFY] = { "fortify", "string or memory function beyond an object" },
	[KA_FAULT_STACK_PROTECTOR] = { "stack_protector", "stack buffer overrun: the canary is gone" },
	[KA_FAULT_STACK_END] = { "stack_end", "stack overrun: the mark at its end is gone" },
	[KA_FAULT_KCSAN] = { "kcsan", "data race" },
	[KA_FAULT_KFENCE] = { "kfence", "KFENCE: bad memory access" },
	[KA_FAULT_ATOMIC] = { "atomic", "sleep in atomic context" },
	[KA_FAULT_SOFT_LOCKUP] = { "soft_lockup", "soft lockup" },
	[KA_FAULT_HARD_LOCKUP] = { "hard_lockup", "hard lockup" },
	[KA_FAULT_HUNG_TASK] = { "hung_task", "hung task" },
	[KA_FAULT_RCU_STALL] = { "rcu_stall", "RCU stall" },
	[KA_FAULT_OOM] = { "oom", "out of memory" },
	[KA_FAULT_MCE] = { "mce", "machine check" },
	[KA_FAULT_NMI] = { "nmi", "non-maskable interrupt" },
	[KA_FAULT_SERROR] = { "serror", "SError: error told late by the hardware" },
	[KA_FAULT_SYSRQ] = { "sysrq", "crash asked for by sysrq" },
	[KA_FAULT_INIT_DIED] = { "init_died", "init, or a task that must not, has died" },
	[KA_FAULT_NO_ROOT] = { "no_root", "no root file system" },
	[KA_FAULT_PANIC] = { "panic", "panic()" },
	[KA_FAULT_OOPS] = { "oops", "exception in the kernel" },
};

const char *ka_fault_kind_name(enum ka_fault_kind kind)
{
	return kind < KA_COUNT(kinds) ? kinds[kind].name : "oops";
}

const char *ka_fault_kind_title(enum ka_fault_kind kind)
{
	return kind < KA_COUNT(kinds) ? kinds[kind].title : kinds[KA_FAULT_OOPS].title;
}

const char *ka_fault_access_name(enum ka_fault_access access)
{
	static const char *const names[] = { NULL, "read", "write", "execution" };

	return access < KA_COUNT(names) ? names[access] : NULL;
}
