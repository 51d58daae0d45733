/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What an address is, or was: poison, a user's, a module's (also of one that is gone), of a stack, of the slabs, of vmalloc. */
#include <inttypes.h>
#include <kanalyze/machine.h>
#include <kanalyze/module.h>
#include <kanalyze/page.h>
#include <kanalyze/regions.h>
#include <kanalyze/slab.h>
#include <kanalyze/symbol.h>
#include <kanalyze/task.h>
#include <kanalyze/translate.h>
#include <kanalyze/vma.h>
#include "fault.h"
#include "fault_area.h"
#include "kernel.h"

#define NOTES_MAX 12

struct find {
	struct ka_kernel *k;
	struct ka_arena *a;
	ka_addr addr, task;
	struct ka_fault_place *ret;
	const char **notes;
	size_t note_count;
};

static void found(struct find *f, const char *kind, const char *owner, const char *what)
{
	f->ret->kind = kind;
	f->ret->owner = owner;
	f->ret->what = what;
}

static void note(struct find *f, const char *text)
{
	if (f->note_count < NOTES_MAX)
		f->notes[f->note_count++] = text;
	f->ret->notes = f->notes;
}

/* "the kernel stack of PID 1 (init)", for all that have one of their own. */
static bool in_stack(struct find *f)
{
	uint64_t page = ka_page_size(f->k), size = ka_task_stack_size(f->k);
	struct ka_task t;

	if (f->task && !ka_error_drop(ka_task_read(f->k, f->task, &t)) && t.stack) {
		const char *who = ka_printf(f->a, "the kernel stack of PID %d (%.16s)", t.pid, t.comm);

		if (f->addr - t.stack < size)
			return found(f, "stack", who, ka_printf(f->a, "on %s, 0x%" PRIx64 " bytes above its end", who, f->addr - t.stack)), true;
		if (t.stack - f->addr <= page)
			return found(f, "guard", who, ka_printf(f->a, "in the guard page below %s", who)), true;
	}
	for (unsigned cpu = 0; cpu < ka_cpu_count(f->k); cpu++) {
		struct ka_cpu_stack stacks[KA_CPU_STACKS_MAX];
		unsigned n = ka_cpu_stacks(f->k, cpu, stacks);

		for (unsigned i = 0; i < n; i++) {
			const char *who = ka_printf(f->a, "the %s stack of CPU %u", stacks[i].name, cpu);

			if (f->addr - stacks[i].start < stacks[i].size)
				return found(f, "stack", who, ka_printf(f->a, "on %s", who)), true;
			if (stacks[i].start - f->addr <= page && ka_region_of(f->k, f->addr) != KA_REGION_DIRECT)
				return found(f, "guard", who, ka_printf(f->a, "in the guard page below %s", who)), true;
		}
	}
	return false;
}

static void in_user(struct find *f)
{
	struct ka_task t;
	struct ka_vma v;
	struct ka_walk w;

	found(f, "user", NULL, "a user address");
	if (!f->task || ka_error_drop(ka_task_read(f->k, f->task, &t)))
		return;
	if (!t.mm)
		return found(f, "user", NULL, ka_printf(f->a, "a user address, in a thread of the kernel that has no user memory (%.16s)", t.comm));
	w = ka_walk_vmas(f->k, t.mm);
	found(f, "user", NULL, ka_printf(f->a, "a user address, in no memory area of PID %d (%.16s)", t.pid, t.comm));
	for (ka_addr at; ka_walk_next(&w, &at);)
		if (!ka_error_drop(ka_vma_read(f->k, at, &v)) && f->addr >= v.start && f->addr < v.end) {
			found(f, "user", NULL, ka_printf(f->a, "a user address, in the memory area 0x%" PRIx64 "-0x%" PRIx64 " of PID %d (%.16s)", v.start, v.end,
							 t.pid, t.comm));
			break;
		}
	ka_error_drop(ka_walk_end(&w));
}

/* ---- modules, here and gone ---- */

