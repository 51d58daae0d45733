/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Walkers of lists: list_head, hlist with and without nulls, llist, plist, klist; and of the bits of a bitmap. */
#include <inttypes.h>
#include "kernel.h"

static struct ka_error *bad_link(ka_addr at, uint64_t next)
{
	return ka_error_at(KA_CORRUPT, KA_SPACE_VIRT, at, "the link at 0x%" PRIx64 " points to 0x%" PRIx64, at, next);
}

static bool is_link(struct ka_kernel *k, uint64_t at)
{
	return ka_is_kernel_addr(k, at) && !(at & (ka_long_size(k) - 1));
}

/* at: the link whose next pointer is read; end: the head; offset: of the link in the object */
static struct ka_error *list_step(struct ka_walk *w, ka_addr *ret, bool *ret_done)
{
	uint64_t next;
	struct ka_error *err = ka_read_ulong(w->k, w->at, &next);

	if (err)
		return err;
	next = ka_untag(w->k, next);
	if (next == ka_untag(w->k, w->end)) {
		*ret_done = true;
		return NULL;
	}
	if (!is_link(w->k, next))
		return bad_link(w->at, next);
	w->at = next;
	*ret = next - w->offset;
	return NULL;
}

struct ka_walk ka_walk_list(struct ka_kernel *k, ka_addr head, uint64_t offset)
{
	static const struct ka_walk_ops ops = { .name = "list", .step = list_step };

	return (struct ka_walk){ .k = k, .ops = &ops, .at = head, .end = head, .offset = offset };
}

/* ends with NULL; hlist_nulls with a value whose lowest bit is set, which w->end then is */
static struct ka_error *hlist_step(struct ka_walk *w, ka_addr *ret, bool *ret_done)
{
	uint64_t next;
	struct ka_error *err = ka_read_ulong(w->k, w->at, &next);

	if (err)
		return err;
	/* hlist_bl_head: bit 0 of the first pointer is a lock; a null has nothing of an address in it */
	if (!w->count && (next & 1) && is_link(w->k, next & ~1ull))
		next &= ~1ull;
	if (!next || (next & 1)) {
		w->end = next;
		*ret_done = true;
		return NULL;
	}
	if (!is_link(w->k, next))
		return bad_link(w->at, next);
	next = ka_untag(w->k, next);
	w->at = next;	/* hlist_node.next is first, as hlist_head.first */
	*ret = next - w->offset;
	return NULL;
}

struct ka_walk ka_walk_hlist(struct ka_kernel *k, ka_addr head, uint64_t offset)
{
	static const struct ka_walk_ops ops = { .name = "hlist", .step = hlist_step };

	return (struct ka_walk){ .k = k, .ops = &ops, .at = head, .offset = offset };
}

static struct ka_error *llist_step(struct ka_walk *w, ka_addr *ret, bool *ret_done)
{
	uint64_t next;
	struct ka_error *err = ka_read_ulong(w->k, w->at, &next);

	if (err)
		return err;
	if (!next) {
		*ret_done = true;
		return NULL;
	}
	if (!is_link(w->k, next))
		return bad_link(w->at, next);
	w->at = next;
	*ret = next - w->offset;
	return NULL;
}

struct ka_walk ka_walk_llist(struct ka_kernel *k, ka_addr head, uint64_t offset)
{
	static const struct ka_walk_ops ops = { .name = "llist", .step = llist_step };

	return (struct ka_walk){ .k = k, .ops = &ops, .at = head, .offset = offset };
}

struct plist_root { ka_addr list_at; };
KA_VIEW(plist_root, ("plist_head"), KA_AT(plist_root, list_at, "node_list"));
struct plist_link { ka_addr list_at; };
/* bf6a9b8336ba (v2.6.38-rc1) took node_list out of a plist_head of the node's own */
KA_VIEW(plist_link, ("plist_node"), KA_AT(plist_link, list_at, "node_list", "plist.node_list"));

