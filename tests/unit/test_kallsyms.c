/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Symbols from kallsyms in the dump's memory, in each form that scripts/kallsyms.c has written, told by VMCOREINFO or searched. */
#include <stdlib.h>
#include "check.h"
#include "tiny.h"

#define COUNT 600
#define AREA (TINY_DATA + 0x20000)

enum form { FORM_PERCPU, FORM_BASE, FORM_ITSELF, FORM_ADDRESS };

/* Where the pieces came to lie. */
static struct {
	uint64_t offsets, base, num_syms, names, token_table, token_index;
} place;
static enum form form;
static unsigned marker_width;
static bool is_damaged;

static uint64_t addr_of(unsigned i)
{
	return i < 4 && form == FORM_PERCPU ? i * 0x1000 : TINY_TEXT + (i - 4) * 32;
}

static const char *name_of(unsigned i, char *ret)
{
	static const char *const first[] = { "D__per_cpu_start", "Dpercpu_one", "dpercpu_two", "D__per_cpu_end", "T_stext" };

	if (i < 5)
		strcpy(ret, first[i]);
	else if (i == 300)	/* longer than one byte tells */
		sprintf(ret, "t%0180d", 7);
	else
		sprintf(ret, "tfunction_%03u", i);
	return ret;
}

static void put(struct tiny *t, uint64_t at, uint64_t value, unsigned size)
{
	memcpy(t->memory + tiny_phys(at), &value, size);
}

static uint64_t align8(uint64_t at)
{
	return (at + 7) & ~7ull;
}

static void offsets_put(struct tiny *t, uint64_t *at)
{
	place.offsets = *at;
	for (unsigned i = 0; i < COUNT; i++) {
		uint64_t addr = addr_of(i);

		if (form == FORM_ADDRESS)
			put(t, *at, addr, 8);
		else if (form == FORM_ITSELF)
			put(t, *at, addr - *at, 4);
		else if (form == FORM_BASE)
			put(t, *at, addr - (TINY_TEXT - 256), 4);
		else
			put(t, *at, i < 4 ? addr : (TINY_TEXT - 256) - 1 - addr, 4);
		*at += form == FORM_ADDRESS ? 8 : 4;
	}
	*at = align8(*at);
	place.base = *at;
	if (form != FORM_ADDRESS && form != FORM_ITSELF) {
		put(t, *at, TINY_TEXT - 256, 8);
		*at += 8;
	}
}

static void names_put(struct tiny *t, uint64_t *at)
{
	uint64_t markers[COUNT / 256 + 1];
	unsigned marker_count = 0;
	char name[256];

	place.num_syms = *at;
	put(t, *at, COUNT, 4);
	*at = place.names = *at + 8;
	for (unsigned i = 0; i < COUNT; i++) {
		size_t len = strlen(name_of(i, name));

		if (i % 256 == 0)
			markers[marker_count++] = *at - place.names;
		if (len > 127)
			put(t, (*at)++, (len & 127) | 128, 1);
		put(t, (*at)++, len > 127 ? len >> 7 : len, 1);
		memcpy(t->memory + tiny_phys(*at), name, len);
		*at += len;
	}
	*at = align8(*at);
	for (unsigned i = 0; i < marker_count; i++, *at += marker_width)
		put(t, *at, markers[i], marker_width);
	*at = align8(*at);
}

static void prepare(struct tiny *t)
{
	uint64_t at = AREA, index;
	uint16_t tokens[256];

	offsets_put(t, &at);
	names_put(t, &at);
	place.token_table = at;
	for (unsigned i = 0; i < 256; i++) {
		char text[8];

		tokens[i] = (uint16_t)(at - place.token_table);
		sprintf(text, i > ' ' && i < 127 ? "%c" : "x%02x", i);
		memcpy(t->memory + tiny_phys(at), text, strlen(text) + 1);
		at += strlen(text) + 1;
	}
	index = place.token_index = align8(at);
	for (unsigned i = 0; i < 256; i++, index += 2)
		put(t, index, tokens[i], 2);
	if (is_damaged)
		memset(t->memory + tiny_phys(place.names + 2000), 0, 300);
}

