/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* src/image over dump files that are made here: each format, each way in which a page may be missing. */
#include <sys/stat.h>
#include "image_open.h"
#include "ka-config.h"

static void check_kdump(const char *flat)
{
	char *text = ka_xprintf("kdump 6 31 5000\ncpus 2\nvmcoreinfo\n%spage 1 none\npage 2 zlib\npage 3 zero\npage 63 zlib\npage 64 none\npage 65 zero\n"
				"page 4095 zlib\npage 4096 bad\npage 4097 flags\npage 4990 zlib\nmemory 100 50\nmemory 4999 1\n", flat);
	struct ka_image *img = open_text(text);
	uint64_t start, end;
	uint8_t zero[4096];
	char value[16];

	free(text);
	if (!img)
		return;
	CHECK_STR(img->info.format, "kdump compressed");
	CHECK_STR(img->info.release, "6.1.0-test");
	CHECK_STR(img->info.nodename, "node");
	CHECK_INT(img->info.dump_level, 31);
	CHECK_INT(img->info.header_version, 6);
	CHECK_INT(img->info.pages_present, 10);
	CHECK_INT(img->info.pages_excluded, 51);
	CHECK_INT(img->info.is_flattened, *flat != 0);
	CHECK(img->info.is_partial && !img->info.is_incomplete && !img->info.warning);
	CHECK(ka_image_prstatus(img, 1) && !ka_image_prstatus(img, 2));
	CHECK(ka_image_prstatus(img, 1)->desc[0] == 2);
	CHECK(ka_image_vmcoreinfo(img, "PAGESIZE", value, sizeof(value)));
	CHECK_STR(value, "4096");
	CHECK(!ka_image_vmcoreinfo(img, "PAGE", value, sizeof(value)));
	for (int round = 0; round < 2; round++) {	/* the second time from the cache */
		CHECK_INT(get(img, 0x1000, 0x2000), -1);
		CHECK_INT(get(img, 63 * 4096 + 4000, 200), -1);
		CHECK_INT(get(img, 4095 * 4096 + 8, 8), -1);
		CHECK_INT(get(img, 4096 * 4096, 8), KA_CORRUPT);
		CHECK_INT(get(img, 4097 * 4096, 8), KA_UNSUPPORTED);
		CHECK_INT(get(img, 4990 * 4096 + 4095, 1), -1);
		CHECK_INT(get(img, 120 * 4096, 8), KA_EXCLUDED);
		CHECK_INT(get(img, 4999 * 4096, 8), KA_EXCLUDED);
		CHECK_INT(get(img, 0, 8), KA_UNMAPPED);
		CHECK_INT(get(img, 5000 * 4096, 8), KA_UNMAPPED);
		CHECK_INT(get(img, UINT64_MAX - 4, 4), KA_UNMAPPED);
		CHECK(!ka_error_drop(ka_image_read(img, 65 * 4096, zero, sizeof(zero))) && !zero[0] && !memcmp(zero, zero + 1, sizeof(zero) - 1));
	}
	img->is_zero_excluded = true;
	memset(zero, 1, sizeof(zero));
	CHECK(!ka_error_drop(ka_image_read(img, 120 * 4096, zero, 8)) && !zero[0]);
	CHECK_INT(get(img, 0, 8), KA_UNMAPPED);
	CHECK(ka_image_next_range(img, 0, &start, &end) && start == 0x1000 && end == 0x4000);
	CHECK(ka_image_next_range(img, end, &start, &end) && start == 63 * 4096 && end == 66 * 4096);
	CHECK(ka_image_next_range(img, 64 * 4096 + 5, &start, &end) && start == 64 * 4096 + 5 && end == 66 * 4096);
	CHECK(!ka_image_next_range(img, 4991 * 4096, &start, &end));
	ka_image_close(img);
}

