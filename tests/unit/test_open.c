/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Opening: which file is what, what belongs together, what the messages say to do next. */
#include <stddef.h>
#include <stdlib.h>
#include "../image/build.h"
#include "check.h"
#include "elf_file.h"
#include "kernel.h"

#define LINKED 0xffffffff81000000ull

static char *dir;

static const char *in_dir(const char *name)
{
	static char paths[64][4200];
	static unsigned next;
	char *p = paths[next++ % 64];

	snprintf(p, 4200, "%s/%s", dir, name);
	return p;
}

/* A vmlinux of a few symbols. banner: text at linux_banner; id: each byte of its build-id, 0: none. */
static void vmlinux_make(const char *name, unsigned machine, const char *banner, uint8_t id)
{
	static const char names[] = "\0_stext\0_end\0init_top_pgt\0linux_banner\0";
	static const uint64_t values[] = { LINKED, LINKED + 0x10000, LINKED + 0x1000, LINKED + 0x2000 };
	struct elf_file f = { .type = ET_EXEC, .machine = machine };
	uint8_t symbols[5 * sizeof(Elf64_Sym)] = { 0 }, rodata[256] = { 0 }, note[36], code[16] = { 0xcc };
	size_t size, at = 1;
	uint8_t *all;

	if (banner)
		strcpy((char *)rodata, banner);
	elf_add(&f, ".text", SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR, LINKED, code, sizeof(code));
	elf_add(&f, ".rodata", SHT_PROGBITS, SHF_ALLOC, LINKED + 0x2000, rodata, sizeof(rodata));
	elf_build_id(&f, note, id);
	if (id)
		elf_add(&f, ".notes", SHT_NOTE, SHF_ALLOC, LINKED + 0x3000, note, sizeof(note));
	for (unsigned i = 0; i < KA_COUNT(values); i++) {
		if (i < 3 || banner)
			elf_symbol(&f, symbols + (i + 1) * sizeof(Elf64_Sym), (uint32_t)at, values[i], i == 3 ? sizeof(rodata) : 0,
				   ELF64_ST_INFO(STB_GLOBAL, STT_OBJECT), i == 3 ? 2 : 1);
		at += strlen(names + at) + 1;
	}
	unsigned s = elf_add(&f, ".symtab", SHT_SYMTAB, 0, 0, symbols, sizeof(symbols));
	f.sections[s - 1].link = elf_add(&f, ".strtab", SHT_STRTAB, 0, 0, names, sizeof(names));
	all = elf_bytes(&f, &size);
	file_write(in_dir(name), all, size);
	free(all);
}

/* An ELF vmcore of 64 KB at physical 16 MB. */
static void core_make(const char *name, unsigned machine, const char *info, const char *banner)
{
	enum { NOTE = 0x400, MEMORY = 0x1000, SIZE = 0x10000 };
	uint8_t *p = calloc(1, MEMORY + SIZE);
	Elf64_Ehdr e = { .e_type = ET_CORE, .e_machine = (Elf64_Half)machine, .e_version = 1, .e_phoff = sizeof(e), .e_ehsize = sizeof(e),
			 .e_phentsize = sizeof(Elf64_Phdr), .e_phnum = 2 };
	Elf64_Nhdr n = { 11, (uint32_t)strlen(info), 0 };
	Elf64_Phdr h[2] = { { .p_type = PT_NOTE, .p_offset = NOTE, .p_filesz = sizeof(n) + 12 + ((n.n_descsz + 3) & ~3u) },
			    { .p_type = PT_LOAD, .p_offset = MEMORY, .p_paddr = 0x1000000, .p_filesz = SIZE, .p_memsz = SIZE } };

	memcpy(e.e_ident, ELFMAG "\2\1\1", 7);
	memcpy(p, &e, sizeof(e));
	memcpy(p + sizeof(e), h, sizeof(h));
	if (*info) {
		memcpy(p + NOTE, &n, sizeof(n));
		memcpy(p + NOTE + sizeof(n), "VMCOREINFO", 11);
		memcpy(p + NOTE + sizeof(n) + 12, info, strlen(info));
	}
	if (banner)
		strcpy((char *)p + MEMORY + 0x2000, banner);
	file_write(in_dir(name), p, MEMORY + SIZE);
	free(p);
}