/* The symbols of VMCOREINFO: of these and of tiny.c (swapper_pg_dir), without _stext, which kallsyms has. */
static int lines_of(const char *vmcoreinfo)
{
	int n = 0;

	for (const char *p = vmcoreinfo; *p; p++)
		n += *p == '\n';
	return n;
}

static void check_form(enum form f, bool is_told, unsigned width)
{
	char vmcoreinfo[1024] = "SYMBOL(_stext)=ffffffff81000000\n";
	struct ka_symbol s;
	struct tiny t, twin = { 0 };
	uint64_t off;

	form = f;
	marker_width = width;
	/* once for the places */
	twin.memory = ka_xalloc(TINY_MEMORY);
	prepare(&twin);
	free(twin.memory);
	if (is_told)
		sprintf(vmcoreinfo + strlen(vmcoreinfo), "SYMBOL(kallsyms_names)=%lx\nSYMBOL(kallsyms_num_syms)=%lx\n"
			"SYMBOL(kallsyms_token_table)=%lx\nSYMBOL(kallsyms_token_index)=%lx\nSYMBOL(kallsyms_offsets)=%lx\n",
			place.names, place.num_syms, place.token_table, place.token_index, place.offsets);
	if (is_told && f != FORM_ITSELF)
		sprintf(vmcoreinfo + strlen(vmcoreinfo), "SYMBOL(kallsyms_relative_base)=%lx\n", place.base);
	tiny_open(&t, &(struct tiny_options){ .is_minimal = true, .vmcoreinfo = vmcoreinfo, .prepare = prepare });
	if (is_damaged) {
		/* what stands before the damage is there */
		CHECK(ka_symbol_lookup(t.k, "function_100", &s) && s.addr == addr_of(100));
		CHECK(!ka_symbol_lookup(t.k, "function_500", &s));
	} else {
		/* and VMCOREINFO's, which it has not */
		CHECK_INT(ka_symbol_count(t.k, NULL), COUNT + lines_of(vmcoreinfo));
		CHECK(ka_symbol_lookup(t.k, "function_599", &s) && s.addr == addr_of(599) && s.type == 't');
		CHECK(ka_symbol_at(t.k, addr_of(301) + 31, &s, &off) && !strcmp(s.name, "function_301") && off == 31);
		CHECK(ka_symbol_at(t.k, addr_of(300) + 1, &s, &off) && strlen(s.name) == 180);
		CHECK_INT(s.size, 32);
		CHECK(ka_symbol_lookup(t.k, "_stext", &s) && s.addr == TINY_TEXT && s.type == 'T');
	}
	if (f == FORM_PERCPU)
		CHECK(ka_symbol_lookup(t.k, "percpu_two", &s) && s.is_percpu && s.addr == 0x2000);
	tiny_close(&t);
}

/* Without anything to read the few symbols of VMCOREINFO stay. */
static void check_none(void)
{
	struct ka_symbol s;
	struct tiny t;

	tiny_open(&t, &(struct tiny_options){ .is_minimal = true, .vmcoreinfo =
		"SYMBOL(_stext)=ffffffff81000000\nSYMBOL(kallsyms_names)=ffffffff81300000\nSYMBOL(kallsyms_num_syms)=ffffffff81300000\n"
		"SYMBOL(kallsyms_token_table)=ffffffff81200000\nSYMBOL(kallsyms_token_index)=ffffffff81100000\n" });
	CHECK(ka_symbol_lookup(t.k, "_stext", &s));
	CHECK(!ka_symbol_lookup(t.k, "function_100", &s));
	tiny_close(&t);
}

CHECK_MAIN
{
	check_form(FORM_PERCPU, true, 4);
	check_form(FORM_BASE, true, 4);
	check_form(FORM_ITSELF, true, 4);
	is_damaged = true;
	check_form(FORM_BASE, true, 4);
	is_damaged = false;
	/* kernels whose VMCOREINFO does not tell have no names above 127 bytes, but a search does not mind */
	check_form(FORM_PERCPU, false, 4);
	check_form(FORM_BASE, false, 4);
	check_form(FORM_ADDRESS, false, 8);
	check_none();
}