static void gone_modules(struct find *f)
{
	const struct ka_module_gone *gone;
	size_t n = ka_modules_gone(f->k, f->a, &gone);

	for (size_t i = 0; i < n; i++)
		if (gone[i].is_last) {
			f->ret->owner = ka_strdup(f->a, gone[i].name);
			note(f, ka_printf(f->a, "the module that was unloaded last is %s", gone[i].name));
		}
	for (size_t i = 0; i < n; i++)
		if (!gone[i].is_last) {
			const char *letters = ka_taint_letters(f->k, gone[i].taints, true, f->a);

			note(f, ka_printf(f->a, "%s%s%s%s was unloaded, too", gone[i].name, letters[0] ? " (" : "", letters, letters[0] ? ")" : ""));
		}
}

static void in_modules(struct find *f)
{
	const struct ka_module *m = ka_module_at(f->k, f->addr);
	struct ka_fault_area area;
	struct ka_symbol s;
	uint64_t offset;

	if (m) {
		const char *section = NULL, *symbol = "";

		for (unsigned i = 0; i < m->range_count; i++)
			if (f->addr - m->ranges[i].base < m->ranges[i].size)
				section = m->ranges[i].name;
		if (ka_symbol_at(f->k, f->addr, &s, &offset)) {
			const char *path = ka_fault_variable_path(f->k, f->a, f->addr);

			symbol = path ? ka_printf(f->a, " (%s)", path) : ka_printf(f->a, " (%s+%" PRIu64 ")", s.name, offset);
		}
		found(f, "module", m->name, ka_printf(f->a, "in the %s of module %s%s", section ? section : "memory", m->name, symbol));
		return;
	}
	if (!ka_fault_is_gone(f->k, f->addr))
		return found(f, "module_area", NULL, "in the module area: code that is no module's (BPF, kprobes, trampolines)");
	found(f, "module_gone", NULL, "in the module area, where no module is loaded: that of a module that is gone");
	if (ka_fault_area_find(f->k, f->addr, &area))
		note(f, ka_printf(f->a, "the area 0x%" PRIx64 "-0x%" PRIx64 " is %s", area.start, area.end, area.is_freed ? "freed" : "allocated"));
	gone_modules(f);
	if (f->ret->owner)
		f->ret->what = ka_printf(f->a, "in the module area, where no module is loaded: that of a module that is gone (the last to go was %s)", f->ret->owner);
	f->note_count += ka_fault_left(f->k, f->a, f->notes + f->note_count, NOTES_MAX - f->note_count);
}

/* ---- the rest ---- */

static void in_vmalloc(struct find *f)
{
	struct ka_fault_area area;
	struct ka_symbol s;
	const char *who = "";
	uint64_t offset;

	found(f, "vmalloc", NULL, "in the vmalloc range, where nothing is allocated");
	if (!ka_fault_area_find(f->k, f->addr, &area))
		return;
	if (area.caller && ka_symbol_at(f->k, area.caller, &s, &offset)) {
		who = ka_printf(f->a, " of %s", s.name);
		f->ret->owner = s.name;
	}
	if (area.is_freed)
		f->ret->what = ka_printf(f->a, "in the vmalloc area 0x%" PRIx64 "-0x%" PRIx64 ", which was freed", area.start, area.end);
	else if (area.has_guard && area.end - f->addr <= ka_page_size(f->k))
		f->ret->what = ka_printf(f->a, "in the guard page behind the vmalloc area 0x%" PRIx64 "-0x%" PRIx64 "%s", area.start,
					 area.end - ka_page_size(f->k), who);
	else
		f->ret->what = ka_printf(f->a, "in the vmalloc area 0x%" PRIx64 "-0x%" PRIx64 "%s", area.start, area.end, who);
}

struct fault_free {
	uint32_t offset;
	uint64_t random;
};
/* SLUB: where a free object has the link to the next one; hidden by a secret with CONFIG_SLAB_FREELIST_HARDENED (2482ddec670f, v4.14) */
KA_VIEW(fault_free, ("kmem_cache"),
	KA_FROM(fault_free, offset, "offset"),
	KA_MAYBE(fault_free, random, "random"));

