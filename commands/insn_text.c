/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An instruction as gdb shows it: symbols behind addresses. */
#include <inttypes.h>
#include <kanalyze/system.h>
#include "dis.h"

/*
 * The table of retpolines begins with one of its own names: "__x86_indirect_thunk_array" is __x86_indirect_thunk_rax, which
 * says more.
 */
static void prefer_thunk(struct ka_call *c, struct ka_symbol *s)
{
	struct ka_symbol other;
	size_t i;

	if (strcmp(s->name, "__x86_indirect_thunk_array") || !ka_symbol_index(c->k, NULL, s->addr, &i))
		return;
	for (size_t n = i > 8 ? i - 8 : 0; n <= i + 8 && ka_symbol_nth(c->k, NULL, n, &other); n++)
		if (other.addr == s->addr && !strncmp(other.name, "__x86_indirect_thunk_", 21) && strcmp(other.name, s->name))
			*s = other;
}

static const char *place(struct ka_call *c, const struct ka_symbol *s, uint64_t offset, bool is_hex)
{
	if (!offset)
		return ka_printf(c->arena, "<%s>", s->name);
	return is_hex ? ka_printf(c->arena, "<%s+0x%" PRIx64 ">", s->name, offset) : ka_printf(c->arena, "<%s+%" PRIu64 ">", s->name, offset);
}

const char *ka_place_text(struct ka_call *c, ka_addr addr, bool is_hex)
{
	struct ka_symbol s;
	uint64_t offset;

	if (!ka_is_kernel_addr(c->k, addr) || !ka_symbol_at(c->k, addr, &s, &offset))
		return NULL;
	if (!strncmp(s.name, ".L", 2))	/* the compiler's own labels */
		return NULL;
	if (!offset)
		prefer_thunk(c, &s);
	return place(c, &s, offset, is_hex);
}

const char *ka_percpu_place_text(struct ka_call *c, ka_addr addr, bool is_hex)
{
	struct ka_symbol s;
	size_t i;

	if (!ka_symbol_index(c->k, NULL, addr, &i) || !ka_symbol_nth(c->k, NULL, i, &s) || !s.is_percpu || addr - s.addr >= KA_MAX(s.size, 1u))
		return NULL;
	return place(c, &s, addr - s.addr, is_hex);
}

const char *ka_insn_place_text(struct ka_call *c, const struct ka_insn *i, bool is_hex)
{
	if (i->has_target)
		return ka_place_text(c, i->target, is_hex);
	if (!i->has_address)
		return NULL;
	for (unsigned n = 0; n < i->memory_count; n++)
		if (i->memory[n].has_addr && i->memory[n].segment)
			return ka_percpu_place_text(c, i->address, is_hex);
	return ka_place_text(c, i->address, is_hex);
}

const char *ka_insn_full_text(struct ka_call *c, const struct ka_insn *i, bool is_hex)
{
	const char *at = NULL, *text = i->text;

	if (i->is_address_shown) {
		at = ka_insn_place_text(c, i, is_hex);
		if (at)
			text = ka_printf(c->arena, "%s %s", text, at);
	} else if (i->has_address && strstr(text, "ip")) {
		/* gdb tells where (%rip) leads; what adrp and add come to is in JSON alone, as gdb has no word for it */
		/* nor a symbol of what per-CPU variables were before v6.15, when they counted from 0 */
		at = ka_is_kernel_addr(c->k, i->address) ? ka_insn_place_text(c, i, is_hex) : NULL;
		text = ka_printf(c->arena, "%s        # 0x%" PRIx64 "%s%s", text, i->address, at ? " " : "", at ? at : "");
	}
	if (i->remark[0])
		return ka_printf(c->arena, "%s  %s", text, i->remark);
	return text == i->text ? ka_strdup(c->arena, text) : text;	/* outlives the instruction */
}

struct ka_error *ka_call_code(struct ka_call *c, bool is_intel, struct ka_code **ret)
{
	const char *set = ka_call_setting(c, "disassembly");
	struct ka_session_files files;

	ka_session_files(c->k, &files);
	return ka_code_open(files.arch, is_intel || (set && !strcmp(set, "intel")) ? KA_SYNTAX_INTEL : KA_SYNTAX_ATT, ret);
}
