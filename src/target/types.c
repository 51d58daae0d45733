/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The kernel's types: BTF of vmlinux, else BTF in the dump's memory, else DWARF, else VMCOREINFO; and the public questions about them. */
#include <inttypes.h>
#include <stdio.h>
#include "kernel.h"

#define BTF_SIZE_MAX (256u << 20)	/* Debian's largest is 6 MB */

/* The kernel keeps its BTF at __start_BTF..__stop_BTF for /sys/kernel/btf/vmlinux (90ceddcb4950, v5.7). */
static struct ka_error *btf_from_memory(struct ka_kernel *k, struct ka_types **ret)
{
	struct ka_error *err;
	uint64_t size;
	ka_addr at;

	if (!ka_btf_place(k, &at, &size))
		return ka_error_new(KA_MISSING, "no BTF");
	if (!size || size > BTF_SIZE_MAX)
		return ka_error_new(KA_CORRUPT, "BTF at 0x%" PRIx64 " in memory would have %" PRIu64 " bytes", at, size);
	uint8_t *bytes = ka_kernel_alloc(k, size);

	err = ka_read(k, at, bytes, size);
	if (err)
		return ka_error_wrap(err, "cannot read the BTF in the dump");
	return ka_types_open_btf(bytes, size, k->long_size, ret);
}

static struct ka_error *types_open(struct ka_kernel *k, struct ka_types **ret)
{
	const struct ka_section *s = k->object ? ka_object_section(k->object, ".BTF") : NULL;
	const uint8_t *bytes;
	size_t size;
	struct ka_error *err;

	if (s) {
		err = ka_object_content(k->object, s, &bytes, &size);
		if (!err)
			err = ka_types_open_btf(bytes, size, k->long_size, ret);
		if (!err)
			return NULL;
		ka_log(1, "BTF of %s: %s", k->object->path, err->message);
		ka_error_free(err);
	}
	/* a separate debug file may have dropped the content of .BTF (SHT_NOBITS) but not the symbols */
	err = btf_from_memory(k, ret);
	if (!err)
		return NULL;
	ka_log(1, "BTF in memory: %s", err->message);
	ka_error_free(err);
	if (!k->object)
		return ka_minimal_types(k, ret);
	err = ka_types_open_dwarf(k->object, ret);
	return ka_error_wrap(err, "%s has neither BTF nor usable DWARF", k->object->path);
}

struct ka_error *ka_kernel_types(struct ka_kernel *k, struct ka_types **ret)
{
	struct ka_error *err = NULL;

	pthread_mutex_lock(&k->types_lock);
	if (!k->has_tried_types) {
		k->types_error = types_open(k, &k->types);
		k->has_tried_types = true;
		if (k->types) {
			k->types->is_char_signed = k->arch->is_char_signed;
			ka_log(1, "types from %s", k->types->ops->name);
		}
	}
	if (k->types_error)
		err = ka_error_new(k->types_error->code, "%s", k->types_error->message);
	*ret = k->types;
	pthread_mutex_unlock(&k->types_lock);
	return err;
}

bool ka_type_exists(struct ka_kernel *k, const char *type)
{
	uint64_t size;

	return !ka_error_drop(ka_type_size(k, type, &size));
}

/* "NAME@MODULE" is a type that vmlinux need not have: BTF of the module, then DWARF of its file. Others are vmlinux's. */
static struct ka_error *types_of(struct ka_kernel *k, const char *type, char name[128], struct ka_types **ret)
{
	const char *at = strchr(type, '@');
	struct ka_module_symbols m;
	uint64_t size;

	snprintf(name, 128, "%.*s", at ? (int)(at - type) : 127, type);
	if (!at)
		return ka_kernel_types(k, ret);
	for (size_t i = 0; k->hooks.module_types && k->hooks.module_symbols && k->hooks.module_symbols(k, i, &m); i++) {
		if (strcmp(m.name, at + 1))
			continue;
		for (int is_dwarf = 0; is_dwarf < 2; is_dwarf++) {
			*ret = k->hooks.module_types(k, i, is_dwarf);
			if (*ret && !ka_error_drop(ka_types_size(*ret, name, &size)))
				return NULL;
		}
		return ka_error_new(KA_MISSING, "no types are known of module %s, or no '%s' among them", at + 1, name);
	}
	return ka_error_new(KA_MISSING, "there is no module %s", at + 1);
}

struct ka_error *ka_type_size(struct ka_kernel *k, const char *type, uint64_t *ret)
{
	struct ka_types *t;
	char name[128];
	struct ka_error *err = types_of(k, type, name, &t);

	return err ? err : ka_types_size(t, name, ret);
}

struct ka_error *ka_type_member(struct ka_kernel *k, const char *type, const char *path, struct ka_member *ret)
{
	struct ka_types *t;
	char name[128];
	struct ka_error *err = types_of(k, type, name, &t);

	return err ? err : ka_types_member(t, name, path, ret);
}

bool ka_type_has(struct ka_kernel *k, const char *type, const char *path)
{
	struct ka_member m;

	return !ka_error_drop(ka_type_member(k, type, path, &m));
}

struct ka_error *ka_type_offset(struct ka_kernel *k, const char *type, const char *path, uint64_t *ret)
{
	struct ka_member m;
	struct ka_error *err = ka_type_member(k, type, path, &m);

	if (!err)
		*ret = m.offset;
	return err;
}

bool ka_enum_value(struct ka_kernel *k, const char *enumerator, int64_t *ret)
{
	struct ka_types *t;

	if (ka_error_drop(ka_kernel_types(k, &t)))
		return false;
	return t->ops->enumerator(t, enumerator, ret);
}
