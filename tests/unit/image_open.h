/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* For tests of src/image: opens dump files made of texts, and reads what must be in them. */
#ifndef KA_TEST_IMAGE_OPEN_H
#define KA_TEST_IMAGE_OPEN_H

#include <stdlib.h>
#include <unistd.h>
#include "check.h"
#include "image.h"
#include "../image/build.h"

static char directory[] = "/tmp/kanalyze-image-XXXXXX";

/* Opens files made of texts (up to NULL); an error's code is -1 - code and its text in *why, which the next call frees. */
static char *why;

static struct ka_image *open_paths(char **paths, size_t count, int *ret_code)
{
	struct ka_file *files[8];
	struct ka_image *img = NULL;
	struct ka_error *err = NULL;
	size_t n = 0;

	free(why);
	why = NULL;
	while (n < count && !err) {
		err = ka_file_open(paths[n], &files[n]);
		n += !err;
	}
	if (!err)
		err = ka_image_open(files, n, &img);
	else
		while (n)
			ka_file_close(files[--n]);
	*ret_code = err ? (int)err->code : -1;
	if (err)
		why = ka_xstrdup(err->message);
	ka_error_free(err);
	for (size_t i = 0; i < count; i++) {
		unlink(paths[i]);
		free(paths[i]);
	}
	return err ? NULL : img;
}

static struct ka_image *open_texts(const char *a, const char *b, const char *c, int *ret_code)
{
	const char *texts[] = { a, b, c };
	char *paths[3], name[8] = "part0";
	size_t n = 0;

	for (; n < 3 && texts[n]; n++) {
		name[4] = (char)('0' + n);
		paths[n] = test_image_file(directory, name, texts[n]);
	}
	return open_paths(paths, n, ret_code);
}

static struct ka_image *open_text(const char *text)
{
	int code;
	struct ka_image *img = open_texts(text, NULL, NULL, &code);

	if (!img)
		fprintf(stderr, "%s\n", why);
	CHECK(img);
	return img;
}

/* Error code of reading, or -1; the bytes must be those of the addresses. */
static int get(struct ka_image *img, uint64_t phys, size_t size)
{
	uint8_t *bytes = ka_xalloc(size);
	struct ka_error *err = ka_image_read(img, phys, bytes, size);
	int code = err ? (int)err->code : -1;

	for (size_t i = 0; !err && i < size; i++) {
		if (bytes[i] != test_byte(phys + i)) {
			code = -2;
			break;
		}
	}
	if (err) {
		CHECK_INT(err->space, KA_SPACE_PHYS);
		CHECK(err->addr >= phys && err->addr < phys + size);
	}
	ka_error_free(err);
	free(bytes);
	return code;
}

#endif
