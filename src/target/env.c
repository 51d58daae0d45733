/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What an architecture may ask: physical memory, symbols, VMCOREINFO, what the user forced. */
#include "kernel.h"

static struct ka_error *env_read_phys(void *ctx, uint64_t phys, void *ret, size_t size)
{
	struct ka_kernel *k = ctx;

	return ka_image_read(k->image, phys, ret, size);
}

static bool env_symbol(void *ctx, const char *name, uint64_t *ret)
{
	struct ka_kernel *k = ctx;
	struct ka_symbol s;

	/* in phase 0 link-time addresses are asked for, and VMCOREINFO has run-time ones */
	if (!k->object && !k->layout.text_base)
		return false;
	if (!ka_symbol_lookup(k, name, &s))
		return false;
	*ret = s.addr;
	return true;
}

static const char *env_vmcoreinfo(void *ctx, const char *key)
{
	return ka_vmcoreinfo(ctx, key);
}

static struct ka_error *env_read(void *ctx, uint64_t virt, void *ret, size_t size)
{
	return ka_read(ctx, virt, ret, size);
}

/* "NAME=VALUE": the value, when the name is this one. */
static bool machine_value(const char *text, const char *name, uint64_t *ret)
{
	size_t n = strlen(name);

	if (strncmp(text, name, n) || text[n] != '=')
		return false;
	*ret = strtoull(text + n + 1, NULL, 0);	/* it was checked when it was given */
	return true;
}

static bool env_override(void *ctx, const char *name, uint64_t *ret)
{
	struct ka_kernel *k = ctx;

	for (size_t i = 0; k->options.machine && k->options.machine[i]; i++)
		if (machine_value(k->options.machine[i], name, ret))
			return true;
	if (!strcmp(name, "phys_base") && k->options.has_phys_base)
		*ret = k->options.phys_base;
	else if (!strcmp(name, "kaslr") && k->options.has_kaslr)
		*ret = k->options.kaslr;
	else if (!strcmp(name, "dump_phys_base") && k->image->info.has_phys_base)
		*ret = k->image->info.phys_base;
	else
		return false;
	return true;
}

void ka_env_init(struct ka_kernel *k)
{
	k->env = (struct ka_arch_env){
		.ctx = k,
		.read_phys = env_read_phys,
		.symbol = env_symbol,
		.vmcoreinfo = env_vmcoreinfo,
		.read = env_read,
		.override = env_override,
	};
}

struct ka_error *ka_layout_init(struct ka_kernel *k)
{
	struct ka_layout l = { 0 };
	struct ka_error *err;

	/* worked out beside k->layout: until it is there, symbols are link-time addresses */
	err = k->arch->layout(&k->env, 0, &l);
	if (err)
		return ka_error_wrap(err, "cannot tell where the kernel lies in memory");
	k->layout = l;
	err = k->arch->layout(&k->env, 1, &k->layout);
	if (err)
		return ka_error_wrap(err, "cannot tell the layout of the kernel's memory");
	k->is_layout_ready = true;
	ka_log(1, "layout: kaslr 0x%llx, phys_base 0x%llx, page_offset 0x%llx, %u levels", (unsigned long long)l.kaslr_offset,
	       (unsigned long long)l.phys_base, (unsigned long long)k->layout.page_offset, k->layout.va_levels);
	return NULL;
}
