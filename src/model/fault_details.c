/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lines of a report in the log that say more than its first one: KASAN's object or frame, UBSAN's operands, why one may not sleep. Knows no kernel. */
#include <ctype.h>
#include <inttypes.h>
#include "fault.h"

#define DETAILS_MAX 8

struct details {
	struct ka_arena *a;
	const char **at;
	size_t n;
};

static void add(struct details *d, const char *text)
{
	if (d->n < DETAILS_MAX)
		d->at[d->n++] = text;
}

static const char *trimmed(struct ka_arena *a, const char *line)
{
	char *text = ka_strdup(a, line + strspn(line, " \t"));

	for (size_t n = strlen(text); n && isspace((unsigned char)text[n - 1]); n--)
		text[n - 1] = 0;
	return text;
}

static bool is_prefix(const char *line, const char *words)
{
	return !strncmp(line, words, strlen(words));
}

/*
 * "The buggy address is located 24 bytes inside of" and the next line; "... belongs to the object at ADDR", "which belongs to the cache",
 * "... belongs to stack of task init/1"; "This frame has 1 object:" and a line for each.
 */
static void of_kasan(struct details *d, const char *const *lines, size_t start, size_t end)
{
	for (size_t i = start; i < end && !is_prefix(lines[i], "Memory state around"); i++) {
		const char *line = trimmed(d->a, lines[i]), *next = i + 1 < end ? trimmed(d->a, lines[i + 1]) : "";
		size_t n = strlen(line);

		if (is_prefix(line, "The buggy address belongs to the physical page"))
			continue;
		if (is_prefix(line, "The buggy address") || is_prefix(line, "and is located at offset")) {
			bool is_open = (n > 3 && !strcmp(line + n - 3, " of")) || (n && line[n - 1] == ':') || strstr(next, "which belongs to") == next;

			add(d, is_open ? ka_printf(d->a, "%s%s %s", line, n && line[n - 1] == ':' ? "" : strstr(next, "which") == next ? "," : "", next) : line);
			i += is_open;
		} else if (is_prefix(line, "This frame has ")) {
			add(d, line);
			for (; i + 1 < end && trimmed(d->a, lines[i + 1])[0] == '['; i++)
				add(d, trimmed(d->a, lines[i + 1]));
		}
	}
}

/* All between the first line and the registers: "index 9 is out of range for type 'u32 [4]'" */
static void of_ubsan(struct details *d, const char *const *lines, size_t start, size_t end)
{
	for (size_t i = start; i < end && i < start + 6; i++) {
		if (!strstr(lines[i], "UBSAN: "))
			continue;
		for (i++; i < end && !strstr(lines[i], "CPU: ") && !is_prefix(lines[i], "Oops") && !strstr(lines[i], "invalid opcode"); i++)
			if (lines[i][0] && lines[i][0] != '-' && lines[i][0] != '=')
				add(d, trimmed(d->a, lines[i]));
	}
}

/* "BUG: scheduling while atomic: init/1/0x00000002", "... in_atomic(): 1, irqs_disabled(): 0, ..., name: init", "Preemption disabled at:" */
static void of_atomic(struct details *d, const char *const *lines, size_t start, size_t end)
{
	for (size_t i = start; i < end && i < start + 60; i++) {
		const char *at = strstr(lines[i], "scheduling while atomic: ");

		if (at && (at = strstr(at, "/0x"))) {
			uint64_t count = strtoull(at + 1, NULL, 16);

			/* include/linux/preempt.h; the top bit says that nothing wants to be scheduled */
			count &= 0x7fffffff;
			add(d, ka_printf(d->a, "preempt_count 0x%" PRIx64 ": preemption disabled %" PRIu64 "-fold, once by schedule() itself%s%s%s", count, count & 0xff,
					 !(count >> 8 & 0xff) ? "" : count >> 8 & 1 ? "; in a softirq" : "; softirqs disabled",
					 count >> 16 & 0xf ? "; in an interrupt" : "", count >> 20 & 0xf ? "; in an NMI" : ""));
		} else if (strstr(lines[i], "in_atomic(): ")) {
			add(d, trimmed(d->a, lines[i]));
		} else if (strstr(lines[i], "Preemption disabled at:") && i + 1 < end) {
			const char *next = lines[i + 1], *bracket = strchr(next, ']');

			add(d, ka_printf(d->a, "preemption was disabled at %s", trimmed(d->a, bracket ? bracket + 1 : next)));
			break;
		}
	}
}

void ka_fault_details(struct ka_arena *a, const char *const *lines, size_t start, size_t end, struct ka_fault_report *r)
{
	struct details d = { .a = a, .at = ka_alloc(a, (DETAILS_MAX + 1) * sizeof(*d.at)) };

	switch (r->kind) {
	case KA_FAULT_KASAN: case KA_FAULT_KFENCE: of_kasan(&d, lines, start, end); break;
	case KA_FAULT_UBSAN: of_ubsan(&d, lines, start, end); break;
	case KA_FAULT_ATOMIC: of_atomic(&d, lines, start, end); break;
	default: break;
	}
	if (d.n)
		r->details = d.at;
}
