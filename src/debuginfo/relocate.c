/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Relocation of a module's (ET_REL) debugging sections, against the layout of ka_object_base(). */
#include "object.h"

enum op { OP_NONE, OP_SET, OP_PC, OP_ADD, OP_SUB, OP_SET6, OP_SUB6 };

/* The kinds that assemblers put into .debug_* and .eh_frame; numbers from each psABI. */
static const struct reloc_kind {
	uint16_t machine;
	uint8_t size;
	uint16_t type;
	enum op op;
} kinds[] = {
#define R(m, t, s, o) { .machine = m, .type = t, .size = s, .op = o }
	R(EM_X86_64, 0, 0, OP_NONE), R(EM_X86_64, 1, 8, OP_SET), R(EM_X86_64, 10, 4, OP_SET),
	R(EM_X86_64, 11, 4, OP_SET), R(EM_X86_64, 2, 4, OP_PC), R(EM_X86_64, 24, 8, OP_PC),
	R(EM_X86_64, 4, 4, OP_PC),
	R(EM_386, 0, 0, OP_NONE), R(EM_386, 1, 4, OP_SET), R(EM_386, 2, 4, OP_PC),
	R(EM_AARCH64, 0, 0, OP_NONE), R(EM_AARCH64, 256, 0, OP_NONE), R(EM_AARCH64, 257, 8, OP_SET),
	R(EM_AARCH64, 258, 4, OP_SET), R(EM_AARCH64, 259, 2, OP_SET), R(EM_AARCH64, 260, 8, OP_PC),
	R(EM_AARCH64, 261, 4, OP_PC),
	R(EM_ARM, 0, 0, OP_NONE), R(EM_ARM, 2, 4, OP_SET), R(EM_ARM, 3, 4, OP_PC),
	R(EM_S390, 0, 0, OP_NONE), R(EM_S390, 4, 4, OP_SET), R(EM_S390, 22, 8, OP_SET),
	R(EM_S390, 5, 4, OP_PC), R(EM_S390, 23, 8, OP_PC),
	R(EM_PPC64, 0, 0, OP_NONE), R(EM_PPC64, 1, 4, OP_SET), R(EM_PPC64, 38, 8, OP_SET),
	R(EM_PPC64, 26, 4, OP_PC), R(EM_PPC64, 44, 8, OP_PC),
	R(EM_PPC, 0, 0, OP_NONE), R(EM_PPC, 1, 4, OP_SET), R(EM_PPC, 26, 4, OP_PC),
	R(EM_RISCV, 0, 0, OP_NONE), R(EM_RISCV, 1, 4, OP_SET), R(EM_RISCV, 2, 8, OP_SET),
	R(EM_RISCV, 33, 1, OP_ADD), R(EM_RISCV, 34, 2, OP_ADD), R(EM_RISCV, 35, 4, OP_ADD),
	R(EM_RISCV, 36, 8, OP_ADD), R(EM_RISCV, 37, 1, OP_SUB), R(EM_RISCV, 38, 2, OP_SUB),
	R(EM_RISCV, 39, 4, OP_SUB), R(EM_RISCV, 40, 8, OP_SUB), R(EM_RISCV, 52, 1, OP_SUB6),
	R(EM_RISCV, 53, 1, OP_SET6), R(EM_RISCV, 54, 1, OP_SET), R(EM_RISCV, 55, 2, OP_SET),
	R(EM_RISCV, 56, 4, OP_SET), R(EM_RISCV, 57, 4, OP_PC),
	/* LoongArch; not in every elf.h */
	R(258, 0, 0, OP_NONE), R(258, 1, 4, OP_SET), R(258, 2, 8, OP_SET), R(258, 47, 1, OP_ADD),
	R(258, 48, 2, OP_ADD), R(258, 50, 4, OP_ADD), R(258, 51, 8, OP_ADD), R(258, 52, 1, OP_SUB),
	R(258, 53, 2, OP_SUB), R(258, 55, 4, OP_SUB), R(258, 56, 8, OP_SUB), R(258, 99, 4, OP_PC),
#undef R
};

static const struct reloc_kind *kind_of(uint16_t machine, uint32_t type)
{
	for (size_t i = 0; i < KA_COUNT(kinds); i++)
		if (kinds[i].machine == machine && kinds[i].type == type)
			return &kinds[i];
	return NULL;
}

static void put(const struct ka_object *o, uint8_t *at, uint64_t value, size_t size)
{
	for (size_t i = 0; i < size; i++)
		at[o->is_big_endian ? size - 1 - i : i] = (uint8_t)(value >> (8 * i));
}

static void apply(const struct ka_object *o, const struct reloc_kind *k, uint8_t *at, uint64_t value, uint64_t place)
{
	uint64_t old = k->size ? ka_object_uint(o, at, k->size) : 0;

	switch (k->op) {
	case OP_NONE:
		return;
	case OP_SET:
		return put(o, at, value, k->size);
	case OP_PC:
		return put(o, at, value - place, k->size);
	case OP_ADD:
		return put(o, at, old + value, k->size);
	case OP_SUB:
		return put(o, at, old - value, k->size);
	case OP_SET6:	/* the low six bits: DW_CFA_advance_loc's operand */
		*at = (uint8_t)((*at & 0xc0) | (value & 0x3f));
		return;
	case OP_SUB6:
		*at = (uint8_t)((*at & 0xc0) | ((*at - value) & 0x3f));
		return;
	}
}

