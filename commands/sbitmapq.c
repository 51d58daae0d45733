/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sbitmapq: a sbitmap_queue, and the elements of an array that its bits stand for. */
#include <inttypes.h>
#include <kanalyze/sbitmap.h>
#include <kanalyze/task.h>
#include <kanalyze/type.h>
#include "members.h"
#include "words.h"

struct sbq_row {
	ka_addr address;
	const char *text;
	uint32_t depth, busy, cleared, bits_per_word, map_nr, wake_batch, min_shallow_depth;
	int32_t wake_index, ws_active, completion_cnt, wakeup_cnt;
	bool round_robin, has_cleared, has_ws_active, has_round_robin, has_min_shallow_depth, has_counts;
	const struct ka_node *alloc_hint, *ws, *bits;
};
#define SBQ_IF(m, t, has, help_) { #m, offsetof(struct sbq_row, m), sizeof(((struct sbq_row *)0)->m), t, KA_ONLY_JSON, offsetof(struct sbq_row, has), NULL, help_ }
KA_LINES(sbq_row, "queues", "{text}",
	KA_COLF(sbq_row, text, KA_TEXT, KA_ONLY_TEXT, "all of it"),
	KA_COLF(sbq_row, address, KA_ADDR, KA_ONLY_JSON, "of the sbitmap_queue"),
	KA_COLF(sbq_row, depth, KA_UINT, KA_ONLY_JSON, "bits there are"),
	KA_COLF(sbq_row, busy, KA_UINT, KA_ONLY_JSON, "bits in use"),
	SBQ_IF(cleared, KA_UINT, has_cleared, "bits given back, and not yet taken off the words"),
	KA_COLF(sbq_row, bits_per_word, KA_UINT, KA_ONLY_JSON, "bits of a word that are used"),
	KA_COLF(sbq_row, map_nr, KA_UINT, KA_ONLY_JSON, "words"),
	KA_COLF(sbq_row, alloc_hint, KA_VALUE, KA_ONLY_JSON, "of each CPU, where it looks first for a free bit"),
	KA_COLF(sbq_row, wake_batch, KA_UINT, KA_ONLY_JSON, "bits that are given back before waiters are woken"),
	KA_COLF(sbq_row, wake_index, KA_INT, KA_ONLY_JSON, "wait queue that is woken next"),
	SBQ_IF(ws_active, KA_INT, has_ws_active, "wait queues with somebody in them"),
	KA_COLF(sbq_row, ws, KA_VALUE, KA_ONLY_JSON, "the wait queues: wait_cnt (until 6.0), is_active"),
	SBQ_IF(round_robin, KA_BOOL, has_round_robin, "are bits given out in turn?"),
	SBQ_IF(min_shallow_depth, KA_UINT, has_min_shallow_depth, "least number of bits that a user limits itself to"),
	SBQ_IF(completion_cnt, KA_INT, has_counts, "bits given back so far (since 6.1)"),
	SBQ_IF(wakeup_cnt, KA_INT, has_counts, "wake-ups so far (since 6.1)"),
	KA_COLF(sbq_row, bits, KA_VALUE, KA_ONLY_JSON, "numbers of the bits in use"));

struct sbq_element {
	const char *text;
	uint64_t bit;
	ka_addr address, object;
	bool has_object;
	const char *members_text;
	const struct ka_node *members;
};
KA_LINES(sbq_element, "elements", "{text}{members_text}",
	KA_COLF(sbq_element, text, KA_TEXT, KA_ONLY_TEXT, "number and address"),
	KA_COLF(sbq_element, bit, KA_UINT, KA_ONLY_JSON, "number of the bit"),
	KA_COLF(sbq_element, address, KA_ADDR, KA_ONLY_JSON, "of the array's element"),
	{ "object", offsetof(struct sbq_element, object), 8, KA_ADDR, KA_ONLY_JSON, offsetof(struct sbq_element, has_object), NULL, "what it points to (-p)" },
	KA_COLF(sbq_element, members_text, KA_TEXT, KA_ONLY_TEXT, "what -s asks for (-v)"),
	KA_COLF(sbq_element, members, KA_VALUE, KA_ONLY_JSON, "the same: an object with a key for each member or struct"));

