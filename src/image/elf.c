/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ELF vmcores: /proc/vmcore and copies of it, makedumpfile -E, QEMU's dump-guest-memory. PT_LOADs by physical address.
 * What lies behind p_filesz within p_memsz is what makedumpfile left out: EXCLUDED.
 */
#include <elf.h>
#include <endian.h>
#include "flat.h"
#include "image_priv.h"

#define SEGMENTS_MAX (16u << 20)

struct segment {
	uint64_t phys, file_size, mem_size, offset;
	uint64_t max_end;	/* of this and all before it: segments may overlap */
};

/* makedumpfile's mark in e_flags, where the architecture has no flags of its own there. */
enum { DUMP_ELF_INCOMPLETE = 1 };

struct elf {
	uint64_t note_bytes;
	struct segment *at;
	size_t n;
};

static bool elf_probe(const struct ka_file *f)
{
	uint8_t ident[EI_NIDENT + 2];
	uint16_t type;

	if (f->size < sizeof(Elf32_Ehdr) || ka_error_drop(ka_file_read(f, 0, ident, sizeof(ident))) || memcmp(ident, ELFMAG, SELFMAG))
		return false;
	memcpy(&type, ident + EI_NIDENT, 2);
	return (ident[EI_DATA] == ELFDATA2MSB ? be16toh(type) : le16toh(type)) == ET_CORE;
}

static uint64_t get(const struct ka_image *img, const void *p, size_t size)
{
	const uint8_t *b = p;
	uint64_t v = 0;

	for (size_t i = 0; i < size; i++)
		v |= (uint64_t)b[img->info.is_big_endian ? size - 1 - i : i] << (8 * i);
	return v;
}
#define GET(img, s, m) get(img, &(s)->m, sizeof((s)->m))

struct header {
	uint64_t flags, phoff, phnum, phentsize, shoff;
};

static struct ka_error *read_header(struct ka_image *img, struct header *ret)
{
	const struct ka_file *f = img->files[0];
	union { Elf64_Ehdr e64; Elf32_Ehdr e32; } e = { 0 };
	struct ka_error *err = ka_file_read(f, 0, &e, KA_MIN(f->size, (uint64_t)sizeof(e)));

	if (err)
		return err;
	img->info.is_64bit = e.e64.e_ident[EI_CLASS] == ELFCLASS64;
	img->info.is_big_endian = e.e64.e_ident[EI_DATA] == ELFDATA2MSB;
	if (img->info.is_64bit) {
		img->info.e_machine = (uint16_t)GET(img, &e.e64, e_machine);
		*ret = (struct header){ GET(img, &e.e64, e_flags), GET(img, &e.e64, e_phoff), GET(img, &e.e64, e_phnum), GET(img, &e.e64, e_phentsize), GET(img, &e.e64, e_shoff) };
	} else {
		img->info.e_machine = (uint16_t)GET(img, &e.e32, e_machine);
		*ret = (struct header){ GET(img, &e.e32, e_flags), GET(img, &e.e32, e_phoff), GET(img, &e.e32, e_phnum), GET(img, &e.e32, e_phentsize), GET(img, &e.e32, e_shoff) };
	}
	if (ret->phnum == PN_XNUM) {	/* more than 65534: the count is in sh_info of section 0 */
		union { Elf64_Shdr s64; Elf32_Shdr s32; } s;

		err = ka_file_read(f, ret->shoff, &s, img->info.is_64bit ? sizeof(s.s64) : sizeof(s.s32));
		if (err)
			return ka_error_wrap(err, "cannot read the count of program headers");
		ret->phnum = img->info.is_64bit ? GET(img, &s.s64, sh_info) : GET(img, &s.s32, sh_info);
	}
	if (!ret->phnum || ret->phnum > SEGMENTS_MAX || ret->phentsize < (img->info.is_64bit ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr)))
		return ka_error_new(KA_CORRUPT, "%s: %" PRIu64 " program headers of %" PRIu64 " bytes cannot be", f->path, ret->phnum, ret->phentsize);
	return NULL;
}

