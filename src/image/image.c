/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The probe list of formats, and reading through the page cache. */
#include <stdio.h>
#include "flat.h"
#include "image_priv.h"

extern const struct ka_image_ops ka_image_elf, ka_image_diskdump;

/* In the order of probing. A format is one file and one word here. */
static const struct ka_image_ops *const formats[] = { &ka_image_diskdump, &ka_image_elf };

#define VMSS "make a core of it and its .vmem: vmss2core -N6 FILE"

/* Formats that are known by their magic and not read: what to do with them. */
static const struct {
	uint64_t offset;
	const char *magic;
	size_t size;
	const char *name, *hint;
} refused[] = {
	{ 0, "DISKDUMP", 8, "diskdump (before kdump)", "crash reads it" },
	{ 0, "\xed\x23\x8f\x61\x73\x01\x19\xa8", 8, "LKCD", "crash reads it" },
	{ 0, "\xcd\x23\x8f\x61\x73\x01\x19\xa8", 8, "LKCD", "crash reads it" },
	{ 0, "\xa8\x19\x01\x73\x61\x8f\x23\xed", 8, "LKCD", "crash reads it" },
	{ 0, "\xa8\x19\x01\x73\x61\x8f\x23\xfd", 8, "s390 stand-alone", "convert it: zgetdump -f elf" },
	{ 0, "\xd0\xbe\xd0\xbe", 4, "VMware vmss/vmsn", VMSS },
	{ 0, "\xd2\xbe\xd2\xbe", 4, "VMware vmss/vmsn", VMSS },
	{ 0, "\xd3\xbe\xd3\xbe", 4, "VMware vmss/vmsn", VMSS },
	{ 0, "\xd1\xba\xd1\xba", 4, "VMware vmss/vmsn", VMSS },
	{ 0, "\xd2\xba\xd2\xba", 4, "VMware vmss/vmsn", VMSS },
	{ 0, "QEVM", 4, "QEMU savevm/kvmdump", "save the memory instead: virsh dump --memory-only, or dump-guest-memory" },
	{ 0, "LibvirtQemudSave", 16, "libvirt save file", "save the memory instead: virsh dump --memory-only" },
	{ 0, "sadump\0", 8, "sadump", "makedumpfile converts it to a kdump dump" },
	{ 0, "\xed\xeb\x0f\xf0", 4, "Xen xc_core", "crash reads it" },
	{ 0, "\xee\xeb\x0f\xf0", 4, "Xen xc_core", "crash reads it" },
	{ 0, "LinuxGuestRecord", 16, "Xen xc_save", "dump the domain instead: xl dump-core" },
	{ 0, "\xdd\xcc\x8b\x9a", 4, "Mission Critical Linux", "no tool of today reads it" },
	{ 0, "EMiL", 4, "LiME", "acquire it again as a padded file, or convert it to ELF with volatility's layer writer" },
	{ 0, "PAGEDU64", 8, "Windows crash dump", "it is no Linux dump: WinDbg reads it" },
	{ 0, "PAGEDUMP", 8, "Windows crash dump", "it is no Linux dump: WinDbg reads it" },
};

const char *ka_image_sniff(const struct ka_file *f, const char **ret_hint)
{
	uint8_t head[64] = { 0 };

	if (ret_hint)
		*ret_hint = NULL;
	for (size_t i = 0; i < KA_COUNT(formats); i++)
		if (formats[i]->probe(f))
			return formats[i]->name;
	ka_error_drop(ka_file_read(f, 0, head, KA_MIN(f->size, (uint64_t)sizeof(head))));
	for (size_t i = 0; i < KA_COUNT(refused); i++) {
		if (memcmp(head + refused[i].offset, refused[i].magic, refused[i].size))
			continue;
		if (ret_hint)
			*ret_hint = refused[i].hint;
		return refused[i].name;
	}
	return NULL;
}

void ka_image_warn(struct ka_image *img, const char *fmt, ...)
{
	struct ka_str s = { 0 };
	va_list ap;

	/* a hostile file could go on for ever */
	if (img->info.warning && strlen(img->info.warning) > 4096)
		return;
	if (img->info.warning) {
		ka_str_add(&s, img->info.warning);
		ka_str_addc(&s, '\n');
		free(img->info.warning);
	}
	va_start(ap, fmt);
	ka_str_vprintf(&s, fmt, ap);
	va_end(ap);
	img->info.warning = s.p;
}

