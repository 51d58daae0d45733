/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Arena: a chain of blocks, each filled from the front, freed all at once. */
#include <kanalyze/base.h>

struct block {
	struct block *next;
	size_t used, size;
	_Alignas(16) unsigned char data[];
};

struct ka_arena {
	struct block *head;
	size_t next_size;	/* doubles, so that small calls stay small and big ones make few blocks */
};

struct ka_arena *ka_arena_new(void)
{
	struct ka_arena *a = ka_xalloc(sizeof(*a));

	a->next_size = 4096;
	return a;
}

void ka_arena_free(struct ka_arena *a)
{
	if (!a)
		return;
	for (struct block *b = a->head, *next; b; b = next) {
		next = b->next;
		free(b);
	}
	free(a);
}

void *ka_alloc(struct ka_arena *a, size_t size)
{
	size_t want = (size + 15) & ~(size_t)15;
	struct block *b = a->head;

	if (want < size)	/* wrapped: let the allocator refuse it */
		want = SIZE_MAX / 2;
	if (!b || b->size - b->used < want) {
		size_t room = KA_MAX(a->next_size, want);

		b = ka_xalloc(sizeof(*b) + room);
		b->size = room;
		/* a block made for one large object goes behind the head, whose rest stays of use */
		if (a->head && want > a->next_size / 2) {
			b->next = a->head->next;
			a->head->next = b;
		} else {
			b->next = a->head;
			a->head = b;
		}
		if (a->next_size < (1u << 20))
			a->next_size *= 2;
	}
	void *p = b->data + b->used;
	b->used += want;
	return p;
}

char *ka_strndup(struct ka_arena *a, const char *s, size_t n)
{
	size_t len = strnlen(s, n);
	char *p = ka_alloc(a, len + 1);

	memcpy(p, s, len);
	return p;
}

char *ka_strdup(struct ka_arena *a, const char *s)
{
	return ka_strndup(a, s, SIZE_MAX);
}

char *ka_printf(struct ka_arena *a, const char *fmt, ...)
{
	struct ka_str s = { 0 };
	va_list ap;

	va_start(ap, fmt);
	ka_str_vprintf(&s, fmt, ap);
	va_end(ap);
	char *p = ka_strdup(a, s.p ? s.p : "");
	ka_str_free(&s);
	return p;
}
