/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* gz, xz and zst: whole files into memory, and single blocks (compressed ELF sections). */
#include <errno.h>
#include <lzma.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>
#include "ka-config.h"
#if KA_HAVE_ZSTD
#include <zstd.h>
#endif
#include "object.h"

/* The largest vmlinux seen is under 1 GB; what unpacks to more than this is a trap or no kernel. */
#define UNPACK_MAX	(8ULL << 30)
#define IN_STEP		(1U << 20)	/* input between two looks at Ctrl-C and progress */
#define OUT_MIN		(1U << 20)
/* A vmlinux packs 5:1 to 20:1. What unpacks to hundreds of times its size is made to fill the memory. */
#define TRAP_MIN	(256ULL << 20)
#define TRAP_RATIO	200
#define XZ_MEMORY	(1ULL << 30)	/* of the decoder: xz -9 asks for 65 MB a thread */

/* Input and growing output of one unpacking. out_fixed: into a given buffer, full is no error. */
struct job {
	const char *path;
	const uint8_t *in;
	size_t in_size, in_at;
	uint8_t *out;
	size_t out_size, out_at, max;
	bool is_start;		/* only the first bytes are wanted: stop quietly when out is full */
	struct ka_progress *progress;
};

static size_t page_up(size_t n)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return (n + page - 1) / page * page;
}

/* Room behind out_at. NULL error and no room left: is_start and full. */
static struct ka_error *job_room(struct job *j)
{
	if (j->out_at < j->out_size || j->is_start)
		return NULL;
	if (j->out_at > TRAP_MIN && j->out_at / TRAP_RATIO > j->in_at)
		return ka_error_new(KA_CORRUPT, "%s: unpacks to over %d times its size, which no kernel does", j->path,
				    TRAP_RATIO);
	if (j->out_size >= j->max)
		return ka_error_new(KA_UNSUPPORTED,
				    "%s: unpacks to more than %llu MB, which this machine or no kernel has; "
				    "if it is what you want, unpack it to a file first",
				    j->path, (unsigned long long)(j->max >> 20));
	size_t size = page_up(KA_MIN(KA_MAX(j->out_size * 2, (size_t)OUT_MIN), j->max));
	void *at = j->out ? mremap(j->out, j->out_size, size, MREMAP_MAYMOVE)
			  : mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (at == MAP_FAILED)
		return ka_error_new(KA_IO, "%s: no %zu MB of memory to unpack it into (%s): unpack it to a file first",
				    j->path, size >> 20, strerror(errno));
	j->out = at;
	j->out_size = size;
	return NULL;
}

static bool job_is_full(const struct job *j)
{
	return j->out_at == j->out_size;
}

static struct ka_error *job_tick(struct job *j)
{
	if (j->progress)
		ka_progress_at(j->progress, j->in_at);
	if (ka_interrupted())
		return ka_error_new(KA_INTERRUPTED, "%s: interrupted while it was unpacked", j->path);
	return NULL;
}

static struct ka_error *job_cut(const struct job *j, const char *kind)
{
	return ka_error_at(KA_TRUNCATED, KA_SPACE_FILE, j->in_at,
			   "%s: the %s data ends too early, after %zu bytes of it: "
			   "an incomplete copy?",
			   j->path, kind, j->in_size);
}

static struct ka_error *job_bad(const struct job *j, const char *kind, const char *why)
{
	return ka_error_at(KA_CORRUPT, KA_SPACE_FILE, j->in_at, "%s: damaged %s data near byte %zu%s%s", j->path, kind,
			   j->in_at, why ? ": " : "", why ? why : "");
}

static struct ka_error *unpack_gz(struct job *j)
{
	struct ka_error *err = NULL;
	z_stream z = { 0 };
	bool is_done = false;

	if (inflateInit2(&z, 15 + 16) != Z_OK)
		return ka_error_new(KA_IO, "%s: zlib cannot be started", j->path);
	while (!is_done) {
		err = job_tick(j);
		if (!err)
			err = job_room(j);
		if (err || job_is_full(j))
			break;
		z.next_in = (Bytef *)(j->in + j->in_at);
		z.avail_in = (uInt)KA_MIN(j->in_size - j->in_at, (size_t)IN_STEP);
		z.next_out = j->out + j->out_at;
		z.avail_out = (uInt)KA_MIN(j->out_size - j->out_at, (size_t)1 << 30);
		int rc = inflate(&z, Z_NO_FLUSH);

		j->in_at = (size_t)(z.next_in - j->in);
		j->out_at = (size_t)(z.next_out - j->out);
		if (rc == Z_STREAM_END) {
			/* a further member may follow; anything else is padding, as gzip itself sees it */
			is_done = j->in_size - j->in_at < 18 || memcmp(j->in + j->in_at, "\x1f\x8b", 2) ||
				  inflateReset(&z) != Z_OK;
		} else if ((rc == Z_OK || rc == Z_BUF_ERROR) && j->in_at == j->in_size && j->out_at < j->out_size) {
			err = job_cut(j, "gzip");
			break;
		} else if (rc != Z_OK && rc != Z_BUF_ERROR) {
			err = job_bad(j, "gzip", z.msg);
			break;
		}
	}
	inflateEnd(&z);
	return err;
}

