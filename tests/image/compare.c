/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Do dumps of one crash in several formats hold the same memory?
 *
 *	compare [-n COUNT] [-s SEED] REFERENCE DUMP...
 *
 * Each is a file, parts of a split dump with commas between, or FILE@PHYSADDR. COUNT pages (0: all) of the reference are taken
 * at random, and each is compared byte by byte with the same page of each dump; what a dump does not hold is counted by its
 * reason. Pieces of odd sizes that cross pages are read, too. Exit status 1 when any byte differs.
 */
#include <stdio.h>
#include "image.h"

enum { PAGE = 4096, CODES = KA_IO + 1 };

static uint64_t seed = 1;

static uint64_t random_below(uint64_t n)
{
	seed += 0x9e3779b97f4a7c15;
	return n ? ka_hash_u64(seed) % n : 0;
}

static struct ka_image *image_open(const char *names)
{
	struct ka_file *files[64];
	struct ka_image *img = NULL;
	struct ka_error *err = NULL;
	char *copy = ka_xstrdup(names), *save = NULL;
	size_t n = 0;

	for (char *name = strtok_r(copy, ",", &save); name && !err && n < KA_COUNT(files); name = strtok_r(NULL, ",", &save)) {
		char *at = strchr(name, '@');

		if (at)
			*at = 0;
		err = at ? ka_file_open_raw(name, strtoull(at + 1, NULL, 16), &files[n]) : ka_file_open(name, &files[n]);
		n += !err;
	}
	if (!err)
		err = ka_image_open(files, n, &img);
	if (err) {
		fprintf(stderr, "%s: %s\n", names, err->message);
		exit(2);
	}
	free(copy);
	return img;
}

struct range {
	uint64_t start, end, before;	/* before: pages of those before it */
};

struct ranges {
	KA_VEC(struct range);
	uint64_t pages;
};

static void ranges_gather(struct ka_image *img, struct ranges *ret)
{
	uint64_t start, end = 0;

	while (ka_image_next_range(img, end, &start, &end) && end > start) {
		start &= ~(uint64_t)(PAGE - 1);
		ka_vec_push(ret, (struct range){ start, end, ret->pages });
		ret->pages += (end - start + PAGE - 1) / PAGE;
	}
}

static uint64_t page_of(const struct ranges *r, uint64_t n)
{
	size_t lo = 0, hi = r->n;

	while (hi - lo > 1) {
		size_t mid = lo + (hi - lo) / 2;

		if (r->at[mid].before <= n)
			lo = mid;
		else
			hi = mid;
	}
	return r->at[lo].start + (n - r->at[lo].before) * PAGE;
}

/* Code of the error, or -1; -2: the bytes are others. */
static int compare(struct ka_image *reference, struct ka_image *img, uint64_t phys, size_t size)
{
	static uint8_t a[2 * PAGE], b[2 * PAGE];
	struct ka_error *err = ka_image_read(reference, phys, a, size);
	int code;

	if (ka_error_drop(err))
		return -3;
	err = ka_image_read(img, phys, b, size);
	code = err ? (int)err->code : memcmp(a, b, size) ? -2 : -1;
	ka_error_free(err);
	return code;
}

int main(int argc, char **argv)
{
	uint64_t count = 20000, same, differ;
	struct ka_image *reference;
	struct ranges r = { 0 };
	int i = 1, status = 0;

	for (; i + 1 < argc && argv[i][0] == '-'; i += 2) {
		if (argv[i][1] == 'n')
			count = strtoull(argv[i + 1], NULL, 0);
		else
			seed = strtoull(argv[i + 1], NULL, 0);
	}
	if (i + 1 >= argc) {
		fprintf(stderr, "usage: compare [-n COUNT] [-s SEED] REFERENCE DUMP...\n");
		return 2;
	}
	reference = image_open(argv[i++]);
	ranges_gather(reference, &r);
	for (; i < argc; i++) {
		struct ka_image *img = image_open(argv[i]);
		uint64_t missing[CODES] = { 0 }, tried = count ? count : r.pages;

		same = differ = 0;
		for (uint64_t n = 0; n < tried; n++) {
			uint64_t phys = page_of(&r, count ? random_below(r.pages) : n);
			size_t size = PAGE;

			if (count && n % 8 == 7) {	/* not a page, but something across its end */
				phys += random_below(PAGE);
				size = 1 + random_below(PAGE);
			}
			int code = compare(reference, img, phys, size);

			if (code == -1)
				same++;
			else if (code >= 0)
				missing[code]++;
			else if (code == -2 && differ++ < 5)
				fprintf(stderr, "%s: %zu bytes at 0x%llx differ\n", argv[i], size, (unsigned long long)phys);
		}
		const char *name = strrchr(argv[i], '/');
		printf("%-24s %-17s%s same %llu, different %llu", name ? name + 1 : argv[i], img->info.format, img->info.is_flattened ? " flat" : "",
		       (unsigned long long)same, (unsigned long long)differ);
		for (int c = 0; c < CODES; c++)
			if (missing[c])
				printf(", %s %llu", ka_error_code_name((enum ka_error_code)c), (unsigned long long)missing[c]);
		printf("%s\n", img->info.warning ? "  (warned)" : "");
		status |= differ != 0 || !same;
		ka_image_close(img);
	}
	ka_image_close(reference);
	ka_vec_free(&r);
	return status;
}
