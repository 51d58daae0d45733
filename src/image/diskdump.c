/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * kdump-compressed dumps of makedumpfile (and of QEMU): header, sub header, two bitmaps, page descriptors, page data.
 * Layout: makedumpfile's IMPLEMENTATION and diskdump_mod.h. The first bitmap says which page frames are memory, the second
 * which of them are in the file; the n-th set bit of the second has the n-th descriptor.
 */
#include <elf.h>
#include "flat.h"
#include "kdump_header.h"

enum { PAGE_COMPRESSION = KA_COMP_ZLIB | KA_COMP_LZO | KA_COMP_SNAPPY | KA_COMP_ZSTD };
enum { DESC_SIZE = 24, RANK_BITS = 4096, COUNT_BYTES_MAX = 16 << 20 };

/* One file: the whole dump, or what --split put into it. */
struct part {
	const struct ka_file *file;
	uint64_t start_pfn, end_pfn;	/* [start, end) */
	uint64_t desc_offset;		/* of the descriptor of the first page of the part */
	uint64_t first_rank;		/* set bits of bitmap 2 before start_pfn */
	bool is_cut;
};

struct diskdump {
	struct part *parts;
	size_t part_count;
	uint32_t block_size;
	uint64_t max_pfn;
	const uint8_t *present, *memory;	/* bitmap 2 and 1 */
	uint8_t *owned;				/* both, when they are not read in the map */
	uint64_t *ranks;			/* set bits of present before each RANK_BITS */
	uint64_t page_count;
	struct ka_kdump_header header;		/* of the first file: parts of one dump have most in common */
};

static uint64_t get64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static bool is_set(const uint8_t *bitmap, uint64_t bit)
{
	return bitmap[bit >> 3] >> (bit & 7) & 1;
}

/* Set bits of the second bitmap before pfn. */
static uint64_t rank(const struct diskdump *d, uint64_t pfn)
{
	uint64_t block = pfn / RANK_BITS, n = d->ranks[block];
	const uint8_t *p = d->present + block * (RANK_BITS / 8);
	unsigned bits = pfn % RANK_BITS;

	for (; bits >= 64; bits -= 64, p += 8)
		n += (uint64_t)__builtin_popcountll(get64(p));
	for (; bits >= 8; bits -= 8, p++)
		n += (uint64_t)__builtin_popcount(*p);
	return bits ? n + (uint64_t)__builtin_popcount(*p & ((1u << bits) - 1)) : n;
}

static void make_ranks(struct diskdump *d)
{
	uint64_t blocks = d->max_pfn / RANK_BITS + 1, bytes = (d->max_pfn + 7) / 8, n = 0;

	d->ranks = ka_xalloc((blocks + 1) * sizeof(*d->ranks));
	for (uint64_t b = 0; b < blocks; b++) {
		uint64_t at = b * (RANK_BITS / 8), end = KA_MIN(at + RANK_BITS / 8, bytes);

		d->ranks[b] = n;
		for (; at + 8 <= end; at += 8)
			n += (uint64_t)__builtin_popcountll(get64(d->present + at));
		for (; at < end; at++)
			n += (uint64_t)__builtin_popcount(d->present[at]);
	}
	d->ranks[blocks] = n;
	d->page_count = n;
}

static uint16_t machine_of(const char *name)
{
	static const struct { const char *name; uint16_t machine; } names[] = {
		{ "x86_64", EM_X86_64 }, { "aarch64", EM_AARCH64 }, { "s390x", EM_S390 }, { "ppc64", EM_PPC64 }, { "ppc64le", EM_PPC64 },
		{ "riscv64", EM_RISCV }, { "loongarch64", 258 }, { "ia64", EM_IA_64 }, { "i386", EM_386 }, { "i686", EM_386 },
		{ "mips64", EM_MIPS }, { "mips", EM_MIPS }, { "arm", EM_ARM }, { "sparc64", EM_SPARCV9 }, { "ppc", EM_PPC }, { "s390", EM_S390 },
	};

	for (size_t i = 0; i < KA_COUNT(names); i++)
		if (!strcmp(names[i].name, name))
			return names[i].machine;
	return !strncmp(name, "armv", 4) ? EM_ARM : 0;
}

static struct ka_error *read_bitmaps(struct diskdump *d, const struct ka_file *f, const struct ka_kdump_header *h)
{
	/* old dumps have one bitmap only */
	uint64_t half = h->max_pfn > h->bitmap_size * 8 / 2 ? 0 : h->bitmap_size / 2;
	const uint8_t *bytes;
	struct ka_error *err;

