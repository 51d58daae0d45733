/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who allocated and who freed a slab object: what slub_debug and KASAN keep beside it, with stacks from the stack depot. */
#include <inttypes.h>
#include <kanalyze/slab.h>
#include <kanalyze/symbol.h>
#include <kanalyze/type.h>
#include <kanalyze/view.h>
#include "fault.h"
#include "kernel.h"

#define ENTRIES_MAX 64
#define SHOWN_MAX 6
#define OFFSET_MAX (1u << 20)

struct slab_debug {
	uint64_t flags;
	uint32_t inuse, offset;
	int32_t kasan_alloc, kasan_free;
};
KA_VIEW(slab_debug, ("kmem_cache"),
	KA_FROM(slab_debug, flags, "flags"),
	KA_FROM(slab_debug, inuse, "inuse"),
	KA_FROM(slab_debug, offset, "offset"),
	KA_MAYBE(slab_debug, kasan_alloc, "kasan_info.alloc_meta_offset"),
	KA_MAYBE(slab_debug, kasan_free, "kasan_info.free_meta_offset"));

struct slab_track {
	ka_addr addr, addrs_at;
	uint64_t addrs_size, when;
	uint32_t handle, cpu;
	int32_t pid;
};
/* stacks moved from an array to the depot: 5cf909c553e9, v5.19 */
KA_VIEW(slab_track, ("track"),
	KA_FROM(slab_track, addr, "addr"),
	KA_AT_MAYBE(slab_track, addrs_at, "addrs"),
	KA_SIZE_MAYBE(slab_track, addrs_size, "addrs"),
	KA_MAYBE(slab_track, handle, "handle"),
	KA_FROM(slab_track, cpu, "cpu"),
	KA_FROM(slab_track, pid, "pid"),
	KA_FROM(slab_track, when, "when"));

struct slab_kasan_track {
	int32_t pid;
	uint32_t handle;
};
KA_VIEW(slab_kasan_track, ("kasan_track"),
	KA_FROM(slab_kasan_track, pid, "pid"),
	KA_FROM(slab_kasan_track, handle, "stack"));
struct slab_kasan_alloc { ka_addr track_at; };
KA_VIEW(slab_kasan_alloc, ("kasan_alloc_meta"), KA_AT(slab_kasan_alloc, track_at, "alloc_track"));
struct slab_kasan_free { ka_addr track_at; };
KA_VIEW(slab_kasan_free, ("kasan_free_meta"), KA_AT(slab_kasan_free, track_at, "free_track"));

struct slab_stack {
	uint32_t size, handle;
	ka_addr entries_at;
};
KA_VIEW(slab_stack, ("stack_record"),
	KA_FROM(slab_stack, size, "size"),
	KA_FROM(slab_stack, handle, "handle.handle", "handle"),
	KA_AT(slab_stack, entries_at, "entries"));

/* A part of a handle, by the bits that the type says. */
static bool handle_part(struct ka_kernel *k, uint32_t handle, const char *member, uint32_t *ret)
{
	struct ka_member m;

	if (ka_error_drop(ka_type_member(k, "handle_parts", member, &m)) || !m.bit_size || m.bit_size > 31)
		return false;
	*ret = handle >> (m.offset * 8 + m.bit_offset) & ((1u << m.bit_size) - 1);
	return true;
}

