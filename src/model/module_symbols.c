/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Symbols of a module from its own kallsyms, which the kernel keeps in the module's memory. */
#include <ctype.h>
#include <inttypes.h>
#include <kanalyze/view.h>
#include "module.h"

#define SYMBOLS_MAX (1u << 22)
#define STRINGS_MAX (64u << 20)

struct module_kallsyms {
	ka_addr kallsyms, symtab, strtab;
	uint32_t num_symtab;
};
KA_VIEW(module_kallsyms, ("module"),
	KA_MAYBE(module_kallsyms, kallsyms, "kallsyms"),	/* 8244062ef1e5, v4.5: a struct of its own */
	KA_MAYBE(module_kallsyms, symtab, "symtab"),
	KA_MAYBE(module_kallsyms, num_symtab, "num_symtab"),
	KA_MAYBE(module_kallsyms, strtab, "strtab"));

struct mod_kallsyms {
	ka_addr symtab, strtab, typetab;
	uint32_t num_symtab;
};
KA_VIEW(mod_kallsyms, ("mod_kallsyms"),
	KA_FROM(mod_kallsyms, symtab, "symtab"),
	KA_FROM(mod_kallsyms, num_symtab, "num_symtab"),
	KA_FROM(mod_kallsyms, strtab, "strtab"),
	KA_MAYBE(mod_kallsyms, typetab, "typetab"));		/* 1c7651f43777, v5.2: letters were in st_info before */

struct table {
	struct ka_kernel *k;
	const struct ka_module *m;
	struct mod_kallsyms at;
	bool is_64bit;
	size_t entry;		/* bytes of an Elf_Sym */
	uint8_t *symtab, *typetab;
	char *strtab;
	size_t strtab_size;
};

/* Name of a symbol that lives as long as the strings; NULL: none worth having. */
static const char *symbol_name(const struct table *t, uint32_t offset)
{
	const char *s;

	if (offset >= t->strtab_size || !t->strtab[offset])
		return NULL;
	s = t->strtab + offset;
	/* What kallsyms ignores too: labels of the compiler and mapping symbols of arm and riscv. */
	if ((s[0] == '.' && s[1] == 'L') || (s[0] == 'L' && s[1] == '0') || s[0] == '$')
		return NULL;
	return s;
}

static bool in_ranges(const struct ka_module *m, ka_addr addr)
{
	for (unsigned i = 0; i < m->range_count; i++)
		if (addr - m->ranges[i].base < m->ranges[i].size)
			return true;
	return false;
}

/* Of module_kallsyms: layouts of Elf64_Sym and Elf32_Sym are the gABI's. */
static bool symbol_parse(const struct table *t, size_t i, struct ka_symbol *ret)
{
	const uint8_t *e = t->symtab + i * t->entry;
	uint8_t info = e[t->is_64bit ? 4 : 12];
	unsigned shndx = ka_uint_from(t->k, e + (t->is_64bit ? 6 : 14), 2);
	char letter = t->typetab ? (char)t->typetab[i] : (char)info;

	*ret = (struct ka_symbol){
		.name = symbol_name(t, ka_uint_from(t->k, e, 4)),
		.addr = ka_uint_from(t->k, e + (t->is_64bit ? 8 : 4), t->is_64bit ? 8 : 4),
		.size = ka_uint_from(t->k, e + (t->is_64bit ? 16 : 8), t->is_64bit ? 8 : 4),
		.module = t->m->name,
		.type = isalpha((unsigned char)letter) ? letter : '?',
	};
	if (!ret->name || !shndx || shndx >= 0xff00)	/* SHN_UNDEF: of other modules; SHN_ABS and the like */
		return false;
	if (t->typetab && info >> 4 && ret->type != '?' && ret->type != 'w' && ret->type != 'v')
		ret->type = toupper((unsigned char)ret->type);	/* binding is not local */
	if (t->m->percpu && ret->addr - t->m->percpu < t->m->percpu_size) {
		ret->is_percpu = true;
		return true;
	}
	return in_ranges(t->m, ret->addr);
}

/* Better one of two symbols at one address first: with a size, then global. */
static int by_address(const void *a, const void *b)
{
	const struct ka_symbol *x = a, *y = b;

	if (x->addr != y->addr)
		return x->addr < y->addr ? -1 : 1;
	return strcmp(x->name, y->name);
}

static struct ka_error *read_strings(struct table *t)
{
	const struct ka_module_range *r = NULL;
	struct ka_error *err;
	uint64_t size = 0;

