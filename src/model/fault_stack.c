/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the functions on the stack of the task that panicked tell of the cause, when there is no log to say it. */
#include "fault.h"

/* The function that calls panic() of it, or is called when it happens. */
static const struct {
	const char *function;
	enum ka_fault_kind kind;
} causes[] = {
	{ "sysrq_handle_crash", KA_FAULT_SYSRQ },
	{ "check_panic_on_oom", KA_FAULT_OOM }, { "out_of_memory", KA_FAULT_OOM },
	{ "watchdog_timer_fn", KA_FAULT_SOFT_LOCKUP },
	{ "watchdog_hardlockup_check", KA_FAULT_HARD_LOCKUP }, { "watchdog_overflow_callback", KA_FAULT_HARD_LOCKUP },
	{ "check_hung_task", KA_FAULT_HUNG_TASK }, { "check_hung_uninterruptible_tasks", KA_FAULT_HUNG_TASK }, { "watchdog", KA_FAULT_HUNG_TASK },
	{ "panic_on_rcu_stall", KA_FAULT_RCU_STALL }, { "rcu_sched_clock_irq", KA_FAULT_RCU_STALL },
	{ "__stack_chk_fail", KA_FAULT_STACK_PROTECTOR },
	{ "__schedule_bug", KA_FAULT_ATOMIC },
	{ "do_machine_check", KA_FAULT_MCE }, { "mce_panic", KA_FAULT_MCE },
	{ "arm64_serror_panic", KA_FAULT_SERROR },
	{ "unknown_nmi_error", KA_FAULT_NMI }, { "default_do_nmi", KA_FAULT_NMI },
	{ "mount_root_generic", KA_FAULT_NO_ROOT }, { "mount_block_root", KA_FAULT_NO_ROOT },
	{ "do_exit", KA_FAULT_INIT_DIED },
	{ "panic", KA_FAULT_PANIC }, { "vpanic", KA_FAULT_PANIC },
};

/* "panic.cold" is panic */
static bool is_function(const char *name, const char *function)
{
	size_t n = strlen(function);

	return name && !strncmp(name, function, n) && (!name[n] || name[n] == '.');
}

static bool has_function(struct ka_kernel *k, const struct ka_stack *st, const char *function)
{
	struct ka_symbol s;
	uint64_t offset;

	for (size_t i = 0; i < st->count; i++) {
		const struct ka_frame *f = &st->frames[i];

		if (!f->is_guess && ka_symbol_at(k, f->ip - f->is_call, &s, &offset) && !s.module && is_function(s.name, function))
			return true;
	}
	return false;
}

enum ka_fault_kind ka_fault_of_functions(struct ka_kernel *k, const struct ka_stack *st)
{
	static const char *const oopses[] = { "oops_end", "die", "__die" };

	/* an exception: which one, its entry says */
	for (size_t i = 0; i < KA_COUNT(oopses); i++)
		if (has_function(k, st, oopses[i]))
			return KA_FAULT_NONE;
	for (size_t i = 0; i < KA_COUNT(causes); i++)
		if (has_function(k, st, causes[i].function))
			return causes[i].kind;
	return KA_FAULT_NONE;
}