struct ka_walk ka_walk_plist(struct ka_kernel *k, ka_addr head, uint64_t offset)
{
	static const struct ka_walk_ops ops = { .name = "plist", .step = list_step };
	struct ka_error *err = ka_view_bind(k, &ka_view_plist_root);

	if (!err)
		err = ka_view_bind(k, &ka_view_plist_link);
	if (err)
		return (struct ka_walk){ .k = k, .ops = &ops, .err = err };
	head += KA_OFFSET(k, plist_root, list_at);
	return (struct ka_walk){ .k = k, .ops = &ops, .at = head, .end = head, .offset = offset + KA_OFFSET(k, plist_link, list_at) };
}

struct klist_root { ka_addr list_at; };
KA_VIEW(klist_root, ("klist"), KA_AT(klist_root, list_at, "k_list"));
struct klist_link { uint64_t owner; ka_addr list_at; };
KA_VIEW(klist_link, ("klist_node"),
	KA_MAYBE(klist_link, owner, "n_klist"),		/* bit 0: deleted, but somebody still stands on it (a1ed5b0cffe4, v2.6.28) */
	KA_AT(klist_link, list_at, "n_node"));

static struct ka_error *klist_step(struct ka_walk *w, ka_addr *ret, bool *ret_done)
{
	struct klist_link node;
	uint64_t skipped = 0;

	do {
		struct ka_error *err = list_step(w, ret, ret_done);

		if (err || *ret_done)
			return err;
		err = ka_view_read(w->k, &ka_view_klist_link, w->at - KA_OFFSET(w->k, klist_link, list_at), &node);
		if (err)
			return err;
		/* dead ones alone in a circle yield nothing that could be seen again */
		if (skipped++ > 1 << 20)
			return ka_error_at(KA_CORRUPT, KA_SPACE_VIRT, w->at, "a million deleted nodes in a row: given up");
	} while ((node.owner & 1) && !ka_interrupted());
	return NULL;
}

struct ka_walk ka_walk_klist(struct ka_kernel *k, ka_addr head, uint64_t offset)
{
	static const struct ka_walk_ops ops = { .name = "klist", .step = klist_step };
	struct ka_error *err = ka_view_bind(k, &ka_view_klist_root);

	if (!err)
		err = ka_view_bind(k, &ka_view_klist_link);
	if (err)
		return (struct ka_walk){ .k = k, .ops = &ops, .err = err };
	head += KA_OFFSET(k, klist_root, list_at);
	return (struct ka_walk){ .k = k, .ops = &ops, .at = head, .end = head, .offset = offset + KA_OFFSET(k, klist_link, list_at) };
}

struct bits_state { uint64_t word; };

/* at: the word that is held; offset: the bit to look at next; end: how many there are */
static struct ka_error *bits_step(struct ka_walk *w, ka_addr *ret, bool *ret_done)
{
	struct bits_state *s = w->state;
	unsigned width = ka_long_size(w->k), bits = width * 8;

	for (; w->offset < w->end; w->offset++) {
		if (w->offset % bits == 0) {
			struct ka_error *err;

			if (ka_interrupted())
				return ka_error_new(KA_INTERRUPTED, "interrupted");
			err = ka_read_ulong(w->k, w->at + w->offset / bits * width, &s->word);
			if (err)
				return err;
			if (!s->word) {
				w->offset += bits - 1;
				continue;
			}
		}
		if (s->word >> (w->offset % bits) & 1) {
			*ret = w->offset++;
			return NULL;
		}
	}
	*ret_done = true;
	return NULL;
}

struct ka_walk ka_walk_bits(struct ka_kernel *k, ka_addr bitmap, uint64_t bit_count)
{
	static const struct ka_walk_ops ops = { .name = "bitmap", .step = bits_step };

	return (struct ka_walk){ .k = k, .ops = &ops, .at = bitmap, .end = KA_MIN(bit_count, (uint64_t)1 << 40), .may_repeat = true,
				 .state = ka_xalloc(sizeof(struct bits_state)) };
}
