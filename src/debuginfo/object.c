/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An ELF object in memory: headers, sections and their contents, build-id, banner. 32 and 64 bit, both byte orders. */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "object.h"

#define SECTION_MAX	(4U << 20)	/* a module with a section a function has some 10^5 */
#define NOTE_MAX	(1U << 20)
#define START_SIZE	(64U << 10)	/* what sniffing reads */

struct ka_error *ka_object_cut(const struct ka_object *o, const char *what, uint64_t at)
{
	return ka_error_at(KA_TRUNCATED, KA_SPACE_FILE, at, "%s: the file has %llu bytes, but its %s at byte %llu: "
			   "an incomplete copy?", o->path, (unsigned long long)o->size, what, (unsigned long long)at);
}

/*
 * Release of a bzImage from its setup header (Documentation/arch/x86/boot.rst: kernel_version at 0x20e), ""
 * when there is none.
 */
static void bzimage_release(const uint8_t *p, uint64_t size, char *ret, size_t ret_size)
{
	uint64_t at = 0x200 + (uint64_t)(p[0x20e] | p[0x20f] << 8);
	size_t n = 0;

	if (at > 0x200)
		while (n + 1 < ret_size && at + n < size && p[at + n] > ' ' && p[at + n] < 0x7f) {
			ret[n] = (char)p[at + n];
			n++;
		}
	ret[n] = 0;
}

/* What a file that is no ELF object is, for the message. */
static struct ka_error *not_elf(const char *path, const uint8_t *p, uint64_t size)
{
	static const struct {
		unsigned at;
		const char *magic, *what;
	} known[] = {
		{ 56, "ARMd", "a bootable kernel image (arm64 Image)" },
		{ 4, "zimg", "a bootable kernel image (EFI zboot)" },
		{ 0, "KDUMP   ", "a kdump-compressed dump" },
		{ 0, "DISKDUMP", "a diskdump" },
		{ 0, "makedumpfile", "a dump in makedumpfile's flattened form" },
		{ 0, "!<arch>\n", "an archive (a .deb or .a): unpack it" },
		{ 0, "\xed\xab\xee\xdb", "an RPM package: unpack it" },
		{ 0, "BZh", "packed with bzip2: unpack it" },
		{ 0, "\x89LZO", "packed with lzop: unpack it" },
		{ 0, "\x04\x22\x4d\x18", "packed with lz4: unpack it" },
	};

	if (size >= 0x260 && !memcmp(p + 0x202, "HdrS", 4)) {
		char release[128];

		bzimage_release(p, size, release, sizeof(release));
		struct ka_arena *a = ka_arena_new();
		struct ka_error *err =
			ka_error_new(KA_FORMAT,
				     "%s: a bootable kernel image (bzImage%s%s), which has neither symbols nor "
				     "debug information: the vmlinux of the same build is needed (%s)",
				     path, *release ? " of " : "", release, ka_find_hint(*release ? release : NULL, a));

		ka_arena_free(a);
		return err;
	}
	for (size_t i = 0; i < KA_COUNT(known); i++)
		if (size >= known[i].at + strlen(known[i].magic) &&
		    !memcmp(p + known[i].at, known[i].magic, strlen(known[i].magic)))
			return ka_error_new(KA_FORMAT, "%s: not a vmlinux or module, but %s", path, known[i].what);
	return ka_error_new(KA_FORMAT, "%s: not an ELF file", path);
}

static uint64_t shdr_field(const struct ka_object *o, const uint8_t *at, size_t off64, size_t size64, size_t off32)
{
	return o->is_64bit ? ka_object_uint(o, at + off64, size64) : ka_object_uint(o, at + off32, 4);
}

#define SHDR(f, p, m) shdr_field(f, p, offsetof(Elf64_Shdr, m), sizeof(((Elf64_Shdr *)0)->m), offsetof(Elf32_Shdr, m))

static void section_parse(const struct ka_object *o, const uint8_t *p, struct ka_section *s)
{
	s->type = (uint32_t)SHDR(o, p, sh_type);
	s->flags = SHDR(o, p, sh_flags);
	s->addr = SHDR(o, p, sh_addr);
	s->offset = SHDR(o, p, sh_offset);
	s->size = SHDR(o, p, sh_size);
	s->link = (uint32_t)SHDR(o, p, sh_link);
	s->info = (uint32_t)SHDR(o, p, sh_info);
}

