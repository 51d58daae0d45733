/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The face of types over DWARF, for kernels without BTF. Ids are numbers of DIEs: offsets in .debug_info. */
#include "dwarf_types.h"

/* Bounds that only damaged or hostile DWARF meets. */
#define MODIFIERS_MAX	64		/* typedefs and qualifiers in a row */
#define ORIGINS_MAX	8		/* declarations of declarations */
#define ARRAYS_MAX	32		/* dimensions */
#define ANONYMOUS_MAX	12		/* depth of anonymous structs */

static struct ka_dwarf_types *of(struct ka_types *t)
{
	return t->priv;
}

static enum ka_type_kind base_kind(uint64_t encoding)
{
	switch (encoding) {
	case DW_ATE_float:
	case DW_ATE_decimal_float:
		return KA_TYPE_FLOAT;
	case DW_ATE_complex_float:
	case DW_ATE_imaginary_float:
		return KA_TYPE_OTHER;
	}
	return KA_TYPE_INT;
}

enum ka_type_kind ka_dwarf_kind_of(const struct ka_dwarf_die *die)
{
	switch (die->tag) {
	case 0:
		return KA_TYPE_VOID;
	case DW_TAG_base_type:
		return base_kind(die->encoding);
	case DW_TAG_structure_type:
	case DW_TAG_class_type:
		return KA_TYPE_STRUCT;
	case DW_TAG_union_type:
		return KA_TYPE_UNION;
	case DW_TAG_enumeration_type:
		return KA_TYPE_ENUM;
	case DW_TAG_pointer_type:
	case DW_TAG_reference_type:
	case DW_TAG_rvalue_reference_type:
		return KA_TYPE_POINTER;
	case DW_TAG_array_type:
	case DW_TAG_subrange_type:
		return KA_TYPE_ARRAY;
	case DW_TAG_subroutine_type:
	case DW_TAG_subprogram:
		return KA_TYPE_FUNC;
	case DW_TAG_typedef:
		return KA_TYPE_TYPEDEF;
	}
	return KA_TYPE_OTHER;
}

static uint32_t dwarf_find(struct ka_types *types, enum ka_type_kind kind, const char *name)
{
	struct ka_dwarf_types *t = of(types);
	struct ka_dwarf_die die;
	uint32_t id;

	switch (kind) {
	case KA_TYPE_STRUCT:
		return ka_dwarf_index_find(&t->index, KA_DWARF_STRUCT, name);
	case KA_TYPE_UNION:
		return ka_dwarf_index_find(&t->index, KA_DWARF_UNION, name);
	case KA_TYPE_ENUM:
		return ka_dwarf_index_find(&t->index, KA_DWARF_ENUM, name);
	case KA_TYPE_TYPEDEF:
		return ka_dwarf_index_find(&t->index, KA_DWARF_TYPEDEF, name);
	case KA_TYPE_INT:
	case KA_TYPE_FLOAT:
		id = ka_dwarf_index_find(&t->index, KA_DWARF_BASE, name);
		return id && ka_dwarf_die(t->dwarf, id, &die) && ka_dwarf_kind_of(&die) == kind ? id : 0;
	default:
		return 0;
	}
}

static bool dwarf_enumerator(struct ka_types *types, const char *name, int64_t *ret)
{
	struct ka_dwarf_types *t = of(types);
	uint32_t id = ka_dwarf_index_find(&t->index, KA_DWARF_ENUMERATOR, name);
	struct ka_dwarf_die die;

	if (!id || !ka_dwarf_die(t->dwarf, id, &die) || !(die.has & KA_DWARF_VALUE))
		return false;
	*ret = die.value;
	return true;
}

/* The enum around an enumerator, in a list of siblings and below: what holds it begins before it, and the next behind it. */
static uint32_t enum_around(const struct ka_dwarf *d, const struct ka_dwarf_die *parent, uint32_t id, unsigned depth)
{
	struct ka_dwarf_die die, holder = { 0 };

	for (bool ok = ka_dwarf_child(d, parent, &die); ok && die.id < id; ok = ka_dwarf_next(d, &die))
		holder = die;
	if (!holder.id || !holder.has_children || depth > ANONYMOUS_MAX)
		return 0;
	return holder.tag == DW_TAG_enumeration_type ? holder.id : enum_around(d, &holder, id, depth + 1);
}

