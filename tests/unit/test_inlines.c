/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Chains of inlined functions against those that libdw finds: at every place of a program compiled for it (inlines_fixture.c), or, by
 * hand, at random addresses of any file: test_inlines FILE COUNT.
 */
#include <dwarf.h>
#include <elfutils/libdwfl.h>
#include <unistd.h>
#include "check.h"
#include "debuginfo.h"

#define CHAIN_MAX 96

struct other {
	Dwfl *dwfl;
	Dwfl_Module *module;
	Dwarf *dwarf;
	Dwarf_Addr bias;
};

static int find_none(Dwfl_Module *m, void **u, const char *n, Dwarf_Addr b, const char *f, const char *d, GElf_Word c, char **r)
{
	(void)m, (void)u, (void)n, (void)b, (void)f, (void)d, (void)c, (void)r;
	return -1;
}

static bool other_open(const char *path, struct other *o)
{
	static const Dwfl_Callbacks callbacks = { .section_address = dwfl_offline_section_address, .find_debuginfo = find_none };

	o->dwfl = dwfl_begin(&callbacks);
	o->module = dwfl_report_offline(o->dwfl, "", path, -1);
	dwfl_report_end(o->dwfl, NULL, NULL);
	o->dwarf = o->module ? dwfl_module_getdwarf(o->module, &o->bias) : NULL;
	return o->dwarf;
}

struct step {
	const char *function, *file;
	int line;
};

static const char *call_file(Dwarf_Die *unit, Dwarf_Die *die, int *ret_line)
{
	Dwarf_Attribute attr;
	Dwarf_Word file, line;
	Dwarf_Files *files;

	if (!dwarf_attr(die, DW_AT_call_file, &attr) || dwarf_formudata(&attr, &file) || !dwarf_attr(die, DW_AT_call_line, &attr) ||
	    dwarf_formudata(&attr, &line) || dwarf_getsrcfiles(unit, &files, NULL))
		return NULL;
	*ret_line = (int)line;
	return dwarf_filesrc(files, file, NULL, NULL);
}

/* The unit's outermost DIE: by .debug_aranges, which clang does not write, else by looking at each. */
static Dwarf_Die *unit_at(Dwarf *dwarf, uint64_t addr, Dwarf_Die *ret)
{
	Dwarf_CU *cu = NULL;

	if (dwarf_addrdie(dwarf, addr, ret))
		return ret;
	while (!dwarf_get_units(dwarf, cu, &cu, NULL, NULL, ret, NULL))
		if (dwarf_haspc(ret, addr) > 0)
			return ret;
	return NULL;
}

/* Innermost first; the line of the first is not told. */
static size_t other_chain(struct other *o, uint64_t addr, struct step *ret)
{
	Dwarf_Die *scopes = NULL, *nested = NULL, unit, *found = unit_at(o->dwarf, addr, &unit);
	int count = found ? dwarf_getscopes(found, addr, &scopes) : 0;
	struct step call = { 0 };
	size_t n = 0;

	if (count > 0)
		count = dwarf_getscopes_die(&scopes[0], &nested);
	for (int i = 0; i < count && n < CHAIN_MAX; i++) {
		int tag = dwarf_tag(&nested[i]);

		if (tag != DW_TAG_inlined_subroutine && tag != DW_TAG_subprogram)
			continue;
		ret[n] = call;
		ret[n++].function = dwarf_diename(&nested[i]);
		if (tag == DW_TAG_subprogram)
			break;
		call = (struct step){ 0 };
		call.file = call_file(found, &nested[i], &call.line);
	}
	free(scopes);
	free(nested);
	return n;
}

