/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One face over BTF and DWARF: types by the names that C, crash and the views give them. */
#include "debuginfo.h"

void ka_types_close(struct ka_types *t)
{
	if (t)
		t->ops->close(t);
}

/* Behind the word and the blanks after it, or NULL. */
static const char *skip_word(const char *text, const char *word)
{
	size_t n = strlen(word);

	if (strncmp(text, word, n) || text[n] != ' ')
		return NULL;
	return text + n + strspn(text + n, " ");
}

uint32_t ka_types_find(struct ka_types *t, const char *type)
{
	static const struct { const char *word; enum ka_type_kind kind; } tags[] = {
		{ "struct", KA_TYPE_STRUCT }, { "union", KA_TYPE_UNION }, { "enum", KA_TYPE_ENUM } };
	static const enum ka_type_kind bare[] = {
		KA_TYPE_STRUCT, KA_TYPE_UNION, KA_TYPE_TYPEDEF, KA_TYPE_ENUM, KA_TYPE_INT, KA_TYPE_FLOAT };
	struct ka_type_brief brief;
	uint32_t declared = 0;

	for (size_t i = 0; i < KA_COUNT(tags); i++) {
		const char *name = skip_word(type, tags[i].word);

		if (name)
			return t->ops->find(t, tags[i].kind, name);
	}
	/* "struct foo;" without a definition must not hide a typedef foo. */
	for (size_t i = 0; i < KA_COUNT(bare); i++) {
		uint32_t id = t->ops->find(t, bare[i], type);

		if (!id)
			continue;
		if (bare[i] == KA_TYPE_STRUCT || bare[i] == KA_TYPE_UNION || bare[i] == KA_TYPE_ENUM) {
			t->ops->describe(t, id, &brief);
			if (brief.is_declared_only) {
				declared = declared ? declared : id;
				continue;
			}
		}
		return id;
	}
	return declared;
}

/* C lets the words of a base type come in many orders and spares "int"; debuginfo has one spelling of each. */
static const char *canonical(const char *type)
{
	static const char *const same[][2] = {
		{ "unsigned", "unsigned int" }, { "unsigned long", "long unsigned int" }, { "unsigned long int", "long unsigned int" },
		{ "long", "long int" }, { "short", "short int" }, { "unsigned short", "short unsigned int" },
		{ "long long", "long long int" }, { "unsigned long long", "long long unsigned int" }, { "bool", "_Bool" },
	};

	for (size_t i = 0; i < KA_COUNT(same); i++)
		if (!strcmp(type, same[i][0]))
			return same[i][1];
	return NULL;
}

struct ka_error *ka_types_size(struct ka_types *t, const char *type, uint64_t *ret)
{
	size_t len = strlen(type);
	struct ka_error *err;
	uint32_t id;

	if (len && type[len - 1] == '*') {
		*ret = t->long_size;
		return NULL;
	}
	id = ka_types_find(t, type);
	if (!id && canonical(type))
		id = ka_types_find(t, canonical(type));
	if (!id)
		return ka_error_new(KA_MISSING, "this kernel has no type named '%s'", type);
	err = t->ops->size(t, id, ret);
	return err ? ka_error_wrap(err, "size of '%s'", type) : NULL;
}