#define INFO "OSRELEASE=9.9.9-test\nNUMBER(phys_base)=0\nKERNELOFFSET=0\nSYMBOL(swapper_pg_dir)=ffffffff81001000\n"
#define ID(byte) "BUILD-ID=" byte byte byte byte byte byte byte byte byte byte byte byte byte byte byte byte byte byte byte byte "\n"

static struct ka_open_options options;

/* Opens; on success *ret lives. words: of the error's message. */
static void check_open(enum ka_error_code code, const char *words, const char *a, const char *b, const char *c)
{
	const char *const paths[] = { a, b, c, NULL };
	struct ka_kernel *k = NULL;
	struct ka_error *err;

	options.paths = paths;
	err = ka_kernel_open(&options, &k);
	if (!words) {
		CHECK_STR(err ? err->message : "ok", "ok");
		ka_kernel_close(k);
	} else {
		CHECK(err && !k);
		if (err) {
			CHECK_INT(err->code, code);
			if (!strstr(err->message, words))
				CHECK_STR(err->message, words);
		}
	}
	ka_error_free(err);
	options.paths = NULL;
}

static void check_pairs(void)
{
	vmlinux_make("vmlinux", EM_X86_64, "Linux version 9.9.9-test (a@b) #1\n", 0xab);
	vmlinux_make("other", EM_X86_64, "Linux version 9.9.9-test (a@b) #2\n", 0xcd);
	vmlinux_make("nameless", EM_X86_64, "Linux version 9.9.9-test (a@b) #1\n", 0);
	vmlinux_make("release", EM_X86_64, "Linux version 9.9.9-testing (a@b) #1\n", 0);
	vmlinux_make("bare", EM_X86_64, NULL, 0);
	vmlinux_make("s390", EM_S390, NULL, 0);
	core_make("vmcore", EM_X86_64, INFO ID("ab"), "Linux version 9.9.9-test (a@b) #1\n");
	core_make("old", EM_X86_64, INFO, "Linux version 9.9.9-test (a@b) #1\n");
	core_make("built-later", EM_X86_64, INFO, "Linux version 9.9.9-test (a@b) #3\n");
	core_make("silent", EM_X86_64, INFO, NULL);
	core_make("z", EM_S390, INFO, NULL);
	core_make("odd", 0x1234, INFO, NULL);
	core_make("lost", EM_X86_64, "OSRELEASE=9.9.9-test\nSYMBOL(swapper_pg_dir)=17\n", NULL);

	check_open(0, NULL, in_dir("vmlinux"), in_dir("vmcore"), NULL);
	check_open(0, NULL, in_dir("vmcore"), in_dir("vmlinux"), NULL);		/* in any order */
	check_open(0, NULL, in_dir("nameless"), in_dir("old"), NULL);
	check_open(0, NULL, in_dir("bare"), in_dir("old"), NULL);
	check_open(KA_USAGE, "build-id of the dump:    abab", in_dir("other"), in_dir("vmcore"), NULL);
	check_open(KA_USAGE, "release of the vmlinux: 9.9.9-testing", in_dir("release"), in_dir("old"), NULL);
	check_open(KA_USAGE, "--force opens them nevertheless", in_dir("release"), in_dir("old"), NULL);
	check_open(KA_USAGE, "banner of the dump:    Linux version 9.9.9-test (a@b) #3", in_dir("nameless"), in_dir("built-later"), NULL);
	check_open(KA_USAGE, "the dump has something else", in_dir("nameless"), in_dir("silent"), NULL);
	check_open(KA_USAGE, "is of s390x, the dump of x86_64", in_dir("s390"), in_dir("vmcore"), NULL);
	check_open(KA_UNSUPPORTED, "the dump is of s390x, which is not supported yet", in_dir("z"), NULL, NULL);
	check_open(KA_UNSUPPORTED, "ELF machine 4660", in_dir("odd"), in_dir("vmlinux"), NULL);
	check_open(KA_CORRUPT, "swapper_pg_dir of VMCOREINFO is 0x17", in_dir("bare"), in_dir("lost"), NULL);
	options.is_forced = true;
	check_open(0, NULL, in_dir("other"), in_dir("vmcore"), NULL);
	check_open(0, NULL, in_dir("release"), in_dir("silent"), NULL);
	options.is_forced = false;
	/* the user's word on where the kernel lies decides what is read there */
	options.has_phys_base = true;
	options.phys_base = 0x1000;
	check_open(KA_USAGE, "--phys-base", in_dir("nameless"), in_dir("old"), NULL);
	check_open(KA_USAGE, "--phys-base", in_dir("vmlinux"), in_dir("vmcore"), NULL);	/* also where build-ids agree */
	options.has_phys_base = false;
	options.has_kaslr = true;
	options.kaslr = 0x200000;
	check_open(KA_USAGE, "--kaslr", in_dir("vmlinux"), in_dir("vmcore"), NULL);
	options.kaslr = 0;
	check_open(0, NULL, in_dir("vmlinux"), in_dir("vmcore"), NULL);
	options.has_kaslr = false;
	options.machine = (const char *const []){ "phys_base=0x1000", NULL };
	check_open(KA_USAGE, "the dump has something else", in_dir("vmlinux"), in_dir("vmcore"), NULL);
	options.machine = (const char *const []){ "phys_base=0x0", "kaslr=0x0", NULL };
	check_open(0, NULL, in_dir("vmlinux"), in_dir("vmcore"), NULL);
	options.machine = NULL;
}