	/* a copy outlives a file that shrinks; of the largest machines' bitmaps none is made */
	if (f->map && h->bitmap_size > COUNT_BYTES_MAX) {
		bytes = f->map + h->bitmap_offset;
	} else {
		/* what a flattened file makes may have holes, and its size is what the file says: the bitmaps are none */
		if (h->bitmap_size > f->raw_size)
			return ka_error_new(KA_CORRUPT, "%s: bitmaps of %" PRIu64 " bytes in a file of %" PRIu64, f->path, h->bitmap_size, f->raw_size);
		bytes = d->owned = ka_xalloc(h->bitmap_size);
		err = ka_file_read(f, h->bitmap_offset, d->owned, h->bitmap_size);
		if (err)
			return err;
	}
	d->memory = bytes;
	d->present = bytes + half;
	d->max_pfn = h->max_pfn;
	d->block_size = h->block_size;
	make_ranks(d);
	return NULL;
}

/* Text of VMCOREINFO, and ELF notes: each optional, and no reason to fail. */
static void read_extras(struct ka_image *img, const struct ka_file *f, const struct ka_kdump_header *h)
{
	const struct { uint64_t offset, size; const char *what; } extras[] = {
		{ h->vmcoreinfo.offset, h->vmcoreinfo.size, "VMCOREINFO" }, { h->notes.offset, h->notes.size, "notes" },
		{ h->erased.offset, h->erased.size, "erase info" },
	};

	for (size_t i = 0; i < KA_COUNT(extras); i++) {
		uint64_t offset = extras[i].offset, size = extras[i].size;

		if (!offset || !size)
			continue;
		if (offset > f->size || size > f->size - offset || size > KA_NOTES_MAX) {
			ka_image_warn(img, "the %s of %s would lie at 0x%" PRIx64 " with 0x%" PRIx64 " bytes: not in the file", extras[i].what, f->path, offset, size);
			continue;
		}
		uint8_t *bytes = ka_xalloc(size);
		if (ka_error_drop(ka_file_read(f, offset, bytes, size))) {
			free(bytes);
		} else if (i == 1) {
			ka_notes_add(img, bytes, size);
		} else {
			if (i == 0)
				ka_vmcoreinfo_set(img, bytes, size);
			else
				ka_erased_set(img, bytes, size);
			free(bytes);
		}
	}
}

static void set_info(struct ka_image *img, const struct ka_kdump_header *h)
{
	struct ka_image_info *info = &img->info;

	info->format = "kdump compressed";
	info->is_64bit = h->is_64bit;
	info->is_big_endian = h->is_big_endian;
	info->page_size = h->block_size;
	info->header_version = h->version;
	memcpy(info->nodename, h->nodename, sizeof(info->nodename));
	memcpy(info->release, h->release, sizeof(info->release));
	memcpy(info->version, h->kernel_version, sizeof(info->version));
	memcpy(info->machine, h->machine, sizeof(info->machine));
	info->e_machine = machine_of(info->machine);
	info->timestamp = h->timestamp;
	info->cpu_count = h->cpu_count;
	info->max_pfn = h->max_pfn;
	info->has_phys_base = true;
	info->phys_base = h->phys_base;
	info->dump_level = h->dump_level;
	/* bit 0 leaves out zero pages, which stay readable here: their descriptors share one page (and QEMU says -d 1 always) */
	info->is_partial |= info->dump_level > 1;
	if (h->status & KA_KDUMP_INCOMPLETE) {
		info->is_partial = info->is_incomplete = true;
		ka_image_warn(img, "makedumpfile says that this dump is incomplete: its writing was broken off");
	}
	if (h->status & KA_KDUMP_NO_VMEMMAP)
		ka_image_warn(img, "makedumpfile left out the struct pages of unused memory (-e)");
}

static int by_start(const void *a, const void *b)
{
	const struct part *x = a, *y = b;

	return x->start_pfn < y->start_pfn ? -1 : x->start_pfn > y->start_pfn;
}

static struct ka_error *add_part(struct ka_image *img, struct diskdump *d, const struct ka_file *f, const struct ka_kdump_header *h)
{
	struct part *p = &d->parts[d->part_count];