	/* Its size is not kept: it ends with the range it lies in. */
	for (unsigned i = 0; i < t->m->range_count; i++)
		if (t->at.strtab - t->m->ranges[i].base < t->m->ranges[i].size)
			r = &t->m->ranges[i];
	if (r)
		size = r->base + r->size - t->at.strtab;
	else	/* a module that is being loaded, or a live patch: the strings lie in a copy of the file */
		for (uint32_t i = 0; i < t->at.num_symtab; i++)
			size = KA_MAX(size, ka_uint_from(t->k, t->symtab + i * t->entry, 4) + 512);
	size = KA_MIN(size, (uint64_t)STRINGS_MAX);
	t->strtab = ka_xalloc(size + 1);
	t->strtab_size = ka_read_some(t->k, t->at.strtab, t->strtab, size, &err);
	if (t->strtab_size && t->strtab_size < size)
		t->strtab_size--;	/* the last name may be cut */
	if (t->strtab_size)
		return ka_error_drop(err), NULL;
	return err;
}

static struct ka_error *find_table(struct table *t)
{
	struct module_kallsyms v;
	struct ka_error *err = ka_view_read(t->k, &ka_view_module_kallsyms, t->m->addr, &v);

	if (err)
		return err;
	if (KA_HAS(t->k, module_kallsyms, kallsyms)) {
		if (!v.kallsyms)
			return ka_error_new(KA_MISSING, "it has no symbols in memory");
		return ka_view_read(t->k, &ka_view_mod_kallsyms, v.kallsyms, &t->at);
	}
	if (!KA_HAS(t->k, module_kallsyms, symtab))
		return ka_error_new(KA_MISSING, "this kernel keeps no symbols of modules (CONFIG_KALLSYMS is not set)");
	t->at = (struct mod_kallsyms){ .symtab = v.symtab, .strtab = v.strtab, .num_symtab = v.num_symtab };
	return NULL;
}

static struct ka_error *read_table(struct table *t)
{
	struct ka_error *err = find_table(t);
	size_t size, have;

	if (err)
		return err;
	t->is_64bit = ka_long_size(t->k) == 8;
	t->entry = t->is_64bit ? 24 : 16;
	if (t->at.num_symtab > SYMBOLS_MAX)
		return ka_error_new(KA_CORRUPT, "it says that it has %u symbols", t->at.num_symtab);
	size = t->at.num_symtab * t->entry;
	t->symtab = ka_xalloc(size + 1);
	have = ka_read_some(t->k, t->at.symtab, t->symtab, size, &err);
	t->at.num_symtab = have / t->entry;
	if (!t->at.num_symtab)
		return err;
	if (ka_error_drop(err))
		ka_log(1, "module %s: %zu of %zu bytes of its symbols can be read", t->m->name, have, size);
	if (t->at.typetab) {
		t->typetab = ka_xalloc(t->at.num_symtab);
		if (ka_error_drop(ka_read(t->k, t->at.typetab, t->typetab, t->at.num_symtab)))
			memset(t->typetab, '?', t->at.num_symtab);
	}
	return read_strings(t);
}

static void make_symbols(struct ka_kernel *k, const struct ka_module *m, struct ka_module_symbols *ret)
{
	struct table t = { .k = k, .m = m };
	struct { KA_VEC(struct ka_symbol); } list = {0};
	struct ka_error *err = read_table(&t);
	struct ka_symbol s;

	ret->name = m->name;
	if (err) {
		ka_log(1, "module %s: %s", m->name, err->message);
		ka_error_free(err);
		t.at.num_symtab = 0;
	}
	ka_vec_reserve(&list, t.at.num_symtab);
	for (uint32_t i = 0; i < t.at.num_symtab; i++)
		if (symbol_parse(&t, i, &s))
			ka_vec_push(&list, s);
	if (list.n)
		qsort(list.at, list.n, sizeof(*list.at), by_address);
	/* names live in the strings, kept for as long as the list; without symbols nobody needs them */
	ret->at = list.at;
	ret->n = list.n;
	ret->strings = t.strtab;
	free(t.symtab);
	free(t.typetab);
}

bool ka_module_symbols_hook(struct ka_kernel *k, size_t i, struct ka_module_symbols *ret)
{
	struct ka_module_list *l = ka_module_list(k);

	if (i >= l->modules.n)
		return false;
	pthread_mutex_lock(&l->lock);
	if (!l->has_symbols[i]) {
		make_symbols(k, &l->modules.at[i], &l->symbols[i]);
		l->has_symbols[i] = true;
	}
	*ret = l->symbols[i];
	pthread_mutex_unlock(&l->lock);
	return true;
}

size_t ka_module_symbols(struct ka_kernel *k, const struct ka_module *m, const struct ka_symbol **ret)
{
	struct ka_module_list *l = ka_module_list(k);
	struct ka_module_symbols symbols;

	*ret = NULL;
	if (m < l->modules.at || m >= l->modules.at + l->modules.n ||
	    !ka_module_symbols_hook(k, m - l->modules.at, &symbols))
		return 0;
	*ret = symbols.at;
	return symbols.n;
}

void ka_module_symbols_free(struct ka_module_list *l)
{
	for (size_t i = 0; l->symbols && i < l->modules.n; i++) {
		free((void *)l->symbols[i].at);
		free(l->symbols[i].strings);
	}
}
