/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The kernel's own symbol table in its memory: kallsyms, as scripts/kallsyms.c packs it and kernel/kallsyms.c reads it.
 * A name is a run of tokens (one byte each, its text in kallsyms_token_table), the first letter of which is nm's.
 */
#include <ctype.h>
#include <inttypes.h>
#include "kallsyms.h"

#define SYMBOLS_MAX (4u << 20)		/* a distribution's kernel has 0.2 million */
#define NAMES_MAX (128u << 20)		/* bytes of packed names */
#define NAME_MAX_LEN 1024		/* KSYM_NAME_LEN is 128, since b8a94bfb3395 (v6.1) 512 */
#define TOKEN_TABLE_MAX (16u << 10)
#define STRINGS_MAX (256u << 20)	/* bytes of all names together */
#define PAGE 4096

/* How an entry of the table of addresses is meant. */
enum place {
	PLACE_PERCPU_ABSOLUTE,	/* 2213e9a66bb8 (v4.6): positive is absolute, negative from relative_base - 1 */
	PLACE_BASE,		/* the same without absolute per-CPU symbols: unsigned, from relative_base */
	PLACE_ITSELF,		/* from where the entry itself lies: kernels without relative_base (7.x) */
	PLACE_ADDRESS,		/* whole addresses: before v4.6 */
	PLACE_COUNT,
};

struct tokens {
	char *text;		/* the table, NUL-terminated as a whole */
	uint16_t index[256];
};

static struct ka_error *tokens_read(struct ka_kernel *k, const struct ka_kallsyms *y, struct tokens *ret)
{
	uint8_t index[512];
	size_t size = y->token_index > y->token_table ? y->token_index - y->token_table : 0;
	struct ka_error *err;

	if (size < 256 || size > TOKEN_TABLE_MAX)
		return ka_error_new(KA_CORRUPT, "kallsyms_token_table would have %zu bytes", size);
	ret->text = ka_xalloc(size + 1);
	err = ka_read(k, y->token_table, ret->text, size);
	if (!err)
		err = ka_read(k, y->token_index, index, sizeof(index));
	if (err)
		return ka_error_wrap(err, "cannot read the tokens of kallsyms");
	for (size_t i = 0; i < 256; i++) {
		ret->index[i] = (uint16_t)ka_uint_from(k, index + 2 * i, 2);
		if (ret->index[i] >= size)
			return ka_error_new(KA_CORRUPT, "token %zu of kallsyms lies at %u in a table of %zu bytes", i, ret->index[i], size);
	}
	return NULL;
}

/* As many bytes of [at, at + size) as can be read without a gap. */
static size_t read_until_gap(struct ka_kernel *k, ka_addr at, uint8_t *ret, size_t size)
{
	size_t done = 0;

	while (done < size) {
		size_t n = KA_MIN(size - done, (size_t)(PAGE - ((at + done) & (PAGE - 1))));

		if (ka_interrupted() || ka_error_drop(ka_read(k, at + done, ret + done, n)))
			break;
		done += n;
	}
	return done;
}

/* Length of the packed name at p, and of its prefix. A length above 127 takes two bytes since 73bbb94466fd (v6.1); no name was as long before. */
static bool packed_length(const uint8_t *p, const uint8_t *end, size_t *ret_len, size_t *ret_prefix)
{
	if (p >= end)
		return false;
	*ret_len = *p & 0x7f;
	*ret_prefix = 1;
	if (*p & 0x80) {
		if (p + 1 >= end)
			return false;
		*ret_len |= (size_t)p[1] << 7;
		*ret_prefix = 2;
	}
	return *ret_len && *ret_len <= NAME_MAX_LEN && *ret_len + *ret_prefix <= (size_t)(end - p);
}

/* Appends the name; false: not one of a symbol. */
static bool name_unpack(const struct tokens *t, const uint8_t *p, size_t len, char *ret_letter, struct ka_str *strings)
{
	size_t start = strings->len;

	for (size_t i = 0; i < len; i++)
		ka_str_add(strings, t->text + t->index[p[i]]);
	size_t got = strings->len - start;

	if (got < 2 || got > NAME_MAX_LEN || !isgraph((unsigned char)strings->p[start])) {
		strings->len = start;
		return false;
	}
	*ret_letter = strings->p[start];
	memmove(strings->p + start, strings->p + start + 1, got - 1);
	strings->len--;
	ka_str_addc(strings, 0);
	return true;
}

static uint64_t place_of(struct ka_kernel *k, const struct ka_kallsyms *y, enum place how, const uint8_t *table, size_t i)
{
	if (how == PLACE_ADDRESS)
		return ka_uint_from(k, table + 8 * i, 8);
	int32_t offset = (int32_t)ka_uint_from(k, table + 4 * i, 4);

	switch (how) {
	case PLACE_PERCPU_ABSOLUTE:
		return offset >= 0 ? (uint64_t)offset : y->relative_base - 1 - (uint64_t)(int64_t)offset;
	case PLACE_BASE:
		return y->relative_base + (uint32_t)offset;
	default:
		return y->offsets + 4 * i + (uint64_t)(int64_t)offset;
	}
}

/* The one that puts _stext where VMCOREINFO says it is. */
static bool place_find(struct ka_kernel *k, const struct ka_kallsyms *y, const uint8_t *table, size_t stext_at, enum place *ret)
{
	for (unsigned how = 0; how < PLACE_COUNT; how++) {
		bool is_whole = how == PLACE_ADDRESS, is_based = how == PLACE_PERCPU_ABSOLUTE || how == PLACE_BASE;

		if (is_whole != y->is_whole || (is_based && !y->relative_base))
			continue;
		if (place_of(k, y, how, table, stext_at) == y->stext) {
			*ret = how;
			return true;
		}
	}
	return false;
}