static void add_notes(struct ka_image *img, uint64_t offset, uint64_t size)
{
	const struct ka_file *f = img->files[0];
	struct elf *e = img->priv;

	if (offset >= f->size) {
		ka_image_warn(img, "the notes (registers, VMCOREINFO) lie behind the end of the file");
		return;
	}
	size = KA_MIN(size, f->size - offset);
	if (size > KA_NOTES_MAX - e->note_bytes) {	/* of all PT_NOTEs together: a thousand may show the same bytes */
		ka_image_warn(img, "only the first %u MB of the notes are read", KA_NOTES_MAX >> 20);
		size = KA_NOTES_MAX - e->note_bytes;
	}
	if (!size)
		return;
	e->note_bytes += size;
	uint8_t *bytes = ka_xalloc(size);
	if (ka_error_drop(ka_file_read(f, offset, bytes, size)))
		free(bytes);
	else
		ka_notes_add(img, bytes, size);
}

static int by_phys(const void *a, const void *b)
{
	const struct segment *x = a, *y = b;

	return x->phys < y->phys ? -1 : x->phys > y->phys;
}

/* The kernel image's own segment tells phys_base where VMCOREINFO does not (before v4.10). */
static void note_phys_base(struct ka_image *img, uint64_t virt, uint64_t phys)
{
	const uint64_t map = 0xffffffff80000000ull;

	if (img->info.e_machine == EM_X86_64 && virt >= map && virt < map + (1ull << 30)) {
		img->info.has_phys_base = true;
		img->info.phys_base = phys - (virt - map);
	}
}

static struct ka_error *elf_open(struct ka_image *img)
{
	const struct ka_file *f = img->files[0];
	struct elf *e = ka_xalloc(sizeof(*e));
	struct header h;
	uint64_t missing = 0, total = 0;
	struct ka_error *err;

	img->priv = e;
	img->info.format = "ELF vmcore";
	err = read_header(img, &h);
	if (err)
		return err;
	if (h.phoff > f->size || h.phnum * h.phentsize > f->size - h.phoff)
		return ka_error_new(KA_TRUNCATED, "%s ends within its %" PRIu64 " program headers", f->path, h.phnum);
	e->at = ka_xalloc(h.phnum * sizeof(*e->at));
	for (uint64_t i = 0; i < h.phnum; i++) {
		union { Elf64_Phdr p64; Elf32_Phdr p32; } p;
		uint64_t type, offset, virt, phys, file_size, mem_size;

		err = ka_file_read(f, h.phoff + i * h.phentsize, &p, img->info.is_64bit ? sizeof(p.p64) : sizeof(p.p32));
		if (err)
			return err;
#define FIELD(m) (img->info.is_64bit ? GET(img, &p.p64, m) : GET(img, &p.p32, m))
		type = FIELD(p_type), offset = FIELD(p_offset), virt = FIELD(p_vaddr), phys = FIELD(p_paddr);
		file_size = FIELD(p_filesz), mem_size = FIELD(p_memsz);
#undef FIELD
		if (type == PT_NOTE)
			add_notes(img, offset, file_size);
		mem_size = KA_MAX(mem_size, file_size);
		/* all ones: no physical address (vmalloc in a copy of /proc/kcore) */
		if (type != PT_LOAD || phys + mem_size < phys || phys == UINT64_MAX || (!img->info.is_64bit && phys == UINT32_MAX))
			continue;
		e->at[e->n++] = (struct segment){ phys, file_size, mem_size, offset, 0 };
		note_phys_base(img, virt, phys);
		img->info.is_partial |= file_size < mem_size;
		img->info.max_pfn = KA_MAX(img->info.max_pfn, (phys + mem_size) >> 12);
		total += file_size;
		if (offset > f->size || file_size > f->size - offset)
			missing += file_size - (offset > f->size ? 0 : KA_MIN(file_size, f->size - offset));
	}
	if (ka_image_find_note(img, "CORE", NT_AUXV, 0))
		return ka_error_new(KA_FORMAT, "%s is the core of a user process, not of a kernel: gdb reads it", f->path);
	if (!e->n)
		return ka_error_new(KA_FORMAT, "%s is an ELF core without memory (no PT_LOAD); if it is of Xen's dump-core, crash reads it", f->path);
	if (h.flags & DUMP_ELF_INCOMPLETE && (img->info.e_machine == EM_X86_64 || img->info.e_machine == EM_AARCH64 || img->info.e_machine == EM_S390 ||
					      img->info.e_machine == EM_386)) {
		img->info.is_partial = img->info.is_incomplete = true;
		ka_image_warn(img, "makedumpfile says that this dump is incomplete: its writing was broken off");
	}
	if (missing) {
		img->info.is_partial = img->info.is_incomplete = true;
		ka_image_warn(img, "%s is cut: %" PRIu64 " of %" PRIu64 " MB of memory are missing", f->path, missing >> 20, total >> 20);
	}
	qsort(e->at, e->n, sizeof(*e->at), by_phys);
	for (size_t i = 0; i < e->n; i++)
		e->at[i].max_end = KA_MAX(e->at[i].phys + e->at[i].mem_size, i ? e->at[i - 1].max_end : 0);
	return NULL;
}

