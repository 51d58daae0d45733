/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A session without a vmlinux: symbols and the few types there are from the dump's VMCOREINFO, the other symbols from its kallsyms. */
#include <ctype.h>
#include "kallsyms.h"

/* From _stext to the farthest symbol of an image: x86_64 gives it 1 GB, the others less. */
#define IMAGE_SPAN (1ull << 30)

/*
 * Sizes of the variables whose values are asked for, which neither VMCOREINFO nor kallsyms tells: all of these are 32 bits in
 * every kernel that has them.
 */
static const struct { const char *name; uint8_t size; } sizes[] = {
	{ "log_buf_len", 4 }, { "log_first_idx", 4 }, { "log_next_idx", 4 }, { "log_end", 4 }, { "logged_chars", 4 },
	{ "clear_idx", 4 }, { "pidhash_shift", 4 }, { "tainted", 4 }, { "pid_max", 4 },
};

static uint32_t known_size(const char *name, size_t len)
{
	for (size_t i = 0; i < KA_COUNT(sizes); i++)
		if (strlen(sizes[i].name) == len && !memcmp(sizes[i].name, name, len))
			return sizes[i].size;
	return 0;
}

/* "SYMBOL(name)=address", up to the end of the line: a line break, or NUL where the lines have been made an index of. */
static bool line_parse(const char *line, const char **ret_name, size_t *ret_len, uint64_t *ret_addr)
{
	const char *name = line + strlen("SYMBOL("), *close = line + strcspn(line, ")\n");
	char *end;

	if (strncmp(line, "SYMBOL(", strlen("SYMBOL(")) || *close != ')' || close == name || close[1] != '=' ||
	    !isxdigit((unsigned char)close[2]))
		return false;
	*ret_name = name;
	*ret_len = (size_t)(close - name);
	*ret_addr = strtoull(close + 2, &end, 16);
	return *end == '\n' || *end == '\r' || !*end;
}

/* The line after; NULL: none. The text is NUL-terminated. */
static const char *line_next(const struct ka_image *img, const char *line)
{
	const char *end = img->vmcoreinfo + img->vmcoreinfo_size;

	line += strcspn(line, "\n");
	return line + 1 < end ? line + 1 : NULL;
}

/* Its value, from the text alone: the index of VMCOREINFO's lines has a lock that the caller holds. */
static bool stext_find(const struct ka_image *img, uint64_t *ret)
{
	const char *name;
	size_t len;

	for (const char *line = img->vmcoreinfo; line; line = line_next(img, line))
		if (line_parse(line, &name, &len, ret) && len == 6 && !memcmp(name, "_stext", 6))
			return true;
	return false;
}

struct ka_error *ka_minimal_symtab(struct ka_kernel *k, struct ka_symtab **ret)
{
	struct { KA_VEC(struct ka_elf_symbol); } symbols = { 0 };
	const char *text = k->image->vmcoreinfo, *name;
	struct ka_str strings = { 0 };
	uint64_t stext, addr;
	bool has_stext;
	size_t len;

	if (!text)
		return ka_error_new(KA_NOT_FOUND, "the dump has no VMCOREINFO: without it there are no symbols without a vmlinux");
	has_stext = stext_find(k->image, &stext);
	ka_str_addc(&strings, 0);
	for (const char *line = text; line; line = line_next(k->image, line)) {
		if (!line_parse(line, &name, &len, &addr))
			continue;
		/* mem_section (pointer since 83e3c48729d9, v4.15) and vmemmap are not where they lie but what they hold */
		if (has_stext && (addr > stext ? addr - stext : stext - addr) > IMAGE_SPAN)
			continue;
		struct ka_elf_symbol s = { .addr = addr, .name = (uint32_t)strings.len, .section = SHN_ABS, .type = '?',
					   .info = ELF64_ST_INFO(STB_GLOBAL, STT_NOTYPE), .size = known_size(name, len) };
		if (len == 6 && !memcmp(name, "_stext", 6))
			s.type = 'T';
		ka_str_addn(&strings, name, len);
		ka_str_addc(&strings, 0);
		ka_vec_push(&symbols, s);
	}
	*ret = ka_symtab_new(symbols.at ?: ka_xalloc(1), symbols.n, strings.p, strings.len);
	ka_log(1, "%zu symbols from VMCOREINFO", symbols.n);
	return NULL;
}

