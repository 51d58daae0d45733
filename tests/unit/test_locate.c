/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Memory without VMCOREINFO: kernels made up in raw files, found by the text that they keep of it or by their banner, among
 * decoys; and which of two it is, when the capture kernel has been booted, too.
 */
#include <stddef.h>
#include <stdlib.h>
#include "check.h"
#include "elf_file.h"
#include "kernel.h"

#define LINKED UINT64_C(0xffffffff81000000)	/* of _stext; the image's mapping begins 16 MB below */
#define BASE UINT64_C(0xffffffff80000000)
#define SIZE (18u << 20)
#define LOW 0x400000ull			/* where the two kernels lie */
#define HIGH 0xc00000ull
#define BANNER "Linux version 9.9.9-test (a@b) #1\n"
#define ELFCORE_ADDR_MAX UINT64_MAX

/* In the image, behind _stext */
enum { TOP = 0x1000, RODATA = 0x2000, DATA = 0x3000, PUD = 0x4000, PMD = 0x5000, END = 0x10000 };

static uint8_t *memory;
static char *dir;

static const char *in_dir(const char *name)
{
	static char paths[16][4200];
	static unsigned next;
	char *p = paths[next++ % 16];

	snprintf(p, 4200, "%s/%s", dir, name);
	return p;
}

static void vmlinux_make(const char *name, const char *banner, bool has_elfcorehdr)
{
	static const char names[] = "\0_stext\0_end\0init_top_pgt\0linux_banner\0phys_base\0elfcorehdr_addr\0";
	static const uint64_t values[] = { LINKED, LINKED + END, LINKED + TOP, LINKED + RODATA, LINKED + DATA, LINKED + DATA + 8 };
	struct elf_file f = { .type = ET_EXEC, .machine = EM_X86_64 };
	uint8_t symbols[7 * sizeof(Elf64_Sym)] = { 0 }, rodata[256] = { 0 }, code[16] = { 0xcc }, note[36];
	size_t size, at = 1, n = has_elfcorehdr ? 6 : 5;
	uint8_t *all;

	strcpy((char *)rodata, banner);
	elf_add(&f, ".text", SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR, LINKED, code, sizeof(code));
	elf_add(&f, ".rodata", SHT_PROGBITS, SHF_ALLOC, LINKED + RODATA, rodata, sizeof(rodata));
	elf_build_id(&f, note, 0xab);
	elf_add(&f, ".notes", SHT_NOTE, SHF_ALLOC, LINKED + 0x6000, note, sizeof(note));
	for (size_t i = 0; i < n; i++) {
		elf_symbol(&f, symbols + (i + 1) * sizeof(Elf64_Sym), (uint32_t)at, values[i], i > 2 ? i == 3 ? sizeof(rodata) : 8 : 0,
			   ELF64_ST_INFO(STB_GLOBAL, STT_OBJECT), i == 3 ? 2 : 1);
		at += strlen(names + at) + 1;
	}
	unsigned s = elf_add(&f, ".symtab", SHT_SYMTAB, 0, 0, symbols, (n + 1) * sizeof(Elf64_Sym));
	f.sections[s - 1].link = elf_add(&f, ".strtab", SHT_STRTAB, 0, 0, names, sizeof(names));
	all = elf_bytes(&f, &size);
	file_write(in_dir(name), all, size);
	free(all);
}

static void put64(uint64_t at, uint64_t value)
{
	memcpy(memory + at, &value, 8);
}

static void put_text(uint64_t at, const char *text)
{
	memcpy(memory + at, text, strlen(text) + 1);
}

/* A kernel in memory: its page tables and variables. banner: NULL: without. */
static void kernel_put(uint64_t phys, uint64_t kaslr, const char *banner, uint64_t elfcorehdr)
{
	uint64_t from_base = LINKED - BASE + kaslr;

	put64(phys + TOP + 511 * 8, (phys + PUD) | 0x63);
	put64(phys + PUD + 510 * 8, (phys + PMD) | 0x63);
	put64(phys + PMD + (from_base >> 21) * 8, phys | 0xe3);
	put64(phys + DATA, phys - from_base);
	put64(phys + DATA + 8, elfcorehdr);
	if (banner)
		put_text(phys + RODATA, banner);
}

