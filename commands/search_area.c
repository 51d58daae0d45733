/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* search: which memory, from where to where. */
#include <inttypes.h>
#include <kanalyze/translate.h>
#include "search.h"

struct bounds {
	uint64_t first, last;		/* last: the last byte */
	bool is_empty;
};

/* The lowest address of the kernel's half. */
static ka_addr kernel_start(struct ka_kernel *k)
{
	uint64_t lo = 0, hi = UINT64_MAX;

	if (ka_long_size(k) == 4)
		hi = UINT32_MAX;
	while (lo < hi) {
		uint64_t mid = lo + (hi - lo) / 2;

		if (ka_is_kernel_addr(k, mid))
			hi = mid;
		else
			lo = mid + 1;
	}
	return lo;
}

static struct ka_error *number(struct search *s, const char *option, unsigned base, uint64_t *ret)
{
	const char *text = ka_call_value(s->c, option);
	struct ka_error *err = ka_expr_number(s->space == KA_SPACE_PHYS ? NULL : s->c->k, text, base | KA_EXPR_ADDRESSES, ret);

	return ka_error_wrap(err, "-%s %s", option, text);
}

static struct ka_error *check_place(struct search *s, const char *option, uint64_t at)
{
	bool is_kernel = ka_is_kernel_addr(s->c->k, at);

	if (s->space == KA_SPACE_VIRT && !is_kernel)
		return ka_call_usage(s->c, "-%s: 0x%" PRIx64 " is no kernel address (-u searches user memory, -p physical)", option, at);
	if (s->space == KA_SPACE_USER && is_kernel)
		return ka_call_usage(s->c, "-%s: 0x%" PRIx64 " is no address of user memory", option, at);
	return NULL;
}

static struct ka_error *bounds_read(struct search *s, struct bounds *ret)
{
	struct ka_call *c = s->c;
	ka_addr lowest = kernel_start(c->k);
	struct ka_error *err = NULL;
	uint64_t end = 0, length;

	ret->first = s->space == KA_SPACE_VIRT ? lowest : 0;
	ret->last = s->space == KA_SPACE_USER ? lowest < UINT64_MAX / 2 ? lowest - 1 : ~lowest : ka_long_size(c->k) == 4 ? UINT32_MAX : UINT64_MAX;
	if (ka_call_has(c, "e") && ka_call_has(c, "l"))
		return ka_call_usage(c, "-e and -l exclude each other");
	if (ka_call_has(c, "s")) {
		err = number(s, "s", KA_EXPR_HEX, &ret->first);
		if (!err)
			err = check_place(s, "s", ret->first);
		/* crash too begins at the value that holds the address */
		if (s->what.width)
			ret->first &= ~(uint64_t)(s->what.width - 1);
	}
	if (!err && ka_call_has(c, "e")) {
		err = number(s, "e", KA_EXPR_HEX, &end);
		if (!err && end)
			err = check_place(s, "e", end - 1);
		if (!err && end < ret->first)
			err = ka_call_usage(c, "the end 0x%" PRIx64 " is below the start 0x%" PRIx64, end, ret->first);
		ret->is_empty = end == ret->first;
		ret->last = end - 1;
	}
	if (!err && ka_call_has(c, "l")) {
		err = number(s, "l", KA_EXPR_DECIMAL, &length);
		if (!err && !length)
			err = ka_call_usage(c, "a length of 0 searches nothing");
		if (!err && length - 1 < ret->last - ret->first)
			ret->last = ret->first + (length - 1);
	}
	return err;
}

static bool is_wanted(struct search *s, uint64_t at)
{
	enum ka_region_kind kind;

	kind = ka_region_of(s->c->k, at);
	/* unless asked for by address */
	if (kind == KA_REGION_ALIASES && !ka_call_has(s->c, "s"))
		return false;
	if (!ka_call_has(s->c, "K") && !ka_call_has(s->c, "V"))
		return true;
	return (kind == KA_REGION_DIRECT || kind == KA_REGION_IMAGE) == ka_call_has(s->c, "K");
}

static void add_mapped(struct search *s, struct ka_search_area *area, ka_addr pgd, uint64_t first, uint64_t last)
{
	struct ka_mapped run;

	while (ka_mapped_next(s->c->k, pgd, first, last, &run)) {
		if (s->space == KA_SPACE_USER || is_wanted(s, run.virt))
			ka_search_area_add(area, &run);
		if (run.size - 1 >= last - run.virt)
			break;
		first = run.virt + run.size;
	}
}

