/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The last report of the kernel's log: which words open it, what they stand for, and the numbers in it. Knows no kernel. */
#include <ctype.h>
#include "fault.h"

#define LINE_MAX_COPY 400

/*
 * First lines of reports. Of several in one report the highest rank tells most: "list_del corruption" more than the BUG() and
 * the invalid opcode that it ends in. is_start: with it a report begins, whatever was before.
 */
static const struct {
	const char *words;
	uint8_t kind, rank;
	bool is_start;
} heads[] = {
	{ "BUG: KASAN: ", KA_FAULT_KASAN, 9, true },
	{ "BUG: KFENCE: ", KA_FAULT_KFENCE, 9, true },
	{ "BUG: KCSAN: ", KA_FAULT_KCSAN, 9, true },
	{ "list_add corruption", KA_FAULT_LIST, 9, false },
	{ "list_del corruption", KA_FAULT_LIST, 9, false },
	{ "list_add double add", KA_FAULT_LIST, 9, false },
	{ "list poison overwritten", KA_FAULT_LIST, 9, false },
	{ "refcount_t: ", KA_FAULT_REFCOUNT, 9, false },
	{ "usercopy: Kernel memory ", KA_FAULT_USERCOPY, 9, false },
	{ "detected buffer overflow in ", KA_FAULT_FORTIFY, 9, false },
	{ ": detected buffer overflow", KA_FAULT_FORTIFY, 9, false },		/* 3d965b33e40d, v6.8: "memcpy: detected buffer overflow: 9 byte ..." */
	{ "CFI failure at ", KA_FAULT_CFI, 9, true },
	{ "CFI failure (target: ", KA_FAULT_CFI, 9, true },			/* before 5f7f9fbed942, v6.1 */
	{ "UBSAN: ", KA_FAULT_UBSAN, 8, true },
	{ "Redzone overwritten", KA_FAULT_SLAB, 9, false },
	{ "zone overwritten", KA_FAULT_SLAB, 9, false },
	{ "Poison overwritten", KA_FAULT_SLAB, 9, false },
	{ "Object already free", KA_FAULT_SLAB, 9, false },
	{ "Freepointer corrupt", KA_FAULT_SLAB, 9, false },
	{ "Double free or ", KA_FAULT_SLAB, 9, false },
	{ "BUG: scheduling while atomic", KA_FAULT_ATOMIC, 8, true },
	{ "BUG: sleeping function called from invalid context", KA_FAULT_ATOMIC, 8, true },
	{ "stack guard page was hit", KA_FAULT_STACK_GUARD, 8, true },
	{ "kernel stack overflow", KA_FAULT_STACK_GUARD, 8, true },
	{ "Insufficient stack space to handle exception", KA_FAULT_STACK_GUARD, 8, true },	/* aarch64 */
	{ "soft lockup - CPU#", KA_FAULT_SOFT_LOCKUP, 7, true },
	{ "NMI watchdog: Watchdog detected hard LOCKUP", KA_FAULT_HARD_LOCKUP, 7, true },
	{ "Watchdog detected hard LOCKUP", KA_FAULT_HARD_LOCKUP, 7, true },
	{ "blocked for more than ", KA_FAULT_HUNG_TASK, 7, true },
	{ "rcu_sched self-detected stall", KA_FAULT_RCU_STALL, 7, true },
	{ "rcu_preempt self-detected stall", KA_FAULT_RCU_STALL, 7, true },
	{ "detected stalls on CPUs/tasks", KA_FAULT_RCU_STALL, 7, true },
	{ "self-detected stall on CPU", KA_FAULT_RCU_STALL, 7, true },
	{ "invoked oom-killer", KA_FAULT_OOM, 7, true },
	{ "Machine Check Exception", KA_FAULT_MCE, 7, true },
	{ "Machine check events logged", KA_FAULT_NONE, 0, false },
	{ "SError Interrupt on CPU", KA_FAULT_SERROR, 7, true },
	{ "Uhhuh. NMI received", KA_FAULT_NMI, 6, true },
	{ "NMI: IOCK error", KA_FAULT_NMI, 6, true },
	{ "sysrq: Trigger a crash", KA_FAULT_SYSRQ, 9, true },			/* 3d289517d8df, v4.20 */
	{ "SysRq : Trigger a crash", KA_FAULT_SYSRQ, 9, true },
	{ "SysRq : Crash", KA_FAULT_SYSRQ, 9, true },
	{ "kernel BUG at ", KA_FAULT_BUG, 6, true },
	{ "Kernel BUG at ", KA_FAULT_BUG, 6, true },
	{ "WARNING: CPU: ", KA_FAULT_WARN, 6, true },
	{ "WARNING: at ", KA_FAULT_WARN, 6, true },				/* before v3.13 */
	{ "BUG: kernel NULL pointer dereference", KA_FAULT_NULL, 5, true },	/* f28b11a2abd9, v5.1 */
	{ "BUG: unable to handle kernel NULL pointer dereference", KA_FAULT_NULL, 5, true },
	{ "Unable to handle kernel NULL pointer dereference", KA_FAULT_NULL, 5, true },
	{ "BUG: unable to handle page fault for address", KA_FAULT_PAGING, 5, true },
	{ "BUG: unable to handle kernel paging request", KA_FAULT_PAGING, 5, true },
	{ "Unable to handle kernel ", KA_FAULT_PAGING, 5, true },
	{ "general protection fault", KA_FAULT_GPF, 4, true },
	{ "double fault: ", KA_FAULT_DOUBLE, 5, true },
	{ "divide error: ", KA_FAULT_DIVIDE, 5, true },
	{ "stack segment: ", KA_FAULT_SEGMENT, 5, true },
	{ "Corrupted page table at address", KA_FAULT_PAGING, 5, true },
	{ "alignment check: ", KA_FAULT_ALIGNMENT, 4, true },
	{ "control protection fault", KA_FAULT_CFI, 6, true },
	{ "Missing ENDBR: ", KA_FAULT_CFI, 8, true },
	{ "invalid opcode: ", KA_FAULT_INVALID_OPCODE, 3, false },
	{ "undefined instruction", KA_FAULT_INVALID_OPCODE, 3, false },
	{ "int3: ", KA_FAULT_DEBUG, 3, false },
	{ "Unexpected kernel BRK exception", KA_FAULT_DEBUG, 3, true },
	{ "Oops - BUG: ", KA_FAULT_BUG, 3, false },
	{ "Oops - CFI", KA_FAULT_CFI, 6, false },
	{ "Oops - UBSAN", KA_FAULT_UBSAN, 6, false },
	{ "Bad mode in ", KA_FAULT_OOPS, 2, true },
	{ "Internal error: ", KA_FAULT_OOPS, 1, false },
	{ "Oops: ", KA_FAULT_OOPS, 1, false },
};

