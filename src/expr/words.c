/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Integer types that need no debuginfo: C's own and the kernel's short words for them. */
#include "tree.h"

static const struct {
	const char *word;
	uint8_t size;		/* 0 with !is_long: void */
	bool is_signed, is_long;
} words[] = {
	{ "u8", 1, false, false }, { "u16", 2, false, false }, { "u32", 4, false, false }, { "u64", 8, false, false },
	{ "s8", 1, true, false }, { "s16", 2, true, false }, { "s32", 4, true, false }, { "s64", 8, true, false },
	{ "__u8", 1, false, false }, { "__u16", 2, false, false }, { "__u32", 4, false, false }, { "__u64", 8, false, false },
	{ "__s8", 1, true, false }, { "__s16", 2, true, false }, { "__s32", 4, true, false }, { "__s64", 8, true, false },
	{ "uint8_t", 1, false, false }, { "uint16_t", 2, false, false }, { "uint32_t", 4, false, false }, { "uint64_t", 8, false, false },
	{ "int8_t", 1, true, false }, { "int16_t", 2, true, false }, { "int32_t", 4, true, false }, { "int64_t", 8, true, false },
	{ "uchar", 1, false, false }, { "ushort", 2, false, false }, { "uint", 4, false, false }, { "ulong", 0, false, true },
	{ "uintptr_t", 0, false, true }, { "intptr_t", 0, true, true }, { "size_t", 0, false, true }, { "ssize_t", 0, true, true },
	{ "void", 0, false, false },
	{ "ulonglong", 8, false, false }, { "longlong", 8, true, false },
};

static bool is(const char *word, size_t len, const char *name)
{
	return strlen(name) == len && !memcmp(name, word, len);
}

bool ka_type_word(const char *word, size_t len, struct ka_type_name *ret)
{
	if (is(word, len, "bool") || is(word, len, "_Bool")) {
		*ret = (struct ka_type_name){ .int_size = 1, .is_bool = true };
		return true;
	}
	if (is(word, len, "float") || is(word, len, "double")) {
		*ret = (struct ka_type_name){ .int_size = len == 5 ? 4 : 8, .is_float = true, .is_signed = true };
		return true;
	}
	for (size_t i = 0; i < KA_COUNT(words); i++) {
		if (strlen(words[i].word) == len && !memcmp(words[i].word, word, len)) {
			*ret = (struct ka_type_name){ .int_size = words[i].size, .is_signed = words[i].is_signed, .is_long = words[i].is_long };
			return true;
		}
	}
	return false;
}
