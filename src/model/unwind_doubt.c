/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Return addresses that can hardly be such: what an overwritten stack holds. */
#include <inttypes.h>
#include <kanalyze/text.h>
#include "stacks.h"

/*
 * What stands before a return address though it is no call: one that was patched while its callee ran (a static call or a call of
 * ftrace that was switched off: nop, or "return 0" of 3f2a8fc4b15d, v5.13), one with a breakpoint in it, and the
 * far return of the boot code, which goes on in C as if called from behind it (until v6.2).
 */
static bool is_former_call(bool is_aarch64, const uint8_t *before)
{
	static const uint8_t nop5[] = { 0x0f, 0x1f, 0x44, 0x00, 0x00 }, zero5[] = { 0x2e, 0x2e, 0x2e, 0x31, 0xc0 };
	static const uint8_t arm_nop[] = { 0x1f, 0x20, 0x03, 0xd5 }, lret[] = { 0x48, 0xcb };
	const uint8_t *end = before + KA_CALL_BYTES;

	if (is_aarch64)
		return !memcmp(end - 4, arm_nop, 4) || (end[-1] == 0xd4 && (end[-2] & 0xe0) == 0x20);
	return !memcmp(end - 5, nop5, 5) || !memcmp(end - 5, zero5, 5) || (end[-5] == 0xcc && end[-4] != 0xcc) || !memcmp(end - 2, lret, 2);
}

/* Code that the kernel gave away when it had booted: what lies there is something else. */
static bool is_init(struct ka_kernel *k, ka_addr ip)
{
	struct ka_symbol from, to;

	return ka_symbol_lookup(k, "__init_begin", &from) && ka_symbol_lookup(k, "__init_end", &to) && ip >= from.addr && ip <= to.addr;
}

bool ka_is_doubted(struct ka_kernel *k, ka_addr ip)
{
	bool is_arm = k->arch->has_frame_records, is_original;
	uint8_t before[KA_CALL_BYTES];
	struct ka_symbol s;
	uint64_t offset;

	/* the last instruction of a section may be a call */
	if (!ka_is_text(k, ip) && !ka_is_text(k, ip - 1))
		return true;
	if (!k->arch->is_after_call || ka_read_some(k, ip - sizeof(before), before, sizeof(before), NULL) != sizeof(before) ||
	    k->arch->is_after_call(before))
		return false;
	/* trampolines of BPF set the link register and jump */
	if (ka_made_text_at(k, ip))
		return false;
	is_original = ka_text_original(k, ip - sizeof(before), before, sizeof(before)) == sizeof(before);
	if (is_original && k->arch->is_after_call(before))
		return false;
	if (!is_original && is_init(k, ip))
		return false;
	/* the padding before a function looks the same */
	return !is_former_call(is_arm, before) || !ka_symbol_at(k, ip - 1, &s, &offset) || (s.size && offset >= s.size);
}

static bool record_of(const struct ka_kernel *k, const struct ka_cursor *c, uint64_t *ret)
{
	*ret = c->regs.value[k->arch->fp_reg];
	return k->arch->has_frame_records && c->regs.known >> k->arch->fp_reg & 1;
}

bool ka_cursor_is_chained(const struct ka_kernel *k, const struct ka_stacks *s, const struct ka_cursor *c)
{
	uint64_t fp;

	return record_of(k, c, &fp) && !(fp & (2 * k->long_size - 1)) && ka_stacks_at(s, fp);
}

/* 0 ends the chain. */
static bool is_astray(const struct ka_kernel *k, const struct ka_stacks *s, const struct ka_cursor *c)
{
	uint64_t fp;

	return record_of(k, c, &fp) && fp && (fp & 7 || !ka_stacks_at(s, fp));
}

bool ka_cursor_is_doubted(struct ka_kernel *k, const struct ka_stacks *s, const struct ka_cursor *c)
{
	if (c->is_end || !c->is_call || c->by == KA_BY_SCAN || (c->by == KA_BY_FP && !k->arch->has_frame_records))
		return false;
	return is_astray(k, s, c) || (!ka_is_hidden(s->hidden ? s->hidden : ka_hidden_names(k), c->ip) && ka_is_doubted(k, c->ip));
}

struct ka_error *ka_doubt(struct ka_kernel *k, const struct ka_cursor *c)
{
	char where[48] = "";

	if (!ka_is_doubted(k, c->ip))
		return ka_error_at(KA_CORRUPT, KA_SPACE_VIRT, c->ret_at, "the frame pointer that lies below the return address 0x%" PRIx64 " is 0x%" PRIx64
				   ", which is in no stack: it was overwritten; what is marked with ? is a guess", c->ip, c->regs.value[k->arch->fp_reg]);
	if (c->ret_at)
		snprintf(where, sizeof(where), " at 0x%" PRIx64, c->ret_at);
	return ka_error_at(KA_CORRUPT, KA_SPACE_VIRT, c->ret_at, "the return address%s is 0x%" PRIx64 ", which %s; what is marked with ? is a guess",
			   where, c->ip, ka_is_text(k, c->ip) ? "follows no call: it was overwritten" :
			   "is no code that is known: it was overwritten, or is of a module that is gone or not in the list");
}
