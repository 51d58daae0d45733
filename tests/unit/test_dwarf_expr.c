/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* DWARF expressions, each operation; location lists of DWARF 4 and 5 by hand. */
#include "check.h"
#include "dwarf_fake.h"

static struct fake f;
static struct ka_dwarf_machine m;
static struct ka_dwarf_place place;

static enum ka_dwarf_outcome run(const uint8_t *expr, size_t size)
{
	m.steps = m.nesting = 0;
	return ka_dwarf_expr(&m, expr, size, &place);
}

/* The number that an expression leaves. */
static uint64_t value(const uint8_t *expr, size_t size, enum ka_dwarf_outcome want)
{
	uint64_t v = 0xdead;
	enum ka_dwarf_outcome is;

	m.steps = m.nesting = 0;
	is = ka_dwarf_expr_value(&m, expr, size, &v);
	CHECK_INT(is, want);
	return v;
}

#define BYTES(...) (const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ })
#define VALUE(want, ...) CHECK_INT(value(BYTES(__VA_ARGS__), KA_DWARF_DONE), want)
#define FAILS(outcome, ...) CHECK_INT(run(BYTES(__VA_ARGS__)), outcome)

static void check_constants(void)
{
	VALUE(0, DW_OP_lit0);
	VALUE(31, DW_OP_lit31);
	VALUE(200, DW_OP_const1u, 200);
	VALUE(-56, DW_OP_const1s, 200);
	VALUE(0xfffe, DW_OP_const2u, 0xfe, 0xff);
	VALUE(-2, DW_OP_const2s, 0xfe, 0xff);
	VALUE(0xfffffffeu, DW_OP_const4u, 0xfe, 0xff, 0xff, 0xff);
	VALUE(-2, DW_OP_const4s, 0xfe, 0xff, 0xff, 0xff);
	VALUE(0x0807060504030201, DW_OP_const8u, 1, 2, 3, 4, 5, 6, 7, 8);
	VALUE(-1, DW_OP_const8s, 255, 255, 255, 255, 255, 255, 255, 255);
	VALUE(300, DW_OP_constu, 0xac, 2);
	VALUE(-127, DW_OP_consts, 0x81, 0x7f);
	VALUE(0x101000, DW_OP_addr, 0, 0x10, 0, 0, 0, 0, 0, 0);
	FAILS(KA_DWARF_UNKNOWN, DW_OP_addr, 0xad, 0xb, 0, 0, 0, 0, 0, 0);
	VALUE(0x105002, DW_OP_addrx, 2);
	VALUE(0x5003, DW_OP_constx, 3);
	VALUE(0x105001, DW_OP_GNU_addr_index, 1);
	VALUE(0x5001, DW_OP_GNU_const_index, 1);
	FAILS(KA_DWARF_BAD, DW_OP_addrx, 4);
	FAILS(KA_DWARF_BAD, DW_OP_const4u, 1, 2);
	FAILS(KA_DWARF_BAD, DW_OP_constu, 0x80);
}