static struct ka_error *read_sections(struct ka_object *o)
{
	const uint8_t *eh = o->data;
	bool is64 = o->is_64bit;
	uint64_t off = is64 ? ka_object_uint(o, eh + offsetof(Elf64_Ehdr, e_shoff), 8)
			    : ka_object_uint(o, eh + offsetof(Elf32_Ehdr, e_shoff), 4);
	uint64_t entry = ka_object_uint(
		o, eh + (is64 ? offsetof(Elf64_Ehdr, e_shentsize) : offsetof(Elf32_Ehdr, e_shentsize)), 2);
	uint64_t count =
		ka_object_uint(o, eh + (is64 ? offsetof(Elf64_Ehdr, e_shnum) : offsetof(Elf32_Ehdr, e_shnum)), 2);
	uint64_t names =
		ka_object_uint(o, eh + (is64 ? offsetof(Elf64_Ehdr, e_shstrndx) : offsetof(Elf32_Ehdr, e_shstrndx)), 2);
	struct ka_object_priv *priv = ka_object_priv(o);
	struct ka_section first = { 0 };

	if (!off)
		return NULL;	/* no sections at all: legal, and found out by whoever needs one */
	if (entry < (is64 ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr)))
		return ka_error_new(KA_CORRUPT, "%s: section headers of %llu bytes each", o->path,
				    (unsigned long long)entry);
	if (!ka_object_has(o, off, entry))
		return ka_object_cut(o, "section headers are", off);
	/* more than 65279 sections: the numbers are in the first header */
	section_parse(o, o->data + off, &first);
	if (!count)
		count = first.size;
	if (names == SHN_XINDEX)
		names = first.link;
	if (count > SECTION_MAX)
		return ka_error_new(KA_CORRUPT, "%s: claims to have %llu sections", o->path, (unsigned long long)count);
	if (!ka_object_has(o, off, count * entry))
		return ka_object_cut(o, "section headers end", off + count * entry);
	if (!count)
		return NULL;

	o->sections = ka_xalloc(count * sizeof(*o->sections));
	priv->contents = ka_xalloc(count * sizeof(*priv->contents));
	o->section_count = count;
	for (uint64_t i = 0; i < count; i++) {
		section_parse(o, o->data + off + i * entry, &o->sections[i]);
		o->sections[i].index = (uint32_t)i;
		o->sections[i].name = "";
	}
	if (names >= count || !ka_object_has(o, o->sections[names].offset, o->sections[names].size) ||
	    !o->sections[names].size || o->sections[names].type == SHT_NOBITS)
		return ka_error_new(KA_CORRUPT, "%s: the table of section names is missing or outside the file", o->path);

	const struct ka_section *table = &o->sections[names];
	const char *text = (const char *)o->data + table->offset;

	if (text[table->size - 1]) {
		priv->names = ka_xalloc((size_t)table->size + 1);
		text = memcpy(priv->names, text, (size_t)table->size);
	}
	for (uint64_t i = 0; i < count; i++) {
		struct ka_section *s = &o->sections[i];
		uint64_t name = ka_object_uint(o, o->data + off + i * entry, 4);

		if (name < table->size)
			s->name = text + name;
		priv->contents[i].stored_size = s->size;
		if (s->type != SHT_NOBITS && ((s->flags & SHF_COMPRESSED) || !strncmp(s->name, ".zdebug", 7)))
			s->size = ka_object_unpacked_size(o, s);
	}
	return NULL;
}

/* Looks through notes for NT_GNU_BUILD_ID. */
static bool note_build_id(struct ka_object *o, const uint8_t *p, uint64_t size)
{
	uint64_t at = 0;

	while (size - at >= 12) {
		uint64_t name_size = ka_object_uint(o, p + at, 4), desc_size = ka_object_uint(o, p + at + 4, 4);
		uint32_t type = (uint32_t)ka_object_uint(o, p + at + 8, 4);
		uint64_t name = at + 12, desc = name + ((name_size + 3) & ~3ULL), end = desc + ((desc_size + 3) & ~3ULL);

		if (desc > size || desc_size > size - desc)
			break;
		if (type == NT_GNU_BUILD_ID && name_size == 4 && !memcmp(p + name, "GNU", 4) &&
		    desc_size && desc_size <= sizeof(o->build_id)) {
			memcpy(o->build_id, p + desc, desc_size);
			o->build_id_size = desc_size;
			return true;
		}
		if (end > size)
			break;
		at = end;
	}
	return false;
}

