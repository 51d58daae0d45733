/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The probe list of formats, and reading through the page cache. */
#include <stdio.h>
#include "flat.h"
#include "image_priv.h"

extern const struct ka_image_ops ka_image_elf, ka_image_diskdump, ka_image_raw, ka_image_lime;

/* In the order of probing. A format is one file and one word here. */
static const struct ka_image_ops *const formats[] = { &ka_image_raw, &ka_image_diskdump, &ka_image_elf, &ka_image_lime };

const char *ka_image_sniff(const struct ka_file *f, const char **ret_hint)
{
	if (ret_hint)
		*ret_hint = NULL;
	for (size_t i = 0; i < KA_COUNT(formats); i++)
		if (formats[i]->probe(f))
			return formats[i]->name;
	return ka_format_refused(f, ret_hint);
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
		/* memory as it is has no mark */
		name = ka_image_sniff(files[0], &hint);
		err = name ? ka_error_new(KA_UNSUPPORTED, "%s is a dump of the format %s, which is not supported (%s)", files[0]->path, name, hint) :
			     ka_error_new(KA_FORMAT, "%s is neither a dump of a known format nor a kernel with symbols (vmlinux). "
					  "If it is memory as it is, say from which physical address on: %s@0", files[0]->path, files[0]->path);
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
	free(img->info.erased);
	free(img);
}

void ka_image_set_cache_size(struct ka_image *img, uint64_t bytes)
{
	ka_cache_set_size(img->cache, bytes);
}

uint64_t ka_image_cache_size(const struct ka_image *img)
{
	return ka_cache_size(img->cache);
}

void ka_image_zero(struct ka_image *img, uint64_t phys, void *ret, size_t size)
{
	memset(ret, 0, size);
	if (!__atomic_fetch_add(&img->zeroed, 1, __ATOMIC_RELAXED))
		ka_log(1, "physical 0x%" PRIx64 " is not in the dump and reads as zeros", phys);
}

struct ka_error *ka_image_excluded(const struct ka_image *img, uint64_t phys)
{
	/* bits of makedumpfile's -d; zero pages are left out of ELF files only, elsewhere they share one page */
	static const char *const kinds[] = { "zero", "cache", "private cache", "user", "free" };
	int level = img->info.dump_level;
	struct ka_str s = { 0 };
	struct ka_error *err;
	unsigned n = 0, left = 0;

	if (level <= 0)
		return ka_error_at(KA_EXCLUDED, KA_SPACE_PHYS, phys, "physical 0x%" PRIx64 " was left out of the dump by makedumpfile", phys);
	for (unsigned i = 1; i < KA_COUNT(kinds); i++)
		left += (unsigned)level >> i & 1;
	for (unsigned i = 1; i < KA_COUNT(kinds); i++)
		if ((unsigned)level >> i & 1)
			ka_str_printf(&s, "%s%s", !n++ ? "" : n == left ? " or " : ", ", kinds[i]);
	err = ka_error_at(KA_EXCLUDED, KA_SPACE_PHYS, phys, "physical 0x%" PRIx64 " was left out of the dump by makedumpfile (-d %d: %s page)", phys, level,
			  s.p ? s.p : "no such");
	ka_str_free(&s);
	return err;
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
	if (err && img->is_zero_excluded && ka_error_catch(&err, KA_EXCLUDED)) {
		/* kept by nobody: it may be switched off again */
		ka_image_zero(img, phys, ret, size);
	} else if (!err) {
		ka_cache_put(img->cache, page, buf);
		memcpy(ret, buf + (phys - page), size);
	} else if (err->space == KA_SPACE_PHYS && err->addr < phys) {
		err->addr = phys;	/* the first byte that was wanted */
	}
	if (buf != small)
		free(buf);
	return err;
}

static bool is_any_broken(const struct ka_image *img)
{
	for (size_t i = 0; i < img->file_count; i++)
		if (ka_file_is_broken(img->files[i]))
			return true;
	return false;
}

struct ka_error *ka_image_read(struct ka_image *img, uint64_t phys, void *ret, size_t size)
{
	size_t page_size = img->info.page_size ? img->info.page_size : 4096;
	struct ka_error *err;

	while (size) {
		uint64_t room = 0;
		const uint8_t *mapped = img->ops->map ? img->ops->map(img, phys, &room) : NULL;
		size_t n;

		if (mapped) {
			n = KA_MIN((uint64_t)size, room);
			memcpy(ret, mapped, n);
			/* the map failed under the copy: it is not offered again */
			if (is_any_broken(img))
				continue;
		} else if (img->ops->read) {
			return img->ops->read(img, phys, ret, size);
		} else {
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
