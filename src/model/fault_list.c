/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A list that is corrupted: the entries that the check was given, by the names of its arguments, what they are, and where their links lead. */
#include <inttypes.h>
#include <kanalyze/local.h>
#include <kanalyze/view.h>
#include "fault.h"

#define FRAMES_TRIED 3
#define DETAILS_MAX 8

struct fault_link { ka_addr next, prev; };
KA_VIEW(fault_link, ("list_head"),
	KA_FROM(fault_link, next, "next"),
	KA_FROM(fault_link, prev, "prev"));

static bool pointer_of(struct ka_kernel *k, const struct ka_locals *l, const char *name, uint64_t *ret)
{
	for (size_t i = 0; i < l->n; i++) {
		struct ka_type_info info, to;

		ka_type_strip(k, &l->at[i].type, &info);
		if (strcmp(l->at[i].name ? l->at[i].name : "", name) || l->at[i].state != KA_LOCAL_THERE || info.kind != KA_TYPE_POINTER)
			continue;
		ka_type_strip(k, &info.target, &to);
		if (to.name && !strcmp(to.name, "list_head") && !ka_error_drop(ka_value_number(k, &l->at[i].value, ret)))
			return true;
	}
	return false;
}

static const char *entry_text(struct ka_kernel *k, struct ka_arena *a, const char *name, uint64_t at, ka_addr task)
{
	struct ka_fault_place place;
	struct fault_link link;
	const char *links;

	if (!at)
		return ka_printf(a, "%s is NULL", name);
	ka_fault_place(k, a, at, task, &place);
	links = ka_error_drop(ka_view_read(k, &ka_view_fault_link, at, &link)) ? "; cannot be read" :
		ka_printf(a, "; its next is 0x%" PRIx64 ", its prev 0x%" PRIx64, link.next, link.prev);
	return ka_printf(a, "%s is 0x%" PRIx64 "%s%s%s", name, at, place.what ? ": " : "", place.what ? place.what : "", links);
}

void ka_fault_list(struct ka_kernel *k, struct ka_arena *a, const struct ka_stack *st, struct ka_fault *f)
{
	static const char *const names[] = { "new", "entry", "prev", "next" };
	const char **details = ka_alloc(a, (DETAILS_MAX + 1) * sizeof(*details));
	struct ka_stack stack = *st;
	size_t n = 0;

	/* the function that found it, or, where it was compiled into who called it, that one */
	for (size_t i = f->frame + 1; !n && i < st->count && i <= f->frame + FRAMES_TRIED; i++) {
		struct ka_locals l;

		if (ka_error_drop(ka_locals_read(k, &stack, i, a, &l)))
			continue;
		for (size_t j = 0; j < KA_COUNT(names); j++) {
			uint64_t at;

			if (pointer_of(k, &l, names[j], &at))
				details[n++] = entry_text(k, a, names[j], at, f->task);
		}
	}
	if (n)
		f->details = details;
}
