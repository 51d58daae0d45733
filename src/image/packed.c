/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files compressed as a whole cannot be read here and there: they are refused, with how to unpack them and the room it takes. */
#include <endian.h>
#include <inttypes.h>
#include <libgen.h>
#include <sys/statvfs.h>
#include "flat.h"
#include "image_priv.h"

/* How large the content is; 0: the file does not say. */
typedef uint64_t size_fn(const struct ka_file *f);

static bool get(const struct ka_file *f, uint64_t offset, void *ret, size_t size)
{
	return !ka_error_drop(ka_file_read_raw(f, offset, ret, size));
}

/* RFC 1952: the last four bytes have the size modulo 4 GB. What cannot be (less than the packed size) had more on top. */
static uint64_t size_gzip(const struct ka_file *f)
{
	uint32_t tail;
	uint64_t size;

	if (!get(f, f->size - 4, &tail, 4))
		return 0;
	for (size = le32toh(tail); size < f->size; size += 1ull << 32)
		;
	return size;
}

static uint64_t varint(const uint8_t **p, const uint8_t *end)
{
	uint64_t v = 0;

	for (unsigned shift = 0; *p < end && shift < 63; shift += 7) {
		uint8_t byte = *(*p)++;

		v |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return v;
	}
	*p = end + 1;
	return 0;
}

/* The index before the footer lists the blocks: unpadded and unpacked size of each. Of several streams the last is counted. */
static uint64_t size_xz(const struct ka_file *f)
{
	uint8_t footer[12], *index;
	uint64_t index_size, count, sum = 0;

	if (f->size < 32 || !get(f, f->size - sizeof(footer), footer, sizeof(footer)) || memcmp(footer + 10, "YZ", 2))
		return 0;
	index_size = ((uint64_t)(footer[4] | footer[5] << 8 | footer[6] << 16 | (uint32_t)footer[7] << 24) + 1) * 4;
	if (index_size > f->size - sizeof(footer) || index_size > 64 << 20)
		return 0;
	index = ka_xalloc(index_size);
	if (get(f, f->size - sizeof(footer) - index_size, index, index_size) && !*index) {
		const uint8_t *p = index + 1, *end = index + index_size - 4;

		for (count = varint(&p, end); count && p < end; count--) {
			varint(&p, end);
			sum += varint(&p, end);
		}
		sum = count || p > end ? 0 : sum;
	}
	free(index);
	return sum;
}

/* RFC 8878: the frame header may have the size. */
static uint64_t size_zstd(const struct ka_file *f)
{
	static const uint8_t ids[] = { 0, 1, 2, 4 };
	uint8_t head[18] = { 0 };
	uint64_t v = 0;

	if (!get(f, 0, head, sizeof(head)))
		return 0;
	bool is_single = head[4] & 0x20;
	unsigned bytes = head[4] >> 6 ? 1u << (head[4] >> 6) : is_single, at = 5 + !is_single + ids[head[4] & 3];
	for (unsigned i = 0; i < bytes; i++)
		v |= (uint64_t)head[at + i] << (8 * i);
	return bytes == 2 ? v + 256 : v;
}

static uint64_t size_lz4(const struct ka_file *f)
{
	uint8_t head[16];
	uint64_t v;

	if (!get(f, 0, head, sizeof(head)) || !(head[4] & 8))
		return 0;
	memcpy(&v, head + 6, sizeof(v));
	return le64toh(v);
}

static const struct {
	const char *magic;
	uint8_t size;
	uint16_t offset;
	const char *name, *tool;
	size_fn *unpacked;
} kinds[] = {
	{ "\x1f\x8b\x08", 3, 0, "gzip", "gzip -dk", size_gzip },
	{ "\xfd" "7zXZ", 6, 0, "xz", "xz -dk", size_xz },
	{ "\x28\xb5\x2f\xfd", 4, 0, "zstd", "zstd -d", size_zstd },
	{ "BZh", 3, 0, "bzip2", "bzip2 -dk", NULL },
	{ "\x04\x22\x4d\x18", 4, 0, "lz4", "lz4 -d", size_lz4 },
	{ "\x89LZO\0\r\n\x1a\n", 9, 0, "lzop", "lzop -d", NULL },
	{ "PK\3\4", 4, 0, "zip", "unzip", NULL },
	{ "7z\xbc\xaf\x27\x1c", 6, 0, "7-Zip", "7z x", NULL },
	{ "ustar", 5, 257, "tar", "tar xf", NULL },
};

static void add_free(struct ka_str *s, const char *path)
{
	char *copy = ka_xstrdup(path), *folder = dirname(copy);
	struct statvfs v;

	if (!statvfs(folder, &v))
		ka_str_printf(s, ", %" PRIu64 " MB are free in %s", (uint64_t)v.f_bavail * v.f_frsize >> 20, folder);
	free(copy);
}

struct ka_error *ka_packed_refuse(const struct ka_file *f)
{
	struct ka_str s = { 0 };
	struct ka_error *err;
	uint8_t head[16] = { 0 };

	for (size_t i = 0; i < KA_COUNT(kinds); i++) {
		if (f->size < kinds[i].offset + 8u || !get(f, kinds[i].offset, head, KA_MIN(sizeof(head), f->size - kinds[i].offset)) ||
		    memcmp(head, kinds[i].magic, kinds[i].size))
			continue;
		uint64_t size = kinds[i].unpacked ? kinds[i].unpacked(f) : 0;
		if (size) {
			ka_str_printf(&s, " (%" PRIu64 " MB%s unpacked", (size + (1 << 20) - 1) >> 20,
				      kinds[i].unpacked == size_gzip ? " or a multiple of 4 GB more" : "");
			add_free(&s, f->path);
			ka_str_addc(&s, ')');
		} else {
			ka_str_add(&s, " (how large it is unpacked it does not say");
			add_free(&s, f->path);
			ka_str_addc(&s, ')');
		}
		err = ka_error_new(KA_UNSUPPORTED, "%s is packed as a whole with %s%s: unpack it first: %s %s. "
				   "(makedumpfile -c, -l, -p or -z make a compressed dump that opens as it is.)",
				   f->path, kinds[i].name, s.p, kinds[i].tool, f->path);
		ka_str_free(&s);
		return err;
	}
	return NULL;
}