static void read_build_id(struct ka_object *o)
{
	bool is64 = o->is_64bit;

	for (size_t i = 0; i < o->section_count; i++) {
		const struct ka_section *s = &o->sections[i];

		if (s->type == SHT_NOTE && s->size <= NOTE_MAX && ka_object_has(o, s->offset, s->size) &&
		    note_build_id(o, o->data + s->offset, s->size))
			return;
	}
	/* without sections (or in a split-off file that has them empty): the segments */
	uint64_t off = is64 ? ka_object_uint(o, o->data + offsetof(Elf64_Ehdr, e_phoff), 8)
			    : ka_object_uint(o, o->data + offsetof(Elf32_Ehdr, e_phoff), 4);
	uint64_t entry = ka_object_uint(
		o, o->data + (is64 ? offsetof(Elf64_Ehdr, e_phentsize) : offsetof(Elf32_Ehdr, e_phentsize)), 2);
	uint64_t count =
		ka_object_uint(o, o->data + (is64 ? offsetof(Elf64_Ehdr, e_phnum) : offsetof(Elf32_Ehdr, e_phnum)), 2);

	if (entry < (is64 ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr)) || !ka_object_has(o, off, count * entry))
		return;
	for (uint64_t i = 0; i < count; i++) {
		const uint8_t *p = o->data + off + i * entry;

		if (ka_object_uint(o, p, 4) != PT_NOTE)
			continue;
		uint64_t at = is64 ? ka_object_uint(o, p + offsetof(Elf64_Phdr, p_offset), 8)
				   : ka_object_uint(o, p + offsetof(Elf32_Phdr, p_offset), 4);
		uint64_t size = is64 ? ka_object_uint(o, p + offsetof(Elf64_Phdr, p_filesz), 8)
				     : ka_object_uint(o, p + offsetof(Elf32_Phdr, p_filesz), 4);

		if (size <= NOTE_MAX && ka_object_has(o, at, size) && note_build_id(o, o->data + at, size))
			return;
	}
}

static struct ka_error *object_parse(struct ka_object *o)
{
	const uint8_t *p = o->data;

	if (o->size < EI_NIDENT || memcmp(p, ELFMAG, SELFMAG))
		return not_elf(o->path, p, o->size);
	if ((p[EI_CLASS] != ELFCLASS32 && p[EI_CLASS] != ELFCLASS64) ||
	    (p[EI_DATA] != ELFDATA2LSB && p[EI_DATA] != ELFDATA2MSB))
		return ka_error_new(KA_FORMAT, "%s: an ELF file of unknown class %u or byte order %u", o->path,
				    p[EI_CLASS], p[EI_DATA]);
	o->is_64bit = p[EI_CLASS] == ELFCLASS64;
	o->is_big_endian = p[EI_DATA] == ELFDATA2MSB;
	if (o->size < (o->is_64bit ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr)))
		return ka_object_cut(o, "ELF header ends", o->is_64bit ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr));
	o->e_type = (uint16_t)ka_object_uint(o, p + offsetof(Elf64_Ehdr, e_type), 2);
	o->e_machine = (uint16_t)ka_object_uint(o, p + offsetof(Elf64_Ehdr, e_machine), 2);
	if (o->e_type == ET_CORE)
		return ka_error_new(KA_FORMAT, "%s: an ELF core (a dump), not a vmlinux or module", o->path);
	if (o->e_type != ET_EXEC && o->e_type != ET_DYN && o->e_type != ET_REL)
		return ka_error_new(KA_FORMAT, "%s: an ELF file of type %u, not a vmlinux or module", o->path, o->e_type);
	struct ka_error *err = read_sections(o);

	if (!err)
		read_build_id(o);
	return err;
}

/* The file's bytes: mapped, or unpacked when it is a whole gz, xz or zst. */
static struct ka_error *object_load(struct ka_object *o)
{
	struct stat st;

