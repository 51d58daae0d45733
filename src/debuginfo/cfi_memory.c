/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Call frame information of a program that lies in memory: .eh_frame through the table of .eh_frame_hdr, a few reads an address.
 * Everything comes from memory that may be another's: nothing of it is trusted.
 */
#include <dwarf.h>
#include "cfi.h"

#define ENTRY_MAX	65536		/* bytes of one CIE or FDE; the largest known have some hundreds */
#define TABLE_MAX	(64U << 20)

/* Encodings: what linkers write into .eh_frame_hdr, and nothing else in twenty years. */
enum { ENC_PCREL_SDATA4 = 0x1b, ENC_UDATA4 = 0x03, ENC_DATAREL_SDATA4 = 0x3b };

static bool read_exactly(const struct ka_cfi_memory *m, uint64_t at, void *ret, size_t size)
{
	return m->read(m->ctx, at, ret, size) == size;
}

static bool read_u32(const struct ka_cfi_memory *m, uint64_t at, uint32_t *ret)
{
	uint8_t b[4];

	if (!read_exactly(m, at, b, sizeof(b)))
		return false;
	*ret = (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
	return true;
}

/* A CIE or FDE with its length field. NULL: it cannot be read, or is none. */
static uint8_t *read_entry(const struct ka_cfi_memory *m, uint64_t at, size_t *ret_size)
{
	uint32_t size;
	uint8_t *bytes;

	if (!read_u32(m, at, &size) || !size || size > ENTRY_MAX)	/* all ones: 64-bit entries, which no compiler writes here */
		return NULL;
	bytes = ka_xalloc(size + 4);
	*ret_size = size + 4;
	if (read_exactly(m, at, bytes, *ret_size))
		return bytes;
	free(bytes);
	return NULL;
}

/* Where the FDE lies that may cover addr: the last that starts at or below it. */
static struct ka_error *find_fde(const struct ka_cfi_memory *m, uint64_t header, uint64_t addr, uint64_t *ret)
{
	uint8_t head[4];
	uint32_t count, low = 0, start = 0, fde = 0;
	uint64_t table = header + 12;

	if (!read_exactly(m, header, head, sizeof(head)))
		return ka_error_at(KA_MISSING, KA_SPACE_USER, header, "its .eh_frame_hdr at %#llx cannot be read", (unsigned long long)header);
	if (head[0] != 1 || head[1] != ENC_PCREL_SDATA4 || head[2] != ENC_UDATA4 || head[3] != ENC_DATAREL_SDATA4)
		return ka_error_at(KA_UNSUPPORTED, KA_SPACE_USER, header, "its .eh_frame_hdr has no table of a known form");
	if (!read_u32(m, header + 8, &count) || !count || count > TABLE_MAX / 8)
		return ka_error_at(KA_CORRUPT, KA_SPACE_USER, header, "its .eh_frame_hdr at %#llx is damaged", (unsigned long long)header);
	for (uint32_t high = count; low < high;) {
		uint32_t mid = low + (high - low) / 2;

		if (!read_u32(m, table + 8ull * mid, &start))
			return ka_error_at(KA_MISSING, KA_SPACE_USER, table + 8ull * mid, "its .eh_frame_hdr cannot be read at %#llx",
					   (unsigned long long)(table + 8ull * mid));
		if (header + (uint64_t)(int64_t)(int32_t)start <= addr)
			low = mid + 1;
		else
			high = mid;
	}
	if (!low)
		return ka_error_at(KA_NOT_FOUND, KA_SPACE_USER, addr, "it has no call frame information for %#llx", (unsigned long long)addr);
	if (!read_u32(m, table + 8ull * (low - 1) + 4, &fde))
		return ka_error_at(KA_MISSING, KA_SPACE_USER, table, "its .eh_frame_hdr cannot be read");
	*ret = header + (uint64_t)(int64_t)(int32_t)fde;
	return NULL;
}

struct ka_error *ka_cfi_search(const struct ka_cfi_memory *m, uint64_t header, uint64_t addr, struct ka_frame_rules *ret)
{
	static char path[] = "the program's memory";
	struct ka_object o = { .path = path, .fd = -1, .is_64bit = m->is_64bit, .e_machine = m->e_machine };
	struct ka_cfi_fde f = { 0 };
	uint8_t *fde = NULL, *cie = NULL;
	size_t fde_size = 0, cie_size = 0;
	uint64_t at = 0, cie_at;
	uint32_t id;
	struct ka_error *err = find_fde(m, header, addr, &at);

	memset(ret, 0, sizeof(*ret));
	if (err)
		return err;
	fde = read_entry(m, at, &fde_size);
	if (!fde || fde_size < 16)
		goto damaged;
	memcpy(&id, fde + 4, sizeof(id));
	cie_at = at + 4 - id;
	cie = read_entry(m, cie_at, &cie_size);
	if (!cie || !ka_cfi_parse(&o, cie, cie_size, cie_at, fde, fde_size, at, &f))
		goto damaged;
	if (addr - f.start >= f.size)
		err = ka_error_at(KA_NOT_FOUND, KA_SPACE_USER, addr, "it has no call frame information for %#llx", (unsigned long long)addr);
	else
		err = ka_cfi_row(&f, addr, ret);
	free(fde);
	free(cie);
	return err;
damaged:
	free(fde);
	free(cie);
	return ka_error_at(KA_CORRUPT, KA_SPACE_USER, at, "its call frame information at %#llx cannot be read, or is damaged",
			   (unsigned long long)at);
}
