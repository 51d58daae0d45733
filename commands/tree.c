/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* tree: what an rbtree, a radix tree, an xarray or a maple tree holds, with members of each entry. */
#include <inttypes.h>
#include <kanalyze/type.h>
#include <kanalyze/view.h>
#include <kanalyze/vma.h>
#include "members.h"
#include "words.h"

enum tree_type { RBTREE, RADIX, XARRAY, MAPLE };

struct tree_row {
	const char *text;
	ka_addr address;
	const char *kind, *position;
	bool is_indexed;
	uint64_t first, last;
	const char *members_text;
	const struct ka_node *members;
};
KA_LINES(tree_row, "entries", "{text}{members_text}",
	KA_COLF(tree_row, text, KA_TEXT, KA_ONLY_TEXT, "the address, and what -v and -p ask for"),
	KA_COLF(tree_row, address, KA_ADDR, KA_ONLY_JSON, "of the object; what stands in the tree when that is no pointer"),
	KA_COLF(tree_row, kind, KA_TEXT, KA_ONLY_JSON, "entry; value: an integer marked as one; reserved: a mark of the tree; empty: a range without entry (-v)"),
	{ "first", offsetof(struct tree_row, first), 8, KA_UINT, KA_ONLY_JSON, offsetof(struct tree_row, is_indexed), NULL, "index; not of rbtrees" },
	{ "last", offsetof(struct tree_row, last), 8, KA_UINT, KA_ONLY_JSON, offsetof(struct tree_row, is_indexed), NULL, "last index of an entry that covers several" },
	KA_COLF(tree_row, position, KA_TEXT, KA_ONLY_JSON, "the way from the root: l and r, or numbers of slots"),
	KA_COLF(tree_row, members_text, KA_TEXT, KA_ONLY_TEXT, "what -s or -S asks for"),
	KA_COLF(tree_row, members, KA_VALUE, KA_ONLY_JSON, "the same: an object with a key for each member or struct"));

struct tree_node {
	const char *text;
	ka_addr node, parent;
	uint64_t first, last;
	uint32_t depth, type;
};
KA_LINES(tree_node, "nodes", "{text}",
	KA_COLF(tree_node, text, KA_TEXT, KA_ONLY_TEXT, "all of it"),
	KA_COLF(tree_node, node, KA_ADDR, KA_ONLY_JSON, "a node of a maple tree (-v)"),
	KA_COLF(tree_node, parent, KA_ADDR, KA_ONLY_JSON, "its parent, with type and slot in the lowest bits"),
	KA_COLF(tree_node, depth, KA_UINT, KA_ONLY_JSON, "0: the root"),
	KA_COLF(tree_node, type, KA_UINT, KA_ONLY_JSON, "0 dense, 1 leaf_64, 2 range_64, 3 arange_64"),
	KA_COLF(tree_node, first, KA_UINT, KA_ONLY_JSON, "first index below it"),
	KA_COLF(tree_node, last, KA_UINT, KA_ONLY_JSON, "last index below it"));

struct maple_head { ka_addr root; uint32_t flags; };
KA_VIEW(maple_head, ("maple_tree"),
	KA_FROM(maple_head, root, "ma_root"),
	KA_FROM(maple_head, flags, "ma_flags"));

struct request {
	struct ka_call *c;
	struct members members;
	enum tree_type type;
	ka_addr start;
	uint64_t node_offset;
	unsigned radix;
	bool is_node, has_position, is_verbose, is_linear;
	struct ka_filter *filter;
	uint64_t shown;		/* entries of a maple tree are counted rather than indexed, as crash has it */
};

static struct ka_error *type_parse(struct request *r)
{
	static const char *const names[] = { "rbtrees", "radix trees", "Xarrays", "maple trees" };
	struct ka_call *c = r->c;
	const char *text = ka_call_value(c, "t");

