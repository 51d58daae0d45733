/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The functions of a unit by the addresses of their code, and what lies within them. */
#include "dwarf_function.h"

#define FUNCTIONS_MAX	(1u << 20)	/* ranges of a unit */
#define VISITS_MAX	(1u << 22)	/* DIEs of a unit */
#define NESTING_MAX	32		/* name spaces */

struct list {
	const struct ka_dwarf_lists *l;
	struct ka_dwarf_unit *u;
	const struct ka_dwarf_abbrevs *abbrevs;
	struct { KA_VEC(struct ka_dwarf_code); } code;
	uint32_t id;
	unsigned visits;
};

void ka_dwarf_functions_free(struct ka_dwarf_functions *f)
{
	if (!f)
		return;
	free(f->at);
	free(f);
}

static bool add(void *ctx, uint64_t start, uint64_t end)
{
	struct list *s = ctx;

	if (s->code.n < FUNCTIONS_MAX)
		ka_vec_push(&s->code, (struct ka_dwarf_code){ start, end, s->id });
	return false;
}

/* The functions in a list of siblings; those of Rust and C++ lie in name spaces. */
static void add_list(struct list *s, const uint8_t *p, unsigned depth)
{
	const struct ka_dwarf *d = s->l->d;
	const uint8_t *end = s->u->at + s->u->size, *attrs;

	for (; p && p < end && ++s->visits < VISITS_MAX; p = ka_dwarf_skip(d, s->u, s->abbrevs, p)) {
		const struct ka_dwarf_abbrev *abbrev;
		struct ka_dwarf_extent x;
		struct ka_dwarf_die die;
		uint64_t code;

		attrs = p;
		code = ka_dwarf_uleb(&attrs, end);
		abbrev = attrs && code ? ka_dwarf_abbrev(s->abbrevs, code) : NULL;
		if (!abbrev)
			return;
		if (abbrev->tag == DW_TAG_subprogram && abbrev->has_place) {
			if (!ka_dwarf_die_at(d, s->u, s->abbrevs, p, &die) || die.is_declaration)
				continue;
			s->id = die.id;
			ka_dwarf_extent_of(d, &die, s->abbrevs, &x);
			ka_dwarf_extent_each(s->l, s->u, &x, add, s);
		} else if ((abbrev->tag == DW_TAG_namespace || abbrev->tag == DW_TAG_module) && abbrev->has_children &&
			   depth < NESTING_MAX && ka_dwarf_die_at(d, s->u, s->abbrevs, p, &die)) {
			add_list(s, die.next, depth + 1);
		}
	}
}

static int by_start(const void *a, const void *b)
{
	const struct ka_dwarf_code *x = a, *y = b;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	/* of two at one place the first in the unit is found */
	return x->id > y->id ? -1 : x->id < y->id;
}

static const struct ka_dwarf_functions *functions_of(const struct ka_dwarf_lists *l, struct ka_dwarf_unit *u)
{
	struct ka_dwarf_functions *f = atomic_load_explicit(&u->functions, memory_order_acquire), *other = NULL;
	struct list s = { .l = l, .u = u };
	struct ka_dwarf_die root;

	if (f)
		return f;
	f = ka_xalloc(sizeof(*f));
	s.abbrevs = ka_dwarf_abbrevs_of(l->d, u);
	if (ka_dwarf_root(l->d, u, s.abbrevs, &root) && root.has_children)
		add_list(&s, root.next, 0);
	if (s.code.n)
		qsort(s.code.at, s.code.n, sizeof(*s.code.at), by_start);
	f->at = s.code.at;
	f->n = s.code.n;
	/* Two threads may have made it; one is kept. */
	if (!atomic_compare_exchange_strong_explicit(&u->functions, &other, f, memory_order_acq_rel, memory_order_acquire)) {
		ka_dwarf_functions_free(f);
		f = other;
	}
	return f;
}

bool ka_dwarf_function_at(const struct ka_dwarf_lists *l, struct ka_dwarf_unit *u, uint64_t pc, struct ka_dwarf_die *ret)
{
	const struct ka_dwarf_functions *f = functions_of(l, u);
	size_t lo = 0, hi = f->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (f->at[mid].start <= pc)
			lo = mid + 1;
		else
			hi = mid;
	}
	/* functions do not overlap, but for damaged or odd ones */
	for (size_t i = lo, left = 8; i && left; i--, left--)
		if (pc < f->at[i - 1].end)
			return ka_dwarf_die_at(l->d, u, ka_dwarf_abbrevs_of(l->d, u), u->at + (f->at[i - 1].id - u->id), ret) && ret->tag;
	return false;
}

bool ka_dwarf_functions_each(const struct ka_dwarf_lists *l, struct ka_dwarf_unit *u, bool (*fn)(void *ctx, const struct ka_dwarf_die *function),
			     void *ctx)
{
	const struct ka_dwarf_functions *f = functions_of(l, u);
	struct ka_dwarf_die die;

	for (size_t i = 0; i < f->n; i++)
		if (ka_dwarf_die_at(l->d, u, ka_dwarf_abbrevs_of(l->d, u), u->at + (f->at[i].id - u->id), &die) && die.tag && fn(ctx, &die))
			return true;
	return false;
}

static bool has_code(unsigned tag)
{
	switch (tag) {
	case DW_TAG_lexical_block:
	case DW_TAG_inlined_subroutine:
	case DW_TAG_try_block:
	case DW_TAG_catch_block:
	case DW_TAG_with_stmt:
		return true;
	}
	return false;
}

bool ka_dwarf_block_at(const struct ka_dwarf_lists *l, const struct ka_dwarf_die *parent, uint64_t pc, struct ka_dwarf_die *ret)
{
	struct ka_dwarf_unit *u = parent->unit;
	const struct ka_dwarf_abbrevs *abbrevs = ka_dwarf_abbrevs_of(l->d, u);
	const uint8_t *p = parent->has_children ? parent->next : NULL, *end = u->at + u->size, *attrs;

	for (unsigned visits = 0; p && p < end && visits < VISITS_MAX; p = ka_dwarf_skip(l->d, u, abbrevs, p), visits++) {
		const struct ka_dwarf_abbrev *abbrev;
		struct ka_dwarf_extent x;
		uint64_t code;

		attrs = p;
		code = ka_dwarf_uleb(&attrs, end);
		abbrev = attrs && code ? ka_dwarf_abbrev(abbrevs, code) : NULL;
		if (!abbrev)
			return false;
		if (!has_code(abbrev->tag) || !abbrev->has_place)
			continue;
		if (!ka_dwarf_die_at(l->d, u, abbrevs, p, ret))
			return false;
		/* the cheap answer first: of most it is all there is */
		if (ret->has & KA_DWARF_ADDR && pc < ret->addr)
			continue;
		ka_dwarf_extent_of(l->d, ret, abbrevs, &x);
		if (ka_dwarf_extent_covers(l, u, &x, pc))
			return true;
	}
	return false;
}
