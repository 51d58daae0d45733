/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* .symtab as a table sorted by address, with nm's letters, and a hash of names made on the first look-up by name. */
#include "object.h"

/* nm's letter of a section's symbols, lower case: binutils looks at the flags, but for debugging sections. */
static char section_letter(const struct ka_section *s)
{
	bool is_small = !strncmp(s->name, ".sbss", 5) || !strncmp(s->name, ".sdata", 6);

	if (s->flags & SHF_EXECINSTR)
		return 't';
	if (s->type == SHT_NOBITS)
		return is_small ? 's' : 'b';
	if (s->flags & SHF_ALLOC)
		return !(s->flags & SHF_WRITE) ? 'r' : is_small ? 'g' : 'd';
	if (!strncmp(s->name, ".debug", 6) || !strncmp(s->name, ".zdebug", 7) || !strncmp(s->name, ".gnu.debuglto_", 14) ||
	    !strncmp(s->name, ".stab", 5) || !strcmp(s->name, ".line") || !strcmp(s->name, ".gdb_index"))
		return 'N';
	return !(s->flags & SHF_WRITE) ? 'n' : '?';
}

static char symbol_letter(const char *letters, size_t section_count, uint32_t section, uint8_t info)
{
	unsigned bind = ELF64_ST_BIND(info), type = ELF64_ST_TYPE(info);
	char c = '?';

	if (section == SHN_COMMON)
		return 'C';
	if (type == STT_GNU_IFUNC)
		return 'i';
	if (bind == STB_WEAK)
		return type == STT_OBJECT ? 'V' : 'W';
	if (bind == STB_GNU_UNIQUE)
		return 'u';
	if (section == SHN_ABS)
		c = 'a';
	else if (section < section_count)
		c = letters[section];
	return bind == STB_GLOBAL && c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

/* $x, $d.12 ...: marks between code and data of arm and riscv; nm and kallsyms leave them out. */
static bool is_mapping_symbol(const char *name, uint16_t e_machine)
{
	/* riscv's $x may go on with an instruction set's name */
	return name[0] == '$' && name[1] && strchr("axdt", name[1]) && (!name[2] || name[2] == '.' || e_machine == EM_RISCV);
}

/* The section's header count need not be right: only whole entries that are there. */
static struct ka_error *symtab_read(struct ka_object *o, const struct ka_section *s, struct ka_symtab *t)
{
	size_t entry = o->is_64bit ? sizeof(Elf64_Sym) : sizeof(Elf32_Sym), size, strings_size, shndx_size = 0, n = 0;
	const uint8_t *p, *strings, *shndx = NULL;
	struct ka_error *err = ka_object_content(o, s, &p, &size);

	if (err)
		return err;
	if (!s->link || s->link >= o->section_count)
		return ka_error_new(KA_CORRUPT, "%s: the symbol table has no string table", o->path);
	err = ka_object_content(o, &o->sections[s->link], &strings, &strings_size);
	if (err)
		return err;
	if (!strings_size || strings_size > UINT32_MAX || size / entry >= UINT32_MAX)
		return ka_error_new(KA_CORRUPT, "%s: symbol table of %zu bytes with %zu bytes of names", o->path, size, strings_size);
	if (strings[strings_size - 1]) {
		t->own_strings = ka_xalloc(strings_size + 1);
		strings = memcpy(t->own_strings, strings, strings_size);
	}
	for (size_t i = 1; i < o->section_count; i++)
		if (o->sections[i].type == SHT_SYMTAB_SHNDX && o->sections[i].link == s->index &&
		    ka_error_drop(ka_object_content(o, &o->sections[i], &shndx, &shndx_size)))
			shndx = NULL;

	size_t count = size / entry;
	struct ka_elf_symbol *syms = ka_xalloc((count + 1) * sizeof(*syms));
	struct ka_sort_key *keys = ka_xalloc(2 * (count + 1) * sizeof(*keys));
	char *letters = ka_xalloc(o->section_count + 1);
	bool has_mapping = o->e_machine == EM_AARCH64 || o->e_machine == EM_ARM || o->e_machine == EM_RISCV;

	for (size_t i = 0; i < o->section_count; i++)
		letters[i] = section_letter(&o->sections[i]);
	for (size_t i = 0; i < count; i++) {
		const uint8_t *e = p + i * entry;
		uint32_t name = (uint32_t)ka_object_uint(o, e, 4);
		uint64_t addr, sym_size;
		uint32_t section;
		uint8_t info;

		if (o->is_64bit) {
			info = e[offsetof(Elf64_Sym, st_info)];
			section = (uint32_t)ka_object_uint(o, e + offsetof(Elf64_Sym, st_shndx), 2);
			addr = ka_object_uint(o, e + offsetof(Elf64_Sym, st_value), 8);
			sym_size = ka_object_uint(o, e + offsetof(Elf64_Sym, st_size), 8);
		} else {
			info = e[offsetof(Elf32_Sym, st_info)];
			section = (uint32_t)ka_object_uint(o, e + offsetof(Elf32_Sym, st_shndx), 2);
			addr = ka_object_uint(o, e + offsetof(Elf32_Sym, st_value), 4);
			sym_size = ka_object_uint(o, e + offsetof(Elf32_Sym, st_size), 4);
		}
		if (section == SHN_UNDEF || ELF64_ST_TYPE(info) == STT_FILE || ELF64_ST_TYPE(info) == STT_SECTION ||
		    !name || name >= strings_size || (has_mapping && is_mapping_symbol((const char *)strings + name, o->e_machine)))
			continue;
		char letter = 0;

		if (section == SHN_XINDEX && shndx && (i + 1) * 4 <= shndx_size) {
			uint32_t real = (uint32_t)ka_object_uint(o, shndx + i * 4, 4);

			letter = symbol_letter(letters, o->section_count, real, info);
			section = KA_MIN(real, (uint32_t)SHN_XINDEX);
		}
		syms[n] = (struct ka_elf_symbol){
			.addr = addr, .size = (uint32_t)KA_MIN(sym_size, (uint64_t)UINT32_MAX), .name = name,
			.section = (uint16_t)section, .info = info,
			.type = letter ? letter : symbol_letter(letters, o->section_count, section, info),
		};
		keys[n] = (struct ka_sort_key){ addr, (uint32_t)n };
		n++;
	}
	struct ka_sort_key *sorted = ka_sort_keys(keys, keys + count + 1, n);

	t->at = ka_xalloc((n + 1) * sizeof(*t->at));
	for (size_t i = 0; i < n; i++)
		t->at[i] = syms[sorted[i].at];
	t->n = n;
	t->strings = (const char *)strings;
	t->strings_size = strings_size;
	free(letters);
	free(keys);
	free(syms);
	return NULL;
}

static const struct ka_section *symtab_section(const struct ka_object *o)
{
	for (size_t i = 1; i < o->section_count; i++)
		if (o->sections[i].type == SHT_SYMTAB && o->sections[i].size)
			return &o->sections[i];
	return NULL;
}

/* "Linux version 6.1.0-50-amd64 (..." -> the release, for the hint. */
static char *banner_release(struct ka_object *o)
{
	const struct ka_section *s = ka_object_section(o, ".rodata");
	static const char start[] = "Linux version ";
	const uint8_t *p, *at;
	size_t size;

	if (!s || ka_error_drop(ka_object_content(o, s, &p, &size)))
		return NULL;
	for (at = p; (at = memmem(at, size - (size_t)(at - p), start, sizeof(start) - 1)); at++) {
		size_t n = 0, left = size - (size_t)(at - p) - (sizeof(start) - 1);

		while (n < left && n < 64 && at[sizeof(start) - 1 + n] > ' ' && at[sizeof(start) - 1 + n] < 0x7f)
			n++;
		if (n && at[sizeof(start) - 1] != '%')
			return ka_xstrndup((const char *)at + sizeof(start) - 1, n);
	}
	return NULL;
}

static struct ka_error *symtab_missing(struct ka_object *o, const char *tried)
{
	struct ka_arena *a = ka_arena_new();
	char *release = banner_release(o);
	struct ka_error *err = ka_error_new(KA_MISSING, "%s: stripped: it has no symbol table (.symtab)%s%s; the vmlinux with debug "
					    "information is in a package of its own: %s", o->path, tried ? ", and its debug file was not "
					    "found: tried " : "", tried ? tried : "", ka_find_hint(release, a));

	free(release);
	ka_arena_free(a);
	return err;
}

struct ka_error *ka_object_symtab(struct ka_object *o, const struct ka_symtab **ret)
{
	struct ka_object_priv *priv = ka_object_priv(o);
	struct ka_object *from = o;
	struct ka_error *err = NULL;
	const char *tried = NULL;

	pthread_mutex_lock(&priv->lock);
	*ret = priv->symtab;
	pthread_mutex_unlock(&priv->lock);
	if (*ret)
		return NULL;
	const struct ka_section *s = symtab_section(o);

	if (!s) {
		/* stripped, but perhaps with a separate debug file, which then has the table */
		from = ka_object_debug(o, &tried);
		if (!from || from == o || !(s = symtab_section(from)))
			return symtab_missing(o, tried);
	}
	struct ka_symtab *t = ka_xalloc(sizeof(*t));

	err = symtab_read(from, s, t);
	if (err) {
		ka_symtab_free(t);
		return err;
	}
	t->lock = ka_xalloc(sizeof(pthread_mutex_t));
	pthread_mutex_init(t->lock, NULL);
	ka_log(2, "%s: %zu symbols", from->path, t->n);
	pthread_mutex_lock(&priv->lock);
	if (priv->symtab)
		ka_symtab_free(t);	/* another thread was faster */
	else
		priv->symtab = t;
	*ret = priv->symtab;
	pthread_mutex_unlock(&priv->lock);
	return NULL;
}

void ka_symtab_free(struct ka_symtab *t)
{
	if (!t)
		return;
	if (t->lock)
		pthread_mutex_destroy(t->lock);
	free(t->lock);
	free(t->own_strings);
	free(t->by_name);
	free(t->at);
	free(t);
}

/* FNV-1a with a finish: the names are short, and most are read for this only. */
static uint32_t name_hash(const char *name)
{
	uint64_t h = 0xcbf29ce484222325ULL;

	for (; *name; name++)
		h = (h ^ (uint8_t)*name) * 0x100000001b3ULL;
	return (uint32_t)(h ^ h >> 29);
}

/*
 * Open addressing; a slot is index + 1. Of equal names only the first global one, else the first, is in it: static
 * names such as __func__.0 come by the thousand.
 */
static void hash_build(struct ka_symtab *t)
{
	size_t cap = 64;

	while (cap < t->n * 2)
		cap *= 2;
	uint32_t *slots = ka_xalloc(cap * sizeof(*slots)), *hashes = ka_xalloc((t->n + 1) * sizeof(*hashes));

	for (int local = 0; local < 2; local++)
		for (size_t i = 0; i < t->n; i++) {
			const char *name = t->strings + t->at[i].name;

			if ((ELF64_ST_BIND(t->at[i].info) == STB_LOCAL) != local)
				continue;
			hashes[i] = name_hash(name);
			size_t at = hashes[i] & (cap - 1);

			while (slots[at] && (hashes[slots[at] - 1] != hashes[i] ||
					     strcmp(t->strings + t->at[slots[at] - 1].name, name)))
				at = (at + 1) & (cap - 1);
			if (!slots[at])
				slots[at] = (uint32_t)i + 1;
		}
	free(hashes);
	t->by_name_cap = cap;
	__atomic_store_n(&t->by_name, slots, __ATOMIC_RELEASE);
}

bool ka_symtab_find(const struct ka_symtab *table, const char *name, size_t *ret)
{
	struct ka_symtab *t = (struct ka_symtab *)table;	/* the hash is a cache */
	const uint32_t *slots = __atomic_load_n(&t->by_name, __ATOMIC_ACQUIRE);

	if (!slots) {
		pthread_mutex_lock(t->lock);
		if (!t->by_name)
			hash_build(t);
		pthread_mutex_unlock(t->lock);
		slots = t->by_name;
	}
	for (size_t at = name_hash(name) & (t->by_name_cap - 1); slots[at]; at = (at + 1) & (t->by_name_cap - 1))
		if (!strcmp(t->strings + t->at[slots[at] - 1].name, name)) {
			*ret = slots[at] - 1;
			return true;
		}
	return false;
}

/* Which of several symbols of one address names it best: what was declared, before labels of the linker script and assembler. */
static int symbol_rank(const struct ka_elf_symbol *s)
{
	unsigned type = ELF64_ST_TYPE(s->info), bind = ELF64_ST_BIND(s->info);
	bool is_typed = type == STT_FUNC || type == STT_OBJECT || type == STT_GNU_IFUNC;

	return (is_typed ? 4 : 0) + (s->size ? 2 : 0) + (bind == STB_GLOBAL ? 1 : 0);
}

bool ka_symtab_at(const struct ka_symtab *t, uint64_t addr, size_t *ret)
{
	size_t low = 0, high = t->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (t->at[mid].addr <= addr)
			low = mid + 1;
		else
			high = mid;
	}
	if (!low)
		return false;
	size_t best = low - 1;

	for (size_t i = best; i > 0 && t->at[i - 1].addr == t->at[best].addr; i--)
		if (symbol_rank(&t->at[i - 1]) >= symbol_rank(&t->at[best]))
			best = i - 1;
	*ret = best;
	return true;
}
