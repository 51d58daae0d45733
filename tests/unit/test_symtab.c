/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Symbol tables: order, nm's letters, look-ups; this very program against nm where that is installed. */
#include "check.h"
#include "debuginfo.h"
#include "elf_file.h"

static char *dir;

static const struct {
	const char *name;
	uint64_t value, size;
	unsigned bind, type, section;	/* section: index in the table below + 1, or SHN_* */
	char letter;			/* 0: left out */
} symbols[] = {
	{ "_text", 0x1000, 0, STB_GLOBAL, STT_NOTYPE, 1, 'T' },
	{ "startup", 0x1000, 64, STB_GLOBAL, STT_FUNC, 1, 'T' },
	{ "_stext", 0x1000, 0, STB_GLOBAL, STT_NOTYPE, 1, 'T' },
	{ "static_fn", 0x1040, 16, STB_LOCAL, STT_FUNC, 1, 't' },
	{ "file.c", 0, 0, STB_LOCAL, STT_FILE, SHN_ABS, 0 },
	{ "", 0x1000, 0, STB_LOCAL, STT_SECTION, 1, 0 },
	{ "undefined", 0, 0, STB_GLOBAL, STT_NOTYPE, SHN_UNDEF, 0 },
	{ "weak_fn", 0x1050, 8, STB_WEAK, STT_FUNC, 1, 'W' },
	{ "weak_object", 0x3000, 8, STB_WEAK, STT_OBJECT, 3, 'V' },
	{ "constant", 0x2000, 4, STB_GLOBAL, STT_OBJECT, 2, 'R' },
	{ "local_constant", 0x2004, 4, STB_LOCAL, STT_OBJECT, 2, 'r' },
	{ "variable", 0x3008, 8, STB_GLOBAL, STT_OBJECT, 3, 'D' },
	{ "same", 0x3010, 8, STB_LOCAL, STT_OBJECT, 3, 'd' },
	{ "same", 0x4000, 8, STB_GLOBAL, STT_OBJECT, 4, 'B' },
	{ "same", 0x3018, 8, STB_LOCAL, STT_OBJECT, 3, 'd' },
	{ "zeroed", 0x4008, 8, STB_LOCAL, STT_OBJECT, 4, 'b' },
	{ "init_fn", 0x5000, 8, STB_LOCAL, STT_FUNC, 5, 't' },
	{ "init_data", 0x6000, 8, STB_LOCAL, STT_OBJECT, 6, 'd' },
	{ "debugging", 0, 8, STB_LOCAL, STT_OBJECT, 7, 'N' },
	{ "comment", 0, 8, STB_LOCAL, STT_OBJECT, 8, 'n' },
	{ "absolute", 0x7777, 0, STB_GLOBAL, STT_NOTYPE, SHN_ABS, 'A' },
	{ "absolute_local", 0x7778, 0, STB_LOCAL, STT_NOTYPE, SHN_ABS, 'a' },
	{ "common", 0x8, 4, STB_GLOBAL, STT_OBJECT, SHN_COMMON, 'C' },
	{ "unique", 0x3020, 4, STB_GNU_UNIQUE, STT_OBJECT, 3, 'u' },
	{ "ifunc", 0x1060, 4, STB_GLOBAL, STT_GNU_IFUNC, 1, 'i' },
	{ "huge", 0x3030, 1ULL << 33, STB_GLOBAL, STT_OBJECT, 3, 'D' },
	{ "$d.12", 0x1064, 0, STB_LOCAL, STT_NOTYPE, 1, 't' },
};

static struct ka_object *make(unsigned machine, bool is_be)
{
	static uint8_t bytes[64], syms[64 * 24];
	static char names[1024];
	struct elf_file f = { .type = ET_EXEC, .machine = machine, .is_be = is_be };
	size_t at = 1, size;
	char path[4096];
	struct ka_object *o;

	elf_add(&f, ".text", SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR, 0x1000, bytes, 64);
	elf_add(&f, ".rodata", SHT_PROGBITS, SHF_ALLOC, 0x2000, bytes, 64);
	elf_add(&f, ".data", SHT_PROGBITS, SHF_ALLOC | SHF_WRITE, 0x3000, bytes, 64);
	elf_add(&f, ".bss", SHT_NOBITS, SHF_ALLOC | SHF_WRITE, 0x4000, NULL, 64);
	elf_add(&f, ".init.text", SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR, 0x5000, bytes, 64);
	elf_add(&f, ".init.data", SHT_PROGBITS, SHF_ALLOC | SHF_WRITE, 0x6000, bytes, 64);
	elf_add(&f, ".debug_info", SHT_PROGBITS, 0, 0, bytes, 64);
	elf_add(&f, ".comment", SHT_PROGBITS, 0, 0, bytes, 64);
	for (size_t i = 0; i < KA_COUNT(symbols); i++) {
		elf_symbol(&f, syms + (i + 1) * sizeof(Elf64_Sym), *symbols[i].name ? (uint32_t)at : 0, symbols[i].value, symbols[i].size,
			   (uint8_t)ELF64_ST_INFO(symbols[i].bind, symbols[i].type), (uint16_t)symbols[i].section);
		strcpy(names + at, symbols[i].name);
		at += strlen(names + at) + 1;
	}
	unsigned s = elf_add(&f, ".symtab", SHT_SYMTAB, 0, 0, syms, (KA_COUNT(symbols) + 1) * sizeof(Elf64_Sym));

	f.sections[s - 1].link = elf_add(&f, ".strtab", SHT_STRTAB, 0, 0, names, at);
	uint8_t *all = elf_bytes(&f, &size);

