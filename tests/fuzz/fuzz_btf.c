/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Fuzzer of BTF: everything that can be asked is asked of whatever opens. The input
 * may be cut in two (first byte: length of the base in 64ths), then the second part
 * is split BTF on top of the first.
 */
#include "btf.h"
#include "debuginfo.h"

#define TYPES_MAX 4096	/* ids looked at */

struct seen {
	struct ka_types *t;
	unsigned n;
};

static void look_up_again(void *ctx, enum ka_type_kind kind, const char *name, uint32_t id)
{
	struct seen *s = ctx;

	(void)id;
	if (s->n++ < TYPES_MAX && !s->t->ops->find(s->t, kind, name))
		abort();	/* what is listed must be found */
}

static void ask(struct ka_types *t)
{
	static const char *const paths[] = { "a", "a.b", "a[1]", "a[A].b", "a@b", "next.next", "u", "a[0][0]", "a@b*" };
	struct ka_arena *a = ka_arena_new();
	struct seen seen = { .t = t };
	struct ka_type_brief brief;
	struct ka_type_part *parts;
	struct ka_member member;
	uint64_t size, offset;
	uint32_t bits, type;
	int64_t value;

	for (uint32_t id = 0; id < TYPES_MAX; id++) {
		t->ops->describe(t, id, &brief);
		ka_error_drop(t->ops->size(t, id, &size));
		t->ops->member(t, id, "a", &offset, &bits, &type);
		for (size_t i = t->ops->members(t, id, a, &parts); i--; )
			if (parts[i].name && !strlen(parts[i].name))
				abort();
		for (size_t i = t->ops->enumerators(t, id, a, &parts); i--; )
			if (parts[i].name && !strlen(parts[i].name))
				abort();
		/* Ids end somewhere: a few beyond the end will do. */
		if (brief.kind == KA_TYPE_OTHER && id > 64)
			break;
	}
	for (size_t i = 0; i < KA_COUNT(paths); i++) {
		ka_error_drop(ka_types_member(t, "a", paths[i], &member));
		ka_error_drop(ka_types_member(t, "struct list_head", paths[i], &member));
		ka_types_has(t, "union a", paths[i]);
	}
	t->ops->enumerator(t, "A", &value);
	ka_error_drop(ka_types_size(t, "a", &size));
	t->ops->each_name(t, look_up_again, &seen);
	ka_arena_free(a);
}

/* Memory of exactly this size, so that the sanitizer sees every read beyond it. */
static uint8_t *copy(const uint8_t *data, size_t size)
{
	uint8_t *p = malloc(size ? size : 1);

	if (!p)
		abort();
	memcpy(p, data, size);
	return p;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ka_types *base = NULL, *t = NULL;
	uint8_t *first, *second = NULL;
	size_t cut;

	if (!size)
		return 0;
	cut = data[0] && data[0] < 64 ? (size - 1) * data[0] / 64 : size - 1;
	first = copy(data + 1, cut);
	if (!ka_error_drop(ka_types_open_btf(first, cut, 8, &base))) {
		second = copy(data + 1 + cut, size - 1 - cut);
		if (cut == size - 1 || ka_error_drop(ka_types_open_btf_split(base, second, size - 1 - cut, &t)))
			ask(base);
		else
			ask(t);
		ka_types_close(t);
	}
	ka_types_close(base);
	free(first);
	free(second);
	return 0;
}
