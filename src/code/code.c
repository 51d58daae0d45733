/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The decoder behind include/kanalyze/code.h: which architecture, one instruction at a time. */
#include <stdio.h>
#include "code.h"

static const struct {
	const char *name;
	cs_arch arch;
	cs_mode mode;
	void (*decode)(struct ka_code *c, const uint8_t *bytes, size_t size, struct ka_insn *ret);
} archs[] = {
	{ "x86_64", CS_ARCH_X86, CS_MODE_64, ka_x86_decode },
	{ "aarch64", CS_ARCH_ARM64, CS_MODE_LITTLE_ENDIAN, ka_arm64_decode },
};

struct ka_error *ka_code_open(const char *arch, enum ka_insn_syntax syntax, struct ka_code **ret)
{
	for (size_t i = 0; i < KA_COUNT(archs); i++) {
		struct ka_code *c;
		cs_err status;

		if (strcmp(arch, archs[i].name))
			continue;
		c = ka_xalloc(sizeof(*c));
		status = cs_open(archs[i].arch, archs[i].mode, &c->handle);
		if (status != CS_ERR_OK) {
			free(c);
			return ka_error_new(KA_UNSUPPORTED, "capstone cannot disassemble %s: %s", arch, cs_strerror(status));
		}
		cs_option(c->handle, CS_OPT_DETAIL, CS_OPT_ON);
		c->insn = cs_malloc(c->handle);
		if (!c->insn)
			abort();	/* out of memory, as in ka_xalloc */
		c->syntax = syntax;
		c->decode = archs[i].decode;
		*ret = c;
		return NULL;
	}
	return ka_error_new(KA_UNSUPPORTED, "there is no disassembler for %s", arch);
}

void ka_code_close(struct ka_code *c)
{
	if (!c)
		return;
	cs_free(c->insn, 1);
	cs_close(&c->handle);
	free(c);
}

void ka_code_restart(struct ka_code *c)
{
	c->pages_known = 0;
}

bool ka_code_decode(struct ka_code *c, const uint8_t *bytes, size_t size, uint64_t addr, struct ka_insn *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->addr = addr;
	if (!size)
		return false;
	c->decode(c, bytes, size, ret);
	memcpy(ret->bytes, bytes, ret->size);
	return true;
}

/* Mnemonics are padded to six, and one blank: as gdb has it. */
void ka_insn_text_set(struct ka_insn *ret, const char *name, const char *operands)
{
	snprintf(ret->name, sizeof(ret->name), "%s", name);
	if (operands && *operands)
		snprintf(ret->text, sizeof(ret->text), "%-6s %s", name, operands);
	else
		snprintf(ret->text, sizeof(ret->text), "%s", name);
}