	*p = (struct part){ .file = f, .end_pfn = d->max_pfn, .desc_offset = h->bitmap_offset + h->bitmap_size };
	if (!ka_kdump_is_same(h, &d->header))
		return ka_error_new(KA_USAGE, "%s and %s are not parts of one dump", img->files[0]->path, f->path);
	if (h->is_split) {
		img->info.is_split = true;
		p->start_pfn = h->start_pfn;
		p->end_pfn = KA_MIN(h->end_pfn, d->max_pfn);
		if (p->start_pfn > p->end_pfn)
			return ka_error_new(KA_CORRUPT, "%s: a part from page frame 0x%" PRIx64 " to 0x%" PRIx64, f->path, p->start_pfn, p->end_pfn);
	}
	p->first_rank = rank(d, p->start_pfn);
	d->part_count++;
	return NULL;
}

/* Memory that is not in the file. Not counted where the first bitmap is so large that reading it would be felt. */
static uint64_t count_excluded(const struct diskdump *d)
{
	uint64_t bytes = d->max_pfn / 8, n = 0;

	if (d->memory == d->present || bytes > COUNT_BYTES_MAX)
		return 0;
	for (uint64_t at = 0; at + 8 <= bytes; at += 8)
		n += (uint64_t)__builtin_popcountll(get64(d->memory + at) & ~get64(d->present + at));
	for (uint64_t pfn = bytes / 8 * 64; pfn < d->max_pfn; pfn++)
		n += is_set(d->memory, pfn) && !is_set(d->present, pfn);
	return n;
}

/* Parts together must cover all page frames: what is missing is named. */
static struct ka_error *check_parts(struct ka_image *img, struct diskdump *d)
{
	uint64_t next = 0;

	qsort(d->parts, d->part_count, sizeof(*d->parts), by_start);
	for (size_t i = 0; i <= d->part_count; i++) {
		uint64_t start = i < d->part_count ? d->parts[i].start_pfn : d->max_pfn;

		if (i < d->part_count && start < next && d->parts[i].end_pfn > start)
			return ka_error_new(KA_USAGE, "%s and %s hold the same page frames: one part was given twice", d->parts[i - 1].file->path,
					    d->parts[i].file->path);
		/* parts without pages are of no interest */
		if (start > next && rank(d, start) > rank(d, next)) {
			img->info.is_partial = img->info.is_incomplete = true;
			ka_image_warn(img, "the part with page frames 0x%" PRIx64 " to 0x%" PRIx64 " of this split dump is missing", next, start);
		}
		if (i < d->part_count)
			next = KA_MAX(next, d->parts[i].end_pfn);
	}
	return NULL;
}

/* Where the data of a page lies: descriptors rise with page frames, and so does their data, but for shared zero pages. */
static struct ka_error *read_desc(const struct diskdump *d, const struct part *p, uint64_t index, uint64_t *ret_offset, uint32_t *ret_size, uint32_t *ret_flags)
{
	uint8_t desc[DESC_SIZE];
	struct ka_error *err = ka_file_read(p->file, p->desc_offset + index * DESC_SIZE, desc, DESC_SIZE);

	if (err)
		return err;
	*ret_offset = ka_kdump_get(&d->header, desc, 8);
	*ret_size = (uint32_t)ka_kdump_get(&d->header, desc + 8, 4);
	*ret_flags = (uint32_t)ka_kdump_get(&d->header, desc + 12, 4);
	return NULL;
}

/* A descriptor that was never written: where the writer ran out of room. The data of a page never lies at 0. */
static bool is_unwritten(uint64_t offset, uint32_t size)
{
	return !offset && !size;
}

enum there { PAGE_LACKS, PAGE_IS_THERE, PAGE_IS_SHARED };

/* Is the data of a page within the file? All zero pages share the data of the first, which come before all other. */
static enum there page_there(const struct diskdump *d, const struct part *p, uint64_t count, uint64_t index)
{
	uint64_t offset;
	uint32_t size, flags;

	if (ka_error_drop(read_desc(d, p, index, &offset, &size, &flags)) || is_unwritten(offset, size) || offset > p->file->size ||
	    size > p->file->size - offset)
		return PAGE_LACKS;
	return offset == p->desc_offset + count * DESC_SIZE ? PAGE_IS_SHARED : PAGE_IS_THERE;
}

