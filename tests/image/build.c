/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Dump files from a short text: see build.h. */
#include <elf.h>
#include <endian.h>
#include <stdio.h>
#include <zlib.h>
#include "ka-config.h"
#include "build.h"
#if KA_HAVE_LZO
#include <lzo/lzo1x.h>
#endif
#if KA_HAVE_SNAPPY
#include <snappy-c.h>
#endif
#if KA_HAVE_ZSTD
#include <zstd.h>
#endif

enum { PAGE = 4096, LINES_MAX = 320 };

struct line {
	char word[16], how[16];
	uint64_t a, b, c, d;
};

struct text {
	struct line at[LINES_MAX];
	size_t n;
	bool is_big, is_64;
	size_t block;	/* of a kdump file */
	bool has_no_phys;
	uint64_t no_phys, machine;
	uint8_t page[65536], packed[2 * 65536];
};

uint8_t test_byte(uint64_t phys)
{
	/* Compressible, and no two pages alike. */
	return (uint8_t)(phys % 8 ? phys >> 12 : ka_hash_u64(phys >> 6));
}

static void parse(struct text *t, const char *text)
{
	t->is_64 = true;
	t->block = PAGE;
	while (*text && t->n < LINES_MAX) {
		struct line *l = &t->at[t->n];
		size_t length = strcspn(text, "\n");
		char *copy = ka_xstrndup(text, length), *rest = copy + strcspn(copy, " ");

		snprintf(l->word, sizeof(l->word), "%.*s", (int)(rest - copy), copy);
		l->a = strtoull(rest, &rest, 0);
		l->b = strtoull(rest, &rest, 0);
		l->c = strtoull(rest, &rest, 0);
		if (sscanf(rest, " at %li", (long *)&l->d) != 1)
			sscanf(rest, "%15s", l->how);
		if (!strcmp(l->word, "nophys"))
			t->no_phys = l->a ? UINT64_MAX : 0, t->has_no_phys = true;
		if (!strcmp(l->word, "elf") && l->b)
			t->machine = l->b;
		t->is_big |= !strcmp(l->word, "big");
		if (!strcmp(l->word, "elf"))
			t->is_64 = l->a == 64;
		t->is_64 &= strcmp(l->word, "bits32") != 0;
		if (!strcmp(l->word, "block"))
			t->block = l->a;
		t->n += l->word[0] != 0;
		text += length + (text[length] == '\n');
		free(copy);
	}
}

static const struct line *line_of(const struct text *t, const char *word)
{
	for (size_t i = 0; i < t->n; i++)
		if (!strcmp(t->at[i].word, word))
			return &t->at[i];
	return NULL;
}

static void put(const struct text *t, struct ka_str *s, size_t at, uint64_t v, size_t size)
{
	if (s->len < at + size)
		ka_str_pad(s, 0, at + size - s->len);
	for (size_t i = 0; i < size; i++)
		s->p[at + (t->is_big ? size - 1 - i : i)] = (char)(v >> (8 * i));
}

static void add(const struct text *t, struct ka_str *s, uint64_t v, size_t size)
{
	put(t, s, s->len, v, size);
}

static void note(const struct text *t, struct ka_str *s, const char *name, uint32_t type, const void *desc, size_t size)
{
	size_t name_size = strlen(name) + 1;

	add(t, s, name_size, 4);
	add(t, s, size, 4);
	add(t, s, type, 4);
	ka_str_addn(s, name, name_size);
	ka_str_pad(s, 0, -name_size & 3);
	ka_str_addn(s, desc, size);
	ka_str_pad(s, 0, -size & 3);
}

static const char info_text[] = "OSRELEASE=test\nPAGESIZE=4096\n";

static struct ka_str notes_of(const struct text *t)
{
	const struct line *cpus = line_of(t, "cpus");
	struct ka_str s = { 0 };
	uint8_t regs[336];

	for (uint64_t i = 0; cpus && i < cpus->a; i++) {
		memset(regs, (int)i + 1, sizeof(regs));
		note(t, &s, "CORE", NT_PRSTATUS, regs, sizeof(regs));
	}
	if (line_of(t, "auxv"))
		note(t, &s, "CORE", NT_AUXV, "auxv", 4);
	if (line_of(t, "vmcoreinfo"))
		note(t, &s, "VMCOREINFO", 0, info_text, sizeof(info_text) - 1);
	return s;
}