/* Is what lies at the address the link of a free object? Proved by where it leads. */
static bool is_free_link(struct find *f, const struct ka_slab_object *o)
{
	struct fault_free c;
	struct ka_slab_object next;
	ka_addr link = o->object;
	uint64_t raw, to;

	if (!o->object || ka_error_drop(ka_view_read(f->k, &ka_view_fault_free, o->cache, &c)))
		return false;
	link += c.offset;
	if (ka_error_drop(ka_read_u64(f->k, link, &raw)))
		return false;
	/* the address is mixed in as it is, or with its bytes swapped (1ad53d9fa3f6, v5.7) */
	for (int i = 0; i < (c.random ? 2 : 1); i++) {
		to = c.random ? raw ^ c.random ^ (i ? link : __builtin_bswap64(link)) : raw;
		if ((!to && c.random) || (to && to != o->object && ka_slab_find(f->k, to, &next) && next.cache == o->cache && next.object == to))
			return true;
	}
	return false;
}

/* A page, with what only the first of a compound page tells of all of them. */
static bool page_at(struct find *f, ka_phys phys, struct ka_page *ret)
{
	struct ka_page head;

	if (ka_error_drop(ka_page_read(f->k, phys, ret)))
		return false;
	if (ret->head != ret->addr && !ka_error_drop(ka_page_read(f->k, ret->head_phys, &head))) {
		ret->index = head.index + (phys.v - ret->head_phys.v) / ka_page_size(f->k);
		ret->mapping = head.mapping;
		ret->refcount = head.refcount;
	}
	return true;
}

/* Whose it is, when it is in use; NULL: not known. */
static const char *page_owner(struct find *f, const struct ka_page *p)
{
	const char *text = p->refcount > 0 ? ka_fault_page_owner(f->k, f->a, p) : NULL;

	if (text || p->refcount <= 0 || !ka_is_kernel_addr(f->k, p->mapping & ~3ull) || (p->mapping & 3) == 2)
		return text;
	return p->mapping & 1 ? "anonymous memory of a process" :
	       ka_printf(f->a, "page %" PRIu64 " of a file's cache (address_space 0x%" PRIx64 ")", p->index, p->mapping);
}

static const char *page_state(struct find *f, const struct ka_page *p)
{
	if (p->refcount <= 0 && p->head == p->addr)
		return "which is free";
	return ka_printf(f->a, "with %d reference%s", p->refcount, p->refcount == 1 ? "" : "s");
}

static void in_direct(struct find *f)
{
	struct ka_slab_object o;
	const char *owner;
	struct ka_page p;
	ka_phys phys;

	found(f, "direct", NULL, "in the direct map, beyond the memory there is");
	if (ka_slab_find(f->k, f->addr, &o)) {
		const char *cache = ka_strdup(f->a, o.name);
		uint64_t offset = f->addr - o.object;

		if (!o.object)
			found(f, "slab", cache, ka_printf(f->a, "between objects of slab cache %s", cache));
		else if (offset >= o.object_size)
			found(f, "slab", cache, ka_printf(f->a, "%s behind the end of object 0x%" PRIx64 " (%" PRIu64 " bytes) of slab cache %s",
							 offset == o.object_size ? "right" : ka_printf(f->a, "0x%" PRIx64 " bytes", offset - o.object_size), o.object,
							 o.object_size, cache));
		else
			found(f, "slab", cache, ka_printf(f->a, "object 0x%" PRIx64 "%s of slab cache %s", o.object,
							 offset ? ka_printf(f->a, " + 0x%" PRIx64, offset) : "", cache));
		const char *tracks[2];
		bool has_track, is_free = is_free_link(f, &o) || (o.object && ka_kasan_is_freed(f->k, o.object, &has_track));

		if (is_free)
			found(f, "slab_free", cache, ka_printf(f->a, "freed %s", f->ret->what));
		for (size_t i = 0, n = ka_fault_tracks(f->k, f->a, &o, is_free, tracks); i < n; i++)
			note(f, tracks[i]);
		return;
	}
	if (!ka_is_direct(f->k, f->addr, &phys) || !page_at(f, phys, &p))
		return;
	phys.v &= ~(ka_page_size(f->k) - 1);
	owner = page_owner(f, &p);
	if (owner)
		return found(f, "page", NULL, ka_printf(f->a, "in the direct map: page 0x%" PRIx64 ", %s", phys.v, owner));
	f->ret->what = ka_printf(f->a, "in the direct map: page 0x%" PRIx64 ", %s", phys.v, page_state(f, &p));
}

