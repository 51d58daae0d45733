/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the image knows of its file, for commands. */
#include <inttypes.h>
#include <kanalyze/dump.h>
#include "kernel.h"

#define NT_PRSTATUS 1

void ka_dump_info(struct ka_kernel *k, struct ka_dump_info *ret)
{
	const struct ka_image *img = k->image;
	const struct ka_image_info *i = &img->info;

	*ret = (struct ka_dump_info){
		.format = i->format, .header_version = i->header_version, .is_flattened = i->is_flattened, .is_partial = i->is_partial,
		.is_incomplete = i->is_incomplete, .is_split = i->is_split, .is_live = i->is_live, .machine = ka_machine_name(i->e_machine),
		.e_machine = i->e_machine, .is_64bit = i->is_64bit, .is_big_endian = i->is_big_endian, .block_size = i->page_size,
		.level = i->dump_level, .pages_present = i->pages_present, .pages_excluded = i->pages_excluded, .max_pfn = i->max_pfn,
		.timestamp_s = i->timestamp, .has_phys_base = i->has_phys_base, .phys_base = i->phys_base, .release = i->release,
		.nodename = i->nodename, .version = i->version, .header_machine = i->machine, .cpu_count = i->cpu_count,
		.erased = i->erased, .warning = i->warning, .vmcoreinfo = img->vmcoreinfo, .file_count = img->file_count,
		.note_count = img->note_count,
	};
	if (!ret->machine && k->arch)
		ret->machine = k->arch->name;
}

bool ka_dump_file(struct ka_kernel *k, size_t i, struct ka_dump_file *ret)
{
	const struct ka_file *f;

	if (i >= k->image->file_count)
		return false;
	f = k->image->files[i];
	*ret = (struct ka_dump_file){ f->path, f->raw_size ? f->raw_size : f->size };
	return true;
}

bool ka_dump_note(struct ka_kernel *k, size_t i, struct ka_dump_note *ret)
{
	const struct ka_note *n;

	if (i >= k->image->note_count)
		return false;
	n = &k->image->notes[i];
	*ret = (struct ka_dump_note){ n->name, n->type, n->size, n->desc };
	return true;
}

bool ka_dump_note_regs(struct ka_kernel *k, size_t i, struct ka_pt_regs *ret)
{
	const struct ka_note *n = i < k->image->note_count ? &k->image->notes[i] : NULL;
	struct ka_regs regs = {0};

	*ret = (struct ka_pt_regs){0};
	if (!n)
		return false;
	if (n->type == NT_PRSTATUS && !strcmp(n->name, "CORE"))
		return k->arch->prstatus && k->arch->prstatus(n->desc, n->size, &regs, ret);
	return !strcmp(n->name, "QEMU") && k->arch->qemu_state && k->arch->qemu_state(n->desc, n->size, &regs, ret);
}

void ka_dump_ranges(struct ka_kernel *k, size_t *ret_count, uint64_t *ret_bytes)
{
	uint64_t at = 0, start, end;

	*ret_count = 0;
	*ret_bytes = 0;
	while (ka_image_next_range(k->image, at, &start, &end) && start >= at && end > start && !ka_interrupted()) {
		++*ret_count;
		*ret_bytes += end - start;
		at = end;
	}
}

size_t ka_dump_read(struct ka_kernel *k, uint64_t offset, void *ret, size_t size, struct ka_error **err)
{
	const struct ka_file *f = k->image->files[0];
	size_t n = offset < f->size ? KA_MIN((uint64_t)size, f->size - offset) : 0;

	*err = n ? ka_file_read(f, offset, ret, n) : NULL;
	if (*err)
		return 0;
	if (n < size)
		*err = ka_error_at(KA_TRUNCATED, KA_SPACE_FILE, offset + n, "%s ends at 0x%" PRIx64, f->path, f->size);
	return n;
}