	r->type = RBTREE;
	if (text) {
		if (!strncmp(text, "ra", 2))
			r->type = RADIX;
		else if (!strncmp(text, "rb", 2))
			r->type = RBTREE;
		else if (*text == 'x')
			r->type = XARRAY;
		else if (*text == 'm')
			r->type = MAPLE;
		else
			return ka_call_usage(c, "invalid tree type: %s", text);
	}
	if (r->type != RBTREE && ka_call_has(c, "l"))
		return ka_call_usage(c, "-l option is not applicable to %s", names[r->type]);
	if (r->type != RBTREE && ka_call_has(c, "o"))
		return ka_call_usage(c, "-o option is not applicable to %s", names[r->type]);
	if (r->type != MAPLE && ka_call_has(c, "v"))
		return ka_call_usage(c, "-v option is not applicable to %s", names[r->type]);
	if (ka_call_has(c, "r") && ka_call_has(c, "N"))
		return ka_call_usage(c, "-r and -N options are mutually exclusive");
	return NULL;
}

static struct ka_error *request_read(struct request *r)
{
	struct ka_call *c = r->c;
	uint64_t root_offset = 0;
	const char *text;
	struct ka_error *err = type_parse(r);

	if (err)
		return err;
	r->is_node = ka_call_has(c, "N");
	r->has_position = ka_call_has(c, "p");
	r->is_verbose = ka_call_has(c, "v");
	r->is_linear = ka_call_has(c, "l");
	ka_words_join(c);
	if (!c->argc)
		return ka_call_usage(c, "a starting address is required");
	if (c->argc > 1)
		return ka_call_usage(c, "too many arguments entered");
	err = members_radix(c, &r->radix);
	if (!err && (text = ka_call_value(c, "r")))
		err = offset_parse(c, "-r", text, &root_offset, NULL);
	if (!err && (text = ka_call_value(c, "o")))
		err = offset_parse(c, "-o", text, &r->node_offset, NULL);
	if (!err)
		err = members_open(c, &r->members);
	if (!err)
		err = start_parse(c, c->argv[0], &r->start);
	if (!err)
		err = members_filter(&r->members, r->type == RBTREE ? ka_call_value(c, "o") : NULL, &r->filter);
	r->start += root_offset;
	return err;
}

static const char *position_text(const struct request *r, struct ka_arena *a, const struct ka_place *p)
{
	struct ka_str s = {0};
	const char *text;

	ka_str_add(&s, p->depth || r->type == RBTREE ? r->type == MAPLE && r->is_node ? "direct" : "root" : r->type == MAPLE ? "" : "direct");
	for (unsigned i = 0; i < p->depth; i++) {
		if (r->type == RBTREE)
			ka_str_add(&s, p->slot[i] ? "/r" : "/l");
		else
			ka_str_printf(&s, "/%u", p->slot[i]);
	}
	if (!p->depth && r->type != RBTREE)
		ka_str_add(&s, "/0");
	text = ka_strdup(a, s.p);
	ka_str_free(&s);
	return text;
}

static void number_add(const struct request *r, uint64_t value, struct ka_str *to)
{
	ka_str_printf(to, r->radix == 16 ? "%" PRIx64 : "%" PRIu64, value);
}

static void range_add(const struct request *r, const struct ka_place *p, struct ka_str *to)
{
	ka_str_pad(to, ' ', p->depth * 2);
	number_add(r, p->first, to);
	if (p->last != p->first) {
		ka_str_addc(to, '-');
		number_add(r, p->last, to);
	}
	ka_str_add(to, ": ");
}

/* What stands in a slot of a maple tree. */
static void slot_add(const struct request *r, const struct ka_place *p, struct ka_str *to)
{
	range_add(r, p, to);
	if (p->kind == KA_PLACE_VALUE) {
		ka_str_add(to, r->radix == 16 ? "value 0x" : "value ");
		number_add(r, p->entry >> 1, to);
		ka_str_printf(to, " [0x%" PRIx64 "]", p->entry);
	} else if (p->kind == KA_PLACE_RESERVED && p->entry >> 2 == 257) {
		ka_str_add(to, r->radix == 16 ? "zero (0x" : "zero (");
		number_add(r, p->entry >> 2, to);
		ka_str_addc(to, ')');
	} else if (p->kind == KA_PLACE_RESERVED) {
		ka_str_printf(to, "UNKNOWN ENTRY (0x%" PRIx64 ")", p->entry);
	} else {
		ka_str_printf(to, "0x%" PRIx64, p->entry);
	}
}

static void pointer_add(uint64_t value, struct ka_str *to)
{
	if (value)
		ka_str_printf(to, "0x%" PRIx64, value);
	else
		ka_str_add(to, "(nil)");
}

