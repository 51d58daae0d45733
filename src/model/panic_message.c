/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The words the kernel died with, from its log. */
#include <kanalyze/printk.h>
#include <kanalyze/system.h>

/*
 * In the order of what tells most; crash has the same order. What is_oops marks are the first lines of reports that the
 * kernel may also have survived.
 */
static const struct {
	const char *words;
	bool is_oops;
} patterns[] = {
	{ "SysRq : Crash", false },
	{ "SysRq : Trigger a crash", false },
	{ "SysRq : Netdump", false },
	{ "Kernel panic: ", false },
	{ "Kernel panic - ", false },
	{ "Kernel BUG at", true },
	{ "kernel BUG at", true },
	{ "Unable to handle kernel paging request", true },
	{ "Unable to handle kernel NULL pointer dereference", true },
	{ "BUG: unable to handle kernel ", true },
	{ "BUG: kernel NULL pointer dereference", true },	/* f28b11a2abd9, v5.1: x86's words of today; crash 9 does not know them */
	{ "BUG: unable to handle page fault for address", true },
	{ "Unable to handle kernel ", true },
	{ "general protection fault: ", true },
	{ "general protection fault, ", true },		/* 59c1dcbed5b5, v5.6 */
	{ "double fault: ", true },
	{ "divide error: ", true },
	{ "stack segment: ", true },
	{ "invalid opcode: ", true },
	{ "Internal error: ", true },			/* aarch64, arm */
	{ "kernel stack overflow", true },
	{ "stack guard page was hit at ", true },	/* 6271cfdfe521, v4.9: x86 */
	{ "PANIC: double fault", true },
	{ "Corrupted page table at address", true },
	{ "alignment check: ", true },
	{ "control protection fault", true },
	{ "[Hardware Error]: ", false },
	{ "Bad mode in ", true },
	{ "Oops: ", true },
	{ "watchdog: BUG: soft lockup", true },
	{ "BUG: soft lockup", true },
	{ "sysrq: Trigger a crash", false },		/* 3d289517d8df, v4.20: the word SysRq went */
	{ "Watchdog detected hard LOCKUP", true },
};

struct line {
	const char *text;
	size_t size;
};

typedef struct { KA_VEC(struct line); } line_list;

static bool has(const struct line *l, const char *words)
{
	return memmem(l->text, l->size, words, strlen(words)) != NULL;
}

static void split(const struct ka_log_record *records, size_t count, line_list *list)
{
	for (size_t i = 0; i < count; i++) {
		const char *p = records[i].text, *end = p + records[i].text_size;

		while (p < end) {
			const char *nl = memchr(p, '\n', end - p);
			struct line l = { p, (nl ? nl : end) - p };

			ka_vec_push(list, l);
			p += l.size + 1;
		}
	}
}

/* The first line with the words, from line start on. */
static const struct line *find(const line_list *list, size_t start, const char *words)
{
	for (size_t i = start; i < list->n; i++)
		if (has(&list->at[i], words) && !has(&list->at[i], "---[ end "))
			return &list->at[i];
	return NULL;
}

static const struct line *message(const line_list *list, size_t survived)
{
	const struct line *l;

	for (size_t i = 0; i < KA_COUNT(patterns); i++) {
		/* An oops the machine lived on after ended with an end mark; the one it died of comes behind the last such. */
		l = patterns[i].is_oops ? find(list, survived, patterns[i].words) : find(list, 0, patterns[i].words);
		if (l)
			return l;
	}
	for (size_t i = 0; survived && i < KA_COUNT(patterns); i++) {
		l = patterns[i].is_oops ? find(list, 0, patterns[i].words) : NULL;
		if (l)
			return l;
	}
	return NULL;
}

const char *ka_panic_message(struct ka_kernel *k, struct ka_arena *a, bool *ret_is_oops_line)
{
	struct ka_log_record *records;
	line_list list = {0};
	const struct line *l;
	size_t count, survived = 0;
	const char *text = "";

	*ret_is_oops_line = false;
	/* What can be read of the log is enough; the log command tells what cannot. */
	ka_error_drop(ka_log_records(k, a, &records, &count));
	split(records, count, &list);
	for (size_t i = 0; i < list.n; i++)
		if (has(&list.at[i], "---[ end trace "))
			survived = i + 1;
	l = message(&list, survived);
	if (l) {
		text = ka_strndup(a, l->text, l->size);
		*ret_is_oops_line = has(l, "Oops: ");
	}
	ka_vec_free(&list);
	return text;
}
