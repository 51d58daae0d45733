/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Values and declarations as trees, for JSON. */
#include <inttypes.h>
#include "printer.h"

#define DEPTH_MAX (KA_NODE_DEPTH_MAX - 8)

struct tree {
	struct ka_printer p;
	struct ka_arena *arena;		/* of the result */
};

#define NODE_PARTS 2	/* what it takes of memory, and to write */

static struct ka_node *node_new(struct ka_arena *a, enum ka_node_kind kind, const char *key)
{
	struct ka_node *n = ka_alloc(a, sizeof(*n));

	n->kind = kind;
	n->key = key;
	return n;
}

static struct ka_node *text_node(struct ka_arena *a, const char *key, const char *text)
{
	struct ka_node *n = node_new(a, text ? KA_NODE_TEXT : KA_NODE_NULL, key);

	if (text) {
		n->size = strlen(text);
		n->text = ka_strndup(a, text, n->size);
	}
	return n;
}

static struct ka_node *uint_node(struct ka_arena *a, const char *key, enum ka_node_kind kind, uint64_t value)
{
	struct ka_node *n = node_new(a, kind, key);

	n->u = value;
	return n;
}

/* Two of them as one object. */
static struct ka_node *pair(struct ka_arena *a, struct ka_node *first, struct ka_node *second)
{
	struct ka_node *n = node_new(a, KA_NODE_OBJECT, NULL);

	n->first = first;
	first->next = second;
	return n;
}

static struct ka_node *value_node(struct tree *t, const struct ka_place *place, unsigned depth);

static struct ka_node *int_node(struct tree *t, const struct ka_place *place, const struct ka_type_info *info, const char *key)
{
	struct ka_node *n = node_new(t->arena, KA_NODE_NULL, key);
	__int128 value;

	if (!info->size || info->size > 16 || !ka_printer_int(&t->p, place, info, &value))
		return n;
	if (info->is_bool) {
		n->kind = KA_NODE_BOOL;
		n->is_true = value != 0;
	} else if (info->is_signed ? value == (int64_t)value : value >> 64 == 0) {
		n->kind = info->is_signed ? KA_NODE_INT : KA_NODE_UINT;
		n->u = (uint64_t)value;
	} else {
		/* beyond what a number of JSON's readers holds */
		*n = *text_node(t->arena, key, ka_printf(t->arena, "0x%" PRIx64 "%016" PRIx64, (uint64_t)(value >> 64), (uint64_t)value));
	}
	return n;
}

static struct ka_node *enum_node(struct tree *t, const struct ka_place *place, const struct ka_print_type *type)
{
	struct ka_node *value = int_node(t, place, &type->info, "value");
	struct ka_str name = {0};
	bool has_name = value->kind != KA_NODE_NULL && ka_enum_name(type, value->i, &name);
	struct ka_node *n = pair(t->arena, value, text_node(t->arena, "name", has_name ? name.p : NULL));

	ka_str_free(&name);
	return n;
}

static struct ka_node *float_node(struct tree *t, const struct ka_place *place, const struct ka_type_info *info)
{
	struct ka_node *n = node_new(t->arena, KA_NODE_NULL, NULL);
	long double value;

	if (ka_printer_float(&t->p, place, info->size, &value)) {
		n->kind = KA_NODE_FLOAT;
		n->f = (double)value;
	}
	return n;
}

static struct ka_node *pointer_node(struct tree *t, const struct ka_place *place, const struct ka_type_info *info)
{
	struct ka_type_info as_int = { .kind = KA_TYPE_INT, .size = info->size ? info->size : t->p.k ? ka_long_size(t->p.k) : 8 };
	const struct ka_print_type *target = ka_printer_target(&t->p, &info->target);
	bool is_func = target->info.kind == KA_TYPE_FUNC, is_string = target->info.kind == KA_TYPE_INT && target->info.name &&
		!strcmp(target->info.name, "char");
	struct ka_node *address, *more;
	struct ka_str name = {0};
	__int128 value;

	if (as_int.size > 8 || !ka_printer_int(&t->p, place, &as_int, &value))
		return node_new(t->arena, KA_NODE_NULL, NULL);
	address = uint_node(t->arena, "address", KA_NODE_ADDR, (uint64_t)value);
	if (!is_func && !is_string)
		return address;
	more = node_new(t->arena, KA_NODE_NULL, is_func ? "symbol" : "string");
	if (is_func && ka_address_symbol(t->p.k, (uint64_t)value, &name)) {
		more = text_node(t->arena, "symbol", name.p);
	} else if (is_string && value) {
		uint8_t *bytes;
		bool has_more;

		if (ka_printer_string(&t->p, (uint64_t)value, t->p.how.elements_max, &bytes, &more->size, &has_more)) {
			more->kind = KA_NODE_TEXT;
			more->text = ka_strndup(t->arena, (const char *)bytes, more->size);
		} else {
			more->first = NULL;
		}
	}
	ka_str_free(&name);
	return pair(t->arena, address, more);
}