	o->fd = open(o->path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (o->fd < 0)
		return ka_error_new(errno == ENOENT ? KA_NOT_FOUND : KA_IO, "cannot open %s: %s", o->path,
				    strerror(errno));
	if (fstat(o->fd, &st))
		return ka_error_new(KA_IO, "%s: %s", o->path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return ka_error_new(KA_FORMAT, "%s: not a file%s", o->path,
				    S_ISDIR(st.st_mode) ? ", but a directory" : "");
	if (!st.st_size)
		return ka_error_new(KA_FORMAT, "%s: empty file", o->path);
	if ((uint64_t)st.st_size > SIZE_MAX / 2)
		return ka_error_new(KA_UNSUPPORTED, "%s: too large for this machine", o->path);
	o->size = (uint64_t)st.st_size;
	void *map = mmap(NULL, (size_t)o->size, PROT_READ, MAP_PRIVATE, o->fd, 0);

	if (map == MAP_FAILED)
		return ka_error_new(KA_IO, "cannot map %s: %s", o->path, strerror(errno));
	if (!ka_unpack_kind(map, (size_t)o->size)) {
		o->data = map;
		o->is_mapped = true;
		return NULL;
	}
	uint8_t *bytes = NULL;
	size_t size = 0;
	struct ka_error *err = ka_unpack_file(o->path, map, (size_t)o->size, &bytes, &size);

	munmap(map, (size_t)o->size);
	o->data = bytes;
	o->size = size;
	return err;
}

struct ka_error *ka_object_open(const char *path, struct ka_object **ret)
{
	struct ka_object *o = ka_xalloc(sizeof(*o));
	struct ka_object_priv *priv = o->priv = ka_xalloc(sizeof(*priv));

	*ret = NULL;
	pthread_mutex_init(&priv->lock, NULL);
	pthread_mutex_init(&priv->dwarf_lock, NULL);
	pthread_mutex_init(&priv->reader_lock, NULL);
	pthread_cond_init(&priv->unpacked, NULL);
	o->path = ka_xstrdup(path);
	o->fd = -1;
	struct ka_error *err = object_load(o);

	if (!err)
		err = object_parse(o);
	if (err) {
		ka_object_close(o);
		return err;
	}
	ka_log(2, "%s: ELF %d bit, machine %u, %zu sections", path, o->is_64bit ? 64 : 32, o->e_machine,
	       o->section_count);
	*ret = o;
	return NULL;
}

void ka_object_close(struct ka_object *o)
{
	if (!o)
		return;
	struct ka_object_priv *priv = ka_object_priv(o);

	ka_lines_free(priv->lines);
	ka_cfi_free(priv->cfi);
	ka_symtab_free(priv->symtab);
	ka_object_dwarf_free(o);
	for (size_t i = 0; i < o->section_count; i++)
		if (priv->contents[i].is_own)
			munmap((void *)priv->contents[i].at, priv->contents[i].size);
	for (size_t i = 0; i < o->section_count; i++)
		ka_unpack_stream_free(priv->contents[i].stream);
	free(priv->contents);
	free(priv->names);
	free(priv->bases);
	pthread_mutex_destroy(&priv->lock);
	pthread_mutex_destroy(&priv->dwarf_lock);
	pthread_mutex_destroy(&priv->reader_lock);
	pthread_cond_destroy(&priv->unpacked);
	free(priv);
	if (o->data)
		munmap((void *)o->data, (size_t)o->size);
	if (o->fd >= 0)
		close(o->fd);
	free(o->sections);
	free(o->path);
	free(o);
}

bool ka_object_sniff(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	uint8_t *start = ka_xalloc(START_SIZE), head[EI_NIDENT + 2];
	bool is_object = false;
	struct stat st;

	if (fd >= 0 && !fstat(fd, &st) && S_ISREG(st.st_mode)) {
		ssize_t n = pread(fd, start, START_SIZE, 0);
		size_t have = 0;

		if (n > 0 && ka_unpack_kind(start, (size_t)n)) {
			have = ka_unpack_start(start, (size_t)n, head, sizeof(head));
		} else if (n >= (ssize_t)sizeof(head)) {
			memcpy(head, start, sizeof(head));
			have = sizeof(head);
		}
		if (have == sizeof(head) && !memcmp(head, ELFMAG, SELFMAG)) {
			unsigned type = head[EI_DATA] == ELFDATA2MSB ? (unsigned)(head[16] << 8 | head[17])
								     : (unsigned)(head[17] << 8 | head[16]);

			is_object = (type == ET_EXEC || type == ET_DYN || type == ET_REL) &&
				    (head[EI_CLASS] == ELFCLASS32 || head[EI_CLASS] == ELFCLASS64);
		}
	}
	if (fd >= 0)
		close(fd);
	free(start);
	return is_object;
}

const struct ka_section *ka_object_section(const struct ka_object *o, const char *name)
{
	/* the last one tried is the older name of a compressed .debug_* */
	for (int old = 0; old < 2; old++)
		for (size_t i = 1; i < o->section_count; i++) {
			const char *is = o->sections[i].name;

			if (old ? !strncmp(name, ".debug_", 7) && !strncmp(is, ".zdebug_", 8) && !strcmp(is + 8, name + 7)
				: !strcmp(is, name))
				return &o->sections[i];
		}
	return NULL;
}

void ka_build_id_text(const uint8_t *id, size_t size, char ret[129])
{
	size_t n = 0;

	for (size_t i = 0; i < size && i < 64; i++) {
		ret[n++] = "0123456789abcdef"[id[i] >> 4];
		ret[n++] = "0123456789abcdef"[id[i] & 15];
	}
	ret[n] = 0;
}
