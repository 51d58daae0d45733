/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Finding vmlinux and modules in trees of every shape, what is said when nothing fits, and the hints. */
#include <zlib.h>
#include "check.h"
#include "debuginfo.h"
#include "elf_file.h"

#define RELEASE	"0.1.2-kanalyze-test"	/* of no kernel that could be installed here */

static char *root;

static char *in_root(const char *path)
{
	static char out[4][4096];
	static unsigned turn;
	char *p = out[turn++ % 4];

	snprintf(p, 4096, "%s/%s", root, path);
	return p;
}

enum { WITH_DWARF = 1, WITHOUT_ID = 2, STRIPPED = 4, MODULE = 8, PACKED = 16 };

/* A kernel or module of a build (a byte that its build-id is made of) at a place below the root. */
static void put(const char *path, uint8_t build, const char *release, unsigned how)
{
	struct elf_file f = { .type = how & MODULE ? ET_REL : ET_EXEC, .machine = EM_X86_64 };
	uint8_t note[36], syms[48] = { 0 }, packed[8192];
	char text[256];
	size_t size, n = (size_t)snprintf(text, sizeof(text), how & MODULE ? "license=GPL%cvermagic=%s SMP mod_unload " : "%cLinux version %s (x) #1",
					  0, release) + 1;

	unsigned data = elf_add(&f, how & MODULE ? ".modinfo" : ".rodata", SHT_PROGBITS, SHF_ALLOC, 0x1000, text, n);

	elf_build_id(&f, note, build);
	if (!(how & WITHOUT_ID))
		elf_add(&f, ".notes", SHT_NOTE, SHF_ALLOC, 0x2000, note, sizeof(note));
	if (!(how & STRIPPED)) {
		elf_symbol(&f, syms + 24, 1, 0x1001, 20, ELF64_ST_INFO(STB_GLOBAL, STT_OBJECT), (uint16_t)data);
		unsigned s = elf_add(&f, ".symtab", SHT_SYMTAB, 0, 0, syms, sizeof(syms));

		f.sections[s - 1].link = elf_add(&f, ".strtab", SHT_STRTAB, 0, 0, "\0linux_banner", 14);
	}
	if (how & WITH_DWARF)
		elf_add(&f, ".debug_info", SHT_PROGBITS, 0, 0, "x", 1);
	uint8_t *bytes = elf_bytes(&f, &size);

	if (how & PACKED) {
		z_stream z = { .next_in = bytes, .avail_in = (uInt)size, .next_out = packed, .avail_out = sizeof(packed) };

		deflateInit2(&z, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY);
		deflate(&z, Z_FINISH);
		deflateEnd(&z);
		file_write_deep(in_root(path), packed, sizeof(packed) - z.avail_out);
	} else {
		file_write_deep(in_root(path), bytes, size);
	}
	free(bytes);
}

static void clear(void)
{
	dir_remove(root);
	mkdir(root, 0700);
}

static uint8_t id[20];

static struct ka_find_request request(bool has_id, const char *debug_dir)
{
	static const char *dirs[2];

	memset(id, 0x11, sizeof(id));
	dirs[0] = debug_dir;
	return (struct ka_find_request){ .build_id = id, .build_id_size = has_id ? sizeof(id) : 0, .release = RELEASE,
					 .dump_dir = debug_dir ? NULL : root, .debug_dirs = debug_dir ? dirs : NULL };
}

/* Found at path (NULL: not found, and the message says so). */
static void expect(const struct ka_find_request *r, const char *path, const char *says)
{
	struct ka_object *o = NULL;
	struct ka_error *err = ka_find_vmlinux(r, &o);

	if (path) {
		if (err)
			fprintf(stderr, "%s\n", err->message);
		CHECK(!err && o);
		CHECK_STR(o ? o->path : "", in_root(path));
	} else {
		CHECK(err && err->code == KA_NOT_FOUND && !o);
		if (err && says && !strstr(err->message, says))
			fprintf(stderr, "%s\n", err->message);
		CHECK(err && (!says || strstr(err->message, says)));
	}
	ka_object_close(o);
	ka_error_free(err);
}