static void show_node(struct request *r, struct ka_arena *a, const struct ka_place *p)
{
	struct ka_call *c = r->c;
	struct ka_maple_node n;
	struct ka_error *err = ka_maple_node_read(c->k, p->entry, &n);
	struct tree_node row = { .first = p->first, .last = p->last, .depth = p->depth, .type = n.type, .node = n.addr, .parent = n.parent };
	struct ka_str s = {0};

	if (err) {
		ka_call_fault(c, err);
		return;
	}
	range_add(r, p, &s);
	ka_str_printf(&s, "node 0x%" PRIx64 " depth %u type %u parent ", n.addr, p->depth, n.type);
	pointer_add(n.parent, &s);
	if (n.pivots)
		ka_str_add(&s, " contents: ");
	for (unsigned i = 0; i < n.gaps; i++) {
		number_add(r, n.gap[i], &s);
		ka_str_addc(&s, ' ');
	}
	if (n.has_meta)
		ka_str_printf(&s, "| %02X %02X| ", n.end, n.gap_index);
	for (unsigned i = 0; n.pivots && i < n.slots; i++) {
		pointer_add(n.slot[i], &s);
		if (i < n.pivots) {
			ka_str_addc(&s, ' ');
			number_add(r, n.pivot[i], &s);
			ka_str_addc(&s, ' ');
		}
	}
	row.text = ka_strdup(a, s.p);
	ka_out_row(c->out, &ka_rows_tree_node, &row);
	ka_str_free(&s);
}

static void show_entry(struct request *r, struct ka_arena *a, ka_addr at, const struct ka_place *p)
{
	static const char *const kinds[] = { [KA_PLACE_ENTRY] = "entry", [KA_PLACE_VALUE] = "value", [KA_PLACE_RESERVED] = "reserved",
					     [KA_PLACE_EMPTY] = "empty" };
	struct tree_row row = { .address = at, .kind = kinds[p->kind], .is_indexed = r->type != RBTREE, .first = p->first, .last = p->last };
	struct ka_str s = {0};

	r->shown += p->kind != KA_PLACE_EMPTY;
	if (r->filter && (p->kind != KA_PLACE_ENTRY || !members_wanted(&r->members, r->filter, at)))
		return;
	row.position = position_text(r, a, p);
	if (r->is_verbose)
		slot_add(r, p, &s);
	else
		ka_str_printf(&s, "%" PRIx64, at);
	if (r->has_position && p->kind != KA_PLACE_EMPTY) {
		ka_str_add(&s, "\n  ");
		if (r->type != RBTREE) {
			ka_str_add(&s, "index: ");
			if (r->type == MAPLE)
				number_add(r, r->shown, &s);
			else
				ka_str_printf(&s, "%" PRIu64, p->first);
			ka_str_add(&s, "  ");
		}
		ka_str_printf(&s, "position: %s", row.position);
	}
	row.text = ka_strdup(a, s.p);
	ka_str_free(&s);
	if (p->kind == KA_PLACE_ENTRY)
		members_read(&r->members, a, at, &row.members_text, &row.members);
	ka_out_row(r->c->out, &ka_rows_tree_row, &row);
}

static struct ka_error *maple_head_show(const struct request *r)
{
	struct maple_head head;
	struct ka_error *err;

	if (r->type != MAPLE || !r->is_verbose || r->is_node)
		return NULL;
	err = ka_view_read(r->c->k, &ka_view_maple_head, r->start, &head);
	/* MT_FLAGS_HEIGHT_MASK 0x7c */
	if (!err)
		ka_out_note(r->c->out, "maple_tree(%" PRIx64 ") flags %" PRIX32 ", height %" PRIu32 " root 0x%" PRIx64 "\n\n", r->start, head.flags,
			    (head.flags & 0x7c) >> 2, head.root);
	return err;
}

static struct ka_walk walk_of(const struct request *r)
{
	unsigned flags = r->is_node ? KA_TREE_NODE : 0;

	switch (r->type) {
	case RBTREE:
		return ka_walk_rbtree_flags(r->c->k, r->start, r->node_offset, flags | (r->is_linear ? 0 : KA_TREE_PREORDER));
	case MAPLE:
		return ka_walk_maple_flags(r->c->k, r->start, flags | KA_TREE_VALUES | (r->is_verbose ? KA_TREE_NODES : 0));
	default:
		return ka_walk_xarray_flags(r->c->k, r->start, flags | KA_TREE_VALUES);
	}
}