/* What panic() says. is_report: it is called at the end of a report, which tells more. */
static const struct {
	const char *words;
	uint8_t kind;
	bool is_report;
} panics[] = {
	{ "Fatal exception", KA_FAULT_OOPS, true },
	{ "panic_on_warn set", KA_FAULT_WARN, true },
	{ "panic_on_oops", KA_FAULT_OOPS, true },
	{ "hung_task: ", KA_FAULT_HUNG_TASK, true },
	{ "softlockup: ", KA_FAULT_SOFT_LOCKUP, true },
	{ "ard LOCKUP", KA_FAULT_HARD_LOCKUP, true },
	{ "RCU Stall", KA_FAULT_RCU_STALL, true },
	{ "ut of memory", KA_FAULT_OOM, false },
	{ "System is deadlocked on memory", KA_FAULT_OOM, false },
	{ "Kernel stack is corrupted in", KA_FAULT_STACK_PROTECTOR, false },
	{ "corrupted stack end", KA_FAULT_STACK_END, false },
	{ "kernel stack overflow", KA_FAULT_STACK_GUARD, true },
	{ "stack overflow", KA_FAULT_STACK_GUARD, true },
	{ "sysrq triggered crash", KA_FAULT_SYSRQ, false },
	{ "achine check", KA_FAULT_MCE, true },
	{ "kasan.fault=", KA_FAULT_KASAN, true },
	{ "Machine halted", KA_FAULT_DOUBLE, true },
	{ "atal hardware error", KA_FAULT_MCE, true },			/* APEI */
	{ "NMI: Not continuing", KA_FAULT_NMI, true },
	{ "NMI IOCK error", KA_FAULT_NMI, true },
	{ "NMI SERR error", KA_FAULT_NMI, true },
	{ "An NMI occurred", KA_FAULT_NMI, true },			/* hpwdt */
	{ "Asynchronous SError Interrupt", KA_FAULT_SERROR, true },
	{ "Attempted to kill init", KA_FAULT_INIT_DIED, false },
	{ "Attempted to kill the idle task", KA_FAULT_INIT_DIED, false },
	{ "Aiee, killing interrupt handler", KA_FAULT_OOPS, true },
	{ "Unable to mount root fs", KA_FAULT_NO_ROOT, false },
	{ "No working init found", KA_FAULT_NO_ROOT, false },
	{ "scheduling while atomic", KA_FAULT_ATOMIC, true },
};

