/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Printing of hostile types and values: the input is BTF, and the bytes that are printed in its types' shapes. What is
 * printed must end, and must not read beyond anything.
 */
#include <time.h>
#include <kanalyze/value.h>
#include "debuginfo.h"

#define TYPES_MAX 64	/* of one input */
#define PARTS_MAX 8192	/* of one value; users have a larger bound, and what one part may cost is checked here */
#define PARTS_REST 256	/* of the values of an input that come after two cut there: inputs per second count, too */
#define SECONDS_MAX 3	/* of CPU for all that is asked of one type, with sanitizers: what takes longer counts for too few parts */

struct memory {
	const uint8_t *bytes;
	size_t size;
};

/* Memory is the input again and again, with a hole in each 64 KB. */
static struct ka_error *read_memory(void *ctx, uint64_t at, void *ret, size_t size)
{
	const struct memory *m = ctx;

	if ((at & 0xffff) + size > 0xf000 || !m->size)
		return ka_error_at(KA_UNMAPPED, KA_SPACE_VIRT, at, "a hole");
	for (size_t done = 0, n; done < size; done += n) {
		size_t from = (at + done) % m->size;

		n = KA_MIN(size - done, m->size - from);
		memcpy((uint8_t *)ret + done, m->bytes + from, n);
	}
	return NULL;
}

static double cpu_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void ask(struct ka_types *t, uint32_t id, struct memory *m, unsigned how_bits, unsigned *cuts)
{
	struct ka_type type = { .types = t, .id = id, .stars = how_bits & 1 };
	struct ka_print how = { .radix = how_bits & 2 ? 16 : 10, .elements_max = how_bits & 64 ? 0 : 16, .repeats = how_bits & 4 ? 3 : 0, .one_a_line = how_bits & 8,
				.stops_at_nul = how_bits & 16, .parts_max = *cuts < 2 ? PARTS_MAX : PARTS_REST, .read = read_memory, .ctx = m };
	struct ka_value x = { .type = type, .is_lvalue = true, .addr = 0x10000 + (how_bits & 0xff) };
	struct ka_arena *a = ka_arena_new();
	double start = cpu_seconds();
	const struct ka_node *node;
	struct ka_error *err;
	struct ka_str s = {0};

	ka_type_text(NULL, &type, "name", &s);
	ka_str_clear(&s);
	ka_error_drop(ka_type_declaration(NULL, &type, NULL, how_bits & 7, 0, &s));
	ka_str_clear(&s);
	err = ka_value_text(NULL, &x, &how, how_bits & 32, &s);
	*cuts += err && err->code == KA_UNSUPPORTED;
	ka_error_drop(err);
	ka_str_clear(&s);
	ka_error_drop(ka_value_members_text(NULL, &x, "a,b.c,d[1].e", &how, &s));
	ka_error_drop(ka_value_tree(NULL, &x, &how, a, &node));
	ka_type_tree(NULL, &type, a);
	ka_str_free(&s);
	ka_arena_free(a);
	if (cpu_seconds() - start > SECONDS_MAX)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct memory m = { data, size };
	struct ka_types *t;
	unsigned cuts = 0;
	uint8_t *bytes;

	if (size < 2)
		return 0;
	bytes = ka_xalloc(size - 1);
	memcpy(bytes, data + 1, size - 1);
	if (!ka_error_drop(ka_types_open_btf(bytes, size - 1, 8, &t))) {
		for (uint32_t id = 1; id <= TYPES_MAX; id++)
			ask(t, id, &m, data[0] ^ id, &cuts);
		ka_types_close(t);
	}
	free(bytes);
	return 0;
}