static void check_stack(void)
{
	VALUE(6, DW_OP_lit3, DW_OP_dup, DW_OP_plus);
	VALUE(1, DW_OP_lit1, DW_OP_lit2, DW_OP_drop);
	VALUE(1, DW_OP_lit1, DW_OP_lit2, DW_OP_over);
	VALUE(4, DW_OP_lit4, DW_OP_lit5, DW_OP_lit6, DW_OP_pick, 2);
	VALUE(1, DW_OP_lit2, DW_OP_lit3, DW_OP_swap, DW_OP_minus);
	VALUE(8, DW_OP_lit7, DW_OP_lit8, DW_OP_lit9, DW_OP_rot);
	VALUE(9, DW_OP_lit7, DW_OP_lit8, DW_OP_lit9, DW_OP_rot, DW_OP_rot, DW_OP_rot);
	FAILS(KA_DWARF_BAD, DW_OP_drop);
	FAILS(KA_DWARF_BAD, DW_OP_lit1, DW_OP_rot);
	FAILS(KA_DWARF_BAD, DW_OP_lit1, DW_OP_pick, 1);
	FAILS(KA_DWARF_BAD, DW_OP_lit1, DW_OP_plus);
	FAILS(KA_DWARF_BAD, DW_OP_lit0, DW_OP_dup, DW_OP_skip, 0xfc, 0xff);	/* fills the stack, or the steps */
	VALUE(0x1716151413121110, DW_OP_const2u, 0x10, 0x20, DW_OP_deref);
	VALUE(0x1110, DW_OP_const2u, 0x10, 0x20, DW_OP_deref_size, 2);
	FAILS(KA_DWARF_BAD, DW_OP_const2u, 0x10, 0x20, DW_OP_deref_size, 9);
	FAILS(KA_DWARF_UNKNOWN, DW_OP_lit0, DW_OP_deref);
}

static void check_arithmetic(void)
{
	VALUE(5, DW_OP_consts, 0x7b, DW_OP_abs);
	VALUE(4, DW_OP_lit12, DW_OP_lit6, DW_OP_and);
	VALUE(-3, DW_OP_consts, 0x77, DW_OP_lit3, DW_OP_div);
	FAILS(KA_DWARF_BAD, DW_OP_lit1, DW_OP_lit0, DW_OP_div);
	FAILS(KA_DWARF_BAD, DW_OP_lit1, DW_OP_lit0, DW_OP_mod);
	VALUE(INT64_MIN, DW_OP_const8u, 0, 0, 0, 0, 0, 0, 0, 0x80, DW_OP_consts, 0x7f, DW_OP_div);
	VALUE(-2, DW_OP_lit1, DW_OP_lit3, DW_OP_minus);
	VALUE(2, DW_OP_lit17, DW_OP_lit5, DW_OP_mod);
	VALUE(30, DW_OP_lit5, DW_OP_lit6, DW_OP_mul);
	VALUE(-5, DW_OP_lit5, DW_OP_neg);
	VALUE(-6, DW_OP_lit5, DW_OP_not);
	VALUE(7, DW_OP_lit5, DW_OP_lit3, DW_OP_or);
	VALUE(8, DW_OP_lit5, DW_OP_lit3, DW_OP_plus);
	VALUE(133, DW_OP_lit5, DW_OP_plus_uconst, 0x80, 1);
	VALUE(40, DW_OP_lit5, DW_OP_lit3, DW_OP_shl);
	VALUE(0, DW_OP_lit5, DW_OP_const1u, 64, DW_OP_shl);
	VALUE(1, DW_OP_consts, 0x7f, DW_OP_const1u, 63, DW_OP_shr);
	VALUE(-1, DW_OP_consts, 0x7f, DW_OP_const1u, 200, DW_OP_shra);
	VALUE(6, DW_OP_lit5, DW_OP_lit3, DW_OP_xor);
	VALUE(1, DW_OP_lit5, DW_OP_lit5, DW_OP_eq);
	VALUE(1, DW_OP_lit5, DW_OP_lit5, DW_OP_ge);
	VALUE(0, DW_OP_consts, 0x7f, DW_OP_lit1, DW_OP_gt);
	VALUE(1, DW_OP_consts, 0x7f, DW_OP_lit1, DW_OP_le);
	VALUE(1, DW_OP_consts, 0x7f, DW_OP_lit1, DW_OP_lt);
	VALUE(1, DW_OP_lit5, DW_OP_lit4, DW_OP_ne);
	VALUE(2, DW_OP_lit2, DW_OP_skip, 1, 0, DW_OP_lit3);
	VALUE(3, DW_OP_lit3, DW_OP_lit0, DW_OP_bra, 1, 0, DW_OP_nop);
	VALUE(0, DW_OP_lit5, DW_OP_lit1, DW_OP_minus, DW_OP_dup, DW_OP_bra, 0xfa, 0xff);	/* counts down */
	FAILS(KA_DWARF_BAD, DW_OP_skip, 0xfd, 0xff);	/* for ever */
	FAILS(KA_DWARF_BAD, DW_OP_lit0, DW_OP_skip, 9, 0);
	FAILS(KA_DWARF_UNKNOWN, DW_OP_form_tls_address);
}

