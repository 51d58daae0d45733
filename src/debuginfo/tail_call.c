/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Tail calls. What was called may have jumped on to the function that is found on the stack: the call then passed something to another,
 * and what the callee got is told at the jump. The jump is known only where there is one way from the one to the other.
 */
#include "dwarf_function.h"
#include "dwarf_types.h"
#include "line.h"
#include "object.h"
#include "tail_call.h"

#define DEPTH_MAX	64		/* blocks within one another */
#define VISITS_MAX	(1u << 16)	/* DIEs looked at for one question */

bool ka_dwarf_call_return(const struct ka_dwarf_lists *l, const struct ka_dwarf_die *site, uint64_t *ret)
{
	return ka_dwarf_address(l, site, site->tag == DW_TAG_call_site ? DW_AT_call_return_pc : DW_AT_low_pc, ret);
}

bool ka_dwarf_call_origin(const struct ka_dwarf *d, const struct ka_dwarf_die *site, struct ka_dwarf_die *ret)
{
	struct ka_dwarf_raw raw;

	return ka_dwarf_attribute(d, site, site->tag == DW_TAG_call_site ? DW_AT_call_origin : DW_AT_abstract_origin, &raw) &&
	       raw.v.kind == KA_DWARF_IS_REF && ka_dwarf_die(d, (uint32_t)raw.v.u, ret);
}

static bool has(const struct ka_dwarf *d, const struct ka_dwarf_die *die, unsigned name)
{
	struct ka_dwarf_raw raw;

	return ka_dwarf_attribute(d, die, name, &raw);
}

static bool is_tail_call(const struct ka_dwarf *d, const struct ka_dwarf_die *site)
{
	return has(d, site, site->tag == DW_TAG_call_site ? DW_AT_call_tail_call : DW_AT_GNU_tail_call);
}

/* Does it say that every jump to another function is told of? */
static bool tells_all(const struct ka_dwarf *d, const struct ka_dwarf_die *function)
{
	static const unsigned names[] = {
		DW_AT_call_all_calls, DW_AT_call_all_tail_calls, DW_AT_call_all_source_calls,
		DW_AT_GNU_all_call_sites, DW_AT_GNU_all_tail_call_sites, DW_AT_GNU_all_source_call_sites,
	};

	for (size_t i = 0; i < KA_COUNT(names); i++)
		if (has(d, function, names[i]))
			return true;
	return false;
}

static bool is_same_name(const struct ka_dwarf *d, const struct ka_dwarf_die *a, const struct ka_dwarf_die *b)
{
	const char *x = ka_dwarf_name(d, a), *y = ka_dwarf_name(d, b);

	return x && y && !strcmp(x, y);
}

bool ka_dwarf_function_at_address(struct ka_object *o, const struct ka_dwarf_lists *l, uint64_t addr, struct ka_dwarf_die *ret)
{
	const struct ka_dwarf_file *own = &l->d->files[0];
	struct ka_dwarf_unit *unit;
	uint64_t offset;

	if (!ka_lines_unit(o, addr, &offset) || offset >= own->info.size)
		return false;
	unit = ka_dwarf_unit_at(l->d, own->info_id + (uint32_t)offset);
	return unit && ka_dwarf_function_at(l, unit, addr, ret);
}

/* By its symbol, when that is known to all: static ones of a name may be many. */
static bool external_function(struct ka_object *o, const struct ka_dwarf_lists *l, const struct ka_dwarf_die *named, struct ka_dwarf_die *ret)
{
	const char *name = ka_dwarf_name(l->d, named);
	const struct ka_symtab *t;
	size_t i;

	if (!name || ka_error_drop(ka_object_symtab(o, &t)) || !ka_symtab_find(t, name, &i) || t->at[i].type != 'T')
		return false;
	return ka_dwarf_function_at_address(o, l, t->at[i].addr + ka_object_base(o, t->at[i].section), ret) && is_same_name(l->d, ret, named);
}