static bool is_same(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

/* Theirs is not made straight: "a/./b/../c". The last component is enough. */
static bool is_same_file(const char *a, const char *b)
{
	a = a && strrchr(a, '/') ? strrchr(a, '/') + 1 : a;
	b = b && strrchr(b, '/') ? strrchr(b, '/') + 1 : b;
	return is_same(a, b);
}

static size_t differing;

/* libdw looks into no name spaces, in which Rust has its functions. */
static bool is_rust(struct other *o, uint64_t addr)
{
	Dwarf_Die die;
	Dwarf_Die *unit = unit_at(o->dwarf, addr, &die);

	return unit && dwarf_srclang(unit) == DW_LANG_Rust;
}

/* at: as in the object, section: 0 but for ET_REL. How many functions there are. */
static size_t compare(struct ka_object *o, struct other *other, uint64_t at, uint32_t section, uint64_t theirs)
{
	struct ka_object_place ours[CHAIN_MAX];
	struct step steps[CHAIN_MAX];
	size_t n = ka_object_chain(o, at, section, ours, CHAIN_MAX), want = other_chain(other, theirs, steps);
	struct ka_object_place place;
	bool is_equal = n == want;

	/* without a line there is no chain */
	if (!n && !ka_object_place(o, at, section, &place))
		return 0;
	for (size_t i = 0; is_equal && i < n; i++) {
		is_equal = is_same(ours[i].function, steps[i].function) && ours[i].is_inlined == (i + 1 < n);
		if (i && steps[i].file)
			is_equal = is_equal && (int)ours[i].line == steps[i].line && is_same_file(ours[i].file, steps[i].file);
	}
	if (!is_equal && is_rust(other, theirs))
		return n;
	if (!is_equal && differing++ < 10) {
		fprintf(stderr, "%#llx:\n", (unsigned long long)theirs);
		for (size_t i = 0; i < n; i++)
			fprintf(stderr, "  ours %s %s:%u\n", ours[i].function, ours[i].file, ours[i].line);
		for (size_t i = 0; i < want; i++)
			fprintf(stderr, "  theirs %s %s:%d\n", steps[i].function, steps[i].file, steps[i].line);
	}
	return n;
}

static uint64_t random_number(void)
{
	static uint64_t state = 88172645463325252ull;

	state ^= state << 13;
	state ^= state >> 7;
	return state ^= state << 17;
}

/* like: the file that libdw is asked, of the same code; NULL: the same. */
static void check_file(const char *path, size_t count, const char *like)
{
	size_t deep = 0, found = 0, asked = 0;
	struct ka_object *o;
	struct other other;
	const struct ka_symtab *t;
	struct ka_error *err = ka_object_open(path, &o);

	if (!err)
		err = ka_object_symtab(o, &t);
	if (err || !other_open(like ? like : path, &other)) {
		fprintf(stderr, "%s: %s\n", path, err ? err->message : dwfl_errmsg(-1));
		CHECK(!"the file can be read");
		return;
	}
	for (size_t i = 0; i < t->n; i++) {
		const struct ka_elf_symbol *s = &t->at[count ? random_number() % t->n : i];
		uint64_t bias = 0;

		if (count && asked >= count)
			break;
		if (!strchr("tTwW", s->type) || !s->size || s->section >= o->section_count)
			continue;
		if (o->e_type == ET_REL) {
			GElf_Shdr shdr;
			Elf *elf = dwfl_module_getelf(other.module, &bias);

			/* libdwfl lays the sections out and puts it in their headers */
			if (!gelf_getshdr(elf_getscn(elf, s->section), &shdr))
				continue;
			bias = shdr.sh_addr;
		}
		for (uint64_t at = count ? s->addr + random_number() % s->size : s->addr; at < s->addr + s->size; at++) {
			size_t n = compare(o, &other, at, o->e_type == ET_REL ? s->section : 0, at + bias);

			asked++;
			found += n > 0;
			deep += n > 1;
			if (count)
				break;
		}
		i = count ? 0 : i;
	}
	CHECK_INT(differing, 0);
	if (count)
		fprintf(stderr, "%s: %zu addresses, %zu with a chain, %zu of them inlined, %zu differ\n", path, asked, found, deep, differing);
	else
		CHECK(deep > 20 && found > deep);
	dwfl_end(other.dwfl);
	ka_object_close(o);
}

int main(int argc, char **argv)
{
	check_file(argc > 1 ? argv[1] : "/proc/self/exe", argc > 2 ? strtoul(argv[2], NULL, 0) : 0, argc > 3 ? argv[3] : NULL);
	return CHECK_DONE();
}
