/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Dump files of every format: opened, their ranges listed, pages read here and there, and every note looked at. */
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>
#include "image.h"

#define RANGES_MAX 200

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_at(struct ka_image *img, uint64_t phys)
{
	uint8_t bytes[9000];

	ka_error_drop(ka_image_read(img, phys, bytes, 16));
	ka_error_drop(ka_image_read(img, phys, bytes, sizeof(bytes)));
}

static void look(struct ka_image *img)
{
	uint64_t at = 0, start, end;
	volatile uint8_t sum = 0;
	char text[64];

	for (unsigned i = 0; i < RANGES_MAX && ka_image_next_range(img, at, &start, &end); i++) {
		/* a walk by ranges must come to an end */
		if (end <= start || start < at)
			__builtin_trap();
		read_at(img, start);
		read_at(img, end - 8);
		at = end;
	}
	for (unsigned shift = 0; shift < 64; shift++)
		read_at(img, (1ull << shift) - 5);
	read_at(img, UINT64_MAX - 20);
	for (size_t i = 0; i < img->note_count; i++) {
		sum ^= (uint8_t)strlen(img->notes[i].name);
		for (uint32_t k = 0; k < img->notes[i].size; k++)
			sum ^= img->notes[i].desc[k];
	}
	ka_image_vmcoreinfo(img, "OSRELEASE", text, sizeof(text));
	sum ^= (uint8_t)(strlen(img->info.release) + strlen(img->info.format));
	ka_image_prstatus(img, 3);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("dump", MFD_CLOEXEC);
	char path[64];
	struct ka_file *f;
	struct ka_image *img;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		return 0;
	if (!ka_error_drop(ka_file_open(path, &f)) && !ka_error_drop(ka_image_open(&f, 1, &img))) {
		ka_image_set_cache_size(img, 1 << 20);
		look(img);
		ka_image_close(img);
	}
	close(fd);
	return 0;
}
