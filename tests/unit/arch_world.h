/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What an architecture asks of its surroundings, made up by a test: memory, VMCOREINFO, symbols, variables, all as text. */
#ifndef KA_ARCH_WORLD_H
#define KA_ARCH_WORLD_H

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include "arch.h"

#define MEMORY_SIZE 0x40000

/* What the architecture asks: 256 KB of memory at physical 0, and lists. */
struct world {
	uint8_t memory[MEMORY_SIZE];
	const char *vmcoreinfo;			/* lines */
	const char *symbols;			/* "name=hex" lines, link-time */
	const char *overrides;			/* "name=hex" lines */
	const char *variables;			/* "hex address=hex value" lines: what read() finds */
	uint64_t kaslr;				/* added to symbols in phase 1 */
};

static struct world w;

static const char *line_of(const char *lines, const char *key)
{
	size_t n = strlen(key);

	for (; lines && *lines; lines = strchr(lines, '\n') ? strchr(lines, '\n') + 1 : NULL)
		if (!strncmp(lines, key, n) && lines[n] == '=')
			return lines + n + 1;
	return NULL;
}

static struct ka_error *read_phys(void *ctx, uint64_t phys, void *ret, size_t size)
{
	(void)ctx;
	if (phys > MEMORY_SIZE || size > MEMORY_SIZE - phys)
		return ka_error_at(KA_UNMAPPED, KA_SPACE_PHYS, phys, "no memory at 0x%" PRIx64, phys);
	memcpy(ret, w.memory + phys, size);
	return NULL;
}

static bool hex_of(const char *lines, const char *key, uint64_t *ret)
{
	const char *text = line_of(lines, key);

	if (text)
		*ret = strtoull(text, NULL, 16);
	return text;
}

static bool symbol(void *ctx, const char *name, uint64_t *ret)
{
	(void)ctx;
	if (!hex_of(w.symbols, name, ret))
		return false;
	*ret += w.kaslr;
	return true;
}

static const char *vmcoreinfo(void *ctx, const char *key)
{
	(void)ctx;
	return line_of(w.vmcoreinfo, key);
}

static struct ka_error *read_virt(void *ctx, uint64_t virt, void *ret, size_t size)
{
	char key[32];
	uint64_t v;

	(void)ctx;
	snprintf(key, sizeof(key), "%" PRIx64, virt);
	if (size != 8 || !hex_of(w.variables, key, &v))
		return ka_error_at(KA_UNMAPPED, KA_SPACE_VIRT, virt, "nothing there");
	memcpy(ret, &v, 8);
	return NULL;
}

static bool override(void *ctx, const char *name, uint64_t *ret)
{
	(void)ctx;
	return hex_of(w.overrides, name, ret);
}

static const struct ka_arch_env env = {
	.read_phys = read_phys, .symbol = symbol, .vmcoreinfo = vmcoreinfo, .read = read_virt, .override = override,
};

#endif