static void check_types(void)
{
	VALUE(0xffffffffffffffff, DW_OP_const_type, T_INT, 4, 0xff, 0xff, 0xff, 0xff);
	VALUE(-2, DW_OP_regval_type, 3, T_INT);		/* the low half of the register */
	VALUE(0x13121110, DW_OP_const2u, 0x10, 0x20, DW_OP_deref_type, 4, T_INT);
	VALUE(255, DW_OP_const_type, T_CHAR, 1, 0xff, DW_OP_convert, T_ULONG, DW_OP_const1u, 255, DW_OP_convert, T_ULONG, DW_OP_and);
	VALUE(0x3ff0000000000000, DW_OP_lit1, DW_OP_convert, T_DOUBLE);
	VALUE(0x3ff0000000000000, DW_OP_lit1, DW_OP_convert, T_DOUBLE, DW_OP_reinterpret, T_ULONG);
	VALUE(6, DW_OP_lit3, DW_OP_convert, T_FLOAT, DW_OP_lit2, DW_OP_convert, T_FLOAT, DW_OP_mul, DW_OP_convert, 0);
	VALUE(1, DW_OP_lit3, DW_OP_convert, T_FLOAT, DW_OP_lit2, DW_OP_convert, T_FLOAT, DW_OP_gt);
	FAILS(KA_DWARF_BAD, DW_OP_lit1, DW_OP_reinterpret, T_INT);
	FAILS(KA_DWARF_UNKNOWN, DW_OP_lit1, DW_OP_convert, 12);
	FAILS(KA_DWARF_BAD, DW_OP_const_type, T_INT, 3, 1, 2, 3);
	VALUE(7, DW_OP_GNU_const_type, T_INT, 4, 7, 0, 0, 0, DW_OP_GNU_convert, 0, DW_OP_GNU_reinterpret, T_ULONG);
}

static void check_frame(void)
{
	VALUE(0x2000, DW_OP_breg5, 0);
	VALUE(0x1ff8, DW_OP_breg5, 0x78);
	VALUE(0x2008, DW_OP_bregx, 5, 8);
	FAILS(KA_DWARF_UNKNOWN, DW_OP_breg6, 0);
	FAILS(KA_DWARF_UNKNOWN, DW_OP_call_frame_cfa);
	f.has_cfa = true;
	VALUE(0x7000, DW_OP_call_frame_cfa);
	VALUE(0x6ff0, DW_OP_fbreg, 0x70);
	VALUE(1005, DW_OP_entry_value, 1, DW_OP_reg5);
	VALUE(1005, DW_OP_GNU_entry_value, 1, DW_OP_reg5, DW_OP_stack_value);
	FAILS(KA_DWARF_UNKNOWN, DW_OP_entry_value, 2, DW_OP_lit0, DW_OP_lit0);
	FAILS(KA_DWARF_BAD, DW_OP_entry_value, 9, DW_OP_reg5);
	VALUE(9, DW_OP_lit4, DW_OP_call2, 20, 0);
	VALUE(9, DW_OP_lit4, DW_OP_call4, 20, 0, 0, 0);
	VALUE(9, DW_OP_lit4, DW_OP_call_ref, 20, 0, 0, 0);
	FAILS(KA_DWARF_BAD, DW_OP_call2, 13, 0);	/* calls itself */
	VALUE(27, DW_OP_GNU_parameter_ref, 20, 0, 0, 0);
	VALUE(27, DW_OP_GNU_variable_value, 20, 0, 0, 0);
	VALUE(0x2000, DW_OP_reg5);
	CHECK_INT(value(BYTES(DW_OP_reg6), KA_DWARF_UNKNOWN), 0xdead);
	CHECK(strstr(m.why, "register 6"));
}