/* Each version of the header, as each kind of machine writes it. */
static void check_kdump_headers(void)
{
	static const uint32_t blocks[] = { 4096, 16384, 65536 };

	for (unsigned i = 0; i < 6 * 4 * KA_COUNT(blocks); i++) {
		unsigned version = 1 + i % 6, kind = i / 6 % 4;
		uint32_t block = blocks[i / 24];
		char *text = ka_xprintf("kdump %u 17 300\n%s%sblock %u\nmachine %s\ncpus 2\nvmcoreinfo\nerased jiffies\npage 3 zlib\npage 70 none\nmemory 90 3\n",
					version, kind & 1 ? "big\n" : "", kind & 2 ? "bits32\n" : "", block,
					kind == 0 ? "x86_64" : kind == 1 ? "s390x" : kind == 2 ? "i686" : "i486");
		struct ka_image *img = open_text(text);

		free(text);
		if (!img)
			continue;
		CHECK(img->info.is_64bit == !(kind & 2) && img->info.is_big_endian == (kind & 1));
		CHECK_INT(img->info.e_machine, kind == 0 ? 62 : kind == 1 ? 22 : kind == 2 ? 3 : 0);
		CHECK(img->info.header_version == version && img->info.page_size == block && img->info.cpu_count == 2);
		CHECK(img->info.dump_level == 17 && img->info.phys_base == 0x123000 && img->info.timestamp == 1700000000);
		CHECK_INT(img->info.max_pfn, 300);
		CHECK_INT(img->vmcoreinfo != NULL, version >= 3);
		CHECK_INT(ka_image_prstatus(img, 1) != NULL, version >= 4);
		CHECK_STR(img->info.erased ? img->info.erased : "none", version >= 5 ? "jiffies" : "none");
		CHECK(!img->info.warning);
		CHECK_INT(get(img, 3ull * block, block), -1);
		CHECK_INT(get(img, 71ull * block - 8, 8), -1);
		CHECK_INT(get(img, 91ull * block, 8), KA_EXCLUDED);
		CHECK_INT(get(img, 0, 8), KA_UNMAPPED);
		ka_image_close(img);
	}
	for (unsigned version = 2; version <= 6; version++) {
		char *a = ka_xprintf("kdump %u 31 300\nsplit 0 64\npage 3 zlib\npage 70 none\n", version);
		char *b = ka_xprintf("kdump %u 31 300\nsplit 64 300\npage 3 zlib\npage 70 none\n", version);
		int code;
		struct ka_image *img = open_texts(b, a, NULL, &code);

		CHECK(img);
		if (img) {
			CHECK_INT(get(img, 0x3000, 16), -1);
			CHECK_INT(get(img, 70 * 4096, 16), -1);
		}
		ka_image_close(img);
		free(a);
		free(b);
	}
}

/* The message says what is wrong with the page, and where. */
static void check_says(struct ka_image *img, uint64_t phys, enum ka_error_code code, const char *words)
{
	uint8_t byte;
	struct ka_error *err = ka_image_read(img, phys, &byte, 1);

	CHECK(err);
	if (err) {
		CHECK_INT(err->code, code);
		if (!strstr(err->message, words))
			CHECK_STR(err->message, words);
	}
	ka_error_free(err);
}

