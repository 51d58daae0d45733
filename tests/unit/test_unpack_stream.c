/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Packed sections unpacked piece by piece: zlib (one stream and two behind each other) and zstd, whole, cut and damaged. */
#include <stdlib.h>
#include <zlib.h>
#include "ka-config.h"
#if KA_HAVE_ZSTD
#include <zstd.h>
#endif
#include "check.h"
#include "object.h"

#define SIZE (5u << 20)

static uint8_t *plain, *packed, *out;

static size_t pack_zlib(const uint8_t *from, size_t size, uint8_t *to)
{
	uLongf n = 2 * SIZE;

	CHECK_INT(compress2(to, &n, from, size, 1), Z_OK);
	return n;
}

static void check_method(unsigned method, size_t size)
{
	static const size_t ends[] = { 1, 0, 100, 100, 70000, (1u << 20) + 1, 3u << 20, SIZE - 1, SIZE, SIZE, SIZE + 5 };
	struct ka_unpack_stream *s;
	struct ka_error *err;
	size_t have = 0;

	memset(out, 0xee, SIZE + 8);
	s = ka_unpack_stream_new(method, packed, size, out, SIZE);
	CHECK(s);
	for (size_t i = 0; s && i < KA_COUNT(ends); i++) {
		CHECK(!ka_error_drop(ka_unpack_stream_to(s, ends[i], &have)));
		CHECK(have >= KA_MIN(ends[i], SIZE) && have <= SIZE);
		CHECK(!memcmp(out, plain, have));
		/* no further than the step that was needed */
		CHECK(have <= (ends[i] | ((1u << 20) - 1)) + (1u << 20));
	}
	CHECK_INT(out[SIZE], 0xee);
	ka_unpack_stream_free(s);

	/* cut: what was there is there */
	s = ka_unpack_stream_new(method, packed, size / 2, out, SIZE);
	err = ka_unpack_stream_to(s, SIZE, &have);
	CHECK(err && err->code == KA_CORRUPT);
	ka_error_free(err);
	CHECK(have > SIZE / 8 && have < SIZE && !memcmp(out, plain, have));
	CHECK(ka_error_drop(ka_unpack_stream_to(s, SIZE, &have)));
	CHECK(!ka_error_drop(ka_unpack_stream_to(s, have, &have)));
	ka_unpack_stream_free(s);

	/* damaged */
	for (size_t i = size / 3; i < size / 3 + 64; i++)
		packed[i] ^= 0x5a;
	s = ka_unpack_stream_new(method, packed, size, out, SIZE);
	if (ka_error_drop(ka_unpack_stream_to(s, SIZE, &have)))
		CHECK(have < SIZE);
	ka_unpack_stream_free(s);
	memset(packed, 0xff, 64);
	s = ka_unpack_stream_new(method, packed, size, out, SIZE);
	CHECK(ka_error_drop(ka_unpack_stream_to(s, 1, &have)));
	CHECK_INT(have, 0);
	ka_unpack_stream_free(s);
	s = ka_unpack_stream_new(method, packed, 0, out, SIZE);
	CHECK(ka_error_drop(ka_unpack_stream_to(s, 1, &have)));
	ka_unpack_stream_free(s);
}

CHECK_MAIN
{
	size_t n;

	plain = malloc(SIZE);
	packed = malloc(2 * SIZE);
	out = malloc(SIZE + 8);
	for (size_t i = 0; i < SIZE; i++)
		plain[i] = (uint8_t)(i % 251 ^ i / 4096 * 7 ^ (i % 3 ? 0 : i * 2654435761u >> 13));
	check_method(ELFCOMPRESS_ZLIB, pack_zlib(plain, SIZE, packed));
	n = pack_zlib(plain, SIZE / 3, packed);
	n += pack_zlib(plain + SIZE / 3, SIZE - SIZE / 3, packed + n);
	check_method(ELFCOMPRESS_ZLIB, n);
#if KA_HAVE_ZSTD
	check_method(2, ZSTD_compress(packed, 2 * SIZE, plain, SIZE, 1));
#endif
	CHECK(!ka_unpack_stream_new(77, packed, 4, out, SIZE));
	free(plain);
	free(packed);
	free(out);
}