struct request {
	struct ka_call *c;
	struct members members;
	struct ka_sbitmap_queue q;
	ka_addr at, array;
	uint64_t element_size;
	bool is_pointers;
};

/* Lists in JSON. */
struct list { struct ka_node *list; const struct ka_node **end; };

static struct list list_new(struct ka_arena *a)
{
	struct ka_node *n = ka_alloc(a, sizeof(*n));

	n->kind = KA_NODE_LIST;
	return (struct list){ n, &n->first };
}

static struct ka_node *list_add(struct ka_arena *a, struct list *l, enum ka_node_kind kind)
{
	struct ka_node *n = ka_alloc(a, sizeof(*n));

	n->kind = kind;
	*l->end = n;
	l->end = &n->next;
	return n;
}

static void alloc_hint_read(struct request *r, struct list *json, struct ka_str *to)
{
	struct ka_call *c = r->c;

	ka_str_add(to, "alloc_hint = {");
	for (unsigned cpu = 0; cpu < ka_cpu_count(c->k); cpu++) {
		uint64_t offset;
		uint32_t hint = 0;
		struct ka_error *err = ka_percpu_offset(c->k, cpu, &offset);

		if (!err)
			err = ka_read_u32(c->k, r->q.alloc_hint + offset, &hint);
		ka_str_printf(to, "%s%s", cpu ? ", " : "", err ? "?" : "");
		list_add(c->arena, json, err ? KA_NODE_NULL : KA_NODE_UINT)->u = hint;
		if (!err)
			ka_str_printf(to, "%" PRIu32, hint);
		ka_call_fault(c, ka_error_wrap(err, "alloc_hint of CPU %u", cpu));
	}
	ka_str_add(to, "}\n");
}

static void waits_read(struct request *r, struct list *json, struct ka_str *to)
{
	struct ka_call *c = r->c;

	ka_str_add(to, "ws = {\n");
	for (unsigned i = 0; i < KA_SBITMAP_WAITS; i++) {
		struct ka_sbitmap_wait wait = {0};
		struct ka_error *err = ka_sbitmap_wait_read(c->k, &r->q, i, &wait);
		struct ka_node *object = list_add(c->arena, json, err ? KA_NODE_NULL : KA_NODE_OBJECT), *n;
		struct list members = { object, &object->first };

		if (err) {
			ka_call_fault(c, err);
			ka_str_add(to, "\t{ ? },\n");
			continue;
		}
		ka_str_add(to, "\t{ ");
		if (wait.has_count) {
			ka_str_printf(to, ".wait_cnt = %" PRId32 ", ", wait.count);
			n = list_add(c->arena, &members, KA_NODE_INT);
			n->key = "wait_cnt";
			n->i = wait.count;
		}
		ka_str_printf(to, ".wait = %s },\n", wait.is_active ? "active" : "inactive");
		n = list_add(c->arena, &members, KA_NODE_BOOL);
		n->key = "is_active";
		n->is_true = wait.is_active;
	}
	ka_str_add(to, "}\n");
}

static void byte_add(struct ka_str *to, uint32_t at, uint8_t byte)
{
	if (at % 16 == 0)
		ka_str_printf(to, "%s%08" PRIx32 ":", at ? "\n" : "", at);
	ka_str_printf(to, "%s%02x", at % 2 ? "" : " ", byte);
}