struct ka_error *ka_image_open(struct ka_file **files, size_t count, struct ka_image **ret)
{
	struct ka_image *img = ka_xalloc(sizeof(*img));
	const char *name, *hint;
	struct ka_error *err;

	img->files = ka_xalloc(count * sizeof(*img->files));
	memcpy(img->files, files, count * sizeof(*img->files));
	img->file_count = count;
	img->info.dump_level = -1;
	for (size_t i = 0; i < KA_COUNT(formats) && !img->ops; i++)
		if (formats[i]->probe(files[0]))
			img->ops = formats[i];
	if (img->ops) {
		err = img->ops->open(img);
	} else {
		name = ka_image_sniff(files[0], &hint);
		err = name ? ka_error_new(KA_UNSUPPORTED, "%s is a dump of the format %s, which is not supported (%s)", files[0]->path, name, hint) :
			     ka_error_new(KA_FORMAT, "%s is neither a dump of a known format nor a kernel with symbols (vmlinux)", files[0]->path);
	}
	if (!err && count > 1 && !img->info.is_split)
		err = ka_error_new(KA_USAGE, "%s is a dump of its own: what is %s for?", files[0]->path, files[1]->path);
	if (err) {
		ka_image_close(img);
		return err;
	}
	for (size_t i = 0; i < count; i++) {
		if (!files[i]->flat)
			continue;
		img->info.is_flattened = true;
		if (ka_flat_is_cut(files[i]->flat)) {
			img->info.is_partial = img->info.is_incomplete = true;
			ka_image_warn(img, "%s, a flattened dump, ends without its end mark: it is cut or was not written to its end", files[i]->path);
		}
	}
	img->cache = ka_cache_new(img->info.page_size ? img->info.page_size : 4096);
	*ret = img;
	return NULL;
}

void ka_image_close(struct ka_image *img)
{
	if (!img)
		return;
	if (img->ops && img->ops->close)
		img->ops->close(img);
	ka_cache_free(img->cache);
	ka_notes_free(img);
	for (size_t i = 0; i < img->file_count; i++)
		ka_file_close(img->files[i]);
	free(img->files);
	free(img->vmcoreinfo);
	free(img->info.warning);
	free(img);
}

void ka_image_set_cache_size(struct ka_image *img, uint64_t bytes)
{
	ka_cache_set_size(img->cache, bytes);
}

bool ka_image_next_range(struct ka_image *img, uint64_t phys, uint64_t *ret_start, uint64_t *ret_end)
{
	return img->ops->next_range(img, phys, ret_start, ret_end);
}

static struct ka_error *read_in_page(struct ka_image *img, uint64_t phys, void *ret, size_t size, size_t page_size)
{
	uint64_t page = phys & ~(uint64_t)(page_size - 1);
	uint8_t small[4096], *buf = small;
	struct ka_error *err;

	if (ka_cache_get(img->cache, page, phys - page, ret, size))
		return NULL;
	if (page_size > sizeof(small))
		buf = ka_xalloc(page_size);
	err = img->ops->read_page(img, page, buf);
	if (err && img->is_zero_excluded && ka_error_catch(&err, KA_EXCLUDED))
		memset(buf, 0, page_size);
	if (!err) {
		ka_cache_put(img->cache, page, buf);
		memcpy(ret, buf + (phys - page), size);
	} else if (err->space == KA_SPACE_PHYS && err->addr < phys) {
		err->addr = phys;	/* the first byte that was wanted */
	}
	if (buf != small)
		free(buf);
	return err;
}

struct ka_error *ka_image_read(struct ka_image *img, uint64_t phys, void *ret, size_t size)
{
	size_t page_size = img->info.page_size ? img->info.page_size : 4096;

	while (size) {
		uint64_t room = 0;
		const uint8_t *mapped = img->ops->map ? img->ops->map(img, phys, &room) : NULL;
		size_t n;

		if (mapped) {
			n = KA_MIN((uint64_t)size, room);
			memcpy(ret, mapped, n);
			/* the map failed under the copy: it is not offered again */
			if (ka_file_is_broken(img->files[0]))
				continue;
		} else {
			struct ka_error *err;

			n = KA_MIN(size, page_size - (size_t)(phys & (page_size - 1)));
			err = read_in_page(img, phys, ret, n, page_size);
			if (err)
				return err;
		}
		ret = (uint8_t *)ret + n;
		phys += n;
		size -= n;
	}
	return NULL;
}
