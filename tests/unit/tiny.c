/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See tiny.h. */
#include <lzma.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>
#include "elf_file.h"
#include "tiny.h"

#define TABLES 0x100000ull			/* physical: page tables are made here and behind */
#define FREE 0x2000000ull			/* physical: what tiny_alloc() gives out, from 32 MB on */
#define CORE_BASE 0x10000ull			/* in the vmcore: where physical 0 lies */

static const struct tiny_symbol layout_symbols[] = {
	{ "_text", TINY_TEXT, 0, 'T' }, { "_stext", TINY_TEXT, 0, 'T' }, { "_etext", TINY_TEXT_END, 0, 'T' },
	{ "_end", TINY_DATA + (2 << 20), 0, 'D' }, { "init_top_pgt", TINY_IMAGE + TABLES, 4096, 'D' },
};

static int memory_file(const char *name, const void *bytes, size_t size, uint64_t all)
{
	int fd = memfd_create(name, 0);

	if (fd < 0 || ftruncate(fd, (off_t)all) || (size && pwrite(fd, bytes, size, 0) != (ssize_t)size)) {
		perror(name);
		exit(1);
	}
	return fd;
}

/* Sections: 1 .text, 2 .data, 3 .data..percpu */
static int vmlinux_make(const struct tiny_options *o)
{
	static uint8_t byte[8];
	struct elf_file f = { .type = ET_EXEC, .machine = o->is_aarch64 ? EM_AARCH64 : EM_X86_64 };
	struct ka_str names = { 0 }, symbols = { 0 };
	size_t size, count = 0;
	unsigned s;
	uint8_t *all;
	int fd;

	while (o->symbols && o->symbols[count].name)
		count++;
	elf_add(&f, ".text", SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR, TINY_TEXT, byte, 8);
	elf_add(&f, ".data", SHT_PROGBITS, SHF_ALLOC | SHF_WRITE, TINY_DATA, byte, 8);
	elf_add(&f, ".data..percpu", SHT_PROGBITS, SHF_ALLOC | SHF_WRITE, 0, byte, 8);
	ka_str_addc(&names, 0);
	ka_str_addn(&symbols, (uint8_t[sizeof(Elf64_Sym)]){ 0 }, sizeof(Elf64_Sym));
	for (size_t i = 0; i < count + KA_COUNT(layout_symbols); i++) {
		const struct tiny_symbol *y = i < count ? &o->symbols[i] : &layout_symbols[i - count];
		uint8_t sym[sizeof(Elf64_Sym)] = { 0 };

		elf_symbol(&f, sym, (uint32_t)names.len, y->addr, y->size,
			   ELF64_ST_INFO(STB_GLOBAL, y->type == 'T' ? STT_FUNC : STT_OBJECT), y->type == 'T' ? 1 : y->type == 'P' ? 3 : 2);
		ka_str_addn(&symbols, sym, sizeof(sym));
		ka_str_addn(&names, y->name, strlen(y->name) + 1);
	}
	s = elf_add(&f, ".symtab", SHT_SYMTAB, 0, 0, symbols.p, symbols.len);
	f.sections[s - 1].link = elf_add(&f, ".strtab", SHT_STRTAB, 0, 0, names.p, names.len);
	if (o->btf)
		elf_add(&f, ".BTF", SHT_PROGBITS, SHF_ALLOC, TINY_DATA + (1 << 20), o->btf, o->btf_size);
	all = elf_bytes(&f, &size);
	fd = memory_file("vmlinux", all, size, size);
	free(all);
	ka_str_free(&names);
	ka_str_free(&symbols);
	return fd;
}

static void segment(uint8_t *at, size_t n, uint64_t start, uint64_t end, bool is_excluded)
{
	Elf64_Phdr p = { .p_type = PT_LOAD, .p_offset = CORE_BASE + start, .p_paddr = start,
			 .p_filesz = is_excluded ? 0 : end - start, .p_memsz = end - start };

	memcpy(at + sizeof(Elf64_Ehdr) + n * sizeof(p), &p, sizeof(p));
}