static struct ka_error *run(struct ka_call *c)
{
	struct request r = { .c = c };
	struct ka_walk w;
	struct ka_error *err = request_read(&r);

	if (!err && r.type == MAPLE && !ka_type_exists(c->k, "maple_node"))
		err = ka_error_new(KA_MISSING, "this kernel has no maple trees");
	if (!err && r.type == XARRAY && !ka_type_exists(c->k, "xarray"))
		err = ka_error_new(KA_MISSING, "this kernel has no xarrays: -t radix is for its radix trees");
	if (!err)
		err = maple_head_show(&r);
	if (err)
		return err;
	w = walk_of(&r);
	for (ka_addr at; ka_walk_next(&w, &at); ) {
		struct ka_arena *a = ka_arena_new();
		const struct ka_place *p = ka_walk_place(&w);

		if (p->kind == KA_PLACE_NODE)
			show_node(&r, a, p);
		else
			show_entry(&r, a, at, p);
		ka_arena_free(a);
	}
	err = ka_walk_end(&w);
	ka_call_fault(c, err);
	return ka_interrupted() ? ka_error_new(KA_INTERRUPTED, "interrupted") : NULL;
}

static const struct ka_option options[] = {
	{ "t", "TYPE", "rbtree (the default), radix, xarray or maple; ra, rb, x, m are enough", false },
	{ "r", "OFFSET", "of the tree's root in START: STRUCT.MEMBER or a number", false },
	{ "o", "OFFSET", "of the rb_node in the objects of an rbtree: STRUCT.MEMBER or a number", false },
	{ "s", "STRUCT[.MEMBER,...]", "show these members (or all) of each object; may be given several times", false },
	{ "S", "STRUCT[.MEMBER,...]", "the same with integers of 1, 2, 4 and 8 bytes straight from memory, unsigned", false },
	KA_OPTION_WHERE("objects"),
	{ "l", NULL, "an rbtree in its order, and not from the root down", false },
	{ "p", NULL, "where in the tree each object is", false },
	{ "v", NULL, "the nodes and the empty ranges of a maple tree, too", false },
	{ "N", NULL, "START is a node (rb_node, xa_node, radix_tree_node, maple_node as its parent points to it) and no root", false },
	{ "x", NULL, "numbers in hexadecimal", false },
	{ "d", NULL, "numbers in decimal", false },
	{ NULL, NULL, NULL, false },
};

static const struct ka_rows *const rows[] = { &ka_rows_tree_row, &ka_rows_tree_node, NULL };

const struct ka_command ka_command_tree = {
	.name = "tree",
	.args = "[-t radix | xarray | rbtree | maple] [-r OFFSET] [-o OFFSET] [-s | -S STRUCT[.MEMBER,...]] [-x | -d] [-l] [-p] [-v] [-N] [--where EXPR] START",
	.brief = "trees: rbtree, radix tree, xarray, maple tree",
	.help =
	"Shows the address of each object of a tree, with the members that -s asks for. START is the\n"
	"tree's root (rb_root, xarray, radix_tree_root, maple_tree), or with -r an object that has\n"
	"the root at OFFSET: an address, a symbol or an expression.\n"
	"\n"
	"Positions (-p) are the way from the root: left and right in an rbtree, else numbers of\n"
	"slots. The index is the entry's own in radix trees and xarrays; entries of maple trees are\n"
	"counted from 1 on: their ranges are in -v (in JSON, first and last are always there).\n"
	"Entries that are no pointers (values, zero entries) are shown as they are, without members.\n"
	"--where leaves out objects: its expression knows them by the type of -s (of an rbtree, also\n"
	"of -o), and their members by their names.\n"
	"A node that cannot be read, or that was there before, costs what is below it, and is told.\n"
	"\n"
	"  tree -t rbtree -o vmap_area.rb_node vmap_area_root -s vmap_area.va_start,va_end -x\n"
	"  tree -t xarray -r address_space.i_pages ffff8acf011df618 -p\n"
	"  tree -t maple -r mm_struct.mm_mt ffff8acf01056d00 -v\n",
	.options = options,
	.needs = KA_NEED_TYPES | KA_NEED_SYMBOLS,
	.rows = rows,
	.run = run,
};
