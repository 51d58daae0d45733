/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A unit of DWARF made by hand, and a machine that answers what expressions ask. */
#ifndef KA_TEST_DWARF_FAKE_H
#define KA_TEST_DWARF_FAKE_H

#include "dwarf_location.h"

enum { T_INT = 13, T_ULONG = 16, T_DOUBLE = 19, T_FLOAT = 22, T_CHAR = 25, T_END = 29 };
static const uint8_t fake_info[] = {
	25, 0, 0, 0, 5, 0, 1, 8, 0, 0, 0, 0,
	1,
	2, 4, DW_ATE_signed, 2, 8, DW_ATE_unsigned, 2, 8, DW_ATE_float, 2, 4, DW_ATE_float, 2, 1, DW_ATE_signed_char,
	0,
};
static const uint8_t fake_abbrev[] = { 1, 0x11, 1, 0, 0, 2, 0x24, 0, 0x0b, 0x0b, 0x3e, 0x0b, 0, 0, 0 };

struct fake {
	struct ka_dwarf d;
	struct ka_dwarf_unit unit;
	struct ka_dwarf_units units;
	uint64_t regs[32], known, cfa;
	bool has_cfa;
};

static bool fake_reg(void *ctx, unsigned n, uint64_t *ret)
{
	struct fake *f = ctx;

	if (n >= 32 || !(f->known >> n & 1))
		return false;
	*ret = f->regs[n];
	return true;
}

/* Memory: the byte at an address is its low byte; nothing at 0. */
static bool fake_read(void *ctx, uint64_t at, void *ret, size_t size)
{
	(void)ctx;
	for (size_t i = 0; i < size; i++)
		((uint8_t *)ret)[i] = (uint8_t)(at + i);
	return at > 4096;
}

static bool fake_cfa(void *ctx, uint64_t *ret)
{
	*ret = ((struct fake *)ctx)->cfa;
	return ((struct fake *)ctx)->has_cfa;
}

static bool fake_base(void *ctx, struct ka_dwarf_machine *m, uint64_t *ret)
{
	static const uint8_t expr[] = { DW_OP_call_frame_cfa };

	(void)ctx;
	return ka_dwarf_expr_value(m, expr, sizeof(expr), ret) == KA_DWARF_DONE;
}

static bool fake_entry(void *ctx, struct ka_dwarf_machine *m, const uint8_t *expr, size_t size, uint64_t *ret)
{
	(void)ctx;
	(void)m;
	*ret = 1000 + (size ? expr[0] - DW_OP_reg0 : 0);
	return size == 1;
}

static bool fake_die(void *ctx, struct ka_dwarf_machine *m, uint32_t die, uint64_t *ret)
{
	(void)ctx;
	(void)m;
	*ret = die + 7;
	return die;
}

/* Of DIE 13: itself, without end; of others: 5 + the top. */
static bool fake_procedure(void *ctx, uint32_t die, const uint8_t **ret, size_t *ret_size)
{
	static const uint8_t loop[] = { DW_OP_call2, 13, 0 }, add[] = { DW_OP_plus_uconst, 5 };

	(void)ctx;
	*ret = die == 13 ? loop : add;
	*ret_size = die == 13 ? sizeof(loop) : sizeof(add);
	return die;
}

static bool fake_address(void *ctx, uint64_t linked, uint64_t *ret)
{
	(void)ctx;
	*ret = linked + 0x100000;
	return linked != 0xbad;
}

static bool fake_indexed(void *ctx, struct ka_dwarf_unit *u, uint64_t index, uint64_t *ret)
{
	(void)ctx;
	(void)u;
	*ret = 0x5000 + index;
	return index < 4;
}

static void fake_init(struct fake *f, struct ka_dwarf_machine *m)
{
	memset(f, 0, sizeof(*f));
	f->d.files[0].info = (struct ka_dwarf_bytes){ fake_info, sizeof(fake_info) };
	f->d.files[0].abbrev = (struct ka_dwarf_bytes){ fake_abbrev, sizeof(fake_abbrev) };
	f->unit.file = &f->d.files[0];
	f->unit.at = fake_info;
	f->unit.size = sizeof(fake_info);
	f->unit.header_size = 12;
	f->unit.version = 5;
	f->unit.offset_size = 4;
	f->unit.address_size = 8;
	f->unit.type = DW_UT_compile;
	f->units.at = &f->unit;
	f->units.n = 1;
	atomic_init(&f->units.once.is_made, true);
	f->d.units = &f->units;
	*m = (struct ka_dwarf_machine){
		.d = &f->d, .unit = &f->unit, .ctx = f, .reg = fake_reg, .read = fake_read, .cfa = fake_cfa, .frame_base = fake_base,
		.entry = fake_entry, .parameter = fake_die, .variable = fake_die, .procedure = fake_procedure, .address = fake_address,
		.indexed = fake_indexed };
}

static void fake_deinit(struct fake *f)
{
	struct ka_dwarf_abbrevs *a = atomic_load(&f->unit.abbrevs);

	if (a)
		ka_dwarf_abbrevs_free(a);
	free(a);
	free(atomic_load(&f->unit.bases));
}

#endif
