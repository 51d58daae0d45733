/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Fuzzer of the DWARF that describes types. Input: sizes of .debug_info and .debug_abbrev (two bytes each, little
 * endian), those two, and what is left as .debug_str, .debug_line_str and .debug_str_offsets at once. They become an
 * ELF file in memory.
 */
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>
#include "debuginfo.h"

#define IDS_MAX 2048

static void look_up_again(void *ctx, enum ka_type_kind kind, const char *name, uint32_t id)
{
	struct ka_types *t = ctx;

	(void)id;
	if (kind != KA_TYPE_OTHER && !t->ops->find(t, kind, name))
		abort();	/* what is listed must be found */
}

/* Asks of every number that can be a DIE's, and of a few that cannot. */
static void ask(struct ka_types *t, size_t ids)
{
	static const char *const paths[] = { "a", "a.b", "a[1]", "a[A].b", "a[0][1]", "n.deep", "next" };
	static const char *const roots[] = { "a", "s", "outer", "union u" };
	struct ka_arena *a = ka_arena_new();
	struct ka_type_brief brief;
	struct ka_type_part *parts;
	struct ka_member member;
	uint64_t size, offset;
	uint32_t bits, type;
	int64_t value;

	for (size_t i = 0; i < KA_COUNT(roots); i++)
		for (size_t k = 0; k < KA_COUNT(paths); k++)
			ka_error_drop(ka_types_member(t, roots[i], paths[k], &member));
	for (uint32_t id = 0; id < KA_MIN(ids + 4, IDS_MAX); id++) {
		t->ops->describe(t, id, &brief);
		ka_error_drop(t->ops->size(t, id, &size));
		t->ops->member(t, id, "a", &offset, &bits, &type);
		t->ops->members(t, id, a, &parts);
		t->ops->enumerators(t, id, a, &parts);
	}
	t->ops->enumerator(t, "A", &value);
	t->ops->each_name(t, look_up_again, t);
	ka_arena_free(a);
}

struct file {
	Elf64_Ehdr ehdr;
	char names[96];
	Elf64_Shdr sections[7];
};

static size_t make_elf(uint8_t *out, const uint8_t *info, size_t info_size, const uint8_t *abbrev, size_t abbrev_size,
		       const uint8_t *str, size_t str_size)
{
	static const char names[] = "\0.debug_info\0.debug_abbrev\0.debug_str\0.debug_line_str\0.debug_str_offsets\0.shstrtab";
	static const unsigned name_at[] = { 0, 1, 13, 27, 38, 54, 73 };
	struct file f = { .ehdr = { .e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT }, .e_type = ET_EXEC,
		.e_machine = EM_X86_64, .e_version = EV_CURRENT, .e_shoff = offsetof(struct file, sections),
		.e_ehsize = sizeof(Elf64_Ehdr), .e_shentsize = sizeof(Elf64_Shdr), .e_shnum = 7, .e_shstrndx = 6 } };
	const struct { const uint8_t *at; size_t size; } parts[] = {
		{ NULL, 0 }, { info, info_size }, { abbrev, abbrev_size }, { str, str_size }, { str, str_size }, { str, str_size } };
	size_t at = sizeof(f);

	memcpy(f.names, names, sizeof(names));
	for (size_t i = 1; i < 6; i++) {
		f.sections[i] = (Elf64_Shdr){ .sh_name = name_at[i], .sh_type = SHT_PROGBITS, .sh_offset = at,
			.sh_size = parts[i].size, .sh_addralign = 1, .sh_flags = i == 3 ? SHF_MERGE | SHF_STRINGS : 0 };
		if (parts[i].size)
			memcpy(out + at, parts[i].at, parts[i].size);
		at += parts[i].size;
	}
	f.sections[6] = (Elf64_Shdr){ .sh_name = name_at[6], .sh_type = SHT_STRTAB, .sh_offset = offsetof(struct file, names),
		.sh_size = sizeof(names), .sh_addralign = 1 };
	memcpy(out, &f, sizeof(f));
	return at;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t info_size, abbrev_size, total;
	struct ka_object *o = NULL;
	struct ka_types *t = NULL;
	uint8_t *elf;
	char path[64];
	int fd;

	if (size < 4)
		return 0;
	info_size = data[0] | data[1] << 8;
	abbrev_size = data[2] | data[3] << 8;
	data += 4;
	size -= 4;
	info_size = KA_MIN(info_size, size);
	abbrev_size = KA_MIN(abbrev_size, size - info_size);
	elf = malloc(sizeof(struct file) + 3 * size);
	if (!elf)
		abort();
	total = make_elf(elf, data, info_size, data + info_size, abbrev_size, data + info_size + abbrev_size,
			 size - info_size - abbrev_size);
	fd = memfd_create("fuzz", MFD_CLOEXEC);
	if (fd < 0 || write(fd, elf, total) != (ssize_t)total)
		abort();
	free(elf);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (!ka_error_drop(ka_object_open(path, &o)) && !ka_error_drop(ka_types_open_dwarf(o, &t))) {
		ask(t, info_size);
		ka_types_close(t);
	}
	ka_object_close(o);
	close(fd);
	return 0;
}