	snprintf(path, sizeof(path), "%s/vmlinux", dir);
	file_write(path, all, size);
	free(all);
	struct ka_error *err = ka_object_open(path, &o);

	CHECK(!err);
	ka_error_free(err);
	return o;
}

static void check_table(unsigned machine, bool is_be)
{
	struct ka_object *o = make(machine, is_be);
	const struct ka_symtab *t = NULL, *again = NULL;
	struct ka_error *err = ka_object_symtab(o, &t);
	size_t i, want = 0, seen;

	CHECK(!err);
	ka_error_free(err);
	ka_error_free(ka_object_symtab(o, &again));
	CHECK(t == again);
	for (i = 0; i < KA_COUNT(symbols); i++) {
		bool is_out = !symbols[i].letter || (machine == EM_AARCH64 && *symbols[i].name == '$');

		want += !is_out;
		for (seen = 0; seen < t->n; seen++)
			if (!strcmp(t->strings + t->at[seen].name, symbols[i].name) && t->at[seen].addr == symbols[i].value)
				break;
		CHECK_INT(seen < t->n, !is_out);
		if (seen < t->n) {
			if (t->at[seen].type != symbols[i].letter)
				fprintf(stderr, "%s: %c\n", symbols[i].name, t->at[seen].type);
			CHECK_INT(t->at[seen].type, symbols[i].letter);
			CHECK_INT(t->at[seen].size, KA_MIN(symbols[i].size, (uint64_t)UINT32_MAX));
			CHECK_INT(t->at[seen].section, symbols[i].section);
		}
	}
	CHECK_INT(t->n, want);
	for (i = 1; i < t->n; i++)
		CHECK(t->at[i - 1].addr <= t->at[i].addr);

	CHECK(ka_symtab_find(t, "same", &i) && t->at[i].addr == 0x4000);	/* the global one */
	CHECK(ka_symtab_find(t, "static_fn", &i) && t->at[i].addr == 0x1040);
	CHECK(!ka_symtab_find(t, "undefined", &i) && !ka_symtab_find(t, "", &i) && !ka_symtab_find(t, "stat", &i));
	CHECK(ka_symtab_at(t, 0x1000, &i) && !strcmp(t->strings + t->at[i].name, "startup"));
	CHECK(ka_symtab_at(t, 0x103f, &i) && !strcmp(t->strings + t->at[i].name, "startup"));
	CHECK(ka_symtab_at(t, 0x1040, &i) && !strcmp(t->strings + t->at[i].name, "static_fn"));
	CHECK(ka_symtab_at(t, UINT64_MAX, &i) && !strcmp(t->strings + t->at[i].name, "absolute_local"));
	ka_object_close(o);
}

static void check_stripped(void)
{
	struct elf_file f = { .type = ET_EXEC, .machine = EM_X86_64 };
	const char text[] = "xxLinux version 6.1.0-50-cloud-amd64 (x)";
	const struct ka_symtab *t;
	struct ka_object *o;
	char path[4096];
	size_t size;

	elf_add(&f, ".rodata", SHT_PROGBITS, SHF_ALLOC, 0x2000, text, sizeof(text));
	uint8_t *bytes = elf_bytes(&f, &size);

	snprintf(path, sizeof(path), "%s/stripped", dir);
	file_write(path, bytes, size);
	free(bytes);
	struct ka_error *err = ka_object_open(path, &o);

	CHECK(!err);
	ka_error_free(err);
	CHECK_STR(ka_object_banner(o), text + 2);
	err = ka_object_symtab(o, &t);
	CHECK(err && err->code == KA_MISSING);
	CHECK(err && strstr(err->message, "stripped") && strstr(err->message, "linux-image-6.1.0-50-cloud-amd64-dbg"));
	ka_error_free(err);
	ka_object_close(o);
}

/* nm sees the same in this program, symbol by symbol. */
static void check_against_nm(void)
{
	struct ka_object *o;
	const struct ka_symtab *t;
	char self[4096], command[8192], line[4096], name[2048], letter;
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	unsigned long long addr;
	size_t count = 0;

	if (n < 0)
		return;
	self[n] = 0;
	struct ka_error *err = ka_object_open(self, &o);

	CHECK(!err);
	if (ka_error_drop(err))
		return;
	if (ka_error_drop(ka_object_symtab(o, &t)))
		return ka_object_close(o);
	snprintf(command, sizeof(command), "nm '%s' 2>/dev/null", self);
	FILE *in = popen(command, "r");

	while (in && fgets(line, sizeof(line), in)) {
		size_t i;
		bool is_there = false;

		if (sscanf(line, "%llx %c %2047s", &addr, &letter, name) != 3)
			continue;	/* undefined ones have no address */
		count++;
		name[strcspn(name, "@")] = 0;	/* nm adds versions in its own way */
		for (i = 0; i < t->n && !is_there; i++)
			is_there = t->at[i].addr == addr && t->at[i].type == letter &&
				   !strncmp(t->strings + t->at[i].name, name, strcspn(t->strings + t->at[i].name, "@")) &&
				   strlen(name) == strcspn(t->strings + t->at[i].name, "@");
		if (!is_there)
			fprintf(stderr, "not there: %s", line);
		CHECK(is_there);
	}
	if (in && !pclose(in))
		CHECK_INT(t->n, count);
	ka_object_close(o);
}

CHECK_MAIN
{
	dir = dir_make();
	check_table(EM_X86_64, false);
	check_table(EM_AARCH64, false);
	check_table(EM_S390, true);
	check_stripped();
	check_against_nm();
	dir_remove(dir);
}
