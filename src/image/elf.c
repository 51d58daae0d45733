/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ELF vmcores: /proc/vmcore and copies of it, makedumpfile -E, QEMU's dump-guest-memory. PT_LOADs by physical address.
 * What lies behind p_filesz within p_memsz is what makedumpfile left out: EXCLUDED. /proc/kcore, and copies of it.
 */
#include <elf.h>
#include <endian.h>
#include "flat.h"
#include "image_priv.h"

#define SEGMENTS_MAX (16u << 20)

/* makedumpfile's mark in e_flags, where the architecture has no flags of its own there. */
enum { DUMP_ELF_INCOMPLETE = 1 };

/* A PT_LOAD as it stands there. */
struct segment {
	uint64_t virt, phys, file_size, mem_size, offset;
};

struct segments {
	KA_VEC(struct segment);
	uint64_t note_bytes;
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
	if (ret->phnum == PN_XNUM && ret->shoff) {	/* more than 65534: the count is in sh_info of section 0 */
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

static void add_notes(struct ka_image *img, struct segments *e, uint64_t offset, uint64_t size)
{
	const struct ka_file *f = img->files[0];

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

/* The kernel image's own segment tells phys_base where VMCOREINFO does not (before v4.10). */
static void note_phys_base(struct ka_image *img, uint64_t virt, uint64_t phys)
{
	const uint64_t map = 0xffffffff80000000ull;

	if (img->info.e_machine == EM_X86_64 && virt >= map && virt < map + (1ull << 30)) {
		img->info.has_phys_base = true;
		img->info.phys_base = phys - (virt - map);
	}
}

/* All PT_LOADs and notes, as far as the file has their headers. */
static struct ka_error *read_segments(struct ka_image *img, const struct header *h, struct segments *ret)
{
	const struct ka_file *f = img->files[0];
	uint64_t count = h->phoff >= f->size ? 0 : KA_MIN(h->phnum, (f->size - h->phoff) / h->phentsize);

	if (!count)
		return ka_error_new(KA_TRUNCATED, "%s ends before its %" PRIu64 " program headers, which are at 0x%" PRIx64, f->path, h->phnum, h->phoff);
	if (count < h->phnum) {
		img->info.is_partial = img->info.is_incomplete = true;
		ka_image_warn(img, "%s is cut within its program headers: of %" PRIu64 " there are %" PRIu64, f->path, h->phnum, count);
	}
	for (uint64_t i = 0; i < count; i++) {
		union { Elf64_Phdr p64; Elf32_Phdr p32; } p;
		struct ka_error *err = ka_file_read(f, h->phoff + i * h->phentsize, &p, img->info.is_64bit ? sizeof(p.p64) : sizeof(p.p32));
		struct segment s;
		uint64_t type;

		if (err)
			return err;
		if (!(i % 65536) && ka_interrupted())
			return ka_error_new(KA_INTERRUPTED, "interrupted");
#define FIELD(m) (img->info.is_64bit ? GET(img, &p.p64, m) : GET(img, &p.p32, m))
		type = FIELD(p_type);
		s = (struct segment){ FIELD(p_vaddr), FIELD(p_paddr), FIELD(p_filesz), FIELD(p_memsz), FIELD(p_offset) };
#undef FIELD
		if (type == PT_NOTE)
			add_notes(img, ret, s.offset, s.file_size);
		s.mem_size = KA_MAX(s.mem_size, s.file_size);
		if (!img->info.is_64bit && s.phys == UINT32_MAX)
			s.phys = UINT64_MAX;
		if (type == PT_LOAD && s.mem_size && s.offset + s.mem_size >= s.offset && s.virt + (s.mem_size - 1) >= s.virt)
			ka_vec_push(ret, s);
	}
	return NULL;
}

/*
 * Copies of /proc/kcore of kernels before 464920104bf7 (v4.11) have no physical addresses: all are 0, or all ones. What is
 * needed of the memory is in the direct map, which is below the vmalloc area, and starts at a multiple of 1 GB (the first page
 * of memory is never a range of its own). False: they cannot be had in this way.
 */
static bool phys_from_virt(struct ka_image *img, struct segments *segments)
{
	uint64_t vmalloc = UINT64_MAX, first = UINT64_MAX;

	for (size_t i = 0; i < segments->n; i++) {
		const struct segment *s = &segments->at[i];

		if (s->virt >> 63 && s->mem_size >= 1ull << 44)	/* its segment is as large as the whole area */
			vmalloc = KA_MIN(vmalloc, s->virt);
	}
	if (vmalloc == UINT64_MAX)
		vmalloc = 0xffffc90000000000ull;
	for (size_t i = 0; i < segments->n; i++)
		if (segments->at[i].virt >> 63 && segments->at[i].virt < vmalloc)
			first = KA_MIN(first, segments->at[i].virt);
	if (img->info.e_machine != EM_X86_64 || first == UINT64_MAX)
		return false;
	first &= ~((1ull << 30) - 1);
	for (size_t i = 0; i < segments->n; i++) {
		struct segment *s = &segments->at[i];

		s->phys = s->virt >= first && s->virt < vmalloc ? s->virt - first : UINT64_MAX;
	}
	ka_log(1, "the program headers have no physical addresses: the direct map is taken to start at 0x%" PRIx64, first);
	return true;
}

static bool has_no_phys(const struct segments *segments)
{
	bool has_virt = false;

	for (size_t i = 0; i < segments->n; i++) {
		if (segments->at[i].phys != segments->at[0].phys)
			return false;
		has_virt |= segments->at[i].virt >> 63;
	}
	return segments->n && has_virt && (!segments->at[0].phys || segments->at[0].phys == UINT64_MAX);
}

static void add_extents(struct ka_image *img, const struct segments *segments, struct ka_extents *ret)
{
	const struct ka_file *f = img->files[0];
	uint64_t missing = 0, total = 0;

	for (size_t i = 0; i < segments->n; i++) {
		const struct segment *s = &segments->at[i];

		/* all ones: no physical address (vmalloc in /proc/kcore and its copies) */
		if (s->phys == UINT64_MAX || s->phys + s->mem_size < s->phys)
			continue;
		ka_extents_add(ret, f, 0, s->phys, s->offset, s->file_size, s->mem_size);
		note_phys_base(img, s->virt, s->phys);
		img->info.is_partial |= s->file_size < s->mem_size;
		img->info.max_pfn = KA_MAX(img->info.max_pfn, (s->phys + s->mem_size) >> 12);
		total += s->file_size;
		if (s->offset > f->size || s->file_size > f->size - s->offset)
			missing += s->file_size - (s->offset > f->size ? 0 : KA_MIN(s->file_size, f->size - s->offset));
	}
	if (missing) {
		img->info.is_partial = img->info.is_incomplete = true;
		ka_image_warn(img, "%s is cut: 0x%" PRIx64 " bytes (%" PRIu64 " of %" PRIu64 " MB) of memory are missing", f->path, missing,
			      (missing + (1 << 20) - 1) >> 20, total >> 20);
	}
	ka_extents_settle(ret);
}

/* What is an ELF core and not the memory of a Linux kernel on this processor. */
static struct ka_error *refuse(const struct ka_image *img)
{
	const char *path = img->files[0]->path;

	if (ka_image_find_note(img, "CORE", NT_AUXV, 0) || ka_image_find_note(img, "CORE", NT_FILE, 0))
		return ka_error_new(KA_FORMAT, "%s is the core of a user process, not of a kernel: gdb reads it", path);
	for (size_t i = 0; i < img->note_count; i++) {
		const struct ka_note *n = &img->notes[i];

		/* XEN_ELFNOTE_DUMPCORE_*: pages by pseudo-physical numbers in sections; XEN_ELFNOTE_CRASH_*: machine addresses */
		if (!strcmp(n->name, "Xen") && n->type >= 0x2000000)
			return ka_error_new(KA_UNSUPPORTED, "%s is a dump of a Xen domain (xl dump-core), which is not supported: crash reads it", path);
		if (!strcmp(n->name, "Xen") || !strcmp(n->name, "VMCOREINFO_XEN"))
			return ka_error_new(KA_UNSUPPORTED, "%s is a dump of a machine that ran under the Xen hypervisor, which is not supported: crash reads it",
					    path);
	}
	return NULL;
}

/*
 * kexec --elf32-core-headers writes ELF32 and EM_386 for 64-bit kernels below 4 GB, too: addresses in VMCOREINFO have 16 digits
 * then, and the CPUs' notes the size of the 64-bit ones.
 */
static void settle_machine(struct ka_image *img)
{
	const struct ka_note *n = ka_image_prstatus(img, 0);
	char text[32];

	if (img->info.is_64bit || img->info.e_machine != EM_386)
		return;
	if (ka_image_vmcoreinfo(img, "SYMBOL(swapper_pg_dir)", text, sizeof(text)) || ka_image_vmcoreinfo(img, "SYMBOL(_stext)", text, sizeof(text)) ||
	    ka_image_vmcoreinfo(img, "SYMBOL(init_uts_ns)", text, sizeof(text)) ? strlen(text) == 16 : n && n->size == 336) {
		img->info.e_machine = EM_X86_64;
		img->info.is_64bit = true;
	}
}

static struct ka_error *elf_open(struct ka_image *img)
{
	const struct ka_file *f = img->files[0];
	struct ka_extents *x = ka_xalloc(sizeof(*x));
	struct segments segments = { 0 };
	struct header h = { 0 };
	struct ka_error *err;

	img->priv = x;
	img->info.format = f->is_live ? "live memory" : "ELF vmcore";
	img->info.is_live = f->is_live;
	err = read_header(img, &h);
	if (!err)
		err = read_segments(img, &h, &segments);
	if (!err)
		err = refuse(img);
	settle_machine(img);
	if (!err && has_no_phys(&segments) && !phys_from_virt(img, &segments))
		err = ka_error_new(KA_UNSUPPORTED, "the program headers of %s have no physical addresses (a copy of /proc/kcore of a kernel before 4.11)",
				   f->path);
	if (!err) {
		add_extents(img, &segments, x);
		if (!x->n && f->flat && ka_flat_is_cut(f->flat))
			err = ka_error_new(KA_TRUNCATED, "%s, a flattened ELF dump, is cut before its program headers, which makedumpfile writes last: "
					   "nothing tells where its pages belong", f->path);
		else if (!x->n)
			err = ka_error_new(KA_FORMAT, "%s is an ELF core without memory (no PT_LOAD); if it is of Xen's dump-core, crash reads it", f->path);
	}
	ka_vec_free(&segments);
	if (err)
		return err;
	/* the registers in /proc/kcore are those of nobody */
	if (f->is_live)
		img->note_count = 0;
	if (h.flags & DUMP_ELF_INCOMPLETE && (img->info.e_machine == EM_X86_64 || img->info.e_machine == EM_AARCH64 || img->info.e_machine == EM_S390 ||
					      img->info.e_machine == EM_386)) {
		img->info.is_partial = img->info.is_incomplete = true;
		ka_image_warn(img, "makedumpfile says that this dump is incomplete: its writing was broken off");
	}
	return NULL;
}

const struct ka_image_ops ka_image_elf = {
	.name = "ELF vmcore",
	.probe = elf_probe,
	.open = elf_open,
	.read = ka_extents_read,
	.map = ka_extents_map,
	.next_range = ka_extents_next_range,
	.close = ka_extents_close,
};