struct named {
	const struct ka_dwarf *d;
	const char *name;
	struct ka_dwarf_die *ret;
	unsigned count;
};

static bool is_named(void *ctx, const struct ka_dwarf_die *function)
{
	struct named *n = ctx;
	const char *name = ka_dwarf_name(n->d, function);

	/* its cold part is the same DIE */
	if (name && !strcmp(name, n->name) && !(n->count && n->ret->id == function->id)) {
		*n->ret = *function;
		n->count++;
	}
	return n->count > 1;
}

bool ka_dwarf_function_of(struct ka_object *o, const struct ka_dwarf_lists *l, const struct ka_dwarf_die *named, struct ka_dwarf_die *ret)
{
	struct named n = { .d = l->d, .name = ka_dwarf_name(l->d, named), .ret = ret };
	uint64_t low;

	if (!named->is_declaration && ka_dwarf_address(l, named, DW_AT_low_pc, &low)) {
		*ret = *named;
		return true;
	}
	if (!n.name)
		return false;
	if (!named->is_declaration) {
		ka_dwarf_functions_each(l, named->unit, is_named, &n);
		if (n.count)
			return n.count == 1;
	}
	return external_function(o, l, named, ret);
}

/* ---- calls in a function ---- */

struct sites {
	const struct ka_dwarf *d;
	/* told each call; true ends it */
	bool (*fn)(void *ctx, const struct ka_dwarf_die *site);
	void *ctx;
	unsigned visits;
};

static bool each_call(struct sites *s, const struct ka_dwarf_die *parent, unsigned depth)
{
	struct ka_dwarf_die c;

	for (bool ok = ka_dwarf_child(s->d, parent, &c); ok && s->visits < VISITS_MAX; ok = ka_dwarf_next(s->d, &c)) {
		s->visits++;
		if (ka_dwarf_is_call(&c)) {
			if (s->fn(s->ctx, &c))
				return true;
		} else if (c.has_children && depth < DEPTH_MAX && (c.tag == DW_TAG_lexical_block || c.tag == DW_TAG_inlined_subroutine) &&
			   each_call(s, &c, depth + 1)) {
			return true;
		}
	}
	return false;
}

#define FUNCTIONS_MAX	512		/* looked at for one question */

struct search {
	struct ka_object *o;
	const struct ka_dwarf_lists *l;
	const struct ka_dwarf_die *to;
	struct ka_tail_calls now, *ret;
	struct { uint32_t id; bool is_open, leads_there; } seen[FUNCTIONS_MAX];
	unsigned seen_count, found, visits;
	bool is_unsure;
};

static bool is_over(const struct search *s)
{
	return s->is_unsure || s->found > 1;
}

static void follow(struct search *s, const struct ka_dwarf_die *function);

/* A jump of the function that is looked at, the last of s->now. */
static bool take(void *ctx, const struct ka_dwarf_die *site)
{
	struct search *s = ctx;
	const struct ka_dwarf *d = s->l->d;
	struct ka_dwarf_die target, code;

	if (!is_tail_call(d, site))
		return false;
	if (!ka_dwarf_call_origin(d, site, &target)) {
		s->is_unsure = true;
	} else if (is_same_name(d, &target, s->to)) {
		s->now.at[s->now.count - 1].site = *site;
		if (!s->found++)
			*s->ret = s->now;
	} else if (ka_dwarf_function_of(s->o, s->l, &target, &code)) {	/* else assembly: it does not come back */
		s->now.at[s->now.count - 1].site = *site;
		follow(s, &code);
	}
	return is_over(s);
}