static bool hex_after(const char *line, const char *words, uint64_t *ret)
{
	const char *at = strstr(line, words);
	char *end;

	if (!at)
		return false;
	at += strlen(words);
	at += strspn(at, " ");
	*ret = strtoull(at, &end, 16);
	return end != at;
}

/* "Oops: 0002 [#1]", "page fault: 0000 [#1]", "Oops: general protection fault, ...: 0000 [#1]" (v6.11). */
static bool error_code(const char *line, uint64_t *ret)
{
	const char *mark = strstr(line, " [#"), *p = mark;

	while (p && p > line && isxdigit((unsigned char)p[-1]))
		p--;
	if (!p || p == mark || p - line < 2 || p[-1] != ' ' || p[-2] != ':')
		return false;
	*ret = strtoull(p, NULL, 16);
	return true;
}

/* "general protection fault, probably for non-canonical address 0xdead...: 0000" (59c1dcbed5b5, v5.6), and the older words. */
static const char *const address_words[] = {
	"dereference at virtual address", "NULL pointer dereference, address:", "page fault for address:", "NULL pointer dereference at ",
	"paging request at virtual address", "paging request at ", "non-canonical address ", "maybe for address ", "read from unreadable memory at virtual address",
	"write to read-only memory at virtual address", "execute from non-executable memory at virtual address", "user memory outside uaccess routines at virtual address",
	"execution of user memory at virtual address", "FAR: ", " at addr ", "Free of addr ",	/* the last ones: KASAN's "Read of size 8 at addr ..." */
};

static void numbers(struct ka_fault_report *r, const char *line)
{
	uint64_t v;

	for (size_t i = 0; i < KA_COUNT(address_words) && !r->has_addr; i++)
		if (hex_after(line, address_words[i], &r->addr)) {
			r->has_addr = true;
			r->addr_by = !strcmp(address_words[i], "FAR: ") ? "FAR" : "log";
		}
	/* the page table walk that aarch64 prints is of the address, too; x86's CR2 is only where no other line has one */
	if (!r->has_error_code && (hex_after(line, "error_code(", &r->error_code) || (strstr(line, " [#") && error_code(line, &r->error_code))))
		r->has_error_code = true;
	if (!r->has_esr && (hex_after(line, "ESR = ", &r->esr) || hex_after(line, "ESR: ", &r->esr)))
		r->has_esr = true;
	if (!r->has_esr && strstr(line, "Internal error: ") && error_code(line, &v)) {
		r->has_esr = true;
		r->esr = v;
	}
}

/* "FILE:LINE": the last colon before digits. */
static void bug_place(struct ka_arena *a, struct ka_fault_report *r, const char *line)
{
	const char *at = strstr(line, "BUG at "), *end, *colon;
	bool is_bug = at != NULL;

	if (!at && !strstr(line, "WARNING: "))
		return;
	at = is_bug ? at + 7 : strstr(line, " at ");
	if (!at)
		return;
	at += is_bug ? 0 : 4;
	end = at + strcspn(at, is_bug ? "!" : " ");
	for (colon = end; colon > at && colon[-1] != ':'; colon--)
		;
	if (colon == at || !isdigit((unsigned char)*colon))
		return;
	r->bug_file = ka_strndup(a, at, (size_t)(colon - 1 - at));
	r->bug_line = (unsigned)strtoul(colon, NULL, 10);
}

