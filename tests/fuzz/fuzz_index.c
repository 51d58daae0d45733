/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Fuzzer of the index file's reader: any bytes, as they are and with a checksum that fits them. */
#include "index_file.h"

static void use(const struct ka_index *x)
{
	unsigned found = 0;

	for (uint32_t i = 0; i < x->entry_count && i < 1000; i++) {
		const struct ka_index_entry *e = &x->entries[i];
		size_t pos = 0;

		while (ka_index_next(x, e->space_print >> 24, e->hash, ka_index_string(x, e->name), &pos) && found < 100000)
			found++;
		if (ka_index_unit_of(x, e->id))
			found += (unsigned)strlen(ka_index_string(x, ka_index_unit_of(x, e->id)->comp_dir));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct ka_index_key key = { .build_id = { 1, 2, 3, 4 }, .build_id_size = 4, .info_size = 8 };

	for (int sealed = 0; sealed < 2; sealed++) {
		uint8_t *bytes = ka_xalloc(size + 1);
		struct ka_index x;

		memcpy(bytes, data, size);
		if (sealed)
			ka_index_seal(bytes, size);
		if (ka_error_drop(ka_index_open(bytes, size, &key, &x))) {
			free(bytes);
			continue;
		}
		use(&x);
		ka_index_free(&x);
	}
	return 0;
}
