/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Source of an address: run-time addresses brought to the debuginfo of the kernel or of a module. */
#include <inttypes.h>
#include <kanalyze/text.h>
#include "kernel.h"

/* The object that knows an address, and the address there. */
static struct ka_object *object_of(struct ka_kernel *k, ka_addr addr, uint64_t *ret_at, uint32_t *ret_section)
{
	struct ka_object *o = k->object;

	*ret_at = addr - k->layout.kaslr_offset;
	*ret_section = 0;
	if (addr >= k->layout.text_base && addr < k->layout.text_end)
		return o;
	if (!k->hooks.module_object || !k->hooks.module_object(k, addr, &o, ret_at, ret_section))
		return NULL;
	return o;
}

static void place(struct ka_source *ret, const struct ka_object_place *p)
{
	*ret = (struct ka_source){ .file = p->file, .name = p->name, .line = p->line, .function = p->function, .is_inlined = p->is_inlined };
}

bool ka_source_at(struct ka_kernel *k, ka_addr addr, struct ka_source *ret)
{
	struct ka_object_place p;
	uint32_t section;
	uint64_t at;
	struct ka_object *o = object_of(k, addr, &at, &section);

	*ret = (struct ka_source){0};
	if (!o || !ka_object_place(o, at, section, &p))
		return false;
	place(ret, &p);
	return true;
}

size_t ka_source_chain(struct ka_kernel *k, ka_addr addr, struct ka_source *ret, size_t max)
{
	struct ka_object_place places[32];
	uint32_t section;
	uint64_t at;
	struct ka_object *o = object_of(k, addr, &at, &section);
	size_t n = o ? ka_object_chain(o, at, section, places, KA_MIN(max, KA_COUNT(places))) : 0;

	for (size_t i = 0; i < n; i++)
		place(&ret[i], &places[i]);
	return n;
}

unsigned ka_source_last_line(struct ka_kernel *k, ka_addr addr, ka_addr end, const char *file)
{
	uint32_t section;
	uint64_t at;
	struct ka_object *o = object_of(k, addr, &at, &section);

	return o ? ka_object_last_line(o, at, at + (end - addr), section, file) : 0;
}

struct ka_error *ka_source_address(struct ka_kernel *k, const char *file, unsigned line, ka_addr *ret, ka_addr *ret_end)
{
	uint64_t at, end;

	if (!k->object || !ka_object_line_address(k->object, file, line, &at, &end))
		return ka_error_new(KA_NOT_FOUND, "%s:%u: no code of the kernel's image comes from there", file, line);
	*ret = at + k->layout.kaslr_offset;
	*ret_end = end + k->layout.kaslr_offset;
	return NULL;
}
