/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Call frame information: hand-made rows of every instruction, this very program against libdw, and damage. */
#include <dwarf.h>
#include <elfutils/libdw.h>
#include <fcntl.h>
#include "check.h"
#include "debuginfo.h"
#include "elf_file.h"

enum { RBX = 3, RBP = 6, RSP = 7, R10 = 10, R12 = 12, R13 = 13, R14 = 14, RA = 16 };

#define TEXT 0xffffffff81000000ULL

static char *dir;

struct bytes {
	struct elf_file *f;
	uint8_t at[4096];
	size_t n;
};

static void u8(struct bytes *b, unsigned v)
{
	b->at[b->n++] = (uint8_t)v;
}

static void num(struct bytes *b, uint64_t v, size_t size)
{
	elf_put(b->f, b->at + b->n, v, size);
	b->n += size;
}

static void raw(struct bytes *b, const void *p, size_t n)
{
	memcpy(b->at + b->n, p, n);
	b->n += n;
}

/* Sets the length of an entry that starts at start. */
static void entry_end(struct bytes *b, size_t start)
{
	while ((b->n - start) % 8 != 4)
		u8(b, DW_CFA_nop);
	elf_put(b->f, b->at + start, b->n - start - 4, 4);
}

static size_t cie(struct bytes *b, unsigned version, const char *augmentation)
{
	size_t start = b->n;

	num(b, 0, 4);
	num(b, 0xffffffff, 4);
	u8(b, version);
	raw(b, augmentation, strlen(augmentation) + 1);
	if (version >= 4)
		raw(b, "\x08\0", 2);
	raw(b, "\x01\x78\x10", 3);			/* code 1, data -8, return address 16 */
	raw(b, "\x0c\x07\x08\x90\x01", 5);		/* CFA = rsp + 8, ra at CFA - 8 */
	entry_end(b, start);
	return start;
}

static void fde(struct bytes *b, size_t of, uint64_t addr, uint64_t size, const char *program, size_t n)
{
	size_t start = b->n;

	num(b, 0, 4);
	num(b, of, 4);
	num(b, addr, 8);
	num(b, size, 8);
	raw(b, program, n);
	entry_end(b, start);
}

#define FDE(b, of, addr, size, program) fde(b, of, addr, size, program, sizeof(program) - 1)

static struct ka_object *open_bytes(const void *bytes, size_t size)
{
	char path[4096];
	struct ka_object *o = NULL;

	snprintf(path, sizeof(path), "%s/object", dir);
	file_write(path, bytes, size);
	struct ka_error *err = ka_object_open(path, &o);

	ka_error_drop(err);
	return o;
}

static struct ka_frame_rules at(struct ka_object *o, uint64_t addr)
{
	struct ka_frame_rules r;
	struct ka_error *err = ka_object_cfi(o, addr, &r);

	if (err)
		fprintf(stderr, "%s\n", err->message);
	CHECK(!err);
	ka_error_free(err);
	return r;
}

#define RULE(r, n_, kind_, value_) do {				\
	CHECK_INT((r).reg[n_].kind, kind_);			\
	CHECK_INT((r).reg[n_].n, value_);			\
} while (0)

static uint8_t *made(bool is_be, size_t *ret_size)
{
	static struct bytes b;
	static struct elf_file f;

	f = (struct elf_file){ .type = ET_EXEC, .machine = EM_X86_64, .is_be = is_be };
	b = (struct bytes){ .f = &f };
	size_t c1 = cie(&b, 1, ""), c3 = cie(&b, 3, ""), c4 = cie(&b, 4, ""), cs = cie(&b, 1, "S");

	/* push rbp; mov; remember, advance, restore */
	FDE(&b, c1, TEXT + 0x000, 0x20, "\x41\x0e\x10\x86\x02\x43\x0d\x06\x0a\x02\x0a\x0c\x07\x08\xc6\x41\x0b");
	/* realigned stack: CFA = r10; rbp at *rbp; then CFA = *(rbp - 8) */
	FDE(&b, c3, TEXT + 0x100, 0x40, "\x44\x0c\x0a\x00\x44\x10\x06\x02\x76\x00\x44\x0f\x03\x76\x78\x06\x44\x0f\x05\x76\x78\x06\x23\x10");
	/* extended forms: val_offset, register, undefined, same_value, offset_extended_sf, val_expression, locations of 2 and 4 bytes */
	{
		struct bytes p = { .f = &f };

		raw(&p, "\x14\x0c\x02\x09\x0d\x03\x07\x10\x08\x03\x11\x0e\x7d\x16\x06\x02\x77\x00", 18);
		u8(&p, DW_CFA_advance_loc2), num(&p, 0x100, 2);
		raw(&p, "\x07\x03\x2e\x20\x08\x0e", 6);
		u8(&p, DW_CFA_advance_loc4), num(&p, 0x100, 4);
		raw(&p, "\x06\x10\x13\x7c", 4);			/* restore_extended ra; def_cfa_offset_sf -4 * -8 */
		u8(&p, DW_CFA_set_loc), num(&p, TEXT + 0x500, 8);
		raw(&p, "\x12\x06\x7e", 3);			/* def_cfa_sf rbp, 16 */
		fde(&b, c4, TEXT + 0x200, 0x400, (char *)p.at, p.n);
	}
	FDE(&b, cs, TEXT + 0x1000, 0x10, "\x00");
	/* a CFA that cannot be followed: rsp * 2; then a register that is not there */
	FDE(&b, c1, TEXT + 0x2000, 0x10, "\x44\x0f\x04\x77\x00\x12\x22\x44\x0c\x32\x08");
	/* an instruction that does not exist; a restore of nothing; a block beyond the end */
	FDE(&b, c1, TEXT + 0x3000, 0x10, "\x3f");
	FDE(&b, c1, TEXT + 0x3010, 0x10, "\x0b");
	FDE(&b, c1, TEXT + 0x3020, 0x10, "\x0f\xff\xff\xff\xff\xff\xff\xff\xff\x7f");
	/* dropped by the linker; no CIE there */
	FDE(&b, c1, 0, 0x10, "\x00");
	FDE(&b, 8, TEXT + 0x4000, 0x10, "\x00");
	elf_add(&f, ".debug_frame", SHT_PROGBITS, 0, 0, b.at, b.n);
	elf_add(&f, ".debug_info", SHT_PROGBITS, 0, 0, "", 1);
	return elf_bytes(&f, ret_size);
}