/* Does the file reach as far as this page? Three before it vote, so that one bad descriptor does not decide. */
static bool reaches(const struct diskdump *d, const struct part *p, uint64_t count, uint64_t index)
{
	unsigned there = 0, lacks = 0;

	for (uint64_t n = 0; n <= index && n < 16384 && there + lacks < 3; n++) {
		enum there t = page_there(d, p, count, index - n);

		there += t == PAGE_IS_THERE;
		lacks += t == PAGE_LACKS;
	}
	return !lacks || (there && there >= lacks);
}

/* How many pages a cut file lost: found by halving, from a few descriptors. */
static void check_cut(struct ka_image *img, const struct diskdump *d)
{
	for (size_t i = 0; i < d->part_count; i++) {
		struct part *p = &d->parts[i];
		uint64_t count = rank(d, p->end_pfn) - p->first_rank, lo = 0, hi = count;

		if (!count || (reaches(d, p, count, count - 1) && reaches(d, p, count, count / 2)))
			continue;
		while (lo < hi) {
			uint64_t mid = lo + (hi - lo) / 2;

			if (reaches(d, p, count, mid))
				lo = mid + 1;
			else
				hi = mid;
		}
		while (lo && page_there(d, p, count, lo - 1) == PAGE_LACKS)
			lo--;
		p->is_cut = true;
		img->info.is_partial = img->info.is_incomplete = true;
		ka_image_warn(img, "%s is cut: about %" PRIu64 " of its %" PRIu64 " pages (%u %%) are missing", p->file->path, count - lo, count,
			      (unsigned)(100 * (count - lo) / count));
	}
}

/*
 * QEMU writes "x86_64" into the header of each 64-bit machine's dump (dump/dump.c), and no release: the notes tell. Where they do
 * not, the vmlinux will.
 */
static void settle_machine(struct ka_image *img)
{
	const struct ka_note *n = ka_image_prstatus(img, 0);
	struct ka_image_info *info = &img->info;
	char value[32];

	if (info->release[0] || !info->is_64bit)
		return;
	if (ka_image_vmcoreinfo(img, "NUMBER(kimage_voffset)", value, sizeof(value)) && !ka_image_vmcoreinfo(img, "NUMBER(phys_base)", value, sizeof(value)))
		info->e_machine = EM_AARCH64;
	else if (n && n->size == 392)	/* struct elf_prstatus of aarch64; 336 is x86_64's */
		info->e_machine = EM_AARCH64;
	else if (!img->vmcoreinfo && !n)
		info->e_machine = 0;
}

static struct ka_error *diskdump_open(struct ka_image *img)
{
	struct diskdump *d = ka_xalloc(sizeof(*d));
	struct ka_kdump_header h;
	struct ka_error *err;

	img->priv = d;
	d->parts = ka_xalloc(img->file_count * sizeof(*d->parts));
	for (size_t i = 0; i < img->file_count; i++) {
		const struct ka_file *f = img->files[i];

		if (i && !ka_kdump_probe(f))
			return ka_error_new(KA_USAGE, "%s is no part of a split dump as %s is", f->path, img->files[0]->path);
		err = ka_kdump_header_read(f, &h);
		if (!err && !i) {
			d->header = h;
			err = read_bitmaps(d, f, &h);
		}
		if (!err)
			err = add_part(img, d, f, &h);
		if (err)
			return err;
		if (!i)
			set_info(img, &h);
		/* each part has a copy of the notes: a second one would double the CPUs */
		if (!img->note_count)
			read_extras(img, f, &h);
	}
	settle_machine(img);
	img->info.pages_present = d->page_count;
	img->info.pages_excluded = count_excluded(d);
	img->info.is_partial |= img->info.pages_excluded > 0;
	err = check_parts(img, d);
	if (!err)
		check_cut(img, d);
	return err;
}

/* A page of a part that is missing: which one that is. */
static struct ka_error *not_given(const struct diskdump *d, uint64_t pfn, uint64_t phys)
{
	uint64_t start = 0, end = d->max_pfn;

	for (size_t i = 0; i < d->part_count; i++) {
		if (d->parts[i].end_pfn <= pfn)
			start = KA_MAX(start, d->parts[i].end_pfn);
		else if (d->parts[i].start_pfn > pfn)
			end = KA_MIN(end, d->parts[i].start_pfn);
	}
	return ka_error_at(KA_TRUNCATED, KA_SPACE_PHYS, phys, "physical 0x%" PRIx64 " lies in a part of the split dump that was not given: the one with page "
			   "frames 0x%" PRIx64 " to 0x%" PRIx64, phys, start, end);
}