static void check_shapes(void)
{
	static const char *const shapes[] = {
		"usr/lib/debug/.build-id/11/11111111111111111111111111111111111111.debug",
		".build-id/11/11111111111111111111111111111111111111.debug",
		"usr/lib/debug/lib/modules/" RELEASE "/vmlinux", "usr/lib/debug/lib/modules/" RELEASE "/vmlinux.debug",
		"usr/lib/debug/boot/vmlinux-" RELEASE, "usr/lib/debug/boot/vmlinux-" RELEASE ".debug",
		"usr/lib/debug/usr/lib/modules/" RELEASE "/vmlinux.debug", "lib/modules/" RELEASE "/build/vmlinux",
		"usr/lib/modules/" RELEASE "/build/vmlinux", "lib/modules/" RELEASE "/vmlinux", "usr/lib/modules/" RELEASE "/vmlinux",
		"boot/vmlinux-" RELEASE, "vmlinux", "vmlinux-" RELEASE, RELEASE "/vmlinux", "vmlinux.debug",
	};

	for (size_t i = 0; i < KA_COUNT(shapes); i++)
		for (int dir = 0; dir < 2; dir++) {
			struct ka_find_request r = request(true, dir ? root : NULL);

			clear();
			put(shapes[i], 0x11, RELEASE, WITH_DWARF);
			expect(&r, shapes[i], NULL);
			clear();
			put(shapes[i], 0x22, RELEASE, WITH_DWARF);
			expect(&r, NULL, "of another build, build-id 2222222222222222222222222222222222222222");
			/* without a build-id in the dump the release decides, but for what is only named by the build-id */
			if (strstr(shapes[i], ".build-id"))
				continue;
			r.build_id_size = 0;
			expect(&r, shapes[i], NULL);
			put(shapes[i], 0x22, "9.9.9-other", WITH_DWARF);
			expect(&r, NULL, "of another kernel, 9.9.9-other");
		}
	struct ka_find_request r = request(true, root);

	clear();
	put("vmlinux.gz", 0x11, RELEASE, WITH_DWARF | PACKED);
	expect(&r, "vmlinux.gz", NULL);
	clear();
	put("vmlinux-of-last-week", 0x11, RELEASE, WITH_DWARF);
	expect(&r, "vmlinux-of-last-week", NULL);
	/* the directory may be the file itself */
	r = request(true, in_root("my-kernel"));
	put("my-kernel", 0x11, RELEASE, WITH_DWARF);
	expect(&r, "my-kernel", NULL);
}

static void check_choice(void)
{
	struct ka_find_request r = request(true, NULL);
	static const uint8_t rubbish[] = "rubbish";

	clear();
	expect(&r, NULL, "usr/lib/debug/boot/vmlinux-" RELEASE ", ");
	expect(&r, NULL, ".build-id/11/11111111111111111111111111111111111111.debug");
	expect(&r, NULL, root);
	expect(&r, NULL, "no vmlinux of " RELEASE " (build-id 1111111111111111111111111111111111111111) found");
	/* one with DWARF is taken before one without, whatever comes first */
	put("usr/lib/debug/boot/vmlinux-" RELEASE, 0x11, RELEASE, 0);
	expect(&r, "usr/lib/debug/boot/vmlinux-" RELEASE, NULL);
	put("vmlinux-with", 0x11, RELEASE, WITH_DWARF);
	expect(&r, "vmlinux-with", NULL);
	/* a stripped one is told, and no use */
	clear();
	put("vmlinux", 0x11, RELEASE, STRIPPED);
	expect(&r, NULL, "stripped");
	put("vmlinux-1", 0x33, RELEASE, WITH_DWARF);
	file_write_deep(in_root("boot/vmlinux-" RELEASE), rubbish, sizeof(rubbish));
	expect(&r, NULL, "not an ELF file");
	expect(&r, NULL, "build-id 3333");
	/* a build that has no build-id: by release */
	clear();
	put("vmlinux", 0, RELEASE, WITH_DWARF | WITHOUT_ID);
	expect(&r, "vmlinux", NULL);
	put("vmlinux", 0, "5.5.5", WITH_DWARF | WITHOUT_ID);
	expect(&r, NULL, "5.5.5");
	/* neither known: any kernel beside the dump, but no other file */
	r.build_id_size = 0;
	r.release = NULL;
	expect(&r, "vmlinux", NULL);
	/* a release out of a hostile dump is no path */
	r.release = "../../../../etc";
	expect(&r, "vmlinux", NULL);
	/* the one of the system where the directory says nothing of it: named, not found */
	r = request(true, in_root("missing"));
	expect(&r, NULL, "missing (not there)");
}