static void check_made(bool is_be)
{
	size_t size;
	uint8_t *bytes = made(is_be, &size);
	struct ka_object *o = open_bytes(bytes, size);
	struct ka_frame_rules r = at(o, TEXT);
	struct ka_error *err;

	CHECK_INT(r.cfa_reg, RSP);
	CHECK_INT(r.cfa_offset, 8);
	CHECK_INT(r.ra_reg, RA);
	RULE(r, RA, KA_RULE_CFA_OFFSET, -8);
	RULE(r, RSP, KA_RULE_VALUE, 0);
	RULE(r, RBX, KA_RULE_SAME, 0);
	RULE(r, 0, KA_RULE_UNDEFINED, 0);
	CHECK(!r.is_signal && !r.is_end);
	r = at(o, TEXT + 1);
	CHECK_INT(r.cfa_offset, 16);
	RULE(r, RBP, KA_RULE_CFA_OFFSET, -16);
	r = at(o, TEXT + 4);
	CHECK_INT(r.cfa_reg, RBP);
	r = at(o, TEXT + 0xe);
	CHECK_INT(r.cfa_reg, RSP);
	RULE(r, RBP, KA_RULE_SAME, 0);
	r = at(o, TEXT + 0x1f);
	CHECK_INT(r.cfa_reg, RBP);
	RULE(r, RBP, KA_RULE_CFA_OFFSET, -16);

	r = at(o, TEXT + 0x104);
	CHECK_INT(r.cfa_reg, R10);
	CHECK_INT(r.cfa_offset, 0);
	r = at(o, TEXT + 0x108);
	RULE(r, RBP, KA_RULE_REG_OFFSET, 0);
	CHECK_INT(r.reg[RBP].reg, RBP);
	r = at(o, TEXT + 0x10c);
	CHECK(r.is_cfa_deref);
	CHECK_INT(r.cfa_reg, RBP);
	CHECK_INT(r.cfa_offset, -8);
	r = at(o, TEXT + 0x110);
	CHECK_INT(r.cfa_deref_offset, 16);

	r = at(o, TEXT + 0x200);
	RULE(r, R12, KA_RULE_VALUE, -16);
	RULE(r, R13, KA_RULE_REG, 0);
	CHECK_INT(r.reg[R13].reg, RBX);
	RULE(r, R14, KA_RULE_CFA_OFFSET, 24);
	RULE(r, RBP, KA_RULE_REG, 0);
	CHECK_INT(r.reg[RBP].reg, RSP);
	CHECK(r.is_end);	/* return address undefined */
	r = at(o, TEXT + 0x300);
	RULE(r, RBX, KA_RULE_UNDEFINED, 0);
	RULE(r, R14, KA_RULE_SAME, 0);
	r = at(o, TEXT + 0x400);
	CHECK(!r.is_end);
	RULE(r, RA, KA_RULE_CFA_OFFSET, -8);
	CHECK_INT(r.cfa_offset, 32);
	r = at(o, TEXT + 0x500);
	CHECK_INT(r.cfa_reg, RBP);
	CHECK_INT(r.cfa_offset, 16);
	CHECK(at(o, TEXT + 0x100f).is_signal);

	err = ka_object_cfi(o, TEXT + 0x2004, &r);
	CHECK(ka_error_catch(&err, KA_UNSUPPORTED));
	err = ka_object_cfi(o, TEXT + 0x2008, &r);
	CHECK(ka_error_catch(&err, KA_UNSUPPORTED));
	for (int i = 0; i < 3; i++) {
		err = ka_object_cfi(o, TEXT + 0x3000 + 0x10 * (uint64_t)i, &r);
		CHECK(ka_error_catch(&err, KA_CORRUPT));
		ka_error_free(err);
	}
	static const uint64_t nowhere[] = { 0, 8, TEXT - 1, TEXT + 0x20, TEXT + 0x4000, UINT64_MAX };

	for (size_t i = 0; i < KA_COUNT(nowhere); i++) {
		err = ka_object_cfi(o, nowhere[i], &r);
		CHECK(ka_error_catch(&err, KA_NOT_FOUND));
		ka_error_free(err);
	}
	ka_object_close(o);

	/* any byte of it wrong: an answer or an error */
	srandom(3);
	for (int round = 0; round < 1500; round++) {
		uint8_t *copy = malloc(size);

		memcpy(copy, bytes, size);
		for (int i = 0; i < 3; i++)
			copy[64 + (size_t)random() % (size - 64)] = (uint8_t)random();
		o = open_bytes(copy, size);
		free(copy);
		if (!o)
			continue;
		for (uint64_t a = TEXT; a < TEXT + 0x600; a += 0x41)
			ka_error_drop(ka_object_cfi(o, a, &r));
		for (uint64_t a = TEXT + 0x1000; a < TEXT + 0x4100; a += 0x100)
			ka_error_drop(ka_object_cfi(o, a, &r));
		ka_object_close(o);
	}
	free(bytes);
}

