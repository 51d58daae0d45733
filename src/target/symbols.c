/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Symbols of vmlinux (without one, of VMCOREINFO and kallsyms) and, through the model's hooks, of modules, at their run-time addresses. */
#include <inttypes.h>
#include "kallsyms.h"

struct ka_error *ka_kernel_symtab(struct ka_kernel *k, const struct ka_symtab **ret)
{
	struct ka_error *err = NULL;

	pthread_mutex_lock(&k->lock);
	if (!k->has_tried_symtab) {
		k->has_tried_symtab = true;
		if (k->object)
			k->symtab_error = ka_object_symtab(k->object, &k->symtab);
		else
			k->symtab_error = ka_minimal_symtab(k, &k->own_symtab);
		if (k->own_symtab)
			k->symtab = k->own_symtab;
	}
	if (k->symtab_error)
		err = ka_error_new(k->symtab_error->code, "%s", k->symtab_error->message);
	*ret = k->symtab;
	pthread_mutex_unlock(&k->lock);
	return err;
}

/* vmlinux's; without one kallsyms of the dump, and while that cannot be read VMCOREINFO's few. */
static const struct ka_symtab *symtab(struct ka_kernel *k)
{
	const struct ka_symtab *t = k->object ? NULL : ka_kallsyms(k);

	return t || !ka_error_drop(ka_kernel_symtab(k, &t)) ? t : NULL;
}

/* Address in the symbol table of a run-time address in the image. */
static uint64_t table_addr(struct ka_kernel *k, ka_addr addr)
{
	return k->object ? addr - k->layout.kaslr_offset : addr;
}

/* Of VMCOREINFO's few symbols the one before an address says nothing of it. */
static bool is_covered(struct ka_kernel *k, const struct ka_elf_symbol *s, ka_addr addr)
{
	return k->object || addr - s->addr < KA_MAX(s->size, 1u);
}

/*
 * Only what lies in the image moves with KASLR: per-CPU symbols of x86_64 were zero-based until 9d7de2aa8b41 (v6.15), and
 * absolute symbols (phys_startup_64, sizes) are no addresses at all, but for those that lie in the image.
 */
static void symbol_from(struct ka_kernel *k, const struct ka_symtab *t, size_t i, struct ka_symbol *ret)
{
	const struct ka_elf_symbol *s = &t->at[i];
	const struct ka_object *o = k->object;

	*ret = (struct ka_symbol){
		.addr = s->addr,
		.size = s->size,
		.name = t->strings + s->name,
		.type = s->type,
	};
	if (!k->object) {	/* run-time addresses already */
		ret->is_percpu = s->section == KA_KALLSYMS_PERCPU;
		return;
	}
	if (s->section < o->section_count && !strcmp(o->sections[s->section].name, ".data..percpu"))
		ret->is_percpu = true;
	bool is_outside = (ret->is_percpu || s->section == SHN_ABS) && s->addr < (1ull << 32);
	if (!is_outside)
		ret->addr += k->layout.kaslr_offset;
}

bool ka_symbol_lookup(struct ka_kernel *k, const char *name, struct ka_symbol *ret)
{
	const struct ka_symtab *t = symtab(k);
	size_t i;

	if (!t || !ka_symtab_find(t, name, &i))
		return false;
	symbol_from(k, t, i, ret);
	return true;
}

struct ka_error *ka_symbol_find(struct ka_kernel *k, const char *name, struct ka_symbol *ret)
{
	size_t pos = 0;

	if (ka_symbol_lookup(k, name, ret) || ka_module_names_next(k, name, &pos, ret, NULL))
		return NULL;
	return ka_error_new(KA_MISSING, "symbol '%s' does not exist in this kernel or its modules", name);
}

