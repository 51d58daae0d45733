/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Taints in letters and words, by the kernel's own table where it has one. */
#include <inttypes.h>
#include <kanalyze/module.h>
#include <kanalyze/system.h>
#include <kanalyze/symbol.h>
#include <kanalyze/view.h>
#include "kernel.h"

#define FLAGS_MAX 64

struct taint_flag {
	char c_true, c_false;
	uint8_t is_module, bit;
	ka_addr desc;
};
KA_VIEW(taint_flag, ("taint_flag", "tnt"),		/* struct tnt until 7fd8329ba502, v4.10 */
	KA_FROM(taint_flag, c_true, "c_true", "true"),	/* renamed in 5eb7c0d04f04, v4.11 */
	KA_FROM(taint_flag, c_false, "c_false", "false"),
	KA_MAYBE(taint_flag, is_module, "module"),
	KA_MAYBE(taint_flag, bit, "bit"),
	KA_MAYBE(taint_flag, desc, "desc"));		/* d9d814eebb1a, v6.11 */

struct taint_table {
	struct taint_flag flags[FLAGS_MAX];	/* by bit; c_true 0: no such bit */
	char *words[FLAGS_MAX];
	bool has_module;	/* is_module can be relied on */
};

/* Letters are forever; the words are those of struct taint_flag.desc. */
static const struct { char letter; const char *word; } words[] = {
	{ 'P', "PROPRIETARY_MODULE" }, { 'F', "FORCED_MODULE" }, { 'S', "CPU_OUT_OF_SPEC" }, { 'R', "FORCED_RMMOD" },
	{ 'M', "MACHINE_CHECK" }, { 'B', "BAD_PAGE" }, { 'U', "USER" }, { 'D', "DIE" }, { 'A', "OVERRIDDEN_ACPI_TABLE" },
	{ 'W', "WARN" }, { 'C', "CRAP" }, { 'I', "FIRMWARE_WORKAROUND" }, { 'O', "OOT_MODULE" },
	{ 'E', "UNSIGNED_MODULE" }, { 'L', "SOFTLOCKUP" }, { 'K', "LIVEPATCH" }, { 'X', "AUX" }, { 'T', "RANDSTRUCT" },
	{ 'N', "TEST" }, { 'J', "FWCTL" },
};

static void read_table(struct ka_kernel *k, struct taint_table *t, const struct ka_symbol *s)
{
	uint64_t size = ka_view_size(k, &ka_view_taint_flag), count = size ? s->size / size : 0;

	t->has_module = KA_HAS(k, taint_flag, is_module);
	for (uint64_t i = 0; i < KA_MIN(count, (uint64_t)FLAGS_MAX); i++) {
		struct taint_flag f;
		char word[64];
		uint64_t bit = i;

		if (ka_error_drop(ka_view_read(k, &ka_view_taint_flag, s->addr + i * size, &f)))
			continue;
		if (KA_HAS(k, taint_flag, bit))
			bit = f.bit;
		if (bit >= FLAGS_MAX)
			continue;
		t->flags[bit] = f;
		if (f.desc && !ka_error_drop(ka_read_cstr(k, f.desc, word, sizeof(word))) && word[0])
			t->words[bit] = ka_xstrdup(word);
	}
}

static void *table_make(struct ka_kernel *k)
{
	static const char first[] = "PFSRMB";	/* what v2.6.18 had; the order never changed */
	struct taint_table *t = ka_xalloc(sizeof(*t));
	struct ka_symbol s;

	if (ka_symbol_lookup(k, "taint_flags", &s) || ka_symbol_lookup(k, "tnts", &s)) {
		read_table(k, t, &s);
	} else {
		for (size_t i = 0; first[i]; i++)
			t->flags[i] = (struct taint_flag){ .c_true = first[i], .c_false = i ? ' ' : 'G' };
	}
	return t;
}

static void table_drop(void *state)
{
	struct taint_table *t = state;

	for (size_t i = 0; i < FLAGS_MAX; i++)
		free(t->words[i]);
	free(t);
}

static const struct taint_table *table(struct ka_kernel *k)
{
	static const char key;

	return ka_kernel_state(k, &key, table_make, table_drop);
}

const char *ka_taint_letters(struct ka_kernel *k, uint64_t taints, bool is_module, struct ka_arena *a)
{
	const struct taint_table *t = table(k);
	char *s = ka_alloc(a, FLAGS_MAX + 1), *p = s;

	for (unsigned bit = 0; bit < FLAGS_MAX; bit++) {
		const struct taint_flag *f = &t->flags[bit];
		bool is_set = taints >> bit & 1;

		if (is_module && is_set && t->has_module && !f->is_module && f->c_true)
			continue;
		if (is_set)
			*p++ = f->c_true > ' ' && f->c_true < 127 ? f->c_true : '?';
		/* Letters that tell of a bit that is not set: 'G' for GPL was the only one; crash leaves it out. */
		else if (!is_module && f->c_false > ' ' && f->c_false < 127 && f->c_false != '-' && f->c_false != 'G')
			*p++ = f->c_false;
	}
	return s;
}

const char *const *ka_taint_words(struct ka_kernel *k, uint64_t taints, struct ka_arena *a)
{
	const struct taint_table *t = table(k);
	const char **list = ka_alloc(a, (FLAGS_MAX + 1) * sizeof(*list));
	size_t n = 0;

	for (unsigned bit = 0; bit < FLAGS_MAX; bit++) {
		const char *word = t->words[bit];

		if (!(taints >> bit & 1))
			continue;
		for (size_t i = 0; !word && i < KA_COUNT(words); i++)
			if (words[i].letter == t->flags[bit].c_true)
				word = words[i].word;
		list[n++] = word ? word : ka_printf(a, "BIT_%u", bit);
	}
	return list;
}

struct ka_error *ka_tainted(struct ka_kernel *k, uint64_t *ret)
{
	struct ka_symbol s;

	/* An int named tainted until 25ddbb18aae3, v2.6.28. */
	if (ka_symbol_lookup(k, "tainted_mask", &s))
		return ka_symbol_ulong(k, "tainted_mask", ret);
	return ka_symbol_value(k, "tainted", ret);
}