/* The rule of a register as libdw says it. */
static bool same_rule(Dwarf_Frame *frame, int reg, const struct ka_rule *is)
{
	Dwarf_Op mem[3], *ops;
	size_t n;

	if (dwarf_frame_register(frame, reg, mem, &ops, &n))
		return false;
	if (!n)		/* registers the FDE says nothing of: by the ABI, where the two differ in words only */
		return is->kind == KA_RULE_UNDEFINED || is->kind == KA_RULE_SAME;
	if (ops[0].atom == DW_OP_regx)
		return is->kind == KA_RULE_REG && is->reg == ops[0].number;
	if (ops[0].atom != DW_OP_call_frame_cfa)
		return false;
	if (n > 1 && ops[1].atom >= DW_OP_breg0 && ops[1].atom <= DW_OP_breg31)
		return is->kind == KA_RULE_REG_OFFSET && is->reg == ops[1].atom - DW_OP_breg0 && is->n == (int64_t)ops[1].number;
	return is->kind == (ops[n - 1].atom == DW_OP_stack_value ? KA_RULE_VALUE : KA_RULE_CFA_OFFSET) &&
	       is->n == (n > 1 && ops[1].atom == DW_OP_plus_uconst ? (int64_t)ops[1].number : 0);
}

static void check_against_libdw(void)
{
	const struct ka_symtab *t;
	struct ka_object *o;
	size_t compared = 0;
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	elf_version(EV_CURRENT);
	Elf *elf = elf_begin(fd, ELF_C_READ, NULL);
	Dwarf_CFI *cfi = dwarf_getcfi_elf(elf);
	struct ka_error *err = ka_object_open("/proc/self/exe", &o);

	CHECK(!err);
	if (ka_error_drop(err))
		return;
	if (o->e_machine == EM_X86_64 && cfi && !ka_error_drop(ka_object_symtab(o, &t)))
		for (size_t i = 0; i < t->n; i++) {
			const struct ka_elf_symbol *s = &t->at[i];

			if (ELF64_ST_TYPE(s->info) != STT_FUNC || !s->size)
				continue;
			for (uint64_t a = s->addr; a < s->addr + s->size; a += 1 + s->size / 16) {
				struct ka_frame_rules r;
				Dwarf_Frame *frame;
				Dwarf_Op *ops;
				size_t n;

				err = ka_object_cfi(o, a, &r);
				if (dwarf_cfi_addrframe(cfi, a, &frame)) {
					CHECK(err);
					ka_error_free(err);
					continue;
				}
				CHECK(!err || err->code == KA_UNSUPPORTED);
				if (!err && !dwarf_frame_cfa(frame, &ops, &n) && n == 1 && ops[0].atom == DW_OP_bregx) {
					compared++;
					CHECK_INT(r.cfa_reg, ops[0].number);
					CHECK_INT(r.cfa_offset, ops[0].number2);
					for (int reg = 0; reg <= RA; reg++)
						CHECK(same_rule(frame, reg, &r.reg[reg]));
				}
				ka_error_free(err);
				free(frame);
			}
		}
	CHECK(o->e_machine != EM_X86_64 || compared > 500);
	ka_object_close(o);
	dwarf_cfi_end(cfi);
	elf_end(elf);
	close(fd);
}

CHECK_MAIN
{
	dir = dir_make();
	check_made(false);
	check_made(true);
	check_against_libdw();
	dir_remove(dir);
}
