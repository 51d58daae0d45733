/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An entry of a page table as text and row. */
#include <inttypes.h>
#include <kanalyze/translate.h>
#include "entry_show.h"

struct entry_row {
	ka_addr entry, physical, swap_offset;
	const char *kind, *device, *where, *text;
	const char *const *flags;
	bool has_physical, is_swap;
};
static const struct ka_col cols[] = {
	KA_COLF(entry_row, entry, KA_ADDR, KA_ONLY_JSON, "the value"),
	KA_COLF(entry_row, kind, KA_TEXT, KA_ONLY_JSON, "page, swap, migration, device, hwpoison, marker, none, other"),
	{ "physical", offsetof(struct entry_row, physical), sizeof(ka_addr), KA_ADDR, KA_ONLY_JSON, offsetof(struct entry_row, has_physical), NULL,
	  "the physical page" },
	KA_COLF(entry_row, flags, KA_LIST, KA_ONLY_JSON, "names of its bits"),
	KA_COLF(entry_row, device, KA_TEXT, KA_ONLY_JSON, "swap device or file"),
	{ "swap_offset", offsetof(struct entry_row, swap_offset), sizeof(ka_addr), KA_UINT, KA_ONLY_JSON, offsetof(struct entry_row, is_swap), NULL,
	  "page on the swap device" },
	KA_COLF(entry_row, where, KA_TEXT, KA_ONLY_JSON, "where the page is, when it is not in memory"),
	KA_COLF(entry_row, text, KA_TEXT, KA_ONLY_TEXT, "all of it"),
};
const struct ka_rows ka_rows_entry_row = { "entries", KA_SHAPE_LINE, NULL, "{text}", cols, KA_COUNT(cols) };

/* Middle of a column: what is over goes to the right. */
static const char *centred(struct ka_call *c, const char *text, size_t width)
{
	size_t len = strlen(text), left = width > len ? (width - len) / 2 : 0;

	return ka_printf(c->arena, "%*s%-*s", (int)left, "", (int)(width > left ? width - left : 0), text);
}

const char *const *entry_flags(struct ka_call *c, uint64_t entry, uint64_t size, const char **ret_text)
{
	const char **list = ka_alloc(c->arena, 66 * sizeof(*list));
	size_t n = 0;

	*ret_text = ka_translation_flags(c->k, c->arena, entry, size);
	for (const char *p = *ret_text; *p && n < 64; n++) {
		size_t len = strcspn(p, "|");

		list[n] = ka_strndup(c->arena, p, len);
		p += len + (p[len] == '|');
	}
	return list;
}

void entry_show(struct ka_call *c, uint64_t entry, uint64_t size)
{
	const char *value = ka_printf(c->arena, "%" PRIx64, entry), *flags, *phys;
	size_t width = KA_MAX(strlen(value), (size_t)3), phys_width;
	struct entry_row row = { .entry = entry };
	struct ka_entry e;

	ka_entry_decode(c->k, entry, size, c->arena, &e);
	row.kind = e.kind_name;
	row.physical = e.phys;
	row.has_physical = e.kind == KA_ENTRY_PAGE || e.kind == KA_ENTRY_MIGRATION || e.kind == KA_ENTRY_HWPOISON || e.kind == KA_ENTRY_DEVICE;
	row.flags = entry_flags(c, entry, size, &flags);
	row.device = e.device;
	row.swap_offset = e.offset;
	row.is_swap = e.kind == KA_ENTRY_SWAP;
	row.where = ka_entry_where(c->arena, &e);
	phys = ka_printf(c->arena, "%" PRIx64, e.phys);
	phys_width = KA_MAX(strlen(phys), (size_t)8);
	if (row.is_swap) {
		const char *device = e.device ? e.device : "(unknown)", *offset = ka_printf(c->arena, "%" PRIu64, e.offset);
		size_t device_width = KA_MAX(strlen(device), (size_t)4);

		row.text = ka_printf(c->arena, "%s  %s  OFFSET\n%s  %s  %*s%s", centred(c, "PTE", width), centred(c, "SWAP", device_width),
				     centred(c, value, width), centred(c, device, device_width),
				     strlen(offset) < 6 ? (int)(6 - strlen(offset)) / 2 : 0, "", offset);
	} else {
		const char *words = !entry ? "no mapping" : row.where ? row.where : e.kind == KA_ENTRY_OTHER ? "not a page, and no swap entry" : flags;

		row.text = ka_printf(c->arena, "%s  %s  FLAGS\n%s  %*s  (%s)", centred(c, "PTE", width), centred(c, "PHYSICAL", phys_width),
				     centred(c, value, width), (int)phys_width, phys, words);
	}
	ka_out_row(c->out, &ka_rows_entry_row, &row);
}
