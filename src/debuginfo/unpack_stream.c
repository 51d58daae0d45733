/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One packed section unpacked from its start as far as it is needed, and further when more is: a backtrace asks for a few units
 * of a .debug_info of hundreds of megabytes, and those of the scheduler and of system calls lie far in front.
 */
#include <zlib.h>
#include "ka-config.h"
#if KA_HAVE_ZSTD
#include <zstd.h>
#endif
#include "object.h"

#define STEP (1u << 20)		/* what is unpacked at once, between two looks at Ctrl-C */

struct ka_unpack_stream {
	unsigned method;
	const uint8_t *in;
	size_t in_size, in_at;
	uint8_t *out;
	size_t out_size, out_at;
	z_stream z;
#if KA_HAVE_ZSTD
	ZSTD_DCtx *zstd;
#endif
};

struct ka_unpack_stream *ka_unpack_stream_new(unsigned method, const uint8_t *in, size_t in_size, uint8_t *out, size_t out_size)
{
	struct ka_unpack_stream *s = ka_xalloc(sizeof(*s));
	bool ok = false;

	*s = (struct ka_unpack_stream){ .method = method, .in = in, .in_size = in_size, .out = out, .out_size = out_size };
	if (method == ELFCOMPRESS_ZLIB)
		ok = inflateInit(&s->z) == Z_OK;
#if KA_HAVE_ZSTD
	if (method == 2)	/* ELFCOMPRESS_ZSTD, not in every elf.h */
		ok = (s->zstd = ZSTD_createDCtx());
#endif
	if (ok)
		return s;
	free(s);
	return NULL;
}

void ka_unpack_stream_free(struct ka_unpack_stream *s)
{
	if (!s)
		return;
	if (s->method == ELFCOMPRESS_ZLIB)
		inflateEnd(&s->z);
#if KA_HAVE_ZSTD
	ZSTD_freeDCtx(s->zstd);
#endif
	free(s);
}

/* A step of at most size bytes. NULL: fine; else what is wrong. */
static const char *step_zlib(struct ka_unpack_stream *s, size_t size)
{
	int rc;

	s->z.next_in = (Bytef *)(s->in + s->in_at);
	s->z.avail_in = (uInt)KA_MIN(s->in_size - s->in_at, (size_t)1 << 30);
	s->z.next_out = s->out + s->out_at;
	s->z.avail_out = (uInt)size;
	rc = inflate(&s->z, Z_NO_FLUSH);
	s->in_at = (size_t)(s->z.next_in - s->in);
	s->out_at = (size_t)(s->z.next_out - s->out);
	/* the linker may have put several streams behind each other */
	if (rc == Z_STREAM_END && s->out_at < s->out_size)
		rc = s->in_at < s->in_size ? inflateReset(&s->z) : Z_BUF_ERROR;
	return rc == Z_OK || rc == Z_STREAM_END ? NULL : s->z.msg ? s->z.msg : "it ends too early";
}

#if KA_HAVE_ZSTD
static const char *step_zstd(struct ka_unpack_stream *s, size_t size)
{
	ZSTD_inBuffer in = { s->in, s->in_size, s->in_at };
	ZSTD_outBuffer out = { s->out, s->out_at + size, s->out_at };
	size_t rc = ZSTD_decompressStream(s->zstd, &out, &in);
	bool is_stuck = in.pos == s->in_at && out.pos == s->out_at;

	s->in_at = in.pos;
	s->out_at = out.pos;
	return ZSTD_isError(rc) ? ZSTD_getErrorName(rc) : is_stuck ? "it ends too early" : NULL;
}
#endif

struct ka_error *ka_unpack_stream_to(struct ka_unpack_stream *s, size_t end, size_t *ret_have)
{
	const char *wrong = NULL;

	end = KA_MIN(end, s->out_size);
	while (s->out_at < end && !wrong) {
		size_t size = KA_MIN(s->out_size - s->out_at, (size_t)STEP);

		if (ka_interrupted())
			return ka_error_new(KA_INTERRUPTED, "interrupted");
#if KA_HAVE_ZSTD
		wrong = s->method == ELFCOMPRESS_ZLIB ? step_zlib(s, size) : step_zstd(s, size);
#else
		wrong = step_zlib(s, size);
#endif
	}
	*ret_have = s->out_at;
	return s->out_at >= end ? NULL : ka_error_new(KA_CORRUPT, "damaged %s data near byte %zu: %s",
						      s->method == ELFCOMPRESS_ZLIB ? "zlib" : "zstd", s->in_at, wrong);
}
