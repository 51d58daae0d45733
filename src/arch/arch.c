/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The table of architectures. */
#include <elf.h>
#include "arch.h"

extern const struct ka_arch ka_arch_x86_64, ka_arch_aarch64;

static const struct ka_arch *const arches[] = { &ka_arch_x86_64, &ka_arch_aarch64 };

#ifndef EM_LOONGARCH
#define EM_LOONGARCH 258
#endif

const struct ka_arch *ka_arch_by_machine(uint16_t e_machine)
{
	for (size_t i = 0; i < KA_COUNT(arches); i++)
		if (arches[i]->e_machine == e_machine)
			return arches[i];
	return NULL;
}

const struct ka_arch *ka_arch_by_name(const char *name)
{
	for (size_t i = 0; i < KA_COUNT(arches); i++)
		if (!strcmp(arches[i]->name, name))
			return arches[i];
	return NULL;
}

const char *ka_machine_name(uint16_t e_machine)
{
	static const struct { uint16_t machine; const char *name; } names[] = {
		{ EM_X86_64, "x86_64" }, { EM_386, "i386" }, { EM_AARCH64, "aarch64" }, { EM_ARM, "arm" },
		{ EM_S390, "s390x" }, { EM_PPC64, "ppc64" }, { EM_PPC, "ppc" }, { EM_RISCV, "riscv64" },
		{ EM_IA_64, "ia64" }, { EM_SPARCV9, "sparc64" }, { EM_MIPS, "mips" }, { EM_ALPHA, "alpha" },
		{ EM_PARISC, "parisc" }, { EM_LOONGARCH, "loongarch64" },
	};

	for (size_t i = 0; i < KA_COUNT(names); i++)
		if (names[i].machine == e_machine)
			return names[i].name;
	return NULL;
}