static struct ka_error *unpack_xz(struct job *j)
{
	struct ka_error *err = NULL;
	lzma_stream x = LZMA_STREAM_INIT;
	lzma_ret rc = LZMA_PROG_ERROR;

#if LZMA_VERSION >= 50040002
	if (!j->is_start) {
		lzma_mt mt = { .flags = LZMA_CONCATENATED, .threads = lzma_cputhreads(), .timeout = 0,
			       .memlimit_threading = XZ_MEMORY, .memlimit_stop = XZ_MEMORY };

		if (!mt.threads)
			mt.threads = 1;
		rc = lzma_stream_decoder_mt(&x, &mt);
	}
#endif
	if (rc != LZMA_OK)
		rc = lzma_stream_decoder(&x, XZ_MEMORY, LZMA_CONCATENATED);
	if (rc != LZMA_OK)
		return ka_error_new(KA_IO, "%s: liblzma cannot be started (%d)", j->path, (int)rc);
	for (;;) {
		err = job_tick(j);
		if (!err)
			err = job_room(j);
		if (err || job_is_full(j))
			break;
		x.next_in = j->in + j->in_at;
		x.avail_in = KA_MIN(j->in_size - j->in_at, (size_t)IN_STEP);
		x.next_out = j->out + j->out_at;
		x.avail_out = j->out_size - j->out_at;
		rc = lzma_code(&x, j->in_at + x.avail_in == j->in_size ? LZMA_FINISH : LZMA_RUN);
		j->in_at = (size_t)(x.next_in - j->in);
		j->out_at = (size_t)(x.next_out - j->out);
		if (rc == LZMA_STREAM_END)
			break;
		if (rc == LZMA_OK || (rc == LZMA_BUF_ERROR && job_is_full(j)))
			continue;
		if (rc == LZMA_BUF_ERROR)
			err = job_cut(j, "xz");
		else if (rc == LZMA_MEMLIMIT_ERROR)
			err = ka_error_new(KA_UNSUPPORTED, "%s: unpacking needs more than %llu MB besides the result: "
					   "unpack it with xz first", j->path, XZ_MEMORY >> 20);
		else
			err = job_bad(j, "xz", rc == LZMA_FORMAT_ERROR ? "rubbish behind the end" :
				      rc == LZMA_OPTIONS_ERROR ? "a filter that liblzma does not have" : NULL);
		break;
	}
	lzma_end(&x);
	return err;
}

#if KA_HAVE_ZSTD
static struct ka_error *unpack_zst(struct job *j)
{
	struct ka_error *err = NULL;
	ZSTD_DCtx *z = ZSTD_createDCtx();
	size_t rc = 0;

	if (!z)
		return ka_error_new(KA_IO, "%s: libzstd cannot be started", j->path);
	ZSTD_DCtx_setParameter(z, ZSTD_d_windowLogMax, 30);	/* zstd --ultra --long=30 at most */
	while (j->in_at < j->in_size || rc) {
		err = job_tick(j);
		if (!err)
			err = job_room(j);
		if (err || job_is_full(j))
			break;
		ZSTD_inBuffer in = { j->in + j->in_at, KA_MIN(j->in_size - j->in_at, (size_t)IN_STEP), 0 };
		ZSTD_outBuffer out = { j->out + j->out_at, j->out_size - j->out_at, 0 };

		rc = ZSTD_decompressStream(z, &out, &in);
		if (ZSTD_isError(rc)) {
			err = job_bad(j, "zstd", ZSTD_getErrorName(rc));
			break;
		}
		j->in_at += in.pos;
		j->out_at += out.pos;
		if (rc && j->in_at == j->in_size && !in.pos && !out.pos) {
			err = job_cut(j, "zstd");
			break;
		}
	}
	ZSTD_freeDCtx(z);
	return err;
}
#else
static struct ka_error *unpack_zst(struct job *j)
{
	return ka_error_new(KA_UNSUPPORTED, "%s: this kanalyze was built without zstd: unpack it with zstd -d first",
			    j->path);
}
#endif

static const struct {
	const char *name, *magic;
	size_t size;
	struct ka_error *(*unpack)(struct job *j);
} kinds[] = {
	{ "gz", "\x1f\x8b\x08", 3, unpack_gz },
	{ "xz", "\xfd" "7zXZ\0", 6, unpack_xz },
	{ "zst", "\x28\xb5\x2f\xfd", 4, unpack_zst },
};

static int kind_of(const uint8_t *start, size_t size)
{
	for (size_t i = 0; i < KA_COUNT(kinds); i++)
		if (size >= kinds[i].size && !memcmp(start, kinds[i].magic, kinds[i].size))
			return (int)i;
	return -1;
}

