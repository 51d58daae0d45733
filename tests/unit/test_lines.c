/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Source lines of this very program, and of a module-like object compiled here: plain, packed, split off. */
#include <unistd.h>
#include <elfutils/libdw.h>
#include <fcntl.h>
#include "check.h"
#include "debuginfo.h"
#include "elf_file.h"

static char *dir;

__attribute__((noinline)) int lines_mark(int x); int lines_mark(int x) { return x * __LINE__; }	/* one line, so that every address has it */
enum { MARK_LINE = __LINE__ - 1 };

static bool run(const char *format, ...) KA_PRINTF(1, 2);
static bool run(const char *format, ...)
{
	va_list ap;
	char *command = NULL;

	va_start(ap, format);
	if (vasprintf(&command, format, ap) < 0)
		exit(1);
	va_end(ap);
	int status = system(command);

	free(command);
	return status == 0;
}

static struct ka_object *open_it(const char *path)
{
	struct ka_object *o = NULL;
	struct ka_error *err = ka_object_open(path, &o);

	if (err)
		fprintf(stderr, "%s\n", err->message);
	CHECK(!err);
	ka_error_free(err);
	return o;
}

static void check_self(void)
{
	struct ka_object *o = open_it("/proc/self/exe");
	const struct ka_symtab *t;
	const char *file = NULL;
	unsigned line = 0;
	size_t i = 0;

	if (!o || !ka_object_section(o, ".debug_line"))
		return ka_object_close(o);	/* built without -g */
	CHECK(!ka_error_drop(ka_object_symtab(o, &t)) && ka_symtab_find(t, "lines_mark", &i));
	CHECK(ka_object_line(o, t->at[i].addr, 0, &file, &line));
	CHECK(file && strstr(file, "/test_lines.c") && !strstr(file, "/../") && *file == '/');
	CHECK_INT(line, MARK_LINE);
	CHECK(ka_object_line(o, t->at[i].addr + t->at[i].size - 1, 0, &file, &line));
	CHECK_INT(line, MARK_LINE);
	CHECK(!ka_object_line(o, 1, 0, &file, &line) && !file);
	CHECK(!ka_object_line(o, UINT64_MAX, 0, &file, &line));
	ka_object_close(o);
}

/* The line as libdw's table has it: the last row at or below, or one of the same address where a statement starts. */
static int line_of_libdw(Dwarf *dw, uint64_t addr)
{
	Dwarf_Die unit;
	Dwarf_Lines *lines;
	size_t n, best = 0;
	bool is_found = false, is = false;
	Dwarf_Addr at, best_at = 0;
	int line = 0;

	if (!dwarf_addrdie(dw, addr, &unit) || dwarf_getsrclines(&unit, &lines, &n))
		return 0;
	for (size_t i = 0; i < n; i++)
		if (!dwarf_lineaddr(dwarf_onesrcline(lines, i), &at) && at <= addr) {
			best = i;
			best_at = at;
			is_found = true;
		}
	if (!is_found || (!dwarf_lineendsequence(dwarf_onesrcline(lines, best), &is) && is))
		return 0;
	for (size_t i = best + 1; i-- > 0; ) {
		Dwarf_Line *row = dwarf_onesrcline(lines, i);

		if (dwarf_lineaddr(row, &at) || at != best_at || (!dwarf_lineendsequence(row, &is) && is))
			break;
		if (!dwarf_linebeginstatement(row, &is) && is) {
			best = i;
			break;
		}
	}
	return dwarf_lineno(dwarf_onesrcline(lines, best), &line) ? 0 : line;
}

static void check_against_libdw(void)
{
	struct ka_object *o = open_it("/proc/self/exe");
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	Dwarf *dw = dwarf_begin(fd, DWARF_C_READ);
	const struct ka_symtab *t;
	size_t compared = 0;

	if (o && dw && !ka_error_drop(ka_object_symtab(o, &t)))
		for (size_t i = 0; i < t->n && compared < 1500; i++) {
			const struct ka_elf_symbol *s = &t->at[i];

			if (ELF64_ST_TYPE(s->info) != STT_FUNC || !s->size)
				continue;
			for (uint64_t a = s->addr; a < s->addr + s->size; a += 1 + s->size / 5) {
				const char *file;
				unsigned line;
				int want = line_of_libdw(dw, a);

				CHECK_INT(ka_object_line(o, a, 0, &file, &line), want != 0);
				CHECK_INT(line, want);
				compared += want != 0;
			}
		}
	CHECK(!dw || !ka_object_section(o, ".debug_line") || compared > 100);
	dwarf_end(dw);
	close(fd);
	ka_object_close(o);
}

/* Functions in several sections, as in a module; one comes from a header below "..". */
static const char source[] =
	"#include \"sub/../sub/inner.h\"\n"
	"\n"
	"int first(int x) { return x * 3; }\n"
	"\n"
	"\n"
	"__attribute__((section(\".init.text\"))) int second(int x) { return x + 7; }\n";
