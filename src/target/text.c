/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Functions and their code: in the dump, and as the linker left it. */
#include <kanalyze/text.h>
#include "kernel.h"

#define FUNCTION_MAX (1u << 20)

bool ka_function_at(struct ka_kernel *k, ka_addr addr, struct ka_symbol *ret, ka_addr *ret_end)
{
	struct ka_symbol next;
	uint64_t offset;
	size_t i;

	if (!ka_symbol_at(k, addr, ret, &offset))
		return false;
	*ret_end = ret->addr + ret->size;
	/* padding behind a function, or assembly without a size: up to the next symbol */
	if (offset >= ret->size) {
		*ret_end = addr + 1;
		if (!ka_symbol_index(k, ret->module, addr, &i))
			return true;
		while (ka_symbol_nth(k, ret->module, ++i, &next))
			if (!next.is_percpu && next.addr > addr && next.type != 'a' && next.type != 'A')
				break;
		if (next.addr > addr && next.addr - ret->addr <= FUNCTION_MAX)
			*ret_end = next.addr;
	}
	return true;
}

size_t ka_text_original(struct ka_kernel *k, ka_addr addr, void *ret, size_t size)
{
	uint64_t at = addr - k->layout.kaslr_offset;
	const uint8_t *bytes;
	size_t have;

	if (!k->object || addr < k->layout.text_base || addr >= k->layout.text_end)
		return 0;
	for (size_t i = 1; i < k->object->section_count; i++) {
		const struct ka_section *s = &k->object->sections[i];

		if (!(s->flags & SHF_ALLOC) || s->type == SHT_NOBITS || !s->addr || at - s->addr >= s->size)
			continue;
		if (ka_error_drop(ka_object_content(k->object, s, &bytes, &have)) || at - s->addr >= have)
			return 0;
		size = KA_MIN((uint64_t)size, have - (at - s->addr));
		memcpy(ret, bytes + (at - s->addr), size);
		return size;
	}
	return 0;
}

size_t ka_text_read(struct ka_kernel *k, ka_addr addr, void *ret, size_t size, bool *ret_from_file, struct ka_error **err)
{
	struct ka_error *why = NULL;
	size_t n = ka_read_some(k, addr, ret, size, &why), page = (size_t)ka_page_size(k);

	*ret_from_file = false;
	if (!n && why) {
		/* one page: the next may be in the dump again */
		n = ka_text_original(k, addr, ret, KA_MIN(size, page - (size_t)(addr & (page - 1))));
		*ret_from_file = n > 0;
	}
	if (err)
		*err = why;
	else
		ka_error_free(why);
	return n;
}

bool ka_is_given_away(struct ka_kernel *k, ka_addr addr)
{
	struct ka_symbol from, to, state;
	int64_t running;
	uint32_t is = 0;

	if (!ka_symbol_lookup(k, "__init_begin", &from) || !ka_symbol_lookup(k, "__init_end", &to) || addr < from.addr || addr >= to.addr)
		return false;
	/* free_initmem() runs just before (new kernels have SYSTEM_FREEING_INITMEM for that time); a crash at boot has it all */
	return ka_enum_value(k, "SYSTEM_RUNNING", &running) && ka_symbol_lookup(k, "system_state", &state) &&
	       !ka_error_drop(ka_read_u32(k, state.addr, &is)) && is >= running;
}

/*
 * KASLR moves numbers of 4 or 8 bytes by its offset; x86_64's displacements to per-CPU variables, which did not move
 * before 9d7de2aa8b41 (v6.15), the other way. They lie at the instruction's end, or before an immediate behind them.
 */
static bool is_moved(struct ka_kernel *k, const uint8_t *is, const uint8_t *was, size_t size, size_t from)
{
	uint64_t offset = k->layout.kaslr_offset;

	for (size_t at = from; at + 4 <= size && !memcmp(is, was, at); at++) {
		for (unsigned width = 4; width <= 8 && at + width <= size; width += 4) {
			uint64_t mask = width == 4 ? 0xffffffff : ~0ull, is_now = ka_uint_from(k, is + at, width);
			uint64_t delta = (is_now - ka_uint_from(k, was + at, width)) & mask;
			size_t rest = size - at - width;

			if ((delta == (offset & mask) || delta == (-offset & mask)) &&
			    (!memcmp(is + at + width, was + at + width, rest) || is_moved(k, is + at + width, was + at + width, rest, 0)))
				return true;
		}
	}
	return false;
}

bool ka_text_is_patched(struct ka_kernel *k, const struct ka_insn *of, const uint8_t *original, size_t size)
{
	if (size < of->size)
		return false;
	if (!memcmp(of->bytes, original, of->size))
		return false;
	return !k->layout.kaslr_offset || !is_moved(k, of->bytes, original, of->size, 1);
}