struct names {
	struct ka_str strings;
	uint32_t *at;		/* of each symbol, in strings; 0: left out */
	char *letters;
	size_t n;		/* symbols that were read */
	size_t stext_at;
	bool has_stext;
};

static struct ka_error *names_read(struct ka_kernel *k, const struct ka_kallsyms *y, struct names *ret)
{
	struct tokens t = { 0 };
	size_t size = y->token_table > y->names ? y->token_table - y->names : 0, prefix, len;
	struct ka_error *err = tokens_read(k, y, &t);

	if (!err && (!size || size > NAMES_MAX))
		err = ka_error_new(KA_CORRUPT, "kallsyms_names would have %zu bytes", size);
	if (err) {
		free(t.text);
		return err;
	}
	uint8_t *packed = ka_xalloc(size);
	const uint8_t *p = packed, *end = packed + read_until_gap(k, y->names, packed, size);

	ret->at = ka_xalloc((y->count + 1) * sizeof(*ret->at));
	ret->letters = ka_xalloc(y->count + 1);
	ka_str_addc(&ret->strings, 0);
	for (; ret->n < y->count && ret->strings.len < STRINGS_MAX && packed_length(p, end, &len, &prefix); ret->n++, p += len) {
		size_t at = ret->strings.len;

		p += prefix;
		if (!name_unpack(&t, p, len, &ret->letters[ret->n], &ret->strings))
			continue;
		ret->at[ret->n] = (uint32_t)at;
		if (!ret->has_stext && !strcmp(ret->strings.p + at, "_stext")) {
			ret->stext_at = ret->n;
			ret->has_stext = true;
		}
	}
	free(packed);
	free(t.text);
	if (!ret->has_stext)
		return ka_error_new(KA_CORRUPT, "kallsyms has no _stext among %zu of %u names", ret->n, y->count);
	return NULL;
}

static struct ka_error *symbols_make(struct ka_kernel *k, const struct ka_kallsyms *y, struct names *names, struct ka_symtab **ret)
{
	size_t entry = y->is_whole ? 8 : 4, n = 0;
	uint8_t *table = ka_xalloc(names->n * entry);
	size_t readable = read_until_gap(k, y->offsets, table, names->n * entry) / entry;
	enum place how;

	if (names->stext_at >= readable || !place_find(k, y, table, names->stext_at, &how)) {
		free(table);
		return ka_error_new(KA_CORRUPT, "kallsyms does not put _stext where VMCOREINFO does, at 0x%" PRIx64, y->stext);
	}
	struct ka_elf_symbol *at = ka_xalloc((readable + 1) * sizeof(*at));

	for (size_t i = 0; i < readable; i++) {
		char letter = names->letters[i];

		if (!names->at[i])
			continue;
		const char *name = names->strings.p + names->at[i];
		/* a system call's second name, for 32-bit programs, yields to the first */
		bool is_typed = strncmp(name, "__ia32_", 7) != 0;
		bool is_text = letter == 't' || letter == 'T' || letter == 'w' || letter == 'W';
		at[n++] = (struct ka_elf_symbol){
			.addr = place_of(k, y, how, table, i),
			.name = names->at[i],
			.section = SHN_ABS,
			.type = letter,
			.info = ELF64_ST_INFO(isupper((unsigned char)letter) ? STB_GLOBAL : STB_LOCAL,
					      !is_typed ? STT_NOTYPE : is_text ? STT_FUNC : STT_OBJECT),
		};
	}
	free(table);
	ka_log(1, "%zu symbols from kallsyms (%u, place %d)", n, y->count, how);
	*ret = ka_symtab_new(at, n, names->strings.p, names->strings.len);
	names->strings = (struct ka_str){ 0 };
	return NULL;
}

/* kallsyms has no sizes: up to the next symbol. Per-CPU symbols are marked. */
static void symbols_finish(struct ka_symtab *t)
{
	size_t i, start = 0, end = 0;
	bool has_percpu = ka_symtab_find(t, "__per_cpu_start", &i);

	if (has_percpu) {
		start = t->at[i].addr;
		has_percpu = ka_symtab_find(t, "__per_cpu_end", &i);
		end = t->at[i].addr;
	}
	uint64_t next = 0;

	for (i = t->n; i-- > 0;) {
		struct ka_elf_symbol *s = &t->at[i];

		if (i + 1 < t->n && t->at[i + 1].addr != s->addr)
			next = t->at[i + 1].addr;
		s->size = next > s->addr ? (uint32_t)KA_MIN(next - s->addr, (uint64_t)UINT32_MAX) : 0;
		if (has_percpu && s->addr >= start && s->addr < end)
			s->section = KA_KALLSYMS_PERCPU;
	}
}

struct ka_error *ka_kallsyms_read(struct ka_kernel *k, const struct ka_kallsyms *y, struct ka_symtab **ret)
{
	struct names names = { 0 };
	struct ka_error *err;

	if (!y->count || y->count > SYMBOLS_MAX)
		return ka_error_new(KA_CORRUPT, "kallsyms would have %u symbols", y->count);
	err = names_read(k, y, &names);
	if (!err)
		err = symbols_make(k, y, &names, ret);
	if (!err)
		symbols_finish(*ret);
	free(names.at);
	free(names.letters);
	ka_str_free(&names.strings);
	return err;
}
