/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What C lacks: arenas, growing strings and vectors, hash maps, allocation that cannot fail. */
#ifndef KANALYZE_BASE_H
#define KANALYZE_BASE_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <kanalyze/error.h>

#define KA_COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define KA_MIN(a, b) ((a) < (b) ? (a) : (b))
#define KA_MAX(a, b) ((a) > (b) ? (a) : (b))

/* Out of memory ends the program with a message: in these, and nowhere else. Memory is zeroed. */
void *ka_xalloc(size_t size) __attribute__((malloc, returns_nonnull));
void *ka_xrealloc(void *old, size_t size) __attribute__((returns_nonnull));
char *ka_xstrdup(const char *s) __attribute__((malloc, returns_nonnull));
char *ka_xstrndup(const char *s, size_t n) __attribute__((malloc, returns_nonnull));
char *ka_xprintf(const char *fmt, ...) KA_PRINTF(1, 2) __attribute__((malloc, returns_nonnull));

/* Arena: allocations that live and die together. Memory is zeroed and 16-byte aligned. Not thread-safe. */
struct ka_arena;
struct ka_arena *ka_arena_new(void);
void ka_arena_free(struct ka_arena *a);
void *ka_alloc(struct ka_arena *a, size_t size) __attribute__((returns_nonnull));
char *ka_strdup(struct ka_arena *a, const char *s) __attribute__((returns_nonnull));
char *ka_strndup(struct ka_arena *a, const char *s, size_t n) __attribute__((returns_nonnull));
char *ka_printf(struct ka_arena *a, const char *fmt, ...) KA_PRINTF(2, 3) __attribute__((returns_nonnull));

/* Growing string. {0} is an empty one; p is NUL-terminated once anything was added. */
struct ka_str {
	char *p;
	size_t len, cap;
};
void ka_str_add(struct ka_str *s, const char *text);
void ka_str_addn(struct ka_str *s, const void *bytes, size_t n);
void ka_str_addc(struct ka_str *s, char c);
void ka_str_pad(struct ka_str *s, char c, size_t count);
void ka_str_printf(struct ka_str *s, const char *fmt, ...) KA_PRINTF(2, 3);
void ka_str_vprintf(struct ka_str *s, const char *fmt, va_list ap) KA_PRINTF(2, 0);
void ka_str_clear(struct ka_str *s);	/* keeps the memory */
void ka_str_free(struct ka_str *s);

/* Growing vector: struct { KA_VEC(struct foo); } v = {0}; ka_vec_push(&v, x); v.at[i]; v.n; ka_vec_free(&v) */
#define KA_VEC(type) type *at; size_t n, cap
#define ka_vec_reserve(v, want) do {							\
	if ((v)->cap < (want)) {							\
		(v)->cap = KA_MAX((size_t)(want), (v)->cap ? (v)->cap * 2 : 16);	\
		(v)->at = ka_xrealloc((v)->at, (v)->cap * sizeof(*(v)->at));		\
	}										\
} while (0)
#define ka_vec_push(v, ...) do {							\
	ka_vec_reserve(v, (v)->n + 1);							\
	(v)->at[(v)->n++] = (__VA_ARGS__);						\
} while (0)
#define ka_vec_free(v) do { free((v)->at); (v)->at = NULL; (v)->n = (v)->cap = 0; } while (0)

/* Map from a 64-bit key to a 64-bit value. {0} is an empty one. Not thread-safe. */
struct ka_map {
	uint64_t *keys, *values;
	uint8_t *used;
	size_t n, cap;
};
/* True when the key is new; else the old value stays. */
bool ka_map_add(struct ka_map *m, uint64_t key, uint64_t value);
void ka_map_set(struct ka_map *m, uint64_t key, uint64_t value);
bool ka_map_get(const struct ka_map *m, uint64_t key, uint64_t *ret);
void ka_map_free(struct ka_map *m);

uint64_t ka_hash_u64(uint64_t x);
uint64_t ka_hash_str(const char *s);

/* Debug log of -d N, to standard error. level 1: decisions; 2: files and tables; 3: each lookup. */
extern int ka_log_level_now;
#define ka_log(level, ...) do { if (__builtin_expect(ka_log_level_now >= (level), 0)) ka_log_write(__VA_ARGS__); } while (0)
void ka_log_write(const char *fmt, ...) KA_PRINTF(1, 2);

/*
 * Ctrl-C: set by the signal handler, asked by every walk and long loop, cleared by
 * the shell before each command. Process-wide since a terminal has one Ctrl-C.
 */
void ka_interrupt_set(void);
void ka_interrupt_clear(void);
bool ka_interrupted(void);

/* Progress on standard error, on a terminal only, and only of what takes longer than a second. */
struct ka_progress;
struct ka_progress *ka_progress_new(const char *what, uint64_t total);	/* total 0: unknown */
void ka_progress_at(struct ka_progress *p, uint64_t done);			/* cheap; thread-safe */
void ka_progress_free(struct ka_progress *p);

/* Threads that ka_parallel() would use: CPUs this process may run on, or $KANALYZE_THREADS; 1 within a loop of its own. */
unsigned ka_cores(void);
/* Runs fn(ctx, i) for each i < count on all cores; returns when all are done. Stops early on Ctrl-C. */
void ka_parallel(size_t count, void (*fn)(void *ctx, size_t i), void *ctx);

#endif