/* "RIP: 0010:lab_null+0x5/0x10 [lab]", "RIP: 0010:[<ffff...>]  [<...>] f+0x1/0x2 [m]" (to v4.9), "pc : f+0x8/0x18 [lab]" */
static void code_place(struct ka_arena *a, struct ka_fault_report *r, const char *line)
{
	const char *at = strstr(line, "RIP: 0010:");

	if (r->place)
		return;
	if (at) {
		const char *bracket = strrchr(at, '>');

		at = bracket ? bracket + 1 : at + 10;
		at += strspn(at, "] ");
	} else if (strncmp(line, "pc : ", 5) == 0) {
		at = line + 5;
	} else {
		return;
	}
	if (*at)
		r->place = ka_strdup(a, at);
}

static void unloaded(struct ka_arena *a, struct ka_fault_report *r, const char *line)
{
	const char *at = strstr(line, "[last unloaded: ");

	if (at) {
		at += 16;
		r->last_unloaded = ka_strndup(a, at, strcspn(at, "]"));
	}
}

static size_t head_of(const char *line)
{
	for (size_t i = 0; i < KA_COUNT(heads); i++)
		if (strstr(line, heads[i].words))
			return i;
	return KA_COUNT(heads);
}

static const char *panic_words(const char *line)
{
	const char *at = strstr(line, "Kernel panic - not syncing: ");

	if (at && !strstr(line, "---[ end "))
		return at + 28;
	at = strstr(line, "Kernel panic: ");	/* 2.4 */
	return at ? at + 14 : NULL;
}

struct report {
	size_t start, best, rank, last;	/* lines: of its first head, of its best; last head's rank */
	bool is_closed, has;
	enum ka_fault_kind kind;
};

/* The last report that begins before line end. */
static void last_report(const char *const *lines, size_t end, struct report *ret)
{
	*ret = (struct report){0};
	for (size_t i = 0; i < end; i++) {
		size_t h;

		if (strstr(lines[i], "---[ end trace ") && ret->has) {
			ret->is_closed = true;
			ret->last = i;
			continue;
		}
		h = head_of(lines[i]);
		if (h == KA_COUNT(heads) || !heads[h].rank)
			continue;
		/* what ends a report of the same breath does not open one: "kernel BUG at" behind "list_del corruption" */
		if (!ret->has || ret->is_closed || (heads[h].is_start && i - ret->start > 3 && (ret->kind != KA_FAULT_LIST && ret->kind != KA_FAULT_SLAB)
						    && !(heads[h].rank < 7 && i - ret->best < 8))) {
			*ret = (struct report){ .start = i, .best = i, .rank = heads[h].rank, .has = true, .kind = heads[h].kind, .last = i };
			continue;
		}
		ret->last = i;
		if (heads[h].rank > ret->rank) {
			ret->best = i;
			ret->rank = heads[h].rank;
			ret->kind = heads[h].kind;
		}
	}
}

static const char *after(const char *line, const char *words)
{
	const char *at = strstr(line, words);

	return at ? at + strlen(words) : NULL;
}

/* What the first line has beside its kind. */
static const char *reason_of(struct ka_arena *a, enum ka_fault_kind kind, const char *line)
{
	const char *at;

	switch (kind) {
	case KA_FAULT_SOFT_LOCKUP:
		at = after(line, "soft lockup - ");
		return at ? ka_strdup(a, at) : NULL;
	case KA_FAULT_HUNG_TASK:
		at = after(line, "task ");
		return at ? ka_strndup(a, at, strcspn(at, "\n")) : NULL;
	case KA_FAULT_UBSAN:
		at = after(line, "UBSAN: ");
		return at ? ka_strdup(a, at) : NULL;
	case KA_FAULT_HARD_LOCKUP:
		at = after(line, "hard LOCKUP ");
		return at ? ka_strdup(a, at) : NULL;
	case KA_FAULT_KASAN:
		at = after(line, "KASAN: ");
		return at ? ka_strdup(a, at) : NULL;
	case KA_FAULT_LIST: case KA_FAULT_REFCOUNT: case KA_FAULT_USERCOPY: case KA_FAULT_FORTIFY: case KA_FAULT_SLAB: case KA_FAULT_KFENCE:
	case KA_FAULT_CFI: case KA_FAULT_RCU_STALL: case KA_FAULT_OOM: case KA_FAULT_NMI: case KA_FAULT_MCE: case KA_FAULT_ATOMIC: case KA_FAULT_SERROR:
		return ka_strdup(a, line);
	default:
		return NULL;
	}
}