static struct ka_error *diskdump_read_page(struct ka_image *img, uint64_t phys, void *buf)
{
	const struct diskdump *d = img->priv;
	uint64_t pfn = phys / d->block_size, offset;
	const struct part *p = NULL;
	uint32_t size, flags;
	struct ka_error *err;

	if (pfn >= d->max_pfn || (!is_set(d->present, pfn) && !is_set(d->memory, pfn)))
		return ka_error_at(KA_UNMAPPED, KA_SPACE_PHYS, phys, "the machine had no memory at physical 0x%" PRIx64, phys);
	if (!is_set(d->present, pfn))
		return ka_image_excluded(img, phys);
	for (size_t i = 0; i < d->part_count && !p; i++)
		if (pfn >= d->parts[i].start_pfn && pfn < d->parts[i].end_pfn)
			p = &d->parts[i];
	if (!p)
		return not_given(d, pfn, phys);
	err = read_desc(d, p, rank(d, pfn) - p->first_rank, &offset, &size, &flags);
	if (!err && is_unwritten(offset, size)) {
		/* as crash does it with --zero_excluded */
		if (img->is_zero_excluded)
			return ka_image_excluded(img, phys);	/* which reads as zeros then */
		err = ka_error_new(KA_TRUNCATED, "the writing of the dump was broken off before it");
	}
	if (!err && flags & ~(uint32_t)PAGE_COMPRESSION)
		err = ka_error_new(KA_UNSUPPORTED, "the page descriptor has unknown flags 0x%x: written by a newer makedumpfile, or damaged", flags);
	if (!err && (!size || size > 2 * d->block_size))
		err = ka_error_new(KA_CORRUPT, "the page descriptor says %u bytes at 0x%" PRIx64, size, offset);
	if (!err && !p->is_cut && (offset > p->file->size || size > p->file->size - offset || offset < p->desc_offset))
		err = ka_error_new(KA_CORRUPT, "the page descriptor at 0x%" PRIx64 " of %s says 0x%x bytes at 0x%" PRIx64 ", and the pages are from 0x%" PRIx64
				   " to 0x%" PRIx64, p->desc_offset + (rank(d, pfn) - p->first_rank) * DESC_SIZE, p->file->path, size, offset,
				   p->desc_offset, p->file->size);
	bool is_done = false;
	if (!err && p->file->map && !ka_file_is_broken(p->file) && offset <= p->file->size && size <= p->file->size - offset) {
		err = ka_page_unpack(flags, p->file->map + offset, size, buf, d->block_size);
		is_done = !ka_file_is_broken(p->file);
		if (!is_done) {
			ka_error_drop(err);
			err = NULL;
		}
	}
	if (!err && !is_done) {
		uint8_t *packed = ka_xalloc(size);

		err = ka_file_read(p->file, offset, packed, size);
		if (!err)
			err = ka_page_unpack(flags, packed, size, buf, d->block_size);
		free(packed);
	}
	if (err) {
		err->space = KA_SPACE_PHYS;
		err->addr = phys;
	}
	return ka_error_wrap(err, "the page at physical 0x%" PRIx64, phys);
}

static bool diskdump_next_range(struct ka_image *img, uint64_t phys, uint64_t *ret_start, uint64_t *ret_end)
{
	const struct diskdump *d = img->priv;
	uint64_t pfn = phys / d->block_size;

	while (pfn < d->max_pfn && !is_set(d->present, pfn))
		pfn += pfn % 8 || d->present[pfn / 8] ? 1 : 8;
	if (pfn >= d->max_pfn)
		return false;
	*ret_start = KA_MAX(phys, pfn * d->block_size);
	while (pfn < d->max_pfn && is_set(d->present, pfn))
		pfn += pfn % 8 || d->present[pfn / 8] != 0xff || d->max_pfn - pfn < 8 ? 1 : 8;
	*ret_end = pfn * d->block_size;
	return true;
}

static void diskdump_close(struct ka_image *img)
{
	struct diskdump *d = img->priv;

	if (!d)
		return;
	free(d->parts);
	free(d->owned);
	free(d->ranks);
	free(d);
}

const struct ka_image_ops ka_image_diskdump = {
	.name = "kdump compressed",
	.probe = ka_kdump_probe,
	.open = diskdump_open,
	.read_page = diskdump_read_page,
	.next_range = diskdump_next_range,
	.close = diskdump_close,
};
