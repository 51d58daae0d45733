/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A function as instructions, with the jumps that lead to each. */
#include <kanalyze/system.h>
#include <kanalyze/text.h>
#include "fault.h"

#define CODE_MAX (256u << 10)		/* bytes of a function; the largest of the kernel have some 30 kB */
#define NONE UINT32_MAX

bool ka_fault_is_aarch64(struct ka_kernel *k)
{
	struct ka_session_files files;

	ka_session_files(k, &files);
	return files.arch && !strcmp(files.arch, "aarch64");
}

/* Index of the instruction that begins at addr. */
static bool index_of(const struct ka_fault_code *c, ka_addr addr, size_t *ret)
{
	size_t low = 0, high = c->count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (c->insns[mid].addr < addr)
			low = mid + 1;
		else
			high = mid;
	}
	*ret = low;
	return low < c->count && c->insns[low].addr == addr;
}

static void link_jumps(struct ka_fault_code *c, struct ka_arena *a)
{
	size_t n = 0, to;

	c->jumps = ka_alloc(a, (c->count + 1) * sizeof(*c->jumps));
	memset(c->jumps, 0xff, (c->count + 1) * sizeof(*c->jumps));
	for (size_t i = 0; i < c->count; i++)
		n += c->insns[i].kind == KA_INSN_JUMP || c->insns[i].kind == KA_INSN_BRANCH;
	c->edges = ka_alloc(a, (n + 1) * sizeof(*c->edges));
	for (size_t i = 0; i < c->count; i++) {
		const struct ka_insn *insn = &c->insns[i];

		if (insn->kind != KA_INSN_JUMP && insn->kind != KA_INSN_BRANCH)
			continue;
		/* a tail call through a pointer looks the same as a table's jump: both make the rest uncertain */
		if (!insn->has_target && insn->is_indirect)
			c->has_unknown_jumps = true;
		if (!insn->has_target || !index_of(c, insn->target, &to))
			continue;
		c->edges[c->edge_count].from = (uint32_t)i;
		c->edges[c->edge_count].next = c->jumps[to];
		c->jumps[to] = (uint32_t)c->edge_count++;
	}
}

bool ka_fault_code_decode(struct ka_arena *a, const char *arch, const uint8_t *bytes, size_t size, ka_addr addr, struct ka_fault_code *ret)
{
	struct ka_code *code;
	size_t cap = 0;

	if (ka_error_drop(ka_code_open(arch, KA_SYNTAX_ATT, &code)))
		return false;
	/* most instructions have 4 bytes, none has 0 */
	for (size_t at = 0; at < size;) {
		if (ret->count == cap) {
			struct ka_insn *more = ka_alloc(a, (cap = cap ? cap * 2 : size / 4 + 16) * sizeof(*more));

			if (ret->count)
				memcpy(more, ret->insns, ret->count * sizeof(*more));
			ret->insns = more;
		}
		if (!ka_code_decode(code, bytes + at, size - at, addr + at, &ret->insns[ret->count]))
			break;
		at += ret->insns[ret->count++].size;
	}
	ka_code_close(code);
	link_jumps(ret, a);
	return true;
}

bool ka_fault_code_read(struct ka_kernel *k, struct ka_arena *a, ka_addr ip, struct ka_fault_code *ret, size_t *ret_at)
{
	struct ka_session_files files;
	uint8_t *bytes;
	size_t size, have;
	bool is_file;

	*ret = (struct ka_fault_code){0};
	ka_session_files(k, &files);
	if (!files.arch || !ka_function_at(k, ip, &ret->symbol, &ret->end) || ret->end <= ip || ret->end - ret->symbol.addr > CODE_MAX)
		return false;
	size = (size_t)(ret->end - ret->symbol.addr);
	bytes = ka_alloc(a, size);
	have = ka_text_read(k, ret->symbol.addr, bytes, size, &is_file, NULL);
	return ka_fault_code_decode(a, files.arch, bytes, have, ret->symbol.addr, ret) && index_of(ret, ip, ret_at);
}
