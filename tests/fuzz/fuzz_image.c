/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A dump file of any kind: opened, walked, read. */
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>
#include "image.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint64_t start = 0, end = 0;
	struct ka_image *img = NULL;
	struct ka_file *f = NULL;
	struct ka_error *err;
	uint8_t buf[8192];
	char path[64];
	int fd = memfd_create("dump", 0);

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		return 0;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	err = ka_file_open(path, &f);
	close(fd);
	if (!err) {
		ka_image_sniff(f, NULL);
		err = ka_image_open(&f, 1, &img);
	}
	if (ka_error_drop(err))
		return 0;
	for (int i = 0; i < 64 && ka_image_next_range(img, end, &start, &end) && end > start; i++) {
		ka_error_drop(ka_image_read(img, start, buf, end - start < sizeof(buf) ? end - start : sizeof(buf)));
		ka_error_drop(ka_image_read(img, end - 1, buf, 2));
	}
	for (uint64_t phys = 0; phys < 0x40000; phys += 0x1800)
		ka_error_drop(ka_image_read(img, phys, buf, 16));
	ka_image_close(img);
	return 0;
}
