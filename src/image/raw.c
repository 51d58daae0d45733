/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Memory as it is, without any header: FILE@PHYSADDR, several of them as one memory. */
#include "image_priv.h"

static bool raw_probe(const struct ka_file *f)
{
	return f->is_raw;
}

static struct ka_error *raw_open(struct ka_image *img)
{
	struct ka_extents *x = ka_xalloc(sizeof(*x));

	img->priv = x;
	img->info.format = "raw memory";
	img->info.is_split = img->file_count > 1;	/* several files make one image */
	img->info.is_64bit = true;	/* nothing says so; no others are read */
	for (size_t i = 0; i < img->file_count; i++) {
		const struct ka_file *f = img->files[i];

		if (!f->is_raw)
			return ka_error_new(KA_USAGE, "%s is raw memory, and %s is not said to be (FILE@PHYSADDR)", img->files[0]->path, f->path);
		for (size_t j = 0; j < i; j++)
			if (f->raw_phys < img->files[j]->raw_phys + img->files[j]->size && img->files[j]->raw_phys < f->raw_phys + f->size)
				ka_image_warn(img, "%s and %s overlap at physical 0x%" PRIx64 ": %s counts there", img->files[j]->path, f->path,
					      KA_MAX(f->raw_phys, img->files[j]->raw_phys), img->files[j]->path);
		ka_extents_add(x, f, (uint32_t)i, f->raw_phys, 0, f->size, f->size);
		img->info.max_pfn = KA_MAX(img->info.max_pfn, (f->raw_phys + f->size) >> 12);
	}
	ka_extents_settle(x);
	return NULL;
}

const struct ka_image_ops ka_image_raw = {
	.name = "raw memory",
	.probe = raw_probe,
	.open = raw_open,
	.read = ka_extents_read,
	.map = ka_extents_map,
	.next_range = ka_extents_next_range,
	.close = ka_extents_close,
};