static int core_make(const struct tiny_options *o)
{
	static const char name[12] = "VMCOREINFO";
	uint8_t *head = calloc(1, CORE_BASE);
	char *info = ka_xprintf("OSRELEASE=0.0.0-tiny\nPAGESIZE=4096\nKERNELOFFSET=0\n%s\nSYMBOL(swapper_pg_dir)=%llx\n%s",
				o->is_aarch64 ? "NUMBER(VA_BITS)=48\nNUMBER(PHYS_OFFSET)=0x0\nNUMBER(kimage_voffset)=0xffffffff80000000" :
						"NUMBER(phys_base)=0",
				TINY_IMAGE + TABLES, o->vmcoreinfo ? o->vmcoreinfo : "");
	Elf64_Ehdr e = { .e_type = ET_CORE, .e_machine = o->is_aarch64 ? EM_AARCH64 : EM_X86_64, .e_version = 1, .e_phoff = sizeof(e), .e_ehsize = sizeof(e),
			 .e_phentsize = sizeof(Elf64_Phdr) };
	Elf64_Nhdr note = { 11, (uint32_t)strlen(info), 0 };
	Elf64_Phdr p = { .p_type = PT_NOTE, .p_offset = 0x8000, .p_filesz = sizeof(note) + 12 + ((note.n_descsz + 3) & ~3u) };
	uint64_t at = 0;
	size_t n = 1;
	int fd;

	memcpy(e.e_ident, ELFMAG "\2\1\1", 7);
	memcpy(head + sizeof(e), &p, sizeof(p));
	memcpy(head + 0x8000, &note, sizeof(note));
	memcpy(head + 0x8000 + sizeof(note), name, 12);
	memcpy(head + 0x8000 + sizeof(note) + 12, info, strlen(info));
	for (size_t i = 0; i <= o->hole_count; i++) {
		const struct tiny_hole *h = i < o->hole_count ? &o->holes[i] : &(struct tiny_hole){ TINY_MEMORY, TINY_MEMORY, false };

		if (h->start > at)
			segment(head, n++, at, h->start, false);
		if (h->is_excluded)
			segment(head, n++, h->start, h->end, true);
		at = h->end;
	}
	e.e_phnum = (Elf64_Half)n;
	memcpy(head, &e, sizeof(e));
	fd = memory_file("vmcore", head, CORE_BASE, CORE_BASE + TINY_MEMORY);
	free(head);
	free(info);
	return fd;
}

void tiny_open(struct tiny *t, const struct tiny_options *o)
{
	char vmlinux[64], core[64];
	const char *const paths[] = { vmlinux, core, NULL };
	struct ka_open_options open = { .paths = o->is_minimal ? paths + 1 : paths, .is_minimal = o->is_minimal };
	struct ka_error *err;

	memset(t, 0, sizeof(*t));
	t->vmlinux_fd = vmlinux_make(o);
	t->core_fd = core_make(o);
	t->core_size = CORE_BASE + TINY_MEMORY;
	t->core = mmap(NULL, t->core_size, PROT_READ | PROT_WRITE, MAP_SHARED, t->core_fd, 0);
	if (t->core == MAP_FAILED) {
		perror("mmap");
		exit(1);
	}
	t->memory = (uint8_t *)t->core + CORE_BASE;
	t->direct = o->is_aarch64 ? TINY_DIRECT_AARCH64 : TINY_DIRECT;
	t->next_table = TABLES + 4096;
	t->next_free = FREE;
	memset(t->memory + tiny_phys(TINY_TEXT), 0xcc, TINY_TEXT_END - TINY_TEXT);
	for (uint64_t at = 0; at < TINY_MEMORY && !o->is_aarch64; at += 2 << 20)
		tiny_map(t, TINY_DIRECT + at, at, 2 << 20);
	if (o->prepare)
		o->prepare(t);
	snprintf(vmlinux, sizeof(vmlinux), "/proc/self/fd/%d", t->vmlinux_fd);
	snprintf(core, sizeof(core), "/proc/self/fd/%d", t->core_fd);
	err = ka_kernel_open(&open, &t->k);
	if (err) {
		fprintf(stderr, "tiny_open: %s\n", err->message);
		exit(1);
	}
	t->k->is_big_endian = o->is_big_endian;
}

void tiny_close(struct tiny *t)
{
	ka_kernel_close(t->k);
	munmap(t->core, t->core_size);
	close(t->vmlinux_fd);
	close(t->core_fd);
}

ka_addr tiny_alloc(struct tiny *t, uint64_t size, uint64_t align)
{
	uint64_t at = (t->next_free + align - 1) / align * align;

	t->next_free = at + size;
	if (t->next_free > TINY_MEMORY) {
		fprintf(stderr, "tiny_alloc: no memory left\n");
		exit(1);
	}
	return t->direct + at;
}

uint64_t tiny_phys(ka_addr at)
{
	return at >= TINY_IMAGE ? at - TINY_IMAGE : at >= TINY_DIRECT ? at - TINY_DIRECT : at - TINY_DIRECT_AARCH64;
}

