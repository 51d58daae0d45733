/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Memory of processes: sizes, RSS in all the ways it was ever counted, and reading user memory. */
#include <inttypes.h>
#include <kanalyze/entry.h>
#include <kanalyze/task.h>
#include <kanalyze/translate.h>
#include <kanalyze/view.h>
#include "kernel.h"

enum rss_kind { RSS_FILE, RSS_ANON, RSS_SHMEM, RSS_KINDS, SWAP_ENTRIES = RSS_KINDS, COUNTERS };

struct mm_view {
	struct ka_mm m;
	int64_t rss[COUNTERS];		/* elements: a view's host member may be one of an array */
	ka_addr rss_percpu[COUNTERS];
	int64_t rss_plain;
	int64_t last_tables, middle_tables;
};
/*
 * Counters of pages: percpu_counter[] since f1a7941243c1 (v6.2); mm_rss_stat.count[] of atomic_long_t, or unsigned long
 * where the page table lock is not split, since d559db086ff5 (v2.6.34); _file_rss and _anon_rss before, and one rss
 * before v2.6.15. Shared memory is counted apart since eca56ff906bd (v4.5).
 */
#define RSS_PATHS(name) "rss_stat[" name "].count", "rss_stat.count[" name "].counter", "rss_stat.count[" name "]"
KA_VIEW(mm_view, ("mm_struct"),
	KA_FROM(mm_view, m.pgd, "pgd"),
	KA_FROM(mm_view, m.total_vm_pages, "total_vm"),
	KA_FROM(mm_view, m.arg_start, "arg_start"),
	KA_FROM(mm_view, m.arg_end, "arg_end"),
	KA_FROM(mm_view, m.env_start, "env_start"),
	KA_FROM(mm_view, m.env_end, "env_end"),
	KA_MAYBE(mm_view, m.exe_file, "exe_file"),	/* 925d1c401fa6, v2.6.26 */
	KA_MAYBE(mm_view, rss[RSS_FILE], RSS_PATHS("MM_FILEPAGES"), "_file_rss.counter", "_file_rss"),
	KA_MAYBE(mm_view, rss[RSS_ANON], RSS_PATHS("MM_ANONPAGES"), "_anon_rss.counter", "_anon_rss"),
	/* RHEL 7 had no room for it in the array: its MM_SHMEMPAGES is one behind the array's end */
	KA_MAYBE(mm_view, rss[RSS_SHMEM], "mm_shmempages.counter", "mm_shmempages", RSS_PATHS("MM_SHMEMPAGES")),
	KA_MAYBE(mm_view, rss[SWAP_ENTRIES], RSS_PATHS("MM_SWAPENTS")),	/* b084d4353ff9, v2.6.34 */
	KA_MAYBE(mm_view, rss_percpu[RSS_FILE], "rss_stat[MM_FILEPAGES].counters"),
	KA_MAYBE(mm_view, rss_percpu[RSS_ANON], "rss_stat[MM_ANONPAGES].counters"),
	KA_MAYBE(mm_view, rss_percpu[RSS_SHMEM], "rss_stat[MM_SHMEMPAGES].counters"),
	KA_MAYBE(mm_view, rss_percpu[SWAP_ENTRIES], "rss_stat[MM_SWAPENTS].counters"),
	/* af5b0f6a09e4, v4.15; before, pages by level, those of the last alone until dc6c9a35b66b (v4.0) */
	KA_MAYBE(mm_view, m.tables_bytes, "pgtables_bytes.counter"),
	KA_MAYBE(mm_view, last_tables, "nr_ptes.counter", "nr_ptes"),
	KA_MAYBE(mm_view, middle_tables, "nr_pmds.counter"),
	KA_MAYBE(mm_view, rss_plain, "_rss.counter", "_rss", "rss"));