static void in_vmemmap(struct find *f)
{
	uint64_t size = ka_page_struct_size(f->k), inside = f->addr & 7;
	const char *owner;
	struct ka_page p;
	ka_phys phys;

	found(f, "vmemmap", NULL, "in the array of struct page");
	while (inside < size && ka_error_drop(ka_page_phys(f->k, f->addr - inside, &phys)))
		inside += 8;
	if (inside >= size || !page_at(f, phys, &p))
		return;
	owner = page_owner(f, &p);
	f->ret->what = ka_printf(f->a, "struct page%s of page 0x%" PRIx64 ", %s", inside ?
				 ka_printf(f->a, " 0x%" PRIx64 " + 0x%" PRIx64, f->addr - inside, inside) : "", phys.v & ~(ka_page_size(f->k) - 1),
				 owner ? owner : page_state(f, &p));
}

/* Chunks of per-CPU memory are alike in distance: what an offset means can be seen on any CPU. */
static bool in_percpu(struct find *f)
{
	const struct ka_module *m = NULL;
	uint64_t base, unit = 0, distance;
	struct ka_fault_area area;
	struct ka_symbol s, start;
	const char *name = NULL;
	ka_addr at, first;
	size_t i;

	if (ka_symbol_index(f->k, NULL, f->addr, &i) && ka_symbol_nth(f->k, NULL, i, &s) && s.is_percpu && f->addr - s.addr < s.size) {
		found(f, "percpu", s.name, ka_printf(f->a, "the offset of per-CPU variable %s: a per-CPU pointer that was not made one of a CPU", s.name));
		return true;
	}
	if (ka_error_drop(ka_percpu_offset(f->k, 0, &base)))
		return false;
	at = f->addr + base;
	for (i = 0; i < ka_module_count(f->k); i++) {
		m = ka_module_nth(f->k, i);
		if (m->percpu && f->addr - m->percpu < m->percpu_size)
			break;
	}
	if (i < ka_module_count(f->k)) {
		if (ka_symbol_index(f->k, m->name, f->addr, &i) && ka_symbol_nth(f->k, m->name, i, &s) && s.is_percpu && f->addr - s.addr < KA_MAX(s.size, 1u))
			name = f->addr == s.addr ? s.name : ka_printf(f->a, "%s+%" PRIu64, s.name, f->addr - s.addr);
		found(f, "percpu", name ? name : m->name,
		      ka_printf(f->a, "the offset of per-CPU variable %s of module %s: a per-CPU pointer that was not made one of a CPU", name ? name : "?", m->name));
		note(f, ka_printf(f->a, "CPU 0 has that at 0x%" PRIx64, at));
		return true;
	}
	/* what alloc_percpu() gave: in the first chunk, or in another, which the vmalloc area of tells */
	if (ka_is_kernel_addr(f->k, f->addr) || !ka_is_kernel_addr(f->k, at))
		return false;
	if (!ka_error_drop(ka_symbol_value(f->k, "pcpu_unit_size", &unit)) && !ka_error_drop(ka_symbol_ulong(f->k, "pcpu_base_addr", &first)) &&
	    ka_symbol_lookup(f->k, "__per_cpu_start", &start)) {
		distance = f->addr - start.addr;
		if (unit && distance >= 0x1000 && distance < unit) {
			found(f, "percpu", NULL, "far from NULL, or what alloc_percpu() gave: then a per-CPU pointer that was not made one of a CPU");
			note(f, ka_printf(f->a, "as a per-CPU pointer: CPU 0 has that at 0x%" PRIx64, at));
			return true;
		}
	}
	if (ka_region_of(f->k, at) == KA_REGION_VMALLOC && ka_fault_area_find(f->k, at, &area) && area.caller && ka_symbol_at(f->k, area.caller, &s, &base) &&
	    !strncmp(s.name, "pcpu_", 5)) {
		found(f, "percpu", NULL, "what alloc_percpu() gave: a per-CPU pointer that was not made one of a CPU");
		note(f, ka_printf(f->a, "CPU 0 has that at 0x%" PRIx64, at));
		return true;
	}
	return false;
}