static struct ka_node *chars_node(struct tree *t, const struct ka_place *place, uint64_t count)
{
	struct ka_node *n = node_new(t->arena, KA_NODE_NULL, NULL);
	size_t size = (size_t)KA_MIN(count, (uint64_t)1 << 20);
	char *bytes = ka_alloc(t->arena, size + 1);

	ka_printer_charge(&t->p, size / 2);	/* each may be six bytes of JSON */
	if (!ka_printer_read(&t->p, place->at, bytes, size, true))
		return n;
	while (size && !bytes[size - 1])
		size--;
	n->kind = KA_NODE_TEXT;
	n->text = bytes;
	n->size = size;
	return n;
}

static struct ka_node *array_node(struct tree *t, const struct ka_place *place, const struct ka_type_info *info, unsigned depth)
{
	const struct ka_print_type *element = ka_printer_type(&t->p, &info->target);
	struct ka_node *n = node_new(t->arena, KA_NODE_LIST, NULL);
	const struct ka_node **link = &n->first;
	bool is_empty = element->info.kind == KA_TYPE_STRUCT && !element->info.is_declared_only;

	if (info->count && element->info.kind == KA_TYPE_INT && element->info.name && !strcmp(element->info.name, "char"))
		return chars_node(t, place, info->count);
	/* elements of no size are structs without members (struct lock_class_key without lockdep): as many, all in one place */
	for (uint64_t i = 0; (element->info.size || is_empty) && i < info->count && ka_printer_part(&t->p); i++) {
		struct ka_place e = { .type = info->target, .at = place->at + i * element->info.size };
		struct ka_node *one = value_node(t, &e, depth + 1);

		one->key = NULL;
		*link = one;
		link = &one->next;
	}
	return n;
}

/* The members behind *link; those of anonymous structs stand among them. Returns where to go on. */
static const struct ka_node **members_node(struct tree *t, const struct ka_place *place, const struct ka_print_type *type,
					   unsigned depth, const struct ka_node **link)
{
	for (size_t i = 0; i < type->field_count && ka_printer_part(&t->p); i++) {
		const struct ka_type_field *f = &type->fields[i];
		struct ka_place member = ka_place_member(place, f);
		struct ka_node *one;

		if (!f->name) {
			const struct ka_print_type *inner = ka_printer_type(&t->p, &f->type);

			if (depth < DEPTH_MAX && (inner->info.kind == KA_TYPE_STRUCT || inner->info.kind == KA_TYPE_UNION))
				link = members_node(t, &member, inner, depth + 1, link);
			continue;
		}
		ka_printer_charge(&t->p, strlen(f->name) / KA_PRINT_TEXT_PART);
		one = value_node(t, &member, depth + 1);
		one->key = f->name;
		*link = one;
		link = &one->next;
	}
	return link;
}

static struct ka_node *value_node(struct tree *t, const struct ka_place *place, unsigned depth)
{
	const struct ka_print_type *type = ka_printer_type(&t->p, &place->type);
	struct ka_node *n;

	ka_printer_charge(&t->p, NODE_PARTS);
	if (depth > DEPTH_MAX)
		return node_new(t->arena, KA_NODE_NULL, NULL);
	switch (type->info.kind) {
	case KA_TYPE_STRUCT:
	case KA_TYPE_UNION:
		n = node_new(t->arena, KA_NODE_OBJECT, NULL);
		members_node(t, place, type, depth, &n->first);
		return n;
	case KA_TYPE_ARRAY:
		return array_node(t, place, &type->info, depth);
	case KA_TYPE_POINTER:
		return pointer_node(t, place, &type->info);
	case KA_TYPE_INT:
		return int_node(t, place, &type->info, NULL);
	case KA_TYPE_ENUM:
		return enum_node(t, place, type);
	case KA_TYPE_FLOAT:
		return float_node(t, place, &type->info);
	case KA_TYPE_FUNC:
		return uint_node(t->arena, NULL, KA_NODE_ADDR, place->at);
	default:
		return node_new(t->arena, KA_NODE_NULL, NULL);
	}
}

struct ka_error *ka_value_tree(struct ka_kernel *k, const struct ka_value *x, const struct ka_print *how, struct ka_arena *a,
			       const struct ka_node **ret)
{
	struct tree t = { .arena = a };
	struct ka_place place = ka_place_of(x);

	if (x->text) {
		struct ka_node *n = node_new(a, KA_NODE_TEXT, NULL);

		n->text = ka_strndup(a, x->text, x->text_size);
		n->size = x->text_size;
		*ret = n;
		return NULL;
	}
	ka_printer_init(&t.p, k, how);
	*ret = value_node(&t, &place, 0);
	return ka_printer_deinit(&t.p);
}