static uint32_t dwarf_enumerator_type(struct ka_types *types, const char *name)
{
	struct ka_dwarf_types *t = of(types);
	uint32_t id = ka_dwarf_index_find(&t->index, KA_DWARF_ENUMERATOR, name);
	struct ka_dwarf_die die, root;

	if (!id || !ka_dwarf_die(t->dwarf, id, &die) || !ka_dwarf_root(t->dwarf, die.unit, NULL, &root))
		return 0;
	return enum_around(t->dwarf, &root, id, 0);
}

/* What a struct, union or enum that this unit only declares is elsewhere. */
static void complete(struct ka_dwarf_types *t, struct ka_dwarf_die *die)
{
	enum ka_type_kind kind = ka_dwarf_kind_of(die);
	struct ka_dwarf_die full;
	uint32_t id;

	if (die->signature && ka_dwarf_die(t->dwarf, die->signature, &full) && full.tag == die->tag) {
		*die = full;
		return;
	}
	if (!die->is_declaration || !die->name || (kind != KA_TYPE_STRUCT && kind != KA_TYPE_UNION && kind != KA_TYPE_ENUM))
		return;
	/*
	 * Who asks for the definition finds it there (ka_type_strip). BTF is made of all units: what it does not define either, none
	 * does.
	 */
	if (t->types.fuller && t->types.fuller->ops->find(t->types.fuller, kind, die->name))
		return;
	id = dwarf_find(&t->types, kind, die->name);
	if (id && ka_dwarf_die(t->dwarf, id, &full))
		*die = full;
}

/* Type and name that a definition leaves to its declaration, or code to the function as it is inlined. */
static void inherit(struct ka_dwarf_types *t, struct ka_dwarf_die *die)
{
	struct ka_dwarf_die origin;

	for (int i = 0; i < ORIGINS_MAX && die->origin && (!die->type || !die->name); i++) {
		if (!ka_dwarf_die(t->dwarf, die->origin, &origin) || origin.tag != die->tag)
			return;
		die->type = die->type ? die->type : origin.type;
		die->name = die->name ? die->name : origin.name;
		die->origin = origin.origin;
	}
}

/* Follows typedefs and qualifiers; brief (may be NULL) gets the outermost typedef. False at damage and loops. */
bool ka_dwarf_resolve(struct ka_dwarf_types *t, uint32_t id, struct ka_dwarf_die *ret, struct ka_type_brief *brief)
{
	for (int i = 0; i < MODIFIERS_MAX; i++) {
		if (!id) {
			memset(ret, 0, sizeof(*ret));
			return true;
		}
		if (!ka_dwarf_die(t->dwarf, id, ret))
			return false;
		switch (ret->tag) {
		case DW_TAG_typedef:
			if (brief && !brief->typedef_name) {
				brief->typedef_name = ret->name;
				brief->aliased = ret->type;
			}
			/* fall through */
		case DW_TAG_const_type:
		case DW_TAG_volatile_type:
		case DW_TAG_restrict_type:
		case DW_TAG_atomic_type:
		case DW_TAG_packed_type:
		case DW_TAG_immutable_type:
		case DW_TAG_member:
		case DW_TAG_variable:
		case DW_TAG_formal_parameter:
			inherit(t, ret);
			id = ret->type;
			continue;
		}
		complete(t, ret);
		return true;
	}
	return false;
}

/* ---- arrays ---- */

/* Elements of a dimension; 0: flexible, or of a number known at run time only. */
static uint64_t dimension(const struct ka_dwarf_die *subrange)
{
	if (subrange->has & KA_DWARF_COUNT)
		return subrange->count;
	/* A bound of -1, in whatever width, is how some compilers write [0]. */
	if (subrange->has & KA_DWARF_UPPER_BOUND && subrange->upper_bound != UINT64_MAX && subrange->upper_bound != UINT32_MAX)
		return subrange->upper_bound + 1;
	return 0;
}

static bool next_subrange(const struct ka_dwarf *d, struct ka_dwarf_die *at)
{
	while (ka_dwarf_next(d, at))
		if (at->tag == DW_TAG_subrange_type)
			return true;
	return false;
}