/* Tasks keep up to 64 page faults' worth of counts to themselves (34e55232e59f, v2.6.34, until f1a7941243c1, v6.2). */
struct task_rss_view {
	ka_addr mm;
	int32_t cached[COUNTERS];
};
KA_VIEW(task_rss_view, ("task_struct"),
	KA_FROM(task_rss_view, mm, "mm"),
	KA_FROM(task_rss_view, cached[RSS_FILE], "rss_stat.count[MM_FILEPAGES]"),
	KA_FROM(task_rss_view, cached[RSS_ANON], "rss_stat.count[MM_ANONPAGES]"),
	KA_MAYBE(task_rss_view, cached[RSS_SHMEM], "mm_shmempages", "rss_stat.count[MM_SHMEMPAGES]"),
	KA_MAYBE(task_rss_view, cached[SWAP_ENTRIES], "rss_stat.count[MM_SWAPENTS]"));

/* What the tasks of each mm keep to themselves, summed up. */
struct rss_caches {
	pthread_mutex_t lock;
	bool is_ready;
	struct ka_map by_mm;	/* -> index */
	struct { KA_VEC(struct rss_cache { int64_t count[COUNTERS]; }); } sums;
};

static const char rss_caches_key;

static void *rss_caches_make(struct ka_kernel *k)
{
	struct rss_caches *c = ka_xalloc(sizeof(*c));

	pthread_mutex_init(&c->lock, NULL);
	/* does not bind: not this kernel's way, nothing to gather */
	c->is_ready = ka_error_drop(ka_view_bind(k, &ka_view_task_rss_view));
	return c;
}