static void check_places(void)
{
	CHECK_INT(run(NULL, 0), KA_DWARF_ABSENT);
	CHECK_INT(run(BYTES(DW_OP_regx, 33)), KA_DWARF_DONE);
	CHECK_INT(place.pieces[0].where, KA_DWARF_IN_REGISTER);
	CHECK_INT(place.pieces[0].reg, 33);
	CHECK_INT(run(BYTES(DW_OP_lit5, DW_OP_stack_value)), KA_DWARF_DONE);
	CHECK_INT(place.pieces[0].where, KA_DWARF_AS_VALUE);
	CHECK_INT(run(BYTES(DW_OP_implicit_value, 2, 1, 2)), KA_DWARF_DONE);
	CHECK_INT(place.pieces[0].where, KA_DWARF_AS_BYTES);
	CHECK_INT(place.pieces[0].size, 2);
	CHECK_INT(run(BYTES(DW_OP_implicit_pointer, 20, 0, 0, 0, 0x7c)), KA_DWARF_DONE);
	CHECK_INT(place.pieces[0].where, KA_DWARF_AS_POINTER);
	CHECK_INT(place.pieces[0].die, 20);
	CHECK_INT(place.pieces[0].value, -4);
	CHECK_INT(run(BYTES(DW_OP_reg5, DW_OP_piece, 8, DW_OP_piece, 4, DW_OP_lit7, DW_OP_stack_value, DW_OP_bit_piece, 3, 1)), KA_DWARF_DONE);
	CHECK_INT(place.count, 3);
	CHECK_INT(place.pieces[0].bit_size, 64);
	CHECK_INT(place.pieces[1].where, KA_DWARF_NOWHERE);
	CHECK_INT(place.pieces[1].bit_size, 32);
	CHECK_INT(place.pieces[2].bit_size, 3);
	CHECK_INT(place.pieces[2].bit_offset, 1);
	CHECK_INT(run(BYTES(DW_OP_breg5, 4, DW_OP_piece, 8)), KA_DWARF_DONE);
	CHECK_INT(place.pieces[0].where, KA_DWARF_IN_MEMORY);
	CHECK_INT(place.pieces[0].value, 0x2004);
	FAILS(KA_DWARF_BAD, DW_OP_reg5, DW_OP_reg6);
	FAILS(KA_DWARF_BAD, DW_OP_piece, 0xff, 0xff, 0xff, 0xff, 0x7f, DW_OP_piece, 0xff, 0xff, 0xff, 0xff, 0x7f, DW_OP_nop);
}

/* ---- lists ---- */

static int found(struct ka_dwarf_lists *l, uint64_t base, uint64_t pc)
{
	const uint8_t *expr;
	size_t size;

	return ka_dwarf_location_list(l, &f.unit, 0, base, pc, &expr, &size) ? size ? expr[0] : 0 : -1;
}

static void check_lists_4(void)
{
#define U8(n) (n) & 0xff, (n) >> 8 & 0xff, 0, 0, 0, 0, 0, 0
	static const uint8_t list[] = {
		U8(0x10), U8(0x20), 1, 0, DW_OP_lit1,
		255, 255, 255, 255, 255, 255, 255, 255, U8(0x5000),
		U8(0), U8(8), 2, 0, DW_OP_lit2, DW_OP_nop,
		U8(8), U8(9), 0, 0,
		U8(0), U8(0),
		U8(0x10), U8(0x20), 1, 0, DW_OP_lit9,
	};
	struct ka_dwarf_lists l = { .d = &f.d, .loc = { list, sizeof(list) } };

	f.unit.version = 4;
	CHECK_INT(found(&l, 0x1000, 0x100f), -1);
	CHECK_INT(found(&l, 0x1000, 0x1010), DW_OP_lit1);
	CHECK_INT(found(&l, 0x1000, 0x101f), DW_OP_lit1);
	CHECK_INT(found(&l, 0x1000, 0x1020), -1);
	CHECK_INT(found(&l, 0x1000, 0x5007), DW_OP_lit2);
	CHECK_INT(found(&l, 0x1000, 0x5008), 0);	/* empty: optimized out there */
	CHECK_INT(found(&l, 0x1000, 0x5010), -1);	/* behind the end of the list */
	l.loc.size = 20;				/* cut */
	CHECK_INT(found(&l, 0x1000, 0x5007), -1);
	f.unit.version = 5;
}