/* Packs a page; the flags of its descriptor. */
static uint32_t pack(const char *how, const uint8_t *page, size_t block, uint8_t *ret, size_t *size)
{
	if (!strcmp(how, "zlib") || !strcmp(how, "bad")) {
		uLongf n = *size;

		compress2(ret, &n, page, block, 1);
		*size = n;
		if (how[0] == 'b')
			memset(ret, 0xff, n / 2);
		return 1;
	}
#if KA_HAVE_LZO
	if (!strcmp(how, "lzo")) {
		void *work = ka_xalloc(LZO1X_1_MEM_COMPRESS);
		lzo_uint n = *size;

		lzo1x_1_compress(page, block, ret, &n, work);
		*size = n;
		free(work);
		return 2;
	}
#endif
#if KA_HAVE_SNAPPY
	if (!strcmp(how, "snappy")) {
		snappy_compress((const char *)page, block, (char *)ret, size);
		return 4;
	}
#endif
#if KA_HAVE_ZSTD
	if (!strcmp(how, "zstd")) {
		*size = ZSTD_compress(ret, *size, page, block, 1);
		return 0x20;
	}
#endif
	memcpy(ret, page, block);
	*size = block;
	return !strcmp(how, "flags") ? 0x40 : 0;
}

static struct ka_str build_kdump(struct text *t)
{
	const struct line *k = line_of(t, "kdump"), *split = line_of(t, "split"), *status = line_of(t, "status"), *time = line_of(t, "time");
	const struct line *machine = line_of(t, "machine"), *erased = line_of(t, "erased");
	size_t block = t->block;
	uint64_t max_pfn = k->c, bitmap_blocks = (max_pfn + 8 * block - 1) / (8 * block);
	struct ka_str s = { 0 }, notes = notes_of(t);
	uint64_t sub_blocks = (104 + notes.len + 64 + block - 1) / block, bitmap = (1 + sub_blocks) * block;
	uint64_t descs = bitmap + 2 * bitmap_blocks * block, data, zero = 0, count = 0, index = 0;