const char *ka_unpack_kind(const uint8_t *start, size_t size)
{
	int kind = kind_of(start, size);

	return kind < 0 ? NULL : kinds[kind].name;
}

/* Never more than three quarters of the machine's memory: the rest of the session has to live, too. */
static size_t memory_max(void)
{
	uint64_t have = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE) / 4 * 3;

	return page_up((size_t)KA_MIN(KA_MAX(have, 256ULL << 20), (uint64_t)KA_MIN(UNPACK_MAX, (uint64_t)SIZE_MAX / 2)));
}

struct ka_error *ka_unpack_file(const char *path, const uint8_t *in, size_t in_size, uint8_t **ret, size_t *ret_size)
{
	struct job j = { .path = path, .in = in, .in_size = in_size, .max = memory_max() };
	int kind = kind_of(in, in_size);

	if (kind < 0)
		return ka_error_new(KA_FORMAT, "%s: not packed with gzip, xz or zstd", path);
	char *what = ka_xprintf("unpacking %s", path);

	j.progress = ka_progress_new(what, in_size);
	free(what);
	struct ka_error *err = kinds[kind].unpack(&j);

	ka_progress_free(j.progress);
	if (!err && !j.out_at)
		err = ka_error_new(KA_FORMAT, "%s: nothing is packed in it", path);
	if (err) {
		if (j.out)
			munmap(j.out, j.out_size);
		return err;
	}
	/* give back what was not needed: the caller unmaps out_at bytes */
	if (page_up(j.out_at) < j.out_size)
		munmap(j.out + page_up(j.out_at), j.out_size - page_up(j.out_at));
	ka_log(2, "%s: unpacked %zu to %zu bytes", path, in_size, j.out_at);
	*ret = j.out;
	*ret_size = j.out_at;
	return NULL;
}

size_t ka_unpack_start(const uint8_t *in, size_t in_size, uint8_t *out, size_t out_size)
{
	struct job j = { .path = "", .in = in, .in_size = in_size, .out = out, .out_size = out_size, .max = out_size,
			 .is_start = true };
	int kind = kind_of(in, in_size);

	if (kind < 0)
		return 0;
	/* in may itself be only the start of the file: what came out before it ended is good */
	ka_error_drop(kinds[kind].unpack(&j));
	return j.out_at;
}

static struct ka_error *block_zlib(const uint8_t *in, size_t in_size, uint8_t *out, size_t out_size)
{
	z_stream z = { .next_in = (Bytef *)in, .next_out = out };
	size_t in_left = in_size, out_left = out_size;
	int rc = Z_OK;

	if (inflateInit(&z) != Z_OK)
		return ka_error_new(KA_IO, "zlib cannot be started");
	while (rc == Z_OK) {
		if (!z.avail_in && in_left) {
			z.avail_in = (uInt)KA_MIN(in_left, (size_t)1 << 24);
			in_left -= z.avail_in;
		}
		if (!z.avail_out && out_left) {
			z.avail_out = (uInt)KA_MIN(out_left, (size_t)1 << 24);
			out_left -= z.avail_out;
		}
		if (ka_interrupted()) {
			inflateEnd(&z);
			return ka_error_new(KA_INTERRUPTED, "interrupted");
		}
		rc = inflate(&z, Z_NO_FLUSH);
		/* the linker may have put several streams behind each other */
		if (rc == Z_STREAM_END && (z.avail_out || out_left) && (z.avail_in || in_left))
			rc = inflateReset(&z);
	}
	bool is_whole = rc == Z_STREAM_END && !z.avail_out && !out_left;
	struct ka_error *err = is_whole ? NULL :
		ka_error_new(KA_CORRUPT, "damaged zlib data%s%s", z.msg ? ": " : "", z.msg ? z.msg : "");

	inflateEnd(&z);
	return err;
}

struct ka_error *ka_unpack_block(unsigned method, const uint8_t *in, size_t in_size, uint8_t *out, size_t out_size)
{
	if (method == ELFCOMPRESS_ZLIB)
		return block_zlib(in, in_size, out, out_size);
	if (method == 2) {	/* ELFCOMPRESS_ZSTD, not in every elf.h */
#if KA_HAVE_ZSTD
		size_t rc = ZSTD_decompress(out, out_size, in, in_size);

		if (ZSTD_isError(rc))
			return ka_error_new(KA_CORRUPT, "damaged zstd data: %s", ZSTD_getErrorName(rc));
		if (rc != out_size)
			return ka_error_new(KA_CORRUPT, "zstd data of %zu bytes where %zu were promised", rc, out_size);
		return NULL;
#else
		return ka_error_new(KA_UNSUPPORTED, "compressed with zstd, which this kanalyze was built without "
				    "(objcopy --decompress-debug-sections helps)");
#endif
	}
	return ka_error_new(KA_UNSUPPORTED, "compressed with method %u, which is neither zlib nor zstd", method);
}
