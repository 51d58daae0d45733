/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Fuzzer of DWARF expressions and location lists. Input: a byte that says how (bit 0: a frame base is known, bits 1 and 2:
 * expression, list of DWARF 4, of DWARF 5), then the bytes. Each expression must end within its bounds.
 */
#include "dwarf_fake.h"

static void evaluate(struct ka_dwarf_machine *m, const uint8_t *expr, size_t size)
{
	struct ka_dwarf_place place;
	uint64_t v, bits = 0;

	m->steps = m->nesting = 0;
	if (ka_dwarf_expr(m, expr, size, &place) != KA_DWARF_DONE && place.count)
		abort();
	if (place.count > KA_DWARF_PIECES_MAX || m->steps > KA_DWARF_STEPS_MAX + 1 || strnlen(m->why, sizeof(m->why)) == sizeof(m->why))
		abort();
	for (unsigned i = 0; i < place.count; i++) {
		const struct ka_dwarf_piece *p = &place.pieces[i];

		for (size_t b = 0; p->where == KA_DWARF_AS_BYTES && b < p->size; b++)
			bits += p->bytes[b];
	}
	m->steps = m->nesting = 0;
	if (ka_dwarf_expr_value(m, expr, size, &v) == KA_DWARF_DONE && v == 0x123456789abcdef0 && bits == 1)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ka_dwarf_machine m;
	struct ka_dwarf_lists l;
	const uint8_t *expr;
	size_t expr_size;
	struct fake f;
	unsigned how;

	if (!size)
		return 0;
	fake_init(&f, &m);
	f.cfa = f.regs[5] = 0x7000;
	f.known = 0xff;
	how = *data++;
	size--;
	f.has_cfa = how & 1;
	l = (struct ka_dwarf_lists){ .d = &f.d, .loc = { data, size }, .loclists = { data, size }, .addr = { data, size } };
	if ((how >> 1 & 3) == 0)
		evaluate(&m, data, size);
	else
		f.unit.version = (how >> 1 & 3) == 1 ? 4 : 5;
	if ((how >> 1 & 3) && ka_dwarf_location_list(&l, &f.unit, how >> 3, 0, 0x10, &expr, &expr_size))
		evaluate(&m, expr, expr_size);
	fake_deinit(&f);
	return 0;
}