static void expect_module(const struct ka_find_request *r, const char *vmlinux, const char *name, uint8_t build, const char *path, const char *says)
{
	struct ka_object *o = NULL;
	uint8_t want[20];

	memset(want, build, sizeof(want));
	struct ka_error *err = ka_find_module(r, vmlinux, name, want, build ? sizeof(want) : 0, &o);

	if (path) {
		if (err)
			fprintf(stderr, "%s\n", err->message);
		CHECK(!err && o);
		CHECK_STR(o ? o->path : "", in_root(path));
	} else {
		CHECK(err && err->code == KA_NOT_FOUND);
		CHECK(err && (!says || strstr(err->message, says)));
		if (err && says && !strstr(err->message, says))
			fprintf(stderr, "%s\n", err->message);
	}
	ka_object_close(o);
	ka_error_free(err);
}

static void check_modules(void)
{
	static const char *const shapes[] = {
		"usr/lib/debug/.build-id/55/55555555555555555555555555555555555555.debug",
		"usr/lib/debug/lib/modules/" RELEASE "/kernel/net/nf-some_thing.ko",
		"usr/lib/debug/lib/modules/" RELEASE "/kernel/net/nf_some_thing.ko.debug",
		"usr/lib/debug/usr/lib/modules/" RELEASE "/kernel/net/nf-some-thing.ko.debug",
		"lib/modules/" RELEASE "/updates/dkms/nf_some_thing.ko", "nf_some_thing.ko", "modules/kernel/net/nf_some_thing.ko",
	};
	struct ka_find_request r = request(true, NULL), none = { .release = RELEASE };

	for (size_t i = 0; i < KA_COUNT(shapes); i++) {
		clear();
		put("usr/lib/debug/boot/vmlinux-" RELEASE, 0x11, RELEASE, WITH_DWARF);
		put(shapes[i], 0x55, RELEASE, WITH_DWARF | MODULE);
		expect_module(&r, NULL, "nf_some_thing", 0x55, shapes[i], NULL);
		expect_module(&r, NULL, "nf_some_thing", 0x56, NULL, i ? "build-id 5555" : "nf_some_thing");
		expect_module(&r, NULL, "nf_some", 0x55, i ? NULL : shapes[i], "nf_some");
		if (i && i < 5) {
			/* only the path of vmlinux is known */
			expect_module(&none, in_root("usr/lib/debug/boot/vmlinux-" RELEASE), "nf_some_thing", 0x55, shapes[i], NULL);
			expect_module(&none, in_root("usr/lib/debug/boot/vmlinux-" RELEASE), "nf_some_thing", 0, shapes[i], NULL);
		}
	}
	clear();
	put("lib/modules/" RELEASE "/kernel/a.ko.gz", 0x55, RELEASE, MODULE | PACKED);
	expect_module(&r, NULL, "a", 0x55, "lib/modules/" RELEASE "/kernel/a.ko.gz", NULL);
	put("usr/lib/debug/lib/modules/" RELEASE "/kernel/a.ko", 0x55, RELEASE, MODULE | WITH_DWARF);
	expect_module(&r, NULL, "a", 0x55, "usr/lib/debug/lib/modules/" RELEASE "/kernel/a.ko", NULL);
	/* by vermagic where there is no build-id */
	put("usr/lib/debug/lib/modules/" RELEASE "/kernel/b.ko", 0, "3.2.1", MODULE | WITH_DWARF | WITHOUT_ID);
	expect_module(&r, NULL, "b", 0x55, NULL, "3.2.1");
	/* a build tree: modules.order of both ages */
	clear();
	put("tree/vmlinux", 0x11, RELEASE, WITH_DWARF);
	put("tree/drivers/x/one-two.ko", 0x55, RELEASE, MODULE | WITH_DWARF);
	put("tree/kernel/y.ko", 0x55, RELEASE, MODULE | WITH_DWARF);
	file_write(in_root("tree/modules.order"), "drivers/x/one-two.o\nkernel/kernel/y.ko\nbad\n../../z.o\n", 52);
	expect_module(&none, in_root("tree/vmlinux"), "one_two", 0x55, "tree/drivers/x/one-two.ko", NULL);
	expect_module(&none, in_root("tree/vmlinux"), "y", 0x55, "tree/kernel/y.ko", NULL);
	expect_module(&none, in_root("tree/vmlinux"), "z", 0x55, NULL, "z");
	expect_module(&r, NULL, "../../../../etc/passwd", 0, NULL, "no module can have");
	expect_module(&r, NULL, "", 0, NULL, "no module can have");
}

