/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Return addresses that tracing hid. The function graph tracer and return probes put the address of their own code in place of
 * a return address, and keep the true one beside the task: the newest first. Each knows on which frame it was, so that a
 * stack that is entered in its middle is still put right.
 */
#include <kanalyze/view.h>
#include "stacks.h"

#define ENTRIES_MAX 8192	/* a page of ftrace_ret_stack has 170; FTRACE_RETFUNC_DEPTH is 50 */
#define NESTED_MAX 16		/* hooks on one return address: a return probe over another, or over the tracer */
#define BUCKETS 64		/* of kretprobe_inst_table: KPROBE_HASH_BITS is 6 */

struct hidden_task { ka_addr ret_stack, probes_at; int32_t ret_stack_at; };
KA_VIEW(hidden_task, ("task_struct"),
	KA_MAYBE(hidden_task, ret_stack, "ret_stack"),
	KA_MAYBE(hidden_task, ret_stack_at, "curr_ret_stack"),
	/* 54ecbe6f1ed5, v5.18: rethook; d741bf41d7c7, v5.11: a list of the task's own. Kernels with rethook may have both, and use the first */
	KA_AT_MAYBE(hidden_task, probes_at, "rethooks", "kretprobe_instances"));

struct ret_entry { ka_addr ret, place; };
KA_VIEW(ret_entry, ("ftrace_ret_stack"),
	KA_FROM(ret_entry, ret, "ret"),
	/* 9a7c348ba6a4, v4.9: where the address was. Architectures that cannot tell have the frame pointer, or nothing */
	KA_MAYBE(ret_entry, place, "retp", "fp"));

struct rethook { ka_addr ret, place, next; };
KA_VIEW(rethook, ("rethook_node"),
	KA_MAYBE(rethook, ret, "ret_addr"),
	KA_MAYBE(rethook, place, "frame"),
	KA_MAYBE(rethook, next, "llist.next"));
struct probe { ka_addr ret, place, next, task; };
KA_VIEW(probe, ("kretprobe_instance"),
	KA_MAYBE(probe, ret, "ret_addr"),
	KA_MAYBE(probe, place, "fp"),
	KA_MAYBE(probe, next, "llist.next", "hlist.next"),
	KA_MAYBE(probe, task, "task"));

static const char hidden_key;

struct ka_hidden_names {
	ka_addr graph;
	ka_addr probe[3];
	unsigned probe_count;
};

static void *names_make(struct ka_kernel *k)
{
	/* the second name since adf8a61a940c (v5.15), rethook's since 73f9b911faa7 (v5.18) */
	static const char *const probes[] = { "kretprobe_trampoline", "__kretprobe_trampoline", "arch_rethook_trampoline" };
	struct ka_hidden_names *n = ka_xalloc(sizeof(*n));
	struct ka_symbol s;

	if (ka_symbol_lookup(k, "return_to_handler", &s))
		n->graph = s.addr;
	for (size_t i = 0; i < KA_COUNT(probes); i++)
		if (ka_symbol_lookup(k, probes[i], &s))
			n->probe[n->probe_count++] = s.addr;
	return n;
}

const struct ka_hidden_names *ka_hidden_names(struct ka_kernel *k)
{
	return ka_kernel_state(k, &hidden_key, names_make, free);
}

static bool is_probe(const struct ka_hidden_names *n, uint64_t v)
{
	for (unsigned i = 0; i < n->probe_count; i++)
		if (n->probe[i] == v)
			return true;
	return false;
}

bool ka_is_hidden(const struct ka_hidden_names *n, uint64_t v)
{
	return v && (v == n->graph || is_probe(n, v));
}

static bool is_there(const struct ka_hidden_place *p, ka_addr place)
{
	return place && (place == p->slot || place == p->sp || (p->fp && place == p->fp));
}

/*
 * The n-th newest entry of the shadow stack. It was an array of struct ftrace_ret_stack; since 7aa1eaef9f42 (v6.11) it is words:
 * the struct, words of the tracers that follow the function, and last a word whose low ten bits say how far back the struct is.
 */
struct shadow {
	ka_addr base;
	int64_t at;		/* array: index of the newest; words: behind the newest */
	bool is_words;
	uint64_t size;		/* of the struct */
};

static bool shadow_next(struct ka_kernel *k, struct shadow *s, ka_addr *ret)
{
	uint64_t word, back;

	if (!s->is_words) {
		if (s->at < 0)
			return false;
		*ret = s->base + (uint64_t)s->at-- * s->size;
		return true;
	}
	if (s->at <= 0 || ka_error_drop(ka_read_ulong(k, s->base + (uint64_t)(s->at - 1) * ka_long_size(k), &word)))
		return false;
	back = word & 0x3ff;
	if (!back || back > (uint64_t)(s->at - 1))
		return false;
	s->at -= 1 + (int64_t)back;
	*ret = s->base + (uint64_t)s->at * ka_long_size(k);
	return true;
}