/* The bits as bytes, in the order of their numbers; counts of what is busy and what is given back on the way. */
static void words_read(struct request *r, struct sbq_row *row, struct list *json, struct ka_str *to)
{
	struct ka_call *c = r->c;
	uint32_t at = 0;
	unsigned have = 0;
	uint8_t byte = 0;

	for (uint32_t i = 0; i < r->q.sb.word_count && !ka_interrupted(); i++) {
		uint64_t word = 0, cleared = 0;
		unsigned bits = 1u << r->q.sb.shift;

		ka_call_fault(c, ka_sbitmap_word(c->k, &r->q.sb, i, &word, &cleared, &bits));
		row->busy += (unsigned)__builtin_popcountll(word & ~cleared);
		row->cleared += (unsigned)__builtin_popcountll(cleared);
		for (unsigned bit = 0; bit < bits; bit++) {
			bool is_set = (word & ~cleared) >> bit & 1;

			if (is_set)
				list_add(c->arena, json, KA_NODE_UINT)->u = ((uint64_t)i << r->q.sb.shift) + bit;
			byte |= (uint8_t)(is_set << have);
			if (++have < 8)
				continue;
			byte_add(to, at++, byte);
			byte = 0;
			have = 0;
		}
	}
	if (have)
		byte_add(to, at, byte);
}

static void show_queue(struct request *r)
{
	const struct ka_sbitmap_queue *q = &r->q;
	struct ka_arena *a = r->c->arena;
	struct sbq_row row = { .address = r->at, .depth = q->sb.depth, .bits_per_word = 1u << q->sb.shift, .map_nr = q->sb.word_count,
		.wake_batch = q->wake_batch, .wake_index = q->wake_index, .ws_active = q->ws_active, .round_robin = q->round_robin,
		.min_shallow_depth = q->min_shallow_depth, .completion_cnt = q->completion_count, .wakeup_cnt = q->wakeup_count,
		.has_cleared = q->sb.has_cleared, .has_ws_active = q->has_ws_active, .has_round_robin = q->has_round_robin,
		.has_min_shallow_depth = q->has_min_shallow_depth, .has_counts = q->has_counts };
	struct list hints = list_new(a), waits = list_new(a), bits = list_new(a);
	struct ka_str s = {0}, map = {0};

	words_read(r, &row, &bits, &map);
	ka_str_printf(&s, "depth = %" PRIu32 "\nbusy = %" PRIu32 "\n", row.depth, row.busy);
	if (row.has_cleared)
		ka_str_printf(&s, "cleared = %" PRIu32 "\n", row.cleared);
	ka_str_printf(&s, "bits_per_word = %" PRIu32 "\nmap_nr = %" PRIu32 "\n", row.bits_per_word, row.map_nr);
	alloc_hint_read(r, &hints, &s);
	ka_str_printf(&s, "wake_batch = %" PRIu32 "\nwake_index = %" PRId32 "\n", row.wake_batch, row.wake_index);
	if (row.has_ws_active)
		ka_str_printf(&s, "ws_active = %" PRId32 "\n", row.ws_active);
	waits_read(r, &waits, &s);
	if (row.has_round_robin)
		ka_str_printf(&s, "round_robin = %d\n", row.round_robin);
	if (row.has_min_shallow_depth)
		ka_str_printf(&s, "min_shallow_depth = %" PRIu32 "\n", row.min_shallow_depth);
	ka_str_addc(&s, '\n');
	if (map.len)
		ka_str_addn(&s, map.p, map.len);
	row.text = s.p;
	row.alloc_hint = hints.list;
	row.ws = waits.list;
	row.bits = bits.list;
	ka_out_row(r->c->out, &ka_rows_sbq_row, &row);
	ka_str_free(&s);
	ka_str_free(&map);
}

static void show_element(struct request *r, struct ka_arena *a, uint64_t bit)
{
	bool is_verbose = ka_call_has(r->c, "v");
	struct sbq_element row = { .bit = bit, .address = r->array + bit * r->element_size, .has_object = r->is_pointers };
	ka_addr object = row.address;
	struct ka_error *err = NULL;

	row.text = ka_printf(a, is_verbose ? "%" PRIu64 " (0x%08" PRIx64 "):" : "%" PRIu64 ": 0x%08" PRIx64, bit, row.address);
	if (r->is_pointers)
		err = ka_read_ulong(r->c->k, row.address, &object);
	if (err) {
		row.has_object = false;
		ka_call_fault(r->c, ka_error_wrap(err, "bit %" PRIu64, bit));
	} else {
		row.object = object;
		if (is_verbose)
			members_read(&r->members, a, object, &row.members_text, &row.members);
	}
	ka_out_row(r->c->out, &ka_rows_sbq_element, &row);
}

