/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Code that the kernel made while it ran: BPF programs, their trampolines and dispatchers, trampolines of ftrace, and the places
 * where probes keep instructions. /proc/kallsyms names them with what stands for a module: [bpf], [__builtin__ftrace] ...
 */
#include <inttypes.h>
#include <kanalyze/view.h>
#include <kanalyze/walk.h>
#include "made_text.h"
#include "module.h"

#define SIZE_MAX_OF_ONE (16u << 20)	/* a program is at most a million instructions of at most 64 bytes, and seldom 64 KB */
#define OPS_MAX 4096
#define PIECES_MAX (1u << 20)	/* a machine with many containers has some thousand programs */

/* bfea9a8574f3, v5.7: one for programs, trampolines and dispatchers. */
struct bpf_ksym { ka_addr start, end; char name[256]; };
KA_VIEW(bpf_ksym, ("bpf_ksym"),
	KA_MAYBE(bpf_ksym, start, "start"), KA_MAYBE(bpf_ksym, end, "end"), KA_MAYBE(bpf_ksym, name, "name"));
/* Before (74451e66d516, v4.11): programs alone, whose names are put together. */
struct bpf_aux { ka_addr prog; char name[16]; };
KA_VIEW(bpf_aux, ("bpf_prog_aux"),
	KA_MAYBE(bpf_aux, prog, "prog"), KA_MAYBE(bpf_aux, name, "name"));	/* name: cb4d2b3f03d8, v4.15 */
struct bpf_code { ka_addr func; uint32_t size; uint8_t tag[8]; };
KA_VIEW(bpf_code, ("bpf_prog"),
	KA_MAYBE(bpf_code, func, "bpf_func"), KA_MAYBE(bpf_code, size, "jited_len"), KA_MAYBE(bpf_code, tag, "tag"));

/* f3bea49115b2, v3.19: trampolines of their own for those that have a function alone to themselves. */
struct trace_ops { ka_addr next, trampoline; uint64_t size; };
KA_VIEW(trace_ops, ("ftrace_ops"),
	KA_MAYBE(trace_ops, next, "next"), KA_MAYBE(trace_ops, trampoline, "trampoline"),
	KA_MAYBE(trace_ops, size, "trampoline_size"));	/* aec0be2d6e9f, v3.19 */

struct insn_cache { ka_addr pages_at, sym; };
KA_VIEW(insn_cache, ("kprobe_insn_cache"),
	KA_AT_MAYBE(insn_cache, pages_at, "pages"), KA_MAYBE(insn_cache, sym, "sym"));	/* sym: d002b8bc6dbc, v5.8 */
struct insn_page { ka_addr insns; };
KA_VIEW(insn_page, ("kprobe_insn_page"), KA_MAYBE(insn_page, insns, "insns"));

enum { GROUP_BPF, GROUP_FTRACE, GROUP_KPROBES, GROUP_COUNT };
static const char *const group_names[GROUP_COUNT] = { "bpf", "__builtin__ftrace", "__builtin__kprobes" };

struct made {
	struct { KA_VEC(struct ka_made_text); } all;		/* sorted, disjoint or not: kernels have them disjoint */
	struct { KA_VEC(struct ka_symbol); } symbols[GROUP_COUNT];
};

static unsigned group_of(enum ka_made_kind kind)
{
	return kind == KA_MADE_BPF ? GROUP_BPF : kind == KA_MADE_FTRACE ? GROUP_FTRACE : GROUP_KPROBES;
}

static void add(struct ka_kernel *k, struct made *m, ka_addr start, ka_addr end, enum ka_made_kind kind, const char *name)
{
	bool is_image = start >= k->layout.text_base && start < k->layout.text_end;

	if (is_image || end <= start || end - start > SIZE_MAX_OF_ONE || !ka_is_kernel_addr(k, start) || !*name)
		return;
	ka_vec_push(&m->all, (struct ka_made_text){ start, end, kind, ka_kernel_strdup(k, name) });
}

/* "bpf_prog_TAG_NAME", as the kernel itself would. */
static void add_old_program(struct ka_kernel *k, struct made *m, ka_addr aux)
{
	struct bpf_code code;
	struct bpf_aux a;
	char tag[17], name[64];

	if (ka_error_drop(ka_view_read(k, &ka_view_bpf_aux, aux, &a)) || ka_error_drop(ka_view_read(k, &ka_view_bpf_code, a.prog, &code)))
		return;
	for (unsigned i = 0; i < sizeof(code.tag); i++)
		snprintf(tag + 2 * i, 3, "%02x", code.tag[i]);
	snprintf(name, sizeof(name), a.name[0] ? "bpf_prog_%s_%.16s" : "bpf_prog_%s", tag, a.name);
	add(k, m, code.func, code.func + code.size, KA_MADE_BPF, name);
}

static void find_bpf(struct ka_kernel *k, struct made *m)
{
	struct ka_symbol head;
	struct ka_walk w;
	uint64_t offset;
	bool is_old = false;

	if (!ka_symbol_lookup(k, "bpf_kallsyms", &head))
		return;
	if (ka_error_drop(ka_type_offset(k, "bpf_ksym", "lnode", &offset))) {
		is_old = true;
		if (ka_error_drop(ka_type_offset(k, "bpf_prog_aux", "ksym_lnode", &offset)))
			return;
	}
	w = ka_walk_list(k, head.addr, offset);
	w.limit = PIECES_MAX;
	for (ka_addr at; ka_walk_next(&w, &at);) {
		struct bpf_ksym s;

		if (is_old)
			add_old_program(k, m, at);
		else if (!ka_error_drop(ka_view_read(k, &ka_view_bpf_ksym, at, &s))) {
			s.name[sizeof(s.name) - 1] = 0;
			add(k, m, s.start, s.end, KA_MADE_BPF, s.name);
		}
	}
	ka_error_drop(ka_walk_end(&w));
}

