/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* list: what a chain of next pointers leads to, with members of each object. */
#include <inttypes.h>
#include <kanalyze/type.h>
#include <kanalyze/walk.h>
#include "members.h"
#include "words.h"

struct list_row {
	ka_addr address, link;
	const char *members_text;
	const struct ka_node *members;
};
KA_LINES(list_row, "entries", "{address}{members_text}",
	KA_COL(list_row, address, KA_ADDR, "of the object"),
	KA_COLF(list_row, link, KA_ADDR, KA_ONLY_JSON, "of the link in it"),
	KA_COLF(list_row, members_text, KA_TEXT, KA_ONLY_TEXT, "what -s or -S asks for"),
	KA_COLF(list_row, members, KA_VALUE, KA_ONLY_JSON, "the same: an object with a key for each member or struct"));

struct request {
	struct ka_call *c;
	struct members members;
	struct ka_chain chain;
	uint64_t to_link;	/* from an object to its link */
	uint64_t struct_offset;	/* -l: from the struct that is shown to what counts as the object */
	uint64_t head_offset;	/* -O */
	bool has_start, has_offset;
	const char *link_type;	/* "hlist_node" */
	const char *offset_text;
	struct ka_filter *filter;
};

static struct ka_error *once(struct ka_call *c, const char *option)
{
	unsigned n = 0;

	for (size_t i = 0; i < c->option_count; i++)
		n += !strcmp(c->options[i].option->name, option);
	return n > 1 ? ka_call_usage(c, "-%s is given %u times", option, n) : NULL;
}

static struct ka_error *options_read(struct request *r)
{
	struct ka_call *c = r->c;
	const char *text;
	struct ka_error *err = once(c, "o");

	if (!err)
		err = once(c, "O");
	if (!err)
		err = members_open(c, &r->members);
	if (!err && (text = ka_call_value(c, "o"))) {
		err = offset_parse(c, "-o", text, &r->to_link, &r->link_type);
		r->offset_text = text;
		r->has_offset = true;
	}
	if (!err && (text = ka_call_value(c, "O")))
		err = offset_parse(c, "-O", text, &r->head_offset, NULL);
	if (!err && (text = ka_call_value(c, "l"))) {
		err = offset_parse(c, "-l", text, &r->struct_offset, NULL);
		if (!err && !r->members.count)
			err = ka_call_usage(c, "-l option can only be used with -s or -S option");
	}
	if (!err && (text = ka_call_value(c, "e")))
		err = ka_error_wrap(ka_expr_number(c->k, text, KA_EXPR_HEX | KA_EXPR_ADDRESSES, &r->chain.end), "-e %s", text);
	if (!err && ka_call_has(c, "h") && ka_call_has(c, "H"))
		err = ka_call_usage(c, "-h and -H are mutually exclusive");
	if (!err && ka_call_has(c, "O") && !ka_call_has(c, "h"))
		err = ka_call_usage(c, "-O can only be used with -h");
	return err;
}

static bool is_member(struct ka_call *c, const char *text)
{
	const char *dot = strchr(text, '.');

	return dot && dot != text && ka_type_has(c->k, ka_strndup(c->arena, text, (size_t)(dot - text)), dot + 1);
}

static struct ka_error *set_offset(struct request *r, const char *text)
{
	struct ka_error *err;

	if (r->has_offset)
		return ka_call_usage(r->c, "offset value %" PRIu64 " (0x%" PRIx64 ") already entered", r->to_link, r->to_link);
	err = offset_parse(r->c, "offset", text, &r->to_link, &r->link_type);
	r->has_offset = !err;
	r->offset_text = text;
	return err;
}

static struct ka_error *set_start(struct request *r, const char *text)
{
	struct ka_error *err;

	if (r->has_start)
		return ka_call_usage(r->c, "list start already entered");
	err = start_parse(r->c, text, &r->chain.start);
	r->has_start = !err;
	return err;
}

