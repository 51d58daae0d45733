/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where the sections of a module's file were loaded to: what /sys/module/NAME/sections tells. */
#include <inttypes.h>
#include <kanalyze/view.h>
#include "module.h"

#define SECTIONS_MAX 1024

struct module_sysfs {
	ka_addr sect_attrs;
	uint8_t build_id[20];
};
KA_VIEW(module_sysfs, ("module"),
	KA_MAYBE(module_sysfs, sect_attrs, "sect_attrs"),	/* with CONFIG_KALLSYMS alone; v2.6.6 */
	KA_MAYBE(module_sysfs, build_id, "build_id"));		/* CONFIG_STACKTRACE_BUILD_ID: 9294523e3768, v5.14 */

struct module_sect_attrs {
	uint32_t nsections;
	ka_addr attrs, bin_attrs;
};
KA_VIEW(module_sect_attrs, ("module_sect_attrs"),
	KA_MAYBE(module_sect_attrs, nsections, "nsections"),
	KA_AT(module_sect_attrs, attrs, "attrs"),
	KA_MAYBE(module_sect_attrs, bin_attrs, "grp.bin_attrs_new", "grp.bin_attrs"));	/* 34f5ec0f8252, v6.14: its end tells the count */

struct module_sect_attr {
	ka_addr name, address;
};
KA_VIEW(module_sect_attr, ("module_sect_attr"),
	KA_FROM(module_sect_attr, name, "battr.attr.name", "name", "mattr.attr.name"),	/* ed66f991bb19 v5.8, v2.6.21 */
	KA_FROM(module_sect_attr, address, "address"));

/* Since 4b2c11e4aaf7 (v6.14) the address is what a plain attribute keeps for its owner. */
struct module_bin_attr {
	ka_addr name, address;
};
KA_VIEW(module_bin_attr, ("bin_attribute"),
	KA_FROM(module_bin_attr, name, "attr.name"),
	KA_FROM(module_bin_attr, address, "private"));

static uint32_t count_bin_attrs(struct ka_kernel *k, ka_addr list)
{
	uint32_t n = 0;
	uint64_t at;

	while (list && n < SECTIONS_MAX && !ka_error_drop(ka_read_ulong(k, list + n * ka_long_size(k), &at)) && at)
		n++;
	return n;
}

static void add(struct ka_kernel *k, struct ka_module_sections *s, ka_addr name, ka_addr address)
{
	struct ka_module_section section = { .addr = address };

	if (!ka_error_drop(ka_read_cstr(k, name, section.name, sizeof(section.name))) && section.name[0] && address)
		ka_vec_push(s, section);
}

struct ka_error *ka_module_sections_read(struct ka_kernel *k, const struct ka_module *m, struct ka_module_sections *ret)
{
	struct module_sysfs v;
	struct module_sect_attrs attrs;
	bool has_own;
	uint64_t size;
	uint32_t n;
	struct ka_error *err = ka_view_read(k, &ka_view_module_sysfs, m->addr, &v);

	if (err)
		return err;
	if (!v.sect_attrs)
		return ka_error_new(KA_MISSING, "the kernel does not tell where the sections of module %s are", m->name);
	err = ka_view_read(k, &ka_view_module_sect_attrs, v.sect_attrs, &attrs);
	if (err)
		return err;
	has_own = !ka_error_drop(ka_view_bind(k, &ka_view_module_sect_attr));
	size = has_own ? ka_view_size(k, &ka_view_module_sect_attr) : ka_view_size(k, &ka_view_module_bin_attr);
	n = KA_HAS(k, module_sect_attrs, nsections) ? attrs.nsections : count_bin_attrs(k, attrs.bin_attrs);
	if (n > SECTIONS_MAX || !size)
		return ka_error_at(KA_CORRUPT, KA_SPACE_VIRT, v.sect_attrs, "module %s says that it has %u sections",
				   m->name, n);
	for (uint32_t i = 0; i < n; i++) {
		struct module_sect_attr own;
		struct module_bin_attr bin;

		if (has_own && !ka_error_drop(ka_view_read(k, &ka_view_module_sect_attr, attrs.attrs + i * size, &own)))
			add(k, ret, own.name, own.address);
		else if (!has_own &&
			 !ka_error_drop(ka_view_read(k, &ka_view_module_bin_attr, attrs.attrs + i * size, &bin)))
			add(k, ret, bin.name, bin.address);
	}
	return NULL;
}

/* ELF note: sizes of name and description, type, "GNU", and the id (gABI; NT_GNU_BUILD_ID is 3). */
static size_t note_parse(struct ka_kernel *k, ka_addr at, uint8_t ret[64])
{
	uint8_t note[16];
	uint64_t size;

	if (ka_error_drop(ka_read(k, at, note, sizeof(note))) || ka_uint_from(k, note, 4) != 4 ||
	    ka_uint_from(k, note + 8, 4) != 3 || memcmp(note + 12, "GNU", 4))
		return 0;
	size = ka_uint_from(k, note + 4, 4);
	if (!size || size > 64 || ka_error_drop(ka_read(k, at + sizeof(note), ret, size)))
		return 0;
	return size;
}

size_t ka_module_build_id(struct ka_kernel *k, const struct ka_module *m, const struct ka_module_sections *s,
			  uint8_t ret[64])
{
	static const uint8_t none[20];
	struct module_sysfs v;

	for (size_t i = 0; i < s->n; i++) {
		size_t size = !strcmp(s->at[i].name, ".note.gnu.build-id") ? note_parse(k, s->at[i].addr, ret) : 0;

		if (size)
			return size;
	}
	if (ka_error_drop(ka_view_read(k, &ka_view_module_sysfs, m->addr, &v)) || !memcmp(v.build_id, none, sizeof(none)))
		return 0;
	memcpy(ret, v.build_id, sizeof(v.build_id));
	return sizeof(v.build_id);
}
