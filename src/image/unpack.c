/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Unpacking of one dump page, by the library that the page's flags name. */
#include <zlib.h>
#include "ka-config.h"
#include "image_priv.h"
#if KA_HAVE_LZO
#include <lzo/lzo1x.h>
#endif
#if KA_HAVE_SNAPPY
#include <snappy-c.h>
#endif
#if KA_HAVE_ZSTD
#include <zstd.h>
#endif

static struct ka_error *bad(const char *name, size_t got, size_t want)
{
	return ka_error_new(KA_CORRUPT, "%s data does not unpack to a page (%zu of %zu bytes)", name, got, want);
}

__attribute__((unused)) static struct ka_error *not_built_in(const char *name)
{
	return ka_error_new(KA_UNSUPPORTED, "the page is compressed with %s, which this kanalyze was built without", name);
}

static struct ka_error *unpack_zlib(const uint8_t *packed, size_t packed_size, uint8_t *buf, size_t page_size)
{
	uLongf size = page_size;
	int rc = uncompress(buf, &size, packed, packed_size);

	return rc == Z_OK && size == page_size ? NULL : bad("zlib", rc == Z_OK ? size : 0, page_size);
}

static struct ka_error *unpack_lzo(const uint8_t *packed, size_t packed_size, uint8_t *buf, size_t page_size)
{
#if KA_HAVE_LZO
	lzo_uint size = page_size;
	int rc = lzo1x_decompress_safe(packed, packed_size, buf, &size, NULL);

	return rc == LZO_E_OK && size == page_size ? NULL : bad("LZO", rc == LZO_E_OK ? size : 0, page_size);
#else
	(void)packed, (void)packed_size, (void)buf, (void)page_size;
	return not_built_in("LZO");
#endif
}

static struct ka_error *unpack_snappy(const uint8_t *packed, size_t packed_size, uint8_t *buf, size_t page_size)
{
#if KA_HAVE_SNAPPY
	size_t size = page_size;
	snappy_status rc = snappy_uncompress((const char *)packed, packed_size, (char *)buf, &size);

	return rc == SNAPPY_OK && size == page_size ? NULL : bad("snappy", rc == SNAPPY_OK ? size : 0, page_size);
#else
	(void)packed, (void)packed_size, (void)buf, (void)page_size;
	return not_built_in("snappy");
#endif
}

static struct ka_error *unpack_zstd(const uint8_t *packed, size_t packed_size, uint8_t *buf, size_t page_size)
{
#if KA_HAVE_ZSTD
	size_t size = ZSTD_decompress(buf, page_size, packed, packed_size);

	return !ZSTD_isError(size) && size == page_size ? NULL : bad("zstd", ZSTD_isError(size) ? 0 : size, page_size);
#else
	(void)packed, (void)packed_size, (void)buf, (void)page_size;
	return not_built_in("zstd");
#endif
}

struct ka_error *ka_page_unpack(uint32_t compression, const uint8_t *packed, size_t packed_size, uint8_t *buf, size_t page_size)
{
	switch (compression) {
	case KA_COMP_NONE:
		if (packed_size != page_size)
			return bad("uncompressed", packed_size, page_size);
		memcpy(buf, packed, page_size);
		return NULL;
	case KA_COMP_ZLIB:
		return unpack_zlib(packed, packed_size, buf, page_size);
	case KA_COMP_LZO:
		return unpack_lzo(packed, packed_size, buf, page_size);
	case KA_COMP_SNAPPY:
		return unpack_snappy(packed, packed_size, buf, page_size);
	case KA_COMP_ZSTD:
		return unpack_zstd(packed, packed_size, buf, page_size);
	}
	return ka_error_new(KA_CORRUPT, "the page is compressed in an unknown way (flags 0x%x)", compression);
}