/* Last symbol of a module at or below addr. */
static bool module_index(const struct ka_module_symbols *m, ka_addr addr, size_t *ret)
{
	size_t lo = 0, hi = m->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (m->at[mid].addr <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (!lo)
		return false;
	*ret = lo - 1;
	return true;
}

bool ka_symbol_at(struct ka_kernel *k, ka_addr addr, struct ka_symbol *ret, uint64_t *ret_offset)
{
	struct ka_module_symbols m;
	size_t i;

	if (addr >= k->layout.text_base && addr < k->layout.text_end) {
		const struct ka_symtab *t = symtab(k);

		if (!t || !ka_symtab_at(t, table_addr(k, addr), &i) || !is_covered(k, &t->at[i], addr))
			return false;
		symbol_from(k, t, i, ret);
	} else {
		if (!k->hooks.module_at || !k->hooks.module_at(k, addr, &i) || !k->hooks.module_symbols(k, i, &m) ||
		    !module_index(&m, addr, &i))
			return false;
		*ret = m.at[i];
		/* the parts of a module lie apart: the last symbol of one does not reach into the next */
		if (k->hooks.is_module_text && k->hooks.is_module_text(k, addr) != k->hooks.is_module_text(k, ret->addr))
			return false;
	}
	if (ret->is_percpu || addr < ret->addr)
		return false;
	*ret_offset = addr - ret->addr;
	return true;
}

static bool module_by_name(struct ka_kernel *k, const char *module, struct ka_module_symbols *ret)
{
	for (size_t i = 0; k->hooks.module_symbols && k->hooks.module_symbols(k, i, ret); i++)
		if (!strcmp(ret->name, module))
			return true;
	return false;
}

size_t ka_symbol_count(struct ka_kernel *k, const char *module)
{
	struct ka_module_symbols m;
	const struct ka_symtab *t;

	if (module)
		return module_by_name(k, module, &m) ? m.n : 0;
	t = symtab(k);
	return t ? t->n : 0;
}

bool ka_symbol_nth(struct ka_kernel *k, const char *module, size_t n, struct ka_symbol *ret)
{
	struct ka_module_symbols m;
	const struct ka_symtab *t;

	if (module) {
		if (!module_by_name(k, module, &m) || n >= m.n)
			return false;
		*ret = m.at[n];
		return true;
	}
	t = symtab(k);
	if (!t || n >= t->n)
		return false;
	symbol_from(k, t, n, ret);
	return true;
}

bool ka_symbol_index(struct ka_kernel *k, const char *module, ka_addr addr, size_t *ret)
{
	struct ka_module_symbols m;
	const struct ka_symtab *t;

	if (module)
		return module_by_name(k, module, &m) && module_index(&m, addr, ret);
	t = symtab(k);
	return t && ka_symtab_at(t, addr >= k->layout.text_base ? table_addr(k, addr) : addr, ret) &&
	       is_covered(k, &t->at[*ret], addr);
}

bool ka_is_text(struct ka_kernel *k, ka_addr addr)
{
	/* init text stays named: a frame of the boot may still point there */
	static const char *const bounds[][2] = { { "_stext", "_etext" }, { "_text", "_etext" }, { "_sinittext", "_einittext" } };
	struct ka_symbol from, to;

	if (addr >= k->layout.text_base && addr < k->layout.text_end) {
		for (size_t i = 0; i < KA_COUNT(bounds); i++)
			if (ka_symbol_lookup(k, bounds[i][0], &from) && ka_symbol_lookup(k, bounds[i][1], &to) &&
			    addr >= from.addr && addr < to.addr)
				return true;
		return false;
	}
	return k->hooks.is_module_text && k->hooks.is_module_text(k, addr);
}

bool ka_source_line(struct ka_kernel *k, ka_addr addr, const char **ret_file, unsigned *ret_line)
{
	struct ka_object *o = k->object;
	uint64_t at = addr - k->layout.kaslr_offset;
	uint32_t section = 0;

	if (addr < k->layout.text_base || addr >= k->layout.text_end) {
		if (!k->hooks.module_object || !k->hooks.module_object(k, addr, &o, &at, &section))
			return false;
	}
	return o && ka_object_line(o, at, section, ret_file, ret_line);
}

static struct ka_error *symbol_read(struct ka_kernel *k, const char *name, unsigned size, uint64_t *ret)
{
	struct ka_symbol s;
	uint8_t bytes[8];
	struct ka_error *err = ka_symbol_find(k, name, &s);

	if (err)
		return err;
	if (!size)
		size = (unsigned)s.size;
	if (size != 1 && size != 2 && size != 4 && size != 8)
		return ka_error_new(KA_UNSUPPORTED, "'%s' is %u bytes large, not an integer", name, size);
	err = ka_read(k, s.addr, bytes, size);
	if (err)
		return ka_error_wrap(err, "cannot read the variable %s", name);
	*ret = ka_uint_from(k, bytes, size);
	return NULL;
}

struct ka_error *ka_symbol_value(struct ka_kernel *k, const char *name, uint64_t *ret)
{
	return symbol_read(k, name, 0, ret);
}

struct ka_error *ka_symbol_ulong(struct ka_kernel *k, const char *name, uint64_t *ret)
{
	return symbol_read(k, name, k->long_size, ret);
}