/* The record of a handle in the depot: an array of pools, and a place in one in units of 16 bytes. */
static bool depot(struct ka_kernel *k, uint32_t handle, struct slab_stack *ret)
{
	struct ka_symbol pools;
	uint32_t index, offset;
	ka_addr table, pool;

	if (!handle || !handle_part(k, handle, "offset", &offset))
		return false;
	/* slabs became pools in 424cafee7ff9, v6.3; counted from 1 since a6c1d9cb9a68, v6.9 */
	if (handle_part(k, handle, "pool_index_plus_1", &index))
		index--;
	else if (!handle_part(k, handle, "pool_index", &index) && !handle_part(k, handle, "slabindex", &index))
		return false;
	if (!ka_symbol_lookup(k, "stack_pools", &pools) && !ka_symbol_lookup(k, "stack_slabs", &pools))
		return false;
	table = pools.addr;
	/* a pointer to the array instead of the array */
	if (pools.size == ka_long_size(k) && ka_error_drop(ka_read_ulong(k, pools.addr, &table)))
		return false;
	if (index > OFFSET_MAX || (pools.size > ka_long_size(k) && index >= pools.size / ka_long_size(k)) ||
	    ka_error_drop(ka_read_ulong(k, table + (uint64_t)index * ka_long_size(k), &pool)) || !ka_is_kernel_addr(k, pool))
		return false;
	return !ka_error_drop(ka_view_read(k, &ka_view_slab_stack, pool + ((uint64_t)offset << 4), ret)) && ret->size && ret->size <= ENTRIES_MAX &&
	       (ret->handle & 0x7ffffff) == (handle & 0x7ffffff);
}

/* The allocator's own functions and what watches it. */
static bool is_allocator(const char *name)
{
	static const char *const starts[] = {
		"kmem_cache_", "__kmem_cache_", "kfree", "__kfree", "kmalloc", "__kmalloc", "___slab", "__slab", "slab_", "set_track", "kasan_", "__kasan_",
		"stack_trace_save", "krealloc", "kvmalloc", "kvfree", "free_debug_processing", "free_to_partial", "alloc_debug_processing", "save_stack",
		"poison_slab_object", "do_slab_free", "cache_free", "__kvmalloc", "kzalloc", "qlist_free",
	};

	for (size_t i = 0; i < KA_COUNT(starts); i++)
		if (!strncmp(name, starts[i], strlen(starts[i])))
			return true;
	return false;
}

static void add_entry(struct ka_kernel *k, struct ka_str *s, ka_addr ip, bool is_first)
{
	struct ka_symbol symbol;
	uint64_t offset;

	ka_str_add(s, is_first ? "" : ", by ");
	if (!ka_symbol_at(k, ip - 1, &symbol, &offset)) {
		ka_str_printf(s, "0x%" PRIx64, ip);
		return;
	}
	ka_str_printf(s, "%s+%" PRIu64, symbol.name, offset + 1);
	if (symbol.module)
		ka_str_printf(s, " [%s]", symbol.module);
}

/* "kmore_free_tape+21, by kmore_uaf+18, ...": first is who asked the allocator, which the stack may lack (it skips a fixed number of frames); 0: not known. */
static const char *stack_text(struct ka_kernel *k, struct ka_arena *a, ka_addr first, ka_addr at, size_t count)
{
	struct ka_str s = { 0 };
	const char *text;
	size_t shown = 0;
	bool has_first = false;

	for (size_t i = 0; first && i < count; i++) {
		ka_addr ip;

		has_first |= !ka_error_drop(ka_read_ulong(k, at + i * ka_long_size(k), &ip)) && ip == first;
	}
	if (first && !has_first)
		add_entry(k, &s, first, !shown++);

	for (size_t i = 0; i < count && shown < SHOWN_MAX; i++) {
		struct ka_symbol symbol;
		uint64_t offset;
		ka_addr ip;

		if (ka_error_drop(ka_read_ulong(k, at + i * ka_long_size(k), &ip)) || !ip)
			break;
		ip = ka_untag(k, ip);
		if (!shown && i + 1 < count && ka_symbol_at(k, ip - 1, &symbol, &offset) && is_allocator(symbol.name))
			continue;
		add_entry(k, &s, ip, !shown++);
	}
	text = s.len ? ka_strdup(a, s.p) : NULL;
	ka_str_free(&s);
	return text;
}