/* STRUCT.MEMBER is the offset. Of two others the first that is a kernel address is the start, and the other the offset. */
static struct ka_error *arguments_read(struct request *r)
{
	struct ka_call *c = r->c;
	struct ka_error *err = NULL;

	ka_words_join(c);
	if (c->argc > 2)
		return ka_call_usage(c, "too many arguments");
	for (int i = 0; i < c->argc && !err; i++) {
		bool is_last_chance = r->has_offset || i + 1 == c->argc;
		uint64_t value;

		if (is_member(c, c->argv[i]))
			err = set_offset(r, c->argv[i]);
		else if (r->has_start)
			err = set_offset(r, c->argv[i]);
		else if (is_last_chance || (!ka_error_drop(ka_expr_number(c->k, c->argv[i], KA_EXPR_HEX | KA_EXPR_ADDRESSES, &value)) &&
					    ka_is_kernel_addr(c->k, value)))
			err = set_start(r, c->argv[i]);
		else if (ka_parse_number(c->argv[i], true, &value))
			err = set_offset(r, c->argv[i]);
		else
			err = set_start(r, c->argv[i]);
	}
	if (!err && !r->has_start)
		err = ka_call_usage(c, "starting address required");
	if (!err)
		err = members_filter(&r->members, r->offset_text, &r->filter);
	if (!err && r->has_offset && ka_call_has(c, "l"))
		err = ka_call_usage(c, "-l and -o are mutually exclusive");
	return err;
}

/* From what the user said to a chain; *ret_is_empty: a head that points to itself. */
static struct ka_error *chain_make(struct request *r, bool *ret_is_empty)
{
	struct ka_call *c = r->c;
	bool is_reverse = ka_call_has(c, "r"), is_head = ka_call_has(c, "h") || ka_call_has(c, "H") || is_reverse;
	ka_addr head = r->chain.start;
	struct ka_error *err;

	r->chain.is_brent = ka_call_has(c, "B");
	if (!is_head) {
		r->chain.next = r->to_link;
		r->to_link = 0;
		return NULL;
	}
	/* links of these end otherwise than in their head */
	r->chain.is_null_fault = !r->link_type || (strcmp(r->link_type, "hlist_node") && strcmp(r->link_type, "llist_node") &&
						   strcmp(r->link_type, "hlist_bl_node"));
	r->chain.is_odd_end = r->link_type && !strcmp(r->link_type, "hlist_nulls_node");
	r->chain.next = is_reverse ? ka_long_size(c->k) : 0;
	if (!ka_call_has(c, "H") && !ka_call_has(c, "O")) {
		r->chain.start += r->to_link;
		return NULL;
	}
	if (ka_call_has(c, "O"))
		head += r->head_offset;
	if (!r->chain.end)
		r->chain.end = head;
	err = ka_read_ulong(c->k, head + r->chain.next, &r->chain.start);
	if (err)
		return ka_error_wrap(err, "LIST_HEAD contents");
	if (r->link_type && !strcmp(r->link_type, "hlist_bl_node"))
		r->chain.start &= ~1ull;	/* the head's lock */
	*ret_is_empty = r->chain.start == r->chain.end || (!r->chain.start && !r->chain.is_null_fault) ||
			(r->chain.is_odd_end && (r->chain.start & 1));
	return NULL;
}

static void show(struct request *r)
{
	struct ka_walk w = ka_walk_chain(r->c->k, &r->chain);
	struct ka_error *err;

	for (ka_addr link; ka_walk_next(&w, &link); ) {
		struct list_row row = { .address = link - r->to_link, .link = link };
		struct ka_arena *a;

		if (!members_wanted(&r->members, r->filter, row.address - r->struct_offset))
			continue;
		a = ka_arena_new();
		members_read(&r->members, a, row.address - r->struct_offset, &row.members_text, &row.members);
		ka_out_row(r->c->out, &ka_rows_list_row, &row);
		ka_arena_free(a);
	}
	err = ka_walk_end(&w);
	ka_call_fault(r->c, err);
}