static void find_ftrace(struct ka_kernel *k, struct made *m)
{
	struct ka_symbol head, end = { 0 };
	struct trace_ops ops;
	ka_addr at;

	if (!ka_symbol_lookup(k, "ftrace_ops_list", &head) || ka_error_drop(ka_read_ulong(k, head.addr, &at)))
		return;
	ka_symbol_lookup(k, "ftrace_list_end", &end);
	for (unsigned n = 0; at && at != end.addr && n < OPS_MAX && !ka_interrupted(); n++) {
		if (ka_error_drop(ka_view_read(k, &ka_view_trace_ops, at, &ops)) || ops.next == at)
			break;
		add(k, m, ops.trampoline, ops.trampoline + ops.size, KA_MADE_FTRACE, "ftrace_trampoline");
		at = ops.next;
	}
}

static void find_slots(struct ka_kernel *k, struct made *m, const char *cache, enum ka_made_kind kind, const char *name)
{
	struct ka_symbol s;
	struct insn_cache c;
	struct ka_walk w;
	uint64_t offset;
	char own[64];

	if (!ka_symbol_lookup(k, cache, &s) || ka_error_drop(ka_view_read(k, &ka_view_insn_cache, s.addr, &c)) || !c.pages_at ||
	    ka_error_drop(ka_type_offset(k, "kprobe_insn_page", "list", &offset)))
		return;
	if (c.sym && !ka_error_drop(ka_read_cstr(k, c.sym, own, sizeof(own))) && own[0])
		name = own;
	w = ka_walk_list(k, c.pages_at, offset);
	w.limit = PIECES_MAX;
	for (ka_addr at; ka_walk_next(&w, &at);) {
		struct insn_page p;

		if (!ka_error_drop(ka_view_read(k, &ka_view_insn_page, at, &p)))
			add(k, m, p.insns, p.insns + ka_page_size(k), kind, name);
	}
	ka_error_drop(ka_walk_end(&w));
}

static int by_start(const void *a, const void *b)
{
	const struct ka_made_text *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

static void *made_make(struct ka_kernel *k)
{
	struct made *m = ka_xalloc(sizeof(*m));

	find_bpf(k, m);
	find_ftrace(k, m);
	find_slots(k, m, "kprobe_insn_slots", KA_MADE_KPROBE, "kprobe_insn_page");
	find_slots(k, m, "kprobe_optinsn_slots", KA_MADE_OPTPROBE, "kprobe_optinsn_page");
	if (m->all.n)
		qsort(m->all.at, m->all.n, sizeof(*m->all.at), by_start);
	for (size_t i = 0; i < m->all.n; i++) {
		const struct ka_made_text *t = &m->all.at[i];
		unsigned g = group_of(t->kind);

		ka_vec_push(&m->symbols[g], (struct ka_symbol){ .addr = t->start, .size = t->end - t->start, .name = t->name,
								.module = group_names[g], .type = 't' });
	}
	ka_log(2, "code made while the kernel ran: %zu pieces", m->all.n);
	return m;
}

static void made_drop(void *state)
{
	struct made *m = state;

	for (unsigned g = 0; g < GROUP_COUNT; g++)
		ka_vec_free(&m->symbols[g]);
	ka_vec_free(&m->all);
	free(m);
}

static const struct made *made(struct ka_kernel *k)
{
	static const char key;

	return ka_kernel_state(k, &key, made_make, made_drop);
}

const struct ka_made_text *ka_made_text_at(struct ka_kernel *k, ka_addr addr)
{
	const struct made *m;
	size_t lo = 0, hi;

	/* what cannot be code is asked for most: words of stacks */
	if (!ka_is_kernel_addr(k, addr) || (addr >= k->layout.text_base && addr < k->layout.text_end) ||
	    (k->layout.page_offset && addr >= k->layout.page_offset && addr < k->layout.page_offset_end))
		return NULL;
	m = made(k);
	if (!m)		/* asked for while it is being made */
		return NULL;
	for (hi = m->all.n; lo < hi;) {
		size_t mid = lo + (hi - lo) / 2;

		if (m->all.at[mid].start <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo && addr < m->all.at[lo - 1].end ? &m->all.at[lo - 1] : NULL;
}

const char *ka_made_group(unsigned i)
{
	return i < GROUP_COUNT ? group_names[i] : NULL;
}

bool ka_made_symbols_hook(struct ka_kernel *k, size_t i, struct ka_module_symbols *ret)
{
	size_t modules = ka_module_list(k)->modules.n;
	const struct made *m;

	if (i < modules)
		return ka_module_symbols_hook(k, i, ret);
	if (i - modules >= GROUP_COUNT)
		return false;
	m = made(k);
	*ret = (struct ka_module_symbols){ .name = group_names[i - modules] };
	if (m) {
		ret->at = m->symbols[i - modules].at;
		ret->n = m->symbols[i - modules].n;
	}
	return true;
}

bool ka_made_index_hook(struct ka_kernel *k, ka_addr addr, size_t *ret)
{
	const struct ka_made_text *t;

	if (ka_module_index(k, addr, ret))
		return true;
	t = ka_made_text_at(k, addr);
	if (t)
		*ret = ka_module_list(k)->modules.n + group_of(t->kind);
	return t != NULL;
}

bool ka_made_is_text_hook(struct ka_kernel *k, ka_addr addr)
{
	return ka_module_is_text(k, addr) || ka_made_text_at(k, addr);
}