static const char header[] = "\n\nint inner(int x);\nint inner(int x)\n{ return x - 1; }\n";

static uint32_t section_of(struct ka_object *o, const char *symbol, uint64_t *ret_offset)
{
	const struct ka_symtab *t;
	size_t i;

	if (ka_error_drop(ka_object_symtab(o, &t)) || !ka_symtab_find(t, symbol, &i)) {
		CHECK(!"symbol is there");
		return 0;
	}
	*ret_offset = t->at[i].addr;
	return t->at[i].section;
}

static void check_line(struct ka_object *o, const char *symbol, const char *end, unsigned want)
{
	uint64_t at = 0;
	uint32_t section = section_of(o, symbol, &at);
	const char *file = NULL;
	unsigned line = 0;

	CHECK(ka_object_line(o, at, section, &file, &line));
	CHECK_INT(line, want);
	CHECK(file && strlen(file) > strlen(end) && !strcmp(file + strlen(file) - strlen(end), end));
	if (file && strcmp(file + strlen(file) - KA_MIN(strlen(end), strlen(file)), end))
		fprintf(stderr, "%s\n", file);

	/* call frame information of the same place */
	struct ka_frame_rules r;
	struct ka_error *err = ka_object_cfi(o, ka_object_base(o, section) + at, &r);

	CHECK(!err);
	CHECK(err || o->e_machine != EM_X86_64 || (r.cfa_reg == 7 && r.cfa_offset == 8));
	ka_error_free(err);
}

static void check_object(const char *path)
{
	struct ka_object *o = open_it(path);

	if (!o)
		return;
	check_line(o, "first", "/source.c", 3);
	check_line(o, "second", "/source.c", 6);
	check_line(o, "inner", "/sub/inner.h", 5);
	ka_object_close(o);
}

static void check_modules(void)
{
	static const char *const how[] = { "-gdwarf-5", "-gdwarf-4", "-gdwarf-3", "-gdwarf-5 -gz=zlib", "-gdwarf-4 -gz=zlib-gnu", "-gdwarf-5 -gz=zstd",
					   "-gdwarf-5 -fno-asynchronous-unwind-tables -O2" };
	const char *cc = getenv("CC") ? getenv("CC") : "cc";
	char path[4096];
	size_t done = 0;

	snprintf(path, sizeof(path), "%s/source.c", dir);
	file_write(path, source, sizeof(source) - 1);
	snprintf(path, sizeof(path), "%s/sub/inner.h", dir);
	file_write_deep(path, header, sizeof(header) - 1);
	for (size_t i = 0; i < KA_COUNT(how); i++) {
		if (!run("cd %s && %s -ffunction-sections -fcf-protection=none %s -c source.c -o m.ko 2>/dev/null", dir, cc, how[i]))
			continue;
		done++;
		snprintf(path, sizeof(path), "%s/m.ko", dir);
		check_object(path);
		/* linked into one file, and not relocatable any more: the pieces lie elsewhere */
		if (run("cd %s && %s -nostdlib -static -Wl,--build-id -Wl,-e,first %s m.ko -o vmlinux 2>/dev/null", dir, cc, how[i])) {
			snprintf(path, sizeof(path), "%s/vmlinux", dir);
			check_object(path);
			/* as clang leaves it: the units themselves are asked for their ranges */
			if (run("cd %s && objcopy -R .debug_aranges vmlinux vm 2>/dev/null", dir)) {
				snprintf(path, sizeof(path), "%s/vm", dir);
				check_object(path);
			}
			/* split off: found by its link beside the file, in .debug, and below usr/lib/debug of a root above */
			if (run("cd %s && objcopy --only-keep-debug vmlinux vm.debug 2>/dev/null && objcopy --strip-debug "
				"--add-gnu-debuglink=vm.debug vmlinux vm && mkdir -p .debug usr/lib/debug", dir)) {
				snprintf(path, sizeof(path), "%s/vm", dir);
				check_object(path);
				run("cd %s && mv vm.debug .debug/", dir);
				check_object(path);
				run("cd %s && mv .debug/vm.debug usr/lib/debug/", dir);
				check_object(path);
				run("cd %s && rm usr/lib/debug/vm.debug && cp vm vm.debug", dir);	/* has no DWARF either */
				struct ka_object *o = open_it(path);
				const char *file;
				unsigned line;

				CHECK(!ka_object_line(o, 0, 0, &file, &line));
				ka_object_close(o);
				run("cd %s && rm -f vm vm.debug", dir);
			}
		}
	}
	if (!done)
		printf("no compiler: modules not tested\n");
}

CHECK_MAIN
{
	dir = dir_make();
	check_self();
	check_against_libdw();
	check_modules();
	dir_remove(dir);
}