static void check_messages(void)
{
	struct ka_image *img = open_text("kdump 6 31 200\npage 5 zlib\npage 6 outside\npage 7 bad\nmemory 90 5\npage 100 none\n");
	struct ka_str s;
	char *path;
	int code;

	if (img) {
		CHECK(!img->info.is_incomplete);
		check_says(img, 0x6010, KA_CORRUPT, "the page descriptor at 0x4018 of ");
		check_says(img, 0x7000, KA_CORRUPT, "zlib");
		check_says(img, 90 * 4096, KA_EXCLUDED, "-d 31: cache, private cache, user or free page");
	}
	ka_image_close(img);
	img = open_text("kdump 6 16 200\npage 5 zlib\nmemory 90 5\n");
	if (img)
		check_says(img, 90 * 4096, KA_EXCLUDED, "(-d 16: free page)");
	ka_image_close(img);
	img = open_texts("kdump 6 31 3000\nsplit 0 128\npage 3 zlib\npage 500 none\n", NULL, NULL, &code);
	if (img)
		check_says(img, 500 * 4096, KA_TRUNCATED, "page frames 0x80 to 0xbb8");
	CHECK(img && img->info.warning);
	ka_image_close(img);
	/* cut within a page: the pages before are whole */
	s = test_image("kdump 6 0 200\npage 5 none\npage 6 none\npage 7 none\npage 8 none\n");
	path = test_bytes_file(directory, "cut", s.p, s.len - 5000);
	img = open_paths(&path, 1, &code);
	CHECK(img && img->info.is_incomplete && strstr(img->info.warning, "about 2 of its 4 pages"));
	if (img) {
		CHECK_INT(get(img, 0x5000, 0x2000), -1);
		check_says(img, 0x7000, KA_TRUNCATED, "0x388 bytes before the end of what is wanted");
	}
	ka_image_close(img);
	ka_str_free(&s);
	/* what was read as zeros is counted, and not kept */
	img = open_text("kdump 6 31 200\npage 5 zlib\nmemory 90 5\n");
	if (img) {
		uint8_t byte = 1;

		img->is_zero_excluded = true;
		CHECK(!ka_error_drop(ka_image_read(img, 90 * 4096, &byte, 1)) && !byte && img->zeroed == 1);
		img->is_zero_excluded = false;
		CHECK_INT(get(img, 90 * 4096, 1), KA_EXCLUDED);
	}
	ka_image_close(img);
}

/* Memory without headers, and LiME's ranges. */
static void check_raw(void)
{
	static const char lime[] = "lime 1\nrange 0x1000 0x9f000\nrange 0x100000 0x5123\nrange 0x200000 0x1000\n";
	struct ka_image *img = open_text(lime);
	struct ka_file *files[2];
	struct ka_str s;
	uint64_t start, end;
	uint8_t bytes[0x3000];
	char *path;
	int code;

	if (img) {
		CHECK_STR(img->info.format, "LiME");
		CHECK(!img->info.warning && !img->info.e_machine);
		CHECK_INT(get(img, 0x1000, 0x9f000), -1);
		CHECK_INT(get(img, 0x105120, 3), -1);
		CHECK_INT(get(img, 0x105120, 4), KA_UNMAPPED);
		CHECK_INT(get(img, 0x200ff0, 16), -1);
		CHECK(ka_image_next_range(img, 0x101000, &start, &end) && start == 0x101000 && end == 0x105123);
	}
	ka_image_close(img);
	s = test_image(lime);
	path = test_bytes_file(directory, "lime-cut", s.p, s.len - 0x2000);
	img = open_paths(&path, 1, &code);
	CHECK(img && img->info.is_incomplete && strstr(img->info.warning, "0xfe0 bytes are missing"));
	if (img) {
		CHECK_INT(get(img, 0x100000, 0x4000), -1);
		CHECK_INT(get(img, 0x104123, 0x1000), KA_TRUNCATED);
	}
	ka_image_close(img);
	memset(s.p + 32 + 0x9f000, 'x', 4);	/* the second header */
	path = test_bytes_file(directory, "lime-bad", s.p, s.len);
	img = open_paths(&path, 1, &code);
	CHECK(img && strstr(img->info.warning, "no range of LiME at 0x9f020"));
	if (img)
		CHECK_INT(get(img, 0x9fff0, 16), -1);
	ka_image_close(img);
	ka_str_free(&s);
	CHECK(!open_texts("lime 3\nrange 0 0x1000\n", NULL, NULL, &code));
	CHECK_INT(code, KA_UNSUPPORTED);
	/* padded LiME is raw memory; two files, which overlap, the first counts */
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = test_byte(0x8000 + i);
	path = test_image_file(directory, "padded", "lime 1\npadded\nrange 0x1000 0x1000\nrange 0x5000 0x4000\n");
	CHECK(!ka_error_drop(ka_file_open_raw(path, 0, &files[0])));
	unlink(path);
	free(path);
	path = test_bytes_file(directory, "raw", bytes, sizeof(bytes));
	CHECK(!ka_error_drop(ka_file_open_raw(path, 0x8000, &files[1])));
	unlink(path);
	free(path);
	CHECK(!ka_error_drop(ka_image_open(files, 2, &img)));
	CHECK(strstr(img->info.warning, "overlap at physical 0x8000"));
	CHECK_INT(get(img, 0x5000, 0x6000), -1);
	CHECK_INT(get(img, 0x1000, 0x1000), -1);
	CHECK(!ka_error_drop(ka_image_read(img, 0x3000, bytes, 8)) && !bytes[0]);
	CHECK_INT(get(img, 0xb000, 8), KA_UNMAPPED);
	ka_image_close(img);
}