static bool is_canonical(struct find *f)
{
	unsigned bits = f->k->layout.va_levels == 5 ? 56 : 47;

	/* 48 or 52 bits: what is between is not known to be one by the number alone */
	if (ka_fault_is_aarch64(f->k))
		return (f->addr >> 52) == 0 || (f->addr >> 52) == 0xfff;
	return f->addr >> bits == 0 || f->addr >> bits == UINT64_MAX >> bits;
}

/* A string that was taken for a pointer. */
static void note_text(struct find *f)
{
	char text[9];
	unsigned n = 0;

	for (; n < 8 && (f->addr >> n * 8 & 0xff) >= ' ' && (f->addr >> n * 8 & 0xff) < 0x7f; n++)
		text[n] = (char)(f->addr >> n * 8);
	text[n] = 0;
	/* all that is not NUL behind it */
	if (n >= 5 && (n == 8 || !(f->addr >> n * 8)) && strspn(text, (char[]){ text[0], 0 }) < n)
		note(f, ka_printf(f->a, "as bytes it is the text \"%s\"", text));
}

static bool in_shadow(struct find *f)
{
	ka_addr of;

	if (!ka_kasan_of_shadow(f->k, f->addr, &of))
		return false;
	found(f, "kasan", NULL, ka_printf(f->a, "KASAN's shadow of 0x%" PRIx64, of));
	return true;
}

/* What KASAN holds of it: an object in quarantine is on no list of free ones. */
static void note_shadow(struct find *f)
{
	const char *text;
	uint8_t byte;

	if (ka_kasan_shadow(f->k, f->addr, &byte) && (text = ka_kasan_shadow_text(f->a, byte)))
		note(f, ka_printf(f->a, "KASAN's shadow of it is %02x: %s", byte, text));
}

void ka_fault_place(struct ka_kernel *k, struct ka_arena *a, ka_addr addr, ka_addr task, struct ka_fault_place *ret)
{
	struct find f = { .k = k, .a = a, .addr = addr, .task = task, .ret = ret };
	struct ka_symbol s;
	uint64_t offset;
	ka_phys phys;

	*ret = (struct ka_fault_place){0};
	f.notes = ka_alloc(a, (NOTES_MAX + 1) * sizeof(*f.notes));
	if (ka_fault_poison(a, addr, ka_page_size(k), true, &ret->what, &ret->kind))
		return;
	if (in_percpu(&f) || in_shadow(&f))
		return;
	if (!is_canonical(&f) || !ka_is_kernel_addr(k, addr)) {
		if (!is_canonical(&f))
			found(&f, "non_canonical", NULL, "no address of this processor (non-canonical)");
		else
			in_user(&f);
		note_text(&f);
		return;
	}
	if (in_stack(&f)) {
		note_shadow(&f);
		return;
	}
	switch (ka_region_of(k, addr)) {
	case KA_REGION_IMAGE:
		found(&f, "image", NULL, "in the kernel's image");
		if (ka_symbol_at(k, addr, &s, &offset))
			found(&f, "image", s.name, offset && ka_fault_variable_path(k, a, addr) ? ka_printf(a, "%s of the kernel's image", ka_fault_variable_path(k, a, addr)) : offset ? ka_printf(a, "%s+%" PRIu64 " of the kernel's image", s.name, offset) :
			      ka_printf(a, "%s of the kernel's image", s.name));
		break;
	case KA_REGION_MODULES: in_modules(&f); break;
	case KA_REGION_VMALLOC: in_vmalloc(&f); break;
	case KA_REGION_DIRECT: in_direct(&f); break;
	case KA_REGION_VMEMMAP: in_vmemmap(&f); break;
	default:
		found(&f, "kernel", NULL, ka_error_drop(ka_translate(k, addr, &phys)) ? "a kernel address where nothing is mapped" : "in a small area of the kernel's");
		break;
	}
	if (ka_module_at(k, addr) && strcmp(ret->kind, "module"))
		in_modules(&f);
	note_shadow(&f);
}