struct symbols {
	const uint8_t *at;
	size_t count, entry;
	const uint8_t *shndx;
	size_t shndx_count;
};

/* Where a symbol lies in the layout. */
static bool symbol_value(struct ka_object *o, const struct symbols *s, uint64_t index, uint64_t *ret)
{
	if (index >= s->count)
		return false;
	const uint8_t *e = s->at + index * s->entry;
	uint32_t section = (uint32_t)ka_object_uint(
		o, e + (o->is_64bit ? offsetof(Elf64_Sym, st_shndx) : offsetof(Elf32_Sym, st_shndx)), 2);
	uint64_t value = o->is_64bit ? ka_object_uint(o, e + offsetof(Elf64_Sym, st_value), 8)
				     : ka_object_uint(o, e + offsetof(Elf32_Sym, st_value), 4);

	if (section == SHN_XINDEX && index < s->shndx_count)
		section = (uint32_t)ka_object_uint(o, s->shndx + index * 4, 4);
	*ret = section < SHN_LORESERVE || section > 0xffff ? value + ka_object_base(o, section) : value;
	return true;
}

/* One relocation section over the bytes of its target. What points outside is damage; it is counted and left out. */
static struct ka_error *relocate_by(struct ka_object *o, const struct ka_section *r, uint64_t place, uint8_t *bytes,
				    size_t size)
{
	bool is_rela = r->type == SHT_RELA;
	size_t entry = o->is_64bit ? (is_rela ? sizeof(Elf64_Rela) : sizeof(Elf64_Rel))
				   : (is_rela ? sizeof(Elf32_Rela) : sizeof(Elf32_Rel));
	size_t rel_size, sym_size, shndx_size = 0, bad = 0;
	struct symbols syms = { .entry = o->is_64bit ? sizeof(Elf64_Sym) : sizeof(Elf32_Sym) };
	const uint8_t *rel;
	struct ka_error *err = ka_object_content(o, r, &rel, &rel_size);

	if (err)
		return err;
	if (!r->link || r->link >= o->section_count)
		return ka_error_new(KA_CORRUPT, "%s: %s has no symbol table", o->path, r->name);
	err = ka_object_content(o, &o->sections[r->link], &syms.at, &sym_size);
	if (err)
		return err;
	syms.count = sym_size / syms.entry;
	for (size_t i = 1; i < o->section_count; i++)
		if (o->sections[i].type == SHT_SYMTAB_SHNDX && o->sections[i].link == r->link &&
		    !ka_error_drop(ka_object_content(o, &o->sections[i], &syms.shndx, &shndx_size)))
			syms.shndx_count = shndx_size / 4;

	for (size_t i = 0; i < rel_size / entry; i++) {
		const uint8_t *e = rel + i * entry;
		uint64_t offset, info, index, value;
		int64_t addend = 0;
		uint32_t type;

		if (o->is_64bit) {
			offset = ka_object_uint(o, e, 8);
			info = ka_object_uint(o, e + 8, 8);
			type = (uint32_t)info;
			index = info >> 32;
			if (is_rela)
				addend = (int64_t)ka_object_uint(o, e + 16, 8);
		} else {
			offset = ka_object_uint(o, e, 4);
			info = ka_object_uint(o, e + 4, 4);
			type = info & 0xff;
			index = info >> 8;
			if (is_rela)
				addend = (int32_t)ka_object_uint(o, e + 8, 4);
		}
		const struct reloc_kind *k = kind_of(o->e_machine, type);

		if (!k)
			return ka_error_new(KA_UNSUPPORTED,
					    "%s: %s has relocations of kind %u, which kanalyze does not know for "
					    "machine %u",
					    o->path, r->name, type, o->e_machine);
		if (offset > size || k->size > size - offset || !symbol_value(o, &syms, index, &value)) {
			bad++;
			continue;
		}
		if (!is_rela && k->size)
			addend = (int64_t)ka_object_uint(o, bytes + offset, k->size);
		apply(o, k, bytes + offset, value + (uint64_t)addend, place + offset);
	}
	if (bad)
		ka_log(1, "%s: %zu relocations of %s point nowhere", o->path, bad, r->name);
	return NULL;
}

struct ka_error *ka_object_relocate(struct ka_object *o, const struct ka_section *s, uint8_t *bytes, size_t size)
{
	if (o->e_type != ET_REL)
		return NULL;
	for (size_t i = 1; i < o->section_count; i++) {
		const struct ka_section *r = &o->sections[i];

		if ((r->type != SHT_RELA && r->type != SHT_REL) || r->info != s->index)
			continue;
		struct ka_error *err = relocate_by(o, r, ka_object_base(o, s->index), bytes, size);

		if (err)
			return ka_error_wrap(err, "%s: section %s cannot be relocated", o->path, s->name);
	}
	return NULL;
}