/* ---- declarations ---- */

static const char *kind_name(enum ka_type_kind kind)
{
	static const char *const names[] = {
		[KA_TYPE_VOID] = "void", [KA_TYPE_INT] = "integer", [KA_TYPE_FLOAT] = "float", [KA_TYPE_POINTER] = "pointer",
		[KA_TYPE_ARRAY] = "array", [KA_TYPE_STRUCT] = "struct", [KA_TYPE_UNION] = "union", [KA_TYPE_ENUM] = "enum",
		[KA_TYPE_FUNC] = "function", [KA_TYPE_TYPEDEF] = "typedef",
	};

	return kind < KA_COUNT(names) && names[kind] ? names[kind] : "unknown";
}

static struct ka_node *members_list(struct ka_kernel *k, const struct ka_type *type, struct ka_arena *a, unsigned depth, unsigned *left)
{
	struct ka_node *list = node_new(a, KA_NODE_LIST, "members");
	const struct ka_node **link = &list->first;
	struct ka_type_field *fields;
	size_t n = ka_type_members(k, type, a, &fields);

	for (size_t i = 0; i < n && (*left)--; i++) {
		struct ka_node *m = node_new(a, KA_NODE_OBJECT, NULL), *at;
		struct ka_str text = {0};
		struct ka_type_info info;
		struct ka_type inner = ka_type_strip(k, &fields[i].type, &info);

		ka_type_text(k, &fields[i].type, NULL, &text);
		m->first = at = text_node(a, "name", fields[i].name);
		at->next = text_node(a, "type", text.p);
		at = (struct ka_node *)at->next;
		at->next = uint_node(a, "offset", KA_NODE_UINT, fields[i].offset_bits / 8);
		at = (struct ka_node *)at->next;
		at->next = uint_node(a, "size", KA_NODE_UINT, info.size);
		at = (struct ka_node *)at->next;
		at->next = uint_node(a, "bit_offset", fields[i].bit_size ? KA_NODE_UINT : KA_NODE_NULL, fields[i].offset_bits % 8);
		at = (struct ka_node *)at->next;
		at->next = uint_node(a, "bit_size", fields[i].bit_size ? KA_NODE_UINT : KA_NODE_NULL, fields[i].bit_size);
		at = (struct ka_node *)at->next;
		if (!fields[i].name && (info.kind == KA_TYPE_STRUCT || info.kind == KA_TYPE_UNION) && depth < 16)
			at->next = members_list(k, &inner, a, depth + 1, left);
		*link = m;
		link = &m->next;
		ka_str_free(&text);
	}
	if (*left > 65536)
		*left = 0;
	return list;
}

const struct ka_node *ka_type_tree(struct ka_kernel *k, const struct ka_type *type, struct ka_arena *a)
{
	struct ka_node *n = node_new(a, KA_NODE_OBJECT, NULL), *at;
	struct ka_type_info first, info;
	struct ka_type t = ka_type_strip(k, type, &info);
	struct ka_str text = {0};
	unsigned left = 65536;

	ka_type_info(k, type, &first);
	ka_type_text(k, type, NULL, &text);
	n->first = at = text_node(a, "type", text.p);
	at->next = text_node(a, "kind", kind_name(info.kind));
	at = (struct ka_node *)at->next;
	ka_str_clear(&text);
	if (first.kind == KA_TYPE_TYPEDEF)
		ka_type_text(k, &first.target, NULL, &text);
	at->next = text_node(a, "typedef_of", first.kind == KA_TYPE_TYPEDEF ? text.p : NULL);
	at = (struct ka_node *)at->next;
	at->next = uint_node(a, "size", KA_NODE_UINT, info.size);
	at = (struct ka_node *)at->next;
	if (info.kind == KA_TYPE_STRUCT || info.kind == KA_TYPE_UNION) {
		at->next = members_list(k, &t, a, 0, &left);
	} else if (info.kind == KA_TYPE_ENUM) {
		struct ka_node *list = node_new(a, KA_NODE_LIST, "enumerators");
		const struct ka_node **link = &list->first;
		struct ka_type_field *values;
		size_t count = ka_type_enumerators(k, &t, a, &values);

		for (size_t i = 0; i < count; i++) {
			struct ka_node *one = pair(a, text_node(a, "name", values[i].name),
						   uint_node(a, "value", KA_NODE_INT, (uint64_t)values[i].value));

			*link = one;
			link = &one->next;
		}
		at->next = list;
	}
	ka_str_free(&text);
	return n;
}