static void follow(struct search *s, const struct ka_dwarf_die *function)
{
	struct sites sites = { .d = s->l->d, .fn = take, .ctx = s, .visits = s->visits };
	unsigned before = s->found, at;

	for (unsigned i = 0; i < s->seen_count; i++) {
		if (s->seen[i].id != function->id)
			continue;
		/* round and round, or there by another way */
		s->is_unsure |= s->seen[i].is_open;
		s->found += s->seen[i].leads_there;
		return;
	}
	if (s->seen_count == FUNCTIONS_MAX || s->now.count == KA_TAIL_CALLS_MAX || !tells_all(s->l->d, function)) {
		s->is_unsure = true;
		return;
	}
	at = s->seen_count++;
	s->seen[at].id = function->id;
	s->seen[at].is_open = true;
	s->now.at[s->now.count++].function = *function;
	each_call(&sites, function, 0);
	s->now.count--;
	s->visits = sites.visits;
	s->is_unsure |= s->visits >= VISITS_MAX;
	s->seen[at].is_open = false;
	s->seen[at].leads_there = s->found > before;
}

struct wanted {
	const struct ka_dwarf *d;
	const struct ka_dwarf_die *function;
};

static bool is_jump_to(void *ctx, const struct ka_dwarf_die *site)
{
	const struct wanted *w = ctx;
	struct ka_dwarf_die target;

	return is_tail_call(w->d, site) && ka_dwarf_call_origin(w->d, site, &target) && is_same_name(w->d, &target, w->function);
}

static bool calls_it(void *ctx, const struct ka_dwarf_die *function)
{
	return each_call(ctx, function, 0);
}

/* ---- kept ---- */

static uint64_t key_of(const struct ka_dwarf_die *from, const struct ka_dwarf_die *to)
{
	return (uint64_t)(from ? from->id : 0) << 32 | to->id;
}

static bool is_kept(struct ka_dwarf_types *t, uint64_t key, uint64_t *ret, const struct ka_tail_calls **ret_way)
{
	bool is_there;

	pthread_mutex_lock(&t->jumps_lock);
	is_there = ka_map_get(&t->jumps, key, ret);
	if (is_there && ret_way)
		*ret_way = *ret ? t->ways.at[*ret - 1] : NULL;
	pthread_mutex_unlock(&t->jumps_lock);
	return is_there;
}

const struct ka_tail_calls *ka_dwarf_tail_calls(struct ka_dwarf_types *t, const struct ka_dwarf_lists *l, const struct ka_dwarf_die *from,
						const struct ka_dwarf_die *to)
{
	uint64_t key = key_of(from, to), at;
	const struct ka_tail_calls *kept;
	struct ka_tail_calls *way;
	struct search s = { .o = t->index.object, .l = l, .to = to };

	if (is_kept(t, key, &at, &kept))
		return kept;
	s.ret = way = ka_xalloc(sizeof(*way));
	way->count = 0;
	follow(&s, from);
	if (s.found != 1 || s.is_unsure) {
		free(way);
		way = NULL;
	}
	pthread_mutex_lock(&t->jumps_lock);
	if (way)
		ka_vec_push(&t->ways, way);
	/* another thread may have found the same meanwhile: both are kept, the first counts */
	ka_map_add(&t->jumps, key, way ? t->ways.n : 0);
	pthread_mutex_unlock(&t->jumps_lock);
	return way;
}

bool ka_dwarf_is_tail_called(struct ka_dwarf_types *t, const struct ka_dwarf_lists *l, const struct ka_dwarf_die *function)
{
	struct wanted w = { .d = l->d, .function = function };
	struct sites s = { .d = l->d, .fn = is_jump_to, .ctx = &w };
	uint64_t key = key_of(NULL, function), is;

	if (is_kept(t, key, &is, NULL))
		return is;
	is = ka_dwarf_functions_each(l, function->unit, calls_it, &s) || s.visits >= VISITS_MAX;
	pthread_mutex_lock(&t->jumps_lock);
	ka_map_add(&t->jumps, key, is);
	pthread_mutex_unlock(&t->jumps_lock);
	return is;
}
