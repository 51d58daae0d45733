/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* src/image over what is damaged: cut and flipped files, files that shrink while they are open, and many readers at once. */
#include <pthread.h>
#include "image_open.h"

/* Opens, reads what there is and what is not; nothing is expected but to come back. */
static void use(const void *bytes, size_t size)
{
	char *path = test_bytes_file(directory, "fuzz", bytes, size);
	int code;
	struct ka_image *img = open_paths(&path, 1, &code);
	uint64_t start = 0, end = 0;
	uint8_t buf[8192];

	if (!img)
		return;
	for (int i = 0; i < 50 && ka_image_next_range(img, end, &start, &end) && end > start; i++) {
		ka_error_drop(ka_image_read(img, start, buf, KA_MIN(end - start, (uint64_t)sizeof(buf))));
		ka_error_drop(ka_image_read(img, end - 1, buf, 2));
	}
	for (uint64_t phys = 0; phys < 0x60000; phys += 0x1800)
		ka_error_drop(ka_image_read(img, phys, buf, 16));
	for (unsigned i = 0; ka_image_prstatus(img, i); i++)
		memcpy(buf, ka_image_prstatus(img, i)->desc, KA_MIN(ka_image_prstatus(img, i)->size, (uint32_t)sizeof(buf)));
	ka_image_close(img);
}

static uint64_t random_state = 1;

static uint64_t random_below(uint64_t n)
{
	random_state += 0x9e3779b97f4a7c15;
	return ka_hash_u64(random_state) % n;
}

/* Every length, then bits and words of the headers turned over. */
static void check_hostile(void)
{
	static const char *const texts[] = {
		"kdump 6 31 200\ncpus 2\nvmcoreinfo\npage 1 none\npage 2 zlib\npage 3 zero\npage 63 lzo\npage 64 snappy\npage 65 zstd\nmemory 90 5\n",
		"kdump 6 31 200\nflat 3000\ncpus 2\npage 1 none\npage 2 zlib\npage 70 zero\n",
		"kdump 6 0 200\nsplit 0 100\npage 1 none\npage 70 zlib\n",
		"elf 64\ncpus 2\nvmcoreinfo\nload 0x1000 0x1800 0x2000\nload 0x2800 0x800 0x800\nload 0x9000 0 0x1000\n",
		"elf 32\nbig\nmany\ncpus 2\nvmcoreinfo\nload 0x1000 0x1800 0x2000\nload 0x2800 0x800 0x800\n",
		"elf 64\nflat 1000\ncpus 1\nload 0x1000 0x1800 0x2000\n",
		"kdump 5 31 200\nbig\nbits32\ncpus 2\nerased x\npage 1 none\npage 2 zlib\npage 70 zero\n",
		"lime 1\nrange 0x1000 0x1000\nrange 0x9000 0x2000\n",
	};
	static const uint64_t words[] = { 0, 1, 0x7f, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff, INT64_MAX, UINT64_MAX, UINT64_MAX - 4095, 1ull << 40 };

	for (size_t i = 0; i < KA_COUNT(texts); i++) {
		struct ka_str s = test_image(texts[i]);
		size_t step = KA_MAX(s.len / 400, 1u);

		for (size_t n = 1; n <= s.len; n += n < 600 ? 7 : step)
			use(s.p, n);
		for (int round = 0; round < 1500; round++) {
			char *copy = ka_xalloc(s.len);
			/* mostly where headers are */
			size_t within = random_below(4) ? KA_MIN(s.len, round % 2 ? 600u : 9000u) : s.len;

			memcpy(copy, s.p, s.len);
			for (uint64_t flips = 1 + random_below(3); flips; flips--) {
				size_t at = random_below(within);

				if (random_below(2))
					copy[at] ^= (char)(1 << random_below(8));
				else
					memcpy(copy + at / 4 * 4, &words[random_below(KA_COUNT(words))], KA_MIN(s.len - at / 4 * 4, random_below(2) ? 4u : 8u));
			}
			use(copy, s.len);
			free(copy);
		}
		ka_str_free(&s);
	}
}

/* A file that shrinks while it is open is an error of what was in the rest, and no signal. */
static void check_shrunk(const char *text, uint64_t phys)
{
	struct ka_file *f;
	struct ka_image *img = NULL;
	char *path = test_image_file(directory, "shrunk", text);
	struct ka_error *err = ka_file_open(path, &f);

	if (!err)
		err = ka_image_open(&f, 1, &img);
	CHECK(!ka_error_drop(err) && img);
	if (img) {
		CHECK_INT(truncate(path, 9000), 0);
		CHECK_INT(get(img, phys, 16), KA_TRUNCATED);
		CHECK_INT(get(img, phys, 16), KA_TRUNCATED);
	}
	ka_image_close(img);
	unlink(path);
	free(path);
}

static void *reader(void *arg)
{
	struct ka_image *img = arg;
	int bad = 0;

	for (uint64_t i = 0; i < 4000; i++)
		bad += get(img, (ka_hash_u64(i ^ (uintptr_t)&bad) % 256) * 4096 + 8, 16) != -1;
	return (void *)(intptr_t)bad;
}

static void check_threads(void)
{
	struct ka_str text = { 0 };
	struct ka_image *img;
	pthread_t threads[4];

	ka_str_add(&text, "kdump 6 0 256\n");
	for (int i = 0; i < 250; i++)
		ka_str_printf(&text, "page %d zlib\n", i);
	ka_str_add(&text, "page 250 none\npage 251 none\npage 252 none\npage 253 none\npage 254 none\n");
	ka_str_add(&text, "page 255 none\n");
	img = open_text(text.p);
	ka_str_free(&text);
	if (!img)
		return;
	ka_image_set_cache_size(img, 0);	/* so small that pages come and go */
	for (size_t i = 0; i < KA_COUNT(threads); i++)
		pthread_create(&threads[i], NULL, reader, img);
	for (size_t i = 0; i < KA_COUNT(threads); i++) {
		void *bad;

		pthread_join(threads[i], &bad);
		CHECK_INT((intptr_t)bad, 0);
	}
	ka_image_close(img);
}

CHECK_MAIN
{
	if (!mkdtemp(directory)) {
		CHECK(!"mkdtemp");
		return;
	}
	check_shrunk("elf 64\nload 0x10000 0x10000 0x10000\n", 0x1f000);
	check_shrunk("kdump 6 0 64\npage 5 none\npage 6 none\npage 7 none\n", 0x7000);
	check_hostile();
	check_threads();
	free(why);
	rmdir(directory);
}
