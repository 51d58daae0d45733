/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ELF objects: both classes and byte orders, packed files and sections, what is no object, damage of every kind. */
#include <lzma.h>
#include <zlib.h>
#include "ka-config.h"
#if KA_HAVE_ZSTD
#include <zstd.h>
#endif
#include "check.h"
#include "debuginfo.h"
#include "elf_file.h"

static char *dir;
static const char banner[] = "Linux version 6.1.0-test (a@b) (gcc) #1 SMP\n";
static uint8_t text[1000];

static char *path_of(const char *name)
{
	static char path[4096];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

/* A little vmlinux: text, rodata with the banner, a note, symbols, debugging sections, one of them packed. */
static uint8_t *vmlinux(bool is_32, bool is_be, size_t *ret_size)
{
	static uint8_t nomethod[64], note[36], syms[8 * 24], packed[4096], zdebug[4096];
	static const char names[] = "\0_stext\0linux_banner\0local_var\0weak_fn\0abs";
	struct elf_file f = { .is_32 = is_32, .is_be = is_be, .type = ET_EXEC, .machine = is_32 ? EM_PPC : EM_X86_64 };
	size_t entry = is_32 ? sizeof(Elf32_Sym) : sizeof(Elf64_Sym), chdr = is_32 ? sizeof(Elf32_Chdr) : sizeof(Elf64_Chdr);
	uint64_t base = is_32 ? 0xc0000000 : 0xffffffff81000000;
	uLongf size = sizeof(packed) - chdr;

	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (uint8_t)(i / 7);
	unsigned s_text = elf_add(&f, ".text", SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR, base, text, sizeof(text));
	unsigned s_rodata = elf_add(&f, ".rodata", SHT_PROGBITS, SHF_ALLOC, base + 0x1000, banner, sizeof(banner));
	unsigned s_data = elf_add(&f, ".data", SHT_PROGBITS, SHF_ALLOC | SHF_WRITE, base + 0x2000, text, 16);

	elf_add(&f, ".bss", SHT_NOBITS, SHF_ALLOC | SHF_WRITE, base + 0x3000, NULL, 1 << 20);
	elf_build_id(&f, note, 0xab);
	elf_add(&f, ".notes", SHT_NOTE, SHF_ALLOC, base + 0x2100, note, sizeof(note));
	elf_symbol(&f, syms + entry, 1, base, 16, ELF64_ST_INFO(STB_GLOBAL, STT_FUNC), (uint16_t)s_text);
	elf_symbol(&f, syms + 2 * entry, 8, base + 0x1000, sizeof(banner), ELF64_ST_INFO(STB_GLOBAL, STT_OBJECT), (uint16_t)s_rodata);
	elf_symbol(&f, syms + 3 * entry, 21, base + 0x2000, 4, ELF64_ST_INFO(STB_LOCAL, STT_OBJECT), (uint16_t)s_data);
	elf_symbol(&f, syms + 4 * entry, 31, base + 8, 0, ELF64_ST_INFO(STB_WEAK, STT_FUNC), (uint16_t)s_text);
	elf_symbol(&f, syms + 5 * entry, 39, 0x10, 0, ELF64_ST_INFO(STB_GLOBAL, STT_NOTYPE), SHN_ABS);
	unsigned s_sym = elf_add(&f, ".symtab", SHT_SYMTAB, 0, 0, syms, 6 * entry);

	f.sections[s_sym - 1].link = elf_add(&f, ".strtab", SHT_STRTAB, 0, 0, names, sizeof(names));
	compress(packed + chdr, &size, text, sizeof(text));
	ELF_PUT(&f, packed, Chdr, ch_type, ELFCOMPRESS_ZLIB);
	ELF_PUT(&f, packed, Chdr, ch_size, sizeof(text));
	elf_add(&f, ".debug_str", SHT_PROGBITS, SHF_COMPRESSED, 0, packed, chdr + size);
	/* of no method, and larger than the file */
	memcpy(nomethod, packed, sizeof(nomethod));
	ELF_PUT(&f, nomethod, Chdr, ch_type, 0);
	ELF_PUT(&f, nomethod, Chdr, ch_size, 1 << 20);
	elf_add(&f, ".debug_ranges", SHT_PROGBITS, SHF_COMPRESSED, 0, nomethod, sizeof(nomethod));
	memcpy(zdebug, "ZLIB\0\0\0\0\0\0\x03\xe8", 12);
	memcpy(zdebug + 12, packed + chdr, size);
	elf_add(&f, ".zdebug_loc", SHT_PROGBITS, 0, 0, zdebug, 12 + size);
#if KA_HAVE_ZSTD
	static uint8_t zstd[4096];
	size_t zstd_size = ZSTD_compress(zstd + chdr, sizeof(zstd) - chdr, text, sizeof(text), 3);

	ELF_PUT(&f, zstd, Chdr, ch_type, 2);
	ELF_PUT(&f, zstd, Chdr, ch_size, sizeof(text));
	elf_add(&f, ".debug_abbrev", SHT_PROGBITS, SHF_COMPRESSED, 0, zstd, chdr + zstd_size);
#endif
	return elf_bytes(&f, ret_size);
}

static void check_content(struct ka_object *o, const char *name, const void *want, size_t size)
{
	const struct ka_section *s = ka_object_section(o, name);
	const uint8_t *p = NULL;
	size_t n = 0;

	CHECK(s);
	if (!s)
		return;
	CHECK_INT(s->size, size);
	struct ka_error *err = ka_object_content(o, s, &p, &n);

	if (err)
		fprintf(stderr, "%s\n", err->message);
	CHECK(!err);
	CHECK_INT(n, size);
	CHECK(!err && !memcmp(p, want, size));
	ka_error_free(err);
}

static void check_good(const char *path)
{
	struct ka_object *o = NULL;
	struct ka_error *err = ka_object_open(path, &o);
	char id[129];
	const uint8_t *p;
	size_t n;

	if (err)
		fprintf(stderr, "%s\n", err->message);
	CHECK(!err);
	if (err) {
		ka_error_free(err);
		return;
	}
	CHECK(ka_object_sniff(path));
	CHECK_INT(o->e_type, ET_EXEC);
	ka_build_id_text(o->build_id, o->build_id_size, id);
	CHECK_STR(id, "abababababababababababababababababababab");
	check_content(o, ".text", text, sizeof(text));
	check_content(o, ".debug_str", text, sizeof(text));
	check_content(o, ".debug_loc", text, sizeof(text));	/* by its newer name */
	check_content(o, ".zdebug_loc", text, sizeof(text));
#if KA_HAVE_ZSTD
	check_content(o, ".debug_abbrev", text, sizeof(text));
#endif
	CHECK(!ka_object_section(o, ".nothing"));
	err = ka_object_content(o, ka_object_section(o, ".debug_ranges"), &p, &n);
	CHECK(ka_error_catch(&err, KA_CORRUPT));
	err = ka_object_content(o, ka_object_section(o, ".bss"), &p, &n);
	CHECK(ka_error_catch(&err, KA_MISSING));
	CHECK_STR(ka_object_banner(o), banner);
	ka_object_close(o);
}

static void check_error(const char *name, const void *bytes, size_t size, enum ka_error_code code, const char *says)
{
	struct ka_object *o = NULL;

	if (bytes)
		file_write(path_of(name), bytes, size);
	struct ka_error *err = ka_object_open(path_of(name), &o);

	CHECK(err);
	if (err) {
		CHECK_INT(err->code, code);
		if (!strstr(err->message, says))
			fprintf(stderr, "message: %s\n", err->message);
		CHECK(strstr(err->message, says));
	}
	CHECK(!ka_object_sniff(path_of(name)) || code == KA_TRUNCATED || code == KA_CORRUPT);
	ka_error_free(err);
	if (!err)
		ka_object_close(o);
}

static size_t gzip(const uint8_t *in, size_t size, uint8_t *out, size_t room)
{
	z_stream z = { .next_in = (Bytef *)in, .avail_in = (uInt)size, .next_out = out, .avail_out = (uInt)room };

	deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
	deflate(&z, Z_FINISH);
	deflateEnd(&z);
	return room - z.avail_out;
}

/* Each packing whole, in two parts behind each other, cut at every place, and damaged. */
static void check_packed(const char *name, size_t (*pack)(const uint8_t *in, size_t size, uint8_t *out, size_t room),
			 const uint8_t *bytes, size_t size)
{
	static uint8_t out[65536];
	size_t n = pack(bytes, size, out, sizeof(out));

	file_write(path_of(name), out, n);
	check_good(path_of(name));
	for (size_t cut = 8; cut < n; cut += 97)
		check_error(name, out, cut, KA_TRUNCATED, "ends too early");
	out[n / 2] ^= 0x55;
	out[n / 2 + 1] ^= 0x55;
	check_error(name, out, n, KA_CORRUPT, "damaged");
	n = pack(bytes, size / 3, out, sizeof(out));
	n += pack(bytes + size / 3, size - size / 3, out + n, sizeof(out) - n);
	file_write(path_of(name), out, n);
	check_good(path_of(name));
	n = pack((const uint8_t *)"hello, world", 12, out, sizeof(out));
	check_error(name, out, n, KA_FORMAT, "not an ELF file");
}

static size_t xz(const uint8_t *in, size_t size, uint8_t *out, size_t room)
{
	size_t n = 0;

	(void)!lzma_easy_buffer_encode(6, LZMA_CHECK_CRC32, NULL, in, size, out, &n, room);
	return n;
}

#if KA_HAVE_ZSTD
static size_t zst(const uint8_t *in, size_t size, uint8_t *out, size_t room)
{
	ZSTD_CCtx *c = ZSTD_createCCtx();

	ZSTD_CCtx_setParameter(c, ZSTD_c_checksumFlag, 1);
	size_t n = ZSTD_compress2(c, out, room, in, size);

	ZSTD_freeCCtx(c);
	return n;
}
#endif

static void check_not_objects(void)
{
	static uint8_t bz[4096];
	struct elf_file core = { .type = ET_CORE, .machine = EM_X86_64 };
	size_t size;
	uint8_t *bytes = elf_bytes(&core, &size);

	check_error("core", bytes, size, KA_FORMAT, "a dump");
	free(bytes);
	memcpy(bz, "MZ", 2);
	memcpy(bz + 0x202, "HdrS", 4);
	bz[0x20e] = 0x10, bz[0x20f] = 1;
	strcpy((char *)bz + 0x310, "6.1.0-50-amd64 (debian-kernel) #1");
	check_error("vmlinuz", bz, sizeof(bz), KA_FORMAT, "bzImage of 6.1.0-50-amd64");
	check_error("vmlinuz", bz, sizeof(bz), KA_FORMAT, "linux-image-6.1.0-50-amd64-dbg");
	bz[0x20e] = bz[0x20f] = 0xff;
	check_error("vmlinuz", bz, sizeof(bz), KA_FORMAT, "bzImage");
	check_error("dump", "KDUMP   \6\0\0\0", 12, KA_FORMAT, "kdump-compressed");
	check_error("text", "hello", 5, KA_FORMAT, "not an ELF file");
	check_error("empty", "", 0, KA_FORMAT, "empty");
	check_error("nowhere", NULL, 0, KA_NOT_FOUND, "No such file");
	mkdir(path_of("directory"), 0700);
	check_error("directory", NULL, 0, KA_FORMAT, "directory");
	check_error("short", "\177ELF\2\1\1", 7, KA_FORMAT, "not an ELF");
	check_error("short", "\177ELF\2\1\1\0\0\0\0\0\0\0\0\0\2\0", 18, KA_TRUNCATED, "ELF header");
	check_error("class", "\177ELF\7\1\1\0\0\0\0\0\0\0\0\0\2\0", 18, KA_FORMAT, "unknown class");
}

/* Whatever can be asked of an object; nothing may crash, whatever the answers are. */
static void ask_all(struct ka_object *o)
{
	const struct ka_symtab *t;
	struct ka_frame_rules r;
	const uint8_t *p;
	size_t n;

	for (size_t i = 0; i < o->section_count; i++)
		if (!ka_error_drop(ka_object_content(o, &o->sections[i], &p, &n)) && n && o->sections[i].size < 1 << 20) {
			volatile uint8_t sum = 0;

			for (size_t b = 0; b < n; b++)
				sum = (uint8_t)(sum + p[b]);
		}
	if (!ka_error_drop(ka_object_symtab(o, &t))) {
		for (size_t i = 0; i < t->n; i++)
			CHECK(ka_symtab_find(t, t->strings + t->at[i].name, &n));
		ka_symtab_at(t, 0xffffffff81000004, &n);
	}
	ka_object_banner(o);
	ka_error_drop(ka_object_cfi(o, 0xffffffff81000004, &r));
	for (uint32_t i = 0; i < 12; i++)
		ka_object_base(o, i);
}

static void check_damage(const uint8_t *bytes, size_t size)
{
	uint8_t *copy = malloc(size);
	struct ka_object *o;
	size_t opened = 0;

	for (size_t cut = 1; cut < size; cut += 13) {
		file_write(path_of("cut"), bytes, cut);
		if (!ka_error_drop(ka_object_open(path_of("cut"), &o))) {
			ask_all(o);
			ka_object_close(o);
		}
	}
	srandom(2);
	for (int round = 0; round < 3000; round++) {
		memcpy(copy, bytes, size);
		/* half of them in the headers at both ends */
		for (int i = 0; i < 1 + round % 4; i++) {
			size_t at = (size_t)random() % size;

			if (round & 1)
				at = round & 2 ? at % 64 : size - 1 - at % (size / 4);
			copy[at] ^= round % 3 ? (uint8_t)(1u << random() % 8) : (uint8_t)random();
		}
		file_write(path_of("flip"), copy, size);
		if (!ka_error_drop(ka_object_open(path_of("flip"), &o))) {
			opened++;
			ask_all(o);
			ka_object_close(o);
		}
	}
	CHECK(opened > 500);
	free(copy);
}

CHECK_MAIN
{
	size_t size;

	dir = dir_make();
	for (int i = 0; i < 4; i++) {
		uint8_t *bytes = vmlinux(i & 1, i & 2, &size);

		file_write(path_of("vmlinux"), bytes, size);
		check_good(path_of("vmlinux"));
		check_packed("vmlinux.gz", gzip, bytes, size);
		check_packed("vmlinux.xz", xz, bytes, size);
#if KA_HAVE_ZSTD
		check_packed("vmlinux.zst", zst, bytes, size);
#endif
		if (i == 0 || i == 3)
			check_damage(bytes, size);
		free(bytes);
	}
	check_not_objects();
	dir_remove(dir);
}