static void check_elf_headers(void)
{
	/* unsorted, nested, and the same memory twice: the first header counts */
	struct ka_image *img = open_text("elf 64\nload 0x9000 0x1000 0x1000\nload 0x1000 0x10000 0x10000\nload 0x3000 0x1000 0x2000\nload 0x20000 0x10 0x2000\nload 0x10800 0x1800 0x1800\n");
	uint64_t start, end;
	int code;

	if (img) {
		CHECK_INT(get(img, 0x1000, 0x11000), -1);
		CHECK_INT(get(img, 0x20010, 1), KA_EXCLUDED);
		CHECK(ka_image_next_range(img, 0, &start, &end) && start == 0x1000 && end == 0x12000);
	}
	ka_image_close(img);
	/* a copy of an old /proc/kcore: the direct map's addresses say it */
	img = open_text("elf 64\nnophys 0\nload 0x1000 0x1000 0x1000\nload 0x100000 0x2000 0x2000\n");
	if (img) {
		CHECK_INT(get(img, 0x1000, 0x1000), -1);
		CHECK_INT(get(img, 0x100000, 0x2000), -1);
		CHECK_INT(get(img, 0, 1), KA_UNMAPPED);
	}
	ka_image_close(img);
	img = open_text("elf 64\nnophys 1\nload 0x1000 0x1000 0x1000\nload 0x100000 0x2000 0x2000\n");
	if (img)
		CHECK_INT(get(img, 0x101000, 0x1000), -1);
	ka_image_close(img);
	CHECK(!open_texts("elf 64 183\nnophys 0\nload 0x1000 0x1000 0x1000\nload 0x100000 0x2000 0x2000\n", NULL, NULL, &code));
	CHECK_INT(code, KA_UNSUPPORTED);
	/* kexec's 32-bit headers of a 64-bit kernel: its notes have the size of 64-bit ones */
	img = open_text("elf 32\ncpus 1\nload 0x1000 0x1000 0x1000\n");
	if (img)
		CHECK(img->info.e_machine == 62 && img->info.is_64bit);
	ka_image_close(img);
}

static void check_compressions(void)
{
	static const struct { const char *name; bool is_in; } kinds[] = {
		{ "zlib", true }, { "lzo", KA_HAVE_LZO }, { "snappy", KA_HAVE_SNAPPY }, { "zstd", KA_HAVE_ZSTD },
	};

	for (size_t i = 0; i < KA_COUNT(kinds); i++) {
		char *text = ka_xprintf("kdump 6 0 64\npage 5 %s\npage 6 none\npage 7 %s\n", kinds[i].name, kinds[i].name);
		struct ka_image *img = kinds[i].is_in ? open_text(text) : NULL;

		if (img) {
			CHECK_INT(get(img, 0x5000, 0x3000), -1);
			CHECK(!img->info.is_partial);
		}
		ka_image_close(img);
		free(text);
	}
}