/* First dimension of an array, or of the array inside that a subrange stands for; and where that leaves its elements. */
static void open_array(struct ka_dwarf_types *t, const struct ka_dwarf_die *die, uint64_t *ret_count, uint32_t *ret_element)
{
	struct ka_dwarf_die array = *die, sub = *die;
	uint64_t array_id = die->id;
	bool ok = true;

	*ret_count = 0;
	*ret_element = 0;
	if (die->tag == DW_TAG_subrange_type) {
		pthread_mutex_lock(&t->dimensions_lock);
		ok = ka_map_get(&t->dimensions, die->id, &array_id);
		pthread_mutex_unlock(&t->dimensions_lock);
		if (!ok || !ka_dwarf_die(t->dwarf, (uint32_t)array_id, &array))
			return;
	} else {
		ok = ka_dwarf_child(t->dwarf, die, &sub);
		if (ok && sub.tag != DW_TAG_subrange_type)
			ok = next_subrange(t->dwarf, &sub);
	}
	*ret_element = array.type;
	if (!ok)
		return;
	*ret_count = dimension(&sub);
	if (next_subrange(t->dwarf, &sub)) {
		*ret_element = sub.id;
		pthread_mutex_lock(&t->dimensions_lock);
		ka_map_set(&t->dimensions, sub.id, array_id);
		pthread_mutex_unlock(&t->dimensions_lock);
	}
}

uint64_t ka_dwarf_size_of(struct ka_dwarf_types *t, const struct ka_dwarf_die *type)
{
	struct ka_dwarf_die die = *type;
	uint64_t total = 1, count;
	uint32_t element;

	for (int i = 0; i < ARRAYS_MAX; i++) {
		uint64_t size = die.has & KA_DWARF_BYTE_SIZE ? die.byte_size : 0;

		switch (ka_dwarf_kind_of(&die)) {
		case KA_TYPE_ARRAY:
			open_array(t, &die, &count, &element);
			if (__builtin_mul_overflow(total, count, &total))
				return UINT64_MAX;
			if (!ka_dwarf_resolve(t, element, &die, NULL))
				return 0;
			continue;
		case KA_TYPE_POINTER:
			size = size ? size : die.unit->address_size;
			break;
		case KA_TYPE_ENUM:
			/* DWARF 3 on may leave the size to the type below. */
			if (!size && die.type && ka_dwarf_resolve(t, die.type, &die, NULL))
				size = die.byte_size;
			break;
		case KA_TYPE_VOID:
		case KA_TYPE_FUNC:
			return 0;
		default:
			break;
		}
		return __builtin_mul_overflow(total, size, &total) ? UINT64_MAX : total;
	}
	return 0;
}

/* ---- the rest of the face ---- */

static bool enum_is_signed(struct ka_dwarf_types *t, const struct ka_dwarf_die *die)
{
	struct ka_dwarf_die c;

	if (die->type && ka_dwarf_resolve(t, die->type, &c, NULL) && c.tag == DW_TAG_base_type)
		return c.encoding == DW_ATE_signed || c.encoding == DW_ATE_signed_char;
	for (bool ok = ka_dwarf_child(t->dwarf, die, &c); ok; ok = ka_dwarf_next(t->dwarf, &c))
		if (c.tag == DW_TAG_enumerator && c.value < 0)
			return true;
	return false;
}

static void dwarf_describe(struct ka_types *types, uint32_t id, struct ka_type_brief *ret)
{
	struct ka_dwarf_types *t = of(types);
	struct ka_dwarf_die die;

	memset(ret, 0, sizeof(*ret));
	if (!ka_dwarf_resolve(t, id, &die, ret)) {
		ret->kind = KA_TYPE_OTHER;
		return;
	}
	ret->kind = ka_dwarf_kind_of(&die);
	ret->size = ka_dwarf_size_of(t, &die);
	ret->is_declared_only = die.is_declaration;
	switch (ret->kind) {
	case KA_TYPE_POINTER:
		ret->target = die.type;
		break;
	case KA_TYPE_ARRAY:
		open_array(t, &die, &ret->count, &ret->target);
		break;
	case KA_TYPE_INT:
		ret->name = die.name;
		ret->is_signed = die.encoding == DW_ATE_signed || die.encoding == DW_ATE_signed_char;
		break;
	case KA_TYPE_FLOAT:
		ret->name = die.name;
		ret->is_signed = true;
		break;
	case KA_TYPE_ENUM:
		ret->name = die.name;
		ret->is_signed = enum_is_signed(t, &die);
		break;
	default:
		ret->name = die.name;
		break;
	}
}

