/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Numbers and lists of CPUs as users of crash write them. */
#include <ctype.h>
#include <kanalyze/command.h>

bool ka_parse_digits(const char *text, unsigned radix, uint64_t *ret)
{
	uint64_t value = 0;

	if (!*text)
		return false;
	for (; *text; text++) {
		int c = tolower((unsigned char)*text);
		unsigned digit = isdigit(c) ? (unsigned)c - '0' : c >= 'a' && c <= 'f' ? (unsigned)c - 'a' + 10 : 16;

		if (digit >= radix || value > (UINT64_MAX - digit) / radix)
			return false;
		value = value * radix + digit;
	}
	*ret = value;
	return true;
}

bool ka_parse_number(const char *text, bool is_decimal, uint64_t *ret)
{
	if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X'))
		return ka_parse_digits(text + 2, 16, ret);
	return (is_decimal && ka_parse_digits(text, 10, ret)) || ka_parse_digits(text, 16, ret);
}

struct ka_error *ka_parse_cpus(const char *text, bool *ret, unsigned count)
{
	const char *p = text;

	memset(ret, 0, count * sizeof(*ret));
	if (!strcmp(text, "a") || !strcmp(text, "all")) {
		memset(ret, true, count * sizeof(*ret));
		return NULL;
	}
	do {
		char *end;
		unsigned long first, last;

		if (!isdigit((unsigned char)*p))
			return ka_error_new(KA_USAGE, "'%s' is no list of CPUs: 1,3-5 or a for all", text);
		first = last = strtoul(p, &end, 10);
		if (*end == '-' && isdigit((unsigned char)end[1]))
			last = strtoul(end + 1, &end, 10);
		if ((*end && *end != ',') || last < first)
			return ka_error_new(KA_USAGE, "'%s' is no list of CPUs: 1,3-5 or a for all", text);
		if (last >= count)
			return ka_error_new(KA_USAGE, "there is no CPU %lu: this machine has %u", last, count);
		for (unsigned long i = first; i <= last; i++)
			ret[i] = true;
		p = *end ? end + 1 : NULL;
	} while (p);
	return NULL;
}