static void check_lists_5(void)
{
	static const uint8_t addr[] = { U8(0x1000), U8(0x2000), U8(0x2010) };
	static const uint8_t list[] = {
		DW_LLE_GNU_view_pair, 1, 2,
		DW_LLE_offset_pair, 0x10, 0x20, 1, DW_OP_lit1,
		DW_LLE_base_addressx, 0, DW_LLE_offset_pair, 0, 8, 1, DW_OP_lit2,
		DW_LLE_startx_endx, 1, 2, 1, DW_OP_lit3,
		DW_LLE_startx_length, 2, 4, 1, DW_OP_lit4,
		DW_LLE_base_address, U8(0x3000), DW_LLE_offset_pair, 1, 2, 1, DW_OP_lit5,
		DW_LLE_start_end, U8(0x4000), U8(0x4008), 1, DW_OP_lit6,
		DW_LLE_start_length, U8(0x4100), 8, 1, DW_OP_lit7,
		DW_LLE_default_location, 1, DW_OP_lit8,
		DW_LLE_end_of_list,
	};
	static const uint8_t plain[] = { DW_LLE_offset_pair, 1, 2, 1, DW_OP_lit1, DW_LLE_end_of_list, DW_LLE_offset_pair, 5, 6, 1, DW_OP_lit2 };
	static const uint8_t odd[] = { 99, 1, 2, 1, DW_OP_lit1 };
	struct ka_dwarf_lists l = { .d = &f.d, .loclists = { list, sizeof(list) }, .addr = { addr, sizeof(addr) } };

	CHECK_INT(found(&l, 0x800, 0x810), DW_OP_lit1);
	CHECK_INT(found(&l, 0x800, 0x1007), DW_OP_lit2);
	CHECK_INT(found(&l, 0x800, 0x200f), DW_OP_lit3);
	CHECK_INT(found(&l, 0x800, 0x2010), DW_OP_lit4);
	CHECK_INT(found(&l, 0x800, 0x3001), DW_OP_lit5);
	CHECK_INT(found(&l, 0x800, 0x4007), DW_OP_lit6);
	CHECK_INT(found(&l, 0x800, 0x4107), DW_OP_lit7);
	CHECK_INT(found(&l, 0x800, 0x9999), DW_OP_lit8);
	l.addr.size = 8;	/* an index that is not there ends the list */
	CHECK_INT(found(&l, 0x800, 0x2000), -1);
	l.loclists = (struct ka_dwarf_bytes){ plain, sizeof(plain) };
	CHECK_INT(found(&l, 0x800, 0x801), DW_OP_lit1);
	CHECK_INT(found(&l, 0x800, 0x805), -1);
	l.loclists = (struct ka_dwarf_bytes){ odd, sizeof(odd) };
	CHECK_INT(found(&l, 0x800, 0x801), -1);
}

CHECK_MAIN
{
	fake_init(&f, &m);
	f.regs[5] = 0x2000;
	f.regs[3] = 0x1fffffffe;
	f.known = 1 << 5 | 1 << 3;
	f.cfa = 0x7000;
	check_constants();
	check_stack();
	check_arithmetic();
	check_types();
	check_frame();
	check_places();
	check_lists_4();
	check_lists_5();
	fake_deinit(&f);
}
