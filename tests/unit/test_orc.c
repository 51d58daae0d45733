/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ORC tables of every layout, sorted and not. */
#include "check.h"
#include "debuginfo.h"

enum { RBP = 6, RSP = 7, R10 = 10, RA = 16 };

struct orc_entry_made { uint64_t ip; int16_t sp_offset, bp_offset; uint16_t bits; };

static uint8_t ips[4096], entries[4096];

static struct ka_orc *make(const struct orc_entry_made *e, size_t n, const char *hash)
{
	uint64_t base = 0xffffffff82000000;
	struct ka_orc *o = NULL;

	for (size_t i = 0; i < n; i++) {
		uint32_t rel = (uint32_t)(e[i].ip - (base + 4 * i));
		uint16_t words[3] = { (uint16_t)e[i].sp_offset, (uint16_t)e[i].bp_offset, e[i].bits };

		for (int b = 0; b < 4; b++)
			ips[4 * i + b] = (uint8_t)(rel >> 8 * b);
		for (int w = 0; w < 3; w++) {
			entries[6 * i + 2 * w] = (uint8_t)words[w];
			entries[6 * i + 2 * w + 1] = (uint8_t)(words[w] >> 8);
		}
	}
	struct ka_error *err = ka_orc_open(ips, 4 * n, base, entries, 6 * n, (const uint8_t *)hash, hash ? 20 : 0, &o);

	CHECK(!err);
	ka_error_free(err);
	return o;
}

#define TEXT 0xffffffff81000000ULL
#define BITS(sp, bp, rest) ((sp) | (bp) << 4 | (rest) << 8)

/* The same functions in each layout: numbers of SP, BP, PREV_SP, R10, SP_INDIRECT, BP_INDIRECT, then the bits above. */
static const struct layout {
	const char *name, *hash;
	unsigned sp, bp, prev_sp, r10, sp_indirect, bp_indirect, call, regs, partial, undefined, end;
} layouts[] = {
	{ "4.14", NULL, 5, 4, 1, 6, 9, 8, 0, 1, 2, 0, 4 },
	{ "6.3", "\xdb\x84\xae\xd4\x10\x3b\x31\xdd\x51\xe0\x17\xf8\xf7\x97\x83\xca\x98\x5c\x2c\x51",
	  5, 4, 1, 6, 9, 8, 0, 5, 6, 0, 8 },
	{ "6.3 without header", NULL, 5, 4, 1, 6, 9, 8, 0, 5, 6, 0, 8 },
	{ "6.4", "\xfe\x5d\x32\xbf\x58\x1b\xd6\x3b\x2c\xa9\xa5\xc6\x5b\xa5\xa6\x25\xea\xb3\xfe\x24",
	  5, 4, 1, 6, 9, 8, 2, 11, 12, 0, 1 },
	{ "6.4 without header", NULL, 5, 4, 1, 6, 9, 8, 2, 11, 12, 0, 1 },
	{ "7.1", "\x13\x7c\x36\xad\x76\x27\xc4\xdd\x55\x93\x21\x76\xbb\x0e\xcd\xbd\x50\x41\xfc\x82",
	  3, 4, 8, 6, 9, 10, 2, 11, 12, 0, 1 },
	{ "7.1 of unknown hash", "what is this hash? .", 3, 4, 8, 6, 9, 10, 2, 11, 12, 0, 1 },
};

static struct ka_frame_rules rules(struct ka_orc *o, uint64_t addr)
{
	struct ka_frame_rules r;
	struct ka_error *err = ka_orc_rules(o, addr, &r);

	if (err)
		fprintf(stderr, "%s\n", err->message);
	CHECK(!err);
	ka_error_free(err);
	return r;
}

