/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The memory areas of a process with the names of what is mapped there. */
#include <kanalyze/task.h>
#include <kanalyze/vfs.h>
#include <kanalyze/view.h>
#include "user_object.h"

#define AREAS_MAX (1u << 20)
#define VM_EXEC 4
#define VSYSCALL 0xffffffffff600000ull	/* x86_64: of all processes, and of no area of theirs */

/* Where execve() and the kernel put things. The vdso: mm_context_t of x86 and aarch64. */
struct mm_places { uint64_t vdso, heap, heap_end, stack; };
KA_VIEW(mm_places, ("mm_struct"),
	KA_MAYBE(mm_places, vdso, "context.vdso"),
	KA_MAYBE(mm_places, heap, "start_brk"),
	KA_MAYBE(mm_places, heap_end, "brk"),
	KA_MAYBE(mm_places, stack, "start_stack"));

static const char *path_of(struct ka_kernel *k, ka_addr file, struct ka_arena *a)
{
	struct ka_vfs_file f;
	const char *path;

	if (ka_error_drop(ka_vfs_file_read(k, file, &f)))
		return "(unknown)";
	ka_error_drop(ka_path_name(k, f.path, a, &path, NULL));
	return path;
}

static int by_start(const void *a, const void *b)
{
	const struct ka_user_area *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

struct ka_error *ka_user_space_open(struct ka_kernel *k, ka_addr mm, const char *sysroot, struct ka_arena *a, struct ka_user_space *ret)
{
	struct { KA_VEC(struct ka_user_area); } list = { 0 };
	struct mm_places places = { 0 };
	struct ka_walk w = ka_walk_vmas(k, mm);
	struct ka_map paths = { 0 };
	struct ka_error *err;

	memset(ret, 0, sizeof(*ret));
	*ret = (struct ka_user_space){ .k = k, .mm = mm, .sysroot = sysroot, .arena = a };
	ka_error_drop(ka_view_read(k, &ka_view_mm_places, mm, &places));
	for (ka_addr at; list.n < AREAS_MAX && ka_walk_next(&w, &at);) {
		struct ka_user_area area;
		struct ka_vma v;
		uint64_t known;

		if (ka_error_drop(ka_vma_read(k, at, &v)))
			continue;
		area = (struct ka_user_area){ v.start, v.end, v.flags, v.pgoff_pages * ka_page_size(k), v.file, "[anon]" };
		if (v.file && ka_map_get(&paths, v.file, &known)) {
			area.name = (const char *)(uintptr_t)known;
		} else if (v.file) {
			area.name = path_of(k, v.file, a);
			ka_map_set(&paths, v.file, (uintptr_t)area.name);
		} else {
			area.offset = 0;
			if (v.start == places.vdso)
				area.name = "[vdso]";
			else if (v.start <= places.heap_end && v.end >= places.heap && places.heap)
				area.name = "[heap]";
			else if (places.stack >= v.start && places.stack < v.end)
				area.name = "[stack]";
		}
		ka_vec_push(&list, area);
	}
	err = ka_walk_end(&w);
	if (k->arch->e_machine == EM_X86_64)
		ka_vec_push(&list, (struct ka_user_area){ VSYSCALL, VSYSCALL + 4096, VM_EXEC, 0, 0, "[vsyscall]" });
	ret->areas = ka_alloc(a, (list.n + 1) * sizeof(*ret->areas));
	ret->area_count = list.n;
	if (list.n) {
		memcpy(ret->areas, list.at, list.n * sizeof(*list.at));
		qsort(ret->areas, list.n, sizeof(*ret->areas), by_start);
	}
	ka_vec_free(&list);
	ka_map_free(&paths);
	/* areas that are lost cost names alone */
	if (err && ret->area_count > 1) {
		ka_log(1, "memory areas: %s", err->message);
		ka_error_free(err);
		err = NULL;
	}
	return err;
}

const struct ka_user_area *ka_user_area_at(const struct ka_user_space *s, uint64_t at)
{
	size_t lo = 0, hi = s->area_count;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (s->areas[mid].start <= at)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo && at < s->areas[lo - 1].end ? &s->areas[lo - 1] : NULL;
}

bool ka_user_is_code(const struct ka_user_space *s, uint64_t at)
{
	const struct ka_user_area *a = ka_user_area_at(s, at);

	return a && a->flags & VM_EXEC;
}

bool ka_user_read(struct ka_user_space *s, uint64_t at, void *ret, size_t size)
{
	uint64_t page = ka_page_size(s->k);
	uint8_t *out = ret;

	while (size) {
		struct ka_error *err = NULL;
		size_t n = ka_read_user(s->k, s->mm, at, out, size, &err), part;
		/* nothing was ever mapped there: what the process would get is the file's. Swapped pages are its own */
		bool is_untouched = err && err->code == KA_UNMAPPED;
		const struct ka_user_area *a;

		ka_error_free(err);
		at += n;
		out += n;
		size -= n;
		if (!size)
			break;
		a = is_untouched ? ka_user_area_at(s, at) : NULL;
		part = KA_MIN(size, (size_t)(page - (at & (page - 1))));
		if (!a || !a->file || !ka_user_cached_read(s, a, at, out, part))
			return false;
		at += part;
		out += part;
		size -= part;
	}
	return true;
}
