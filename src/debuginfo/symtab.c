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
	if (!strncmp(s->name, ".debug", 6) || !strncmp(s->name, ".zdebug", 7) ||
	    !strncmp(s->name, ".gnu.debuglto_", 14) || !strncmp(s->name, ".stab", 5) || !strcmp(s->name, ".line") ||
	    !strcmp(s->name, ".gdb_index"))
		return 'N';
	return !(s->flags & SHF_WRITE) ? 'n' : '?';
}

/* is_far: section is a real index, even where it has the value of a special one. */
static char symbol_letter(const char *letters, size_t section_count, uint32_t section, uint8_t info, bool is_far)
{
	unsigned bind = ELF64_ST_BIND(info), type = ELF64_ST_TYPE(info);
	char c = '?';

	if (section == SHN_COMMON && !is_far)
		return 'C';
	if (type == STT_GNU_IFUNC)
		return 'i';
	if (bind == STB_WEAK)
		return type == STT_OBJECT ? 'V' : 'W';
	if (bind == STB_GNU_UNIQUE)
		return 'u';
	if (section == SHN_ABS && !is_far)
		c = 'a';
	else if (section < section_count)
		c = letters[section];
	return bind == STB_GLOBAL && c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

/* $x, $d.12 ...: marks between code and data of arm and riscv; nm and kallsyms leave them out. */
static bool is_mapping_symbol(const char *name, uint16_t e_machine)
{
	/* riscv's $x may go on with an instruction set's name */
	return name[0] == '$' && name[1] && strchr("axdt", name[1]) &&
	       (!name[2] || name[2] == '.' || e_machine == EM_RISCV);
}

/* What a symbol is read from. */
struct table {
	const struct ka_object *o;
	const uint8_t *syms, *shndx;
	const char *strings;
	size_t entry, count, strings_size, shndx_count;
	char *letters;		/* by section */
	bool has_mapping, is_native;	/* is_native: 64 bit, this machine's byte order */
};

/* False: left out. */
static bool symbol_parse(const struct table *t, size_t i, struct ka_elf_symbol *ret)
{
	const struct ka_object *o = t->o;
	const uint8_t *e = t->syms + i * t->entry;
	uint32_t name, section, type;
	uint64_t addr, size;
	uint8_t info;

	if (t->is_native) {
		Elf64_Sym sym;

		memcpy(&sym, e, sizeof(sym));
		name = sym.st_name;
		info = sym.st_info;
		section = sym.st_shndx;
		addr = sym.st_value;
		size = sym.st_size;
	} else if (o->is_64bit) {
		name = (uint32_t)ka_object_uint(o, e, 4);
		info = e[offsetof(Elf64_Sym, st_info)];
		section = (uint32_t)ka_object_uint(o, e + offsetof(Elf64_Sym, st_shndx), 2);
		addr = ka_object_uint(o, e + offsetof(Elf64_Sym, st_value), 8);
		size = ka_object_uint(o, e + offsetof(Elf64_Sym, st_size), 8);
	} else {
		name = (uint32_t)ka_object_uint(o, e, 4);
		info = e[offsetof(Elf32_Sym, st_info)];
		section = (uint32_t)ka_object_uint(o, e + offsetof(Elf32_Sym, st_shndx), 2);
		addr = ka_object_uint(o, e + offsetof(Elf32_Sym, st_value), 4);
		size = ka_object_uint(o, e + offsetof(Elf32_Sym, st_size), 4);
	}
	type = ELF64_ST_TYPE(info);
	if (section == SHN_UNDEF || type == STT_FILE || type == STT_SECTION || !name || name >= t->strings_size ||
	    (t->has_mapping && is_mapping_symbol(t->strings + name, o->e_machine)))
		return false;
	bool is_far = section == SHN_XINDEX && i < t->shndx_count;	/* more sections than 16 bits count */

	if (is_far)
		section = (uint32_t)ka_object_uint(o, t->shndx + i * 4, 4);
	*ret = (struct ka_elf_symbol){
		.addr = addr, .size = (uint32_t)KA_MIN(size, (uint64_t)UINT32_MAX), .name = name, .info = info,
		.section = (uint16_t)KA_MIN(section, (uint32_t)SHN_XINDEX),
		.type = symbol_letter(t->letters, o->section_count, section, info, is_far),
	};
	return true;
}

static struct ka_error *symtab_read(struct ka_object *o, const struct ka_section *s, struct ka_symtab *ret)
{
	struct table t = { .o = o, .entry = o->is_64bit ? sizeof(Elf64_Sym) : sizeof(Elf32_Sym) };
	size_t size, shndx_size = 0, n = 0;
	const uint8_t *strings;
	struct ka_error *err = ka_object_content(o, s, &t.syms, &size);

	if (err)
		return err;
	if (!s->link || s->link >= o->section_count)
		return ka_error_new(KA_CORRUPT, "%s: the symbol table has no string table", o->path);
	err = ka_object_content(o, &o->sections[s->link], &strings, &t.strings_size);
	if (err)
		return err;
	t.count = size / t.entry;
	if (!t.strings_size || t.strings_size > UINT32_MAX || t.count >= UINT32_MAX)
		return ka_error_new(KA_CORRUPT, "%s: symbol table of %zu bytes with %zu bytes of names", o->path, size,
				    t.strings_size);
	t.strings = (const char *)strings;
	if (strings[t.strings_size - 1]) {
		ret->own_strings = ka_xalloc(t.strings_size + 1);
		t.strings = memcpy(ret->own_strings, strings, t.strings_size);
	}
	for (size_t i = 1; i < o->section_count; i++)
		if (o->sections[i].type == SHT_SYMTAB_SHNDX && o->sections[i].link == s->index &&
		    !ka_error_drop(ka_object_content(o, &o->sections[i], &t.shndx, &shndx_size)))
			t.shndx_count = shndx_size / 4;
	t.is_native = o->is_64bit && o->is_big_endian == (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__);
	t.has_mapping = o->e_machine == EM_AARCH64 || o->e_machine == EM_ARM || o->e_machine == EM_RISCV;
	t.letters = ka_xalloc(o->section_count + 1);
	for (size_t i = 0; i < o->section_count; i++)
		t.letters[i] = section_letter(&o->sections[i]);

	/* sorted are places in the file's table: less to move than symbols */
	struct ka_sort_key *keys = ka_xalloc(2 * (t.count + 1) * sizeof(*keys));
	struct ka_elf_symbol symbol;

	for (size_t i = 0; i < t.count; i++)
		if (symbol_parse(&t, i, &symbol))
			keys[n++] = (struct ka_sort_key){ symbol.addr, (uint32_t)i };
	struct ka_sort_key *sorted = ka_sort_keys(keys, keys + t.count + 1, n);

	ret->at = ka_xalloc((n + 1) * sizeof(*ret->at));
	for (size_t i = 0; i < n; i++)
		symbol_parse(&t, sorted[i].at, &ret->at[i]);
	ret->n = n;
	ret->strings = t.strings;
	ret->strings_size = t.strings_size;
	free(t.letters);
	free(keys);
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
	struct ka_error *err =
		ka_error_new(KA_MISSING,
			     "%s: stripped: it has no symbol table (.symtab)%s%s; the vmlinux with debug "
			     "information is in a package of its own: %s",
			     o->path,
			     tried ? ", and its debug file was not "
				     "found: tried "
				   : "",
			     tried ? tried : "", ka_find_hint(release, a));

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

struct ka_error *ka_object_dynsym(struct ka_object *o, struct ka_symtab **ret)
{
	for (size_t i = 1; i < o->section_count; i++) {
		struct ka_error *err;

		if (o->sections[i].type != SHT_DYNSYM || !o->sections[i].size)
			continue;
		*ret = ka_xalloc(sizeof(**ret));
		err = symtab_read(o, &o->sections[i], *ret);
		if (err) {
			ka_symtab_free(*ret);
			*ret = NULL;
			return err;
		}
		(*ret)->lock = ka_xalloc(sizeof(pthread_mutex_t));
		pthread_mutex_init((*ret)->lock, NULL);
		return NULL;
	}
	return ka_error_new(KA_MISSING, "%s: it has no dynamic symbols", o->path);
}

struct ka_symtab *ka_symtab_new(struct ka_elf_symbol *at, size_t n, char *strings, size_t strings_size)
{
	struct ka_sort_key *keys = ka_xalloc(2 * (n + 1) * sizeof(*keys)), *sorted;
	struct ka_symtab *t = ka_xalloc(sizeof(*t));

	for (size_t i = 0; i < n; i++)
		keys[i] = (struct ka_sort_key){ at[i].addr, (uint32_t)i };
	sorted = ka_sort_keys(keys, keys + n + 1, n);
	t->at = ka_xalloc((n + 1) * sizeof(*t->at));
	for (size_t i = 0; i < n; i++)
		t->at[i] = at[sorted[i].at];
	t->n = n;
	t->strings = t->own_strings = strings;
	t->strings_size = strings_size;
	t->lock = ka_xalloc(sizeof(pthread_mutex_t));
	pthread_mutex_init(t->lock, NULL);
	free(keys);
	free(at);
	return t;
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

/* Eight bytes a step: all names are read for this, and little else is done with most of them. */
static uint32_t name_hash(const char *name)
{
	size_t n = strlen(name);
	uint64_t h = n;

	for (; n >= 8; n -= 8, name += 8) {
		uint64_t v;

		memcpy(&v, name, 8);
		h = (h ^ v) * 0x9e3779b97f4a7c15ULL;
		h ^= h >> 32;
	}
	if (n) {
		uint64_t v = 0;

		memcpy(&v, name, n);
		h = (h ^ v) * 0x9e3779b97f4a7c15ULL;
	}
	return (uint32_t)(h ^ h >> 29 ^ h >> 47);
}

/*
 * Open addressing; a slot is the hash above, index + 1 below. Of equal names only the first global one, else the
 * first, is in it: static names such as __func__.0 come by the thousand.
 */
static void hash_build(struct ka_symtab *t)
{
	size_t cap = 64;

	while (cap < t->n * 2)
		cap *= 2;
	uint64_t *slots = ka_xalloc(cap * sizeof(*slots));
	uint32_t *hashes = ka_xalloc((t->n + 1) * sizeof(*hashes));

	for (size_t i = 0; i < t->n; i++)
		hashes[i] = name_hash(t->strings + t->at[i].name);
	for (size_t i = 0; i < t->n; i++) {
		uint64_t new = (uint64_t)hashes[i] << 32 | (i + 1);
		size_t at = hashes[i] & (cap - 1);

		__builtin_prefetch(&slots[hashes[KA_MIN(i + 8, t->n - 1)] & (cap - 1)], 1);
		for (; slots[at]; at = (at + 1) & (cap - 1)) {
			const struct ka_elf_symbol *old = &t->at[(uint32_t)slots[at] - 1];

			if (slots[at] >> 32 != hashes[i] || strcmp(t->strings + old->name, t->strings + t->at[i].name))
				continue;
			if (ELF64_ST_BIND(old->info) != STB_LOCAL || ELF64_ST_BIND(t->at[i].info) == STB_LOCAL)
				new = slots[at];
			break;
		}
		slots[at] = new;
	}
	free(hashes);
	t->by_name_cap = cap;
	__atomic_store_n(&t->by_name, slots, __ATOMIC_RELEASE);
}

bool ka_symtab_find(const struct ka_symtab *table, const char *name, size_t *ret)
{
	struct ka_symtab *t = (struct ka_symtab *)table;	/* the hash is a cache */
	const uint64_t *slots = __atomic_load_n(&t->by_name, __ATOMIC_ACQUIRE);
	uint32_t hash = name_hash(name);

	if (!slots) {
		pthread_mutex_lock(t->lock);
		if (!t->by_name)
			hash_build(t);
		pthread_mutex_unlock(t->lock);
		slots = t->by_name;
	}
	for (size_t at = hash & (t->by_name_cap - 1); slots[at]; at = (at + 1) & (t->by_name_cap - 1)) {
		size_t i = (uint32_t)slots[at] - 1;

		if (slots[at] >> 32 == hash && !strcmp(t->strings + t->at[i].name, name)) {
			*ret = i;
			return true;
		}
	}
	return false;
}

static int symbol_rank(const struct ka_elf_symbol *s)
{
	unsigned type = ELF64_ST_TYPE(s->info);
	bool is_typed = type == STT_FUNC || type == STT_OBJECT || type == STT_GNU_IFUNC;

	return (is_typed ? 4 : 0) + (s->size ? 2 : 0) + (ELF64_ST_BIND(s->info) == STB_WEAK ? 0 : 1);
}

/*
 * Which of several symbols of one address names it best: what was declared, before labels of the linker script and
 * assembler; of these the one that the kernel itself takes for its stack traces (compare_symbols() of scripts/kallsyms.c:
 * weak ones last, fewer underscores first, then nm's order, which is that of names).
 */
static bool names_better(const struct ka_symtab *t, const struct ka_elf_symbol *a, const struct ka_elf_symbol *b)
{
	const char *name_a = t->strings + a->name, *name_b = t->strings + b->name;
	int rank_a = symbol_rank(a), rank_b = symbol_rank(b);
	size_t under_a = strspn(name_a, "_"), under_b = strspn(name_b, "_");

	if (rank_a != rank_b)
		return rank_a > rank_b;
	return under_a != under_b ? under_a < under_b : strcmp(name_a, name_b) < 0;
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
		if (names_better(t, &t->at[i - 1], &t->at[best]))
			best = i - 1;
	*ret = best;
	return true;
}
