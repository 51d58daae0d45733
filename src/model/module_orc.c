/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ORC unwind tables of a module, from the dump's memory: ee9f8fce9964 (v4.14). */
#include <inttypes.h>
#include <kanalyze/view.h>
#include "module.h"

#define ORC_ENTRIES_MAX (1u << 22)
#define ORC_ENTRY_SIZE 6

struct module_orc {
	uint32_t count;
	ka_addr ip, entries;
};
KA_VIEW(module_orc, ("module"),
	KA_FROM(module_orc, count, "arch.num_orcs"),
	KA_FROM(module_orc, ip, "arch.orc_unwind_ip"),
	KA_FROM(module_orc, entries, "arch.orc_unwind"));


/* The layout of entries is that of the kernel: vmlinux tells it by its .orc_header (b9f174c811e3, v6.4). */
static const uint8_t *orc_header(struct ka_kernel *k, size_t *ret_size)
{
	const struct ka_section *s = k->object ? ka_object_section(k->object, ".orc_header") : NULL;
	const uint8_t *header;

	if (!s || ka_error_drop(ka_object_content(k->object, s, &header, ret_size)))
		return NULL;
	return header;
}

static struct ka_error *open_orc(struct ka_kernel *k, const struct ka_module *m, struct ka_orc **ret)
{
	struct module_orc v;
	const uint8_t *header;
	size_t header_size = 0;
	uint8_t *bytes;
	struct ka_error *err = ka_view_read(k, &ka_view_module_orc, m->addr, &v);

	if (err || !v.count)
		return err;
	if (v.count > ORC_ENTRIES_MAX)
		return ka_error_new(KA_CORRUPT, "it says that it has %u ORC entries", v.count);
	/* Both tables in one block: they live as long as the kernel. */
	bytes = ka_kernel_alloc(k, (size_t)v.count * (4 + ORC_ENTRY_SIZE));
	err = ka_read(k, v.ip, bytes, (size_t)v.count * 4);
	if (!err)
		err = ka_read(k, v.entries, bytes + (size_t)v.count * 4, (size_t)v.count * ORC_ENTRY_SIZE);
	if (err)
		return err;
	header = orc_header(k, &header_size);
	return ka_orc_open(bytes, (size_t)v.count * 4, v.ip, bytes + (size_t)v.count * 4,
			   (size_t)v.count * ORC_ENTRY_SIZE, header, header_size, ret);
}

struct ka_orc *ka_module_orc_hook(struct ka_kernel *k, ka_addr addr)
{
	struct ka_module_list *l = ka_module_list(k);
	struct ka_orc *orc;
	struct ka_error *err;
	size_t i;

	if (!ka_module_index(k, addr, &i))
		return NULL;
	pthread_mutex_lock(&l->lock);
	if (!l->has_orc[i]) {
		l->has_orc[i] = true;
		err = open_orc(k, &l->modules.at[i], &l->orcs[i]);
		if (err) {
			ka_log(1, "module %s: no ORC: %s", l->modules.at[i].name, err->message);
			ka_error_free(err);
		}
	}
	orc = l->orcs[i];
	pthread_mutex_unlock(&l->lock);
	return orc;
}

void ka_module_orcs_free(struct ka_module_list *l)
{
	for (size_t i = 0; l->orcs && i < l->modules.n; i++)
		if (l->orcs[i])
			ka_orc_close(l->orcs[i]);
}
