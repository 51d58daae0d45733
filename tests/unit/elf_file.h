/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Small ELF files made in the test, of either class and byte order, and a directory to put files into. */
#ifndef KA_ELF_FILE_H
#define KA_ELF_FILE_H

#include <dirent.h>
#include <elf.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ELF_SECTIONS 40

struct elf_file {
	bool is_32, is_be;
	unsigned type, machine;
	struct elf_section {
		const char *name;
		uint32_t type;
		uint64_t flags, addr;
		const void *data;
		size_t size;
		uint32_t link, info;	/* index of a section as added: the first is 1 */
	} sections[ELF_SECTIONS];
	unsigned count;
};

/* Returns the index of the section. */
__attribute__((unused))
static unsigned elf_add(struct elf_file *f, const char *name, uint32_t type, uint64_t flags, uint64_t addr, const void *data, size_t size)
{
	f->sections[f->count] = (struct elf_section){ .name = name, .type = type, .flags = flags, .addr = addr, .data = data, .size = size };
	return ++f->count;
}

__attribute__((unused))
static void elf_put(const struct elf_file *f, uint8_t *at, uint64_t value, size_t size)
{
	for (size_t i = 0; i < size; i++)
		at[f->is_be ? size - 1 - i : i] = (uint8_t)(value >> (8 * i));
}

#define ELF_PUT(f, p, type, member, value) do {								\
	if (!(f)->is_32)										\
		elf_put(f, (p) + offsetof(Elf64_##type, member), value, sizeof(((Elf64_##type *)0)->member));	\
	else												\
		elf_put(f, (p) + offsetof(Elf32_##type, member), value, sizeof(((Elf32_##type *)0)->member));	\
} while (0)

/* The file's bytes, to be freed. */
__attribute__((unused))
static uint8_t *elf_bytes(const struct elf_file *f, size_t *ret_size)
{
	size_t header = f->is_32 ? sizeof(Elf32_Ehdr) : sizeof(Elf64_Ehdr), entry = f->is_32 ? sizeof(Elf32_Shdr) : sizeof(Elf64_Shdr);
	size_t size = header, at = header, names_at, names = 1;

	for (unsigned i = 0; i < f->count; i++)
		size += (f->sections[i].size + 7) / 8 * 8 + strlen(f->sections[i].name) + 1;
	size += 64 + (f->count + 2) * entry;
	uint8_t *p = calloc(1, size);

	memcpy(p, ELFMAG, SELFMAG);
	p[EI_CLASS] = f->is_32 ? ELFCLASS32 : ELFCLASS64;
	p[EI_DATA] = f->is_be ? ELFDATA2MSB : ELFDATA2LSB;
	p[EI_VERSION] = EV_CURRENT;
	ELF_PUT(f, p, Ehdr, e_type, f->type);
	ELF_PUT(f, p, Ehdr, e_machine, f->machine);
	ELF_PUT(f, p, Ehdr, e_version, EV_CURRENT);
	ELF_PUT(f, p, Ehdr, e_ehsize, header);
	ELF_PUT(f, p, Ehdr, e_shentsize, entry);
	ELF_PUT(f, p, Ehdr, e_shnum, f->count + 2);
	ELF_PUT(f, p, Ehdr, e_shstrndx, f->count + 1);
	size_t offsets[ELF_SECTIONS];

	for (unsigned i = 0; i < f->count; i++) {
		offsets[i] = at;
		if (f->sections[i].type != SHT_NOBITS && f->sections[i].size) {
			memcpy(p + at, f->sections[i].data, f->sections[i].size);
			at += (f->sections[i].size + 7) / 8 * 8;
		}
	}
	names_at = at;
	size_t name_at[ELF_SECTIONS + 1];

	for (unsigned i = 0; i <= f->count; i++) {
		const char *name = i < f->count ? f->sections[i].name : ".shstrtab";

		name_at[i] = names;
		strcpy((char *)p + names_at + names, name);
		names += strlen(name) + 1;
	}
	at = (names_at + names + 7) / 8 * 8;
	ELF_PUT(f, p, Ehdr, e_shoff, at);
	for (unsigned i = 0; i <= f->count; i++) {
		uint8_t *h = p + at + (i + 1) * entry;
		const struct elf_section *s = &f->sections[i];

		ELF_PUT(f, h, Shdr, sh_name, name_at[i]);
		ELF_PUT(f, h, Shdr, sh_type, i < f->count ? s->type : SHT_STRTAB);
		ELF_PUT(f, h, Shdr, sh_offset, i < f->count ? offsets[i] : names_at);
		ELF_PUT(f, h, Shdr, sh_size, i < f->count ? s->size : names);
		if (i < f->count) {
			ELF_PUT(f, h, Shdr, sh_flags, s->flags);
			ELF_PUT(f, h, Shdr, sh_addr, s->addr);
			ELF_PUT(f, h, Shdr, sh_link, s->link);
			ELF_PUT(f, h, Shdr, sh_info, s->info);
		}
	}
	*ret_size = at + (f->count + 2) * entry;
	return p;
}

__attribute__((unused))
static void elf_symbol(const struct elf_file *f, uint8_t *at, uint32_t name, uint64_t value, uint64_t size, uint8_t info, uint16_t section)
{
	ELF_PUT(f, at, Sym, st_name, name);
	ELF_PUT(f, at, Sym, st_value, value);
	ELF_PUT(f, at, Sym, st_size, size);
	ELF_PUT(f, at, Sym, st_info, info);
	ELF_PUT(f, at, Sym, st_shndx, section);
}

/* A note of a build-id of 20 bytes that all are id: 36 bytes. */
__attribute__((unused))
static void elf_build_id(const struct elf_file *f, uint8_t note[36], uint8_t id)
{
	elf_put(f, note, 4, 4);
	elf_put(f, note + 4, 20, 4);
	elf_put(f, note + 8, NT_GNU_BUILD_ID, 4);
	memcpy(note + 12, "GNU", 4);
	memset(note + 16, id, 20);
}

__attribute__((unused))
static void file_write(const char *path, const void *bytes, size_t size)
{
	FILE *out = fopen(path, "w");

	if (!out || fwrite(bytes, 1, size, out) != size || fclose(out)) {
		perror(path);
		exit(1);
	}
}

__attribute__((unused))
static char *dir_make(void)
{
	static char dir[64];

	strcpy(dir, "/tmp/kanalyze-test-XXXXXX");
	if (!mkdtemp(dir)) {
		perror(dir);
		exit(1);
	}
	return dir;
}

__attribute__((unused))
static void dir_remove(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	char path[4096];

	while (d && (e = readdir(d))) {
		struct stat st;

		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		if (!lstat(path, &st) && S_ISDIR(st.st_mode))
			dir_remove(path);
		else
			unlink(path);
	}
	if (d)
		closedir(d);
	rmdir(dir);
}

/* Directories of a path, then the file. */
__attribute__((unused))
static void file_write_deep(const char *path, const void *bytes, size_t size)
{
	char part[4096];

	for (size_t i = 1; path[i] && i < sizeof(part) - 1; i++)
		if (path[i] == '/') {
			snprintf(part, sizeof(part), "%.*s", (int)i, path);
			mkdir(part, 0755);
		}
	file_write(path, bytes, size);
}

#endif
