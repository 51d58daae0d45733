/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A search of all memory of the dump for short texts, on all cores, past the page cache: each page is looked at once. */
#include <pthread.h>
#include "scan.h"

#define PIECE (8ull << 20)
#define CONTEXT 64u	/* a text may begin in one piece and end in the next; they are shorter */

struct piece {
	uint64_t start, end;	/* end: with the beginning of what follows */
};

struct scan {
	struct ka_image *img;
	const char *const *texts;
	ka_scan_fn *fn;
	void *ctx;
	struct { KA_VEC(struct piece); } pieces;
	struct ka_progress *progress;
	pthread_mutex_t lock;
	uint64_t done;
	bool is_over;		/* atomic */
};

static void look_in(struct scan *s, const uint8_t *bytes, size_t size, uint64_t phys, size_t own)
{
	for (unsigned i = 0; s->texts[i]; i++) {
		size_t len = strlen(s->texts[i]);

		for (const uint8_t *p = bytes; (p = memmem(p, size - (size_t)(p - bytes), s->texts[i], len)); p++) {
			/* what begins behind the piece is the next one's */
			if ((size_t)(p - bytes) >= own || __atomic_load_n(&s->is_over, __ATOMIC_RELAXED))
				break;
			pthread_mutex_lock(&s->lock);
			if (!s->is_over && !s->fn(s->ctx, i, phys + (uint64_t)(p - bytes)))
				__atomic_store_n(&s->is_over, true, __ATOMIC_RELAXED);
			pthread_mutex_unlock(&s->lock);
		}
	}
}

/* Compressed, or a hole within: page by page into a buffer; a page that cannot be read is zeros. */
static void look_unmapped(struct scan *s, const struct piece *piece, uint64_t own_end)
{
	size_t page = s->img->info.page_size ? s->img->info.page_size : 4096, size = (size_t)(piece->end - piece->start);
	uint8_t *buf = ka_xalloc(size + 2 * page);
	size_t lead = (size_t)(piece->start & (page - 1));

	for (uint64_t at = piece->start - lead; at < piece->end && !ka_interrupted() && !__atomic_load_n(&s->is_over, __ATOMIC_RELAXED); at += page) {
		uint8_t *to = buf + (at - (piece->start - lead));
		struct ka_error *err = s->img->ops->read_page ? s->img->ops->read_page(s->img, at, to) : s->img->ops->read(s->img, at, to, page);

		if (ka_error_drop(err))
			memset(to, 0, page);
	}
	look_in(s, buf + lead, size, piece->start, (size_t)(own_end - piece->start));
	free(buf);
}

static void look(void *ctx, size_t i)
{
	struct scan *s = ctx;
	const struct piece *piece = &s->pieces.at[i];
	uint64_t own_end = KA_MIN(piece->start + PIECE, piece->end);

	if (__atomic_load_n(&s->is_over, __ATOMIC_RELAXED))
		return;
	uint64_t room = 0;
	const uint8_t *mapped = s->img->ops->map ? s->img->ops->map(s->img, piece->start, &room) : NULL;

	if (mapped && room >= piece->end - piece->start)
		look_in(s, mapped, (size_t)(piece->end - piece->start), piece->start, (size_t)(own_end - piece->start));
	else
		look_unmapped(s, piece, own_end);
	ka_progress_at(s->progress, __atomic_add_fetch(&s->done, piece->end - piece->start, __ATOMIC_RELAXED));
}

struct ka_error *ka_scan(struct ka_image *img, const char *what, const char *const *texts, ka_scan_fn *fn, void *ctx)
{
	struct scan s = { .img = img, .texts = texts, .fn = fn, .ctx = ctx };
	uint64_t start, end = 0, total = 0;

	while (ka_image_next_range(img, end, &start, &end) && end > start && !ka_interrupted()) {
		for (uint64_t at = start; at < end; at += PIECE)
			ka_vec_push(&s.pieces, (struct piece){ at, end - at > PIECE + CONTEXT ? at + PIECE + CONTEXT : end });
		total += end - start;
	}
	pthread_mutex_init(&s.lock, NULL);
	s.progress = ka_progress_new(what, total);
	ka_parallel(s.pieces.n, look, &s);
	ka_progress_free(s.progress);
	pthread_mutex_destroy(&s.lock);
	ka_vec_free(&s.pieces);
	return ka_interrupted() ? ka_error_new(KA_INTERRUPTED, "interrupted") : NULL;
}