/* Lines in a report that say more of an access that failed. */
static const struct {
	const char *words, *text;
	uint8_t kind;
} remarks[] = {
	{ "kernel tried to execute NX-protected page", "the page is not executable", KA_FAULT_EXEC },
	{ "unable to execute userspace code (SMEP?)", "user memory, not to be executed by the kernel (SMEP)", KA_FAULT_EXEC },
	{ "execute from non-executable memory", "the page is not executable", KA_FAULT_EXEC },
	{ "execution of user memory", "user memory, not to be executed by the kernel", KA_FAULT_EXEC },
	{ "access to user memory outside uaccess routines", "user memory, not to be touched outside of copy_to_user() and its like (PAN)", KA_FAULT_NONE },
	{ "write to read-only memory", "the page is read-only", KA_FAULT_NONE },
	{ "KASAN: null-ptr-deref in range", "KASAN's shadow of a NULL pointer", KA_FAULT_NULL },
	{ "KASAN: maybe wild-memory-access in range", "KASAN's shadow of a wild pointer", KA_FAULT_NONE },
	{ "KASAN: probably user-memory-access in range", "KASAN's shadow of a user address", KA_FAULT_NONE },
	{ "jumping to NULL", NULL, KA_FAULT_EXEC },
};

/* KASAN: "Write of size 8 at addr ffff888004a20010 by task init/1" */
static void sized_access(struct ka_fault_report *r, const char *line)
{
	const char *at = strstr(line, " of size "), *addr = strstr(line, " at addr ");

	if (r->access != KA_ACCESS_UNKNOWN || !at || !addr || addr < at)
		return;
	r->access = at - line >= 5 && !strncmp(at - 5, "Write", 5) ? KA_ACCESS_WRITE : KA_ACCESS_READ;
	r->size = (unsigned)strtoul(at + 9, NULL, 10);
}

static void read_report(struct ka_arena *a, const char *const *lines, size_t start, size_t end, struct ka_fault_report *r)
{
	/* registers and stacks of other CPUs may follow; the first of each counts */
	for (size_t i = start; i < end; i++) {
		uint64_t cr2;

		numbers(r, lines[i]);
		sized_access(r, lines[i]);
		code_place(a, r, lines[i]);
		unloaded(a, r, lines[i]);
		if (!r->bug_file)
			bug_place(a, r, lines[i]);
		for (size_t m = 0; m < KA_COUNT(remarks); m++)
			if (strstr(lines[i], remarks[m].words)) {
				if (remarks[m].text && !r->reason)
					r->reason = remarks[m].text;
				if (remarks[m].kind)
					r->kind = remarks[m].kind;
			}
		if (!r->has_addr && (r->kind == KA_FAULT_NULL || r->kind == KA_FAULT_PAGING || r->kind == KA_FAULT_STACK_GUARD || r->kind == KA_FAULT_DOUBLE) &&
		    hex_after(lines[i], "CR2: ", &cr2)) {
			r->has_addr = true;
			r->addr = cr2;
			r->addr_by = "CR2";
		}
		if (i > start && strstr(lines[i], "---[ end "))
			break;
	}
}

#define EARLIER_MAX 6

static bool is_report_line(const char *line)
{
	/* SLUB's own first line; the ones behind it are details */
	if (strstr(line, "BUG ") && strstr(line, "ainted") && !strstr(line, "CPU: "))
		return true;
	if (strstr(line, "mce: ") && strstr(line, "achine check events logged"))
		return true;
	/* what page tables and the allocator of pages find, and go on */
	if (strstr(line, "BUG: Bad page ") || strstr(line, "BUG: Bad rss-counter state") || strstr(line, "BUG: non-zero pgtables_bytes"))
		return true;
	/* CONFIG_DEBUG_SPINLOCK: recursion, bad magic, wrong owner ... */
	if (strstr(line, "BUG: spinlock ") || strstr(line, "BUG: rwlock ") || strstr(line, "BUG: rwlock-") || strstr(line, "BUG: raw spinlock "))
		return true;
	for (size_t i = 0; i < KA_COUNT(heads); i++)
		if (strstr(line, heads[i].words))
			return heads[i].rank > 3 && heads[i].is_start && heads[i].kind != KA_FAULT_SYSRQ;
	return false;
}

