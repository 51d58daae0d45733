/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Machine checks by what the log has of their banks: the status' bits and the error code in words. Knows no kernel. */
#include <ctype.h>
#include <inttypes.h>
#include "fault.h"

#define BANKS_MAX 8
#define DETAILS_MAX (BANKS_MAX * 3 + 1)

struct bank {
	uint64_t status, global, addr, misc;
	unsigned cpu, number;
	bool has_addr, has_misc;
};

static const char *const transactions[] = { "instructions", "data", "generic", "reserved" };
static const char *const levels[] = { "level 0", "level 1", "level 2", "any level" };
static const char *const requests[] = { "error", "read", "write", "data read", "data write", "instruction fetch", "prefetch", "eviction", "snoop" };
static const char *const memories[] = { "error", "read", "write", "address or command error", "scrubbing error" };

static const char *request(unsigned n)
{
	return n < KA_COUNT(requests) ? requests[n] : "request";
}

/* The compound codes of Intel's and AMD's manuals; the first bit that is set tells them apart. Bit 12 is of corrected errors' reports. */
static const char *code_text(struct ka_arena *a, unsigned code)
{
	static const char *const simple[] = { "no error", "unclassified error", "parity error of the microcode ROM", "external error", "functional redundancy error",
					      "internal parity error", "violation by the system management mode's handler" };
	unsigned c = code & ~0x1000u;

	if (c < KA_COUNT(simple))
		return simple[c];
	if (c == 0x400)
		return "internal timer error: nothing was retired for too long";
	if ((c & 0xfc00) == 0x400)
		return "internal error, unclassified";
	if (c == 0xe0b)
		return "input or output error";
	if ((c & 0xfffc) == 0x0c)
		return ka_printf(a, "error of a cache, %s", levels[c & 3]);
	if ((c & 0xfff0) == 0x10)
		return ka_printf(a, "TLB error: %s, %s", transactions[c >> 2 & 3], levels[c & 3]);
	if ((c & 0xff80) == 0x80 || (c & 0xff80) == 0x280) {
		unsigned m = c >> 4 & 7;

		return ka_printf(a, "memory %s, channel %s", m < KA_COUNT(memories) ? memories[m] : "error", (c & 15) == 15 ? "unknown" : ka_printf(a, "%u", c & 15));
	}
	if ((c & 0xff00) == 0x100)
		return ka_printf(a, "cache error: %s, %s, %s", request(c >> 4 & 15), transactions[c >> 2 & 3], levels[c & 3]);
	if ((c & 0xf800) == 0x800) {
		static const char *const who[] = { "by this processor", "answered by this processor", "seen as a third party", "by anyone" };
		static const char *const what[] = { "memory", "reserved", "input or output", "other" };

		return ka_printf(a, "bus error: %s %s of %s, %s%s", request(c >> 4 & 15), who[c >> 9 & 3], what[c >> 2 & 3], levels[c & 3],
				 c & 0x100 ? ", timed out" : "");
	}
	return "a code of this model";
}

static const char *status_text(struct ka_arena *a, uint64_t s)
{
	static const struct { uint8_t bit; const char *set, *clear; } bits[] = {
		{ 63, NULL, "not valid" }, { 62, "others were lost (overflow)", NULL }, { 61, "uncorrected", "corrected" }, { 60, NULL, "not enabled" },
		{ 57, "the processor's context is corrupt (PCC)", NULL },
	};
	struct ka_str text = { 0 };
	const char *ret;

	for (size_t i = 0; i < KA_COUNT(bits); i++) {
		const char *word = s >> bits[i].bit & 1 ? bits[i].set : bits[i].clear;

		if (word)
			ka_str_printf(&text, "%s%s", text.len ? ", " : "", word);
	}
	ret = ka_strdup(a, text.p ? text.p : "");
	ka_str_free(&text);
	return ret;
}

static bool number_after(const char *line, const char *word, int base, uint64_t *ret)
{
	const char *at = strstr(line, word);
	char *end;

	if (!at)
		return false;
	*ret = strtoull(at + strlen(word), &end, base);
	return end != at + strlen(word);
}