	ka_str_addn(&s, "KDUMP   ", 8);
	add(t, &s, k->a, 4);
	for (const char *const *u = (const char *const[]){ "Linux", "node", "6.1.0-test", "#1", machine ? machine->how : "x86_64", "domain", NULL }; *u; u++) {
		ka_str_add(&s, *u);
		ka_str_pad(&s, 0, 65 - strlen(*u));
	}
	/* as struct disk_dump_header and kdump_sub_header are laid out with 64 and with 32 bits (of an x86) */
	size_t w = t->is_64 ? 8 : 4, head = t->is_64 ? 424 : 412;
	const size_t at64[] = { 32, 40, 48, 56, 64, 72, 80, 88, 96 }, at32[] = { 20, 28, 32, 40, 44, 52, 56, 64, 72 }, *sub = t->is_64 ? at64 : at32;
	put(t, &s, t->is_64 ? 408 : 404, time ? time->a : 1700000000, w);
	put(t, &s, head, 1 | (status ? status->a : 0), 4);
	put(t, &s, head + 4, block, 4);
	put(t, &s, head + 8, sub_blocks, 4);
	put(t, &s, head + 12, 2 * bitmap_blocks, 4);
	put(t, &s, head + 16, k->a >= 6 ? 0xffffffff : max_pfn, 4);
	put(t, &s, head + 36, 2, 4);
	put(t, &s, block, 0x123000, w);
	if (k->a >= 1)
		put(t, &s, block + w, k->b, 4);
	if (split) {
		put(t, &s, block + w + 4, 1, 4);
		put(t, &s, block + w + 8, k->a >= 6 ? 77 : split->a, w);	/* obsolete since 6 */
		put(t, &s, block + 2 * w + 8, k->a >= 6 ? 88 : split->b, w);
	}
	if (notes.len && k->a >= 3 && line_of(t, "vmcoreinfo")) {
		put(t, &s, block + sub[0], block + 104 + notes.len - ((sizeof(info_text) - 1 + 3) & ~3u), 8);
		put(t, &s, block + sub[1], sizeof(info_text) - 1, w);
	}
	if (notes.len && k->a >= 4) {
		put(t, &s, block + sub[2], block + 104, 8);
		put(t, &s, block + sub[3], notes.len, w);
	}
	if (erased && k->a >= 5) {
		put(t, &s, block + sub[4], block + 104 + notes.len, 8);
		put(t, &s, block + sub[5], strlen(erased->how), w);
	}
	if (k->a >= 6) {
		put(t, &s, block + sub[6], split ? split->a : 0, 8);
		put(t, &s, block + sub[7], split ? split->b : 0, 8);
		put(t, &s, block + sub[8], max_pfn, 8);
	}
	if (s.len < block + 104)
		ka_str_pad(&s, 0, block + 104 - s.len);
	ka_str_addn(&s, notes.p ? notes.p : "", notes.len);
	if (erased)
		ka_str_add(&s, erased->how);
	ka_str_pad(&s, 0, descs - s.len);
	for (size_t i = 0; i < t->n; i++) {
		const struct line *l = &t->at[i];
		bool is_page = !strcmp(l->word, "page");

		for (uint64_t pfn = l->a; (is_page && pfn == l->a) || (!strcmp(l->word, "memory") && pfn < l->a + l->b); pfn++) {
			s.p[bitmap + pfn / 8] |= (char)(1 << pfn % 8);
			if (is_page)
				s.p[bitmap + bitmap_blocks * block + pfn / 8] |= (char)(1 << pfn % 8);
		}
		count += is_page && !(split && (l->a < split->a || l->a >= split->b));
	}
	ka_str_pad(&s, 0, count * 24);
	data = s.len;
	for (size_t i = 0; i < t->n; i++) {	/* pages rise in the text as in the file */
		const struct line *l = &t->at[i];
		uint8_t *page = t->page, *packed = t->packed;
		size_t size = 2 * block;

		if (strcmp(l->word, "page") || (split && (l->a < split->a || l->a >= split->b)))
			continue;
		uint64_t desc = descs + index++ * 24;
		if (!strcmp(l->how, "unwritten"))
			continue;
		for (size_t b = 0; b < block; b++)
			page[b] = !strcmp(l->how, "zero") ? 0 : test_byte(l->a * block + b);
		uint32_t flags = pack(l->how, page, block, packed, &size);
		data = s.len;
		if (!strcmp(l->how, "zero") && zero)
			data = zero;
		else
			ka_str_addn(&s, packed, size);
		if (!strcmp(l->how, "zero"))
			zero = data;
		if (!strcmp(l->how, "outside"))
			data += 1ull << 40;
		put(t, &s, desc, data, 8);
		put(t, &s, desc + 8, size, 4);
		put(t, &s, desc + 12, flags, 4);
	}
	ka_str_free(&notes);
	return s;
}

static void program_header(const struct text *t, struct ka_str *s, uint32_t type, uint64_t offset, uint64_t phys, uint64_t file, uint64_t mem)
{
	size_t w = t->is_64 ? 8 : 4;

	add(t, s, type, 4);
	if (t->is_64)
		add(t, s, 7, 4);
	add(t, s, offset, w);
	add(t, s, type == PT_LOAD ? 0xffff888000000000 + phys : 0, w);
	add(t, s, type == PT_LOAD && t->has_no_phys ? t->no_phys : phys, w);
	add(t, s, file, w);
	add(t, s, mem, w);
	if (!t->is_64)
		add(t, s, 7, 4);
	add(t, s, 0, w);
}

static struct ka_str build_elf(const struct text *t)
{
	const struct line *status = line_of(t, "status");
	struct ka_str s = { 0 }, notes = notes_of(t);
	size_t w = t->is_64 ? 8 : 4, head = t->is_64 ? 64 : 52, entry = t->is_64 ? 56 : 32, section = t->is_64 ? 64 : 40, loads = 0;
	bool is_many = line_of(t, "many");