static void dwarf_step(struct ka_types *types, uint32_t id, struct ka_type_step *ret)
{
	struct ka_dwarf_types *t = of(types);
	struct ka_dwarf_die die, of_what;

	memset(ret, 0, sizeof(*ret));
	if (!id)
		return;
	ret->kind = KA_TYPE_OTHER;
	for (int i = 0; ; i++) {
		if (i == MODIFIERS_MAX || !ka_dwarf_die(t->dwarf, id, &die))
			return;
		if (die.tag != DW_TAG_member && die.tag != DW_TAG_variable && die.tag != DW_TAG_formal_parameter &&
		    die.tag != DW_TAG_atomic_type && die.tag != DW_TAG_packed_type && die.tag != DW_TAG_immutable_type)
			break;
		inherit(t, &die);
		if (!die.type) {
			ret->kind = KA_TYPE_VOID;
			return;
		}
		id = die.type;
	}
	inherit(t, &die);
	if (die.is_declaration || die.signature)
		complete(t, &die);
	ret->kind = ka_dwarf_kind_of(&die);
	ret->name = die.name;
	ret->is_declared_only = die.is_declaration;
	ret->size = ka_dwarf_size_of(t, &die);
	switch (die.tag) {
	case DW_TAG_const_type:
		ret->kind = KA_TYPE_CONST;
		break;
	case DW_TAG_volatile_type:
		ret->kind = KA_TYPE_VOLATILE;
		break;
	case DW_TAG_restrict_type:
		ret->kind = KA_TYPE_RESTRICT;
		break;
	}
	switch (ret->kind) {
	case KA_TYPE_CONST:
	case KA_TYPE_VOLATILE:
	case KA_TYPE_RESTRICT:
	case KA_TYPE_TYPEDEF:
		ret->target = die.type;
		ret->size = ka_dwarf_resolve(t, die.type, &of_what, NULL) ? ka_dwarf_size_of(t, &of_what) : 0;
		break;
	case KA_TYPE_POINTER:
	case KA_TYPE_FUNC:
		ret->target = die.type;
		break;
	case KA_TYPE_ARRAY:
		open_array(t, &die, &ret->count, &ret->target);
		break;
	case KA_TYPE_INT:
		ret->is_signed = die.encoding == DW_ATE_signed || die.encoding == DW_ATE_signed_char;
		ret->is_bool = die.encoding == DW_ATE_boolean;
		ret->is_char = die.encoding == DW_ATE_signed_char || die.encoding == DW_ATE_unsigned_char;
		break;
	case KA_TYPE_FLOAT:
		ret->is_signed = true;
		break;
	case KA_TYPE_ENUM:
		ret->is_signed = enum_is_signed(t, &die);
		break;
	default:
		break;
	}
	if (ret->size == UINT64_MAX)
		ret->size = 0;
}

static size_t dwarf_params(struct ka_types *types, uint32_t id, struct ka_arena *a, struct ka_type_part **ret)
{
	struct { KA_VEC(struct ka_type_part); } list = { 0 };
	struct ka_dwarf_types *t = of(types);
	struct ka_dwarf_die f, p;
	size_t n;

	*ret = NULL;
	if (!ka_dwarf_resolve(t, id, &f, NULL) || ka_dwarf_kind_of(&f) != KA_TYPE_FUNC)
		return 0;
	for (bool ok = ka_dwarf_child(t->dwarf, &f, &p); ok; ok = ka_dwarf_next(t->dwarf, &p)) {
		inherit(t, &p);
		if (p.tag == DW_TAG_formal_parameter)
			ka_vec_push(&list, (struct ka_type_part){ .name = p.name, .type = p.type });
		else if (p.tag == DW_TAG_unspecified_parameters)
			ka_vec_push(&list, (struct ka_type_part){ .name = "..." });
	}
	n = list.n;
	*ret = ka_alloc(a, (n + 1) * sizeof(**ret));
	if (n)
		memcpy(*ret, list.at, n * sizeof(**ret));
	ka_vec_free(&list);
	return n;
}