/* "mce: [Hardware Error]: CPU 0: Machine Check Exception: 4 Bank 1: be00000000000134", then "TSC 1 ADDR 2 MISC 3", then "PROCESSOR ..." */
static bool read_bank(const char *const *lines, size_t at, size_t count, struct bank *ret)
{
	uint64_t cpu, number;
	const char *global = strstr(lines[at], "Machine Check"), *colon = global ? strchr(global, ':') : NULL;

	*ret = (struct bank){ 0 };
	if (!colon || !number_after(lines[at], "CPU ", 10, &cpu) || !number_after(colon, " Bank ", 10, &number) || !strstr(colon, " Bank ") ||
	    !number_after(strstr(colon, " Bank ") + 6, ": ", 16, &ret->status))
		return false;
	ret->cpu = (unsigned)cpu;
	ret->number = (unsigned)number;
	ret->global = strtoull(colon + 1, NULL, 16);
	for (size_t i = at + 1; i < count && i < at + 4 && !strstr(lines[i], "Machine Check"); i++) {
		if (!strstr(lines[i], "Hardware Error"))
			continue;
		ret->has_addr |= number_after(lines[i], " ADDR ", 16, &ret->addr);
		ret->has_misc |= number_after(lines[i], " MISC ", 16, &ret->misc);
	}
	return true;
}

bool ka_fault_mce(struct ka_arena *a, const char *const *lines, size_t count, struct ka_fault_report *r)
{
	const char **details = ka_alloc(a, (DETAILS_MAX + 1) * sizeof(*details));
	struct bank banks[BANKS_MAX];
	size_t found = 0, n = 0;

	/* the one that ends the machine is told again, at the end; the others before it in their order */
	for (size_t i = 0; i < count; i++) {
		struct bank b;
		size_t same;

		if (!read_bank(lines, i, count, &b))
			continue;
		for (same = 0; same < found; same++)
			if (banks[same].cpu == b.cpu && banks[same].number == b.number && banks[same].status == b.status)
				break;
		if (same < found) {
			memmove(&banks[same], &banks[same + 1], (found - same - 1) * sizeof(*banks));
			found--;
		} else if (found == BANKS_MAX) {
			memmove(&banks[0], &banks[1], (found - 1) * sizeof(*banks));
			found--;
		}
		banks[found++] = b;
	}
	if (!found)
		return false;
	for (size_t i = found; i-- > 0;) {
		const struct bank *b = &banks[i];

		details[n++] = ka_printf(a, "CPU %u, bank %u, status %016" PRIx64 ": %s: %s", b->cpu, b->number, b->status, status_text(a, b->status),
					 code_text(a, (unsigned)(b->status & 0xffff)));
		if (b->has_addr)
			details[n++] = ka_printf(a, "address %" PRIx64 "%s", b->addr, !b->has_misc ? "" : (b->misc >> 6 & 7) == 2 ? ka_printf(a, ", physical, good to %" PRIu64 " bytes", UINT64_C(1) << (b->misc & 63)) :
						 (b->misc >> 6 & 7) == 0 ? ", an offset in a segment" : (b->misc >> 6 & 7) == 1 ? ", linear" : (b->misc >> 6 & 7) == 3 ? ", of the memory" : "");
		if (i == found - 1)
			details[n++] = ka_printf(a, "global status %" PRIx64 ": %s; the instruction pointer %s", b->global,
						 b->global & 1 ? "what was interrupted could go on" : "what was interrupted cannot go on",
						 b->global & 2 ? "is that of the error" : "has nothing to do with the error");
	}
	const struct bank *last = &banks[found - 1];

	/* without a word on what it is it is that of the memory */
	if (last->has_addr && (!last->has_misc || (last->misc >> 6 & 7) == 2)) {
		r->has_phys = true;
		r->phys = last->addr;
	}
	r->details = details;
	r->reason = ka_printf(a, "bank %u of CPU %u: %s%s", last->number, last->cpu, code_text(a, (unsigned)(last->status & 0xffff)),
			      last->has_addr ? ka_printf(a, ", at 0x%" PRIx64, last->addr) : "");
	return true;
}