static void check_hints(void)
{
	static const struct { const char *release, *says; } hints[] = {
		{ "6.1.0-50-amd64", "linux-image-6.1.0-50-amd64-dbg" }, { "6.1.0-50-cloud-amd64", "linux-image-6.1.0-50-cloud-amd64-dbg" },
		{ "6.12.95+deb12-cloud-amd64", "linux-image-6.12.95+deb12-cloud-amd64-dbg" }, { "5.10.0-43-rt-arm64", "Debian" },
		{ "5.15.0-91-generic", "linux-image-unsigned-5.15.0-91-generic-dbgsym" }, { "6.5.0-1009-aws", "Ubuntu" },
		{ "5.15.0-91-lowlatency-hwe", "Ubuntu" }, { "5.15.0-1044-raspi", "Ubuntu" },
		{ "6.5.6-300.fc39.x86_64", "Fedora: kernel-debuginfo-6.5.6-300.fc39.x86_64" },
		{ "4.18.0-513.5.1.el8_9.x86_64", "kernel-debuginfo-4.18.0-513.5.1.el8_9.x86_64" },
		{ "5.15.0-200.131.27.el9uek.x86_64", "kernel-uek-debuginfo-5.15.0-200.131.27.el9uek.x86_64" },
		{ "5.14.0-362.8.1.el9_3.x86_64+rt", "kernel-rt-debuginfo-5.14.0-362.8.1.el9_3.x86_64 " },
		{ "5.14.0-362.8.1.el9_3.aarch64+64k", "kernel-64k-debuginfo-5.14.0-362.8.1.el9_3.aarch64 " },
		{ "5.14.0-362.8.1.el9_3.x86_64+debug", "kernel-debug-debuginfo-5.14.0-362.8.1.el9_3.x86_64 " },
		{ "3.10.0-1160.rt56.1131.el7.x86_64", "kernel-rt-debuginfo-3.10.0" },
		{ "6.1.61-85.141.amzn2023.x86_64", "Amazon Linux: kernel-debuginfo-6.1.61-85.141.amzn2023.x86_64" },
		{ "5.14.21-150500.55.36-default", "kernel-default-debuginfo of version 5.14.21-150500.55.36" },
		{ "6.4.0-9-azure", "Ubuntu" }, { "6.6.3-1-rt", "SUSE: kernel-rt-debuginfo" },
		{ "6.6.8-arch1-1", "Arch: /usr/lib/modules/6.6.8-arch1-1/build/vmlinux" }, { "6.6.8-zen1-1-zen", "Arch" },
		{ "5.10.0-136.12.0.86.oe2203sp1.x86_64", "kernel-debuginfo-5.10.0-136.12.0.86.oe2203sp1.x86_64" },
		{ "6.6.0-mine", "linux-image-6.6.0-mine-dbg" }, { NULL, "linux-image-RELEASE-dbg" }, { "6.1\033[31m", "linux-image-RELEASE-dbg" },
	};
	struct ka_arena *a = ka_arena_new();

	for (size_t i = 0; i < KA_COUNT(hints); i++) {
		const char *is = ka_find_hint(hints[i].release, a);

		if (!strstr(is, hints[i].says))
			fprintf(stderr, "%s: %s\n", hints[i].release ? hints[i].release : "NULL", is);
		CHECK(strstr(is, hints[i].says));
	}
	ka_arena_free(a);
}

CHECK_MAIN
{
	root = dir_make();
	setenv("DEBUGINFOD_CACHE_PATH", in_root("cache"), 1);
	check_hints();
	check_shapes();
	check_choice();
	check_modules();
	clear();
	struct ka_find_request r = request(true, in_root("missing"));

	put("cache/1111111111111111111111111111111111111111/debuginfo", 0x11, RELEASE, WITH_DWARF);
	expect(&r, "cache/1111111111111111111111111111111111111111/debuginfo", NULL);
	dir_remove(root);
}