static const char *track_text(struct ka_kernel *k, struct ka_arena *a, const char *what, ka_addr at)
{
	struct slab_track t;
	struct slab_stack stack;
	const char *text = NULL;
	uint64_t jiffies;
	struct ka_str s = { 0 };

	if (ka_error_drop(ka_view_read(k, &ka_view_slab_track, at, &t)) || !ka_is_kernel_addr(k, t.addr) || t.cpu > 65535 || !ka_is_text(k, t.addr))
		return NULL;
	ka_str_printf(&s, "%s by PID %d on CPU %u", what, t.pid, t.cpu);
	if (!ka_error_drop(ka_symbol_ulong(k, "jiffies", &jiffies)) && jiffies >= t.when)
		ka_str_printf(&s, ", %" PRIu64 " jiffies before the end", jiffies - t.when);
	if (t.handle && depot(k, t.handle, &stack))
		text = stack_text(k, a, t.addr, stack.entries_at, stack.size);
	else if (t.addrs_at)
		text = stack_text(k, a, t.addr, t.addrs_at, KA_MIN(t.addrs_size / ka_long_size(k), (uint64_t)ENTRIES_MAX));
	if (!text) {
		struct ka_symbol symbol;
		uint64_t offset;

		if (ka_symbol_at(k, t.addr, &symbol, &offset))
			text = ka_printf(a, "%s+%" PRIu64, symbol.name, offset);
	}
	if (text)
		ka_str_printf(&s, ": %s", text);
	text = ka_strdup(a, s.p);
	ka_str_free(&s);
	return text;
}

static const char *kasan_text(struct ka_kernel *k, struct ka_arena *a, const char *what, ka_addr at)
{
	struct slab_kasan_track t;
	struct slab_stack stack;
	const char *text;

	if (ka_error_drop(ka_view_read(k, &ka_view_slab_kasan_track, at, &t)) || !depot(k, t.handle, &stack))
		return NULL;
	text = stack_text(k, a, 0, stack.entries_at, stack.size);
	return text ? ka_printf(a, "%s by PID %d: %s", what, t.pid, text) : NULL;
}

/* A flag that was a number, and is one bit of an enumeration since cc61eb851d49, v6.9 */
static bool has_tracks(struct ka_kernel *k, uint64_t flags)
{
	int64_t bit;

	return ka_enum_value(k, "_SLAB_STORE_USER", &bit) && bit >= 0 && bit < 32 ? flags >> bit & 1 : (flags & 0x10000) != 0;
}

size_t ka_fault_tracks(struct ka_kernel *k, struct ka_arena *a, const struct ka_slab_object *o, bool is_free, const char *ret[2])
{
	struct slab_debug d;
	const char *text, *freed = NULL;
	bool has_track = false, is_quarantined;
	uint64_t at;
	size_t n = 0;

	if (!o->object || ka_error_drop(ka_view_read(k, &ka_view_slab_debug, o->cache, &d)))
		return 0;
	/* an object that KASAN keeps in quarantine is not freed yet for SLUB; offset 0: it is the object itself */
	is_quarantined = KA_HAS(k, slab_debug, kasan_alloc) && ka_kasan_is_freed(k, o->object, &has_track) && has_track && d.kasan_free >= 0 &&
			 d.kasan_free < (int32_t)OFFSET_MAX &&
			 (freed = kasan_text(k, a, "freed", o->object + (uint64_t)d.kasan_free + KA_OFFSET(k, slab_kasan_free, track_at)));
	if (has_tracks(k, d.flags)) {
		/* behind the object and, when it lies outside, behind the link to the next free one */
		at = o->object + (d.offset >= d.inuse ? d.offset + ka_long_size(k) : d.inuse);
		if ((text = track_text(k, a, "allocated", at)))
			ret[n++] = text;
		if (is_quarantined || (freed = track_text(k, a, is_free ? "freed" : "freed before", at + ka_view_size(k, &ka_view_slab_track))))
			ret[n++] = freed;
		return n;
	}
	if (!KA_HAS(k, slab_debug, kasan_alloc))
		return 0;
	/* offset 0: none */
	if (d.kasan_alloc > 0 && d.kasan_alloc < (int32_t)OFFSET_MAX &&
	    (text = kasan_text(k, a, "allocated", o->object + (uint64_t)d.kasan_alloc + KA_OFFSET(k, slab_kasan_alloc, track_at))))
		ret[n++] = text;
	if (is_quarantined)
		ret[n++] = freed;
	return n;
}