static struct ka_error *run(struct ka_call *c)
{
	struct request r = { .c = c };
	bool is_empty = false;
	struct ka_error *err = options_read(&r);

	if (!err)
		err = arguments_read(&r);
	if (!err)
		err = chain_make(&r, &is_empty);
	if (err)
		return err;
	if (is_empty)
		ka_out_note(c->out, "(empty)");
	else
		show(&r);
	return ka_interrupted() ? ka_error_new(KA_INTERRUPTED, "interrupted") : NULL;
}

static const struct ka_option options[] = {
	{ "o", "OFFSET", "of the next pointer (list_head, hlist_node) in the object: STRUCT.MEMBER or a number; -o itself may be left out", false },
	{ "h", NULL, "START is an object whose list_head is one of the list's", false },
	{ "H", NULL, "START is the list's head, which is none of its objects", false },
	{ "O", "OFFSET", "with -h: of the list's head in START, where that is of another kind: STRUCT.MEMBER or a number", false },
	{ "e", "ADDR", "where the list ends, when not as lists do", false },
	{ "s", "STRUCT[.MEMBER,...]", "show these members (or all) of each object; may be given several times", false },
	{ "S", "STRUCT[.MEMBER,...]", "the same with integers of 1, 2, 4 and 8 bytes straight from memory, unsigned", false },
	{ "l", "OFFSET", "with -s: START and the links are this far inside of the struct: STRUCT.MEMBER or a number", false },
	KA_OPTION_WHERE("objects"),
	{ "r", NULL, "backwards, along the prev pointers", false },
	{ "B", NULL, "find loops with little memory (R. P. Brent's algorithm), and tell their length", false },
	{ "x", NULL, "numbers of -s in hexadecimal", false },
	{ "d", NULL, "numbers of -s in decimal", false },
	{ NULL, NULL, NULL, false },
};

static const struct ka_rows *const rows[] = { &ka_rows_list_row, NULL };

const struct ka_command ka_command_list = {
	.name = "list",
	.args = "[[-o] OFFSET] [-e ADDR] [-s | -S STRUCT[.MEMBER,...] [-l OFFSET]] [-x | -d] [-r | -B] [-h [-O OFFSET] | -H] [--where EXPR] START",
	.brief = "linked list",
	.help =
	"Follows a list from START on and shows the address of each object, with the members that -s\n"
	"asks for. START is an address, a symbol or an expression, and means\n"
	"\n"
	"      START   the first object, whose next pointer is at OFFSET (0 when none is given)\n"
	"  -h  START   an object whose list_head at OFFSET is one of the list's\n"
	"  -H  START   the list_head that heads the list; it is none of its objects\n"
	"  -h -O HEAD  an object of another kind, whose list_head at HEAD heads the list\n"
	"\n"
	"A list ends with NULL, or where it comes back to its start or its first object; a list of\n"
	"list_heads (-h, -H, -r) at its head. When OFFSET is a member of type hlist_node, llist_node\n"
	"or hlist_nulls_node it ends as these do. \"duplicate list entry\" tells where a broken list\n"
	"comes back to elsewhere; what it had before is shown. --where leaves out objects: its\n"
	"expression knows them by the type of -s (or of OFFSET), and their members by their names.\n"
	"\n"
	"  list task_struct.tasks -s task_struct.pid,comm -h init_task\n"
	"  list task_struct.tasks -h init_task --where 'mm && comm != \"init\"'\n"
	"  list -H modules -o module.list -s module.name,state\n"
	"  list -h init_task -O task_struct.children -o task_struct.sibling\n"
	"  list file_system_type.next -s file_system_type.name ffffffff96981ae0\n",
	.options = options,
	.needs = KA_NEED_TYPES | KA_NEED_SYMBOLS,
	.rows = rows,
	.run = run,
};