/* What is not supported yet, by its name: ELF dumps by machine, kdump headers by the word of uname. */
static void check_machines(void)
{
	static const struct { unsigned machine; const char *name; } elf[] = {
		{ EM_S390, "s390x" }, { EM_PPC64, "ppc64" }, { EM_RISCV, "riscv64" }, { 258, "loongarch64" }, { EM_MIPS, "mips" },
		{ EM_IA_64, "ia64" }, { EM_ARM, "arm" }, { EM_386, "i386" }, { EM_SPARCV9, "sparc64" }, { EM_PARISC, "parisc" },
	};
	static const struct { const char *uname, *name; } kdump[] = {
		{ "s390x", "s390x" }, { "ppc64le", "ppc64" }, { "ppc64", "ppc64" }, { "riscv64", "riscv64" }, { "loongarch64", "loongarch64" },
		{ "mips64", "mips" }, { "mips", "mips" }, { "ia64", "ia64" }, { "i686", "i386" }, { "armv7l", "arm" }, { "alpha", "alpha" },
		{ "parisc64", "parisc64" }, { "aarch64_be", "aarch64_be" },
	};
	char words[128], text[256], *path;

	for (size_t i = 0; i < KA_COUNT(elf); i++) {
		core_make("foreign", elf[i].machine, INFO, NULL);
		snprintf(words, sizeof(words), "the dump is of %s, which is not supported yet", elf[i].name);
		check_open(KA_UNSUPPORTED, words, in_dir("foreign"), NULL, NULL);
		/* said before the vmlinux is looked at */
		check_open(KA_UNSUPPORTED, words, in_dir("foreign"), in_dir("vmlinux"), NULL);
		vmlinux_make("foreign-vmlinux", elf[i].machine, NULL, 0);
		snprintf(words, sizeof(words), "is of %s, the dump of x86_64", elf[i].name);
		check_open(KA_USAGE, words, in_dir("foreign-vmlinux"), in_dir("vmcore"), NULL);
	}
	for (size_t i = 0; i < KA_COUNT(kdump); i++) {
		snprintf(text, sizeof(text), "kdump 6 31 16\nmachine %s\npage 0 zlib\n", kdump[i].uname);
		path = test_image_file(dir, "foreign-kdump", text);
		snprintf(words, sizeof(words), "the dump is of %s, which is not supported yet", kdump[i].name);
		check_open(KA_UNSUPPORTED, words, path, in_dir("vmlinux"), NULL);
		check_open(KA_UNSUPPORTED, words, path, NULL, NULL);
		free(path);
	}
	/* two that are supported, and not for each other */
	vmlinux_make("arm64", EM_AARCH64, NULL, 0);
	check_open(KA_USAGE, "is of aarch64, the dump of x86_64", in_dir("arm64"), in_dir("vmcore"), NULL);
	core_make("arm64-core", EM_AARCH64, INFO, NULL);
	check_open(KA_USAGE, "is of x86_64, the dump of aarch64", in_dir("vmlinux"), in_dir("arm64-core"), NULL);
	path = test_image_file(dir, "arm64-kdump", "kdump 6 31 16\nmachine aarch64\npage 0 zlib\n");
	check_open(KA_USAGE, "is of x86_64, the dump of aarch64", in_dir("vmlinux"), path, NULL);
	free(path);
}