static void check_split(void)
{
	static const char a[] = "kdump 6 31 3000\ncpus 2\nsplit 0 128\npage 3 zlib\npage 127 none\npage 128 none\npage 2000 zlib\npage 2999 none\n",
			  b[] = "kdump 6 31 3000\ncpus 2\nsplit 128 2000\npage 3 zlib\npage 127 none\npage 128 none\npage 2000 zlib\npage 2999 none\n",
			  c[] = "kdump 6 31 3000\ncpus 2\nsplit 2000 3000\npage 3 zlib\npage 127 none\npage 128 none\npage 2000 zlib\npage 2999 none\n",
			  other[] = "kdump 6 31 3000\ncpus 2\ntime 5\nsplit 2000 3000\npage 2000 zlib\n";
	struct ka_image *img;
	int code;

	img = open_texts(c, a, b, &code);
	CHECK(img);
	if (img) {
		CHECK(img->info.is_split && !img->info.is_incomplete && !img->info.warning);
		CHECK(ka_image_prstatus(img, 1) && !ka_image_prstatus(img, 2));
		CHECK_INT(get(img, 127 * 4096, 0x2000), -1);
		CHECK_INT(get(img, 2000 * 4096, 0x1000), -1);
		CHECK_INT(get(img, 2999 * 4096, 0x1000), -1);
	}
	ka_image_close(img);
	img = open_texts(a, c, NULL, &code);
	CHECK(img);
	if (img) {
		CHECK(img->info.is_incomplete && img->info.warning && strstr(img->info.warning, "0x80 to 0x7d0"));
		CHECK_INT(get(img, 128 * 4096, 8), KA_TRUNCATED);
		CHECK_INT(get(img, 127 * 4096, 8), -1);
	}
	ka_image_close(img);
	CHECK(!open_texts(a, b, other, &code));
	CHECK_INT(code, KA_USAGE);
	CHECK(!open_texts(a, b, b, &code));
	CHECK_INT(code, KA_USAGE);
	CHECK(!open_texts("kdump 6 0 64\npage 1 none\n", "elf 64\nload 0 16 16\n", NULL, &code));
	CHECK_INT(code, KA_USAGE);
	CHECK(!open_texts("elf 64\nload 0 16 16\n", "elf 64\nload 0 16 16\n", NULL, &code));
	CHECK_INT(code, KA_USAGE);
}

static void check_incomplete(void)
{
	struct ka_image *img = open_text("kdump 6 0 64\nstatus 8\npage 5 zlib\npage 6 none\npage 7 unwritten\npage 8 unwritten\n");
	uint8_t byte = 1;

	if (!img)
		return;
	CHECK(img->info.is_incomplete && img->info.warning);
	CHECK_INT(get(img, 0x5000, 0x2000), -1);
	CHECK_INT(get(img, 0x7000, 8), KA_TRUNCATED);
	img->is_zero_excluded = true;
	CHECK(!ka_error_drop(ka_image_read(img, 0x8000, &byte, 1)) && !byte);
	ka_image_close(img);
}

static void check_elf(const char *head)
{
	/* not in order, overlapping, not page-aligned, without the end, without anything, in the wild */
	char *text = ka_xprintf("%s\ncpus 3\nvmcoreinfo\nload 0x9000 0x3000 0x5000\nload 0x1000 0x1c00 0x1c00\nload 0x2c00 0x400 0x400\n"
				"load 0xa000 0x800 0x800\nload 0x20000 0 0x4000\nload 0x22000 0x1000 0x1000\nload 0x50000 16 16 at 0x7000000\n", head);
	struct ka_image *img = open_text(text);
	uint64_t start, end;

	free(text);
	if (!img)
		return;
	CHECK_STR(img->info.format, "ELF vmcore");
	CHECK(ka_image_prstatus(img, 2) && !ka_image_prstatus(img, 3) && img->vmcoreinfo);
	CHECK(img->info.is_partial && img->info.is_incomplete && img->info.warning);
	CHECK_INT(get(img, 0x1000, 0x2000), -1);	/* over the seam within a page */
	CHECK_INT(get(img, 0x9000, 0x3000), -1);
	CHECK_INT(get(img, 0xbfff, 2), KA_EXCLUDED);
	CHECK_INT(get(img, 0xdfff, 1), KA_EXCLUDED);
	CHECK_INT(get(img, 0xe000, 1), KA_UNMAPPED);
	CHECK_INT(get(img, 0x21000, 8), KA_EXCLUDED);
	CHECK_INT(get(img, 0x22ff8, 8), -1);		/* what another segment has wins */
	CHECK_INT(get(img, 0x23000, 8), KA_EXCLUDED);
	CHECK_INT(get(img, 0x50000, 8), KA_TRUNCATED);
	CHECK_INT(get(img, 0, 8), KA_UNMAPPED);
	CHECK(ka_image_next_range(img, 0, &start, &end) && start == 0x1000 && end == 0x3000);
	CHECK(ka_image_next_range(img, 0xc000, &start, &end) && start == 0x22000 && end == 0x23000);
	CHECK(!ka_image_next_range(img, 0x51000, &start, &end));
	ka_image_close(img);
}