struct ka_error *ka_minimal_types(struct ka_kernel *k, struct ka_types **ret)
{
	if (!k->image->vmcoreinfo)
		return ka_error_new(KA_NOT_FOUND, "the dump has no VMCOREINFO: without it there are no types without a vmlinux");
	*ret = ka_types_open_vmcoreinfo(k->image->vmcoreinfo, k->image->vmcoreinfo_size, k->long_size, k->is_big_endian);
	return NULL;
}

/* Where it lies: VMCOREINFO says so since 5fd8fea935a1 (v6.0). */
static bool kallsyms_place(struct ka_kernel *k, const struct ka_symtab *t, struct ka_kallsyms *ret)
{
	uint8_t bytes[8];
	size_t names, table, index, offsets, base, count;

	if (!ka_symtab_find(t, "kallsyms_names", &names) || !ka_symtab_find(t, "kallsyms_num_syms", &count) ||
	    !ka_symtab_find(t, "kallsyms_token_table", &table) || !ka_symtab_find(t, "kallsyms_token_index", &index))
		return false;
	ret->names = t->at[names].addr;
	ret->token_table = t->at[table].addr;
	ret->token_index = t->at[index].addr;
	if (ka_error_drop(ka_read(k, t->at[count].addr, bytes, 4)))
		return false;
	ret->count = (uint32_t)ka_uint_from(k, bytes, 4);
	if (ka_symtab_find(t, "kallsyms_offsets", &offsets)) {
		ret->offsets = t->at[offsets].addr;
		if (ka_symtab_find(t, "kallsyms_relative_base", &base) && !ka_error_drop(ka_read(k, t->at[base].addr, bytes, 8)))
			ret->relative_base = ka_uint_from(k, bytes, 8);
		return true;
	}
	ret->is_whole = ka_symtab_find(t, "kallsyms_addresses", &offsets);
	if (ret->is_whole)
		ret->offsets = t->at[offsets].addr;
	return ret->is_whole;
}

/* Without CONFIG_KALLSYMS_ALL kallsyms has functions alone: VMCOREINFO's variables are added. Takes t. */
static struct ka_symtab *merge(struct ka_symtab *t, const struct ka_symtab *few)
{
	struct { KA_VEC(struct ka_elf_symbol); } all = { 0 };
	struct ka_str strings = { 0 };
	struct ka_symtab *ret = t;
	size_t i;

	for (size_t j = 0; j < few->n; j++) {
		struct ka_elf_symbol s = few->at[j];
		const char *name = few->strings + s.name;

		if (ka_symtab_find(t, name, &i))
			continue;
		s.name = (uint32_t)(t->strings_size + strings.len);
		ka_str_addn(&strings, name, strlen(name) + 1);
		ka_vec_push(&all, s);
	}
	if (all.n && t->strings_size + strings.len < UINT32_MAX) {
		char *text = ka_xalloc(t->strings_size + strings.len + 1);

		memcpy(text, t->strings, t->strings_size);
		memcpy(text + t->strings_size, strings.p, strings.len);
		for (i = 0; i < t->n; i++)
			ka_vec_push(&all, t->at[i]);
		ret = ka_symtab_new(all.at, all.n, text, t->strings_size + strings.len);
		ka_symtab_free(t);
	} else {
		ka_vec_free(&all);
	}
	ka_str_free(&strings);
	return ret;
}

static void *kallsyms_make(struct ka_kernel *k)
{
	struct ka_kallsyms y = { 0 };
	const struct ka_symtab *few = NULL;
	struct ka_symtab *t = NULL;
	struct ka_error *err = ka_kernel_symtab(k, &few);
	size_t i;

	if (!err && !ka_symtab_find(few, "_stext", &i))
		err = ka_error_new(KA_MISSING, "VMCOREINFO has no _stext");
	if (!err) {
		y.stext = few->at[i].addr;
		if (!kallsyms_place(k, few, &y))
			err = ka_kallsyms_search(k, &y);
	}
	if (!err)
		err = ka_kallsyms_read(k, &y, &t);
	if (err)
		ka_log(1, "kallsyms: %s", err->message);
	ka_error_free(err);
	if (t && few)
		t = merge(t, few);
	for (i = 0; t && i < t->n; i++) {
		const char *name = t->strings + t->at[i].name;
		uint32_t size = t->at[i].size < 8 ? 0 : known_size(name, strlen(name));

		if (size)
			t->at[i].size = size;
	}
	return t;
}

static void kallsyms_drop(void *t)
{
	ka_symtab_free(t);
}

const struct ka_symtab *ka_kallsyms(struct ka_kernel *k)
{
	static const char key;

	/* it is read through the mapping of the image */
	return k->layout.text_base ? ka_kernel_state(k, &key, kallsyms_make, kallsyms_drop) : NULL;
}