static void check_files(void)
{
	struct ka_kernel *k = NULL;
	struct ka_session_files files;
	const char *const paths[] = { in_dir("vmcore"), NULL };
	struct ka_error *err;

	check_open(KA_USAGE, "no dump was given", NULL, NULL, NULL);
	check_open(KA_USAGE, "is a kernel (vmlinux), and no dump was given", in_dir("vmlinux"), NULL, NULL);
	check_open(KA_USAGE, "are kernels: give one", in_dir("vmlinux"), in_dir("other"), in_dir("vmcore"));
	check_open(KA_USAGE, "is a dump of its own: what is", in_dir("vmlinux"), in_dir("vmcore"), in_dir("old"));
	check_open(KA_IO, "cannot open", in_dir("vmlinux"), in_dir("no such file"), NULL);
	check_open(KA_FORMAT, "is a directory", in_dir("vmlinux"), dir, NULL);
	file_write(in_dir("empty"), "", 0);
	check_open(KA_TRUNCATED, "is empty", in_dir("vmlinux"), in_dir("empty"), NULL);
	file_write(in_dir("text"), "hello\n", 6);
	check_open(KA_FORMAT, "neither a dump of a known format nor a kernel", in_dir("vmlinux"), in_dir("text"), NULL);
	file_write(in_dir("packed"), "\x1f\x8b\x08\0\0\0\0\0\0\0\0\0", 12);
	check_open(KA_UNSUPPORTED, "gzip -dk", in_dir("vmlinux"), in_dir("packed"), NULL);
	file_write(in_dir("lkcd"), "\xed\x23\x8f\x61\x73\x01\x19\xa8\0\0\0\0", 12);
	check_open(KA_UNSUPPORTED, "LKCD", in_dir("vmlinux"), in_dir("lkcd"), NULL);

	/* vmlinux beside the dump is found by its build-id; so is the right one of a folder that is named */
	options.paths = paths;
	err = ka_kernel_open(&options, &k);
	CHECK_STR(err ? err->message : "ok", "ok");
	ka_error_free(err);
	if (k) {
		ka_session_files(k, &files);
		CHECK_STR(files.vmlinux, in_dir("vmlinux"));
		CHECK_STR(files.dumps[0], in_dir("vmcore"));
		CHECK(!files.dumps[1] && !files.is_partial);
		CHECK_STR(files.arch, "x86_64");
		CHECK_STR(files.release, "9.9.9-test");
		CHECK(ka_vmcoreinfo(k, "KERNELOFFSET") && !ka_vmcoreinfo(k, "KERNELOFF") && !ka_vmcoreinfo(k, "SET") && !ka_vmcoreinfo(k, ""));
		ka_kernel_close(k);
	}
	remove(in_dir("vmlinux"));
	check_open(KA_NOT_FOUND, "linux-image-9.9.9-test-dbg", in_dir("vmcore"), NULL, NULL);
}

/* Two sessions at once know nothing of each other. */
static void check_two(void)
{
	const char *const paths[2][3] = { { in_dir("nameless"), in_dir("old"), NULL }, { in_dir("bare"), in_dir("silent"), NULL } };
	struct ka_kernel *k[2] = { 0 };
	char text[2][64];

	for (int i = 0; i < 2; i++) {
		struct ka_open_options o = { .paths = paths[i] };

		CHECK(!ka_error_drop(ka_kernel_open(&o, &k[i])));
	}
	for (int i = 0; i < 2; i++)
		CHECK(!ka_error_drop(ka_read_cstr(k[i], LINKED + 0x2000, text[i], 64)));
	CHECK_STR(text[0], "Linux version 9.9.9-test (a@b) #1\n");
	CHECK_STR(text[1], "");
	ka_kernel_close(k[0]);
	CHECK(!ka_error_drop(ka_read_cstr(k[1], LINKED + 0x2000, text[1], 64)));
	ka_kernel_close(k[1]);
	ka_kernel_close(NULL);
}

CHECK_MAIN
{
	setenv("HOME", "/nonexistent", 1);
	dir = dir_make();
	check_pairs();
	check_machines();
	check_two();
	check_files();
	dir_remove(dir);
}
