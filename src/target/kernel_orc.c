/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ORC of the kernel itself: vmlinux's sections, else what the dump has in memory. */
#include "kernel.h"

#define ORC_MAX (64u << 20)	/* bytes of one table; a distribution's kernel has 3 MB */

/* Between two symbols of the linker script. */
static struct ka_error *read_table(struct ka_kernel *k, const char *start, const char *stop, ka_addr *ret_at, const uint8_t **ret,
				   size_t *ret_size)
{
	struct ka_symbol from, to;

	if (!ka_symbol_lookup(k, start, &from) || !ka_symbol_lookup(k, stop, &to))
		return ka_error_new(KA_MISSING, "this kernel has no %s", start);
	if (to.addr <= from.addr || to.addr - from.addr > ORC_MAX)
		return ka_error_new(KA_CORRUPT, "%s and %s are no bounds of a table", start, stop);
	*ret_at = from.addr;
	*ret_size = to.addr - from.addr;
	uint8_t *bytes = ka_kernel_alloc(k, *ret_size);
	*ret = bytes;
	return ka_read(k, from.addr, bytes, *ret_size);
}

static struct ka_error *orc_open(struct ka_kernel *k)
{
	static const char *const names[] = { ".orc_unwind_ip", ".orc_unwind", ".orc_header" };
	const struct ka_section *s[KA_COUNT(names)] = { 0 };
	const uint8_t *bytes[KA_COUNT(names)] = { 0 };
	size_t size[KA_COUNT(names)] = { 0 };
	ka_addr ip_at, orc_at;
	struct ka_error *err;

	for (size_t i = 0; i < KA_COUNT(names); i++) {
		s[i] = k->object ? ka_object_section(k->object, names[i]) : NULL;
		if (s[i])
			ka_error_drop(ka_object_content(k->object, s[i], &bytes[i], &size[i]));
	}
	if (bytes[0] && bytes[1])
		return ka_orc_open(bytes[0], size[0], s[0]->addr, bytes[1], size[1], bytes[2], size[2], &k->orc);
	/* a debug file without the sections' content */
	err = read_table(k, "__start_orc_unwind_ip", "__stop_orc_unwind_ip", &ip_at, &bytes[0], &size[0]);
	if (!err)
		err = read_table(k, "__start_orc_unwind", "__stop_orc_unwind", &orc_at, &bytes[1], &size[1]);
	if (!err)
		err = ka_orc_open(bytes[0], size[0], ip_at, bytes[1], size[1], bytes[2], size[2], &k->orc);
	k->is_orc_runtime = true;
	return err;
}

struct ka_orc *ka_kernel_orc(struct ka_kernel *k)
{
	struct ka_error *err;

	pthread_mutex_lock(&k->orc_lock);
	if (!k->has_tried_orc) {
		err = orc_open(k);
		if (err)
			ka_log(1, "ORC of the kernel: %s", err->message);
		ka_error_free(err);
		k->has_tried_orc = true;
	}
	pthread_mutex_unlock(&k->orc_lock);
	return k->orc;
}