static struct ka_error *dwarf_size(struct ka_types *types, uint32_t id, uint64_t *ret)
{
	struct ka_type_brief brief;

	dwarf_describe(types, id, &brief);
	if (brief.is_declared_only)
		return ka_error_new(KA_MISSING, "%s is declared, but nowhere defined", brief.name ? brief.name : "the type");
	if (brief.kind == KA_TYPE_VOID || brief.kind == KA_TYPE_FUNC || brief.kind == KA_TYPE_OTHER)
		return ka_error_new(KA_MISSING, "DWARF: the type at %#x has no size", id);
	if (brief.size == UINT64_MAX)
		return ka_error_new(KA_CORRUPT, "DWARF: the size of the type at %#x is beyond all bounds", id);
	*ret = brief.size;
	return NULL;
}

static void dwarf_each_name(struct ka_types *types, void (*fn)(void *, enum ka_type_kind, const char *, uint32_t), void *ctx)
{
	static const enum ka_type_kind kinds[] = {
		[KA_DWARF_STRUCT] = KA_TYPE_STRUCT, [KA_DWARF_UNION] = KA_TYPE_UNION, [KA_DWARF_ENUM] = KA_TYPE_ENUM,
		[KA_DWARF_TYPEDEF] = KA_TYPE_TYPEDEF, [KA_DWARF_BASE] = KA_TYPE_INT };
	struct ka_dwarf_types *t = of(types);
	const struct ka_index *all = ka_dwarf_index_all(&t->index);
	struct ka_dwarf_die die;

	for (size_t i = 0; i < all->entry_count; i++) {
		const struct ka_index_entry *e = &all->entries[i];
		unsigned space = e->space_print >> 24;
		const char *name = ka_index_string(all, e->name);

		if (space == KA_DWARF_BASE && ka_dwarf_die(t->dwarf, e->id, &die))
			fn(ctx, ka_dwarf_kind_of(&die), name, e->id);
		else if (space < KA_DWARF_BASE)
			fn(ctx, kinds[space], name, e->id);
	}
}

static void dwarf_close(struct ka_types *types)
{
	struct ka_dwarf_types *t = of(types);

	ka_dwarf_rust_free(t->rust);
	ka_lazy_deinit(&t->rust_once);
	ka_dwarf_index_deinit(&t->index);
	ka_map_free(&t->dimensions);
	pthread_mutex_destroy(&t->dimensions_lock);
	ka_map_free(&t->jumps);
	for (size_t i = 0; i < t->ways.n; i++)
		free(t->ways.at[i]);
	ka_vec_free(&t->ways);
	pthread_mutex_destroy(&t->jumps_lock);
	free(t);
}

static const struct ka_types_ops dwarf_ops = {
	.name = "DWARF", .find = dwarf_find, .enumerator = dwarf_enumerator, .close = dwarf_close, .size = dwarf_size,
	.member = ka_dwarf_member, .describe = dwarf_describe, .members = ka_dwarf_members, .enumerators = ka_dwarf_enumerators,
	.each_name = dwarf_each_name, .named = ka_dwarf_named, .find_all = ka_dwarf_find_all, .twins = ka_dwarf_twins,
	.rust_types = ka_dwarf_rust_types, .rust_at = ka_dwarf_rust_at, .static_at = ka_dwarf_static_at, .enumerator_type = dwarf_enumerator_type, .step = dwarf_step, .params = dwarf_params,
};

struct ka_error *ka_types_open_dwarf(struct ka_object *o, struct ka_types **ret)
{
	struct ka_dwarf_types *t = ka_xalloc(sizeof(*t));
	struct ka_error *err = ka_object_dwarf(o, &t->dwarf);

	if (err) {
		free(t);
		return err;
	}
	t->types = (struct ka_types){
		.ops = &dwarf_ops, .priv = t, .is_big_endian = o->is_big_endian, .long_size = o->is_64bit ? 8 : 4 };
	pthread_mutex_init(&t->dimensions_lock, NULL);
	pthread_mutex_init(&t->jumps_lock, NULL);
	ka_lazy_init(&t->rust_once);
	ka_dwarf_index_init(&t->index, t->dwarf, o);
	*ret = &t->types;
	return NULL;
}
