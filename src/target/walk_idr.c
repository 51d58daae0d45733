/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Walker of IDRs: numbers to pointers. On a radix tree or xarray since 0a835c4f090a (v4.11), in layers of their own before. */
#include <inttypes.h>
#include "kernel.h"
#include "walk_xarray.h"

struct idr_root { ka_addr tree_at, top; uint32_t base, layers; };
KA_VIEW(idr_root, ("idr"),
	KA_AT_MAYBE(idr_root, tree_at, "idr_rt"),
	KA_MAYBE(idr_root, base, "idr_base"),		/* 6ce711f27500 (v4.16): what the first index stands for */
	KA_MAYBE(idr_root, top, "top"),
	KA_MAYBE(idr_root, layers, "layers"));

struct idr_node { uint32_t layer; ka_addr slots_at; uint64_t slots_size; };
KA_VIEW(idr_node, ("idr_layer"),
	KA_MAYBE(idr_node, layer, "layer"),		/* 6ff2d39b91ae (v2.6.28): distance from the leaves */
	KA_AT(idr_node, slots_at, "ary"),
	KA_SIZE(idr_node, slots_size, "ary"));

#define IDR_DEPTH 8		/* 32 bits in steps of 5 (32-bit kernels before v3.9) */
#define IDR_SLOTS 256		/* IDR_BITS 8 since 050a6b47d926 (v3.9) */

struct idr_level {
	uint64_t slots[IDR_SLOTS];
	uint64_t index;
	unsigned layer, count, bits, next;
};

struct idr_state {
	struct idr_level level[IDR_DEPTH];
	unsigned depth;
	bool has_started;
	struct idr_root root;
	struct ka_map nodes;
	struct ka_place place;
};

/* layer: the one it must have */
static struct ka_error *idr_push(struct ka_walk *w, ka_addr at, uint64_t index, unsigned layer)
{
	struct idr_state *s = w->state;
	struct idr_level *l = &s->level[s->depth];
	unsigned width = ka_long_size(w->k);
	uint8_t bytes[IDR_SLOTS * 8];
	struct idr_node node;
	struct ka_error *err;

	if (s->depth == IDR_DEPTH)
		return ka_error_at(KA_CORRUPT, KA_SPACE_VIRT, at, "the IDR is deeper than can be");
	if (!ka_is_kernel_addr(w->k, at) || (at & (width - 1)))
		return ka_error_at(KA_CORRUPT, KA_SPACE_VIRT, at, "the IDR has a layer at 0x%" PRIx64, at);
	if (!ka_map_add(&s->nodes, at, 0))
		return ka_error_at(KA_CORRUPT, KA_SPACE_VIRT, at, "the IDR comes back to its layer 0x%" PRIx64, at);
	err = ka_view_read(w->k, &ka_view_idr_node, at, &node);
	if (err)
		return err;
	if (KA_HAS(w->k, idr_node, layer)) {
		if (s->depth && node.layer != layer)
			return ka_error_at(KA_CORRUPT, KA_SPACE_VIRT, at, "the layer at 0x%" PRIx64 " says it is number %u where number %u "
					   "belongs", at, node.layer, layer);
		layer = node.layer;
	}
	if (layer >= IDR_DEPTH)
		return ka_error_at(KA_CORRUPT, KA_SPACE_VIRT, at, "the IDR would have %u layers", layer + 1);
	l->count = (unsigned)KA_MIN(node.slots_size / width, (uint64_t)IDR_SLOTS);
	for (l->bits = 0; 2u << l->bits <= l->count; l->bits++)
		;
	l->layer = layer;
	l->index = index;
	l->next = 0;
	err = ka_read(w->k, node.slots_at, bytes, l->count * width);
	if (err)
		return err;
	for (unsigned i = 0; i < l->count; i++)
		l->slots[i] = ka_uint_from(w->k, bytes + i * width, width);
	s->depth++;
	return NULL;
}

static struct ka_error *idr_step(struct ka_walk *w, ka_addr *ret, bool *ret_done)
{
	struct idr_state *s = w->state;

	if (!s->has_started) {
		s->has_started = true;
		/* top may stay while the last layer is taken away: then layers is 0 */
		if (s->root.top && (s->root.layers || !KA_HAS(w->k, idr_root, layers))) {
			struct ka_error *err = idr_push(w, s->root.top, 0, s->root.layers ? s->root.layers - 1 : 0);

			if (err)
				return err;
		}
	}
	while (s->depth) {
		struct idr_level *l = &s->level[s->depth - 1];
		unsigned slot = l->next++;
		uint64_t index, entry;

		if (ka_interrupted())
			return ka_error_new(KA_INTERRUPTED, "interrupted");
		if (slot >= l->count) {
			s->depth--;
			continue;
		}
		entry = l->slots[slot];
		index = l->index | (uint64_t)slot << (l->layer * l->bits);
		s->place.slot[s->depth - 1] = (uint8_t)slot;
		if (!entry)
			continue;
		if (l->layer) {
			ka_walk_fault(w, idr_push(w, entry, index, l->layer - 1));
			continue;
		}
		s->place.entry = *ret = entry;
		s->place.first = s->place.last = index;
		s->place.depth = s->depth;
		return NULL;
	}
	*ret_done = true;
	return NULL;
}

static void idr_fini(struct ka_walk *w)
{
	ka_map_free(&((struct idr_state *)w->state)->nodes);
}

static const struct ka_place *idr_place(const struct ka_walk *w)
{
	return &((const struct idr_state *)w->state)->place;
}

struct ka_walk ka_walk_idr(struct ka_kernel *k, ka_addr idr)
{
	static const struct ka_walk_ops ops = { .name = "IDR", .step = idr_step, .fini = idr_fini, .place = idr_place };
	struct idr_state *s;
	struct idr_root root;
	struct ka_error *err = ka_view_read(k, &ka_view_idr_root, idr, &root);

	if (err)
		return (struct ka_walk){ .k = k, .ops = &ops, .err = err };
	if (root.tree_at)
		return ka_walk_xarray_base(k, root.tree_at, 0, root.base);
	s = ka_xalloc(sizeof(*s));
	s->root = root;
	return (struct ka_walk){ .k = k, .ops = &ops, .at = idr, .state = s, .may_repeat = true };
}