	for (size_t i = 0; i < t->n; i++)
		loads += !strcmp(t->at[i].word, "load");
	uint64_t at = head + entry * (loads + 1), first = (at + (is_many ? section : 0) + notes.len + 15) & ~15ull;
	ka_str_addn(&s, ELFMAG, 4);
	add(t, &s, t->is_64 ? ELFCLASS64 : ELFCLASS32, 1);
	add(t, &s, t->is_big ? ELFDATA2MSB : ELFDATA2LSB, 1);
	add(t, &s, 1, 1);
	ka_str_pad(&s, 0, 9);
	add(t, &s, ET_CORE, 2);
	add(t, &s, t->machine ? t->machine : t->is_big ? EM_S390 : t->is_64 ? EM_X86_64 : EM_386, 2);
	add(t, &s, 1, 4);
	add(t, &s, 0, w);
	add(t, &s, head, w);
	add(t, &s, is_many ? at : 0, w);
	add(t, &s, status ? status->a : 0, 4);
	add(t, &s, head, 2);
	add(t, &s, entry, 2);
	add(t, &s, is_many ? PN_XNUM : loads + 1, 2);
	add(t, &s, section, 2);
	add(t, &s, is_many, 2);
	add(t, &s, 0, 2);
	at += is_many ? section : 0;
	program_header(t, &s, PT_NOTE, at, 0, notes.len, notes.len);
	for (size_t i = 0, to = first; i < t->n; i++) {
		const struct line *l = &t->at[i];

		if (strcmp(l->word, "load"))
			continue;
		program_header(t, &s, PT_LOAD, l->d ? l->d : to, l->a, l->b, l->c);
		to += l->b;
	}
	if (is_many) {	/* sh_info, behind name, type, flags, addr, offset, size and link */
		size_t start = s.len;

		ka_str_pad(&s, 0, section);
		put(t, &s, start + (t->is_64 ? 44 : 28), loads + 1, 4);
	}
	ka_str_addn(&s, notes.p ? notes.p : "", notes.len);
	ka_str_pad(&s, 0, first - s.len);
	for (size_t i = 0; i < t->n; i++)
		for (uint64_t b = 0; !strcmp(t->at[i].word, "load") && b < t->at[i].b; b++)
			ka_str_addc(&s, (char)test_byte(t->at[i].a + b));
	ka_str_free(&notes);
	return s;
}

/* Blocks from the last to the first, so that the order in the stream is not the order in the file. */
static struct ka_str flatten(struct ka_str *plain, size_t block)
{
	static const struct text big = { .is_big = true };
	struct ka_str s = { 0 };

	ka_str_add(&s, "makedumpfile");
	ka_str_pad(&s, 0, 4);
	add(&big, &s, 1, 8);
	add(&big, &s, 1, 8);
	ka_str_pad(&s, 0, PAGE - s.len);
	for (size_t i = (plain->len + block - 1) / block; i-- > 0;) {
		size_t size = KA_MIN(block, plain->len - i * block);

		add(&big, &s, i * block, 8);
		add(&big, &s, size, 8);
		ka_str_addn(&s, plain->p + i * block, size);
	}
	add(&big, &s, UINT64_MAX, 8);
	add(&big, &s, UINT64_MAX, 8);
	ka_str_free(plain);
	return s;
}

/* "range" lines; "padded": zeros between them and no headers. */
static struct ka_str build_lime(const struct text *t)
{
	bool is_padded = line_of(t, "padded");
	struct ka_str s = { 0 };

	for (size_t i = 0; i < t->n; i++) {
		const struct line *l = &t->at[i];

		if (strcmp(l->word, "range"))
			continue;
		if (is_padded) {
			ka_str_pad(&s, 0, l->a - s.len);
		} else {
			add(t, &s, 0x4c694d45, 4);
			add(t, &s, line_of(t, "lime")->a, 4);
			add(t, &s, l->a, 8);
			add(t, &s, l->a + l->b - 1, 8);
			add(t, &s, 0, 8);
		}
		for (uint64_t b = 0; b < l->b; b++)
			ka_str_addc(&s, (char)test_byte(l->a + b));
	}
	return s;
}

struct ka_str test_image(const char *text)
{
	struct text *t = ka_xalloc(sizeof(*t));
	struct ka_str s;

	parse(t, text);
	s = line_of(t, "kdump") ? build_kdump(t) : line_of(t, "lime") ? build_lime(t) : build_elf(t);
	if (line_of(t, "flat"))
		s = flatten(&s, line_of(t, "flat")->a);
	free(t);
	return s;
}

char *test_bytes_file(const char *directory, const char *name, const void *bytes, size_t size)
{
	char *path = ka_xprintf("%s/%s", directory, name);
	FILE *f = fopen(path, "wb");

	if (!f || fwrite(bytes, 1, size, f) != size || fclose(f))
		fprintf(stderr, "cannot write %s\n", path);
	return path;
}

char *test_image_file(const char *directory, const char *name, const char *text)
{
	struct ka_str s = test_image(text);
	char *path = test_bytes_file(directory, name, s.p, s.len);

	ka_str_free(&s);
	return path;
}