static bool find_graph(struct ka_kernel *k, ka_addr task, const struct ka_hidden_place *p, unsigned *used, uint64_t *ret)
{
	struct shadow s = { 0 };
	struct hidden_task t;
	unsigned n = 0;

	if (ka_error_drop(ka_view_read(k, &ka_view_hidden_task, task, &t)) || !t.ret_stack || !KA_HAS(k, hidden_task, ret_stack_at) ||
	    t.ret_stack_at > ENTRIES_MAX)
		return false;
	s.base = t.ret_stack;
	s.at = t.ret_stack_at;
	s.size = ka_view_size(k, &ka_view_ret_entry);
	s.is_words = ka_type_has(k, "fgraph_ops", "idx");	/* several tracers at a time, each with words of its own */
	for (ka_addr at; n < ENTRIES_MAX && shadow_next(k, &s, &at); n++) {
		struct ret_entry e;

		if (n < *used)
			continue;
		if (ka_error_drop(ka_view_read(k, &ka_view_ret_entry, at, &e)))
			return false;
		if (KA_HAS(k, ret_entry, place) && !is_there(p, e.place))
			continue;
		*used = n + 1;
		*ret = e.ret;
		return true;
	}
	return false;
}

/* One instance; at is what a link points to. */
static bool probe_read(struct ka_kernel *k, bool is_rethook, ka_addr at, struct probe *ret)
{
	struct rethook r;

	if (!is_rethook)
		return !ka_error_drop(ka_view_read(k, &ka_view_probe, at - KA_OFFSET(k, probe, next), ret));
	if (ka_error_drop(ka_view_read(k, &ka_view_rethook, at - KA_OFFSET(k, rethook, next), &r)))
		return false;
	*ret = (struct probe){ .ret = r.ret, .place = r.place, .next = r.next };
	return true;
}

/* The list from its first link on: the used-th and later ones that are at the place. */
static bool find_in_list(struct ka_kernel *k, ka_addr first, bool is_rethook, ka_addr task, const struct ka_hidden_place *p, unsigned *used,
			 uint64_t *ret)
{
	bool has_place = is_rethook ? KA_HAS(k, rethook, place) : KA_HAS(k, probe, place);
	unsigned n = 0;
	struct probe i;

	for (ka_addr at = first; at && n < ENTRIES_MAX; at = i.next) {
		if (!probe_read(k, is_rethook, at, &i))
			return false;
		if (task && i.task != task)
			continue;
		if (n++ < *used || (has_place && !is_there(p, i.place)))
			continue;
		*used = n;
		*ret = i.ret;
		return true;
	}
	return false;
}

static bool find_probe(struct ka_kernel *k, ka_addr task, const struct ka_hidden_place *p, unsigned *used, uint64_t *ret)
{
	struct hidden_task t;
	struct ka_symbol table;
	ka_addr first;

	if (!ka_error_drop(ka_view_read(k, &ka_view_hidden_task, task, &t)) && t.probes_at)
		return !ka_error_drop(ka_read_ulong(k, t.probes_at, &first)) &&
		       find_in_list(k, first, ka_type_has(k, "task_struct", "rethooks"), 0, p, used, ret);
	/* before: hashed by task, those of one task in one bucket */
	if (!KA_HAS(k, probe, task) || !ka_symbol_lookup(k, "kretprobe_inst_table", &table))
		return false;
	for (unsigned i = 0; i < BUCKETS; i++)
		if (!ka_error_drop(ka_read_ulong(k, table.addr + i * ka_long_size(k), &first)) && first &&
		    find_in_list(k, first, false, task, p, used, ret))
			return true;
	return false;
}

bool ka_unhide(struct ka_kernel *k, ka_addr task, const struct ka_hidden_place *p, struct ka_hidden_used *used, uint64_t v, uint64_t *ret)
{
	const struct ka_hidden_names *n = ka_hidden_names(k);
	struct ka_hidden_used now = *used;

	for (unsigned i = 0; i < NESTED_MAX && v; i++) {
		if (v != n->graph && !is_probe(n, v)) {
			if (!i)
				return false;
			*used = now;
			*ret = v;
			return true;
		}
		if (!(v == n->graph ? find_graph(k, task, p, &now.graph, &v) : find_probe(k, task, p, &now.probe, &v)))
			return false;
		if (k->arch->strip_ip)
			v = k->arch->strip_ip(&k->layout, v);
	}
	return false;
}
