/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The .config that CONFIG_IKCONFIG keeps in the kernel: gzip between the marks IKCFG_ST and IKCFG_ED. */
#include <zlib.h>
#include <kanalyze/symbol.h>
#include <kanalyze/system.h>

#define PACKED_MAX (16u << 20)
#define CONFIG_MAX (64u << 20)
#define MARK 8

/* Start and size of the packed bytes. */
static struct ka_error *place(struct ka_kernel *k, ka_addr *ret, uint64_t *ret_size)
{
	struct ka_symbol from, to;
	char mark[MARK];
	struct ka_error *err;

	/* Since 13610aa908dc (v5.1) the data are assembled in, their size is another symbol's distance or value. */
	if (!ka_symbol_lookup(k, "kernel_config_data", &from))
		return ka_error_new(KA_MISSING,
				    "kernel_config_data does not exist: the kernel was built without CONFIG_IKCONFIG");
	*ret = from.addr;
	if (ka_symbol_lookup(k, "kernel_config_data_end", &to) && to.addr > from.addr) {
		*ret_size = to.addr - from.addr;
	} else if (from.size) {
		*ret_size = from.size;
	} else {
		*ret_size = PACKED_MAX;
	}
	/* An array with the marks in it before; beside it now. */
	err = ka_read(k, from.addr, mark, MARK);
	if (err)
		return err;
	if (!memcmp(mark, "IKCFG_ST", MARK)) {
		*ret += MARK;
		*ret_size -= KA_MIN(*ret_size, (uint64_t)MARK);
	}
	return NULL;
}

static struct ka_error *unpack(struct ka_arena *a, const uint8_t *packed, size_t size, const char **ret, size_t *ret_size)
{
	z_stream z = { .next_in = (uint8_t *)packed, .avail_in = (uInt)size };
	struct ka_str text = {0};
	uint8_t block[16384];
	int status;

	if (inflateInit2(&z, 15 + 16) != Z_OK)
		return ka_error_new(KA_IO, "zlib cannot be started");
	do {
		z.next_out = block;
		z.avail_out = sizeof(block);
		status = inflate(&z, Z_NO_FLUSH);
		ka_str_addn(&text, block, sizeof(block) - z.avail_out);
	} while (status == Z_OK && text.len < CONFIG_MAX && !(z.avail_in == 0 && z.avail_out));
	inflateEnd(&z);
	*ret = ka_strndup(a, text.p ? text.p : "", text.len);
	*ret_size = text.len;
	ka_str_free(&text);
	if (status != Z_STREAM_END)
		return ka_error_new(KA_CORRUPT, "the packed configuration is damaged after %zu bytes of text", *ret_size);
	return NULL;
}

struct ka_error *ka_kernel_config(struct ka_kernel *k, struct ka_arena *a, const char **ret, size_t *ret_size)
{
	struct ka_error *err, *cut = NULL;
	uint8_t *packed;
	uint64_t size;
	size_t have;
	ka_addr at;

	*ret = "";
	*ret_size = 0;
	err = place(k, &at, &size);
	if (err)
		return err;
	size = KA_MIN(size, (uint64_t)PACKED_MAX);
	packed = ka_xalloc(size + 1);
	have = ka_read_some(k, at, packed, size, &cut);
	err = unpack(a, packed, have, ret, ret_size);
	free(packed);
	if (err && cut)
		err = ka_error_wrap(err, "only %zu bytes of it can be read (%s)", have, cut->message);
	ka_error_drop(cut);
	return ka_error_wrap(err, "cannot read the kernel's configuration");
}