static void show_elements(struct request *r)
{
	struct ka_walk w = ka_walk_sbitmap(r->c->k, &r->q.sb);
	struct ka_error *err;

	for (ka_addr bit; ka_walk_next(&w, &bit); ) {
		struct ka_arena *a = ka_arena_new();

		show_element(r, a, bit);
		ka_arena_free(a);
	}
	err = ka_walk_end(&w);
	ka_call_fault(r->c, err);
}

static struct ka_error *request_read(struct request *r)
{
	struct ka_call *c = r->c;
	bool has_array = ka_call_has(c, "a"), has_struct = ka_call_has(c, "s");
	struct ka_error *err;

	ka_words_join(c);
	if (!c->argc)
		return ka_call_usage(c, "command argument is required");
	if (c->argc > 1)
		return ka_call_usage(c, "too many arguments");
	if (has_struct && !has_array)
		return ka_call_usage(c, "-s option requires -a option");
	if (has_array && !has_struct)
		return ka_call_usage(c, "-a option is used with -s option only");
	if (ka_call_has(c, "p") && !has_array)
		return ka_call_usage(c, "-p option requires -a option");
	err = members_open(c, &r->members);
	if (!err && r->members.count > 1)
		err = ka_call_usage(c, "-s option (%s) already entered", r->members.of[0].type);
	if (!err)
		err = start_parse(c, c->argv[0], &r->at);
	if (!err && has_array)
		err = ka_error_wrap(start_parse(c, ka_call_value(c, "a"), &r->array), "-a");
	r->is_pointers = ka_call_has(c, "p");
	if (!err && has_struct)
		err = ka_type_size(c->k, r->members.of[0].type, &r->element_size);
	if (r->is_pointers)
		r->element_size = ka_long_size(c->k);
	return err;
}

static struct ka_error *run(struct ka_call *c)
{
	struct request r = { .c = c };
	struct ka_error *err = request_read(&r);

	if (!err)
		err = ka_sbitmap_queue_read(c->k, r.at, &r.q);
	if (err)
		return err;
	if (r.array)
		show_elements(&r);
	else
		show_queue(&r);
	return ka_interrupted() ? ka_error_new(KA_INTERRUPTED, "interrupted") : NULL;
}

static const struct ka_option options[] = {
	{ "s", "STRUCT[.MEMBER,...]", "what the elements of the array are (-a); with -v these members of them are shown", false },
	{ "a", "ADDR", "an array with an element for each bit: show those of the bits in use", false },
	{ "p", NULL, "the array is one of pointers", false },
	{ "v", NULL, "what is in the elements, too", false },
	{ "x", NULL, "numbers of -s in hexadecimal", false },
	{ "d", NULL, "numbers of -s in decimal", false },
	{ NULL, NULL, NULL, false },
};

static const struct ka_rows *const rows[] = { &ka_rows_sbq_row, &ka_rows_sbq_element, NULL };

const struct ka_command ka_command_sbitmapq = {
	.name = "sbitmapq",
	.args = "[-s STRUCT[.MEMBER,...] -a ADDR [-p] [-v]] [-x | -d] ADDR",
	.brief = "sbitmap_queue: scalable bitmap with waiters",
	.help =
	"Shows the sbitmap_queue at ADDR: its numbers, its wait queues, and the bits in use as bytes.\n"
	"With -s and -a instead the elements of an array that stand for the bits in use: their\n"
	"addresses, and with -v what is in them. Bits that were given back but not yet taken off the\n"
	"words (cleared) do not count as in use.\n"
	"\n"
	"  sbitmapq ffff8acf027d6190\n"
	"  sbitmapq -s request.tag,state -a ffff8acf2ff46000 -p -v ffff8acf027d6190\n",
	.options = options,
	.needs = KA_NEED_TYPES,
	.rows = rows,
	.run = run,
};