/* The segment that has the address in the file, else one that has it in memory only, else NULL. */
static const struct segment *find(const struct elf *e, uint64_t phys)
{
	const struct segment *without = NULL;
	size_t lo = 0, hi = e->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (e->at[mid].phys <= phys)
			lo = mid + 1;
		else
			hi = mid;
	}
	while (lo-- > 0 && e->at[lo].max_end > phys) {
		const struct segment *s = &e->at[lo];

		if (phys - s->phys < s->file_size)
			return s;
		if (phys - s->phys < s->mem_size)
			without = s;
	}
	return without;
}

/* Index of the first segment that begins at phys or behind it. */
static size_t first_from(const struct elf *e, uint64_t phys)
{
	size_t lo = 0, hi = e->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (e->at[mid].phys < phys)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static const uint8_t *elf_map(struct ka_image *img, uint64_t phys, uint64_t *ret_size)
{
	const struct ka_file *f = img->files[0];
	const struct segment *s = f->raw_map && !ka_file_is_broken(f) ? find(img->priv, phys) : NULL;

	if (!s || phys - s->phys >= s->file_size)
		return NULL;
	uint64_t offset = s->offset + (phys - s->phys);
	if (offset < s->offset || offset >= f->size)
		return NULL;
	*ret_size = KA_MIN(s->file_size - (phys - s->phys), f->size - offset);
	return f->flat ? ka_flat_map(f, offset, ret_size) : f->map + offset;
}

/* A page may be put together of several segments, and segments need not be page-aligned. */
static struct ka_error *elf_read_page(struct ka_image *img, uint64_t phys, void *buf)
{
	for (uint64_t done = 0; done < 4096;) {
		uint64_t at = phys + done, in, n;
		const struct segment *s = find(img->priv, at);
		struct ka_error *err;

		if (!s)
			return ka_error_at(KA_UNMAPPED, KA_SPACE_PHYS, at, "the dump has no memory at physical 0x%" PRIx64, at);
		in = at - s->phys;
		if (in >= s->file_size)
			return ka_error_at(KA_EXCLUDED, KA_SPACE_PHYS, at, "physical 0x%" PRIx64 " was left out of the dump by makedumpfile", at);
		n = KA_MIN(4096 - done, s->file_size - in);
		err = ka_file_read(img->files[0], s->offset + in, (uint8_t *)buf + done, n);
		if (err) {
			err->space = KA_SPACE_PHYS;
			err->addr = at;
			return ka_error_wrap(err, "physical 0x%" PRIx64, at);
		}
		done += n;
	}
	return NULL;
}

static bool elf_next_range(struct ka_image *img, uint64_t phys, uint64_t *ret_start, uint64_t *ret_end)
{
	const struct elf *e = img->priv;
	const struct segment *s = find(e, phys);

	if (!s || phys - s->phys >= s->file_size) {
		size_t i = first_from(e, phys);

		for (s = NULL; i < e->n && !s; i++)
			if (e->at[i].file_size)
				s = &e->at[i];
		if (!s)
			return false;
	}
	*ret_start = KA_MAX(phys, s->phys);
	*ret_end = s->phys + s->file_size;
	return true;
}

static void elf_close(struct ka_image *img)
{
	struct elf *e = img->priv;

	if (e)
		free(e->at);
	free(e);
}

const struct ka_image_ops ka_image_elf = {
	.name = "ELF vmcore",
	.probe = elf_probe,
	.open = elf_open,
	.read_page = elf_read_page,
	.map = elf_map,
	.next_range = elf_next_range,
	.close = elf_close,
};
