/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Names of types and of their members, as a user begins to type them. */
#include "kernel.h"

#define ANONYMOUS_DEPTH_MAX 16

struct wanted {
	const char *prefix;
	size_t prefix_len;
	bool (*add)(void *ctx, const char *name);
	void *ctx;
	bool is_full;
};

static void name_offer(struct wanted *w, const char *name)
{
	if (name && !w->is_full && !strncmp(name, w->prefix, w->prefix_len))
		w->is_full = !w->add(w->ctx, name);
}

static void each_name(void *ctx, enum ka_type_kind kind, const char *name, uint32_t id)
{
	(void)id;
	if (kind == KA_TYPE_STRUCT || kind == KA_TYPE_UNION || kind == KA_TYPE_TYPEDEF || kind == KA_TYPE_ENUM)
		name_offer(ctx, name);
}

void ka_type_names(struct ka_kernel *k, const char *prefix, bool (*add)(void *ctx, const char *name), void *ctx)
{
	struct wanted w = { prefix, strlen(prefix), add, ctx, false };
	struct ka_types *types;

	if (!ka_error_drop(ka_kernel_types(k, &types)))
		types->ops->each_name(types, each_name, &w);
}

/* Members of anonymous structs and unions are used as if they were the outer one's. */
static void members_offer(struct ka_types *types, struct ka_arena *a, uint32_t id, struct wanted *w, unsigned depth)
{
	struct ka_type_part *parts;
	struct ka_type_brief brief;
	size_t count;

	types->ops->describe(types, id, &brief);
	if ((brief.kind != KA_TYPE_STRUCT && brief.kind != KA_TYPE_UNION) || depth > ANONYMOUS_DEPTH_MAX)
		return;
	count = types->ops->members(types, id, a, &parts);
	for (size_t i = 0; i < count && !w->is_full; i++) {
		if (parts[i].name)
			name_offer(w, parts[i].name);
		else
			members_offer(types, a, parts[i].type, w, depth + 1);
	}
}

void ka_type_member_names(struct ka_kernel *k, const char *path, const char *prefix, bool (*add)(void *ctx, const char *name), void *ctx)
{
	struct wanted w = { prefix, strlen(prefix), add, ctx, false };
	struct ka_types *types;
	struct ka_arena *a;
	uint32_t id;
	char *names, *rest, *name;

	if (ka_error_drop(ka_kernel_types(k, &types)))
		return;
	a = ka_arena_new();
	rest = names = ka_xstrdup(path);
	name = strsep(&rest, ".");
	id = ka_types_find(types, name);
	while (id && (name = strsep(&rest, "."))) {
		uint64_t offset_bits;
		uint32_t bit_size, member;

		id = types->ops->member(types, id, name, &offset_bits, &bit_size, &member) ? member : 0;
	}
	if (id)
		members_offer(types, a, id, &w, 0);
	free(names);
	ka_arena_free(a);
}