/* The text that it would keep; in a static buffer. */
static const char *info_of(const char *release, uint64_t phys, uint64_t kaslr, const char *more)
{
	static char text[1024];

	snprintf(text, sizeof(text), "OSRELEASE=%s\nPAGESIZE=4096\nSYMBOL(swapper_pg_dir)=%" PRIx64 "\nSYMBOL(_stext)=%" PRIx64
		 "\nNUMBER(phys_base)=%" PRId64 "\nSYMBOL(init_top_pgt)=%" PRIx64 "\nKERNELOFFSET=%" PRIx64 "\n%s", release, LINKED + TOP + kaslr,
		 LINKED + kaslr, (int64_t)(phys - (LINKED - BASE) - kaslr), LINKED + TOP + kaslr, kaslr, more);
	return text;
}

static void clear(void)
{
	memset(memory, 0, SIZE);
}

/* Opens what is in memory. phys: where the kernel must be found, or words: of the error. */
static void check_found(const char *vmlinux, uint64_t phys, uint64_t kaslr, const char *words)
{
	const char *paths[] = { ka_xprintf("%s@0", in_dir("memory")), vmlinux, NULL };
	struct ka_open_options o = { .paths = paths, .is_minimal = !vmlinux };
	struct ka_kernel *k = NULL;
	struct ka_error *err;

	file_write(in_dir("memory"), memory, SIZE);
	err = ka_kernel_open(&o, &k);
	if (words) {
		CHECK(err);
		if (err && !strstr(err->message, words))
			CHECK_STR(err->message, words);
	} else {
		CHECK_STR(err ? err->message : "ok", "ok");
	}
	if (!words && !err) {
		CHECK_INT(k->layout.kaslr_offset, kaslr);
		CHECK_INT(k->layout.pgd_phys, phys + TOP);
	}
	ka_error_free(err);
	ka_kernel_close(k);
	free((char *)paths[0]);
}

static void check_release(const char *want)
{
	const char *paths[] = { ka_xprintf("%s@0", in_dir("memory")), NULL };
	struct ka_open_options o = { .paths = paths };
	struct ka_dump_identity id = { 0 };

	file_write(in_dir("memory"), memory, SIZE);
	CHECK(!ka_error_drop(ka_dump_identity(&o, &id)));
	CHECK_STR(id.release ? id.release : "(none)", want);
	free(id.release);
	free(id.build_id);
	free((char *)paths[0]);
}

static void check_text(const char *vmlinux)
{
	/* the text lies across what one thread looks at; before it the same kernel's, spoilt, and others' */
	clear();
	kernel_put(HIGH, 0x1800000, BANNER, ELFCORE_ADDR_MAX);
	put_text(0x1000, "OSRELEASE=");
	put_text(0x2000, "OSRELEASE=%s\nPAGESIZE=%ld\nSYMBOL(%s)");
	put_text(0x3000, info_of("9.9.9-test", HIGH, 0x1600000, ""));
	put_text(0x4000, info_of("9.9.9-test", LOW, 0x1800000, ""));
	put_text(0x5000, info_of("8.8.8-other", HIGH, 0x1800000, ""));
	put_text((8 << 20) - 5, info_of("9.9.9-test", HIGH, 0x1800000, ""));
	check_found(vmlinux, HIGH, 0x1800000, NULL);
	check_found(NULL, HIGH, 0x1800000, NULL);
	/* at the very end of memory, without a NUL; behind it is nothing */
	clear();
	kernel_put(LOW, 0, BANNER, ELFCORE_ADDR_MAX);
	const char *text = info_of("9.9.9-test", LOW, 0, "");
	memcpy(memory + SIZE - strlen(text), text, strlen(text));
	check_found(vmlinux, LOW, 0, NULL);
	/* the build-id decides, where both have one */
	clear();
	kernel_put(LOW, 0, BANNER, ELFCORE_ADDR_MAX);
	put_text(0x5000, info_of("9.9.9-test", LOW, 0, "BUILD-ID=cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd\n"));
	put_text(LOW + RODATA, "no banner");
	check_found(vmlinux, 0, 0, "its banner is not there; other kernels' traces are: 9.9.9-test");
	put_text(LOW + RODATA, BANNER);
	put_text(0x9000, info_of("9.9.9-test", LOW, 0, "BUILD-ID=abababababababababababababababababababab\n"));
	check_found(vmlinux, LOW, 0, NULL);
}