static void add_physical(struct search *s, struct ka_search_area *area, const struct bounds *b)
{
	uint64_t at = b->first, start, end;

	while (ka_phys_next(s->c->k, at, &start, &end) && start <= b->last && end > start && !ka_interrupted()) {
		uint64_t size = KA_MIN(end - start, b->last - start + 1 ? b->last - start + 1 : UINT64_MAX);

		ka_search_area_add(area, &(struct ka_mapped){ start, start, size });
		if (end - 1 >= b->last)
			break;
		at = end;
	}
}

static struct ka_error *search_one(struct search *s, struct ka_search_area *area, uint64_t *bytes, uint64_t *missing, uint64_t *bad)
{
	uint64_t here_missing, here_bad;
	struct ka_error *first_bad, *err = ka_search(area, &s->what, search_show, s, &here_bad, &first_bad);

	*bytes += ka_search_area_size(area, &here_missing);
	*missing += here_missing;
	*bad += here_bad;
	/* what is not in the dump is passed over, as crash does; a damaged page is told */
	if (first_bad && first_bad->code != KA_EXCLUDED && first_bad->code != KA_UNMAPPED && first_bad->code != KA_INTERRUPTED)
		ka_call_fault(s->c, ka_error_wrap(first_bad, "%" PRIu64 " bytes could not be searched; the first", here_bad));
	else
		ka_error_drop(first_bad);
	return err;
}

/* Each task's kernel stack, with a heading above its matches. */
static struct ka_error *search_stacks(struct search *s, struct ka_search_area *area, const struct bounds *b, uint64_t sum[3])
{
	struct ka_kernel *k = s->c->k;
	uint64_t size = ka_task_stack_size(k);
	struct ka_walk w = ka_walk_tasks(k);
	struct ka_error *err = NULL;

	for (ka_addr at; !err && ka_walk_next(&w, &at);) {
		struct ka_task t;
		unsigned cpu;
		uint64_t first, last;

		if (ka_call_has(s->c, "T") && !ka_task_is_active(k, at, &cpu))
			continue;
		err = ka_task_read(k, at, &t);
		if (err) {
			ka_call_fault(s->c, err);
			err = NULL;
			continue;
		}
		if (!t.stack || t.stack > UINT64_MAX - size)
			continue;
		first = KA_MAX(t.stack, b->first);
		last = KA_MIN(t.stack + size - 1, b->last);
		if (first > last)
			continue;
		ka_search_area_clear(area);
		add_mapped(s, area, 0, first, last);
		s->task = &t;
		s->is_headed = false;
		err = search_one(s, area, &sum[0], &sum[1], &sum[2]);
		if (s->is_headed)
			ka_out_end(s->c->out);
		s->task = NULL;
	}
	if (err) {
		ka_error_drop(ka_walk_end(&w));
		return err;
	}
	return ka_walk_end(&w);
}

static struct ka_error *choose_space(struct search *s)
{
	static const char *const areas[] = { "k", "K", "V", "u", "p", "t", "T" };
	struct ka_call *c = s->c;
	unsigned given = 0;
	struct ka_task t;
	struct ka_error *err;

	for (size_t i = 0; i < KA_COUNT(areas); i++)
		given += ka_call_has(c, areas[i]);
	if (given > 1)
		return ka_call_usage(c, "only one of -k, -K, -V, -u, -p, -t and -T can be given");
	s->space = ka_call_has(c, "p") ? KA_SPACE_PHYS : ka_call_has(c, "u") ? KA_SPACE_USER : KA_SPACE_VIRT;
	if (s->space != KA_SPACE_USER)
		return NULL;
	err = ka_task_read(c->k, ka_call_task(c), &t);
	if (err)
		return ka_error_wrap(err, "-u: the current task");
	if (!t.mm)
		return ka_error_new(KA_NOT_FOUND, "-u: the current task (pid %d) has no user memory: set PID chooses another", t.pid);
	s->mm = t.mm;
	return NULL;
}

struct ka_error *search_areas(struct search *s)
{
	struct ka_kernel *k = s->c->k;
	struct ka_search_area *area;
	struct bounds b = {0};
	struct ka_mm mm = {0};
	uint64_t sum[3] = {0};
	struct ka_error *err = choose_space(s);

	if (!err)
		err = bounds_read(s, &b);
	if (!err && s->mm)
		err = ka_mm_read(k, s->mm, &mm);
	if (err || b.is_empty)
		return err;
	area = ka_search_area_new(k);
	if (ka_call_has(s->c, "t") || ka_call_has(s->c, "T")) {
		err = search_stacks(s, area, &b, sum);
	} else {
		if (s->space == KA_SPACE_PHYS)
			add_physical(s, area, &b);
		else
			add_mapped(s, area, mm.pgd, b.first, b.last);
		err = search_one(s, area, &sum[0], &sum[1], &sum[2]);
	}
	ka_search_area_free(area);
	search_sum(s, sum[0], sum[1], sum[2]);
	return err;
}