/* Where a byte lies in memory, also of what tiny_map() mapped. */
static uint8_t *place(struct tiny *t, ka_addr at)
{
	uint64_t table = TABLES;

	for (int level = 3; level >= 0; level--) {
		uint64_t entry, size = 1ull << (12 + 9 * level);

		if (at >= TINY_IMAGE || t->direct != TINY_DIRECT)
			return t->memory + tiny_phys(at);
		memcpy(&entry, t->memory + table + (at >> (12 + 9 * level) & 511) * 8, 8);
		if (!(entry & 1))
			break;
		table = entry & 0xffffffffff000;
		if (!level || entry & 0x80)
			return t->memory + (table & ~(size - 1)) + (at & (size - 1));
	}
	fprintf(stderr, "tiny: 0x%llx is not mapped\n", (unsigned long long)at);
	exit(1);
}

void tiny_put_bytes(struct tiny *t, ka_addr at, const void *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		*place(t, at + i) = ((const uint8_t *)bytes)[i];
}

void tiny_put(struct tiny *t, ka_addr at, uint64_t value, unsigned size)
{
	for (unsigned i = 0; i < size; i++)
		*place(t, at + i) = (uint8_t)(value >> 8 * (t->k && t->k->is_big_endian ? size - 1 - i : i));
}

void tiny_map(struct tiny *t, uint64_t virt, uint64_t phys, uint64_t size)
{
	uint64_t table = TABLES, entry;

	for (int level = 3;; level--) {
		uint8_t *slot = t->memory + table + (virt >> (12 + 9 * level) & 511) * 8;

		if (size == 1ull << (12 + 9 * level)) {
			entry = phys | (level ? 0xe3 : 0x63);
			memcpy(slot, &entry, 8);
			return;
		}
		memcpy(&entry, slot, 8);
		if (!(entry & 1)) {
			entry = t->next_table | 0x63;
			t->next_table += 4096;
			memcpy(slot, &entry, 8);
		}
		table = entry & 0xffffffffff000;
	}
}

static void write_bits(struct tiny *t, ka_addr at, const struct ka_member *m, uint64_t value)
{
	uint64_t first = m->offset * 8 + m->bit_offset;

	/* counted from the lowest bit of the lowest byte, or from the highest of it */
	for (uint64_t i = 0; i < m->bit_size; i++) {
		uint64_t bit = first + i;
		unsigned shift = t->k->is_big_endian ? 7 - bit % 8 : bit % 8;
		uint8_t *byte = place(t, at + bit / 8);
		bool is_set = value >> (t->k->is_big_endian ? m->bit_size - 1 - i : i) & 1;

		*byte = (uint8_t)((*byte & ~(1u << shift)) | (unsigned)is_set << shift);
	}
}

void tiny_view_write(struct tiny *t, const struct ka_view *v, ka_addr at, const void *host)
{
	for (uint32_t i = 0; i < v->field_count; i++) {
		const struct ka_field *f = &v->fields[i];
		const uint8_t *from = (const uint8_t *)host + f->offset;
		const char *type, *path = ka_view_won(t->k, v, i, &type);
		struct ka_member m;
		uint64_t value = 0;

		if (!path || f->kind == KA_FIELD_AT || f->kind == KA_FIELD_SIZE || ka_error_drop(ka_type_member(t->k, type, path, &m)))
			continue;
		if (f->kind == KA_FIELD_BYTES) {
			tiny_put_bytes(t, at + m.offset, from, KA_MIN(m.size, (uint64_t)f->size));
			continue;
		}
		memcpy(&value, from, KA_MIN(f->size, sizeof(value)));
		if (f->kind == KA_FIELD_INT && f->size < 8 && value >> (8 * f->size - 1) & 1)
			value |= ~0ull << 8 * f->size;
		if (m.bit_size)
			write_bits(t, at, &m, value);
		else
			tiny_put(t, at + m.offset, value, (unsigned)m.size);
	}
}

uint8_t *tiny_btf_load(const char *name, size_t *ret_size)
{
	char *path = ka_xprintf("%s/testdata/types/%s.btf.xz", getenv("KA_SOURCE") ? getenv("KA_SOURCE") : ".", name);
	uint64_t limit = 256 << 20;
	size_t in_at = 0, max = 32 << 20, n;
	FILE *f = fopen(path, "r");
	uint8_t *packed, *ret;

	free(path);
	if (!f)
		return NULL;
	packed = malloc(8 << 20);
	n = fread(packed, 1, 8 << 20, f);
	fclose(f);
	ret = malloc(max);
	*ret_size = 0;
	if (lzma_stream_buffer_decode(&limit, 0, NULL, packed, &in_at, n, ret, ret_size, max) != LZMA_OK) {
		free(ret);
		ret = NULL;
	}
	free(packed);
	return ret;
}