static void check_layout(const struct layout *l)
{
	struct orc_entry_made e[24] = {
		{ TEXT + 0x000, 8, 0, BITS(l->sp, 0, l->call) },
		{ TEXT + 0x001, 16, -16, BITS(l->sp, l->prev_sp, l->call) },
		{ TEXT + 0x010, 16, -16, BITS(l->bp, l->prev_sp, l->call) },
		{ TEXT + 0x020, 0, 0, BITS(l->r10, l->bp, l->call) },
		{ TEXT + 0x030, -8, 0, BITS(l->bp_indirect, l->bp, l->call) },
		{ TEXT + 0x040, 24, -24, BITS(l->sp_indirect, l->prev_sp, l->call) },
		{ TEXT + 0x050, 0, 0, BITS(l->sp, 0, l->regs) },
		{ TEXT + 0x060, 0, 0, BITS(l->sp, 0, l->partial) },
		{ TEXT + 0x070, 0, 0, BITS(0, 0, l->end) },
		{ TEXT + 0x080, 0, 0, BITS(0, 0, l->undefined) },
		{ TEXT + 0x090, 0, 0, BITS(15, 0, l->call) },
	};
	size_t n = 11;

	for (; n < 24; n++)
		e[n] = (struct orc_entry_made){ TEXT + 0x100 + n * 16, (int16_t)(8 * n), 0, (uint16_t)BITS(l->sp, 0, l->call) };
	struct ka_orc *o = make(e, n, l->hash);
	struct ka_frame_rules r = rules(o, TEXT);

	CHECK_INT(r.cfa_reg, RSP);
	CHECK_INT(r.cfa_offset, 8);
	CHECK_INT(r.ra_reg, RA);
	CHECK_INT(r.reg[RA].kind, KA_RULE_CFA_OFFSET);
	CHECK_INT(r.reg[RA].n, -8);
	CHECK_INT(r.reg[RSP].kind, KA_RULE_VALUE);
	CHECK_INT(r.reg[RBP].kind, KA_RULE_SAME);
	CHECK_INT(r.reg[3].kind, KA_RULE_UNKNOWN);
	CHECK(!r.is_signal && !r.is_end && !r.is_pt_regs && !r.is_cfa_deref);
	r = rules(o, TEXT + 0xf);
	CHECK_INT(r.reg[RBP].kind, KA_RULE_CFA_OFFSET);
	CHECK_INT(r.reg[RBP].n, -16);
	r = rules(o, TEXT + 0x10);
	CHECK_INT(r.cfa_reg, RBP);
	r = rules(o, TEXT + 0x20);
	CHECK_INT(r.cfa_reg, R10);
	CHECK_INT(r.reg[RBP].kind, KA_RULE_REG_OFFSET);
	CHECK_INT(r.reg[RBP].reg, RBP);
	r = rules(o, TEXT + 0x30);
	CHECK(r.is_cfa_deref);
	CHECK_INT(r.cfa_reg, RBP);
	CHECK_INT(r.cfa_offset, -8);
	CHECK_INT(r.cfa_deref_offset, 0);
	r = rules(o, TEXT + 0x40);
	CHECK(r.is_cfa_deref);
	CHECK_INT(r.cfa_reg, RSP);
	CHECK_INT(r.cfa_offset, 0);
	CHECK_INT(r.cfa_deref_offset, 24);
	r = rules(o, TEXT + 0x50);
	CHECK(r.is_pt_regs && !r.is_partial && r.is_signal);
	r = rules(o, TEXT + 0x60);
	CHECK(r.is_pt_regs && r.is_partial && r.is_signal);
	CHECK(rules(o, TEXT + 0x7f).is_end);
	CHECK_INT(rules(o, TEXT + 0x100 + 23 * 16 + 5).cfa_offset, 8 * 23);

	struct ka_error *err = ka_orc_rules(o, TEXT + 0x80, &r);

	CHECK(ka_error_catch(&err, KA_NOT_FOUND));
	err = ka_orc_rules(o, TEXT + 0x90, &r);
	CHECK(ka_error_catch(&err, KA_CORRUPT));
	err = ka_orc_rules(o, TEXT - 1, &r);
	CHECK(ka_error_catch(&err, KA_NOT_FOUND));
	ka_error_free(err);
	ka_orc_close(o);
}

static void check_unsorted(void)
{
	/* two object files behind each other: text and init text of each, and a terminator where the next begins */
	struct orc_entry_made e[] = {
		{ TEXT + 0x00, 8, 0, BITS(5, 0, 0) }, { TEXT + 0x10, 16, 0, BITS(5, 0, 0) }, { TEXT + 0x20, 0, 0, 0 },
		{ TEXT + 0x1000, 24, 0, BITS(5, 0, 0) }, { TEXT + 0x1010, 0, 0, 0 },
		{ TEXT + 0x20, 32, 0, BITS(5, 0, 0) }, { TEXT + 0x30, 0, 0, 0 },
		{ TEXT + 0x1010, 40, 0, BITS(5, 0, 0) },
	};
	struct ka_orc *o = make(e, KA_COUNT(e), NULL);
	struct ka_frame_rules r;
	struct ka_error *err;

	CHECK_INT(rules(o, TEXT).cfa_offset, 8);
	CHECK_INT(rules(o, TEXT + 0x1f).cfa_offset, 16);
	CHECK_INT(rules(o, TEXT + 0x20).cfa_offset, 32);
	CHECK_INT(rules(o, TEXT + 0x1000).cfa_offset, 24);
	CHECK_INT(rules(o, TEXT + 0x1010).cfa_offset, 40);
	err = ka_orc_rules(o, TEXT + 0x30, &r);
	CHECK(ka_error_catch(&err, KA_NOT_FOUND));
	ka_orc_close(o);
}

static void check_damage(void)
{
	struct ka_orc *o;
	struct ka_frame_rules r;
	struct ka_error *err = ka_orc_open(ips, 0, TEXT, entries, 0, NULL, 0, &o);

	CHECK(ka_error_catch(&err, KA_CORRUPT));
	err = ka_orc_open(ips, 8, TEXT, entries, 6, NULL, 0, &o);
	CHECK(ka_error_catch(&err, KA_CORRUPT));
	err = ka_orc_open(ips, 7, TEXT, entries, 6, NULL, 0, &o);
	CHECK(ka_error_catch(&err, KA_CORRUPT));
	/* rubbish is sorted and searched without harm */
	srandom(1);
	for (int round = 0; round < 200; round++) {
		for (size_t i = 0; i < 600; i++)
			ips[i] = (uint8_t)random(), entries[i] = (uint8_t)random();
		err = ka_orc_open(ips, 400, TEXT, entries, 600, round & 1 ? entries : NULL, 20, &o);
		CHECK(!err);
		for (int i = 0; i < 50; i++)
			ka_error_drop(ka_orc_rules(o, TEXT + (uint64_t)random(), &r));
		ka_orc_close(o);
	}
}

CHECK_MAIN
{
	for (size_t i = 0; i < KA_COUNT(layouts); i++)
		check_layout(&layouts[i]);
	check_unsorted();
	check_damage();
}