static void check_refused(void)
{
	static const struct { const char *magic; size_t size; int code; const char *says; } kinds[] = {
		{ "DISKDUMP", 8, KA_UNSUPPORTED, "diskdump" }, { "\xd2\xbe\xd2\xbe", 4, KA_UNSUPPORTED, "vmss2core" },
		{ "\xed\xeb\x0f\xf0", 4, KA_UNSUPPORTED, "Xen" }, { "QEVM", 4, KA_UNSUPPORTED, "dump-guest-memory" },
		{ "\xa8\x19\x01\x73\x61\x8f\x23\xfd", 8, KA_UNSUPPORTED, "s390" }, { "\x1f\x8b\x08", 3, KA_UNSUPPORTED, "gzip" },
		{ "\xfd" "7zXZ\0", 6, KA_UNSUPPORTED, "xz" }, { "\x28\xb5\x2f\xfd", 4, KA_UNSUPPORTED, "zstd" }, { "hello", 5, KA_FORMAT, "neither" },
		{ "KDUMP   ", 8, KA_CORRUPT, "pages of 0 bytes" }, { "\x7f" "ELF\2\1\1\0\0\0\0\0\0\0\0\0\4", 17, KA_CORRUPT, "program headers" },
	};
	char *path;
	int code;

	for (size_t i = 0; i < KA_COUNT(kinds); i++) {
		uint8_t bytes[8192] = { 0 };

		memcpy(bytes, kinds[i].magic, kinds[i].size);
		path = test_bytes_file(directory, "refused", bytes, sizeof(bytes));
		CHECK(!open_paths(&path, 1, &code));
		CHECK_INT(code, kinds[i].code);
		CHECK(why && strstr(why, kinds[i].says));
	}
	path = test_bytes_file(directory, "empty", "", 0);
	CHECK(!open_paths(&path, 1, &code));
	CHECK_INT(code, KA_TRUNCATED);
	path = ka_xstrdup(directory);
	CHECK(!open_paths(&path, 1, &code));
	CHECK_INT(code, KA_FORMAT);
	path = ka_xprintf("%s/fifo", directory);
	CHECK_INT(mkfifo(path, 0600), 0);
	CHECK(!open_paths(&path, 1, &code));
	CHECK_INT(code, KA_UNSUPPORTED);
	path = ka_xprintf("%s/none", directory);
	CHECK(!open_paths(&path, 1, &code));
	CHECK_INT(code, KA_IO);
	CHECK(!open_texts("elf 64\nauxv\nload 0 16 16\n", NULL, NULL, &code));
	CHECK_INT(code, KA_FORMAT);
	CHECK(why && strstr(why, "user process"));
}

CHECK_MAIN
{
	if (!mkdtemp(directory)) {
		CHECK(!"mkdtemp");
		return;
	}
	check_kdump("");
	check_kdump("flat 5000\n");
	check_kdump_headers();
	check_messages();
	check_raw();
	check_elf_headers();
	check_compressions();
	check_split();
	check_incomplete();
	check_elf("elf 64");
	check_elf("elf 32");
	check_elf("elf 64\nbig");
	check_elf("elf 32\nbig\nmany");
	check_elf("elf 64\nmany\nflat 777");
	check_refused();
	free(why);
	rmdir(directory);
}