static const char *trimmed(struct ka_arena *a, const char *line);

/* What the kernel had complained of before: often the first of them is where it began. */
static const char *const *earlier_reports(struct ka_arena *a, const char *const *lines, size_t end, const char *message)
{
	const char **found = ka_alloc(a, (EARLIER_MAX + 1) * sizeof(*found));
	size_t n = 0;

	for (size_t i = 0; i < end && n < EARLIER_MAX; i++) {
		const char *text;
		bool is_new = true;

		if (!is_report_line(lines[i]))
			continue;
		text = trimmed(a, lines[i]);
		for (size_t j = 0; j < n; j++)
			is_new = is_new && strcmp(found[j], text);
		if (is_new && (!message || strcmp(message, text)))
			found[n++] = text;
	}
	return n ? found : NULL;
}

static const char *trimmed(struct ka_arena *a, const char *line)
{
	char *text = ka_strndup(a, line, LINE_MAX_COPY);

	for (size_t n = strlen(text); n && isspace((unsigned char)text[n - 1]); n--)
		text[n - 1] = 0;
	return text;
}

void ka_fault_log(struct ka_arena *a, const char *const *lines, size_t count, struct ka_fault_report *ret)
{
	struct report last;
	size_t panic_at = count, p = KA_COUNT(panics);
	const char *words = NULL;

	*ret = (struct ka_fault_report){0};
	/* what stopping the machine warns of, it did not die of (aarch64) */
	for (size_t i = 0; i < count; i++)
		if (!strcmp(lines[i], "Starting crashdump kernel..."))
			count = panic_at = i;
	for (size_t i = 0; i < count && !words; i++)
		if ((words = panic_words(lines[i])))
			panic_at = i;
	if (words) {
		ret->panic = trimmed(a, words);
		for (p = 0; p < KA_COUNT(panics) && !strstr(words, panics[p].words); p++)
			;
	}
	last_report(lines, panic_at, &last);
	/* init dies of an oops of its own: then that is the reason */
	bool is_init = p < KA_COUNT(panics) && panics[p].kind == KA_FAULT_INIT_DIED && last.has && last.is_closed && panic_at - last.last < 12;
	/* what was survived before is not what this one died of */
	if (last.has && (words ? (p < KA_COUNT(panics) && panics[p].is_report) || is_init : !last.is_closed)) {
		ret->kind = last.kind;
		ret->message = trimmed(a, lines[last.best]);
		ret->reason = reason_of(a, last.kind, ret->message);
		read_report(a, lines, last.start, count, ret);
		ka_fault_details(a, lines, last.start, panic_at, ret);
	}
	/* 475ddf1fce1e, v6.9: fortify warns in a report of its own, and then comes its BUG() */
	if (ret->kind == KA_FAULT_BUG && strstr(ret->message, "lib/string_helpers.c:"))
		for (size_t i = last.best; i-- > 0 && last.best - i < 100;)
			if (strstr(lines[i], ": detected buffer overflow")) {
				ret->kind = KA_FAULT_FORTIFY;
				ret->message = ret->reason = trimmed(a, lines[i]);
				last.start = i;
				last.kind = KA_FAULT_FORTIFY;
				break;
			}
	if (words) {
		enum ka_fault_kind kind = p < KA_COUNT(panics) ? (enum ka_fault_kind)panics[p].kind : KA_FAULT_PANIC;
		bool is_other = p < KA_COUNT(panics) && !panics[p].is_report && !is_init;

		/* the report says more, unless panic() is about something else, or says what the report is of */
		if (!ret->message || is_other || p == KA_COUNT(panics) || (kind != KA_FAULT_OOPS && kind != ret->kind && !is_init && kind != KA_FAULT_WARN)) {
			if (kind != ret->kind)
				ret->reason = NULL;
			ret->kind = kind;
			ret->message = trimmed(a, lines[panic_at]);
		}
	}
	if (ret->kind == KA_FAULT_MCE)
		ka_fault_mce(a, lines, count, ret);
	ret->earlier = earlier_reports(a, lines, ret->message && last.has && !(words && ret->kind != last.kind) ? last.start : KA_MIN(panic_at, count), ret->message);
	if (!ret->last_unloaded)
		for (size_t i = 0; i < count; i++)
			unloaded(a, ret, lines[i]);
}