static void check_banner(const char *vmlinux)
{
	clear();
	check_found(vmlinux, 0, 0, "its banner is not there. Is it the right vmlinux?");
	check_found(NULL, 0, 0, "has no VMCOREINFO, neither as a note nor in its memory");
	/* in files, too, and where no kernel can be */
	put_text(0x7000, BANNER);
	check_found(vmlinux, 0, 0, "its banner is there, but no page tables that lead to it");
	kernel_put(HIGH, 0x2200000, BANNER, ELFCORE_ADDR_MAX);
	check_found(vmlinux, HIGH, 0x2200000, NULL);
	/* phys_base lost, or wrong: the tables are tried */
	put64(HIGH + DATA, 0);
	check_found(vmlinux, HIGH, 0x2200000, NULL);
	put64(HIGH + DATA, 12345);
	check_found(vmlinux, HIGH, 0x2200000, NULL);
	/* tables that lead elsewhere */
	put64(HIGH + PMD + (0x3200000 >> 21) * 8, LOW | 0xe3);
	check_found(vmlinux, 0, 0, "no page tables that lead to it");
	/* a text before v4.10 has no place of the kernel in it */
	clear();
	kernel_put(HIGH, 0x2200000, BANNER, ELFCORE_ADDR_MAX);
	put_text(0x3000, "OSRELEASE=9.9.9-test\nPAGESIZE=4096\nSYMBOL(swapper_pg_dir)=ffffffff83201000\nOFFSET(list_head.next)=0\n");
	check_found(vmlinux, HIGH, 0x2200000, NULL);
	/* without vmlinux, the release at least */
	clear();
	put_text(HIGH + RODATA, BANNER);
	check_release("9.9.9-test");
}

/* The machine crashed and the capture kernel, of the same build, is running: the crashed one is meant, wherever it lies. */
static void check_capture(const char *vmlinux, const char *simple)
{
	for (int i = 0; i < 2; i++) {
		uint64_t crashed = i ? LOW : HIGH, capture = i ? HIGH : LOW;

		clear();
		kernel_put(crashed, 0x1000000, BANNER, ELFCORE_ADDR_MAX);
		kernel_put(capture, 0x400000, BANNER, 0x2f000000);
		check_found(vmlinux, crashed, 0x1000000, NULL);		/* by the banner alone */
		put_text(capture + 0x8000, info_of("9.9.9-test", capture, 0x400000, ""));
		put_text(crashed + 0x8000, info_of("9.9.9-test", crashed, 0x1000000, ""));
		check_found(vmlinux, crashed, 0x1000000, NULL);
		/* without vmlinux it is known by the time at which it crashed */
		put_text(crashed + 0x8000, info_of("9.9.9-test", crashed, 0x1000000, "CRASHTIME=1700000000\n"));
		check_found(NULL, crashed, 0x1000000, NULL);
		put_text(capture + 0x8000, info_of("9.9.9-capture", capture, 0x400000, ""));
		check_release("9.9.9-test");
	}
	/* the capture kernel alone is better than none */
	clear();
	kernel_put(LOW, 0, BANNER, 0x2f000000);
	check_found(vmlinux, LOW, 0, NULL);
	put_text(LOW + 0x8000, info_of("9.9.9-test", LOW, 0, ""));
	check_found(vmlinux, LOW, 0, NULL);
	check_release("9.9.9-test");
	check_found(simple, LOW, 0, NULL);	/* CONFIG_CRASH_DUMP is off: it cannot be one */
}

CHECK_MAIN
{
	setenv("HOME", "/nonexistent", 1);
	dir = dir_make();
	memory = ka_xalloc(SIZE);
	vmlinux_make("vmlinux", BANNER, true);
	vmlinux_make("simple", BANNER, false);
	char *vmlinux = ka_xstrdup(in_dir("vmlinux")), *simple = ka_xstrdup(in_dir("simple"));
	check_text(vmlinux);
	check_banner(vmlinux);
	check_capture(vmlinux, simple);
	free(vmlinux);
	free(simple);
	dir_remove(dir);
	free(memory);
}