static void rss_caches_drop(void *state)
{
	struct rss_caches *c = state;

	ka_map_free(&c->by_mm);
	ka_vec_free(&c->sums);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

/* Counters of a damaged dump may be anything. */
static int64_t added(int64_t a, int64_t b)
{
	return (int64_t)((uint64_t)a + (uint64_t)b);
}

static void rss_caches_gather(struct ka_kernel *k, struct rss_caches *c)
{
	struct ka_walk w = ka_walk_tasks(k);
	struct ka_error *err;

	ka_map_free(&c->by_mm);
	c->by_mm = (struct ka_map){0};
	c->sums.n = 0;
	for (ka_addr task; ka_walk_next(&w, &task); ) {
		struct task_rss_view v;
		uint64_t i = c->sums.n;

		if (ka_error_drop(ka_view_read(k, &ka_view_task_rss_view, task, &v)) || !v.mm)
			continue;
		if (ka_map_add(&c->by_mm, v.mm, i))
			ka_vec_push(&c->sums, ((struct rss_cache){0}));
		else
			ka_map_get(&c->by_mm, v.mm, &i);
		for (int kind = 0; kind < COUNTERS; kind++)
			c->sums.at[i].count[kind] = added(c->sums.at[i].count[kind], v.cached[kind]);
	}
	err = ka_walk_end(&w);
	c->is_ready = !err || err->code != KA_INTERRUPTED;
	ka_error_free(err);
}

static void rss_add_cached(struct ka_kernel *k, ka_addr mm, int64_t *rss)
{
	struct rss_caches *c = ka_kernel_state(k, &rss_caches_key, rss_caches_make, rss_caches_drop);
	uint64_t i;

	pthread_mutex_lock(&c->lock);
	if (!c->is_ready)
		rss_caches_gather(k, c);
	if (ka_map_get(&c->by_mm, mm, &i))
		for (int kind = 0; kind < COUNTERS; kind++)
			rss[kind] = added(rss[kind], c->sums.at[i].count[kind]);
	pthread_mutex_unlock(&c->lock);
}

struct ka_error *ka_mm_read(struct ka_kernel *k, ka_addr mm, struct ka_mm *ret)
{
	struct mm_view v;
	struct ka_error *err;

	memset(ret, 0, sizeof(*ret));
	if (!mm)
		return NULL;
	err = ka_view_read(k, &ka_view_mm_view, mm, &v);
	if (err)
		return err;
	v.m.addr = mm;
	for (int kind = 0; kind < COUNTERS; kind++)
		if (v.rss_percpu[kind])
			v.rss[kind] = added(v.rss[kind], ka_percpu_s32_sum(k, v.rss_percpu[kind]));
	rss_add_cached(k, mm, v.rss);
	/* a counter may be below zero for a moment: the kernel says 0 then, too */
	for (int kind = 0; kind < RSS_KINDS; kind++)
		v.m.rss_pages += KA_MAX(v.rss[kind], 0);
	v.m.rss_pages += KA_MAX(v.rss_plain, 0);
	v.m.has_kinds = KA_HAS(k, mm_view, rss[RSS_SHMEM]) || KA_HAS(k, mm_view, rss_percpu[RSS_SHMEM]);
	v.m.has_swap = KA_HAS(k, mm_view, rss[SWAP_ENTRIES]) || KA_HAS(k, mm_view, rss_percpu[SWAP_ENTRIES]);
	v.m.rss_anon_pages = (uint64_t)KA_MAX(v.rss[RSS_ANON], 0);
	v.m.rss_file_pages = (uint64_t)KA_MAX(v.rss[RSS_FILE], 0);
	v.m.rss_shmem_pages = (uint64_t)KA_MAX(v.rss[RSS_SHMEM], 0);
	v.m.swap_pages = (uint64_t)KA_MAX(v.rss[SWAP_ENTRIES], 0);
	if (!KA_HAS(k, mm_view, m.tables_bytes))
		v.m.tables_bytes = (uint64_t)(KA_MAX(v.last_tables, 0) + KA_MAX(v.middle_tables, 0)) * ka_page_size(k);
	*ret = v.m;
	return NULL;
}

struct pgd_view {
	ka_addr pgd;
};
KA_VIEW(pgd_view, ("mm_struct"), KA_FROM(pgd_view, pgd, "pgd"));

/* What is not mapped may be somewhere else: then that is what is told. */
static struct ka_error *not_present(struct ka_kernel *k, ka_addr pgd, uint64_t at, struct ka_error *err)
{
	struct ka_arena *a = ka_arena_new();
	struct ka_translation t;
	struct ka_entry e;
	const char *where;

	ka_error_drop(ka_translation_walk(k, pgd, at, &t));
	if (t.levels) {
		ka_entry_decode(k, t.level[t.levels - 1].entry, 0, a, &e);
		where = ka_entry_where(a, &e);
		if (where) {
			ka_error_free(err);
			err = ka_error_at(KA_NOT_PRESENT, KA_SPACE_USER, at, "0x%" PRIx64 " is not in memory: %s", at, where);
		}
	}
	ka_arena_free(a);
	return err;
}

size_t ka_read_user(struct ka_kernel *k, ka_addr mm, uint64_t at, void *ret, size_t size, struct ka_error **err)
{
	struct pgd_view m;
	struct ka_error *fault = mm ? ka_view_read(k, &ka_view_pgd_view, mm, &m)
				    : ka_error_new(KA_NOT_FOUND, "there is no user memory: no mm_struct");
	size_t done = 0;

	while (!fault && done < size) {
		uint64_t page_size = ka_page_size(k), part;
		ka_phys phys;

		fault = ka_interrupted() ? ka_error_new(KA_INTERRUPTED, "interrupted")
					 : ka_translate_in(k, m.pgd, at + done, &phys, &page_size);
		if (fault && fault->code == KA_UNMAPPED)
			fault = not_present(k, m.pgd, at + done, fault);
		if (fault)
			break;
		if (!page_size)
			page_size = ka_page_size(k);
		part = page_size - (at + done) % page_size;
		part = KA_MIN(part, size - done);
		fault = ka_read_phys(k, phys, (char *)ret + done, part);
		/* a large page may be there in part only: go by small ones */
		if (fault && part > ka_page_size(k)) {
			part = KA_MIN(ka_page_size(k) - (at + done) % ka_page_size(k), part);
			ka_error_free(fault);
			fault = ka_read_phys(k, phys, (char *)ret + done, part);
		}
		if (!fault)
			done += part;
	}
	if (fault)
		fault = ka_error_wrap(fault, "cannot read user memory at 0x%" PRIx64 " of mm 0x%" PRIx64, at + done, mm);
	if (err)
		*err = fault;
	else
		ka_error_free(fault);
	return done;
}
